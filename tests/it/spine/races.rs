//! Two people at the same moment: one wins, the other is told, and nothing starts that was not agreed to.
//!
//! Fifty rounds each, both sides released by one barrier: as two replicas on PostgreSQL, as two users of one server on
//! SQLite.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    CountingExecutor, DUO, FIRST, IC, IncidentWorld, MANAGEMENT, Room, TL, assert_whole, counted_runs, drive, is_told,
    refusal_of,
};
use backout::app::{Accepted, App, SubmitError};
use backout::domain::command::{Command, Outcome};
use backout::domain::event::Mark;
use backout::domain::refusal::RefusalKind;
use backout::domain::state::AttemptStatus;
use backout::domain::{PersonId, Role};
use backout::worker::runs::Runs;
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const ROUNDS: usize = 50;

/// What one side does.
type Side = (&'static str, Command);
type Answer = Result<Accepted, SubmitError>;

/// Both at once, each through its own replica.
async fn at_once(room: &Room, other: &App, one: Side, two: Side) -> (Answer, Answer) {
    let barrier = Arc::new(Barrier::new(2));
    let side = |room: Room, (who, command): Side| {
        let barrier = barrier.clone();
        tokio::spawn(async move {
            barrier.wait().await;
            room.ask(who, command).await
        })
    };
    let (one, two) = (side(room.clone(), one), side(room.through(other), two));
    (one.await.unwrap(), two.await.unwrap())
}

/// The one orders the start, and the other comes in the moment after it: now it races with the workers.
async fn after_the_order(room: &Room, other: &App, one: Side, two: Side) -> (Answer, Answer) {
    let ordered = room.ask(one.0, one.1).await;
    (ordered, room.through(other).ask(two.0, two.1).await)
}

/// Exactly one was done, and it is told which; the other was told in words.
fn one_wins(answers: (Answer, Answer)) -> usize {
    match answers {
        (Ok(_), Ok(_)) => panic!("both were done"),
        (Ok(_), loser) => {
            assert_told(loser);
            0
        }
        (loser, Ok(_)) => {
            assert_told(loser);
            1
        }
        (Err(one), Err(other)) => panic!("neither was done: {one} / {other}"),
    }
}

fn assert_told(loser: Answer) {
    let refusal = refusal_of(loser);
    assert!(is_told(&refusal), "{refusal:?}");
}

on_both! {
    async fn two_who_edit_one_plan_overwrite_nothing(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        for round in 0..ROUNDS {
            let room = Room::own_p0(&app, round).await;
            room.take_command().await;
            let attempt = room.attempt().await;
            let edit = |words: &str| {
                let mut draft = attempt.draft.clone();
                draft.fallback = words.to_owned();
                Command::EditPlan { attempt: FIRST, seen: Some(attempt.revision), draft }
            };
            one_wins(at_once(&room, &other, (IC, edit("restore by hand")), (IC, edit("restore at night"))).await);
            assert_eq!(room.count("PlanEdited").await, 1);
        }
    }

    async fn two_managers_fill_one_slot_once(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        let mut wins = [0, 0];
        for _ in 0..ROUNDS {
            let room = Room::considered(&app).await;
            let approval = room.approval("management").await;
            let answers = at_once(&room, &other, (MANAGEMENT, approval.clone()), (DUO, approval)).await;
            if let (Err(SubmitError::Refused(told)), _) | (_, Err(SubmitError::Refused(told))) = &answers {
                assert_eq!(told.kind, RefusalKind::AlreadyDone);
                assert!(told.because.contains("filled this slot already"), "{told}");
            }
            wins[one_wins(answers)] += 1;
            assert_eq!(room.count("Approved").await, 1);
            assert_eq!(room.attempt().await.approvals.len(), 1);
            room.clear().await;
            close(&room).await;
        }
        println!("the first won {} times, the second {}", wins[0], wins[1]);
        assert_whole(&app.store).await;
    }

    async fn one_commander_in_two_windows_approves_once(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        for round in 0..ROUNDS {
            let room = Room::own_p0(&app, round).await;
            room.take_command().await;
            let approval = room.approval("incident_commander").await;
            one_wins(at_once(&room, &other, (IC, approval.clone()), (IC, approval)).await);
            assert_eq!((room.count("Approved").await, room.count("StartOrdered").await), (1, 1));
            room.clear().await;
            close(&room).await;
        }
        assert_whole(&app.store).await;
    }

    async fn one_item_is_ticked_by_one_of_two(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        for _ in 0..ROUNDS {
            let room = Room::considered(&app).await;
            let tick = |note: &str| Command::Tick {
                attempt: FIRST,
                item: "review-impact".to_owned(),
                mark: Mark::Done { note: note.to_owned() },
            };
            let winner = one_wins(at_once(&room, &other, (IC, tick("ida's")), (TL, tick("tom's"))).await);
            let marked = room.attempt().await.marks["review-impact"].clone();
            assert_eq!(marked.by.unwrap().0, [IC, TL][winner]);
            assert_eq!(marked.mark, Mark::Done { note: ["ida's", "tom's"][winner].to_owned() });
            room.clear().await;
            close(&room).await;
        }
        assert_whole(&app.store).await;
    }

    async fn a_declined_plan_is_never_started(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        let hosts = Hosts::new(&app, &other);
        let (mut declined_first, mut started) = (0, 0);
        for round in 0..ROUNDS {
            let room = Room::own_p0(&app, round).await;
            room.take_command().await;
            room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
            let approve = room.approval("incident_commander").await;
            let decline =
                Command::Decline { attempt: FIRST, digest: room.digest().await, reason: "not this release".to_owned() };
            let before = hosts.starts();
            let working = hosts.work();
            let (one, two) = ((IC, approve), (TL, decline));
            let (approved, declined) = if round % 2 == 0 {
                at_once(&room, &other, one, two).await
            } else {
                after_the_order(&room, &other, one, two).await
            };
            working.join_all().await;
            hosts.step(&app).await;
            match endings(&room, "Declined").await[..] {
                ["Declined"] => {
                    assert!(declined.is_ok());
                    if approved.is_err() {
                        declined_first += 1;
                        assert_told(approved);
                    }
                    assert_eq!(hosts.starts(), before, "declined, and not started");
                    assert_eq!(room.attempt().await.status(), AttemptStatus::Rejected);
                }
                ["RunStarting"] => {
                    started += 1;
                    assert!(approved.is_ok());
                    assert_told(declined);
                    room.reaches(AttemptStatus::Verifying).await;
                    assert_eq!(hosts.starts(), before + 1);
                }
                ref other => panic!("{other:?}"),
            }
            room.clear().await;
            close(&room).await;
        }
        println!("of {ROUNDS}: {declined_first} declined before the approval came, {started} started first");
        assert_whole(&app.store).await;
    }

    async fn an_approval_never_meets_another_plan_than_the_one_that_was_read(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        let hosts = Hosts::new(&app, &other);
        let (mut edited_first, mut started) = (0, 0);
        for round in 0..ROUNDS {
            let room = Room::own_p0(&app, round).await;
            room.take_command().await;
            let approve = room.approval("incident_commander").await;
            let read = room.digest().await;
            let mut draft = room.attempt().await.draft;
            draft.fallback = "restore by hand".to_owned();
            let before = hosts.starts();
            let working = hosts.work();
            let edit = Command::EditPlan { attempt: FIRST, seen: None, draft };
            let (one, two) = ((IC, approve), (IC, edit));
            let (approved, edited) = if round % 2 == 0 {
                at_once(&room, &other, one, two).await
            } else {
                after_the_order(&room, &other, one, two).await
            };
            working.join_all().await;
            hosts.step(&app).await;
            match endings(&room, "PlanEdited").await[..] {
                ["PlanEdited"] => {
                    assert!(edited.is_ok());
                    if approved.is_err() {
                        edited_first += 1;
                        assert_told(approved);
                    } else {
                        let voided = room.attempt().await.voided;
                        assert_eq!(voided, [(PersonId(IC.to_owned()), "the plan was changed".to_owned())]);
                    }
                    assert_eq!(hosts.starts(), before, "changed, and not started");
                    room.must(IC, Command::SubmitPlan { attempt: FIRST }).await;
                    hosts.step(&app).await;
                    assert_eq!(hosts.starts(), before, "no old approval counts for the new plan");
                }
                ["RunStarting"] => {
                    started += 1;
                    assert!(approved.is_ok());
                    assert_told(edited);
                    assert_eq!(room.attempt().await.submitted.unwrap().digest, read);
                    room.reaches(AttemptStatus::Verifying).await;
                }
                ref other => panic!("{other:?}"),
            }
            room.clear().await;
            close(&room).await;
        }
        println!("of {ROUNDS}: {edited_first} edited before the approval came, {started} started first");
        assert_whole(&app.store).await;
    }

    async fn start_and_stop_agree_on_what_happened(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        let hosts = Hosts::new(&app, &other);
        for _ in 0..ROUNDS {
            let room = Room::considered(&app).await;
            room.approve_all().await;
            let before = hosts.starts();
            let start = Command::Start { attempt: FIRST, digest: room.digest().await };
            let stop = Command::Stop { attempt: FIRST, reason: "wait".to_owned() };
            let working = hosts.work();
            let (start, stop) = at_once(&room, &other, (TL, start), (IC, stop)).await;
            working.join_all().await;
            hosts.step(&app).await;
            let (ordered, began) = (room.count("StartOrdered").await, room.count("RunStarting").await);
            assert!(began <= 1);
            match (start.is_ok(), stop.is_ok()) {
                // The stop came when nothing was ordered yet: it said so, and the start went on.
                (true, false) => {
                    assert_told(stop);
                    assert_eq!((ordered, began), (1, 1));
                    room.reaches(AttemptStatus::Verifying).await;
                }
                // The stop came after the order: either before anything began, or the run is being ended.
                (true, true) if began == 0 => {
                    assert_eq!(room.attempt().await.status(), AttemptStatus::Withdrawn);
                    assert_eq!(hosts.starts(), before);
                }
                (true, true) => {
                    assert_eq!(room.count("StopOrdered").await, 1);
                    room.reaches(AttemptStatus::Aborted).await;
                }
                (false, _) => panic!("the start was in order: {start:?}"),
            }
            assert_eq!(hosts.starts(), before + began);
            room.clear().await;
            close(&room).await;
        }
        assert_whole(&app.store).await;
    }

    async fn one_action_is_claimed_once_by_many_that_see_it_ready(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        for round in 0..ROUNDS {
            let room = Room::own_p0(&app, round).await;
            room.take_command().await;
            room.approve(IC, "incident_commander").await;
            let barrier = Arc::new(Barrier::new(4));
            let claims = [&app, &other, &app, &other].map(|app| {
                let (barrier, app, id) = (barrier.clone(), app.clone(), room.id.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    app.claim(&id, FIRST, "app-rollback").await
                })
            });
            let mut proofs = 0;
            for claim in claims {
                match claim.await.unwrap() {
                    Ok(Some(_)) => proofs += 1,
                    Ok(None) => panic!("nothing stands in the way"),
                    Err(fault) => assert!(matches!(fault, SubmitError::Refused(_)), "{fault}"),
                }
            }
            assert_eq!((proofs, room.count("RunStarting").await), (1, 1));
            room.clear().await;
            close(&room).await;
        }
        assert_whole(&app.store).await;
    }
}

/// The workers of all replicas, over executors that only count.
struct Hosts(Vec<(Runs, Arc<CountingExecutor>)>);

impl Hosts {
    fn new(app: &App, other: &App) -> Hosts {
        let mut hosts = vec![counted_runs(app)];
        if app.site.host != other.site.host {
            hosts.push(counted_runs(other));
        }
        Hosts(hosts)
    }

    fn starts(&self) -> usize {
        self.0.iter().map(|(_, executor)| executor.starts()).sum()
    }

    /// All work at once, for a little while.
    fn work(&self) -> JoinSet<()> {
        let mut working = JoinSet::new();
        for (runs, _) in &self.0 {
            let runs = runs.clone();
            working.spawn(async move {
                for _ in 0..12 {
                    runs.step().await.unwrap();
                }
            });
        }
        working
    }

    async fn step(&self, app: &App) {
        let drivers: Vec<&Runs> = self.0.iter().map(|(runs, _)| runs).collect();
        drive(app, &drivers).await;
    }
}

/// Which of a start and another end of the plan stand in the journal.
async fn endings(room: &Room, kind: &'static str) -> Vec<&'static str> {
    let journal = room.journal().await;
    let kinds = journal.iter().map(|recorded| recorded.event.kind());
    kinds.filter_map(|found| [kind, "RunStarting"].into_iter().find(|known| *known == found)).collect()
}

/// Each round has an incident of its own.
async fn close(room: &Room) {
    let close = Command::Close { outcome: Outcome::NotRolledBack, reason: "the test is over".to_owned() };
    room.must(IC, close).await;
}
