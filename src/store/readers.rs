//! Connections that read SQLite: a few, lent to one reader at a time.
//!
//! The driver's own pool asks each connection that comes back whether it still lives, from a task of its own: a second trip
//! to the connection's thread for every question. An embedded database does not go away, and a statement that its asker
//! gave up is reset before the next; so here a connection that comes back is free at once. One on which a statement failed
//! is closed, and the next reader gets a new one.

use super::Result;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many may read at once.
const READERS: u32 = 4;
/// How long a reader waits for the others.
const PATIENCE: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Readers(Arc<Inner>);

struct Inner {
    options: SqliteConnectOptions,
    free: Mutex<Vec<SqliteConnection>>,
    places: Arc<Semaphore>,
}

impl Inner {
    fn free(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Readers {
    /// Opens nothing yet.
    pub fn new(options: SqliteConnectOptions) -> Readers {
        let places = Arc::new(Semaphore::new(READERS as usize));
        Readers(Arc::new(Inner { options, free: Mutex::default(), places }))
    }

    /// A connection, until it is dropped.
    pub async fn lend(&self) -> Result<Lent> {
        let place = tokio::time::timeout(PATIENCE, self.0.places.clone().acquire_owned());
        let place = place.await.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let free = self.0.free().pop();
        let connection = match free {
            Some(connection) => connection,
            None => self.0.options.connect().await?,
        };
        Ok(Lent { connection: Some(connection), sound: true, readers: self.0.clone(), _place: place })
    }

    /// Waits for everyone who reads, closes, and lends no more.
    pub async fn close(&self) {
        let everyone = self.0.places.acquire_many(READERS).await;
        self.0.places.close();
        drop(everyone);
        let free = std::mem::take(&mut *self.0.free());
        for connection in free {
            if let Err(fault) = connection.close().await {
                tracing::warn!(%fault, "a connection that read could not be closed");
            }
        }
    }
}

/// A connection that goes back when it is dropped.
pub(super) struct Lent {
    connection: Option<SqliteConnection>,
    sound: bool,
    readers: Arc<Inner>,
    /// Free again after the connection is back: fields are dropped after [`Drop::drop`].
    _place: OwnedSemaphorePermit,
}

impl Lent {
    /// A statement failed on it: it is not lent again.
    pub fn doubt(&mut self) {
        self.sound = false;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| self.sound) {
            self.readers.free().push(connection);
        }
    }
}

impl Deref for Lent {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("it is there until it is dropped")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is there until it is dropped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers() -> Readers {
        Readers::new("sqlite::memory:".parse().unwrap())
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_one_that_failed_is_not() {
        let readers = readers();
        let mut lent = readers.lend().await.unwrap();
        sqlx::query("CREATE TEMP TABLE mark (one)").execute(&mut *lent).await.unwrap();
        drop(lent);
        let mut lent = readers.lend().await.unwrap();
        sqlx::query("SELECT one FROM mark").fetch_all(&mut *lent).await.unwrap();
        lent.doubt();
        drop(lent);
        let mut lent = readers.lend().await.unwrap();
        assert!(sqlx::query("SELECT one FROM mark").fetch_all(&mut *lent).await.is_err(), "another connection");
    }

    #[tokio::test]
    async fn a_question_that_was_given_up_does_not_disturb_the_next() {
        let readers = readers();
        let long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n";
        for _ in 0..20 {
            let mut lent = readers.lend().await.unwrap();
            let asked = sqlx::query_scalar::<_, i64>(long).fetch_all(&mut *lent);
            tokio::select! {
                biased;
                _ = asked => panic!("it was to be given up"),
                () = tokio::task::yield_now() => {}
            }
            drop(lent);
            let mut lent = readers.lend().await.unwrap();
            assert_eq!(sqlx::query_scalar::<_, i64>("SELECT 7").fetch_one(&mut *lent).await.unwrap(), 7);
        }
    }

    #[tokio::test]
    async fn closing_waits_for_whoever_reads_and_lends_no_more() {
        let readers = readers();
        let lent = readers.lend().await.unwrap();
        let closing = tokio::spawn({
            let readers = readers.clone();
            async move { readers.close().await }
        });
        tokio::task::yield_now().await;
        assert!(!closing.is_finished());
        drop(lent);
        closing.await.unwrap();
        assert!(readers.lend().await.is_err());
    }
}
