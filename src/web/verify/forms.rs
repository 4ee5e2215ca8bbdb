//! What is sent from this page: ticks of criteria and indicators, the confirmation, and the word that it failed.

use super::{View, show};
use crate::domain::command::Command;
use crate::domain::event::Mark;
use crate::web::AppState;
use crate::web::acting::{NotDone, Returned, act};
use crate::web::error::WebError;
use crate::web::forms::{Checked, Faults, Field, Form, Typed};
use crate::web::incident::look;
use crate::web::room::orders::{ATTEMPT, INTENT, attempt};
use crate::web::session::SignedIn;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

/// A form of this page: which command it means, and where on the page it stands.
pub(super) struct Asked {
    command: Command,
    anchor: String,
    intent: String,
}

/// Carries a form out and comes back to its place on the page, or shows the page with what was typed.
async fn carry_out(
    app: &AppState,
    who: &SignedIn,
    id: &str,
    value: Result<Asked, Faults>,
    typed: Typed,
) -> Result<Response, WebError> {
    look(app, id).await?;
    let asked = match value {
        Ok(asked) => asked,
        Err(faults) => return show(app, who, id, Returned::faulty(typed, faults)).await,
    };
    match act(app, who, id, asked.command, &asked.intent).await {
        Ok(_) => Ok(Redirect::to(&format!("/incidents/{id}/verify{}", asked.anchor)).into_response()),
        Err(NotDone::Refused(refusal)) => show(app, who, id, Returned::refused(typed, refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

const NOTE: Field = Field::text("note", "Note", 4_000);

pub(super) struct CriterionForm(Asked);

impl Form for CriterionForm {
    const FIELDS: &'static [Field] =
        &[ATTEMPT, INTENT, NOTE, Field::text("criterion", "Criterion", 100), Field::text("mark", "Mark", 20)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<CriterionForm> {
        let attempt = attempt(typed, faults)?;
        let criterion = typed.required("criterion", faults, "Choose one from the page.")?;
        let note = typed.text("note").to_owned();
        let mark = match typed.text("mark") {
            "done" => Some(Mark::Done { note }),
            "not_applicable" => Some(Mark::NotApplicable { reason: note }),
            "open" => None,
            _ => {
                faults.add("mark", "Say whether it is met or does not apply.");
                return None;
            }
        };
        let anchor = format!("#criterion-{criterion}");
        let command = Command::MarkCriterion { attempt, criterion, mark };
        Some(CriterionForm(Asked { command, anchor, intent: typed.text("intent").to_owned() }))
    }
}

pub(super) async fn post_criterion(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<CriterionForm>,
) -> Result<Response, WebError> {
    carry_out(&app, &who, &id, form.value.map(|form| form.0), form.typed).await
}

pub(super) struct IndicatorForm(Asked);

impl Form for IndicatorForm {
    const FIELDS: &'static [Field] =
        &[ATTEMPT, INTENT, NOTE, Field::text("indicator", "Indicator", 100), Field::text("sign", "Sign", 20)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<IndicatorForm> {
        let attempt = attempt(typed, faults)?;
        let indicator = typed.required("indicator", faults, "Choose one from the page.")?;
        let chosen = View::signs().into_iter().find(|(key, _)| *key == typed.text("sign"));
        let Some((_, sign)) = chosen else {
            faults.add("sign", "Choose Not seen, Watching or Seen.");
            return None;
        };
        let anchor = format!("#indicator-{indicator}");
        let note = typed.text("note").to_owned();
        let command = Command::MarkIndicator { attempt, indicator, sign, note };
        Some(IndicatorForm(Asked { command, anchor, intent: typed.text("intent").to_owned() }))
    }
}

pub(super) async fn post_indicator(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<IndicatorForm>,
) -> Result<Response, WebError> {
    carry_out(&app, &who, &id, form.value.map(|form| form.0), form.typed).await
}

pub(super) struct ConfirmForm(Asked);

impl Form for ConfirmForm {
    const FIELDS: &'static [Field] = &[ATTEMPT, INTENT];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<ConfirmForm> {
        let attempt = attempt(typed, faults)?;
        let command = Command::ConfirmSuccess { attempt };
        Some(ConfirmForm(Asked { command, anchor: "#verdict".to_owned(), intent: typed.text("intent").to_owned() }))
    }
}

pub(super) async fn post_confirm(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<ConfirmForm>,
) -> Result<Response, WebError> {
    carry_out(&app, &who, &id, form.value.map(|form| form.0), form.typed).await
}

pub(super) struct FailForm(Asked);

impl Form for FailForm {
    const FIELDS: &'static [Field] = &[ATTEMPT, INTENT, Field::text("reason", "Reason", 4_000)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<FailForm> {
        let attempt = attempt(typed, faults)?;
        let reason = typed.required("reason", faults, "Say what shows that the rollback failed.")?;
        let command = Command::DeclareFailed { attempt, reason };
        Some(FailForm(Asked { command, anchor: "#verdict".to_owned(), intent: typed.text("intent").to_owned() }))
    }
}

pub(super) async fn post_fail(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<FailForm>,
) -> Result<Response, WebError> {
    carry_out(&app, &who, &id, form.value.map(|form| form.0), form.typed).await
}
