//! All SQL of the product, written once for SQLite and PostgreSQL.
//!
//! **One text, two drivers.** Each noun has a file, and each file one `queries!` block. A query is a plain async
//! function over a connection with `$1` placeholders; the macro compiles it for both drivers and puts a method of the
//! same name on [`Tx`] (a writing transaction), on [`Read`] (a connection that cannot write) and on [`Store`]. The word
//! before `fn` says where it may be called:
//!
//! | word | on | for |
//! | --- | --- | --- |
//! | `read` | `Tx`, `Read`, `Store` | anything that changes nothing |
//! | `write` | `Tx` | what must commit together with something else |
//! | `alone` | `Tx`, `Store` (in a transaction of its own) | what is whole by itself |
//!
//! A type that is read from rows names its columns once, in a `row!` (`rows.rs`).
//!
//! **The portable subset** makes it possible: columns are BIGINT or TEXT; times are microseconds
//! ([`Timestamp`](crate::domain::Timestamp) binds and reads itself); truths are 0 or 1 ([`Flag`]);
//! lists are JSON arrays ([`TextList`]), bytes base64 ([`ByteText`]); columns are always named, since `SELECT *` breaks prepared
//! statements while another replica migrates; texts are sorted here, not there, since collations differ.
//!
//! **Writers queue.** SQLite has one writing connection and begins with `BEGIN IMMEDIATE`; on both databases a writer
//! of the ledger updates the `head` row first ([`Tx::lock_head`]). What was read before that may have changed since.
//!
//! **A commit is announced** to [`Store::commits`], in this process at once and from others through PostgreSQL's
//! NOTIFY or a look once a second. The number is a hint to read the ledger again, never the data itself.

#[macro_use]
mod queries;
#[macro_use]
mod rows;
mod address;
mod columns;
mod connection;
mod dialect;
mod error;
mod follow;
mod migrations;
mod open;
mod readers;

mod board;
mod intents;
mod ledger;
mod logs;
mod people;
mod playbooks;
mod presence;
mod readings;
mod registers;
mod samples;
mod sessions;
mod sign_in;
mod tokens;
mod verify;

#[cfg(test)]
mod plans;

pub use address::{Address, MINIMUM_SQLITE, sqlite_is_new_enough};
pub use board::BoardRow;
pub use columns::{ByteText, Flag, TextList};
pub use connection::{Read, Tx};
pub use error::StoreError;
pub use intents::Intent;
pub use ledger::{Entry, GENESIS, Head, NewEntry, chain_hash, text_hash};
pub use logs::{Host, LogChunk};
pub use migrations::newest_schema;
#[cfg(test)]
pub use migrations::pretend_schema;
pub use open::Store;
pub use people::{NewPerson, Person, canonical_login};
pub use playbooks::StoredPlaybook;
pub use presence::Presence;
pub use readings::Reading;
pub use registers::Registered;
pub use samples::{Counter, Sample, TriggerState};
pub use sessions::{Known, NewSession, Session};
pub use sign_in::{Bucket, Device, Link, NewLink};
pub use tokens::{NewToken, Token};
pub use verify::{Fault, Flaw, Verified};

/// What every store function answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
