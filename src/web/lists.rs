//! What lists show, kept as long as the ledger stands still: a crowd that looks at the same list at the same moment reads
//! it from the store once.
//!
//! Rows of the board change only together with an entry of the ledger. So whoever knows the number of the last entry may
//! take what was read after somebody else had seen the same number: it is that state, or a newer one. Every request
//! brings the number from the question that it asks about its session anyway.

use super::AppState;
use super::incident_header::ended;
use crate::domain::Timestamp;
use crate::store::{BoardRow, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most pages of the list that are kept.
const PAGES: usize = 64;

/// An open incident.
#[derive(Debug, Clone)]
pub struct Open {
    pub row: BoardRow,
    /// When the first run of its present attempt started; nothing once that has ended.
    pub started_at: Option<Timestamp>,
}

/// Which page of the list: which incidents, and before which number.
pub type Page = (&'static str, Option<i64>);

/// What was read at one number of the ledger.
#[derive(Default)]
struct Kept {
    seq: i64,
    open: Option<Arc<Vec<Open>>>,
    pages: HashMap<Page, Arc<Vec<BoardRow>>>,
}

#[derive(Default)]
pub struct Lists(Mutex<Kept>);

impl Lists {
    /// Looks into what was read at this number or, where a newer one is kept, at that.
    fn with<T>(&self, seq: i64, look: impl FnOnce(&mut Kept) -> Option<T>) -> Option<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.seq < seq {
            *kept = Kept { seq, ..Kept::default() };
        }
        look(&mut kept)
    }

    /// Keeps what was read by somebody who had seen this number, unless the ledger has moved on.
    fn keep(&self, seq: i64, keep: impl FnOnce(&mut Kept)) {
        self.with(seq, |kept| {
            if kept.seq == seq {
                keep(kept);
            }
            Some(())
        });
    }
}

/// Every open incident, oldest first, as it is at this number of the ledger or later.
///
/// # Errors
/// The store's.
pub async fn open(app: &AppState, seq: i64) -> Result<Arc<Vec<Open>>, StoreError> {
    if let Some(open) = app.lists.with(seq, |kept| kept.open.clone()) {
        return Ok(open);
    }
    let mut open = Vec::new();
    for row in app.store.open_all().await? {
        let incident = app.incidents.incident(&row.incident).await;
        let incident = incident
            .inspect_err(|fault| tracing::warn!(incident = row.incident, %fault, "an open incident cannot be read"))
            .ok();
        let started_at =
            incident.and_then(|incident| incident.current().filter(|it| ended(it).is_none())?.started_at());
        open.push(Open { row, started_at });
    }
    let open = Arc::new(open);
    app.lists.keep(seq, |kept| kept.open = Some(open.clone()));
    Ok(open)
}

/// One page of the list as it is at this number of the ledger or later; `read` reads it.
///
/// # Errors
/// What `read` says.
pub async fn page<E>(
    app: &AppState,
    seq: i64,
    page: Page,
    read: impl Future<Output = Result<Vec<BoardRow>, E>>,
) -> Result<Arc<Vec<BoardRow>>, E> {
    if let Some(rows) = app.lists.with(seq, |kept| kept.pages.get(&page).cloned()) {
        return Ok(rows);
    }
    let rows = Arc::new(read.await?);
    app.lists.keep(seq, |kept| {
        if kept.pages.len() < PAGES {
            kept.pages.insert(page, rows.clone());
        }
    });
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::Command;
    use crate::web::sample::World;
    use std::convert::Infallible;

    #[tokio::test]
    async fn a_list_is_read_once_for_each_state_of_the_ledger_and_is_never_older_than_who_asks() {
        let world = World::new().await;
        let id = world.critical().await;
        let app = &world.app;
        let seq = app.store.head().await.unwrap().seq;
        let first = open(app, seq).await.unwrap();
        assert!(Arc::ptr_eq(&first, &open(app, seq).await.unwrap()), "read once");
        world.acts("maya", &id, Command::AddNote { text: "seen".into() }).await;
        let later = app.store.head().await.unwrap().seq;
        assert!(open(app, later).await.unwrap()[0].row.version > first[0].row.version);
        let late = open(app, seq).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &late), "who comes late with an old number gets the newer list");

        let rows = first.iter().map(|open| open.row.clone()).collect::<Vec<_>>();
        let read = page(app, later, ("all", None), async { Ok::<_, Infallible>(rows.clone()) }).await.unwrap();
        let again = page(app, later, ("all", None), async { Ok::<_, Infallible>(Vec::new()) }).await.unwrap();
        assert!(Arc::ptr_eq(&read, &again), "the second does not read");
        let other = page(app, later, ("all", Some(1)), async { Ok::<_, Infallible>(Vec::new()) }).await.unwrap();
        assert!(other.is_empty(), "another page is another list");
        let newer = page(app, later + 1, ("all", None), async { Ok::<_, Infallible>(Vec::new()) }).await.unwrap();
        assert!(newer.is_empty(), "a new entry of the ledger lets all of it go");
    }
}
