//! What is next, worded for who looks: the first thing in the room.

use crate::domain::command::Command;
use crate::domain::decide::reminding::PAUSE;
use crate::domain::decide::unticked;
use crate::domain::state::AttemptStatus;
use crate::domain::waits::{Awaited, IN_DOUBT, TICK_REST, Task, Wait, waits};
use crate::domain::words::stopped;
use crate::domain::{Role, Timestamp};
use crate::web::incident::{Sight, names, sentence};
use crate::web::layout::initials;

pub struct Band {
    /// `next-you` or nothing.
    pub class: &'static str,
    pub initials: String,
    pub who: String,
    pub heading: String,
    pub detail: String,
    /// `For`, before the time that it has waited.
    pub waited: &'static str,
    pub since: Option<Since>,
    pub press: Option<Press>,
    /// Of what the heading says, where that waits for others, or for the viewer.
    pub nudge: Nudge,
    /// What else waits, one line each.
    pub then: Vec<(String, Nudge)>,
}

/// How a wait stands with reminders.
#[derive(Default)]
pub struct Nudge {
    /// The button, for those who may press it now.
    pub remind: Option<Remind>,
    /// The last one.
    pub told: Option<Told>,
}

/// Whom a reminder goes to, and of what: the hidden fields of its form.
pub struct Remind {
    pub task: &'static str,
    pub of: String,
    pub role: &'static str,
    pub person: String,
    /// `Tomás Rivera`, `everyone in the role management`.
    pub whom: String,
}

/// A reminder that was sent.
pub struct Told {
    /// `Noor Aziz reminded you`, `You reminded Tomás Rivera`.
    pub words: String,
    pub at: Timestamp,
    /// When another may be sent, while that lies ahead.
    pub again_at: Option<Timestamp>,
    /// It is for the viewer.
    pub yours: bool,
}

/// How long something has waited, counted up on the page.
pub struct Since {
    pub at: Timestamp,
    pub value: String,
}

/// The band's one button.
pub enum Press {
    Link { words: &'static str, href: String },
    Take { role: Role, words: String },
}

impl Band {
    pub fn of(sight: &Sight) -> Band {
        let all = waits(sight.incident, sight.now);
        let Some(first) = all.first() else { return Band::quiet(sight) };
        match all.iter().position(|wait| is_theirs(sight, wait)) {
            Some(mine) => Band::yours(sight, &all, mine),
            None => {
                let then = all[1..].iter().map(|wait| (line(sight, wait), Nudge::of(sight, wait))).collect();
                Band {
                    class: "",
                    initials: initials(&sight.who.name),
                    who: "Nothing for you right now.".to_owned(),
                    heading: line(sight, first),
                    detail: detail(sight, first),
                    waited: "For",
                    since: Some(since(sight, first)),
                    press: None,
                    nudge: Nudge::of(sight, first),
                    then,
                }
            }
        }
    }

    fn yours(sight: &Sight, all: &[Wait], mine: usize) -> Band {
        let wait = &all[mine];
        let others = all.iter().enumerate().filter(|(place, _)| *place != mine);
        Band {
            class: "next-you",
            initials: initials(&sight.who.name),
            who: format!("You{}", as_what(sight, &wait.who)),
            heading: wait.what.clone(),
            detail: detail(sight, wait),
            waited: "Waiting for you for",
            since: Some(since(sight, wait)),
            press: Some(press(&sight.incident.id, wait)),
            nudge: Nudge::of(sight, wait),
            then: others.map(|(_, wait)| (line(sight, wait), Nudge::of(sight, wait))).collect(),
        }
    }

    fn quiet(sight: &Sight) -> Band {
        let (heading, detail) = match &sight.incident.closed {
            Some(closed) => (
                format!("The incident is closed: {}", closed.outcome),
                format!(
                    "{} closed it at {} UTC. {}",
                    sight.by(closed.by.as_ref()),
                    closed.at.time_of_day(),
                    closed.reason
                ),
            ),
            None => ("Backout is at work".to_owned(), "It goes on by itself; nobody is waited for.".to_owned()),
        };
        Band {
            class: "",
            initials: initials(&sight.who.name),
            who: "Nothing for you right now.".to_owned(),
            heading,
            detail,
            waited: "",
            since: None,
            press: None,
            nudge: Nudge::default(),
            then: Vec::new(),
        }
    }
}

impl Nudge {
    fn of(sight: &Sight, wait: &Wait) -> Nudge {
        let yours = is_theirs(sight, wait);
        let whom = match &wait.who {
            Awaited::Person(person) => sight.facts.name(person),
            Awaited::Role(role) => format!("everyone in the role {role}"),
        };
        let told = wait.reminded.as_ref().map(|last| {
            let mine = last.by == sight.who.person;
            let by = if mine { "You".to_owned() } else { sight.facts.name(&last.by) };
            let again_at = last.at + PAUSE;
            Told {
                words: format!("{by} reminded {}", if yours && !mine { "you" } else { whom.as_str() }),
                at: last.at,
                again_at: Some(again_at).filter(|at| *at > sight.now),
                yours: yours && !mine,
            }
        });
        let command = Command::Remind { task: wait.task, of: wait.of.clone(), who: wait.who.clone() };
        let may = !yours && sight.offers().ask(&command).is_ok();
        let remind = may.then(|| Remind {
            task: wait.task.key(),
            of: wait.of.clone(),
            role: match &wait.who {
                Awaited::Role(role) => role.key(),
                Awaited::Person(_) => "",
            },
            person: match &wait.who {
                Awaited::Person(person) => person.0.clone(),
                Awaited::Role(_) => String::new(),
            },
            whom,
        });
        Nudge { remind, told }
    }
}

/// What whoever is waited for must know about it; with a blank at its end, or empty.
fn detail(sight: &Sight, wait: &Wait) -> String {
    if wait.task == Task::Plan {
        return asked(sight).map_or_else(String::new, |asked| format!("{asked} "));
    }
    if wait.task == Task::Recover && wait.what.starts_with(TICK_REST) {
        let attempt = sight.incident.current();
        let left = attempt.and_then(|attempt| unticked(sight.facts.procedure, attempt, attempt.waits_for_items()?));
        return left.map_or_else(String::new, |left| format!("{} ", stopped(sentence(&left))));
    }
    if (wait.task, wait.of.as_str()) != (Task::Escalate, IN_DOUBT) {
        return String::new();
    }
    let Some(attempt) = sight.incident.current() else { return String::new() };
    let overdue = attempt.unverified_since.map(|due| format!("It was to be verified by {} UTC. ", due.time_of_day()));
    let seen = attempt.indicators_seen().map(|(name, seen)| {
        let text = sight.facts.procedure.indicator(name).map_or(name, |indicator| &indicator.text);
        let by = sight.by(seen.by.as_ref());
        format!("{by} saw “{text}” at {} UTC: {} ", seen.at.time_of_day(), stopped(&seen.note))
    });
    seen.chain(overdue).collect()
}

/// Who asked for changes to the plan that is drafted, when, and in which words.
pub fn asked(sight: &Sight) -> Option<String> {
    let drafted = sight.incident.current().filter(|attempt| attempt.status() == AttemptStatus::Draft)?;
    let asked = drafted.changes_asked.as_ref()?;
    let (by, at) = (sight.by(asked.by.as_ref()), asked.at.time_of_day());
    Some(format!("{by} asked for changes at {at} UTC: {}", stopped(&asked.reason)))
}

fn since(sight: &Sight, wait: &Wait) -> Since {
    Since { at: wait.since, value: (sight.now - wait.since).to_string() }
}

/// Is this one's turn, and could this person really do it now?
fn is_theirs(sight: &Sight, wait: &Wait) -> bool {
    if !wait.who.includes(&sight.who.person, &sight.who.roles) {
        return false;
    }
    match (wait.task, sight.incident.current()) {
        (Task::Approve, Some(attempt)) => attempt.plan().is_some_and(|plan| {
            let mut gates = plan.slots.iter().filter(|slot| slot.kind.gates());
            gates.any(|slot| sight.offers().approve(attempt, &slot.role).is_ok())
        }),
        (Task::Escalate, Some(attempt)) if wait.of == IN_DOUBT => sight.offers().declare_failed(attempt.number).is_ok(),
        (Task::Start, Some(attempt)) => sight.offers().start(attempt).is_ok(),
        (Task::WriteUpdate, _) => {
            let promise = sight.incident.updates.promised;
            promise.is_some_and(|promise| sight.offers().send_update(promise.number).is_ok())
        }
        (Task::ConfirmSeverity, _) => {
            sight.incident.severity_asked.as_ref().is_some_and(|asked| asked.by != sight.who.person)
        }
        _ => true,
    }
}

fn as_what(sight: &Sight, awaited: &Awaited) -> String {
    let role = match awaited {
        Awaited::Role(role) => Some(*role),
        Awaited::Person(person) => [Role::IncidentCommander, Role::TechnicalLead]
            .into_iter()
            .find(|role| sight.incident.holder(*role) == Some(person)),
    };
    role.map_or(String::new(), |role| format!(", as {role}"))
}

/// `Waiting for Maya Okafor to authorise the rollback to 4.11.3`.
fn line(sight: &Sight, wait: &Wait) -> String {
    let who = match &wait.who {
        Awaited::Person(person) => sight.facts.name(person),
        Awaited::Role(role) => {
            let somebody = role.somebody();
            let holders: Vec<String> = sight.facts.holders(*role).map(|(_, fact)| fact.name.clone()).collect();
            match holders.len() {
                0 => format!("{somebody} (nobody holds the role)"),
                1..=3 => format!("{somebody} ({})", names(holders, "or")),
                _ => somebody.to_owned(),
            }
        }
    };
    format!("Waiting for {who} to {}", lower(&wait.what))
}

fn lower(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn press(id: &str, wait: &Wait) -> Press {
    let link = |words, tail: &str| Press::Link { words, href: format!("/incidents/{id}{tail}") };
    match wait.task {
        Task::TakeCommand => Press::Take { role: Role::IncidentCommander, words: "Take command".to_owned() },
        Task::TakeLead => Press::Take { role: Role::TechnicalLead, words: sentence("take the technical lead") },
        Task::AcceptRole => link("Answer the hand-over", "#people"),
        Task::Plan => link("Open the plan", "/plan"),
        Task::Approve => link("Read and authorise…", "/approve"),
        Task::Start => link("Start…", "#starting"),
        Task::ReleaseAction => link("Go to the action", "#runs"),
        Task::JudgeRun => link("Look at the run", "#runs"),
        Task::Recover => link("See what can be done", "#runs"),
        Task::Verify => link("Verify…", "/verify"),
        Task::Escalate if wait.of == IN_DOUBT => link("Decide…", "/verify#decision"),
        Task::Escalate => link("See what can be done", "#recovery"),
        Task::ConfirmSeverity => link("Answer", "#severity"),
        Task::Ratify => link("Read and ratify…", "#decision"),
        Task::Close => link("Close the incident…", "/close"),
        Task::WriteUpdate => link("Review and send…", "/update"),
    }
}
