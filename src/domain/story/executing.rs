//! What was carried out, and how it was verified.

use super::{Story, TimelineKind, Told, told, unreachable_kind};
use crate::domain::condition::Series;
use crate::domain::curve::Curve;
use crate::domain::event::{Event, Mark};
use crate::domain::state::{IndicatorSign, RunId};
use crate::domain::words::{end_words, plain, series_words, short, sign_words};
use std::collections::BTreeMap;

impl Story<'_> {
    pub(super) fn tell_run(&self, who: &str, event: &Event) -> Told {
        let run_entry = |icon, text, detail: String| told(TimelineKind::Run, icon, text, [detail]);
        match event {
            Event::RunStarting(starting) => told(
                TimelineKind::Run,
                "terminal",
                format!("Backout started “{}”", self.action(&starting.action)),
                [
                    format!("Run {}, time limit {}", starting.run, starting.time_limit.in_words()),
                    baseline_words(&starting.baseline),
                ],
            ),
            Event::RunRunning { run } => run_entry("terminal", format!("{} is running", self.run(run)), String::new()),
            Event::RunFinished { run, outcome } => {
                let icon = if outcome.end.is_success() { "done" } else { "failed" };
                let cut = if outcome.log_cut { ", log cut at its limit" } else { "" };
                let lines = if outcome.lines == 1 { "line" } else { "lines" };
                run_entry(
                    icon,
                    format!("{} {}", self.run(run), end_words(&outcome.end)),
                    format!("{} {lines} of log{cut}, digest {}", outcome.lines, short(&outcome.log_sha256)),
                )
            }
            Event::RunLost { run, why } => {
                run_entry("attention", format!("{} lost contact, its outcome is unknown", self.run(run)), why.clone())
            }
            Event::RunJudged { run, succeeded, reason } => run_entry(
                if *succeeded { "done" } else { "failed" },
                format!("{who} looked at {} and found that it {}", self.run_within(run), result_word(*succeeded)),
                reason.clone(),
            ),
            Event::ReportedByHand { action, succeeded, evidence, .. } => run_entry(
                if *succeeded { "done" } else { "failed" },
                format!("{who} reported that “{}”, done by hand, {}", self.action(action), result_word(*succeeded)),
                evidence.clone(),
            ),
            Event::RetryOrdered { run, reason } => told(
                TimelineKind::Decision,
                "retry",
                format!("{who} ordered a new run in place of {}", self.run_within(run)),
                [reason.clone()],
            ),
            other => unreachable_kind(other),
        }
    }

    pub(super) fn tell_verification(&self, who: &str, event: &Event) -> Told {
        match event {
            Event::ItemMarked { item, mark, .. } => {
                let text = self.procedure.item(item).map_or_else(|| plain(item), |(_, _, item)| item.text.clone());
                marked(who, &text, mark, None)
            }
            Event::ItemUnmarked { item, why, .. } => {
                let text = self.procedure.item(item).map_or_else(|| plain(item), |(_, _, item)| item.text.clone());
                told(TimelineKind::Tick, "back", format!("{who} opened “{text}” again"), [why.clone()])
            }
            Event::CriterionMarked { criterion, mark, measured, .. } => {
                let text =
                    self.procedure.criterion(criterion).map_or_else(|| plain(criterion), |known| known.text.clone());
                match mark {
                    Some(mark) => marked(who, &text, mark, measured.as_deref()),
                    None => told(
                        TimelineKind::Tick,
                        "back",
                        format!("{who} opened the criterion “{text}” again"),
                        [measured_words(measured.as_deref())],
                    ),
                }
            }
            Event::IndicatorMarked { indicator, sign, note, measured, .. } => {
                let text =
                    self.procedure.indicator(indicator).map_or_else(|| plain(indicator), |known| known.text.clone());
                told(
                    TimelineKind::Measurement,
                    if *sign == IndicatorSign::Seen { "attention" } else { "pulse" },
                    format!("{who} marked the failure indicator “{text}” as {}", sign_words(*sign)),
                    [note.clone(), measured_words(measured.as_deref())],
                )
            }
            Event::SuccessConfirmed { attempt, measured, unticked, version_proof } => {
                let values: Vec<String> =
                    measured.iter().map(|(key, value)| format!("{} {value}", series_words(key))).collect();
                let unticked = match unticked.as_slice() {
                    [] => String::new(),
                    items => format!("Not ticked: {}", items.join(", ")),
                };
                told(
                    TimelineKind::Decision,
                    "done",
                    format!("{who} confirmed that attempt {attempt} succeeded"),
                    [version_proof.clone(), values.join(", "), unticked],
                )
            }
            // Whoever set the clock off, as with the calls for an update.
            Event::VerdictOverdue { attempt, due_at } => told(
                TimelineKind::Decision,
                "attention",
                format!("Backout asked for the verdict on attempt {attempt}"),
                [format!("The time to verify it was over at {} UTC", due_at.time_of_day())],
            ),
            Event::FailureDeclared { attempt, reason } => told(
                TimelineKind::Decision,
                "failed",
                format!("{who} declared attempt {attempt} failed"),
                [reason.clone()],
            ),
            // Whoever ended what was measured: the copy is the machine's.
            Event::MeasuresKept { curves } => told(
                TimelineKind::Measurement,
                "pulse",
                "Backout kept what was measured".to_owned(),
                curves.iter().filter_map(curve_words),
            ),
            other => unreachable_kind(other),
        }
    }

    /// A run at the beginning of a sentence.
    fn run(&self, run: &RunId) -> String {
        match self.actions.get(run) {
            Some(action) => format!("“{}”", self.action(action)),
            None => format!("Run {run}"),
        }
    }

    fn run_within(&self, run: &RunId) -> String {
        match self.actions.get(run) {
            Some(action) => format!("the run of “{}”", self.action(action)),
            None => format!("run {run}"),
        }
    }
}

/// `error rate 0.2 % to 14.2 %, 03:01:10 to 03:34:52 UTC`; nothing where nothing was measured.
fn curve_words(curve: &Curve) -> Option<String> {
    let (least, most) = curve.range()?;
    let (series, from, to) = (&curve.series, curve.from.time_of_day(), curve.to.time_of_day());
    let name = plain(series.label());
    Some(format!("{name} {} to {}, {from} to {to} UTC", series.show(least), series.show(most)))
}

fn baseline_words(baseline: &BTreeMap<String, i64>) -> String {
    let values: Vec<String> = baseline
        .iter()
        .map(|(key, value)| format!("{} {}", series_words(key), Series::from_key(key).show(*value)))
        .collect();
    if values.is_empty() { String::new() } else { format!("Before it: {}", values.join(", ")) }
}

fn marked(who: &str, text: &str, mark: &Mark, measured: Option<&str>) -> Told {
    let measured = measured_words(measured);
    let (icon, words, detail) = match mark {
        Mark::Done { note } => ("check", format!("{who} ticked “{text}”"), note),
        // Whoever set it off: it was the machine that found the proof.
        Mark::Proven { evidence } => ("check", format!("Backout ticked “{text}” by itself"), evidence),
        Mark::NotApplicable { reason } => ("not-needed", format!("{who} marked “{text}” as not needed"), reason),
        Mark::Waived { reason } => ("key", format!("{who} waived “{text}”"), reason),
    };
    told(TimelineKind::Tick, icon, words, [detail.clone(), measured])
}

fn measured_words(measured: Option<&str>) -> String {
    measured.map_or_else(String::new, |value| format!("Measured: {value}"))
}

const fn result_word(succeeded: bool) -> &'static str {
    if succeeded { "succeeded" } else { "failed" }
}
