//! The kinds of entries in a timeline: what it is filtered by.

use serde::{Deserialize, Serialize};

/// What the timeline can be filtered by (L6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    Trigger,
    Decision,
    Approval,
    Tick,
    Run,
    Message,
    Measurement,
    Note,
}

impl TimelineKind {
    pub const ALL: [TimelineKind; 8] = [
        TimelineKind::Trigger,
        TimelineKind::Decision,
        TimelineKind::Approval,
        TimelineKind::Tick,
        TimelineKind::Run,
        TimelineKind::Message,
        TimelineKind::Measurement,
        TimelineKind::Note,
    ];

    /// The word in an address.
    pub const fn key(self) -> &'static str {
        match self {
            TimelineKind::Trigger => "trigger",
            TimelineKind::Decision => "decision",
            TimelineKind::Approval => "approval",
            TimelineKind::Tick => "tick",
            TimelineKind::Run => "run",
            TimelineKind::Message => "message",
            TimelineKind::Measurement => "measurement",
            TimelineKind::Note => "note",
        }
    }

    pub fn from_key(key: &str) -> Option<TimelineKind> {
        TimelineKind::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// The label of the filter.
    pub const fn title(self) -> &'static str {
        match self {
            TimelineKind::Trigger => "Triggers",
            TimelineKind::Decision => "Decisions",
            TimelineKind::Approval => "Approvals",
            TimelineKind::Tick => "Ticks",
            TimelineKind::Run => "Runs",
            TimelineKind::Message => "Messages",
            TimelineKind::Measurement => "Measurements",
            TimelineKind::Note => "Notes",
        }
    }
}
