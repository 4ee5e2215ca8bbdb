//! A folder that belongs to one test, and the processes that live in it.
//!
//! A process a test started may leave children that outlive it: a browser's renderers, a supervisor that detached
//! itself on purpose. All of them work inside the test's folder or name it on their command line, and nothing else on
//! the machine does. So the folder is also the way to find them and to end them: by id, never by name.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A new empty folder under the system's temporary one. It goes away, with everything in it, when it is dropped.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> TempDir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = std::env::temp_dir();
        loop {
            // A fixed width, so that no folder's name is the beginning of another's.
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("backout-test-{}-{count:06}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return TempDir(path),
                // Left by a killed run that had the same process id.
                Err(fault) if fault.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(fault) => panic!("a test needs a folder, but {} cannot be made: {fault}", path.display()),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // Nothing to do about a folder that cannot be removed: the test's verdict stands without it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The ids of all processes that work inside `folder` or name it on their command line.
pub fn processes_within(folder: &Path) -> Vec<Pid> {
    let name = folder.to_str().expect("a test folder's name is plain text");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|&id| {
            let process = PathBuf::from(format!("/proc/{id}"));
            let works_there = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
            let names_it =
                || fs::read(process.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(name));
            works_there || names_it()
        })
        .filter(|&id| id != std::process::id() as i32)
        .filter_map(Pid::from_raw)
        .collect()
}

/// Kills every process that belongs to `folder`. Looks again until none is left, because a dying one may still fork.
pub fn end_processes_within(folder: &Path) {
    for _ in 0..100 {
        let living = processes_within(folder);
        if living.is_empty() {
            return;
        }
        for id in living {
            // It may have ended by itself in the meantime.
            let _ = kill_process(id, Signal::KILL);
        }
        std::thread::yield_now();
    }
}
