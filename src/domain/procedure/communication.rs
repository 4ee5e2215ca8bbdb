//! Who is told what, and how often.

use super::{Severity, Window};
use crate::domain::{Role, Span};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The promise of progress updates (L3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updates {
    pub every: Span,
    /// A draft stands ready this long before its time.
    pub draft_before: Span,
    /// From the opening at this severity or worse, otherwise from the first run's start.
    pub from: Severity,
    /// Whether each goes out by itself, or waits for a person's word.
    pub sent: Sending,
    /// Once the promise has held for so long, the incident commander may slow the beat.
    pub slow_after: Span,
    /// No beat is slower than this.
    pub slowest: Span,
    /// So long after an update that waits for a person was due, the next contact is asked too.
    pub next_contact_after: Span,
    /// Who that is: anyone in these roles.
    pub next_contact: Vec<Role>,
    pub seed: Option<String>,
}

/// What makes a progress update go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Sending {
    /// Its time.
    #[default]
    ByItself,
    /// A person's word; unsent at its time, it is overdue.
    ByPerson,
}

/// What a playbook means that does not say how slow updates may become, or when another one is asked.
pub const SLOW_AFTER: Span = Span::minutes(60);
pub const SLOWEST: Span = Span::minutes(15);
pub const NEXT_CONTACT_AFTER: Span = Span::minutes(1);
pub const NEXT_CONTACT: [Role; 2] = [Role::Management, Role::Support];

impl Default for Updates {
    fn default() -> Self {
        Updates {
            every: Span::minutes(5),
            draft_before: Span::minutes(1),
            from: Severity::P1,
            sent: Sending::ByItself,
            slow_after: SLOW_AFTER,
            slowest: SLOWEST,
            next_contact_after: NEXT_CONTACT_AFTER,
            next_contact: NEXT_CONTACT.to_vec(),
            seed: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunicationPhase {
    pub name: String,
    pub title: String,
    pub internal: bool,
    pub window: Option<Window>,
    pub messages: Vec<DueMessage>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMessage {
    pub text: String,
    pub audience: String,
    pub condition: Option<String>,
    /// A template of [`Procedure::messages`] by name.
    pub message: Option<String>,
    pub seed: Option<String>,
}

/// A text with variables (P6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub name: String,
    pub template: String,
    pub seed: Option<String>,
}

/// Something that people look for in an incident: the call, the chat, a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub title: String,
    /// An address that a browser opens, or the name of a place, such as a folder of documents.
    pub target: String,
    pub kind: LinkKind,
    /// The component that it is about; all of them where there is none.
    pub component: Option<String>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    Call,
    Chat,
    Runbook,
    #[default]
    Other,
}

impl LinkKind {
    pub const ALL: [LinkKind; 4] = [LinkKind::Call, LinkKind::Chat, LinkKind::Runbook, LinkKind::Other];

    pub const fn key(self) -> &'static str {
        match self {
            LinkKind::Call => "call",
            LinkKind::Chat => "chat",
            LinkKind::Runbook => "runbook",
            LinkKind::Other => "other",
        }
    }

    pub fn from_key(key: &str) -> Option<LinkKind> {
        LinkKind::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LinkKind::Call => "call",
            LinkKind::Chat => "chat",
            LinkKind::Runbook => "runbook",
            LinkKind::Other => "other link",
        })
    }
}
