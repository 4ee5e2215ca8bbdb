//! A rollback that is stopped half-way, and the next one that fails.

use super::Cast;

pub async fn one_is_stopped_and_one_fails(_: &Cast) {}
