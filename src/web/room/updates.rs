//! The promise of progress updates, shortly: what goes out next and when, and what was sent. It is written on a page of
//! its own ([`crate::web::update`]).

use crate::domain::Severity;
use crate::web::incident::Sight;
use crate::web::update::{Next, Sent};

pub struct Updates {
    pub next: Option<Next>,
    /// The newest first.
    pub sent: Vec<Sent>,
    pub every: String,
    /// From the opening at this severity or worse.
    pub from: Severity,
}

impl Updates {
    pub fn of(sight: &Sight) -> Updates {
        Updates {
            from: sight.incident.cadence.from,
            next: Next::of(sight),
            sent: Sent::all(sight.incident),
            every: sight.incident.beat().in_words(),
        }
    }
}
