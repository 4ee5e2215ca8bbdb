//! Probes against real services over loopback, good ones and such that misbehave.

use crate::target::{TemporaryWorld, client, serve};
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use backout::clock::{ManualClock, SystemClock};
use backout::demo::world::{self, BAD_RELEASE};
use backout::domain::condition::{Condition, Direction, LOOK_BACK, Sample, Series};
use backout::domain::{Span, Timestamp};
use backout::triggers::probe::{Miss, Probe, ProbeClient, ProbeConfig};
use backout::triggers::watcher::Watcher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NOON: Timestamp = Timestamp(1_772_712_000_000_000);

fn config(url: &str) -> ProbeConfig {
    ProbeConfig {
        environment: "production".into(),
        component: "app".into(),
        url: url.into(),
        expect_status: 200,
        expect_body: None,
        time_limit: Span::seconds(5),
        interval: Span::seconds(5),
    }
}

fn probe(config: ProbeConfig) -> Probe {
    drop(client()); // installs the TLS provider
    Probe::new(config, ProbeClient::new().unwrap()).unwrap()
}

async fn measured(config: ProbeConfig) -> (Sample, Option<Miss>) {
    probe(config).measure_with_cause(&ManualClock::at(NOON)).await
}

/// Serves the routes on a free port for as long as the test runs.
async fn service(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    url
}

#[tokio::test]
async fn an_answer_as_expected_is_good_and_dated_by_the_clock_it_was_given() {
    let url = service(Router::new().route("/", get(async || "all is well"))).await;
    let (sample, miss) = measured(ProbeConfig { expect_body: Some("is well".into()), ..config(&url) }).await;
    assert_eq!((sample.at, sample.ok, miss), (NOON, true, None));
    assert!((1..5_000_000).contains(&sample.micros), "{sample:?}");
}

#[tokio::test]
async fn another_status_or_text_is_a_failure() {
    let url = service(Router::new().route("/", get(async || "all is well"))).await;
    let (sample, miss) = measured(config(&format!("{url}/nowhere"))).await;
    assert_eq!((sample.ok, miss), (false, Some(Miss::Status { expected: 200, got: 404 })));
    let (sample, _) = measured(ProbeConfig { expect_status: 404, ..config(&format!("{url}/nowhere")) }).await;
    assert!(sample.ok, "the operator says what is expected");
    let (sample, miss) = measured(ProbeConfig { expect_body: Some("is lost".into()), ..config(&url) }).await;
    assert_eq!((sample.ok, miss), (false, Some(Miss::Text)));
}

#[tokio::test]
async fn a_service_that_never_answers_costs_its_time_limit_and_no_more() {
    let limit = Span::millis(80);
    let silent = service(Router::new().route("/", get(std::future::pending::<&'static str>))).await;
    let (sample, miss) = measured(ProbeConfig { time_limit: limit, ..config(&silent) }).await;
    assert_eq!((sample.ok, sample.micros, miss), (false, limit.0, Some(Miss::TooLate(limit))));
}

/// A connection on which a small request has arrived whole.
async fn asked(listener: &tokio::net::TcpListener) -> tokio::net::TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut buffer, mut read) = ([0; 4096], 0);
    while !buffer[..read].ends_with(b"\r\n\r\n") {
        read += stream.read(&mut buffer[read..]).await.unwrap();
    }
    stream
}

#[tokio::test]
async fn an_answer_that_begins_and_never_ends_is_too_late() {
    let limit = Span::millis(80);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut stream = asked(&listener).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    let (sample, miss) = measured(ProbeConfig { time_limit: limit, ..config(&url) }).await;
    assert_eq!((sample.ok, sample.micros, miss), (false, limit.0, Some(Miss::TooLate(limit))));
}

#[tokio::test]
async fn a_refused_connection_never_passes_for_a_quick_response() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (sample, miss) = measured(config(&format!("http://{closed}"))).await;
    assert_eq!((sample.ok, sample.micros), (false, Span::seconds(5).0));
    assert!(matches!(&miss, Some(Miss::NoAnswer(what)) if what.contains("refused")), "{miss:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = visits.clone();
    let inside = async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        "secret"
    };
    let inner = service(Router::new().route("/", get(inside))).await;
    let outer = service(Router::new().route("/", get(async move || Redirect::temporary(&inner)))).await;
    let (sample, miss) = measured(config(&outer)).await;
    assert_eq!((sample.ok, miss), (false, Some(Miss::Status { expected: 200, got: 307 })));
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_more_than_a_mebibyte_of_an_answer_is_read() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Answers without end, and says how much it got rid of once the probe has hung up.
    let flood = tokio::spawn(async move {
        let mut stream = asked(&listener).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let (chunk, mut sent) = (vec![b'.'; 64 * 1024], 0);
        while let Ok(written) = stream.write(&chunk).await {
            sent += written;
        }
        sent
    });
    let (sample, miss) = measured(ProbeConfig { expect_body: Some("needle".into()), ..config(&url) }).await;
    assert_eq!((sample.ok, miss), (false, Some(Miss::Text)));
    let sent = flood.await.unwrap();
    assert!(sent < 64 << 20, "{sent} bytes went out, far more than one MiB and the network's buffers");
}

#[tokio::test]
async fn one_connection_serves_many_probes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                // A small GET arrives whole; each is answered with a failure that has a body.
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    let answer = b"HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\nfail";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    let (probe, clock) = (probe(config(&url)), ManualClock::at(NOON));
    for _ in 0..20 {
        assert!(!probe.measure(&clock).await.ok);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_bad_release_is_found_out_by_probing_and_a_good_one_left_in_peace() {
    let world = TemporaryWorld::new();
    let service = serve(&world).await;
    let quick = ProbeConfig { interval: Span::seconds(1), time_limit: Span::seconds(2), ..config(&service.url) };
    let condition = Condition {
        series: Series::ErrorRate,
        direction: Direction::Above,
        threshold: 100_000,
        hold: Span::seconds(5),
        look_back: LOOK_BACK,
        interval: quick.interval,
    };
    let clock = ManualClock::at(NOON);
    let mut watcher = Watcher::new(&quick, vec![("error-rate".into(), condition)], NOON);
    let probe = probe(quick);
    for _ in 0..10 {
        clock.turn(Span::seconds(1));
        assert_eq!(watcher.observe(probe.measure(&clock).await), []);
    }
    assert_eq!(watcher.watched()[0].watch.phase().name(), "ok");

    world::deploy(world.root(), BAD_RELEASE).unwrap();
    let mut findings = Vec::new();
    for _ in 0..15 {
        clock.turn(Span::seconds(1));
        findings.extend(watcher.observe(probe.measure(&clock).await));
    }
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.trigger.as_str(), finding.environment.as_str()), ("error-rate", "production"));
    assert!(finding.evidence.values.iter().all(|(_, value)| *value > 100_000), "{finding:?}");
    assert_eq!(finding.evidence.values.len(), 6, "five seconds, both ends");
}

#[tokio::test]
async fn the_response_time_of_a_release_is_measured_as_it_is() {
    let world = TemporaryWorld::new();
    world::deploy(world.root(), BAD_RELEASE).unwrap();
    let service = serve(&world).await;
    let sample = probe(config(&service.url)).measure(&SystemClock).await;
    assert!((180_000..2_000_000).contains(&sample.micros), "{sample:?}");
}
