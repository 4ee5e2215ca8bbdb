//! What every request passes, outermost first: a number, a line in the log, the headers, the one error page, the check
//! of the address, a limit of time, and a net for panics.

use super::AppState;
use super::error::WebError;
use super::site::Visitor;
use crate::clock;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tracing::Instrument;

/// The most bytes of a body, unless a route says otherwise.
pub const BODY_BYTES: usize = 64 * 1_024;
/// The most bytes of an address with its query.
pub const ADDRESS_BYTES: usize = 4 * 1_024;
/// How long a handler may take to answer; a stream's body is not counted.
pub const HANDLER_TIME: Duration = Duration::from_secs(15);

/// The other end of the connection, as the listener saw it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The number under which a request is found in the log. Always our own: what a client sends is ignored.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Numbers the request, finds out who visits, and logs one line: method, path template, status; no query, no body, no
/// cookie, no identifier from the path.
pub async fn number_and_log(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = clock::fresh_id();
    let visitor = visitor(&app, &request);
    let template = request.extensions().get::<MatchedPath>().map_or("(none)", |path| path.as_str()).to_owned();
    let span = tracing::info_span!("request", id, method = %request.method(), path = template.as_str());
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(visitor);
    let begun = app.clock.now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let millis = (app.clock.now() - begun).as_millis();
    let status = response.status().as_u16().to_string();
    metrics::counter!("backout_http_requests_total", "path" => template, "status" => status).increment(1);
    span.in_scope(|| tracing::info!(status = response.status().as_u16(), millis, visitor = %visitor.0, "answered"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

fn visitor(app: &AppState, request: &Request) -> Visitor {
    let Some(Peer(peer)) = request.extensions().get::<Peer>() else { return Visitor::default() };
    let forwarded: Vec<&str> =
        request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    Visitor(app.site.visitor(peer.ip(), &forwarded))
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visitor, Infallible> {
        Ok(parts.extensions.get::<Visitor>().copied().unwrap_or_default())
    }
}

/// Refuses a request for another host, and one whose address is absurdly long.
pub async fn check_address(State(app): State<AppState>, request: Request, next: Next) -> Result<Response, WebError> {
    judge_address(request.uri(), request.headers(), &app.site.authority())?;
    Ok(next.run(request).await)
}

fn judge_address(uri: &Uri, headers: &HeaderMap, own: &str) -> Result<(), WebError> {
    let length = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if length > ADDRESS_BYTES {
        return Err(WebError::new(
            StatusCode::URI_TOO_LONG,
            "This address is too long",
            "Go back and shorten what was typed.",
        ));
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().map(HeaderValue::as_bytes);
    let said_once = hosts.next().is_none();
    let from_header = said_once && host.is_some_and(|host| host.eq_ignore_ascii_case(own.as_bytes()));
    let from_target = uri.authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(own));
    if from_header && from_target {
        return Ok(());
    }
    Err(WebError::new(
        StatusCode::MISDIRECTED_REQUEST,
        "This is not the address of Backout",
        "The server answers only under its configured public address. Open that.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_host_is_answered() {
        let judge = |hosts: &[&str], uri: &str| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, host.parse().unwrap());
            }
            judge_address(&uri.parse().unwrap(), &headers, "backout.example").map_err(|error| error.status)
        };
        assert_eq!(judge(&["backout.example"], "/"), Ok(()));
        assert_eq!(judge(&["Backout.Example"], "https://backout.example/"), Ok(()));
        let misdirected = Err(StatusCode::MISDIRECTED_REQUEST);
        for hosts in [
            &[][..],
            &["evil.example"],
            &["backout.example.evil.example"],
            &["backout.example:8443"],
            &["backout.example", "evil.example"],
        ] {
            assert_eq!(judge(hosts, "/"), misdirected, "{hosts:?}");
        }
        assert_eq!(judge(&["backout.example"], "https://evil.example/"), misdirected);
        let long = format!("/{}", "a".repeat(ADDRESS_BYTES));
        assert_eq!(judge(&["backout.example"], &long), Err(StatusCode::URI_TOO_LONG));
    }
}
