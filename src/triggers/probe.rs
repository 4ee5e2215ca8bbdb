//! HTTP probes, for teams without a metrics server: one request, one [`Sample`].
//!
//! A probe is deliberately poor: GET, no redirects, no proxy, no credentials, at most 1 MiB of the answer read, one
//! time limit over everything from the name look-up to the last byte. Addresses come from the operator's file alone, never
//! from a page, which is why the machine's own addresses are allowed.
//!
//! [`Probe::measure`] is one shot. Who calls it, and when, is the worker's affair; what the samples mean is
//! [`super::watcher`]'s.

use crate::clock::Clock;
use crate::domain::condition::Sample;
use crate::domain::{Span, time};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, Instant};

/// No more of an answer is read than this, in bytes; the expected text must stand within it.
pub const BODY_CAP: usize = 1 << 20;

/// A probe as the operator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    pub environment: String,
    pub component: String,
    /// `http` or `https`, without user or password.
    pub url: String,
    #[serde(default = "usual_status")]
    pub expect_status: u16,
    /// A text that the answer's body must contain, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_body: Option<String>,
    /// An answer that is not whole by then is none: `"200ms"`, `"5s"`.
    #[serde(with = "time::as_text", default = "usual_pace")]
    pub time_limit: Span,
    /// How often to ask: `"5s"`, `"1m"`.
    #[serde(with = "time::as_text", default = "usual_pace")]
    pub interval: Span,
}

fn usual_status() -> u16 {
    200
}

fn usual_pace() -> Span {
    Span::seconds(5)
}

impl ProbeConfig {
    /// `GET http://127.0.0.1:8080/ every 5 s, good when it answers 200 within 200 ms and contains "ok"`. The address's
    /// query is left out: it may hold a secret, and evidence is kept for years.
    pub fn in_words(&self) -> String {
        let (address, query) = match self.url.split_once(['?', '#']) {
            Some((address, _)) => (address, "?…"),
            None => (self.url.as_str(), ""),
        };
        let (interval, limit, status) = (self.interval.in_words(), self.time_limit.in_words(), self.expect_status);
        let body = self.expect_body.as_ref().map(|text| format!(" and contains \"{text}\"")).unwrap_or_default();
        format!("GET {address}{query} every {interval}, good when it answers {status} within {limit}{body}")
    }

    /// # Errors
    /// The first fault, as [`ProbeFault`].
    fn address(&self) -> Result<reqwest::Url, ProbeFault> {
        let url = reqwest::Url::parse(&self.url).map_err(|fault| ProbeFault::Address(fault.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ProbeFault::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ProbeFault::Credentials);
        }
        if !(100..=599).contains(&self.expect_status) {
            return Err(ProbeFault::Status(self.expect_status));
        }
        if self.time_limit <= Span::ZERO || self.interval <= Span::ZERO {
            return Err(ProbeFault::NoTime);
        }
        // A sample is dated by its end. With a longer limit, one lost answer alone would look like a gap of over
        // three intervals, and a service that hangs would never breach.
        if self.time_limit.0 > self.interval.0.saturating_mul(2) {
            return Err(ProbeFault::LimitTooLong { limit: self.time_limit, interval: self.interval });
        }
        Ok(url)
    }
}

/// Why a probe cannot be made as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeFault {
    Address(String),
    Scheme(String),
    Credentials,
    Status(u16),
    NoTime,
    LimitTooLong {
        limit: Span,
        interval: Span,
    },
    /// No cryptography was installed in this process.
    NoCryptography,
    /// The HTTP client could not be made.
    Client(String),
}

impl fmt::Display for ProbeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProbeFault::Address(what) => {
                write!(f, "url is not an address ({what}); write it whole, as in https://app.example/health")
            }
            ProbeFault::Scheme(scheme) => {
                write!(f, "url begins with {scheme}:, which cannot be probed; use http or https")
            }
            ProbeFault::Credentials => f.write_str("url holds a user or password; take them out, a probe sends none"),
            ProbeFault::Status(status) => {
                write!(f, "expect_status is {status}; an HTTP status lies between 100 and 599")
            }
            ProbeFault::NoTime => f.write_str("time_limit and interval must be longer than zero, as in 5s"),
            ProbeFault::LimitTooLong { limit, interval } => write!(
                f,
                "time_limit is {} and interval {}; a limit may be twice the interval at most, or a service that hangs \
                 would look like missing data",
                limit.written(),
                interval.written()
            ),
            ProbeFault::NoCryptography => {
                f.write_str("no TLS provider is installed in this process; install it first thing in main")
            }
            ProbeFault::Client(what) => write!(f, "the HTTP client could not be made: {what}"),
        }
    }
}

impl std::error::Error for ProbeFault {}

/// The one kind of HTTP client that a probe may use: it follows no redirect and asks no proxy. Clones share
/// connections.
#[derive(Debug, Clone)]
pub struct ProbeClient(reqwest::Client);

impl ProbeClient {
    /// # Errors
    /// [`ProbeFault::NoCryptography`] before the process installed a TLS provider, [`ProbeFault::Client`] otherwise.
    pub fn new() -> Result<ProbeClient, ProbeFault> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(ProbeFault::NoCryptography);
        }
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent("backout-probe")
            .build()
            .map(ProbeClient)
            .map_err(|fault| ProbeFault::Client(innermost(&fault)))
    }
}

/// The longest answer that may be a version name, in bytes.
const VERSION_CAP: usize = 256;

/// Asks a service which version it is. As strict as a probe: no redirect, no proxy, a short limit.
#[derive(Debug, Clone)]
pub struct ReadBackClient(ProbeClient);

impl ReadBackClient {
    pub fn new(client: ProbeClient) -> ReadBackClient {
        ReadBackClient(client)
    }

    /// The answer's trimmed text; `None` when there is none, it is no 200, or it is too long to be a version.
    pub async fn text(&self, url: &str) -> Option<String> {
        let ask = async {
            let mut answer = self.0.0.get(url).send().await.ok()?;
            if answer.status() != reqwest::StatusCode::OK {
                return None;
            }
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.ok()? {
                body.extend_from_slice(&chunk);
                if body.len() > VERSION_CAP {
                    return None;
                }
            }
            String::from_utf8(body).ok().map(|text| text.trim().to_owned())
        };
        tokio::time::timeout(Duration::from_secs(2), ask).await.ok().flatten()
    }
}

/// A probe that can be made.
#[derive(Debug, Clone)]
pub struct Probe {
    config: ProbeConfig,
    url: reqwest::Url,
    limit: Duration,
    client: ProbeClient,
}

/// Why an answer was not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// Not whole within the time limit.
    TooLate(Span),
    /// No answer at all; the network's own words.
    NoAnswer(String),
    Status {
        expected: u16,
        got: u16,
    },
    /// The expected text is not in the body's first MiB.
    Text,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Miss::TooLate(limit) => write!(f, "no whole answer within {}", limit.in_words()),
            Miss::NoAnswer(what) => write!(f, "no answer: {what}"),
            Miss::Status { expected, got } => write!(f, "answered {got} instead of {expected}"),
            Miss::Text => f.write_str("the answer does not contain the expected text"),
        }
    }
}

impl Probe {
    /// # Errors
    /// The first fault of the configuration.
    pub fn new(config: ProbeConfig, client: ProbeClient) -> Result<Probe, ProbeFault> {
        let url = config.address()?;
        let limit = Duration::from_micros(config.time_limit.0.unsigned_abs());
        Ok(Probe { config, url, limit, client })
    }

    pub fn config(&self) -> &ProbeConfig {
        &self.config
    }

    /// Asks once. Returns after the time limit at the latest; never fails: no answer is an answer.
    pub async fn measure(&self, clock: &dyn Clock) -> Sample {
        self.measure_with_cause(clock).await.0
    }

    /// As [`Probe::measure`], with what was wrong.
    pub async fn measure_with_cause(&self, clock: &dyn Clock) -> (Sample, Option<Miss>) {
        // A duration, not an instant: the calendar clock may be set while an answer is under way, this one may not.
        let begun = Instant::now();
        let outcome = match tokio::time::timeout(self.limit, self.ask()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Miss::TooLate(self.config.time_limit)),
        };
        let taken = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        let micros = match &outcome {
            Ok(()) | Err(Miss::Status { .. } | Miss::Text) => taken.min(self.config.time_limit.0),
            Err(Miss::TooLate(_) | Miss::NoAnswer(_)) => self.config.time_limit.0,
        };
        (Sample { at: clock.now(), ok: outcome.is_ok(), micros }, outcome.err())
    }

    async fn ask(&self) -> Result<(), Miss> {
        let no_answer = |fault: reqwest::Error| Miss::NoAnswer(innermost(&fault));
        let mut answer = self.client.0.get(self.url.clone()).send().await.map_err(no_answer)?;
        let got = answer.status().as_u16();
        let mut body = Vec::new();
        // Read to the end, also when the status is wrong: the time is that of the whole answer, and a connection whose
        // answer was read is used again.
        while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
            let room = BODY_CAP - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == BODY_CAP {
                break;
            }
        }
        let expected = self.config.expect_status;
        if got != expected {
            return Err(Miss::Status { expected, got });
        }
        match &self.config.expect_body {
            Some(text) if !contains(&body, text.as_bytes()) => Err(Miss::Text),
            _ => Ok(()),
        }
    }
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

/// The last cause in a chain of errors: "connection refused" rather than "error sending request". Holds no address.
fn innermost(fault: &dyn std::error::Error) -> String {
    let mut cause = fault;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> ProbeConfig {
        ProbeConfig {
            environment: "production".into(),
            component: "app".into(),
            url: url.into(),
            expect_status: 200,
            expect_body: None,
            time_limit: Span::seconds(5),
            interval: Span::seconds(5),
        }
    }

    #[test]
    fn a_probe_reads_as_the_operator_writes_it() {
        let text = r#"{"environment":"production","component":"app","url":"https://app.example/",
                       "expect_body":"ok","time_limit":"200ms","interval":"1m"}"#;
        let read: ProbeConfig = serde_json::from_str(text).unwrap();
        let expected = ProbeConfig {
            expect_body: Some("ok".into()),
            time_limit: Span::millis(200),
            interval: Span::minutes(1),
            ..config("https://app.example/")
        };
        assert_eq!(read, expected);
        assert_eq!(serde_json::from_value::<ProbeConfig>(serde_json::to_value(&read).unwrap()).unwrap(), read);
        let misspelt = text.replace("time_limit", "timelimit");
        assert!(serde_json::from_str::<ProbeConfig>(&misspelt).unwrap_err().to_string().contains("timelimit"));
        let bare = text.replace("200ms", "200");
        assert!(serde_json::from_str::<ProbeConfig>(&bare).unwrap_err().to_string().contains("the unit is missing"));
    }

    #[test]
    fn an_address_that_is_no_plain_web_address_is_refused() {
        let fault = |url: &str| config(url).address().expect_err(url);
        assert_eq!(fault("file:///etc/passwd"), ProbeFault::Scheme("file".into()));
        assert_eq!(fault("gopher://127.0.0.1:70/"), ProbeFault::Scheme("gopher".into()));
        assert_eq!(fault("http://someone@127.0.0.1/"), ProbeFault::Credentials);
        assert_eq!(fault("http://someone:secret@127.0.0.1/"), ProbeFault::Credentials);
        assert_eq!(fault("http://:secret@127.0.0.1/"), ProbeFault::Credentials);
        assert!(matches!(fault("/health"), ProbeFault::Address(_)));
        assert!(matches!(fault("http://"), ProbeFault::Address(_)));
        assert!(config("http://127.0.0.1:8080/").address().is_ok(), "the operator may name this machine");
    }

    #[test]
    fn numbers_that_cannot_work_are_refused() {
        let good = config("http://127.0.0.1/");
        let fault = |config: ProbeConfig| config.address().unwrap_err();
        assert_eq!(fault(ProbeConfig { expect_status: 99, ..good.clone() }), ProbeFault::Status(99));
        assert_eq!(fault(ProbeConfig { time_limit: Span::ZERO, ..good.clone() }), ProbeFault::NoTime);
        assert_eq!(fault(ProbeConfig { interval: Span::ZERO, ..good.clone() }), ProbeFault::NoTime);
        assert!(ProbeConfig { time_limit: Span::seconds(10), ..good.clone() }.address().is_ok());
        let too_long = fault(ProbeConfig { time_limit: Span::millis(10_001), ..good });
        assert!(too_long.to_string().starts_with("time_limit is 10s1ms and interval 5s;"), "{too_long}");
    }

    #[test]
    fn the_words_of_a_probe_hold_no_secret_of_its_address() {
        let words = config("https://app.example/health?key=hush#part").in_words();
        assert_eq!(words, "GET https://app.example/health?… every 5\u{a0}s, good when it answers 200 within 5\u{a0}s");
    }
}
