//! How sign-in is slowed down, without telling whether an account exists and without letting a stranger lock anyone
//! out of an incident.
//!
//! Every attempt is counted against a **bucket** before the password is looked at, in the same transaction that asks
//! whether the bucket is free; a success empties it. So a thousand attempts at once are a thousand attempts, however
//! many replicas receive them. A browser in which the person signed in before has a bucket of its own: what strangers
//! do to the account's bucket does not touch it. From the fifth failure on, the wait doubles: 1, 2, 4 … 900 seconds;
//! never longer, so nobody is ever locked for good.

use crate::domain::{Span, Timestamp};
use crate::store::{Store, StoreError};
use std::net::{IpAddr, Ipv6Addr};

/// Failures before the first wait.
pub const FREE_FAILURES: i64 = 5;
/// The longest wait.
pub const LONGEST_WAIT: Span = Span::seconds(900);
/// A bucket that was quiet for this long starts afresh.
pub const FORGOTTEN_AFTER: Span = Span::hours(24);
/// Attempts from one address in a minute and in an hour.
pub const PER_MINUTE: i64 = 20;
pub const PER_HOUR: i64 = 100;

/// How long to wait after this many failures in a row.
pub fn wait_after(failures: i64) -> Span {
    if failures < FREE_FAILURES {
        return Span::ZERO;
    }
    let doublings = (failures - FREE_FAILURES).min(10);
    Span::seconds((1_i64 << doublings).min(LONGEST_WAIT.as_seconds()))
}

/// One form of a login however it is typed: no spaces, no invisible characters, small letters. Account names consist
/// of small ASCII letters, digits and `._@+-` (see [`is_login`]), so whatever folds to another form is nobody's.
pub fn canonical(login: &str) -> String {
    let invisible = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let fullwidth = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    login.chars().take(320).filter(|c| !invisible(*c)).map(fullwidth).flat_map(char::to_lowercase).collect()
}

/// Whether a canonical login may be an account's name.
pub fn is_login(login: &str) -> bool {
    (2..=120).contains(&login.len())
        && login.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@+-".contains(&b))
}

/// The key under which an attempt is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bucket {
    /// An account, from a browser that has not signed in to it before.
    Stranger { login: String },
    /// An account, from a browser that has. The string is the hash of its device cookie.
    Known { login: String, device: String },
    /// Re-authentication in one session (its hash).
    Reauthentication { session: String },
}

impl Bucket {
    pub fn key(&self) -> String {
        let (kind, rest) = match self {
            Bucket::Stranger { login } => ("stranger", login.clone()),
            Bucket::Known { login, device } => ("known", format!("{login} {device}")),
            Bucket::Reauthentication { session } => ("reauthentication", session.clone()),
        };
        // Hashed: what somebody typed into the login field may be a password.
        format!("{kind}:{}", super::digest(&rest))
    }
}

/// Counts an attempt in a bucket, or says when the next one is looked at. Commits by itself: what follows may take long
/// or never end, and has been counted.
///
/// The count comes first and the judgement second: counting holds the row, so that of many at once each sees what the
/// one before it wrote.
pub async fn admit(store: &Store, bucket: &Bucket, now: Timestamp) -> Result<Admission, StoreError> {
    let key = bucket.key();
    let mut tx = store.begin().await?;
    let level = tx.add_sign_in_failure(&key, now, now - FORGOTTEN_AFTER).await?;
    if now < level.blocked_until {
        tx.rollback().await?;
        return Ok(Admission::Wait { until: level.blocked_until });
    }
    let wait = wait_after(level.failures);
    if wait > Span::ZERO {
        tx.block_sign_in(&key, now + wait).await?;
    }
    tx.commit().await?;
    Ok(Admission::Counted { attempts: level.failures })
}

/// Whether an attempt is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is the so manieth since the last success.
    Counted {
        attempts: i64,
    },
    Wait {
        until: Timestamp,
    },
}

/// Counts an attempt from a network address: [`PER_MINUTE`] and [`PER_HOUR`]. An IPv6 address counts with its /64.
pub async fn admit_address(store: &Store, address: IpAddr, now: Timestamp) -> Result<Admission, StoreError> {
    let from = network_of(address);
    for (name, length, most) in [("minute", Span::minutes(1), PER_MINUTE), ("hour", Span::hours(1), PER_HOUR)] {
        let window = now.0.div_euclid(length.0);
        let level = store.add_sign_in_failure(&format!("{name}:{window}:{from}"), now, now - length).await?;
        if level.failures > most {
            return Ok(Admission::Wait { until: Timestamp((window + 1).saturating_mul(length.0)) });
        }
    }
    Ok(Admission::Counted { attempts: 0 })
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_the_fifth_failure_and_ends_at_a_quarter_of_an_hour() {
        let waits: Vec<i64> = (1..=17).map(|n| wait_after(n).as_seconds()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(wait_after(i64::MAX), LONGEST_WAIT);
    }

    #[test]
    fn a_visitor_with_many_addresses_of_one_network_is_one() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network_of(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(network_of(ip("::ffff:203.0.113.9")), ip("203.0.113.9"));
    }

    #[test]
    fn however_a_login_is_typed_it_is_one() {
        for typed in
            ["maya", " Maya ", "MAYA", "m a\ty\u{a0}a", "ma\u{200b}ya", "\u{feff}maya", "ＭＡＹＡ", "ma\u{ad}ya"]
        {
            assert_eq!(canonical(typed), "maya", "{typed:?}");
        }
        assert_eq!(canonical("\u{212a}im"), "kim", "the Kelvin sign is a K");
        assert!(is_login("maya.okafor@pixelated.example"));
        for no in ["", "m", "mаya", "maya okafor", "Maya", "ma/ya"] {
            assert!(!is_login(no), "{no:?}");
        }
    }
}
