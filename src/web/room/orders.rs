//! The room's forms: each names its fields once and becomes one command.
//!
//! Every form is answered alike: done, and back to its place in the room; refused or faulty, and the room again, with
//! the reason on top and with what was typed still in its form.

use super::show;
use crate::domain::command::Command;
use crate::domain::event::{Mark, Pin};
use crate::domain::procedure::LinkKind;
use crate::domain::state::{Attempt, AttemptNo, Incident, RunId};
use crate::domain::waits::{Awaited, Task};
use crate::domain::{PersonId, Role, Severity};
use crate::web::AppState;
use crate::web::acting::{self, NotDone, act, status};
use crate::web::error::WebError;
use crate::web::forms::{Checked, Faults, Field, Form, Typed};

use crate::web::rehearsal::Waits;
use crate::web::session::SignedIn;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::marker::PhantomData;

/// The longest text that a form takes; the domain's own limit.
pub const TEXT: usize = crate::domain::decide::LONGEST_TEXT;
/// The longest name of anything.
pub const NAME: usize = 120;

pub const INTENT: Field = Field::text("intent", "Form", 64);
pub const ATTEMPT: Field = Field::text("attempt", "Attempt", 9);
const REASON: Field = Field::text("reason", "Reason", TEXT);
const RUN: Field = Field::text("run", "Run", NAME);
const ACTION: Field = Field::text("action", "Action", NAME);

/// One form of the room.
pub trait Orders: Send + 'static {
    /// What it is called among forms that are shown again, and the place in the room to go back to.
    const PLACE: &'static str;
    const FIELDS: &'static [Field];

    /// The command; `None` needs a fault.
    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command>;
}

/// A form of the room that demands a fresh confirmation.
pub trait Weighty: Orders {
    /// What its button does, as the page says it.
    fn button(incident: &Incident, typed: &Typed) -> String;
}

/// A form that was read.
pub struct Order<K> {
    pub command: Command,
    pub intent: String,
    kind: PhantomData<K>,
}

impl<K: Orders> Form for Order<K> {
    const FIELDS: &'static [Field] = K::FIELDS;

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Order<K>> {
        let command = K::command(typed, faults)?;
        Some(Order { command, intent: typed.text("intent").to_owned(), kind: PhantomData })
    }
}

/// A form that comes back to its page: which, what was typed, and why it was not done.
#[derive(Debug, Clone, Default)]
pub struct Back {
    pub form: &'static str,
    pub typed: Typed,
    pub told: Option<Told>,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Lower case, no full stop.
    pub because: String,
    pub mend: String,
    pub status: StatusCode,
}

impl Back {
    /// The status of the page that shows it.
    pub fn status(&self) -> StatusCode {
        self.told.as_ref().map_or(StatusCode::OK, |told| told.status)
    }

    pub fn refused(form: &'static str, typed: Typed, refusal: &crate::domain::refusal::Refusal) -> Back {
        let told = Told { because: refusal.because.clone(), mend: refusal.mend.clone(), status: status(refusal) };
        Back { form, typed, told: Some(told) }
    }

    /// Faults of the form's own shape, told in one sentence.
    pub fn faulty(form: &'static str, typed: Typed, faults: &Faults, fields: &[Field]) -> Back {
        let words: Vec<String> = faults
            .0
            .iter()
            .map(|fault| {
                let label = fields.iter().find(|field| field.name == fault.field).map_or("form", |field| field.label);
                format!("{}: {}", label.to_lowercase(), fault.text)
            })
            .collect();
        let told = Told {
            because: words.join(" ").trim_end_matches('.').to_owned(),
            mend: String::new(),
            status: StatusCode::UNPROCESSABLE_ENTITY,
        };
        Back { form, typed, told: Some(told) }
    }

    /// What was typed into a form's field; empty where another form was sent.
    pub fn kept(&self, form: &str, field: &str) -> &str {
        if self.form == form { self.typed.text(field) } else { "" }
    }

    /// The same for one of many forms of a kind, told apart by a hidden field.
    pub fn kept_of(&self, form: &str, by: &str, value: &str, field: &str) -> &str {
        if self.form == form && self.typed.text(by) == value { self.typed.text(field) } else { "" }
    }
}

/// Answers any of the room's forms.
pub async fn post<K: Orders>(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Order<K>>,
) -> Result<Response, WebError> {
    answered(&app, &who, &id, form, async |order, _| {
        act(&app, &who, &id, order.command, &order.intent).await?;
        Ok(Redirect::to(&place::<K>(&id)).into_response())
    })
    .await
}

/// Answers a form whose confirmation is missing: what would be refused comes back, and what would be done waits.
pub async fn rehearse<K: Weighty>(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Order<K>>,
) -> Result<Response, WebError> {
    answered(&app, &who, &id, form, async |order, typed| {
        Ok(match acting::rehearse(&app, &who, &id, &order.command, &order.intent).await? {
            Some(looked) => Waits::new(K::button(&looked.incident, typed), place::<K>(&id)).into_response(),
            None => Redirect::to(&place::<K>(&id)).into_response(),
        })
    })
    .await
}

/// The place in the room that a form belongs to, as an address.
fn place<K: Orders>(id: &str) -> String {
    format!("/incidents/{id}#{}", K::PLACE)
}

/// What `answer` makes of the order, which is told what was typed too. A form that is faulty or refused comes back.
async fn answered<K: Orders>(
    app: &AppState,
    who: &SignedIn,
    id: &str,
    form: Checked<Order<K>>,
    answer: impl AsyncFnOnce(Order<K>, &Typed) -> Result<Response, NotDone>,
) -> Result<Response, WebError> {
    let order = match form.value {
        Ok(order) => order,
        Err(faults) => return again(app, who, id, Back::faulty(K::PLACE, form.typed, &faults, K::FIELDS)).await,
    };
    match answer(order, &form.typed).await {
        Ok(answer) => Ok(answer),
        Err(NotDone::Refused(refusal)) => again(app, who, id, Back::refused(K::PLACE, form.typed, &refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

/// The room once more, with what was typed.
async fn again(app: &AppState, who: &SignedIn, id: &str, back: Back) -> Result<Response, WebError> {
    let status = back.status();
    Ok((status, show(app, who, id, back).await?).into_response())
}

/// The number of an attempt, as hidden fields carry it.
pub fn attempt(typed: &Typed, faults: &mut Faults) -> Option<AttemptNo> {
    let number = typed.text("attempt").parse().ok();
    if number.is_none() {
        faults.add("attempt", "It is no number. Load the page again.");
    }
    number
}

fn reason(typed: &Typed) -> String {
    typed.text("reason").to_owned()
}

fn run(typed: &Typed) -> RunId {
    RunId(typed.text("run").to_owned())
}

fn role(typed: &Typed, faults: &mut Faults) -> Option<Role> {
    let role = Role::from_key(typed.text("role"));
    if role.is_none() {
        faults.add("role", "There is no such role. Choose one that is listed.");
    }
    role
}

fn severity(typed: &Typed, faults: &mut Faults) -> Option<Severity> {
    let severity = Severity::from_key(typed.text("to"));
    if severity.is_none() {
        faults.add("to", "There is no such severity. Choose P0, P1, P2 or P3.");
    }
    severity
}

/// What the plan calls the form's action.
fn title(incident: &Incident, typed: &Typed) -> String {
    let name = typed.text("action");
    let plan = incident.current().and_then(Attempt::plan);
    let action = plan.and_then(|plan| plan.actions.iter().find(|action| action.name == name));
    action.map_or(name, |action| &action.title).to_owned()
}

/// Whether something went well, by the button that was pressed.
fn went(typed: &Typed, faults: &mut Faults) -> Option<bool> {
    match typed.text("outcome") {
        "succeeded" => Some(true),
        "failed" => Some(false),
        _ => {
            faults.add("outcome", "Say whether it succeeded or failed.");
            None
        }
    }
}

const ROLE: Field = Field::text("role", "Role", 40);

pub struct TakeRole;

impl Orders for TakeRole {
    const PLACE: &'static str = "people";
    const FIELDS: &'static [Field] = &[INTENT, ROLE];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::TakeRole { role: role(typed, faults)? })
    }
}

pub struct OfferRole;

impl Orders for OfferRole {
    const PLACE: &'static str = "people";
    const FIELDS: &'static [Field] = &[INTENT, ROLE, Field::text("to", "Person", NAME)];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        let to = typed.required("to", faults, "Choose who takes over.");
        Some(Command::OfferRole { role: role(typed, faults)?, to: PersonId(to?) })
    }
}

pub struct AcceptRole;

impl Orders for AcceptRole {
    const PLACE: &'static str = "people";
    const FIELDS: &'static [Field] = &[INTENT, ROLE];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::AcceptRole { role: role(typed, faults)? })
    }
}

pub struct ChangeSeverity;

impl Orders for ChangeSeverity {
    const PLACE: &'static str = "severity";
    const FIELDS: &'static [Field] = &[INTENT, Field::text("to", "Severity", 2), REASON];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::ChangeSeverity { to: severity(typed, faults)?, reason: reason(typed) })
    }
}

pub struct ConfirmSeverity;

impl Orders for ConfirmSeverity {
    const PLACE: &'static str = "severity";
    const FIELDS: &'static [Field] = &[INTENT, Field::text("to", "Severity", 2)];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::ConfirmSeverity { to: severity(typed, faults)? })
    }
}

pub struct Ratify;

impl Orders for Ratify {
    const PLACE: &'static str = "decision";
    const FIELDS: &'static [Field] = &[INTENT, REASON];

    fn command(typed: &Typed, _: &mut Faults) -> Option<Command> {
        Some(Command::Ratify { reason: reason(typed) })
    }
}

pub struct Start;

impl Orders for Start {
    const PLACE: &'static str = "runs";
    const FIELDS: &'static [Field] = &[INTENT, ATTEMPT, Field::text("digest", "Digest", 64)];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::Start { attempt: attempt(typed, faults)?, digest: typed.text("digest").to_owned() })
    }
}

impl Weighty for Start {
    fn button(incident: &Incident, _: &Typed) -> String {
        incident.current().map_or("Start rollback".to_owned(), |it| format!("Start rollback to {}", it.destination()))
    }
}

/// A tick, a reason why an item does not apply, a waiver, or taking one of these back: by the button that was pressed.
pub struct MarkItem;

impl Orders for MarkItem {
    const PLACE: &'static str = "checklists";
    const FIELDS: &'static [Field] = &[
        INTENT,
        ATTEMPT,
        Field::text("item", "Item", NAME),
        Field::text("act", "What to do", 20),
        Field::text("note", "Note or reason", TEXT),
    ];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        let attempt = attempt(typed, faults)?;
        let item = typed.text("item").to_owned();
        let note = typed.text("note").to_owned();
        let mark = match typed.text("act") {
            "done" => Mark::Done { note },
            "not_applicable" => Mark::NotApplicable { reason: note },
            "waive" => Mark::Waived { reason: note },
            "untick" => return Some(Command::Untick { attempt, item }),
            _ => {
                faults.add("act", "Press one of the item's buttons.");
                return None;
            }
        };
        Some(Command::Tick { attempt, item, mark })
    }
}

pub struct Retry;

impl Orders for Retry {
    const PLACE: &'static str = "runs";
    const FIELDS: &'static [Field] = &[INTENT, RUN, REASON];

    fn command(typed: &Typed, _: &mut Faults) -> Option<Command> {
        Some(Command::Retry { run: run(typed), reason: reason(typed) })
    }
}

impl Weighty for Retry {
    fn button(_: &Incident, typed: &Typed) -> String {
        format!("Run it again: {}", typed.text("run"))
    }
}

pub struct Judge;

impl Orders for Judge {
    const PLACE: &'static str = "runs";
    const FIELDS: &'static [Field] = &[INTENT, RUN, REASON, Field::text("outcome", "Outcome", 20)];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::JudgeRun { run: run(typed), succeeded: went(typed, faults)?, reason: reason(typed) })
    }
}

impl Weighty for Judge {
    fn button(_: &Incident, typed: &Typed) -> String {
        let outcome = if typed.text("outcome") == "succeeded" { "succeeded" } else { "failed" };
        format!("Judge that {} {outcome}", typed.text("run"))
    }
}

pub struct Release;

impl Orders for Release {
    const PLACE: &'static str = "runs";
    const FIELDS: &'static [Field] = &[INTENT, ATTEMPT, ACTION];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::ReleaseAction { attempt: attempt(typed, faults)?, action: typed.text("action").to_owned() })
    }
}

impl Weighty for Release {
    fn button(incident: &Incident, typed: &Typed) -> String {
        format!("Give the word: {}", title(incident, typed))
    }
}

pub struct Resume;

impl Orders for Resume {
    const PLACE: &'static str = "runs";
    const FIELDS: &'static [Field] = &[INTENT, ATTEMPT, ACTION];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::ResumeAction { attempt: attempt(typed, faults)?, action: typed.text("action").to_owned() })
    }
}

impl Weighty for Resume {
    fn button(incident: &Incident, typed: &Typed) -> String {
        format!("Check again and go on: {}", title(incident, typed))
    }
}

pub struct ByHand;

impl Orders for ByHand {
    const PLACE: &'static str = "runs";
    const FIELDS: &'static [Field] = &[
        INTENT,
        ATTEMPT,
        ACTION,
        Field::text("evidence", "What was done and seen", TEXT),
        Field::text("outcome", "Outcome", 20),
    ];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        Some(Command::ReportByHand {
            attempt: attempt(typed, faults)?,
            action: typed.text("action").to_owned(),
            succeeded: went(typed, faults)?,
            evidence: typed.text("evidence").to_owned(),
        })
    }
}

pub struct Note;

impl Orders for Note {
    const PLACE: &'static str = "timeline";
    const FIELDS: &'static [Field] = &[INTENT, Field::text("text", "Note", TEXT)];

    fn command(typed: &Typed, _: &mut Faults) -> Option<Command> {
        Some(Command::AddNote { text: typed.text("text").to_owned() })
    }
}

pub struct Remind;

impl Orders for Remind {
    const PLACE: &'static str = "next";
    const FIELDS: &'static [Field] = &[
        INTENT,
        Field::text("task", "What waits", 30),
        Field::text("of", "Which of them", NAME),
        Field::text("role", "Role", 30),
        Field::text("person", "Person", NAME),
    ];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        let task = Task::from_key(typed.text("task"));
        if task.is_none() {
            faults.add("task", "There is no such task. Load the page again.");
        }
        let who = match typed.text("person") {
            "" => Awaited::Role(role(typed, faults)?),
            person => Awaited::Person(PersonId(person.to_owned())),
        };
        Some(Command::Remind { task: task?, of: typed.text("of").to_owned(), who })
    }
}

pub struct PinLink;

impl Orders for PinLink {
    const PLACE: &'static str = "pins";
    const FIELDS: &'static [Field] = &[
        INTENT,
        Field::text("kind", "What it is", 20),
        Field::text("title", "Title", NAME),
        Field::text("address", "Address", 600),
    ];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        let kind = LinkKind::from_key(typed.text("kind"));
        if kind.is_none() {
            faults.add("kind", "There is no such kind. Choose one that is listed.");
        }
        let (title, address) = (typed.text("title").to_owned(), typed.text("address").to_owned());
        Some(Command::PinLink(Pin { kind: kind?, title, address }))
    }
}

pub struct UnpinLink;

impl Orders for UnpinLink {
    const PLACE: &'static str = "pins";
    const FIELDS: &'static [Field] = &[INTENT, Field::text("address", "Address", 600)];

    fn command(typed: &Typed, _: &mut Faults) -> Option<Command> {
        Some(Command::UnpinLink { address: typed.text("address").to_owned() })
    }
}

pub struct LiftFreeze;

impl Orders for LiftFreeze {
    const PLACE: &'static str = "freeze";
    const FIELDS: &'static [Field] = &[INTENT, REASON];

    fn command(typed: &Typed, _: &mut Faults) -> Option<Command> {
        Some(Command::LiftFreeze { reason: reason(typed) })
    }
}

pub struct Restore;

impl Orders for Restore {
    const PLACE: &'static str = "recovery";
    const FIELDS: &'static [Field] = &[INTENT, ATTEMPT, Field::text("backup", "Backup", NAME)];

    fn command(typed: &Typed, faults: &mut Faults) -> Option<Command> {
        let escalates = attempt(typed, faults)?;
        Some(Command::DraftRestoration { escalates, backup: typed.text("backup").to_owned() })
    }
}
