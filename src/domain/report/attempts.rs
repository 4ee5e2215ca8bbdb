//! One attempt after the other: plan, approvals, runs, checklists, verification.
//!
//! The fold keeps what counts now; a report also tells what was. So approvals that became void, plans that were replaced
//! and judgements of runs come from the journal itself, everything else from the folded incident.

use super::{
    ActionPart, ApprovalPart, AssessmentPart, AttemptPart, ChecklistPart, CriterionPart, IndicatorPart, ItemPart,
    Names, PlanPart, RunPart, Said, Submission, TargetPart, TickState, VerificationPart, Void, Waiver, actor, said,
};
use crate::domain::condition::{Condition, Direction, Series};
use crate::domain::event::{Event, Mark, Recorded};
use crate::domain::figures::steps;
use crate::domain::plan::{FixedPlan, Target};
use crate::domain::procedure::{ActionMode, Indicator, Phase, Procedure, Slot, SlotKind, StartMode};
use crate::domain::state::{Attempt, Incident, Marked, Run, RunId};
use crate::domain::words::{action_title, end_words, plain, planned, series_words, sign_words};
use crate::domain::{PersonId, Span, Timestamp};
use std::collections::BTreeMap;

/// The part of a journal that tells of one attempt.
struct Attempted<'a> {
    attempt: &'a Attempt,
    journal: Vec<&'a Recorded>,
    procedure: &'a Procedure,
    names: Names<'a>,
}

pub fn attempts(journal: &[Recorded], incident: &Incident, procedure: &Procedure, names: Names) -> Vec<AttemptPart> {
    incident
        .attempts
        .iter()
        .map(|attempt| {
            let own = |recorded: &&Recorded| concerns(&recorded.event, attempt);
            let journal = journal.iter().filter(own).collect();
            Attempted { attempt, journal, procedure, names }.part()
        })
        .collect()
}

fn concerns(event: &Event, attempt: &Attempt) -> bool {
    let of_run = |id: &RunId| attempt.runs.iter().any(|run| run.id == *id);
    match event {
        Event::RunRunning { run }
        | Event::RunFinished { run, .. }
        | Event::RunLost { run, .. }
        | Event::RunJudged { run, .. }
        | Event::RetryOrdered { run, .. } => of_run(run),
        other => other.attempt() == Some(attempt.number),
    }
}

impl Attempted<'_> {
    fn part(&self) -> AttemptPart {
        let attempt = self.attempt;
        let submissions = self.submissions();
        let draft = &attempt.draft;
        AttemptPart {
            number: attempt.number,
            status: attempt.status().to_string(),
            what: planned(draft.kind.to_string(), &draft.targets),
            why: attempt.why.clone(),
            escalates: attempt.escalates,
            drafted: self
                .first(|event| matches!(event, Event::AttemptDrafted { .. }).then_some(attempt.why.as_str()))
                .expect("an attempt begins with its draft"),
            plan: self.newest_plan(),
            submissions,
            approvals: self.approvals(),
            waivers: self.waivers(),
            assessments: self.assessments(),
            start_ordered: self.last(|event| matches!(event, Event::StartOrdered { .. }).then_some("")),
            started_at: attempt.started_at(),
            runs: attempt.runs.iter().map(|run| self.run(run)).collect(),
            stop: self.last(|event| match event {
                Event::StopOrdered { reason, .. } => Some(reason),
                _ => None,
            }),
            steps: steps(attempt, self.procedure),
            lanes: None,
            checklists: self.checklists(),
            verification: attempt.started_at().map(|_| self.verification()),
            end: attempt.end.as_ref().map(|end| Said {
                by: self.name(end.by.as_ref()),
                at: end.at,
                text: end.reason.clone(),
            }),
        }
    }

    fn name(&self, person: Option<&PersonId>) -> String {
        person.map_or_else(|| "Backout".to_owned(), self.names)
    }

    fn first<'e>(&'e self, words: impl Fn(&'e Event) -> Option<&'e str>) -> Option<Said> {
        self.journal.iter().find_map(|recorded| Some(said(recorded, words(&recorded.event)?, self.names)))
    }

    fn last<'e>(&'e self, words: impl Fn(&'e Event) -> Option<&'e str>) -> Option<Said> {
        self.journal.iter().rev().find_map(|recorded| Some(said(recorded, words(&recorded.event)?, self.names)))
    }

    fn submissions(&self) -> Vec<Submission> {
        let mut submissions: Vec<Submission> = Vec::new();
        for recorded in &self.journal {
            if let Some(void) = void_by(recorded)
                && let Some(standing) = submissions.last_mut().filter(|submission| submission.void.is_none())
            {
                standing.void = Some(void);
            }
            if let Event::PlanSubmitted(submitted) = &recorded.event {
                submissions.push(Submission {
                    at: recorded.at,
                    by: actor(recorded, self.names),
                    digest: submitted.digest.clone(),
                    narrowed: submitted.narrowed.clone(),
                    void: None,
                });
            }
        }
        submissions
    }

    fn newest_plan(&self) -> Option<PlanPart> {
        self.journal.iter().rev().find_map(|recorded| match &recorded.event {
            Event::PlanSubmitted(submitted) => {
                FixedPlan::read(&submitted.plan).ok().map(|plan| self.plan(&plan, &submitted.digest))
            }
            _ => None,
        })
    }

    fn plan(&self, plan: &FixedPlan, digest: &str) -> PlanPart {
        let procedure = self.procedure;
        let rule = procedure.rules.iter().find(|rule| rule.name == plan.rule);
        PlanPart {
            kind: plan.kind.to_string(),
            digest: digest.to_owned(),
            environment: plan.environment.clone(),
            components: plan.components.clone(),
            severity: plan.severity,
            decision: plan.decision.to_string(),
            rule: rule.map_or_else(|| plain(&plan.rule), |rule| rule.text.clone()),
            slots: plan.slots.iter().map(slot_words).collect(),
            start: match plan.start {
                StartMode::AtAuthorisation => "with the last authorisation".to_owned(),
                StartMode::OnCommand => "at a person's word".to_owned(),
            },
            targets: plan.targets.iter().map(target).collect(),
            actions: plan
                .actions
                .iter()
                .map(|action| ActionPart {
                    title: action.title.clone(),
                    executor: procedure
                        .executor(&action.executor)
                        .map_or_else(|| plain(&action.executor), |executor| executor.title.clone()),
                    place: action.place.clone(),
                    directory: action.directory.clone(),
                    argv: action.argv.clone(),
                    by_hand: action.by_hand.clone(),
                    scripts: action.scripts.iter().map(|script| (script.path.clone(), script.sha256.clone())).collect(),
                    grants: action.grants.clone(),
                    time_limit: action.time_limit,
                    mode: match action.mode {
                        ActionMode::Automatic => "by itself".to_owned(),
                        ActionMode::OnCommand => "at the technical lead's word".to_owned(),
                    },
                    needs: action.needs.iter().map(|item| self.item_text(item)).collect(),
                })
                .collect(),
            scope: plan.scope.clone(),
            not_covered: plan.not_covered.clone(),
            fallback: plan.fallback.clone(),
            reason: plan.reason.clone(),
        }
    }

    fn item_text(&self, name: &str) -> String {
        self.procedure.item(name).map_or_else(|| plain(name), |(_, _, item)| item.text.clone())
    }

    fn approvals(&self) -> Vec<ApprovalPart> {
        let mut approvals: Vec<(Option<PersonId>, ApprovalPart)> = Vec::new();
        for recorded in &self.journal {
            if let Some(void) = void_by(recorded) {
                for (_, approval) in approvals.iter_mut().filter(|(_, approval)| approval.void.is_none()) {
                    approval.void = Some(void.clone());
                }
            }
            match &recorded.event {
                Event::Approved(approved) => approvals.push((
                    recorded.actor.person().cloned(),
                    ApprovalPart {
                        by: actor(recorded, self.names),
                        role: approved.role.to_string(),
                        at: recorded.at,
                        strength: approved.strength.to_string(),
                        comment: approved.comment.clone(),
                        digest: approved.digest.clone(),
                        expires_at: approved.expires_at,
                        void: None,
                    },
                )),
                Event::ApprovalWithdrawn { person, .. } => {
                    let own = approvals
                        .iter_mut()
                        .filter(|(by, approval)| by.as_ref() == Some(person) && approval.void.is_none());
                    for (_, approval) in own {
                        approval.void = Some(Void { at: recorded.at, why: "it was withdrawn".to_owned() });
                    }
                }
                _ => {}
            }
        }
        approvals.into_iter().map(|(_, approval)| approval).collect()
    }

    fn waivers(&self) -> Vec<Waiver> {
        self.journal
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::ItemMarked { item, mark: Mark::Waived { reason }, .. } => Some(Waiver {
                    item: self.item_text(item),
                    by: actor(recorded, self.names),
                    at: recorded.at,
                    reason: reason.clone(),
                }),
                _ => None,
            })
            .collect()
    }

    fn assessments(&self) -> Vec<AssessmentPart> {
        self.attempt
            .assessments
            .iter()
            .map(|(name, assessed)| {
                let form = self.procedure.assessment(name);
                // In the form's order; what the form does not know comes last.
                let known = form.into_iter().flat_map(|form| &form.sections).filter_map(|section| {
                    assessed.sections.get(&section.name).map(|text| (section.title.clone(), text.clone()))
                });
                let unknown = assessed
                    .sections
                    .iter()
                    .filter(|(key, _)| !form.is_some_and(|form| form.sections.iter().any(|s| s.name == **key)))
                    .map(|(key, text)| (plain(key), text.clone()));
                AssessmentPart {
                    title: form.map_or_else(|| plain(name), |form| form.title.clone()),
                    by: self.name(assessed.by.as_ref()),
                    at: assessed.at,
                    answers: known.chain(unknown).filter(|(_, text)| !text.is_empty()).collect(),
                }
            })
            .collect()
    }

    fn run(&self, run: &Run) -> RunPart {
        let outcome = run.outcome.as_ref();
        let start = self.attempt.started_at().unwrap_or(run.starting_at);
        let by_hand = self.journal.iter().any(
            |recorded| matches!(&recorded.event, Event::ReportedByHand { run: reported, .. } if *reported == run.id),
        );
        let title = self
            .attempt
            .plan()
            .and_then(|plan| plan.actions.iter().find(|action| action.name == run.action))
            .map_or_else(|| action_title(self.procedure, &run.action), |action| action.title.clone());
        RunPart {
            id: run.id.to_string(),
            action: title,
            host: run.host.clone(),
            by_hand,
            started_at: run.starting_at,
            offset: run.starting_at.shown_since(start),
            state: run.state.to_string(),
            end: outcome.map_or_else(|| run.state.to_string(), |outcome| end_words(&outcome.end)),
            ended_at: run.ended_at,
            duration: run.ended_at.filter(|_| !by_hand).map(|ended| ended.shown_since(run.starting_at)),
            time_limit: run.time_limit,
            lines: outcome.map(|outcome| outcome.lines),
            log_sha256: outcome.map(|outcome| outcome.log_sha256.clone()),
            log_cut: outcome.is_some_and(|outcome| outcome.log_cut),
            word: run.word.clone(),
            judged: self.last(|event| match event {
                Event::RunJudged { run: judged, reason, .. } if *judged == run.id => Some(reason),
                _ => None,
            }),
            retried: self.last(|event| match event {
                Event::RetryOrdered { run: retried, reason } if *retried == run.id => Some(reason),
                _ => None,
            }),
        }
    }

    fn checklists(&self) -> Vec<ChecklistPart> {
        let kind = self.attempt.plan().map_or(self.attempt.draft.kind, |plan| plan.kind);
        let started = self.attempt.started_at().is_some();
        self.procedure
            .checklists
            .iter()
            .filter(|list| started || list.phase == Phase::Before)
            .map(|list| ChecklistPart {
                step: match list.phase {
                    Phase::Step(number) => Some(number),
                    Phase::Before => None,
                },
                title: list.title.clone(),
                items: list
                    .groups
                    .iter()
                    .flat_map(|group| group.items.iter().map(move |item| (group, item)))
                    .filter(|(_, item)| item.types.is_empty() || item.types.contains(&kind))
                    .map(|(group, item)| {
                        let marked = self.attempt.marks.get(&item.name);
                        let Ticked { state, by, at, detail } = self.ticked(marked);
                        let condition = item.condition.clone().or_else(|| group.condition.clone());
                        ItemPart {
                            group: group.title.clone(),
                            text: item.text.clone(),
                            condition,
                            state,
                            by,
                            at,
                            detail,
                        }
                    })
                    .collect(),
            })
            .collect()
    }

    fn ticked(&self, marked: Option<&Marked>) -> Ticked {
        let Some(marked) = marked else {
            return Ticked { state: TickState::Open, by: None, at: None, detail: String::new() };
        };
        let (state, detail) = match &marked.mark {
            Mark::Done { note } => (TickState::Done, note),
            Mark::Proven { evidence } => (TickState::Proven, evidence),
            Mark::NotApplicable { reason } => (TickState::NotNeeded, reason),
            Mark::Waived { reason } => (TickState::Waived, reason),
        };
        Ticked { state, by: Some(self.name(marked.by.as_ref())), at: Some(marked.at), detail: detail.clone() }
    }

    fn verification(&self) -> VerificationPart {
        let confirmation = self.journal.iter().find_map(|recorded| match &recorded.event {
            Event::SuccessConfirmed { measured, unticked, version_proof, .. } => {
                Some((said(recorded, "", self.names), measured, unticked, version_proof))
            }
            _ => None,
        });
        let verification = &self.procedure.verification;
        let criteria = verification
            .criteria
            .iter()
            .map(|criterion| {
                let marked = self.attempt.criteria.get(&criterion.name);
                let Ticked { state, by, at, detail } = self.ticked(marked);
                let condition = criterion.condition.as_ref();
                CriterionPart {
                    text: criterion.text.clone(),
                    required: condition.map(required),
                    state,
                    measured_at_tick: marked.and_then(|marked| marked.measured.clone()),
                    measured_at_confirmation: condition.and_then(|condition| {
                        let (_, measured, _, _) = confirmation.as_ref()?;
                        measured.get(condition.series.key()).cloned()
                    }),
                    by,
                    at,
                    detail,
                }
            })
            .collect();
        let measured = confirmation.as_ref().map(|(_, measured, ..)| *measured);
        let indicators = verification.indicators.iter().map(|indicator| self.indicator(indicator, measured)).collect();
        VerificationPart {
            criteria,
            indicators,
            version_proof: confirmation.as_ref().map(|(_, _, _, proof)| (*proof).clone()),
            unticked: confirmation.as_ref().map_or_else(Vec::new, |(_, _, unticked, _)| (*unticked).clone()),
            confirmed: confirmation.map(|(said, ..)| said),
            baseline: self
                .attempt
                .baseline
                .iter()
                .map(|(key, value)| (series_words(key), Series::from_key(key).show(*value)))
                .collect(),
        }
    }

    /// What was frozen when it was marked counts, else what was measured as success was confirmed.
    fn indicator(&self, indicator: &Indicator, confirmed: Option<&BTreeMap<String, String>>) -> IndicatorPart {
        let seen = self.attempt.indicators.get(&indicator.name);
        let measured = self.journal.iter().rev().find_map(|recorded| match &recorded.event {
            Event::IndicatorMarked { indicator: name, measured, .. } if *name == indicator.name => Some(measured),
            _ => None,
        });
        IndicatorPart {
            text: indicator.text.clone(),
            sign: seen.map(|seen| sign_words(seen.sign).to_owned()),
            note: seen.map_or_else(String::new, |seen| seen.note.clone()),
            measured: measured.cloned().flatten().or_else(|| self.at_the_confirmation(indicator, confirmed?)),
            by: seen.map(|seen| self.name(seen.by.as_ref())),
            at: seen.map(|seen| seen.at),
        }
    }

    /// `0.2 % as success was confirmed, 14.2 % at T+0`.
    fn at_the_confirmation(&self, indicator: &Indicator, confirmed: &BTreeMap<String, String>) -> Option<String> {
        let key = indicator.compares.as_ref()?;
        let now = confirmed.get(key)?;
        let then = self.attempt.baseline.get(key).map(|value| Series::from_key(key).show(*value));
        Some(format!("{now} as success was confirmed, {} at T+0", then.unwrap_or_else(|| "no data".to_owned())))
    }
}

/// A mark taken apart.
struct Ticked {
    state: TickState,
    by: Option<String>,
    at: Option<Timestamp>,
    detail: String,
}

/// What makes the plan that stands, and every approval of it, void.
fn void_by(recorded: &Recorded) -> Option<Void> {
    let why = match &recorded.event {
        Event::PlanVoided { why, .. } => why.clone(),
        Event::ChangesRequested { reason, .. } => format!("changes were requested: {reason}"),
        Event::PlanEdited { .. } | Event::PlanSubmitted(_) => "the plan was changed".to_owned(),
        _ => return None,
    };
    Some(Void { at: recorded.at, why })
}

fn slot_words(slot: &Slot) -> String {
    match slot.kind {
        SlotKind::Approve => format!("{} authorises", slot.duty),
        SlotKind::Review => format!("{} reviews and signs", slot.duty),
        SlotKind::InformBefore => format!("{} is informed before", slot.duty),
        SlotKind::InformAfter => format!("{} is informed after", slot.duty),
    }
}

fn target(target: &Target) -> TargetPart {
    TargetPart {
        kind: target.kind.key().to_owned(),
        component: target.component.clone(),
        from: target.from.clone(),
        to: target.name.clone(),
        checksum: target.checksum.clone(),
        free_text: target.free_text,
    }
}

/// What a criterion demands: `below 1.0 % for 1:00`.
fn required(condition: &Condition) -> String {
    let side = match condition.direction {
        Direction::Above => "above",
        Direction::Below => "below",
    };
    let threshold = condition.series.show(condition.threshold);
    if condition.hold > Span::ZERO {
        format!("{side} {threshold} for {}", condition.hold.in_words())
    } else {
        format!("{side} {threshold}")
    }
}
