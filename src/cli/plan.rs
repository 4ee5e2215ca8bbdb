//! `backout plan`: what an approval was bound to, recomputed without a server.

use super::Failure;
use crate::domain::plan::{FixedPlan, digest};
use clap::Subcommand;
use std::io::Read;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Print the digest of a plan's canonical bytes.
    ///
    /// The approve page offers the bytes as a file. Example: backout plan digest plan.json
    Digest {
        /// The file, or - for standard input.
        file: PathBuf,
    },
}

impl Plan {
    pub fn run(self) -> Result<(), Failure> {
        let Plan::Digest { file } = self;
        let told = |fault: std::io::Error| Failure::machine(format!("{}: {fault}", file.display()));
        let mut text = String::new();
        if file.as_os_str() == "-" {
            std::io::stdin().read_to_string(&mut text).map_err(told)?;
        } else {
            text = std::fs::read_to_string(&file).map_err(told)?;
        }
        // An editor's last line break is not part of the plan.
        let bytes = text.strip_suffix('\n').unwrap_or(&text);
        let plan = FixedPlan::read(bytes).map_err(|fault| Failure::no(format!("{}: {fault}", file.display())))?;
        println!("{}", digest(bytes));
        eprintln!("{} attempt {}: {} of {}", plan.incident, plan.attempt, plan.kind, plan.environment);
        Ok(())
    }
}
