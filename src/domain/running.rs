//! What runs and what ran, as the register tells it: a release began when it was registered, and again when it was deployed
//! once more or rolled back to. It ran until another one began.

use super::facts::Registered;
use super::procedure::TargetKind;
use super::{Span, Timestamp};

/// One time through which a release ran without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stint<'a> {
    pub release: &'a Registered,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// The data that a release would meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// As it is now.
    Present,
    /// As a backup holds it that was taken then.
    Kept(Timestamp),
    /// As a backup holds it that no register knows.
    Unknown,
}

impl Registered {
    /// When it last began to run.
    pub fn began_at(&self) -> Timestamp {
        self.again_at.map_or(self.at, |again| again.max(self.at))
    }

    /// When it had last begun to run, as seen from a moment; `None` where that came later. Of one that was deployed more than
    /// once since, only the first beginning is known.
    pub fn had_begun_by(&self, moment: Timestamp) -> Option<Timestamp> {
        [Some(self.at), self.again_at].into_iter().flatten().filter(|began| *began <= moment).max()
    }

    /// It was rolled back from, and did not begin again since.
    pub fn was_left(&self) -> bool {
        self.left_at.is_some_and(|left| left >= self.began_at())
    }
}

/// Releases of a component, the one that began first before the others.
pub fn releases<'a>(register: &'a [Registered], component: &str) -> Vec<&'a Registered> {
    let mut releases: Vec<&Registered> =
        register.iter().filter(|entry| entry.kind == TargetKind::Release && entry.component == component).collect();
    releases.sort_by_key(|entry| entry.at);
    releases
}

/// The release that began last.
pub fn running<'a>(register: &'a [Registered], component: &str) -> Option<&'a Registered> {
    releases(register, component).into_iter().max_by_key(|release| release.began_at())
}

/// The releases whose migrations the data may carry, and which `chosen` does not know: to be asked before anyone lets it
/// run upon that data (D19). What is not known to be undone counts.
pub fn unknown_to<'a>(register: &'a [Registered], chosen: &Registered, data: Data) -> Vec<&'a Registered> {
    let mut releases = releases(register, &chosen.component);
    if let Data::Kept(taken) = data {
        // What first ran after the backup was taken is not in it.
        releases.retain(|release| release.at <= taken);
    }
    let unknown = |release: &&Registered| {
        if release.at < chosen.at {
            // The chosen one was built upon it, unless it was gone by then and came again afterwards, or does so with this
            // data.
            (release.began_at() > chosen.at && was_gone(&releases, release)) || comes_back(release, chosen, data)
        } else {
            release.name != chosen.name && !undone(&releases, release, data)
        }
    };
    releases.iter().copied().filter(unknown).collect()
}

/// The data was brought back to before this release, and neither it nor a newer one, which is built upon it, began since.
/// `releases` are those that can have left a trace in this data. One that began before the backup may have begun again
/// between the undoing and the backup as well: only its last beginning is known, so a later one counts against it.
fn undone(releases: &[&Registered], release: &Registered, data: Data) -> bool {
    let Some(undone) = release.undone_at else { return false };
    let in_this_data = match data {
        Data::Present => true,
        Data::Kept(taken) => undone <= taken,
        Data::Unknown => false,
    };
    in_this_data && releases.iter().filter(|other| other.at >= release.at).all(|other| other.began_at() < undone)
}

/// This older release was undone when the chosen one was built, and the data is that of before it was undone.
fn comes_back(release: &Registered, chosen: &Registered, data: Data) -> bool {
    let since = match data {
        Data::Present => return false,
        Data::Kept(taken) => taken,
        Data::Unknown => release.at,
    };
    let again = |undone: Timestamp| (undone..=chosen.at).contains(&release.began_at());
    release.undone_at.is_some_and(|undone| since < undone && undone <= chosen.at && !again(undone))
}

/// This release may have been undone at some time since it first ran: what it did to the data was, it was rolled back
/// from, or an older one began again after it.
fn was_gone(releases: &[&Registered], release: &Registered) -> bool {
    release.undone_at.is_some()
        || release.left_at.is_some()
        || releases.iter().any(|older| older.at < release.at && older.began_at() > release.at)
}

/// The stints that speak for an earlier release than the one that runs, the newest release first: long enough, and of a
/// release that was not rolled back from. Whether they were quiet is another question.
pub fn ways_back<'a>(register: &'a [Registered], component: &str, at_least: Span) -> Vec<Stint<'a>> {
    let releases = releases(register, component);
    let Some(running) = running(register, component) else { return Vec::new() };
    let mut begun: Vec<(Timestamp, &Registered)> = releases
        .iter()
        .flat_map(|release| [Some(release.at), release.again_at].into_iter().flatten().map(|at| (at, *release)))
        .collect();
    begun.sort_by_key(|(at, _)| *at);
    let earlier = releases.iter().rev().skip_while(|release| release.name != running.name).skip(1);
    earlier
        .filter(|release| !release.was_left())
        .flat_map(|release| {
            let stints = begun.windows(2).filter(|pair| pair[0].1.name == release.name);
            stints.rev().map(|pair| Stint { release, from: pair[0].0, until: pair[1].0 })
        })
        .filter(|stint| stint.until - stint.from >= at_least)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Span = Span::hours(24);

    fn release(name: &str, day: i64) -> Registered {
        Registered {
            kind: TargetKind::Release,
            environment: "production".into(),
            component: "app".into(),
            name: name.into(),
            checksum: String::new(),
            at: on(day),
            by: "pipeline".into(),
            note: String::new(),
            migrations: "none".into(),
            verified_at: None,
            again_at: None,
            left_at: None,
            left_in: String::new(),
            undone_at: None,
            restored_at: None,
        }
    }

    fn on(day: i64) -> Timestamp {
        Timestamp(day * DAY.0)
    }

    /// Rolled back from the second release to the first on that day.
    fn rolled_back(register: &mut [Registered], from: &str, to: &str, day: i64) {
        for release in register.iter_mut() {
            if release.name == from {
                (release.left_at, release.left_in) = (Some(on(day)), "RB-0001".into());
            }
            if release.name == to {
                release.again_at = Some(on(day));
            }
        }
    }

    fn deployed_again(register: &mut [Registered], name: &str, day: i64) {
        register.iter_mut().find(|release| release.name == name).unwrap().again_at = Some(on(day));
    }

    /// The data was brought back, on that day, to before these releases.
    fn brought_back(register: &mut [Registered], names: &[&str], day: i64) {
        for release in register.iter_mut().filter(|release| names.contains(&release.name.as_str())) {
            release.undone_at = Some(on(day));
        }
    }

    fn unknown<'a>(register: &'a [Registered], chosen: &str) -> Vec<&'a str> {
        unknown_in(register, chosen, Data::Present)
    }

    fn unknown_in<'a>(register: &'a [Registered], chosen: &str, data: Data) -> Vec<&'a str> {
        let chosen = register.iter().find(|release| release.name == chosen).unwrap();
        unknown_to(register, chosen, data).into_iter().map(|release| release.name.as_str()).collect()
    }

    #[test]
    fn what_was_left_without_its_data_being_brought_back_still_counts() {
        let mut register = vec![release("0", 1), release("1", 10), release("2", 20)];
        assert_eq!(unknown(&register, "0"), ["1", "2"]);
        rolled_back(&mut register, "2", "1", 21);
        assert_eq!(unknown(&register, "0"), ["1", "2"], "nobody brought the data back");
        brought_back(&mut register, &["2"], 21);
        assert_eq!(unknown(&register, "0"), ["1"]);
    }

    #[test]
    fn a_newer_release_puts_on_again_what_was_undone() {
        let mut register = vec![release("0", 1), release("1", 10), release("2", 20)];
        rolled_back(&mut register, "2", "1", 21);
        brought_back(&mut register, &["2"], 21);
        // The next one is built upon what was undone; and then an old one is deployed over it.
        register.push(release("3", 30));
        assert_eq!(unknown(&register, "1"), ["2", "3"]);
        deployed_again(&mut register, "1", 31);
        assert_eq!(unknown(&register, "0"), ["1", "2", "3"]);
        // The data is brought back before all of it: nothing is left of them.
        brought_back(&mut register, &["2", "3"], 32);
        assert_eq!(unknown(&register, "0"), ["1"]);
    }

    #[test]
    fn a_release_began_when_it_was_deployed_last_before_a_moment() {
        let mut register = vec![release("1", 2)];
        deployed_again(&mut register, "1", 20);
        let known = |day| register[0].had_begun_by(on(day));
        assert_eq!((known(1), known(19), known(20), known(30)), (None, Some(on(2)), Some(on(20)), Some(on(20))));
    }

    #[test]
    fn what_was_undone_and_is_deployed_again_counts_again() {
        let mut register = vec![release("0", 1), release("1", 10), release("2", 20)];
        rolled_back(&mut register, "2", "1", 21);
        brought_back(&mut register, &["2"], 21);
        deployed_again(&mut register, "2", 22);
        assert_eq!(unknown(&register, "1"), ["2"]);
        rolled_back(&mut register, "2", "1", 23);
        assert_eq!(unknown(&register, "0"), ["1", "2"], "left a second time, but this time its data stayed");
    }

    #[test]
    fn an_older_release_that_was_gone_and_came_again_is_unknown_to_what_was_built_without_it() {
        // The second was undone; the third was built without it; then the second is deployed again.
        let mut register = vec![release("1", 1), release("2", 10), release("3", 20)];
        rolled_back(&mut register, "2", "1", 11);
        brought_back(&mut register, &["2"], 11);
        assert_eq!(unknown(&register, "3"), [""; 0]);
        deployed_again(&mut register, "2", 30);
        assert_eq!(unknown(&register, "3"), ["2"]);
        // The same when the register saw only that the first was deployed in between.
        let mut register = vec![release("1", 1), release("2", 10), release("3", 20)];
        deployed_again(&mut register, "1", 11);
        deployed_again(&mut register, "2", 30);
        assert_eq!(unknown(&register, "3"), ["2"]);
        // What was there all the time is known to what came after it.
        let mut register = vec![release("1", 1), release("2", 10), release("3", 20)];
        rolled_back(&mut register, "3", "2", 30);
        assert_eq!(unknown(&register, "3"), [""; 0]);
    }

    #[test]
    fn a_backup_is_judged_by_what_was_undone_when_it_was_taken() {
        let mut register = vec![release("0", 1), release("1", 10), release("2", 20)];
        let kept = |register: &[Registered], chosen: &str, day: i64| -> Vec<String> {
            unknown_in(register, chosen, Data::Kept(on(day))).into_iter().map(str::to_owned).collect()
        };
        assert_eq!(kept(&register, "1", 19), [""; 0]);
        assert_eq!(kept(&register, "1", 20), ["2"], "taken in the moment in which it began");
        rolled_back(&mut register, "2", "1", 30);
        brought_back(&mut register, &["2"], 30);
        assert_eq!(unknown(&register, "1"), [""; 0], "the data as it is was brought back");
        assert_eq!(kept(&register, "1", 25), ["2"], "that of the backup was not");
        assert_eq!(kept(&register, "0", 25), ["1", "2"]);
        assert_eq!(kept(&register, "1", 30), [""; 0]);
        // The next one is built upon it: its own backups hold it again, and those of before do not.
        register.push(release("3", 40));
        assert_eq!(kept(&register, "1", 35), [""; 0]);
        assert_eq!(kept(&register, "1", 45), ["2", "3"]);
        // What is deployed again may have been so before: nobody knows it of the time in between.
        register.pop();
        deployed_again(&mut register, "2", 40);
        assert_eq!(kept(&register, "1", 35), ["2"]);
        assert_eq!(kept(&register, "1", 19), [""; 0]);
    }

    #[test]
    fn a_backup_brings_back_what_was_gone_when_the_release_above_it_was_built() {
        // The second was undone; the third was built without it.
        let mut register = vec![release("1", 1), release("2", 10), release("3", 20)];
        rolled_back(&mut register, "2", "1", 12);
        brought_back(&mut register, &["2"], 12);
        assert_eq!(unknown(&register, "3"), [""; 0]);
        assert_eq!(unknown_in(&register, "3", Data::Kept(on(11))), ["2"]);
        assert_eq!(unknown_in(&register, "3", Data::Unknown), ["2"]);
        assert_eq!(unknown_in(&register, "3", Data::Kept(on(12))), [""; 0], "taken when it was undone");
        assert_eq!(unknown_in(&register, "3", Data::Kept(on(9))), [""; 0], "taken before it began");
        // It was there again when the third came.
        deployed_again(&mut register, "2", 15);
        assert_eq!(unknown_in(&register, "3", Data::Kept(on(11))), [""; 0]);
        // What was undone only later was there when the third was built.
        let mut register = vec![release("1", 1), release("2", 10), release("3", 20)];
        rolled_back(&mut register, "3", "1", 30);
        brought_back(&mut register, &["2", "3"], 30);
        assert_eq!(unknown_in(&register, "3", Data::Kept(on(15))), [""; 0]);
        assert_eq!(unknown_in(&register, "3", Data::Unknown), [""; 0]);
    }

    #[test]
    fn a_backup_that_no_register_knows_may_hold_everything_newer() {
        let mut register = vec![release("0", 1), release("1", 10), release("2", 20)];
        rolled_back(&mut register, "2", "1", 30);
        brought_back(&mut register, &["2"], 30);
        assert_eq!(unknown_in(&register, "0", Data::Unknown), ["1", "2"]);
        assert_eq!(unknown_in(&register, "2", Data::Unknown), [""; 0]);
    }

    fn names(register: &[Registered]) -> (Option<&str>, Vec<&str>) {
        let back = ways_back(register, "app", DAY).into_iter().map(|stint| stint.release.name.as_str());
        (running(register, "app").map(|release| release.name.as_str()), back.collect())
    }

    #[test]
    fn what_was_deployed_last_runs_and_the_one_before_it_is_the_way_back() {
        let register = [release("3", 30), release("1", 1), release("2", 20)];
        assert_eq!(names(&register), (Some("3"), vec!["2", "1"]));
        let hasty = [release("1", 1), release("2", 20), Registered { at: on(20) + Span::hours(23), ..release("3", 0) }];
        assert_eq!(names(&hasty), (Some("3"), vec!["1"]), "the second ran for 23 hours only");
        assert_eq!(names(&[]), (None, vec![]));
    }

    #[test]
    fn after_a_rollback_its_target_runs_and_what_was_left_is_no_way_back() {
        let mut register = vec![release("1", 1), release("2", 20), release("3", 30)];
        rolled_back(&mut register, "3", "2", 31);
        assert_eq!(names(&register), (Some("2"), vec!["1"]));
        // The next release: the one that was rolled back from ran before it, and is passed over.
        register.push(release("4", 40));
        assert_eq!(names(&register), (Some("4"), vec!["2", "2", "1"]), "both stints of the second speak for it");
        let stints = ways_back(&register, "app", DAY);
        assert_eq!((stints[0].from, stints[0].until), (on(31), on(40)), "the newer stint first");
        assert_eq!((stints[1].from, stints[1].until), (on(20), on(30)));
    }

    #[test]
    fn what_was_skipped_over_is_newer_than_what_runs_and_so_no_way_back() {
        let mut register = vec![release("1", 1), release("2", 20), release("3", 30)];
        rolled_back(&mut register, "3", "1", 31);
        assert_eq!(names(&register), (Some("1"), vec![]));
    }

    #[test]
    fn going_forward_again_lifts_the_mark() {
        let mut register = vec![release("1", 1), release("2", 20)];
        rolled_back(&mut register, "2", "1", 21);
        assert!(register[1].was_left());
        register[1].again_at = Some(on(30));
        assert!(!register[1].was_left());
        assert_eq!(names(&register), (Some("2"), vec!["1", "1"]));
    }
}
