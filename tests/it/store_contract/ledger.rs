//! The ledger, its board and what keeps a form from being done twice.

use super::{T, after, said};
use backout::domain::Timestamp;
use backout::store::{BoardRow, GENESIS, NewEntry, Store, StoreError, newest_schema, text_hash};

pub async fn the_ledger(store: &Store) {
    let empty = store.head().await.unwrap();
    assert_eq!((empty.seq, empty.hash.as_str(), empty.at, empty.schema), (0, GENESIS, Timestamp(0), newest_schema()));

    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.lock_head().await.unwrap(), empty);
    let first = tx.append("incident/RB-0001", Some(0), T, "ada", &[said("opened"), said("assessed")]).await.unwrap();
    assert_eq!(tx.append("incident/RB-0001", Some(2), T, "ada", &[]).await.unwrap(), []);
    let more = tx.append("access", None, after(1), "", &[said("signed_in")]).await.unwrap();
    assert_eq!(tx.version("access").await.unwrap(), 1, "a transaction sees what it wrote");
    tx.commit().await.unwrap();
    assert_eq!(*store.commits().borrow(), 3);

    let places = |entries: &[backout::store::Entry]| -> Vec<(i64, i64)> {
        entries.iter().map(|entry| (entry.seq, entry.version)).collect()
    };
    assert_eq!(places(&first), [(1, 1), (2, 2)]);
    assert_eq!(places(&more), [(3, 1)]);
    assert_eq!(first[0].body_hash, text_hash("{\"said\":\"opened\"}"));
    assert_eq!(store.entries("incident/RB-0001", 0, 10).await.unwrap(), first);
    assert_eq!(store.entries("incident/RB-0001", 1, 10).await.unwrap(), first[1..]);
    assert_eq!(store.entries("incident/RB-0001", 0, 1).await.unwrap(), first[..1]);
    assert_eq!(store.entries("incident/RB-0002", 0, 10).await.unwrap(), []);
    assert_eq!(places(&store.tail(1, 10).await.unwrap()), [(2, 2), (3, 1)]);
    assert_eq!(places(&store.tail(0, 1).await.unwrap()), [(1, 1)]);
    assert_eq!(places(&store.entries_before(3, 10).await.unwrap()), [(2, 2), (1, 1)]);
    assert_eq!(store.entry(3).await.unwrap().as_ref(), more.first());
    assert_eq!(store.entry(4).await.unwrap(), None);
    assert_eq!(store.version("incident/RB-0001").await.unwrap(), 2);
    assert_eq!(store.version("incident/RB-0002").await.unwrap(), 0);
    let head = store.head().await.unwrap();
    assert_eq!((head.seq, &head.hash, head.at), (3, &more[0].hash, after(1)));

    // Whoever expected another version is told so, and nothing is written.
    for expected in [0, 1, 3] {
        let mut tx = store.begin().await.unwrap();
        let refused = tx.append("incident/RB-0001", Some(expected), T, "bob", &[said("late")]).await;
        assert_eq!(refused, Err(StoreError::Conflict), "expected {expected}");
        tx.rollback().await.unwrap();
    }
    // A clock that went back does not take the ledger's time back.
    let mut tx = store.begin().await.unwrap();
    let late = tx.append("incident/RB-0001", Some(2), after(-3600), "ada", &[said("went back")]).await.unwrap();
    assert_eq!(late[0].at, after(1));
    tx.commit().await.unwrap();
    assert_eq!(store.head().await.unwrap().at, after(1));

    // Text of every kind comes back byte for byte.
    let mut tx = store.begin().await.unwrap();
    let odd = "{\"b\":1, \"a\":2,\"a\":3,\"text\":\"Grüße 🚒 \\u0000 '; DROP TABLE ledger; --\"}";
    tx.append("access", None, T, "Ödön", &[NewEntry::new("odd", odd), said("plain")]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.entry(5).await.unwrap().unwrap().body.as_deref(), Some(odd));

    // A purge drops bodies, keeps headers, and leaves the chain whole.
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.purge_stream("incident/RB-0001").await.unwrap(), 3);
    assert_eq!(tx.purge_stream("incident/RB-0001").await.unwrap(), 0);
    tx.commit().await.unwrap();
    let purged = store.entry(1).await.unwrap().unwrap();
    assert_eq!((purged.body, purged.hash), (None, first[0].hash.clone()));
    let verified = store.verify().await.unwrap().unwrap();
    assert_eq!((verified.entries, verified.head), (6, store.head().await.unwrap()));
}

pub fn row(number: i64) -> BoardRow {
    BoardRow {
        incident: format!("RB-{number:04}"),
        number,
        version: 1,
        title: "Checkout fails".into(),
        severity: "P1".into(),
        category: "errors".into(),
        environment: "production".into(),
        component: "checkout".into(),
        decision: "rollback".into(),
        status: "open".into(),
        phase: "assessing".into(),
        outcome: None,
        opened_at: after(number * 60),
        closed_at: None,
        commander: None,
        technical_lead: None,
        attempt: 0,
        next_due: None,
        locked_components: vec![],
        frozen: false,
        waits_for: "[]".into(),
        updated_at: T,
    }
}

pub async fn the_board(store: &Store) {
    let names = |rows: Vec<BoardRow>| rows.into_iter().map(|row| row.number).collect::<Vec<_>>();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.next_number().await.unwrap(), 1);
    for number in 1..=5 {
        tx.put_board(&row(number)).await.unwrap();
    }
    assert_eq!(tx.next_number().await.unwrap(), 6);
    let closed = BoardRow {
        status: "closed".into(),
        outcome: Some("rolled back".into()),
        closed_at: Some(after(900)),
        next_due: Some(after(5000)),
        version: 9,
        frozen: true,
        ..row(2)
    };
    let locking = BoardRow {
        locked_components: vec!["checkout".into(), "cart \"x\"".into()],
        commander: Some("p-ada".into()),
        technical_lead: Some("p-bob".into()),
        next_due: Some(after(300)),
        attempt: 2,
        waits_for: "[{\"role\":\"ic\"}]".into(),
        updated_at: after(7),
        ..row(3)
    };
    let elsewhere = BoardRow { environment: "staging".into(), component: "search".into(), ..row(4) };
    for row in [&closed, &locking, &elsewhere] {
        tx.put_board(row).await.unwrap();
    }
    tx.commit().await.unwrap();

    for row in [closed, locking, elsewhere] {
        assert_eq!(store.board(&row.incident).await.unwrap(), Some(row));
    }
    assert_eq!(store.board("RB-9999").await.unwrap(), None);
    assert_eq!(names(store.open_all().await.unwrap()), [1, 3, 4, 5]);
    assert_eq!(names(store.open_in("production", "checkout").await.unwrap()), [1, 3, 5]);
    assert_eq!(names(store.open_in("staging", "checkout").await.unwrap()), [0; 0]);
    assert_eq!(names(store.due_before(after(300), 10).await.unwrap()), [3]);
    assert_eq!(names(store.due_before(after(299), 10).await.unwrap()), [0; 0]);
    assert_eq!(names(store.due_before(after(5000), 10).await.unwrap()), [3, 2], "closed incidents may be owed too");
    assert_eq!(names(store.due_before(after(5000), 1).await.unwrap()), [3]);
    assert_eq!(store.next_due().await.unwrap(), Some(after(300)));
    assert_eq!(names(store.recent(2, None).await.unwrap()), [5, 4]);
    assert_eq!(names(store.recent(2, Some(4)).await.unwrap()), [3, 2]);
    assert_eq!(names(store.recent(2, Some(2)).await.unwrap()), [1]);
    assert_eq!(names(store.holding_locks("production").await.unwrap()), [3]);
    assert_eq!(names(store.holding_locks("staging").await.unwrap()), [0; 0]);
    let first = async |from, to, except| {
        store.first_opened("production", "checkout", after(from), after(to), except).await.unwrap()
    };
    assert_eq!(first(60, 180, "").await, Some(after(60)), "the beginning belongs to it");
    assert_eq!(first(60, 180, "RB-0001").await, Some(after(120)), "and one may be left out");
    assert_eq!(first(61, 120, "").await, None, "the end does not");
    assert_eq!(first(61, 180, "").await, Some(after(120)));
    let dismissed = BoardRow { status: "closed".into(), outcome: Some("dismissed".into()), ..row(2) };
    let mut tx = store.begin().await.unwrap();
    tx.put_board(&dismissed).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(first(61, 180, "").await, None, "a dismissed alarm says nothing");
    let mut tx = store.begin().await.unwrap();
    for (number, outcome) in [(11, "rolled_back"), (12, "fixed_forward"), (13, "restored"), (14, "rolled_back")] {
        let ended = BoardRow { status: "closed".into(), outcome: Some(outcome.into()), ..row(number) };
        tx.put_board(&ended).await.unwrap();
    }
    tx.commit().await.unwrap();
    let well = store.ended_well("production", "checkout", 2).await.unwrap();
    assert_eq!(well, ["RB-0014", "RB-0013"], "the newest, and only what a rollback or restoration ended");
    assert_eq!(store.ended_well("staging", "checkout", 2).await.unwrap(), Vec::<String>::new());
}
