//! Q1 and Q2: a commander authorises; how soon is that durable and answered, and how soon does the script begin?
//!
//! Each round opens an incident whose plan waits for its commander, sends the form of the page *Authorise* as a signed-in,
//! freshly confirmed browser sends it, and waits for the script's first instruction: one byte into a named pipe that
//! this program reads. The floors, in turns with it: the same form over HTTP to a bare server that commits twice, and the
//! same once more with the same script executed.

use crate::Extent;
use crate::floors;
use crate::http::Browser;
use crate::incidents;
use crate::product::Installation;
use crate::statistics::{Line, Series};
use backout::app::App;
use backout::clock::fresh_id;
use backout::domain::command::{Command, Outcome};
use backout::domain::state::AttemptStatus;
use backout::domain::{PersonId, Role};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// One person may authorise ten times a minute; so many take turns.
const COMMANDERS: usize = 24;
/// Rounds before anything counts.
const WARM_UP: usize = 10;
const PATIENCE: Duration = Duration::from_secs(20);

pub fn measure(extent: Extent) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let installation = Installation::new(None);
    let begun = first_instructions(&installation);
    let (app, people) = runtime.block_on(async {
        let app = installation.app().await;
        installation.settle(&app).await;
        let people = installation.people(&app, "commander", COMMANDERS, &[Role::IncidentCommander]).await;
        (app, people)
    });
    let served = installation.serve();
    let floor = floors::start(installation.folder.path(), &installation.script());
    let mut commanders: Vec<Commander> = people
        .into_iter()
        .enumerate()
        .map(|(number, id)| {
            let browser = installation.signed_in(&format!("commander{}", number + 1), number + 1);
            Commander { id, browser, confirmed: None, sent: Vec::new() }
        })
        .collect();
    let mut bare = floors::browser(&floor);

    let (mut answered, mut executed) = (Series::default(), Series::default());
    let (mut two_commits, mut floor_executed) = (Series::default(), Series::default());
    for round in 0..WARM_UP + extent.approvals {
        let commander = next_commander(&installation, &mut commanders, round);
        let (incident, request) = runtime.block_on(prepare(&app, commander));
        let (answer, first) = timed(&mut commander.browser, &request, Some(&begun), 303);
        runtime.block_on(clear(&app, commander, &incident));

        let form = String::from_utf8_lossy(&request).split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
        let request = bare.request("POST", "/commit", &form);
        let (commits, _) = timed(&mut bare, &request, None, 303);
        let request = bare.request("POST", "/run", &form);
        let (_, run) = timed(&mut bare, &request, Some(&begun), 303);
        if round >= WARM_UP {
            answered.add(answer);
            executed.add(first);
            two_commits.add(commits);
            floor_executed.add(run);
        }
    }
    floor.stop();
    served.stop();

    let first = executed.p95() / floor_executed.p95();
    let answer = answered.p95() / two_commits.p95();
    vec![
        Line::judged(
            "Q1 approve → script's first instruction, p50 / p95 ms",
            executed.shown(),
            floor_executed.shown(),
            format!("{:.1} / {first:.1}", executed.p50() / floor_executed.p50()),
            "p95 ≤ 3 × floor",
            first <= 3.0,
        ),
        Line::judged(
            "Q2 approve → durable and answered, p50 / p95 ms",
            answered.shown(),
            two_commits.shown(),
            format!("{:.1} / {answer:.1}", answered.p50() / two_commits.p50()),
            "p95 ≤ 5 × floor",
            answer <= 5.0,
        ),
    ]
}

struct Commander {
    id: PersonId,
    browser: Browser,
    confirmed: Option<Instant>,
    /// When this one last authorised.
    sent: Vec<Instant>,
}

/// The next in turn, confirmed, and within what one person may send in a minute.
fn next_commander<'a>(installation: &Installation, commanders: &'a mut [Commander], round: usize) -> &'a mut Commander {
    let count = commanders.len();
    let commander = &mut commanders[round % count];
    if commander.confirmed.is_none_or(|at| at.elapsed() > Duration::from_secs(240)) {
        installation.confirm(&mut commander.browser);
        commander.confirmed = Some(Instant::now());
    }
    let minute = Duration::from_secs(61);
    commander.sent.retain(|at| at.elapsed() < minute);
    if commander.sent.len() >= 10 {
        std::thread::sleep(minute.saturating_sub(commander.sent[0].elapsed()));
    }
    commander.sent.push(Instant::now());
    commander
}

/// A named pipe, and the instants at which somebody wrote into it.
fn first_instructions(installation: &Installation) -> Receiver<Instant> {
    let pipe = installation.folder.path().join("begun");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    installation.write_script(&format!("#!/bin/sh\necho >{}\n", pipe.display()));
    listen(&pipe)
}

fn listen(pipe: &Path) -> Receiver<Instant> {
    // For reading and writing: so the pipe never ends, and opening it does not wait.
    let mut pipe = File::options().read(true).write(true).open(pipe).unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut byte = [0];
        while pipe.read_exact(&mut byte).is_ok() && tell.send(Instant::now()).is_ok() {}
    });
    told
}

/// Sends a request; milliseconds until it was answered, and until the script began.
fn timed(browser: &mut Browser, request: &[u8], begun: Option<&Receiver<Instant>>, status: u16) -> (f64, f64) {
    browser.connect().unwrap();
    let start = Instant::now();
    let answer = browser.exchange(request).unwrap();
    let answered = start.elapsed();
    assert_eq!(answer.status, status, "{}", answer.text());
    let first = begun.map_or(Duration::ZERO, |begun| begun.recv_timeout(PATIENCE).unwrap() - start);
    (answered.as_secs_f64() * 1e3, first.as_secs_f64() * 1e3)
}

/// An incident with a plan that waits for this commander, and the form that authorises it.
async fn prepare(app: &App, commander: &Commander) -> (String, Vec<u8>) {
    let incident = incidents::open(app, &commander.id).await;
    let approve = incidents::approval(app, &incident).await;
    let (number, intent) = (approve.attempt.to_string(), fresh_id());
    let mut fields = vec![
        ("intent", intent.as_str()),
        ("attempt", &number),
        ("digest", &approve.digest),
        ("slot", &approve.slot),
        ("phrase", &approve.phrase),
        ("starts", "yes"),
        ("comment", ""),
        ("waive_reason", &approve.waive_reason),
    ];
    fields.extend(approve.waive.iter().map(|item| ("waive", item.as_str())));
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let path = format!("/incidents/{incident}/approve");
    let request = commander.browser.request("POST", &path, &form);
    (incident, request)
}

/// Ends the incident, so that the next one finds the service free.
async fn clear(app: &App, commander: &Commander, incident: &str) {
    let begun = Instant::now();
    loop {
        let state = app.incident(incident).await.unwrap();
        if state.current().is_some_and(|attempt| attempt.status() == AttemptStatus::Verifying) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the run of {incident} is not recorded");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reason = || "measured".to_owned();
    incidents::ask(app, &commander.id, incident, Command::DeclareFailed { attempt: 1, reason: reason() }).await;
    incidents::ask(app, &commander.id, incident, Command::Close { outcome: Outcome::FixedForward, reason: reason() })
        .await;
}
