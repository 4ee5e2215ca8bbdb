//! What a progress update says: composed from what is known, in the playbook's words.
//!
//! Facts and words are two things. The facts are frozen when it is sent; a person's words stand beside them. That nothing
//! changed is a fact too, and said.

use super::condition::Series;
use super::facts::{Facts, Measure};
use super::figures::{confirmed_at, executed_at};
use super::lanes::{LaneState, lanes};
use super::procedure::{Detection, Phase, StartMode};
use super::recovery::Threshold;
use super::state::{ActionState, Attempt, AttemptStatus, Incident, RunState};
use super::waits::recovery;
use super::words::lower_first;
use super::{Role, Span, Timestamp};
use std::collections::BTreeMap;

/// The template that a progress update is made from.
pub const TEMPLATE: &str = "progress-update";

/// An update as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub text: String,
    /// The facts that the next one compares with.
    pub said: BTreeMap<String, String>,
}

/// How the next update's draft stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draft {
    /// Its time is not near yet.
    Later,
    /// It stands ready.
    Ready,
    /// Its time has passed.
    Overdue,
}

/// How the draft of the promised update stands at this moment.
pub fn draft(incident: &Incident, due_at: Timestamp, now: Timestamp) -> Draft {
    if now > due_at {
        Draft::Overdue
    } else if now >= due_at - incident.cadence.draft_before {
        Draft::Ready
    } else {
        Draft::Later
    }
}

/// The facts of which a difference is a change. What is measured moves always, and time passes always.
fn said(facts: &Facts, incident: &Incident, now: Timestamp) -> BTreeMap<String, String> {
    let attempt = incident.current();
    let said = [
        ("state", told_state(incident, now)),
        ("step", step_words(facts, incident, now)),
        ("running", running_words(attempt)),
        ("waiting", waiting_words(facts, incident, now)),
        ("done", done_words(facts, attempt)),
        ("late", late_steps(facts, incident, now).join(", ")),
    ];
    said.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The whole update, as it would be sent at this moment.
pub fn compose(
    facts: &Facts,
    incident: &Incident,
    number: u32,
    note: &str,
    next_due_at: Option<Timestamp>,
    now: Timestamp,
) -> Composed {
    let values = values(facts, incident, number, note, next_due_at, now);
    let template = facts.procedure.message(TEMPLATE).map(|message| message.template.as_str());
    let rendered = template.map(|template| facts.catalogue.render(template, &values));
    let mut text = match rendered {
        Some(Ok(text)) => text,
        // The promise is kept even with a template that cannot be filled.
        _ => values.iter().map(|(key, value)| format!("{key}: {value}\n")).collect(),
    };
    // What a person said, that nothing changed, and another promise are told whatever the template leaves out.
    for key in ["change", "beat", "note"] {
        let value = values[key].trim();
        if !value.is_empty() && !text.contains(value) {
            text = format!("{}\n{value}", text.trim_end());
        }
    }
    Composed { text, said: said(facts, incident, now) }
}

/// The variables that a progress update's template may use: the playbook is checked against them, `values` fills each.
/// Empty: `late`, `remaining`, `next_at`, `note`, `change` and `beat`, when there is nothing to say.
pub const VARIABLES: [&str; 16] = [
    "incident",
    "number",
    "title",
    "state",
    "step",
    "running",
    "waiting",
    "done",
    "measured",
    "elapsed",
    "late",
    "remaining",
    "next_at",
    "note",
    "change",
    "beat",
];

fn values(
    facts: &Facts,
    incident: &Incident,
    number: u32,
    note: &str,
    next_due_at: Option<Timestamp>,
    now: Timestamp,
) -> BTreeMap<&'static str, String> {
    let attempt = incident.current();
    let since = attempt.and_then(Attempt::started_at);
    let elapsed = match since {
        Some(start) => format!("T+{}", now.shown_since(start)),
        None => format!("{} since the trigger", now.shown_since(incident.opened_at)),
    };
    let measured: Vec<String> =
        facts.measures.0.iter().map(|(series, measure)| measured_words(facts, series, measure)).collect();
    let late = late_words(facts, incident, now);
    let said = said(facts, incident, now);
    BTreeMap::from([
        ("incident", incident.id.clone()),
        ("number", number.to_string()),
        ("title", incident.title.clone()),
        ("state", said["state"].clone()),
        ("step", said["step"].clone()),
        ("running", said["running"].clone()),
        ("waiting", said["waiting"].clone()),
        ("done", said["done"].clone()),
        ("measured", if measured.is_empty() { "no data".into() } else { measured.join(", ") }),
        ("elapsed", elapsed),
        ("late", late.join(", ")),
        ("remaining", attempt.and_then(|it| remaining(facts, it, now)).map_or(String::new(), Remaining::in_words)),
        ("next_at", next_due_at.map_or_else(String::new, |at| format!("{} UTC", at.time_of_day()))),
        ("note", note.to_owned()),
        ("change", change_words(incident, &said)),
        ("beat", beat_words(facts, incident)),
    ])
}

/// A person's words as they stand among the facts: each line begins with who wrote it, so that nobody takes it for
/// something measured.
pub fn words_of_writer(name: &str, words: &str) -> String {
    let lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| format!("{name}: {line}")).collect::<Vec<_>>().join("\n")
}

/// That nothing changed since the last one is said, not skipped.
fn change_words(incident: &Incident, said: &BTreeMap<String, String>) -> String {
    match incident.updates.sent.last() {
        Some((_, last)) if last.said == *said => format!("No change since update {}.", last.number),
        _ => String::new(),
    }
}

/// A beat that was promised and that no update has told yet.
fn beat_words(facts: &Facts, incident: &Incident) -> String {
    let Some(beat) = incident.updates.beat.as_ref().filter(|beat| !beat.announced) else { return String::new() };
    let by = beat.by.as_ref().map_or_else(|| "the incident commander".to_owned(), |id| facts.name(id));
    format!("From now on an update every {}, promised by {by}: {}", beat.every.in_words(), in_one_line(&beat.reason))
}

/// Words in the middle of a sentence, without line breaks of their own.
pub fn in_one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `error rate 3.10 %, goal below 1 %`: what is measured beside what success wants, or else what set the alarm off.
pub(super) fn measured_words(facts: &Facts, series: &Series, measure: &Measure) -> String {
    let value = measure.value.map_or_else(|| "no data".to_owned(), |value| series.show(value));
    let wanted = facts.procedure.verification.criteria.iter().filter_map(|criterion| criterion.condition.as_ref());
    let wanted = wanted.map(|condition| ("goal", condition));
    let alarms = facts.procedure.triggers.iter().filter_map(|trigger| match &trigger.detection {
        Detection::Metric { condition, .. } => Some(("trigger", condition)),
        Detection::Signal { .. } | Detection::Person => None,
    });
    match wanted.chain(alarms).find(|(_, condition)| condition.series == *series) {
        Some((what, condition)) => {
            format!("{} {value} ({what} {})", series.label(), Threshold::of(condition).in_words(series))
        }
        None => format!("{} {value}", series.label()),
    }
}

// ---- how long it will take ----

/// What is left until the rollback is verified, by how long earlier ones took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    pub span: Span,
    /// How many earlier rollbacks say so.
    pub from: usize,
}

impl Remaining {
    /// `about 6 min until verified, by 3 earlier rollbacks`.
    pub fn in_words(self) -> String {
        let minutes = (self.span.0.max(0) + 59_999_999) / 60_000_000;
        let earlier = if self.from == 1 { "rollback" } else { "rollbacks" };
        let span = if minutes <= 1 { "about 1\u{a0}min".to_owned() } else { format!("about {minutes}\u{a0}min") };
        format!("{span} until verified, by {} earlier {earlier}", self.from)
    }
}

/// What is left of this plan by its earlier runs. Nothing while people must decide, before the start, and where any part
/// of it was never done before: no estimate is better than a false one.
pub fn remaining(facts: &Facts, attempt: &Attempt, now: Timestamp) -> Option<Remaining> {
    if !matches!(attempt.status(), AttemptStatus::Executing | AttemptStatus::Verifying) {
        return None;
    }
    let plan = attempt.plan()?;
    let earlier = facts.earlier;
    let (mut sum, mut from, mut group) = (Span::ZERO, earlier.verified.len(), (None, Span::ZERO));
    for action in &plan.actions {
        if attempt.is_done(&action.name) {
            continue;
        }
        let took = earlier.actions.get(&action.name).filter(|took| !took.is_empty())?;
        from = from.min(took.len());
        let usual = middle(took)?;
        let begun = attempt.latest_run(&action.name).filter(|run| run.state.is_live()).map(|run| run.starting_at);
        let left = begun.map_or(usual, |at| Span((usual.0 - (now - at).0).max(0)));
        // Actions of one group run beside each other: the longest counts.
        match (&action.group, group.0) {
            (Some(name), Some(known)) if name == known => {
                let longer = Span((left.0 - group.1.0).max(0));
                sum = Span(sum.0 + longer.0);
                group.1 = group.1.max(left);
            }
            (name, _) => {
                sum = Span(sum.0 + left.0);
                group = (name.as_ref(), left);
            }
        }
    }
    let verified = middle(&earlier.verified)?;
    let since = executed_at(attempt).map_or(Span::ZERO, |at| now - at);
    Some(Remaining { span: Span(sum.0 + (verified.0 - since.0).max(0)), from })
}

/// The one in the middle: a single odd one does not move it.
fn middle(spans: &[Span]) -> Option<Span> {
    let mut spans = spans.to_vec();
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied()
}

/// How long the parts of rollbacks took that went well: what [`remaining`] is estimated from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earlier {
    /// Runs by their action, the newest first.
    pub actions: BTreeMap<String, Vec<Span>>,
    /// From the end of the last run to the confirmed success.
    pub verified: Vec<Span>,
}

impl Earlier {
    /// Takes in what this incident's successful attempts took.
    pub fn learn(&mut self, incident: &Incident) {
        let ended_well = incident.attempts.iter().filter(|attempt| attempt.status() == AttemptStatus::Succeeded);
        for attempt in ended_well {
            for run in attempt.runs.iter().filter(|run| run.state == RunState::Succeeded) {
                // What was done by hand was reported when it was over: nobody measured it.
                if let Some(took) = run.ended_at.map(|at| at - run.starting_at).filter(|took| took.0 > 0) {
                    self.actions.entry(run.action.clone()).or_default().push(took);
                }
            }
            if let (Some(executed), Some(confirmed)) = (executed_at(attempt), confirmed_at(attempt)) {
                self.verified.push(confirmed - executed);
            }
        }
    }
}

/// Where the incident is, in one word or two.
pub fn state_words(incident: &Incident, now: Timestamp) -> String {
    if let Some(closed) = &incident.closed {
        return format!("closed, {}", closed.outcome);
    }
    match incident.current() {
        None => "open, no rollback planned".into(),
        Some(attempt) => match attempt.status() {
            AttemptStatus::Submitted if attempt.lapsed(now).next().is_some() => {
                match attempt.may_have_begun_by_hand() {
                    true => "approval ran out, perhaps begun by hand".into(),
                    false => "approval ran out, not started".into(),
                }
            }
            AttemptStatus::Submitted if attempt.start_ordered.is_some() => "starting".into(),
            AttemptStatus::Submitted if attempt.open_gates().next().is_none() => "authorised, not started".into(),
            AttemptStatus::Submitted => "waiting for approval".into(),
            AttemptStatus::Draft => "rollback being planned".into(),
            AttemptStatus::Halted if attempt.stop.is_some() => "stopping".into(),
            AttemptStatus::Executing => "rollback in progress".into(),
            status => status.to_string(),
        },
    }
}

/// The state, with what became of the attempt before where another one goes on from it.
fn told_state(incident: &Incident, now: Timestamp) -> String {
    let state = state_words(incident, now);
    match incident.current().and_then(|attempt| attempt.escalates) {
        Some(failed) => format!("attempt {failed} failed; {state}"),
        None => state,
    }
}

/// `step 3 of 5, Service rollback; 1 of 2 actions done`.
fn step_words(facts: &Facts, incident: &Incident, now: Timestamp) -> String {
    let Some(attempt) = incident.current() else { return "no plan yet".into() };
    let Some(plan) = attempt.plan() else { return "no plan yet".into() };
    let done = plan.actions.iter().filter(|action| attempt.is_done(&action.name)).count();
    let actions = format!("{done} of {} actions done", plan.actions.len());
    if attempt.status().is_terminal() && attempt.status() != AttemptStatus::Succeeded {
        return format!("ended before it was done; {actions}");
    }
    let Some(all) = lanes(incident, attempt, facts.procedure, now) else { return format!("not started, {actions}") };
    // Several may be under way at once: the furthest of those that have an end says how far it is.
    let ending = || all.lanes.iter().filter(|lane| lane.planned_to.is_some());
    let now = ending().rfind(|lane| lane.state == LaneState::Now);
    let next = || ending().find(|lane| lane.state == LaneState::Later);
    match now.or_else(next).or_else(|| all.lanes.last()) {
        Some(lane) => format!("step {} of {}, {}; {actions}", lane.step, all.lanes.len(), lane.title),
        None => actions,
    }
}

fn running_words(attempt: Option<&Attempt>) -> String {
    let Some(attempt) = attempt else { return "nothing runs".into() };
    let running: Vec<String> = attempt
        .live_runs()
        .map(|run| {
            let title = attempt
                .plan()
                .and_then(|plan| plan.actions.iter().find(|action| action.name == run.action))
                .map_or(run.action.clone(), |action| action.title.clone());
            format!("{title} ({})", run.state)
        })
        .collect();
    if running.is_empty() { "nothing runs".into() } else { running.join(", ") }
}

/// What waits, and for whom.
pub fn waiting_words(facts: &Facts, incident: &Incident, now: Timestamp) -> String {
    let named =
        |person: Option<&super::PersonId>, otherwise: &str| person.map_or(otherwise.to_owned(), |id| facts.name(id));
    let Some(attempt) = incident.current() else { return "a plan".into() };
    let mut by_hand = attempt.plan().into_iter().flat_map(|plan| &plan.actions);
    let hands = by_hand.find(|action| attempt.is_up_to_hands(action));
    let hands = hands.map(|action| format!("people, who carry it out by hand: {}", action.title));
    if attempt.in_doubt_since().is_some() {
        let text =
            |name: &String| facts.procedure.indicator(name).map_or(name.clone(), |indicator| indicator.text.clone());
        let seen: Vec<String> = attempt.indicators_seen().map(|(name, _)| format!("“{}”", text(name))).collect();
        let who = named(incident.technical_lead.as_ref(), "the technical lead");
        let or = incident.commander.as_ref().map_or_else(String::new, |person| format!(" or {}", facts.name(person)));
        let why = match attempt.unverified_since {
            Some(due) if seen.is_empty() => format!("it was to be verified by {} UTC", due.time_of_day()),
            _ => format!("this was seen: {}", seen.join(", ")),
        };
        return format!("{who}{or} to decide whether it failed, because {why}");
    }
    match attempt.status() {
        AttemptStatus::Draft => {
            let who = named(incident.technical_lead.as_ref(), "a technical lead");
            match &attempt.changes_asked {
                Some(asked) => {
                    format!("the plan, by {who}, changed as {} asked", named(asked.by.as_ref(), "an approver"))
                }
                None => format!("the plan, by {who}"),
            }
        }
        AttemptStatus::Submitted => {
            let mut open: Vec<String> =
                attempt.open_gates().map(|slot| holder_words(facts, incident, slot.duty)).collect();
            open.extend(attempt.lapsed(now).map(|(slot, approval)| {
                let who = holder_words(facts, incident, slot.duty);
                format!("{who} again, as it ran out at {} UTC", approval.expires_at.time_of_day())
            }));
            match (open.is_empty(), hands, attempt.start_mode()) {
                (false, Some(hands), _) => format!("approval by {}, and {hands}", open.join(" and ")),
                (false, None, _) => format!("approval by {}", open.join(" and ")),
                (true, Some(hands), _) => hands,
                (true, None, Some(StartMode::OnCommand)) => "the word to start".into(),
                (true, None, _) => "the start".into(),
            }
        }
        AttemptStatus::Executing => {
            let word = attempt.plan().and_then(|plan| {
                plan.actions.iter().find(|action| attempt.action_state(&action.name) == ActionState::AwaitsWord)
            });
            match (word, hands) {
                (Some(action), _) => format!("the technical lead's word for {}", action.title),
                (None, Some(hands)) => hands,
                (None, None) => "the actions under way".into(),
            }
        }
        AttemptStatus::Halted if attempt.runs.iter().any(|run| run.state == RunState::Lost && !run.retried) => {
            "a person to look at a lost run".into()
        }
        AttemptStatus::Halted if attempt.held.is_some() && !attempt.is_broken() && attempt.stop.is_none() => {
            let who = named(incident.technical_lead.as_ref(), "the technical lead");
            format!("{who} to {}", lower_first(&recovery(attempt)))
        }
        AttemptStatus::Halted => {
            format!("a decision by {}", named(incident.technical_lead.as_ref(), "the technical lead"))
        }
        AttemptStatus::Verifying => {
            format!("verification by {}", named(incident.technical_lead.as_ref(), "the technical lead"))
        }
        AttemptStatus::Succeeded => "closing".into(),
        _ => format!("the next decision by {}", named(incident.commander.as_ref(), "an incident commander")),
    }
}

fn done_words(facts: &Facts, attempt: Option<&Attempt>) -> String {
    let Some(attempt) = attempt else { return "none".into() };
    let all = facts.procedure.items().filter(|(list, _, _)| list.phase != Phase::Before).count();
    let done = facts
        .procedure
        .items()
        .filter(|(list, _, item)| list.phase != Phase::Before && attempt.is_marked(&item.name))
        .count();
    format!("{done} of {all} items of the steps")
}

/// `incident commander (Maya Okafor)`; the role alone where nobody has the place.
fn holder_words(facts: &Facts, incident: &Incident, role: Role) -> String {
    match incident.holder(role) {
        Some(person) => format!("{role} ({})", facts.name(person)),
        None => role.to_string(),
    }
}

/// `Service rollback, 2:10 past its window`.
fn late_words(facts: &Facts, incident: &Incident, now: Timestamp) -> Vec<String> {
    let Some(start) = incident.current().and_then(Attempt::started_at) else { return Vec::new() };
    let ends = |title: &String| {
        let list = facts.procedure.checklists.iter().find(|list| list.title == *title);
        list.and_then(|list| list.window).and_then(|window| window.to)
    };
    let words = |title: String| match ends(&title) {
        Some(to) => format!("{title}, {} past its window", now - (start + to)),
        None => title,
    };
    late_steps(facts, incident, now).into_iter().map(words).collect()
}

/// Steps whose window passed with items open that have no condition (E3).
pub fn late_steps(facts: &Facts, incident: &Incident, now: Timestamp) -> Vec<String> {
    let Some(attempt) = incident.current().filter(|attempt| !attempt.status().is_terminal()) else { return Vec::new() };
    let Some(start) = attempt.started_at() else { return Vec::new() };
    let steps = facts.procedure.checklists.iter().filter(|list| matches!(list.phase, Phase::Step(_)));
    steps
        .filter(|list| {
            let over = list.window.and_then(|window| window.to).is_some_and(|to: Span| now > start + to);
            let open = list
                .groups
                .iter()
                .filter(|group| group.condition.is_none())
                .flat_map(|group| &group.items)
                .any(|item| item.condition.is_none() && !attempt.is_marked(&item.name));
            over && open
        })
        .map(|list| list.title.clone())
        .collect()
}
