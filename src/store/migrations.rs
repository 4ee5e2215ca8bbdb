//! The schema and its changes, in order: the files of `migrations/`, built in.

use super::{Result, StoreError};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use std::sync::LazyLock;

macro_rules! files {
    ($($file:literal),* $(,)?) => { &[$(($file, include_str!(concat!("../../migrations/", $file)))),*] };
}

/// Name and text. What was released is never changed: a database remembers the hash of each text that it has seen.
const FILES: &[(&str, &str)] = files![
    "0001_foundation.sql",
    "0002_settings.sql",
    "0003_presence.sql",
    "0004_readings.sql",
    "0005_what_runs.sql",
    "0006_data_brought_back.sql",
    "0007_tokens_by_maker.sql",
    "0008_data_restored.sql",
];

pub(super) static MIGRATIONS: LazyLock<Migrator> =
    LazyLock::new(|| Migrator::with_migrations(FILES.iter().map(|(file, sql)| migration(file, sql)).collect()));

/// `0004_readings.sql` is migration 4, "readings".
fn migration(file: &'static str, sql: &'static str) -> Migration {
    let (number, name) = file.split_once('_').expect("a number and a name");
    let version = number.parse().expect("a number");
    let description = name.trim_end_matches(".sql").replace('_', " ");
    Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
}

/// The schema that this program writes: the number of its newest migration.
pub fn newest_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// What an opening may do to the schema that it finds. A server cannot write under a newer schema than its own, so that only
/// the start of a server may raise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upkeep {
    /// Raise it.
    Migrate,
    /// Make it where there is none.
    MakeReady,
    Nothing,
}

impl Upkeep {
    /// Refuses what would need more. `schema`: what the database has, `None` where it holds nothing of Backout.
    pub fn allows(self, schema: Option<i64>) -> Result<()> {
        let binary = newest_schema();
        match (self, schema) {
            (Upkeep::Nothing, None) => Err(StoreError::NothingThere),
            (Upkeep::MakeReady, Some(database)) if database < binary => {
                Err(StoreError::SchemaTooOld { database, binary })
            }
            _ => Ok(()),
        }
    }
}

pub(super) async fn migrate<C: Migrate>(connection: &mut C) -> Result<()> {
    // `run` would do the same, but its future is not Send for every lifetime, so that nobody could spawn an opening.
    MIGRATIONS.run_direct(None, connection, false).await.map_err(migration_fault)
}

fn migration_fault(fault: MigrateError) -> StoreError {
    match fault {
        MigrateError::VersionMissing(database) => StoreError::SchemaTooNew { database, binary: newest_schema() },
        MigrateError::VersionMismatch(version) => {
            StoreError::Corrupt(format!("migration {version} was applied with another text"))
        }
        MigrateError::Execute(fault) => fault.into(),
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// The files as sqlx itself reads the folder: none forgotten, and numbers, names and hashes as it makes them.
#[cfg(test)]
#[tokio::test]
async fn every_file_of_the_folder_is_built_in() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
    let read = Migrator::new(folder).await.unwrap();
    let told = |migrator: &Migrator| {
        let of = |m: &Migration| (m.version, m.description.to_string(), m.checksum.to_vec());
        migrator.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(told(&MIGRATIONS), told(&read));
}

/// Says of a SQLite file that it is of another schema, and forgets that its last migration ran: whoever migrates it fails.
#[cfg(test)]
pub async fn pretend_schema(address: &str, schema: i64) {
    use sqlx::Connection;
    let mut connection = sqlx::SqliteConnection::connect(address).await.unwrap();
    sqlx::query("UPDATE head SET schema = $1").bind(schema).execute(&mut connection).await.unwrap();
    let last = "DELETE FROM _sqlx_migrations WHERE version = $1";
    sqlx::query(last).bind(newest_schema()).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    assert!(super::Store::open(address).await.is_err());
}
