//! How long earlier rollbacks of a component took: what the rest of one is estimated from. Read from their journals.

use super::journal::Journals;
use super::{App, Looked, SubmitError};
use crate::domain::progress::Earlier;
use crate::domain::state::Incident;
use crate::store::{Read, StoreError, Tx};

/// How many earlier incidents are looked at.
const MOST: i64 = 5;

/// Writes the same reading for both kinds of connection.
macro_rules! learning {
    ($name:ident, $to_head:ident, $connection:ty) => {
        pub(super) async fn $name(
            journals: &Journals,
            from: &mut $connection,
            incident: &Incident,
        ) -> Result<Earlier, StoreError> {
            let mut earlier = Earlier::default();
            for id in from.ended_well(&incident.environment, &incident.component, MOST).await? {
                match journals.$to_head(from, &id).await {
                    Ok(Some(past)) => earlier.learn(&past),
                    Err(SubmitError::Store(fault)) => return Err(fault),
                    // What was purged, or cannot be read, teaches nothing.
                    Ok(None) | Err(_) => {}
                }
            }
            Ok(earlier)
        }
    };
}

learning!(learn_to_write, to_head, Tx);
learning!(learn, to_head_read, Read);

impl App {
    /// Fills in what an estimate is made from: for pages that show an update's draft.
    ///
    /// # Errors
    /// The store's.
    pub async fn learn(&self, looked: &mut Looked) -> Result<(), StoreError> {
        let mut read = self.store.read().await?;
        looked.gathered.earlier = learn(&self.journals, &mut read, &looked.incident).await?;
        Ok(())
    }
}
