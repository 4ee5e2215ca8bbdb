//! The interface for machines: JSON for whoever presents a token, problems as RFC 9457 tells them, and three addresses
//! for whoever operates the server.
//!
//! A token reads; it can never approve, start or stop anything. Every handler checks its own token ([`bearer`]): no cookie
//! is read here, so that no browser can be made to act. `web::machines` gives the addresses.

pub mod bearer;
pub mod freeze;
pub mod operation;
pub mod problem;
pub mod updates;

use crate::app::App;

/// What every handler here can reach.
#[derive(Clone)]
pub struct Desk(pub App);
