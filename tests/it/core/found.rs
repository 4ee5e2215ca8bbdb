//! Faults that were once there. Each test tells the story in which it did harm.

use super::world::*;
use backout::domain::actor::Actor;
use backout::domain::command::{Command, Outcome};
use backout::domain::decide::next_claims;
use backout::domain::event::{Event, Mark};
use backout::domain::plan::{FixedPlan, digest};
use backout::domain::procedure::{Decision, RollbackType};
use backout::domain::refusal::RefusalKind;
use backout::domain::state::AttemptStatus;
use backout::domain::{Role, Severity, Span};
use std::collections::BTreeMap;

const KIND: RollbackType = RollbackType::Partial;

#[test]
fn an_expired_approval_can_be_given_anew_and_then_starts() {
    let mut room = Room::submitted(Decision::Immediate, Severity::P0, KIND);
    room.must(ANN, room.approval(IC));
    room.pass(HOLDS_FOR);
    let refused = room.system(room.claim("deploy"));
    assert!(matches!(refused[0], Event::StartRefused { .. }), "{refused:?}");
    room.must(ANN, room.approval(IC));
    let started = room.system(room.claim("deploy"));
    assert!(started.iter().any(|event| matches!(event, Event::RunStarting(_))), "{started:?}");
}

#[test]
fn who_renewed_an_expired_approval_is_told_that_it_is_done() {
    let mut room = Room::submitted(Decision::Considered, Severity::P2, KIND);
    room.must(ANN, room.approval(IC));
    room.pass(HOLDS_FOR);
    room.must(ANN, room.approval(IC));
    let again = room.told(&person(ANN), room.approval(IC)).unwrap_err();
    assert_eq!(again.kind, RefusalKind::AlreadyDone);
}

#[test]
fn the_approval_of_one_who_lost_the_role_does_not_bar_the_next_commander() {
    let mut room = Room::submitted(Decision::Immediate, Severity::P0, KIND);
    room.outside.locked = true;
    room.must(ANN, room.approval(IC));
    room.outside.locked = false;
    room.outside.revoked.insert(ANN);
    room.must(DUO, Command::TakeRole { role: Role::IncidentCommander });
    room.must(DUO, room.approval(IC));
    let started = room.system(room.claim("deploy"));
    assert!(started.iter().any(|event| matches!(event, Event::RunStarting(_))), "{started:?}");
}

#[test]
fn a_proof_that_went_after_the_approvals_closes_the_gate_again() {
    let mut room = Room::ordered(Decision::Considered, Severity::P2, KIND);
    room.outside.release_replaced = true;
    let refused = room.system(room.claim("deploy"));
    assert!(refused.iter().any(|event| matches!(event, Event::StartRefused { .. })), "{refused:?}");
    assert_eq!(room.state().current().unwrap().runs, vec![]);
}

#[test]
fn a_word_to_start_is_refused_when_the_proof_is_gone() {
    let mut room = Room::submitted(Decision::Considered, Severity::P2, KIND);
    for slot in [TL, IC, MANAGEMENT] {
        room.must(usual(slot), room.approval(slot));
    }
    room.outside.release_replaced = true;
    let start = Command::Start { attempt: room.attempt_number(), digest: room.digest() };
    assert_eq!(room.told(&person(ANN), start).unwrap_err().kind, RefusalKind::Blocked);
}

#[test]
fn a_place_is_not_accepted_by_one_who_lost_the_role() {
    let mut room = Room::opened(Decision::Immediate, Severity::P0);
    room.must(ANN, Command::TakeRole { role: Role::IncidentCommander });
    room.must(ANN, Command::OfferRole { role: Role::IncidentCommander, to: id(DUO) });
    let mut world = World::new(&room.outside);
    world.people.get_mut(&id(DUO)).unwrap().roles = [Role::TechnicalLead].into();
    let accept = Command::AcceptRole { role: Role::IncidentCommander };
    let answer = backout::domain::decide::decide(
        room.incident.as_ref(),
        &world.facts(),
        &accept,
        &person(DUO),
        room.outside.now(),
    );
    assert_eq!(answer.unwrap_err().kind, RefusalKind::NotYours);
}

/// The commander's place without the commander's role gives nothing: neither waiving nor lessening.
#[test]
fn a_commander_who_lost_the_role_waives_nothing() {
    let room = Room::submitted(Decision::Considered, Severity::P2, KIND);
    let mut world = World::new(&room.outside);
    world.people.get_mut(&id(ANN)).unwrap().roles = [Role::Management].into();
    let ask = |command: &Command| {
        let facts = world.facts();
        backout::domain::decide::decide(room.incident.as_ref(), &facts, command, &person(ANN), room.outside.now())
    };
    let attempt = room.attempt_number();
    let waive = Command::Untick { attempt, item: "impact-reviewed".into() };
    assert!(ask(&waive).is_ok(), "the item is anyone's");
    let waived = Mark::Waived { reason: "no time".into() };
    let waive = Command::Tick { attempt, item: "key-turned".into(), mark: waived };
    assert_eq!(ask(&waive).unwrap_err().kind, RefusalKind::NotYours);
}

#[test]
fn a_lead_who_lost_the_commanders_role_does_not_lessen_the_demands_alone() {
    let room = Room::submitted(Decision::Immediate, Severity::P2, KIND);
    let mut incident = room.state().clone();
    incident.technical_lead = Some(id(ANN));
    let mut world = World::new(&room.outside);
    world.people.get_mut(&id(ANN)).unwrap().roles = [Role::TechnicalLead].into();
    let raise = Command::ChangeSeverity { to: Severity::P0, reason: "worse".into() };
    let answer =
        backout::domain::decide::decide(Some(&incident), &world.facts(), &raise, &person(ANN), room.outside.now());
    assert_eq!(answer.unwrap_err().kind, RefusalKind::NotYours);
}

#[test]
fn who_owes_a_ratification_does_not_ratify_it() {
    let mut room = Room::opened(Decision::Immediate, Severity::P2);
    room.must(DUO, Command::TakeRole { role: Role::IncidentCommander });
    room.must(DUO, Command::ChangeSeverity { to: Severity::P0, reason: "worse".into() });
    let ratify = Command::Ratify { reason: "I was right".into() };
    assert_eq!(room.told(&person(DUO), ratify.clone()).unwrap_err().kind, RefusalKind::NotYours);
    room.must(MIA, ratify);
}

#[test]
fn an_immediate_rollback_below_p0_owes_the_ratification_of_management() {
    let mut room = Room::ordered(Decision::Immediate, Severity::P1, KIND);
    assert!(!room.state().has_open_debt());
    room.system(room.claim("deploy"));
    assert!(room.state().has_open_debt(), "management ratifies");
    let p0 = {
        let mut room = Room::ordered(Decision::Immediate, Severity::P0, KIND);
        room.system(room.claim("deploy"));
        room
    };
    assert!(!p0.state().has_open_debt(), "the commander alone suffices");
}

#[test]
fn the_ratification_is_owed_also_when_the_first_action_is_done_by_hand() {
    let mut room = Room::ordered(Decision::Immediate, Severity::P1, RollbackType::Configuration);
    let attempt = room.attempt_number();
    let report = Command::ReportByHand { attempt, action: "tell".into(), succeeded: true, evidence: "seen".into() };
    room.must(TOM, report);
    assert!(room.state().has_open_debt());
}

#[test]
fn a_joined_trigger_that_lessens_the_demands_is_a_debt_as_well() {
    let mut room = Room::submitted(Decision::Immediate, Severity::P2, KIND);
    room.told(&person(SUE), Command::Join { trigger: seen("outage") }).unwrap();
    assert_eq!(room.state().severity, Severity::P0);
    assert!(room.state().has_open_debt(), "two approvals became one by the word of support");
}

/// Whoever opens by hand with a severity of their own choice gets no cheaper road than whoever changes it later.
#[test]
fn a_severity_typed_at_the_opening_that_lessens_the_demands_is_a_debt_as_well() {
    let opened = |decision, severity, by: &Actor| {
        let mut room = Room { outside: Outside::default(), journal: Vec::new(), incident: None };
        room.told(by, opening(decision, severity)).unwrap();
        room
    };
    let mut room = opened(Decision::Immediate, Severity::P0, &person(DUO));
    assert_eq!(room.state().advice.slots.len(), 1, "two approvals became one by a field of the form");
    assert!(room.state().has_open_debt(), "management ratifies it");
    let ratify = Command::Ratify { reason: "it was grave".into() };
    assert_eq!(room.told(&person(DUO), ratify.clone()).unwrap_err().kind, RefusalKind::NotYours, "their own act");
    room.must(MIA, ratify);
    assert!(!opened(Decision::Immediate, Severity::P1, &person(ANN)).state().has_open_debt(), "as the rules say");
    assert!(!opened(Decision::Immediate, Severity::P0, &Actor::SYSTEM).state().has_open_debt(), "as the playbook says");
}

#[test]
fn a_joined_trigger_gives_the_plan_the_same_rules_as_the_room_shows() {
    let mut room = Room::submitted(Decision::Considered, Severity::P2, KIND);
    room.system(Command::Join { trigger: seen("outage") });
    room.must(TOM, Command::SubmitPlan { attempt: room.attempt_number() });
    let plan = room.state().current().unwrap().plan().unwrap();
    assert_eq!((&plan.slots, plan.decision), (&room.state().advice.slots, room.state().advice.decision));
}

#[test]
fn the_category_of_an_opening_is_the_triggers_own() {
    let Command::Open(mut opening) = opening(Decision::NotRequired, Severity::P3) else { unreachable!() };
    opening.severity = None;
    opening.trigger.category = "outage".into();
    let mut room = Room { outside: Outside::default(), journal: Vec::new(), incident: None };
    room.told(&person(SUE), Command::Open(opening)).unwrap();
    assert_eq!(room.state().severity, Severity::P3, "a typo does not become an outage by a form field");
}

#[test]
fn closing_late_counts_the_promises_that_passed() {
    let mut room = Room::opened(Decision::Immediate, Severity::P0);
    room.must(ANN, Command::TakeRole { role: Role::IncidentCommander });
    room.must(ANN, Command::WithdrawPlan { attempt: 1, reason: "a false alarm".into() });
    room.pass(Span::minutes(16));
    let events = room.must(ANN, Command::Close { outcome: Outcome::Dismissed, reason: "nothing was".into() });
    let sent = events.iter().find_map(|event| match event {
        Event::UpdateSent(sent) => Some(sent),
        _ => None,
    });
    let sent = sent.expect("the last update says the outcome");
    assert_eq!((sent.number, &sent.missed[..], sent.late), (3, &[1, 2][..], true));
}

#[test]
fn a_clock_that_leaps_a_million_years_neither_stops_nor_floods_the_updates() {
    let mut room = Room::opened(Decision::Immediate, Severity::P0);
    room.outside.elapsed = i64::MAX - NOON.0;
    let events = room.system(Command::SendUpdate { number: 1, note: None });
    assert!(events[0].body().len() < 200_000, "{} bytes", events[0].body().len());
}

#[test]
fn asking_the_same_again_is_refused() {
    let mut room = Room::submitted(Decision::Considered, Severity::P2, KIND);
    let attempt = room.attempt_number();
    let text = BTreeMap::from([("risk".to_owned(), "small".to_owned())]);
    for (name, command) in [
        (TOM, Command::Assess { attempt, name: "feasibility".into(), sections: text }),
        (ANN, Command::OfferRole { role: Role::IncidentCommander, to: id(DUO) }),
        (ANN, Command::ChangeSeverity { to: Severity::P3, reason: "few".into() }),
        (MIA, Command::WriteSection { document: "report".into(), section: "lessons".into(), text: "learnt".into() }),
    ] {
        room.must(name, command.clone());
        let again = room.told(&person(name), command.clone()).unwrap_err();
        assert_eq!(again.kind, RefusalKind::AlreadyDone, "{command:?}");
    }
}

#[test]
fn a_plan_that_was_sent_back_is_not_submitted_unchanged() {
    let mut room = Room::ordered(Decision::Considered, Severity::P2, KIND);
    let (attempt, digest) = (room.attempt_number(), room.digest());
    room.must(MIA, Command::RequestChanges { attempt, digest: digest.clone(), reason: "not on a Friday".into() });
    assert_eq!(room.state().current().unwrap().status(), AttemptStatus::Draft);
    let refused = room.told(&person(TOM), Command::SubmitPlan { attempt }).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Phase);
    room.must(TOM, Command::EditPlan { attempt, seen: None, draft: other_draft(KIND) });
    room.must(TOM, Command::SubmitPlan { attempt });
    assert_ne!(room.digest(), digest);
}

#[test]
fn a_component_typed_by_hand_must_be_one_of_the_environment() {
    let mut room = Room::submitted(Decision::Considered, Severity::P2, KIND);
    let mut whole = draft(KIND);
    whole.components.clear();
    whole.targets[0].component = "--force".into();
    whole.targets[0].free_text = true;
    let edit = Command::EditPlan { attempt: room.attempt_number(), seen: None, draft: whole };
    assert_eq!(room.told(&person(TOM), edit).unwrap_err().kind, RefusalKind::Input);
}

/// A plan is read only from the very bytes that it would write.
#[test]
fn bytes_with_more_or_fewer_fields_than_a_plan_has_are_no_plan() {
    let room = Room::submitted(Decision::Considered, Severity::P2, KIND);
    let bytes = room.state().current().unwrap().submitted.as_ref().unwrap().bytes.clone();
    assert!(FixedPlan::read(&bytes).is_ok());
    let more = bytes.replacen("\"substitute\":null}", "\"substitute\":null,\"who\":\"anyone\"}", 1);
    let fewer = bytes.replacen("\"escalates\":null,", "", 1);
    for changed in [more, fewer] {
        assert_ne!((changed.len(), digest(&changed)), (bytes.len(), digest(&bytes)));
        assert!(FixedPlan::read(&changed).is_err(), "{changed}");
    }
}

#[test]
fn another_playbook_than_the_pinned_one_starts_nothing() {
    let mut room = Room::ordered(Decision::Considered, Severity::P2, KIND);
    assert_eq!(next_claims(room.state()).len(), 1);
    room.outside.playbook_swapped = true;
    let refused = room.told(&Actor::SYSTEM, room.claim("deploy")).unwrap();
    assert!(!refused.iter().any(|event| matches!(event, Event::RunStarting(_))), "{refused:?}");
}
