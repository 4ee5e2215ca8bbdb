//! Q9: a line that a script prints, until a viewer reads it.
//!
//! An authorised script prints a hundred lines a second, each with its own time. A hundred viewers follow the room; each
//! of them drops its connection again and again at moments of its own, and comes back as a browser does, with the last
//! id that it had. Counted is the time of each line from its printing to each viewer who was connected when it was
//! printed; and every viewer must in the end have every line once, in order.

use crate::events::{self, Messages};
use crate::http::Browser;
use crate::product::{COOKIE, Installation};
use crate::statistics::{Line, Series};
use crate::{Extent, incidents};
use backout::clock::{Clock, SystemClock};
use backout::domain::Role;
use backout::domain::command::Command;
use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

const VIEWERS: usize = 100;
const A_SECOND: usize = 100;
const PATIENCE: Duration = Duration::from_secs(60);

/// The body of the script: `lines COUNT`.
pub fn print(words: &[String]) {
    let count: u32 = words[0].parse().unwrap();
    let begun = Instant::now();
    let mut out = std::io::stdout();
    for number in 0..count {
        std::thread::sleep((begun + number * Duration::from_secs(1) / A_SECOND as u32) - Instant::now());
        writeln!(out, "line {number} at {}.", SystemClock.now().0).unwrap();
        out.flush().unwrap();
    }
}

pub fn measure(extent: Extent) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let count = extent.seconds_of_lines * A_SECOND;
    let installation = Installation::new(None);
    let own = std::env::current_exe().unwrap();
    installation.write_script(&format!("#!/bin/sh\nexec {} lines {count}\n", own.display()));
    let (app, incident, commander, cookies) = runtime.block_on(async {
        let app = installation.app().await;
        installation.settle(&app).await;
        let commander = installation.people(&app, "commander", 1, &[Role::IncidentCommander]).await.remove(0);
        let incident = incidents::open(&app, &commander).await;
        let cookies = installation.crowd(&app, VIEWERS).await;
        (app, incident, commander, cookies)
    });
    let served = installation.serve();
    let viewers = runtime.block_on(async {
        let after = app.store.head().await.unwrap().seq;
        let viewers: Vec<_> = cookies
            .iter()
            .enumerate()
            .map(|(number, cookie)| {
                let browser = Browser::new(served.address).with_cookie(COOKIE, cookie);
                let viewer = Viewer { address: served.address, browser, incident: incident.clone(), number, count };
                tokio::spawn(viewer.follow(after))
            })
            .collect();
        let approve = incidents::approval(&app, &incident).await;
        incidents::ask(&app, &commander, &incident, Command::Approve(approve)).await;
        let mut all = Vec::new();
        for viewer in viewers {
            all.push(tokio::time::timeout(PATIENCE + extent.length_of_lines(), viewer).await.unwrap().unwrap());
        }
        all
    });
    served.stop();
    let mut latency = Series::default();
    let (mut lost, mut doubled, mut returns) = (0, 0, 0);
    for viewer in &viewers {
        returns += viewer.returns;
        doubled += viewer.doubled;
        lost += count - viewer.read;
        viewer.millis.iter().for_each(|millis| latency.add(*millis));
    }
    let p99 = latency.p99();
    let whole = lost == 0 && doubled == 0;
    vec![
        Line::judged(
            &format!("Q9 a script's line → read by {VIEWERS} viewers, p50 / p99 ms"),
            format!("{:.1} / {p99:.1}", latency.p50()),
            String::new(),
            String::new(),
            "p99 ≤ 100 ms",
            p99 <= 100.0,
        ),
        Line::judged(
            &format!("Q9 {count} lines, {returns} reconnections: lost / doubled"),
            format!("{lost} / {doubled}"),
            String::new(),
            String::new(),
            "0 / 0",
            whole,
        ),
    ]
}

struct Viewer {
    address: SocketAddr,
    browser: Browser,
    incident: String,
    number: usize,
    count: usize,
}

/// What one viewer has got.
#[derive(Default)]
struct Got {
    read: usize,
    doubled: usize,
    returns: usize,
    millis: Vec<f64>,
}

impl Viewer {
    async fn follow(self, after: i64) -> Got {
        let mut got = Got::default();
        let mut last_id = after.to_string();
        // Each viewer leaves at moments of its own: between one and four seconds.
        let mut turn = self.number;
        while got.read < self.count {
            turn = (turn * 31 + 7) % 3_001;
            let until = Instant::now() + Duration::from_millis(1_000 + turn as u64);
            let from = ([127, 0, 0, 2], 0).into();
            let browser = &self.browser;
            let head = browser.request("GET", &format!("/incidents/{}/live", self.incident), "");
            let head = String::from_utf8(head).unwrap();
            let request = head.replace("\r\n\r\n", &format!("\r\nLast-Event-ID: {last_id}\r\n\r\n"));
            let (mut stream, rest) = events::open(self.address, from, request.as_bytes()).await;
            let connected = SystemClock.now().0;
            let mut messages = Messages::after(&last_id);
            let mut bytes = vec![0; 64 * 1_024];
            self.take(&mut messages, &rest, connected, &mut got);
            while got.read < self.count {
                let left = until.saturating_duration_since(Instant::now());
                match tokio::time::timeout(left, stream.read(&mut bytes)).await {
                    Ok(Ok(0) | Err(_)) | Err(_) => break,
                    Ok(Ok(count)) => self.take(&mut messages, &bytes[..count], connected, &mut got),
                }
            }
            last_id = messages.last_id;
            got.returns += 1;
        }
        got.returns -= 1;
        got
    }

    fn take(&self, messages: &mut Messages, bytes: &[u8], connected: i64, got: &mut Got) {
        messages.take(bytes, |message| {
            assert_ne!((message.event.as_str(), got.read > 0), ("resync", true), "nobody fell so far behind");
            if message.event != "log" {
                return;
            }
            let now = SystemClock.now().0;
            for line in message.data.lines() {
                let Some((number, at)) = line.split_once(">line ").and_then(|(_, text)| read_line(text)) else {
                    panic!("not a line of the script: {line}")
                };
                match number.cmp(&got.read) {
                    std::cmp::Ordering::Less => got.doubled += 1,
                    std::cmp::Ordering::Equal => got.read += 1,
                    std::cmp::Ordering::Greater => panic!("line {} was lost before line {number}", got.read),
                }
                if at > connected {
                    got.millis.push((now - at) as f64 / 1e3);
                }
            }
        });
    }
}

/// `17 at 1772680468000000.…`
fn read_line(text: &str) -> Option<(usize, i64)> {
    let (number, rest) = text.split_once(" at ")?;
    Some((number.parse().ok()?, rest.split_once('.')?.0.parse().ok()?))
}
