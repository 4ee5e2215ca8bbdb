//! One cause is one incident: a repeat is counted, a graver trigger raises it before the start, and a breach of security
//! stands alone.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    FIRST, IC, IncidentWorld, Room, assert_whole, counted_runs, drive, severity, trigger,
};
use backout::app::App;
use backout::domain::Severity;
use backout::domain::actor::Actor;
use backout::domain::command::Command;

/// How often a trigger of this incident came again.
pub async fn repeats(app: &App, room: &Room, fingerprint: &str) -> i64 {
    let mut tx = app.store.begin().await.unwrap();
    // The count stays: what takes it is not committed.
    let counter = tx.take_counter(&format!("repeat/{}/{fingerprint}", room.id)).await.unwrap();
    tx.rollback().await.unwrap();
    counter.map_or(0, |counter| counter.count)
}

on_both! {
    async fn a_thousand_repeats_are_one_incident_and_a_count(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        let raised = trigger("error-rate", app.clock.now());
        let room = Room::raised(&app, raised.clone()).await;
        let entries = room.journal().await.len();
        let sides = [(app.clone(), raised.clone()), (other, raised.clone())].map(|(app, raised)| {
            tokio::spawn(async move {
                for _ in 0..500 {
                    let accepted = app.raise(Actor::SYSTEM, raised.clone(), None).await.unwrap();
                    assert!(accepted.repeated);
                }
            })
        });
        for side in sides {
            side.await.unwrap();
        }
        assert_eq!(app.store.recent(10, None).await.unwrap().len(), 1);
        assert_eq!(room.journal().await.len(), entries, "a repeat is no entry of its own");
        assert_eq!(repeats(&app, &room, &raised.trigger.fingerprint).await, 1_000);
        assert_whole(&app.store).await;
    }

    async fn twenty_watchers_that_see_it_first_open_one_incident(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        let raised = trigger("error-rate", app.clock.now());
        let sides: Vec<_> = (0..20)
            .map(|number| {
                let (app, raised) = (if number % 2 == 0 { app.clone() } else { other.clone() }, raised.clone());
                tokio::spawn(async move { app.raise(Actor::SYSTEM, raised, None).await.unwrap().incident.id.clone() })
            })
            .collect();
        for side in sides {
            assert_eq!(side.await.unwrap(), "RB-0001");
        }
        let room = Room { app: app.clone(), id: "RB-0001".to_owned() };
        assert_eq!((room.count("Opened").await, room.count("TriggerJoined").await), (1, 0));
        assert_eq!(repeats(&app, &room, &raised.trigger.fingerprint).await, 19);
        assert_whole(&app.store).await;
    }

    async fn a_graver_trigger_raises_before_the_start_and_only_joins_after_it(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let now = app.clock.now();
        let room = Room::raised(&app, trigger("legal", now)).await;
        assert_eq!(severity(&room).await, Severity::P1);
        let joined = Room::raised(&app, trigger("error-rate", now)).await;
        assert_eq!(joined.id, room.id);
        assert_eq!(severity(&room).await, Severity::P0, "graver, and nothing has started: it is raised");

        room.take_command().await;
        if room.attempt().await.submitted.is_none() {
            room.must(IC, Command::SubmitPlan { attempt: FIRST }).await;
        }
        room.approve(IC, "incident_commander").await;
        let (runs, executor) = counted_runs(&app);
        drive(&app, &[&runs]).await;
        assert_eq!(executor.starts(), 1);
        room.reaches(backout::domain::state::AttemptStatus::Verifying).await;
        let before = room.count("SeverityChanged").await;
        let joined = Room::raised(&app, trigger("data-corruption", now)).await;
        assert_eq!(joined.id, room.id);
        assert_eq!(room.now().await.triggers.len(), 3);
        assert_eq!(room.count("SeverityChanged").await, before, "what runs is not re-decided");
        assert_whole(&app.store).await;
    }

    async fn a_started_rollback_of_less_severity_is_joined_and_not_raised(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = Room::considered(&app).await;
        assert_eq!(severity(&room).await, Severity::P2);
        room.approve_all().await;
        room.must(IC, Command::Start { attempt: FIRST, digest: room.digest().await }).await;
        let (runs, executor) = counted_runs(&app);
        drive(&app, &[&runs]).await;
        assert_eq!(executor.starts(), 1);
        let joined = Room::raised(&app, trigger("error-rate", app.clock.now())).await;
        assert_eq!(joined.id, room.id);
        assert_eq!((severity(&room).await, room.now().await.triggers.len()), (Severity::P2, 2));
        assert_eq!(room.count("PlanVoided").await, 0);
    }

    async fn security_opens_its_own_and_nothing_joins_it(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let now = app.clock.now();
        let service = Room::p0(&app).await;
        let breach = Room::own_p0(&app, 1).await;
        assert_ne!(breach.id, service.id);
        let again = Room::own_p0(&app, 1).await;
        assert_eq!(again.id, breach.id, "its own repeat is counted");
        assert_eq!(repeats(&app, &breach, "breach-1").await, 1);
        let other = Room::own_p0(&app, 2).await;
        assert_ne!(other.id, breach.id);
        let joined = Room::raised(&app, trigger("availability", now)).await;
        assert_eq!(joined.id, service.id, "what is of the service joins the service's");
        assert_eq!(breach.now().await.triggers.len(), 1);
    }
}
