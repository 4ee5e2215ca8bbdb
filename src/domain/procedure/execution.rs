//! What is carried out, by which executor, and on what.

use super::RollbackType;
use crate::domain::Span;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousStable {
    /// A release counts as stable when it ran this long without an incident (T7).
    pub ran_at_least: Span,
}

impl Default for PreviousStable {
    fn default() -> Self {
        PreviousStable { ran_at_least: Span::hours(24) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorDefinition {
    pub name: String,
    pub title: String,
    pub kind: ExecutorKind,
    pub seed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutorKind {
    /// A program under the detached supervisor. `program` is a path below the environment's directory; every argument
    /// is a template rendered on its own, and no shell ever sees a value.
    Process { program: String, args: Vec<String>, grant: Vec<String>, time_limit: Span },
    /// Done by people; the commands to copy are templates.
    People { commands: Vec<String> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionDefinition {
    pub name: String,
    pub title: String,
    pub executor: String,
    /// The rollback types it belongs to, when the plan has a target of its kind.
    pub types: Vec<RollbackType>,
    pub target: TargetKind,
    pub mode: ActionMode,
    /// Actions of one group may run at the same time.
    pub group: Option<String>,
    /// Items that must be ticked before it starts (E22).
    pub needs: Vec<String>,
    pub pace: Pace,
    /// Executors by name that do the same in another way.
    pub alternatives: Vec<String>,
    /// Differing executors by environment name.
    pub by_environment: Vec<(String, String)>,
    /// The action that goes back again.
    pub return_leg: Option<String>,
    pub destructive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    Release,
    Backup,
    Config,
}

impl TargetKind {
    pub const ALL: [TargetKind; 3] = [TargetKind::Release, TargetKind::Backup, TargetKind::Config];

    pub const fn key(self) -> &'static str {
        match self {
            TargetKind::Release => "release",
            TargetKind::Backup => "backup",
            TargetKind::Config => "config",
        }
    }

    pub fn from_key(key: &str) -> Option<TargetKind> {
        TargetKind::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionMode {
    Automatic,
    /// Waits for the technical lead's word.
    OnCommand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    AtOnce,
    Rolling(u32),
}
