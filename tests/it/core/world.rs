//! A small world to decide in: a team, two components with their releases, a procedure of a dozen lines, a shelf of
//! scripts. Everything that the outside can change is in [`Outside`], so that a search can move it.

use backout::domain::actor::Actor;
use backout::domain::apply::apply;
use backout::domain::command::{Approve, Command, Opening};
use backout::domain::decide::decide;
use backout::domain::event::{Event, Recorded, TriggerSeen};
use backout::domain::facts::{Catalogue, Facts, Lock, Measures, PersonFact, ReadBack, Registered};
use backout::domain::plan::{Draft, PlannedAction, ScriptFile, Target};
use backout::domain::procedure::{
    ActionDefinition, ActionMode, Assessment, Authority, Category, Checklist, Criterion, Decision, Detection, Document,
    DocumentSection, Evidence, Group, Indicator, Item, Message, Pace, Phase, Procedure, RoleDefinition, RollbackType,
    Rule, Slot, SlotKind, StartMode, TargetKind, Trigger, TypeDefinition, Verification, When, WhenUsed, Window,
};
use backout::domain::progress::Earlier;
use backout::domain::refusal::Refusal;
use backout::domain::state::Incident;
use backout::domain::{PersonId, Role, Severity, Span, Strength, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

pub const NOON: Timestamp = Timestamp(1_772_712_000_000_000);
pub const INCIDENT: &str = "RB-0142";
pub const PLAYBOOK: &str = "playbook-hash";
/// Approvals of this team's playbook hold for so long.
pub const HOLDS_FOR: Span = Span::minutes(30);

/// Commands incidents. So does Duo.
pub const ANN: &str = "ann";
/// Leads technically.
pub const TOM: &str = "tom";
/// Manages.
pub const MIA: &str = "mia";
/// Holds two roles: incident commander and management.
pub const DUO: &str = "duo";
pub const SUE: &str = "sue";
/// Has an account and no role in rollbacks.
pub const ZED: &str = "zed";
/// Was an incident commander and has left.
pub const GONE: &str = "gone";

pub const IC: &str = "incident_commander";
pub const TL: &str = "technical_lead";
pub const MANAGEMENT: &str = "management";

pub fn id(name: &str) -> PersonId {
    PersonId(name.to_owned())
}

/// Someone who confirmed the password a moment ago.
pub fn person(name: &str) -> Actor {
    Actor::person(&id(name), Some(Strength::Password))
}

/// What can change beside the journal while people decide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Outside {
    /// Microseconds since [`NOON`].
    pub elapsed: i64,
    /// Those whose every role was taken away.
    pub revoked: BTreeSet<&'static str>,
    /// Someone replaced the bytes of the first script.
    pub script_swapped: bool,
    /// Another incident holds the lock on the whole environment.
    pub locked: bool,
    /// The chosen release left the register, or came back with other content.
    pub release_replaced: bool,
    /// The playbook in force is not the one that the incident pinned.
    pub playbook_swapped: bool,
}

impl Outside {
    pub fn now(&self) -> Timestamp {
        NOON + Span(self.elapsed)
    }
}

/// Everything that [`Facts`] borrows from.
pub struct World {
    pub procedure: Procedure,
    pub playbook: String,
    pub people: BTreeMap<PersonId, PersonFact>,
    pub register: Vec<Registered>,
    pub locks: Vec<Lock>,
    pub measures: Measures,
    pub earlier: Earlier,
    pub versions: BTreeMap<String, ReadBack>,
    pub environments: BTreeMap<String, Vec<String>>,
    pub shelf: Shelf,
}

impl World {
    pub fn new(outside: &Outside) -> World {
        let shelf = Shelf { swapped: outside.script_swapped };
        World {
            procedure: procedure(),
            playbook: if outside.playbook_swapped { "another-hash".into() } else { PLAYBOOK.into() },
            people: people(&outside.revoked),
            register: register(outside.release_replaced),
            locks: if outside.locked { vec![other_incident()] } else { Vec::new() },
            measures: Measures::default(),
            earlier: Earlier::default(),
            versions: BTreeMap::new(),
            environments: BTreeMap::from([("production".to_owned(), vec!["app".to_owned(), "db".to_owned()])]),
            shelf,
        }
    }

    pub fn facts(&self) -> Facts<'_> {
        self.facts_with(&self.shelf)
    }

    /// The same facts with another shelf of scripts.
    pub fn facts_with<'a>(&'a self, catalogue: &'a dyn Catalogue) -> Facts<'a> {
        Facts {
            procedure: &self.procedure,
            playbook: &self.playbook,
            people: &self.people,
            register: &self.register,
            incidents: &[],
            locks: &self.locks,
            measures: &self.measures,
            curves: &[],
            earlier: &self.earlier,
            versions: &self.versions,
            environments: &self.environments,
            catalogue,
        }
    }
}

fn people(revoked: &BTreeSet<&'static str>) -> BTreeMap<PersonId, PersonFact> {
    let team: [(&str, &[Role], bool); 7] = [
        (ANN, &[Role::IncidentCommander], true),
        (TOM, &[Role::TechnicalLead], true),
        (MIA, &[Role::Management], true),
        (DUO, &[Role::IncidentCommander, Role::Management], true),
        (SUE, &[Role::Support], true),
        (ZED, &[Role::Administrator], true),
        (GONE, &[Role::IncidentCommander], false),
    ];
    team.into_iter()
        .map(|(name, roles, active)| {
            let roles = if revoked.contains(name) { BTreeSet::new() } else { roles.iter().copied().collect() };
            (id(name), PersonFact { name: name.to_owned(), roles, active })
        })
        .collect()
}

fn other_incident() -> Lock {
    Lock {
        incident: "RB-0099".into(),
        title: "another rollback".into(),
        environment: "production".into(),
        components: Vec::new(),
    }
}

fn register(replaced: bool) -> Vec<Registered> {
    let entry = |kind, component: &str, name: &str, days: i64, migrations: &str| Registered {
        kind,
        environment: "production".into(),
        component: component.into(),
        name: name.into(),
        checksum: if replaced && name == "2.1" { "sha-other".into() } else { format!("sha-{name}") },
        at: NOON - Span::hours(24 * days),
        by: "pipeline".into(),
        note: String::new(),
        migrations: migrations.into(),
        verified_at: Some(NOON - Span::hours(1)),
        again_at: None,
        left_at: None,
        left_in: String::new(),
        undone_at: None,
        restored_at: None,
    };
    vec![
        entry(TargetKind::Release, "app", "1.9", 30, "none"),
        entry(TargetKind::Release, "app", "2.0", 20, "destructive"),
        entry(TargetKind::Release, "app", "2.1", 10, "none"),
        entry(TargetKind::Release, "app", "2.1.1", 5, "none"),
        entry(TargetKind::Release, "app", "2.2", 0, "none"),
        entry(TargetKind::Release, "db", "5.0", 20, "none"),
        entry(TargetKind::Release, "db", "5.1", 0, "none"),
        entry(TargetKind::Backup, "app", "backup-1", 1, "none"),
        entry(TargetKind::Config, "app", "config-7", 3, "none"),
    ]
}

/// Script files by path, with a content that can be swapped.
pub struct Shelf {
    pub swapped: bool,
}

impl Catalogue for Shelf {
    fn prepare(&self, _: &Procedure, draft: &Draft) -> Result<Vec<PlannedAction>, Vec<String>> {
        let names: Vec<String> = draft.targets.iter().map(|target| target.name.clone()).collect();
        Ok(actions_of(draft.kind)
            .into_iter()
            .map(|mut action| {
                action.argv.extend(names.iter().cloned());
                for script in &mut action.scripts {
                    script.sha256 = self.script(&draft.environment, &script.path).unwrap();
                }
                action
            })
            .collect())
    }

    fn script(&self, _: &str, path: &str) -> Option<String> {
        let swapped = self.swapped && path == "deploy.sh";
        ["deploy.sh", "switch.sh"]
            .contains(&path)
            .then(|| format!("sha256-of-{path}{}", if swapped { "-swapped" } else { "" }))
    }

    fn grace(&self, _: &str) -> Span {
        Span::minutes(3)
    }

    fn render(&self, template: &str, values: &BTreeMap<&str, String>) -> Result<String, String> {
        Ok(template.replace("{{ number }}", &values["number"]))
    }
}

/// What each type of rollback does here: every shape that a plan can have.
pub fn actions_of(kind: RollbackType) -> Vec<PlannedAction> {
    let machine = |name: &str, script: &str| PlannedAction {
        name: name.into(),
        title: name.into(),
        executor: "process".into(),
        place: "host-1".into(),
        directory: "/srv/app".into(),
        argv: vec![script.into()],
        scripts: vec![ScriptFile { path: script.into(), sha256: String::new() }],
        grants: vec!["TOKEN".into()],
        time_limit: Span::minutes(10),
        mode: ActionMode::Automatic,
        group: None,
        pace: Pace::AtOnce,
        needs: Vec::new(),
        by_hand: Vec::new(),
    };
    let grouped = |name: &str, script: &str| PlannedAction { group: Some("both".into()), ..machine(name, script) };
    match kind {
        RollbackType::Partial => vec![machine("deploy", "deploy.sh")],
        RollbackType::Full => vec![
            machine("deploy", "deploy.sh"),
            PlannedAction { mode: ActionMode::OnCommand, ..machine("switch", "switch.sh") },
        ],
        RollbackType::Database => vec![grouped("left", "deploy.sh"), grouped("right", "switch.sh")],
        RollbackType::Configuration => vec![
            PlannedAction { by_hand: vec!["turn the key".into()], scripts: Vec::new(), ..machine("tell", "deploy.sh") },
            PlannedAction { needs: vec!["key-turned".into()], ..machine("apply", "switch.sh") },
        ],
    }
}

/// The gating slots that this team's procedure demands: said here once more, by hand, to hold `decide` against.
pub fn demanded(decision: Decision, severity: Severity) -> &'static [&'static str] {
    match (decision, severity) {
        (Decision::Immediate, Severity::P0) => &[IC],
        (Decision::Immediate, _) => &[IC, TL],
        (Decision::Considered, _) => &[TL, IC, MANAGEMENT],
        (Decision::NotRequired, _) => &[IC, MANAGEMENT],
    }
}

/// The decision that this team's procedure takes for a category at a severity.
pub fn decided(category: &str, severity: Severity) -> Decision {
    match (category, severity) {
        ("slow", Severity::P3) => Decision::NotRequired,
        ("slow", _) => Decision::Considered,
        ("cosmetic", _) => Decision::NotRequired,
        _ => Decision::Immediate,
    }
}

pub fn category_of(decision: Decision) -> &'static str {
    match decision {
        Decision::Immediate => "safety",
        Decision::Considered => "slow",
        Decision::NotRequired => "cosmetic",
    }
}

pub fn duty(role: &str) -> Role {
    Role::from_key(role).unwrap()
}

pub fn procedure() -> Procedure {
    let category = |name: &str, decision, severity| Category {
        name: name.into(),
        title: name.into(),
        decision,
        severity,
        automatic: true,
        always_own_incident: false,
        marks: None,
        seed: None,
    };
    let trigger = |name: &str, category: &str| Trigger {
        name: name.into(),
        text: format!("the trigger {name}"),
        category: category.into(),
        detection: Detection::Person,
        seed: None,
    };
    let role = |name: &str| RoleDefinition {
        name: name.into(),
        title: name.into(),
        duty: duty(name),
        authority: Vec::new(),
        seed: None,
    };
    let section = |name: &str| DocumentSection { name: name.into(), title: name.into(), typed: true, seed: None };
    // Every type deploys, restores and reverts here: how, the shelf says.
    let action = |target: TargetKind| ActionDefinition {
        name: target.key().into(),
        title: target.key().into(),
        executor: "process".into(),
        types: RollbackType::ALL.into(),
        target,
        mode: ActionMode::Automatic,
        group: None,
        needs: Vec::new(),
        pace: Pace::AtOnce,
        alternatives: Vec::new(),
        by_environment: Vec::new(),
        return_leg: None,
        destructive: false,
    };
    Procedure {
        actions: TargetKind::ALL.map(action).into(),
        title: "A small procedure".into(),
        version: "1".into(),
        roles: [IC, TL, MANAGEMENT, "support"].map(role).into(),
        categories: vec![
            category("safety", Decision::Immediate, Severity::P1),
            category("outage", Decision::Immediate, Severity::P0),
            category("slow", Decision::Considered, Severity::P2),
            category("cosmetic", Decision::NotRequired, Severity::P3),
        ],
        triggers: ["safety", "outage", "slow", "cosmetic"].map(|name| trigger(name, name)).into(),
        rules: vec![Rule {
            name: "slow-but-isolated".into(),
            text: "Slow pages for few are lived with.".into(),
            when: When { category: vec!["slow".into()], severity: vec![Severity::P3], ..When::default() },
            decision: Decision::NotRequired,
            severity: None,
            seed: None,
        }],
        authorities: authorities(),
        types: vec![TypeDefinition {
            kind: RollbackType::Partial,
            title: "Partial".into(),
            scope: Vec::new(),
            when_used: vec![WhenUsed {
                text: "always".into(),
                categories: ["safety", "outage", "slow", "cosmetic"].map(str::to_owned).into(),
                triggers: Vec::new(),
                seed: None,
            }],
            seed: None,
        }],
        checklists: checklists(),
        verification: Verification {
            criteria: vec![Criterion {
                name: "works".into(),
                text: "it works".into(),
                condition: None,
                always_applies: true,
                proves_version: false,
                seed: None,
            }],
            indicators: vec![Indicator {
                name: "errors-remain".into(),
                text: "errors remain".into(),
                seed: None,
                compares: None,
            }],
            ..Verification::default()
        },
        messages: vec![Message { name: "progress-update".into(), template: "update {{ number }}".into(), seed: None }],
        assessments: vec![Assessment {
            name: "feasibility".into(),
            title: "Feasibility".into(),
            role: TL.into(),
            sections: vec![section("risk")],
        }],
        documents: vec![Document {
            name: "report".into(),
            title: "Report".into(),
            sections: vec![section("lessons")],
            keep: None,
            legal_floor: None,
            seed: None,
            keep_seed: None,
        }],
        ..Procedure::default()
    }
}

fn authorities() -> Vec<Authority> {
    let slot = |role: &str, kind| Slot { role: role.into(), duty: duty(role), kind, substitute: None };
    let authority = |name: &str, decision, severity: &[Severity], slots: Vec<Slot>, start| Authority {
        name: name.into(),
        text: format!("by {name}"),
        when: When { decision: vec![decision], severity: severity.to_vec(), ..When::default() },
        slots,
        ratified_by: None,
        needs_reason: decision == Decision::NotRequired,
        start,
        seed: None,
    };
    let approve = SlotKind::Approve;
    let (at_once, later) = (StartMode::AtAuthorisation, StartMode::OnCommand);
    let below = [Severity::P1, Severity::P2, Severity::P3];
    vec![
        authority("p0", Decision::Immediate, &[Severity::P0], vec![slot(IC, approve)], at_once),
        Authority {
            ratified_by: Some(MANAGEMENT.into()),
            ..authority("below-p0", Decision::Immediate, &below, vec![slot(IC, approve), slot(TL, approve)], at_once)
        },
        authority(
            "considered",
            Decision::Considered,
            &[],
            vec![slot(TL, SlotKind::Review), slot(IC, approve), slot(MANAGEMENT, approve)],
            later,
        ),
        authority(
            "not-required",
            Decision::NotRequired,
            &[],
            vec![slot(IC, approve), slot(MANAGEMENT, approve)],
            later,
        ),
    ]
}

fn checklists() -> Vec<Checklist> {
    let item = |name: &str, required, evidence| Item {
        name: name.into(),
        text: name.into(),
        owner: None,
        required,
        condition: None,
        types: Vec::new(),
        evidence,
        seed: None,
    };
    let list = |name: &str, phase, window, items| Checklist {
        name: name.into(),
        title: name.into(),
        phase,
        window,
        groups: vec![Group { title: None, condition: None, items, seed: None }],
        seed: None,
    };
    let key = Item { types: vec![RollbackType::Configuration], ..item("key-turned", false, None) };
    vec![
        list(
            "assessment",
            Phase::Before,
            None,
            vec![item("release-there", true, Some(Evidence::TargetRegistered)), item("impact-reviewed", true, None)],
        ),
        list(
            "step-1",
            Phase::Step(1),
            Some(Window { from: Span::ZERO, to: Some(Span::minutes(5)) }),
            vec![item("deployed", false, Some(Evidence::Run("deploy".into()))), key],
        ),
    ]
}

pub fn seen(trigger: &str) -> TriggerSeen {
    TriggerSeen {
        name: trigger.into(),
        text: String::new(),
        category: trigger.into(),
        fingerprint: format!("fingerprint-{trigger}"),
        saw: "it was seen".into(),
        evidence: "{}".into(),
        seen_at: NOON,
    }
}

pub fn opening(decision: Decision, severity: Severity) -> Command {
    Command::Open(Opening {
        incident: INCIDENT.into(),
        title: String::new(),
        environment: "production".into(),
        component: "app".into(),
        trigger: seen(category_of(decision)),
        severity: Some(severity),
        outage: false,
        users_affected_ppm: None,
    })
}

fn target(component: &str, kind: TargetKind, name: &str) -> Target {
    Target {
        kind,
        component: component.into(),
        name: name.into(),
        checksum: String::new(),
        from: None,
        free_text: false,
    }
}

/// Back to 2.1, with a reason, so that it may also start where the rules require no rollback.
pub fn draft(kind: RollbackType) -> Draft {
    Draft {
        kind,
        environment: "production".into(),
        components: vec!["app".into()],
        scope: Vec::new(),
        targets: vec![target("app", TargetKind::Release, "2.1")],
        not_covered: Vec::new(),
        fallback: "restore by hand".into(),
        reason: "people cannot work".into(),
        start: None,
    }
}

/// The same for both components, so that it can be narrowed.
pub fn wide_draft(kind: RollbackType) -> Draft {
    let mut wide = draft(kind);
    wide.components.push("db".into());
    wide.targets.push(target("db", TargetKind::Release, "5.0"));
    wide
}

/// One more change of [`draft`], to the release after it.
pub fn other_draft(kind: RollbackType) -> Draft {
    Draft { targets: vec![target("app", TargetKind::Release, "2.1.1")], ..draft(kind) }
}

/// An incident with its whole journal, in a world that stands still unless moved.
#[derive(Clone)]
pub struct Room {
    pub outside: Outside,
    pub journal: Vec<Recorded>,
    pub incident: Option<Incident>,
}

impl Room {
    pub fn opened(decision: Decision, severity: Severity) -> Room {
        let mut room = Room { outside: Outside::default(), journal: Vec::new(), incident: None };
        room.system(opening(decision, severity));
        room
    }

    /// A submitted plan of this type, with the commander and the lead in their places and the gate's item ticked.
    pub fn submitted(decision: Decision, severity: Severity, kind: RollbackType) -> Room {
        let mut room = Room::opened(decision, severity);
        room.must(ANN, Command::TakeRole { role: Role::IncidentCommander });
        room.must(TOM, Command::TakeRole { role: Role::TechnicalLead });
        room.told(&person(ANN), Command::WithdrawPlan { attempt: 1, reason: "another plan".into() }).ok();
        room.told(&person(TOM), Command::DraftAttempt { draft: draft(kind) }).unwrap();
        let attempt = room.attempt_number();
        room.must(TOM, Command::SubmitPlan { attempt });
        room.must(
            TOM,
            Command::Tick {
                attempt,
                item: "impact-reviewed".into(),
                mark: backout::domain::event::Mark::Done { note: String::new() },
            },
        );
        room
    }

    /// All have authorised it, and the word to start is given.
    pub fn ordered(decision: Decision, severity: Severity, kind: RollbackType) -> Room {
        let mut room = Room::submitted(decision, severity, kind);
        for slot in demanded(decision, severity) {
            room.must(usual(slot), room.approval(slot));
        }
        if room.state().current().unwrap().start_ordered.is_none() {
            room.must(ANN, Command::Start { attempt: room.attempt_number(), digest: room.digest() });
        }
        room
    }

    pub fn state(&self) -> &Incident {
        self.incident.as_ref().unwrap()
    }

    pub fn attempt_number(&self) -> u32 {
        self.state().current().unwrap().number
    }

    pub fn digest(&self) -> String {
        self.state().current().unwrap().submitted.as_ref().unwrap().digest.clone()
    }

    pub fn approval(&self, slot: &str) -> Command {
        approval(self.state(), slot, &self.digest())
    }

    pub fn claim(&self, action: &str) -> Command {
        Command::ClaimRun { attempt: self.attempt_number(), action: action.into(), host: "host-1".into() }
    }

    /// Decides and, if allowed, writes it down.
    pub fn told(&mut self, actor: &Actor, command: Command) -> Result<Vec<Event>, Refusal> {
        let world = World::new(&self.outside);
        let now = self.outside.now();
        let events = decide(self.incident.as_ref(), &world.facts(), &command, actor, now)?;
        for event in &events {
            let version = self.journal.len() as i64 + 1;
            let recorded = Recorded { seq: version, version, at: now, actor: actor.who.clone(), event: event.clone() };
            apply(&mut self.incident, &recorded);
            self.journal.push(recorded);
        }
        Ok(events)
    }

    /// A person's command that must be allowed.
    pub fn must(&mut self, name: &str, command: Command) -> Vec<Event> {
        let shown = format!("{name}: {command:?}");
        self.told(&person(name), command).unwrap_or_else(|refusal| panic!("{shown}: {refusal}"))
    }

    /// The system's command that must be allowed.
    pub fn system(&mut self, command: Command) -> Vec<Event> {
        let shown = format!("system: {command:?}");
        self.told(&Actor::SYSTEM, command).unwrap_or_else(|refusal| panic!("{shown}: {refusal}"))
    }

    pub fn pass(&mut self, span: Span) {
        self.outside.elapsed += span.0;
    }
}

/// Who usually signs a slot.
pub fn usual(slot: &str) -> &'static str {
    match slot {
        IC => ANN,
        TL => TOM,
        _ => MIA,
    }
}

/// An approval of this digest with the right phrase, and nothing waived.
pub fn approval(incident: &Incident, slot: &str, digest: &str) -> Command {
    let attempt = incident.current();
    let plan = attempt.and_then(backout::domain::state::Attempt::plan);
    Command::Approve(Approve {
        attempt: attempt.map_or(1, |attempt| attempt.number),
        digest: digest.to_owned(),
        slot: slot.to_owned(),
        starts: None,
        phrase: plan.map_or_else(String::new, |plan| plan.phrase.clone()),
        comment: String::new(),
        waive: Vec::new(),
        waive_reason: String::new(),
    })
}
