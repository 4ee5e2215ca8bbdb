//! The decision: what the rules say and why, who must agree, who has agreed, and what became of it.

use crate::domain::command::Command;
use crate::domain::decide::{SlotView, TICK_FIRST, slot_views, unproven, unticked};
use crate::domain::event::Advice;
use crate::domain::procedure::{SlotKind, StartMode, TargetKind};
use crate::domain::state::{Attempt, AttemptStatus, Incident};
use crate::domain::words::upper_first;
use crate::domain::{Role, Severity, Timestamp};
use crate::web::approve::{against, lost, rule_number};
use crate::web::incident::{Lock, Named, Place, Sight, lock, names};
use crate::web::incident_header::State;

pub struct Decision {
    /// Who must agree, in a plain sentence.
    pub policy: String,
    pub advice: String,
    pub because: String,
    pub otherwise: String,
    pub rule: String,
    /// The version that the incident keeps to its end: its address's part, and its words.
    pub playbook: (String, String),
    pub slots: Vec<Slot>,
    /// `Management is told afterwards.`
    pub told: Vec<String>,
    pub plan: Option<PlanBrief>,
    pub voided: Vec<Voided>,
    pub start: Option<Start>,
    pub end: Option<End>,
    /// How the attempt ended, in a word with its colour and icon.
    pub ended: Option<State>,
    pub earlier: Vec<Earlier>,
    pub ratify: Option<Ratify>,
}

/// One demand, and who meets it.
pub struct Slot {
    pub title: String,
    /// What the slot does: authorise, or judge the feasibility.
    pub demand: &'static str,
    pub filled: Option<Filled>,
    pub expired: bool,
    /// Nobody can fill it.
    pub blocked: bool,
    /// The attempt is over: nobody is asked any more.
    pub over: bool,
    /// Nobody has taken its place yet: what would be taken, and by whom.
    pub awaits: Option<Awaits>,
    pub open_to: String,
    /// The one who looks could fill it.
    pub yours: bool,
}

/// A slot that belongs to a vacant place.
pub struct Awaits {
    /// `takes command`.
    pub act: &'static str,
    /// Who holds the role: `Maya Okafor or Noor Aziz`.
    pub by: String,
}

pub struct Filled {
    pub by: Named,
    pub at: Timestamp,
    pub strength: String,
    pub comment: String,
    pub expires_at: Timestamp,
    /// The clock no longer counts once a run has started.
    pub counts: bool,
}

pub struct PlanBrief {
    pub attempt: u32,
    pub digest: String,
    pub by: String,
    pub at: Timestamp,
    pub start: &'static str,
}

pub struct Voided {
    pub who: String,
    pub why: String,
}

/// The word to start, where the plan waits for it.
pub struct Start {
    pub attempt: u32,
    pub digest: String,
    pub target: String,
    pub place: Place,
    /// Why the last check refused it.
    pub refused: String,
    /// What speaks against it or is lost by it, a sentence each.
    pub mind: Vec<String>,
}

pub struct End {
    pub words: String,
    pub reason: String,
    pub by: String,
    pub at: Timestamp,
}

pub struct Earlier {
    pub number: u32,
    pub words: String,
}

/// What was allowed on condition that management agrees afterwards.
pub struct Ratify {
    pub why: Vec<String>,
    pub lock: Option<Lock>,
}

impl Decision {
    pub fn of(sight: &Sight) -> Decision {
        let incident = sight.incident;
        let advice = &incident.advice;
        let attempt = incident.current();
        let slots = attempt.map_or_else(Vec::new, |attempt| slots(sight, attempt));
        let voided = attempt.into_iter().flat_map(|attempt| &attempt.voided);
        Decision {
            policy: advice.authority.clone(),
            advice: upper_first(&advice.decision.to_string()),
            because: upper_first(&advice.because),
            otherwise: advice.otherwise.clone(),
            rule: rule_number(sight.facts.procedure, &advice.rule),
            playbook: (sight.incident.playbook.clone(), sight.incident.playbook_version.clone()),
            slots,
            told: told(advice),
            plan: attempt.and_then(|attempt| brief(sight, attempt)),
            voided: voided.map(|(who, why)| Voided { who: sight.facts.name(who), why: why.clone() }).collect(),
            start: attempt.and_then(|attempt| start(sight, attempt)),
            end: attempt.and_then(|attempt| end(sight, attempt)),
            ended: attempt.and_then(|attempt| ended(incident, attempt)),
            earlier: earlier(sight),
            ratify: ratify(sight),
        }
    }

    /// Whether every demand is met and none has expired.
    pub fn is_authorised(&self) -> bool {
        !self.slots.is_empty() && self.slots.iter().all(|slot| slot.filled.is_some() && !slot.expired)
    }

    pub fn is_blocked(&self) -> bool {
        self.slots.iter().any(|slot| slot.blocked)
    }
}

/// Who is informed without a say, a sentence each.
pub fn told(advice: &Advice) -> Vec<String> {
    let informed = advice.slots.iter().filter(|slot| !slot.kind.gates());
    informed
        .map(|slot| {
            let when = if slot.kind == SlotKind::InformBefore { "before the start" } else { "afterwards" };
            format!("{} is told {when}.", upper_first(&slot.duty.to_string()))
        })
        .collect()
}

/// The slots as pages show them.
pub fn slots(sight: &Sight, attempt: &Attempt) -> Vec<Slot> {
    let views = slot_views(sight.incident, attempt, sight.facts, sight.now);
    views.into_iter().map(|view| slot(sight, attempt, view)).collect()
}

fn slot(sight: &Sight, attempt: &Attempt, view: SlotView) -> Slot {
    let blocked = view.is_blocked();
    let title = sight.facts.procedure.role(&view.slot.role).map_or(view.slot.role.clone(), |role| role.title.clone());
    let open_to: Vec<String> = view.open_to.iter().map(|person| sight.facts.name(person)).collect();
    let started = !attempt.runs.is_empty();
    Slot {
        title,
        demand: if view.slot.kind == SlotKind::Review { "judges that it is feasible" } else { "authorises" },
        yours: attempt.status() == AttemptStatus::Submitted && sight.offers().approve(attempt, &view.slot.role).is_ok(),
        filled: view.filled_by.map(|approval| Filled {
            by: sight.named(&approval.person),
            at: approval.at,
            strength: approval.strength.to_string(),
            comment: approval.comment,
            expires_at: approval.expires_at,
            counts: !started,
        }),
        expired: view.expired,
        blocked,
        over: attempt.status().is_terminal() || !sight.incident.is_open(),
        awaits: view.awaits_place.then(|| Awaits {
            act: match view.slot.duty {
                Role::IncidentCommander => "takes command",
                _ => "takes the place of the technical lead",
            },
            by: sight.holders(view.slot.duty),
        }),
        open_to: names(open_to, "or"),
    }
}

fn brief(sight: &Sight, attempt: &Attempt) -> Option<PlanBrief> {
    let submitted = attempt.submitted.as_ref()?;
    Some(PlanBrief {
        attempt: attempt.number,
        digest: submitted.digest.clone(),
        by: sight.by(submitted.by.as_ref()),
        at: submitted.at,
        start: match submitted.plan.start {
            StartMode::AtAuthorisation => "at the last authorisation, by itself",
            StartMode::OnCommand => "on the word of the incident commander or the technical lead",
        },
    })
}

fn start(sight: &Sight, attempt: &Attempt) -> Option<Start> {
    let submitted = attempt.submitted.as_ref()?;
    let waits = attempt.status() == AttemptStatus::Submitted && attempt.start_ordered.is_none();
    waits.then(|| Start {
        attempt: attempt.number,
        digest: submitted.digest.clone(),
        target: attempt.destination(),
        place: Place::of(sight.offers().start(attempt)),
        refused: refused(sight, attempt),
        mind: mind(sight, attempt),
    })
}

/// Why the last check refused the start; of items that had to be ticked first, those that are open still.
fn refused(sight: &Sight, attempt: &Attempt) -> String {
    let Some(why) = &attempt.start_refused else { return String::new() };
    if !why.starts_with(TICK_FIRST) {
        return why.clone();
    }
    let first = attempt.plan().and_then(|plan| plan.actions.first());
    first.and_then(|first| unticked(sight.facts.procedure, attempt, first)).unwrap_or_default()
}

/// What the page *Authorise* says in red: it may have changed since whoever starts read it.
fn mind(sight: &Sight, attempt: &Attempt) -> Vec<String> {
    let against = attempt.targets().iter().flat_map(|target| against(sight, target));
    let backups = attempt.targets().iter().filter(|target| target.kind == TargetKind::Backup);
    let doubts = unproven(sight.facts, attempt.draft.kind, attempt.targets());
    against.chain(backups.map(|backup| lost(sight, backup))).chain(doubts).collect()
}

fn end(sight: &Sight, attempt: &Attempt) -> Option<End> {
    let end = attempt.end.as_ref()?;
    Some(End {
        words: format!("Attempt {} {}", attempt.number, end.status.stands()),
        reason: end.reason.clone(),
        by: sight.by(end.by.as_ref()),
        at: end.at,
    })
}

fn ended(incident: &Incident, attempt: &Attempt) -> Option<State> {
    let status = attempt.status();
    if !status.is_terminal() {
        return (!incident.is_open()).then(|| State { words: "Closed".to_owned(), class: "", icon: "done" });
    }
    let (class, icon) = match status {
        AttemptStatus::Succeeded => ("tag-ok", "done"),
        AttemptStatus::Failed => ("tag-crit", "failed"),
        _ => ("tag-warn", "failed"),
    };
    Some(State { words: upper_first(&status.to_string()), class, icon })
}

fn earlier(sight: &Sight) -> Vec<Earlier> {
    let attempts = &sight.incident.attempts;
    let before = attempts.len().saturating_sub(1);
    attempts[..before]
        .iter()
        .map(|attempt| Earlier {
            number: attempt.number,
            words: format!("{} to {}: {}", attempt.draft.kind, attempt.destination(), attempt.status()),
        })
        .collect()
}

fn ratify(sight: &Sight) -> Option<Ratify> {
    let why: Vec<String> =
        sight.incident.debts.iter().filter(|debt| !debt.paid).map(|debt| upper_first(&debt.why)).collect();
    (!why.is_empty()).then(|| Ratify { why, lock: lock(sight.offers().ratify()) })
}

/// How grave it is, and the form to change that.
pub struct SeverityPanel {
    pub now: Severity,
    pub others: Vec<Severity>,
    pub change: Place,
    pub asked: Option<Asked>,
}

/// A lowering that waits for a second person.
pub struct Asked {
    pub to: Severity,
    pub by: String,
    pub reason: String,
    pub confirm: Option<Lock>,
}

impl SeverityPanel {
    pub fn of(sight: &Sight) -> SeverityPanel {
        let now = sight.incident.severity;
        let others: Vec<Severity> = Severity::ALL.into_iter().filter(|other| *other != now).collect();
        let sample = Command::ChangeSeverity { to: others[others.len() - 1], reason: "…".to_owned() };
        let asked = sight.incident.severity_asked.as_ref().map(|asked| Asked {
            to: asked.to,
            by: sight.facts.name(&asked.by),
            reason: asked.reason.clone(),
            confirm: lock(sight.offers().ask(&Command::ConfirmSeverity { to: asked.to })),
        });
        SeverityPanel { now, others, change: Place::of(sight.offers().ask(&sample)), asked }
    }
}

/// Deployments wait while production is rolled back.
pub struct Freeze {
    pub frozen: bool,
    pub lifted: Option<String>,
    pub lift: Place,
}

impl Freeze {
    pub fn of(sight: &Sight) -> Freeze {
        let lift = match sight.offers().lift_freeze() {
            // It can be lifted when the rollback has ended: worth saying before.
            Err(refusal) if sight.incident.is_frozen() => Place::Locked(refusal.into()),
            other => Place::of(other),
        };
        Freeze { frozen: sight.incident.is_frozen(), lifted: sight.incident.freeze_lifted.clone(), lift }
    }
}

/// What can be done after a failure. The restoration is offered, with what it costs, and never first.
pub struct Recovery {
    pub attempt: u32,
    pub procedure: String,
    pub backup: String,
    pub taken_at: Option<Timestamp>,
    pub lost: String,
    /// It was restored in this incident already, and there is no other.
    pub again: bool,
    /// The releases that its plan deploys too.
    pub deploys: Vec<String>,
    pub lock: Option<Lock>,
}

impl Recovery {
    pub fn of(sight: &Sight) -> Option<Recovery> {
        let attempt = sight.incident.current().filter(|attempt| attempt.status() == AttemptStatus::Failed)?;
        if !sight.incident.is_open() {
            return None;
        }
        let offers = sight.offers();
        let backup = offers.backup_for(attempt);
        let lost = backup.map_or(String::new(), |backup| {
            let age = (sight.now - backup.at).as_seconds();
            format!(
                "Everything written in the {} h {} min since it was taken would be lost.",
                age / 3_600,
                age / 60 % 60
            )
        });
        Some(Recovery {
            attempt: attempt.number,
            procedure: sight.facts.procedure.verification.escalation.text.clone(),
            backup: backup.map_or(String::new(), |backup| backup.name.clone()),
            taken_at: backup.map(|backup| backup.at),
            lost,
            again: backup.is_some_and(|backup| offers.was_restored(&backup.name)),
            deploys: attempt
                .draft
                .targets
                .iter()
                .filter(|target| target.kind == TargetKind::Release)
                .map(|target| target.name.clone())
                .collect(),
            lock: lock(offers.restore(attempt)),
        })
    }
}
