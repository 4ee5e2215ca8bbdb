//! What calls for a rollback, and how it comes to be known.

use super::{Decision, Severity};
use crate::domain::Span;
use crate::domain::condition::Condition;

/// A kind of cause; every trigger belongs to one. Its decision and severity are the default advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub name: String,
    pub title: String,
    pub decision: Decision,
    pub severity: Severity,
    /// Raised by a detector, or only by a person.
    pub automatic: bool,
    /// Security incidents always open their own (T6).
    pub always_own_incident: bool,
    /// Safety-critical, security, outage: said in the header.
    pub marks: Option<String>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    pub name: String,
    pub text: String,
    pub category: String,
    pub detection: Detection,
    pub seed: Option<String>,
}

/// How a trigger comes to be known. All can be raised by hand as well (T5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detection {
    /// Measured: a condition over a series; `query` is PromQL where a Prometheus is used.
    Metric { condition: Condition, query: Option<String> },
    /// Told by a machine; silence for longer than the heartbeat is the trigger too.
    Signal { heartbeat: Option<Span> },
    /// Reported by a person.
    Person,
}
