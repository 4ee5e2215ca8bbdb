//! A reminder to whoever is waited for: told once, at most once a minute for each thing that waits, and gone from the
//! pages as soon as the thing is done.

use super::Case;
use crate::domain::Span;
use crate::domain::event::Event;
use crate::domain::refusal::Refusal;
use crate::domain::state::Incident;
use crate::domain::waits::{Awaited, Task, waits};

/// Nobody is reminded of one thing more often than this.
pub const PAUSE: Span = Span::minutes(1);

pub(super) fn remind(
    case: &Case,
    incident: &Incident,
    task: Task,
    of: &str,
    who: &Awaited,
) -> Result<Vec<Event>, Refusal> {
    let person = case.person()?;
    let Some(wait) = waits(incident, case.now).into_iter().find(|wait| wait.is(task, of, who)) else {
        return Err(Refusal::already("nobody is waited for with this any more"));
    };
    let name = match who {
        Awaited::Person(awaited) if awaited == person => {
            return Err(Refusal::not_yours("this waits for you", "Do it, or hand your place over."));
        }
        Awaited::Person(awaited) => case.facts.name(awaited),
        Awaited::Role(role) => {
            if !case.facts.holders(*role).any(|(holder, _)| holder != person) {
                return Err(Refusal::blocked(
                    format!("nobody else holds the role {role}"),
                    "An administrator can give it to somebody.",
                ));
            }
            format!("everyone in the role {role}")
        }
    };
    if let Some(last) = wait.reminded.filter(|last| case.now - last.at < PAUSE) {
        return Err(Refusal::already(format!("{name} was reminded at {} UTC", last.at.time_of_day())));
    }
    Ok(vec![Event::Reminded { task, of: wait.of, who: who.clone(), what: wait.what }])
}
