//! What was said: progress updates, links, notes, and what people feel.

use super::{Story, TimelineKind, Told, told, unreachable_kind};
use crate::domain::event::{Event, ImpactSaid, UpdateSent};
use crate::domain::waits::Awaited;
use crate::domain::words::{lower_first, plain, roles_words, thousands};

impl Story<'_> {
    pub(super) fn tell_message(&self, who: &str, event: &Event) -> Told {
        match event {
            Event::UpdateEdited { number, note } => told(
                TimelineKind::Message,
                "message",
                format!("{who} edited the draft of update {number}"),
                [note.clone()],
            ),
            Event::UpdateSent(update) => told(
                TimelineKind::Message,
                if update.late || !update.missed.is_empty() { "attention" } else { "message" },
                match update.closing {
                    true => format!("Backout sent update {} with the closing{}", update.number, manner(update)),
                    false => format!("{who} sent update {}{}", update.number, manner(update)),
                },
                [update.text.clone()],
            ),
            // Whoever set the clock off: these three are its own.
            Event::UpdateAwaited { number, due_at } => told(
                TimelineKind::Message,
                "waiting",
                format!("Backout called for update {number}, due at {} UTC", due_at.time_of_day()),
                [],
            ),
            Event::UpdateMissed { numbers, due_at } => told(
                TimelineKind::Message,
                "attention",
                format!("Backout recorded that nobody sent {}", numbered(numbers)),
                [format!("Due at {} UTC", due_at.time_of_day())],
            ),
            Event::UpdateEscalated { number, to } => told(
                TimelineKind::Message,
                "bell",
                format!("Backout asked {} for update {number}", roles_words(to, "and")),
                [],
            ),
            Event::BeatChanged { from, every, reason, next_due_at } => {
                let manner = if every > from { "slower" } else { "faster" };
                let next = next_due_at.map(|at| format!("The next is due at {} UTC", at.time_of_day()));
                told(
                    TimelineKind::Decision,
                    "message",
                    format!(
                        "{who} promised {manner} updates: every {}, not every {}",
                        every.in_words(),
                        from.in_words()
                    ),
                    [reason.clone(), next.unwrap_or_default()],
                )
            }
            Event::LinkPinned(pin) => told(
                TimelineKind::Note,
                "evidence",
                format!("{who} pinned the {} “{}”", pin.kind, pin.title),
                [pin.address.clone()],
            ),
            Event::LinkUnpinned { title, address } => {
                told(TimelineKind::Note, "back", format!("{who} took down the link “{title}”"), [address.clone()])
            }
            Event::Reminded { who: awaited, what, .. } => {
                let whom = match awaited {
                    Awaited::Person(person) => (self.names)(person),
                    Awaited::Role(role) => format!("everyone in the role {role}"),
                };
                told(TimelineKind::Message, "bell", format!("{who} reminded {whom} to {}", lower_first(what)), [])
            }
            Event::NoteAdded { text } => {
                told(TimelineKind::Note, "message", format!("{who} wrote a note"), [text.clone()])
            }
            Event::ImpactDescribed(said) => told(
                TimelineKind::Message,
                "people",
                format!("{who} said what people feel: {}", said.felt.trim_end_matches(['.', '!'])),
                impact_lines(said),
            ),
            Event::SectionWritten { document, section, text } => {
                let known = self.procedure.documents.iter().find(|known| known.name == *document);
                let part = known.and_then(|known| known.sections.iter().find(|known| known.name == *section));
                told(
                    TimelineKind::Note,
                    "evidence",
                    format!(
                        "{who} wrote “{}” of the {}",
                        part.map_or_else(|| plain(section), |part| part.title.clone()),
                        known.map_or_else(|| plain(document), |known| known.title.to_lowercase())
                    ),
                    [text.clone()],
                )
            }
            other => unreachable_kind(other),
        }
    }
}

/// What was said besides the sentence itself, one line each.
fn impact_lines(said: &ImpactSaid) -> Vec<String> {
    let with = |label: &str, text: &str, note: &str| match (text.is_empty(), note.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!("{label}: {text}"),
        (false, false) => format!("{label}: {text}, {note}"),
    };
    vec![
        with("People", &said.people.map_or_else(String::new, thousands), &said.people_note),
        with("Since", &said.since.map_or_else(String::new, |at| at.in_words()), ""),
        with("Cost", &said.cost, &said.cost_note),
        with("Risk of acting", &said.acting, ""),
        with("Risk of waiting", &said.waiting, ""),
    ]
}

/// How an update went out, where that was not simply at its time.
fn manner(update: &UpdateSent) -> String {
    let mut words = String::new();
    if update.early {
        words.push_str(" before its time");
    } else if update.late {
        words.push_str(" after its time");
    }
    match update.missed.as_slice() {
        [] => {}
        one @ [_] => words.push_str(&format!("; {} was missed", numbered(one))),
        more => words.push_str(&format!("; {} were missed", numbered(more))),
    }
    words
}

/// `update 3`, or `updates 3 to 5`.
fn numbered(numbers: &[u32]) -> String {
    match numbers {
        [] => "no update".to_owned(),
        [one] => format!("update {one}"),
        [first, .., last] => format!("updates {first} to {last}"),
    }
}
