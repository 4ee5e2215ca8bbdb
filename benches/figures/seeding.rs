//! A long past, written fast: real journals in the real ledger, chained, with their rows on the board.
//!
//! One incident is lived through by the application itself, from trigger to closing. Its events are then appended again and
//! again under other names, through the store's own functions, many incidents to a commit. Only measurements do so: in
//! the product nothing but a decision writes a journal.

use crate::incidents;
use crate::product::Installation;
use backout::app::{App, summary};
use backout::clock::{Clock, SystemClock};
use backout::domain::command::{Command, Outcome};
use backout::domain::event::Recorded;
use backout::domain::state::Incident;
use backout::domain::{PersonId, Role, Span, apply};
use backout::store::{BoardRow, NewEntry};

/// Incidents to a commit.
const AT_ONCE: i64 = 500;

/// Fills the store with `count` past incidents, the last of them closed an hour ago. Answers how many entries it wrote.
pub async fn seed(installation: &Installation, app: &App, count: i64) -> i64 {
    let commander = installation.people(app, "historian", 1, &[Role::IncidentCommander]).await;
    let model = live_through(app, &commander[0]).await;
    let first = summary::number_of(&model.id).unwrap() + 1;
    let now = SystemClock.now();
    let mut next = first;
    while next < first + count {
        let mut tx = app.store.begin().await.unwrap();
        tx.lock_head().await.unwrap();
        for number in next..(next + AT_ONCE).min(first + count) {
            let id = summary::name_of(number);
            // Lists and searches see the years that the journal's own times cannot show: those never go back.
            let opened_at = now - Span::hours(1) - Span::minutes(5 * (first + count - number));
            let mut version = 0;
            for (who, entries) in model.chapters(&id) {
                let stream = App::stream(&id);
                let written = tx.append(&stream, Some(version), now, &who, &entries).await.unwrap();
                version += written.len() as i64;
            }
            let row = BoardRow {
                incident: id,
                number,
                opened_at,
                closed_at: Some(opened_at + Span::minutes(14)),
                ..model.row.clone()
            };
            tx.put_board(&row).await.unwrap();
        }
        tx.commit().await.unwrap();
        next += AT_ONCE;
    }
    app.store.head().await.unwrap().seq
}

/// One whole journal, to be written again.
struct Model {
    id: String,
    journal: Vec<Recorded>,
    row: BoardRow,
}

impl Model {
    /// Its events under another incident's name, by who caused them: what one actor did in a row is one append.
    fn chapters(&self, id: &str) -> Vec<(String, Vec<NewEntry>)> {
        let mut chapters: Vec<(String, Vec<NewEntry>)> = Vec::new();
        for recorded in &self.journal {
            let who = recorded.actor.to_string();
            let entry = NewEntry::new(recorded.event.kind(), recorded.event.body().replace(&self.id, id));
            match chapters.last_mut() {
                Some((known, entries)) if *known == who => entries.push(entry),
                _ => chapters.push((who, vec![entry])),
            }
        }
        chapters
    }
}

/// The shortest whole life of an incident: an alarm, a commander, a plan that was not needed, a closing.
async fn live_through(app: &App, commander: &PersonId) -> Model {
    let id = incidents::open(app, commander).await;
    let reason = || "it went away by itself".to_owned();
    incidents::ask(app, commander, &id, Command::WithdrawPlan { attempt: 1, reason: reason() }).await;
    incidents::ask(app, commander, &id, Command::Close { outcome: Outcome::FixedForward, reason: reason() }).await;
    let journal = app.journal(&id).await.unwrap();
    // Folded again, as the program itself would: the row says what the journal says.
    let mut state: Option<Incident> = None;
    for recorded in &journal {
        apply::apply(&mut state, recorded);
    }
    let row = summary::row(&state.unwrap(), summary::number_of(&id).unwrap(), SystemClock.now());
    Model { id, journal, row }
}
