//! The default playbook says what the written procedure says.

use crate::domain::Span;
use crate::domain::condition::{Condition, Direction, Series};
use crate::domain::procedure::*;
use crate::playbook::{DEFAULT, content_hash, default_procedure, parse, render, seeds};
use std::collections::BTreeMap;

#[test]
fn it_is_read_without_a_fault() {
    if let Err(faults) = parse(DEFAULT) {
        panic!("{}", faults.iter().map(|fault| format!("{fault}\n")).collect::<String>());
    }
}

#[test]
fn the_four_measured_triggers_have_the_procedures_thresholds_and_durations() {
    let procedure = default_procedure();
    let measured = procedure.triggers.iter().filter_map(|trigger| match &trigger.detection {
        Detection::Metric { condition, query } => Some((trigger.text.as_str(), condition.clone(), query.is_some())),
        _ => None,
    });
    let condition = |series, direction, threshold, minutes| Condition {
        series,
        direction,
        threshold,
        hold: Span::minutes(minutes),
        look_back: Span::seconds(60),
        interval: crate::domain::condition::USUAL_INTERVAL,
    };
    let expected = [
        ("Error rate >10% for >5 minutes", condition(Series::ErrorRate, Direction::Above, 100_000, 5), true),
        (
            "Response time >10 seconds for >5 minutes",
            condition(Series::ResponseTime, Direction::Above, Span::seconds(10).0, 5),
            true,
        ),
        (
            "System availability <90% for >10 minutes",
            condition(Series::Availability, Direction::Below, 900_000, 10),
            true,
        ),
        (
            "Database connection failures >50% for >5 minutes",
            condition(Series::Other("database_connection_failures".to_owned()), Direction::Above, 500_000, 5),
            true,
        ),
    ];
    assert_eq!(measured.collect::<Vec<_>>(), expected);
}

#[test]
fn the_procedures_28_triggers_are_there_and_six_cases_of_its_criteria_beside_them() {
    let procedure = default_procedure();
    let count = |wanted: fn(&Detection) -> bool| procedure.triggers.iter().filter(|it| wanted(&it.detection)).count();
    assert_eq!(count(|it| matches!(it, Detection::Metric { .. })), 4);
    assert_eq!(count(|it| matches!(it, Detection::Signal { .. })), 12);
    assert_eq!(count(|it| matches!(it, Detection::Person)), 12 + 6);
}

#[test]
fn the_two_measured_criteria_have_the_procedures_limits() {
    let procedure = default_procedure();
    let limit =
        |name: &str| procedure.criterion(name).unwrap().condition.clone().map(|it| (it.direction, it.threshold));
    assert_eq!(limit("error-rate-low"), Some((Direction::Below, 10_000)));
    assert_eq!(limit("response-time-low"), Some((Direction::Below, Span::seconds(2).0)));
    assert_eq!(limit("user-impact-resolved"), None);
    let never_waived = procedure.verification.criteria.iter().filter(|it| it.always_applies).map(|it| it.name.as_str());
    assert_eq!(never_waived.collect::<Vec<_>>(), ["safety-systems", "data-integrity"]);
}

#[test]
fn every_decision_at_every_severity_has_its_slots() {
    let procedure = default_procedure();
    let slots = |decision: Decision, severity: Severity| -> Vec<String> {
        let matching = procedure.authorities.iter().filter(|authority| {
            authority.when.decision.contains(&decision)
                && (authority.when.severity.is_empty() || authority.when.severity.contains(&severity))
        });
        matching.flat_map(|authority| authority.slots.iter().map(|slot| slot.role.clone())).collect()
    };
    assert_eq!(slots(Decision::Immediate, Severity::P0), ["incident_commander"]);
    for severity in [Severity::P1, Severity::P2, Severity::P3] {
        assert_eq!(slots(Decision::Immediate, severity), ["incident_commander", "technical_lead"]);
    }
    for severity in Severity::ALL {
        assert_eq!(slots(Decision::Considered, severity), ["technical_lead", "incident_commander", "management"]);
        assert_eq!(slots(Decision::NotRequired, severity), ["incident_commander", "management"]);
    }
}

#[test]
fn a_categorys_own_advice_is_that_of_the_rule_that_asks_for_it() {
    let procedure = default_procedure();
    for category in &procedure.categories {
        let rules: Vec<&Rule> =
            procedure.rules.iter().filter(|rule| rule.when.category == [category.name.clone()]).collect();
        assert!(!rules.is_empty(), "no rule asks for the category {}", category.name);
        for rule in rules {
            assert_eq!(rule.decision, category.decision, "{}", rule.name);
            assert!(rule.severity.is_none_or(|severity| severity == category.severity), "{}", rule.name);
        }
    }
}

#[test]
fn the_steps_have_the_procedures_windows() {
    let procedure = default_procedure();
    let windows = procedure.checklists.iter().filter_map(|list| match (list.phase, list.window) {
        (Phase::Step(step), Some(window)) => Some((step, window.from, window.to)),
        _ => None,
    });
    let m = Span::minutes;
    let expected = [
        (1, m(0), Some(m(5))),
        (2, m(0), Some(m(10))),
        (3, m(5), Some(m(15))),
        (4, m(15), Some(m(30))),
        (5, m(0), None),
    ];
    assert_eq!(windows.collect::<Vec<_>>(), expected);
}

#[test]
fn step_four_has_thirteen_checks_and_conditions_stand_where_the_procedure_has_them() {
    let procedure = default_procedure();
    assert_eq!(procedure.items().filter(|(list, _, _)| list.phase == Phase::Step(4)).count(), 13);
    let conditional = procedure.items().filter(|(_, _, item)| item.condition.is_some());
    let conditional: Vec<&str> = conditional.map(|(_, _, item)| item.name.as_str()).collect();
    assert_eq!(conditional, ["pause-registrations", "notify-users", "activate-maintenance-mode"]);
    let groups = procedure.checklists.iter().flat_map(|list| &list.groups).filter(|group| group.condition.is_some());
    assert_eq!(
        groups.map(|group| group.title.as_deref().unwrap_or_default()).collect::<Vec<_>>(),
        ["Database Rollback"]
    );
}

#[test]
fn what_gates_an_application_rollback_is_what_the_machine_can_tick() {
    let procedure = default_procedure();
    for kind in [RollbackType::Full, RollbackType::Partial, RollbackType::Configuration] {
        for (_, _, item) in procedure.items().filter(|(list, _, item)| {
            list.phase == Phase::Before && item.required && (item.types.is_empty() || item.types.contains(&kind))
        }) {
            assert!(item.evidence.is_some(), "{} would make a {kind} wait for a person", item.name);
            assert_ne!(item.evidence, Some(Evidence::BackupVerified), "{} would make a {kind} wait", item.name);
        }
    }
}

#[test]
fn the_three_scripts_are_called_exactly_as_written() {
    let procedure = default_procedure();
    let values = BTreeMap::from([
        ("release", "<previous-version>".to_owned()),
        ("environment", "production".to_owned()),
        ("backup", "<backup-id>".to_owned()),
        ("config", "<config-version>".to_owned()),
    ]);
    for executor in &procedure.executors {
        let ExecutorKind::Process { program, args, .. } = &executor.kind else { continue };
        let words = args.iter().map(|argument| render(argument, &values).unwrap());
        let called = std::iter::once(format!("./{program}")).chain(words).collect::<Vec<_>>().join(" ");
        assert_eq!(executor.seed.last(), Some(&called));
    }
}

#[test]
fn a_restore_waits_for_stopped_writes_and_a_fresh_backup() {
    let procedure = default_procedure();
    let needs: Vec<&str> = procedure.action("database-rollback").unwrap().needs.iter().map(String::as_str).collect();
    assert_eq!(needs, ["stop-writes", "backup-current-state"]);
    assert_eq!(procedure.item("stop-writes").unwrap().2.text, "Stop application writes");
    assert_eq!(procedure.item("backup-current-state").unwrap().2.text, "Backup current database state");
}

#[test]
fn documents_are_kept_for_two_five_and_one_years() {
    let year = Span::hours(365 * 24).0;
    let kept = default_procedure().documents.into_iter().map(|it| (it.name, it.keep.map(|span| span.0 / year)));
    let expected = [("rollback-report", 2), ("post-mortem", 5), ("testing-record", 1)];
    assert_eq!(kept.collect::<Vec<_>>(), expected.map(|(name, years)| (name.to_owned(), Some(years))));
}

#[test]
fn a_progress_update_reads_well_with_and_without_what_may_be_missing() {
    let procedure = default_procedure();
    let mut values: BTreeMap<&str, String> = [
        ("incident", "RB-0142"),
        ("number", "3"),
        ("state", "executing"),
        ("step", "Service Rollback"),
        ("running", "app-rollback"),
        ("waiting", "nobody"),
        ("done", "7 of 12"),
        ("measured", "errors 0.4%"),
        ("elapsed", "T+10:00"),
        ("late", ""),
        ("remaining", ""),
        ("change", ""),
        ("beat", ""),
        ("next_at", "03:29:28"),
        ("note", ""),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    let template = &procedure.message("progress-update").unwrap().template;
    let expected = "Update 3 on RB-0142: executing, T+10:00.\nStep: Service Rollback\nRunning: app-rollback\n\
                    Waiting for: nobody\nDone: 7 of 12\nMeasured: errors 0.4%\nNext update: 03:29:28.";
    assert_eq!(render(template, &values).unwrap(), expected);
    values.insert("late", "step 2".to_owned());
    assert!(render(template, &values).unwrap().contains("\nLate: step 2\nNext update:"));
    values.insert("next_at", String::new());
    assert!(render(template, &values).unwrap().ends_with("\nNo further update is promised."));
}

#[test]
fn every_seed_in_the_text_reaches_the_procedure() {
    let written =
        DEFAULT.lines().filter(|line| !line.trim_start().starts_with('#')).map(|line| line.matches("seed = ").count());
    let lists = DEFAULT.matches("\nseed = [").count();
    assert_eq!(seeds(&default_procedure()).len(), written.sum::<usize>() + lists);
}

#[test]
fn a_version_is_the_hash_of_the_whole_text() {
    assert_eq!(content_hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_ne!(content_hash(DEFAULT), content_hash(&format!("{DEFAULT}\n")));
}
