//! Planned against actual: a row for each step, the planned window as a dashed outline, what happened as a solid bar,
//! triangles for progress updates, a line for now.

use super::scale::along;
use super::{Label, Tenth, fitted, text_width};
use crate::domain::Span;
use crate::domain::lanes::{Lane, LaneState, Lanes};
use crate::web::report_markdown::{actual, window};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GanttView {
    pub id: String,
    pub sentence: String,
    pub legend: String,
    pub wide: Drawing,
    pub narrow: Drawing,
    pub rows: Vec<Row>,
}

/// A row of the table that says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub step: String,
    pub planned: String,
    pub actual: String,
    pub state: String,
    pub late: bool,
}

impl GanttView {
    pub fn of(id: &str, lanes: &Lanes) -> GanttView {
        let late = lanes.lanes.iter().any(|lane| lane.late_by.is_some() && lane.from.is_some());
        let words = [
            Some("dashed = planned window"),
            late.then_some("amber = past the window"),
            (!lanes.updates.is_empty()).then_some("▼ = progress update"),
            lanes.live.then_some("blue line = now"),
        ];
        GanttView {
            id: id.to_owned(),
            sentence: lanes.sentence(),
            legend: words.into_iter().flatten().collect::<Vec<_>>().join(" · "),
            wide: Drawing::of(lanes, &WIDE),
            narrow: Drawing::of(lanes, &NARROW),
            rows: lanes.lanes.iter().map(row).collect(),
        }
    }
}

fn row(lane: &Lane) -> Row {
    let state = match lane.state {
        LaneState::Later => "later",
        LaneState::Now => "under way",
        LaneState::Unticked => "not all ticked",
        LaneState::Done => "done",
        LaneState::CutShort => "not finished",
        LaneState::Never => "not begun",
    };
    let late = lane.late_by.map(|late| format!("{late} late"));
    let open = (lane.open > 0).then(|| format!("{} not ticked", lane.open));
    let words: Vec<String> = [Some(state.to_owned()), late, open].into_iter().flatten().collect();
    Row {
        step: format!("{}. {}", lane.step, lane.title),
        planned: window(&lane.planned_from, &lane.planned_to),
        actual: actual(&lane.from, &lane.to),
        state: words.join(", "),
        late: lane.late_by.is_some(),
    }
}

struct Frame {
    class: &'static str,
    width: i64,
    left: i64,
    right: i64,
    /// Where the first row begins, and how high a row is.
    top: i64,
    row: i64,
    /// From a row's top to its outline, and how high outline and bar are.
    outline: i64,
    high: i64,
    bar: i64,
    font: i64,
    small: i64,
    /// Labels stand above the bars.
    above: bool,
}

const WIDE: Frame = Frame {
    class: "plot-wide",
    width: 8_600,
    left: 1_960,
    right: 8_400,
    top: 340,
    row: 420,
    outline: 70,
    high: 240,
    bar: 130,
    font: 140,
    small: 125,
    above: false,
};
const NARROW: Frame = Frame {
    class: "plot-narrow",
    width: 3_260,
    left: 70,
    right: 3_140,
    top: 230,
    row: 380,
    outline: 150,
    high: 180,
    bar: 100,
    font: 115,
    small: 105,
    above: true,
};

/// More triangles than these would be a bar.
const MOST_UPDATES: usize = 48;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawing {
    pub class: &'static str,
    pub width: Tenth,
    pub height: Tenth,
    pub grid: String,
    pub planned: String,
    pub done: String,
    pub present: String,
    pub late: String,
    pub updates: String,
    pub now: String,
    pub labels: Vec<Label>,
}

impl Drawing {
    fn of(lanes: &Lanes, frame: &Frame) -> Drawing {
        let tick = tick(lanes.end(), if frame.above { 7 } else { 8 });
        let whole = Span(tick.0.saturating_mul(lanes.end().0 / tick.0 + 1));
        let x = |at: Span| along(at.0, whole.0, frame.left, frame.right);
        let rows = i64::try_from(lanes.lanes.len() + 1).unwrap_or(1);
        let floor = frame.top + rows * frame.row;
        let mut drawing =
            Drawing { class: frame.class, width: Tenth(frame.width), height: Tenth(floor + 60), ..Drawing::default() };
        drawing.draw_ticks(tick, whole, x, floor, frame);
        for (lane, index) in lanes.lanes.iter().zip(0..) {
            drawing.draw_lane(lane, frame.top + index * frame.row, whole, &x, frame);
        }
        drawing.draw_updates(lanes, floor - frame.row, x, frame);
        if lanes.live {
            drawing.now = format!("M{} {}V{}", Tenth(x(lanes.until)), Tenth(frame.top - 60), Tenth(floor));
        }
        drawing
    }

    fn draw_ticks(&mut self, tick: Span, whole: Span, x: impl Fn(Span) -> i64, floor: i64, frame: &Frame) {
        let count = whole.0 / tick.0.max(1);
        for index in 0..=count {
            let at = Span(tick.0 * index);
            let place = x(at);
            self.grid.push_str(&format!("M{} {}V{}", Tenth(place), Tenth(frame.top), Tenth(floor)));
            let class = match (frame.above, index) {
                (true, 0) => "",
                (true, last) if last == count => "plot-end",
                _ => "plot-mid",
            };
            let text = match (frame.above, index) {
                (true, 0) => "T".to_owned(),
                (true, _) => format!("+{}", offset(at, tick)),
                (false, _) => format!("T+{}", offset(at, tick)),
            };
            self.labels.push(Label::of(place, frame.top - 110, class, text));
        }
    }

    fn draw_lane(&mut self, lane: &Lane, top: i64, whole: Span, x: &impl Fn(Span) -> i64, frame: &Frame) {
        self.label(&lane.title, &window_words(lane), top, frame);
        let (outline, bar) = (top + frame.outline, top + frame.outline + (frame.high - frame.bar) / 2);
        if let Some(from) = lane.planned_from {
            let to = lane.planned_to.unwrap_or(whole);
            self.planned.push_str(&frame_of(x(from), x(to), outline, frame.high));
        }
        let (Some(from), Some(to)) = (lane.from, lane.to) else { return };
        let on_time = lane.planned_to.map_or(to, |end| to.min(end));
        let solid = if lane.state == LaneState::Now { &mut self.present } else { &mut self.done };
        if from <= on_time {
            solid.push_str(&frame_of(x(from), x(on_time), bar, frame.bar));
        }
        if to > on_time {
            self.late.push_str(&frame_of(x(from.max(on_time)), x(to), bar, frame.bar));
        }
    }

    fn draw_updates(&mut self, lanes: &Lanes, top: i64, x: impl Fn(Span) -> i64, frame: &Frame) {
        self.label("Progress updates", &format!("every {}", lanes.updates_every.in_words()), top, frame);
        let middle = top + frame.outline + frame.high / 2;
        let mut places: Vec<i64> = lanes.updates.iter().map(|at| x(*at) / 10 * 10).collect();
        places.sort_unstable();
        // Those that would cover one another are one.
        places.dedup_by(|later, earlier| *later - *earlier < 50);
        let stride = places.len().div_ceil(MOST_UPDATES).max(1);
        for place in places.iter().step_by(stride) {
            self.updates.push_str(&format!("M{} {}h10l-5 9z", Tenth(place - 50), Tenth(middle - 45)));
        }
        if let Some(last) = lanes.updates.iter().max() {
            self.planned.push_str(&frame_of(
                x(Span::ZERO),
                x((*last).max(lanes.until)),
                top + frame.outline,
                frame.high,
            ));
        }
    }

    fn label(&mut self, title: &str, window: &str, top: i64, frame: &Frame) {
        if frame.above {
            let title = fitted(title, frame.font, frame.right - text_width(window, frame.small) - 120);
            let label = Label::of(20, top + 115, "plot-name", title);
            self.labels.push(Label { after: window.to_owned(), ..label });
        } else {
            self.labels.push(Label::of(0, top + 170, "plot-name", fitted(title, frame.font, frame.left - 60)));
            self.labels.push(Label::of(0, top + 330, "plot-small", window));
        }
    }
}

/// A box; one without length can still be seen.
fn frame_of(from: i64, to: i64, top: i64, high: i64) -> String {
    let (width, high) = ((to - from).max(30), Tenth(high));
    format!("M{} {}h{}v{high}h{}z", Tenth(from), Tenth(top), Tenth(width), Tenth(-width))
}

/// `0–5 min`, `from 0 min, ongoing`.
fn window_words(lane: &Lane) -> String {
    match (lane.planned_from, lane.planned_to) {
        (Some(from), Some(to)) => format!("{}–{} min", minutes(from), minutes(to)),
        (Some(_), None) => "ongoing".to_owned(),
        (None, _) => "no window".to_owned(),
    }
}

/// Minutes are the usual; hours and days say so.
fn offset(at: Span, tick: Span) -> String {
    match minutes(tick) {
        0..60 => minutes(at).to_string(),
        60..1_440 => format!("{} h", minutes(at) / 60),
        _ => format!("{} d", minutes(at) / 1_440),
    }
}

fn minutes(span: Span) -> i64 {
    span.as_seconds() / 60
}

/// The distance of the ticks: a round number of minutes, so that there are no more than `most`.
fn tick(end: Span, most: i64) -> Span {
    let round = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1_440];
    let fits = |minutes: i64| end.0.max(0) / Span::minutes(minutes).0 < most;
    let mut minutes = round.into_iter().find(|minutes| fits(*minutes)).unwrap_or(2_880);
    while !fits(minutes) && minutes < i64::MAX / 200_000_000 {
        minutes *= 2;
    }
    Span::minutes(minutes)
}
