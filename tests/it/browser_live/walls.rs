//! A big screen: it follows by itself, and nothing stays on it when it was ended.

use super::{INCIDENT, MAYA, Stage, TOMAS, a_release_fails, old_values};
use crate::support::browser::Look;
use serde_json::json;

#[tokio::test]
async fn a_wall_follows_by_itself_and_is_empty_once_it_was_ended() {
    let stage = Stage::opens().await;
    let (maya, _her_cable) = stage.enters(MAYA).await;
    let (tomas, _his_cable) = stage.enters(TOMAS).await;
    a_release_fails(&stage, &maya).await;
    tomas.goes_to("/walls").await;
    tomas.fills("Where the screen stands", "The operations room").await;
    tomas.presses_in("make", "Make a link").await;
    tomas.confirms_identity_if_asked().await;
    tomas.sees("This link is shown once").await;
    let link = tomas.page.the("#link").await.prop("value").await.unwrap().unwrap();
    let (screen, _its_cable) = stage.looks(MAYA).await;
    screen.page.visit(&link).await;
    screen.presses("Open it on this screen").await;
    screen.page.until("the wall", async || screen.place().await == "/wall").await;
    let next = async || screen.text_of("section[aria-labelledby=wall-next]").await;
    screen.page.until("somebody to be missing", async || next().await.to_lowercase().contains("take command")).await;
    screen.sees("Live").await;
    screen.page.look_as(Look::wall()).await;
    // With the lines that a rollback under way adds.
    let below = "(() => { const facts = document.querySelector('.wall-facts'); \
                 const line = (words, name) => Object.assign(document.createElement('p'), { textContent: words, className: name }); \
                 const more = [line('About 1 min until verified, by 3 earlier rollbacks.', 'wall-sentence'), \
                   line('At T+0:24: Preparation, User Communication, Service Rollback not all ticked; Verification under way.', '')]; \
                 facts.prepend(...more); const below = document.documentElement.scrollHeight - innerHeight; \
                 more.forEach(it => it.remove()); return below })()";
    assert_eq!(screen.page.value_of(below).await, json!(0), "one incident is seen whole");
    let values = old_values(&screen, ".wall-value > strong").await;
    assert!(!values.as_array().unwrap().is_empty());
    assert!(values.as_array().unwrap().iter().all(|it| *it == json!([true, "\" old\""])), "{values}");
    maya.takes_command(INCIDENT).await;
    screen.page.until("what is next by now", async || next().await.to_lowercase().contains("authorise")).await;
    tomas.goes_to("/walls").await;
    tomas.presses("End wall").await;
    screen.page.until("nothing to be left", async || !screen.page.all_words().await.contains("Error rate")).await;
    screen.sees("ended").await;
}
