//! What a measured trigger saw, frozen with it: the values themselves, copied, since links rot and samples are purged.

use super::condition::{Direction, Series};
use super::curve;
use super::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// No breach holds more points than a curve draws; a longer window is thinned evenly, its ends kept.
pub const MOST_POINTS: usize = curve::MOST_POINTS;

/// A window of measurements beyond a threshold. As JSON it is the evidence of a trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    pub series: Series,
    pub direction: Direction,
    /// In the series' own unit: parts per million or microseconds.
    pub threshold: i64,
    pub hold: Span,
    /// The first evaluation beyond the threshold.
    pub since: Timestamp,
    /// The breached window, oldest first, at most [`MOST_POINTS`].
    pub values: Vec<(Timestamp, i64)>,
    /// What was asked, in words.
    pub query: String,
    pub frozen_at: Timestamp,
}

impl Breach {
    /// The breach that a trigger's evidence tells of; `None` for a payload of somebody else's.
    pub fn of(evidence: &str) -> Option<Breach> {
        serde_json::from_str(evidence).ok()
    }
}
