//! What was measured, seen and written by runs, and the intents of forms.

use super::{T, after};
use backout::store::{Intent, Sample, Store, StoreError, TriggerState};

pub async fn presence(store: &Store) {
    let pair = |incident: &str, person: &str| (incident.to_owned(), person.to_owned());
    store.be_present(&[pair("RB-0001", "p-bo"), pair("RB-0001", "p-ada"), pair("RB-0002", "p-ada")], T).await.unwrap();
    store.be_present(&[pair("RB-0001", "p-ada")], after(20)).await.unwrap();
    store.be_present(&[], after(30)).await.unwrap();
    let seen =
        |rows: Vec<backout::store::Presence>| rows.into_iter().map(|row| (row.person, row.seen_at)).collect::<Vec<_>>();
    let both = [("p-ada".to_owned(), after(20)), ("p-bo".to_owned(), T)];
    assert_eq!(seen(store.present("RB-0001").await.unwrap()), both);
    assert_eq!(store.delete_presence_before(after(20)).await.unwrap(), 2);
    assert_eq!(seen(store.present("RB-0001").await.unwrap()), both[..1]);
    assert_eq!(seen(store.present("RB-0002").await.unwrap()), []);
}

pub async fn readings(store: &Store) {
    store.note_reading("RB-0001", "p-bo", after(5)).await.unwrap();
    store.note_reading("RB-0001", "p-ada", T).await.unwrap();
    store.note_reading("RB-0001", "p-ada", after(20)).await.unwrap();
    store.note_reading("RB-0002", "p-ada", after(30)).await.unwrap();
    let read = |person: &str, first_at, last_at| backout::store::Reading { person: person.into(), first_at, last_at };
    let both = [read("p-ada", T, after(20)), read("p-bo", after(5), after(5))];
    assert_eq!(store.readings("RB-0001").await.unwrap(), both, "the first time stays, the last is the last");
    assert_eq!(store.readings("RB-0003").await.unwrap(), []);
}

pub async fn logs_and_hosts(store: &Store) {
    let told = store.lines();
    let firsts = |chunks: Vec<backout::store::LogChunk>| chunks.into_iter().map(|c| c.first_line).collect::<Vec<_>>();
    assert_eq!(store.log_end("run-1").await.unwrap(), 0);
    assert!(store.append_log("run-1", 0, 3, b"a\nb\nc\n").await.unwrap());
    assert!(told.has_changed().unwrap(), "whoever reads along is told");
    assert!(store.append_log("run-1", 3, 1, b"\xff\x00\n").await.unwrap());
    assert!(store.append_log("run-1", 4, 2, b"e\nf\n").await.unwrap());
    assert!(!store.append_log("run-1", 3, 1, b"again\n").await.unwrap(), "a chunk copied twice changes nothing");
    assert!(store.append_log("run-2", 0, 1, b"other\n").await.unwrap());
    assert_eq!(store.log_end("run-1").await.unwrap(), 6);
    assert_eq!(firsts(store.log_from("run-1", 0, 9).await.unwrap()), [0, 3, 4]);
    assert_eq!(firsts(store.log_from("run-1", 2, 9).await.unwrap()), [0, 3, 4], "the chunk that holds the line");
    assert_eq!(firsts(store.log_from("run-1", 3, 1).await.unwrap()), [3]);
    assert_eq!(firsts(store.log_from("run-1", 5, 9).await.unwrap()), [4]);
    assert_eq!(firsts(store.log_from("run-1", 6, 9).await.unwrap()), [0; 0]);
    let chunk = &store.log_from("run-1", 3, 1).await.unwrap()[0];
    assert_eq!((chunk.run.as_str(), chunk.count, &chunk.bytes[..]), ("run-1", 1, &b"\xff\x00\n"[..]));
    assert_eq!(store.log_end("run-2").await.unwrap(), 1);

    store.saw_host("h1", "alpha", T).await.unwrap();
    store.saw_host("h2", "beta", after(1)).await.unwrap();
    store.saw_host("h1", "alpha2", after(2)).await.unwrap();
    let host = store.host("h1").await.unwrap().unwrap();
    assert_eq!((host.name.as_str(), host.seen_at), ("alpha2", after(2)));
    assert_eq!(store.host("h3").await.unwrap(), None);
}

pub async fn samples_triggers_and_counters(store: &Store) {
    let sample = |series: &str, at: i64| Sample { series: series.into(), at: after(at), value: at * 10 };
    let many: Vec<Sample> = (0..2500).map(|at| sample("errors", at)).collect();
    assert_eq!(store.insert_samples(&many).await.unwrap(), 2500);
    assert_eq!(store.insert_samples(&[sample("errors", 7), sample("latency", 7)]).await.unwrap(), 1);
    assert_eq!(store.insert_samples(&[]).await.unwrap(), 0);
    assert_eq!(store.samples("errors", after(5), after(8)).await.unwrap(), many[5..8]);
    assert_eq!(store.delete_samples_before(after(8)).await.unwrap(), 9);
    assert_eq!(store.samples("errors", T, after(10)).await.unwrap(), many[8..10]);

    let state = TriggerState {
        key: "errors/checkout".into(),
        state: "pending".into(),
        since: T,
        body: "{}".into(),
        updated_at: T,
    };
    let other = TriggerState { key: "Errors/cart".into(), ..state.clone() };
    store.put_trigger_state(&state).await.unwrap();
    store.put_trigger_state(&other).await.unwrap();
    let breached = TriggerState { state: "breached".into(), since: after(1), updated_at: after(2), ..state };
    store.put_trigger_state(&breached).await.unwrap();
    assert_eq!(store.trigger_state("errors/checkout").await.unwrap().as_ref(), Some(&breached));
    assert_eq!(store.trigger_state("none").await.unwrap(), None);
    assert_eq!(store.trigger_states().await.unwrap(), [other, breached], "in one order whatever the collation");

    assert_eq!(store.count_up("refused", T).await.unwrap().count, 1);
    store.count_up("Repeats", T).await.unwrap();
    let counter = store.count_up("refused", after(5)).await.unwrap();
    assert_eq!((counter.count, counter.first_at, counter.last_at), (2, T, after(5)));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.take_counter("refused").await.unwrap(), Some(counter));
    assert_eq!(tx.take_counter("refused").await.unwrap(), None);
    assert_eq!(tx.take_counter("Repeats").await.unwrap().unwrap().count, 1, "each key has its own");
    tx.commit().await.unwrap();
}

pub async fn intents(store: &Store) {
    let intent = Intent {
        key: "k1".into(),
        person: "p-ada".into(),
        stream: "incident/RB-0001".into(),
        fingerprint: "f1".into(),
        first_seq: 1,
        last_seq: 2,
        at: T,
    };
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.intent("k1").await.unwrap(), None);
    tx.insert_intent(&intent).await.unwrap();
    let again = Intent { person: "p-bob".into(), ..intent.clone() };
    assert_eq!(tx.insert_intent(&again).await, Err(StoreError::Duplicate));
    tx.commit().await.unwrap();
    assert_eq!(store.intent("k1").await.unwrap(), Some(intent));
    assert_eq!(store.delete_intents_before(T).await.unwrap(), 0);
    assert_eq!(store.delete_intents_before(after(1)).await.unwrap(), 1);
}
