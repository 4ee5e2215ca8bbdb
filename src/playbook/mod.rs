//! The procedure as a TOML file: read with care, or refused with every fault at once.
//!
//! A team changes its procedure at a quiet hour and needs it at a bad one, so nothing that a playbook says is left to be
//! found out later: every name it refers to exists, every window can pass, every template is filled, every decision has
//! somebody who can take it. [`parse`] gives a whole [`Procedure`] or the list of all [`Fault`]s, each with line,
//! column, the offending text and what would be right.
//!
//! | file | idea |
//! | --- | --- |
//! | `fault.rs` | one fault and how it reads |
//! | `file.rs` | the file's text, up to the largest size |
//! | `sheet.rs` | the text under reading, its faults, and the names that entries give and use |
//! | `reader.rs` | one table: takes keys, remembers which, reports the rest |
//! | `parse/` | the chapters of a playbook, each read into its types |
//! | `units.rs` | "10%", "5m", "2y" |
//! | `template.rs` | texts and arguments with variables, strict about each |
//! | `nearest.rs` | "did you mean …?" |
//! | `seeds.rs` | which line of the written procedure each entry comes from |

mod fault;
mod file;
mod nearest;
mod parse;
mod reader;
mod seeds;
mod sheet;
mod template;
mod units;

pub use fault::Fault;
pub use file::read_file;
pub use parse::parse;
pub use seeds::{Seed, seeds};
pub use template::{RenderFault, render};
pub use units::{parse_share, parse_span};

use crate::domain::Procedure;
use sha2::{Digest, Sha256};

/// The default playbook's text, as `backout playbook init` writes it.
pub const DEFAULT: &str = include_str!("../../playbooks/default.toml");

/// The default playbook, read.
pub fn default_procedure() -> Procedure {
    parse(DEFAULT).expect("the embedded playbook is checked by a test")
}

/// A playbook's version: the SHA-256 of its text, in 64 hexadecimal digits. One changed byte is another version.
pub fn content_hash(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests;
