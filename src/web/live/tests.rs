use crate::access::accounts;
use crate::domain::command::Command;
use crate::domain::{Role, Span};
use crate::web::sample::{Browser, World};
use axum::body::BodyDataStream;
use axum::http::response::Parts;
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;
use std::time::Duration;

/// Longer than anything takes that passes.
const PATIENCE: Duration = Duration::from_secs(20);

/// One message as a browser hears it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Told {
    id: String,
    event: String,
    data: String,
}

/// An open stream.
struct Ear {
    body: BodyDataStream,
    text: String,
}

impl Ear {
    async fn open(browser: &mut Browser, path: &str, last: &str) -> (Parts, Ear) {
        let more: &[(&str, &str)] = if last.is_empty() { &[] } else { &[("last-event-id", last)] };
        let (parts, body) = browser.ask(Method::GET, path, String::new(), more).await;
        (parts, Ear { body: body.into_data_stream(), text: String::new() })
    }

    async fn heard(browser: &mut Browser, path: &str, last: &str) -> Ear {
        let (parts, ear) = Ear::open(browser, path, last).await;
        assert_eq!(parts.status, StatusCode::OK);
        ear
    }

    /// The next message, whatever it is; nothing at the end.
    async fn any(&mut self) -> Option<Told> {
        loop {
            if let Some(at) = self.text.find("\n\n") {
                let block: String = self.text.drain(..at + 2).collect();
                let mut told = Told::default();
                for line in block.lines() {
                    match line.split_once(": ").unwrap_or((line, "")) {
                        ("id", value) => told.id = value.to_owned(),
                        ("event", value) => told.event = value.to_owned(),
                        ("data", value) => told.data.push_str(value),
                        _ => {}
                    }
                }
                if told.event.is_empty() {
                    continue;
                }
                return Some(told);
            }
            let more = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("something comes, or the end");
            self.text.push_str(std::str::from_utf8(&more?.unwrap()).unwrap());
        }
    }

    /// The next message of this name, whatever comes before it.
    async fn named(&mut self, event: &str) -> Told {
        loop {
            let told = self.any().await.expect("the stream goes on");
            if told.event == event {
                return told;
            }
        }
    }

    /// The next message that has a place in the order, or says good-bye.
    async fn next(&mut self) -> Option<Told> {
        loop {
            match self.any().await {
                Some(told) if ["ping", "measures", "presence"].contains(&told.event.as_str()) => {}
                other => return other,
            }
        }
    }
}

/// The stream's address as the page has it.
async fn stream_of(browser: &mut Browser, page: &str) -> String {
    let body = browser.get(page).await.body;
    let (_, rest) = body.split_once("data-live=\"").unwrap_or_else(|| panic!("{page} follows: {body}"));
    rest.split('"').next().unwrap().to_owned()
}

fn note(number: usize) -> Command {
    Command::AddNote { text: format!("note {number}\r\nid: 7\r\n\r\nevent: bye") }
}

async fn last_seq(world: &World) -> i64 {
    world.app.store.head().await.unwrap().seq
}

#[tokio::test]
async fn every_page_of_an_incident_hears_each_entry_once_and_in_order() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut maya = world.signed_in("maya").await;
    let mut ears = Vec::new();
    for tail in ["", "/plan", "/approve", "/verify", "/report", "/close", "/stop"] {
        let page = format!("/incidents/{id}{tail}");
        let stream = stream_of(&mut maya, &page).await;
        assert!(maya.get(&page).await.body.contains(&format!("data-page=\"{page}\"")));
        ears.push(Ear::heard(&mut maya, &stream, "").await);
    }
    let stream = stream_of(&mut world.signed_in("olga").await, "/").await;
    let mut home = Ear::heard(&mut world.signed_in("olga").await, &stream, "").await;
    for number in 0..5 {
        world.acts("maya", &id, note(number)).await;
        let seq = last_seq(&world).await;
        for ear in &mut ears {
            let told = ear.next().await.unwrap();
            assert_eq!((told.id.as_str(), told.event.as_str()), (seq.to_string().as_str(), "entry"));
            assert!(told.data.contains(&format!("id=\"event-{seq}\"")), "{}", told.data);
            for part in ["incident-top", "rail", "incident-line"] {
                assert!(told.data.contains(&format!("id=\"{part}\"")), "{part} in {}", told.data);
            }
        }
        assert_eq!(home.next().await.unwrap().id, seq.to_string());
    }
}

#[tokio::test]
async fn a_browser_that_comes_back_gets_what_it_missed_and_a_lost_one_is_told() {
    let world = World::new().await;
    let id = world.critical().await;
    let other = world.raised("data-breach", "Another one").await;
    let mut maya = world.signed_in("maya").await;
    let path = format!("/incidents/{id}/live");
    let begun = last_seq(&world).await;
    let mut expected = Vec::new();
    for number in 0..4 {
        world.acts("maya", &id, note(number)).await;
        expected.push(last_seq(&world).await.to_string());
        world.acts("maya", &other, note(number)).await;
    }
    let mut ear = Ear::heard(&mut maya, &path, &expected[1]).await;
    world.acts("maya", &id, note(9)).await;
    expected.push(last_seq(&world).await.to_string());
    for seq in &expected[2..] {
        assert_eq!(ear.next().await.unwrap().id, *seq);
    }
    let mut all = Ear::heard(&mut maya, &format!("/live?after={begun}"), "").await;
    for seq in begun + 1..=last_seq(&world).await {
        assert_eq!(all.next().await.unwrap().id, seq.to_string());
    }
    for lost in [(last_seq(&world).await + 1).to_string(), "nonsense".to_owned(), "-3".to_owned(), String::new()] {
        let mut ear = Ear::heard(&mut maya, &path, &lost).await;
        let told = ear.next().await.unwrap();
        assert_eq!((told.event.as_str(), told.id), ("resync", last_seq(&world).await.to_string()), "{lost:?}");
    }
}

#[tokio::test]
async fn a_position_that_is_too_far_back_is_told_to_begin_anew() {
    let world = World::new().await;
    let id = world.critical().await;
    let begun = last_seq(&world).await;
    for number in 0..301 {
        world.acts("maya", &id, note(number)).await;
    }
    let mut maya = world.signed_in("maya").await;
    for path in [format!("/incidents/{id}/live?after={begun}"), format!("/live?after={}", begun - 1)] {
        let told = Ear::heard(&mut maya, &path, "").await.next().await.unwrap();
        assert_eq!((told.event.as_str(), told.id), ("resync", last_seq(&world).await.to_string()));
    }
}

#[tokio::test]
async fn nothing_reaches_whose_account_or_session_has_ended() {
    for how in ["disabled", "roles", "signed out", "password", "ended from another browser", "too many sessions"] {
        let world = World::new().await;
        let id = world.critical().await;
        let mut tomas = world.signed_in("tomas").await;
        let path = format!("/incidents/{id}/live?after={}", last_seq(&world).await);
        let mut ear = Ear::heard(&mut tomas, &path, "").await;
        let mut healthy = Ear::heard(&mut world.signed_in("olga").await, &path, "").await;
        let (store, person, now) = (&world.app.store, world.id("tomas").0, world.now());
        match how {
            "disabled" => accounts::set_active(store, "system", &person, false, now).await.unwrap(),
            "roles" => accounts::change_roles(store, "system", &person, &[Role::Observer], now).await.unwrap(),
            "signed out" => assert_eq!(tomas.post("/sign-out", &[]).await.status, StatusCode::SEE_OTHER),
            "password" => {
                let known = store.person(&person).await.unwrap().unwrap();
                accounts::change_password(store, &known, "$other", now).await.unwrap();
            }
            "ended from another browser" => {
                let session = store.sessions_of(&person, now).await.unwrap().remove(0).id_hash;
                assert!(accounts::end_session(store, &person, &session, now).await.unwrap());
            }
            _ => {
                for _ in 0..5 {
                    world.turn(Span::seconds(1));
                    world.signed_in("tomas").await;
                }
            }
        }
        world.acts("maya", &id, note(1)).await;
        assert_eq!(ear.next().await, None, "{how}");
        let told = healthy.next().await.unwrap();
        assert_eq!((told.event.as_str(), told.id), ("entry", last_seq(&world).await.to_string()), "{how}");
        let (parts, _) = Ear::open(&mut tomas, &path, "").await;
        assert_eq!(parts.status, StatusCode::SEE_OTHER, "{how}");
    }
}

#[tokio::test]
async fn a_stream_ends_at_the_absolute_limit_of_its_session() {
    let world = World::new().await;
    let id = world.critical().await;
    let path = format!("/incidents/{id}/live?after={}", last_seq(&world).await);
    let mut ear = Ear::heard(&mut world.signed_in("maya").await, &path, "").await;
    world.turn(Span::hours(12));
    world.acts("maya", &id, note(1)).await;
    assert_eq!(ear.next().await, None);
}

#[tokio::test]
async fn a_stream_is_passed_on_as_it_comes_and_kept_by_nobody() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut maya = world.signed_in("maya").await;
    let path = format!("/incidents/{id}/live?after=1");
    let (parts, _) = maya.ask(Method::GET, &path, String::new(), &[("accept-encoding", "gzip, deflate, br")]).await;
    assert_eq!(parts.headers[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(parts.headers[header::CACHE_CONTROL], "no-store, no-transform");
    assert_eq!(parts.headers["x-accel-buffering"], "no");
    assert!(!parts.headers.contains_key(header::CONTENT_ENCODING));
    for nowhere in ["/incidents/RB-9999/live", "/incidents/RB-1/live", "/incidents/x/live"] {
        assert_eq!(maya.get(nowhere).await.status, StatusCode::NOT_FOUND, "{nowhere}");
    }
}

#[tokio::test]
async fn one_person_has_eight_streams_and_a_closed_one_makes_room() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut maya, path) = (world.signed_in("maya").await, format!("/incidents/{id}/live"));
    let mut ears = Vec::new();
    for _ in 0..8 {
        ears.push(Ear::heard(&mut maya, &path, "").await);
    }
    let (parts, _) = Ear::open(&mut maya, &path, "").await;
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(parts.headers[header::RETRY_AFTER], "10");
    assert_eq!(Ear::open(&mut world.signed_in("noor").await, &path, "").await.0.status, StatusCode::OK);
    ears.pop();
    ears.push(Ear::heard(&mut maya, &path, "").await);
    drop(ears);
    assert_eq!(world.app.live.streams(), 0, "and every place is free again");
}

#[tokio::test]
async fn a_server_that_stops_says_good_bye_and_ends_each_stream() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut maya = world.signed_in("maya").await;
    let path = format!("/incidents/{id}/live?after={}", last_seq(&world).await);
    let mut ear = Ear::heard(&mut maya, &path, "").await;
    world.app.live.stop();
    assert_eq!(ear.next().await.map(|told| told.event), Some("bye".to_owned()));
    assert_eq!(ear.next().await, None);
    assert_eq!(Ear::open(&mut maya, &path, "").await.0.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn neither_a_stream_nor_a_page_fetched_by_itself_counts_as_activity() {
    let world = World::new().await;
    let id = world.critical().await;
    let (room, mut maya) = (format!("/incidents/{id}"), world.signed_in("maya").await);
    for _ in 0..3 {
        world.turn(Span::minutes(9));
        assert_eq!(maya.refresh(&room).await.status, StatusCode::OK);
        drop(Ear::heard(&mut maya, &format!("{room}/live"), "").await);
    }
    world.turn(Span::minutes(4));
    assert_eq!(maya.refresh(&room).await.status, StatusCode::SEE_OTHER, "thirty-one minutes without a touch");
    let mut noor = world.signed_in("noor").await;
    for _ in 0..4 {
        world.turn(Span::minutes(9));
        assert_eq!(noor.get(&room).await.status, StatusCode::OK);
    }
}

/// The numbers of the lines in a message.
fn numbers(told: &Told) -> Vec<i64> {
    let parts = told.data.split(" id=\"line-").skip(1).map(|part| part.split('"').next().unwrap());
    parts.map(|name| name.rsplit('-').next().unwrap().parse().unwrap()).collect()
}

/// One more chunk of a run's log: `count` lines from `first` on.
async fn print(world: &World, run: &str, first: i64, count: i64) {
    let lines: String = (first..first + count).map(|line| format!("1772680468000000 o line {line}\n")).collect();
    assert!(world.app.store.append_log(run, first, count, lines.as_bytes()).await.unwrap());
}

#[tokio::test]
async fn lines_of_a_run_come_once_in_order_across_connections_and_only_to_those_who_read_logs() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut helen, mut olga) = (world.signed_in("helen").await, world.signed_in("olga").await);
    let path = format!("/incidents/{id}/live?after={}", last_seq(&world).await);
    let (mut early, mut denied) = (Ear::heard(&mut helen, &path, "").await, Ear::heard(&mut olga, &path, "").await);
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await.0;
    print(&world, &run, 0, 3).await;
    let page = stream_of(&mut helen, &format!("/incidents/{id}/runs/{run}")).await;
    assert!(page.ends_with(&format!("/{run}@3")), "{page}");
    assert!(!stream_of(&mut olga, &format!("/incidents/{id}")).await.contains('@'));
    let mut late = Ear::heard(&mut helen, &page, "").await;
    let (mut of_early, mut of_late, mut at) = (Vec::new(), vec![0, 1, 2], String::new());
    for first in (3..40).step_by(2) {
        print(&world, &run, first, 2).await;
        while of_early.len() < first as usize + 2 {
            of_early.extend(numbers(&early.named("log").await));
        }
        while of_late.len() < first as usize + 2 {
            let told = late.named("log").await;
            of_late.extend(numbers(&told));
            at = told.id;
        }
        // Gone without a word, and back with the last position; what came between is there too.
        if first % 3 == 0 {
            drop(late);
            late = Ear::heard(&mut helen, &page, &at).await;
        }
    }
    let all: Vec<i64> = (0..41).collect();
    assert_eq!((&of_early, &of_late), (&all, &all));
    world.ends(&id, &crate::domain::state::RunId(run.clone()), 0).await;
    let ended = last_seq(&world).await.to_string();
    while early.next().await.unwrap().id != ended {}
    loop {
        let told = denied.next().await.unwrap();
        assert_ne!(told.event, "log", "an observer reads no logs");
        assert!(!told.id.contains('@'));
        if told.id == ended {
            break;
        }
    }
    // Another incident's run in a position opens nothing.
    let other = world.raised("data-breach", "Another one").await;
    let mut ear = Ear::heard(&mut helen, &format!("/incidents/{other}/live"), &format!("{ended}/{run}@0")).await;
    assert_eq!(ear.next().await.unwrap().event, "entry");
    world.acts("maya", &other, note(1)).await;
    while ear.next().await.unwrap().id != last_seq(&world).await.to_string() {}
}

#[tokio::test]
async fn who_has_the_room_open_is_shown_and_whoever_was_not_seen_is_not() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut maya, room) = (world.signed_in("maya").await, format!("/incidents/{id}"));
    assert!(maya.get(&room).await.words().contains("Nobody has this page open"));
    let mut ear = Ear::heard(&mut maya, &format!("{room}/live"), "").await;
    let told = ear.named("presence").await;
    assert!(told.data.contains("1 here now: Maya Okafor") && told.data.contains("here-incident_commander"), "{told:?}");
    let _noor = Ear::heard(&mut world.signed_in("noor").await, &format!("{room}/live"), "").await;
    assert!(ear.named("presence").await.data.contains("2 here now: Maya Okafor, Noor Aziz"));
    assert!(maya.get(&room).await.words().contains("2 here now: Maya Okafor, Noor Aziz"));
    let kinds = world.app.store.tail(0, 1000).await.unwrap().into_iter().map(|entry| entry.kind);
    assert!(!kinds.into_iter().any(|kind| kind.to_lowercase().contains("presen")), "no journal tells of it");
    drop((ear, _noor));
    world.turn(Span::seconds(46));
    let words = maya.get(&room).await.words();
    assert!(words.contains("Nobody has this page open") && words.contains("seen 03:1"), "{words}");
}

#[tokio::test]
async fn what_is_measured_comes_by_itself_and_again_when_it_changed() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut ear = Ear::heard(&mut world.signed_in("olga").await, &format!("/incidents/{id}/live"), "").await;
    let told = ear.named("measures").await;
    assert!(told.id.is_empty() && told.data.contains("id=\"measures\""), "{told:?}");
}

#[tokio::test]
async fn an_open_room_keeps_the_session_for_reading_and_a_session_that_vanished_is_found() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut maya, mut sam) = (world.signed_in("maya").await, world.signed_in("sam").await);
    let path = format!("/incidents/{id}/live");
    let mut ear = Ear::heard(&mut maya, &path, "").await;
    let mut gone = Ear::heard(&mut sam, &path, "").await;
    let (store, person) = (&world.app.store, world.id("maya").0);
    let before = store.sessions_of(&person, world.now()).await.unwrap().remove(0);
    world.turn(Span::minutes(10));
    // Without an entry that would tell of it.
    store.delete_sessions_of(&world.id("sam").0, None).await.unwrap();
    while let Some(told) = gone.any().await {
        assert_ne!(told.event, "entry");
    }
    let after = store.sessions_of(&person, world.now()).await.unwrap().remove(0);
    assert_eq!(after.last_seen, before.last_seen, "a stream is no activity");
    assert!(after.expires_at > before.expires_at, "and keeps reading alive");
    world.acts("maya", &id, note(1)).await;
    while ear.next().await.unwrap().event != "entry" {}
}
