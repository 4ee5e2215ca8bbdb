//! `GET /api/v1/freeze`: may a deployment start now (E12)? Asked by pipelines before each.
//!
//! What is not known counts as no: a name that is not configured, or an incident that cannot be read, is a problem and
//! never `"frozen": false`.

use super::Desk;
use super::bearer;
use super::problem::Problem;
use crate::app::SubmitError;
use crate::domain::Timestamp;
use crate::domain::state::{Attempt, AttemptStatus, Incident};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long a pipeline should wait before it asks again, in seconds.
const RETRY: HeaderValue = HeaderValue::from_static("30");

/// What is asked about; nothing means everything.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    pub environment: Option<String>,
    pub component: Option<String>,
}

#[derive(Debug, Serialize)]
struct Answer {
    frozen: bool,
    freezes: Vec<Freeze>,
    as_of: String,
}

#[derive(Debug, Serialize)]
struct Freeze {
    incident: String,
    environment: String,
    /// What the rollback covers; empty means the whole environment.
    components: Vec<String>,
    component: String,
    since: String,
    reason: String,
    owner: Option<String>,
}

/// What the started plans of an incident cover; empty for the whole environment.
fn covered(incident: &Incident) -> Vec<String> {
    let started = incident.attempts.iter().filter(|attempt| attempt.start_ordered.is_some());
    let mut components: Vec<String> = vec![incident.component.clone()];
    for plan in started.filter_map(|attempt| attempt.plan()) {
        if plan.components.is_empty() {
            return Vec::new();
        }
        components.extend(plan.components.iter().cloned());
    }
    components.sort();
    components.dedup();
    components
}

fn freeze(incident: &Incident, names: &BTreeMap<String, String>) -> Option<Freeze> {
    if !incident.is_frozen() {
        return None;
    }
    let since: Option<Timestamp> = incident.attempts.iter().filter_map(|attempt| attempt.start_ordered).min();
    let owner = incident.commander.as_ref().and_then(|person| names.get(&person.0).cloned());
    Some(Freeze {
        incident: incident.id.clone(),
        environment: incident.environment.clone(),
        components: covered(incident),
        component: incident.component.clone(),
        since: since.unwrap_or(incident.opened_at).to_string(),
        reason: format!("{}: {}", why(incident), incident.title),
        owner,
    })
}

/// Why deployments still wait: the freeze lasts longer than the rollback, until the incident closes or a person lifts it.
fn why(incident: &Incident) -> &'static str {
    if let Some(attempt) = incident.lock_holder() {
        return if attempt.stop.is_some() { "A rollback is being stopped" } else { "A rollback is under way" };
    }
    match incident.current().map(Attempt::status) {
        Some(AttemptStatus::Submitted) => "A rollback is about to start",
        Some(AttemptStatus::Succeeded) => "A rollback succeeded, and its incident is still open",
        Some(AttemptStatus::Failed) => "A rollback failed, and its incident is still open",
        Some(AttemptStatus::Aborted) => "A rollback was stopped, and its incident is still open",
        _ => "A rollback was ordered, and its incident is still open",
    }
}

fn matches(freeze: &Freeze, asked: &Asked) -> bool {
    let environment = asked.environment.as_ref().is_none_or(|name| *name == freeze.environment);
    let component =
        asked.component.as_ref().is_none_or(|name| freeze.components.is_empty() || freeze.components.contains(name));
    environment && component
}

/// A misspelt name must not look like a free road.
fn known(desk: &Desk, asked: &Asked) -> Result<(), Problem> {
    let environments = &desk.0.site.environments;
    if let Some(name) = &asked.environment
        && !environments.contains_key(name)
    {
        let all: Vec<&str> = environments.keys().map(String::as_str).collect();
        return Err(Problem::Unknown(format!("There is no such environment. Known are: {}.", all.join(", "))));
    }
    let mut places =
        environments.iter().filter(|(name, _)| asked.environment.as_ref().is_none_or(|asked| asked == *name));
    match &asked.component {
        Some(name) if !places.any(|(_, place)| place.components.contains(name)) => Err(Problem::Unknown(
            "There is no such component in this environment. The registers page names them.".into(),
        )),
        _ => Ok(()),
    }
}

/// The handler.
///
/// # Errors
/// [`Problem`].
pub async fn get(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    bearer::reads(&desk, &headers).await?;
    known(&desk, &asked)?;
    let names: BTreeMap<String, String> =
        desk.0.store.people().await?.into_iter().map(|person| (person.id, person.name)).collect();
    let mut freezes = Vec::new();
    for row in desk.0.store.open_all().await? {
        let incident = desk.0.incident(&row.incident).await.map_err(|fault| match fault {
            SubmitError::Store(fault) => fault.into(),
            _ => Problem::NotKnown(format!("{} cannot be read, so it may hold deployments back.", row.incident)),
        })?;
        freezes.extend(freeze(&incident, &names).filter(|freeze| matches(freeze, &asked)));
    }
    let frozen = !freezes.is_empty();
    let mut response = Json(Answer { frozen, freezes, as_of: desk.0.clock.now().to_string() }).into_response();
    if frozen {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY);
    }
    Ok(response)
}
