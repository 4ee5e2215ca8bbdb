//! Verification: people tick, machines measure, side by side (E13).
//!
//! Six success criteria with the live value beside each tick; green only when the criterion is met by measurement, "no
//! data" where nothing was measured. A tick against a red or missing measurement demands a reason. Below stand the checks
//! of step 4; beside them the failure indicators as words, and the two verdicts: confirmed, or failed.

mod forms;

use super::AppState;
use super::acting::Returned;
use super::error::{WebError, page};
use super::forms::{Fault, Typed};
use super::incident::{Sight, look};
use super::incident_header::{IncidentHeader, Page};
use super::layout::Layout;
use super::measures::Measures;
use super::room::band::{Band, Press};
use super::routes::Route;
use super::session::SignedIn;
use crate::access::capability::Capability;
use crate::app::Looked;
use crate::app::catalogue::Scripts;
use crate::clock;
use crate::domain::command::Command;
use crate::domain::decide::{VersionProof, compared, is_red, measured};
use crate::domain::event::Mark;
use crate::domain::facts::Facts;
use crate::domain::offers::Offers;
use crate::domain::procedure::{Criterion, ExecutorKind, Phase, TargetKind};
use crate::domain::refusal::{Refusal, RefusalKind};
use crate::domain::state::{Attempt, AttemptNo, AttemptStatus, IndicatorSign, Marked};
use crate::domain::words::{stopped, upper_first};
use crate::domain::{PersonId, Timestamp};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};

/// The step of the procedure whose checks stand behind the criteria.
const CHECKS: Phase = Phase::Step(4);

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/incidents/{id}/verify", Capability::SignedIn, get),
        Route::post("/incidents/{id}/criteria", Capability::SignedIn, forms::post_criterion),
        Route::post("/incidents/{id}/indicators", Capability::SignedIn, forms::post_indicator),
        Route::post("/incidents/{id}/confirm", Capability::SignedIn, forms::post_confirm),
        Route::post("/incidents/{id}/fail", Capability::SignedIn, forms::post_fail),
    ]
}

/// What a measurement says about a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Met,
    NotMet,
    /// No data, nothing to measure, or too old: never green.
    Nothing,
}

/// A tick, a word or a reason beside a criterion or a check.
struct MarkLine {
    what: &'static str,
    by: String,
    at: Timestamp,
    note: String,
    /// The value that was frozen with it.
    measured: String,
    done: bool,
}

struct CriterionLine {
    name: String,
    text: String,
    requirement: String,
    value: String,
    says: Says,
    proof: String,
    needs_reason: bool,
    always_applies: bool,
    marked: Option<MarkLine>,
    refused: Option<Refusal>,
    note: String,
    /// Why what was sent for it was not done.
    fault: String,
}

struct CheckLine {
    name: String,
    text: String,
    condition: String,
    marked: Option<MarkLine>,
    refused: Option<Refusal>,
}

struct CheckGroup {
    title: String,
    checks: Vec<CheckLine>,
}

struct IndicatorLine {
    name: String,
    text: String,
    compared: String,
    sign: IndicatorSign,
    note: String,
    by: Option<(String, Timestamp)>,
    refused: Option<Refusal>,
    /// Why what was sent for it was not done.
    fault: String,
}

/// After a failure: the restoration from a backup, or why it cannot be planned.
struct Restoration {
    backup: String,
    taken: Option<Timestamp>,
    /// It was restored in this incident already, and there is no other.
    again: bool,
    refused: Option<Refusal>,
}

/// Everything about the attempt that is verified.
struct Verification {
    attempt: AttemptNo,
    status: AttemptStatus,
    /// The incident may still be closed.
    is_open: bool,
    /// Stopping was ordered; nothing of it will be confirmed.
    stopping: bool,
    criteria: Vec<CriterionLine>,
    confirmed: usize,
    groups: Vec<CheckGroup>,
    checks_done: usize,
    checks: usize,
    indicators: Vec<IndicatorLine>,
    seen: usize,
    watching: usize,
    confirm: Option<Refusal>,
    fail: Option<Refusal>,
    restoration: Option<Restoration>,
    /// The one reason why nobody who looks may tick any criterion, said once.
    locked: Option<Refusal>,
    checks_locked: Option<Refusal>,
    /// What comes after a failure: a full restoration, what it would cost, and who would authorise it.
    escalation: String,
    /// A backup was restored by this very attempt.
    restored: bool,
    /// What the verdict was, once there is one.
    verdict: Option<(String, String, Timestamp)>,
    yours: bool,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct View {
    layout: Layout,
    header: IncidentHeader,
    id: String,
    band: Band,
    verification: Option<Verification>,
    measures: Measures,
    refused: Option<Refusal>,
    /// The line that the refused form was about: where it stands, and its words.
    blamed: Option<(String, String)>,
    faults: Vec<Fault>,
    reason: String,
    intent: String,
}

impl View {
    fn word(sign: &IndicatorSign) -> &'static str {
        match sign {
            IndicatorSign::NotSeen => "Not seen",
            IndicatorSign::Watching => "Watching",
            IndicatorSign::Seen => "Seen",
        }
    }

    fn signs() -> [(&'static str, IndicatorSign); 3] {
        [("not_seen", IndicatorSign::NotSeen), ("watching", IndicatorSign::Watching), ("seen", IndicatorSign::Seen)]
    }
}

fn mark_line(facts: &Facts, marked: &Marked) -> MarkLine {
    let (what, note, done) = match &marked.mark {
        Mark::Done { note } => ("Confirmed", note, true),
        Mark::Proven { evidence } => ("Proven", evidence, true),
        Mark::NotApplicable { reason } => ("Not applicable", reason, false),
        Mark::Waived { reason } => ("Waived", reason, false),
    };
    MarkLine {
        what,
        by: marked.by.as_ref().map_or_else(|| "Backout".to_owned(), |person| facts.name(person)),
        at: marked.at,
        note: note.clone(),
        measured: marked.measured.clone().unwrap_or_default(),
        done,
    }
}

/// What the running services say of themselves, how that stands, and in words (E18). Of a closed incident it is what stands
/// in the report, where success was confirmed: what runs by now is another matter.
fn version_line(offers: &Offers, attempt: &Attempt) -> (Says, &'static str, String) {
    if !offers.incident.is_open() {
        let words = match attempt.status() {
            AttemptStatus::Succeeded => "What was read back stands in the report.",
            _ => "Success was not confirmed, and what ran then was not kept.",
        };
        return (Says::Nothing, "not read back any more", words.to_owned());
    }
    let proof = VersionProof::of(offers.facts, attempt, offers.now);
    let words = format!("{}.", upper_first(proof.words()));
    match proof {
        VersionProof::NotAsked(_) => (Says::Nothing, "not read back", words),
        VersionProof::Proven { at, .. } => {
            (Says::Met, "right version", format!("{words} Read back at {} UTC.", at.time_of_day()))
        }
        VersionProof::Unknown(_) => (Says::Nothing, "no data", words),
        VersionProof::Contradicted(_) => (Says::NotMet, "another version", words),
    }
}

fn criterion_line(offers: &Offers, attempt: &Attempt, criterion: &Criterion, typed: &Typed) -> CriterionLine {
    let facts = offers.facts;
    let (measured_says, value) = match &criterion.condition {
        Some(condition) => {
            let says = match is_red(facts, criterion) {
                Some(true) => Says::NotMet,
                Some(false) => Says::Met,
                None => Says::Nothing,
            };
            (Some(says), measured(facts, condition))
        }
        None => (None, String::new()),
    };
    let version = criterion.proves_version.then(|| version_line(offers, attempt));
    let both = [measured_says, version.as_ref().map(|(says, ..)| *says)];
    let says = if both.contains(&Some(Says::NotMet)) {
        Says::NotMet
    } else if both.iter().all(Option::is_none) || both.contains(&Some(Says::Nothing)) {
        Says::Nothing
    } else {
        Says::Met
    };
    let value = match (value.is_empty(), &version) {
        (false, _) => value,
        (true, None) => "not measured".to_owned(),
        (true, Some((_, value, _))) => (*value).to_owned(),
    };
    let own = typed.text("criterion") == criterion.name;
    CriterionLine {
        name: criterion.name.clone(),
        text: criterion.text.clone(),
        requirement: criterion
            .condition
            .as_ref()
            .map_or_else(|| "Somebody has looked, and says so.".to_owned(), |condition| condition.in_words()),
        value,
        says,
        proof: version.map(|(_, _, words)| words).unwrap_or_default(),
        needs_reason: (criterion.condition.is_some() && measured_says != Some(Says::Met))
            || (criterion.proves_version && VersionProof::of(facts, attempt, offers.now).is_doubtful()),
        always_applies: criterion.always_applies,
        marked: attempt.criteria.get(&criterion.name).map(|marked| mark_line(facts, marked)),
        refused: match attempt.criteria.contains_key(&criterion.name) {
            true => {
                let (attempt, criterion) = (attempt.number, criterion.name.clone());
                offers.ask(&Command::MarkCriterion { attempt, criterion, mark: None }).err()
            }
            false => offers.mark_criterion(attempt.number, &criterion.name).err(),
        },
        note: if own { typed.text("note").to_owned() } else { String::new() },
        fault: String::new(),
    }
}

fn check_groups(offers: &Offers, attempt: &Attempt) -> Vec<CheckGroup> {
    let lists = offers.facts.procedure.checklists.iter().filter(|list| list.phase == CHECKS);
    lists
        .flat_map(|list| list.groups.iter().map(move |group| (list, group)))
        .map(|(list, group)| CheckGroup {
            title: group.title.clone().unwrap_or_else(|| list.title.clone()),
            checks: group
                .items
                .iter()
                .map(|item| {
                    let marked = attempt.marks.get(&item.name);
                    let asked = match marked {
                        Some(_) => offers.untick(attempt.number, &item.name),
                        None => offers.tick(attempt.number, &item.name),
                    };
                    CheckLine {
                        name: item.name.clone(),
                        text: item.text.clone(),
                        condition: item.condition.clone().unwrap_or_default(),
                        marked: marked.map(|marked| mark_line(offers.facts, marked)),
                        refused: asked.err(),
                    }
                })
                .collect(),
        })
        .collect()
}

fn indicator_lines(offers: &Offers, attempt: &Attempt, typed: &Typed) -> Vec<IndicatorLine> {
    let indicators = offers.facts.procedure.verification.indicators.iter();
    indicators
        .map(|indicator| {
            let seen = attempt.indicators.get(&indicator.name);
            let own = typed.text("indicator") == indicator.name;
            let note =
                if own { typed.text("note").to_owned() } else { seen.map_or_else(String::new, |s| s.note.clone()) };
            IndicatorLine {
                name: indicator.name.clone(),
                text: indicator.text.clone(),
                compared: indicator
                    .compares
                    .as_ref()
                    .filter(|_| offers.incident.is_open())
                    .map_or_else(String::new, |key| {
                        compared(offers.facts.procedure, offers.facts.measures, attempt, key)
                    }),
                sign: seen.map_or(IndicatorSign::NotSeen, |seen| seen.sign),
                note,
                by: seen.map(|seen| {
                    let by = seen.by.as_ref().map_or_else(|| "Backout".to_owned(), |person| offers.facts.name(person));
                    (by, seen.at)
                }),
                // Seen again with the same words is no refusal to show.
                refused: offers
                    .mark_indicator(attempt.number, &indicator.name)
                    .err()
                    .filter(|refusal| refusal.kind != RefusalKind::AlreadyDone),
                fault: String::new(),
            }
        })
        .collect()
}

fn restoration(offers: &Offers, attempt: &Attempt) -> Option<Restoration> {
    if attempt.status() != AttemptStatus::Failed {
        return None;
    }
    let backup = offers.backup_for(attempt);
    Some(Restoration {
        backup: backup.map_or_else(String::new, |entry| entry.name.clone()),
        taken: backup.map(|entry| entry.at),
        again: backup.is_some_and(|entry| offers.was_restored(&entry.name)),
        refused: offers.restore(attempt).err(),
    })
}

fn verification(offers: &Offers, attempt: &Attempt, typed: &Typed) -> Verification {
    let criteria: Vec<CriterionLine> = offers
        .facts
        .procedure
        .verification
        .criteria
        .iter()
        .map(|criterion| criterion_line(offers, attempt, criterion, typed))
        .collect();
    let groups = check_groups(offers, attempt);
    let checks = || groups.iter().flat_map(|group| &group.checks);
    let indicators = indicator_lines(offers, attempt, typed);
    let count = |sign| indicators.iter().filter(|line| line.sign == sign).count();
    let (seen, watching) = (count(IndicatorSign::Seen), count(IndicatorSign::Watching));
    let by = |person: Option<&PersonId>| person.map_or_else(|| "Backout".to_owned(), |id| offers.facts.name(id));
    // Stopped, and nothing runs any more: that is an end without a verdict's event.
    let stopped = attempt.stop.as_ref().filter(|_| attempt.status() == AttemptStatus::Aborted);
    let verdict = match (&attempt.end, stopped) {
        (Some(end), _) => Some((end.reason.clone(), by(end.by.as_ref()), end.at)),
        (None, Some(stop)) => Some((stop.reason.clone(), by(stop.by.as_ref()), stop.at)),
        (None, None) => None,
    };
    Verification {
        attempt: attempt.number,
        status: attempt.status(),
        is_open: offers.incident.is_open(),
        stopping: attempt.stop.is_some(),
        confirmed: criteria.iter().filter(|line| line.marked.is_some()).count(),
        checks_done: checks().filter(|line| line.marked.is_some()).count(),
        checks: checks().count(),
        confirm: offers.confirm(attempt.number).err(),
        fail: offers.declare_failed(attempt.number).err(),
        restoration: restoration(offers, attempt),
        locked: shared(criteria.iter().filter(|line| line.marked.is_none()).map(|line| line.refused.as_ref())),
        checks_locked: shared(checks().filter(|line| line.marked.is_none()).map(|line| line.refused.as_ref())),
        escalation: escalation(offers, attempt),
        restored: attempt.restored(offers.facts.procedure).next().is_some(),
        yours: [&offers.incident.technical_lead, &offers.incident.commander].contains(&&Some(offers.person.clone())),
        criteria,
        groups,
        indicators,
        seen,
        watching,
        verdict,
    }
}

/// The line of the page that a refused form was about: where it stands, and its words. What is wrong with the text that
/// was typed there stands at its field too.
fn blamed(it: &mut Verification, back: &Returned) -> Option<(String, String)> {
    let refusal = back.refused.as_ref()?;
    let typed_wrong = refusal.kind == RefusalKind::Input;
    let fault = if typed_wrong {
        format!("{} {}", stopped(upper_first(&refusal.because)), refusal.mend)
    } else {
        String::new()
    };
    let place = |kind: &str, field: &str, name: &str| format!("{}-{name}", if typed_wrong { field } else { kind });
    if let Some(line) = it.criteria.iter_mut().find(|line| line.name == back.typed.text("criterion")) {
        line.fault = fault;
        return Some((place("criterion", "note", &line.name), line.text.clone()));
    }
    let line = it.indicators.iter_mut().find(|line| line.name == back.typed.text("indicator"))?;
    line.fault = fault;
    Some((place("indicator", "why", &line.name), line.text.clone()))
}

/// The refusal that all open lines share; none where one of them can be ticked.
fn shared<'a>(open: impl Iterator<Item = Option<&'a Refusal>>) -> Option<Refusal> {
    let all: Option<Vec<&Refusal>> = open.collect();
    let all = all?;
    let first = all.first()?;
    all.iter().all(|other| other == first).then(|| (*first).clone())
}

/// `From backup nightly-0305: what was written after 01:30 UTC is lost. It takes at most 1 h.`
fn escalation(offers: &Offers, attempt: &Attempt) -> String {
    let procedure = &offers.facts.procedure;
    let restored: Vec<&str> = attempt.restored(procedure).collect();
    if !restored.is_empty() {
        return after_a_restoration(offers, attempt, &restored);
    }
    let mut words = format!("{}.", procedure.verification.escalation.text.trim_end_matches('.'));
    match offers.backup_for(attempt) {
        Some(backup) => {
            words += &format!(" From {}: what was written after {} is lost.", backup.name, backup.at.in_words());
        }
        None => words += " No backup is registered, so none can be planned.",
    }
    let restoring = procedure.actions.iter().filter(|action| action.target == TargetKind::Backup);
    let limits = restoring.filter_map(|action| match procedure.executor(&action.executor)?.kind {
        ExecutorKind::Process { time_limit, .. } => Some(time_limit),
        ExecutorKind::People { .. } => None,
    });
    if let Some(limit) = limits.max() {
        words += &format!(" Restoring takes at most {}.", limit.in_words());
    }
    format!("{words} {}", offers.incident.advice.authority)
}

/// What comes after an attempt that restored a backup itself: never the same once more.
fn after_a_restoration(offers: &Offers, attempt: &Attempt, restored: &[&str]) -> String {
    let names = restored.join(", ");
    let mut words = format!("This attempt restored {names} itself: the same once more brings nothing new.");
    match offers.backup_for(attempt).filter(|other| !restored.contains(&other.name.as_str())) {
        Some(other) => {
            words += &format!(
                " Another backup can be planned then: {}; what was written after {} is lost.",
                other.name,
                other.at.in_words()
            );
        }
        None => words += " No other backup is registered.",
    }
    words += " Or another rollback.";
    // What a plan says unless its author wrote something else is the very restoration that failed.
    let usual = offers.facts.procedure.verification.escalation.text.trim_end_matches('.');
    if !attempt.draft.fallback.is_empty() && attempt.draft.fallback.trim_end_matches('.') != usual {
        words += &format!(" The plan says for this case: {}", stopped(&attempt.draft.fallback));
    }
    format!("{words} {}", offers.incident.advice.authority)
}

/// The room's own band, worded for this page.
fn band(sight: &Sight, begun: Option<&Verification>) -> Band {
    let mut band = Band::of(sight);
    let here = format!("/incidents/{}/verify", sight.incident.id);
    if let (Some(Press::Link { href, .. }), Some(it)) = (&band.press, begun)
        && *href == here
    {
        band.press = None;
        band.heading = match it.criteria.len() - it.confirmed {
            0 => "Confirm success, or declare the failure".to_owned(),
            1 => "Tick the 1 remaining success criterion".to_owned(),
            open => format!("Tick the {open} remaining success criteria"),
        };
        band.detail = "Confirm only what you have checked yourself. Measurements never tick on their own. ".to_owned();
    }
    band
}

fn view(app: &AppState, who: &SignedIn, looked: &Looked, measures: Measures, back: Returned) -> View {
    let incident = &looked.incident;
    let scripts = Scripts(&app.incidents.site);
    let facts = looked.gathered.facts(&scripts);
    let sight = Sight::of(looked, &facts, who);
    let offers = sight.offers();
    let header = IncidentHeader::of(&sight, Page::Verify);
    // The newest attempt that began: a restoration that is only being planned has nothing to verify yet.
    let begun = incident.attempts.iter().rev().find(|attempt| attempt.started_at().is_some());
    let mut verification = begun.map(|attempt| verification(&offers, attempt, &back.typed));
    let blamed = verification.as_mut().and_then(|it| blamed(it, &back));
    View {
        layout: Layout::in_incident(&sight, &header.tab("Verify"), "/verify"),
        header,
        id: incident.id.clone(),
        band: band(&sight, verification.as_ref()),
        verification,
        measures,
        refused: back.refused,
        blamed,
        faults: back.faults.0,
        reason: back.typed.text("reason").to_owned(),
        intent: clock::fresh_id(),
    }
}

async fn show(app: &AppState, who: &SignedIn, id: &str, back: Returned) -> Result<Response, WebError> {
    let looked = look(app, id).await?;
    let measures = Measures::read(app, &looked).await?;
    let status = back.status();
    Ok((status, page(&view(app, who, &looked, measures, back))?).into_response())
}

async fn get(State(app): State<AppState>, who: SignedIn, Path(id): Path<String>) -> Result<Response, WebError> {
    show(&app, &who, &id, Returned::default()).await
}

#[cfg(test)]
mod tests;
