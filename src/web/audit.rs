//! The audit log (R4): first whether the chain holds, then what was done, newest first, fifty to a page.
//!
//! Anyone with a role reads it, but for the journal of access, which is for administrators and management. Entries of
//! incidents are told in words; what a trigger froze as evidence is never shown here. Nothing is repaired: a broken chain
//! is told with its first bad entry.

use super::AppState;
use super::error::{WebError, page};
use super::forms::{Checked, Faults, Field, Form, Typed};
use super::layout::{Here, Layout};
use super::people::Names;
use super::rehearsal::Waits;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::access::record::{self, Fact, STREAM};
use crate::domain::actor::Who;
use crate::domain::event::{Event, Recorded};
use crate::domain::procedure::Procedure;
use crate::domain::story;
use crate::domain::{PersonId, Timestamp};
use crate::store::{Entry, Fault, Head, Verified};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use std::sync::{Arc, Mutex};

/// Entries on one page.
const PAGE: usize = 50;
/// Entries read at a time, and the most that one request looks through for a filter.
const READ: i64 = 200;
const MOST_READ: usize = 4_000;
/// Lines of one export.
pub const EXPORT: i64 = 1_000;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/audit", Capability::SignedIn, get),
        Route::confirmed("/audit/export", Capability::FreshAdministrator, post_export, rehearse_export),
    ]
}

/// The last walk along the chain in this process.
#[derive(Debug, Default)]
pub struct LastWalk(Mutex<Option<Walk>>);

#[derive(Debug, Clone)]
struct Walk {
    at: Timestamp,
    found: Result<Verified, Fault>,
}

impl LastWalk {
    fn known(&self) -> Option<Walk> {
        self.0.lock().expect("no one panics while holding it").clone()
    }

    fn keep(&self, walk: Walk) {
        *self.0.lock().expect("no one panics while holding it") = Some(walk);
    }
}

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// `incidents`, `access`, `settings`, or everything.
    #[serde(default)]
    stream: String,
    /// Words in the kind of an entry.
    #[serde(default)]
    kind: String,
    /// Only entries with smaller numbers.
    before: Option<i64>,
    /// Walk the chain now.
    #[serde(default)]
    verify: String,
}

struct Line {
    seq: i64,
    at: Timestamp,
    who: String,
    /// Upon whose act it followed by itself; empty where it did not.
    upon: String,
    what: String,
    stream: String,
    /// The incident's address; empty for other streams.
    path: String,
    /// The stored body, where there are no better words for it.
    body: String,
    hash: String,
}

/// What is known of the chain.
enum Chain {
    Unknown,
    Holds { entries: i64, at: Timestamp },
    Broken { words: String, intact: i64, at: Timestamp },
}

#[derive(Template)]
#[template(path = "audit.html")]
struct View {
    layout: Layout,
    chain: Chain,
    head: Head,
    may: bool,
    access: bool,
    administrator: bool,
    stream: &'static str,
    kind: String,
    lines: Vec<Line>,
    older: Option<String>,
    newest: bool,
}

/// `RolesChanged` as people read it: "Roles changed".
fn spelled(kind: &str) -> String {
    let mut words = String::new();
    for letter in kind.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

fn line(entry: &Entry, names: &Names, procedure: Option<&Procedure>) -> Line {
    let incident = entry.stream.strip_prefix("incident/");
    let told = incident.and_then(|_| {
        let body = entry.body.as_deref()?;
        let event = Event::read(&entry.kind, body).ok()?;
        let actor = Who::parse(&entry.actor)?;
        let recorded = Recorded { seq: entry.seq, version: entry.version, at: entry.at, actor, event };
        let named = |id: &PersonId| names.person(id);
        let by_itself = story::follows_by_itself(&recorded.event) && recorded.actor.person().is_some();
        Some((story::tell(&recorded, &named, procedure?).text, by_itself))
    });
    let (told, by_itself) = told.map_or((None, false), |(told, by_itself)| (Some(told), by_itself));
    let actor = names.actor(&entry.actor);
    let (who, upon) = if by_itself { ("Backout".to_owned(), actor) } else { (actor, String::new()) };
    let body = match (&entry.body, incident) {
        (None, _) => "purged; its hash still stands in the chain".to_owned(),
        // Of an incident only the words are shown: a body may hold evidence.
        (Some(_), Some(_)) => String::new(),
        (Some(body), None) => body.clone(),
    };
    Line {
        seq: entry.seq,
        at: entry.at,
        who,
        upon,
        what: told.unwrap_or_else(|| spelled(&entry.kind)),
        stream: incident.unwrap_or(&entry.stream).to_owned(),
        path: incident.map_or_else(String::new, |id| format!("/incidents/{id}")),
        body,
        hash: entry.hash.chars().take(12).collect(),
    }
}

/// What one page shows, and the number before which the next begins.
async fn entries(app: &AppState, asked: &Asked, access: bool) -> Result<(Vec<Entry>, Option<i64>), WebError> {
    let prefix = match asked.stream.as_str() {
        "incidents" => "incident/",
        "access" => STREAM,
        "settings" => "settings",
        _ => "",
    };
    let kind = asked.kind.trim().to_lowercase().replace(' ', "");
    let fits = |entry: &Entry| {
        entry.stream.starts_with(prefix)
            && (access || entry.stream != STREAM)
            && (kind.is_empty() || entry.kind.to_lowercase().contains(&kind))
    };
    let (mut before, mut found, mut looked_at) = (asked.before.unwrap_or(i64::MAX), Vec::new(), 0);
    loop {
        let some = app.store.entries_before(before, READ).await?;
        let end = some.len() < READ as usize;
        for entry in some {
            // The next page goes on after the last entry looked at, whether it was shown or not.
            if found.len() == PAGE || looked_at == MOST_READ {
                return Ok((found, Some(before)));
            }
            before = entry.seq;
            looked_at += 1;
            if fits(&entry) {
                found.push(entry);
            }
        }
        if end {
            return Ok((found, None));
        }
    }
}

async fn chain(app: &AppState, walk_now: bool) -> Result<Chain, WebError> {
    if walk_now {
        let found = app.store.verify().await?;
        app.chain.keep(Walk { at: app.clock.now(), found });
    }
    Ok(match app.chain.known() {
        None => Chain::Unknown,
        Some(Walk { at, found: Ok(whole) }) => Chain::Holds { entries: whole.entries, at },
        Some(Walk { at, found: Err(fault) }) => Chain::Broken { words: fault.to_string(), intact: fault.seq - 1, at },
    })
}

async fn get(State(app): State<AppState>, who: SignedIn, Query(asked): Query<Asked>) -> Result<Html<String>, WebError> {
    let may = !who.roles.is_empty();
    let access = Capability::ReadAccessLog.open_to(Some(who.standing())).is_ok();
    let names = Names::read(&app.store).await?;
    let procedure: Option<Arc<Procedure>> = {
        let mut read = app.store.read().await?;
        app.incidents.playbooks.current_read(&mut read).await.ok().map(|(_, procedure)| procedure)
    };
    let (found, older) = if may { entries(&app, &asked, access).await? } else { (Vec::new(), None) };
    let stream = match asked.stream.as_str() {
        "incidents" => "incidents",
        "access" => "access",
        "settings" => "settings",
        _ => "",
    };
    let kind = asked.kind.trim().chars().take(60).collect::<String>();
    let older = older.map(|before| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("stream", stream).append_pair("kind", &kind).append_pair("before", &before.to_string());
        format!("/audit?{}", query.finish())
    });
    page(&View {
        layout: Layout::of(&who, "Audit log", Here::Audit, app.clock.now()),
        chain: chain(&app, may && asked.verify == "1").await?,
        head: app.store.head().await?,
        may,
        access,
        administrator: Capability::Administrator.open_to(Some(who.standing())).is_ok(),
        stream,
        kind,
        lines: found.iter().map(|entry| line(entry, &names, procedure.as_deref())).collect(),
        older,
        newest: asked.before.is_none(),
    })
}

/// Where an export begins.
struct Export {
    /// The first entry's number, from 1.
    first: i64,
}

impl Form for Export {
    const FIELDS: &'static [Field] = &[Field::text("first", "First entry", 19)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Export> {
        let first = typed.text("first").trim().parse().ok().filter(|first| *first >= 1);
        if first.is_none() {
            faults.add("first", "Write the number of an entry, from 1.");
        }
        Some(Export { first: first? })
    }
}

fn not_exported(faults: &Faults) -> WebError {
    let told: Vec<&str> = faults.0.iter().map(|fault| fault.text.as_str()).collect();
    WebError::new(StatusCode::UNPROCESSABLE_ENTITY, "Nothing was exported", &told.join(" "))
        .with_way_out("Audit log", "/audit")
}

async fn rehearse_export(_: SignedIn, form: Checked<Export>) -> Result<Waits, WebError> {
    let first = form.value.map_err(|faults| not_exported(&faults))?.first;
    Ok(Waits::new(format!("Export JSON lines from entry {first}"), "/audit#export"))
}

/// The whole ledger as JSON lines, oldest first, a bounded part at a time; the file's name says which. Each part that
/// leaves is an entry itself, written before the first byte goes: what cannot be recorded is not exported.
async fn post_export(State(app): State<AppState>, who: SignedIn, form: Checked<Export>) -> Result<Response, WebError> {
    let first = match form.value {
        Ok(export) => export.first,
        Err(faults) => return Err(not_exported(&faults)),
    };
    let entries = app.store.tail(first - 1, EXPORT).await?;
    let ends = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.seq);
    let exported =
        Fact::AuditExported { first: ends(entries.first()), last: ends(entries.last()), entries: entries.len() as i64 };
    record::record_alone(&app.store, app.clock.now(), &who.actor(), exported).await?;
    let mut lines = String::new();
    for entry in &entries {
        let line = serde_json::json!({
            "seq": entry.seq, "stream": entry.stream, "version": entry.version, "kind": entry.kind, "at": entry.at.0,
            "actor": entry.actor, "body": entry.body, "body_hash": entry.body_hash, "hash": entry.hash,
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let mut response = lines.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl; charset=utf-8"));
    let name =
        format!("attachment; filename=\"audit-{first}-{}.jsonl\"", entries.last().map_or(first, |last| last.seq));
    let name = HeaderValue::from_str(&name).map_err(|fault| WebError::internal(&fault))?;
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewEntry;
    use crate::web::sample::World;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn entries_are_told_in_words_and_access_is_for_administrators_and_management() {
        let world = World::new().await;
        let id = world.critical().await;
        let observer = world.signed_in("olga").await.get("/audit").await;
        assert_eq!(observer.status, StatusCode::OK);
        assert!(observer.words().contains("Maya Okafor") && observer.words().contains(&id), "{}", observer.words());
        assert!(!observer.words().contains("Signed in"), "the journal of access is not for everyone");
        assert!(!observer.body.contains("alert(1)"), "frozen evidence is not shown");
        for login in ["ada", "helen"] {
            let shown = world.signed_in(login).await.get("/audit?stream=access").await;
            assert!(shown.words().contains("Signed in"), "{login}: {}", shown.words());
        }
        let asked = world.signed_in("olga").await.get("/audit?stream=access").await;
        assert!(!asked.words().contains("Signed in") && asked.words().contains("No entry"), "{}", asked.words());
    }

    #[tokio::test]
    async fn pages_follow_without_gap_or_repeat_and_are_filtered_by_kind() {
        let world = World::new().await;
        let mut tx = world.app.store.begin().await.unwrap();
        let more: Vec<NewEntry> = (0..120).map(|n| NewEntry::new("Sampled", format!("{{\"n\":{n}}}"))).collect();
        tx.append("settings", None, world.now(), "system", &more).await.unwrap();
        tx.commit().await.unwrap();
        let mut browser = world.signed_in("olga").await;
        let (mut path, mut seen) = ("/audit?stream=settings&kind=sampled".to_owned(), Vec::new());
        loop {
            let shown = browser.get(&path).await;
            seen.extend((0..120).filter(|n| shown.body.contains(&format!("&#34;n&#34;:{n}}}"))));
            let Some(at) = shown.body.find("href=\"/audit?stream=settings&#38;kind=sampled&#38;before=") else { break };
            let link: String = shown.body[at + 6..].chars().take_while(|letter| *letter != '"').collect();
            path = link.replace("&#38;", "&");
        }
        let expected: Vec<i32> = (0..120).collect();
        seen.sort_unstable();
        assert_eq!(seen, expected);
    }

    #[tokio::test]
    async fn the_verdict_is_given_on_demand_and_remembered() {
        let world = World::new().await;
        world.critical().await;
        let mut browser = world.signed_in("maya").await;
        assert!(browser.get("/audit").await.words().contains("not been checked since this server started"));
        assert!(browser.get("/audit?verify=1").await.words().contains("Chain intact"));
        assert!(browser.get("/audit").await.words().contains("Chain intact"));
    }

    #[tokio::test]
    async fn the_export_is_whole_lines_for_administrators_alone() {
        let world = World::new().await;
        world.critical().await;
        let from_3 = [("first", "3")];
        assert_eq!(world.confirmed("maya").await.post("/audit/export", &from_3).await.status, StatusCode::FORBIDDEN);
        let mut ada = world.signed_in("ada").await;
        let asked = ada.post("/audit/export", &from_3).await;
        assert_eq!(asked.status, StatusCode::UNAUTHORIZED, "an open browser is not yet an administrator");
        assert!(asked.words().contains("Confirm that it is you"), "{}", asked.words());
        let mut ada = world.confirmed("ada").await;
        let odd = ada.post("/audit/export", &[("first", "0")]).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(odd.words().contains("Write the number of an entry, from 1."), "{}", odd.words());
        let file = ada.post("/audit/export", &from_3).await;
        assert_eq!(file.status, StatusCode::OK);
        let name = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned();
        assert!(name.starts_with("attachment; filename=\"audit-3-"), "{name}");
        let lines: Vec<serde_json::Value> = file.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["seq"], 3);
        assert!(lines.windows(2).all(|pair| pair[1]["seq"].as_i64() == pair[0]["seq"].as_i64().map(|seq| seq + 1)));
    }

    #[tokio::test]
    async fn each_export_is_one_entry_that_says_who_took_what_and_a_refused_one_is_a_refusal() {
        let world = World::new().await;
        world.critical().await;
        let exports = async || {
            let entries = world.app.store.entries(STREAM, 0, 1_000).await.unwrap();
            entries.into_iter().filter(|entry| entry.kind == "AuditExported").collect::<Vec<_>>()
        };
        let from_3 = [("first", "3")];
        let mut ada = world.confirmed("ada").await;
        let file = ada.post("/audit/export", &from_3).await;
        let told = exports().await;
        assert_eq!(told.len(), 1, "one export, one entry");
        assert_eq!(told[0].actor, format!("person:{}", world.id("ada")));
        let body: serde_json::Value = serde_json::from_str(told[0].body.as_deref().unwrap()).unwrap();
        let count = file.body.lines().count();
        assert_eq!((body["first"].as_i64(), body["entries"].as_i64()), (Some(3), i64::try_from(count).ok()));
        assert_eq!(body["last"], told[0].seq - 1, "everything up to its own entry");
        // A link, or another site, takes nothing and leaves nothing in this person's name.
        let linked = ada.get("/audit/export").await;
        assert!(!linked.status.is_success() && !linked.body.contains("body_hash"), "{}", linked.body);
        world.confirmed("maya").await.post("/audit/export", &from_3).await;
        assert_eq!(exports().await.len(), 1);
        // And nobody draws the ledger off in a moment.
        let mut answers = Vec::new();
        for _ in 0..10 {
            answers.push(ada.post("/audit/export", &from_3).await.status);
        }
        assert_eq!(answers.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{answers:?}");
        let refused = world.app.store.entries(STREAM, 0, 1_000).await.unwrap();
        assert!(refused.iter().any(|entry| entry.kind == "Denied"), "and the refusal is told as one");
    }

    #[test]
    fn a_kind_is_spelled_out() {
        assert_eq!(spelled("RolesChanged"), "Roles changed");
        assert_eq!(spelled("Refused"), "Refused");
    }
}
