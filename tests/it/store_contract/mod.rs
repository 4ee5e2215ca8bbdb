//! What the store promises, asked of both databases in the same words.
//!
//! | file | what |
//! | --- | --- |
//! | [`ledger`] | the ledger and its board |
//! | [`people`] | people, their sessions and links, tokens |
//! | [`registers`] | what can be gone back to, playbooks and settings |
//! | [`traces`] | measures, logs, presence, the intents of forms |
//! | [`at_once`] | several writers and readers at the same moment |
//! | [`migrations`] | schemas, and the databases themselves |

mod at_once;
mod ledger;
mod migrations;
mod people;
mod registers;
mod traces;

use crate::support::databases::{Database, on_both};
use backout::domain::{Span, Timestamp};
use backout::store::{NewEntry, Store, StoreError};
use std::path::Path;

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
        ledger::the_ledger(&store).await;
        ledger::the_board(&store).await;
        people::people(&store).await;
        people::sessions(&store).await;
        people::links_buckets_and_devices(&store).await;
        people::tokens(&store).await;
        registers::what_can_be_gone_back_to(&store).await;
        registers::playbooks_and_settings(&store).await;
        traces::logs_and_hosts(&store).await;
        traces::presence(&store).await;
        traces::readings(&store).await;
        traces::samples_triggers_and_counters(&store).await;
        traces::intents(&store).await;
        assert_eq!(store.verify().await.unwrap().unwrap().entries, 6);
        store.close().await;
    }
}

/// A new store function must join the contract: its name is looked for in these very files.
#[test]
fn no_store_function_is_left_out_of_the_contract() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/store_contract");
    let files = std::fs::read_dir(here).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let contract: String = files.collect();
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
