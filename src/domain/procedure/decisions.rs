//! What the rules advise, how grave it is, who must agree, and which kind of rollback it is.

use super::Line;
use crate::domain::{Role, Span};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// Execution must start this soon after an approval was given.
    pub expire_after: Span,
}

impl Default for Approvals {
    fn default() -> Self {
        Approvals { expire_after: Span::minutes(30) }
    }
}

/// P0 is the worst; the order of the values is the order of severity reversed, so `P0 < P1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub enum Severity {
    P0,
    P1,
    #[default]
    P2,
    P3,
}

impl Severity {
    pub const ALL: [Severity; 4] = [Severity::P0, Severity::P1, Severity::P2, Severity::P3];

    pub const fn key(self) -> &'static str {
        match self {
            Severity::P0 => "P0",
            Severity::P1 => "P1",
            Severity::P2 => "P2",
            Severity::P3 => "P3",
        }
    }

    pub fn from_key(key: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.key() == key)
    }

    pub fn worse_than(self, other: Severity) -> bool {
        self < other
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// What the rules advise (D1). Ordered by strictness: the stricter is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Immediate,
    Considered,
    NotRequired,
}

impl Decision {
    pub const ALL: [Decision; 3] = [Decision::Immediate, Decision::Considered, Decision::NotRequired];

    pub const fn key(self) -> &'static str {
        match self {
            Decision::Immediate => "immediate",
            Decision::Considered => "considered",
            Decision::NotRequired => "not_required",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Immediate => "immediate rollback",
            Decision::Considered => "rollback considered",
            Decision::NotRequired => "rollback not required",
        })
    }
}

/// A decision rule (D1): when every stated question is answered so, this is the advice. The strictest match wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    /// In plain words, shown in the room.
    pub text: String,
    pub when: When,
    pub decision: Decision,
    pub severity: Option<Severity>,
    pub seed: Option<String>,
}

/// The questions a rule may ask; an empty list or `None` asks nothing (P7).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct When {
    pub category: Vec<String>,
    /// Narrower than a category: a feature regression is one kind of user impact.
    pub trigger: Vec<String>,
    pub severity: Vec<Severity>,
    pub decision: Vec<Decision>,
    /// A complete outage of the service.
    pub outage: Option<bool>,
    /// At least this share of users is affected, in parts per million.
    pub users_affected_ppm: Option<i64>,
    pub release_younger_than: Option<Span>,
    /// 1 Monday to 7 Sunday.
    pub weekday: Vec<u8>,
    /// From hour to hour, UTC; may run over midnight.
    pub hours: Option<(u8, u8)>,
}

/// Who must agree (D2): the slots demanded when a decision and severity match. All matching ones add their slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    pub name: String,
    /// The policy in a plain sentence.
    pub text: String,
    pub when: When,
    pub slots: Vec<Slot>,
    /// A role by name that must ratify afterwards (D13).
    pub ratified_by: Option<String>,
    /// Starting needs a written reason by the proposer.
    pub needs_reason: bool,
    pub start: StartMode,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// A role by the playbook's name.
    pub role: String,
    pub duty: Role,
    pub kind: SlotKind,
    /// Another role that may sign where this one cannot be had.
    pub substitute: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotKind {
    Approve,
    /// A judgement (feasibility) that signs the digest.
    Review,
    InformBefore,
    InformAfter,
}

impl SlotKind {
    /// Does this slot hold execution back until it is filled?
    pub const fn gates(self) -> bool {
        matches!(self, SlotKind::Approve | SlotKind::Review)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartMode {
    AtAuthorisation,
    OnCommand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackType {
    Full,
    Partial,
    Database,
    Configuration,
}

impl RollbackType {
    pub const ALL: [RollbackType; 4] =
        [RollbackType::Full, RollbackType::Partial, RollbackType::Database, RollbackType::Configuration];

    pub const fn key(self) -> &'static str {
        match self {
            RollbackType::Full => "full",
            RollbackType::Partial => "partial",
            RollbackType::Database => "database",
            RollbackType::Configuration => "configuration",
        }
    }

    pub fn from_key(key: &str) -> Option<RollbackType> {
        RollbackType::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

impl fmt::Display for RollbackType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rollback", self.key())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDefinition {
    pub kind: RollbackType,
    pub title: String,
    pub scope: Vec<Line>,
    pub when_used: Vec<WhenUsed>,
    pub seed: Option<String>,
}

/// Proposes a type: an incident of one of these categories or triggers (P1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhenUsed {
    pub text: String,
    pub categories: Vec<String>,
    pub triggers: Vec<String>,
    pub seed: Option<String>,
}
