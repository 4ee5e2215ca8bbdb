//! How sign-in is slowed down, without telling whether an account exists and without letting a stranger lock anyone
//! out of an incident.
//!
//! Every attempt is counted against a **bucket** before the password is looked at, in the same transaction that asks
//! whether the bucket is free; a success empties it. So a thousand attempts at once are a thousand attempts, however
//! many replicas receive them. A browser in which the person signed in before has a bucket of its own: what strangers
//! do to the account's bucket does not touch it. From the fifth failure on, the wait doubles: 1, 2, 4 … 900 seconds;
//! never longer, so nobody is ever locked for good.

use crate::domain::{Span, Timestamp};

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

/// What a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub failures: i64,
    pub free_at: Timestamp,
    pub counted_at: Timestamp,
}

/// Counts an attempt: the new level, or the instant from which the next attempt is allowed.
pub fn count(level: Option<Level>, now: Timestamp) -> Result<Level, Timestamp> {
    let failures = match level {
        Some(level) if now < level.free_at => return Err(level.free_at),
        Some(level) if now - level.counted_at < FORGOTTEN_AFTER => level.failures + 1,
        _ => 1,
    };
    Ok(Level { failures, free_at: now + wait_after(failures), counted_at: now })
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
    fn an_attempt_is_counted_before_it_is_judged_and_refused_while_the_bucket_is_full() {
        let now = Timestamp(1_000_000_000);
        let mut level = None;
        for _ in 0..5 {
            level = Some(count(level, now).unwrap());
        }
        assert_eq!(count(level, now), Err(now + Span::seconds(1)));
        let later = now + Span::seconds(1);
        assert_eq!(count(level, later).unwrap().failures, 6);
        assert_eq!(count(level, now + FORGOTTEN_AFTER).unwrap().failures, 1);
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
