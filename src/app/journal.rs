//! Folded incidents in memory, brought up to the ledger's head on every use. Memory only hurries; the table decides.

use super::{App, SubmitError};
use crate::domain::actor::Who;
use crate::domain::apply;
use crate::domain::event::{Event, Recorded};
use crate::domain::state::Incident;
use crate::store::{Entry, Read, Tx};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How many entries are read at a time.
const PAGE: i64 = 500;

/// How many folded incidents are kept; the rest are folded again when wanted.
const KEPT: usize = 200;

#[derive(Default)]
pub struct Journals(Mutex<HashMap<String, Arc<Incident>>>);

impl Journals {
    fn known(&self, id: &str) -> Option<Arc<Incident>> {
        self.0.lock().expect("no one panics while holding it").get(id).cloned()
    }

    /// Keeps an incident that is committed.
    pub fn keep(&self, incident: Arc<Incident>) {
        let mut kept = self.0.lock().expect("no one panics while holding it");
        let newer = kept.get(&incident.id).is_none_or(|known| known.version < incident.version);
        if newer {
            if kept.len() >= KEPT {
                // Closed ones go first, then any: they are folded again when somebody asks.
                let closed = kept.iter().find(|(_, incident)| !incident.is_open()).map(|(id, _)| id.clone());
                if let Some(id) = closed.or_else(|| kept.keys().next().cloned()) {
                    kept.remove(&id);
                }
            }
            kept.insert(incident.id.clone(), incident);
        }
    }
}

/// Reads one stored entry.
///
/// # Errors
/// `Frozen` when this program cannot read it.
pub fn recorded(entry: &Entry) -> Result<Recorded, SubmitError> {
    let frozen = |why: String| SubmitError::Frozen(why);
    let body = entry.body.as_deref().ok_or_else(|| frozen("its record was purged".to_owned()))?;
    let event = Event::read(&entry.kind, body).map_err(|fault| frozen(fault.to_string()))?;
    let actor = Who::parse(&entry.actor).ok_or_else(|| frozen(format!("the actor “{}” is unknown", entry.actor)))?;
    Ok(Recorded { seq: entry.seq, version: entry.version, at: entry.at, actor, event })
}

/// Writes the same catching-up for both kinds of connection.
macro_rules! catching_up {
    ($name:ident, $connection:ty) => {
        impl Journals {
            /// The incident as the ledger has it at this moment; `None` when there is no such stream.
            pub async fn $name(&self, from: &mut $connection, id: &str) -> Result<Option<Arc<Incident>>, SubmitError> {
                let known = self.known(id);
                let mut version = known.as_ref().map_or(0, |incident| incident.version);
                let stream = App::stream(id);
                let mut state: Option<Incident> = None;
                let mut changed = false;
                loop {
                    let entries = from.entries(&stream, version, PAGE).await?;
                    if entries.is_empty() {
                        break;
                    }
                    if !changed {
                        state = known.as_deref().cloned();
                        changed = true;
                    }
                    for entry in &entries {
                        version = entry.version;
                        apply::apply(&mut state, &recorded(entry)?);
                    }
                    if (entries.len() as i64) < PAGE {
                        break;
                    }
                }
                if !changed {
                    return Ok(known);
                }
                let incident = state.map(Arc::new);
                if let Some(incident) = &incident {
                    self.keep(incident.clone());
                }
                Ok(incident)
            }
        }
    };
}

catching_up!(to_head, Tx);
catching_up!(to_head_read, Read);

/// An incident's whole journal.
pub async fn read_whole(from: &mut Read, id: &str) -> Result<Vec<Recorded>, SubmitError> {
    let stream = App::stream(id);
    let mut journal: Vec<Recorded> = Vec::new();
    loop {
        let after = journal.last().map_or(0, |last| last.version);
        let entries = from.entries(&stream, after, PAGE).await?;
        let whole = (entries.len() as i64) < PAGE;
        for entry in &entries {
            journal.push(recorded(entry)?);
        }
        if whole {
            break;
        }
    }
    if journal.is_empty() { Err(SubmitError::Missing(id.to_owned())) } else { Ok(journal) }
}
