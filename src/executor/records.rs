//! The files by which a server and a supervisor speak, and what each crash leaves.
//!
//! A run is a folder `ROOT/RUN`, for the owner alone. In the order in which they come:
//!
//! | file | by | says |
//! | --- | --- | --- |
//! | `alive` | server | nothing; its lock (`flock`) is held from before the claim until the supervisor's end |
//! | `claim.json` | server | this run is taken up: to start it, or to forestall it. Exclusive |
//! | `script/NAME` | server | the private copy that runs |
//! | `spec.json` | server | how to run it; no value of the environment |
//! | `supervisor.err` | supervisor | what it says when it fails itself |
//! | `log` | supervisor | framed output, see [`super::log`] |
//! | `meta.json` | supervisor | who supervises. Exclusive; durable *before* the script is spawned, and after `claim.json` |
//! | `cancel` | anybody | the run is asked to end, or not to begin |
//! | `script.json` | supervisor | the script's process group; written at once after the spawn, before the first line of output |
//! | `exit.json` | supervisor | how it ended; written last |
//!
//! **One lock tells life from death.** The server locks `alive` before it claims, and gives the open file to the supervisor
//! as its standard input. A lock belongs to the open file, so it is held while the claiming server is on its way *or* its
//! supervisor lives, and it is free the instant both are gone, without a process number, a zombie or a reboot that could
//! deceive. The script does not inherit it. A look reads the lock first and the files after it: if the lock was free,
//! the files are final.
//!
//! | what died, when | what is left | lock | a look says |
//! | --- | --- | --- | --- |
//! | server before the claim | at most `alive` | free | not claimed |
//! | server between claim and spawn | `claim.json`, perhaps more, no `meta.json` | free | never started |
//! | server stuck there (suspended, a hanging disk) | the same | held | starting; after a minute `cancel` is put there, which bars the start: never started |
//! | server after the spawn | as without the crash | held | as without the crash |
//! | supervisor before `meta.json` | `claim.json`, no `meta.json` | free | never started |
//! | supervisor between `meta.json` and `script.json` | `meta.json` | free | lost: the script may have begun |
//! | supervisor while the script runs | `meta.json`, `script.json` | free | lost; remains are offered while the script's leader lives |
//! | supervisor stuck past limit and grace | the same | held | lost, and finished if it wakes |
//! | supervisor after `exit.json` | `exit.json` | any | finished |
//! | the machine, at any point | the durable files | free | never started without `meta.json`, finished with `exit.json`, lost between |
//!
//! A power failure may take `claim.json` along, or leave it empty, as long as there is no `meta.json`: the supervisor makes
//! the claim, the folder and its entry in `ROOT` durable first, and puts `meta.json` in place only then. So "not
//! claimed" and an empty claim both prove that nothing began, and the way to the script waits for the disk but twice.
//!
//! So nothing hangs for ever, and a script that began is never called "never started": it is spawned only after `meta.json`
//! is durable, and that file is never removed.
//!
//! **Cancel against begin** needs no lock: who cancels writes `cancel` and then reads `meta.json`; the supervisor writes
//! `meta.json` and then looks for `cancel`. In every order at least one of them sees the other.

use super::folder::Folder;
use super::identity::ProcessMark;
use super::order::Limits;
use super::outcome::{CannotTell, Finished, Why};
use crate::domain::{Span, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

pub const ALIVE: &str = "alive";
pub const CLAIM: &str = "claim.json";
pub const SCRIPT_FOLDER: &str = "script";
pub const SPEC: &str = "spec.json";
pub const SUPERVISOR_ERRORS: &str = "supervisor.err";
pub const LOG: &str = "log";
pub const META: &str = "meta.json";
pub const CANCEL: &str = "cancel";
pub const SCRIPT: &str = "script.json";
pub const EXIT: &str = "exit.json";
/// Room set aside for `exit.json`.
pub const EXIT_BYTES: usize = 4096;

/// Who took the run up, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub purpose: Purpose,
    pub receipt: String,
    pub at: Timestamp,
    pub boot_id: String,
    /// Microseconds since the boot.
    pub uptime: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Start,
    Forestall,
}

/// How to run the script. The granted environment travels as the supervisor's own environment; only names stand here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    pub run: String,
    pub receipt: String,
    pub script_name: String,
    pub script_sha256: String,
    pub args: Vec<String>,
    pub env_names: Vec<String>,
    pub directory: PathBuf,
    pub time_limit: Span,
    pub grace: Span,
    pub log_limit: u64,
    pub limits: Limits,
}

/// Who supervises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub receipt: String,
    pub boot_id: String,
    pub supervisor: ProcessMark,
    pub at: Timestamp,
    /// Microseconds since the boot.
    pub uptime: i64,
    /// From the script's start to the latest moment at which a sound supervisor has ended it.
    pub longest: Span,
}

/// The script's process group; the leader's number is the group's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptMark {
    pub leader: ProcessMark,
    pub at: Timestamp,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    pub receipt: String,
    /// Absent when a cancel was found before the script was spawned.
    pub started_at: Option<Timestamp>,
    pub ended_at: Timestamp,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub why: Why,
    pub lines: u64,
    pub log_sha256: String,
    pub log_cut: bool,
}

impl Exit {
    /// The public form; `None` when the script was never spawned.
    pub fn finished(self) -> Option<Finished> {
        Some(Finished {
            exit_code: self.exit_code,
            signal: self.signal,
            why: self.why,
            lines: self.lines,
            log_sha256: self.log_sha256,
            log_cut: self.log_cut,
            started_at: self.started_at?,
            ended_at: self.ended_at,
        })
    }
}

/// A record as bytes.
pub fn to_json<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).expect("records are plain data with text keys")
}

/// A record from a folder; `None` when it is not there.
///
/// # Errors
/// [`CannotTell::Damaged`] when it is no record; the disk's errors.
pub fn read<T: DeserializeOwned>(folder: &Folder, name: &str) -> Result<Option<T>, CannotTell> {
    let Some(bytes) = folder.read(name)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| CannotTell::Damaged(format!("{name}: {error}")))
}
