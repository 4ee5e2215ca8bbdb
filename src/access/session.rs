//! Sessions: who a browser is, and for how long.
//!
//! The browser holds a random id; the store holds its hash, who it is, and the **epoch** of that person at sign-in.
//! Roles are never kept in a session: they are read with the person at every request, and a session whose epoch is not
//! the person's is over. So a changed password, a changed role or a disabled account takes effect at the next request,
//! on every replica, open streams included (they ask [`recognise`] before each event).

use super::digest;
use super::settings::Settings;
use crate::access::capability::roles_from;
use crate::domain::{PersonId, Role, Span, Strength, Timestamp};
use crate::store::{Known, NewSession, Person, Store, StoreError};
use serde::{Deserialize, Serialize};
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

/// Without activity a session ends after this.
pub const IDLE: Span = Span::minutes(30);
/// However active, a session ends after this; an administrator's earlier.
pub const ABSOLUTE: Span = Span::hours(12);
pub const ABSOLUTE_ADMINISTRATOR: Span = Span::hours(8);
/// Activity is written down at most this often.
pub const TOUCH: Span = Span::minutes(1);
/// How long a confirmation counts as fresh. Using it does not lengthen it.
pub const FRESH: Span = Span::seconds(300);
/// The most sessions of one person; the oldest makes room.
pub const SESSIONS: usize = 5;

/// The key under which a session's own data lies in the library's record.
pub const KEPT: &str = "kept";

/// What a session keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub person: String,
    /// The person's epoch at sign-in.
    pub epoch: i64,
    pub signed_in_at: Timestamp,
    /// The absolute limit.
    pub ends_at: Timestamp,
    pub user_agent: String,
    pub confirmation: Option<Confirmation>,
}

/// That the person typed the password again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Hash of the second cookie, without which the confirmation counts for nothing.
    pub cookie: String,
    pub at: Timestamp,
    pub strength: Strength,
}

impl Kept {
    /// A session that begins now.
    pub fn begin(person: &Person, user_agent: &str, now: Timestamp) -> Kept {
        let administrator = roles_from(&person.roles).contains(&Role::Administrator);
        let length = if administrator { ABSOLUTE_ADMINISTRATOR } else { ABSOLUTE };
        Kept {
            person: person.id.clone(),
            epoch: person.epoch,
            signed_in_at: now,
            ends_at: now + length,
            user_agent: user_agent.chars().filter(|c| !c.is_control()).take(200).collect(),
            confirmation: None,
        }
    }

    fn expires_at(&self, now: Timestamp) -> Timestamp {
        self.ends_at.min(now + IDLE)
    }
}

/// A person behind a living session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    pub person: PersonId,
    pub login: String,
    pub name: String,
    pub roles: Vec<Role>,
    pub settings: Settings,
    /// Hash of the session's id.
    pub session: String,
    pub kept: Kept,
    pub last_seen: Timestamp,
    /// When the session ends if nothing more is done.
    pub expires_at: Timestamp,
    /// When and how the person was confirmed, while that is fresh.
    pub confirmed: Option<(Timestamp, Strength)>,
    /// The ledger's last entry at that moment.
    pub seq: i64,
}

/// Who the browser with this session (hash of its id) and this confirmation cookie is at `now`. Nobody when the session
/// is unknown, over, of an older epoch, or its person disabled.
pub async fn recognise(
    store: &Store,
    session: &str,
    confirmation: Option<&str>,
    now: Timestamp,
) -> Result<Option<Recognised>, StoreError> {
    let Some(Known { data, last_seen, expires_at, person, seq }) = store.known(session, now).await? else {
        return Ok(None);
    };
    let Some(kept) = kept_in(&data) else { return Ok(None) };
    if person.id != kept.person || !person.active || person.epoch != kept.epoch || now >= kept.ends_at {
        return Ok(None);
    }
    let confirmed = kept.confirmation.as_ref().filter(|told| {
        let same = confirmation.is_some_and(|cookie| digest(cookie) == told.cookie);
        same && told.at <= now && now - told.at < FRESH
    });
    let confirmed = confirmed.map(|told| (told.at, told.strength));
    Ok(Some(Recognised {
        person: PersonId(person.id),
        login: person.login,
        name: person.name,
        roles: roles_from(&person.roles),
        settings: Settings::read(&person.settings),
        session: session.to_owned(),
        last_seen,
        expires_at,
        confirmed,
        kept,
        seq,
    }))
}

fn kept_in(data: &str) -> Option<Kept> {
    let mut data: std::collections::HashMap<String, serde_json::Value> = serde_json::from_str(data).ok()?;
    serde_json::from_value(data.remove(KEPT)?).ok()
}

/// Notes activity, at most once a minute.
pub async fn touch(store: &Store, who: &mut Recognised, now: Timestamp) -> Result<(), StoreError> {
    if now - who.last_seen >= TOUCH {
        let expires_at = who.kept.expires_at(now);
        if store.touch_session(&who.session, now, expires_at).await? {
            (who.last_seen, who.expires_at) = (now, expires_at);
        }
    }
    Ok(())
}

/// Ends the oldest sessions of somebody beyond [`SESSIONS`], and never the one that has just begun.
pub async fn make_room(store: &Store, person: &str, begun: &str, now: Timestamp) -> Result<(), StoreError> {
    let mut others = store.sessions_of(person, now).await?;
    others.retain(|session| session.id_hash != begun);
    others.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    for old in others.iter().skip(SESSIONS - 1) {
        super::accounts::end_session(store, person, &old.id_hash, now).await?;
    }
    Ok(())
}

/// The hash under which a session id is stored.
pub fn id_hash(id: &Id) -> String {
    digest(&id.to_string())
}

/// The library's store over ours. A record that is saved must still exist: a request that was under way while the
/// session ended cannot bring it back.
#[derive(Clone)]
pub struct Sessions {
    pub store: Store,
    pub clock: std::sync::Arc<dyn crate::clock::Clock>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    /// The row's parts: what is kept, as text, and the instant at which it ends.
    fn parts(record: &Record, now: Timestamp) -> session_store::Result<(Kept, String, Timestamp)> {
        let kept = record.data.get(KEPT).cloned().ok_or_else(|| encode("a session without a person is not kept"))?;
        let kept: Kept = serde_json::from_value(kept).map_err(|fault| encode(&fault.to_string()))?;
        let data = serde_json::to_string(&record.data).map_err(|fault| encode(&fault.to_string()))?;
        let expires_at = kept.expires_at(now);
        Ok((kept, data, expires_at))
    }
}

fn encode(fault: &str) -> session_store::Error {
    session_store::Error::Encode(fault.to_owned())
}

fn backend(fault: StoreError) -> session_store::Error {
    session_store::Error::Backend(fault.to_string())
}

#[async_trait::async_trait]
impl tower_sessions::SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let now = self.clock.now();
        let (kept, data, expires_at) = Sessions::parts(record, now)?;
        loop {
            let session = NewSession {
                id_hash: id_hash(&record.id),
                person: Some(kept.person.clone()),
                data: data.clone(),
                created_at: kept.signed_in_at,
                expires_at,
                user_agent: kept.user_agent.clone(),
            };
            if self.store.create_session(&session).await.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let now = self.clock.now();
        let (kept, data, expires_at) = Sessions::parts(record, now)?;
        // Nothing updated means that it was ended meanwhile; that stays so, and is no fault.
        self.store
            .save_session(&id_hash(&record.id), Some(&kept.person), &data, expires_at, now)
            .await
            .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let row = self.store.load_session(&id_hash(id), self.clock.now()).await.map_err(backend)?;
        let Some(row) = row else { return Ok(None) };
        let data = serde_json::from_str(&row.data).map_err(|f| session_store::Error::Decode(f.to_string()))?;
        // Our own clock and columns say when it ends; the library is told a day that never comes.
        let never = OffsetDateTime::from_unix_timestamp(253_000_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(Some(Record { id: *id, data, expiry_date: never }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.store.delete_session(&id_hash(id)).await.map_err(backend)?;
        Ok(())
    }
}
