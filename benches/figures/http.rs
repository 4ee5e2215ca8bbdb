//! A browser as small as can be: one kept connection, cookies, and nothing between us and the socket.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One browser.
pub struct Browser {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    cookies: BTreeMap<String, String>,
    /// Whom a proxy in front says that it speaks for; nobody when it is empty.
    forwarded_for: String,
    /// Extra header lines, each with its line end.
    extra: String,
}

impl Browser {
    pub fn new(address: SocketAddr) -> Browser {
        Browser { address, stream: None, cookies: BTreeMap::new(), forwarded_for: String::new(), extra: String::new() }
    }

    /// As if it came from another machine, through the proxy that the product trusts.
    pub fn from(self, visitor: &str) -> Browser {
        Browser { forwarded_for: visitor.to_owned(), ..self }
    }

    /// Signed in by a session that was put into the store.
    pub fn with_cookie(mut self, name: &str, value: &str) -> Browser {
        self.cookies.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With one more header line in every request.
    pub fn with_line(mut self, line: &str) -> Browser {
        self.extra.push_str(line);
        self.extra.push_str("\r\n");
        self
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A cookie that the server has set.
    pub fn cookie(&self, name: &str) -> &str {
        &self.cookies[name]
    }

    /// The cookies as a request carries them.
    pub fn cookie_header(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, "")
    }

    /// Sends a form as a page of the site would.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, &form)
    }

    /// The bytes of a request, so that making them is not measured.
    pub fn request(&self, method: &str, path: &str, form: &str) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        let cookies = self.cookie_header();
        if !cookies.is_empty() {
            head.push_str(&format!("Cookie: {cookies}\r\n"));
        }
        if !self.forwarded_for.is_empty() {
            head.push_str(&format!("X-Forwarded-For: {}\r\n", self.forwarded_for));
        }
        head.push_str(&self.extra);
        if method == "POST" {
            head.push_str(&format!(
                "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                form.len()
            ));
        }
        head.push_str("\r\n");
        head.push_str(form);
        head.into_bytes()
    }

    pub fn send(&mut self, method: &str, path: &str, form: &str) -> io::Result<Answer> {
        let request = self.request(method, path, form);
        self.exchange(&request)
    }

    /// Sends bytes and reads the answer whole; the connection is opened when there is none, or none any more.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let outcome = self.exchange_once(request).map(|(answer, _)| answer);
        self.after(&outcome);
        outcome
    }

    /// The same, with the time from before the request until the first byte of its answer.
    pub fn first_byte(&mut self, request: &[u8]) -> io::Result<Duration> {
        self.connect()?;
        let begun = Instant::now();
        let outcome = self.exchange_once(request);
        let first = outcome.as_ref().map_or(Duration::ZERO, |(_, first)| first.duration_since(begun));
        let answer = outcome.map(|(answer, _)| answer);
        self.after(&answer);
        answer.map(|_| first)
    }

    fn after(&mut self, outcome: &io::Result<Answer>) {
        match &outcome {
            Ok(answer) => {
                if answer.header("connection").is_some_and(|word| word.eq_ignore_ascii_case("close")) {
                    self.stream = None;
                }
                self.keep_cookies(answer);
            }
            Err(_) => self.stream = None,
        }
    }

    /// Opens the connection, so that a first request does not pay for it. One that the server has closed meanwhile,
    /// because it was idle, is opened anew.
    pub fn connect(&mut self) -> io::Result<&mut BufReader<TcpStream>> {
        if self.stream.as_ref().is_some_and(|stream| !is_open(stream.get_ref())) {
            self.stream = None;
        }
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            self.stream = Some(BufReader::with_capacity(64 * 1_024, stream));
        }
        Ok(self.stream.as_mut().expect("it was just made"))
    }

    fn exchange_once(&mut self, request: &[u8]) -> io::Result<(Answer, Instant)> {
        let stream = self.connect()?;
        stream.get_mut().write_all(request)?;
        stream.fill_buf()?;
        let first = Instant::now();
        Ok((read_answer(stream)?, first))
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        let set = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        for (_, line) in set {
            let pair = line.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

/// Whether the other end has not closed a connection on which nothing is under way.
fn is_open(stream: &TcpStream) -> bool {
    let mut byte = [0];
    let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut byte));
    let _ = stream.set_nonblocking(false);
    matches!(looked, Err(fault) if fault.kind() == io::ErrorKind::WouldBlock)
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no answer: {line:?}")))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    if answer.header("transfer-encoding").is_some_and(|word| word.eq_ignore_ascii_case("chunked")) {
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            let begin = answer.body.len();
            answer.body.resize(begin + size, 0);
            stream.read_exact(&mut answer.body[begin..])?;
            line.clear();
            stream.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = answer.header("content-length").and_then(|length| length.parse().ok()) {
        answer.body.resize(length, 0);
        stream.read_exact(&mut answer.body)?;
    }
    Ok(answer)
}
