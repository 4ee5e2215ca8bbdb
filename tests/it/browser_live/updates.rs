//! Writing a progress update while the world goes on.

use super::{INCIDENT, MAYA, ROOM, Stage, a_release_fails};

#[tokio::test]
async fn words_that_are_being_typed_survive_that_their_update_goes_out_by_itself() {
    let stage = Stage::opens().await;
    let (maya, _cable) = stage.enters(MAYA).await;
    a_release_fails(&stage, &maya).await;
    maya.takes_command(INCIDENT).await;
    maya.goes_to(&format!("{ROOM}/update")).await;
    maya.page.fill("#note", "We look at the cause.").await;
    let number = async || maya.page.value_of("document.querySelector('#write-update [name=number]').value").await;
    let first = number().await;
    maya.page.until("the update to go out by itself", async || number().await != first).await;
    let words = maya.page.value_of("document.getElementById('note').value").await;
    assert_eq!(words, "We look at the cause.", "they stand in the form of the next one");
    maya.presses_the("#write-update [value=send]").await;
    maya.page
        .until("the next to be sent with them", async || maya.text_of("#sent").await.contains("We look at the cause."))
        .await;
    assert_eq!(maya.page.value_of("document.getElementById('note').value").await, "", "what was sent is gone");
    maya.page.passes_axe().await;
    maya.page.has_a_clean_console().await;
}
