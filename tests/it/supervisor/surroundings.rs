//! What a script is given, and which file it is: exactly the approved bytes, in exactly the granted surroundings.

use super::{COUNT, PATIENCE, Place, checked_log, finished, late_supervisor, order, text};
use crate::support::waiting::wait_for;
use backout::clock::{ManualClock, SystemClock};
use backout::domain::Timestamp;
use backout::executor::{
    CannotTell, Executor, Limits, Look, OrderFault, RunOrder, StartFailed, Stream, Supervisor, Why,
};
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

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
async fn a_supervisor_is_small_and_its_own_session_apart_from_the_script() {
    let place = Place::new();
    // The server's clock does not matter to the supervisor.
    let clock = ManualClock::at(Timestamp(0));
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_backout"));
    let server = Supervisor::new(&place.root(), Arc::new(clock)).unwrap().with_exe(exe);
    server.start(&place.order("small", "#!/bin/sh\necho $$ > leader\nsleep 60\n")).await.unwrap();
    let leader: i32 = wait_for(PATIENCE, "the script", async || place.trace("leader")).await.trim().parse().unwrap();
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
