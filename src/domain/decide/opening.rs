//! A trigger opens an incident, or joins the one of its cause (T6, T7).

use super::planning;
use super::{Case, after, required};
use crate::domain::Role;
use crate::domain::command::Opening;
use crate::domain::event::{Cadence, Event, Opened, TriggerSeen};
use crate::domain::figures::verdict_window;
use crate::domain::procedure::{Decision, Trigger};
use crate::domain::refusal::Refusal;
use crate::domain::rules;
use crate::domain::state::{AttemptStatus, Incident};

/// What the rules are asked about a trigger.
fn question(case: &Case, opening: &Opening, trigger: &Trigger) -> rules::Case {
    rules::Case {
        category: trigger.category.clone(),
        triggers: vec![trigger.name.clone()],
        severity: opening.severity,
        outage: opening.outage,
        users_affected_ppm: opening.users_affected_ppm,
        release_age: case.facts.running_release(&opening.component).map(|release| case.now - release.at),
        now: case.now,
    }
}

/// What the rules are asked about an open incident at a severity.
pub(super) fn question_of(
    case: &Case,
    incident: &Incident,
    severity: crate::domain::Severity,
    category: &str,
) -> rules::Case {
    rules::Case {
        category: category.to_owned(),
        triggers: incident.triggers.iter().map(|trigger| trigger.name.clone()).collect(),
        severity: Some(severity),
        outage: incident.outage,
        users_affected_ppm: incident.users_affected_ppm,
        release_age: case.facts.running_release(&incident.component).map(|release| case.now - release.at),
        now: case.now,
    }
}

pub fn open(case: &Case, opening: &Opening) -> Result<Vec<Event>, Refusal> {
    let procedure = case.facts.procedure;
    let trigger =
        procedure.trigger(&opening.trigger.name).ok_or_else(|| Refusal::unknown("trigger", &opening.trigger.name))?;
    let components = case.facts.environments.get(&opening.environment).ok_or_else(|| {
        let known: Vec<&str> = case.facts.environments.keys().map(String::as_str).collect();
        Refusal::input(
            format!("the environment “{}” is not configured", opening.environment),
            format!("Choose one of: {}.", known.join(", ")),
        )
    })?;
    if !components.contains(&opening.component) {
        return Err(Refusal::input(
            format!("the component “{}” is not one of {}", opening.component, opening.environment),
            format!("Choose one of: {}.", components.join(", ")),
        ));
    }
    required("evidence", &opening.trigger.saw)?;
    let judgement = rules::judge(procedure, &question(case, opening, trigger));
    let title = if opening.title.trim().is_empty() { trigger.text.clone() } else { required("title", &opening.title)? };
    let mut events = vec![Event::Opened(Opened {
        incident: opening.incident.clone(),
        title,
        severity: judgement.severity,
        advice: judgement.advice.clone(),
        category: trigger.category.clone(),
        environment: opening.environment.clone(),
        component: opening.component.clone(),
        outage: opening.outage,
        users_affected_ppm: opening.users_affected_ppm,
        trigger: TriggerSeen {
            text: trigger.text.clone(),
            category: trigger.category.clone(),
            ..opening.trigger.clone()
        },
        playbook: case.facts.playbook.to_owned(),
        playbook_version: procedure.version.clone(),
        cadence: Cadence {
            every: procedure.updates.every,
            draft_before: procedure.updates.draft_before,
            from: procedure.updates.from,
            sent: procedure.updates.sent,
            slow_after: procedure.updates.slow_after,
            slowest: procedure.updates.slowest,
            next_contact_after: procedure.updates.next_contact_after,
            next_contact: procedure.updates.next_contact.clone(),
        },
        verification: verdict_window(procedure),
    })];
    if opening.severity.is_some() && case.actor.who.person().is_some() {
        events.extend(lessened(case, opening, trigger, &judgement));
    }
    let incident = first(&events, case);
    // It arrives ready: the rollback is proposed, and an immediate one stands there for the commander's one decision.
    if judgement.advice.decision != Decision::NotRequired
        && let Some((draft, why)) = planning::proposal(case.facts, &incident)
    {
        events.push(Event::AttemptDrafted { attempt: 1, draft: draft.clone(), escalates: None, why: why.clone() });
        if judgement.advice.decision == Decision::Immediate {
            let drafted = first(&events, case);
            match planning::fix(case, &drafted, 1, None) {
                Ok(submitted) => events.push(submitted),
                // The proposal stands as a draft, and says what keeps it from being submitted.
                Err(refusal) => {
                    events.pop();
                    let why = format!("{why}; it is not submitted yet, because {}", refusal.because);
                    events.push(Event::AttemptDrafted { attempt: 1, draft, escalates: None, why });
                }
            }
        }
    }
    let opened = first(&events, case);
    events.extend(super::settling::settle(case, &opened));
    Ok(events)
}

/// What is owed where the severity that a person typed demands less than the rules would have by themselves: the same as
/// for changing it a moment later.
fn lessened(case: &Case, opening: &Opening, trigger: &Trigger, judged: &rules::Judgement) -> Option<Event> {
    let unasked = rules::Case { severity: None, ..question(case, opening, trigger) };
    let usual = rules::judge(case.facts.procedure, &unasked);
    rules::lessens(&usual.advice.slots, &judged.advice.slots).then(|| Event::RatificationOwed {
        by: Role::Management,
        why: format!(
            "it was opened as {} instead of {}, which lessened the approvals",
            judged.severity, usual.severity
        ),
    })
}

/// The incident that these first events make.
fn first(events: &[Event], case: &Case) -> Incident {
    let opened = crate::domain::event::Recorded {
        seq: 0,
        version: 1,
        at: case.now,
        actor: case.actor.who.clone(),
        event: events[0].clone(),
    };
    let incident = crate::domain::apply::fold([&opened]).expect("the first event opens");
    after(&incident, &events[1..], &case.actor.who, case.now)
}

/// Another trigger for the same cause joins. A more severe one raises the incident before the start, and only joins
/// after it.
pub fn join(case: &Case, incident: &Incident, seen: &TriggerSeen) -> Result<Vec<Event>, Refusal> {
    let procedure = case.facts.procedure;
    let trigger = procedure.trigger(&seen.name).ok_or_else(|| Refusal::unknown("trigger", &seen.name))?;
    if incident.triggers.iter().any(|known| known.fingerprint == seen.fingerprint) {
        return Err(Refusal::already("this trigger is part of the incident already"));
    }
    let seen = TriggerSeen { text: trigger.text.clone(), category: trigger.category.clone(), ..seen.clone() };
    let mut events = vec![Event::TriggerJoined { trigger: seen }];
    let started = incident
        .attempts
        .iter()
        .any(|attempt| !attempt.runs.is_empty() && attempt.status() != AttemptStatus::Withdrawn);
    let category = procedure.category(&trigger.category);
    if let Some(category) = category.filter(|category| !started && category.severity.worse_than(incident.severity)) {
        let judgement = rules::judge(procedure, &question_of(case, incident, category.severity, &category.name));
        let lessens = rules::lessens(&incident.advice.slots, &judgement.advice.slots);
        events.push(Event::SeverityChanged {
            from: incident.severity,
            to: category.severity,
            reason: format!("{} joined: {}", trigger.text, judgement.advice.because),
            advice: judgement.advice,
        });
        if lessens {
            let why = format!("{} joined, which lessened the approvals", trigger.text);
            events.push(Event::RatificationOwed { by: Role::Management, why });
        }
        events.extend(planning::void_submitted(incident, "the severity changed with a further trigger"));
    }
    Ok(events)
}
