use super::*;
use crate::domain::Span;
use crate::domain::command::Outcome;
use crate::web::sample::{BACKUP, BAD, Browser, STABLE, World};
use axum::http::StatusCode;

const CRITERIA: [&str; 6] = [
    "application-functional",
    "error-rate-low",
    "response-time-low",
    "user-impact-resolved",
    "safety-systems",
    "data-integrity",
];

/// A critical incident whose rollback ran: it waits for verification.
async fn verifying() -> (World, String) {
    let world = World::new().await;
    let id = world.critical().await;
    world.executed(&id).await;
    (world, id)
}

async fn status(world: &World, id: &str) -> AttemptStatus {
    world.app.incidents.incident(id).await.unwrap().current().unwrap().status()
}

#[tokio::test]
async fn before_anything_ran_there_is_nothing_to_verify() {
    let world = World::new().await;
    let id = world.critical().await;
    let shown = world.signed_in("tomas").await.get(&format!("/incidents/{id}/verify")).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.words().contains("Nothing ran yet"), "{}", shown.words());
}

#[tokio::test]
async fn what_was_not_measured_is_no_data_and_a_tick_then_needs_a_reason() {
    let (world, id) = verifying().await;
    let mut lead = world.signed_in("tomas").await;
    let page = format!("/incidents/{id}/verify");
    let shown = lead.get(&page).await;
    assert!(shown.words().contains("0 of 6 confirmed") && shown.words().contains("0 of 13 done"));
    assert!(
        !shown.body.contains("reading-ok") && !shown.body.contains("gauge-ok"),
        "nothing was measured, so nothing is green"
    );
    let tick = [("attempt", "1"), ("criterion", "error-rate-low"), ("mark", "done"), ("note", "")];
    let refused = lead.post(&format!("/incidents/{id}/criteria"), &tick).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let words = refused.words();
    assert!(words.contains("the tick needs a reason"), "{words}");
    assert!(words.contains("This was not done for Error rate"), "it says which: {words}");
    assert!(refused.body.contains("id=\"fault-error-rate-low\""), "and it stands at the field: {}", refused.body);
    assert!(refused.body.contains("href=\"#note-error-rate-low\""), "{}", refused.body);
    let said = "aria-describedby=\"hint-error-rate-low fault-error-rate-low\" aria-invalid=\"true\" required";
    assert!(refused.body.contains(said), "the field tells what is wrong with it: {}", refused.body);
    let reasoned = [("attempt", "1"), ("criterion", "error-rate-low"), ("mark", "done"), ("note", "seen by hand")];
    let done = lead.post(&format!("/incidents/{id}/criteria"), &reasoned).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, &*format!("{page}#criterion-error-rate-low")));
    let words = lead.get(&page).await.words();
    assert!(words.contains("1 of 6 confirmed") && words.contains("Tomás Rivera") && words.contains("seen by hand"));
}

#[tokio::test]
async fn success_is_blocked_with_its_reason_until_all_is_ticked_and_then_confirmed() {
    let (world, id) = verifying().await;
    let mut lead = world.signed_in("tomas").await;
    let page = format!("/incidents/{id}/verify");
    let shown = lead.get(&page).await;
    assert!(shown.words().contains("these criteria are not ticked"), "{}", shown.words());
    assert!(!shown.body.contains(&format!("action=\"/incidents/{id}/confirm\"")), "no button that would refuse");
    let early = lead.post(&format!("/incidents/{id}/confirm"), &[("attempt", "1")]).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    for criterion in CRITERIA {
        let tick = [("attempt", "1"), ("criterion", criterion), ("mark", "done"), ("note", "looked at it")];
        assert_eq!(lead.post(&format!("/incidents/{id}/criteria"), &tick).await.status, StatusCode::SEE_OTHER);
    }
    assert!(lead.get(&page).await.body.contains(&format!("action=\"/incidents/{id}/confirm\"")));
    let done = lead.post(&format!("/incidents/{id}/confirm"), &[("attempt", "1")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(status(&world, &id).await, AttemptStatus::Succeeded);
    assert!(lead.get(&page).await.words().contains("Attempt 1 has succeeded"));
}

#[tokio::test]
async fn a_seen_indicator_holds_success_back_and_a_declared_failure_offers_the_restoration() {
    let (world, id) = verifying().await;
    let mut lead = world.signed_in("tomas").await;
    let page = format!("/incidents/{id}/verify");
    let seen = [("attempt", "1"), ("indicator", "application-failing"), ("sign", "seen"), ("note", "500 on login")];
    assert_eq!(lead.post(&format!("/incidents/{id}/indicators"), &seen).await.status, StatusCode::SEE_OTHER);
    let shown = lead.get(&page).await.words();
    assert!(shown.contains("1 failure indicator is seen") && shown.contains("500 on login"), "{shown}");
    let empty = lead.post(&format!("/incidents/{id}/fail"), &[("attempt", "1"), ("reason", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fail = [("attempt", "1"), ("reason", "it <b>still</b> fails")];
    assert_eq!(lead.post(&format!("/incidents/{id}/fail"), &fail).await.status, StatusCode::SEE_OTHER);
    assert_eq!(status(&world, &id).await, AttemptStatus::Failed);
    let shown = lead.get(&page).await;
    assert!(shown.words().contains("Full restoration from backup"), "{}", shown.words());
    assert!(!shown.body.contains("<b>still</b>"), "what was typed is shown, not run");
}

#[tokio::test]
async fn who_only_reads_sees_everything_and_no_button() {
    let (world, id) = verifying().await;
    let mut observer = world.signed_in("olga").await;
    let shown = observer.get(&format!("/incidents/{id}/verify")).await;
    assert!(shown.words().contains("this is for the technical lead (Tomás Rivera)"), "{}", shown.words());
    assert!(!shown.body.contains("name=\"mark\"") && !shown.body.contains("Declare rollback failed"));
    let tick = [("attempt", "1"), ("criterion", "data-integrity"), ("mark", "done"), ("note", "x")];
    let refused = observer.post(&format!("/incidents/{id}/criteria"), &tick).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_attempt_or_an_incident_that_is_not_there_is_not_found() {
    let (world, id) = verifying().await;
    let mut lead = world.signed_in("tomas").await;
    assert_eq!(lead.get("/incidents/RB-9999/verify").await.status, StatusCode::NOT_FOUND);
    assert_eq!(lead.get("/incidents/RB-1/verify").await.status, StatusCode::NOT_FOUND);
    let tick = [("attempt", "7"), ("criterion", "data-integrity"), ("mark", "done"), ("note", "x")];
    assert_eq!(lead.post(&format!("/incidents/{id}/criteria"), &tick).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_the_approved_version_read_back_lately_is_proven() {
    let world = World::with_versions().await;
    let id = world.critical().await;
    world.executed(&id).await;
    let mut lead = world.signed_in("tomas").await;
    let page = format!("/incidents/{id}/verify");
    let tick = [("attempt", "1"), ("criterion", "application-functional"), ("mark", "done"), ("note", "")];
    let silent = lead.get(&page).await.words();
    assert!(silent.contains("The service has not said which version runs."), "{silent}");
    assert!(!silent.contains("Version proven"), "{silent}");
    let untold = lead.post(&format!("/incidents/{id}/criteria"), &tick).await;
    assert_eq!(untold.status, StatusCode::UNPROCESSABLE_ENTITY, "unknown is not proven");
    world.says_version(BAD).await;
    let other = lead.get(&page).await.words();
    assert!(other.contains(&format!("{BAD} runs, but {STABLE} was approved.")) && other.contains("Not met"), "{other}");
    world.says_version(STABLE).await;
    let proven = lead.get(&page).await.words();
    assert!(proven.contains("Version proven") && proven.contains(&format!("{STABLE} runs, as approved.")), "{proven}");
    world.turn(Span::seconds(16));
    let old = lead.get(&page).await.words();
    assert!(old.contains("too old to prove it") && !old.contains("Version proven"), "{old}");
    world.says_version(STABLE).await;
    assert_eq!(lead.post(&format!("/incidents/{id}/criteria"), &tick).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_to_ask_proves_nothing_and_holds_nothing_back() {
    let (world, id) = verifying().await;
    let words = world.signed_in("tomas").await.get(&format!("/incidents/{id}/verify")).await.words();
    assert!(words.contains("No read-back is configured.") && !words.contains("Version proven"), "{words}");
}

/// What runs and is measured by then belongs to another story.
#[tokio::test]
async fn a_closed_incident_stays_as_it_was_verified() {
    let world = World::with_versions().await;
    let id = world.critical().await;
    world.executed(&id).await;
    world.says_version(STABLE).await;
    world.succeeded(&id).await;
    let close = Command::Close { outcome: Outcome::RolledBack, reason: "it works".to_owned() };
    world.acts("maya", &id, close).await;
    world.turn(Span::hours(2));
    world.says_version(BAD).await;
    world.probed(60, 0, |_| false).await;
    let shown = world.signed_in("tomas").await.get(&format!("/incidents/{id}/verify")).await;
    let words = shown.words();
    for wrong in [BAD, "another version", "Not met", "T+0", "Close the incident…"] {
        let main = words.split("Success criteria").nth(1).unwrap();
        assert!(!main.contains(wrong), "{wrong}: {words}");
    }
    assert!(!shown.body.contains("Close the incident…"), "{words}");
    assert!(words.contains("not read back any more") && words.contains("Confirmed by Tomás Rivera"), "{words}");
}

/// Only a confirmed success keeps which version ran.
#[tokio::test]
async fn a_closed_failure_sends_nobody_to_the_report_for_a_version_that_it_does_not_hold() {
    let world = World::with_versions().await;
    let id = world.critical().await;
    world.executed(&id).await;
    world.says_version(BAD).await;
    world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason: "it goes on".to_owned() }).await;
    let close = Command::Close { outcome: Outcome::FixedForward, reason: "a correction went out".to_owned() };
    world.acts("maya", &id, close).await;
    let mut lead = world.signed_in("tomas").await;
    let words = lead.get(&format!("/incidents/{id}/verify")).await.words();
    assert!(!words.contains("stands in the report") && words.contains("not read back any more"), "{words}");
    assert!(!lead.get(&format!("/incidents/{id}/report")).await.words().contains("Version:"));
}

/// Every criterion is ticked with a reason; what runs has the last word.
#[tokio::test]
async fn no_reason_confirms_a_success_before_the_approved_version_is_read_back() {
    let world = World::with_versions().await;
    let id = world.critical().await;
    world.executed(&id).await;
    for criterion in CRITERIA {
        let mark = Some(Mark::Done { note: "looked at it".to_owned() });
        world.acts("tomas", &id, Command::MarkCriterion { attempt: 1, criterion: criterion.to_owned(), mark }).await;
    }
    let mut lead = world.signed_in("tomas").await;
    let confirm = format!("/incidents/{id}/confirm");
    let refused = async |lead: &mut Browser, why: &str| {
        let answer = lead.post(&confirm, &[("attempt", "1")]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{why}");
        assert!(answer.words().contains(why), "{why}: {}", answer.words());
    };
    refused(&mut lead, "has not said which version runs").await;
    world.says_version(BAD).await;
    refused(&mut lead, &format!("{BAD} runs, but {STABLE} was approved")).await;
    world.says_version(STABLE).await;
    world.turn(Span::seconds(16));
    refused(&mut lead, "too old to prove it").await;
    world.says_version(STABLE).await;
    assert_eq!(lead.post(&confirm, &[("attempt", "1")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(status(&world, &id).await, AttemptStatus::Succeeded);
}

/// A plan may change another component than the one that raised the alarm.
#[tokio::test]
async fn each_component_of_the_environment_is_asked_for_its_version() {
    let world = World::with_versions().await;
    let id = world.critical().await;
    world.says_version(STABLE).await;
    let gathered = &world.app.incidents.look(&id).await.unwrap().gathered;
    let read: Vec<_> = gathered.versions.iter().map(|(of, read)| (of.as_str(), read.version.as_str())).collect();
    assert_eq!(read, [("crisis-detection", STABLE), ("web", "")]);
}

/// Whoever must say that a restoration failed is not sent to the same restoration.
#[tokio::test]
async fn after_a_restoration_that_failed_another_backup_is_named_or_that_there_is_none() {
    let world = World::new().await;
    let id = world.restoring(None).await;
    world.executed(&id).await;
    let (room, restored) = (format!("/incidents/{id}"), format!("This attempt restored {BACKUP} itself"));
    let verify = world.signed_in("tomas").await.get(&format!("{room}/verify")).await.words();
    assert!(
        verify.contains(&restored) && verify.contains("No other backup is registered. Or another rollback."),
        "{verify}"
    );
    assert!(!verify.contains("Escalate to full") && !verify.contains("The restoration can be planned"), "{verify}");
    world.register("backup", "bk-older", 9, "none").await;
    let verify = world.signed_in("tomas").await.get(&format!("{room}/verify")).await.words();
    assert!(verify.contains("Another backup can be planned then: bk-older;"), "{verify}");
    world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason: "it goes on".to_owned() }).await;
    for page in [room.clone(), format!("{room}/verify")] {
        let told = world.signed_in("maya").await.get(&page).await.body;
        assert!(told.contains("name=\"backup\" value=\"bk-older\""), "{page}: {told}");
        assert!(!told.contains(&format!("name=\"backup\" value=\"{BACKUP}\"")), "{page}: {told}");
    }
}

#[tokio::test]
async fn with_no_other_backup_left_the_same_is_offered_as_what_brings_nothing_new() {
    let world = World::new().await;
    let id = world.restoring(None).await;
    world.executed(&id).await;
    world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason: "it goes on".to_owned() }).await;
    for page in ["", "/verify"] {
        let told = world.signed_in("maya").await.get(&format!("/incidents/{id}{page}")).await.words();
        let warned = "It was restored already, and no other backup is registered";
        assert!(told.contains(BACKUP) && told.contains(warned), "{page}: {told}");
    }
}
