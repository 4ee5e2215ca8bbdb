//! Walls: big screens that show what is open, to read only, for a day.
//!
//! Somebody who is signed in makes a link for a screen. It opens once, within a few minutes, and becomes a cookie of that
//! screen: what stands in an address, a history or a photograph of the screen is worth nothing afterwards. Link and wall
//! are tokens like any other, kept as hashes, told in the journal of access, and ended there. A wall shows no log, no
//! evidence and no person's name, and it ends with its maker's account.

use super::digest;
use super::record::{Fact, person_of, record, viewer};
use super::tokens::{LENGTH, NotMade, PREFIX, label_of};
use crate::clock;
use crate::domain::{PersonId, Span, Timestamp};
use crate::store::{NewToken, Store, StoreError, Token, Tx};
use std::fmt;

/// A wall is open for so long.
pub const LIFE: Span = Span::hours(24);
/// The most walls and links to walls that one person has at once.
pub const MOST: usize = 20;
/// Its link opens within this time.
pub const LINK_LIFE: Span = Span::minutes(15);

/// For whom a wall stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Technical,
    Management,
}

impl Audience {
    pub const ALL: [Audience; 2] = [Audience::Technical, Audience::Management];

    pub const fn key(self) -> &'static str {
        match self {
            Audience::Technical => "technical",
            Audience::Management => "management",
        }
    }

    pub fn from_key(key: &str) -> Option<Audience> {
        Audience::ALL.into_iter().find(|audience| audience.key() == key)
    }

    fn link_scope(self) -> String {
        format!("wall-link {}", self.key())
    }

    fn scope(self) -> String {
        format!("wall {}", self.key())
    }
}

/// The audience of a token that is a wall, or the link to one.
pub fn audience_of(scope: &str) -> Option<Audience> {
    let (kind, key) = scope.split_once(' ')?;
    ["wall", "wall-link"].contains(&kind).then(|| Audience::from_key(key)).flatten()
}

/// A wall that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wall {
    pub token: String,
    pub audience: Audience,
    pub label: String,
    pub ends_at: Timestamp,
}

impl Wall {
    /// As whom the streams count it; never a person's id.
    pub fn viewer(&self) -> PersonId {
        viewer(&self.token)
    }
}

/// Why no link was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotInvited {
    Label,
    /// This person has as many walls as one may.
    Many,
    Store(StoreError),
}

impl fmt::Display for NotInvited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotInvited::Label => NotMade::Label.fmt(f),
            NotInvited::Many => {
                write!(f, "You have {MOST} walls and links. End one that nobody looks at, then make this one.")
            }
            NotInvited::Store(fault) => fault.fmt(f),
        }
    }
}

impl From<StoreError> for NotInvited {
    fn from(fault: StoreError) -> NotInvited {
        NotInvited::Store(fault)
    }
}

/// Whether somebody, with these tokens of theirs living, may have one wall more.
fn one_more(living: &[Token]) -> Result<(), NotInvited> {
    let walls = living.iter().filter(|token| audience_of(&token.scope).is_some()).count();
    if walls < MOST { Ok(()) } else { Err(NotInvited::Many) }
}

/// Whether `by` could make a link like this now. Answers the label as it will be kept.
///
/// # Errors
/// [`NotInvited`].
pub async fn wished(store: &Store, by: &str, label: &str, now: Timestamp) -> Result<String, NotInvited> {
    let label = label_of(label).ok_or(NotInvited::Label)?;
    one_more(&store.living_tokens_of(by, now).await?)?;
    Ok(label)
}

/// Makes the link for a screen; answers its secret, which is kept nowhere.
///
/// # Errors
/// [`NotInvited`]; nothing is stored then.
pub async fn invite(
    store: &Store,
    by: &str,
    label: &str,
    audience: Audience,
    now: Timestamp,
) -> Result<String, NotInvited> {
    let label = label_of(label).ok_or(NotInvited::Label)?;
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    if let Err(full) = one_more(&tx.living_tokens_of(by, now).await?) {
        tx.rollback().await?;
        return Err(full);
    }
    let secret = make(&mut tx, by, &label, audience.link_scope(), now, now + LINK_LIFE).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Whether a link still opens, without opening it.
///
/// # Errors
/// The store's.
pub async fn look_at_link(store: &Store, secret: &str, now: Timestamp) -> Result<Option<Audience>, StoreError> {
    let Some(token) = live(store, secret, now).await? else { return Ok(None) };
    Ok(audience_of(&token.scope).filter(|audience| token.scope == audience.link_scope()))
}

/// Turns a link into the secret of a wall, once. Nothing when it does not open any more.
///
/// # Errors
/// The store's; nothing is changed then.
pub async fn open(store: &Store, secret: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
    // Strangers come here too: whoever has no link does not keep others from writing.
    if look_at_link(store, secret, now).await?.is_none() {
        return Ok(None);
    }
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    let link = if is_token(secret) { tx.live_token(&digest(secret), now).await? } else { None };
    let audience = link.as_ref().and_then(|link| audience_of(&link.scope));
    let (Some(link), Some(audience)) = (link, audience) else {
        tx.rollback().await?;
        return Ok(None);
    };
    if link.scope != audience.link_scope() || !tx.revoke_token(&link.id, now).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    record(&mut tx, now, &link.created_by, &[Fact::TokenRevoked { token: link.id }]).await?;
    let wall = make(&mut tx, &link.created_by, &link.label, audience.scope(), now, now + LIFE).await?;
    tx.commit().await?;
    Ok(Some(wall))
}

/// The wall behind a screen's cookie, while it is open and its maker's account is.
///
/// # Errors
/// The store's.
pub async fn check(store: &Store, secret: &str, now: Timestamp) -> Result<Option<Wall>, StoreError> {
    match live(store, secret, now).await? {
        Some(token) => whole(store, token).await,
        None => Ok(None),
    }
}

/// The same by the hash of its secret: for a stream, which lives longer than a request.
///
/// # Errors
/// The store's.
pub async fn check_hash(store: &Store, hash: &str, now: Timestamp) -> Result<Option<Wall>, StoreError> {
    match store.live_token(hash, now).await? {
        Some(token) => whole(store, token).await,
        None => Ok(None),
    }
}

async fn whole(store: &Store, token: Token) -> Result<Option<Wall>, StoreError> {
    let Some(audience) = audience_of(&token.scope).filter(|audience| token.scope == audience.scope()) else {
        return Ok(None);
    };
    let maker = match person_of(&token.created_by) {
        Some(id) => store.person(&id.0).await?,
        None => None,
    };
    let open = maker.is_some_and(|maker| maker.active);
    Ok(open.then_some(Wall { token: token.id, audience, label: token.label, ends_at: token.expires_at }))
}

async fn live(store: &Store, secret: &str, now: Timestamp) -> Result<Option<Token>, StoreError> {
    if is_token(secret) { store.live_token(&digest(secret), now).await } else { Ok(None) }
}

fn is_token(secret: &str) -> bool {
    secret.len() == LENGTH && secret.starts_with(PREFIX)
}

async fn make(
    tx: &mut Tx,
    by: &str,
    label: &str,
    scope: String,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<String, StoreError> {
    let secret = format!("{PREFIX}{}", clock::secret());
    let token = NewToken {
        id: clock::fresh_id(),
        hash: digest(&secret),
        label: label.to_owned(),
        scope,
        created_by: by.to_owned(),
        created_at: now,
        expires_at,
    };
    let fact =
        Fact::TokenMade { token: token.id.clone(), label: token.label.clone(), scope: token.scope.clone(), expires_at };
    tx.insert_token(&token).await?;
    record(tx, now, by, &[fact]).await?;
    Ok(secret)
}
