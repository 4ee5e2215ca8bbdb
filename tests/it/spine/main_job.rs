//! Trigger, command, approval, the script, the verdict, the closing: once through, with nothing stood in for.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{FIRST, IC, IncidentWorld, Room, TL, assert_whole};
use backout::demo::world;
use backout::domain::Role;
use backout::domain::command::{Command, Outcome};
use backout::domain::event::Mark;
use backout::domain::report::report;
use backout::domain::state::{AttemptStatus, RunState};
use backout::store::text_hash;
use backout::worker::runs::Runs;
use std::sync::Arc;

on_both! {
    async fn a_trigger_becomes_a_rolled_back_service_and_a_closed_incident(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let runs = tokio::spawn(Runs::new(app.clone(), Arc::new(world.supervisor())).keep());
        let room = Room::p0(&app).await;
        let plan = room.attempt().await.plan().cloned().unwrap();
        assert_eq!(plan.targets[0].name, world::GOOD_RELEASE, "the previous stable release");
        assert_eq!(world::in_service(&world.root()).unwrap(), world::BAD_RELEASE);

        room.take_command().await;
        room.approve(IC, "incident_commander").await;
        let attempt = room.reaches(AttemptStatus::Verifying).await;
        assert_eq!(world::in_service(&world.root()).unwrap(), world::GOOD_RELEASE);
        assert_eq!(world.starts().len(), 1);
        let run = &attempt.runs[0];
        assert_eq!(run.state, RunState::Succeeded);

        // The log is in the store, whole, and is the one whose digest the ledger holds.
        let outcome = run.outcome.clone().unwrap();
        let chunks = app.store.log_from(&run.id.0, 0, 1_000).await.unwrap();
        let text = String::from_utf8(chunks.iter().flat_map(|chunk| chunk.bytes.clone()).collect()).unwrap();
        assert_eq!(text.lines().count() as i64, outcome.lines);
        assert_eq!(app.store.log_end(&run.id.0).await.unwrap(), outcome.lines);
        assert!(text.contains(&format!("Done: production runs {}", world::GOOD_RELEASE)), "{text}");
        let file = std::fs::read_to_string(world.runs_folder().join(&run.id.0).join("log")).unwrap();
        assert_eq!(text_hash(&file), outcome.log_sha256);

        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
        let early = room.refusal(TL, Command::ConfirmSuccess { attempt: FIRST }).await;
        assert!(early.because.contains("not ticked"), "{early}");
        let looked = app.look(&room.id).await.unwrap();
        for criterion in &looked.gathered.procedure.verification.criteria {
            let mark = Some(Mark::Done { note: "looked at it".to_owned() });
            room.must(TL, Command::MarkCriterion { attempt: FIRST, criterion: criterion.name.clone(), mark }).await;
        }
        room.must(TL, Command::ConfirmSuccess { attempt: FIRST }).await;
        let text = "A migration was not tried before.".to_owned();
        for document in &looked.gathered.procedure.documents {
            for section in document.sections.iter().filter(|section| section.typed) {
                let (document, section, text) = (document.name.clone(), section.name.clone(), text.clone());
                room.must(IC, Command::WriteSection { document, section, text }).await;
            }
        }
        let reason = "4.11.3 serves again".to_owned();
        let incident = room.must(IC, Command::Close { outcome: Outcome::RolledBack, reason }).await;
        assert!(!incident.is_open() && incident.updates.promised.is_none());

        let journal = room.journal().await;
        let names = |person: &backout::domain::PersonId| person.0.clone();
        let report = report(&journal, &looked.gathered.procedure, &names).unwrap();
        assert_eq!(report.missing, Vec::<String>::new());
        assert_eq!(report.attempts.len(), 1);
        assert_whole(&app.store).await;
        assert_eq!(world.starts().len(), 1, "and never a second time");
        runs.abort();
    }
}
