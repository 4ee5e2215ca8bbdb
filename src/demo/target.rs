//! The sample service: a process of its own that runs whichever release is `current`, read anew at each request.
//!
//! Its failures are real (status, latency, a broken schema) and spread evenly rather than drawn: of 340,000 parts per
//! million every hundred requests fail 34, so that what a probe measures is what the release says.
//!
//! | address | what |
//! | --- | --- |
//! | `GET /` | the application; 200, or 500 by the release's share; header `x-version` |
//! | `GET /version` | the version that runs, as plain text: the read-back that proves a rollback |
//! | `GET /health` | 200 while a release can run; a failing release is alive all the same |
//! | `GET /control` | buttons that deploy and break, for whoever tries Backout out |
//!
//! It listens on loopback alone, and answers to loopback names alone: a page elsewhere cannot reach it under a name of
//! its own, and its forms refuse what another site sent.

use super::world::{self, WorldFault};
use axum::Router;
use axum::extract::{Form, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where the world lies, and where to be found.
#[derive(Debug, Clone)]
pub struct TargetOptions {
    /// A folder that [`world::prepare`] laid out.
    pub root: PathBuf,
    /// 0 for a free one.
    pub port: u16,
    /// Where to write the address, `http://127.0.0.1:PORT` and a newline, once requests are answered. The scripts look
    /// for it in `run/target.url` below the root.
    pub ready_file: PathBuf,
}

impl TargetOptions {
    /// A free port, announced where the scripts look for it.
    pub fn in_world(root: &Path) -> TargetOptions {
        TargetOptions { root: root.to_owned(), port: 0, ready_file: root.join("run/target.url") }
    }
}

/// Why the service could not run.
#[derive(Debug)]
pub enum TargetFault {
    /// The port is taken or may not be used.
    Listen {
        port: u16,
        source: io::Error,
    },
    World(WorldFault),
    Serve(io::Error),
}

impl fmt::Display for TargetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetFault::Listen { port, source } => {
                write!(f, "cannot listen on 127.0.0.1:{port} ({source}); choose another port, or 0 for a free one")
            }
            TargetFault::World(fault) => fault.fmt(f),
            TargetFault::Serve(fault) => write!(f, "the sample service stopped: {fault}"),
        }
    }
}

impl std::error::Error for TargetFault {}

impl From<WorldFault> for TargetFault {
    fn from(fault: WorldFault) -> TargetFault {
        TargetFault::World(fault)
    }
}

/// Runs the service until the process is told to end (SIGTERM or Ctrl-C).
///
/// # Errors
/// [`TargetFault`], when it cannot listen or announce itself.
pub async fn run(options: TargetOptions) -> Result<(), TargetFault> {
    let told_to_end = async {
        let ctrl_c = tokio::signal::ctrl_c();
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = terminate.recv() => (),
                _ = ctrl_c => (),
            },
            Err(_) => drop(ctrl_c.await),
        }
    };
    Target::bind(options).await?.serve(told_to_end).await
}

/// The service, bound to its port and announced.
#[derive(Debug)]
pub struct Target {
    listener: tokio::net::TcpListener,
    address: SocketAddr,
    options: TargetOptions,
}

impl Target {
    /// # Errors
    /// [`TargetFault::Listen`], or [`TargetFault::World`] when the ready file cannot be written or nothing is laid out.
    pub async fn bind(options: TargetOptions) -> Result<Target, TargetFault> {
        world::release_in_service(&options.root)?;
        let refused = |source| TargetFault::Listen { port: options.port, source };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        // Connections that come from here on wait in the listener's queue, so the address may be told already.
        world::write(&options.ready_file, format!("http://{address}\n").as_bytes())?;
        Ok(Target { listener, address, options })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers until `end` completes, then takes its announcement back.
    ///
    /// # Errors
    /// [`TargetFault::Serve`].
    pub async fn serve(self, end: impl Future<Output = ()> + Send + 'static) -> Result<(), TargetFault> {
        let app = routes(self.options.root, self.address.port());
        let served = axum::serve(self.listener, app).with_graceful_shutdown(end).await;
        let _ = std::fs::remove_file(&self.options.ready_file);
        served.map_err(TargetFault::Serve)
    }
}

#[derive(Clone)]
struct App {
    root: Arc<PathBuf>,
    port: u16,
    spread: Arc<Mutex<Spread>>,
}

/// Spreads failures evenly: each request adds the share, each time a whole is full one request fails.
#[derive(Debug, Default)]
struct Spread {
    version: String,
    filled: u32,
}

impl Spread {
    const WHOLE: u32 = 1_000_000;

    /// Whether the next request to `version` fails. A version just deployed begins half full.
    fn next_fails(&mut self, version: &str, share: u32) -> bool {
        if self.version != version {
            *self = Spread { version: version.to_owned(), filled: Spread::WHOLE / 2 };
        }
        self.filled += share.min(Spread::WHOLE);
        let fails = self.filled >= Spread::WHOLE;
        if fails {
            self.filled -= Spread::WHOLE;
        }
        fails
    }
}

fn routes(root: PathBuf, port: u16) -> Router {
    let app = App { root: Arc::new(root), port, spread: Arc::default() };
    Router::new()
        .route("/", get(page))
        .route("/version", get(version))
        .route("/health", get(health))
        .route("/control", get(control))
        .route("/control/deploy", post(deploy))
        .route("/control/break-schema", post(break_schema))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

/// Refuses names that are not this machine's, and forms that another site sent; marks every answer.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    if !own_host(request.headers(), app.port) {
        return (StatusCode::MISDIRECTED_REQUEST, "This service answers to 127.0.0.1 and localhost alone.\n")
            .into_response();
    }
    if !request.method().is_safe() && !same_origin(request.headers()) {
        return (StatusCode::FORBIDDEN, "Refused, because this form was not sent from this service's own page.\n")
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; \
             base-uri 'none'",
        ),
    );
    if let Some(version) = world::in_service(&app.root).ok().and_then(|version| HeaderValue::from_str(&version).ok()) {
        // What a page was made by stands there already; this is for the rest.
        headers.entry("x-version").or_insert(version);
    }
    response
}

fn own_host(headers: &HeaderMap, port: u16) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{port}"))
}

/// Whether the browser says that the request comes from a page of this very origin. Who says nothing is refused.
fn same_origin(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let origin_fits = said(ORIGIN.as_str()).map(|origin| {
        said(HOST.as_str()).is_some_and(|host| origin.strip_prefix("http://").is_some_and(|from| from == host))
    });
    match (said("sec-fetch-site"), origin_fits) {
        (Some(site), fits) => site == "same-origin" && fits != Some(false),
        (None, fits) => fits == Some(true),
    }
}

/// The application itself.
async fn page(State(app): State<App>) -> Response {
    let release = match world::release_in_service(&app.root) {
        Ok(release) => release,
        Err(fault) => return (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")).into_response(),
    };
    let fails = {
        let mut spread = app.spread.lock().unwrap_or_else(PoisonError::into_inner);
        spread.next_fails(&release.version, release.error_share_ppm)
    };
    tokio::time::sleep(Duration::from_millis(release.latency_ms)).await;
    let version = release.version;
    let (status, text) = match world::data(&app.root) {
        Err(fault) => (StatusCode::INTERNAL_SERVER_ERROR, format!("The data's schema is broken: {fault}")),
        Ok(_) if fails => (StatusCode::INTERNAL_SERVER_ERROR, "This request failed.".to_owned()),
        Ok(data) => {
            let config = world::config_in_use(&app.root).unwrap_or_else(|| "no configuration".to_owned());
            (StatusCode::OK, format!("{} records, schema {}, {config}.", data.records.len(), data.schema))
        }
    };
    let body = html(&format!("Sample service {version}"), &format!("<p>{}</p>", escaped(&text)));
    let mut response = (status, body).into_response();
    if let Ok(version) = HeaderValue::from_str(&version) {
        response.headers_mut().insert("x-version", version);
    }
    response
}

async fn version(State(app): State<App>) -> Response {
    match world::release_in_service(&app.root) {
        Ok(release) => plain(StatusCode::OK, &release.version),
        Err(fault) => plain(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string()),
    }
}

async fn health(State(app): State<App>) -> Response {
    match world::release_in_service(&app.root) {
        Ok(_) => plain(StatusCode::OK, "ok"),
        Err(fault) => plain(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string()),
    }
}

fn plain(status: StatusCode, line: &str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{line}\n")).into_response()
}

async fn control(State(app): State<App>) -> Html<String> {
    let running = match world::in_service(&app.root) {
        Ok(version) => format!("<p>In service: <strong>{}</strong></p>", escaped(&version)),
        Err(fault) => format!("<p>{}</p>", escaped(&fault.to_string())),
    };
    let data = match world::data(&app.root) {
        Ok(data) => format!("<p>Data: schema {}, sound</p>", data.schema),
        Err(_) => "<p>Data: <strong>its schema is broken</strong></p>".to_owned(),
    };
    let button = |version: &str, kind: &str| {
        format!(
            "<form method=\"post\" action=\"/control/deploy\"><button name=\"version\" value=\"{version}\">\
             Deploy {version} ({kind})</button></form>"
        )
    };
    let (bad, good) = (button(world::BAD_RELEASE, "bad"), button(world::GOOD_RELEASE, "good"));
    let schema =
        "<form method=\"post\" action=\"/control/break-schema\"><button>Break the data's schema</button></form>";
    html(
        "Control of the sample service",
        &format!("{running}{data}{bad}{good}{schema}<p><a href=\"/\">The service itself</a></p>"),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deploy {
    version: String,
}

async fn deploy(State(app): State<App>, Form(form): Form<Deploy>) -> Response {
    changed(world::deploy(&app.root, &form.version))
}

async fn break_schema(State(app): State<App>) -> Response {
    changed(world::break_schema(&app.root))
}

fn changed(outcome: Result<(), WorldFault>) -> Response {
    match outcome {
        Ok(()) => Redirect::to("/control").into_response(),
        Err(fault @ WorldFault::UnknownRelease(_)) => plain(StatusCode::UNPROCESSABLE_ENTITY, &fault.to_string()),
        Err(fault) => plain(StatusCode::INTERNAL_SERVER_ERROR, &fault.to_string()),
    }
}

fn html(title: &str, body: &str) -> Html<String> {
    let title = escaped(title);
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;\
         margin:2rem auto;padding:0 1rem}}button{{font:inherit;padding:.75rem 1rem;margin:.25rem 0}}</style></head>\n\
         <body><main><h1>{title}</h1>{body}</main></body>\n</html>\n"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_spread_evenly_and_exactly() {
        let mut spread = Spread::default();
        let failed: Vec<u32> = (0..100).filter(|_| spread.next_fails("4.12.0", 340_000)).collect();
        assert_eq!(failed.len(), 34);
        assert!(failed.windows(2).all(|pair| (2..=3).contains(&(pair[1] - pair[0]))), "{failed:?}");
        assert!((0..1_000).all(|_| !spread.next_fails("4.11.3", 0)));
        assert!((0..1_000).all(|_| spread.next_fails("dead", 1_000_000)));
    }

    #[test]
    fn only_a_page_of_the_same_origin_may_send_a_form() {
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            let host = (HOST, HeaderValue::from_static("127.0.0.1:8080"));
            let pairs = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            std::iter::once(host).chain(pairs).collect()
        };
        for (pairs, allowed) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")], true),
            (&[("origin", "http://127.0.0.1:8080")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:9090")], false),
            (&[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8080")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "http://127.0.0.1:9090")], false),
            (&[("origin", "https://127.0.0.1:8080")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ] {
            assert_eq!(same_origin(&headers(pairs)), allowed, "{pairs:?}");
        }
    }

    #[test]
    fn only_loopback_names_are_answered() {
        for (host, own) in [
            ("127.0.0.1:8080", true),
            ("localhost:8080", true),
            ("localhost", false),
            ("127.0.0.1:9090", false),
            ("attacker.example:8080", false),
            ("127.0.0.1.attacker.example:8080", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            assert_eq!(own_host(&headers, 8080), own, "{host}");
        }
        assert!(!own_host(&HeaderMap::new(), 8080));
    }
}
