//! Real scripts under real supervisors, with real processes killed.
//!
//! A "server" here is this very test binary started again with [`SERVER`] set: it calls `start` as a server does, and then
//! follows the run until somebody kills it.

mod ending;
mod output;
mod starting;
mod surroundings;

use crate::support::process::own_server;
use crate::support::waiting::wait_for;
use backout::clock::{SystemClock, fresh_id};
use backout::domain::Span;
use backout::executor::identity::ProcessMark;
use backout::executor::order::sha256_hex;
use backout::executor::{Executor, Finished, Limits, LogLine, Look, RunOrder, StartFailed, Stream, Supervisor};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Child;

/// Set for a test binary that is to be a server: `ROOT RUN WORLD`, separated by tabs.
const SERVER: &str = "BACKOUT_TEST_SERVER";
const STARTED: i32 = 40;
const ALREADY_CLAIMED: i32 = 41;

/// Two folders of a test: the runs, and the world in which scripts leave their traces. Removed at the end.
struct Place {
    base: PathBuf,
}

impl Place {
    fn new() -> Place {
        let base = std::env::temp_dir().join(format!("backout-supervisor-{}", fresh_id()));
        std::fs::create_dir_all(base.join("world")).unwrap();
        Place { base }
    }

    fn root(&self) -> PathBuf {
        self.base.join("runs")
    }

    fn world(&self) -> PathBuf {
        self.base.join("world")
    }

    fn server(&self) -> Supervisor {
        server(&self.root())
    }

    fn order(&self, run: &str, script: &str) -> RunOrder {
        order(run, script.as_bytes(), &self.world())
    }

    /// How often scripts that begin with [`COUNT`] were started.
    fn starts(&self) -> usize {
        std::fs::read_to_string(self.world().join("starts")).unwrap_or_default().lines().count()
    }

    fn trace(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.world().join(name)).ok().filter(|text| text.ends_with('\n'))
    }
}

impl Drop for Place {
    /// Leaves no process behind, not even when a test failed in the middle.
    fn drop(&mut self) {
        for run in std::fs::read_dir(self.root()).into_iter().flatten().flatten() {
            let record = |name: &str| -> Option<serde_json::Value> {
                serde_json::from_slice(&std::fs::read(run.path().join(name)).ok()?).ok()
            };
            let mark = |value: Option<&serde_json::Value>| -> Option<ProcessMark> {
                serde_json::from_value(value?.clone()).ok()
            };
            let leader = mark(record("script.json").as_ref().and_then(|script| script.get("leader")));
            if let Some(leader) = leader.filter(|leader| leader.is_alive()) {
                let _ = kill_process_group(Pid::from_raw(leader.pid).unwrap(), Signal::KILL);
            }
            if let Some(supervisor) = mark(record("meta.json").as_ref().and_then(|meta| meta.get("supervisor"))) {
                supervisor.signal(Signal::KILL);
            }
        }
        let _ = std::fs::remove_dir_all(&self.base);
    }
}

/// The first line of a script that counts its own starts.
const COUNT: &str = "#!/bin/sh\necho started >> starts\n";

fn server(root: &Path) -> Supervisor {
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_backout"));
    Supervisor::new(root, Arc::new(SystemClock)).unwrap().with_exe(exe)
}

fn order(run: &str, script: &[u8], directory: &Path) -> RunOrder {
    RunOrder {
        run: run.to_owned(),
        receipt: "the-plan-digest".to_owned(),
        script: script.to_vec(),
        script_sha256: sha256_hex(script),
        script_name: "rollback.sh".to_owned(),
        args: Vec::new(),
        env: BTreeMap::new(),
        directory: directory.to_owned(),
        time_limit: Span::seconds(60),
        grace: Span::seconds(10),
        log_limit: 10_000_000,
        limits: Limits::default(),
    }
}

/// Longer than any script of these tests runs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Follows a run until it neither starts nor runs any more.
async fn settled(server: &Supervisor, run: &str) -> Look {
    wait_for(PATIENCE, run, async || match server.look(run).await.unwrap() {
        Look::Starting { .. } | Look::Running { .. } => None,
        look => Some(look),
    })
    .await
}

async fn finished(server: &Supervisor, run: &str) -> Finished {
    match settled(server, run).await {
        Look::Finished(finished) => finished,
        look => panic!("{run} should have finished: {look:?}"),
    }
}

async fn whole_log(server: &Supervisor, run: &str) -> Vec<LogLine> {
    let (mut lines, mut from) = (Vec::new(), 0);
    loop {
        let part = server.read_log(run, from).await.unwrap();
        if part.next_byte == from {
            return lines;
        }
        lines.extend(part.lines);
        from = part.next_byte;
    }
}

/// Follows a run as a server does: look first, read after, so that the end is never seen before the last line.
async fn followed(server: &Supervisor, run: &str) -> (Finished, Vec<LogLine>) {
    let (mut lines, mut from) = (Vec::new(), 0);
    let mut turn = tokio::time::interval(Duration::from_millis(3));
    loop {
        turn.tick().await;
        let look = server.look(run).await.unwrap();
        let part = server.read_log(run, from).await.unwrap();
        lines.extend(part.lines);
        from = part.next_byte;
        match look {
            Look::Starting { .. } | Look::Running { .. } => {}
            Look::Finished(end) => return (end, lines),
            look => panic!("{run} should have finished: {look:?}"),
        }
    }
}

/// The log is without a gap, and it is the one whose digest and length the end names.
async fn checked_log(server: &Supervisor, place: &Place, run: &str, end: &Finished) -> Vec<LogLine> {
    let lines = whole_log(server, run).await;
    let numbers: Vec<u64> = lines.iter().map(|line| line.n).collect();
    assert_eq!(numbers, (1..=end.lines).collect::<Vec<_>>(), "{run}");
    assert_eq!(sha256_hex(&std::fs::read(place.root().join(run).join("log")).unwrap()), end.log_sha256);
    lines
}

/// What the script wrote to one stream, put together again.
fn output(lines: &[LogLine], stream: Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines.iter().filter(|line| line.stream == stream) {
        bytes.extend_from_slice(&line.bytes);
        if line.ended {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn text(lines: &[LogLine], stream: Stream) -> String {
    String::from_utf8(output(lines, stream)).unwrap()
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Neither there nor about to be: zombies count as gone.
fn is_gone(pid: i32) -> bool {
    ProcessMark::of(pid).is_none_or(|mark| !mark.is_alive())
}

/// Random moments that can be had again: the seed is printed, and `BACKOUT_TEST_SEED` sets it.
struct Dice(u64);

impl Dice {
    fn new() -> Dice {
        let fresh = || u64::from_str_radix(&sha256_hex(fresh_id().as_bytes())[..15], 16).unwrap();
        let seed = std::env::var("BACKOUT_TEST_SEED").map_or_else(|_| fresh(), |seed| seed.parse().unwrap());
        println!("BACKOUT_TEST_SEED={seed}");
        Dice(seed | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Forty lines of output and ten of errors over a tenth of a second, an unended last line, exit code 7.
fn numbered_lines() -> String {
    format!(
        "{COUNT}i=0\nwhile [ $i -lt 40 ]; do i=$((i+1)); echo \"line $i\"; \
         if [ $((i % 4)) = 0 ]; then echo \"error $i\" >&2; sleep 0.01; fi; done\nprintf 'the end'\nexit 7\n"
    )
}

fn numbered_output() -> String {
    (1..=40).map(|i| format!("line {i}\n")).chain(["the end".to_owned()]).collect()
}

/// A server in a process of its own, waiting for the word to start its run.
async fn server_process(place: &Place, run: &str) -> Child {
    let told = format!("{}\t{run}\t{}", place.root().display(), place.world().display());
    own_server("supervisor::a_server_in_a_process_of_its_own", SERVER, &told).await
}

async fn say_go(child: &mut Child) {
    child.stdin.as_mut().unwrap().write_all(b"go\n").await.unwrap();
}

/// A program that becomes the supervisor only once the file `go` is there.
fn late_supervisor(place: &Place) -> PathBuf {
    let path = place.base.join("late");
    let (go, exe) = (place.base.join("go"), env!("CARGO_BIN_EXE_backout"));
    let wait = format!("#!/bin/sh\nwhile [ ! -e {} ]; do sleep 0.01; done\nexec {exe} \"$@\"\n", go.display());
    std::fs::write(&path, wait).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// Not a test: what the other tests start again as a server. Does nothing otherwise.
#[test]
fn a_server_in_a_process_of_its_own() {
    let Ok(told) = std::env::var(SERVER) else { return };
    let parts: Vec<&str> = told.split('\t').collect();
    let [root, run, world] = parts[..] else { panic!("{told}") };
    println!("\nready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let code = runtime.block_on(async {
        let server = server(Path::new(root));
        match server.start(&order(run, numbered_lines().as_bytes(), Path::new(world))).await {
            Ok(()) => {}
            Err(StartFailed::AlreadyClaimed) => return ALREADY_CLAIMED,
            Err(fault) => panic!("{fault}"),
        }
        followed(&server, run).await;
        STARTED
    });
    std::process::exit(code);
}
