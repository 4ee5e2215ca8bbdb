//! Who someone is and what they may do: passwords, sign-in, sessions, re-authentication, one-time links, capabilities.
//!
//! [`sign_in`] turns a login and a password into a [`session`]; [`accounts`] adds people and changes what they may;
//! [`capability`] names what a route asks of its visitor; [`record`] writes all of it into the ledger. Nothing here
//! knows of HTTP.

pub mod accounts;
pub mod capability;
pub mod password;
pub mod record;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod slow_down;
pub mod tokens;
pub mod walls;

pub use accounts::setup_link;

use sha2::{Digest, Sha256};

/// SHA-256 as lower-case hex: how every secret that a browser or a link carries is kept, so that a leaked database
/// opens nothing.
pub fn digest(secret: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}
