//! An event in one plain sentence, as the timeline, the progress feed and the report tell it.
//!
//! Who acted stands first by name; what follows by itself is Backout's doing, also where a person's act set it off. People
//! are named for decisions and confirmations, systems for faults. Names of the playbook's parts never show: its texts
//! do. [`Story`] knows the whole journal, so that the end of a run can say which action ended; [`tell`] knows one event.

mod kind;

pub use kind::TimelineKind;

use super::PersonId;
use super::actor::Who;
use super::condition::Series;
use super::curve::Curve;
use super::event::{Event, ImpactSaid, Mark, Recorded, RunStarting, UpdateSent};
use super::plan::{Draft, FixedPlan};
use super::procedure::Procedure;
use super::state::{Incident, IndicatorSign, RunId};
use super::waits::Awaited;
use super::words::{
    action_title, end_words, lower_first, plain, planned, roles_words, series_words, short, sign_words, thousands,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// One entry of the timeline. Neither text ends with a full stop of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    pub kind: TimelineKind,
    /// One sentence in plain text.
    pub text: String,
    /// Reasons, evidence, a message's whole text: may have several lines.
    pub detail: Option<String>,
    /// The name of a symbol in the icon sheet.
    pub icon: &'static str,
}

/// The symbols that entries use; the icon sheet must have them all.
pub const ICONS: [&str; 21] = [
    "attention",
    "back",
    "bell",
    "check",
    "done",
    "evidence",
    "failed",
    "flag",
    "key",
    "lock",
    "message",
    "not-needed",
    "pause",
    "people",
    "person",
    "play",
    "pulse",
    "retry",
    "stop",
    "terminal",
    "waiting",
];

/// Tells one event without knowing the journal around it: a run is then named by its number.
pub fn tell(recorded: &Recorded, names: &dyn Fn(&PersonId) -> String, procedure: &Procedure) -> Told {
    Story { names, procedure, actions: BTreeMap::new() }.tell(recorded)
}

/// Whether this is told as Backout's doing whoever's act it followed from, or as that of nobody.
pub const fn follows_by_itself(event: &Event) -> bool {
    match event {
        Event::UpdateSent(update) => update.closing,
        Event::ItemMarked { mark, .. } | Event::CriterionMarked { mark: Some(mark), .. } => mark.by_machine(),
        Event::RatificationOwed { .. }
        | Event::PlanVoided { .. }
        | Event::StartRefused { .. }
        | Event::RunStarting(_)
        | Event::RunRunning { .. }
        | Event::RunFinished { .. }
        | Event::RunLost { .. }
        | Event::ActionHeld { .. }
        | Event::MeasuresKept { .. }
        | Event::VerdictOverdue { .. }
        | Event::UpdateAwaited { .. }
        | Event::UpdateMissed { .. }
        | Event::UpdateEscalated { .. } => true,
        _ => false,
    }
}

/// Tells the events of one journal.
pub struct Story<'a> {
    names: &'a dyn Fn(&PersonId) -> String,
    procedure: &'a Procedure,
    /// Which action each run carries out.
    actions: BTreeMap<RunId, String>,
}

impl<'a> Story<'a> {
    pub fn of(journal: &[Recorded], names: &'a dyn Fn(&PersonId) -> String, procedure: &'a Procedure) -> Story<'a> {
        let actions = journal
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::RunStarting(RunStarting { run, action, .. }) | Event::ReportedByHand { run, action, .. } => {
                    Some((run.clone(), action.clone()))
                }
                _ => None,
            })
            .collect();
        Story { names, procedure, actions }
    }

    /// The same from the folded incident, for whoever has one entry and not the whole journal at hand.
    pub fn of_incident(
        incident: &Incident,
        names: &'a dyn Fn(&PersonId) -> String,
        procedure: &'a Procedure,
    ) -> Story<'a> {
        let runs = incident.attempts.iter().flat_map(|attempt| &attempt.runs);
        Story { names, procedure, actions: runs.map(|run| (run.id.clone(), run.action.clone())).collect() }
    }

    pub fn tell(&self, recorded: &Recorded) -> Told {
        let who = self.actor(&recorded.actor);
        match &recorded.event {
            Event::Opened(_) | Event::TriggerJoined { .. } => self.tell_trigger(&who, &recorded.event),
            Event::RoleTaken { .. }
            | Event::RoleOffered { .. }
            | Event::SeverityChanged { .. }
            | Event::SeverityChangeAsked { .. }
            | Event::RatificationOwed { .. }
            | Event::Ratified { .. }
            | Event::FreezeLifted { .. }
            | Event::Closed { .. } => self.tell_command(&who, &recorded.event),
            Event::AttemptDrafted { .. }
            | Event::PlanEdited { .. }
            | Event::PlanSubmitted(_)
            | Event::PlanVoided { .. }
            | Event::PlanWithdrawn { .. }
            | Event::Assessed { .. } => self.tell_plan(&who, &recorded.event),
            Event::Approved(_)
            | Event::ApprovalWithdrawn { .. }
            | Event::ChangesRequested { .. }
            | Event::Declined { .. } => self.tell_approval(&who, &recorded.event),
            Event::StartOrdered { .. }
            | Event::StartRefused { .. }
            | Event::ActionReleased { .. }
            | Event::ActionHeld { .. }
            | Event::ActionResumed { .. }
            | Event::StopOrdered { .. } => self.tell_order(&who, &recorded.event),
            Event::RunStarting(_)
            | Event::RunRunning { .. }
            | Event::RunFinished { .. }
            | Event::RunLost { .. }
            | Event::RunJudged { .. }
            | Event::ReportedByHand { .. }
            | Event::RetryOrdered { .. } => self.tell_run(&who, &recorded.event),
            Event::ItemMarked { .. }
            | Event::ItemUnmarked { .. }
            | Event::CriterionMarked { .. }
            | Event::IndicatorMarked { .. }
            | Event::SuccessConfirmed { .. }
            | Event::VerdictOverdue { .. }
            | Event::FailureDeclared { .. }
            | Event::MeasuresKept { .. } => self.tell_verification(&who, &recorded.event),
            Event::UpdateEdited { .. }
            | Event::UpdateSent(_)
            | Event::UpdateAwaited { .. }
            | Event::UpdateMissed { .. }
            | Event::UpdateEscalated { .. }
            | Event::BeatChanged { .. }
            | Event::LinkPinned(_)
            | Event::LinkUnpinned { .. }
            | Event::NoteAdded { .. }
            | Event::Reminded { .. }
            | Event::ImpactDescribed(_)
            | Event::SectionWritten { .. } => self.tell_message(&who, &recorded.event),
        }
    }

    fn tell_trigger(&self, who: &str, event: &Event) -> Told {
        match event {
            Event::Opened(opened) => told(
                TimelineKind::Trigger,
                "flag",
                format!("{who} opened the incident “{}” as {}: {}", opened.title, opened.severity, opened.trigger.text),
                [
                    opened.trigger.saw.clone(),
                    format!("Advice: {}, because {}", opened.advice.decision, lower_first(&opened.advice.because)),
                ],
            ),
            Event::TriggerJoined { trigger } => told(
                TimelineKind::Trigger,
                "flag",
                format!("{who} added the trigger “{}” to the incident", trigger.text),
                [trigger.saw.clone()],
            ),
            other => unreachable_kind(other),
        }
    }

    fn tell_command(&self, who: &str, event: &Event) -> Told {
        let decision = |icon, text, detail: &str| told(TimelineKind::Decision, icon, text, [detail.to_owned()]);
        match event {
            Event::RoleTaken { role, person, from } => {
                let who = (self.names)(person);
                let text = match from {
                    Some(from) => format!("{who} took over as {role} from {}", (self.names)(from)),
                    None => format!("{who} took the place of {role}"),
                };
                decision("person", text, "")
            }
            Event::RoleOffered { role, to } => {
                decision("person", format!("{who} offered the place of {role} to {}", (self.names)(to)), "")
            }
            Event::SeverityChanged { from, to, reason, advice } => {
                let direction = if to.worse_than(*from) { "raised" } else { "lowered" };
                told(
                    TimelineKind::Decision,
                    "flag",
                    format!("{who} {direction} the severity from {from} to {to}"),
                    [reason.clone(), format!("Advice now: {}", advice.decision)],
                )
            }
            Event::SeverityChangeAsked { to, reason } => decision(
                "waiting",
                format!("{who} asked to lower the severity to {to}, which takes a second person"),
                reason,
            ),
            Event::RatificationOwed { by, why } => {
                decision("waiting", format!("Backout recorded that the agreement of {by} is owed afterwards"), why)
            }
            Event::Ratified { reason } => {
                decision("done", format!("{who} ratified what was allowed in advance"), reason)
            }
            Event::FreezeLifted { reason } => decision("lock", format!("{who} lifted the deployment freeze"), reason),
            Event::Closed { outcome, reason } => {
                decision("done", format!("{who} closed the incident: {outcome}"), reason)
            }
            other => unreachable_kind(other),
        }
    }

    fn tell_plan(&self, who: &str, event: &Event) -> Told {
        let decision = |icon, text, detail: &str| told(TimelineKind::Decision, icon, text, [detail.to_owned()]);
        match event {
            Event::AttemptDrafted { attempt, draft, escalates: None, why } => {
                decision("evidence", format!("{who} drafted attempt {attempt}: {}", drafted(draft)), why)
            }
            Event::AttemptDrafted { attempt, draft, escalates: Some(failed), why } => decision(
                "evidence",
                format!("{who} drafted attempt {attempt}, a restoration after attempt {failed}: {}", drafted(draft)),
                why,
            ),
            Event::PlanEdited { attempt, draft } => decision(
                "evidence",
                format!("{who} changed the plan of attempt {attempt}: {}", drafted(draft)),
                &draft.reason,
            ),
            Event::PlanSubmitted(submitted) => {
                let plan = FixedPlan::read(&submitted.plan).ok();
                let text = match (&plan, &submitted.narrowed) {
                    (_, Some(_)) => format!("{who} submitted a narrower plan of attempt {}", submitted.attempt),
                    (Some(plan), None) => format!(
                        "{who} submitted the plan of attempt {}: {}",
                        submitted.attempt,
                        planned(plan.kind.to_string(), &plan.targets)
                    ),
                    (None, None) => format!("{who} submitted the plan of attempt {}", submitted.attempt),
                };
                let digest = format!("Plan digest {}", short(&submitted.digest));
                told(
                    TimelineKind::Decision,
                    "evidence",
                    text,
                    [submitted.narrowed.clone().unwrap_or_default(), digest, self.void_words(&submitted.voided)],
                )
            }
            Event::PlanVoided { attempt, why, voided } => told(
                TimelineKind::Decision,
                "back",
                format!("Backout put the plan of attempt {attempt} back to draft: {}", lower_first(why)),
                [self.void_words(voided)],
            ),
            Event::PlanWithdrawn { attempt, reason } => {
                decision("back", format!("{who} withdrew the plan of attempt {attempt}"), reason)
            }
            Event::Assessed { attempt, name, sections } => {
                let form = self.procedure.assessment(name);
                let title = form.map_or_else(|| plain(name), |form| form.title.clone());
                let lines = sections.iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| {
                    let known = form.and_then(|form| form.sections.iter().find(|section| section.name == *key));
                    format!("{} {text}", label(&known.map_or_else(|| plain(key), |section| section.title.clone())))
                });
                told(
                    TimelineKind::Decision,
                    "evidence",
                    format!("{who} wrote the {} of attempt {attempt}", lower_first(&title)),
                    lines,
                )
            }
            other => unreachable_kind(other),
        }
    }

    fn tell_approval(&self, who: &str, event: &Event) -> Told {
        let approval = |icon, text, detail: String| told(TimelineKind::Approval, icon, text, [detail]);
        match event {
            Event::Approved(approved) => told(
                TimelineKind::Approval,
                "key",
                format!("{who} authorised the rollback"),
                [
                    format!(
                        "As {} for attempt {}, plan {}, confirmed by {}",
                        approved.role,
                        approved.attempt,
                        short(&approved.digest),
                        approved.strength
                    ),
                    approved.comment.clone(),
                ],
            ),
            Event::ApprovalWithdrawn { attempt, person } => approval(
                "back",
                format!("{} withdrew their approval of attempt {attempt}", (self.names)(person)),
                String::new(),
            ),
            Event::ChangesRequested { attempt, reason } => {
                approval("retry", format!("{who} asked for changes to the plan of attempt {attempt}"), reason.clone())
            }
            Event::Declined { attempt, reason } => {
                approval("failed", format!("{who} declined the rollback of attempt {attempt}"), reason.clone())
            }
            other => unreachable_kind(other),
        }
    }

    fn tell_order(&self, who: &str, event: &Event) -> Told {
        let decision = |icon, text, detail: &str| told(TimelineKind::Decision, icon, text, [detail.to_owned()]);
        match event {
            Event::StartOrdered { attempt, digest } => decision(
                "play",
                format!("{who} ordered the start of attempt {attempt}"),
                &format!("Plan {}", short(digest)),
            ),
            Event::StartRefused { attempt, why } => {
                decision("attention", format!("Backout did not start attempt {attempt}: {}", lower_first(why)), "")
            }
            Event::ActionReleased { action, .. } => {
                decision("play", format!("{who} gave the word for “{}”", self.action(action)), "")
            }
            Event::ActionHeld { action, why, .. } => told(
                TimelineKind::Run,
                "pause",
                format!("Backout held “{}” back: {}", self.action(action), lower_first(why)),
                [],
            ),
            Event::ActionResumed { action, .. } => {
                decision("play", format!("{who} let “{}” go on", self.action(action)), "")
            }
            Event::StopOrdered { attempt, reason } => {
                decision("stop", format!("{who} ordered attempt {attempt} to stop"), reason)
            }
            other => unreachable_kind(other),
        }
    }

    fn tell_run(&self, who: &str, event: &Event) -> Told {
        let run_entry = |icon, text, detail: String| told(TimelineKind::Run, icon, text, [detail]);
        match event {
            Event::RunStarting(starting) => told(
                TimelineKind::Run,
                "terminal",
                format!("Backout started “{}”", self.action(&starting.action)),
                [
                    format!("Run {}, time limit {}", starting.run, starting.time_limit.in_words()),
                    baseline_words(&starting.baseline),
                ],
            ),
            Event::RunRunning { run } => run_entry("terminal", format!("{} is running", self.run(run)), String::new()),
            Event::RunFinished { run, outcome } => {
                let icon = if outcome.end.is_success() { "done" } else { "failed" };
                let cut = if outcome.log_cut { ", log cut at its limit" } else { "" };
                let lines = if outcome.lines == 1 { "line" } else { "lines" };
                run_entry(
                    icon,
                    format!("{} {}", self.run(run), end_words(&outcome.end)),
                    format!("{} {lines} of log{cut}, digest {}", outcome.lines, short(&outcome.log_sha256)),
                )
            }
            Event::RunLost { run, why } => {
                run_entry("attention", format!("{} lost contact, its outcome is unknown", self.run(run)), why.clone())
            }
            Event::RunJudged { run, succeeded, reason } => run_entry(
                if *succeeded { "done" } else { "failed" },
                format!("{who} looked at {} and found that it {}", self.run_within(run), result_word(*succeeded)),
                reason.clone(),
            ),
            Event::ReportedByHand { action, succeeded, evidence, .. } => run_entry(
                if *succeeded { "done" } else { "failed" },
                format!("{who} reported that “{}”, done by hand, {}", self.action(action), result_word(*succeeded)),
                evidence.clone(),
            ),
            Event::RetryOrdered { run, reason } => told(
                TimelineKind::Decision,
                "retry",
                format!("{who} ordered a new run in place of {}", self.run_within(run)),
                [reason.clone()],
            ),
            other => unreachable_kind(other),
        }
    }

    fn tell_verification(&self, who: &str, event: &Event) -> Told {
        match event {
            Event::ItemMarked { item, mark, .. } => {
                let text = self.procedure.item(item).map_or_else(|| plain(item), |(_, _, item)| item.text.clone());
                marked(who, &text, mark, None)
            }
            Event::ItemUnmarked { item, why, .. } => {
                let text = self.procedure.item(item).map_or_else(|| plain(item), |(_, _, item)| item.text.clone());
                told(TimelineKind::Tick, "back", format!("{who} opened “{text}” again"), [why.clone()])
            }
            Event::CriterionMarked { criterion, mark, measured, .. } => {
                let text =
                    self.procedure.criterion(criterion).map_or_else(|| plain(criterion), |known| known.text.clone());
                match mark {
                    Some(mark) => marked(who, &text, mark, measured.as_deref()),
                    None => told(
                        TimelineKind::Tick,
                        "back",
                        format!("{who} opened the criterion “{text}” again"),
                        [measured_words(measured.as_deref())],
                    ),
                }
            }
            Event::IndicatorMarked { indicator, sign, note, measured, .. } => {
                let text =
                    self.procedure.indicator(indicator).map_or_else(|| plain(indicator), |known| known.text.clone());
                told(
                    TimelineKind::Measurement,
                    if *sign == IndicatorSign::Seen { "attention" } else { "pulse" },
                    format!("{who} marked the failure indicator “{text}” as {}", sign_words(*sign)),
                    [note.clone(), measured_words(measured.as_deref())],
                )
            }
            Event::SuccessConfirmed { attempt, measured, unticked, version_proof } => {
                let values: Vec<String> =
                    measured.iter().map(|(key, value)| format!("{} {value}", series_words(key))).collect();
                let unticked = match unticked.as_slice() {
                    [] => String::new(),
                    items => format!("Not ticked: {}", items.join(", ")),
                };
                told(
                    TimelineKind::Decision,
                    "done",
                    format!("{who} confirmed that attempt {attempt} succeeded"),
                    [version_proof.clone(), values.join(", "), unticked],
                )
            }
            // Whoever set the clock off, as with the calls for an update.
            Event::VerdictOverdue { attempt, due_at } => told(
                TimelineKind::Decision,
                "attention",
                format!("Backout asked for the verdict on attempt {attempt}"),
                [format!("The time to verify it was over at {} UTC", due_at.time_of_day())],
            ),
            Event::FailureDeclared { attempt, reason } => told(
                TimelineKind::Decision,
                "failed",
                format!("{who} declared attempt {attempt} failed"),
                [reason.clone()],
            ),
            // Whoever ended what was measured: the copy is the machine's.
            Event::MeasuresKept { curves } => told(
                TimelineKind::Measurement,
                "pulse",
                "Backout kept what was measured".to_owned(),
                curves.iter().filter_map(curve_words),
            ),
            other => unreachable_kind(other),
        }
    }

    fn tell_message(&self, who: &str, event: &Event) -> Told {
        match event {
            Event::UpdateEdited { number, note } => told(
                TimelineKind::Message,
                "message",
                format!("{who} edited the draft of update {number}"),
                [note.clone()],
            ),
            Event::UpdateSent(update) => told(
                TimelineKind::Message,
                if update.late || !update.missed.is_empty() { "attention" } else { "message" },
                match update.closing {
                    true => format!("Backout sent update {} with the closing{}", update.number, manner(update)),
                    false => format!("{who} sent update {}{}", update.number, manner(update)),
                },
                [update.text.clone()],
            ),
            // Whoever set the clock off: these three are its own.
            Event::UpdateAwaited { number, due_at } => told(
                TimelineKind::Message,
                "waiting",
                format!("Backout called for update {number}, due at {} UTC", due_at.time_of_day()),
                [],
            ),
            Event::UpdateMissed { numbers, due_at } => told(
                TimelineKind::Message,
                "attention",
                format!("Backout recorded that nobody sent {}", numbered(numbers)),
                [format!("Due at {} UTC", due_at.time_of_day())],
            ),
            Event::UpdateEscalated { number, to } => told(
                TimelineKind::Message,
                "bell",
                format!("Backout asked {} for update {number}", roles_words(to, "and")),
                [],
            ),
            Event::BeatChanged { from, every, reason, next_due_at } => {
                let manner = if every > from { "slower" } else { "faster" };
                let next = next_due_at.map(|at| format!("The next is due at {} UTC", at.time_of_day()));
                told(
                    TimelineKind::Decision,
                    "message",
                    format!(
                        "{who} promised {manner} updates: every {}, not every {}",
                        every.in_words(),
                        from.in_words()
                    ),
                    [reason.clone(), next.unwrap_or_default()],
                )
            }
            Event::LinkPinned(pin) => told(
                TimelineKind::Note,
                "evidence",
                format!("{who} pinned the {} “{}”", pin.kind, pin.title),
                [pin.address.clone()],
            ),
            Event::LinkUnpinned { title, address } => {
                told(TimelineKind::Note, "back", format!("{who} took down the link “{title}”"), [address.clone()])
            }
            Event::Reminded { who: awaited, what, .. } => {
                let whom = match awaited {
                    Awaited::Person(person) => (self.names)(person),
                    Awaited::Role(role) => format!("everyone in the role {role}"),
                };
                told(TimelineKind::Message, "bell", format!("{who} reminded {whom} to {}", lower_first(what)), [])
            }
            Event::NoteAdded { text } => {
                told(TimelineKind::Note, "message", format!("{who} wrote a note"), [text.clone()])
            }
            Event::ImpactDescribed(said) => told(
                TimelineKind::Message,
                "people",
                format!("{who} said what people feel: {}", said.felt.trim_end_matches(['.', '!'])),
                impact_lines(said),
            ),
            Event::SectionWritten { document, section, text } => {
                let known = self.procedure.documents.iter().find(|known| known.name == *document);
                let part = known.and_then(|known| known.sections.iter().find(|known| known.name == *section));
                told(
                    TimelineKind::Note,
                    "evidence",
                    format!(
                        "{who} wrote “{}” of the {}",
                        part.map_or_else(|| plain(section), |part| part.title.clone()),
                        known.map_or_else(|| plain(document), |known| known.title.to_lowercase())
                    ),
                    [text.clone()],
                )
            }
            other => unreachable_kind(other),
        }
    }

    fn actor(&self, who: &Who) -> String {
        who.person().map_or_else(|| "Backout".to_owned(), |person| (self.names)(person))
    }

    fn void_words(&self, voided: &[PersonId]) -> String {
        let names: Vec<String> = voided.iter().map(|person| (self.names)(person)).collect();
        if names.is_empty() { String::new() } else { format!("Void: the approval of {}", names.join(" and ")) }
    }

    fn action(&self, name: &str) -> String {
        action_title(self.procedure, name)
    }

    /// A run at the beginning of a sentence.
    fn run(&self, run: &RunId) -> String {
        match self.actions.get(run) {
            Some(action) => format!("“{}”", self.action(action)),
            None => format!("Run {run}"),
        }
    }

    fn run_within(&self, run: &RunId) -> String {
        match self.actions.get(run) {
            Some(action) => format!("the run of “{}”", self.action(action)),
            None => format!("run {run}"),
        }
    }
}

fn drafted(draft: &Draft) -> String {
    planned(draft.kind.to_string(), &draft.targets)
}

/// `error rate 0.2 % to 14.2 %, 03:01:10 to 03:34:52 UTC`; nothing where nothing was measured.
fn curve_words(curve: &Curve) -> Option<String> {
    let (least, most) = curve.range()?;
    let (series, from, to) = (&curve.series, curve.from.time_of_day(), curve.to.time_of_day());
    let name = plain(series.label());
    Some(format!("{name} {} to {}, {from} to {to} UTC", series.show(least), series.show(most)))
}

fn baseline_words(baseline: &BTreeMap<String, i64>) -> String {
    let values: Vec<String> = baseline
        .iter()
        .map(|(key, value)| format!("{} {}", series_words(key), Series::from_key(key).show(*value)))
        .collect();
    if values.is_empty() { String::new() } else { format!("Before it: {}", values.join(", ")) }
}

/// What was said besides the sentence itself, one line each.
fn impact_lines(said: &ImpactSaid) -> Vec<String> {
    let with = |label: &str, text: &str, note: &str| match (text.is_empty(), note.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!("{label}: {text}"),
        (false, false) => format!("{label}: {text}, {note}"),
    };
    vec![
        with("People", &said.people.map_or_else(String::new, thousands), &said.people_note),
        with("Since", &said.since.map_or_else(String::new, |at| at.in_words()), ""),
        with("Cost", &said.cost, &said.cost_note),
        with("Risk of acting", &said.acting, ""),
        with("Risk of waiting", &said.waiting, ""),
    ]
}

fn marked(who: &str, text: &str, mark: &Mark, measured: Option<&str>) -> Told {
    let measured = measured_words(measured);
    let (icon, words, detail) = match mark {
        Mark::Done { note } => ("check", format!("{who} ticked “{text}”"), note),
        // Whoever set it off: it was the machine that found the proof.
        Mark::Proven { evidence } => ("check", format!("Backout ticked “{text}” by itself"), evidence),
        Mark::NotApplicable { reason } => ("not-needed", format!("{who} marked “{text}” as not needed"), reason),
        Mark::Waived { reason } => ("key", format!("{who} waived “{text}”"), reason),
    };
    told(TimelineKind::Tick, icon, words, [detail.clone(), measured])
}

fn measured_words(measured: Option<&str>) -> String {
    measured.map_or_else(String::new, |value| format!("Measured: {value}"))
}

/// How an update went out, where that was not simply at its time.
fn manner(update: &UpdateSent) -> String {
    let mut words = String::new();
    if update.early {
        words.push_str(" before its time");
    } else if update.late {
        words.push_str(" after its time");
    }
    match update.missed.as_slice() {
        [] => {}
        one @ [_] => words.push_str(&format!("; {} was missed", numbered(one))),
        more => words.push_str(&format!("; {} were missed", numbered(more))),
    }
    words
}

/// `update 3`, or `updates 3 to 5`.
fn numbered(numbers: &[u32]) -> String {
    match numbers {
        [] => "no update".to_owned(),
        [one] => format!("update {one}"),
        [first, .., last] => format!("updates {first} to {last}"),
    }
}

const fn result_word(succeeded: bool) -> &'static str {
    if succeeded { "succeeded" } else { "failed" }
}

/// A question stays one; anything else gets a colon.
fn label(title: &str) -> String {
    if title.ends_with('?') { title.to_owned() } else { format!("{title}:") }
}

fn told(kind: TimelineKind, icon: &'static str, text: String, details: impl IntoIterator<Item = String>) -> Told {
    let details: Vec<String> = details.into_iter().filter(|line| !line.trim().is_empty()).collect();
    Told { kind, text, detail: (!details.is_empty()).then(|| details.join("\n")), icon }
}

/// [`Story::tell`] alone sorts events to the parts above, exhaustively.
fn unreachable_kind(event: &Event) -> Told {
    unreachable!("{} is told in another part", event.kind())
}

#[cfg(test)]
mod tests;
