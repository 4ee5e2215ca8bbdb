//! All integration tests, in one binary so that linking is paid once.

mod browser_harness;
mod process_harness;
mod seed_fixture;
mod support;
