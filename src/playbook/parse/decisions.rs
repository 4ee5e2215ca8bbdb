//! What the procedure advises, who must agree, and which type of rollback is proposed.

use super::people::may_approve;
use super::{DECISIONS, SEVERITIES, TYPES, line};
use crate::domain::Role;
use crate::domain::procedure::*;
use crate::playbook::reader::{Reader, Words};
use crate::playbook::sheet::Noun;

pub(super) fn approvals(top: &mut Reader<'_>) -> Approvals {
    let read = |table: &mut Reader<'_>| Approvals { expire_after: table.span("expire_after") };
    top.table("approvals", "[approvals]", read).unwrap_or_default()
}

pub(super) fn previous_stable(top: &mut Reader<'_>) -> PreviousStable {
    let read = |table: &mut Reader<'_>| PreviousStable { ran_at_least: table.span("ran_at_least") };
    top.table("previous_stable", "[previous_stable]", read).unwrap_or_default()
}

pub(super) fn rules(top: &mut Reader<'_>) -> Vec<Rule> {
    top.tables("rule", "a rule", |rule| Rule {
        name: rule.name(Noun::Rule),
        text: rule.text("text"),
        when: when(rule),
        decision: rule.word("decision", DECISIONS),
        severity: rule.word_if_any("severity", SEVERITIES),
        seed: rule.text_if_any("seed"),
    })
}

fn when(reader: &mut Reader<'_>) -> When {
    let read = |when: &mut Reader<'_>| When {
        category: when.references("category", Noun::Category),
        trigger: when.references("trigger", Noun::Trigger),
        severity: when.words("severity", SEVERITIES),
        decision: when.words("decision", DECISIONS),
        outage: when.flag_if_any("outage"),
        users_affected_ppm: when.share_if_any("users_affected"),
        release_younger_than: when.span_if_any("release_younger_than"),
        weekday: when.numbers("weekday", 1..=7).into_iter().filter_map(|day| u8::try_from(day).ok()).collect(),
        hours: hours(when),
    };
    reader.table("when", "`when`", read).unwrap_or_default()
}

/// `[22, 6]`: from ten in the evening to six in the morning, UTC.
fn hours(when: &mut Reader<'_>) -> Option<(u8, u8)> {
    let at = when.place_of("hours")?;
    let hours: Vec<u8> = when.numbers("hours", 0..=24).into_iter().filter_map(|hour| u8::try_from(hour).ok()).collect();
    match hours[..] {
        _ if hours.len() < when.length_of("hours") => None,
        [from, to] if from != to => Some((from, to)),
        [from, _] => {
            when.sheet.fault(&at, format!("the hours end at {from}, when they start"), "write hours = [22, 6]");
            None
        }
        _ => {
            when.sheet.fault(&at, "`hours` needs two hours of the day", "write hours = [22, 6]");
            None
        }
    }
}

const SLOT_KINDS: Words<'_, SlotKind> = &[
    ("approve", SlotKind::Approve),
    ("review", SlotKind::Review),
    ("inform_before", SlotKind::InformBefore),
    ("inform_after", SlotKind::InformAfter),
];

const START_MODES: Words<'_, StartMode> =
    &[("at-authorisation", StartMode::AtAuthorisation), ("on-command", StartMode::OnCommand)];

pub(super) fn authorities(top: &mut Reader<'_>, roles: &[RoleDefinition]) -> Vec<Authority> {
    let authorities = top.tables("authority", "an authority", |authority| {
        let name = authority.name(Noun::Authority);
        let text = authority.text("text");
        let when = when(authority);
        let slots = authority.tables("slots", "a slot", |slot| self::slot(slot, roles));
        let ratified_by = approving_role(authority, "ratified_by", "ratifies", roles);
        Authority {
            name,
            text,
            when,
            slots,
            ratified_by,
            needs_reason: authority.flag("needs_reason", false),
            start: authority.word("start", START_MODES),
            seed: authority.text_if_any("seed"),
        }
    });
    report_gaps(top, &authorities);
    authorities
}

fn slot(slot: &mut Reader<'_>, roles: &[RoleDefinition]) -> Slot {
    let role = slot.reference("role", Noun::Role);
    let kind = slot.word("kind", SLOT_KINDS);
    let duty = duty_of(&role, roles);
    let substitute = if kind.gates() {
        if let Some(duty) = duty {
            refuse_powerless(slot, "role", &role, duty, "approves");
        }
        approving_role(slot, "substitute", "approves", roles)
    } else {
        slot.reference_if_any("substitute", Noun::Role)
    };
    if substitute.as_ref() == Some(&role)
        && let Some(at) = slot.place_of("substitute")
    {
        slot.sheet.fault(&at, format!("role `{role}` cannot stand in for itself"), "name another role, or none");
    }
    Slot { role, duty: duty.unwrap_or(Role::Observer), kind, substitute }
}

fn duty_of(name: &str, roles: &[RoleDefinition]) -> Option<Role> {
    roles.iter().find(|role| role.name == name).map(|role| role.duty)
}

/// A role whose holders' word counts.
fn approving_role(reader: &mut Reader<'_>, key: &'static str, deed: &str, roles: &[RoleDefinition]) -> Option<String> {
    let name = reader.reference_if_any(key, Noun::Role)?;
    if let Some(duty) = duty_of(&name, roles) {
        refuse_powerless(reader, key, &name, duty, deed);
    }
    Some(name)
}

fn refuse_powerless(reader: &Reader<'_>, key: &str, name: &str, duty: Role, deed: &str) {
    if !may_approve(duty) {
        let message = format!("role `{name}` has the duty {}, which {deed} nothing", duty.key());
        let mend = "name a role whose duty is incident_commander, technical_lead or management";
        reader.sheet.fault_about(reader.place_or_table(key).start, name, message, mend);
    }
}

/// Every decision at every severity needs at least one gating slot, asked for without any further question: a plan that
/// nobody must approve would be blocked for ever.
fn report_gaps(top: &Reader<'_>, authorities: &[Authority]) {
    let covers = |authority: &Authority, decision: Decision, severity: Severity| {
        let When { category, trigger, severity: severities, decision: decisions, outage, .. } = &authority.when;
        let When { users_affected_ppm, release_younger_than, weekday, hours, .. } = &authority.when;
        let asks_nothing_else = category.is_empty()
            && trigger.is_empty()
            && weekday.is_empty()
            && outage.is_none()
            && users_affected_ppm.is_none()
            && release_younger_than.is_none()
            && hours.is_none();
        asks_nothing_else
            && (decisions.is_empty() || decisions.contains(&decision))
            && (severities.is_empty() || severities.contains(&severity))
            && authority.slots.iter().any(|slot| slot.kind.gates())
    };
    let at = top.place_or_table("authority");
    for decision in Decision::ALL {
        let gaps: Vec<&str> = Severity::ALL
            .into_iter()
            .filter(|severity| !authorities.iter().any(|authority| covers(authority, decision, *severity)))
            .map(Severity::key)
            .collect();
        if !gaps.is_empty() {
            let message = format!("nobody must approve when the decision is {} at {}", decision.key(), gaps.join(", "));
            let mend = format!(
                "add an [[authority]] with when = {{ decision = [\"{}\"] }} and a slot that approves",
                decision.key()
            );
            top.sheet.missing(&at, message, mend);
        }
    }
}

pub(super) fn types(top: &mut Reader<'_>) -> Vec<TypeDefinition> {
    top.tables("type", "a type", |definition| {
        let kind = definition.word("kind", TYPES);
        if let Some(at) = definition.place_of("kind") {
            definition.sheet.give(Noun::Type, kind.key(), at.start);
        }
        TypeDefinition {
            kind,
            title: definition.text("title"),
            scope: definition.tables("scope", "a line of scope", line),
            when_used: definition.tables("when_used", "a use", |used| WhenUsed {
                text: used.text("text"),
                categories: used.references("categories", Noun::Category),
                triggers: used.references("triggers", Noun::Trigger),
                seed: used.text_if_any("seed"),
            }),
            seed: definition.text_if_any("seed"),
        }
    })
}
