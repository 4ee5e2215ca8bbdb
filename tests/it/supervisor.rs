//! Real scripts under real supervisors, with real processes killed.
//!
//! A "server" here is this very test binary started again with [`SERVER`] set: it calls `start` as a server does, and then
//! follows the run until somebody kills it.

#![allow(clippy::unwrap_used, reason = "the functions beside the tests are tests too")]

use backout::clock::{Clock, ManualClock, SystemClock, fresh_id};
use backout::domain::{Span, Timestamp};
use backout::executor::identity::ProcessMark;
use backout::executor::order::sha256_hex;
use backout::executor::{
    Cancelled, CannotTell, Executor, Finished, Forestalled, Limits, LogLine, Look, OrderFault, Remains, RunOrder,
    StartFailed, Stream, Supervisor, Why,
};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::collections::BTreeMap;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

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

/// Waits until there is something, at most 30 seconds.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let waiting = async {
        let mut turn = tokio::time::interval(Duration::from_millis(3));
        loop {
            turn.tick().await;
            if let Some(found) = ask().await {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    found.unwrap_or_else(|_| panic!("{what}: not within 30 seconds"))
}

/// Follows a run until it neither starts nor runs any more.
async fn settled(server: &Supervisor, run: &str) -> Look {
    eventually(run, async || match server.look(run).await.unwrap() {
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
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "supervisor::a_server_in_a_process_of_its_own", "--nocapture"])
        .env(SERVER, format!("{}\t{run}\t{}", place.root().display(), place.world().display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next_line().await.unwrap().unwrap() != "ready" {}
    child
}

async fn say_go(child: &mut Child) {
    child.stdin.as_mut().unwrap().write_all(b"go\n").await.unwrap();
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

#[tokio::test]
async fn a_script_runs_once_and_everything_about_it_is_known() {
    let place = Place::new();
    let server = place.server();
    let run = "run-1";
    assert_eq!(server.look(run).await.unwrap(), Look::NotClaimed);
    assert_eq!(server.read_log(run, 0).await.unwrap().lines, []);
    let before = SystemClock.now();
    let mut order = place.order(run, &format!("{COUNT}echo \"$0 $*\"; pwd; umask; echo oops >&2; exit 3\n"));
    order.args = vec!["--version=1.2.3".to_owned(), "$(id); a  b".to_owned()];
    server.start(&order).await.unwrap();
    assert!(matches!(server.start(&order).await, Err(StartFailed::AlreadyClaimed)));
    let end = finished(&server, run).await;
    assert_eq!((end.exit_code, end.signal, &end.why, end.log_cut), (Some(3), None, &Why::Exited, false));
    assert!(!end.succeeded());
    assert!(before <= end.started_at && end.started_at <= end.ended_at && end.ended_at <= SystemClock.now());
    let lines = checked_log(&server, &place, run, &end).await;
    let own_name = place.root().join(run).join("script/rollback.sh");
    let expected = format!("{} --version=1.2.3 $(id); a  b\n{}\n0077\n", own_name.display(), place.world().display());
    assert_eq!(text(&lines, Stream::Out), expected);
    assert_eq!(text(&lines, Stream::Err), "oops\n");
    // Once it has ended, it is not started again either.
    assert!(matches!(server.start(&order).await, Err(StartFailed::AlreadyClaimed)));
    assert_eq!(place.starts(), 1);
    assert_eq!(server.cancel(run).await.unwrap(), Cancelled::Nothing(Look::Finished(end)));
}

#[tokio::test]
async fn a_script_outlives_a_server_killed_at_any_moment() {
    let mut dice = Dice::new();
    let mut rounds = tokio::task::JoinSet::new();
    for round in 0..50 {
        let moment = Duration::from_micros(dice.below(150_000));
        rounds.spawn(async move {
            let place = Place::new();
            let run = format!("round-{round}");
            let mut first = server_process(&place, &run).await;
            say_go(&mut first).await;
            // The script is on its way; now any moment will do.
            eventually("the first trace", async || place.trace("starts")).await;
            let _ = tokio::time::timeout(moment, first.wait()).await;
            let _ = first.kill().await;
            let next = place.server();
            let (end, followed) = followed(&next, &run).await;
            assert_eq!((end.exit_code, &end.why), (Some(7), &Why::Exited));
            let lines = checked_log(&next, &place, &run, &end).await;
            assert_eq!(lines, followed, "nothing was missed, and nothing came twice");
            assert_eq!(text(&lines, Stream::Out), numbered_output());
            assert_eq!(text(&lines, Stream::Err).lines().count(), 10);
            assert_eq!(place.starts(), 1);
        });
        if rounds.len() == 4 {
            rounds.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(round) = rounds.join_next().await {
        round.unwrap();
    }
}

#[tokio::test]
async fn a_server_killed_while_it_starts_a_run_leaves_no_doubt() {
    let mut dice = Dice::new();
    let (mut ran, mut never) = (0, 0);
    for round in 0..50 {
        let place = Place::new();
        let run = format!("round-{round}");
        let mut first = server_process(&place, &run).await;
        let moment = Duration::from_micros(dice.below(60_000));
        say_go(&mut first).await;
        let _ = tokio::time::timeout(moment, first.wait()).await;
        let _ = first.kill().await;
        let next = place.server();
        match next.forestall(&run).await.unwrap() {
            Forestalled::NothingStarted => {
                never += 1;
                assert!(matches!(next.start(&place.order(&run, COUNT)).await, Err(StartFailed::AlreadyClaimed)));
                // A supervisor that was on its way ends by itself; then it is certain for ever.
                assert!(matches!(settled(&next, &run).await, Look::NeverStarted { .. }));
                assert_eq!(place.starts(), 0);
            }
            Forestalled::Exists(_) => {
                // The supervisor may have been barred in the very moment in which it began.
                match settled(&next, &run).await {
                    Look::Finished(end) => {
                        ran += 1;
                        assert_eq!((end.exit_code, &end.why), (Some(7), &Why::Exited));
                        let lines = checked_log(&next, &place, &run, &end).await;
                        assert_eq!(text(&lines, Stream::Out), numbered_output());
                        assert_eq!(place.starts(), 1);
                    }
                    Look::NeverStarted { .. } => {
                        never += 1;
                        assert_eq!(place.starts(), 0);
                    }
                    look => panic!("{run}: {look:?}"),
                }
            }
        }
    }
    println!("of 50 servers killed while they start a run, {ran} scripts ran and {never} never began");
    assert!(ran > 0 && never > 0, "the moments did not fall on both sides: {ran} ran, {never} never began");
}

#[tokio::test]
async fn of_two_servers_that_start_the_same_run_exactly_one_does() {
    let mut rounds = tokio::task::JoinSet::new();
    for round in 0..50 {
        rounds.spawn(async move {
            let place = Place::new();
            let run = format!("round-{round}");
            let (mut one, mut other) = (server_process(&place, &run).await, server_process(&place, &run).await);
            say_go(&mut one).await;
            say_go(&mut other).await;
            let codes = [one.wait().await.unwrap().code(), other.wait().await.unwrap().code()];
            assert!(
                codes == [Some(STARTED), Some(ALREADY_CLAIMED)] || codes == [Some(ALREADY_CLAIMED), Some(STARTED)],
                "{codes:?}"
            );
            assert_eq!(finished(&place.server(), &run).await.exit_code, Some(7));
            assert_eq!(place.starts(), 1);
        });
        if rounds.len() == 4 {
            rounds.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(round) = rounds.join_next().await {
        round.unwrap();
    }
}

#[tokio::test]
async fn starts_and_forestalls_of_one_run_agree_on_one_outcome() {
    let place = Place::new();
    for round in 0..20 {
        let run = format!("round-{round}");
        let order = place.order(&run, COUNT);
        let before = place.starts();
        let (one, two) = (place.server(), place.server());
        let (started, forestalled) = tokio::join!(one.start(&order), two.forestall(&run));
        let look = settled(&one, &run).await;
        match (started, forestalled.unwrap()) {
            (Err(StartFailed::AlreadyClaimed), Forestalled::NothingStarted) => {
                assert!(matches!(look, Look::NeverStarted { .. }));
                assert_eq!(place.starts(), before);
            }
            // The claim was made and the start was barred behind it.
            (Ok(()), Forestalled::NothingStarted) => {
                assert!(matches!(look, Look::NeverStarted { .. }), "{look:?}");
                assert_eq!(place.starts(), before);
            }
            (Ok(()), Forestalled::Exists(_)) => match look {
                Look::Finished(_) => assert_eq!(place.starts(), before + 1),
                Look::NeverStarted { .. } => assert_eq!(place.starts(), before),
                look => panic!("{look:?}"),
            },
            (started, forestalled) => panic!("{started:?}, {forestalled:?}"),
        }
    }
}

#[tokio::test]
async fn the_time_limit_ends_a_script_and_a_grandchild_that_ignore_being_told() {
    let place = Place::new();
    let server = place.server();
    let mut order = place.order(
        "deaf",
        "#!/bin/sh\ntrap '' TERM\nsh -c 'trap \"\" TERM; echo $$ > grandchild; while :; do sleep 0.05; done' &\n\
         echo $$ > leader\nwhile :; do sleep 0.05; done\n",
    );
    (order.time_limit, order.grace) = (Span::millis(300), Span::millis(200));
    server.start(&order).await.unwrap();
    let end = finished(&server, "deaf").await;
    assert_eq!((end.exit_code, end.signal, &end.why), (None, Some(9), &Why::TimedOut));
    let took = end.ended_at - end.started_at;
    assert!(Span::millis(500) <= took && took < Span::seconds(5), "{}", took.as_millis());
    let lines = checked_log(&server, &place, "deaf", &end).await;
    let notes = text(&lines, Stream::Note);
    assert!(notes.contains("the time limit of 0:00 passed: TERM") && notes.contains("KILL to the whole"), "{notes}");
    for name in ["leader", "grandchild"] {
        let pid = place.trace(name).unwrap().trim().parse().unwrap();
        assert!(is_gone(pid), "the {name} still runs after the run ended");
    }
}

#[tokio::test]
async fn a_run_of_a_dead_server_is_cancelled_by_the_next() {
    let place = Place::new();
    let mut order = place.order(
        "cancelled",
        "#!/bin/sh\ntrap 'echo heard; exit 5' TERM\necho $$ > leader\nwhile :; do sleep 0.02; done\n",
    );
    order.env.insert("HOME".to_owned(), "/".to_owned());
    place.server().start(&order).await.unwrap();
    eventually("the script", async || place.trace("leader")).await;
    let next = place.server();
    assert_eq!(next.cancel("cancelled").await.unwrap(), Cancelled::Asked);
    let end = finished(&next, "cancelled").await;
    assert_eq!((end.exit_code, end.signal, &end.why), (Some(5), None, &Why::Cancelled));
    assert_eq!(text(&whole_log(&next, "cancelled").await, Stream::Out), "heard\n");
    assert!(end.ended_at - end.started_at < Span::seconds(9), "not by waiting for the grace");
}

#[tokio::test]
async fn a_stopped_script_hears_its_cancel_too() {
    let place = Place::new();
    let server = place.server();
    server.start(&place.order("stopped", "#!/bin/sh\necho $$ > leader\nkill -STOP $$\n")).await.unwrap();
    eventually("the script", async || place.trace("leader")).await;
    server.cancel("stopped").await.unwrap();
    let end = finished(&server, "stopped").await;
    assert_eq!((end.signal, &end.why), (Some(15), &Why::Cancelled));
}

#[tokio::test]
async fn a_killed_supervisor_means_lost_and_what_is_left_can_be_ended() {
    let place = Place::new();
    let server = place.server();
    let script = format!("{COUNT}trap '' PIPE\necho hello\necho $$ > leader\nwhile :; do sleep 0.02; done\n");
    server.start(&place.order("lost", &script)).await.unwrap();
    let leader: i32 = eventually("the script", async || place.trace("leader")).await.trim().parse().unwrap();
    eventually("the output", async || whole_log(&server, "lost").await.first().map(drop)).await;
    let Look::Running { pid, .. } = server.look("lost").await.unwrap() else { panic!("it runs") };
    kill(pid, Signal::KILL);
    let look = settled(&server, "lost").await;
    let Look::Lost { why, remains: Some(group) } = look else { panic!("{look:?}") };
    assert!(why.contains("still runs") && group.pgid == leader, "{why}");
    assert!(!is_gone(leader));
    assert!(matches!(server.start(&place.order("lost", &script)).await, Err(StartFailed::AlreadyClaimed)));
    assert!(matches!(server.forestall("lost").await.unwrap(), Forestalled::Exists(Look::Lost { .. })));
    assert!(matches!(server.cancel("lost").await.unwrap(), Cancelled::Nothing(Look::Lost { .. })));
    assert_eq!(text(&whole_log(&server, "lost").await, Stream::Out), "hello\n");

    // Another process of the same number is not touched.
    let record = place.root().join("lost/script.json");
    let right = std::fs::read_to_string(&record).unwrap();
    let mut wrong: serde_json::Value = serde_json::from_str(&right).unwrap();
    wrong["leader"]["start"] = serde_json::json!(1);
    std::fs::write(&record, wrong.to_string()).unwrap();
    assert!(matches!(server.look("lost").await.unwrap(), Look::Lost { remains: None, .. }));
    assert_eq!(server.kill_remains("lost").await.unwrap(), Remains::None);
    assert!(!is_gone(leader));
    std::fs::write(&record, right).unwrap();

    assert_eq!(server.kill_remains("lost").await.unwrap(), Remains::Killed(group));
    eventually("the end of the script", async || is_gone(leader).then_some(())).await;
    assert!(matches!(server.look("lost").await.unwrap(), Look::Lost { remains: None, .. }));
    assert_eq!(place.starts(), 1);
}

#[tokio::test]
async fn a_supervisor_that_does_not_answer_past_its_limit_is_lost_until_it_wakes() {
    let place = Place::new();
    let server = place.server();
    server.start(&place.order("stuck", "#!/bin/sh\necho $$ > leader\nsleep 0.3\n")).await.unwrap();
    eventually("the script", async || place.trace("leader")).await;
    let Look::Running { pid, .. } = server.look("stuck").await.unwrap() else { panic!("it runs") };
    kill(pid, Signal::STOP);
    assert!(matches!(server.look("stuck").await.unwrap(), Look::Running { .. }));
    // As if limit, grace and slack had passed: the supervisor began that much earlier.
    let record = place.root().join("stuck/meta.json");
    let mut meta: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    meta["uptime"] = serde_json::json!(meta["uptime"].as_i64().unwrap() - Span::seconds(101).0);
    std::fs::write(&record, meta.to_string()).unwrap();
    let look = server.look("stuck").await.unwrap();
    assert!(matches!(&look, Look::Lost { why, .. } if why.contains("does not answer")), "{look:?}");
    kill(pid, Signal::CONT);
    let end = eventually("the end", async || match server.look("stuck").await.unwrap() {
        Look::Finished(end) => Some(end),
        _ => None,
    })
    .await;
    assert!(end.succeeded());
}

#[tokio::test]
async fn after_a_reboot_an_unfinished_run_is_lost() {
    let place = Place::new();
    let server = place.server();
    server.start(&place.order("rebooted", "#!/bin/sh\necho $$ > leader\nsleep 60\n")).await.unwrap();
    let leader: i32 = eventually("the script", async || place.trace("leader")).await.trim().parse().unwrap();
    let Look::Running { pid, .. } = server.look("rebooted").await.unwrap() else { panic!("it runs") };
    kill(pid, Signal::KILL);
    settled(&server, "rebooted").await;
    let record = place.root().join("rebooted/meta.json");
    let mut meta: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    meta["boot_id"] = serde_json::json!("another boot");
    std::fs::write(&record, meta.to_string()).unwrap();
    let look = server.look("rebooted").await.unwrap();
    assert!(matches!(&look, Look::Lost { why, remains: None } if why.contains("restarted")), "{look:?}");
    kill(leader, Signal::KILL);
}

#[tokio::test]
async fn a_claim_without_a_supervisor_proves_that_nothing_started() {
    let place = Place::new();
    // The state that a server leaves which is killed between the claim and the spawn.
    let broken = place.server().with_exe(PathBuf::from("/nonexistent/backout"));
    let order = place.order("orphan", COUNT);
    assert!(matches!(broken.start(&order).await, Err(StartFailed::AfterClaim(_))));
    let server = place.server();
    assert!(matches!(server.look("orphan").await.unwrap(), Look::NeverStarted { .. }));
    assert_eq!(server.forestall("orphan").await.unwrap(), Forestalled::NothingStarted);
    assert!(matches!(server.start(&order).await, Err(StartFailed::AlreadyClaimed)));
    assert_eq!(place.starts(), 0);
}

#[tokio::test]
async fn forestalling_comes_before_any_start() {
    let place = Place::new();
    let server = place.server();
    assert_eq!(server.forestall("early").await.unwrap(), Forestalled::NothingStarted);
    assert_eq!(server.forestall("early").await.unwrap(), Forestalled::NothingStarted);
    assert!(matches!(server.start(&place.order("early", COUNT)).await, Err(StartFailed::AlreadyClaimed)));
    assert!(matches!(server.look("early").await.unwrap(), Look::NeverStarted { .. }));
    assert_eq!(place.starts(), 0);
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

#[tokio::test]
async fn a_start_that_hangs_is_barred_for_good() {
    let place = Place::new();
    let server = place.server().with_exe(late_supervisor(&place));
    server.start(&place.order("late", COUNT)).await.unwrap();
    assert!(matches!(server.look("late").await.unwrap(), Look::Starting { .. }));
    // As if the claim were older than a minute.
    let record = place.root().join("late/claim.json");
    let mut claim: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    claim["uptime"] = serde_json::json!(claim["uptime"].as_i64().unwrap() - Span::seconds(61).0);
    std::fs::write(&record, claim.to_string()).unwrap();
    assert!(matches!(server.look("late").await.unwrap(), Look::NeverStarted { .. }));
    // Now the supervisor comes after all, and finds itself barred.
    std::fs::write(place.base.join("go"), "").unwrap();
    let exit = place.root().join("late/exit.json");
    eventually("the last record", async || exit.exists().then_some(())).await;
    assert!(matches!(server.look("late").await.unwrap(), Look::NeverStarted { .. }));
    assert_eq!(place.starts(), 0);
}

#[tokio::test]
async fn a_cancel_before_the_supervisor_began_is_not_lost() {
    let place = Place::new();
    let server = place.server().with_exe(late_supervisor(&place));
    server.start(&place.order("early", COUNT)).await.unwrap();
    assert_eq!(server.cancel("early").await.unwrap(), Cancelled::Asked);
    std::fs::write(place.base.join("go"), "").unwrap();
    assert!(matches!(settled(&server, "early").await, Look::NeverStarted { .. }));
    assert_eq!(place.starts(), 0);
}

#[tokio::test]
async fn fifty_megabytes_of_output_are_cut_at_one_and_the_script_goes_on() {
    let place = Place::new();
    let server = place.server();
    let script = "#!/bin/sh\nhead -c 50000000 /dev/zero | tr '\\0' 'a' | fold -w 99\necho done > done\nexit 4\n";
    let order = RunOrder { log_limit: 1_000_000, ..place.order("loud", script) };
    server.start(&order).await.unwrap();
    let end = finished(&server, "loud").await;
    assert_eq!((end.exit_code, &end.why, end.log_cut), (Some(4), &Why::Exited, true));
    assert_eq!(place.trace("done").as_deref(), Some("done\n"));
    let size = std::fs::metadata(place.root().join("loud/log")).unwrap().len();
    assert!((900_000..1_000_300).contains(&size), "{size}");
    let lines = checked_log(&server, &place, "loud", &end).await;
    let notes: Vec<_> = lines.iter().filter(|line| line.stream == Stream::Note).collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].n, end.lines, "it is the last line");
}

#[tokio::test]
async fn output_is_kept_byte_for_byte() {
    let place = Place::new();
    let server = place.server();
    let script = "#!/bin/sh\nprintf '\\377\\376 \\033[31mred\\000\\r\\n\\n'\nhead -c 40000 /dev/zero | tr '\\0' b\n\
                  printf '\\nno line end'\nprintf 'half an error' >&2\n";
    server.start(&place.order("raw", script)).await.unwrap();
    let end = finished(&server, "raw").await;
    assert!(end.succeeded());
    let lines = checked_log(&server, &place, "raw", &end).await;
    let mut expected = b"\xff\xfe \x1b[31mred\0\r\n\n".to_vec();
    expected.extend(vec![b'b'; 40_000]);
    expected.extend_from_slice(b"\nno line end");
    assert_eq!(output(&lines, Stream::Out), expected);
    assert_eq!(output(&lines, Stream::Err), b"half an error");
    assert!(lines.iter().all(|line| line.bytes.len() <= 16 * 1024));
}

#[tokio::test]
async fn a_background_process_that_holds_the_output_is_ended_a_second_later() {
    let place = Place::new();
    let server = place.server();
    server
        .start(&place.order("holder", "#!/bin/sh\nsleep 60 &\necho $! > holder\nprintf 'last words'\n"))
        .await
        .unwrap();
    let end = finished(&server, "holder").await;
    assert!(end.succeeded());
    assert!(end.ended_at - end.started_at < Span::seconds(5));
    let lines = checked_log(&server, &place, "holder", &end).await;
    assert_eq!(text(&lines, Stream::Out), "last words");
    assert!(text(&lines, Stream::Note).contains("held open"));
    assert!(is_gone(place.trace("holder").unwrap().trim().parse().unwrap()));
}

#[tokio::test]
async fn a_silent_background_process_of_the_group_ends_with_the_run() {
    let place = Place::new();
    let server = place.server();
    let script = "#!/bin/sh\nsleep 60 >/dev/null 2>&1 &\necho $! > left\n";
    server.start(&place.order("silent", script)).await.unwrap();
    assert!(finished(&server, "silent").await.succeeded());
    assert!(is_gone(place.trace("left").unwrap().trim().parse().unwrap()));
}

#[tokio::test]
async fn a_script_sees_exactly_the_granted_environment_and_no_other_files() {
    let place = Place::new();
    let server = place.server();
    let script = "#!/bin/bash\nwhile IFS= read -r -d '' pair; do echo \"$pair\"; done < /proc/$$/environ\n\
                  echo; ls /proc/self/fd\nreadlink /proc/self/fd/0\n\
                  grep -E 'NoNewPrivs' /proc/self/status; ulimit -c; ulimit -n; ulimit -f\nps -o sid=,pgid= $$ >/dev/null; tr '\\0' ' ' < /proc/$PPID/cmdline\n";
    let mut order = place.order("env", script);
    order.env = BTreeMap::from([("TOKEN".to_owned(), "sword fish".to_owned()), ("EMPTY".to_owned(), String::new())]);
    order.limits = Limits { processes: Some(100_000), file_bytes: Some(1 << 30), open_files: Some(64) };
    server.start(&order).await.unwrap();
    let end = finished(&server, "env").await;
    assert!(end.succeeded(), "{end:?}");
    let lines = checked_log(&server, &place, "env", &end).await;
    let seen = text(&lines, Stream::Out);
    let (environment, rest) = seen.split_once("\n\n").unwrap();
    let mut environment: Vec<_> = environment.lines().collect();
    environment.sort_unstable();
    let path = format!("PATH={}", backout::executor::environment::PATH);
    assert_eq!(environment, ["EMPTY=", "LC_ALL=C.UTF-8", path.as_str(), "TOKEN=sword fish"]);
    // 0, 1, 2, and the folder that ls itself opened.
    let rest: Vec<_> = rest.lines().collect();
    assert_eq!(rest[..5], ["0", "1", "2", "3", "/dev/null"]);
    assert_eq!(rest[5..9], ["NoNewPrivs:\t1", "0", "64", "1048576"]);
    assert!(!rest[9].contains("fish"), "a secret among arguments: {}", rest[9]);
    // No file of the run holds the secret but the log, to which this script printed it.
    for entry in std::fs::read_dir(place.root().join("env")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.file_name() != "log" {
            assert!(!String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).contains("fish"));
        }
    }
}

#[tokio::test]
async fn names_that_choose_code_are_refused_before_any_claim() {
    let place = Place::new();
    let server = place.server();
    for name in ["LD_PRELOAD", "BASH_ENV", "ENV", "GIT_SSH_COMMAND", "PYTHONPATH", "NODE_OPTIONS", "PATH"] {
        let mut order = place.order("refused", COUNT);
        order.env.insert(name.to_owned(), "x".to_owned());
        assert!(matches!(server.start(&order).await, Err(StartFailed::Order(OrderFault::Environment(_)))), "{name}");
    }
    let nul = RunOrder { args: vec!["a\0b".to_owned()], ..place.order("refused", COUNT) };
    assert!(matches!(server.start(&nul).await, Err(StartFailed::Order(OrderFault::Argument(1)))));
    assert_eq!(server.look("refused").await.unwrap(), Look::NotClaimed);
}

#[tokio::test]
async fn a_script_swapped_after_the_approval_is_refused_before_any_claim() {
    let place = Place::new();
    let server = place.server();
    let mut order = place.order("swapped", COUNT);
    order.script = b"#!/bin/sh\necho evil >> starts\n".to_vec();
    assert!(matches!(server.start(&order).await, Err(StartFailed::Order(OrderFault::ScriptChanged { .. }))));
    assert_eq!(server.look("swapped").await.unwrap(), Look::NotClaimed);
    // The same run id is still good for the right script.
    server.start(&place.order("swapped", COUNT)).await.unwrap();
    assert!(finished(&server, "swapped").await.succeeded());
    assert_eq!(place.starts(), 1);
}

#[tokio::test]
async fn a_private_copy_swapped_before_the_supervisor_comes_is_refused() {
    let place = Place::new();
    let server = place.server().with_exe(late_supervisor(&place));
    server.start(&place.order("copy", COUNT)).await.unwrap();
    let copy = place.root().join("copy/script/rollback.sh");
    std::fs::write(&copy, "#!/bin/sh\necho evil >> starts\n").unwrap();
    std::fs::write(place.base.join("go"), "").unwrap();
    let end = finished(&server, "copy").await;
    assert!(matches!(&end.why, Why::CouldNotStart(why) if why.contains("was changed")), "{end:?}");
    assert_eq!(place.starts(), 0);
}

#[tokio::test]
async fn links_and_open_folders_are_refused() {
    let place = Place::new();
    let server = place.server();
    let elsewhere = place.base.join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.root().join("link")).unwrap();
    let fault = server.start(&place.order("link", COUNT)).await.unwrap_err();
    assert!(matches!(&fault, StartFailed::BeforeClaim(_)) && fault.to_string().contains("a link"), "{fault}");
    assert!(matches!(server.look("link").await, Err(CannotTell::Io(_))), "a look never follows one either");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);

    std::fs::create_dir(place.root().join("open")).unwrap();
    std::fs::set_permissions(place.root().join("open"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let fault = server.start(&place.order("open", COUNT)).await.unwrap_err();
    assert!(fault.to_string().contains("chmod 700"), "{fault}");

    std::os::unix::fs::symlink(&elsewhere, place.base.join("root-link")).unwrap();
    assert!(Supervisor::new(&place.base.join("root-link"), Arc::new(SystemClock)).is_err());
    for run in ["..", "../x", "", "a/b", ".hidden"] {
        assert!(matches!(server.look(run).await, Err(CannotTell::RunId(_))), "{run:?}");
        assert!(matches!(server.forestall(run).await, Err(CannotTell::RunId(_))), "{run:?}");
    }
    assert_eq!(place.starts(), 0);
}

#[tokio::test]
async fn a_script_that_cannot_be_executed_is_finished_and_says_why() {
    let place = Place::new();
    let server = place.server();
    let cases: [(&str, &[u8], PathBuf, &str); 3] = [
        ("no-interpreter", b"#!/nonexistent/sh\n", place.world(), "cannot be executed"),
        ("no-program", b"\x7fELF but not really", place.world(), "cannot be executed"),
        ("no-directory", COUNT.as_bytes(), place.world().join("missing"), "the directory"),
    ];
    for (run, script, directory, reason) in cases {
        server.start(&order(run, script, &directory)).await.unwrap();
        let end = finished(&server, run).await;
        assert!(matches!(&end.why, Why::CouldNotStart(why) if why.contains(reason)), "{end:?}");
        assert!(!end.succeeded() && end.exit_code.is_none());
        checked_log(&server, &place, run, &end).await;
    }
    assert_eq!(place.starts(), 0);
}

#[tokio::test]
async fn a_second_supervisor_of_the_same_run_starts_nothing() {
    let place = Place::new();
    let server = place.server();
    server.start(&place.order("once", COUNT)).await.unwrap();
    finished(&server, "once").await;
    // By hand, with and without the lock as standard input.
    let folder = place.root().join("once");
    let alive = std::fs::File::open(folder.join("alive")).unwrap();
    for stdin in [Stdio::null(), Stdio::from(alive)] {
        let mut again = Command::new(env!("CARGO_BIN_EXE_backout"));
        let again = again.arg("supervise").arg(&folder).stdin(stdin).stderr(Stdio::null());
        assert!(!again.status().await.unwrap().success());
    }
    assert_eq!(place.starts(), 1);
}

#[tokio::test]
async fn damaged_records_mean_lost_and_not_a_question_for_ever() {
    let place = Place::new();
    let server = place.server();
    server.start(&place.order("damaged", COUNT)).await.unwrap();
    finished(&server, "damaged").await;
    std::fs::write(place.root().join("damaged/exit.json"), "{").unwrap();
    let look = server.look("damaged").await.unwrap();
    assert!(matches!(&look, Look::Lost { why, .. } if why.contains("exit.json")), "{look:?}");
}

#[tokio::test]
async fn a_claim_that_a_power_failure_cut_off_means_that_nothing_began() {
    use std::os::unix::fs::DirBuilderExt;
    let place = Place::new();
    let server = place.server();
    let folder = place.root().join("cut");
    std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
    for name in ["alive", "claim.json"] {
        std::fs::write(folder.join(name), "").unwrap();
    }
    assert!(matches!(server.look("cut").await.unwrap(), Look::NeverStarted { .. }));
    assert_eq!(server.forestall("cut").await.unwrap(), Forestalled::NothingStarted);
    let again = server.start(&place.order("cut", COUNT)).await;
    assert!(matches!(again, Err(StartFailed::AlreadyClaimed)), "a claim stays a claim: {again:?}");
    assert_eq!(place.starts(), 0);
    // Beside a first record it cannot have been cut off: somebody changed it.
    std::fs::write(folder.join("meta.json"), "{}").unwrap();
    assert!(matches!(server.look("cut").await.unwrap(), Look::Lost { .. }));
}

#[tokio::test]
async fn a_supervisor_is_small_and_its_own_session_apart_from_the_script() {
    let place = Place::new();
    // The server's clock does not matter to the supervisor.
    let clock = ManualClock::at(Timestamp(0));
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_backout"));
    let server = Supervisor::new(&place.root(), Arc::new(clock)).unwrap().with_exe(exe);
    server.start(&place.order("small", "#!/bin/sh\necho $$ > leader\nsleep 60\n")).await.unwrap();
    let leader: i32 = eventually("the script", async || place.trace("leader")).await.trim().parse().unwrap();
    let Look::Running { pid, .. } = server.look("small").await.unwrap() else { panic!("it runs") };
    let group = |pid: i32| rustix::process::getpgid(Pid::from_raw(pid)).unwrap().as_raw_nonzero().get();
    let session = |pid: i32| rustix::process::getsid(Pid::from_raw(pid)).unwrap().as_raw_nonzero().get();
    assert_eq!((session(pid), group(pid)), (pid, pid));
    assert_eq!((session(leader), group(leader)), (pid, leader));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    println!("supervisor: {resident}");
    let kilobytes: u64 = resident.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    // Its own memory: the program's pages are shared with the server.
    assert!(kilobytes < 8_000, "{resident}");
    server.cancel("small").await.unwrap();
    assert_eq!(finished(&server, "small").await.why, Why::Cancelled);
}
