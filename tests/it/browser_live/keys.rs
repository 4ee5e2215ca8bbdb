//! The keyboard: keys lead, open and tick. None decides.

use super::{INCIDENT, MAYA, ROOM, Stage, a_release_fails};
use crate::browser_journey::person::Person;
use serde_json::json;

/// As a driver is told of the key.
const ESCAPE: &str = "\u{e00c}";

pub async fn types(person: &Person, keys: &str) {
    person.page.types(keys).await;
}

async fn closes_the_help(person: &Person) {
    types(person, ESCAPE).await;
    person.page.until("the help to close", async || person.counts("dialog[open]").await == 0).await;
}

#[tokio::test]
async fn keys_lead_through_the_pages_and_tick_a_row() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    maya.enters(INCIDENT).await;

    types(&maya, "?").await;
    maya.sees("No key authorises, stops or escalates.").await;
    let listed = "[...document.querySelectorAll('#keys kbd')].map(key => key.textContent)";
    let in_the_room = json!(["g n", "g r", "g a", "?", "n", "u", "j", "k", "x", "e", "l", "Esc"]);
    let known = maya.page.value_of(listed).await;
    // What is there to be ticked or followed differs from moment to moment.
    assert!(known.as_array().unwrap().iter().all(|key| in_the_room.as_array().unwrap().contains(key)), "{known}");
    assert!(known.as_array().unwrap().contains(&json!("n")), "{known}");
    closes_the_help(&maya).await;
    for (place, first) in [("/rollbacks", "All"), (&format!("{ROOM}/timeline"), "All"), ("/audit", "kind")] {
        maya.goes_to(place).await;
        types(&maya, "?").await;
        maya.sees("Filter").await;
        closes_the_help(&maya).await;
        types(&maya, "/").await;
        let reached = "document.activeElement.matches('[data-filter]')";
        maya.page.until("the filter to be reached", async || maya.page.value_of(reached).await == true).await;
        let words = maya.page.value_of("document.activeElement.name || document.activeElement.textContent").await;
        assert!(words.as_str().unwrap().starts_with(first), "{place}: {words}");
    }
    maya.enters(INCIDENT).await;

    types(&maya, "n").await;
    let inside = |id: &str| format!("document.activeElement.closest('#{id}') !== null");
    assert_eq!(maya.page.value_of(&inside("next")).await, true, "n leads to the next action");
    types(&maya, "u").await;
    let update = format!("{ROOM}/update");
    maya.page.until("u to lead to the progress update", async || maya.place().await == update).await;
    types(&maya, "u").await;
    assert_eq!(maya.page.value_of(&inside("write-update")).await, true, "and there into its words");
    maya.enters(INCIDENT).await;

    // In a field a letter is a letter.
    maya.page.click("#note-text").await;
    types(&maya, "gn?jx").await;
    assert_eq!(maya.page.value_of("document.getElementById('note-text').value").await, "gn?jx");
    assert_eq!(maya.counts("dialog[open]").await, 0);
    maya.page.the("#note-text").await.clear().await.unwrap();
    maya.page.value_of("document.activeElement.blur()").await;

    // j and k go from row to row, x ticks.
    maya.page.value_of("document.querySelectorAll('#checklists details').forEach(it => it.open = true)").await;
    types(&maya, "j").await;
    let first = maya.page.value_of("document.activeElement.id").await;
    types(&maya, "j").await;
    assert_ne!(maya.page.value_of("document.activeElement.id").await, first);
    types(&maya, "k").await;
    assert_eq!(maya.page.value_of("document.activeElement.id").await, first);
    let open = "document.querySelector('.check:has(button[value=done])').id";
    let row = maya.page.value_of(open).await.as_str().unwrap().to_owned();
    maya.page
        .value_of(&format!(
            "(document.getElementById('{row}').tabIndex = -1, document.getElementById('{row}').focus())"
        ))
        .await;
    types(&maya, "e").await;
    let field = format!("document.activeElement.matches('#{row} [name=note]')");
    assert_eq!(maya.page.value_of(&field).await, true, "e leads to the evidence of the row");
    maya.page.value_of(&format!("document.getElementById('{row}').focus()")).await;
    types(&maya, "x").await;
    maya.page.until("the row to be ticked", async || maya.text_of(&format!("#{row}")).await.contains(maya.name)).await;
    let journal = stage.demo.backout(&["audit", "verify"]);
    assert!(journal.starts_with("The chain holds"), "{journal}");

    // No key does anything on the page where people sign.
    maya.goes_to(&format!("{ROOM}/approve")).await;
    let before = maya.page.value_of("location.pathname").await;
    for key in ["x", "e", "l", "j", "n", "k", "u"] {
        types(&maya, key).await;
        maya.page.value_of("document.activeElement.blur()").await;
    }
    assert_eq!(maya.page.value_of("location.pathname").await, before);
    assert!(stage.demo.script_starts().is_empty());

    types(&maya, "gr").await;
    maya.page.until("the list of rollbacks", async || maya.place().await == "/rollbacks").await;
    types(&maya, "gn").await;
    maya.page.until("what is now", async || maya.place().await == "/").await;
    maya.page.has_a_clean_console().await;
}

#[tokio::test]
async fn keys_can_be_switched_off_in_the_account() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    maya.goes_to("/account").await;
    maya.chooses("Single letters act as keys").await;
    maya.presses_within("//section[.//legend[text()='Keys and sound']]", "Save").await;
    types(&maya, "?").await;
    assert_eq!(
        maya.page
            .value_of("[document.querySelector('[name=keys]').checked, document.querySelector('dialog') === null]")
            .await,
        json!([false, true])
    );
}
