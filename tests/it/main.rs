//! All integration tests, in one binary so that linking is paid once.

mod probe;
mod store_contract;
mod support;
mod target;
