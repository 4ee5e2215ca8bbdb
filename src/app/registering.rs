//! Registering what can be rolled back to: releases, backups, configurations. Recorded in the `settings` stream.

use super::site::Site;
use crate::domain::Timestamp;
use crate::domain::decide::{LONGEST_TEXT, is_plain_name};
use crate::domain::procedure::TargetKind;
use crate::store::{self, NewEntry, Store, StoreError};
use std::fmt;

/// What is told about one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: TargetKind,
    pub environment: String,
    pub component: String,
    pub name: String,
    /// When it began to run, or was taken.
    pub at: Timestamp,
    pub checksum: String,
    /// none, reversible, destructive or unknown.
    pub migrations: String,
    pub note: String,
}

/// The words for what a release does to the database.
pub const MIGRATIONS: [&str; 4] = ["none", "reversible", "destructive", "unknown"];

/// Why nothing was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRegistered {
    /// The field, and a whole sentence with fault and mend.
    Input {
        field: &'static str,
        fault: String,
    },
    Duplicate(String),
    Store(StoreError),
}

impl fmt::Display for NotRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRegistered::Input { field, fault } => write!(f, "{field}: {fault}"),
            NotRegistered::Duplicate(name) => write!(f, "{name} is registered there already; names are used once."),
            NotRegistered::Store(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for NotRegistered {}

fn check(site: &Site, entry: &Entry, now: Timestamp) -> Result<(), NotRegistered> {
    let input = |field, fault: String| Err(NotRegistered::Input { field, fault });
    if !is_plain_name(&entry.name) {
        let fault = format!(
            "“{}” is no plain name. Use letters, digits, dot, underscore, plus and dash, 64 at most, beginning with a \
             letter or digit.",
            entry.name
        );
        return input("name", fault);
    }
    let Some(environment) = site.environments.get(&entry.environment) else {
        let known: Vec<&str> = site.environments.keys().map(String::as_str).collect();
        let fault = format!("“{}” is not configured. Choose one of: {}.", entry.environment, known.join(", "));
        return input("environment", fault);
    };
    if !environment.components.contains(&entry.component) {
        let known = environment.components.join(", ");
        let fault = format!("“{}” is not one of {}. Choose one of: {known}.", entry.component, entry.environment);
        return input("component", fault);
    }
    if entry.at > now {
        return input("at", format!("{} lies in the future. Say when it began.", entry.at));
    }
    if !MIGRATIONS.contains(&entry.migrations.as_str()) {
        let fault = format!("“{}” is none of {}.", entry.migrations, MIGRATIONS.join(", "));
        return input("migrations", fault);
    }
    for (field, text) in [("note", &entry.note), ("checksum", &entry.checksum)] {
        if text.chars().count() > LONGEST_TEXT || text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return input(field, format!("It is longer than {LONGEST_TEXT} characters, or holds control characters."));
        }
    }
    Ok(())
}

/// Registers a target; `by` is who tells, as the ledger names them.
///
/// # Errors
/// [`NotRegistered`]; nothing is stored then.
pub async fn register(
    store: &Store,
    site: &Site,
    by: &str,
    entry: &Entry,
    now: Timestamp,
) -> Result<(), NotRegistered> {
    check(site, entry, now)?;
    let line = store::Registered {
        kind: entry.kind.key().to_owned(),
        environment: entry.environment.clone(),
        component: entry.component.clone(),
        name: entry.name.clone(),
        checksum: entry.checksum.trim().to_owned(),
        at: entry.at,
        added_by: by.to_owned(),
        note: entry.note.trim().to_owned(),
        migrations: entry.migrations.clone(),
        verified_at: None,
    };
    let told = |fault| match fault {
        StoreError::Duplicate => NotRegistered::Duplicate(entry.name.clone()),
        other => NotRegistered::Store(other),
    };
    let body = serde_json::json!({
        "kind": line.kind, "environment": line.environment, "component": line.component, "name": line.name,
        "checksum": line.checksum, "at": line.at, "migrations": line.migrations, "note": line.note,
    });
    let mut tx = store.begin().await.map_err(told)?;
    tx.lock_head().await.map_err(told)?;
    tx.register(&line).await.map_err(told)?;
    let event = NewEntry::new("TargetRegistered", body.to_string());
    tx.append("settings", None, now, by, &[event]).await.map_err(told)?;
    tx.commit().await.map_err(told)
}
