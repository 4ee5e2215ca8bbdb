//! What runs follows what was rolled back: the register, and with it the next proposal.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    COMPONENT, ENVIRONMENT, FIRST, IC, IncidentWorld, Room, TL, assert_whole, counted_runs, drive, trigger,
};
use backout::app::App;
use backout::app::catalogue::Scripts;
use backout::app::gather::registered;
use backout::app::registering::{self, Entry, NotRegistered, Told};
use backout::demo::world::{BACKUP, BAD_RELEASE, CONFIGS, GOOD_RELEASE};
use backout::domain::actor::Actor;
use backout::domain::command::{Command, Outcome};
use backout::domain::event::{Mark, RunEnd, RunOutcome};
use backout::domain::facts::Registered;
use backout::domain::offers::Offers;
use backout::domain::plan::{Draft, Target};
use backout::domain::procedure::{RollbackType, TargetKind};
use backout::domain::running::{self, Data};
use backout::domain::state::{AttemptStatus, RunId};
use backout::domain::{PersonId, Role, Span, Timestamp};

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

pub(super) async fn confirmed_by_lead(app: &App, room: &Room) {
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

pub(super) async fn deployed(app: &App, name: &str) -> Result<Told, NotRegistered> {
    registering::register(&app.store, &app.site, "pipeline", &release_now(app, name), app.clock.now()).await
}

/// A release that begins to run at this moment.
fn release_now(app: &App, name: &str) -> Entry {
    Entry {
        kind: TargetKind::Release,
        environment: ENVIRONMENT.to_owned(),
        component: COMPONENT.to_owned(),
        name: name.to_owned(),
        at: app.clock.now(),
        checksum: String::new(),
        migrations: "none".to_owned(),
        note: String::new(),
    }
}

/// A backup that was taken at this moment.
pub(super) async fn taken_now(app: &App, name: &str) {
    taken(app, name, app.clock.now()).await;
}

async fn taken(app: &App, name: &str, at: Timestamp) {
    kept(app, name, at).await;
    assert!(app.store.mark_verified("backup", ENVIRONMENT, COMPONENT, name, app.clock.now()).await.unwrap());
}

/// A backup that nobody has verified.
pub(super) async fn kept(app: &App, name: &str, at: Timestamp) {
    let now = app.clock.now();
    let entry = Entry {
        kind: TargetKind::Backup,
        environment: ENVIRONMENT.to_owned(),
        component: COMPONENT.to_owned(),
        name: name.to_owned(),
        at,
        checksum: String::new(),
        migrations: "none".to_owned(),
        note: String::new(),
    };
    registering::register(&app.store, &app.site, "pipeline", &entry, now).await.unwrap();
}

pub(super) fn target(kind: TargetKind, name: &str) -> Target {
    let (component, name) = (COMPONENT.to_owned(), name.to_owned());
    Target { kind, component, name, checksum: String::new(), from: None, free_text: false }
}

/// The action is claimed, and its script ends well.
pub(super) async fn ends_well(room: &Room, action: &str) {
    ends(room, action, RunEnd::Exited(0)).await;
}

/// The action is claimed, and its run ends so.
pub(super) async fn ends(room: &Room, action: &str, end: RunEnd) -> RunId {
    let run = begins(room, action).await;
    ended(room, &run, end).await;
    run
}

/// The action is claimed.
async fn begins(room: &Room, action: &str) -> RunId {
    let claimed = room.app.claim(&room.id, FIRST, action).await.unwrap().expect("nothing stands in its way");
    claimed.run().clone()
}

async fn ended(room: &Room, run: &RunId, end: RunEnd) {
    let outcome = RunOutcome { end, lines: 0, log_sha256: String::new(), log_cut: false };
    room.app.submit(&room.id, Actor::SYSTEM, Command::FinishRun { run: run.clone(), outcome }, None).await.unwrap();
}

/// A measured trigger opens an incident that has its commander and its technical lead.
pub(super) async fn led(app: &App) -> Room {
    let room = Room::raised(app, trigger("error-rate", app.clock.now())).await;
    room.take_command().await;
    room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
    room
}

/// The plan changed to a rollback of this kind to these targets.
pub(super) async fn plan(room: &Room, kind: RollbackType, targets: &[Target]) -> Command {
    let reason = "asked for".to_owned();
    let draft = Draft { kind, targets: targets.to_vec(), reason, ..room.attempt().await.draft };
    Command::EditPlan { attempt: FIRST, seen: None, draft }
}

/// Submitted, authorised, and ready for a restoration too.
pub(super) async fn authorised(room: &Room) {
    room.must(IC, Command::SubmitPlan { attempt: FIRST }).await;
    for item in ["stop-writes", "backup-current-state"] {
        let mark = Mark::Done { note: "done".to_owned() };
        room.must(TL, Command::Tick { attempt: FIRST, item: item.to_owned(), mark }).await;
    }
    room.approve(IC, "incident_commander").await;
}

pub(super) async fn closed(room: &Room, outcome: Outcome) {
    room.must(IC, Command::Close { outcome, reason: "it is over".to_owned() }).await;
}

/// The bad release is left, and the data is brought back to what it was before it.
pub(super) async fn brought_back(app: &App) {
    brought_back_to(app, GOOD_RELEASE, BACKUP).await;
}

async fn brought_back_to(app: &App, release: &str, backup: &str) {
    let room = led(app).await;
    let targets = [target(TargetKind::Release, release), target(TargetKind::Backup, backup)];
    room.must(IC, plan(&room, RollbackType::Full, &targets).await).await;
    authorised(&room).await;
    for action in ["app-rollback", "database-rollback"] {
        ends_well(&room, action).await;
    }
    confirmed_by_lead(app, &room).await;
    closed(&room, Outcome::RolledBack).await;
}

async fn undone(app: &App, name: &str) -> Option<Timestamp> {
    register(app).await.into_iter().find(|release| release.name == name).unwrap().undone_at
}

/// The bad release of this world migrates destructively.
pub(super) async fn destructive(world: &IncidentWorld) {
    let sql = format!("UPDATE register SET migrations = 'destructive' WHERE name = '{BAD_RELEASE}'");
    world.database.by_hand(&sql).await;
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
        assert_eq!(deployed(&app, BAD_RELEASE).await, Ok(Told::RunsAlready(app.clock.now())));
        assert_eq!(runs(&app).await, BAD_RELEASE);
        let again = Room::p0(&app).await;
        assert_eq!(again.attempt().await.draft.targets[0].name, GOOD_RELEASE);
        assert_whole(&app.store).await;
    }

    async fn a_pipeline_that_repeats_itself_changes_nothing_and_is_no_fault_unless_it_tells_something_else(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let began = app.clock.now();
        let told = async |checksum: &str, migrations: &str| {
            let now = app.clock.now();
            let (checksum, migrations) = (checksum.to_owned(), migrations.to_owned());
            let entry = Entry { checksum, migrations, ..release_now(&app, "5.0.0") };
            registering::register(&app.store, &app.site, "pipeline", &entry, now).await
        };
        assert_eq!(told("sha256:aa", "none").await, Ok(Told::New));
        let (known, entries) = (register(&app).await, app.store.head().await.unwrap().seq);
        // Also from a clock that is a little behind.
        for turn in [Span::hours(1), Span::minutes(-61), Span::minutes(1)] {
            clock.turn(turn);
            assert_eq!(told("sha256:aa", "none").await, Ok(Told::RunsAlready(began)));
            assert_eq!(told("", "none").await, Ok(Told::RunsAlready(began)), "no checksum says nothing against one");
        }
        for (checksum, migrations, says) in [
            ("sha256:bb", "none", "its checksum is “sha256:aa”, and “sha256:bb” was told"),
            ("sha256:aa", "destructive", "its migrations are “none”, and “destructive” was told"),
            ("sha256:aa", "unknown", "its migrations are “none”, and “unknown” was told"),
            ("sha256:bb", "reversible", "was told; its checksum is “sha256:aa”"),
        ] {
            let Err(NotRegistered::Duplicate(fault)) = told(checksum, migrations).await else { panic!("{says}") };
            assert!(fault.starts_with("5.0.0 is registered there already: ") && fault.contains(says), "{fault}");
        }
        // One that does not run any more does not come back by what is told of a time when another one ran.
        clock.turn(Span::minutes(1));
        assert_eq!(deployed(&app, "5.0.1").await, Ok(Told::New));
        let Err(NotRegistered::Duplicate(fault)) = told("sha256:aa", "none").await else { panic!("it is refused") };
        assert!(fault.contains("and 5.0.1 began"), "{fault}");
        assert_eq!(runs(&app).await, "5.0.1");
        let now: Vec<_> = register(&app).await.into_iter().filter(|release| release.name != "5.0.1").collect();
        assert_eq!((now, app.store.head().await.unwrap().seq), (known, entries + 1), "only the new one was written");
        assert_whole(&app.store).await;
    }

    async fn nobody_goes_behind_a_destructive_migration_that_came_back_with_another_release(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        destructive(&world).await;
        taken_now(&app, "too-late").await;

        // A backup helps only where the plan restores it, and when it is from before the migration.
        let room = led(&app).await;
        let (good, older) = (target(TargetKind::Release, GOOD_RELEASE), target(TargetKind::Release, "4.11.2"));
        let (backup, late) = (target(TargetKind::Backup, BACKUP), target(TargetKind::Backup, "too-late"));
        for (kind, targets, says) in [
            (RollbackType::Full, vec![good.clone()], "behind the destructive migration of 4.12.0"),
            (RollbackType::Partial, vec![good.clone(), backup], "a partial rollback restores no backup"),
            (RollbackType::Full, vec![good, late], "and too-late was taken after it"),
        ] {
            let refused = room.refusal(IC, plan(&room, kind, &targets).await).await;
            assert!(refused.because.contains(says), "{refused}");
        }
        room.must(IC, Command::WithdrawPlan { attempt: FIRST, reason: "to begin anew".to_owned() }).await;
        closed(&room, Outcome::NotRolledBack).await;

        // With the data of before, the way is free, and the register knows that the migration is undone.
        brought_back(&app).await;
        assert!(undone(&app, BAD_RELEASE).await.is_some() && undone(&app, GOOD_RELEASE).await.is_none());
        clock.turn(Span::hours(48));
        let next = led(&app).await;
        assert_eq!(next.attempt().await.status(), AttemptStatus::Submitted, "the way back is free");
        next.must(IC, plan(&next, RollbackType::Partial, std::slice::from_ref(&older)).await).await;
        next.clear().await;
        closed(&next, Outcome::NotRolledBack).await;

        // The next release is built upon that one and does its migration again; by hand the good one is put over it.
        assert_eq!(deployed(&app, "4.12.1").await, Ok(Told::New));
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, GOOD_RELEASE).await, Ok(Told::RunsAgain));
        clock.turn(Span::hours(48));
        let last = led(&app).await;
        assert_eq!(last.attempt().await.status(), AttemptStatus::Draft, "what is proposed by itself is held against it too");
        let refused = last.refusal(IC, plan(&last, RollbackType::Partial, &[older]).await).await;
        assert!(refused.because.contains("4.11.2 lies behind the destructive migration of 4.12.0"), "{refused}");
    }

    async fn a_backup_that_holds_an_undone_migration_opens_no_way_behind_it_and_puts_it_on_again(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        destructive(&world).await;
        taken_now(&app, "with-it").await;
        clock.turn(Span::minutes(1));
        brought_back(&app).await;
        assert!(undone(&app, BAD_RELEASE).await.is_some());
        clock.turn(Span::hours(48));

        // The data as it is was brought back; that of the backup was not.
        let room = led(&app).await;
        let (good, with_it) = (target(TargetKind::Release, GOOD_RELEASE), target(TargetKind::Backup, "with-it"));
        let behind = "4.11.3 lies behind the destructive migration of 4.12.0, and with-it was taken after it";
        let refused = room.refusal(IC, plan(&room, RollbackType::Full, &[good, with_it.clone()]).await).await;
        assert!(refused.because.contains(behind), "{refused}");
        // What runs goes on running, over the data of a release that it does not know.
        let refused = room.refusal(IC, plan(&room, RollbackType::Database, std::slice::from_ref(&with_it)).await).await;
        assert!(refused.because.contains(behind), "{refused}");

        // The bad release itself may run over it. What then becomes of the attempt does not matter: its data is there.
        let bad = target(TargetKind::Release, BAD_RELEASE);
        room.must(IC, plan(&room, RollbackType::Full, &[bad, with_it]).await).await;
        authorised(&room).await;
        ends_well(&room, "app-rollback").await;
        let run = ends(&room, "database-rollback", RunEnd::NeverStarted("no room".to_owned())).await;
        assert!(undone(&app, BAD_RELEASE).await.is_some(), "nothing was restored yet");
        room.must(TL, Command::Retry { run, reason: "there is room now".to_owned() }).await;
        ends(&room, "database-rollback", RunEnd::Exited(1)).await;
        assert_eq!(undone(&app, BAD_RELEASE).await, None, "how far it came is not known");
        room.must(TL, Command::DeclareFailed { attempt: FIRST, reason: "half of it".to_owned() }).await;
        closed(&room, Outcome::NotRolledBack).await;
        clock.turn(Span::hours(48));
        let next = led(&app).await;
        let older = [target(TargetKind::Release, "4.11.2")];
        let refused = next.refusal(IC, plan(&next, RollbackType::Partial, &older).await).await;
        assert!(refused.because.contains("4.11.2 lies behind the destructive migration of 4.12.0"), "{refused}");
        assert_whole(&app.store).await;
    }

    async fn a_target_that_nothing_of_the_plan_acts_on_is_refused(database) {
        let (world, _) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let room = led(&app).await;
        let (good, backup) = (target(TargetKind::Release, GOOD_RELEASE), target(TargetKind::Backup, BACKUP));
        for (kind, says) in [
            (RollbackType::Partial, "a partial rollback restores no backup"),
            (RollbackType::Database, "a database rollback deploys no release"),
            (RollbackType::Configuration, "a configuration rollback deploys no release"),
        ] {
            let refused = room.refusal(IC, plan(&room, kind, &[good.clone(), backup.clone()]).await).await;
            assert!(refused.because.contains(says), "{refused}");
        }
        // What runs may be put over restored data again, and nothing restores it here.
        let same = [target(TargetKind::Release, BAD_RELEASE), backup];
        let refused = room.refusal(IC, plan(&room, RollbackType::Partial, &same).await).await;
        assert!(refused.because.contains("4.12.0 is what runs now"), "{refused}");
    }

    async fn a_release_that_was_deployed_after_the_restoration_began_is_not_undone_by_it(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let room = led(&app).await;
        let targets = [
            target(TargetKind::Release, GOOD_RELEASE),
            target(TargetKind::Backup, BACKUP),
            target(TargetKind::Config, CONFIGS[0]),
        ];
        room.must(IC, plan(&room, RollbackType::Full, &targets).await).await;
        authorised(&room).await;
        ends_well(&room, "app-rollback").await;
        clock.turn(Span::minutes(1));
        let restoring = app.clock.now();
        let run = begins(&room, "database-rollback").await;
        clock.turn(Span::minutes(1));
        assert_eq!(deployed(&app, "4.12.1").await, Ok(Told::New));
        clock.turn(Span::minutes(1));
        ended(&room, &run, RunEnd::Exited(0)).await;
        ends_well(&room, "config-rollback").await;
        clock.turn(Span::minutes(1));
        confirmed_by_lead(&app, &room).await;
        assert_eq!(undone(&app, BAD_RELEASE).await, Some(restoring), "as of the restoring, not of the confirmation");
        assert_eq!(undone(&app, "4.12.1").await, None);
        let known = register(&app).await;
        let good = known.iter().find(|release| release.name == GOOD_RELEASE).unwrap();
        let unknown: Vec<_> = running::unknown_to(&known, good, Data::Present).into_iter().map(|release| &release.name).collect();
        assert_eq!(unknown, [BAD_RELEASE, "4.12.1"], "what came with the later one is there");
    }

    async fn a_backup_typed_by_hand_lifts_nothing_where_one_from_before_is_registered(database) {
        let (world, _) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        destructive(&world).await;
        let room = led(&app).await;
        let by_hand = || Target { free_text: true, ..target(TargetKind::Backup, "by-hand") };
        let both = |release: &str| [target(TargetKind::Release, release), by_hand()];
        let refused = room.refusal(IC, plan(&room, RollbackType::Full, &both(GOOD_RELEASE)).await).await;
        let behind = "4.11.3 lies behind the destructive migration of 4.12.0, and whether by-hand is from before it is not \
                      known";
        assert_eq!(refused.because, behind);
        assert_eq!(refused.mend, format!("Choose {BACKUP}, which is from before it, or register by-hand."));
        // Beneath what runs there is nothing newer that it could hold.
        room.must(IC, plan(&room, RollbackType::Database, &[by_hand()]).await).await;
        // From before this one none is registered: the approvers judge, and are told what they judge.
        let sql = format!("UPDATE register SET migrations = 'destructive' WHERE name = '{GOOD_RELEASE}'");
        world.database.by_hand(&sql).await;
        room.must(IC, plan(&room, RollbackType::Full, &both("4.11.2")).await).await;
        // Registered meanwhile, it is what is asked for.
        taken(&app, "fortnight", app.clock.now() - Span::hours(15 * 24)).await;
        let refused = room.refusal(IC, Command::SubmitPlan { attempt: FIRST }).await;
        assert_eq!(refused.mend, "Choose fortnight, which is from before it, or register by-hand.");
    }

    async fn corrupted_data_is_proposed_the_newest_backup_that_fits_what_runs(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        taken_now(&app, "with-it").await;
        clock.turn(Span::hours(1));
        // What runs was rolled back to, and does not know what was done to this data since.
        brought_back(&app).await;
        destructive(&world).await;
        let room = Room::raised(&app, trigger("data-corruption", app.clock.now())).await;
        let attempt = room.attempt().await;
        let proposed: Vec<_> = attempt.draft.targets.iter().map(|it| (it.kind, it.name.as_str())).collect();
        assert_eq!((attempt.draft.kind, proposed), (RollbackType::Database, vec![(TargetKind::Backup, BACKUP)]));
        assert!(attempt.draft.not_covered.iter().all(|title| title != "Restore the database from a backup"));
    }

    async fn a_restoration_takes_the_newest_backup_that_its_release_may_run_upon(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let room = Room::p0(&app).await;
        carried_out(&app, &room).await;
        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
        // Two newer ones, and only the newest of all holds what the target does not know.
        taken(&app, "yesterday", app.clock.now() - Span::hours(2)).await;
        taken_now(&app, "with-it").await;
        destructive(&world).await;
        clock.turn(Span::minutes(1));
        room.must(TL, Command::DeclareFailed { attempt: FIRST, reason: "the data is broken".to_owned() }).await;
        let looked = app.look(&room.id).await.unwrap();
        let (scripts, person) = (Scripts(&app.site), PersonId(TL.to_owned()));
        let facts = looked.gathered.facts(&scripts);
        let offers = Offers { incident: &looked.incident, facts: &facts, person: &person, now: looked.now };
        let attempt = looked.incident.attempt(FIRST).unwrap();
        assert_eq!(offers.backup_for(attempt).unwrap().name, "yesterday");
        assert_eq!(offers.restore(attempt), Ok(()));
        let refused = room.refusal(TL, Command::DraftRestoration { escalates: FIRST, backup: "with-it".to_owned() }).await;
        assert!(refused.because.contains("with-it was taken after it"), "{refused}");
        room.must(TL, Command::DraftRestoration { escalates: FIRST, backup: "yesterday".to_owned() }).await;
    }

    async fn what_the_backup_holds_and_what_runs_upon_it_are_not_undone(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        // Taken while the good release ran, and restored beneath an older one.
        brought_back_to(&app, "4.11.2", BACKUP).await;
        assert!(undone(&app, BAD_RELEASE).await.is_some());
        assert_eq!((undone(&app, GOOD_RELEASE).await, undone(&app, "4.11.2").await), (None, None));
        // Taken before the good release began, which then runs upon it.
        clock.turn(Span::hours(1));
        assert_eq!(deployed(&app, "4.12.1").await, Ok(Told::New));
        taken(&app, "fortnight", app.clock.now() - Span::hours(15 * 24)).await;
        clock.turn(Span::hours(1));
        brought_back_to(&app, GOOD_RELEASE, "fortnight").await;
        assert!(undone(&app, "4.12.1").await.is_some());
        assert_eq!((undone(&app, GOOD_RELEASE).await, undone(&app, "4.11.2").await), (None, None));
    }

    async fn a_restoration_typed_by_hand_undoes_nothing_and_takes_back_every_undoing(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        brought_back(&app).await;
        assert!(undone(&app, BAD_RELEASE).await.is_some());
        clock.turn(Span::hours(48));
        assert_eq!(deployed(&app, "4.12.1").await, Ok(Told::New));
        clock.turn(Span::hours(1));
        let room = led(&app).await;
        let by_hand = Target { free_text: true, ..target(TargetKind::Backup, "by-hand") };
        room.must(IC, plan(&room, RollbackType::Full, &[target(TargetKind::Release, GOOD_RELEASE), by_hand]).await).await;
        authorised(&room).await;
        // What the register would have proven, people did.
        let (item, mark) = ("verify-version-availability".to_owned(), Mark::Done { note: "it is there".to_owned() });
        room.must(TL, Command::Tick { attempt: FIRST, item, mark }).await;
        room.must(IC, Command::Start { attempt: FIRST, digest: room.digest().await }).await;
        ends_well(&room, "app-rollback").await;
        ends_well(&room, "database-rollback").await;
        assert_eq!(undone(&app, BAD_RELEASE).await, None, "nobody knows what is in it");
        // Another backup that gets its name only now is not the one that was meant.
        taken(&app, "by-hand", app.clock.now() - Span::hours(48)).await;
        confirmed_by_lead(&app, &room).await;
        assert_eq!(runs(&app).await, GOOD_RELEASE);
        assert_eq!((undone(&app, BAD_RELEASE).await, undone(&app, "4.12.1").await), (None, None));
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
