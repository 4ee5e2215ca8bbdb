//! A rollback that is stopped half-way, and the next one that fails.

use super::Cast;

pub const INCIDENT: &str = "RB-0002";
const ROOM: &str = "/incidents/RB-0002";

pub async fn one_is_stopped_and_one_fails(cast: &Cast) {
    the_first_attempt_is_stopped(cast).await;
    the_second_attempt_fails(cast).await;
    a_restoration_is_offered_and_declined(cast).await;
}

async fn the_first_attempt_is_stopped(cast: &Cast) {
    let Cast { demo, maya, tomas, .. } = cast;
    tomas.deploys_the_bad_release(demo).await;
    maya.waits_at("/", "section[aria-labelledby=active]", INCIDENT).await;
    maya.takes_command(INCIDENT).await;
    tomas.takes_the_lead(INCIDENT).await;
    let before = demo.script_starts().len();
    maya.authorises(INCIDENT, "4.11.3").await;
    demo.has_started_scripts(before + 1).await;
    tomas.stops_it(INCIDENT, "The wrong release: wait for the fix").await;
    tomas.finds_the_state(INCIDENT, "Stopped").await;
    assert_eq!(demo.script_starts().len(), before + 1, "nothing was started after the stop");
}

async fn the_second_attempt_fails(cast: &Cast) {
    let Cast { demo, maya, tomas, .. } = cast;
    if demo.release_in_service() != "4.12.0" {
        tomas.deploys_the_bad_release(demo).await;
    }
    tomas.submits_the_plan(INCIDENT).await;
    let before = demo.script_starts().len();
    maya.authorises(INCIDENT, "4.11.3").await;
    tomas.ticks_against_the_measurement(INCIDENT, "error-rate-low", "Seen falling at the load balancer").await;
    tomas.finds_the_state(INCIDENT, "Verifying").await;
    assert_eq!(demo.script_starts().len(), before + 1);
    tomas.sees_the_failure(INCIDENT, "user-impact-ongoing", "Complaints go on").await;
    tomas.declares_the_failure(INCIDENT, "Users still cannot buy").await;
}

async fn a_restoration_is_offered_and_declined(cast: &Cast) {
    let Cast { maya, tomas, .. } = cast;
    maya.enters(INCIDENT).await;
    maya.sees("After the failure").await;
    let offered = maya.text_of("#recovery").await;
    assert!(offered.contains("nightly-0305") && offered.contains("would be lost"), "what is lost is said: {offered}");
    maya.looks_at("room-after-failure").await;
    tomas.enters(INCIDENT).await;
    tomas.presses("Plan restoration from nightly-0305").await;
    tomas.finds_the_state(INCIDENT, "Rollback being planned").await;
    tomas.goes_to(&format!("{ROOM}/plan")).await;
    tomas.sees("Plan of attempt 3").await;
    tomas.looks_at("plan").await;
    tomas.withdraws_the_plan(INCIDENT, "The records are whole").await;
    maya.closes(INCIDENT, "Fixed forward", "The complaints came from a cache that was emptied").await;
}
