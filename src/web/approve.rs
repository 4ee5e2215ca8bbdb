//! Authorising: the whole plan on one page, exactly the bytes that will be executed, and the one decision about them.
//!
//! The page works on a phone and on paper. Whatever is sent names the digest that was read; a plan that was changed
//! meanwhile is refused, never approved by mistake.

mod forms;

use super::AppState;
use super::error::WebError;
use super::incident::{Lock, Place, Sight, command_line, look, place_words, sentence, shown};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::room::band::{Band, Press, asked};
use super::room::decision::{Slot, slots, told};
use super::room::orders::Back;
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::domain::command::Command;
use crate::domain::condition::Series;
use crate::domain::decide::{open_items, unproven};
use crate::domain::facts::Registered;
use crate::domain::plan::{FixedPlan, PlannedAction, Target};
use crate::domain::procedure::{ActionMode, Pace, Procedure, SlotKind, StartMode, TargetKind};
use crate::domain::state::{Attempt, AttemptNo, AttemptStatus, Submitted};
use crate::domain::words::stopped;
use crate::domain::{Span, Timestamp};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;

pub fn routes() -> Vec<Route> {
    use Capability::{FreshlySignedIn, SignedIn};
    vec![
        Route::get("/incidents/{id}/approve", SignedIn, get),
        Route::confirmed("/incidents/{id}/approve", FreshlySignedIn, forms::post, forms::rehearse),
        Route::post("/incidents/{id}/answer", SignedIn, forms::post_answer),
        Route::post("/incidents/{id}/assess", SignedIn, forms::post_assess),
        Route::get("/incidents/{id}/attempts/{number}/plan.json", SignedIn, get_plan),
    ]
}

#[derive(Template)]
#[template(path = "approve.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    back: Back,
    band: Band,
    attempt: AttemptNo,
    /// Nothing waits for approval: what stands there instead.
    plan: Option<PlanView>,
    state: String,
    /// Who asked for changes, and for which.
    asked: Option<String>,
    policy: String,
    /// Which rule of the playbook said so.
    rule: String,
    /// Who is informed, without a say.
    told: Vec<String>,
    advice: String,
    because: String,
    otherwise: String,
    slots: Vec<Slot>,
    yours: Option<Yours>,
    lock: Option<Lock>,
    answers: Answers,
    items: Vec<OpenItem>,
    assessments: Vec<AssessmentView>,
    fresh_until: Option<Timestamp>,
}

/// The fixed plan, as it will be executed.
struct PlanView {
    digest: String,
    submitted_by: String,
    submitted_at: Timestamp,
    playbook: String,
    kind: String,
    environment: String,
    severity: String,
    decision: String,
    escalates: Option<AttemptNo>,
    components: Vec<String>,
    scope: Vec<String>,
    not_covered: Vec<String>,
    fallback: String,
    reason: String,
    phrase: String,
    starts: &'static str,
    /// The time limits of all runs together; empty where one has none to add.
    longest: String,
    targets: Vec<TargetView>,
    /// What no restoration brings back, a sentence for each backup.
    lost: Vec<String>,
    /// What nothing tells, for the approvers to judge.
    unproven: Vec<String>,
    actions: Vec<ActionView>,
}

struct TargetView {
    kind: &'static str,
    component: String,
    /// What runs now, or ran before a plan that began.
    from: String,
    /// It is the release that runs already.
    stays: bool,
    /// `app runs now, deployed 02:31:00 UTC`.
    runs: String,
    to: String,
    stable: bool,
    /// How long the target ran before.
    ran: String,
    checksum: String,
    facts: Vec<String>,
    /// What speaks against it, a sentence each.
    against: Vec<String>,
}

struct ActionView {
    number: usize,
    title: String,
    executor: String,
    place: String,
    directory: String,
    command: String,
    arguments: Vec<String>,
    by_hand: Vec<String>,
    scripts: Vec<(String, String)>,
    grants: String,
    time_limit: String,
    mode: &'static str,
    group: String,
    pace: String,
    needs: Vec<String>,
}

/// The slot that this person may fill, and what pressing the button does.
struct Yours {
    slot: String,
    demand: String,
    button: String,
    starts: bool,
    /// Nobody else has to sign, but the start waits: for what, and what helps.
    start_waits: Option<String>,
    /// Waiving is the commander's alone.
    waives: bool,
}

/// The other answers to a plan.
struct Answers {
    decline: Place,
    changes: Place,
    withdraw: Place,
    narrow: Place,
    components: Vec<String>,
}

struct OpenItem {
    name: String,
    text: String,
}

struct AssessmentView {
    name: String,
    title: String,
    by: String,
    at: Option<Timestamp>,
    sections: Vec<SectionView>,
    form: Place,
}

struct SectionView {
    name: String,
    title: String,
    text: String,
    /// What stands in its field: as it was typed, where the form came back.
    typed: String,
    hint: String,
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    show(&app, &who, &id, Back::default()).await
}

/// The page, with a form that came back where there is one.
async fn show(app: &AppState, who: &SignedIn, id: &str, back: Back) -> Result<Response, WebError> {
    shown(app, who, id, back.status(), |sight| Ok(view(sight, back))).await
}

fn view(sight: &Sight, back: Back) -> View {
    let incident = sight.incident;
    let attempt = incident.current();
    let submitted = attempt.and_then(|attempt| attempt.submitted.as_ref());
    let slots = attempt.map_or_else(Vec::new, |attempt| slots(sight, attempt));
    let waiting = attempt.filter(|attempt| attempt.status() == AttemptStatus::Submitted);
    let (yours, lock) = waiting.map_or((None, None), |attempt| authority(sight, attempt));
    let header = IncidentHeader::of(sight, Page::Approve);
    View {
        layout: Layout::in_incident(sight, &header.tab("authorise"), "/approve"),
        id: incident.id.clone(),
        attempt: attempt.map_or(0, |attempt| attempt.number),
        plan: submitted.map(|submitted| plan_view(sight, submitted)),
        state: attempt.map_or_else(|| "not planned".to_owned(), |attempt| attempt.status().stands().to_owned()),
        asked: asked(sight),
        band: band(sight),
        policy: incident.advice.authority.clone(),
        rule: rule_number(sight.facts.procedure, &incident.advice.rule),
        told: told(&incident.advice),
        advice: sentence(&incident.advice.decision.to_string()),
        because: sentence(&incident.advice.because),
        otherwise: incident.advice.otherwise.clone(),
        slots,
        yours,
        lock,
        answers: answers(sight, attempt),
        items: waiting.map_or_else(Vec::new, |attempt| items(sight, attempt)),
        assessments: attempt.map_or_else(Vec::new, |attempt| assessments(sight, attempt, &back)),
        fresh_until: sight.who.fresh_until(),
        header,
        back,
    }
}

/// The room's own band, worded for this page: whoever must authorise is here already.
fn band(sight: &Sight) -> Band {
    let mut band = Band::of(sight);
    let here = format!("/incidents/{}/approve", sight.incident.id);
    if matches!(&band.press, Some(Press::Link { href, .. }) if *href == here) {
        band.press = None;
        band.heading = "Read what will run, then authorise or decline".to_owned();
    }
    band
}

/// `Rule 2 of the playbook`: what people can look up, never the rule's own name.
pub fn rule_number(procedure: &Procedure, name: &str) -> String {
    match procedure.rules.iter().position(|rule| rule.name == name) {
        Some(place) => format!("Rule {} of the playbook", place + 1),
        None => "By the category of the trigger".to_owned(),
    }
}

fn plan_view(sight: &Sight, submitted: &Submitted) -> PlanView {
    let plan = &submitted.plan;
    PlanView {
        digest: submitted.digest.clone(),
        submitted_by: sight.by(submitted.by.as_ref()),
        submitted_at: submitted.at,
        playbook: format!("{} ({})", sight.incident.playbook_version, plan.playbook),
        kind: sentence(&plan.kind.to_string()),
        environment: plan.environment.clone(),
        severity: plan.severity.to_string(),
        decision: plan.decision.to_string(),
        escalates: plan.escalates,
        components: plan.components.clone(),
        scope: plan.scope.clone(),
        not_covered: plan.not_covered.clone(),
        fallback: plan.fallback.clone(),
        reason: plan.reason.clone(),
        phrase: plan.phrase.clone(),
        starts: match plan.start {
            StartMode::AtAuthorisation => "by itself, with the last authorisation",
            StartMode::OnCommand => "on the word of the incident commander or the technical lead",
        },
        longest: longest(plan),
        targets: plan.targets.iter().map(|target| target_view(sight, target)).collect(),
        lost: plan
            .targets
            .iter()
            .filter(|target| target.kind == TargetKind::Backup)
            .map(|it| lost(sight, it))
            .collect(),
        unproven: unproven(sight.facts, plan.kind, &plan.targets),
        actions: plan
            .actions
            .iter()
            .enumerate()
            .map(|(place, action)| action_view(sight, plan, place, action))
            .collect(),
    }
}

/// What was written since a backup was taken.
pub fn lost(sight: &Sight, backup: &Target) -> String {
    let known = sight.facts.registered(backup.kind, &backup.component, &backup.name).filter(|_| !backup.free_text);
    let taken = known.map_or_else(String::new, |entry| {
        format!(" {}, {} ago,", entry.at.in_words(), (sight.now - entry.at).roughly())
    });
    format!("Everything written to the data of {} since {} was taken{taken} is lost.", backup.component, backup.name)
}

/// What speaks against going to a target, a sentence each; of what has begun only what stays true.
pub fn against(sight: &Sight, target: &Target) -> Vec<String> {
    // A name typed by hand is not that of what was registered under it since.
    if target.free_text {
        return vec![format!("{} was typed by hand: no register knows this target.", target.name)];
    }
    let entry = sight.facts.registered(target.kind, &target.component, &target.name).filter(|_| !has_begun(sight));
    entry.map_or_else(Vec::new, |entry| sight.speaks_against(entry))
}

/// What ran and what runs has changed by it, or may have.
fn has_begun(sight: &Sight) -> bool {
    !sight.incident.is_open() || sight.incident.current().is_some_and(|attempt| attempt.started_at().is_some())
}

fn target_view(sight: &Sight, target: &Target) -> TargetView {
    let facts = sight.facts;
    // A name typed by hand is not that of what was registered under it since.
    let entry = facts.registered(target.kind, &target.component, &target.name).filter(|_| !target.free_text);
    let running = target.from.as_ref().and_then(|from| facts.registered(target.kind, &target.component, from));
    let stable = facts.previous_stable(&target.component);
    let runs = match running {
        _ if has_begun(sight) => format!("{} ran before", target.component),
        Some(running) => {
            format!("{} runs now, deployed {} UTC", target.component, running.began_at().time_of_day())
        }
        None => format!("{} runs now", target.component),
    };
    let mut told = Vec::new();
    if let Some(entry) = entry {
        told.push(format!("registered by {}, from {}", sight.registered_by(entry), entry.at.in_words()));
        match entry.verified_at {
            Some(at) => told.push(format!("verified {}", at.in_words())),
            None if target.kind != TargetKind::Release => told.push("never verified".to_owned()),
            None => {}
        }
        if !entry.note.is_empty() {
            told.push(entry.note.clone());
        }
    } else if !target.free_text {
        told.push("no register knows it any more".to_owned());
    }
    let runs_already = facts.running_release(&target.component).is_some_and(|entry| entry.name == target.name);
    TargetView {
        stays: target.kind == TargetKind::Release && target.from.is_none() && runs_already,
        kind: target.kind.key(),
        component: target.component.clone(),
        from: target.from.clone().unwrap_or_default(),
        runs,
        to: target.name.clone(),
        stable: entry.is_some() && entry == stable,
        ran: entry.filter(|_| target.kind == TargetKind::Release).map_or_else(String::new, |entry| ran(sight, entry)),
        checksum: target.checksum.clone(),
        facts: told,
        against: against(sight, target),
    }
}

/// `ran 18 d` or `ran 5 h 20 min`: until the release after it came.
fn ran(sight: &Sight, entry: &Registered) -> String {
    let later = sight
        .facts
        .register
        .iter()
        .filter(|other| other.kind == entry.kind && other.component == entry.component && other.at > entry.at);
    later.map(|other| other.at).min().map_or_else(String::new, |until| format!("ran {}", (until - entry.at).roughly()))
}

/// What all time limits together allow; actions of one group run side by side and count once.
fn longest(plan: &FixedPlan) -> String {
    let mut groups: BTreeMap<&str, i64> = BTreeMap::new();
    let mut sum = 0;
    for action in &plan.actions {
        let limit = action.time_limit.as_seconds();
        match &action.group {
            Some(group) => {
                let longest = groups.entry(group).or_default();
                *longest = (*longest).max(limit);
            }
            None => sum += limit,
        }
    }
    Span::seconds(sum + groups.values().sum::<i64>()).roughly()
}

fn action_view(sight: &Sight, plan: &FixedPlan, place: usize, action: &PlannedAction) -> ActionView {
    let text =
        |name: &String| sight.facts.procedure.item(name).map_or_else(|| name.clone(), |(_, _, item)| item.text.clone());
    let executor = sight.facts.procedure.executor(&action.executor);
    ActionView {
        number: place + 1,
        title: action.title.clone(),
        executor: executor.map_or_else(|| action.executor.clone(), |executor| executor.title.clone()),
        place: format!("{}, {}", place_words(&action.place), plan.environment),
        directory: action.directory.clone(),
        command: command_line(action),
        arguments: action.argv.clone(),
        by_hand: action.by_hand.clone(),
        scripts: action.scripts.iter().map(|script| (script.path.clone(), script.sha256.clone())).collect(),
        grants: if action.grants.is_empty() { "none".to_owned() } else { action.grants.join(", ") },
        time_limit: action.time_limit.in_words(),
        mode: match action.mode {
            ActionMode::Automatic => "by itself, in its turn",
            ActionMode::OnCommand => "on the technical lead’s word",
        },
        group: action.group.clone().unwrap_or_default(),
        pace: match action.pace {
            Pace::AtOnce => "at once".to_owned(),
            Pace::Rolling(step) => format!("rolling, {step} at a time"),
        },
        needs: action.needs.iter().map(text).collect(),
    }
}

/// The slot that this person may fill; where there is none, why not.
fn authority(sight: &Sight, attempt: &Attempt) -> (Option<Yours>, Option<Lock>) {
    let Some(plan) = attempt.plan() else { return (None, None) };
    let mut why_not = None;
    for slot in plan.slots.iter().filter(|slot| slot.kind.gates()) {
        match sight.offers().approve(attempt, &slot.role) {
            Ok(()) => {
                let title = sight.facts.procedure.role(&slot.role).map_or(slot.role.clone(), |role| role.title.clone());
                let demand = match slot.kind {
                    SlotKind::Review => format!("{title}: you judge that it is feasible, and sign the plan"),
                    _ => format!("{title}: you authorise it"),
                };
                let waives = sight.incident.commander.as_ref() == Some(&sight.who.person);
                let start = sight.offers().starts(attempt, &slot.role);
                let starts = matches!(start, Some(Ok(())));
                let start_waits = start.and_then(Result::err).map(|refusal| {
                    let (because, mend) = (stopped(&refusal.because), &refusal.mend);
                    format!("This is the last signature, but the start waits: {because} {mend}")
                });
                let button = button(attempt, starts);
                return (Some(Yours { slot: slot.role.clone(), demand, button, starts, start_waits, waives }), None);
            }
            Err(refusal) => {
                // The slot of a role that this person holds says more than one of a stranger's.
                let closer = sight.who.holds(slot.duty);
                if why_not.is_none() || closer {
                    why_not = Some(Lock::from(refusal));
                }
            }
        }
    }
    (None, why_not)
}

/// What the button of who authorises says.
fn button(attempt: &Attempt, starts: bool) -> String {
    let and_start = if starts { " and start" } else { "" };
    format!("Authorise{and_start} rollback to {}", attempt.destination())
}

fn answers(sight: &Sight, attempt: Option<&Attempt>) -> Answers {
    let Some((attempt, submitted)) =
        attempt.and_then(|attempt| attempt.submitted.as_ref().map(|submitted| (attempt, submitted)))
    else {
        let none = || Place::None;
        return Answers { decline: none(), changes: none(), withdraw: none(), narrow: none(), components: Vec::new() };
    };
    let offers = sight.offers();
    let components = submitted.plan.components.clone();
    let narrow = match components.first() {
        Some(first) if components.len() > 1 => Place::of(offers.ask(&Command::Narrow {
            attempt: attempt.number,
            digest: submitted.digest.clone(),
            components: vec![first.clone()],
            reason: "…".to_owned(),
        })),
        _ => Place::None,
    };
    Answers {
        decline: Place::of(offers.decline(attempt)),
        changes: Place::of(offers.request_changes(attempt)),
        withdraw: match offers.withdraw_approval(attempt) {
            Ok(()) => Place::Open,
            Err(_) => Place::None,
        },
        narrow,
        components,
    }
}

fn items(sight: &Sight, attempt: &Attempt) -> Vec<OpenItem> {
    let open = open_items(sight.facts, attempt).into_iter();
    open.map(|item| OpenItem { name: item.name.clone(), text: item.text.clone() }).collect()
}

fn assessments(sight: &Sight, attempt: &Attempt, back: &Back) -> Vec<AssessmentView> {
    let forms = &sight.facts.procedure.assessments;
    forms
        .iter()
        .map(|form| {
            let known = attempt.assessments.get(&form.name);
            let came_back = back.form == "assess" && back.typed.text("name") == form.name;
            let sections = form.sections.iter().map(|section| {
                let text = known.and_then(|known| known.sections.get(&section.name)).cloned().unwrap_or_default();
                let place = back.typed.all("section").iter().position(|name| came_back && *name == section.name);
                let typed = place.and_then(|place| back.typed.all("text").get(place)).cloned();
                SectionView {
                    name: section.name.clone(),
                    title: section.title.clone(),
                    typed: typed.unwrap_or_else(|| text.clone()),
                    text,
                    hint: known_already(sight, attempt, &section.name),
                }
            });
            let sample = BTreeMap::from_iter(form.sections.first().map(|first| (first.name.clone(), "…".to_owned())));
            let command = Command::Assess { attempt: attempt.number, name: form.name.clone(), sections: sample };
            AssessmentView {
                name: form.name.clone(),
                title: form.title.clone(),
                by: known.map_or(String::new(), |known| sight.by(known.by.as_ref())),
                at: known.map(|known| known.at),
                sections: sections.collect(),
                form: Place::of(sight.offers().ask(&command)),
            }
        })
        .collect()
}

/// What is known already of a section's question, to be shown beside its field.
fn known_already(sight: &Sight, attempt: &Attempt, section: &str) -> String {
    let component = &sight.incident.component;
    match section {
        "data-migration" => {
            let running = sight.facts.running_release(component);
            running.map_or(String::new(), |release| {
                format!("Migrations of {}: {}.", release.name, nonempty(&release.migrations))
            })
        }
        "users-affected" => match sight.incident.users_affected_ppm {
            Some(share) => format!("Reported at the opening: {}.", Series::ErrorRate.show(share)),
            None => "Not measured.".to_owned(),
        },
        "duration" => attempt.plan().map_or(String::new(), |plan| {
            let limits: Vec<String> = plan
                .actions
                .iter()
                .map(|action| format!("{} at most {}", action.title, action.time_limit.in_words()))
                .collect();
            format!("{}.", limits.join("; "))
        }),
        _ => String::new(),
    }
}

fn nonempty(words: &str) -> &str {
    if words.is_empty() { "unknown" } else { words }
}

/// The plan's own bytes, exactly: what is hashed, approved and executed.
async fn get_plan(
    State(app): State<AppState>,
    _: SignedIn,
    Path((id, number)): Path<(String, AttemptNo)>,
) -> Result<Response, WebError> {
    let looked = look(&app, &id).await?;
    let attempt = looked.incident.attempt(number).ok_or_else(WebError::not_found)?;
    let submitted = attempt.submitted.as_ref().ok_or_else(WebError::not_found)?;
    let name = format!("attachment; filename=\"{id}-{number}-plan.json\"");
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, submitted.bytes.clone()).into_response())
}

#[cfg(test)]
mod tests;
