//! Tokens for machines, kept by the hash of their secret. A row is never deleted: the ledger names tokens by id.

use super::StoreError;
use crate::domain::Timestamp;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: String,
    pub hash: String,
    pub label: String,
    /// What it may do: `signals`, `registers`, `read`, `runner`.
    pub scope: String,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

row!(Token { id, hash, label, scope, created_by, created_at, expires_at, last_used_at, revoked_at });

/// A token to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    pub id: String,
    pub hash: String,
    pub label: String,
    pub scope: String,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, hash, label, scope, created_by, created_at, expires_at, last_used_at, revoked_at"
    };
}

pub(super) const LIVE: &str =
    concat!("SELECT ", columns!(), " FROM tokens WHERE hash = $1 AND expires_at > $2 AND revoked_at IS NULL");
pub(super) const LIVING_OF: &str =
    concat!("SELECT ", columns!(), " FROM tokens WHERE created_by = $1 AND expires_at > $2 AND revoked_at IS NULL");

queries! {
    /// Adds a token; `Duplicate` when its id or hash is taken.
    alone pub fn insert_token(db, token: &NewToken) -> () {
        let added = sqlx::query(
            "INSERT INTO tokens (id, hash, label, scope, created_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
            .bind(&token.id)
            .bind(&token.hash)
            .bind(&token.label)
            .bind(&token.scope)
            .bind(&token.created_by)
            .bind(token.created_at)
            .bind(token.expires_at)
            .execute(db)
            .await?;
        if added.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Duplicate) }
    }

    /// The token with this hash, unless it has expired at `now` or was revoked.
    read pub fn live_token(db, hash: &str, now: Timestamp) -> Option<Token> {
        Ok(sqlx::query_as(LIVE).bind(hash).bind(now).fetch_optional(db).await?)
    }

    /// Every token, living or not, the newest first.
    read pub fn tokens(db) -> Vec<Token> {
        Ok(sqlx::query_as(concat!("SELECT ", columns!(), " FROM tokens ORDER BY created_at DESC")).fetch_all(db).await?)
    }

    /// What somebody made that is neither expired at `now` nor revoked.
    read pub fn living_tokens_of(db, created_by: &str, now: Timestamp) -> Vec<Token> {
        Ok(sqlx::query_as(LIVING_OF).bind(created_by).bind(now).fetch_all(db).await?)
    }

    /// Notes that a token was used. Do it at most once a minute for each: it is a commit.
    alone pub fn touch_token(db, id: &str, now: Timestamp) -> bool {
        let sql = "UPDATE tokens SET last_used_at = $2 WHERE id = $1";
        Ok(sqlx::query(sql).bind(id).bind(now).execute(db).await?.rows_affected() == 1)
    }

    /// Ends a token. False when there is no such token or it had ended already.
    alone pub fn revoke_token(db, id: &str, now: Timestamp) -> bool {
        let sql = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        Ok(sqlx::query(sql).bind(id).bind(now).execute(db).await?.rows_affected() == 1)
    }
}
