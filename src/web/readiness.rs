//! Whether a rollback could be done now, as far as the registers know: for each component a verified backup and a release
//! to go back to. What nobody keeps a record of is not shown.

use super::AppState;
use crate::app::gather::registered;
use crate::domain::facts::Registered;
use crate::domain::procedure::TargetKind;
use crate::domain::{Span, Timestamp, running};
use crate::store::StoreError;

/// One line of the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    pub title: &'static str,
    pub icon: &'static str,
    /// What is missing, or what is known.
    pub detail: String,
    /// When the newest of it was made.
    pub at: Option<Timestamp>,
    pub good: bool,
    /// `5 of 6`.
    pub count: String,
}

/// Every line, for the components of all environments that this server serves.
pub async fn readiness(app: &AppState) -> Result<Vec<Readiness>, StoreError> {
    let mut places = Vec::new();
    for (environment, profile) in &app.incidents.site.environments {
        for component in &profile.components {
            let rows = app.store.registered(environment, component).await?;
            let rows = rows.into_iter().filter_map(registered).collect();
            places.push((format!("{component}, {environment}"), rows));
        }
    }
    Ok(if places.is_empty() { Vec::new() } else { vec![backups(&places), releases(&places)] })
}

type Place = (String, Vec<Registered>);

fn of_kind(rows: &[Registered], kind: TargetKind) -> impl Iterator<Item = &Registered> {
    rows.iter().filter(move |row| row.kind == kind)
}

/// The newest backup counts, as it does for a restoration: an older one that was verified loses more.
fn backups(places: &[Place]) -> Readiness {
    let verified = |rows: &[Registered]| {
        of_kind(rows, TargetKind::Backup).next().and_then(|newest| newest.verified_at.map(|_| newest.at))
    };
    let newest = places.iter().filter_map(|(_, rows)| verified(rows)).max();
    line("Newest backup verified", "database", places, newest, |rows| verified(rows).is_some())
}

/// An earlier release than the one that runs, and not one that was rolled back from.
fn releases(places: &[Place]) -> Readiness {
    line("Earlier release registered", "back", places, None, |rows| {
        of_kind(rows, TargetKind::Release)
            .next()
            .is_some_and(|release| !running::ways_back(rows, &release.component, Span::ZERO).is_empty())
    })
}

fn line(
    title: &'static str,
    icon: &'static str,
    places: &[Place],
    at: Option<Timestamp>,
    good: impl Fn(&[Registered]) -> bool,
) -> Readiness {
    let missing: Vec<&str> = places.iter().filter(|(_, rows)| !good(rows)).map(|(place, _)| place.as_str()).collect();
    Readiness {
        title,
        icon,
        detail: match missing.len() {
            0 if places.len() == 1 => places[0].0.clone(),
            0 => "for every component".to_owned(),
            _ => format!("missing for {}", missing.join("; ")),
        },
        at,
        good: missing.is_empty(),
        count: format!("{} of {}", places.len() - missing.len(), places.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: TargetKind, name: &str, hours: i64, verified: bool) -> Registered {
        Registered {
            kind,
            environment: "production".to_owned(),
            component: "web".to_owned(),
            name: name.to_owned(),
            checksum: String::new(),
            at: Timestamp(hours * 3_600_000_000),
            by: "person:p".to_owned(),
            note: String::new(),
            migrations: "none".to_owned(),
            verified_at: verified.then_some(Timestamp(hours * 3_600_000_000)),
            again_at: None,
            left_at: None,
            left_in: String::new(),
            undone_at: None,
            restored_at: None,
        }
    }

    #[test]
    fn the_newest_backup_must_be_verified_and_an_older_one_does_not_stand_in() {
        let newest_is_not = vec![row(TargetKind::Backup, "b2", 2, false), row(TargetKind::Backup, "b1", 1, true)];
        let place = |rows| vec![("web, production".to_owned(), rows)];
        let told = backups(&place(newest_is_not));
        assert_eq!((told.good, told.count.as_str(), told.at), (false, "0 of 1", None));
        assert_eq!(told.detail, "missing for web, production");
        let told = backups(&place(vec![row(TargetKind::Backup, "b1", 1, true)]));
        assert_eq!((told.good, told.at), (true, Some(Timestamp(3_600_000_000))));
    }

    #[test]
    fn one_release_is_no_way_back() {
        let one = vec![("web, production".to_owned(), vec![row(TargetKind::Release, "1", 1, false)])];
        assert!(!releases(&one).good);
        let mut two = one;
        two[0].1.push(row(TargetKind::Release, "2", 2, false));
        assert!(releases(&two).good);
        // Rolled back to the first: behind it there is nothing.
        two[0].1[0].again_at = Some(Timestamp(3 * 3_600_000_000));
        two[0].1[1].left_at = two[0].1[0].again_at;
        assert!(!releases(&two).good);
    }
}
