//! `backout audit`: is the ledger still what was written?

use super::config::Config;
use super::{Failure, runtime};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Walk the whole chain; names the first bad entry and why. Exit code 1 when it does not hold.
    Verify,
}

impl Audit {
    pub fn run(self, config: Config) -> Result<(), Failure> {
        let Audit::Verify = self;
        runtime()?.block_on(async {
            let store = config.store().await?;
            let verified = store.verify().await?;
            match verified {
                Ok(whole) => {
                    println!("The chain holds: {} entries, head {}.", whole.entries, whole.head.hash);
                    Ok(())
                }
                Err(fault) => Err(Failure::no(fault)),
            }
        })
    }
}
