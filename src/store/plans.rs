//! The hot statements must stay on an index however long the past grows: SQLite is asked for its plan of each.

use super::{board, ledger, logs, migrations, presence, registers, samples, sessions, tokens};
use sqlx::{AssertSqlSafe, Row, SqlitePool};

/// Statements that pages, streams, the clock and every request use.
const HOT: &[&str] = &[
    ledger::VERSION,
    ledger::ENTRIES,
    ledger::TAIL,
    ledger::BEFORE,
    ledger::ENTRY,
    board::BY_ID,
    board::LAST_NUMBER,
    board::OPEN_ALL,
    board::OPEN_IN,
    board::DUE_BEFORE,
    board::NEXT_DUE,
    board::RECENT,
    board::HOLDING_LOCKS,
    board::FIRST_OPENED,
    board::ENDED_WELL,
    sessions::LOAD,
    sessions::KNOWN,
    tokens::LIVE,
    tokens::LIVING_OF,
    registers::LIST,
    logs::FROM_LINE,
    logs::END,
    presence::PRESENT,
    presence::BEFORE,
    samples::RANGE,
    samples::BEFORE,
];

/// The plan's steps that walk a whole table or sort by hand. Walking an index from one end, to a limit, is neither.
async fn slow_steps(pool: &SqlitePool, sql: &str) -> Vec<String> {
    let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(pool).await.unwrap();
    let steps = plan.iter().map(|step| step.get::<String, _>("detail"));
    steps.filter(|step| (step.starts_with("SCAN") && !step.contains("INDEX")) || step.contains("TEMP B-TREE")).collect()
}

async fn empty_database() -> SqlitePool {
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    migrations::MIGRATIONS.run(&pool).await.unwrap();
    pool
}

#[tokio::test]
async fn no_hot_statement_walks_a_table_or_sorts_by_hand() {
    let pool = empty_database().await;
    for sql in HOT {
        assert_eq!(slow_steps(&pool, sql).await, Vec::<String>::new(), "{sql}");
    }
    // Few rows, sorted after an index found them.
    let of_person = slow_steps(&pool, sessions::OF_PERSON).await;
    assert!(of_person.iter().all(|step| step.contains("TEMP B-TREE")), "{of_person:?}");
}

#[tokio::test]
async fn a_walk_and_a_sort_would_be_seen() {
    let pool = empty_database().await;
    assert!(!slow_steps(&pool, "SELECT title FROM board WHERE title = 'x'").await.is_empty());
    assert!(!slow_steps(&pool, "SELECT title FROM board WHERE number > 1 ORDER BY title").await.is_empty());
}
