//! What can be rolled back to: releases, backups and configurations, by place; and the form that adds one.

use super::AppState;
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed, instant};
use super::layout::{Here, Layout};
use super::people::Names;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::{Capability, Closed};
use crate::app::gather::registered;
use crate::app::registering::{self, Entry, MIGRATIONS, NotRegistered, Told};
use crate::domain::facts::Registered;
use crate::domain::procedure::TargetKind;
use crate::domain::{Timestamp, running};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

/// Lines shown of each place; the newest count.
const SHOWN: usize = 30;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/registers", Capability::SignedIn, get), Route::post("/registers", Capability::KeepRegister, post)]
}

struct Line {
    kind: &'static str,
    name: String,
    at: Timestamp,
    by: String,
    checksum: String,
    migrations: String,
    verified_at: Option<Timestamp>,
    note: String,
    /// What runs now, as far as the register knows.
    runs: bool,
    /// When it began to run anew.
    again_at: Option<Timestamp>,
    /// When it was rolled back from, and in which incident.
    left: Option<(Timestamp, String)>,
}

struct Place {
    environment: String,
    component: String,
    lines: Vec<Line>,
    more: bool,
}

#[derive(Template)]
#[template(path = "registers.html")]
struct View {
    layout: Layout,
    places: Vec<Place>,
    /// Why this person has no form here.
    locked: Option<&'static str>,
    typed: Typed,
    faults: Vec<Fault>,
    now: String,
}

impl View {
    fn kinds() -> [&'static str; 3] {
        TargetKind::ALL.map(TargetKind::key)
    }

    /// Nobody should call them none by not looking: what is not known comes first.
    fn migrations() -> impl Iterator<Item = &'static str> {
        MIGRATIONS.into_iter().rev()
    }

    fn chosen(&self, field: &str, value: &str) -> bool {
        self.typed.text(field) == value
    }
}

fn line(row: &Registered, runs: Option<&str>, names: &Names) -> Line {
    Line {
        kind: row.kind.key(),
        name: row.name.clone(),
        at: row.at,
        by: names.actor(&row.by),
        checksum: row.checksum.clone(),
        migrations: row.migrations.clone(),
        verified_at: row.verified_at,
        note: row.note.clone(),
        runs: row.kind == TargetKind::Release && runs == Some(row.name.as_str()),
        again_at: row.again_at,
        left: row.left_at.filter(|_| row.was_left()).map(|at| (at, row.left_in.clone())),
    }
}

async fn show(app: &AppState, who: &SignedIn, typed: Typed, faults: Faults) -> Result<Response, WebError> {
    let names = Names::read(&app.store).await?;
    let mut places = Vec::new();
    for (environment, profile) in &app.incidents.site.environments {
        for component in &profile.components {
            let rows = app.store.registered(environment, component).await?;
            let rows: Vec<Registered> = rows.into_iter().filter_map(registered).collect();
            let runs = running::running(&rows, component).map(|row| row.name.as_str());
            places.push(Place {
                environment: environment.clone(),
                component: component.clone(),
                lines: rows.iter().take(SHOWN).map(|row| line(row, runs, &names)).collect(),
                more: rows.len() > SHOWN,
            });
        }
    }
    let locked = match Capability::KeepRegister.open_to(Some(who.standing())) {
        Err(Closed::NotYours(why)) => Some(why),
        _ => None,
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let now = app.clock.now();
    let view = View {
        layout: Layout::of(who, "Registers", Here::Registers, now),
        places,
        locked,
        typed,
        faults: faults.0,
        now: now.to_string()[..16].to_owned(),
    };
    Ok((status, page(&view)?).into_response())
}

async fn get(State(app): State<AppState>, who: SignedIn) -> Result<Response, WebError> {
    show(&app, &who, Typed::default(), Faults::default()).await
}

struct Add {
    kind: TargetKind,
    environment: String,
    component: String,
    name: String,
    /// Nothing typed: now.
    at: Option<Timestamp>,
    checksum: String,
    migrations: String,
    note: String,
}

impl Form for Add {
    const FIELDS: &'static [Field] = &[
        Field::text("kind", "Kind", 10),
        Field::text("place", "Component and environment", 200),
        Field::text("name", "Version or name", 64),
        Field::text("at", "When it began to run, or was taken", 20),
        Field::text("checksum", "Checksum", 200),
        Field::text("migrations", "Database migrations", 20),
        Field::text("note", "Back-out note", 4_000),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Add> {
        let kind = TargetKind::from_key(typed.text("kind"));
        if kind.is_none() {
            faults.add("kind", "Choose release, backup or config.");
        }
        let place = typed.required("place", faults, "Choose a component and an environment.");
        let place = place.and_then(|place| match place.split_once('/') {
            Some((environment, component)) => Some((environment.to_owned(), component.to_owned())),
            None => {
                faults.add("place", "It names no environment and component. Choose one from the list.");
                None
            }
        });
        let name = typed.required("name", faults, "Type the version of the release, or the name of the backup.");
        let at = instant(typed.text("at")).unwrap_or_else(|fault| {
            faults.add("at", fault);
            None
        });
        let (environment, component) = place?;
        let text = |field| typed.text(field).trim().to_owned();
        let (checksum, migrations, note) = (text("checksum"), text("migrations"), text("note"));
        Some(Add { kind: kind?, environment, component, name: name?, at, checksum, migrations, note })
    }
}

async fn post(State(app): State<AppState>, who: SignedIn, form: Checked<Add>) -> Result<Response, WebError> {
    let add = match form.value {
        Ok(add) => add,
        Err(faults) => return show(&app, &who, form.typed, faults).await,
    };
    let now = app.clock.now();
    let entry = Entry {
        kind: add.kind,
        environment: add.environment,
        component: add.component,
        name: add.name,
        at: add.at.unwrap_or(now),
        checksum: add.checksum,
        migrations: add.migrations,
        note: add.note,
    };
    let fault = match registering::register(&app.store, &app.incidents.site, &who.actor(), &entry, now).await {
        Ok(Told::New | Told::RunsAgain) => return Ok(Redirect::to("/registers").into_response()),
        // A pipeline repeats itself; a person who adds what is there means something else.
        Ok(Told::RunsAlready(since)) => {
            let fault =
                format!("{} is registered there already, and runs since {since}. There is nothing to add.", entry.name);
            Faults::one::<Add>("name", fault)
        }
        Err(NotRegistered::Store(fault)) => return Err(fault.into()),
        Err(NotRegistered::Input { field: "environment" | "component", fault }) => Faults::one::<Add>("place", fault),
        Err(NotRegistered::Input { field, fault }) => Faults::one::<Add>(field, fault),
        Err(duplicate @ NotRegistered::Duplicate(_)) => Faults::one::<Add>("name", duplicate),
    };
    show(&app, &who, form.typed, fault).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample::{BACKUP, BAD, STABLE, World};

    fn release<'a>(name: &'a str, at: &'a str) -> [(&'a str, &'a str); 7] {
        [
            ("kind", "release"),
            ("place", "production/crisis-detection"),
            ("name", name),
            ("at", at),
            ("checksum", "sha256:ab"),
            ("migrations", "none"),
            ("note", "behind a flag"),
        ]
    }

    #[tokio::test]
    async fn the_register_says_what_runs_and_what_there_is_to_go_back_to() {
        let world = World::new().await;
        let words = world.signed_in("olga").await.get("/registers").await.words();
        for name in [BAD, STABLE, BACKUP] {
            assert!(words.contains(name), "{name} is missing: {words}");
        }
        assert!(
            words.contains("Runs now") && words.contains("incident commanders and administrators keep the register"),
            "{words}"
        );
    }

    #[tokio::test]
    async fn a_release_is_registered_once_with_an_entry_that_says_by_whom() {
        let world = World::new().await;
        let mut lead = world.signed_in("tomas").await;
        let answer = lead.post("/registers", &release("4.13.0", "2026-03-05T03:00")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.words());
        assert!(lead.get("/registers").await.words().contains("4.13.0"));
        let entries = world.app.store.entries("settings", 0, 100).await.unwrap();
        let told = entries.last().unwrap();
        assert_eq!(
            (told.kind.as_str(), told.actor.as_str()),
            ("TargetRegistered", &*format!("person:{}", world.id("tomas")))
        );
        let again = lead.post("/registers", &release("4.13.0", "2026-03-05T03:00")).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.words().contains("4.13.0 is registered there already"), "{}", again.words());
    }

    #[tokio::test]
    async fn a_name_that_could_be_a_flag_a_future_time_and_a_foreign_place_are_refused_with_what_would_be_right() {
        let world = World::new().await;
        let mut lead = world.signed_in("tomas").await;
        for (name, at, part) in [
            ("--force", "", "is no plain name"),
            ("4.13.0 ; rm", "", "is no plain name"),
            ("4.13.0", "2099-01-01T00:00", "lies in the future"),
        ] {
            let answer = lead.post("/registers", &release(name, at)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(answer.words().contains(part), "{name} {at}: {}", answer.words());
        }
        let mut elsewhere = release("4.13.0", "");
        elsewhere[1].1 = "production/nowhere";
        assert!(lead.post("/registers", &elsewhere).await.words().contains("Choose one of: crisis-detection, web"));
        let refused = world.signed_in("sam").await.post("/registers", &release("4.13.0", "")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(!lead.get("/registers").await.words().contains("4.13.0"));
    }
}
