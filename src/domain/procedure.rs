//! The playbook's types: a team's rollback procedure as data. Nothing of any procedure is hard-coded elsewhere.
//!
//! Entries carry `seed`, the exact line of the written procedure they come from, where there is one.

mod checklists;
mod communication;
mod decisions;
mod execution;
mod people;
mod records;
mod triggers;

pub use checklists::{Checklist, Criterion, Evidence, Group, Indicator, Item, Phase, Verification, Window};
pub use communication::{
    CommunicationPhase, DueMessage, Link, LinkKind, Message, NEXT_CONTACT, NEXT_CONTACT_AFTER, SLOW_AFTER, SLOWEST,
    Sending, Updates,
};
pub use decisions::{
    Approvals, Authority, Decision, RollbackType, Rule, Severity, Slot, SlotKind, StartMode, TypeDefinition, When,
    WhenUsed,
};
pub use execution::{ActionDefinition, ActionMode, ExecutorDefinition, ExecutorKind, Pace, PreviousStable, TargetKind};
pub use people::{Contact, Responder, RoleDefinition};
pub use records::{AfterTask, Assessment, Document, DocumentSection, DrillKind, Practice, Scenario};
pub use triggers::{Category, Detection, Trigger};

/// A whole playbook, checked: every name it refers to exists, every window and number makes sense.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Procedure {
    pub title: String,
    pub version: String,
    pub date: String,
    pub status: String,
    /// The table of contents of the readable procedure: headings in their order.
    pub sections: Vec<Section>,
    pub updates: Updates,
    pub approvals: Approvals,
    pub previous_stable: PreviousStable,
    pub roles: Vec<RoleDefinition>,
    pub responders: Vec<Responder>,
    pub contacts: Vec<Contact>,
    pub categories: Vec<Category>,
    pub triggers: Vec<Trigger>,
    pub rules: Vec<Rule>,
    pub authorities: Vec<Authority>,
    pub types: Vec<TypeDefinition>,
    pub checklists: Vec<Checklist>,
    pub verification: Verification,
    pub communication: Vec<CommunicationPhase>,
    pub messages: Vec<Message>,
    pub assessments: Vec<Assessment>,
    pub drills: Vec<DrillKind>,
    pub scenarios: Vec<Scenario>,
    pub documents: Vec<Document>,
    pub executors: Vec<ExecutorDefinition>,
    pub actions: Vec<ActionDefinition>,
    pub practices: Vec<Practice>,
    pub after_tasks: Vec<AfterTask>,
    pub links: Vec<Link>,
}

/// A line of the procedure that is said, not acted on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    pub text: String,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    pub title: String,
    /// 1 for the title, 2 for a chapter, and so on.
    pub level: u8,
    pub text: Option<String>,
    pub seed: Option<String>,
}

impl Procedure {
    pub fn trigger(&self, name: &str) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.name == name)
    }

    pub fn category(&self, name: &str) -> Option<&Category> {
        self.categories.iter().find(|category| category.name == name)
    }

    pub fn role(&self, name: &str) -> Option<&RoleDefinition> {
        self.roles.iter().find(|role| role.name == name)
    }

    pub fn executor(&self, name: &str) -> Option<&ExecutorDefinition> {
        self.executors.iter().find(|executor| executor.name == name)
    }

    pub fn action(&self, name: &str) -> Option<&ActionDefinition> {
        self.actions.iter().find(|action| action.name == name)
    }

    pub fn message(&self, name: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.name == name)
    }

    pub fn assessment(&self, name: &str) -> Option<&Assessment> {
        self.assessments.iter().find(|assessment| assessment.name == name)
    }

    /// Every item of every checklist, in the procedure's order.
    pub fn items(&self) -> impl Iterator<Item = (&Checklist, &Group, &Item)> {
        self.checklists.iter().flat_map(|list| {
            list.groups.iter().flat_map(move |group| group.items.iter().map(move |item| (list, group, item)))
        })
    }

    pub fn item(&self, name: &str) -> Option<(&Checklist, &Group, &Item)> {
        self.items().find(|(_, _, item)| item.name == name)
    }

    pub fn criterion(&self, name: &str) -> Option<&Criterion> {
        self.verification.criteria.iter().find(|criterion| criterion.name == name)
    }

    pub fn indicator(&self, name: &str) -> Option<&Indicator> {
        self.verification.indicators.iter().find(|indicator| indicator.name == name)
    }
}
