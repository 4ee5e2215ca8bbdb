//! The head of every page of an incident: how grave, what, where, the clocks, how far it is, and the ways between its
//! pages. A page has one in its field `header` and includes `_incident_header.html` in its block `header`.

use super::incident::{Sight, names};
use super::update::turns_at;
use crate::domain::decide::current_update;
use crate::domain::facts::Facts;
use crate::domain::procedure::{Phase, Procedure, Sending};
use crate::domain::progress::{self, Draft};
use crate::domain::state::{Attempt, AttemptStatus, Incident, Promise};
use crate::domain::{Severity, Span, Timestamp};

/// Which page of the incident is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Room,
    Plan,
    Approve,
    Verify,
    Timeline,
    Impact,
    Report,
    Close,
    /// One without a link of its own: stopping, a run's log, evidence.
    Elsewhere,
}

/// Everything that the head shows.
#[derive(Debug, Clone)]
pub struct IncidentHeader {
    pub id: String,
    pub severity: Severity,
    /// `Safety-critical`, from the category.
    pub marks: String,
    pub state: State,
    /// `full rollback`, or nothing while there is no plan.
    pub kind: String,
    pub environment: String,
    pub component: String,
    pub title: String,
    /// What runs and what is gone back to; both empty while there is no target.
    pub from: String,
    pub to: String,
    pub clocks: Vec<Clock>,
    pub stages: Vec<Stage>,
    pub links: Vec<Link>,
}

/// The state word with its colour and icon; never one without the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub words: String,
    /// A class of the stylesheet: `tag-you`, or empty.
    pub class: &'static str,
    pub icon: &'static str,
}

/// A clock: the instant it counts from or to, and its reading when the page was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    pub label: &'static str,
    pub value: String,
    pub at: Timestamp,
    /// `since` counts up, `until` counts down.
    pub counts: &'static str,
    pub note: String,
    /// Where the note leads; empty where it leads nowhere.
    pub href: String,
    /// When the page shows something else of it without anything having happened.
    pub turns_at: Option<Timestamp>,
    /// `clock-due`, `clock-late` or empty.
    pub class: &'static str,
    /// The thin line under a countdown.
    pub left: Option<Left>,
}

/// How much of a time is left, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub seconds: i64,
    pub of: i64,
}

/// One of the seven stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub words: &'static str,
    pub href: String,
    pub class: &'static str,
    pub icon: &'static str,
    pub note: String,
    pub current: bool,
}

/// A way to another page of the incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub words: &'static str,
    pub href: String,
    pub current: bool,
}

impl IncidentHeader {
    pub fn of(sight: &Sight, page: Page) -> IncidentHeader {
        IncidentHeader::shared(sight.incident, sight.facts, sight.now, page)
    }

    /// The same without anybody who looks: nothing in it depends on them, so that one rendering serves all viewers.
    pub fn shared(incident: &Incident, facts: &Facts, now: Timestamp, page: Page) -> IncidentHeader {
        let attempt = incident.current();
        let category = facts.procedure.category(&incident.category);
        let target = attempt.and_then(|attempt| attempt.draft.targets.iter().find(|target| target.from.is_some()));
        IncidentHeader {
            id: incident.id.clone(),
            severity: incident.severity,
            marks: category.and_then(|category| category.marks.clone()).unwrap_or_default(),
            state: state(incident, now),
            kind: attempt.map_or(String::new(), |attempt| attempt.draft.kind.to_string()),
            environment: incident.environment.clone(),
            component: incident.component.clone(),
            title: incident.title.clone(),
            from: target.and_then(|target| target.from.clone()).unwrap_or_default(),
            to: attempt.filter(|attempt| !attempt.draft.targets.is_empty()).map_or(String::new(), Attempt::destination),
            clocks: clocks(incident, facts.procedure, now),
            stages: stages(incident, facts),
            links: links(&incident.id, page),
        }
    }

    /// `p0`, for the badge's class.
    pub fn badge(&self) -> String {
        self.severity.key().to_lowercase()
    }

    /// The tab's title, with what is due first: `1:12 update due, RB-0142`.
    pub fn tab(&self, page: &str) -> String {
        match self.clocks.iter().find(|clock| clock.counts == "until") {
            Some(clock) => format!("{} update due, {} {page}", clock.value, self.id),
            None => format!("{} {page}", self.id),
        }
    }
}

/// How the incident stands, as its head and lists show it.
pub fn state(incident: &Incident, now: Timestamp) -> State {
    let words = progress::state_words(incident, now);
    let (class, icon) = match (&incident.closed, incident.current().map(Attempt::status)) {
        (Some(_), _) => ("", "done"),
        (None, None | Some(AttemptStatus::Draft)) => ("tag-warn", "waiting"),
        (None, Some(AttemptStatus::Submitted)) => ("tag-warn", "waiting"),
        (None, Some(AttemptStatus::Executing | AttemptStatus::Verifying)) => ("tag-you", "now"),
        (None, Some(AttemptStatus::Succeeded)) => ("tag-ok", "done"),
        (None, Some(AttemptStatus::Halted)) => ("tag-crit", "attention"),
        (None, Some(AttemptStatus::Failed)) => ("tag-crit", "failed"),
        (None, Some(AttemptStatus::Aborted | AttemptStatus::Rejected | AttemptStatus::Withdrawn)) => {
            ("tag-warn", "failed")
        }
    };
    State { words, class, icon }
}

/// Amber from here on: the next update is near.
const SOON: Span = Span::seconds(90);

fn clocks(incident: &Incident, procedure: &Procedure, now: Timestamp) -> Vec<Clock> {
    let mut clocks = Vec::new();
    let attempt = incident.current();
    let started = attempt.and_then(Attempt::started_at);
    let stands = incident.closed.as_ref().map(|closed| closed.at);
    let until = stands.unwrap_or(now);
    let ended = attempt.filter(|_| stands.is_none()).and_then(ended);
    clocks.push(match started {
        Some(start) if let Some((label, at, note)) = ended => Clock {
            label,
            value: format!("T+{}", at.shown_since(start)),
            at: start,
            counts: "",
            note,
            href: String::new(),
            turns_at: None,
            class: "",
            left: None,
        },
        Some(at) => Clock {
            label: if stands.is_some() { "From start to close" } else { "Rollback running" },
            value: format!("T+{}", until.shown_since(at)),
            at,
            counts: if stands.is_some() { "" } else { "since" },
            note: window_words(procedure, now - at)
                .filter(|_| stands.is_none())
                .unwrap_or_else(|| format!("since {} UTC", at.time_of_day())),
            href: String::new(),
            turns_at: None,
            class: "",
            left: None,
        },
        None => Clock {
            label: "Since trigger",
            value: until.shown_since(incident.opened_at).to_string(),
            at: incident.opened_at,
            counts: if stands.is_some() { "" } else { "since" },
            note: "T+0 is the first run’s start".to_owned(),
            href: String::new(),
            turns_at: attempt.filter(|_| stands.is_none()).and_then(|attempt| attempt.lapses_at(now)),
            class: "",
            left: None,
        },
    });
    if let Some(promise) = current_update(incident, now) {
        let left = promise.due_at - now;
        let (value, class) = match left.0 {
            left if left < 0 => (format!("overdue {}", now - promise.due_at), "clock-late"),
            _ if left <= SOON => (left.to_string(), "clock-due"),
            _ => (left.to_string(), ""),
        };
        clocks.push(Clock {
            label: "Next update due in",
            value,
            at: promise.due_at,
            counts: "until",
            note: promise_words(incident, promise, now),
            href: format!("/incidents/{}/update", incident.id),
            turns_at: turns_at(incident, now),
            class,
            left: Some(Left {
                seconds: left.as_seconds().max(0),
                of: incident.beat().as_seconds().max(left.as_seconds()).max(1),
            }),
        });
    }
    clocks
}

/// An attempt that ran and has ended: what its clock is called, when it stopped, and what that was.
pub fn ended(attempt: &Attempt) -> Option<(&'static str, Timestamp, String)> {
    let (label, what) = match attempt.status() {
        AttemptStatus::Succeeded => ("From start to success", "confirmed"),
        AttemptStatus::Failed => ("From start to failure", "declared failed"),
        AttemptStatus::Aborted => ("From start to stop", "ended"),
        _ => return None,
    };
    let at = attempt.ended_at()?;
    Some((label, at, format!("{what} at {} UTC", at.time_of_day())))
}

/// What will go out by itself is announced beside the clock, and what waits for a person too.
fn promise_words(incident: &Incident, promise: Promise, now: Timestamp) -> String {
    let Promise { number, due_at } = promise;
    let at = due_at.time_of_day();
    match (incident.cadence.sent, progress::draft(incident, due_at, now)) {
        (Sending::ByItself, Draft::Ready) => format!("draft ready; update {number} goes out by itself at {at} UTC"),
        (Sending::ByItself, _) => format!("update {number} goes out by itself at {at} UTC"),
        (Sending::ByPerson, Draft::Later) => format!("update {number} waits for a person’s word at {at} UTC"),
        (Sending::ByPerson, Draft::Ready) => format!("draft ready; update {number} waits for a person’s word"),
        (Sending::ByPerson, Draft::Overdue) => format!("update {number} waits for a person’s word since {at} UTC"),
    }
}

/// `in the 5–15 min window`: the window of the procedure's steps that has begun last and not ended.
fn window_words(procedure: &Procedure, elapsed: Span) -> Option<String> {
    let steps = procedure.checklists.iter().filter(|list| matches!(list.phase, Phase::Step(_)));
    let windows = steps.filter_map(|list| list.window).filter_map(|window| Some((window.from, window.to?)));
    let (from, to) =
        windows.filter(|(from, to)| *from <= elapsed && elapsed < *to).max_by_key(|(from, to)| (*from, -to.0))?;
    Some(format!("in the {}–{} min window", from.as_seconds() / 60, to.as_seconds() / 60))
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Done,
    Now,
    Failed,
    Later,
    Skipped,
}

/// Where the attempt stands on the way: stages before are done, and this one is as it is.
fn standing(incident: &Incident) -> (usize, Progress) {
    const ASSESS: usize = 1;
    const APPROVE: usize = 2;
    const EXECUTE: usize = 3;
    const VERIFY: usize = 4;
    const CLOSE: usize = 6;
    match incident.current() {
        None => (ASSESS, Progress::Now),
        Some(attempt) => match attempt.status() {
            AttemptStatus::Draft => (ASSESS, Progress::Now),
            AttemptStatus::Withdrawn => (ASSESS, Progress::Failed),
            AttemptStatus::Submitted => (APPROVE, Progress::Now),
            AttemptStatus::Rejected => (APPROVE, Progress::Failed),
            AttemptStatus::Executing => (EXECUTE, Progress::Now),
            // Held back, nothing has failed.
            AttemptStatus::Halted if attempt.held.is_some() && !attempt.is_broken() => (EXECUTE, Progress::Now),
            AttemptStatus::Halted | AttemptStatus::Aborted => (EXECUTE, Progress::Failed),
            AttemptStatus::Verifying => (VERIFY, Progress::Now),
            AttemptStatus::Failed => (VERIFY, Progress::Failed),
            AttemptStatus::Succeeded => (CLOSE, Progress::Now),
        },
    }
}

fn stages(incident: &Incident, facts: &Facts) -> Vec<Stage> {
    let id = &incident.id;
    let attempt = incident.current();
    let (at, how) = standing(incident);
    let closed = incident.closed.as_ref();
    let progress = |stage: usize| match (stage.cmp(&at), closed) {
        (_, Some(_)) if stage == 6 => Progress::Done,
        (std::cmp::Ordering::Less, _) => Progress::Done,
        (std::cmp::Ordering::Equal, None) => how,
        (std::cmp::Ordering::Equal, Some(_)) if how == Progress::Failed => Progress::Failed,
        (_, Some(_)) => Progress::Skipped,
        (std::cmp::Ordering::Greater, None) => Progress::Later,
    };
    let lead = incident.technical_lead.as_ref().map_or_else(|| "no technical lead".to_owned(), |id| facts.name(id));
    let approvers: Vec<String> = attempt
        .map(|attempt| attempt.approvals.iter().map(|approval| facts.name(&approval.person)).collect())
        .unwrap_or_default();
    let missed: usize = incident.updates.sent.iter().map(|(_, update)| update.missed.len()).sum();
    let late = incident.updates.sent.iter().filter(|(_, update)| update.late).count() + missed;
    let sent = incident.updates.sent.len();
    let pages = [
        ("Triggered", format!("/incidents/{id}#trigger"), incident.opened_at.time_of_day()),
        ("Assess", format!("/incidents/{id}/plan"), lead.clone()),
        ("Approve", format!("/incidents/{id}/approve"), names(approvers, "and")),
        (
            "Execute",
            format!("/incidents/{id}#runs"),
            attempt.and_then(Attempt::started_at).map_or(String::new(), |at| format!("from {}", at.time_of_day())),
        ),
        ("Verify", format!("/incidents/{id}/verify"), lead),
        (
            "Communicate",
            format!("/incidents/{id}/update"),
            format!("{sent} sent, {}", if late == 0 { "none late".to_owned() } else { format!("{late} late") }),
        ),
        (
            "Closed",
            format!("/incidents/{id}/close"),
            closed.map_or(String::new(), |closed| format!("{}, {}", closed.at.time_of_day(), closed.outcome)),
        ),
    ];
    pages
        .into_iter()
        .enumerate()
        .map(|(number, (words, href, note))| {
            // Telling people runs beside everything else from the first to the last minute.
            let beside = number == 5;
            let how = progress(number);
            let (class, icon) = match how {
                _ if beside && closed.is_none() => ("stage-beside", "live"),
                _ if beside => ("stage-done", "done"),
                Progress::Done => ("stage-done", "done"),
                Progress::Now => ("stage-now", "now"),
                Progress::Failed => ("stage-failed", "failed"),
                Progress::Later => ("", "later"),
                Progress::Skipped => ("stage-skipped", "not-needed"),
            };
            let note = if how == Progress::Skipped && !beside { "not reached".to_owned() } else { note };
            let current = !beside && matches!(how, Progress::Now | Progress::Failed);
            Stage { words, href, class, icon, note, current }
        })
        .collect()
}

fn links(id: &str, here: Page) -> Vec<Link> {
    let link = |words, tail: &str, page| Link { words, href: format!("/incidents/{id}{tail}"), current: page == here };
    vec![
        link("Room", "", Page::Room),
        link("Plan", "/plan", Page::Plan),
        link("Authorise", "/approve", Page::Approve),
        link("Verify", "/verify", Page::Verify),
        link("Timeline", "/timeline", Page::Timeline),
        link("Impact", "/impact", Page::Impact),
        link("Report", "/report", Page::Report),
        link("Close", "/close", Page::Close),
    ]
}
