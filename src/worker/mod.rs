//! Duties without input: whatever the store says is owed, now. Each is idempotent, so that a crash between any two
//! steps, or a second replica doing the same, changes nothing.
//!
//! | duty | wakes |
//! | --- | --- |
//! | [`runs`] claim what is ready, follow what runs, adopt what an earlier process left | at a commit, and while a run is live |
//! | [`deadlines`] send updates that are due, give up runs nobody hears of | at the next deadline, and at a commit |
//! | [`probes`] ask the services, hold the answers against the triggers | at each probe's interval |
//! | [`versions`] read back which version runs | every two seconds |
//! | [`run_folders`] clear away the folders of runs that are long over | every hour |
//! | [`tidying`] forget samples, sessions and keys that are past their time | every ten minutes |

pub mod deadlines;
pub mod probes;
pub mod run_folders;
pub mod runs;
pub mod tidying;
pub mod versions;

use crate::domain::Span;
use std::time::Duration;
use tokio::sync::watch;

/// A duty that failed waits this long before it tries again; it never gives up.
const AFTER_A_FAULT: Duration = Duration::from_secs(1);

/// Waits for the next commit, but no longer than `most`.
pub(crate) async fn commit_or(commits: &mut watch::Receiver<i64>, most: Duration) {
    tokio::select! {
        changed = commits.changed() => {
            // The store is gone only when the process ends; do not spin meanwhile.
            if changed.is_err() {
                tokio::time::sleep(most).await;
            }
        }
        () = tokio::time::sleep(most) => {}
    }
}

/// A span as the runtime's timer takes it.
pub(crate) fn duration(span: Span) -> Duration {
    Duration::from_micros(u64::try_from(span.0).unwrap_or(0))
}

/// Runs a duty for ever: a fault is logged, and it goes on.
pub async fn keep_on<F, Fut, E>(name: &'static str, mut duty: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    loop {
        if let Err(fault) = duty().await {
            tracing::warn!(duty = name, %fault, "a duty failed and will be tried again");
            tokio::time::sleep(AFTER_A_FAULT).await;
        }
    }
}
