//! What the machine ticks by itself, with the evidence shown (E1, P5). It opens again when the proof goes.

use super::Case;
use crate::domain::Role;
use crate::domain::event::{Event, Mark};
use crate::domain::facts::{Facts, Registered};
use crate::domain::plan::Target;
use crate::domain::procedure::{Evidence, Phase, TargetKind};
use crate::domain::state::{Attempt, AttemptStatus, Incident};

/// The ticks that became provable, and those by the machine whose proof is gone.
pub(super) fn settle(case: &Case, incident: &Incident) -> Vec<Event> {
    let Some(attempt) = incident.current().filter(|attempt| incident.is_open() && !attempt.status().is_terminal())
    else {
        return Vec::new();
    };
    let before_start = matches!(attempt.status(), AttemptStatus::Draft | AttemptStatus::Submitted);
    let kind = attempt.plan().map_or(attempt.draft.kind, |plan| plan.kind);
    let mut events = Vec::new();
    for (list, _, item) in case.facts.procedure.items() {
        let Some(evidence) = &item.evidence else { continue };
        if !item.types.is_empty() && !item.types.contains(&kind) {
            continue;
        }
        // Once started, what was proven before stays as it was when the start was allowed.
        if list.phase == Phase::Before && !before_start {
            continue;
        }
        let proof = prove(case, incident, attempt, evidence);
        match (attempt.marks.get(&item.name), proof) {
            (None, Some(evidence)) => events.push(Event::ItemMarked {
                attempt: attempt.number,
                item: item.name.clone(),
                mark: Mark::Proven { evidence },
            }),
            (Some(marked), None) if marked.mark.by_machine() && before_start => events.push(Event::ItemUnmarked {
                attempt: attempt.number,
                item: item.name.clone(),
                why: String::from("the proof is gone"),
            }),
            _ => {}
        }
    }
    events
}

/// What the register knows of a target that was chosen from it. A name typed by hand is not that of what was registered
/// under it since.
fn registered<'a>(facts: &'a Facts, target: &Target) -> Option<&'a Registered> {
    facts.registered(target.kind, &target.component, &target.name).filter(|_| !target.free_text)
}

/// The proof in words, if there is one.
fn prove(case: &Case, incident: &Incident, attempt: &Attempt, evidence: &Evidence) -> Option<String> {
    let facts = case.facts;
    let component = &incident.component;
    match evidence {
        Evidence::Trigger => incident.triggers.first().map(|trigger| format!("{}: {}", trigger.text, trigger.saw)),
        Evidence::PreviousStable => facts
            .stable_stint(component)
            .map(|stint| format!("{} ran since {} without an incident", stint.release.name, stint.from.in_words())),
        Evidence::TargetRegistered => {
            let targets = attempt.targets();
            let known = targets
                .iter()
                .all(|target| registered(facts, target).is_some_and(|entry| entry.checksum == target.checksum));
            let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
            (known && !targets.is_empty()).then(|| format!("{} stands in the register", names.join(", ")))
        }
        Evidence::BackupVerified => {
            let targets = attempt.targets();
            let mut chosen = targets.iter().filter(|target| target.kind == TargetKind::Backup).peekable();
            let backups = match chosen.peek() {
                // Another one, however well proven, says nothing of the one that is restored.
                Some(_) => chosen.map(|target| registered(facts, target)).collect::<Option<Vec<_>>>()?,
                None => vec![facts.newest_backup(component)?],
            };
            let verified = backups
                .iter()
                .map(|backup| Some(format!("{} verified {}", backup.name, backup.verified_at?.in_words())));
            Some(verified.collect::<Option<Vec<_>>>()?.join(", "))
        }
        Evidence::ScriptsPresent => {
            let plan = attempt.plan()?;
            let scripts: Vec<&str> = plan
                .actions
                .iter()
                .flat_map(|action| action.scripts.iter().map(|script| script.path.as_str()))
                .collect();
            (!scripts.is_empty()).then(|| format!("{} found, content fixed by digest", scripts.join(", ")))
        }
        Evidence::PlanSubmitted => {
            attempt.submitted.as_ref().map(|submitted| format!("plan {} submitted", &submitted.digest[..12]))
        }
        Evidence::Authorised => {
            let plan = attempt.plan()?;
            let gates: Vec<_> = plan.slots.iter().filter(|slot| slot.kind.gates()).collect();
            let all = !gates.is_empty()
                && gates.iter().all(|slot| {
                    attempt.approval_for(&slot.role).is_some_and(|approval| case.now < approval.expires_at)
                });
            let names: Vec<String> = attempt.approvals.iter().map(|approval| facts.name(&approval.person)).collect();
            all.then(|| format!("authorised by {}", names.join(" and ")))
        }
        Evidence::TeamPresent => {
            let commander = incident.holder(Role::IncidentCommander)?;
            Some(match incident.holder(Role::TechnicalLead) {
                Some(lead) => format!("{} commands, {} leads", facts.name(commander), facts.name(lead)),
                None => format!("{} commands", facts.name(commander)),
            })
        }
        Evidence::Frozen => incident.is_frozen().then(|| String::from("CI systems are told to wait")),
        Evidence::Run(action) => {
            let run =
                attempt.plan()?.actions.iter().find(|planned| {
                    planned.name == *action || planned.name.split('/').next() == Some(action.as_str())
                })?;
            let run = attempt.latest_run(&run.name).filter(|_| attempt.is_done(&run.name))?;
            Some(format!("run {} ended well", run.id))
        }
        Evidence::UpdateSent => {
            let (at, update) = incident.updates.sent.last()?;
            Some(format!("update {} sent at {}", update.number, at.time_of_day()))
        }
        Evidence::Metric(condition) => {
            (facts.measures.holds(condition) == Some(true)).then(|| super::verifying::measured(facts, condition))
        }
    }
}
