//! The people of a procedure: roles, teams that tick their items, and whom to call.

use super::Line;
use crate::domain::Role;

/// A role by the team's own name, with one of the fixed duties (P7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDefinition {
    pub name: String,
    pub title: String,
    pub duty: Role,
    /// What this role may and must do, in the procedure's words.
    pub authority: Vec<Line>,
    pub seed: Option<String>,
}

/// A team whose members tick their items and approve nothing (P1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responder {
    pub name: String,
    pub title: String,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    pub title: String,
    pub group: String,
    /// Empty until a team fills it in.
    pub reach: String,
    pub seed: Option<String>,
}
