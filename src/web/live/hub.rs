//! The one task that follows the ledger, and the logs of runs, for all viewers of this process.

use super::super::AppState;
use super::super::measures::Measures;
use super::lines::Lines;
use super::message::message;
use super::presence::Presence;
use super::{Channel, Frame, Live, Topic, render};
use crate::access::record;
use crate::access::session::IDLE;
use crate::app::{SubmitError, recorded};
use crate::domain::event::Event;
use crate::domain::{PersonId, Span, Timestamp};
use crate::store::{Entry, StoreError};
use axum::body::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How many entries are read at once.
const PAGE: i64 = 200;

const SECOND: Duration = Duration::from_secs(1);

/// Every so many seconds a viewer hears something, whatever happens, and what is measured is looked at.
const BEAT: u64 = 5;

/// Every so many seconds the sessions are looked at: what no entry tells of, or what another server wrote while we could
/// not hear of it, ends a stream all the same.
const SESSIONS: u64 = 3;

/// Every so many seconds a server says anew who is here.
const PRESENCE: u64 = 20;

/// A store that does not answer is asked again after this.
const AFTER_A_FAULT: Duration = Duration::from_millis(500);

/// What one more viewer adds to the time over which all of them fetch their pages.
const FETCH_MILLIS: usize = 2;

/// A session that is read with has at least so much time left, up to its absolute limit.
const KEPT: Span = Span::minutes(25);

/// Starts the hub with the first viewer. A viewer takes its place before it calls this, and reads the ledger after it:
/// what the hub passes over at its beginning is older than anything the viewer reads.
pub(super) fn begin(app: &AppState) {
    if app.live.0.begun.swap(true, Ordering::SeqCst) {
        return;
    }
    let (mut commits, mut lines) = (app.store.commits(), app.store.lines());
    let cursor = *commits.borrow_and_update();
    lines.mark_unchanged();
    tokio::spawn(Hub { app: app.clone(), commits, lines, cursor, seconds: 0 }.run());
}

struct Hub {
    app: AppState,
    commits: watch::Receiver<i64>,
    lines: watch::Receiver<u64>,
    /// Everything up to this entry was published.
    cursor: i64,
    seconds: u64,
}

impl Hub {
    async fn run(mut self) {
        let live = self.app.live.clone();
        let mut tick = interval(SECOND);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = true;
        while !live.0.stopped.load(Ordering::SeqCst) {
            let followed = async {
                self.follow().await?;
                if looks {
                    self.pump(&self.app.live.incidents()).await?;
                }
                Ok::<(), SubmitError>(())
            };
            if let Err(fault) = followed.await {
                tracing::warn!(%fault, "the ledger could not be followed for a moment; viewers wait");
                tokio::time::sleep(AFTER_A_FAULT).await;
                looks = true;
                continue;
            }
            tokio::select! {
                changed = self.commits.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    looks = false;
                }
                changed = self.lines.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    looks = true;
                }
                _ = tick.tick() => {
                    looks = false;
                    if live.streams() > 0 && let Err(fault) = self.every_second().await {
                        tracing::warn!(%fault, "what stands beside the order could not be read for a moment");
                    }
                }
                () = live.0.stop.notified() => {}
            }
        }
    }

    /// Publishes what was committed since.
    async fn follow(&mut self) -> Result<(), SubmitError> {
        let target = *self.commits.borrow_and_update();
        while self.cursor < target {
            if self.app.live.streams() == 0 {
                self.cursor = target;
                break;
            }
            let entries = self.app.store.tail(self.cursor, PAGE).await?;
            let Some(last) = entries.last().map(|entry| entry.seq) else { break };
            self.publish(&entries).await?;
            self.cursor = last;
        }
        Ok(())
    }

    async fn publish(&self, entries: &[Entry]) -> Result<(), SubmitError> {
        // Everything is rendered before anything is sent: a fault in between must send nothing twice.
        let mut made: HashMap<i64, Bytes> = HashMap::new();
        let mut runs: HashMap<&str, Arc<[String]>> = HashMap::new();
        for (incident, own) in by_incident(entries) {
            if self.app.live.watches(incident) {
                let messages = render::entries(&self.app, incident, &own).await?;
                made.extend(own.iter().map(|entry| entry.seq).zip(messages));
                // What a run printed comes before the entry that tells of its end.
                self.app.live.follow_runs(incident, &own);
                runs.insert(incident, self.pump(&[incident.to_owned()]).await?);
            }
        }
        let live = &self.app.live;
        for entry in entries {
            if let Some(incident) = incident_of(entry) {
                let changed = || render::changed(incident);
                live.send(&Topic::Everything, || Frame::Entry(entry.seq, changed(), Arc::default()));
                let bytes = made.remove(&entry.seq);
                // A viewer who came between the two gets it all with its first page.
                let bytes = || bytes.unwrap_or_else(changed);
                let runs = || runs.get(incident).cloned().unwrap_or_default();
                live.send(&Topic::Incident(incident.to_owned()), || Frame::Entry(entry.seq, bytes(), runs()));
            } else if entry.stream == record::STREAM {
                live.recheck(&record::concerned(entry));
            }
        }
        Ok(())
    }

    /// Publishes the new lines of the runs under way in these incidents; answers the runs of the last.
    async fn pump(&self, incidents: &[String]) -> Result<Arc<[String]>, SubmitError> {
        let mut under_way: Arc<[String]> = Arc::default();
        for incident in incidents {
            let folded = match self.app.incidents.incident(incident).await {
                Ok(folded) => folded,
                Err(SubmitError::Store(fault)) => return Err(fault.into()),
                Err(_) => continue,
            };
            under_way = folded.live_runs().map(|run| run.id.0.clone()).collect();
            let topic = Topic::Incident(incident.clone());
            self.app.live.meet_runs(&topic, &under_way);
            for (run, next) in self.app.live.feeds(&topic) {
                self.publish_lines(&topic, &run, next).await?;
            }
            self.app.live.forget_runs(&topic, &under_way);
        }
        Ok(under_way)
    }

    async fn publish_lines(&self, topic: &Topic, run: &str, mut next: i64) -> Result<(), StoreError> {
        while let Some(lines) = Lines::read(&self.app.store, run, next).await? {
            next = lines.next();
            let mut channels = self.app.live.channels();
            let Some(channel) = channels.of.get_mut(topic) else { return Ok(()) };
            channel.feeds.insert(run.to_owned(), next);
            let _ = channel.sender.send(Frame::Log(Arc::new(lines)));
        }
        Ok(())
    }

    async fn every_second(&mut self) -> Result<(), SubmitError> {
        let now = self.seconds;
        self.seconds += 1;
        if now.is_multiple_of(BEAT) {
            self.ping();
        }
        if now % SESSIONS == 1 {
            self.look_at_sessions().await?;
        }
        let came = self.app.live.0.came.swap(false, Ordering::SeqCst);
        if came || now.is_multiple_of(PRESENCE) {
            self.say_who_is_here().await?;
        }
        for incident in self.app.live.incidents() {
            if now.is_multiple_of(BEAT) {
                self.tell_measures(&incident).await?;
            }
            if came || now.is_multiple_of(BEAT) {
                self.tell_presence(&incident).await?;
            }
        }
        Ok(())
    }

    fn ping(&self) {
        let now = self.app.clock.now().0;
        for channel in self.app.live.channels().of.values() {
            let _ = channel.sender.send(Frame::Aside(ping(now, channel.viewers.len())));
        }
    }

    /// Asks about every session that has streams, all at once; and keeps those alive that read an open incident: a room
    /// that stands on somebody's screen must not go dark in the middle of it (their acts are asked about on their own).
    async fn look_at_sessions(&self) -> Result<(), SubmitError> {
        let now = self.app.clock.now();
        let sessions = self.app.live.sessions();
        let ids: Vec<String> = sessions.keys().cloned().collect();
        let living: HashMap<String, Timestamp> = self.app.store.living_sessions(&ids, now).await?.into_iter().collect();
        let people = self.app.store.people().await?;
        let is_active = |person: &PersonId| people.iter().any(|one| one.active && one.id == person.0);
        let (mut ended, mut kept) = (Vec::new(), Vec::new());
        for (session, held) in sessions {
            match living.get(&session) {
                Some(end) if is_active(&held.person) => {
                    let wanted = held.ends_at.min(now + IDLE);
                    if *end < held.ends_at.min(now + KEPT) && self.any_open(&held.incidents).await? {
                        kept.push((session, wanted));
                    }
                }
                _ => ended.push(held.person),
            }
        }
        if !kept.is_empty() {
            self.app.store.extend_sessions(&kept, now).await?;
        }
        self.app.live.recheck(&ended);
        Ok(())
    }

    async fn any_open(&self, incidents: &BTreeSet<String>) -> Result<bool, SubmitError> {
        for incident in incidents {
            match self.app.incidents.incident(incident).await {
                Ok(incident) if incident.is_open() => return Ok(true),
                Err(SubmitError::Store(fault)) => return Err(fault.into()),
                _ => {}
            }
        }
        Ok(false)
    }

    async fn say_who_is_here(&self) -> Result<(), SubmitError> {
        let pairs = self.app.live.pairs();
        if !pairs.is_empty() {
            self.app.store.be_present(&pairs, self.app.clock.now()).await?;
        }
        Ok(())
    }

    async fn tell_measures(&self, incident: &str) -> Result<(), SubmitError> {
        let Some(looked) = render::looked(&self.app, incident).await? else { return Ok(()) };
        if !looked.incident.is_open() {
            return Ok(());
        }
        let measured = self.app.incidents.measured(&looked).await?;
        let region = Measures::of(&looked, &measured).region().unwrap_or_default();
        self.app.live.aside(incident, "measures", region, |channel| &mut channel.measures);
        Ok(())
    }

    async fn tell_presence(&self, incident: &str) -> Result<(), SubmitError> {
        let Some(looked) = render::looked(&self.app, incident).await? else { return Ok(()) };
        let region = Presence::read(&self.app, &looked).await?.region();
        self.app.live.aside(incident, "presence", region, |channel| &mut channel.presence);
        Ok(())
    }
}

/// The message that shows that the connection lives.
pub(super) fn ping(now: i64, viewers: usize) -> Bytes {
    let spread = viewers * FETCH_MILLIS;
    message("ping", &format!("{{\"now\":{now},\"viewers\":{viewers},\"spread\":{spread}}}"))
}

/// The entries of each incident, in their order.
fn by_incident(entries: &[Entry]) -> BTreeMap<&str, Vec<&Entry>> {
    let mut all: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Some(incident) = incident_of(entry) {
            all.entry(incident).or_default().push(entry);
        }
    }
    all
}

fn incident_of(entry: &Entry) -> Option<&str> {
    entry.stream.strip_prefix("incident/")
}

/// The runs that begin with these entries.
pub(super) fn begun<'a>(entries: &'a [&Entry]) -> impl Iterator<Item = String> + 'a {
    entries.iter().filter_map(|entry| match recorded(entry).ok()?.event {
        Event::RunStarting(starting) => Some(starting.run.0),
        _ => None,
    })
}

/// Who holds a session, and what is looked at with it.
struct Held {
    person: PersonId,
    ends_at: Timestamp,
    incidents: BTreeSet<String>,
}

impl Live {
    fn send(&self, topic: &Topic, frame: impl FnOnce() -> Frame) {
        if let Some(channel) = self.channels().of.get(topic) {
            let _ = channel.sender.send(frame());
        }
    }

    /// Publishes beside the order what differs from the last time.
    fn aside(&self, incident: &str, event: &str, region: String, last: impl FnOnce(&mut Channel) -> &mut String) {
        let topic = Topic::Incident(incident.to_owned());
        let mut channels = self.channels();
        let Some(channel) = channels.of.get_mut(&topic) else { return };
        let bytes = message(event, &region);
        let last = last(channel);
        if *last != region {
            *last = region;
            let _ = channel.sender.send(Frame::Aside(bytes));
        }
    }

    /// Has these people's viewers ask whether they still may look.
    fn recheck(&self, people: &[PersonId]) {
        for channel in self.channels().of.values() {
            let looks = |person: &PersonId| channel.viewers.values().any(|viewer| viewer.person == *person);
            for person in people.iter().filter(|person| looks(person)) {
                let _ = channel.sender.send(Frame::Recheck(person.clone()));
            }
        }
    }

    fn watches(&self, incident: &str) -> bool {
        self.channels().of.contains_key(&Topic::Incident(incident.to_owned()))
    }

    /// The incidents that somebody looks at.
    fn incidents(&self) -> Vec<String> {
        let channels = self.channels();
        let named = channels.of.keys().filter_map(|topic| match topic {
            Topic::Incident(incident) => Some(incident.clone()),
            Topic::Everything => None,
        });
        named.collect()
    }

    /// A run that begins while its channel is followed is published from its first line on.
    fn follow_runs(&self, incident: &str, entries: &[&Entry]) {
        let topic = Topic::Incident(incident.to_owned());
        if let Some(channel) = self.channels().of.get_mut(&topic) {
            for run in begun(entries) {
                channel.feeds.entry(run).or_insert(0);
            }
        }
    }

    /// The same for one whose beginning was not seen. The first viewer says which runs were under way before.
    fn meet_runs(&self, topic: &Topic, under_way: &[String]) {
        if let Some(channel) = self.channels().of.get_mut(topic).filter(|channel| channel.known) {
            for run in under_way {
                channel.feeds.entry(run.clone()).or_insert(0);
            }
        }
    }

    fn feeds(&self, topic: &Topic) -> Vec<(String, i64)> {
        let channels = self.channels();
        let feeds = channels.of.get(topic).map(|channel| channel.feeds.clone());
        feeds.unwrap_or_default().into_iter().collect()
    }

    fn forget_runs(&self, topic: &Topic, under_way: &[String]) {
        if let Some(channel) = self.channels().of.get_mut(topic) {
            channel.feeds.retain(|run, _| under_way.contains(run));
        }
    }

    fn sessions(&self) -> BTreeMap<String, Held> {
        let mut held: BTreeMap<String, Held> = BTreeMap::new();
        for (topic, channel) in &self.channels().of {
            for viewer in channel.viewers.values() {
                let (person, ends_at) = (viewer.person.clone(), viewer.ends_at);
                let one = held.entry(viewer.session.clone());
                let one = one.or_insert_with(|| Held { person, ends_at, incidents: BTreeSet::new() });
                if let Topic::Incident(incident) = topic {
                    one.incidents.insert(incident.clone());
                }
            }
        }
        held
    }

    /// Who looks at which incident.
    fn pairs(&self) -> Vec<(String, String)> {
        let channels = self.channels();
        let mut pairs = BTreeSet::new();
        for (topic, channel) in &channels.of {
            if let Topic::Incident(incident) = topic {
                pairs.extend(channel.viewers.values().map(|viewer| (incident.clone(), viewer.person.0.clone())));
            }
        }
        pairs.into_iter().collect()
    }
}
