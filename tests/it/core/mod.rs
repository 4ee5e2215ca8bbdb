//! Proofs over the pure core: exhaustive searches, long random histories, and planted bugs that they must catch.

mod found;
pub mod world;
