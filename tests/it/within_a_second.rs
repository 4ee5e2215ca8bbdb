//! What one does, the others have within a second (L1); whose right has ended hears nothing more within a second (INV-15).
//!
//! How bounds of time are held without failing on a busy machine is told in [`crate::support::bounds`].

use crate::access_harness::{Browser, CHEAP, HOST, PASSWORD};
use crate::support::bounds::{PROMISED, TRIES, quick};
use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{IC, IncidentWorld, Room};
use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use backout::access::accounts::{self, Newcomer, add_with_password};
use backout::access::password::Passwords;
use backout::app::App;
use backout::domain::Role;
use backout::domain::command::Command;
use backout::web::layers::Peer;
use backout::web::{AppState, Site, router};
use futures_util::StreamExt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Longer than anything takes that passes.
const PATIENCE: Duration = Duration::from_secs(20);

fn server(app: App) -> AppState {
    let site = Site::new("https://backout.example", false, vec![]).unwrap();
    AppState::new(site, app, Passwords::new(CHEAP, 2))
}

/// A viewer's open stream.
struct Stream(BodyDataStream);

impl Stream {
    async fn of(router: &Router, browser: &Browser, room: &str) -> Stream {
        let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::get(format!("/incidents/{room}/live"))
            .header("host", HOST)
            .header("cookie", cookies.join("; "))
            .extension(Peer(SocketAddr::from(([10, 0, 0, 1], 4_000))))
            .body(Body::empty())
            .unwrap();
        let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Stream(response.into_body().into_data_stream())
    }

    /// The next piece; nothing at the end.
    async fn next(&mut self) -> Option<String> {
        let piece = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something comes, or the end");
        piece.map(|piece| String::from_utf8_lossy(&piece.unwrap()).into_owned())
    }

    async fn until(&mut self, words: &str) {
        while !self.next().await.expect("the stream goes on").contains(words) {}
    }

    async fn until_its_end(&mut self) {
        while self.next().await.is_some() {}
    }
}

on_both! {
    async fn what_is_written_through_one_server_is_heard_through_another_and_a_right_that_ended_is_gone(database) {
        let world = IncidentWorld::new(database).await;
        let here = world.app().await;
        // SQLite has one server.
        let there = if world.is_postgres() { world.app().await } else { here.clone() };
        let room = Room::p0(&here).await;
        let viewed = server(there);
        let pages = router(viewed.clone());
        let hash = viewed.passwords.hash(PASSWORD).await.unwrap();
        let (mut heard, mut ended) = (Vec::new(), Vec::new());
        for number in 0..TRIES {
            let login = format!("viewer-{number}");
            let newcomer = Newcomer { login: login.clone(), name: login.clone(), roles: vec![Role::TechnicalLead] };
            let now = world.clock.now();
            let person = add_with_password(&here.store, &newcomer, hash.clone(), now).await.unwrap();
            let mut browser = Browser::of(pages.clone()).from([10, 1, 0, number as u8]);
            assert_eq!(browser.sign_in(&login, PASSWORD).await.status, StatusCode::SEE_OTHER);
            let mut stream = Stream::of(&pages, &browser, &room.id).await;
            stream.until("\n\n").await;

            room.must(IC, Command::AddNote { text: format!("note {number}") }).await;
            let written = Instant::now();
            stream.until("event: entry").await;
            heard.push(written.elapsed());

            accounts::set_active(&here.store, "system", &person, false, world.clock.now()).await.unwrap();
            let revoked = Instant::now();
            stream.until_its_end().await;
            ended.push(revoked.elapsed());
        }
        assert!(quick(heard.clone()) < PROMISED, "heard after {heard:?}");
        assert!(quick(ended.clone()) < PROMISED, "ended after {ended:?}");
    }
}
