//! Every page, update and report of whole incidents, looked through for what no editor would let pass: words said twice,
//! doubled full stops, and names that are meant for machines.

use super::sample::{Browser, STABLE, World};
use super::wall::tests::screen;
use crate::domain::Span;
use crate::domain::command::{Command, Outcome};
use crate::domain::event::Mark;
use crate::domain::state::IndicatorSign;

/// Pages that everybody has, and those of one incident.
const PAGES: [&str; 13] = [
    "/",
    "/rollbacks",
    "/registers",
    "/people",
    "/start",
    "/account",
    "/audit?stream=incidents",
    "/tokens",
    "/re-authenticate",
    "/playbook",
    "/playbook/versions",
    "/playbook/compare",
    "/walls",
];
/// What a screen shows that nobody is signed in at.
const WALL: &str = "/wall";
const OF_INCIDENT: [&str; 11] =
    ["", "/update", "/impact", "/approve", "/plan", "/verify", "/timeline", "/report", "/report.md", "/close", "/stop"];

/// Marks that stand inside a sentence; every other one ends what was said before it.
const INSIDE: [&str; 9] = ["a", "strong", "em", "span", "time", "b", "i", "bdi", "small"];

/// The texts of a page, each in one piece. Code is left out: there machines' names belong.
fn texts(html: &str) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut code = 0_usize;
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if ["code", "pre", "textarea"].contains(&name) {
            code = if tag.starts_with('/') { code.saturating_sub(1) } else { code + 1 };
        }
        if !INSIDE.contains(&name) {
            texts.push(String::new());
        }
        if code == 0 {
            texts.last_mut().expect("one is always there").push_str(text);
        }
    }
    texts.retain(|text| !text.trim().is_empty());
    texts
}

/// What is wrong with a text.
fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let words: Vec<&str> = text.split_whitespace().collect();
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    for pair in words.windows(2) {
        let same = bare(pair[0]) == bare(pair[1]) && bare(pair[0]).chars().any(char::is_alphabetic);
        if same && pair[0].ends_with(char::is_alphanumeric) {
            faults.push(format!("“{} {}”", pair[0], pair[1]));
        }
    }
    for five in words.windows(5) {
        if bare(five[0]) == "since" && five[1..].iter().any(|word| bare(word) == "since") {
            faults.push(format!("“{}”", five.join(" ")));
        }
    }
    for doubled in ["..", ".;", ".,", ",.", ";.", ":.", " .", " ,", " ;", "{{", "None)", "Some("] {
        if let Some(at) = text.find(doubled) {
            let around: String = text[..at].chars().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect();
            faults.push(format!("“{around}{doubled}”"));
        }
    }
    let machines = |word: &&&str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
        word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    faults.extend(words.iter().filter(machines).map(|word| format!("the name {word}")));
    // As a file writes it: people read "5 min".
    let span = |word: &&&str| Span::parse(word.trim_matches(|c: char| !c.is_alphanumeric())).is_ok();
    faults.extend(words.iter().filter(span).map(|word| format!("the span {word}")));
    faults
}

#[test]
fn a_text_is_looked_through() {
    let found = |text: &str| faults(text).len();
    assert_eq!(found("10:00 since the trigger since the start."), 1);
    assert_eq!(found("It ended.. Ask the the technical_lead, or wait.; Done ."), 5);
    assert_eq!(found("That that is done by 4.11.3. Done, done: the end. 12 12"), 1);
    assert_eq!(found("every 15m, not every 5 min (1h30m). T+4:23, 12, p95, 4.11.3"), 2);
    assert_eq!(texts("<p>One <b>whole</b> text</p><p>another<code>raw_key</code></p>"), ["One whole text", "another"]);
}

/// What was found so far, where and when.
type Found = std::collections::BTreeSet<String>;

async fn look_through(
    world: &World,
    (browsers, found): &mut ([(&'static str, Browser); 6], Found),
    incident: &str,
    when: &str,
) {
    let mut of_incident = OF_INCIDENT.map(|page| format!("/incidents/{incident}{page}")).to_vec();
    let runs = world.app.incidents.incident(incident).await.unwrap();
    for run in runs.attempts.iter().flat_map(|attempt| &attempt.runs) {
        of_incident.push(format!("/incidents/{incident}/runs/{}", run.id));
    }
    for (login, browser) in browsers {
        let own = [WALL.to_owned()];
        let pages = PAGES.map(str::to_owned);
        let paths: Vec<&String> =
            if login.starts_with("wall") { own.iter().collect() } else { pages.iter().chain(&of_incident).collect() };
        for path in paths {
            let page = browser.get(path).await;
            assert!(!page.status.is_server_error(), "{when}, {login}, {path}: {}", page.body);
            let texts =
                if path.ends_with(".md") { page.body.lines().map(str::to_owned).collect() } else { texts(&page.body) };
            for text in texts {
                found.extend(faults(&text).into_iter().map(|fault| format!("{when}, {login}, {path}: {fault}")));
            }
        }
    }
    for (_, update) in &world.app.incidents.incident(incident).await.unwrap().updates.sent {
        for line in update.text.lines() {
            found.extend(faults(line).into_iter().map(|fault| format!("{when}, update {}: {fault}", update.number)));
        }
    }
}

async fn readers(world: &World) -> ([(&'static str, Browser); 6], Found) {
    let browsers = [
        ("maya", world.confirmed("maya").await),
        ("tomas", world.confirmed("tomas").await),
        ("olga", world.signed_in("olga").await),
        ("ada", world.signed_in("ada").await),
        ("wall of the team", screen(world, "technical").await.0),
        ("wall of management", screen(world, "management").await.0),
    ];
    (browsers, Found::new())
}

/// The next update, as if its time had come.
async fn updated(world: &World, incident: &str) {
    let promised = world.app.incidents.incident(incident).await.unwrap().updates.promised;
    if let Some(promise) = promised {
        let by = promise.due_at - world.now();
        world.turn(by);
        world.acts("maya", incident, Command::SendUpdate { number: promise.number, note: None }).await;
    }
}

async fn all_ran(world: &World, incident: &str, exit: i32) {
    let state = world.app.incidents.incident(incident).await.unwrap();
    for action in &state.current().unwrap().plan().unwrap().actions {
        let run = world.runs(incident, &action.name).await;
        world.ends(incident, &run, exit).await;
    }
}

#[tokio::test]
async fn a_whole_rollback_says_nothing_twice_and_no_name_of_a_machine() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut readers = readers(&world).await;
    updated(&world, &id).await;
    look_through(&world, &mut readers, &id, "submitted").await;
    world.authorised(&id).await;
    look_through(&world, &mut readers, &id, "authorised").await;
    all_ran(&world, &id, 0).await;
    updated(&world, &id).await;
    look_through(&world, &mut readers, &id, "verifying").await;
    world.turn(Span::minutes(40));
    updated(&world, &id).await;
    let procedure = world.app.incidents.look(&id).await.unwrap().gathered.procedure.clone();
    for criterion in &procedure.verification.criteria {
        let mark = Some(Mark::Done { note: "Looked at it.".into() });
        let criterion = criterion.name.clone();
        world.acts("tomas", &id, Command::MarkCriterion { attempt: 1, criterion, mark }).await;
    }
    world.acts("tomas", &id, Command::ConfirmSuccess { attempt: 1 }).await;
    updated(&world, &id).await;
    look_through(&world, &mut readers, &id, "succeeded").await;
    for document in &procedure.documents {
        for section in document.sections.iter().filter(|section| section.typed) {
            let (document, section) = (document.name.clone(), section.name.clone());
            world.acts("maya", &id, Command::WriteSection { document, section, text: "We learned.".into() }).await;
        }
    }
    let reason = format!("{STABLE} serves again.");
    world.acts("maya", &id, Command::Close { outcome: Outcome::RolledBack, reason }).await;
    look_through(&world, &mut readers, &id, "closed").await;
    assert_eq!(readers.1, Found::new());
}

#[tokio::test]
async fn neither_does_one_that_was_declined_retried_lost_and_failed() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut readers = readers(&world).await;
    let to = crate::domain::Severity::P2;
    world.acts("maya", &id, Command::ChangeSeverity { to, reason: "Nobody is in danger.".into() }).await;
    look_through(&world, &mut readers, &id, "severity changed").await;
    world.acts("tomas", &id, Command::SubmitPlan { attempt: 1 }).await;
    let digest = world.digest(&id).await;
    world.acts("maya", &id, Command::Decline { attempt: 1, digest, reason: "It is too early.".into() }).await;
    look_through(&world, &mut readers, &id, "declined").await;

    let id = world.raised("data-breach", "A stranger reads our data").await;
    for (login, role) in
        [("maya", crate::domain::Role::IncidentCommander), ("tomas", crate::domain::Role::TechnicalLead)]
    {
        world.acts(login, &id, Command::TakeRole { role }).await;
    }
    world.authorised(&id).await;
    let action = world.app.incidents.incident(&id).await.unwrap().current().unwrap().plan().unwrap().actions[0].clone();
    let run = world.runs(&id, &action.name).await;
    world.system(&id, Command::LoseRun { run: run.clone(), why: "its supervisor died".into() }).await;
    updated(&world, &id).await;
    look_through(&world, &mut readers, &id, "lost").await;
    let reason = "No replica was replaced.".to_owned();
    world.acts("tomas", &id, Command::JudgeRun { run: run.clone(), succeeded: false, reason: reason.clone() }).await;
    world.acts("tomas", &id, Command::Retry { run, reason }).await;
    let run = world.runs(&id, &action.name).await;
    world.ends(&id, &run, 1).await;
    updated(&world, &id).await;
    look_through(&world, &mut readers, &id, "halted").await;
    let indicator =
        world.app.incidents.look(&id).await.unwrap().gathered.procedure.verification.indicators[0].name.clone();
    let (sign, note) = (IndicatorSign::Seen, "It went on.".to_owned());
    world.acts("tomas", &id, Command::MarkIndicator { attempt: 1, indicator, sign, note }).await;
    world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason: "It is no better.".into() }).await;
    updated(&world, &id).await;
    look_through(&world, &mut readers, &id, "failed").await;
    let backup = super::sample::BACKUP.to_owned();
    world.acts("tomas", &id, Command::DraftRestoration { escalates: 1, backup }).await;
    look_through(&world, &mut readers, &id, "restoration drafted").await;
    assert_eq!(readers.1, Found::new());
}
