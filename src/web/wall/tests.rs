use crate::access::accounts;
use crate::domain::Span;
use crate::domain::command::Command;
use crate::web::sample::{Browser, PEOPLE, World};
use axum::http::{Method, StatusCode, header};
use futures_util::StreamExt;

/// A screen with an open wall, and the link that opened it.
pub async fn screen(world: &World, audience: &str) -> (Browser, String) {
    let mut maya = world.confirmed("maya").await;
    let made = maya.post("/walls", &[("label", "Big screen"), ("audience", audience)]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.words());
    let at = made.body.find("/wall/open/").expect("the link is shown");
    let link: String = made.body[at..].chars().take_while(|letter| *letter != '"').collect();
    assert!(!maya.get("/walls").await.body.contains("bko_"), "once");
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
