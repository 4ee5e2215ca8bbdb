//! A form becomes a command: how a signed-in person acts on an incident, and how a refusal is told.

use super::AppState;
use super::error::WebError;
use super::forms::{Faults, Typed};
use super::session::SignedIn;
use crate::app::{Accepted, Looked, SubmitError};
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::words::{stopped, upper_first};
use axum::http::StatusCode;

/// Why a form did not take effect.
#[derive(Debug)]
pub enum NotDone {
    /// "No, because …": the page shows it beside what was typed.
    Refused(Refusal),
    Error(WebError),
}

/// The person as the domain knows who acts, with a fresh confirmation where there is one.
pub fn actor(who: &SignedIn) -> Actor {
    Actor::person(&who.person, who.strength)
}

/// Asks something of an incident in this person's name. `intent` is the form's one-time key.
///
/// That it was done already, by this person or another, is no failure: the room shows how things are.
///
/// # Errors
/// [`NotDone`]; nothing has changed then.
pub async fn act(
    app: &AppState,
    who: &SignedIn,
    incident: &str,
    command: Command,
    intent: &str,
) -> Result<Option<Accepted>, NotDone> {
    let intent = (!intent.is_empty()).then(|| intent.to_owned());
    told(app.incidents.submit(incident, actor(who), command, intent).await)
}

/// Asks whether [`act`] would do this once the confirmation that is missing is there. Answers what was looked at; nothing
/// where it was done already.
///
/// # Errors
/// [`NotDone`], as [`act`] would say it. Nothing has changed, either way.
pub async fn rehearse(
    app: &AppState,
    who: &SignedIn,
    incident: &str,
    command: &Command,
    intent: &str,
) -> Result<Option<Looked>, NotDone> {
    let intent = (!intent.is_empty()).then_some(intent);
    told(app.incidents.rehearse(incident, &who.person, command, intent).await).map(Option::flatten)
}

fn told<T>(answer: Result<T, SubmitError>) -> Result<Option<T>, NotDone> {
    match answer {
        Ok(done) => Ok(Some(done)),
        Err(SubmitError::Refused(refusal)) if refusal.kind == RefusalKind::AlreadyDone => Ok(None),
        Err(SubmitError::Refused(refusal)) => {
            metrics::counter!("backout_refusals_total").increment(1);
            Err(NotDone::Refused(refusal))
        }
        Err(other) => Err(NotDone::Error(error(other))),
    }
}

/// A form that came back: as it was typed, and why it did not take effect. The default: no form came back.
#[derive(Debug, Default)]
pub struct Returned {
    pub typed: Typed,
    pub refused: Option<Refusal>,
    pub faults: Faults,
}

impl Returned {
    pub fn faulty(typed: Typed, faults: Faults) -> Returned {
        Returned { typed, faults, refused: None }
    }

    pub fn refused(typed: Typed, refusal: Refusal) -> Returned {
        Returned { typed, refused: Some(refusal), faults: Faults::default() }
    }

    /// The status of the page that shows it.
    pub fn status(&self) -> StatusCode {
        match &self.refused {
            Some(refusal) => status(refusal),
            None if self.faults.is_empty() => StatusCode::OK,
            None => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// A failed look-up or submission as a page.
pub fn error(fault: SubmitError) -> WebError {
    match fault {
        SubmitError::Refused(refusal) => refused(&refusal),
        SubmitError::Missing(_) => WebError::not_found(),
        SubmitError::Frozen(why) => WebError::new(
            StatusCode::CONFLICT,
            "This incident is frozen",
            &format!("Nothing is decided on guesses: {why}. Ask an administrator to update Backout."),
        ),
        SubmitError::Store(fault) => WebError::internal(&fault),
    }
}

/// The status that fits a refusal.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal.kind {
        RefusalKind::NotYours => StatusCode::FORBIDDEN,
        RefusalKind::Reauthenticate => StatusCode::UNAUTHORIZED,
        RefusalKind::Unknown => StatusCode::NOT_FOUND,
        RefusalKind::Input => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::Phase | RefusalKind::DigestMismatch | RefusalKind::Blocked | RefusalKind::AlreadyDone => {
            StatusCode::CONFLICT
        }
    }
}

/// A refusal as a page of its own, for forms that have no page to go back to.
pub fn refused(refusal: &Refusal) -> WebError {
    let because = stopped(upper_first(&refusal.because));
    WebError::new(status(refusal), "This was not done", &format!("{because} {}", refusal.mend))
}
