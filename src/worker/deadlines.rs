//! What the clock owes: progress updates at their time, and runs that nobody has heard of.

use super::{commit_or, duration};
use crate::app::{App, SubmitError};
use crate::domain::Timestamp;
use crate::domain::actor::Actor;
use crate::domain::due;
use crate::domain::refusal::RefusalKind;
use crate::store::StoreError;
use std::time::Duration;

/// How many incidents are served in one go.
const AT_ONCE: i64 = 50;

/// The longest sleep: a clock that was set, or a replica's commit that was not announced, is noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// What stays due after a step could not be served, such as a frozen incident's update: it is not asked for without rest.
const SHORTEST_SLEEP: Duration = Duration::from_millis(200);

/// Submits everything that is due now. A second replica that did it first is no fault: the repeat is quietly refused.
///
/// # Errors
/// The store's.
pub async fn step(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    loop {
        let mut progress = false;
        for row in app.store.due_before(app.clock.now(), AT_ONCE).await? {
            match serve(app, &row.incident).await {
                Ok(true) => {
                    done += 1;
                    progress = true;
                }
                Ok(false) => {}
                Err(SubmitError::Store(fault)) => return Err(fault),
                Err(fault) => tracing::warn!(incident = row.incident, %fault, "a deadline could not be served"),
            }
        }
        if !progress {
            return Ok(done);
        }
    }
}

async fn serve(app: &App, id: &str) -> Result<bool, SubmitError> {
    let incident = app.incident(id).await?;
    let Some((at, command)) = due::due(&incident) else { return Ok(false) };
    if at > app.clock.now() {
        return Ok(false);
    }
    match app.submit(id, Actor::SYSTEM, command, None).await {
        Ok(accepted) => {
            let sent = accepted.events.iter().any(|recorded| recorded.event.kind() == "UpdateSent");
            if sent {
                metrics::counter!("backout_updates_sent_total").increment(1);
            }
            Ok(true)
        }
        Err(SubmitError::Refused(refusal)) if refusal.kind == RefusalKind::AlreadyDone => Ok(false),
        Err(other) => Err(other),
    }
}

/// How long nothing needs to be done, unless something is committed.
fn rest(next_due: Option<Timestamp>, now: Timestamp) -> Duration {
    match next_due {
        Some(at) if at > now => duration(at - now).min(LONGEST_SLEEP),
        Some(_) => SHORTEST_SLEEP,
        None => LONGEST_SLEEP,
    }
}

/// Serves deadlines until the process ends.
pub async fn keep(app: App) {
    let commits = app.store.commits();
    super::keep_on("deadlines", || {
        let (app, mut commits) = (app.clone(), commits.clone());
        commits.mark_unchanged();
        async move {
            step(&app).await?;
            let wait = rest(app.store.next_due().await?, app.clock.now());
            commit_or(&mut commits, wait).await;
            Ok::<(), StoreError>(())
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;

    #[test]
    fn what_cannot_be_served_is_not_asked_for_without_rest() {
        let now = Timestamp(1_000_000_000);
        assert_eq!(rest(Some(now - Span::minutes(10)), now), SHORTEST_SLEEP);
        assert_eq!(rest(Some(now), now), SHORTEST_SLEEP);
        assert_eq!(rest(Some(now + Span::millis(3)), now), Duration::from_millis(3));
        assert_eq!(rest(Some(now + Span::minutes(5)), now), LONGEST_SLEEP);
        assert_eq!(rest(None, now), LONGEST_SLEEP);
    }
}
