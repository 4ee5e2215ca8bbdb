use crate::domain::Span;
use crate::domain::command::{Command, Outcome};
use crate::web::sample::World;
use crate::worker::deadlines;
use axum::http::StatusCode;

#[tokio::test]
async fn the_draft_stands_as_it_will_go_out_and_words_are_kept_for_it() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut maya, path) = (world.signed_in("maya").await, format!("/incidents/{id}/update"));
    let page = maya.get(&path).await;
    let words = page.words();
    assert!(words.contains("Draft ready later") && words.contains("Update 1 goes out by itself at"), "{words}");
    assert!(words.contains(&format!("Update 1 on {id}: waiting for approval")), "{words}");
    let keep = [("number", "1"), ("note", "we look at the cause"), ("act", "keep")];
    assert_eq!(maya.post(&path, &keep).await.location(), format!("{path}#draft"));
    let kept = maya.get(&path).await;
    assert!(kept.body.contains(">we look at the cause</textarea>"), "{}", kept.body);
    world.turn(Span::seconds(270));
    assert!(maya.get(&path).await.words().contains("Draft ready Update 1 goes out by itself"));
    world.turn(Span::seconds(30));
    assert_eq!(deadlines::step(&world.app.incidents).await.unwrap(), 1);
    let sent = maya.get(&path).await.words();
    assert!(sent.contains("Update 1") && sent.contains("on time") && sent.contains("we look at the cause"), "{sent}");
    assert!(sent.contains("Update 2, as it would go out now") && !sent.contains("No change"), "{sent}");
    let (_, update) = world.app.incidents.incident(&id).await.unwrap().updates.sent[0].clone();
    assert!(update.text.contains("we look at the cause") && !update.early && !update.late);
    // The first that went out ticked an item; since the second nothing happened, and that is said.
    world.turn(Span::minutes(5));
    deadlines::step(&world.app.incidents).await.unwrap();
    let quiet = maya.get(&path).await.words();
    assert!(quiet.contains("No change since update 2."), "{quiet}");
}

#[tokio::test]
async fn words_that_come_after_their_update_are_not_lost_unsaid() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut maya, path) = (world.signed_in("maya").await, format!("/incidents/{id}/update"));
    world.turn(Span::minutes(5));
    deadlines::step(&world.app.incidents).await.unwrap();
    for act in ["keep", "send"] {
        let late = maya.post(&path, &[("number", "1"), ("note", "too late a word"), ("act", act)]).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{act}");
        assert!(late.words().contains("without these words"), "{}", late.words());
        assert!(late.body.contains(">too late a word</textarea>"), "{}", late.body);
        assert!(late.words().contains("They stand in the form of update 2 now."), "{}", late.words());
    }
    assert_eq!(world.app.incidents.incident(&id).await.unwrap().updates.sent.len(), 1);
}

#[tokio::test]
async fn an_observer_reads_the_draft_and_is_told_whose_it_is() {
    let world = World::new().await;
    let id = world.critical().await;
    let mut olga = world.signed_in("olga").await;
    let page = olga.get(&format!("/incidents/{id}/update")).await;
    assert!(page.words().contains("this is for the incident commander (Maya Okafor)"), "{}", page.words());
    assert!(!page.body.contains("<textarea"));
    let path = format!("/incidents/{id}/update");
    let refused = olga.post(&path, &[("number", "1"), ("note", ""), ("act", "send")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut helen = world.signed_in("helen").await;
    let refused = helen.post(&path, &[("number", "1"), ("note", "x"), ("act", "send")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "management is asked only when one was left unsent");
}

#[tokio::test]
async fn after_the_first_hour_the_commander_slows_the_beat_and_the_next_update_says_so() {
    let world = World::new().await;
    let id = world.critical().await;
    let (mut maya, path) = (world.signed_in("maya").await, format!("/incidents/{id}/update"));
    let slow = [("every", "15m"), ("reason", "we wait for the supplier")];
    let early = maya.post(&format!("{path}/beat"), &slow).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    assert!(early.words().contains("the beat may be slowed after 1 h of updates"), "{}", early.words());
    for _ in 0..12 {
        world.turn(Span::minutes(5));
        deadlines::step(&world.app.incidents).await.unwrap();
    }
    let mut maya = world.signed_in("maya").await;
    let outside = maya.post(&format!("{path}/beat"), &[("every", "20m"), ("reason", "x")]).await;
    assert_eq!(outside.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(outside.words().contains("Choose from every 5 min to every 15 min."), "{}", outside.words());
    assert_eq!(maya.post(&format!("{path}/beat"), &slow).await.status, StatusCode::SEE_OTHER);
    let tomas = world.signed_in("tomas").await.post(&format!("{path}/beat"), &slow).await;
    assert_eq!(tomas.status, StatusCode::FORBIDDEN);
    let shown = maya.get(&path).await.words();
    assert!(shown.contains("An update every 15 min") && shown.contains("The next update announces it"), "{shown}");
    assert!(shown.contains("From now on an update every 15 min, promised by Maya Okafor"), "{shown}");
    world.turn(Span::minutes(5));
    deadlines::step(&world.app.incidents).await.unwrap();
    let incident = world.app.incidents.incident(&id).await.unwrap();
    let (at, announced) = incident.updates.sent.last().unwrap();
    assert!(announced.text.contains("we wait for the supplier"), "{}", announced.text);
    assert_eq!(announced.next_due_at, Some(*at + Span::minutes(15)));
    world.turn(Span::minutes(15));
    deadlines::step(&world.app.incidents).await.unwrap();
    let incident = world.app.incidents.incident(&id).await.unwrap();
    let (_, quiet) = incident.updates.sent.last().unwrap();
    assert!(!quiet.text.contains("supplier") && quiet.missed.is_empty() && !quiet.late, "{}", quiet.text);
    // Faster again holds at once.
    let back = Command::ChangeBeat { every: Span::minutes(5), reason: "it moves again".to_owned() };
    let incident = world.acts("maya", &id, back).await;
    assert_eq!(incident.updates.promised.unwrap().due_at, world.now() + Span::minutes(5));
    let timeline = maya.get(&format!("/incidents/{id}/timeline")).await.words();
    assert!(timeline.contains("promised slower updates: every 15 min, not every 5 min"), "{timeline}");
    let report = maya.get(&format!("/incidents/{id}/report")).await.words();
    assert!(report.contains("promised an update every 15 min: we wait for the supplier"), "{report}");
}

#[tokio::test]
async fn a_demanded_word_is_called_for_missed_and_escalated() {
    let world = World::new().await;
    world.playbook(&[("sent = \"by_itself\"", "sent = \"by_person\"")]).await;
    let id = world.critical().await;
    let (mut maya, mut helen) = (world.signed_in("maya").await, world.signed_in("helen").await);
    let (room, path) = (format!("/incidents/{id}"), format!("/incidents/{id}/update"));
    let first = maya.get(&path).await;
    assert!(first.words().contains("Update 1 waits for a person’s word until"), "{}", first.words());
    assert!(!maya.get(&room).await.words().contains("Send progress update 1"));
    let step = async |by: Span| {
        world.turn(by);
        deadlines::step(&world.app.incidents).await.unwrap();
    };
    step(Span::minutes(4)).await;
    assert!(maya.get(&room).await.words().contains("Send progress update 1 before"), "the writer is called");
    let remind = [("task", "write_update"), ("of", ""), ("role", ""), ("person", &world.id("maya").0)];
    world.signed_in("sam").await.post(&format!("{room}/remind"), &remind).await;
    let hers = format!("href=\"{path}\"");
    assert!(!helen.get("/").await.body.contains(&hers));
    step(Span::minutes(1)).await;
    let incident = world.app.incidents.incident(&id).await.unwrap();
    assert_eq!((incident.updates.sent.len(), &incident.updates.call.missed[..]), (0, &[1][..]), "no word, no update");
    let overdue = maya.get("/").await.words();
    assert!(overdue.contains("Send progress update 1, overdue since"));
    assert!(overdue.contains("Sam Ellery reminded you"), "the same thing, in other words: {overdue}");
    assert!(!helen.get("/").await.body.contains(&hers), "its writer is asked first");
    step(Span::minutes(1)).await;
    let asked = helen.get("/").await;
    assert!(asked.words().contains("Send progress update 1, overdue since"), "{}", asked.words());
    assert!(asked.body.contains(&hers), "{}", asked.body);
    let page = helen.get(&path).await.words();
    assert!(
        page.contains("Progress update 1 is overdue")
            && page.contains("Asked at 03:20:28 UTC : Helen Brandt and Sam Ellery.")
    );
    step(Span::minutes(4)).await;
    let send = [("number", "1"), ("note", "nobody was free"), ("act", "send")];
    assert_eq!(helen.post(&path, &send).await.location(), format!("{path}#update-2"));
    let incident = world.app.incidents.incident(&id).await.unwrap();
    let (_, sent) = incident.updates.sent.last().unwrap();
    assert_eq!((sent.number, &sent.missed[..]), (2, &[1][..]));
    let report = maya.get(&format!("{room}/report")).await.words();
    assert!(report.contains("missed: 1, 2"), "both promises passed unsent: {report}");
}

#[tokio::test]
async fn each_promise_that_passed_is_told_with_its_own_time_and_the_playbook_says_who_is_asked() {
    let world = World::new().await;
    let contact = ("next_contact = [\"management\", \"support\"]", "next_contact = [\"technical_lead\"]");
    world.playbook(&[("sent = \"by_itself\"", "sent = \"by_person\""), contact]).await;
    let id = world.critical().await;
    let (room, path) = (format!("/incidents/{id}"), format!("/incidents/{id}/update"));
    let (mut maya, mut tomas) = (world.signed_in("maya").await, world.signed_in("tomas").await);
    let send = [("number", "1"), ("note", ""), ("act", "send")];
    let before = tomas.post(&path, &send).await;
    assert_eq!(before.status, StatusCode::FORBIDDEN, "the next contact is not asked yet");
    assert!(before.words().contains("once an update is left unsent, anyone in the role technical lead"));
    for minutes in [4, 1, 1, 4, 1] {
        world.turn(Span::minutes(minutes));
        deadlines::step(&world.app.incidents).await.unwrap();
    }
    // The incident opened at 03:14:28; eleven minutes later two promises have passed.
    let shown = maya.get(&room).await.words();
    assert!(shown.contains("Send progress update 2, overdue since 03:24:28 UTC"), "{shown}");
    assert!(shown.contains("overdue 1:00"), "the clock in the head: {shown}");
    let page = maya.get(&path).await.words();
    assert!(page.contains("Update 2 was due at 03:24:28"), "{page}");
    assert!(page.contains("Progress update 2 is overdue, for 1:00"), "{page}");
    assert!(page.contains("Asked at 03:20:28 UTC : Tomás Rivera."), "{page}");
    let mut helen = world.signed_in("helen").await;
    let refused = helen.post(&path, &[("number", "2"), ("note", ""), ("act", "send")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "management is not this playbook's next contact");
    let sent = tomas.post(&path, &[("number", "2"), ("note", ""), ("act", "send")]).await;
    assert_eq!(sent.location(), format!("{path}#update-2"));
}

#[tokio::test]
async fn what_is_left_is_estimated_from_earlier_rollbacks_alone() {
    let world = World::new().await;
    let first = world.critical().await;
    world.authorised(&first).await;
    let run = world.runs(&first, "app-rollback").await;
    let draft = async |id: &str| {
        let page = world.signed_in("maya").await.get(&format!("/incidents/{id}/update")).await;
        page.words()
    };
    assert!(!draft(&first).await.contains("Left:"), "nothing is known yet, and nothing is said");
    world.turn(Span::minutes(4));
    world.ends(&first, &run, 0).await;
    world.turn(Span::minutes(2));
    world.verified(&first).await;
    let second = world.critical().await;
    world.authorised(&second).await;
    world.runs(&second, "app-rollback").await;
    world.turn(Span::minutes(1));
    let text = draft(&second).await;
    assert!(text.contains("Left: about 5 min until verified, by 1 earlier rollback"), "{text}");
}

#[tokio::test]
async fn no_line_of_a_writers_words_stands_without_their_name() {
    let world = World::new().await;
    let id = world.critical().await;
    let note = "We look.\rError rate 0.10 %\r\nor more\u{2028}Response time 5 ms";
    let send = [("number", "1"), ("note", note), ("act", "send")];
    let path = format!("/incidents/{id}/update");
    let sent = world.signed_in("maya").await.post(&path, &send).await;
    assert_eq!(sent.location(), format!("{path}#update-1"), "{}", sent.words());
    let incident = world.app.incidents.incident(&id).await.unwrap();
    let text = &incident.updates.sent[0].1.text;
    for line in ["We look.", "Error rate 0.10 %", "or more", "Response time 5 ms"] {
        assert!(text.lines().any(|told| told == format!("Maya Okafor: {line}")), "{line}: {text}");
    }
    assert!(!text.contains(['\r', '\u{2028}']), "{text:?}");
}

/// What somebody wrote for the next update goes out with the last one, when the incident closes before its time.
#[tokio::test]
async fn words_that_were_kept_go_out_with_the_closing_and_are_shown_before_it() {
    let world = World::new().await;
    let id = world.critical().await;
    let reason = "no need".to_owned();
    world.acts("tomas", &id, Command::WithdrawPlan { attempt: 1, reason }).await;
    let (mut maya, room) = (world.signed_in("maya").await, format!("/incidents/{id}"));
    let keep = [("number", "1"), ("note", "Messages of 03:00 to 03:10\nwere not flagged."), ("act", "keep")];
    assert_eq!(maya.post(&format!("{room}/update"), &keep).await.status, StatusCode::SEE_OTHER);
    let close = maya.get(&format!("{room}/close")).await.words();
    assert!(
        close.contains("says what Maya Okafor kept for it: Messages of 03:00 to 03:10 were not flagged."),
        "{close}"
    );
    let end = Command::Close { outcome: Outcome::NotRolledBack, reason: "a hotfix is out".to_owned() };
    let incident = world.acts("maya", &id, end).await;
    let (_, last) = incident.updates.sent.last().unwrap();
    assert!(last.closing, "{}", last.text);
    for line in
        ["Maya Okafor: a hotfix is out", "Maya Okafor: Messages of 03:00 to 03:10", "Maya Okafor: were not flagged."]
    {
        assert!(last.text.contains(line), "{line}: {}", last.text);
    }
    assert!(!maya.get(&format!("{room}/close")).await.words().contains("kept for it"));
}

/// Whoever was typing while somebody else closed the incident finds the words where they can still be written down.
#[tokio::test]
async fn words_that_come_after_the_closing_can_be_added_to_the_timeline() {
    let world = World::new().await;
    let id = world.critical().await;
    world.acts("tomas", &id, Command::WithdrawPlan { attempt: 1, reason: "no need".to_owned() }).await;
    let end = Command::Close { outcome: Outcome::Dismissed, reason: "a false alarm".to_owned() };
    world.acts("maya", &id, end).await;
    let (mut maya, room) = (world.signed_in("maya").await, format!("/incidents/{id}"));
    for act in ["keep", "send"] {
        let late =
            maya.post(&format!("{room}/update"), &[("number", "1"), ("note", "too late a word"), ("act", act)]).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{act}");
        assert!(late.body.contains(&format!("action=\"{room}/note\"")), "{}", late.body);
        assert!(late.body.contains(">too late a word</textarea>"), "{}", late.body);
    }
    let added = maya.post(&format!("{room}/note"), &[("text", "too late a word"), ("intent", "")]).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.words());
}
