//! Who acts: people by their roles, and Backout itself by the duty it carries out.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A person's identifier, never shown; names come from the people register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub String);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a person may be. The first five are also the duties that a playbook's own roles are mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    IncidentCommander,
    TechnicalLead,
    Management,
    Support,
    Observer,
    /// Accounts and settings. Has no say in rollbacks by this role alone.
    Administrator,
}

impl Role {
    pub const ALL: [Role; 6] = [
        Role::IncidentCommander,
        Role::TechnicalLead,
        Role::Management,
        Role::Support,
        Role::Observer,
        Role::Administrator,
    ];

    /// The word in the store, in forms and in playbooks (`duty = "incident_commander"`).
    pub const fn key(self) -> &'static str {
        match self {
            Role::IncidentCommander => "incident_commander",
            Role::TechnicalLead => "technical_lead",
            Role::Management => "management",
            Role::Support => "support",
            Role::Observer => "observer",
            Role::Administrator => "administrator",
        }
    }

    /// Whoever holds it, as a sentence names one of them.
    pub const fn somebody(self) -> &'static str {
        match self {
            Role::IncidentCommander => "an incident commander",
            Role::TechnicalLead => "a technical lead",
            Role::Management => "somebody from management",
            Role::Support => "somebody from support",
            Role::Observer => "an observer",
            Role::Administrator => "an administrator",
        }
    }

    pub fn from_key(key: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.key() == key)
    }
}

/// As people read it: `incident commander`.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key().replace('_', " "))
    }
}

/// How surely a person was recognised when deciding. Recorded with every approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    Password,
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Strength::Password => "password",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_of_the_house_is_not_somebody_by_itself() {
        for role in Role::ALL {
            let somebody = role.somebody();
            let house = matches!(role, Role::Management | Role::Support);
            assert_eq!(somebody.starts_with("somebody from "), house, "{somebody}");
            assert!(somebody.ends_with(&role.to_string()), "{somebody}");
        }
    }
}
