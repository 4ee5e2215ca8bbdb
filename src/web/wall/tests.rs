use crate::access::accounts;
use crate::domain::Span;
use crate::domain::command::Command;
use crate::web::sample::{Browser, PEOPLE, World};
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;

/// A screen with an open wall, and the link that opened it.
pub async fn screen(world: &World, audience: &str) -> (Browser, String) {
    screen_of(world, "maya", audience).await
}

/// The same of another maker.
async fn screen_of(world: &World, maker: &str, audience: &str) -> (Browser, String) {
    let mut maker = world.confirmed(maker).await;
    let made = maker.post("/walls", &[("label", "Big screen"), ("audience", audience)]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.words());
    let at = made.body.find("/wall/open/").expect("the link is shown");
    let link: String = made.body[at..].chars().take_while(|letter| *letter != '"').collect();
    assert!(!maker.get("/walls").await.body.contains("bko_"), "once");
    let mut screen = world.nobody();
    assert_eq!(screen.get("/wall").await.status, StatusCode::GONE);
    let offered = screen.get(&link).await;
    assert_eq!((offered.status, &offered.headers[header::REFERRER_POLICY]), (StatusCode::OK, &super::NO_REFERRER));
    assert_eq!(screen.get("/wall").await.status, StatusCode::GONE, "a link that is looked at opens nothing");
    let opened = screen.post(&link, &[]).await;
    assert_eq!((opened.status, opened.location()), (StatusCode::SEE_OTHER, "/wall"));
    assert!(!opened.headers[header::SET_COOKIE].to_str().unwrap().contains(link.trim_start_matches("/wall/open/")));
    (screen, link)
}

#[tokio::test]
async fn a_wall_shows_roles_instead_of_names_and_its_link_opens_once() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    world.runs(&id, "app-rollback").await;
    let (mut technical, link) = screen(&world, "technical").await;
    let (mut management, _) = screen(&world, "management").await;
    let mut thief = world.nobody();
    for answer in [thief.get(&link).await, thief.post(&link, &[]).await] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "it was opened already");
    }
    let both = [technical.get("/wall").await, management.get("/wall").await];
    for shown in &both {
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.words());
        assert!(shown.words().contains("Crisis detection stopped flagging messages"), "{}", shown.words());
        for (_, name, _) in PEOPLE {
            assert!(!shown.body.contains(name), "{name} is on the wall");
        }
        assert!(!shown.body.contains("/evidence/") && !shown.body.contains("<form"), "it is to be read only");
    }
    assert!(both[0].words().contains("4.11.3") && both[0].words().contains("Error rate"), "{}", both[0].words());
    assert!(!both[1].words().contains("4.11.3"), "no version for management: {}", both[1].words());
    for path in ["/", &format!("/incidents/{id}"), "/live", "/audit"] {
        assert_ne!(technical.get(path).await.status, StatusCode::OK, "{path}");
    }
    let bearer = world.nobody().get("/wall/live").await;
    assert_eq!(bearer.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_wall_ends_after_a_day_with_its_makers_account_and_by_hand() {
    for how in ["a day", "its maker", "by hand"] {
        let world = World::new().await;
        world.critical().await;
        let (mut screen, _) = screen(&world, "technical").await;
        assert_eq!(screen.get("/wall").await.status, StatusCode::OK);
        let path = format!("/wall/live?after={}", world.app.store.head().await.unwrap().seq);
        let (parts, body) = screen.ask(Method::GET, &path, String::new(), &[]).await;
        assert_eq!(
            (parts.status, &parts.headers[header::CACHE_CONTROL]),
            (StatusCode::OK, &"no-store, no-transform".parse().unwrap())
        );
        let mut stream = body.into_data_stream();
        let tokens = world.app.store.tokens().await.unwrap();
        let wall = tokens.iter().find(|token| token.scope.starts_with("wall ")).unwrap();
        match how {
            "a day" => world.turn(Span::hours(24)),
            "its maker" => {
                let maker = world.id("maya").0;
                accounts::set_active(&world.app.store, "system", &maker, false, world.now()).await.unwrap();
            }
            _ => {
                let mut olga = world.signed_in("olga").await;
                let end = format!("/walls/{}/end", wall.id);
                assert_eq!(olga.post(&end, &[]).await.status, StatusCode::FORBIDDEN);
                let mut maya = world.signed_in("maya").await;
                assert_eq!(maya.post(&end, &[]).await.status, StatusCode::SEE_OTHER);
            }
        }
        assert_eq!(screen.get("/wall").await.status, StatusCode::GONE, "{how}");
        let ends = async { while let Some(Ok(_)) = stream.next().await {} };
        tokio::time::timeout(std::time::Duration::from_secs(15), ends).await.expect(how);
    }
}

#[tokio::test]
async fn a_wall_hears_that_something_happened() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut screen, _) = screen(&world, "management").await;
    let path = format!("/wall/live?after={}", world.app.store.head().await.unwrap().seq);
    let (_, body) = screen.ask(Method::GET, &path, String::new(), &[]).await;
    let mut stream = body.into_data_stream();
    world.acts("maya", &id, Command::AddNote { text: "a secret name".to_owned() }).await;
    let mut heard = String::new();
    while !heard.contains("event: entry") {
        heard.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(!heard.contains("secret"), "{heard}");
}

#[tokio::test]
async fn one_person_has_twenty_walls_and_a_wall_eight_streams() {
    let world = World::new().await;
    let mut maya = world.confirmed("maya").await;
    let wish = [("label", "One more"), ("audience", "technical")];
    for _ in 0..20 {
        assert_eq!(maya.post("/walls", &wish).await.status, StatusCode::OK);
    }
    let refused = maya.post("/walls", &wish).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.words().contains("You have 20 walls and links."), "{}", refused.words());
    assert_eq!(world.app.store.tokens().await.unwrap().len(), 20);
    let (mut one, _) = screen_of(&world, "tomas", "technical").await;
    let (mut other, _) = screen_of(&world, "tomas", "technical").await;
    // Links that nobody opened are over after a while, and count no more.
    world.turn(Span::minutes(15));
    let mut maya = world.confirmed("maya").await;
    assert_eq!(maya.post("/walls", &wish).await.status, StatusCode::OK);

    let path = format!("/wall/live?after={}", world.app.store.head().await.unwrap().seq);
    let mut streams = Vec::new();
    for _ in 0..8 {
        let (parts, body) = one.ask(Method::GET, &path, String::new(), &[]).await;
        assert_eq!(parts.status, StatusCode::OK);
        streams.push(body);
    }
    let (parts, _) = one.ask(Method::GET, &path, String::new(), &[]).await;
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE);
    let (parts, _) = other.ask(Method::GET, &path, String::new(), &[]).await;
    assert_eq!(parts.status, StatusCode::OK, "another screen is not in its way");
}

#[tokio::test]
async fn a_strangers_guess_waits_for_no_writer() {
    let world = World::new().await;
    let (_, link) = screen(&world, "technical").await;
    let mut writing = world.app.store.begin().await.unwrap();
    writing.lock_head().await.unwrap();
    let mut stranger = world.nobody();
    for guess in [link, format!("/wall/open/bko_{}", "A".repeat(43)), "/wall/open/x".to_owned()] {
        let answers = async { [stranger.get(&guess).await.status, stranger.post(&guess, &[]).await.status] };
        let answers = tokio::time::timeout(std::time::Duration::from_secs(3), answers).await;
        assert_eq!(answers.expect("it took the writer"), [StatusCode::NOT_FOUND; 2], "{guess}");
    }
    writing.rollback().await.unwrap();
}
