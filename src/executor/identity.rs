//! Which process is which.
//!
//! A process number alone names nobody: it is used again after its process ended, and after a reboot it means nothing. So
//! a process is named by its number **and** its start time, together with the machine's boot id. A zombie counts as dead:
//! it runs nothing any more, and where nobody reaps it, it would look alive for ever.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::fs;

/// One process of one boot: its number, and when it started in clock ticks since the boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    pub pid: i32,
    pub start: u64,
}

/// What `/proc/PID/stat` says, as far as it matters here.
struct Stat {
    state: u8,
    start: u64,
}

impl ProcessMark {
    /// The mark of a process that exists, zombies included.
    pub fn of(pid: i32) -> Option<ProcessMark> {
        Some(ProcessMark { pid, start: stat(pid)?.start })
    }

    /// Whether this very process still runs.
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.start == self.start && !matches!(stat.state, b'Z' | b'X' | b'x'))
    }

    /// Sends a signal to this very process; false when it is gone. The handle is opened before the check, so that the
    /// number cannot pass to another process in between.
    pub fn signal(self, signal: Signal) -> bool {
        let Some(handle) = Pid::from_raw(self.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
            return false;
        };
        self.is_alive() && pidfd_send_signal(handle, signal).is_ok()
    }
}

fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// The program's name stands in parentheses and may hold anything, so fields are counted after the *last* `)`.
fn parse_stat(line: &[u8]) -> Option<Stat> {
    let name_end = line.iter().rposition(|b| *b == b')')?;
    let mut fields = std::str::from_utf8(line.get(name_end + 1..)?).ok()?.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?; // field 3
    let start = fields.nth(18)?.parse().ok()?; // field 22
    Some(Stat { state, start })
}

/// The id of this boot. Differs after every reboot.
///
/// # Errors
/// When `/proc` is not there.
pub fn boot_id() -> std::io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// Microseconds since the boot. Nobody can set this clock, so that ages are safe from a jump of the time of day.
///
/// # Errors
/// When `/proc` is not there.
pub fn uptime() -> std::io::Result<i64> {
    let text = fs::read_to_string("/proc/uptime")?;
    let seconds: f64 = text
        .split_ascii_whitespace()
        .next()
        .and_then(|first| first.parse().ok())
        .ok_or_else(|| std::io::Error::other("/proc/uptime does not begin with a number"))?;
    Ok((seconds * 1_000_000.0) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_any_program_name() {
        let line = b"42 (a) Z 1 (b)) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 0 0";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.state, stat.start), (b'S', 98_765));
        assert!(parse_stat(b"42 (a").is_none());
        assert!(parse_stat(b"42 (a) S 1").is_none());
    }

    #[test]
    fn another_process_of_the_same_number_is_not_meant() {
        let me = ProcessMark::of(std::process::id() as i32).unwrap();
        assert!(me.is_alive());
        let other = ProcessMark { start: me.start + 1, ..me };
        assert!(!other.is_alive());
        assert!(!other.signal(Signal::TERM), "it would have ended this test");
    }

    #[test]
    fn a_zombie_counts_as_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let mark = ProcessMark::of(child.id() as i32).unwrap();
        let pid = Pid::from_raw(mark.pid).unwrap();
        // Wait for the end and leave the zombie standing.
        let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).unwrap();
        assert!(ProcessMark::of(mark.pid).is_some() && !mark.is_alive());
        child.wait().unwrap();
    }
}
