//! The end of an incident: what must be there before it may be closed (R1, R5, T10).

use super::{Case, informing, optional, required};
use crate::domain::command::Outcome;
use crate::domain::event::Event;
use crate::domain::procedure::Procedure;
use crate::domain::progress;
use crate::domain::refusal::Refusal;
use crate::domain::state::{Attempt, AttemptStatus, Incident};

/// What stands between an incident and its closing with an outcome.
struct Lack {
    what: String,
    /// Whether anything can be done about it: what has succeeded stays so.
    settles: bool,
    /// Whether another outcome would do without.
    of_outcome: bool,
}

fn missing(incident: &Incident, procedure: &Procedure, outcome: Outcome) -> Vec<Lack> {
    let mut missing = Vec::new();
    let mut lacks = |what: &str, settles, of_outcome| missing.push(Lack { what: what.to_owned(), settles, of_outcome });
    if let Some(attempt) = incident.current() {
        let status = attempt.status();
        let never_submitted = outcome != Outcome::RolledBack && status == AttemptStatus::Draft;
        if !status.is_terminal() && !never_submitted {
            lacks(&format!("attempt {} {}: end it first", attempt.number, status.stands()), true, false);
        }
    }
    // A rollback may bring back a backup too: it is both then, and may be told as either.
    let restored = |attempt: &Attempt| attempt.restorations_begun(procedure).next().is_some();
    let succeeded = incident.current().filter(|attempt| attempt.status() == AttemptStatus::Succeeded);
    match (outcome, succeeded) {
        (Outcome::RolledBack, None) => lacks("no rollback succeeded", true, true),
        (Outcome::RolledBack, Some(attempt)) if attempt.escalates.is_some() => {
            lacks("it was a restoration that succeeded", false, true);
        }
        (Outcome::Restored, None) => lacks("no restoration succeeded", true, true),
        (Outcome::Restored, Some(attempt)) if attempt.escalates.is_none() && !restored(attempt) => {
            lacks("it was a rollback, not a restoration, that succeeded", false, true);
        }
        (Outcome::NotRolledBack | Outcome::Dismissed, Some(_)) => {
            lacks("a rollback succeeded", false, true);
        }
        _ => {}
    }
    if incident.has_open_debt() {
        lacks("management has not ratified what was allowed in advance", true, false);
    }
    missing
}

pub fn close(case: &Case, incident: &Incident, outcome: Outcome, reason: &str) -> Result<Vec<Event>, Refusal> {
    let missing = missing(incident, case.facts.procedure, outcome);
    if !missing.is_empty() {
        let mend = match (missing.iter().all(|lack| lack.settles), missing.iter().any(|lack| lack.of_outcome)) {
            (false, _) => "Choose another outcome.",
            (true, true) => "Settle this first, or choose another outcome.",
            (true, false) => "Settle this first.",
        };
        let words: Vec<String> = missing.into_iter().map(|lack| lack.what).collect();
        return Err(Refusal::blocked(words.join("; "), mend));
    }
    let reason = required("reason", reason)?;
    let mut events = Vec::new();
    let by = case.actor.who.person().map_or_else(|| "Backout".to_owned(), |id| case.facts.name(id));
    let said = progress::in_one_line(&reason);
    let words = format!("The incident is closed: {outcome}. {}", progress::words_of_writer(&by, &said));
    events.extend(informing::last(case, incident, &words)?);
    events.push(Event::Closed { outcome, reason });
    Ok(events)
}

/// The parts of a document that people type: lessons learned, what users felt.
pub fn write_section(
    case: &Case,
    incident: &Incident,
    document: &str,
    section: &str,
    text: &str,
) -> Result<Vec<Event>, Refusal> {
    let known = case.facts.procedure.documents.iter().find(|known| known.name == document);
    let known = known.ok_or_else(|| Refusal::unknown("document", document))?;
    if !known.sections.iter().any(|known| known.name == section && known.typed) {
        return Err(Refusal::unknown("section to write", section));
    }
    let text = optional("text", text)?;
    let key = (document.to_owned(), section.to_owned());
    if incident.sections.get(&key).is_some_and(|written| written.text == text) {
        return Err(Refusal::already("the section says this already"));
    }
    Ok(vec![Event::SectionWritten { document: document.to_owned(), section: section.to_owned(), text }])
}

pub fn lift_freeze(incident: &Incident, reason: &str) -> Result<Vec<Event>, Refusal> {
    if !incident.is_frozen() {
        return Err(Refusal::already("deployments are not frozen by this incident"));
    }
    if let Some(attempt) = incident.lock_holder() {
        let because = match attempt.stop {
            Some(_) => "a rollback was stopped, and what ran has not surely ended",
            None => "a rollback is under way",
        };
        return Err(Refusal::blocked(because, "The freeze can be lifted when it has ended."));
    }
    Ok(vec![Event::FreezeLifted { reason: required("reason", reason)? }])
}
