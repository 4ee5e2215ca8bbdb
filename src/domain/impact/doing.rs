//! What is done about it, in words for everyone.

use super::Case;
use crate::domain::procedure::{Decision, TargetKind};
use crate::domain::state::{Attempt, AttemptStatus};
use crate::domain::waits::{Awaited, Task, waits};

impl Case<'_> {
    /// What is done about it, by how far the newest attempt is.
    pub(super) fn doing(&self) -> Vec<String> {
        let decided = if self.incident.is_open() { "; what comes next is being decided" } else { "" };
        let Some(attempt) = self.incident.current() else {
            if !self.incident.is_open() {
                return Vec::new();
            }
            return vec![format!(
                "What to do is being decided; the procedure says: {}.",
                match self.incident.advice.decision {
                    Decision::Immediate => "go back at once",
                    Decision::Considered => "weigh going back",
                    Decision::NotRequired => "going back is not required",
                }
            )];
        };
        let goal = self.goal(attempt);
        let began = attempt.started_at().map_or_else(String::new, |at| format!(" began at {}", self.clock(at)));
        let place = attempt.last_run_ended_at().map_or_else(String::new, |at| format!(" since {}", self.clock(at)));
        let one = |text: String| vec![text];
        match attempt.status() {
            AttemptStatus::Draft if !self.incident.is_open() => one(format!("{} was not begun.", goal.doing)),
            AttemptStatus::Draft => one(format!("{} is being planned.", goal.doing)),
            AttemptStatus::Submitted if attempt.lapsed(self.now).next().is_some() => {
                let ran_out = attempt.lapsed(self.now).map(|(_, approval)| approval.expires_at).min();
                let at = ran_out.map_or_else(String::new, |at| format!(" at {}", self.clock(at)));
                vec![
                    match attempt.may_have_begun_by_hand() {
                        true => format!("What was authorised ran out{at}. People may have begun it by hand."),
                        false => format!("{} has not begun: what was authorised ran out{at}.", goal.doing),
                    },
                    format!("It waits for {} to authorise it again.", self.authorisers()),
                ]
            }
            AttemptStatus::Submitted if attempt.start_ordered.is_some() => {
                one(format!("{} is authorised and starts now.", goal.doing))
            }
            AttemptStatus::Submitted => match self.authorisers() {
                who if who.is_empty() => one(format!("{} is authorised and waits for the word to start.", goal.doing)),
                who => one(format!("{} is planned and waits for {who} to authorise it.", goal.doing)),
            },
            AttemptStatus::Executing => one(format!("{}{began}; {}.", goal.doing, parts(attempt))),
            AttemptStatus::Halted => {
                one(format!("{}{began} and stands still: a person decides how it goes on.", goal.doing))
            }
            AttemptStatus::Verifying => {
                vec![format!("{}{place}.", goal.done), "Whether everything works again is being checked.".to_owned()]
            }
            AttemptStatus::Succeeded => {
                let confirmed = attempt.end.as_ref().map_or_else(String::new, |end| {
                    let who = end.by.as_ref().map_or_else(|| "Backout".to_owned(), |person| self.facts.name(person));
                    format!("{who} confirmed at {} that it works.", self.clock(end.at))
                });
                vec![format!("{}{place}.", goal.done), confirmed]
            }
            AttemptStatus::Failed => one(format!("{}{began} and did not help{decided}.", goal.doing)),
            AttemptStatus::Aborted => one(format!("{}{began} and was stopped{decided}.", goal.doing)),
            AttemptStatus::Rejected => one(format!("{} was declined{decided}.", goal.doing)),
            AttemptStatus::Withdrawn => one(format!("{} is no longer planned{decided}.", goal.doing)),
        }
    }

    /// Data is brought back from a backup by this attempt, or may have been. One that ended before that has lost nothing by
    /// it, and nobody must read that there is nothing left to spare.
    pub(super) fn restores(&self, attempt: &Attempt) -> bool {
        let names_one = attempt.draft.targets.iter().any(|target| target.kind == TargetKind::Backup);
        let begun = || attempt.restorations_begun(self.facts.procedure).next().is_some();
        names_one && (!attempt.status().is_terminal() || begun())
    }

    pub(super) fn goal(&self, attempt: &Attempt) -> Goal {
        let targets = &attempt.draft.targets;
        let all = |kind| !targets.is_empty() && targets.iter().all(|target| target.kind == kind);
        if self.restores(attempt) || all(TargetKind::Backup) {
            return Goal {
                doing: "Restoring the data from a backup",
                done: "The data from the backup has been in place",
                was: "The data from the backup was in place",
            };
        }
        if all(TargetKind::Config) {
            return Goal {
                doing: "Going back to the earlier settings",
                done: "The earlier settings have been in place",
                was: "The earlier settings were in place",
            };
        }
        let previous = targets.iter().filter(|target| target.kind == TargetKind::Release).all(|target| {
            let names: Vec<&str> = self.facts.releases(&target.component).map(|entry| entry.name.as_str()).collect();
            let place = |name: &str| names.iter().position(|known| *known == name);
            let from = target.from.as_deref().and_then(place);
            from.is_some() && from == place(&target.name).map(|place| place + 1)
        });
        if previous {
            Goal {
                doing: "Going back to the previous version",
                done: "The previous version has been running again",
                was: "The previous version was running again",
            }
        } else {
            Goal {
                doing: "Going back to an earlier version",
                done: "The earlier version has been running again",
                was: "The earlier version was running again",
            }
        }
    }

    /// Whose authorisation is awaited: `Maya Okafor and any of management`.
    fn authorisers(&self) -> String {
        let waits = waits(self.incident, self.now);
        let mut who: Vec<String> = waits
            .iter()
            .filter(|wait| wait.task == Task::Approve)
            .map(|wait| match &wait.who {
                Awaited::Person(person) => self.facts.name(person),
                Awaited::Role(role) => role.somebody().to_owned(),
            })
            .collect();
        who.dedup();
        who.join(" and ")
    }
}

/// What an attempt does, in words for everyone.
pub(super) struct Goal {
    pub(super) doing: &'static str,
    /// Followed by since when.
    pub(super) done: &'static str,
    pub(super) was: &'static str,
}

/// `1 of 3 parts is done`.
fn parts(attempt: &Attempt) -> String {
    let Some(plan) = attempt.plan() else { return "it is under way".to_owned() };
    let done = plan.actions.iter().filter(|action| attempt.is_done(&action.name)).count();
    match (done, plan.actions.len()) {
        (0, _) => "it is under way".to_owned(),
        (1, all) => format!("1 of {all} parts is done"),
        (done, all) => format!("{done} of {all} parts are done"),
    }
}
