//! A rollback that nothing measured: raised by hand, weighed by three people, started on command.

use super::Cast;

const INCIDENT: &str = "RB-0003";
const ROOM: &str = "/incidents/RB-0003";
const SNAPSHOT: &str = "cfg-41";

pub async fn three_people_weigh_a_rollback(cast: &Cast) {
    management_raises_it(cast).await;
    three_people_authorise(cast).await;
    it_starts_on_command(cast).await;
    everything_is_on_record(cast).await;
}

async fn management_raises_it(cast: &Cast) {
    let Cast { maya, tomas, helen, .. } = cast;
    let opened = helen.raises("Memory leaks detected", "The greeting takes ever more memory since cfg-42.").await;
    assert_eq!(opened, INCIDENT);
    helen.sees("Performance is degraded but not critically, so a rollback is considered.").await;
    maya.takes_command(INCIDENT).await;
    tomas.takes_the_lead(INCIDENT).await;
    tomas.registers("config", SNAPSHOT).await;
    tomas.looks_at("registers").await;
    tomas.goes_to(&format!("{ROOM}/plan")).await;
    tomas.chooses("Configuration Rollback").await;
    tomas.chooses("4.11.3").await;
    tomas.chooses(SNAPSHOT).await;
    tomas.presses("Submit for approval").await;
    tomas.finds_the_state(INCIDENT, "Waiting for approval").await;
}

async fn three_people_authorise(cast: &Cast) {
    let Cast { demo, maya, tomas, helen, .. } = cast;
    let before = demo.script_starts().len();
    tomas.assesses(INCIDENT, "feasibility", "", "The older snapshot is read by both releases.").await;
    helen.assesses(INCIDENT, "business-impact", "", "A second of delay for everyone.").await;
    tomas.reads_the_plan(INCIDENT, 1, demo).await;
    tomas.authorises(INCIDENT, SNAPSHOT).await;
    maya.authorises(INCIDENT, SNAPSHOT).await;
    maya.sees("Open to Helen Brandt").await;
    assert_eq!(maya.counts("#start").await, 0, "it does not start while management has not agreed");
    helen.goes_to("/").await;
    let waiting = helen.text_of("section[aria-labelledby=mine]").await;
    assert!(waiting.contains("Authorise the rollback to cfg-41"), "management is awaited: {waiting}");
    helen.authorises(INCIDENT, SNAPSHOT).await;
    assert_eq!(demo.script_starts().len(), before, "authorised is not started");
}

async fn it_starts_on_command(cast: &Cast) {
    let Cast { demo, maya, tomas, .. } = cast;
    assert_eq!(demo.configuration_in_use(), "cfg-42");
    maya.starts_it(INCIDENT).await;
    tomas.finds_the_state(INCIDENT, "Verifying").await;
    assert_eq!(demo.configuration_in_use(), SNAPSHOT);
    tomas.verifies(INCIDENT).await;
    maya.closes(INCIDENT, "Rolled back", "The memory stays as it is").await;
}

async fn everything_is_on_record(cast: &Cast) {
    let Cast { tomas, .. } = cast;
    for (path, name, words) in [
        ("/people", "people", "Helen Brandt"),
        ("/rollbacks", "rollbacks", INCIDENT),
        ("/tokens", "tokens", "the deployment pipeline"),
        ("/audit?verify=1", "audit", "Chain intact"),
    ] {
        tomas.goes_to(path).await;
        tomas.sees(words).await;
        tomas.looks_at(name).await;
    }
}
