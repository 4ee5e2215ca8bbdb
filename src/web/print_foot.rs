//! The foot of each printed page of an incident: which incident, the ledger's head, who printed it and when, and which
//! page of how many. Only a stylesheet can write on every sheet of paper and count them, and pages hold no style of their
//! own: so each incident has a small stylesheet for its paper.

use super::AppState;
use super::error::WebError;
use super::incident::look;
use super::report_figures::short;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/incidents/{id}/print.css", Capability::SignedIn, get).without_activity()]
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    let looked = look(&app, &id).await?;
    let (chain, now) = (app.store.head().await?, looked.now);
    let foot = format!(
        "Backout · {id} · chain head {} at entry {} · printed {} by {}",
        short(&chain.hash),
        chain.seq,
        now.in_words(),
        who.name
    );
    let style = format!(
        "@page {{ @bottom-left {{ content: {}; inline-size: 80%; }} \
         @bottom-right {{ content: \"Page \" counter(page) \" of \" counter(pages); }} }}\n",
        text(&foot)
    );
    Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response())
}

/// A text as CSS writes it: whatever could end it is named by its number.
fn text(words: &str) -> String {
    let mut written = String::from("\"");
    for letter in words.chars() {
        if letter.is_alphanumeric() || matches!(letter, ' ' | '.' | ',' | ':' | '-' | '·' | '…') {
            written.push(letter);
        } else {
            let _ = write!(written, "\\{:x} ", u32::from(letter));
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample::World;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn printed_pages_name_incident_head_reader_and_number() {
        let world = World::new().await;
        let id = world.critical().await;
        let mut maya = world.signed_in("maya").await;
        let report = maya.get(&format!("/incidents/{id}/report")).await;
        let address = format!("/incidents/{id}/print.css");
        assert!(report.body.contains(&format!("media=\"print\" href=\"{address}\"")), "{}", report.body);
        let style = maya.get(&address).await;
        assert_eq!(
            (style.status, style.headers["content-type"].to_str().unwrap()),
            (StatusCode::OK, "text/css; charset=utf-8")
        );
        for part in [id.as_str(), "by Maya Okafor\"", "at entry ", "counter(page) \" of \" counter(pages)"] {
            assert!(style.body.contains(part), "{part}: {}", style.body);
        }
        assert_eq!(maya.get("/incidents/RB-9999/print.css").await.status, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_name_ends_no_text_of_css() {
        assert_eq!(text("Zoë O'Neil"), "\"Zoë O\\27 Neil\"");
        assert_eq!(text("\"}\n@import"), "\"\\22 \\7d \\a \\40 import\"");
        assert_eq!(text("back\\slash"), "\"back\\5c slash\"");
    }
}
