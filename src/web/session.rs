//! Who is asking: from cookie to [`SignedIn`], and the door of each route.

use super::AppState;
use super::alarm::{self, Alarm};
use super::error::WebError;
use super::layers::ADDRESS_BYTES;
use super::pace::Kind;
use crate::access::capability::{Capability, Closed, Standing};
use crate::access::record;
use crate::access::session::{FRESH, KEPT, Kept, Recognised, Sessions, id_hash, make_room, recognise, touch};
use crate::access::settings::Settings;
use crate::domain::{PersonId, Role, Strength, Timestamp};
use crate::store::StoreError;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use axum_extra::extract::CookieJar;
use std::ops::Deref;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Session, SessionManagerLayer};

/// The session's cookie, before [`Site::cookie_name`](super::Site::cookie_name).
pub const COOKIE: &str = "backout";
/// The cookie of a fresh confirmation.
pub const CONFIRMATION: &str = "backout_stepup";
/// The header of a page that its own script fetches anew.
pub const REFRESH: &str = "backout-refresh";
/// The cookie of a browser in which someone signed in before.
pub const DEVICE: &str = "backout_device";

impl From<StoreError> for WebError {
    fn from(fault: StoreError) -> WebError {
        WebError::internal(&fault)
    }
}

/// Someone who is signed in. As an argument of a handler it refuses everyone else.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub person: PersonId,
    pub login: String,
    pub name: String,
    pub roles: Vec<Role>,
    pub settings: Settings,
    /// A P0 that is open elsewhere, for the bar of the page that is read.
    pub(super) alarm: Option<Alarm>,
    /// Set while a confirmation is fresh.
    pub reauthenticated_at: Option<Timestamp>,
    /// How that was done.
    pub strength: Option<Strength>,
    /// Hash of the session's id: names the session without opening it.
    pub session: String,
    recognised: Recognised,
}

impl SignedIn {
    fn new(recognised: Recognised) -> SignedIn {
        SignedIn {
            person: recognised.person.clone(),
            login: recognised.login.clone(),
            name: recognised.name.clone(),
            roles: recognised.roles.clone(),
            settings: recognised.settings.clone(),
            alarm: None,
            reauthenticated_at: recognised.confirmed.map(|(at, _)| at),
            strength: recognised.confirmed.map(|(_, strength)| strength),
            session: recognised.session.clone(),
            recognised,
        }
    }

    pub fn holds(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// As the ledger names who acted: `person:ID`.
    pub fn actor(&self) -> String {
        record::actor(&self.person.0)
    }

    /// When the fresh confirmation ends, if there is one.
    pub fn fresh_until(&self) -> Option<Timestamp> {
        self.reauthenticated_at.map(|at| at + FRESH)
    }

    /// The ledger's last entry when the request came: what is read afterwards shows it.
    pub fn seq(&self) -> i64 {
        self.recognised.seq
    }

    /// When the session ends, however active.
    pub fn ends_at(&self) -> Timestamp {
        self.recognised.kept.ends_at
    }

    /// When the session ends if nothing more is done: the page warns before.
    pub fn ends_idle_at(&self) -> Timestamp {
        self.recognised.expires_at
    }

    pub(super) fn standing(&self) -> Standing<'_> {
        Standing { roles: &self.roles, fresh: self.reauthenticated_at.is_some() }
    }
}

/// Whoever has this session (hash of its id) now, or nobody: for a stream, which lives longer than a request.
pub async fn still_in(app: &AppState, session: &str) -> Result<Option<SignedIn>, StoreError> {
    let seen = recognise(&app.store, session, None, app.clock.now()).await?;
    Ok(seen.map(SignedIn::new))
}

/// Someone who may be signed in.
#[derive(Debug, Clone)]
pub struct MaybeSignedIn(pub Option<SignedIn>);

impl Deref for MaybeSignedIn {
    type Target = Option<SignedIn>;

    fn deref(&self) -> &Option<SignedIn> {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeSignedIn {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<MaybeSignedIn, WebError> {
        let known = parts.extensions.get::<MaybeSignedIn>().cloned();
        known.ok_or_else(|| WebError::internal(&"a handler asked who is there outside the pages"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<SignedIn, WebError> {
        MaybeSignedIn::from_request_parts(parts, state).await?.0.ok_or_else(WebError::sign_in_first)
    }
}

/// The library's layer: carries the cookie and draws new ids.
pub(super) fn layer(app: &AppState) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions { store: app.store.clone(), clock: app.clock.clone() })
        .with_name(app.site.cookie_name(COOKIE))
        .with_secure(app.site.is_https())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
}

/// Finds out who is asking, once a request, from the store.
pub(super) async fn identify(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, WebError> {
    let id = request.extensions().get::<Session>().and_then(Session::id);
    let who = match id {
        None => None,
        Some(id) => {
            let confirmation = cookie(request.headers(), &app.site.cookie_name(CONFIRMATION));
            recognise(&app.store, &id_hash(&id), confirmation.as_deref(), app.clock.now()).await?
        }
    };
    let mut who = who.map(SignedIn::new);
    if let (Some(who), true) = (&mut who, *request.method() == Method::GET) {
        who.alarm = alarm::elsewhere(&app, who.seq(), request.uri().path()).await;
    }
    request.extensions_mut().insert(MaybeSignedIn(who));
    Ok(next.run(request).await)
}

/// What a route's door knows.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub capability: Capability,
    pub is_activity: bool,
    /// What answers a form that came without the confirmation that it demands.
    pub rehearsal: Option<MethodRouter>,
}

/// Opens the door of one route, or says why not.
pub(super) async fn guard(
    State((app, door)): State<(AppState, Door)>,
    MaybeSignedIn(mut who): MaybeSignedIn,
    mut request: Request,
    next: Next,
) -> Result<Response, WebError> {
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    match door.capability.open_to(who.as_ref().map(SignedIn::standing)) {
        Ok(()) => {}
        Err(Closed::SignInFirst) if reading => {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            return Err(WebError::sign_in_and_return(path));
        }
        Err(Closed::SignInFirst) => return Err(WebError::sign_in_first()),
        Err(Closed::NotYours(why)) => {
            if let Some(who) = &who {
                // Each is an entry of the ledger: a flood of them must not hold back those who act.
                let now = app.clock.now();
                if let Err(until) = app.pace.take(&who.person, Kind::Refused, now) {
                    return Err(WebError::too_many(until, now));
                }
                let (method, path) = (request.method().as_str(), request.uri().path());
                record::denied(&app.store, now, &who.actor(), method, path).await?;
            }
            return Err(WebError::forbidden(why));
        }
        Err(Closed::ConfirmFirst) => {
            let who = who.ok_or_else(WebError::sign_in_first)?;
            return super::reauthenticate::ask(&app, &who, request, door.rehearsal).await;
        }
    }
    // A page that is fetched anew because something happened was not touched by anybody.
    let by_itself = request.headers().contains_key(REFRESH);
    if let (Some(seen), true) = (&mut who, door.is_activity && !by_itself) {
        touch(&app.store, &mut seen.recognised, app.clock.now()).await?;
        // The page tells when the session ends: from this visit on.
        request.extensions_mut().insert(MaybeSignedIn(who));
    }
    Ok(next.run(request).await)
}

/// Gives the browser a session under a new id. Whatever id it came with is worth nothing afterwards.
pub(super) async fn begin(app: &AppState, session: &Session, kept: Kept) -> Result<(), WebError> {
    let person = kept.person.clone();
    session.cycle_id().await.map_err(|fault| WebError::internal(&fault))?;
    session.insert(KEPT, kept).await.map_err(|fault| WebError::internal(&fault))?;
    session.save().await.map_err(|fault| WebError::internal(&fault))?;
    let begun = session.id().map(|id| id_hash(&id)).unwrap_or_default();
    make_room(&app.store, &person, &begun, app.clock.now()).await?;
    Ok(())
}

/// What the present session keeps.
pub(super) fn kept(who: &SignedIn) -> Kept {
    who.recognised.kept.clone()
}

/// A cookie's value.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(name).map(|cookie| cookie.value().to_owned()).filter(|value| value.len() <= ADDRESS_BYTES)
}

/// A cookie beside the session's, as a header. `seconds` 0 takes it away.
pub(super) fn set_cookie(app: &AppState, name: &str, value: &str, same_site: &str, seconds: i64) -> HeaderValue {
    let secure = if app.site.is_https() { "; Secure" } else { "" };
    let name = app.site.cookie_name(name);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).expect("our own secrets are plain letters")
}

/// An answer with cookies added.
pub(super) fn with_cookies(answer: impl IntoResponse, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = answer.into_response();
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
