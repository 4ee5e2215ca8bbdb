//! The whole server killed between "authorise and start" and the recorded end: at random moments, and at each moment that
//! can be seen from outside. Whatever is left, the script ran at most once for each intent, and nothing hangs.
//!
//! A "server" is this very test binary started again with [`SERVER`] set: it approves when it is told to, and drives the
//! runs until it is killed.

use super::dropped_callers::Dice;
use crate::support::databases::Database;
use crate::support::incident_world::{IC, IncidentWorld, QUICK, Room, TL, assert_whole, site, supervisor};
use crate::support::process::own_server;
use crate::support::waiting::wait_for;
use backout::app::App;
use backout::app::playbooks::Playbooks;
use backout::clock::SystemClock;
use backout::domain::Role;
use backout::domain::command::Command;
use backout::domain::event::RunEnd;
use backout::domain::state::{Attempt, AttemptStatus, Run, RunState};
use backout::store::Store;
use backout::worker::{deadlines, runs::Runs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::process::Child;

/// Set for a test binary that is to be a server: database, world, runs, incident, separated by tabs.
const SERVER: &str = "BACKOUT_TEST_SPINE_SERVER";

/// When the server is killed, counted from the word to approve.
#[derive(Debug, Clone, Copy)]
enum Moment {
    After(Duration),
    /// This event stands in the journal.
    Recorded(&'static str),
    /// This file of the run is there.
    Written(&'static str),
    /// The script has left its first trace.
    Started,
}

/// What became of one killed server's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    NotApproved,
    Ran,
    NeverStarted,
    Lost,
}

/// Not a test: what the others start again as a server. Does nothing otherwise.
#[test]
fn a_server_in_a_process_of_its_own() {
    let Ok(told) = std::env::var(SERVER) else { return };
    let parts: Vec<&str> = told.split('\t').collect();
    let [database, root, runs, incident] = parts[..] else { panic!("{told}") };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(database).await.unwrap();
        let app = App::new(store, Arc::new(SystemClock), site(Path::new(root)), Playbooks::default());
        let room = Room { app: app.clone(), id: incident.to_owned() };
        let approval = room.approval("incident_commander").await;
        tokio::spawn(Runs::new(app.clone(), Arc::new(supervisor(Path::new(runs)))).keep());
        tokio::spawn(deadlines::keep(app.clone()));
        println!("\nready");
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()).unwrap()).await.unwrap();
        room.must(IC, approval).await;
        std::future::pending::<()>().await;
    });
}

async fn server_process(world: &IncidentWorld, room: &Room) -> Child {
    let told = [
        world.database.address.clone(),
        world.root().display().to_string(),
        world.runs_folder().display().to_string(),
        room.id.clone(),
    ];
    own_server("spine::killing_server::a_server_in_a_process_of_its_own", SERVER, &told.join("\t")).await
}

/// Waits for the moment, looking as often as it can.
async fn reached(moment: Moment, server: &mut Child, world: &IncidentWorld, room: &Room) {
    let run = world.runs_folder().join(format!("{}-1-1", room.id));
    let until = Instant::now() + Duration::from_secs(20);
    let mut beat = tokio::time::interval(Duration::from_millis(1));
    loop {
        let there = match moment {
            Moment::After(time) => {
                let ended = tokio::time::timeout(time, server.wait()).await;
                assert!(ended.is_err(), "a server ends only when it is killed: {ended:?}");
                true
            }
            Moment::Recorded(kind) => room.count(kind).await > 0,
            Moment::Written(name) => run.join(name).exists(),
            Moment::Started => !world.starts().is_empty(),
        };
        if there {
            return;
        }
        assert!(Instant::now() < until, "{moment:?} was never reached");
        beat.tick().await;
    }
}

/// Waits, and not for ever, until the attempt's newest run is over; `None` when nothing was ordered.
async fn settled(room: &Room) -> Option<Attempt> {
    wait_for(Duration::from_secs(30), "the run to be over", async || {
        let attempt = room.attempt().await;
        match (attempt.start_ordered, attempt.runs.last()) {
            (None, _) => Some(None),
            (Some(_), Some(run)) if !run.state.is_live() => Some(Some(attempt)),
            _ => None,
        }
    })
    .await
}

/// The lines that the script printed to its output, from the store; every line of the log is there, in order.
async fn log_is_whole(app: &App, run: &Run) {
    let outcome = run.outcome.clone().unwrap();
    let chunks = app.store.log_from(&run.id.0, 0, 10_000).await.unwrap();
    let mut next = 0;
    for chunk in &chunks {
        assert_eq!(chunk.first_line, next, "no gap, and nothing twice");
        next += chunk.count;
    }
    assert_eq!(next, outcome.lines);
    let text = String::from_utf8(chunks.iter().flat_map(|chunk| chunk.bytes.clone()).collect()).unwrap();
    let printed: Vec<&str> = text.lines().filter_map(|line| line.split_once(" o ").map(|(_, text)| text)).collect();
    assert_eq!(printed, (1..=40).map(|number| format!("line {number}")).collect::<Vec<_>>(), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("error ")).count(), 5);
}

/// One life of a server, its death, and what the next one makes of it.
async fn one_round(database: Database, moment: Moment) -> Outcome {
    let world = IncidentWorld::new(database).await;
    world.write_script(QUICK);
    let watching = world.app().await;
    let room = Room::p0(&watching).await;
    room.take_command().await;
    room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
    let mut server = server_process(&world, &room).await;
    server.stdin.as_mut().unwrap().write_all(b"go\n").await.unwrap();
    reached(moment, &mut server, &world, &room).await;
    server.kill().await.unwrap();
    watching.store.close().await;

    let app = world.app().await;
    let room = room.through(&app);
    let next = tokio::spawn(Runs::new(app.clone(), Arc::new(world.supervisor())).keep());
    let outcome = match settled(&room).await {
        None => {
            assert_eq!((room.count("Approved").await, room.count("RunStarting").await), (0, 0));
            assert_eq!(world.starts(), Vec::<String>::new());
            Outcome::NotApproved
        }
        Some(attempt) => judged(&world, &room, &attempt).await,
    };
    next.abort();
    let starts = world.starts();
    assert!(starts.len() <= room.count("RunStarting").await, "{moment:?}: {starts:?}");
    assert!(starts.iter().all(|run| starts.iter().filter(|other| *other == run).count() == 1), "{starts:?}");
    assert_whole(&app.store).await;
    outcome
}

async fn judged(world: &IncidentWorld, room: &Room, attempt: &Attempt) -> Outcome {
    let [run] = &attempt.runs[..] else { panic!("the machine never orders a second run: {:?}", attempt.runs) };
    match (run.state, &run.outcome) {
        (RunState::Succeeded, _) => {
            assert_eq!(world.starts().len(), 1);
            log_is_whole(&room.app, run).await;
            Outcome::Ran
        }
        (RunState::Failed, Some(ended)) if matches!(ended.end, RunEnd::NeverStarted(_)) => {
            assert_eq!(world.starts(), Vec::<String>::new());
            let retry = Command::Retry { run: run.id.clone(), reason: "nothing had begun".to_owned() };
            room.must(TL, retry).await;
            let attempt = room.reaches(AttemptStatus::Verifying).await;
            assert_eq!((attempt.runs.len(), world.starts().len()), (2, 1));
            log_is_whole(&room.app, &attempt.runs[1]).await;
            Outcome::NeverStarted
        }
        (RunState::Lost, _) => Outcome::Lost,
        other => panic!("{other:?}"),
    }
}

/// Many rounds, two at a time.
async fn rounds(postgres: bool, moments: Vec<Moment>) {
    let lane = async |which: usize| {
        let mut outcomes = Vec::new();
        for moment in moments.iter().skip(which).step_by(2) {
            let database = if postgres { Database::postgres().await } else { Database::sqlite() };
            outcomes.push(one_round(database, *moment).await);
        }
        outcomes
    };
    let (mut outcomes, others) = tokio::join!(lane(0), lane(1));
    outcomes.extend(others);
    let count = |outcome| outcomes.iter().filter(|found| **found == outcome).count();
    println!(
        "of {}: {} ran, {} never started and were retried, {} were lost, {} were killed before the approval",
        outcomes.len(),
        count(Outcome::Ran),
        count(Outcome::NeverStarted),
        count(Outcome::Lost),
        count(Outcome::NotApproved)
    );
    assert_eq!(count(Outcome::Lost), 0, "only a killed supervisor loses a run");
    assert!(count(Outcome::Ran) > 0, "the moments were all too early");
}

fn random_moments(count: usize) -> Vec<Moment> {
    let mut dice = Dice::new();
    // Half of them in the short time in which the approval becomes a start, half while the script runs and ends.
    let within = |round| if round % 2 == 0 { 60_000 } else { 250_000 };
    (0..count).map(|round| Moment::After(Duration::from_micros(dice.below(within(round))))).collect()
}

/// Each thing that can be seen from outside between the order and the recorded end, in its order.
const SEEN: [Moment; 11] = [
    Moment::Recorded("Approved"),
    Moment::Recorded("RunStarting"),
    Moment::Written("alive"),
    Moment::Written("claim.json"),
    Moment::Written("spec.json"),
    Moment::Written("log"),
    Moment::Written("meta.json"),
    Moment::Started,
    Moment::Recorded("RunRunning"),
    Moment::Written("exit.json"),
    Moment::Recorded("RunFinished"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_any_moment_on_sqlite() {
    rounds(false, random_moments(50)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_any_moment_on_postgres() {
    rounds(true, random_moments(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_each_visible_moment_on_sqlite() {
    rounds(false, SEEN.repeat(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_each_visible_moment_on_postgres() {
    rounds(true, SEEN.to_vec()).await;
}
