//! The journal of access: who signed in, who was refused, who changed whose account. One stream of the ledger, `access`.
//!
//! What somebody who is signed in did, or was refused, is an entry of its own. What strangers try is counted, and told
//! once a minute in one entry, so that a guesser cannot flood the ledger. No entry holds a password, a token, or what
//! was typed into the login field by somebody who was not let in.

use crate::domain::actor::Who;
use crate::domain::{PersonId, Span, Timestamp};
use crate::store::{Entry, NewEntry, Store, StoreError, Tx};
use serde::{Deserialize, Serialize};

/// The ledger's stream.
pub const STREAM: &str = "access";
/// The actor of what nobody in particular did.
pub const SYSTEM: &str = "system";

/// Something that happened to an account or at the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Fact {
    SignedIn {
        address: String,
        known_browser: bool,
    },
    SignedOut {
        session: String,
    },
    /// Strangers' refused tries within a minute.
    SignInsRefused {
        count: i64,
        first_at: Timestamp,
        last_at: Timestamp,
    },
    Confirmed {
        session: String,
    },
    ConfirmationRefused {
        session: String,
        session_ended: bool,
    },
    /// Somebody who is signed in asked for what is not theirs.
    Denied {
        method: String,
        path: String,
    },
    SessionEnded {
        session: String,
    },
    PasswordChanged,
    LinkIssued {
        purpose: String,
        person: String,
    },
    LinkUsed {
        purpose: String,
    },
    FirstAdministratorAdded {
        person: String,
        login: String,
    },
    PersonAdded {
        person: String,
        login: String,
        name: String,
        roles: Vec<String>,
    },
    RolesChanged {
        person: String,
        before: Vec<String>,
        after: Vec<String>,
    },
    PersonDisabled {
        person: String,
    },
    PersonEnabled {
        person: String,
    },
    /// A token for a machine; the token itself is kept nowhere.
    TokenMade {
        token: String,
        label: String,
        scope: String,
        expires_at: Timestamp,
    },
    TokenRevoked {
        token: String,
    },
    /// A part of the ledger left as a file: its first and last entry, and how many.
    AuditExported {
        first: i64,
        last: i64,
        entries: i64,
    },
}

impl Fact {
    fn entry(&self) -> NewEntry {
        let body = serde_json::to_value(self).expect("a fact is always JSON");
        let kind = body.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
        NewEntry::new(kind, body.to_string())
    }
}

/// As the ledger names a person.
pub fn actor(person: &str) -> String {
    Who::Person(PersonId(person.to_owned())).to_string()
}

/// The person whom the ledger names so; nobody for Backout itself.
pub fn person_of(actor: &str) -> Option<PersonId> {
    Who::parse(actor)?.person().cloned()
}

/// As whom the streams count the wall with this token; never a person's id.
pub fn viewer(token: &str) -> PersonId {
    PersonId(format!("wall:{token}"))
}

/// Whose sessions or roles an entry of this journal may have changed. What cannot be read concerns whoever it names.
pub fn concerned(entry: &Entry) -> Vec<PersonId> {
    let acting = || person_of(&entry.actor).into_iter().collect();
    let body = entry.body.as_deref().unwrap_or_default();
    match serde_json::from_str(body) {
        Ok(
            Fact::SignInsRefused { .. }
            | Fact::Denied { .. }
            | Fact::LinkIssued { .. }
            | Fact::FirstAdministratorAdded { .. }
            | Fact::PersonAdded { .. }
            | Fact::TokenMade { .. }
            | Fact::AuditExported { .. },
        ) => Vec::new(),
        // A wall reads by its token; another token has no stream, and nobody of that name looks.
        Ok(Fact::TokenRevoked { token }) => vec![viewer(&token)],
        Ok(Fact::RolesChanged { person, .. } | Fact::PersonDisabled { person } | Fact::PersonEnabled { person }) => {
            vec![PersonId(person)]
        }
        // A new session may have ended an older one, and a confirmation gives the session another id.
        Ok(
            Fact::SignedIn { .. }
            | Fact::SignedOut { .. }
            | Fact::Confirmed { .. }
            | Fact::ConfirmationRefused { .. }
            | Fact::SessionEnded { .. }
            | Fact::PasswordChanged
            | Fact::LinkUsed { .. },
        )
        | Err(_) => acting(),
    }
}

/// Writes facts into the journal of access, within a transaction that does what they say.
pub async fn record(tx: &mut Tx, at: Timestamp, actor: &str, facts: &[Fact]) -> Result<(), StoreError> {
    let entries: Vec<NewEntry> = facts.iter().map(Fact::entry).collect();
    tx.append(STREAM, None, at, actor, &entries).await?;
    Ok(())
}

/// Writes one fact that stands by itself.
pub async fn record_alone(store: &Store, at: Timestamp, actor: &str, fact: Fact) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    record(&mut tx, at, actor, &[fact]).await?;
    tx.commit().await
}

/// A refusal of somebody who is signed in. The path is cut, and holds no query.
pub async fn denied(store: &Store, at: Timestamp, actor: &str, method: &str, path: &str) -> Result<(), StoreError> {
    let path = path.chars().take(200).collect();
    record_alone(store, at, actor, Fact::Denied { method: method.to_owned(), path }).await
}

/// Counts a stranger's refused try, and tells a minute's worth in one entry.
pub async fn refused_stranger(store: &Store, at: Timestamp) -> Result<(), StoreError> {
    let counter = store.count_up(REFUSED, at).await?;
    if at - counter.first_at >= TOLD_EVERY { tell_refused_strangers(store, at).await } else { Ok(()) }
}

/// Tells what was counted, if the minute is over. For a duty of the clock too: the last tries are not followed by
/// another.
pub async fn tell_refused_strangers(store: &Store, at: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    let Some(counter) = tx.take_counter(REFUSED).await? else { return tx.rollback().await };
    if at - counter.first_at < TOLD_EVERY {
        return tx.rollback().await;
    }
    let (count, first_at, last_at) = (counter.count, counter.first_at, counter.last_at);
    record(&mut tx, at, SYSTEM, &[Fact::SignInsRefused { count, first_at, last_at }]).await?;
    tx.commit().await
}

const REFUSED: &str = "access/sign-ins-refused";
const TOLD_EVERY: Span = Span::minutes(1);
