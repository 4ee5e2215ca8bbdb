//! What may be asked of an incident. Commands are imperatives; [`super::decide`] answers each with events or a refusal.

use super::event::{ImpactSaid, Mark, Pin, RunOutcome, TriggerSeen};
use super::plan::Draft;
use super::state::{AttemptNo, IndicatorSign, RunId};
use super::waits::{Awaited, Task};
use super::{PersonId, Role, Severity, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// A trigger opens an incident, or joins the open one of its cause.
    Open(Opening),
    Join {
        trigger: TriggerSeen,
    },
    /// Takes a vacant place, or takes over (D11).
    TakeRole {
        role: Role,
    },
    OfferRole {
        role: Role,
        to: PersonId,
    },
    AcceptRole {
        role: Role,
    },
    ChangeSeverity {
        to: Severity,
        reason: String,
    },
    ConfirmSeverity {
        to: Severity,
    },
    Ratify {
        reason: String,
    },
    DraftAttempt {
        draft: Draft,
    },
    /// Plans the full restoration from a backup after a failed attempt (E14).
    DraftRestoration {
        escalates: AttemptNo,
        backup: String,
    },
    EditPlan {
        attempt: AttemptNo,
        /// Which revision of the plan was changed; another one means that somebody else changed it meanwhile.
        seen: Option<u32>,
        draft: Draft,
    },
    SubmitPlan {
        attempt: AttemptNo,
    },
    Assess {
        attempt: AttemptNo,
        name: String,
        sections: BTreeMap<String, String>,
    },
    Approve(Approve),
    WithdrawApproval {
        attempt: AttemptNo,
        digest: String,
    },
    RequestChanges {
        attempt: AttemptNo,
        digest: String,
        reason: String,
    },
    /// A subset of the components, as a new digest to confirm.
    Narrow {
        attempt: AttemptNo,
        digest: String,
        components: Vec<String>,
        reason: String,
    },
    Decline {
        attempt: AttemptNo,
        digest: String,
        reason: String,
    },
    WithdrawPlan {
        attempt: AttemptNo,
        reason: String,
    },
    Start {
        attempt: AttemptNo,
        digest: String,
    },
    /// The technical lead's word for an action that waits for it.
    ReleaseAction {
        attempt: AttemptNo,
        action: String,
    },
    /// The worker asks to start the next action here; the last check before anything happens (E16).
    ClaimRun {
        attempt: AttemptNo,
        action: String,
        host: String,
    },
    NoteRunning {
        run: RunId,
    },
    FinishRun {
        run: RunId,
        outcome: RunOutcome,
    },
    LoseRun {
        run: RunId,
        why: String,
    },
    /// A person looked at what a lost run did.
    JudgeRun {
        run: RunId,
        succeeded: bool,
        reason: String,
    },
    /// An action that only people carry out was carried out.
    ReportByHand {
        attempt: AttemptNo,
        action: String,
        succeeded: bool,
        evidence: String,
    },
    Retry {
        run: RunId,
        reason: String,
    },
    ResumeAction {
        attempt: AttemptNo,
        action: String,
    },
    Stop {
        attempt: AttemptNo,
        reason: String,
    },
    Tick {
        attempt: AttemptNo,
        item: String,
        mark: Mark,
    },
    Untick {
        attempt: AttemptNo,
        item: String,
    },
    MarkCriterion {
        attempt: AttemptNo,
        criterion: String,
        mark: Option<Mark>,
    },
    MarkIndicator {
        attempt: AttemptNo,
        indicator: String,
        sign: IndicatorSign,
        note: String,
    },
    ConfirmSuccess {
        attempt: AttemptNo,
    },
    /// The clock's: the time to verify the outcome is over.
    CallForVerdict {
        attempt: AttemptNo,
    },
    DeclareFailed {
        attempt: AttemptNo,
        reason: String,
    },
    /// Edits what the next update will say besides the facts.
    EditUpdate {
        number: u32,
        note: String,
    },
    SendUpdate {
        number: u32,
        note: Option<String>,
    },
    /// The clock's: the draft of an update that waits for a person stands ready.
    CallForUpdate {
        number: u32,
    },
    /// The clock's: the time of an update that waits for a person has come, and nobody sent it.
    MissUpdate {
        number: u32,
    },
    /// The clock's: the next contact is asked.
    EscalateUpdate {
        number: u32,
    },
    /// Promises another beat of updates.
    ChangeBeat {
        every: Span,
        reason: String,
    },
    PinLink(Pin),
    UnpinLink {
        address: String,
    },
    AddNote {
        text: String,
    },
    /// Reminds whoever is waited for.
    Remind {
        task: Task,
        /// Which of several things of this task ([`super::waits::Wait::of`]).
        of: String,
        who: Awaited,
    },
    /// Says what people feel, how many and since when: what a machine cannot know (L7).
    DescribeImpact(ImpactSaid),
    WriteSection {
        document: String,
        section: String,
        text: String,
    },
    LiftFreeze {
        reason: String,
    },
    Close {
        outcome: Outcome,
        reason: String,
    },
    /// Has the machine look again at what it can tick by itself.
    Settle,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Opening {
    pub incident: String,
    pub title: String,
    pub environment: String,
    pub component: String,
    pub trigger: TriggerSeen,
    pub severity: Option<Severity>,
    /// A complete outage of the service.
    pub outage: bool,
    pub users_affected_ppm: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Approve {
    pub attempt: AttemptNo,
    /// The digest of the plan that was read.
    pub digest: String,
    /// The role by the playbook's name whose slot is filled.
    pub slot: String,
    /// Whether the button that was pressed said that this starts it; `None` where no button was read.
    pub starts: Option<bool>,
    pub phrase: String,
    pub comment: String,
    /// Required items still open that the incident commander waives in the same act.
    pub waive: Vec<String>,
    pub waive_reason: String,
}

/// How an incident ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    RolledBack,
    Restored,
    FixedForward,
    NotRolledBack,
    Dismissed,
}

impl Outcome {
    pub const ALL: [Outcome; 5] =
        [Outcome::RolledBack, Outcome::Restored, Outcome::FixedForward, Outcome::NotRolledBack, Outcome::Dismissed];

    pub const fn key(self) -> &'static str {
        match self {
            Outcome::RolledBack => "rolled_back",
            Outcome::Restored => "restored",
            Outcome::FixedForward => "fixed_forward",
            Outcome::NotRolledBack => "not_rolled_back",
            Outcome::Dismissed => "dismissed",
        }
    }

    pub fn from_key(key: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.key() == key)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.key().replace('_', " "))
    }
}
