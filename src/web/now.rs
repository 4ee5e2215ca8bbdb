//! The first page: what waits for the person who looks at it, then what goes on, then what is measured (L5).

use super::AppState;
use super::error::{WebError, page};
use super::layout::{Here, Layout};
use super::routes::Route;
use super::session::SignedIn;
use super::watched::{WatchedLine, watched};
use crate::access::capability::Capability;
use crate::app::SubmitError;
use crate::domain::state::Incident;
use crate::domain::waits::{Task, Wait};
use crate::domain::{PersonId, Role, Timestamp};
use crate::store::BoardRow;
use askama::Template;
use axum::extract::State;
use axum::response::Html;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many past incidents the page shows.
const RECENT: i64 = 8;

pub fn routes() -> Vec<Route> {
    vec![Route::get("/", Capability::SignedIn, get)]
}

/// One thing that waits for whoever looks.
struct WaitLine {
    what: String,
    incident: String,
    title: String,
    severity: String,
    since: Timestamp,
    path: String,
    verb: &'static str,
}

/// One open incident.
struct ActiveLine {
    incident: String,
    title: String,
    severity: String,
    place: String,
    state: String,
    commander: String,
    /// What comes next and whose it is; empty when nothing waits for anybody.
    next: String,
    opened_at: Timestamp,
    /// `T+11:48` once the first run has started.
    running: Option<String>,
    update_due: Option<Timestamp>,
    /// Its journal cannot be read, so nothing can be decided in it.
    unreadable: bool,
}

/// Deployments that wait.
struct FreezeLine {
    incident: String,
    place: String,
    owner: String,
}

struct RecentLine {
    incident: String,
    title: String,
    severity: String,
    place: String,
    outcome: String,
    good: bool,
    closed_at: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "now.html")]
struct View {
    layout: Layout,
    mine: Vec<WaitLine>,
    active: Vec<ActiveLine>,
    watched: Vec<WatchedLine>,
    freezes: Vec<FreezeLine>,
    recent: Vec<RecentLine>,
    playbook: bool,
}

/// The page on which a task is done.
pub fn page_of(task: Task, incident: &str) -> String {
    let room = format!("/incidents/{incident}");
    match task {
        Task::Approve => format!("{room}/approve"),
        Task::Plan => format!("{room}/plan"),
        Task::Verify => format!("{room}/verify"),
        Task::Close => format!("{room}/close"),
        Task::TakeCommand
        | Task::TakeLead
        | Task::AcceptRole
        | Task::Start
        | Task::ReleaseAction
        | Task::JudgeRun
        | Task::Recover
        | Task::Escalate
        | Task::ConfirmSeverity
        | Task::Ratify => room,
    }
}

fn verb(task: Task) -> &'static str {
    match task {
        Task::Approve => "Review and authorise",
        Task::Plan => "Open the plan",
        Task::Verify => "Verify",
        Task::Close => "Close",
        _ => "Go to the room",
    }
}

/// The waits of a row. One that cannot be read waits for nobody rather than hiding the rest of the page.
fn waits_of(row: &BoardRow) -> Vec<Wait> {
    serde_json::from_str(&row.waits_for).unwrap_or_default()
}

/// What waits for one person, the worst incident first, then the longest waiting.
fn mine(rows: &[BoardRow], person: &PersonId, roles: &[Role]) -> Vec<WaitLine> {
    let mut lines: Vec<WaitLine> = rows
        .iter()
        .flat_map(|row| {
            let own = waits_of(row).into_iter().filter(|wait| wait.who.is(person, roles));
            own.map(|wait| WaitLine {
                path: page_of(wait.task, &row.incident),
                verb: verb(wait.task),
                what: wait.what,
                incident: row.incident.clone(),
                title: row.title.clone(),
                severity: row.severity.clone(),
                since: wait.since,
            })
        })
        .collect();
    lines.sort_by_key(|line| (line.severity.clone(), line.since));
    lines
}

fn named(names: &BTreeMap<String, String>, person: Option<&str>) -> String {
    person.map_or_else(
        || "nobody yet".to_owned(),
        |id| names.get(id).cloned().unwrap_or_else(|| "someone who left".to_owned()),
    )
}

fn active(row: &BoardRow, incident: Option<&Incident>, names: &BTreeMap<String, String>, now: Timestamp) -> ActiveLine {
    let next = waits_of(row).into_iter().next().map(|wait| {
        let who = match wait.who {
            crate::domain::waits::Awaited::Person(person) => named(names, Some(&person.0)),
            crate::domain::waits::Awaited::Role(role) => format!("any {role}"),
        };
        format!("{}: {who}", wait.what)
    });
    let attempt = incident.and_then(Incident::current);
    ActiveLine {
        incident: row.incident.clone(),
        title: row.title.clone(),
        severity: row.severity.clone(),
        place: format!("{}, {}", row.component, row.environment),
        state: row.phase.clone(),
        commander: named(names, row.commander.as_deref()),
        next: next.unwrap_or_default(),
        opened_at: row.opened_at,
        running: attempt.and_then(|attempt| attempt.started_at()).map(|start| format!("T+{}", now - start)),
        update_due: incident.and_then(|incident| incident.updates.promised).map(|promise| promise.due_at),
        unreadable: incident.is_none(),
    }
}

/// An outcome as people read it: "Rolled back".
pub fn outcome_words(outcome: &str) -> String {
    let words = outcome.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn recent(row: &BoardRow) -> RecentLine {
    let outcome = row.outcome.as_deref().unwrap_or("closed");
    RecentLine {
        incident: row.incident.clone(),
        title: row.title.clone(),
        severity: row.severity.clone(),
        place: format!("{}, {}", row.component, row.environment),
        outcome: outcome_words(outcome),
        good: matches!(outcome, "rolled_back" | "restored" | "fixed_forward"),
        closed_at: row.closed_at,
    }
}

/// The open incidents, folded. One that this program cannot read is told as such and hides no other.
async fn fold(app: &AppState, rows: &[BoardRow]) -> Result<BTreeMap<String, Arc<Incident>>, WebError> {
    let mut incidents = BTreeMap::new();
    for row in rows {
        match app.incidents.incident(&row.incident).await {
            Ok(incident) => {
                incidents.insert(row.incident.clone(), incident);
            }
            Err(SubmitError::Store(fault)) => return Err(fault.into()),
            Err(fault) => tracing::warn!(incident = row.incident, %fault, "an open incident cannot be read"),
        }
    }
    Ok(incidents)
}

async fn get(State(app): State<AppState>, who: SignedIn) -> Result<Html<String>, WebError> {
    let now = app.clock.now();
    let seq = app.store.head().await?.seq;
    let rows = app.store.open_all().await?;
    let names: BTreeMap<String, String> =
        app.store.people().await?.into_iter().map(|person| (person.id, person.name)).collect();
    let incidents = fold(&app, &rows).await?;
    let mut lines: Vec<ActiveLine> =
        rows.iter().map(|row| active(row, incidents.get(&row.incident).map(AsRef::as_ref), &names, now)).collect();
    lines.sort_by_key(|line| (line.severity.clone(), line.opened_at));
    let freezes = incidents.values().filter(|incident| incident.is_frozen());
    let freezes = freezes.map(|incident| FreezeLine {
        incident: incident.id.clone(),
        place: format!("{}, {}", incident.component, incident.environment),
        owner: named(&names, incident.commander.as_ref().map(|person| person.0.as_str())),
    });
    let playbook = app.incidents.playbooks.current_read(&mut app.store.read().await?).await;
    let measured = match &playbook {
        Ok((_, procedure)) => watched(&app, procedure, now).await?,
        Err(SubmitError::Store(fault)) => return Err(fault.clone().into()),
        Err(_) => Vec::new(),
    };
    let past = app.store.recent(RECENT + rows.len() as i64, None).await?;
    let past = past.iter().filter(|row| row.status == "closed").take(RECENT as usize).map(recent);
    page(&View {
        layout: Layout::of(&who, "Now", Here::Now, now).following(seq, "/"),
        mine: mine(&rows, &who.person, &who.roles),
        active: lines,
        watched: measured,
        freezes: freezes.collect(),
        recent: past.collect(),
        playbook: playbook.is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::condition::Watch;
    use crate::domain::procedure::Detection;
    use crate::store::{Sample, TriggerState};
    use crate::web::sample::{COMPONENT, ENVIRONMENT, World};
    use axum::http::StatusCode;

    #[tokio::test]
    async fn with_nothing_open_nothing_waits_and_a_rollback_can_be_started() {
        let world = World::new().await;
        let shown = world.signed_in("maya").await.get("/").await;
        assert_eq!(shown.status, StatusCode::OK);
        let words = shown.words();
        assert!(words.contains("Nothing waits for you.") && words.contains("No incident is open."), "{words}");
        assert!(words.contains("No rollback holds deployments back."), "{words}");
        assert!(shown.body.contains("href=\"/start\""));
    }

    #[tokio::test]
    async fn what_waits_is_first_for_the_one_it_waits_for_and_leads_to_its_page() {
        let world = World::new().await;
        let id = world.critical().await;
        let commander = world.signed_in("maya").await.get("/").await;
        assert!(commander.words().contains("Authorise the rollback to 4.11.3"), "{}", commander.words());
        assert!(commander.body.contains(&format!("href=\"/incidents/{id}/approve\"")));
        let management = world.signed_in("helen").await.get("/").await;
        assert!(management.words().contains("Nothing waits for you."), "{}", management.words());
        assert!(management.words().contains("Authorise the rollback to 4.11.3: Maya Okafor"), "{}", management.words());
    }

    #[tokio::test]
    async fn a_running_rollback_shows_its_clock_and_the_freeze() {
        let world = World::new().await;
        let id = world.critical().await;
        world.authorised(&id).await;
        world.runs(&id, "app-rollback").await;
        world.turn(crate::domain::Span::seconds(61));
        let words = world.signed_in("olga").await.get("/").await.words();
        assert!(words.contains("T+1:01") && words.contains("rollback in progress"), "{words}");
        assert!(words.contains("Frozen") && words.contains("in the charge of Maya Okafor"), "{words}");
    }

    #[tokio::test]
    async fn a_measured_trigger_whose_probe_fell_silent_shows_no_data() {
        let world = World::new().await;
        let procedure = crate::playbook::default_procedure();
        let Detection::Metric { condition, .. } = &procedure.trigger("error-rate").unwrap().detection else {
            panic!("it is measured");
        };
        let (begun, store) = (world.now(), &world.app.store);
        let body = serde_json::to_string(&condition.advance(&Watch::unseen(begun), Some(0), begun)).unwrap();
        let key = format!("{ENVIRONMENT}/{COMPONENT}/error-rate");
        store
            .put_trigger_state(&TriggerState { key, state: "ok".into(), since: begun, body, updated_at: begun })
            .await
            .unwrap();
        let sample = Sample { series: format!("probe/{ENVIRONMENT}/{COMPONENT}"), at: begun, value: 1_000 };
        store.insert_samples(&[sample]).await.unwrap();
        let mut browser = world.signed_in("olga").await;
        let words = browser.get("/").await.words();
        assert!(
            words.contains("0 %") && words.contains("trigger above 10 % for 5m") && words.contains(" ok "),
            "{words}"
        );
        world.turn(crate::domain::Span::minutes(3));
        let words = browser.get("/").await.words();
        assert!(words.contains("no data") && !words.contains(" ok "), "{words}");
    }

    #[test]
    fn each_task_leads_to_its_own_page() {
        assert_eq!(page_of(Task::Approve, "RB-0001"), "/incidents/RB-0001/approve");
        assert_eq!(page_of(Task::Plan, "RB-0001"), "/incidents/RB-0001/plan");
        assert_eq!(page_of(Task::Verify, "RB-0001"), "/incidents/RB-0001/verify");
        assert_eq!(page_of(Task::Close, "RB-0001"), "/incidents/RB-0001/close");
        assert_eq!(page_of(Task::JudgeRun, "RB-0001"), "/incidents/RB-0001");
        assert_eq!(outcome_words("not_rolled_back"), "Not rolled back");
    }
}
