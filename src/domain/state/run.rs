//! One run of an action.

use super::AttemptNo;
use crate::domain::event::{RunEnd, RunOutcome};
use crate::domain::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// `RB-0142-1-3`: the third run of the first attempt. Also the name of its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl RunId {
    pub fn new(incident: &str, attempt: AttemptNo, number: usize) -> RunId {
        RunId(format!("{incident}-{attempt}-{number}"))
    }

    /// The incident that the name speaks of.
    pub fn incident(&self) -> Option<&str> {
        let (before, _) = self.0.rsplit_once('-')?;
        before.rsplit_once('-').map(|(incident, _)| incident)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Run {
    pub id: RunId,
    pub action: String,
    pub host: String,
    pub starting_at: Timestamp,
    pub time_limit: Span,
    /// How long it may take to end once its time is up, or it was stopped.
    pub grace: Span,
    pub state: RunState,
    pub ended_at: Option<Timestamp>,
    pub outcome: Option<RunOutcome>,
    /// When a person judged how it ended, because nobody heard.
    pub judged_at: Option<Timestamp>,
    /// Said by a person: a judgement of a lost run, or of what was done by hand.
    pub word: Option<String>,
    /// A new run was ordered in its stead.
    pub retried: bool,
}

/// Never a vague "queued" (E17): a run exists only once its intent is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Starting,
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    /// Its outcome could not be learnt; a person must look.
    Lost,
}

impl RunState {
    pub const fn is_live(self) -> bool {
        matches!(self, RunState::Starting | RunState::Running)
    }

    pub const fn of(end: &RunEnd) -> RunState {
        match end {
            RunEnd::Exited(0) => RunState::Succeeded,
            RunEnd::Exited(_) | RunEnd::Signalled(_) | RunEnd::NeverStarted(_) => RunState::Failed,
            RunEnd::TimedOut => RunState::TimedOut,
            RunEnd::Cancelled => RunState::Cancelled,
        }
    }

    pub const fn key(self) -> &'static str {
        match self {
            RunState::Starting => "starting",
            RunState::Running => "running",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::TimedOut => "timed out",
            RunState::Cancelled => "cancelled",
            RunState::Lost => "lost",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
