//! Confirming that it is still you, before something that cannot be taken back, or that gives others rights.
//!
//! It can be done ahead, on entering the room. When it is demanded by a form that was just sent, that form is rehearsed
//! first ([`super::rehearsal`]): what would be refused anyway comes back without a password. What was typed goes along as
//! hidden fields and comes back with one button, named after the act: nothing is lost, and nothing happens without a
//! press. A form with a password in it must therefore check that password itself and not stand behind a door that
//! demands this.

use super::AppState;
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::layers::BODY_BYTES;
use super::layout::{Here, Layout};
use super::next::Next;
use super::rehearsal::Waits;
use super::routes::Route;
use super::session::{self, CONFIRMATION, SignedIn, set_cookie, with_cookies};
use super::sign_in::Return;
use crate::access::capability::Capability;
use crate::access::password::LONGEST_BYTES;
use crate::access::session::FRESH;
use crate::access::sign_in::{Confirmed, Refused, confirm};
use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::MethodRouter;
use tower::ServiceExt;
use tower_sessions::Session;

/// The most characters of a button's words.
const BUTTON: usize = 400;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/re-authenticate", Capability::SignedIn, get),
        Route::post("/re-authenticate", Capability::SignedIn, post).with_body_bytes(2 * BODY_BYTES + 4_096),
    ]
}

#[derive(Template)]
#[template(path = "reauthenticate.html")]
struct View {
    layout: Layout,
    next: String,
    /// The body of the form that waits, still encoded; a form without fields has an empty one.
    kept: Option<String>,
    /// What that form's button does; empty without one.
    button: String,
    /// Where somebody goes who leaves it.
    back: String,
    faults: Vec<Fault>,
}

#[derive(Template)]
#[template(path = "reauthenticated.html")]
struct Continue {
    layout: Layout,
    action: String,
    fields: Vec<(String, String)>,
    button: String,
    back: String,
    minutes: i64,
    /// The incident that the form acts in: its button changes production.
    incident: Option<String>,
}

/// Asks for confirmation where a fresh one is missing, unless the form would come back anyway. Called by the door of a
/// route.
pub(super) async fn ask(
    app: &AppState,
    who: &SignedIn,
    request: Request,
    rehearsal: Option<MethodRouter>,
) -> Result<Response, WebError> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let next = Next::from_typed(&path);
    let Some(rehearsal) = rehearsal.filter(|_| *request.method() == Method::POST) else {
        return Ok(Redirect::to(&format!("/re-authenticate?next={}", next.encoded())).into_response());
    };
    let (parts, body) = request.into_parts();
    // What is cut off must not be taken for a form without fields.
    let Ok(body) = to_bytes(body, BODY_BYTES).await else {
        return Err(WebError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The form could not be read",
            "Nothing was stored. Shorten the text and send it again.",
        ));
    };
    // A form with a file cannot be carried along as text: it has to be sent again.
    let kept = String::from_utf8(body.to_vec()).ok();
    let answer = rehearsal.oneshot(Request::from_parts(parts, Body::from(body))).await;
    let answer = answer.unwrap_or_else(|never| match never {});
    let Some(waits) = Waits::in_answer(&answer) else { return Ok(answer) };
    let (button, back) = (cut(&waits.button), Next::from_typed(&waits.back));
    let again = Again { password: String::new(), next, kept, button, back };
    let shown = show(app, who, &again, Faults::default())?;
    Ok((StatusCode::UNAUTHORIZED, shown).into_response())
}

/// What a button says, short enough for the page to send it on: words that are too long must not bar the act.
fn cut(button: &str) -> String {
    if button.chars().count() <= BUTTON {
        return button.to_owned();
    }
    button.chars().take(BUTTON - 1).chain(['…']).collect()
}

fn show(app: &AppState, who: &SignedIn, again: &Again, faults: Faults) -> Result<Response, WebError> {
    let layout = Layout::of(who, "Confirm that it is you", Here::Elsewhere, app.clock.now());
    let view = View {
        layout,
        next: again.next.as_str().to_owned(),
        kept: again.kept.clone(),
        button: again.button.clone(),
        back: again.back.as_str().to_owned(),
        faults: faults.0,
    };
    Ok(page(&view)?.into_response())
}

async fn get(State(app): State<AppState>, who: SignedIn, Query(back): Query<Return>) -> Result<Response, WebError> {
    let next = Next::from_typed(&back.next);
    let (password, kept, button) = (String::new(), None, String::new());
    let again = Again { password, back: next.clone(), next, kept, button };
    show(&app, &who, &again, Faults::default())
}

/// The confirmation, and what it is for.
struct Again {
    password: String,
    next: Next,
    /// The form that waits, where one does: told by its field, for it may be empty.
    kept: Option<String>,
    button: String,
    back: Next,
}

impl Again {
    /// As its page sent it, so that it can be shown again.
    fn of(typed: &Typed) -> Again {
        Again {
            password: typed.text("password").to_owned(),
            next: Next::from_typed(typed.text("next")),
            kept: typed.has("kept").then(|| typed.text("kept").to_owned()),
            button: typed.text("button").to_owned(),
            back: Next::from_typed(typed.text("back")),
        }
    }
}

impl Form for Again {
    const FIELDS: &'static [Field] = &[
        Field::secret("password", "Password", LONGEST_BYTES),
        Field::text("next", "Page to return to", 1_024),
        Field::text("kept", "The form that waits", BODY_BYTES),
        Field::text("button", "What it does", BUTTON),
        Field::text("back", "Page that it was sent from", 1_024),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Again> {
        if typed.text("password").is_empty() {
            faults.add("password", "It is empty. Type your password.");
        }
        Some(Again::of(typed))
    }
}

async fn post(
    State(app): State<AppState>,
    who: SignedIn,
    session: Session,
    form: Checked<Again>,
) -> Result<Response, WebError> {
    let again = match form.value {
        Ok(again) => again,
        Err(faults) => {
            let shown = show(&app, &who, &Again::of(&form.typed), faults)?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response());
        }
    };
    match confirm(app.desk(), &who.session, session::kept(&who), &again.password).await {
        Ok(Confirmed::Yes { kept, cookie }) => {
            session::begin(&app, &session, kept).await?;
            let fresh = set_cookie(&app, CONFIRMATION, &cookie, "Strict", FRESH.as_seconds());
            Ok(with_cookies(go_on(&app, &who, &again)?, [fresh]))
        }
        Ok(Confirmed::No { left }) => {
            let tries =
                if left == 1 { "One more wrong try ends".to_owned() } else { format!("{left} more wrong tries end") };
            let faults = Faults::one::<Again>("password", format_args!("It is not right. {tries} your session."));
            let shown = show(&app, &who, &again, faults)?;
            Ok((StatusCode::UNAUTHORIZED, shown).into_response())
        }
        Ok(Confirmed::Over) => {
            session.flush().await.map_err(|fault| WebError::internal(&fault))?;
            Err(WebError::new(
                StatusCode::UNAUTHORIZED,
                "Your session has ended",
                "The password was wrong too often. Nothing was changed. Sign in again.",
            )
            .with_way_out("Sign in", "/sign-in"))
        }
        Err(Refused::Wait { until }) => Err(WebError::too_many(until, app.clock.now())),
        Err(other) => Err(other.into()),
    }
}

/// Back to where it was demanded; with a form that waits, to a page with its button.
fn go_on(app: &AppState, who: &SignedIn, again: &Again) -> Result<Response, WebError> {
    let Some(kept) = &again.kept else {
        return Ok(Redirect::to(again.next.as_str()).into_response());
    };
    let fields = url::form_urlencoded::parse(kept.as_bytes()).into_owned().collect();
    let action = again.next.as_str().to_owned();
    let incident = action.strip_prefix("/incidents/").and_then(|rest| rest.split('/').next()).map(str::to_owned);
    let layout = Layout::of(who, "Not done yet", Here::Elsewhere, app.clock.now());
    let view = Continue {
        layout,
        action,
        fields,
        button: if again.button.is_empty() { "Send what I typed".to_owned() } else { again.button.clone() },
        back: again.back.as_str().to_owned(),
        minutes: FRESH.as_seconds() / 60,
        incident,
    };
    Ok(page(&view)?.into_response())
}

#[cfg(test)]
mod tests;
