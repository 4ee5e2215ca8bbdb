//! Browser sessions, keyed by the hash of what the cookie holds: who reads the table cannot sign in.
//!
//! A session that was ended stays ended: [`save_session`](super::Store::save_session) only updates, so that a request
//! which was under way when the session was deleted cannot write it back.

use super::Person;
use crate::domain::Timestamp;
use sqlx::{FromRow, QueryBuilder, Row};

/// A session as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id_hash: String,
    /// Who is signed in; nobody before sign-in.
    pub person: Option<String>,
    /// JSON, opaque here.
    pub data: String,
    pub created_at: Timestamp,
    pub last_seen: Timestamp,
    pub expires_at: Timestamp,
    pub user_agent: String,
}

row!(Session { id_hash, person, data, created_at, last_seen, expires_at, user_agent });

/// A living session together with whoever it belongs to, and how far the ledger has come: what every page asks first, in
/// one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// JSON, opaque here.
    pub data: String,
    pub last_seen: Timestamp,
    pub expires_at: Timestamp,
    pub person: Person,
    /// The ledger's last entry.
    pub seq: i64,
}

/// A session to be created; it was last seen when it was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    pub id_hash: String,
    pub person: Option<String>,
    pub data: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub user_agent: String,
}

const IDS_A_STATEMENT: usize = 500;

macro_rules! columns {
    () => {
        "id_hash, person, data, created_at, last_seen, expires_at, user_agent"
    };
}

pub(super) const LOAD: &str = concat!("SELECT ", columns!(), " FROM sessions WHERE id_hash = $1 AND expires_at > $2");
pub(super) const KNOWN: &str = "SELECT s.data, s.last_seen, s.expires_at, p.id, p.login, p.name, p.password, p.roles, p.active, \
     p.epoch, p.created_at, p.password_changed_at, p.settings, (SELECT h.seq FROM head h WHERE h.id = 1) AS seq \
     FROM sessions s JOIN people p ON p.id = s.person WHERE s.id_hash = $1 AND s.expires_at > $2";
pub(super) const OF_PERSON: &str =
    concat!("SELECT ", columns!(), " FROM sessions WHERE person = $1 AND expires_at > $2 ORDER BY last_seen DESC");

queries! {
    /// Creates a session. False when the id is taken: draw another.
    alone pub fn create_session(db, session: &NewSession) -> bool {
        let created = sqlx::query(concat!(
            "INSERT INTO sessions (", columns!(), ") VALUES ($1, $2, $3, $4, $4, $5, $6) ON CONFLICT DO NOTHING"
        ))
            .bind(&session.id_hash)
            .bind(&session.person)
            .bind(&session.data)
            .bind(session.created_at)
            .bind(session.expires_at)
            .bind(&session.user_agent)
            .execute(db)
            .await?;
        Ok(created.rows_affected() == 1)
    }

    /// Writes a session back as seen at `now`. False when it is gone or past its end; it is never created anew.
    alone pub fn save_session(
        db, id_hash: &str, person: Option<&str>, data: &str, expires_at: Timestamp, now: Timestamp
    ) -> bool {
        let saved = sqlx::query(
            "UPDATE sessions SET person = $2, data = $3, expires_at = $4, last_seen = $5
             WHERE id_hash = $1 AND expires_at > $5",
        )
            .bind(id_hash)
            .bind(person)
            .bind(data)
            .bind(expires_at)
            .bind(now)
            .execute(db)
            .await?;
        Ok(saved.rows_affected() == 1)
    }

    /// The session, unless it is past its end at `now`.
    read pub fn load_session(db, id_hash: &str, now: Timestamp) -> Option<Session> {
        Ok(sqlx::query_as(LOAD).bind(id_hash).bind(now).fetch_optional(db).await?)
    }

    /// The session, unless it is past its end at `now`, with its person; nobody's session is not known.
    read pub fn known(db, id_hash: &str, now: Timestamp) -> Option<Known> {
        let Some(row) = sqlx::query(KNOWN).bind(id_hash).bind(now).fetch_optional(db).await? else { return Ok(None) };
        Ok(Some(Known {
            data: row.try_get("data")?,
            last_seen: row.try_get("last_seen")?,
            expires_at: row.try_get("expires_at")?,
            person: Person::from_row(&row)?,
            seq: row.try_get("seq")?,
        }))
    }

    /// Notes that the session was used. False when it is gone.
    alone pub fn touch_session(db, id_hash: &str, now: Timestamp, expires_at: Timestamp) -> bool {
        let sql = "UPDATE sessions SET last_seen = $2, expires_at = $3 WHERE id_hash = $1 AND expires_at > $2";
        let touched = sqlx::query(sql).bind(id_hash).bind(now).bind(expires_at).execute(db).await?;
        Ok(touched.rows_affected() == 1)
    }

    /// Ends a session. False when it was gone.
    alone pub fn delete_session(db, id_hash: &str) -> bool {
        let deleted = sqlx::query("DELETE FROM sessions WHERE id_hash = $1").bind(id_hash).execute(db).await?;
        Ok(deleted.rows_affected() == 1)
    }

    /// Clears away what is past its end; answers how many.
    alone pub fn delete_expired_sessions(db, now: Timestamp) -> u64 {
        Ok(sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(db).await?.rows_affected())
    }

    /// A person's living sessions, the last used first.
    read pub fn sessions_of(db, person: &str, now: Timestamp) -> Vec<Session> {
        Ok(sqlx::query_as(OF_PERSON).bind(person).bind(now).fetch_all(db).await?)
    }

    /// When each person who has a living session was last seen.
    read pub fn last_seen(db, now: Timestamp) -> Vec<(String, Timestamp)> {
        let sql = "SELECT person, max(last_seen) FROM sessions
                   WHERE person IS NOT NULL AND expires_at > $1 GROUP BY person ORDER BY person";
        Ok(sqlx::query_as(sql).bind(now).fetch_all(db).await?)
    }

    /// Ends all of a person's sessions but the one kept, if any; answers how many.
    alone pub fn delete_sessions_of(db, person: &str, except: Option<&str>) -> u64 {
        let sql = "DELETE FROM sessions WHERE person = $1 AND id_hash <> $2";
        Ok(sqlx::query(sql).bind(person).bind(except.unwrap_or("")).execute(db).await?.rows_affected())
    }

    /// Which of these sessions (hashes of their ids) are not past their end, each with it.
    read pub fn living_sessions(db, ids: &[String], now: Timestamp) -> Vec<(String, Timestamp)> {
        let mut living = Vec::new();
        for some in ids.chunks(IDS_A_STATEMENT) {
            let mut select = QueryBuilder::<dialect::Database>::new(
                "SELECT id_hash, expires_at FROM sessions WHERE expires_at > ",
            );
            select.push_bind(now).push(" AND id_hash IN (");
            let mut list = select.separated(", ");
            for id in some {
                list.push_bind(id);
            }
            list.push_unseparated(")");
            // As many texts as there are lengths: none is worth keeping prepared.
            let select = select.build_query_as::<(String, Timestamp)>().persistent(false);
            living.extend(select.fetch_all(&mut *db).await?);
        }
        Ok(living)
    }

    /// Keeps sessions alive until then without noting that they were used: each a hash of its id with its new end.
    /// One that is past its end stays so.
    alone pub fn extend_sessions(db, ends: &[(String, Timestamp)], now: Timestamp) -> () {
        for (id, end) in ends {
            let sql = "UPDATE sessions SET expires_at = $2 WHERE id_hash = $1 AND expires_at > $3 AND expires_at < $2";
            sqlx::query(sql).bind(id).bind(*end).bind(now).execute(&mut *db).await?;
        }
        Ok(())
    }
}
