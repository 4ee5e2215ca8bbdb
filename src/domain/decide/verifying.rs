//! Ticks and the verdict: people tick, machines measure, side by side (E1, E13, E18).

use super::{Case, attempt_in, optional, required};
use crate::domain::Timestamp;
use crate::domain::condition::{Condition, Direction, Series};
use crate::domain::event::{Event, Mark};
use crate::domain::facts::{Facts, Measures, READ_BACK_VALID, ReadBack};
use crate::domain::plan::Target;
use crate::domain::procedure::{Criterion, Phase, Procedure, TargetKind};
use crate::domain::refusal::Refusal;
use crate::domain::state::{Attempt, AttemptNo, AttemptStatus, Incident, IndicatorSign};
use std::collections::BTreeMap;

/// An item's owner alone ticks it; the incident commander may tick any; only the commander waives.
pub fn tick(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    name: &str,
    mark: &Mark,
) -> Result<Vec<Event>, Refusal> {
    let attempt = super::attempt(incident, number)?;
    if attempt.status().is_terminal() && !closing_item(case.facts, name) {
        return Err(Refusal::phase(format!("attempt {number} {}", attempt.status().stands()), "Write a note instead."));
    }
    let (_, _, item) = case.facts.procedure.item(name).ok_or_else(|| Refusal::unknown("item", name))?;
    may_tick(case, incident, item.owner.as_deref())?;
    if let Some(marked) = attempt.marks.get(name) {
        let by = marked.by.as_ref().map_or_else(|| "Backout".to_owned(), |person| case.facts.name(person));
        return Err(Refusal::already(format!("{by} marked this item at {}", marked.at.time_of_day())));
    }
    let mark = match mark {
        Mark::Done { note } => Mark::Done { note: optional("note", note)? },
        Mark::NotApplicable { reason } => Mark::NotApplicable { reason: required("reason", reason)? },
        Mark::Waived { reason } => {
            if !case.commands(incident) {
                return Err(Refusal::not_yours("only the incident commander waives items", "Ask the commander."));
            }
            Mark::Waived { reason: required("reason", reason)? }
        }
        Mark::Proven { .. } => {
            return Err(Refusal::not_yours("only the machine proves items", "Tick it as done, with a note."));
        }
    };
    Ok(vec![Event::ItemMarked { attempt: number, item: name.to_owned(), mark }])
}

/// Communication after the end goes on: step items of an ended attempt that are not bound to a window.
fn closing_item(facts: &Facts, name: &str) -> bool {
    facts.procedure.item(name).is_some_and(|(list, _, _)| {
        matches!(list.phase, Phase::Step(_)) && list.window.is_none_or(|window| window.to.is_none())
    })
}

fn may_tick(case: &Case, incident: &Incident, owner: Option<&str>) -> Result<(), Refusal> {
    let person = case.person()?;
    if case.commands(incident) {
        return Ok(());
    }
    let Some(role) = owner.and_then(|owner| case.facts.procedure.role(owner)) else {
        // Owned by nobody in particular, or by a team of responders: whoever works on it ticks.
        return Ok(());
    };
    if case.facts.holds(person, role.duty) {
        return Ok(());
    }
    Err(Refusal::not_yours(format!("this item is the {}'s", role.title.to_lowercase()), "Ask them, or the commander."))
}

pub fn untick(case: &Case, incident: &Incident, number: AttemptNo, name: &str) -> Result<Vec<Event>, Refusal> {
    let attempt = super::attempt(incident, number)?;
    if attempt.status().is_terminal() {
        return Err(Refusal::phase(format!("attempt {number} {}", attempt.status().stands()), "Write a note instead."));
    }
    let (_, _, item) = case.facts.procedure.item(name).ok_or_else(|| Refusal::unknown("item", name))?;
    may_tick(case, incident, item.owner.as_deref())?;
    match attempt.marks.get(name) {
        None => Err(Refusal::already("the item is open")),
        Some(marked) if marked.mark.by_machine() => {
            Err(Refusal::phase("the machine proved this item", "It opens by itself when the proof goes."))
        }
        Some(_) => {
            Ok(vec![Event::ItemUnmarked { attempt: number, item: name.to_owned(), why: String::from("by hand") }])
        }
    }
}

/// Is a criterion red now? `None` without a condition or without data.
pub fn is_red(facts: &Facts, criterion: &Criterion) -> Option<bool> {
    criterion.condition.as_ref().and_then(|condition| facts.measures.holds(condition)).map(|met| !met)
}

/// The measured value of a condition's series, in words, to be frozen beside a tick.
pub fn measured(facts: &Facts, condition: &Condition) -> String {
    match facts.measures.value(&condition.series) {
        Some(value) => condition.series.show(value),
        None => String::from("no data"),
    }
}

pub fn mark_criterion(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    name: &str,
    mark: Option<&Mark>,
) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt_in(
        incident,
        number,
        &[AttemptStatus::Executing, AttemptStatus::Halted, AttemptStatus::Verifying],
        "verification",
    )?;
    let criterion = case.facts.procedure.criterion(name).ok_or_else(|| Refusal::unknown("criterion", name))?;
    let measured = criterion.condition.as_ref().map(|condition| measured(case.facts, condition));
    let event =
        |mark| Event::CriterionMarked { attempt: number, criterion: name.to_owned(), mark, measured: measured.clone() };
    let Some(mark) = mark else {
        return match attempt.criteria.get(name) {
            Some(_) => Ok(vec![event(None)]),
            None => Err(Refusal::already("the criterion is open")),
        };
    };
    if let Some(marked) = attempt.criteria.get(name) {
        let by = marked.by.as_ref().map_or_else(|| "Backout".to_owned(), |person| case.facts.name(person));
        return Err(Refusal::already(format!("{by} ticked this criterion at {}", marked.at.time_of_day())));
    }
    let mark = match mark {
        Mark::Done { note } => {
            // Without data is no better than red: a person must say why it is met all the same.
            let doubtful = criterion.condition.is_some() && is_red(case.facts, criterion) != Some(false);
            let proof = VersionProof::of(case.facts, attempt, case.now);
            let unproven = criterion.proves_version && proof.is_doubtful();
            let note = optional("note", note)?;
            if note.is_empty() && (doubtful || unproven) {
                let saw = measured.clone().unwrap_or_else(|| proof.words().to_owned());
                return Err(Refusal::input(
                    format!("the measurement speaks against “{}” ({saw}), so the tick needs a reason", criterion.text),
                    "Write why it is met all the same.",
                ));
            }
            Mark::Done { note }
        }
        Mark::NotApplicable { .. } if criterion.always_applies => {
            return Err(Refusal::input(
                format!("“{}” always applies", criterion.text),
                "It is met, or the rollback is not verified.",
            ));
        }
        Mark::NotApplicable { reason } => Mark::NotApplicable { reason: required("reason", reason)? },
        Mark::Waived { .. } | Mark::Proven { .. } => {
            return Err(Refusal::input(
                "success criteria are ticked by people",
                "Tick it, or say why it does not apply.",
            ));
        }
    };
    Ok(vec![event(Some(mark))])
}

pub fn mark_indicator(
    case: &Case,
    incident: &Incident,
    number: AttemptNo,
    name: &str,
    sign: IndicatorSign,
    note: &str,
) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt_in(
        incident,
        number,
        &[AttemptStatus::Executing, AttemptStatus::Halted, AttemptStatus::Verifying],
        "verification",
    )?;
    let indicator = case.facts.procedure.indicator(name).ok_or_else(|| Refusal::unknown("failure indicator", name))?;
    let note = if sign == IndicatorSign::Seen { required("note", note)? } else { optional("note", note)? };
    if attempt.indicators.get(name).is_some_and(|seen| seen.sign == sign && seen.note == note) {
        return Err(Refusal::already("the indicator says this already"));
    }
    let measured =
        indicator.compares.as_ref().map(|key| compared(case.facts.procedure, case.facts.measures, attempt, key));
    Ok(vec![Event::IndicatorMarked { attempt: number, indicator: name.to_owned(), sign, note, measured }])
}

/// The live value beside the one frozen at the first run's start: `3.1 % now, 14.2 % at T+0: better`. Whether that is
/// enough is a person's judgement. No verdict where all is well now: nothing had to become better there.
pub fn compared(procedure: &Procedure, measures: &Measures, attempt: &Attempt, key: &str) -> String {
    let series = Series::from_key(key);
    let words = |value: Option<i64>| value.map_or_else(|| "no data".to_owned(), |value| series.show(value));
    let (now, then) = (measures.value(&series), attempt.baseline.get(key).copied());
    let both = format!("{} now, {} at T+0", words(now), words(then));
    let mut goals = procedure.verification.criteria.iter().filter_map(|criterion| criterion.condition.as_ref());
    let is_well = goals.any(|goal| goal.series == series && measures.holds(goal) == Some(true));
    let alarm = |value: i64| if series.worse() == Direction::Above { value } else { -value };
    match now.zip(then) {
        None => both,
        Some(_) if is_well => both,
        // What nobody can see to differ is the same.
        Some(_) if words(now) == words(then) => format!("{both}: no better"),
        Some((now, then)) if alarm(now) < alarm(then) => format!("{both}: better"),
        Some(_) => format!("{both}: worse"),
    }
}

/// What the running services say of the releases that a plan puts in place (E18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionProof {
    /// Nothing to prove, or nobody to ask: success does not wait for it.
    NotAsked(String),
    /// Each release that can be asked for runs. `at`: when the one that was asked first said so.
    Proven { words: String, at: Timestamp },
    /// One has not answered lately, or never.
    Unknown(String),
    /// Something else runs.
    Contradicted(String),
}

impl VersionProof {
    pub fn of(facts: &Facts, attempt: &Attempt, now: Timestamp) -> VersionProof {
        VersionProof::read(facts.versions, attempt.plan().map_or(&[][..], |plan| &plan.targets), now)
    }

    fn read(versions: &BTreeMap<String, ReadBack>, targets: &[Target], now: Timestamp) -> VersionProof {
        let releases: Vec<&Target> = targets.iter().filter(|target| target.kind == TargetKind::Release).collect();
        let whose = |target: &Target| {
            if releases.len() > 1 { format!("{}: ", target.component) } else { String::new() }
        };
        let (mut proven, mut unknown, mut contradicted, mut asked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for target in &releases {
            let Some(read) = versions.get(&target.component) else { continue };
            asked.push(read.at);
            let (whose, runs, wanted) = (whose(target), &read.version, &target.name);
            if runs.is_empty() {
                unknown.push(format!("{whose}the service has not said which version runs"));
            } else if now - read.at > READ_BACK_VALID {
                let at = read.at.time_of_day();
                unknown.push(format!("{whose}{runs} ran at {at} UTC; that is too old to prove it"));
            } else if runs == wanted {
                proven.push(format!("{whose}{runs} runs, as approved"));
            } else {
                contradicted.push(format!("{whose}{runs} runs, but {wanted} was approved"));
            }
        }
        match asked.into_iter().min() {
            None if releases.is_empty() => VersionProof::NotAsked("the plan has no release to read back".to_owned()),
            None => VersionProof::NotAsked("no read-back is configured".to_owned()),
            Some(_) if !contradicted.is_empty() => VersionProof::Contradicted(contradicted.join("; ")),
            Some(_) if !unknown.is_empty() => VersionProof::Unknown(unknown.join("; ")),
            Some(at) => VersionProof::Proven { words: proven.join("; "), at },
        }
    }

    pub fn words(&self) -> &str {
        match self {
            VersionProof::NotAsked(words)
            | VersionProof::Proven { words, .. }
            | VersionProof::Unknown(words)
            | VersionProof::Contradicted(words) => words,
        }
    }

    /// Whether a tick that says all works needs a reason.
    pub fn is_doubtful(&self) -> bool {
        matches!(self, VersionProof::Unknown(_) | VersionProof::Contradicted(_))
    }
}

/// All criteria met, no indicator seen, the version proven: the technical lead's word makes it a success.
pub fn confirm(case: &Case, incident: &Incident, number: AttemptNo) -> Result<Vec<Event>, Refusal> {
    let attempt = attempt_in(incident, number, &[AttemptStatus::Verifying], "confirming success")?;
    let procedure = case.facts.procedure;
    let open: Vec<&str> = procedure
        .verification
        .criteria
        .iter()
        .filter(|criterion| !attempt.criteria.contains_key(&criterion.name))
        .map(|criterion| criterion.text.as_str())
        .collect();
    if !open.is_empty() {
        return Err(Refusal::blocked(
            format!("these criteria are not ticked: {}", open.join(", ")),
            "Check them, then tick them.",
        ));
    }
    let seen: Vec<&str> = procedure
        .verification
        .indicators
        .iter()
        .filter(|indicator| {
            attempt.indicators.get(&indicator.name).is_some_and(|seen| seen.sign == IndicatorSign::Seen)
        })
        .map(|indicator| indicator.text.as_str())
        .collect();
    if !seen.is_empty() {
        return Err(Refusal::blocked(
            format!("failure indicators were seen: {}", seen.join(", ")),
            "Declare the failure, or mark them as not seen any more.",
        ));
    }
    let version_proof = match VersionProof::of(case.facts, attempt, case.now) {
        VersionProof::Unknown(why) => {
            return Err(Refusal::blocked(why, "Wait until the service answers; unknown is not proven."));
        }
        VersionProof::Contradicted(why) => {
            return Err(Refusal::blocked(why, "Success needs the approved version to run everywhere."));
        }
        VersionProof::NotAsked(words) | VersionProof::Proven { words, .. } => words,
    };
    let measured = procedure
        .verification
        .criteria
        .iter()
        .filter_map(|criterion| criterion.condition.as_ref())
        .map(|condition| (condition.series.key().to_owned(), measured(case.facts, condition)))
        .collect::<BTreeMap<_, _>>();
    let unticked = procedure
        .items()
        .filter(|(list, _, item)| {
            matches!(list.phase, Phase::Step(_))
                && list.window.is_some_and(|window| window.to.is_some())
                && !attempt.is_marked(&item.name)
                && item.condition.is_none()
        })
        .map(|(_, _, item)| item.text.clone())
        .collect();
    Ok(vec![Event::SuccessConfirmed { attempt: number, measured, unticked, version_proof }])
}

/// The time to verify it is over: from here on whoever may declare the failure is asked (E14).
pub fn call_for_verdict(case: &Case, incident: &Incident, number: AttemptNo) -> Result<Vec<Event>, Refusal> {
    match incident.verdict_due() {
        Some((attempt, due_at)) if attempt == number && case.now >= due_at => {
            Ok(vec![Event::VerdictOverdue { attempt, due_at }])
        }
        Some((attempt, _)) if attempt == number => {
            Err(Refusal::phase("there is time left to verify it", "The verdict is asked for when that is over."))
        }
        _ => Err(Refusal::already(format!("attempt {number} waits for no verdict, or it was asked for"))),
    }
}

/// Ends the attempt as failed; only this opens the way to the restoration (E14, E22).
pub fn declare_failed(incident: &Incident, number: AttemptNo, reason: &str) -> Result<Vec<Event>, Refusal> {
    let attempt =
        attempt_in(incident, number, &[AttemptStatus::Halted, AttemptStatus::Verifying], "declaring failure")?;
    if attempt.live_runs().next().is_some() {
        return Err(Refusal::blocked("a run is still going on", "Stop it, or wait for its end."));
    }
    Ok(vec![Event::FailureDeclared { attempt: number, reason: required("reason", reason)? }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::facts::Measure;
    use crate::domain::report::tests::sample::draft;

    #[test]
    fn a_value_is_compared_with_the_one_at_the_start_and_never_with_none() {
        let procedure = crate::playbook::default_procedure();
        let mut attempt = Attempt::new(1, draft("4.11.3"), String::new(), None, None, Timestamp(0));
        attempt.baseline = BTreeMap::from([
            ("error_rate".into(), 142_000),
            ("availability".into(), 858_000),
            ("response_time".into(), 2_340_001),
        ]);
        let says = |key: &str, value: Option<i64>| {
            let measures = Measures(BTreeMap::from([(Series::from_key(key), Measure { value, at: None })]));
            compared(&procedure, &measures, &attempt, key).replace('\u{a0}', " ")
        };
        assert_eq!(says("error_rate", Some(31_000)), "3.1 % now, 14.2 % at T+0: better");
        assert_eq!(says("error_rate", Some(142_000)), "14.2 % now, 14.2 % at T+0: no better");
        assert_eq!(says("error_rate", Some(150_000)), "15 % now, 14.2 % at T+0: worse");
        assert_eq!(says("availability", Some(990_000)), "99 % now, 85.8 % at T+0: better");
        assert_eq!(says("error_rate", None), "no data now, 14.2 % at T+0");
        assert_eq!(says("error_rate", Some(0)), "0 % now, 14.2 % at T+0", "it is as it should be");
        assert_eq!(says("response_time", Some(2_340_002)), "2.34 s now, 2.34 s at T+0: no better", "nobody sees more");
        attempt.baseline.clear();
        let measures = Measures(BTreeMap::from([(Series::ResponseTime, Measure { value: Some(2_000_000), at: None })]));
        assert_eq!(
            compared(&procedure, &measures, &attempt, "response_time").replace('\u{a0}', " "),
            "2 s now, no data at T+0"
        );
    }

    #[test]
    fn each_component_proves_its_own_release_and_unknown_is_not_proven() {
        let now = Timestamp(0) + Span::minutes(5);
        let proof = |releases: &[(&str, &str)], read: &[(&str, &str, Timestamp)]| {
            let backup = Target { kind: TargetKind::Backup, name: "nightly".into(), ..draft("1").targets[0].clone() };
            let release = |(component, name): &(&str, &str)| Target {
                kind: TargetKind::Release,
                component: (*component).into(),
                name: (*name).into(),
                ..backup.clone()
            };
            let targets: Vec<Target> = [backup.clone()].into_iter().chain(releases.iter().map(release)).collect();
            let answer = |(component, version, at): &(&str, &str, Timestamp)| {
                ((*component).to_owned(), ReadBack { version: (*version).to_owned(), at: *at })
            };
            VersionProof::read(&read.iter().map(answer).collect(), &targets, now)
        };
        let words = |proof: VersionProof| proof.words().to_owned();
        assert_eq!(
            proof(&[], &[("web", "1", now)]),
            VersionProof::NotAsked("the plan has no release to read back".into())
        );
        assert!(matches!(proof(&[("web", "1")], &[("db", "1", now)]), VersionProof::NotAsked(_)));
        let earlier = now - Span::seconds(3);
        let both = [("web", "1"), ("db", "2")];
        assert_eq!(
            proof(&both, &[("web", "1", earlier), ("db", "2", now)]),
            VersionProof::Proven { words: "web: 1 runs, as approved; db: 2 runs, as approved".into(), at: earlier }
        );
        let other = proof(&both, &[("web", "1", now), ("db", "3", now)]);
        assert_eq!(other, VersionProof::Contradicted("db: 3 runs, but 2 was approved".into()));
        assert!(other.is_doubtful());
        assert!(matches!(proof(&both, &[("web", "9", now), ("db", "", now)]), VersionProof::Contradicted(_)));
        let old = now - READ_BACK_VALID - Span(1);
        assert_eq!(
            words(proof(&[("web", "1")], &[("web", "1", old)])),
            "1 ran at 00:04:44 UTC; that is too old to prove it"
        );
        let silent = proof(&both, &[("web", "1", now), ("db", "", now)]);
        assert_eq!(silent, VersionProof::Unknown("db: the service has not said which version runs".into()));
        assert!(silent.is_doubtful());
    }
}
