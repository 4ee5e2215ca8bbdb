//! Accounts: the first administrator, invitations, roles, and that every change takes effect at once.

use super::access_harness::*;
use crate::support::databases::{Database, on_both};
use axum::http::StatusCode;
use backout::access::accounts::{self, Newcomer, Unchanged};
use backout::access::setup_link;
use backout::domain::{Role, Span, Timestamp};
use std::os::unix::fs::PermissionsExt;

const CHOSEN: &str = "seven grey herons in line";

fn path_of(link: &str) -> &str {
    link.trim().strip_prefix("https://backout.example").unwrap()
}

async fn link(world: &World) -> String {
    let site = world.app.site.clone();
    let file = world.folder.join("setup-link");
    let link = setup_link(&world.app.store, world.now(), |path| site.link(path), &file).await.unwrap().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), link);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    link
}

fn first<'a>(login: &'a str, password: &'a str) -> [(&'a str, &'a str); 4] {
    [("name", "Maya Okafor"), ("login", login), ("password", password), ("repeated", password)]
}

#[tokio::test]
async fn the_first_administrator_comes_by_a_link_that_works_once() {
    let world = World::new().await;
    assert!(world.browser().get("/sign-in").await.body.contains("Nobody can sign in yet"));
    std::fs::write(world.folder.join("setup-link"), "left by somebody").unwrap();
    let (older, newer) = (link(&world).await, link(&world).await);
    let mut browser = world.browser();
    for _ in 0..3 {
        assert_eq!(browser.get(path_of(&newer)).await.status, StatusCode::OK, "looking does not use it up");
    }
    let weak = browser.post(path_of(&newer), &first("maya", "maya.okafor.1999")).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.body.contains("easy to guess") && weak.body.contains("Maya Okafor"), "{}", weak.body);
    assert!(!weak.body.contains("maya.okafor.1999"), "a password is never shown again");
    let added = browser.post(path_of(&newer), &first("Maya@Pixelated.example", CHOSEN)).await;
    assert_eq!((added.status, added.location()), (StatusCode::SEE_OTHER, "/sign-in?set=password"));
    let told = world.browser().get(added.location()).await;
    assert!(
        told.body.contains("Your password is set") && !told.body.contains("Nobody can sign in yet"),
        "{}",
        told.body
    );
    assert!(!world.browser().get("/sign-in").await.body.contains("Your password is set"));
    for used in [&newer, &older] {
        let again = browser.post(path_of(used), &first("eve", CHOSEN)).await;
        assert!(again.status.is_client_error(), "{}", again.status);
    }
    assert_eq!(world.app.store.people().await.unwrap().len(), 1);
    assert_eq!(browser.sign_in("maya@pixelated.example", CHOSEN).await.status, StatusCode::SEE_OTHER);
    let site = world.app.site.clone();
    let none = setup_link(&world.app.store, world.now(), |path| site.link(path), &world.folder.join("again")).await;
    assert_eq!(none, Ok(None), "no link while there is an administrator");
}

#[tokio::test]
async fn a_setup_link_ends_after_fifteen_minutes_and_is_kept_as_a_hash() {
    let world = World::new().await;
    let link = link(&world).await;
    let token = path_of(&link).strip_prefix("/setup/").unwrap().to_owned();
    let database = std::fs::read(world.folder.join("test.db")).unwrap();
    let log = std::fs::read(world.folder.join("test.db-wal")).unwrap_or_default();
    for bytes in [&database, &log] {
        assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()), "the token lies in the database");
    }
    world.turn(Span::minutes(15));
    assert_eq!(world.browser().get(path_of(&link)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.browser().post(path_of(&link), &first("maya", CHOSEN)).await.status, StatusCode::NOT_FOUND);
    assert!(world.app.store.people().await.unwrap().is_empty());
}

/// The link on a page that shows one.
fn shown_link(page: &str) -> String {
    let at = page.find("https://backout.example/welcome/").expect("the page shows a link");
    page[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_invitation_gives_the_first_password_and_a_reset_the_next() {
    let world = World::new().await;
    world.person("root", &[Role::Administrator]).await;
    let mut admin = world.confirmed("root").await.with("x-forwarded-host", "evil.example");
    let page = admin.post("/people", &[("name", "Ann Lee"), ("login", "ann"), ("role", "technical_lead")]).await;
    let invitation = shown_link(&page.body);
    let password = |password| [("password", password), ("repeated", password)];
    let mut ann = world.browser();
    assert!(ann.get(path_of(&invitation)).await.body.contains("Ann Lee"));
    assert_eq!(
        ann.post(path_of(&invitation), &[("password", CHOSEN), ("repeated", "other")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(ann.post(path_of(&invitation), &password(CHOSEN)).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        ann.post(path_of(&invitation), &password("grey herons fly at noon")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(ann.sign_in("ann", CHOSEN).await.status, StatusCode::SEE_OTHER);

    let id = world.app.store.person_by_login("ann").await.unwrap().unwrap().id;
    let replaced = shown_link(&admin.post(&format!("/people/{id}/link"), &[]).await.body);
    let reset = shown_link(&admin.post(&format!("/people/{id}/link"), &[]).await.body);
    assert_eq!(
        world.browser().get(path_of(&replaced)).await.status,
        StatusCode::NOT_FOUND,
        "the newer one replaces it"
    );
    let new = "grey herons fly at noon";
    assert_eq!(world.browser().post(path_of(&reset), &password(new)).await.status, StatusCode::SEE_OTHER);
    assert!(!ann.is_in().await, "every session ended");
    assert_eq!(world.browser().sign_in("ann", CHOSEN).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.browser().sign_in("ann", new).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_revoked_role_and_a_disabled_account_lose_effect_at_once() {
    let world = World::new().await;
    world.person("root", &[Role::Administrator]).await;
    let id = world.person("ada", &[Role::Administrator, Role::Support]).await;
    let mut root = world.confirmed("root").await;
    let mut ada = world.confirmed("ada").await;
    let other_replica = Browser { router: world.replica().await, ..ada.clone() };
    assert_eq!(root.post(&format!("/people/{id}/roles"), &[("role", "support")]).await.status, StatusCode::SEE_OTHER);
    for mut browser in [ada.clone(), other_replica] {
        let answer = browser.post("/people", &[("name", "M M"), ("login", "mm")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(!browser.is_in().await);
    }
    ada.sign_in("ada", PASSWORD).await;
    assert_eq!(ada.get(&format!("/people/{id}")).await.status, StatusCode::FORBIDDEN, "an administrator no longer");
    assert_eq!(root.post(&format!("/people/{id}/disable"), &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!ada.is_in().await);
    assert_eq!(ada.sign_in("ada", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(root.post(&format!("/people/{id}/enable"), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(ada.sign_in("ada", PASSWORD).await.status, StatusCode::SEE_OTHER);
    let kinds = world.kinds().await;
    for kind in ["RolesChanged", "PersonDisabled", "PersonEnabled"] {
        assert_eq!(kinds.iter().filter(|k| *k == kind).count(), 1, "{kinds:?}");
    }
    let changed = world.journal().await.into_iter().find(|entry| entry.kind == "RolesChanged").unwrap();
    assert!(changed.actor.starts_with("person:") && changed.body.unwrap().contains("\"after\":[\"support\"]"));
}

#[tokio::test]
async fn the_last_administrator_cannot_be_taken_away() {
    let world = World::new().await;
    let root = world.person("root", &[Role::Administrator]).await;
    let mut admin = world.confirmed("root").await;
    admin.post("/people", &[("name", "In Vited"), ("login", "invited"), ("role", "administrator")]).await;
    for (path, fields) in [("roles", &[("role", "support")][..]), ("disable", &[])] {
        let answer = admin.post(&format!("/people/{root}/{path}"), fields).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "an invitation does not count");
        assert!(answer.body.contains("last administrator"));
    }
    assert!(admin.is_in().await);
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    let world = World::new().await;
    world.person("ada", &[]).await;
    let mut other = world.signed_in("ada").await;
    let mut own = world.signed_in("ada").await;
    let before = own.clone();
    let fields = |present, new| [("present", present), ("password", new), ("repeated", new)];
    assert_eq!(own.post("/account/password", &fields("wrong", CHOSEN)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.is_in().await);
    assert_eq!(own.post("/account/password", &fields(PASSWORD, CHOSEN)).await.status, StatusCode::SEE_OTHER);
    assert!(own.is_in().await, "the one who changed it goes on");
    assert!(!other.is_in().await && !before.clone().is_in().await);
    assert_eq!(world.browser().sign_in("ada", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.browser().sign_in("ada", CHOSEN).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let world = World::new().await;
    world.person("ada", &[]).await;
    let eve = world.person("eve", &[]).await;
    let mut victim = world.signed_in("eve").await;
    let mut old = world.signed_in("ada").await;
    world.turn(Span::seconds(1));
    let mut own = world.signed_in("ada").await;
    let eves = world.app.store.sessions_of(&eve, world.now()).await.unwrap()[0].id_hash.clone();
    assert_eq!(own.post("/account/end-session", &[("session", &eves)]).await.status, StatusCode::NOT_FOUND);
    assert!(victim.is_in().await);
    let page = own.get("/account").await.body;
    let field = "name=\"session\" value=\"";
    let at = page.find(field).unwrap() + field.len();
    let id = page[at..at + 64].to_owned();
    assert_eq!(own.post("/account/end-session", &[("session", &id)]).await.status, StatusCode::SEE_OTHER);
    assert!(!old.is_in().await && own.is_in().await);
}

on_both! {
    /// Each sees the other as one who remains, until the second asks again behind the first.
    async fn two_administrators_who_take_each_other_away_at_once_leave_one(database) {
        let (here, there) = (database.open().await, database.open().await);
        let now = Timestamp(1_772_680_468_000_000);
        let add = async |login: &str| {
            let newcomer = Newcomer { login: login.into(), name: login.into(), roles: vec![Role::Administrator] };
            accounts::add_with_password(&here, &newcomer, "a hash".to_owned(), now).await.unwrap()
        };
        let (ada, bea) = (add("ada").await, add("bea").await);
        for round in 0..10 {
            let (first, second) = if round % 2 == 0 {
                tokio::join!(
                    accounts::set_active(&here, &ada, &bea, false, now),
                    accounts::set_active(&there, &bea, &ada, false, now)
                )
            } else {
                tokio::join!(
                    accounts::change_roles(&here, &ada, &bea, &[Role::Support], now),
                    accounts::change_roles(&there, &bea, &ada, &[], now)
                )
            };
            let refused = [&first, &second].map(|answer| *answer == Err(Unchanged::LastAdministrator));
            assert!(refused == [true, false] || refused == [false, true], "{first:?} {second:?}");
            for person in [&ada, &bea] {
                accounts::set_active(&here, "system", person, true, now).await.unwrap();
                accounts::change_roles(&here, "system", person, &[Role::Administrator], now).await.unwrap();
            }
        }
    }
}
