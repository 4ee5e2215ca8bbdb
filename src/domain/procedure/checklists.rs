//! What people tick, step by step, and what shows that a rollback succeeded or failed.

use super::{Line, RollbackType};
use crate::domain::Span;
use crate::domain::condition::Condition;
use serde::{Deserialize, Serialize};

/// A checklist: one of the two before the rollback, or a step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    pub name: String,
    pub title: String,
    pub phase: Phase,
    pub window: Option<Window>,
    pub groups: Vec<Group>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the rollback; required items gate execution.
    Before,
    /// A step of the rollback, with its window.
    Step(u8),
}

/// Counted from the first run's start; `to` is `None` for an ongoing step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    pub from: Span,
    pub to: Option<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `None` where the step has no groups of its own.
    pub title: Option<String>,
    /// "if needed", in the procedure's words.
    pub condition: Option<String>,
    pub items: Vec<Item>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Unique over the whole playbook.
    pub name: String,
    pub text: String,
    /// A role or responder team by name; `None` is anyone in command, technical lead or the teams.
    pub owner: Option<String>,
    pub required: bool,
    /// "if needed", "if applicable".
    pub condition: Option<String>,
    /// Empty means all types.
    pub types: Vec<RollbackType>,
    pub evidence: Option<Evidence>,
    pub seed: Option<String>,
}

/// What lets the machine tick an item itself (P5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The incident has a trigger with frozen evidence.
    Trigger,
    /// The register of releases knows a previous stable one.
    PreviousStable,
    /// The chosen release still stands in the register.
    TargetRegistered,
    /// A backup stands in the register, verified.
    BackupVerified,
    /// Every script that the plan names was found and its content is known.
    ScriptsPresent,
    /// A plan was submitted.
    PlanSubmitted,
    /// Every slot is filled.
    Authorised,
    /// The incident commander has taken the place.
    TeamPresent,
    /// The freeze that CI systems ask for is on.
    Frozen,
    /// A run of this action ended well.
    Run(String),
    /// A progress update went out.
    UpdateSent,
    /// The condition over live measurements holds.
    Metric(Condition),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    pub criteria: Vec<Criterion>,
    pub indicators: Vec<Indicator>,
    /// What to do when the rollback fails, in the procedure's words.
    pub escalation: Line,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    pub name: String,
    pub text: String,
    /// Measured beside the tick; never ticks it.
    pub condition: Option<Condition>,
    /// Safety systems and data integrity may never be called not applicable.
    pub always_applies: bool,
    /// Reads back what runs, to prove the version (E18).
    pub proves_version: bool,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    pub name: String,
    pub text: String,
    pub seed: Option<String>,
    /// Compares the live value with the one frozen at the first run's start.
    pub compares: Option<String>,
}
