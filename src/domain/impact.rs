//! The impact summary (L7): what people feel, since when, how many, what is done about it, what is risked, when it ends.
//!
//! It is for those who have one minute and no use for jargon. Effect on people first, then risk, then money; no name of a
//! component in what is read first. What nobody said and nothing measured is "not measured", never a guess; what is
//! estimated says "about".

use super::command::Outcome;
use super::condition::Series;
use super::curve::Curve;
use super::decide::unproven;
use super::event::{Event, ImpactSaid, Mark, Recorded, RunEnd, RunStarting};
use super::facts::{Facts, Measure};
use super::figures::{confirmed_at, decisive, executed_at};
use super::plan::Target;
use super::procedure::{Decision, Phase, TargetKind};
use super::progress::{measured_words, remaining};
use super::state::{Attempt, AttemptStatus, Incident};
use super::waits::{Awaited, Task, waits};
use super::words::{lower_first, thousands, upper_first};
use super::{Role, Span, Timestamp};
use std::collections::BTreeMap;

/// The whole page, but for who looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// A sentence about people, without a full stop.
    pub headline: String,
    /// Whole sentences.
    pub lead: Vec<String>,
    pub people: Figure,
    pub lasts: Lasts,
    pub ends: Figure,
    pub cost: Figure,
    /// Whole sentences; empty once it is over.
    pub acting: Vec<String>,
    pub waiting: Vec<String>,
    pub risks: Vec<Risk>,
    pub story: Vec<Moment>,
    pub over: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub value: String,
    pub note: String,
    /// Whether the value is one: otherwise it says that there is none.
    pub known: bool,
}

/// For how long people have felt it, or felt it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lasts {
    pub since: Timestamp,
    /// When it is over.
    pub until: Option<Timestamp>,
    /// `24:13`, which a page counts on while it lasts; `about 24 min` when it is over.
    pub value: String,
    pub note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Good,
    Open,
    Bad,
}

/// One line of how things stand now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    pub standing: Standing,
    pub what: String,
    pub words: String,
}

/// One line of what happened, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub at: Timestamp,
    pub text: String,
}

/// The summary of an incident from its journal and the facts of this moment.
pub fn impact(journal: &[Recorded], incident: &Incident, facts: &Facts, now: Timestamp) -> Impact {
    let nothing = ImpactSaid::default();
    let said = incident.impact.as_ref().map_or(&nothing, |told| &told.said);
    let case = Case { incident, facts, said, now };
    Impact {
        headline: case.headline(),
        lead: case.lead(),
        people: case.people(),
        lasts: case.lasts(),
        ends: case.ends(),
        cost: figure(&said.cost, &said.cost_note),
        acting: case.acting(),
        waiting: case.waiting(),
        risks: case.risks(),
        story: case.story(journal),
        over: case.over().is_some(),
    }
}

struct Case<'a> {
    incident: &'a Incident,
    facts: &'a Facts<'a>,
    said: &'a ImpactSaid,
    now: Timestamp,
}

fn figure(value: &str, note: &str) -> Figure {
    if value.is_empty() {
        return Figure { value: "not measured".to_owned(), note: "nobody has said it yet".to_owned(), known: false };
    }
    Figure { value: value.to_owned(), note: note.to_owned(), known: true }
}

impl Case<'_> {
    /// When people began to feel it, as far as is known.
    fn since(&self) -> Timestamp {
        let seen = self.incident.triggers.first().map_or(self.incident.opened_at, |trigger| trigger.seen_at);
        self.said.since.unwrap_or(seen)
    }

    /// When it ended: once somebody confirmed it, the moment at which what helped was in place.
    fn over(&self) -> Option<Timestamp> {
        let helped = decisive(self.incident).and_then(|attempt| {
            let confirmed = confirmed_at(attempt)?;
            Some(executed_at(attempt).unwrap_or(confirmed))
        });
        helped.or(self.incident.closed.as_ref().map(|closed| closed.at))
    }

    fn false_alarm(&self) -> bool {
        self.incident.closed.as_ref().is_some_and(|closed| closed.outcome == Outcome::Dismissed)
    }

    /// `03:17 UTC`, with the date where it is not today's.
    fn clock(&self, at: Timestamp) -> String {
        format!("{}\u{a0}UTC", at.near(self.now))
    }

    fn headline(&self) -> String {
        if self.false_alarm() {
            return "It was a false alarm".to_owned();
        }
        let felt = self.said.felt.trim_end_matches(['.', '!', '?']);
        let share = self.incident.users_affected_ppm.map(percent);
        let felt = match share {
            _ if !felt.is_empty() => upper_first(felt),
            _ if self.incident.outage => "People cannot use the service".to_owned(),
            Some(share) => format!("About {share} of people are affected"),
            None => {
                return match self.over() {
                    Some(over) if self.is_unconfirmed() => format!(
                        "People may have been affected for about {} until it was closed, and may be still; nobody has said how",
                        long(over - self.since())
                    ),
                    Some(over) => format!(
                        "People may have been affected for about {}; nobody has said how",
                        long(over - self.since())
                    ),
                    None => "People may be affected; nobody has said yet what they feel".to_owned(),
                };
            }
        };
        match self.over() {
            Some(over) if self.is_unconfirmed() => {
                format!("{felt}, for about {} until it was closed", long(over - self.since()))
            }
            Some(over) => format!("{felt}, for about {}", long(over - self.since())),
            None => format!("{felt}, for {} so far", long(self.now - self.since())),
        }
    }

    fn lead(&self) -> Vec<String> {
        let mut lead = vec![self.beginning()];
        if !self.false_alarm() {
            lead.extend(self.doing());
        }
        if let Some(closed) = &self.incident.closed {
            lead.push(format!("The incident was closed at {}: {}.", self.clock(closed.at), closed.outcome));
            lead.extend(self.unconfirmed());
        }
        lead
    }

    /// It was closed, and nobody confirmed here that people are well again.
    fn is_unconfirmed(&self) -> bool {
        let confirmed = decisive(self.incident).and_then(confirmed_at).is_some();
        self.incident.closed.is_some() && !self.false_alarm() && !confirmed
    }

    /// What was measured when it was closed so, and what is now, while that still says something of it.
    fn unconfirmed(&self) -> Option<String> {
        let closed = self.incident.closed.as_ref().filter(|_| self.is_unconfirmed())?;
        let mut last: BTreeMap<&Series, &Curve> = BTreeMap::new();
        for curve in &self.incident.kept {
            let newer = last.get(&curve.series).is_none_or(|known| known.to <= curve.to);
            if newer {
                last.insert(&curve.series, curve);
            }
        }
        let then = last.into_iter().filter_map(|(series, curve)| {
            let value = curve.values.last().copied().flatten()?;
            Some(measured_words(self.facts, series, &Measure { value: Some(value), at: curve.newest }))
        });
        let fresh = self.now - closed.at < Span::hours(24);
        let now = self.facts.measures.0.iter().filter(|(_, measure)| fresh && measure.value.is_some());
        let now = now.map(|(series, measure)| measured_words(self.facts, series, measure));
        let [then, now] = [then.collect::<Vec<_>>(), now.collect()].map(|words| words.join(", "));
        let then =
            if then.is_empty() { "Nothing was measured then.".to_owned() } else { format!("Measured then: {then}.") };
        let now = if now.is_empty() { String::new() } else { format!(" Measured now: {now}.") };
        Some(format!("Nobody confirmed here that it was over. {then}{now}"))
    }

    fn beginning(&self) -> String {
        let since = self.since();
        let word = if self.said.since.is_some() { "It began" } else { "It was first seen" };
        match self.release() {
            Some((_, at)) if at <= since && since - at < Span::hours(24) => {
                format!("{word} at {}, {} after a new version had gone live.", self.clock(since), long(since - at))
            }
            _ => format!("{word} at {}.", self.clock(since)),
        }
    }

    /// The release that is suspected, and when it went live, where the register knows.
    fn release(&self) -> Option<(String, Timestamp)> {
        let targets = self.incident.attempts.iter().flat_map(|attempt| &attempt.draft.targets);
        let left = targets.filter(|target| target.kind == TargetKind::Release).find_map(|target| {
            let from = target.from.as_ref()?;
            self.facts.registered(TargetKind::Release, &target.component, from)
        });
        let running = || self.facts.running_release(&self.incident.component);
        left.or_else(running).map(|entry| (entry.name.clone(), entry.had_begun_by(self.since()).unwrap_or(entry.at)))
    }

    /// What is done about it, by how far the newest attempt is.
    fn doing(&self) -> Vec<String> {
        let decided = if self.incident.is_open() { "; what comes next is being decided" } else { "" };
        let Some(attempt) = self.incident.current() else {
            if !self.incident.is_open() {
                return Vec::new();
            }
            return vec![format!(
                "What to do is being decided; the procedure says: {}.",
                match self.incident.advice.decision {
                    Decision::Immediate => "go back at once",
                    Decision::Considered => "weigh going back",
                    Decision::NotRequired => "going back is not required",
                }
            )];
        };
        let goal = self.goal(attempt);
        let began = attempt.started_at().map_or_else(String::new, |at| format!(" began at {}", self.clock(at)));
        let place = attempt.last_run_ended_at().map_or_else(String::new, |at| format!(" since {}", self.clock(at)));
        let one = |text: String| vec![text];
        match attempt.status() {
            AttemptStatus::Draft if !self.incident.is_open() => one(format!("{} was not begun.", goal.doing)),
            AttemptStatus::Draft => one(format!("{} is being planned.", goal.doing)),
            AttemptStatus::Submitted if attempt.lapsed(self.now).next().is_some() => {
                let ran_out = attempt.lapsed(self.now).map(|(_, approval)| approval.expires_at).min();
                let at = ran_out.map_or_else(String::new, |at| format!(" at {}", self.clock(at)));
                vec![
                    match attempt.may_have_begun_by_hand() {
                        true => format!("What was authorised ran out{at}. People may have begun it by hand."),
                        false => format!("{} has not begun: what was authorised ran out{at}.", goal.doing),
                    },
                    format!("It waits for {} to authorise it again.", self.authorisers()),
                ]
            }
            AttemptStatus::Submitted if attempt.start_ordered.is_some() => {
                one(format!("{} is authorised and starts now.", goal.doing))
            }
            AttemptStatus::Submitted => match self.authorisers() {
                who if who.is_empty() => one(format!("{} is authorised and waits for the word to start.", goal.doing)),
                who => one(format!("{} is planned and waits for {who} to authorise it.", goal.doing)),
            },
            AttemptStatus::Executing => one(format!("{}{began}; {}.", goal.doing, parts(attempt))),
            AttemptStatus::Halted => {
                one(format!("{}{began} and stands still: a person decides how it goes on.", goal.doing))
            }
            AttemptStatus::Verifying => {
                vec![format!("{}{place}.", goal.done), "Whether everything works again is being checked.".to_owned()]
            }
            AttemptStatus::Succeeded => {
                let confirmed = attempt.end.as_ref().map_or_else(String::new, |end| {
                    let who = end.by.as_ref().map_or_else(|| "Backout".to_owned(), |person| self.facts.name(person));
                    format!("{who} confirmed at {} that it works.", self.clock(end.at))
                });
                vec![format!("{}{place}.", goal.done), confirmed]
            }
            AttemptStatus::Failed => one(format!("{}{began} and did not help{decided}.", goal.doing)),
            AttemptStatus::Aborted => one(format!("{}{began} and was stopped{decided}.", goal.doing)),
            AttemptStatus::Rejected => one(format!("{} was declined{decided}.", goal.doing)),
            AttemptStatus::Withdrawn => one(format!("{} is no longer planned{decided}.", goal.doing)),
        }
    }

    /// Data is brought back from a backup by this attempt, or may have been. One that ended before that has lost nothing by
    /// it, and nobody must read that there is nothing left to spare.
    fn restores(&self, attempt: &Attempt) -> bool {
        let names_one = attempt.draft.targets.iter().any(|target| target.kind == TargetKind::Backup);
        let begun = || attempt.restorations_begun(self.facts.procedure).next().is_some();
        names_one && (!attempt.status().is_terminal() || begun())
    }

    fn goal(&self, attempt: &Attempt) -> Goal {
        let targets = &attempt.draft.targets;
        let all = |kind| !targets.is_empty() && targets.iter().all(|target| target.kind == kind);
        if self.restores(attempt) || all(TargetKind::Backup) {
            return Goal {
                doing: "Restoring the data from a backup",
                done: "The data from the backup has been in place",
                was: "The data from the backup was in place",
            };
        }
        if all(TargetKind::Config) {
            return Goal {
                doing: "Going back to the earlier settings",
                done: "The earlier settings have been in place",
                was: "The earlier settings were in place",
            };
        }
        let previous = targets.iter().filter(|target| target.kind == TargetKind::Release).all(|target| {
            let names: Vec<&str> = self.facts.releases(&target.component).map(|entry| entry.name.as_str()).collect();
            let place = |name: &str| names.iter().position(|known| *known == name);
            let from = target.from.as_deref().and_then(place);
            from.is_some() && from == place(&target.name).map(|place| place + 1)
        });
        if previous {
            Goal {
                doing: "Going back to the previous version",
                done: "The previous version has been running again",
                was: "The previous version was running again",
            }
        } else {
            Goal {
                doing: "Going back to an earlier version",
                done: "The earlier version has been running again",
                was: "The earlier version was running again",
            }
        }
    }

    /// Whose authorisation is awaited: `Maya Okafor and any of management`.
    fn authorisers(&self) -> String {
        let waits = waits(self.incident, self.now);
        let mut who: Vec<String> = waits
            .iter()
            .filter(|wait| wait.task == Task::Approve)
            .map(|wait| match &wait.who {
                Awaited::Person(person) => self.facts.name(person),
                Awaited::Role(role) => role.somebody().to_owned(),
            })
            .collect();
        who.dedup();
        who.join(" and ")
    }

    fn people(&self) -> Figure {
        match (self.said.people, self.incident.users_affected_ppm) {
            (Some(people), _) => figure(&thousands(people), &self.said.people_note),
            (None, Some(share)) => figure(&format!("about {}", percent(share)), "of all users, as first reported"),
            (None, None) => figure("", ""),
        }
    }

    fn lasts(&self) -> Lasts {
        let since = self.since();
        let from = if self.said.since.is_some() { "since" } else { "first seen" };
        let until = self.over();
        match until {
            Some(over) => Lasts {
                since,
                until,
                value: format!("about {}", short(over - since)),
                note: format!("{} to about {}", self.clock(since), self.clock(over)),
            },
            None => Lasts {
                since,
                until,
                value: (self.now - since).to_string(),
                note: format!("{from} {}", self.clock(since)),
            },
        }
    }

    /// When it ends: by what earlier rollbacks took, else by the windows of the procedure's steps.
    fn ends(&self) -> Figure {
        let known = |value: String, note: String| Figure { value, note, known: true };
        let none = |note: String| Figure { value: "no estimate".to_owned(), note, known: false };
        if let Some(over) = self.over() {
            let at = decisive(self.incident).and_then(confirmed_at);
            return match at {
                Some(at) => known("over".to_owned(), format!("confirmed at {}", self.clock(at))),
                None => known("closed".to_owned(), format!("at {}", self.clock(over))),
            };
        }
        if let Some(left) = self.incident.current().and_then(|attempt| remaining(self.facts, attempt, self.now)) {
            let from = if left.from == 1 {
                "1 earlier rollback".to_owned()
            } else {
                format!("{} earlier rollbacks", left.from)
            };
            return known(format!("about {}", self.clock(self.now + left.span)), format!("as {from} took"));
        }
        let steps = self.facts.procedure.checklists.iter().filter(|list| matches!(list.phase, Phase::Step(_)));
        let planned = steps.filter_map(|list| list.window).filter_map(|window| window.to).max();
        let Some(planned) = planned else { return none("the procedure gives no windows".to_owned()) };
        let attempt = self.incident.current();
        match attempt.map(Attempt::status) {
            None | Some(AttemptStatus::Draft | AttemptStatus::Submitted) => known(
                format!("about {}", short(planned)),
                "after the start, by the procedure; it has not started".to_owned(),
            ),
            Some(AttemptStatus::Executing | AttemptStatus::Verifying) => {
                let end = attempt.and_then(Attempt::started_at).unwrap_or(self.now) + planned;
                if end < self.now {
                    return none(format!("the planned {} passed at {}", short(planned), self.clock(end)));
                }
                known(
                    format!("about {}", self.clock(end)),
                    format!("{} from the start, by the procedure", short(planned)),
                )
            }
            Some(AttemptStatus::Halted) => none("it stands still until a person decides".to_owned()),
            Some(_) => none("what comes next is being decided".to_owned()),
        }
    }

    fn acting(&self) -> Vec<String> {
        let Some(attempt) = self.incident.current().filter(|_| self.over().is_none()) else { return Vec::new() };
        let mut lines: Vec<String> = stated(&self.said.acting).into_iter().collect();
        for target in &attempt.draft.targets {
            match target.kind {
                // What an ended one took is no risk any more: it stands under “Risk now”.
                TargetKind::Backup if attempt.status().is_terminal() => {}
                TargetKind::Backup => lines.push(format!("{} is lost.", upper_first(&self.loss(target)))),
                TargetKind::Release => {
                    lines.extend(self.migrations(&target.component, &target.name).map(str::to_owned))
                }
                TargetKind::Config => {}
            }
            if target.free_text {
                lines.push(format!("What is gone back to ({}) was typed by hand: no register knows it.", target.name));
            }
        }
        lines.extend(unproven(self.facts, attempt.draft.kind, &attempt.draft.targets));
        let waived = attempt.marks.values().filter(|marked| matches!(marked.mark, Mark::Waived { .. })).count();
        if waived > 0 {
            let checks = if waived == 1 { "1 check was" } else { &format!("{waived} checks were") };
            lines.push(format!("{checks} waived before the start."));
        }
        if !attempt.draft.not_covered.is_empty() {
            let left: Vec<String> = attempt.draft.not_covered.iter().map(|line| lower_first(line)).collect();
            lines.push(format!("Not covered: {}.", left.join(", ")));
        }
        if !attempt.draft.fallback.is_empty() {
            lines.push(format!("If it fails: {}.", lower_first(attempt.draft.fallback.trim_end_matches('.'))));
        }
        lines
    }

    /// What a restoration of this backup takes away: `what was written after 02:00 UTC`.
    fn loss(&self, backup: &Target) -> String {
        // A name typed by hand is not that of a backup which was registered under it since.
        let taken = self.facts.registered(TargetKind::Backup, &backup.component, &backup.name);
        match taken.filter(|_| !backup.free_text) {
            Some(entry) => format!("what was written after {}", self.clock(entry.at)),
            None => "what was written since the backup was taken".to_owned(),
        }
    }

    /// What the versions that are taken back did to the database.
    fn migrations(&self, component: &str, target: &str) -> Option<&'static str> {
        let mut left = self.facts.releases(component).skip_while(|entry| entry.name != target).skip(1).peekable();
        left.peek()?;
        let kinds: Vec<&str> = left.map(|entry| entry.migrations.as_str()).collect();
        if kinds.contains(&"destructive") {
            return Some("The newer version changed the data in a way that cannot simply be undone.");
        }
        if kinds.iter().any(|kind| !matches!(*kind, "none" | "reversible")) {
            return Some("Whether the newer version changed the data is not recorded.");
        }
        kinds.contains(&"reversible").then_some("The newer version changed the data; the change can be undone.")
    }

    fn waiting(&self) -> Vec<String> {
        if self.over().is_some() {
            return Vec::new();
        }
        let mut lines: Vec<String> = stated(&self.said.waiting).into_iter().collect();
        if !self.said.felt.is_empty() || self.incident.outage {
            lines.push("People go on feeling it until it ends.".to_owned());
        }
        let advice = &self.incident.advice;
        let because = upper_first(advice.because.trim_end_matches('.'));
        lines.push(format!("The procedure advises: {}. {because}.", advice.decision));
        let lapses = self.incident.current().filter(|attempt| attempt.status() == AttemptStatus::Submitted);
        let lapses = lapses.into_iter().flat_map(|attempt| &attempt.approvals).map(|approval| approval.expires_at);
        if let Some(at) = lapses.filter(|at| *at > self.now).min() {
            lines.push(format!("What is authorised already lapses at {} if nothing starts.", self.clock(at)));
        }
        lines
    }

    fn risks(&self) -> Vec<Risk> {
        let mut risks = Vec::new();
        let mut add = |standing, what: &str, words: String| risks.push(Risk { standing, what: what.to_owned(), words });
        let attempt = self.incident.current();
        let confirmed = decisive(self.incident).and_then(confirmed_at);
        match (confirmed, self.incident.closed.as_ref(), attempt.map(Attempt::status)) {
            (Some(at), ..) => add(Standing::Good, "People", format!("confirmed at {} that it is over", self.clock(at))),
            (None, Some(closed), _) => add(Standing::Open, "People", format!("closed without it: {}", closed.outcome)),
            (None, None, Some(AttemptStatus::Verifying)) => {
                add(Standing::Open, "People", "what should help is in place, and not confirmed yet".to_owned());
            }
            (None, None, _) => add(Standing::Bad, "People", "affected still, as far as is known".to_owned()),
        }
        if let Some(attempt) = attempt.filter(|attempt| attempt.in_doubt_since().is_some()) {
            for (name, seen) in attempt.indicators_seen() {
                let text = self.facts.procedure.indicator(name).map_or(name, |indicator| &indicator.text);
                let words = format!("seen at {}; whether it failed is being decided", self.clock(seen.at));
                add(Standing::Bad, text, words);
            }
            if let Some(due) = attempt.unverified_since {
                let words = format!(
                    "not confirmed by {}, when it was due; whether it failed is being decided",
                    self.clock(due)
                );
                add(Standing::Bad, "Verification", words);
            }
        }
        // Whatever is planned now, and also when all is over: what an earlier restoration took stays away.
        for attempt in &self.incident.attempts {
            for (action, backup) in attempt.restorations_begun(self.facts.procedure) {
                let done = attempt.is_done(&action.name);
                let how = if done { "is lost: a backup was restored" } else { "may be lost: a restoration began" };
                add(Standing::Bad, "Data", format!("{} {how}", self.loss(backup)));
            }
        }
        if let Some(attempt) = attempt.filter(|attempt| attempt.started_at().is_some()) {
            let criteria = &self.facts.procedure.verification.criteria;
            for criterion in criteria.iter().filter(|criterion| criterion.always_applies) {
                match attempt.criteria.get(&criterion.name) {
                    Some(marked) => {
                        let who =
                            marked.by.as_ref().map_or_else(String::new, |by| format!(" by {}", self.facts.name(by)));
                        let words = format!("confirmed{who} at {}", self.clock(marked.at));
                        add(Standing::Good, &criterion.text, words);
                    }
                    None if self.incident.is_open() => {
                        add(Standing::Open, &criterion.text, "not confirmed yet".to_owned());
                    }
                    None => add(Standing::Open, &criterion.text, "was not confirmed before it was closed".to_owned()),
                }
            }
            let done = criteria.iter().filter(|criterion| attempt.criteria.contains_key(&criterion.name)).count();
            let standing = if done == criteria.len() { Standing::Good } else { Standing::Open };
            add(standing, "Success criteria", format!("{done} of {} confirmed", criteria.len()));
        }
        if self.incident.is_open() {
            match &self.incident.commander {
                Some(person) => add(Standing::Good, "Command", self.facts.name(person)),
                None => add(Standing::Bad, "Command", "nobody has taken it yet".to_owned()),
            }
        }
        let sent = self.incident.updates.sent.len();
        let missed: usize = self.incident.updates.sent.iter().map(|(_, update)| update.missed.len()).sum();
        let late = self.incident.updates.sent.iter().filter(|(_, update)| update.late).count() + missed;
        if sent > 0 || self.incident.updates.promised.is_some() {
            let (standing, words) = if late == 0 {
                (Standing::Good, "none late".to_owned())
            } else {
                (Standing::Bad, format!("{late} late or missed"))
            };
            add(standing, "Progress updates", format!("{sent} sent, {words}"));
        }
        if self.incident.has_open_debt() {
            add(
                Standing::Open,
                "Agreement",
                format!("{} has yet to ratify what was allowed in advance", Role::Management),
            );
        }
        risks
    }

    /// What a manager would tell of it afterwards.
    fn story(&self, journal: &[Recorded]) -> Vec<Moment> {
        let mut story = Vec::new();
        if let Some((name, at)) = self.release().filter(|(_, at)| *at <= self.since()) {
            story.push(Moment { at, text: format!("Version {name} went live.") });
        }
        if let Some(at) = self.said.since {
            story.push(Moment { at, text: "People began to feel it.".to_owned() });
        }
        for recorded in journal {
            story.extend(self.told(recorded).into_iter().map(|text| Moment { at: recorded.at, text }));
        }
        for attempt in &self.incident.attempts {
            if let Some(at) = executed_at(attempt) {
                story.push(Moment { at, text: format!("{}.", self.goal(attempt).was) });
            }
        }
        story.sort_by_key(|moment| moment.at);
        story
    }

    fn told(&self, recorded: &Recorded) -> Option<String> {
        let who = recorded.actor.person().map_or_else(|| "Backout".to_owned(), |person| self.facts.name(person));
        let end = |text: &str| lower_first(text.trim_end_matches('.'));
        let goal = |number: &u32| {
            self.incident.attempt(*number).map_or("the rollback", |attempt| self.goal(attempt).doing).to_owned()
        };
        Some(match &recorded.event {
            Event::Opened(opened) => format!("{who} raised the alarm: {}.", opened.trigger.text.trim_end_matches('.')),
            Event::TriggerJoined { trigger } => {
                format!("A further alarm came: {}.", trigger.text.trim_end_matches('.'))
            }
            Event::RoleTaken { role: Role::IncidentCommander, person, .. } => {
                format!("{} took command.", self.facts.name(person))
            }
            Event::SeverityChanged { from, to, reason, .. } => {
                format!("{who} changed the severity from {from} to {to}: {}.", end(reason))
            }
            Event::ImpactDescribed(said) => format!("{who} said what people feel: {}.", end(&said.felt)),
            Event::PlanSubmitted(plan) => format!("{} was proposed.", goal(&plan.attempt)),
            Event::Approved(approved) => format!("{who} authorised {}.", lower_first(&goal(&approved.attempt))),
            Event::Declined { attempt, reason } => {
                format!("{who} declined {}: {}.", lower_first(&goal(attempt)), end(reason))
            }
            Event::RunStarting(run) if self.is_first(run) => format!("{} began.", goal(&run.attempt)),
            Event::RunFinished { outcome, .. } if outcome.end == RunEnd::Cancelled => {
                "One part of it was stopped.".to_owned()
            }
            Event::RunFinished { outcome, .. } if !outcome.end.is_success() => "One part of it failed.".to_owned(),
            Event::RunLost { .. } => "The outcome of one part could not be learnt.".to_owned(),
            Event::StopOrdered { reason, .. } => format!("{who} stopped it: {}.", end(reason)),
            Event::SuccessConfirmed { .. } => format!("{who} confirmed that it works."),
            Event::FailureDeclared { reason, .. } => format!("{who} declared that it did not help: {}.", end(reason)),
            Event::Closed { outcome, .. } => format!("{who} closed the incident: {outcome}."),
            _ => return None,
        })
    }

    fn is_first(&self, run: &RunStarting) -> bool {
        let attempt = self.incident.attempt(run.attempt);
        attempt.and_then(|attempt| attempt.runs.first()).is_some_and(|first| first.id == run.run)
    }
}

/// What an attempt does, in words for everyone.
struct Goal {
    doing: &'static str,
    /// Followed by since when.
    done: &'static str,
    was: &'static str,
}

/// `1 of 3 parts is done`.
fn parts(attempt: &Attempt) -> String {
    let Some(plan) = attempt.plan() else { return "it is under way".to_owned() };
    let done = plan.actions.iter().filter(|action| attempt.is_done(&action.name)).count();
    match (done, plan.actions.len()) {
        (0, _) => "it is under way".to_owned(),
        (1, all) => format!("1 of {all} parts is done"),
        (done, all) => format!("{done} of {all} parts are done"),
    }
}

fn stated(text: &str) -> Option<String> {
    let text = text.trim_end_matches('.');
    (!text.is_empty()).then(|| format!("{}.", upper_first(text)))
}

/// `12.5 %`, `40 %`.
fn percent(ppm: i64) -> String {
    let tenths = (ppm + 500) / 1_000;
    match tenths % 10 {
        0 => format!("{}\u{a0}%", tenths / 10),
        tenth => format!("{}.{tenth}\u{a0}%", tenths / 10),
    }
}

/// `40 seconds`, `24 minutes`, `1 hour 5 minutes`, `2 days`.
fn long(span: Span) -> String {
    let seconds = span.as_seconds().max(0);
    let count = |number: i64, unit: &str| format!("{number}\u{a0}{unit}{}", if number == 1 { "" } else { "s" });
    match (seconds / 86_400, seconds / 3_600, seconds / 60 % 60) {
        (0, 0, 0) => count(seconds, "second"),
        (0, 0, minutes) => count(minutes, "minute"),
        (0, hours, 0) => count(hours, "hour"),
        (0, hours, minutes) => format!("{} {}", count(hours, "hour"), count(minutes, "minute")),
        (days, ..) => count(days, "day"),
    }
}

/// `40 s`, `24 min`, `1 h 5 min`, `2 d`.
fn short(span: Span) -> String {
    let seconds = span.as_seconds().max(0);
    match (seconds / 86_400, seconds / 3_600, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds}\u{a0}s"),
        (0, 0, minutes) => format!("{minutes}\u{a0}min"),
        (0, hours, 0) => format!("{hours}\u{a0}h"),
        (0, hours, minutes) => format!("{hours}\u{a0}h {minutes}\u{a0}min"),
        (days, ..) => format!("{days}\u{a0}d"),
    }
}
