//! A whole incident, written event by event: a safety-critical trigger, a plan that changed once, a run that was lost and
//! judged, a confirmed success, lessons learned. Every kind of event but the ones of a failure is in it.

use crate::domain::actor::Who;
use crate::domain::command::Outcome;
use crate::domain::condition::Series;
use crate::domain::curve::Curve;
use crate::domain::event::*;
use crate::domain::plan::{Draft, FixedPlan, PlannedAction, ScriptFile, Target, digest};
use crate::domain::procedure::*;
use crate::domain::state::{IndicatorSign, RunId};
use crate::domain::{PersonId, Role, Span, Strength, Timestamp};
use std::collections::BTreeMap;

/// 2026-11-22T02:58:12Z.
pub const OPENED: Timestamp = Timestamp(1_795_316_292_000_000);

pub fn names(person: &PersonId) -> String {
    match person.0.as_str() {
        "p-7f3a" => "Maya Okafor",
        "p-91c2" => "Tomás Rivera",
        "p-c0de" => "Helen Brandt",
        _ => "someone who left",
    }
    .to_owned()
}

pub fn maya() -> PersonId {
    PersonId("p-7f3a".into())
}
pub fn tomas() -> PersonId {
    PersonId("p-91c2".into())
}
pub fn helen() -> PersonId {
    PersonId("p-c0de".into())
}

pub fn draft(to: &str) -> Draft {
    Draft {
        kind: RollbackType::Full,
        environment: "production".into(),
        components: vec!["crisis-detection".into()],
        scope: vec!["The whole service".into()],
        targets: vec![Target {
            kind: TargetKind::Release,
            component: "crisis-detection".into(),
            name: to.into(),
            checksum: "sha256:77aa".into(),
            from: Some("4.12.0".into()),
            free_text: false,
        }],
        not_covered: vec!["Restore the database from a backup".into()],
        fallback: "Escalate to full system restoration from backup".into(),
        reason: String::new(),
        start: None,
    }
}

pub fn plan(to: &str) -> FixedPlan {
    let draft = draft(to);
    let slot = |role: &str, duty, kind| Slot { role: role.into(), duty, kind, substitute: None };
    FixedPlan {
        format: 1,
        incident: "RB-0142".into(),
        attempt: 1,
        escalates: None,
        kind: draft.kind,
        severity: Severity::P0,
        decision: Decision::Immediate,
        rule: "safety-critical".into(),
        slots: vec![
            slot("incident_commander", Role::IncidentCommander, SlotKind::Approve),
            slot("technical_lead", Role::TechnicalLead, SlotKind::Review),
        ],
        playbook: "5f".repeat(32),
        environment: draft.environment,
        components: draft.components,
        scope: draft.scope,
        phrase: to.into(),
        targets: draft.targets,
        actions: vec![PlannedAction {
            name: "app-rollback".into(),
            title: "Deploy the previous application version".into(),
            executor: "app-rollback".into(),
            place: "deploy-prod-1".into(),
            directory: "/srv/crisis".into(),
            argv: ["scripts/deploy/rollback.sh", "--version", to, "--environment", "production"]
                .map(String::from)
                .to_vec(),
            scripts: vec![ScriptFile { path: "scripts/deploy/rollback.sh".into(), sha256: "ab".repeat(32) }],
            grants: vec!["PATH".into()],
            time_limit: Span::minutes(10),
            mode: ActionMode::Automatic,
            group: None,
            pace: Pace::AtOnce,
            needs: vec![],
            by_hand: vec![],
        }],
        start: StartMode::AtAuthorisation,
        fallback: draft.fallback,
        not_covered: draft.not_covered,
        reason: draft.reason,
    }
}

pub fn advice() -> Advice {
    Advice {
        category: "safety-critical".into(),
        decision: Decision::Immediate,
        rule: "safety-critical".into(),
        because: "The crisis detection is safety-critical".into(),
        otherwise: "A category that is not safety-critical".into(),
        authority: "P0 and safety-critical: the incident commander alone may authorise".into(),
        slots: plan("4.11.3").slots,
    }
}

pub fn trigger() -> TriggerSeen {
    TriggerSeen {
        name: "crisis-detection".into(),
        text: "Crisis detection system failure".into(),
        category: "safety-critical".into(),
        fingerprint: "crisis-detection/production".into(),
        saw: "No message flagged for 12 minutes; the usual rate is 4 a minute".into(),
        evidence: r#"{"heartbeat":{"last":"2026-11-22T02:45:58Z","every":"3m"},"silent":true}"#.into(),
        seen_at: OPENED - Span::seconds(14),
    }
}

pub fn opened() -> Opened {
    Opened {
        incident: "RB-0142".into(),
        title: "Crisis detection stopped flagging messages".into(),
        severity: Severity::P1,
        advice: advice(),
        category: "safety-critical".into(),
        environment: "production".into(),
        component: "crisis-detection".into(),
        outage: false,
        users_affected_ppm: Some(125_000),
        trigger: trigger(),
        playbook: "5f".repeat(32),
        playbook_version: "1.0".into(),
        cadence: Cadence {
            every: Span::minutes(5),
            draft_before: Span::minutes(1),
            from: Severity::P1,
            sent: Sending::ByItself,
            slow_after: Span::minutes(60),
            slowest: Span::minutes(15),
            next_contact_after: Span::minutes(1),
            next_contact: crate::domain::procedure::NEXT_CONTACT.to_vec(),
        },
        verification: None,
    }
}

pub fn submitted(to: &str) -> PlanSubmitted {
    let bytes = plan(to).canonical();
    PlanSubmitted {
        attempt: 1,
        digest: digest(&bytes),
        plan: bytes,
        expire_after: Span::minutes(30),
        voided: vec![],
        narrowed: None,
    }
}

pub fn approved(slot: &str, role: Role, comment: &str, to: &str) -> Approved {
    Approved {
        attempt: 1,
        digest: submitted(to).digest,
        slot: slot.into(),
        role,
        strength: Strength::Password,
        comment: comment.into(),
        expires_at: OPENED + Span::minutes(34),
    }
}

pub fn run(number: usize) -> RunId {
    RunId::new("RB-0142", 1, number)
}

pub fn starting(number: usize) -> RunStarting {
    RunStarting {
        attempt: 1,
        run: run(number),
        action: "app-rollback".into(),
        digest: submitted("4.11.3").digest,
        host: "deploy-prod-1".into(),
        time_limit: Span::minutes(10),
        grace: Span::minutes(3),
        baseline: BTreeMap::from([("error_rate".into(), 142_000), ("response_time".into(), 2_600_000)]),
    }
}

pub fn update(number: u32, due: i64) -> UpdateSent {
    UpdateSent {
        closing: false,
        number,
        due_at: OPENED + Span::seconds(due),
        text: format!("Update {number}, RB-0142\nstate: rollback in progress\nerror rate 3.1\u{a0}%"),
        early: false,
        missed: vec![],
        late: false,
        next_due_at: Some(OPENED + Span::seconds(due + 300)),
        said: BTreeMap::new(),
    }
}

fn done(note: &str) -> Mark {
    Mark::Done { note: note.into() }
}

/// The journal, in seconds from the opening.
/// High from the trigger to the last run's end, from two minutes before the opening on.
fn curve(series: Series, high: i64, low: i64) -> Curve {
    let values = (0..=58).map(|index| match index * 40 - 120 {
        ..0 => Some(low),
        1_280..1_360 => None,
        second if second < 1_140 => Some(high),
        _ => Some(low),
    });
    let (from, to) = (OPENED - Span::seconds(120), OPENED + Span::seconds(2_200));
    Curve {
        series,
        from,
        to,
        step: Span::seconds(40),
        values: values.collect(),
        newest: Some(to),
        least: None,
        most: None,
    }
}

fn error_rate() -> Curve {
    curve(Series::ErrorRate, 142_000, 3_000)
}

fn response_time() -> Curve {
    curve(Series::ResponseTime, 2_600_000, 800_000)
}

pub fn journal() -> Vec<Recorded> {
    let (m, t) = (Some(maya()), Some(tomas()));
    let item = |name: &str, mark| Event::ItemMarked { attempt: 1, item: name.into(), mark };
    let criterion = |name: &str, mark, measured: Option<&str>| Event::CriterionMarked {
        attempt: 1,
        criterion: name.into(),
        mark: Some(mark),
        measured: measured.map(Into::into),
    };
    let section = |name: &str, text: &str| Event::SectionWritten {
        document: "rollback-report".into(),
        section: name.into(),
        text: text.into(),
    };
    let mut events: Vec<(i64, Option<PersonId>, Event)> = vec![
        (0, None, Event::Opened(opened())),
        (
            0,
            None,
            Event::AttemptDrafted {
                attempt: 1,
                draft: draft("4.11.3"),
                escalates: None,
                why: "4.11.3 is the previous stable release: it ran 96 h without an incident".into(),
            },
        ),
        (0, None, item("confirm-trigger", Mark::Proven { evidence: "Crisis detection system failure".into() })),
        (40, m.clone(), Event::RoleTaken { role: Role::IncidentCommander, person: maya(), from: None }),
        (55, t.clone(), Event::RoleTaken { role: Role::TechnicalLead, person: tomas(), from: None }),
        (
            60,
            m.clone(),
            Event::SeverityChanged {
                from: Severity::P1,
                to: Severity::P0,
                reason: "People in need are not seen".into(),
                advice: advice(),
            },
        ),
        (70, t.clone(), Event::PlanSubmitted(submitted("4.11.2"))),
        (90, t.clone(), Event::Approved(approved("technical_lead", Role::TechnicalLead, "", "4.11.2"))),
        (110, t.clone(), Event::PlanVoided { attempt: 1, why: "the plan was changed".into(), voided: vec![tomas()] }),
        (110, t.clone(), Event::PlanEdited { attempt: 1, draft: draft("4.11.3") }),
        (120, t.clone(), Event::PlanSubmitted(submitted("4.11.3"))),
        (
            180,
            t.clone(),
            Event::Assessed {
                attempt: 1,
                name: "feasibility".into(),
                sections: BTreeMap::from([
                    ("feasible".into(), "Yes. Image present, no migrations".into()),
                    ("duration".into(), "about 12 minutes".into()),
                ]),
            },
        ),
        (
            223,
            t.clone(),
            Event::Approved(approved("technical_lead", Role::TechnicalLead, "Image present, no migrations", "4.11.3")),
        ),
        (
            268,
            m.clone(),
            item("prepare-scripts", Mark::Waived { reason: "Scripts are the ones of last week's drill".into() }),
        ),
        (268, m.clone(), Event::Approved(approved("incident_commander", Role::IncidentCommander, "Go", "4.11.3"))),
        (268, m.clone(), Event::StartOrdered { attempt: 1, digest: submitted("4.11.3").digest }),
        (270, None, Event::RunStarting(starting(1))),
        (271, None, Event::RunRunning { run: run(1) }),
        (300, None, Event::UpdateSent(update(1, 300))),
        (400, None, Event::RunLost { run: run(1), why: "the host has been silent for 60 s".into() }),
        (460, t.clone(), Event::RunJudged { run: run(1), succeeded: false, reason: "No replica was replaced".into() }),
        (470, t.clone(), Event::RetryOrdered { run: run(1), reason: "The host is back".into() }),
        (472, None, Event::RunStarting(starting(2))),
        (473, None, Event::RunRunning { run: run(2) }),
        (915, None, Event::UpdateSent(UpdateSent { missed: vec![2], late: true, ..update(3, 900) })),
        (
            1141,
            None,
            Event::RunFinished {
                run: run(2),
                outcome: RunOutcome { end: RunEnd::Exited(0), lines: 218, log_sha256: "cd".repeat(32), log_cut: false },
            },
        ),
        (1141, None, item("deploy-previous-version", Mark::Proven { evidence: "run RB-0142-1-2 ended well".into() })),
        (1150, t.clone(), item("verify-deployment", done("6 of 6 replicas"))),
        (1170, t.clone(), item("application-status", done(""))),
        (
            1175,
            t.clone(),
            item("database-connectivity", Mark::NotApplicable { reason: "No database is touched".into() }),
        ),
        (1200, m.clone(), Event::UpdateSent(UpdateSent { early: true, ..update(4, 1215) })),
        (1208, t.clone(), criterion("application-functional", done(""), None)),
        (1430, t.clone(), criterion("error-rate-low", done(""), Some("0.4\u{a0}%"))),
        (1438, t.clone(), criterion("response-time-low", done("One slow sample at the restart"), Some("0.9\u{a0}s"))),
        (
            1440,
            t.clone(),
            Event::IndicatorMarked {
                attempt: 1,
                indicator: "error-rate-not-improved".into(),
                sign: IndicatorSign::NotSeen,
                note: "back to normal".into(),
                measured: Some("0.4\u{a0}%, was 14.2\u{a0}%".into()),
            },
        ),
        (1500, t.clone(), criterion("user-impact-resolved", done("Support sees no new reports"), None)),
        (1510, t.clone(), criterion("safety-systems", done("Test message flagged"), None)),
        (1520, t.clone(), criterion("data-integrity", done(""), None)),
        (
            2200,
            t.clone(),
            Event::SuccessConfirmed {
                attempt: 1,
                measured: BTreeMap::from([
                    ("error_rate".into(), "0.3\u{a0}%".into()),
                    ("response_time".into(), "0.8\u{a0}s".into()),
                ]),
                unticked: vec!["Core features tested".into()],
                version_proof: "4.11.3 runs, as approved".into(),
            },
        ),
        (2200, None, Event::MeasuresKept { curves: vec![error_rate(), response_time()] }),
        (2300, m.clone(), Event::NoteAdded { text: "Support answers the people who wrote meanwhile".into() }),
        (2400, m.clone(), section("user-impact", "Messages between 02:46 and 03:17 UTC were not flagged.")),
        (2500, m.clone(), Event::Closed { outcome: Outcome::RolledBack, reason: "4.11.3 runs and flags again".into() }),
    ];
    events.push((
        2600,
        t,
        section(
            "lessons-learned",
            "The health check covered the process, not its answers.\n\nSend a test message after each release.",
        ),
    ));
    recorded(events)
}

pub fn recorded(events: Vec<(i64, Option<PersonId>, Event)>) -> Vec<Recorded> {
    (1..)
        .zip(events)
        .map(|(version, (second, by, event))| Recorded {
            seq: 1_000 + version,
            version,
            at: OPENED + Span::seconds(second),
            actor: by.map_or(Who::System, Who::Person),
            event,
        })
        .collect()
}
