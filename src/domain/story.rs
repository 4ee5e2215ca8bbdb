//! An event in one plain sentence, as the timeline, the progress feed and the report tell it.
//!
//! Who acted stands first by name; what follows by itself is Backout's doing, also where a person's act set it off. People
//! are named for decisions and confirmations, systems for faults. Names of the playbook's parts never show: its texts
//! do. [`Story`] knows the whole journal, so that the end of a run can say which action ended; [`tell`] knows one event.

mod deciding;
mod executing;
mod informing;
mod kind;

pub use kind::TimelineKind;

use super::PersonId;
use super::actor::Who;
use super::event::{Event, Recorded, RunStarting};
use super::procedure::Procedure;
use super::state::{Incident, RunId};
use super::words::action_title;
use serde::Serialize;
use std::collections::BTreeMap;

/// One entry of the timeline. Neither text ends with a full stop of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    pub kind: TimelineKind,
    /// One sentence in plain text.
    pub text: String,
    /// Reasons, evidence, a message's whole text: may have several lines.
    pub detail: Option<String>,
    /// The name of a symbol in the icon sheet.
    pub icon: &'static str,
}

/// The symbols that entries use; each stands in the icon sheet, `static/icons.svg`.
pub const ICONS: [&str; 21] = [
    "attention",
    "back",
    "bell",
    "check",
    "done",
    "evidence",
    "failed",
    "flag",
    "key",
    "lock",
    "message",
    "not-needed",
    "pause",
    "people",
    "person",
    "play",
    "pulse",
    "retry",
    "stop",
    "terminal",
    "waiting",
];

/// Tells one event without knowing the journal around it: a run is then named by its number.
pub fn tell(recorded: &Recorded, names: &dyn Fn(&PersonId) -> String, procedure: &Procedure) -> Told {
    Story { names, procedure, actions: BTreeMap::new() }.tell(recorded)
}

/// Whether this is told as Backout's doing whoever's act it followed from, or as that of nobody.
pub const fn follows_by_itself(event: &Event) -> bool {
    match event {
        Event::UpdateSent(update) => update.closing,
        Event::ItemMarked { mark, .. } | Event::CriterionMarked { mark: Some(mark), .. } => mark.by_machine(),
        Event::RatificationOwed { .. }
        | Event::PlanVoided { .. }
        | Event::StartRefused { .. }
        | Event::RunStarting(_)
        | Event::RunRunning { .. }
        | Event::RunFinished { .. }
        | Event::RunLost { .. }
        | Event::ActionHeld { .. }
        | Event::MeasuresKept { .. }
        | Event::VerdictOverdue { .. }
        | Event::UpdateAwaited { .. }
        | Event::UpdateMissed { .. }
        | Event::UpdateEscalated { .. } => true,
        _ => false,
    }
}

/// Tells the events of one journal.
pub struct Story<'a> {
    names: &'a dyn Fn(&PersonId) -> String,
    procedure: &'a Procedure,
    /// Which action each run carries out.
    actions: BTreeMap<RunId, String>,
}

impl<'a> Story<'a> {
    pub fn of(journal: &[Recorded], names: &'a dyn Fn(&PersonId) -> String, procedure: &'a Procedure) -> Story<'a> {
        let actions = journal
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::RunStarting(RunStarting { run, action, .. }) | Event::ReportedByHand { run, action, .. } => {
                    Some((run.clone(), action.clone()))
                }
                _ => None,
            })
            .collect();
        Story { names, procedure, actions }
    }

    /// The same from the folded incident, for whoever has one entry and not the whole journal at hand.
    pub fn of_incident(
        incident: &Incident,
        names: &'a dyn Fn(&PersonId) -> String,
        procedure: &'a Procedure,
    ) -> Story<'a> {
        let runs = incident.attempts.iter().flat_map(|attempt| &attempt.runs);
        Story { names, procedure, actions: runs.map(|run| (run.id.clone(), run.action.clone())).collect() }
    }

    pub fn tell(&self, recorded: &Recorded) -> Told {
        let who = self.actor(&recorded.actor);
        match &recorded.event {
            Event::Opened(_) | Event::TriggerJoined { .. } => self.tell_trigger(&who, &recorded.event),
            Event::RoleTaken { .. }
            | Event::RoleOffered { .. }
            | Event::SeverityChanged { .. }
            | Event::SeverityChangeAsked { .. }
            | Event::RatificationOwed { .. }
            | Event::Ratified { .. }
            | Event::FreezeLifted { .. }
            | Event::Closed { .. } => self.tell_command(&who, &recorded.event),
            Event::AttemptDrafted { .. }
            | Event::PlanEdited { .. }
            | Event::PlanSubmitted(_)
            | Event::PlanVoided { .. }
            | Event::PlanWithdrawn { .. }
            | Event::Assessed { .. } => self.tell_plan(&who, &recorded.event),
            Event::Approved(_)
            | Event::ApprovalWithdrawn { .. }
            | Event::ChangesRequested { .. }
            | Event::Declined { .. } => self.tell_approval(&who, &recorded.event),
            Event::StartOrdered { .. }
            | Event::StartRefused { .. }
            | Event::ActionReleased { .. }
            | Event::ActionHeld { .. }
            | Event::ActionResumed { .. }
            | Event::StopOrdered { .. } => self.tell_order(&who, &recorded.event),
            Event::RunStarting(_)
            | Event::RunRunning { .. }
            | Event::RunFinished { .. }
            | Event::RunLost { .. }
            | Event::RunJudged { .. }
            | Event::ReportedByHand { .. }
            | Event::RetryOrdered { .. } => self.tell_run(&who, &recorded.event),
            Event::ItemMarked { .. }
            | Event::ItemUnmarked { .. }
            | Event::CriterionMarked { .. }
            | Event::IndicatorMarked { .. }
            | Event::SuccessConfirmed { .. }
            | Event::VerdictOverdue { .. }
            | Event::FailureDeclared { .. }
            | Event::MeasuresKept { .. } => self.tell_verification(&who, &recorded.event),
            Event::UpdateEdited { .. }
            | Event::UpdateSent(_)
            | Event::UpdateAwaited { .. }
            | Event::UpdateMissed { .. }
            | Event::UpdateEscalated { .. }
            | Event::BeatChanged { .. }
            | Event::LinkPinned(_)
            | Event::LinkUnpinned { .. }
            | Event::NoteAdded { .. }
            | Event::Reminded { .. }
            | Event::ImpactDescribed(_)
            | Event::SectionWritten { .. } => self.tell_message(&who, &recorded.event),
        }
    }

    fn actor(&self, who: &Who) -> String {
        who.person().map_or_else(|| "Backout".to_owned(), |person| (self.names)(person))
    }

    fn action(&self, name: &str) -> String {
        action_title(self.procedure, name)
    }
}

fn told(kind: TimelineKind, icon: &'static str, text: String, details: impl IntoIterator<Item = String>) -> Told {
    let details: Vec<String> = details.into_iter().filter(|line| !line.trim().is_empty()).collect();
    Told { kind, text, detail: (!details.is_empty()).then(|| details.join("\n")), icon }
}

/// [`Story::tell`] alone sorts events to the parts above, exhaustively.
fn unreachable_kind(event: &Event) -> Told {
    unreachable!("{} is told in another part", event.kind())
}

#[cfg(test)]
mod tests;
