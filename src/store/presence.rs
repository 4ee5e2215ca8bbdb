//! Who has an incident open, as the servers with the open streams say again and again. Never part of a journal.

use crate::domain::Timestamp;
use sqlx::QueryBuilder;

/// When somebody was last seen in an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    pub person: String,
    pub seen_at: Timestamp,
}

row!(Presence { person, seen_at });

const ROWS_A_STATEMENT: usize = 1000;

pub(super) const PRESENT: &str = "SELECT person, seen_at FROM presence WHERE incident = $1";
pub(super) const BEFORE: &str = "DELETE FROM presence WHERE seen_at < $1";

queries! {
    /// Notes that these people have these incidents open: incident and person, each pair once.
    alone pub fn be_present(db, pairs: &[(String, String)], at: Timestamp) -> () {
        for some in pairs.chunks(ROWS_A_STATEMENT) {
            let mut insert = QueryBuilder::<dialect::Database>::new("INSERT INTO presence (incident, person, seen_at) ");
            insert.push_values(some, |mut row, (incident, person)| {
                row.push_bind(incident).push_bind(person).push_bind(at);
            });
            insert.push(" ON CONFLICT (incident, person) DO UPDATE SET seen_at = excluded.seen_at");
            // As many texts as there are crowds: none is worth keeping prepared.
            insert.build().persistent(false).execute(&mut *db).await?;
        }
        Ok(())
    }

    /// Who was seen in an incident, by person.
    read pub fn present(db, incident: &str) -> Vec<Presence> {
        let mut present: Vec<Presence> = sqlx::query_as(PRESENT).bind(incident).fetch_all(db).await?;
        present.sort_by(|a, b| a.person.cmp(&b.person));
        Ok(present)
    }

    /// Forgets who was last seen before; answers how many.
    alone pub fn delete_presence_before(db, before: Timestamp) -> u64 {
        Ok(sqlx::query(BEFORE).bind(before).execute(db).await?.rows_affected())
    }
}
