//! One page for everything that went wrong: what, that nothing half-done was stored, a number to quote, a way out.
//!
//! A handler returns a [`WebError`]; the layer [`dress`] turns it into the page, or into a JSON problem for `/api`. The
//! same layer catches what the libraries answer by themselves (no such address, body too large), so that a visitor
//! never sees a bare sentence of somebody else's. The cause goes to the log once, with the number; never to the page.

use super::AppState;
use super::layers::RequestId;
use super::layout::Layout;
use crate::access::password::Busy;
use crate::domain::{Span, Timestamp};
use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use std::any::Any;

/// What a visitor is told when a request does not end in its page.
#[derive(Debug, Clone)]
pub struct WebError {
    pub status: StatusCode,
    /// What happened, as a heading.
    pub title: String,
    /// What state things are in, and what can be done.
    pub detail: String,
    /// The way out: words and path.
    pub way_out: Box<(String, String)>,
    /// Seconds after which another try makes sense.
    pub retry_after: Option<i64>,
    redirect: Option<String>,
}

impl WebError {
    pub fn new(status: StatusCode, title: &str, detail: &str) -> WebError {
        let way_out = Box::new(("Go to what is happening now".to_owned(), "/".to_owned()));
        WebError {
            status,
            title: title.to_owned(),
            detail: detail.to_owned(),
            way_out,
            retry_after: None,
            redirect: None,
        }
    }

    /// The same with another way out.
    pub fn with_way_out(mut self, words: &str, path: &str) -> WebError {
        self.way_out = Box::new((words.to_owned(), path.to_owned()));
        self
    }

    /// Missing and forbidden things look the same.
    pub fn not_found() -> WebError {
        WebError::new(
            StatusCode::NOT_FOUND,
            "There is nothing here",
            "The address is wrong, or what it names is not for you to see.",
        )
    }

    /// `why` names the role that may, in a whole sentence.
    pub fn forbidden(why: &str) -> WebError {
        WebError::new(StatusCode::FORBIDDEN, "This is not yours to do", why)
    }

    /// Someone who is not signed in asked for a page: sign in, then come back.
    pub fn sign_in_and_return(path: &str) -> WebError {
        let next = super::next::Next::from_typed(path);
        let to = if next.as_str() == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={}", next.encoded()) };
        WebError { redirect: Some(to), ..WebError::sign_in_first() }
    }

    /// Someone who is not signed in sent a form.
    pub fn sign_in_first() -> WebError {
        WebError::new(
            StatusCode::UNAUTHORIZED,
            "Sign in first",
            "You are not signed in, or your session has ended. Nothing was changed.",
        )
        .with_way_out("Sign in", "/sign-in")
    }

    /// Too fast; `until` says when the next try is looked at.
    pub fn too_many(until: Timestamp, now: Timestamp) -> WebError {
        let seconds = ((until - now).0 + 999_999).div_euclid(1_000_000).max(1);
        let wait = Span::seconds(seconds);
        let detail = format!("Wait {wait} (minutes and seconds) before the next try. It is not looked at before.");
        let error = WebError::new(StatusCode::TOO_MANY_REQUESTS, "Too many tries", &detail);
        WebError { retry_after: Some(seconds), ..error }
    }

    /// A fault of ours. `cause` goes to the log and nowhere else.
    pub fn internal(cause: &dyn std::fmt::Display) -> WebError {
        tracing::error!(%cause, "a request failed");
        WebError::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Words for a status that something else answered with.
    fn of_status(status: StatusCode) -> WebError {
        match status {
            StatusCode::NOT_FOUND => WebError::not_found(),
            StatusCode::UNAUTHORIZED => WebError::sign_in_first(),
            StatusCode::METHOD_NOT_ALLOWED => {
                WebError::new(status, "This address does not do that", "Open the page and use the form on it.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => WebError::new(
                status,
                "That is too much at once",
                "Nothing was stored. Shorten the text and send it again.",
            ),
            StatusCode::TOO_MANY_REQUESTS => WebError::new(status, "Too many requests", "Wait a minute and try again."),
            StatusCode::SERVICE_UNAVAILABLE => WebError::new(
                status,
                "This took too long",
                "It was stopped after 15 seconds. Open the page again to see whether it took effect before you repeat it.",
            ),
            status if status.is_server_error() => WebError::new(
                status,
                "Something went wrong on our side",
                "It was logged under the number below. Open the page again to see what took effect before you repeat it.",
            ),
            status => WebError::new(
                status,
                "This request could not be understood",
                "Nothing was changed. Go back and send the form from its page.",
            ),
        }
    }
}

impl From<Busy> for WebError {
    fn from(busy: Busy) -> WebError {
        let error = WebError::new(StatusCode::SERVICE_UNAVAILABLE, "Very busy right now", &busy.to_string());
        WebError { retry_after: Some(1), ..error.with_way_out("Try again", "/sign-in") }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        if let Some(to) = &self.redirect {
            return Redirect::to(to).into_response();
        }
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// What is answered when a handler panics.
pub fn after_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let cause = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    metrics::counter!("backout_panics_total").increment(1);
    WebError::internal(&cause).into_response()
}

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    layout: Layout,
    error: &'a WebError,
    request: &'a str,
}

impl Page<'_> {
    /// Red is for what failed; waiting is amber; what is only not there or not yours is no alarm.
    fn class(&self) -> &'static str {
        match self.error.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => "banner-warn",
            status if status.is_server_error() => "banner-crit",
            _ => "",
        }
    }

    fn icon(&self) -> &'static str {
        match self.error.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "lock",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "waiting",
            StatusCode::NOT_FOUND => "search",
            status if status.is_server_error() => "failed",
            _ => "attention",
        }
    }
}

/// The layer that gives every error its page.
pub async fn dress(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let machine = request.uri().path().starts_with("/api/");
    let number = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let mut response = next.run(request).await;
    let error = match response.extensions_mut().remove::<WebError>() {
        Some(error) => error,
        None if needs_page(&response) => WebError::of_status(response.status()),
        None => return response,
    };
    let (mut parts, _) = response.into_parts();
    for stale in [header::CONTENT_LENGTH, header::CONTENT_TYPE] {
        parts.headers.remove(stale);
    }
    parts.status = error.status;
    let (kind, text) = if machine {
        let problem = serde_json::json!({
            "type": "about:blank", "status": error.status.as_u16(), "title": error.title, "detail": error.detail,
            "request": number,
        });
        ("application/problem+json", problem.to_string())
    } else {
        let layout = Layout::outside(&error.title, app.clock.now());
        let page = Page { layout, error: &error, request: &number };
        ("text/html; charset=utf-8", page.render().unwrap_or_else(|_| error.title.clone()))
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Response::from_parts(parts, Body::from(text))
}

/// Whether an error was answered without a page or a problem of its own.
fn needs_page(response: &Response) -> bool {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return false;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    !(kind.starts_with("text/html") || kind.contains("json"))
}

/// A page from a template. A fault in rendering is ours.
pub fn page(template: &impl Template) -> Result<Html<String>, WebError> {
    template.render().map(Html).map_err(|fault| WebError::internal(&fault))
}
