//! An approval is for exactly one plan. Whatever changes between the approval and the start, the plan's own fields or the
//! things that it names, nothing starts, and the journal says why.

use super::registers::{authorised, deployed, taken_now};
use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    COMPONENT, ENVIRONMENT, FIRST, IC, IncidentWorld, Room, SCRIPT, TL, assert_whole, counted_runs, drive,
};
use backout::app::App;
use backout::app::registering::{self, Entry, Told};
use backout::app::site::Site;
use backout::demo::world;
use backout::domain::actor::Actor;
use backout::domain::command::Command;
use backout::domain::event::{RunEnd, RunOutcome};
use backout::domain::plan::{Draft, Target};
use backout::domain::procedure::{RollbackType, StartMode, TargetKind};
use backout::domain::refusal::RefusalKind;
use backout::domain::state::AttemptStatus;
use backout::domain::{PersonId, Role, Severity, Span};
use backout::playbook::DEFAULT;
use std::os::unix::fs::symlink;

/// A P0 whose commander has said "authorise and start", a moment before any worker looks.
async fn approved(app: &App) -> Room {
    let room = Room::p0(app).await;
    room.take_command().await;
    room.approve(IC, "incident_commander").await;
    assert!(room.attempt().await.start_ordered.is_some(), "the approval is the order to start");
    room
}

/// The workers of this replica look, more than once; answers how many scripts they started.
async fn started_by(app: &App) -> usize {
    let (runs, executor) = counted_runs(app);
    drive(app, &[&runs]).await;
    executor.starts()
}

/// Why the plan lost its approval, in the words of the journal.
async fn why_void(room: &Room) -> String {
    let why = room.attempt().await.voided;
    let [(person, why)] = &why[..] else { panic!("one approval should be void: {why:?}") };
    assert_eq!(*person, PersonId(IC.to_owned()), "who approved is told");
    why.clone()
}

/// Nothing started, the approval is void for this reason, and it does not come back with the plan.
async fn assert_void(room: &Room, because: &str) {
    assert_eq!(started_by(&room.app).await, 0, "nothing may start");
    let why = why_void(room).await;
    assert!(why.contains(because), "{why}");
    assert_eq!(room.count("PlanVoided").await, 1);
    assert_eq!(room.attempt().await.status(), AttemptStatus::Draft);
    assert_eq!((room.attempt().await.approvals.len(), room.count("RunStarting").await), (0, 0));
    assert_whole(&room.app.store).await;
}

/// Nothing started, and the journal says what stood in the way; the approval itself stands.
async fn assert_refused(room: &Room, because: &str) {
    assert_eq!(started_by(&room.app).await, 0, "nothing may start");
    let attempt = room.attempt().await;
    let why = attempt.start_refused.clone().expect("the journal says why");
    assert!(why.contains(because), "{why}");
    assert!(attempt.start_ordered.is_none() && room.count("StartRefused").await == 1);
    assert_eq!(room.count("RunStarting").await, 0);
    assert_whole(&room.app.store).await;
}

/// Another plan than the one that was read: void, a new digest, and the old approval is of no use for it.
async fn after_edit(database: Database, change: impl FnOnce(&mut Draft)) {
    let world = IncidentWorld::new(database).await;
    let app = world.app().await;
    let room = approved(&app).await;
    let (read, approval) = (room.digest().await, room.approval("incident_commander").await);
    let mut draft = room.attempt().await.draft;
    change(&mut draft);
    room.must(IC, Command::EditPlan { attempt: FIRST, seen: None, draft: draft.clone() }).await;
    assert_void(&room, "the plan was changed").await;
    room.must(IC, Command::SubmitPlan { attempt: FIRST }).await;
    assert_ne!(room.digest().await, read, "another plan has another digest");
    assert_eq!(started_by(&app).await, 0);
    let refusal = room.refusal(IC, approval).await;
    assert_eq!(refusal.kind, RefusalKind::DigestMismatch, "{refusal}");
    // Fixed and approved anew, it starts: the change was what stood in the way.
    room.approve(IC, "incident_commander").await;
    if draft.start == Some(StartMode::OnCommand) {
        assert_eq!(started_by(&app).await, 0, "it waits for the word");
        room.must(IC, Command::Start { attempt: FIRST, digest: room.digest().await }).await;
    }
    // A further target is a further action, which may follow at once.
    assert!(started_by(&app).await >= 1);
}

fn release(name: &str) -> Target {
    let (component, name) = (COMPONENT.to_owned(), name.to_owned());
    Target { kind: TargetKind::Release, component, name, checksum: String::new(), from: None, free_text: false }
}

on_both! {
    async fn a_later_action_is_checked_too_but_not_for_time_and_roles(database) {
        later_action(database).await;
    }

    async fn unchanged_it_starts_once(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        assert_eq!(started_by(&app).await, 1);
        assert_eq!(room.count("RunStarting").await, 1);
    }

    async fn another_type(database) {
        after_edit(database, |draft| draft.kind = RollbackType::Partial).await;
    }

    async fn other_components(database) {
        after_edit(database, |draft| draft.components.clear()).await;
    }

    async fn another_scope(database) {
        after_edit(database, |draft| draft.scope.push("The cache too".to_owned())).await;
    }

    async fn another_target(database) {
        after_edit(database, |draft| draft.targets = vec![release("4.11.2")]).await;
    }

    async fn another_target_beside(database) {
        let config = Target { kind: TargetKind::Config, ..release(world::CONFIGS[0]) };
        after_edit(database, |draft| draft.targets.push(config)).await;
    }

    async fn another_fallback(database) {
        after_edit(database, |draft| draft.fallback = "Restore by hand.".to_owned()).await;
    }

    async fn another_reason(database) {
        after_edit(database, |draft| draft.reason = "Customers call.".to_owned()).await;
    }

    async fn another_way_to_start(database) {
        after_edit(database, |draft| draft.start = Some(StartMode::OnCommand)).await;
    }

    async fn what_cannot_be_edited_changes_nothing_and_voids_nothing(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        let whole = room.attempt().await.draft;
        let elsewhere = Draft { environment: "staging".to_owned(), ..whole.clone() };
        let refusal = room.refusal(IC, Command::EditPlan { attempt: FIRST, seen: None, draft: elsewhere }).await;
        assert_eq!(refusal.kind, RefusalKind::Input, "{refusal}");
        let softened = Draft { not_covered: Vec::new(), ..whole };
        let refusal = room.refusal(IC, Command::EditPlan { attempt: FIRST, seen: None, draft: softened }).await;
        assert_eq!(refusal.kind, RefusalKind::AlreadyDone, "what is not covered follows from the targets: {refusal}");
        assert_eq!(started_by(&app).await, 1, "the approval stands");
    }

    async fn another_severity(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        room.must(IC, Command::ChangeSeverity { to: Severity::P1, reason: "half the users".to_owned() }).await;
        assert_void(&room, "the severity changed from P0 to P1").await;
    }

    async fn other_bytes_in_the_script(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        let path = world.root().join(SCRIPT);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}\n")).unwrap();
        assert_void(&room, "scripts/deploy/rollback.sh is no longer the one that was approved").await;
    }

    async fn a_link_in_the_scripts_place(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        let path = world.root().join(SCRIPT);
        let aside = world.root().join("scripts/deploy/aside.sh");
        std::fs::rename(&path, &aside).unwrap();
        symlink(&aside, &path).unwrap();
        assert_void(&room, "cannot be read any more").await;
    }

    async fn no_script_any_more(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        std::fs::remove_file(world.root().join(SCRIPT)).unwrap();
        assert_void(&room, "cannot be read any more").await;
    }

    async fn another_directory_for_the_environment(database) {
        let world = IncidentWorld::new(database).await;
        let room = approved(&world.app().await).await;
        // The same scripts, byte for byte, in another place: the approval was for this place.
        let elsewhere = world.folder.join("elsewhere");
        world::prepare(&elsewhere).unwrap();
        let app = world.app_with(with(world.site(), |production| production.directory = elsewhere.clone())).await;
        assert_void(&room.through(&app), "the directory").await;
    }

    async fn a_granted_variable_that_is_not_configured_any_more(database) {
        let world = IncidentWorld::new(database).await;
        let granting = DEFAULT.replacen("time_limit = \"10m\"", "grant = [\"DEPLOY_TOKEN\"]\ntime_limit = \"10m\"", 1);
        let configured = with(world.site(), |production| {
            production.grants.insert("DEPLOY_TOKEN".to_owned(), "swordfish".to_owned());
        });
        let app = world.app_with(configured).await;
        app.playbooks.load(&app.store, &granting, "system", app.clock.now()).await.unwrap();
        let room = approved(&app).await;
        assert_eq!(room.attempt().await.plan().unwrap().actions[0].grants, ["DEPLOY_TOKEN"]);
        assert_refused(&room.through(&world.app().await), "DEPLOY_TOKEN").await;
        // The operator puts it back: the same approval is good for another order.
        room.must(IC, Command::Start { attempt: FIRST, digest: room.digest().await }).await;
        assert_eq!(started_by(&app).await, 1);
    }

    async fn another_playbook_under_the_same_name(database) {
        let world = IncidentWorld::new(database).await;
        let room = approved(&world.app().await).await;
        world.database.by_hand("UPDATE playbooks SET text = replace(text, '30m', '40m')").await;
        let app = world.app().await;
        let room = room.through(&app);
        assert_eq!(started_by(&app).await, 0);
        let fault = room.ask(IC, Command::AddNote { text: "hello".to_owned() }).await.unwrap_err().to_string();
        assert!(fault.contains("frozen") && fault.contains("playbook"), "{fault}");
        assert_eq!(room.count("RunStarting").await, 0);
    }

    async fn a_newer_playbook_does_not_touch_what_the_incident_began_with(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        let newer = DEFAULT.replace("expire_after = \"30m\"", "expire_after = \"40m\"");
        app.playbooks.load(&app.store, &newer, "system", app.clock.now()).await.unwrap();
        assert_eq!(started_by(&app).await, 1);
        assert_eq!(room.count("PlanVoided").await, 0);
    }

    async fn another_plan_in_the_stored_bytes(database) {
        let world = IncidentWorld::new(database).await;
        let room = approved(&world.app().await).await;
        let sql = "UPDATE ledger SET body = replace(body, '4.11.3', '4.11.2') WHERE kind = 'PlanSubmitted'";
        world.database.by_hand(sql).await;
        let app = world.app().await;
        let room = room.through(&app);
        assert_eq!(started_by(&app).await, 0);
        assert!(why_void(&room).await.contains("not the one that was approved"));
        assert!(app.store.verify().await.unwrap().is_err(), "and the audit chain shows the hand");
    }

    async fn another_release_under_the_same_name(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        world.database.by_hand("UPDATE register SET checksum = 'another' WHERE name = '4.11.3'").await;
        assert_refused(&room, "required items are open").await;
    }

    async fn a_release_that_was_deployed_after_the_approval(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        let now = app.clock.now();
        let entry = Entry {
            kind: TargetKind::Release,
            environment: ENVIRONMENT.to_owned(),
            component: COMPONENT.to_owned(),
            name: "4.12.1".to_owned(),
            at: now,
            checksum: String::new(),
            migrations: "destructive".to_owned(),
            note: String::new(),
        };
        registering::register(&app.store, &app.site, "pipeline", &entry, now).await.unwrap();
        assert_void(&room, "runs 4.12.1 now, and the plan leaves 4.12.0").await;
    }

    async fn a_destructive_migration_that_was_told_of_late(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        // It ran between the target and what runs: the plan leaves the same release as before.
        let (now, at) = (app.clock.now(), app.clock.now() - Span::hours(5));
        let entry = Entry {
            kind: TargetKind::Release,
            environment: ENVIRONMENT.to_owned(),
            component: COMPONENT.to_owned(),
            name: "4.11.4".to_owned(),
            at,
            checksum: String::new(),
            migrations: "destructive".to_owned(),
            note: String::new(),
        };
        registering::register(&app.store, &app.site, "pipeline", &entry, now).await.unwrap();
        assert_refused(&room, "4.11.3 lies behind the destructive migration of 4.11.4").await;
    }

    async fn another_release_beneath_a_restoration_alone(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        taken_now(&app, "with-it").await;
        let room = Room::p0(&app).await;
        room.take_command().await;
        let sql = format!("UPDATE register SET migrations = 'destructive' WHERE name = '{}'", world::BAD_RELEASE);
        world.database.by_hand(&sql).await;
        let targets = vec![Target { kind: TargetKind::Backup, ..release("with-it") }];
        let draft = Draft { kind: RollbackType::Database, targets, ..room.attempt().await.draft };
        room.must(IC, Command::EditPlan { attempt: FIRST, seen: None, draft }).await;
        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
        authorised(&room).await;
        assert!(room.attempt().await.start_ordered.is_some());
        // What runs was to go on over its own data; now an older one does.
        assert_eq!(deployed(&app, world::GOOD_RELEASE).await, Ok(Told::RunsAgain));
        let because = "4.11.3 lies behind the destructive migration of 4.12.0, and with-it was taken after it";
        assert_refused(&room, because).await;
    }

    async fn an_approver_without_the_role(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        app.store.set_roles(IC, &[]).await.unwrap();
        assert_refused(&room, "no longer holds the role").await;
    }

    async fn an_approval_past_its_time(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let room = approved(&app).await;
        clock.turn(Span::minutes(30));
        assert_refused(&room, "expired").await;
    }

    async fn another_incident_that_was_quicker(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let first = approved(&app).await;
        let later = Room::own_p0(&app, 1).await;
        later.take_command().await;
        later.approve(IC, "incident_commander").await;
        assert_eq!(started_by(&app).await, 1, "one environment, one rollback at a time");
        assert_eq!(first.count("RunStarting").await, 1);
        let why = later.attempt().await.start_refused.expect("the journal says why");
        assert!(why.contains(&first.id), "{why}");
        assert_whole(&app.store).await;
    }

    async fn another_place_than_the_plan_names(database) {
        let world = IncidentWorld::new(database).await;
        let room = approved(&world.app().await).await;
        let elsewhere = Site { label: "elsewhere".to_owned(), ..world.site() };
        assert_eq!(started_by(&world.app_with(elsewhere).await).await, 0);
        assert_eq!(started_by(&room.app).await, 1);
    }

    async fn one_frozen_incident_holds_no_other_back(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let frozen = approved(&app).await;
        let newer = DEFAULT.replace("expire_after = \"30m\"", "expire_after = \"40m\"");
        app.playbooks.load(&app.store, &newer, "system", app.clock.now()).await.unwrap();
        let later = Room::own_p0(&app, 1).await;
        later.take_command().await;
        later.approve(IC, "incident_commander").await;
        let sql = "UPDATE playbooks SET text = replace(text, '30m', '31m') WHERE text LIKE '%after = \"30m\"%'";
        world.database.by_hand(sql).await;
        let app = world.app().await;
        assert_eq!(started_by(&app).await, 1);
        assert_eq!((frozen.count("RunStarting").await, later.count("RunStarting").await), (0, 1));
    }
}

fn with(mut site: Site, change: impl FnOnce(&mut backout::app::site::Environment)) -> Site {
    change(site.environments.get_mut(ENVIRONMENT).unwrap());
    site
}

/// A later action is checked again: its lock, its script, its place; but neither time nor a lost role stops it.
async fn later_action(database: Database) {
    let (world, clock) = IncidentWorld::at_noon(database).await;
    let app = world.app().await;
    let room = Room::p0(&app).await;
    room.take_command().await;
    room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
    let mut draft = room.attempt().await.draft;
    draft.targets.push(Target { kind: TargetKind::Config, ..release(world::CONFIGS[0]) });
    room.must(IC, Command::EditPlan { attempt: FIRST, seen: None, draft }).await;
    room.must(IC, Command::SubmitPlan { attempt: FIRST }).await;
    room.approve(IC, "incident_commander").await;
    let claimed = app.claim(&room.id, FIRST, "app-rollback").await.unwrap().unwrap();
    let outcome = RunOutcome { end: RunEnd::Exited(0), lines: 0, log_sha256: String::new(), log_cut: false };
    let finish = Command::FinishRun { run: claimed.run().clone(), outcome };
    app.submit(&room.id, Actor::SYSTEM, finish, None).await.unwrap();

    let path = world.root().join("scripts/config/rollback.sh");
    let approved = std::fs::read(&path).unwrap();
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    clock.turn(Span::hours(2));
    app.store.set_roles(IC, &[]).await.unwrap();
    assert_eq!(started_by(&app).await, 0);
    let attempt = room.attempt().await;
    assert_eq!(attempt.status(), AttemptStatus::Halted);
    assert!(attempt.held.unwrap().why.contains("no longer the one that was approved"));

    std::fs::write(&path, approved).unwrap();
    room.must(TL, Command::ResumeAction { attempt: FIRST, action: "config-rollback".to_owned() }).await;
    assert_eq!(started_by(&app).await, 1, "hours later and without the role, what was begun goes on");
    assert_whole(&app.store).await;
}
