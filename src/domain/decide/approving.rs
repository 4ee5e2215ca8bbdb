//! Approvals: slots joined by AND, each filled by another person, for exactly this plan (D2, D7, D8).

use super::executing::{TICK_FIRST, first_start, unticked};
use super::{Case, after, attempt_in, optional, planning, required, settling};
use crate::domain::command::Approve;
use crate::domain::event::{Approved, Event, Mark};
use crate::domain::facts::Facts;
use crate::domain::plan::phrase_matches;
use crate::domain::procedure::{Evidence, Item, Phase, Slot, StartMode};
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::state::{Approval, Attempt, AttemptNo, AttemptStatus, Incident};
use crate::domain::{PersonId, Role, Severity, Strength, Timestamp};

/// One slot as the room shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotView {
    pub slot: Slot,
    pub filled_by: Option<Approval>,
    pub expired: bool,
    /// Who could fill it.
    pub open_to: Vec<PersonId>,
    /// Nobody has taken the place that it belongs to, and somebody could.
    pub awaits_place: bool,
}

impl SlotView {
    /// Nobody can fill it: the plan is blocked, and says so loudly.
    pub fn is_blocked(&self) -> bool {
        self.filled_by.is_none() && self.open_to.is_empty() && !self.awaits_place
    }
}

/// The slots of a submitted plan, with who filled them and who could.
pub fn slot_views(incident: &Incident, attempt: &Attempt, facts: &Facts, now: Timestamp) -> Vec<SlotView> {
    let Some(plan) = attempt.plan() else { return Vec::new() };
    plan.slots
        .iter()
        .filter(|slot| slot.kind.gates())
        .map(|slot| {
            let filled_by = attempt.approval_for(&slot.role).cloned();
            let expired =
                attempt.runs.is_empty() && filled_by.as_ref().is_some_and(|approval| now >= approval.expires_at);
            let open_to =
                facts.people.keys().filter(|person| can_fill(incident, facts, slot, person).is_ok()).cloned().collect();
            let placed = matches!(slot.duty, Role::IncidentCommander | Role::TechnicalLead);
            let vacant = placed && incident.holder(slot.duty).is_none();
            let awaits_place = vacant && filled_by.is_none() && facts.holders(slot.duty).next().is_some();
            SlotView { slot: slot.clone(), filled_by, expired, open_to, awaits_place }
        })
        .collect()
}

/// May this person sign this slot? The commander's and the lead's slots belong to those who hold the places.
fn can_fill(incident: &Incident, facts: &Facts, slot: &Slot, person: &PersonId) -> Result<Role, Refusal> {
    let duty = slot.duty;
    let stands_in = slot
        .substitute
        .as_ref()
        .and_then(|name| facts.procedure.role(name))
        .filter(|role| facts.holders(duty).next().is_none() && facts.holds(person, role.duty));
    if let Some(role) = stands_in {
        return Ok(role.duty);
    }
    if !facts.holds(person, duty) {
        return Err(Refusal::not_yours(format!("this slot is for the {duty}"), "Ask someone who holds that role."));
    }
    match (duty, incident.holder(duty)) {
        (Role::IncidentCommander | Role::TechnicalLead, Some(holder)) if holder != person => Err(Refusal::not_yours(
            format!("{} is the {duty} of this incident", facts.name(holder)),
            "Ask them, or take over the place in the room.",
        )),
        (Role::IncidentCommander | Role::TechnicalLead, None) => Err(Refusal::not_yours(
            format!("nobody is the {duty} of this incident yet"),
            format!("Take the place of the {duty} first."),
        )),
        _ => Ok(duty),
    }
}

/// Required items before the rollback that nobody ticked and the machine cannot prove. That it is authorised is no item
/// to wait for: the slots themselves are asked.
pub fn open_items<'a>(facts: &'a Facts, attempt: &Attempt) -> Vec<&'a Item> {
    let kind = attempt.plan().map_or(attempt.draft.kind, |plan| plan.kind);
    facts
        .procedure
        .items()
        .filter(|(list, _, item)| {
            list.phase == Phase::Before
                && item.required
                && item.evidence != Some(Evidence::Authorised)
                && (item.types.is_empty() || item.types.contains(&kind))
                && !attempt.is_marked(&item.name)
        })
        .map(|(_, _, item)| item)
        .collect()
}

pub fn approve(case: &Case, incident: &Incident, wish: &Approve) -> Result<Vec<Event>, Refusal> {
    let person = case.person()?;
    let attempt = attempt_in(incident, wish.attempt, &[AttemptStatus::Submitted], "authorising")?;
    let (plan, digest, expire_after) = match &attempt.submitted {
        Some(submitted) => (&submitted.plan, &submitted.digest, submitted.expire_after),
        None => return Err(Refusal::phase("nothing is submitted", "Submit the plan first.")),
    };
    same_digest(digest, &wish.digest)?;
    let slot = plan
        .slots
        .iter()
        .find(|slot| slot.role == wish.slot && slot.kind.gates())
        .ok_or_else(|| Refusal::unknown("approval slot", &wish.slot))?;
    let role = can_fill(incident, case.facts, slot, person)?;
    if let Some(approval) = standing(case.facts, attempt, &slot.role, case.now) {
        return Err(if approval.person == *person {
            Refusal::already("you authorised this already")
        } else {
            Refusal::already(format!("{} filled this slot already", case.facts.name(&approval.person)))
        });
    }
    if attempt.approvals.iter().any(|approval| approval.person == *person && approval.slot != slot.role) {
        return Err(Refusal::not_yours(
            "you filled another slot of this plan, and distinct demands take distinct persons",
            "Ask another person who holds the role.",
        ));
    }
    four_eyes(attempt, plan.severity, plan.slots.iter().filter(|slot| slot.kind.gates()).count(), role, person)?;
    if !phrase_matches(&wish.phrase, &plan.phrase) {
        let because = match wish.phrase.trim() {
            "" => "the phrase is empty".to_owned(),
            typed => format!("“{typed}” is not the phrase of this plan"),
        };
        return Err(Refusal::input(because, format!("Type the phrase: {}", plan.phrase)));
    }
    let mut events = waivers(case, incident, attempt, wish)?;
    events.push(Event::Approved(Approved {
        attempt: wish.attempt,
        digest: digest.clone(),
        slot: slot.role.clone(),
        role,
        strength: case.actor.fresh.unwrap_or(Strength::Password),
        comment: optional("comment", &wish.comment)?,
        expires_at: case.now + expire_after,
    }));
    // The last approval of a plan that starts at authorisation is also its start, if nothing else stands in the way.
    let last = last_starts(case.facts, attempt, &slot.role, case.now);
    let start = last.then(|| started(case, incident, &events, wish.attempt, digest));
    as_its_button_said(wish.starts, start.as_ref())?;
    match start {
        Some(Ok(start)) => events.extend(start),
        // What the claim would find a moment later: said in the same breath, nothing begins that no button named.
        Some(Err(refusal)) if refusal.because.starts_with(TICK_FIRST) => {
            events.push(Event::StartRefused { attempt: wish.attempt, why: refusal.because });
        }
        Some(Err(_)) | None => {}
    }
    Ok(events)
}

/// The start that follows these events at once, or what stands in its way.
fn started(
    case: &Case,
    incident: &Incident,
    events: &[Event],
    number: AttemptNo,
    digest: &str,
) -> Result<Vec<Event>, Refusal> {
    let approved = after(incident, events, &case.actor.who, case.now);
    // The ticks that make it ready stand before it in the journal.
    let mut start = settling::settle(case, &approved);
    let ready = after(&approved, &start, &case.actor.who, case.now);
    let attempt = super::attempt(&ready, number)?;
    first_start(&ready, attempt, case.facts, case.now)?;
    // Where people do the first thing, they are asked to tick; a machine would only be refused.
    let first = attempt.plan().and_then(|plan| plan.actions.first()).filter(|action| action.by_hand.is_empty());
    if let Some(why) = first.and_then(|first| unticked(case.facts.procedure, attempt, first)) {
        return Err(Refusal::blocked(why, "Then the incident commander or the technical lead starts it."));
    }
    start.push(Event::StartOrdered { attempt: number, digest: digest.to_owned() });
    Ok(start)
}

/// The approval that fills a slot now: what ran out, or was given by one who lost the role since, fills it no longer.
fn standing<'a>(facts: &Facts, attempt: &'a Attempt, slot: &str, now: Timestamp) -> Option<&'a Approval> {
    let given = attempt.approval_for(slot);
    given.filter(|approval| now < approval.expires_at && facts.holds(&approval.person, approval.role))
}

/// Whether filling this slot is also the start, unless something stands in its way: only the last one of a plan that
/// starts at authorisation.
pub fn last_starts(facts: &Facts, attempt: &Attempt, slot: &str, now: Timestamp) -> bool {
    let Some(plan) = attempt.plan().filter(|plan| plan.start == StartMode::AtAuthorisation) else { return false };
    let mut others = plan.slots.iter().filter(|other| other.kind.gates() && other.role != slot);
    others.all(|other| standing(facts, attempt, &other.role, now).is_some())
}

/// What others did meanwhile makes another act of the same button: that one was never named to whoever pressed it.
fn as_its_button_said(starts: Option<bool>, start: Option<&Result<Vec<Event>, Refusal>>) -> Result<(), Refusal> {
    let because = match (starts, start) {
        (Some(false), Some(Ok(_))) => "nothing else is waited for by now: this would start it",
        (Some(true), None) => "another approval is open again by now: this would not start it",
        (Some(true), Some(Err(refusal))) => return Err(refusal.clone()),
        _ => return Ok(()),
    };
    Err(Refusal::blocked(because, "Read the button again."))
}

/// Whoever proposed the plan may not be its only approver, except the incident commander on P0 (D8).
fn four_eyes(
    attempt: &Attempt,
    severity: Severity,
    slots: usize,
    role: Role,
    person: &PersonId,
) -> Result<(), Refusal> {
    let proposed = attempt.submitted.as_ref().and_then(|submitted| submitted.by.as_ref());
    let commander_on_p0 = severity == Severity::P0 && role == Role::IncidentCommander;
    if slots == 1 && proposed == Some(person) && !commander_on_p0 {
        return Err(Refusal::not_yours(
            "you proposed this plan and would be its only approver",
            "Ask another person to submit or to authorise it.",
        ));
    }
    Ok(())
}

/// One act "authorise and waive these, reason": only the incident commander may, and only what is really open.
fn waivers(case: &Case, incident: &Incident, attempt: &Attempt, wish: &Approve) -> Result<Vec<Event>, Refusal> {
    if wish.waive.is_empty() {
        return Ok(Vec::new());
    }
    if !case.commands(incident) {
        return Err(Refusal::not_yours("only the incident commander waives items", "Tick them, or ask the commander."));
    }
    let reason = required("reason for waiving", &wish.waive_reason)?;
    let open = open_items(case.facts, attempt);
    // An item that was ticked meanwhile needs no waiver.
    Ok(wish
        .waive
        .iter()
        .filter(|name| open.iter().any(|item| item.name == **name))
        .map(|name| Event::ItemMarked {
            attempt: attempt.number,
            item: name.clone(),
            mark: Mark::Waived { reason: reason.clone() },
        })
        .collect())
}

pub(super) fn same_digest(current: &str, seen: &str) -> Result<(), Refusal> {
    if current == seen {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::DigestMismatch,
        "the plan was changed after you opened this page",
        "Read the plan as it is now, then decide again.",
    ))
}

fn submitted<'a>(
    incident: &'a Incident,
    number: AttemptNo,
    digest: &str,
    purpose: &str,
) -> Result<&'a Attempt, Refusal> {
    let attempt = attempt_in(incident, number, &[AttemptStatus::Submitted], purpose)?;
    if let Some(submitted) = &attempt.submitted {
        same_digest(&submitted.digest, digest)?;
    }
    Ok(attempt)
}

pub fn withdraw(case: &Case, incident: &Incident, number: AttemptNo, digest: &str) -> Result<Vec<Event>, Refusal> {
    let person = case.person()?;
    let attempt = submitted(incident, number, digest, "withdrawing an approval")?;
    if !attempt.approvals.iter().any(|approval| approval.person == *person) {
        return Err(Refusal::phase("you gave no approval to this plan", "There is nothing to withdraw."));
    }
    Ok(vec![Event::ApprovalWithdrawn { attempt: number, person: person.clone() }])
}

pub fn request_changes(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    digest: &str,
    reason: &str,
) -> Result<Vec<Event>, Refusal> {
    let attempt = submitted(incident, number, digest, "asking for changes")?;
    has_a_say(case, incident, attempt)?;
    Ok(vec![Event::ChangesRequested { attempt: number, reason: required("reason", reason)? }])
}

pub fn decline(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    digest: &str,
    reason: &str,
) -> Result<Vec<Event>, Refusal> {
    let attempt = submitted(incident, number, digest, "declining")?;
    has_a_say(case, incident, attempt)?;
    Ok(vec![Event::Declined { attempt: number, reason: required("reason", reason)? }])
}

/// Only who could fill a slot of this plan, or leads the incident, may hold it back: a role alone must not stop a
/// rollback that does not ask for it.
fn has_a_say(case: &Case, incident: &Incident, attempt: &Attempt) -> Result<(), Refusal> {
    let person = case.person()?;
    let leads = [Role::IncidentCommander, Role::TechnicalLead]
        .into_iter()
        .any(|role| incident.holder(role) == Some(person) && case.facts.holds(person, role));
    let slots = attempt.plan().into_iter().flat_map(|plan| &plan.slots).filter(|slot| slot.kind.gates());
    let mut refusals = slots.map(|slot| can_fill(incident, case.facts, slot, person));
    if leads || refusals.any(|answer| answer.is_ok()) {
        return Ok(());
    }
    Err(Refusal::not_yours(
        "this plan does not ask for your approval",
        "Tell the incident commander, or write a note in the room.",
    ))
}

/// A subset of the components: a new digest, to be confirmed by everyone anew.
pub fn narrow(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    digest: &str,
    components: &[String],
    reason: &str,
) -> Result<Vec<Event>, Refusal> {
    let attempt = submitted(incident, number, digest, "narrowing")?;
    let reason = required("reason", reason)?;
    let whole = &attempt.draft.components;
    let kept: Vec<String> = whole.iter().filter(|component| components.contains(component)).cloned().collect();
    if kept.is_empty() || kept.len() != components.len() || kept.len() == whole.len() {
        return Err(Refusal::input(
            "narrowing keeps some of the plan's components, not all and not others",
            format!("Choose among: {}.", whole.join(", ")),
        ));
    }
    let mut draft = attempt.draft.clone();
    draft.targets.retain(|target| kept.contains(&target.component));
    draft.components = kept;
    let edited = Event::PlanEdited { attempt: number, draft: planning::checked(case.facts, &draft, incident)? };
    let mut events: Vec<Event> =
        planning::void_submitted(incident, &format!("it was narrowed: {reason}")).into_iter().collect();
    events.push(edited);
    let narrowed = after(incident, &events, &case.actor.who, case.now);
    events.push(planning::fix(case, &narrowed, number, Some(&reason))?);
    Ok(events)
}
