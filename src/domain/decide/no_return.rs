//! The point of no return (D19): nobody goes behind a destructive migration, unless the same plan brings back the data of
//! before it. Nor does a restoration alone put a release that runs over the data of a newer one.

use crate::domain::Timestamp;
use crate::domain::facts::{Facts, Registered};
use crate::domain::plan::{Target, restored};
use crate::domain::procedure::{RollbackType, TargetKind};
use crate::domain::refusal::Refusal;
use crate::domain::running::Data;
use std::collections::BTreeSet;

/// A release and the data that it would meet.
struct Meeting<'a> {
    chosen: &'a Registered,
    /// What the plan restores.
    backup: Option<&'a Target>,
    /// That backup, where it was chosen from the register.
    kept: Option<&'a Registered>,
    data: Data,
}

/// A release that would run upon data that it may not know.
struct Behind<'a> {
    meeting: Meeting<'a>,
    /// Whose destructive migration the data may carry.
    migrated: &'a Registered,
}

impl Behind<'_> {
    fn words(&self) -> String {
        format!("{} lies behind the destructive migration of {}", self.meeting.chosen.name, self.migrated.name)
    }
}

/// The refusal of a plan that goes behind a destructive migration, asked of each component that it touches.
pub fn behind_no_return(facts: &Facts, kind: RollbackType, targets: &[Target]) -> Result<(), Refusal> {
    all_behind(facts, kind, targets).iter().try_for_each(|behind| not_behind(facts, behind))
}

/// What the approvers of a plan must judge, as nothing tells it for certain: one sentence for each release that may stand in
/// the way.
pub fn unproven(facts: &Facts, kind: RollbackType, targets: &[Target]) -> Vec<String> {
    let by_hand = all_behind(facts, kind, targets).into_iter().filter_map(|behind| {
        let backup = behind.meeting.backup.filter(|_| behind.meeting.kept.is_none())?;
        Some(format!("{}; whether {} is from before it is not known.", behind.words(), backup.name))
    });
    let meetings = components(targets).into_iter().filter_map(|component| meeting(facts, kind, targets, component));
    let strangers = components(targets).into_iter().filter_map(|component| stranger(facts, kind, targets, component));
    by_hand.chain(meetings.flat_map(|meeting| to_be_judged(facts, &meeting))).chain(strangers).collect()
}

/// A release that no register knows: whether it lies behind a destructive migration that the data may carry, nothing tells.
fn stranger(facts: &Facts, kind: RollbackType, targets: &[Target], component: &str) -> Option<String> {
    let release = release_of(targets, component)?;
    if facts.registered(TargetKind::Release, component, &release.name).is_some() {
        return None;
    }
    let data = data_of(facts, restored(facts.procedure, kind, targets, component)).1;
    let may_carry = |migrated: &&Registered| match data {
        Data::Kept(taken) => migrated.at <= taken,
        Data::Present | Data::Unknown => true,
    };
    let destructive = facts.releases(component).filter(|release| release.migrations == "destructive");
    let migrated: Vec<&str> = destructive.filter(may_carry).map(|release| release.name.as_str()).collect();
    (!migrated.is_empty()).then(|| {
        format!(
            "No register knows {}: nothing proves that it knows the destructive migration of {}, if it meets it.",
            release.name,
            migrated.join(" or ")
        )
    })
}

/// What was restored here before leaves a doubt.
fn to_be_judged(facts: &Facts, meeting: &Meeting) -> Vec<String> {
    let Meeting { chosen, data, .. } = meeting;
    let behind: Vec<&str> = facts.unknown_to(chosen, *data).map(|release| release.name.as_str()).collect();
    let destructive = facts.releases(&chosen.component).filter(|release| release.migrations == "destructive");
    let others = destructive.filter(|release| release.name != chosen.name && !behind.contains(&release.name.as_str()));
    let sentence = |release: &Registered| {
        let at = doubtful_since(release, chosen, *data)?;
        Some(format!(
            "The data of {} was last restored, wholly or in part, on {} at {} UTC: nothing proves that {} knows the destructive \
             migration of {}, if it meets it.",
            chosen.component,
            at.date(),
            at.time_of_day(),
            chosen.name,
            release.name
        ))
    };
    others.filter_map(sentence).collect()
}

/// One mark cannot tell how often data was brought back and forth. So wherever a restoration touched what this release did,
/// and the chosen one did not begin upon it since, nothing is certain.
fn doubtful_since(release: &Registered, chosen: &Registered, data: Data) -> Option<Timestamp> {
    release.restored_at.filter(|restored| match data {
        Data::Present => *restored >= chosen.at,
        Data::Kept(taken) => release.at <= taken,
        Data::Unknown => true,
    })
}

/// The backup to restore beneath these targets: the newest that their release of the component may run upon, else the newest,
/// so that the refusal says what is wrong with it. `None` when none is registered.
pub fn backup_beneath<'a>(facts: &'a Facts, targets: &[Target], component: &str) -> Option<&'a Registered> {
    let runs_then = match release_of(targets, component) {
        Some(release) => facts.registered(TargetKind::Release, component, &release.name),
        None => facts.running_release(component),
    };
    runs_then.and_then(|chosen| newest_beneath(facts, chosen)).or_else(|| facts.newest_backup(component))
}

fn components(targets: &[Target]) -> BTreeSet<&str> {
    targets.iter().map(|target| target.component.as_str()).collect()
}

fn all_behind<'a>(facts: &'a Facts, kind: RollbackType, targets: &'a [Target]) -> Vec<Behind<'a>> {
    let meetings = components(targets).into_iter().filter_map(|component| meeting(facts, kind, targets, component));
    meetings
        .filter_map(|meeting| {
            let migrated = in_the_way(facts, meeting.chosen, meeting.data)?;
            Some(Behind { meeting, migrated })
        })
        .collect()
}

fn meeting<'a>(facts: &'a Facts, kind: RollbackType, targets: &'a [Target], component: &str) -> Option<Meeting<'a>> {
    let backup = restored(facts.procedure, kind, targets, component);
    let chosen = match (release_of(targets, component), backup) {
        (Some(release), _) => facts.registered(TargetKind::Release, component, &release.name),
        (None, Some(_)) => facts.running_release(component),
        (None, None) => None,
    }?;
    let (kept, data) = data_of(facts, backup);
    Some(Meeting { chosen, backup, kept, data })
}

/// The data after this backup is restored, or without one, and the backup where it was chosen from the register.
fn data_of<'a>(facts: &'a Facts, backup: Option<&Target>) -> (Option<&'a Registered>, Data) {
    // A name typed by hand is not that of a backup which was registered under it since.
    let by_name = backup.filter(|backup| !backup.free_text);
    let kept = by_name.and_then(|backup| facts.registered(TargetKind::Backup, &backup.component, &backup.name));
    let data = match (backup, kept) {
        (None, _) => Data::Present,
        (Some(_), Some(kept)) => Data::Kept(kept.at),
        (Some(_), None) => Data::Unknown,
    };
    (kept, data)
}

fn not_behind(facts: &Facts, behind: &Behind) -> Result<(), Refusal> {
    let words = behind.words();
    Err(match (behind.meeting.backup, behind.meeting.kept) {
        (None, _) => Refusal::blocked(words, "Add a backup to restore, or choose a release after it."),
        (Some(_), Some(kept)) => Refusal::blocked(
            format!("{words}, and {} was taken after it", kept.name),
            "Choose a backup from before it, or a release after it.",
        ),
        // Where no registered backup would do, the approvers judge one that is typed by hand.
        (Some(backup), None) => match newest_beneath(facts, behind.meeting.chosen) {
            None => return Ok(()),
            Some(known) => {
                let registered = facts.registered(TargetKind::Backup, &backup.component, &backup.name).is_some();
                let mend = match registered {
                    true => format!("Choose {} from the register, which is from before it.", known.name),
                    false => format!("Choose {}, which is from before it, or register {}.", known.name, backup.name),
                };
                Refusal::blocked(format!("{words}, and whether {} is from before it is not known", backup.name), mend)
            }
        },
    })
}

fn release_of<'a>(targets: &'a [Target], component: &str) -> Option<&'a Target> {
    targets.iter().find(|target| target.kind == TargetKind::Release && target.component == component)
}

/// A destructive release whose migration this data may carry and that the chosen one does not know.
fn in_the_way<'a>(facts: &'a Facts, chosen: &Registered, data: Data) -> Option<&'a Registered> {
    facts.unknown_to(chosen, data).find(|release| release.migrations == "destructive")
}

/// The newest registered backup whose data the chosen release knows, as far as destructive migrations go.
fn newest_beneath<'a>(facts: &'a Facts, chosen: &Registered) -> Option<&'a Registered> {
    let backups =
        facts.register.iter().filter(|entry| entry.kind == TargetKind::Backup && entry.component == chosen.component);
    backups.filter(|backup| in_the_way(facts, chosen, Data::Kept(backup.at)).is_none()).max_by_key(|backup| backup.at)
}
