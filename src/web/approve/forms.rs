//! What is sent from this page: the signature, any other answer to the plan, an assessment.

use super::{button, show};
use crate::domain::command::{Approve, Command};
use crate::web::AppState;
use crate::web::acting::{self, NotDone, act};
use crate::web::error::WebError;
use crate::web::forms::{Checked, Faults, Field, Form, Typed};
use crate::web::rehearsal::Waits;
use crate::web::room::orders::{ATTEMPT, Back, INTENT, NAME, TEXT, attempt};
use crate::web::session::SignedIn;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

const DIGEST: Field = Field::text("digest", "Digest", 64);

/// What the form's button says of the start: `yes` where it names it, empty where not.
const STARTS: Field = Field::text("starts", "Start", 3);

/// Whether the button that was pressed named the start: a form that says nothing of it asked for none.
fn named_start(typed: &Typed) -> bool {
    typed.text(STARTS.name) == "yes"
}

/// What who authorises sends.
pub(super) struct Authorise {
    command: Command,
    intent: String,
}

impl Form for Authorise {
    const FIELDS: &'static [Field] = &[
        INTENT,
        ATTEMPT,
        DIGEST,
        Field::text("slot", "Slot", NAME),
        STARTS,
        Field::text("phrase", "Phrase", NAME),
        Field::text("comment", "Comment", TEXT),
        Field::many("waive", "Items to waive", NAME),
        Field::text("waive_reason", "Reason for waiving", TEXT),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Authorise> {
        let approve = Approve {
            attempt: attempt(typed, faults)?,
            digest: typed.text("digest").to_owned(),
            slot: typed.text("slot").to_owned(),
            starts: Some(named_start(typed)),
            phrase: typed.text("phrase").to_owned(),
            comment: typed.text("comment").to_owned(),
            waive: typed.all("waive").to_vec(),
            waive_reason: typed.text("waive_reason").to_owned(),
        };
        Some(Authorise { command: Command::Approve(approve), intent: typed.text("intent").to_owned() })
    }
}

pub(super) async fn post(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Authorise>,
) -> Result<Response, WebError> {
    answered(&app, &who, &id, "approve", form, async |wish, _| {
        act(&app, &who, &id, wish.command, &wish.intent).await?;
        Ok(to_the_decision(&id))
    })
    .await
}

/// Answers who has yet to confirm that it is them: what would be refused comes back, and what would be done waits.
pub(super) async fn rehearse(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Authorise>,
) -> Result<Response, WebError> {
    answered(&app, &who, &id, "approve", form, async |wish, typed| {
        Ok(match acting::rehearse(&app, &who, &id, &wish.command, &wish.intent).await? {
            Some(looked) => {
                // The order was held against what its button said: these are the words that were pressed.
                let starts = named_start(typed);
                let button = looked.incident.current().map_or_else(String::new, |attempt| button(attempt, starts));
                Waits::new(button, format!("/incidents/{id}/approve")).into_response()
            }
            None => to_the_decision(&id),
        })
    })
    .await
}

fn to_the_decision(id: &str) -> Response {
    Redirect::to(&format!("/incidents/{id}#decision")).into_response()
}

/// What `answer` makes of a form of this page, told by `name`, and of what was typed. One that is faulty or refused comes back.
async fn answered<F: Form>(
    app: &AppState,
    who: &SignedIn,
    id: &str,
    name: &'static str,
    form: Checked<F>,
    answer: impl AsyncFnOnce(F, &Typed) -> Result<Response, NotDone>,
) -> Result<Response, WebError> {
    let read = match form.value {
        Ok(read) => read,
        Err(faults) => return show(app, who, id, Back::faulty(name, form.typed, &faults, F::FIELDS)).await,
    };
    match answer(read, &form.typed).await {
        Ok(answer) => Ok(answer),
        Err(NotDone::Refused(refusal)) => show(app, who, id, Back::refused(name, form.typed, &refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

/// Any answer to a plan but yes: these change nothing in production and ask for no confirmation.
pub(super) struct Answer {
    command: Command,
    intent: String,
}

impl Form for Answer {
    const FIELDS: &'static [Field] = &[
        INTENT,
        ATTEMPT,
        DIGEST,
        Field::text("act", "Answer", 20),
        Field::text("reason", "Reason", TEXT),
        Field::many("component", "Components", NAME),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Answer> {
        let attempt = attempt(typed, faults)?;
        let (digest, reason) = (typed.text("digest").to_owned(), typed.text("reason").to_owned());
        let command = match typed.text("act") {
            "decline" => Command::Decline { attempt, digest, reason },
            "changes" => Command::RequestChanges { attempt, digest, reason },
            "withdraw" => Command::WithdrawApproval { attempt, digest },
            "narrow" => Command::Narrow { attempt, digest, components: typed.all("component").to_vec(), reason },
            _ => {
                faults.add("act", "Press one of the page's buttons.");
                return None;
            }
        };
        Some(Answer { command, intent: typed.text("intent").to_owned() })
    }
}

pub(super) async fn post_answer(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Answer>,
) -> Result<Response, WebError> {
    answered(&app, &who, &id, "answer", form, async |sent, _| {
        act(&app, &who, &id, sent.command, &sent.intent).await?;
        Ok(to_the_decision(&id))
    })
    .await
}

/// An assessment: its sections come as two lists of one length, since the playbook names them.
pub(super) struct Assess {
    command: Command,
    intent: String,
}

impl Form for Assess {
    const FIELDS: &'static [Field] = &[
        INTENT,
        ATTEMPT,
        Field::text("name", "Assessment", NAME),
        Field::many("section", "Section", NAME),
        Field::many("text", "Text", TEXT),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Assess> {
        let attempt = attempt(typed, faults)?;
        let (names, texts) = (typed.all("section"), typed.all("text"));
        if names.len() != texts.len() {
            faults.add("section", "The sections and their texts do not match. Load the page again.");
            return None;
        }
        let sections = names.iter().cloned().zip(texts.iter().cloned()).collect();
        let command = Command::Assess { attempt, name: typed.text("name").to_owned(), sections };
        Some(Assess { command, intent: typed.text("intent").to_owned() })
    }
}

pub(super) async fn post_assess(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Assess>,
) -> Result<Response, WebError> {
    answered(&app, &who, &id, "assess", form, async |sent, _| {
        act(&app, &who, &id, sent.command, &sent.intent).await?;
        Ok(Redirect::to(&format!("/incidents/{id}/approve#assessments")).into_response())
    })
    .await
}
