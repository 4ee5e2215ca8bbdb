//! Closing an incident (R5, T10): each way it may end is offered, or refused with what stands in its way. Not rolling
//! back is a decision too, with a reason like the others.

use super::AppState;
use super::acting::{NotDone, Returned, act};
use super::error::{WebError, page};
use super::forms::{Checked, Fault, Faults, Field, Form, Typed};
use super::incident::{Lock, Sight, lock, look};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::now::outcome_words;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::Looked;
use crate::app::catalogue::Scripts;
use crate::domain::Timestamp;
use crate::domain::command::{Command, Outcome};
use crate::domain::refusal::Refusal;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/close", Capability::SignedIn, get),
        Route::post("/incidents/{id}/close", Capability::SignedIn, post),
    ]
}

/// One way to end.
struct Way {
    key: &'static str,
    words: String,
    meaning: &'static str,
    lock: Option<Lock>,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "close.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    closed: Option<(String, String, String, Timestamp)>,
    ways: Vec<Way>,
    /// Whether any way is open to whoever looks.
    any: bool,
    /// What somebody keeps for the next progress update: it goes out with the closing. Who, and which words.
    kept: Option<(String, String)>,
    told: Option<Refusal>,
    faults: Vec<Fault>,
    reason: String,
}

fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::RolledBack => "A rollback succeeded and was verified.",
        Outcome::Restored => "A restoration from a backup succeeded and was verified.",
        Outcome::FixedForward => "A correction went out instead; what runs now is newer.",
        Outcome::NotRolledBack => "It was decided not to roll back.",
        Outcome::Dismissed => "A false alarm. It does not count against the release.",
    }
}

fn view(app: &AppState, who: &SignedIn, looked: &Looked, back: Returned) -> View {
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(looked, &facts, who);
    let offers = sight.offers();
    let header = IncidentHeader::of(&sight, Page::Close);
    let ways: Vec<Way> = Outcome::ALL
        .into_iter()
        .map(|outcome| Way {
            key: outcome.key(),
            words: outcome_words(outcome.key()),
            meaning: meaning(outcome),
            lock: lock(offers.close(outcome)),
            chosen: back.typed.text("outcome") == outcome.key(),
        })
        .collect();
    let closed = looked.incident.closed.as_ref().map(|closed| {
        (outcome_words(closed.outcome.key()), sight.by(closed.by.as_ref()), closed.reason.clone(), closed.at)
    });
    View {
        layout: Layout::in_incident(&sight, &header.tab("Close"), "/close"),
        id: looked.incident.id.clone(),
        any: ways.iter().any(|way| way.lock.is_none()),
        header,
        closed,
        ways,
        kept: looked
            .incident
            .updates
            .note
            .as_ref()
            .filter(|_| looked.incident.is_open())
            .and_then(|note| (!note.text.is_empty()).then(|| (sight.by(note.by.as_ref()), note.text.clone()))),
        told: back.refused,
        faults: back.faults.0,
        reason: back.typed.text("reason").to_owned(),
    }
}

async fn show(app: &AppState, who: &SignedIn, id: &str, back: Returned) -> Result<Response, WebError> {
    let looked = look(app, id).await?;
    let status = back.status();
    Ok((status, page(&view(app, who, &looked, back))?).into_response())
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    show(&app, &who, &id, Returned::default()).await
}

struct Close {
    outcome: Outcome,
    reason: String,
    intent: String,
}

impl Form for Close {
    const FIELDS: &'static [Field] = &[
        Field::text("outcome", "How it ends", 20),
        Field::text("reason", "Reason", 4_000),
        Field::text("intent", "Form", 64),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Close> {
        let outcome = Outcome::from_key(typed.text("outcome"));
        if outcome.is_none() {
            faults.add("outcome", "Choose how the incident ends.");
        }
        let reason = typed.required("reason", faults, "Say in a few words why it ends so.");
        Some(Close { outcome: outcome?, reason: reason?, intent: typed.text("intent").to_owned() })
    }
}

async fn post(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Close>,
) -> Result<Response, WebError> {
    look(&app, &id).await?;
    let typed = form.typed;
    let close = match form.value {
        Ok(close) => close,
        Err(faults) => return show(&app, &who, &id, Returned::faulty(typed, faults)).await,
    };
    let command = Command::Close { outcome: close.outcome, reason: close.reason };
    match act(&app, &who, &id, command, &close.intent).await {
        Ok(_) => Ok(Redirect::to(&format!("/incidents/{id}")).into_response()),
        Err(NotDone::Refused(refusal)) => show(&app, &who, &id, Returned::refused(typed, refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample::World;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn each_way_is_offered_or_says_what_stands_in_its_way() {
        let world = World::new().await;
        let id = world.critical().await;
        let shown = world.signed_in("maya").await.get(&format!("/incidents/{id}/close")).await;
        let words = shown.words();
        assert_eq!(shown.status, StatusCode::OK);
        assert!(words.contains("no rollback succeeded") && words.contains("no restoration succeeded"), "{words}");
        assert!(words.contains("attempt 1 is submitted: end it first"), "{words}");
        assert!(!shown.body.contains("type=\"submit\">Close"), "nothing is open, so there is no button");
    }

    #[tokio::test]
    async fn a_false_alarm_is_dismissed_by_the_commander_with_a_reason() {
        let world = World::new().await;
        let id = world.critical().await;
        world.acts("tomas", &id, Command::WithdrawPlan { attempt: 1, reason: "no need".into() }).await;
        let address = format!("/incidents/{id}/close");
        let dismiss = |reason| [("outcome", "dismissed"), ("reason", reason), ("intent", "a")];
        let mut commander = world.signed_in("maya").await;
        assert_eq!(commander.post(&address, &dismiss(" ")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let mut lead = world.signed_in("tomas").await;
        let refused = lead.post(&address, &dismiss("a test")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.body.contains(">a test</textarea>"), "what was typed is kept: {}", refused.words());
        let done = commander.post(&address, &dismiss("a test")).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, &*format!("/incidents/{id}")));
        assert!(!world.app.incidents.incident(&id).await.unwrap().is_open());
        let words = commander.get(&address).await.words();
        assert!(words.contains("Dismissed") && words.contains("Maya Okafor"), "{words}");
    }
}
