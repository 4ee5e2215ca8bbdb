//! The main job: a release fails by measurement, one person decides, a script puts it right, people verify, and the
//! report is there when the incident closes. In the middle the server dies and comes back.

use super::Cast;
use serde_json::json;

pub const INCIDENT: &str = "RB-0001";
const ROOM: &str = "/incidents/RB-0001";

pub async fn a_critical_failure_is_rolled_back(cast: &mut Cast) {
    it_opens_by_measurement(cast).await;
    the_commander_decides_alone(cast).await;
    the_script_runs_once_though_the_server_dies(cast).await;
    an_update_goes_out_by_itself(cast).await;
    the_lead_verifies_beside_measurements(cast).await;
    it_closes_with_a_whole_report(cast).await;
}

async fn it_opens_by_measurement(cast: &Cast) {
    let Cast { demo, maya, tomas, .. } = cast;
    tomas.deploys_the_bad_release(demo).await;
    maya.goes_to("/sign-in").await;
    maya.looks_at("sign-in").await;
    maya.signs_in().await;
    maya.waits_at("/", "main", INCIDENT).await;
    maya.sees("Error rate >10% for >5 minutes").await;
    let waiting = maya.text_of("section[aria-labelledby=mine]").await;
    assert!(waiting.contains("Take command") && waiting.contains("P0"), "the commander is awaited: {waiting}");
    maya.looks_at("home").await;
    maya.presses("Go to the room").await;
    maya.sees("An immediate rollback of a P0 incident needs the incident commander alone.").await;
    let trigger = maya.text_of("#trigger").await;
    assert!(trigger.contains("error rate 3"), "what was measured stands there: {trigger}");
    for item in
        ["confirm-trigger", "identify-stable-version", "verify-version-availability", "prepare-plan", "prepare-scripts"]
    {
        let said = maya.text_of(&format!("#item-{item}")).await;
        assert!(said.contains("Proven by Backout"), "{item} is proven: {said}");
    }
    let header = maya.text_of(".incident").await;
    assert!(header.contains("4.12.0 →to 4.11.3"), "the target is proposed: {header}");
    maya.presses("Frozen evidence 1").await;
    let evidence = maya.text_of("main").await;
    assert!(evidence.contains("error_rate") || evidence.contains("error rate"), "{evidence}");
    maya.looks_at("evidence").await;
}

async fn the_commander_decides_alone(cast: &Cast) {
    let Cast { demo, maya, .. } = cast;
    maya.takes_command(INCIDENT).await;
    maya.sees("Authorise the rollback to 4.11.3").await;
    maya.looks_at("room-before-approval").await;
    let plan = maya.reads_the_plan(INCIDENT, 1, demo).await;
    assert_eq!(plan["targets"][0]["name"], "4.11.3");
    maya.looks_at("approve").await;
    assert_eq!(demo.script_starts(), Vec::<String>::new(), "nothing ran before it was authorised");
    assert!(maya.authorises(INCIDENT, "4.11.3").await, "it is asked whether it is still her");
    maya.sees("Maya Okafor (you)").await;
}

async fn the_script_runs_once_though_the_server_dies(cast: &mut Cast) {
    cast.demo.has_started_scripts(1).await;
    cast.demo.crashes_and_comes_back().await;
    let Cast { demo, maya, tomas, helen, .. } = &*cast;
    // Nobody signs in again.
    maya.enters(INCIDENT).await;
    maya.sees("Maya Okafor (you)").await;
    tomas.takes_the_lead(INCIDENT).await;
    tomas.looks_at("room-under-way").await;
    tomas.finds_the_state(INCIDENT, "Verifying").await;
    let starts = demo.script_starts();
    assert_eq!(starts.len(), 1, "one start, though the server died meanwhile: {starts:?}");
    assert!(starts[0].contains("scripts/deploy/rollback.sh") && starts[0].contains("4.11.3"), "{starts:?}");
    assert_eq!(demo.release_in_service(), "4.11.3");
    tomas.presses("Log of RB-0001-1-1").await;
    tomas.sees("Done: production runs 4.11.3").await;
    tomas.looks_at("run").await;
    helen.signs_in().await;
    helen.sees("Frozen").await;
    helen.reads_the_summary(INCIDENT).await;
    let answer = cast.the_pipeline_asks().await;
    assert_eq!((&answer["frozen"], &answer["freezes"][0]["incident"]), (&json!(true), &json!(INCIDENT)), "{answer}");
}

async fn an_update_goes_out_by_itself(cast: &Cast) {
    cast.helen.waits_at(ROOM, "#update-1", "Update 1").await;
    assert_eq!(cast.helen.counts("#update-1").await, 1, "update 1 went out once");
}

async fn the_lead_verifies_beside_measurements(cast: &Cast) {
    let Cast { tomas, .. } = cast;
    tomas.ticks(INCIDENT, "step-1", "prepare-environment", "Nothing to prepare").await;
    tomas.ticks_the_check(INCIDENT, "application-status").await;
    tomas.goes_to(&format!("{ROOM}/verify")).await;
    tomas.looks_at("verify").await;
    tomas.verifies(INCIDENT).await;
}

async fn it_closes_with_a_whole_report(cast: &Cast) {
    let Cast { demo, maya, helen, tomas, .. } = cast;
    helen.goes_to(&format!("{ROOM}/report")).await;
    let lacking = helen.text_of("section[aria-labelledby=report-missing]").await;
    for part in ["Incident summary", "User impact assessment", "Lessons learned"] {
        assert!(lacking.contains(part), "{part} is not there yet: {lacking}");
    }
    helen.writes(INCIDENT, "user-impact", "One in three requests failed for a minute.").await;
    tomas.writes(INCIDENT, "lessons-learned", "Look at the error rate before deploying further.").await;
    maya.closes(INCIDENT, "Rolled back", "4.11.3 runs, and nobody complains").await;
    maya.looks_at("room-closed").await;
    maya.goes_to(&format!("{ROOM}/report")).await;
    assert_eq!(maya.counts("section[aria-labelledby=report-missing]").await, 0, "{}", maya.text_of("main").await);
    assert_eq!(maya.text_of("td[data-label=Where]").await, "server", "the host by its name");
    maya.looks_at("report").await;
    maya.reads_the_playbook().await;
    let markdown = maya.downloads(&format!("{ROOM}/report.md")).await;
    for part in
        ["One in three requests failed", "Look at the error rate", "4.11.3 runs, and nobody complains", "Maya Okafor"]
    {
        assert!(markdown.contains(part), "the Markdown says {part:?}:\n{markdown}");
    }
    every_update_went_out_once(cast).await;
    maya.goes_to("/").await;
    maya.sees("No incident is open.").await;
    assert_eq!(cast.the_pipeline_asks().await["frozen"], false);
    assert!(demo.backout(&["audit", "verify"]).starts_with("The chain holds"));
}

/// The numbers have no gap and no double. Read from the report, for the room shows the newest alone.
async fn every_update_went_out_once(cast: &Cast) {
    let report = cast.maya.downloads(&format!("{ROOM}/report.md")).await;
    let told = report.split("\n**Update ").skip(1).map(|part| part.split_once("**").unwrap().0);
    let numbers: Vec<u32> = told.map(|number| number.parse().unwrap()).collect();
    let count = numbers.len() as u32;
    assert!(count >= 1 && numbers.iter().copied().eq(1..=count), "updates 1 to {count}, once each: {numbers:?}");
}
