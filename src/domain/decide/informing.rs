//! The promise of progress updates: numbered, each sent exactly once, none silently missing (L3).

use super::{Case, optional, required};
use crate::domain::event::{Event, ImpactSaid, UpdateSent};
use crate::domain::progress;
use crate::domain::refusal::Refusal;
use crate::domain::state::{Incident, Promise};
use crate::domain::{Span, Timestamp};

/// An update that goes out this long after its time is still on time.
const GRACE: Span = Span::seconds(15);

/// The most misses that one update lists. At five minutes that is 34 days of silence; beyond it a clock was wrong.
const MOST_MISSES: u32 = 10_000;

fn promised(incident: &Incident, number: u32) -> Result<Promise, Refusal> {
    match incident.updates.promised {
        Some(promise) if promise.number == number => Ok(promise),
        Some(promise) if number < promise.number => Err(Refusal::already(format!("update {number} went out already"))),
        Some(promise) => Err(Refusal::phase(
            format!("update {number} is not the next one"),
            format!("The next is update {}.", promise.number),
        )),
        None => Err(Refusal::already(format!("no update {number} is promised"))),
    }
}

pub fn edit_update(incident: &Incident, number: u32, note: &str) -> Result<Vec<Event>, Refusal> {
    promised(incident, number)?;
    let note = optional("note", note)?;
    if incident.updates.note.as_deref().unwrap_or_default() == note {
        return Err(Refusal::already("the draft says this already"));
    }
    Ok(vec![Event::UpdateEdited { number, note }])
}

/// Sends an update: early by a person, or by itself at its time. After an outage one goes out at once, and each promise
/// that passed is a miss.
pub fn send(case: &Case, incident: &Incident, number: u32, note: Option<&str>) -> Result<Vec<Event>, Refusal> {
    let promise = promised(incident, number)?;
    let early = case.now < promise.due_at;
    if early && case.actor.who.person().is_none() {
        return Err(Refusal::phase("its time has not come", "It goes out by itself when it has."));
    }
    let (current, missed) = caught_up(promise, incident.cadence.every, case.now);
    let note = match note {
        Some(note) => optional("note", note)?,
        None => incident.updates.note.clone().unwrap_or_default(),
    };
    let base = if early { case.now } else { current.due_at };
    let next_due_at = (!incident.outcome_known()).then(|| base + incident.cadence.every);
    Ok(vec![update(case, incident, current, missed, &note, next_due_at)])
}

/// The last update says the outcome; nothing is promised after it. What passed in silence before it is a miss all the
/// same.
pub fn last(case: &Case, incident: &Incident, words: &str) -> Option<Event> {
    let (current, missed) = caught_up(incident.updates.promised?, incident.cadence.every, case.now);
    Some(update(case, incident, current, missed, words, None))
}

fn update(
    case: &Case,
    incident: &Incident,
    current: Promise,
    missed: Vec<u32>,
    note: &str,
    next_due_at: Option<Timestamp>,
) -> Event {
    Event::UpdateSent(UpdateSent {
        number: current.number,
        due_at: current.due_at,
        text: progress::text(case.facts, incident, current.number, note, next_due_at, case.now),
        early: case.now < current.due_at,
        late: case.now - current.due_at > GRACE,
        missed,
        next_due_at,
    })
}

/// The newest promise that has come due, and the numbers of those before it that passed in silence.
fn caught_up(promise: Promise, every: Span, now: Timestamp) -> (Promise, Vec<u32>) {
    let late = now - promise.due_at;
    if late.0 < every.0 || every.0 <= 0 {
        return (promise, Vec::new());
    }
    let passed = late.0 / every.0;
    let counted = u32::try_from(passed).unwrap_or(u32::MAX).min(MOST_MISSES);
    let number = promise.number.saturating_add(counted);
    let current = Promise { number, due_at: promise.due_at + Span(every.0 * passed) };
    (current, (promise.number..number).collect())
}

pub fn note(text: &str) -> Result<Vec<Event>, Refusal> {
    Ok(vec![Event::NoteAdded { text: required("note", text)? }])
}

/// The longest sentence about people, note and figure, in characters: all of it stands on one page.
const LONGEST_SENTENCE: usize = 200;
const LONGEST_FIGURE: usize = 24;

/// What people feel, in the words of whoever hears them (L7).
pub fn describe_impact(case: &Case, incident: &Incident, said: &ImpactSaid) -> Result<Vec<Event>, Refusal> {
    let line = |field, text: &str| one_line(field, text, LONGEST_SENTENCE);
    let told = ImpactSaid {
        felt: required("sentence about people", &line("sentence about people", &said.felt)?)?,
        people: said.people,
        people_note: line("note on the number", &said.people_note)?,
        since: said.since,
        cost: one_line("cost", &said.cost, LONGEST_FIGURE)?,
        cost_note: line("note on the cost", &said.cost_note)?,
        acting: line("risk of acting", &said.acting)?,
        waiting: line("risk of waiting", &said.waiting)?,
    };
    if told.since.is_some_and(|since| since > case.now) {
        return Err(Refusal::input("the time since when people feel it lies ahead", "Name a time that has passed."));
    }
    if incident.impact.as_ref().is_some_and(|known| known.said == told) {
        return Err(Refusal::already("this is what stands there already"));
    }
    Ok(vec![Event::ImpactDescribed(told)])
}

/// A text that may be empty, of one line.
fn one_line(field: &str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = optional(field, text)?;
    let length = text.chars().count();
    if length > limit {
        return Err(Refusal::input(
            format!("the {field} has {length} characters and may have {limit}"),
            "Shorten it: it is read in a minute. Write a note in the room for the rest.",
        ));
    }
    if text.contains(['\n', '\r']) {
        return Err(Refusal::input(format!("the {field} has several lines"), "Write it in one."));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_that_passed_are_each_a_miss_and_one_update_goes_out() {
        let first = Promise { number: 3, due_at: Timestamp(0) };
        let every = Span::minutes(5);
        assert_eq!(caught_up(first, every, Timestamp(0) + Span::seconds(1)), (first, vec![]));
        assert_eq!(caught_up(first, every, Timestamp(0) + Span::seconds(299)), (first, vec![]));
        let (current, missed) = caught_up(first, every, Timestamp(0) + Span::minutes(16));
        assert_eq!(current, Promise { number: 6, due_at: Timestamp(0) + Span::minutes(15) });
        assert_eq!(missed, vec![3, 4, 5]);
    }
}
