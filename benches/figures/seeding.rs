//! A long past, written fast: real journals in the real ledger, chained, with their rows on the board.
//!
//! One incident is lived through by the application itself, from trigger to closing. Its events are then appended again and
//! again under other names, through the store's own functions, many incidents to a commit. Only measurements do so: in
//! the product nothing but a decision writes a journal.

use crate::product::{COMPONENT, ENVIRONMENT, Installation};
use backout::app::{App, Raised, summary};
use backout::clock::{Clock, SystemClock, fresh_id};
use backout::domain::actor::Actor;
use backout::domain::command::{Approve, Command, Outcome};
use backout::domain::decide::open_items;
use backout::domain::event::{Mark, Recorded, RunEnd, RunOutcome, TriggerSeen};
use backout::domain::state::Incident;
use backout::domain::{PersonId, Role, Span, Strength, apply};
use backout::store::{BoardRow, NewEntry};

/// Incidents to a commit.
const AT_ONCE: i64 = 500;

/// Fills the store with `count` past incidents, the last of them closed an hour ago. Answers how many entries it wrote.
pub async fn seed(installation: &Installation, app: &App, count: i64) -> i64 {
    let commander = installation.people(app, "historian", 1, &[Role::IncidentCommander, Role::TechnicalLead]).await;
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

async fn live_through(app: &App, commander: &PersonId) -> Model {
    let raised = Raised {
        title: String::new(),
        environment: ENVIRONMENT.to_owned(),
        component: COMPONENT.to_owned(),
        trigger: TriggerSeen {
            name: "data-breach".to_owned(),
            text: String::new(),
            category: String::new(),
            fingerprint: fresh_id(),
            saw: "34 % of the requests failed".to_owned(),
            evidence: "{}".to_owned(),
            seen_at: SystemClock.now(),
        },
        severity: None,
        outage: false,
        users_affected_ppm: None,
    };
    let id = app.raise(Actor::SYSTEM, raised, None).await.unwrap().incident.id.clone();
    let ask = async |command| {
        let actor = Actor::person(commander, Some(Strength::Password));
        app.submit(&id, actor, command, None).await.unwrap();
    };
    ask(Command::TakeRole { role: Role::IncidentCommander }).await;
    ask(Command::TakeRole { role: Role::TechnicalLead }).await;
    let approve = approval(app, &id).await;
    ask(Command::Approve(approve)).await;
    let state = app.incident(&id).await.unwrap();
    for (attempt, action) in backout::domain::decide::next_claims(&state) {
        let claimed = app.claim(&id, attempt, &action).await.unwrap().unwrap();
        let run = claimed.run().clone();
        let outcome = RunOutcome { end: RunEnd::Exited(0), lines: 12, log_sha256: "ab".repeat(32), log_cut: false };
        for command in [Command::NoteRunning { run: run.clone() }, Command::FinishRun { run, outcome }] {
            app.submit(&id, Actor::SYSTEM, command, None).await.unwrap();
        }
    }
    let procedure = app.look(&id).await.unwrap().gathered.procedure;
    for criterion in &procedure.verification.criteria {
        let mark = Some(Mark::Done { note: "looked at it".to_owned() });
        ask(Command::MarkCriterion { attempt: 1, criterion: criterion.name.clone(), mark }).await;
    }
    ask(Command::ConfirmSuccess { attempt: 1 }).await;
    ask(Command::Close { outcome: Outcome::RolledBack, reason: "it serves again".to_owned() }).await;
    let journal = app.journal(&id).await.unwrap();
    // Folded again, as the program itself would: the row says what the journal says.
    let mut state: Option<Incident> = None;
    for recorded in &journal {
        apply::apply(&mut state, recorded);
    }
    let row = summary::row(&state.unwrap(), summary::number_of(&id).unwrap(), SystemClock.now());
    Model { id, journal, row }
}

/// The commander's approval of the plan as it stands, waiving what is open.
async fn approval(app: &App, incident: &str) -> Approve {
    let looked = app.look(incident).await.unwrap();
    let scripts = backout::app::catalogue::Scripts(&app.site);
    let facts = looked.gathered.facts(&scripts);
    let attempt = looked.incident.current().unwrap();
    let submitted = attempt.submitted.as_ref().unwrap();
    let open = open_items(&facts, attempt).into_iter().filter(|item| item.evidence.is_none());
    Approve {
        attempt: attempt.number,
        digest: submitted.digest.clone(),
        slot: "incident_commander".to_owned(),
        phrase: submitted.plan.phrase.clone(),
        comment: String::new(),
        waive: open.map(|item| item.name.clone()).collect(),
        waive_reason: "every minute counts".to_owned(),
    }
}
