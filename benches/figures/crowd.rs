//! Many viewers of one stream, in this process: they tell when a message about an entry has come whole.

use crate::events::{self, Chunks};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// What a message begins with that counts.
pub const MARK: &[u8] = b"event: entry";
/// Streams that are opened at the same time.
const AT_ONCE: usize = 32;
/// Streams from one address of this machine.
const OF_ONE_ADDRESS: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Crowd {
    runtime: Runtime,
    arrivals: Receiver<(Instant, usize)>,
    count: usize,
}

impl Crowd {
    /// Opens a stream for each request, and waits until all are open.
    pub fn gather(address: SocketAddr, requests: Vec<Vec<u8>>) -> Crowd {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (tell, arrivals) = channel();
        let count = requests.len();
        runtime.block_on(async {
            let door = Arc::new(Semaphore::new(AT_ONCE));
            let mut opening = JoinSet::new();
            for (number, request) in requests.into_iter().enumerate() {
                let (door, tell) = (door.clone(), tell.clone());
                opening.spawn(async move {
                    let _place = door.acquire().await.unwrap();
                    let last = u8::try_from(2 + number / OF_ONE_ADDRESS).unwrap();
                    let (stream, rest) = events::open(address, ([127, 0, 0, last], 0).into(), &request).await;
                    tokio::spawn(watch(stream, rest, tell));
                });
            }
            while let Some(opened) = opening.join_next().await {
                opened.unwrap();
            }
        });
        Crowd { runtime, arrivals, count }
    }

    /// Has something sent; milliseconds from before it was sent until each viewer had it, the last of them last, and the
    /// bytes of the message.
    pub fn hear(&self, send: impl FnOnce()) -> (Vec<f64>, usize) {
        let begun = Instant::now();
        send();
        let mut size = 0;
        let mut all: Vec<f64> = (0..self.count)
            .map(|_| {
                let (at, bytes) = self.arrivals.recv_timeout(PATIENCE).expect("every viewer hears of it");
                size = bytes;
                (at - begun).as_secs_f64() * 1e3
            })
            .collect();
        all.sort_by(f64::total_cmp);
        assert!(self.arrivals.try_recv().is_err(), "nobody hears it twice");
        (all, size)
    }

    pub fn leave(self) {
        self.runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

/// Reads one stream to its end.
async fn watch(mut stream: TcpStream, rest: Vec<u8>, tell: Sender<(Instant, usize)>) {
    let mut chunks = Chunks::default();
    let (mut counts, mut size) = (false, 0);
    let mut take = |bytes: &[u8]| {
        chunks.take(bytes, |part| {
            if part.begins {
                (counts, size) = (part.bytes.starts_with(MARK), 0);
            }
            size += part.bytes.len();
            if part.ends && counts {
                let _ = tell.send((Instant::now(), size));
            }
        });
    };
    take(&rest);
    let mut bytes = [0; 8 * 1_024];
    loop {
        match stream.read(&mut bytes).await {
            Ok(count) if count > 0 => take(&bytes[..count]),
            _ => return,
        }
    }
}
