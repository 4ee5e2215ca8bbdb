//! Whoever asks may vanish at any moment, and a form may be sent twice: an effect is there once and whole, or not at all.

use super::same_cause::repeats;
use crate::support::databases::{Database, on_both};
use crate::support::incident_world::{
    FIRST, IC, IncidentWorld, MANAGEMENT, Room, TL, assert_whole, person, refusal_of, trigger,
};
use backout::app::App;
use backout::clock::fresh_id;
use backout::domain::Role;
use backout::domain::actor::Actor;
use backout::domain::command::Command;
use backout::domain::event::{Event, Mark};
use backout::domain::refusal::RefusalKind;
use backout::executor::order::sha256_hex;
use std::time::Duration;

const ROUNDS: u64 = 50;

/// Random moments that can be had again: the seed is printed, and `BACKOUT_TEST_SEED` sets it.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Dice {
        let fresh = || u64::from_str_radix(&sha256_hex(fresh_id().as_bytes())[..15], 16).unwrap();
        let seed = std::env::var("BACKOUT_TEST_SEED").map_or_else(|_| fresh(), |seed| seed.parse().unwrap());
        println!("BACKOUT_TEST_SEED={seed}");
        Dice(seed | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn note(text: &str) -> Command {
    Command::AddNote { text: text.to_owned() }
}

/// Journal, summary row and one-time key, seen in one snapshot: how often the note stands there.
async fn seen_at_once(app: &App, id: &str, text: &str, key: &str) -> usize {
    let mut snapshot = app.store.snapshot().await.unwrap();
    let entries = snapshot.entries(&App::stream(id), 0, 10_000).await.unwrap();
    let notes: Vec<i64> = entries
        .iter()
        .filter(|entry| {
            let body = entry.body.as_deref().unwrap();
            matches!(Event::read(&entry.kind, body), Ok(Event::NoteAdded { text: found }) if found == text)
        })
        .map(|entry| entry.seq)
        .collect();
    let intent = snapshot.intent(key).await.unwrap();
    let board = snapshot.board(id).await.unwrap().unwrap();
    assert_eq!(board.version, entries.last().unwrap().version, "the summary row is the journal's");
    match (&notes[..], &intent) {
        ([], None) => {}
        ([seq], Some(intent)) => assert!((intent.first_seq..=intent.last_seq).contains(seq)),
        other => panic!("half an effect: {other:?}"),
    }
    notes.len()
}

on_both! {
    async fn a_caller_that_vanishes_leaves_the_whole_or_nothing(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = Room::p0(&app).await;
        let mut dice = Dice::new();
        let (mut there_at_once, mut there_in_the_end) = (0, 0);
        for round in 0..ROUNDS {
            let (text, key) = (format!("note {round}"), format!("key-{round}"));
            let caller = tokio::spawn({
                let (app, id, text, key) = (app.clone(), room.id.clone(), text.clone(), key.clone());
                async move { app.submit(&id, person(IC), note(&text), Some(key)).await.map(|_| ()) }
            });
            let caller_gone = tokio::time::timeout(Duration::from_micros(dice.below(12_000)), async {
                std::future::pending::<()>().await;
            });
            let _ = caller_gone.await;
            caller.abort();
            there_at_once += seen_at_once(&app, &room.id, &text, &key).await;
            // The same form once more: done now, or answered as the first time.
            let again = app.submit(&room.id, person(IC), note(&text), Some(key.clone())).await.unwrap();
            there_in_the_end += usize::from(again.repeated);
            assert_eq!(seen_at_once(&app, &room.id, &text, &key).await, 1);
        }
        println!("of {ROUNDS}: {there_at_once} whole when the caller vanished, {there_in_the_end} whole without help");
        assert_whole(&app.store).await;
    }

    async fn one_form_sent_many_times_has_one_effect(database) {
        let world = IncidentWorld::new(database).await;
        let (app, other) = world.two().await;
        let room = Room::p0(&app).await;
        for round in 0..20 {
            let accepted = app.submit(&room.id, person(IC), note("serial"), Some("serial".to_owned())).await.unwrap();
            assert_eq!(accepted.repeated, round > 0);
        }
        let calls: Vec<_> = (0..20)
            .map(|number| {
                let (app, id) = (if number % 2 == 0 { app.clone() } else { other.clone() }, room.id.clone());
                tokio::spawn(async move {
                    app.submit(&id, person(IC), note("parallel"), Some("parallel".to_owned())).await.unwrap().repeated
                })
            })
            .collect();
        let mut first = 0;
        for call in calls {
            first += usize::from(!call.await.unwrap());
        }
        assert_eq!((first, room.count("NoteAdded").await), (1, 2));
        // Another person with that key, and the same person for something else.
        for (who, text) in [(TL, "serial"), (MANAGEMENT, "parallel"), (IC, "something else")] {
            let key = if text == "parallel" { "parallel" } else { "serial" };
            let refusal = refusal_of(app.submit(&room.id, person(who), note(text), Some(key.to_owned())).await);
            assert_eq!(refusal.kind, RefusalKind::NotYours, "{refusal}");
        }
        assert_eq!(room.count("NoteAdded").await, 2);
        assert_whole(&app.store).await;
    }

    async fn one_form_that_raises_opens_or_joins_once(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let key = |name: &str| Some(name.to_owned());
        let raise = async |who: &str, name: &str, form: &str| {
            app.raise(person(who), trigger(name, app.clock.now()), key(form)).await
        };
        let opened = raise(IC, "error-rate", "first").await.unwrap();
        let again = raise(IC, "error-rate", "first").await.unwrap();
        assert!(!opened.repeated && again.repeated && opened.incident.id == again.incident.id);
        let refusal = refusal_of(raise(TL, "error-rate", "first").await);
        assert_eq!(refusal.kind, RefusalKind::NotYours, "another person's key: {refusal}");
        let refusal = refusal_of(raise(IC, "availability", "first").await);
        assert_eq!(refusal.kind, RefusalKind::NotYours, "a used key: {refusal}");
        let joined = raise(IC, "availability", "second").await.unwrap();
        assert_eq!(joined.incident.id, opened.incident.id);
        assert!(raise(IC, "availability", "second").await.unwrap().repeated);
        let room = Room { app: app.clone(), id: opened.incident.id.clone() };
        assert_eq!(joined.incident.triggers.len(), 2);
        for trigger in &joined.incident.triggers {
            let repeats = repeats(&app, &room, &trigger.fingerprint).await;
            assert_eq!(repeats, 0, "the same form is no repeat of the trigger");
        }
        assert_eq!((room.count("Opened").await, room.count("TriggerJoined").await), (1, 1));
    }

    async fn a_trigger_whose_caller_vanishes_opens_one_whole_incident_or_none(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let mut dice = Dice::new();
        for round in 0..ROUNDS {
            let mut raised = trigger("data-breach", app.clock.now());
            raised.trigger.fingerprint = format!("breach-{round}");
            let caller = tokio::spawn({
                let (app, raised) = (app.clone(), raised.clone());
                async move { app.raise(Actor::SYSTEM, raised, Some(format!("key-{round}"))).await.map(|_| ()) }
            });
            let _ = tokio::time::timeout(Duration::from_micros(dice.below(15_000)), std::future::pending::<()>()).await;
            caller.abort();
            let mut snapshot = app.store.snapshot().await.unwrap();
            for row in snapshot.recent(1_000, None).await.unwrap() {
                assert_eq!(row.version, snapshot.version(&App::stream(&row.incident)).await.unwrap());
            }
            drop(snapshot);
            app.raise(Actor::SYSTEM, raised, Some(format!("key-{round}"))).await.unwrap();
            assert_eq!(app.store.recent(1_000, None).await.unwrap().len() as u64, round + 1);
        }
        assert_whole(&app.store).await;
    }

    async fn a_ticking_hand_that_lets_go_ticks_once(database) {
        let world = IncidentWorld::new(database).await;
        let app = world.app().await;
        let room = Room::p0(&app).await;
        room.must(TL, Command::TakeRole { role: Role::TechnicalLead }).await;
        let tick = Command::Tick {
            attempt: FIRST,
            item: "review-impact".to_owned(),
            mark: Mark::Done { note: String::new() },
        };
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let (room, tick) = (room.clone(), tick.clone());
                tokio::spawn(async move { room.ask(TL, tick).await })
            })
            .collect();
        for (number, call) in calls.iter().enumerate() {
            if number % 3 == 0 {
                call.abort();
            }
        }
        for call in calls {
            if let Ok(Err(fault)) = call.await {
                assert_eq!(refusal_of(Err::<(), _>(fault)).kind, RefusalKind::AlreadyDone);
            }
        }
        let ticks = room.find_all(|event| matches!(event, Event::ItemMarked { item, .. } if item == "review-impact"));
        assert_eq!(ticks.await, 1);
        assert_whole(&app.store).await;
    }
}
