//! Planned against actual (E3): each step of the procedure with its window and what happened in it, counted from T+0.
//!
//! A step begins with its first tick or run and ends with its last; while something of it is open and the attempt goes
//! on, it goes on too. Steps are lanes, not gates: several may be under way at once. Verification alone is the attempt's
//! own state: it is under way from the end of the last run to the verdict, and what stands before it is then under way no
//! more, whatever of it nobody ticked.

use super::figures::{StepTimes, steps, verdict_step};
use super::procedure::Procedure;
use super::state::{Attempt, AttemptStatus, Incident};
use super::words::offset_words;
use super::{Span, Timestamp};
use serde::Serialize;

/// One attempt's steps side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lanes {
    pub lanes: Vec<Lane>,
    /// When progress updates went out.
    pub updates: Vec<Span>,
    pub updates_every: Span,
    /// Now, while the attempt goes on; its end afterwards.
    pub until: Span,
    pub live: bool,
    /// How it ended, where it did not end well: `Stopped`, `Failed`; else `Ended`.
    pub ended: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    pub step: u8,
    pub title: String,
    pub planned_from: Option<Span>,
    /// `None` for an ongoing step, or where the procedure gives no window.
    pub planned_to: Option<Span>,
    /// Before T+0 it is negative.
    pub from: Option<Span>,
    /// The end, or how far it is.
    pub to: Option<Span>,
    pub state: LaneState,
    /// How far past its window it ended, or is.
    pub late_by: Option<Span>,
    /// Items without a condition that nobody ticked.
    pub open: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneState {
    /// Nothing of it happened yet.
    Later,
    Now,
    /// Its time is over, and something of it is open still.
    Unticked,
    Done,
    /// The attempt was stopped or failed while something of it was open.
    CutShort,
    /// The attempt ended before anything of it happened.
    Never,
}

/// Nothing before T+0.
pub fn lanes(incident: &Incident, attempt: &Attempt, procedure: &Procedure, now: Timestamp) -> Option<Lanes> {
    let start = attempt.started_at()?;
    let end = attempt.ended_at();
    let live = end.is_none();
    let status = attempt.status();
    let well = !matches!(status, AttemptStatus::Aborted | AttemptStatus::Failed);
    let last = end.or(incident.closed.as_ref().map(|closed| closed.at)).unwrap_or(now);
    let until = last.max(start).shown_since(start);
    let next = incident.attempts.iter().filter(|other| other.number > attempt.number);
    // What was sent after the next attempt began belongs to that one.
    let next = next.filter_map(Attempt::started_at).min().unwrap_or(Timestamp(i64::MAX));
    let sent = incident.updates.sent.iter().map(|(at, _)| *at);
    let verdict = verdict_step(procedure);
    let verifying = status == AttemptStatus::Verifying;
    let drawn = |step: StepTimes| match verdict {
        Some(verdict) if step.step == verdict && verifying => under_way(step, until),
        Some(verdict) if step.step < verdict && verifying => passed(step, until),
        _ => lane(step, live, well, until),
    };
    Some(Lanes {
        lanes: steps(attempt, procedure).into_iter().map(drawn).collect(),
        updates: sent.filter(|at| *at >= start && *at < next).map(|at| at.shown_since(start)).collect(),
        updates_every: incident.cadence.every,
        until,
        live,
        ended: match status {
            AttemptStatus::Aborted => "Stopped",
            AttemptStatus::Failed => "Failed",
            _ => "Ended",
        },
    })
}

/// `well`: the attempt goes on, or came to a good end. Of one that did not, no step is done while something of it is open.
fn lane(step: StepTimes, live: bool, well: bool, until: Span) -> Lane {
    // A step without an end goes on as long as the attempt does.
    let ongoing = step.planned_to.is_none();
    let state = match (step.from, live) {
        (None, true) => LaneState::Later,
        (None, false) => LaneState::Never,
        (Some(_), true) if ongoing || !step.open.is_empty() => LaneState::Now,
        (Some(_), false) if !well && !step.open.is_empty() => LaneState::CutShort,
        (Some(_), _) => LaneState::Done,
    };
    lane_in(step, state, until)
}

/// The verification, while there is no verdict: it goes on though all of it be ticked.
fn under_way(step: StepTimes, until: Span) -> Lane {
    lane_in(step, LaneState::Now, until)
}

/// A step before the verification, once that is under way.
fn passed(step: StepTimes, until: Span) -> Lane {
    let to = step.to;
    let lane = lane(step, true, true, until);
    match (lane.state, lane.planned_to) {
        (LaneState::Now | LaneState::Later, Some(_)) => Lane { state: LaneState::Unticked, to, ..lane },
        _ => lane,
    }
}

fn lane_in(step: StepTimes, state: LaneState, until: Span) -> Lane {
    let to = if state == LaneState::Now { step.to.max(Some(until)) } else { step.to };
    let reached = if state == LaneState::Later { Some(until) } else { to };
    let late_by = reached.zip(step.planned_to).filter(|(to, end)| to > end).map(|(to, end)| Span(to.0 - end.0));
    Lane {
        step: step.step,
        title: step.title,
        planned_from: step.planned_from,
        planned_to: step.planned_to,
        from: step.from,
        to,
        state,
        late_by,
        open: step.open.len(),
    }
}

impl Lanes {
    /// The newest instant that must be in the picture.
    pub fn end(&self) -> Span {
        let ends = self.lanes.iter().flat_map(|lane| [lane.planned_to, lane.to]).flatten();
        ends.chain(self.updates.iter().copied()).chain([self.until]).max().unwrap_or_default()
    }

    /// `At T+11:48: Preparation done in time; Service rollback under way; Verification later.`
    pub fn sentence(&self) -> String {
        let titles = |fits: &dyn Fn(&Lane) -> bool| -> Vec<&str> {
            self.lanes.iter().filter(|lane| fits(lane)).map(|lane| lane.title.as_str()).collect()
        };
        let mut parts = Vec::new();
        let mut say = |titles: Vec<&str>, words: &str| {
            if !titles.is_empty() {
                parts.push(format!("{} {words}", titles.join(", ")));
            }
        };
        let in_time = |state| move |lane: &Lane| lane.state == state && lane.late_by.is_none();
        say(titles(&|lane| in_time(LaneState::Done)(lane) && lane.planned_to.is_some()), "done in time");
        say(titles(&|lane| in_time(LaneState::Done)(lane) && lane.planned_to.is_none()), "done");
        say(titles(&|lane| lane.state == LaneState::CutShort), "not finished");
        say(titles(&in_time(LaneState::Unticked)), "not all ticked");
        say(titles(&in_time(LaneState::Now)), "under way");
        say(titles(&in_time(LaneState::Later)), "later");
        say(titles(&|lane| lane.state == LaneState::Never), "not begun");
        let told = |lane: &&Lane| !matches!(lane.state, LaneState::Never | LaneState::CutShort);
        for lane in self.lanes.iter().filter(told) {
            if let Some(late) = lane.late_by {
                let state = match lane.state {
                    LaneState::Done => "ended",
                    LaneState::Now => "is",
                    LaneState::Unticked => "not all ticked,",
                    LaneState::Later | LaneState::Never | LaneState::CutShort => "not begun,",
                };
                parts.push(format!("{} {state} {late} past its window", lane.title));
            }
        }
        let moment = if self.live { "At".to_owned() } else { format!("{} at", self.ended) };
        format!("{moment} {}: {}.", offset_words(self.until), parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::apply::fold;
    use crate::domain::event::{Event, Recorded};
    use crate::domain::report::tests::sample::{OPENED, journal};
    use crate::playbook::default_procedure;

    #[test]
    fn a_finished_attempt_has_a_lane_for_each_step_and_its_updates() {
        let (incident, procedure) = (fold(&journal()).unwrap(), default_procedure());
        let attempt = incident.current().unwrap();
        let lanes = lanes(&incident, attempt, &procedure, OPENED + Span::hours(9)).unwrap();
        assert_eq!(lanes.lanes.iter().map(|lane| lane.step).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert!(!lanes.live && lanes.until < Span::hours(1), "it ended long before now: {lanes:?}");
        assert!(lanes.lanes.iter().all(|lane| matches!(lane.state, LaneState::Done | LaneState::Never)));
        assert!(lanes.updates.iter().all(|at| at.0 >= 0));
        assert!(lanes.sentence().starts_with("Ended at T+"), "{}", lanes.sentence());
    }

    #[test]
    fn before_the_start_there_are_no_lanes() {
        let (incident, procedure) = (fold(&journal()).unwrap(), default_procedure());
        let mut attempt = incident.current().unwrap().clone();
        attempt.runs.clear();
        assert_eq!(lanes(&incident, &attempt, &procedure, OPENED), None);
    }

    fn at_second(second: i64, further: Option<Event>) -> Lanes {
        let mut journal = journal();
        journal.retain(|recorded| recorded.at <= OPENED + Span::seconds(second));
        journal.extend(further.map(|event| Recorded {
            version: 900,
            at: OPENED + Span::seconds(second),
            event,
            ..journal[0].clone()
        }));
        let (incident, procedure) = (fold(&journal).unwrap(), default_procedure());
        lanes(&incident, incident.current().unwrap(), &procedure, OPENED + Span::seconds(second)).unwrap()
    }

    #[test]
    fn verification_is_under_way_from_the_last_run_to_the_verdict_and_what_was_before_it_no_more() {
        let stands = |lanes: &Lanes, step: u8| {
            let lane = lanes.lanes.iter().find(|lane| lane.step == step).unwrap();
            (lane.state, lane.from.map(Span::as_seconds), lane.to.map(Span::as_seconds))
        };
        // T+0 is at 270 s, the last run ended at 1141 s, and nobody has ticked anything of the verification.
        let running = at_second(1_000, None);
        assert_eq!(stands(&running, 4), (LaneState::Later, None, None));
        let verifying = at_second(1_145, None);
        assert_eq!(stands(&verifying, 4), (LaneState::Now, Some(871), Some(875)));
        let sentence = verifying.sentence();
        assert!(sentence.contains("Verification under way"), "{sentence}");
        for passed in [1, 3] {
            assert_eq!(stands(&verifying, passed).0, LaneState::Unticked, "{sentence}");
        }
        let reason = "Still failing".to_owned();
        let failed = at_second(1_145, Some(Event::FailureDeclared { attempt: 1, reason }));
        assert_eq!(stands(&failed, 4), (LaneState::CutShort, Some(871), Some(875)), "{}", failed.sentence());
        let confirmed = at_second(2_200, None);
        assert_eq!(stands(&confirmed, 4), (LaneState::Done, Some(871), Some(2_200 - 270)));
    }

    fn step(from: Option<i64>, to: Option<i64>, window: (i64, Option<i64>), open: usize) -> StepTimes {
        StepTimes {
            step: 1,
            title: "Preparation".into(),
            planned_from: Some(Span::minutes(window.0)),
            planned_to: window.1.map(Span::minutes),
            from: from.map(Span::minutes),
            to: to.map(Span::minutes),
            late_by: None,
            open: vec!["an item".into(); open],
        }
    }

    #[test]
    fn a_step_goes_on_while_something_is_open_and_what_passed_its_window_is_late() {
        let at = |step, live, minutes| {
            let lane = lane(step, live, true, Span::minutes(minutes));
            (lane.state, lane.to.map(|to| to.as_seconds() / 60), lane.late_by.map(|late| late.as_seconds() / 60))
        };
        let window = (0, Some(5));
        assert_eq!(at(step(Some(1), Some(4), window, 0), true, 12), (LaneState::Done, Some(4), None));
        assert_eq!(at(step(Some(1), Some(4), window, 1), true, 12), (LaneState::Now, Some(12), Some(7)));
        assert_eq!(at(step(Some(1), Some(4), window, 1), false, 12), (LaneState::Done, Some(4), None));
        assert_eq!(at(step(Some(1), Some(8), window, 0), true, 12), (LaneState::Done, Some(8), Some(3)));
        assert_eq!(at(step(None, None, window, 1), true, 3), (LaneState::Later, None, None));
        assert_eq!(at(step(None, None, window, 1), true, 6), (LaneState::Later, None, Some(1)));
        assert_eq!(at(step(None, None, window, 1), false, 6), (LaneState::Never, None, None));
        assert_eq!(at(step(Some(1), Some(4), (0, None), 0), true, 60), (LaneState::Now, Some(60), None));
        assert_eq!(at(step(Some(-3), Some(-2), window, 0), true, 1), (LaneState::Done, Some(-2), None));
    }

    #[test]
    fn the_sentence_names_each_step_once() {
        let named = |title: &str, step: StepTimes| {
            lane(StepTimes { title: title.into(), ..step }, true, true, Span::minutes(12))
        };
        let lanes = Lanes {
            lanes: vec![
                named("Preparation", step(Some(0), Some(4), (0, Some(5)), 0)),
                named("User communication", step(Some(1), Some(7), (0, Some(10)), 1)),
                named("Service rollback", step(Some(5), Some(6), (5, Some(15)), 1)),
                named("Verification", step(None, None, (15, Some(30)), 2)),
            ],
            updates: vec![],
            updates_every: Span::minutes(5),
            until: Span::minutes(12),
            live: true,
            ended: "Ended",
        };
        assert_eq!(
            lanes.sentence(),
            "At T+12:00: Preparation done in time; Service rollback under way; Verification later; \
             User communication is 2:00 past its window."
        );
        assert_eq!(lanes.end(), Span::minutes(30));
    }

    #[test]
    fn a_stopped_attempt_has_done_nothing_in_time_that_is_still_open() {
        let cut = |open| lane(step(Some(0), Some(4), (0, Some(5)), open), false, false, Span::minutes(4));
        assert_eq!((cut(1).state, cut(0).state), (LaneState::CutShort, LaneState::Done));
        let lanes = Lanes {
            lanes: vec![cut(0), Lane { title: "Service rollback".into(), ..cut(2) }],
            updates: vec![],
            updates_every: Span::minutes(5),
            until: Span::minutes(4),
            live: false,
            ended: "Stopped",
        };
        assert_eq!(lanes.sentence(), "Stopped at T+4:00: Preparation done in time; Service rollback not finished.");
    }
}
