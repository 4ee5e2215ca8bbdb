//! What the store promises, asked of both databases in the same words.

use crate::support::databases::{Database, on_both};
use backout::domain::{Span, Timestamp};
use backout::store::{
    BoardRow, Fault, Flaw, GENESIS, Intent, NewEntry, NewLink, NewPerson, NewSession, NewToken, Registered, Sample,
    Store, StoreError, StoredPlaybook, TriggerState, newest_schema, script_hash, text_hash,
};
use sqlx::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

const T: Timestamp = Timestamp(1_772_680_468_000_000);

fn after(seconds: i64) -> Timestamp {
    T + Span::seconds(seconds)
}

fn said(kind: &str) -> NewEntry {
    NewEntry::new(kind, format!("{{\"said\":\"{kind}\"}}"))
}

/// Appends one entry in a transaction of its own.
async fn append(store: &Store, stream: &str, kind: &str) -> Result<i64, StoreError> {
    let mut tx = store.begin().await?;
    let written = tx.append(stream, None, T, "ada", &[said(kind)]).await?;
    tx.commit().await?;
    Ok(written[0].seq)
}

on_both! {
    /// Calls every function of the store once at least: the SQL of each is run, and its answer looked at.
    async fn every_function_gives_the_same_answers(database) {
        let store = database.open().await;
        the_ledger(&store).await;
        the_board(&store).await;
        people(&store).await;
        sessions(&store).await;
        links_buckets_and_devices(&store).await;
        tokens(&store).await;
        registers_and_scripts(&store).await;
        playbooks_and_settings(&store).await;
        logs_and_hosts(&store).await;
        presence(&store).await;
        readings(&store).await;
        samples_triggers_and_counters(&store).await;
        intents(&store).await;
        assert_eq!(store.verify().await.unwrap().unwrap().entries, 6);
        store.close().await;
    }
}

/// A new store function must join the contract: its name is looked for in this very file.
#[test]
fn no_store_function_is_left_out_of_the_contract() {
    let contract = include_str!("store_contract.rs");
    let mut found = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let Some((word, rest)) = line.trim().split_once(" pub fn ") else { continue };
            if ["read", "write", "alone"].contains(&word) {
                let name = rest.split('(').next().unwrap();
                assert!(contract.contains(&format!(".{name}(")), "no test calls {name}");
                found += 1;
            }
        }
    }
    assert!(found > 60, "only {found} functions were found: has the macro's shape changed?");
}

async fn the_ledger(store: &Store) {
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

fn row(number: i64) -> BoardRow {
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

async fn the_board(store: &Store) {
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

async fn people(store: &Store) {
    let ada = NewPerson {
        id: "p-ada".into(),
        login: " Ada@Example.org".into(),
        name: "Ada".into(),
        password: Some("$argon2id$1".into()),
        roles: vec!["ic".into(), "admin".into()],
        created_at: T,
    };
    store.insert_person(&ada).await.unwrap();
    let bob = NewPerson { id: "p-bob".into(), login: "bob".into(), password: None, roles: vec![], ..ada.clone() };
    store.insert_person(&bob).await.unwrap();
    let same_login = NewPerson { id: "p-eve".into(), login: "ADA@example.ORG ".into(), ..ada.clone() };
    assert_eq!(store.insert_person(&same_login).await, Err(StoreError::Duplicate));
    assert_eq!(store.insert_person(&NewPerson { login: "eve".into(), ..ada }).await, Err(StoreError::Duplicate));

    let ada = store.person("p-ada").await.unwrap().unwrap();
    assert_eq!((ada.login.as_str(), ada.active, ada.epoch), ("ada@example.org", true, 0));
    assert_eq!((ada.roles.clone(), ada.password_changed_at), (vec!["ic".into(), "admin".into()], Some(T)));
    assert_eq!(store.person_by_login("ADA@example.org").await.unwrap(), Some(ada));
    assert_eq!(store.person_by_login("nobody").await.unwrap(), None);
    assert_eq!(store.person("p-nobody").await.unwrap(), None);

    assert!(store.rename_person("p-bob", "Robert").await.unwrap());
    assert!(store.set_roles("p-bob", &["tl".to_owned()]).await.unwrap());
    assert!(store.set_active("p-bob", false).await.unwrap());
    assert!(store.set_password("p-bob", "$argon2id$2", after(9)).await.unwrap());
    assert!(store.set_settings("p-bob", r#"{"theme":"light"}"#).await.unwrap());
    assert_eq!(store.bump_epoch("p-bob").await.unwrap(), Some(1));
    assert_eq!(store.bump_epoch("p-bob").await.unwrap(), Some(2));
    let bob = store.person("p-bob").await.unwrap().unwrap();
    assert_eq!((bob.name.as_str(), bob.roles.join(","), bob.active, bob.epoch), ("Robert", "tl".into(), false, 2));
    assert_eq!((bob.password.as_deref(), bob.password_changed_at), (Some("$argon2id$2"), Some(after(9))));
    assert_eq!((bob.created_at, bob.settings.as_str()), (T, r#"{"theme":"light"}"#));
    assert_eq!(store.people().await.unwrap().iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["p-ada", "p-bob"]);

    assert!(!store.rename_person("p-nobody", "x").await.unwrap());
    assert!(!store.set_roles("p-nobody", &[]).await.unwrap());
    assert!(!store.set_active("p-nobody", true).await.unwrap());
    assert!(!store.set_password("p-nobody", "x", T).await.unwrap());
    assert!(!store.set_settings("p-nobody", "{}").await.unwrap());
    assert_eq!(store.bump_epoch("p-nobody").await.unwrap(), None);
}

fn session(id: &str, person: Option<&str>) -> NewSession {
    NewSession {
        id_hash: id.into(),
        person: person.map(Into::into),
        data: "{}".into(),
        created_at: T,
        expires_at: after(60),
        user_agent: "Firefox".into(),
    }
}

async fn sessions(store: &Store) {
    assert!(store.create_session(&session("s1", None)).await.unwrap());
    assert!(!store.create_session(&session("s1", Some("p-bob"))).await.unwrap(), "a taken id is not overwritten");
    assert_eq!(store.load_session("s1", T).await.unwrap().unwrap().person, None);
    assert!(store.save_session("s1", Some("p-ada"), "{\"visits\":2}", after(120), after(10)).await.unwrap());
    let saved = store.load_session("s1", after(119)).await.unwrap().unwrap();
    assert_eq!((saved.person.as_deref(), saved.data.as_str()), (Some("p-ada"), "{\"visits\":2}"));
    assert_eq!((saved.created_at, saved.last_seen, saved.expires_at), (T, after(10), after(120)));
    let known = store.known("s1", after(119)).await.unwrap().unwrap();
    assert_eq!((known.data.as_str(), known.last_seen, known.expires_at), ("{\"visits\":2}", after(10), after(120)));
    assert_eq!(Some(known.person), store.person("p-ada").await.unwrap());
    assert_eq!(known.seq, store.head().await.unwrap().seq);
    assert_eq!(store.known("s1", after(120)).await.unwrap(), None, "past its end nobody is known by it");
    assert_eq!(store.load_session("s1", after(120)).await.unwrap(), None, "past its end it is not loaded");
    assert!(!store.save_session("s1", None, "{}", after(500), after(120)).await.unwrap(), "nor saved");
    assert!(store.touch_session("s1", after(20), after(130)).await.unwrap());
    assert!(!store.touch_session("s1", after(130), after(200)).await.unwrap());
    assert!(!store.touch_session("none", T, after(200)).await.unwrap());

    for id in ["s2", "s3"] {
        store.create_session(&session(id, Some("p-ada"))).await.unwrap();
    }
    store.create_session(&session("other", Some("p-bob"))).await.unwrap();
    store.create_session(&session("stranger", None)).await.unwrap();
    assert_eq!(store.known("stranger", T).await.unwrap(), None, "nobody's session");
    store.touch_session("s3", after(30), after(90)).await.unwrap();
    let of_ada = store.sessions_of("p-ada", after(40)).await.unwrap();
    assert_eq!(of_ada.iter().map(|s| s.id_hash.as_str()).collect::<Vec<_>>(), ["s3", "s1", "s2"]);
    assert_eq!(store.sessions_of("p-ada", after(60)).await.unwrap().len(), 2);
    let seen = store.last_seen(after(40)).await.unwrap();
    assert_eq!(seen, [("p-ada".to_owned(), after(30)), ("p-bob".to_owned(), T)]);
    assert!(store.last_seen(after(600)).await.unwrap().is_empty(), "whose session is over is not seen");
    let ids = ["s1", "s2", "s3", "none"].map(str::to_owned);
    assert_eq!(store.living_sessions(&ids, after(40)).await.unwrap().len(), 3);
    assert_eq!(store.living_sessions(&ids, after(60)).await.unwrap().len(), 2);
    let seen = store.load_session("s1", after(40)).await.unwrap().unwrap().last_seen;
    store.extend_sessions(&[("s1".into(), after(700)), ("none".into(), after(700))], after(40)).await.unwrap();
    let kept = store.load_session("s1", after(699)).await.unwrap().unwrap();
    assert_eq!((kept.last_seen, kept.expires_at), (seen, after(700)), "kept alive and not noted as used");
    store.extend_sessions(&[("s1".into(), after(50)), ("s2".into(), after(900))], after(500)).await.unwrap();
    assert_eq!(store.living_sessions(&ids, after(600)).await.unwrap(), [("s1".to_owned(), after(700))]);
    assert_eq!(store.delete_sessions_of("p-ada", Some("s3")).await.unwrap(), 2);
    assert_eq!(store.delete_sessions_of("p-ada", None).await.unwrap(), 1);
    assert!(store.delete_session("other").await.unwrap());
    assert!(!store.delete_session("other").await.unwrap());
    assert_eq!(store.delete_expired_sessions(after(59)).await.unwrap(), 0);
    assert_eq!(store.delete_expired_sessions(after(60)).await.unwrap(), 1);
}

async fn links_buckets_and_devices(store: &Store) {
    let link = NewLink {
        token_hash: "l1".into(),
        purpose: "invite".into(),
        person: Some("p-ada".into()),
        created_at: T,
        expires_at: after(60),
    };
    store.insert_link(&link).await.unwrap();
    assert_eq!(store.insert_link(&link).await, Err(StoreError::Duplicate));
    assert_eq!(store.link("l1", "invite", T).await.unwrap().unwrap().used_at, None);
    assert_eq!(store.link("l1", "reset", T).await.unwrap(), None);
    assert_eq!(store.take_link("l1", "reset", T).await.unwrap(), None, "a link serves its purpose only");
    assert_eq!(store.take_link("l1", "invite", after(60)).await.unwrap(), None, "at its end it is over");
    let taken = store.take_link("l1", "invite", after(59)).await.unwrap().unwrap();
    assert_eq!((taken.person.as_deref(), taken.used_at), (Some("p-ada"), Some(after(59))));
    assert_eq!(store.take_link("l1", "invite", after(59)).await.unwrap(), None, "and it is used once");
    assert_eq!(store.link("l1", "invite", T).await.unwrap(), None);
    store.insert_link(&NewLink { token_hash: "l2".into(), expires_at: after(90), ..link }).await.unwrap();
    assert_eq!(store.void_links("p-ada", "invite", T).await.unwrap(), 1);
    assert_eq!(store.take_link("l2", "invite", T).await.unwrap(), None);
    assert_eq!(store.delete_expired_links(after(60)).await.unwrap(), 1);

    assert_eq!(store.sign_in_bucket("login/ada").await.unwrap(), None);
    assert!(!store.block_sign_in("login/ada", after(9)).await.unwrap());
    for failures in 1..=3 {
        let bucket = store.add_sign_in_failure("login/ada", after(failures), T).await.unwrap();
        assert_eq!((bucket.failures, bucket.updated_at), (failures, after(failures)));
    }
    assert!(store.block_sign_in("login/ada", after(100)).await.unwrap());
    assert!(store.block_sign_in("login/ada", after(50)).await.unwrap());
    let blocked = store.sign_in_bucket("login/ada").await.unwrap().unwrap();
    assert_eq!(blocked.blocked_until, after(100), "a shorter block does not shorten a longer one");
    assert_eq!(store.delete_sign_in_buckets_before(after(99)).await.unwrap(), 0, "what blocks stays");
    let anew = store.add_sign_in_failure("login/ada", after(40), after(30)).await.unwrap();
    assert_eq!(anew.failures, 1, "old failures are forgotten");
    store.clear_sign_in_bucket("login/ada").await.unwrap();
    assert_eq!(store.sign_in_bucket("login/ada").await.unwrap(), None);
    store.add_sign_in_failure("address/::1", T, T).await.unwrap();
    assert_eq!(store.delete_sign_in_buckets_before(after(1)).await.unwrap(), 1);

    store.insert_device("d1", "p-ada", T).await.unwrap();
    assert_eq!(store.insert_device("d1", "p-bob", T).await, Err(StoreError::Duplicate));
    assert!(store.touch_device("d1", after(5)).await.unwrap());
    assert!(!store.touch_device("d2", after(5)).await.unwrap());
    let device = store.device("d1").await.unwrap().unwrap();
    assert_eq!((device.person.as_str(), device.created_at, device.last_used), ("p-ada", T, after(5)));
    assert_eq!(store.delete_devices_of("p-ada").await.unwrap(), 1);
    assert_eq!(store.device("d1").await.unwrap(), None);
}

async fn tokens(store: &Store) {
    let token = NewToken {
        id: "t1".into(),
        hash: "h1".into(),
        label: "Alertmanager".into(),
        scope: "signals".into(),
        created_by: "p-ada".into(),
        created_at: T,
        expires_at: after(60),
    };
    store.insert_token(&token).await.unwrap();
    let same_hash = NewToken { id: "t2".into(), ..token.clone() };
    assert_eq!(store.insert_token(&same_hash).await, Err(StoreError::Duplicate));
    let later = NewToken { id: "t2".into(), hash: "h2".into(), created_at: after(1), ..token };
    store.insert_token(&later).await.unwrap();
    assert!(store.touch_token("t1", after(5)).await.unwrap());
    assert!(!store.touch_token("t9", T).await.unwrap());
    let live = store.live_token("h1", after(59)).await.unwrap().unwrap();
    assert_eq!((live.id.as_str(), live.scope.as_str(), live.last_used_at), ("t1", "signals", Some(after(5))));
    assert_eq!(store.live_token("h1", after(60)).await.unwrap(), None);
    assert!(store.revoke_token("t1", after(6)).await.unwrap());
    assert!(!store.revoke_token("t1", after(7)).await.unwrap());
    assert_eq!(store.live_token("h1", after(6)).await.unwrap(), None);
    let living = async |by, at| {
        let found = store.living_tokens_of(by, at).await.unwrap();
        found.into_iter().map(|token| token.id).collect::<Vec<_>>()
    };
    assert_eq!(living("p-ada", after(6)).await, ["t2"], "the other one has ended");
    assert!(living("p-ada", after(60)).await.is_empty() && living("p-bo", after(6)).await.is_empty());
    let all = store.tokens().await.unwrap();
    let ends: Vec<_> = all.iter().map(|token| (token.id.as_str(), token.revoked_at)).collect();
    assert_eq!(ends, [("t2", None), ("t1", Some(after(6)))]);
}

async fn registers_and_scripts(store: &Store) {
    let release = Registered {
        checksum: "sha256:1".into(),
        added_by: "p-ada".into(),
        migrations: "reversible".into(),
        ..Registered::fresh("release", "production", "checkout", "2.4.1", T)
    };
    store.register(&release).await.unwrap();
    assert_eq!(store.register(&release).await, Err(StoreError::Duplicate));
    let backup = Registered { kind: "backup".into(), at: after(5), verified_at: Some(after(6)), ..release.clone() };
    store.register(&backup).await.unwrap();
    let elsewhere = Registered { environment: "staging".into(), at: after(9), ..release.clone() };
    store.register(&elsewhere).await.unwrap();
    let unheard_of = Registered { kind: "rumour".into(), ..release.clone() };
    assert!(matches!(store.register(&unheard_of).await, Err(StoreError::Corrupt(_))));
    assert!(store.mark_verified("release", "production", "checkout", "2.4.1", after(7)).await.unwrap());
    assert!(!store.mark_verified("config", "production", "checkout", "2.4.1", after(7)).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    assert!(tx.runs_again("production", "checkout", "2.4.1", after(8)).await.unwrap());
    assert!(!tx.runs_again("production", "checkout", "9.9.9", after(8)).await.unwrap());
    assert!(tx.rolled_back_from("production", "checkout", "2.4.1", after(7), "RB-0001").await.unwrap());
    assert!(!tx.rolled_back_from("staging", "basket", "2.4.1", after(7), "RB-0001").await.unwrap());
    tx.commit().await.unwrap();
    let release = Registered {
        verified_at: Some(after(7)),
        again_at: Some(after(8)),
        left_at: Some(after(7)),
        left_in: "RB-0001".into(),
        ..release
    };
    assert_eq!(store.registered("production", "checkout").await.unwrap(), [backup.clone(), release.clone()]);
    assert_eq!(store.registered_all().await.unwrap(), [elsewhere, backup, release]);
    what_was_undone(store).await;

    let bytes = b"#!/bin/sh\necho \xff\x00\n";
    let hash = store.put_script(bytes).await.unwrap();
    assert_eq!(hash, script_hash(bytes));
    assert_eq!(store.put_script(bytes).await.unwrap(), hash);
    assert_eq!(store.script(&hash).await.unwrap().as_deref(), Some(&bytes[..]));
    assert_eq!(store.script("0").await.unwrap(), None);
}

/// The marks of the releases 1, 2 and 3 of one component, which first ran so many seconds after `T`.
async fn what_was_undone(store: &Store) {
    let line = |kind: &str, environment: &str, component: &str, second: i64| {
        Registered::fresh(kind, environment, component, &second.to_string(), after(second))
    };
    for second in [1, 2, 3] {
        store.register(&line("release", "production", "mail", second)).await.unwrap();
    }
    for (kind, environment, component) in
        [("backup", "production", "mail"), ("release", "staging", "mail"), ("release", "production", "queue")]
    {
        store.register(&line(kind, environment, component, 2)).await.unwrap();
    }
    let marks = async || -> [Option<Timestamp>; 3] {
        let known = store.registered_all().await.unwrap();
        let (mail, others): (Vec<_>, Vec<_>) = known
            .into_iter()
            .partition(|line| line.kind == "release" && line.environment == "production" && line.component == "mail");
        assert!(others.iter().all(|line| line.undone_at.is_none()), "{others:?}");
        ["1", "2", "3"].map(|name| mail.iter().find(|line| line.name == name).unwrap().undone_at)
    };
    let brought_back = async |to: Timestamp, undone: Timestamp| {
        let mut tx = store.begin().await.unwrap();
        tx.data_brought_back("production", "mail", to, undone).await.unwrap();
        tx.commit().await.unwrap();
    };
    // What first ran at the very moment of the backup is in it, and what began with the restoring is not undone by it.
    brought_back(after(1), after(3)).await;
    assert_eq!(marks().await, [None, Some(after(3)), None]);
    brought_back(after(2), after(9)).await;
    assert_eq!(marks().await, [None, Some(after(3)), Some(after(9))]);
    brought_back(after(0), after(8)).await;
    assert_eq!(marks().await, [Some(after(8)); 3], "the newest bringing back counts");
    let reverted = async |kept: Option<Timestamp>| {
        let mut tx = store.begin().await.unwrap();
        tx.undoing_reverted("production", "mail", kept).await.unwrap();
        tx.commit().await.unwrap();
    };
    reverted(Some(after(8))).await;
    assert_eq!(marks().await, [Some(after(8)); 3], "undone when the backup was taken");
    reverted(Some(after(2))).await;
    assert_eq!(marks().await, [None, None, Some(after(8))], "the third did not run yet");
    reverted(Some(after(7))).await;
    assert_eq!(marks().await, [None; 3], "the backup is from before the undoing");
    brought_back(after(0), after(9)).await;
    reverted(None).await;
    assert_eq!(marks().await, [None; 3], "nobody knows what the data holds");
    let restored = async |at: Timestamp| {
        let mut tx = store.begin().await.unwrap();
        tx.data_restored("production", "mail", at).await.unwrap();
        tx.commit().await.unwrap();
        let known = store.registered_all().await.unwrap();
        let marked = known.iter().filter(|line| line.restored_at == Some(at));
        marked.map(|line| (line.component.clone(), line.kind.clone(), line.name.clone())).collect::<Vec<_>>()
    };
    let release = |name: &str| ("mail".to_owned(), "release".to_owned(), name.to_owned());
    assert_eq!(restored(after(2)).await, [release("2"), release("1")], "the third did not run yet");
    assert_eq!(restored(after(9)).await, ["3", "2", "1"].map(release));
}

async fn playbooks_and_settings(store: &Store) {
    let first = StoredPlaybook {
        hash: "b1".into(),
        text: "title = \"Rollback\"\n".into(),
        title: "Rollback".into(),
        version: "1".into(),
        used_at: T,
        used_by: "p-ada".into(),
    };
    let second = StoredPlaybook { hash: "b2".into(), used_at: after(1), ..first.clone() };
    assert!(store.add_playbook(&first).await.unwrap());
    assert!(!store.add_playbook(&first).await.unwrap(), "its text is known");
    assert!(store.add_playbook(&second).await.unwrap());
    assert_eq!(store.playbook("b1").await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.playbook("b9").await.unwrap(), None);
    assert_eq!(store.playbooks().await.unwrap(), [second.clone(), first.clone()]);
    let again = StoredPlaybook { used_at: after(2), used_by: "p-bo".into(), ..first };
    assert!(!store.add_playbook(&again).await.unwrap());
    assert_eq!(store.playbooks().await.unwrap(), [again, second], "the one last taken into use is first");
    assert_eq!(store.setting("playbook/current").await.unwrap(), None);
    store.put_setting("playbook/current", "b1").await.unwrap();
    store.put_setting("playbook/current", "b2").await.unwrap();
    assert_eq!(store.setting("playbook/current").await.unwrap().as_deref(), Some("b2"));
}

async fn presence(store: &Store) {
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

async fn readings(store: &Store) {
    store.note_reading("RB-0001", "p-bo", after(5)).await.unwrap();
    store.note_reading("RB-0001", "p-ada", T).await.unwrap();
    store.note_reading("RB-0001", "p-ada", after(20)).await.unwrap();
    store.note_reading("RB-0002", "p-ada", after(30)).await.unwrap();
    let read = |person: &str, first_at, last_at| backout::store::Reading { person: person.into(), first_at, last_at };
    let both = [read("p-ada", T, after(20)), read("p-bo", after(5), after(5))];
    assert_eq!(store.readings("RB-0001").await.unwrap(), both, "the first time stays, the last is the last");
    assert_eq!(store.readings("RB-0003").await.unwrap(), []);
}

async fn logs_and_hosts(store: &Store) {
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
    assert_eq!(store.delete_log("run-1").await.unwrap(), 3);
    assert_eq!(store.log_end("run-2").await.unwrap(), 1);

    store.saw_host("h1", "alpha", T).await.unwrap();
    store.saw_host("h2", "beta", after(1)).await.unwrap();
    store.saw_host("h1", "alpha2", after(2)).await.unwrap();
    let host = store.host("h1").await.unwrap().unwrap();
    assert_eq!((host.name.as_str(), host.seen_at), ("alpha2", after(2)));
    assert_eq!(store.hosts().await.unwrap().iter().map(|h| h.id.as_str()).collect::<Vec<_>>(), ["h1", "h2"]);
}

async fn samples_triggers_and_counters(store: &Store) {
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
    let keys: Vec<_> = store.counters().await.unwrap().into_iter().map(|counter| counter.key).collect();
    assert_eq!(keys, ["Repeats", "refused"]);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.take_counter("refused").await.unwrap(), Some(counter));
    assert_eq!(tx.take_counter("refused").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(store.counters().await.unwrap().len(), 1);
}

async fn intents(store: &Store) {
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

on_both! {
    /// Writers that race for the same stream and for others leave numbers without a gap, and a reader who follows the
    /// tail while they write sees every one, in order.
    async fn eight_writers_at_once_leave_no_gap_and_no_disorder(database) {
        const WRITERS: i64 = 8;
        const EACH: i64 = 20;
        let store = database.open().await;
        let follower = tokio::spawn({
            let (store, mut commits) = (store.clone(), store.commits());
            async move {
                let mut seen = 0;
                while seen < WRITERS * EACH * 2 {
                    commits.wait_for(|last| *last > seen).await.unwrap();
                    for entry in store.tail(seen, 1000).await.unwrap() {
                        assert_eq!(entry.seq, seen + 1, "the tail skipped or repeated a number");
                        seen = entry.seq;
                    }
                }
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut lost = 0;
                    let mut done = 0;
                    while done < EACH {
                        // Reads first, as a careless caller would: only the expected version saves it.
                        let version = store.version("incident/RB-0001").await.unwrap();
                        let mut tx = store.begin().await.unwrap();
                        tx.append(&format!("own/{writer}"), None, T, "w", &[said("own")]).await.unwrap();
                        match tx.append("incident/RB-0001", Some(version), T, "w", &[said("shared")]).await {
                            Ok(_) => {
                                tx.commit().await.unwrap();
                                done += 1;
                            }
                            Err(StoreError::Conflict) => {
                                tx.rollback().await.unwrap();
                                lost += 1;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                    lost
                })
            })
            .collect();
        let mut lost = 0;
        for writer in writers {
            lost += writer.await.unwrap();
        }
        assert!(lost > 0, "nobody ever lost a race: the writers did not meet");
        tokio::time::timeout(Duration::from_secs(30), follower).await.unwrap().unwrap();
        assert_eq!(store.verify().await.unwrap().unwrap().entries, WRITERS * EACH * 2);
        assert_eq!(store.version("incident/RB-0001").await.unwrap(), WRITERS * EACH);
    }

    /// Whoever has the database and not the program can change it, and is found out at the first entry touched.
    async fn tampering_is_found_at_the_first_bad_entry(database) {
        let store = database.open().await;
        for number in 1..=10 {
            append(&store, if number % 2 == 0 { "access" } else { "incident/RB-0001" }, "said").await.unwrap();
        }
        database.by_hand("CREATE TABLE kept AS SELECT * FROM ledger; CREATE TABLE kept_head AS SELECT * FROM head").await;
        let swap = "UPDATE ledger SET seq = -4 WHERE seq = 4; UPDATE ledger SET seq = 4 WHERE seq = 7;
                    UPDATE ledger SET seq = 7 WHERE seq = -4";
        let forged = "INSERT INTO ledger SELECT 11, stream, 6, kind, at, actor, body, body_hash, hash
                      FROM ledger WHERE seq = 10";
        let body_and_its_hash = format!(
            "UPDATE ledger SET body = '{{}}', body_hash = '{}' WHERE seq = 5", text_hash("{}")
        );
        let moved = "UPDATE ledger SET version = 9 WHERE seq = 6";
        for (crime, seq, flaw) in [
            ("UPDATE ledger SET body = replace(body, 'said', 'saId') WHERE seq = 5", 5, Flaw::BodyChanged),
            (body_and_its_hash.as_str(), 5, Flaw::HashDiffers),
            ("UPDATE ledger SET kind = 'saie' WHERE seq = 3", 3, Flaw::HashDiffers),
            ("UPDATE ledger SET actor = 'bob' WHERE seq = 1", 1, Flaw::HashDiffers),
            ("UPDATE ledger SET at = at + 1 WHERE seq = 10", 10, Flaw::HashDiffers),
            (moved, 6, Flaw::HashDiffers),
            ("UPDATE ledger SET hash = body_hash WHERE seq = 2", 2, Flaw::HashDiffers),
            (swap, 4, Flaw::HashDiffers),
            ("DELETE FROM ledger WHERE seq = 6", 6, Flaw::Gap),
            ("DELETE FROM ledger WHERE seq = 1", 1, Flaw::Gap),
            ("DELETE FROM ledger WHERE seq > 8", 9, Flaw::TailMissing),
            ("DELETE FROM ledger", 1, Flaw::TailMissing),
            ("UPDATE head SET seq = 9", 10, Flaw::BeyondHead),
            (forged, 11, Flaw::BeyondHead),
            ("UPDATE head SET hash = 'x'", 10, Flaw::HeadDiffers),
        ] {
            database.by_hand(crime).await;
            assert_eq!(store.verify().await.unwrap(), Err(Fault { seq, flaw }), "{crime}");
            database.by_hand(
                "DELETE FROM ledger; INSERT INTO ledger SELECT * FROM kept;
                 DELETE FROM head; INSERT INTO head SELECT * FROM kept_head",
            ).await;
            assert_eq!(store.verify().await.unwrap().unwrap().entries, 10, "restored after {crime}");
        }
    }

    /// A forger who can also make hashes still cannot skip a version of a stream.
    async fn a_stream_that_skips_a_version_is_found(database) {
        let store = database.open().await;
        append(&store, "access", "said").await.unwrap();
        database.by_hand("UPDATE ledger SET version = 2 WHERE seq = 1").await;
        let mut entry = store.entry(1).await.unwrap().unwrap();
        entry.hash = backout::store::chain_hash(GENESIS, &entry);
        database.by_hand(&format!("UPDATE ledger SET hash = '{0}'; UPDATE head SET hash = '{0}'", entry.hash)).await;
        let flaw = Flaw::VersionGap { stream: "access".into(), expected: 1, found: 2 };
        assert_eq!(store.verify().await.unwrap(), Err(Fault { seq: 1, flaw }));
    }

    async fn what_is_not_committed_leaves_no_trace(database) {
        let store = database.open().await;
        let mut commits = store.commits();
        commits.mark_unchanged();
        let mut tx = store.begin().await.unwrap();
        tx.append("access", None, T, "ada", &[said("never")]).await.unwrap();
        tx.put_board(&row(1)).await.unwrap();
        drop(tx);
        let mut tx = store.begin().await.unwrap();
        tx.append("access", None, T, "ada", &[said("never")]).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(store.head().await.unwrap().seq, 0);
        assert_eq!(store.board("RB-0001").await.unwrap(), None);
        assert!(!commits.has_changed().unwrap(), "nothing was announced");
        assert_eq!(append(&store, "access", "first").await.unwrap(), 1, "and no number was lost");
    }

    async fn a_commit_is_heard_by_another_replica(database) {
        let (here, there) = (database.open().await, database.open().await);
        let mut commits = there.commits();
        let seq = append(&here, "access", "said").await.unwrap();
        assert_eq!(*here.commits().borrow(), seq, "here at once");
        let heard = tokio::time::timeout(Duration::from_secs(10), commits.wait_for(|last| *last >= seq)).await;
        assert_eq!(*heard.unwrap().unwrap(), seq);
    }

    async fn a_snapshot_does_not_see_what_came_after_it(database) {
        let store = database.open().await;
        append(&store, "access", "before").await.unwrap();
        let mut snapshot = store.snapshot().await.unwrap();
        assert_eq!(snapshot.head().await.unwrap().seq, 1);
        append(&store, "access", "after").await.unwrap();
        assert_eq!(snapshot.tail(0, 10).await.unwrap().len(), 1);
        assert_eq!(store.read().await.unwrap().tail(0, 10).await.unwrap().len(), 2);
    }

    /// The request began while the session lived; the session was ended elsewhere; then the request ends.
    async fn a_session_ended_during_a_request_stays_ended(database) {
        let store = database.open().await;
        store.create_session(&session("s1", Some("p-ada"))).await.unwrap();
        let in_flight = store.load_session("s1", T).await.unwrap().unwrap();
        store.delete_sessions_of("p-ada", None).await.unwrap();
        let saved = store.save_session("s1", in_flight.person.as_deref(), "{}", after(600), after(1)).await.unwrap();
        assert!(!saved, "the request is told");
        assert!(!store.touch_session("s1", after(1), after(600)).await.unwrap());
        assert_eq!(store.load_session("s1", after(1)).await.unwrap(), None);
    }

    async fn of_many_who_take_a_link_one_gets_it(database) {
        let store = database.open().await;
        let link = NewLink {
            token_hash: "l1".into(), purpose: "invite".into(), person: None, created_at: T, expires_at: after(60),
        };
        store.insert_link(&link).await.unwrap();
        let takers: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.take_link("l1", "invite", T).await.unwrap().is_some() })
            })
            .collect();
        let mut winners = 0;
        for taker in takers {
            winners += i32::from(taker.await.unwrap());
        }
        assert_eq!(winners, 1);
    }

    async fn failures_counted_at_once_are_all_counted(database) {
        let store = database.open().await;
        let attempts: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.add_sign_in_failure("login/ada", T, T).await.unwrap() })
            })
            .collect();
        for attempt in attempts {
            attempt.await.unwrap();
        }
        assert_eq!(store.sign_in_bucket("login/ada").await.unwrap().unwrap().failures, 8);
    }

    async fn replicas_that_start_together_migrate_once(database) {
        let address = database.address.clone();
        let starts: Vec<_> = (0..6)
            .map(|_| {
                let address = address.clone();
                tokio::spawn(async move { Store::open(&address).await })
            })
            .collect();
        for start in starts {
            let store = start.await.unwrap().unwrap();
            assert_eq!(store.head().await.unwrap().schema, newest_schema());
        }
    }

    /// Another replica, newer than this one, migrates while this one runs; then this one is started again.
    async fn an_older_program_stops_writing_and_does_not_start_again(database) {
        let store = database.open().await;
        append(&store, "access", "said").await.unwrap();
        database.by_hand("UPDATE head SET schema = 9999").await;
        let too_new = StoreError::SchemaTooNew { database: 9999, binary: newest_schema() };
        assert_eq!(append(&store, "access", "said").await, Err(too_new.clone()));
        assert_eq!(store.tail(0, 10).await.unwrap().len(), 1, "reading goes on");

        let success = if database.address.starts_with("sqlite") { "1" } else { "true" };
        let checksum = if success == "1" { "x''" } else { "''" };
        database.by_hand(&format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'the future', {success}, {checksum}, 0)"
        )).await;
        assert_eq!(Store::open(&database.address).await.err(), Some(too_new));
    }

    async fn a_migration_that_was_rewritten_is_refused(database) {
        database.open().await.close().await;
        let checksum = if database.address.starts_with("sqlite") { "x''" } else { "''" };
        database.by_hand(&format!("UPDATE _sqlx_migrations SET checksum = {checksum} WHERE version = 1")).await;
        assert!(matches!(Store::open(&database.address).await.err(), Some(StoreError::Corrupt(_))));
    }

    /// After each migration its sample data is loaded, so that every later migration runs over data of all before it.
    async fn migrations_run_over_the_data_of_those_before(database) {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
        let migrations = sqlx::migrate::Migrator::new(folder).await.unwrap();
        for migration in migrations.iter() {
            let version = migration.version;
            if database.address.starts_with("sqlite") {
                // The first connection makes the file.
                std::fs::File::options().create(true).append(true).open(database.file()).unwrap();
                let mut connection = sqlx::SqliteConnection::connect(&database.address).await.unwrap();
                migrations.run_to(version, &mut connection).await.unwrap();
                connection.close().await.unwrap();
            } else {
                let mut connection = sqlx::PgConnection::connect(&database.address).await.unwrap();
                migrations.run_to(version, &mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            let sample = format!("{}/migrations/samples/{version:04}.sql", env!("CARGO_MANIFEST_DIR"));
            let sample = std::fs::read_to_string(&sample).unwrap_or_else(|_| panic!("{sample} is missing"));
            database.by_hand(&sample).await;
        }
        let store = database.open().await;
        assert_eq!(store.head().await.unwrap().schema, newest_schema(), "the last migration must raise head.schema");
        samples_of_migration_1(&store).await;
    }
}

async fn samples_of_migration_1(store: &Store) {
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 2);
    assert_eq!(append(store, "access", "said").await.unwrap(), 3);
    let row = store.board("RB-0001").await.unwrap().unwrap();
    assert_eq!((row.locked_components, row.next_due), (vec!["checkout".to_owned()], Some(after(300))));
    assert_eq!(store.person_by_login("ada").await.unwrap().unwrap().roles, ["ic", "admin"]);
    assert!(store.load_session("session", T).await.unwrap().is_some());
    assert!(store.link("link", "invite", T).await.unwrap().is_some());
    assert_eq!(store.sign_in_bucket("login/ada").await.unwrap().unwrap().failures, 3);
    assert!(store.device("device").await.unwrap().is_some());
    assert!(store.live_token("token", T).await.unwrap().is_some());
    assert_eq!(store.living_tokens_of("p-ada", T).await.unwrap().len(), 2);
    let known = store.registered("production", "checkout").await.unwrap();
    assert_eq!(known.iter().map(|line| line.left_in.as_str()).collect::<Vec<_>>(), ["RB-0001", ""]);
    assert_eq!(known[1].again_at, Some(T));
    // What was known to be undone was restored, before that was noted by itself.
    assert_eq!((known[0].undone_at, known[0].restored_at), (Some(T), Some(T)));
    assert_eq!(known[1].restored_at, Some(after(1)));
    assert_eq!(store.script(&script_hash(b"hello")).await.unwrap().as_deref(), Some(&b"hello"[..]));
    assert!(store.playbook("playbook").await.unwrap().is_some());
    assert_eq!(store.setting("playbook/current").await.unwrap().as_deref(), Some("playbook"));
    assert_eq!(store.log_from("run-1", 0, 1).await.unwrap()[0].bytes, b"hello\n");
    assert!(store.host("host-1").await.unwrap().is_some());
    assert_eq!(store.samples("checkout/error_rate", Timestamp(0), T).await.unwrap().len(), 1);
    assert_eq!(store.trigger_states().await.unwrap().len(), 1);
    assert_eq!(store.counters().await.unwrap()[0].count, 4);
    assert!(store.intent("key-1").await.unwrap().is_some());
    assert_eq!(store.present("RB-0001").await.unwrap()[0].person, "p-ada");
}

/// Softer settings would pass every other test: a killed process leaves the page cache alive.
#[tokio::test]
async fn sqlite_is_as_durable_as_promised() {
    let database = Database::sqlite();
    let store = database.open().await;
    let settings = store.settings_in_effect().await.unwrap();
    let shown: Vec<_> = settings[1..].iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(shown, ["journal_mode=wal", "synchronous=2", "foreign_keys=1", "busy_timeout=5000", "query_only=1"]);
    assert!(backout::store::sqlite_is_new_enough(&settings[0].1), "{settings:?}");
    append(&store, "access", "said").await.unwrap();
    for end in ["", "-wal", "-shm"] {
        let file = format!("{}{end}", database.file().display());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn postgres_waits_no_longer_than_promised() {
    let database = Database::postgres().await;
    let settings = database.open().await.settings_in_effect().await.unwrap();
    for expected in [
        ("synchronous_commit", "on"),
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "10s"),
    ] {
        assert!(settings.iter().any(|(name, value)| (*name, value.as_str()) == expected), "{expected:?}: {settings:?}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_an_error_and_not_a_panic() {
    let nowhere = Store::open("sqlite:/nowhere/at/all/backout.db").await.err().unwrap();
    assert!(matches!(&nowhere, StoreError::Unavailable(fault) if fault.contains("/nowhere/at/all")), "{nowhere}");
    // Port 1 of the loopback: nobody listens there.
    let refused = Store::open("postgres://ada:secret@127.0.0.1:1/x").await.err().unwrap();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    assert!(!refused.to_string().contains("secret"));
    let database = Database::sqlite();
    std::fs::write(database.file(), "this is a letter and no database".repeat(200)).unwrap();
    let letter = Store::open(&database.address).await.err().unwrap();
    assert!(matches!(letter, StoreError::Corrupt(_)), "{letter}");
}
