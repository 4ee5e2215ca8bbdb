//! `GET /api/v1/incidents/{id}/updates`: the numbered progress updates that went out, and the next promise (L3).

use super::Desk;
use super::bearer;
use super::problem::Problem;
use crate::app::{SubmitError, summary};
use crate::domain::state::Incident;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Answer {
    incident: String,
    updates: Vec<Update>,
    /// Nothing once the outcome was said, or before updates are promised.
    next: Option<Promise>,
    as_of: String,
}

#[derive(Debug, Serialize)]
struct Update {
    number: u32,
    sent_at: String,
    due_at: String,
    text: String,
    early: bool,
    late: bool,
    /// Numbers of promises that passed without an update before this one.
    missed: Vec<u32>,
}

#[derive(Debug, Serialize)]
struct Promise {
    number: u32,
    due_at: String,
}

fn answer(incident: &Incident, as_of: String) -> Answer {
    let sent = incident.updates.sent.iter().map(|(at, update)| Update {
        number: update.number,
        sent_at: at.to_string(),
        due_at: update.due_at.to_string(),
        text: update.text.clone(),
        early: update.early,
        late: update.late,
        missed: update.missed.clone(),
    });
    let promised = incident.updates.promised.filter(|_| incident.is_open());
    Answer {
        incident: incident.id.clone(),
        updates: sent.collect(),
        next: promised.map(|promise| Promise { number: promise.number, due_at: promise.due_at.to_string() }),
        as_of,
    }
}

/// The handler.
///
/// # Errors
/// [`Problem`].
pub async fn get(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Answer>, Problem> {
    bearer::reads(&desk, &headers).await?;
    let unknown = || Problem::Unknown("There is no such incident. Its name looks like RB-0001.".to_owned());
    if summary::number_of(&id).is_none_or(|number| summary::name_of(number) != id) {
        return Err(unknown());
    }
    let incident = desk.0.incident(&id).await.map_err(|fault| match fault {
        SubmitError::Store(fault) => fault.into(),
        SubmitError::Missing(_) => unknown(),
        _ => Problem::NotKnown(format!("{id} cannot be read by this program.")),
    })?;
    Ok(Json(answer(&incident, desk.0.clock.now().to_string())))
}
