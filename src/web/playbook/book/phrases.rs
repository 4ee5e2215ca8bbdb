//! Conditions, spans, windows and shares as people say them.

use crate::domain::Role;
use crate::domain::condition::{Condition, Series};
use crate::domain::procedure::{Detection, Window};
use crate::domain::time::Span;
use crate::domain::words::roles_words;

pub(super) fn measured(condition: &Condition) -> String {
    format!("measured: {}", condition.in_words())
}

pub(super) fn noticed(detection: &Detection) -> Vec<String> {
    match detection {
        // The number of a series that is computed elsewhere has a unit that only its author knows.
        Detection::Metric { condition, .. } if matches!(condition.series, Series::Other(_)) => {
            vec![format!("measured by its query, for {}", span(condition.hold))]
        }
        Detection::Metric { condition, .. } => vec![measured(condition)],
        Detection::Signal { heartbeat } => vec![
            "told by a machine".to_owned(),
            heartbeat.map_or_else(String::new, |span_| format!("silence for {} counts too", span(span_))),
        ],
        Detection::Person => vec!["reported by a person".to_owned()],
    }
}

/// `0–5 min`, `from 30 min on`.
pub(super) fn window(window: Window) -> String {
    let minutes = |span: Span| span.as_seconds() / 60;
    match window.to {
        Some(to) if to.as_seconds() >= 7_200 && to.as_seconds() % 3_600 == 0 => {
            format!("{}–{}\u{a0}h", minutes(window.from) / 60, minutes(to) / 60)
        }
        Some(to) => format!("{}–{}\u{a0}min", minutes(window.from), minutes(to)),
        None if window.from == Span::ZERO => "ongoing".to_owned(),
        None => format!("from {}\u{a0}min on", minutes(window.from)),
    }
}

/// `anyone in the role management or support`.
pub(super) fn next_contact(roles: &[Role]) -> String {
    format!("anyone in the role {}", roles_words(roles, "or"))
}

/// A span in words: `5 minutes`, `24 hours`, `2 years`.
pub(super) fn span(span: Span) -> String {
    let seconds = span.as_seconds();
    let units = [(31_536_000, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    // A day is written as 24 hours: it is counted from an instant, not by the calendar.
    let fitting = units
        .into_iter()
        .find(|(unit, word)| seconds % unit == 0 && seconds / unit > 0 && !(*word == "day" && seconds == 86_400));
    match fitting {
        Some((unit, word)) => {
            let count = seconds / unit;
            format!("{count}\u{a0}{word}{}", if count == 1 { "" } else { "s" })
        }
        None => span.in_words(),
    }
}

pub(super) fn percent(ppm: i64) -> String {
    let whole = ppm / 10_000;
    match ppm % 10_000 {
        0 => format!("{whole}\u{a0}%"),
        rest => format!("{whole}.{}\u{a0}%", format!("{rest:04}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_windows_read_as_people_say_them() {
        for (written, words) in [
            ("5m", "5 minutes"),
            ("24h", "24 hours"),
            ("2y", "2 years"),
            ("91d", "91 days"),
            ("90s", "90 seconds"),
            ("1m", "1 minute"),
        ] {
            let read = crate::playbook::parse_span(written).unwrap();
            assert_eq!(span(read).replace('\u{a0}', " "), words);
        }
        let minutes = |from, to: Option<i64>| window(Window { from: Span::minutes(from), to: to.map(Span::minutes) });
        assert_eq!(minutes(5, Some(15)), "5–15\u{a0}min");
        assert_eq!(minutes(0, Some(120)), "0–2\u{a0}h");
        assert_eq!(minutes(0, None), "ongoing");
        assert_eq!(percent(125_000), "12.5\u{a0}%");
    }
}
