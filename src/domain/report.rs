//! The rollback report (R1): a journal folded into one document of plain data. It says nothing that the journal does not.
//!
//! [`report`] gives structs that a page, a Markdown file and a JSON answer all render: instants and spans stay numbers,
//! everything else is words of the playbook. People's names come from outside, because the journal knows identifiers
//! alone. What people still have to write stands in [`Report::missing`] until it is there.

mod attempts;
mod documents;
mod evidence;
mod summary;
#[cfg(test)]
pub mod tests;

use super::apply::fold;
use super::event::Recorded;
use super::figures::{self, Figures, StepTimes};
use super::lanes::{Lanes, lanes};
use super::procedure::Procedure;
use super::recovery::{Trace, traces};
use super::story::{Story, Told};
use super::{PersonId, Severity, Span, Timestamp};
use serde::Serialize;

/// What calls a person by name.
pub type Names<'a> = &'a dyn Fn(&PersonId) -> String;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The document's title in the playbook.
    pub title: String,
    /// How long the playbook keeps it, counted from the closing.
    pub keep: Option<Span>,
    pub keep_until: Option<Timestamp>,
    pub summary: Summary,
    pub triggers: Vec<TriggerPart>,
    pub decision: DecisionPart,
    pub attempts: Vec<AttemptPart>,
    pub updates: UpdatesPart,
    /// What people write: user impact assessment, lessons learned.
    pub sections: Vec<SectionPart>,
    /// What is still to come until the report is complete, a sentence each.
    pub missing: Vec<String>,
    pub figures: Figures,
    /// What was measured, as far as the journal kept it.
    pub measured: Vec<Trace>,
    /// Oldest first.
    pub timeline: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub id: String,
    pub title: String,
    /// What happened, in a sentence or two.
    pub headline: String,
    pub state: String,
    pub severity: Severity,
    pub severity_changes: Vec<SeverityChange>,
    pub category: String,
    /// "safety-critical" and the like.
    pub marks: Option<String>,
    pub environment: String,
    pub component: String,
    pub outage: bool,
    /// The share of users, in words; `None` is not known.
    pub users_affected: Option<String>,
    /// What restorations took away, or may have: a sentence each.
    pub lost: Vec<String>,
    pub opened_at: Timestamp,
    pub opened_by: String,
    pub closed_at: Option<Timestamp>,
    pub closed_by: Option<String>,
    pub outcome: Option<String>,
    pub closing_reason: Option<String>,
    /// From opening to closing.
    pub duration: Option<Span>,
    pub commander: Option<String>,
    pub technical_lead: Option<String>,
    pub playbook_version: String,
    /// The content hash of the playbook that held.
    pub playbook: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeverityChange {
    pub at: Timestamp,
    pub by: String,
    pub from: Severity,
    pub to: Severity,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriggerPart {
    pub text: String,
    pub category: String,
    /// What was seen, in words.
    pub saw: String,
    pub seen_at: Timestamp,
    /// When it opened the incident or joined it.
    pub at: Timestamp,
    pub by: String,
    /// The frozen evidence as lines of what and value.
    pub evidence: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionPart {
    pub advice: String,
    pub rule: String,
    pub because: String,
    pub otherwise: String,
    /// Who must agree, in a plain sentence.
    pub authority: String,
    pub debts: Vec<DebtPart>,
}

/// What a role had to agree to afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DebtPart {
    pub by: String,
    pub why: String,
    pub owed_at: Timestamp,
    pub paid: Option<Said>,
}

/// What a person said, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    pub by: String,
    pub at: Timestamp,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptPart {
    pub number: u32,
    pub status: String,
    /// "full rollback of crisis-detection to 4.11.3".
    pub what: String,
    pub why: String,
    /// The attempt that it is the restoration after.
    pub escalates: Option<u32>,
    pub drafted: Said,
    /// Every plan that was ever submitted, oldest first.
    pub submissions: Vec<Submission>,
    /// The newest plan.
    pub plan: Option<PlanPart>,
    /// Every approval ever given, also those that became void.
    pub approvals: Vec<ApprovalPart>,
    pub waivers: Vec<Waiver>,
    pub assessments: Vec<AssessmentPart>,
    pub start_ordered: Option<Said>,
    /// T+0.
    pub started_at: Option<Timestamp>,
    pub runs: Vec<RunPart>,
    pub stop: Option<Said>,
    pub steps: Vec<StepTimes>,
    /// The steps side by side, from T+0 on.
    pub lanes: Option<Lanes>,
    pub checklists: Vec<ChecklistPart>,
    /// `None` where nothing was started: then there was nothing to verify.
    pub verification: Option<VerificationPart>,
    /// Who ended it and why; an empty text for a success.
    pub end: Option<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Submission {
    pub at: Timestamp,
    pub by: String,
    pub digest: String,
    pub narrowed: Option<String>,
    /// What made it void.
    pub void: Option<Void>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Void {
    pub at: Timestamp,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanPart {
    pub kind: String,
    pub digest: String,
    pub environment: String,
    pub components: Vec<String>,
    pub severity: Severity,
    pub decision: String,
    pub rule: String,
    /// "incident commander approves", one for each slot.
    pub slots: Vec<String>,
    /// When it starts, in words.
    pub start: String,
    pub targets: Vec<TargetPart>,
    pub actions: Vec<ActionPart>,
    pub scope: Vec<String>,
    pub not_covered: Vec<String>,
    pub fallback: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetPart {
    pub kind: String,
    pub component: String,
    /// What ran before; `None` is not known.
    pub from: Option<String>,
    pub to: String,
    pub checksum: String,
    /// Typed by hand; no register knew it.
    pub free_text: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionPart {
    pub title: String,
    pub executor: String,
    pub place: String,
    pub directory: String,
    /// The program and its arguments; empty where people carry it out.
    pub argv: Vec<String>,
    /// Commands that people were given.
    pub by_hand: Vec<String>,
    /// Path and SHA-256 of each script.
    pub scripts: Vec<(String, String)>,
    pub grants: Vec<String>,
    pub time_limit: Span,
    pub mode: String,
    /// Items that had to be ticked before it.
    pub needs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalPart {
    pub by: String,
    pub role: String,
    pub at: Timestamp,
    pub strength: String,
    pub comment: String,
    pub digest: String,
    pub expires_at: Timestamp,
    pub void: Option<Void>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiver {
    pub item: String,
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssessmentPart {
    pub title: String,
    pub by: String,
    pub at: Timestamp,
    /// Question and answer.
    pub answers: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunPart {
    pub id: String,
    pub action: String,
    pub host: String,
    pub by_hand: bool,
    pub started_at: Timestamp,
    /// From T+0.
    pub offset: Span,
    pub state: String,
    /// "succeeded, exit 0"; the state's word where no exit is known.
    pub end: String,
    pub ended_at: Option<Timestamp>,
    pub duration: Option<Span>,
    pub time_limit: Span,
    pub lines: Option<i64>,
    pub log_sha256: Option<String>,
    pub log_cut: bool,
    /// Why it was lost, or what a person saw.
    pub word: Option<String>,
    pub judged: Option<Said>,
    /// Who ordered a new run in its place.
    pub retried: Option<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChecklistPart {
    /// `None` before the rollback.
    pub step: Option<u8>,
    pub title: String,
    pub items: Vec<ItemPart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemPart {
    pub group: Option<String>,
    pub text: String,
    /// "if needed".
    pub condition: Option<String>,
    pub state: TickState,
    pub by: Option<String>,
    pub at: Option<Timestamp>,
    /// Note, evidence or reason.
    pub detail: String,
}

/// How an item or criterion stands at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TickState {
    Open,
    Done,
    /// Ticked by the machine, with proof.
    Proven,
    NotNeeded,
    Waived,
}

impl TickState {
    pub const fn words(self) -> &'static str {
        match self {
            TickState::Open => "not ticked",
            TickState::Done => "done",
            TickState::Proven => "done, with proof",
            TickState::NotNeeded => "not needed",
            TickState::Waived => "waived",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerificationPart {
    pub criteria: Vec<CriterionPart>,
    pub indicators: Vec<IndicatorPart>,
    /// What the read-back said when success was confirmed.
    pub version_proof: Option<String>,
    /// Checks of the steps that were not ticked when success was confirmed.
    pub unticked: Vec<String>,
    pub confirmed: Option<Said>,
    /// Values at T+0, in words.
    pub baseline: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CriterionPart {
    pub text: String,
    /// "below 1.0 %"; `None` where nothing is measured.
    pub required: Option<String>,
    pub state: TickState,
    pub measured_at_tick: Option<String>,
    pub measured_at_confirmation: Option<String>,
    pub by: Option<String>,
    pub at: Option<Timestamp>,
    pub detail: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndicatorPart {
    pub text: String,
    /// "not seen", "being watched", "seen"; `None` where nobody judged it.
    pub sign: Option<String>,
    pub note: String,
    pub measured: Option<String>,
    pub by: Option<String>,
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpdatesPart {
    pub every: Span,
    pub sent: Vec<UpdatePart>,
    /// Numbers of promises that passed in silence.
    pub missed: Vec<u32>,
    /// The longest time between two updates.
    pub longest_gap: Option<Span>,
    /// Other beats that were promised.
    pub beats: Vec<BeatPart>,
}

/// Another beat, and who promised it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BeatPart {
    pub at: Timestamp,
    pub by: String,
    pub every: Span,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpdatePart {
    pub number: u32,
    pub at: Timestamp,
    pub due_at: Timestamp,
    pub by: String,
    pub early: bool,
    pub late: bool,
    /// It went out with the closing.
    pub closing: bool,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SectionPart {
    pub name: String,
    pub title: String,
    pub written: Option<Said>,
    /// Stands in until somebody writes the section.
    pub from_assessments: Vec<AssessmentPart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its permanent number in the incident's journal.
    pub version: i64,
    pub at: Timestamp,
    /// Since the T+0 of the attempt under way.
    pub offset: Option<Span>,
    #[serde(flatten)]
    pub told: Told,
}

/// The report as the journal has it so far. `None` for a journal without its opening.
pub fn report(journal: &[Recorded], procedure: &Procedure, names: Names) -> Option<Report> {
    let incident = fold(journal)?;
    let mut attempts = attempts::attempts(journal, &incident, procedure, names);
    // The journal alone knows no later moment than that of its last entry.
    let told_at = journal.last().map_or(incident.opened_at, |last| last.at);
    for (part, attempt) in attempts.iter_mut().zip(&incident.attempts) {
        part.lanes = lanes(&incident, attempt, procedure, told_at);
    }
    let document = documents::rollback_report(procedure);
    let sections = documents::sections(document, &incident, &attempts, names);
    let missing = documents::missing(document, &incident, &sections);
    let keep = document.and_then(|document| document.keep.max(document.legal_floor));
    Some(Report {
        title: document.map_or_else(|| "Rollback report".to_owned(), |document| document.title.clone()),
        keep,
        keep_until: incident.closed.as_ref().zip(keep).map(|(closed, keep)| closed.at + keep),
        summary: summary::summary(journal, &incident, procedure, names),
        triggers: summary::triggers(journal, procedure, names),
        decision: summary::decision(journal, &incident, procedure, names),
        updates: summary::updates(journal, &incident, names),
        figures: figures::figures(&incident, procedure),
        measured: telling(traces(&incident, procedure, &[], None)),
        timeline: timeline(journal, &attempts, procedure, names),
        attempts,
        sections,
        missing,
    })
}

/// The measurements that belong into a report: what success asks for, and what passed a trigger.
pub fn telling(traces: Vec<Trace>) -> Vec<Trace> {
    traces.into_iter().filter(|trace| trace.goal.is_some() || trace.alarmed()).collect()
}

fn timeline(journal: &[Recorded], attempts: &[AttemptPart], procedure: &Procedure, names: Names) -> Vec<Entry> {
    let story = Story::of(journal, names, procedure);
    let starts: Vec<Timestamp> = attempts.iter().filter_map(|attempt| attempt.started_at).collect();
    journal
        .iter()
        .map(|recorded| Entry {
            version: recorded.version,
            at: recorded.at,
            offset: starts.iter().rfind(|start| **start <= recorded.at).map(|start| recorded.at.shown_since(*start)),
            told: story.tell(recorded),
        })
        .collect()
}

/// A person by name, or Backout.
fn actor(recorded: &Recorded, names: Names) -> String {
    recorded.actor.person().map_or_else(|| "Backout".to_owned(), names)
}

fn said(recorded: &Recorded, text: &str, names: Names) -> Said {
    Said { by: actor(recorded, names), at: recorded.at, text: text.to_owned() }
}
