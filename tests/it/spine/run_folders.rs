//! The folder of a run goes when it is long over and the store has all of it, and never before.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{FIRST, IC, IncidentWorld, Room};
use backout::domain::Span;
use backout::domain::command::{Command, Outcome};
use backout::domain::state::AttemptStatus;
use backout::executor::{Executor, Look};
use backout::worker::run_folders::{KEPT_AFTER_CLOSING, step};
use backout::worker::runs::Runs;
use std::path::Path;
use std::sync::Arc;

fn names(runs: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

on_both! {
    async fn a_run_folder_goes_a_month_after_its_incident_closed_and_never_while_anything_is_missing(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let supervisor = world.supervisor();
        let driver = tokio::spawn(Runs::new(app.clone(), Arc::new(supervisor.clone())).keep());
        let room = Room::p0(&app).await;
        room.take_command().await;
        room.approve(IC, "incident_commander").await;
        let run = room.reaches(AttemptStatus::Verifying).await.runs[0].id.clone();
        driver.abort();
        let runs = world.runs_folder();
        // A folder that no store knows, one of another incident, and what a crash left half removed.
        for other in ["notes", "RB-9999-1-1", ".going-RB-0001-9-9"] {
            std::fs::create_dir(runs.join(other)).unwrap();
        }
        let kept = ["RB-9999-1-1", run.0.as_str(), "notes"];
        clock.turn(Span::hours(60 * 24));
        assert_eq!(step(&app, &supervisor).await.unwrap(), 0, "an open incident may still ask for its runs");
        assert_eq!(names(&runs), sorted(&kept), "what was half removed is gone");

        room.must(IC, Command::DeclareFailed { attempt: FIRST, reason: "no better".to_owned() }).await;
        room.must(IC, Command::Close { outcome: Outcome::FixedForward, reason: "mended".to_owned() }).await;
        clock.turn(Span(KEPT_AFTER_CLOSING.0 - 1));
        assert_eq!(step(&app, &supervisor).await.unwrap(), 0, "it is not a month yet");

        clock.turn(Span(1));
        let log = app.store.log_from(&run.0, 0, 1_000).await.unwrap();
        world.database.by_hand("DELETE FROM log_chunks").await;
        assert_eq!(step(&app, &supervisor).await.unwrap(), 0, "the store has not the whole log");
        for chunk in &log {
            app.store.append_log(&run.0, chunk.first_line, chunk.count, &chunk.bytes).await.unwrap();
        }
        let alive = std::fs::File::open(runs.join(&run.0).join("alive")).unwrap();
        alive.lock().unwrap();
        assert_eq!(step(&app, &supervisor).await.unwrap(), 0, "somebody holds its lock");
        alive.unlock().unwrap();

        let other_host = backout::app::site::Site { host: "the-other-host".to_owned(), ..world.site() };
        assert_eq!(step(&world.app_with(other_host).await, &supervisor).await.unwrap(), 0, "another host's run");
        assert_eq!(names(&runs), sorted(&kept));

        assert_eq!(step(&app, &supervisor).await.unwrap(), 1);
        assert_eq!(names(&runs), sorted(&["RB-9999-1-1", "notes"]));
        assert_eq!(supervisor.look(&run.0).await.unwrap(), Look::NotClaimed);
        assert_eq!(app.store.log_from(&run.0, 0, 1_000).await.unwrap(), log, "its log is read from the store");
        assert_eq!(step(&app, &supervisor).await.unwrap(), 0);
    }
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    names
}
