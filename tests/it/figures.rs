//! The program that measures (`benches/`) builds with the lints; here its arithmetic is right, since a wrong quantile
//! would look like a good figure.

#[path = "../../benches/figures/statistics.rs"]
mod statistics;

use statistics::{Line, Series, table};

#[test]
fn a_quantile_is_a_measured_value_at_the_nearest_rank() {
    let mut series = Series::default();
    for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
        series.add(value);
    }
    assert_eq!((series.p50(), series.p95(), series.quantile(0.2)), (3.0, 5.0, 1.0));
    assert_eq!(series.shown(), "3.0 / 5.0");
    let mut hundred = Series::default();
    (1..=100).rev().for_each(|value| hundred.add(f64::from(value)));
    assert_eq!((hundred.p50(), hundred.p95(), hundred.p99()), (50.0, 95.0, 99.0));
    hundred.extend(series);
    assert_eq!(hundred.count(), 105);
}

#[test]
fn a_missed_target_stands_out_in_the_table() {
    let missed = Line::judged("Q0 x", "9".into(), "3".into(), "3.0".into(), "≤ 2", false);
    let text = table(&[missed, Line::beside("y", "1".into())]);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.lines().nth(2).unwrap().contains("| NO "), "{text}");
}
