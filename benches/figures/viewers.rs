//! Q8: many signed-in viewers of one room: what each costs in memory, and how soon the last of them has an event.
//!
//! The event is a note that the commander writes. The floor is a bare server of events: one durable commit, and the same
//! bytes to everyone. In both the time runs from before the request that causes the event until the viewer has the
//! whole message. Memory is the growth of the server's PSS between "nobody looks" and "everyone does".

use crate::crowd::{Crowd, MARK};
use crate::http::Browser;
use crate::machine;
use crate::product::{COOKIE, Installation, Served};
use crate::statistics::{Line, Series};
use crate::{Extent, floors, incidents};
use backout::clock::fresh_id;
use backout::domain::Role;
use std::time::Duration;

/// Streams that one person may have open.
const OF_ONE_PERSON: usize = 8;
/// Viewers who come and go before anything counts.
const WARM_UP: usize = 100;
/// Who writes notes, in turns: nobody may send more than sixty forms a minute.
const WRITERS: usize = 10;
/// How long a server may tidy up before its memory is read.
const SETTLE: Duration = Duration::from_secs(3);

/// One count of viewers, measured on one server.
struct Seen {
    kib_each: f64,
    last: Series,
    all: Series,
    size: usize,
}

pub fn measure(extent: Extent) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let installation = Installation::new(None);
    let (incident, cookies, writers) = runtime.block_on(async {
        let app = installation.app().await;
        installation.settle(&app).await;
        let commander = installation.people(&app, "commander", 1, &[Role::IncidentCommander]).await;
        let incident = incidents::open(&app, &commander[0]).await;
        let people = extent.viewers.max(extent.stress.div_ceil(OF_ONE_PERSON)).max(WARM_UP);
        let cookies = installation.crowd(&app, people).await;
        let writers = installation.crowd(&app, WRITERS).await;
        app.store.close().await;
        (incident, cookies, writers)
    });
    let mut lines = Vec::new();
    for (count, events, each, judged) in
        [(extent.viewers, extent.events, 1, true), (extent.stress, extent.events / 5, OF_ONE_PERSON, false)]
    {
        let product = of_product(&installation, &incident, &cookies, &writers, (count, each, events));
        let floor = of_floor(&installation, count, events, product.size);
        let (memory, last) = (product.kib_each / floor.kib_each, product.last.p99() / floor.last.p99());
        let shown = |seen: &Seen| format!("{:.1} / {:.1}", seen.last.p50(), seen.last.p99());
        let of = if each == 1 { String::new() } else { format!(" ({} people)", count.div_ceil(each)) };
        let mut memory = Line::judged(
            &format!("Q8 {count} viewers{of}, memory each, KiB"),
            format!("{:.1}", product.kib_each),
            format!("{:.1}", floor.kib_each),
            format!("{memory:.1}"),
            "≤ 1.5 × floor",
            memory <= 1.5,
        );
        let mut last = Line::judged(
            &format!("Q8 {count} viewers, an event reaches the last, p50 / p99 ms"),
            shown(&product),
            shown(&floor),
            format!("{:.1} / {last:.1}", product.last.p50() / floor.last.p50()),
            "p99 ≤ 2 × floor",
            last <= 2.0,
        );
        if !judged {
            // The stress case shows where it ends; the goals speak of a thousand.
            (memory.met, last.met) = (None, None);
        }
        lines.extend([memory, last]);
        let any = format!("{:.1} / {:.1}, {} bytes", product.all.p50(), product.all.p99(), product.size);
        lines.push(Line::beside("   any viewer, p50 / p99 ms, and the message", any));
    }
    lines
}

fn of_product(
    installation: &Installation,
    incident: &str,
    cookies: &[String],
    writers: &[String],
    (count, each, events): (usize, usize, usize),
) -> Seen {
    let served = installation.serve();
    let path = format!("/incidents/{incident}/live");
    let request = |number: usize| {
        let browser = Browser::new(served.address).with_cookie(COOKIE, &cookies[number / each]);
        browser.request("GET", &path, "")
    };
    let mut browsers: Vec<Browser> = writers.iter().map(|cookie| installation.browser_of(cookie)).collect();
    let mut written = 0;
    let mut write = || {
        written += 1;
        let browser = &mut browsers[written % WRITERS];
        let text = format!("Note {written}: the error rate stands still.");
        let fields = [("intent", fresh_id()), ("text", text)];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = browser.post(&format!("/incidents/{incident}/note"), &fields).unwrap();
        assert_eq!(answer.status, 303, "{}", answer.text());
    };
    let seen = look(&served, (count, events), request, &mut write);
    served.stop();
    seen
}

fn of_floor(installation: &Installation, count: usize, events: usize, size: usize) -> Seen {
    let served = floors::start(installation.folder.path(), &installation.script());
    let mut browser = floors::browser(&served);
    let message = floors::message(size);
    let mut send = || {
        let answer = browser.send("POST", "/event", &message).unwrap();
        assert_eq!(answer.status, 303);
    };
    let request = |_| floors::browser(&served).request("GET", "/events", "");
    let seen = look(&served, (count, events), request, &mut send);
    served.stop();
    seen
}

/// So many viewers, so many events.
fn look(
    served: &Served,
    (count, events): (usize, usize),
    request: impl Fn(usize) -> Vec<u8>,
    send: &mut impl FnMut(),
) -> Seen {
    let crowd = |count: usize| Crowd::gather(served.address, (0..count).map(&request).collect());
    let few = crowd(WARM_UP.min(count));
    for _ in 0..5 {
        few.hear(&mut *send);
    }
    few.leave();
    std::thread::sleep(SETTLE);
    let before = machine::pss_kib(served.id());
    let crowd = crowd(count);
    let (mut last, mut all, mut size) = (Series::default(), Series::default(), 0);
    // The first event finds everyone's buffers empty: memory is read after it.
    crowd.hear(&mut *send);
    std::thread::sleep(SETTLE);
    let kib_each = (machine::pss_kib(served.id()) as f64 - before as f64) / count as f64;
    for _ in 0..events {
        let (arrivals, bytes) = crowd.hear(&mut *send);
        last.add(arrivals[count - 1]);
        arrivals.into_iter().for_each(|arrival| all.add(arrival));
        size = bytes;
    }
    crowd.leave();
    assert!(size > MARK.len());
    Seen { kib_each, last, all, size }
}
