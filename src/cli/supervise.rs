//! `backout supervise FOLDER`: hidden; the process that the server leaves behind for each run.

use std::path::Path;
use std::process::ExitCode;

/// Runs the script of one run folder to its end. Must be the first thing that the process does: it closes every open file, so
/// no async runtime, log file or connection may exist yet.
pub fn supervise(dir: &Path) -> ExitCode {
    crate::executor::supervisor::supervise(dir)
}
