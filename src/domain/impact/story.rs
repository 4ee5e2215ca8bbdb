//! What happened, for those who were not there.

use super::{Case, Moment};
use crate::domain::Role;
use crate::domain::event::{Event, Recorded, RunEnd, RunStarting};
use crate::domain::figures::executed_at;
use crate::domain::words::lower_first;

impl Case<'_> {
    /// What a manager would tell of it afterwards.
    pub(super) fn story(&self, journal: &[Recorded]) -> Vec<Moment> {
        let mut story = Vec::new();
        if let Some((name, at)) = self.release().filter(|(_, at)| *at <= self.since()) {
            story.push(Moment { at, text: format!("Version {name} went live.") });
        }
        if let Some(at) = self.said.since {
            story.push(Moment { at, text: "People began to feel it.".to_owned() });
        }
        for recorded in journal {
            story.extend(self.told(recorded).into_iter().map(|text| Moment { at: recorded.at, text }));
        }
        for attempt in &self.incident.attempts {
            if let Some(at) = executed_at(attempt) {
                story.push(Moment { at, text: format!("{}.", self.goal(attempt).was) });
            }
        }
        story.sort_by_key(|moment| moment.at);
        story
    }

    fn told(&self, recorded: &Recorded) -> Option<String> {
        let who = recorded.actor.person().map_or_else(|| "Backout".to_owned(), |person| self.facts.name(person));
        let end = |text: &str| lower_first(text.trim_end_matches('.'));
        let goal = |number: &u32| {
            self.incident.attempt(*number).map_or("the rollback", |attempt| self.goal(attempt).doing).to_owned()
        };
        Some(match &recorded.event {
            Event::Opened(opened) => format!("{who} raised the alarm: {}.", opened.trigger.text.trim_end_matches('.')),
            Event::TriggerJoined { trigger } => {
                format!("A further alarm came: {}.", trigger.text.trim_end_matches('.'))
            }
            Event::RoleTaken { role: Role::IncidentCommander, person, .. } => {
                format!("{} took command.", self.facts.name(person))
            }
            Event::SeverityChanged { from, to, reason, .. } => {
                format!("{who} changed the severity from {from} to {to}: {}.", end(reason))
            }
            Event::ImpactDescribed(said) => format!("{who} said what people feel: {}.", end(&said.felt)),
            Event::PlanSubmitted(plan) => format!("{} was proposed.", goal(&plan.attempt)),
            Event::Approved(approved) => format!("{who} authorised {}.", lower_first(&goal(&approved.attempt))),
            Event::Declined { attempt, reason } => {
                format!("{who} declined {}: {}.", lower_first(&goal(attempt)), end(reason))
            }
            Event::RunStarting(run) if self.is_first(run) => format!("{} began.", goal(&run.attempt)),
            Event::RunFinished { outcome, .. } if outcome.end == RunEnd::Cancelled => {
                "One part of it was stopped.".to_owned()
            }
            Event::RunFinished { outcome, .. } if !outcome.end.is_success() => "One part of it failed.".to_owned(),
            Event::RunLost { .. } => "The outcome of one part could not be learnt.".to_owned(),
            Event::StopOrdered { reason, .. } => format!("{who} stopped it: {}.", end(reason)),
            Event::SuccessConfirmed { .. } => format!("{who} confirmed that it works."),
            Event::FailureDeclared { reason, .. } => format!("{who} declared that it did not help: {}.", end(reason)),
            Event::Closed { outcome, .. } => format!("{who} closed the incident: {outcome}."),
            _ => return None,
        })
    }

    fn is_first(&self, run: &RunStarting) -> bool {
        let attempt = self.incident.attempt(run.attempt);
        attempt.and_then(|attempt| attempt.runs.first()).is_some_and(|first| first.id == run.run)
    }
}
