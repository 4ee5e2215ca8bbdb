//! What people do and tick: the checklists before, the steps, and the verification after.

use super::triggers::condition;
use super::{TYPES, line, window};
use crate::domain::procedure::*;
use crate::playbook::nearest::suggestion;
use crate::playbook::reader::Reader;
use crate::playbook::sheet::{Noun, Sheet};
use std::ops::Range;

pub(super) fn checklists(top: &mut Reader<'_>) -> Vec<Checklist> {
    top.tables("checklist", "a checklist", |list| Checklist {
        name: list.name(Noun::Checklist),
        title: list.text("title"),
        phase: phase(list),
        window: window(list),
        groups: list.tables("group", "a group", group),
        seed: list.text_if_any("seed"),
    })
}

/// Before the rollback there is no clock to have a window on; a step has its number and its window.
fn phase(list: &mut Reader<'_>) -> Phase {
    let is_step = list.word("phase", &[("before", false), ("step", true)]);
    if !is_step {
        if let Some(at) = list.place_of("window") {
            list.sheet.fault(&at, "a checklist before the rollback has no window", "leave the window out");
        }
        return Phase::Before;
    }
    let number = u8::try_from(list.number("step", 1..=99)).unwrap_or(1);
    if let Some(at) = list.place_of("step") {
        list.sheet.give(Noun::Step, &number.to_string(), at.start);
    }
    if !list.has("window") {
        let at = list.at.clone();
        list.sheet.missing(&at, format!("step {number} has no window"), "add window = { from = \"0m\", to = \"5m\" }");
    }
    Phase::Step(number)
}

fn group(group: &mut Reader<'_>) -> Group {
    Group {
        title: group.text_if_any("title"),
        condition: group.text_if_any("condition"),
        items: group.tables("item", "an item", item),
        seed: group.text_if_any("seed"),
    }
}

fn item(item: &mut Reader<'_>) -> Item {
    let name = item.name(Noun::Item);
    let text = item.text("text");
    let condition = item.text_if_any("condition");
    Item {
        name,
        text,
        owner: item.reference_if_any("owner", Noun::Owner),
        required: item.flag("required", condition.is_none()),
        condition,
        types: item.words("types", TYPES),
        evidence: item.text_or_table("evidence", "the evidence", plain_evidence(item.sheet), evidence_with_more),
        seed: item.text_if_any("seed"),
    }
}

fn plain_evidence(sheet: &Sheet<'_>) -> impl FnOnce(&str, Range<usize>) -> Option<Evidence> {
    let known = [
        ("trigger", Evidence::Trigger),
        ("previous_stable", Evidence::PreviousStable),
        ("target_registered", Evidence::TargetRegistered),
        ("backup_verified", Evidence::BackupVerified),
        ("scripts_present", Evidence::ScriptsPresent),
        ("plan_submitted", Evidence::PlanSubmitted),
        ("authorised", Evidence::Authorised),
        ("team_present", Evidence::TeamPresent),
        ("frozen", Evidence::Frozen),
        ("update_sent", Evidence::UpdateSent),
    ];
    move |text, at| {
        let found = known.iter().find(|(word, _)| *word == text).map(|(_, evidence)| evidence.clone());
        if found.is_none() {
            let words = known.iter().map(|(word, _)| *word).chain(["run", "metric"]);
            sheet.fault_about(at.start, text, format!("unknown evidence `{text}`"), suggestion(text, words));
        }
        found
    }
}

fn evidence_with_more(evidence: &mut Reader<'_>) -> Option<Evidence> {
    let run = evidence.reference_if_any("run", Noun::Action).map(Evidence::Run);
    let metric = evidence.table("metric", "the condition", |it| Evidence::Metric(condition(it, false)));
    if run.is_some() == metric.is_some() && evidence.has("run") == evidence.has("metric") {
        let at = evidence.at.clone();
        let mend = "write { run = \"ACTION\" } or { metric = { … } }";
        evidence.sheet.fault(&at, "evidence is either a `run` or a `metric`", mend);
    }
    run.or(metric)
}

pub(super) fn verification(top: &mut Reader<'_>) -> Verification {
    let read = |verification: &mut Reader<'_>| Verification {
        criteria: verification.tables("criterion", "a criterion", |criterion| Criterion {
            name: criterion.name(Noun::Criterion),
            text: criterion.text("text"),
            condition: criterion.table("condition", "the condition", |it| condition(it, false)),
            always_applies: criterion.flag("always_applies", false),
            proves_version: criterion.flag("proves_version", false),
            seed: criterion.text_if_any("seed"),
        }),
        indicators: verification.tables("indicator", "an indicator", |indicator| Indicator {
            name: indicator.name(Noun::Indicator),
            text: indicator.text("text"),
            seed: indicator.text_if_any("seed"),
            compares: indicator.reference_if_any("compares", Noun::Series),
        }),
        escalation: escalation(verification),
    };
    let Some(verification) = top.table("verification", "[verification]", read) else {
        let mend = "add [verification] with at least one [[verification.criterion]]";
        top.sheet.missing(&(0..0), "nothing says when a rollback has succeeded", mend);
        return Verification::default();
    };
    if verification.criteria.is_empty() {
        let at = top.place_or_table("verification");
        top.sheet.missing(&at, "nothing says when a rollback has succeeded", "add a [[verification.criterion]]");
    }
    verification
}

fn escalation(verification: &mut Reader<'_>) -> Line {
    if let Some(escalation) = verification.table("escalation", "the escalation", line) {
        return escalation;
    }
    if !verification.has("escalation") {
        let at = verification.at.clone();
        let mend = "add escalation = { text = \"…\" }";
        verification.sheet.missing(&at, "nothing says what to do when the rollback fails", mend);
    }
    Line::default()
}
