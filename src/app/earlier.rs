//! How long earlier rollbacks of a component took: what the rest of one is estimated from. Read from the journals of
//! closed incidents, always before a writer takes the head row: folding them must hold nobody back.

use super::journal::Journals;
use super::{App, Looked, SubmitError};
use crate::domain::command::Command;
use crate::domain::decide;
use crate::domain::progress::Earlier;
use crate::domain::state::Incident;
use crate::store::{Read, StoreError};

/// How many earlier incidents are looked at.
const MOST: i64 = 5;

async fn learn(journals: &Journals, from: &mut Read, incident: &Incident) -> Result<Earlier, StoreError> {
    let mut earlier = Earlier::default();
    for id in from.ended_well(&incident.environment, &incident.component, MOST).await? {
        match journals.to_head_read(from, &id).await {
            Ok(Some(past)) => earlier.learn(&past),
            Err(SubmitError::Store(fault)) => return Err(fault),
            // What was purged, or cannot be read, teaches nothing.
            Ok(None) | Err(_) => {}
        }
    }
    Ok(earlier)
}

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

    /// The same for a command that may compose an update; nothing for any other.
    pub(super) async fn learn_first(&self, id: &str, command: &Command) -> Result<Earlier, SubmitError> {
        if !decide::composes(command) {
            return Ok(Earlier::default());
        }
        let mut read = self.store.read().await?;
        match self.journals.to_head_read(&mut read, id).await? {
            Some(incident) => Ok(learn(&self.journals, &mut read, &incident).await?),
            None => Ok(Earlier::default()),
        }
    }
}
