//! The process harness itself, on programs that every machine has.

use crate::support::folder::{TempDir, end_processes_within, processes_within};
use crate::support::process::{Backout, Process, free_port};
use crate::support::waiting::{PATIENCE, wait_until};
use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[tokio::test]
async fn printed_lines_of_both_streams_are_kept() {
    let mut process = Process::start(&mut shell("echo to one; echo to the other >&2"));
    assert_eq!(process.line_with("one", PATIENCE).await, "to one");
    assert_eq!(process.line_with("other", PATIENCE).await, "to the other");
    assert!(process.wait(PATIENCE).await.success());
}

#[tokio::test]
#[should_panic(expected = "ended without printing \"ready\"")]
async fn a_program_that_ends_before_it_is_ready_is_told_at_once() {
    Process::start(&mut shell("echo broken; exit 3")).line_with("ready", PATIENCE).await;
}

#[tokio::test]
async fn a_kind_stop_lets_the_program_finish_and_a_hard_kill_does_not() {
    // `read` from a pipe that nobody writes to waits without burning time; the trap runs at once.
    let patient = "trap 'echo finished; exit 7' TERM; mkfifo pipe; echo ready; while :; do read line <>pipe; done";
    let folders = [TempDir::new(), TempDir::new()];
    let mut kindly = Process::start(shell(patient).current_dir(folders[0].path()));
    kindly.line_with("ready", PATIENCE).await;
    assert_eq!(kindly.stop(PATIENCE).await.code(), Some(7));
    kindly.line_with("finished", PATIENCE).await;

    let mut hard = Process::start(shell(patient).current_dir(folders[1].path()));
    hard.line_with("ready", PATIENCE).await;
    hard.kill_hard();
    assert_eq!(hard.wait(PATIENCE).await.signal(), Some(9));
    assert!(!hard.output().contains("finished"));
}

#[tokio::test]
async fn what_a_program_left_behind_is_found_by_its_folder_and_ended() {
    let folder = TempDir::new();
    let detached = "mkfifo pipe; setsid sh -c 'read line <>pipe' >/dev/null 2>&1 & echo started";
    let mut parent = Process::start(shell(detached).current_dir(folder.path()));
    parent.line_with("started", PATIENCE).await;
    parent.wait(PATIENCE).await;
    wait_until(PATIENCE, "the child that was left behind", async || !processes_within(folder.path()).is_empty()).await;
    end_processes_within(folder.path());
    assert!(processes_within(folder.path()).is_empty());
}

#[test]
fn a_folder_goes_away_with_all_that_is_in_it() {
    let folder = TempDir::new();
    let path = folder.path().to_owned();
    std::fs::create_dir(folder.join("inner")).unwrap();
    std::fs::write(folder.join("inner").join("file"), "words").unwrap();
    drop(folder);
    assert!(!path.exists());
}

#[test]
fn no_port_is_given_out_twice() {
    let ports: Vec<u16> = (0..50).map(|_| free_port()).collect();
    assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
}

#[tokio::test]
#[should_panic(expected = "in vain for: what never comes")]
async fn a_condition_that_never_holds_is_named() {
    wait_until(std::time::Duration::from_millis(50), "what never comes", async || false).await;
}

#[tokio::test]
#[should_panic(expected = "before it was ready")]
async fn a_backout_that_does_not_start_is_told_at_once() {
    Backout::start(Arc::new(TempDir::new()), &["no-such-command"], &[]).ready().await;
}
