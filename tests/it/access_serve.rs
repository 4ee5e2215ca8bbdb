//! The listener over a real socket: what is slow or swollen is cut off, and stopping lets open requests end.

use axum::Router;
use axum::routing::get;
use backout::web::serve;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

async fn start(router: Router) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(serve(listener, router, async {
        let _ = stopped.await;
    }));
    (address, stop, server)
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_arrive_in_time_or_is_too_large_is_cut_off() {
    let (address, stop, server) = start(Router::new().route("/", get(async || "hello"))).await;
    let good = exchange(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(good.starts_with("HTTP/1.1 200") && good.ends_with("hello"), "{good}");
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    let answer = exchange(address, &format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let answer = exchange(address, &format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(20_000))).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    // Ends by itself: the server hangs up, or this test would never return.
    let slow = exchange(address, "GET / HTTP/1.1\r\nHost: x\r\n").await;
    assert!(!slow.contains("200"), "{slow}");
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn stopping_lets_an_open_request_end() {
    let gates = Arc::new((Notify::new(), Notify::new()));
    let inside = gates.clone();
    let router = Router::new().route(
        "/",
        get(async move || {
            inside.0.notify_one();
            inside.1.notified().await;
            "done"
        }),
    );
    let (address, stop, server) = start(router).await;
    let request = tokio::spawn(exchange(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    gates.0.notified().await;
    stop.send(()).unwrap();
    gates.1.notify_one();
    assert!(request.await.unwrap().ends_with("done"));
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
