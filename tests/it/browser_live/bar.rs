//! The bar stays one line on a phone, whatever stands in it.

use super::{MAYA, Stage, TOMAS, a_release_fails};
use crate::browser_journey::person::Person;
use crate::support::browser::Look;
use crate::support::cable::Line;
use serde_json::json;

/// What is wrong with the bar: its height beyond one line, words that break or are cut short, what reaches out of the window. On
/// the narrowest telephone the end of the words that the page is old may be cut: their sign and colour are there.
const FAULTS: &str = "(() => { const bar = document.getElementById('bar'), faults = [], range = document.createRange(); \
    const height = bar.getBoundingClientRect().height; if (height > 60) faults.push(`${height} px high`); \
    const walk = document.createTreeWalker(bar, NodeFilter.SHOW_TEXT); \
    while (walk.nextNode()) { const it = walk.currentNode, box = it.parentElement; \
      if (!it.data.trim() || !box.checkVisibility() || box.closest('.menu-box') || box.getBoundingClientRect().width <= 1) continue; \
      range.selectNodeContents(it); \
      const lines = new Set([...range.getClientRects()].map(line => Math.round(line.top))).size; \
      if (lines > 1) faults.push(`${it.data} takes ${lines} lines`); \
      const hides = getComputedStyle(box).overflowX === 'hidden', least = innerWidth < 390 && box.closest('.live-stale'); \
      if (hides && !least && box.scrollWidth > box.clientWidth + 1) faults.push(`${it.data} is cut`); \
      if ((hides ? box : range).getBoundingClientRect().right > innerWidth) faults.push(`${it.data} reaches out`); } \
    return faults; })()";

async fn is_one_line(person: &Person, words: &str) {
    for width in [390, 320] {
        person.page.look_as(Look::phone().wide(width)).await;
        assert_eq!(person.page.value_of(FAULTS).await, json!([]), "{words}, at {width} px");
    }
}

#[tokio::test]
async fn the_bar_of_a_phone_keeps_its_words_whole_beside_what_is_open_elsewhere() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, his_cable) = stage.enters(TOMAS).await;
    tomas.goes_to("/rollbacks").await;
    tomas.sees("Live").await;
    is_one_line(&tomas, "nothing is open").await;
    a_release_fails(&stage, &maya).await;
    tomas.goes_to("/rollbacks").await;
    tomas.sees("Live").await;
    assert_eq!(tomas.counts(".bar > .alarm").await, 1);
    is_one_line(&tomas, "a P0 is open").await;
    maya.raises("Data breach detected", "A list of customers lies open.").await;
    tomas.goes_to("/rollbacks").await;
    tomas.sees("Live").await;
    assert_eq!(tomas.counts(".bar > .alarm").await, 2);
    is_one_line(&tomas, "two are open").await;
    his_cable.becomes(Line::Down);
    his_cable.cut();
    tomas.page.until("the bar to say so", async || tomas.counts(".bar > .live-stale").await == 1).await;
    is_one_line(&tomas, "two are open, and the page is old").await;
}
