//! When is a measured value a breach?
//!
//! A **series** is what is measured (error rate, response time, availability), taken over a sliding look-back at the
//! instant of each evaluation. A **condition** says which side of a threshold is bad and for how long. A **watch** is
//! what a condition has seen so far: it moves by [`Condition::advance`] alone, so that replaying the same evaluations
//! always ends in the same state, and a watch stored as a row goes on after a restart as if nothing had happened.
//!
//! A value is a breach when it was *strictly* beyond the threshold at every evaluation through the whole hold, with no
//! gap between evaluations over three intervals. Missing data is a state of its own: never healthy, never a breach. A
//! short silence (at most three intervals) neither proves nor disproves, so the time before it still counts; a longer
//! one, or a clock that was set back, makes the hold begin anew.
//!
//! Whole numbers only: rates in parts per million, times in microseconds. Rates are rounded towards the alarm (error
//! rate up, availability down), which makes the comparison with a whole threshold exact: one failure in three *is*
//! above 333,333 parts per million.

use super::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// All of something, in parts per million.
pub const WHOLE: i64 = 1_000_000;

/// The look-back of a series when nothing else is said.
pub const LOOK_BACK: Span = Span::seconds(60);

/// How far apart evaluations are meant to be until a probe says its own interval.
pub const USUAL_INTERVAL: Span = Span::seconds(5);

/// How many intervals may pass between two evaluations before the time between them counts as unseen.
const GAP_INTERVALS: i64 = 3;

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// Failed of all requests, parts per million.
    ErrorRate,
    /// The 95th percentile (nearest rank) of the time to the whole answer, microseconds.
    ResponseTime,
    /// Successful of all requests, parts per million.
    Availability,
    /// A series known by name alone, computed elsewhere (a metrics query); its unit is its author's.
    Other(String),
}

/// Which side of the threshold is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Above,
    Below,
}

/// One request that was made to find out how a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sample {
    /// When the outcome was known.
    pub at: Timestamp,
    /// Whether the answer was as expected.
    pub ok: bool,
    /// Time to the whole answer, microseconds; the full time limit when none came, so that a refused connection never
    /// passes for a quick response.
    pub micros: i64,
}

/// When a series is a breach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub series: Series,
    pub direction: Direction,
    /// Parts per million or microseconds, as the series has it. Exactly at the threshold is not a breach.
    pub threshold: i64,
    /// How long the value must stay beyond the threshold.
    pub hold: Span,
    /// The sliding window that a value is taken over.
    #[serde(default = "usual_look_back")]
    pub look_back: Span,
    /// How far apart evaluations are meant to be.
    pub interval: Span,
}

fn usual_look_back() -> Span {
    LOOK_BACK
}

/// What a condition has seen so far. Stored as a row; [`Watch::phase`] says what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// What the latest evaluation saw.
    pub seen: Seen,
    /// When that evaluation was.
    pub at: Timestamp,
    /// Since when the watch is in its present phase (for pending and breached, see [`Run::since`]).
    pub since: Timestamp,
    /// The unbroken run beyond the threshold, while there is one; kept through a short silence.
    pub run: Option<Run>,
}

/// What one evaluation saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    Value(i64),
    Nothing,
    Fault(String),
}

/// An unbroken run of evaluations beyond the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The first evaluation beyond the threshold.
    pub since: Timestamp,
    /// The latest evaluation beyond the threshold.
    pub last_at: Timestamp,
    /// The evaluation that completed the hold.
    pub breached_at: Option<Timestamp>,
}

/// What a watch means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase<'a> {
    Ok {
        since: Timestamp,
    },
    Pending {
        since: Timestamp,
    },
    /// Beyond the threshold since `since`, a breach from `breached_at` on.
    Breached {
        since: Timestamp,
        breached_at: Timestamp,
    },
    NoData {
        since: Timestamp,
    },
    Error {
        since: Timestamp,
        message: &'a str,
    },
}

impl Phase<'_> {
    /// The phase's name in rows, pages and interfaces.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Ok { .. } => "ok",
            Phase::Pending { .. } => "pending",
            Phase::Breached { .. } => "breached",
            Phase::NoData { .. } => "no data",
            Phase::Error { .. } => "error",
        }
    }

    pub fn since(self) -> Timestamp {
        match self {
            Phase::Ok { since }
            | Phase::Pending { since }
            | Phase::Breached { since, .. }
            | Phase::NoData { since }
            | Phase::Error { since, .. } => since,
        }
    }
}

impl Series {
    /// The series' value at an instant: over the samples with `at - look_back < sample.at <= at`.
    /// `None` when there is no such sample, and always for [`Series::Other`].
    pub fn value<'a>(
        &self,
        samples: impl IntoIterator<Item = &'a Sample>,
        look_back: Span,
        at: Timestamp,
    ) -> Option<i64> {
        let window = samples.into_iter().filter(|sample| at - look_back < sample.at && sample.at <= at);
        match self {
            Series::ErrorRate | Series::Availability => {
                let (failed, all) = window.fold((0, 0), |(failed, all), it| (failed + i64::from(!it.ok), all + 1));
                self.share(failed, all)
            }
            Series::ResponseTime => {
                let mut micros: Vec<i64> = window.map(|sample| sample.micros).collect();
                micros.sort_unstable();
                p95(&micros)
            }
            Series::Other(_) => None,
        }
    }

    /// The value of a series that is a share, where `failed` of `all` failed; `None` for any other, and of nothing.
    pub(super) fn share(&self, failed: i64, all: i64) -> Option<i64> {
        match self {
            Series::ErrorRate if all > 0 => Some((failed * WHOLE + all - 1) / all),
            Series::Availability if all > 0 => Some((all - failed) * WHOLE / all),
            _ => None,
        }
    }

    /// The name in playbooks and in the journal.
    pub fn key(&self) -> &str {
        match self {
            Series::ErrorRate => "error_rate",
            Series::ResponseTime => "response_time",
            Series::Availability => "availability",
            Series::Other(name) => name,
        }
    }

    /// Reads what [`Series::key`] wrote.
    pub fn from_key(key: &str) -> Series {
        match key {
            "error_rate" => Series::ErrorRate,
            "response_time" => Series::ResponseTime,
            "availability" => Series::Availability,
            other => Series::Other(other.to_owned()),
        }
    }

    /// The name that people read.
    pub fn label(&self) -> &str {
        match self {
            Series::ErrorRate => "error rate",
            Series::ResponseTime => "response time (p95)",
            Series::Availability => "availability",
            Series::Other(name) => name,
        }
    }

    /// A value with its unit, which stay on one line: `12.5 %`, `1.84 s`, `180 ms`, `9.5 ms`; a bare number for
    /// [`Series::Other`]. Parts of a millisecond are no matter beside ten of them.
    pub fn show(&self, value: i64) -> String {
        match self {
            Series::ErrorRate | Series::Availability => format!("{}\u{a0}%", decimal(value, 10_000)),
            Series::ResponseTime if value.abs() >= 1_000_000 => format!("{}\u{a0}s", decimal(value, 1_000_000)),
            Series::ResponseTime if value.abs() >= 10_000 => format!("{}\u{a0}ms", value / 1_000),
            Series::ResponseTime => format!("{}\u{a0}ms", decimal(value, 1_000)),
            Series::Other(_) => value.to_string(),
        }
    }
}

/// `value / unit` with at most two decimals, cut, without trailing noughts.
fn decimal(value: i64, unit: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (value, unit) = (value.unsigned_abs(), unit.unsigned_abs());
    let hundredths = value % unit * 100 / unit;
    match (value / unit, hundredths) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, part) if part % 10 == 0 => format!("{sign}{whole}.{}", part / 10),
        (whole, part) => format!("{sign}{whole}.{part:02}"),
    }
}

/// The 95th percentile by nearest rank: the smallest value that at least 95 % of all do not exceed.
/// They stand in order of size.
pub(super) fn p95(values: &[i64]) -> Option<i64> {
    let rank = (values.len() * 95).div_ceil(100);
    rank.checked_sub(1).map(|index| values[index])
}

impl Watch {
    /// A watch that has seen nothing yet.
    pub fn unseen(at: Timestamp) -> Watch {
        Watch { seen: Seen::Nothing, at, since: at, run: None }
    }

    /// What the watch meant at its latest evaluation. A page that shows it later wants [`Condition::phase_at`].
    pub fn phase(&self) -> Phase<'_> {
        match (&self.seen, self.run) {
            (Seen::Fault(message), _) => Phase::Error { since: self.since, message },
            (Seen::Nothing, _) => Phase::NoData { since: self.since },
            (Seen::Value(_), None) => Phase::Ok { since: self.since },
            (Seen::Value(_), Some(Run { since, breached_at: None, .. })) => Phase::Pending { since },
            (Seen::Value(_), Some(Run { since, breached_at: Some(breached_at), .. })) => {
                Phase::Breached { since, breached_at }
            }
        }
    }

    /// The latest value, when the latest evaluation had one.
    pub fn value(&self) -> Option<i64> {
        match self.seen {
            Seen::Value(value) => Some(value),
            Seen::Nothing | Seen::Fault(_) => None,
        }
    }

    /// Whether the step from `before` to `self` completed a hold: once for each run, however long it lasts.
    pub fn newly_breached(&self, before: &Watch) -> bool {
        let breached_at = |watch: &Watch| watch.run.and_then(|run| run.breached_at);
        breached_at(self).is_some() && breached_at(self) != breached_at(before)
    }
}

impl Condition {
    /// The state after an evaluation at `at` that saw `value`, or no data.
    pub fn advance(&self, watch: &Watch, value: Option<i64>, at: Timestamp) -> Watch {
        self.step(watch, value.map_or(Seen::Nothing, Seen::Value), at)
    }

    /// The state after an evaluation at `at` that went wrong: the source did not answer, or not sensibly.
    pub fn fault(&self, watch: &Watch, message: &str, at: Timestamp) -> Watch {
        self.step(watch, Seen::Fault(message.to_owned()), at)
    }

    fn step(&self, watch: &Watch, seen: Seen, at: Timestamp) -> Watch {
        let unbroken = watch.run.filter(|run| self.reaches(run.last_at, at));
        let run = match seen {
            Seen::Value(value) if self.beyond(value) => {
                let since = unbroken.map_or(at, |run| run.since);
                let held = (at - since >= self.hold).then_some(at);
                Some(Run { since, last_at: at, breached_at: unbroken.and_then(|run| run.breached_at).or(held) })
            }
            Seen::Value(_) => None,
            Seen::Nothing | Seen::Fault(_) => unbroken,
        };
        let mut next = Watch { seen, at, since: at, run };
        if at >= watch.at && next.phase().name() == watch.phase().name() {
            next.since = watch.since;
        }
        next
    }

    /// Whether a value is on the bad side: strictly.
    pub fn beyond(&self, value: i64) -> bool {
        match self.direction {
            Direction::Above => value > self.threshold,
            Direction::Below => value < self.threshold,
        }
    }

    /// The longest time between two evaluations that still counts as seen: three intervals.
    pub fn longest_gap(&self) -> Span {
        Span(self.interval.0.saturating_mul(GAP_INTERVALS))
    }

    /// Whether no more than the longest gap lies between two evaluations. A clock that was set back proves nothing
    /// about a duration.
    fn reaches(&self, earlier: Timestamp, later: Timestamp) -> bool {
        later >= earlier && later - earlier <= self.longest_gap()
    }

    /// What a stored watch means `now`: one that was not evaluated for more than three intervals is "no data", whatever
    /// it saw last, so that a dead evaluator never looks like a healthy service.
    pub fn phase_at<'w>(&self, watch: &'w Watch, now: Timestamp) -> Phase<'w> {
        if now > watch.at && !self.reaches(watch.at, now) && watch.value().is_some() {
            Phase::NoData { since: watch.at }
        } else {
            watch.phase()
        }
    }

    /// The oldest sample that an evaluation at `at` may need: for its own value, and for the window frozen as evidence.
    pub fn reach_back(&self) -> Span {
        let parts = [self.look_back, self.hold, self.longest_gap()];
        Span(parts.iter().fold(0_i64, |sum, part| sum.saturating_add(part.0)))
    }

    /// `error rate above 10 % for 5m, over a look-back of 1m`.
    pub fn in_words(&self) -> String {
        let side = match self.direction {
            Direction::Above => "above",
            Direction::Below => "below",
        };
        let (label, threshold) = (self.series.label(), self.series.show(self.threshold));
        let (hold, look_back) = (self.hold.in_words(), self.look_back.in_words());
        format!("{label} {side} {threshold} for {hold}, over a look-back of {look_back}")
    }

    /// Refuses a condition that could never be true or never be false.
    ///
    /// # Errors
    /// One plain sentence that names the field, the fault and what would be right.
    pub fn check(&self) -> Result<(), String> {
        if self.hold < Span::ZERO {
            return Err(format!("hold is {}; it must be zero or longer", self.hold.written()));
        }
        for (name, span) in [("look_back", self.look_back), ("interval", self.interval)] {
            if span <= Span::ZERO {
                return Err(format!("{name} is {}; it must be longer than zero", span.written()));
            }
        }
        let rate = matches!(self.series, Series::ErrorRate | Series::Availability);
        let reachable = match self.direction {
            Direction::Above => !rate || (0..WHOLE).contains(&self.threshold),
            Direction::Below => !rate || (1..=WHOLE).contains(&self.threshold),
        };
        if !reachable {
            let threshold = self.threshold;
            return Err(format!(
                "threshold is {threshold} parts per million; a share lies between 0 and {WHOLE}, and some values \
                 must lie on the bad side of it"
            ));
        }
        if self.series == Series::ResponseTime && self.threshold < 0 {
            return Err(format!("threshold is {} microseconds; a response time is never negative", self.threshold));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
