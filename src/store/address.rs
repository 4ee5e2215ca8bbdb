//! Where the database is, and whether the linked SQLite is fit for it.

use super::{Result, StoreError};
use std::path::PathBuf;

/// The oldest SQLite without the race that corrupts a write-ahead log when two connections reset it.
pub const MINIMUM_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Whether a version such as `3.51.3` is at least [`MINIMUM_SQLITE`]. What cannot be read is too old.
pub fn sqlite_is_new_enough(version: &str) -> bool {
    let mut parts = version.trim().split('.').map(|part| part.parse::<u32>().ok());
    let mut next = || parts.next().flatten();
    match (next(), next()) {
        (Some(major), Some(minor)) => (major, minor, next().unwrap_or(0)) >= MINIMUM_SQLITE,
        _ => false,
    }
}

/// A database's address, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `sqlite:PATH`; the file is created when it is not there.
    Sqlite(PathBuf),
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`
    Postgres(String),
}

impl Address {
    /// Reads an address. The fault never repeats it, since it may hold a password.
    pub fn parse(text: &str) -> Result<Address> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(StoreError::Address("sqlite: is followed by no path".into()));
            }
            if path.starts_with(":memory:") || path.contains('?') {
                return Err(StoreError::Address("SQLite needs a plain file, neither :memory: nor parameters".into()));
            }
            return Ok(Address::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Address::Postgres(text.to_owned()));
        }
        Err(StoreError::Address("it begins with neither sqlite: nor postgres://".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_with_the_reset_race_is_refused() {
        for old in ["3.51.2", "3.46.0", "3.9.99", "2.99.99", "3.51", "", "new", "3.x.9"] {
            assert!(!sqlite_is_new_enough(old), "{old}");
        }
        for new in ["3.51.3", "3.51.10", "3.52.0", "3.100.0", "4.0.0", " 3.51.3\n"] {
            assert!(sqlite_is_new_enough(new), "{new}");
        }
    }

    #[test]
    fn an_address_is_a_file_or_a_server() {
        assert_eq!(Address::parse("sqlite:data/b.db"), Ok(Address::Sqlite("data/b.db".into())));
        assert_eq!(Address::parse("sqlite:///var/b.db"), Ok(Address::Sqlite("/var/b.db".into())));
        assert_eq!(Address::parse("postgres://a@b/c"), Ok(Address::Postgres("postgres://a@b/c".into())));
        for wrong in ["", "sqlite:", "sqlite::memory:", "mysql://x:secret@y/z", "/var/b.db"] {
            let fault = Address::parse(wrong).unwrap_err().to_string();
            assert!(fault.contains("sqlite:PATH"), "{wrong}: {fault}");
            assert!(!fault.contains("secret"), "{fault}");
        }
    }
}
