//! Tokens for machines: shown once, kept as a hash, for one purpose, with an end.
//!
//! A token is `bko_` and 32 random bytes in base64url, so that scanners for leaked secrets know it. Making and revoking
//! one is an entry of the journal of access; its use is noted at most once a minute.

use super::digest;
use super::record::{Fact, record};
use crate::clock;
use crate::domain::{Span, Timestamp};
use crate::store::{NewToken, Store, StoreError, Token};
use std::fmt;

/// How every token begins.
pub const PREFIX: &str = "bko_";
/// The prefix and 43 letters.
pub(super) const LENGTH: usize = PREFIX.len() + 43;
/// No token lives longer.
pub const LONGEST_DAYS: i64 = 90;
/// Its use is written down at most this often: each time is a commit.
const TOUCH: Span = Span::minutes(1);

/// What a token is good for. It can never approve, start or stop anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Read,
}

impl Scope {
    pub const fn key(self) -> &'static str {
        match self {
            Scope::Read => "read",
        }
    }
}

/// Why no token was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotMade {
    Label,
    Days,
    Store(StoreError),
}

impl fmt::Display for NotMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotMade::Label => f.write_str("Say in 1 to 100 letters who or what uses it, without line breaks."),
            NotMade::Days => write!(f, "A token lives from 1 to {LONGEST_DAYS} days."),
            NotMade::Store(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for NotMade {}

impl From<StoreError> for NotMade {
    fn from(fault: StoreError) -> NotMade {
        NotMade::Store(fault)
    }
}

/// A label that is one short line.
pub(super) fn label_of(label: &str) -> Option<String> {
    let label = label.trim();
    let fits = !label.is_empty() && label.chars().count() <= 100 && !label.chars().any(char::is_control);
    fits.then(|| label.to_owned())
}

/// Whether a token may be made like this. Answers the label as it will be kept.
///
/// # Errors
/// What is wrong with the label or the days.
pub fn wished(label: &str, days: i64) -> Result<String, NotMade> {
    let label = label_of(label).ok_or(NotMade::Label)?;
    if (1..=LONGEST_DAYS).contains(&days) { Ok(label) } else { Err(NotMade::Days) }
}

/// Makes a token and answers it; it is kept nowhere. `by` is who makes it, as the ledger names them.
///
/// # Errors
/// [`NotMade`]; nothing is stored then.
pub async fn create(
    store: &Store,
    by: &str,
    label: &str,
    scope: Scope,
    days: i64,
    now: Timestamp,
) -> Result<String, NotMade> {
    let label = wished(label, days)?;
    let secret = format!("{PREFIX}{}", clock::secret());
    let token = NewToken {
        id: clock::fresh_id(),
        hash: digest(&secret),
        label,
        scope: scope.key().to_owned(),
        created_by: by.to_owned(),
        created_at: now,
        expires_at: now + Span::hours(24 * days),
    };
    let fact = Fact::TokenMade {
        token: token.id.clone(),
        label: token.label.clone(),
        scope: token.scope.clone(),
        expires_at: token.expires_at,
    };
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    tx.insert_token(&token).await?;
    record(&mut tx, now, by, &[fact]).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Ends a token. False when there is no such token or it had ended already.
///
/// # Errors
/// The store's; nothing is changed then.
pub async fn revoke(store: &Store, by: &str, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    tx.lock_head().await?;
    if !tx.revoke_token(id, now).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    record(&mut tx, now, by, &[Fact::TokenRevoked { token: id.to_owned() }]).await?;
    tx.commit().await?;
    Ok(true)
}

/// The living token behind what a machine presented, if it is good for `scope`. Looked up by its hash, so that a
/// comparison tells nothing by its duration.
///
/// # Errors
/// The store's.
pub async fn check(store: &Store, presented: &str, scope: Scope, now: Timestamp) -> Result<Option<Token>, StoreError> {
    if presented.len() != LENGTH || !presented.starts_with(PREFIX) {
        return Ok(None);
    }
    let Some(token) = store.live_token(&digest(presented), now).await? else { return Ok(None) };
    if token.scope != scope.key() {
        return Ok(None);
    }
    if token.last_used_at.is_none_or(|last| now - last >= TOUCH) {
        store.touch_token(&token.id, now).await?;
    }
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_772_680_468_000_000);

    async fn store() -> (Store, std::path::PathBuf) {
        let file = std::env::temp_dir().join(format!("backout-tokens-{}.db", clock::fresh_id()));
        (Store::open(&format!("sqlite:{}", file.display())).await.unwrap(), file)
    }

    #[tokio::test]
    async fn a_token_opens_until_its_end_or_its_revocation_and_is_kept_as_a_hash_alone() {
        let (store, file) = store().await;
        let secret = create(&store, "person:ada", " pipeline ", Scope::Read, 90, NOW).await.unwrap();
        assert!(secret.starts_with("bko_") && secret.len() == LENGTH);
        let token = check(&store, &secret, Scope::Read, NOW).await.unwrap().unwrap();
        assert_eq!((token.label.as_str(), token.created_by.as_str()), ("pipeline", "person:ada"));
        assert!(!format!("{:?}", store.tokens().await.unwrap()).contains(&secret));
        let entries = store.entries("access", 0, 10).await.unwrap();
        assert!(entries.iter().all(|entry| !entry.body.clone().unwrap_or_default().contains(&secret)));
        assert_eq!(store.tokens().await.unwrap()[0].last_used_at, Some(NOW));
        let end = NOW + Span::hours(24 * 90);
        assert!(check(&store, &secret, Scope::Read, end - Span(1)).await.unwrap().is_some());
        assert!(check(&store, &secret, Scope::Read, end).await.unwrap().is_none());
        assert!(revoke(&store, "person:ada", &token.id, NOW).await.unwrap());
        assert!(!revoke(&store, "person:ada", &token.id, NOW).await.unwrap());
        assert!(check(&store, &secret, Scope::Read, NOW).await.unwrap().is_none());
        let kinds: Vec<String> =
            store.entries("access", 0, 10).await.unwrap().into_iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, ["TokenMade", "TokenRevoked"]);
        std::fs::remove_file(file).unwrap();
    }

    #[tokio::test]
    async fn what_is_no_token_opens_nothing_and_a_bad_wish_makes_none() {
        let (store, file) = store().await;
        let secret = create(&store, "person:ada", "pipeline", Scope::Read, 1, NOW).await.unwrap();
        let changed = format!("{}A", &secret[..LENGTH - 1]);
        for presented in ["", "bko_", &secret[4..], &secret[..LENGTH - 1], &format!("{secret} ")] {
            assert!(check(&store, presented, Scope::Read, NOW).await.unwrap().is_none(), "{presented:?}");
        }
        assert!(changed == secret || check(&store, &changed, Scope::Read, NOW).await.unwrap().is_none());
        assert_eq!(create(&store, "x", " ", Scope::Read, 1, NOW).await, Err(NotMade::Label));
        for days in [0, 91, -1] {
            assert_eq!(create(&store, "x", "y", Scope::Read, days, NOW).await, Err(NotMade::Days));
        }
        std::fs::remove_file(file).unwrap();
    }
}
