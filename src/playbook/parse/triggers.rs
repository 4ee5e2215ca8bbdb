//! Categories, triggers, and the conditions under which a measurement means something.

use super::{DECISIONS, SEVERITIES};
use crate::domain::Span;
use crate::domain::condition::{Condition, Direction, Series, USUAL_INTERVAL};
use crate::domain::procedure::{Category, Detection, Trigger};
use crate::playbook::reader::Reader;
use crate::playbook::sheet::Noun;
use crate::playbook::{parse_share, parse_span};
use std::ops::Range;

/// What the built-in probes measure, so that anybody may refer to it.
pub(super) const MEASURED: [(&str, Series); 3] = [
    ("error_rate", Series::ErrorRate),
    ("response_time", Series::ResponseTime),
    ("availability", Series::Availability),
];

pub(super) fn categories(top: &mut Reader<'_>) -> Vec<Category> {
    top.tables("category", "a category", |category| Category {
        name: category.name(Noun::Category),
        title: category.text("title"),
        decision: category.word("decision", DECISIONS),
        severity: category.word("severity", SEVERITIES),
        automatic: category.flag("automatic", false),
        always_own_incident: category.flag("always_own_incident", false),
        marks: category.text_if_any("marks"),
        seed: category.text_if_any("seed"),
    })
}

pub(super) fn triggers(top: &mut Reader<'_>) -> Vec<Trigger> {
    for (name, _) in MEASURED {
        top.sheet.know(Noun::Series, name);
    }
    top.tables("trigger", "a trigger", |trigger| Trigger {
        name: trigger.name(Noun::Trigger),
        text: trigger.text("text"),
        category: trigger.reference("category", Noun::Category),
        detection: detection(trigger),
        seed: trigger.text_if_any("seed"),
    })
}

#[derive(Clone, Copy)]
enum Detect {
    Person,
    Signal,
    Metric,
}

fn detection(trigger: &mut Reader<'_>) -> Detection {
    let ways = &[("person", Detect::Person), ("signal", Detect::Signal), ("metric", Detect::Metric)];
    match trigger.word("detect", ways) {
        Detect::Person => Detection::Person,
        Detect::Signal => Detection::Signal { heartbeat: trigger.span_if_any("heartbeat") },
        Detect::Metric => {
            let query = trigger.text_if_any("query");
            let at = trigger.place_or_table("detect");
            let condition = trigger.table("condition", "the condition", |it| condition(it, query.is_some()));
            if condition.is_none() && !trigger.has("condition") {
                let mend = "add condition = { series = \"error_rate\", above = \"10%\", for = \"5m\" }";
                trigger.sheet.missing(&at, "a metric trigger needs its `condition`", mend);
            }
            Detection::Metric { condition: condition.unwrap_or_else(nothing), query }
        }
    }
}

/// A placeholder that no procedure keeps: a fault was noted.
fn nothing() -> Condition {
    Condition {
        series: Series::ErrorRate,
        direction: Direction::Above,
        threshold: 0,
        hold: Span::ZERO,
        look_back: Span::ZERO,
        interval: USUAL_INTERVAL,
    }
}

/// `{ series = "error_rate", above = "10%", for = "5m", look_back = "60s" }`.
///
/// A series that nothing measures is a fault, unless `measured_here` by the trigger's own query.
pub(super) fn condition(reader: &mut Reader<'_>, measured_here: bool) -> Condition {
    let place = reader.place_or_table("series");
    let name = if measured_here { reader.text("series") } else { reader.reference("series", Noun::Series) };
    if measured_here {
        reader.sheet.know(Noun::Series, &name);
    }
    let series = MEASURED.iter().find(|(known, _)| *known == name);
    let series = series.map_or_else(|| Series::Other(name.clone()), |(_, series)| series.clone());
    if name.is_empty() && reader.has("series") {
        reader.sheet.fault(&place, "a condition needs a series", "write series = \"error_rate\"");
    }
    let above = bound(reader, "above", &series);
    let below = bound(reader, "below", &series);
    let at = reader.at.clone();
    let (direction, threshold) = match (above, below) {
        (Some(above), None) => (Direction::Above, above),
        (None, Some(below)) => (Direction::Below, below),
        (None, None) => {
            if !reader.has("above") && !reader.has("below") {
                let example = if series == Series::ResponseTime { "10s" } else { "10%" };
                let mend = format!("add above = \"{example}\" or below = \"{example}\"");
                reader.sheet.missing(&at, "the condition has no threshold", mend);
            }
            (Direction::Above, 0)
        }
        (Some(above), Some(_)) => {
            let mend = "keep one of them, and write a second trigger for the other";
            reader.sheet.fault(&at, "a condition has one threshold: `above` or `below`, not both", mend);
            (Direction::Above, above)
        }
    };
    let hold = reader.span_if_any("for").unwrap_or_default();
    let look_back = reader.span_if_any("look_back").unwrap_or(Span::seconds(60));
    Condition { series, direction, threshold, hold, look_back, interval: USUAL_INTERVAL }
}

/// A threshold in the series' own unit: parts per million, microseconds, or for another series a share, a span, or a
/// bare number.
fn bound(reader: &mut Reader<'_>, key: &'static str, series: &Series) -> Option<i64> {
    let at: Range<usize> = reader.place_of(key)?;
    match series {
        Series::ErrorRate | Series::Availability => reader.share_if_any(key),
        Series::ResponseTime => reader.span_if_any(key).map(|span| span.0),
        Series::Other(_) => {
            let text = reader.text_if_any(key)?;
            let value = text.parse::<i64>().ok();
            let value = value.or_else(|| parse_share(&text).ok()).or_else(|| parse_span(&text).ok().map(|span| span.0));
            if value.is_none() {
                let mend = "write a share \"10%\", a span \"10s\" or a whole number \"100\", in quotation marks";
                reader.sheet.fault(&at, format!("`{text}` is no threshold"), mend);
            }
            value
        }
    }
}
