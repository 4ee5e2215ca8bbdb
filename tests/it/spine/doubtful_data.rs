//! Where data was brought back and forth, no register tells for certain what it holds: those who approve are told so.

use super::registers::{
    authorised, brought_back, closed, confirmed_by_lead, deployed, destructive, ends, ends_well, kept, led, plan,
    taken_now, target,
};
use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{COMPONENT, ENVIRONMENT, FIRST, IC, IncidentWorld, Room, TL};
use backout::app::App;
use backout::app::catalogue::Scripts;
use backout::app::registering::{self, Entry, Told};
use backout::clock::ManualClock;
use backout::demo::world::{BACKUP, BAD_RELEASE, GOOD_RELEASE};
use backout::domain::Span;
use backout::domain::command::{Command, Outcome};
use backout::domain::decide::unproven;
use backout::domain::event::{Mark, RunEnd};
use backout::domain::plan::Target;
use backout::domain::procedure::{RollbackType, TargetKind};

/// A world in which the bad release migrates destructively, and a backup was taken on its data.
async fn migrated(database: Database) -> (IncidentWorld, ManualClock, App) {
    let (world, clock) = IncidentWorld::at_noon(database).await;
    let app = world.app().await;
    destructive(&world).await;
    taken_now(&app, WITH_IT).await;
    clock.turn(Span::minutes(1));
    (world, clock, app)
}

const WITH_IT: &str = "with-it";

fn release(name: &str) -> Target {
    target(TargetKind::Release, name)
}

fn backup(name: &str) -> Target {
    target(TargetKind::Backup, name)
}

/// What those who approve this plan of a new incident are told to judge, that `chosen` may meet the bad release's migration.
async fn is_doubtful(room: &Room, kind: RollbackType, targets: &[Target], chosen: &str) {
    room.must(IC, plan(room, kind, targets).await).await;
    let looked = room.app.look(&room.id).await.unwrap();
    let scripts = Scripts(&room.app.site);
    let told = unproven(&looked.gathered.facts(&scripts), kind, targets);
    let end = format!("nothing proves that {chosen} knows the destructive migration of {BAD_RELEASE}, if it meets it.");
    assert!(told.len() == 1 && told[0].ends_with(&end), "{told:?}");
}

/// The data is brought back, and whoever leads finds that it did not help.
async fn brought_back_in_vain(room: &Room) {
    room.must(IC, plan(room, RollbackType::Full, &[release(GOOD_RELEASE), backup(BACKUP)]).await).await;
    authorised(room).await;
    ends_well(room, "app-rollback").await;
    ends_well(room, "database-rollback").await;
    room.must(TL, Command::DeclareFailed { attempt: FIRST, reason: "still slow".to_owned() }).await;
    closed(room, Outcome::NotRolledBack).await;
}

on_both! {
    async fn a_restoration_that_broke_off_leaves_a_doubt_about_what_is_there(database) {
        let (_world, clock, app) = migrated(database).await;
        brought_back(&app).await;
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, "4.13.0").await, Ok(Told::New));
        clock.turn(Span::hours(48));
        assert_eq!(deployed(&app, "4.14.0").await, Ok(Told::New));
        let room = led(&app).await;
        room.must(IC, plan(&room, RollbackType::Full, &[release(BAD_RELEASE), backup(WITH_IT)]).await).await;
        authorised(&room).await;
        ends_well(&room, "app-rollback").await;
        ends(&room, "database-rollback", RunEnd::Exited(1)).await;
        room.must(TL, Command::DeclareFailed { attempt: FIRST, reason: "half of it".to_owned() }).await;
        closed(&room, Outcome::NotRolledBack).await;
        clock.turn(Span::hours(1));
        let next = led(&app).await;
        is_doubtful(&next, RollbackType::Partial, &[release("4.13.0")], "4.13.0").await;
        is_doubtful(&next, RollbackType::Database, &[backup(WITH_IT)], "4.14.0").await;
    }

    async fn what_a_failed_attempt_left_in_service_is_not_known(database) {
        let (_world, clock, app) = migrated(database).await;
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, "4.13.0").await, Ok(Told::New));
        clock.turn(Span::hours(1));
        brought_back_in_vain(&led(&app).await).await;
        clock.turn(Span::hours(1));
        is_doubtful(&led(&app).await, RollbackType::Database, &[backup(WITH_IT)], "4.13.0").await;
    }

    async fn a_restoration_of_a_failed_attempt_counts_too(database) {
        let (_world, clock, app) = migrated(database).await;
        brought_back_in_vain(&led(&app).await).await;
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, "4.13.0").await, Ok(Told::New));
        clock.turn(Span::hours(48));
        let room = led(&app).await;
        is_doubtful(&room, RollbackType::Database, &[backup(WITH_IT)], "4.13.0").await;
        // It was there when the next one began upon what was brought back, and nothing was restored since.
        assert_eq!(deployed(&app, "4.14.0").await, Ok(Told::New));
        let targets = [release("4.13.0")];
        room.must(IC, plan(&room, RollbackType::Partial, &targets).await).await;
        let looked = app.look(&room.id).await.unwrap();
        let scripts = Scripts(&app.site);
        assert_eq!(unproven(&looked.gathered.facts(&scripts), RollbackType::Partial, &targets), [""; 0]);
    }

    async fn what_was_undone_twice_is_doubtful_in_a_backup(database) {
        let (_world, clock, app) = migrated(database).await;
        brought_back(&app).await;
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, "4.13.0").await, Ok(Told::New));
        clock.turn(Span::hours(48));
        brought_back(&app).await;
        clock.turn(Span::hours(48));
        let both = [release("4.13.0"), backup(WITH_IT)];
        is_doubtful(&led(&app).await, RollbackType::Full, &both, "4.13.0").await;
    }

    async fn a_release_that_was_typed_by_hand_is_doubtful_upon_a_backup(database) {
        let (_world, clock, app) = migrated(database).await;
        let room = led(&app).await;
        let old = Target { free_text: true, ..release("4.10.0") };
        room.must(IC, plan(&room, RollbackType::Full, &[old, backup(BACKUP)]).await).await;
        authorised(&room).await;
        let (item, mark) = ("verify-version-availability".to_owned(), Mark::Done { note: "it is there".to_owned() });
        room.must(TL, Command::Tick { attempt: FIRST, item, mark }).await;
        room.must(IC, Command::Start { attempt: FIRST, digest: room.digest().await }).await;
        ends_well(&room, "app-rollback").await;
        ends_well(&room, "database-rollback").await;
        confirmed_by_lead(&app, &room).await;
        closed(&room, Outcome::RolledBack).await;
        clock.turn(Span::hours(48));
        is_doubtful(&led(&app).await, RollbackType::Database, &[backup(WITH_IT)], "4.10.0").await;
    }

    async fn a_release_that_is_told_only_after_a_restoration_is_doubtful_too(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        clock.turn(Span::minutes(1));
        let began = app.clock.now();
        clock.turn(Span::minutes(1));
        taken_now(&app, WITH_IT).await;
        clock.turn(Span::minutes(1));
        brought_back(&app).await;
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, "4.13.0").await, Ok(Told::New));
        // The pipeline that deployed it in the heat of the incident tells of it the next day.
        clock.turn(Span::hours(48));
        let entry = Entry {
            kind: TargetKind::Release,
            environment: ENVIRONMENT.to_owned(),
            component: COMPONENT.to_owned(),
            name: "4.12.5".to_owned(),
            at: began,
            checksum: String::new(),
            migrations: "destructive".to_owned(),
            note: String::new(),
        };
        registering::register(&app.store, &app.site, "pipeline", &entry, app.clock.now()).await.unwrap();
        let room = led(&app).await;
        let targets = [backup(WITH_IT)];
        room.must(IC, plan(&room, RollbackType::Database, &targets).await).await;
        let looked = app.look(&room.id).await.unwrap();
        let scripts = Scripts(&app.site);
        let told = unproven(&looked.gathered.facts(&scripts), RollbackType::Database, &targets);
        let end = "nothing proves that 4.13.0 knows the destructive migration of 4.12.5, if it meets it.";
        assert!(told.len() == 1 && told[0].ends_with(end), "{told:?}");
    }

    async fn the_machine_proves_a_backup_of_the_plan_and_no_other(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        kept(&app, "unproven", app.clock.now()).await;
        clock.turn(Span::minutes(1));
        taken_now(&app, "newest").await;
        let room = led(&app).await;
        let by_hand = Target { free_text: true, ..backup("weekly-tape") };
        for (target, proven) in [(backup("unproven"), false), (by_hand, false), (backup("newest"), true)] {
            room.must(IC, plan(&room, RollbackType::Database, std::slice::from_ref(&target)).await).await;
            let marked = room.attempt().await.is_marked("check-backup-integrity");
            assert_eq!(marked, proven, "{}", target.name);
        }
    }

    async fn a_target_typed_by_hand_is_never_proven_by_a_name_registered_since(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let room = led(&app).await;
        let by_hand = Target { free_text: true, ..backup("weekly-tape") };
        room.must(IC, plan(&room, RollbackType::Full, &[release(GOOD_RELEASE), by_hand]).await).await;
        assert!(!room.attempt().await.is_marked("verify-version-availability"));
        room.must(IC, Command::SubmitPlan { attempt: FIRST }).await;
        clock.turn(Span::minutes(1));
        taken_now(&app, "weekly-tape").await;
        let mark = Mark::Done { note: "done".to_owned() };
        room.must(TL, Command::Tick { attempt: FIRST, item: "stop-writes".to_owned(), mark }).await;
        let attempt = room.attempt().await;
        assert!(attempt.plan().unwrap().targets.iter().any(|target| target.free_text));
        assert!(!attempt.is_marked("verify-version-availability"), "{:?}", attempt.marks);
    }
}
