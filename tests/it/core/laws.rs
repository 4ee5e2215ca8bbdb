//! The laws that every step keeps, said once more in other words than `decide` says them, and checked against the world
//! as it really is: a planted bug may deceive `decide`, never these.

use super::world::*;
use backout::domain::actor::{Actor, Who};
use backout::domain::apply::apply;
use backout::domain::command::Command;
use backout::domain::event::{Event, Mark, Recorded};
use backout::domain::facts::Catalogue;
use backout::domain::plan::{FixedPlan, digest};
use backout::domain::procedure::{ActionMode, Phase};
use backout::domain::state::{Attempt, AttemptStatus, Incident, RunState};
use backout::domain::{Role, Timestamp};
use std::collections::BTreeSet;

pub type Lawful = Result<(), String>;

fn ensure(holds: bool, law: &str) -> Lawful {
    if holds { Ok(()) } else { Err(law.to_owned()) }
}

/// One accepted command with everything around it.
pub struct Step<'a> {
    pub world: &'a World,
    pub actor: &'a Actor,
    pub command: &'a Command,
    pub now: Timestamp,
    pub events: &'a [Event],
    /// Digests that were declined, withdrawn or sent back.
    pub dead: &'a BTreeSet<String>,
}

/// Writes the events down one by one, holding each against the laws.
pub fn take(before: &Incident, step: &Step) -> Result<Incident, String> {
    by_whom(before, step)?;
    let mut state = Some(before.clone());
    for event in step.events {
        let incident = state.as_ref().unwrap();
        event_keeps_the_laws(incident, event, step).map_err(|law| format!("{law} ({event:?})"))?;
        let version = incident.version + 1;
        let recorded =
            Recorded { seq: version, version, at: step.now, actor: step.actor.who.clone(), event: event.clone() };
        apply(&mut state, &recorded);
    }
    let after = state.unwrap();
    moves_within_the_relation(before, &after)?;
    what_was_asked_came_about(before, &after, step)?;
    Ok(after)
}

fn real(step: &Step, name: &backout::domain::PersonId, role: Role) -> bool {
    step.world.people.get(name).is_some_and(|fact| fact.active && fact.roles.contains(&role))
}

fn commands(incident: &Incident, step: &Step) -> bool {
    step.actor
        .who
        .person()
        .is_some_and(|who| incident.commander.as_ref() == Some(who) && real(step, who, Role::IncidentCommander))
}

/// Nobody acts without a role, and nothing dangerous without a fresh proof of who it is.
fn by_whom(incident: &Incident, step: &Step) -> Lawful {
    let Some(person) = step.actor.who.person() else {
        let machines = !matches!(
            step.command,
            Command::Approve(_) | Command::Start { .. } | Command::Retry { .. } | Command::JudgeRun { .. }
        );
        return ensure(machines, "the machine neither approves, starts, retries nor judges");
    };
    let roles = [Role::IncidentCommander, Role::TechnicalLead, Role::Management, Role::Support];
    ensure(roles.iter().any(|role| real(step, person, *role)), "a person without a role changed something")?;
    let dangerous = matches!(
        step.command,
        Command::Approve(_) | Command::Start { .. } | Command::Retry { .. } | Command::ReleaseAction { .. }
    );
    ensure(!dangerous || step.actor.fresh.is_some(), "D9: without a fresh proof of who it is")?;
    let after_the_end = matches!(step.command, Command::AddNote { .. } | Command::WriteSection { .. });
    ensure(incident.is_open() || after_the_end, "a closed incident was changed")
}

fn event_keeps_the_laws(incident: &Incident, event: &Event, step: &Step) -> Lawful {
    match event {
        Event::RunStarting(starting) => {
            ensure(step.actor.who == Who::System, "INV-1: only a claim by the machine starts a run")?;
            let attempt = incident.attempt(starting.attempt).ok_or("a run of no attempt")?;
            ensure(incident.run(&starting.run).is_none(), "INV-12: a run's name is used twice")?;
            may_run(incident, attempt, &starting.action, step)?;
            let submitted = attempt.submitted.as_ref().ok_or("INV-1: a run without a plan")?;
            ensure(submitted.digest == starting.digest, "INV-1: a run of another digest")?;
            if attempt.runs.is_empty() {
                may_start(incident, attempt, step)?;
            }
            Ok(())
        }
        Event::ReportedByHand { attempt, action, .. } => {
            let attempt = incident.attempt(*attempt).ok_or("a report of no attempt")?;
            let planned = attempt.plan().and_then(|plan| plan.actions.iter().find(|planned| planned.name == *action));
            let needs = &planned.ok_or("a report of no action")?.needs;
            ensure(needs.iter().all(|item| attempt.is_marked(item)), "E22: hands did not wait for an item")?;
            if attempt.runs.is_empty() { may_start(incident, attempt, step) } else { Ok(()) }
        }
        Event::StartOrdered { attempt, digest } => {
            let attempt = incident.attempt(*attempt).ok_or("a start of no attempt")?;
            let named = match step.command {
                Command::Start { digest, .. } => digest,
                Command::Approve(approve) => &approve.digest,
                _ => return Err("only a word or the last approval orders the start".into()),
            };
            ensure(named == digest, "the start of another plan than was seen")?;
            authorised(incident, attempt, step)
        }
        Event::Approved(approved) => {
            let person = step.actor.who.person().ok_or("THR-05: an approval by nobody")?;
            let Command::Approve(wish) = step.command else { return Err("an approval that nobody gave".into()) };
            let attempt = incident.attempt(approved.attempt).ok_or("an approval of no attempt")?;
            let current = attempt.submitted.as_ref().map(|submitted| &submitted.digest);
            ensure(wish.digest == approved.digest && current == Some(&wish.digest), "THR-02: not the digest seen")?;
            ensure(wish.slot == approved.slot, "an approval for another slot than asked")?;
            ensure(real(step, person, duty(&approved.slot)), "an approval without the slot's role")?;
            ensure(approved.expires_at == step.now + HOLDS_FOR, "THR-08: an approval that holds too long")?;
            let other = attempt.approvals.iter().any(|had| had.person == *person && had.slot != approved.slot);
            ensure(!other, "INV-2: one person in two slots")
        }
        Event::RetryOrdered { run, .. } => {
            let (attempt, run) = incident.run(run).ok_or("a retry of no run")?;
            let broken = !run.state.is_live() && run.state != RunState::Succeeded && !run.retried;
            ensure(matches!(step.command, Command::Retry { .. }), "INV-4: a retry that nobody ordered")?;
            ensure(broken && attempt.status() == AttemptStatus::Halted, "INV-4: a retry of what is not broken")
        }
        Event::RunJudged { run, .. } => {
            let lost = incident.run(run).is_some_and(|(_, run)| run.state == RunState::Lost);
            ensure(lost && matches!(step.command, Command::JudgeRun { .. }), "INV-6: a person judges lost runs alone")
        }
        Event::RunFinished { run, .. } | Event::RunLost { run, .. } => {
            let live = incident.run(run).is_some_and(|(_, run)| run.state.is_live());
            let lost = matches!((event, step.command), (Event::RunFinished { .. }, Command::LoseRun { .. }));
            ensure(live, "INV-12: a run ended twice")?;
            ensure(!lost, "INV-6: a run whose end nobody knows was given one")
        }
        Event::ItemMarked { mark: Mark::Waived { .. }, .. } => {
            ensure(commands(incident, step), "E1: only the commander waives")
        }
        Event::SeverityChanged { to, .. } => severity_keeps_its_guards(incident, *to, step),
        Event::Ratified { .. } => {
            let person = step.actor.who.person().ok_or("a ratification by nobody")?;
            let own = incident.debts.iter().any(|debt| !debt.paid && debt.owed_by.as_ref() == Some(person));
            ensure(real(step, person, Role::Management) && !own, "D13: who owes it ratified it")
        }
        Event::RoleTaken { role, person, .. } => ensure(real(step, person, *role), "D11: a place without its role"),
        Event::Closed { .. } => {
            ensure(!incident.has_open_debt(), "closed with a debt open")?;
            let running = incident.attempts.iter().any(|attempt| attempt.live_runs().next().is_some());
            ensure(!running, "closed while something runs")
        }
        _ => Ok(()),
    }
}

/// INV-1, INV-2, INV-13: everything that must be true at the very first start.
fn may_start(incident: &Incident, attempt: &Attempt, step: &Step) -> Lawful {
    ensure(attempt.start_ordered.is_some(), "D21: nobody ordered the start")?;
    authorised(incident, attempt, step)
}

fn authorised(incident: &Incident, attempt: &Attempt, step: &Step) -> Lawful {
    let submitted = attempt.submitted.as_ref().ok_or("INV-1: no plan")?;
    let plan = FixedPlan::read(&submitted.bytes).map_err(|fault| format!("INV-3: {fault}"))?;
    ensure(digest(&submitted.bytes) == submitted.digest && plan == submitted.plan, "INV-3: not the approved bytes")?;
    ensure(!step.dead.contains(&submitted.digest), "INV-13: a rejected digest started")?;
    ensure(plan.severity == incident.severity, "THR-11: another severity than was approved")?;
    ensure(plan.playbook == step.world.playbook, "THR-01: another playbook than was approved")?;
    let decision = decided(&incident.category, incident.severity);
    let mut wanted = demanded(decision, incident.severity).to_vec();
    let mut slots: Vec<&str> = plan.slots.iter().map(|slot| slot.role.as_str()).collect();
    wanted.sort_unstable();
    slots.sort_unstable();
    ensure(slots == wanted && plan.decision == decision, "D2: other slots than the procedure demands")?;
    let mut persons = BTreeSet::new();
    for slot in wanted {
        let given = attempt
            .approvals
            .iter()
            .find(|given| given.slot == slot && given.digest == submitted.digest)
            .ok_or(format!("INV-1: the slot {slot} is open"))?;
        ensure(given.at <= step.now && step.now < given.at + HOLDS_FOR, "INV-1: an approval that ran out")?;
        ensure(real(step, &given.person, duty(slot)), "INV-1: an approver who lost the role")?;
        ensure(persons.insert(given.person.clone()), "INV-2: one person in two slots")?;
    }
    let p0 = incident.severity == backout::domain::Severity::P0;
    let alone = persons.len() == 1 && submitted.by.as_ref().is_some_and(|by| persons.contains(by));
    ensure(!alone || p0, "INV-2: the proposer alone approved")?;
    for (list, _, item) in procedure().items() {
        let gates = list.phase == Phase::Before && item.required;
        ensure(!gates || attempt.is_marked(&item.name), "E2: a required item is open")?;
    }
    let there = plan.targets.iter().all(|target| {
        step.world.register.iter().any(|entry| entry.name == target.name && entry.checksum == target.checksum)
    });
    ensure(there, "E1: the machine's tick outlived its proof")?;
    ensure(step.world.locks.is_empty(), "E11: another incident holds the lock")?;
    unchanged(&plan, None, step)
}

/// E16, E5, E22: what must be true at every start, first or later.
fn may_run(incident: &Incident, attempt: &Attempt, name: &str, step: &Step) -> Lawful {
    let plan = attempt.plan().ok_or("a run without a plan")?;
    ensure(incident.is_open() && attempt.end.is_none() && attempt.stop.is_none(), "E5: started after the stop")?;
    ensure(attempt.held.is_none(), "E22: started while held")?;
    let at = plan.actions.iter().position(|action| action.name == name).ok_or("an action of no plan")?;
    let action = &plan.actions[at];
    let before = plan.actions[..at]
        .iter()
        .all(|other| attempt.is_done(&other.name) || (action.group.is_some() && other.group == action.group));
    ensure(before, "E5: out of the plan's order")?;
    let broken =
        attempt.runs.iter().any(|run| !run.state.is_live() && run.state != RunState::Succeeded && !run.retried);
    ensure(!broken, "E5: a failure stops what follows")?;
    let again = attempt.runs.iter().any(|run| run.action == name && !run.retried);
    ensure(!again, "INV-4: a second run of one action without a new word")?;
    let word = action.mode == ActionMode::Automatic || attempt.released.contains(name);
    ensure(word, "E5: without the lead's word")?;
    ensure(action.needs.iter().all(|item| attempt.is_marked(item)), "E22: a needed item is open")?;
    ensure(step.world.locks.is_empty(), "E16: another incident holds the lock")?;
    unchanged(plan, Some(name), step)
}

fn unchanged(plan: &FixedPlan, only: Option<&str>, step: &Step) -> Lawful {
    let same = plan
        .actions
        .iter()
        .filter(|action| only.is_none_or(|name| action.name == name))
        .flat_map(|action| &action.scripts)
        .all(|script| step.world.shelf.script("production", &script.path).as_ref() == Some(&script.sha256));
    ensure(same, "INV-3: a script was swapped")
}

/// THR-11: what lessens the demands is a debt when raised, and takes two when lowered.
fn severity_keeps_its_guards(incident: &Incident, to: backout::domain::Severity, step: &Step) -> Lawful {
    let before: Vec<&str> =
        incident.advice.slots.iter().filter(|slot| slot.kind.gates()).map(|slot| slot.role.as_str()).collect();
    let category = match step.command {
        Command::Join { trigger } => trigger.name.as_str(),
        _ => incident.category.as_str(),
    };
    let then = demanded(decided(category, to), to);
    if before.iter().all(|slot| then.contains(slot)) {
        return Ok(());
    }
    match step.command {
        Command::ConfirmSeverity { .. } => {
            let asked = incident.severity_asked.as_ref().ok_or("a lowering that nobody asked for")?;
            let other = step.actor.who.person() != Some(&asked.by);
            let one_commands = commands(incident, step) || incident.commander.as_ref() == Some(&asked.by);
            ensure(other && one_commands, "THR-11: one person lessened the demands")
        }
        _ => {
            ensure(to.worse_than(incident.severity), "THR-11: lowered by one person alone")?;
            let owed = step.events.iter().any(|event| matches!(event, Event::RatificationOwed { .. }));
            let theirs = commands(incident, step) || matches!(step.command, Command::Join { .. });
            ensure(owed && theirs, "THR-11: demands lessened without a debt, or by another than the commander")
        }
    }
}

/// INV-12: the declared relation between the states of an attempt. Terminal states stay.
pub fn may_become(from: AttemptStatus, to: AttemptStatus) -> bool {
    use AttemptStatus::{
        Aborted, Draft, Executing, Failed, Halted, Rejected, Submitted, Succeeded, Verifying, Withdrawn,
    };
    from == to
        || match from {
            Draft => matches!(to, Submitted | Withdrawn),
            Submitted => matches!(to, Draft | Executing | Halted | Verifying | Rejected | Withdrawn),
            Executing => matches!(to, Halted | Verifying | Aborted),
            Halted => matches!(to, Executing | Verifying | Aborted | Failed),
            Verifying => matches!(to, Succeeded | Failed),
            Succeeded | Failed | Aborted | Rejected | Withdrawn => false,
        }
}

fn moves_within_the_relation(before: &Incident, after: &Incident) -> Lawful {
    for was in &before.attempts {
        let is = after.attempt(was.number).ok_or("INV-12: an attempt vanished")?;
        let (from, to) = (was.status(), is.status());
        ensure(may_become(from, to), &format!("INV-12: {from} became {to}"))?;
        for run in &was.runs {
            let now = is.runs.iter().find(|now| now.id == run.id).ok_or("INV-12: a run vanished")?;
            let settled = !run.state.is_live() && run.state != RunState::Lost;
            ensure(!settled || now.state == run.state, "INV-12: an ended run changed")?;
        }
    }
    let live = after.attempts.iter().filter(|attempt| !attempt.status().is_terminal()).count();
    ensure(live <= 1, "INV-11: two attempts at once")?;
    for attempt in &after.attempts {
        let mut actions = BTreeSet::new();
        let twice = attempt.live_runs().any(|run| !actions.insert(&run.action));
        ensure(!twice, "INV-4: two live runs of one action")?;
    }
    Ok(())
}

/// INV-13 and its kin: an accepted command has the effect that it promises, whatever events it was answered with.
fn what_was_asked_came_about(before: &Incident, after: &Incident, step: &Step) -> Lawful {
    let waiting = before.current().filter(|attempt| attempt.status() == AttemptStatus::Submitted);
    let now = |number| after.attempt(number).map(Attempt::status);
    let bare = |number| {
        after.attempt(number).is_some_and(|attempt| attempt.approvals.is_empty() && attempt.start_ordered.is_none())
    };
    if before.severity != after.severity
        && let Some(attempt) = waiting
    {
        ensure(bare(attempt.number) && now(attempt.number) == Some(AttemptStatus::Draft), "D3: approvals not void")?;
    }
    match step.command {
        Command::Decline { attempt, .. } => ensure(now(*attempt) == Some(AttemptStatus::Rejected), "INV-13: declined"),
        Command::WithdrawPlan { attempt, .. } => {
            ensure(now(*attempt) == Some(AttemptStatus::Withdrawn), "INV-13: withdrawn")
        }
        Command::RequestChanges { attempt, .. } => {
            ensure(bare(*attempt) && now(*attempt) == Some(AttemptStatus::Draft), "INV-13: not sent back")
        }
        Command::EditPlan { attempt, .. } => {
            let told = waiting.is_none() || step.events.iter().any(|event| matches!(event, Event::PlanVoided { .. }));
            ensure(bare(*attempt) && told, "D7: approvals of a changed plan not void")
        }
        Command::Narrow { attempt, .. } => ensure(bare(*attempt), "D8: a narrowed plan kept its approvals"),
        Command::WithdrawApproval { attempt, .. } => {
            let theirs = after.attempt(*attempt).is_some_and(|attempt| {
                attempt.approvals.iter().any(|given| Some(&given.person) == step.actor.who.person())
            });
            ensure(!theirs, "D8: a withdrawn approval stands")
        }
        Command::Stop { attempt, .. } => {
            let stopped =
                after.attempt(*attempt).is_some_and(|attempt| attempt.stop.is_some() || attempt.end.is_some());
            ensure(stopped, "E5: stopped, and it goes on")
        }
        Command::LoseRun { run, .. } => {
            let lost = after.run(run).is_some_and(|(_, run)| run.state == RunState::Lost && !run.retried);
            ensure(lost, "INV-6: a lost run is not shown as lost")
        }
        Command::ClaimRun { attempt, .. } => {
            let first = before.attempt(*attempt).is_some_and(|attempt| attempt.runs.is_empty());
            let ratified = demanded(decided(&before.category, before.severity), before.severity) == [IC, TL];
            let started = after.attempt(*attempt).is_some_and(|attempt| !attempt.runs.is_empty());
            ensure(!(first && ratified && started) || after.has_open_debt(), "D13: no debt for management to ratify")
        }
        _ => Ok(()),
    }
}
