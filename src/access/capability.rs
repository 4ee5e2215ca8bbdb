//! What a route asks of its visitor. Every route names one; a route without one cannot be built, so that the default
//! is no.

use crate::domain::Role;
use crate::domain::words::upper_first;

/// Who may come in. What somebody may do to an incident is decided by the domain; this is the door before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Anyone: signing in, files, public pages.
    Public,
    /// No browser: the route checks a token or a signature itself, reads no cookies, and stands outside the CSRF check.
    Machine,
    /// Whoever is signed in: every signed-in person reads every incident.
    SignedIn,
    /// Signed in, and it was confirmed within the last five minutes that it is still that person.
    FreshlySignedIn,
    /// Run logs and evidence bodies: everyone but support and observers.
    ReadLogs,
    /// The journal of access: who signed in, whose account was changed, what was refused.
    ReadAccessLog,
    /// The register of what can be gone back to, to add to it.
    KeepRegister,
    /// Accounts and settings, to look at.
    Administrator,
    /// Accounts and settings, to change: an administrator, freshly confirmed.
    FreshAdministrator,
}

/// Why somebody may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nobody is signed in.
    SignInFirst,
    /// The one signed in holds no role that may. The sentence names who may.
    NotYours(&'static str),
    /// The right person, but not confirmed in the last five minutes.
    ConfirmFirst,
}

/// What is known about a visitor who is signed in.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub roles: &'a [Role],
    pub fresh: bool,
}

impl Capability {
    /// All of them, for tests that visit every route.
    pub const ALL: [Capability; 9] = [
        Capability::Public,
        Capability::Machine,
        Capability::SignedIn,
        Capability::FreshlySignedIn,
        Capability::ReadLogs,
        Capability::ReadAccessLog,
        Capability::KeepRegister,
        Capability::Administrator,
        Capability::FreshAdministrator,
    ];

    /// Whether the door opens for this visitor.
    pub fn open_to(self, visitor: Option<Standing<'_>>) -> Result<(), Closed> {
        if matches!(self, Capability::Public | Capability::Machine) {
            return Ok(());
        }
        let Some(visitor) = visitor else { return Err(Closed::SignInFirst) };
        let holds = |wanted: &[Role]| visitor.roles.iter().any(|role| wanted.contains(role));
        let administrators = "Only an administrator can. Ask one; the people page names them.";
        let log_readers = [Role::IncidentCommander, Role::TechnicalLead, Role::Management, Role::Administrator];
        let register_keepers = [Role::TechnicalLead, Role::IncidentCommander, Role::Administrator];
        match self {
            Capability::Administrator | Capability::FreshAdministrator if !holds(&[Role::Administrator]) => {
                return Err(Closed::NotYours(administrators));
            }
            Capability::ReadLogs if !holds(&log_readers) => {
                return Err(Closed::NotYours(
                    "Run logs may hold personal data; support and observers do not read them.",
                ));
            }
            Capability::ReadAccessLog if !holds(&[Role::Administrator, Role::Management]) => {
                return Err(Closed::NotYours("The journal of access is for administrators and management."));
            }
            Capability::KeepRegister if !holds(&register_keepers) => {
                return Err(Closed::NotYours(
                    "Technical leads, incident commanders and administrators keep the register. Ask one of them; the \
                     people page names them.",
                ));
            }
            _ => {}
        }
        let wants_fresh = matches!(self, Capability::FreshlySignedIn | Capability::FreshAdministrator);
        if wants_fresh && !visitor.fresh { Err(Closed::ConfirmFirst) } else { Ok(()) }
    }
}

/// A role as a heading shows it: `Incident commander`.
pub fn role_name(role: Role) -> String {
    upper_first(&role.to_string())
}

/// The roles of stored names. An unknown name grants nothing.
pub fn roles_from(keys: &[String]) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| keys.iter().any(|key| key == role.key())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(capability: Capability, roles: &[Role], fresh: bool) -> Result<(), Closed> {
        capability.open_to(Some(Standing { roles, fresh }))
    }

    #[test]
    fn nobody_gets_beyond_the_public_doors() {
        for capability in Capability::ALL {
            let public = matches!(capability, Capability::Public | Capability::Machine);
            assert_eq!(capability.open_to(None).is_ok(), public, "{capability:?}");
        }
    }

    #[test]
    fn each_door_opens_to_its_roles_alone() {
        for role in Role::ALL {
            let admin = role == Role::Administrator;
            let logs = !matches!(role, Role::Support | Role::Observer);
            let access = matches!(role, Role::Administrator | Role::Management);
            let keeps = matches!(role, Role::Administrator | Role::IncidentCommander | Role::TechnicalLead);
            assert!(open(Capability::SignedIn, &[role], false).is_ok());
            assert_eq!(open(Capability::ReadAccessLog, &[role], false).is_ok(), access, "{role:?}");
            assert_eq!(open(Capability::KeepRegister, &[role], false).is_ok(), keeps, "{role:?}");
            assert_eq!(open(Capability::ReadLogs, &[role], false).is_ok(), logs, "{role:?}");
            assert_eq!(open(Capability::Administrator, &[role], false).is_ok(), admin, "{role:?}");
            assert_eq!(open(Capability::FreshAdministrator, &[role], true).is_ok(), admin, "{role:?}");
        }
        for capability in [Capability::ReadLogs, Capability::ReadAccessLog, Capability::KeepRegister] {
            assert!(open(capability, &[], true).is_err(), "no role, no {capability:?}");
        }
    }

    #[test]
    fn the_right_role_is_asked_to_confirm_and_the_wrong_one_is_not() {
        assert_eq!(open(Capability::FreshAdministrator, &[Role::Administrator], false), Err(Closed::ConfirmFirst));
        assert!(matches!(open(Capability::FreshAdministrator, &[Role::Observer], false), Err(Closed::NotYours(_))));
        assert_eq!(open(Capability::FreshlySignedIn, &[], false), Err(Closed::ConfirmFirst));
    }

    #[test]
    fn a_stored_name_that_is_no_role_grants_nothing() {
        assert_eq!(roles_from(&["administrator".into(), "root".into()]), [Role::Administrator]);
        assert_eq!(role_name(Role::IncidentCommander), "Incident commander");
    }
}
