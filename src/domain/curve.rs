//! What a series did over a stretch of time, in so few points that a journal can keep it and a page can draw it.
//!
//! A point is the series' value over its look-back, exactly as a trigger sees it. Where many samples lie between two
//! points the worst of their values counts, so that a short peak is not lost by looking less often. Where nobody
//! measured for longer than three intervals there is no value: a gap, never zero.
//!
//! Samples are dropped after some days; an incident's curves are kept in its journal when an attempt ends and when it is
//! closed ([`super::event::Event::MeasuresKept`]), each from where the one before it ended. [`joined`] makes one line of
//! them and of what was measured since.

use super::condition::{Direction, Sample, Series, WHOLE};
use super::state::Incident;
use super::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// No curve has more points than this.
pub const MOST_POINTS: usize = 120;

/// What came before the trigger is part of the picture.
const LEAD: Span = Span::minutes(5);

/// A release that began to run no longer than this before the trigger is part of the picture too, with a little before it.
const DEPLOYED_WITHIN: Span = Span::minutes(30);
const BEFORE_DEPLOYED: Span = Span::minutes(2);

/// No curve reaches further back than this; what was before it was kept earlier, or stands in the trigger's evidence.
const LONGEST: Span = Span::hours(24);

/// How often a series is looked at between two points.
const LOOKS: usize = 4;

/// After this many intervals without a sample the last value is no longer true.
const SILENT_INTERVALS: i64 = 3;

/// A series between two instants: the value at `from`, one `step` later and so on, the last one at `to` itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Curve {
    pub series: Series,
    pub from: Timestamp,
    pub to: Timestamp,
    pub step: Span,
    /// In the series' unit; `None` is no data.
    pub values: Vec<Option<i64>>,
    /// The newest sample up to `to`.
    pub newest: Option<Timestamp>,
}

/// A value at an instant; `None` is no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Point {
    pub at: Timestamp,
    pub value: Option<i64>,
}

impl Curve {
    /// The curve of samples in order of time; those of one look-back before `from` count too. `to` is not before `from`.
    pub fn of(series: &Series, look_back: Span, samples: &[Sample], from: Timestamp, to: Timestamp) -> Curve {
        let step = step(to - from);
        let silent_after = Span(interval(samples).0.saturating_mul(SILENT_INTERVALS));
        let upto = |at: Timestamp| samples.partition_point(|sample| sample.at <= at);
        let value = |at: Timestamp| {
            let window = &samples[upto(at - look_back)..upto(at)];
            let fresh = window.last().is_some_and(|newest| at - newest.at <= silent_after);
            if fresh { series.value(window, look_back, at) } else { None }
        };
        let mut earlier = from;
        let values = instants(from, to, step).map(|at| {
            let between = &samples[upto(earlier)..upto(at)];
            earlier = at;
            let stride = between.len().div_ceil(LOOKS).max(1);
            let looks = between.iter().rev().step_by(stride).map(|sample| sample.at);
            worst(series, looks.chain([at]).map(&value))
        });
        let values = values.collect();
        let newest = upto(to).checked_sub(1).map(|index| samples[index].at);
        Curve { series: series.clone(), from, to, step, values, newest }
    }

    pub fn points(&self) -> impl Iterator<Item = Point> {
        instants(self.from, self.to, self.step).zip(&self.values).map(|(at, value)| Point { at, value: *value })
    }
}

/// Whole seconds, so that no more than [`MOST_POINTS`] points cover this time.
fn step(length: Span) -> Span {
    let steps = i64::try_from(MOST_POINTS - 1).unwrap_or(i64::MAX);
    Span::seconds(rounded_up(rounded_up(length.0.max(0), 1_000_000), steps).max(1))
}

fn rounded_up(all: i64, by: i64) -> i64 {
    all / by + i64::from(all % by > 0)
}

fn instants(from: Timestamp, to: Timestamp, step: Span) -> impl Iterator<Item = Timestamp> {
    let steps = rounded_up((to - from).0.max(0), step.0.max(1));
    (0..=steps).map(move |count| (from + Span(step.0.saturating_mul(count))).min(to.max(from)))
}

/// How far apart samples are as a rule: the middle one of their distances.
pub fn interval(samples: &[Sample]) -> Span {
    let mut distances: Vec<i64> = samples.windows(2).map(|pair| (pair[1].at - pair[0].at).0).collect();
    distances.sort_unstable();
    let middle = distances.get(distances.len() / 2).copied();
    Span(middle.unwrap_or(super::condition::USUAL_INTERVAL.0).max(1_000_000))
}

/// The value that alarms most; `None` only where there is none.
fn worst(series: &Series, values: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    match series.worse() {
        Direction::Above => values.flatten().max(),
        Direction::Below => values.flatten().min(),
    }
}

/// Fewer points: each the worst of its neighbours, at that one's own time. The last point stays.
pub fn thinned(series: &Series, points: &[Point], most: usize) -> Vec<Point> {
    let Some((last, before)) = points.split_last().filter(|_| points.len() > most && most > 1) else {
        return points.to_vec();
    };
    let chunk = before.len().div_ceil(most - 1);
    let picked = before.chunks(chunk).map(|some| {
        let value = worst(series, some.iter().map(|point| point.value));
        *some.iter().find(|point| point.value == value).unwrap_or(&some[0])
    });
    picked.chain([*last]).collect()
}

/// One line of everything that is known about a series: what was kept, and what was measured since. It begins with the
/// first value: before anybody measured there is nothing to miss.
pub fn joined<'a>(series: &Series, curves: impl IntoIterator<Item = &'a Curve>) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for curve in curves.into_iter().filter(|curve| curve.series == *series) {
        let reached = points.last().map(|point| point.at);
        points.extend(curve.points().filter(|point| reached.is_none_or(|reached| point.at > reached)));
    }
    points.drain(..points.iter().position(|point| point.value.is_some()).unwrap_or(0));
    thinned(series, &points, MOST_POINTS)
}

/// From when to when an incident is measured that was kept up to `kept`; `None` when nothing is left to measure.
pub fn window(incident: &Incident, deployed: Option<Timestamp>, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let to = incident.closed.as_ref().map_or(now, |closed| closed.at);
    let from = match incident.kept.iter().map(|curve| curve.to).max() {
        Some(kept) => kept,
        None => {
            let seen = incident.triggers.first().map_or(incident.opened_at, |trigger| trigger.seen_at);
            // A trigger that claims to have seen something long ago does not stretch the picture.
            let seen = seen.min(incident.opened_at).max(incident.opened_at - DEPLOYED_WITHIN);
            let lead = seen - LEAD;
            let deployed = deployed.filter(|at| *at <= seen && seen - *at <= DEPLOYED_WITHIN);
            deployed.map_or(lead, |at| lead.min(at - BEFORE_DEPLOYED))
        }
    };
    let from = from.max(to - LONGEST);
    (from < to).then_some((from, to))
}

impl Series {
    /// In which direction a value alarms.
    pub fn worse(&self) -> Direction {
        match self {
            Series::Availability => Direction::Below,
            Series::ErrorRate | Series::ResponseTime | Series::Other(_) => Direction::Above,
        }
    }

    /// The most that a value can be, if there is such.
    pub fn most(&self) -> Option<i64> {
        match self {
            Series::ErrorRate | Series::Availability => Some(WHOLE),
            Series::ResponseTime | Series::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK_BACK: Span = Span::seconds(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp(1_772_680_468_000_000) + Span::seconds(seconds)
    }

    fn samples(seconds: impl Iterator<Item = i64>, ok: impl Fn(i64) -> bool) -> Vec<Sample> {
        seconds.map(|second| Sample { at: at(second), ok: ok(second), micros: 200_000 }).collect()
    }

    fn error_rate(samples: &[Sample], from: i64, to: i64) -> Curve {
        Curve::of(&Series::ErrorRate, LOOK_BACK, samples, at(from), at(to))
    }

    #[test]
    fn a_curve_has_at_most_120_points_and_ends_at_its_end_whatever_its_length() {
        for length in [0, 1, 59, 119, 120, 121, 1_800, 7_001, 86_400, 40_000_000] {
            let curve = error_rate(&samples((0..600).step_by(5), |_| true), 0, length);
            let points: Vec<Point> = curve.points().collect();
            assert_eq!(points.len(), curve.values.len(), "{length}");
            assert!(points.len() <= MOST_POINTS, "{length} s gave {} points", points.len());
            assert_eq!((points[0].at, points[points.len() - 1].at), (at(0), at(length)));
            assert!(points.windows(2).all(|pair| pair[0].at < pair[1].at));
        }
    }

    #[test]
    fn silence_is_a_gap_and_never_zero() {
        let mut all = samples((0..=300).step_by(5), |_| false);
        all.extend(samples((600..=900).step_by(5), |_| true));
        let curve = error_rate(&all, 0, 1_000);
        let value = |second| curve.points().find(|point| point.at >= at(second)).unwrap().value;
        assert_eq!((value(200), value(310)), (Some(WHOLE), Some(WHOLE)), "a short silence is none");
        assert!((330..=590).step_by(10).all(|second| value(second).is_none()), "{:?}", curve.values);
        assert_eq!(value(900), Some(0));
        assert_eq!(value(950), None, "nobody measured since");
        assert_eq!(curve.newest, Some(at(900)));
        assert!(error_rate(&[], 0, 900).values.iter().all(Option::is_none));
    }

    #[test]
    fn a_short_peak_is_not_lost_in_a_long_curve() {
        // 40 s of failures in 5 hours; two points of the curve lie 152 s apart.
        let all = samples((0..18_000).step_by(5), |second| !(9_000..9_040).contains(&second));
        let curve = error_rate(&all, 0, 18_000);
        assert!(curve.values.iter().flatten().max().unwrap() > &500_000, "{:?}", curve.values);
    }

    #[test]
    fn kept_parts_and_what_came_since_are_one_line_with_its_worst_value() {
        let all = samples((0..4_000).step_by(5), |second| !(1_000..1_100).contains(&second));
        let parts = [error_rate(&all, 0, 1_900), error_rate(&all, 1_900, 3_000), error_rate(&all, 3_000, 3_900)];
        let line = joined(&Series::ErrorRate, &parts);
        assert!(line.len() <= MOST_POINTS);
        assert!(line.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert_eq!((line[0].at, line[line.len() - 1].at), (at(0), at(3_900)));
        assert_eq!(line.iter().filter_map(|point| point.value).max(), Some(WHOLE));
        assert!(joined(&Series::ResponseTime, &parts).is_empty());
        let late = joined(&Series::ErrorRate, &[error_rate(&all[100..], 0, 1_900)]);
        assert_eq!(late[0].value, Some(0), "before the first sample there is nothing to miss");
        let never = joined(&Series::ErrorRate, &[error_rate(&[], 0, 1_900)]);
        assert!(!never.is_empty() && never.iter().all(|point| point.value.is_none()));
    }

    #[test]
    fn availability_is_worst_where_it_is_lowest() {
        let all = samples((0..18_000).step_by(5), |second| !(9_000..9_040).contains(&second));
        let curve = Curve::of(&Series::Availability, LOOK_BACK, &all, at(0), at(18_000));
        assert!(curve.values.iter().flatten().min().unwrap() < &500_000);
    }
}
