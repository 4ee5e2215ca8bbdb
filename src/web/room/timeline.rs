//! The whole story, newest first. Every entry has an address of its own that stays.

use crate::domain::command::Command;
use crate::domain::event::Recorded;
use crate::domain::words::{Story, TimelineKind};
use crate::domain::{PersonId, Timestamp};
use crate::web::incident::{Place, Sight};

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

impl Timeline {
    /// `only` is a kind's word; one that is unknown filters nothing.
    pub fn of(sight: &Sight, journal: &[Recorded], only: &str) -> Timeline {
        let only = TimelineKind::from_key(only);
        let name = |person: &PersonId| sight.facts.name(person);
        let story = Story::of(journal, &name, sight.facts.procedure);
        let entries = journal.iter().rev().map(|recorded| (recorded, story.tell(recorded)));
        let entries =
            entries.filter(|(_, told)| only.is_none_or(|kind| kind == told.kind)).map(|(recorded, told)| Entry {
                anchor: format!("e{}", recorded.version),
                at: recorded.at,
                text: told.text,
                detail: told.detail.unwrap_or_default(),
                icon: told.icon,
            });
        let id = &sight.incident.id;
        let everything = Filter { title: "All", href: format!("/incidents/{id}#timeline"), current: only.is_none() };
        let kinds = TimelineKind::ALL.into_iter().map(|kind| Filter {
            title: kind.title(),
            href: format!("/incidents/{id}?kind={}#timeline", kind.key()),
            current: only == Some(kind),
        });
        Timeline {
            filters: std::iter::once(everything).chain(kinds).collect(),
            entries: entries.collect(),
            all: journal.len(),
            note: Place::of(sight.offers().ask(&Command::AddNote { text: "…".to_owned() })),
        }
    }
}
