//! The one way in. Pages, interfaces, the command line, workers and triggers all change an incident through
//! [`App::submit`] or [`App::raise`], and by nothing else.
//!
//! A submission runs in a task of its own, so that a dropped connection cannot cut it in half. It opens one transaction,
//! takes the ledger's head row first, brings the incident's fold up to that head, reads the facts, decides, and appends
//! events, summary row and idempotency key together. Nothing read before the head row is trusted, but for how long earlier
//! rollbacks took: their incidents are closed and do not change, and reading them holds nobody back.

pub mod catalogue;
mod earlier;
pub mod gather;
mod journal;
pub mod measuring;
pub mod playbooks;
pub mod registering;
pub mod site;
pub mod summary;

pub use journal::recorded;

use crate::clock::Clock;
use crate::domain::actor::{Actor, Who};
use crate::domain::command::{Command, Opening};
use crate::domain::decide;
use crate::domain::event::{Event, Recorded, TriggerSeen};
use crate::domain::plan::hex;
use crate::domain::procedure::{Procedure, Severity};
use crate::domain::progress::Earlier;
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::state::{Incident, RunId};
use crate::domain::{PersonId, Strength, Timestamp, apply};
use crate::store::{Intent, NewEntry, Store, StoreError, Tx};
use catalogue::Scripts;
use gather::{Gathered, Wanted};
use playbooks::Playbooks;
use sha2::{Digest, Sha256};
use site::Site;
use std::fmt;
use std::sync::Arc;

/// Everything that a submission needs. Cheap to clone, shared by all that serve.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub site: Arc<Site>,
    pub playbooks: Arc<Playbooks>,
    journals: Arc<journal::Journals>,
}

/// What was accepted: the incident as it is now, and what was appended.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub incident: Arc<Incident>,
    pub events: Vec<Recorded>,
    /// The same intent was carried out before; nothing was appended now.
    pub repeated: bool,
}

/// Why a submission was not accepted. Nothing of it is stored.
#[derive(Debug, Clone)]
pub enum SubmitError {
    Refused(Refusal),
    /// No such incident.
    Missing(String),
    /// Its journal holds something that this program cannot read; nothing is decided on guesses.
    Frozen(String),
    Store(StoreError),
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitError::Refused(refusal) => refusal.fmt(f),
            SubmitError::Missing(incident) => write!(f, "there is no incident {incident}"),
            SubmitError::Frozen(why) => write!(f, "this incident is frozen: {why}"),
            SubmitError::Store(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for SubmitError {}

impl From<StoreError> for SubmitError {
    fn from(fault: StoreError) -> SubmitError {
        SubmitError::Store(fault)
    }
}

impl From<Refusal> for SubmitError {
    fn from(refusal: Refusal) -> SubmitError {
        SubmitError::Refused(refusal)
    }
}

/// A trigger's wish to be heard: it opens an incident or joins the one of its cause.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Raised {
    pub title: String,
    pub environment: String,
    pub component: String,
    pub trigger: TriggerSeen,
    pub severity: Option<Severity>,
    pub outage: bool,
    pub users_affected_ppm: Option<i64>,
}

/// The proof that a run may be started, made by the last check alone: only [`App::claim`] builds it.
#[derive(Debug)]
pub struct ClaimedRun {
    incident: Arc<Incident>,
    run: RunId,
}

impl ClaimedRun {
    pub fn incident(&self) -> &Arc<Incident> {
        &self.incident
    }

    pub fn run(&self) -> &RunId {
        &self.run
    }
}

/// An incident with everything that a page asks of it.
pub struct Looked {
    pub incident: Arc<Incident>,
    pub gathered: Gathered,
    pub now: Timestamp,
    pub seen: Seen,
}

/// How much a look has seen for certain; it may hold a little more. What came later is for the page's stream to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Every entry of the ledger up to this number.
    pub seq: i64,
    /// Of each run that is under way, so many lines of its log.
    pub lines: Vec<(RunId, i64)>,
}

impl App {
    pub fn new(store: Store, clock: Arc<dyn Clock>, site: Site, playbooks: Playbooks) -> App {
        App {
            store,
            clock,
            site: Arc::new(site),
            playbooks: Arc::new(playbooks),
            journals: Arc::new(journal::Journals::default()),
        }
    }

    /// The stream of an incident's journal.
    pub fn stream(incident: &str) -> String {
        format!("incident/{incident}")
    }

    /// Asks something of an incident. `intent` is the form's one-time key: a repeat answers as the first did.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing is stored then, but for the note that a person was refused.
    pub async fn submit(
        &self,
        incident: &str,
        actor: Actor,
        command: Command,
        intent: Option<String>,
    ) -> Result<Accepted, SubmitError> {
        let (app, incident) = (self.clone(), incident.to_owned());
        let task = tokio::spawn(async move { app.submit_whole(&incident, actor, command, intent).await });
        task.await.unwrap_or_else(|fault| Err(SubmitError::Store(StoreError::Unavailable(fault.to_string()))))
    }

    async fn submit_whole(
        &self,
        id: &str,
        actor: Actor,
        command: Command,
        intent: Option<String>,
    ) -> Result<Accepted, SubmitError> {
        let earlier = self.learn_first(id, &command).await?;
        let mut tx = self.store.begin().await?;
        let head = tx.lock_head().await?;
        let incident = self.journals.to_head(&mut tx, id).await?.ok_or_else(|| SubmitError::Missing(id.to_owned()))?;
        let fingerprint = fingerprint(&actor.who, id, &command);
        if let Some(key) = &intent
            && let Some(known) = tx.intent(key).await?
        {
            if known.fingerprint == fingerprint {
                return Ok(Accepted { incident, events: Vec::new(), repeated: true });
            }
            return Err(self.refused(tx, &actor, Some(id), &command, used_otherwise()).await);
        }
        let now = self.clock.now().max(head.at);
        let procedure = self.playbooks.pinned(&mut tx, &incident.playbook).await?;
        let pinned = procedure.clone();
        let matter = Matter { state: Some(&incident), procedure, playbook: &incident.playbook, earlier, now };
        let decided = self.decide(&mut tx, matter, &command, &actor).await?;
        match decided {
            Ok(events) => {
                let accepted = self.write(&mut tx, Some(&incident), id, &actor.who, now, events).await?;
                registering::follow(&mut tx, &pinned, &incident, &accepted).await?;
                self.accept(tx, accepted, intent.map(|key| (key, fingerprint)), &actor.who, now).await
            }
            Err(refusal) => Err(self.refused(tx, &actor, Some(id), &command, refusal).await),
        }
    }

    /// Whether [`App::submit`] would do this once the person confirms that it is them. Answers as [`App::foreseen`], and
    /// writes nothing but a refusal.
    ///
    /// # Errors
    /// As for [`App::submit`].
    pub async fn rehearse(
        &self,
        incident: &str,
        person: &PersonId,
        command: &Command,
        intent: Option<&str>,
    ) -> Result<Option<Looked>, SubmitError> {
        let actor = Actor::person(person, Some(Strength::Password));
        let foreseen = self.foreseen(incident, &actor, command, intent).await;
        if let Err(SubmitError::Refused(refusal)) = &foreseen {
            self.noted(&actor, Some(incident), command, refusal).await;
        }
        foreseen
    }

    /// What [`App::submit`] would answer by what is known now: what was looked at, or `None` for the repeat of a form that
    /// was accepted. Writes nothing.
    ///
    /// # Errors
    /// As for [`App::submit`].
    pub async fn foreseen(
        &self,
        incident: &str,
        actor: &Actor,
        command: &Command,
        intent: Option<&str>,
    ) -> Result<Option<Looked>, SubmitError> {
        let looked = self.look(incident).await?;
        // After the look: what was accepted by then is a repeat, and not in its own way.
        if let Some(key) = intent
            && let Some(known) = self.store.intent(key).await?
        {
            let repeats = known.fingerprint == fingerprint(&actor.who, incident, command);
            return if repeats { Ok(None) } else { Err(SubmitError::Refused(used_otherwise())) };
        }
        let scripts = Scripts(&self.site);
        decide::decide(Some(&looked.incident), &looked.gathered.facts(&scripts), command, actor, looked.now)?;
        Ok(Some(looked))
    }

    /// A trigger: opens an incident, joins the open one of its cause, or is counted as a repeat (T6).
    ///
    /// # Errors
    /// As for [`App::submit`].
    pub async fn raise(&self, actor: Actor, raised: Raised, intent: Option<String>) -> Result<Accepted, SubmitError> {
        let app = self.clone();
        let task = tokio::spawn(async move { app.raise_whole(actor, raised, intent).await });
        task.await.unwrap_or_else(|fault| Err(SubmitError::Store(StoreError::Unavailable(fault.to_string()))))
    }

    async fn raise_whole(&self, actor: Actor, raised: Raised, intent: Option<String>) -> Result<Accepted, SubmitError> {
        let mut tx = self.store.begin().await?;
        let head = tx.lock_head().await?;
        let now = self.clock.now().max(head.at);
        let (hash, procedure) = self.playbooks.current(&mut tx).await?;
        // When it was seen is the request's own, and another one at each repeat.
        let timeless = TriggerSeen { seen_at: Timestamp(0), ..raised.trigger.clone() };
        let fingerprint = fingerprint(&actor.who, "", &Raised { trigger: timeless, ..raised.clone() });
        if let Some(key) = &intent
            && let Some(known) = tx.intent(key).await?
        {
            if known.fingerprint != fingerprint {
                let command = Command::Join { trigger: raised.trigger };
                return Err(self.refused(tx, &actor, None, &command, used_otherwise()).await);
            }
            let id = known.stream.trim_start_matches("incident/").to_owned();
            let incident = self.journals.to_head(&mut tx, &id).await?.ok_or(SubmitError::Missing(id))?;
            return Ok(Accepted { incident, events: Vec::new(), repeated: true });
        }
        let remembered = intent.map(|key| (key, fingerprint));
        let alone = procedure
            .trigger(&raised.trigger.name)
            .and_then(|trigger| procedure.category(&trigger.category))
            .is_some_and(|category| category.always_own_incident);
        for row in tx.open_in(&raised.environment, &raised.component).await? {
            let Some(incident) = self.journals.to_head(&mut tx, &row.incident).await? else { continue };
            let repeats = incident.triggers.iter().any(|known| known.fingerprint == raised.trigger.fingerprint);
            if repeats {
                tx.count_up(&format!("repeat/{}/{}", incident.id, raised.trigger.fingerprint), now).await?;
                tx.commit().await?;
                return Ok(Accepted { incident, events: Vec::new(), repeated: true });
            }
            let own = procedure.category(&incident.category).is_some_and(|category| category.always_own_incident);
            if alone || own {
                continue;
            }
            let command = Command::Join { trigger: raised.trigger.clone() };
            let pinned = self.playbooks.pinned(&mut tx, &incident.playbook).await?;
            let earlier = Earlier::default();
            let matter =
                Matter { state: Some(&incident), procedure: pinned, playbook: &incident.playbook, earlier, now };
            let decided = self.decide(&mut tx, matter, &command, &actor).await?;
            return match decided {
                Ok(events) => {
                    let accepted = self.write(&mut tx, Some(&incident), &row.incident, &actor.who, now, events).await?;
                    self.accept(tx, accepted, remembered, &actor.who, now).await
                }
                Err(refusal) => Err(self.refused(tx, &actor, Some(&row.incident), &command, refusal).await),
            };
        }
        let id = summary::name_of(tx.next_number().await?);
        let command = Command::Open(Opening {
            incident: id.clone(),
            title: raised.title,
            environment: raised.environment,
            component: raised.component,
            trigger: raised.trigger,
            severity: raised.severity,
            outage: raised.outage,
            users_affected_ppm: raised.users_affected_ppm,
        });
        let matter = Matter { state: None, procedure, playbook: &hash, earlier: Earlier::default(), now };
        match self.decide(&mut tx, matter, &command, &actor).await? {
            Ok(events) => {
                let accepted = self.write(&mut tx, None, &id, &actor.who, now, events).await?;
                self.accept(tx, accepted, remembered, &actor.who, now).await
            }
            Err(refusal) => Err(self.refused(tx, &actor, None, &command, refusal).await),
        }
    }

    /// The last check before a run: the only way to the proof that an executor's start demands (E16).
    ///
    /// # Errors
    /// As for [`App::submit`]; `Ok(None)` when the check found a hindrance, which is recorded.
    pub async fn claim(&self, incident: &str, attempt: u32, action: &str) -> Result<Option<ClaimedRun>, SubmitError> {
        let host = self.site.host.clone();
        let command = Command::ClaimRun { attempt, action: action.to_owned(), host };
        let accepted = self.submit(incident, Actor::SYSTEM, command, None).await?;
        Ok(accepted.events.iter().find_map(|recorded| match &recorded.event {
            Event::RunStarting(starting) => {
                Some(ClaimedRun { incident: accepted.incident.clone(), run: starting.run.clone() })
            }
            _ => None,
        }))
    }

    /// An incident as it is now, caught up with the ledger.
    ///
    /// # Errors
    /// `Missing`, `Frozen` or `Store`.
    pub async fn incident(&self, id: &str) -> Result<Arc<Incident>, SubmitError> {
        let mut read = self.store.read().await?;
        self.journals.to_head_read(&mut read, id).await?.ok_or_else(|| SubmitError::Missing(id.to_owned()))
    }

    /// An incident with the facts of this moment, for a page.
    ///
    /// # Errors
    /// As for [`App::incident`].
    pub async fn look(&self, id: &str) -> Result<Looked, SubmitError> {
        let mut read = self.store.read().await?;
        // Before anything is read that it must cover.
        let seq = read.head().await?.seq;
        let incident =
            self.journals.to_head_read(&mut read, id).await?.ok_or_else(|| SubmitError::Missing(id.to_owned()))?;
        let mut lines = Vec::new();
        for run in incident.live_runs() {
            lines.push((run.id.clone(), read.log_end(&run.id.0).await?));
        }
        let procedure = self.playbooks.pinned_read(&mut read, &incident.playbook).await?;
        let now = self.clock.now();
        let wanted = Wanted { environment: &incident.environment, component: &incident.component, incident: id, now };
        let gathered = gather::gather_to_read(&mut read, &self.site, procedure, &incident.playbook, &wanted).await?;
        Ok(Looked { incident, gathered, now, seen: Seen { seq, lines } })
    }

    /// An incident's whole journal, oldest first.
    ///
    /// # Errors
    /// As for [`App::incident`].
    pub async fn journal(&self, id: &str) -> Result<Vec<Recorded>, SubmitError> {
        let mut read = self.store.read().await?;
        journal::read_whole(&mut read, id).await
    }

    async fn decide(
        &self,
        tx: &mut Tx,
        matter: Matter<'_>,
        command: &Command,
        actor: &Actor,
    ) -> Result<Result<Vec<Event>, Refusal>, StoreError> {
        let Matter { state, procedure, playbook, earlier, now } = matter;
        let (environment, component) = match (state, command) {
            (Some(incident), _) => (incident.environment.clone(), incident.component.clone()),
            (None, Command::Open(opening)) => (opening.environment.clone(), opening.component.clone()),
            (None, _) => (String::new(), String::new()),
        };
        let own = state.map_or("", |incident| incident.id.as_str());
        let wanted = Wanted { environment: &environment, component: &component, incident: own, now };
        let mut gathered = gather::gather_to_write(tx, &self.site, procedure, playbook, &wanted).await?;
        if let Some(incident) = state.filter(|_| decide::may_end(command)) {
            gathered.curves = measuring::curves_to_write(tx, &self.site, &gathered, incident, now).await?;
        }
        gathered.earlier = earlier;
        let scripts = Scripts(&self.site);
        Ok(decide::decide(state, &gathered.facts(&scripts), command, actor, now))
    }

    /// Appends events and writes the summary row, in the transaction of the decision.
    async fn write(
        &self,
        tx: &mut Tx,
        state: Option<&Incident>,
        id: &str,
        who: &Who,
        now: Timestamp,
        events: Vec<Event>,
    ) -> Result<Accepted, SubmitError> {
        let expected = state.map_or(0, |incident| incident.version);
        let entries: Vec<NewEntry> = events.iter().map(|event| NewEntry::new(event.kind(), event.body())).collect();
        let written = tx.append(&App::stream(id), Some(expected), now, &who.to_string(), &entries).await?;
        let mut state = state.cloned();
        let mut recorded = Vec::with_capacity(events.len());
        for (entry, event) in written.iter().zip(events) {
            let one = Recorded { seq: entry.seq, version: entry.version, at: entry.at, actor: who.clone(), event };
            apply::apply(&mut state, &one);
            recorded.push(one);
        }
        let incident = state.ok_or_else(|| SubmitError::Missing(id.to_owned()))?;
        let number = summary::number_of(id).ok_or_else(|| SubmitError::Missing(id.to_owned()))?;
        tx.put_board(&summary::row(&incident, number, now)).await?;
        Ok(Accepted { incident: Arc::new(incident), events: recorded, repeated: false })
    }

    /// Commits what was decided and written, with what a one-time key (and its fingerprint) did.
    async fn accept(
        &self,
        mut tx: Tx,
        accepted: Accepted,
        remembered: Option<(String, String)>,
        who: &Who,
        now: Timestamp,
    ) -> Result<Accepted, SubmitError> {
        remember(&mut tx, remembered, who, &accepted, now).await?;
        tx.commit().await?;
        self.journals.keep(accepted.incident.clone());
        Ok(accepted)
    }

    /// Refusals of signed-in people count (R4): each is an entry of the access stream.
    async fn refused(
        &self,
        tx: Tx,
        actor: &Actor,
        incident: Option<&str>,
        command: &Command,
        refusal: Refusal,
    ) -> SubmitError {
        // What the decision read is dropped first; the note is a transaction of its own.
        if tx.rollback().await.is_ok() {
            self.noted(actor, incident, command, &refusal).await;
        }
        SubmitError::Refused(refusal)
    }

    /// Notes what a person was refused. That it cannot be noted keeps nobody from hearing why.
    async fn noted(&self, actor: &Actor, incident: Option<&str>, command: &Command, refusal: &Refusal) {
        if actor.who.person().is_none() || refusal.kind == RefusalKind::AlreadyDone {
            return;
        }
        let body = serde_json::json!({
            "incident": incident,
            "command": command_name(command),
            "refusal": refusal.kind,
            "because": refusal.because,
        });
        if let Err(fault) = self.note_refusal(actor, body.to_string()).await {
            tracing::warn!(%fault, "a refusal could not be recorded");
        }
    }

    async fn note_refusal(&self, actor: &Actor, body: String) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        let now = self.clock.now();
        tx.append("access", None, now, &actor.who.to_string(), &[NewEntry::new("Refused", body)]).await?;
        tx.commit().await
    }
}

/// What a decision is about, beside the facts that it reads itself.
struct Matter<'a> {
    /// `None` for an opening.
    state: Option<&'a Incident>,
    procedure: Arc<Procedure>,
    /// Its content hash.
    playbook: &'a str,
    /// Learnt before the head row was taken; empty for what composes no update.
    earlier: Earlier,
    now: Timestamp,
}

/// Keeps what a one-time key did, in the transaction that did it.
async fn remember(
    tx: &mut Tx,
    key_and_fingerprint: Option<(String, String)>,
    who: &Who,
    accepted: &Accepted,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (Some((key, fingerprint)), Some(first), Some(last)) =
        (key_and_fingerprint, accepted.events.first(), accepted.events.last())
    else {
        return Ok(());
    };
    let stream = App::stream(&accepted.incident.id);
    let (first_seq, last_seq) = (first.seq, last.seq);
    tx.insert_intent(&Intent { key, person: who.to_string(), stream, fingerprint, first_seq, last_seq, at }).await
}

/// A one-time key that comes back with another request, or from another person.
fn used_otherwise() -> Refusal {
    Refusal::new(
        RefusalKind::NotYours,
        "this form was used for something else already",
        "Open the page again and decide anew.",
    )
}

/// The command's own name, without what it carries.
fn command_name(command: &Command) -> String {
    match serde_json::to_value(command) {
        Ok(serde_json::Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// Who asked what of which incident: a key that is used again must be used for the same.
fn fingerprint(who: &Who, incident: &str, asked: &impl std::hash::Hash) -> String {
    /// Feeds what is hashed into SHA-256: the standard hashers are not stable between versions.
    struct Feed(Sha256);
    impl std::hash::Hasher for Feed {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
    }
    let mut feed = Feed(Sha256::new());
    std::hash::Hash::hash(&(who.to_string(), incident), &mut feed);
    asked.hash(&mut feed);
    hex(&feed.0.finalize())
}
