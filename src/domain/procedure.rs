//! The playbook's types: a team's rollback procedure as data. Nothing of any procedure is hard-coded elsewhere.
//!
//! Entries carry `seed`, the exact line of the written procedure they come from, where there is one.

use super::condition::Condition;
use super::{Role, Span};
use serde::{Deserialize, Serialize};
use std::fmt;

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
pub struct Approvals {
    /// Execution must start this soon after an approval was given.
    pub expire_after: Span,
}

impl Default for Approvals {
    fn default() -> Self {
        Approvals { expire_after: Span::minutes(30) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousStable {
    /// A release counts as stable when it ran this long without an incident (T7).
    pub ran_at_least: Span,
}

impl Default for PreviousStable {
    fn default() -> Self {
        PreviousStable { ran_at_least: Span::hours(24) }
    }
}

/// P0 is the worst; the order of the values is the order of severity reversed, so `P0 < P1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub enum Severity {
    P0,
    P1,
    #[default]
    P2,
    P3,
}

impl Severity {
    pub const ALL: [Severity; 4] = [Severity::P0, Severity::P1, Severity::P2, Severity::P3];

    pub const fn key(self) -> &'static str {
        match self {
            Severity::P0 => "P0",
            Severity::P1 => "P1",
            Severity::P2 => "P2",
            Severity::P3 => "P3",
        }
    }

    pub fn from_key(key: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.key() == key)
    }

    pub fn worse_than(self, other: Severity) -> bool {
        self < other
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// What the rules advise (D1). Ordered by strictness: the stricter is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Immediate,
    Considered,
    NotRequired,
}

impl Decision {
    pub const ALL: [Decision; 3] = [Decision::Immediate, Decision::Considered, Decision::NotRequired];

    pub const fn key(self) -> &'static str {
        match self {
            Decision::Immediate => "immediate",
            Decision::Considered => "considered",
            Decision::NotRequired => "not_required",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Immediate => "immediate rollback",
            Decision::Considered => "rollback considered",
            Decision::NotRequired => "rollback not required",
        })
    }
}

/// A role by the team's own name, with one of the fixed duties (P7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDefinition {
    pub name: String,
    pub title: String,
    pub duty: Role,
    /// What this role may and must do, in the procedure's words.
    pub authority: Vec<Line>,
    pub seed: Option<String>,
}

/// A team whose members tick their items and approve nothing (P1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responder {
    pub name: String,
    pub title: String,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    pub title: String,
    pub group: String,
    /// Empty until a team fills it in.
    pub reach: String,
    pub seed: Option<String>,
}

/// A kind of cause; every trigger belongs to one. Its decision and severity are the default advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub name: String,
    pub title: String,
    pub decision: Decision,
    pub severity: Severity,
    /// Raised by a detector, or only by a person.
    pub automatic: bool,
    /// Security incidents always open their own (T6).
    pub always_own_incident: bool,
    /// Safety-critical, security, outage: said in the header.
    pub marks: Option<String>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    pub name: String,
    pub text: String,
    pub category: String,
    pub detection: Detection,
    pub seed: Option<String>,
}

/// How a trigger comes to be known. All can be raised by hand as well (T5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detection {
    /// Measured: a condition over a series; `query` is PromQL where a Prometheus is used.
    Metric { condition: Condition, query: Option<String> },
    /// Told by a machine; silence for longer than the heartbeat is the trigger too.
    Signal { heartbeat: Option<Span> },
    /// Reported by a person.
    Person,
}

/// A decision rule (D1): when every stated question is answered so, this is the advice. The strictest match wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    /// In plain words, shown in the room.
    pub text: String,
    pub when: When,
    pub decision: Decision,
    pub severity: Option<Severity>,
    pub seed: Option<String>,
}

/// The questions a rule may ask; an empty list or `None` asks nothing (P7).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct When {
    pub category: Vec<String>,
    /// Narrower than a category: a feature regression is one kind of user impact.
    pub trigger: Vec<String>,
    pub severity: Vec<Severity>,
    pub decision: Vec<Decision>,
    /// A complete outage of the service.
    pub outage: Option<bool>,
    /// At least this share of users is affected, in parts per million.
    pub users_affected_ppm: Option<i64>,
    pub release_younger_than: Option<Span>,
    /// 1 Monday to 7 Sunday.
    pub weekday: Vec<u8>,
    /// From hour to hour, UTC; may run over midnight.
    pub hours: Option<(u8, u8)>,
}

/// Who must agree (D2): the slots demanded when a decision and severity match. All matching ones add their slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    pub name: String,
    /// The policy in a plain sentence.
    pub text: String,
    pub when: When,
    pub slots: Vec<Slot>,
    /// A role by name that must ratify afterwards (D13).
    pub ratified_by: Option<String>,
    /// Starting needs a written reason by the proposer.
    pub needs_reason: bool,
    pub start: StartMode,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// A role by the playbook's name.
    pub role: String,
    pub duty: Role,
    pub kind: SlotKind,
    /// Another role that may sign where this one cannot be had.
    pub substitute: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotKind {
    Approve,
    /// A judgement (feasibility) that signs the digest.
    Review,
    InformBefore,
    InformAfter,
}

impl SlotKind {
    /// Does this slot hold execution back until it is filled?
    pub const fn gates(self) -> bool {
        matches!(self, SlotKind::Approve | SlotKind::Review)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartMode {
    AtAuthorisation,
    OnCommand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackType {
    Full,
    Partial,
    Database,
    Configuration,
}

impl RollbackType {
    pub const ALL: [RollbackType; 4] =
        [RollbackType::Full, RollbackType::Partial, RollbackType::Database, RollbackType::Configuration];

    pub const fn key(self) -> &'static str {
        match self {
            RollbackType::Full => "full",
            RollbackType::Partial => "partial",
            RollbackType::Database => "database",
            RollbackType::Configuration => "configuration",
        }
    }

    pub fn from_key(key: &str) -> Option<RollbackType> {
        RollbackType::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

impl fmt::Display for RollbackType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rollback", self.key())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDefinition {
    pub kind: RollbackType,
    pub title: String,
    pub scope: Vec<Line>,
    pub when_used: Vec<WhenUsed>,
    pub seed: Option<String>,
}

/// Proposes a type: an incident of one of these categories or triggers (P1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhenUsed {
    pub text: String,
    pub categories: Vec<String>,
    pub triggers: Vec<String>,
    pub seed: Option<String>,
}

/// A checklist: one of the two before the rollback, or a step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    pub name: String,
    pub title: String,
    pub phase: Phase,
    pub window: Option<Window>,
    pub groups: Vec<Group>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the rollback; required items gate execution.
    Before,
    /// A step of the rollback, with its window.
    Step(u8),
}

/// Counted from the first run's start; `to` is `None` for an ongoing step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    pub from: Span,
    pub to: Option<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `None` where the step has no groups of its own.
    pub title: Option<String>,
    /// "if needed", in the procedure's words.
    pub condition: Option<String>,
    pub items: Vec<Item>,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Unique over the whole playbook.
    pub name: String,
    pub text: String,
    /// A role or responder team by name; `None` is anyone in command, technical lead or the teams.
    pub owner: Option<String>,
    pub required: bool,
    /// "if needed", "if applicable".
    pub condition: Option<String>,
    /// Empty means all types.
    pub types: Vec<RollbackType>,
    pub evidence: Option<Evidence>,
    pub seed: Option<String>,
}

/// What lets the machine tick an item itself (P5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The incident has a trigger with frozen evidence.
    Trigger,
    /// The register of releases knows a previous stable one.
    PreviousStable,
    /// The chosen release still stands in the register.
    TargetRegistered,
    /// A backup stands in the register, verified.
    BackupVerified,
    /// Every script that the plan names was found and its content is known.
    ScriptsPresent,
    /// A plan was submitted.
    PlanSubmitted,
    /// Every slot is filled.
    Authorised,
    /// The incident commander has taken the place.
    TeamPresent,
    /// The freeze that CI systems ask for is on.
    Frozen,
    /// A run of this action ended well.
    Run(String),
    /// A progress update went out.
    UpdateSent,
    /// The condition over live measurements holds.
    Metric(Condition),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    pub criteria: Vec<Criterion>,
    pub indicators: Vec<Indicator>,
    /// What to do when the rollback fails, in the procedure's words.
    pub escalation: Line,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    pub name: String,
    pub text: String,
    /// Measured beside the tick; never ticks it.
    pub condition: Option<Condition>,
    /// Safety systems and data integrity may never be called not applicable.
    pub always_applies: bool,
    /// Reads back what runs, to prove the version (E18).
    pub proves_version: bool,
    pub seed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    pub name: String,
    pub text: String,
    pub seed: Option<String>,
    /// Compares the live value with the one frozen at the first run's start.
    pub compares: Option<String>,
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
pub struct ExecutorDefinition {
    pub name: String,
    pub title: String,
    pub kind: ExecutorKind,
    pub seed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutorKind {
    /// A program under the detached supervisor. `program` is a path below the environment's directory; every argument
    /// is a template rendered on its own, and no shell ever sees a value.
    Process { program: String, args: Vec<String>, grant: Vec<String>, time_limit: Span },
    /// Done by people; the commands to copy are templates.
    People { commands: Vec<String> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionDefinition {
    pub name: String,
    pub title: String,
    pub executor: String,
    /// The rollback types it belongs to, when the plan has a target of its kind.
    pub types: Vec<RollbackType>,
    pub target: TargetKind,
    pub mode: ActionMode,
    /// Actions of one group may run at the same time.
    pub group: Option<String>,
    /// Items that must be ticked before it starts (E22).
    pub needs: Vec<String>,
    pub pace: Pace,
    /// Executors by name that do the same in another way.
    pub alternatives: Vec<String>,
    /// Differing executors by environment name.
    pub by_environment: Vec<(String, String)>,
    /// The action that goes back again.
    pub return_leg: Option<String>,
    pub destructive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    Release,
    Backup,
    Config,
}

impl TargetKind {
    pub const ALL: [TargetKind; 3] = [TargetKind::Release, TargetKind::Backup, TargetKind::Config];

    pub const fn key(self) -> &'static str {
        match self {
            TargetKind::Release => "release",
            TargetKind::Backup => "backup",
            TargetKind::Config => "config",
        }
    }

    pub fn from_key(key: &str) -> Option<TargetKind> {
        TargetKind::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionMode {
    Automatic,
    /// Waits for the technical lead's word.
    OnCommand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    AtOnce,
    Rolling(u32),
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
