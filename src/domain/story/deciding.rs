//! What was decided: triggers, command, plans, approvals and orders.

use super::{Story, TimelineKind, Told, told, unreachable_kind};
use crate::domain::PersonId;
use crate::domain::event::Event;
use crate::domain::plan::{Draft, FixedPlan};
use crate::domain::words::{lower_first, plain, planned, short};

impl Story<'_> {
    pub(super) fn tell_trigger(&self, who: &str, event: &Event) -> Told {
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

    pub(super) fn tell_command(&self, who: &str, event: &Event) -> Told {
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

    pub(super) fn tell_plan(&self, who: &str, event: &Event) -> Told {
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

    pub(super) fn tell_approval(&self, who: &str, event: &Event) -> Told {
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

    pub(super) fn tell_order(&self, who: &str, event: &Event) -> Told {
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

    fn void_words(&self, voided: &[PersonId]) -> String {
        let names: Vec<String> = voided.iter().map(|person| (self.names)(person)).collect();
        if names.is_empty() { String::new() } else { format!("Void: the approval of {}", names.join(" and ")) }
    }
}

fn drafted(draft: &Draft) -> String {
    planned(draft.kind.to_string(), &draft.targets)
}

/// A question stays one; anything else gets a colon.
fn label(title: &str) -> String {
    if title.ends_with('?') { title.to_owned() } else { format!("{title}:") }
}
