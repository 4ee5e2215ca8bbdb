//! The floors: what nobody can do without, in as few lines as will do it. Each is a process of its own, as the product is.

use crate::crowd::MARK;
use crate::http::Browser;
use crate::product::{Served, free_address};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, RwLock};
use tokio::sync::broadcast;

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

/// A message of a stream, as long as the product's.
pub fn message(size: usize) -> String {
    let mut text = format!("{}\ndata: ", std::str::from_utf8(MARK).unwrap());
    text.push_str(&"x".repeat(size.saturating_sub(text.len() + 2)));
    text + "\n\n"
}

struct Floor {
    pool: SqlitePool,
    script: PathBuf,
    events: broadcast::Sender<Bytes>,
    /// The pieces of a page: markup and text in turns.
    page: RwLock<Vec<String>>,
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
            .route("/page", get(page).post(keep_page))
            .route("/events", get(events))
            .route("/event", post(event))
            .with_state(Arc::new(Floor { pool, script, events: broadcast::Sender::new(256), page: RwLock::default() }));
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

/// Takes a page apart, so that it can be put together again.
async fn keep_page(State(floor): State<Arc<Floor>>, page: String) -> StatusCode {
    let pieces = page.split_inclusive(['<', '>']).map(str::to_owned).collect();
    *floor.page.write().unwrap() = pieces;
    StatusCode::SEE_OTHER
}

/// Renders it.
async fn page(State(floor): State<Arc<Floor>>) -> Html<String> {
    let pieces = floor.page.read().unwrap();
    let mut page = String::with_capacity(16 * 1_024);
    for piece in pieces.iter() {
        page.push_str(piece);
    }
    Html(page)
}

/// A stream of events.
async fn events(State(floor): State<Arc<Floor>>) -> Response {
    let receiver = floor.events.subscribe();
    let next = async |mut receiver: broadcast::Receiver<Bytes>| {
        let bytes = receiver.recv().await.ok()?;
        Some((Ok::<_, Infallible>(bytes), receiver))
    };
    let hello = stream::once(async { Ok(Bytes::from_static(b"retry: 1000\n\n")) });
    let body = Body::from_stream(hello.chain(stream::unfold(receiver, next)));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// One durable commit, and everyone is told.
async fn event(State(floor): State<Arc<Floor>>, body: Bytes) -> StatusCode {
    sqlx::query("INSERT INTO entries (body) VALUES ($1)").bind(&body[..]).execute(&floor.pool).await.unwrap();
    let _ = floor.events.send(body);
    StatusCode::SEE_OTHER
}
