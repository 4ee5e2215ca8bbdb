//! From the order to start to the end of the last run (E4, E5, E11, E16, E22). The last checks live here, and are asked
//! in the same transaction that claims a run.

use super::approving::{open_items, same_digest};
use super::opening::question_of;
use super::planning::still_reached;
use super::{Case, attempt, attempt_in, required};
use crate::domain::event::{Event, RunOutcome, RunStarting};
use crate::domain::facts::Facts;
use crate::domain::plan::{FixedPlan, PlannedAction, digest};
use crate::domain::procedure::Procedure;
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::state::{ActionState, Attempt, AttemptNo, AttemptStatus, Incident, Run, RunId, RunState};
use crate::domain::{Severity, Timestamp, rules};
use std::collections::BTreeSet;

/// May this plan start now? The one function that answers, for every path and again when the run is claimed (INV-1).
pub fn first_start(incident: &Incident, attempt: &Attempt, facts: &Facts, now: Timestamp) -> Result<(), Refusal> {
    let Some(submitted) = &attempt.submitted else {
        return Err(Refusal::phase("no plan is submitted", "Submit the plan first."));
    };
    if attempt.status() != AttemptStatus::Submitted || attempt.stop.is_some() {
        return Err(Refusal::phase(format!("the attempt {}", attempt.status().stands()), "Look at the room."));
    }
    let plan = &submitted.plan;
    whole(&submitted.bytes, &submitted.digest, plan)?;
    if plan.playbook != incident.playbook || plan.playbook != facts.playbook {
        return Err(Refusal::new(
            RefusalKind::DigestMismatch,
            "the plan was made under another version of the playbook",
            "The version that the incident began with holds to its end; have an administrator bring it back.",
        ));
    }
    if plan.severity != incident.severity {
        return Err(Refusal::new(
            RefusalKind::DigestMismatch,
            format!("the plan was made for {} and the incident is {}", plan.severity, incident.severity),
            "Submit the plan again.",
        ));
    }
    let gates: Vec<_> = plan.slots.iter().filter(|slot| slot.kind.gates()).collect();
    if gates.is_empty() {
        return Err(Refusal::blocked("no rule says who may authorise this", "Add a rule to the playbook."));
    }
    let mut persons = BTreeSet::new();
    for slot in &gates {
        let Some(approval) = attempt.approval_for(&slot.role) else {
            return Err(Refusal::blocked(
                format!("the {} has not authorised it", slot.duty),
                format!("The {} authorises on the approve page.", slot.duty),
            ));
        };
        if now >= approval.expires_at {
            return Err(Refusal::blocked(
                format!("the approval of {} expired at {}", facts.name(&approval.person), approval.expires_at),
                "Authorise it again; the start must follow in time.",
            ));
        }
        if !facts.holds(&approval.person, approval.role) {
            return Err(Refusal::blocked(
                format!("{} no longer holds the role {}", facts.name(&approval.person), approval.role),
                "Someone who holds it must authorise.",
            ));
        }
        if !persons.insert(&approval.person) {
            return Err(Refusal::blocked("one person filled two slots", "Distinct demands take distinct persons."));
        }
    }
    let proposer = submitted.by.as_ref();
    let commander_on_p0 = plan.severity == Severity::P0;
    if gates.len() == 1 && proposer.is_some_and(|person| persons.contains(person)) && !commander_on_p0 {
        return Err(Refusal::blocked("its proposer is its only approver", "Another person must authorise."));
    }
    let open = open_items(facts, attempt);
    if !open.is_empty() {
        let names: Vec<&str> = open.iter().map(|item| item.text.as_str()).collect();
        return Err(Refusal::blocked(
            format!("required items are open: {}", names.join(", ")),
            "Tick them, or have the incident commander waive them with a reason.",
        ));
    }
    still_reached(facts, plan)?;
    unlocked(facts, plan)?;
    plan.actions.iter().try_for_each(|action| unchanged(facts, plan, action))?;
    as_configured(facts, attempt, &plan.actions)
}

/// The bytes are a plan, and theirs is the digest.
fn whole(bytes: &str, known: &str, plan: &FixedPlan) -> Result<(), Refusal> {
    if digest(bytes) == known && FixedPlan::read(bytes).is_ok_and(|read| read == *plan) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::DigestMismatch,
        "the stored plan is not the one that was approved",
        "Do not start it; have an administrator verify the audit chain.",
    ))
}

fn unlocked(facts: &Facts, plan: &FixedPlan) -> Result<(), Refusal> {
    match facts.locks.iter().find(|lock| lock.conflicts(&plan.environment, &plan.components)) {
        Some(lock) => Err(Refusal::blocked(
            format!("{} ({}) is rolling {} back", lock.incident, lock.title, lock.environment),
            "Wait for it to end, or stop it in its own room first.",
        )),
        None => Ok(()),
    }
}

/// Every script is still the one that was approved, byte for byte.
fn unchanged(facts: &Facts, plan: &FixedPlan, action: &PlannedAction) -> Result<(), Refusal> {
    for script in &action.scripts {
        let now = facts.catalogue.script(&plan.environment, &script.path);
        if now.as_deref() != Some(script.sha256.as_str()) {
            let fault =
                if now.is_some() { "is no longer the one that was approved" } else { "cannot be read any more" };
            return Err(Refusal::new(
                RefusalKind::DigestMismatch,
                format!("the script {} {fault}", script.path),
                "Find out who changed it, then submit the plan again.",
            ));
        }
    }
    Ok(())
}

/// What would be carried out here now is what was approved: the same directory, arguments and granted variables. A host
/// elsewhere knows only its own directories, and leaves the answer to the one that will claim the run.
fn as_configured(facts: &Facts, attempt: &Attempt, actions: &[PlannedAction]) -> Result<(), Refusal> {
    let prepared = facts.catalogue.prepare(facts.procedure, &attempt.draft).map_err(|faults| {
        Refusal::blocked(
            format!("the plan cannot be carried out any more: {}", faults.join("; ")),
            "Mend this, then order the start again.",
        )
    })?;
    let differs = |action: &&PlannedAction| {
        let now = prepared.iter().find(|prepared| prepared.name == action.name);
        now.is_none_or(|now| now.place == action.place && now != *action)
    };
    let Some(action) = actions.iter().find(differs) else { return Ok(()) };
    let now = prepared.iter().find(|prepared| prepared.name == action.name);
    let what = match now {
        Some(now) if now.directory != action.directory => "the directory of ",
        Some(now) if now.argv != action.argv => "the arguments of ",
        Some(now) if now.grants != action.grants => "what is granted to ",
        _ => "",
    };
    Err(Refusal::new(
        RefusalKind::DigestMismatch,
        format!("{what}“{}” is no longer as it was approved", action.title),
        "Find out who changed the configuration, then submit the plan again.",
    ))
}

/// The word of the incident commander or the technical lead, for a plan that waits for it.
pub fn start(case: &Case, incident: &Incident, number: AttemptNo, seen: &str) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt_in(incident, number, &[AttemptStatus::Submitted], "starting")?;
    if let Some(submitted) = &attempt.submitted {
        same_digest(&submitted.digest, seen)?;
    }
    if attempt.start_ordered.is_some() {
        return Err(Refusal::already("the start is ordered"));
    }
    first_start(incident, attempt, case.facts, case.now)?;
    Ok(vec![Event::StartOrdered { attempt: number, digest: seen.to_owned() }])
}

/// The actions that the worker should claim now, in order.
pub fn next_claims(incident: &Incident) -> Vec<(AttemptNo, String)> {
    let Some(attempt) = incident.current().filter(|_| incident.is_open()) else { return Vec::new() };
    let startable = match attempt.status() {
        AttemptStatus::Submitted => attempt.start_ordered.is_some(),
        AttemptStatus::Executing => true,
        _ => false,
    };
    let Some(plan) = attempt.plan().filter(|_| startable) else { return Vec::new() };
    plan.actions
        .iter()
        .filter(|action| action.by_hand.is_empty() && attempt.action_state(&action.name) == ActionState::Ready)
        .map(|action| (attempt.number, action.name.clone()))
        .collect()
}

/// The last check. Answers with the intent to start, or with an event that says why it may not; never with silence.
pub fn claim(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    name: &str,
    host: &str,
) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt(incident, number)?;
    if !next_claims(incident).iter().any(|(of, action)| *of == number && action == name) {
        return Err(Refusal::phase(
            format!("the action {name} is not ready to start"),
            "It starts when those before it ended well.",
        ));
    }
    let (Some(plan), Some(submitted)) = (attempt.plan(), attempt.submitted.as_ref()) else {
        return Err(Refusal::phase("no plan is submitted", "Submit the plan first."));
    };
    let action = action_of(plan, name)?;
    let first = attempt.runs.is_empty();
    if first && let Err(refusal) = first_start(incident, attempt, case.facts, case.now) {
        if refusal.kind == RefusalKind::DigestMismatch {
            let voided = attempt.approvals.iter().map(|approval| approval.person.clone()).collect();
            return Ok(vec![Event::PlanVoided { attempt: number, why: refusal.because, voided }]);
        }
        return Ok(vec![Event::StartRefused { attempt: number, why: refusal.because }]);
    }
    // Later actions re-check digest, lock and scripts; time and lost roles no longer count (D21).
    let hindrance = whole(&submitted.bytes, &submitted.digest, plan)
        .and_then(|()| unlocked(case.facts, plan))
        .and_then(|()| unchanged(case.facts, plan, action))
        .and_then(|()| as_configured(case.facts, attempt, std::slice::from_ref(action)))
        .err();
    if let Some(refusal) = hindrance {
        return Ok(vec![Event::ActionHeld { attempt: number, action: name.to_owned(), why: refusal.because }]);
    }
    if let Some(why) = unticked(case.facts.procedure, attempt, action) {
        return Ok(vec![if first {
            Event::StartRefused { attempt: number, why }
        } else {
            Event::ActionHeld { attempt: number, action: name.to_owned(), why }
        }]);
    }
    let baseline = if first {
        case.facts
            .measures
            .0
            .iter()
            .filter_map(|(series, measure)| measure.value.map(|value| (series.key().to_owned(), value)))
            .collect()
    } else {
        attempt.baseline.clone()
    };
    let mut events = vec![Event::RunStarting(RunStarting {
        attempt: number,
        run: RunId::new(&incident.id, number, attempt.runs.len() + 1),
        action: name.to_owned(),
        digest: submitted.digest.clone(),
        host: host.to_owned(),
        time_limit: action.time_limit,
        grace: case.facts.catalogue.grace(&plan.environment),
        baseline,
    })];
    if first {
        events.extend(ratification(case, incident, number, plan));
    }
    Ok(events)
}

/// Before the items that hold an action back.
pub const TICK_FIRST: &str = "these items must be ticked first: ";

/// That items which an action needs are open, if some are.
pub fn unticked(procedure: &Procedure, attempt: &Attempt, action: &PlannedAction) -> Option<String> {
    let text = |item| procedure.item(item).map_or(item, |(_, _, item)| item.text.as_str());
    let missing: Vec<&str> = attempt.unticked(action).map(|item| text(item.as_str())).collect();
    (!missing.is_empty()).then(|| format!("{TICK_FIRST}{}", missing.join(", ")))
}

/// What the first start of a plan owes where its authority wants a role to agree afterwards (D2, D13).
fn ratification(case: &Case, incident: &Incident, number: AttemptNo, plan: &FixedPlan) -> Option<Event> {
    let question = question_of(case, incident, plan.severity, &incident.category);
    let name = rules::ratifier(case.facts.procedure, &question, plan.decision, plan.severity)?;
    let role = case.facts.procedure.role(&name)?;
    let why = format!("attempt {number} started before the {} agreed", role.title.to_lowercase());
    Some(Event::RatificationOwed { by: role.duty, why })
}

fn action_of<'a>(plan: &'a FixedPlan, name: &str) -> Result<&'a PlannedAction, Refusal> {
    plan.actions.iter().find(|action| action.name == name).ok_or_else(|| Refusal::unknown("action", name))
}

/// The technical lead's word for an action on command.
pub fn release(incident: &Incident, number: AttemptNo, name: &str) -> Result<Vec<Event>, Refusal> {
    let attempt =
        attempt_in(incident, number, &[AttemptStatus::Executing, AttemptStatus::Submitted], "releasing an action")?;
    match attempt.action_state(name) {
        ActionState::AwaitsWord if attempt.start_ordered.is_some() => {
            Ok(vec![Event::ActionReleased { attempt: number, action: name.to_owned() }])
        }
        ActionState::AwaitsWord => Err(Refusal::phase("the start is not ordered yet", "Authorise and start first.")),
        _ => {
            Err(Refusal::phase(format!("the action {name} does not wait for a word"), "Look at its state in the room."))
        }
    }
}

fn run_of<'a>(incident: &'a Incident, id: &RunId) -> Result<(&'a Attempt, &'a Run), Refusal> {
    incident.run(id).ok_or_else(|| Refusal::unknown("run", &id.0))
}

pub fn note_running(incident: &Incident, id: &RunId) -> Result<Vec<Event>, Refusal> {
    match run_of(incident, id)?.1.state {
        RunState::Starting => Ok(vec![Event::RunRunning { run: id.clone() }]),
        state => Err(Refusal::already(format!("the run is {state}"))),
    }
}

/// What the supervisor says of the end of a run. A lost run is left by a person's judgement alone, even when it is heard
/// of at last: what was heard stands in its log, for that person to read.
pub fn finish(incident: &Incident, id: &RunId, outcome: &RunOutcome) -> Result<Vec<Event>, Refusal> {
    let (_, run) = run_of(incident, id)?;
    if run.state.is_live() {
        return Ok(vec![Event::RunFinished { run: id.clone(), outcome: outcome.clone() }]);
    }
    Err(Refusal::already(format!("the run is {}", run.state)))
}

pub fn lose(incident: &Incident, id: &RunId, why: &str) -> Result<Vec<Event>, Refusal> {
    let (_, run) = run_of(incident, id)?;
    if run.state.is_live() {
        return Ok(vec![Event::RunLost { run: id.clone(), why: why.to_owned() }]);
    }
    Err(Refusal::already(format!("the run is {}", run.state)))
}

/// A person looked at what a lost run did. The machine never decides this.
pub fn judge(incident: &Incident, id: &RunId, succeeded: bool, reason: &str) -> Result<Vec<Event>, Refusal> {
    let (_, run) = run_of(incident, id)?;
    if run.state != RunState::Lost || run.retried {
        return Err(Refusal::phase(
            format!("the run is {}, not lost", run.state),
            "Only a lost run is judged by a person.",
        ));
    }
    Ok(vec![Event::RunJudged { run: id.clone(), succeeded, reason: required("reason", reason)? }])
}

/// An action that people carry out was carried out, or did not work.
pub fn by_hand(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    name: &str,
    succeeded: bool,
    evidence: &str,
) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt_in(
        incident,
        number,
        &[AttemptStatus::Submitted, AttemptStatus::Executing, AttemptStatus::Halted],
        "reporting what was done by hand",
    )?;
    let plan = attempt.plan().ok_or_else(|| Refusal::phase("no plan is submitted", "Submit the plan first."))?;
    let action = action_of(plan, name)?;
    if action.by_hand.is_empty() {
        return Err(Refusal::phase(format!("{name} is carried out by a machine"), "Look at its run."));
    }
    if attempt.runs.is_empty() {
        if attempt.start_ordered.is_none() {
            return Err(Refusal::phase("the start is not ordered yet", "Authorise and start first."));
        }
        first_start(incident, attempt, case.facts, case.now)?;
    }
    if attempt.action_state(name) != ActionState::Ready || attempt.stop.is_some() {
        return Err(Refusal::phase(format!("{name} is not the next action"), "Follow the plan's order."));
    }
    // People wait for the same items as a machine would.
    if let Some(why) = unticked(case.facts.procedure, attempt, action) {
        return Err(Refusal::phase(
            why,
            "Tick them in the room, or say why they do not apply. Then report what was done.",
        ));
    }
    let evidence = required("evidence", evidence)?;
    let run = RunId::new(&incident.id, number, attempt.runs.len() + 1);
    let mut events = vec![Event::ReportedByHand { attempt: number, action: name.to_owned(), run, succeeded, evidence }];
    if attempt.runs.is_empty() {
        events.extend(ratification(case, incident, number, plan));
    }
    Ok(events)
}

/// A new run of an action that broke: an explicit command by the technical lead, naming the run it replaces.
pub fn retry(incident: &Incident, id: &RunId, reason: &str) -> Result<Vec<Event>, Refusal> {
    let (attempt, run) = run_of(incident, id)?;
    if attempt.status() != AttemptStatus::Halted || attempt.stop.is_some() {
        return Err(Refusal::phase(
            format!("the attempt {}", attempt.status().stands()),
            "Only a halted attempt is retried.",
        ));
    }
    let latest = attempt.latest_run(&run.action).is_some_and(|latest| latest.id == *id);
    if run.retried || !latest || run.state.is_live() || run.state == RunState::Succeeded {
        return Err(Refusal::already(format!("the run is {} and was answered", run.state)));
    }
    Ok(vec![Event::RetryOrdered { run: id.clone(), reason: required("reason", reason)? }])
}

/// What held an action back is gone: look again.
pub fn resume(case: &Case, incident: &Incident, number: AttemptNo, name: &str) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt_in(incident, number, &[AttemptStatus::Halted], "resuming an action")?;
    if attempt.held.as_ref().is_none_or(|held| held.action != name) || attempt.stop.is_some() {
        return Err(Refusal::phase(format!("{name} is not held"), "Look at its state in the room."));
    }
    if let Some(plan) = attempt.plan()
        && let Some(why) = unticked(case.facts.procedure, attempt, action_of(plan, name)?)
    {
        return Err(Refusal::phase(why, "Tick them in the room, then let it go on."));
    }
    Ok(vec![Event::ActionResumed { attempt: number, action: name.to_owned() }])
}

/// Cancels what runs and starts nothing more. Never limited, never asking for re-authentication.
pub fn stop(incident: &Incident, number: AttemptNo, reason: &str) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt(incident, number)?;
    if attempt.stop.is_some() {
        return Err(Refusal::already("stopping is under way"));
    }
    if attempt.start_ordered.is_none() || attempt.status().is_terminal() {
        return Err(Refusal::phase(
            format!("attempt {number} {}; nothing runs", attempt.status().stands()),
            "Decline or withdraw the plan instead.",
        ));
    }
    if attempt.status() == AttemptStatus::Verifying {
        return Err(Refusal::phase("every action has ended", "Confirm the success, or declare the failure."));
    }
    let reason = required("reason", reason)?;
    if attempt.runs.is_empty() {
        // Ordered, but nothing has begun: the plan is withdrawn before it could.
        return Ok(vec![Event::PlanWithdrawn {
            attempt: number,
            reason: format!("stopped before it began: {reason}"),
        }]);
    }
    Ok(vec![Event::StopOrdered { attempt: number, reason }])
}
