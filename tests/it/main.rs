//! All integration tests, in one binary so that linking is paid once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by stopping")]

mod probe;
mod target;
