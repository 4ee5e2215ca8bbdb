//! What is risked by acting and by waiting, and how things stand now.

use super::{Case, Risk, Standing};
use crate::domain::Role;
use crate::domain::decide::unproven;
use crate::domain::event::Mark;
use crate::domain::figures::{confirmed_at, decisive};
use crate::domain::plan::Target;
use crate::domain::procedure::TargetKind;
use crate::domain::state::{Attempt, AttemptStatus};
use crate::domain::words::{lower_first, upper_first};

impl Case<'_> {
    pub(super) fn acting(&self) -> Vec<String> {
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
    pub(super) fn loss(&self, backup: &Target) -> String {
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

    pub(super) fn waiting(&self) -> Vec<String> {
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

    pub(super) fn risks(&self) -> Vec<Risk> {
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
}

fn stated(text: &str) -> Option<String> {
    let text = text.trim_end_matches('.');
    (!text.is_empty()).then(|| format!("{}.", upper_first(text)))
}
