//! The browser harness itself, against a page small enough to know everything about.

use crate::support::browser::{Browser, Look};
use crate::support::folder::processes_within;
use crate::support::html::faults_in_html;
use axum::extract::Form;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Router, serve};
use serde::Deserialize;
use serde_json::json;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Harness</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
<script src="/script.js" defer></script>
</head>
<body>
<main>
<h1>A small page</h1>
<p id="script">Scripts are off</p>
<p id="late"></p>
<form method="post" action="/"><label>Name <input name="name" value="nobody"></label> <button>Greet</button></form>
</main>
</body>
</html>"#;

const STYLE: &str = "body { background: #fff; color: #111 } button { min-height: 32px }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }";

const SCRIPT: &str = "document.getElementById('script').textContent = 'Scripts are on';
fetch('/later').then(answer => answer.text()).then(text => { document.getElementById('late').textContent = text });";

const BAD_PAGE: &str = r#"<!DOCTYPE html><html><head><title>Bad</title><link rel="icon" href="/icon.svg"></head>
<body><img src="/icon.svg"><script src="/noise.js"></script></body></html>"#;

#[derive(Deserialize)]
struct Greeting {
    name: String,
}

/// Serves the pages on a free port as long as the test runs; a strict content security policy, as ours.
async fn pages() -> String {
    async fn typed(kind: &'static str, text: &'static str) -> impl IntoResponse {
        ([(CONTENT_TYPE, kind)], text)
    }
    async fn front() -> impl IntoResponse {
        ([(CONTENT_SECURITY_POLICY, "default-src 'self'")], Html(PAGE))
    }
    async fn greet(Form(greeting): Form<Greeting>) -> Html<String> {
        Html(format!("<!DOCTYPE html><html lang=en><title>Greeted</title><h1>Hello, {}</h1>", greeting.name))
    }
    let routes = Router::new()
        .route("/", get(front).post(greet))
        .route("/bad", get(|| async { Html(BAD_PAGE) }))
        .route("/later", get(|| async { "It came later" }))
        .route("/style.css", get(|| typed("text/css", STYLE)))
        .route("/script.js", get(|| typed("text/javascript", SCRIPT)))
        .route("/noise.js", get(|| typed("text/javascript", "console.error('a planted fault')")))
        .route("/icon.svg", get(|| typed("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>")));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { serve(listener, routes).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_good_page_has_a_clean_console_and_passes_axe() {
    let (server, browser) = (pages().await, Browser::start().await);
    let page = browser.open(Look::desktop()).await;
    page.visit(&server).await;
    page.shows("Scripts are on").await;
    page.shows("It came later").await;
    page.passes_axe().await;
    page.has_a_clean_console().await;
}

#[tokio::test]
async fn a_bad_page_is_told_by_the_console_and_by_axe() {
    let (server, browser) = (pages().await, Browser::start().await);
    let page = browser.open(Look::desktop()).await;
    page.visit(&format!("{server}/bad")).await;
    let console = page.console().await;
    assert!(console.len() == 1 && console[0].contains("a planted fault"), "{console:?}");
    let rules: Vec<String> = page.axe().await.into_iter().map(|violation| violation.rule).collect();
    assert!(rules.contains(&"image-alt".to_owned()) && rules.contains(&"html-has-lang".to_owned()), "{rules:?}");
}

#[tokio::test]
async fn a_form_is_sent_without_javascript() {
    let (server, browser) = (pages().await, Browser::start().await);
    let page = browser.open(Look::phone().without_javascript()).await;
    page.visit(&server).await;
    assert_eq!(page.words("#script").await, "Scripts are off");
    page.fill("input[name=name]", "Ada").await;
    page.click("button").await;
    page.shows("Hello, Ada").await;
    page.visit(&server).await;
    assert_eq!(page.words("#script").await, "Scripts are off", "scripts stay off on the next page");
}

#[tokio::test]
async fn a_page_is_seen_in_the_size_and_scheme_that_was_asked_for() {
    let (server, browser) = (pages().await, Browser::start().await);
    let sights = [
        (Look::desktop(), json!([1440, false, "rgb(255, 255, 255)"])),
        (Look::desktop().dark(), json!([1440, false, "rgb(17, 17, 17)"])),
        (Look::phone().dark(), json!([390, true, "rgb(17, 17, 17)"])),
        (Look::phone().wide(320), json!([320, true, "rgb(255, 255, 255)"])),
    ];
    for (look, expected) in sights {
        let page = browser.open(look).await;
        page.visit(&server).await;
        let seen =
            "[innerWidth, matchMedia('(pointer: coarse)').matches, getComputedStyle(document.body).backgroundColor]";
        assert_eq!(page.value_of(seen).await, expected, "{look:?}");
        page.close().await;
    }
}

#[tokio::test]
async fn the_viewers_wishes_reach_the_page() {
    let browser = Browser::start().await;
    let wishes =
        "['(prefers-reduced-motion: reduce)', '(forced-colors: active)'].map(wish => matchMedia(wish).matches)";
    let sights = [
        (Look::phone(), json!([false, false])),
        (Look::phone().calm(), json!([true, false])),
        (Look::phone().forced_colours(), json!([false, true])),
    ];
    for (look, expected) in sights {
        let page = browser.open(look).await;
        assert_eq!(page.value_of(wishes).await, expected, "{look:?}");
        page.close().await;
    }
}

#[tokio::test]
async fn a_picture_is_a_png_of_the_page() {
    let (server, browser) = (pages().await, Browser::start().await);
    let page = browser.open(Look::phone()).await;
    page.visit(&server).await;
    let picture = page.picture("harness-phone").await;
    assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn two_pages_share_no_cookies() {
    let (server, browser) = (pages().await, Browser::start().await);
    let (one, other) = (browser.open(Look::desktop()).await, browser.open(Look::desktop()).await);
    one.visit(&server).await;
    other.visit(&server).await;
    assert_eq!(one.value_of("document.cookie = 'who=one', document.cookie").await, json!("who=one"));
    assert_eq!(other.value_of("document.cookie").await, json!(""));
}

#[tokio::test]
async fn nothing_is_left_running_when_a_browser_is_dropped() {
    let browser = Browser::start().await;
    let page = browser.open(Look::desktop()).await;
    let folder = browser.folder().to_owned();
    let living = processes_within(&folder).len();
    assert!(living > 3, "a driver and a Chromium are several processes, found {living}");
    drop(page);
    drop(browser);
    assert!(processes_within(&folder).is_empty());
    assert!(!folder.exists());
}

#[test]
fn the_html_checker_passes_a_valid_page_and_names_the_faults_of_another() {
    let faults = faults_in_html(&[("good", PAGE), ("bad", BAD_PAGE)]);
    assert!(faults.iter().any(|fault| fault.starts_with("bad.html") && fault.contains("alt")), "{faults:?}");
    assert!(!faults.iter().any(|fault| fault.starts_with("good.html")), "{faults:?}");
}
