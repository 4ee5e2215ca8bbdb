//! INV-4 as a model: two workers decide on what they read a while ago, and may crash between any two steps. A journal
//! that checks the expected version keeps every action to one start for each word of a person; without it, not.

use super::search::{Limit, Searched, search};
use super::world::*;
use backout::domain::Severity;
use backout::domain::actor::{Actor, Who};
use backout::domain::apply::apply;
use backout::domain::command::Command;
use backout::domain::decide::{decide, next_claims};
use backout::domain::event::{Event, Recorded, RunEnd, RunOutcome};
use backout::domain::procedure::{Decision, RollbackType};
use backout::domain::state::{Incident, RunId, RunState};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Where a worker stands between reading the journal and reporting what the run did.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Stage {
    Idle,
    Read(Rc<Incident>),
    Decided { expected: i64, events: Vec<Event> },
    Intended(RunId),
    Started(RunId),
    Down,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Model {
    incident: Incident,
    workers: [Stage; 2],
    /// How often each run was started by its host.
    starts: BTreeMap<(String, RunId), u32>,
    /// Runs whose claim was taken to prove that nothing began.
    forestalled: BTreeSet<(String, RunId)>,
    crashes: u32,
    retries: u32,
}

#[derive(Clone, Copy)]
struct Rules {
    checks_version: bool,
    /// Both workers run on one host, or each on its own.
    one_host: bool,
    /// A host takes the exclusive claim before it starts or forestalls a run.
    claims: bool,
}

fn host(rules: Rules, worker: usize) -> String {
    if rules.one_host { "host-0".into() } else { format!("host-{worker}") }
}

fn written(incident: &Incident, events: &[Event], who: &Who) -> Incident {
    let mut state = Some(incident.clone());
    for event in events {
        let version = state.as_ref().unwrap().version + 1;
        let recorded = Recorded { seq: version, version, at: NOON, actor: who.clone(), event: event.clone() };
        apply(&mut state, &recorded);
    }
    state.unwrap()
}

fn append(model: &Model, world: &World, actor: &Actor, command: &Command) -> Option<Model> {
    let events = decide(Some(&model.incident), &world.facts(), command, actor, NOON).ok()?;
    Some(Model { incident: written(&model.incident, &events, &actor.who), ..model.clone() })
}

fn finished(run: &RunId, end: RunEnd) -> Command {
    let outcome = RunOutcome { end, lines: 0, log_sha256: String::new(), log_cut: false };
    Command::FinishRun { run: run.clone(), outcome }
}

fn next(model: &Model, world: &World, rules: Rules) -> Vec<(String, Result<Model, String>)> {
    let mut steps = Vec::new();
    for worker in 0..2 {
        for (what, reached) in worker_steps(model, world, rules, worker) {
            steps.push((format!("worker {worker} {what}"), reached));
        }
    }
    // A person looks at what is lost and may order it anew: a new word, a new run.
    for run in model.incident.current().map(|attempt| attempt.runs.clone()).unwrap_or_default() {
        let again = Command::Retry { run: run.id.clone(), reason: "looked at it".into() };
        if model.retries < 1
            && let Some(reached) = append(model, world, &person(TOM), &again)
        {
            steps.push((format!("tom retries {}", run.id), Ok(Model { retries: model.retries + 1, ..reached })));
        }
    }
    steps.into_iter().map(|(label, reached)| (label, reached.and_then(at_most_once))).collect()
}

fn worker_steps(
    model: &Model,
    world: &World,
    rules: Rules,
    worker: usize,
) -> Vec<(&'static str, Result<Model, String>)> {
    let at = |stage| {
        let mut moved = model.clone();
        moved.workers[worker] = stage;
        moved
    };
    let here = host(rules, worker);
    let mut steps = Vec::new();
    match &model.workers[worker] {
        Stage::Idle => {
            if !next_claims(&model.incident).is_empty() {
                steps.push(("reads", Ok(at(Stage::Read(Rc::new(model.incident.clone()))))));
            }
        }
        Stage::Read(stale) => {
            let claim = next_claims(stale).into_iter().next().map(|(attempt, action)| Command::ClaimRun {
                attempt,
                action,
                host: here.clone(),
            });
            let events = claim.and_then(|claim| decide(Some(stale), &world.facts(), &claim, &Actor::SYSTEM, NOON).ok());
            let stage = events.map_or(Stage::Idle, |events| Stage::Decided { expected: stale.version, events });
            steps.push(("decides", Ok(at(stage))));
        }
        Stage::Decided { expected, events } => {
            if rules.checks_version && *expected != model.incident.version {
                steps.push(("loses the race", Ok(at(Stage::Idle))));
            } else {
                let run = events.iter().find_map(|event| match event {
                    Event::RunStarting(starting) => Some(starting.run.clone()),
                    _ => None,
                });
                let mut moved = at(run.map_or(Stage::Idle, Stage::Intended));
                moved.incident = written(&model.incident, events, &Who::System);
                steps.push(("appends", Ok(moved)));
            }
        }
        Stage::Intended(run) => {
            let key = (here.clone(), run.clone());
            let taken = rules.claims && (model.forestalled.contains(&key) || model.starts.contains_key(&key));
            let mut moved = at(if taken { Stage::Idle } else { Stage::Started(run.clone()) });
            if !taken {
                *moved.starts.entry(key).or_default() += 1;
            }
            steps.push(("starts", Ok(moved)));
        }
        Stage::Started(run) => {
            for end in [RunEnd::Exited(0), RunEnd::Exited(1)] {
                if let Some(reported) = append(&at(Stage::Idle), world, &Actor::SYSTEM, &finished(run, end)) {
                    steps.push(("reports", Ok(reported)));
                }
            }
        }
        Stage::Down => {
            // Comes back: what its host started is looked at, what nobody claimed is forestalled, the rest is lost.
            steps.push(("comes back", Ok(recovered(&at(Stage::Idle), world, rules, &here))));
        }
    }
    if model.crashes < 2 && !matches!(model.workers[worker], Stage::Down | Stage::Idle) {
        steps.push(("crashes", Ok(Model { crashes: model.crashes + 1, ..at(Stage::Down) })));
    }
    steps
}

fn recovered(model: &Model, world: &World, rules: Rules, here: &str) -> Model {
    let mut model = model.clone();
    let runs = model.incident.current().map(|attempt| attempt.runs.clone()).unwrap_or_default();
    for run in runs.into_iter().filter(|run| run.state.is_live()) {
        let key = (here.to_owned(), run.id.clone());
        let command = if run.host != here {
            Command::LoseRun { run: run.id, why: "its host is silent".into() }
        } else if model.starts.contains_key(&key) {
            Command::NoteRunning { run: run.id }
        } else {
            if rules.claims {
                model.forestalled.insert(key);
            }
            finished(&run.id, RunEnd::NeverStarted("nobody claimed it".into()))
        };
        if let Some(reached) = append(&model, world, &Actor::SYSTEM, &command) {
            model = reached;
        }
    }
    model
}

/// A run starts at most once, and an action no oftener than people said so.
fn at_most_once(model: Model) -> Result<Model, String> {
    let attempt = model.incident.current().unwrap();
    let mut by_run: BTreeMap<&RunId, u32> = BTreeMap::new();
    for ((_, run), times) in &model.starts {
        *by_run.entry(run).or_default() += times;
    }
    if by_run.values().any(|times| *times > 1) {
        return Err("started twice".into());
    }
    let total: u32 = by_run.values().sum();
    if total > 1 + model.retries {
        return Err("an action was started oftener than people said".into());
    }
    let proven = attempt.runs.iter().any(|run| {
        run.state == RunState::Failed
            && run.word.is_some()
            && by_run.contains_key(&run.id)
            && run.outcome.as_ref().is_some_and(|outcome| matches!(outcome.end, RunEnd::NeverStarted(_)))
    });
    if proven {
        return Err("what was proven never to start has started".into());
    }
    Ok(model)
}

pub fn race(checks_version: bool, one_host: bool, claims: bool) -> Searched<String> {
    let room = Room::ordered(Decision::Considered, Severity::P2, RollbackType::Partial);
    let world = World::new(&room.outside);
    let start = Model {
        incident: room.state().clone(),
        workers: [Stage::Idle, Stage::Idle],
        starts: BTreeMap::new(),
        forestalled: BTreeSet::new(),
        crashes: 0,
        retries: 0,
    };
    let rules = Rules { checks_version, one_host, claims };
    search([start], Limit { depth: 16, states: 6_000 }, |model| next(model, &world, rules))
}

#[test]
fn two_workers_that_crash_anywhere_start_an_action_at_most_once() {
    for one_host in [true, false] {
        let searched = race(true, one_host, true);
        println!(
            "two workers: {} states, {} transitions, depth {}",
            searched.states, searched.transitions, searched.deepest
        );
        assert_eq!(searched.red, None);
        assert!(searched.states > 50, "{}", searched.states);
    }
}

#[test]
fn without_the_version_check_the_search_finds_a_second_start() {
    let (law, path) = race(false, false, true).red.expect("two hosts, both starting");
    assert_eq!(law, "started twice", "{path:?}");
    assert!(path.len() <= 10, "{path:?}");
}

#[test]
fn without_the_exclusive_claim_the_search_finds_what_never_started_starting() {
    let found = race(true, true, false).red;
    assert!(found.is_some(), "a worker that was thought dead wakes up and starts");
}
