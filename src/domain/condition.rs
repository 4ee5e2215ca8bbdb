//! A condition over a measured series: threshold, direction, and how long it must hold.

use super::Span;
use serde::{Deserialize, Serialize};

/// What is measured. Shares are parts per million, times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// Failed requests of all requests, parts per million.
    ErrorRate,
    /// 95th percentile, microseconds.
    ResponseTime,
    /// Successful requests of all requests, parts per million.
    Availability,
    /// Another one by name; its unit is the playbook's.
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Above,
    Below,
}

/// Holds when the value stays strictly beyond the threshold for the whole of `hold`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    pub series: Series,
    pub direction: Direction,
    pub threshold: i64,
    pub hold: Span,
    pub look_back: Span,
}
