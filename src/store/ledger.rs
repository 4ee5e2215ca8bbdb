//! One ledger for every journal: gapless, ordered by commit, and chained by hash.
//!
//! A stream is one journal (`incident/RB-0001`, `access`, `settings`); its versions count from 1. `seq` counts over all
//! streams. A plain identity column hands numbers out before commit, so that a reader who follows the tail misses what
//! commits late; here the number comes from the `head` row, which a writer holds until it commits.
//!
//! Each entry's hash covers the hash before it, so that nothing can be changed, cut out or moved unnoticed:
//!
//! ```text
//! body_hash = SHA-256(body)
//! hash      = SHA-256("backout-ledger-1\0" ‖ field(prev) ‖ field(seq) ‖ field(stream) ‖ field(version) ‖ field(kind)
//!                     ‖ field(at) ‖ field(actor) ‖ field(body_hash))
//! field(x)  = length of x in bytes, 8 bytes big-endian ‖ x
//! ```
//!
//! Hashes are their 64 lower-case hexadecimal digits, numbers their decimal digits, `at` microseconds; before the first
//! entry stands [`GENESIS`]. The body is outside the chain's hash but for its own, so that a purge can drop it.

use super::{Result, StoreError, Tx, newest_schema};
use crate::domain::Timestamp;
use sha2::{Digest, Sha256};

/// The hash before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The newest end of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last entry's number; 0 before the first.
    pub seq: i64,
    /// The last entry's hash.
    pub hash: String,
    /// The last entry's time. The time of a write is never before it, whatever the clock says.
    pub at: Timestamp,
    /// The newest migration that was applied.
    pub schema: i64,
}

row!(Head { seq, hash, at, schema });

/// What to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    pub kind: String,
    /// JSON, opaque here, kept byte for byte.
    pub body: String,
}

impl NewEntry {
    pub fn new(kind: impl Into<String>, body: impl Into<String>) -> NewEntry {
        NewEntry { kind: kind.into(), body: body.into() }
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub seq: i64,
    pub stream: String,
    /// Counts from 1 within the stream.
    pub version: i64,
    pub kind: String,
    pub at: Timestamp,
    /// Who: a person's id, a token's, or the system's name for itself.
    pub actor: String,
    /// The JSON as appended, or nothing once it was purged.
    pub body: Option<String>,
    pub body_hash: String,
    pub hash: String,
}

row!(Entry { seq, stream, version, kind, at, actor, body, body_hash, hash });

/// SHA-256 of a text, as 64 lower-case hexadecimal digits.
pub fn text_hash(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// The hash that an entry must have after `previous`. The module's head says how it is made.
pub fn chain_hash(previous: &str, entry: &Entry) -> String {
    let mut hash = Sha256::new();
    hash.update(b"backout-ledger-1\0");
    for field in [
        previous,
        &entry.seq.to_string(),
        &entry.stream,
        &entry.version.to_string(),
        &entry.kind,
        &entry.at.0.to_string(),
        &entry.actor,
        &entry.body_hash,
    ] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field.as_bytes());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

impl Tx {
    /// Takes the head row until the end of the transaction. Do it first: nothing read before can be trusted, since other
    /// writers of the ledger wait here, and nowhere else.
    ///
    /// `SchemaTooNew` when a newer program migrated the database under us.
    pub async fn lock_head(&mut self) -> Result<Head> {
        if let Some(head) = &self.head {
            return Ok(head.clone());
        }
        let head = self.take_head().await?;
        if head.schema > newest_schema() {
            return Err(StoreError::SchemaTooNew { database: head.schema, binary: newest_schema() });
        }
        self.head = Some(head.clone());
        Ok(head)
    }

    /// Appends to one stream, all of `entries` or nothing, and answers them as they were written.
    ///
    /// With `expected_version` the stream must stand exactly there (0: it is new), else `Conflict`. The entries' time is
    /// `at`, or the head's where that is later. `actor` is who caused them.
    pub async fn append(
        &mut self,
        stream: &str,
        expected_version: Option<i64>,
        at: Timestamp,
        actor: &str,
        entries: &[NewEntry],
    ) -> Result<Vec<Entry>> {
        let mut head = self.lock_head().await?;
        let mut version = self.version(stream).await?;
        if expected_version.is_some_and(|expected| expected != version) {
            return Err(StoreError::Conflict);
        }
        head.at = head.at.max(at);
        let mut written = Vec::with_capacity(entries.len());
        for NewEntry { kind, body } in entries {
            head.seq += 1;
            version += 1;
            let mut entry = Entry {
                seq: head.seq,
                stream: stream.to_owned(),
                version,
                kind: kind.clone(),
                at: head.at,
                actor: actor.to_owned(),
                body_hash: text_hash(body),
                body: Some(body.clone()),
                hash: String::new(),
            };
            entry.hash = chain_hash(&head.hash, &entry);
            head.hash.clone_from(&entry.hash);
            self.insert_entry(&entry).await.map_err(|fault| match fault {
                // The head row is ours, so only a hand beside it can have taken the place.
                StoreError::Duplicate => StoreError::Conflict,
                other => other,
            })?;
            written.push(entry);
        }
        if !written.is_empty() {
            self.move_head(&head).await?;
            self.appended = Some(head.seq);
            self.head = Some(head);
        }
        Ok(written)
    }
}

macro_rules! columns {
    () => {
        "seq, stream, version, kind, at, actor, body, body_hash, hash"
    };
}

pub(super) const VERSION: &str = "SELECT version FROM ledger WHERE stream = $1 ORDER BY version DESC LIMIT 1";
pub(super) const ENTRIES: &str =
    concat!("SELECT ", columns!(), " FROM ledger WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3");
pub(super) const TAIL: &str = concat!("SELECT ", columns!(), " FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2");
pub(super) const BEFORE: &str =
    concat!("SELECT ", columns!(), " FROM ledger WHERE seq < $1 ORDER BY seq DESC LIMIT $2");
pub(super) const ENTRY: &str = concat!("SELECT ", columns!(), " FROM ledger WHERE seq = $1");

queries! {
    write fn take_head(db) -> Head {
        Ok(sqlx::query_as("UPDATE head SET seq = seq WHERE id = 1 RETURNING seq, hash, at, schema").fetch_one(db).await?)
    }

    write fn insert_entry(db, entry: &Entry) -> () {
        sqlx::query(concat!("INSERT INTO ledger (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"))
            .bind(entry.seq)
            .bind(&entry.stream)
            .bind(entry.version)
            .bind(&entry.kind)
            .bind(entry.at)
            .bind(&entry.actor)
            .bind(&entry.body)
            .bind(&entry.body_hash)
            .bind(&entry.hash)
            .execute(db)
            .await?;
        Ok(())
    }

    write fn move_head(db, head: &Head) -> () {
        sqlx::query("UPDATE head SET seq = $1, hash = $2, at = $3 WHERE id = 1")
            .bind(head.seq)
            .bind(&head.hash)
            .bind(head.at)
            .execute(&mut *db)
            .await?;
        dialect::announce(db, head.seq).await
    }

    /// The newest end of the ledger, without holding it.
    read pub fn head(db) -> Head {
        Ok(sqlx::query_as("SELECT seq, hash, at, schema FROM head WHERE id = 1").fetch_one(db).await?)
    }

    /// How many entries a stream has; 0 when it does not exist.
    read pub fn version(db, stream: &str) -> i64 {
        Ok(sqlx::query_scalar(VERSION).bind(stream).fetch_optional(db).await?.unwrap_or(0))
    }

    /// A stream's entries after a version, oldest first.
    read pub fn entries(db, stream: &str, after_version: i64, limit: i64) -> Vec<Entry> {
        Ok(sqlx::query_as(ENTRIES).bind(stream).bind(after_version).bind(limit).fetch_all(db).await?)
    }

    /// All streams' entries after a number, oldest first. Nothing will ever appear before the last one seen.
    read pub fn tail(db, after_seq: i64, limit: i64) -> Vec<Entry> {
        Ok(sqlx::query_as(TAIL).bind(after_seq).bind(limit).fetch_all(db).await?)
    }

    /// All streams' entries before a number, newest first: the pages of the audit log.
    read pub fn entries_before(db, before_seq: i64, limit: i64) -> Vec<Entry> {
        Ok(sqlx::query_as(BEFORE).bind(before_seq).bind(limit).fetch_all(db).await?)
    }

    /// One entry by its number.
    read pub fn entry(db, seq: i64) -> Option<Entry> {
        Ok(sqlx::query_as(ENTRY).bind(seq).fetch_optional(db).await?)
    }

    /// Drops the bodies of a whole stream and keeps its headers; the chain still verifies. Answers how many it dropped.
    write pub fn purge_stream(db, stream: &str) -> u64 {
        let purged = sqlx::query("UPDATE ledger SET body = NULL WHERE stream = $1 AND body IS NOT NULL")
            .bind(stream)
            .execute(db)
            .await?;
        Ok(purged.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            seq: 7,
            stream: "incident/RB-0001".into(),
            version: 3,
            kind: "approved".into(),
            at: Timestamp(1_772_680_468_000_000),
            actor: "ada".into(),
            body: None,
            body_hash: text_hash("{}"),
            hash: String::new(),
        }
    }

    #[test]
    fn the_hash_can_be_made_by_anyone_from_the_description() {
        // Made outside this program, from the module's description alone.
        assert_eq!(text_hash("{}"), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!(chain_hash(GENESIS, &entry()), "7962815f61af49fcfa34d8447f38001467b3ae286f95e298ddad136ce1631224");
    }

    #[test]
    fn every_field_changes_the_hash_and_none_can_flow_into_the_next() {
        let original = chain_hash(GENESIS, &entry());
        let changes: [fn(&mut Entry); 8] = [
            |e| e.seq += 1,
            |e| e.stream.push('0'),
            |e| e.version += 1,
            |e| e.kind.push('!'),
            |e| e.at.0 += 1,
            |e| e.actor.push('a'),
            |e| e.body_hash = text_hash("{ }"),
            |e| {
                e.kind = "approve".into();
                e.stream.push('d');
            },
        ];
        for change in changes {
            let mut changed = entry();
            change(&mut changed);
            assert_ne!(chain_hash(GENESIS, &changed), original);
        }
        assert_ne!(chain_hash(&original, &entry()), original);
    }
}
