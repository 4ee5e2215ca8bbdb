//! Q4: from the start of the process to "ready", with an empty store and with a long past, on both databases.
//!
//! Files are warm: each store was served once before anything counts. The floor is a bare server that opens a SQLite file
//! and listens, started in turns with the product.

use crate::floors;
use crate::postgres;
use crate::product::{Installation, Served};
use crate::statistics::{Line, Series};
use crate::{Extent, seeding};
use backout::clock::fresh_id;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::time::Instant;

pub fn measure(extent: Extent) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut lines = Vec::new();
    let mut floor = Series::default();
    for (name, database, most) in
        [("SQLite", None, 100.0), ("PostgreSQL", Some(runtime.block_on(empty_postgres())), 300.0)]
    {
        let installation = Installation::new(database);
        let app = runtime.block_on(async {
            let app = installation.app().await;
            installation.settle(&app).await;
            app
        });
        let empty = starts(&installation, extent.starts, &mut floor);
        let entries = runtime.block_on(seeding::seed(&installation, &app, extent.past));
        runtime.block_on(app.store.close());
        let full = starts(&installation, extent.starts, &mut floor);
        if installation.database.starts_with("postgres") {
            runtime.block_on(drop_postgres(&installation.database));
        }
        println!("{name}: {} past incidents, {entries} ledger entries", extent.past);
        for (what, series) in [("empty".to_owned(), empty), (format!("{} past incidents", extent.past), full)] {
            lines.push(Line::judged(
                &format!("Q4 start → ready, {name}, {what}, p50 / p95 ms"),
                series.shown(),
                floor.shown(),
                format!("{:.1}", series.p95() / floor.p95()),
                &format!("p95 ≤ {most} ms"),
                series.p95() <= most,
            ));
        }
    }
    lines
}

/// Starts the server so many times, each once before it counts.
fn starts(installation: &Installation, count: usize, floor: &mut Series) -> Series {
    let mut product = Series::default();
    for round in 0..=count {
        let bare = millis_until_ready(|| floors::spawn(installation.folder.path(), &installation.script()));
        let started = millis_until_ready(|| installation.spawn());
        if round > 0 {
            floor.add(bare);
            product.add(started);
        }
    }
    product
}

fn millis_until_ready(start: impl FnOnce() -> Served) -> f64 {
    let begun = Instant::now();
    let mut served = start();
    served.until_ready();
    let ready = begun.elapsed();
    served.stop();
    ready.as_secs_f64() * 1e3
}

/// Leaves nothing behind on a server that goes on.
async fn drop_postgres(address: &str) {
    if !postgres::server().lasting {
        return;
    }
    let (base, name) = address.rsplit_once('/').unwrap();
    let mut connection = PgConnection::connect(&format!("{base}/postgres")).await.unwrap();
    connection.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
    connection.close().await.unwrap();
}

/// A database of its own on a PostgreSQL server that goes away with this program.
async fn empty_postgres() -> String {
    let base = &postgres::server().base;
    let name = format!("figures_{}", fresh_id().replace('-', ""));
    let mut connection = PgConnection::connect(&format!("{base}/postgres")).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
    format!("{base}/{name}")
}
