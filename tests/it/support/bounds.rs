//! Bounds of time that the specification names, held by the quicker of several tries: a busy machine takes its time now and
//! then, and what takes too long by itself does so every time.

use std::time::Duration;

/// The bound of the specification.
pub const PROMISED: Duration = Duration::from_secs(1);
/// Tries for each bound.
pub const TRIES: usize = 5;

/// What a quarter of them did not exceed.
pub fn quick<T: Ord + Copy>(mut taken: Vec<T>) -> T {
    taken.sort();
    taken[taken.len() / 4]
}
