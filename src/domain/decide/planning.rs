//! From what people choose to the fixed bytes that approvals are bound to (D5, D7, D19).

use super::no_return::{backup_beneath, behind_no_return};
use super::{Case, attempt_in, is_plain_name, optional, required};
use crate::domain::event::{Event, PlanSubmitted};
use crate::domain::facts::Facts;
use crate::domain::plan::{Draft, FixedPlan, Target, acts_on, digest, restored};
use crate::domain::procedure::{RollbackType, TargetKind};
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::rules;
use crate::domain::state::{Attempt, AttemptNo, AttemptStatus, Incident};
use crate::domain::{PersonId, Role};
use std::collections::BTreeMap;

/// What the machine proposes: the type by when-used, and a target that this type acts on. `None` when nothing
/// registered could be rolled back to; the room says so.
pub fn proposal(facts: &Facts, incident: &Incident) -> Option<(Draft, String)> {
    let kind = proposed_type(facts, incident);
    let (target, why) = proposed_target(facts, kind, &incident.component)?;
    let draft = Draft {
        kind,
        environment: incident.environment.clone(),
        components: vec![incident.component.clone()],
        scope: scope_of(facts, kind),
        not_covered: not_covered(facts, kind, &[target.kind]),
        targets: vec![target],
        fallback: facts.procedure.verification.escalation.text.clone(),
        reason: String::new(),
        start: None,
    };
    Some((draft, why))
}

fn proposed_type(facts: &Facts, incident: &Incident) -> RollbackType {
    let trigger = incident.triggers.last().map(|trigger| trigger.name.as_str()).unwrap_or_default();
    let types = &facts.procedure.types;
    let by = |fits: &dyn Fn(&crate::domain::procedure::WhenUsed) -> bool| {
        types.iter().find(|definition| definition.when_used.iter().any(fits)).map(|definition| definition.kind)
    };
    by(&|when| when.triggers.iter().any(|name| name == trigger))
        .or_else(|| by(&|when| when.categories.contains(&incident.category)))
        .unwrap_or(RollbackType::Full)
}

/// The previous stable release; where this type leaves releases alone, the newest backup that may lie beneath the one that
/// runs. Which snapshot of a configuration was the good one nothing tells: people choose it.
fn proposed_target(facts: &Facts, kind: RollbackType, component: &str) -> Option<(Target, String)> {
    let acts = |target| acts_on(facts.procedure, kind, target);
    let (target, name, why) = if acts(TargetKind::Release) {
        let stint = facts.stable_stint(component)?;
        let ran = (stint.until - stint.from).roughly();
        let why = format!("is the previous stable release: it ran {ran} without an incident");
        (TargetKind::Release, &stint.release.name, why)
    } else if acts(TargetKind::Backup) {
        let backup = backup_beneath(facts, &[], component)?;
        let why = format!("is the newest backup that fits what runs: it was taken {}", backup.at.in_words());
        (TargetKind::Backup, &backup.name, why)
    } else {
        return None;
    };
    Some((target_of(facts, target, component, name)?, format!("{name} {why}")))
}

fn scope_of(facts: &Facts, kind: RollbackType) -> Vec<String> {
    facts
        .procedure
        .types
        .iter()
        .find(|definition| definition.kind == kind)
        .map(|definition| definition.scope.iter().map(|line| line.text.clone()).collect())
        .unwrap_or_default()
}

/// Said on the approve page: the actions of this type that this plan leaves out, for want of a target.
fn not_covered(facts: &Facts, kind: RollbackType, targets: &[TargetKind]) -> Vec<String> {
    facts
        .procedure
        .actions
        .iter()
        .filter(|action| action.types.contains(&kind) && !targets.contains(&action.target))
        .map(|action| action.title.clone())
        .collect()
}

/// A target as the register knows it.
pub fn target_of(facts: &Facts, kind: TargetKind, component: &str, name: &str) -> Option<Target> {
    let entry = facts.registered(kind, component, name)?;
    let from = match kind {
        TargetKind::Release => {
            facts.running_release(component).map(|release| release.name.clone()).filter(|running| running != name)
        }
        TargetKind::Backup | TargetKind::Config => None,
    };
    Some(Target {
        kind,
        component: component.to_owned(),
        name: name.to_owned(),
        checksum: entry.checksum.clone(),
        from,
        free_text: false,
    })
}

pub fn draft_attempt(case: &Case, incident: &Incident, draft: &Draft) -> Result<Vec<Event>, Refusal> {
    if let Some(current) = incident.current().filter(|attempt| !attempt.status().is_terminal()) {
        return Err(Refusal::phase(
            format!("attempt {} {}", current.number, current.status().stands()),
            "One attempt at a time: change its plan, or end it first.",
        ));
    }
    if incident.current().is_some_and(|attempt| attempt.status() == AttemptStatus::Succeeded) {
        return Err(Refusal::phase("the rollback succeeded", "Undoing it is a new incident with an ordinary plan."));
    }
    let draft = checked(case.facts, draft, incident)?;
    let attempt = incident.attempts.len() as AttemptNo + 1;
    Ok(vec![Event::AttemptDrafted { attempt, draft, escalates: None, why: String::from("drafted by hand") }])
}

/// The full restoration from a backup, after an attempt failed: a new attempt with its own approvals (E14).
pub fn draft_restoration(
    case: &Case,
    incident: &Incident,
    escalates: AttemptNo,
    backup: &str,
) -> Result<Vec<Event>, Refusal> {
    attempt_in(incident, escalates, &[AttemptStatus::Failed], "a restoration")?;
    if let Some(current) = incident.current().filter(|attempt| attempt.number != escalates) {
        return Err(Refusal::phase(
            format!("attempt {} came after it already", current.number),
            "Escalate the newest attempt.",
        ));
    }
    let component = &incident.component;
    if case.facts.newest_backup(component).is_none() {
        return Err(Refusal::blocked(
            format!("no backup of {component} in {} is registered", incident.environment),
            "Register a backup that can be restored; nothing is restored without one.",
        ));
    }
    let target = target_of(case.facts, TargetKind::Backup, component, backup)
        .ok_or_else(|| Refusal::unknown("backup", backup))?;
    let mut targets = vec![target];
    let failed = super::attempt(incident, escalates)?;
    targets.extend(failed.draft.targets.iter().filter(|target| target.kind == TargetKind::Release).cloned());
    let kinds: Vec<TargetKind> = targets.iter().map(|target| target.kind).collect();
    let draft = Draft {
        kind: RollbackType::Full,
        environment: incident.environment.clone(),
        components: failed.draft.components.clone(),
        scope: scope_of(case.facts, RollbackType::Full),
        targets,
        not_covered: not_covered(case.facts, RollbackType::Full, &kinds),
        fallback: String::from("None beyond this: restore by hand."),
        reason: format!("attempt {escalates} failed"),
        start: None,
    };
    let draft = checked(case.facts, &draft, incident)?;
    let attempt = incident.attempts.len() as AttemptNo + 1;
    let why = format!("full restoration from backup {backup}, as attempt {escalates} failed");
    Ok(vec![Event::AttemptDrafted { attempt, draft, escalates: Some(escalates), why }])
}

/// Any change before the start makes a new digest; approvals given are void, and those who gave them are told.
pub fn edit(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    seen: Option<u32>,
    draft: &Draft,
) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt_in(incident, number, &[AttemptStatus::Draft, AttemptStatus::Submitted], "changing a plan")?;
    let draft = checked(case.facts, draft, incident)?;
    if draft == attempt.draft {
        return Err(Refusal::already("the plan says this already"));
    }
    // Nobody's change is overwritten unread.
    if seen.is_some_and(|revision| revision != attempt.revision) {
        return Err(Refusal::new(
            RefusalKind::DigestMismatch,
            "somebody changed the plan after you opened this page",
            "Read the plan as it is now, then save your change again.",
        ));
    }
    let mut events: Vec<Event> = void(attempt, "the plan was changed").into_iter().collect();
    events.push(Event::PlanEdited { attempt: number, draft });
    Ok(events)
}

pub fn submit(case: &Case, incident: &Incident, number: AttemptNo) -> Result<Vec<Event>, Refusal> {
    attempt_in(incident, number, &[AttemptStatus::Draft], "submitting")?;
    Ok(vec![fix(case, incident, number, None)?])
}

/// Fixes a draft into the bytes that are shown, hashed, approved and executed.
pub fn fix(case: &Case, incident: &Incident, number: AttemptNo, narrowed: Option<&str>) -> Result<Event, Refusal> {
    let attempt = super::attempt(incident, number)?;
    let facts = case.facts;
    let draft = checked(facts, &attempt.draft, incident)?;
    let question = super::opening::question_of(case, incident, incident.severity, &incident.category);
    let judgement = rules::judge(facts.procedure, &question);
    let slots = judgement.advice.slots;
    if !slots.iter().any(|slot| slot.kind.gates()) {
        return Err(Refusal::blocked(
            "no rule of the playbook says who may authorise this",
            "Nothing is approved by default: add a rule to the playbook.",
        ));
    }
    if judgement.needs_reason && draft.reason.trim().is_empty() {
        return Err(Refusal::input(
            "the rules say that no rollback is required, so starting one needs a written reason",
            "Write the reason into the plan.",
        ));
    }
    let actions = facts.catalogue.prepare(facts.procedure, &draft).map_err(|faults| {
        Refusal::blocked(
            format!("the plan cannot be carried out: {}", faults.join("; ")),
            "Mend this, then submit again.",
        )
    })?;
    if actions.is_empty() {
        return Err(Refusal::blocked(
            format!("no action of the playbook belongs to a {} with these targets", draft.kind),
            "Choose another type or another target.",
        ));
    }
    let plan = FixedPlan {
        format: 1,
        incident: incident.id.clone(),
        attempt: number,
        escalates: attempt.escalates,
        kind: draft.kind,
        severity: incident.severity,
        decision: judgement.advice.decision,
        rule: judgement.advice.rule,
        slots,
        playbook: incident.playbook.clone(),
        environment: draft.environment.clone(),
        components: draft.components.clone(),
        scope: draft.scope.clone(),
        phrase: FixedPlan::phrase_for(&draft),
        targets: draft.targets,
        actions,
        start: draft.start.unwrap_or(judgement.start),
        fallback: draft.fallback,
        not_covered: draft.not_covered,
        reason: draft.reason,
    };
    let bytes = plan.fixed().map_err(|fault| {
        Refusal::blocked(
            format!("the plan cannot be fixed: {fault}"),
            "Mend the playbook's numbers, then submit again.",
        )
    })?;
    let digest = digest(&bytes);
    if attempt.sent_back.contains(&digest) {
        return Err(Refusal::phase(
            "changes were requested of exactly this plan",
            "Change it as was asked, then submit it again.",
        ));
    }
    Ok(Event::PlanSubmitted(PlanSubmitted {
        attempt: number,
        digest,
        plan: bytes,
        expire_after: facts.procedure.approvals.expire_after,
        voided: approvers(attempt),
        narrowed: narrowed.map(str::to_owned),
    }))
}

fn approvers(attempt: &Attempt) -> Vec<PersonId> {
    attempt.approvals.iter().map(|approval| approval.person.clone()).collect()
}

/// The event that voids a submitted plan before its start.
fn void(attempt: &Attempt, why: &str) -> Option<Event> {
    (attempt.status() == AttemptStatus::Submitted).then(|| Event::PlanVoided {
        attempt: attempt.number,
        why: why.to_owned(),
        voided: approvers(attempt),
    })
}

/// Voids the submitted plan of an incident, if there is one that has not started.
pub fn void_submitted(incident: &Incident, why: &str) -> Option<Event> {
    incident.current().and_then(|attempt| void(attempt, why))
}

pub fn withdraw(incident: &Incident, number: AttemptNo, reason: &str) -> Result<Vec<Event>, Refusal> {
    attempt_in(incident, number, &[AttemptStatus::Draft, AttemptStatus::Submitted], "withdrawing")?;
    Ok(vec![Event::PlanWithdrawn { attempt: number, reason: required("reason", reason)? }])
}

/// Feasibility and business impact: forms of the playbook, no approvals (D4).
pub fn assess(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    name: &str,
    sections: &BTreeMap<String, String>,
) -> Result<Vec<Event>, Refusal> {
    let attempt = super::attempt(incident, number)?;
    if attempt.status().is_terminal() {
        return Err(Refusal::phase(format!("attempt {number} is over"), "Write it into the report instead."));
    }
    let form = case.facts.procedure.assessment(name).ok_or_else(|| Refusal::unknown("assessment", name))?;
    let duty = case.facts.procedure.role(&form.role).map_or(Role::TechnicalLead, |role| role.duty);
    if !case.facts.holds(case.person()?, duty) {
        return Err(Refusal::not_yours(format!("{} is for the {duty}", form.title.to_lowercase()), "Ask them."));
    }
    let mut checked = BTreeMap::new();
    for (key, text) in sections {
        let section = form
            .sections
            .iter()
            .find(|section| section.name == *key)
            .ok_or_else(|| Refusal::unknown("section", key))?;
        checked.insert(key.clone(), optional(&section.title, text)?);
    }
    if checked.values().all(String::is_empty) {
        return Err(Refusal::input("every section is empty", "Fill in at least one section."));
    }
    if attempt.assessments.get(name).is_some_and(|assessed| assessed.sections == checked) {
        return Err(Refusal::already("the assessment says this already"));
    }
    Ok(vec![Event::Assessed { attempt: number, name: name.to_owned(), sections: checked }])
}

/// A draft whose every part is known and sensible, with its registered facts taken anew from the register.
pub fn checked(facts: &Facts, draft: &Draft, incident: &Incident) -> Result<Draft, Refusal> {
    if draft.environment != incident.environment {
        return Err(Refusal::input(
            format!("the plan is for {}, but the incident is in {}", draft.environment, incident.environment),
            "A plan acts where its incident is.",
        ));
    }
    let components = facts.environments.get(&draft.environment).ok_or_else(|| {
        Refusal::input(
            format!("the environment “{}” is not configured", draft.environment),
            "Add it to the configuration.",
        )
    })?;
    if let Some(unknown) = draft.components.iter().find(|component| !components.contains(component)) {
        return Err(Refusal::input(
            format!("the component “{unknown}” is not one of {}", draft.environment),
            format!("Choose among: {}.", components.join(", ")),
        ));
    }
    if draft.targets.is_empty() {
        return Err(Refusal::input("the plan has no target", "Choose what to roll back to."));
    }
    let mut targets = Vec::new();
    for target in &draft.targets {
        targets.push(checked_target(facts, draft, target)?);
    }
    for (position, target) in targets.iter().enumerate() {
        if targets[..position]
            .iter()
            .any(|earlier| earlier.kind == target.kind && earlier.component == target.component)
        {
            return Err(Refusal::input(
                format!("{} has two targets of the kind {}", target.component, target.kind.key()),
                "One target of a kind for each component.",
            ));
        }
    }
    behind_no_return(facts, draft.kind, &targets)?;
    let mut kinds: Vec<TargetKind> = targets.iter().map(|target| target.kind).collect();
    kinds.dedup();
    Ok(Draft {
        kind: draft.kind,
        environment: draft.environment.clone(),
        components: draft.components.clone(),
        scope: draft.scope.iter().map(|line| required("scope", line)).collect::<Result<_, _>>()?,
        not_covered: not_covered(facts, draft.kind, &kinds),
        targets,
        fallback: optional("fallback", &draft.fallback)?,
        reason: optional("reason", &draft.reason)?,
        start: draft.start,
    })
}

fn checked_target(facts: &Facts, draft: &Draft, target: &Target) -> Result<Target, Refusal> {
    if !is_plain_name(&target.name) {
        return Err(Refusal::input(
            format!("the target “{}” is not a plain name", target.name),
            "Use letters, digits, dot, underscore, plus and dash, 64 at most, beginning with a letter or digit.",
        ));
    }
    if !draft.components.is_empty() && !draft.components.contains(&target.component) {
        return Err(Refusal::input(
            format!("the target {} is of {}, which the plan does not cover", target.name, target.component),
            "Add the component, or remove the target.",
        ));
    }
    let known = facts.environments.get(&draft.environment);
    if !known.is_some_and(|components| components.contains(&target.component)) {
        return Err(Refusal::input(
            format!("the target {} is of “{}”, no component of {}", target.name, target.component, draft.environment),
            "Choose a component of the environment.",
        ));
    }
    if !acts_on(facts.procedure, draft.kind, target.kind) {
        let does = match target.kind {
            TargetKind::Release => "deploys no release",
            TargetKind::Backup => "restores no backup",
            TargetKind::Config => "reverts no configuration",
        };
        return Err(Refusal::input(
            format!("a {} {does}, and the plan names {}", draft.kind, target.name),
            "Choose another type of rollback, or take this target out.",
        ));
    }
    let running = facts.running_release(&target.component);
    let runs = target.kind == TargetKind::Release && running.is_some_and(|release| release.name == target.name);
    // A restoration puts the same release over the restored data again.
    if runs && restored(facts.procedure, draft.kind, &draft.targets, &target.component).is_none() {
        return Err(Refusal::input(format!("{} is what runs now", target.name), "Choose an earlier release."));
    }
    match target_of(facts, target.kind, &target.component, &target.name) {
        Some(known) => Ok(known),
        None if target.free_text => {
            Ok(Target { checksum: String::new(), from: running.map(|release| release.name.clone()), ..target.clone() })
        }
        None => Err(Refusal::input(
            format!("no {} “{}” of {} is registered", target.kind.key(), target.name, target.component),
            "Choose a registered one, register it, or mark the target as typed by hand.",
        )),
    }
}

/// Between the approval and the start nothing was deployed that the approvers did not know of: the plan still leaves
/// what runs, and goes behind no destructive migration (D19).
pub fn still_reached(facts: &Facts, plan: &FixedPlan) -> Result<(), Refusal> {
    for target in plan.targets.iter().filter(|target| target.kind == TargetKind::Release) {
        let runs = facts.running_release(&target.component).map(|release| release.name.clone());
        let runs = runs.filter(|name| *name != target.name || target.from.is_some());
        if runs != target.from {
            let words = |name: &Option<String>| name.clone().unwrap_or_else(|| "nothing known".to_owned());
            return Err(Refusal::new(
                RefusalKind::DigestMismatch,
                format!("{} runs {} now, and the plan leaves {}", target.component, words(&runs), words(&target.from)),
                "Submit the plan again, for what runs now.",
            ));
        }
    }
    behind_no_return(facts, plan.kind, &plan.targets)
}
