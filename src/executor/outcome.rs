//! The answers: how a run fares, how it ended, and why an answer cannot be given.

use super::order::OrderFault;
use crate::domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;

/// How a run fares. Computed anew from the run's files at each look, never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nobody took this run up.
    NotClaimed,
    /// Taken up, and about to begin. Lasts a moment, and a minute at the very most.
    Starting { since: Timestamp },
    /// The supervisor lives. `pid` is the supervisor's.
    Running { pid: i32, since: Timestamp },
    /// Ended, and all about it is known.
    Finished(Finished),
    /// Taken up, yet certain: the script never began and never will under this run id.
    NeverStarted { why: String },
    /// The outcome cannot be learnt: a person must look. The script may have run wholly, partly or (rarely) not at all.
    Lost {
        why: String,
        /// What is left of the script and can be ended by `kill_remains`.
        remains: Option<ScriptGroup>,
    },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The script's exit code, if it ended by itself.
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// What set the end off.
    pub why: Why,
    /// Lines of the log, notes among them.
    pub lines: u64,
    /// SHA-256 of the whole log file, 64 hexadecimal digits.
    pub log_sha256: String,
    /// Whether output is missing from the log.
    pub log_cut: bool,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
}

impl Finished {
    /// Whether the script came to its own end with code 0.
    pub fn succeeded(&self) -> bool {
        self.why == Why::Exited && self.exit_code == Some(0)
    }
}

/// What set a run's end off. A script that was told to end may still have ended with code 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The script came to its end, or was ended by a signal that Backout did not send.
    Exited,
    /// The time limit passed.
    TimedOut,
    /// Somebody asked.
    Cancelled,
    /// The script could not be executed; nothing of it ran.
    CouldNotStart(String),
}

/// A script's process group whose leader is certainly the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptGroup {
    pub pgid: i32,
}

/// The answer to `forestall`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forestalled {
    /// Proved: nothing ran, and nothing can run later under this run id.
    NothingStarted,
    /// Too late, or perhaps too late; this is what there is.
    Exists(Look),
}

/// The answer to `cancel`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// The request is on the disk and the supervisor was told; the end shows in a later look.
    Asked,
    /// There is nothing under way to cancel.
    Nothing(Look),
}

/// The answer to `kill_remains`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remains {
    Killed(ScriptGroup),
    /// Nothing that certainly belongs to this run.
    None,
}

/// Why a start failed. All but `AlreadyClaimed` prove that this call started nothing.
#[derive(Debug)]
pub enum StartFailed {
    /// The order itself; nothing is claimed.
    Order(OrderFault),
    /// This run was taken up before, by this or another process. It is never started twice; look at it.
    AlreadyClaimed,
    /// The disk failed, or the folder is not ours alone, before the claim was certain.
    BeforeClaim(io::Error),
    /// The claim stands, but the supervisor could not be brought up. This run id is used up.
    AfterClaim(io::Error),
}

impl fmt::Display for StartFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartFailed::Order(fault) => fault.fmt(f),
            StartFailed::AlreadyClaimed => f.write_str("this run was already taken up, and no run starts twice"),
            StartFailed::BeforeClaim(error) => {
                write!(f, "the run could not be claimed, and nothing was started: {error}")
            }
            StartFailed::AfterClaim(error) => {
                write!(f, "the supervisor could not be started, and nothing was run; a retry is a new run: {error}")
            }
        }
    }
}

impl std::error::Error for StartFailed {}

/// Why a question about a run cannot be answered *now*. Says nothing about the run.
#[derive(Debug)]
pub enum CannotTell {
    /// No such run can exist.
    RunId(String),
    /// Log positions are earlier `next_byte`s.
    NotALineStart(u64),
    /// A record that is only ever written whole cannot be understood.
    Damaged(String),
    Io(io::Error),
}

impl fmt::Display for CannotTell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CannotTell::RunId(run) => write!(f, "{run:?} is no run id"),
            CannotTell::NotALineStart(byte) => write!(f, "no line of the log begins at byte {byte}"),
            CannotTell::Damaged(what) => write!(f, "the run's files were changed by something else: {what}"),
            CannotTell::Io(error) => write!(f, "the run's files cannot be read: {error}"),
        }
    }
}

impl std::error::Error for CannotTell {}

impl From<io::Error> for CannotTell {
    fn from(error: io::Error) -> CannotTell {
        CannotTell::Io(error)
    }
}
