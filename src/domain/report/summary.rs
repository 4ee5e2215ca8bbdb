//! What concerns the incident as a whole: summary, triggers, decision, updates.

use super::evidence::evidence_lines;
use super::{
    BeatPart, DebtPart, DecisionPart, Names, SeverityChange, Summary, TriggerPart, UpdatePart, UpdatesPart, actor, said,
};
use crate::domain::Timestamp;
use crate::domain::event::{Event, Recorded, TriggerSeen};
use crate::domain::figures::{confirmed_at, decisive};
use crate::domain::procedure::Procedure;
use crate::domain::progress::state_words;
use crate::domain::state::{Attempt, AttemptStatus, Incident};
use crate::domain::words::{lower_first, plain, thousands};
use std::collections::BTreeSet;

pub fn summary(journal: &[Recorded], incident: &Incident, procedure: &Procedure, names: Names) -> Summary {
    // As in the whole report: the journal knows no later moment.
    let told_at = journal.last().map_or(incident.opened_at, |last| last.at);
    let category = procedure.category(&incident.category);
    let closed = incident.closed.as_ref();
    let by = |person: Option<&crate::domain::PersonId>| person.map_or_else(|| "Backout".to_owned(), names);
    Summary {
        id: incident.id.clone(),
        title: incident.title.clone(),
        headline: headline(incident, told_at),
        state: state_words(incident, told_at),
        severity: incident.severity,
        severity_changes: journal.iter().filter_map(|recorded| severity_change(recorded, names)).collect(),
        category: category.map_or_else(|| plain(&incident.category), |category| category.title.clone()),
        marks: category.and_then(|category| category.marks.clone()),
        environment: incident.environment.clone(),
        component: incident.component.clone(),
        outage: incident.outage,
        users_affected: affected(incident, names),
        lost: lost(incident, procedure),
        opened_at: incident.opened_at,
        opened_by: by(incident.opened_by.as_ref()),
        closed_at: closed.map(|closed| closed.at),
        closed_by: closed.map(|closed| by(closed.by.as_ref())),
        outcome: closed.map(|closed| closed.outcome.to_string()),
        closing_reason: closed.map(|closed| closed.reason.clone()),
        duration: closed.map(|closed| closed.at.shown_since(incident.opened_at)),
        commander: incident.commander.as_ref().map(names),
        technical_lead: incident.technical_lead.as_ref().map(names),
        playbook_version: incident.playbook_version.clone(),
        playbook: incident.playbook.clone(),
    }
}

/// Who is affected, as it was reported at the opening and as a person said it since; `None` where nobody did.
fn affected(incident: &Incident, names: Names) -> Option<String> {
    let said = incident.impact.as_ref().and_then(|told| {
        let people = thousands(told.said.people?);
        let how = if told.said.people_note.is_empty() { String::new() } else { format!("{}, ", told.said.people_note) };
        Some(format!("{people} people ({how}said by {})", names(&told.by)))
    });
    let parts: Vec<String> = [said, incident.users_affected_ppm.map(share)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; first reported as "))
}

fn lost(incident: &Incident, procedure: &Procedure) -> Vec<String> {
    let mut lost = Vec::new();
    for attempt in &incident.attempts {
        for (action, backup) in attempt.restorations_begun(procedure) {
            let (component, name, number) = (&backup.component, &backup.name, attempt.number);
            lost.push(if attempt.is_done(&action.name) {
                format!("What was written to the data of {component} after {name} was taken: attempt {number} restored that backup.")
            } else {
                format!(
                    "Perhaps what was written to the data of {component} after {name} was taken: attempt {number} began to \
                     restore that backup."
                )
            });
        }
    }
    lost
}

/// Parts per million as a share: `about 12.5 %`.
fn share(ppm: i64) -> String {
    let tenths = (ppm + 500) / 1_000;
    format!("about {}.{}\u{a0}%", tenths / 10, tenths % 10)
}

fn headline(incident: &Incident, told_at: Timestamp) -> String {
    let restored = decisive(incident).and_then(|attempt| confirmed_at(attempt).map(|at| (attempt, at)));
    if let Some((attempt, at)) = restored {
        let mut kind = attempt.draft.kind.to_string();
        kind[..1].make_ascii_uppercase();
        let moves: Vec<String> = attempt
            .draft
            .targets
            .iter()
            .map(|target| match &target.from {
                Some(from) => format!("{} from {from} to {}", target.component, target.name),
                None => format!("{} to {}", target.component, target.name),
            })
            .collect();
        let first_seen = incident.triggers.first().map_or(incident.opened_at, |trigger| trigger.seen_at);
        let after = at.shown_since(first_seen);
        let before = incident.attempts.iter().take_while(|other| other.number < attempt.number);
        let failed: Vec<String> = before
            .filter(|other| other.started_at().is_some())
            .map(|other| format!(" Attempt {} {} before.", other.number, other.status().stands()))
            .collect();
        return format!(
            "{kind} of {} in {} on {}. Verified at {} UTC, {after} after it was first seen.{}",
            moves.join(", "),
            attempt.draft.environment,
            at.date(),
            at.time_of_day(),
            failed.concat(),
        );
    }
    match (&incident.closed, decisive(incident)) {
        (Some(closed), _) => format!("Closed at {}: {}.", closed.at.in_words(), closed.outcome),
        (None, Some(attempt)) if attempt.status() == AttemptStatus::Failed => {
            format!("Attempt {} failed{}; the incident is open.", attempt.number, ended(attempt))
        }
        (None, _) => format!("The incident is open: {}.", state_words(incident, told_at)),
    }
}

fn ended(attempt: &Attempt) -> String {
    attempt.end.as_ref().map_or_else(String::new, |end| format!(" at {} UTC", end.at.time_of_day()))
}

fn severity_change(recorded: &Recorded, names: Names) -> Option<SeverityChange> {
    let Event::SeverityChanged { from, to, reason, .. } = &recorded.event else { return None };
    Some(SeverityChange { at: recorded.at, by: actor(recorded, names), from: *from, to: *to, reason: reason.clone() })
}

pub fn triggers(journal: &[Recorded], procedure: &Procedure, names: Names) -> Vec<TriggerPart> {
    let part = |recorded: &Recorded, seen: &TriggerSeen| TriggerPart {
        text: seen.text.clone(),
        category: procedure.category(&seen.category).map_or_else(|| plain(&seen.category), |known| known.title.clone()),
        saw: seen.saw.clone(),
        seen_at: seen.seen_at,
        at: recorded.at,
        by: actor(recorded, names),
        evidence: evidence_lines(&seen.evidence),
    };
    journal
        .iter()
        .filter_map(|recorded| match &recorded.event {
            Event::Opened(opened) => Some(part(recorded, &opened.trigger)),
            Event::TriggerJoined { trigger } => Some(part(recorded, trigger)),
            _ => None,
        })
        .collect()
}

pub fn decision(journal: &[Recorded], incident: &Incident, procedure: &Procedure, names: Names) -> DecisionPart {
    let advice = &incident.advice;
    let rule = procedure.rules.iter().find(|rule| rule.name == advice.rule);
    let mut debts: Vec<DebtPart> = Vec::new();
    for recorded in journal {
        match &recorded.event {
            Event::RatificationOwed { by, why } => {
                debts.push(DebtPart { by: by.to_string(), why: why.clone(), owed_at: recorded.at, paid: None });
            }
            Event::Ratified { reason } => {
                for debt in debts.iter_mut().filter(|debt| debt.paid.is_none()) {
                    debt.paid = Some(said(recorded, reason, names));
                }
            }
            _ => {}
        }
    }
    DecisionPart {
        advice: advice.decision.to_string(),
        rule: rule.map_or_else(|| plain(&advice.rule), |rule| rule.text.clone()),
        because: lower_first(&advice.because),
        otherwise: advice.otherwise.clone(),
        authority: advice.authority.clone(),
        debts,
    }
}

pub fn updates(journal: &[Recorded], incident: &Incident, names: Names) -> UpdatesPart {
    let mut sent = Vec::new();
    // One that nobody sent is recorded at its time, and told again by the next one that went out.
    let mut missed: BTreeSet<u32> = BTreeSet::new();
    let mut beats = Vec::new();
    for recorded in journal {
        match &recorded.event {
            Event::UpdateSent(update) => {
                missed.extend(&update.missed);
                sent.push(UpdatePart {
                    number: update.number,
                    at: recorded.at,
                    due_at: update.due_at,
                    by: actor(recorded, names),
                    early: update.early,
                    late: update.late,
                    closing: update.closing,
                    text: update.text.clone(),
                });
            }
            Event::UpdateMissed { numbers, .. } => missed.extend(numbers),
            Event::BeatChanged { every, reason, .. } => {
                let by = actor(recorded, names);
                beats.push(BeatPart { at: recorded.at, by, every: *every, reason: reason.clone() });
            }
            _ => {}
        }
    }
    let times: Vec<Timestamp> = sent.iter().map(|update| update.at).collect();
    let longest_gap = times.windows(2).map(|pair| pair[1].shown_since(pair[0])).max();
    UpdatesPart { every: incident.cadence.every, sent, missed: missed.into_iter().collect(), longest_gap, beats }
}
