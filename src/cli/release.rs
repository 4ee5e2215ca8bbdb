//! `backout release add`: what can be rolled back to, told by a deployment's own script.

use super::config::Config;
use super::{Failure, runtime};
use crate::app::registering::{self, Entry, Told};
use crate::clock::{Clock, SystemClock};
use crate::domain::Timestamp;
use crate::domain::procedure::TargetKind;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Release {
    /// Register a release that began to run, or tell that one which is known was deployed once more.
    ///
    /// Example: backout release add 4.11.3 --environment production --component app --migrations none
    Add(Add),
    /// List the register.
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
                    }
                }
                Release::List => {
                    for line in store.registered_all().await? {
                        println!(
                            "{}\t{}\t{}\t{}\t{}\t{}",
                            line.at, line.kind, line.environment, line.component, line.name, line.migrations
                        );
                    }
                }
            }
            Ok(())
        })
    }
}
