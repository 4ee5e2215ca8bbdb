//! What can be rolled back to: releases, backups, configuration snapshots.

use super::StoreError;
use crate::domain::Timestamp;

/// A line of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// `release`, `backup` or `config`.
    pub kind: String,
    pub environment: String,
    pub component: String,
    /// The release's version, the backup's or the snapshot's name.
    pub name: String,
    pub checksum: String,
    /// When the release began to run, or the backup or snapshot was taken.
    pub at: Timestamp,
    pub added_by: String,
    pub note: String,
    /// What the release did to the database: `none`, `reversible`, `destructive` or `unknown`.
    pub migrations: String,
    /// When it was last proven to be usable.
    pub verified_at: Option<Timestamp>,
    /// When a release last began to run anew, by a rollback or a further deployment.
    pub again_at: Option<Timestamp>,
    /// When a release was last rolled back from.
    pub left_at: Option<Timestamp>,
    /// The incident in which that was; empty when it never was.
    pub left_in: String,
    /// When the data was last brought back to a backup from before it first ran; taken back when a later backup that holds it is
    /// restored.
    pub undone_at: Option<Timestamp>,
    /// When its component's data was last restored, or may have been, since it first ran; never taken back.
    pub restored_at: Option<Timestamp>,
}

impl Registered {
    /// A line of which nothing is told yet but what it is and since when.
    pub fn fresh(kind: &str, environment: &str, component: &str, name: &str, at: Timestamp) -> Registered {
        Registered {
            kind: kind.to_owned(),
            environment: environment.to_owned(),
            component: component.to_owned(),
            name: name.to_owned(),
            checksum: String::new(),
            at,
            added_by: String::new(),
            note: String::new(),
            migrations: "unknown".to_owned(),
            verified_at: None,
            again_at: None,
            left_at: None,
            left_in: String::new(),
            undone_at: None,
            restored_at: None,
        }
    }
}

row!(Registered {
    kind,
    environment,
    component,
    name,
    checksum,
    at,
    added_by,
    note,
    migrations,
    verified_at,
    again_at,
    left_at,
    left_in,
    undone_at,
    restored_at,
});

macro_rules! columns {
    () => {
        "kind, environment, component, name, checksum, at, added_by, note, migrations, verified_at, again_at, left_at, \
         left_in, undone_at, restored_at"
    };
}

pub(super) const LIST: &str =
    concat!("SELECT ", columns!(), " FROM register WHERE environment = $1 AND component = $2 ORDER BY at DESC");
const ALL: &str = concat!("SELECT ", columns!(), " FROM register ORDER BY at DESC");

queries! {
    /// Adds a line; `Duplicate` when the kind has that name there already.
    alone pub fn register(db, line: &Registered) -> () {
        let added = sqlx::query(concat!(
            "INSERT INTO register (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
             ON CONFLICT DO NOTHING"
        ))
            .bind(&line.kind)
            .bind(&line.environment)
            .bind(&line.component)
            .bind(&line.name)
            .bind(&line.checksum)
            .bind(line.at)
            .bind(&line.added_by)
            .bind(&line.note)
            .bind(&line.migrations)
            .bind(line.verified_at)
            .bind(line.again_at)
            .bind(line.left_at)
            .bind(&line.left_in)
            .bind(line.undone_at)
            .bind(line.restored_at)
            .execute(db)
            .await?;
        if added.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Duplicate) }
    }

    /// Everything of one component in one environment, newest first.
    read pub fn registered(db, environment: &str, component: &str) -> Vec<Registered> {
        Ok(sqlx::query_as(LIST).bind(environment).bind(component).fetch_all(db).await?)
    }

    /// The whole register, newest first.
    read pub fn registered_all(db) -> Vec<Registered> {
        Ok(sqlx::query_as(ALL).fetch_all(db).await?)
    }

    /// Notes that a line was proven to be usable. False when there is no such line.
    alone pub fn mark_verified(
        db, kind: &str, environment: &str, component: &str, name: &str, at: Timestamp
    ) -> bool {
        let marked = sqlx::query(
            "UPDATE register SET verified_at = $5
             WHERE kind = $1 AND environment = $2 AND component = $3 AND name = $4",
        )
            .bind(kind)
            .bind(environment)
            .bind(component)
            .bind(name)
            .bind(at)
            .execute(db)
            .await?;
        Ok(marked.rows_affected() == 1)
    }

    /// Notes that a release runs again since `at`. False when there is no such release.
    write pub fn runs_again(db, environment: &str, component: &str, name: &str, at: Timestamp) -> bool {
        let noted = sqlx::query(
            "UPDATE register SET again_at = $4
             WHERE kind = 'release' AND environment = $1 AND component = $2 AND name = $3",
        )
            .bind(environment)
            .bind(component)
            .bind(name)
            .bind(at)
            .execute(db)
            .await?;
        Ok(noted.rows_affected() == 1)
    }

    /// Notes that a release was rolled back from at `at`, in `incident`. False when there is no such release.
    write pub fn rolled_back_from(
        db, environment: &str, component: &str, name: &str, at: Timestamp, incident: &str
    ) -> bool {
        let noted = sqlx::query(
            "UPDATE register SET left_at = $4, left_in = $5
             WHERE kind = 'release' AND environment = $1 AND component = $2 AND name = $3",
        )
            .bind(environment)
            .bind(component)
            .bind(name)
            .bind(at)
            .bind(incident)
            .execute(db)
            .await?;
        Ok(noted.rows_affected() == 1)
    }

    /// Notes that the data was restored at `at`, or may have been: every release that first ran by then may be in it or not.
    write pub fn data_restored(db, environment: &str, component: &str, at: Timestamp) -> () {
        sqlx::query(
            "UPDATE register SET restored_at = $3
             WHERE kind = 'release' AND environment = $1 AND component = $2 AND at <= $3",
        )
            .bind(environment)
            .bind(component)
            .bind(at)
            .execute(db)
            .await?;
        Ok(())
    }

    /// Notes that at `undone` the data was brought back to before each release that first ran after `after`, and before
    /// `undone` itself.
    write pub fn data_brought_back(
        db, environment: &str, component: &str, after: Timestamp, undone: Timestamp
    ) -> () {
        sqlx::query(
            "UPDATE register SET undone_at = $4
             WHERE kind = 'release' AND environment = $1 AND component = $2 AND at > $3 AND at < $4",
        )
            .bind(environment)
            .bind(component)
            .bind(after)
            .bind(undone)
            .execute(db)
            .await?;
        Ok(())
    }

    /// Notes that the data is that of a backup which was taken at `kept`: what was undone only after that is in it again.
    /// `None`, when nobody knows when it was taken: then nothing is known to be undone.
    write pub fn undoing_reverted(db, environment: &str, component: &str, kept: Option<Timestamp>) -> () {
        sqlx::query(
            "UPDATE register SET undone_at = NULL
             WHERE kind = 'release' AND environment = $1 AND component = $2 AND undone_at IS NOT NULL
               AND ($3 IS NULL OR (at <= $3 AND undone_at > $3))",
        )
            .bind(environment)
            .bind(component)
            .bind(kept)
            .execute(db)
            .await?;
        Ok(())
    }
}
