//! Before the password is asked for: a form that would be refused comes back at once, and one that waits is named.
//!
//! Whoever types a password for nothing learns to type it without reading. So a form that demands a fresh confirmation
//! is looked at first, exactly as it was sent: what is faulty or refused is told on its own page, and only the rest goes
//! on to the password, whose page names the button that was pressed. A rehearsal changes nothing; a refusal alone is
//! written into the ledger, as if the form had been sent. Nothing of it is trusted either: the form is sent and judged
//! again, whole, once the confirmation is there.

use axum::Extension;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// A form that nothing stands in the way of but the password: how a rehearsal answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// What its button does, as the button says it: `Authorise and start rollback to 4.11.3`.
    pub button: String,
    /// The page that it was sent from.
    pub back: String,
}

impl Waits {
    pub fn new(button: impl Into<String>, back: impl Into<String>) -> Waits {
        Waits { button: button.into(), back: back.into() }
    }

    /// What a rehearsal answered; nothing where it answered a page of its own.
    pub fn in_answer(answer: &Response) -> Option<Waits> {
        answer.extensions().get::<Waits>().cloned()
    }
}

impl IntoResponse for Waits {
    /// Never sent: the door turns it into the page that asks for the password.
    fn into_response(self) -> Response {
        (StatusCode::UNAUTHORIZED, Extension(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use crate::access::walls::{self, Audience};
    use crate::domain::state::AttemptStatus;
    use crate::domain::state::RunId;
    use crate::web::sample::{Browser, PASSWORD, World};
    use axum::http::StatusCode;

    /// What Maya sends to authorise, waiving one item of several.
    fn fields<'a>(digest: &'a str, phrase: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("attempt", "1"),
            ("digest", digest),
            ("slot", "incident_commander"),
            ("starts", "yes"),
            ("phrase", phrase),
            ("waive", "verify-backup"),
            ("waive_reason", "urgent"),
        ]
    }

    async fn approvals(world: &World, id: &str) -> usize {
        world.app.incidents.incident(id).await.unwrap().current().unwrap().approvals.len()
    }

    async fn refusals(world: &World) -> usize {
        let entries = world.app.store.tail(0, 500).await.unwrap();
        entries.iter().filter(|entry| entry.kind == "Refused").count()
    }

    /// Gives the password for the form that waits on this page, as the browser would send it.
    async fn confirms(browser: &mut Browser, page: &str) -> String {
        let value = |name: &str| {
            let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
            field.split('"').next().unwrap().replace("&#38;", "&")
        };
        let (next, kept, button, back) = (value("next"), value("kept"), value("button"), value("back"));
        let fields = [("password", PASSWORD), ("next", &next), ("kept", &kept), ("button", &button), ("back", &back)];
        browser.post("/re-authenticate", &fields).await.body
    }

    #[tokio::test]
    async fn what_is_wrong_is_told_before_the_password_is_asked_for() {
        let world = World::new().await;
        let id = world.critical().await;
        let digest = world.digest(&id).await;
        let mut maya = world.signed_in("maya").await;
        let path = format!("/incidents/{id}/approve");
        for (phrase, told) in [("4.11", "“4.11” is not the phrase"), ("", "Type the phrase: 4.11.3")] {
            let before = refusals(&world).await;
            let page = maya.post(&path, &fields(&digest, phrase)).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.words());
            assert!(page.words().contains(told), "{}", page.words());
            assert!(!page.body.contains("type=\"password\""), "no password for nothing");
            assert_eq!(refusals(&world).await, before + 1, "a refusal is recorded as if it had been sent");
        }
        assert_eq!(approvals(&world, &id).await, 0);
    }

    #[tokio::test]
    async fn the_password_page_names_the_act_and_leaving_leads_back() {
        let world = World::new().await;
        let id = world.critical().await;
        let (digest, path) = (world.digest(&id).await, format!("/incidents/{id}/approve"));
        let mut maya = world.signed_in("maya").await;
        let page = maya.get(&path).await.body;
        let open: Vec<String> =
            page.split("name=\"waive\" value=\"").skip(1).map(|it| it.split('"').next().unwrap().to_owned()).collect();
        let mut sent = fields(&digest, "4.11.3");
        sent.retain(|(name, _)| *name != "waive");
        sent.extend(open.iter().map(|item| ("waive", item.as_str())));
        let asked = maya.post(&path, &sent).await;
        assert_eq!(asked.status, StatusCode::UNAUTHORIZED, "{}", asked.words());
        assert!(asked.words().contains("Authorise and start rollback to 4.11.3"), "{}", asked.words());
        assert!(asked.body.contains(&format!("href=\"{path}\">Leave it")), "{}", asked.body);
        assert_eq!(approvals(&world, &id).await, 0, "asking does nothing");
        let confirmed = confirms(&mut maya, &asked.body).await;
        assert!(
            confirmed.contains(
                "button-destructive button-large\" type=\"submit\">Authorise and start rollback to 4.11.3</button>"
            ),
            "{confirmed}"
        );
        assert!(confirmed.contains(&format!("href=\"{path}\">Leave it")), "{confirmed}");
        assert!(confirmed.contains(&format!("{id}: nothing was done yet.")), "{confirmed}");
        assert_eq!(approvals(&world, &id).await, 0, "nothing happens without a press");
        assert_eq!(maya.post(&path, &sent).await.status, StatusCode::SEE_OTHER);
        assert_eq!(approvals(&world, &id).await, 1);
    }

    /// The incident, its failed run, and where a new one is ordered.
    async fn a_run_that_failed(world: &World) -> (String, RunId, String) {
        let id = world.critical().await;
        world.authorised(&id).await;
        let run = world.runs(&id, "app-rollback").await;
        world.ends(&id, &run, 3).await;
        let path = format!("/incidents/{id}/retry");
        (id, run, path)
    }

    #[tokio::test]
    async fn a_rehearsal_starts_and_repeats_nothing_and_sends_strangers_away() {
        let world = World::new().await;
        let (id, run, path) = a_run_that_failed(&world).await;
        let mut tomas = world.signed_in("tomas").await;
        let empty = tomas.post(&path, &[("run", &run.0), ("reason", " ")]).await;
        assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", empty.words());
        let asked = tomas.post(&path, &[("run", &run.0), ("reason", "the disk has room again")]).await;
        assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
        assert!(asked.words().contains(&format!("Run it again: {}", run.0)), "{}", asked.words());
        assert!(asked.body.contains(&format!("href=\"/incidents/{id}#runs\">Leave it")), "{}", asked.body);
        let before = refusals(&world).await;
        let olga = world.signed_in("olga").await.post(&path, &[("run", &run.0), ("reason", "x")]).await;
        assert_eq!(olga.status, StatusCode::FORBIDDEN, "{}", olga.words());
        assert_eq!(refusals(&world).await, before + 1);
        let incident = world.app.incidents.incident(&id).await.unwrap();
        assert_eq!(incident.current().unwrap().status(), AttemptStatus::Halted);
    }

    #[tokio::test]
    async fn the_repeat_of_an_accepted_form_is_answered_as_the_first_without_a_password() {
        let world = World::new().await;
        let (id, run, path) = a_run_that_failed(&world).await;
        let sent = [("intent", "one-press"), ("run", run.0.as_str()), ("reason", "the disk has room again")];
        let mut tomas = world.confirmed("tomas").await;
        let first = tomas.post(&path, &sent).await;
        assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.words());
        let (refused, version) = (refusals(&world).await, world.app.incidents.incident(&id).await.unwrap().version);
        // The confirmation of this browser is of no time at all.
        let mut stale = world.signed_in("tomas").await;
        let again = stale.post(&path, &sent).await;
        assert_eq!((again.status, again.location()), (first.status, first.location()), "{}", again.words());
        let other = [("intent", "one-press"), ("run", run.0.as_str()), ("reason", "something else")];
        assert_eq!(stale.post(&path, &other).await.status, StatusCode::FORBIDDEN, "a key is for one form");
        assert_eq!(world.signed_in("maya").await.post(&path, &sent).await.status, StatusCode::FORBIDDEN);
        assert_eq!(refusals(&world).await, refused + 2);
        assert_eq!(world.app.incidents.incident(&id).await.unwrap().version, version, "nothing is done twice");
    }

    #[tokio::test]
    async fn forms_about_accounts_and_tokens_are_looked_at_first_too() {
        let world = World::new().await;
        let mut ada = world.signed_in("ada").await;
        for (path, fields) in [
            ("/people", &[("name", "Ann"), ("login", "maya")][..]),
            ("/people", &[("name", ""), ("login", "ann")]),
            ("/tokens", &[("label", "pipeline"), ("days", "91")]),
            ("/tokens", &[("label", ""), ("days", "30")]),
            ("/walls", &[("label", ""), ("audience", "technical")]),
            ("/audit/export", &[("first", "x")]),
        ] {
            let page = ada.post(path, fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {fields:?}: {}", page.words());
        }
        let maya = world.id("maya");
        let me = world.id("ada");
        for (path, fields) in [
            (format!("/people/{me}/roles"), &[("role", "support")][..]),
            (format!("/people/{me}/roles"), &[]),
            (format!("/people/{me}/disable"), &[]),
        ] {
            let page = ada.post(&path, fields).await;
            assert_eq!(page.status, StatusCode::CONFLICT, "{path} {fields:?}: {}", page.words());
            assert!(page.words().contains("last administrator"), "{path} {fields:?}: {}", page.words());
        }
        for (path, fields, button, back) in [
            ("/people".to_owned(), &[("name", "Ann Lee"), ("login", "ann")][..], "Add Ann Lee", "/people".to_owned()),
            ("/tokens".to_owned(), &[("label", "ci"), ("days", "30")], "Make the token “ci”", "/tokens".to_owned()),
            (
                "/walls".to_owned(),
                &[("label", " Office "), ("audience", "technical")],
                "Make a link for “Office”",
                "/walls".to_owned(),
            ),
            (
                format!("/people/{maya}/roles"),
                &[("role", "support")],
                "Change the roles of Maya Okafor",
                format!("/people/{maya}"),
            ),
            (format!("/people/{maya}/disable"), &[], "Disable the account of Maya Okafor", format!("/people/{maya}")),
        ] {
            let page = ada.post(&path, fields).await;
            assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}: {}", page.words());
            assert!(page.words().contains(button), "{path}: {}", page.words());
            assert!(page.body.contains(&format!("href=\"{back}\">Leave it")), "{path}: {}", page.body);
        }
        assert!(world.app.store.tokens().await.unwrap().is_empty());
        assert!(world.app.store.person(&maya.0).await.unwrap().unwrap().active);
    }

    #[tokio::test]
    async fn the_wall_beyond_the_twenty_is_refused_before_the_password_is_asked_for() {
        let world = World::new().await;
        let by = format!("person:{}", world.id("maya"));
        let (mut maya, mut noor) = (world.signed_in("maya").await, world.signed_in("noor").await);
        let form = [("label", "Office"), ("audience", "technical")];
        for place in 0..20 {
            let page = maya.post("/walls", &form).await;
            assert_eq!(page.status, StatusCode::UNAUTHORIZED, "after {place}: {}", page.words());
            walls::invite(&world.app.store, &by, "Office", Audience::Technical, world.now()).await.unwrap();
        }
        let page = maya.post("/walls", &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.words());
        assert!(page.words().contains("You have 20 walls and links."), "{}", page.words());
        assert_eq!(noor.post("/walls", &form).await.status, StatusCode::UNAUTHORIZED, "she has none");
    }
}
