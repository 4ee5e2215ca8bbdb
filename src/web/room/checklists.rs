//! The procedure's checklists: before the rollback, and its steps with their windows. People tick; what the machine can
//! prove it ticks itself, with the proof beside it.

use crate::domain::command::Command;
use crate::domain::decide::open_items;
use crate::domain::event::Mark;
use crate::domain::figures::verdict_step;
use crate::domain::procedure::{Checklist, Evidence, Item, Phase, Window};
use crate::domain::progress::late_steps;
use crate::domain::state::{ActionState, Attempt, AttemptStatus, Marked};
use crate::domain::{Span, Timestamp};
use crate::web::incident::{Place, Sight};

pub struct List {
    pub name: String,
    pub title: String,
    /// `T+5 to T+15`, or what stands before the start.
    pub window: String,
    pub late: bool,
    /// Unfolded: it is its time.
    pub open: bool,
    pub done: usize,
    pub all: usize,
    pub groups: Vec<Group>,
}

pub struct Group {
    pub title: String,
    pub condition: String,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub name: String,
    pub text: String,
    pub owner: String,
    /// Something waits for it: the start, or an action of the plan.
    pub required: bool,
    pub condition: String,
    pub class: &'static str,
    pub icon: &'static str,
    /// The state in a word, for those who do not see the icon.
    pub state: &'static str,
    pub mark: Option<Marking>,
    /// The run that ticks it is under way.
    pub running: bool,
    pub tick: Place,
    pub waive: bool,
    pub untick: Place,
}

/// Who marked an item, when, and with which words.
pub struct Marking {
    pub by: String,
    pub at: Timestamp,
    pub words: String,
}

/// Every checklist of the procedure for the present attempt: the one whose time it is, and the others in their order.
/// None while there is no attempt.
pub fn lists(sight: &Sight) -> (Option<List>, Vec<List>) {
    let Some(attempt) = sight.incident.current() else { return (None, Vec::new()) };
    let late = late_steps(sight.facts, sight.incident, sight.now);
    let checklists = &sight.facts.procedure.checklists;
    let mut lists: Vec<List> = checklists.iter().map(|list| of(sight, attempt, list, &late)).collect();
    let now = present(sight, attempt, checklists, &lists).map(|place| lists.remove(place));
    (now.map(|list| List { open: true, ..list }), lists)
}

/// Whose time it is: before the start the first that is not done, then the one that is not done and whose window began
/// last, without such a window the first that is not done. What is verified is open from the end of the last run to the
/// verdict, and not before.
fn present(sight: &Sight, attempt: &Attempt, checklists: &[Checklist], lists: &[List]) -> Option<usize> {
    let status = attempt.status();
    if status.is_terminal() || !sight.incident.is_open() {
        return None;
    }
    if let Some(place) = holding(attempt, checklists) {
        return Some(place);
    }
    let verdict = verdict_step(sight.facts.procedure).map(Phase::Step);
    let verifies = |place: usize| Some(checklists[place].phase) == verdict;
    if status == AttemptStatus::Verifying
        && let Some(place) = (0..lists.len()).find(|place| verifies(*place))
    {
        return Some(place);
    }
    let before = matches!(status, AttemptStatus::Draft | AttemptStatus::Submitted);
    let fits = |phase: Phase| (phase == Phase::Before) == before;
    let open =
        |place: &usize| fits(checklists[*place].phase) && !verifies(*place) && lists[*place].done < lists[*place].all;
    let open: Vec<usize> = (0..lists.len()).filter(open).collect();
    let elapsed = attempt.started_at().map(|start| sight.now - start);
    let runs = |place: &&usize| {
        let window = checklists[**place].window;
        elapsed
            .zip(window)
            .is_some_and(|(elapsed, window)| window.from <= elapsed && window.to.is_some_and(|to| elapsed < to))
    };
    let begun_last =
        open.iter().filter(runs).rev().max_by_key(|place| checklists[**place].window.map(|window| window.from));
    begun_last.or(open.first()).copied()
}

/// The list with an open item for which an action is held back.
fn holding(attempt: &Attempt, checklists: &[Checklist]) -> Option<usize> {
    let item = attempt.unticked(attempt.waits_for_items()?).next()?;
    checklists.iter().position(|list| list.groups.iter().flat_map(|group| &group.items).any(|it| it.name == *item))
}

fn of(sight: &Sight, attempt: &Attempt, list: &Checklist, late: &[String]) -> List {
    let groups: Vec<Group> = list
        .groups
        .iter()
        .map(|group| Group {
            title: group.title.clone().unwrap_or_default(),
            condition: group.condition.clone().unwrap_or_default(),
            rows: group
                .items
                .iter()
                .filter(|item| told(attempt, list, item))
                .map(|item| row(sight, attempt, item))
                .collect(),
        })
        .collect();
    let applies = |item: &&Item| applies(attempt, item);
    let items = || list.groups.iter().flat_map(|group| &group.items).filter(applies);
    let done = items().filter(|item| attempt.is_marked(&item.name)).count();
    let all = items().count();
    List {
        name: list.name.clone(),
        // Two lists may share a title: the step tells them apart.
        title: match list.phase {
            Phase::Step(step) => format!("Step {step}: {}", list.title),
            _ => list.title.clone(),
        },
        window: window_words(list.phase, list.window),
        late: late.contains(&list.title),
        open: false,
        done,
        all,
        groups,
    }
}

/// `T+5 to T+15 min`.
fn window_words(phase: Phase, window: Option<Window>) -> String {
    let minutes = |span: Span| span.as_seconds() / 60;
    match (phase, window) {
        (Phase::Before, _) => "before the start".to_owned(),
        (_, Some(Window { from, to: Some(to) })) => format!("T+{} to T+{} min", minutes(from), minutes(to)),
        (_, Some(Window { from, to: None })) if from.0 > 0 => format!("from T+{} min on", minutes(from)),
        _ => "ongoing".to_owned(),
    }
}

fn applies(attempt: &Attempt, item: &Item) -> bool {
    let kind = attempt.plan().map_or(attempt.draft.kind, |plan| plan.kind);
    item.types.is_empty() || item.types.contains(&kind)
}

/// Not where the same words stand in the list once more, for this kind of rollback or before.
fn told(attempt: &Attempt, list: &Checklist, item: &Item) -> bool {
    let mut others = list.groups.iter().flat_map(|group| &group.items).filter(|other| other.text == item.text);
    let first = others.clone().next().is_none_or(|first| first.name == item.name);
    let marked = attempt.is_marked(&item.name);
    marked || applies(attempt, item) || (first && !others.any(|other| applies(attempt, other)))
}

fn row(sight: &Sight, attempt: &Attempt, item: &Item) -> Row {
    let marked = attempt.marks.get(&item.name);
    let running = marked.is_none()
        && matches!(&item.evidence, Some(Evidence::Run(action)) if attempt.action_state(action) == ActionState::Live);
    let offers = sight.offers();
    let idle = marked.is_some() || !applies(attempt, item);
    let tick = if idle { Place::None } else { Place::of(offers.tick(attempt.number, &item.name)) };
    let waive = tick.is_open()
        && sight.incident.commander.as_ref() == Some(&sight.who.person)
        && offers
            .ask(&Command::Tick {
                attempt: attempt.number,
                item: item.name.clone(),
                mark: Mark::Waived { reason: "…".to_owned() },
            })
            .is_ok();
    let (class, icon, state) = match marked.map(|marked| &marked.mark) {
        Some(Mark::Done { .. }) => ("check-done", "check", "Done"),
        Some(Mark::Proven { .. }) => ("check-done", "check", "Proven by Backout"),
        Some(Mark::NotApplicable { .. }) => ("check-skipped", "minus", "Not applicable"),
        Some(Mark::Waived { .. }) => ("check-skipped", "minus", "Waived"),
        None if !applies(attempt, item) => ("check-skipped", "minus", "Not part of this kind of rollback"),
        None if running => ("check-now", "", "Running"),
        None if tick.lock().is_some() => ("check-locked", "lock", "Open"),
        None => ("", "", "Open"),
    };
    let untick = if marked.is_some() { Place::of(offers.untick(attempt.number, &item.name)) } else { Place::None };
    Row {
        name: item.name.clone(),
        text: item.text.clone(),
        owner: item.owner.as_ref().map_or(String::new(), |owner| owner_title(sight, owner)),
        required: holds_back(sight, attempt, item),
        condition: item.condition.clone().unwrap_or_default(),
        class,
        icon,
        state,
        mark: marked.map(|marked| marking(sight, marked)),
        running,
        tick,
        waive,
        untick,
    }
}

fn holds_back(sight: &Sight, attempt: &Attempt, item: &Item) -> bool {
    if attempt.status().is_terminal() {
        return false;
    }
    let start = || open_items(sight.facts, attempt).iter().any(|open| open.name == item.name);
    let mut actions = attempt.plan().into_iter().flat_map(|plan| &plan.actions);
    let holds = actions.any(|action| !attempt.is_done(&action.name) && action.needs.contains(&item.name));
    holds || (attempt.runs.is_empty() && start())
}

fn owner_title(sight: &Sight, owner: &str) -> String {
    let procedure = sight.facts.procedure;
    let role = procedure.role(owner).map(|role| role.title.clone());
    let team = || procedure.responders.iter().find(|team| team.name == owner).map(|team| team.title.clone());
    role.or_else(team).unwrap_or_else(|| owner.to_owned())
}

fn marking(sight: &Sight, marked: &Marked) -> Marking {
    let words = match &marked.mark {
        Mark::Done { note } => note.clone(),
        Mark::Proven { evidence } => evidence.clone(),
        Mark::NotApplicable { reason } | Mark::Waived { reason } => reason.clone(),
    };
    Marking { by: sight.by(marked.by.as_ref()), at: marked.at, words }
}
