use super::*;
use crate::domain::Span;
use crate::domain::command::Command;
use crate::web::sample::World;

/// An incident whose rollback has run, five minutes after its trigger.
async fn rolled_back(world: &World) -> String {
    let id = world.critical().await;
    world.turn(Span::minutes(5));
    world.authorised(&id).await;
    for action in ["app-rollback", "config-rollback"] {
        if let Ok(Some(claimed)) = world.app.incidents.claim(&id, 1, action).await {
            world.system(&id, Command::NoteRunning { run: claimed.run().clone() }).await;
            world.ends(&id, claimed.run(), 0).await;
        }
    }
    id
}

async fn measures(world: &World, id: &str) -> Measures {
    let looked = world.app.incidents.look(id).await.unwrap();
    Measures::read(&world.app, &looked).await.unwrap()
}

#[tokio::test]
async fn a_value_is_green_only_when_its_criterion_is_met_for_its_full_duration() {
    let world = World::new().await;
    let id = rolled_back(&world).await;
    // Failing until 30 s ago: the look-back of a minute still sees it.
    world.probed(400, 0, |ago| ago < 30).await;
    let failing = measures(&world, &id).await;
    let errors = failing.of_criterion("error-rate-low").unwrap();
    assert_eq!((errors.class, errors.words.as_str()), ("gauge-crit", "not met, beyond the trigger"));
    assert_eq!(failing.of_criterion("response-time-low").unwrap().class, "gauge-ok");

    world.turn(Span::seconds(80));
    world.probed(79, 0, |_| true).await;
    let young = measures(&world, &id).await;
    let errors = young.of_criterion("error-rate-low").unwrap();
    assert_eq!((errors.value.as_str(), errors.class), ("0\u{a0}%", ""), "met, but not for a minute yet");
    assert!(errors.words.starts_with("met since "), "{}", errors.words);

    world.turn(Span::seconds(40));
    world.probed(39, 0, |_| true).await;
    let met = measures(&world, &id).await;
    let errors = met.of_criterion("error-rate-low").unwrap();
    assert_eq!((errors.class, errors.words.as_str()), ("gauge-ok", "met for 1\u{a0}min"));
    let plot = errors.plot.as_ref().unwrap();
    assert!(plot.sentence.starts_with("Error rate peaked at 100\u{a0}% at "), "{}", plot.sentence);
}

#[tokio::test]
async fn silence_has_no_value_and_says_since_when() {
    let world = World::new().await;
    let id = rolled_back(&world).await;
    world.probed(400, 60, |_| true).await;
    let silent = measures(&world, &id).await;
    let errors = silent.of_criterion("error-rate-low").unwrap();
    let since = (world.now() - Span::seconds(60)).time_of_day();
    assert_eq!((errors.value.clone(), errors.class), (format!("no data since {since}"), "gauge-old"));
    assert!(errors.plot.as_ref().unwrap().sentence.ends_with(&format!("No data since {since} UTC.")));
    let page = world.signed_in("olga").await.get(&format!("/incidents/{id}")).await;
    assert!(page.body.contains(&format!("no data since {since}")), "the drawing says it too");
}

#[tokio::test]
async fn without_a_probe_a_criterion_is_not_measured() {
    let world = World::new().await;
    let id = rolled_back(&world).await;
    let none = measures(&world, &id).await;
    let errors = none.of_criterion("error-rate-low").unwrap();
    assert_eq!((errors.value.as_str(), errors.class), ("not measured", "gauge-old"));
    assert!(errors.plot.is_none() && none.at.is_none());
}

#[tokio::test]
async fn the_region_is_the_same_for_everyone_and_needs_no_viewer() {
    let world = World::new().await;
    let id = rolled_back(&world).await;
    world.probed(400, 0, |ago| ago < 200).await;
    let region = measures(&world, &id).await.region().unwrap();
    let section = &region[..region.find("</section>").unwrap()];
    for login in ["maya", "olga"] {
        let mut browser = world.signed_in(login).await;
        let room = browser.get(&format!("/incidents/{id}")).await;
        assert!(room.body.contains(section.trim()), "the room of {login} has another region:\n{section}");
        let verify = browser.get(&format!("/incidents/{id}/verify")).await;
        for cell in ["value-error-rate-low", "trend-error-rate-low", "compared-error-rate-not-improved"] {
            let id = format!("id=\"{cell}\"");
            assert!(region.contains(&id) && verify.body.contains(&id), "{cell}");
        }
        assert!(verify.body.contains(section.trim()), "the verification of {login} has another region");
        for body in [&room.body, &verify.body] {
            let named = body.matches("aria-labelledby=\"measure-error-rate-name").count();
            assert_eq!(named, 2, "the wide drawing and the narrow one take their names from the same words");
            assert_eq!(body.matches("id=\"measure-error-rate-name\"").count(), 1);
        }
    }
}

#[tokio::test]
async fn the_steps_stand_in_the_room_from_the_start_on() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut olga = world.signed_in("olga").await;
    assert!(!olga.get(&format!("/incidents/{id}")).await.body.contains("id=\"windows\""));
    world.authorised(&id).await;
    world.runs(&id, "app-rollback").await;
    world.turn(Span::minutes(3));
    let room = olga.get(&format!("/incidents/{id}")).await;
    assert!(room.words().contains("Planned against actual"), "{}", room.words());
    assert!(room.words().contains("At T+3:00: "), "{}", room.words());
}
