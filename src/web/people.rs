//! The people and their roles: everyone may read who holds which role; administrators change it, freshly confirmed.

use super::AppState;
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::layout::{Here, Layout, initials};
use super::rehearsal::Waits;
use super::routes::Route;
use super::session::SignedIn;
use super::sign_in::Button;
use crate::access::accounts::{
    Newcomer, Purpose, Unchanged, add, change_roles, invite_again, may_change_roles, may_disable, set_active,
};
use crate::access::capability::{Capability, role_name, roles_from};
use crate::domain::actor::Who;
use crate::domain::{PersonId, Role};
use crate::store::{Person, Store, StoreError};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::collections::BTreeMap;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/people", Capability::SignedIn, get),
        Route::confirmed("/people", Capability::FreshAdministrator, post, rehearse),
        Route::get("/people/{id}", Capability::Administrator, get_one),
        Route::confirmed("/people/{id}/roles", Capability::FreshAdministrator, post_roles, rehearse_roles),
        Route::confirmed("/people/{id}/link", Capability::FreshAdministrator, post_link, rehearse_link),
        Route::confirmed("/people/{id}/disable", Capability::FreshAdministrator, post_disable, rehearse_disable),
        Route::confirmed("/people/{id}/enable", Capability::FreshAdministrator, post_enable, rehearse_enable),
    ]
}

/// Everyone's names, for what the ledger tells of them; who was disabled is among them.
pub struct Names(BTreeMap<String, String>);

impl Names {
    pub async fn read(store: &Store) -> Result<Names, StoreError> {
        Ok(Names(store.people().await?.into_iter().map(|person| (person.id, person.name)).collect()))
    }

    pub fn person(&self, id: &PersonId) -> String {
        self.0.get(&id.0).cloned().unwrap_or_else(|| "someone who left".to_owned())
    }

    /// Who stands behind an entry, a token or a line of the register: as the ledger names them, in words.
    pub fn actor(&self, text: &str) -> String {
        match Who::parse(text) {
            Some(Who::Person(id)) => self.person(&id),
            Some(Who::System) => "Backout".to_owned(),
            None => text.to_owned(),
        }
    }
}

/// One person in the list.
struct Line {
    id: String,
    name: String,
    login: String,
    initials: String,
    roles: String,
    state: &'static str,
}

impl Line {
    fn of(person: &Person) -> Line {
        let names: Vec<String> = roles_from(&person.roles).into_iter().map(role_name).collect();
        let state = match (person.active, person.password.is_some()) {
            (false, _) => "Disabled",
            (true, false) => "Invited",
            (true, true) => "Active",
        };
        Line {
            id: person.id.clone(),
            name: person.name.clone(),
            login: person.login.clone(),
            initials: initials(&person.name),
            roles: if names.is_empty() { "No role".to_owned() } else { names.join(", ") },
            state,
        }
    }
}

/// A tick box for a role.
struct RoleBox {
    key: &'static str,
    name: String,
    ticked: bool,
}

fn role_boxes(ticked: impl Fn(Role) -> bool) -> Vec<RoleBox> {
    Role::ALL.into_iter().map(|role| RoleBox { key: role.key(), name: role_name(role), ticked: ticked(role) }).collect()
}

#[derive(Template)]
#[template(path = "people.html")]
struct View {
    layout: Layout,
    people: Vec<Line>,
    may_change: bool,
    boxes: Vec<RoleBox>,
    name: String,
    login: String,
    faults: Vec<Fault>,
}

async fn show(app: &AppState, who: &SignedIn, typed: &Typed, faults: Faults) -> Result<Response, WebError> {
    let people = app.store.people().await?.iter().map(Line::of).collect();
    let view = View {
        layout: Layout::of(who, "People", Here::People, app.clock.now()),
        people,
        may_change: Capability::Administrator.open_to(Some(who.standing())).is_ok(),
        boxes: role_boxes(|role| typed.ticked("role", role.key())),
        name: typed.text("name").to_owned(),
        login: typed.text("login").to_owned(),
        faults: faults.0,
    };
    Ok(page(&view)?.into_response())
}

async fn get(State(app): State<AppState>, who: SignedIn) -> Result<Response, WebError> {
    show(&app, &who, &Typed::default(), Faults::default()).await
}

const ROLES: Field = Field::many("role", "Roles", 40);

/// The ticked roles; a name that is no role is a fault.
fn ticked_roles(typed: &Typed, faults: &mut Faults) -> Vec<Role> {
    let mut roles = Vec::new();
    for key in typed.all("role") {
        match Role::from_key(key) {
            Some(role) => roles.push(role),
            None => faults.add("role", "There is no such role. Tick the ones that are listed."),
        }
    }
    roles
}

impl Form for Newcomer {
    const FIELDS: &'static [Field] =
        &[Field::text("name", "Name", 100), Field::text("login", "Sign-in name", 120), ROLES];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Newcomer> {
        let name = typed.required("name", faults, "Type the name as colleagues know it.");
        let login = typed.required("login", faults, "Type a name to sign in with, such as the work email address.");
        let roles = ticked_roles(typed, faults);
        Some(Newcomer { login: login?, name: name?, roles })
    }
}

#[derive(Template)]
#[template(path = "people_link.html")]
struct LinkView {
    layout: Layout,
    name: String,
    link: String,
    invitation: bool,
    lasts: String,
}

/// Shows a link, this once.
fn show_link(app: &AppState, who: &SignedIn, name: &str, purpose: Purpose, token: &str) -> Result<Response, WebError> {
    let lasts = purpose.lasts().as_seconds();
    let view = LinkView {
        layout: Layout::of(who, "One-time link", Here::People, app.clock.now()),
        name: name.to_owned(),
        link: app.site.link(&purpose.path(token)),
        invitation: purpose == Purpose::Invitation,
        lasts: if lasts >= 7_200 { format!("{} hours", lasts / 3_600) } else { format!("{} minutes", lasts / 60) },
    };
    Ok(page(&view)?.into_response())
}

async fn post(State(app): State<AppState>, who: SignedIn, form: Checked<Newcomer>) -> Result<Response, WebError> {
    let added = match &form.value {
        Ok(newcomer) => {
            add(&app.store, &who.actor(), newcomer, app.clock.now()).await.map(|(_, token)| (newcomer, token))
        }
        Err(faults) => return unprocessable(&app, &who, &form.typed, faults.clone()).await,
    };
    match added {
        Ok((newcomer, token)) => show_link(&app, &who, &newcomer.name, Purpose::Invitation, &token),
        Err(fault) => not_added(&app, &who, &form.typed, fault).await,
    }
}

/// The page with what is wrong.
async fn not_added(app: &AppState, who: &SignedIn, typed: &Typed, fault: Unchanged) -> Result<Response, WebError> {
    match fault {
        Unchanged::LoginShape | Unchanged::LoginTaken => {
            unprocessable(app, who, typed, Faults::one::<Newcomer>("login", fault)).await
        }
        other => Err(other.into()),
    }
}

async fn rehearse(State(app): State<AppState>, who: SignedIn, form: Checked<Newcomer>) -> Result<Response, WebError> {
    let newcomer = match form.value {
        Ok(newcomer) => newcomer,
        Err(faults) => return unprocessable(&app, &who, &form.typed, faults).await,
    };
    match newcomer.fits(&app.store).await {
        Ok(()) => Ok(Waits::new(format!("Add {}", newcomer.name), "/people").into_response()),
        Err(fault) => not_added(&app, &who, &form.typed, fault).await,
    }
}

async fn unprocessable(app: &AppState, who: &SignedIn, typed: &Typed, faults: Faults) -> Result<Response, WebError> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, show(app, who, typed, faults).await?).into_response())
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonView {
    layout: Layout,
    person: Line,
    active: bool,
    boxes: Vec<RoleBox>,
}

async fn get_one(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    let person = app.store.person(&id).await?.ok_or_else(WebError::not_found)?;
    let held = roles_from(&person.roles);
    let view = PersonView {
        layout: Layout::of(&who, &person.name, Here::People, app.clock.now()),
        boxes: role_boxes(|role| held.contains(&role)),
        active: person.active,
        person: Line::of(&person),
    };
    Ok(page(&view)?.into_response())
}

struct Roles(Vec<Role>);

impl Form for Roles {
    const FIELDS: &'static [Field] = &[ROLES];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Roles> {
        Some(Roles(ticked_roles(typed, faults)))
    }
}

async fn post_roles(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Roles>,
) -> Result<Response, WebError> {
    let roles = form.value.map_err(|faults| no_roles(&faults))?;
    change_roles(&app.store, &who.actor(), &id, &roles.0, app.clock.now()).await?;
    Ok(Redirect::to(&format!("/people/{id}")).into_response())
}

async fn post_link(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Response, WebError> {
    let person = app.store.person(&id).await?.filter(|person| person.active).ok_or_else(WebError::not_found)?;
    let (purpose, token) = invite_again(&app.store, &who.actor(), &id, app.clock.now()).await?;
    show_link(&app, &who, &person.name, purpose, &token)
}

async fn post_disable(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Response, WebError> {
    set_active(&app.store, &who.actor(), &id, false, app.clock.now()).await?;
    Ok(Redirect::to("/people").into_response())
}

async fn post_enable(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Response, WebError> {
    set_active(&app.store, &who.actor(), &id, true, app.clock.now()).await?;
    Ok(Redirect::to(&format!("/people/{id}")).into_response())
}

fn no_roles(faults: &Faults) -> WebError {
    WebError::new(StatusCode::UNPROCESSABLE_ENTITY, "The roles were not changed", faults.of("role"))
}

/// The form of a person's page waits; `button` names it, with their name.
async fn waits(app: &AppState, id: &str, button: impl Fn(&str) -> String) -> Result<Waits, WebError> {
    let person = app.store.person(id).await?.ok_or_else(WebError::not_found)?;
    Ok(Waits::new(button(&person.name), format!("/people/{id}")))
}

async fn rehearse_roles(
    State(app): State<AppState>,
    _: SignedIn,
    Path(id): Path<String>,
    form: Checked<Roles>,
) -> Result<Waits, WebError> {
    let roles = form.value.map_err(|faults| no_roles(&faults))?;
    may_change_roles(&app.store, &id, &roles.0).await?;
    waits(&app, &id, |name| format!("Change the roles of {name}")).await
}

async fn rehearse_link(
    State(app): State<AppState>,
    _: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Waits, WebError> {
    waits(&app, &id, |name| format!("Make a link for {name}")).await
}

async fn rehearse_disable(
    State(app): State<AppState>,
    _: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Waits, WebError> {
    may_disable(&app.store, &id).await?;
    waits(&app, &id, |name| format!("Disable the account of {name}")).await
}

async fn rehearse_enable(
    State(app): State<AppState>,
    _: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Waits, WebError> {
    waits(&app, &id, |name| format!("Enable the account of {name}")).await
}
