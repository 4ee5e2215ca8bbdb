//! What viewers of an incident share: parts of its page that are the same for everyone who looks.

use super::super::AppState;
use super::super::incident_header::{IncidentHeader, Page};
use super::super::timeline_row::Rows;
use super::message::message;
use crate::app::catalogue::Scripts;
use crate::app::{Looked, SubmitError, recorded};
use crate::store::Entry;
use askama::Template;
use axum::body::Bytes;

/// The head of the incident's pages and its line that stays, without the ways between them: those differ from page to
/// page.
#[derive(Template)]
#[template(
    source = r#"{%- import "icons.html" as icons -%}{%- include "_incident_top.html" -%}{%- include "_incident_rail.html" -%}{%- include "_incident_line.html" -%}"#,
    ext = "html"
)]
struct Head {
    header: IncidentHeader,
}

/// The messages of some entries of one incident, in their order: each with its row of the timeline, and the last with the
/// head as it is then. An incident that cannot be read has messages all the same: its page says why when it is fetched.
///
/// # Errors
/// The store's alone.
pub async fn entries(app: &AppState, incident: &str, entries: &[&Entry]) -> Result<Vec<Bytes>, SubmitError> {
    let Some(looked) = looked(app, incident).await? else {
        return Ok(entries.iter().map(|_| changed(incident)).collect());
    };
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let rows = Rows::of(&looked.incident, &facts);
    let header = IncidentHeader::shared(&looked.incident, &facts, looked.now, Page::Elsewhere);
    let head = Head { header }.render().unwrap_or_default();
    let made = entries.iter().enumerate().map(|(place, entry)| {
        let mut parts = recorded(entry).ok().and_then(|one| rows.row(&one).html().ok()).unwrap_or_default();
        if place + 1 == entries.len() {
            parts.push_str(&head);
        }
        if parts.is_empty() { changed(incident) } else { message("entry", &parts) }
    });
    Ok(made.collect())
}

/// An incident with its facts; nothing when it cannot be read.
///
/// # Errors
/// The store's alone.
pub async fn looked(app: &AppState, incident: &str) -> Result<Option<Looked>, SubmitError> {
    match app.incidents.look(incident).await {
        Ok(looked) => Ok(Some(looked)),
        Err(SubmitError::Store(fault)) => Err(fault.into()),
        Err(_) => Ok(None),
    }
}

/// That an incident changed, without what: for pages about all of them.
pub fn changed(incident: &str) -> Bytes {
    message("entry", &format!("<!-- {incident} -->"))
}
