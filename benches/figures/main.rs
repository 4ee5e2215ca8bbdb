//! The product's figures: how quick, how small, and how near to what the machine can do at all.
//!
//! Each figure stands beside a **floor**: a few lines of code that do only the unavoidable, measured in the same run and
//! in turns with the product, so that a noisy machine disturbs both alike. The ratio is the figure. Start it with
//! `benches/run.sh`, which builds what it needs; `benches/run.sh --help` says what can be asked for.
//!
//! Nothing here is a test, and no test measures time.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made ends the run, as a test does")]

mod approving;
mod floors;
mod http;
mod idle;
mod machine;
#[path = "../../tests/it/support/postgres.rs"]
mod postgres;
mod product;
mod seeding;
mod starting;
mod statistics;

use statistics::Line;
use std::time::Duration;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Approvals in turns with each floor.
    pub approvals: usize,
    /// Starts of the process.
    pub starts: usize,
    /// Past incidents in a full store.
    pub past: i64,
    /// How long an idle server is watched.
    pub idle: Duration,
}

impl Extent {
    const WHOLE: Extent = Extent { approvals: 300, starts: 20, past: 100_000, idle: Duration::from_secs(60) };
    /// To see that everything still works: its numbers say nothing.
    const SMOKE: Extent = Extent { approvals: 5, starts: 2, past: 200, idle: Duration::from_secs(2) };
}

const USAGE: &str = "Usage: benches/run.sh [--smoke] [FIGURE...]

  FIGURE     approve (Q1, Q2), start (Q4), idle (Q5); all of them when none is named
  --smoke    tiny counts, to see that everything works; its numbers say nothing

Ends with a table: figure, floor, ratio, target.";

const FIGURES: [&str; 3] = ["approve", "start", "idle"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "floor") {
        return floors::serve(&words[1..]);
    }
    // Cargo adds --bench; without it this is a test run, which measures nothing.
    if !words.iter().any(|word| word == "--bench") {
        return;
    }
    let named: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let unknown = named.iter().any(|name| !FIGURES.contains(name));
    if unknown || words.iter().any(|word| word == "--help") {
        println!("{USAGE}");
        std::process::exit(if unknown { 2 } else { 0 });
    }
    let extent = if words.iter().any(|word| word == "--smoke") { Extent::SMOKE } else { Extent::WHOLE };
    println!("{}", machine::described());
    let wanted = |name: &str| named.is_empty() || named.contains(&name);
    let mut lines: Vec<Line> = Vec::new();
    if wanted("approve") {
        lines.extend(approving::measure(extent));
    }
    if wanted("start") {
        lines.extend(starting::measure(extent));
    }
    if wanted("idle") {
        lines.extend(idle::measure(extent));
    }
    println!("\n{}", statistics::table(&lines));
    println!("{}", machine::load());
}
