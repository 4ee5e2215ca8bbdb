//! A P0 that is open elsewhere: in red in the bar of every page, with its clock and the way to its room.

use super::AppState;
use super::lists::{self, Open};
use crate::domain::{Severity, Timestamp};

/// A P0 whose room is not the page that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub incident: String,
    pub title: String,
    /// `T+11:48` once the first run has started, else the time since the trigger.
    pub clock: String,
    /// What the clock counts from.
    pub at: Timestamp,
    /// How many others are open elsewhere.
    pub more: usize,
}

/// The open P0 that was raised last, at this number of the ledger or later, but for the one that `path` belongs to; none
/// on the first page, which lists them all.
///
/// The bar must never keep a page from opening: what cannot be read is left out, and told in the log.
pub async fn elsewhere(app: &AppState, seq: i64, path: &str) -> Option<Alarm> {
    if path == "/" {
        return None;
    }
    let open = lists::open(app, seq).await;
    let open =
        open.inspect_err(|fault| tracing::warn!(%fault, "the open incidents cannot be read for the bar")).ok()?;
    let here = path.strip_prefix("/incidents/").and_then(|rest| rest.split('/').next());
    let elsewhere = |open: &&Open| open.row.severity == Severity::P0.key() && Some(open.row.incident.as_str()) != here;
    let others = open.iter().filter(elsewhere);
    let Open { row, started_at } = others.clone().max_by_key(|open| (open.row.opened_at, open.row.number))?;
    let at = started_at.unwrap_or(row.opened_at);
    let mark = if started_at.is_some() { "T+" } else { "" };
    Some(Alarm {
        incident: row.incident.clone(),
        title: row.title.clone(),
        clock: format!("{mark}{}", app.clock.now().shown_since(at)),
        at,
        more: others.count() - 1,
    })
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
        assert!(
            page.words().contains("P0 Crisis detection stopped flagging messages, RB-0001, open for 1:01"),
            "{}",
            page.words()
        );
        for own in ["/".to_owned(), format!("/incidents/{id}"), format!("/incidents/{id}/report")] {
            assert!(!sam.get(&own).await.body.contains("class=\"alarm\""), "{own}");
        }
        let second = world.raised("data-breach", "Breach").await;
        let page = sam.get("/people").await;
        assert!(page.body.contains(&format!("class=\"alarm\" href=\"/incidents/{second}\"")), "{}", page.body);
        assert!(page.words().contains("1 more"), "{}", page.words());
    }
}
