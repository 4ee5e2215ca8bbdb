//! What people sign does not change under their eyes, and nothing leaves a page that may be old.

use super::{INCIDENT, MAYA, ROOM, Stage, TOMAS, a_release_fails, a_release_fails_and_is_led};
use crate::browser_journey::person::Person;
use crate::support::cable::Line;

/// All that is asked for on the approve page, but the red button.
async fn is_about_to_authorise(person: &Person) {
    person.goes_to(&format!("{ROOM}/approve")).await;
    person.page.fill("#phrase", "4.11.3").await;
    if person.counts("#waive_reason").await == 1 {
        person.page.fill("#waive_reason", "There is no time").await;
    }
}

const DIGEST: &str = "[...document.querySelectorAll('[data-digest]')].map(it => it.dataset.digest).join()";

#[tokio::test]
async fn a_plan_that_changes_while_it_is_read_is_said_and_the_old_one_stays_before_the_eyes() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    a_release_fails_and_is_led(&stage, &maya, &tomas).await;
    is_about_to_authorise(&maya).await;
    let read = maya.page.value_of(DIGEST).await;
    assert_ne!(read, "");
    tomas.goes_to(&format!("{ROOM}/plan")).await;
    tomas.fills("If it fails", "Call the database team").await;
    tomas.presses("Submit for approval").await;
    maya.page.the("#plan-changed").await;
    assert!(maya.text_of("#plan-changed").await.contains("The plan changed"));
    assert_eq!(maya.page.value_of(DIGEST).await, read, "what she reads is what she read");
    maya.presses("Authorise").await;
    maya.confirms_identity_if_asked().await;
    maya.sees("This was not done").await;
    assert!(stage.demo.script_starts().is_empty());
}

#[tokio::test]
async fn who_has_begun_to_sign_is_told_that_the_plan_was_withdrawn() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    a_release_fails_and_is_led(&stage, &maya, &tomas).await;
    is_about_to_authorise(&maya).await;
    tomas.withdraws_the_plan(INCIDENT, "Another release is better").await;
    maya.sees("This cannot be signed any more").await;
    maya.sees("This plan was withdrawn, and nothing that you typed was sent").await;
    assert_eq!(maya.counts("#phrase").await, 1, "the page is still as she read it");
    assert_eq!(maya.counts("main .button-destructive:enabled").await, 0, "no button that would refuse");
    let words = maya.page.all_words().await;
    assert!(words.contains("Plan another attempt, or close") && !words.contains("Waits for you"), "{words}");
    maya.presses("Reload").await;
    maya.sees("This plan was withdrawn").await;
    assert_eq!(maya.counts("#phrase, main .button-destructive").await, 0, "no button that would refuse");
    assert!(stage.demo.script_starts().is_empty());
}

#[tokio::test]
async fn nothing_that_changes_production_is_sent_from_a_page_that_may_be_old() {
    let stage = Stage::opens().await;
    let (maya, cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    is_about_to_authorise(&maya).await;
    maya.sees("Live").await;
    cable.becomes(Line::Down);
    cable.cut();
    maya.sees("Not live since").await;
    maya.presses("Authorise").await;
    maya.sees("Not sent: there is no connection").await;
    cable.becomes(Line::Good);
    maya.page.until("the page to follow again", async || !maya.page.all_words().await.contains("Not live since")).await;
    assert!(stage.demo.script_starts().is_empty());
    assert_eq!(maya.page.value_of("document.getElementById('phrase').value").await, "4.11.3");
    maya.presses("Authorise").await;
    maya.confirms_identity_if_asked().await;
    stage.demo.has_started_scripts(1).await;
}
