//! Problem details after RFC 9457. `type` is stable: programs may tell problems apart by it, and by nothing else.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Everything that can go wrong here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// No token, or none that is good for this.
    Token,
    /// The thing named does not exist. A whole sentence.
    Unknown(String),
    /// The answer cannot be known now, and a guess would be worse than none. A whole sentence.
    NotKnown(String),
}

impl Problem {
    const fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Problem::Token => (StatusCode::UNAUTHORIZED, "urn:backout:problem:token", "A valid token is needed"),
            Problem::Unknown(_) => (StatusCode::NOT_FOUND, "urn:backout:problem:unknown", "There is no such thing"),
            Problem::NotKnown(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "urn:backout:problem:not-known", "The answer is not known now")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, kind, title) = self.parts();
        let detail = match &self {
            Problem::Token => "Send a living token with the scope read as: Authorization: Bearer bko_…",
            Problem::Unknown(detail) | Problem::NotKnown(detail) => detail,
        };
        let body = serde_json::json!({ "type": kind, "title": title, "status": status.as_u16(), "detail": detail });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            Problem::Token => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"backout\""));
            }
            Problem::NotKnown(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Problem::Unknown(_) => {}
        }
        response
    }
}

/// A fault of the store: the cause goes to the log and nowhere else.
impl From<crate::store::StoreError> for Problem {
    fn from(fault: crate::store::StoreError) -> Problem {
        tracing::error!(%fault, "a machine's request failed");
        Problem::NotKnown("The database did not answer. Ask again.".to_owned())
    }
}
