//! The promise of progress updates: numbered, each sent exactly once, none silently missing (L3).
//!
//! An update goes out by itself at its time. Where the playbook demands a person's word instead, the clock calls for it
//! when the draft stands ready, records the miss when its time has come, and then asks the next contact.

use super::{Case, optional, required};
use crate::domain::command::Command;
use crate::domain::event::{Event, ImpactSaid, UpdateSent};
use crate::domain::procedure::Sending;
use crate::domain::progress;
use crate::domain::refusal::Refusal;
use crate::domain::state::{Incident, Promise};
use crate::domain::{PersonId, Span, Timestamp};

/// An update that goes out this long after its time is still on time.
const GRACE: Span = Span::seconds(15);

/// The most misses that one update lists. At five minutes that is 34 days of silence; beyond it a clock was wrong.
const MOST_MISSES: u32 = 10_000;

/// Whether this command may compose an update, so that earlier runs are wanted as a fact.
pub fn composes(command: &Command) -> bool {
    matches!(command, Command::SendUpdate { .. } | Command::Close { .. })
}

/// The update that would go out now: the promised one, or a later one when its time has come too.
pub fn current_update(incident: &Incident, now: Timestamp) -> Option<Promise> {
    let promise = incident.updates.promised.filter(|_| incident.is_open())?;
    Some(caught_up(promise, incident.beat(), now).0)
}

/// The promise, if `number` is the update that would go out now, or one that passed unsent before it.
fn promised(case: &Case, incident: &Incident, number: u32) -> Result<Promise, Refusal> {
    let Some(promise) = incident.updates.promised else {
        return Err(Refusal::already(format!("no update {number} is promised")));
    };
    if number < promise.number {
        return Err(Refusal::already(format!("update {number} went out already")));
    }
    let (current, _) = caught_up(promise, incident.beat(), case.now);
    if number > current.number {
        return Err(Refusal::phase(
            format!("update {number} is not the next one"),
            format!("The next is update {}.", current.number),
        ));
    }
    Ok(promise)
}

pub fn edit_update(case: &Case, incident: &Incident, number: u32, note: &str) -> Result<Vec<Event>, Refusal> {
    promised(case, incident, number)?;
    let note = optional("note", note)?;
    if incident.updates.note.as_ref().map_or("", |kept| kept.text.as_str()) == note {
        return Err(Refusal::already("the draft says this already"));
    }
    Ok(vec![Event::UpdateEdited { number, note }])
}

/// Sends an update: early by a person, or by itself at its time. After an outage one goes out at once, and each promise
/// that passed is a miss.
pub fn send(case: &Case, incident: &Incident, number: u32, note: Option<&str>) -> Result<Vec<Event>, Refusal> {
    let promise = promised(case, incident, number)?;
    let early = case.now < promise.due_at;
    if case.actor.who.person().is_none() {
        if incident.cadence.sent == Sending::ByPerson {
            return Err(Refusal::phase(
                "this playbook demands a person's word",
                "Somebody with the right to it presses Send on the update’s page.",
            ));
        }
        if early {
            return Err(Refusal::phase("its time has not come", "It goes out by itself when it has."));
        }
    }
    if early && let Some(allowed_at) = not_before(incident).filter(|at| case.now < *at) {
        return Err(Refusal::phase(
            format!("update {} went out a moment ago", promise.number.saturating_sub(1)),
            format!("The next can be sent from {} UTC on. Keep your words for it meanwhile.", allowed_at.time_of_day()),
        ));
    }
    let (current, missed) = caught_up(promise, incident.beat(), case.now);
    let note = written_note(case, incident, note)?;
    let base = if early { case.now } else { current.due_at };
    let next_due_at = (!incident.outcome_known()).then(|| base + incident.beat());
    Ok(vec![Event::UpdateSent(update(case, incident, current, missed, &note, next_due_at))])
}

/// Words for an update with the name of who wrote them: those that were kept for it, or the sender's own.
fn written_note(case: &Case, incident: &Incident, words: Option<&str>) -> Result<String, Refusal> {
    let kept = incident.updates.note.as_ref();
    let words = match words {
        Some(words) => optional("note", words)?,
        None => kept.map(|kept| kept.text.clone()).unwrap_or_default(),
    };
    let writer = note_writer(incident, &words, case.actor.who.person());
    Ok(progress::words_of_writer(&writer.map_or_else(|| "A person".to_owned(), |id| case.facts.name(id)), &words))
}

/// Whose words these are, when `sender` sends them: what somebody kept stays theirs while it is unchanged.
pub fn note_writer<'a>(incident: &'a Incident, words: &str, sender: Option<&'a PersonId>) -> Option<&'a PersonId> {
    let kept = incident.updates.note.as_ref().filter(|kept| kept.text == words);
    kept.and_then(|kept| kept.by.as_ref()).or(sender)
}

/// The least time between two updates that people send early, as a part of the beat and at most: nobody floods those who
/// read them.
const LEAST_PART: i64 = 5;
const LEAST_DISTANCE: Span = Span::minutes(1);

/// From when on a person may send the next update early; `None` when the last one came at its time: words that just missed
/// it may follow at once.
fn not_before(incident: &Incident) -> Option<Timestamp> {
    let (sent_at, _) = incident.updates.sent.last().filter(|(_, last)| last.early)?;
    Some(*sent_at + LEAST_DISTANCE.min(Span(incident.beat().0 / LEAST_PART)))
}

/// The last update says the outcome, and what somebody kept for it; nothing is promised after it. What passed in silence
/// before it is a miss all the same.
pub fn last(case: &Case, incident: &Incident, words: &str) -> Result<Option<Event>, Refusal> {
    let Some(promise) = incident.updates.promised else { return Ok(None) };
    let (current, missed) = caught_up(promise, incident.beat(), case.now);
    let kept = written_note(case, incident, None)?;
    let words = if kept.is_empty() { words.to_owned() } else { format!("{words}\n{kept}") };
    let last = update(case, incident, current, missed, &words, None);
    // It is nobody's haste: it goes out because the incident is closed.
    Ok(Some(Event::UpdateSent(UpdateSent { early: false, closing: true, ..last })))
}

fn update(
    case: &Case,
    incident: &Incident,
    current: Promise,
    missed: Vec<u32>,
    note: &str,
    next_due_at: Option<Timestamp>,
) -> UpdateSent {
    let composed = progress::compose(case.facts, incident, current.number, note, next_due_at, case.now);
    UpdateSent {
        number: current.number,
        due_at: current.due_at,
        text: composed.text,
        early: case.now < current.due_at,
        late: case.now - current.due_at > GRACE,
        missed,
        next_due_at,
        closing: false,
        said: composed.said,
    }
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

// ---- where a person's word is demanded ----

fn waiting_for_a_person(incident: &Incident, number: u32) -> Result<Promise, Refusal> {
    match incident.updates.promised {
        Some(promise) if incident.cadence.sent == Sending::ByPerson => Ok(promise),
        _ => Err(Refusal::already(format!("update {number} waits for nobody"))),
    }
}

/// The draft stands ready: from here on its writer is waited for.
pub fn call(case: &Case, incident: &Incident, number: u32) -> Result<Vec<Event>, Refusal> {
    let promise = waiting_for_a_person(incident, number)?;
    if number != promise.number || incident.updates.call.ready == Some(number) {
        return Err(Refusal::already(format!("update {number} is called for already, or went out")));
    }
    if case.now < promise.due_at - incident.cadence.draft_before {
        return Err(Refusal::phase("its draft is not ready yet", "It is called for when it is."));
    }
    Ok(vec![Event::UpdateAwaited { number, due_at: promise.due_at }])
}

/// Its time has come and nobody sent it. Each promise that passed meanwhile is a miss of its own.
pub fn miss(case: &Case, incident: &Incident, number: u32) -> Result<Vec<Event>, Refusal> {
    let promise = waiting_for_a_person(incident, number)?;
    let (current, _) = caught_up(promise, incident.beat(), case.now);
    let next = incident.updates.call.missed.last().map_or(promise.number, |missed| missed.saturating_add(1));
    if number != next {
        return Err(Refusal::already(format!("update {number} went out, or its miss is recorded")));
    }
    if case.now < current.due_at || current.number < next {
        return Err(Refusal::phase("its time has not come", "Its miss is recorded when it has."));
    }
    Ok(vec![Event::UpdateMissed { numbers: (next..=current.number).collect(), due_at: current.due_at }])
}

/// Its writer left it unsent: the next contact is asked, once.
pub fn escalate(case: &Case, incident: &Incident, number: u32) -> Result<Vec<Event>, Refusal> {
    let promise = waiting_for_a_person(incident, number)?;
    let call = &incident.updates.call;
    if number != promise.number || call.escalated_at.is_some() {
        return Err(Refusal::already(format!("update {number} went out, or the next contact was asked")));
    }
    if call.missed.is_empty() || case.now < promise.due_at + incident.cadence.next_contact_after {
        return Err(Refusal::phase("its writer still has time", "The next contact is asked when that has passed."));
    }
    Ok(vec![Event::UpdateEscalated { number, to: incident.cadence.next_contact.clone() }])
}

// ---- the beat ----

/// Another beat of updates, promised by the incident commander. A slower one holds from the next update on, which
/// announces it; a faster one holds at once.
pub fn change_beat(case: &Case, incident: &Incident, every: Span, reason: &str) -> Result<Vec<Event>, Refusal> {
    let (Some(promise), Some(since)) = (incident.updates.promised, incident.updates.since) else {
        return Err(Refusal::phase("no update is promised", "There is no beat to change."));
    };
    let (usual, slowest) = (incident.cadence.every, incident.cadence.slowest);
    if every < usual || every > slowest {
        return Err(Refusal::input(
            format!("updates every {} are outside the playbook's bounds", every.in_words()),
            format!("Choose from every {} to every {}.", usual.in_words(), slowest.in_words()),
        ));
    }
    let from = incident.beat();
    if every == from {
        return Err(Refusal::already(format!("updates come every {} already", every.in_words())));
    }
    if case.now >= promise.due_at {
        return Err(Refusal::phase(format!("update {} is overdue", promise.number), "Send it first."));
    }
    let allowed_at = since + incident.cadence.slow_after;
    if every > from && case.now < allowed_at {
        return Err(Refusal::phase(
            format!("the beat may be slowed after {} of updates", incident.cadence.slow_after.in_words()),
            format!("From {} UTC on it may be as slow as every {}.", allowed_at.time_of_day(), slowest.in_words()),
        ));
    }
    let reason = required("reason", reason)?;
    let next_due_at = Some(case.now + every).filter(|at| *at < promise.due_at);
    Ok(vec![Event::BeatChanged { from, every, reason, next_due_at }])
}

/// The most notes that a closed incident takes: afterwards it is a record, and grows no more.
const MOST_NOTES_AFTER_CLOSING: u32 = 100;

pub fn note(incident: &Incident, text: &str) -> Result<Vec<Event>, Refusal> {
    if incident.notes_after_closing >= MOST_NOTES_AFTER_CLOSING {
        return Err(Refusal::phase(
            format!(
                "{MOST_NOTES_AFTER_CLOSING} notes were written since the incident was closed, and it takes no more"
            ),
            "Write it into the report's sections, or open a new incident if it happens again.",
        ));
    }
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
    if text.contains('\n') {
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
