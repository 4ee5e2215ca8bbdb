//! What comes out of a printer.

use super::{MAYA, ROOM, Stage, a_release_fails};

/// Makes a story of so many lines out of what the page tells.
fn tell_lines(count: usize) -> String {
    format!(
        "(() => {{ const story = document.querySelector('.impact-story'); \
         while (story.children.length < {count}) story.append(story.lastElementChild.cloneNode(true)); }})()"
    )
}

#[tokio::test]
async fn the_impact_of_much_that_happened_takes_one_sheet_and_of_more_no_half_empty_one() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.page.is_in("Europe/Berlin").await;
    maya.goes_to(&format!("{ROOM}/impact")).await;
    maya.sees("GMT+").await;
    for (lines, sheets) in [(12, 1), (50, 2)] {
        maya.page.value_of(&tell_lines(lines)).await;
        assert_eq!(maya.page.sheets().await, sheets, "{lines} lines");
    }
}

#[tokio::test]
async fn the_viewers_own_time_of_both_ends_stands_behind_both() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    maya.page.is_in("Asia/Tokyo").await;
    maya.goes_to("/").await;
    let ended = "(() => { const it = document.body.appendChild(document.createElement('span')); \
                 it.dataset.local = '2026-03-05T18:33:00Z'; it.dataset.localUntil = '2026-03-05T18:39:00Z'; window.it = it })()";
    maya.page.value_of(ended).await;
    // The script's clock writes it, as it does in a page that the server sends.
    let said = async || maya.page.value_of("window.it.textContent").await.as_str().unwrap_or_default().to_owned();
    maya.page.until("the viewer's own time", async || !said().await.is_empty()).await;
    let said = said().await;
    assert!(said.starts_with("(03:33") && said.contains("03:39") && said.ends_with("GMT+9)"), "{said}");
    assert_eq!(said.matches("GMT").count(), 1, "{said}");
}
