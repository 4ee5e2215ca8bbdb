//! A probe's samples held against the conditions of its triggers.
//!
//! Every sample is an evaluation of every condition. Samples are kept in memory for as long as a condition may look
//! back; the state of each trigger is a [`Watch`], which the caller stores when it changes ([`Watcher::changed`]).
//! After a restart, [`Watcher::restored`] replays the stored samples that came after each stored watch, so that the
//! time before the restart counts, and a breach that nobody heard of is told.
//!
//! What breached is told as a [`Finding`] with its [`Breach`]. A finding may be told again after a crash; whoever opens
//! incidents joins repeats.

use super::probe::ProbeConfig;
use crate::domain::breach::{Breach, MOST_POINTS};
use crate::domain::condition::{Condition, Sample, Watch};
use crate::domain::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A trigger that newly breached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub trigger: String,
    pub environment: String,
    pub component: String,
    pub evidence: Breach,
}

/// A trigger, its condition, and what it has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub trigger: String,
    pub condition: Condition,
    pub watch: Watch,
    /// The phase and time of the row that the caller has.
    stored: Option<(&'static str, Timestamp)>,
}

/// One probe's conditions and recent samples.
#[derive(Debug, Clone)]
pub struct Watcher {
    environment: String,
    component: String,
    probe_in_words: String,
    interval: Span,
    watched: Vec<Watched>,
    samples: VecDeque<Sample>,
}

impl Watcher {
    /// A watcher that has seen nothing. The conditions are evaluated at every sample, so the probe's interval takes
    /// the place of theirs. Names of triggers are distinct.
    pub fn new(config: &ProbeConfig, conditions: Vec<(String, Condition)>, now: Timestamp) -> Watcher {
        let watched = conditions
            .into_iter()
            .map(|(trigger, condition)| Watched {
                trigger,
                condition: Condition { interval: config.interval, ..condition },
                watch: Watch::unseen(now),
                stored: None,
            })
            .collect();
        Watcher {
            environment: config.environment.clone(),
            component: config.component.clone(),
            probe_in_words: config.in_words(),
            interval: config.interval,
            watched,
            samples: VecDeque::new(),
        }
    }

    /// A watcher as it was before a restart: `rows` are the stored watches by trigger, `samples` the stored samples in
    /// order of time, from [`Watcher::oldest_needed`] on. Also tells the breaches that completed after the rows were
    /// written.
    pub fn restored(
        config: &ProbeConfig,
        conditions: Vec<(String, Condition)>,
        rows: &BTreeMap<String, Watch>,
        samples: &[Sample],
        now: Timestamp,
    ) -> (Watcher, Vec<Finding>) {
        let mut watcher = Watcher::new(config, conditions, now);
        let first = samples.first().map_or(now, |sample| sample.at);
        let mut evaluated_until = Vec::new();
        for watched in &mut watcher.watched {
            let row = rows.get(&watched.trigger);
            watched.watch = row.cloned().unwrap_or_else(|| Watch::unseen(first));
            watched.stored = row.map(|row| (row.phase().name(), row.at));
            evaluated_until.push(row.map(|row| row.at));
        }
        let mut findings = Vec::new();
        for sample in samples {
            watcher.keep(*sample);
            for (index, until) in evaluated_until.iter().enumerate() {
                // The sample of the row itself may come twice: the same evaluation twice changes nothing.
                if until.is_none_or(|until| sample.at >= until) {
                    findings.extend(watcher.evaluate(index, sample.at));
                }
            }
        }
        watcher.lapse(now);
        (watcher, findings)
    }

    /// From when on stored samples are needed to restore: a run under way is followed from its row on, however old the
    /// row; for the rest the conditions' own reach back is enough.
    pub fn oldest_needed(
        config: &ProbeConfig,
        conditions: &[(String, Condition)],
        rows: &BTreeMap<String, Watch>,
        now: Timestamp,
    ) -> Timestamp {
        let oldest = conditions.iter().map(|(trigger, condition)| {
            let reach = Condition { interval: config.interval, ..condition.clone() }.reach_back();
            let under_way = rows.get(trigger).filter(|row| row.run.is_some()).map_or(now, |row| row.at);
            under_way.min(now) - reach
        });
        oldest.min().unwrap_or(now)
    }

    /// Takes a sample, evaluates every condition at its time, and tells which triggers newly breached.
    pub fn observe(&mut self, sample: Sample) -> Vec<Finding> {
        self.keep(sample);
        (0..self.watched.len()).filter_map(|index| self.evaluate(index, sample.at)).collect()
    }

    /// Says that time passed without a sample: after more than three intervals every watch is "no data".
    pub fn lapse(&mut self, now: Timestamp) {
        for Watched { condition, watch, .. } in &mut self.watched {
            if now - watch.at > condition.longest_gap() {
                *watch = condition.advance(watch, None, now);
            }
        }
    }

    /// The triggers with their conditions and what they have seen.
    pub fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// The watches to store now: those whose phase changed since this was last asked, and those with a run under way
    /// that advanced by an interval (a later start must see no gap).
    pub fn changed(&mut self) -> Vec<(String, Watch)> {
        let interval = self.interval;
        let due = self.watched.iter_mut().filter_map(|watched| {
            let (phase, at) = (watched.watch.phase().name(), watched.watch.at);
            let moved = match watched.stored {
                None => true,
                Some((stored, _)) if stored != phase => true,
                Some((_, stored_at)) => watched.watch.run.is_some() && at - stored_at >= interval,
            };
            moved.then(|| {
                watched.stored = Some((phase, at));
                (watched.trigger.clone(), watched.watch.clone())
            })
        });
        due.collect()
    }

    /// Adds a sample in order of time and lets go of those that no condition can reach any more. Samples later than a
    /// new one were taken before the clock was set back; they would be counted twice.
    fn keep(&mut self, sample: Sample) {
        while self.samples.back().is_some_and(|last| last.at > sample.at) {
            self.samples.pop_back();
        }
        self.samples.push_back(sample);
        let reach = self.watched.iter().map(|watched| watched.condition.reach_back()).max().unwrap_or(Span::ZERO);
        while self.samples.front().is_some_and(|first| first.at < sample.at - reach) {
            self.samples.pop_front();
        }
    }

    fn evaluate(&mut self, index: usize, at: Timestamp) -> Option<Finding> {
        let Watched { condition, watch: before, .. } = &self.watched[index];
        let value = condition.series.value(&self.samples, condition.look_back, at);
        let after = condition.advance(before, value, at);
        let finding = after.newly_breached(before).then(|| self.freeze(index, &after, at));
        self.watched[index].watch = after;
        finding
    }

    fn freeze(&self, index: usize, watch: &Watch, at: Timestamp) -> Finding {
        let Watched { trigger, condition, .. } = &self.watched[index];
        let since = watch.run.map_or(at, |run| run.since);
        let instants: Vec<Timestamp> =
            self.samples.iter().map(|sample| sample.at).filter(|sampled| (since..=at).contains(sampled)).collect();
        let value = |at: Timestamp| condition.series.value(&self.samples, condition.look_back, at);
        let values = thinned(&instants).into_iter().filter_map(|at| value(at).map(|value| (at, value))).collect();
        Finding {
            trigger: trigger.clone(),
            environment: self.environment.clone(),
            component: self.component.clone(),
            evidence: Breach {
                series: condition.series.clone(),
                direction: condition.direction,
                threshold: condition.threshold,
                hold: condition.hold,
                since,
                values,
                query: format!("{}; {}", condition.in_words(), self.probe_in_words),
                frozen_at: at,
            },
        }
    }
}

/// At most [`MOST_POINTS`] of the instants, evenly, first and last among them.
fn thinned(instants: &[Timestamp]) -> Vec<Timestamp> {
    if instants.len() <= MOST_POINTS {
        return instants.to_vec();
    }
    let last = instants.len() - 1;
    (0..MOST_POINTS).map(|point| instants[point * last / (MOST_POINTS - 1)]).collect()
}

#[cfg(test)]
mod tests;
