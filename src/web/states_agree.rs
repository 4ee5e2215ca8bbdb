//! In what state an incident is, every page says alike: whom it waits for, for what, and that nothing waits any more.

use crate::domain::command::Command;
use crate::domain::event::Mark;
use crate::domain::state::IndicatorSign;
use crate::web::sample::World;

async fn words(world: &World, login: &str, path: &str) -> String {
    world.signed_in(login).await.get(path).await.words()
}

/// An action is held back for items, and they are ticked.
#[tokio::test]
async fn once_the_items_are_ticked_nobody_is_said_to_tick_and_all_know_who_goes_on() {
    let world = World::new().await;
    let id = world.restoring(None).await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 0).await;
    assert!(world.app.incidents.claim(&id, 1, "database-rollback").await.unwrap().is_none());
    let (room, update) = (format!("/incidents/{id}"), format!("/incidents/{id}/update"));
    let told = words(&world, "maya", &update).await;
    assert!(told.contains("Waiting for: Tomás Rivera to tick first: Stop application writes, "), "{told}");
    for item in ["stop-writes", "backup-current-state"] {
        let mark = Mark::Done { note: String::new() };
        world.acts("tomas", &id, Command::Tick { attempt: 1, item: item.to_owned(), mark }).await;
    }
    for (login, path) in [("tomas", &room), ("maya", &room), ("helen", &room), ("maya", &update)] {
        let told = words(&world, login, path).await;
        assert!(!told.contains("ick first") && !told.contains("Held back: these items"), "{login} {path}: {told}");
    }
    let told = words(&world, "tomas", &room).await;
    assert!(told.contains("is ticked by now. Press “Check again and go on”."), "{told}");
    let told = words(&world, "helen", &room).await;
    assert!(told.contains("Waiting for Tomás Rivera to check again and go on: Restore the database"), "{told}");
    assert!(told.contains("Tomás Rivera presses “Check again and go on”."), "{told}");
    let told = words(&world, "maya", &update).await;
    assert!(told.contains("Waiting for: Tomás Rivera to check again and go on: Restore"), "{told}");
}

/// A failure indicator that is seen is a question to those who may declare the failure, and no secret to the others.
#[tokio::test]
async fn a_failure_indicator_that_is_seen_stands_before_everything_else_everywhere() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let plan = world.app.incidents.incident(&id).await.unwrap().current().unwrap().plan().unwrap().clone();
    for action in &plan.actions {
        let run = world.runs(&id, &action.name).await;
        world.ends(&id, &run, 0).await;
    }
    let marked = |sign| Command::MarkIndicator {
        attempt: 1,
        indicator: "application-failing".to_owned(),
        sign,
        note: "logins fail".to_owned(),
    };
    world.acts("tomas", &id, marked(IndicatorSign::Seen)).await;
    let room = format!("/incidents/{id}");
    const DECIDE: &str = "Decide whether it failed: 1 failure indicator is seen Tomás Rivera saw “Application still \
                          failing” at 03:14:28 UTC: logins fail.";
    for login in ["tomas", "maya"] {
        let told = words(&world, login, &room).await;
        assert!(told.contains(DECIDE), "{login}: {told}");
        let page = world.signed_in(login).await.get(&room).await.body;
        assert!(page.contains(&format!("href=\"{room}/verify#fail\"")), "{login}");
    }
    let verify = words(&world, "tomas", &format!("{room}/verify")).await;
    assert!(verify.contains(DECIDE) && !verify.contains("Tick the 6 remaining"), "{verify}");
    let told = words(&world, "helen", &room).await;
    assert!(told.contains("Waiting for Tomás Rivera to decide whether it failed: 1 failure indicator"), "{told}");
    let told = words(&world, "maya", &format!("{room}/update")).await;
    assert!(told.contains("Rivera or Maya Okafor to decide whether it failed, because this was seen: “App"), "{told}");
    let told = words(&world, "helen", &format!("{room}/impact")).await;
    assert!(told.contains("Application still failing: seen at 03:14 UTC"), "{told}");
    world.acts("tomas", &id, marked(IndicatorSign::NotSeen)).await;
    for path in [room.clone(), format!("{room}/update"), format!("{room}/impact")] {
        let told = words(&world, "maya", &path).await;
        assert!(
            !told.contains("ecide whether it failed")
                && !told.contains("still failing: seen")
                && !told.contains("this was seen"),
            "{path}: {told}"
        );
    }
}
