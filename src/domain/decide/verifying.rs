//! Ticks and the verdict: people tick, machines measure, side by side (E1, E13, E18).

use super::{Case, attempt_in, optional, required};
use crate::domain::condition::{Condition, Direction, Series};
use crate::domain::event::{Event, Mark};
use crate::domain::facts::{Facts, Measures, READ_BACK_VALID};
use crate::domain::procedure::{Criterion, Phase, TargetKind};
use crate::domain::refusal::Refusal;
use crate::domain::state::{Attempt, AttemptNo, AttemptStatus, Incident, IndicatorSign};
use std::cmp::Ordering;
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
            let unproven = criterion.proves_version && version_proven(case.facts, attempt).is_err();
            let note = optional("note", note)?;
            if note.is_empty() && (doubtful || unproven) {
                let saw = measured.clone().unwrap_or_else(|| version_words(case.facts));
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
    let measured = indicator.compares.as_ref().map(|key| compared(case.facts.measures, attempt, key));
    Ok(vec![Event::IndicatorMarked { attempt: number, indicator: name.to_owned(), sign, note, measured }])
}

/// The live value beside the one frozen at the first run's start: `3.1 % now, 14.2 % at T+0: better`. Whether that is
/// enough is a person's judgement.
pub fn compared(measures: &Measures, attempt: &Attempt, key: &str) -> String {
    let series = Series::from_key(key);
    let words = |value: Option<i64>| value.map_or_else(|| "no data".to_owned(), |value| series.show(value));
    let (now, then) = (measures.value(&series), attempt.baseline.get(key).copied());
    let alarm = |value: i64| if series.worse() == Direction::Above { value } else { -value };
    let verdict = now.zip(then).map_or("", |(now, then)| match alarm(now).cmp(&alarm(then)) {
        Ordering::Less => ": better",
        Ordering::Equal => ": no better",
        Ordering::Greater => ": worse",
    });
    format!("{} now, {} at T+0{verdict}", words(now), words(then))
}

/// What the read-back says: the version that runs is the approved target (E18). `Err` says why success is not proven.
pub fn version_proven(facts: &Facts, attempt: &Attempt) -> Result<String, String> {
    let target = attempt.plan().and_then(|plan| plan.targets.iter().find(|target| target.kind == TargetKind::Release));
    match (target, facts.version) {
        (None, _) => Ok(String::from("the plan has no release to read back")),
        (Some(_), None) => Ok(String::from("no read-back is configured")),
        (Some(target), Some(read)) if read.version == target.name => Ok(format!("{} runs, as approved", read.version)),
        (Some(target), Some(read)) => Err(format!("{} runs, but {} was approved", read.version, target.name)),
    }
}

/// The read-back in words, for beside the criterion.
pub fn version_words(facts: &Facts) -> String {
    facts.version.map_or_else(|| "not measured".to_owned(), |read| format!("{} runs", read.version))
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
    if case.facts.version.is_some_and(|read| case.now - read.at > READ_BACK_VALID) {
        return Err(Refusal::blocked(
            "the running version has not been read back for some time",
            "Wait until the service answers; unknown is not proven.",
        ));
    }
    let version_proof = version_proven(case.facts, attempt)
        .map_err(|why| Refusal::blocked(why, "Success needs the approved version to run everywhere."))?;
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
    use crate::domain::facts::Measure;
    use crate::domain::report::tests::sample::draft;

    #[test]
    fn a_value_is_compared_with_the_one_at_the_start_and_never_with_none() {
        let mut attempt = Attempt::new(1, draft("4.11.3"), String::new(), None, None, crate::domain::Timestamp(0));
        attempt.baseline = BTreeMap::from([("error_rate".into(), 142_000), ("availability".into(), 858_000)]);
        let says = |key: &str, value: Option<i64>| {
            let measures = Measures(BTreeMap::from([(Series::from_key(key), Measure { value, at: None })]));
            compared(&measures, &attempt, key).replace('\u{a0}', " ")
        };
        assert_eq!(says("error_rate", Some(31_000)), "3.1 % now, 14.2 % at T+0: better");
        assert_eq!(says("error_rate", Some(142_000)), "14.2 % now, 14.2 % at T+0: no better");
        assert_eq!(says("error_rate", Some(150_000)), "15 % now, 14.2 % at T+0: worse");
        assert_eq!(says("availability", Some(990_000)), "99 % now, 85.8 % at T+0: better");
        assert_eq!(says("error_rate", None), "no data now, 14.2 % at T+0");
        assert_eq!(says("response_time", Some(2_000_000)), "2 s now, no data at T+0");
    }
}
