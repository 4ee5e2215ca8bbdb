//! The time to verify an outcome: once it is over without a verdict, whoever may declare the failure is asked (E14).

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    FIRST, IC, IncidentWorld, NOON, Room, TL, assert_whole, counted_runs, drive, refusal_of,
};
use backout::clock::Clock;
use backout::domain::actor::Actor;
use backout::domain::command::Command;
use backout::domain::event::Event;
use backout::domain::state::AttemptStatus;
use backout::domain::waits::{IN_DOUBT, Task, waits};
use backout::domain::{Role, Span};
use backout::worker::deadlines;

on_both! {
    async fn when_the_time_to_verify_is_over_the_verdict_is_asked_for_once_across_restarts_and_replicas(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let (app, other) = (world.app().await, world.app().await);
        let room = Room::p0(&app).await;
        room.take_command().await;
        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
        room.approve(IC, "incident_commander").await;
        let (runs, _) = counted_runs(&app);
        drive(&app, &[&runs]).await;
        room.reaches(AttemptStatus::Verifying).await;
        let asked = async || {
            let waits = waits(&*room.now().await, clock.now());
            let asked = waits.iter().filter(|wait| wait.task == Task::Escalate && wait.of == IN_DOUBT);
            (room.count("VerdictOverdue").await, asked.count(), waits.iter().any(|wait| wait.task == Task::Verify))
        };
        clock.turn(Span::seconds(30 * 60 - 1));
        deadlines::step(&app).await.unwrap();
        assert_eq!(asked().await, (0, 0, true), "not a second early");
        let early = app.submit(&room.id, Actor::SYSTEM, Command::CallForVerdict { attempt: FIRST }, None).await;
        assert!(refusal_of(early).because.contains("time left to verify"), "whoever asks");
        clock.turn(Span::seconds(1));
        let steps = [&app, &other, &app].map(|app| {
            let app = app.clone();
            tokio::spawn(async move { deadlines::step(&app).await.unwrap() })
        });
        for step in steps {
            step.await.unwrap();
        }
        assert_eq!(asked().await, (1, 2, false), "the lead and the commander");
        let due = room.journal().await.into_iter().find_map(|recorded| match recorded.event {
            Event::VerdictOverdue { attempt, due_at } => Some((attempt, due_at)),
            _ => None,
        });
        assert_eq!(due, Some((FIRST, NOON + Span::minutes(30))));
        app.store.close().await;
        let app = world.app().await;
        clock.turn(Span::hours(2));
        deadlines::step(&app).await.unwrap();
        let room = room.through(&app);
        assert_eq!(room.count("VerdictOverdue").await, 1);
        room.must(IC, Command::DeclareFailed { attempt: FIRST, reason: "nobody could verify it".to_owned() }).await;
        assert_eq!(room.attempt().await.status(), AttemptStatus::Failed);
        assert_whole(&app.store).await;
    }
}
