//! The first page: what waits for the person who looks at it.

use super::AppState;
use super::error::{WebError, page};
use super::layout::{Here, Layout};
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use askama::Template;
use axum::extract::State;
use axum::response::Html;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/", Capability::SignedIn, get)]
}

#[derive(Template)]
#[template(path = "now.html")]
struct View {
    layout: Layout,
}

async fn get(State(app): State<AppState>, who: SignedIn) -> Result<Html<String>, WebError> {
    page(&View { layout: Layout::of(&who, "Now", Here::Now, app.clock.now()) })
}
