//! Stop reaches the script itself, the attempt ends when the script has, and nothing starts afterwards.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{COMPONENT, FIRST, IC, IC2, IncidentWorld, OBSERVER, Room, TL, assert_whole};
use crate::support::waiting::{PATIENCE, wait_until};
use backout::demo::world;
use backout::domain::command::Command;
use backout::domain::plan::Target;
use backout::domain::procedure::TargetKind;
use backout::domain::refusal::RefusalKind;
use backout::domain::state::{AttemptStatus, RunState};
use backout::worker::runs::Runs;
use std::sync::Arc;

/// Says that it was told, takes its time to tidy up, and ends.
const PATIENT: &str = "#!/bin/bash
echo \"$0\" >>starts.log
trap 'echo told >>told; sleep 0.4; echo tidied >>told; exit 143' TERM
echo started >>under-way
while :; do sleep 0.05; done\n";

on_both! {
    async fn a_stop_reaches_the_script_and_nothing_starts_after_it(database) {
        let world = IncidentWorld::new(database).await;
        world.write_script(PATIENT);
        let app = world.app().await;
        let runs = tokio::spawn(Runs::new(app.clone(), Arc::new(world.supervisor())).keep());
        let room = Room::p0(&app).await;
        room.take_command().await;
        // A second action, which must never begin.
        let mut draft = room.attempt().await.draft;
        draft.targets.push(Target {
            kind: TargetKind::Config,
            component: COMPONENT.to_owned(),
            name: world::CONFIGS[0].to_owned(),
            checksum: String::new(),
            from: None,
            free_text: false,
        });
        room.must(IC, Command::EditPlan { attempt: FIRST, seen: None, draft }).await;
        room.must(IC, Command::SubmitPlan { attempt: FIRST }).await;
        room.approve(IC, "incident_commander").await;
        wait_until(PATIENCE, "the script to be under way", async || world.trace("under-way").is_some()).await;

        let stop = Command::Stop { attempt: FIRST, reason: "the wrong release".to_owned() };
        let refusal = room.refusal(OBSERVER, stop.clone()).await;
        assert_eq!(refusal.kind, RefusalKind::NotYours);
        // Anyone who commands or leads may stop, also who holds no place in this incident; no password is asked.
        let stale = backout::domain::actor::Actor::person(&backout::domain::PersonId(IC2.to_owned()), None);
        let stopped = app.submit(&room.id, stale, stop.clone(), None).await.unwrap().incident;
        assert_eq!(stopped.current().unwrap().status(), AttemptStatus::Halted, "what runs has not ended yet");
        assert!(stopped.lock_holder().is_some(), "and the lock stays taken");
        assert_eq!(room.refusal(TL, stop).await.kind, RefusalKind::AlreadyDone);

        let attempt = room.reaches(AttemptStatus::Aborted).await;
        assert_eq!(world.trace("told").as_deref(), Some("told\ntidied\n"), "TERM, and time to tidy up");
        assert_eq!(attempt.runs.len(), 1);
        assert_eq!(attempt.runs[0].state, RunState::Cancelled);
        assert!(attempt.runs[0].ended_at <= Some(app.clock.now()));
        assert!(room.now().await.lock_holder().is_none());
        runs.abort();
        let again = Runs::new(app.clone(), Arc::new(world.supervisor()));
        for _ in 0..3 {
            again.step().await.unwrap();
        }
        assert_eq!((world.starts().len(), room.count("RunStarting").await), (1, 1));
        assert_whole(&app.store).await;
    }

    async fn a_stop_is_carried_out_by_the_server_that_comes_after(database) {
        let world = IncidentWorld::new(database).await;
        world.write_script(PATIENT);
        let app = world.app().await;
        let runs = tokio::spawn(Runs::new(app.clone(), Arc::new(world.supervisor())).keep());
        let room = Room::p0(&app).await;
        room.take_command().await;
        room.approve(IC, "incident_commander").await;
        wait_until(PATIENCE, "the script to be under way", async || world.trace("under-way").is_some()).await;
        runs.abort();
        let _ = runs.await;
        room.must(IC, Command::Stop { attempt: FIRST, reason: "the wrong release".to_owned() }).await;
        let later = world.app().await;
        let runs = tokio::spawn(Runs::new(later.clone(), Arc::new(world.supervisor())).keep());
        let attempt = room.through(&later).reaches(AttemptStatus::Aborted).await;
        assert_eq!(attempt.runs[0].state, RunState::Cancelled);
        assert_eq!((world.trace("told").as_deref(), world.starts().len()), (Some("told\ntidied\n"), 1));
        runs.abort();
        assert_whole(&later.store).await;
    }
}
