//! Pages for people: one file a screen, every address in one table ([`routes`]), everything around a request in
//! [`layers`], [`headers`], [`csrf`], [`session`] and [`error`].
//!
//! A screen has `routes()`, a view struct, `get` and `post`; its template has its name. Who is asking is in a handler's
//! signature ([`session::SignedIn`]), a form is a [`forms::Checked`], and every failure is an [`error::WebError`].
//!
//! To add a screen: write its file, give it `pub fn routes() -> Vec<Route>`, and add that to [`routes::table`].

pub mod account;
pub mod acting;
pub mod alarm;
pub mod approve;
pub mod assets;
pub mod audit;
pub mod browser_name;
pub mod close;
pub mod csrf;
pub mod error;
pub mod evidence;
pub mod forms;
pub mod headers;
pub mod impact;
pub mod incident;
pub mod incident_header;
pub mod layers;
pub mod layout;
pub mod lists;
pub mod live;
pub mod machines;
pub mod measures;
pub mod next;
pub mod now;
pub mod pace;
#[cfg(test)]
mod pages_agree;
pub mod patience;
pub mod people;
pub mod plan;
pub mod playbook;
pub mod plot;
pub mod print_foot;
pub mod readiness;
pub mod reauthenticate;
#[cfg(test)]
mod record_agrees;
pub mod registers;
pub mod rehearsal;
pub mod report;
pub mod report_figures;
pub mod report_markdown;
pub mod rollbacks;
pub mod room;
pub mod routes;
pub mod run;
#[cfg(test)]
pub mod sample;
pub mod serve;
pub mod session;
pub mod setup;
pub mod sign_in;
pub mod site;
pub mod start;
#[cfg(test)]
mod states_agree;
pub mod stop;
pub mod timeline;
pub mod timeline_row;
pub mod tokens;
pub mod update;
pub mod verify;
pub mod wall;
pub mod watched;
#[cfg(test)]
mod wording;

pub use serve::serve;
pub use site::{Network, Site};

use crate::access::password::Passwords;
use crate::app::App;
use crate::clock::Clock;
use crate::store::Store;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use std::sync::Arc;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub site: Arc<Site>,
    pub clock: Arc<dyn Clock>,
    pub store: Store,
    /// The one way to change an incident.
    pub incidents: App,
    pub passwords: Arc<Passwords>,
    /// Reports of policy breaches, counted.
    pub reports: Arc<headers::Reports>,
    /// How fast each person sends forms.
    pub pace: Arc<pace::Pace>,
    /// When the ledger's chain was last walked, and what was found.
    pub chain: Arc<audit::LastWalk>,
    /// The open streams.
    pub live: live::Live,
    /// Lists that were read at the ledger's last entry.
    pub lists: Arc<lists::Lists>,
}

impl AppState {
    pub fn new(site: Site, incidents: App, passwords: Passwords) -> AppState {
        let (clock, store) = (incidents.clock.clone(), incidents.store.clone());
        let (site, passwords, reports) = (Arc::new(site), Arc::new(passwords), Arc::default());
        let (pace, chain, live) = (Arc::default(), Arc::default(), live::Live::of(live::STREAMS));
        let lists = Arc::default();
        AppState { site, clock, store, incidents, passwords, reports, pace, chain, live, lists }
    }
}

/// The whole site.
pub fn router(app: AppState) -> Router {
    router_of(app, routes::table())
}

/// The site with another table: for tests that add a route of their own.
pub fn router_of(app: AppState, table: Vec<routes::Route>) -> Router {
    // What is counted from here on is counted for good.
    crate::api::operation::recorder();
    let (pages, machines) = routes::build(&app, table);
    let pages = pages.layer(
        // Outermost first: the origin is checked before a cookie is read.
        ServiceBuilder::new()
            .layer(from_fn_with_state(app.clone(), csrf::check))
            .layer(session::layer(&app))
            .layer(from_fn_with_state(app.clone(), session::identify))
            .layer(from_fn_with_state(app.clone(), pace::limit)),
    );
    let everything = pages.merge(machines).fallback(async || error::WebError::not_found()).layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(app.clone(), layers::number_and_log))
            .layer(from_fn_with_state(app.clone(), headers::add))
            .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
            .layer(from_fn_with_state(app.clone(), error::dress))
            .layer(from_fn_with_state(app.clone(), layers::check_address))
            .layer(CatchPanicLayer::custom(error::after_panic))
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, layers::HANDLER_TIME)),
    );
    everything.with_state(app)
}
