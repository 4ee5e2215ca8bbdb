//! Three sample people, one for each duty of a rollback. Their passwords are generated, and told once.

use crate::access::accounts::{self, Newcomer};
use crate::access::password::{self, Passwords};
use crate::domain::{Role, Timestamp};
use crate::store::Store;
use std::fmt;

/// A person with the password that was generated for them.
#[derive(Clone)]
pub struct Sample {
    pub login: &'static str,
    pub name: &'static str,
    pub roles: &'static [Role],
    pub password: String,
}

/// The technical lead also looks after the accounts, so that the administration can be tried.
const PEOPLE: [(&str, &str, &[Role]); 3] = [
    ("maya", "Maya Okafor", &[Role::IncidentCommander]),
    ("tomas", "Tomás Rivera", &[Role::TechnicalLead, Role::Administrator]),
    ("helen", "Helen Brandt", &[Role::Management]),
];

/// The sample people could not be added.
#[derive(Debug)]
pub struct NotAdded(String);

impl fmt::Display for NotAdded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sample people could not be added: {}", self.0)
    }
}

impl std::error::Error for NotAdded {}

/// Adds the sample people, each with a fresh password.
///
/// # Errors
/// [`NotAdded`].
pub async fn add(store: &Store, passwords: &Passwords, now: Timestamp) -> Result<Vec<Sample>, NotAdded> {
    let mut added = Vec::new();
    for (login, name, roles) in PEOPLE {
        let password = password::generate();
        let hash = passwords.hash(&password).await.map_err(|_| NotAdded("too many passwords at once".into()))?;
        let newcomer = Newcomer { login: login.to_owned(), name: name.to_owned(), roles: roles.to_vec() };
        accounts::add_with_password(store, &newcomer, hash, now).await.map_err(|fault| NotAdded(fault.to_string()))?;
        added.push(Sample { login, name, roles, password });
    }
    Ok(added)
}
