//! What people write themselves, and what a report still lacks.

use super::{AssessmentPart, AttemptPart, Names, Said, SectionPart};
use crate::domain::procedure::{Document, DocumentSection, Procedure};
use crate::domain::state::{AttemptStatus, Incident};

/// The playbook's rollback report: by its usual name, otherwise whatever is a report and no post-mortem.
pub fn rollback_report(procedure: &Procedure) -> Option<&Document> {
    let documents = &procedure.documents;
    documents.iter().find(|document| document.name == "rollback-report").or_else(|| {
        documents.iter().find(|document| document.name.contains("report") && !document.name.contains("post-mortem"))
    })
}

/// The sections that people write, whether written or not.
pub fn sections(
    document: Option<&Document>,
    incident: &Incident,
    attempts: &[AttemptPart],
    names: Names,
) -> Vec<SectionPart> {
    let Some(document) = document else { return Vec::new() };
    document
        .sections
        .iter()
        .filter(|section| section.typed)
        .map(|section| {
            let key = (document.name.clone(), section.name.clone());
            let written = incident
                .sections
                .get(&key)
                .filter(|written| !written.text.trim().is_empty())
                .map(|written| Said { by: names(&written.by), at: written.at, text: written.text.clone() });
            let from_assessments = if written.is_none() { standing_in(section, attempts) } else { Vec::new() };
            SectionPart { name: section.name.clone(), title: section.title.clone(), written, from_assessments }
        })
        .collect()
}

/// What users felt may already stand in an assessment of the impact.
fn standing_in(section: &DocumentSection, attempts: &[AttemptPart]) -> Vec<AssessmentPart> {
    if !section.name.contains("impact") {
        return Vec::new();
    }
    attempts
        .iter()
        .flat_map(|attempt| &attempt.assessments)
        .filter(|assessment| assessment.title.to_lowercase().contains("impact"))
        .cloned()
        .collect()
}

/// What stands between this report and a complete one, a sentence each.
pub fn missing(document: Option<&Document>, incident: &Incident, sections: &[SectionPart]) -> Vec<String> {
    let Some(document) = document else { return vec!["The playbook describes no rollback report.".to_owned()] };
    document
        .sections
        .iter()
        .filter_map(|section| {
            let written = sections.iter().find(|part| part.name == section.name);
            let lack = match written {
                Some(part) if part.written.is_some() || !part.from_assessments.is_empty() => None,
                Some(_) => Some("nobody has written it yet"),
                None => lack_of_facts(section, incident),
            };
            lack.map(|lack| format!("{}: {lack}.", section.title))
        })
        .collect()
}

/// Why a section that folds from the journal is not complete yet.
fn lack_of_facts(section: &DocumentSection, incident: &Incident) -> Option<&'static str> {
    let is = |word: &str| section.name.contains(word);
    let started = incident.attempts.iter().any(|attempt| attempt.started_at().is_some());
    let current = incident.current().map(|attempt| attempt.status());
    if is("summary") && incident.is_open() {
        Some("the incident is still open")
    } else if is("timeline") && incident.is_open() && !started {
        Some("nothing was executed yet")
    } else if is("timeline") && current.is_some_and(|status| status.holds_lock()) {
        Some("the rollback is under way")
    } else if is("verification") && started && current.is_some_and(|status| !status.is_terminal()) {
        Some("success is not confirmed yet")
    } else if is("verification") && incident.is_open() && current != Some(AttemptStatus::Succeeded) {
        Some("nothing was verified yet")
    } else {
        None
    }
}
