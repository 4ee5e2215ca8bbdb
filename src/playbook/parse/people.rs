//! Roles with their duties, teams, contacts.

use super::line;
use crate::domain::Role;
use crate::domain::procedure::{Contact, Responder, RoleDefinition};
use crate::playbook::reader::{Reader, Words};
use crate::playbook::sheet::Noun;

pub(super) const DUTIES: Words<'_, Role> = &[
    ("incident_commander", Role::IncidentCommander),
    ("technical_lead", Role::TechnicalLead),
    ("management", Role::Management),
    ("support", Role::Support),
    ("observer", Role::Observer),
];

pub(super) fn roles(top: &mut Reader<'_>) -> Vec<RoleDefinition> {
    top.tables("role", "a role", |role| RoleDefinition {
        name: role.name(Noun::Role),
        title: role.text("title"),
        duty: role.word("duty", DUTIES),
        authority: role.tables("authority", "a line of authority", line),
        seed: role.text_if_any("seed"),
    })
}

/// Whose word a gating slot may wait for.
pub(super) fn may_approve(duty: Role) -> bool {
    matches!(duty, Role::IncidentCommander | Role::TechnicalLead | Role::Management)
}

pub(super) fn responders(top: &mut Reader<'_>) -> Vec<Responder> {
    top.tables("responder", "a team", |team| Responder {
        name: team.name(Noun::Responder),
        title: team.text("title"),
        seed: team.text_if_any("seed"),
    })
}

pub(super) fn contacts(top: &mut Reader<'_>) -> Vec<Contact> {
    top.tables("contact", "a contact", |contact| Contact {
        name: contact.name(Noun::Contact),
        title: contact.text("title"),
        group: contact.text("group"),
        reach: contact.text_or_empty("reach"),
        seed: contact.text_if_any("seed"),
    })
}
