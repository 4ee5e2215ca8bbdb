//! A series as a line with its thresholds: red dashes where a trigger fires, green dots where success begins, and rings
//! with letters for what was done. Where nothing was measured the line is broken; it never falls to zero for that.

use super::scale::{Axis, along};
use super::{Label, Tenth, text_width};
use crate::domain::Timestamp;
use crate::domain::curve::{MOST_POINTS, Point, thinned};
use crate::domain::recovery::{Mark, Trace};

/// The table beside a drawing is for reading: each row the worst of some neighbours.
const MOST_ROWS: usize = 30;
/// More rings than these would be noise; the first and the newest stay.
const MOST_RINGS: usize = 10;

/// A series with everything that stands around its drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineView {
    pub id: String,
    pub name: String,
    /// `success below 1 %`; empty where nothing is wanted.
    pub goal: String,
    pub sentence: String,
    pub wide: Drawing,
    pub narrow: Drawing,
    pub rows: Vec<Row>,
}

/// A row of the table of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub at: Timestamp,
    pub value: String,
}

impl LineView {
    /// `place` keeps ids apart where one page draws a series twice.
    pub fn of(place: &str, trace: &Trace) -> LineView {
        let key: String =
            trace.series.key().chars().map(|sign| if sign.is_alphanumeric() { sign } else { '-' }).collect();
        let rows = thinned(&trace.series, &trace.points, MOST_ROWS);
        let value = |point: &Point| point.value.map_or_else(|| "no data".to_owned(), |value| trace.series.show(value));
        LineView {
            id: format!("{place}-{key}"),
            name: trace.name(),
            goal: trace.goal.map_or_else(String::new, |goal| format!("success {}", goal.in_words(&trace.series))),
            sentence: trace.sentence(),
            wide: Drawing::of(trace, &WIDE),
            narrow: Drawing::of(trace, &NARROW),
            rows: rows.iter().map(|point| Row { at: point.at, value: value(point) }).collect(),
        }
    }
}

/// `D deploy · T trigger`: the letters that these traces' rings have.
pub fn legend(traces: &[Trace]) -> String {
    let mut kinds: Vec<_> = traces.iter().flat_map(|trace| trace.marks.iter().map(|mark| mark.kind)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let words: Vec<String> = kinds.iter().map(|kind| format!("{}\u{a0}{}", kind.letter(), kind.words())).collect();
    words.join(" · ")
}

/// A shape: all in tenths of a unit.
struct Frame {
    class: &'static str,
    width: i64,
    height: i64,
    left: i64,
    right: i64,
    top: i64,
    bottom: i64,
    ring: i64,
    font: i64,
    /// How fine a place is; a wide drawing needs no parts of a unit.
    grain: i64,
    /// How many points fit the size that a drawing may have.
    points: usize,
}

const WIDE: Frame = Frame {
    class: "plot-wide",
    width: 8_600,
    height: 2_440,
    left: 580,
    right: 8_460,
    top: 400,
    bottom: 2_120,
    ring: 105,
    font: 140,
    grain: 10,
    points: MOST_POINTS,
};
const NARROW: Frame = Frame {
    class: "plot-narrow",
    width: 3_260,
    height: 1_200,
    left: 420,
    right: 3_180,
    top: 240,
    bottom: 980,
    ring: 72,
    font: 105,
    grain: 1,
    points: 80,
};

/// A drawing, ready to be written down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawing {
    pub class: &'static str,
    pub width: Tenth,
    pub height: Tenth,
    pub axis: String,
    pub area: String,
    pub line: String,
    /// Boxes around times without data.
    pub gaps: String,
    pub trigger: String,
    pub goal: String,
    /// From the line of a mark up to its ring.
    pub stems: String,
    /// A line of no length for each ring: thick round ends make the ring.
    pub rings: String,
    /// One letter for each ring, and where each is.
    pub letters: String,
    pub letters_x: String,
    pub letters_y: Tenth,
    pub dot: Option<(Tenth, Tenth)>,
    pub dot_size: Tenth,
    pub labels: Vec<Label>,
}

impl Drawing {
    fn of(trace: &Trace, frame: &Frame) -> Drawing {
        let Some((first, last)) = trace.points.first().zip(trace.points.last()) else {
            return Drawing { class: frame.class, ..Drawing::empty(frame) };
        };
        let thresholds = trace.trigger.iter().chain(&trace.goal).map(|threshold| threshold.value);
        let values = trace.points.iter().filter_map(|point| point.value);
        let axis = Axis::over(&trace.series, values.chain(thresholds).collect::<Vec<_>>().into_iter());
        let length = (last.at - first.at).0;
        let x = |at: Timestamp| along((at - first.at).0, length, frame.left, frame.right);
        let y = |value: i64| axis.place(value, frame.bottom, frame.top);
        let even = |place: i64| (place + frame.grain / 2) / frame.grain * frame.grain;
        let points = thinned(&trace.series, &trace.points, frame.points);
        let place = |point: &Point| (even(x(point.at)), point.value.map(|value| even(y(value))));
        let places: Vec<(i64, Option<i64>)> = points.iter().map(place).collect();
        let mut drawing = Drawing::empty(frame);
        drawing.draw_line(&places, frame);
        drawing.draw_gaps(&places, trace.silent_since, frame);
        drawing.draw_thresholds(trace, &places, y, frame);
        drawing.draw_marks(&trace.marks, x, frame);
        drawing.dot = places.last().and_then(|(x, y)| y.map(|y| (Tenth(*x), Tenth(y))));
        drawing.label_axes(trace, axis, (first.at, last.at), frame);
        drawing
    }

    fn empty(frame: &Frame) -> Drawing {
        Drawing {
            class: frame.class,
            width: Tenth(frame.width),
            height: Tenth(frame.height),
            axis: format!("M{} {}H{}", Tenth(frame.left), Tenth(frame.bottom), Tenth(frame.right)),
            dot_size: Tenth(frame.font * 3 / 10),
            letters_y: Tenth(frame.ring + 10 + frame.font * 34 / 100),
            ..Drawing::default()
        }
    }

    fn draw_line(&mut self, places: &[(i64, Option<i64>)], frame: &Frame) {
        for stretch in places.split(|(_, y)| y.is_none()).filter(|stretch| !stretch.is_empty()) {
            let mut known: Vec<(i64, i64)> = stretch.iter().filter_map(|(x, y)| y.map(|y| (*x, y))).collect();
            let (first, last) = (known[0], known[known.len() - 1]);
            // Where it is flat, its two ends are enough.
            let flat = |at: usize| known[at - 1].1 == known[at].1 && known[at].1 == known[at + 1].1;
            let turns: Vec<bool> = (0..known.len()).map(|at| at == 0 || at + 1 == known.len() || !flat(at)).collect();
            let mut turn = turns.into_iter();
            known.retain(|_| turn.next().unwrap_or(true));
            let mut path = String::new();
            for pair in known.windows(2) {
                let (dx, dy) = (Tenth(pair[1].0 - pair[0].0), Tenth(pair[1].1 - pair[0].1));
                let (before, between) = (if path.is_empty() { "l" } else { " " }, if dy.0 < 0 { "" } else { " " });
                path.push_str(&format!("{before}{dx}{between}{dy}"));
            }
            let (x, y, base) = (Tenth(first.0), Tenth(first.1), Tenth(frame.bottom));
            if path.is_empty() {
                // One value alone is a dot: a line of no length with round ends.
                self.line.push_str(&format!("M{x} {y}h.1"));
            } else {
                self.line.push_str(&format!("M{x} {y}{path}"));
                self.area.push_str(&format!("M{x} {base}V{y}{path}V{base}z"));
            }
            debug_assert!(last.0 >= first.0, "points stand in order of time");
        }
    }

    fn draw_gaps(&mut self, places: &[(i64, Option<i64>)], silent_since: Option<Timestamp>, frame: &Frame) {
        let mut begin: Option<i64> = None;
        let mut before = places.first().map_or(frame.left, |(x, _)| *x);
        let mut gaps = Vec::new();
        for (x, y) in places {
            match (y, begin) {
                (None, None) => begin = Some(before),
                (Some(_), Some(from)) => {
                    gaps.push((from, *x));
                    begin = None;
                }
                _ => {}
            }
            before = *x;
        }
        let trailing = begin.map(|from| (from, frame.right));
        gaps.extend(trailing);
        for (from, to) in gaps {
            let (width, height) = (to - from, frame.bottom - frame.top);
            // A short one is told by the broken line alone.
            if width < frame.font {
                continue;
            }
            let (x, y) = (Tenth(from), Tenth(frame.top));
            self.gaps.push_str(&format!("M{x} {y}h{}v{}h{}z", Tenth(width), Tenth(height), Tenth(-width)));
            let since = silent_since.filter(|_| trailing == Some((from, to)));
            let since = since.map(|at| format!("no data since {}", at.time_of_day()));
            let fits = |text: &String| text_width(text, frame.font) < width;
            let text = since.filter(fits).or_else(|| Some("no data".to_owned()).filter(fits));
            if let Some(text) = text {
                let (x, y) = (i64::midpoint(from, to), i64::midpoint(frame.top, frame.bottom));
                self.labels.push(Label::of(x, y, "plot-mid", text));
            }
        }
    }

    fn draw_thresholds(&mut self, trace: &Trace, places: &[(i64, Option<i64>)], y: impl Fn(i64) -> i64, frame: &Frame) {
        let level = |value: i64| format!("M{} {}H{}", Tenth(frame.left), Tenth(y(value)), Tenth(frame.right));
        // Where the first label stands: its base, and whether at the right end.
        let mut taken: Option<(i64, bool)> = None;
        let both = [(trace.trigger, "trigger", "plot-crit"), (trace.goal, "success", "plot-ok")];
        for (threshold, word, class) in both {
            let Some(threshold) = threshold else { continue };
            let at = y(threshold.value);
            if word == "trigger" { &mut self.trigger } else { &mut self.goal }.push_str(&level(threshold.value));
            let text = format!("{word} {}", trace.series.show(threshold.value));
            let above = at - 35;
            let near = taken.filter(|(other, _)| (other - above).abs() < frame.font * 12 / 10);
            let below = at + frame.font * 95 / 100;
            let base = if near.is_some() && below < frame.bottom { below } else { above };
            // At the left the line is low as a rule. Where it is not, the right may be free.
            let width = text_width(&text, frame.font);
            let crossed = |from: i64, to: i64| {
                places
                    .iter()
                    .any(|(x, y)| (from..=to).contains(x) && y.is_some_and(|y| y > base - frame.font && y < base + 20))
            };
            let (left, right) = (frame.left + 20, frame.right - 20);
            let to_the_right = match near {
                // No room below the lower one: they stand at different ends.
                Some((_, other)) if base == above => !other,
                _ => crossed(left, left + width) && !crossed(right - width, right),
            };
            taken = Some((base, to_the_right));
            let (x, class) = match (to_the_right, class) {
                (false, class) => (left, class),
                (true, "plot-crit") => (right, "plot-crit plot-end"),
                (true, _) => (right, "plot-ok plot-end"),
            };
            self.labels.push(Label::of(x, base, class, text));
        }
    }

    fn draw_marks(&mut self, marks: &[Mark], x: impl Fn(Timestamp) -> i64, frame: &Frame) {
        let kept: Vec<&Mark> = if marks.len() > MOST_RINGS {
            marks[..2].iter().chain(&marks[marks.len() - (MOST_RINGS - 2)..]).collect()
        } else {
            marks.iter().collect()
        };
        let true_places: Vec<i64> = kept.iter().map(|mark| x(mark.at)).collect();
        let rings = spread(&true_places, 2 * frame.ring + 20, frame.left, frame.right);
        let centre = frame.ring + 10;
        for ((mark, at), ring) in kept.iter().zip(&true_places).zip(&rings) {
            let (x, foot, under) = (Tenth(*at), Tenth(frame.bottom), Tenth(centre + frame.ring));
            let bend = if at == ring { String::new() } else { format!("V{}L{} ", Tenth(frame.top - 20), Tenth(*ring)) };
            let end = if at == ring { format!("V{under}") } else { under.to_string() };
            self.stems.push_str(&format!("M{x} {foot}{bend}{end}"));
            self.rings.push_str(&format!("M{} {}h0", Tenth(*ring), Tenth(centre)));
            self.letters.push(mark.kind.letter());
            let between = if self.letters_x.is_empty() { "" } else { " " };
            self.letters_x.push_str(&format!("{between}{}", Tenth(*ring)));
        }
    }

    fn label_axes(&mut self, trace: &Trace, axis: Axis, (first, last): (Timestamp, Timestamp), frame: &Frame) {
        let value = |value: i64| if value == 0 { "0".to_owned() } else { trace.series.show(value) };
        let side = frame.left - 50;
        let end = |y: i64, text: String| Label::of(side, y, "plot-end", text);
        self.labels.push(end(frame.top + frame.font / 3, value(axis.high)));
        self.labels.push(end(frame.bottom, value(axis.low)));
        let (length, days) = ((last - first).0, first.date() != last.date() && (last - first).0 > 86_400_000_000);
        let word = |at: Timestamp| match length {
            _ if days => at.date()[5..].to_owned(),
            length if length < 300_000_000 => at.time_of_day(),
            _ => at.time_of_day()[..5].to_owned(),
        };
        let y = frame.bottom + frame.font * 13 / 10;
        let middle = first + crate::domain::Span(length / 2);
        self.labels.push(Label::of(frame.left, y, "", word(first)));
        if word(first) != word(last) {
            let centre = i64::midpoint(frame.left, frame.right);
            self.labels.push(Label::of(centre, y, "plot-mid", word(middle)));
            self.labels.push(Label::of(frame.right, y, "plot-end", word(last)));
        }
    }
}

/// Places at least so far apart, in their order, between two ends; together as near to their own as that allows. Those
/// that would overlap are spread around their middle.
fn spread(wanted: &[i64], apart: i64, from: i64, to: i64) -> Vec<i64> {
    // Less the room of those before it, a place need only be no smaller than the one before.
    let mut groups: Vec<(i64, i64)> = Vec::new();
    for (place, room) in wanted.iter().zip((0..).map(|index| index * apart)) {
        let mut group = (place - room, 1);
        while let Some((sum, count)) = groups.pop_if(|(sum, count)| *sum / *count > group.0 / group.1) {
            group = (group.0 + sum, group.1 + count);
        }
        groups.push(group);
    }
    let middles = groups.iter().flat_map(|(sum, count)| (0..*count).map(move |_| sum / count));
    let most = to - apart * i64::try_from(wanted.len().saturating_sub(1)).unwrap_or(0);
    middles.zip(0..).map(|(place, index)| place.min(most).max(from) + index * apart).collect()
}
