//! The command line: one file a subcommand. Wires everything; imported by nobody.

pub mod playbook;
pub mod supervise;

use std::process::ExitCode;

/// Does what the arguments say.
pub fn run() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    match args.as_slice() {
        [command, dir] if command == "supervise" => supervise::supervise(dir.as_ref()),
        _ => {
            eprintln!("usage: backout supervise FOLDER");
            ExitCode::from(2)
        }
    }
}
