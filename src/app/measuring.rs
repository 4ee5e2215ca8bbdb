//! What was measured around an incident: read from the samples while they are there, and from the journal for ever.

use super::gather::{Gathered, look_backs, probe_series, sample_of};
use super::site::Site;
use super::{App, Looked};
use crate::domain::condition::{Condition, Sample, Series};
use crate::domain::curve::{self, Curve};
use crate::domain::recovery::{Standing, Trace, standing, traces};
use crate::domain::state::Incident;
use crate::domain::{Span, Timestamp};
use crate::store;
use std::collections::BTreeMap;

/// Everything measured that a page of an incident shows.
pub struct Measured {
    pub traces: Vec<Trace>,
    /// How each measured success criterion stands, by its name, and its value where it has one.
    pub standings: BTreeMap<String, (Standing, Option<i64>)>,
    /// The newest sample.
    pub at: Option<Timestamp>,
}

/// Beyond the longest look-back, so that the interval can be seen.
const BESIDE: Span = Span::minutes(2);

impl App {
    /// What was measured around this incident, kept and present.
    ///
    /// # Errors
    /// The store's.
    pub async fn measured(&self, looked: &Looked) -> store::Result<Measured> {
        let Looked { incident, gathered, now, .. } = looked;
        let mut read = self.store.read().await?;
        let deployed = deployed(gathered, incident);
        let conditions = gathered.procedure.verification.criteria.iter();
        let conditions: Vec<(&str, &Condition)> = conditions
            .filter_map(|criterion| criterion.condition.as_ref().map(|goal| (criterion.name.as_str(), goal)))
            .collect();
        let reach = conditions.iter().map(|(_, goal)| goal.reach_back()).max().unwrap_or(Span::ZERO);
        let window = curve::window(incident, deployed, *now);
        let probed = is_probed(&self.site, incident);
        let look_back = look_backs(&gathered.procedure).into_values().max().unwrap_or_default();
        let from = window.map_or(*now, |(from, _)| from - look_back).min(*now - reach) - BESIDE;
        let samples = if probed {
            let series = probe_series(&incident.environment, &incident.component);
            read.samples(&series, from, *now + Span(1)).await?.iter().map(sample_of).collect()
        } else {
            Vec::new()
        };
        let curves = curves(gathered, &samples, window);
        let standings = conditions.iter().map(|(name, goal)| {
            // As of the newest sample: what came since may not be written yet.
            let asked = samples.last().map(|newest| newest.at).filter(|newest| *newest > *now - goal.look_back);
            let value = asked.and_then(|asked| goal.series.value(&samples, goal.look_back, asked));
            ((*name).to_owned(), (standing(goal, &samples, *now), value))
        });
        let standings = standings.collect();
        Ok(Measured {
            traces: traces(incident, &gathered.procedure, &curves, deployed),
            standings,
            at: samples.last().map(|sample| sample.at),
        })
    }
}

/// What is to be kept when this command ends something.
pub(super) async fn curves_to_write(
    tx: &mut store::Tx,
    site: &Site,
    gathered: &Gathered,
    incident: &Incident,
    now: Timestamp,
) -> store::Result<Vec<Curve>> {
    let Some((from, to)) = curve::window(incident, deployed(gathered, incident), now) else { return Ok(Vec::new()) };
    if !is_probed(site, incident) {
        return Ok(Vec::new());
    }
    let reach = look_backs(&gathered.procedure).into_values().max().unwrap_or_default();
    let series = probe_series(&incident.environment, &incident.component);
    let samples: Vec<Sample> =
        tx.samples(&series, from - reach - BESIDE, to + Span(1)).await?.iter().map(sample_of).collect();
    Ok(curves(gathered, &samples, Some((from, to))))
}

fn is_probed(site: &Site, incident: &Incident) -> bool {
    site.probed.contains(&(incident.environment.clone(), incident.component.clone()))
}

fn curves(gathered: &Gathered, samples: &[Sample], window: Option<(Timestamp, Timestamp)>) -> Vec<Curve> {
    let Some((from, to)) = window.filter(|_| !samples.is_empty()) else { return Vec::new() };
    let measured =
        look_backs(&gathered.procedure).into_iter().filter(|(series, _)| !matches!(series, Series::Other(_)));
    measured.map(|(series, look_back)| Curve::of(&series, look_back, samples, from, to)).collect()
}

/// When the release began to run that ran when the trigger came.
fn deployed(gathered: &Gathered, incident: &Incident) -> Option<Timestamp> {
    let releases = gathered.register.iter().filter(|entry| {
        entry.kind == crate::domain::procedure::TargetKind::Release && entry.component == incident.component
    });
    releases.filter_map(|release| release.had_begun_by(incident.opened_at)).max()
}
