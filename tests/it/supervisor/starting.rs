//! A run is started at most once, whoever asks and whoever is killed meanwhile.

use super::{
    ALREADY_CLAIMED, COUNT, Dice, PATIENCE, Place, STARTED, checked_log, finished, followed, late_supervisor,
    numbered_output, say_go, server_process, settled, text,
};
use crate::support::waiting::wait_for;
use backout::clock::{Clock, SystemClock};
use backout::domain::Span;
use backout::executor::{Cancelled, Executor, Forestalled, Look, StartFailed, Stream, Why};
use futures_util::{StreamExt, stream};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Fifty rounds, four of them at a time: enough to keep a small machine busy.
async fn fifty_rounds(round: impl AsyncFn(usize)) {
    stream::iter(0..50).for_each_concurrent(4, async |number| round(number).await).await;
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
    let moments: Vec<_> = (0..50).map(|_| Duration::from_micros(dice.below(150_000))).collect();
    fifty_rounds(async |round| {
        let place = Place::new();
        let run = format!("round-{round}");
        let mut first = server_process(&place, &run).await;
        say_go(&mut first).await;
        // The script is on its way; now any moment will do.
        wait_for(PATIENCE, "the first trace", async || place.trace("starts")).await;
        let _ = tokio::time::timeout(moments[round], first.wait()).await;
        let _ = first.kill().await;
        let next = place.server();
        let (end, followed) = followed(&next, &run).await;
        assert_eq!((end.exit_code, &end.why), (Some(7), &Why::Exited));
        let lines = checked_log(&next, &place, &run, &end).await;
        assert_eq!(lines, followed, "nothing was missed, and nothing came twice");
        assert_eq!(text(&lines, Stream::Out), numbered_output());
        assert_eq!(text(&lines, Stream::Err).lines().count(), 10);
        assert_eq!(place.starts(), 1);
    })
    .await;
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
    fifty_rounds(async |round| {
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
    })
    .await;
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
async fn forestalling_comes_before_any_start() {
    let place = Place::new();
    let server = place.server();
    assert_eq!(server.forestall("early").await.unwrap(), Forestalled::NothingStarted);
    assert_eq!(server.forestall("early").await.unwrap(), Forestalled::NothingStarted);
    assert!(matches!(server.start(&place.order("early", COUNT)).await, Err(StartFailed::AlreadyClaimed)));
    assert!(matches!(server.look("early").await.unwrap(), Look::NeverStarted { .. }));
    assert_eq!(place.starts(), 0);
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
    wait_for(PATIENCE, "the last record", async || exit.exists().then_some(())).await;
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
