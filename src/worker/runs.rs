//! Drives runs: claims what is ready, follows what is live, and takes up again what an earlier process left.
//!
//! The order is the promise (INV-4, INV-5): the intent is durable first (`RunStarting`, written by the last check), then
//! the executor takes its exclusive claim, then the script starts. A run that this process finds live but does not
//! follow was left by an earlier one: the executor is asked what became of it. If nothing had begun, that is proved by
//! taking the claim itself; if it cannot tell, the run is lost and a person decides. Nothing is ever started from here a
//! second time.

use super::commit_or;
use crate::app::catalogue::read_script;
use crate::app::{App, ClaimedRun, SubmitError};
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::decide::next_claims;
use crate::domain::event::{RunEnd, RunOutcome};
use crate::domain::refusal::RefusalKind;
use crate::domain::state::{Incident, RunId, RunState};
use crate::executor::{Executor, Finished, Forestalled, Look, RunOrder, StartFailed, Why};
use crate::store::StoreError;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a live run is looked at; its lines reach the store within this time.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// How long the driver sleeps when nothing is announced.
const IDLE: Duration = Duration::from_secs(1);

/// A fault of one step; the next step tries again.
#[derive(Debug)]
pub enum RunFault {
    Store(StoreError),
    Submit(SubmitError),
    Executor(String),
}

impl fmt::Display for RunFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunFault::Store(fault) => fault.fmt(f),
            RunFault::Submit(fault) => fault.fmt(f),
            RunFault::Executor(fault) => f.write_str(fault),
        }
    }
}

impl From<StoreError> for RunFault {
    fn from(fault: StoreError) -> RunFault {
        RunFault::Store(fault)
    }
}

impl From<SubmitError> for RunFault {
    fn from(fault: SubmitError) -> RunFault {
        RunFault::Submit(fault)
    }
}

/// Starts and follows the runs of this host.
#[derive(Clone)]
pub struct Runs {
    app: App,
    executor: Arc<dyn Executor>,
    /// Runs that this process follows now.
    followed: Arc<Mutex<HashSet<RunId>>>,
}

/// Where following a run stands.
struct Followed {
    incident: String,
    run: RunId,
    next_byte: u64,
    noted: bool,
}

impl Runs {
    pub fn new(app: App, executor: Arc<dyn Executor>) -> Runs {
        Runs { app, executor, followed: Arc::default() }
    }

    /// Drives until the process ends.
    pub async fn keep(self) {
        let commits = self.app.store.commits();
        super::keep_on("runs", || {
            let (runs, mut commits) = (self.clone(), commits.clone());
            commits.mark_unchanged();
            async move {
                runs.step().await?;
                commit_or(&mut commits, IDLE).await;
                Ok::<(), RunFault>(())
            }
        })
        .await;
    }

    /// Looks at every open incident once: claims, adopts, cancels. What is wrong with one holds no other back.
    ///
    /// # Errors
    /// The store's; whatever was left undone is done by the next step.
    pub async fn step(&self) -> Result<(), RunFault> {
        for row in self.app.store.open_all().await? {
            match self.serve(&row.incident).await {
                Ok(()) => {}
                Err(RunFault::Store(fault) | RunFault::Submit(SubmitError::Store(fault))) => return Err(fault.into()),
                // A frozen incident's page says why; a run's folder that cannot be read is looked at again.
                Err(fault) => tracing::warn!(incident = row.incident, %fault, "its runs could not be driven"),
            }
        }
        Ok(())
    }

    async fn serve(&self, id: &str) -> Result<(), RunFault> {
        let incident = self.app.incident(id).await?;
        self.cancel_stopped(&incident).await?;
        self.adopt(&incident);
        self.claim(&incident).await
    }

    async fn claim(&self, incident: &Incident) -> Result<(), RunFault> {
        for (attempt, action) in next_claims(incident) {
            let here = incident
                .attempt(attempt)
                .and_then(|attempt| attempt.plan())
                .and_then(|plan| plan.actions.iter().find(|planned| planned.name == action))
                .is_some_and(|planned| planned.place == self.app.site.label);
            if !here {
                continue;
            }
            match self.app.claim(&incident.id, attempt, &action).await {
                Ok(Some(claimed)) => self.start(claimed),
                Ok(None) => {}
                // Another replica was quicker, or a person stopped it in between.
                Err(SubmitError::Refused(refusal)) => tracing::debug!(%refusal, "a claim was refused"),
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(())
    }

    /// Starts a claimed run and follows it. Takes the proof of the last check by value: one proof, one start.
    fn start(&self, claimed: ClaimedRun) {
        let run = claimed.run().clone();
        if !self.take(&run) {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            let id = claimed.incident().id.clone();
            let order = this.order(&claimed);
            let outcome = match order {
                Ok(order) => {
                    metrics::counter!("backout_runs_started_total").increment(1);
                    this.executor.start(&order).await.map_err(|fault| match fault {
                        // Somebody took it up: look at it like at any other.
                        StartFailed::AlreadyClaimed => None,
                        other => Some(other.to_string()),
                    })
                }
                Err(why) => Err(Some(why)),
            };
            match outcome {
                Ok(()) | Err(None) => this.follow(&id, &run).await,
                Err(Some(why)) => this.never_started(&id, &run, &why).await,
            }
            this.leave(&run);
        });
    }

    /// Everything that the script will see, from the approved bytes and this host's profile.
    fn order(&self, claimed: &ClaimedRun) -> Result<RunOrder, String> {
        let incident = claimed.incident();
        let (attempt, run) = incident.run(claimed.run()).ok_or("the run is not in its incident")?;
        let submitted = attempt.submitted.as_ref().ok_or("the attempt has no plan")?;
        let plan = &submitted.plan;
        let action =
            plan.actions.iter().find(|action| action.name == run.action).ok_or("the plan has no such action")?;
        let profile = self
            .app
            .site
            .environments
            .get(&plan.environment)
            .ok_or_else(|| format!("the environment {} is not configured on this host", plan.environment))?;
        let script = action.scripts.first().ok_or("the action names no script")?;
        let directory = PathBuf::from(&action.directory);
        let bytes = read_script(&directory, &script.path)?;
        let mut env = BTreeMap::new();
        for name in &action.grants {
            let value = profile.grants.get(name).ok_or_else(|| format!("the variable {name} is not configured"))?;
            env.insert(name.clone(), value.clone());
        }
        Ok(RunOrder {
            run: run.id.0.clone(),
            receipt: submitted.digest.clone(),
            script: bytes,
            script_sha256: script.sha256.clone(),
            script_name: script.path.rsplit('/').next().unwrap_or("script").to_owned(),
            args: action.argv.iter().skip(1).cloned().collect(),
            env,
            directory,
            time_limit: action.time_limit,
            grace: profile.grace,
            log_limit: profile.log_limit,
            limits: Default::default(),
        })
    }

    /// Takes up live runs of this host that nobody here follows.
    fn adopt(&self, incident: &Arc<Incident>) {
        let host = &self.app.site.host;
        let live = incident.live_runs();
        for run in live.filter(|run| run.host == *host) {
            if !self.take(&run.id) {
                continue;
            }
            let (this, id, run) = (self.clone(), incident.id.clone(), run.id.clone());
            tokio::spawn(async move {
                tracing::info!(%run, "taking a run up again");
                this.follow(&id, &run).await;
                this.leave(&run);
            });
        }
    }

    async fn cancel_stopped(&self, incident: &Incident) -> Result<(), RunFault> {
        let stopped = incident.attempts.iter().filter(|attempt| attempt.stop.is_some());
        for run in stopped.flat_map(|attempt| attempt.live_runs()).filter(|run| run.host == self.app.site.host) {
            self.executor.cancel(&run.id.0).await.map_err(|fault| RunFault::Executor(fault.to_string()))?;
        }
        Ok(())
    }

    /// Follows a run to its end. A fault of the store or the disk is waited out; the run goes on meanwhile.
    async fn follow(&self, incident: &str, run: &RunId) {
        let mut followed = Followed { incident: incident.to_owned(), run: run.clone(), next_byte: 0, noted: false };
        loop {
            match self.follow_once(&mut followed).await {
                Ok(true) => return,
                Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
                Err(fault) => {
                    tracing::warn!(%run, %fault, "a run could not be followed for a moment");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }

    /// One look: liveness first, then the log, so that nothing written before the look is missed. True at the end.
    async fn follow_once(&self, followed: &mut Followed) -> Result<bool, RunFault> {
        let tell = |fault: crate::executor::CannotTell| RunFault::Executor(fault.to_string());
        let run = followed.run.clone();
        let look = self.executor.look(&run.0).await.map_err(tell)?;
        match look {
            Look::NotClaimed => match self.executor.forestall(&run.0).await.map_err(tell)? {
                Forestalled::NothingStarted => {
                    let why = "the server stopped before it started the script; it is proved that nothing ran";
                    self.end(followed, RunEnd::NeverStarted(why.to_owned()), None).await?;
                    Ok(true)
                }
                Forestalled::Exists(_) => Ok(false),
            },
            Look::Starting { .. } => Ok(false),
            Look::Running { .. } => {
                self.note_running(followed).await?;
                self.copy_log(followed).await?;
                Ok(false)
            }
            Look::NeverStarted { why } => {
                self.end(followed, RunEnd::NeverStarted(why), None).await?;
                Ok(true)
            }
            Look::Finished(finished) => {
                self.note_running(followed).await?;
                self.copy_log(followed).await?;
                self.end(followed, end_of(&finished), Some(&finished)).await?;
                Ok(true)
            }
            Look::Lost { why, .. } => {
                self.copy_log(followed).await?;
                self.tell(followed, Command::LoseRun { run, why }).await?;
                metrics::counter!("backout_runs_lost_total").increment(1);
                Ok(true)
            }
        }
    }

    async fn note_running(&self, followed: &mut Followed) -> Result<(), RunFault> {
        if !followed.noted {
            self.tell(followed, Command::NoteRunning { run: followed.run.clone() }).await?;
            followed.noted = true;
        }
        Ok(())
    }

    /// Copies new whole lines into the store; lines that are there already are passed over.
    async fn copy_log(&self, followed: &mut Followed) -> Result<(), RunFault> {
        loop {
            let part = self
                .executor
                .read_log(&followed.run.0, followed.next_byte)
                .await
                .map_err(|fault| RunFault::Executor(fault.to_string()))?;
            if part.lines.is_empty() {
                return Ok(());
            }
            let end = self.app.store.log_end(&followed.run.0).await?;
            let mut bytes = Vec::new();
            let (mut first, mut count) = (None, 0);
            for line in &part.lines {
                // The file counts lines from 1, the store from 0.
                let number = i64::try_from(line.n).unwrap_or(i64::MAX) - 1;
                if number < end {
                    continue;
                }
                first.get_or_insert(number);
                count += 1;
                bytes.extend_from_slice(format!("{} {} ", line.at.0, line.stream.letter()).as_bytes());
                bytes.extend_from_slice(&line.bytes);
                bytes.push(b'\n');
            }
            if let Some(first) = first {
                self.app.store.append_log(&followed.run.0, first, count, &bytes).await?;
            }
            followed.next_byte = part.next_byte;
        }
    }

    async fn never_started(&self, incident: &str, run: &RunId, why: &str) {
        let followed = Followed { incident: incident.to_owned(), run: run.clone(), next_byte: 0, noted: true };
        loop {
            match self.end(&followed, RunEnd::NeverStarted(why.to_owned()), None).await {
                Ok(()) => return,
                Err(fault) => {
                    tracing::warn!(%run, %fault, "an outcome could not be recorded for a moment");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }

    async fn end(&self, followed: &Followed, end: RunEnd, finished: Option<&Finished>) -> Result<(), RunFault> {
        let outcome = RunOutcome {
            end,
            lines: finished.map_or(0, |finished| i64::try_from(finished.lines).unwrap_or(i64::MAX)),
            log_sha256: finished.map_or(String::new(), |finished| finished.log_sha256.clone()),
            log_cut: finished.is_some_and(|finished| finished.log_cut),
        };
        let state = RunState::of(&outcome.end).key();
        metrics::counter!("backout_runs_ended_total", "state" => state).increment(1);
        self.tell(followed, Command::FinishRun { run: followed.run.clone(), outcome }).await
    }

    /// Submits what was seen. That it is known already is no fault.
    async fn tell(&self, followed: &Followed, command: Command) -> Result<(), RunFault> {
        match self.app.submit(&followed.incident, Actor::SYSTEM, command, None).await {
            Ok(_) => Ok(()),
            Err(SubmitError::Refused(refusal)) if refusal.kind == RefusalKind::AlreadyDone => Ok(()),
            Err(SubmitError::Refused(refusal)) => {
                tracing::warn!(run = %followed.run, %refusal, "what a run did was refused");
                Ok(())
            }
            Err(fault) => Err(fault.into()),
        }
    }

    fn take(&self, run: &RunId) -> bool {
        self.followed.lock().expect("no one panics while holding it").insert(run.clone())
    }

    fn leave(&self, run: &RunId) {
        self.followed.lock().expect("no one panics while holding it").remove(run);
    }
}

fn end_of(finished: &Finished) -> RunEnd {
    match &finished.why {
        Why::TimedOut => RunEnd::TimedOut,
        Why::Cancelled => RunEnd::Cancelled,
        Why::CouldNotStart(why) => RunEnd::NeverStarted(why.clone()),
        Why::Exited => match (finished.exit_code, finished.signal) {
            (Some(code), _) => RunEnd::Exited(code),
            (None, signal) => RunEnd::Signalled(signal.unwrap_or(0)),
        },
    }
}
