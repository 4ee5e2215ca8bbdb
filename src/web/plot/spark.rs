//! A series in one row of a list: the line and what success wants, no axes.

use super::Tenth;
use super::scale::{Axis, along};
use crate::domain::Span;
use crate::domain::curve::Point;
use crate::domain::recovery::Trace;

const WIDTH: i64 = 2_000;
const HEIGHT: i64 = 320;
const EDGE: i64 = 20;
/// What happened longer ago stands in the chart.
const SHOWN: Span = Span::minutes(15);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spark {
    pub line: String,
    pub goal: String,
    /// The same in a sentence.
    pub sentence: String,
}

impl Spark {
    /// Nothing where there are not two values to join.
    pub fn of(trace: &Trace) -> Option<Spark> {
        let last = trace.points.last()?;
        let shown: Vec<&Point> = trace.points.iter().filter(|point| last.at - point.at <= SHOWN).collect();
        let known = || shown.iter().filter_map(|point| point.value);
        if known().count() < 2 {
            return None;
        }
        let values: Vec<i64> = known().chain(trace.goal.map(|goal| goal.value)).collect();
        let axis = Axis::over(&trace.series, values.into_iter());
        let length = (last.at - shown[0].at).0;
        let y = |value: i64| axis.place(value, HEIGHT - EDGE, EDGE);
        let mut line = String::new();
        let mut joined = false;
        for point in &shown {
            let x = Tenth(along((point.at - shown[0].at).0, length, EDGE, WIDTH - EDGE));
            joined = match point.value {
                Some(value) => {
                    line.push_str(&format!("{}{x} {}", if joined { "L" } else { "M" }, Tenth(y(value))));
                    true
                }
                None => false,
            };
        }
        let goal = trace.goal.map(|goal| format!("M{} {}H{}", Tenth(EDGE), Tenth(y(goal.value)), Tenth(WIDTH - EDGE)));
        Some(Spark { line, goal: goal.unwrap_or_default(), sentence: trace.sentence() })
    }
}
