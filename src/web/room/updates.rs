//! The promise of progress updates: what went out, what goes out next and when, and the words that a person adds.

use crate::domain::Timestamp;
use crate::domain::command::Command;
use crate::domain::progress;
use crate::web::incident::{Place, Sight};

pub struct Updates {
    pub next: Option<Next>,
    /// The newest first.
    pub sent: Vec<Sent>,
    pub every: String,
}

/// The update that goes out by itself.
pub struct Next {
    pub number: u32,
    pub due_at: Timestamp,
    pub overdue: bool,
    /// As it would go out now.
    pub draft: String,
    pub note: String,
    pub edit: Place,
    pub send: Place,
}

pub struct Sent {
    pub number: u32,
    pub at: Timestamp,
    pub text: String,
    /// `on time`, `early`, `late`, with the misses before it.
    pub words: String,
    pub late: bool,
}

impl Updates {
    pub fn of(sight: &Sight) -> Updates {
        let incident = sight.incident;
        let next = incident.updates.promised.filter(|_| incident.is_open()).map(|promise| {
            let note = incident.updates.note.clone().unwrap_or_default();
            let after = (!incident.outcome_known()).then(|| promise.due_at + incident.cadence.every);
            let edit = Command::EditUpdate { number: promise.number, note: format!("{note}…") };
            Next {
                number: promise.number,
                due_at: promise.due_at,
                overdue: sight.now > promise.due_at,
                draft: progress::text(sight.facts, incident, promise.number, &note, after, sight.now),
                note,
                edit: Place::of(sight.offers().ask(&edit)),
                send: Place::of(sight.offers().send_update(promise.number)),
            }
        });
        let sent = incident.updates.sent.iter().rev().map(|(at, update)| {
            let when = match (update.late, update.early) {
                (true, _) => "late",
                (false, true) => "sent early",
                (false, false) => "on time",
            };
            let missed: Vec<String> = update.missed.iter().map(ToString::to_string).collect();
            let missed = if missed.is_empty() { String::new() } else { format!("; missed: {}", missed.join(", ")) };
            Sent {
                number: update.number,
                at: *at,
                text: update.text.clone(),
                words: format!("{when}{missed}"),
                late: update.late || !update.missed.is_empty(),
            }
        });
        Updates { next, sent: sent.collect(), every: incident.cadence.every.written() }
    }
}
