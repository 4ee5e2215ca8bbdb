//! What was measured is copied into the journal while it is still there: samples are dropped after some days, and a
//! report must show them for years (T11). Whenever an attempt that began has ended, and at the closing.

use super::Case;
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::state::Incident;

/// Whether this command can end an attempt or the incident, so that what was measured is wanted as a fact.
pub fn may_end(command: &Command) -> bool {
    matches!(
        command,
        Command::ConfirmSuccess { .. }
            | Command::DeclareFailed { .. }
            | Command::Stop { .. }
            | Command::FinishRun { .. }
            | Command::LoseRun { .. }
            | Command::JudgeRun { .. }
            | Command::ReportByHand { .. }
            | Command::Close { .. }
    )
}

pub(super) fn keep(case: &Case, before: &Incident, after: &Incident) -> Option<Event> {
    let ended = |incident: &Incident| {
        let begun = incident.attempts.iter().filter(|attempt| attempt.started_at().is_some());
        begun.filter(|attempt| attempt.status().is_terminal()).count()
    };
    let closed = before.is_open() && !after.is_open();
    let measured = case.facts.curves.iter().any(|curve| curve.values.iter().any(Option::is_some));
    (measured && (closed || ended(after) > ended(before)))
        .then(|| Event::MeasuresKept { curves: case.facts.curves.to_vec() })
}
