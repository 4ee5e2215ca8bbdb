//! A whole site in this process, over a real SQLite file, and browsers that keep cookies.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::{Extension, Router};
use backout::access::accounts::{Newcomer, add_with_password};
use backout::access::password::{Parameters, Passwords};
use backout::app::playbooks::Playbooks;
use backout::app::{self, App};
use backout::clock::{self, ManualClock};
use backout::domain::{Role, Span, Timestamp};
use backout::store::{Entry, Store};
use backout::web::layers::Peer;
use backout::web::routes::{Route, table};
use backout::web::{AppState, Network, Site, router_of};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tower::ServiceExt;

pub const PASSWORD: &str = "quiet otter paints seven maps";
pub const HOST: &str = "backout.example";

/// Cheaper than production, and said so here: these tests are about doors, not about hashing.
pub const CHEAP: Parameters = Parameters { memory_kib: 64, passes: 1, lanes: 1 };

pub struct World {
    pub app: AppState,
    pub clock: ManualClock,
    pub router: Router,
    pub folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl World {
    pub async fn new() -> World {
        World::with(vec![], vec![]).await
    }

    pub async fn with(proxies: Vec<Network>, more: Vec<Route>) -> World {
        let folder = std::env::temp_dir().join(format!("backout-access-{}", clock::fresh_id()));
        std::fs::create_dir_all(&folder).unwrap();
        let clock = ManualClock::at(Timestamp(1_772_680_468_000_000));
        let app = replica(&folder, &clock, proxies).await;
        let lines = table().into_iter().chain(more).collect();
        World { router: router_of(app.clone(), lines), app, clock, folder }
    }

    /// A second server over the same database.
    pub async fn replica(&self) -> Router {
        router_of(replica(&self.folder, &self.clock, vec![]).await, table())
    }

    pub async fn person(&self, login: &str, roles: &[Role]) -> String {
        let hash = self.app.passwords.hash(PASSWORD).await.unwrap();
        let newcomer = Newcomer { login: login.into(), name: format!("Person {login}"), roles: roles.to_vec() };
        add_with_password(&self.app.store, &newcomer, hash, self.now()).await.unwrap()
    }

    pub fn now(&self) -> Timestamp {
        clock::Clock::now(&self.clock)
    }

    pub fn turn(&self, by: Span) {
        self.clock.turn(by);
    }

    pub fn browser(&self) -> Browser {
        Browser::of(self.router.clone())
    }

    /// A browser in which this person is signed in, at an address of its own.
    pub async fn signed_in(&self, login: &str) -> Browser {
        static BROWSERS: AtomicU32 = AtomicU32::new(0);
        let [_, a, b, c] = BROWSERS.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let mut browser = self.browser().from([10, a, b, c]);
        let answer = browser.sign_in(login, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{login} signs in: {}", answer.body);
        browser
    }

    /// The same, freshly confirmed.
    pub async fn confirmed(&self, login: &str) -> Browser {
        let mut browser = self.signed_in(login).await;
        let answer = browser.post("/re-authenticate", &[("password", PASSWORD), ("next", "/people")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{login} confirms: {}", answer.body);
        browser
    }

    pub async fn journal(&self) -> Vec<Entry> {
        self.app.store.entries("access", 0, 10_000).await.unwrap()
    }

    pub async fn kinds(&self) -> Vec<String> {
        self.journal().await.into_iter().map(|entry| entry.kind).collect()
    }
}

async fn replica(folder: &std::path::Path, clock: &ManualClock, proxies: Vec<Network>) -> AppState {
    let store = Store::open(&format!("sqlite:{}", folder.join("test.db").display())).await.unwrap();
    let site = Site::new("https://backout.example", false, proxies).unwrap();
    let incidents = App::new(store, Arc::new(clock.clone()), app::site::Site::default(), Playbooks::default());
    AppState::new(site, incidents, Passwords::new(CHEAP, 2))
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap())
    }
}

#[derive(Clone)]
pub struct Browser {
    pub router: Router,
    pub cookies: BTreeMap<String, String>,
    pub address: IpAddr,
    /// Sent with every request beside the usual ones; a header named here replaces the usual one.
    pub headers: Vec<(&'static str, String)>,
}

impl Browser {
    pub fn of(router: Router) -> Browser {
        Browser { router, cookies: BTreeMap::new(), address: IpAddr::from([203, 0, 113, 9]), headers: vec![] }
    }

    pub fn from(mut self, address: [u8; 4]) -> Browser {
        self.address = IpAddr::from(address);
        self
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Browser {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, &encoded(fields)).await
    }

    pub async fn sign_in(&mut self, login: &str, password: &str) -> Answer {
        self.post("/sign-in", &[("login", login), ("password", password), ("next", "")]).await
    }

    pub async fn send(&mut self, method: Method, path: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method.clone()).uri(path);
        let mut usual = vec![("host", HOST.to_owned())];
        if method == Method::POST {
            usual.push(("sec-fetch-site", "same-origin".to_owned()));
            usual.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
        }
        if !self.cookies.is_empty() {
            let all: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            usual.push(("cookie", all.join("; ")));
        }
        usual.retain(|(name, _)| !self.headers.iter().any(|(other, _)| other == name));
        for (name, value) in usual.iter().chain(&self.headers) {
            if !value.is_empty() {
                request = request.header(*name, value);
            }
        }
        let request = request.extension(Peer(SocketAddr::new(self.address, 40_000))).body(Body::from(body.to_owned()));
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        self.keep(&parts.headers);
        // A stream has no end; who wants to read one takes the body as it comes.
        let stream = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let body = if stream { Body::empty() } else { body };
        let body = to_bytes(body, 4 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() || cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Whether this browser is signed in as the server sees it.
    pub async fn is_in(&mut self) -> bool {
        self.get("/account").await.status == StatusCode::OK
    }
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

/// Something a test route can hold.
pub fn with_extension<T: Clone + Send + Sync + 'static>(router: Router, value: T) -> Router {
    router.layer(Extension(value))
}
