//! What may happen in a rollback and what it means. Pure: no clock, no randomness, no input or output.

pub mod condition;
pub mod people;
pub mod procedure;
pub mod time;

pub use people::{PersonId, Role, Strength};
pub use procedure::{Procedure, Severity};
pub use time::{Span, Timestamp};
