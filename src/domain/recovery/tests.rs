use super::*;
use crate::domain::Span;
use crate::domain::condition::WHOLE;

fn at(seconds: i64) -> Timestamp {
    // 2026-03-05T03:00:00 UTC.
    Timestamp(1_772_679_600_000_000) + Span::seconds(seconds)
}

fn trace(series: Series, values: &[(i64, Option<i64>)]) -> Trace {
    let goal = match series {
        Series::ErrorRate => Some(Threshold { direction: Direction::Below, value: 10_000 }),
        _ => None,
    };
    let trigger = match series {
        Series::ErrorRate => Some(Threshold { direction: Direction::Above, value: 100_000 }),
        Series::Availability => Some(Threshold { direction: Direction::Below, value: 900_000 }),
        _ => None,
    };
    let points = values.iter().map(|(second, value)| Point { at: at(*second), value: *value }).collect();
    Trace { series, points, trigger, goal, marks: Vec::new(), silent_since: None, ended: false }
}

fn says(trace: &Trace) -> String {
    trace.sentence().replace('\u{a0}', " ")
}

#[test]
fn the_sentence_says_what_the_picture_shows() {
    let errors = |values: &[(i64, Option<i64>)]| trace(Series::ErrorRate, values);
    let recovered = errors(&[(0, Some(0)), (60, Some(142_000)), (90, None), (1020, Some(4_000)), (1100, Some(3_000))]);
    assert_eq!(says(&recovered), "Error rate peaked at 14.2 % at 03:01 UTC, below 1 % since 03:17.");
    let high = errors(&[(0, Some(0)), (60, Some(142_000)), (840, Some(31_000))]);
    assert_eq!(says(&high), "Error rate peaked at 14.2 % at 03:01 UTC; 3.1 % now, not below 1 %.");
    assert_eq!(
        says(&Trace { ended: true, ..high.clone() }),
        "Error rate peaked at 14.2 % at 03:01 UTC; 3.1 % at the end, not below 1 %."
    );
    assert_eq!(
        says(&Trace { silent_since: Some(at(771)), ..high }),
        "Error rate peaked at 14.2 % at 03:01 UTC; 3.1 % at 03:14, not below 1 %. No data since 03:12:51 UTC."
    );
    let quiet = errors(&[(0, Some(0)), (60, Some(4_000)), (840, Some(0))]);
    assert_eq!(says(&quiet), "Error rate stayed below 1 %, at most 0.4 % at 03:01 UTC.");
    assert_eq!(says(&errors(&[(0, None), (60, None)])), "Error rate: no data in this time.");
    assert_eq!(says(&errors(&[])), "Error rate: no data in this time.");
}

#[test]
fn availability_falls_and_a_series_without_thresholds_is_told_too() {
    let fell = trace(Series::Availability, &[(0, Some(WHOLE)), (60, Some(620_000)), (120, Some(990_000))]);
    assert_eq!(says(&fell), "Availability fell to 62 % at 03:01 UTC, not below 90 % since 03:02.");
    let low = trace(Series::Availability, &[(0, Some(WHOLE)), (60, Some(620_000))]);
    assert_eq!(says(&low), "Availability fell to 62 % at 03:01 UTC; 62 % now, below 90 %.");
    let well = trace(Series::Availability, &[(0, Some(WHOLE)), (60, Some(990_000))]);
    assert_eq!(says(&well), "Availability was not below 90 %, at least 99 % at 03:01 UTC.");
    let bare = trace(Series::ResponseTime, &[(0, Some(200_000)), (60, Some(2_600_000))]);
    assert_eq!(says(&bare), "Response time, p95 peaked at 2.6 s at 03:01 UTC; 2.6 s now.");
}

fn goal() -> Condition {
    Condition {
        series: Series::ErrorRate,
        direction: Direction::Below,
        threshold: 10_000,
        hold: Span::minutes(5),
        look_back: Span::seconds(60),
        interval: Span::seconds(5),
    }
}

fn samples(seconds: std::ops::RangeInclusive<i64>, ok: impl Fn(i64) -> bool) -> Vec<Sample> {
    seconds.step_by(5).map(|second| Sample { at: at(second), ok: ok(second), micros: 1_000 }).collect()
}

#[test]
fn a_criterion_is_met_only_through_its_full_duration() {
    let recovered = samples(0..=1200, |second| second >= 600);
    // The look-back still sees the failure until 03:10:55.
    let stand = |second| standing(&goal(), &recovered, at(second));
    assert_eq!(stand(590), Standing::NotMet);
    assert_eq!(stand(650), Standing::NotMet);
    assert_eq!(stand(655), Standing::MetSince(at(655)));
    assert_eq!(stand(950), Standing::MetSince(at(655)), "after 4 min 55 s");
    assert_eq!(stand(955), Standing::Met);
    assert_eq!(stand(1200), Standing::Met);
}

#[test]
fn silence_is_never_met_and_a_gap_makes_the_duration_begin_anew() {
    let mut gapped = samples(0..=600, |_| true);
    assert_eq!(standing(&goal(), &gapped, at(600)), Standing::Met);
    assert_eq!(standing(&goal(), &gapped, at(616)), Standing::NoData(Some(at(600))));
    gapped.extend(samples(620..=700, |_| true));
    assert_eq!(standing(&goal(), &gapped, at(700)), Standing::MetSince(at(620)));
    assert_eq!(standing(&goal(), &[], at(700)), Standing::NoData(None));
    assert_eq!(standing(&goal(), &gapped, at(5_000)), Standing::NoData(Some(at(700))));
}

#[test]
fn a_slow_probe_is_judged_by_its_own_interval() {
    let minute = |second: i64| Sample { at: at(second), ok: true, micros: 1_000 };
    let slow: Vec<Sample> = (0..=20).map(|count| minute(count * 60)).collect();
    assert_eq!(standing(&goal(), &slow, at(1_230)), Standing::Met);
}
