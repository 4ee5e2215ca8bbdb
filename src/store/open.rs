//! Opening a database: settings that durability needs, migrations, and the refusals that protect the data.

use super::address::{Address, sqlite_is_new_enough};
use super::connection::{Read, Reading, Tx, Writing};
use super::migrations::{Upkeep, migrate};
use super::readers::Readers;
use super::{Result, StoreError, dialect, follow};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgConnection};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// The database, open and migrated. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Store(Arc<Open>);

struct Open {
    pools: Pools,
    commits: Arc<watch::Sender<i64>>,
    lines: Arc<watch::Sender<u64>>,
    follower: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

pub(super) enum Pools {
    /// One that writes, a few that read, and those that read long from one state.
    Sqlite {
        writer: SqlitePool,
        readers: Readers,
        snapshots: SqlitePool,
    },
    Postgres(PgPool),
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`, and migrates it to [`newest_schema`](super::newest_schema); several may do
    /// so at once.
    ///
    /// Refuses a database that a newer program has migrated and a SQLite with a known way to lose data.
    pub async fn open(address: &str) -> Result<Store> {
        Store::open_as(address, Upkeep::Migrate).await
    }

    /// As [`open`](Store::open), for a command that writes beside a server: makes a new database ready, and refuses one of
    /// an older schema, because the server that serves it could write no more.
    pub async fn open_beside_server(address: &str) -> Result<Store> {
        Store::open_as(address, Upkeep::MakeReady).await
    }

    /// Opens what is there, whatever its schema, and can change nothing. Ask the [head](Store::head) for the schema: of an
    /// older or newer one the head and the ledger can be read, and nothing else is promised.
    ///
    /// Refuses a database that holds nothing of Backout.
    pub async fn open_to_look(address: &str) -> Result<Store> {
        Store::open_as(address, Upkeep::Nothing).await
    }

    async fn open_as(address: &str, upkeep: Upkeep) -> Result<Store> {
        let pools = match Address::parse(address)? {
            Address::Sqlite(path) => open_sqlite(&path, upkeep).await?,
            Address::Postgres(url) => open_postgres(&url, upkeep).await?,
        };
        let commits = Arc::new(watch::Sender::new(0));
        let lines = Arc::new(watch::Sender::new(0));
        let follower = follow::spawn(&pools, Arc::clone(&commits), Arc::clone(&lines)).abort_handle();
        let store = Store(Arc::new(Open { pools, commits, lines, follower }));
        super::connection::announce(&store.0.commits, store.head().await?.seq);
        Ok(store)
    }

    /// Begins a writing transaction. On SQLite it waits for the writer before it, at most five seconds.
    pub async fn begin(&self) -> Result<Tx> {
        let writing = match &self.0.pools {
            Pools::Sqlite { writer, .. } => Writing::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Writing::Postgres(pool.begin().await?),
        };
        Ok(Tx::new(writing, Arc::clone(&self.0.commits)))
    }

    /// A connection for reading, each statement on the newest commits.
    pub async fn read(&self) -> Result<Read> {
        Ok(Read(match &self.0.pools {
            Pools::Sqlite { readers, .. } => Reading::Sqlite(readers.lend().await?),
            Pools::Postgres(pool) => Reading::Postgres(pool.acquire().await?),
        }))
    }

    /// A connection for reading on which every statement sees the same commits: for exports and checks.
    pub async fn snapshot(&self) -> Result<Read> {
        Ok(Read(match &self.0.pools {
            Pools::Sqlite { snapshots, .. } => Reading::SqliteSnapshot(snapshots.begin_with("BEGIN DEFERRED").await?),
            Pools::Postgres(pool) => {
                Reading::PostgresSnapshot(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        }))
    }

    /// The last committed sequence number as far as this process knows; it changes within about a second of any
    /// replica's commit, and at once after one of ours. Read the ledger from your own cursor when it does.
    pub fn commits(&self) -> watch::Receiver<i64> {
        self.0.commits.subscribe()
    }

    /// Changes when lines of some run's log were copied, by whatever replica. A hint to read from one's own cursor.
    pub fn lines(&self) -> watch::Receiver<u64> {
        self.0.lines.subscribe()
    }

    pub(super) fn lines_came(&self) {
        self.0.lines.send_modify(|times| *times += 1);
    }

    /// What durability rests on, read back from the connections rather than from what was asked of them: the engine's
    /// version, and each setting by the engine's own name. For `doctor`, and for the test that nobody softened one.
    pub async fn settings_in_effect(&self) -> Result<Vec<(&'static str, String)>> {
        let mut settings = Vec::new();
        match &self.0.pools {
            Pools::Sqlite { writer, readers, .. } => {
                for (name, sql) in SQLITE_SETTINGS {
                    settings.push((*name, sqlx::query_scalar(*sql).fetch_one(writer).await?));
                }
                let sql = "SELECT CAST(query_only AS TEXT) FROM pragma_query_only";
                settings.push(("query_only", sqlx::query_scalar(sql).fetch_one(&mut *readers.lend().await?).await?));
            }
            Pools::Postgres(pool) => {
                for name in POSTGRES_SETTINGS {
                    let sql = "SELECT current_setting($1)";
                    settings.push((*name, sqlx::query_scalar(sql).bind(*name).fetch_one(pool).await?));
                }
            }
        }
        Ok(settings)
    }

    /// Ends the connections and waits for them; SQLite folds its log back into the file.
    pub async fn close(&self) {
        self.0.follower.abort();
        match &self.0.pools {
            Pools::Sqlite { writer, readers, snapshots } => {
                snapshots.close().await;
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

const SQLITE_SETTINGS: &[(&str, &str)] = &[
    ("sqlite_version", "SELECT sqlite_version()"),
    ("journal_mode", "SELECT journal_mode FROM pragma_journal_mode"),
    ("synchronous", "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous"),
    ("foreign_keys", "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys"),
    ("busy_timeout", "SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout"),
];

const POSTGRES_SETTINGS: &[&str] = &[
    "server_version",
    "synchronous_commit",
    "fsync",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
];

async fn open_sqlite(path: &Path, upkeep: Upkeep) -> Result<Pools> {
    let common = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let reading = common.clone().pragma("query_only", "1");
    let writing = if upkeep == Upkeep::Nothing {
        reading.clone()
    } else {
        create_private(path)?;
        common.journal_mode(SqliteJournalMode::Wal)
    };
    // One writer: writers of this process queue for the connection, fairly, and never see "database is locked".
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(writing)
        .await?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&writer).await?;
    if !sqlite_is_new_enough(&version) {
        return Err(StoreError::SqliteTooOld(version));
    }
    if upkeep == Upkeep::Nothing {
        let mut connection = writer.acquire().await?;
        upkeep.allows(dialect::sqlite::schema(&mut connection).await?)?;
    } else {
        // SQLite has no lock for migrations: hold the write lock over all of them. They become savepoints within.
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
        upkeep.allows(dialect::sqlite::schema(&mut tx).await?)?;
        migrate(&mut *tx).await?;
        tx.commit().await?;
    }
    let snapshots = SqlitePoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(60))
        .connect_lazy_with(reading.clone());
    Ok(Pools::Sqlite { writer, readers: Readers::new(reading), snapshots })
}

/// Creates the file for its owner alone; SQLite gives its log and its index the same rights.
fn create_private(path: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(fault) if fault.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(fault) => Err(StoreError::Unavailable(format!("cannot create {}: {fault}", path.display()))),
    }
}

async fn open_postgres(url: &str, upkeep: Upkeep) -> Result<Pools> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Address("it cannot be read as a PostgreSQL address".into()))?
        .application_name("backout");
    // A migration may take longer than a statement may: a connection of its own, without limits, under sqlx's
    // advisory lock, which ends with the connection whatever happens.
    let mut migrator = PgConnection::connect_with(&options).await?;
    upkeep.allows(dialect::postgres::schema(&mut migrator).await?)?;
    if upkeep != Upkeep::Nothing {
        migrate(&mut migrator).await?;
    }
    migrator.close().await?;
    let mut options = options.options([
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        // A replica that stands still inside a transaction must not hold the head row for ever.
        ("idle_in_transaction_session_timeout", "10s"),
    ]);
    if upkeep == Upkeep::Nothing {
        options = options.options([("default_transaction_read_only", "on")]);
    }
    let pool =
        PgPoolOptions::new().max_connections(12).acquire_timeout(Duration::from_secs(3)).connect_lazy_with(options);
    Ok(Pools::Postgres(pool))
}
