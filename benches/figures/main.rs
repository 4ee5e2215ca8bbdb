//! The product's figures: how quick, how small, and how near to what the machine can do at all.
//!
//! Each figure stands beside a **floor**: a few lines of code that do only the unavoidable, measured in the same run and
//! in turns with the product, so that a noisy machine disturbs both alike. The ratio is the figure. Start it with
//! `benches/run.sh`, which builds what it needs; `benches/run.sh --help` says what can be asked for.
//!
//! Nothing here is a test, and no test measures time.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made ends the run, as a test does")]

mod approving;
mod crowd;
mod events;
mod floors;
mod http;
mod idle;
mod incidents;
mod lines;
mod machine;
mod pages;
#[path = "../../tests/it/support/postgres.rs"]
mod postgres;
mod product;
mod seeding;
mod starting;
mod statistics;
mod viewers;

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
    /// How long the list is fetched before it is the floor's turn.
    pub slice: Duration,
    /// How often a room is fetched for its first byte.
    pub first_bytes: usize,
    /// Viewers of one room, and in the stress case.
    pub viewers: usize,
    pub stress: usize,
    /// Events that they hear of.
    pub events: usize,
    /// How long a script prints.
    pub seconds_of_lines: usize,
}

impl Extent {
    const WHOLE: Extent = Extent {
        approvals: 300,
        starts: 20,
        past: 100_000,
        idle: Duration::from_secs(60),
        slice: Duration::from_secs(3),
        first_bytes: 500,
        viewers: 1_000,
        stress: 10_000,
        events: 100,
        seconds_of_lines: 30,
    };
    /// To see that everything still works: its numbers say nothing.
    const SMOKE: Extent = Extent {
        approvals: 5,
        starts: 2,
        past: 200,
        idle: Duration::from_secs(2),
        slice: Duration::from_millis(200),
        first_bytes: 20,
        viewers: 50,
        stress: 200,
        events: 10,
        seconds_of_lines: 3,
    };

    fn length_of_lines(self) -> Duration {
        Duration::from_secs(self.seconds_of_lines as u64)
    }
}

const USAGE: &str = "Usage: benches/run.sh [--smoke] [FIGURE...]

  FIGURE     approve (Q1, Q2), start (Q4), idle (Q5), pages (Q6, Q15), viewers (Q8), lines (Q9);
             all of them when none is named
  --smoke    tiny counts, to see that everything works; its numbers say nothing

Ends with a table: figure, floor, ratio, target.";

type Measure = fn(Extent) -> Vec<Line>;

/// Each figure by its name.
const FIGURES: [(&str, Measure); 6] = [
    ("approve", approving::measure),
    ("start", starting::measure),
    ("idle", idle::measure),
    ("pages", pages::measure),
    ("viewers", viewers::measure),
    ("lines", lines::measure),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("floor") => return floors::serve(&words[1..]),
        Some("lines") => return lines::print(&words[1..]),
        _ => {}
    }
    // Cargo adds --bench; without it this is a test run, which measures nothing.
    if !words.iter().any(|word| word == "--bench") {
        return;
    }
    let named: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let unknown = named.iter().any(|name| FIGURES.iter().all(|(known, _)| known != name));
    if unknown || words.iter().any(|word| word == "--help") {
        println!("{USAGE}");
        std::process::exit(if unknown { 2 } else { 0 });
    }
    let extent = if words.iter().any(|word| word == "--smoke") { Extent::SMOKE } else { Extent::WHOLE };
    println!("{}", machine::described());
    let mut lines: Vec<Line> = Vec::new();
    for (name, measure) in FIGURES {
        if named.is_empty() || named.contains(&name) {
            println!("{name} …");
            lines.extend(measure(extent));
        }
    }
    println!("\n{}", statistics::table(&lines));
    println!("{}", machine::load());
}
