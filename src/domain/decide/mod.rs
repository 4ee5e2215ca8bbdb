//! What may happen. One pure function answers every command with the events that follow, or a refusal in words.
//!
//! `decide` reads the incident, the facts of this moment, who asks and the time; it never looks anything up. After what
//! was asked, it also settles what the machine can prove by itself, so that a tick by the machine is in the same
//! transaction as the fact that proves it.

mod approving;
mod closing;
mod executing;
mod informing;
mod keeping;
mod no_return;
mod opening;
mod pinning;
mod placing;
mod planning;
pub mod reminding;
pub mod settling;
mod verifying;

pub use approving::{SlotView, last_starts, open_items, slot_views};
pub use executing::{TICK_FIRST, first_start, next_claims, unticked};
pub use informing::{composes, current_update, note_writer};
pub use keeping::may_end;
pub use no_return::{backup_beneath, unproven};
pub use planning::proposal;
pub use verifying::{VersionProof, compared, is_red, measured};

use super::actor::{Actor, Who};
use super::apply;
use super::authority;
use super::command::Command;
use super::event::{Event, Recorded};
use super::facts::Facts;
use super::refusal::{Refusal, RefusalKind};
use super::state::{Attempt, AttemptNo, AttemptStatus, Incident};
use super::{PersonId, Role, Timestamp};

/// The longest free text a command may carry, in characters.
pub const LONGEST_TEXT: usize = 4_000;

/// Everything a decision looks at.
pub(super) struct Case<'a> {
    pub facts: &'a Facts<'a>,
    pub actor: &'a Actor,
    pub now: Timestamp,
}

/// Decides. `Ok` holds at least one event; an idempotent repeat is a refusal of kind `AlreadyDone`.
pub fn decide(
    state: Option<&Incident>,
    facts: &Facts,
    command: &Command,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let case = Case { facts, actor, now };
    authority::may(&actor.who, command, state, facts)?;
    if wants_fresh(command) && actor.who != Who::System && actor.fresh.is_none() {
        return Err(Refusal::new(
            RefusalKind::Reauthenticate,
            "this changes production and wants a fresh proof that it is you",
            "Confirm your password; it is good for five minutes.",
        ));
    }
    let Some(incident) = state else {
        let Command::Open(opening) = command else {
            return Err(Refusal::unknown("incident", "that you named"));
        };
        return opening::open(&case, opening);
    };
    if matches!(command, Command::Open(_)) {
        return Err(Refusal::phase("the incident is open already", "Let the trigger join it."));
    }
    if !incident.is_open() && !after_closing(command) {
        return Err(Refusal::phase("the incident is closed", "Open a new one if it happens again."));
    }
    // A tick by the machine whose proof went meanwhile must not open the gate: look again before the last check.
    let mut events = if checks_last(command) { settling::settle(&case, incident) } else { Vec::new() };
    let asked = ask(&case, &after(incident, &events, &actor.who, now), command)?;
    events.extend(asked);
    let settled = settling::settle(&case, &after(incident, &events, &actor.who, now));
    events.extend(settled);
    events.extend(keeping::keep(&case, incident, &after(incident, &events, &actor.who, now)));
    if events.is_empty() {
        return Err(Refusal::already("nothing changed"));
    }
    Ok(events)
}

/// Authorising and starting ask for fresh re-authentication (D9). Stopping never does.
fn wants_fresh(command: &Command) -> bool {
    matches!(
        command,
        Command::Approve(_)
            | Command::Start { .. }
            | Command::ReleaseAction { .. }
            | Command::Retry { .. }
            | Command::ResumeAction { .. }
            | Command::JudgeRun { .. }
    )
}

/// Commands that end in the first start, or order it.
fn checks_last(command: &Command) -> bool {
    matches!(command, Command::Start { .. } | Command::ClaimRun { .. } | Command::ReportByHand { .. })
}

/// What may still be written when an incident is closed.
fn after_closing(command: &Command) -> bool {
    matches!(
        command,
        Command::AddNote { .. } | Command::WriteSection { .. } | Command::FinishRun { .. } | Command::LoseRun { .. }
    )
}

fn ask(case: &Case, incident: &Incident, command: &Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Open(_) => unreachable!("answered before"),
        Command::Join { trigger } => opening::join(case, incident, trigger),
        Command::TakeRole { role } => placing::take(case, incident, *role),
        Command::OfferRole { role, to } => placing::offer(case, incident, *role, to),
        Command::AcceptRole { role } => placing::accept(case, incident, *role),
        Command::ChangeSeverity { to, reason } => placing::change_severity(case, incident, *to, reason),
        Command::ConfirmSeverity { to } => placing::confirm_severity(case, incident, *to),
        Command::Ratify { reason } => placing::ratify(case, incident, reason),
        Command::DraftAttempt { draft } => planning::draft_attempt(case, incident, draft),
        Command::DraftRestoration { escalates, backup } => {
            planning::draft_restoration(case, incident, *escalates, backup)
        }
        Command::EditPlan { attempt, seen, draft } => planning::edit(case, incident, *attempt, *seen, draft),
        Command::SubmitPlan { attempt } => planning::submit(case, incident, *attempt),
        Command::WithdrawPlan { attempt, reason } => planning::withdraw(incident, *attempt, reason),
        Command::Assess { attempt, name, sections } => planning::assess(case, incident, *attempt, name, sections),
        Command::Approve(approve) => approving::approve(case, incident, approve),
        Command::WithdrawApproval { attempt, digest } => approving::withdraw(case, incident, *attempt, digest),
        Command::RequestChanges { attempt, digest, reason } => {
            approving::request_changes(case, incident, *attempt, digest, reason)
        }
        Command::Narrow { attempt, digest, components, reason } => {
            approving::narrow(case, incident, *attempt, digest, components, reason)
        }
        Command::Decline { attempt, digest, reason } => approving::decline(case, incident, *attempt, digest, reason),
        Command::Start { attempt, digest } => executing::start(case, incident, *attempt, digest),
        Command::ReleaseAction { attempt, action } => executing::release(incident, *attempt, action),
        Command::ClaimRun { attempt, action, host } => executing::claim(case, incident, *attempt, action, host),
        Command::NoteRunning { run } => executing::note_running(incident, run),
        Command::FinishRun { run, outcome } => executing::finish(incident, run, outcome),
        Command::LoseRun { run, why } => executing::lose(incident, run, why),
        Command::JudgeRun { run, succeeded, reason } => executing::judge(incident, run, *succeeded, reason),
        Command::ReportByHand { attempt, action, succeeded, evidence } => {
            executing::by_hand(case, incident, *attempt, action, *succeeded, evidence)
        }
        Command::Retry { run, reason } => executing::retry(incident, run, reason),
        Command::ResumeAction { attempt, action } => executing::resume(case, incident, *attempt, action),
        Command::Stop { attempt, reason } => executing::stop(incident, *attempt, reason),
        Command::Tick { attempt, item, mark } => verifying::tick(case, incident, *attempt, item, mark),
        Command::Untick { attempt, item } => verifying::untick(case, incident, *attempt, item),
        Command::MarkCriterion { attempt, criterion, mark } => {
            verifying::mark_criterion(case, incident, *attempt, criterion, mark.as_ref())
        }
        Command::MarkIndicator { attempt, indicator, sign, note } => {
            verifying::mark_indicator(case, incident, *attempt, indicator, *sign, note)
        }
        Command::ConfirmSuccess { attempt } => verifying::confirm(case, incident, *attempt),
        Command::CallForVerdict { attempt } => verifying::call_for_verdict(case, incident, *attempt),
        Command::DeclareFailed { attempt, reason } => verifying::declare_failed(incident, *attempt, reason),
        Command::EditUpdate { number, note } => informing::edit_update(case, incident, *number, note),
        Command::SendUpdate { number, note } => informing::send(case, incident, *number, note.as_deref()),
        Command::CallForUpdate { number } => informing::call(case, incident, *number),
        Command::MissUpdate { number } => informing::miss(case, incident, *number),
        Command::EscalateUpdate { number } => informing::escalate(case, incident, *number),
        Command::ChangeBeat { every, reason } => informing::change_beat(case, incident, *every, reason),
        Command::PinLink(pin) => pinning::pin(incident, pin),
        Command::UnpinLink { address } => pinning::unpin(incident, address),
        Command::AddNote { text } => informing::note(incident, text),
        Command::Remind { task, of, who } => reminding::remind(case, incident, *task, of, who),
        Command::DescribeImpact(said) => informing::describe_impact(case, incident, said),
        Command::WriteSection { document, section, text } => {
            closing::write_section(case, incident, document, section, text)
        }
        Command::LiftFreeze { reason } => closing::lift_freeze(incident, reason),
        Command::Close { outcome, reason } => closing::close(case, incident, *outcome, reason),
        Command::Settle => Ok(Vec::new()),
    }
}

/// The incident as it will be once these events are written.
pub(super) fn after(incident: &Incident, events: &[Event], who: &Who, now: Timestamp) -> Incident {
    let mut state = Some(incident.clone());
    for (offset, event) in (1..).zip(events) {
        let recorded =
            Recorded { seq: 0, version: incident.version + offset, at: now, actor: who.clone(), event: event.clone() };
        apply::apply(&mut state, &recorded);
    }
    state.expect("an incident that was open stays one")
}

impl Case<'_> {
    /// The person who asks; commands for people never come from the machine.
    pub fn person(&self) -> Result<&PersonId, Refusal> {
        self.actor.who.person().ok_or_else(|| Refusal::not_yours("only a person can do this", "Let a person do it."))
    }

    /// Does who asks command this incident? The place alone gives nothing to one who lost the role.
    pub fn commands(&self, incident: &Incident) -> bool {
        self.actor.who.person().is_some_and(|person| {
            incident.commander.as_ref() == Some(person) && self.facts.holds(person, Role::IncidentCommander)
        })
    }
}

pub(super) fn attempt(incident: &Incident, number: AttemptNo) -> Result<&Attempt, Refusal> {
    incident.attempt(number).ok_or_else(|| Refusal::unknown("attempt", &number.to_string()))
}

/// The attempt, if it is in one of these states.
pub(super) fn attempt_in<'a>(
    incident: &'a Incident,
    number: AttemptNo,
    states: &[AttemptStatus],
    purpose: &str,
) -> Result<&'a Attempt, Refusal> {
    let attempt = attempt(incident, number)?;
    let status = attempt.status();
    if states.contains(&status) {
        return Ok(attempt);
    }
    let wanted: Vec<&str> = states.iter().map(|status| status.key()).collect();
    Err(Refusal::phase(
        format!("attempt {number} {}, and {purpose} is for one that is {}", status.stands(), wanted.join(" or ")),
        "Look at the room: it says what is next.",
    ))
}

/// A text that must be there, within its limit.
pub(super) fn required(field: &str, text: &str) -> Result<String, Refusal> {
    let trimmed = optional(field, text)?;
    if trimmed.is_empty() {
        return Err(Refusal::input(format!("the {field} is empty"), format!("Write the {field} in a few words.")));
    }
    Ok(trimmed)
}

/// A text that may be empty, within its limit. Whatever breaks a line somewhere breaks it as one sign everywhere, so that
/// nobody sees lines that the program did not.
pub(super) fn optional(field: &str, text: &str) -> Result<String, Refusal> {
    let lines = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let trimmed = lines.trim();
    let length = trimmed.chars().count();
    if length > LONGEST_TEXT {
        return Err(Refusal::input(
            format!("the {field} has {length} characters and may have {LONGEST_TEXT}"),
            "Shorten it, or link to the longer text.",
        ));
    }
    if let Some(odd) = trimmed.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(Refusal::input(
            format!("the {field} holds the control character U+{:04X}", u32::from(odd)),
            "Remove it; line breaks and tabs are fine.",
        ));
    }
    Ok(trimmed.to_owned())
}

/// A name that becomes a script's argument: never a flag, never with a blank or a line break.
pub fn is_plain_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 64
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
}
