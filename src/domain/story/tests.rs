use super::*;
use crate::domain::actor::Who;
use crate::domain::command::Outcome;
use crate::domain::condition::Series;
use crate::domain::curve::Curve;
use crate::domain::event::{ImpactSaid, Mark, Pin, RunEnd, RunOutcome, UpdateSent};
use crate::domain::procedure::LinkKind;
use crate::domain::report::tests::sample::{
    OPENED, advice, approved, draft, helen, journal, maya, names, opened, run, starting, submitted, tomas, trigger,
    update,
};
use crate::domain::state::IndicatorSign;
use crate::domain::waits::Awaited;
use crate::domain::{Role, Severity, Span};
use crate::playbook::default_procedure;

/// One of each, as a person's act. A new kind of event fails to compile in `kinds` until it is here.
fn every_event() -> Vec<(Event, &'static str)> {
    let mark = || Mark::Done { note: "6 of 6".into() };
    let outcome = |end| RunOutcome { end, lines: 1, log_sha256: "cd".repeat(32), log_cut: true };
    let reason = || String::from("because");
    let item = || String::from("deploy-previous-version");
    vec![
        (
            Event::Opened(opened()),
            "Maya Okafor opened the incident “Crisis detection stopped flagging messages” as P1: Crisis detection system failure",
        ),
        (
            Event::TriggerJoined { trigger: trigger() },
            "Maya Okafor added the trigger “Crisis detection system failure” to the incident",
        ),
        (
            Event::RoleTaken { role: Role::TechnicalLead, person: tomas(), from: Some(helen()) },
            "Tomás Rivera took over as technical lead from Helen Brandt",
        ),
        (
            Event::RoleOffered { role: Role::IncidentCommander, to: helen() },
            "Maya Okafor offered the place of incident commander to Helen Brandt",
        ),
        (
            Event::SeverityChanged { from: Severity::P1, to: Severity::P0, reason: reason(), advice: advice() },
            "Maya Okafor raised the severity from P1 to P0",
        ),
        (
            Event::SeverityChangeAsked { to: Severity::P2, reason: reason() },
            "Maya Okafor asked to lower the severity to P2, which takes a second person",
        ),
        (
            Event::RatificationOwed { by: Role::Management, why: reason() },
            "Backout recorded that the agreement of management is owed afterwards",
        ),
        (Event::Ratified { reason: reason() }, "Maya Okafor ratified what was allowed in advance"),
        (
            Event::AttemptDrafted { attempt: 1, draft: draft("4.11.3"), escalates: None, why: reason() },
            "Maya Okafor drafted attempt 1: full rollback of crisis-detection to 4.11.3",
        ),
        (
            Event::PlanEdited { attempt: 1, draft: draft("4.11.2") },
            "Maya Okafor changed the plan of attempt 1: full rollback of crisis-detection to 4.11.2",
        ),
        (
            Event::PlanSubmitted(submitted("4.11.3")),
            "Maya Okafor submitted the plan of attempt 1: full rollback of crisis-detection to 4.11.3",
        ),
        (
            Event::PlanVoided { attempt: 1, why: "the plan was changed".into(), voided: vec![tomas()] },
            "Backout put the plan of attempt 1 back to draft: the plan was changed",
        ),
        (Event::PlanWithdrawn { attempt: 1, reason: reason() }, "Maya Okafor withdrew the plan of attempt 1"),
        (
            Event::Assessed {
                attempt: 1,
                name: "feasibility".into(),
                sections: BTreeMap::from([("risk".into(), "low".into())]),
            },
            "Maya Okafor wrote the feasibility assessment of attempt 1",
        ),
        (
            Event::Approved(approved("incident_commander", Role::IncidentCommander, "Go", "4.11.3")),
            "Maya Okafor authorised the rollback",
        ),
        (Event::ApprovalWithdrawn { attempt: 1, person: maya() }, "Maya Okafor withdrew their approval of attempt 1"),
        (
            Event::ChangesRequested { attempt: 1, reason: reason() },
            "Maya Okafor asked for changes to the plan of attempt 1",
        ),
        (Event::Declined { attempt: 1, reason: reason() }, "Maya Okafor declined the rollback of attempt 1"),
        (Event::StartOrdered { attempt: 1, digest: "ab".repeat(32) }, "Maya Okafor ordered the start of attempt 1"),
        (
            Event::StartRefused { attempt: 1, why: "a script changed".into() },
            "Backout did not start attempt 1: a script changed",
        ),
        (
            Event::ActionReleased { attempt: 1, action: "config-rollback".into() },
            "Maya Okafor gave the word for “Revert the configuration”",
        ),
        (Event::RunStarting(starting(1)), "Backout started “Deploy the previous application version”"),
        (Event::RunRunning { run: run(1) }, "“Deploy the previous application version” is running"),
        (
            Event::RunFinished { run: run(1), outcome: outcome(RunEnd::Exited(2)) },
            "“Deploy the previous application version” failed, exit 2",
        ),
        (
            Event::RunLost { run: run(1), why: reason() },
            "“Deploy the previous application version” lost contact, its outcome is unknown",
        ),
        (
            Event::RunJudged { run: run(1), succeeded: true, reason: reason() },
            "Maya Okafor looked at the run of “Deploy the previous application version” and found that it succeeded",
        ),
        (
            Event::ReportedByHand {
                attempt: 1,
                action: "app-rollback/web".into(),
                run: run(9),
                succeeded: true,
                evidence: reason(),
            },
            "Maya Okafor reported that “Deploy the previous application version (web)”, done by hand, succeeded",
        ),
        (
            Event::RetryOrdered { run: run(1), reason: reason() },
            "Maya Okafor ordered a new run in place of the run of “Deploy the previous application version”",
        ),
        (
            Event::ActionHeld { attempt: 1, action: "config-rollback".into(), why: reason() },
            "Backout held “Revert the configuration” back: because",
        ),
        (
            Event::ActionResumed { attempt: 1, action: "config-rollback".into() },
            "Maya Okafor let “Revert the configuration” go on",
        ),
        (Event::StopOrdered { attempt: 1, reason: reason() }, "Maya Okafor ordered attempt 1 to stop"),
        (
            Event::ItemMarked { attempt: 1, item: item(), mark: mark() },
            "Maya Okafor ticked “Deploy previous application version”",
        ),
        (
            Event::ItemMarked { attempt: 1, item: item(), mark: Mark::Proven { evidence: reason() } },
            "Backout ticked “Deploy previous application version” by itself",
        ),
        (
            Event::ItemUnmarked { attempt: 1, item: item(), why: reason() },
            "Maya Okafor opened “Deploy previous application version” again",
        ),
        (
            Event::CriterionMarked {
                attempt: 1,
                criterion: "safety-systems".into(),
                mark: Some(mark()),
                measured: None,
            },
            "Maya Okafor ticked “Safety systems operational”",
        ),
        (
            Event::CriterionMarked { attempt: 1, criterion: "safety-systems".into(), mark: None, measured: None },
            "Maya Okafor opened the criterion “Safety systems operational” again",
        ),
        (
            Event::IndicatorMarked {
                attempt: 1,
                indicator: "error-rate-not-improved".into(),
                sign: IndicatorSign::Seen,
                note: reason(),
                measured: None,
            },
            "Maya Okafor marked the failure indicator “Error rate not improved” as seen",
        ),
        (
            Event::SuccessConfirmed {
                attempt: 1,
                measured: BTreeMap::from([("error_rate".into(), "0.3 %".into())]),
                unticked: vec![],
                version_proof: "4.11.3 runs, as approved".into(),
            },
            "Maya Okafor confirmed that attempt 1 succeeded",
        ),
        (Event::VerdictOverdue { attempt: 1, due_at: OPENED }, "Backout asked for the verdict on attempt 1"),
        (Event::FailureDeclared { attempt: 1, reason: reason() }, "Maya Okafor declared attempt 1 failed"),
        (Event::UpdateEdited { number: 2, note: reason() }, "Maya Okafor edited the draft of update 2"),
        (
            Event::UpdateSent(UpdateSent { late: true, missed: vec![2, 3, 4], ..update(5, 1500) }),
            "Maya Okafor sent update 5 after its time; updates 2 to 4 were missed",
        ),
        (Event::UpdateSent(UpdateSent { closing: true, ..update(6, 1500) }), "Backout sent update 6 with the closing"),
        (Event::UpdateAwaited { number: 2, due_at: OPENED }, "Backout called for update 2, due at 02:58:12 UTC"),
        (
            Event::UpdateMissed { numbers: vec![2, 3], due_at: OPENED },
            "Backout recorded that nobody sent updates 2 to 3",
        ),
        (
            Event::UpdateEscalated { number: 2, to: vec![Role::Management, Role::Support] },
            "Backout asked management and support for update 2",
        ),
        (
            Event::BeatChanged {
                from: Span::minutes(5),
                every: Span::minutes(15),
                reason: reason(),
                next_due_at: None,
            },
            "Maya Okafor promised slower updates: every 15\u{a0}min, not every 5\u{a0}min",
        ),
        (
            Event::LinkPinned(Pin {
                kind: LinkKind::Call,
                title: "War room".into(),
                address: "https://meet.example/rb".into(),
            }),
            "Maya Okafor pinned the call “War room”",
        ),
        (
            Event::LinkUnpinned { title: "War room".into(), address: "https://meet.example/rb".into() },
            "Maya Okafor took down the link “War room”",
        ),
        (Event::NoteAdded { text: reason() }, "Maya Okafor wrote a note"),
        (
            Event::Reminded {
                task: crate::domain::waits::Task::Verify,
                of: String::new(),
                who: Awaited::Person(helen()),
                what: "Verify 4.11.3".into(),
            },
            "Maya Okafor reminded Helen Brandt to verify 4.11.3",
        ),
        (
            Event::ImpactDescribed(ImpactSaid {
                felt: "Crisis messages are not flagged.".into(),
                people: Some(1_284),
                since: Some(OPENED),
                ..ImpactSaid::default()
            }),
            "Maya Okafor said what people feel: Crisis messages are not flagged",
        ),
        (
            Event::SectionWritten {
                document: "rollback-report".into(),
                section: "lessons-learned".into(),
                text: reason(),
            },
            "Maya Okafor wrote “Lessons learned” of the rollback report",
        ),
        (
            Event::MeasuresKept {
                curves: vec![Curve {
                    series: Series::ErrorRate,
                    from: OPENED,
                    to: OPENED + Span::seconds(20),
                    step: Span::seconds(10),
                    values: vec![Some(2_000), None, Some(142_000)],
                    newest: Some(OPENED),
                    least: None,
                    most: None,
                }],
            },
            "Backout kept what was measured",
        ),
        (Event::FreezeLifted { reason: reason() }, "Maya Okafor lifted the deployment freeze"),
        (
            Event::Closed { outcome: Outcome::RolledBack, reason: reason() },
            "Maya Okafor closed the incident: rolled back",
        ),
    ]
}

/// The place of each kind in the list above; exhaustive, so that no kind is forgotten.
fn kinds() -> usize {
    const fn place(event: &Event) -> usize {
        match event {
            Event::Opened(_) => 1,
            Event::TriggerJoined { .. } => 2,
            Event::RoleTaken { .. } => 3,
            Event::RoleOffered { .. } => 4,
            Event::SeverityChanged { .. } => 5,
            Event::SeverityChangeAsked { .. } => 6,
            Event::RatificationOwed { .. } => 7,
            Event::Ratified { .. } => 8,
            Event::AttemptDrafted { .. } => 9,
            Event::PlanEdited { .. } => 10,
            Event::PlanSubmitted(_) => 11,
            Event::PlanVoided { .. } => 12,
            Event::PlanWithdrawn { .. } => 13,
            Event::Assessed { .. } => 14,
            Event::Approved(_) => 15,
            Event::ApprovalWithdrawn { .. } => 16,
            Event::ChangesRequested { .. } => 17,
            Event::Declined { .. } => 18,
            Event::StartOrdered { .. } => 19,
            Event::StartRefused { .. } => 20,
            Event::ActionReleased { .. } => 21,
            Event::RunStarting(_) => 22,
            Event::RunRunning { .. } => 23,
            Event::RunFinished { .. } => 24,
            Event::RunLost { .. } => 25,
            Event::RunJudged { .. } => 26,
            Event::ReportedByHand { .. } => 27,
            Event::RetryOrdered { .. } => 28,
            Event::ActionHeld { .. } => 29,
            Event::ActionResumed { .. } => 30,
            Event::StopOrdered { .. } => 31,
            Event::ItemMarked { .. } => 32,
            Event::ItemUnmarked { .. } => 33,
            Event::CriterionMarked { .. } => 34,
            Event::IndicatorMarked { .. } => 35,
            Event::SuccessConfirmed { .. } => 36,
            Event::FailureDeclared { .. } => 37,
            Event::UpdateEdited { .. } => 38,
            Event::UpdateSent(_) => 39,
            Event::NoteAdded { .. } => 40,
            Event::SectionWritten { .. } => 41,
            Event::FreezeLifted { .. } => 42,
            Event::Closed { .. } => 43,
            Event::MeasuresKept { .. } => 44,
            Event::UpdateAwaited { .. } => 45,
            Event::UpdateMissed { .. } => 46,
            Event::UpdateEscalated { .. } => 47,
            Event::BeatChanged { .. } => 48,
            Event::LinkPinned(_) => 49,
            Event::LinkUnpinned { .. } => 50,
            Event::ImpactDescribed(_) => 51,
            Event::Reminded { .. } => 52,
            // The last: its number is how many there are.
            Event::VerdictOverdue { .. } => 53,
        }
    }
    let seen: std::collections::BTreeSet<usize> = every_event().iter().map(|(event, _)| place(event)).collect();
    assert_eq!(seen, (1..=53).collect(), "the table has every kind of event");
    seen.len()
}

fn recorded(event: Event) -> Recorded {
    Recorded { seq: 1, version: 1, at: OPENED, actor: Who::Person(maya()), event }
}

#[test]
fn every_kind_of_event_is_one_plain_sentence() {
    assert_eq!(kinds(), 53);
    let (journal, procedure) = (journal(), default_procedure());
    let story = Story::of(&journal, &names, &procedure);
    for (event, sentence) in every_event() {
        let by_a_person = ["Maya Okafor", "Tomás Rivera", "Helen Brandt"].iter().any(|name| sentence.starts_with(name));
        assert_eq!(follows_by_itself(&event), !by_a_person, "whose doing is it: {sentence}");
        let told = match &event {
            Event::ReportedByHand { .. } => tell(&recorded(event), &names, &procedure),
            _ => story.tell(&recorded(event)),
        };
        assert_eq!(told.text, sentence);
        assert!(ICONS.contains(&told.icon), "{}: no icon {}", told.text, told.icon);
    }
}

#[test]
fn the_icon_sheet_has_every_symbol() {
    let sheet = include_str!("../../../static/icons.svg");
    for icon in ICONS {
        assert!(sheet.contains(&format!("<symbol id=\"{icon}\"")), "the icon sheet has no {icon}");
    }
}

#[test]
fn no_sentence_shows_an_identifier_or_a_bare_name() {
    let (journal, procedure) = (journal(), default_procedure());
    let story = Story::of(&journal, &names, &procedure);
    let all = every_event().into_iter().map(|(event, _)| recorded(event)).chain(journal.iter().cloned());
    for recorded in all {
        let told = story.tell(&recorded);
        let alone = tell(&recorded, &names, &procedure);
        for text in [&told.text, &alone.text] {
            assert!(!text.contains('!') && !text.ends_with('.'), "the tone: {text}");
        }
        for text in [Some(told.text), told.detail, Some(alone.text), alone.detail].into_iter().flatten() {
            assert!(!text.contains("person:") && !text.contains("p-7f3a") && !text.contains("p-91c2"), "{text}");
            assert!(!text.contains('_'), "a name of the playbook shows: {text}");
        }
    }
}
