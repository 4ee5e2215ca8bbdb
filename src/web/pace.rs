//! How fast one person may send forms: a script with a stolen session, or a key that sticks, must not flood a room.
//! Whoever may stop is never limited; a stop that is refused counts (`super::stop`).
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
/// Authorising, starting, and taking the audit log along, in a minute.
const GRAVE: usize = 10;
/// Everything else that is sent, and knocking at closed doors, in a minute.
const USUAL: usize = 60;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A form that authorises or starts something, or takes the audit log along.
    Grave,
    /// Any other form.
    Usual,
    /// A closed door that was knocked at, by reading too: each time is an entry of the ledger.
    Refused,
}

/// When each person last sent forms, by kind.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<(PersonId, Kind), VecDeque<Timestamp>>>);

impl Pace {
    /// Counts one form or knock, or says when the next is looked at.
    pub(super) fn take(&self, person: &PersonId, kind: Kind, now: Timestamp) -> Result<(), Timestamp> {
        let mut sent = self.0.lock().expect("no one panics while holding it");
        sent.retain(|_, times| times.back().is_some_and(|last| now - *last < WINDOW));
        let times = sent.entry((person.clone(), kind)).or_default();
        // What lies ahead was counted before the clock was set back, and would bar this person until it comes round.
        times.retain(|at| *at <= now);
        while times.front().is_some_and(|first| now - *first >= WINDOW) {
            times.pop_front();
        }
        let most = if kind == Kind::Grave { GRAVE } else { USUAL };
        match times.front() {
            Some(first) if times.len() >= most => Err(*first + WINDOW),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

/// Does a form sent to this address authorise or start something, or take the audit log along?
fn kind(path: &str) -> Kind {
    let grave = ["/approve", "/start", "/retry", "/release", "/resume"].iter().any(|tail| path.ends_with(tail));
    if (grave && path.starts_with("/incidents/")) || path == "/audit/export" { Kind::Grave } else { Kind::Usual }
}

/// Before every page: lets a form pass, or answers 429 with the time to wait.
pub async fn limit(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if *request.method() != Method::POST || path.ends_with("/stop") || path == "/sign-out" {
        return next.run(request).await;
    }
    let who = request.extensions().get::<MaybeSignedIn>().and_then(|who| who.0.as_ref()).map(|who| who.person.clone());
    let now = app.clock.now();
    match who.map(|person| app.pace.take(&person, kind(path), now)) {
        Some(Err(until)) => WebError::too_many(until, now).into_response(),
        _ => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample::World;
    use axum::http::StatusCode;

    #[test]
    fn a_flood_is_held_back_and_a_minute_later_forgiven() {
        let (pace, person) = (Pace::default(), PersonId("maya".into()));
        let start = Timestamp(0);
        for _ in 0..GRAVE {
            assert_eq!(pace.take(&person, Kind::Grave, start), Ok(()));
        }
        assert_eq!(pace.take(&person, Kind::Grave, start + Span::seconds(59)), Err(start + WINDOW));
        assert_eq!(pace.take(&person, Kind::Usual, start), Ok(()), "other forms have their own count");
        assert_eq!(pace.take(&PersonId("tomas".into()), Kind::Grave, start), Ok(()), "and other people theirs");
        assert_eq!(pace.take(&person, Kind::Grave, start + WINDOW), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_bars_nobody() {
        let (pace, person) = (Pace::default(), PersonId("maya".into()));
        let before = Timestamp(0) + Span::hours(3);
        assert_eq!(pace.take(&person, Kind::Grave, before), Ok(()));
        for count in 0..60 {
            let now = Timestamp(0) + Span::seconds(30 * count);
            assert_eq!(pace.take(&person, Kind::Grave, now), Ok(()), "two forms a minute, after {count}");
        }
    }

    /// Each refusal at a door is an entry of the ledger, and a page that is only read is not counted as a form.
    #[tokio::test]
    async fn who_knocks_at_closed_doors_without_end_does_not_fill_the_ledger() {
        let world = World::new().await;
        let mut olga = world.signed_in("olga").await;
        let before = world.app.store.head().await.unwrap().seq;
        for _ in 0..USUAL {
            assert_eq!(olga.get("/tokens").await.status, StatusCode::FORBIDDEN);
        }
        for _ in 0..40 {
            assert_eq!(olga.get("/tokens").await.status, StatusCode::TOO_MANY_REQUESTS);
        }
        assert_eq!(world.app.store.head().await.unwrap().seq - before, USUAL as i64);
        assert_eq!(olga.get("/").await.status, StatusCode::OK, "what is hers to read stays open");
    }

    #[test]
    fn authorising_is_grave_and_ticking_is_not() {
        assert_eq!(kind("/incidents/RB-0001/approve"), Kind::Grave);
        assert_eq!(kind("/incidents/RB-0001/items"), Kind::Usual);
        assert_eq!(kind("/start"), Kind::Usual, "raising a trigger starts nothing");
    }
}
