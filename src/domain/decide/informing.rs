//! The promise of progress updates: numbered, each sent exactly once, none silently missing (L3).

use super::{Case, optional, required};
use crate::domain::event::{Event, UpdateSent};
use crate::domain::progress;
use crate::domain::refusal::Refusal;
use crate::domain::state::{Incident, Promise};
use crate::domain::{Span, Timestamp};

/// An update that goes out this long after its time is still on time.
const GRACE: Span = Span::seconds(15);

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
    let text = progress::text(case.facts, incident, current.number, &note, next_due_at, case.now);
    Ok(vec![Event::UpdateSent(UpdateSent {
        number: current.number,
        due_at: current.due_at,
        text,
        early,
        missed,
        late: case.now - current.due_at > GRACE,
        next_due_at,
    })])
}

/// The newest promise that has come due, and the numbers of those before it that passed in silence.
fn caught_up(promise: Promise, every: Span, now: Timestamp) -> (Promise, Vec<u32>) {
    let late = now - promise.due_at;
    if late.0 < every.0 || every.0 <= 0 {
        return (promise, Vec::new());
    }
    let passed = u32::try_from(late.0 / every.0).unwrap_or(u32::MAX - promise.number);
    let current =
        Promise { number: promise.number + passed, due_at: promise.due_at + Span(every.0 * i64::from(passed)) };
    (current, (promise.number..current.number).collect())
}

pub fn note(text: &str) -> Result<Vec<Event>, Refusal> {
    Ok(vec![Event::NoteAdded { text: required("note", text)? }])
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
