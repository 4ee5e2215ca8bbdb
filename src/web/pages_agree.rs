//! What different pages say of one moment must agree, and be true: a rollback that was stopped is never told like one
//! that went well, and nobody is sent to somebody who has no such button either.

use crate::domain::command::{Command, Outcome};
use crate::domain::condition::Watch;
use crate::domain::event::{ImpactSaid, Mark, RunEnd, RunOutcome};
use crate::domain::procedure::{Detection, RollbackType, StartMode, TargetKind};
use crate::domain::state::AttemptStatus;
use crate::domain::{Role, Span};
use crate::store::TriggerState;
use crate::web::sample::{BAD, COMPONENT, ENVIRONMENT, STABLE, World};
use axum::http::StatusCode;

const REASON: &str = "the wrong version";

/// A rollback that ran and was stopped by Maya after 10 seconds; its run has ended.
async fn stopped() -> (World, String) {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.turn(Span::seconds(10));
    world.acts("maya", &id, Command::Stop { attempt: 1, reason: REASON.to_owned() }).await;
    let incident = world.ends(&id, &run, 143).await;
    assert_eq!(incident.current().unwrap().status(), AttemptStatus::Aborted);
    (world, id)
}

/// A rollback that took 50 seconds and was confirmed, each criterion ticked with a reason.
async fn succeeded() -> (World, String) {
    let world = World::new().await;
    let id = world.critical().await;
    // What is measured at T+0 and at the confirmation.
    world.probed(60, 0, |_| false).await;
    world.authorised(&id).await;
    let plan = world.app.incidents.incident(&id).await.unwrap().current().unwrap().plan().unwrap().clone();
    for action in &plan.actions {
        let run = world.runs(&id, &action.name).await;
        world.turn(Span::seconds(50));
        world.ends(&id, &run, 0).await;
    }
    let procedure = world.app.incidents.look(&id).await.unwrap().gathered.procedure;
    for criterion in &procedure.verification.criteria {
        let mark = Some(Mark::Done { note: "looked at it".to_owned() });
        let command = Command::MarkCriterion { attempt: 1, criterion: criterion.name.clone(), mark };
        world.acts("tomas", &id, command).await;
    }
    world.probed(45, 0, |_| true).await;
    world.acts("tomas", &id, Command::ConfirmSuccess { attempt: 1 }).await;
    (world, id)
}

#[tokio::test]
async fn what_was_stopped_is_told_as_stopped_everywhere() {
    let (world, id) = stopped().await;
    world.turn(Span::minutes(2));
    let mut maya = world.signed_in("maya").await;
    let room = maya.get(&format!("/incidents/{id}")).await.words();
    assert!(room.contains("Stopped at T+0:10:"), "{room}");
    assert!(room.contains("Service Rollback not finished"), "{room}");
    assert!(room.contains("From start to stop T+0:10"), "{room}");
    let verify = maya.get(&format!("/incidents/{id}/verify")).await.words();
    assert!(verify.contains("Attempt 1 was stopped") && verify.contains("There is nothing to confirm"), "{verify}");
    assert!(!verify.contains("Criteria can be ticked") && !verify.contains("is aborted"), "{verify}");
    let now = maya.get("/").await.words();
    assert!(now.contains("T+0:10") && !now.contains("T+2:10"), "{now}");
}

/// At three in the morning a list of names tells nobody which one failed an hour ago.
#[tokio::test]
async fn whoever_goes_to_a_release_that_failed_before_is_warned_and_told_what_ran() {
    let (world, first) = succeeded().await;
    let close = Command::Close { outcome: Outcome::RolledBack, reason: "all is well".to_owned() };
    world.acts("maya", &first, close).await;
    let closed = world.signed_in("maya").await.get(&format!("/incidents/{first}/approve")).await.words();
    assert!(closed.contains("crisis-detection ran before") && !closed.contains("runs now"), "{closed}");

    let second = world.critical().await;
    let target = format!("release/crisis-detection/{BAD}");
    let form = [
        ("attempt", "1"),
        ("act", "submit"),
        ("kind", "full"),
        ("component", "crisis-detection"),
        ("reason", "it is the other way round"),
        ("target", target.as_str()),
    ];
    let done = world.signed_in("tomas").await.post(&format!("/incidents/{second}/plan"), &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    let failed = format!("{BAD} failed before: {first} rolled back from it, 2026-");
    let newer = format!("{BAD} is newer than {STABLE}, which runs now.");
    for page in ["plan", "approve"] {
        let words = world.signed_in("maya").await.get(&format!("/incidents/{second}/{page}")).await.words();
        assert!(words.contains(&failed) && words.contains(&newer), "{page}: {words}");
    }
    world.authorised(&second).await;
    world.runs(&second, "app-rollback").await;
    let begun = world.signed_in("maya").await.get(&format!("/incidents/{second}/approve")).await.words();
    assert!(!begun.contains("which runs now"), "it is being replaced: {begun}");
}

/// A plan of a release and a backup is submitted.
async fn restoring(world: &World) -> String {
    world.restoring(None).await
}

async fn impact_of(world: &World, id: &str) -> String {
    world.signed_in("helen").await.get(&format!("/incidents/{id}/impact")).await.words()
}

/// Between the approval and the word to start the world may have changed.
#[tokio::test]
async fn whoever_starts_a_restoration_reads_once_more_what_is_lost_by_it() {
    let world = World::new().await;
    let id = world.restoring(Some(StartMode::OnCommand)).await;
    world.authorised(&id).await;
    let words = world.signed_in("maya").await.get(&format!("/incidents/{id}")).await.words();
    let (_, start) = words.split_once("Everything is authorised. Starting changes production.").expect(&words);
    assert!(start.split("Start rollback").next().unwrap().contains(" ago, is lost."), "{start}");
}

#[tokio::test]
async fn a_restoration_that_was_stopped_before_it_began_has_lost_nothing() {
    let world = World::new().await;
    let id = restoring(&world).await;
    let planned = impact_of(&world, &id).await;
    assert!(planned.contains("Restoring the data from a backup") && planned.contains(" is lost."), "{planned}");
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.turn(Span::seconds(10));
    world.acts("maya", &id, Command::Stop { attempt: 1, reason: REASON.to_owned() }).await;
    world.ends(&id, &run, 143).await;
    let stopped = impact_of(&world, &id).await;
    assert!(stopped.contains("and was stopped"), "{stopped}");
    assert!(!stopped.contains("Restoring the data") && !stopped.contains(" lost"), "{stopped}");
}

/// Half of a plan has run: whoever is waited for must see for what, and not be told of a failure.
#[tokio::test]
async fn an_action_that_is_held_back_names_what_to_tick_before_and_after_it_is_authorised() {
    const ITEMS: [&str; 2] = ["Stop application writes", "Backup current database state"];
    let world = World::new().await;
    let id = restoring(&world).await;
    let mut maya = world.signed_in("maya").await;
    let approve = maya.get(&format!("/incidents/{id}/approve")).await.words();
    assert!(approve.contains(&format!("Waits until ticked: {}.", ITEMS.join("; "))), "{approve}");
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 0).await;
    assert!(world.app.incidents.claim(&id, 1, "database-rollback").await.unwrap().is_none());
    let room = format!("/incidents/{id}");
    let mut tomas = world.confirmed("tomas").await;
    let page = tomas.get(&room).await;
    let words = page.words();
    assert!(words.contains(&format!("Tick first: {}", ITEMS.join(", "))), "{words}");
    assert!(!words.contains("declare the failure"), "nothing has failed: {words}");
    let open: Vec<&str> = page.body.split("<details class=\"card fold\"").skip(1).collect();
    let step = open.iter().find(|list| list.contains(ITEMS[0])).unwrap();
    assert!(step.split('>').next().unwrap().contains(" open"), "the step to tick in is unfolded");
    let resume = [("attempt", "1"), ("action", "database-rollback")];
    let early = tomas.post(&format!("{room}/resume"), &resume).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.words());
    assert!(early.words().contains("must be ticked first"), "{}", early.words());
    let tick =
        |item: &str| Command::Tick { attempt: 1, item: item.to_owned(), mark: Mark::Done { note: String::new() } };
    world.acts("tomas", &id, tick("stop-writes")).await;
    let words = tomas.get(&room).await.words();
    assert!(words.contains(&format!("must be ticked first: {}.", ITEMS[1])), "what is left of them: {words}");
    world.acts("tomas", &id, tick("backup-current-state")).await;
    let words = tomas.get(&room).await.words();
    assert!(words.contains("Check again and go on: Restore the database from a backup"), "{words}");
    assert!(words.contains("Held back: what had to be ticked first is ticked by now."), "{words}");
    assert!(!words.contains("Tick first"), "all is ticked: {words}");
    assert_eq!(tomas.post(&format!("{room}/resume"), &resume).await.status, StatusCode::SEE_OTHER);
    world.runs(&id, "database-rollback").await;
}

/// The first action is the one that waits: the start is refused, and pressing it again would be of no use.
#[tokio::test]
async fn a_start_that_was_refused_for_open_items_names_them_to_who_ticks_them() {
    let world = World::new().await;
    let id = restoring(&world).await;
    let mut draft = world.app.incidents.incident(&id).await.unwrap().current().unwrap().draft.clone();
    draft.kind = RollbackType::Database;
    draft.targets.retain(|target| target.kind == TargetKind::Backup);
    world.acts("maya", &id, Command::EditPlan { attempt: 1, seen: None, draft }).await;
    world.acts("maya", &id, Command::SubmitPlan { attempt: 1 }).await;
    world.authorised(&id).await;
    let room = format!("/incidents/{id}");
    let mut tomas = world.signed_in("tomas").await;
    let page = tomas.get(&room).await;
    let words = page.words();
    assert!(words.contains("Tick first: Stop application writes, Backup current database state"), "{words}");
    let open: Vec<&str> = page.body.split("<details class=\"card fold\"").skip(1).collect();
    let step = open.iter().find(|list| list.contains("Stop application writes")).unwrap();
    assert!(step.split('>').next().unwrap().contains(" open"), "the step to tick in is unfolded");
    for item in ["stop-writes", "backup-current-state"] {
        let mark = Mark::Done { note: String::new() };
        world.acts("tomas", &id, Command::Tick { attempt: 1, item: item.to_owned(), mark }).await;
        let words = tomas.get(&room).await.words();
        let told = "The last check refused the start: these items must be ticked first: Backup current database state.";
        assert_eq!(words.contains(told), item == "stop-writes", "only what is open still: {words}");
    }
    let words = tomas.get(&room).await.words();
    assert!(!words.contains("Tick first") && !words.contains("refused the start"), "{words}");
    assert!(words.contains("to start the authorised rollback to"), "{words}");
}

/// Two actions side by side: one waits for items, the other breaks. Nobody is sent to tick while something is broken.
#[tokio::test]
async fn what_broke_is_not_hidden_behind_what_is_held_back_beside_it() {
    let world = World::new().await;
    let together = |executor: &str| format!("alternatives = [\"{executor}\"]\ngroup = \"both\"");
    let (app, data) = (together("app-by-hand"), together("database-by-hand"));
    world
        .playbook(&[
            ("alternatives = [\"app-by-hand\"]", app.as_str()),
            ("alternatives = [\"database-by-hand\"]", data.as_str()),
        ])
        .await;
    let id = restoring(&world).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    assert!(world.app.incidents.claim(&id, 1, "database-rollback").await.unwrap().is_none());
    let room = format!("/incidents/{id}");
    let mut tomas = world.signed_in("tomas").await;
    let held = tomas.get(&room).await;
    assert!(held.words().contains("Tick first: ") && !held.body.contains("stage-failed"), "{}", held.words());
    world.ends(&id, &run, 3).await;
    let broken = tomas.get(&room).await;
    let words = broken.words();
    assert!(words.contains("Retry, stop or declare the failure") && !words.contains("Tick first"), "{words}");
    assert!(broken.body.contains("stage-failed"), "{words}");
}

/// The playbook lets people carry out what a script cannot: what protects the data protects it from them too.
#[tokio::test]
async fn who_restores_by_hand_waits_for_the_same_items_as_the_script_would() {
    let world = World::new().await;
    world.playbook(&[("executor = \"database-rollback\"", "executor = \"database-by-hand\"")]).await;
    let id = restoring(&world).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 0).await;
    let room = format!("/incidents/{id}");
    let mut tomas = world.confirmed("tomas").await;
    let page = tomas.get(&room).await;
    let words = page.words();
    assert!(words.contains("Tick what comes first, then carry out by hand: Restore the database"), "{words}");
    assert!(words.contains("Held back: these items must be ticked first: Stop application writes, "), "{words}");
    assert!(!words.contains("Report that it succeeded"), "{words}");
    let open: Vec<&str> = page.body.split("<details class=\"card fold\"").skip(1).collect();
    let step = open.iter().find(|list| list.contains("Stop application writes")).unwrap();
    assert!(step.split('>').next().unwrap().contains(" open"), "the step to tick in is unfolded");
    let report =
        [("attempt", "1"), ("action", "database-rollback"), ("evidence", "the console"), ("outcome", "succeeded")];
    let early = tomas.post(&format!("{room}/by-hand"), &report).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.words());
    assert!(early.words().contains("must be ticked first"), "{}", early.words());
    for item in ["stop-writes", "backup-current-state"] {
        let mark = Mark::Done { note: String::new() };
        world.acts("tomas", &id, Command::Tick { attempt: 1, item: item.to_owned(), mark }).await;
    }
    let words = tomas.get(&room).await.words();
    assert!(words.contains("Carry out by hand: Restore the database") && !words.contains("ticked first"), "{words}");
    assert_eq!(tomas.post(&format!("{room}/by-hand"), &report).await.status, StatusCode::SEE_OTHER);
    let verifying = world.app.incidents.incident(&id).await.unwrap();
    assert_eq!(verifying.current().unwrap().status(), AttemptStatus::Verifying);
}

/// Nothing goes on by itself where people do the first thing.
#[tokio::test]
async fn a_rollback_that_people_begin_by_hand_waits_for_them_and_says_so() {
    let world = World::new().await;
    world.playbook(&[("executor = \"app-rollback\"", "executor = \"app-by-hand\"")]).await;
    let id = world.critical().await;
    let ordered = world.authorised(&id).await;
    assert!(ordered.current().unwrap().start_ordered.is_some());
    let words = world.signed_in("tomas").await.get(&format!("/incidents/{id}")).await.words();
    assert!(words.contains("Carry out by hand: Deploy the previous application version"), "{words}");
    assert!(!words.contains("nobody is waited for"), "{words}");
    let update = world.signed_in("maya").await.get(&format!("/incidents/{id}/update")).await.words();
    assert!(update.contains("people, who carry it out by hand: Deploy the previous"), "{update}");
    const ASK: &str = "People may be doing this by hand already: Deploy the previous application version";
    let plan = format!("/incidents/{id}/plan");
    let words = world.signed_in("tomas").await.get(&plan).await.words();
    assert!(words.contains(ASK), "whoever would change the plan asks first: {words}");
    world.acts("maya", &id, Command::Stop { attempt: 1, reason: "wait".to_owned() }).await;
    let words = world.signed_in("tomas").await.get(&plan).await.words();
    assert!(!words.contains(ASK), "{words}");
}

/// A signature runs out while nobody gives the word: whoever signed must sign again, and is told so.
#[tokio::test]
async fn whose_approval_has_run_out_is_asked_to_authorise_again_and_not_to_wait() {
    let world = World::new().await;
    let id = world.restoring(Some(StartMode::OnCommand)).await;
    world.authorised(&id).await;
    world.turn(Span::minutes(31));
    let mut maya = world.signed_in("maya").await;
    let room = maya.get(&format!("/incidents/{id}")).await.words();
    assert!(!room.contains("Nothing for you right now"), "{room}");
    assert!(room.contains("Authorise the rollback to 4.11.3, restoring bk-20260305 again"), "{room}");
    assert!(room.contains("Read and authorise…"), "{room}");
    let tomas = world.signed_in("tomas").await.get(&format!("/incidents/{id}")).await.words();
    assert!(tomas.contains("Waiting for Maya Okafor to authorise the rollback to 4.11.3"), "{tomas}");
    world.authorised(&id).await;
    let room = maya.get(&format!("/incidents/{id}")).await.words();
    assert!(room.contains("Start the rollback to 4.11.3") && !room.contains("bk-20260305 again"), "{room}");
}

#[tokio::test]
async fn whoever_starts_reads_once_more_that_a_target_was_typed_by_hand() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut draft = world.app.incidents.incident(&id).await.unwrap().current().unwrap().draft.clone();
    draft.targets[0].name = "4.11.2-hotfix".to_owned();
    draft.targets[0].checksum = String::new();
    draft.targets[0].free_text = true;
    draft.reason = "nothing else is left".to_owned();
    draft.start = Some(StartMode::OnCommand);
    world.acts("maya", &id, Command::EditPlan { attempt: 1, seen: None, draft }).await;
    world.acts("maya", &id, Command::SubmitPlan { attempt: 1 }).await;
    const TYPED: &str = "4.11.2-hotfix was typed by hand: no register knows this target.";
    let mut maya = world.signed_in("maya").await;
    let approve = maya.get(&format!("/incidents/{id}/approve")).await.words();
    assert!(approve.contains(TYPED), "{approve}");
    world.authorised(&id).await;
    let words = maya.get(&format!("/incidents/{id}")).await.words();
    let (_, start) = words.split_once("Everything is authorised. Starting changes production.").expect(&words);
    assert!(start.split("Start rollback").next().unwrap().contains(TYPED), "{start}");
}

/// Who reads that the data is gone already has no reason left to spare it.
#[tokio::test]
async fn a_restoration_that_was_declined_or_failed_before_it_began_has_lost_nothing() {
    let (world, reason) = (World::new().await, REASON.to_owned());
    let id = restoring(&world).await;
    let digest = world.digest(&id).await;
    world.acts("maya", &id, Command::Decline { attempt: 1, digest, reason: reason.clone() }).await;
    let declined = impact_of(&world, &id).await;
    assert!(declined.contains("was declined") && !declined.contains(" lost"), "{declined}");
    let world = World::new().await;
    let id = restoring(&world).await;
    world.acts("maya", &id, Command::WithdrawPlan { attempt: 1, reason: reason.clone() }).await;
    let withdrawn = impact_of(&world, &id).await;
    assert!(withdrawn.contains("is no longer planned") && !withdrawn.contains(" lost"), "{withdrawn}");
    let world = World::new().await;
    let id = restoring(&world).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 3).await;
    world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason }).await;
    let failed = impact_of(&world, &id).await;
    assert!(failed.contains("and did not help") && !failed.contains(" lost"), "{failed}");
}

/// Nobody sees what hands have begun: what they were told to do counts as done.
#[tokio::test]
async fn a_restoration_by_hand_that_was_stopped_may_have_lost_everything() {
    let (by_machine, by_hand) = ("executor = \"database-rollback\"", "executor = \"database-by-hand\"");
    let world = World::new().await;
    world.playbook(&[(by_machine, by_hand)]).await;
    let id = restoring(&world).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 0).await;
    world.acts("maya", &id, Command::Stop { attempt: 1, reason: REASON.to_owned() }).await;
    let stopped = impact_of(&world, &id).await;
    assert!(stopped.contains("Restoring the data from a backup"), "{stopped}");
    assert!(stopped.contains(" may be lost: a restoration began") && !stopped.contains(" is lost"), "{stopped}");
    let register = world.app.store.registered(ENVIRONMENT, COMPONENT).await.unwrap();
    let doubtful = register.iter().filter(|line| line.kind == "release").all(|line| line.restored_at.is_some());
    assert!(doubtful, "{register:?}");
}

/// Their plan is changed, sent back or loses a signature while they may be at work: what they did is told no more.
#[tokio::test]
async fn a_plan_that_is_taken_from_hands_at_work_leaves_the_same_doubt() {
    for taken in ["changed", "sent back", "unsigned"] {
        let world = World::new().await;
        world.playbook(&[("executor = \"database-rollback\"", "executor = \"database-by-hand\"")]).await;
        let id = restoring(&world).await;
        let mut draft = world.app.incidents.incident(&id).await.unwrap().current().unwrap().draft.clone();
        draft.kind = RollbackType::Database;
        draft.targets.retain(|target| target.kind == TargetKind::Backup);
        world.acts("maya", &id, Command::EditPlan { attempt: 1, seen: None, draft: draft.clone() }).await;
        world.acts("maya", &id, Command::SubmitPlan { attempt: 1 }).await;
        assert!(world.authorised(&id).await.current().unwrap().start_ordered.is_some());
        let doubtful = async || {
            let register = world.app.store.registered(ENVIRONMENT, COMPONENT).await.unwrap();
            register.iter().filter(|line| line.kind == "release").all(|line| line.restored_at.is_some())
        };
        assert!(!doubtful().await);
        let (reason, digest) = (REASON.to_owned(), world.digest(&id).await);
        let command = match taken {
            "changed" => {
                draft.fallback = "Call the vendor.".to_owned();
                Command::EditPlan { attempt: 1, seen: None, draft }
            }
            "sent back" => Command::RequestChanges { attempt: 1, digest, reason },
            _ => Command::WithdrawApproval { attempt: 1, digest },
        };
        world.acts("maya", &id, command).await;
        assert!(doubtful().await, "{taken}");
    }
}

#[tokio::test]
async fn no_lock_names_somebody_who_has_no_such_button_either() {
    let (world, id) = stopped().await;
    for login in ["maya", "tomas", "olga"] {
        let words = world.signed_in(login).await.get(&format!("/incidents/{id}")).await.words();
        assert!(!words.contains("Run it again"), "{login}: {words}");
        assert!(!words.contains("Stop rollback"), "{login}: {words}");
        let words = world.signed_in(login).await.get(&format!("/incidents/{id}/verify")).await.words();
        assert!(!words.contains("this is for the technical lead"), "{login}: {words}");
    }
}

#[tokio::test]
async fn a_vacant_place_does_not_make_a_lock_that_nobody_could_open() {
    let world = World::new().await;
    let id = world.raised("crisis-detection", "Crisis detection stopped flagging messages").await;
    world.acts("maya", &id, Command::TakeRole { role: Role::IncidentCommander }).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    let room = format!("/incidents/{id}");
    world.acts("maya", &id, Command::Stop { attempt: 1, reason: REASON.to_owned() }).await;
    let outcome = RunOutcome { end: RunEnd::Cancelled, lines: 0, log_sha256: "ab".repeat(32), log_cut: false };
    world.system(&id, Command::FinishRun { run, outcome }).await;
    for login in ["maya", "tomas", "olga"] {
        let words = world.signed_in(login).await.get(&room).await.words();
        assert!(!words.contains("Run it again"), "whoever took the lead had no such button either, {login}: {words}");
        assert!(!words.contains("Broken"), "it was stopped: {words}");
        let words = world.signed_in(login).await.get(&format!("{room}/stop")).await.words();
        assert!(!words.contains("What stopping does"), "{login}: {words}");
        assert!(words.contains("It was stopped"), "{login}: {words}");
        let words = world.signed_in(login).await.get(&format!("{room}/impact")).await.words();
        assert!(words.contains("One part of it was stopped.") && !words.contains("of it failed"), "{login}: {words}");
        let words = world.signed_in(login).await.get(&format!("{room}/verify")).await.words();
        assert!(!words.contains("verification is for one"), "the verdict says it: {words}");
    }
}

#[tokio::test]
async fn a_vacant_place_that_would_open_the_way_is_named() {
    let world = World::new().await;
    let id = world.raised("crisis-detection", "Crisis detection stopped flagging messages").await;
    world.acts("maya", &id, Command::TakeRole { role: Role::IncidentCommander }).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 3).await;
    for login in ["maya", "tomas"] {
        let words = world.signed_in(login).await.get(&format!("/incidents/{id}")).await.words();
        assert!(words.contains("Run it again No, because this is for the technical lead (vacant)"), "{login}: {words}");
    }
}

#[tokio::test]
async fn what_somebody_else_can_do_still_says_who() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 3).await;
    let words = world.signed_in("maya").await.get(&format!("/incidents/{id}")).await.words();
    assert!(
        words.contains("Run it again No, because this is for the technical lead (Tomás Rivera)"),
        "the lead has this button: {words}"
    );
}

#[tokio::test]
async fn a_plan_that_waits_is_not_called_withdrawn() {
    let world = World::new().await;
    let id = world.critical().await;
    let path = format!("/incidents/{id}/stop");
    let mut maya = world.signed_in("maya").await;
    let words = maya.get(&path).await.words();
    assert!(words.contains("The plan stands as it is") && !words.contains("is withdrawn"), "{words}");
    world.authorised(&id).await;
    let words = maya.get(&path).await.words();
    assert!(words.contains("stopping withdraws the plan"), "{words}");
}

#[tokio::test]
async fn a_slot_of_a_vacant_place_waits_for_whoever_takes_it() {
    let world = World::new().await;
    let id = world.raised("crisis-detection", "Crisis detection stopped flagging messages").await;
    let words = world.signed_in("olga").await.get(&format!("/incidents/{id}")).await.words();
    assert!(words.contains("Waits for whoever takes command: Maya Okafor or Noor Aziz"), "{words}");
    assert!(!words.contains("Nobody can fill this") && !words.contains("Blocked"), "{words}");
}

#[tokio::test]
async fn after_the_success_the_clock_of_the_rollback_stands() {
    let (world, id) = succeeded().await;
    world.turn(Span::minutes(9));
    let mut maya = world.signed_in("maya").await;
    let room = maya.get(&format!("/incidents/{id}")).await.words();
    assert!(room.contains("From start to success T+0:50") && !room.contains("Rollback running"), "{room}");
    let now = maya.get("/").await.words();
    assert!(now.contains("T+0:50") && !now.contains("T+9:50"), "{now}");
    let closing = Command::Close { outcome: Outcome::RolledBack, reason: "all is well".to_owned() };
    world.acts("maya", &id, closing).await;
    let room = maya.get(&format!("/incidents/{id}")).await.words();
    assert!(room.contains("From start to close"), "{room}");
}

#[tokio::test]
async fn whoever_could_lead_takes_the_place_before_the_plan() {
    let world = World::new().await;
    let id = world.raised("error-rate", "Error rate above 10 %").await;
    world.acts("maya", &id, Command::TakeRole { role: Role::IncidentCommander }).await;
    let digest = world.digest(&id).await;
    let reason = "another target".to_owned();
    world.acts("maya", &id, Command::RequestChanges { attempt: 1, digest, reason }).await;
    let mut tomas = world.signed_in("tomas").await;
    let words = tomas.get(&format!("/incidents/{id}")).await.words();
    assert!(words.contains("You, as technical lead Take the place of the technical lead"), "{words}");
    tomas.post(&format!("/incidents/{id}/take-role"), &[("role", "technical_lead")]).await;
    let words = tomas.get(&format!("/incidents/{id}")).await.words();
    assert!(words.contains("You, as technical lead Change the plan to 4.11.3 as asked, and submit it"), "{words}");
}

#[tokio::test]
async fn the_report_uses_what_was_said_and_measured() {
    let (world, id) = succeeded().await;
    let said = ImpactSaid {
        felt: "messages are not flagged".to_owned(),
        people: Some(1_284),
        people_note: "wrote meanwhile".to_owned(),
        ..ImpactSaid::default()
    };
    world.acts("helen", &id, Command::DescribeImpact(said)).await;
    let report = world.signed_in("maya").await.get(&format!("/incidents/{id}/report")).await.words();
    assert!(report.contains("1,284 people (wrote meanwhile, said by Helen Brandt)"), "{report}");
    assert!(report.contains("not marked as seen") && !report.contains("not judged"), "{report}");
    assert!(report.contains("as success was confirmed, 100 % at T+0"), "{report}");
}

#[tokio::test]
async fn a_breach_that_no_incident_is_open_for_is_told_and_leads_to_a_start() {
    let world = World::new().await;
    let incidents = &world.app.incidents;
    let mut read = incidents.store.read().await.unwrap();
    let (_, procedure) = incidents.playbooks.current_read(&mut read).await.unwrap();
    drop(read);
    let Detection::Metric { condition, .. } = &procedure.trigger("error-rate").unwrap().detection else {
        panic!("it is measured");
    };
    let mut watch = Watch::unseen(world.now());
    for ago in (0..=400).rev().step_by(5) {
        watch = condition.advance(&watch, Some(1_000_000), world.now() - Span::seconds(ago));
    }
    let state = TriggerState {
        key: format!("{ENVIRONMENT}/{COMPONENT}/error-rate"),
        state: "breached".into(),
        since: world.now(),
        body: serde_json::to_string(&watch).unwrap(),
        updated_at: world.now(),
    };
    world.app.store.put_trigger_state(&state).await.unwrap();
    world.probed(400, 0, |_| false).await;
    let mut maya = world.signed_in("maya").await;
    let now = maya.get("/").await;
    assert!(now.words().contains("is still breached: 100 % now No incident is open for it."), "{}", now.words());
    assert!(!now.words().contains("Nothing waits for you"), "{}", now.words());
    let start = format!("/start?trigger=error-rate&place={ENVIRONMENT}%2F{COMPONENT}");
    assert!(now.body.replace("&#38;", "&").replace("&amp;", "&").contains(&start), "{}", now.body);
    let page = maya.get(&start).await.body;
    let chosen = |value: &str| page.split(&format!("value=\"{value}\"")).nth(1).unwrap().split('>').next().unwrap();
    assert!(chosen("error-rate").contains("checked"), "{page}");
    world.raised("error-rate", "Error rate above 10 %").await;
    let now = maya.get("/").await.words();
    assert!(!now.contains("is still breached"), "its incident is open: {now}");
}

#[tokio::test]
async fn one_item_stands_once() {
    let world = World::new().await;
    let id = world.critical().await;
    let words = world.signed_in("maya").await.get(&format!("/incidents/{id}")).await.words();
    assert!(words.contains("Proven by Backout: Verify backup availability"), "{words}");
    assert!(!words.contains("Not part of this kind of rollback: Verify backup availability"), "{words}");
}

#[tokio::test]
async fn the_plans_digest_stands_there_as_a_digest_and_what_it_covers_in_words() {
    let world = World::new().await;
    let id = world.critical().await;
    let digest = world.digest(&id).await;
    let page = world.signed_in("maya").await.get(&format!("/incidents/{id}/approve")).await.words();
    assert!(page.contains(&format!("Plan digest {digest}")) && page.contains("SHA-256 over"), "{page}");
    assert!(!page.contains(&format!("SHA-256 {digest}")), "{page}");
}

/// A correction went out elsewhere, and nobody looked whether it helps: the summary says what is measured, not only what was.
#[tokio::test]
async fn what_was_closed_without_anybody_confirming_it_says_what_is_measured() {
    let (world, id) = stopped().await;
    world.probed(60, 0, |_| false).await;
    let close = Command::Close { outcome: Outcome::FixedForward, reason: "4.12.1 is out".to_owned() };
    world.acts("maya", &id, close).await;
    let told = impact_of(&world, &id).await;
    assert!(told.contains("until it was closed, and may be still"), "{told}");
    assert!(told.contains("Nobody confirmed here that it was over. Measured then: "), "{told}");
    let (_, now) = told.split_once("Measured now: ").expect(&told);
    assert!(now.contains("error rate 100"), "{told}");
    world.turn(Span::hours(25));
    let told = impact_of(&world, &id).await;
    assert!(told.contains("Measured then: ") && !told.contains("Measured now"), "{told}");
    // Confirmed is confirmed.
    let (world, id) = succeeded().await;
    let close = Command::Close { outcome: Outcome::RolledBack, reason: "all is well".to_owned() };
    world.acts("maya", &id, close).await;
    assert!(!impact_of(&world, &id).await.contains("Nobody confirmed"));
}
