//! Who asks for something, and how it stands in the journal.

use super::people::{PersonId, Strength};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A person, or a part of Backout acting by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    Person(PersonId),
    /// The clock and the worker: what is due, what a run did, what the machine can prove.
    System,
}

/// The text in the ledger's `actor` column: `person:ID` or `system`.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Person(id) => write!(f, "person:{id}"),
            Who::System => f.write_str("system"),
        }
    }
}

impl Who {
    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Who> {
        match text.strip_prefix("person:") {
            Some(id) => Some(Who::Person(PersonId(id.to_owned()))),
            None => (text == "system").then_some(Who::System),
        }
    }

    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Who::Person(id) => Some(id),
            Who::System => None,
        }
    }
}

/// Who asks, and whether they proved a moment ago that it is really them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub who: Who,
    /// Set while a re-authentication is fresh (five minutes); says how it was done.
    pub fresh: Option<Strength>,
}

impl Actor {
    pub const SYSTEM: Actor = Actor { who: Who::System, fresh: None };

    pub fn person(id: &PersonId, fresh: Option<Strength>) -> Actor {
        Actor { who: Who::Person(id.clone()), fresh }
    }
}
