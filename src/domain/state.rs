//! An incident as its journal makes it. Facts only; whatever can be computed from them is a function, not a field.

mod attempt;
mod run;

pub use attempt::{
    ActionState, Approval, Assessed, Attempt, AttemptEnd, AttemptStatus, ChangesAsked, Held, IndicatorSeen,
    IndicatorSign, Marked, Stop, Submitted,
};
pub use run::{Run, RunId, RunState};

use super::command::Outcome;
use super::curve::Curve;
use super::event::{Advice, Cadence, ImpactSaid, Pin, TriggerSeen, UpdateSent};
use super::procedure::Window;
use super::waits::{Awaited, Task};
use super::{PersonId, Role, Severity, Span, Timestamp};
use std::collections::BTreeMap;

/// Attempts are numbered inside their incident, from 1.
pub type AttemptNo = u32;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Incident {
    pub id: String,
    pub version: i64,
    pub opened_at: Timestamp,
    pub opened_by: Option<PersonId>,
    pub title: String,
    pub severity: Severity,
    pub advice: Advice,
    pub category: String,
    pub environment: String,
    pub component: String,
    pub outage: bool,
    pub users_affected_ppm: Option<i64>,
    pub playbook: String,
    pub playbook_version: String,
    pub cadence: Cadence,
    /// When the outcome is to be verified, from T+0.
    pub verification: Option<Window>,
    pub triggers: Vec<TriggerSeen>,
    pub commander: Option<PersonId>,
    pub technical_lead: Option<PersonId>,
    pub offers: BTreeMap<Role, Offer>,
    pub severity_asked: Option<SeverityAsked>,
    pub debts: Vec<Debt>,
    pub attempts: Vec<Attempt>,
    pub updates: Updates,
    /// What people feel, as it was said last.
    pub impact: Option<ImpactTold>,
    pub sections: BTreeMap<(String, String), Written>,
    pub freeze_lifted: Option<String>,
    /// What was measured, as far as it was copied into the journal; in order of time.
    pub kept: Vec<Curve>,
    /// What people look for, in the order of pinning.
    pub pins: Vec<Pin>,
    /// The newest reminder of each thing that still waits.
    pub reminders: Vec<Reminder>,
    pub closed: Option<Closed>,
    /// How many notes were written since it was closed.
    pub notes_after_closing: u32,
}

/// A place that was offered to somebody who has not taken it yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Offer {
    pub to: PersonId,
    pub at: Timestamp,
}

/// That somebody reminded whoever is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reminder {
    pub task: Task,
    pub of: String,
    pub who: Awaited,
    pub by: PersonId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeverityAsked {
    pub to: Severity,
    pub by: PersonId,
    pub at: Timestamp,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Debt {
    pub by: Role,
    /// Whose act it was; `None` where the machine started what people had approved.
    pub owed_by: Option<PersonId>,
    pub why: String,
    /// Since when it is owed.
    pub at: Timestamp,
    pub paid: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Written {
    pub text: String,
    pub by: PersonId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImpactTold {
    pub said: ImpactSaid,
    pub by: PersonId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Closed {
    pub outcome: Outcome,
    pub reason: String,
    pub at: Timestamp,
    pub by: Option<PersonId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Updates {
    pub sent: Vec<(Timestamp, UpdateSent)>,
    pub promised: Option<Promise>,
    /// A person's words for the next one.
    pub note: Option<UpdateNote>,
    /// Since when they are promised.
    pub since: Option<Timestamp>,
    /// The beat that the incident commander promised in place of the playbook's.
    pub beat: Option<Beat>,
    /// How the one stands that waits for a person; as new once one went out.
    pub call: Call,
}

/// Words that go out with the next update, and whose they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpdateNote {
    pub text: String,
    pub by: Option<PersonId>,
}

/// A beat that was promised by a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Beat {
    pub every: Span,
    pub by: Option<PersonId>,
    pub at: Timestamp,
    pub reason: String,
    /// An update told it.
    pub announced: bool,
}

/// How an update that waits for a person stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Call {
    /// Its number, once its draft stands ready.
    pub ready: Option<u32>,
    /// Promises that passed unsent, in their order.
    pub missed: Vec<u32>,
    /// When the next contact was asked.
    pub escalated_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Promise {
    pub number: u32,
    pub due_at: Timestamp,
}

impl Promise {
    /// When update `number` is due: that of this promise, or a later one, each a beat after the one before it.
    pub fn due_at_of(&self, number: u32, beat: Span) -> Timestamp {
        let passed = i64::from(number.saturating_sub(self.number));
        self.due_at + Span(beat.0.saturating_mul(passed))
    }
}

impl Incident {
    pub fn attempt(&self, number: AttemptNo) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.number == number)
    }

    /// The attempt that counts now: the newest.
    pub fn current(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    pub fn run(&self, id: &RunId) -> Option<(&Attempt, &Run)> {
        self.attempts.iter().find_map(|attempt| attempt.runs.iter().find(|run| run.id == *id).map(|run| (attempt, run)))
    }

    /// The runs under way, of whatever attempt.
    pub fn live_runs(&self) -> impl Iterator<Item = &Run> {
        self.attempts.iter().flat_map(Attempt::live_runs)
    }

    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Who holds this place in the incident now.
    pub fn holder(&self, role: Role) -> Option<&PersonId> {
        match role {
            Role::IncidentCommander => self.commander.as_ref(),
            Role::TechnicalLead => self.technical_lead.as_ref(),
            _ => None,
        }
    }

    /// The attempt that holds the environment's lock.
    pub fn lock_holder(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.status().holds_lock())
    }

    /// Deployments wait from the first start until the incident closes, or a person lifts it (E12).
    pub fn is_frozen(&self) -> bool {
        self.is_open()
            && self.freeze_lifted.is_none()
            && self.attempts.iter().any(|attempt| attempt.start_ordered.is_some())
    }

    /// The outcome of the rollback is known.
    pub fn outcome_known(&self) -> bool {
        self.closed.is_some() || self.current().is_some_and(|attempt| attempt.status() == AttemptStatus::Succeeded)
    }

    /// How far apart updates are: as the incident commander promised, else as the playbook says.
    pub fn beat(&self) -> Span {
        self.updates.beat.as_ref().map_or(self.cadence.every, |beat| beat.every)
    }

    /// The attempt that waits for its verdict, and when the time for that is over: with the window's end, but never before
    /// it had the whole length of the window for itself (E13).
    pub fn verdict_due(&self) -> Option<(AttemptNo, Timestamp)> {
        let window = self.verification.filter(|_| self.is_open())?;
        let (to, attempt) = (window.to?, self.current()?);
        let (started, executed) = attempt.started_at().zip(attempt.verifying_since())?;
        let waits = attempt.status() == AttemptStatus::Verifying && attempt.unverified_since.is_none();
        waits.then(|| (attempt.number, (started + to).max(executed + Span(to.0 - window.from.0))))
    }

    pub fn has_open_debt(&self) -> bool {
        self.debts.iter().any(|debt| !debt.paid)
    }
}
