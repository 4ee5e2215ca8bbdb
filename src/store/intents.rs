//! Idempotency keys: what a request with a key did, so that asking again gives the same answer and does nothing twice.
//!
//! The row commits together with what it stands for. The fingerprint tells a repeat from another request that uses the
//! same key by mistake.

use super::StoreError;
use crate::domain::Timestamp;

/// A key that was used, and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    pub key: String,
    /// Who used it.
    pub person: String,
    pub stream: String,
    /// A hash of what was asked.
    pub fingerprint: String,
    /// The entries that it appended, both ends included.
    pub first_seq: i64,
    pub last_seq: i64,
    pub at: Timestamp,
}

row!(Intent { key, person, stream, fingerprint, first_seq, last_seq, at });

queries! {
    /// What a key did, if it was used.
    read pub fn intent(db, key: &str) -> Option<Intent> {
        let sql = "SELECT key, person, stream, fingerprint, first_seq, last_seq, at FROM intents WHERE key = $1";
        Ok(sqlx::query_as(sql).bind(key).fetch_optional(db).await?)
    }

    /// Keeps what a key did; `Duplicate` when it was used before.
    write pub fn insert_intent(db, intent: &Intent) -> () {
        let added = sqlx::query(
            "INSERT INTO intents (key, person, stream, fingerprint, first_seq, last_seq, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
            .bind(&intent.key)
            .bind(&intent.person)
            .bind(&intent.stream)
            .bind(&intent.fingerprint)
            .bind(intent.first_seq)
            .bind(intent.last_seq)
            .bind(intent.at)
            .execute(db)
            .await?;
        if added.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Duplicate) }
    }

    /// Forgets keys used before `before`; answers how many.
    alone pub fn delete_intents_before(db, before: Timestamp) -> u64 {
        Ok(sqlx::query("DELETE FROM intents WHERE at < $1").bind(before).execute(db).await?.rows_affected())
    }
}
