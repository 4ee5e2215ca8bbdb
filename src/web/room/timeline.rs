//! The newest of the story beside everything else; the whole of it has a page of its own.

use crate::domain::command::Command;
use crate::domain::event::Recorded;
use crate::web::incident::{Place, Sight};
use crate::web::timeline_row::{Row, Rows};

/// How many entries the room shows.
const NEWEST: usize = 15;

pub struct Timeline {
    pub rows: Vec<Row>,
    /// How many there are in all.
    pub all: usize,
    pub note: Place,
}

impl Timeline {
    pub fn of(sight: &Sight, journal: &[Recorded]) -> Timeline {
        let rows = Rows::of(sight.incident, sight.facts);
        Timeline {
            rows: journal.iter().rev().take(NEWEST).map(|recorded| rows.row(recorded)).collect(),
            all: journal.len(),
            note: Place::of(sight.offers().ask(&Command::AddNote { text: "…".to_owned() })),
        }
    }
}
