//! All integration tests, in one binary so that linking is paid once.
#![allow(clippy::unwrap_used, reason = "the functions around a test may panic as the test itself may")]

mod access_accounts;
mod access_doors;
mod access_harness;
mod access_serve;
mod access_sign_in;
mod browser_harness;
mod browser_journey;
mod browser_live;
mod browser_plots;
mod contrast;
mod core;
mod figures;
mod house_rules;
mod killing_live;
mod killing_playbook;
mod old_journals;
mod playbook_seed;
mod probe;
mod process_harness;
mod seed_fixture;
mod spine;
mod store_contract;
mod supervisor;
mod support;
mod target;
mod within_a_second;
