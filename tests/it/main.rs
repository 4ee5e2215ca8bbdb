//! All integration tests, in one binary so that linking is paid once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod store_contract;
mod support;
