//! What is written and rehearsed: assessments, documents, drills, scenarios, practices, tasks afterwards, links.

use super::line;
use crate::domain::procedure::*;
use crate::playbook::reader::{Reader, Words};
use crate::playbook::sheet::Noun;

pub(super) fn assessments(top: &mut Reader<'_>) -> Vec<Assessment> {
    top.tables("assessment", "an assessment", |assessment| Assessment {
        name: assessment.name(Noun::Assessment),
        title: assessment.text("title"),
        role: assessment.reference("role", Noun::Role),
        sections: sections(assessment),
    })
}

/// Sections have names that are unique within their document.
fn sections(document: &mut Reader<'_>) -> Vec<DocumentSection> {
    let mut seen: Vec<String> = Vec::new();
    document.tables("sections", "a section", |section| {
        let name = section.text("name");
        if seen.contains(&name)
            && let Some(at) = section.place_of("name")
        {
            let message = format!("section `{name}` is named twice in one document");
            section.sheet.fault_about(at.start, &name, message, "give one of them another name");
        }
        seen.push(name.clone());
        DocumentSection {
            name,
            title: section.text("title"),
            typed: section.flag("typed", false),
            seed: section.text_if_any("seed"),
        }
    })
}

pub(super) fn drills(top: &mut Reader<'_>) -> Vec<DrillKind> {
    top.tables("drill", "a drill", |drill| DrillKind {
        name: drill.name(Noun::Drill),
        title: drill.text("title"),
        every: drill.span("every"),
        parts: drill.tables("parts", "a part", line),
        seed: drill.text_if_any("seed"),
    })
}

pub(super) fn scenarios(top: &mut Reader<'_>) -> Vec<Scenario> {
    top.tables("scenario", "a scenario", |scenario| Scenario {
        name: scenario.name(Noun::Scenario),
        title: scenario.text("title"),
        steps: scenario.tables("steps", "a step", line),
        seed: scenario.text_if_any("seed"),
    })
}

pub(super) fn documents(top: &mut Reader<'_>) -> Vec<Document> {
    top.tables("document", "a document", |document| {
        let definition = Document {
            name: document.name(Noun::Document),
            title: document.text("title"),
            sections: sections(document),
            keep: document.span_if_any("keep"),
            legal_floor: document.span_if_any("legal_floor"),
            seed: document.text_if_any("seed"),
            keep_seed: document.text_if_any("keep_seed"),
        };
        if let (Some(keep), Some(floor)) = (definition.keep, definition.legal_floor)
            && keep < floor
            && let Some(at) = document.place_of("keep")
        {
            let message = format!("{} would be kept for less than its legal floor", definition.title);
            document.sheet.fault(&at, message, "let `keep` be at least as long as `legal_floor`");
        }
        definition
    })
}

pub(super) fn practices(top: &mut Reader<'_>) -> Vec<Practice> {
    let phases = &[("preparation", "preparation"), ("execution", "execution"), ("post_rollback", "post_rollback")];
    top.tables("practice", "a practice", |practice| Practice {
        phase: practice.word("phase", phases).to_owned(),
        text: practice.text("text"),
        seed: practice.text_if_any("seed"),
    })
}

pub(super) fn after_tasks(top: &mut Reader<'_>) -> Vec<AfterTask> {
    top.tables("after_task", "a task afterwards", |task| AfterTask {
        text: task.text("text"),
        owner: task.reference("owner", Noun::Owner),
        within: task.span("within"),
        seed: task.text_if_any("seed"),
    })
}

const LINK_KINDS: Words<'_, LinkKind> =
    &[("call", LinkKind::Call), ("chat", LinkKind::Chat), ("runbook", LinkKind::Runbook), ("other", LinkKind::Other)];

pub(super) fn links(top: &mut Reader<'_>) -> Vec<Link> {
    top.tables("link", "a link", |link| Link {
        title: link.text("title"),
        target: link.text("target"),
        kind: link.word_if_any("kind", LINK_KINDS).unwrap_or_default(),
        component: link.text_if_any("component"),
        seed: link.text_if_any("seed"),
    })
}
