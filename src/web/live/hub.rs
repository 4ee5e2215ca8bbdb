//! The one task that follows the ledger for all viewers of this process.

use super::super::AppState;
use super::message::message;
use super::{Frame, Live, Topic, render};
use crate::access::record;
use crate::app::SubmitError;
use crate::store::Entry;
use axum::body::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How many entries are read at once.
const PAGE: i64 = 200;

/// How often a viewer hears something, whatever happens.
const BEAT: Duration = Duration::from_secs(5);

/// A store that does not answer is asked again after this.
const AFTER_A_FAULT: Duration = Duration::from_millis(500);

/// What one more viewer adds to the time over which all of them fetch their pages.
const FETCH_MILLIS: usize = 2;

/// Starts the hub with the first viewer. A viewer takes its place before it calls this, and reads the ledger after it:
/// what the hub passes over at its beginning is older than anything the viewer reads.
pub(super) fn begin(app: &AppState) {
    if app.live.0.begun.swap(true, Ordering::SeqCst) {
        return;
    }
    let mut commits = app.store.commits();
    let cursor = *commits.borrow_and_update();
    tokio::spawn(Hub { app: app.clone(), commits, cursor }.run());
}

struct Hub {
    app: AppState,
    commits: watch::Receiver<i64>,
    /// Everything up to this entry was published.
    cursor: i64,
}

impl Hub {
    async fn run(mut self) {
        let live = self.app.live.clone();
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !live.0.stopped.load(Ordering::SeqCst) {
            if let Err(fault) = self.follow().await {
                tracing::warn!(%fault, "the ledger could not be followed for a moment; viewers wait");
                tokio::time::sleep(AFTER_A_FAULT).await;
                continue;
            }
            tokio::select! {
                changed = self.commits.changed() => if changed.is_err() { return },
                _ = beat.tick() => self.ping(),
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
        for (incident, own) in by_incident(entries) {
            let watched = self.app.live.channels().of.contains_key(&Topic::Incident(incident.to_owned()));
            if watched {
                let messages = render::entries(&self.app, incident, &own).await?;
                made.extend(own.iter().map(|entry| entry.seq).zip(messages));
            }
        }
        let live = &self.app.live;
        for entry in entries {
            if let Some(incident) = incident_of(entry) {
                let changed = || render::changed(incident);
                live.send(&Topic::Everything, || Frame::Entry(entry.seq, changed()));
                let bytes = made.remove(&entry.seq);
                // A viewer who came between the two gets it all with its first page.
                let bytes = || bytes.unwrap_or_else(changed);
                live.send(&Topic::Incident(incident.to_owned()), || Frame::Entry(entry.seq, bytes()));
            } else if entry.stream == record::STREAM {
                live.recheck(&record::concerned(entry));
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

impl Live {
    fn send(&self, topic: &Topic, frame: impl FnOnce() -> Frame) {
        if let Some(channel) = self.channels().of.get(topic) {
            let _ = channel.sender.send(frame());
        }
    }

    /// Has these people's viewers ask whether they still may look.
    fn recheck(&self, people: &[crate::domain::PersonId]) {
        for channel in self.channels().of.values() {
            for person in people.iter().filter(|person| channel.viewers.values().any(|viewer| viewer == *person)) {
                let _ = channel.sender.send(Frame::Recheck(person.clone()));
            }
        }
    }
}
