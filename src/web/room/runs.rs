//! The plan's actions in their order, and what became of each: runs, what holds one back, and what people can do.

use crate::domain::command::Command;
use crate::domain::decide::{TICK_FIRST, unticked};
use crate::domain::plan::PlannedAction;
use crate::domain::state::{ActionState, Attempt, AttemptStatus, Incident, Run, RunState};
use crate::domain::words::{command_line, end_words};
use crate::domain::{Span, Timestamp};
use crate::web::AppState;
use crate::web::error::WebError;
use crate::web::incident::{Place, Sight, place_words};
use crate::web::run::{Line, host_name, lines};

pub struct Runs {
    pub attempt: u32,
    pub actions: Vec<Action>,
    /// Where stopping makes sense.
    pub stop: Place,
    /// The rollback stands still: what can be done, in a sentence.
    pub halted: bool,
    pub stopping: Option<String>,
    pub target: String,
    pub reads_logs: bool,
}

pub struct Action {
    pub number: usize,
    pub name: String,
    pub title: String,
    pub state: &'static str,
    pub class: &'static str,
    pub icon: &'static str,
    pub place: String,
    pub command: String,
    /// For people to copy.
    pub by_hand: Vec<String>,
    pub report: Place,
    pub runs: Vec<RunRow>,
    /// The end of its log stands below it.
    pub shows_log: bool,
    pub release: Place,
    pub held: String,
    pub resume: Place,
}

pub struct RunRow {
    pub id: String,
    pub state: RunWord,
    pub started_at: Timestamp,
    pub took: String,
    pub end: String,
    pub word: String,
    /// It was carried out by people and has no log.
    pub by_hand: bool,
    pub retried: bool,
    pub retry: Place,
    pub judge: Place,
}

/// A run's state as a word with its colour and icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunWord {
    pub words: &'static str,
    pub class: &'static str,
    pub icon: &'static str,
}

impl RunWord {
    pub const fn of(state: RunState) -> RunWord {
        let (words, class, icon) = match state {
            RunState::Starting => ("Starting", "tag-you", "waiting"),
            RunState::Running => ("Running", "tag-you", "now"),
            RunState::Succeeded => ("Succeeded", "tag-ok", "done"),
            RunState::Failed => ("Failed", "tag-crit", "failed"),
            RunState::TimedOut => ("Timed out", "tag-crit", "failed"),
            RunState::Cancelled => ("Stopped", "tag-warn", "stop"),
            RunState::Lost => ("Lost contact: unknown, not failed", "tag-warn", "attention"),
        };
        RunWord { words, class, icon }
    }
}

impl Runs {
    /// Nothing while no plan is submitted, and of one that ended before anything of it ran.
    pub fn of(sight: &Sight) -> Option<Runs> {
        let attempt = sight.incident.current()?;
        let plan = attempt.plan()?;
        if attempt.status().is_terminal() && attempt.runs.is_empty() {
            return None;
        }
        let actions = plan.actions.iter().enumerate().map(|(place, planned)| action(sight, attempt, place, planned));
        Some(Runs {
            attempt: attempt.number,
            actions: actions.collect(),
            stop: sight.stop_place(attempt),
            halted: attempt.status() == AttemptStatus::Halted && attempt.stop.is_none(),
            stopping: attempt.stop.as_ref().map(|stop| {
                format!("{} stopped it at {} UTC: {}", sight.by(stop.by.as_ref()), stop.at.time_of_day(), stop.reason)
            }),
            target: attempt.destination(),
            reads_logs: sight.reads_logs(),
        })
    }
}

fn action(sight: &Sight, attempt: &Attempt, place: usize, planned: &PlannedAction) -> Action {
    let offers = sight.offers();
    let state = attempt.action_state(&planned.name);
    let over = attempt.stop.is_some() || attempt.status().is_terminal();
    // What is over goes on no more, whatever held it back.
    let held = attempt.held.as_ref().filter(|held| !over && held.action == planned.name);
    let holds_hands = !over && attempt.holds_hands(planned);
    let last = attempt.runs.iter().rev().find(|run| run.action == planned.name);
    let cancelled = last.is_some_and(|run| run.state == RunState::Cancelled);
    let (words, class, icon) = match state {
        _ if held.is_some() || holds_hands => ("Held back", "tag-crit", "attention"),
        ActionState::Waiting | ActionState::AwaitsWord | ActionState::Ready if over => ("Not begun", "", "later"),
        ActionState::Waiting => ("Waits for those before it", "", "later"),
        ActionState::AwaitsWord => ("Waits for the technical lead’s word", "tag-warn", "waiting"),
        ActionState::Ready if attempt.start_ordered.is_none() => ("Waits for the start", "", "later"),
        ActionState::Ready if planned.by_hand.is_empty() => ("Ready", "tag-you", "waiting"),
        ActionState::Ready => ("To be carried out by hand", "tag-warn", "waiting"),
        ActionState::Live => ("Running", "tag-you", "now"),
        ActionState::Done => ("Done", "tag-ok", "done"),
        ActionState::Broken if cancelled => ("Stopped", "tag-warn", "stop"),
        ActionState::Broken => ("Broken", "tag-crit", "failed"),
    };
    let open = unticked(sight.facts.procedure, attempt, planned);
    let report = Command::ReportByHand {
        attempt: attempt.number,
        action: planned.name.clone(),
        succeeded: true,
        evidence: "…".to_owned(),
    };
    Action {
        number: place + 1,
        name: planned.name.clone(),
        title: planned.title.clone(),
        state: words,
        class,
        icon,
        place: place_words(&planned.place).to_owned(),
        command: command_line(&planned.argv),
        by_hand: planned.by_hand.clone(),
        report: if planned.by_hand.is_empty() { Place::None } else { Place::of(offers.ask(&report)) },
        runs: attempt.runs.iter().filter(|run| run.action == planned.name).map(|run| row(sight, run)).collect(),
        shows_log: sight.reads_logs() && followed(sight.incident).is_some_and(|run| run.action == planned.name),
        release: match state {
            ActionState::AwaitsWord => Place::of(offers.release(attempt.number, &planned.name)),
            _ => Place::None,
        },
        held: match held {
            // Since it was held, some of them may have been ticked.
            Some(held) if held.why.starts_with(TICK_FIRST) => {
                open.unwrap_or_else(|| format!("what had to be ticked first is ticked by now. {}", to_resume(sight)))
            }
            Some(held) => held.why.clone(),
            None => open.filter(|_| holds_hands).unwrap_or_default(),
        },
        resume: match held {
            Some(_) => Place::of(offers.resume(attempt.number, &planned.name)),
            None => Place::None,
        },
    }
}

/// Who goes on once nothing is open any more, and how.
fn to_resume(sight: &Sight) -> String {
    match &sight.incident.technical_lead {
        Some(lead) if *lead == sight.who.person => "Press “Check again and go on”".to_owned(),
        Some(lead) => format!("{} presses “Check again and go on”", sight.facts.name(lead)),
        None => "Whoever takes the technical lead presses “Check again and go on”".to_owned(),
    }
}

/// The run whose log the room shows: the one under way, else the last that printed something. Work by hand has no log.
pub fn followed(incident: &Incident) -> Option<&Run> {
    let runs = || incident.current().into_iter().flat_map(|attempt| &attempt.runs).filter(|run| !by_hand(run));
    runs().rfind(|run| run.state.is_live()).or_else(|| runs().next_back())
}

fn by_hand(run: &Run) -> bool {
    run.time_limit == Span::ZERO
}

/// The last lines of a run's log.
pub struct LogEnd {
    pub run: String,
    /// The number of the first line here, from 0: each line has the name that it has in a stream, so that one which is
    /// printed while the room loads does not stand twice.
    pub first: i64,
    pub lines: Vec<Line>,
    /// How many there are in all.
    pub all: i64,
    /// How many its end spoke of; more than there are while they are being copied. 0 before its end.
    pub told: i64,
    pub host: String,
}

/// How many lines of a log the room shows.
const LAST: i64 = 200;

impl LogEnd {
    pub async fn read(app: &AppState, run: &Run) -> Result<LogEnd, WebError> {
        let name = run.id.0.as_str();
        let all = app.store.log_end(name).await?;
        let chunks = app.store.log_from(name, (all - LAST).max(0), LAST).await?;
        let begins = chunks.first().map_or(0, |chunk| chunk.first_line);
        let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.bytes).collect();
        let mut lines = lines(&bytes);
        let spare = lines.len().saturating_sub(LAST as usize);
        lines.drain(..spare);
        let first = begins + spare as i64;
        let all = all.max(first + lines.len() as i64);
        let told = run.outcome.as_ref().map_or(0, |outcome| outcome.lines);
        Ok(LogEnd { run: name.to_owned(), first, all, lines, told, host: host_name(app, &run.host).await? })
    }
}

fn row(sight: &Sight, run: &Run) -> RunRow {
    let offers = sight.offers();
    let ended_well = run.state == RunState::Succeeded || run.state.is_live();
    let until = run.ended_at.unwrap_or(sight.now);
    RunRow {
        id: run.id.0.clone(),
        state: RunWord::of(run.state),
        started_at: run.starting_at,
        took: (until - run.starting_at).to_string(),
        end: run.outcome.as_ref().map_or(String::new(), |outcome| end_words(&outcome.end)),
        word: run.word.clone().unwrap_or_default(),
        by_hand: by_hand(run),
        retried: run.retried,
        retry: if ended_well { Place::None } else { Place::of(offers.retry(&run.id)) },
        judge: if run.state == RunState::Lost { Place::of(offers.judge(&run.id)) } else { Place::None },
    }
}
