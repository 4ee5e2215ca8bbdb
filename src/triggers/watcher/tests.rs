use super::*;
use crate::domain::condition::{Direction, Series};
use crate::domain::condition::{LOOK_BACK, Phase};
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp(Span::seconds(seconds).0)
}

fn config() -> ProbeConfig {
    ProbeConfig {
        environment: "production".into(),
        component: "app".into(),
        url: "http://127.0.0.1:8080/".into(),
        expect_status: 200,
        expect_body: None,
        time_limit: Span::seconds(5),
        interval: Span::seconds(5),
    }
}

fn condition(series: Series, direction: Direction, threshold: i64, hold: Span) -> Condition {
    Condition { series, direction, threshold, hold, look_back: LOOK_BACK, interval: Span::seconds(5) }
}

/// The procedure's three that a probe can answer.
fn conditions() -> Vec<(String, Condition)> {
    vec![
        ("error-rate".into(), condition(Series::ErrorRate, Direction::Above, 100_000, Span::minutes(5))),
        ("response-time".into(), condition(Series::ResponseTime, Direction::Above, 10_000_000, Span::minutes(5))),
        ("availability".into(), condition(Series::Availability, Direction::Below, 900_000, Span::minutes(10))),
    ]
}

/// Every fifth request fails.
fn failing(second: i64) -> Sample {
    Sample { at: at(second), ok: second % 25 != 0, micros: 180_000 }
}

fn good(second: i64) -> Sample {
    Sample { at: at(second), ok: true, micros: 12_000 }
}

#[test]
fn a_share_of_failures_breaches_the_error_rate_first_and_the_availability_later() {
    let mut watcher = Watcher::new(&config(), conditions(), at(0));
    let mut told = Vec::new();
    for second in (5..=1_000).step_by(5) {
        for finding in watcher.observe(failing(second)) {
            told.push((second, finding.trigger));
        }
    }
    // The first failure comes at second 25: one of five.
    assert_eq!(told, [(325, "error-rate".to_owned()), (625, "availability".to_owned())]);
    assert_eq!(watcher.watched()[1].watch.phase(), Phase::Ok { since: at(5) }, "180 ms is not slow");
}

#[test]
fn the_evidence_is_the_breached_window_with_its_values_and_question() {
    let mut watcher = Watcher::new(&config(), conditions(), at(0));
    let findings: Vec<Finding> = (5..=325).step_by(5).flat_map(|second| watcher.observe(failing(second))).collect();
    let [Finding { environment, component, evidence, .. }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((environment.as_str(), component.as_str()), ("production", "app"));
    assert_eq!((evidence.since, evidence.frozen_at), (at(25), at(325)));
    assert_eq!(evidence.values.len(), 61);
    assert_eq!(evidence.values.first(), Some(&(at(25), 200_000)));
    assert_eq!(evidence.values.last(), Some(&(at(325), 250_000)), "three of the last twelve");
    assert!(evidence.values.iter().all(|(_, value)| *value > evidence.threshold));
    assert_eq!(
        evidence.query,
        "error rate above 10\u{a0}% for 5\u{a0}min, over a look-back of 1\u{a0}min; \
         GET http://127.0.0.1:8080/ every 5\u{a0}s, good when it answers 200 within 5\u{a0}s"
    );
    let text = serde_json::to_string(evidence).unwrap();
    assert_eq!(&serde_json::from_str::<Breach>(&text).unwrap(), evidence);
}

#[test]
fn a_long_window_is_thinned_with_its_ends_kept() {
    let long = vec![("slow".to_owned(), condition(Series::ErrorRate, Direction::Above, 0, Span::hours(1)))];
    let mut watcher = Watcher::new(&config(), long, at(0));
    let bad = |second| Sample { ok: false, ..good(second) };
    let findings: Vec<Finding> = (5..=3_605).step_by(5).flat_map(|second| watcher.observe(bad(second))).collect();
    let values = &findings[0].evidence.values;
    assert_eq!(values.len(), MOST_POINTS);
    assert_eq!((values[0].0, values[MOST_POINTS - 1].0), (at(5), at(3_605)));
    assert!(values.is_sorted());
}

#[test]
fn silence_is_no_data_and_neither_healthy_nor_a_breach() {
    let mut watcher = Watcher::new(&config(), conditions(), at(0));
    watcher.observe(good(5));
    watcher.lapse(at(20));
    assert_eq!(watcher.watched()[0].watch.phase().name(), "ok", "three intervals are no silence yet");
    watcher.lapse(at(21));
    assert!(watcher.watched().iter().all(|watched| watched.watch.phase().name() == "no data"));
    let mut never = Watcher::new(&config(), conditions(), at(0));
    never.lapse(at(10_000));
    assert!(never.watched().iter().all(|watched| watched.watch.phase().name() == "no data"));
}

#[test]
fn memory_stays_bounded_by_what_conditions_can_reach() {
    let mut watcher = Watcher::new(&config(), conditions(), at(0));
    for second in (5..=100_000).step_by(5) {
        watcher.observe(good(second));
    }
    let reach = Span::seconds(600 + 60 + 15);
    assert_eq!(watcher.samples.len(), usize::try_from(reach.as_seconds() / 5 + 1).unwrap());
}

#[test]
fn rows_are_written_on_change_and_while_a_run_is_under_way() {
    let only = vec![conditions().remove(0)];
    let mut watcher = Watcher::new(&config(), only, at(0));
    let mut phases = Vec::new();
    for second in [5, 10, 15, 20] {
        watcher.observe(good(second));
        phases.extend(watcher.changed().into_iter().map(|(_, watch)| (second, watch.phase().name())));
    }
    watcher.observe(failing(25));
    phases.extend(watcher.changed().into_iter().map(|(_, watch)| (25, watch.phase().name())));
    watcher.observe(failing(30));
    phases.extend(watcher.changed().into_iter().map(|(_, watch)| (30, watch.phase().name())));
    assert_eq!(phases, [(5, "ok"), (25, "pending"), (30, "pending")]);
    assert!(watcher.changed().is_empty(), "nothing new, nothing to write");
}

#[test]
fn a_breach_that_completed_while_nobody_listened_is_told_after_the_restart() {
    let mut watcher = Watcher::new(&config(), conditions(), at(0));
    let samples: Vec<Sample> = (5..=325).step_by(5).map(failing).collect();
    let mut rows = BTreeMap::new();
    for sample in &samples[..samples.len() - 2] {
        assert!(watcher.observe(*sample).is_empty());
        rows.extend(watcher.changed());
    }
    // The last two samples were stored; the process died before their rows were.
    let needed = Watcher::oldest_needed(&config(), &conditions(), &rows, at(330));
    let stored: Vec<Sample> = samples.iter().copied().filter(|sample| sample.at >= needed).collect();
    let (after, findings) = Watcher::restored(&config(), conditions(), &rows, &stored, at(330));
    assert_eq!(findings.iter().map(|finding| finding.trigger.as_str()).collect::<Vec<_>>(), ["error-rate"]);
    assert_eq!(after.watched()[0].watch.phase(), Phase::Breached { since: at(25), breached_at: at(325) });
}

#[test]
fn a_restart_longer_than_three_intervals_begins_the_hold_anew() {
    let mut watcher = Watcher::new(&config(), conditions(), at(0));
    let samples: Vec<Sample> = (5..=300).step_by(5).map(failing).collect();
    samples.iter().for_each(|sample| drop(watcher.observe(*sample)));
    let rows = watcher.changed().into_iter().collect();
    let (mut after, findings) = Watcher::restored(&config(), conditions(), &rows, &samples, at(320));
    assert!(findings.is_empty());
    assert_eq!(after.watched()[0].watch.phase(), Phase::NoData { since: at(320) });
    assert!(after.observe(failing(325)).is_empty());
    assert_eq!(after.watched()[0].watch.phase(), Phase::Pending { since: at(325) });
}

#[test]
fn a_run_is_followed_from_its_row_on_however_old_the_row() {
    let samples: Vec<Sample> = (5..=900).step_by(5).map(failing).collect();
    let mut watcher = Watcher::new(&config(), conditions(), at(0));
    samples.iter().take_while(|sample| sample.at <= at(25)).for_each(|sample| drop(watcher.observe(*sample)));
    // No row could be written after this one, while samples went on.
    let rows = watcher.changed().into_iter().collect();
    let needed = Watcher::oldest_needed(&config(), &conditions(), &rows, at(905));
    let stored: Vec<Sample> = samples.iter().copied().filter(|sample| sample.at >= needed).collect();
    let (_, findings) = Watcher::restored(&config(), conditions(), &rows, &stored, at(905));
    let found: Vec<_> = findings.iter().map(|found| (found.evidence.since, found.evidence.frozen_at)).collect();
    assert_eq!(found, [(at(25), at(325)), (at(25), at(625))]);
    let healthy = BTreeMap::new();
    let reach = Span::seconds(600 + 60 + 15);
    assert_eq!(Watcher::oldest_needed(&config(), &conditions(), &healthy, at(905)), at(905) - reach);
}

proptest! {
    /// Whatever came before, and wherever the process ends: the restored watcher and the one that went on agree for
    /// ever after, and each breach is told exactly once among them.
    #[test]
    fn a_restored_watcher_goes_on_as_if_nothing_had_happened(
        steps in proptest::collection::vec((1_i64..18, any::<bool>()), 2..80),
        cut in 0_usize..80,
        unwritten in 0_usize..3,
    ) {
        let conditions = vec![
            ("errors".to_owned(), condition(Series::ErrorRate, Direction::Above, 400_000, Span::seconds(60))),
            ("gone".to_owned(), condition(Series::Availability, Direction::Below, 500_000, Span::seconds(30))),
        ];
        let mut now = 0;
        let mut next = |after: i64, ok: bool| { now += after; Sample { ok, ..good(now) } };
        let samples: Vec<Sample> = steps.iter().map(|&(after, ok)| next(after, ok)).collect();
        let cut = cut % samples.len();
        let written = cut.saturating_sub(unwritten);
        let mut through = Watcher::new(&config(), conditions.clone(), samples[0].at);
        let expected: Vec<Finding> = samples.iter().flat_map(|sample| through.observe(*sample)).collect();

        let mut first = Watcher::new(&config(), conditions.clone(), samples[0].at);
        let mut told: Vec<Finding> = samples[..written].iter().flat_map(|sample| first.observe(*sample)).collect();
        let rows: BTreeMap<String, Watch> = first.changed().into_iter().collect();
        let restart = samples[..=cut].last().map_or(at(0), |sample| sample.at);
        let needed = Watcher::oldest_needed(&config(), &conditions, &rows, restart);
        let stored: Vec<Sample> = samples[..cut].iter().copied().filter(|sample| sample.at >= needed).collect();
        let (mut second, missed) = Watcher::restored(&config(), conditions, &rows, &stored, restart);
        told.extend(missed);
        told.extend(samples[cut..].iter().flat_map(|sample| second.observe(*sample)));
        prop_assert_eq!(told, expected);
        let meaning = |watcher: &Watcher| -> Vec<(Option<i64>, Option<crate::domain::condition::Run>)> {
            watcher.watched().iter().map(|watched| (watched.watch.value(), watched.watch.run)).collect()
        };
        prop_assert_eq!(meaning(&through), meaning(&second));
    }
}
