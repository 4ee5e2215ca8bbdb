//! What runs print, in chunks of whole lines, and the hosts that run them.
//!
//! The supervisor's file on the host is the source; its host copies it here so that any replica can serve it. Copying a
//! chunk twice changes nothing. Lines count from 0.

use super::{ByteText, Result, Store};
use crate::domain::Timestamp;

/// Some whole lines of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    pub run: String,
    /// The number of its first line, from 0.
    pub first_line: i64,
    /// How many lines it holds; at least 1.
    pub count: i64,
    /// The lines as printed, whatever their encoding.
    pub bytes: Vec<u8>,
}

row!(LogChunk { run, first_line, count, bytes: ByteText });

/// A host that runs things, and when it last said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub id: String,
    pub name: String,
    pub seen_at: Timestamp,
}

row!(Host { id, name, seen_at });

pub(super) const FROM_LINE: &str = "SELECT run, first_line, count, bytes FROM log_chunks WHERE run = $1
     AND first_line >= coalesce((SELECT max(first_line) FROM log_chunks WHERE run = $1 AND first_line <= $2), 0)
     AND first_line + count > $2 ORDER BY first_line LIMIT $3";
pub(super) const END: &str =
    "SELECT first_line + count FROM log_chunks WHERE run = $1 ORDER BY first_line DESC LIMIT 1";

impl Store {
    /// Copies a chunk, and has whoever reads along look ([`Store::lines`]). False when one with the same first line is
    /// there already.
    pub async fn append_log(&self, run: &str, first_line: i64, count: i64, bytes: &[u8]) -> Result<bool> {
        let mut tx = self.begin().await?;
        let new = tx.insert_chunk(run, first_line, count, bytes).await?;
        tx.commit().await?;
        if new {
            self.lines_came();
        }
        Ok(new)
    }
}

queries! {
    write fn insert_chunk(db, run: &str, first_line: i64, count: i64, bytes: &[u8]) -> bool {
        let sql = "INSERT INTO log_chunks (run, first_line, count, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let added =
            sqlx::query(sql).bind(run).bind(first_line).bind(count).bind(ByteText::from(bytes)).execute(&mut *db).await?;
        let new = added.rows_affected() == 1;
        if new {
            dialect::announce_lines(db).await?;
        }
        Ok(new)
    }

    /// The chunks that hold `line` and what follows, at most `limit` of them. The first may begin before `line`.
    read pub fn log_from(db, run: &str, line: i64, limit: i64) -> Vec<LogChunk> {
        Ok(sqlx::query_as(FROM_LINE).bind(run).bind(line).bind(limit).fetch_all(db).await?)
    }

    /// How many lines of a run are here: the number of the next one.
    read pub fn log_end(db, run: &str) -> i64 {
        Ok(sqlx::query_scalar(END).bind(run).fetch_optional(db).await?.unwrap_or(0))
    }

    /// Notes that a host was seen.
    alone pub fn saw_host(db, id: &str, name: &str, at: Timestamp) -> () {
        let sql = "INSERT INTO hosts (id, name, seen_at) VALUES ($1, $2, $3)
                   ON CONFLICT (id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at";
        sqlx::query(sql).bind(id).bind(name).bind(at).execute(db).await?;
        Ok(())
    }

    /// One host.
    read pub fn host(db, id: &str) -> Option<Host> {
        Ok(sqlx::query_as("SELECT id, name, seen_at FROM hosts WHERE id = $1").bind(id).fetch_optional(db).await?)
    }
}
