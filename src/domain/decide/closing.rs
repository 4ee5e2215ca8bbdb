//! The end of an incident: what must be there before it may be closed (R1, R5, T10).

use super::{Case, informing, optional, required};
use crate::domain::command::Outcome;
use crate::domain::event::Event;
use crate::domain::progress;
use crate::domain::refusal::Refusal;
use crate::domain::state::{AttemptStatus, Incident};

/// What still stands between an incident and its closing with this outcome, in words.
pub fn missing(incident: &Incident, outcome: Outcome) -> Vec<String> {
    let mut missing = Vec::new();
    if let Some(attempt) = incident.current() {
        let status = attempt.status();
        let never_submitted = outcome != Outcome::RolledBack && status == AttemptStatus::Draft;
        if !status.is_terminal() && !never_submitted {
            missing.push(format!("attempt {} {}: end it first", attempt.number, status.stands()));
        }
    }
    let succeeded = incident.current().filter(|attempt| attempt.status() == AttemptStatus::Succeeded);
    match (outcome, succeeded) {
        (Outcome::RolledBack, None) => missing.push("no rollback succeeded".into()),
        (Outcome::RolledBack, Some(attempt)) if attempt.escalates.is_some() => {
            missing.push("it was a restoration that succeeded".into());
        }
        (Outcome::Restored, None) => missing.push("no restoration succeeded".into()),
        (Outcome::Restored, Some(attempt)) if attempt.escalates.is_none() => {
            missing.push("it was a rollback, not a restoration, that succeeded".into());
        }
        (Outcome::NotRolledBack | Outcome::Dismissed, Some(_)) => {
            missing.push("a rollback succeeded".into());
        }
        _ => {}
    }
    if incident.has_open_debt() {
        missing.push("management has not ratified what was allowed in advance".into());
    }
    missing
}

pub fn close(case: &Case, incident: &Incident, outcome: Outcome, reason: &str) -> Result<Vec<Event>, Refusal> {
    let missing = missing(incident, outcome);
    if !missing.is_empty() {
        return Err(Refusal::blocked(missing.join("; "), "Settle this first, or choose another outcome."));
    }
    let reason = required("reason", reason)?;
    let mut events = Vec::new();
    let by = case.actor.who.person().map_or_else(|| "Backout".to_owned(), |id| case.facts.name(id));
    let said = progress::in_one_line(&reason);
    let words = format!("The incident is closed: {outcome}. {}", progress::words_of_writer(&by, &said));
    events.extend(informing::last(case, incident, &words));
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
