//! What is measured of an incident, as its pages show it: the value, what is wanted, how it stands in words, the plot.
//!
//! It is the same for everyone who looks, so that a page and a stream to many viewers send the very same markup: made
//! from the incident and its samples, never from a viewer. A value is green only when its criterion is met through its
//! whole duration; where nobody measured lately it has no value at all.

use super::AppState;
use super::error::WebError;
use super::plot::{LineView, Spark, line};
use crate::app::Looked;
use crate::app::measuring::Measured;
use crate::domain::Timestamp;
use crate::domain::condition::{Condition, Series};
use crate::domain::decide::compared;
use crate::domain::procedure::{Criterion, Detection};
use crate::domain::recovery::{Standing, Threshold, Trace};
use askama::Template;

/// The region `measures` of a page.
pub struct Measures {
    /// What the rings' letters mean.
    pub legend: String,
    pub gauges: Vec<Gauge>,
    /// Failure indicators that compare with T+0: name and words.
    pub compared: Vec<(String, String)>,
    /// The newest sample; nothing once the incident is closed.
    pub at: Option<Timestamp>,
}

/// A value with its goal and its plot.
pub struct Gauge {
    pub id: String,
    pub label: String,
    /// `success below 1 %`.
    pub goal: String,
    pub value: String,
    /// `gauge-ok`, `gauge-warn`, `gauge-crit` or `gauge-old`; empty where colour would say too much.
    pub class: &'static str,
    /// How it stands; colour never stands alone.
    pub words: String,
    /// The value frozen at T+0, where there is one.
    pub before: String,
    pub plot: Option<LineView>,
    pub spark: Option<Spark>,
}

/// The region, and beside it the cells that the verification has for each measured criterion.
#[derive(Template)]
#[template(
    source = r#"{% import "measured.html" as measured %}{% include "room/measures.html" %}
{% for gauge in measures.gauges %}{% call measured::value(gauge) %}{% endcall %}{% call measured::trend(gauge) %}{% endcall %}{% endfor %}
{% for (indicator, words) in measures.compared %}{% call measured::comparison(indicator, words) %}{% endcall %}{% endfor %}"#,
    ext = "html"
)]
struct Region<'a> {
    measures: &'a Measures,
}

impl Measures {
    /// # Errors
    /// The store's.
    pub async fn read(app: &AppState, looked: &Looked) -> Result<Measures, WebError> {
        Ok(Measures::of(looked, &app.incidents.measured(looked).await?))
    }

    pub fn of(looked: &Looked, measured: &Measured) -> Measures {
        let criteria = looked.gathered.procedure.verification.criteria.iter();
        let asked: Vec<(&Criterion, &Condition)> =
            criteria.filter_map(|criterion| criterion.condition.as_ref().map(|goal| (criterion, goal))).collect();
        let mut gauges: Vec<Gauge> =
            asked.iter().map(|(criterion, goal)| gauge(looked, measured, criterion, goal)).collect();
        // A series that no criterion asks for has its place where it set the alarm off.
        let procedure = &looked.gathered.procedure;
        let alarmed = |series: &Series| {
            let named = looked.incident.triggers.iter().filter_map(|seen| procedure.trigger(&seen.name));
            named.into_iter().any(|trigger| match &trigger.detection {
                Detection::Metric { condition, .. } => condition.series == *series,
                Detection::Signal { .. } | Detection::Person => false,
            })
        };
        let harmed = measured
            .traces
            .iter()
            .filter(|trace| asked.iter().all(|(_, goal)| goal.series != trace.series) && alarmed(&trace.series));
        gauges.extend(harmed.map(|trace| ungoverned(looked, trace)));
        Measures {
            legend: line::legend(&measured.traces),
            gauges,
            compared: comparisons(looked),
            at: measured.at.filter(|_| looked.incident.is_open()),
        }
    }

    /// What was measured for a success criterion.
    pub fn of_criterion(&self, name: &str) -> Option<&Gauge> {
        self.gauges.iter().find(|gauge| gauge.id == name)
    }

    /// The markup of everything that changes with the measurements, for a stream to all who look: elements with ids.
    ///
    /// # Errors
    /// None that a writer to memory could have.
    pub fn region(&self) -> Result<String, askama::Error> {
        Region { measures: self }.render()
    }
}

/// None once the incident is closed: what is measured then is another story.
fn comparisons(looked: &Looked) -> Vec<(String, String)> {
    if !looked.incident.is_open() {
        return Vec::new();
    }
    let begun = looked.incident.attempts.iter().rev().find(|attempt| attempt.started_at().is_some());
    let indicators = looked.gathered.procedure.verification.indicators.iter();
    let comparing = indicators.filter_map(|indicator| indicator.compares.as_ref().zip(Some(&indicator.name)));
    let gathered = &looked.gathered;
    let words = |key: &str, attempt| compared(&gathered.procedure, &gathered.measures, attempt, key);
    begun.map_or_else(Vec::new, |attempt| comparing.map(|(key, name)| (name.clone(), words(key, attempt))).collect())
}

fn gauge(looked: &Looked, measured: &Measured, criterion: &Criterion, goal: &Condition) -> Gauge {
    let trace = measured.traces.iter().find(|trace| trace.series == goal.series);
    let standing = measured.standings.get(&criterion.name).copied();
    let (standing, value) = standing.unwrap_or((Standing::NoData(None), None));
    let reading = match looked.incident.is_open() {
        true => reading(goal, standing, value, trace),
        false => past(goal, trace),
    };
    Gauge {
        id: criterion.name.clone(),
        label: trace.map_or_else(|| crate::domain::words::upper_first(goal.series.label()), Trace::name),
        goal: format!("success {}", Threshold::of(goal).in_words(&goal.series)),
        value: reading.value,
        class: reading.class,
        words: reading.words,
        before: before(looked, &goal.series),
        plot: trace.map(|trace| LineView::of("measure", trace)),
        spark: trace.and_then(Spark::of),
    }
}

fn ungoverned(looked: &Looked, trace: &Trace) -> Gauge {
    let value = trace.now();
    let broken = value.is_some_and(|value| trace.trigger.is_some_and(|limit| limit.reached(value)));
    Gauge {
        id: trace.series.key().to_owned(),
        label: trace.name(),
        goal: trace.trigger.map_or_else(String::new, |limit| format!("trigger {}", limit.in_words(&trace.series))),
        value: value.map_or_else(|| no_data(trace.silent_since), |value| trace.series.show(value)),
        class: if broken {
            "gauge-crit"
        } else if value.is_none() {
            "gauge-old"
        } else {
            ""
        },
        words: if broken { "beyond the trigger".to_owned() } else { String::new() },
        before: before(looked, &trace.series),
        plot: Some(LineView::of("measure", trace)),
        spark: Spark::of(trace),
    }
}

/// A value and how it stands: colour and words.
pub struct Reading {
    pub value: String,
    pub class: &'static str,
    pub words: String,
}

/// How a criterion stands now. The only green is a criterion met through its whole duration.
pub fn reading(goal: &Condition, standing: Standing, value: Option<i64>, trace: Option<&Trace>) -> Reading {
    let shown = value.map_or_else(|| "no data".to_owned(), |value| goal.series.show(value));
    let broken =
        value.is_some_and(|value| trace.and_then(|trace| trace.trigger).is_some_and(|limit| limit.reached(value)));
    let hold = goal.hold.in_words();
    let (class, words) = match standing {
        Standing::Met => ("gauge-ok", format!("met for {hold}")),
        Standing::MetSince(since) => ("", format!("met since {} UTC, must last {hold}", since.time_of_day())),
        Standing::NotMet if broken => ("gauge-crit", "not met, beyond the trigger".to_owned()),
        Standing::NotMet => ("gauge-warn", "not met".to_owned()),
        Standing::NoData(since) => {
            return Reading { value: no_data(since), class: "gauge-old", words: String::new() };
        }
    };
    Reading { value: shown, class, words }
}

/// Once the incident is closed nothing is measured for it: the last value is that of the end.
fn past(goal: &Condition, trace: Option<&Trace>) -> Reading {
    let last = trace.and_then(|trace| trace.points.iter().rev().find_map(|point| point.value));
    Reading {
        value: last.map_or_else(|| "no data".to_owned(), |value| goal.series.show(value)),
        class: if last.is_some() { "" } else { "gauge-old" },
        words: if last.is_some() { "when it was closed".to_owned() } else { String::new() },
    }
}

/// `no data since 03:12:51`; never zero.
fn no_data(since: Option<Timestamp>) -> String {
    since.map_or_else(|| "not measured".to_owned(), |at| format!("no data since {}", at.time_of_day()))
}

fn before(looked: &Looked, series: &Series) -> String {
    let baseline = looked.incident.current().and_then(|attempt| attempt.baseline.get(series.key()).copied());
    baseline.map_or_else(String::new, |value| format!("{} at T+0", series.show(value)))
}

#[cfg(test)]
mod tests;
