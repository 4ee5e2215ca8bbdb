//! Q5: what it costs to have it: memory of all processes a minute after twenty people signed in, processor time while nothing
//! happens, and the size of the program.
//!
//! Memory is PSS, so that pages shared between processes count once. The floor is a bare server with an open SQLite file.

use crate::Extent;
use crate::floors;
use crate::machine;
use crate::product::{Installation, PROGRAM};
use crate::statistics::Line;
use backout::domain::Role;
use std::path::Path;
use std::time::Instant;

const PEOPLE: usize = 20;

pub fn measure(extent: Extent) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let installation = Installation::new(None);
    runtime.block_on(async {
        let app = installation.app().await;
        installation.settle(&app).await;
        installation.people(&app, "person", PEOPLE, &[Role::Observer]).await;
        app.store.close().await;
    });
    let served = installation.serve();
    let fresh = mib_of(served.id());
    // Two at a time, as many as the server hashes at once.
    std::thread::scope(|scope| {
        for half in 0..2 {
            let installation = &installation;
            scope.spawn(move || {
                for number in (half..PEOPLE).step_by(2) {
                    let mut browser = installation.signed_in(&format!("person{}", number + 1), number + 1);
                    assert_eq!(browser.get("/").unwrap().status, 200);
                }
            });
        }
    });
    let after = mib_of(served.id());
    let floor = floors::start(installation.folder.path(), &installation.script());
    std::thread::sleep(extent.idle);
    // Long enough for a tenth of a per cent to be seen.
    let (before, began) = (machine::cpu_millis(served.id()), Instant::now());
    std::thread::sleep(extent.idle);
    let used = machine::cpu_millis(served.id()) - before;
    let share = used as f64 / began.elapsed().as_millis() as f64 * 100.0;
    let (idle, bare) = (mib_of(served.id()), mib_of(floor.id()));
    let size = machine::mib(Path::new(PROGRAM));
    floor.stop();
    served.stop();
    vec![
        Line::judged(
            "Q5 memory, idle after 20 sign-ins, MiB PSS",
            format!("{idle:.1}"),
            format!("{bare:.1}"),
            format!("{:.1}", idle / bare),
            "≤ 25 MiB",
            idle <= 25.0,
        ),
        Line::beside("   just started / just after the sign-ins", format!("{fresh:.1} / {after:.1}")),
        Line::judged(
            "Q5 processor while idle, % of a core",
            format!("{share:.2}"),
            String::new(),
            String::new(),
            "≤ 0.2 %",
            share <= 0.2,
        ),
        Line::judged(
            "Q5 the program, MiB",
            format!("{size:.1}"),
            String::new(),
            String::new(),
            "≤ 25 MiB",
            size <= 25.0,
        ),
    ]
}

/// The memory of a process and all that it started.
fn mib_of(id: u32) -> f64 {
    machine::family(id).into_iter().map(machine::pss_kib).sum::<u64>() as f64 / 1_024.0
}
