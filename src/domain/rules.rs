//! The playbook's decision rules and authorities, asked of one case (D1, D2): what is advised, and who must agree.

use super::event::Advice;
use super::procedure::{Authority, Decision, Procedure, Rule, Severity, Slot, StartMode, When};
use super::{Span, Timestamp};

/// Everything a rule may ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub category: String,
    /// Names of the triggers that are part of it.
    pub triggers: Vec<String>,
    pub severity: Option<Severity>,
    pub outage: bool,
    pub users_affected_ppm: Option<i64>,
    pub release_age: Option<Span>,
    pub now: Timestamp,
}

/// The answer: decision and severity with their reason, and the demands that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub severity: Severity,
    pub advice: Advice,
    pub start: StartMode,
    pub ratified_by: Option<String>,
    pub needs_reason: bool,
}

/// Judges a case. The strictest matching rule wins; all matching authorities add their slots.
pub fn judge(procedure: &Procedure, case: &Case) -> Judgement {
    let rule = matching(procedure, case).min_by_key(|rule| (rule.decision, rule.severity.unwrap_or(Severity::P3)));
    let category = procedure.category(&case.category);
    let (decision, rule_name, because) = match (rule, category) {
        (Some(rule), _) => (rule.decision, rule.name.clone(), rule.text.clone()),
        (None, Some(category)) => {
            (category.decision, category.name.clone(), format!("{} calls for: {}", category.title, category.decision))
        }
        (None, None) => (Decision::NotRequired, String::from("none"), String::from("no rule speaks of this case")),
    };
    let severity = case
        .severity
        .or_else(|| rule.and_then(|rule| rule.severity))
        .or_else(|| category.map(|category| category.severity))
        .unwrap_or_default();
    let demands = demands(procedure, case, decision, severity);
    Judgement {
        severity,
        advice: Advice {
            category: case.category.clone(),
            decision,
            rule: rule_name,
            because,
            otherwise: otherwise(procedure, case, decision, severity, &demands.slots),
            authority: demands.text,
            slots: demands.slots,
        },
        start: demands.start,
        ratified_by: demands.ratified_by,
        needs_reason: demands.needs_reason,
    }
}

/// What the authorities demand of a decision at a severity.
struct Demands {
    slots: Vec<Slot>,
    text: String,
    start: StartMode,
    ratified_by: Option<String>,
    needs_reason: bool,
}

fn demands(procedure: &Procedure, case: &Case, decision: Decision, severity: Severity) -> Demands {
    let matching: Vec<&Authority> = procedure
        .authorities
        .iter()
        .filter(|authority| fits(&authority.when, case, Some(severity), Some(decision)))
        .collect();
    let mut slots: Vec<Slot> = Vec::new();
    for slot in matching.iter().flat_map(|authority| &authority.slots) {
        if !slots.contains(slot) {
            slots.push(slot.clone());
        }
    }
    let text = if slots.iter().any(|slot| slot.kind.gates()) {
        matching.iter().map(|authority| authority.text.as_str()).collect::<Vec<_>>().join(" ")
    } else {
        String::from("No rule of the playbook says who may authorise this. It is blocked until one does.")
    };
    Demands {
        slots,
        text,
        // One authority that wants a word before the start is enough.
        start: if matching.iter().all(|authority| authority.start == StartMode::AtAuthorisation) && !matching.is_empty()
        {
            StartMode::AtAuthorisation
        } else {
            StartMode::OnCommand
        },
        ratified_by: matching.iter().find_map(|authority| authority.ratified_by.clone()),
        needs_reason: matching.iter().any(|authority| authority.needs_reason),
    }
}

/// The role by name that must ratify afterwards what was started under a decision at a severity (D13).
pub fn ratifier(procedure: &Procedure, case: &Case, decision: Decision, severity: Severity) -> Option<String> {
    demands(procedure, case, decision, severity).ratified_by
}

fn matching<'a>(procedure: &'a Procedure, case: &'a Case) -> impl Iterator<Item = &'a Rule> {
    procedure.rules.iter().filter(|rule| fits(&rule.when, case, case.severity, None))
}

fn fits(when: &When, case: &Case, severity: Option<Severity>, decision: Option<Decision>) -> bool {
    let listed = |list: &[Severity]| list.is_empty() || severity.is_some_and(|severity| list.contains(&severity));
    let decided = when.decision.is_empty() || decision.is_some_and(|decision| when.decision.contains(&decision));
    (when.category.is_empty() || when.category.contains(&case.category))
        && (when.trigger.is_empty() || case.triggers.iter().any(|name| when.trigger.contains(name)))
        && listed(&when.severity)
        && decided
        && when.outage.is_none_or(|outage| outage == case.outage)
        && when.users_affected_ppm.is_none_or(|least| case.users_affected_ppm.is_some_and(|share| share >= least))
        && when.release_younger_than.is_none_or(|limit| case.release_age.is_some_and(|age| age < limit))
        && (when.weekday.is_empty() || when.weekday.contains(&weekday(case.now)))
        && when.hours.is_none_or(|(from, to)| in_hours(hour(case.now), from, to))
}

/// 1 Monday to 7 Sunday, UTC. The first of January 1970 was a Thursday.
fn weekday(at: Timestamp) -> u8 {
    let days = at.0.div_euclid(86_400_000_000);
    u8::try_from((days + 3).rem_euclid(7) + 1).expect("between 1 and 7")
}

fn hour(at: Timestamp) -> u8 {
    u8::try_from(at.0.rem_euclid(86_400_000_000) / 3_600_000_000).expect("between 0 and 23")
}

fn in_hours(hour: u8, from: u8, to: u8) -> bool {
    if from <= to { hour >= from && hour < to } else { hour >= from || hour < to }
}

/// What would change the answer: the severities whose demands differ.
fn otherwise(procedure: &Procedure, case: &Case, decision: Decision, severity: Severity, slots: &[Slot]) -> String {
    let mut changes = Vec::new();
    for other in Severity::ALL.into_iter().filter(|other| *other != severity) {
        let asked = Case { severity: Some(other), ..case.clone() };
        let rule = matching(procedure, &asked).min_by_key(|rule| rule.decision);
        let then = rule.map_or(decision, |rule| rule.decision);
        let wanted = demands(procedure, &asked, then, other).slots;
        if then != decision || wanted != slots {
            let who: Vec<String> =
                wanted.iter().filter(|slot| slot.kind.gates()).map(|slot| slot.duty.to_string()).collect();
            let who = if who.is_empty() { String::from("nobody, so it would be blocked") } else { who.join(" and ") };
            changes.push(format!("At {other}: {then}, authorised by {who}."));
        }
    }
    if changes.is_empty() { String::from("The same at every severity.") } else { changes.join(" ") }
}

/// Are the second demands weaker than the first: does any gating slot fall away?
pub fn lessens(before: &[Slot], after: &[Slot]) -> bool {
    before.iter().filter(|slot| slot.kind.gates()).any(|slot| !after.contains(slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_and_hours_are_read_in_utc() {
        assert_eq!(weekday(Timestamp(0)), 4, "1970-01-01 was a Thursday");
        assert_eq!(weekday(Timestamp(-1)), 3);
        assert_eq!(hour(Timestamp(3 * 3_600_000_000)), 3);
        assert!(in_hours(23, 22, 6) && in_hours(5, 22, 6) && !in_hours(6, 22, 6));
        assert!(in_hours(9, 9, 17) && !in_hours(17, 9, 17));
    }
}
