//! What people look at instead of reading: a series with its thresholds and what was done, and the sentence that says
//! the same (L8).
//!
//! A [`Trace`] is plain data. Whoever draws it adds nothing to it, and whoever cannot see it reads [`Trace::sentence`]
//! and the values.

use super::Timestamp;
use super::condition::{Condition, Direction, Phase, Sample, Series, Watch};
use super::curve::{Curve, Point, interval, joined};
use super::figures::{authorised_at, confirmed_at};
use super::procedure::{Detection, Procedure};
use super::state::Incident;
use serde::Serialize;

/// One series of an incident, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    pub series: Series,
    /// In order of time, at most [`super::curve::MOST_POINTS`].
    pub points: Vec<Point>,
    /// Beyond it a trigger fires when it lasts.
    pub trigger: Option<Threshold>,
    /// What success wants.
    pub goal: Option<Threshold>,
    pub marks: Vec<Mark>,
    /// The newest sample, when it is too old to speak of now.
    pub silent_since: Option<Timestamp>,
    /// It goes on no more: the last value is that of the end, not of now.
    pub ended: bool,
}

/// A value and the side of it that is meant: beyond it for a trigger, within it for success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Threshold {
    pub direction: Direction,
    pub value: i64,
}

impl Threshold {
    pub fn of(condition: &Condition) -> Threshold {
        Threshold { direction: condition.direction, value: condition.threshold }
    }

    pub fn reached(self, value: i64) -> bool {
        match self.direction {
            Direction::Above => value > self.value,
            Direction::Below => value < self.value,
        }
    }

    /// `below 1 %`.
    pub fn in_words(self, series: &Series) -> String {
        let side = match self.direction {
            Direction::Above => "above",
            Direction::Below => "below",
        };
        format!("{side} {}", series.show(self.value))
    }
}

/// Something that was done, or happened, at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    pub kind: MarkKind,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    Deploy,
    Trigger,
    Approval,
    Rollback,
    Verified,
}

impl MarkKind {
    pub const fn letter(self) -> char {
        match self {
            MarkKind::Deploy => 'D',
            MarkKind::Trigger => 'T',
            MarkKind::Approval => 'A',
            MarkKind::Rollback => 'R',
            MarkKind::Verified => 'V',
        }
    }

    pub const fn words(self) -> &'static str {
        match self {
            MarkKind::Deploy => "deploy",
            MarkKind::Trigger => "trigger",
            MarkKind::Approval => "approval",
            MarkKind::Rollback => "rollback",
            MarkKind::Verified => "verified",
        }
    }
}

/// What was done in an incident that a measurement could show, in order of time.
pub fn marks(incident: &Incident, deployed: Option<Timestamp>) -> Vec<Mark> {
    let mark = |kind| move |at| Mark { kind, at };
    let mut marks: Vec<Mark> = deployed.into_iter().map(mark(MarkKind::Deploy)).collect();
    marks.push(Mark { kind: MarkKind::Trigger, at: incident.opened_at });
    for attempt in &incident.attempts {
        marks.extend(authorised_at(attempt).map(mark(MarkKind::Approval)));
        marks.extend(attempt.started_at().map(mark(MarkKind::Rollback)));
        marks.extend(confirmed_at(attempt).map(mark(MarkKind::Verified)));
    }
    marks.sort_by_key(|mark| (mark.at, mark.kind));
    marks
}

/// Every series that success or a trigger of the procedure asks for, of which anything was measured. What the success
/// criteria ask for comes first. `measured` is what came after what the journal kept.
pub fn traces(
    incident: &Incident,
    procedure: &Procedure,
    measured: &[Curve],
    deployed: Option<Timestamp>,
) -> Vec<Trace> {
    let marks = marks(incident, deployed);
    let known = || incident.kept.iter().chain(measured);
    let criteria: Vec<&Condition> =
        procedure.verification.criteria.iter().filter_map(|criterion| criterion.condition.as_ref()).collect();
    let triggers: Vec<&Condition> = procedure
        .triggers
        .iter()
        .filter_map(|trigger| match &trigger.detection {
            Detection::Metric { condition, .. } => Some(condition),
            Detection::Signal { .. } | Detection::Person => None,
        })
        .collect();
    let mut all: Vec<&Series> = Vec::new();
    for condition in criteria.iter().chain(&triggers) {
        if !all.contains(&&condition.series) && known().any(|curve| curve.series == condition.series) {
            all.push(&condition.series);
        }
    }
    let threshold = |among: &[&Condition], series: &Series| {
        among.iter().find(|condition| condition.series == *series).map(|condition| Threshold::of(condition))
    };
    all.into_iter()
        .map(|series| {
            let points = joined(series, known());
            let (first, last) = (points.first().map(|point| point.at), points.last().copied());
            let newest = known().filter(|curve| curve.series == *series).filter_map(|curve| curve.newest).max();
            Trace {
                series: series.clone(),
                trigger: threshold(&triggers, series),
                goal: threshold(&criteria, series),
                marks: marks
                    .iter()
                    .filter(|mark| Some(mark.at) >= first && last.is_some_and(|last| mark.at <= last.at))
                    .cloned()
                    .collect(),
                silent_since: newest.filter(|_| last.is_some_and(|last| last.value.is_none())),
                ended: incident.closed.is_some(),
                points,
            }
        })
        .collect()
}

impl Trace {
    /// `Error rate peaked at 14.2 % at 03:01 UTC, below 1 % since 03:17.`
    pub fn sentence(&self) -> String {
        let name = self.name();
        let known: Vec<(Timestamp, i64)> =
            self.points.iter().filter_map(|point| point.value.map(|value| (point.at, value))).collect();
        let Some((&(first_at, _), &(last_at, last))) = known.first().zip(known.last()) else {
            return format!("{name}: no data in this time.");
        };
        let (peak_at, peak) = self.peak(&known);
        let (peaked, most) = match self.series.worse() {
            Direction::Above => ("peaked at", "at most"),
            Direction::Below => ("fell to", "at least"),
        };
        let peak_words = format!("{} at {}", self.series.show(peak), minute(peak_at));
        let fits = |value: i64| self.fits(value);
        let mut text = if self.goal.is_none() && self.trigger.is_none() {
            format!("{name} {peaked} {peak_words} UTC; {}", self.last_words(last, last_at))
        } else if fits(peak) {
            format!("{name} {} {}, {most} {peak_words} UTC", self.staying(), self.within())
        } else if fits(last) {
            let since = known.iter().rev().take_while(|(_, value)| fits(*value)).last();
            let since = since.map_or(first_at, |(at, _)| *at);
            format!("{name} {peaked} {peak_words} UTC, {} since {}", self.within(), minute(since))
        } else {
            let state = self.last_words(last, last_at);
            format!("{name} {peaked} {peak_words} UTC; {state}, {}", self.outside())
        };
        text.push('.');
        if let Some(since) = self.silent_since {
            text.push_str(&format!(" No data since {} UTC.", since.time_of_day()));
        }
        text
    }

    /// `Error rate`, `Response time, p95`.
    pub fn name(&self) -> String {
        match &self.series {
            Series::ErrorRate => "Error rate".to_owned(),
            Series::ResponseTime => "Response time, p95".to_owned(),
            Series::Availability => "Availability".to_owned(),
            Series::Other(name) => name.clone(),
        }
    }

    /// Whether a value ever was beyond the trigger.
    pub fn alarmed(&self) -> bool {
        let mut known = self.points.iter().filter_map(|point| point.value);
        self.trigger.is_some_and(|limit| known.any(|value| limit.reached(value)))
    }

    /// The newest value, unless nobody measured lately.
    pub fn now(&self) -> Option<i64> {
        self.points.last().and_then(|point| point.value)
    }

    fn peak(&self, known: &[(Timestamp, i64)]) -> (Timestamp, i64) {
        let mut peak = known[0];
        for one in &known[1..] {
            let worse = match self.series.worse() {
                Direction::Above => one.1 > peak.1,
                Direction::Below => one.1 < peak.1,
            };
            if worse {
                peak = *one;
            }
        }
        peak
    }

    /// Whether a value is as success wants it; where success asks for nothing, whether no trigger would mind.
    fn fits(&self, value: i64) -> bool {
        match (self.goal, self.trigger) {
            (Some(goal), _) => goal.reached(value),
            (None, Some(limit)) => !limit.reached(value),
            (None, None) => true,
        }
    }

    fn staying(&self) -> &'static str {
        if self.goal.is_some() { "stayed" } else { "was" }
    }

    fn within(&self) -> String {
        match (self.goal, self.trigger) {
            (Some(goal), _) => goal.in_words(&self.series),
            (None, Some(limit)) => format!("not {}", limit.in_words(&self.series)),
            (None, None) => String::new(),
        }
    }

    fn outside(&self) -> String {
        match (self.goal, self.trigger) {
            (Some(goal), _) => format!("not {}", goal.in_words(&self.series)),
            (None, Some(limit)) => limit.in_words(&self.series),
            (None, None) => String::new(),
        }
    }

    fn last_words(&self, last: i64, at: Timestamp) -> String {
        let last = self.series.show(last);
        if self.silent_since.is_some() {
            format!("{last} at {}", minute(at))
        } else if self.ended {
            format!("{last} at the end")
        } else {
            format!("{last} now")
        }
    }
}

/// `03:01`.
fn minute(at: Timestamp) -> String {
    at.time_of_day()[..5].to_owned()
}

/// How a criterion stands by measurement. Only [`Standing::Met`] is green.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Through its whole duration, without a gap.
    Met,
    /// Now, but not long enough yet.
    MetSince(Timestamp),
    NotMet,
    /// Nobody measured lately.
    NoData(Option<Timestamp>),
}

/// Holds a criterion's condition against samples in order of time. They must reach back over its duration, its look-back
/// and three intervals.
pub fn standing(condition: &Condition, samples: &[Sample], now: Timestamp) -> Standing {
    let condition = Condition { interval: condition.interval.max(interval(samples)), ..condition.clone() };
    let from = now - condition.reach_back() + condition.look_back;
    let first = samples.partition_point(|sample| sample.at < from);
    let mut watch: Option<Watch> = None;
    for sample in samples[first..].iter().filter(|sample| sample.at <= now) {
        let behind = samples.partition_point(|earlier| earlier.at <= sample.at - condition.look_back);
        let value = condition.series.value(&samples[behind..], condition.look_back, sample.at);
        let before = watch.unwrap_or_else(|| Watch::unseen(sample.at));
        watch = Some(condition.advance(&before, value, sample.at));
    }
    let newest = samples.iter().rfind(|sample| sample.at <= now).map(|sample| sample.at);
    let Some(watch) = watch else { return Standing::NoData(newest) };
    // A condition of success is "breached" when it is met: the words are a trigger's, the counting is the same.
    match condition.phase_at(&watch, now) {
        Phase::Ok { .. } => Standing::NotMet,
        Phase::Pending { since } => Standing::MetSince(since),
        Phase::Breached { .. } => Standing::Met,
        Phase::NoData { .. } | Phase::Error { .. } => Standing::NoData(newest),
    }
}

#[cfg(test)]
mod tests;
