//! The floors: what nobody can do without, in as few lines as will do it. Each is a process of its own, as the product is.

use crate::http::Browser;
use crate::product::{Served, free_address};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Starts this program again as a floor, and waits until it answers.
pub fn start(folder: &Path, script: &Path) -> Served {
    let mut served = spawn(folder, script);
    served.until_ready();
    served
}

/// Starts it, and does not wait.
pub fn spawn(folder: &Path, script: &Path) -> Served {
    let address = free_address();
    let child = Command::new(std::env::current_exe().unwrap())
        .arg("floor")
        .arg(address.to_string())
        .arg(folder)
        .arg(script)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Served::of(child, address)
}

pub fn browser(served: &Served) -> Browser {
    Browser::new(served.address)
}

struct Floor {
    pool: SqlitePool,
    script: PathBuf,
}

/// The body of such a process: `floor ADDRESS FOLDER SCRIPT`.
pub fn serve(words: &[String]) {
    let [address, folder, script] = words else { panic!("floor ADDRESS FOLDER SCRIPT") };
    let (folder, script) = (Path::new(folder), PathBuf::from(script));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        // As durable as the product, and nothing else.
        let options = SqliteConnectOptions::new()
            .filename(folder.join("floor.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        sqlx::query("CREATE TABLE IF NOT EXISTS entries (body TEXT NOT NULL)").execute(&pool).await.unwrap();
        let router = Router::new()
            .route("/readyz", get(async || "ready\n"))
            .route("/commit", post(commit))
            .route("/run", post(run))
            .with_state(Arc::new(Floor { pool, script }));
        axum::serve(listener, router).await.unwrap();
    });
}

/// HTTP and two durable commits.
async fn commit(State(floor): State<Arc<Floor>>, body: String) -> StatusCode {
    for _ in 0..2 {
        sqlx::query("INSERT INTO entries (body) VALUES ($1)").bind(&body).execute(&floor.pool).await.unwrap();
    }
    StatusCode::SEE_OTHER
}

/// The same, and the script.
async fn run(State(floor): State<Arc<Floor>>, body: String) -> StatusCode {
    let answer = commit(State(floor.clone()), body).await;
    let mut script = tokio::process::Command::new(&floor.script);
    let mut child = script.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    tokio::spawn(async move { child.wait().await });
    answer
}
