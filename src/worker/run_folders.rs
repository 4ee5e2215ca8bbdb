//! Clears away the folders of runs that are long over.
//!
//! A run's folder is its truth until the store has everything: the outcome and the whole log. It goes a month after its
//! incident was closed, and only then: an incident that is open may still ask for its runs, and a store that was put
//! back to an earlier day may adopt them once more. What the store does not know is never touched.

use crate::app::{App, SubmitError};
use crate::domain::Span;
use crate::domain::state::{Incident, RunId};
use crate::executor::{CannotTell, Executor, Supervisor};
use crate::store::StoreError;
use std::fmt;
use std::time::Duration;

/// How long a folder stays after its incident was closed.
pub const KEPT_AFTER_CLOSING: Span = Span::hours(30 * 24);

/// Folders cleared away at a time; the rest waits for the next.
const AT_A_TIME: usize = 50;

const EVERY: Duration = Duration::from_secs(3_600);

/// Why nothing more was cleared away.
#[derive(Debug)]
pub enum Fault {
    Store(StoreError),
    Folder(CannotTell),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Store(fault) => fault.fmt(f),
            Fault::Folder(fault) => fault.fmt(f),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(fault: StoreError) -> Fault {
        Fault::Store(fault)
    }
}

impl From<CannotTell> for Fault {
    fn from(fault: CannotTell) -> Fault {
        Fault::Folder(fault)
    }
}

/// Clears away once; answers how many folders went.
///
/// # Errors
/// [`Fault`]; what went is gone, what did not is looked at again.
pub async fn step(app: &App, supervisor: &Supervisor) -> Result<usize, Fault> {
    let mut gone = 0;
    for name in supervisor.kept().await? {
        if gone == AT_A_TIME {
            break;
        }
        let run = RunId(name);
        if is_over(app, supervisor, &run).await? && supervisor.forget(&run.0).await? {
            tracing::info!(%run, "the folder of a run that is long over was cleared away");
            gone += 1;
        }
    }
    Ok(gone)
}

/// The store has all of it, and nobody will ask for the folder again.
async fn is_over(app: &App, supervisor: &Supervisor, run: &RunId) -> Result<bool, Fault> {
    let Some(id) = run.incident() else { return Ok(false) };
    let long_ago = app.clock.now() - KEPT_AFTER_CLOSING;
    let closed = app.store.board(id).await?.and_then(|row| row.closed_at);
    if closed.is_none_or(|closed| closed > long_ago) {
        return Ok(false);
    }
    let incident = match app.incident(id).await {
        Ok(incident) => incident,
        Err(SubmitError::Store(fault)) => return Err(fault.into()),
        Err(_) => return Ok(false),
    };
    Ok(is_ours(app, &incident, run) && log_is_whole(app, supervisor, &incident, run).await?)
}

fn is_ours(app: &App, incident: &Incident, run: &RunId) -> bool {
    let known = incident.run(run).map(|(_, run)| run);
    !incident.is_open() && known.is_some_and(|run| !run.state.is_live() && run.host == app.site.host)
}

/// Every line of the folder is in the store, and as many as the ledger says.
async fn log_is_whole(app: &App, supervisor: &Supervisor, incident: &Incident, run: &RunId) -> Result<bool, Fault> {
    let stored = app.store.log_end(&run.0).await?;
    let told = incident.run(run).and_then(|(_, run)| run.outcome.as_ref()).map(|outcome| outcome.lines);
    if told.is_some_and(|told| told != stored) {
        return Ok(false);
    }
    let (mut last, mut from) = (0, 0);
    loop {
        let part = supervisor.read_log(&run.0, from).await?;
        let Some(line) = part.lines.last() else { break };
        last = i64::try_from(line.n).unwrap_or(i64::MAX);
        from = part.next_byte;
    }
    Ok(last <= stored)
}

/// Clears away until the process ends.
pub async fn keep(app: App, supervisor: Supervisor) {
    super::keep_on("run folders", || {
        let (app, supervisor) = (app.clone(), supervisor.clone());
        async move {
            step(&app, &supervisor).await?;
            tokio::time::sleep(EVERY).await;
            Ok::<(), Fault>(())
        }
    })
    .await;
}
