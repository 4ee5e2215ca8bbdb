//! How fast one person may send forms: a script with a stolen session, or a key that sticks, must not flood a room.
//! Stopping is never limited.
//!
//! Counted in this process: a bound on floods, not a lock. What protects approvals is the domain.

use super::AppState;
use super::error::WebError;
use super::session::MaybeSignedIn;
use crate::domain::{PersonId, Span, Timestamp};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

const WINDOW: Span = Span::minutes(1);
/// Authorising and starting, in a minute.
const GRAVE: usize = 10;
/// Everything else that is sent, in a minute.
const USUAL: usize = 60;

/// When each person last sent forms, by kind.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<(PersonId, bool), VecDeque<Timestamp>>>);

impl Pace {
    /// Counts one form, or says when the next is looked at.
    fn take(&self, person: &PersonId, grave: bool, now: Timestamp) -> Result<(), Timestamp> {
        let mut sent = self.0.lock().expect("no one panics while holding it");
        sent.retain(|_, times| times.back().is_some_and(|last| now - *last < WINDOW));
        let times = sent.entry((person.clone(), grave)).or_default();
        while times.front().is_some_and(|first| now - *first >= WINDOW) {
            times.pop_front();
        }
        let most = if grave { GRAVE } else { USUAL };
        match times.front() {
            Some(first) if times.len() >= most => Err(*first + WINDOW),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

/// Is this address one that authorises or starts something?
fn is_grave(path: &str) -> bool {
    ["/approve", "/start", "/retry", "/release", "/resume"].iter().any(|tail| path.ends_with(tail))
        && path.starts_with("/incidents/")
}

/// Before every page: lets a form pass, or answers 429 with the time to wait.
pub async fn limit(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if *request.method() != Method::POST || path.ends_with("/stop") || path == "/sign-out" {
        return next.run(request).await;
    }
    let who = request.extensions().get::<MaybeSignedIn>().and_then(|who| who.0.as_ref()).map(|who| who.person.clone());
    let now = app.clock.now();
    match who.map(|person| app.pace.take(&person, is_grave(path), now)) {
        Some(Err(until)) => WebError::too_many(until, now).into_response(),
        _ => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_held_back_and_a_minute_later_forgiven() {
        let (pace, person) = (Pace::default(), PersonId("maya".into()));
        let start = Timestamp(0);
        for _ in 0..GRAVE {
            assert_eq!(pace.take(&person, true, start), Ok(()));
        }
        assert_eq!(pace.take(&person, true, start + Span::seconds(59)), Err(start + WINDOW));
        assert_eq!(pace.take(&person, false, start), Ok(()), "other forms have their own count");
        assert_eq!(pace.take(&PersonId("tomas".into()), true, start), Ok(()), "and other people theirs");
        assert_eq!(pace.take(&person, true, start + WINDOW), Ok(()));
    }

    #[test]
    fn authorising_is_grave_and_ticking_is_not() {
        assert!(is_grave("/incidents/RB-0001/approve"));
        assert!(!is_grave("/incidents/RB-0001/items"));
        assert!(!is_grave("/start"), "raising a trigger starts nothing");
    }
}
