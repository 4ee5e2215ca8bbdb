//! What is to be run, and what is refused before anything is claimed.

use super::environment::{self, EnvironmentFault};
use crate::domain::Span;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// One run of one action, complete: everything the script will see is in here.
#[derive(Clone)]
pub struct RunOrder {
    /// The run's id, `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`: the name of its folder, and what is started at most once.
    pub run: String,
    /// The digest of the plan that was authorised; written into every record of the run.
    pub receipt: String,
    /// The script's bytes. They are copied, and the copy is what runs.
    pub script: Vec<u8>,
    /// What the approvals were given for: SHA-256 of the script, 64 hexadecimal digits in lower case.
    pub script_sha256: String,
    /// The copy's file name, as the script sees itself: `rollback.sh`.
    pub script_name: String,
    /// The arguments after the name. Never split, never seen by a shell.
    pub args: Vec<String>,
    /// The granted names with their values. `PATH` and `LC_ALL` are added and cannot be granted.
    pub env: BTreeMap<String, String>,
    /// Where the script runs: an absolute path.
    pub directory: PathBuf,
    /// From the script's start until its group is told to end.
    pub time_limit: Span,
    /// From being told (TERM) until it is made to (KILL).
    pub grace: Span,
    /// How many bytes of log are kept, with the frame of each line.
    pub log_limit: u64,
    pub limits: Limits,
}

/// The script's resource limits. Core dumps are always off: they would hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Processes of the script's user, counted over all that this user runs. No effect for root.
    pub processes: Option<u64>,
    /// The largest file that it may write, in bytes. Raised to the log's limit where it is smaller, because the
    /// supervisor writes the log under the same limit.
    pub file_bytes: Option<u64>,
    /// Open files of each process.
    pub open_files: Option<u64>,
}

/// Values of the environment are secrets until proved otherwise: only names are printed.
impl fmt::Debug for RunOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOrder")
            .field("run", &self.run)
            .field("receipt", &self.receipt)
            .field("script_name", &self.script_name)
            .field("script_sha256", &self.script_sha256)
            .field("args", &self.args)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// Why an order cannot be carried out. Found before the claim, so that the same run id may still be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderFault {
    RunId(String),
    ScriptName(String),
    /// The bytes are not those that were approved.
    ScriptChanged {
        approved: String,
        found: String,
    },
    /// The argument at this place (from 1) holds a NUL.
    Argument(usize),
    Environment(EnvironmentFault),
    /// Not absolute, or not UTF-8.
    Directory(PathBuf),
    /// The time limit is not above zero, or the grace is below.
    Time,
}

impl fmt::Display for OrderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderFault::RunId(run) => write!(f, "{run:?} is no run id: up to 64 letters, digits, dots, dashes"),
            OrderFault::ScriptName(name) => {
                write!(f, "{name:?} is no name for a script: up to 64 letters, digits, dots, dashes")
            }
            OrderFault::ScriptChanged { approved, found } => write!(
                f,
                "the script is not the one that was approved (approved {approved}, found {found}): make a new plan"
            ),
            OrderFault::Argument(place) => write!(f, "argument {place} holds a NUL byte"),
            OrderFault::Environment(fault) => fault.fmt(f),
            OrderFault::Directory(path) => {
                write!(f, "the script's directory {} must be an absolute path in UTF-8", path.display())
            }
            OrderFault::Time => f.write_str("a run needs a time limit above zero, and a grace that is not negative"),
        }
    }
}

impl std::error::Error for OrderFault {}

/// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`: safe as a file name, and never `.` or `..`.
pub fn is_plain_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// SHA-256 as 64 hexadecimal digits in lower case.
pub fn sha256_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

impl RunOrder {
    /// Everything that can be wrong with an order by itself.
    ///
    /// # Errors
    /// The first [`OrderFault`] found.
    pub fn check(&self) -> Result<(), OrderFault> {
        if !is_plain_name(&self.run) {
            return Err(OrderFault::RunId(self.run.clone()));
        }
        if !is_plain_name(&self.script_name) {
            return Err(OrderFault::ScriptName(self.script_name.clone()));
        }
        let found = sha256_hex(&self.script);
        if found != self.script_sha256 {
            return Err(OrderFault::ScriptChanged { approved: self.script_sha256.clone(), found });
        }
        if let Some(place) = self.args.iter().position(|arg| arg.contains('\0')) {
            return Err(OrderFault::Argument(place + 1));
        }
        for (name, value) in &self.env {
            environment::check(name, value).map_err(OrderFault::Environment)?;
        }
        match self.directory.to_str() {
            Some(path) if self.directory.is_absolute() && !path.contains('\0') => {}
            _ => return Err(OrderFault::Directory(self.directory.clone())),
        }
        if self.time_limit <= Span::ZERO || self.grace < Span::ZERO {
            return Err(OrderFault::Time);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> RunOrder {
        RunOrder {
            run: "run-1".to_owned(),
            receipt: "d".to_owned(),
            script: b"#!/bin/sh\n".to_vec(),
            script_sha256: sha256_hex(b"#!/bin/sh\n"),
            script_name: "rollback.sh".to_owned(),
            args: vec!["--version=1.2.3".to_owned()],
            env: BTreeMap::from([("TOKEN".to_owned(), "swordfish".to_owned())]),
            directory: PathBuf::from("/tmp"),
            time_limit: Span::seconds(1),
            grace: Span::seconds(1),
            log_limit: 1_000,
            limits: Limits::default(),
        }
    }

    #[test]
    fn a_plain_order_passes_and_prints_no_secret() {
        assert_eq!(order().check(), Ok(()));
        assert!(!format!("{:?}", order()).contains("swordfish"));
    }

    #[test]
    fn each_fault_is_named() {
        let fault = |break_it: fn(&mut RunOrder)| {
            let mut order = order();
            break_it(&mut order);
            order.check().unwrap_err()
        };
        for run in ["", ".", "..", "-a", "a/b", "a\n", "é", &"a".repeat(65)] {
            let order = RunOrder { run: run.to_owned(), ..order() };
            assert_eq!(order.check(), Err(OrderFault::RunId(run.to_owned())));
        }
        assert_eq!(fault(|o| o.script_name = "../x".to_owned()), OrderFault::ScriptName("../x".to_owned()));
        assert!(matches!(fault(|o| o.script.push(b'x')), OrderFault::ScriptChanged { .. }));
        assert_eq!(fault(|o| o.args.push("a\0b".to_owned())), OrderFault::Argument(2));
        assert!(matches!(
            fault(|o| drop(o.env.insert("LD_PRELOAD".to_owned(), "x".to_owned()))),
            OrderFault::Environment(EnvironmentFault::Refused(_))
        ));
        assert!(matches!(fault(|o| o.directory = PathBuf::from("here")), OrderFault::Directory(_)));
        assert_eq!(fault(|o| o.time_limit = Span::ZERO), OrderFault::Time);
    }
}
