//! Role by command: the only place that says who may ask for what. The default is no.
//!
//! A person acts by a *place* in the incident (its incident commander, its technical lead) or by a role held.
//! Whether the moment is right is another question, answered by [`super::decide`].

use super::actor::Who;
use super::command::Command;
use super::facts::Facts;
use super::refusal::Refusal;
use super::state::Incident;
use super::{PersonId, Role};

/// On what ground a command is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The incident's own commander.
    Commander,
    /// The incident's own technical lead.
    Lead,
    /// Anyone who holds this role.
    Holds(Role),
    /// Anyone in the roles that the playbook names as the next contact for an update.
    NextContact,
    /// Anyone with one of the five roles of a rollback; administrator alone is not one.
    AnyRole,
    /// Backout itself.
    System,
}

/// The grounds on which each command may be asked for.
pub fn grounds(command: &Command) -> &'static [Ground] {
    use Ground::{AnyRole, Commander, Holds, Lead, NextContact, System};
    const IC: Ground = Holds(Role::IncidentCommander);
    const TL: Ground = Holds(Role::TechnicalLead);
    const MANAGEMENT: Ground = Holds(Role::Management);
    const SUPPORT: Ground = Holds(Role::Support);
    match command {
        Command::Open(_) | Command::Join { .. } => &[System, IC, TL, MANAGEMENT, SUPPORT],
        Command::TakeRole { .. } | Command::AcceptRole { .. } => &[IC, TL],
        Command::OfferRole { .. } => &[Commander, Lead],
        Command::ChangeSeverity { .. } => &[Commander, Lead],
        Command::ConfirmSeverity { .. } => &[Commander, Lead, MANAGEMENT],
        Command::Ratify { .. } => &[MANAGEMENT],
        Command::DraftAttempt { .. }
        | Command::EditPlan { .. }
        | Command::SubmitPlan { .. }
        | Command::DraftRestoration { .. }
        | Command::WithdrawPlan { .. } => &[Commander, Lead],
        Command::Assess { .. } => &[IC, TL, MANAGEMENT],
        // Which slot a person may fill is the slot's own question.
        Command::Approve(_) | Command::WithdrawApproval { .. } => &[IC, TL, MANAGEMENT],
        Command::RequestChanges { .. } | Command::Decline { .. } => &[Commander, Lead, MANAGEMENT],
        Command::Narrow { .. } => &[Commander, Lead],
        Command::Start { .. } => &[Commander, Lead],
        Command::ReleaseAction { .. } | Command::Retry { .. } | Command::ResumeAction { .. } => &[Lead],
        Command::JudgeRun { .. } | Command::ReportByHand { .. } => &[Lead, Commander],
        // Stopping must not wait for the right person to be found.
        Command::Stop { .. } => &[IC, TL],
        Command::ClaimRun { .. }
        | Command::NoteRunning { .. }
        | Command::FinishRun { .. }
        | Command::LoseRun { .. }
        | Command::Settle => &[System],
        Command::Tick { .. } | Command::Untick { .. } => &[IC, TL, MANAGEMENT, SUPPORT],
        Command::MarkCriterion { .. } | Command::MarkIndicator { .. } => &[Lead, Commander],
        Command::ConfirmSuccess { .. } => &[Lead],
        Command::CallForVerdict { .. } => &[System],
        Command::DeclareFailed { .. } => &[Lead, Commander],
        // The next contact is asked once an update was left unsent.
        Command::EditUpdate { .. } => &[Commander, SUPPORT, NextContact],
        Command::SendUpdate { .. } => &[System, Commander, SUPPORT, NextContact],
        Command::CallForUpdate { .. } | Command::MissUpdate { .. } | Command::EscalateUpdate { .. } => &[System],
        Command::ChangeBeat { .. } => &[Commander],
        Command::PinLink(_) | Command::UnpinLink { .. } => &[Commander, Lead],
        Command::AddNote { .. } | Command::Remind { .. } => &[AnyRole],
        Command::DescribeImpact(_) => &[IC, MANAGEMENT, SUPPORT],
        Command::WriteSection { .. } => &[IC, TL, MANAGEMENT, SUPPORT],
        Command::LiftFreeze { .. } => &[Commander, Lead],
        Command::Close { .. } => &[Commander],
    }
}

/// May this one ask for this at all?
pub fn may(who: &Who, command: &Command, incident: Option<&Incident>, facts: &Facts) -> Result<(), Refusal> {
    let allowed = grounds(command);
    let granted = match who {
        Who::System => allowed.contains(&Ground::System),
        Who::Person(person) => allowed.iter().any(|ground| stands_on(person, *ground, incident, facts)),
    };
    if granted { Ok(()) } else { Err(refusal(allowed, incident, facts)) }
}

fn stands_on(person: &PersonId, ground: Ground, incident: Option<&Incident>, facts: &Facts) -> bool {
    let place = |role| facts.holds(person, role) && incident.and_then(|incident| incident.holder(role)) == Some(person);
    match ground {
        Ground::Commander => place(Role::IncidentCommander),
        Ground::Lead => place(Role::TechnicalLead),
        Ground::Holds(role) => facts.holds(person, role),
        Ground::NextContact => {
            let asked = incident.is_some_and(|incident| incident.updates.call.escalated_at.is_some());
            asked && next_contact(incident).iter().any(|role| facts.holds(person, *role))
        }
        Ground::AnyRole => Role::ALL.into_iter().any(|role| role != Role::Administrator && facts.holds(person, role)),
        Ground::System => false,
    }
}

fn next_contact(incident: Option<&Incident>) -> &[Role] {
    incident.map_or(&[], |incident| incident.cadence.next_contact.as_slice())
}

/// Names who may, and who holds the place now, so that the reader knows whom to ask.
fn refusal(allowed: &[Ground], incident: Option<&Incident>, facts: &Facts) -> Refusal {
    let mut who = Vec::new();
    for ground in allowed {
        match ground {
            Ground::Commander => who.push(place("the incident commander", Role::IncidentCommander, incident, facts)),
            Ground::Lead => who.push(place("the technical lead", Role::TechnicalLead, incident, facts)),
            Ground::Holds(role) => who.push(anyone(*role)),
            Ground::NextContact => {
                who.extend(
                    next_contact(incident)
                        .iter()
                        .filter(|role| !allowed.contains(&Ground::Holds(**role)))
                        .map(|role| format!("once an update is left unsent, {}", anyone(*role))),
                );
            }
            Ground::AnyRole => who.push("anyone with a role in rollbacks".to_owned()),
            Ground::System => {}
        }
    }
    if who.is_empty() {
        return Refusal::not_yours("only Backout itself does this", "Nothing needs doing by hand.");
    }
    let vacant = who.iter().any(|text| text.ends_with("(vacant)"));
    let mend = if vacant {
        "Take the place in the room first, if the role is yours."
    } else {
        "Ask them, or take over the place in the room."
    };
    Refusal::not_yours(format!("this is for {}", who.join(" or ")), mend)
}

fn anyone(role: Role) -> String {
    format!("anyone in the role {role}")
}

fn place(title: &str, role: Role, incident: Option<&Incident>, facts: &Facts) -> String {
    match incident.and_then(|incident| incident.holder(role)) {
        Some(person) => format!("{title} ({})", facts.name(person)),
        None => format!("{title} (vacant)"),
    }
}
