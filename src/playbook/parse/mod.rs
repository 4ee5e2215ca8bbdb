//! The chapters of a playbook, each read into its types.

mod checklists;
mod communication;
mod decisions;
mod execution;
mod people;
mod records;
mod triggers;

use super::fault::Fault;
use super::reader::{Reader, Words};
use super::sheet::Sheet;
use crate::domain::procedure::*;
use toml::de::DeTable;

/// Reads a playbook whole, or says everything that is wrong with it, in the order of the file.
pub fn parse(text: &str) -> Result<Procedure, Vec<Fault>> {
    let sheet = Sheet::new(text);
    let (document, broken) = DeTable::parse_recoverable(text);
    let procedure = Reader::over(&sheet, document.get_ref(), 0..0, "the playbook", whole);
    sheet.settle_references();
    let faults = sheet.into_faults(&broken);
    if faults.is_empty() { Ok(procedure) } else { Err(faults) }
}

fn whole(top: &mut Reader<'_>) -> Procedure {
    let (title, version, date, status) = (top.text("title"), top.text("version"), top.text("date"), top.text("status"));
    let sections = top.tables("sections", "a section", |section| Section {
        title: section.text("title"),
        level: u8::try_from(section.number("level", 1..=6)).unwrap_or(1),
        text: section.text_if_any("text"),
        seed: section.text_if_any("seed"),
    });
    let roles = people::roles(top);
    let executors = execution::executors(top);
    Procedure {
        title,
        version,
        date,
        status,
        sections,
        updates: communication::updates(top),
        approvals: decisions::approvals(top),
        previous_stable: decisions::previous_stable(top),
        responders: people::responders(top),
        contacts: people::contacts(top),
        categories: triggers::categories(top),
        triggers: triggers::triggers(top),
        rules: decisions::rules(top),
        authorities: decisions::authorities(top, &roles),
        types: decisions::types(top),
        checklists: checklists::checklists(top),
        verification: checklists::verification(top),
        communication: communication::phases(top),
        messages: communication::messages(top),
        assessments: records::assessments(top),
        drills: records::drills(top),
        scenarios: records::scenarios(top),
        documents: records::documents(top),
        actions: execution::actions(top, &executors),
        executors: executors.into_iter().map(|executor| executor.definition).collect(),
        practices: records::practices(top),
        after_tasks: records::after_tasks(top),
        links: records::links(top),
        roles,
    }
}

const SEVERITIES: Words<'_, Severity> =
    &[("P0", Severity::P0), ("P1", Severity::P1), ("P2", Severity::P2), ("P3", Severity::P3)];

const DECISIONS: Words<'_, Decision> = &[
    ("immediate", Decision::Immediate),
    ("considered", Decision::Considered),
    ("not_required", Decision::NotRequired),
];

const TYPES: Words<'_, RollbackType> = &[
    ("full", RollbackType::Full),
    ("partial", RollbackType::Partial),
    ("database", RollbackType::Database),
    ("configuration", RollbackType::Configuration),
];

/// A line that is said, not acted on.
fn line(reader: &mut Reader<'_>) -> Line {
    Line { text: reader.text("text"), seed: reader.text_if_any("seed") }
}

/// `{ from = "5m", to = "15m" }`; without `to` it stays open.
fn window(reader: &mut Reader<'_>) -> Option<Window> {
    let at = reader.place_or_table("window");
    reader.table("window", "the window", |window| {
        let from = window.span_from_zero("from").unwrap_or_default();
        let to = window.span_from_zero("to");
        if let Some(to) = to
            && from >= to
        {
            let message = format!("the window ends at {to}, not after its start at {from}");
            window.sheet.fault(&at, message, "let `to` be later than `from`");
        }
        Window { from, to }
    })
}
