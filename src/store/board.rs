//! The board: one summary row per incident, for lists, locks and deadlines.
//!
//! It is written in the transaction that appends to the incident's journal, and can be rebuilt from it. What many
//! people look at often (the open incidents, a page of the past ones) is answered from an index, however long the past.

use super::{Flag, TextList};
use crate::domain::Timestamp;

/// An incident in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// `RB-0001`.
    pub incident: String,
    /// 1 for `RB-0001`; orders and pages the list.
    pub number: i64,
    /// The version of the incident's stream that this row reflects.
    pub version: i64,
    pub title: String,
    pub severity: String,
    pub category: String,
    pub environment: String,
    pub component: String,
    pub decision: String,
    /// `open` or `closed`.
    pub status: String,
    pub phase: String,
    pub outcome: Option<String>,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    /// The incident's commander, a person's id.
    pub commander: Option<String>,
    /// The incident's technical lead, a person's id.
    pub technical_lead: Option<String>,
    /// The present attempt's number; 0 before the first.
    pub attempt: i64,
    /// When the clock next owes the incident something; closed incidents may be owed too.
    pub next_due: Option<Timestamp>,
    /// Which components of its environment a destructive run of this incident holds; none: it holds no lock.
    pub locked_components: Vec<String>,
    /// Nothing sets or reads it yet. A journal with an event that this program does not know is refused where it is read
    /// (`app::journal`), and such an incident's row stays as it was.
    pub frozen: bool,
    /// Whom and what it waits for: JSON, opaque here.
    pub waits_for: String,
    pub updated_at: Timestamp,
}

row!(BoardRow {
    incident,
    number,
    version,
    title,
    severity,
    category,
    environment,
    component,
    decision,
    status,
    phase,
    outcome,
    opened_at,
    closed_at,
    commander,
    technical_lead,
    attempt,
    next_due,
    locked_components: TextList,
    frozen: Flag,
    waits_for,
    updated_at,
});

macro_rules! columns {
    () => {
        "incident, number, version, title, severity, category, environment, component, decision, status, phase, \
         outcome, opened_at, closed_at, commander, technical_lead, attempt, next_due, locked_components, frozen, \
         waits_for, updated_at"
    };
}

const UPSERT: &str = concat!(
    "INSERT INTO board (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
     ON CONFLICT (incident) DO UPDATE SET
       number = excluded.number, version = excluded.version, title = excluded.title, severity = excluded.severity,
       category = excluded.category, environment = excluded.environment, component = excluded.component,
       decision = excluded.decision, status = excluded.status, phase = excluded.phase, outcome = excluded.outcome,
       opened_at = excluded.opened_at, closed_at = excluded.closed_at, commander = excluded.commander,
       technical_lead = excluded.technical_lead, attempt = excluded.attempt, next_due = excluded.next_due,
       locked_components = excluded.locked_components, frozen = excluded.frozen, waits_for = excluded.waits_for,
       updated_at = excluded.updated_at"
);
pub(super) const LAST_NUMBER: &str = "SELECT number FROM board ORDER BY number DESC LIMIT 1";
pub(super) const BY_ID: &str = concat!("SELECT ", columns!(), " FROM board WHERE incident = $1");
pub(super) const OPEN_ALL: &str = concat!("SELECT ", columns!(), " FROM board WHERE status = 'open' ORDER BY number");
pub(super) const OPEN_IN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM board WHERE status = 'open' AND environment = $1 AND component = $2 ORDER BY number"
);
pub(super) const DUE_BEFORE: &str =
    concat!("SELECT ", columns!(), " FROM board WHERE next_due <= $1 ORDER BY next_due LIMIT $2");
pub(super) const NEXT_DUE: &str = "SELECT next_due FROM board WHERE next_due IS NOT NULL ORDER BY next_due LIMIT 1";
pub(super) const RECENT: &str =
    concat!("SELECT ", columns!(), " FROM board WHERE number < $1 ORDER BY number DESC LIMIT $2");
pub(super) const ENDED_WELL: &str = "SELECT incident FROM board WHERE environment = $1 AND component = $2 \
     AND outcome IN ('rolled_back', 'restored') ORDER BY opened_at DESC LIMIT $3";
pub(super) const HOLDING_LOCKS: &str =
    concat!("SELECT ", columns!(), " FROM board WHERE environment = $1 AND locked_components <> '[]' ORDER BY number");
pub(super) const FIRST_OPENED: &str = "SELECT opened_at FROM board WHERE environment = $1 AND component = $2 \
     AND opened_at >= $3 AND opened_at < $4 AND incident <> $5 AND (outcome IS NULL OR outcome <> 'dismissed') \
     ORDER BY opened_at LIMIT 1";

queries! {
    /// The next incident's number. Lock the head first, or two may draw the same.
    write pub fn next_number(db) -> i64 {
        let last: Option<i64> = sqlx::query_scalar(LAST_NUMBER).fetch_optional(db).await?;
        Ok(last.unwrap_or(0) + 1)
    }

    /// Writes an incident's row, new or again.
    write pub fn put_board(db, row: &BoardRow) -> () {
        sqlx::query(UPSERT)
            .bind(&row.incident)
            .bind(row.number)
            .bind(row.version)
            .bind(&row.title)
            .bind(&row.severity)
            .bind(&row.category)
            .bind(&row.environment)
            .bind(&row.component)
            .bind(&row.decision)
            .bind(&row.status)
            .bind(&row.phase)
            .bind(&row.outcome)
            .bind(row.opened_at)
            .bind(row.closed_at)
            .bind(&row.commander)
            .bind(&row.technical_lead)
            .bind(row.attempt)
            .bind(row.next_due)
            .bind(TextList::from(&row.locked_components[..]))
            .bind(Flag::from(row.frozen))
            .bind(&row.waits_for)
            .bind(row.updated_at)
            .execute(db)
            .await?;
        Ok(())
    }

    /// One incident's row.
    read pub fn board(db, incident: &str) -> Option<BoardRow> {
        Ok(sqlx::query_as(BY_ID).bind(incident).fetch_optional(db).await?)
    }

    /// Every open incident, oldest first.
    read pub fn open_all(db) -> Vec<BoardRow> {
        Ok(sqlx::query_as(OPEN_ALL).fetch_all(db).await?)
    }

    /// The open incidents of one component in one environment, oldest first.
    read pub fn open_in(db, environment: &str, component: &str) -> Vec<BoardRow> {
        Ok(sqlx::query_as(OPEN_IN).bind(environment).bind(component).fetch_all(db).await?)
    }

    /// What is due at `t` or before, the longest due first, at most `limit`.
    read pub fn due_before(db, t: Timestamp, limit: i64) -> Vec<BoardRow> {
        Ok(sqlx::query_as(DUE_BEFORE).bind(t).bind(limit).fetch_all(db).await?)
    }

    /// The earliest moment at which anything is due: until then the clock's worker may sleep.
    read pub fn next_due(db) -> Option<Timestamp> {
        Ok(sqlx::query_scalar(NEXT_DUE).fetch_optional(db).await?)
    }

    /// A page of all incidents, newest first: `limit` rows below `before_number` (or from the newest).
    read pub fn recent(db, limit: i64, before_number: Option<i64>) -> Vec<BoardRow> {
        Ok(sqlx::query_as(RECENT).bind(before_number.unwrap_or(i64::MAX)).bind(limit).fetch_all(db).await?)
    }

    /// The incidents that hold a lock in an environment.
    read pub fn holding_locks(db, environment: &str) -> Vec<BoardRow> {
        Ok(sqlx::query_as(HOLDING_LOCKS).bind(environment).fetch_all(db).await?)
    }

    /// The newest incidents about a component that a rollback or a restoration ended.
    read pub fn ended_well(db, environment: &str, component: &str, limit: i64) -> Vec<String> {
        Ok(sqlx::query_scalar(ENDED_WELL).bind(environment).bind(component).bind(limit).fetch_all(db).await?)
    }

    /// When the first incident about a component was opened, from `from` on and before `to`; a dismissed alarm and
    /// `except` do not count.
    read pub fn first_opened(
        db, environment: &str, component: &str, from: Timestamp, to: Timestamp, except: &str
    ) -> Option<Timestamp> {
        let found = sqlx::query_scalar(FIRST_OPENED).bind(environment).bind(component).bind(from).bind(to).bind(except);
        Ok(found.fetch_optional(db).await?)
    }
}
