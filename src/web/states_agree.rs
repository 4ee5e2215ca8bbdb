//! In what state an incident is, every page says alike: whom it waits for, for what, and that nothing waits any more.

use crate::domain::Span;
use crate::domain::command::Command;
use crate::domain::event::Mark;
use crate::domain::procedure::StartMode;
use crate::domain::state::IndicatorSign;
use crate::domain::waits::{Awaited, Task};
use crate::web::sample::{BACKUP, COMPONENT, ENVIRONMENT, STABLE, World};
use crate::web::wall::tests::screen;

async fn words(world: &World, login: &str, path: &str) -> String {
    world.signed_in(login).await.get(path).await.words()
}

/// An action is held back for items, and they are ticked.
#[tokio::test]
async fn once_the_items_are_ticked_nobody_is_said_to_tick_and_all_know_who_goes_on() {
    let world = World::new().await;
    let id = world.restoring(None).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 0).await;
    assert!(world.app.incidents.claim(&id, 1, "database-rollback").await.unwrap().is_none());
    let (room, update) = (format!("/incidents/{id}"), format!("/incidents/{id}/update"));
    let told = words(&world, "maya", &update).await;
    assert!(told.contains("Waiting for: Tomás Rivera to tick first: Stop application writes, "), "{told}");
    for item in ["stop-writes", "backup-current-state"] {
        let mark = Mark::Done { note: String::new() };
        world.acts("tomas", &id, Command::Tick { attempt: 1, item: item.to_owned(), mark }).await;
    }
    for (login, path) in [("tomas", &room), ("maya", &room), ("helen", &room), ("maya", &update)] {
        let told = words(&world, login, path).await;
        assert!(!told.contains("ick first") && !told.contains("Held back: these items"), "{login} {path}: {told}");
    }
    let told = words(&world, "tomas", &room).await;
    assert!(told.contains("is ticked by now. Press “Check again and go on”."), "{told}");
    let told = words(&world, "helen", &room).await;
    assert!(told.contains("Waiting for Tomás Rivera to check again and go on: Restore the database"), "{told}");
    assert!(told.contains("Tomás Rivera presses “Check again and go on”."), "{told}");
    let told = words(&world, "maya", &update).await;
    assert!(told.contains("Waiting for: Tomás Rivera to check again and go on: Restore"), "{told}");
}

/// A failure indicator that is seen is a question to those who may declare the failure, and no secret to the others.
#[tokio::test]
async fn a_failure_indicator_that_is_seen_stands_before_everything_else_everywhere() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let plan = world.app.incidents.incident(&id).await.unwrap().current().unwrap().plan().unwrap().clone();
    for action in &plan.actions {
        let run = world.runs(&id, &action.name).await;
        world.ends(&id, &run, 0).await;
    }
    let marked = |sign| Command::MarkIndicator {
        attempt: 1,
        indicator: "application-failing".to_owned(),
        sign,
        note: "logins fail".to_owned(),
    };
    world.acts("tomas", &id, marked(IndicatorSign::Seen)).await;
    let room = format!("/incidents/{id}");
    const DECIDE: &str = "Decide whether it failed: 1 failure indicator is seen Tomás Rivera saw “Application still \
                          failing” at 03:14:28 UTC: logins fail.";
    for login in ["tomas", "maya"] {
        let told = words(&world, login, &room).await;
        assert!(told.contains(DECIDE) && !told.contains("erify 4.11.3"), "{login}: {told}");
        let page = world.signed_in(login).await.get(&room).await.body;
        assert!(page.contains(&format!("href=\"{room}/verify#decision\"")), "{login}");
    }
    let verify = words(&world, "tomas", &format!("{room}/verify")).await;
    assert!(verify.contains(DECIDE) && !verify.contains("Tick the 6 remaining"), "{verify}");
    let told = words(&world, "helen", &room).await;
    assert!(told.contains("Waiting for Tomás Rivera to decide whether it failed: 1 failure indicator"), "{told}");
    let told = words(&world, "maya", &format!("{room}/update")).await;
    assert!(told.contains("Rivera or Maya Okafor to decide whether it failed, because this was seen: “App"), "{told}");
    let told = words(&world, "helen", &format!("{room}/impact")).await;
    assert!(told.contains("Application still failing: seen at 03:14 UTC"), "{told}");
    world.acts("tomas", &id, marked(IndicatorSign::NotSeen)).await;
    for path in [room.clone(), format!("{room}/update"), format!("{room}/impact")] {
        let told = words(&world, "maya", &path).await;
        assert!(
            !told.contains("ecide whether it failed")
                && !told.contains("still failing: seen")
                && !told.contains("this was seen"),
            "{path}: {told}"
        );
    }
}

/// The time to verify it passes, and nobody has said how it went.
#[tokio::test]
async fn when_the_time_to_verify_is_over_every_page_asks_whether_it_failed_until_somebody_says() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let plan = world.app.incidents.incident(&id).await.unwrap().current().unwrap().plan().unwrap().clone();
    for action in &plan.actions {
        let run = world.runs(&id, &action.name).await;
        world.ends(&id, &run, 0).await;
    }
    let (room, verify) = (format!("/incidents/{id}"), format!("/incidents/{id}/verify"));
    let before = words(&world, "tomas", &verify).await;
    assert!(before.contains("Tick the 6 remaining") && !before.contains("time to verify it is over"), "{before}");
    world.turn(Span::minutes(30));
    world.system(&id, Command::CallForVerdict { attempt: 1 }).await;
    const ASKED: &str = "Confirm success or declare failure: the time to verify it is over It was to be verified by \
                         03:44:28 UTC.";
    for (login, page) in [("tomas", &room), ("maya", &room), ("tomas", &verify)] {
        let told = words(&world, login, page).await;
        assert!(told.contains(ASKED) && !told.contains("Tick the 6 remaining"), "{login} {page}: {told}");
        let page = world.signed_in(login).await.get(page).await.body;
        assert!(page.contains(&format!("href=\"{verify}#decision\"")), "{login}");
    }
    let told = words(&world, "helen", &room).await;
    assert!(told.contains("Waiting for Tomás Rivera to confirm success or declare failure: the time to"), "{told}");
    let told = words(&world, "maya", &format!("{room}/update")).await;
    assert!(told.contains("Maya Okafor to decide whether it failed, because it was to be verified by 03:44"), "{told}");
    let told = words(&world, "helen", &format!("{room}/impact")).await;
    assert!(told.contains("Verification: not confirmed by 03:44 UTC, when it was due"), "{told}");
    let told = words(&world, "helen", &format!("{room}/timeline")).await;
    assert!(told.contains("Backout asked for the verdict on attempt 1"), "{told}");
    world.acts("maya", &id, Command::DeclareFailed { attempt: 1, reason: "logins fail".to_owned() }).await;
    for path in [room.clone(), format!("{room}/update"), format!("{room}/impact")] {
        let told = words(&world, "maya", &path).await;
        let asks = told.contains("time to verify it is over") || told.contains("to be verified by");
        assert!(!asks && !told.contains("when it was due"), "{path}: {told}");
    }
}

/// What is withdrawn or declined asks nobody for anything, and has nothing left to begin.
#[tokio::test]
async fn a_plan_that_was_withdrawn_or_declined_is_open_to_nobody_and_lists_nothing_to_begin() {
    for withdrawn in [true, false] {
        let world = World::new().await;
        let id = world.critical().await;
        let (room, reason) = (format!("/incidents/{id}"), "the wrong version".to_owned());
        let before = words(&world, "tomas", &room).await;
        assert!(before.contains("Open to Maya Okafor") && before.contains("What runs"), "{before}");
        let digest = world.digest(&id).await;
        let (login, word, end) = if withdrawn {
            ("tomas", "Withdrawn", Command::WithdrawPlan { attempt: 1, reason })
        } else {
            ("maya", "Declined", Command::Decline { attempt: 1, digest, reason })
        };
        world.acts(login, &id, end).await;
        for page in [room.clone(), format!("{room}/approve")] {
            let told = words(&world, "tomas", &page).await;
            assert!(!told.contains("Open to ") && !told.contains("Not begun") && !told.contains("Decided"), "{told}");
            assert!(told.contains("Not signed") || !told.contains("authorises"), "{told}");
        }
        let told = words(&world, "tomas", &room).await;
        assert!(told.contains(&format!("Decision {word}")) && !told.contains("What runs"), "{told}");
    }
}

#[tokio::test]
async fn what_is_authorised_and_waits_for_the_word_to_start_waits_for_no_approval() {
    let world = World::new().await;
    let id = world.restoring(Some(StartMode::OnCommand)).await;
    world.authorised(&id).await;
    let room = format!("/incidents/{id}");
    for page in [room.clone(), format!("{room}/impact"), format!("{room}/update"), "/rollbacks".to_owned()] {
        let told = words(&world, "helen", &page).await;
        let told = told.to_lowercase();
        assert!(told.contains("authorised, not started") && !told.contains("waiting for approval"), "{page}: {told}");
    }
}

/// Who sends a plan back says why to whoever must change it.
#[tokio::test]
async fn changes_that_were_asked_for_stand_before_who_must_change_the_plan_until_it_is_submitted() {
    let world = World::new().await;
    let id = world.critical().await;
    let digest = world.digest(&id).await;
    let reason = "leave the database out".to_owned();
    world.acts("maya", &id, Command::RequestChanges { attempt: 1, digest, reason }).await;
    const ASKED: &str = "Maya Okafor asked for changes at 03:14:28 UTC: leave the database out.";
    let room = format!("/incidents/{id}");
    for page in ["", "/plan", "/approve"] {
        let told = words(&world, "tomas", &format!("{room}{page}")).await;
        assert!(told.contains(ASKED), "{page}: {told}");
    }
    let told = words(&world, "tomas", &room).await;
    assert!(told.contains("Change the plan to 4.11.3 as asked, and submit it"), "{told}");
    let told = words(&world, "tomas", "/").await;
    assert!(told.contains("Change the plan to 4.11.3 as asked"), "{told}");
    let told = words(&world, "maya", &format!("{room}/update")).await;
    assert!(told.contains("by Tomás Rivera, changed as Maya Okafor asked"), "{told}");
    let mut draft = world.app.incidents.incident(&id).await.unwrap().current().unwrap().draft.clone();
    draft.fallback = "call the database team".to_owned();
    world.acts("tomas", &id, Command::EditPlan { attempt: 1, seen: None, draft }).await;
    assert!(words(&world, "tomas", &format!("{room}/plan")).await.contains(ASKED), "it is a draft still");
    world.acts("tomas", &id, Command::SubmitPlan { attempt: 1 }).await;
    for page in ["", "/plan"] {
        let told = words(&world, "tomas", &format!("{room}{page}")).await;
        assert!(!told.contains(ASKED), "{page}: {told}");
    }
    let mut draft = world.app.incidents.incident(&id).await.unwrap().current().unwrap().draft.clone();
    draft.fallback = "call everybody".to_owned();
    world.acts("tomas", &id, Command::EditPlan { attempt: 1, seen: None, draft }).await;
    let told = words(&world, "tomas", &format!("{room}/plan")).await;
    assert!(!told.contains(ASKED), "what was answered is not asked of the next draft: {told}");
}

/// A rollback ran, did not help, and its failure is declared.
async fn failed() -> (World, String) {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 0).await;
    world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason: "it goes on".to_owned() }).await;
    (world, id)
}

#[tokio::test]
async fn after_a_failure_both_ways_stand_apart_and_the_restoration_names_release_and_backup() {
    let (world, id) = failed().await;
    let room = format!("/incidents/{id}");
    let told = words(&world, "maya", &room).await;
    let (another, restoration) = told.split_once("Full restoration from backup").expect(&told);
    let (_, another) = another.split_once("Another rollback").expect(&told);
    // The service said, as it was deployed, which release runs.
    let mut tx = world.app.store.begin().await.unwrap();
    assert!(tx.runs_again(ENVIRONMENT, COMPONENT, STABLE, world.now()).await.unwrap());
    tx.commit().await.unwrap();
    assert!(another.contains("Plan another rollback…") && !another.contains("scalate"), "{another}");
    assert!(restoration.contains("The playbook’s way: escalate to full system restoration"), "{restoration}");
    world.acts("maya", &id, Command::DraftRestoration { escalates: 1, backup: BACKUP.to_owned() }).await;
    let both = format!("{STABLE}, restoring {BACKUP}");
    let told = words(&world, "tomas", &room).await;
    assert!(told.contains(&format!("crisis-detection {both}")), "the head: {told}");
    assert!(told.contains(&format!("Check and submit the plan to {both}")), "the band: {told}");
    world.acts("tomas", &id, Command::SubmitPlan { attempt: 2 }).await;
    let told = words(&world, "maya", &format!("{room}/approve")).await;
    assert!(told.contains(&format!("runs now {STABLE} the same release is deployed once more: it stays")), "{told}");
}

/// Who looks for the way back must not read it as going on with the stop.
#[tokio::test]
async fn the_way_back_from_stopping_says_that_the_rollback_goes_on() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    world.runs(&id, "app-rollback").await;
    let told = words(&world, "maya", &format!("/incidents/{id}/stop")).await;
    assert!(told.contains("Let it run") && !told.contains("Go on with it"), "{told}");
    assert!(told.contains("What “Deploy the previous application version” has changed since"), "{told}");
}

/// An item is called required where the start or an action waits for it, and nowhere else.
#[tokio::test]
async fn only_what_holds_something_back_is_called_required() {
    let world = World::new().await;
    let item = "text = \"Assess data migration needs\"\nowner = \"technical_lead\"\n";
    world.playbook(&[(&format!("{item}required = false\n"), item)]).await;
    let id = world.restoring(None).await;
    let room = format!("/incidents/{id}");
    let required = async |text: &str| {
        let body = world.signed_in("tomas").await.get(&room).await.body;
        let row = body.split("<li class=\"check ").skip(1).find(|row| row.contains(text)).expect(text).to_owned();
        row.split("</p>").any(|part| part.contains("check-who") && part.contains("required"))
    };
    assert!(required("Assess data migration needs").await, "the start waits for it");
    assert!(required("Stop application writes").await, "the restoration waits for it");
    for check in ["Database connectivity", "Revert configuration changes", "Resume application writes"] {
        assert!(!required(check).await, "{check} holds nothing back");
    }
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 0).await;
    assert!(required("Stop application writes").await);
    ticked(&world, &id, &["stop-writes", "backup-current-state"]).await;
    let run = world.runs(&id, "database-rollback").await;
    world.ends(&id, &run, 0).await;
    world.acts("tomas", &id, Command::Untick { attempt: 1, item: "stop-writes".to_owned() }).await;
    assert!(!required("Stop application writes").await, "what waited for it is done");
}

/// Half of a restoration ran; the rest is held back, because two items are open.
async fn held_back() -> (World, String) {
    let world = World::new().await;
    let id = world.restoring(None).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 0).await;
    assert!(world.app.incidents.claim(&id, 1, "database-rollback").await.unwrap().is_none());
    (world, id)
}

async fn ticked(world: &World, id: &str, items: &[&str]) {
    for item in items {
        let mark = Mark::Done { note: String::new() };
        world.acts("tomas", id, Command::Tick { attempt: 1, item: (*item).to_owned(), mark }).await;
    }
}

/// Whoever ticked one of them must not read that it is asked for still, on whatever page.
#[tokio::test]
async fn of_several_items_only_those_that_are_open_are_asked_for() {
    let (world, id) = held_back().await;
    let room = format!("/incidents/{id}");
    let all = "ick first: Stop application writes, Backup current database state";
    let pages = [("tomas", room.clone()), ("tomas", "/".to_owned()), ("maya", format!("{room}/update"))];
    for (login, page) in &pages {
        assert!(words(&world, login, page).await.contains(all), "{login} {page}");
    }
    ticked(&world, &id, &["stop-writes"]).await;
    for (login, page) in &pages {
        let told = words(&world, login, page).await;
        assert!(!told.contains("ick first: "), "{login} {page}: {told}");
        assert!(told.contains("ick what is left first, for: Restore the database from a backup"), "{page}: {told}");
    }
    let told = words(&world, "tomas", &room).await;
    let named = "These items must be ticked first: Backup current database state.";
    assert_eq!(told.matches(named).count() + told.matches(&named.replace('T', "t")).count(), 2, "{told}");
}

/// A button that is gone must not be asked for, and what never ran is not on its way.
#[tokio::test]
async fn what_ended_while_an_action_was_held_back_asks_nobody_to_go_on() {
    let reason = || "it goes on".to_owned();
    for (end, items) in [
        (Command::DeclareFailed { attempt: 1, reason: reason() }, &["stop-writes", "backup-current-state"][..]),
        (Command::DeclareFailed { attempt: 1, reason: reason() }, &[]),
        (Command::Stop { attempt: 1, reason: reason() }, &[]),
    ] {
        let (world, id) = held_back().await;
        ticked(&world, &id, items).await;
        world.acts("tomas", &id, end).await;
        for login in ["tomas", "maya"] {
            let told = words(&world, login, &format!("/incidents/{id}")).await;
            assert!(!told.contains("Held back") && !told.contains("Check again and go on"), "{login}: {told}");
            assert!(told.contains("Not begun 2. Restore the database from a backup"), "{login}: {told}");
        }
    }
}

/// Nobody starts what was signed too long ago, and no page may send anybody to wait for the start.
#[tokio::test]
async fn an_approval_that_ran_out_is_told_as_such_everywhere_with_who_authorises_again() {
    let world = World::new().await;
    let id = world.restoring(Some(StartMode::OnCommand)).await;
    world.authorised(&id).await;
    let (room, mut wall) = (format!("/incidents/{id}"), screen(&world, "technical").await.0);
    let now = world.signed_in("maya").await.get("/").await.body;
    assert!(now.contains("data-turns=\"2026-03-05T03:44:28"), "the page looks again at that moment: {now}");
    world.turn(Span::minutes(31));
    const AGAIN: &str =
        "uthorise the rollback to 4.11.3, restoring bk-20260305 again: the approval ran out at 03:44:28 UTC";
    let now = words(&world, "maya", "/").await;
    assert!(now.contains(&format!("A{AGAIN}")) && now.contains("You: Authorise the rollback"), "{now}");
    let list = words(&world, "olga", "/rollbacks").await;
    let screen = wall.get("/wall").await.words();
    assert!(screen.contains(&format!("Waiting for the incident commander to a{AGAIN}")), "{screen}");
    let impact = words(&world, "helen", &format!("{room}/impact")).await;
    assert!(impact.contains("has not begun: what was authorised ran out at 03:44 UTC."), "{impact}");
    assert!(impact.contains("It waits for Maya Okafor to authorise it again."), "{impact}");
    let update = words(&world, "maya", &format!("{room}/update")).await;
    let told = "Waiting for: approval by incident commander (Maya Okafor) again, as it ran out at 03:44:28 UTC";
    assert!(update.contains(told), "{update}");
    let tomas = words(&world, "tomas", &room).await;
    assert!(tomas.contains(&format!("Waiting for Maya Okafor to a{AGAIN}")), "{tomas}");
    for told in [&now, &list, &screen, &impact, &update, &tomas] {
        let told = told.to_lowercase();
        assert!(told.contains("approval ran out, not started"), "{told}");
        assert!(!told.contains("authorised, not started") && !told.contains("word to start"), "{told}");
    }
    let mut tomas = world.signed_in("tomas").await;
    let body = tomas.get(&room).await.body;
    assert!(body.contains("Remind<span class=\"u-hidden\"> Maya Okafor"), "{body}");
    let who = Awaited::Person(world.id("maya"));
    let remind = Command::Remind { task: Task::Approve, of: "incident_commander".to_owned(), who };
    world.acts("tomas", &id, remind).await;
    assert!(words(&world, "maya", "/").await.contains("Tomás Rivera reminded you"));
    world.authorised(&id).await;
    for path in ["/", &room] {
        let told = words(&world, "maya", path).await;
        assert!(!told.contains("ran out, not started") && !told.contains("reminded you"), "{path}: {told}");
    }
}

/// People who were shown what to do may have begun: that an approval ran out since does not undo it.
#[tokio::test]
async fn what_hands_may_have_begun_is_not_said_to_be_not_begun_once_the_approval_has_run_out() {
    let world = World::new().await;
    world.playbook(&[("executor = \"app-rollback\"", "executor = \"app-by-hand\"")]).await;
    let id = world.critical().await;
    world.authorised(&id).await;
    world.turn(Span::minutes(31));
    let room = format!("/incidents/{id}");
    let pages =
        [room.clone(), "/".to_owned(), format!("{room}/impact"), format!("{room}/update"), "/rollbacks".to_owned()];
    for page in &pages {
        let told = words(&world, "maya", page).await;
        for wrong in ["ran out, not started", "has not begun"] {
            assert!(!told.contains(wrong), "{page} {wrong}: {told}");
        }
    }
    let told = words(&world, "maya", &pages[2]).await;
    assert!(told.contains("People may have begun it by hand"), "{told}");
    let told = words(&world, "maya", &pages[3]).await;
    assert!(told.contains("and people, who carry it out by hand: Deploy the previous"), "{told}");
}

/// The failure cannot be declared while a run goes on, nor of what is being stopped: nobody is sent to a refusal.
#[tokio::test]
async fn whether_it_failed_is_asked_when_nothing_runs_any_more_and_not_of_what_is_being_stopped() {
    let world = World::new().await;
    let together = |executor: &str| format!("alternatives = [\"{executor}\"]\ngroup = \"both\"");
    let (app, data) = (together("app-by-hand"), together("database-by-hand"));
    world
        .playbook(&[
            ("alternatives = [\"app-by-hand\"]", app.as_str()),
            ("alternatives = [\"database-by-hand\"]", data.as_str()),
        ])
        .await;
    for stopped in [false, true] {
        let id = world.restoring(None).await;
        world.authorised(&id).await;
        let run = world.runs(&id, "app-rollback").await;
        assert!(world.app.incidents.claim(&id, 1, "database-rollback").await.unwrap().is_none());
        let (indicator, note) = ("application-failing".to_owned(), "logins fail".to_owned());
        let seen = Command::MarkIndicator { attempt: 1, indicator, sign: IndicatorSign::Seen, note };
        world.acts("tomas", &id, seen).await;
        let (room, asks) = (format!("/incidents/{id}"), "ecide whether it failed");
        for path in [room.clone(), format!("{room}/update")] {
            let told = words(&world, "tomas", &path).await;
            assert!(!told.contains(asks), "a run goes on: {told}");
        }
        if stopped {
            world.acts("maya", &id, Command::Stop { attempt: 1, reason: "enough".to_owned() }).await;
            let lost = Command::LoseRun { run: run.clone(), why: "its host is gone".to_owned() };
            world.system(&id, lost).await;
        } else {
            world.ends(&id, &run, 3).await;
        }
        for path in [room.clone(), format!("{room}/update")] {
            let told = words(&world, "maya", &path).await;
            assert_eq!(told.contains(asks), !stopped, "{path}: {told}");
        }
        if stopped {
            break;
        }
        world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason: "it goes on".to_owned() }).await;
        let outcome = crate::domain::command::Outcome::FixedForward;
        world.acts("maya", &id, Command::Close { outcome, reason: "a correction".to_owned() }).await;
    }
}
