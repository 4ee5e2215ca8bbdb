//! Waiting for a condition with a deadline, instead of sleeping and hoping.

use std::time::{Duration, Instant};

/// Long enough for a loaded machine; a test that passes never waits this long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often a condition is looked at. Looking is cheap beside what is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks `condition` again and again until it yields a value; panics, naming `what`, when `within` has passed.
pub async fn wait_for<T>(within: Duration, what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut beat = tokio::time::interval(LOOK_EVERY);
    loop {
        beat.tick().await;
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < within, "waited {within:?} in vain for: {what}");
    }
}

/// Asks `condition` again and again until it holds; panics, naming `what`, when `within` has passed.
pub async fn wait_until(within: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    wait_for(within, what, async || condition().await.then_some(())).await;
}
