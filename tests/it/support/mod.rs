//! The real parts that tests run against.

pub mod databases;
pub mod postgres;
