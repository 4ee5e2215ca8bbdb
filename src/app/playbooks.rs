//! Playbooks by content hash: the current one for new incidents, and every one that an incident pinned (P3).

use super::SubmitError;
use crate::domain::Timestamp;
use crate::domain::procedure::Procedure;
use crate::playbook::{self, Fault};
use crate::store::{NewEntry, Read, Store, StoreError, StoredPlaybook, Tx};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The setting that names the current playbook's hash.
const CURRENT: &str = "playbook/current";

/// Parsed playbooks; a hash never changes its meaning.
#[derive(Default)]
pub struct Playbooks(Mutex<HashMap<String, Arc<Procedure>>>);

/// Why a playbook was not taken into use.
#[derive(Debug)]
pub enum LoadError {
    Faults(Vec<Fault>),
    Store(StoreError),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Faults(faults) => {
                let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
                write!(f, "the playbook has {} faults:\n{}", faults.len(), lines.join("\n"))
            }
            LoadError::Store(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<StoreError> for LoadError {
    fn from(fault: StoreError) -> LoadError {
        LoadError::Store(fault)
    }
}

impl Playbooks {
    /// Takes a playbook into use for new incidents, and keeps it whole for those that pin it. Answers its hash.
    ///
    /// # Errors
    /// All its faults, or the store's.
    pub async fn load(&self, store: &Store, text: &str, by: &str, now: Timestamp) -> Result<String, LoadError> {
        let procedure = playbook::parse(text).map_err(LoadError::Faults)?;
        let hash = playbook::content_hash(text);
        let mut tx = store.begin().await?;
        tx.lock_head().await?;
        if tx.setting(CURRENT).await?.as_deref() != Some(&hash) {
            let stored = StoredPlaybook {
                hash: hash.clone(),
                text: text.to_owned(),
                title: procedure.title.clone(),
                version: procedure.version.clone(),
                added_at: now,
                added_by: by.to_owned(),
            };
            tx.add_playbook(&stored).await?;
            tx.put_setting(CURRENT, &hash).await?;
            let body = serde_json::json!({ "hash": hash, "title": procedure.title, "version": procedure.version });
            tx.append("settings", None, now, by, &[NewEntry::new("PlaybookLoaded", body.to_string())]).await?;
            tx.commit().await?;
        }
        self.keep(&hash, procedure);
        Ok(hash)
    }

    fn keep(&self, hash: &str, procedure: Procedure) -> Arc<Procedure> {
        let mut known = self.0.lock().expect("no one panics while holding it");
        known.entry(hash.to_owned()).or_insert_with(|| Arc::new(procedure)).clone()
    }

    fn known(&self, hash: &str) -> Option<Arc<Procedure>> {
        self.0.lock().expect("no one panics while holding it").get(hash).cloned()
    }

    fn parsed(&self, hash: &str, stored: Option<StoredPlaybook>) -> Result<Arc<Procedure>, SubmitError> {
        let stored = stored.ok_or_else(|| SubmitError::Frozen(format!("its playbook {hash} is not in the store")))?;
        // A playbook is known by its content: under this hash no other text may ever speak.
        if playbook::content_hash(&stored.text) != hash {
            return Err(SubmitError::Frozen(format!("the stored text of its playbook {hash} was changed")));
        }
        let procedure = playbook::parse(&stored.text).map_err(|faults| {
            SubmitError::Frozen(format!("its playbook has {} faults for this program", faults.len()))
        })?;
        Ok(self.keep(hash, procedure))
    }
}

macro_rules! fetching {
    ($pinned:ident, $current:ident, $connection:ty) => {
        impl Playbooks {
            /// A playbook by its hash.
            pub async fn $pinned(&self, from: &mut $connection, hash: &str) -> Result<Arc<Procedure>, SubmitError> {
                match self.known(hash) {
                    Some(procedure) => Ok(procedure),
                    None => self.parsed(hash, from.playbook(hash).await?),
                }
            }

            /// The one that serves new incidents, with its hash.
            pub async fn $current(&self, from: &mut $connection) -> Result<(String, Arc<Procedure>), SubmitError> {
                let hash = from
                    .setting(CURRENT)
                    .await?
                    .ok_or_else(|| SubmitError::Frozen("no playbook is loaded".to_owned()))?;
                let procedure = self.$pinned(from, &hash).await?;
                Ok((hash, procedure))
            }
        }
    };
}

fetching!(pinned, current, Tx);
fetching!(pinned_read, current_read, Read);
