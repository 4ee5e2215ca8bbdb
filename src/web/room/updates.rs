//! The promise of progress updates, shortly: what goes out next and when, and what was sent. It is written on a page of
//! its own ([`crate::web::update`]).

use crate::web::incident::Sight;
use crate::web::update::{Next, Sent, words_of};

pub struct Updates {
    pub next: Option<Next>,
    /// The newest first.
    pub sent: Vec<Sent>,
    pub every: String,
}

impl Updates {
    pub fn of(sight: &Sight) -> Updates {
        Updates { next: Next::of(sight), sent: Sent::all(sight.incident), every: words_of(sight.incident.beat()) }
    }
}
