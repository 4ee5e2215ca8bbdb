//! One's own account: how the pages look, the password, and the browsers in which one is signed in.

use super::AppState;
use super::browser_name::browser_name;
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::layout::{Here, Layout};
use super::routes::Route;
use super::session::{self, CONFIRMATION, SignedIn, set_cookie, with_cookies};
use super::setup::{NEW_PASSWORD, REPEATED, new_password};
use crate::access::accounts::{change_password, end_session};
use crate::access::capability::Capability;
use crate::access::password::{LONGEST, LONGEST_BYTES, SHORTEST, judge};
use crate::access::session::Kept;
use crate::access::settings::{Settings, Theme};
use crate::access::sign_in::{Confirmed, Refused, confirm};
use crate::domain::Timestamp;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/account", Capability::SignedIn, get),
        Route::post("/account/settings", Capability::SignedIn, post_settings),
        Route::post("/account/password", Capability::SignedIn, post_password),
        Route::post("/account/end-session", Capability::SignedIn, post_end),
    ]
}

#[derive(Template)]
#[template(path = "account.html")]
struct View {
    layout: Layout,
    login: String,
    roles: String,
    settings: Settings,
    sessions: Vec<Line>,
    faults: Vec<Fault>,
    shortest: usize,
    longest: usize,
}

/// One browser in which the person is signed in.
struct Line {
    id: String,
    browser: String,
    since: Timestamp,
    last_seen: Timestamp,
    own: bool,
}

async fn show(app: &AppState, who: &SignedIn, faults: Faults) -> Result<Response, WebError> {
    let now = app.clock.now();
    let sessions = app.store.sessions_of(&who.person.0, now).await?;
    let sessions = sessions.into_iter().map(|session| Line {
        own: session.id_hash == who.session,
        id: session.id_hash,
        browser: browser_name(&session.user_agent),
        since: session.created_at,
        last_seen: session.last_seen,
    });
    let layout = Layout::of(who, "Your account", Here::Elsewhere, now);
    let roles = layout.person.as_ref().map(|badge| badge.roles.clone()).unwrap_or_default();
    let (login, settings, sessions) = (who.login.clone(), who.settings.clone(), sessions.collect());
    let view =
        View { layout, login, roles, settings, sessions, faults: faults.0, shortest: SHORTEST, longest: LONGEST };
    Ok(page(&view)?.into_response())
}

async fn get(State(app): State<AppState>, who: SignedIn) -> Result<Response, WebError> {
    show(&app, &who, Faults::default()).await
}

struct Wishes(Settings);

impl Form for Wishes {
    const FIELDS: &'static [Field] =
        &[Field::text("theme", "Colours", 10), Field::text("keys", "Keys", 3), Field::text("sound", "Sound", 3)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Wishes> {
        let Some(theme) = Theme::from_key(typed.text("theme")) else {
            faults.add("theme", "Choose one of the three.");
            return None;
        };
        Some(Wishes(Settings { theme, keys: typed.text("keys") == "on", sound: typed.text("sound") == "on" }))
    }
}

async fn post_settings(
    State(app): State<AppState>,
    who: SignedIn,
    form: Checked<Wishes>,
) -> Result<Response, WebError> {
    match form.value {
        Ok(Wishes(wishes)) => {
            app.store.set_settings(&who.person.0, &wishes.written()).await?;
            Ok(Redirect::to("/account#settings").into_response())
        }
        Err(faults) => unprocessable(&app, &who, faults).await,
    }
}

struct NewPassword {
    present: String,
    password: String,
}

impl Form for NewPassword {
    const FIELDS: &'static [Field] =
        &[Field::secret("present", "Present password", LONGEST_BYTES), NEW_PASSWORD, REPEATED];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<NewPassword> {
        if typed.text("present").is_empty() {
            faults.add("present", "It is empty. Type the password that you use now.");
        }
        let password = new_password(typed, &[], faults);
        Some(NewPassword { present: typed.text("present").to_owned(), password })
    }
}

/// The present password is asked for here and counted like any confirmation, so that an unattended browser cannot be
/// turned into the account.
async fn post_password(
    State(app): State<AppState>,
    who: SignedIn,
    session: Session,
    form: Checked<NewPassword>,
) -> Result<Response, WebError> {
    let form = form.value.and_then(|form| match judge(&form.password, &[&who.name, &who.login]) {
        Ok(()) => Ok(form),
        Err(weak) => Err(Faults::one::<NewPassword>("password", weak)),
    });
    let form = match form {
        Ok(form) => form,
        Err(faults) => return unprocessable(&app, &who, faults).await,
    };
    let checked = app.store.person(&who.person.0).await?.ok_or_else(WebError::sign_in_first)?;
    match confirm(app.desk(), &who.session, session::kept(&who), &form.present).await {
        Ok(Confirmed::Yes { .. }) => {}
        Ok(Confirmed::No { .. }) => {
            let wrong = "It is not right. Type the password that you use now.";
            return unprocessable(&app, &who, Faults::one::<NewPassword>("present", wrong)).await;
        }
        Ok(Confirmed::Over) => {
            session.flush().await.map_err(|fault| WebError::internal(&fault))?;
            return Err(WebError::sign_in_first());
        }
        Err(Refused::Wait { until }) => return Err(WebError::too_many(until, app.clock.now())),
        Err(other) => return Err(other.into()),
    }
    let hash = app.passwords.hash(&form.password).await?;
    let now = app.clock.now();
    let person = change_password(&app.store, &checked, &hash, now).await?;
    // Every session ended, this one too: go on under a new one.
    let kept = Kept::begin(&person, &session::kept(&who).user_agent, now);
    session::begin(&app, &session, kept).await?;
    Ok(with_cookies(Redirect::to("/account"), [set_cookie(&app, CONFIRMATION, "", "Strict", 0)]))
}

async fn unprocessable(app: &AppState, who: &SignedIn, faults: Faults) -> Result<Response, WebError> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, show(app, who, faults).await?).into_response())
}

struct End {
    session: String,
}

impl Form for End {
    const FIELDS: &'static [Field] = &[Field::text("session", "Session", 64)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<End> {
        Some(End { session: typed.required("session", faults, "Choose a session from the list.")? })
    }
}

/// Ends another session of one's own. Somebody else's looks as if it did not exist.
async fn post_end(State(app): State<AppState>, who: SignedIn, form: Checked<End>) -> Result<Response, WebError> {
    let Ok(end) = form.value else { return Err(WebError::not_found()) };
    if end_session(&app.store, &who.person.0, &end.session, app.clock.now()).await? {
        Ok(Redirect::to("/account").into_response())
    } else {
        Err(WebError::not_found())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample::World;

    #[tokio::test]
    async fn the_theme_is_kept_with_the_person_and_stands_on_every_page() {
        let world = World::new().await;
        let mut maya = world.signed_in("maya").await;
        assert!(!maya.get("/").await.body.contains("data-theme"), "the system decides until somebody else does");
        let chosen = maya.post("/account/settings", &[("theme", "dark"), ("keys", "on")]).await;
        assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.words());
        assert!(world.signed_in("maya").await.get("/").await.body.contains("<html lang=\"en\" data-theme=\"dark\">"));
        assert!(!world.signed_in("helen").await.get("/").await.body.contains("data-theme"), "it is hers alone");
        let odd = maya.post("/account/settings", &[("theme", "sepia")]).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(odd.words().contains("Choose one of the three"), "{}", odd.words());
    }
}
