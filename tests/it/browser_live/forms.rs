//! Forms go in the background: one effect whatever the network does, nothing typed is lost, the focus finds the result.

use super::{INCIDENT, MAYA, ROOM, Stage, TOMAS, a_release_fails, a_release_fails_and_is_led};
use crate::browser_journey::person::Person;
use crate::support::cable::Line;
use serde_json::json;

/// The rows of the timeline that tell of a note with these words.
async fn notes(person: &Person, words: &str) -> u64 {
    let count = format!(
        "[...document.querySelectorAll('#timeline li')].filter(it => it.textContent.includes('{words}')).length"
    );
    person.page.value_of(&count).await.as_u64().unwrap()
}

#[tokio::test]
async fn a_form_whose_answer_was_lost_is_sent_again_with_one_effect() {
    let stage = Stage::opens().await;
    let (maya, cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.enters(INCIDENT).await;
    maya.fills_in("timeline", "Note", "Customers write to us").await;

    // It arrives, and nobody hears the answer.
    cable.becomes(Line::Unanswered);
    maya.presses("Add note").await;
    maya.sees("No answer came from the server").await;
    assert_eq!(maya.page.value_of("document.getElementById('note-text').value").await, "Customers write to us");
    cable.becomes(Line::Good);
    maya.presses("Add note").await;
    maya.page
        .until("the note to stand in the timeline", async || notes(&maya, "Customers write to us").await == 1)
        .await;
    assert_eq!(maya.page.value_of("document.getElementById('note-text').value").await, "", "what was sent is gone");
    assert!(!maya.page.all_words().await.contains("No answer came"), "and so is the word about it");
    maya.enters(INCIDENT).await;
    assert_eq!(notes(&maya, "Customers write to us").await, 1, "two presses, one note");

    // It does not even arrive.
    maya.fills_in("timeline", "Note", "A second word").await;
    cable.becomes(Line::Down);
    cable.cut();
    maya.presses("Add note").await;
    maya.sees("No answer came from the server").await;
    cable.becomes(Line::Good);
    maya.presses("Add note").await;
    maya.page.until("the second note", async || notes(&maya, "A second word").await == 1).await;
}

#[tokio::test]
async fn an_answer_changes_the_page_in_its_place_and_the_focus_goes_to_the_result() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    maya.page.value_of("window.same = true").await;
    // Half-typed elsewhere, unfolded elsewhere: neither is the form's business.
    maya.presses_in("item-review-impact", "More").await;
    maya.fills_in("item-review-impact", "Note", "Not yet sent").await;
    maya.fills_in("timeline", "Note", "A word").await;
    maya.presses("Add note").await;
    maya.page.until("the note", async || notes(&maya, "A word").await == 1).await;
    let kept = "[window.same, document.activeElement.id, document.getElementById('note-review-impact').value, \
                document.querySelector('#item-review-impact details').open]";
    assert_eq!(maya.page.value_of(kept).await, json!([true, "timeline-heading", "Not yet sent", true]));
    maya.page.has_a_clean_console().await;
}

#[tokio::test]
async fn a_step_that_was_unfolded_stays_open_while_its_items_are_ticked() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    a_release_fails_and_is_led(&stage, &maya, &tomas).await;
    maya.authorises(INCIDENT, "4.11.3").await;
    tomas.finds_the_state(INCIDENT, "Verifying").await;
    tomas.goes_to(ROOM).await;
    let step = "document.getElementById('item-check-application-health').closest('details')";
    let id = tomas.page.value_of(&format!("{step}.id")).await.as_str().unwrap().to_owned();
    tomas.presses_the(&format!("#{id} > summary")).await;
    for item in ["check-application-health", "verify-deployment"] {
        tomas.presses_the(&format!("#item-{item} .check-tick")).await;
        let ticked = async || tomas.counts(&format!("#item-{item}.check-done")).await == 1;
        tomas.page.until("the tick", ticked).await;
        assert_eq!(tomas.page.value_of(&format!("{step}.open")).await, true, "after {item}");
    }
    // One that was open when the page came, and is no longer the one under way, does not fold around the tick either.
    let step = "document.getElementById('item-notify-team').closest('details')";
    assert_eq!(tomas.page.value_of(&format!("({step}.open = true)")).await, true);
    tomas.presses_the("#item-notify-team .check-tick").await;
    let ticked = async || tomas.counts("#item-notify-team.check-done").await == 1;
    tomas.page.until("the tick", ticked).await;
    assert_eq!(tomas.page.value_of(&format!("{step}.open")).await, true);
    tomas.page.has_a_clean_console().await;
}

#[tokio::test]
async fn a_long_text_outlives_the_page_until_it_is_sent_or_its_writer_leaves() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.enters(INCIDENT).await;
    maya.fills_in("timeline", "Note", "Half a thought").await;
    maya.enters(INCIDENT).await;
    let typed = "document.getElementById('note-text').value";
    assert_eq!(maya.page.value_of(typed).await, "Half a thought");
    maya.sees("This is your text that was not sent yet.").await;
    maya.presses("Add note").await;
    maya.page.until("the note", async || notes(&maya, "Half a thought").await == 1).await;
    maya.enters(INCIDENT).await;
    assert_eq!(maya.page.value_of(typed).await, "", "what was sent is kept no longer");

    maya.fills_in("timeline", "Note", "Another thought").await;
    assert_eq!(maya.page.value_of("localStorage.length").await, 1);
    maya.page.has_a_clean_console().await;
    maya.page.click("#menu > summary").await;
    maya.presses_in("menu", "Sign out").await;
    maya.page.the("#login").await;
    assert_eq!(maya.page.value_of("localStorage.length").await, 0, "who signs out leaves nothing behind");
}

#[tokio::test]
async fn what_must_be_typed_says_whether_it_fits_and_the_button_what_is_missing() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    maya.goes_to(&format!("{ROOM}/approve")).await;
    maya.page.fill("#phrase", "4.11").await;
    maya.sees("Does not match yet").await;
    maya.presses("Authorise").await;
    maya.sees("Type 4.11.3 here first").await;
    assert_eq!(maya.page.value_of("document.activeElement.id").await, "phrase");
    maya.page.fill("#phrase", "  4.11.3 ").await;
    maya.sees("Matches").await;
    // It is asked whether it is still her: in the same place, with nothing lost and nothing begun.
    if maya.counts("#waive_reason").await == 1 {
        maya.page.fill("#waive_reason", "There is no time").await;
    }
    maya.presses("Authorise").await;
    maya.sees("Confirm that it is you").await;
    assert_eq!(maya.page.value_of("document.activeElement.id").await, "password");
    assert!(maya.confirms_identity_if_asked().await);
    maya.sees("Maya Okafor (you)").await;
}

#[tokio::test]
async fn impact_and_report_are_printed_at_one_press() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    for page in ["impact", "report"] {
        maya.goes_to(&format!("{ROOM}/{page}")).await;
        // The browser's dialogue would stay open: the page is told to only note that it was asked for.
        maya.page.value_of("window.print = () => { window.printed = true }").await;
        maya.presses("Print or save as PDF").await;
        assert_eq!(maya.page.value_of("window.printed").await, true, "{page}");
        maya.page.has_a_clean_console().await;
    }
}

#[tokio::test]
async fn paper_is_dark_on_white_and_holds_nothing_to_press() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.page.look_as_paper().await;
    for page in ["", "/impact", "/report", "/approve", "/timeline"] {
        maya.goes_to(&format!("{ROOM}{page}")).await;
        let pressed = "[...document.querySelectorAll('header.bar, nav, button:not([role=checkbox]), .button, .skip, [data-live-state]')] \
                       .filter(it => it.checkVisibility({ visibilityProperty: true }) && it.getBoundingClientRect().width > 1) \
                       .map(it => it.outerHTML.slice(0, 120))";
        assert_eq!(maya.page.value_of(pressed).await, json!([]), "{page}");
        // An open box is a mark to be made by hand. Text that paper shows, and what lies behind it: as light as a browser
        // says, from 0 to 255.
        let light = "(() => { const paint = new OffscreenCanvas(1, 1).getContext('2d'); \
                     const light = colour => { paint.fillStyle = 'white'; paint.fillRect(0, 0, 1, 1); \
                       paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); \
                       const [r, g, b] = paint.getImageData(0, 0, 1, 1).data; return Math.round((r + g + b) / 3) }; \
                     const { color, backgroundColor } = getComputedStyle(document.body); \
                     return [light(color), light(backgroundColor)] })()";
        let light = maya.page.value_of(light).await;
        assert!(light[0].as_f64().unwrap() < 60.0 && light[1] == 255, "{page}: {light}");
    }
}
