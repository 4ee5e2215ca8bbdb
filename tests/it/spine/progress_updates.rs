//! The promise of progress updates: each exactly once, whoever serves and however often it is restarted.

use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    FIRST, IC, IncidentWorld, NOON, OBSERVER, Room, TL, assert_whole, counted_runs, drive,
};
use backout::app::App;
use backout::clock::ManualClock;
use backout::demo::world::BACKUP;
use backout::domain::command::{Command, Outcome};
use backout::domain::event::{Event, UpdateSent};
use backout::domain::state::AttemptStatus;
use backout::domain::{Role, Span};
use backout::playbook::DEFAULT;
use backout::worker::deadlines;

/// Every update that went out.
async fn sent(room: &Room) -> Vec<UpdateSent> {
    let sent = |event: &Event| match event {
        Event::UpdateSent(update) => Some(update.clone()),
        _ => None,
    };
    room.journal().await.iter().filter_map(|recorded| sent(&recorded.event)).collect()
}

async fn numbers(room: &Room) -> Vec<u32> {
    sent(room).await.iter().map(|update| update.number).collect()
}

async fn opened(database: Database) -> (IncidentWorld, ManualClock, App, Room) {
    let (world, clock) = IncidentWorld::at_noon(database).await;
    let app = world.app().await;
    let room = Room::p0(&app).await;
    (world, clock, app, room)
}

on_both! {
    async fn every_promise_is_kept_once_across_a_restart(database) {
        let (world, clock, app, room) = opened(database).await;
        let mut app = app;
        for beat in 1..=6 {
            clock.turn(Span::seconds(299));
            assert_eq!(deadlines::step(&app).await.unwrap(), 0, "not a second early");
            clock.turn(Span::seconds(1));
            if beat % 2 == 0 {
                app.store.close().await;
                app = world.app().await;
            }
            assert_eq!(deadlines::step(&app).await.unwrap(), 1);
            assert_eq!(deadlines::step(&app).await.unwrap(), 0, "and not twice");
        }
        let room = room.through(&app);
        let sent = sent(&room).await;
        assert_eq!(numbers(&room).await, [1, 2, 3, 4, 5, 6]);
        for (update, beat) in sent.iter().zip(1..) {
            assert_eq!(update.due_at, NOON + Span::minutes(5 * beat));
            assert!(!update.early && !update.late && update.missed.is_empty(), "{update:?}");
        }
        assert_whole(&app.store).await;
    }

    async fn nobody_floods_those_who_read_and_words_bear_their_writers_name(database) {
        let (_world, clock, _app, room) = opened(database).await;
        room.take_command().await;
        room.app.store.set_roles(OBSERVER, &["support".to_owned()]).await.unwrap();
        let kept = "error rate 0 %\nall is well";
        room.must(IC, Command::EditUpdate { number: 1, note: kept.to_owned() }).await;
        room.must(OBSERVER, Command::SendUpdate { number: 1, note: Some(kept.to_owned()) }).await;
        let early = Command::SendUpdate { number: 2, note: Some("and more".to_owned()) };
        for _ in 0..2 {
            let refusal = room.refusal(OBSERVER, early.clone()).await;
            assert_eq!(refusal.because, "update 1 went out a moment ago");
            assert!(refusal.mend.contains("from 12:01:00 UTC on"), "{refusal}");
            clock.turn(Span::seconds(59));
        }
        room.must(OBSERVER, early).await;
        let sent = sent(&room).await;
        assert!(sent[0].text.contains(&format!("{IC}: error rate 0 %\n{IC}: all is well")), "{}", sent[0].text);
        assert!(sent[1].text.contains(&format!("{OBSERVER}: and more")), "{}", sent[1].text);
        // At its time it goes out whatever was sent before.
        clock.turn(Span::minutes(5));
        assert_eq!(deadlines::step(&room.app).await.unwrap(), 1);
    }

    async fn a_closed_incident_takes_a_hundred_notes_more(database) {
        let (_world, _clock, _app, room) = opened(database).await;
        room.take_command().await;
        for _ in 0..2 {
            room.must(IC, Command::AddNote { text: "while it is open".to_owned() }).await;
        }
        room.clear().await;
        room.must(IC, Command::Close { outcome: Outcome::NotRolledBack, reason: "a vendor".to_owned() }).await;
        for _ in 0..100 {
            room.must(OBSERVER, Command::AddNote { text: "afterwards".to_owned() }).await;
        }
        let refusal = room.refusal(OBSERVER, Command::AddNote { text: "one more".to_owned() }).await;
        assert!(refusal.because.contains("100 notes were written since"), "{refusal}");
    }

    async fn two_that_serve_at_once_send_each_once(database) {
        let (world, clock, app, room) = opened(database).await;
        let other = world.app().await;
        for _ in 0..30 {
            clock.turn(Span::minutes(5));
            let steps = [&app, &other, &app, &other].map(|app| {
                let app = app.clone();
                tokio::spawn(async move { deadlines::step(&app).await.unwrap() })
            });
            let mut done = 0;
            for step in steps {
                done += step.await.unwrap();
            }
            assert_eq!(done, 1, "one of them sent it, the others were quietly refused");
        }
        assert_eq!(numbers(&room).await, (1..=30).collect::<Vec<u32>>());
        assert_whole(&app.store).await;
    }

    async fn after_an_outage_one_goes_out_at_once_and_what_was_missed_is_said(database) {
        let (world, clock, app, room) = opened(database).await;
        app.store.close().await;
        clock.turn(Span::minutes(16));
        let app = world.app().await;
        let room = room.through(&app);
        assert_eq!(deadlines::step(&app).await.unwrap(), 1);
        assert_eq!(deadlines::step(&app).await.unwrap(), 0);
        let sent = sent(&room).await;
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].number, &sent[0].missed[..], sent[0].late), (3, &[1, 2][..], true));
        let missed = sent[0].missed.len() + usize::from(sent[0].late);
        assert_eq!(missed, 3, "three promises passed: two in silence, and the third is told late");
        assert_eq!(sent[0].next_due_at, Some(NOON + Span::minutes(20)), "and the beat is the old one");
        clock.turn(Span::minutes(4));
        assert_eq!(deadlines::step(&app).await.unwrap(), 1);
        assert_eq!(numbers(&room).await, [3, 4]);
    }

    async fn one_that_goes_out_early_moves_the_next(database) {
        let (_world, clock, app, room) = opened(database).await;
        room.take_command().await;
        clock.turn(Span::minutes(3));
        room.must(IC, Command::SendUpdate { number: 1, note: Some("We know the cause.".to_owned()) }).await;
        let again = room.refusal(IC, Command::SendUpdate { number: 1, note: None }).await;
        assert!(again.because.contains("went out already"), "{again}");
        clock.turn(Span::minutes(2));
        assert_eq!(deadlines::step(&app).await.unwrap(), 0, "the first promise was kept early");
        clock.turn(Span::minutes(3));
        assert_eq!(deadlines::step(&app).await.unwrap(), 1, "five minutes after the early one");
        let sent = sent(&room).await;
        assert_eq!(numbers(&room).await, [1, 2]);
        assert!(sent[0].early && !sent[1].early && !sent[1].late);
        assert_eq!(sent[1].due_at, NOON + Span::minutes(8));
    }

    async fn an_attempt_that_failed_is_told_beside_the_one_that_goes_on_from_it(database) {
        let (_world, clock, app, room) = opened(database).await;
        room.take_command().await;
        room.approve(IC, "incident_commander").await;
        let (runs, _) = counted_runs(&app);
        drive(&app, &[&runs]).await;
        room.reaches(AttemptStatus::Verifying).await;
        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
        room.must(TL, Command::DeclareFailed { attempt: FIRST, reason: "the data is broken".to_owned() }).await;
        let next = async || {
            clock.turn(Span::minutes(5));
            assert_eq!(deadlines::step(&app).await.unwrap(), 1);
            sent(&room).await.pop().unwrap().text
        };
        let failed = next().await;
        assert!(failed.contains("failed") && failed.contains("Step: ended before it was done; 1 of 1 actions done"), "{failed}");
        room.must(TL, Command::DraftRestoration { escalates: FIRST, backup: BACKUP.to_owned() }).await;
        let planned = next().await;
        assert!(planned.contains("attempt 1 failed; rollback being planned"), "{planned}");
    }

    async fn nothing_is_promised_after_the_outcome_was_said(database) {
        let (_world, clock, app, room) = opened(database).await;
        room.take_command().await;
        clock.turn(Span::minutes(1));
        room.must(IC, Command::WithdrawPlan { attempt: 1, reason: "a false alarm".to_owned() }).await;
        room.must(IC, Command::Close { outcome: Outcome::Dismissed, reason: "a false alarm".to_owned() }).await;
        let last = sent(&room).await;
        assert_eq!((last.len(), last[0].next_due_at), (1, None), "the last one says the outcome");
        assert!(last[0].text.contains("a false alarm"), "{}", last[0].text);
        clock.turn(Span::hours(3));
        assert_eq!(deadlines::step(&app).await.unwrap(), 0);
        assert_eq!(sent(&room).await.len(), 1);
        assert_eq!(app.store.next_due().await.unwrap(), None);
    }

    async fn where_a_person_must_speak_the_miss_is_recorded_once_across_restarts_and_replicas(database) {
        let (world, clock) = IncidentWorld::at_noon(database).await;
        let demanding = DEFAULT.replace("sent = \"by_itself\"", "sent = \"by_person\"");
        let app = world.app().await;
        app.playbooks.load(&app.store, &demanding, "system", NOON).await.unwrap();
        let (room, other) = (Room::p0(&app).await, world.app().await);
        room.take_command().await;
        let told = async || {
            let kinds = room.journal().await.into_iter().map(|recorded| recorded.event);
            kinds.filter_map(|event| match event {
                Event::UpdateAwaited { number, .. } => Some(format!("called {number}")),
                Event::UpdateMissed { numbers, .. } => Some(format!("missed {numbers:?}")),
                Event::UpdateEscalated { number, .. } => Some(format!("escalated {number}")),
                Event::UpdateSent(sent) => Some(format!("sent {} missed {:?}", sent.number, sent.missed)),
                _ => None,
            }).collect::<Vec<String>>()
        };
        let both = async || {
            let steps = [&app, &other, &app].map(|app| {
                let app = app.clone();
                tokio::spawn(async move { deadlines::step(&app).await.unwrap() })
            });
            for step in steps {
                step.await.unwrap();
            }
        };
        clock.turn(Span::seconds(239));
        both().await;
        assert_eq!(told().await, Vec::<String>::new());
        clock.turn(Span::seconds(1));
        both().await;
        assert_eq!(told().await, ["called 1"], "a minute before its time its writer is called");
        clock.turn(Span::minutes(1));
        both().await;
        assert_eq!(told().await[1..], ["missed [1]"], "at its very time");
        clock.turn(Span::minutes(1));
        both().await;
        both().await;
        assert_eq!(told().await[2..], ["escalated 1"], "and then the next contact, once");
        clock.turn(Span::minutes(9));
        both().await;
        assert_eq!(told().await[3..], ["missed [2, 3]"], "the server was away for two more");
        room.must(IC, Command::SendUpdate { number: 1, note: Some("We are back.".to_owned()) }).await;
        assert_eq!(told().await[4..], ["sent 3 missed [1, 2]"]);
        assert_eq!(app.store.next_due().await.unwrap(), Some(NOON + Span::minutes(19)), "the next is called for");
        clock.turn(Span::minutes(4));
        both().await;
        room.must(IC, Command::SendUpdate { number: 4, note: None }).await;
        both().await;
        assert_eq!(told().await[5..], ["called 4", "sent 4 missed []"], "in time nothing is missed");
        assert_whole(&app.store).await;
    }
}
