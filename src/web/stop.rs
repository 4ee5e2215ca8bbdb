//! Stopping a rollback: one page that says what stopping does not undo, and one button. It asks for no confirmation of
//! the person, and whoever may stop is never limited: stopping must not wait.

use super::AppState;
use super::acting::{NotDone, act, actor};
use super::error::WebError;
use super::forms::{Checked, Faults, Field, Form, Typed};
use super::incident::{Place, Sight, shown};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::pace::Kind;
use super::room::orders::{ATTEMPT, Back, INTENT, TEXT, attempt};
use super::room::runs::RunWord;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::SubmitError;
use crate::domain::Timestamp;
use crate::domain::command::Command;
use crate::domain::refusal::RefusalKind;
use crate::domain::state::{Attempt, AttemptNo, AttemptStatus, Run};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/stop", Capability::SignedIn, get),
        Route::post("/incidents/{id}/stop", Capability::SignedIn, post),
    ]
}

#[derive(Template)]
#[template(path = "stop.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    back: Back,
    attempt: AttemptNo,
    target: String,
    place: Place,
    /// Nothing has begun yet.
    nothing_begun: bool,
    /// How the plan stands that has not begun.
    not_begun: &'static str,
    /// Why there is no button.
    nothing: &'static str,
    /// What is cancelled.
    live: Vec<Line>,
    /// What ended and stays as it is.
    stays: Vec<Line>,
    /// What will not be started any more.
    not_started: Vec<String>,
    /// Somebody who authorised it has been disabled or lost the role since.
    lost: Vec<String>,
}

struct Line {
    title: String,
    state: RunWord,
    at: Timestamp,
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    show(&app, &who, &id, Back::default()).await
}

async fn show(app: &AppState, who: &SignedIn, id: &str, back: Back) -> Result<Response, WebError> {
    shown(app, who, id, back.status(), |sight| {
        let attempt = sight.incident.current().ok_or_else(WebError::not_found)?;
        Ok(view(sight, attempt, back))
    })
    .await
}

fn view(sight: &Sight, attempt: &Attempt, back: Back) -> View {
    let header = IncidentHeader::of(sight, Page::Elsewhere);
    let actions = attempt.plan().map(|plan| plan.actions.as_slice()).unwrap_or_default();
    let line = |run: &Run| Line {
        title: actions
            .iter()
            .find(|action| action.name == run.action)
            .map_or(run.action.clone(), |it| it.title.clone()),
        state: RunWord::of(run.state),
        at: run.starting_at,
    };
    let waiting = actions.iter().filter(|action| attempt.latest_run(&action.name).is_none());
    let lost = attempt.approvals.iter().filter(|approval| !sight.facts.holds(&approval.person, approval.role));
    View {
        layout: Layout::in_incident(sight, &header.tab("stop"), "/stop"),
        id: sight.incident.id.clone(),
        back,
        attempt: attempt.number,
        target: attempt.destination(),
        place: sight.stop_place(attempt),
        nothing_begun: attempt.runs.is_empty(),
        not_begun: not_begun(attempt),
        nothing: match (attempt.status(), &attempt.stop) {
            (status, Some(_)) if !status.is_terminal() => "Stopping is ordered already.",
            (AttemptStatus::Verifying, _) => "Every action has ended. Confirm the success, or declare the failure.",
            (AttemptStatus::Aborted, _) => "It was stopped. What ended before stays as it is.",
            _ => "There is nothing to stop.",
        },
        live: attempt.live_runs().map(line).collect(),
        stays: attempt.runs.iter().filter(|run| !run.state.is_live()).map(line).collect(),
        not_started: waiting.map(|action| action.title.clone()).collect(),
        lost: lost
            .map(|approval| {
                format!(
                    "{} authorised it and no longer holds the role {}",
                    sight.facts.name(&approval.person),
                    approval.role
                )
            })
            .collect(),
        header,
    }
}

fn not_begun(attempt: &Attempt) -> &'static str {
    match attempt.status() {
        AttemptStatus::Submitted if attempt.start_ordered.is_some() => {
            "Its start is ordered: stopping withdraws the plan before it begins."
        }
        AttemptStatus::Submitted => {
            "The plan stands as it is, and starts only by people’s word. Who does not want it declines or withdraws it."
        }
        AttemptStatus::Draft => "The plan is a draft, and nobody has submitted it.",
        AttemptStatus::Withdrawn => "The plan is withdrawn.",
        AttemptStatus::Rejected => "The plan was declined.",
        _ => "",
    }
}

struct Stop {
    command: Command,
    intent: String,
}

impl Form for Stop {
    const FIELDS: &'static [Field] = &[INTENT, ATTEMPT, Field::text("reason", "Reason", TEXT)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Stop> {
        let command = Command::Stop { attempt: attempt(typed, faults)?, reason: typed.text("reason").to_owned() };
        Some(Stop { command, intent: typed.text("intent").to_owned() })
    }
}

/// Each refusal is an entry of the ledger, so a stop that will be refused counts as any other form does. One that will
/// be done is not counted, and goes on however much this person sent before.
async fn pace(app: &AppState, who: &SignedIn, id: &str, stop: &Stop) -> Result<(), WebError> {
    let intent = (!stop.intent.is_empty()).then_some(stop.intent.as_str());
    match app.incidents.foreseen(id, &actor(who), &stop.command, intent).await {
        Err(SubmitError::Refused(refusal)) if refusal.kind != RefusalKind::AlreadyDone => {
            let now = app.clock.now();
            app.pace.take(&who.person, Kind::Usual, now).map_err(|until| WebError::too_many(until, now))
        }
        _ => Ok(()),
    }
}

async fn post(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Stop>,
) -> Result<Response, WebError> {
    let stop = match form.value {
        Ok(stop) => stop,
        Err(faults) => return show(&app, &who, &id, Back::faulty("stop", form.typed, &faults, Stop::FIELDS)).await,
    };
    pace(&app, &who, &id, &stop).await?;
    match act(&app, &who, &id, stop.command, &stop.intent).await {
        Ok(_) => Ok(Redirect::to(&format!("/incidents/{id}#runs")).into_response()),
        Err(NotDone::Refused(refusal)) => show(&app, &who, &id, Back::refused("stop", form.typed, &refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::state::AttemptStatus;
    use crate::web::sample::World;
    use axum::http::StatusCode;

    #[tokio::test]
    async fn stopping_says_what_it_will_not_undo_and_never_asks_for_the_password() {
        let world = World::new().await;
        let id = world.critical().await;
        world.authorised(&id).await;
        let run = world.runs(&id, "app-rollback").await;
        let path = format!("/incidents/{id}/stop");
        // Any incident commander, not only the one of this incident, and not freshly confirmed.
        let mut noor = world.signed_in("noor").await;
        let page = noor.get(&path).await;
        let words = page.words();
        assert!(words.contains("Stopping does not undo"), "{words}");
        assert!(words.contains("Deploy the previous application version"), "{words}");
        let empty = noor.post(&path, &[("attempt", "1"), ("reason", " ")]).await;
        assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
        let stopped = noor.post(&path, &[("attempt", "1"), ("reason", "the wrong version")]).await;
        assert_eq!(stopped.status, StatusCode::SEE_OTHER, "{}", stopped.words());
        let again = noor.post(&path, &[("attempt", "1"), ("reason", "the wrong version")]).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "stopping twice is no failure");
        let incident = world.ends(&id, &run, 143).await;
        assert_eq!(incident.current().unwrap().status(), AttemptStatus::Aborted);
    }

    /// Each refusal is an entry of the ledger; a person who may stop is not slowed by what else they sent.
    #[tokio::test]
    async fn who_may_not_stop_does_not_fill_the_ledger_and_who_may_is_never_slowed() {
        let world = World::new().await;
        let id = world.critical().await;
        world.authorised(&id).await;
        world.runs(&id, "app-rollback").await;
        let path = format!("/incidents/{id}/stop");
        let mut olga = world.signed_in("olga").await;
        let before = world.app.store.head().await.unwrap().seq;
        let mut answers = Vec::new();
        for _ in 0..100 {
            answers.push(olga.post(&path, &[("attempt", "1"), ("reason", "x")]).await.status);
        }
        assert_eq!(world.app.store.head().await.unwrap().seq - before, 60);
        assert!(answers[..60].iter().all(|status| *status == StatusCode::FORBIDDEN), "{answers:?}");
        assert!(answers[60..].iter().all(|status| *status == StatusCode::TOO_MANY_REQUESTS), "{answers:?}");
        let mut noor = world.signed_in("noor").await;
        for _ in 0..100 {
            noor.post(&path, &[("attempt", "1"), ("reason", " ")]).await;
        }
        assert_eq!(noor.post(&format!("/incidents/{id}/answer"), &[]).await.status, StatusCode::TOO_MANY_REQUESTS);
        for _ in 0..100 {
            let stopped = noor.post(&path, &[("attempt", "1"), ("reason", "the wrong version")]).await;
            assert_eq!(stopped.status, StatusCode::SEE_OTHER, "{}", stopped.words());
        }
        assert_eq!(world.app.store.head().await.unwrap().seq - before, 121 + 1, "sixty each, one sign-in, one stop");
    }

    #[tokio::test]
    async fn an_observer_sees_why_there_is_no_button_and_is_refused() {
        let world = World::new().await;
        let id = world.critical().await;
        world.authorised(&id).await;
        world.runs(&id, "app-rollback").await;
        let mut olga = world.signed_in("olga").await;
        let page = olga.get(&format!("/incidents/{id}/stop")).await;
        assert!(!page.body.contains("button-destructive"));
        assert!(
            page.words().contains("No, because this is for anyone in the role incident commander"),
            "{}",
            page.words()
        );
        let refused = olga.post(&format!("/incidents/{id}/stop"), &[("attempt", "1"), ("reason", "x")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
}
