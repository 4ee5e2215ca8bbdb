//! Listening. Slow and greedy clients are cut off here, before anything of ours runs: a request's head has 5 s to
//! arrive, 64 fields and 16 KiB. `axum::serve` has none of these knobs, hence hyper beneath it.
//!
//! The same 5 s bound how long an idle connection is kept for a next request: a proxy that keeps connections to this
//! server must retry on a closed one, as they do, or open a new one each time.

use super::layers::Peer;
use super::patience::Patient;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// How long the head of a request may take to arrive.
pub const HEADER_TIME: Duration = Duration::from_secs(5);
/// The most header fields, and the most bytes of a head.
pub const HEADER_FIELDS: usize = 64;
pub const HEAD_BYTES: usize = 16 * 1_024;
/// How long a client may take to read on when what we write has no more room.
pub const WRITE_TIME: Duration = Duration::from_secs(10);
/// How long open requests may take to end once the server is told to stop. Runs go on without it.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Serves until `shutdown` completes, then lets open requests end, at most [`DRAIN_TIME`].
///
/// Each request carries a [`Peer`] extension. Never fails because of a client; an error of `accept` (such as too many
/// open files) is logged and waited out.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADER_FIELDS)
        .max_buf_size(HEAD_BYTES)
        .keep_alive(true);
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(fault) => {
                    tracing::warn!(%fault, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let _ = stream.set_nodelay(true);
        let service = router.clone().map_request(move |mut request: hyper::Request<Incoming>| -> Request {
            request.extensions_mut().insert(Peer(peer));
            request.map(Body::new)
        });
        let connection =
            http.serve_connection(TokioIo::new(Patient::new(stream, WRITE_TIME)), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Clients go away, send nonsense or are slow: nothing that the log needs by default.
            if let Err(fault) = connection.await {
                tracing::debug!(%fault, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIME, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests had not ended after {} s and were cut off", DRAIN_TIME.as_secs());
    }
    Ok(())
}
