//! Many viewers that come and go, through two servers and a restart, while others write: each has heard every entry of the
//! incident once and in order (INV-14).
//!
//! A viewer reads some pieces, leaves without a word, often in the middle of a message, and comes back to any server with
//! the id of the last whole message. What it heard is compared with the ledger at the end.

use crate::access_harness::{Browser, CHEAP, HOST, PASSWORD};
use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{IC, IncidentWorld, Room};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use backout::access::accounts::{Newcomer, add_with_password};
use backout::access::password::Passwords;
use backout::app::App;
use backout::domain::Role;
use backout::domain::command::Command;
use backout::web::layers::Peer;
use backout::web::{AppState, Site, router};
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

const VIEWERS: usize = 50;
/// Five viewers each: one may have eight streams.
const PEOPLE: usize = 10;
const NOTES: usize = 120;
/// Each viewer connects at least so often: five hundred times in all.
const CONNECTIONS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// A small source of chance that a test can repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

struct Server {
    state: AppState,
    router: Router,
}

impl Server {
    fn over(app: App) -> Server {
        let site = Site::new("https://backout.example", false, vec![]).unwrap();
        let state = AppState::new(site, app, Passwords::new(CHEAP, 2));
        Server { router: router(state.clone()), state }
    }
}

type Servers = Arc<Mutex<Vec<Server>>>;

/// One who looks, and what they heard.
struct Viewer {
    servers: Servers,
    cookies: BTreeMap<String, String>,
    path: String,
    dice: Dice,
    last: String,
    heard: Vec<i64>,
    connections: usize,
}

impl Viewer {
    /// Looks until the entry `end` was heard and enough connections were made.
    async fn looks(mut self, end: tokio::sync::watch::Receiver<i64>) -> (Vec<i64>, usize) {
        loop {
            let until = *end.borrow();
            if until > 0 && self.heard.last() >= Some(&until) && self.connections >= CONNECTIONS {
                return (self.heard, self.connections);
            }
            let pieces = 3 + self.dice.roll(12);
            self.connects(pieces).await;
        }
    }

    async fn connects(&mut self, mut pieces: usize) {
        let router = {
            let servers = self.servers.lock().unwrap();
            let any = self.dice.roll(servers.len());
            servers[any].router.clone()
        };
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::get(&self.path).header("host", HOST).header("cookie", cookies.join("; "));
        if !self.last.is_empty() {
            request = request.header("last-event-id", &self.last);
        }
        let request = request.extension(Peer(SocketAddr::from(([10, 0, 0, 1], 4_000)))).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        // A server that stops takes nobody.
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            tokio::task::yield_now().await;
            return;
        }
        assert_eq!(response.status(), StatusCode::OK);
        self.connections += 1;
        let (mut body, mut text) = (response.into_body().into_data_stream(), String::new());
        while pieces > 0 {
            // Nothing comes for a while: somebody else's turn.
            let Ok(Some(more)) = tokio::time::timeout(Duration::from_millis(50), body.next()).await else { return };
            pieces -= 1;
            text.push_str(std::str::from_utf8(&more.unwrap()).unwrap());
            while let Some(at) = text.find("\n\n") {
                let block: String = text.drain(..at + 2).collect();
                self.hears(&block);
            }
        }
    }

    fn hears(&mut self, block: &str) {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let event = field("event: ");
        assert_ne!(event, "resync", "nobody was away for long: {block}");
        if event == "entry" {
            self.last = field("id: ").to_owned();
            self.heard.push(self.last.split('/').next().unwrap().parse().unwrap());
        }
    }
}

async fn write(servers: &Servers, id: &str, who: &str, dice: &mut Dice, number: usize) {
    let app = {
        let servers = servers.lock().unwrap();
        let any = dice.roll(servers.len());
        servers[any].state.incidents.clone()
    };
    let room = Room { app, id: id.to_owned() };
    room.must(who, Command::AddNote { text: format!("note {number}") }).await;
}

on_both! {
    async fn viewers_that_come_and_go_hear_every_entry_once_and_in_order(database) {
        let world = IncidentWorld::new(database).await;
        let first = world.app().await;
        let room = Room::p0(&first).await;
        let other = Room::own_p0(&first, 1).await;
        let begun = first.store.head().await.unwrap().seq;
        let mut servers = vec![Server::over(first)];
        if world.is_postgres() {
            servers.push(Server::over(world.app().await));
        }
        let hash = servers[0].state.passwords.hash(PASSWORD).await.unwrap();
        let mut cookies = Vec::new();
        for person in 0..PEOPLE {
            let login = format!("viewer-{person}");
            let roles = vec![Role::TechnicalLead];
            let newcomer = Newcomer { login: login.clone(), name: login.clone(), roles };
            let (store, now) = (&servers[0].state.store, world.clock.now());
            add_with_password(store, &newcomer, hash.clone(), now).await.unwrap();
            let mut browser = Browser::of(servers[0].router.clone()).from([10, 1, 0, person as u8]);
            assert_eq!(browser.sign_in(&login, PASSWORD).await.status, StatusCode::SEE_OTHER);
            cookies.push(browser.cookies);
        }
        let servers: Servers = Arc::new(Mutex::new(servers));
        let (end, ended) = tokio::sync::watch::channel(0);
        let viewers: Vec<_> = (0..VIEWERS)
            .map(|number| Viewer {
                servers: servers.clone(),
                cookies: cookies[number % PEOPLE].clone(),
                path: format!("/incidents/{}/live?after={begun}", room.id),
                dice: Dice(number as u64 + 7),
                last: String::new(),
                heard: Vec::new(),
                connections: 0,
            })
            .map(|viewer| tokio::spawn(viewer.looks(ended.clone())))
            .collect();
        let mut dice = Dice(42);
        for number in 0..NOTES {
            write(&servers, &room.id, IC, &mut dice, number).await;
            if number % 3 == 0 {
                write(&servers, &other.id, IC, &mut dice, number).await;
            }
            if number == NOTES / 2 {
                // One server stops and comes back as a new process would: with nothing in its memory.
                let fresh = Server::over(world.app().await);
                let old = std::mem::replace(&mut servers.lock().unwrap()[0], fresh);
                old.state.live.stop();
            }
        }
        let store = servers.lock().unwrap()[0].state.store.clone();
        let journal = store.entries(&App::stream(&room.id), 0, 10_000).await.unwrap();
        let written: Vec<i64> = journal.iter().map(|entry| entry.seq).filter(|seq| *seq > begun).collect();
        end.send(*written.last().unwrap()).unwrap();
        let mut connections = 0;
        for viewer in viewers {
            let (heard, times) = tokio::time::timeout(PATIENCE, viewer).await.expect("every viewer catches up").unwrap();
            assert_eq!(heard, written);
            connections += times;
        }
        assert!(connections >= VIEWERS * CONNECTIONS, "{connections}");
        assert!(written.len() >= NOTES);
    }
}
