//! From one state to all the next: every command by every person and by the machine, and every move of the world.

use super::laws::{self, Step};
use super::search::{Limit, Searched, search};
use super::world::*;
use backout::domain::actor::Actor;
use backout::domain::command::{Approve, Command, Outcome};
use backout::domain::event::{Event, ImpactSaid, Mark, Pin, RunEnd, RunOutcome};
use backout::domain::facts::Facts;
use backout::domain::procedure::{LinkKind, RollbackType, TargetKind};
use backout::domain::refusal::Refusal;
use backout::domain::state::{AttemptEnd, AttemptStatus, Incident, IndicatorSign, RunState, Stop};
use backout::domain::waits::waits;
use backout::domain::{Role, Severity, Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// What is put to the proof: `decide`, or `decide` with a bug planted into it.
pub type Decide = dyn Fn(Option<&Incident>, &Facts, &Command, &Actor, Timestamp) -> Result<Vec<Event>, Refusal>;

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Node {
    pub incident: Incident,
    pub outside: Outside,
    /// Digests that were declined, withdrawn or sent back: none of them may ever start.
    pub dead: BTreeSet<String>,
}

impl Node {
    pub fn of(room: &Room) -> Node {
        let mut node = Node { incident: room.state().clone(), outside: room.outside.clone(), dead: BTreeSet::new() };
        forget(&mut node.incident);
        node
    }
}

pub type Label = String;

/// Commands that matter to a question; a search asks these by everyone.
pub type Alphabet = fn(&Node) -> Vec<Command>;

pub struct Walk<'a> {
    pub decide: &'a Decide,
    pub alphabet: Alphabet,
    pub people: &'static [&'static str],
    pub moves: fn(&Outside) -> Vec<Outside>,
    /// Whether states beyond a node are of interest.
    pub goes_on: fn(&Node) -> bool,
}

impl Walk<'_> {
    pub fn search(&self, starts: Vec<Node>, limit: Limit) -> Searched<Label> {
        let mut worlds: HashMap<Outside, Rc<World>> = HashMap::new();
        search(starts, limit, |node| {
            let world =
                worlds.entry(node.outside.clone()).or_insert_with(|| Rc::new(World::new(&node.outside))).clone();
            self.next(node, &world)
        })
    }

    fn next(&self, node: &Node, world: &World) -> Vec<(Label, Result<Node, String>)> {
        if !(self.goes_on)(node) {
            return Vec::new();
        }
        let mut steps: Vec<(Label, Result<Node, String>)> = (self.moves)(&node.outside)
            .into_iter()
            .map(|outside| (format!("{outside:?}"), Ok(Node { outside, ..node.clone() })))
            .collect();
        let actors: Vec<Actor> =
            self.people.iter().map(|name| person(name)).chain(std::iter::once(Actor::SYSTEM)).collect();
        for command in (self.alphabet)(node) {
            for actor in &actors {
                if let Some(reached) = self.step(node, world, actor, &command) {
                    steps.push((format!("{}: {command:?}", actor.who), reached));
                }
            }
        }
        if let Err(stuck) = a_way_out(node, world, self.decide) {
            steps.push(("a way out".into(), Err(stuck)));
        }
        steps
    }

    /// Asks; `None` when it is refused, as most is.
    fn step(&self, node: &Node, world: &World, actor: &Actor, command: &Command) -> Option<Result<Node, String>> {
        let now = node.outside.now();
        let ask =
            |incident: &Incident, actor: &Actor| (self.decide)(Some(incident), &world.facts(), command, actor, now);
        let events = ask(&node.incident, actor).ok()?;
        let stale = Actor { fresh: None, ..actor.clone() };
        let keeps = |actor: &Actor, events: &[Event]| {
            laws::take(&node.incident, &Step { world, actor, command, now, events, dead: &node.dead })
        };
        if let Ok(events) = ask(&node.incident, &stale)
            && let Err(broken) = keeps(&stale, &events)
        {
            return Some(Err(broken));
        }
        Some(keeps(actor, &events).and_then(|after| {
            // What was done is done: asked again, nothing more happens. A note alone may be said twice.
            if !matches!(command, Command::AddNote { .. }) && ask(&after, actor).is_ok() {
                return Err("INV-9: the same command twice was allowed twice".into());
            }
            let mut dead = node.dead.clone();
            if let Some(digest) = killed(node, command) {
                dead.insert(digest);
            }
            let mut reached = Node { incident: after, outside: node.outside.clone(), dead };
            forget(&mut reached.incident);
            Ok(reached)
        }))
    }
}

/// The digest that this accepted command rules out for ever.
fn killed(node: &Node, command: &Command) -> Option<String> {
    let submitted = node.incident.current()?.submitted.as_ref()?;
    let rules_out =
        matches!(command, Command::Decline { .. } | Command::RequestChanges { .. } | Command::WithdrawPlan { .. });
    rules_out.then(|| submitted.digest.clone())
}

/// Takes away what no later decision looks at, so that equal futures are equal states.
fn forget(incident: &mut Incident) {
    incident.version = 0;
    incident.sections.clear();
    incident.reminders.clear();
    incident.impact = None;
    incident.updates.note = None;
    incident.updates.sent.clear();
    incident.debts.dedup();
    for attempt in &mut incident.attempts {
        attempt.voided.clear();
        attempt.start_refused = None;
        attempt.assessments.clear();
        attempt.start_ordered = attempt.start_ordered.map(|_| NOON);
        if let Some(submitted) = &mut attempt.submitted {
            submitted.at = NOON;
        }
        if let Some(held) = &mut attempt.held {
            held.why.clear();
        }
        if let Some(stop) = &mut attempt.stop {
            *stop = Stop { reason: String::new(), at: NOON, by: None };
        }
        if let Some(end) = &mut attempt.end {
            *end = AttemptEnd { reason: String::new(), at: NOON, by: None, ..end.clone() };
        }
        for marked in attempt.marks.values_mut() {
            if !marked.mark.by_machine() {
                marked.mark = Mark::Done { note: String::new() };
                marked.by = None;
            }
            marked.at = NOON;
        }
        for run in &mut attempt.runs {
            run.starting_at = NOON;
            run.ended_at = run.ended_at.map(|_| NOON);
            run.word = None;
            run.outcome = None;
        }
        for marked in attempt.criteria.values_mut() {
            marked.by = None;
        }
        for seen in attempt.indicators.values_mut() {
            seen.by = None;
        }
    }
}

/// From every state that is not the end, some person can leave; and what runs or will run can be stopped.
fn a_way_out(node: &Node, world: &World, decide: &Decide) -> Result<(), String> {
    let incident = &node.incident;
    let Some(attempt) = incident.current().filter(|attempt| incident.is_open() && !attempt.status().is_terminal())
    else {
        return Ok(());
    };
    let number = attempt.number;
    let reason = || "to leave".to_owned();
    let stop = Command::Stop { attempt: number, reason: reason() };
    let lost = attempt.runs.iter().find(|run| run.state == RunState::Lost && !run.retried);
    let command = match attempt.status() {
        AttemptStatus::Draft | AttemptStatus::Submitted => Command::WithdrawPlan { attempt: number, reason: reason() },
        AttemptStatus::Verifying => Command::DeclareFailed { attempt: number, reason: reason() },
        AttemptStatus::Halted if attempt.stop.is_some() => match lost {
            Some(run) => Command::JudgeRun { run: run.id.clone(), succeeded: false, reason: reason() },
            // Something still runs: its end is awaited.
            None if attempt.live_runs().next().is_some() => return Ok(()),
            None => return Err("halted for ever".into()),
        },
        _ => stop,
    };
    let holders = |role: Role| world.people.iter().filter(move |(_, fact)| fact.active && fact.roles.contains(&role));
    if holders(Role::IncidentCommander).next().is_none() {
        return Ok(());
    }
    let found = holders(Role::IncidentCommander).any(|(who, _)| {
        let actor = person(&who.0);
        let mut taken = incident.clone();
        taken.commander = Some(who.clone());
        decide(Some(&taken), &world.facts(), &command, &actor, node.outside.now()).is_ok()
    });
    if found { Ok(()) } else { Err(format!("no commander can leave it by {command:?}")) }
}

pub fn still(_: &Outside) -> Vec<Outside> {
    Vec::new()
}

/// One move of the world: time passes to just before the approvals run out and then to that very moment; or someone
/// loses a role, or a script, a release or the lock changes hands.
pub fn restless(outside: &Outside) -> Vec<Outside> {
    let (almost, over) = (HOLDS_FOR.0 - 1_000_000, HOLDS_FOR.0);
    let calm = Outside::default();
    if outside.elapsed == almost {
        return vec![Outside { elapsed: over, ..outside.clone() }];
    }
    if *outside != calm {
        return Vec::new();
    }
    vec![
        Outside { elapsed: almost, ..calm.clone() },
        Outside { revoked: [ANN].into(), ..calm.clone() },
        Outside { script_swapped: true, ..calm.clone() },
        Outside { locked: true, ..calm.clone() },
        Outside { release_replaced: true, ..calm },
    ]
}

fn why() -> String {
    "there is a reason".into()
}

/// All that concerns agreeing on a plan, up to its first start.
pub fn agreeing(node: &Node) -> Vec<Command> {
    let Some(attempt) = node.incident.current() else { return Vec::new() };
    let number = attempt.number;
    let mut commands = vec![Command::SubmitPlan { attempt: number }];
    // A page that was opened long ago still holds another digest.
    let mut digests: Vec<String> = vec![node.dead.first().cloned().unwrap_or_else(|| "0".repeat(64))];
    digests.extend(attempt.submitted.as_ref().map(|submitted| submitted.digest.clone()));
    for digest in digests {
        for slot in [IC, TL, MANAGEMENT] {
            commands.push(approval(&node.incident, slot, &digest));
        }
        commands.push(Command::WithdrawApproval { attempt: number, digest: digest.clone() });
        commands.push(Command::RequestChanges { attempt: number, digest: digest.clone(), reason: why() });
        commands.push(Command::Decline { attempt: number, digest: digest.clone(), reason: why() });
        commands.push(Command::Start { attempt: number, digest });
    }
    commands.push(Command::WithdrawPlan { attempt: number, reason: why() });
    commands.push(Command::Untick { attempt: number, item: "impact-reviewed".into() });
    commands.push(Command::EditPlan { attempt: number, seen: None, draft: other_draft(attempt.draft.kind) });
    commands.extend(claims(node));
    commands
}

fn claims(node: &Node) -> Vec<Command> {
    let Some(attempt) = node.incident.current() else { return Vec::new() };
    let actions = attempt.plan().map(|plan| plan.actions.as_slice()).unwrap_or_default();
    actions
        .iter()
        .map(|action| Command::ClaimRun { attempt: attempt.number, action: action.name.clone(), host: "host-1".into() })
        .collect()
}

fn outcome(end: RunEnd) -> RunOutcome {
    RunOutcome { end, lines: 0, log_sha256: String::new(), log_cut: false }
}

/// All that concerns runs, from the first claim to the verdict.
pub fn executing(node: &Node) -> Vec<Command> {
    let Some(attempt) = node.incident.current() else { return Vec::new() };
    let number = attempt.number;
    let mut commands = claims(node);
    for run in &attempt.runs {
        let run = run.id.clone();
        commands.push(Command::NoteRunning { run: run.clone() });
        commands.push(Command::FinishRun { run: run.clone(), outcome: outcome(RunEnd::Exited(0)) });
        commands.push(Command::FinishRun { run: run.clone(), outcome: outcome(RunEnd::Exited(1)) });
        commands.push(Command::LoseRun { run: run.clone(), why: why() });
        commands.push(Command::JudgeRun { run: run.clone(), succeeded: true, reason: why() });
        commands.push(Command::JudgeRun { run: run.clone(), succeeded: false, reason: why() });
        commands.push(Command::Retry { run, reason: why() });
    }
    for action in attempt.plan().map(|plan| plan.actions.as_slice()).unwrap_or_default() {
        let action = action.name.clone();
        commands.push(Command::ReleaseAction { attempt: number, action: action.clone() });
        commands.push(Command::ResumeAction { attempt: number, action: action.clone() });
        for succeeded in [true, false] {
            let evidence = "seen on the console".into();
            commands.push(Command::ReportByHand { attempt: number, action: action.clone(), succeeded, evidence });
        }
    }
    commands.push(Command::Stop { attempt: number, reason: why() });
    commands.push(Command::Tick {
        attempt: number,
        item: "key-turned".into(),
        mark: Mark::Done { note: String::new() },
    });
    commands.push(Command::MarkCriterion {
        attempt: number,
        criterion: "works".into(),
        mark: Some(Mark::Done { note: "seen".into() }),
    });
    commands.push(Command::ConfirmSuccess { attempt: number });
    commands.push(Command::DeclareFailed { attempt: number, reason: why() });
    commands
}

/// Every command there is, well filled in, and some of it filled in with rubbish.
pub fn everything(node: &Node) -> Vec<Command> {
    let mut commands = agreeing(node);
    commands.extend(executing(node));
    let number = node.incident.current().map_or(1, |attempt| attempt.number);
    let digest = node.incident.current().and_then(|attempt| attempt.submitted.as_ref());
    let digest = digest.map_or_else(|| "no digest".into(), |submitted| submitted.digest.clone());
    let kind = RollbackType::Partial;
    for role in [Role::IncidentCommander, Role::TechnicalLead, Role::Management] {
        commands.push(Command::TakeRole { role });
    }
    commands.push(Command::OfferRole { role: Role::IncidentCommander, to: id(DUO) });
    commands.push(Command::AcceptRole { role: Role::IncidentCommander });
    for to in Severity::ALL {
        commands.push(Command::ChangeSeverity { to, reason: why() });
        commands.push(Command::ConfirmSeverity { to });
    }
    commands.push(Command::Ratify { reason: why() });
    for draft in [draft(kind), wide_draft(kind), other_draft(kind)] {
        commands.push(Command::DraftAttempt { draft: draft.clone() });
        commands.push(Command::EditPlan { attempt: number, seen: None, draft });
    }
    commands.push(Command::DraftRestoration { escalates: number, backup: "backup-1".into() });
    let components = vec!["app".to_owned()];
    commands.push(Command::Narrow { attempt: number, digest: digest.clone(), components, reason: why() });
    let sections = BTreeMap::from([("risk".to_owned(), "small".to_owned())]);
    commands.push(Command::Assess { attempt: number, name: "feasibility".into(), sections });
    let Command::Approve(wish) = approval(&node.incident, IC, &digest) else { unreachable!() };
    let waive = vec!["impact-reviewed".to_owned()];
    commands.push(Command::Approve(Approve { waive, waive_reason: why(), ..wish }));
    for mark in
        [Mark::Waived { reason: why() }, Mark::NotApplicable { reason: why() }, Mark::Proven { evidence: why() }]
    {
        commands.push(Command::Tick { attempt: number, item: "impact-reviewed".into(), mark });
    }
    for sign in [IndicatorSign::Seen, IndicatorSign::NotSeen] {
        let indicator = "errors-remain".into();
        commands.push(Command::MarkIndicator { attempt: number, indicator, sign, note: why() });
    }
    commands.push(Command::MarkCriterion { attempt: number, criterion: "works".into(), mark: None });
    let due = node.incident.updates.promised.map_or(1, |promise| promise.number);
    commands.push(Command::EditUpdate { number: due, note: why() });
    commands.push(Command::SendUpdate { number: due, note: None });
    for number in [due, due.saturating_add(1)] {
        commands.push(Command::CallForUpdate { number });
        commands.push(Command::MissUpdate { number });
        commands.push(Command::EscalateUpdate { number });
    }
    for every in [Span::minutes(5), Span::minutes(15), Span::hours(5)] {
        commands.push(Command::ChangeBeat { every, reason: why() });
    }
    for address in ["https://meet.example/room", "http://meet.example/room"] {
        let (kind, title) = (LinkKind::Call, "War room".to_owned());
        commands.push(Command::PinLink(Pin { kind, title, address: address.to_owned() }));
        commands.push(Command::UnpinLink { address: address.to_owned() });
    }
    commands.push(Command::AddNote { text: why() });
    for wait in waits(&node.incident, node.outside.now()) {
        commands.push(Command::Remind { task: wait.task, of: wait.of, who: wait.who });
    }
    let said = ImpactSaid { felt: "People wait".into(), people: Some(12), ..ImpactSaid::default() };
    commands.push(Command::DescribeImpact(said));
    commands.push(Command::WriteSection { document: "report".into(), section: "lessons".into(), text: why() });
    commands.push(Command::CallForVerdict { attempt: number });
    commands.push(Command::LiftFreeze { reason: why() });
    for outcome in Outcome::ALL {
        commands.push(Command::Close { outcome, reason: why() });
    }
    commands.push(Command::Settle);
    commands.push(Command::Join { trigger: seen("outage") });
    commands.extend(rubbish());
    commands
}

/// Unknown names, empty and endless texts: refused, whoever asks.
pub fn rubbish() -> Vec<Command> {
    let mut commands = Vec::new();
    for text in [String::new(), "x".repeat(5_000), "\u{0}\u{202e}--rm".into()] {
        let mut odd = draft(RollbackType::Full);
        odd.targets[0].name = text.clone();
        odd.targets[0].kind = TargetKind::Backup;
        odd.targets[0].free_text = true;
        let run = backout::domain::state::RunId(text.clone());
        commands.extend([
            Command::AddNote { text: text.clone() },
            Command::DescribeImpact(ImpactSaid { felt: text.clone(), cost: text.clone(), ..ImpactSaid::default() }),
            Command::EditPlan { attempt: u32::MAX, seen: None, draft: odd.clone() },
            Command::EditPlan { attempt: 1, seen: None, draft: odd.clone() },
            Command::DraftAttempt { draft: odd },
            Command::Decline { attempt: 1, digest: text.clone(), reason: text.clone() },
            Command::Stop { attempt: 1, reason: text.clone() },
            Command::ClaimRun { attempt: 0, action: text.clone(), host: text.clone() },
            Command::FinishRun { run: run.clone(), outcome: outcome(RunEnd::Exited(i32::MIN)) },
            Command::Retry { run, reason: text.clone() },
            Command::Tick { attempt: 1, item: text.clone(), mark: Mark::Done { note: text.clone() } },
            Command::SendUpdate { number: u32::MAX, note: Some(text.clone()) },
            Command::OfferRole { role: Role::IncidentCommander, to: id(&text) },
            Command::Join { trigger: backout::domain::event::TriggerSeen { name: text.clone(), ..seen("slow") } },
            Command::Narrow { attempt: 1, digest: text.clone(), components: vec![text.clone()], reason: text },
        ]);
    }
    // A note of these texts is refused when empty or endless; the odd one is only odd.
    commands
}
