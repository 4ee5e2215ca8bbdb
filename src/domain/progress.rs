//! What a progress update says: composed from what is known, in the playbook's words.

use super::facts::Facts;
use super::procedure::{Phase, StartMode};
use super::state::{ActionState, Attempt, AttemptStatus, Incident, RunState};
use super::{Span, Timestamp};
use std::collections::BTreeMap;

/// The template that a progress update is made from.
pub const TEMPLATE: &str = "progress-update";

/// The whole text of an update, as it is sent.
pub fn text(
    facts: &Facts,
    incident: &Incident,
    number: u32,
    note: &str,
    next_due_at: Option<Timestamp>,
    now: Timestamp,
) -> String {
    let values = values(facts, incident, number, note, next_due_at, now);
    let template = facts.procedure.message(TEMPLATE).map(|message| message.template.as_str());
    let rendered = template.map(|template| facts.catalogue.render(template, &values));
    match rendered {
        Some(Ok(text)) => text,
        // The promise is kept even with a template that cannot be filled.
        _ => values.iter().map(|(key, value)| format!("{key}: {value}\n")).collect(),
    }
}

/// The variables that a progress update's template may use: the playbook is checked against them, `values` fills each.
/// Empty: `late` when no step is, `next_at` when nothing more is promised, `note` when nobody wrote one.
pub const VARIABLES: [&str; 13] = [
    "incident", "number", "title", "state", "step", "running", "waiting", "done", "measured", "elapsed", "late",
    "next_at", "note",
];

fn values(
    facts: &Facts,
    incident: &Incident,
    number: u32,
    note: &str,
    next_due_at: Option<Timestamp>,
    now: Timestamp,
) -> BTreeMap<&'static str, String> {
    let attempt = incident.current();
    let since = attempt.and_then(Attempt::started_at);
    let elapsed = match since {
        Some(start) => format!("T+{}", now - start),
        None => format!("{} since the trigger", now - incident.opened_at),
    };
    let measured: Vec<String> = facts
        .measures
        .0
        .iter()
        .map(|(series, measure)| {
            let value = measure.value.map_or_else(|| "no data".to_owned(), |value| series.show(value));
            format!("{} {value}", series.label())
        })
        .collect();
    let late = late_steps(facts, incident, now);
    BTreeMap::from([
        ("incident", incident.id.clone()),
        ("number", number.to_string()),
        ("title", incident.title.clone()),
        ("state", state_words(incident)),
        ("step", step_words(attempt)),
        ("running", running_words(attempt)),
        ("waiting", waiting_words(facts, incident)),
        ("done", done_words(facts, attempt)),
        ("measured", if measured.is_empty() { "no data".into() } else { measured.join(", ") }),
        ("elapsed", elapsed),
        ("late", late.join(", ")),
        ("next_at", next_due_at.map_or_else(String::new, |at| format!("{} UTC", at.time_of_day()))),
        ("note", note.to_owned()),
    ])
}

/// Where the incident is, in one word or two.
pub fn state_words(incident: &Incident) -> String {
    if let Some(closed) = &incident.closed {
        return format!("closed, {}", closed.outcome);
    }
    match incident.current() {
        None => "open, no rollback planned".into(),
        Some(attempt) => match attempt.status() {
            AttemptStatus::Submitted if attempt.start_ordered.is_some() => "starting".into(),
            AttemptStatus::Submitted => "waiting for approval".into(),
            AttemptStatus::Draft => "rollback being planned".into(),
            AttemptStatus::Halted if attempt.stop.is_some() => "stopping".into(),
            AttemptStatus::Executing => "rollback in progress".into(),
            status => status.to_string(),
        },
    }
}

fn step_words(attempt: Option<&Attempt>) -> String {
    let Some(plan) = attempt.and_then(Attempt::plan) else { return "no plan yet".into() };
    let done = attempt.map_or(0, |attempt| plan.actions.iter().filter(|action| attempt.is_done(&action.name)).count());
    format!("{done} of {} actions done", plan.actions.len())
}

fn running_words(attempt: Option<&Attempt>) -> String {
    let Some(attempt) = attempt else { return "nothing runs".into() };
    let running: Vec<String> = attempt
        .live_runs()
        .map(|run| {
            let title = attempt
                .plan()
                .and_then(|plan| plan.actions.iter().find(|action| action.name == run.action))
                .map_or(run.action.clone(), |action| action.title.clone());
            format!("{title} ({})", run.state)
        })
        .collect();
    if running.is_empty() { "nothing runs".into() } else { running.join(", ") }
}

/// What waits, and for whom.
pub fn waiting_words(facts: &Facts, incident: &Incident) -> String {
    let named =
        |person: Option<&super::PersonId>, otherwise: &str| person.map_or(otherwise.to_owned(), |id| facts.name(id));
    let Some(attempt) = incident.current() else { return "a plan".into() };
    match attempt.status() {
        AttemptStatus::Draft => format!("the plan, by {}", named(incident.technical_lead.as_ref(), "a technical lead")),
        AttemptStatus::Submitted => {
            let open: Vec<String> = attempt
                .plan()
                .map(|plan| {
                    plan.slots
                        .iter()
                        .filter(|slot| slot.kind.gates() && attempt.approval_for(&slot.role).is_none())
                        .map(|slot| slot.duty.to_string())
                        .collect()
                })
                .unwrap_or_default();
            match (open.is_empty(), attempt.start_mode()) {
                (false, _) => format!("approval by {}", open.join(" and ")),
                (true, Some(StartMode::OnCommand)) => "the word to start".into(),
                (true, _) => "the start".into(),
            }
        }
        AttemptStatus::Executing => {
            let word = attempt.plan().and_then(|plan| {
                plan.actions.iter().find(|action| attempt.action_state(&action.name) == ActionState::AwaitsWord)
            });
            match word {
                Some(action) => format!("the technical lead's word for {}", action.title),
                None => "the actions under way".into(),
            }
        }
        AttemptStatus::Halted if attempt.runs.iter().any(|run| run.state == RunState::Lost && !run.retried) => {
            "a person to look at a lost run".into()
        }
        AttemptStatus::Halted => {
            format!("a decision by {}", named(incident.technical_lead.as_ref(), "the technical lead"))
        }
        AttemptStatus::Verifying => {
            format!("verification by {}", named(incident.technical_lead.as_ref(), "the technical lead"))
        }
        AttemptStatus::Succeeded => "closing".into(),
        _ => format!("the next decision by {}", named(incident.commander.as_ref(), "an incident commander")),
    }
}

fn done_words(facts: &Facts, attempt: Option<&Attempt>) -> String {
    let Some(attempt) = attempt else { return "none".into() };
    let all = facts.procedure.items().filter(|(list, _, _)| list.phase != Phase::Before).count();
    let done = facts
        .procedure
        .items()
        .filter(|(list, _, item)| list.phase != Phase::Before && attempt.is_marked(&item.name))
        .count();
    format!("{done} of {all} items of the steps")
}

/// Steps whose window passed with items open that have no condition (E3).
pub fn late_steps(facts: &Facts, incident: &Incident, now: Timestamp) -> Vec<String> {
    let Some(attempt) = incident.current().filter(|attempt| !attempt.status().is_terminal()) else { return Vec::new() };
    let Some(start) = attempt.started_at() else { return Vec::new() };
    facts
        .procedure
        .checklists
        .iter()
        .filter(|list| matches!(list.phase, Phase::Step(_)))
        .filter(|list| {
            let over = list.window.and_then(|window| window.to).is_some_and(|to: Span| now > start + to);
            let open = list
                .groups
                .iter()
                .filter(|group| group.condition.is_none())
                .flat_map(|group| &group.items)
                .any(|item| item.condition.is_none() && !attempt.is_marked(&item.name));
            over && open
        })
        .map(|list| list.title.clone())
        .collect()
}
