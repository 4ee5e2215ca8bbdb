//! The first page: what waits for the person who looks at it, then what goes on, then what is measured (L5).

use super::AppState;
use super::error::{WebError, page};
use super::incident_header::{self, state};
use super::layout::{Here, Layout, initials};
use super::playbook::banner::{Banner, banners};
use super::readiness::{Readiness, readiness};
use super::routes::Route;
use super::session::SignedIn;
use super::start::start_for;
use super::watched::{WatchedLine, watched};
use crate::access::capability::{Capability, role_name, roles_from};
use crate::app::SubmitError;
use crate::domain::state::{Attempt, Incident};
use crate::domain::waits::{Awaited, Task, Wait, waits};
use crate::domain::words::upper_first;
use crate::domain::{PersonId, Role, Span, Timestamp};
use crate::store::{BoardRow, Person};
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
    waited: String,
    path: String,
    verb: &'static str,
    /// Who else reminded of it, and when.
    reminded: Option<(String, Timestamp)>,
}

/// One open incident.
struct ActiveLine {
    incident: String,
    title: String,
    severity: String,
    place: String,
    state: incident_header::State,
    /// Whose the next action is, and what it is; empty when nothing waits for anybody.
    next_who: String,
    next_what: String,
    /// What the rollback goes from and to, where it has a target.
    versions: String,
    opened_at: Timestamp,
    /// When an approval runs out, unless something begins before.
    turns_at: Option<Timestamp>,
    /// `T+11:48`, once the first run has started.
    running: Option<Running>,
    update_due: Option<Timestamp>,
    /// Its journal cannot be read, so nothing can be decided in it.
    unreadable: bool,
}

/// How long a rollback has run, or ran.
struct Running {
    since: Timestamp,
    value: String,
    /// It has ended: its clock stands.
    ended: bool,
}

/// Somebody with a role, and when they last did something here.
struct OnHand {
    name: String,
    initials: String,
    roles: String,
    you: bool,
    seen: Option<Timestamp>,
    /// Within the last minutes.
    here: bool,
    /// `8 min ago`.
    ago: String,
}

/// A trigger that is breached, and nobody is at it.
struct Unanswered {
    fact: String,
    /// Where a rollback is started for it.
    start: String,
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
    /// From the trigger to the end.
    took: String,
    closed_at: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "now.html")]
struct View {
    layout: Layout,
    mine: Vec<WaitLine>,
    active: Vec<ActiveLine>,
    watched: Vec<WatchedLine>,
    /// Those that are breached while no incident is open for their cause.
    unanswered: Vec<Unanswered>,
    /// The playbook that measures, with how it stands; empty without one.
    measured_by: String,
    freezes: Vec<FreezeLine>,
    recent: Vec<RecentLine>,
    readiness: Vec<Readiness>,
    people: Vec<OnHand>,
    playbook: bool,
    /// For administrators: what is wrong with the playbook's file.
    banners: Vec<Banner>,
    /// Management reads the summary first, not the room.
    manages: bool,
}

/// The page on which a task is done.
pub fn page_of(task: Task, incident: &str) -> String {
    let room = format!("/incidents/{incident}");
    match task {
        Task::Approve => format!("{room}/approve"),
        Task::Plan => format!("{room}/plan"),
        Task::Verify => format!("{room}/verify"),
        Task::Close => format!("{room}/close"),
        Task::WriteUpdate => format!("{room}/update"),
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
        Task::WriteUpdate => "Write the update",
        _ => "Go to the room",
    }
}

/// What waits in an incident at this moment: by its row only where it cannot be read, for time alone changes what waits.
/// A row that cannot be read either waits for nobody rather than hiding the rest of the page.
fn waits_of(row: &BoardRow, incident: Option<&Incident>, now: Timestamp) -> Vec<Wait> {
    incident.map_or_else(|| serde_json::from_str(&row.waits_for).unwrap_or_default(), |incident| waits(incident, now))
}

/// What waits for one person, the worst incident first, then the longest waiting.
fn mine(
    rows: &[BoardRow],
    incidents: &BTreeMap<String, Arc<Incident>>,
    names: &BTreeMap<String, String>,
    person: &PersonId,
    roles: &[Role],
    now: Timestamp,
) -> Vec<WaitLine> {
    let mut lines: Vec<WaitLine> = rows
        .iter()
        .flat_map(|row| {
            let incident = incidents.get(&row.incident).map(AsRef::as_ref);
            let own = waits_of(row, incident, now).into_iter().filter(|wait| wait.who.includes(person, roles));
            own.map(|wait| WaitLine {
                path: page_of(wait.task, &row.incident),
                verb: verb(wait.task),
                what: wait.what,
                incident: row.incident.clone(),
                title: row.title.clone(),
                severity: row.severity.clone(),
                waited: (now - wait.since).to_string(),
                since: wait.since,
                reminded: wait
                    .reminded
                    .filter(|last| last.by != *person)
                    .map(|last| (named(names, Some(&last.by.0)), last.at)),
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

fn active(
    row: &BoardRow,
    incident: Option<&Incident>,
    names: &BTreeMap<String, String>,
    who: &SignedIn,
    now: Timestamp,
) -> ActiveLine {
    let next = waits_of(row, incident, now).into_iter().next().map(|wait| {
        let whose = match &wait.who {
            whose if whose.includes(&who.person, &who.roles) => "You".to_owned(),
            Awaited::Person(person) => named(names, Some(&person.0)),
            Awaited::Role(role) => upper_first(role.somebody()),
        };
        (whose, wait.what)
    });
    let (next_who, next_what) = next.unwrap_or_default();
    let attempt = incident.and_then(Incident::current);
    let target = attempt.and_then(|attempt| attempt.draft.targets.first());
    ActiveLine {
        incident: row.incident.clone(),
        title: row.title.clone(),
        severity: row.severity.clone(),
        place: format!("{}, {}", row.component, row.environment),
        state: incident.map_or_else(|| unreadable(row), |incident| state(incident, now)),
        next_who,
        next_what,
        versions: target.map_or(String::new(), |target| match &target.from {
            Some(from) => format!("{from} → {}", target.name),
            None => target.name.clone(),
        }),
        opened_at: row.opened_at,
        turns_at: attempt.and_then(|attempt| attempt.lapses_at(now)),
        running: attempt.and_then(|attempt| running(attempt, now)),
        update_due: incident.and_then(|incident| incident.updates.promised).map(|promise| promise.due_at),
        unreadable: incident.is_none(),
    }
}

fn running(attempt: &Attempt, now: Timestamp) -> Option<Running> {
    let since = attempt.started_at()?;
    let ended = incident_header::ended(attempt).map(|(_, at, _)| at);
    Some(Running { since, value: format!("T+{}", ended.unwrap_or(now).shown_since(since)), ended: ended.is_some() })
}

fn unreadable(row: &BoardRow) -> incident_header::State {
    incident_header::State { words: row.phase.clone(), class: "tag-crit", icon: "lock" }
}

/// Somebody who did something within this time is here.
const HERE: Span = Span::minutes(2);

/// Everyone with a role in incidents, who was seen last first.
async fn on_hand(app: &AppState, people: &[Person], who: &SignedIn, now: Timestamp) -> Result<Vec<OnHand>, WebError> {
    let seen: BTreeMap<String, Timestamp> = app.store.last_seen(now).await?.into_iter().collect();
    let mut lines: Vec<OnHand> = people
        .iter()
        .filter(|person| person.active)
        .filter_map(|person| {
            let roles: Vec<Role> = roles_from(&person.roles).into_iter().filter(|role| acts(*role)).collect();
            let seen = seen.get(&person.id).copied();
            (!roles.is_empty()).then(|| OnHand {
                initials: initials(&person.name),
                name: person.name.clone(),
                roles: roles.into_iter().map(role_name).collect::<Vec<_>>().join(", "),
                you: person.id == who.person.0,
                here: seen.is_some_and(|seen| now - seen <= HERE),
                ago: seen.map_or(String::new(), |seen| ago(now - seen)),
                seen,
            })
        })
        .collect();
    lines.sort_by_key(|line| (!line.you, std::cmp::Reverse(line.seen), line.name.clone()));
    lines.truncate(MOST);
    Ok(lines)
}

/// The most people that the page lists; the page of people has all.
const MOST: usize = 10;

/// Whether somebody with this role is reached for in an incident.
fn acts(role: Role) -> bool {
    matches!(role, Role::IncidentCommander | Role::TechnicalLead | Role::Management | Role::Support)
}

/// `8 min ago`.
fn ago(span: Span) -> String {
    match span.as_seconds() {
        seconds if seconds < 60 => format!("{seconds}\u{a0}s ago"),
        seconds if seconds < 3_600 => format!("{}\u{a0}min ago", seconds / 60),
        seconds => format!("{}\u{a0}h ago", seconds / 3_600),
    }
}

/// An outcome as people read it: "Rolled back".
pub fn outcome_words(outcome: &str) -> String {
    upper_first(&outcome.replace('_', " "))
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
        took: row.closed_at.map_or(String::new(), |at| at.shown_since(row.opened_at).to_string()),
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

/// What is breached and belongs to no open incident: another trigger of the same cause would join one there.
fn unanswered(watched: &[WatchedLine], rows: &[BoardRow]) -> Vec<Unanswered> {
    let answered = |line: &WatchedLine| {
        let place = |row: &&BoardRow| row.environment == line.environment && row.component == line.component;
        rows.iter().filter(place).any(|row| row.category == line.category)
    };
    let breached = watched.iter().filter(|line| line.phase == "breached" && !answered(line));
    breached
        .map(|line| Unanswered {
            fact: format!("{} of {} is still breached: {} now", line.trigger, line.place, line.value),
            start: start_for(&line.name, &line.environment, &line.component),
        })
        .collect()
}

async fn get(State(app): State<AppState>, who: SignedIn) -> Result<Html<String>, WebError> {
    let now = app.clock.now();
    let seq = app.store.head().await?.seq;
    let rows = app.store.open_all().await?;
    let people = app.store.people().await?;
    let names: BTreeMap<String, String> =
        people.iter().map(|person| (person.id.clone(), person.name.clone())).collect();
    let incidents = fold(&app, &rows).await?;
    let mut lines: Vec<ActiveLine> = rows
        .iter()
        .map(|row| active(row, incidents.get(&row.incident).map(AsRef::as_ref), &names, &who, now))
        .collect();
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
    let measured_by = playbook.as_ref().map_or(String::new(), |(_, procedure)| {
        format!("Measured by playbook {}: {}", procedure.version, procedure.status)
    });
    let past = app.store.recent(RECENT + rows.len() as i64, None).await?;
    let past = past.iter().filter(|row| row.status == "closed").take(RECENT as usize).map(recent);
    page(&View {
        layout: Layout::of(&who, "Now", Here::Now, now).following(seq, "/"),
        mine: mine(&rows, &incidents, &names, &who.person, &who.roles, now),
        active: lines,
        unanswered: unanswered(&measured, &rows),
        watched: measured,
        measured_by,
        freezes: freezes.collect(),
        recent: past.collect(),
        readiness: readiness(&app).await?,
        people: on_hand(&app, &people, &who, now).await?,
        playbook: playbook.is_ok(),
        banners: banners(&app, &who).await?,
        manages: who.holds(Role::Management),
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
        assert!(words.contains("Nothing waits for you") && words.contains("No incident is open."), "{words}");
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
        assert!(management.words().contains("Nothing waits for you"), "{}", management.words());
        assert!(management.words().contains("Maya Okafor: Authorise the rollback to 4.11.3"), "{}", management.words());
    }

    #[tokio::test]
    async fn a_running_rollback_shows_its_clock_and_the_freeze() {
        let world = World::new().await;
        let id = world.critical().await;
        world.authorised(&id).await;
        world.runs(&id, "app-rollback").await;
        world.turn(crate::domain::Span::seconds(61));
        let words = world.signed_in("olga").await.get("/").await.words();
        assert!(words.contains("T+1:01") && words.contains("Rollback in progress"), "{words}");
        assert!(words.contains("Frozen") && words.contains("in the charge of Maya Okafor"), "{words}");
    }

    #[tokio::test]
    async fn where_nobody_can_act_yet_the_card_of_people_says_so() {
        let world = World::new().await;
        let mut olga = world.signed_in("olga").await;
        let says = "Nobody has a role in rollbacks yet.";
        assert!(!olga.get("/").await.words().contains(says));
        for person in world.app.store.people().await.unwrap() {
            if roles_from(&person.roles).into_iter().any(acts) {
                let now = world.now();
                crate::access::accounts::set_active(&world.app.store, "system", &person.id, false, now).await.unwrap();
            }
        }
        let words = olga.get("/").await.words();
        assert!(words.contains(says), "{words}");
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
            words.contains("0 %") && words.contains("trigger above 10 % for 5 min") && words.contains(" ok "),
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
