//! Schemas: upgraded once, refused when rewritten, never written by an older program; and the databases themselves.

use super::{T, after, append};
use crate::support::databases::{Database, on_both};
use backout::domain::Timestamp;
use backout::store::{Store, StoreError, newest_schema};
use sqlx::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

on_both! {
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

    /// The server of an older program goes on writing while a newer one looks, or is told something.
    async fn a_newer_program_beside_an_older_server_leaves_the_schema_as_it_is(database) {
        let older = newest_schema() - 1;
        migrate_to(older, &database).await;
        database.by_hand(&std::fs::read_to_string(format!("{}/migrations/samples/0001.sql", env!("CARGO_MANIFEST_DIR"))).unwrap()).await;
        let schema = async || Store::open_to_look(&database.address).await.unwrap().head().await.unwrap().schema;

        let looking = Store::open_to_look(&database.address).await.unwrap();
        assert_eq!(looking.verify().await.unwrap().unwrap().entries, 2, "the ledger is read under every schema");
        let refused = append(&looking, "access", "said").await.unwrap_err().to_string();
        assert!(refused.contains("readonly") || refused.contains("read-only"), "{refused}");
        looking.close().await;
        assert_eq!(schema().await, older);

        let too_old = StoreError::SchemaTooOld { database: older, binary: newest_schema() };
        assert_eq!(Store::open_beside_server(&database.address).await.err(), Some(too_old));
        assert_eq!(schema().await, older);

        database.open().await.close().await;
        append(&Store::open_beside_server(&database.address).await.unwrap(), "access", "said").await.unwrap();
        assert_eq!(schema().await, newest_schema(), "the start of a server migrated it");
    }

    async fn a_database_without_anything_of_backout_is_made_ready_by_whoever_writes_alone(database) {
        if database.address.starts_with("sqlite") {
            assert!(Store::open_to_look(&database.address).await.is_err());
            assert!(!database.file().exists(), "no file was made");
            std::fs::write(database.file(), "").unwrap();
        }
        for _ in 0..2 {
            assert_eq!(Store::open_to_look(&database.address).await.err(), Some(StoreError::NothingThere));
        }
        let made = Store::open_beside_server(&database.address).await.unwrap();
        assert_eq!(made.head().await.unwrap().schema, newest_schema());
    }

    /// After each migration its sample data is loaded, so that every later migration runs over data of all before it.
    async fn migrations_run_over_the_data_of_those_before(database) {
        for version in 1..=newest_schema() {
            migrate_to(version, &database).await;
            let sample = format!("{}/migrations/samples/{version:04}.sql", env!("CARGO_MANIFEST_DIR"));
            let sample = std::fs::read_to_string(&sample).unwrap_or_else(|_| panic!("{sample} is missing"));
            database.by_hand(&sample).await;
        }
        let store = database.open().await;
        assert_eq!(store.head().await.unwrap().schema, newest_schema(), "the last migration must raise head.schema");
        samples_of_migration_1(&store).await;
    }
}

/// As a program did whose newest migration this was.
async fn migrate_to(version: i64, database: &Database) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
    let migrations = sqlx::migrate::Migrator::new(folder).await.unwrap();
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
}

async fn samples_of_migration_1(store: &Store) {
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 2);
    assert_eq!(append(store, "access", "said").await.unwrap(), 3);
    let row = store.board("RB-0001").await.unwrap().unwrap();
    assert_eq!((row.locked_components, row.next_due), (vec!["checkout".to_owned()], Some(after(300))));
    assert_eq!(store.person_by_login("ada").await.unwrap().unwrap().roles, ["ic", "admin"]);
    assert!(store.load_session("session", T).await.unwrap().is_some());
    assert!(store.link("link", "invite", T).await.unwrap().is_some());
    assert_eq!(store.add_sign_in_failure("login/ada", T, Timestamp(0)).await.unwrap().failures, 4);
    assert!(store.device("device").await.unwrap().is_some());
    assert!(store.live_token("token", T).await.unwrap().is_some());
    assert_eq!(store.living_tokens_of("p-ada", T).await.unwrap().len(), 2);
    let known = store.registered("production", "checkout").await.unwrap();
    assert_eq!(known.iter().map(|line| line.left_in.as_str()).collect::<Vec<_>>(), ["RB-0001", ""]);
    assert_eq!(known[1].again_at, Some(T));
    // What was known to be undone was restored, before that was noted by itself.
    assert_eq!((known[0].undone_at, known[0].restored_at), (Some(T), Some(T)));
    assert_eq!(known[1].restored_at, Some(after(1)));
    assert!(store.playbook("playbook").await.unwrap().is_some());
    assert_eq!(store.setting("playbook/current").await.unwrap().as_deref(), Some("playbook"));
    assert_eq!(store.log_from("run-1", 0, 1).await.unwrap()[0].bytes, b"hello\n");
    assert!(store.host("host-1").await.unwrap().is_some());
    assert_eq!(store.samples("checkout/error_rate", Timestamp(0), T).await.unwrap().len(), 1);
    assert_eq!(store.trigger_states().await.unwrap().len(), 1);
    assert_eq!(store.count_up("refused/strangers", T).await.unwrap().count, 5);
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
