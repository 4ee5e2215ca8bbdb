use super::*;
use crate::domain::condition::{Direction, Series};
use crate::domain::curve::Point;
use crate::domain::lanes::{Lane, LaneState, Lanes};
use crate::domain::recovery::{Mark, MarkKind, Threshold, Trace};
use crate::domain::{Span, Timestamp};
use askama::Template;
use proptest::prelude::*;

#[derive(Template)]
#[template(source = r#"{% import "plots.html" as plots %}{% call plots::line(plot) %}{% endcall %}"#, ext = "html")]
struct LinePage<'a> {
    plot: &'a LineView,
}

#[derive(Template)]
#[template(source = r#"{% import "plots.html" as plots %}{% call plots::gantt(plot) %}{% endcall %}"#, ext = "html")]
struct GanttPage<'a> {
    plot: &'a GanttView,
}

#[derive(Template)]
#[template(source = r#"{% import "plots.html" as plots %}{% call plots::spark(it) %}{% endcall %}"#, ext = "html")]
struct SparkPage<'a> {
    it: &'a Spark,
}

const START: Timestamp = Timestamp(1_772_679_600_000_000);

fn at(seconds: i64) -> Timestamp {
    START + Span::seconds(seconds)
}

fn trace(values: impl Iterator<Item = (i64, Option<i64>)>, marks: &[(MarkKind, i64)]) -> Trace {
    Trace {
        series: Series::ErrorRate,
        points: values.map(|(second, value)| Point { at: at(second), value }).collect(),
        trigger: Some(Threshold { direction: Direction::Above, value: 100_000 }),
        goal: Some(Threshold { direction: Direction::Below, value: 10_000 }),
        marks: marks.iter().map(|(kind, second)| Mark { kind: *kind, at: at(*second) }).collect(),
        silent_since: None,
        ended: false,
    }
}

fn drawn(trace: &Trace) -> Vec<String> {
    svgs(&LinePage { plot: &LineView::of("measure", trace) }.render().unwrap())
}

fn svgs(page: &str) -> Vec<String> {
    page.split("<svg").skip(1).map(|part| format!("<svg{}</svg>", part.split("</svg>").next().unwrap())).collect()
}

/// Every number of a drawing stands in its box, give or take the room of a stroke, and it is small.
fn assert_sound(svg: &str) -> Result<(), TestCaseError> {
    prop_assert!(svg.len() <= 3_000, "{} bytes: {svg}", svg.len());
    prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
    let view = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split('"').next().unwrap();
    let (width, height) = view.split_once(' ').unwrap();
    let (width, height): (f64, f64) = (width.parse().unwrap(), height.parse().unwrap());
    let inside = |x: f64, y: f64| x > -0.11 && x < width + 0.11 && y > -0.11 && y < height + 0.11;
    for path in svg.split(" d=\"").skip(1) {
        for (x, y) in places(path.split('"').next().unwrap()) {
            prop_assert!(inside(x, y), "{x} {y} is outside {view}: {svg}");
        }
    }
    for text in svg.split("<text").skip(1) {
        let value =
            |name: &str| text.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned();
        for x in value("x").split(' ') {
            prop_assert!(inside(x.parse().unwrap(), value("y").parse().unwrap()), "{text}");
        }
    }
    Ok(())
}

/// Where a path leads: the commands that are used here, read as a browser reads them.
fn places(path: &str) -> Vec<(f64, f64)> {
    let mut words: Vec<String> = Vec::new();
    for sign in path.chars() {
        match sign {
            ' ' => words.push(String::new()),
            '-' => words.push("-".into()),
            sign if sign.is_ascii_alphabetic() => words.extend([sign.to_string(), String::new()]),
            sign => match words.last_mut() {
                Some(last) => last.push(sign),
                None => words.push(sign.into()),
            },
        }
    }
    words.retain(|word| !word.is_empty());
    let (mut x, mut y, mut found, mut command) = (0.0, 0.0, Vec::new(), 'M');
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.peek().cloned() {
        if word.len() == 1 && word.chars().all(|sign| sign.is_ascii_alphabetic()) {
            command = word.chars().next().unwrap();
            words.next();
            if command == 'z' {
                continue;
            }
        }
        let mut number = || words.next().unwrap().parse::<f64>().unwrap();
        match command {
            'M' | 'L' => (x, y) = (number(), number()),
            'l' => (x, y) = (x + number(), y + number()),
            'H' => x = number(),
            'h' => x += number(),
            'V' => y = number(),
            'v' => y += number(),
            'a' => {
                for _ in 0..5 {
                    number();
                }
                (x, y) = (x + number(), y + number());
            }
            other => panic!("no command {other} is drawn: {path}"),
        }
        found.push((x, y));
    }
    found
}

const STORY: [(MarkKind, i64); 5] = [
    (MarkKind::Deploy, 120),
    (MarkKind::Trigger, 480),
    (MarkKind::Approval, 490),
    (MarkKind::Rollback, 495),
    (MarkKind::Verified, 1_700),
];

fn story() -> Trace {
    let value = |second: i64| match second {
        0..=150 => 2_000,
        151..=900 => 142_000,
        901..=1_200 => 142_000 - (second - 900) * 460,
        _ => 3_000,
    };
    trace((0..120).map(|index| (index * 15, Some(value(index * 15)))), &STORY)
}

#[test]
fn a_rollback_is_drawn_as_it_was() {
    expect("line.svg", &drawn(&story()).join("\n"));
    let view = LineView::of("measure", &story());
    assert_eq!(view.id, "measure-error-rate");
    assert!(view.rows.len() <= 30 && view.rows.iter().any(|row| row.value == "14.2\u{a0}%"));
    assert_eq!(
        line::legend(&[story()]),
        "D\u{a0}deploy · T\u{a0}trigger · A\u{a0}approval · R\u{a0}rollback · V\u{a0}verified"
    );
}

#[test]
fn five_rings_at_one_time_stand_side_by_side() {
    let crowded: Vec<(MarkKind, i64)> = STORY.iter().map(|(kind, _)| (*kind, 900)).collect();
    for svg in drawn(&trace(story().points.iter().map(|p| ((p.at - START).as_seconds(), p.value)), &crowded)) {
        let letters = svg.split("plot-letter\" x=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let places: Vec<f64> = letters.split(' ').map(|place| place.parse().unwrap()).collect();
        let size = if svg.contains("plot-wide") { 21.0 } else { 14.4 };
        assert_eq!(places.len(), 5);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= size), "{places:?} overlap");
    }
}

#[test]
fn a_gap_breaks_the_line_and_says_since_when() {
    let mut silent = trace((0..100).map(|index| (index * 10, (index < 40).then_some(50_000))), &[]);
    silent.silent_since = Some(at(771));
    for svg in drawn(&silent) {
        assert!(svg.contains("plot-gap") && svg.contains("no data since 03:12:51"), "{svg}");
        assert!(!svg.contains("plot-dot"), "there is no value now");
        let line = svg.split("plot-line\" d=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let base = svg.split("plot-axis\" d=\"M").nth(1).unwrap().split('H').next().unwrap().to_owned();
        let base: f64 = base.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(places(&line).iter().all(|(_, y)| *y < base - 5.0), "the line never falls to zero for want of data");
    }
}

#[test]
fn the_least_and_the_most_can_be_drawn() {
    let odd: [Vec<(i64, Option<i64>)>; 7] = [
        vec![],
        vec![(0, None)],
        vec![(0, Some(5))],
        (0..120).map(|index| (index, Some(7))).collect(),
        (0..120).map(|index| (index, Some(0))).collect(),
        (0..120).map(|index| (index, Some(i64::MAX))).collect(),
        (0..120).map(|index| (index * 50_000_000, Some(if index % 2 == 0 { i64::MIN } else { i64::MAX }))).collect(),
    ];
    for values in odd {
        for series in [Series::ErrorRate, Series::ResponseTime, Series::Availability, Series::Other("queue".into())] {
            let trace = Trace { series, ..trace(values.clone().into_iter(), &[]) };
            for svg in drawn(&trace) {
                assert_sound(&svg).unwrap();
            }
            if let Some(spark) = Spark::of(&trace) {
                assert_sound(&SparkPage { it: &spark }.render().unwrap()).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_was_measured_the_drawing_is_sound_and_small(
        values in prop::collection::vec((1_i64..400, prop::option::weighted(0.9, 0_i64..2_000_000)), 0..=120),
        marks in prop::collection::vec(0_i64..20_000, 0..16),
        trigger in prop::option::of(0_i64..20_000_000),
    ) {
        let mut second = 0;
        let points: Vec<(i64, Option<i64>)> = values.iter().map(|(step, value)| { second += step; (second, *value) }).collect();
        let mut marks: Vec<(MarkKind, i64)> = marks.into_iter().map(|at| (MarkKind::Rollback, at)).collect();
        marks.sort_by_key(|(_, at)| *at);
        let mut trace = trace(points.into_iter(), &marks);
        trace.trigger = trigger.map(|value| Threshold { direction: Direction::Above, value });
        for svg in drawn(&trace) {
            assert_sound(&svg)?;
        }
        if let Some(spark) = Spark::of(&trace) {
            assert_sound(&SparkPage { it: &spark }.render().unwrap())?;
        }
    }

    #[test]
    fn whatever_the_steps_took_the_bars_are_sound_and_small(
        times in prop::collection::vec((-4_000_i64..200_000, 0_i64..200_000, prop::option::of(0_i64..9_000)), 0..7),
        updates in prop::collection::vec(0_i64..200_000, 0..100),
        until in 0_i64..500_000_000,
        live: bool,
    ) {
        let lanes = times.iter().map(|(from, took, planned)| Lane {
            step: 1,
            title: "A step with a rather long name that goes on".into(),
            planned_from: Some(Span::ZERO),
            planned_to: planned.map(Span::seconds),
            from: Some(Span::seconds(*from)),
            to: Some(Span::seconds(from + took)),
            state: if live { LaneState::Now } else { LaneState::Done },
            late_by: None,
            open: 0,
        });
        let lanes = Lanes {
            lanes: lanes.collect(),
            updates: updates.into_iter().map(Span::seconds).collect(),
            updates_every: Span::minutes(5),
            until: Span::seconds(until),
            live,
            ended: "Ended",
        };
        for svg in svgs(&GanttPage { plot: &GanttView::of("gantt", &lanes) }.render().unwrap()) {
            assert_sound(&svg)?;
        }
    }
}

fn minutes(from: i64, to: i64) -> (Option<Span>, Option<Span>) {
    (Some(Span::seconds(from * 60)), Some(Span::seconds(to * 60)))
}

#[test]
fn planned_and_actual_are_drawn_as_they_were() {
    let lane = |step, title: &str, planned: (i64, i64), real: Option<(i64, i64)>, state| {
        let (planned_from, planned_to) = minutes(planned.0, planned.1);
        let (from, to) = real.map_or((None, None), |(from, to)| minutes(from, to));
        let late_by = to.filter(|to| Some(*to) > planned_to).map(|to| Span(to.0 - planned_to.unwrap().0));
        Lane { step, title: title.into(), planned_from, planned_to, from, to, state, late_by, open: 1 }
    };
    let lanes = Lanes {
        lanes: vec![
            lane(1, "Preparation", (0, 5), Some((0, 4)), LaneState::Done),
            lane(2, "User Communication", (0, 10), Some((1, 12)), LaneState::Now),
            lane(3, "Service Rollback", (5, 15), Some((4, 12)), LaneState::Now),
            lane(4, "Verification", (15, 30), None, LaneState::Later),
        ],
        updates: vec![Span::minutes(3), Span::minutes(8)],
        updates_every: Span::minutes(5),
        until: Span::minutes(12),
        live: true,
        ended: "Ended",
    };
    let view = GanttView::of("gantt", &lanes);
    expect("gantt.svg", &svgs(&GanttPage { plot: &view }.render().unwrap()).join("\n"));
    assert_eq!(
        view.legend,
        "dashed = planned window · amber = past the window · ▼ = progress update · blue line = now"
    );
    assert_eq!(view.rows[1].state, "under way, 2:00 late, 1 not ticked");
}

/// Holds a drawing against the one that is kept. `UPDATE_EXPECT=1` keeps the new one: look at it then.
fn expect(name: &str, drawn: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/plot/tests").join(name);
    let drawn = format!("{}\n", drawn.replace("><", ">\n<"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(drawn, kept, "{name} changed: look at it, then renew it with UPDATE_EXPECT=1");
}

/// With everything failing, both thresholds lie close together at the foot.
#[test]
fn the_words_of_two_thresholds_never_cover_each_other() {
    for most in [0, 20_000, 120_000, 400_000, 1_000_000] {
        for svg in drawn(&trace((0..60).map(|second| (second, Some(most * second / 60))), &[])) {
            let place = |word: &str| -> Option<(bool, f64)> {
                let text = svg.split("<text").find(|text| text.contains(word))?;
                let y = text.split(" y=\"").nth(1)?.split('"').next()?.parse().ok()?;
                Some((text.contains("plot-end"), y))
            };
            let (Some(trigger), Some(goal)) = (place("trigger 10"), place("success 1")) else {
                panic!("both are named: {svg}")
            };
            assert!(trigger.0 != goal.0 || (trigger.1 - goal.1).abs() >= 10.0, "{most}: {svg}");
        }
    }
}
