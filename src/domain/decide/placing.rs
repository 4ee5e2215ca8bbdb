//! Command and severity: who leads, and how grave it is (D3, D11, D13).

use super::opening::question_of;
use super::planning::void_submitted;
use super::{Case, required};
use crate::domain::event::Event;
use crate::domain::procedure::Severity;
use crate::domain::refusal::Refusal;
use crate::domain::rules;
use crate::domain::state::Incident;
use crate::domain::{PersonId, Role};

fn place_only(role: Role) -> Result<(), Refusal> {
    if matches!(role, Role::IncidentCommander | Role::TechnicalLead) {
        return Ok(());
    }
    Err(Refusal::input(
        format!("{role} is a role, not a place in the incident"),
        "Only incident commander and technical lead are taken.",
    ))
}

/// Takes a vacant place, or takes it over from who holds it; both are in the timeline.
pub fn take(case: &Case, incident: &Incident, role: Role) -> Result<Vec<Event>, Refusal> {
    place_only(role)?;
    let person = case.person()?;
    if !case.facts.holds(person, role) {
        return Err(Refusal::not_yours(
            format!("you do not hold the role {role}"),
            "An administrator grants roles on the people page.",
        ));
    }
    if incident.holder(role) == Some(person) {
        return Err(Refusal::already(format!("you are the {role} already")));
    }
    Ok(vec![Event::RoleTaken { role, person: person.clone(), from: incident.holder(role).cloned() }])
}

pub fn offer(case: &Case, incident: &Incident, role: Role, to: &PersonId) -> Result<Vec<Event>, Refusal> {
    place_only(role)?;
    if incident.holder(role) != case.actor.who.person() {
        return Err(Refusal::not_yours(
            format!("you are not the {role}"),
            "Only who holds the place can hand it over.",
        ));
    }
    if !case.facts.holds(to, role) {
        return Err(Refusal::input(
            format!("{} does not hold the role {role}", case.facts.name(to)),
            "Choose someone who does.",
        ));
    }
    if case.actor.who.person() == Some(to) {
        return Err(Refusal::already("the place is yours"));
    }
    if incident.offers.get(&role).map(|offer| &offer.to) == Some(to) {
        return Err(Refusal::already(format!("the place is offered to {}", case.facts.name(to))));
    }
    Ok(vec![Event::RoleOffered { role, to: to.clone() }])
}

pub fn accept(case: &Case, incident: &Incident, role: Role) -> Result<Vec<Event>, Refusal> {
    let person = case.person()?;
    if incident.offers.get(&role).map(|offer| &offer.to) != Some(person) {
        return Err(Refusal::not_yours("the place was not offered to you", "Take it over instead."));
    }
    if !case.facts.holds(person, role) {
        return Err(Refusal::not_yours(
            format!("you do not hold the role {role} any more"),
            "An administrator grants roles on the people page.",
        ));
    }
    Ok(vec![Event::RoleTaken { role, person: person.clone(), from: incident.holder(role).cloned() }])
}

/// Raising or lowering re-evaluates the rule. Where raising lessens the approvals, it is a debt to be ratified; where
/// lowering lessens them, it takes a second person.
pub fn change_severity(case: &Case, incident: &Incident, to: Severity, reason: &str) -> Result<Vec<Event>, Refusal> {
    let reason = required("reason", reason)?;
    if to == incident.severity {
        return Err(Refusal::already(format!("the severity is {to}")));
    }
    let judgement = rules::judge(case.facts.procedure, &question_of(case, incident, to, &incident.category));
    let lessens = rules::lessens(&incident.advice.slots, &judgement.advice.slots);
    let raises = to.worse_than(incident.severity);
    if lessens && raises && !case.commands(incident) {
        return Err(Refusal::not_yours(
            format!("raising to {to} lessens the approvals needed, which is for the incident commander"),
            "Ask the incident commander to raise it.",
        ));
    }
    if lessens && !raises {
        if let Some(asked) = incident.severity_asked.as_ref().filter(|asked| asked.to == to) {
            return Err(Refusal::already(format!(
                "{} asked for it, and a second person confirms it",
                case.facts.name(&asked.by)
            )));
        }
        return Ok(vec![Event::SeverityChangeAsked { to, reason }]);
    }
    Ok(changed(incident, to, reason, judgement, lessens))
}

/// The second person's word for a lowering.
pub fn confirm_severity(case: &Case, incident: &Incident, to: Severity) -> Result<Vec<Event>, Refusal> {
    let asked = incident
        .severity_asked
        .as_ref()
        .filter(|asked| asked.to == to)
        .ok_or_else(|| Refusal::phase(format!("nobody asked for {to}"), "Change the severity first."))?;
    if case.actor.who.person() == Some(&asked.by) {
        return Err(Refusal::not_yours(
            "lowering that lessens the approvals takes a second person",
            "Ask the technical lead or management to confirm.",
        ));
    }
    let asked_in_command =
        incident.commander.as_ref() == Some(&asked.by) && case.facts.holds(&asked.by, Role::IncidentCommander);
    if !asked_in_command && !case.commands(incident) {
        return Err(Refusal::not_yours(
            "the incident commander must be one of the two",
            "Ask the incident commander to confirm.",
        ));
    }
    let judgement = rules::judge(case.facts.procedure, &question_of(case, incident, to, &incident.category));
    Ok(changed(incident, to, asked.reason.clone(), judgement, false))
}

fn changed(incident: &Incident, to: Severity, reason: String, judgement: rules::Judgement, owes: bool) -> Vec<Event> {
    let from = incident.severity;
    let mut events = vec![Event::SeverityChanged { from, to, reason, advice: judgement.advice }];
    if owes {
        let why = format!("the severity was raised from {from} to {to}, which lessened the approvals");
        events.push(Event::RatificationOwed { by: Role::Management, why });
    }
    events.extend(void_submitted(incident, &format!("the severity changed from {from} to {to}")));
    events
}

/// Management's agreement afterwards: never by who took the act upon them, whatever other roles they hold.
pub fn ratify(case: &Case, incident: &Incident, reason: &str) -> Result<Vec<Event>, Refusal> {
    if !incident.has_open_debt() {
        return Err(Refusal::already("nothing waits to be ratified"));
    }
    let person = case.person()?;
    let approved = || {
        let started = incident.attempts.iter().filter(|attempt| !attempt.runs.is_empty());
        started.flat_map(|attempt| &attempt.approvals).any(|approval| approval.person == *person)
    };
    let own = incident.debts.iter().filter(|debt| !debt.paid).any(|debt| match &debt.owed_by {
        Some(owed_by) => owed_by == person,
        None => approved(),
    });
    if own {
        return Err(Refusal::not_yours("it is your own act that waits to be ratified", "Ask another of management."));
    }
    Ok(vec![Event::Ratified { reason: required("reason", reason)? }])
}
