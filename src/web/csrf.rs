//! A page of another site must not be able to act as the person whose browser shows it.
//!
//! Browsers say where a request comes from. For every method that may change something, in this order: 1. with
//! `Sec-Fetch-Site`, only `same-origin` passes; 2. without it, `Origin` must be the public origin; 3. with neither,
//! the request is refused. Then the body must be of a kind that this program's own forms send. The check leaves a
//! [`FromOwnPage`] behind, without which no form can be read.

use super::AppState;
use super::error::WebError;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

/// Proof that a request came from a page of this site. Only the check makes one.
#[derive(Debug, Clone, Copy)]
pub struct FromOwnPage(());

/// The layer around every page.
pub async fn check(State(app): State<AppState>, mut request: Request, next: Next) -> Result<Response, WebError> {
    judge(request.method(), request.headers(), &app.site.origin()).map_err(WebError::from)?;
    request.extensions_mut().insert(FromOwnPage(()));
    Ok(next.run(request).await)
}

/// Why a request was turned away at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    Method,
    Origin,
    BodyKind,
}

impl From<Foreign> for WebError {
    fn from(foreign: Foreign) -> WebError {
        match foreign {
            Foreign::Method => WebError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not do that",
                "Pages are read with GET and forms are sent with POST.",
            ),
            Foreign::Origin => WebError::new(
                StatusCode::FORBIDDEN,
                "This did not come from a page of Backout",
                "Nothing was changed. Open the page here and send the form from it.",
            ),
            Foreign::BodyKind => WebError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "This is not what a form sends",
                "Nothing was changed. Send the form from its page.",
            ),
        }
    }
}

fn judge(method: &Method, headers: &HeaderMap, public_origin: &str) -> Result<(), Foreign> {
    match *method {
        Method::GET | Method::HEAD => return Ok(()),
        Method::POST => {}
        _ => return Err(Foreign::Method),
    }
    let only = |name: &str| {
        let mut all = headers.get_all(name).iter();
        let first = all.next().map(|value| value.as_bytes());
        // Said twice is not said: it counts as something that matches nothing.
        if all.next().is_some() { Some(&b""[..]) } else { first }
    };
    let own = match (only("sec-fetch-site"), only("origin")) {
        (Some(site), _) => site == b"same-origin",
        (None, Some(origin)) => origin == public_origin.as_bytes(),
        (None, None) => false,
    };
    if !own {
        return Err(Foreign::Origin);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let known =
        ["application/x-www-form-urlencoded", "multipart/form-data"].iter().any(|k| kind.eq_ignore_ascii_case(k));
    if !known || headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Foreign::BodyKind);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://backout.example";

    fn post(site: Option<&str>, origin: Option<&str>) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        if let Some(site) = site {
            headers.insert("sec-fetch-site", site.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        judge(&Method::POST, &headers, OWN)
    }

    #[test]
    fn only_the_own_origin_may_post_whatever_the_two_headers_say_together() {
        let sites =
            [None, Some("same-origin"), Some("same-site"), Some("cross-site"), Some("none"), Some("Same-Origin")];
        let origins = [
            None,
            Some(OWN),
            Some("https://other.example"),
            Some("https://status.backout.example"),
            Some("http://backout.example"),
            Some("https://backout.example:8443"),
            Some("https://backout.example.evil.example"),
            Some("null"),
            Some(""),
        ];
        for site in sites {
            for origin in origins {
                let passes = match site {
                    Some(site) => site == "same-origin",
                    None => origin == Some(OWN),
                };
                assert_eq!(post(site, origin).is_ok(), passes, "{site:?} {origin:?}");
            }
        }
    }

    #[test]
    fn a_header_said_twice_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        headers.append("sec-fetch-site", "same-origin".parse().unwrap());
        headers.append("sec-fetch-site", "cross-site".parse().unwrap());
        assert_eq!(judge(&Method::POST, &headers, OWN), Err(Foreign::Origin));
    }

    #[test]
    fn reading_is_free_and_other_methods_do_not_exist() {
        let none = HeaderMap::new();
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(judge(&method, &none, OWN), Ok(()));
        }
        let methods = [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE, Method::CONNECT];
        for method in methods {
            assert_eq!(judge(&method, &none, OWN), Err(Foreign::Method), "{method}");
        }
    }

    #[test]
    fn only_what_forms_send_is_read() {
        let judge_kind = |kind: Option<&str>, encoding: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
            if let Some(kind) = kind {
                headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            }
            if let Some(encoding) = encoding {
                headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
            }
            judge(&Method::POST, &headers, OWN)
        };
        for kind in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            "multipart/form-data; boundary=x",
        ] {
            assert_eq!(judge_kind(Some(kind), None), Ok(()), "{kind}");
        }
        for kind in [None, Some("text/plain"), Some("application/json"), Some("text/html"), Some("")] {
            assert_eq!(judge_kind(kind, None), Err(Foreign::BodyKind), "{kind:?}");
        }
        assert_eq!(judge_kind(Some("application/x-www-form-urlencoded"), Some("gzip")), Err(Foreign::BodyKind));
    }
}
