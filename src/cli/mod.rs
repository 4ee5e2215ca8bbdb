//! The command line: one file a subcommand. Wires everything; imported by nobody.
//!
//! Exit codes: 0 done, 1 the answer is no (faults found, chain broken, refused), 2 the words were wrong or the
//! configuration is, 3 the store or the machine failed.

mod audit;
mod config;
mod decide;
mod demo;
mod doctor;
mod plan;
mod playbook;
mod release;
mod serve;
pub mod supervise;
mod user;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// The dashboard from which a team rolls production back under command.
#[derive(Debug, Parser)]
#[command(
    name = "backout",
    version,
    about,
    after_help = "Begin with:\n  backout demo                      see a whole rollback on this machine\n  \
                  backout playbook init playbook.toml   write the default procedure to edit\n  \
                  backout doctor                    tell every problem before serving\n  backout serve                     serve\n\n\
                  Exit codes: 0 done; 1 the answer is no; 2 wrong words or configuration; 3 the store or machine failed."
)]
struct Arguments {
    /// Configuration file; BACKOUT_CONFIG names it too. Environment variables win over it.
    #[arg(long, global = true, env = "BACKOUT_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve pages and interfaces, watch the triggers, and carry out what is authorised.
    Serve,
    /// Serve a sample world: three people, a real target service, real scripts.
    Demo(demo::Demo),
    /// Add people and reset passwords from the server's own shell.
    #[command(subcommand)]
    User(user::User),
    /// Register what can be rolled back to.
    #[command(subcommand)]
    Release(release::Release),
    /// Write, check, question and load the procedure.
    #[command(subcommand)]
    Playbook(playbook::Playbook),
    /// Recompute what approvals are bound to.
    #[command(subcommand)]
    Plan(plan::Plan),
    /// Verify the hash-chained ledger.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Tell every problem of this installation, and its mend.
    Doctor,
    #[command(hide = true)]
    DemoTarget {
        root: PathBuf,
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
}

/// What ends a subcommand early: a sentence for standard error, and the exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// Everything was said already.
    fn told(code: u8) -> Failure {
        Failure { code, text: String::new() }
    }

    /// The answer is no.
    fn no(text: impl ToString) -> Failure {
        Failure { code: 1, text: text.to_string() }
    }

    /// Wrong words, or a wrong configuration.
    fn usage(text: impl ToString) -> Failure {
        Failure { code: 2, text: text.to_string() }
    }

    /// The store or the machine failed.
    fn machine(text: impl ToString) -> Failure {
        Failure { code: 3, text: text.to_string() }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(fault: crate::store::StoreError) -> Failure {
        Failure::machine(fault)
    }
}

/// Does what the arguments say.
pub fn run() -> ExitCode {
    // The supervisor closes every open file: nothing may have been opened before it.
    let words: Vec<_> = std::env::args_os().skip(1).take(3).collect();
    if let [command, folder] = words.as_slice()
        && command == "supervise"
    {
        return supervise::supervise(folder.as_ref());
    }
    let arguments = Arguments::parse();
    match carry_out(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.text.is_empty() {
                eprintln!("backout: {}", failure.text);
            }
            ExitCode::from(failure.code)
        }
    }
}

fn carry_out(arguments: Arguments) -> Result<(), Failure> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| Failure::machine("the TLS provider was installed twice"))?;
    let file = arguments.config.as_deref();
    match arguments.command {
        Command::Serve => serve::run(config::Config::load(file)?),
        Command::Demo(demo) => demo.run(),
        Command::User(user) => user.run(config::Config::load(file)?),
        Command::Release(release) => release.run(config::Config::load(file)?),
        Command::Playbook(playbook) => playbook.run(file),
        Command::Plan(plan) => plan.run(),
        Command::Audit(audit) => audit.run(config::Config::load(file)?),
        Command::Doctor => doctor::run(config::Config::load(file)?),
        Command::DemoTarget { root, port } => demo::target(root, port),
    }
}

/// A runtime for one subcommand.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::machine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
