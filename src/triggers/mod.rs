//! Facts from outside become commands. Nothing here submits one: a trigger says what it saw, and the caller decides.
//!
//! | module | idea |
//! | --- | --- |
//! | [`probe`] | one HTTP request that finds out how a service does, as a sample |
//! | [`watcher`] | a probe's samples held against its conditions; what breached, with frozen evidence |

pub mod probe;
pub mod watcher;
