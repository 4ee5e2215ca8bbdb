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
            let store = config.store_to_look().await?;
            let verified = store.verify().await?;
            match verified {
                // Of a chain that never began nothing is proven: most likely another database was meant.
                Ok(whole) if whole.entries == 0 => Err(Failure::no(
                    "The ledger is empty: nothing was ever recorded in this database. Is it the one that you mean?",
                )),
                Ok(whole) => {
                    println!("The chain holds: {} entries, head {}.", whole.entries, whole.head.hash);
                    Ok(())
                }
                Err(fault) => Err(Failure::no(fault)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::pretend_schema;

    #[test]
    fn a_chain_that_never_began_proves_nothing_and_no_database_is_made_or_migrated_for_it() {
        let data = std::env::temp_dir().join(format!("backout-audit-{}", crate::clock::fresh_id()));
        let config = || Config { data: data.clone(), ..Config::default() };
        let fault = Audit::Verify.run(config()).unwrap_err();
        assert!(fault.code == 2 && fault.text.contains("BACKOUT_DATABASE"), "{}", fault.text);
        assert!(!data.exists(), "nothing was made");
        runtime().unwrap().block_on(async {
            drop(config().store().await.unwrap());
            pretend_schema(&config().database(), 7).await;
        });
        let fault = Audit::Verify.run(config()).unwrap_err();
        assert!(fault.code == 1 && fault.text.starts_with("The ledger is empty"), "{}", fault.text);
        std::fs::remove_dir_all(&data).unwrap();
    }
}
