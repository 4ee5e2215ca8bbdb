//! A run ends, is ended, or is lost: and which of them is known.

use super::{COUNT, PATIENCE, Place, checked_log, finished, is_gone, kill, settled, text, whole_log};
use crate::support::waiting::wait_for;
use backout::domain::Span;
use backout::executor::{Cancelled, Executor, Forestalled, Look, Remains, StartFailed, Stream, Why};
use rustix::process::Signal;
use std::path::PathBuf;

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
    wait_for(PATIENCE, "the script", async || place.trace("leader")).await;
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
    wait_for(PATIENCE, "the script", async || place.trace("leader")).await;
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
    let leader: i32 = wait_for(PATIENCE, "the script", async || place.trace("leader")).await.trim().parse().unwrap();
    wait_for(PATIENCE, "the output", async || whole_log(&server, "lost").await.first().map(drop)).await;
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
    wait_for(PATIENCE, "the end of the script", async || is_gone(leader).then_some(())).await;
    assert!(matches!(server.look("lost").await.unwrap(), Look::Lost { remains: None, .. }));
    assert_eq!(place.starts(), 1);
}

#[tokio::test]
async fn a_supervisor_that_does_not_answer_past_its_limit_is_lost_until_it_wakes() {
    let place = Place::new();
    let server = place.server();
    server.start(&place.order("stuck", "#!/bin/sh\necho $$ > leader\nsleep 0.3\n")).await.unwrap();
    wait_for(PATIENCE, "the script", async || place.trace("leader")).await;
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
    let end = wait_for(PATIENCE, "the end", async || match server.look("stuck").await.unwrap() {
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
    let leader: i32 = wait_for(PATIENCE, "the script", async || place.trace("leader")).await.trim().parse().unwrap();
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
