//! What the clock owes: numbered commands that every replica may submit, without a lease; the second is quietly refused.

use super::command::Command;
use super::procedure::Sending;
use super::state::{Incident, Promise, RunState};
use super::{Span, Timestamp};

/// After its time limit, its grace and this much more, a run that nobody heard of is lost.
pub const SILENCE: Span = Span::seconds(60);

/// The next thing that is owed, and when. `None` when nothing is.
pub fn due(incident: &Incident) -> Option<(Timestamp, Command)> {
    let update = update(incident);
    let silent = incident
        .attempts
        .iter()
        .flat_map(|attempt| attempt.live_runs())
        .map(|run| {
            let began = if run.state == RunState::Starting { "started" } else { "ended" };
            let why = format!("nobody heard whether it {began}, and its time is long over");
            (run.starting_at + run.time_limit + run.grace + SILENCE, Command::LoseRun { run: run.id.clone(), why })
        })
        .min_by_key(|(at, _)| *at);
    let verdict = incident.verdict_due().map(|(attempt, at)| (at, Command::CallForVerdict { attempt }));
    [update, silent, verdict].into_iter().flatten().min_by_key(|(at, _)| *at)
}

/// What is owed of the next update: it goes out by itself; or, where a person's word is demanded, its writer is called,
/// its miss is recorded at its time, and the next contact is asked.
fn update(incident: &Incident) -> Option<(Timestamp, Command)> {
    let promise = incident.updates.promised.filter(|_| incident.is_open())?;
    let Promise { number, due_at } = promise;
    if incident.cadence.sent == Sending::ByItself {
        return Some((due_at, Command::SendUpdate { number, note: None }));
    }
    let call = &incident.updates.call;
    let ready = (call.ready != Some(number))
        .then(|| (due_at - incident.cadence.draft_before, Command::CallForUpdate { number }));
    let next = call.missed.last().map_or(number, |missed| missed.saturating_add(1));
    let miss = (promise.due_at_of(next, incident.beat()), Command::MissUpdate { number: next });
    let asked = !call.missed.is_empty() && call.escalated_at.is_none();
    let escalate = asked.then(|| (due_at + incident.cadence.next_contact_after, Command::EscalateUpdate { number }));
    [ready, Some(miss), escalate].into_iter().flatten().min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::apply::fold;
    use crate::domain::event::Event;
    use crate::domain::procedure::Window;
    use crate::domain::report::tests::sample::{OPENED, journal, recorded, run};

    /// The sample incident as it is while its first run goes on, without its updates.
    fn running() -> Incident {
        let journal = journal();
        let begun = journal.iter().position(|one| matches!(one.event, Event::RunRunning { .. })).unwrap();
        let mut incident = fold(&journal[..=begun]).unwrap();
        incident.updates.promised = None;
        incident
    }

    #[test]
    fn a_run_is_given_up_only_after_its_time_and_the_grace_in_which_it_may_still_end() {
        let incident = running();
        let one = incident.live_runs().next().unwrap();
        assert_eq!((one.time_limit, one.grace), (Span::minutes(10), Span::minutes(3)));
        let (at, command) = due(&incident).unwrap();
        assert!(matches!(command, Command::LoseRun { run: lost, .. } if lost == run(1)));
        assert_eq!(at, OPENED + Span::seconds(270) + Span::minutes(13) + SILENCE);
    }

    /// The sample incident as it is at `second`, with a window of verification from 15 to 30 minutes; T+0 is at 240 s.
    fn at_second(second: i64, further: Vec<(i64, Event)>) -> Incident {
        let mut journal = journal();
        journal.retain(|one| one.at <= OPENED + Span::seconds(second));
        let by = journal.iter().find_map(|one| one.actor.person().cloned());
        journal.extend(recorded(further.into_iter().map(|(second, event)| (second, by.clone(), event)).collect()));
        let mut incident = fold(&journal).unwrap();
        incident.verification = Some(Window { from: Span::minutes(15), to: Some(Span::minutes(30)) });
        incident
    }

    #[test]
    fn a_verdict_is_due_when_its_window_ends_and_never_before_the_window_was_there_in_whole() {
        let verdict = |incident: &Incident| incident.verdict_due().map(|(_, at)| (at - OPENED).as_seconds());
        let verifying = at_second(1_145, vec![]);
        let started = verifying.current().unwrap().started_at().unwrap();
        assert_eq!(started, OPENED + Span::seconds(270));
        assert_eq!(verdict(&verifying), Some(270 + 30 * 60), "what ran had ended in time");
        assert_eq!(verdict(&at_second(1_000, vec![])), None, "it runs still");
        assert_eq!(verdict(&at_second(2_200, vec![])), None, "there is a verdict");
        let asked = Event::VerdictOverdue { attempt: 1, due_at: OPENED + Span::seconds(2_070) };
        assert_eq!(verdict(&at_second(1_145, vec![(2_070, asked)])), None, "it was asked for");
        let mut late = verifying.clone();
        late.attempts[0].runs.last_mut().unwrap().ended_at = Some(OPENED + Span::hours(1));
        assert_eq!(verdict(&late), Some(75 * 60), "fifteen minutes after a late end");
        late.attempts[0].runs.last_mut().unwrap().judged_at = Some(OPENED + Span::hours(2));
        assert_eq!(verdict(&late), Some(135 * 60), "and after a person judged what nobody had heard");
        late.verification = None;
        assert_eq!(verdict(&late), None, "an incident from before a window was pinned");
    }

    #[test]
    fn a_journal_from_before_the_grace_was_told_is_still_read() {
        let mut told = serde_json::to_value(crate::domain::report::tests::sample::starting(1)).unwrap();
        told.as_object_mut().unwrap().remove("grace");
        let read: crate::domain::event::RunStarting = serde_json::from_value(told).unwrap();
        assert_eq!(read.grace, Span::ZERO);
    }

    #[test]
    fn one_that_waits_for_a_person_is_called_for_missed_and_escalated_in_this_order() {
        let mut incident = fold(&journal()).unwrap();
        let at = |minutes| Timestamp(0) + Span::minutes(minutes);
        incident.closed = None;
        incident.cadence.sent = Sending::ByPerson;
        incident.updates.promised = Some(Promise { number: 3, due_at: at(10) });
        let owed = |incident: &Incident| update(incident).unwrap();
        assert_eq!(owed(&incident), (at(9), Command::CallForUpdate { number: 3 }));
        incident.updates.call.ready = Some(3);
        assert_eq!(owed(&incident), (at(10), Command::MissUpdate { number: 3 }));
        incident.updates.call.missed = vec![3];
        assert_eq!(owed(&incident), (at(11), Command::EscalateUpdate { number: 3 }));
        incident.updates.call.escalated_at = Some(at(11));
        assert_eq!(owed(&incident), (at(15), Command::MissUpdate { number: 4 }));
        incident.cadence.sent = Sending::ByItself;
        assert_eq!(owed(&incident), (at(10), Command::SendUpdate { number: 3, note: None }));
    }
}
