//! One open stream: a place in a channel, and how far its browser has come.

use super::super::AppState;
use super::super::acting;
use super::super::error::WebError;
use super::super::session::{SignedIn, still_in};
use super::lines::Lines;
use super::message::{id, message, retry};
use super::position::Position;
use super::{Frame, Pass, Seat, Topic, hub, render};
use crate::access::capability::Capability;
use crate::access::walls;
use crate::app::{App, SubmitError};
use crate::domain::state::RunId;
use crate::store::Entry;
use axum::body::{Body, Bytes};
use futures_util::stream;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// How long a browser waits before it connects again.
const RETRY_MILLIS: u32 = 1_000;

/// The most entries that are sent again to a browser which was away; beyond it the page is fetched anew.
const AGAIN: usize = 300;

/// The same for lines of logs.
const LINES_AGAIN: i64 = 2_000;

/// The most that is read at once: what may be sent again, and what may be written while it is read.
const PAGE: i64 = 1_000;

/// How long a stream lives before its browser has to connect again, at least; and over how many seconds more the ends
/// are spread.
const LIFE: Duration = Duration::from_secs(14 * 60);
const LIFE_SPREAD: u64 = 60;

pub(super) struct Viewer {
    app: AppState,
    seat: Seat,
    receiver: Receiver<Frame>,
    /// Made, and not yet sent.
    ready: VecDeque<Bytes>,
    position: Position,
    pass: Pass,
    reads_logs: bool,
    until: Instant,
    over: bool,
}

impl Viewer {
    pub(super) fn new(app: &AppState, pass: Pass, seat: Seat, receiver: Receiver<Frame>) -> Viewer {
        let life = LIFE + Duration::from_secs(seat.number * 7 % LIFE_SPREAD);
        Viewer {
            app: app.clone(),
            receiver,
            ready: VecDeque::new(),
            position: Position::default(),
            reads_logs: pass.reads_logs,
            pass,
            until: Instant::now() + life,
            over: false,
            seat,
        }
    }

    /// The stream's body: what was missed first, then whatever comes.
    pub(super) async fn stream(mut self, from: Option<Position>) -> Result<Body, WebError> {
        let (now, viewers) = (self.app.clock.now().0, self.app.live.viewers(&self.seat.topic));
        self.ready.push_back(retry(RETRY_MILLIS));
        self.ready.push_back(hub::ping(now, viewers));
        self.catch_up(from).await.map_err(acting::error)?;
        let next = async |mut viewer: Viewer| viewer.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), viewer));
        Ok(Body::from_stream(stream::unfold(self, next)))
    }

    /// The next bytes; nothing at the stream's end. A viewer that waits costs no more than its place.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                if self.ready.is_empty() {
                    self.ready = VecDeque::new();
                }
                return Some(bytes);
            }
            if self.over {
                return None;
            }
            let frame = self.receiver.recv().await;
            if self.app.clock.now() >= self.pass.ends_at {
                return None;
            }
            match frame {
                Ok(Frame::Entry(seq, bytes, runs)) if seq > self.position.seq => {
                    self.position.seq = seq;
                    self.position.lines.retain(|run, _| runs.contains(run));
                    self.ready.extend([id(&self.position), bytes]);
                }
                // It came with what was read at the beginning.
                Ok(Frame::Entry(..)) => {}
                Ok(Frame::Log(lines)) => {
                    if self.reads_logs && !Box::pin(self.go_on_with(&lines)).await {
                        return None;
                    }
                }
                Ok(Frame::Recheck(person)) => {
                    if person == self.seat.person && !Box::pin(self.may_look()).await {
                        return None;
                    }
                }
                Ok(Frame::Aside(bytes)) => {
                    if Instant::now() >= self.until {
                        return None;
                    }
                    self.ready.push_back(bytes);
                }
                Ok(Frame::Bye) => self.leave(),
                Err(RecvError::Lagged(_)) => {
                    if Box::pin(self.begin_anew()).await.is_err() {
                        return None;
                    }
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Whether the session holds still. That it cannot be known means no.
    async fn may_look(&mut self) -> bool {
        if let Some(hash) = &self.pass.wall {
            return matches!(walls::check_hash(&self.app.store, hash, self.app.clock.now()).await, Ok(Some(_)));
        }
        match still_in(&self.app, &self.pass.session).await {
            Ok(Some(who)) => {
                self.reads_logs = reads_logs(&who);
                true
            }
            _ => false,
        }
    }

    fn leave(&mut self) {
        self.ready.extend([retry(RETRY_MILLIS), message("bye", "{}")]);
        self.over = true;
    }

    /// Sends what came after `from`, or says that the page must be fetched anew.
    async fn catch_up(&mut self, from: Option<Position>) -> Result<(), SubmitError> {
        let head = self.app.store.head().await?.seq;
        let Some(from) = from.filter(|from| from.seq <= head) else { return self.begin_anew().await };
        let Some((missed, begun)) = self.missed(from.seq, head).await? else { return self.begin_anew().await };
        let Some((lines, under_way)) = self.missed_lines(&from, begun).await? else { return self.begin_anew().await };
        // Asked after the reading: whoever may still look may have all that was read before.
        if !self.may_look().await {
            self.over = true;
            return Ok(());
        }
        self.position = Position { lines: BTreeMap::new(), ..from };
        if self.reads_logs {
            self.position.lines = from.lines.into_iter().filter(|(run, _)| under_way.contains(run)).collect();
            for lines in &lines {
                self.push_lines(lines);
            }
        }
        for (seq, bytes) in missed {
            self.position.seq = seq;
            self.ready.extend([id(&self.position), bytes]);
        }
        self.position.seq = self.position.seq.max(head);
        self.position.lines.retain(|run, _| under_way.contains(run));
        Ok(())
    }

    /// The messages after one entry and up to another, and the runs that began with them; nothing when they are too many.
    async fn missed(&self, after: i64, head: i64) -> Result<Option<(Vec<(i64, Bytes)>, Vec<String>)>, SubmitError> {
        match &self.seat.topic {
            Topic::Incident(incident) => {
                // The newest of its journal; one more than may be sent again, to see whether there are too many.
                let newest = self.app.incidents.incident(incident).await?.version;
                let from = (newest - AGAIN as i64 - 1).max(0);
                let entries = self.app.store.entries(&App::stream(incident), from, PAGE).await?;
                let own: Vec<&Entry> = entries.iter().filter(|entry| entry.seq > after && entry.seq <= head).collect();
                if own.len() > AGAIN {
                    return Ok(None);
                }
                if own.is_empty() {
                    return Ok(Some((Vec::new(), Vec::new())));
                }
                let messages = render::entries(&self.app, incident, &own).await?;
                Ok(Some((own.iter().map(|entry| entry.seq).zip(messages).collect(), hub::begun(&own).collect())))
            }
            Topic::Everything => {
                let most = AGAIN as i64 + 1;
                if head - after > most {
                    return Ok(None);
                }
                let entries = self.app.store.tail(after, most).await?;
                let own = entries.iter().filter(|entry| entry.seq <= head).filter_map(|entry| {
                    let incident = entry.stream.strip_prefix("incident/")?;
                    Some((entry.seq, render::changed(incident)))
                });
                let own: Vec<(i64, Bytes)> = own.collect();
                Ok((own.len() <= AGAIN).then_some((own, Vec::new())))
            }
        }
    }

    /// The lines after a position, with the runs that are under way now; nothing when they are too many, or when the
    /// position speaks of lines that nobody wrote. From where this stops on the hub publishes.
    async fn missed_lines(
        &self,
        from: &Position,
        begun: Vec<String>,
    ) -> Result<Option<(Vec<Lines>, BTreeSet<String>)>, SubmitError> {
        let Topic::Incident(incident) = &self.seat.topic else { return Ok(Some((Vec::new(), BTreeSet::new()))) };
        let folded = self.app.incidents.incident(incident).await?;
        let under_way: BTreeSet<String> = folded.live_runs().map(|run| run.id.0.clone()).collect();
        // What the position names comes from outside: only runs of this very incident are looked at.
        let named = from.lines.keys().filter(|run| folded.run(&RunId((*run).clone())).is_some()).cloned();
        let runs: BTreeSet<String> = under_way.iter().cloned().chain(begun).chain(named).collect();
        let (mut all, mut count) = (Vec::new(), 0);
        for run in runs {
            let end = self.app.store.log_end(&run).await?;
            let mut next = if self.reads_logs { from.lines.get(&run).copied().unwrap_or(0) } else { end };
            if next > end {
                return Ok(None);
            }
            loop {
                while self.reads_logs
                    && let Some(lines) = Lines::read(&self.app.store, &run, next).await?
                {
                    count += lines.next() - lines.first;
                    next = lines.next();
                    all.push(lines);
                    if count > LINES_AGAIN {
                        return Ok(None);
                    }
                }
                if !under_way.contains(&run) || self.app.live.feed(&self.seat.topic, &run, next) <= next {
                    break;
                }
                // What the hub passed over was written by then.
                if !self.reads_logs {
                    break;
                }
            }
        }
        self.app.live.runs_are_known(&self.seat.topic);
        Ok(Some((all, under_way)))
    }

    fn push_lines(&mut self, lines: &Lines) {
        self.position.lines.insert(lines.run.clone(), lines.next());
        self.ready.push_back(id(&self.position));
        self.ready.extend(lines.message());
    }

    /// Sends the part of some lines that was not sent yet. False at the stream's end.
    async fn go_on_with(&mut self, lines: &Lines) -> bool {
        let mut next = self.position.lines.get(&lines.run).copied().unwrap_or(0);
        while next < lines.first {
            // They were published before this viewer came, and after it had looked.
            match Lines::read(&self.app.store, &lines.run, next).await {
                Ok(Some(between)) if between.next() - next <= LINES_AGAIN => {
                    next = between.next();
                    self.push_lines(&between);
                }
                Ok(_) => return self.begin_anew().await.is_ok(),
                Err(_) => return false,
            }
        }
        if next < lines.next() {
            self.push_lines(&lines.from(next));
        }
        true
    }

    /// The browser has lost its place: it fetches its page, and goes on from now.
    async fn begin_anew(&mut self) -> Result<(), SubmitError> {
        let head = self.app.store.head().await?.seq;
        let mut lines = BTreeMap::new();
        if let Topic::Incident(incident) = &self.seat.topic {
            for run in self.app.incidents.incident(incident).await?.live_runs() {
                let run = &run.id.0;
                let end = self.app.store.log_end(run).await?;
                // The page is fetched after this, and shows whatever the hub has passed over.
                lines.insert(run.clone(), self.app.live.feed(&self.seat.topic, run, end).max(end));
            }
            self.app.live.runs_are_known(&self.seat.topic);
        }
        if !self.may_look().await {
            self.over = true;
            return Ok(());
        }
        if !self.reads_logs {
            lines.clear();
        }
        self.position = Position { seq: head, lines };
        self.ready.extend([id(&self.position), message("resync", "{}")]);
        Ok(())
    }
}

pub(super) fn reads_logs(who: &SignedIn) -> bool {
    Capability::ReadLogs.open_to(Some(who.standing())).is_ok()
}
