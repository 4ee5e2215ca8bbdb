//! Asks `decide` for every button, so that what a page shows and what the server allows cannot differ: a button that
//! would be refused shows the very refusal.

use super::actor::Actor;
use super::command::{Approve, Command, Outcome};
use super::decide::{self, backup_beneath, last_starts, open_items};
use super::event::Mark;
use super::facts::{Facts, Registered};
use super::procedure::TargetKind;
use super::refusal::{Refusal, RefusalKind};
use super::state::{Attempt, AttemptNo, Incident, IndicatorSign, RunId};
use super::{PersonId, Role, Strength, Timestamp};

/// Words that stand in for what a person has yet to type.
const SAMPLE: &str = "…";

/// One person looking at one incident at one moment.
#[derive(Clone, Copy)]
pub struct Offers<'a> {
    pub incident: &'a Incident,
    pub facts: &'a Facts<'a>,
    pub person: &'a PersonId,
    pub now: Timestamp,
}

impl Offers<'_> {
    /// Would this be accepted, if it were typed well and the re-authentication were fresh?
    ///
    /// # Errors
    /// The refusal that the server would answer. Where it names others, and the moment is not right for them either, it
    /// is theirs: a page never sends to somebody who has no such button.
    pub fn ask(&self, command: &Command) -> Result<(), Refusal> {
        self.asked_by(self.person, command).map_err(|refusal| match refusal.kind {
            RefusalKind::NotYours => self.in_everyones_way(command).unwrap_or(refusal),
            _ => refusal,
        })
    }

    fn asked_by(&self, person: &PersonId, command: &Command) -> Result<(), Refusal> {
        let actor = Actor::person(person, Some(Strength::Password));
        decide::decide(Some(self.incident), self.facts, command, &actor, self.now).map(|_| ())
    }

    /// What those who hold the incident's places, and one of each role, are told; `None` where the moment is right for
    /// one of them, or all are strangers to it.
    fn in_everyones_way(&self, command: &Command) -> Option<Refusal> {
        // Where a place is vacant, as if one who may had taken it: that may be whoever asks.
        let mut taken = self.incident.clone();
        let first = |role| self.facts.holders(role).next().map(|(person, _)| person.clone());
        taken.commander = taken.commander.or_else(|| first(Role::IncidentCommander));
        taken.technical_lead = taken.technical_lead.or_else(|| first(Role::TechnicalLead));
        let then = Offers { incident: &taken, ..*self };
        let places = [&taken.commander, &taken.technical_lead].into_iter().flatten();
        let holders =
            Role::ALL.into_iter().filter_map(|role| self.facts.holders(role).next().map(|(person, _)| person));
        let mut everyone: Vec<&PersonId> = places.chain(holders).collect();
        everyone.sort();
        everyone.dedup();
        let mut in_the_way = None;
        for person in everyone {
            match then.asked_by(person, command) {
                Ok(()) => return None,
                Err(refusal) if refusal.kind == RefusalKind::Phase => in_the_way = Some(refusal),
                Err(_) => {}
            }
        }
        in_the_way
    }

    pub fn take(&self, role: Role) -> Result<(), Refusal> {
        self.ask(&Command::TakeRole { role })
    }

    pub fn submit_plan(&self, attempt: AttemptNo) -> Result<(), Refusal> {
        self.ask(&Command::SubmitPlan { attempt })
    }

    /// Authorising with every open item waived in the same act, where this person may waive.
    pub fn approve(&self, attempt: &Attempt, slot: &str) -> Result<(), Refusal> {
        self.sign(attempt, slot, None)
    }

    /// Whether the same act is also the start: `None` where others have yet to sign, or a word starts it.
    ///
    /// # Errors
    /// What the start waits for.
    pub fn starts(&self, attempt: &Attempt, slot: &str) -> Option<Result<(), Refusal>> {
        last_starts(self.facts, attempt, slot, self.now).then(|| self.sign(attempt, slot, Some(true)))
    }

    fn sign(&self, attempt: &Attempt, slot: &str, starts: Option<bool>) -> Result<(), Refusal> {
        let Some(submitted) = &attempt.submitted else { return self.start(attempt) };
        let commands = self.incident.commander.as_ref() == Some(self.person);
        let waive = if commands {
            open_items(self.facts, attempt).iter().map(|item| item.name.clone()).collect()
        } else {
            Vec::new()
        };
        self.ask(&Command::Approve(Approve {
            attempt: attempt.number,
            digest: submitted.digest.clone(),
            slot: slot.to_owned(),
            starts,
            phrase: submitted.plan.phrase.clone(),
            comment: String::new(),
            waive,
            waive_reason: SAMPLE.to_owned(),
        }))
    }

    pub fn decline(&self, attempt: &Attempt) -> Result<(), Refusal> {
        let digest = digest(attempt);
        self.ask(&Command::Decline { attempt: attempt.number, digest, reason: SAMPLE.to_owned() })
    }

    pub fn request_changes(&self, attempt: &Attempt) -> Result<(), Refusal> {
        let digest = digest(attempt);
        self.ask(&Command::RequestChanges { attempt: attempt.number, digest, reason: SAMPLE.to_owned() })
    }

    pub fn withdraw_approval(&self, attempt: &Attempt) -> Result<(), Refusal> {
        self.ask(&Command::WithdrawApproval { attempt: attempt.number, digest: digest(attempt) })
    }

    pub fn withdraw_plan(&self, attempt: AttemptNo) -> Result<(), Refusal> {
        self.ask(&Command::WithdrawPlan { attempt, reason: SAMPLE.to_owned() })
    }

    pub fn start(&self, attempt: &Attempt) -> Result<(), Refusal> {
        self.ask(&Command::Start { attempt: attempt.number, digest: digest(attempt) })
    }

    pub fn stop(&self, attempt: AttemptNo) -> Result<(), Refusal> {
        self.ask(&Command::Stop { attempt, reason: SAMPLE.to_owned() })
    }

    pub fn tick(&self, attempt: AttemptNo, item: &str) -> Result<(), Refusal> {
        let mark = Mark::Done { note: String::new() };
        self.ask(&Command::Tick { attempt, item: item.to_owned(), mark })
    }

    pub fn untick(&self, attempt: AttemptNo, item: &str) -> Result<(), Refusal> {
        self.ask(&Command::Untick { attempt, item: item.to_owned() })
    }

    pub fn mark_criterion(&self, attempt: AttemptNo, criterion: &str) -> Result<(), Refusal> {
        let mark = Some(Mark::Done { note: SAMPLE.to_owned() });
        self.ask(&Command::MarkCriterion { attempt, criterion: criterion.to_owned(), mark })
    }

    pub fn mark_indicator(&self, attempt: AttemptNo, indicator: &str) -> Result<(), Refusal> {
        let (sign, note) = (IndicatorSign::Seen, SAMPLE.to_owned());
        self.ask(&Command::MarkIndicator { attempt, indicator: indicator.to_owned(), sign, note })
    }

    pub fn confirm(&self, attempt: AttemptNo) -> Result<(), Refusal> {
        self.ask(&Command::ConfirmSuccess { attempt })
    }

    pub fn declare_failed(&self, attempt: AttemptNo) -> Result<(), Refusal> {
        self.ask(&Command::DeclareFailed { attempt, reason: SAMPLE.to_owned() })
    }

    /// The backup from which a restoration would follow this attempt, another one than was restored already where there is
    /// one; `None` when none is registered.
    pub fn backup_for(&self, attempt: &Attempt) -> Option<&Registered> {
        let component = &self.incident.component;
        let untried = |entry: &&Registered| !self.was_restored(&entry.name);
        let another = || {
            let backups = self.facts.register.iter().filter(|entry| entry.kind == TargetKind::Backup);
            backups.filter(|entry| entry.component == *component).filter(untried).max_by_key(|entry| entry.at)
        };
        let usual = backup_beneath(self.facts, &attempt.draft.targets, component);
        usual.filter(untried).or_else(another).or(usual)
    }

    /// An attempt of this incident restored that backup to the end: the same once more would bring nothing new.
    pub fn was_restored(&self, backup: &str) -> bool {
        let mut restored = self.incident.attempts.iter().flat_map(|attempt| attempt.restored(self.facts.procedure));
        restored.any(|name| name == backup)
    }

    /// The restoration from that backup, or why it is blocked.
    pub fn restore(&self, attempt: &Attempt) -> Result<(), Refusal> {
        let backup = self.backup_for(attempt).map_or(String::new(), |entry| entry.name.clone());
        self.ask(&Command::DraftRestoration { escalates: attempt.number, backup })
    }

    pub fn retry(&self, run: &RunId) -> Result<(), Refusal> {
        self.ask(&Command::Retry { run: run.clone(), reason: SAMPLE.to_owned() })
    }

    pub fn judge(&self, run: &RunId) -> Result<(), Refusal> {
        self.ask(&Command::JudgeRun { run: run.clone(), succeeded: true, reason: SAMPLE.to_owned() })
    }

    pub fn release(&self, attempt: AttemptNo, action: &str) -> Result<(), Refusal> {
        self.ask(&Command::ReleaseAction { attempt, action: action.to_owned() })
    }

    pub fn resume(&self, attempt: AttemptNo, action: &str) -> Result<(), Refusal> {
        self.ask(&Command::ResumeAction { attempt, action: action.to_owned() })
    }

    pub fn send_update(&self, number: u32) -> Result<(), Refusal> {
        self.ask(&Command::SendUpdate { number, note: None })
    }

    pub fn ratify(&self) -> Result<(), Refusal> {
        self.ask(&Command::Ratify { reason: SAMPLE.to_owned() })
    }

    pub fn lift_freeze(&self) -> Result<(), Refusal> {
        self.ask(&Command::LiftFreeze { reason: SAMPLE.to_owned() })
    }

    pub fn close(&self, outcome: Outcome) -> Result<(), Refusal> {
        self.ask(&Command::Close { outcome, reason: SAMPLE.to_owned() })
    }
}

fn digest(attempt: &Attempt) -> String {
    attempt.submitted.as_ref().map_or(String::new(), |submitted| submitted.digest.clone())
}
