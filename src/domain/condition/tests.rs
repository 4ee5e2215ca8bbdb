use super::*;
use proptest::prelude::*;

const TEN_PERCENT: i64 = 100_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp(Span::seconds(seconds).0)
}

/// The procedure's own: error rate above 10 % for 5 minutes, looked at every 5 seconds.
fn error_rate() -> Condition {
    Condition {
        series: Series::ErrorRate,
        direction: Direction::Above,
        threshold: TEN_PERCENT,
        hold: Span::minutes(5),
        look_back: LOOK_BACK,
        interval: Span::seconds(5),
    }
}

fn sample(seconds: i64, ok: bool, micros: i64) -> Sample {
    Sample { at: at(seconds), ok, micros }
}

/// The watch after evaluations given as (second, value).
fn after(condition: &Condition, evaluations: &[(i64, Option<i64>)]) -> Watch {
    let start = Watch::unseen(at(0));
    evaluations.iter().fold(start, |watch, &(second, value)| condition.advance(&watch, value, at(second)))
}

/// Evaluations every five seconds from `from` to `to`, both included.
fn steady(from: i64, to: i64, value: i64) -> Vec<(i64, Option<i64>)> {
    (from..=to).step_by(5).map(|second| (second, Some(value))).collect()
}

#[test]
fn a_value_that_stays_above_is_pending_and_after_the_whole_hold_breached() {
    let condition = error_rate();
    let almost = after(&condition, &steady(10, 305, TEN_PERCENT + 1));
    assert_eq!(almost.phase(), Phase::Pending { since: at(10) });
    let whole = condition.advance(&almost, Some(TEN_PERCENT + 1), at(310));
    assert_eq!(whole.phase(), Phase::Breached { since: at(10), breached_at: at(310) });
    assert!(whole.newly_breached(&almost));
    let later = condition.advance(&whole, Some(900_000), at(315));
    assert_eq!(later.phase(), whole.phase());
    assert!(!later.newly_breached(&whole), "one run breaches once");
}

#[test]
fn exactly_at_the_threshold_is_healthy_on_either_side() {
    let above = error_rate();
    assert_eq!(after(&above, &steady(5, 900, TEN_PERCENT)).phase(), Phase::Ok { since: at(5) });
    let below = Condition { series: Series::Availability, direction: Direction::Below, threshold: 900_000, ..above };
    assert_eq!(after(&below, &steady(5, 900, 900_000)).phase(), Phase::Ok { since: at(5) });
    assert_eq!(after(&below, &steady(5, 900, 899_999)).phase().name(), "breached");
}

#[test]
fn one_evaluation_back_at_the_threshold_begins_the_hold_anew() {
    let mut evaluations = steady(5, 300, 200_000);
    evaluations.push((304, Some(TEN_PERCENT)));
    evaluations.extend(steady(305, 600, 200_000));
    assert_eq!(after(&error_rate(), &evaluations).phase(), Phase::Pending { since: at(305) });
}

#[test]
fn a_gap_of_exactly_three_intervals_is_bridged_and_a_longer_one_is_not() {
    let condition = error_rate();
    let first = condition.advance(&Watch::unseen(at(0)), Some(200_000), at(10));
    let bridged = condition.advance(&first, Some(200_000), at(25));
    assert_eq!(bridged.phase(), Phase::Pending { since: at(10) });
    let just_too_long = at(25) + Span(1);
    let anew = condition.advance(&first, Some(200_000), just_too_long);
    assert_eq!(anew.phase(), Phase::Pending { since: just_too_long });
}

#[test]
fn missing_data_is_a_state_of_its_own_from_everywhere() {
    let condition = error_rate();
    let ok = after(&condition, &[(5, Some(0))]);
    let pending = after(&condition, &[(5, Some(200_000))]);
    let breached = after(&condition, &steady(5, 305, 200_000));
    for watch in [ok, pending, breached] {
        let second = watch.at + Span::seconds(5);
        let silent = condition.advance(&watch, None, second);
        assert_eq!(silent.phase(), Phase::NoData { since: second });
        assert_eq!(silent.value(), None);
        assert!(!silent.newly_breached(&watch));
        let broken = condition.fault(&watch, "the source answered 503", second);
        assert_eq!(broken.phase(), Phase::Error { since: second, message: "the source answered 503" });
    }
}

#[test]
fn a_short_silence_keeps_the_run_and_the_breach_is_told_once() {
    let condition = error_rate();
    let breached = after(&condition, &steady(5, 305, 200_000));
    let silent = condition.advance(&breached, None, at(310));
    let back = condition.advance(&silent, Some(200_000), at(315));
    assert_eq!(back.phase(), breached.phase());
    assert!(!back.newly_breached(&silent));
    let long_silent = [315, 320, 325].iter().fold(silent, |watch, &second| condition.advance(&watch, None, at(second)));
    let anew = condition.advance(&long_silent, Some(200_000), at(330));
    assert_eq!(anew.phase(), Phase::Pending { since: at(330) });
}

#[test]
fn silence_alone_never_completes_a_hold() {
    let condition = Condition { hold: Span::seconds(10), ..error_rate() };
    let pending = after(&condition, &[(5, Some(200_000))]);
    let silent = condition.advance(&pending, None, at(15));
    assert_eq!(silent.phase().name(), "no data");
    assert_eq!(silent.run.and_then(|run| run.breached_at), None);
}

#[test]
fn a_clock_that_was_set_back_begins_the_hold_anew() {
    let condition = error_rate();
    let pending = after(&condition, &steady(1_000, 1_200, 200_000));
    let set_back = condition.advance(&pending, Some(200_000), at(600));
    assert_eq!(set_back.phase(), Phase::Pending { since: at(600) });
}

#[test]
fn without_a_hold_the_first_evaluation_beyond_is_a_breach() {
    let condition = Condition { hold: Span::ZERO, ..error_rate() };
    assert_eq!(after(&condition, &[(5, Some(200_000))]).phase().name(), "breached");
}

#[test]
fn a_watch_that_nobody_moves_is_shown_as_no_data() {
    let condition = error_rate();
    let ok = after(&condition, &[(5, Some(0))]);
    assert_eq!(condition.phase_at(&ok, at(20)), Phase::Ok { since: at(5) });
    assert_eq!(condition.phase_at(&ok, at(21)), Phase::NoData { since: at(5) });
}

#[test]
fn rates_are_taken_over_the_sliding_look_back_and_rounded_towards_the_alarm() {
    let samples = [sample(0, false, 1), sample(30, true, 1), sample(60, true, 1), sample(61, false, 1)];
    let value = |series: Series, second| series.value(&samples, LOOK_BACK, at(second));
    assert_eq!(value(Series::ErrorRate, 59), Some(500_000));
    assert_eq!(value(Series::ErrorRate, 60), Some(0), "a sample exactly one look-back old has left the window");
    assert_eq!(value(Series::ErrorRate, 61), Some(333_334), "one of three, up");
    assert_eq!(value(Series::Availability, 61), Some(666_666), "two of three, down");
    assert_eq!(value(Series::ErrorRate, -1), None, "nothing yet");
    assert_eq!(value(Series::ErrorRate, 200), None, "nothing any more");
    assert_eq!(value(Series::Other("queue length".into()), 61), None);
}

#[test]
fn response_time_is_the_95th_percentile_by_nearest_rank() {
    let of = |count: i64| -> Option<i64> {
        let samples: Vec<Sample> = (1..=count).rev().map(|n| sample(1, true, n)).collect();
        Series::ResponseTime.value(&samples, LOOK_BACK, at(1))
    };
    assert_eq!([of(0), of(1), of(19), of(20), of(21), of(100)].map(|p| p.unwrap_or(-1)), [-1, 1, 19, 19, 20, 95]);
}

#[test]
fn values_are_shown_with_their_unit() {
    assert_eq!(Series::ErrorRate.show(125_000), "12.5\u{a0}%");
    assert_eq!(Series::Availability.show(WHOLE), "100\u{a0}%");
    assert_eq!(Series::ErrorRate.show(333_334), "33.33\u{a0}%");
    assert_eq!(Series::ResponseTime.show(1_840_000), "1.84\u{a0}s");
    assert_eq!(Series::ResponseTime.show(10_000_000), "10\u{a0}s");
    assert_eq!(
        [12_050, 9_500, 201_860].map(|micros| Series::ResponseTime.show(micros)),
        ["12\u{a0}ms", "9.5\u{a0}ms", "201\u{a0}ms"]
    );
    assert_eq!(error_rate().in_words(), "error rate above 10\u{a0}% for 5\u{a0}min, over a look-back of 1\u{a0}min");
}

#[test]
fn a_condition_that_could_never_change_is_refused() {
    assert_eq!(error_rate().check(), Ok(()));
    for (broken, part) in [
        (Condition { hold: Span(-1), ..error_rate() }, "hold"),
        (Condition { look_back: Span::ZERO, ..error_rate() }, "look_back"),
        (Condition { interval: Span::ZERO, ..error_rate() }, "interval"),
        (Condition { threshold: WHOLE, ..error_rate() }, "threshold"),
        (Condition { direction: Direction::Below, threshold: 0, ..error_rate() }, "threshold"),
        (Condition { series: Series::ResponseTime, threshold: -1, ..error_rate() }, "never negative"),
    ] {
        let fault = broken.check().expect_err(part);
        assert!(fault.contains(part), "{fault}");
    }
}

#[test]
fn a_stored_watch_reads_back_from_its_row() {
    let row = r#"{"seen":{"value":200000},"at":305000000,"since":5000000,
                  "run":{"since":5000000,"last_at":305000000,"breached_at":305000000}}"#;
    let watch: Watch = serde_json::from_str(row).unwrap();
    assert_eq!(watch.phase(), Phase::Breached { since: at(5), breached_at: at(305) });
}

/// Random evaluations: seconds since the one before, and a value above, below, or none.
fn evaluations() -> impl Strategy<Value = Vec<(i64, Option<i64>)>> {
    let step = (1_i64..22, prop_oneof![6 => Just(Some(200_000)), 1 => Just(Some(TEN_PERCENT)), 1 => Just(None)]);
    proptest::collection::vec(step, 1..60)
}

proptest! {
    /// The rule, said a second time and slowly: look back over all evaluations that had a value.
    #[test]
    fn a_breach_is_exactly_what_the_rule_says(steps in evaluations()) {
        let condition = Condition { hold: Span::seconds(60), ..error_rate() };
        let mut watch = Watch::unseen(at(0));
        let (mut now, mut valued) = (0, Vec::new());
        for (after, value) in steps {
            now += after;
            watch = condition.advance(&watch, value, at(now));
            let Some(value) = value else {
                prop_assert_eq!(watch.phase().name(), "no data");
                continue;
            };
            valued.push((now, value));
            let mut oldest = None;
            for (index, &(second, value)) in valued.iter().enumerate().rev() {
                let joined = valued.get(index + 1).is_none_or(|&(next, _)| next - second <= 15);
                if value <= TEN_PERCENT || !joined {
                    break;
                }
                oldest = Some(second);
            }
            let expected = match oldest {
                None => "ok",
                Some(second) if now - second >= 60 => "breached",
                Some(_) => "pending",
            };
            prop_assert_eq!(watch.phase().name(), expected);
        }
    }

    #[test]
    fn a_restart_at_any_point_changes_nothing(steps in evaluations()) {
        let condition = Condition { hold: Span::seconds(60), ..error_rate() };
        let (mut kept, mut restarted, mut now) = (Watch::unseen(at(0)), Watch::unseen(at(0)), 0);
        for (after, value) in steps {
            now += after;
            kept = condition.advance(&kept, value, at(now));
            restarted = condition.advance(&restarted, value, at(now));
            let row = serde_json::to_string(&restarted).unwrap();
            restarted = serde_json::from_str(&row).unwrap();
            prop_assert_eq!(&kept, &restarted);
        }
    }

    #[test]
    fn a_run_is_told_as_breached_at_most_once(steps in evaluations()) {
        let condition = Condition { hold: Span::seconds(30), ..error_rate() };
        let (mut watch, mut now, mut told) = (Watch::unseen(at(0)), 0, Vec::new());
        for (after, value) in steps {
            now += after;
            let next = condition.advance(&watch, value, at(now));
            if next.newly_breached(&watch) {
                told.push(next.run.unwrap().since);
            }
            watch = next;
        }
        let count = told.len();
        told.dedup();
        prop_assert_eq!(told.len(), count);
    }

    #[test]
    fn rates_are_exact_against_every_whole_threshold(
        outcomes in proptest::collection::vec(any::<bool>(), 1..50), threshold in 0..WHOLE,
    ) {
        let samples: Vec<Sample> = outcomes.iter().map(|&ok| sample(1, ok, 1)).collect();
        let all = i64::try_from(outcomes.len()).unwrap();
        let good = i64::try_from(outcomes.iter().filter(|ok| **ok).count()).unwrap();
        let errors = Series::ErrorRate.value(&samples, LOOK_BACK, at(1)).unwrap();
        let availability = Series::Availability.value(&samples, LOOK_BACK, at(1)).unwrap();
        prop_assert_eq!(errors + availability, WHOLE);
        prop_assert_eq!(errors > threshold, (all - good) * WHOLE > threshold * all);
        prop_assert_eq!(availability < threshold, good * WHOLE < threshold * all);
    }

    #[test]
    fn the_95th_percentile_is_a_sample_that_95_of_100_do_not_exceed(
        micros in proptest::collection::vec(0_i64..1_000_000, 1..200),
    ) {
        let samples: Vec<Sample> = micros.iter().map(|&micros| sample(1, true, micros)).collect();
        let p95 = Series::ResponseTime.value(&samples, LOOK_BACK, at(1)).unwrap();
        let within = micros.iter().filter(|&&m| m <= p95).count();
        let below = micros.iter().filter(|&&m| m < p95).count();
        prop_assert!(micros.contains(&p95));
        prop_assert!(within * 100 >= micros.len() * 95);
        prop_assert!(below * 100 < micros.len() * 95);
    }
}
