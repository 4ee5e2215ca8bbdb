//! Proofs over the pure core: exhaustive searches, long random histories, and planted bugs that they must catch.

mod found;
mod histories;
mod laws;
mod permissions;
mod planted;
mod search;
mod steps;
mod two_workers;
mod walk;
pub mod world;
