//! Following along: what one does the others see by itself; a break loses nothing and says so; nobody's unfinished work
//! is touched.

use super::{HELEN, INCIDENT, MAYA, Stage, TOMAS, a_release_fails, a_release_fails_and_is_led};
use crate::browser_journey::person::Person;
use crate::support::bounds::{PROMISED, TRIES, quick};
use crate::support::cable::Line;
use serde_json::json;

/// Words that nobody has sent yet, in the field for a note.
async fn begins_a_note(person: &Person) {
    person.fills_in("timeline", "Note", "Half a thought").await;
    person.presses_in("item-review-impact", "More").await;
    person.fills_in("item-review-impact", "Note", "Not yet sent").await;
    // Nothing of this survives a page that is loaded anew.
    person.page.value_of("window.same = true").await;
}

/// All of it is still there, and the focus as well.
async fn still_holds_it(person: &Person) {
    let kept = "[window.same, document.getElementById('note-text').value, \
                document.getElementById('note-review-impact').value, \
                document.querySelector('#item-review-impact details').open, document.activeElement.id]";
    let whole = json!([true, "Half a thought", "Not yet sent", true, "note-review-impact"]);
    assert_eq!(person.page.value_of(kept).await, whole);
}

/// The notes that the timeline shows, the newest first.
async fn notes(person: &Person) -> Vec<String> {
    let script = "[...document.querySelectorAll('#timeline-rows .event')].map(it => it.textContent) \
                  .map(it => it.match(/word \\d+/)).filter(it => it).map(it => it[0])";
    let told = person.page.value_of(script).await;
    told.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

async fn writes_a_note(person: &Person, words: &str) {
    person.fills_in("timeline", "Note", words).await;
    person.presses("Add note").await;
    person.page.until("the note to stand there", async || notes(person).await.iter().any(|it| it == words)).await;
}

#[tokio::test]
async fn what_one_ticks_the_other_sees_by_itself() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    a_release_fails_and_is_led(&stage, &maya, &tomas).await;
    maya.enters(INCIDENT).await;
    maya.page.until("the lead to be known", async || maya.text_of("#people").await.contains("Tomás Rivera")).await;
    begins_a_note(&maya).await;
    let open = "document.querySelector('.check:has(button[value=done]):not(#item-review-impact)').id";
    let row = tomas.page.value_of(open).await.as_str().unwrap().to_owned();
    tomas.presses_the(&format!("#{row} .check-tick")).await;
    maya.page
        .until("the tick to be seen", async || maya.text_of(&format!("#{row}")).await.contains("Tomás Rivera"))
        .await;
    still_holds_it(&maya).await;
    maya.page.has_a_clean_console().await;
}

/// From here on the page remembers each moment at which it showed the row ticked, or no longer ticked.
async fn watches(person: &Person, row: &str) {
    let script = "(row => { window.turned = []; let was = false; const look = () => { \
                  const is = document.getElementById(row).classList.contains('check-done'); \
                  if (is !== was) { was = is; window.turned.push(Date.now()) } }; \
                  new MutationObserver(look).observe(document, {subtree: true, childList: true, attributes: true}) })";
    person.page.value_of(&format!("{script}({})", json!(row))).await;
}

#[tokio::test]
async fn two_others_see_a_tick_within_a_second() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    let (helen, _hers) = stage.enters(HELEN).await;
    a_release_fails_and_is_led(&stage, &maya, &tomas).await;
    let open = "document.querySelector('.check:has(button[value=done]):not(#item-review-impact)').id";
    let row = tomas.page.value_of(open).await.as_str().unwrap().to_owned();
    let viewers = [&maya, &helen];
    for viewer in viewers {
        viewer.enters(INCIDENT).await;
        watches(viewer, &row).await;
    }
    let mut taken = Vec::new();
    for turn in 0..TRIES {
        let pressed = tomas.page.value_of("Date.now()").await.as_i64().unwrap();
        let act = if turn % 2 == 0 { "done" } else { "untick" };
        tomas.presses_the(&format!("#{row} .check-tick[value={act}]")).await;
        for viewer in viewers {
            let turned = format!("window.turned[{turn}] ?? 0");
            viewer.page.until("the tick to be seen", async || viewer.page.value_of(&turned).await != json!(0)).await;
            taken.push(viewer.page.value_of(&turned).await.as_i64().unwrap() - pressed);
        }
    }
    assert!(quick(taken.clone()) < PROMISED.as_millis() as i64, "milliseconds: {taken:?}");
}

#[tokio::test]
async fn a_cut_line_and_a_server_that_dies_lose_nothing_and_double_nothing() {
    let mut stage = Stage::opens().await;
    let (maya, cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    maya.enters(INCIDENT).await;
    tomas.enters(INCIDENT).await;
    begins_a_note(&maya).await;
    writes_a_note(&tomas, "word 1").await;
    maya.page.until("the first word", async || notes(&maya).await == ["word 1"]).await;

    cable.becomes(Line::Down);
    cable.cut();
    maya.sees("Not live since").await;
    writes_a_note(&tomas, "word 2").await;
    writes_a_note(&tomas, "word 3").await;
    assert_eq!(notes(&maya).await, ["word 1"]);
    cable.becomes(Line::Good);
    maya.page.until("what was missed", async || notes(&maya).await == ["word 3", "word 2", "word 1"]).await;
    still_holds_it(&maya).await;

    stage.demo.crashes_and_comes_back().await;
    tomas.page.until("his page to follow again", async || tomas.counts(".is-stale").await == 0).await;
    writes_a_note(&tomas, "word 4").await;
    let all = ["word 4", "word 3", "word 2", "word 1"];
    maya.page.until("what came after the crash", async || notes(&maya).await == all).await;
    still_holds_it(&maya).await;
    assert_eq!(notes(&tomas).await, all, "the one who wrote has each once as well");
}

/// Keeps everything that is said aloud at once from now on, but for the update that cannot come.
const HEARS_AT_ONCE: &str = "(() => { window.heard = []; new MutationObserver(changes => { \
     for (const { addedNodes } of changes) for (const it of addedNodes) \
       if (!it.textContent.includes('overdue')) window.heard.push(it.textContent) }) \
     .observe(document.getElementById('say-now'), { childList: true }) })()";

#[tokio::test]
async fn silence_is_told_first_quietly_then_across_the_page_and_an_end_of_it_as_well() {
    let stage = Stage::opens().await;
    let (maya, cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.enters(INCIDENT).await;
    maya.sees("Live").await;
    begins_a_note(&maya).await;
    cable.becomes(Line::Dumb);
    maya.page.value_of(HEARS_AT_ONCE).await;
    // She looks at another tab and comes back: what she sees counts as old until it was fetched.
    maya.page.value_of("document.dispatchEvent(new Event('visibilitychange')) && null").await;
    maya.page.until("the page to count as old", async || maya.counts("html.is-stale").await == 1).await;
    // The page's clock is turned instead of waiting.
    let turn = |seconds: u32| format!("(was => Date.now = () => was() + {seconds} * 1000)(Date.now.bind(Date))");
    maya.page.value_of(&turn(16)).await;
    maya.sees("No news for").await;
    assert_eq!(maya.counts("html.is-stale").await, 1, "what is measured loses its colour");
    maya.page.value_of(&turn(60)).await;
    maya.sees("You may be looking at old data").await;
    maya.sees("What you typed is safe").await;
    let heard = maya.page.value_of("window.heard").await;
    assert_eq!(
        heard,
        json!(["Connection lost. What is shown may be old."]),
        "at once and once, to whoever does not see it"
    );
    cable.becomes(Line::Good);
    cable.cut();
    maya.sees("Up to date again").await;
    maya.page.until("nothing to be old any more", async || maya.counts("html.is-stale").await == 0).await;
    still_holds_it(&maya).await;
}

#[tokio::test]
async fn a_reminder_reaches_whom_it_is_for_by_itself() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (helen, _hers) = stage.enters(HELEN).await;
    a_release_fails(&stage, &maya).await;
    helen.enters(INCIDENT).await;
    maya.goes_to("/").await;
    maya.sees("Take command").await;
    helen.presses_the("#next .remind button").await;
    helen.sees("You reminded everyone in the role incident commander").await;
    maya.sees("Helen Brandt reminded you").await;
    assert_eq!(helen.counts("#next .remind").await, 0, "not again at once");
    maya.takes_command(INCIDENT).await;
    maya.goes_to("/").await;
    assert_eq!(maya.counts("[data-reminded]").await, 0, "what is done is reminded of no more");
    maya.page.has_a_clean_console().await;
}
