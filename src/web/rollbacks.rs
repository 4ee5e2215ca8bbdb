//! Every incident, newest first, twenty to a page. Paged by number, never counted, so that the hundred-thousandth is as
//! quick as the first.

use super::AppState;
use super::error::{WebError, page};
use super::layout::{Here, Layout};
use super::lists;
use super::now::outcome_words;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::domain::Timestamp;
use crate::domain::progress::state_words;
use crate::domain::state::Incident;
use crate::store::BoardRow;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;

/// Incidents on one page.
const PAGE: usize = 20;
/// Rows read at a time while looking for closed ones.
const READ: i64 = 100;
/// Rows of a page, and one more to see whether there is another.
const ENOUGH: i64 = PAGE as i64 + 1;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/rollbacks", Capability::SignedIn, get)]
}

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// `open`, `closed`, or all.
    #[serde(default)]
    state: String,
    /// Only incidents with smaller numbers.
    before: Option<i64>,
}

struct Line {
    incident: String,
    title: String,
    severity: String,
    place: String,
    state: String,
    open: bool,
    opened_at: Timestamp,
    closed_at: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "rollbacks.html")]
struct View {
    layout: Layout,
    state: &'static str,
    lines: Vec<Line>,
    /// The number before which the next page begins.
    older: Option<i64>,
    newest: bool,
}

impl Line {
    /// Of an open one, the state at this moment: time alone changes it.
    fn of(row: &BoardRow, incident: Option<&Incident>, now: Timestamp) -> Line {
        let open = || incident.map_or_else(|| row.phase.clone(), |incident| state_words(incident, now));
        Line {
            incident: row.incident.clone(),
            title: row.title.clone(),
            severity: row.severity.clone(),
            place: format!("{}, {}", row.component, row.environment),
            state: row.outcome.as_deref().map_or_else(open, outcome_words),
            open: row.status == "open",
            opened_at: row.opened_at,
            closed_at: row.closed_at,
        }
    }
}

/// One page of rows, and one more where there is one.
async fn rows(app: &AppState, state: &str, before: Option<i64>) -> Result<Vec<BoardRow>, WebError> {
    if state == "open" {
        // Open incidents are few: their index holds nothing else.
        let mut open = app.store.open_all().await?;
        open.retain(|row| before.is_none_or(|before| row.number < before));
        open.sort_by_key(|row| std::cmp::Reverse(row.number));
        open.truncate(PAGE + 1);
        return Ok(open);
    }
    let mut found = Vec::new();
    let mut before = before;
    loop {
        let wanted = if state == "closed" { READ } else { ENOUGH };
        let some = app.store.recent(wanted, before).await?;
        let last = (some.len() as i64) < wanted;
        before = some.last().map(|row| row.number);
        found.extend(some.into_iter().filter(|row| state != "closed" || row.status == "closed"));
        if last || found.len() > PAGE {
            found.truncate(PAGE + 1);
            return Ok(found);
        }
    }
}

async fn get(State(app): State<AppState>, who: SignedIn, Query(asked): Query<Asked>) -> Result<Html<String>, WebError> {
    let state = match asked.state.as_str() {
        "open" => "open",
        "closed" => "closed",
        _ => "all",
    };
    let mut own = format!("/rollbacks?state={state}");
    if let Some(before) = asked.before {
        own.push_str(&format!("&before={before}"));
    }
    let seq = who.seq();
    let rows = lists::page(&app, seq, (state, asked.before), rows(&app, state, asked.before)).await?;
    let more = rows.len() > PAGE;
    let rows = &rows[..rows.len().min(PAGE)];
    let now = app.clock.now();
    let mut lines = Vec::new();
    for row in rows {
        let incident = if row.status == "open" { app.incidents.incident(&row.incident).await.ok() } else { None };
        lines.push(Line::of(row, incident.as_deref(), now));
    }
    page(&View {
        layout: Layout::of(&who, "Rollbacks", Here::Rollbacks, now).following(seq, &own),
        state,
        older: rows.last().map(|row| row.number).filter(|_| more),
        newest: asked.before.is_none(),
        lines,
    })
}

#[cfg(test)]
mod tests {
    use crate::domain::command::{Command, Outcome};
    use crate::web::sample::World;

    #[tokio::test]
    async fn pages_follow_one_another_without_gap_or_repeat_and_can_be_filtered() {
        let world = World::new().await;
        // Security always opens an incident of its own.
        for number in 0..23 {
            world.raised("data-breach", &format!("Breach {number}")).await;
        }
        for command in [
            Command::TakeRole { role: crate::domain::Role::IncidentCommander },
            Command::WithdrawPlan { attempt: 1, reason: "no need".into() },
            Command::Close { outcome: Outcome::Dismissed, reason: "a test".into() },
        ] {
            world.acts("maya", "RB-0002", command).await;
        }
        let mut browser = world.signed_in("olga").await;
        let first = browser.get("/rollbacks").await;
        assert!(first.body.contains("RB-0023") && first.body.contains("RB-0004") && !first.body.contains("RB-0003"));
        assert!(first.body.contains("href=\"/rollbacks?state=all&#38;before=4\""), "{}", first.body);
        let second = browser.get("/rollbacks?state=all&before=4").await;
        assert!(second.body.contains("RB-0003") && second.body.contains("RB-0001") && !second.body.contains("RB-0004"));
        assert!(!second.body.contains(">Older<"), "there is nothing older");
        let open = browser.get("/rollbacks?state=open&before=4").await;
        assert!(open.body.contains("RB-0003") && !open.body.contains("RB-0002"));
        let closed = browser.get("/rollbacks?state=closed").await;
        assert!(closed.body.contains("RB-0002") && !closed.body.contains("RB-0003"), "{}", closed.words());
        assert!(closed.words().contains("Dismissed"));
    }
}
