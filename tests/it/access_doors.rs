//! Every route, as nobody and as each role; and what stands before every route.

use super::access_harness::*;
use axum::http::{Method, StatusCode, header};
use backout::access::capability::{Capability, Standing};
use backout::domain::{Role, Span};
use backout::web::headers::ALWAYS;
use backout::web::routes::{Route, table};

/// A path of the route with ids that belong to nobody.
fn visit(route: &Route) -> String {
    route
        .path
        .split('/')
        .map(|part| if part.starts_with('{') { "none-such" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn every_route_opens_to_those_its_line_names_and_to_nobody_else() {
    let world = World::new().await;
    for role in Role::ALL {
        world.person(role.key(), &[role]).await;
    }
    world.person("nothing", &[]).await;
    for route in table() {
        // Nobody sends this many forms in a minute.
        world.clock.turn(Span::minutes(1));
        let (path, capability) = (visit(&route), route.capability);
        let mut visitors = vec![("nobody", None, false)];
        for role in Role::ALL {
            visitors.push((role.key(), Some(vec![role]), false));
            visitors.push((role.key(), Some(vec![role]), true));
        }
        visitors.push(("nothing", Some(vec![]), false));
        for (login, roles, fresh) in visitors {
            let mut browser = match (&roles, fresh) {
                (None, _) => world.browser(),
                (Some(_), false) => world.signed_in(login).await,
                (Some(_), true) => world.confirmed(login).await,
            };
            let standing = |fresh| roles.as_ref().map(|roles| Standing { roles, fresh });
            let open = capability.open_to(standing(fresh)).is_ok();
            // A form is looked at before the password is asked for: what would be refused is refused at once. That this
            // was the rehearsal, and not the handler itself, is shown beside the table, in `web::routes`.
            let stale = !open && capability.open_to(standing(true)).is_ok();
            let before = (world.app.store.people().await.unwrap(), world.app.store.tokens().await.unwrap());
            let answer = browser.send(route.method.clone(), &path, "").await;
            let status = answer.status;
            let what = format!("{} {path} as {login}, fresh {fresh}: {status}", route.method);
            // A machine's route asks for its own token behind the door.
            let machine = capability == Capability::Machine;
            let turned_away = (stale && status.is_client_error())
                || (!machine && [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status))
                || (status == StatusCode::SEE_OTHER
                    && (answer.location().starts_with("/sign-in?")
                        || answer.location() == "/sign-in" && path != "/sign-out"
                        || answer.location().starts_with("/re-authenticate")));
            assert!(!status.is_server_error(), "{what}");
            assert_eq!(!turned_away, open, "{what} {}", answer.location());
            if !open {
                let after = (world.app.store.people().await.unwrap(), world.app.store.tokens().await.unwrap());
                assert_eq!(after, before, "{what} changed something");
            }
        }
    }
}

#[tokio::test]
async fn what_changes_something_cannot_be_reached_by_a_link() {
    let world = World::new().await;
    world.person("root", &[Role::Administrator]).await;
    let mut browser = world.confirmed("root").await;
    let lines = table();
    for route in lines.iter().filter(|route| route.method == Method::POST) {
        let also_read = lines.iter().any(|other| other.path == route.path && other.method == Method::GET);
        for method in [Method::GET, Method::HEAD] {
            let answer = browser.send(method.clone(), &visit(route), "").await;
            if !also_read {
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {}", route.path);
            }
        }
    }
    let (before, people) = (world.kinds().await, world.app.store.people().await.unwrap());
    for route in lines.iter().filter(|route| route.method == Method::GET) {
        browser.get(&visit(route)).await;
        browser.get(&format!("{}?error=Call+555", visit(route))).await;
    }
    assert_eq!(world.kinds().await, before, "reading wrote something");
    assert_eq!(world.app.store.people().await.unwrap(), people);
    assert!(!browser.get("/sign-in?error=Call+555&msg=Call+555").await.body.contains("Call"));
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let world = World::new().await;
    world.person("ada", &[Role::Support]).await;
    let sites = ["", "same-origin", "same-site", "cross-site", "none"];
    let origins = ["", "https://backout.example", "https://other.example", "https://status.backout.example", "null"];
    for site in sites {
        for origin in origins {
            let mut browser = world.signed_in("ada").await;
            let mut foreign = browser.clone().with("sec-fetch-site", site).with("origin", origin);
            let own = site == "same-origin" || (site.is_empty() && origin == "https://backout.example");
            let status = foreign.post("/sign-out", &[]).await.status;
            let expected = if own { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
            assert_eq!(status, expected, "{site:?} {origin:?}");
            assert_eq!(browser.is_in().await, !own, "{site:?} {origin:?}");
        }
    }
    let mut plain = world.signed_in("ada").await.with("content-type", "text/plain");
    assert_eq!(plain.post("/sign-out", &[]).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mut json = world.signed_in("ada").await.with("content-type", "application/json");
    assert_eq!(json.post("/sign-out", &[]).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn every_answer_carries_the_headers_errors_too() {
    let world = World::new().await;
    world.person("ada", &[Role::Support]).await;
    let mut inside = world.signed_in("ada").await;
    let mut foreign = world.browser().with("host", "evil.example");
    let css = backout::web::assets::path("app.css");
    let answers = [
        inside.get("/").await,
        inside.get("/account").await,
        inside.get("/nowhere").await,
        inside.get("/people/x").await,
        inside.send(Method::PUT, "/account", "").await,
        world.browser().get("/sign-in").await,
        world.browser().get("/").await,
        world.browser().get("/static/none.css").await,
        world.browser().get(css).await,
        foreign.get("/").await,
    ];
    for answer in &answers {
        for (name, value) in ALWAYS {
            assert_eq!(answer.headers.get(name).map(|v| v.to_str().unwrap()), Some(value), "{}", answer.status);
        }
        assert_eq!(answer.headers["strict-transport-security"], "max-age=63072000; includeSubDomains");
        assert!(answer.headers.contains_key("x-request-id"));
        assert!(!answer.headers.contains_key("server"));
    }
    let (file, pages): (Vec<_>, Vec<_>) =
        answers.iter().partition(|a| a.headers[header::CACHE_CONTROL] == "public, max-age=31536000, immutable");
    assert_eq!(file.len(), 1, "only the hashed file may be kept");
    for answer in pages {
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        let vary: Vec<&str> = answer.headers.get_all(header::VARY).iter().map(|v| v.to_str().unwrap()).collect();
        assert!(vary.join(", ").contains("Cookie, Sec-Fetch-Site, Origin"), "{vary:?}");
    }
}

#[tokio::test]
async fn no_page_holds_inline_style_or_script_and_each_has_one_heading() {
    let world = World::new().await;
    world.person("root", &[Role::Administrator]).await;
    let id = world.person("ada", &[Role::Support]).await;
    let mut browser = world.confirmed("root").await;
    let mut pages = vec![world.browser().get("/sign-in").await, browser.get("/nowhere").await];
    for path in ["/", "/account", "/people", "/re-authenticate?next=/people"] {
        pages.push(browser.get(path).await);
    }
    pages.push(browser.get(&format!("/people/{id}")).await);
    pages.push(browser.post(&format!("/people/{id}/link"), &[]).await);
    pages.push(browser.post("/people", &[("name", ""), ("login", "")]).await);
    for page in pages {
        let body = &page.body;
        assert_eq!(body.matches("<h1").count(), 1, "{body}");
        for no in [" style=", "<style", "<script>", " onclick", " onload", "javascript:", "http://", "|safe"] {
            assert!(!body.contains(no), "{no} in {body}");
        }
        assert!(body.contains("<html lang=\"en\">") && body.contains("class=\"skip\""));
    }
}

#[tokio::test]
async fn other_hosts_and_absurd_requests_are_turned_away_plainly() {
    let world = World::new().await;
    for host in ["evil.example", "backout.example:8443", "127.0.0.1", "backout.example.evil.example"] {
        let answer = world.browser().with("host", host).get("/sign-in").await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(!answer.body.contains(host), "{host} is echoed");
    }
    let long = format!("/sign-in?next={}", "a".repeat(5_000));
    assert_eq!(world.browser().get(&long).await.status, StatusCode::URI_TOO_LONG);
    let huge = encoded(&[("login", &"a".repeat(70_000)), ("password", "x"), ("next", "")]);
    let answer = world.browser().send(Method::POST, "/sign-in", &huge).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.contains("<h1>"), "an error has its page");
    let mut packed = world.browser().with("content-encoding", "gzip");
    assert_eq!(packed.sign_in("ada", "x").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_panic_becomes_the_error_page_without_its_cause() {
    async fn broken() {
        panic!("the secret cause");
    }
    let world = World::with(vec![], vec![Route::get("/broken", Capability::Public, broken)]).await;
    let answer = world.browser().get("/broken").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let id = answer.headers["x-request-id"].to_str().unwrap();
    assert!(answer.body.contains(id), "the page names the number to quote");
    assert!(!answer.body.contains("secret cause"));
    assert!(answer.headers.contains_key("content-security-policy"));
    assert_eq!(world.browser().get("/sign-in").await.status, StatusCode::OK, "and the server goes on");
}

#[tokio::test]
async fn reports_of_policy_breaches_are_taken_without_cookies_in_small_number() {
    let world = World::new().await;
    let mut browser = world.browser().with("content-type", "application/csp-report").with("sec-fetch-site", "");
    for n in 0..12 {
        let expected = if n < 10 { StatusCode::NO_CONTENT } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(browser.send(Method::POST, "/-/csp-report", "{}").await.status, expected, "{n}");
    }
    let mut other = browser.clone().from([203, 0, 113, 10]);
    let large = "x".repeat(9_000);
    assert_eq!(other.send(Method::POST, "/-/csp-report", &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}
