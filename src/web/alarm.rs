//! A P0 that is open elsewhere: in red in the bar of every page, with its clock and the way to its room.

use super::AppState;
use crate::domain::state::Attempt;
use crate::domain::{Severity, Timestamp};

/// One P0 whose room is not the page that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub incident: String,
    pub title: String,
    /// `T+11:48` once the first run has started, else the time since the trigger.
    pub clock: String,
    /// What the clock counts from.
    pub at: Timestamp,
}

/// Every open P0 but the one that `path` belongs to; none on the first page, which lists them all.
///
/// The bar must never keep a page from opening: what cannot be read is left out, and told in the log.
pub async fn elsewhere(app: &AppState, path: &str) -> Vec<Alarm> {
    if path == "/" {
        return Vec::new();
    }
    let open = match app.store.open_all().await {
        Ok(open) => open,
        Err(fault) => {
            tracing::warn!(%fault, "the open incidents cannot be read for the bar");
            return Vec::new();
        }
    };
    let here = path.strip_prefix("/incidents/").and_then(|rest| rest.split('/').next());
    let mut alarms = Vec::new();
    for row in open.iter().filter(|row| row.severity == Severity::P0.key() && Some(row.incident.as_str()) != here) {
        let started = match app.incidents.incident(&row.incident).await {
            Ok(incident) => incident.current().and_then(Attempt::started_at),
            Err(fault) => {
                tracing::warn!(incident = row.incident, %fault, "an open incident cannot be read for the bar");
                None
            }
        };
        let at = started.unwrap_or(row.opened_at);
        let mark = if started.is_some() { "T+" } else { "" };
        alarms.push(Alarm {
            incident: row.incident.clone(),
            title: row.title.clone(),
            clock: format!("{mark}{}", app.clock.now() - at),
            at,
        });
    }
    alarms
}

#[cfg(test)]
mod tests {
    use crate::web::sample::World;

    #[tokio::test]
    async fn a_p0_stands_in_the_bar_of_every_page_but_its_own_and_the_first() {
        let world = World::new().await;
        let mut sam = world.signed_in("sam").await;
        assert!(!sam.get("/rollbacks").await.body.contains("class=\"alarm\""), "nothing is open");
        let id = world.critical().await;
        world.turn(crate::domain::Span::seconds(61));
        let page = sam.get("/rollbacks").await;
        assert!(page.body.contains(&format!("class=\"alarm\" href=\"/incidents/{id}\"")), "{}", page.body);
        assert!(page.words().contains("P0 1:01"), "{}", page.words());
        for own in ["/".to_owned(), format!("/incidents/{id}"), format!("/incidents/{id}/report")] {
            assert!(!sam.get(&own).await.body.contains("class=\"alarm\""), "{own}");
        }
    }
}
