//! One entry of the timeline as markup. It is the same for everyone who looks, so that a page and a stream to many
//! viewers can send the very same row: made from the entry, the incident and the names, never from a viewer.

use crate::domain::event::Recorded;
use crate::domain::facts::Facts;
use crate::domain::state::Incident;
use crate::domain::story::{Story, TimelineKind};
use crate::domain::{PersonId, Timestamp};
use askama::Template;

/// The list that rows stand in, newest first. A row that arrives later is put there first.
pub const LIST: &str = "timeline-rows";

pub struct Row {
    pub incident: String,
    /// The entry's place in the whole ledger: its address for good.
    pub seq: i64,
    pub at: Timestamp,
    /// Said where it is not the day on which the incident opened.
    pub date: Option<String>,
    pub kind: TimelineKind,
    pub icon: &'static str,
    /// Whose act the sentence begins with; empty where it begins with a thing.
    pub actor: String,
    /// The rest of the sentence.
    pub text: String,
    pub detail: String,
}

/// Makes the rows of one incident.
pub struct Rows<'a> {
    incident: &'a Incident,
    facts: &'a Facts<'a>,
}

impl<'a> Rows<'a> {
    /// The incident as it is with the entry, or later.
    pub fn of(incident: &'a Incident, facts: &'a Facts<'a>) -> Rows<'a> {
        Rows { incident, facts }
    }

    pub fn row(&self, recorded: &Recorded) -> Row {
        let name = |person: &PersonId| self.facts.name(person);
        let told = Story::of_incident(self.incident, &name, self.facts.procedure).tell(recorded);
        let actor = recorded.actor.person().map_or_else(|| "Backout".to_owned(), name);
        let (actor, text) = match told.text.strip_prefix(&actor) {
            Some(rest) if rest.starts_with(' ') => (actor, rest.to_owned()),
            _ => (String::new(), told.text),
        };
        let date = recorded.at.date();
        Row {
            incident: self.incident.id.clone(),
            seq: recorded.seq,
            at: recorded.at,
            date: (date != self.incident.opened_at.date()).then_some(date),
            kind: told.kind,
            icon: told.icon,
            actor,
            text,
            detail: told.detail.unwrap_or_default(),
        }
    }
}

/// A row without a page around it.
#[derive(Template)]
#[template(source = r#"{%- import "icons.html" as icons -%}{%- include "_timeline_row.html" -%}"#, ext = "html")]
struct Alone<'a> {
    row: &'a Row,
}

impl Row {
    /// The row as a stream sends it.
    ///
    /// # Errors
    /// Never in practice: it writes to memory.
    pub fn html(&self) -> askama::Result<String> {
        Alone { row: self }.render()
    }

    /// `/incidents/RB-0142/timeline?at=310#event-310`: holds as long as the incident is kept, however many come after it.
    pub fn link(&self) -> String {
        format!("/incidents/{}/timeline?at={seq}#event-{seq}", self.incident, seq = self.seq)
    }
}
