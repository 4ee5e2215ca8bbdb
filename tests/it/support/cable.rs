//! The network between a browser and a server, in the hands of a test: cut, dumb, or slow to answer for ever.
//!
//! A browser's own "offline" leaves open streams alone; real networks do not.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Good,
    /// Connections stand, and nothing comes through.
    Dumb,
    /// Requests come through; each connection is cut before its answer.
    Unanswered,
    /// New connections are cut at once.
    Down,
}

/// A port that leads to a server's.
pub struct Cable {
    port: u16,
    line: watch::Sender<Line>,
    cuts: watch::Sender<u32>,
}

impl Cable {
    pub async fn to(server: u16) -> Cable {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (line, cuts) = (watch::Sender::new(Line::Good), watch::Sender::new(0));
        tokio::spawn(carry(listener, server, line.subscribe(), cuts.subscribe()));
        Cable { port, line, cuts }
    }

    /// What a Chromium is told to look at `server` through this cable. The address it shows stays the server's own.
    pub fn switch(&self, server: u16) -> String {
        format!("--host-resolver-rules=MAP 127.0.0.1:{server} 127.0.0.1:{}", self.port)
    }

    pub fn becomes(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Cuts every connection that stands.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn carry(listener: TcpListener, server: u16, line: watch::Receiver<Line>, cuts: watch::Receiver<u32>) {
    while let Ok((browser, _)) = listener.accept().await {
        if *line.borrow() == Line::Down {
            continue;
        }
        let (line, mut cuts) = (line.clone(), cuts.clone());
        cuts.mark_unchanged();
        tokio::spawn(async move {
            let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server));
            let Ok(server) = TcpStream::connect(server).await else { return };
            let (from_browser, to_browser) = browser.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                () = pump(from_browser, to_server, line.clone(), false) => {}
                () = pump(from_server, to_browser, line, true) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>, answers: bool) {
    let mut bytes = vec![0; 64 * 1_024];
    while let Ok(count) = from.read(&mut bytes).await {
        if line.wait_for(|line| *line != Line::Dumb).await.is_err() || count == 0 {
            return;
        }
        if answers && *line.borrow() == Line::Unanswered {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
