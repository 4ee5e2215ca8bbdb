//! What runs follows what was rolled back: the register, and with it the next proposal.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    COMPONENT, ENVIRONMENT, FIRST, IC, IncidentWorld, Room, TL, assert_whole, counted_runs, drive,
};
use backout::app::App;
use backout::app::gather::registered;
use backout::app::registering::{self, Entry, NotRegistered, Told};
use backout::demo::world::{BAD_RELEASE, GOOD_RELEASE};
use backout::domain::command::{Command, Outcome};
use backout::domain::event::Mark;
use backout::domain::facts::Registered;
use backout::domain::procedure::TargetKind;
use backout::domain::state::AttemptStatus;
use backout::domain::{Role, Span, running};

/// The rollback of an immediate incident runs to its end.
async fn carried_out(app: &App, room: &Room) {
    room.take_command().await;
    room.approve(IC, "incident_commander").await;
    let (runs, _) = counted_runs(app);
    drive(app, &[&runs]).await;
    room.reaches(AttemptStatus::Verifying).await;
}

async fn confirmed(app: &App, room: &Room) {
    room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
    for criterion in &app.look(&room.id).await.unwrap().gathered.procedure.verification.criteria {
        let mark = Some(Mark::Done { note: "looked at it".to_owned() });
        room.must(TL, Command::MarkCriterion { attempt: FIRST, criterion: criterion.name.clone(), mark }).await;
    }
    room.must(TL, Command::ConfirmSuccess { attempt: FIRST }).await;
}

async fn register(app: &App) -> Vec<Registered> {
    app.store.registered(ENVIRONMENT, COMPONENT).await.unwrap().into_iter().filter_map(registered).collect()
}

async fn runs(app: &App) -> String {
    running::running(&register(app).await, COMPONENT).unwrap().name.clone()
}

async fn deployed(app: &App, name: &str) -> Result<Told, NotRegistered> {
    let now = app.clock.now();
    let entry = Entry {
        kind: TargetKind::Release,
        environment: ENVIRONMENT.to_owned(),
        component: COMPONENT.to_owned(),
        name: name.to_owned(),
        at: now,
        checksum: String::new(),
        migrations: "none".to_owned(),
        note: String::new(),
    };
    registering::register(&app.store, &app.site, "pipeline", &entry, now).await
}

on_both! {
    async fn after_a_rollback_its_target_runs_and_the_release_that_was_left_is_proposed_no_more(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let room = Room::p0(&app).await;
        carried_out(&app, &room).await;
        assert_eq!(runs(&app).await, BAD_RELEASE, "nothing is proven before the success is confirmed");
        clock.turn(Span::minutes(10));
        confirmed(&app, &room).await;
        assert_eq!(runs(&app).await, GOOD_RELEASE);
        let register = register(&app).await;
        let bad = register.iter().find(|release| release.name == BAD_RELEASE).unwrap();
        assert!(bad.was_left() && bad.left_in == room.id, "{bad:?}");
        room.must(IC, Command::Close { outcome: Outcome::RolledBack, reason: "it serves again".to_owned() }).await;

        // Two days later another cause: the way back leads behind what runs, never to what was left.
        clock.turn(Span::hours(48));
        let next = Room::p0(&app).await;
        let target = &next.attempt().await.draft.targets[0];
        assert_eq!((target.name.as_str(), target.from.as_deref()), ("4.11.2", Some(GOOD_RELEASE)));
        next.clear().await;
        next.must(IC, Command::Close { outcome: Outcome::NotRolledBack, reason: "a vendor".to_owned() }).await;

        // Going forward is told by the deployment, and lifts the mark.
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, BAD_RELEASE).await, Ok(Told::RunsAgain));
        assert_eq!(deployed(&app, BAD_RELEASE).await, Err(NotRegistered::Duplicate(BAD_RELEASE.to_owned())));
        assert_eq!(runs(&app).await, BAD_RELEASE);
        let again = Room::p0(&app).await;
        assert_eq!(again.attempt().await.draft.targets[0].name, GOOD_RELEASE);
        assert_whole(&app.store).await;
    }

    async fn a_failed_rollback_leaves_the_register_as_it_was_and_its_restoration_may_name_the_same_release(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let room = Room::p0(&app).await;
        carried_out(&app, &room).await;
        // The pipeline saw the old release come into service.
        clock.turn(Span::minutes(1));
        assert_eq!(deployed(&app, GOOD_RELEASE).await, Ok(Told::RunsAgain));
        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
        room.must(TL, Command::DeclareFailed { attempt: FIRST, reason: "the data is broken".to_owned() }).await;
        assert!(register(&app).await.iter().all(|release| !release.was_left()));
        let backup = backout::demo::world::BACKUP.to_owned();
        room.must(TL, Command::DraftRestoration { escalates: FIRST, backup }).await;
        let names: Vec<String> = room.attempt().await.draft.targets.into_iter().map(|target| target.name).collect();
        assert_eq!(names, [backout::demo::world::BACKUP, GOOD_RELEASE]);
    }
}
