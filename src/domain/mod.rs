//! What may happen in a rollback and what it means. Pure: no clock, no randomness, no input or output.

pub mod condition;
pub mod time;

pub use time::{Span, Timestamp};
