//! What waits, and for whom: the next action first (L1). Computed from the incident and the time alone, so that a list of
//! incidents can keep it in its summary row.

use super::decide::TICK_FIRST;
use super::figures::authorised_at;
use super::plan::PlannedAction;
use super::procedure::StartMode;
use super::state::{ActionState, Attempt, AttemptStatus, Incident, Reminder, RunState};
use super::{PersonId, Role, Timestamp};
use serde::{Deserialize, Serialize};

/// One thing that waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    pub task: Task,
    /// Which of several things of this task: a place, a slot, an action, a run; empty where there is one at most. Stays the
    /// same while the words change.
    #[serde(default)]
    pub of: String,
    pub who: Awaited,
    /// Verb and object: "Authorise rollback to 4.11.3".
    pub what: String,
    pub since: Timestamp,
    /// Who reminded of it last.
    #[serde(default)]
    pub reminded: Option<Reminded>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminded {
    pub by: PersonId,
    pub at: Timestamp,
}

impl Wait {
    /// Is this the thing of that task, for the one who is waited for?
    pub fn is(&self, task: Task, of: &str, who: &Awaited) -> bool {
        (self.task, self.of.as_str(), &self.who) == (task, of, who)
    }

    /// Is this what somebody was reminded of?
    pub fn was_meant_by(&self, reminder: &Reminder) -> bool {
        self.is(reminder.task, &reminder.of, &reminder.who)
    }
}

/// Which page it is done on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    TakeCommand,
    TakeLead,
    AcceptRole,
    Plan,
    Approve,
    Start,
    ReleaseAction,
    JudgeRun,
    Recover,
    Verify,
    Escalate,
    ConfirmSeverity,
    Ratify,
    Close,
    /// A progress update that goes out by a person's word alone.
    WriteUpdate,
}

/// Whom it waits for: one person, or anyone with a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    Person(PersonId),
    Role(Role),
}

impl Task {
    pub const ALL: [Task; 15] = [
        Task::TakeCommand,
        Task::TakeLead,
        Task::AcceptRole,
        Task::Plan,
        Task::Approve,
        Task::Start,
        Task::ReleaseAction,
        Task::JudgeRun,
        Task::Recover,
        Task::Verify,
        Task::Escalate,
        Task::ConfirmSeverity,
        Task::Ratify,
        Task::Close,
        Task::WriteUpdate,
    ];

    /// The word in forms, as in the journal.
    pub const fn key(self) -> &'static str {
        match self {
            Task::TakeCommand => "take_command",
            Task::TakeLead => "take_lead",
            Task::AcceptRole => "accept_role",
            Task::Plan => "plan",
            Task::Approve => "approve",
            Task::Start => "start",
            Task::ReleaseAction => "release_action",
            Task::JudgeRun => "judge_run",
            Task::Recover => "recover",
            Task::Verify => "verify",
            Task::Escalate => "escalate",
            Task::ConfirmSeverity => "confirm_severity",
            Task::Ratify => "ratify",
            Task::Close => "close",
            Task::WriteUpdate => "write_update",
        }
    }

    pub fn from_key(key: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|task| task.key() == key)
    }
}

impl Awaited {
    pub fn includes(&self, person: &PersonId, roles: &[Role]) -> bool {
        match self {
            Awaited::Person(id) => id == person,
            Awaited::Role(role) => roles.contains(role),
        }
    }
}

/// Everything that waits at this moment, the most urgent first.
pub fn waits(incident: &Incident, now: Timestamp) -> Vec<Wait> {
    let mut waiting = Waiting { incident, waits: Vec::new() };
    if incident.is_open() {
        waiting.command();
        waiting.doubt();
        match incident.current() {
            None => {
                let what = "Plan a rollback, or decide against one".to_owned();
                waiting.of_lead(Task::Plan, "", what, incident.opened_at);
            }
            Some(attempt) => waiting.attempt(attempt, now),
        }
        waiting.places_and_debts();
        lead_first(&mut waiting.waits);
    }
    waiting.waits
}

/// What waits in an incident, as it is gathered.
struct Waiting<'a> {
    incident: &'a Incident,
    waits: Vec<Wait>,
}

impl Waiting<'_> {
    fn add(&mut self, task: Task, of: &str, who: Awaited, what: String, since: Timestamp) {
        let mut wait = Wait { task, of: of.to_owned(), who, what, since, reminded: None };
        let reminder = self.incident.reminders.iter().find(|reminder| wait.was_meant_by(reminder));
        wait.reminded = reminder.map(|reminder| Reminded { by: reminder.by.clone(), at: reminder.at });
        self.waits.push(wait);
    }

    /// Whoever holds this place, else anyone who may take it.
    fn place(&self, role: Role) -> Awaited {
        self.incident.holder(role).map_or(Awaited::Role(role), |person| Awaited::Person(person.clone()))
    }

    fn of_lead(&mut self, task: Task, of: &str, what: String, since: Timestamp) {
        self.add(task, of, self.place(Role::TechnicalLead), what, since);
    }

    fn of_commander(&mut self, task: Task, what: String, since: Timestamp) {
        self.add(task, "", self.place(Role::IncidentCommander), what, since);
    }

    /// What comes before any rollback: places that were offered, command, an update that is due, a severity that was asked.
    fn command(&mut self) {
        let incident = self.incident;
        for (role, offer) in &incident.offers {
            let (who, what) = (Awaited::Person(offer.to.clone()), format!("Accept the place of the {role}"));
            self.add(Task::AcceptRole, role.key(), who, what, offer.at);
        }
        if incident.commander.is_none() {
            let who = Awaited::Role(Role::IncidentCommander);
            self.add(Task::TakeCommand, "", who, "Take command".into(), incident.opened_at);
        }
        if let Some((what, since, asked)) = update(incident) {
            self.of_commander(Task::WriteUpdate, what.clone(), since);
            for role in asked {
                self.add(Task::WriteUpdate, "", Awaited::Role(role), what.clone(), since);
            }
        }
        if let Some(asked) = &incident.severity_asked {
            let who = if incident.commander.as_ref() == Some(&asked.by) {
                Awaited::Role(Role::TechnicalLead)
            } else {
                self.place(Role::IncidentCommander)
            };
            self.add(Task::ConfirmSeverity, "", who, format!("Confirm lowering to {}", asked.to), asked.at);
        }
    }

    /// Whether the attempt failed: either of those who may declare it is asked.
    fn doubt(&mut self) {
        let Some(attempt) = self.incident.current() else { return };
        let Some(doubted) = attempt.in_doubt_since() else { return };
        let since = doubted.max(attempt.last_run_ended_at().unwrap_or(doubted));
        let mut asked = vec![self.place(Role::TechnicalLead), self.place(Role::IncidentCommander)];
        asked.dedup();
        for who in asked {
            self.add(Task::Escalate, IN_DOUBT, who, doubt(attempt), since);
        }
    }

    fn attempt(&mut self, attempt: &Attempt, now: Timestamp) {
        let target = attempt.destination();
        let submitted = attempt.submitted.as_ref().map_or(self.incident.opened_at, |submitted| submitted.at);
        let executed = attempt.last_run_ended_at().unwrap_or(submitted);
        let ended = attempt.ended_at().unwrap_or(submitted);
        match attempt.status() {
            AttemptStatus::Draft => {
                let what = match &attempt.changes_asked {
                    Some(_) => format!("Change the plan to {target} as asked, and submit it"),
                    None => format!("Check and submit the plan to {target}"),
                };
                self.of_lead(Task::Plan, "", what, attempt.draft_since);
            }
            AttemptStatus::Submitted => self.submitted(attempt, submitted, now),
            // The turn of people came with the end of what ran before, at the latest with the start.
            AttemptStatus::Executing => {
                let since = attempt.last_run_ended_at().or(attempt.started_at()).unwrap_or(submitted);
                self.people(attempt, since);
            }
            AttemptStatus::Halted => self.halted(attempt, executed),
            AttemptStatus::Verifying if attempt.in_doubt_since().is_some() => {}
            AttemptStatus::Verifying => self.of_lead(Task::Verify, "", format!("Verify {target}"), executed),
            AttemptStatus::Failed => {
                self.of_commander(Task::Escalate, "Decide how to go on after the failure".into(), ended);
            }
            AttemptStatus::Succeeded => self.of_commander(Task::Close, "Close the incident".into(), ended),
            AttemptStatus::Aborted | AttemptStatus::Rejected | AttemptStatus::Withdrawn => {
                self.of_commander(Task::Plan, "Plan another attempt, or close".into(), ended);
            }
        }
    }

    /// Approvals, also those that ran out; items; the word to start; or, where that was given, what people do first.
    fn submitted(&mut self, attempt: &Attempt, since: Timestamp, now: Timestamp) {
        let target = attempt.destination();
        let (open, lapsed) = (attempt.open_gates().collect::<Vec<_>>(), attempt.lapsed(now).collect::<Vec<_>>());
        for slot in &open {
            let what = format!("Authorise the rollback to {target}");
            self.add(Task::Approve, &slot.role, self.place(slot.duty), what, since);
        }
        for (slot, approval) in &lapsed {
            let at = approval.expires_at.time_of_day();
            let what = format!("Authorise the rollback to {target} again: the approval ran out at {at} UTC");
            self.add(Task::Approve, &slot.role, self.place(slot.duty), what, approval.expires_at);
        }
        let authorised = authorised_at(attempt).unwrap_or(since);
        let ticks = attempt.start_refused.as_ref().and_then(|why| why.strip_prefix(TICK_FIRST));
        if let Some((items, action)) = ticks.zip(attempt.waits_for_items()) {
            self.of_lead(Task::Recover, "", tick_first(attempt, action, items), authorised);
        }
        if open.is_empty() && lapsed.is_empty() && attempt.start_ordered.is_none() {
            let what = match attempt.start_mode() {
                Some(StartMode::OnCommand) => format!("Start the rollback to {target}"),
                _ => format!("Start the authorised rollback to {target}"),
            };
            self.of_commander(Task::Start, what, authorised);
        }
        if let Some(ordered) = attempt.start_ordered {
            self.people(attempt, ordered);
        }
    }

    fn people(&mut self, attempt: &Attempt, since: Timestamp) {
        for (action, what) in for_people(attempt) {
            self.of_lead(Task::ReleaseAction, &action.name, what, since);
        }
    }

    fn halted(&mut self, attempt: &Attempt, since: Timestamp) {
        let lost = attempt.runs.iter().find(|run| run.state == RunState::Lost && !run.retried);
        match lost {
            Some(run) => {
                self.of_lead(Task::JudgeRun, &run.id.to_string(), format!("Look at lost run {}", run.id), since);
            }
            None if attempt.stop.is_some() => {}
            None => self.of_lead(Task::Recover, "", recovery(attempt), since),
        }
    }

    /// What does not hold the rollback up.
    fn places_and_debts(&mut self) {
        let incident = self.incident;
        if incident.technical_lead.is_none() {
            let (who, what) = (Awaited::Role(Role::TechnicalLead), "Take the place of the technical lead".to_owned());
            self.add(Task::TakeLead, "", who, what, incident.opened_at);
        }
        if let Some(owed) = incident.debts.iter().filter(|debt| !debt.paid).map(|debt| debt.at).min() {
            let (who, what) = (Awaited::Role(Role::Management), "Ratify what was allowed in advance".to_owned());
            self.add(Task::Ratify, "", who, what, owed);
        }
    }
}

/// The actions of an attempt whose start is ordered that wait for people, with what they do about each.
fn for_people(attempt: &Attempt) -> impl Iterator<Item = (&PlannedAction, String)> {
    let actions = attempt.plan().into_iter().flat_map(|plan| &plan.actions);
    actions.filter_map(|action| {
        let what = match attempt.action_state(&action.name) {
            ActionState::AwaitsWord => format!("Give the word for {}", action.title),
            ActionState::Ready if attempt.holds_hands(action) => {
                format!("Tick what comes first, then carry out by hand: {}", action.title)
            }
            ActionState::Ready if !action.by_hand.is_empty() => format!("Carry out by hand: {}", action.title),
            _ => return None,
        };
        Some((action, what))
    })
}

/// Which of the escalations it is, where it is asked whether the attempt failed, and the failure is not declared.
pub const IN_DOUBT: &str = "doubt";

/// `Decide whether it failed: 1 failure indicator is seen`, or `Confirm success or declare failure: the time to verify it
/// is over`.
fn doubt(attempt: &Attempt) -> String {
    match attempt.indicators_seen().count() {
        0 => "Confirm success or declare failure: the time to verify it is over".to_owned(),
        1 => "Decide whether it failed: 1 failure indicator is seen".to_owned(),
        seen => format!("Decide whether it failed: {seen} failure indicators are seen"),
    }
}

/// How a halted attempt goes on. What broke comes before what is held back beside it.
pub(super) fn recovery(attempt: &Attempt) -> String {
    let Some(held) = attempt.held.as_ref().filter(|_| !attempt.is_broken()) else {
        return "Retry, stop or declare the failure".to_owned();
    };
    let action = attempt.plan().and_then(|plan| plan.actions.iter().find(|action| action.name == held.action));
    match (held.why.strip_prefix(TICK_FIRST), action) {
        (Some(_), Some(action)) if attempt.unticked(action).next().is_none() => {
            format!("Check again and go on: {}", action.title)
        }
        (Some(items), Some(action)) => tick_first(attempt, action, items),
        _ => format!("Clear what holds it back: {}", held.why),
    }
}

/// Before the action for which some of its items are still to be ticked: which ones, only the procedure can say.
pub const TICK_REST: &str = "Tick what is left first, for: ";

/// `items` are those that were open when the action was held back: once some of what it needs is ticked, they may be fewer.
fn tick_first(attempt: &Attempt, action: &PlannedAction, items: &str) -> String {
    if attempt.unticked(action).count() == action.needs.len() {
        format!("Tick first: {items}")
    } else {
        format!("{TICK_REST}{}", action.title)
    }
}

/// What waits for the lead's vacant place is done by whoever takes it: taking it comes before.
fn lead_first(waits: &mut [Wait]) {
    let first = waits.iter().position(|wait| wait.who == Awaited::Role(Role::TechnicalLead));
    let take = waits.iter().position(|wait| wait.task == Task::TakeLead);
    if let (Some(first), Some(take)) = (first, take) {
        waits[first..=take].rotate_right(1);
    }
}

/// The update that waits for a person, since when, and who is asked beside the incident commander.
fn update(incident: &Incident) -> Option<(String, Timestamp, Vec<Role>)> {
    let (promise, call) = (incident.updates.promised?, &incident.updates.call);
    call.ready.filter(|number| *number == promise.number)?;
    let number = call.missed.last().copied().unwrap_or(promise.number);
    let due_at = promise.due_at_of(number, incident.beat());
    let due = due_at.time_of_day();
    let asked = if call.escalated_at.is_some() { incident.cadence.next_contact.clone() } else { Vec::new() };
    Some(match call.missed.is_empty() {
        true => {
            let since = promise.due_at - incident.cadence.draft_before;
            (format!("Send progress update {number} before {due} UTC"), since, asked)
        }
        false => (format!("Send progress update {number}, overdue since {due} UTC"), due_at, asked),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::apply::fold;
    use crate::domain::event::{Event, Recorded};
    use crate::domain::report::tests::sample::{OPENED, journal, recorded};

    /// Since which second a task waits, once the sample has come to `second` and then `further` to pass.
    fn waits_since(task: Task, second: i64, further: Vec<(i64, Event)>) -> i64 {
        let mut journal: Vec<Recorded> = journal();
        journal.retain(|recorded| recorded.at <= OPENED + Span::seconds(second));
        let by = journal.iter().find_map(|recorded| recorded.actor.person().cloned());
        journal.extend(recorded(further.into_iter().map(|(second, event)| (second, by.clone(), event)).collect()));
        let waits = waits(&fold(&journal).unwrap(), OPENED);
        let wait = waits.iter().find(|wait| wait.task == task).unwrap_or_else(|| panic!("{task:?} in {waits:?}"));
        (wait.since - OPENED).as_seconds()
    }

    #[test]
    fn each_thing_waits_since_it_became_somebodys_turn() {
        let stop = (466, Event::StopOrdered { attempt: 1, reason: "Enough".into() });
        let decline = (150, Event::Declined { attempt: 1, reason: "No".into() });
        let offer = Event::RoleOffered { role: Role::TechnicalLead, to: PersonId("nobody".into()) };
        let asked = Event::SeverityChangeAsked { to: crate::domain::Severity::P2, reason: "Less".into() };
        let owed = Event::RatificationOwed { by: Role::Management, why: "emergency".into() };
        assert_eq!(waits_since(Task::Plan, 115, vec![]), 110, "it was put back to draft");
        assert_eq!(waits_since(Task::Approve, 200, vec![]), 120, "submitted");
        assert_eq!(waits_since(Task::Plan, 200, vec![decline]), 150, "declined");
        assert_eq!(waits_since(Task::AcceptRole, 200, vec![(210, offer)]), 210);
        assert_eq!(waits_since(Task::ConfirmSeverity, 200, vec![(211, asked)]), 211);
        assert_eq!(waits_since(Task::Ratify, 200, vec![(212, owed)]), 212);
        assert_eq!(waits_since(Task::Recover, 465, vec![]), 400, "the run was lost");
        assert_eq!(waits_since(Task::Plan, 465, vec![stop]), 466, "stopped, and nothing ran any more");
        assert_eq!(waits_since(Task::Verify, 1_145, vec![]), 1_141);
        assert_eq!(waits_since(Task::Close, 2_300, vec![]), 2_200);
        let drafted = |recorded: &Recorded| matches!(recorded.event, Event::AttemptDrafted { .. });
        let mut later = journal();
        let place = later.iter().position(drafted).unwrap();
        later[place].at = OPENED + Span::seconds(30);
        let waits = waits(&fold(&later[..=place]).unwrap(), OPENED);
        let plan = waits.iter().find(|wait| wait.task == Task::Plan).unwrap();
        assert_eq!(plan.since, OPENED + Span::seconds(30), "a draft waits since it was made");
    }

    /// Two actions side by side: one is held back, and the other breaks.
    #[test]
    fn what_broke_is_told_before_what_is_held_back_beside_it() {
        let mut journal: Vec<Recorded> = journal();
        journal.retain(|recorded| recorded.at <= OPENED + Span::seconds(465));
        let run = fold(&journal).unwrap().current().unwrap().runs.last().unwrap().id.clone();
        let action = "another".to_owned();
        let why = format!("{TICK_FIRST}stop the writes");
        let held = Event::ActionHeld { attempt: 1, action, why };
        let judged = Event::RunJudged { run, succeeded: false, reason: "it broke".into() };
        let by = journal.iter().find_map(|recorded| recorded.actor.person().cloned());
        journal.extend(recorded(vec![(466, None, held), (467, by, judged)]));
        let waits = waits(&fold(&journal).unwrap(), OPENED);
        let wait = waits.iter().find(|wait| wait.task == Task::Recover).unwrap();
        assert_eq!(wait.what, "Retry, stop or declare the failure");
    }

    #[test]
    fn a_task_has_one_word_in_forms_and_in_the_journal() {
        for task in Task::ALL {
            assert_eq!(serde_json::to_value(task).unwrap(), task.key());
            assert_eq!(Task::from_key(task.key()), Some(task));
        }
    }
}
