//! The impact summary (L7): what people feel, since when, how many, what is done about it, what is risked, when it ends.
//!
//! It is for those who have one minute and no use for jargon. Effect on people first, then risk, then money; no name of a
//! component in what is read first. What nobody said and nothing measured is "not measured", never a guess; what is
//! estimated says "about".

mod doing;
mod risks;
mod story;

use super::command::Outcome;
use super::condition::Series;
use super::curve::Curve;
use super::event::{ImpactSaid, Recorded};
use super::facts::{Facts, Measure};
use super::figures::{confirmed_at, decisive, executed_at};
use super::procedure::{Phase, TargetKind};
use super::progress::{measured_words, remaining};
use super::state::{Attempt, AttemptStatus, Incident};
use super::words::{thousands, upper_first};
use super::{Span, Timestamp};
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
