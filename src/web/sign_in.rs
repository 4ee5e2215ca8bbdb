//! Signing in and out.

use super::AppState;
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::layout::Layout;
use super::next::Next;
use super::routes::Route;
use super::session::{self, CONFIRMATION, DEVICE, MaybeSignedIn, SignedIn, cookie, set_cookie, with_cookies};
use super::site::Visitor;
use crate::access::accounts::{self, needs_setup};
use crate::access::capability::Capability;
use crate::access::password::LONGEST_BYTES;
use crate::access::sign_in::{Attempt, Desk, Refused, sign_in};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

/// A browser stays known for as long as browsers keep a cookie.
const KNOWN_FOR: i64 = 400 * 24 * 3_600;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/sign-in", Capability::Public, get),
        Route::post("/sign-in", Capability::Public, post),
        Route::post("/sign-out", Capability::SignedIn, sign_out),
    ]
}

impl AppState {
    /// What checking a password needs.
    pub(super) fn desk(&self) -> Desk<'_> {
        Desk { store: &self.store, clock: &*self.clock, passwords: &self.passwords }
    }
}

impl From<Refused> for WebError {
    fn from(refused: Refused) -> WebError {
        match refused {
            Refused::Busy(busy) => busy.into(),
            Refused::Store(fault) => fault.into(),
            // Screens that can say more do so before they come here.
            Refused::NotRight | Refused::Wait { .. } => WebError::sign_in_first(),
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct View {
    layout: Layout,
    place: String,
    next: String,
    login: String,
    faults: Vec<Fault>,
    /// A password was set just now.
    set: bool,
    /// Nobody can sign in yet.
    empty: bool,
}

/// Where somebody signs in who has just set a password, and is told so.
pub(super) const PASSWORD_SET: &str = "/sign-in?set=password";

#[derive(Deserialize)]
struct Arrival {
    #[serde(default)]
    next: String,
    /// What was set just now: a password, or nothing.
    #[serde(default)]
    set: String,
}

#[derive(Deserialize)]
pub(super) struct Return {
    #[serde(default)]
    pub next: String,
}

async fn get(
    State(app): State<AppState>,
    MaybeSignedIn(who): MaybeSignedIn,
    Query(arrival): Query<Arrival>,
) -> Result<Response, WebError> {
    let next = Next::from_typed(&arrival.next);
    if who.is_some() {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    shown(&app, &next, "", Faults::default(), arrival.set == "password").await
}

async fn show(app: &AppState, next: &Next, login: &str, faults: Faults) -> Result<Response, WebError> {
    shown(app, next, login, faults, false).await
}

async fn shown(app: &AppState, next: &Next, login: &str, faults: Faults, set: bool) -> Result<Response, WebError> {
    let empty = needs_setup(&app.store).await?;
    let layout = Layout::outside("Sign in", app.clock.now());
    let (next, login) = (next.as_str().to_owned(), login.to_owned());
    let place = app.site.place.clone();
    Ok(page(&View { layout, place, next, login, faults: faults.0, set, empty })?.into_response())
}

struct SignIn {
    login: String,
    password: String,
    next: Next,
}

impl Form for SignIn {
    const FIELDS: &'static [Field] = &[
        Field::text("login", "Sign-in name", 320),
        Field::secret("password", "Password", LONGEST_BYTES),
        Field::text("next", "Page to return to", 1_024),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<SignIn> {
        let login = typed.required("login", faults, "Type your sign-in name.");
        if typed.text("password").is_empty() {
            faults.add("password", "It is empty. Type your password.");
        }
        let password = typed.text("password").to_owned();
        Some(SignIn { login: login?, password, next: Next::from_typed(typed.text("next")) })
    }
}

async fn post(
    State(app): State<AppState>,
    visitor: Visitor,
    session: Session,
    headers: HeaderMap,
    form: Checked<SignIn>,
) -> Result<Response, WebError> {
    let form_value = match form.value {
        Ok(value) => value,
        Err(faults) => {
            let next = Next::from_typed(form.typed.text("next"));
            let shown = show(&app, &next, form.typed.text("login"), faults).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response());
        }
    };
    let device = cookie(&headers, &app.site.cookie_name(DEVICE));
    let attempt = Attempt {
        login: &form_value.login,
        password: &form_value.password,
        device: device.as_deref(),
        address: visitor.0,
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default(),
    };
    match sign_in(app.desk(), attempt).await {
        Ok(welcome) => {
            session::begin(&app, &session, welcome.kept).await?;
            let known = set_cookie(&app, DEVICE, &welcome.device, "Lax", KNOWN_FOR);
            Ok(with_cookies(Redirect::to(form_value.next.as_str()), [known]))
        }
        Err(Refused::NotRight) => {
            // The same page for whoever is unknown, disabled, or mistaken, and nothing of what was typed in it.
            let faults =
                Faults::one::<SignIn>("login", "Sign-in name or password is not right. Check both and try again.");
            let shown = show(&app, &form_value.next, "", faults).await?;
            Ok((StatusCode::UNAUTHORIZED, shown).into_response())
        }
        Err(Refused::Wait { until }) => {
            Err(WebError::too_many(until, app.clock.now()).with_way_out("Back to sign-in", "/sign-in"))
        }
        Err(other) => Err(other.into()),
    }
}

/// A form without fields: a button.
pub(super) struct Button;

impl Form for Button {
    const FIELDS: &'static [Field] = &[];

    fn read(_: &Typed, _: &mut Faults) -> Option<Button> {
        Some(Button)
    }
}

/// Ends the session and has the browser forget pages and drafts. The cookies are taken away one by one and not all
/// together: the one by which this browser is known must stay, or its owner could be locked out by a stranger.
async fn sign_out(
    State(app): State<AppState>,
    who: SignedIn,
    session: Session,
    _: Checked<Button>,
) -> Result<Response, WebError> {
    accounts::sign_out(&app.store, &who.person.0, &who.session, app.clock.now()).await?;
    session.flush().await.map_err(|fault| WebError::internal(&fault))?;
    let cookies = [set_cookie(&app, CONFIRMATION, "", "Strict", 0)];
    let mut response = with_cookies(Redirect::to("/sign-in"), cookies);
    let forget = "\"cache\", \"storage\"".parse().expect("a constant header");
    response.headers_mut().insert("clear-site-data", forget);
    Ok(response)
}
