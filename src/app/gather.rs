//! Reads what a decision looks at, in one go, from one connection.

use super::site::Site;
use crate::domain::condition::{self, Sample, Series};
use crate::domain::curve::Curve;
use crate::domain::facts::{Facts, Lock, Measure, Measures, PersonFact, ReadBack, Registered};
use crate::domain::procedure::{Detection, Procedure, TargetKind};
use crate::domain::progress::Earlier;
use crate::domain::{PersonId, Role, Span, Timestamp, running};
use crate::store::{self, BoardRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Facts with an owner; [`Gathered::facts`] lends them to a decision.
pub struct Gathered {
    pub procedure: Arc<Procedure>,
    pub playbook: String,
    pub people: BTreeMap<PersonId, PersonFact>,
    pub register: Vec<Registered>,
    pub incidents: Vec<(String, Timestamp)>,
    pub locks: Vec<Lock>,
    pub measures: Measures,
    /// Empty until [`super::measuring`] fills it.
    pub curves: Vec<Curve>,
    /// Empty until [`super::earlier`] fills it.
    pub earlier: Earlier,
    pub versions: BTreeMap<String, ReadBack>,
    pub environments: BTreeMap<String, Vec<String>>,
}

/// What is asked for.
pub struct Wanted<'a> {
    pub environment: &'a str,
    pub component: &'a str,
    /// Whose own lock and opening do not count; empty for an incident that is only being opened.
    pub incident: &'a str,
    pub now: Timestamp,
}

impl Gathered {
    pub fn facts<'a>(&'a self, scripts: &'a super::catalogue::Scripts<'a>) -> Facts<'a> {
        Facts {
            procedure: &self.procedure,
            playbook: &self.playbook,
            people: &self.people,
            register: &self.register,
            incidents: &self.incidents,
            locks: &self.locks,
            measures: &self.measures,
            curves: &self.curves,
            earlier: &self.earlier,
            versions: &self.versions,
            environments: &self.environments,
            catalogue: scripts,
        }
    }
}

/// The series under which a probe's samples are kept.
pub fn probe_series(environment: &str, component: &str) -> String {
    format!("probe/{environment}/{component}")
}

/// One number holds a whole sample: microseconds, or minus one minus microseconds for a failed one.
pub fn sample_value(sample: &Sample) -> i64 {
    if sample.ok { sample.micros } else { -1 - sample.micros }
}

/// Reads what [`sample_value`] wrote.
pub fn sample_of(stored: &store::Sample) -> Sample {
    let ok = stored.value >= 0;
    Sample { at: stored.at, ok, micros: if ok { stored.value } else { -1 - stored.value } }
}

/// The setting under which the running version is kept.
pub fn version_key(environment: &str, component: &str) -> String {
    format!("version/{environment}/{component}")
}

/// What the running service said of itself, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredVersion {
    pub version: String,
    pub at: Timestamp,
}

/// A service that can be asked but never answered proves nothing: its read-back is empty and as old as can be.
fn read_back(stored: Option<&str>) -> ReadBack {
    match stored.and_then(|text| serde_json::from_str::<StoredVersion>(text).ok()) {
        Some(stored) => ReadBack { version: stored.version, at: stored.at },
        None => ReadBack { version: String::new(), at: Timestamp(0) },
    }
}

/// The longest look-back that the procedure asks of any series, by series.
pub(super) fn look_backs(procedure: &Procedure) -> BTreeMap<Series, Span> {
    let mut spans = BTreeMap::from([
        (Series::ErrorRate, condition::LOOK_BACK),
        (Series::ResponseTime, condition::LOOK_BACK),
        (Series::Availability, condition::LOOK_BACK),
    ]);
    let triggers = procedure.triggers.iter().filter_map(|trigger| match &trigger.detection {
        Detection::Metric { condition, .. } => Some(condition),
        _ => None,
    });
    // The criterion decides how the value beside it is taken; the trigger's own look-back comes first for the rest.
    let criteria = procedure.verification.criteria.iter().filter_map(|criterion| criterion.condition.as_ref());
    for condition in triggers.chain(criteria) {
        spans.insert(condition.series.clone(), condition.look_back);
    }
    spans
}

pub(super) fn person_fact(person: &store::Person) -> (PersonId, PersonFact) {
    let roles = person.roles.iter().filter_map(|role| Role::from_key(role)).collect();
    (PersonId(person.id.clone()), PersonFact { name: person.name.clone(), roles, active: person.active })
}

/// A line of the register as decisions read it; `None` for a kind that no procedure knows.
pub fn registered(entry: store::Registered) -> Option<Registered> {
    Some(Registered {
        kind: TargetKind::from_key(&entry.kind)?,
        environment: entry.environment,
        component: entry.component,
        name: entry.name,
        checksum: entry.checksum,
        at: entry.at,
        by: entry.added_by,
        note: entry.note,
        migrations: entry.migrations,
        verified_at: entry.verified_at,
        again_at: entry.again_at,
        left_at: entry.left_at,
        left_in: entry.left_in,
        undone_at: entry.undone_at,
        restored_at: entry.restored_at,
    })
}

/// The whole environment is kept as a star: an empty list means that nothing is locked.
pub(super) const WHOLE_ENVIRONMENT: &str = "*";

fn lock(row: BoardRow) -> Lock {
    let whole = row.locked_components.iter().any(|component| component == WHOLE_ENVIRONMENT);
    Lock {
        incident: row.incident,
        title: row.title,
        environment: row.environment,
        components: if whole { Vec::new() } else { row.locked_components },
    }
}

fn measures(procedure: &Procedure, samples: &[Sample], now: Timestamp) -> Measures {
    let newest = samples.last().map(|sample| sample.at);
    Measures(
        look_backs(procedure)
            .into_iter()
            .filter(|(series, _)| !matches!(series, Series::Other(_)))
            .map(|(series, look_back)| {
                // As of the newest sample: what came since may not be written yet.
                let asked = newest.filter(|newest| *newest > now - look_back);
                let value = asked.and_then(|asked| series.value(samples, look_back, asked));
                (series, Measure { value, at: newest })
            })
            .collect(),
    )
}

/// Writes the same reading for a writing transaction and for a reading connection.
macro_rules! gathering {
    ($name:ident, $connection:ty) => {
        pub async fn $name(
            from: &mut $connection,
            site: &Site,
            procedure: Arc<Procedure>,
            playbook: &str,
            wanted: &Wanted<'_>,
        ) -> store::Result<Gathered> {
            let Wanted { environment, component, incident, now } = *wanted;
            let people = from.people().await?.iter().map(person_fact).collect();
            let mut register = Vec::new();
            let mut incidents = Vec::new();
            let components = site.environments.get(environment).map(|profile| profile.components.clone());
            for part in components.unwrap_or_default() {
                let known: Vec<Registered> =
                    from.registered(environment, &part).await?.into_iter().filter_map(registered).collect();
                // One incident is enough to say that a release was not quiet, and older ones than the first that
                // was are not asked for: so this is as quick after years as on the first day.
                for stint in running::ways_back(&known, &part, procedure.previous_stable.ran_at_least) {
                    match from.first_opened(environment, &part, stint.from, stint.until, incident).await? {
                        Some(opened_at) => incidents.push((part.clone(), opened_at)),
                        None => break,
                    }
                }
                register.extend(known);
            }
            let locks = from
                .holding_locks(environment)
                .await?
                .into_iter()
                .filter(|row| row.incident != incident)
                .map(lock)
                .collect();
            let reach = look_backs(&procedure).into_values().max().unwrap_or(condition::LOOK_BACK);
            let series = probe_series(environment, component);
            let samples: Vec<Sample> =
                from.samples(&series, now - reach - reach, now + Span(1)).await?.iter().map(sample_of).collect();
            let probed = site.probed.contains(&(environment.to_owned(), component.to_owned()));
            let mut versions = BTreeMap::new();
            for asked in site.environments.get(environment).into_iter().flat_map(|it| it.version_urls.keys()) {
                let stored = from.setting(&version_key(environment, asked)).await?;
                versions.insert(asked.clone(), read_back(stored.as_deref()));
            }
            Ok(Gathered {
                measures: if probed { measures(&procedure, &samples, now) } else { Measures::default() },
                curves: Vec::new(),
                earlier: Earlier::default(),
                procedure,
                playbook: playbook.to_owned(),
                people,
                register,
                incidents,
                locks,
                versions,
                environments: site.components(),
            })
        }
    };
}

gathering!(gather_to_write, store::Tx);
gathering!(gather_to_read, store::Read);
