//! What triggers measure, what they remember between looks, and counts of what is too frequent to be an entry each.

use crate::domain::Timestamp;
use sqlx::QueryBuilder;

/// One measured value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub series: String,
    pub at: Timestamp,
    /// In the series' own unit; a whole number.
    pub value: i64,
}

row!(Sample { series, at, value });

/// What a trigger remembers, written when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerState {
    pub key: String,
    pub state: String,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// JSON, opaque here.
    pub body: String,
    pub updated_at: Timestamp,
}

row!(TriggerState { key, state, since, body, updated_at });

/// How often something happened since the count began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    pub key: String,
    pub count: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

row!(Counter { key, count, first_at, last_at });

/// Three parameters a row; both databases take over thirty thousand.
const ROWS_A_STATEMENT: usize = 1000;

pub(super) const RANGE: &str =
    "SELECT series, at, value FROM samples WHERE series = $1 AND at >= $2 AND at < $3 ORDER BY at";
pub(super) const BEFORE: &str = "DELETE FROM samples WHERE at < $1";

queries! {
    /// Keeps many samples; a second one for the same series and instant is dropped. Answers how many were new.
    alone pub fn insert_samples(db, samples: &[Sample]) -> u64 {
        let mut new = 0;
        for some in samples.chunks(ROWS_A_STATEMENT) {
            let mut insert = QueryBuilder::<dialect::Database>::new("INSERT INTO samples (series, at, value) ");
            insert.push_values(some, |mut row, sample| {
                row.push_bind(&sample.series).push_bind(sample.at).push_bind(sample.value);
            });
            insert.push(" ON CONFLICT DO NOTHING");
            new += insert.build().persistent(false).execute(&mut *db).await?.rows_affected();
        }
        Ok(new)
    }

    /// A series from `from` on and before `to`, oldest first.
    read pub fn samples(db, series: &str, from: Timestamp, to: Timestamp) -> Vec<Sample> {
        Ok(sqlx::query_as(RANGE).bind(series).bind(from).bind(to).fetch_all(db).await?)
    }

    /// Drops every sample taken before `before`; answers how many.
    alone pub fn delete_samples_before(db, before: Timestamp) -> u64 {
        Ok(sqlx::query(BEFORE).bind(before).execute(db).await?.rows_affected())
    }

    read pub fn trigger_state(db, key: &str) -> Option<TriggerState> {
        let sql = "SELECT key, state, since, body, updated_at FROM trigger_states WHERE key = $1";
        Ok(sqlx::query_as(sql).bind(key).fetch_optional(db).await?)
    }

    /// What every trigger remembers, by key.
    read pub fn trigger_states(db) -> Vec<TriggerState> {
        let mut states: Vec<TriggerState> =
            sqlx::query_as("SELECT key, state, since, body, updated_at FROM trigger_states").fetch_all(db).await?;
        states.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(states)
    }

    /// Writes what a trigger remembers, new or again.
    alone pub fn put_trigger_state(db, state: &TriggerState) -> () {
        sqlx::query(
            "INSERT INTO trigger_states (key, state, since, body, updated_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (key) DO UPDATE SET state = excluded.state, since = excluded.since, body = excluded.body,
             updated_at = excluded.updated_at",
        )
            .bind(&state.key)
            .bind(&state.state)
            .bind(state.since)
            .bind(&state.body)
            .bind(state.updated_at)
            .execute(db)
            .await?;
        Ok(())
    }

    /// Counts one more, and answers the count.
    alone pub fn count_up(db, key: &str, at: Timestamp) -> Counter {
        let sql = "INSERT INTO counters (key, count, first_at, last_at) VALUES ($1, 1, $2, $2)
                   ON CONFLICT (key) DO UPDATE SET count = counters.count + 1, last_at = excluded.last_at
                   RETURNING key, count, first_at, last_at";
        Ok(sqlx::query_as(sql).bind(key).bind(at).fetch_one(db).await?)
    }

    /// Takes a count away to write its summary, in the transaction that writes it. Nothing when nothing was counted.
    write pub fn take_counter(db, key: &str) -> Option<Counter> {
        let sql = "DELETE FROM counters WHERE key = $1 RETURNING key, count, first_at, last_at";
        Ok(sqlx::query_as(sql).bind(key).fetch_optional(db).await?)
    }
}
