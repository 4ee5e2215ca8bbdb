//! What an event means: the fold of a journal into its incident. Exhaustive, and it cannot fail.

use super::event::{Event, Mark, Opened, Recorded, RunEnd};
use super::plan::FixedPlan;
use super::state::{
    Approval, Assessed, Attempt, AttemptEnd, AttemptNo, AttemptStatus, Beat, Call, ChangesAsked, Closed, Debt, Held,
    ImpactTold, Incident, IndicatorSeen, Marked, Offer, Promise, Reminder, Run, RunId, RunState, SeverityAsked, Stop,
    Submitted, UpdateNote, Updates, Written,
};
use super::waits::waits;
use super::{PersonId, Role, Timestamp};

/// Folds a whole journal. `None` for an empty one, or one that does not begin with its opening.
pub fn fold<'a>(journal: impl IntoIterator<Item = &'a Recorded>) -> Option<Incident> {
    let mut state = None;
    for recorded in journal {
        apply(&mut state, recorded);
    }
    state
}

/// Takes one recorded event into the state.
pub fn apply(state: &mut Option<Incident>, recorded: &Recorded) {
    match (&mut *state, &recorded.event) {
        (None, Event::Opened(opened)) => *state = Some(open(opened, recorded)),
        (None, _) => {}
        (Some(incident), event) => {
            incident.version = recorded.version;
            change(incident, event, recorded);
            forget_reminders(incident, recorded.at);
        }
    }
}

/// What no longer waits is reminded of no more.
fn forget_reminders(incident: &mut Incident, at: Timestamp) {
    if !incident.reminders.is_empty() {
        let waiting = waits(incident, at);
        incident.reminders.retain(|reminder| waiting.iter().any(|wait| wait.was_meant_by(reminder)));
    }
}

fn open(opened: &Opened, recorded: &Recorded) -> Incident {
    let mut incident = Incident {
        id: opened.incident.clone(),
        version: recorded.version,
        opened_at: recorded.at,
        opened_by: recorded.actor.person().cloned(),
        title: opened.title.clone(),
        severity: opened.severity,
        advice: opened.advice.clone(),
        category: opened.category.clone(),
        environment: opened.environment.clone(),
        component: opened.component.clone(),
        outage: opened.outage,
        users_affected_ppm: opened.users_affected_ppm,
        playbook: opened.playbook.clone(),
        playbook_version: opened.playbook_version.clone(),
        cadence: opened.cadence.clone(),
        verification: opened.verification,
        triggers: vec![opened.trigger.clone()],
        commander: None,
        technical_lead: None,
        offers: Default::default(),
        severity_asked: None,
        debts: Vec::new(),
        attempts: Vec::new(),
        updates: Updates::default(),
        impact: None,
        sections: Default::default(),
        freeze_lifted: None,
        kept: Vec::new(),
        pins: Vec::new(),
        reminders: Vec::new(),
        closed: None,
        notes_after_closing: 0,
    };
    promise_first(&mut incident, recorded.at);
    incident
}

fn change(incident: &mut Incident, event: &Event, recorded: &Recorded) {
    let at = recorded.at;
    let by = recorded.actor.person().cloned();
    match event {
        // A journal opens once; a second opening would be another incident's.
        Event::Opened(_) => {}
        Event::TriggerJoined { trigger } => incident.triggers.push(trigger.clone()),
        Event::RoleTaken { role, person, .. } => take_role(incident, *role, person),
        Event::RoleOffered { role, to } => {
            incident.offers.insert(*role, Offer { to: to.clone(), at });
        }
        Event::SeverityChanged { to, advice, .. } => {
            incident.severity = *to;
            if !advice.category.is_empty() {
                incident.category = advice.category.clone();
            }
            incident.advice = advice.clone();
            incident.severity_asked = None;
            promise_first(incident, at);
        }
        Event::SeverityChangeAsked { to, reason } => {
            incident.severity_asked = by.map(|by| SeverityAsked { to: *to, by, at, reason: reason.clone() });
        }
        Event::RatificationOwed { by, why } => {
            let by_person = recorded.actor.person().cloned();
            incident.debts.push(Debt { by: *by, owed_by: by_person, why: why.clone(), at, paid: false });
        }
        Event::Ratified { .. } => incident.debts.iter_mut().for_each(|debt| debt.paid = true),
        Event::AttemptDrafted { attempt, draft, escalates, why } => {
            incident.attempts.push(Attempt::new(*attempt, draft.clone(), why.clone(), *escalates, by, at));
        }
        Event::UpdateEdited { note, .. } => incident.updates.note = Some(UpdateNote { text: note.clone(), by }),
        Event::UpdateSent(update) => {
            incident.updates.note = None;
            incident.updates.promised = update.next_due_at.map(|due_at| Promise { number: update.number + 1, due_at });
            incident.updates.sent.push((at, update.clone()));
            incident.updates.call = Call::default();
            if let Some(beat) = &mut incident.updates.beat {
                beat.announced = true;
            }
        }
        Event::UpdateAwaited { number, .. } => incident.updates.call.ready = Some(*number),
        Event::UpdateMissed { numbers, .. } => incident.updates.call.missed.extend(numbers),
        Event::UpdateEscalated { .. } => incident.updates.call.escalated_at = Some(at),
        Event::BeatChanged { every, reason, next_due_at, .. } => {
            let beat = Beat { every: *every, by, at, reason: reason.clone(), announced: false };
            incident.updates.beat = Some(beat);
            if let (Some(promise), Some(due_at)) = (&mut incident.updates.promised, next_due_at) {
                promise.due_at = *due_at;
            }
        }
        Event::LinkPinned(pin) => incident.pins.push(pin.clone()),
        Event::LinkUnpinned { address, .. } => incident.pins.retain(|pin| pin.address != *address),
        Event::NoteAdded { .. } => incident.notes_after_closing += u32::from(!incident.is_open()),
        Event::Reminded { task, of, who, .. } => {
            if let Some(by) = by {
                incident.reminders.retain(|known| (known.task, &known.of, &known.who) != (*task, of, who));
                incident.reminders.push(Reminder { task: *task, of: of.clone(), who: who.clone(), by, at });
            }
        }
        Event::ImpactDescribed(said) => {
            if let Some(by) = by {
                incident.impact = Some(ImpactTold { said: said.clone(), by, at });
            }
        }
        Event::SectionWritten { document, section, text } => {
            if let Some(by) = by {
                let written = Written { text: text.clone(), by, at };
                incident.sections.insert((document.clone(), section.clone()), written);
            }
        }
        Event::MeasuresKept { curves } => incident.kept.extend(curves.iter().cloned()),
        Event::FreezeLifted { reason } => incident.freeze_lifted = Some(reason.clone()),
        Event::Closed { outcome, reason } => {
            incident.closed = Some(Closed { outcome: *outcome, reason: reason.clone(), at, by });
        }
        Event::RunStarting(starting) => {
            // A new start freezes deployments again, whatever was lifted before it.
            incident.freeze_lifted = None;
            if let Some(attempt) = incident.attempts.iter_mut().find(|a| a.number == starting.attempt) {
                if attempt.runs.is_empty() {
                    attempt.baseline = starting.baseline.clone();
                }
                attempt.start_refused = None;
                attempt.runs.push(Run {
                    id: starting.run.clone(),
                    action: starting.action.clone(),
                    host: starting.host.clone(),
                    starting_at: at,
                    time_limit: starting.time_limit,
                    grace: starting.grace,
                    state: RunState::Starting,
                    ended_at: None,
                    outcome: None,
                    judged_at: None,
                    word: None,
                    retried: false,
                });
            }
            promise_first(incident, at);
        }
        Event::RunRunning { run } => on_run(incident, run, |run| run.state = RunState::Running),
        Event::RunFinished { run, outcome } => on_run(incident, run, |run| {
            run.state = RunState::of(&outcome.end);
            run.ended_at = Some(at);
            run.outcome = Some(outcome.clone());
            if let RunEnd::NeverStarted(why) = &outcome.end {
                run.word = Some(why.clone());
            }
        }),
        Event::RunLost { run, why } => on_run(incident, run, |run| {
            run.state = RunState::Lost;
            run.ended_at = Some(at);
            run.word = Some(why.clone());
        }),
        Event::RunJudged { run, succeeded, reason } => on_run(incident, run, |run| {
            run.state = if *succeeded { RunState::Succeeded } else { RunState::Failed };
            run.judged_at = Some(at);
            run.word = Some(reason.clone());
        }),
        Event::RetryOrdered { run, .. } => on_run(incident, run, |run| run.retried = true),
        Event::PlanSubmitted(submitted) => {
            let number = submitted.attempt;
            if let Some(attempt) = attempt_of(incident, number)
                && let Ok(plan) = FixedPlan::read(&submitted.plan)
            {
                void(attempt, &submitted.voided, "the plan was changed");
                attempt.submitted = Some(Submitted {
                    digest: submitted.digest.clone(),
                    bytes: submitted.plan.clone(),
                    plan,
                    at,
                    by,
                    expire_after: submitted.expire_after,
                });
                attempt.changes_asked = None;
                back_to_waiting(attempt);
            }
        }
        Event::Approved(approved) => {
            if let (Some(attempt), Some(person)) = (attempt_of(incident, approved.attempt), by) {
                // One approval for each slot: what is given anew takes the place of what ran out.
                attempt.approvals.retain(|approval| approval.slot != approved.slot);
                attempt.approvals.push(Approval {
                    person,
                    digest: approved.digest.clone(),
                    slot: approved.slot.clone(),
                    role: approved.role,
                    strength: approved.strength,
                    comment: approved.comment.clone(),
                    at,
                    expires_at: approved.expires_at,
                });
            }
        }
        Event::ReportedByHand { attempt, action, run, succeeded, evidence } => {
            if let Some(attempt) = attempt_of(incident, *attempt) {
                attempt.runs.push(Run {
                    id: run.clone(),
                    action: action.clone(),
                    host: String::from("by hand"),
                    starting_at: at,
                    time_limit: super::Span::ZERO,
                    grace: super::Span::ZERO,
                    state: if *succeeded { RunState::Succeeded } else { RunState::Failed },
                    ended_at: Some(at),
                    outcome: None,
                    judged_at: None,
                    word: Some(evidence.clone()),
                    retried: false,
                });
            }
            incident.freeze_lifted = None;
            promise_first(incident, at);
        }
        Event::PlanEdited { attempt, .. }
        | Event::PlanVoided { attempt, .. }
        | Event::PlanWithdrawn { attempt, .. }
        | Event::Assessed { attempt, .. }
        | Event::ApprovalWithdrawn { attempt, .. }
        | Event::ChangesRequested { attempt, .. }
        | Event::Declined { attempt, .. }
        | Event::StartOrdered { attempt, .. }
        | Event::StartRefused { attempt, .. }
        | Event::ActionReleased { attempt, .. }
        | Event::ActionHeld { attempt, .. }
        | Event::ActionResumed { attempt, .. }
        | Event::StopOrdered { attempt, .. }
        | Event::ItemMarked { attempt, .. }
        | Event::ItemUnmarked { attempt, .. }
        | Event::CriterionMarked { attempt, .. }
        | Event::IndicatorMarked { attempt, .. }
        | Event::SuccessConfirmed { attempt, .. }
        | Event::VerdictOverdue { attempt, .. }
        | Event::FailureDeclared { attempt, .. } => {
            if let Some(attempt) = attempt_of(incident, *attempt) {
                change_attempt(attempt, event, at, by);
            }
        }
    }
}

/// Events that concern one attempt alone.
fn change_attempt(attempt: &mut Attempt, event: &Event, at: Timestamp, by: Option<PersonId>) {
    match event {
        Event::PlanEdited { draft, .. } => {
            attempt.draft = draft.clone();
            attempt.revision += 1;
            back_to_draft(attempt, at);
            back_to_waiting(attempt);
        }
        Event::PlanVoided { why, voided, .. } => {
            void(attempt, voided, why);
            back_to_draft(attempt, at);
            back_to_waiting(attempt);
        }
        Event::ChangesRequested { reason, .. } => {
            let people: Vec<PersonId> = attempt.approvals.iter().map(|approval| approval.person.clone()).collect();
            attempt.sent_back.extend(attempt.submitted.as_ref().map(|submitted| submitted.digest.clone()));
            void(attempt, &people, &format!("changes were requested: {reason}"));
            back_to_draft(attempt, at);
            back_to_waiting(attempt);
            attempt.changes_asked = Some(ChangesAsked { by, at, reason: reason.clone() });
        }
        Event::PlanWithdrawn { reason, .. } => end(attempt, AttemptStatus::Withdrawn, reason, at, by),
        Event::Declined { reason, .. } => end(attempt, AttemptStatus::Rejected, reason, at, by),
        Event::VerdictOverdue { due_at, .. } => attempt.unverified_since = Some(*due_at),
        Event::FailureDeclared { reason, .. } => end(attempt, AttemptStatus::Failed, reason, at, by),
        Event::SuccessConfirmed { .. } => end(attempt, AttemptStatus::Succeeded, "", at, by),
        Event::Assessed { name, sections, .. } => {
            attempt.assessments.insert(name.clone(), Assessed { sections: sections.clone(), by, at });
        }
        Event::ApprovalWithdrawn { person, .. } => {
            attempt.approvals.retain(|approval| approval.person != *person);
            back_to_waiting(attempt);
        }
        Event::StartOrdered { .. } => {
            attempt.start_ordered = Some(at);
            attempt.start_refused = None;
        }
        Event::StartRefused { why, .. } => {
            attempt.start_ordered = None;
            attempt.start_refused = Some(why.clone());
        }
        Event::ActionReleased { action, .. } => {
            attempt.released.insert(action.clone());
        }
        Event::ActionHeld { action, why, .. } => {
            attempt.held = Some(Held { action: action.clone(), why: why.clone() });
        }
        Event::ActionResumed { .. } => attempt.held = None,
        Event::StopOrdered { reason, .. } => {
            attempt.stop = Some(Stop { reason: reason.clone(), at, by });
        }
        Event::ItemMarked { item, mark, .. } => {
            let by = if matches!(mark, Mark::Proven { .. }) { None } else { by };
            attempt.marks.insert(item.clone(), Marked { mark: mark.clone(), by, at, measured: None });
        }
        Event::ItemUnmarked { item, .. } => {
            attempt.marks.remove(item);
        }
        Event::CriterionMarked { criterion, mark: Some(mark), measured, .. } => {
            let marked = Marked { mark: mark.clone(), by, at, measured: measured.clone() };
            attempt.criteria.insert(criterion.clone(), marked);
        }
        Event::CriterionMarked { criterion, mark: None, .. } => {
            attempt.criteria.remove(criterion);
        }
        Event::IndicatorMarked { indicator, sign, note, .. } => {
            let seen = IndicatorSeen { sign: *sign, note: note.clone(), by, at };
            attempt.indicators.insert(indicator.clone(), seen);
        }
        _ => {}
    }
}

fn attempt_of(incident: &mut Incident, number: AttemptNo) -> Option<&mut Attempt> {
    incident.attempts.iter_mut().find(|attempt| attempt.number == number)
}

fn on_run(incident: &mut Incident, id: &RunId, change: impl FnOnce(&mut Run)) {
    let run = incident.attempts.iter_mut().flat_map(|attempt| attempt.runs.iter_mut()).find(|run| run.id == *id);
    if let Some(run) = run {
        change(run);
    }
}

/// A draft that is changed has waited since it was one.
fn back_to_draft(attempt: &mut Attempt, at: Timestamp) {
    if attempt.submitted.take().is_some() {
        attempt.draft_since = at;
    }
}

/// A changed plan is ordered, released and held anew; runs are never touched.
fn back_to_waiting(attempt: &mut Attempt) {
    attempt.start_ordered = None;
    attempt.start_refused = None;
    attempt.released.clear();
    attempt.held = None;
}

fn void(attempt: &mut Attempt, people: &[PersonId], why: &str) {
    attempt.voided.extend(people.iter().map(|person| (person.clone(), why.to_owned())));
    attempt.approvals.clear();
}

fn end(attempt: &mut Attempt, status: AttemptStatus, reason: &str, at: Timestamp, by: Option<PersonId>) {
    attempt.end = Some(AttemptEnd { status, reason: reason.to_owned(), at, by });
}

fn take_role(incident: &mut Incident, role: Role, person: &PersonId) {
    incident.offers.remove(&role);
    match role {
        Role::IncidentCommander => incident.commander = Some(person.clone()),
        Role::TechnicalLead => incident.technical_lead = Some(person.clone()),
        _ => {}
    }
}

/// Updates begin at the opening of a severe incident, otherwise when it becomes severe or a run starts (L3).
fn promise_first(incident: &mut Incident, at: Timestamp) {
    let started = incident.attempts.iter().any(|attempt| !attempt.runs.is_empty());
    let severe = !incident.cadence.from.worse_than(incident.severity);
    if incident.updates.promised.is_none()
        && incident.updates.sent.is_empty()
        && (started || severe)
        && incident.is_open()
    {
        incident.updates.promised = Some(Promise { number: 1, due_at: at + incident.cadence.every });
        incident.updates.since = Some(at);
    }
}
