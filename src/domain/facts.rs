//! What other streams and tables say at the moment of deciding. Read inside the transaction that will append, so no
//! fact can change between check and act.

use super::condition::{Condition, Direction, Series};
use super::curve::Curve;
use super::plan::{Draft, PlannedAction};
use super::procedure::{Procedure, TargetKind};
use super::progress::Earlier;
use super::running::{self, Data, Stint};
use super::{PersonId, Role, Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

pub struct Facts<'a> {
    /// The playbook that the incident pinned; for an opening, the current one.
    pub procedure: &'a Procedure,
    /// Its content hash.
    pub playbook: &'a str,
    pub people: &'a BTreeMap<PersonId, PersonFact>,
    /// Registered releases, backups and configurations of the incident's environment.
    pub register: &'a [Registered],
    /// Other incidents that speak against a release: component and time of opening. One for each stint of a release that was not
    /// quiet, down to the newest that was; what came before that is not known.
    pub incidents: &'a [(String, Timestamp)],
    /// Locks that attempts of *other* incidents hold.
    pub locks: &'a [Lock],
    pub measures: &'a Measures,
    /// What was measured since the incident began, or since it was last kept. Read only for what may end something
    /// ([`super::decide::may_end`]).
    pub curves: &'a [Curve],
    /// How long earlier rollbacks of this component took. Read only for what may compose an update
    /// ([`super::decide::composes`]), and for the page that shows its draft.
    pub earlier: &'a Earlier,
    /// What running services say of themselves, by component, for each of the environment that can be asked (E18).
    pub versions: &'a BTreeMap<String, ReadBack>,
    /// Environments that this Backout may act on, with their components.
    pub environments: &'a BTreeMap<String, Vec<String>>,
    pub catalogue: &'a dyn Catalogue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonFact {
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub kind: TargetKind,
    pub environment: String,
    pub component: String,
    pub name: String,
    pub checksum: String,
    /// When it began to run, or was taken.
    pub at: Timestamp,
    pub by: String,
    pub note: String,
    /// Between this release and the one before: none, reversible, destructive, unknown.
    pub migrations: String,
    pub verified_at: Option<Timestamp>,
    /// When it last began to run anew, by a rollback or a further deployment.
    pub again_at: Option<Timestamp>,
    /// When it was last rolled back from.
    pub left_at: Option<Timestamp>,
    /// The incident in which that was; empty when it never was.
    pub left_in: String,
    /// When the data was last brought back to a backup from before it first ran; `None` when nobody knows of that.
    pub undone_at: Option<Timestamp>,
    /// When its component's data was last restored, or may have been, since it first ran; `None` when it never was.
    pub restored_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    pub incident: String,
    pub title: String,
    pub environment: String,
    /// Empty means the whole environment.
    pub components: Vec<String>,
}

impl Lock {
    pub fn conflicts(&self, environment: &str, components: &[String]) -> bool {
        self.environment == environment
            && (self.components.is_empty()
                || components.is_empty()
                || self.components.iter().any(|component| components.contains(component)))
    }
}

/// Live values over the look-back, by series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measures(pub BTreeMap<Series, Measure>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// In the series' unit; `None` is "no data", never zero.
    pub value: Option<i64>,
    /// When the newest sample was taken.
    pub at: Option<Timestamp>,
}

impl Measures {
    pub fn value(&self, series: &Series) -> Option<i64> {
        self.0.get(series).and_then(|measure| measure.value)
    }

    /// Does the condition hold now? `None` without data.
    pub fn holds(&self, condition: &Condition) -> Option<bool> {
        self.value(&condition.series).map(|value| match condition.direction {
            Direction::Above => value > condition.threshold,
            Direction::Below => value < condition.threshold,
        })
    }
}

/// What the running service says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    pub version: String,
    pub at: Timestamp,
}

/// A read-back older than this proves nothing.
pub const READ_BACK_VALID: Span = Span::seconds(15);

/// The port to executor profiles, script files and the template engine: outside the core, but asked at decision time.
pub trait Catalogue {
    /// The exact actions that a draft means under this playbook, or every fault that stands in the way.
    fn prepare(&self, procedure: &Procedure, draft: &Draft) -> Result<Vec<PlannedAction>, Vec<String>>;
    /// The SHA-256 of a script's bytes as they are now; `None` when it cannot be read.
    fn script(&self, environment: &str, path: &str) -> Option<String>;
    /// How long a script of this environment may take to end once it is told to.
    fn grace(&self, environment: &str) -> Span;
    /// Fills a playbook's template; undefined variables are faults.
    fn render(&self, template: &str, values: &BTreeMap<&str, String>) -> Result<String, String>;
}

impl Facts<'_> {
    pub fn name(&self, person: &PersonId) -> String {
        self.people.get(person).map_or_else(|| "someone who left".to_owned(), |fact| fact.name.clone())
    }

    pub fn holds(&self, person: &PersonId, role: Role) -> bool {
        self.people.get(person).is_some_and(|fact| fact.active && fact.roles.contains(&role))
    }

    pub fn holders(&self, role: Role) -> impl Iterator<Item = (&PersonId, &PersonFact)> {
        self.people.iter().filter(move |(_, fact)| fact.active && fact.roles.contains(&role))
    }

    /// The registered release of a component that runs now: what was deployed last, or rolled back to last.
    pub fn running_release(&self, component: &str) -> Option<&Registered> {
        running::running(self.register, component)
    }

    /// Releases of a component, the one that began first before the others.
    pub fn releases(&self, component: &str) -> impl DoubleEndedIterator<Item = &Registered> {
        running::releases(self.register, component).into_iter()
    }

    /// The releases whose migrations this data may carry, and which the chosen one does not know.
    pub fn unknown_to(&self, chosen: &Registered, data: Data) -> impl Iterator<Item = &Registered> {
        running::unknown_to(self.register, chosen, data).into_iter()
    }

    pub fn registered(&self, kind: TargetKind, component: &str, name: &str) -> Option<&Registered> {
        self.register.iter().find(|entry| entry.kind == kind && entry.component == component && entry.name == name)
    }

    /// The newest earlier release that ran at least the playbook's time without an incident, and was not rolled back from
    /// (T7).
    pub fn previous_stable(&self, component: &str) -> Option<&Registered> {
        self.stable_stint(component).map(|stint| stint.release)
    }

    /// The time in which the previous stable release proved itself.
    pub fn stable_stint(&self, component: &str) -> Option<Stint<'_>> {
        running::ways_back(self.register, component, self.procedure.previous_stable.ran_at_least).into_iter().find(
            |stint| {
                !self.incidents.iter().any(|(where_, at)| where_ == component && *at >= stint.from && *at < stint.until)
            },
        )
    }

    /// The newest verified backup of a component.
    pub fn newest_backup(&self, component: &str) -> Option<&Registered> {
        self.register
            .iter()
            .filter(|entry| entry.kind == TargetKind::Backup && entry.component == component)
            .max_by_key(|entry| entry.at)
    }
}
