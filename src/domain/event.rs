//! What happened. Events are past tense, carry the facts they quote, and are never changed once written.
//!
//! An event this program does not know freezes its incident with a plain message instead of guessing.

use super::command::Outcome;
use super::curve::Curve;
use super::plan::Draft;
use super::procedure::{self, Decision, LinkKind, Sending, Slot, Window};
use super::state::{AttemptNo, IndicatorSign, RunId};
use super::waits::{Awaited, Task};
use super::{PersonId, Role, Severity, Span, Strength, Timestamp};
use crate::domain::actor::Who;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An event as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Position in the whole ledger.
    pub seq: i64,
    /// Position in this incident's journal, from 1.
    pub version: i64,
    pub at: Timestamp,
    pub actor: Who,
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "events are few and short-lived; a box would only hide the opening")]
pub enum Event {
    Opened(Opened),
    TriggerJoined {
        trigger: TriggerSeen,
    },
    RoleTaken {
        role: Role,
        person: PersonId,
        from: Option<PersonId>,
    },
    RoleOffered {
        role: Role,
        to: PersonId,
    },
    SeverityChanged {
        from: Severity,
        to: Severity,
        reason: String,
        advice: Advice,
    },
    /// Lowering that lessens the approvals waits for a second person.
    SeverityChangeAsked {
        to: Severity,
        reason: String,
    },
    /// Something was allowed on condition that a role agrees afterwards.
    RatificationOwed {
        by: Role,
        why: String,
    },
    Ratified {
        reason: String,
    },
    AttemptDrafted {
        attempt: AttemptNo,
        draft: Draft,
        escalates: Option<AttemptNo>,
        why: String,
    },
    PlanEdited {
        attempt: AttemptNo,
        draft: Draft,
    },
    PlanSubmitted(PlanSubmitted),
    /// The plan goes back to draft; approvals given are void, and those who gave them are told.
    PlanVoided {
        attempt: AttemptNo,
        why: String,
        voided: Vec<PersonId>,
    },
    PlanWithdrawn {
        attempt: AttemptNo,
        reason: String,
    },
    Assessed {
        attempt: AttemptNo,
        name: String,
        sections: BTreeMap<String, String>,
    },
    Approved(Approved),
    ApprovalWithdrawn {
        attempt: AttemptNo,
        person: PersonId,
    },
    ChangesRequested {
        attempt: AttemptNo,
        reason: String,
    },
    Declined {
        attempt: AttemptNo,
        reason: String,
    },
    StartOrdered {
        attempt: AttemptNo,
        digest: String,
    },
    /// The last check found that the start may not happen.
    StartRefused {
        attempt: AttemptNo,
        why: String,
    },
    ActionReleased {
        attempt: AttemptNo,
        action: String,
    },
    /// Durable before anything happens: from here on a start may have taken place.
    RunStarting(RunStarting),
    RunRunning {
        run: RunId,
    },
    RunFinished {
        run: RunId,
        outcome: RunOutcome,
    },
    RunLost {
        run: RunId,
        why: String,
    },
    RunJudged {
        run: RunId,
        succeeded: bool,
        reason: String,
    },
    ReportedByHand {
        attempt: AttemptNo,
        action: String,
        run: RunId,
        succeeded: bool,
        evidence: String,
    },
    RetryOrdered {
        run: RunId,
        reason: String,
    },
    /// The last check before a later action found a hindrance; the attempt halts.
    ActionHeld {
        attempt: AttemptNo,
        action: String,
        why: String,
    },
    ActionResumed {
        attempt: AttemptNo,
        action: String,
    },
    StopOrdered {
        attempt: AttemptNo,
        reason: String,
    },
    ItemMarked {
        attempt: AttemptNo,
        item: String,
        mark: Mark,
    },
    ItemUnmarked {
        attempt: AttemptNo,
        item: String,
        why: String,
    },
    CriterionMarked {
        attempt: AttemptNo,
        criterion: String,
        mark: Option<Mark>,
        measured: Option<String>,
    },
    IndicatorMarked {
        attempt: AttemptNo,
        indicator: String,
        sign: IndicatorSign,
        note: String,
        measured: Option<String>,
    },
    SuccessConfirmed {
        attempt: AttemptNo,
        measured: BTreeMap<String, String>,
        unticked: Vec<String>,
        version_proof: String,
    },
    /// The time to verify the outcome is over, and there is no verdict (E14).
    VerdictOverdue {
        attempt: AttemptNo,
        due_at: Timestamp,
    },
    FailureDeclared {
        attempt: AttemptNo,
        reason: String,
    },
    UpdateEdited {
        number: u32,
        note: String,
    },
    UpdateSent(UpdateSent),
    /// The draft of an update that waits for a person stands ready: its time is near.
    UpdateAwaited {
        number: u32,
        due_at: Timestamp,
    },
    /// Nobody gave the word that an update waited for; each promise that passed is a miss.
    UpdateMissed {
        numbers: Vec<u32>,
        /// When the newest of them was due.
        due_at: Timestamp,
    },
    /// The next contact is asked for an update that its writer left unsent.
    UpdateEscalated {
        number: u32,
        to: Vec<Role>,
    },
    /// The incident commander promised another beat of updates. It is announced by the next one.
    BeatChanged {
        from: Span,
        every: Span,
        reason: String,
        /// When the next update is due now, where that changed at once.
        next_due_at: Option<Timestamp>,
    },
    LinkPinned(Pin),
    LinkUnpinned {
        title: String,
        address: String,
    },
    NoteAdded {
        text: String,
    },
    /// Somebody reminded whoever was waited for.
    Reminded {
        task: Task,
        /// Which of several things of this task ([`super::waits::Wait::of`]).
        #[serde(default)]
        of: String,
        who: Awaited,
        /// Verb and object, as it waited then.
        what: String,
    },
    ImpactDescribed(ImpactSaid),
    SectionWritten {
        document: String,
        section: String,
        text: String,
    },
    FreezeLifted {
        reason: String,
    },
    /// What was measured until now, copied before the samples are dropped.
    MeasuresKept {
        curves: Vec<Curve>,
    },
    Closed {
        outcome: Outcome,
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Opened {
    pub incident: String,
    pub title: String,
    pub severity: Severity,
    pub advice: Advice,
    pub category: String,
    pub environment: String,
    pub component: String,
    pub outage: bool,
    pub users_affected_ppm: Option<i64>,
    pub trigger: TriggerSeen,
    /// The content hash of the playbook that holds to the end.
    pub playbook: String,
    pub playbook_version: String,
    pub cadence: Cadence,
    /// When the outcome is to be verified, pinned at the opening; `None` where the procedure gives no time for it.
    #[serde(default)]
    pub verification: Option<Window>,
}

/// The promise of updates, pinned at the opening.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cadence {
    pub every: Span,
    pub draft_before: Span,
    pub from: Severity,
    #[serde(default)]
    pub sent: Sending,
    #[serde(default = "slow_after")]
    pub slow_after: Span,
    #[serde(default = "slowest")]
    pub slowest: Span,
    #[serde(default = "next_contact_after")]
    pub next_contact_after: Span,
    #[serde(default = "next_contact")]
    pub next_contact: Vec<Role>,
}

fn slow_after() -> Span {
    procedure::SLOW_AFTER
}

fn slowest() -> Span {
    procedure::SLOWEST
}

fn next_contact_after() -> Span {
    procedure::NEXT_CONTACT_AFTER
}

fn next_contact() -> Vec<Role> {
    procedure::NEXT_CONTACT.to_vec()
}

/// What people look for, pinned in the room.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pin {
    pub kind: LinkKind,
    pub title: String,
    /// Always https.
    pub address: String,
}

/// What the rules say, with the reason in words (D1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Advice {
    /// The category that was judged: a joined trigger may bring another one.
    #[serde(default)]
    pub category: String,
    pub decision: Decision,
    pub rule: String,
    pub because: String,
    /// What would change it.
    pub otherwise: String,
    /// Who must agree, in a plain sentence.
    pub authority: String,
    pub slots: Vec<Slot>,
}

/// A trigger with what it saw, frozen (T11).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TriggerSeen {
    pub name: String,
    pub text: String,
    pub category: String,
    /// Repeats of the same fingerprint are counted, not multiplied (T6).
    pub fingerprint: String,
    /// In words: what was seen.
    pub saw: String,
    /// The payload, values, query and answer: JSON text.
    pub evidence: String,
    pub seen_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlanSubmitted {
    pub attempt: AttemptNo,
    pub digest: String,
    /// The canonical bytes.
    pub plan: String,
    pub expire_after: Span,
    /// Whose approvals of an earlier digest are void by this.
    pub voided: Vec<PersonId>,
    pub narrowed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Approved {
    pub attempt: AttemptNo,
    pub digest: String,
    pub slot: String,
    pub role: Role,
    pub strength: Strength,
    pub comment: String,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunStarting {
    pub attempt: AttemptNo,
    pub run: RunId,
    pub action: String,
    pub digest: String,
    pub host: String,
    pub time_limit: Span,
    /// How long a script that is told to end may take for it.
    #[serde(default)]
    pub grace: Span,
    /// The values at the first start, to compare with later.
    pub baseline: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunOutcome {
    pub end: RunEnd,
    pub lines: i64,
    pub log_sha256: String,
    pub log_cut: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    Cancelled,
    /// Proven: the program never began.
    NeverStarted(String),
}

impl RunEnd {
    pub const fn is_success(&self) -> bool {
        matches!(self, RunEnd::Exited(0))
    }
}

/// What stands beside an item or criterion instead of an empty box.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Done {
        note: String,
    },
    /// The machine has proof and ticks by itself.
    Proven {
        evidence: String,
    },
    NotApplicable {
        reason: String,
    },
    /// By the incident commander only.
    Waived {
        reason: String,
    },
}

impl Mark {
    pub const fn by_machine(&self) -> bool {
        matches!(self, Mark::Proven { .. })
    }
}

/// What people feel, as somebody said it. Each telling stands in place of the one before; an empty text is not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ImpactSaid {
    /// One sentence about people, without a full stop: "Crisis messages are not flagged to our care team".
    pub felt: String,
    pub people: Option<u32>,
    /// How the number is known, or what it counts.
    pub people_note: String,
    /// When people began to feel it, where that was before the first trigger.
    pub since: Option<Timestamp>,
    pub cost: String,
    pub cost_note: String,
    /// What is risked by acting, and by waiting.
    pub acting: String,
    pub waiting: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UpdateSent {
    pub number: u32,
    pub due_at: Timestamp,
    pub text: String,
    /// Sent before its time by a person.
    pub early: bool,
    /// Numbers of promises that passed without an update.
    pub missed: Vec<u32>,
    /// This one itself went out too late.
    pub late: bool,
    /// When the next is promised; `None` once the outcome was said.
    pub next_due_at: Option<Timestamp>,
    /// The last one: nobody sent it, it went out with the closing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closing: bool,
    /// The facts that the text told, by their names in the template, so that the next one can say whether anything changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<String, String>,
}

impl Event {
    /// The stable name in the ledger's `kind` column: the variant's own.
    pub fn kind(&self) -> String {
        let value = serde_json::to_value(self).expect("an event is plain data");
        match value {
            serde_json::Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
            serde_json::Value::String(name) => name,
            _ => String::new(),
        }
    }

    /// The body as stored: JSON text.
    pub fn body(&self) -> String {
        serde_json::to_string(self).expect("an event is plain data")
    }

    /// Reads a stored body; says plainly when this program does not know the event.
    pub fn read(kind: &str, body: &str) -> Result<Event, UnknownEvent> {
        serde_json::from_str(body).map_err(|fault| UnknownEvent { kind: kind.to_owned(), fault: fault.to_string() })
    }

    /// The attempt that an event belongs to, where it says so itself.
    pub fn attempt(&self) -> Option<AttemptNo> {
        match self {
            Event::AttemptDrafted { attempt, .. }
            | Event::PlanEdited { attempt, .. }
            | Event::PlanVoided { attempt, .. }
            | Event::PlanWithdrawn { attempt, .. }
            | Event::Assessed { attempt, .. }
            | Event::ApprovalWithdrawn { attempt, .. }
            | Event::ChangesRequested { attempt, .. }
            | Event::Declined { attempt, .. }
            | Event::StartOrdered { attempt, .. }
            | Event::StartRefused { attempt, .. }
            | Event::ActionReleased { attempt, .. }
            | Event::ReportedByHand { attempt, .. }
            | Event::ActionHeld { attempt, .. }
            | Event::ActionResumed { attempt, .. }
            | Event::StopOrdered { attempt, .. }
            | Event::ItemMarked { attempt, .. }
            | Event::ItemUnmarked { attempt, .. }
            | Event::CriterionMarked { attempt, .. }
            | Event::IndicatorMarked { attempt, .. }
            | Event::SuccessConfirmed { attempt, .. }
            | Event::VerdictOverdue { attempt, .. }
            | Event::FailureDeclared { attempt, .. } => Some(*attempt),
            Event::PlanSubmitted(submitted) => Some(submitted.attempt),
            Event::Approved(approved) => Some(approved.attempt),
            Event::RunStarting(starting) => Some(starting.attempt),
            Event::Opened(_)
            | Event::TriggerJoined { .. }
            | Event::RoleTaken { .. }
            | Event::RoleOffered { .. }
            | Event::SeverityChanged { .. }
            | Event::SeverityChangeAsked { .. }
            | Event::RatificationOwed { .. }
            | Event::Ratified { .. }
            | Event::RunRunning { .. }
            | Event::RunFinished { .. }
            | Event::RunLost { .. }
            | Event::RunJudged { .. }
            | Event::RetryOrdered { .. }
            | Event::UpdateEdited { .. }
            | Event::UpdateSent(_)
            | Event::UpdateAwaited { .. }
            | Event::UpdateMissed { .. }
            | Event::UpdateEscalated { .. }
            | Event::BeatChanged { .. }
            | Event::LinkPinned(_)
            | Event::LinkUnpinned { .. }
            | Event::NoteAdded { .. }
            | Event::Reminded { .. }
            | Event::ImpactDescribed(_)
            | Event::SectionWritten { .. }
            | Event::FreezeLifted { .. }
            | Event::MeasuresKept { .. }
            | Event::Closed { .. } => None,
        }
    }
}

/// An event that this program cannot read; its incident is frozen rather than guessed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    pub kind: String,
    pub fault: String,
}

impl std::fmt::Display for UnknownEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the journal holds an event “{}” that this program cannot read ({})", self.kind, self.fault)
    }
}

impl std::error::Error for UnknownEvent {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reminder_from_before_several_things_of_a_task_were_told_apart_is_still_read() {
        let body = r#"{"Reminded":{"task":"approve","who":{"role":"management"},"what":"Authorise"}}"#;
        assert!(matches!(Event::read("Reminded", body), Ok(Event::Reminded { of, .. }) if of.is_empty()));
    }
}
