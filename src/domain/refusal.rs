//! "No, because …": one plain sentence, and what would change the answer.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub kind: RefusalKind,
    /// Follows "no, because": lower case, no full stop.
    pub because: String,
    /// What would change the answer: a whole sentence.
    pub mend: String,
}

/// Machines and pages tell refusals apart by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The role, or the place in this incident, is another's.
    NotYours,
    /// Fresh re-authentication is wanted first.
    Reauthenticate,
    /// The thing named does not exist here.
    Unknown,
    /// The incident or attempt is past or before the point where this makes sense.
    Phase,
    /// The plan is not the one that was seen.
    DigestMismatch,
    /// An approval, item or lock stands in the way.
    Blocked,
    /// A field is missing or wrong.
    Input,
    /// It was done already, by this person or another; nothing changed.
    AlreadyDone,
}

impl Refusal {
    pub fn new(kind: RefusalKind, because: impl Into<String>, mend: impl Into<String>) -> Refusal {
        Refusal { kind, because: because.into(), mend: mend.into() }
    }

    pub fn unknown(what: &str, name: &str) -> Refusal {
        Refusal::new(
            RefusalKind::Unknown,
            format!("there is no {what} “{name}” here"),
            "Go back to the room and choose one that is listed.",
        )
    }

    pub fn phase(because: impl Into<String>, mend: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Phase, because, mend)
    }

    pub fn input(because: impl Into<String>, mend: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Input, because, mend)
    }

    pub fn blocked(because: impl Into<String>, mend: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Blocked, because, mend)
    }

    pub fn not_yours(because: impl Into<String>, mend: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::NotYours, because, mend)
    }

    pub fn already(because: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::AlreadyDone, because, "Nothing needs doing.")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no, because {} {}", super::words::stopped(&self.because), self.mend)
    }
}

impl std::error::Error for Refusal {}
