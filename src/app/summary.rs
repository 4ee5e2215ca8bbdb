//! An incident's one summary row, made from its state: lists and searches read only that.

use super::gather::WHOLE_ENVIRONMENT;
use crate::domain::Timestamp;
use crate::domain::due;
use crate::domain::progress;
use crate::domain::state::Incident;
use crate::domain::waits;
use crate::store::BoardRow;

/// The board's row for an incident.
pub fn row(incident: &Incident, number: i64, now: Timestamp) -> BoardRow {
    let locked = incident.lock_holder().and_then(|attempt| attempt.plan()).map(|plan| {
        if plan.components.is_empty() { vec![WHOLE_ENVIRONMENT.to_owned()] } else { plan.components.clone() }
    });
    BoardRow {
        incident: incident.id.clone(),
        number,
        version: incident.version,
        title: incident.title.clone(),
        severity: incident.severity.key().to_owned(),
        category: incident.category.clone(),
        environment: incident.environment.clone(),
        component: incident.component.clone(),
        decision: incident.advice.decision.key().to_owned(),
        status: if incident.is_open() { "open" } else { "closed" }.to_owned(),
        phase: progress::state_words(incident, now),
        outcome: incident.closed.as_ref().map(|closed| closed.outcome.key().to_owned()),
        opened_at: incident.opened_at,
        closed_at: incident.closed.as_ref().map(|closed| closed.at),
        commander: incident.commander.as_ref().map(|person| person.0.clone()),
        technical_lead: incident.technical_lead.as_ref().map(|person| person.0.clone()),
        attempt: incident.current().map_or(0, |attempt| i64::from(attempt.number)),
        next_due: due::due(incident).map(|(at, _)| at),
        locked_components: locked.unwrap_or_default(),
        frozen: false,
        waits_for: serde_json::to_string(&waits::waits(incident, now)).expect("waits are plain data"),
        updated_at: now,
    }
}

/// The number in `RB-0142`.
pub fn number_of(incident: &str) -> Option<i64> {
    incident.strip_prefix("RB-").and_then(|digits| digits.parse().ok())
}

/// `RB-0142`.
pub fn name_of(number: i64) -> String {
    format!("RB-{number:04}")
}
