//! Streams of server-sent events as a client sees them: chunks of HTTP, and the messages within.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Opens a stream from one of this machine's own addresses (127.0.0.0/8: each has ports of its own), and reads the head
/// of the answer. What came after the head is handed back.
pub async fn open(address: SocketAddr, from: SocketAddr, request: &[u8]) -> (TcpStream, Vec<u8>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(request).await.unwrap();
    let mut read = Vec::with_capacity(2_048);
    loop {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "no answer: {}", String::from_utf8_lossy(&read));
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            assert!(read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&read));
            return (stream, rest);
        }
    }
}

/// A part of a body that came in chunks.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    pub bytes: &'a [u8],
    /// The first of its chunk, and the last.
    pub begins: bool,
    pub ends: bool,
}

/// Takes a chunked body apart as it comes. Costs next to nothing, so that ten thousand of them measure the server.
#[derive(Debug, Default)]
pub struct Chunks {
    /// Digits of a size that has not come whole.
    size: Vec<u8>,
    /// What is still to come of a chunk, with the line end behind it.
    left: usize,
    begins: bool,
}

impl Chunks {
    pub fn take(&mut self, mut bytes: &[u8], mut part: impl FnMut(Part)) {
        while !bytes.is_empty() {
            if self.left == 0 {
                let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                    self.size.extend_from_slice(bytes);
                    return;
                };
                self.size.extend_from_slice(&bytes[..end]);
                let digits = std::str::from_utf8(&self.size).unwrap().trim();
                self.left = usize::from_str_radix(digits, 16).unwrap() + 2;
                self.size.clear();
                self.begins = true;
                bytes = &bytes[end + 1..];
                continue;
            }
            let (now, later) = bytes.split_at(self.left.min(bytes.len()));
            let own = now.len().min(self.left.saturating_sub(2));
            self.left -= now.len();
            if own > 0 {
                part(Part { bytes: &now[..own], begins: self.begins, ends: self.left <= 2 });
                self.begins = false;
            }
            bytes = later;
        }
    }
}

/// One message.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub event: String,
    pub data: String,
}

/// Puts messages together, and remembers the last id as a browser does: once its message is whole.
#[derive(Debug, Default)]
pub struct Messages {
    chunks: Chunks,
    line: Vec<u8>,
    coming: Message,
    id: Option<String>,
    pub last_id: String,
}

impl Messages {
    /// Of a browser that had got so far.
    pub fn after(last_id: &str) -> Messages {
        Messages { last_id: last_id.to_owned(), ..Messages::default() }
    }

    pub fn take(&mut self, bytes: &[u8], mut message: impl FnMut(Message)) {
        let mut body = Vec::new();
        self.chunks.take(bytes, |part| body.extend_from_slice(part.bytes));
        for byte in body {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
            match line.split_once(": ") {
                None if line.is_empty() => {
                    if let Some(id) = self.id.take() {
                        self.last_id = id;
                    }
                    let whole = std::mem::take(&mut self.coming);
                    if !whole.data.is_empty() {
                        message(whole);
                    }
                }
                Some(("id", id)) => self.id = Some(id.to_owned()),
                Some(("event", event)) => self.coming.event = event.to_owned(),
                Some(("data", data)) => {
                    self.coming.data.push_str(data);
                    self.coming.data.push('\n');
                }
                _ => {}
            }
        }
    }
}
