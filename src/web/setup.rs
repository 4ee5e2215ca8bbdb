//! Pages behind one-time links: the first administrator, an invitation, a new password.

use super::AppState;
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::layout::Layout;
use super::routes::Route;
use super::sign_in::PASSWORD_SET;
use crate::access::accounts::{Purpose, Unchanged, add_first_administrator, look_at_link, use_link};
use crate::access::capability::Capability;
use crate::access::password::{LONGEST, LONGEST_BYTES, SHORTEST, judge};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/setup/{token}", Capability::Public, get_setup),
        Route::post("/setup/{token}", Capability::Public, post_setup),
        Route::get("/welcome/{token}", Capability::Public, get_welcome),
        Route::post("/welcome/{token}", Capability::Public, post_welcome),
    ]
}

impl From<Unchanged> for WebError {
    fn from(unchanged: Unchanged) -> WebError {
        match unchanged {
            Unchanged::Store(fault) => fault.into(),
            Unchanged::LinkOver => link_over(),
            Unchanged::NoSuchPerson => WebError::not_found(),
            other => WebError::new(StatusCode::CONFLICT, "This was not changed", &other.to_string()),
        }
    }
}

fn link_over() -> WebError {
    WebError::new(StatusCode::NOT_FOUND, "This link does not work", &Unchanged::LinkOver.to_string())
        .with_way_out("Sign in", "/sign-in")
}

/// A password that is typed twice.
pub(super) const NEW_PASSWORD: Field = Field::secret("password", "New password", LONGEST_BYTES);
pub(super) const REPEATED: Field = Field::secret("repeated", "New password again", LONGEST_BYTES);

/// Reads and judges a new password.
pub(super) fn new_password(typed: &Typed, own_words: &[&str], faults: &mut Faults) -> String {
    let password = typed.text("password");
    if let Err(weak) = judge(password, own_words) {
        faults.add("password", weak);
    } else if typed.text("repeated") != password {
        faults.add("repeated", "It differs from the first. Type the same password twice.");
    }
    password.to_owned()
}

#[derive(Template)]
#[template(path = "setup.html")]
struct Setup {
    layout: Layout,
    login: String,
    name: String,
    faults: Vec<Fault>,
    shortest: usize,
    longest: usize,
}

impl Setup {
    fn show(app: &AppState, typed: &Typed, faults: Faults) -> Result<Response, WebError> {
        let layout = Layout::outside("Set up Backout", app.clock.now());
        let (login, name) = (typed.text("login").to_owned(), typed.text("name").to_owned());
        let view = Setup { layout, login, name, faults: faults.0, shortest: SHORTEST, longest: LONGEST };
        Ok(page(&view)?.into_response())
    }
}

struct First {
    login: String,
    name: String,
    password: String,
}

impl Form for First {
    const FIELDS: &'static [Field] =
        &[Field::text("name", "Name", 100), Field::text("login", "Sign-in name", 120), NEW_PASSWORD, REPEATED];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<First> {
        let name = typed.required("name", faults, "Type your name as colleagues know it.");
        let login = typed.required("login", faults, "Type a name to sign in with.");
        let password = new_password(typed, &[typed.text("name"), typed.text("login")], faults);
        Some(First { login: login?, name: name?, password })
    }
}

/// The link, if it is of one of these purposes and still works.
async fn require(app: &AppState, token: &str, purposes: &[Purpose]) -> Result<Option<String>, WebError> {
    match look_at_link(&app.store, token, app.clock.now()).await? {
        Some((purpose, link)) if purposes.contains(&purpose) => Ok(link.person),
        _ => Err(link_over()),
    }
}

async fn get_setup(State(app): State<AppState>, Path(token): Path<String>) -> Result<Response, WebError> {
    require(&app, &token, &[Purpose::Setup]).await?;
    Setup::show(&app, &Typed::default(), Faults::default())
}

async fn post_setup(
    State(app): State<AppState>,
    Path(token): Path<String>,
    form: Checked<First>,
) -> Result<Response, WebError> {
    require(&app, &token, &[Purpose::Setup]).await?;
    let unprocessable = |faults| -> Result<Response, WebError> {
        Ok((StatusCode::UNPROCESSABLE_ENTITY, Setup::show(&app, &form.typed, faults)?).into_response())
    };
    let first = match form.value {
        Ok(first) => first,
        Err(faults) => return unprocessable(faults),
    };
    let hash = app.passwords.hash(&first.password).await?;
    let now = app.clock.now();
    match add_first_administrator(&app.store, &token, &first.login, &first.name, hash, now).await {
        Ok(_) => Ok(Redirect::to(PASSWORD_SET).into_response()),
        Err(fault @ (Unchanged::LoginShape | Unchanged::LoginTaken)) => {
            unprocessable(Faults::one::<First>("login", fault))
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome {
    layout: Layout,
    login: String,
    name: String,
    faults: Vec<Fault>,
    shortest: usize,
    longest: usize,
}

struct Chosen {
    password: String,
}

impl Form for Chosen {
    const FIELDS: &'static [Field] = &[NEW_PASSWORD, REPEATED];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Chosen> {
        Some(Chosen { password: new_password(typed, &[], faults) })
    }
}

async fn show_welcome(app: &AppState, token: &str, faults: Faults) -> Result<Response, WebError> {
    let person = require(app, token, &[Purpose::Invitation, Purpose::Reset]).await?;
    let person = app.store.person(person.as_deref().unwrap_or_default()).await?;
    let person = person.filter(|person| person.active).ok_or_else(link_over)?;
    let layout = Layout::outside("Choose a password", app.clock.now());
    let (login, name) = (person.login, person.name);
    let view = Welcome { layout, login, name, faults: faults.0, shortest: SHORTEST, longest: LONGEST };
    Ok(page(&view)?.into_response())
}

async fn get_welcome(State(app): State<AppState>, Path(token): Path<String>) -> Result<Response, WebError> {
    show_welcome(&app, &token, Faults::default()).await
}

async fn post_welcome(
    State(app): State<AppState>,
    Path(token): Path<String>,
    form: Checked<Chosen>,
) -> Result<Response, WebError> {
    let person = require(&app, &token, &[Purpose::Invitation, Purpose::Reset]).await?;
    let person = app.store.person(person.as_deref().unwrap_or_default()).await?.ok_or_else(link_over)?;
    let judged = form.value.and_then(|chosen| match judge(&chosen.password, &[&person.name, &person.login]) {
        Ok(()) => Ok(chosen),
        Err(weak) => Err(Faults::one::<Chosen>("password", weak)),
    });
    let chosen = match judged {
        Ok(chosen) => chosen,
        Err(faults) => {
            let shown = show_welcome(&app, &token, faults).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response());
        }
    };
    let hash = app.passwords.hash(&chosen.password).await?;
    use_link(&app.store, &token, &hash, app.clock.now()).await?;
    Ok(Redirect::to(PASSWORD_SET).into_response())
}
