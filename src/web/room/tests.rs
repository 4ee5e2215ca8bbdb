use crate::access::accounts;
use crate::domain::command::Command;
use crate::domain::{Role, Span};
use crate::web::sample::World;
use axum::http::StatusCode;

const TITLE: &str = "Crisis detection stopped flagging messages";

#[tokio::test]
async fn the_first_thing_in_the_room_is_what_the_viewer_must_do() {
    let world = World::new().await;
    let id = world.raised("crisis-detection", TITLE).await;
    let room = format!("/incidents/{id}");
    let page = world.signed_in("maya").await.get(&room).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.words().contains("You, as incident commander Take command"), "{}", page.words());
    let page = world.signed_in("olga").await.get(&room).await;
    let words = page.words();
    assert!(words.contains("Nothing for you right now. Waiting for an incident commander"), "{words}");
    assert!(words.contains("(Maya Okafor or Noor Aziz) to take command"), "{words}");
}

#[tokio::test]
async fn everyone_reads_the_room_and_only_who_may_has_buttons() {
    let world = World::new().await;
    let id = world.critical().await;
    for login in ["maya", "noor", "tomas", "helen", "sam", "olga", "ada"] {
        let page = world.signed_in(login).await.get(&format!("/incidents/{id}")).await;
        assert_eq!(page.status, StatusCode::OK, "{login}: {}", page.body);
        assert!(page.words().contains(TITLE), "{login}");
        let evidence = page.body.contains(&format!("/incidents/{id}/evidence/1"));
        assert_eq!(evidence, !["sam", "olga"].contains(&login), "{login} and the evidence");
        assert!(!page.body.contains("<script>alert"), "markup never acts");
    }
    let olga = world.signed_in("olga").await.get(&format!("/incidents/{id}")).await;
    assert!(!olga.body.contains("/items\""), "an observer ticks nothing");
    assert!(olga.words().contains("No, because"));
}

#[tokio::test]
async fn items_are_ticked_and_taken_back_from_the_room() {
    let world = World::new().await;
    let id = world.critical().await;
    let incident = world.app.incidents.incident(&id).await.unwrap();
    let procedure = crate::playbook::default_procedure();
    let open = |marks: &crate::domain::state::Attempt| {
        procedure.items().map(|(_, _, item)| item.name.clone()).find(|name| !marks.is_marked(name)).unwrap()
    };
    let item = open(incident.current().unwrap());
    let mut maya = world.signed_in("maya").await;
    let path = format!("/incidents/{id}/items");
    let tick = [("intent", "one"), ("attempt", "1"), ("item", item.as_str()), ("act", "done"), ("note", "seen <i>")];
    let done = maya.post(&path, &tick).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert_eq!(maya.post(&path, &tick).await.status, StatusCode::SEE_OTHER, "a second press is no failure");
    let page = maya.get(&format!("/incidents/{id}")).await;
    assert!(page.words().contains("Done: seen"), "{}", page.words());
    let untick = [("attempt", "1"), ("item", item.as_str()), ("act", "untick")];
    assert_eq!(maya.post(&path, &untick).await.status, StatusCode::SEE_OTHER);
    let incident = world.app.incidents.incident(&id).await.unwrap();
    assert!(!incident.current().unwrap().is_marked(&item));
    let reasonless = [("attempt", "1"), ("item", item.as_str()), ("act", "not_applicable"), ("note", "")];
    let refused = maya.post(&path, &reasonless).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.words().contains("This was not done: the reason is empty"), "{}", refused.words());
}

#[tokio::test]
async fn a_refused_form_comes_back_with_what_was_typed() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut tomas = world.signed_in("tomas").await;
    let form = [("to", "P0"), ("reason", "it \"hurts\" people")];
    let same = tomas.post(&format!("/incidents/{id}/severity"), &form).await;
    assert_eq!(same.status, StatusCode::SEE_OTHER, "it is P0 already: no failure");
    let mut olga = world.signed_in("olga").await;
    let refused = olga.post(&format!("/incidents/{id}/take-role"), &[("role", "incident_commander")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("role=\"alert\""));
    let mut maya = world.signed_in("maya").await;
    let refused = maya.post(&format!("/incidents/{id}/severity"), &[("to", "P9"), ("reason", "kept words")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("value=\"kept words\""));
}

#[tokio::test]
async fn a_place_is_offered_and_accepted_and_both_stand_in_the_timeline() {
    let world = World::new().await;
    let id = world.critical().await;
    let noor = world.id("noor");
    let mut maya = world.signed_in("maya").await;
    let offer = [("role", "incident_commander"), ("to", noor.0.as_str())];
    assert_eq!(maya.post(&format!("/incidents/{id}/offer-role"), &offer).await.status, StatusCode::SEE_OTHER);
    let mut browser = world.signed_in("noor").await;
    let page = browser.get(&format!("/incidents/{id}")).await;
    assert!(page.words().contains("Accept the place"), "{}", page.words());
    let accept = browser.post(&format!("/incidents/{id}/accept-role"), &[("role", "incident_commander")]).await;
    assert_eq!(accept.status, StatusCode::SEE_OTHER, "{}", accept.words());
    assert_eq!(world.app.incidents.incident(&id).await.unwrap().commander, Some(noor));
}

#[tokio::test]
async fn an_update_is_worded_beforehand_and_sent_early_from_the_room() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut maya = world.signed_in("maya").await;
    let path = format!("/incidents/{id}/update");
    let words = maya.get(&format!("/incidents/{id}")).await.words();
    assert!(words.contains("Update 1 goes out by itself at"), "{words}");
    let keep = [("number", "1"), ("note", "we are on it"), ("act", "keep")];
    assert_eq!(maya.post(&path, &keep).await.status, StatusCode::SEE_OTHER);
    let send = [("number", "1"), ("note", "we are on it"), ("act", "send")];
    assert_eq!(maya.post(&path, &send).await.status, StatusCode::SEE_OTHER);
    let incident = world.app.incidents.incident(&id).await.unwrap();
    let (_, update) = incident.updates.sent.last().unwrap();
    assert!(update.early && update.text.contains("we are on it"));
    world.turn(Span::minutes(6));
    let late = maya.get(&format!("/incidents/{id}")).await.words();
    assert!(late.contains("overdue 1:00"), "an update past its time is loud: {late}");
}

#[tokio::test]
async fn a_broken_run_halts_the_room_and_the_lead_retries_it() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    let room = format!("/incidents/{id}");
    let mut tomas = world.confirmed("tomas").await;
    let running = tomas.get(&room).await;
    assert!(running.words().contains("Running"), "{}", running.words());
    assert!(running.body.contains(&format!("{room}/runs/{run}")));
    assert!(running.body.contains(&format!("{room}/stop")));
    assert!(running.words().contains("Deployments Frozen"));
    world.ends(&id, &run, 3).await;
    let halted = tomas.get(&room).await.words();
    assert!(halted.contains("The rollback stands still"), "{halted}");
    assert!(halted.contains("exit 3"), "{halted}");
    let retry = [("run", run.0.as_str()), ("reason", "the disk is free again")];
    let done = tomas.post(&format!("{room}/retry"), &retry).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.words());
    assert_eq!(done.location(), format!("{room}#runs"));
}

#[tokio::test]
async fn after_a_failure_the_restoration_is_offered_with_its_loss_and_never_first() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let run = world.runs(&id, "app-rollback").await;
    world.ends(&id, &run, 1).await;
    world.acts("tomas", &id, Command::DeclareFailed { attempt: 1, reason: "it broke".to_owned() }).await;
    let mut maya = world.signed_in("maya").await;
    let page = maya.get(&format!("/incidents/{id}")).await;
    let words = page.words();
    assert!(words.contains("Everything written in the 2 h 0 min since it was taken would be lost"), "{words}");
    let (another, restore) =
        (words.find("Plan another rollback").unwrap(), words.find("Plan restoration from").unwrap());
    assert!(another < restore, "the restoration is never the first button");
    let path = format!("/incidents/{id}/restoration");
    let planned = maya.post(&path, &[("attempt", "1"), ("backup", crate::web::sample::BACKUP)]).await;
    assert_eq!(planned.status, StatusCode::SEE_OTHER, "{}", planned.words());
    assert_eq!(world.app.incidents.incident(&id).await.unwrap().attempts.len(), 2);
}

#[tokio::test]
async fn an_address_that_is_no_incident_leads_nowhere() {
    let world = World::new().await;
    world.critical().await;
    let mut maya = world.signed_in("maya").await;
    for path in ["/incidents/RB-1", "/incidents/RB-0002", "/incidents/rb-0001", "/incidents/RB-00001", "/incidents/x"] {
        assert_eq!(maya.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_call_is_pinned_for_everyone_and_only_over_https() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut maya, room) = (world.signed_in("maya").await, format!("/incidents/{id}"));
    let first = maya.get(&room).await;
    assert!(first.words().contains("Manual rollback procedures"), "the playbook's links stand here: {}", first.words());
    let wrong = [("kind", "call"), ("title", "War room"), ("address", "http://meet.example/rb")];
    let refused = maya.post(&format!("{room}/pin"), &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.words().contains("the address does not begin with https://"), "{}", refused.words());
    assert!(refused.body.contains("value=\"http://meet.example/rb\""), "what was typed stays");
    assert!(refused.body.contains("href=\"#pins\">its form</a>"), "and it is found: {}", refused.body);
    let both = [("kind", "call"), ("title", ""), ("address", "")];
    let words = maya.post(&format!("{room}/pin"), &both).await.words();
    assert!(words.contains("the title is empty, and the address is empty"), "{words}");
    let call = [("kind", "call"), ("title", "War room"), ("address", "https://meet.example/rb")];
    assert_eq!(maya.post(&format!("{room}/pin"), &call).await.location(), format!("{room}#pins"));
    let mut olga = world.signed_in("olga").await;
    let seen = olga.get(&room).await;
    let link = "<a href=\"https://meet.example/rb\" rel=\"noreferrer noopener external\">War room</a>";
    assert!(seen.body.contains(link), "{}", seen.body);
    assert!(!seen.body.contains("/unpin"), "only who pins takes down");
    let down = [("address", "https://meet.example/rb")];
    assert_eq!(olga.post(&format!("{room}/unpin"), &down).await.status, StatusCode::FORBIDDEN);
    assert_eq!(maya.post(&format!("{room}/unpin"), &down).await.status, StatusCode::SEE_OTHER);
    let after = maya.get(&room).await;
    assert!(!after.body.contains("href=\"https://meet.example/rb\""));
    assert!(after.words().contains("took down the link “War room”"), "{}", after.words());
}

#[tokio::test]
async fn whoever_waits_reminds_whom_they_wait_for_once_a_minute_and_it_is_seen() {
    let world = World::new().await;
    let id = world.critical().await;
    let (room, path) = (format!("/incidents/{id}"), format!("/incidents/{id}/remind"));
    let maya_id = world.id("maya").0;
    let approve = [("task", "approve"), ("of", "incident_commander"), ("role", ""), ("person", maya_id.as_str())];
    let (mut sam, mut helen) = (world.signed_in("sam").await, world.signed_in("helen").await);
    let (mut maya, mut ada) = (world.signed_in("maya").await, world.signed_in("ada").await);
    let count = async || {
        let journal = world.app.incidents.journal(&id).await.unwrap();
        journal.iter().filter(|one| matches!(one.event, crate::domain::event::Event::Reminded { .. })).count()
    };
    let before = sam.get(&room).await;
    assert!(before.body.contains(&format!("action=\"{path}\"")), "{}", before.body);
    // Nobody reminds without a role, nor themselves, nor of what does not wait.
    assert_eq!(ada.post(&path, &approve).await.status, StatusCode::FORBIDDEN);
    let own = maya.post(&path, &approve).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    assert!(own.words().contains("this waits for you"), "{}", own.words());
    let verify = [("task", "verify"), ("of", ""), ("role", ""), ("person", maya_id.as_str())];
    sam.post(&path, &verify).await;
    let stranger = [("task", "approve"), ("of", "incident_commander"), ("role", ""), ("person", "nobody-known")];
    sam.post(&path, &stranger).await;
    let odd = [("task", "approve"), ("of", ""), ("role", "king"), ("person", "")];
    assert_eq!(sam.post(&path, &odd).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(count().await, 0);

    assert_eq!(sam.post(&path, &approve).await.location(), format!("{room}#next"));
    let shown = sam.get(&room).await;
    assert!(shown.words().contains("You reminded Maya Okafor"), "{}", shown.words());
    assert!(!shown.body.contains(&format!("action=\"{path}\"")), "not again at once: {}", shown.body);
    assert!(!shown.body.contains("data-reminded"), "it is loud for her alone");
    for page in ["/", &room] {
        let hers = maya.get(page).await;
        assert!(hers.words().contains("Sam Ellery reminded you"), "{page}: {}", hers.words());
        assert!(hers.body.contains("data-reminded"), "{page}");
    }
    let told = helen.get(&format!("{room}/timeline")).await.words();
    assert!(told.contains("Sam Ellery reminded Maya Okafor to authorise the rollback to 4.11.3"), "{told}");
    world.turn(Span::seconds(59));
    helen.post(&path, &approve).await;
    assert_eq!(count().await, 1, "once a minute, whoever asks");
    world.turn(Span::seconds(1));
    helen.post(&path, &approve).await;
    assert_eq!(count().await, 2);
    assert!(maya.get("/").await.words().contains("Helen Brandt reminded you"));
    world.authorised(&id).await;
    for page in ["/", &room] {
        let done = world.signed_in("maya").await.get(page).await.words();
        assert!(!done.contains("reminded you"), "what is done is reminded of no more: {done}");
    }
}

#[tokio::test]
async fn what_waits_once_more_is_not_reminded_of_yet() {
    let world = World::new().await;
    let id = world.raised("slow-responses", "Slow answers").await;
    world.acts("maya", &id, Command::TakeRole { role: Role::IncidentCommander }).await;
    world.acts("tomas", &id, Command::TakeRole { role: Role::TechnicalLead }).await;
    world.acts("tomas", &id, Command::SubmitPlan { attempt: 1 }).await;
    let (maya_id, path) = (world.id("maya").0, format!("/incidents/{id}/remind"));
    let approve = [("task", "approve"), ("of", "incident_commander"), ("role", ""), ("person", maya_id.as_str())];
    world.signed_in("sam").await.post(&path, &approve).await;
    let mut maya = world.signed_in("maya").await;
    assert!(maya.get("/").await.words().contains("Sam Ellery reminded you"));
    world.authorised(&id).await;
    let digest = world.digest(&id).await;
    world.acts("maya", &id, Command::WithdrawApproval { attempt: 1, digest }).await;
    let anew = maya.get("/").await.words();
    assert!(anew.contains("Authorise the rollback to 4.11.3") && !anew.contains("reminded you"), "{anew}");
}

#[tokio::test]
async fn a_role_that_is_waited_for_is_reminded_and_its_holders_see_it() {
    let world = World::new().await;
    let id = world.raised("crisis-detection", TITLE).await;
    let command = [("task", "take_command"), ("of", ""), ("role", "incident_commander"), ("person", "")];
    let path = format!("/incidents/{id}/remind");
    assert_eq!(world.signed_in("olga").await.post(&path, &command).await.status, StatusCode::SEE_OTHER);
    for login in ["maya", "noor"] {
        let page = world.signed_in(login).await.get("/").await.words();
        assert!(page.contains("Olga Lind reminded you"), "{login}: {page}");
    }
    let page = world.signed_in("helen").await.get(&format!("/incidents/{id}")).await.words();
    assert!(page.contains("Olga Lind reminded everyone in the role incident commander"), "{page}");
}

#[tokio::test]
async fn of_two_things_of_one_kind_the_one_that_was_meant_is_reminded_of() {
    let world = World::new().await;
    let id = world.critical().await;
    let (store, noor) = (&world.app.store, world.id("noor"));
    let both = [Role::IncidentCommander, Role::TechnicalLead];
    accounts::change_roles(store, "system", &noor.0, &both, world.now()).await.unwrap();
    world.acts("maya", &id, Command::OfferRole { role: Role::IncidentCommander, to: noor.clone() }).await;
    world.acts("tomas", &id, Command::OfferRole { role: Role::TechnicalLead, to: noor.clone() }).await;
    let (room, path) = (format!("/incidents/{id}"), format!("/incidents/{id}/remind"));
    let mut sam = world.signed_in("sam").await;
    for (of, others) in [("technical_lead", 1), ("incident_commander", 0)] {
        let meant = [("task", "accept_role"), ("of", of), ("role", ""), ("person", noor.0.as_str())];
        assert_eq!(sam.post(&path, &meant).await.location(), format!("{room}#next"));
        let page = sam.get(&room).await;
        assert_eq!(page.body.matches("value=\"accept_role\"").count(), others, "after {of}: {}", page.body);
    }
    let told = sam.get(&format!("{room}/timeline")).await.words();
    for place in ["technical lead", "incident commander"] {
        let meant = format!("Sam Ellery reminded Noor Aziz to accept the place of the {place}");
        assert!(told.contains(&meant), "{meant}: {told}");
    }
}

#[tokio::test]
async fn the_step_that_stands_open_is_the_one_under_way() {
    let world = World::new().await;
    let id = world.critical().await;
    world.authorised(&id).await;
    let room = format!("/incidents/{id}");
    let mut tomas = world.signed_in("tomas").await;
    let open = |page: &str| {
        let lists = page.split("<details class=\"card fold\" id=\"list-").skip(1);
        let names = lists.filter_map(|list| list.split_once('"')).filter(|(_, rest)| rest.starts_with(" open>"));
        names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    let actions: Vec<String> = {
        let incident = world.app.incidents.incident(&id).await.unwrap();
        incident.current().unwrap().plan().unwrap().actions.iter().map(|action| action.name.clone()).collect()
    };
    for action in actions {
        let run = world.runs(&id, &action).await;
        // Far beyond every window: the run alone says what is under way.
        world.turn(Span::minutes(20));
        let page = tomas.get(&room).await;
        let open = open(&page.body);
        assert!(open.len() == 1 && open[0] != "step-4", "while it runs: {open:?}");
        world.ends(&id, &run, 0).await;
    }
    let page = tomas.get(&room).await;
    assert_eq!(open(&page.body), ["step-4"]);
}
