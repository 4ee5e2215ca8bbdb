//! The four figures on top of a report, each against what the procedure promised.

use crate::domain::report::{AttemptPart, Report};
use crate::domain::{Span, Timestamp};

/// One key figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub what: &'static str,
    pub value: String,
    pub note: String,
    /// Past its window, or missed.
    pub late: bool,
}

/// Time to authorise, to execute, to verify, and the updates.
pub fn figures(report: &Report) -> [Figure; 4] {
    let attempt = report.attempts.iter().rev().find(|attempt| attempt.started_at.is_some());
    [authorised(report), within(report, attempt, 3), within(report, attempt, 4), updates(report)]
}

fn figure(span: Option<Span>) -> String {
    span.map_or_else(|| "not known".to_owned(), |span| span.to_string())
}

fn authorised(report: &Report) -> Figure {
    Figure {
        what: "Time to authorise",
        value: figure(report.figures.authorise),
        note: authorised_from(report),
        late: false,
    }
}

/// The instant from which the time to authorise counts, by its name: `from the trigger at 03:14:28 UTC`.
pub fn authorised_from(report: &Report) -> String {
    let named = |at: Timestamp| match at == report.summary.opened_at {
        true => format!("from the trigger at {} UTC", at.time_of_day()),
        false => format!("from the end of the attempt before at {} UTC", at.time_of_day()),
    };
    report.figures.authorise_from.map_or_else(String::new, named)
}

/// The end of a step, counted from T+0, against its window.
fn within(report: &Report, attempt: Option<&AttemptPart>, step: u8) -> Figure {
    let (what, whole) = match step {
        3 => ("Time to execute", report.figures.execute),
        _ => ("Time to verify", report.figures.verify),
    };
    let step = attempt.and_then(|attempt| attempt.steps.iter().find(|it| it.step == step));
    let planned = step.and_then(|step| step.planned_to);
    let (note, late) = match (whole, step.and_then(|step| step.late_by), planned) {
        (None, ..) => (String::new(), false),
        (Some(_), Some(late), _) => (format!("its step ended {late} after the window"), true),
        (Some(_), None, Some(end)) => (format!("inside the {} min window", end.as_seconds() / 60), false),
        (Some(_), None, None) => (String::new(), false),
    };
    Figure { what, value: figure(whole), note, late }
}

fn updates(report: &Report) -> Figure {
    let (sent, missed) = (report.updates.sent.len(), report.updates.missed.len());
    let late = report.updates.sent.iter().filter(|update| update.late).count();
    let longest = report.updates.longest_gap.map(|gap| format!("longest gap {gap}"));
    let lacks = match (missed, late) {
        (0, 0) => "none late".to_owned(),
        (0, late) => format!("{late} late"),
        (missed, _) => format!("{missed} missed"),
    };
    Figure {
        what: "Progress updates",
        value: format!("{sent} sent"),
        note: longest.map_or(lacks.clone(), |longest| format!("{lacks}, {longest}")),
        late: missed + late > 0,
    }
}

/// The beginning and the end of a digest, for reading: `9c1e…77b0`.
pub fn short(digest: &str) -> String {
    match (digest.get(..4), digest.get(digest.len().saturating_sub(4)..)) {
        (Some(begin), Some(end)) if digest.len() > 12 => format!("{begin}…{end}"),
        _ => digest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report::report;
    use crate::domain::report::tests::sample::{journal, names};
    use crate::playbook::default_procedure;

    #[test]
    fn four_figures_stand_against_what_was_promised() {
        let report = report(&journal(), &default_procedure(), &names).unwrap();
        let all = figures(&report);
        assert!(all.iter().all(|figure| figure.value != "not known"), "{all:?}");
        assert!(all[2].late && all[2].note.contains("after the window"), "verification was late: {all:?}");
        assert!(!all[1].late && all[1].note.contains("15 min window"), "{all:?}");
    }

    #[test]
    fn a_digest_is_shortened_to_its_ends() {
        assert_eq!(short("9c1e4f0000000077b0"), "9c1e…77b0");
        assert_eq!(short(""), "");
        assert_eq!(short("äöüäöüäöüäöü"), "äö…öü", "a digest is never so, and nothing panics");
    }
}
