//! Q6 and Q15: pages. How many lists a second the server renders, and how little a room is before it can be read.
//!
//! Sixteen clients fetch the list of rollbacks as a signed-in commander, while an incident is open and a thousand are
//! past. The floor is a bare server that puts the very same page together from constants: the page's text and markup in
//! pieces, for each request anew. Both in turns, a slice of time each.

use crate::http::Browser;
use crate::machine;
use crate::product::{COOKIE, Installation, Served};
use crate::statistics::{Line, Series};
use crate::{Extent, floors, incidents, seeding};
use backout::domain::Role;
use backout::domain::command::Command;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const CLIENTS: usize = 16;
const PAST: i64 = 1_000;
const SLICES: usize = 5;
const KIB: f64 = 1_024.0;

pub fn measure(extent: Extent) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let installation = Installation::new(None);
    let incident = runtime.block_on(async {
        let app = installation.app().await;
        installation.settle(&app).await;
        seeding::seed(&installation, &app, PAST).await;
        let commander = installation.people(&app, "commander", 1, &[Role::IncidentCommander]).await.remove(0);
        let incident = incidents::open(&app, &commander).await;
        for number in 1..=10 {
            let text = format!("Note {number}: the error rate stands still.");
            incidents::ask(&app, &commander, &incident, Command::AddNote { text }).await;
        }
        app.store.close().await;
        incident
    });
    let served = installation.serve();
    let mut commander = installation.signed_in("commander1", 1);
    let floor = floors::start(installation.folder.path(), &installation.script());
    let mut lines = lists(&installation, &mut commander, &served, &floor, extent.slice);
    lines.extend(room(&mut commander, &floor, &incident, extent.first_bytes));
    floor.stop();
    served.stop();
    lines
}

fn lists(
    installation: &Installation,
    commander: &mut Browser,
    served: &Served,
    floor: &Served,
    slice: Duration,
) -> Vec<Line> {
    let page = commander.get("/rollbacks").unwrap();
    assert_eq!((page.status, page.text().matches("<tr>").count()), (200, 21), "a head and twenty rows");
    let mut bare = floors::browser(floor);
    assert_eq!(bare.send("POST", "/page", &page.text()).unwrap().status, 303);
    assert!(bare.get("/page").unwrap().body == page.body, "the very same page");
    let (mut product, mut constants, mut compressed) = (Load::default(), Load::default(), Load::default());
    let request = commander.request("GET", "/rollbacks", "");
    let cookie = commander.cookie(COOKIE).to_owned();
    let asks_compressed =
        installation.browser_of(&cookie).with_line("Accept-Encoding: gzip").request("GET", "/rollbacks", "");
    // A first slice warms up, and does not count.
    for round in 0..=SLICES {
        let of_product = load(served.address, &request, slice);
        let of_floor = load(floor.address, &bare.request("GET", "/page", ""), slice);
        let of_compressed = load(served.address, &asks_compressed, slice / 2);
        if round > 0 {
            product.add(of_product);
            constants.add(of_floor);
            compressed.add(of_compressed);
        }
    }
    let ratio = product.rate() / constants.rate();
    let p99 = product.millis.p99();
    vec![
        Line::judged(
            &format!("Q6 list pages a second, {CLIENTS} clients"),
            format!("{:.0}", product.rate()),
            format!("{:.0}", constants.rate()),
            format!("{ratio:.2}"),
            "≥ 0.5 × floor",
            ratio >= 0.5,
        ),
        Line::judged(
            "Q6 the same, p50 / p99 ms",
            format!("{:.1} / {p99:.1}", product.millis.p50()),
            format!("{:.1} / {:.1}", constants.millis.p50(), constants.millis.p99()),
            String::new(),
            "p99 ≤ 15 ms",
            p99 <= 15.0,
        ),
        Line::beside(
            "   compressed, as browsers ask for it: a second, p99 ms",
            format!("{:.0}, {:.1}", compressed.rate(), compressed.millis.p99()),
        ),
        Line::beside("   the page, bytes", format!("{}", page.body.len())),
    ]
}

/// What one client after another was answered.
#[derive(Default)]
struct Load {
    answers: usize,
    seconds: f64,
    millis: Series,
}

impl Load {
    fn add(&mut self, other: Load) {
        self.answers += other.answers;
        self.seconds += other.seconds;
        self.millis.extend(other.millis);
    }

    fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

/// Sixteen clients, each with one connection, as fast as the answers come.
fn load(address: SocketAddr, request: &[u8], length: Duration) -> Load {
    let begun = Instant::now();
    let mut all = Load::default();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| one_client(address, request, length))).collect();
        for client in clients {
            let series = client.join().unwrap();
            all.answers += series.count();
            all.millis.extend(series);
        }
    });
    all.seconds = begun.elapsed().as_secs_f64();
    all
}

fn one_client(address: SocketAddr, request: &[u8], length: Duration) -> Series {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut bytes = vec![0; 128 * 1_024];
    let (mut series, begun) = (Series::default(), Instant::now());
    while begun.elapsed() < length {
        let start = Instant::now();
        stream.write_all(request).unwrap();
        let (mut read, mut whole) = (0, usize::MAX);
        while read < whole {
            let count = stream.read(&mut bytes[read..]).unwrap();
            assert!(count > 0, "the server hung up");
            read += count;
            if whole == usize::MAX
                && let Some(end) = end_of_head(&bytes[..read])
            {
                assert!(bytes.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&bytes[..end]));
                whole = match length_in(&bytes[..end]) {
                    Some(length) => end + length,
                    // Chunks: the last is empty.
                    None if bytes[..read].ends_with(b"\r\n0\r\n\r\n") => read,
                    None => usize::MAX - 1,
                };
            } else if whole == usize::MAX - 1 && bytes[..read].ends_with(b"\r\n0\r\n\r\n") {
                whole = read;
            }
        }
        series.add(start.elapsed().as_secs_f64() * 1e3);
    }
    series
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn length_in(head: &[u8]) -> Option<usize> {
    let name = b"content-length: ";
    let at = head.windows(name.len()).position(|some| some.eq_ignore_ascii_case(name))? + name.len();
    let digits = head[at..].split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn room(commander: &mut Browser, floor: &Served, incident: &str, count: usize) -> Vec<Line> {
    let cookie = commander.cookie(COOKIE).to_owned();
    let path = format!("/incidents/{incident}");
    let mut browser = Browser::new(commander.address()).with_cookie(COOKIE, &cookie).with_line("Accept-Encoding: gzip");
    let plain = commander.get(&path).unwrap();
    assert_eq!(plain.status, 200);
    let page = plain.text();
    let mut sizes = vec![("HTML", browser.get(&path).unwrap().body.len())];
    for (kind, ending) in [("CSS", ".css"), ("script", ".js"), ("font", ".woff2"), ("icons", ".svg")] {
        let own = named_in(&page).into_iter().filter(|name| name.ends_with(ending));
        let sum = own.map(|name| browser.get(&name).unwrap().body.len()).sum();
        assert!(sum > 0, "the page names no {kind}");
        sizes.push((kind, sum));
    }
    let whole = sizes.iter().map(|(_, size)| size).sum::<usize>() as f64 / KIB;
    let each: Vec<String> = sizes.iter().map(|(kind, size)| format!("{kind} {:.1}", *size as f64 / KIB)).collect();

    let mut bare = floors::browser(floor);
    assert_eq!(bare.send("POST", "/page", &page).unwrap().status, 303);
    let (request, constants) = (commander.request("GET", &path, ""), bare.request("GET", "/page", ""));
    let (mut first, mut floor_first) = (Series::default(), Series::default());
    for round in 0..count + 20 {
        let (of_product, of_floor) = (commander.first_byte(&request).unwrap(), bare.first_byte(&constants).unwrap());
        if round >= 20 {
            first.add(of_product.as_secs_f64() * 1e3);
            floor_first.add(of_floor.as_secs_f64() * 1e3);
        }
    }
    vec![
        Line::judged(
            "Q15 a room to its first view, KiB compressed",
            format!("{whole:.1}"),
            String::new(),
            String::new(),
            "≤ 100 KiB",
            whole <= 100.0,
        ),
        Line::beside("   of which", each.join(", ")),
        Line::judged(
            "Q15 a room's first byte, p50 / p95 ms",
            first.shown(),
            floor_first.shown(),
            format!("{:.1}", first.p95() / floor_first.p95()),
            "p95 ≤ 5 ms",
            first.p95() <= 5.0,
        ),
        Line::beside("   load while this was measured", machine::load()),
    ]
}

/// The files that a page names.
fn named_in(page: &str) -> BTreeSet<String> {
    let after = page.split("\"/static/").skip(1);
    after.filter_map(|rest| rest.split(['"', '#']).next()).map(|name| format!("/static/{name}")).collect()
}
