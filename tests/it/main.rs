//! All integration tests, in one binary so that linking is paid once.
#![allow(clippy::unwrap_used, reason = "the functions around a test may panic as the test itself may")]

mod browser_harness;
mod house_rules;
mod playbook_seed;
mod process_harness;
mod seed_fixture;
mod support;
