use super::*;
use crate::web::sample::World;
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
    world.authorised(&id).await;
    let attempt = world.app.incidents.incident(&id).await.unwrap();
    let actions = attempt.current().unwrap().plan().unwrap().actions.clone();
    for action in actions {
        let run = world.runs(&id, &action.name).await;
        world.ends(&id, &run, 0).await;
    }
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
