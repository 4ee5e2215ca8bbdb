//! The written procedure and the default playbook say the same: no requirement of the one is missing in the other.
//!
//! Within a chapter of the playbook the entries stand in the order of the written lines. So a line that is written
//! twice ("Update status page", "Database Rollback") is told apart by what stands before it: each chapter is laid along
//! the text from top to bottom, and an entry takes the first line that reads so.

use crate::support::seed::{Mark, PROCEDURE, Requirement, requirements};
use backout::playbook::{default_procedure, seeds};
use std::collections::{BTreeMap, BTreeSet};

/// Lays every chapter along the text. Returns the lines (from 1) that the chapter's entries come from.
fn lines_by_chapter(text: &str) -> BTreeMap<&'static str, Vec<usize>> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let procedure = default_procedure();
    let mut chapters: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    let mut lost = Vec::new();
    for seed in seeds(&procedure) {
        let found = chapters.entry(seed.chapter).or_default();
        let after = if starts_again(seed.chapter) { 0 } else { found.last().copied().unwrap_or(0) };
        match lines.iter().skip(after).position(|line| *line == seed.line) {
            Some(ahead) => found.push(after + ahead + 1),
            None => lost.push(format!("{}: {:?}", seed.chapter, seed.line)),
        }
    }
    assert!(lost.is_empty(), "no line of the procedure, after those before, reads:\n{}", lost.join("\n"));
    chapters
}

/// The sections of a form are asked in an order of their own.
fn starts_again(chapter: &str) -> bool {
    chapter == "assessments"
}

/// Requirements, other than those of the table of contents, that no entry acts on.
fn unmet(chapters: &BTreeMap<&str, Vec<usize>>) -> Vec<Requirement> {
    let met: BTreeSet<usize> = chapters.values().flatten().copied().collect();
    requirements().filter(|requirement| !met.contains(&requirement.line)).collect()
}

#[test]
fn every_heading_bullet_and_number_of_the_procedure_is_in_the_playbook() {
    let unmet = unmet(&lines_by_chapter(PROCEDURE));
    assert!(unmet.is_empty(), "not in the playbook: {unmet:#?}");
    let count = |wanted: fn(Mark) -> bool| requirements().filter(|requirement| wanted(requirement.mark)).count();
    assert_eq!(count(|mark| matches!(mark, Mark::Heading(_) | Mark::ScriptCaption)), 84);
    assert_eq!(count(|mark| mark == Mark::Bullet), 197);
    assert_eq!(count(|mark| mark == Mark::Numbered), 35);
}

#[test]
fn the_table_of_contents_has_every_heading_once_in_its_order() {
    let headings: Vec<(usize, usize, String)> = requirements()
        .filter_map(|Requirement { line, mark, text }| match mark {
            Mark::Heading(level) => Some((line, level, text)),
            _ => None,
        })
        .collect();
    let sections = default_procedure().sections.into_iter().map(|section| (usize::from(section.level), section.title));
    assert_eq!(
        sections.collect::<Vec<_>>(),
        headings.iter().map(|(_, level, text)| (*level, text.clone())).collect::<Vec<_>>()
    );
    let laid = &lines_by_chapter(PROCEDURE)["sections"];
    assert_eq!(laid, &headings.iter().map(|(line, _, _)| *line).collect::<Vec<_>>());
}

#[test]
fn a_line_that_is_written_twice_is_met_twice() {
    let chapters = lines_by_chapter(PROCEDURE);
    let met = |chapter: &str, line: &str| {
        let lines: Vec<&str> = PROCEDURE.lines().map(str::trim_end).collect();
        chapters[chapter].iter().filter(|number| lines[**number - 1] == line).count()
    };
    assert_eq!(met("checklists", "1. Update status page"), 2);
    assert_eq!(met("sections", "### Database Rollback"), 1);
    assert_eq!(met("sections", "#### **When Used**"), 4);
    assert_eq!(met("types", "- Security breaches") + met("rules", "- Security breaches"), 2);
    assert_eq!(met("scenarios", "4. Verify data integrity") + met("checklists", "   - Verify data integrity"), 2);
}

#[test]
fn a_requirement_that_the_playbook_does_not_have_is_found() {
    let text = PROCEDURE.replace("- Credential exposure\n", "");
    let laid = std::panic::catch_unwind(|| lines_by_chapter(&text));
    assert!(laid.is_err(), "an entry from no line of the procedure must be reported");
    let mut chapters = lines_by_chapter(PROCEDURE);
    chapters.remove("practices");
    assert!(unmet(&chapters).iter().any(|requirement| requirement.text == "Maintain calm and methodical approach"));
}
