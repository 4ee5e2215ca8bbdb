//! Registering what can be rolled back to: releases, backups, configurations. Recorded in the `settings` stream.
//!
//! A release that is known and does not run can be told of again: it was deployed once more. One that runs can be told of
//! as often as its pipeline likes, in the same words: that changes nothing. A rollback that succeeded
//! tells the register by itself, in the transaction that records the success; so does whatever run of a restoration ended or
//! was lost: what was undone since its backup is there again. The incident's journal is the record of both.

use super::site::Site;
use super::{Accepted, gather};
use crate::domain::decide::{LONGEST_TEXT, is_plain_name};
use crate::domain::event::{Event, PlanSubmitted, RunEnd};
use crate::domain::facts::Registered;
use crate::domain::plan::{Target, restored};
use crate::domain::procedure::{Procedure, TargetKind};
use crate::domain::state::{Attempt, AttemptNo, Incident, RunId};
use crate::domain::{Timestamp, running};
use crate::store::{self, NewEntry, Store, StoreError, Tx};
use std::collections::BTreeSet;
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
    /// The name is taken: a whole sentence that says what is told otherwise.
    Duplicate(String),
    Store(StoreError),
}

impl fmt::Display for NotRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRegistered::Input { field, fault } => write!(f, "{field}: {fault}"),
            NotRegistered::Duplicate(fault) => f.write_str(fault),
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

/// What became of what was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    New,
    /// A release that was known began to run once more.
    RunsAgain,
    /// A release that was known and runs since then: nothing was changed.
    RunsAlready(Timestamp),
}

/// What the register says of a name before it is told of.
enum Known {
    Never,
    Runs(Timestamp),
    BeganAgain,
    /// Something else, in a whole sentence.
    Otherwise(String),
}

/// Registers a target, or notes that a known release runs again; `by` is who tells, as the ledger names them. What is known
/// in the same words and runs stays as it is.
///
/// # Errors
/// [`NotRegistered`]; nothing is stored then.
pub async fn register(
    store: &Store,
    site: &Site,
    by: &str,
    entry: &Entry,
    now: Timestamp,
) -> Result<Told, NotRegistered> {
    check(site, entry, now)?;
    let Entry { kind, environment, component, name, at, .. } = entry;
    let line = store::Registered {
        checksum: entry.checksum.trim().to_owned(),
        added_by: by.to_owned(),
        note: entry.note.trim().to_owned(),
        migrations: entry.migrations.clone(),
        ..store::Registered::fresh(kind.key(), environment, component, name, *at)
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
    let (outcome, kind) = match known(&mut tx, &line).await.map_err(told)? {
        Known::Otherwise(fault) => return Err(NotRegistered::Duplicate(fault)),
        Known::Runs(since) => return Ok(Told::RunsAlready(since)),
        Known::BeganAgain => {
            tx.runs_again(&line.environment, &line.component, &line.name, line.at).await.map_err(told)?;
            (Told::RunsAgain, "ReleaseRunsAgain")
        }
        Known::Never => {
            let restored_at = restored_since(&mut tx, &line).await.map_err(told)?;
            tx.register(&store::Registered { restored_at, ..line }).await.map_err(told)?;
            (Told::New, "TargetRegistered")
        }
    };
    tx.append("settings", None, now, by, &[NewEntry::new(kind, body.to_string())]).await.map_err(told)?;
    tx.commit().await.map_err(told)?;
    Ok(outcome)
}

/// What is told of a release's bytes or its migrations and stands otherwise in the register: then it is no repetition. That
/// no checksum is told says nothing against one that is known.
fn told_otherwise(known: &Registered, line: &store::Registered) -> Option<String> {
    let migrations = (known.migrations != line.migrations)
        .then(|| format!("its migrations are “{}”, and “{}” was told", known.migrations, line.migrations));
    let checksum = (!line.checksum.is_empty() && known.checksum != line.checksum).then(|| match &*known.checksum {
        "" => format!("it has no checksum, and “{}” was told", line.checksum),
        known => format!("its checksum is “{known}”, and “{}” was told", line.checksum),
    });
    let differences: Vec<String> = migrations.into_iter().chain(checksum).collect();
    (!differences.is_empty()).then(|| differences.join("; "))
}

/// What is known of the name that is told. A release begins again when it began after everything else that is known there.
async fn known(tx: &mut Tx, line: &store::Registered) -> Result<Known, StoreError> {
    let rows = tx.registered(&line.environment, &line.component).await?;
    let rows: Vec<_> = rows.into_iter().filter_map(gather::registered).collect();
    let Some(known) = rows.iter().find(|row| row.kind.key() == line.kind && row.name == line.name) else {
        return Ok(Known::Never);
    };
    let taken = |because: &str| Known::Otherwise(format!("{} is registered there already{because}", line.name));
    if known.kind != TargetKind::Release {
        return Ok(taken("; names are used once."));
    }
    if let Some(differences) = told_otherwise(known, line) {
        return Ok(taken(&format!(": {differences}. Names are used once: give what is different another one.")));
    }
    Ok(match running::running(&rows, &line.component) {
        Some(runs) if runs.name == known.name => Known::Runs(runs.began_at()),
        Some(runs) if runs.began_at() >= line.at => taken(&format!(
            ", and {} began no earlier than it is said to, at {}, and runs.",
            runs.name,
            runs.began_at()
        )),
        _ => Known::BeganAgain,
    })
}

/// When the data was last restored since a release began that is told of only now: by then every one that was known was
/// marked.
async fn restored_since(tx: &mut Tx, line: &store::Registered) -> Result<Option<Timestamp>, StoreError> {
    if line.kind != TargetKind::Release.key() {
        return Ok(None);
    }
    let known = tx.registered(&line.environment, &line.component).await?;
    Ok(known.iter().filter_map(|known| known.restored_at).filter(|restored| line.at <= *restored).max())
}

/// What happened in an incident that was `before`, as far as the register must know of it: in the transaction that records
/// it.
pub(super) async fn follow(
    tx: &mut Tx,
    procedure: &Procedure,
    before: &Incident,
    accepted: &Accepted,
) -> Result<(), StoreError> {
    let incident = &accepted.incident;
    for one in &accepted.events {
        match &one.event {
            Event::SuccessConfirmed { attempt, .. } => {
                follow_success(tx, procedure, incident, *attempt, &one.actor.to_string(), one.at).await?;
            }
            Event::RunFinished { run, outcome } if !matches!(outcome.end, RunEnd::NeverStarted(_)) => {
                follow_restoration(tx, procedure, incident, run, one.at).await?;
            }
            Event::RunLost { run, .. } | Event::RunJudged { run, .. } | Event::ReportedByHand { run, .. } => {
                follow_restoration(tx, procedure, incident, run, one.at).await?;
            }
            // What hands were about to do is never told any more; a plan that was taken from them may not know it afterwards.
            Event::StopOrdered { attempt, .. }
            | Event::StartRefused { attempt, .. }
            | Event::PlanEdited { attempt, .. }
            | Event::PlanVoided { attempt, .. }
            | Event::PlanSubmitted(PlanSubmitted { attempt, .. })
            | Event::PlanWithdrawn { attempt, .. }
            | Event::ChangesRequested { attempt, .. }
            | Event::ApprovalWithdrawn { attempt, .. }
            | Event::Declined { attempt, .. }
            | Event::FailureDeclared { attempt, .. } => {
                let Some(attempt) = before.attempt(*attempt) else { continue };
                for (action, backup) in attempt.restorations_begun(procedure) {
                    if attempt.is_up_to_hands(action) {
                        follow_backup(tx, &attempt.draft.environment, backup, one.at).await?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The data is, or may be, that of a backup: what was undone since it was taken is in it again. How the run ended does not
/// matter, nor what becomes of its attempt: one that broke off may have restored everything.
async fn follow_restoration(
    tx: &mut Tx,
    procedure: &Procedure,
    incident: &Incident,
    run: &RunId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some((attempt, run)) = incident.run(run) else { return Ok(()) };
    let Some(plan) = attempt.plan() else { return Ok(()) };
    let Some(backup) = plan.target_of(procedure, &run.action).filter(|target| target.kind == TargetKind::Backup) else {
        return Ok(());
    };
    follow_backup(tx, &plan.environment, backup, now).await
}

async fn follow_backup(tx: &mut Tx, environment: &str, backup: &Target, now: Timestamp) -> Result<(), StoreError> {
    tx.data_restored(environment, &backup.component, now).await?;
    // A name typed by hand is not that of a backup which was registered under it since.
    let known = if backup.free_text { Vec::new() } else { tx.registered(environment, &backup.component).await? };
    let kept = known.iter().find(|entry| entry.kind == TargetKind::Backup.key() && entry.name == backup.name);
    tx.undoing_reverted(environment, &backup.component, kept.map(|kept| kept.at)).await
}

/// The registered backup to which an attempt brought a component's data back, and since when: a release that began later
/// is not undone by it. `None` where that was not done, or not wholly.
fn brought_back<'a>(
    procedure: &Procedure,
    attempt: &Attempt,
    known: &'a [Registered],
    component: &str,
) -> Option<(&'a Registered, Timestamp)> {
    let plan = attempt.plan()?;
    let backup = restored(procedure, plan.kind, &plan.targets, component).filter(|backup| !backup.free_text)?;
    let kept = known.iter().find(|entry| entry.kind == TargetKind::Backup && entry.name == backup.name)?;
    let restoring = plan.actions.iter().filter(|action| plan.target_of(procedure, &action.name) == Some(backup));
    let began = restoring.map(|action| {
        let run = attempt.latest_run(&action.name).filter(|_| attempt.is_done(&action.name))?;
        // What people did is told when it is over; it was not begun before the start was ordered.
        if action.by_hand.is_empty() { Some(run.starting_at) } else { attempt.start_ordered }
    });
    let since = began.collect::<Option<Vec<_>>>()?.into_iter().min()?;
    Some((kept, since))
}

/// After an attempt succeeded its releases run, and those that it went back from are marked. A release that was typed by
/// hand becomes known; going forward again leaves no mark on what was left.
async fn follow_success(
    tx: &mut Tx,
    procedure: &Procedure,
    incident: &Incident,
    number: AttemptNo,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some((attempt, plan)) = incident.attempt(number).and_then(|attempt| Some((attempt, attempt.plan()?))) else {
        return Ok(());
    };
    let at = attempt.last_run_ended_at().unwrap_or(now);
    for target in plan.targets.iter().filter(|target| target.kind == TargetKind::Release) {
        let (environment, component) = (plan.environment.as_str(), target.component.as_str());
        let known: Vec<_> =
            tx.registered(environment, component).await?.into_iter().filter_map(gather::registered).collect();
        let of = |name: &str| known.iter().find(|entry| entry.kind == TargetKind::Release && entry.name == name);
        let to = of(&target.name);
        match to {
            Some(_) => {
                tx.runs_again(environment, component, &target.name, at).await?;
            }
            None => {
                let line = store::Registered {
                    checksum: target.checksum.clone(),
                    added_by: by.to_owned(),
                    note: format!("Typed by hand in {}, and known since its rollback succeeded.", incident.id),
                    ..store::Registered::fresh(TargetKind::Release.key(), environment, component, &target.name, at)
                };
                tx.register(&line).await?;
            }
        }
        // What they did to the data is undone as far as it was brought back to before them.
        if let (Some((kept, since)), Some(to)) = (brought_back(procedure, attempt, &known, component), to) {
            tx.data_brought_back(environment, component, kept.at.max(to.at), since).await?;
        }
        // A restoration may have begun with the target in service already: what an earlier attempt left counts too.
        let started = incident.attempts.iter().filter(|attempt| !attempt.runs.is_empty());
        let left: BTreeSet<&str> = started
            .filter_map(|attempt| attempt.plan())
            .flat_map(|plan| &plan.targets)
            .filter(|other| other.kind == TargetKind::Release && other.component == target.component)
            .filter_map(|other| other.from.as_deref())
            .filter(|from| *from != target.name)
            .collect();
        for from in left.into_iter().filter_map(of) {
            if to.is_none_or(|to| to.at < from.at) {
                tx.rolled_back_from(environment, component, &from.name, at, &incident.id).await?;
            }
        }
    }
    Ok(())
}
