//! What surrounds signing in: one-time links, the brake against guessing, and the devices a person is known by.
//!
//! Links and devices are kept by the hash of their secret. The brake counts failures per bucket (an account, an
//! address); a device that signed in before has a bucket of its own, so that a stranger cannot lock its owner out.

use crate::domain::Timestamp;

/// A one-time link: an invitation, a reset, the first administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub token_hash: String,
    pub purpose: String,
    /// Whom it is for, where that is known.
    pub person: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

row!(Link { token_hash, purpose, person, created_at, expires_at, used_at });

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    pub token_hash: String,
    pub purpose: String,
    pub person: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// How often sign-in failed for an account or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub key: String,
    pub failures: i64,
    /// Until when no attempt is looked at; in the past when there is no block.
    pub blocked_until: Timestamp,
    pub updated_at: Timestamp,
}

row!(Bucket { key, failures, blocked_until, updated_at });

/// A device on which a person signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub token_hash: String,
    pub person: String,
    pub created_at: Timestamp,
    pub last_used: Timestamp,
}

row!(Device { token_hash, person, created_at, last_used });

queries! {
    /// Makes a link.
    alone pub fn insert_link(db, link: &NewLink) -> () {
        let sql = "INSERT INTO links (token_hash, purpose, person, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(sql)
            .bind(&link.token_hash)
            .bind(&link.purpose)
            .bind(&link.person)
            .bind(link.created_at)
            .bind(link.expires_at)
            .execute(db)
            .await?;
        Ok(())
    }

    /// A link that could be taken at `now`, left as it is: for showing its form.
    read pub fn link(db, token_hash: &str, purpose: &str, now: Timestamp) -> Option<Link> {
        let sql = "SELECT token_hash, purpose, person, created_at, expires_at, used_at FROM links
                   WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3";
        Ok(sqlx::query_as(sql).bind(token_hash).bind(purpose).bind(now).fetch_optional(db).await?)
    }

    /// Uses a link up. Of any number who try, one gets it; nobody does when it has expired.
    alone pub fn take_link(db, token_hash: &str, purpose: &str, now: Timestamp) -> Option<Link> {
        let sql = "UPDATE links SET used_at = $3
                   WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
                   RETURNING token_hash, purpose, person, created_at, expires_at, used_at";
        Ok(sqlx::query_as(sql).bind(token_hash).bind(purpose).bind(now).fetch_optional(db).await?)
    }

    /// Makes a person's unused links of one purpose useless, as when a newer one is made; answers how many.
    alone pub fn void_links(db, person: &str, purpose: &str, now: Timestamp) -> u64 {
        let sql = "UPDATE links SET used_at = $3 WHERE person = $1 AND purpose = $2 AND used_at IS NULL";
        Ok(sqlx::query(sql).bind(person).bind(purpose).bind(now).execute(db).await?.rows_affected())
    }

    /// Clears away links past their end, used or not; answers how many.
    alone pub fn delete_expired_links(db, now: Timestamp) -> u64 {
        Ok(sqlx::query("DELETE FROM links WHERE expires_at <= $1").bind(now).execute(db).await?.rows_affected())
    }

    /// Counts a failure and answers the bucket. A count last touched before `forget_before` starts anew.
    alone pub fn add_sign_in_failure(db, key: &str, now: Timestamp, forget_before: Timestamp) -> Bucket {
        let sql = "INSERT INTO sign_in_buckets (key, failures, blocked_until, updated_at) VALUES ($1, 1, 0, $2)
                   ON CONFLICT (key) DO UPDATE SET updated_at = excluded.updated_at, failures =
                   CASE WHEN sign_in_buckets.updated_at < $3 THEN 1 ELSE sign_in_buckets.failures + 1 END
                   RETURNING key, failures, blocked_until, updated_at";
        Ok(sqlx::query_as(sql).bind(key).bind(now).bind(forget_before).fetch_one(db).await?)
    }

    /// Blocks a bucket until `until`, or longer where it is blocked for longer. False when it does not exist.
    alone pub fn block_sign_in(db, key: &str, until: Timestamp) -> bool {
        let sql = "UPDATE sign_in_buckets SET blocked_until =
                   CASE WHEN blocked_until > $2 THEN blocked_until ELSE $2 END WHERE key = $1";
        Ok(sqlx::query(sql).bind(key).bind(until).execute(db).await?.rows_affected() == 1)
    }

    /// Empties a bucket after a success.
    alone pub fn clear_sign_in_bucket(db, key: &str) -> () {
        sqlx::query("DELETE FROM sign_in_buckets WHERE key = $1").bind(key).execute(db).await?;
        Ok(())
    }

    /// Clears away buckets untouched since `before` that block nobody any more; answers how many.
    alone pub fn delete_sign_in_buckets_before(db, before: Timestamp) -> u64 {
        let sql = "DELETE FROM sign_in_buckets WHERE updated_at < $1 AND blocked_until < $1";
        Ok(sqlx::query(sql).bind(before).execute(db).await?.rows_affected())
    }

    /// Remembers a device of a person.
    alone pub fn insert_device(db, token_hash: &str, person: &str, now: Timestamp) -> () {
        let sql = "INSERT INTO devices (token_hash, person, created_at, last_used) VALUES ($1, $2, $3, $3)";
        sqlx::query(sql).bind(token_hash).bind(person).bind(now).execute(db).await?;
        Ok(())
    }

    read pub fn device(db, token_hash: &str) -> Option<Device> {
        let sql = "SELECT token_hash, person, created_at, last_used FROM devices WHERE token_hash = $1";
        Ok(sqlx::query_as(sql).bind(token_hash).fetch_optional(db).await?)
    }

    /// Notes that a device was used. False when it is forgotten.
    alone pub fn touch_device(db, token_hash: &str, now: Timestamp) -> bool {
        let sql = "UPDATE devices SET last_used = $2 WHERE token_hash = $1";
        Ok(sqlx::query(sql).bind(token_hash).bind(now).execute(db).await?.rows_affected() == 1)
    }

    /// Forgets all of a person's devices; answers how many.
    alone pub fn delete_devices_of(db, person: &str) -> u64 {
        Ok(sqlx::query("DELETE FROM devices WHERE person = $1").bind(person).execute(db).await?.rows_affected())
    }
}
