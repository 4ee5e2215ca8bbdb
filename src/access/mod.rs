//! Who someone is and what they may do: passwords, sign-in, sessions, re-authentication, one-time links, capabilities.

pub mod password;
pub mod slow_down;

use sha2::{Digest, Sha256};

/// SHA-256 as lower-case hex: how every secret that a browser or a link carries is kept, so that a leaked database
/// opens nothing.
pub fn digest(secret: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}
