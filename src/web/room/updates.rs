//! The promise of progress updates, shortly: what goes out next and when, and what was sent. It is written on a page of
//! its own ([`crate::web::update`]).

use crate::domain::Severity;
use crate::web::incident::Sight;
use crate::web::update::{Next, Sent};

pub struct Updates {
    pub next: Option<Next>,
    /// The newest first.
    pub sent: Vec<Sent>,
    /// How many more went out before those.
    pub earlier: usize,
    pub every: String,
    /// From the opening at this severity or worse.
    pub from: Severity,
}

/// How many of those that went out the room shows.
const NEWEST: usize = 5;

impl Updates {
    pub fn of(sight: &Sight) -> Updates {
        let incident = sight.incident;
        Updates {
            from: incident.cadence.from,
            next: Next::of(sight),
            sent: Sent::newest(incident, NEWEST),
            earlier: incident.updates.sent.len().saturating_sub(NEWEST),
            every: incident.beat().in_words(),
        }
    }
}
