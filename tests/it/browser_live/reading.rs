//! Whoever reads or fills in a page keeps what is in their hands and before their eyes while others go on.

use super::{
    HELEN, INCIDENT, MAYA, ROOM, Stage, TOMAS, a_quiet_incident, a_release_fails, a_release_fails_and_is_led,
    old_values,
};
use crate::browser_journey::person::Person;
use crate::support::browser::Look;
use serde_json::json;

/// What the page was made with: it is another one once the page has taken in what others did.
async fn made_with(person: &Person) -> serde_json::Value {
    person.page.value_of("document.body.dataset.live").await
}

async fn writes_a_note(person: &Person, words: &str) {
    person.goes_to(&format!("{ROOM}/timeline")).await;
    person.fills("Note", words).await;
    person.presses("Add note").await;
    person.page.until("the note", async || person.text_of("#timeline").await.contains(words)).await;
}

#[tokio::test]
async fn the_focus_stays_in_the_row_that_somebody_else_ticks() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    a_release_fails_and_is_led(&stage, &maya, &tomas).await;
    maya.enters(INCIDENT).await;
    let open = "document.querySelector('.check:has(.check-tick[value=done])').id";
    let row = maya.page.value_of(open).await.as_str().unwrap().to_owned();
    maya.page.value_of(&format!("document.querySelector('#{row} .check-tick').focus()")).await;
    tomas.presses_the(&format!("#{row} .check-tick")).await;
    maya.page
        .until("the tick to be seen", async || maya.text_of(&format!("#{row}")).await.contains("Tomás Rivera"))
        .await;
    let at =
        maya.page.value_of("document.activeElement.closest('.check')?.id ?? document.activeElement.localName").await;
    assert_eq!(at, json!(row));
}

#[tokio::test]
async fn the_focus_stays_near_when_what_had_it_is_gone() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (helen, _hers) = stage.enters(HELEN).await;
    a_release_fails(&stage, &maya).await;
    helen.enters(INCIDENT).await;
    helen.page.the("#next .remind button").await;
    helen.page.value_of("(window.had = document.querySelector('#next .remind button')).focus()").await;
    maya.takes_command(INCIDENT).await;
    helen.page.until("the button to go", async || helen.page.value_of("window.had.isConnected").await == false).await;
    let inside = "document.activeElement.closest('#next') !== null";
    assert_eq!(
        helen.page.value_of(inside).await,
        true,
        "{}",
        helen.page.value_of("document.activeElement.outerHTML").await
    );
}

#[tokio::test]
async fn boxes_and_circles_that_were_not_sent_stay_as_they_were_set() {
    let stage = Stage::opens().await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    let (helen, _hers) = stage.enters(HELEN).await;
    a_release_fails(&stage, &tomas).await;
    tomas.takes_the_lead(INCIDENT).await;
    tomas.goes_to(&format!("{ROOM}/plan")).await;
    tomas.presses("One that no register knows").await;
    let set = "(() => { const kind = document.querySelector('[name=kind]:not(:checked)'), \
               part = document.querySelector('[name=component]'); kind.click(); part.click(); window.set = [kind, part] })()";
    tomas.page.value_of(set).await;
    let look = "[...window.set.map(it => [it.isConnected, it.checked !== it.defaultChecked]), \
                document.querySelector('details.more').open]";
    let whole = json!([[true, true], [true, true], true]);
    assert_eq!(tomas.page.value_of(look).await, whole);
    let before = made_with(&tomas).await;
    writes_a_note(&helen, "Customers write to us").await;
    tomas.page.until("the page to take it in", async || made_with(&tomas).await != before).await;
    assert_eq!(tomas.page.value_of(look).await, whole);
    tomas.page.has_a_clean_console().await;
}

#[tokio::test]
async fn new_rows_wait_while_somebody_reads_further_down() {
    let stage = Stage::opens().await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    let (helen, _hers) = stage.enters(HELEN).await;
    a_release_fails(&stage, &tomas).await;
    tomas.takes_the_lead(INCIDENT).await;
    tomas.page.look_as(Look::phone()).await;
    tomas.goes_to(&format!("{ROOM}/timeline")).await;
    tomas.sees("Live").await;
    tomas.page.value_of("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })").await;
    let last = "Math.round(document.querySelector('#timeline-rows > :last-child').getBoundingClientRect().top)";
    assert_eq!(
        tomas.page.value_of("document.getElementById('timeline-rows').getBoundingClientRect().top < 0").await,
        true
    );
    let (place, before) = (tomas.page.value_of(last).await, made_with(&tomas).await);
    writes_a_note(&helen, "Customers write to us").await;
    tomas.page.until("the page to take it in", async || made_with(&tomas).await != before).await;
    // Updates that go out by themselves are rows as well.
    tomas.page.until("a button that tells of it", async || tomas.text_of("#new-rows").await.ends_with(" new")).await;
    assert!(!tomas.text_of("#timeline-rows").await.contains("Customers write to us"));
    assert_eq!(tomas.page.value_of(last).await, place, "what he reads has not moved");
    tomas.presses_the("#new-rows").await;
    tomas
        .page
        .until("the row to come", async || tomas.text_of("#timeline-rows").await.contains("Customers write to us"))
        .await;
    assert_eq!(tomas.counts("#new-rows").await, 0);
}

#[tokio::test]
async fn a_timeline_of_one_kind_takes_in_no_other_and_an_entry_is_led_to_by_its_link() {
    let stage = Stage::opens().await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    let (helen, _hers) = stage.enters(HELEN).await;
    a_release_fails(&stage, &tomas).await;
    tomas.goes_to(&format!("{ROOM}/timeline?kind=note")).await;
    tomas.sees("Live").await;
    helen.goes_to(ROOM).await;
    tomas.takes_the_lead(INCIDENT).await;
    tomas.goes_to(&format!("{ROOM}/timeline?kind=note")).await;
    writes_a_note(&helen, "Customers write to us").await;
    tomas
        .page
        .until("the note to come", async || tomas.text_of("#timeline").await.contains("Customers write to us"))
        .await;
    assert_eq!(tomas.counts("#timeline .event").await, 1);
    tomas.page.click("#timeline .event a").await;
    let led = "(() => { const row = document.querySelector(':target'); const { top, bottom } = row.getBoundingClientRect(); \
               const seen = document.elementFromPoint(200, Math.max(top, 0) + 4); \
               return row.textContent.includes('Customers write') && bottom <= innerHeight && row.contains(seen) })()";
    tomas.page.until("the entry to be led to", async || tomas.counts(":target").await == 1).await;
    assert_eq!(tomas.page.value_of(led).await, true);
}

#[tokio::test]
async fn who_goes_back_finds_the_room_as_it_is_now() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (helen, _hers) = stage.enters(HELEN).await;
    a_release_fails(&stage, &maya).await;
    maya.enters(INCIDENT).await;
    maya.sees("Live").await;
    maya.page.click("header.bar a[href='/rollbacks']").await;
    maya.page.until("the list", async || maya.place().await == "/rollbacks").await;
    writes_a_note(&helen, "Customers write to us").await;
    maya.page.back().await.unwrap();
    maya.page
        .until("the note to stand there", async || maya.text_of("#timeline").await.contains("Customers write to us"))
        .await;
    maya.sees("Live").await;
    writes_a_note(&helen, "They write again").await;
    maya.page.until("the next to come", async || maya.text_of("#timeline").await.contains("They write again")).await;
}

#[tokio::test]
async fn who_comes_is_seen_by_those_who_are_there() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    let incident = a_quiet_incident(&maya).await;
    maya.takes_command(&incident).await;
    maya.sees("1 here now: Maya Okafor").await;
    let before = made_with(&maya).await;
    tomas.enters(&incident).await;
    maya.sees("2 here now: Maya Okafor, Tomás Rivera").await;
    assert_eq!(made_with(&maya).await, before, "by itself, though nothing was written");
}

/// Keeps everything that is said aloud from now on.
const HEARS: &str = "(() => { window.heard = []; new MutationObserver(changes => { \
     for (const { addedNodes } of changes) for (const it of addedNodes) window.heard.push(it.textContent) }) \
     .observe(document.getElementById('say'), { childList: true }) })()";

#[tokio::test]
async fn a_new_state_a_task_for_me_and_the_end_of_a_run_are_said_aloud() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    a_release_fails_and_is_led(&stage, &maya, &tomas).await;
    tomas.enters(INCIDENT).await;
    tomas.page.value_of(HEARS).await;
    maya.authorises(INCIDENT, "4.11.3").await;
    for begins in ["Now: Verifying", "For you: ", "Run RB-0001-1-1: Succeeded"] {
        let heard = format!("window.heard.some(it => it.startsWith('{begins}'))");
        tomas.page.until(&format!("{begins:?} to be heard"), async || tomas.page.value_of(&heard).await == true).await;
    }
}

#[tokio::test]
async fn a_changed_row_fades_once_and_not_at_all_for_whoever_wants_no_motion() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.enters(INCIDENT).await;
    let fade = "(row => { row.classList.add('fresh'); const { animationName, animationDuration, animationIterationCount } = \
                getComputedStyle(row); return [animationName, animationDuration, animationIterationCount] })\
                (document.querySelector('#timeline-rows .event'))";
    assert_eq!(maya.page.value_of(fade).await, json!(["tint", "0.4s", "1"]));
    maya.page.look_as(Look::desktop().calm()).await;
    assert_eq!(maya.page.value_of(fade).await[0], "none");
    let moves = "[...document.querySelectorAll('*')].filter(it => { const { animationName, transitionProperty } = \
                 getComputedStyle(it); return animationName !== 'none' || !['none', 'all'].includes(transitionProperty) }).length";
    assert_eq!(maya.page.value_of(moves).await, 0);
}

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// What has the focus while a bar that stays lies over its upper or lower edge.
const COVERED: &str = "(() => { \
     const able = 'main :is(a[href], button, input:not([type=hidden]), select, textarea, summary)'; \
     const all = [...document.querySelectorAll(able)].filter(it => it.checkVisibility({ visibilityProperty: true })); \
     return [...all, ...all.reverse()].filter(it => !it.closest('.next-bar')).filter(it => { it.focus(); \
       const { left, width, top, bottom } = it.getBoundingClientRect(); \
       return document.activeElement === it && [top + 2, Math.min(bottom, top + 60) - 2] \
         .some(y => document.elementFromPoint(left + width / 2, y)?.closest('header.bar, .incident-line, .next-bar')); \
     }).map(it => it.outerHTML.slice(0, 120)) })()";

/// Whether the clock since the start and that of the next update are before the eyes, wherever the page is scrolled to.
const CLOCKS_STAY: &str = "['since', 'until'].map(counts => \
     [...document.querySelectorAll(`[data-counts=${counts}]`)].some(time => { \
       const { left, top, width, height } = time.getBoundingClientRect(); \
       return width > 0 && time.contains(document.elementFromPoint(left + width / 2, top + height / 2)) }))";

#[tokio::test]
async fn the_first_step_of_the_keyboard_skips_to_the_next_action_and_no_bar_covers_the_focus() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    for look in [Look::desktop().calm(), Look::phone().calm()] {
        maya.page.look_as(look).await;
        maya.enters(INCIDENT).await;
        maya.page.types(TAB).await;
        assert_eq!(maya.page.value_of("document.activeElement.textContent").await, "Skip to next action");
        maya.page.types(ENTER).await;
        maya.page.until("the next action", async || maya.page.value_of("location.hash").await == "#next").await;
        assert_eq!(maya.page.value_of(COVERED).await, json!([]), "{look:?}");
        maya.page.value_of("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })").await;
        assert_eq!(maya.page.value_of(CLOCKS_STAY).await, json!([true, true]), "{look:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_led_to_in_words_and_from_there_to_its_field() {
    let stage = Stage::opens().await;
    let (helen, _hers) = stage.enters(HELEN).await;
    a_release_fails(&stage, &helen).await;
    helen.goes_to(&format!("{ROOM}/impact")).await;
    helen.fills("What people feel", "One in three requests fails").await;
    helen.fills("How many people", "many").await;
    helen.presses_the("#describe button[type=submit]").await;
    let at = async || helen.page.value_of("document.activeElement.id").await;
    helen.page.until("the summary of faults to have the focus", async || at().await == "faults").await;
    helen.page.click("#faults a[href='#people']").await;
    let field = "document.querySelector('#people:target, :target #people') !== null";
    helen.page.until("its field to be led to", async || helen.page.value_of(field).await == true).await;
    let told = "(field => [field.getAttribute('aria-invalid'), field.value, \
                field.getAttribute('aria-describedby').split(' ').some(id => document.getElementById(id)?.textContent.trim())]) \
                (document.getElementById('people'))";
    assert_eq!(helen.page.value_of(told).await, json!(["true", "many", true]));
}

#[tokio::test]
async fn what_was_measured_is_called_old_and_loses_its_colour_on_a_page_that_is_old() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    maya.authorises(INCIDENT, "4.11.3").await;
    maya.finds_the_state(INCIDENT, "Verifying").await;
    for (page, values) in [
        ("/".to_owned(), ".watched-value > strong"),
        (ROOM.to_owned(), ".gauge-value:not(.gauge-old)"),
        (format!("{ROOM}/verify"), ".criterion-value > .reading:not(.gauge-old)"),
    ] {
        maya.goes_to(&page).await;
        maya.page.the(values).await;
        let values = old_values(&maya, values).await;
        assert!(values.as_array().unwrap().iter().all(|it| *it == json!([true, "\" old\""])), "{page}: {values}");
    }
}
