//! The room of an incident: one address, everything in one place, what *you* must do now first.
//!
//! Each panel is a file here with its view, made from a [`Sight`] alone, and a part of the template. [`orders`] has the
//! forms.

pub mod band;
mod checklists;
pub mod decision;
pub mod orders;
mod people;
pub mod pins;
pub mod runs;
mod timeline;
mod updates;

use super::AppState;
use super::acting;
use super::error::{WebError, page};
use super::incident::{Sight, look};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::live::presence::Presence;
use super::measures::Measures;
use super::plot::GanttView;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::catalogue::Scripts;
use crate::domain::Timestamp;
use crate::domain::event::Recorded;
use crate::domain::lanes::lanes;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use band::{Band, Press};
use decision::{Decision, Freeze, Recovery, SeverityPanel};
use orders::{Back, post, rehearse};
use people::People;
use pins::Pins;
use runs::{LogEnd, Runs};
use timeline::Timeline;
use updates::Updates;

pub fn routes() -> Vec<Route> {
    use Capability::SignedIn;
    vec![
        Route::get("/incidents/{id}", SignedIn, get),
        Route::post("/incidents/{id}/take-role", SignedIn, post::<orders::TakeRole>),
        Route::post("/incidents/{id}/offer-role", SignedIn, post::<orders::OfferRole>),
        Route::post("/incidents/{id}/accept-role", SignedIn, post::<orders::AcceptRole>),
        Route::post("/incidents/{id}/severity", SignedIn, post::<orders::ChangeSeverity>),
        Route::post("/incidents/{id}/confirm-severity", SignedIn, post::<orders::ConfirmSeverity>),
        Route::post("/incidents/{id}/ratify", SignedIn, post::<orders::Ratify>),
        Route::post("/incidents/{id}/items", SignedIn, post::<orders::MarkItem>),
        weighty::<orders::Start>("/incidents/{id}/start"),
        weighty::<orders::Retry>("/incidents/{id}/retry"),
        weighty::<orders::Judge>("/incidents/{id}/judge"),
        weighty::<orders::Release>("/incidents/{id}/release"),
        weighty::<orders::Resume>("/incidents/{id}/resume"),
        Route::post("/incidents/{id}/by-hand", SignedIn, post::<orders::ByHand>),
        Route::post("/incidents/{id}/remind", SignedIn, post::<orders::Remind>),
        Route::post("/incidents/{id}/note", SignedIn, post::<orders::Note>),
        Route::post("/incidents/{id}/pin", SignedIn, post::<orders::PinLink>),
        Route::post("/incidents/{id}/unpin", SignedIn, post::<orders::UnpinLink>),
        Route::post("/incidents/{id}/freeze/lift", SignedIn, post::<orders::LiftFreeze>),
        Route::post("/incidents/{id}/restoration", SignedIn, post::<orders::Restore>),
    ]
}

/// A form that demands a fresh confirmation.
fn weighty<K: orders::Weighty>(path: &'static str) -> Route {
    Route::confirmed(path, Capability::FreshlySignedIn, post::<K>, rehearse::<K>)
}

/// What a trigger saw.
struct Trigger {
    number: usize,
    text: String,
    saw: String,
    at: Timestamp,
}

#[derive(Template)]
#[template(path = "room.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    back: Back,
    band: Band,
    decision: Decision,
    severity: SeverityPanel,
    freeze: Freeze,
    recovery: Option<Recovery>,
    /// The checklist whose time it is.
    current: Option<checklists::List>,
    lists: Vec<checklists::List>,
    runs: Option<Runs>,
    /// For those who read logs, once something ran.
    log: Option<LogEnd>,
    measures: Measures,
    gantt: Option<GanttView>,
    people: People,
    presence: Presence,
    updates: Updates,
    pins: Pins,
    timeline: Timeline,
    triggers: Vec<Trigger>,
    reads_logs: bool,
    open: bool,
    attempt: u32,
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Html<String>, WebError> {
    show(&app, &who, &id, Back::default()).await
}

/// The room, with a form that came back where there is one.
pub(super) async fn show(app: &AppState, who: &SignedIn, id: &str, back: Back) -> Result<Html<String>, WebError> {
    let looked = look(app, id).await?;
    let journal = app.incidents.journal(id).await.map_err(acting::error)?;
    let measures = Measures::read(app, &looked).await?;
    let presence = Presence::read(app, &looked).await?;
    let reads_logs = Capability::ReadLogs.open_to(Some(who.standing())).is_ok();
    let log = match runs::followed(&looked.incident).filter(|_| reads_logs) {
        Some(run) => Some(LogEnd::read(app, run).await?),
        None => None,
    };
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(&looked, &facts, who);
    let read = Read { measures, presence, log };
    page(&view(&sight, &journal, read, back))
}

/// What is read from elsewhere than the journal.
struct Read {
    measures: Measures,
    presence: Presence,
    log: Option<LogEnd>,
}

fn view(sight: &Sight, journal: &[Recorded], read: Read, back: Back) -> View {
    let incident = sight.incident;
    let header = IncidentHeader::of(sight, Page::Room);
    let (current, lists) = checklists::lists(sight);
    let triggers = incident.triggers.iter().enumerate().map(|(place, seen)| Trigger {
        number: place + 1,
        text: seen.text.clone(),
        saw: seen.saw.clone(),
        at: seen.seen_at,
    });
    View {
        layout: Layout::in_incident(sight, &header.tab(&incident.title), ""),
        id: incident.id.clone(),
        back,
        band: Band::of(sight),
        decision: Decision::of(sight),
        severity: SeverityPanel::of(sight),
        freeze: Freeze::of(sight),
        recovery: Recovery::of(sight),
        current,
        lists,
        runs: Runs::of(sight),
        log: read.log,
        measures: read.measures,
        gantt: gantt(sight),
        people: People::of(sight),
        presence: read.presence,
        updates: Updates::of(sight),
        pins: Pins::of(sight),
        timeline: Timeline::of(sight, journal),
        triggers: triggers.collect(),
        reads_logs: sight.reads_logs(),
        open: incident.is_open(),
        attempt: incident.current().map_or(0, |attempt| attempt.number),
        header,
    }
}

/// The steps of the newest attempt that began.
fn gantt(sight: &Sight) -> Option<GanttView> {
    let begun = sight.incident.attempts.iter().rev().find(|attempt| attempt.started_at().is_some())?;
    let lanes = lanes(sight.incident, begun, sight.facts.procedure, sight.now)?;
    Some(GanttView::of("steps", &lanes))
}

#[cfg(test)]
mod tests;
