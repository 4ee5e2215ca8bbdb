//! The site's own facts, from the operator's configuration: environments, what may be run there, and what is probed.

use crate::domain::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Everything about this installation that a decision or a run needs.
#[derive(Debug, Clone, Default)]
pub struct Site {
    pub environments: BTreeMap<String, Environment>,
    /// Components that a built-in probe measures: environment and component.
    pub probed: BTreeSet<(String, String)>,
    /// Which host this is: an identifier of its own. Runs started here are adopted again only here.
    pub host: String,
    /// What a plan says about where it is carried out. Servers that can reach the same directories share one.
    pub label: String,
}

/// An executor profile, keyed by environment: what a script there can reach is fixed by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    pub production: bool,
    pub components: Vec<String>,
    /// Programs are found below it, and run in it.
    pub directory: PathBuf,
    /// Values of the environment variables that actions may be granted, by name.
    pub grants: BTreeMap<String, String>,
    /// Where the running service says its version, by component (E18).
    pub version_urls: BTreeMap<String, String>,
    /// How long a script has after TERM before it is killed.
    pub grace: Span,
    /// The most bytes of a run's log that are kept.
    pub log_limit: u64,
}

impl Site {
    /// Environments with their components, as decisions ask for them.
    pub fn components(&self) -> BTreeMap<String, Vec<String>> {
        self.environments.iter().map(|(name, environment)| (name.clone(), environment.components.clone())).collect()
    }
}
