//! What the record says of an end, and who is said to have done what: the same words on every page, and true ones.

use crate::domain::Span;
use crate::domain::command::{Command, Outcome};
use crate::domain::procedure::TargetKind;
use crate::domain::recovery::MarkKind;
use crate::web::sample::{BAD, World};
use axum::http::StatusCode;

const REASON: &str = "a correction went out";

#[tokio::test]
async fn what_was_stopped_and_closed_is_decided_and_its_end_is_told_in_words() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.acts("maya", &id, Command::Stop { attempt: 1, reason: "the wrong version".to_owned() }).await;
    world.ends(&id, &run, 143).await;
    let mut maya = world.signed_in("maya").await;
    let page = |tail: &str| format!("/incidents/{id}{tail}");
    let open = maya.get(&page("/impact")).await.words();
    assert!(open.contains("and was stopped; what comes next is being decided."), "{open}");
    assert!(open.contains("Success criteria"), "{open}");
    let room = maya.get(&page("")).await.words();
    assert!(room.contains("Stopped") && !room.contains("Aborted"), "{room}");
    assert!(room.contains("Rule 4 of the playbook"), "{room}");
    assert!(!room.contains("critical-service-degradation") && !room.contains("Rule “"), "{room}");
    world.acts("maya", &id, Command::Close { outcome: Outcome::FixedForward, reason: REASON.to_owned() }).await;
    let closed = maya.get(&page("/impact")).await.words();
    assert!(closed.contains("and was stopped.") && !closed.contains("being decided"), "{closed}");
    assert!(!closed.contains("not confirmed yet"), "{closed}");
    assert!(closed.contains("was not confirmed before it was closed"), "{closed}");
    let report = maya.get(&page("/report")).await.words();
    let at = world.now();
    assert!(report.contains(&format!("Closed at {}: fixed forward.", at.in_words())), "{report}");
    assert!(!report.contains("aborted") && !report.contains("Aborted"), "{report}");
    assert!(report.contains("from the trigger at "), "{report}");
}

#[tokio::test]
async fn the_last_update_went_out_with_the_closing_and_the_audit_log_says_who_did_what() {
    let world = World::new().await;
    let id = world.critical().await;
    world.executed(&id).await;
    world.succeeded(&id).await;
    world.acts("maya", &id, Command::Close { outcome: Outcome::RolledBack, reason: REASON.to_owned() }).await;
    let mut helen = world.signed_in("helen").await;
    let timeline = helen.get(&format!("/incidents/{id}/timeline")).await.words();
    assert!(timeline.contains("Backout sent update 1 with the closing"), "{timeline}");
    assert!(!timeline.contains("Maya Okafor sent update"), "she closed it: {timeline}");
    let updates = helen.get(&format!("/incidents/{id}/update")).await.words();
    assert!(updates.contains("with the closing") && !updates.contains("sent early"), "{updates}");
    let report = helen.get(&format!("/incidents/{id}/report")).await.words();
    assert!(report.contains("by Maya Okafor, with the closing"), "{report}");
    let audit = helen.get("/audit?stream=incidents&kind=UpdateSent").await.words();
    assert!(audit.contains("Backout upon an act of Maya Okafor"), "{audit}");
    let audit = helen.get("/audit?stream=incidents&kind=Closed").await.words();
    assert!(audit.contains("Maya Okafor") && !audit.contains("upon an act of"), "{audit}");
}

#[tokio::test]
async fn a_rollback_that_brought_back_a_backup_may_be_closed_as_restored() {
    let world = World::new().await;
    let id = world.restoring(None).await;
    world.executed(&id).await;
    world.succeeded(&id).await;
    let close = format!("/incidents/{id}/close");
    let mut maya = world.signed_in("maya").await;
    let form = |outcome| [("outcome", outcome), ("reason", REASON), ("intent", outcome)];
    // A rollback stays one: nothing could settle that.
    let refused = maya.post(&close, &form("not_rolled_back")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.words());
    assert!(refused.words().contains("because a rollback succeeded. Choose another outcome."), "{}", refused.words());
    assert!(!refused.words().contains("Settle this first"), "{}", refused.words());
    assert_eq!(maya.post(&close, &form("restored")).await.status, StatusCode::SEE_OTHER);
    // One that left the data alone is none.
    let world = World::new().await;
    let id = world.critical().await;
    world.executed(&id).await;
    world.succeeded(&id).await;
    let page = world.signed_in("maya").await.get(&format!("/incidents/{id}/close")).await.words();
    assert!(page.contains("it was a rollback, not a restoration, that succeeded. Choose another outcome."), "{page}");
}

/// Management reads it from what is planned next, and again when all is over.
#[tokio::test]
async fn what_a_restoration_took_is_told_whatever_comes_after_it() {
    const LOST: &str = " is lost: a backup was restored";
    let world = World::new().await;
    let id = world.restoring(None).await;
    let mut helen = world.signed_in("helen").await;
    let impact = format!("/incidents/{id}/impact");
    assert!(!helen.get(&impact).await.words().contains(LOST), "it is only planned");
    world.executed(&id).await;
    world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason: REASON.to_owned() }).await;
    let mut draft = world.app.incidents.incident(&id).await.unwrap().current().unwrap().draft.clone();
    draft.targets.retain(|target| target.kind == TargetKind::Release);
    world.acts("maya", &id, Command::DraftAttempt { draft }).await;
    let planned = helen.get(&impact).await.words();
    assert!(planned.contains("is being planned") && planned.contains("Data: what was written after"), "{planned}");
    assert_eq!(planned.matches(LOST).count(), 1, "{planned}");
    world.acts("maya", &id, Command::SubmitPlan { attempt: 2 }).await;
    world.executed(&id).await;
    world.succeeded(&id).await;
    world.acts("maya", &id, Command::Close { outcome: Outcome::RolledBack, reason: REASON.to_owned() }).await;
    let closed = helen.get(&impact).await.words();
    assert_eq!(closed.matches(LOST).count(), 1, "{closed}");
    let page = helen.get(&format!("/incidents/{id}/report")).await.words();
    let markdown = helen.get(&format!("/incidents/{id}/report.md")).await.body;
    for report in [page, markdown] {
        assert!(report.contains("Attempt 1 has failed before."), "{report}");
        assert_eq!(report.matches("taken: attempt 1 restored that backup.").count(), 1, "{report}");
    }
}

#[tokio::test]
async fn a_release_that_was_deployed_once_more_went_live_then() {
    let world = World::new().await;
    let first = world.critical().await;
    world.executed(&first).await;
    world.succeeded(&first).await;
    world.acts("maya", &first, Command::Close { outcome: Outcome::RolledBack, reason: REASON.to_owned() }).await;
    world.turn(Span::hours(5));
    world.deployed_again(BAD).await;
    let went_live = world.now();
    world.turn(Span::minutes(2));
    let second = world.critical().await;
    world.probed(300, 0, |_| true).await;
    let looked = world.app.incidents.look(&second).await.unwrap();
    let drawn = world.app.incidents.measured(&looked).await.unwrap().traces;
    let deployed = drawn.iter().flat_map(|trace| &trace.marks).filter(|mark| mark.kind == MarkKind::Deploy);
    let deployed: Vec<_> = deployed.map(|mark| mark.at).collect();
    assert!(!deployed.is_empty() && deployed.iter().all(|at| *at == went_live), "{deployed:?}");
    let mut helen = world.signed_in("helen").await;
    let again = helen.get(&format!("/incidents/{second}/impact")).await.words();
    assert!(again.contains("UTC, 2 minutes after a new version had gone live."), "{again}");
    // What it did once it may do again, also where it is the only way back.
    let warned = world.signed_in("maya").await.get(&format!("/incidents/{second}/plan")).await.words();
    assert!(warned.contains(&format!("{BAD} failed before: {first} rolled back from it")), "{warned}");
    let before = helen.get(&format!("/incidents/{first}/impact")).await.words();
    assert!(before.contains("UTC, 1 hour after a new version had gone live."), "{before}");
}

#[tokio::test]
async fn readiness_says_that_it_names_when_the_backup_was_taken() {
    let world = World::new().await;
    let now = world.signed_in("maya").await.get("/").await.words();
    let line = now.split("Newest backup verified").nth(1).unwrap();
    assert!(line.split("Earlier release").next().unwrap().contains(", taken "), "{now}");
}

#[tokio::test]
async fn a_number_with_a_point_is_told_to_be_digits_only() {
    let world = World::new().await;
    let id = world.critical().await;
    let form = [("felt", "messages are not flagged"), ("people", "1.5")];
    let told = world.signed_in("helen").await.post(&format!("/incidents/{id}/impact"), &form).await;
    assert!(told.words().contains("Write digits only"), "{}", told.words());
}
