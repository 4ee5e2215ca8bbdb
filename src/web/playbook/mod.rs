//! The playbook as a procedure to be read: the present one, every version that ever served, and what two of them say
//! differently (P3). [`book`] says it in words, [`difference`] compares those words.

pub mod banner;
pub mod book;
pub mod difference;

use super::AppState;
use super::error::{WebError, page};
use super::layout::{Here, Layout};
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::SubmitError;
use crate::domain::actor::Who;
use crate::domain::{Procedure, Timestamp};
use crate::store::StoredPlaybook;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use banner::Banner;
use book::{Book, Part};
use difference::{Changes, How, difference};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

pub fn routes() -> Vec<Route> {
    use Capability::SignedIn;
    vec![
        Route::get("/playbook", SignedIn, get),
        Route::get("/playbook/versions", SignedIn, get_versions),
        Route::get("/playbook/compare", SignedIn, get_difference),
        Route::get("/playbook/{hash}", SignedIn, get_version),
        Route::get("/playbook/{hash}/playbook.toml", SignedIn, get_text),
    ]
}

/// One version that the store holds.
#[derive(Clone)]
struct Version {
    hash: String,
    short: String,
    title: String,
    version: String,
    used_at: Timestamp,
    used_by: String,
    current: bool,
    /// Open incidents that keep it to their end.
    pinned: Vec<String>,
}

#[derive(Template)]
#[template(path = "playbook.html")]
struct View {
    layout: Layout,
    banners: Vec<Banner>,
    version: Version,
    book: Book,
}

#[derive(Template)]
#[template(path = "playbook_versions.html")]
struct VersionsView {
    layout: Layout,
    banners: Vec<Banner>,
    versions: Vec<Version>,
}

impl VersionsView {
    /// The version that was in use before the one at this place of the list.
    fn before(&self, place: &usize) -> Option<&Version> {
        self.versions.get(place + 1)
    }
}

#[derive(Template)]
#[template(path = "playbook_compare.html")]
struct DifferenceView {
    layout: Layout,
    versions: Vec<Version>,
    from: Version,
    to: Version,
    changes: Vec<Changes>,
}

impl DifferenceView {
    fn class(how: &How) -> &'static str {
        match how {
            How::Added => "tag-ok",
            How::Removed => "tag-warn",
            How::Changed => "tag-you",
        }
    }
}

/// Every version, the one last taken into use first, with who pins it.
async fn versions(app: &AppState) -> Result<Vec<Version>, WebError> {
    let mut read = app.store.read().await?;
    let stored = read.playbooks().await?;
    let current = app.incidents.playbooks.current_hash(&mut read).await?;
    let people: BTreeMap<String, String> =
        read.people().await?.into_iter().map(|person| (person.id, person.name)).collect();
    let open = read.open_all().await?;
    drop(read);
    let mut pinned: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in open {
        match app.incidents.incident(&row.incident).await {
            Ok(incident) => pinned.entry(incident.playbook.clone()).or_default().push(row.incident),
            Err(SubmitError::Store(fault)) => return Err(fault.into()),
            // One that cannot be read pins something too, but nobody can say what.
            Err(fault) => tracing::warn!(incident = row.incident, %fault, "an open incident cannot be read"),
        }
    }
    let version = |stored: StoredPlaybook| Version {
        short: short(&stored.hash),
        current: current.as_ref() == Some(&stored.hash),
        pinned: pinned.get(&stored.hash).cloned().unwrap_or_default(),
        used_by: match Who::parse(&stored.used_by) {
            Some(Who::Person(id)) => people.get(&id.0).cloned().unwrap_or_else(|| "someone who left".to_owned()),
            _ => "the server’s operator".to_owned(),
        },
        hash: stored.hash,
        title: stored.title,
        version: stored.version,
        used_at: stored.used_at,
    };
    Ok(stored.into_iter().map(version).collect())
}

/// The first twelve digits, which tell versions apart.
pub fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn named(versions: &[Version], hash: &str) -> Result<Version, WebError> {
    versions.iter().find(|version| version.hash == hash).cloned().ok_or_else(WebError::not_found)
}

async fn procedure(app: &AppState, hash: &str) -> Result<Arc<Procedure>, WebError> {
    let mut read = app.store.read().await?;
    app.incidents.playbooks.pinned_read(&mut read, hash).await.map_err(|fault| match fault {
        SubmitError::Store(fault) => fault.into(),
        other => WebError::new(
            StatusCode::CONFLICT,
            "This version cannot be shown",
            &format!("{other}. Its text can be downloaded from the list of versions all the same."),
        ),
    })
}

async fn show(app: &AppState, who: &SignedIn, hash: &str) -> Result<Html<String>, WebError> {
    let version = named(&versions(app).await?, hash)?;
    let book = Book::of(&*procedure(app, hash).await?);
    page(&View {
        layout: Layout::of(who, "Playbook", Here::Playbook, app.clock.now()),
        banners: banner::banners(app, who).await?,
        version,
        book,
    })
}

async fn get(State(app): State<AppState>, who: SignedIn) -> Result<Html<String>, WebError> {
    let current = {
        let mut read = app.store.read().await?;
        app.incidents.playbooks.current_hash(&mut read).await?
    };
    let hash = current.ok_or_else(|| {
        WebError::new(
            StatusCode::NOT_FOUND,
            "No playbook is loaded",
            "An operator loads one on the server: backout playbook load FILE.",
        )
    })?;
    show(&app, &who, &hash).await
}

async fn get_version(
    State(app): State<AppState>,
    who: SignedIn,
    Path(hash): Path<String>,
) -> Result<Html<String>, WebError> {
    if is_hash(&hash) { show(&app, &who, &hash).await } else { Err(WebError::not_found()) }
}

async fn get_text(State(app): State<AppState>, _: SignedIn, Path(hash): Path<String>) -> Result<Response, WebError> {
    if !is_hash(&hash) {
        return Err(WebError::not_found());
    }
    let stored = app.store.playbook(&hash).await?.ok_or_else(WebError::not_found)?;
    let mut response = stored.text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/toml; charset=utf-8"));
    let name = format!("attachment; filename=\"playbook-{}.toml\"", short(&hash));
    headers
        .insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(|fault| WebError::internal(&fault))?);
    Ok(response)
}

async fn get_versions(State(app): State<AppState>, who: SignedIn) -> Result<Html<String>, WebError> {
    page(&VersionsView {
        layout: Layout::of(&who, "Versions of the playbook", Here::Playbook, app.clock.now()),
        banners: banner::banners(&app, &who).await?,
        versions: versions(&app).await?,
    })
}

/// Which two; without both, the present one and the one before.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

async fn get_difference(
    State(app): State<AppState>,
    who: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, WebError> {
    let all = versions(&app).await?;
    let current = || all.iter().find(|version| version.current).map(|version| version.hash.clone());
    let to = Some(asked.to).filter(|hash| !hash.is_empty()).or_else(current).ok_or_else(WebError::not_found)?;
    let before = || {
        let place = all.iter().position(|version| version.hash == to)?;
        all.get(place + 1).map(|version| version.hash.clone())
    };
    let from = Some(asked.from).filter(|hash| !hash.is_empty()).or_else(before).unwrap_or_else(|| to.clone());
    let (from, to) = (named(&all, &from)?, named(&all, &to)?);
    let (older, newer) = (procedure(&app, &from.hash).await?, procedure(&app, &to.hash).await?);
    let changes = difference(&Book::of(&older), &Book::of(&newer));
    page(&DifferenceView {
        layout: Layout::of(&who, "Two versions of the playbook", Here::Playbook, app.clock.now()),
        from,
        to,
        versions: all,
        changes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::{DEFAULT, content_hash};
    use crate::web::sample::World;

    fn newer() -> String {
        DEFAULT.replacen("expire_after = \"30m\"", "expire_after = \"20m\"", 1).replacen(
            "version = \"1.0\"",
            "version = \"1.1\"",
            1,
        )
    }

    async fn load(world: &World, text: &str) {
        let (app, now) = (&world.app.incidents, world.now());
        app.playbooks.load(&app.store, text, &format!("person:{}", world.id("ada")), now).await.unwrap();
    }

    #[tokio::test]
    async fn the_procedure_is_read_by_everyone_and_not_as_toml() {
        let world = World::new().await;
        for login in ["olga", "sam", "maya"] {
            let shown = world.signed_in(login).await.get("/playbook").await;
            assert_eq!(shown.status, StatusCode::OK, "{login}");
            let words = shown.words();
            for part in ["Rollback Procedures", "Crisis detection", "0–5 min", "error rate above 10", "every 91 days"]
            {
                assert!(words.contains(part), "{part}: {words}");
            }
            assert!(!words.contains("[[trigger]]") && !words.contains("= \""), "{words}");
            assert!(shown.body.contains("href=\"#verification\"") && shown.body.contains("id=\"verification\""));
        }
    }

    #[tokio::test]
    async fn versions_say_which_is_in_use_who_added_it_and_who_keeps_it() {
        let world = World::new().await;
        let id = world.critical().await;
        world.turn(crate::domain::Span::minutes(1));
        load(&world, &newer()).await;
        let (old, new) = (content_hash(DEFAULT), content_hash(&newer()));
        let mut maya = world.signed_in("maya").await;
        let list = maya.get("/playbook/versions").await;
        let words = list.words();
        let place = |hash: &str| words.find(&short(hash)).unwrap_or_else(|| panic!("{hash} is missing: {words}"));
        assert!(place(&new) < place(&old), "the newest first: {words}");
        assert_eq!(words.matches("In use").count(), 1, "{words}");
        assert!(words.contains("Ada Kern") && words.contains(&format!("1 open incident: {id}")), "{words}");
        let pinned = maya.get(&format!("/playbook/{old}")).await;
        assert_eq!(pinned.status, StatusCode::OK);
        assert!(
            pinned.words().contains("not the one in use") && pinned.words().contains("30 minutes after"),
            "{}",
            pinned.words()
        );
        let room = maya.get(&format!("/incidents/{id}")).await;
        assert!(room.body.contains(&format!("href=\"/playbook/{old}\"")), "the room leads to the version it keeps");
        let report = maya.get(&format!("/incidents/{id}/report")).await;
        assert!(report.body.contains(&format!("href=\"/playbook/{old}\"")));
        let text = maya.get(&format!("/playbook/{old}/playbook.toml")).await;
        assert_eq!(text.body, DEFAULT, "byte for byte");
        for unknown in [
            "/playbook/0000",
            &format!("/playbook/{}", "0".repeat(64)),
            &format!("/playbook/{}/playbook.toml", "0".repeat(64)),
        ] {
            assert_eq!(maya.get(unknown).await.status, StatusCode::NOT_FOUND, "{unknown}");
        }
    }

    #[tokio::test]
    async fn the_one_that_was_taken_again_is_the_newest_and_is_compared_with_the_one_before() {
        let world = World::new().await;
        let mut ada = world.signed_in("ada").await;
        for text in [newer().as_str(), DEFAULT] {
            world.turn(crate::domain::Span::minutes(1));
            load(&world, text).await;
        }
        let listed = ada.get("/playbook/versions").await.words();
        let (again, other) = (listed.find("version 1.0"), listed.find("version 1.1"));
        assert!(again.is_some() && again < other, "{listed}");
        let compared = ada.get("/playbook/compare").await.words();
        assert!(compared.contains("From version 1.1") && compared.contains("to version 1.0"), "{compared}");
    }

    #[tokio::test]
    async fn two_versions_are_set_against_each_other_in_words() {
        let world = World::new().await;
        world.turn(crate::domain::Span::minutes(1));
        load(&world, &newer()).await;
        let (old, new) = (content_hash(DEFAULT), content_hash(&newer()));
        let mut olga = world.signed_in("olga").await;
        let shown = olga.get(&format!("/playbook/compare?from={old}&to={new}")).await;
        let words = shown.words();
        assert!(words.contains("Changed") && words.contains("Was expire 30 minutes after"), "{words}");
        assert!(words.contains("Now expire 20 minutes after"), "{words}");
        let without = olga.get("/playbook/compare").await.words();
        assert!(without.contains("Was expire 30 minutes"), "the present one and the one before: {without}");
        let same = olga.get(&format!("/playbook/compare?from={new}&to={new}")).await.words();
        assert!(same.contains("say the same"), "{same}");
        assert_eq!(olga.get("/playbook/compare?from=x&to=y").await.status, StatusCode::NOT_FOUND);
    }
}
