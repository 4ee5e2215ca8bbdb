//! How long things took: the phases of an incident, and each step's planned window against what really happened.
//!
//! The phases join up: detected, authorised, executed, verified. What is not known yet is `None`, never zero. Where an
//! incident had several attempts, the one that succeeded counts, otherwise the newest that started.

use super::procedure::{Checklist, Evidence, Phase, Procedure, Window};
use super::state::{Attempt, AttemptStatus, Incident, RunState};
use super::{Span, Timestamp};
use serde::Serialize;

/// The figures of one incident (R2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Figures {
    /// From what the first trigger saw to the opening.
    pub detect: Option<Span>,
    /// From the opening (for a further attempt: from the end of the one before) to the last signature that it needed.
    pub authorise: Option<Span>,
    /// From when that counts.
    pub authorise_from: Option<Timestamp>,
    /// From T+0 to the end of the last run.
    pub execute: Option<Span>,
    /// From the end of the last run to the confirmed success.
    pub verify: Option<Span>,
    /// From what the first trigger saw to the confirmed success.
    pub restore: Option<Span>,
    /// Steps that ended after their window, over all attempts.
    pub late_steps: usize,
    /// Runs that failed, timed out or were lost, over all attempts.
    pub failed_runs: usize,
}

/// A step of the procedure against its window, in offsets from T+0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepTimes {
    pub step: u8,
    pub title: String,
    /// `None` where the procedure gives no window.
    pub planned_from: Option<Span>,
    /// `None` for an ongoing step.
    pub planned_to: Option<Span>,
    /// The first tick or run of the step; before T+0 it is negative.
    pub from: Option<Span>,
    /// The last tick or end of a run so far.
    pub to: Option<Span>,
    /// How far past its window it ended.
    pub late_by: Option<Span>,
    /// Items without a condition that nobody ticked, in words.
    pub open: Vec<String>,
}

pub fn figures(incident: &Incident, procedure: &Procedure) -> Figures {
    let seen_at = incident.triggers.first().map(|trigger| trigger.seen_at);
    let counts = decisive(incident);
    let confirmed = counts.and_then(confirmed_at);
    let steps = incident.attempts.iter().flat_map(|attempt| steps(attempt, procedure));
    let runs = incident.attempts.iter().flat_map(|attempt| &attempt.runs);
    let authorise_from =
        counts.and_then(
            |attempt| {
                if attempt.number == 1 { Some(incident.opened_at) } else { previous_end(incident, attempt) }
            },
        );
    Figures {
        detect: between(seen_at, Some(incident.opened_at)),
        authorise: between(authorise_from, counts.and_then(authorised_at)),
        authorise_from,
        execute: counts.and_then(|attempt| between(attempt.started_at(), executed_at(attempt))),
        verify: counts.and_then(|attempt| between(executed_at(attempt), confirmed)),
        restore: between(seen_at, confirmed),
        late_steps: steps.filter(|step| step.late_by.is_some()).count(),
        failed_runs: runs
            .filter(|run| matches!(run.state, RunState::Failed | RunState::TimedOut | RunState::Lost))
            .count(),
    }
}

/// The attempt whose figures are the incident's.
pub fn decisive(incident: &Incident) -> Option<&Attempt> {
    let newest = |fits: &dyn Fn(&Attempt) -> bool| incident.attempts.iter().rev().find(|attempt| fits(attempt));
    newest(&|attempt| attempt.status() == AttemptStatus::Succeeded)
        .or_else(|| newest(&|attempt| attempt.started_at().is_some()))
        .or_else(|| incident.attempts.last())
}

/// A further attempt's clock runs from the end of the one before it.
fn previous_end(incident: &Incident, attempt: &Attempt) -> Option<Timestamp> {
    incident.attempts.iter().rfind(|earlier| earlier.number < attempt.number)?.ended_at()
}

/// When the last signature was given that the start needed; `None` while one is open. A signature given anew after its
/// expiry counts from the new one, as long as it came before the start.
pub fn authorised_at(attempt: &Attempt) -> Option<Timestamp> {
    let submitted = attempt.submitted.as_ref()?;
    let start = attempt.started_at().unwrap_or(Timestamp(i64::MAX));
    let mut last = None;
    for slot in submitted.plan.slots.iter().filter(|slot| slot.kind.gates()) {
        let signed = attempt
            .approvals
            .iter()
            .filter(|approval| {
                approval.slot == slot.role && approval.digest == submitted.digest && approval.at <= start
            })
            .map(|approval| approval.at)
            .max()?;
        last = last.max(Some(signed));
    }
    last
}

/// When the last action ended well; `None` while one has not.
pub fn executed_at(attempt: &Attempt) -> Option<Timestamp> {
    let plan = attempt.plan()?;
    plan.actions.iter().all(|action| attempt.is_done(&action.name)).then(|| attempt.last_run_ended_at()).flatten()
}

pub fn confirmed_at(attempt: &Attempt) -> Option<Timestamp> {
    attempt.end.as_ref().filter(|end| end.status == AttemptStatus::Succeeded).map(|end| end.at)
}

/// `None` when an end is missing, or came first: then something else is wrong, and no figure is better than a false one.
fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Span> {
    let span = to?.shown_since(from?);
    (span.0 >= 0).then_some(span)
}

/// Every step of the procedure against what happened. Nothing before T+0: an attempt that never started has no steps.
pub fn steps(attempt: &Attempt, procedure: &Procedure) -> Vec<StepTimes> {
    let Some(start) = attempt.started_at() else { return Vec::new() };
    let verdict_step = verdict_step(procedure);
    procedure
        .checklists
        .iter()
        .filter_map(|list| number_of(list).map(|step| (step, list)))
        .map(|(step, list)| {
            let mut moments = moments_of(list, attempt);
            if verdict_step == Some(step) {
                // It begins when there is something to verify, and ends with the verdict, whichever it is. What was
                // ticked of it before that has not begun it.
                let begun = executed_at(attempt);
                moments.extend(attempt.criteria.values().map(|marked| marked.at));
                moments.extend(begun.and(attempt.end.as_ref()).map(|end| end.at));
                moments.retain(|at| begun.is_some_and(|begun| *at >= begun));
                moments.extend(begun);
            }
            let from = moments.iter().min().map(|at| at.shown_since(start));
            let to = moments.iter().max().map(|at| at.shown_since(start));
            let planned_to = list.window.and_then(|window: Window| window.to);
            let late_by = to.zip(planned_to).filter(|(to, planned)| to > planned).map(|(to, end)| Span(to.0 - end.0));
            StepTimes {
                step,
                title: list.title.clone(),
                planned_from: list.window.map(|window| window.from),
                planned_to,
                from,
                to,
                late_by,
                open: open_items(list, attempt),
            }
        })
        .collect()
}

/// The step to which the criteria and the verdict belong: the last one that has an end.
pub fn verdict_step(procedure: &Procedure) -> Option<u8> {
    verdict(procedure).map(|(step, _)| step)
}

/// When the outcome is to be verified: the window of [`verdict_step`].
pub fn verdict_window(procedure: &Procedure) -> Option<Window> {
    verdict(procedure).map(|(_, window)| window)
}

fn verdict(procedure: &Procedure) -> Option<(u8, Window)> {
    let ending = |list: &Checklist| number_of(list).zip(list.window.filter(|window| window.to.is_some()));
    procedure.checklists.iter().filter_map(ending).max_by_key(|(_, window)| window.to)
}

fn number_of(list: &Checklist) -> Option<u8> {
    match list.phase {
        Phase::Step(number) => Some(number),
        Phase::Before => None,
    }
}

/// When something of this list happened: its ticks, and the runs that tick its items.
fn moments_of(list: &Checklist, attempt: &Attempt) -> Vec<Timestamp> {
    let mut moments = Vec::new();
    for item in list.groups.iter().flat_map(|group| &group.items) {
        moments.extend(attempt.marks.get(&item.name).map(|marked| marked.at));
        if let Some(Evidence::Run(action)) = &item.evidence {
            for run in attempt.runs.iter().filter(|run| run.action.split('/').next() == Some(action.as_str())) {
                moments.push(run.starting_at);
                moments.extend(run.ended_at);
            }
        }
    }
    moments
}

fn open_items(list: &Checklist, attempt: &Attempt) -> Vec<String> {
    let kind = attempt.plan().map_or(attempt.draft.kind, |plan| plan.kind);
    list.groups
        .iter()
        .filter(|group| group.condition.is_none())
        .flat_map(|group| &group.items)
        .filter(|item| {
            item.condition.is_none()
                && (item.types.is_empty() || item.types.contains(&kind))
                && !attempt.is_marked(&item.name)
        })
        .map(|item| item.text.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::apply::fold;
    use crate::domain::report::tests::sample::{OPENED, journal};
    use crate::domain::state::{AttemptEnd, Stop};
    use crate::playbook::default_procedure;

    #[test]
    fn an_attempt_after_a_stopped_one_was_authorised_from_the_end_of_that_one() {
        let (mut incident, procedure) = (fold(&journal()).unwrap(), default_procedure());
        let second = |second| OPENED + Span::seconds(second);
        let mut stopped = incident.attempts[0].clone();
        stopped.end = None;
        stopped.runs.truncate(1);
        stopped.runs[0].state = RunState::Cancelled;
        stopped.runs[0].ended_at = Some(second(80));
        stopped.stop = Some(Stop { reason: "Enough".into(), at: second(75), by: None });
        assert_eq!(stopped.status(), AttemptStatus::Aborted);
        incident.attempts[0].number = 2;
        incident.attempts.insert(0, stopped);
        // The second attempt's last signature is of 268 s.
        assert_eq!(figures(&incident, &procedure).authorise, Some(Span::seconds(188)));
        // One that never started, and was declined, has an end of its own.
        incident.attempts[0].runs.clear();
        incident.attempts[0].stop = None;
        incident.attempts[0].end =
            Some(AttemptEnd { status: AttemptStatus::Rejected, reason: "No".into(), at: second(100), by: None });
        assert_eq!(figures(&incident, &procedure).authorise, Some(Span::seconds(168)));
    }
}
