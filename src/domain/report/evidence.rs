//! Frozen evidence as lines of what and value: a measured breach in words, anybody's JSON flattened, other text as it is.

use crate::domain::Timestamp;
use crate::domain::breach::Breach;
use serde_json::Value;

/// Evidence of more lines than this is cut in words; the journal keeps it whole.
const MOST_LINES: usize = 60;

pub fn evidence_lines(evidence: &str) -> Vec<(String, String)> {
    if evidence.trim().is_empty() {
        return Vec::new();
    }
    if let Some(breach) = Breach::of(evidence) {
        return told(&breach);
    }
    let mut lines = Vec::new();
    match serde_json::from_str::<Value>(evidence) {
        Ok(value) => flatten("", &value, &mut lines),
        Err(_) => lines.push(("evidence".to_owned(), evidence.to_owned())),
    }
    if lines.len() > MOST_LINES {
        let left = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(("and more".to_owned(), format!("{left} further lines stand in the journal")));
    }
    lines
}

fn told(breach: &Breach) -> Vec<(String, String)> {
    let value = |(at, value): &(Timestamp, i64)| format!("{} {}", at.time_of_day(), breach.series.show(*value));
    let values: Vec<String> = breach.values.iter().map(value).collect();
    [
        ("Asked", breach.query.clone()),
        ("Beyond it since", breach.since.in_words()),
        ("Frozen", breach.frozen_at.in_words()),
        ("Values", values.join(", ")),
    ]
    .map(|(what, value)| (what.to_owned(), value))
    .into()
}

fn flatten(path: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path} / {key}") };
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| flatten(&below(key), value, lines));
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            (1..).zip(items).for_each(|(number, item)| flatten(&below(&number.to_string()), item, lines));
        }
        Value::Array(items) => {
            let words: Vec<String> = items.iter().map(scalar).collect();
            lines.push((named(path), words.join(", ")));
        }
        other => lines.push((named(path), scalar(other))),
    }
}

fn named(path: &str) -> String {
    if path.is_empty() { "value".to_owned() } else { path.to_owned() }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "no data".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_breach_is_told_in_words_and_units() {
        let evidence = r#"{"series":"error_rate","direction":"above","threshold":100000,"hold":4000000,
            "since":1772679600000000,"values":[[1772679600000000,120000],[1772679605000000,340000]],
            "query":"error rate above 10 % for 4s","frozen_at":1772679605000000}"#;
        let lines = evidence_lines(evidence);
        let lines: Vec<String> = lines.iter().map(|(what, value)| format!("{what}: {value}")).collect();
        assert_eq!(
            lines,
            [
                "Asked: error rate above 10 % for 4s",
                "Beyond it since: 2026-03-05 03:00:00 UTC",
                "Frozen: 2026-03-05 03:00:05 UTC",
                "Values: 03:00:00 12\u{a0}%, 03:00:05 34\u{a0}%",
            ]
        );
    }

    #[test]
    fn a_payload_of_somebody_else_keeps_its_own_names() {
        let lines = evidence_lines(r#"{"alerts":[{"name":"Late","ends":null}],"tags":["a","b"]}"#);
        let lines: Vec<String> = lines.iter().map(|(what, value)| format!("{what}: {value}")).collect();
        assert_eq!(lines, ["alerts / 1 / name: Late", "alerts / 1 / ends: no data", "tags: a, b"]);
        assert_eq!(evidence_lines("it is broken"), [("evidence".to_owned(), "it is broken".to_owned())]);
        let long: Vec<u32> = (0..100).collect();
        let long = serde_json::json!({ "all": long.iter().map(|n| serde_json::json!({ "n": n })).collect::<Vec<_>>() });
        assert_eq!(evidence_lines(&long.to_string()).last().unwrap().1, "40 further lines stand in the journal");
    }
}
