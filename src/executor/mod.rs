//! What carries an action out.
//!
//! An executor is asked for four things: **start** a run, **look** at it, **forestall** it (prove that it never began and
//! never will), **cancel** it. It is never asked "did that work?" of a call that was cut short: whatever crashes, the
//! next look tells the truth, or says plainly that the truth cannot be learnt ([`Look::Lost`]) so that a person decides.
//!
//! | file | idea |
//! | --- | --- |
//! | [`order`] | what is to be run, and what is refused before anything is claimed |
//! | [`environment`] | which environment names a script may be given |
//! | [`process`] | the server's side of a local process: claim, spawn, look, cancel |
//! | [`supervisor`] | the small detached process that runs one script to its end |
//! | [`records`] | the files by which the two speak, and the table of crash points |
//! | [`log`] | framed output lines: written by the supervisor, read by anybody |
//! | [`folder`] | files of a run, reached without following links |
//! | [`identity`] | which process is which, across reuse of numbers and across a reboot |
//! | [`outcome`] | the answers: looks, endings, faults |

pub mod environment;
pub mod folder;
pub mod identity;
pub mod log;
pub mod order;
pub mod outcome;
pub mod process;
pub mod records;
pub mod supervisor;

pub use log::{LogLine, LogPart, Stream};
pub use order::{Limits, OrderFault, RunOrder};
pub use outcome::{Cancelled, CannotTell, Finished, Forestalled, Look, Remains, ScriptGroup, StartFailed, Why};
pub use process::Supervisor;

use async_trait::async_trait;

/// Runs scripts, at most once for each run id, whatever crashes in between.
#[async_trait]
pub trait Executor: Send + Sync + 'static {
    /// Starts the run. `Ok` means that it is on its way; only [`Executor::look`] says how it fares.
    ///
    /// # Errors
    /// Every [`StartFailed`] but `AlreadyClaimed` proves that this call started nothing.
    async fn start(&self, order: &RunOrder) -> Result<(), StartFailed>;

    /// How the run fares. To follow a log to its end, look *first* and read the log after: what was written before the
    /// look is then certainly in what is read.
    ///
    /// # Errors
    /// [`CannotTell`] is about this call (no file handles left, a folder that others can write): ask again later.
    async fn look(&self, run: &str) -> Result<Look, CannotTell>;

    /// Proves that the run never began and never will, or says what exists.
    ///
    /// # Errors
    /// As for [`Executor::look`]; nothing is proved then.
    async fn forestall(&self, run: &str) -> Result<Forestalled, CannotTell>;

    /// Asks for the run's end: TERM to the whole process group, KILL after the order's grace. Returns at once.
    ///
    /// # Errors
    /// As for [`Executor::look`].
    async fn cancel(&self, run: &str) -> Result<Cancelled, CannotTell>;

    /// After a loss: KILL to the process group that the dead supervisor left behind, if its leader is certainly the one.
    ///
    /// # Errors
    /// As for [`Executor::look`].
    async fn kill_remains(&self, run: &str) -> Result<Remains, CannotTell>;

    /// The whole lines from a byte on, at most [`log::PART_BYTES`] of them at a time; `next_byte` goes into the next call.
    ///
    /// # Errors
    /// [`CannotTell::NotALineStart`] when `from_byte` is not an earlier `next_byte`.
    async fn read_log(&self, run: &str, from_byte: u64) -> Result<LogPart, CannotTell>;
}
