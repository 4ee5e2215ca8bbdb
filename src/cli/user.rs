//! `backout user`: people, from the server's own shell.

use super::config::Config;
use super::{Failure, runtime};
use crate::access::accounts::{self, Newcomer, Purpose};
use crate::clock::{Clock, SystemClock};
use crate::domain::Role;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a person; prints a one-time link with which they choose their password.
    ///
    /// Example: backout user add maya --name "Maya Okafor" --role incident_commander
    Add {
        login: String,
        #[arg(long)]
        name: String,
        /// incident_commander, technical_lead, management, support, observer or administrator; may be repeated.
        #[arg(long = "role", value_parser = role, required = true)]
        roles: Vec<Role>,
    },
    /// Print a new one-time link for somebody who lost theirs or their password.
    Link { login: String },
    /// List everyone with their roles.
    List,
    /// Disable an account at once; its sessions end.
    Disable { login: String },
    /// Enable a disabled account.
    Enable { login: String },
}

/// Who acts when the shell does.
const BY: &str = "system";

fn role(text: &str) -> Result<Role, String> {
    Role::from_key(text).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.key()).collect();
        format!("there is no role {text}; choose one of {}", known.join(", "))
    })
}

impl User {
    pub fn run(self, config: Config) -> Result<(), Failure> {
        let site = config.web_site()?;
        runtime()?.block_on(async {
            let store = config.store_beside_server().await?;
            let now = SystemClock.now();
            match self {
                User::Add { login, name, roles } => {
                    let newcomer = Newcomer { login, name, roles };
                    let (_, token) = accounts::add(&store, BY, &newcomer, now).await.map_err(Failure::no)?;
                    println!("{}", site.link(&Purpose::Invitation.path(&token)));
                }
                User::Link { login } => {
                    let person = find(&store, &login).await?;
                    let (purpose, token) =
                        accounts::invite_again(&store, BY, &person.id, now).await.map_err(Failure::no)?;
                    println!("{}", site.link(&purpose.path(&token)));
                }
                User::List => {
                    for person in store.people().await? {
                        let state = if person.active { "" } else { " (disabled)" };
                        println!("{}\t{}\t{}{state}", person.login, person.name, person.roles.join(","));
                    }
                }
                User::Disable { login } => {
                    let person = find(&store, &login).await?;
                    accounts::set_active(&store, BY, &person.id, false, now).await.map_err(Failure::no)?;
                }
                User::Enable { login } => {
                    let person = find(&store, &login).await?;
                    accounts::set_active(&store, BY, &person.id, true, now).await.map_err(Failure::no)?;
                }
            }
            Ok(())
        })
    }
}

async fn find(store: &crate::store::Store, login: &str) -> Result<crate::store::Person, Failure> {
    store
        .person_by_login(login)
        .await?
        .ok_or_else(|| Failure::no(format!("nobody has the login {login}; `backout user list` names everyone")))
}
