//! What every answer tells the browser, errors included: load nothing from elsewhere, run nothing inline, stand in no
//! frame, keep no copy.

use super::AppState;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

/// The content security policy.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
    object-src 'none'; require-trusted-types-for 'script'; trusted-types backout; report-uri /-/csp-report";

/// Headers that never vary.
pub const ALWAYS: [(&str, &str); 7] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), publickey-credentials-get=(self), \
         publickey-credentials-create=(self)",
    ),
];

/// For a file whose name holds the hash of its content.
pub const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// For pages with a secret in their address.
pub const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// The layer around everything.
pub async fn add(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    dress(response.headers_mut(), app.site.is_https());
    response
}

fn dress(headers: &mut HeaderMap, https: bool) {
    for (name, value) in ALWAYS {
        let stricter = name == "referrer-policy" && headers.get(name) == Some(&NO_REFERRER);
        if !stricter {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    if https {
        let two_years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, two_years);
    }
    // A handler that says nothing means: keep no copy. Streams and hashed files say their own.
    let caching = headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if *caching != IMMUTABLE {
        headers.append(header::VARY, HeaderValue::from_static("Cookie, Sec-Fetch-Site, Origin"));
    }
}

/// The most bytes of a policy report, and the most reports from one address in a minute.
pub const REPORT_BYTES: usize = 8 * 1_024;
const REPORTS_A_MINUTE: u32 = 10;
/// Addresses remembered within a minute; beyond it reports of new addresses are dropped.
const ADDRESSES: usize = 1_000;

/// Counts reports by address and minute. Only noise is at stake, so it lives in memory.
#[derive(Debug, Default)]
pub struct Reports(Mutex<(i64, HashMap<IpAddr, u32>)>);

impl Reports {
    fn admit(&self, address: IpAddr, minute: i64) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen.0 != minute {
            *seen = (minute, HashMap::new());
        }
        if seen.1.len() >= ADDRESSES && !seen.1.contains_key(&address) {
            return false;
        }
        let count = seen.1.entry(address).or_default();
        *count += 1;
        *count <= REPORTS_A_MINUTE
    }
}

/// A browser reports that a page broke the policy. Logged as data, escaped; answered with nothing.
pub async fn policy_report(State(app): State<AppState>, visitor: super::site::Visitor, body: Bytes) -> StatusCode {
    let minute = app.clock.now().0.div_euclid(60_000_000);
    if !app.reports.admit(visitor.0, minute) {
        return StatusCode::TOO_MANY_REQUESTS;
    }
    let text = String::from_utf8_lossy(&body);
    tracing::warn!(report = ?text, "a browser reported a breach of the content security policy");
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_security_is_promised_only_over_https() {
        let mut plain = HeaderMap::new();
        dress(&mut plain, false);
        assert!(!plain.contains_key(header::STRICT_TRANSPORT_SECURITY));
        let mut tls = HeaderMap::new();
        dress(&mut tls, true);
        assert_eq!(tls[header::STRICT_TRANSPORT_SECURITY], "max-age=63072000; includeSubDomains");
    }

    #[test]
    fn nothing_is_kept_unless_it_can_never_change() {
        let mut page = HeaderMap::new();
        dress(&mut page, true);
        assert_eq!(page[header::CACHE_CONTROL], "no-store");
        assert_eq!(page[header::VARY], "Cookie, Sec-Fetch-Site, Origin");
        let mut file = HeaderMap::from_iter([(header::CACHE_CONTROL, IMMUTABLE)]);
        dress(&mut file, true);
        assert_eq!(file[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert!(!file.contains_key(header::VARY));
    }

    #[test]
    fn one_address_gets_ten_reports_a_minute() {
        let (reports, here) = (Reports::default(), IpAddr::from([203, 0, 113, 9]));
        assert_eq!((0..20).filter(|_| reports.admit(here, 7)).count(), 10);
        assert!(reports.admit(IpAddr::from([203, 0, 113, 10]), 7));
        assert!(reports.admit(here, 8));
    }
}
