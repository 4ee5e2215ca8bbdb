//! Who opened the impact summary of an incident, and when (C11).

use crate::domain::Timestamp;

/// When somebody opened it first and last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub person: String,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

row!(Reading { person, first_at, last_at });

queries! {
    /// Notes that a person opened the summary of an incident. The first time stays for ever.
    alone pub fn note_reading(db, incident: &str, person: &str, at: Timestamp) -> () {
        let sql = "INSERT INTO readings (incident, person, first_at, last_at) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (incident, person) DO UPDATE SET last_at = excluded.last_at";
        sqlx::query(sql).bind(incident).bind(person).bind(at).bind(at).execute(db).await?;
        Ok(())
    }

    /// Who opened it, the first reader first.
    read pub fn readings(db, incident: &str) -> Vec<Reading> {
        let sql = "SELECT person, first_at, last_at FROM readings WHERE incident = $1 ORDER BY first_at, person";
        Ok(sqlx::query_as(sql).bind(incident).fetch_all(db).await?)
    }
}
