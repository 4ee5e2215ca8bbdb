//! Long random histories: hundreds of steps by everyone in a restless world, a hundred thousand in all.

use super::laws::{self, Step};
use super::walk::{Node, agreeing, everything, executing};
use super::world::*;
use backout::domain::Timestamp;
use backout::domain::actor::Actor;
use backout::domain::apply::{apply, fold};
use backout::domain::command::{Command, Outcome};
use backout::domain::decide::decide;
use backout::domain::due::due;
use backout::domain::event::{Event, Mark, Recorded};
use backout::domain::plan::{FixedPlan, digest};
use backout::domain::procedure::{Decision, RollbackType};
use backout::domain::state::{Incident, Promise};
use backout::domain::{Severity, Span};
use proptest::prelude::*;
use std::collections::BTreeSet;

const HISTORIES: u32 = 250;
const STEPS: usize = 400;
/// At the end somebody tries to close it: a closing in the middle would end the history.
const CLOSINGS: usize = 20;

/// A small generator (SplitMix64), so that a seed alone tells a whole history again.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.throw(of.len())]
    }
}

/// Moves the clock and the world, mostly a little.
fn world_moves(outside: &mut Outside, dice: &mut Dice) {
    let leaps = [
        Span::seconds(1),
        Span::seconds(14),
        Span::seconds(61),
        Span::seconds(299),
        Span::minutes(5),
        Span::minutes(16),
        Span::minutes(30),
        Span::hours(30),
    ];
    match dice.throw(12) {
        0..=5 => outside.elapsed += dice.one(&leaps[..4]).0,
        6 => outside.elapsed += dice.one(&leaps).0,
        7 => outside.script_swapped = !outside.script_swapped && dice.throw(3) == 0,
        8 => outside.locked = !outside.locked && dice.throw(3) == 0,
        9 => outside.release_replaced = !outside.release_replaced && dice.throw(3) == 0,
        10 => {
            let who = dice.one(&[ANN, TOM, MIA, DUO]);
            if !outside.revoked.remove(who) && dice.throw(3) == 0 {
                outside.revoked.insert(who);
            }
        }
        _ => outside.revoked.clear(),
    }
}

/// What comes next: mostly something that moves the matter on, now and then anything at all.
fn chosen(node: &Node, dice: &mut Dice) -> (Actor, Command) {
    let actor = match dice.throw(9) {
        0..=2 => Actor::SYSTEM,
        3 | 4 => person(ANN),
        5 | 6 => person(TOM),
        7 => person(dice.one(&[MIA, DUO])),
        _ => person(dice.one(&[SUE, ZED, GONE])),
    };
    let mut commands = match dice.throw(10) {
        0..=3 => agreeing(node),
        4..=7 => executing(node),
        _ => everything(node),
    };
    // Withdrawing, closing and stopping are rare, or no history would grow old.
    if dice.throw(4) > 0 {
        commands.retain(|command| {
            !matches!(
                command,
                Command::WithdrawPlan { .. }
                    | Command::Close { .. }
                    | Command::Stop { .. }
                    | Command::Decline { .. }
                    | Command::RequestChanges { .. }
            )
        });
    }
    if dice.throw(20) > 0 {
        commands.retain(|command| !matches!(command, Command::Close { .. }));
    }
    if node.incident.current().is_some_and(|attempt| !attempt.is_marked("impact-reviewed")) && dice.throw(4) == 0 {
        let attempt = node.incident.current().unwrap().number;
        return (
            person(TOM),
            Command::Tick { attempt, item: "impact-reviewed".into(), mark: Mark::Done { note: String::new() } },
        );
    }
    let place = dice.throw(commands.len().max(1));
    (actor, commands.into_iter().nth(place).unwrap_or(Command::Settle))
}

fn closing(node: &Node, dice: &mut Dice) -> (Actor, Command) {
    let commander = node.incident.commander.as_ref().map_or("", |commander| commander.0.as_str());
    let actor = [ANN, TOM, MIA, DUO].into_iter().find(|who| *who == commander).map_or(person(ANN), person);
    let attempt = node.incident.current().map_or(0, |attempt| attempt.number);
    let reason = || "enough".to_owned();
    match dice.throw(3) {
        0 => (actor, Command::WithdrawPlan { attempt, reason: reason() }),
        _ => (actor, Command::Close { outcome: dice.one(&Outcome::ALL), reason: reason() }),
    }
}

/// L3: numbers follow one another counting the misses, and no two promises are further apart than the rhythm.
fn promise_kept(before: Option<Promise>, incident: &Incident, event: &Event, now: Timestamp) -> Result<(), String> {
    let Event::UpdateSent(sent) = event else { return Ok(()) };
    let promise = before.ok_or("an update that nobody promised")?;
    let told: Vec<u32> = sent.missed.iter().copied().chain([sent.number]).collect();
    let expected: Vec<u32> = (promise.number..=sent.number).collect();
    if told != expected {
        return Err(format!("L3: promised {}, told {told:?}", promise.number));
    }
    let every = incident.beat();
    // What goes out with the closing was sent early by nobody.
    let in_time =
        sent.early == (now < promise.due_at && !sent.closing) && sent.late == (now - sent.due_at > Span::seconds(15));
    let apart = sent.next_due_at.is_none_or(|next| {
        next > now
            && next - now <= every
            && next - sent.due_at <= every
            && (sent.due_at - promise.due_at).0 % every.0 == 0
    });
    if in_time && apart { Ok(()) } else { Err(format!("L3: {promise:?}, now {now}, {sent:?}")) }
}

/// One history; answers with the number of accepted commands.
fn live(seed: u64) -> Result<usize, String> {
    let mut dice = Dice(seed);
    let decision = dice.one(&Decision::ALL);
    let severity = match decision {
        Decision::Considered => dice.one(&[Severity::P0, Severity::P1, Severity::P2]),
        _ => dice.one(&Severity::ALL),
    };
    let mut room = Room::submitted(decision, severity, dice.one(&RollbackType::ALL));
    let mut node = Node { incident: room.state().clone(), outside: Outside::default(), dead: BTreeSet::new() };
    let (mut world, mut accepted) = (World::new(&node.outside), 0);
    for step in 0..STEPS {
        if dice.throw(5) == 0 {
            world_moves(&mut node.outside, &mut dice);
            world = World::new(&node.outside);
        }
        let now = node.outside.now();
        let owed = due(&node.incident).filter(|(at, _)| *at <= now && dice.throw(2) == 0);
        let (actor, command) = match &owed {
            Some((_, command)) => (Actor::SYSTEM, command.clone()),
            None if step >= STEPS - CLOSINGS => closing(&node, &mut dice),
            None => chosen(&node, &mut dice),
        };
        let answer = decide(Some(&node.incident), &world.facts(), &command, &actor, now);
        let Ok(events) = answer else {
            if owed.is_some() {
                return Err(format!("what the clock owes was refused: {command:?}: {answer:?}"));
            }
            continue;
        };
        accepted += 1;
        let mut promised = node.incident.updates.promised;
        for event in &events {
            promise_kept(promised, &node.incident, event, now)?;
            if let Event::UpdateSent(sent) = event {
                // What is sent answers its promise: a second one in the same breath needs another.
                promised = sent.next_due_at.map(|due_at| Promise { number: sent.number + 1, due_at });
            }
            if Event::read(&event.kind(), &event.body()).as_ref() != Ok(event) || event.kind().is_empty() {
                return Err(format!("does not survive being written: {event:?}"));
            }
        }
        let step = Step { world: &world, actor: &actor, command: &command, now, events: &events, dead: &node.dead };
        let after = laws::take(&node.incident, &step).map_err(|law| format!("{law}: {}: {command:?}", actor.who))?;
        if matches!(command, Command::Decline { .. } | Command::RequestChanges { .. } | Command::WithdrawPlan { .. }) {
            let submitted = node.incident.current().and_then(|attempt| attempt.submitted.as_ref());
            node.dead.extend(submitted.map(|submitted| submitted.digest.clone()));
        }
        for event in events {
            let version = room.journal.len() as i64 + 1;
            let recorded = Recorded { seq: version, version, at: now, actor: actor.who.clone(), event };
            apply(&mut room.incident, &recorded);
            room.journal.push(recorded);
        }
        node.incident = after;
    }
    if fold(&room.journal).as_ref() != Some(&node.incident) || room.incident.as_ref() != Some(&node.incident) {
        return Err("the fold of the journal is not the state".into());
    }
    Ok(accepted)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: HISTORIES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn long_random_histories_keep_every_law(seed in any::<u64>()) {
        let lived = live(seed);
        prop_assert!(lived.is_ok(), "seed {seed}: {lived:?}");
        prop_assert!(lived.is_ok_and(|accepted| accepted > 0), "seed {seed} never lived");
    }
}

/// THR-04: no byte of a plan is outside its digest, and no changed plan starts.
#[test]
fn whatever_byte_of_a_plan_is_changed_its_digest_changes_and_nothing_starts() {
    let room = Room::ordered(Decision::Considered, Severity::P2, RollbackType::Full);
    let world = World::new(&room.outside);
    let bytes = room.state().current().unwrap().submitted.as_ref().unwrap().bytes.clone();
    let known = room.digest();
    assert_eq!(digest(&bytes), known);
    let mut dice = Dice(7);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone().into_bytes();
        changed[at] = changed[at] % 94 + 33;
        let changed = String::from_utf8(changed).unwrap();
        assert_ne!(digest(&changed), known, "byte {at}");
        if dice.throw(8) > 0 {
            continue;
        }
        let mut tampered = room.state().clone();
        let submitted = tampered.attempts.last_mut().unwrap().submitted.as_mut().unwrap();
        if let Ok(plan) = FixedPlan::read(&changed) {
            submitted.plan = plan;
        }
        submitted.bytes = changed;
        let claimed =
            decide(Some(&tampered), &world.facts(), &room.claim("deploy"), &Actor::SYSTEM, room.outside.now());
        let started = claimed.is_ok_and(|events| events.iter().any(|event| matches!(event, Event::RunStarting(_))));
        assert!(!started, "byte {at}");
    }
}
