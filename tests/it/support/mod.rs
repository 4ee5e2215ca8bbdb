//! What the tests stand on: real processes, real databases, a real browser, the written procedure. Each part is tested
//! itself.
#![allow(dead_code, reason = "a tool stays whole even while no test uses every part of it")]

pub mod bounds;
pub mod browser;
pub mod cable;
pub mod databases;
pub mod folder;
pub mod html;
pub mod incident_world;
pub mod postgres;
pub mod process;
pub mod rust_text;
pub mod seed;
pub mod waiting;
