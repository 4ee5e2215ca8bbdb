pub mod sample;

use super::*;
use crate::domain::condition::Series;
use crate::playbook::default_procedure;
use sample::{journal, names};

fn told() -> Report {
    report(&journal(), &default_procedure(), &names).unwrap()
}

#[test]
fn a_finished_incident_gives_a_complete_report_with_its_figures() {
    let report = told();
    assert_eq!(report.missing, Vec::<String>::new());
    let figures = &report.figures;
    assert_eq!(figures.detect, Some(Span::seconds(14)));
    assert_eq!(figures.authorise, Some(Span::seconds(268)));
    assert_eq!(figures.execute, Some(Span::seconds(871)));
    assert_eq!(figures.verify, Some(Span::seconds(1059)));
    assert_eq!(figures.restore, Some(Span::seconds(2214)));
    assert_eq!(figures.failed_runs, 1);
    assert_eq!(report.summary.outcome.as_deref(), Some("rolled back"));
    assert_eq!(report.summary.duration, Some(Span::seconds(2500)));
}

#[test]
fn an_approval_that_became_void_is_still_told() {
    let approvals = &told().attempts[0].approvals;
    let void: Vec<_> = approvals.iter().map(|approval| approval.void.is_some()).collect();
    assert_eq!(void, [true, false, false]);
    let plans = &told().attempts[0].submissions;
    assert!(plans[0].void.is_some() && plans[1].void.is_none());
}

#[test]
fn a_step_past_its_window_says_by_how_much() {
    let report = told();
    let steps = &report.attempts[0].steps;
    let verification = steps.iter().find(|step| step.step == 4).unwrap();
    assert_eq!(verification.to, Some(Span::seconds(1930)));
    assert_eq!(verification.late_by, Some(Span::seconds(130)));
    let service = steps.iter().find(|step| step.step == 3).unwrap();
    assert_eq!((service.from, service.late_by), (Some(Span::ZERO), None));
}

#[test]
fn a_lost_run_tells_who_judged_it_and_who_had_it_run_anew() {
    let report = told();
    let runs = &report.attempts[0].runs;
    assert_eq!(runs[0].judged.as_ref().map(|said| said.by.as_str()), Some("Tomás Rivera"));
    assert_eq!(runs[0].retried.as_ref().map(|said| said.text.as_str()), Some("The host is back"));
    assert_eq!((runs[1].end.as_str(), runs[1].lines), ("succeeded, exit 0", Some(218)));
}

#[test]
fn missed_updates_are_numbered() {
    assert_eq!(told().updates.missed, [2]);
    assert_eq!(told().updates.longest_gap, Some(Span::seconds(615)));
}

#[test]
fn values_stand_beside_a_criterion_at_the_tick_and_at_the_confirmation() {
    let report = told();
    let verification = report.attempts[0].verification.as_ref().unwrap();
    let errors = verification.criteria.iter().find(|criterion| criterion.text.starts_with("Error rate")).unwrap();
    assert_eq!(errors.measured_at_tick.as_deref(), Some("0.4\u{a0}%"));
    assert_eq!(errors.measured_at_confirmation.as_deref(), Some("0.3\u{a0}%"));
    assert_eq!(
        errors.required.as_deref(),
        Some(format!("below {} for 1\u{a0}min", Series::ErrorRate.show(10_000)).as_str())
    );
    assert_eq!(verification.unticked, ["Core features tested"]);
}

/// Cut off anywhere, a journal gives a report that says what is not known, and never a figure out of thin air.
#[test]
fn every_beginning_of_a_journal_gives_a_report() {
    let (journal, procedure) = (journal(), default_procedure());
    assert_eq!(report(&[], &procedure, &names), None);
    for length in 1..=journal.len() {
        let part = report(&journal[..length], &procedure, &names).unwrap();
        assert_eq!(part.timeline.len(), length);
        let confirmed = journal[..length]
            .iter()
            .any(|recorded| matches!(recorded.event, crate::domain::event::Event::SuccessConfirmed { .. }));
        assert_eq!(part.figures.restore.is_some(), confirmed, "after {length} events");
        assert_eq!(part.missing.is_empty(), length == journal.len(), "after {length} events: {:?}", part.missing);
    }
}
