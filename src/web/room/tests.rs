use crate::domain::Span;
use crate::domain::command::Command;
use crate::domain::state::AttemptStatus;
use crate::web::sample::World;
use axum::http::StatusCode;

const TITLE: &str = "Crisis detection stopped flagging messages";

#[tokio::test]
async fn the_first_thing_in_the_room_is_what_the_viewer_must_do() {
    let world = World::new().await;
    let id = world.raised("crisis-detection", TITLE).await;
    let room = format!("/incidents/{id}");
    let page = world.signed_in("maya").await.get(&room).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.words().contains("You, as incident commander Take command"), "{}", page.words());
    let id = world.critical().await;
    assert_eq!(room, format!("/incidents/{id}"), "the same cause joins");
}
