//! What was measured outlives its samples: the journal keeps it when an attempt ends and when the incident is closed
//! (T11), so that a report of years ago still shows what it looked like (L8).

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    COMPONENT, ENVIRONMENT, FIRST, IC, IncidentWorld, NOON, Room, TL, assert_whole, counted_runs, drive,
};
use backout::app::App;
use backout::app::gather::{probe_series, sample_value};
use backout::app::site::Site;
use backout::clock::ManualClock;
use backout::domain::command::{Command, Outcome};
use backout::domain::condition::{Sample, Series};
use backout::domain::curve::{Curve, MOST_POINTS};
use backout::domain::event::{Event, Mark};
use backout::domain::recovery::Trace;
use backout::domain::report::report;
use backout::domain::state::AttemptStatus;
use backout::domain::{PersonId, Role, Span};
use backout::store;
use backout::worker::tidying;

/// A probed service that failed from five minutes before noon on.
async fn opened(database: Database) -> (IncidentWorld, ManualClock, App, Room) {
    let (world, clock) = IncidentWorld::at_noon(database).await;
    let probed = [(ENVIRONMENT.to_owned(), COMPONENT.to_owned())].into();
    let app = world.app_with(Site { probed, ..world.site() }).await;
    measured(&app, -900, -300, true).await;
    measured(&app, -300, 0, false).await;
    let room = Room::p0(&app).await;
    room.take_command().await;
    (world, clock, app, room)
}

/// A sample every five seconds, counted from noon: all well, or all failed.
async fn measured(app: &App, from: i64, until: i64, ok: bool) {
    let samples = (from..until).step_by(5).map(|second| {
        let at = NOON + Span::seconds(second);
        let value = sample_value(&Sample { at, ok, micros: 200_000 });
        store::Sample { series: probe_series(ENVIRONMENT, COMPONENT), at, value }
    });
    app.store.insert_samples(&samples.collect::<Vec<_>>()).await.unwrap();
}

async fn kept(room: &Room) -> Vec<Vec<Curve>> {
    let curves = |event: &Event| match event {
        Event::MeasuresKept { curves } => Some(curves.clone()),
        _ => None,
    };
    room.journal().await.iter().filter_map(|recorded| curves(&recorded.event)).collect()
}

async fn traces(app: &App, room: &Room) -> Vec<Trace> {
    app.measured(&app.look(&room.id).await.unwrap()).await.unwrap().traces
}

/// The rollback runs, and the technical lead confirms it ten minutes after noon.
async fn succeeded(app: &App, clock: &ManualClock, room: &Room) {
    room.approve(IC, "incident_commander").await;
    let (runs, _) = counted_runs(app);
    drive(app, &[&runs]).await;
    room.reaches(AttemptStatus::Verifying).await;
    measured(app, 0, 120, false).await;
    measured(app, 120, 600, true).await;
    clock.turn(Span::minutes(10));
    room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
    for criterion in &app.look(&room.id).await.unwrap().gathered.procedure.verification.criteria {
        let mark = Some(Mark::Done { note: "looked at it".to_owned() });
        room.must(TL, Command::MarkCriterion { attempt: FIRST, criterion: criterion.name.clone(), mark }).await;
    }
    assert_eq!(kept(room).await.len(), 0, "nothing ended yet");
    room.must(TL, Command::ConfirmSuccess { attempt: FIRST }).await;
}

on_both! {
    async fn a_closed_incident_still_shows_its_measurements_when_its_samples_are_gone(database) {
        let (_world, clock, app, room) = opened(database).await;
        succeeded(&app, &clock, &room).await;
        assert_eq!(kept(&room).await.len(), 1, "the end of the attempt keeps what was measured");
        measured(&app, 600, 1_200, true).await;
        clock.turn(Span::minutes(10));
        room.must(IC, Command::Close { outcome: Outcome::RolledBack, reason: "it serves again".to_owned() }).await;
        let parts = kept(&room).await;
        assert_eq!(parts.len(), 2, "and the closing what came after it");
        let newest = parts[0][0].newest;
        assert_eq!(Some(parts[1][0].from), newest, "from the newest sample that was written: without a gap");
        assert!(parts.iter().flatten().all(|curve| curve.values.len() <= MOST_POINTS));

        let before = traces(&app, &room).await;
        let errors = before.iter().find(|trace| trace.series == Series::ErrorRate).unwrap();
        let sentence = errors.sentence().replace('\u{a0}', " ");
        assert_eq!(sentence, "Error rate peaked at 100 % at 11:55 UTC, below 1 % since 12:03.");
        assert!(errors.ended && errors.points.len() <= MOST_POINTS);

        clock.turn(Span::hours(8 * 24));
        tidying::step(&app).await.unwrap();
        let left = app.store.samples(&probe_series(ENVIRONMENT, COMPONENT), NOON - Span::hours(1), app.clock.now()).await;
        assert_eq!(left.unwrap(), vec![], "no sample is left");
        assert_eq!(traces(&app, &room).await, before, "and every plot is as it was");

        let journal = room.journal().await;
        let looked = app.look(&room.id).await.unwrap();
        let names = |person: &PersonId| person.0.clone();
        let report = report(&journal, &looked.gathered.procedure, &names).unwrap();
        let told = report.measured.iter().find(|trace| trace.series == Series::ErrorRate).unwrap();
        assert_eq!((&told.points, told.sentence()), (&errors.points, errors.sentence()), "the journal alone tells it");
        assert_whole(&app.store).await;
    }

    async fn a_failed_attempt_keeps_what_was_measured_and_a_refused_one_does_not(database) {
        let (_world, clock, app, room) = opened(database).await;
        let reason = "it is no better".to_owned();
        room.refusal(IC, Command::Close { outcome: Outcome::RolledBack, reason: reason.clone() }).await;
        assert_eq!(kept(&room).await.len(), 0);
        room.approve(IC, "incident_commander").await;
        let (runs, _) = counted_runs(&app);
        drive(&app, &[&runs]).await;
        room.reaches(AttemptStatus::Verifying).await;
        measured(&app, 0, 300, false).await;
        clock.turn(Span::minutes(5));
        room.must(IC, Command::DeclareFailed { attempt: FIRST, reason }).await;
        let parts = kept(&room).await;
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0][0].to, app.clock.now());
        assert_eq!(parts[0].iter().map(|curve| curve.series.key()).collect::<Vec<_>>(), [
            "error_rate", "response_time", "availability",
        ]);
        assert_whole(&app.store).await;
    }

    async fn where_nothing_is_probed_nothing_is_kept(database) {
        let (world, _clock) = IncidentWorld::at_noon(database).await;
        let app = world.app().await;
        let room = Room::p0(&app).await;
        room.clear().await;
        room.must(IC, Command::Close { outcome: Outcome::NotRolledBack, reason: "a false alarm".to_owned() }).await;
        assert_eq!(kept(&room).await.len(), 0);
        assert_eq!(traces(&app, &room).await, vec![]);
    }
}
