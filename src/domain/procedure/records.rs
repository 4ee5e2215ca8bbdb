//! What is written before and after: assessments, documents, drills and later tasks.

use super::Line;
use crate::domain::Span;

/// A form with sections: feasibility, business impact (D4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    pub name: String,
    pub title: String,
    pub role: String,
    pub sections: Vec<DocumentSection>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillKind {
    pub name: String,
    pub title: String,
    pub every: Span,
    pub parts: Vec<Line>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    pub name: String,
    pub title: String,
    pub steps: Vec<Line>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub name: String,
    pub title: String,
    pub sections: Vec<DocumentSection>,
    /// How long it is kept.
    pub keep: Option<Span>,
    /// Never shorter than this, where the law says so.
    pub legal_floor: Option<Span>,
    pub seed: Option<String>,
    /// The line that says how long.
    pub keep_seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSection {
    pub name: String,
    pub title: String,
    /// Written by a person, rather than folded from the journal.
    pub typed: bool,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Practice {
    pub phase: String,
    pub text: String,
    pub seed: Option<String>,
}

/// A task owed after the incident, within its deadline (P7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterTask {
    pub text: String,
    pub owner: String,
    pub within: Span,
    pub seed: Option<String>,
}
