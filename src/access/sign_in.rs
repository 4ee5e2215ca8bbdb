//! Signing in by login and password, and confirming that it is still the same person.
//!
//! In this order: the attempt is counted (and perhaps told to wait), the password is checked at equal cost whether or
//! not the account exists, and only then is the answer looked at. Strangers learn "not right" and nothing else.

use super::digest;
use super::password::{Busy, Passwords, Verdict};
use super::record::{Fact, actor, record, record_alone, refused_stranger};
use super::session::{Confirmation, Kept};
use super::slow_down::{Admission, Bucket, admit, admit_address, canonical, is_login};
use crate::clock::{self, Clock};
use crate::domain::{Strength, Timestamp};
use crate::store::{Person, Store, StoreError};
use std::net::IpAddr;

/// Wrong confirmations after which the session ends.
pub const CONFIRMATIONS: i64 = 5;

/// What signing in needs.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    pub store: &'a Store,
    pub clock: &'a dyn Clock,
    pub passwords: &'a Passwords,
}

/// One try.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    pub login: &'a str,
    pub password: &'a str,
    /// The device cookie that the browser sent.
    pub device: Option<&'a str>,
    pub address: IpAddr,
    pub user_agent: &'a str,
}

/// Why nobody was signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Login or password is not right; which, is not told.
    NotRight,
    /// Too many tries; the next one is looked at from this instant.
    Wait {
        until: Timestamp,
    },
    Busy(Busy),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(fault: StoreError) -> Refused {
        Refused::Store(fault)
    }
}

impl From<Busy> for Refused {
    fn from(busy: Busy) -> Refused {
        Refused::Busy(busy)
    }
}

/// Who signed in: what the new session keeps, and the device cookie to set.
#[derive(Debug)]
pub struct Welcome {
    pub kept: Kept,
    pub device: String,
}

/// Checks one try. The session itself is the caller's to begin.
pub async fn sign_in(desk: Desk<'_>, attempt: Attempt<'_>) -> Result<Welcome, Refused> {
    let Desk { store, clock, passwords } = desk;
    let now = clock.now();
    let login = canonical(attempt.login);
    let person = if is_login(&login) { store.person_by_login(&login).await? } else { None };
    let known = known_device(store, person.as_ref(), attempt.device).await?;
    let bucket = match &known {
        Some(device) => Bucket::Known { login: login.clone(), device: device.clone() },
        None => Bucket::Stranger { login: login.clone() },
    };
    if known.is_none() {
        let_in(admit_address(store, attempt.address, now).await?)?;
    }
    let_in(admit(store, &bucket, now).await?)?;
    let hash = person.as_ref().filter(|person| person.active).and_then(|person| person.password.as_deref());
    let verdict = passwords.check(attempt.password, hash).await?;
    let Some(person) = person.filter(|_| verdict != Verdict::Wrong) else {
        refused_stranger(store, clock.now()).await?;
        return Err(Refused::NotRight);
    };
    let renewed = match verdict {
        Verdict::RightButOld => Some(passwords.hash(attempt.password).await?),
        _ => None,
    };
    welcome(desk, attempt, &person, &bucket, known, renewed).await
}

fn let_in(admission: Admission) -> Result<(), Refused> {
    match admission {
        Admission::Counted { .. } => Ok(()),
        Admission::Wait { until } => Err(Refused::Wait { until }),
    }
}

/// The hash of the device cookie, when this very person signed in with it before.
async fn known_device(
    store: &Store,
    person: Option<&Person>,
    cookie: Option<&str>,
) -> Result<Option<String>, StoreError> {
    let (Some(person), Some(cookie)) = (person, cookie) else { return Ok(None) };
    let hash = digest(cookie);
    let device = store.device(&hash).await?;
    Ok(device.filter(|device| device.person == person.id).map(|device| device.token_hash))
}

/// Writes the success down: all of it or nothing.
async fn welcome(
    desk: Desk<'_>,
    attempt: Attempt<'_>,
    checked: &Person,
    bucket: &Bucket,
    known: Option<String>,
    renewed: Option<String>,
) -> Result<Welcome, Refused> {
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    tx.lock_head().await?;
    // While the password was being checked, the account may have been disabled or given another password.
    let person = tx.person(&checked.id).await?;
    let same = |person: &Person| person.active && person.password == checked.password && person.epoch == checked.epoch;
    let Some(person) = person.filter(same) else {
        tx.rollback().await?;
        return Err(Refused::NotRight);
    };
    if let Some(hash) = renewed {
        let changed_at = person.password_changed_at.unwrap_or(now);
        tx.set_password(&person.id, &hash, changed_at).await?;
    }
    tx.clear_sign_in_bucket(&bucket.key()).await?;
    let known_browser = known.is_some();
    let device = match (&known, attempt.device) {
        (Some(hash), Some(cookie)) => {
            tx.touch_device(hash, now).await?;
            cookie.to_owned()
        }
        _ => {
            let cookie = clock::secret();
            tx.insert_device(&digest(&cookie), &person.id, now).await?;
            cookie
        }
    };
    let kept = Kept::begin(&person, attempt.user_agent, now);
    let address = attempt.address.to_string();
    record(&mut tx, now, &actor(&person.id), &[Fact::SignedIn { address, known_browser }]).await?;
    tx.commit().await?;
    Ok(Welcome { kept, device })
}

/// How a confirmation ended.
#[derive(Debug)]
pub enum Confirmed {
    /// What the session keeps from now on, and the second cookie's value.
    Yes { kept: Kept, cookie: String },
    /// Not right; so many tries are left.
    No { left: i64 },
    /// Not right, once too often: the session is over.
    Over,
}

/// Checks the password of somebody who is signed in. A session ends after [`CONFIRMATIONS`] wrong ones in a row.
pub async fn confirm(desk: Desk<'_>, session: &str, mut kept: Kept, typed: &str) -> Result<Confirmed, Refused> {
    let Desk { store, clock, passwords } = desk;
    let bucket = Bucket::Reauthentication { session: session.to_owned() };
    let attempts = match admit(store, &bucket, clock.now()).await? {
        Admission::Counted { attempts } => attempts,
        Admission::Wait { until } => return Err(Refused::Wait { until }),
    };
    let Some(person) = store.person(&kept.person).await? else { return Ok(Confirmed::Over) };
    let hash = person.password.as_deref().filter(|_| person.active && person.epoch == kept.epoch);
    let verdict = passwords.check(typed, hash).await?;
    let now = clock.now();
    let actor = actor(&person.id);
    if verdict == Verdict::Wrong {
        let session_ended = attempts >= CONFIRMATIONS;
        if session_ended {
            store.delete_session(session).await?;
        }
        let fact = Fact::ConfirmationRefused { session: session.to_owned(), session_ended };
        record_alone(store, now, &actor, fact).await?;
        return Ok(if session_ended { Confirmed::Over } else { Confirmed::No { left: CONFIRMATIONS - attempts } });
    }
    let cookie = clock::secret();
    kept.confirmation = Some(Confirmation { cookie: digest(&cookie), at: now, strength: Strength::Password });
    let mut tx = store.begin().await?;
    record(&mut tx, now, &actor, &[Fact::Confirmed { session: session.to_owned() }]).await?;
    tx.clear_sign_in_bucket(&bucket.key()).await?;
    tx.commit().await?;
    Ok(Confirmed::Yes { kept, cookie })
}
