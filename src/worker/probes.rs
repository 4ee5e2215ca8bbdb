//! The built-in probes: ask each service at its interval, keep the samples, and raise the triggers that they breach.

use super::duration;
use crate::app::gather::{probe_series, sample_of, sample_value};
use crate::app::{App, Raised, SubmitError};
use crate::domain::actor::Actor;
use crate::domain::condition::{Condition, Watch};
use crate::domain::event::TriggerSeen;
use crate::domain::procedure::{Detection, Procedure};
use crate::domain::{Span, Timestamp};
use crate::store::{Sample, StoreError, TriggerState};
use crate::triggers::probe::{Probe, ProbeConfig};
use crate::triggers::watcher::{Finding, Watcher};
use std::collections::BTreeMap;

/// Samples reach the store at least this often.
const FLUSH_EVERY: Span = Span::seconds(1);

/// One probe with its watcher and what is not stored yet.
pub struct Watching {
    app: App,
    probe: Probe,
    playbook: String,
    watcher: Watcher,
    unsaved: Vec<Sample>,
    flushed_at: Timestamp,
    /// Breaches that were found and not yet heard by an incident.
    untold: Vec<Finding>,
}

/// The row under which a trigger's watch is kept.
pub fn watch_key(environment: &str, component: &str, trigger: &str) -> String {
    format!("{environment}/{component}/{trigger}")
}

/// The metric triggers of a playbook with their conditions.
pub fn conditions(procedure: &Procedure) -> Vec<(String, Condition)> {
    procedure
        .triggers
        .iter()
        .filter_map(|trigger| match &trigger.detection {
            Detection::Metric { condition, .. } => Some((trigger.name.clone(), condition.clone())),
            _ => None,
        })
        // A series that the probe cannot measure belongs to another detector.
        .filter(|(_, condition)| !matches!(condition.series, crate::domain::condition::Series::Other(_)))
        .collect()
}

impl Watching {
    /// Takes up watching where an earlier process left it.
    ///
    /// # Errors
    /// The store's, or a frozen playbook.
    pub async fn restored(app: App, probe: Probe) -> Result<Watching, SubmitError> {
        let now = app.clock.now();
        let mut read = app.store.read().await?;
        let (playbook, procedure) = app.playbooks.current_read(&mut read).await?;
        let conditions = conditions(&procedure);
        let config = probe.config();
        let mut rows = BTreeMap::new();
        for (trigger, _) in &conditions {
            let key = watch_key(&config.environment, &config.component, trigger);
            if let Some(state) = read.trigger_state(&key).await?
                && let Ok(watch) = serde_json::from_str::<Watch>(&state.body)
            {
                rows.insert(trigger.clone(), watch);
            }
        }
        let from = Watcher::oldest_needed(config, &conditions, &rows, now);
        let series = probe_series(&config.environment, &config.component);
        let samples: Vec<_> = read.samples(&series, from, now + Span(1)).await?.iter().map(sample_of).collect();
        let (watcher, untold) = Watcher::restored(config, conditions, &rows, &samples, now);
        drop(read);
        Ok(Watching { app, probe, playbook, watcher, unsaved: Vec::new(), flushed_at: now, untold })
    }

    pub fn config(&self) -> &ProbeConfig {
        self.probe.config()
    }

    /// Asks once, keeps the sample, raises what breached.
    ///
    /// # Errors
    /// The store's. What was found is told by the next step; a repeat joins.
    pub async fn step(&mut self) -> Result<(), SubmitError> {
        let sample = self.probe.measure(self.app.clock.as_ref()).await;
        let config = self.probe.config();
        self.unsaved.push(Sample {
            series: probe_series(&config.environment, &config.component),
            at: sample.at,
            value: sample_value(&sample),
        });
        self.untold.extend(self.watcher.observe(sample));
        if !self.untold.is_empty() || sample.at - self.flushed_at >= FLUSH_EVERY {
            self.flush(sample.at).await?;
        }
        while let Some(finding) = self.untold.first().cloned() {
            self.raise(finding).await?;
            self.untold.remove(0);
        }
        Ok(())
    }

    async fn flush(&mut self, now: Timestamp) -> Result<(), SubmitError> {
        self.app.store.insert_samples(&self.unsaved).await?;
        self.unsaved.clear();
        self.flushed_at = now;
        let config = self.probe.config().clone();
        for (trigger, watch) in self.watcher.changed() {
            let state = TriggerState {
                key: watch_key(&config.environment, &config.component, &trigger),
                state: watch.phase().name().to_owned(),
                since: watch.since,
                body: serde_json::to_string(&watch).map_err(|fault| StoreError::Corrupt(fault.to_string()))?,
                updated_at: now,
            };
            self.app.store.put_trigger_state(&state).await?;
        }
        self.follow_playbook(now).await
    }

    /// A new playbook's conditions count from its loading on.
    async fn follow_playbook(&mut self, now: Timestamp) -> Result<(), SubmitError> {
        let mut read = self.app.store.read().await?;
        let (hash, procedure) = self.app.playbooks.current_read(&mut read).await?;
        if hash != self.playbook {
            self.watcher = Watcher::new(self.probe.config(), conditions(&procedure), now);
            self.playbook = hash;
        }
        Ok(())
    }

    async fn raise(&self, finding: Finding) -> Result<(), SubmitError> {
        let Finding { trigger, environment, component, evidence } = finding;
        let saw = format!(
            "{} {} since {} UTC",
            evidence.series.label(),
            evidence
                .values
                .last()
                .map_or_else(|| "beyond its threshold".to_owned(), |(_, value)| evidence.series.show(*value)),
            evidence.since.time_of_day(),
        );
        let raised = Raised {
            title: String::new(),
            trigger: TriggerSeen {
                fingerprint: format!("probe/{}", watch_key(&environment, &component, &trigger)),
                name: trigger,
                text: String::new(),
                category: String::new(),
                saw,
                seen_at: evidence.since,
                evidence: serde_json::to_string_pretty(&evidence)
                    .map_err(|fault| StoreError::Corrupt(fault.to_string()))?,
            },
            environment,
            component,
            severity: None,
            outage: false,
            users_affected_ppm: None,
        };
        match self.app.raise(Actor::SYSTEM, raised, None).await {
            Ok(accepted) => {
                tracing::info!(incident = accepted.incident.id, "a probe raised a trigger");
                Ok(())
            }
            Err(SubmitError::Refused(refusal)) => {
                tracing::warn!(%refusal, "a trigger was not heard");
                Ok(())
            }
            Err(other) => Err(other),
        }
    }
}

/// Probes until the process ends.
pub async fn keep(app: App, probe: Probe) {
    let interval = duration(probe.config().interval);
    loop {
        let mut watching = match Watching::restored(app.clone(), probe.clone()).await {
            Ok(watching) => watching,
            Err(fault) => {
                tracing::warn!(%fault, "a probe could not begin and will try again");
                tokio::time::sleep(interval).await;
                continue;
            }
        };
        let mut beat = tokio::time::interval(interval);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            if let Err(fault) = watching.step().await {
                tracing::warn!(%fault, "a probe's finding could not be stored and will be told again");
            }
        }
    }
}
