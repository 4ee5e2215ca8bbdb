//! Signing in, staying in, and being let out: the attacks on each.

use super::access_harness::*;
use axum::Extension;
use axum::http::{Method, StatusCode, header};
use backout::access::capability::Capability;
use backout::access::slow_down::{PER_HOUR, PER_MINUTE};
use backout::domain::{Role, Span};
use backout::web::routes::Route;
use std::sync::Arc;
use tokio::sync::Notify;
use tower_sessions::Session;

const SESSION: &str = "__Host-backout";

#[tokio::test]
async fn a_session_cookie_is_locked_to_this_site() {
    let world = World::new().await;
    world.person("ada", &[Role::Support]).await;
    let answer = world.browser().sign_in("ada", PASSWORD).await;
    let cookies: Vec<&str> = answer.headers.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-backout"), "{cookie}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn a_planted_session_is_worth_nothing_after_sign_in() {
    let world = World::new().await;
    world.person("ada", &[Role::Support]).await;
    world.person("eve", &[Role::Support]).await;
    for planted in ["AAAAAAAAAAAAAAAAAAAAAA".to_owned(), world.signed_in("eve").await.cookies[SESSION].clone()] {
        let mut victim = world.browser();
        victim.cookies.insert(SESSION.to_owned(), planted.clone());
        victim.sign_in("ada", PASSWORD).await;
        assert!(victim.is_in().await);
        assert_ne!(victim.cookies[SESSION], planted);
        let mut attacker = world.browser();
        attacker.cookies.insert(SESSION.to_owned(), planted);
        assert!(!attacker.is_in().await);
    }
}

#[tokio::test]
async fn a_session_that_was_ended_is_not_written_back_by_a_request_under_way() {
    async fn slow(session: Session, Extension(gates): Extension<Arc<(Notify, Notify)>>) -> &'static str {
        session.insert("draft", "typed meanwhile").await.unwrap();
        gates.0.notify_one();
        gates.1.notified().await;
        "done"
    }
    let world = World::with(vec![], vec![Route::get("/slow", Capability::SignedIn, slow)]).await;
    world.person("ada", &[Role::Support]).await;
    let gates = Arc::new((Notify::new(), Notify::new()));
    let router = with_extension(world.router.clone(), gates.clone());
    for round in 0..100 {
        let mut browser = Browser::of(router.clone());
        assert_eq!(browser.sign_in("ada", PASSWORD).await.status, StatusCode::SEE_OTHER);
        let stolen = browser.clone();
        let under_way = tokio::spawn({
            let mut browser = browser.clone();
            async move { browser.get("/slow").await.status }
        });
        gates.0.notified().await;
        assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
        gates.1.notify_one();
        assert_eq!(under_way.await.unwrap(), StatusCode::OK);
        assert!(!stolen.clone().is_in().await, "round {round}: the session came back");
        world.turn(Span::seconds(61));
    }
}

#[tokio::test]
async fn guessing_is_slowed_whatever_the_spelling_the_replica_or_a_restart() {
    let world = World::new().await;
    world.person("maya", &[Role::IncidentCommander]).await;
    let spellings = ["maya", "MAYA", " maya", "Maya ", "ma\u{200b}ya", "ｍａｙａ", "m aya"];
    let mut replicas = [world.browser(), Browser::of(world.replica().await)];
    for n in 0..5 {
        // Every try from another address: only the account's own bucket is at work.
        let mut browser = replicas[n % 2].clone().from([198, 51, 100, n as u8]);
        assert_eq!(browser.sign_in(spellings[n], "wrong").await.status, StatusCode::UNAUTHORIZED, "{n}");
    }
    for n in 0..1_000 {
        let name = format!("somebody{n}");
        let mut browser = replicas[n % 2].clone().from([10, 1, (n / 250) as u8, (n % 250) as u8]);
        if n % 100 == 0 {
            browser.sign_in(&name, "wrong").await;
        }
    }
    replicas[0] = Browser::of(world.replica().await);
    for (n, spelling) in spellings.iter().enumerate() {
        for replica in &replicas {
            let mut browser = replica.clone().from([198, 51, 101, n as u8]);
            let answer = browser.sign_in(spelling, PASSWORD).await;
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{spelling:?}");
            assert_eq!(answer.headers[header::RETRY_AFTER], "1");
        }
    }
    world.turn(Span::seconds(1));
    assert_eq!(world.browser().sign_in("maya", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_thousand_tries_at_once_are_a_thousand_tries() {
    let world = World::new().await;
    world.person("maya", &[]).await;
    let tries: Vec<_> = (0..60_u8)
        .map(|n| {
            let mut browser = world.browser().from([198, 51, 100, n]);
            tokio::spawn(async move { browser.sign_in("maya", "wrong").await.status })
        })
        .collect();
    let mut looked_at = 0;
    for one in tries {
        looked_at += usize::from(one.await.unwrap() == StatusCode::UNAUTHORIZED);
    }
    assert!(looked_at <= 5, "{looked_at} guesses were looked at");
}

#[tokio::test]
async fn a_stranger_cannot_lock_the_commander_out() {
    let world = World::new().await;
    world.person("ic", &[Role::IncidentCommander]).await;
    let mut own = world.signed_in("ic").await;
    own.post("/sign-out", &[]).await;
    assert!(own.cookies.contains_key("__Host-backout_device"), "the browser stays known after signing out");
    let mut last = StatusCode::OK;
    for n in 0..1_000_u32 {
        let mut stranger = world.browser().from([198, 51, (n / 250) as u8, (n % 250) as u8]);
        last = stranger.sign_in("ic", "wrong").await.status;
        if n % 10 == 0 {
            world.turn(Span::seconds(901));
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(own.sign_in("ic", PASSWORD).await.status, StatusCode::SEE_OTHER, "from the known browser at once");
    let mut elsewhere = world.browser().from([192, 0, 2, 1]);
    world.turn(Span::seconds(901));
    assert_eq!(elsewhere.sign_in("ic", PASSWORD).await.status, StatusCode::SEE_OTHER, "from anywhere in 15 minutes");
}

#[tokio::test]
async fn another_persons_device_cookie_opens_no_bucket() {
    let world = World::new().await;
    world.person("ic", &[]).await;
    world.person("eve", &[]).await;
    let mut eve = world.signed_in("eve").await;
    for n in 0..20_u8 {
        eve = eve.from([198, 51, 100, n]);
        eve.sign_in("ic", "wrong").await;
    }
    let stranger = world.browser().from([192, 0, 2, 1]).sign_in("ic", PASSWORD).await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS, "eve's tries count as a stranger's");
}

#[tokio::test]
async fn one_address_gets_so_many_tries_a_minute_and_an_hour() {
    let world = World::new().await;
    let mut browser = world.browser();
    let mut looked_at = 0;
    for _ in 0..10 {
        for n in 0..PER_MINUTE + 5 {
            let status = browser.sign_in(&format!("name{n}.{looked_at}"), "wrong").await.status;
            looked_at += i64::from(status == StatusCode::UNAUTHORIZED);
        }
        world.turn(Span::minutes(1));
    }
    assert_eq!(looked_at, PER_HOUR);
    let mut spoofing = world.browser().with("x-forwarded-for", "192.0.2.77");
    assert_eq!(
        spoofing.sign_in("x1", "wrong").await.status,
        StatusCode::TOO_MANY_REQUESTS,
        "a claimed address is ignored"
    );
    let mut other = world.browser().from([192, 0, 2, 77]);
    assert_eq!(other.sign_in("x2", "wrong").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn unknown_disabled_invited_and_mistaken_look_the_same() {
    let world = World::new().await;
    world.person("root", &[Role::Administrator]).await;
    world.person("known", &[Role::Support]).await;
    let disabled = world.person("disabled", &[Role::Support]).await;
    let mut admin = world.confirmed("root").await;
    admin.post("/people", &[("name", "In Vited"), ("login", "invited")]).await;
    admin.post(&format!("/people/{disabled}/disable"), &[]).await;
    let mut seen = vec![];
    for login in ["nobody", "known", "disabled", "invited", "not a login!", "ünknown"] {
        let password = if login == "known" { "wrong" } else { PASSWORD };
        let answer = world.browser().sign_in(login, password).await;
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        seen.push((login, answer.status, format!("{headers:?}"), answer.body));
    }
    for (login, status, headers, body) in &seen {
        assert_eq!((status, headers, body), (&seen[0].1, &seen[0].2, &seen[0].3), "{login}");
    }
    // And when it is too much, it is too much for both.
    let mut waits = vec![];
    for login in ["nobody", "known"] {
        for n in 0..8_u8 {
            let answer = world.browser().from([198, 51, 100, n]).sign_in(login, "wrong").await;
            waits.push((login, n, answer.status, answer.headers.get(header::RETRY_AFTER).cloned()));
        }
    }
    let (nobody, known) = waits.split_at(8);
    for (one, other) in nobody.iter().zip(known) {
        assert_eq!((one.1, one.2, &one.3), (other.1, other.2, &other.3));
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_and_at_its_limit_however_active() {
    let world = World::new().await;
    world.person("ada", &[Role::Support]).await;
    world.person("root", &[Role::Administrator]).await;
    let mut idle = world.signed_in("ada").await;
    world.turn(Span::minutes(29));
    assert!(idle.is_in().await);
    world.turn(Span::minutes(29));
    assert!(idle.is_in().await, "activity keeps it");
    world.turn(Span::minutes(30));
    assert!(!idle.is_in().await);
    for (login, hours) in [("ada", 12), ("root", 8)] {
        let mut busy = world.signed_in(login).await;
        for _ in 0..hours * 4 - 1 {
            world.turn(Span::minutes(15));
            assert!(busy.is_in().await);
        }
        world.turn(Span::minutes(15));
        assert!(!busy.is_in().await, "{login} after {hours} h");
    }
}

#[tokio::test]
async fn streams_and_polls_do_not_keep_a_session() {
    async fn poll() -> &'static str {
        "still here"
    }
    let more = vec![Route::get("/poll", Capability::SignedIn, poll).without_activity()];
    let world = World::with(vec![], more).await;
    world.person("ada", &[]).await;
    let mut browser = world.signed_in("ada").await;
    world.turn(Span::minutes(20));
    assert_eq!(browser.get("/poll").await.status, StatusCode::OK);
    world.turn(Span::minutes(10));
    assert!(!browser.is_in().await);
}

#[tokio::test]
async fn the_sixth_browser_ends_the_oldest() {
    let world = World::new().await;
    world.person("ada", &[]).await;
    let mut browsers = vec![];
    for _ in 0..6 {
        browsers.push(world.signed_in("ada").await);
        world.turn(Span::seconds(1));
    }
    for (n, browser) in browsers.iter_mut().enumerate() {
        assert_eq!(browser.is_in().await, n > 0, "browser {n}");
    }
}

#[tokio::test]
async fn signing_out_forgets_pages_and_the_old_cookie() {
    let world = World::new().await;
    world.person("ada", &[]).await;
    let mut browser = world.confirmed("ada").await;
    let mut back = browser.clone();
    let answer = browser.post("/sign-out", &[]).await;
    assert_eq!(answer.headers["clear-site-data"], "\"cache\", \"storage\"");
    assert!(!browser.cookies.contains_key(SESSION) && !browser.cookies.contains_key("__Host-backout_stepup"));
    let again = back.get("/account?tab=x").await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/sign-in?next=%2Faccount%3Ftab%3Dx"));
    assert_eq!(again.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn sign_in_returns_to_where_it_was_asked_for_and_nowhere_else() {
    let world = World::new().await;
    world.person("ada", &[]).await;
    for (next, to) in
        [("/people?x=1", "/people?x=1"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/")]
    {
        let mut browser = world.browser();
        let fields = [("login", "ada"), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.post("/sign-in", &fields).await.location(), to);
        let query = encoded(&[("next", next)]);
        assert_eq!(browser.get(&format!("/sign-in?{query}")).await.location(), to, "signed in already");
    }
}

#[tokio::test]
async fn a_stolen_session_cookie_alone_changes_no_account() {
    let world = World::new().await;
    world.person("root", &[Role::Administrator]).await;
    let admin = world.confirmed("root").await;
    let mut thief = admin.clone();
    thief.cookies.retain(|name, _| name == SESSION);
    let add = [("name", "Mallory"), ("login", "mallory"), ("role", "administrator")];
    let answer = thief.post("/people", &add).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("Confirm that it is you"));
    thief.cookies.insert("__Host-backout_stepup".into(), "guessed".into());
    assert_eq!(thief.post("/people", &add).await.status, StatusCode::UNAUTHORIZED);
    assert!(world.app.store.person_by_login("mallory").await.unwrap().is_none());
    // The owner's window is five minutes, and using it does not lengthen it.
    let mut owner = admin.clone();
    world.turn(Span::seconds(299));
    assert_eq!(owner.post("/people", &[("name", "A B"), ("login", "ab")]).await.status, StatusCode::OK);
    world.turn(Span::seconds(1));
    assert_eq!(owner.post("/people", &[("name", "C D"), ("login", "cd")]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn confirming_rotates_the_session_and_keeps_what_was_typed() {
    let world = World::new().await;
    world.person("root", &[Role::Administrator]).await;
    let mut admin = world.signed_in("root").await;
    let before = admin.clone();
    let typed = [("name", "Ann \"O'Hara\" <b>"), ("login", "ann"), ("role", "support"), ("role", "observer")];
    let asked = admin.post("/people", &typed).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    let kept = encoded(&typed);
    assert!(asked.body.contains(&kept.replace('&', "&#38;")), "{}", asked.body);
    let fields = [("password", PASSWORD), ("next", "/people"), ("kept", &kept)];
    let answer = admin.post("/re-authenticate", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    let fresh =
        answer.headers.get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap()).find(|c| c.contains("stepup"));
    let fresh = fresh.unwrap();
    assert!(
        fresh.contains("SameSite=Strict") && fresh.contains("Max-Age=300") && fresh.contains("HttpOnly"),
        "{fresh}"
    );
    assert!(answer.body.contains("Ann &#34;O&#39;Hara&#34; &#60;b&#62;"), "{}", answer.body);
    assert!(world.app.store.person_by_login("ann").await.unwrap().is_none(), "nothing happens without a press");
    assert_ne!(admin.cookies[SESSION], before.cookies[SESSION]);
    assert!(!before.clone().is_in().await, "the old id is worth nothing");
    assert_eq!(admin.post("/people", &typed).await.status, StatusCode::OK);
    let roles = world.app.store.person_by_login("ann").await.unwrap().unwrap().roles;
    assert_eq!(roles, ["support", "observer"]);
}

#[tokio::test]
async fn five_wrong_confirmations_end_the_session() {
    let world = World::new().await;
    world.person("ada", &[]).await;
    let mut browser = world.signed_in("ada").await;
    let thief = browser.clone();
    for n in 1..=5 {
        assert!(thief.clone().is_in().await, "before try {n}");
        let answer = browser.post("/re-authenticate", &[("password", "wrong"), ("next", "/")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert!(!thief.clone().is_in().await);
    let refused = world.kinds().await.iter().filter(|kind| *kind == "ConfirmationRefused").count();
    assert_eq!(refused, 5);
}

#[tokio::test]
async fn the_journal_tells_single_acts_and_counts_strangers() {
    let world = World::new().await;
    world.person("ada", &[Role::Support]).await;
    for n in 0..30_u8 {
        let mut stranger = world.browser().from([198, 51, 100, n]);
        stranger.sign_in(&format!("guess{n}"), "Tr0ub4dor-typed-by-mistake").await;
    }
    assert_eq!(world.kinds().await, ["PersonAdded"], "no entry for each stranger");
    world.turn(Span::minutes(1));
    world.browser().from([198, 51, 100, 99]).sign_in("guess", "x").await;
    let mut ada = world.signed_in("ada").await;
    assert_eq!(ada.get("/people/somebody").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.kinds().await, ["PersonAdded", "SignInsRefused", "SignedIn", "Denied"]);
    let journal = world.journal().await;
    assert!(journal[1].body.as_deref().unwrap().contains("\"count\":31"));
    for entry in &journal {
        let body = entry.body.as_deref().unwrap();
        assert!(!body.contains("Tr0ub4dor") && !body.contains("guess") && !body.contains(PASSWORD), "{body}");
        for cookie in ada.cookies.values() {
            assert!(!body.contains(cookie.as_str()), "{body}");
        }
    }
    assert!(world.app.store.verify().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_form_with_more_in_it_than_its_page_sends_is_refused() {
    let world = World::new().await;
    world.person("root", &[Role::Administrator]).await;
    let mut admin = world.confirmed("root").await;
    for extra in ["id", "password", "roles", "active", "epoch", "created_at", "password_changed_at", "person", "Login"]
    {
        let answer = admin.post("/people", &[("name", "M M"), ("login", "mm"), (extra, "1")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{extra}");
    }
    for body in
        ["name=M&login=mm&login=nn", "name=M&login=", "name=&login=mm", "name=M&login=mm&role=root", "name=M&login=%ff"]
    {
        let answer = admin.send(Method::POST, "/people", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert_eq!(world.app.store.people().await.unwrap().len(), 1);
}
