//! What a series did over a stretch of time, in so few points that a journal can keep it and a page can draw it.
//!
//! A point is the worst that the series' value was since the point before it; the last one is the value at the end. The
//! value is taken at every instant at which it can change ([`super::sliding`]), and the least and the most of all are kept
//! with their instants. So no peak is lost or moved by more time between two points, and what a page said while it lasted
//! is what the record says for ever. Where nobody measured for longer than three intervals there is no value: a gap,
//! never zero.
//!
//! Samples are dropped after some days; an incident's curves are kept in its journal when an attempt ends and when it is
//! closed ([`super::event::Event::MeasuresKept`]), each from where the one before it ended. [`joined`] makes one line of
//! them and of what was measured since.

use super::condition::{Direction, Sample, Series, WHOLE};
use super::sliding::Sliding;
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
    /// The smallest value and the greatest, each when it was first reached. `None` is no data, and in what was kept
    /// before they were.
    #[serde(default)]
    pub least: Option<Point>,
    #[serde(default)]
    pub most: Option<Point>,
}

/// A value at an instant; `None` is no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
        let mut value = Sliding::over(series, look_back, samples, silent_after);
        let (mut least, mut most): (Option<Point>, Option<Point>) = (None, None);
        let mut look = |at: Timestamp, value: Option<i64>| {
            let point = Some(Point { at, value });
            if let Some(value) = value {
                least = least.filter(|least| least.value <= Some(value)).or(point);
                most = most.filter(|most| most.value >= Some(value)).or(point);
            }
            value
        };
        let mut values = Vec::new();
        let mut earlier = None;
        for at in instants(from, to, step) {
            let mut seen = None;
            while let Some(instant) = earlier.and_then(|it| value.next_change(it)).filter(|instant| *instant < at) {
                seen = worst(series, [seen, look(instant, value.at(instant))].into_iter());
                earlier = Some(instant);
            }
            earlier = Some(at);
            let last = look(at, value.at(at));
            values.push(if at == to { last } else { worst(series, [seen, last].into_iter()) });
        }
        let newest = upto(to).checked_sub(1).map(|index| samples[index].at);
        Curve { series: series.clone(), from, to, step, values, newest, least, most }
    }

    /// The least and the most that were measured; of what was kept without them, those of its points.
    pub fn range(&self) -> Option<(i64, i64)> {
        let known = || self.values.iter().flatten().copied();
        let kept = |point: Option<Point>| point.and_then(|point| point.value);
        kept(self.least).or_else(|| known().min()).zip(kept(self.most).or_else(|| known().max()))
    }

    /// The points, and among them the worst value at its own instant.
    fn points_with_the_worst(&self) -> Vec<Point> {
        let mut points: Vec<Point> = self.points().collect();
        let worst = match self.series.worse() {
            Direction::Above => self.most,
            Direction::Below => self.least,
        };
        if let Some(worst) = worst {
            let place = points.partition_point(|point| point.at < worst.at);
            let is_last = place + 1 == points.len();
            match points.get_mut(place) {
                Some(point) if point.at == worst.at => {}
                // The point that stands for it already; the last one stays where it is.
                Some(point) if point.value == worst.value && !is_last => *point = worst,
                _ => points.insert(place, worst),
            }
        }
        points
    }

    pub fn points(&self) -> impl Iterator<Item = Point> {
        instants(self.from, self.to, self.step).zip(&self.values).map(|(at, value)| Point { at, value: *value })
    }
}

/// Whole seconds, so that fewer than [`MOST_POINTS`] points cover this time: the worst may need one of its own.
fn step(length: Span) -> Span {
    let steps = i64::try_from(MOST_POINTS - 2).unwrap_or(i64::MAX);
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
        // What was kept before its newest samples were written is known better by what came after.
        points.retain(|point| point.at <= curve.from);
        let reached = points.last().map(|point| point.at);
        let further = curve.points_with_the_worst();
        points.extend(further.into_iter().filter(|point| reached.is_none_or(|reached| point.at > reached)));
    }
    points.drain(..points.iter().position(|point| point.value.is_some()).unwrap_or(0));
    thinned(series, &points, MOST_POINTS)
}

/// From when to when an incident is measured that was kept up to `kept`; `None` when nothing is left to measure.
pub fn window(incident: &Incident, deployed: Option<Timestamp>, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let to = incident.closed.as_ref().map_or(now, |closed| closed.at);
    let kept_to = incident.kept.iter().map(|curve| curve.to).max();
    if incident.closed.is_some() && kept_to >= Some(to) {
        return None;
    }
    // Samples are written some seconds late: those that were not yet when it was kept are looked for again.
    let known_to = |curve: &Curve| curve.newest.filter(|_| curve.most.is_some()).unwrap_or(curve.to);
    let from = match incident.kept.iter().map(known_to).max() {
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

    /// Samples some 3 s apart, of which two stretches fail in part.
    fn uneven() -> Vec<Sample> {
        let fails = |count: i64| ((100..140).contains(&count) && count % 3 == 0) || (300..320).contains(&count);
        (0..1_200)
            .map(|count| Sample {
                at: at(count * 3 + count % 2),
                ok: !fails(count),
                micros: 100_000 + (count * 7_919) % 1_000 * if fails(count) { 900 } else { 1 },
            })
            .collect()
    }

    #[test]
    fn the_peak_and_its_instant_stay_the_same_however_long_the_curve_grows() {
        let all = uneven();
        for series in [Series::ErrorRate, Series::Availability, Series::ResponseTime] {
            let peak = |line: &[Point]| {
                let worst = worst(&series, line.iter().map(|point| point.value));
                *line.iter().find(|point| point.value == worst).unwrap()
            };
            let curve = |from, to| Curve::of(&series, LOOK_BACK, &all, at(from), at(to));
            // The best that there is: a value for each second.
            let looks = (0..1_000).map(|second| series.value(&all, LOOK_BACK, at(second)));
            let truth = worst(&series, looks).unwrap();
            let at_first = peak(&joined(&series, &[curve(0, 1_000)]));
            assert_eq!(at_first.value, Some(truth), "{series:?}");
            for to in (1_010..3_500).step_by(7) {
                let whole = curve(0, to);
                let line = joined(&series, [&whole]);
                assert_eq!(peak(&line), at_first, "{series:?} up to {to}");
                assert_eq!(peak(&thinned(&series, &line, 30)), at_first, "{series:?} up to {to}, thinned");
                assert!(line.len() <= MOST_POINTS && line.len() > 55, "{}", line.len());
                assert!(line.windows(2).all(|pair| pair[0].at < pair[1].at));
                let (least, most) = whole.range().unwrap();
                assert!([least, most].contains(&truth), "{series:?} up to {to}: {least} to {most}");
                let kept = [curve(0, to - 900), curve(to - 900, to - 300), curve(to - 300, to)];
                assert_eq!(peak(&joined(&series, &kept)), at_first, "{series:?} kept in parts up to {to}");
            }
        }
    }

    #[test]
    fn samples_that_were_written_after_the_keeping_are_not_lost() {
        // The failures came in the last seconds before it was kept, and were not written yet.
        let all = samples((0..600).step_by(2), |second| !(294..304).contains(&second));
        let written: Vec<Sample> = all.iter().filter(|sample| sample.at < at(297)).copied().collect();
        let kept = error_rate(&written, 0, 300);
        let later = error_rate(&all, 296, 500);
        assert_eq!(kept.newest, Some(later.from));
        let whole = joined(&Series::ErrorRate, &[error_rate(&all, 0, 500)]);
        let line = joined(&Series::ErrorRate, &[kept, later]);
        let most = |line: &[Point]| line.iter().filter_map(|point| point.value).max();
        assert_eq!(most(&line), most(&whole));
        assert!(line.windows(2).all(|pair| pair[0].at < pair[1].at));
    }

    #[test]
    fn the_last_point_is_the_value_at_the_end_and_not_the_worst_before_it() {
        let all = samples((0..3_600).step_by(5), |second| !(3_500..3_530).contains(&second));
        let curve = error_rate(&all, 0, 3_591);
        assert_eq!(curve.values.last(), Some(&Some(0)), "all that failed has fallen out since");
        assert_eq!(curve.most.unwrap().value, Some(500_000));
    }

    #[test]
    fn a_curve_that_was_kept_without_its_extremes_is_read_by_its_points() {
        let old = r#"{"series":"error_rate","from":0,"to":2000000,"step":1000000,"values":[null,7,5],"newest":1}"#;
        let curve: Curve = serde_json::from_str(old).unwrap();
        assert_eq!((curve.range(), curve.most), (Some((5, 7)), None));
        assert_eq!(joined(&Series::ErrorRate, [&curve]).len(), 2);
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
