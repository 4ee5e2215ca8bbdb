//! What can go wrong between us and a database, sorted by what the caller can do about it.

use std::fmt;

/// A fault of the store. Never a panic: a database may vanish, lie or be full at any statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// The configured address names no database that Backout can use.
    Address(String),
    /// The database cannot be reached, is busy past its limits, or refused a statement. Trying again may help.
    /// After a failed commit the outcome is unknown: look before doing it again.
    Unavailable(String),
    /// Somebody appended to the stream since it was read: read again and decide again.
    Conflict,
    /// What was to be added is there already.
    Duplicate,
    /// A newer Backout has migrated the database: this one may read, and must not write.
    SchemaTooNew { database: i64, binary: i64 },
    /// An older Backout serves the database: what would migrate it would stop that one's writing.
    SchemaTooOld { database: i64, binary: i64 },
    /// The database holds nothing of Backout.
    NothingThere,
    /// The linked SQLite has the race that corrupts a write-ahead log when it is reset (fixed in 3.51.3).
    SqliteTooOld(String),
    /// What is stored cannot be what was written (a damaged file, a changed migration, a column of the wrong shape),
    /// or what was to be written breaks a rule of its table.
    Corrupt(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Address(fault) => {
                write!(f, "the database address is wrong: {fault}; write sqlite:PATH or postgres://USER@HOST/DATABASE")
            }
            StoreError::Unavailable(fault) => write!(f, "the database did not answer as it should: {fault}"),
            StoreError::Conflict => f.write_str("someone else changed this first; read it again and decide again"),
            StoreError::Duplicate => f.write_str("this is there already"),
            StoreError::SchemaTooNew { database, binary } => write!(
                f,
                "the database has schema {database} and this program knows {binary}; start the newer program, \
                 or restore a backup from before the upgrade"
            ),
            StoreError::SchemaTooOld { database, binary } => write!(
                f,
                "the database has schema {database} and this program writes {binary}, under which the server that may \
                 serve it now could write no more; start this program's server first, or use the older program"
            ),
            StoreError::NothingThere => f.write_str(
                "the database holds nothing of Backout; is it the one that you mean? The first server makes it ready",
            ),
            StoreError::SqliteTooOld(version) => write!(
                f,
                "SQLite {version} can damage its file when two connections reset the log; link 3.51.3 or newer"
            ),
            StoreError::Corrupt(fault) => {
                write!(f, "the data breaks its own rules: {fault}; stop, and compare with a checked backup")
            }
        }
    }
}

impl std::error::Error for StoreError {}

impl From<sqlx::Error> for StoreError {
    fn from(fault: sqlx::Error) -> StoreError {
        use sqlx::error::ErrorKind;
        match &fault {
            sqlx::Error::Database(inner) if inner.kind() == ErrorKind::UniqueViolation => StoreError::Duplicate,
            // SQLITE_CORRUPT, SQLITE_NOTADB; PostgreSQL's data_corrupted and index_corrupted.
            sqlx::Error::Database(inner)
                if matches!(inner.code().as_deref(), Some("11" | "26" | "XX001" | "XX002")) =>
            {
                StoreError::Corrupt(fault.to_string())
            }
            sqlx::Error::Database(inner)
                if matches!(inner.kind(), ErrorKind::CheckViolation | ErrorKind::NotNullViolation) =>
            {
                StoreError::Corrupt(fault.to_string())
            }
            sqlx::Error::RowNotFound
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::TypeNotFound { .. } => StoreError::Corrupt(fault.to_string()),
            _ => StoreError::Unavailable(fault.to_string()),
        }
    }
}
