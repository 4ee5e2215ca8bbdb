//! What runs follows what was rolled back: the register, and with it the next proposal.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    COMPONENT, ENVIRONMENT, FIRST, IC, IncidentWorld, Room, TL, assert_whole, counted_runs, drive, trigger,
};
use backout::app::App;
use backout::app::gather::registered;
use backout::app::registering::{self, Entry, NotRegistered, Told};
use backout::demo::world::{BACKUP, BAD_RELEASE, GOOD_RELEASE};
use backout::domain::actor::Actor;
use backout::domain::command::{Command, Outcome};
use backout::domain::event::{Mark, RunEnd, RunOutcome};
use backout::domain::facts::Registered;
use backout::domain::plan::{Draft, Target};
use backout::domain::procedure::{RollbackType, TargetKind};
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
    confirmed_by_lead(app, room).await;
}

async fn confirmed_by_lead(app: &App, room: &Room) {
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

/// A backup that was taken at this moment.
async fn taken_now(app: &App, name: &str) {
    let now = app.clock.now();
    let entry = Entry {
        kind: TargetKind::Backup,
        environment: ENVIRONMENT.to_owned(),
        component: COMPONENT.to_owned(),
        name: name.to_owned(),
        at: now,
        checksum: String::new(),
        migrations: "none".to_owned(),
        note: String::new(),
    };
    registering::register(&app.store, &app.site, "pipeline", &entry, now).await.unwrap();
}

fn target(kind: TargetKind, name: &str) -> Target {
    let (component, name) = (COMPONENT.to_owned(), name.to_owned());
    Target { kind, component, name, checksum: String::new(), from: None, free_text: false }
}

/// The action is claimed, and its script ends well.
async fn ends_well(room: &Room, action: &str) {
    let claimed = room.app.claim(&room.id, FIRST, action).await.unwrap().expect("nothing stands in its way");
    let run = claimed.run().clone();
    let outcome = RunOutcome { end: RunEnd::Exited(0), lines: 0, log_sha256: String::new(), log_cut: false };
    room.app.submit(&room.id, Actor::SYSTEM, Command::NoteRunning { run: run.clone() }, None).await.unwrap();
    room.app.submit(&room.id, Actor::SYSTEM, Command::FinishRun { run, outcome }, None).await.unwrap();
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

    async fn nobody_goes_behind_a_destructive_migration_that_came_back_with_another_release(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        world.database.by_hand(&format!("UPDATE register SET migrations = 'destructive' WHERE name = '{BAD_RELEASE}'")).await;
        let room = Room::raised(&app, trigger("error-rate", app.clock.now())).await;
        room.take_command().await;
        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;

        // A backup helps only where the plan restores it, and when it is from before the migration.
        let with = async |kind: RollbackType, targets: &[(TargetKind, &str)]| {
            let mut draft = room.attempt().await.draft;
            draft.kind = kind;
            draft.targets = targets.iter().map(|(kind, name)| target(*kind, name)).collect();
            Command::EditPlan { attempt: FIRST, seen: None, draft }
        };
        let (good, backup) = ((TargetKind::Release, GOOD_RELEASE), (TargetKind::Backup, BACKUP));
        let refused = room.refusal(IC, with(RollbackType::Full, &[good]).await).await;
        assert!(refused.because.contains("behind the destructive migration of 4.12.0"), "{refused}");
        let refused = room.refusal(IC, with(RollbackType::Partial, &[good, backup]).await).await;
        assert!(refused.because.contains("a partial rollback restores no backup"), "{refused}");
        taken_now(&app, "too-late").await;
        let late = (TargetKind::Backup, "too-late");
        let refused = room.refusal(IC, with(RollbackType::Full, &[good, late]).await).await;
        assert!(refused.because.contains("and too-late was taken after it"), "{refused}");

        // With the data of before, the way is free, and the register knows that the migration is undone.
        room.must(IC, with(RollbackType::Full, &[good, backup]).await).await;
        room.must(IC, Command::SubmitPlan { attempt: FIRST }).await;
        room.approve(IC, "incident_commander").await;
        ends_well(&room, "app-rollback").await;
        for item in ["stop-writes", "backup-current-state"] {
            let mark = Mark::Done { note: "done".to_owned() };
            room.must(TL, Command::Tick { attempt: FIRST, item: item.to_owned(), mark }).await;
        }
        ends_well(&room, "database-rollback").await;
        clock.turn(Span::minutes(10));
        confirmed_by_lead(&app, &room).await;
        room.must(IC, Command::Close { outcome: Outcome::RolledBack, reason: "it serves again".to_owned() }).await;
        let undone = |name: &'static str| {
            let app = app.clone();
            async move { register(&app).await.into_iter().find(|release| release.name == name).unwrap().undone_at }
        };
        assert!(undone(BAD_RELEASE).await.is_some() && undone(GOOD_RELEASE).await.is_none());
        clock.turn(Span::hours(48));
        let next = Room::raised(&app, trigger("error-rate", app.clock.now())).await;
        assert_eq!(next.attempt().await.status(), AttemptStatus::Submitted, "the way back is free");
        next.take_command().await;
        let older = |draft: &Draft| {
            let draft = Draft { targets: vec![target(TargetKind::Release, "4.11.2")], reason: "older".to_owned(), ..draft.clone() };
            Command::EditPlan { attempt: FIRST, seen: None, draft }
        };
        next.must(IC, older(&next.attempt().await.draft)).await;
        next.clear().await;
        next.must(IC, Command::Close { outcome: Outcome::NotRolledBack, reason: "a vendor".to_owned() }).await;

        // The next release is built upon that one and does its migration again; by hand the good one is put over it.
        assert_eq!(deployed(&app, "4.12.1").await, Ok(Told::New));
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, GOOD_RELEASE).await, Ok(Told::RunsAgain));
        clock.turn(Span::hours(48));
        let last = Room::raised(&app, trigger("error-rate", app.clock.now())).await;
        last.take_command().await;
        let attempt = last.attempt().await;
        assert_eq!(attempt.status(), AttemptStatus::Draft, "what is proposed by itself is held against it too");
        let refused = last.refusal(IC, older(&attempt.draft)).await;
        assert!(refused.because.contains("4.11.2 lies behind the destructive migration of 4.12.0"), "{refused}");
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
        room.must(TL, Command::DraftRestoration { escalates: FIRST, backup: BACKUP.to_owned() }).await;
        let names: Vec<String> = room.attempt().await.draft.targets.into_iter().map(|target| target.name).collect();
        assert_eq!(names, [BACKUP, GOOD_RELEASE]);
    }
}
