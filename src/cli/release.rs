//! `backout release add`: what can be rolled back to, told by a deployment's own script.

use super::config::Config;
use super::{Failure, runtime};
use crate::app::gather::registered;
use crate::app::registering::{self, Entry, Told};
use crate::clock::{Clock, SystemClock};
use crate::domain::procedure::TargetKind;
use crate::domain::{Timestamp, running};
use crate::store;
use clap::{Args, Subcommand};
use std::collections::BTreeSet;

#[derive(Debug, Subcommand)]
pub enum Release {
    /// Register a release that began to run, or tell that one which is known was deployed once more. Telling of the one that
    /// runs already, in the same words, changes nothing and is no fault.
    ///
    /// Example: backout release add 4.11.3 --environment production --component app --migrations none
    Add(Add),
    /// List the register, newest first: when, kind, environment, component, name, migrations, and what runs now.
    List,
}

#[derive(Debug, Args)]
pub struct Add {
    /// The release's version, a backup's or a configuration's name.
    name: String,
    #[arg(long)]
    environment: String,
    #[arg(long)]
    component: String,
    /// release, backup or config.
    #[arg(long, default_value = "release", value_parser = kind)]
    kind: TargetKind,
    /// When it began to run or was taken, as 2026-03-05T03:14:28Z; by default now.
    #[arg(long, value_parser = instant)]
    at: Option<Timestamp>,
    #[arg(long, default_value = "")]
    checksum: String,
    /// What it did to the database: none, reversible, destructive or unknown.
    #[arg(long, default_value = "unknown")]
    migrations: String,
    #[arg(long, default_value = "")]
    note: String,
}

fn kind(text: &str) -> Result<TargetKind, String> {
    TargetKind::from_key(text).ok_or_else(|| format!("there is no kind {text}; choose release, backup or config"))
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse::<jiff::Timestamp>()
        .map(|at| Timestamp(at.as_microsecond()))
        .map_err(|_| format!("“{text}” is no instant; write it as 2026-03-05T03:14:28Z"))
}

impl Release {
    pub fn run(self, config: Config) -> Result<(), Failure> {
        runtime()?.block_on(async {
            let store = config.store_beside_server().await?;
            match self {
                Release::Add(add) => {
                    let site = config.site(String::new())?;
                    let now = SystemClock.now();
                    let entry = Entry {
                        kind: add.kind,
                        environment: add.environment,
                        component: add.component,
                        name: add.name,
                        at: add.at.unwrap_or(now),
                        checksum: add.checksum,
                        migrations: add.migrations,
                        note: add.note,
                    };
                    let told = registering::register(&store, &site, "system", &entry, now).await;
                    let Entry { name, component, environment, .. } = &entry;
                    match told.map_err(Failure::no)? {
                        Told::New => println!("{name} is registered for {component} in {environment}."),
                        Told::RunsAgain => {
                            println!("{name} was known, and runs again for {component} in {environment}.")
                        }
                        Told::RunsAlready(since) => {
                            println!(
                                "{name} is registered and runs already for {component} in {environment}, since {since}."
                            )
                        }
                    }
                }
                Release::List => {
                    for line in listed(store.registered_all().await?) {
                        println!("{line}");
                    }
                }
            }
            Ok(())
        })
    }
}

/// One line of each entry, in the given order; what runs now says so in a column of its own.
fn listed(register: Vec<store::Registered>) -> Vec<String> {
    let mut runs = BTreeSet::new();
    let places: BTreeSet<_> = register.iter().map(|line| (line.environment.clone(), line.component.clone())).collect();
    for (environment, component) in places {
        let there = register.iter().filter(|line| line.environment == environment).cloned();
        let there: Vec<_> = there.filter_map(registered).collect();
        if let Some(release) = running::running(&there, &component) {
            runs.insert((environment, component, release.name.clone()));
        }
    }
    let line = |line: store::Registered| {
        let store::Registered { at, kind, environment, component, name, migrations, .. } = line;
        let words = format!("{at}\t{kind}\t{environment}\t{component}\t{name}\t{migrations}");
        let now = kind == TargetKind::Release.key() && runs.contains(&(environment, component, name));
        if now { format!("{words}\truns now") } else { words }
    };
    register.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_which_release_runs_in_each_place() {
        let row = |kind: &str, environment: &str, name: &str, hour: i64| {
            store::Registered::fresh(kind, environment, "app", name, Timestamp(hour * 3_600_000_000))
        };
        let again = |row: store::Registered| store::Registered { again_at: Some(Timestamp(90 * 3_600_000_000)), ..row };
        let register = vec![
            row("backup", "production", "4.12.0", 80),
            row("release", "production", "4.12.0", 70),
            row("release", "staging", "4.12.0", 60),
            again(row("release", "production", "4.11.3", 50)),
            row("release", "staging", "4.11.3", 40),
        ];
        let running: Vec<bool> = listed(register).iter().map(|line| line.ends_with("\truns now")).collect();
        assert_eq!(running, [false, false, true, true, false]);
    }
}
