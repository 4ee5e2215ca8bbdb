//! Several writers, readers and replicas at the same moment; entries that were tampered with.

use super::ledger::row;
use super::people::session;
use super::{T, after, append, said};
use crate::support::databases::{Database, on_both};
use backout::store::{Fault, Flaw, GENESIS, NewLink, StoreError, text_hash};
use std::time::Duration;

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
        assert_eq!(store.add_sign_in_failure("login/ada", T, T).await.unwrap().failures, 9);
    }
}
