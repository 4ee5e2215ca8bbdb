//! What the clock owes: numbered commands that every replica may submit, without a lease; the second is quietly refused.

use super::command::Command;
use super::state::{Incident, RunState};
use super::{Span, Timestamp};

/// After its time limit and this much more, a run that nobody heard of is lost.
pub const SILENCE: Span = Span::seconds(60);

/// The next thing that is owed, and when. `None` when nothing is.
pub fn due(incident: &Incident) -> Option<(Timestamp, Command)> {
    let update = incident
        .updates
        .promised
        .filter(|_| incident.is_open())
        .map(|promise| (promise.due_at, Command::SendUpdate { number: promise.number, note: None }));
    let silent = incident
        .attempts
        .iter()
        .flat_map(|attempt| attempt.live_runs())
        .map(|run| {
            let began = if run.state == RunState::Starting { "started" } else { "ended" };
            let why = format!("nobody heard whether it {began}, and its time is long over");
            (run.starting_at + run.time_limit + SILENCE, Command::LoseRun { run: run.id.clone(), why })
        })
        .min_by_key(|(at, _)| *at);
    [update, silent].into_iter().flatten().min_by_key(|(at, _)| *at)
}
