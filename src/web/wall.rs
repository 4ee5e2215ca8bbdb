//! The wall (L10): what is open, for a big screen, by audience. It is read without signing in, by a link that opens once and
//! becomes the screen's own cookie for a day; it shows roles instead of names, and neither logs nor evidence.

use super::AppState;
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::headers::NO_REFERRER;
use super::incident_header::{Clock, IncidentHeader, Page, Stage, State as Standing};
use super::layout::{Here, Layout, Live};
use super::live;
use super::measures::{Gauge, Measures};
use super::people::Names;
use super::rehearsal::Waits;
use super::routes::Route;
use super::session::{SignedIn, cookie, set_cookie, with_cookies};
use super::sign_in::Button;
use crate::access::capability::Capability;
use crate::access::digest;
use crate::access::tokens;
use crate::access::walls::{self, Audience, LIFE, NotInvited, Wall};
use crate::app::catalogue::Scripts;
use crate::domain::lanes::lanes;
use crate::domain::progress::remaining;
use crate::domain::state::Incident;
use crate::domain::waits::{Awaited, waits};
use crate::domain::{Role, Timestamp};
use crate::store::BoardRow;
use askama::Template;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/walls", Capability::SignedIn, get_walls),
        Route::confirmed("/walls", Capability::FreshlySignedIn, post_walls, rehearse_walls),
        Route::post("/walls/{id}/end", Capability::SignedIn, post_end),
        Route::get("/wall/open/{token}", Capability::Public, get_open),
        Route::post("/wall/open/{token}", Capability::Public, post_open),
        Route::get("/wall", Capability::Public, get),
        Route::get("/wall/live", Capability::Public, get_live).without_activity(),
    ]
}

/// The cookie of a screen.
const COOKIE: &str = "backout_wall";

/// A wall that is open, by the cookie of its screen. As an argument of a handler it refuses every other visitor.
pub struct Screen {
    wall: Wall,
    hash: String,
}

impl FromRequestParts<AppState> for Screen {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Screen, WebError> {
        let secret = cookie(&parts.headers, &app.site.cookie_name(COOKIE)).unwrap_or_default();
        match walls::check(&app.store, &secret, app.clock.now()).await? {
            Some(wall) => Ok(Screen { wall, hash: digest(&secret) }),
            None => Err(no_wall()),
        }
    }
}

fn no_wall() -> WebError {
    WebError::new(
        StatusCode::GONE,
        "No wall is open here",
        "A wall is open for 24 hours, and can be ended before. Somebody who is signed in makes a new link.",
    )
    .with_way_out("Make a link for this screen", "/walls")
}

fn link_over() -> WebError {
    WebError::new(
        StatusCode::NOT_FOUND,
        "This link does not open a wall",
        "It opens once, within 15 minutes. Somebody who is signed in makes a new one.",
    )
    .with_way_out("Make a link for this screen", "/walls")
}

// ---- the screen ----

/// One open incident, in a line.
struct Line {
    incident: String,
    severity: String,
    title: String,
    state: Standing,
    opened_at: Timestamp,
    open_for: String,
}

/// The incident that the screen shows large.
struct Main {
    header: IncidentHeader,
    /// Without the clocks' explanations, which are for those who act.
    clocks: Vec<Clock>,
    stages: Vec<Stage>,
    next: String,
    gauges: Vec<Gauge>,
    /// How far the steps are, in one sentence.
    steps: String,
    remaining: String,
    updates: String,
}

#[derive(Template)]
#[template(path = "wall.html")]
struct View {
    layout: Layout,
    management: bool,
    main: Option<Main>,
    others: Vec<Line>,
    more: usize,
}

/// How many other incidents have a line.
const OTHERS: usize = 5;

async fn get(State(app): State<AppState>, screen: Screen) -> Result<Html<String>, WebError> {
    let now = app.clock.now();
    let seq = app.store.head().await?.seq;
    let mut rows = app.store.open_all().await?;
    rows.sort_by_key(|row| (row.severity.clone(), row.opened_at));
    let management = screen.wall.audience == Audience::Management;
    let main = match rows.first() {
        Some(row) => main(&app, row, management).await?,
        None => None,
    };
    let (mut others, more) = (Vec::new(), rows.len().saturating_sub(1 + OTHERS));
    for row in rows.iter().skip(usize::from(main.is_some())).take(OTHERS) {
        if let Ok(incident) = app.incidents.incident(&row.incident).await {
            others.push(Line {
                incident: row.incident.clone(),
                severity: row.severity.clone(),
                title: row.title.clone(),
                state: super::incident_header::state(&incident, now),
                opened_at: row.opened_at,
                open_for: (now - row.opened_at).to_string(),
            });
        }
    }
    let title = main.as_ref().map_or("Wall".to_owned(), |main| main.header.tab("wall"));
    let live = Some(Live { stream: format!("/wall/live?after={seq}"), page: "/wall".to_owned() });
    page(&View { layout: Layout { live, ..Layout::outside(&title, now) }, management, main, others, more })
}

/// Nothing where it cannot be read: the screen still shows the others.
async fn main(app: &AppState, row: &BoardRow, management: bool) -> Result<Option<Main>, WebError> {
    let Ok(mut looked) = app.incidents.look(&row.incident).await else { return Ok(None) };
    app.incidents.learn(&mut looked).await?;
    let measures = Measures::read(app, &looked).await?;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let incident = &*looked.incident;
    let header = IncidentHeader::shared(incident, &facts, looked.now, Page::Elsewhere);
    let attempt = incident.current();
    let steps = attempt.and_then(|attempt| lanes(incident, attempt, facts.procedure, looked.now));
    let left = attempt.and_then(|attempt| remaining(&facts, attempt, looked.now));
    let sent = incident.updates.sent.last();
    Ok(Some(Main {
        clocks: header.clocks.clone(),
        // Who did what stays in the room.
        stages: header.stages.iter().cloned().map(|stage| Stage { note: String::new(), ..stage }).collect(),
        next: next(incident, looked.now),
        gauges: if management { Vec::new() } else { measures.gauges },
        steps: steps.filter(|_| !management).map_or(String::new(), |lanes| lanes.sentence()),
        remaining: left.map_or(String::new(), |left| left.in_words()),
        updates: sent.map_or_else(
            || "No progress update went out yet".to_owned(),
            |(at, update)| format!("Progress update {} went out at {} UTC", update.number, at.time_of_day()),
        ),
        header,
    }))
}

/// What is waited for, and for which role: never for whom by name.
fn next(incident: &Incident, now: Timestamp) -> String {
    let Some(wait) = waits(incident, now).into_iter().next() else {
        return "Backout is at work; nobody is waited for".into();
    };
    let role = match &wait.who {
        Awaited::Role(role) => Some(*role),
        Awaited::Person(person) => [Role::IncidentCommander, Role::TechnicalLead]
            .into_iter()
            .find(|role| incident.holder(*role) == Some(person)),
    };
    let who = role.map_or_else(|| "a person".to_owned(), |role| format!("the {role}"));
    let mut letters = wait.what.chars();
    let what: String = letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default();
    format!("Waiting for {who} to {what}")
}

async fn get_live(
    State(app): State<AppState>,
    screen: Screen,
    Query(asked): Query<live::Asked>,
    headers: axum::http::HeaderMap,
) -> Result<Response, WebError> {
    live::of_wall(&app, &screen.wall, &screen.hash, &asked, &headers).await
}

// ---- opening one ----

#[derive(Template)]
#[template(path = "wall_open.html")]
struct Opening {
    layout: Layout,
    token: String,
    management: bool,
}

/// The link itself changes nothing: machines follow links.
async fn get_open(State(app): State<AppState>, Path(token): Path<String>) -> Result<Response, WebError> {
    let now = app.clock.now();
    let audience = walls::look_at_link(&app.store, &token, now).await?.ok_or_else(link_over)?;
    let layout = Layout::outside("Open the wall", now);
    let view = Opening { layout, token, management: audience == Audience::Management };
    Ok(unreferred(page(&view)?))
}

/// What has a secret in its address tells it to nobody.
fn unreferred(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::REFERRER_POLICY, NO_REFERRER);
    response
}

async fn post_open(
    State(app): State<AppState>,
    Path(token): Path<String>,
    _: Checked<Button>,
) -> Result<Response, WebError> {
    let secret = walls::open(&app.store, &token, app.clock.now()).await?.ok_or_else(link_over)?;
    let kept = set_cookie(&app, COOKIE, &secret, "Lax", LIFE.as_seconds());
    Ok(unreferred(with_cookies(Redirect::to("/wall"), [kept])))
}

// ---- making and ending them ----

struct Open {
    id: String,
    label: String,
    what: &'static str,
    by: String,
    ends_at: Timestamp,
    may_end: bool,
}

#[derive(Template)]
#[template(path = "walls.html")]
struct Walls {
    layout: Layout,
    open: Vec<Open>,
    /// A link that was just made, this once.
    link: Option<String>,
    label: String,
    audience: String,
    faults: Vec<Fault>,
}

async fn show(
    app: &AppState,
    who: &SignedIn,
    link: Option<String>,
    typed: &Typed,
    faults: Faults,
) -> Result<Response, WebError> {
    let now = app.clock.now();
    let names = Names::read(&app.store).await?;
    let living = app.store.tokens().await?.into_iter();
    let living = living.filter(|token| token.revoked_at.is_none() && token.expires_at > now);
    let open = living.filter_map(|token| {
        let audience = walls::audience_of(&token.scope)?;
        Some(Open {
            what: match (audience, token.scope.starts_with("wall-link")) {
                (Audience::Technical, false) => "Technical wall",
                (Audience::Management, false) => "Management wall",
                (_, true) => "Link, not opened yet",
            },
            may_end: may_end(who, &token.created_by),
            by: names.actor(&token.created_by),
            id: token.id,
            label: token.label,
            ends_at: token.expires_at,
        })
    });
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let view = Walls {
        layout: Layout::of(who, "Walls", Here::Elsewhere, now),
        open: open.collect(),
        link,
        label: typed.text("label").to_owned(),
        audience: typed.text("audience").to_owned(),
        faults: faults.0,
    };
    Ok((status, page(&view)?).into_response())
}

fn may_end(who: &SignedIn, maker: &str) -> bool {
    who.actor() == maker || who.holds(Role::Administrator)
}

async fn get_walls(State(app): State<AppState>, who: SignedIn) -> Result<Response, WebError> {
    show(&app, &who, None, &Typed::default(), Faults::default()).await
}

struct Make {
    label: String,
    audience: Audience,
}

impl Form for Make {
    const FIELDS: &'static [Field] =
        &[Field::text("label", "Where the screen stands", 100), Field::text("audience", "For whom", 20)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Make> {
        let label = typed.required("label", faults, "Say where the screen stands.");
        let audience = Audience::from_key(typed.text("audience"));
        if audience.is_none() {
            faults.add("audience", "Choose for whom the wall stands there.");
        }
        Some(Make { label: label?, audience: audience? })
    }
}

async fn post_walls(State(app): State<AppState>, who: SignedIn, form: Checked<Make>) -> Result<Response, WebError> {
    let made = match form.value {
        Ok(make) => walls::invite(&app.store, &who.actor(), &make.label, make.audience, app.clock.now()).await,
        Err(faults) => return show(&app, &who, None, &form.typed, faults).await,
    };
    match made {
        Ok(secret) => {
            let link = app.site.link(&format!("/wall/open/{secret}"));
            show(&app, &who, Some(link), &Typed::default(), Faults::default()).await
        }
        Err(fault) => not_invited(&app, &who, &form.typed, fault).await,
    }
}

/// The page with what is wrong.
async fn not_invited(app: &AppState, who: &SignedIn, typed: &Typed, fault: NotInvited) -> Result<Response, WebError> {
    match fault {
        NotInvited::Store(fault) => Err(fault.into()),
        fault => show(app, who, None, typed, Faults::one::<Make>("label", fault)).await,
    }
}

async fn rehearse_walls(State(app): State<AppState>, who: SignedIn, form: Checked<Make>) -> Result<Response, WebError> {
    let make = match form.value {
        Ok(make) => make,
        Err(faults) => return show(&app, &who, None, &form.typed, faults).await,
    };
    match walls::wished(&app.store, &who.actor(), &make.label, app.clock.now()).await {
        Ok(label) => Ok(Waits::new(format!("Make a link for “{label}”"), "/walls").into_response()),
        Err(fault) => not_invited(&app, &who, &form.typed, fault).await,
    }
}

async fn post_end(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    _: Checked<Button>,
) -> Result<Response, WebError> {
    let known = app.store.tokens().await?.into_iter().find(|token| token.id == id);
    let known = known.filter(|token| walls::audience_of(&token.scope).is_some()).ok_or_else(WebError::not_found)?;
    if !may_end(&who, &known.created_by) {
        return Err(WebError::forbidden("Who made a wall ends it, or an administrator."));
    }
    tokens::revoke(&app.store, &who.actor(), &id, app.clock.now()).await?;
    Ok(Redirect::to("/walls").into_response())
}

#[cfg(test)]
pub mod tests;
