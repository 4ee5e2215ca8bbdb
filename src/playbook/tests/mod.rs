//! The default playbook, and what the reader says about planted faults.

mod default;
mod faults;
mod ragged;
