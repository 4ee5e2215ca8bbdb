//! Exhaustive searches: everything that can be reached keeps every law.

use super::search::Limit;
use super::walk::{Node, Walk, agreeing, everything, executing, restless, still};
use super::world::*;
use backout::domain::actor::Actor;
use backout::domain::command::Command;
use backout::domain::decide::decide;
use backout::domain::event::{Mark, RunEnd, RunOutcome};
use backout::domain::procedure::{Decision, RollbackType};
use backout::domain::state::Incident;
use backout::domain::{Role, Severity};
use std::collections::BTreeSet;

pub const EVERYONE: &[&str] = &[ANN, TOM, MIA, DUO, SUE, ZED, GONE];
pub const TEAM: &[&str] = &[ANN, TOM, MIA, DUO];

/// Before the first run: agreeing in a restless world. Ends at the first start and at the end of the attempt.
pub fn agreeing_walk(decide: &super::walk::Decide) -> Walk<'_> {
    Walk {
        decide,
        alphabet: agreeing,
        people: TEAM,
        moves: restless,
        goes_on: |node| {
            node.incident.current().is_some_and(|attempt| attempt.runs.is_empty() && !attempt.status().is_terminal())
        },
    }
}

/// From the ordered start to the end of the attempt, with one world move and at most three runs.
pub fn executing_walk(decide: &super::walk::Decide) -> Walk<'_> {
    Walk {
        decide,
        alphabet: executing,
        people: &[ANN, TOM, ZED],
        moves: |outside| {
            if outside.locked || outside.script_swapped {
                return Vec::new();
            }
            vec![Outside { locked: true, ..outside.clone() }, Outside { script_swapped: true, ..outside.clone() }]
        },
        goes_on: |node| {
            node.incident.current().is_some_and(|attempt| attempt.runs.len() < 3 && !attempt.status().is_terminal())
        },
    }
}

/// Every command by everyone, from states of every kind.
pub fn every_walk(decide: &super::walk::Decide) -> Walk<'_> {
    Walk { decide, alphabet: everything, people: EVERYONE, moves: still, goes_on: |_| true }
}

pub fn openings() -> Vec<(Decision, Severity)> {
    Decision::ALL
        .into_iter()
        .flat_map(|decision| Severity::ALL.map(|severity| (decision, severity)))
        .filter(|(decision, severity)| decided(category_of(*decision), *severity) == *decision)
        .collect()
}

fn ended(end: RunEnd) -> RunOutcome {
    RunOutcome { end, lines: 0, log_sha256: String::new(), log_cut: false }
}

/// One state of each kind that an incident can be in.
pub fn hubs() -> Vec<Node> {
    let partial = RollbackType::Partial;
    let mut nodes: Vec<Node> =
        openings().into_iter().map(|(decision, severity)| Node::of(&Room::opened(decision, severity))).collect();
    nodes.push(Node::of(&Room::submitted(Decision::Immediate, Severity::P2, partial)));
    nodes.push(Node::of(&Room::submitted(Decision::Considered, Severity::P2, partial)));
    let ordered = Room::ordered(Decision::Considered, Severity::P2, partial);
    nodes.push(Node::of(&ordered));
    let mut running = ordered.clone();
    running.system(running.claim("deploy"));
    nodes.push(Node::of(&running));
    let run = running.state().current().unwrap().runs[0].id.clone();
    let mut lost = running.clone();
    lost.system(Command::LoseRun { run: run.clone(), why: "silence".into() });
    nodes.push(Node::of(&lost));
    let mut stopping = running.clone();
    stopping.must(ANN, Command::Stop { attempt: stopping.attempt_number(), reason: "wrong".into() });
    nodes.push(Node::of(&stopping));
    let mut halted = running.clone();
    halted.system(Command::FinishRun { run: run.clone(), outcome: ended(RunEnd::TimedOut) });
    nodes.push(Node::of(&halted));
    let mut failed = halted.clone();
    failed.must(TOM, Command::DeclareFailed { attempt: failed.attempt_number(), reason: "no use".into() });
    nodes.push(Node::of(&failed));
    let mut verifying = running.clone();
    verifying.system(Command::FinishRun { run, outcome: ended(RunEnd::Exited(0)) });
    nodes.push(Node::of(&verifying));
    let attempt = verifying.attempt_number();
    let mark = Some(Mark::Done { note: "seen".into() });
    verifying.must(TOM, Command::MarkCriterion { attempt, criterion: "works".into(), mark });
    let mut succeeded = verifying;
    succeeded.must(TOM, Command::ConfirmSuccess { attempt });
    nodes.push(Node::of(&succeeded));
    let outcome = backout::domain::command::Outcome::RolledBack;
    succeeded.must(ANN, Command::Close { outcome, reason: "done".into() });
    nodes.push(Node::of(&succeeded));
    nodes
}

fn assert_lawful(what: &str, searched: &super::search::Searched<String>) {
    println!(
        "{what}: {} states, {} transitions, depth {}{}",
        searched.states,
        searched.transitions,
        searched.deepest,
        if searched.cut { ", cut" } else { "" }
    );
    if let Some((law, path)) = &searched.red {
        panic!("{what}: {law}\n  {}", path.join("\n  "));
    }
}

#[test]
fn agreeing_on_a_plan_keeps_every_law_at_every_decision_and_severity() {
    for (decision, severity) in [
        (Decision::Immediate, Severity::P0),
        (Decision::Immediate, Severity::P2),
        (Decision::NotRequired, Severity::P3),
        (Decision::Considered, Severity::P2),
    ] {
        // One approver's states are searched to the last; of the rest, the first thousand.
        let states = if severity == Severity::P0 { usize::MAX } else { 1_000 };
        let room = Room::submitted(decision, severity, RollbackType::Partial);
        let searched = agreeing_walk(&decide).search(vec![Node::of(&room)], Limit { depth: 14, states });
        assert_lawful(&format!("{decision} at {severity}"), &searched);
        assert!(searched.states > 100, "{}", searched.states);
    }
}

#[test]
fn executing_keeps_every_law_for_every_shape_of_plan() {
    for kind in RollbackType::ALL {
        let room = Room::ordered(Decision::Considered, Severity::P2, kind);
        let searched = executing_walk(&decide).search(vec![Node::of(&room)], Limit { depth: 16, states: 1_300 });
        assert_lawful(kind.key(), &searched);
        assert!(searched.states > 50, "{}", searched.states);
    }
}

#[test]
fn every_command_by_everyone_keeps_every_law_in_every_kind_of_state() {
    let searched = every_walk(&decide).search(hubs(), Limit { depth: 1, states: usize::MAX });
    assert_lawful("everything", &searched);
    assert!(searched.transitions > 500, "{}", searched.transitions);
}

/// THR-06: of all subsets of approvals, the full one alone starts.
#[test]
fn only_the_full_set_of_approvals_starts_at_every_decision_and_severity() {
    for (decision, severity) in openings() {
        let slots = demanded(decision, severity);
        for subset in 0..1_u32 << slots.len() {
            let mut room = Room::submitted(decision, severity, RollbackType::Partial);
            for (_, slot) in slots.iter().enumerate().filter(|(place, _)| subset >> place & 1 == 1) {
                room.must(usual(slot), room.approval(slot));
            }
            let full = subset.count_ones() as usize == slots.len();
            if room.state().current().unwrap().start_ordered.is_none() {
                let start = Command::Start { attempt: room.attempt_number(), digest: room.digest() };
                assert_eq!(room.told(&person(ANN), start).is_ok(), full, "{decision} at {severity}: {subset:b}");
            }
            room.told(&Actor::SYSTEM, room.claim("deploy")).ok();
            let runs = room.state().current().unwrap().runs.len();
            assert_eq!(runs, usize::from(full), "{decision} at {severity}: {subset:b}");
        }
    }
}

/// THR-08: one second before is in time, the very moment is not.
#[test]
fn an_approval_starts_until_the_moment_it_runs_out() {
    for (span, starts) in [(HOLDS_FOR.0 - 1_000_000, true), (HOLDS_FOR.0 - 1, true), (HOLDS_FOR.0, false)] {
        let mut room = Room::ordered(Decision::Considered, Severity::P2, RollbackType::Partial);
        room.outside.elapsed += span;
        room.system(room.claim("deploy"));
        assert_eq!(!room.state().current().unwrap().runs.is_empty(), starts, "{span}");
    }
}

/// THR-01: each change after the approvals voids them, and the claim starts nothing.
#[test]
fn whatever_of_the_plan_is_changed_after_the_approvals_nothing_starts() {
    let kind = RollbackType::Partial;
    type Change = fn(&mut backout::domain::plan::Draft);
    let changes: [(&str, Change); 9] = [
        ("kind", |draft| draft.kind = RollbackType::Full),
        ("target", |draft| draft.targets[0].name = "2.1.1".into()),
        ("target kind", |draft| {
            draft.targets[0].kind = backout::domain::procedure::TargetKind::Config;
            draft.targets[0].name = "config-7".into();
        }),
        ("components", |draft| draft.components.push("db".into())),
        ("more targets", |draft| *draft = wide_draft(RollbackType::Partial)),
        ("scope", |draft| draft.scope.push("tenant 7".into())),
        ("fallback", |draft| draft.fallback = "pray".into()),
        ("reason", |draft| draft.reason = "another".into()),
        ("start", |draft| draft.start = Some(backout::domain::procedure::StartMode::AtAuthorisation)),
    ];
    for (field, change) in changes {
        let mut room = Room::ordered(Decision::Considered, Severity::P2, kind);
        let (old, claim) = (room.digest(), room.claim("deploy"));
        let mut changed = draft(kind);
        change(&mut changed);
        room.must(TOM, Command::EditPlan { attempt: room.attempt_number(), seen: None, draft: changed });
        assert!(room.state().current().unwrap().approvals.is_empty(), "{field}");
        assert!(room.told(&Actor::SYSTEM, claim.clone()).is_err(), "{field}");
        room.must(TOM, Command::SubmitPlan { attempt: room.attempt_number() });
        assert_ne!(room.digest(), old, "{field} is not in the digest");
        assert!(room.told(&person(ANN), approval(room.state(), IC, &old)).is_err(), "{field}");
        let start = Command::Start { attempt: room.attempt_number(), digest: room.digest() };
        assert!(room.told(&person(ANN), start).is_err(), "{field}");
        assert!(room.told(&Actor::SYSTEM, claim).is_err(), "{field}");
        assert!(room.state().current().unwrap().runs.is_empty(), "{field}");
    }
}

#[test]
fn a_swapped_script_or_severity_starts_nothing() {
    let mut room = Room::ordered(Decision::Considered, Severity::P2, RollbackType::Partial);
    room.outside.script_swapped = true;
    room.system(room.claim("deploy"));
    let attempt = room.state().current().unwrap();
    assert!(attempt.runs.is_empty() && attempt.approvals.is_empty() && attempt.submitted.is_none());
    let mut room = Room::ordered(Decision::Considered, Severity::P2, RollbackType::Partial);
    let claim = room.claim("deploy");
    room.must(TOM, Command::ChangeSeverity { to: Severity::P1, reason: "worse".into() });
    assert!(room.told(&Actor::SYSTEM, claim).is_err());
    assert!(room.state().current().unwrap().approvals.is_empty());
}

/// THR-11: in neither direction does one person talk an approval away.
#[test]
fn a_severity_that_lessens_the_demands_is_a_debt_or_takes_two() {
    let mut room = Room::ordered(Decision::Immediate, Severity::P2, RollbackType::Partial);
    let raise = Command::ChangeSeverity { to: Severity::P0, reason: "worse".into() };
    assert!(room.told(&person(TOM), raise.clone()).is_err(), "the lead's own slot would fall away");
    room.must(ANN, raise);
    assert!(room.state().has_open_debt() && room.state().current().unwrap().approvals.is_empty());
    let mut room = Room::ordered(Decision::Considered, Severity::P2, RollbackType::Partial);
    room.must(ANN, Command::ChangeSeverity { to: Severity::P3, reason: "few".into() });
    assert_eq!(room.state().severity, Severity::P2, "it waits for a second person");
    let confirm = Command::ConfirmSeverity { to: Severity::P3 };
    assert!(room.told(&person(ANN), confirm.clone()).is_err());
    room.must(MIA, confirm);
    assert_eq!(room.state().severity, Severity::P3);
    assert!(room.state().current().unwrap().approvals.is_empty());
}

#[test]
fn the_states_of_the_searches_are_really_different() {
    let kinds: BTreeSet<_> = hubs()
        .iter()
        .filter_map(|node| Incident::current(&node.incident).map(backout::domain::state::Attempt::status))
        .collect();
    assert!(kinds.len() >= 7, "{kinds:?}");
    let places = hubs().iter().filter(|node| node.incident.holder(Role::TechnicalLead).is_some()).count();
    assert!(places >= 8, "{places}");
}
