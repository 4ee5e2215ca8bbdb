//! Bugs planted into `decide`, one by one: each must turn some check red. A check that finds none of them proves nothing.

use super::search::Limit;
use super::steps::{agreeing_walk, every_walk, executing_walk, hubs};
use super::two_workers::race;
use super::walk::{Decide, Node};
use super::world::*;
use backout::domain::actor::{Actor, Who};
use backout::domain::command::{Approve, Command};
use backout::domain::decide::decide;
use backout::domain::event::{Event, RunEnd, RunOutcome};
use backout::domain::facts::{Catalogue, Facts};
use backout::domain::plan::{Draft, FixedPlan, PlannedAction, digest};
use backout::domain::procedure::{Decision, Procedure, RollbackType};
use backout::domain::refusal::Refusal;
use backout::domain::state::{Incident, RunId, RunState};
use backout::domain::{Role, Severity, Span, Timestamp};
use std::collections::BTreeMap;

type Answer = Result<Vec<Event>, Refusal>;
type Bug = fn(Option<&Incident>, &Facts, &Command, &Actor, Timestamp) -> Answer;

/// A shelf on which nothing ever changes.
struct Forgetful;

impl Catalogue for Forgetful {
    fn prepare(&self, procedure: &Procedure, draft: &Draft) -> Result<Vec<PlannedAction>, Vec<String>> {
        Shelf { swapped: false }.prepare(procedure, draft)
    }
    fn script(&self, environment: &str, path: &str) -> Option<String> {
        Shelf { swapped: false }.script(environment, path)
    }
    fn grace(&self, environment: &str) -> Span {
        Shelf { swapped: false }.grace(environment)
    }
    fn render(&self, template: &str, values: &BTreeMap<&str, String>) -> Result<String, String> {
        Shelf { swapped: false }.render(template, values)
    }
}

fn same<'a>(facts: &Facts<'a>) -> Facts<'a> {
    Facts { ..*facts }
}

fn without(answer: Answer, unwanted: fn(&Event) -> bool) -> Answer {
    let mut events = answer?;
    events.retain(|event| !unwanted(event));
    if events.is_empty() { Err(Refusal::already("nothing changed")) } else { Ok(events) }
}

fn current_digest(state: Option<&Incident>) -> Option<String> {
    Some(state?.current()?.submitted.as_ref()?.digest.clone())
}

const BUGS: [(&str, Bug); 27] = [
    ("forgets that approvals run out", |state, facts, command, actor, now| {
        let claims = matches!(command, Command::ClaimRun { .. } | Command::Start { .. });
        decide(state, facts, command, actor, if claims { NOON } else { now })
    }),
    ("is late by one second", |state, facts, command, actor, now| {
        let claims = matches!(command, Command::ClaimRun { .. } | Command::Start { .. });
        decide(state, facts, command, actor, if claims { now - Span::seconds(1) } else { now })
    }),
    ("remembers roles that were taken away", |state, facts, command, actor, now| {
        let world = World::new(&Outside::default());
        decide(state, &Facts { people: &world.people, ..same(facts) }, command, actor, now)
    }),
    ("takes the current digest for the one that was read", |state, facts, command, actor, now| {
        let Command::Approve(wish) = command else { return decide(state, facts, command, actor, now) };
        let digest = current_digest(state).unwrap_or_default();
        decide(state, facts, &Command::Approve(Approve { digest, ..wish.clone() }), actor, now)
    }),
    ("starts another digest than the one that was read", |state, facts, command, actor, now| {
        let Command::Start { attempt, .. } = command else { return decide(state, facts, command, actor, now) };
        let digest = current_digest(state).unwrap_or_default();
        decide(state, facts, &Command::Start { attempt: *attempt, digest }, actor, now)
    }),
    ("keeps the approvals of a changed plan", |state, facts, command, actor, now| {
        without(decide(state, facts, command, actor, now), |event| matches!(event, Event::PlanVoided { .. }))
    }),
    ("counts one person twice", |state, facts, command, actor, now| {
        let mut events = decide(state, facts, command, actor, now)?;
        if let Some(Event::Approved(given)) = events.iter().find(|event| matches!(event, Event::Approved(_))).cloned() {
            for slot in [IC, TL, MANAGEMENT] {
                let mut twice = given.clone();
                twice.slot = slot.into();
                events.push(Event::Approved(twice));
            }
        }
        Ok(events)
    }),
    ("does not see the locks of others", |state, facts, command, actor, now| {
        decide(state, &Facts { locks: &[], ..same(facts) }, command, actor, now)
    }),
    ("does not see that a script was swapped", |state, facts, command, actor, now| {
        decide(state, &Facts { catalogue: &Forgetful, ..same(facts) }, command, actor, now)
    }),
    ("lets the machine approve", |state, facts, command, actor, now| {
        let approves = matches!(command, Command::Approve(_)) && actor.who == Who::System;
        decide(state, facts, command, &if approves { person(ANN) } else { actor.clone() }, now)
    }),
    ("lets anyone act as the commander", |state, facts, command, actor, now| {
        let commander = person(ANN);
        decide(state, facts, command, if actor.who.person().is_some() { &commander } else { actor }, now)
    }),
    ("does not ask for a fresh proof", |state, facts, command, actor, now| {
        let fresh = Actor { fresh: person(ANN).fresh, ..actor.clone() };
        decide(state, facts, command, &fresh, now)
    }),
    ("retries what succeeded", |state, facts, command, actor, now| {
        let succeeded =
            |id: &RunId| state.and_then(|state| state.run(id)).is_some_and(|(_, run)| run.state == RunState::Succeeded);
        match command {
            Command::Retry { run, reason } if succeeded(run) && actor.who.person().is_some() => {
                Ok(vec![Event::RetryOrdered { run: run.clone(), reason: reason.clone() }])
            }
            _ => decide(state, facts, command, actor, now),
        }
    }),
    ("retries what is lost by itself", |state, facts, command, actor, now| {
        let mut events = decide(state, facts, command, actor, now)?;
        if let Command::LoseRun { run, .. } = command {
            events.push(Event::RetryOrdered { run: run.clone(), reason: "again".into() });
        }
        Ok(events)
    }),
    ("takes a lost run for one that never started", |state, facts, command, actor, now| {
        let events = decide(state, facts, command, actor, now)?;
        let known = |event| match event {
            Event::RunLost { run, why } => {
                let end = RunEnd::NeverStarted(why);
                Event::RunFinished {
                    run,
                    outcome: RunOutcome { end, lines: 0, log_sha256: String::new(), log_cut: false },
                }
            }
            other => other,
        };
        Ok(events.into_iter().map(known).collect())
    }),
    ("gives every run the same name", |state, facts, command, actor, now| {
        let mut events = decide(state, facts, command, actor, now)?;
        for event in &mut events {
            if let Event::RunStarting(starting) = event {
                starting.run = RunId("the-run".into());
            }
        }
        Ok(events)
    }),
    ("starts the last action first", |state, facts, command, actor, now| {
        let mut events = decide(state, facts, command, actor, now)?;
        let last = state.and_then(|state| state.current()?.plan()?.actions.last().cloned());
        for event in &mut events {
            if let (Event::RunStarting(starting), Some(last)) = (event, &last) {
                starting.action = last.name.clone();
            }
        }
        Ok(events)
    }),
    ("asks for no items before the start", |state, facts, command, actor, now| {
        let mut procedure = facts.procedure.clone();
        procedure.checklists.clear();
        decide(state, &Facts { procedure: &procedure, ..same(facts) }, command, actor, now)
    }),
    ("lowers the severity on one person's word", |state, facts, command, actor, now| {
        let events = decide(state, facts, command, actor, now)?;
        let at_once = |event| match (event, state) {
            (Event::SeverityChangeAsked { to, reason }, Some(state)) => {
                Event::SeverityChanged { from: state.severity, to, reason, advice: state.advice.clone() }
            }
            (event, _) => event,
        };
        Ok(events.into_iter().map(at_once).collect())
    }),
    ("forgets the debt", |state, facts, command, actor, now| {
        without(decide(state, facts, command, actor, now), |event| matches!(event, Event::RatificationOwed { .. }))
    }),
    ("notes a rejection without rejecting", |state, facts, command, actor, now| {
        let events = decide(state, facts, command, actor, now)?;
        let noted = |event| match event {
            Event::Declined { reason, .. } => Event::NoteAdded { text: reason },
            other => other,
        };
        Ok(events.into_iter().map(noted).collect())
    }),
    ("stops nothing", |state, facts, command, actor, now| {
        let events = decide(state, facts, command, actor, now)?;
        let noted = |event| match event {
            Event::StopOrdered { reason, .. } => Event::NoteAdded { text: reason },
            other => other,
        };
        Ok(events.into_iter().map(noted).collect())
    }),
    ("lets approvals hold an hour longer", |state, facts, command, actor, now| {
        let mut events = decide(state, facts, command, actor, now)?;
        for event in &mut events {
            if let Event::Approved(given) = event {
                given.expires_at = given.expires_at + Span::hours(1);
            }
        }
        Ok(events)
    }),
    ("leaves a slot out of the plan", |state, facts, command, actor, now| {
        let mut events = decide(state, facts, command, actor, now)?;
        for event in &mut events {
            if let Event::PlanSubmitted(submitted) = event
                && let Ok(mut plan) = FixedPlan::read(&submitted.plan)
            {
                plan.slots.retain(|slot| slot.duty == Role::IncidentCommander);
                submitted.plan = plan.canonical();
                submitted.digest = digest(&submitted.plan);
            }
        }
        Ok(events)
    }),
    ("believes a proof that is gone", |state, facts, command, actor, now| {
        let world = World::new(&Outside::default());
        decide(state, &Facts { register: &world.register, ..same(facts) }, command, actor, now)
    }),
    ("submits again what was sent back", |state, facts, command, actor, now| {
        let mut forgiving = state.cloned();
        for attempt in forgiving.iter_mut().flat_map(|state| &mut state.attempts) {
            attempt.sent_back.clear();
        }
        decide(forgiving.as_ref(), facts, command, actor, now)
    }),
    ("allows an order to start twice", |state, facts, command, actor, now| {
        let mut forgetful = state.cloned();
        if matches!(command, Command::Start { .. })
            && let Some(attempt) = forgetful.as_mut().and_then(|state| state.attempts.last_mut())
        {
            attempt.start_ordered = None;
        }
        decide(forgetful.as_ref(), facts, command, actor, now)
    }),
];

/// The first law that breaks, by the cheapest search that shows it.
fn caught(bug: &Decide) -> Option<String> {
    let partial = RollbackType::Partial;
    let ordered = |kind| Node::of(&Room::ordered(Decision::Considered, Severity::P2, kind));
    let submitted = |decision, severity| Room::submitted(decision, severity, partial);
    let mut sent_back = submitted(Decision::NotRequired, Severity::P3);
    sent_back
        .must(TOM, Command::EditPlan { attempt: sent_back.attempt_number(), seen: None, draft: other_draft(partial) });
    let p0 = Node::of(&submitted(Decision::Immediate, Severity::P0));
    let p1 = Node::of(&submitted(Decision::Immediate, Severity::P1));
    let mut considered = submitted(Decision::Considered, Severity::P2);
    considered.must(TOM, considered.approval(TL));
    let red = |searched: super::search::Searched<String>| searched.red.map(|(law, _)| law);
    let limit = |depth| Limit { depth, states: 500 };
    red(agreeing_walk(bug).search(vec![ordered(partial), p0, Node::of(&sent_back)], limit(3)))
        .or_else(|| red(executing_walk(bug).search(RollbackType::ALL.map(ordered).into(), limit(3))))
        .or_else(|| red(agreeing_walk(bug).search(vec![p1, Node::of(&considered)], limit(3))))
        .or_else(|| red(every_walk(bug).search(hubs(), Limit { depth: 1, states: usize::MAX })))
}

#[test]
fn every_planted_bug_turns_a_check_red() {
    let missed: Vec<&str> = BUGS
        .iter()
        .filter(|(name, bug)| {
            let law = caught(bug);
            println!("{name}: {}", law.as_deref().unwrap_or("NOT CAUGHT"));
            law.is_none()
        })
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(missed, Vec::<&str>::new(), "these went unnoticed");
    assert!(race(false, false, true).red.is_some(), "skips the version check");
    assert!(race(true, true, false).red.is_some(), "skips the exclusive claim");
}

#[test]
fn without_a_bug_the_same_searches_stay_green() {
    assert_eq!(caught(&decide), None);
}
