//! The whole story, newest first. Every entry has an address of its own that stays.

use crate::domain::Timestamp;
use crate::domain::command::Command;
use crate::domain::event::{Event, Recorded};
use crate::web::incident::{Place, Sight, sentence};

pub struct Timeline {
    pub filters: Vec<Filter>,
    pub entries: Vec<Entry>,
    /// How many there are without the filter.
    pub all: usize,
    pub note: Place,
}

pub struct Filter {
    pub title: &'static str,
    pub href: String,
    pub current: bool,
}

pub struct Entry {
    /// `e17`, by its place in the incident's journal.
    pub anchor: String,
    pub at: Timestamp,
    pub text: String,
    pub detail: String,
    pub icon: &'static str,
}

/// What the timeline can be filtered by: the word in the address, and the label.
const KINDS: [(&str, &str); 7] = [
    ("trigger", "Triggers"),
    ("decision", "Decisions"),
    ("approval", "Approvals"),
    ("tick", "Ticks"),
    ("run", "Runs"),
    ("message", "Messages"),
    ("note", "Notes"),
];

impl Timeline {
    /// `only` is a kind's word; one that is unknown filters nothing.
    pub fn of(sight: &Sight, journal: &[Recorded], only: &str) -> Timeline {
        let only = KINDS.iter().find(|(key, _)| *key == only).map(|(key, _)| *key);
        let entries = journal.iter().rev().filter_map(|recorded| {
            let (kind, icon) = kind_of(&recorded.event);
            (only.is_none_or(|only| only == kind)).then(|| Entry {
                anchor: format!("e{}", recorded.version),
                at: recorded.at,
                text: format!("{}: {}", sight.by(recorded.actor.person()), sentence(&words(&recorded.event.kind()))),
                detail: detail(&recorded.event),
                icon,
            })
        });
        let id = &sight.incident.id;
        let everything = Filter { title: "All", href: format!("/incidents/{id}#timeline"), current: only.is_none() };
        let kinds = KINDS.into_iter().map(|(key, title)| Filter {
            title,
            href: format!("/incidents/{id}?kind={key}#timeline"),
            current: only == Some(key),
        });
        Timeline {
            filters: std::iter::once(everything).chain(kinds).collect(),
            entries: entries.collect(),
            all: journal.len(),
            note: Place::of(sight.offers().ask(&Command::AddNote { text: "…".to_owned() })),
        }
    }
}

/// `RoleTaken` as `role taken`.
fn words(kind: &str) -> String {
    let mut words = String::new();
    for letter in kind.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn kind_of(event: &Event) -> (&'static str, &'static str) {
    match event {
        Event::Opened(_) | Event::TriggerJoined { .. } => ("trigger", "bell"),
        Event::Approved(_) | Event::ApprovalWithdrawn { .. } | Event::Declined { .. } => ("approval", "key"),
        Event::ItemMarked { .. }
        | Event::ItemUnmarked { .. }
        | Event::CriterionMarked { .. }
        | Event::IndicatorMarked { .. } => ("tick", "check"),
        Event::StartOrdered { .. }
        | Event::StartRefused { .. }
        | Event::ActionReleased { .. }
        | Event::RunStarting(_)
        | Event::RunRunning { .. }
        | Event::RunFinished { .. }
        | Event::RunLost { .. }
        | Event::RunJudged { .. }
        | Event::ReportedByHand { .. }
        | Event::RetryOrdered { .. }
        | Event::ActionHeld { .. }
        | Event::ActionResumed { .. }
        | Event::StopOrdered { .. } => ("run", "terminal"),
        Event::UpdateEdited { .. } | Event::UpdateSent(_) => ("message", "message"),
        Event::NoteAdded { .. } => ("note", "document"),
        _ => ("decision", "flag"),
    }
}

/// A reason or a text, where the event has one.
fn detail(event: &Event) -> String {
    match event {
        Event::NoteAdded { text } => text.clone(),
        Event::UpdateSent(update) => update.text.clone(),
        Event::StartRefused { why, .. } | Event::ActionHeld { why, .. } | Event::RunLost { why, .. } => why.clone(),
        Event::Declined { reason, .. } | Event::ChangesRequested { reason, .. } | Event::StopOrdered { reason, .. } => {
            reason.clone()
        }
        _ => String::new(),
    }
}
