//! Pages that follow: each page of an incident keeps one stream of server-sent events open, and so does the first page
//! (L1, L2).
//!
//! **One hub a process** ([`hub`]) follows the ledger from its own cursor. What it reads it renders once, and publishes in
//! the ledger's order to the **channels**: one for each incident that somebody looks at, one for all incidents. A channel
//! is bounded; its messages are shared bytes. A **viewer** ([`viewer`]) is one open stream: a place in a channel and a
//! position, with no task of its own.
//!
//! | message | says | place in the order |
//! | --- | --- | --- |
//! | `entry` | an entry was written: shared parts of the page, each an element with its id | yes |
//! | `log` | lines of a run under way, for those who may read them | yes, with the run's own count |
//! | `measures` | what is measured, about every five seconds | no |
//! | `presence` | who is here, when that changes | no |
//! | `ping` | the server's time, how many look, over how many milliseconds to spread a fetch | no |
//! | `resync` | fetch the page anew: you were too slow, or your position is too old or unknown | yes |
//! | `bye` | the server stops: connect again | no |
//!
//! **Nothing missed, nothing twice** (INV-14). A viewer takes its place in the channel first and reads the ledger
//! afterwards, from the position that its browser brought: what was written in between comes twice, and the second is
//! dropped by its number. The position is the `id` of each message ([`position`]).
//!
//! **Nothing after a revocation** (INV-15). Entries of the journal of access travel in the same order as a question: is this
//! person's session still good? Every viewer of theirs answers it from the store before it sends anything that comes
//! later. What no entry tells of (a limit of time) is caught by looking every few seconds.
//!
//! A stream is not activity. It shows the same to all who may see the incident; what differs from person to person the
//! page fetches for itself.

mod hub;
mod lines;
mod message;
pub mod position;
pub mod presence;
mod render;
mod viewer;

use super::AppState;
use super::acting;
use super::error::WebError;
use super::incident::is_name;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::access::walls::Wall;
use crate::domain::{PersonId, Timestamp};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use lines::Lines;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, broadcast};
use viewer::Viewer;

/// Messages that wait in a channel for its slowest viewer, before that one has lost its place.
const WAITING: usize = 256;

/// The most streams in all, unless the system allows fewer files.
pub const STREAMS: usize = 12_000;

/// The most streams of one person.
const OF_ONE_PERSON: usize = 8;

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/live", Capability::SignedIn, of_all).without_activity(),
        Route::get("/incidents/{id}/live", Capability::SignedIn, of_incident).without_activity(),
    ]
}

/// What a stream is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Topic {
    Incident(String),
    Everything,
}

/// On what ground somebody looks.
#[derive(Debug, Clone)]
struct Pass {
    person: PersonId,
    /// Hash of the session's id; of a wall, a name that no session has.
    session: String,
    /// From then on nobody looks with it, however active.
    ends_at: Timestamp,
    reads_logs: bool,
    /// Hash of a wall's secret.
    wall: Option<String>,
}

impl Pass {
    fn of(who: &SignedIn) -> Pass {
        Pass {
            person: who.person.clone(),
            session: who.session.clone(),
            ends_at: who.ends_at(),
            reads_logs: viewer::reads_logs(who),
            wall: None,
        }
    }
}

/// What the hub publishes.
#[derive(Debug, Clone)]
enum Frame {
    /// An entry with its number, and the runs that are under way with it.
    Entry(i64, Bytes, Arc<[String]>),
    /// Lines of a run, after whatever of it was published before.
    Log(Arc<Lines>),
    /// This person's sessions or roles may have changed: ask before anything further is sent.
    Recheck(PersonId),
    /// The same for all, and of no place in the order.
    Aside(Bytes),
    /// The server stops.
    Bye,
}

/// Everyone who looks, in this process. Cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    channels: Mutex<Channels>,
    /// The hub runs.
    begun: AtomicBool,
    stopped: AtomicBool,
    stop: Notify,
    /// Somebody came since the hub last said who is here.
    came: AtomicBool,
    /// The most streams in all.
    most: usize,
}

#[derive(Default)]
struct Channels {
    of: HashMap<Topic, Channel>,
    streams: HashMap<PersonId, usize>,
    all: usize,
    next: u64,
}

struct Channel {
    sender: broadcast::Sender<Frame>,
    viewers: HashMap<u64, Looker>,
    /// Of each run that is followed: the line which is published next.
    feeds: BTreeMap<String, i64>,
    /// Every run that was under way when the first viewer came is in `feeds`; another one began afterwards.
    known: bool,
    /// What was last published beside the order, so that nothing is sent twice for nothing.
    measures: String,
    presence: String,
}

/// Whose stream it is.
struct Looker {
    person: PersonId,
    session: String,
    /// The session's absolute limit.
    ends_at: Timestamp,
}

/// A viewer's place in a channel; dropped, it is free again.
struct Seat {
    live: Live,
    topic: Topic,
    number: u64,
    person: PersonId,
}

/// Why there is no place.
enum Full {
    /// This person has all the streams that one may have.
    Person,
    Server,
}

impl Live {
    /// At most so many streams at once.
    pub fn of(most: usize) -> Live {
        let (begun, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
        Live(Arc::new(Inner {
            channels: Mutex::default(),
            begun,
            stopped,
            stop: Notify::new(),
            came: AtomicBool::new(false),
            most,
        }))
    }

    /// Says good-bye to every viewer, and takes no new one.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        self.0.stop.notify_one();
        for channel in self.channels().of.values() {
            let _ = channel.sender.send(Frame::Bye);
        }
    }

    /// How many streams are open.
    pub fn streams(&self) -> usize {
        self.channels().all
    }

    fn viewers(&self, topic: &Topic) -> usize {
        self.channels().of.get(topic).map_or(0, |channel| channel.viewers.len())
    }

    fn channels(&self) -> MutexGuard<'_, Channels> {
        self.0.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From which line on the hub publishes a run's log; `line` when nobody has said it yet.
    fn feed(&self, topic: &Topic, run: &str, line: i64) -> i64 {
        let mut channels = self.channels();
        let Some(channel) = channels.of.get_mut(topic) else { return line };
        *channel.feeds.entry(run.to_owned()).or_insert(line)
    }

    /// The runs that are under way are in the feeds now.
    fn runs_are_known(&self, topic: &Topic) {
        if let Some(channel) = self.channels().of.get_mut(topic) {
            channel.known = true;
        }
    }

    fn take_place(&self, topic: Topic, pass: &Pass) -> Result<(Seat, broadcast::Receiver<Frame>), Full> {
        let mut channels = self.channels();
        if channels.all >= self.0.most || self.0.stopped.load(Ordering::SeqCst) {
            return Err(Full::Server);
        }
        let person = &pass.person;
        let theirs = channels.streams.entry(person.clone()).or_default();
        if *theirs >= OF_ONE_PERSON {
            return Err(Full::Person);
        }
        *theirs += 1;
        channels.all += 1;
        channels.next += 1;
        let number = channels.next;
        let channel = channels.of.entry(topic.clone()).or_insert_with(|| Channel {
            sender: broadcast::Sender::new(WAITING),
            viewers: HashMap::new(),
            feeds: BTreeMap::new(),
            known: false,
            measures: String::new(),
            presence: String::new(),
        });
        let looker = Looker { person: person.clone(), session: pass.session.clone(), ends_at: pass.ends_at };
        channel.viewers.insert(number, looker);
        let receiver = channel.sender.subscribe();
        drop(channels);
        self.0.came.store(true, Ordering::SeqCst);
        Ok((Seat { live: self.clone(), topic, number, person: person.clone() }, receiver))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut channels = self.live.channels();
        channels.all = channels.all.saturating_sub(1);
        if let Some(theirs) = channels.streams.get_mut(&self.person) {
            *theirs -= 1;
            if *theirs == 0 {
                channels.streams.remove(&self.person);
            }
        }
        if let Some(channel) = channels.of.get_mut(&self.topic) {
            channel.viewers.remove(&self.number);
            if channel.viewers.is_empty() {
                channels.of.remove(&self.topic);
            }
        }
    }
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    after: String,
}

async fn of_all(
    State(app): State<AppState>,
    who: SignedIn,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    open(&app, Pass::of(&who), Topic::Everything, &asked, &headers).await
}

async fn of_incident(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    if !is_name(&id) {
        return Err(WebError::not_found());
    }
    app.incidents.incident(&id).await.map_err(acting::error)?;
    open(&app, Pass::of(&who), Topic::Incident(id), &asked, &headers).await
}

/// The stream of a wall: that something happened, and nothing of what.
pub(super) async fn of_wall(
    app: &AppState,
    wall: &Wall,
    hash: &str,
    asked: &Asked,
    headers: &HeaderMap,
) -> Result<Response, WebError> {
    let person = wall.viewer();
    let session = person.0.clone();
    let pass = Pass { person, session, ends_at: wall.ends_at, reads_logs: false, wall: Some(hash.to_owned()) };
    open(app, pass, Topic::Everything, asked, headers).await
}

/// Where the browser says that it stands: what it got last, or else what its page was made with.
fn position(asked: &Asked, headers: &HeaderMap) -> Option<position::Position> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    last.filter(|last| !last.is_empty()).unwrap_or(&asked.after).parse().ok()
}

async fn open(
    app: &AppState,
    pass: Pass,
    topic: Topic,
    asked: &Asked,
    headers: &HeaderMap,
) -> Result<Response, WebError> {
    let (seat, receiver) = app.live.take_place(topic, &pass).map_err(full)?;
    hub::begin(app);
    let viewer = Viewer::new(app, pass, seat, receiver);
    let body = viewer.stream(position(asked, headers)).await?;
    let mut response = Response::new(body);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        // A proxy must pass each message on as it comes.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    Ok(response)
}

fn full(why: Full) -> WebError {
    let detail = match why {
        Full::Person => {
            "You have as many live pages open as one person may. Close some; this page can still be reloaded."
        }
        Full::Server => "So many live pages are open that the server takes no more. This page can still be reloaded.",
    };
    let mut error = WebError::new(StatusCode::SERVICE_UNAVAILABLE, "Not live for the moment", detail);
    error.retry_after = Some(10);
    error
}

#[cfg(test)]
mod tests;
