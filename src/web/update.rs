//! The next progress update: its draft as it would go out, a person's words beside the facts, and what was sent (L3).
//!
//! The facts are composed by the server and frozen when it is sent; the words are the writer's. It can be kept for its
//! time, or sent before. Where it goes out by itself that is said beside the clock; where the playbook demands a person's
//! word, an unsent one is loud. Here too the incident commander promises another beat.

use super::AppState;
use super::acting::{self, NotDone, act};
use super::error::{WebError, page};
use super::forms::{Checked, Faults, Field, Form, Typed};
use super::incident::{Place, Sight, look, names};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::room::orders::{Back, INTENT, TEXT, Told};
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::catalogue::Scripts;
use crate::domain::command::Command;
use crate::domain::decide::{current_update, note_writer};
use crate::domain::procedure::Sending;
use crate::domain::progress::{self, Draft};
use crate::domain::state::Incident;
use crate::domain::{Severity, Span, Timestamp};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/update", Capability::SignedIn, get),
        Route::post("/incidents/{id}/update", Capability::SignedIn, post),
        Route::post("/incidents/{id}/update/beat", Capability::SignedIn, post_beat),
    ]
}

/// The update that goes out next, without its text: what the room shows of it too.
pub struct Next {
    pub number: u32,
    pub due_at: Timestamp,
    pub draft: Draft,
    /// When its draft stands ready.
    pub ready_at: Timestamp,
    /// It waits for a person's word.
    pub by_person: bool,
    /// When the page shows something else without anything having happened.
    pub turns_at: Option<Timestamp>,
    pub overdue: String,
    /// When the next contact was asked, and who that is.
    pub escalated: Option<(Timestamp, String)>,
    pub edit: Place,
    pub send: Place,
}

impl Next {
    pub fn of(sight: &Sight) -> Option<Next> {
        let incident = sight.incident;
        let promise = incident.updates.promised.filter(|_| incident.is_open())?;
        let current = current_update(incident, sight.now)?;
        let number = current.number;
        let note = incident.updates.note.as_ref().map_or("", |kept| kept.text.as_str());
        let edit = Command::EditUpdate { number, note: format!("{note}…") };
        let draft = progress::draft(incident, promise.due_at, sight.now);
        let ready_at = promise.due_at - incident.cadence.draft_before;
        Some(Next {
            number,
            due_at: current.due_at,
            draft,
            ready_at,
            by_person: incident.cadence.sent == Sending::ByPerson,
            turns_at: turns_at(incident, sight.now),
            overdue: (sight.now - current.due_at).to_string(),
            escalated: incident.updates.call.escalated_at.map(|at| {
                let asked = incident.cadence.next_contact.iter().map(|role| sight.holders(*role));
                let asked = asked.filter(|names| !names.is_empty()).map(|it| it.replace(" or ", " and "));
                (at, names(asked.collect(), "and"))
            }),
            edit: Place::of(sight.offers().ask(&edit)),
            send: Place::of(sight.offers().send_update(number)),
        })
    }

    /// The state in words, with its colour and icon.
    pub fn tag(&self) -> (&'static str, &'static str, &'static str) {
        match self.draft {
            Draft::Later => ("Draft ready later", "", "later"),
            Draft::Ready => ("Draft ready", "tag-you", "now"),
            Draft::Overdue => ("Overdue", "tag-crit", "attention"),
        }
    }

    pub fn is_overdue(&self) -> bool {
        self.draft == Draft::Overdue
    }
}

/// What goes out by itself leaves at its time: a page that looks sooner than this would call it overdue for nothing.
const ON_ITS_WAY: Span = Span::seconds(3);

/// The next moment at which a draft becomes ready, or overdue, without any entry telling it.
pub fn turns_at(incident: &Incident, now: Timestamp) -> Option<Timestamp> {
    let promise = incident.updates.promised.filter(|_| incident.is_open())?;
    match progress::draft(incident, promise.due_at, now) {
        Draft::Later => Some(promise.due_at - incident.cadence.draft_before),
        Draft::Ready if incident.cadence.sent == Sending::ByItself => Some(promise.due_at + ON_ITS_WAY),
        Draft::Ready => Some(promise.due_at + Span::millis(1)),
        Draft::Overdue => None,
    }
}

/// An update that went out.
pub struct Sent {
    pub number: u32,
    pub at: Timestamp,
    pub text: String,
    /// `on time`, `sent early`, `late`, with the misses before it.
    pub words: String,
    pub late: bool,
}

impl Sent {
    /// The newest first, and not more than `most`.
    pub fn newest(incident: &Incident, most: usize) -> Vec<Sent> {
        let sent = incident.updates.sent.iter().rev().take(most).map(|(at, update)| {
            let when = match (update.late, update.early) {
                (true, _) => "late",
                _ if update.closing => "with the closing",
                (false, true) => "sent early",
                (false, false) => "on time",
            };
            let missed: Vec<String> = update.missed.iter().map(ToString::to_string).collect();
            let missed = if missed.is_empty() { String::new() } else { format!("; missed: {}", missed.join(", ")) };
            Sent {
                number: update.number,
                at: *at,
                text: update.text.clone(),
                words: format!("{when}{missed}"),
                late: update.late || !update.missed.is_empty(),
            }
        });
        sent.collect()
    }
}

/// How many of those that went out the page shows; the timeline has all.
const NEWEST: usize = 20;

/// How often updates come, and who promised so.
struct Beat {
    every: String,
    usual: String,
    slowest: String,
    /// Who promised another one, when and why; whether an update told it.
    promised: Option<(String, Timestamp, String, bool)>,
    /// From when on it may be slowed, while that lies ahead.
    slow_from: Option<Timestamp>,
    /// The beats to choose from, for the one who may: value and words.
    choices: Vec<(String, String)>,
    lock: Option<super::incident::Lock>,
}

/// The most beats to choose from.
const MOST_CHOICES: i64 = 6;

impl Beat {
    fn of(sight: &Sight) -> Option<Beat> {
        let incident = sight.incident;
        let updates = &incident.updates;
        let since = updates.since.filter(|_| updates.promised.is_some() && incident.is_open())?;
        let (usual, slowest, every) = (incident.cadence.every, incident.cadence.slowest, incident.beat());
        let mut spans: Vec<Span> = (1..=MOST_CHOICES).map(|times| Span(usual.0.saturating_mul(times))).collect();
        spans.push(slowest);
        spans.retain(|span| *span >= usual && *span <= slowest);
        spans.sort_unstable();
        spans.dedup();
        let asked = |span: Span| sight.offers().ask(&Command::ChangeBeat { every: span, reason: "…".to_owned() });
        let other = spans.iter().copied().filter(|span| *span != every);
        let choices = other.filter(|span| asked(*span).is_ok()).map(|span| (span.written(), span.in_words()));
        let slow_from = since + incident.cadence.slow_after;
        let lock = match Place::of(asked(if every == slowest { usual } else { slowest })) {
            Place::Locked(lock) => Some(lock),
            Place::Open | Place::None => None,
        };
        Some(Beat {
            every: every.in_words(),
            usual: usual.in_words(),
            slowest: slowest.in_words(),
            promised: updates.beat.as_ref().map(|beat| {
                (sight.by(beat.by.as_ref()), beat.at, beat.reason.clone(), beat.announced || beat.every <= usual)
            }),
            slow_from: Some(slow_from).filter(|at| *at > sight.now && slowest > usual),
            choices: choices.collect(),
            lock,
        })
    }
}

#[derive(Template)]
#[template(path = "update.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    back: Back,
    next: Option<Next>,
    /// As it would go out now.
    text: String,
    note: String,
    sent: Vec<Sent>,
    /// How many more went out before those.
    earlier: usize,
    missed: Vec<u32>,
    beat: Option<Beat>,
    open: bool,
    /// Updates are promised from the opening at this severity or worse.
    from: Severity,
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    show(&app, &who, &id, Back::default()).await
}

async fn show(app: &AppState, who: &SignedIn, id: &str, back: Back) -> Result<Response, WebError> {
    let mut looked = look(app, id).await?;
    app.incidents.learn(&mut looked).await?;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(&looked, &facts, who);
    let status = back.status();
    Ok((status, page(&view(&sight, back))?).into_response())
}

fn view(sight: &Sight, back: Back) -> View {
    let incident = sight.incident;
    let header = IncidentHeader::of(sight, Page::Elsewhere);
    let next = Next::of(sight);
    let kept = incident.updates.note.as_ref().map(|kept| kept.text.clone()).unwrap_or_default();
    let typed = back.form == WRITE && back.typed.has("note");
    let note = if typed { back.typed.text("note").to_owned() } else { kept };
    let text = next.as_ref().map(|next| {
        let after = (!incident.outcome_known()).then(|| next.due_at + incident.beat());
        let writer = note_writer(incident, note.trim(), Some(&sight.who.person));
        let words = progress::words_of_writer(&sight.by(writer), note.trim());
        progress::compose(sight.facts, incident, next.number, &words, after, sight.now).text
    });
    let title = match &next {
        Some(next) => format!("Update {}", next.number),
        None => "Updates".to_owned(),
    };
    View {
        layout: Layout::in_incident(sight, &header.tab(&title), "/update"),
        id: incident.id.clone(),
        back,
        next,
        text: text.unwrap_or_default(),
        note,
        sent: Sent::newest(incident, NEWEST),
        earlier: incident.updates.sent.len().saturating_sub(NEWEST),
        missed: incident.updates.call.missed.clone(),
        beat: Beat::of(sight),
        open: incident.is_open(),
        from: incident.cadence.from,
        header,
    }
}

const WRITE: &str = "write";
const BEAT: &str = "beat";

/// The words for the next update are kept, or it is sent: by the button that was pressed.
struct Write {
    number: u32,
    note: String,
    send: bool,
    intent: String,
}

impl Form for Write {
    const FIELDS: &'static [Field] = &[
        INTENT,
        Field::text("number", "Update", 9),
        Field::text("note", "Your words", TEXT),
        Field::text("act", "What to do", 20),
    ];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<Write> {
        let number = typed.text("number").parse().ok();
        if number.is_none() {
            faults.add("number", "It is no number. Load the page again.");
        }
        let send = match typed.text("act") {
            "keep" => Some(false),
            "send" => Some(true),
            _ => {
                faults.add("act", "Press one of the two buttons.");
                None
            }
        };
        let (note, intent) = (typed.text("note").to_owned(), typed.text("intent").to_owned());
        Some(Write { number: number?, note, send: send?, intent })
    }
}

async fn post(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<Write>,
) -> Result<Response, WebError> {
    let write = match form.value {
        Ok(write) => write,
        Err(faults) => return show(&app, &who, &id, Back::faulty(WRITE, form.typed, &faults, Write::FIELDS)).await,
    };
    let Write { number, note, send, intent } = write;
    let command = match send {
        true => Command::SendUpdate { number, note: Some(note.clone()) },
        false => Command::EditUpdate { number, note: note.clone() },
    };
    match act(&app, &who, &id, command, &intent).await {
        Ok(accepted) => {
            let incident = app.incidents.incident(&id).await.map_err(acting::error)?;
            if accepted.is_none()
                && let Some(told) = without_words(&incident, number, note.trim())
            {
                return show(&app, &who, &id, Back { form: WRITE, typed: form.typed, told: Some(told) }).await;
            }
            let newest = incident.updates.sent.last().map_or(number, |(_, update)| update.number);
            let place = if send { format!("#update-{newest}") } else { "#draft".to_owned() };
            Ok(Redirect::to(&format!("/incidents/{id}/update{place}")).into_response())
        }
        Err(NotDone::Refused(refusal)) => show(&app, &who, &id, Back::refused(WRITE, form.typed, &refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

/// The update went out while its words were still being typed: they must not be lost unsaid.
fn without_words(incident: &Incident, number: u32, note: &str) -> Option<Told> {
    let (at, sent) = incident.updates.sent.iter().find(|(_, update)| update.number >= number)?;
    if note.lines().all(|line| sent.text.contains(line.trim())) {
        return None;
    }
    let mend = match incident.updates.promised {
        Some(promise) => format!("They stand in the form of update {} now.", promise.number),
        None => "No further update follows; write them as a note in the timeline.".to_owned(),
    };
    let because = format!("update {} went out at {} UTC, without these words", sent.number, at.time_of_day());
    Some(Told { because, mend, status: StatusCode::CONFLICT })
}

struct ChangeBeat {
    command: Command,
    intent: String,
}

impl Form for ChangeBeat {
    const FIELDS: &'static [Field] = &[INTENT, Field::text("every", "Beat", 20), Field::text("reason", "Reason", TEXT)];

    fn read(typed: &Typed, faults: &mut Faults) -> Option<ChangeBeat> {
        let every = Span::parse(typed.text("every").trim());
        if every.is_err() {
            faults.add("every", "Choose one of the listed beats.");
        }
        let command = Command::ChangeBeat { every: every.ok()?, reason: typed.text("reason").to_owned() };
        Some(ChangeBeat { command, intent: typed.text("intent").to_owned() })
    }
}

async fn post_beat(
    State(app): State<AppState>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Checked<ChangeBeat>,
) -> Result<Response, WebError> {
    let change = match form.value {
        Ok(change) => change,
        Err(faults) => return show(&app, &who, &id, Back::faulty(BEAT, form.typed, &faults, ChangeBeat::FIELDS)).await,
    };
    match act(&app, &who, &id, change.command, &change.intent).await {
        Ok(_) => Ok(Redirect::to(&format!("/incidents/{id}/update#beat")).into_response()),
        Err(NotDone::Refused(refusal)) => show(&app, &who, &id, Back::refused(BEAT, form.typed, &refusal)).await,
        Err(NotDone::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests;
