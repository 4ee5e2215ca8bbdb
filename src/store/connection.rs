//! The two kinds of connection: one that writes, in a transaction, and one that cannot.

use super::readers::Lent;
use super::{Head, Result};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};
use std::sync::Arc;
use tokio::sync::watch;

/// The connection beneath, as the generated methods hand it to a query.
pub(super) enum Driver<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

pub(super) enum Writing {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A writing transaction. Dropped without [`commit`](Tx::commit), it leaves no trace.
///
/// Holds SQLite's only writing connection: do in it what must commit together, and nothing slow.
pub struct Tx {
    writing: Writing,
    commits: Arc<watch::Sender<i64>>,
    /// The head row once it is locked, kept up to date by appends.
    pub(super) head: Option<Head>,
    /// The last sequence number that this transaction appended.
    pub(super) appended: Option<i64>,
}

impl Tx {
    pub(super) fn new(writing: Writing, commits: Arc<watch::Sender<i64>>) -> Tx {
        Tx { writing, commits, head: None, appended: None }
    }

    pub(super) fn driver(&mut self) -> Driver<'_> {
        match &mut self.writing {
            Writing::Sqlite(tx) => Driver::Sqlite(&mut *tx),
            Writing::Postgres(tx) => Driver::Postgres(&mut *tx),
        }
    }

    /// A statement failed on it: what to do is for whoever holds it, and the pool looks at it afterwards.
    pub(super) fn doubt(&mut self) {}

    /// Makes everything durable at once, and then announces it.
    ///
    /// An error does not say that nothing was written: the answer may have been lost on its way.
    pub async fn commit(self) -> Result<()> {
        match self.writing {
            Writing::Sqlite(tx) => tx.commit().await?,
            Writing::Postgres(tx) => tx.commit().await?,
        }
        if let Some(seq) = self.appended {
            announce(&self.commits, seq);
        }
        Ok(())
    }

    /// Forgets everything, and waits until the database has forgotten it too.
    pub async fn rollback(self) -> Result<()> {
        match self.writing {
            Writing::Sqlite(tx) => tx.rollback().await?,
            Writing::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

/// Raises the announced number; it never goes back.
pub(super) fn announce(commits: &watch::Sender<i64>, seq: i64) {
    commits.send_if_modified(|last| {
        let grown = seq > *last;
        if grown {
            *last = seq;
        }
        grown
    });
}

pub(super) enum Reading {
    Sqlite(Lent),
    SqliteSnapshot(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresSnapshot(Transaction<'static, Postgres>),
}

/// A connection for reading: each statement sees the newest commits, or, from
/// [`Store::snapshot`](super::Store::snapshot), all see the same ones.
pub struct Read(pub(super) Reading);

impl Read {
    pub(super) fn driver(&mut self) -> Driver<'_> {
        match &mut self.0 {
            Reading::Sqlite(connection) => Driver::Sqlite(&mut *connection),
            Reading::SqliteSnapshot(tx) => Driver::Sqlite(&mut *tx),
            Reading::Postgres(connection) => Driver::Postgres(&mut *connection),
            Reading::PostgresSnapshot(tx) => Driver::Postgres(&mut *tx),
        }
    }

    /// A statement failed on it.
    pub(super) fn doubt(&mut self) {
        if let Reading::Sqlite(lent) = &mut self.0 {
            lent.doubt();
        }
    }
}
