//! All integration tests, in one binary so that linking is paid once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod store_contract;
mod support;

mod access_accounts;
mod access_doors;
mod access_harness;
mod access_serve;
mod access_sign_in;
