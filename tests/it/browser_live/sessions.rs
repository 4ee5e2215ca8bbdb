//! A session that ends is told on every page that it had open, wherever it was ended, and nothing typed is lost.

use super::{MAYA, Stage, TOMAS, a_quiet_incident};
use crate::browser_journey::person::Person;
use thirtyfour::WindowHandle;

/// Opens another tab of the same browser, and tells which one was left.
async fn opens_another_tab(person: &Person) -> WindowHandle {
    let left = person.page.window().await.unwrap();
    let other = person.page.new_tab().await.unwrap();
    person.page.switch_to_window(other).await.unwrap();
    left
}

async fn has_typed(person: &Person) -> bool {
    person.page.value_of("document.getElementById('note-text').value").await == "Half a thought"
}

/// Across the page, and not only aloud.
async fn reads_that_it_has_ended(person: &Person) {
    let told = async || person.counts("#session").await == 1 && person.text_of("#session").await.contains("has ended");
    person.page.until("the end of the session to be told", told).await;
}

#[tokio::test]
async fn who_signs_out_in_one_tab_reads_it_in_the_other_and_goes_on_there_after_signing_in() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    let incident = a_quiet_incident(&maya).await;
    maya.enters(&incident).await;
    maya.fills_in("timeline", "Note", "Half a thought").await;
    let room = opens_another_tab(&maya).await;
    maya.goes_to("/account").await;
    maya.page.click("#menu > summary").await;
    maya.presses_in("menu", "Sign out").await;
    maya.page.the("#login").await;
    let outside = maya.page.window().await.unwrap();

    maya.page.switch_to_window(room.clone()).await.unwrap();
    reads_that_it_has_ended(&maya).await;
    maya.sees("Not live: signed out").await;
    assert!(has_typed(&maya).await);

    maya.page.switch_to_window(outside).await.unwrap();
    maya.signs_in().await;
    maya.page.switch_to_window(room).await.unwrap();
    maya.page.until("the session's end to be past", async || maya.counts("#session").await == 0).await;
    maya.sees("Live").await;
    maya.page.until("the page to be no longer old", async || maya.counts("html.is-stale").await == 0).await;
    assert!(has_typed(&maya).await);
}

#[tokio::test]
async fn whose_account_is_disabled_reads_on_the_open_page_that_the_session_has_ended() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    let incident = a_quiet_incident(&maya).await;
    maya.enters(&incident).await;
    maya.fills_in("timeline", "Note", "Half a thought").await;
    maya.sees("Live").await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    tomas.goes_to("/people").await;
    tomas.presses("Change Maya Okafor").await;
    tomas.presses("Disable account").await;
    if tomas.confirms_identity_if_asked().await {
        tomas.sees("Disabled").await;
    }
    reads_that_it_has_ended(&maya).await;
    maya.sees("Not live: signed out").await;
    assert!(has_typed(&maya).await);
}

#[tokio::test]
async fn the_end_of_a_session_is_told_two_minutes_ahead_and_can_be_put_off() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    maya.goes_to("/account").await;
    let ends_in = async |seconds: i64| {
        let script = "document.querySelector('script[data-icons]').dataset.ends = new Date(Date.now() +";
        maya.page.value_of(&format!("{script} {seconds} * 1000).toISOString()")).await;
    };
    ends_in(119).await;
    maya.sees("Your session ends in 1:").await;
    maya.presses_within("//*[@id='session']", "Stay signed in").await;
    maya.page.until("the warning to go", async || maya.counts("#session").await == 0).await;
    maya.goes_to("/account").await;
    ends_in(0).await;
    reads_that_it_has_ended(&maya).await;
    maya.page.passes_axe().await;
}
