use crate::access::accounts::{Newcomer, add_with_password};
use crate::domain::Role;
use crate::web::sample::{Answer, Browser, PASSWORD, World};
use axum::http::StatusCode;

/// What stands between two marks of a page, as a browser reads it.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(inside, _)| inside)
}

/// Presses the button of the card or of the actions on a page, as a browser would: its hidden fields, and what is typed.
async fn press(browser: &mut Browser, page: &Answer, typed: &[(&str, &str)]) -> Answer {
    let main = page.body.split("<main").nth(1).expect("a page");
    let form = between(main, "method=\"post\"", "</form>").expect("a form");
    let action = between(form, "action=\"", "\"").expect("an address");
    let hidden: Vec<(String, String)> = form
        .split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|field| {
            let (name, rest) = field.split_once("\" value=\"").unwrap();
            (name.to_owned(), rest.split('"').next().unwrap().replace("&#38;", "&"))
        })
        .collect();
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.extend(typed);
    browser.post(action, &fields).await
}

/// Sends a form with a stale confirmation, gives the password, and presses the one button that remains.
async fn confirmed_and_pressed(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let asked = browser.post(path, fields).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED, "{path}: {}", asked.words());
    assert!(asked.words().contains("Then one press remains"), "{path}: {}", asked.words());
    let confirmed = press(browser, &asked, &[("password", PASSWORD)]).await;
    assert_eq!(confirmed.status, StatusCode::OK, "{path}: {} {}", confirmed.location(), confirmed.words());
    press(browser, &confirmed, &[]).await
}

#[tokio::test]
async fn a_form_without_fields_is_done_after_the_password_too() {
    let world = World::new().await;
    let (sam, helen) = (world.id("sam").0, world.id("helen").0);
    let active = async || world.app.store.person(&sam).await.unwrap().unwrap().active;
    let done = confirmed_and_pressed(&mut world.signed_in("ada").await, &format!("/people/{sam}/disable"), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert!(!active().await, "the account is disabled");
    let done = confirmed_and_pressed(&mut world.signed_in("ada").await, &format!("/people/{sam}/enable"), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert!(active().await, "the account is enabled");
    let link = confirmed_and_pressed(&mut world.signed_in("ada").await, &format!("/people/{sam}/link"), &[]).await;
    assert!(link.words().contains("One-time link"), "{}", link.words());
    let done = confirmed_and_pressed(&mut world.signed_in("ada").await, &format!("/people/{helen}/roles"), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert!(world.app.store.person(&helen).await.unwrap().unwrap().roles.is_empty(), "every box was unticked");
    let mut ada = world.confirmed("ada").await;
    assert_eq!(ada.post("/tokens", &[("label", "ci"), ("days", "30")]).await.status, StatusCode::OK);
    let token = world.app.store.tokens().await.unwrap().remove(0);
    let mut stale = world.signed_in("ada").await;
    let done = confirmed_and_pressed(&mut stale, &format!("/tokens/{}/revoke", token.id), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert!(world.app.store.tokens().await.unwrap()[0].revoked_at.is_some(), "the token is revoked");
}

#[tokio::test]
async fn a_wrong_password_keeps_a_form_without_fields_waiting() {
    let world = World::new().await;
    let sam = world.id("sam").0;
    let mut ada = world.signed_in("ada").await;
    let asked = ada.post(&format!("/people/{sam}/disable"), &[]).await;
    let again = press(&mut ada, &asked, &[("password", "not hers at all")]).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED, "{}", again.words());
    let confirmed = press(&mut ada, &again, &[("password", PASSWORD)]).await;
    assert!(world.app.store.person(&sam).await.unwrap().unwrap().active, "nothing happens without a press");
    press(&mut ada, &confirmed, &[]).await;
    assert!(!world.app.store.person(&sam).await.unwrap().unwrap().active);
}

#[tokio::test]
async fn a_confirmation_ahead_of_any_form_leads_back() {
    let world = World::new().await;
    let mut ada = world.signed_in("ada").await;
    let page = ada.get("/re-authenticate?next=/people").await;
    let back = press(&mut ada, &page, &[("password", PASSWORD)]).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, "/people"));
}

#[tokio::test]
async fn only_what_acts_in_an_incident_is_said_to_be_final() {
    let world = World::new().await;
    let mut olga = world.signed_in("olga").await;
    for (next, is_final) in [("/people", false), ("/incidents/RB-0001", true)] {
        let words = olga.get(&format!("/re-authenticate?next={next}")).await.words();
        assert_eq!(words.contains("cannot be taken back"), is_final, "{next}: {words}");
        assert!(words.contains("your password is asked for again"), "{words}");
    }
}

#[tokio::test]
async fn a_button_of_many_words_does_not_bar_its_own_act() {
    let world = World::new().await;
    let newcomer = Newcomer { login: "long".into(), name: "Ä".repeat(500), roles: vec![Role::Observer] };
    let hash = world.app.passwords.hash(PASSWORD).await.unwrap();
    let id = add_with_password(&world.app.store, &newcomer, hash, world.now()).await.unwrap();
    let done = confirmed_and_pressed(&mut world.signed_in("ada").await, &format!("/people/{id}/disable"), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert!(!world.app.store.person(&id).await.unwrap().unwrap().active);
}

/// A form that is cut off must not come back as one without fields: that would take every role away.
#[tokio::test]
async fn a_form_that_is_too_long_to_keep_is_refused_and_not_emptied() {
    let world = World::new().await;
    let path = format!("/people/{}/roles", world.id("helen").0);
    let refused = world.signed_in("ada").await.post(&path, &[("role", &"x".repeat(70_000))]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", refused.words());
}
