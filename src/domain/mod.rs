//! What may happen in a rollback and what it means. Pure: no clock, no randomness, no input or output.
//!
//! [`decide`] answers a command with events or a refusal; [`apply`] folds events into an [`state::Incident`]; [`due`]
//! says what the clock owes; [`offers`] asks `decide` for every button.

pub mod actor;
pub mod apply;
pub mod authority;
pub mod breach;
pub mod command;
pub mod condition;
pub mod curve;
pub mod decide;
pub mod due;
pub mod event;
pub mod facts;
pub mod figures;
pub mod grant;
pub mod impact;
pub mod lanes;
pub mod offers;
pub mod people;
pub mod plan;
pub mod procedure;
pub mod progress;
pub mod recovery;
pub mod refusal;
pub mod report;
pub mod rules;
pub mod running;
pub mod sliding;
pub mod state;
pub mod story;
pub mod time;
pub mod waits;
pub mod words;

pub use people::{PersonId, Role, Strength};
pub use procedure::{Procedure, Severity};
pub use time::{Span, Timestamp};
