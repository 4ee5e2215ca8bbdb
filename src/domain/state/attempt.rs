//! One attempt of an incident: its plan, who authorised it, what was ticked, and how it stands.

use super::{AttemptNo, Run, RunState};
use crate::domain::event::{Mark, RunEnd, RunOutcome};
use crate::domain::plan::{Draft, FixedPlan, PlannedAction, Target};
use crate::domain::procedure::{ActionMode, Procedure, Slot, StartMode, TargetKind};
use crate::domain::{PersonId, Role, Span, Strength, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub number: AttemptNo,
    pub draft: Draft,
    /// Counts the changes of the draft.
    pub revision: u32,
    pub why: String,
    pub escalates: Option<AttemptNo>,
    /// Since when its plan is to be submitted: when it was drafted, or was put back to draft last.
    pub draft_since: Timestamp,
    /// Changes that somebody asked for, until a plan is submitted again.
    pub changes_asked: Option<ChangesAsked>,
    pub submitted: Option<Submitted>,
    pub approvals: Vec<Approval>,
    pub assessments: BTreeMap<String, Assessed>,
    pub marks: BTreeMap<String, Marked>,
    pub criteria: BTreeMap<String, Marked>,
    pub indicators: BTreeMap<String, IndicatorSeen>,
    pub start_ordered: Option<Timestamp>,
    /// Why the last check refused the start, until something changes.
    pub start_refused: Option<String>,
    pub released: BTreeSet<String>,
    pub held: Option<Held>,
    pub runs: Vec<Run>,
    pub baseline: BTreeMap<String, i64>,
    pub stop: Option<Stop>,
    /// When the time to verify it was over, once that has passed without a verdict.
    pub unverified_since: Option<Timestamp>,
    pub end: Option<AttemptEnd>,
    /// People whose approval became void, and why.
    pub voided: Vec<(PersonId, String)>,
    /// Digests of plans that were sent back for changes; exactly these are never submitted again.
    pub sent_back: BTreeSet<String>,
}

/// That a plan was sent back, with the words of who did.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChangesAsked {
    pub by: Option<PersonId>,
    pub at: Timestamp,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Submitted {
    pub digest: String,
    pub bytes: String,
    pub plan: FixedPlan,
    pub at: Timestamp,
    pub by: Option<PersonId>,
    pub expire_after: Span,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Approval {
    pub person: PersonId,
    pub digest: String,
    pub slot: String,
    pub role: Role,
    pub strength: Strength,
    pub comment: String,
    pub at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Assessed {
    pub sections: BTreeMap<String, String>,
    pub by: Option<PersonId>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marked {
    pub mark: Mark,
    pub by: Option<PersonId>,
    pub at: Timestamp,
    pub measured: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorSign {
    NotSeen,
    Watching,
    Seen,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndicatorSeen {
    pub sign: IndicatorSign,
    pub note: String,
    pub by: Option<PersonId>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Held {
    pub action: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stop {
    pub reason: String,
    pub at: Timestamp,
    pub by: Option<PersonId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttemptEnd {
    pub status: AttemptStatus,
    pub reason: String,
    pub at: Timestamp,
    pub by: Option<PersonId>,
}

/// Computed from facts. "Approved", "blocked" and "expired" are computed too and never a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    Draft,
    Submitted,
    Executing,
    /// An action failed, was lost or is held; people decide.
    Halted,
    Verifying,
    Succeeded,
    Failed,
    Aborted,
    Rejected,
    Withdrawn,
}

impl AttemptStatus {
    pub const ALL: [AttemptStatus; 10] = [
        AttemptStatus::Draft,
        AttemptStatus::Submitted,
        AttemptStatus::Executing,
        AttemptStatus::Halted,
        AttemptStatus::Verifying,
        AttemptStatus::Succeeded,
        AttemptStatus::Failed,
        AttemptStatus::Aborted,
        AttemptStatus::Rejected,
        AttemptStatus::Withdrawn,
    ];

    pub const fn key(self) -> &'static str {
        match self {
            AttemptStatus::Draft => "draft",
            AttemptStatus::Submitted => "submitted",
            AttemptStatus::Executing => "executing",
            AttemptStatus::Halted => "halted",
            AttemptStatus::Verifying => "verifying",
            AttemptStatus::Succeeded => "succeeded",
            AttemptStatus::Failed => "failed",
            AttemptStatus::Aborted => "aborted",
            AttemptStatus::Rejected => "rejected",
            AttemptStatus::Withdrawn => "withdrawn",
        }
    }

    /// How it stands, after the attempt's name: `attempt 1 has succeeded`.
    pub const fn stands(self) -> &'static str {
        match self {
            AttemptStatus::Draft => "is a draft",
            AttemptStatus::Submitted => "is submitted",
            AttemptStatus::Executing => "is executing",
            AttemptStatus::Halted => "is halted",
            AttemptStatus::Verifying => "is being verified",
            AttemptStatus::Succeeded => "has succeeded",
            AttemptStatus::Failed => "has failed",
            AttemptStatus::Aborted => "was stopped",
            AttemptStatus::Rejected => "was declined",
            AttemptStatus::Withdrawn => "was withdrawn",
        }
    }

    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            AttemptStatus::Succeeded
                | AttemptStatus::Failed
                | AttemptStatus::Aborted
                | AttemptStatus::Rejected
                | AttemptStatus::Withdrawn
        )
    }

    /// Holds the lock on its environment and components (E11).
    pub const fn holds_lock(self) -> bool {
        matches!(self, AttemptStatus::Executing | AttemptStatus::Halted | AttemptStatus::Verifying)
    }
}

/// As people read it, in the words of what they did.
impl fmt::Display for AttemptStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AttemptStatus::Aborted => "stopped",
            AttemptStatus::Rejected => "declined",
            other => other.key(),
        })
    }
}

/// How far one action of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionState {
    /// Those before it have not ended well yet.
    Waiting,
    /// Waits for the technical lead's word.
    AwaitsWord,
    Ready,
    Live,
    Done,
    /// Failed, timed out, cancelled or lost; not retried.
    Broken,
}

impl Attempt {
    /// What it goes back to, as the plan fixes it; before that, as the draft says.
    pub fn targets(&self) -> &[Target] {
        self.plan().map_or(&self.draft.targets, |plan| &plan.targets)
    }

    /// The target that it is called after: the release if there is one, else the first.
    pub fn named_target(&self) -> Option<&Target> {
        let release = self.targets().iter().find(|target| target.kind == TargetKind::Release);
        self.targets().iter().find(|target| target.from.is_some()).or(release).or_else(|| self.targets().first())
    }

    /// Everything that it goes back to: `4.11.3`, or `4.11.3, restoring nightly-0305`.
    pub fn destination(&self) -> String {
        let Some(named) = self.named_target() else { return "no target yet".to_owned() };
        // A backup may have the name of the release.
        let backups = self.targets().iter().filter(|target| target.kind == TargetKind::Backup && *target != named);
        backups.fold(named.name.clone(), |words, backup| format!("{words}, restoring {}", backup.name))
    }

    pub fn new(number: AttemptNo, draft: Draft, why: String, escalates: Option<AttemptNo>, at: Timestamp) -> Attempt {
        Attempt {
            number,
            draft,
            revision: 0,
            why,
            escalates,
            draft_since: at,
            changes_asked: None,
            submitted: None,
            approvals: Vec::new(),
            assessments: BTreeMap::new(),
            marks: BTreeMap::new(),
            criteria: BTreeMap::new(),
            indicators: BTreeMap::new(),
            start_ordered: None,
            start_refused: None,
            released: BTreeSet::new(),
            held: None,
            runs: Vec::new(),
            baseline: BTreeMap::new(),
            stop: None,
            unverified_since: None,
            end: None,
            voided: Vec::new(),
            sent_back: BTreeSet::new(),
        }
    }

    pub fn plan(&self) -> Option<&FixedPlan> {
        self.submitted.as_ref().map(|submitted| &submitted.plan)
    }

    pub fn status(&self) -> AttemptStatus {
        if let Some(end) = &self.end {
            return end.status;
        }
        let Some(plan) = self.plan() else { return AttemptStatus::Draft };
        if self.runs.is_empty() {
            return AttemptStatus::Submitted;
        }
        let live = self.runs.iter().any(|run| run.state.is_live());
        if self.stop.is_some() {
            // Stopped, but what runs has not ended yet: the lock stays taken until it has.
            return if live || self.runs.iter().any(|run| run.state == RunState::Lost && !run.retried) {
                AttemptStatus::Halted
            } else {
                AttemptStatus::Aborted
            };
        }
        let states: Vec<ActionState> = plan.actions.iter().map(|action| self.action_state(&action.name)).collect();
        if states.contains(&ActionState::Broken) || self.held.is_some() {
            AttemptStatus::Halted
        } else if states.iter().all(|state| *state == ActionState::Done) {
            AttemptStatus::Verifying
        } else {
            AttemptStatus::Executing
        }
    }

    /// T+0: the first run's start (D21).
    pub fn started_at(&self) -> Option<Timestamp> {
        self.runs.first().map(|run| run.starting_at)
    }

    /// When the newest end of any run was, however it ended; runs that go on still do not count.
    pub fn last_run_ended_at(&self) -> Option<Timestamp> {
        self.runs.iter().filter_map(|run| run.ended_at).max()
    }

    /// When all of it was done: a lost run counts from when a person judged that it succeeded.
    pub(super) fn verifying_since(&self) -> Option<Timestamp> {
        self.runs.iter().filter_map(|run| run.ended_at.max(run.judged_at)).max()
    }

    /// When it ended; of one that was stopped, once nothing of it ran any more.
    pub fn ended_at(&self) -> Option<Timestamp> {
        let stopped = || self.stop.as_ref().map(|stop| stop.at).max(self.last_run_ended_at());
        match &self.end {
            Some(end) => Some(end.at),
            None => self.status().is_terminal().then(stopped).flatten(),
        }
    }

    pub fn live_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.state.is_live())
    }

    /// The newest run of an action.
    pub fn latest_run(&self, action: &str) -> Option<&Run> {
        self.runs.iter().rev().find(|run| run.action == action)
    }

    pub fn action_state(&self, name: &str) -> ActionState {
        let Some(plan) = self.plan() else { return ActionState::Waiting };
        let Some(position) = plan.actions.iter().position(|action| action.name == name) else {
            return ActionState::Waiting;
        };
        let action = &plan.actions[position];
        match self.latest_run(name) {
            Some(run) if run.state.is_live() => return ActionState::Live,
            Some(run) if run.state == RunState::Succeeded => return ActionState::Done,
            Some(run) if !run.retried => return ActionState::Broken,
            _ => {}
        }
        let before_are_done = plan.actions[..position].iter().all(|earlier| {
            let same_group = action.group.is_some() && earlier.group == action.group;
            same_group || self.is_done(&earlier.name)
        });
        if !before_are_done {
            ActionState::Waiting
        } else if action.mode == ActionMode::OnCommand && !self.released.contains(name) {
            ActionState::AwaitsWord
        } else {
            ActionState::Ready
        }
    }

    pub fn is_done(&self, action: &str) -> bool {
        self.latest_run(action).is_some_and(|run| run.state == RunState::Succeeded)
    }

    /// Each action that restores a backup and has begun, or may have, with that backup. Nobody sees what hands have begun:
    /// once it is their turn it counts.
    pub fn restorations_begun<'a>(
        &'a self,
        procedure: &'a Procedure,
    ) -> impl Iterator<Item = (&'a PlannedAction, &'a Target)> {
        let never = |run: &Run| matches!(&run.outcome, Some(RunOutcome { end: RunEnd::NeverStarted(_), .. }));
        let ran = move |action: &str| self.runs.iter().any(|run| run.action == action && !never(run));
        let actions = self.plan().into_iter().flat_map(|plan| plan.actions.iter().map(move |action| (plan, action)));
        actions
            .filter(move |(_, action)| ran(&action.name) || self.is_up_to_hands(action))
            .filter_map(|(plan, action)| Some((action, plan.target_of(procedure, &action.name)?)))
            .filter(|(_, target)| target.kind == TargetKind::Backup)
    }

    /// The names of the backups that it restored to the end.
    pub fn restored<'a>(&'a self, procedure: &'a Procedure) -> impl Iterator<Item = &'a str> {
        let done = self.restorations_begun(procedure).filter(|(action, _)| self.is_done(&action.name));
        done.map(|(_, backup)| backup.name.as_str())
    }

    /// The items that this action needs and that nobody has ticked.
    pub fn unticked<'a>(&'a self, action: &'a PlannedAction) -> impl Iterator<Item = &'a String> {
        action.needs.iter().filter(|item| !self.is_marked(item))
    }

    /// It is the turn of people to carry this out, but for items that must be ticked first.
    pub fn holds_hands(&self, action: &PlannedAction) -> bool {
        self.is_up_to_hands(action) && self.stop.is_none() && self.unticked(action).next().is_some()
    }

    /// The action that waits for nothing but items that must be ticked first: it is held back, hands would carry it out, or
    /// it is the first one and the start was refused.
    pub fn waits_for_items(&self) -> Option<&PlannedAction> {
        let is_held = |action: &PlannedAction| self.held.as_ref().is_some_and(|held| held.action == action.name);
        let first = |place: usize| place == 0 && self.runs.is_empty() && self.start_refused.is_some();
        let mut actions = self.plan().into_iter().flat_map(|plan| plan.actions.iter().enumerate());
        let waits = actions.find(|(place, action)| is_held(action) || self.holds_hands(action) || first(*place));
        waits.map(|(_, action)| action).filter(|action| self.unticked(action).next().is_some())
    }

    /// The failure indicators that are marked as seen, by name.
    pub fn indicators_seen(&self) -> impl Iterator<Item = (&String, &IndicatorSeen)> {
        self.indicators.iter().filter(|(_, indicator)| indicator.sign == IndicatorSign::Seen)
    }

    /// Since when it is asked whether it failed: a failure indicator is seen, or the time to verify it is over (E14). Only
    /// while the verdict is still out, and nothing runs that would come before it.
    pub fn in_doubt_since(&self) -> Option<Timestamp> {
        let due = matches!(self.status(), AttemptStatus::Halted | AttemptStatus::Verifying);
        let since = self.indicators_seen().map(|(_, seen)| seen.at).chain(self.unverified_since).min();
        since.filter(|_| due && self.stop.is_none() && self.live_runs().next().is_none())
    }

    /// Some action of it broke, and nobody has answered that.
    pub fn is_broken(&self) -> bool {
        let mut actions = self.plan().into_iter().flat_map(|plan| &plan.actions);
        actions.any(|action| self.action_state(&action.name) == ActionState::Broken)
    }

    /// People were shown what to do, and have not told how it went.
    pub fn is_up_to_hands(&self, action: &PlannedAction) -> bool {
        !action.by_hand.is_empty()
            && self.start_ordered.is_some()
            && self.action_state(&action.name) == ActionState::Ready
    }

    /// Nothing of it was reported, and people were shown what to do first: they may have begun.
    pub fn may_have_begun_by_hand(&self) -> bool {
        let mut actions = self.plan().into_iter().flat_map(|plan| &plan.actions);
        self.runs.is_empty() && actions.any(|action| self.is_up_to_hands(action))
    }

    /// The demands of the submitted plan that somebody has yet to meet; an approval counts here until the start, also when
    /// it has expired.
    pub fn open_gates(&self) -> impl Iterator<Item = &Slot> {
        let slots = self.plan().into_iter().flat_map(|plan| &plan.slots);
        slots.filter(|slot| slot.kind.gates() && self.approval_for(&slot.role).is_none())
    }

    /// What was signed too long ago, while nothing has begun: nobody starts this before it is authorised again.
    pub fn lapsed(&self, now: Timestamp) -> impl Iterator<Item = (&Slot, &Approval)> {
        self.waiting_approvals().filter(move |(_, approval)| now >= approval.expires_at)
    }

    /// When the next of its approvals runs out, unless something begins before.
    pub fn lapses_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.waiting_approvals().map(|(_, approval)| approval.expires_at).filter(|at| *at > now).min()
    }

    /// The approvals of a plan of which nothing has begun, each with what it answers.
    fn waiting_approvals(&self) -> impl Iterator<Item = (&Slot, &Approval)> {
        let waits = self.status() == AttemptStatus::Submitted && self.runs.is_empty();
        let slots = self.plan().into_iter().filter(move |_| waits).flat_map(|plan| &plan.slots);
        slots.filter(|slot| slot.kind.gates()).filter_map(|slot| Some((slot, self.approval_for(&slot.role)?)))
    }

    /// An approval for this slot of the plan as it stands, whether expired or not.
    pub fn approval_for(&self, slot: &str) -> Option<&Approval> {
        let digest = &self.submitted.as_ref()?.digest;
        self.approvals.iter().find(|approval| approval.slot == slot && approval.digest == *digest)
    }

    pub fn is_marked(&self, item: &str) -> bool {
        self.marks.contains_key(item)
    }

    pub fn start_mode(&self) -> Option<StartMode> {
        self.plan().map(|plan| plan.start)
    }
}
