//! The clocks: they count by the server's time, the tab carries the next update, and only what is overdue is called so.

use super::{INCIDENT, MAYA, Stage, a_release_fails};
use crate::browser_journey::person::Person;
use crate::support::cable::Line;
use serde_json::json;

/// Everything loud that the page says from now on: in the tab, at the clock, and to whoever does not see it.
const LISTENS: &str = "(() => { window.loud = []; const look = () => { \
     const said = [document.title, ...[...document.querySelectorAll('[data-counts=until], #say-now p')].map(it => it.textContent)]; \
     for (const words of said) if (/overdue/.test(words) && !window.loud.includes(words)) window.loud.push(words) }; \
     new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true }); \
     look() })()";

/// How many updates went out.
async fn sent(person: &Person) -> usize {
    person.counts("#updates [id^=update-]").await
}

/// Turns the page's clock instead of waiting; always from the true time.
async fn turns_its_clock(person: &Person, seconds: i64) {
    let turn =
        format!("(window.trueNow ??= Date.now.bind(Date), Date.now = () => window.trueNow() + {seconds} * 1000)");
    person.page.value_of(&format!("{turn} && null")).await;
}

#[tokio::test]
async fn an_update_that_goes_out_by_itself_is_never_called_overdue() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.enters(INCIDENT).await;
    maya.page.value_of(LISTENS).await;
    let half = "/^0:0/.test(document.querySelector('[data-counts=until]').textContent)";
    for number in 1..=2 {
        // A beat is as long as patience.
        maya.page
            .until("half a beat", async || maya.page.value_of(half).await == true || sent(&maya).await >= number)
            .await;
        maya.page.until("an update to go out", async || sent(&maya).await >= number).await;
    }
    assert_eq!(maya.page.value_of("window.loud").await, json!([]), "it was in time");
}

/// The head comes with the stream; what is fetched anew, such as the bar at the foot, may come much later.
#[tokio::test]
async fn what_is_fetched_late_calls_nothing_overdue_either() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.enters(INCIDENT).await;
    maya.sees("Live").await;
    let due = "document.querySelector('.clocks [data-counts=until]').dateTime";
    let first = maya.page.value_of(due).await;
    assert_eq!(maya.counts("#next-bar [data-counts=until]").await, 1, "the foot has a clock of its own");
    maya.page.value_of("(window.fetch = () => new Promise(() => {})) && null").await;
    maya.page.value_of(LISTENS).await;
    maya.page.until("the head to promise the next one", async || maya.page.value_of(due).await != first).await;
    let passed = format!("Date.now() > Date.parse({first}) + 5000");
    maya.page.until("the first to be long past", async || maya.page.value_of(&passed).await == true).await;
    assert_eq!(maya.page.value_of("window.loud").await, json!([]), "it was in time");
    let same = "new Set([...document.querySelectorAll('[data-counts=until]')].map(it => it.textContent)).size";
    assert_eq!(maya.page.value_of(same).await, 1, "every clock of the update says the same");
}

/// Whether the next update's clock is amber, whether it is red, and whether the tab says the same as the clock.
const NEXT_UPDATE: &str = "(() => { const time = document.querySelector('.clocks [data-counts=until]'); \
     const { classList } = time.closest('.clock'); \
     return [classList.contains('clock-due'), classList.contains('clock-late'), \
       document.title.startsWith(`${time.textContent} update due, RB-0001 `)] })()";

#[tokio::test]
async fn the_next_update_turns_amber_and_then_loud_at_its_clock_in_the_tab_and_aloud() {
    let stage = Stage::opens().await;
    let (maya, cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.enters(INCIDENT).await;
    maya.sees("Live").await;
    // From now on the server neither sends an update nor sets a clock right.
    cable.becomes(Line::Dumb);
    maya.page.value_of(LISTENS).await;
    let clock = |says: serde_json::Value| {
        let maya = &maya;
        async move || maya.page.value_of(NEXT_UPDATE).await == says
    };
    turns_its_clock(&maya, -100).await;
    maya.page.until("more than a minute and a half", clock(json!([false, false, true]))).await;
    turns_its_clock(&maya, 0).await;
    maya.page.until("less than that", clock(json!([true, false, true]))).await;
    assert_eq!(maya.page.value_of("window.loud").await, json!([]));
    turns_its_clock(&maya, 60).await;
    maya.page.until("its time to be past", clock(json!([false, true, true]))).await;
    let silent = "[...document.querySelectorAll('.clocks time')].every(time => \
                  time.getAttribute('role') === 'timer' && time.closest('[aria-live]') === null)";
    assert_eq!(maya.page.value_of(silent).await, true, "the clocks themselves are not read out each second");
    assert!(maya.text_of(".clocks .clock-late").await.contains("overdue 0:"));
    let said = maya.page.value_of("window.loud.filter(it => it === 'The progress update is overdue.').length").await;
    assert_eq!(said, 1, "once, to whoever does not see it");
}

/// By how many seconds the clocks of a page are wrong: the one that counts since the start, and the one of the server.
const WRONG: &str = "[...document.querySelectorAll('.clocks [data-counts=since]')].map(time => \
       time.textContent.match(/[\\d:]+/)[0].split(':').reduce((sum, part) => sum * 60 + Number(part), 0) \
         - (window.trueNow() - Date.parse(time.dateTime)) / 1000) \
     .concat((Date.parse(document.querySelector('#clock time').dateTime) - window.trueNow()) / 1000)";

/// A page that never read the server's time would be wrong by hours.
async fn its_clocks_are_right(person: &Person, what: &str) {
    let wrong = person.page.value_of(WRONG).await;
    let right = wrong.as_array().unwrap().iter().all(|seconds| seconds.as_f64().unwrap().abs() < 5.0);
    assert!(right, "{what}: wrong by {wrong} seconds");
}

#[tokio::test]
async fn everybody_reads_the_servers_time_whatever_their_own_clock_says() {
    const HOUR: i64 = 3_600_000;
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    // Each turns the clock on from where the one before left it: three hours fast, then three hours slow.
    for turn in [3 * HOUR, -6 * HOUR] {
        let wrong = format!(
            "(() => {{ const now = Date.now.bind(Date), origin = performance.timeOrigin; window.trueNow ??= now; \
             Date.now = () => now() + {turn}; \
             Object.defineProperty(performance, 'timeOrigin', {{ configurable: true, get: () => origin + {turn} }}) }})()"
        );
        maya.page.begins_each_page_with(&wrong).await;
        maya.enters(INCIDENT).await;
        its_clocks_are_right(&maya, "before any word of the stream").await;
        maya.sees("Live").await;
        its_clocks_are_right(&maya, "with the stream").await;
        maya.goes_to("/account").await;
        its_clocks_are_right(&maya, "on a page without a stream").await;
    }
}
