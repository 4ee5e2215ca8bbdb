//! The measured triggers as they stand now, for the first page.
//!
//! A trigger's row in the store is written when its phase changes, so the row alone says neither the present value nor
//! whether anybody still measures. Both come from the samples: the value is taken over them at this moment, and a watch
//! whose probe fell silent is "no data", whatever it saw last ([`Condition::phase_at`]).

use super::AppState;
use super::error::WebError;
use crate::app::gather::{probe_series, sample_of};
use crate::domain::condition::{Condition, Direction, Phase, Sample, Seen, Watch};
use crate::domain::procedure::{Detection, Procedure, Trigger};
use crate::domain::{Span, Timestamp};
use crate::store::TriggerState;

/// How far back samples are read beyond a look-back, to see how often there is one.
const BESIDE: Span = Span::minutes(2);

/// One trigger of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLine {
    pub trigger: String,
    /// Its name and its category in the playbook.
    pub name: String,
    pub category: String,
    pub environment: String,
    pub component: String,
    /// Environment and component.
    pub place: String,
    /// `trigger above 10 % for 5 min`.
    pub requirement: String,
    /// The value now, or "no data".
    pub value: String,
    /// `ok`, `pending`, `breached`, `no data` or `error`.
    pub phase: &'static str,
    pub since: Timestamp,
    /// Why it cannot be measured; empty when it can.
    pub fault: String,
    /// The value as a share of the threshold, 0 to 100; over the threshold it is full. Nothing without a value.
    pub share: Option<i64>,
}

/// Every measured trigger of the playbook that somebody watches, worst first.
pub async fn watched(app: &AppState, procedure: &Procedure, now: Timestamp) -> Result<Vec<WatchedLine>, WebError> {
    let mut lines = Vec::new();
    for row in app.store.trigger_states().await? {
        let Some((place, condition, trigger)) = known(procedure, &row.key) else { continue };
        let Ok(watch) = serde_json::from_str::<Watch>(&row.body) else { continue };
        let (environment, component) = place;
        let from = now - condition.look_back - BESIDE;
        let series = probe_series(environment, component);
        let samples: Vec<Sample> =
            app.store.samples(&series, from, now + Span(1)).await?.iter().map(sample_of).collect();
        lines.push(line(trigger, (environment, component), condition, &watch, &row, &samples, now));
    }
    lines.sort_by_key(|line| (rank(line.phase), line.place.clone()));
    Ok(lines)
}

/// What a row's key names, if the playbook still has it: place, condition, the trigger.
fn known<'a>(procedure: &'a Procedure, key: &'a str) -> Option<((&'a str, &'a str), &'a Condition, &'a Trigger)> {
    let (environment, rest) = key.split_once('/')?;
    let (component, trigger) = rest.split_once('/')?;
    let trigger = procedure.trigger(trigger)?;
    match &trigger.detection {
        Detection::Metric { condition, .. } => Some(((environment, component), condition, trigger)),
        Detection::Signal { .. } | Detection::Person => None,
    }
}

fn rank(phase: &str) -> u8 {
    match phase {
        "breached" => 0,
        "error" => 1,
        "no data" => 2,
        "pending" => 3,
        _ => 4,
    }
}

fn line(
    trigger: &Trigger,
    (environment, component): (&str, &str),
    condition: &Condition,
    watch: &Watch,
    row: &TriggerState,
    samples: &[Sample],
    now: Timestamp,
) -> WatchedLine {
    // A trigger is evaluated at each of its probe's samples, so their spacing is its interval.
    let spacing = samples.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap_or(Span::ZERO);
    let condition = Condition { interval: condition.interval.max(spacing), ..condition.clone() };
    let mut watch = watch.clone();
    let newest = samples.last().map(|sample| sample.at).filter(|at| *at > watch.at);
    if let Some(at) = newest {
        watch.at = at;
        if let (Some(value), Seen::Value(_)) = (condition.series.value(samples, condition.look_back, at), &watch.seen) {
            watch.seen = Seen::Value(value);
        }
    }
    let phase = condition.phase_at(&watch, now);
    let value = match phase {
        Phase::NoData { .. } | Phase::Error { .. } => None,
        _ => watch.value(),
    };
    WatchedLine {
        trigger: trigger.text.clone(),
        name: trigger.name.clone(),
        category: trigger.category.clone(),
        environment: environment.to_owned(),
        component: component.to_owned(),
        place: format!("{component}, {environment}"),
        requirement: requirement(&condition),
        value: value.map_or_else(|| "no data".to_owned(), |value| condition.series.show(value)),
        phase: phase.name(),
        since: match phase {
            Phase::NoData { since } | Phase::Pending { since } | Phase::Breached { since, .. } => since,
            _ => row.since,
        },
        fault: if let Phase::Error { message, .. } = phase { message.to_owned() } else { String::new() },
        share: value.map(|value| share(&condition, value)),
    }
}

fn requirement(condition: &Condition) -> String {
    let side = if condition.direction == Direction::Above { "above" } else { "below" };
    format!("trigger {side} {} for {}", condition.series.show(condition.threshold), condition.hold.in_words())
}

/// How near the value is to the threshold: above it or below it, 100 is reached.
fn share(condition: &Condition, value: i64) -> i64 {
    let (near, far) = match condition.direction {
        Direction::Above => (value, condition.threshold),
        Direction::Below => (condition.threshold, value),
    };
    if far <= 0 { 100 } else { (near.max(0).saturating_mul(100) / far).clamp(0, 100) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::condition::Series;

    fn condition() -> Condition {
        Condition {
            series: Series::ErrorRate,
            direction: Direction::Above,
            threshold: 100_000,
            hold: Span::minutes(5),
            look_back: Span::seconds(60),
            interval: Span::seconds(5),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(1_772_680_468_000_000) + Span::seconds(seconds)
    }

    fn shown(watch: &Watch, samples: &[Sample], now: Timestamp) -> WatchedLine {
        let row = TriggerState {
            key: "production/web/error-rate".into(),
            state: "ok".into(),
            since: at(0),
            body: String::new(),
            updated_at: at(0),
        };
        let procedure = crate::playbook::default_procedure();
        let trigger = procedure.trigger("error-rate").unwrap();
        line(trigger, ("production", "web"), &condition(), watch, &row, samples, now)
    }

    fn samples(seconds: impl Iterator<Item = i64>, ok: bool) -> Vec<Sample> {
        seconds.map(|second| Sample { at: at(second), ok, micros: 1_000 }).collect()
    }

    #[test]
    fn a_healthy_trigger_stays_ok_long_after_its_row_was_written_while_samples_come() {
        let watch = condition().advance(&Watch::unseen(at(0)), Some(0), at(0));
        let line = shown(&watch, &samples((3_500..=3_600).step_by(5), true), at(3_602));
        assert_eq!((line.phase, line.value.as_str()), ("ok", "0\u{a0}%"));
        assert_eq!(line.requirement, "trigger above 10\u{a0}% for 5\u{a0}min");
    }

    #[test]
    fn a_trigger_whose_probe_fell_silent_is_no_data_and_never_healthy() {
        let watch = condition().advance(&Watch::unseen(at(0)), Some(0), at(0));
        for seen in [vec![], samples((0..=60).step_by(5), true)] {
            let line = shown(&watch, &seen, at(600));
            assert_eq!((line.phase, line.value.as_str(), line.share), ("no data", "no data", None));
        }
    }

    #[test]
    fn a_breach_shows_the_present_value() {
        let mut watch = Watch::unseen(at(0));
        for second in (0..=300).step_by(5) {
            watch = condition().advance(&watch, Some(200_000), at(second));
        }
        let line = shown(&watch, &samples((240..=310).step_by(5), false), at(311));
        assert_eq!((line.phase, line.value.as_str(), line.share), ("breached", "100\u{a0}%", Some(100)));
        assert_eq!(line.since, at(0));
    }
}
