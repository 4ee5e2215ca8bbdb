//! Playbooks by content hash: the current one for new incidents, and every one that an incident pinned (P3).
//!
//! Which one is current is a row of the store, so that all servers over it agree: a load writes it, a start only where
//! there is none. A file that was refused is remembered with its faults until one is taken (P4); what a server's own file
//! says beside the row is asked anew each time, for it can change at any moment.

use super::SubmitError;
use crate::domain::Timestamp;
use crate::domain::procedure::Procedure;
use crate::playbook::{self, Fault};
use crate::store::{NewEntry, Read, Store, StoreError, StoredPlaybook, Tx};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The setting that names the current playbook's hash.
const CURRENT: &str = "playbook/current";
/// The setting that tells of the file that was refused last; empty once another was taken.
const REFUSED: &str = "playbook/refused";
/// The most faults of a refused file that are kept; the check tells them all.
const MOST_FAULTS: usize = 50;

/// Parsed playbooks; a hash never changes its meaning.
#[derive(Default)]
pub struct Playbooks {
    parsed: Mutex<HashMap<String, Arc<Procedure>>>,
    /// This server's own file, where it has one.
    file: Option<PathBuf>,
}

/// Why a playbook was not taken into use.
#[derive(Debug)]
pub enum LoadError {
    /// The file, and why.
    Unreadable(String, String),
    Faults(Vec<Fault>),
    Store(StoreError),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Unreadable(file, why) => write!(f, "the playbook {file} cannot be read: {why}"),
            LoadError::Faults(faults) => {
                let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
                let count = if faults.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", faults.len()) };
                write!(f, "the playbook has {count}:\n{}", lines.join("\n"))
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

/// A file that somebody wanted in use and that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedFile {
    pub file: String,
    pub at: Timestamp,
    /// Of its text; empty where there was none.
    pub hash: String,
    pub faults: Vec<String>,
    /// How many there were, with those that are not kept.
    pub count: usize,
}

/// What is wrong with a server's own file beside the playbook in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileTrouble {
    /// It holds another playbook, without a fault: nobody has loaded it.
    Differs,
    /// Its text, by its hash, and what is wrong with it.
    Faulty {
        hash: String,
        faults: Vec<String>,
    },
    Unreadable(String),
}

impl Playbooks {
    /// With the file that a start and a hang-up signal read.
    pub fn from_file(file: Option<PathBuf>) -> Playbooks {
        Playbooks { file, ..Playbooks::default() }
    }

    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Takes a playbook into use for new incidents, and keeps it whole for those that pin it. Answers its hash.
    ///
    /// # Errors
    /// All its faults, or the store's.
    pub async fn load(&self, store: &Store, text: &str, by: &str, now: Timestamp) -> Result<String, LoadError> {
        self.take(store, text, by, now, false).await
    }

    /// The same at a start: where one is in use already, that one stays. Answers the hash of the one in use.
    ///
    /// # Errors
    /// As for [`Playbooks::load`].
    pub async fn load_first(&self, store: &Store, text: &str, by: &str, now: Timestamp) -> Result<String, LoadError> {
        self.take(store, text, by, now, true).await
    }

    /// Loads a file; one that is not taken is remembered with its faults, and what was in use stays.
    ///
    /// # Errors
    /// As for [`Playbooks::load`], or that the file cannot be read.
    pub async fn load_file(&self, store: &Store, file: &Path, by: &str, now: Timestamp) -> Result<String, LoadError> {
        let name = file.display().to_string();
        let (hash, faults, error) = match read(file).await {
            Err(why) => {
                (String::new(), vec![format!("it cannot be read: {why}")], LoadError::Unreadable(name.clone(), why))
            }
            Ok(text) => match self.load(store, &text, by, now).await {
                Err(LoadError::Faults(faults)) => {
                    let told = faults.iter().map(ToString::to_string).collect();
                    (playbook::content_hash(&text), told, LoadError::Faults(faults))
                }
                other => return other,
            },
        };
        let refused = RefusedFile { file: name, at: now, hash, count: faults.len(), faults };
        self.remember(store, refused, by, now).await?;
        Err(error)
    }

    async fn take(
        &self,
        store: &Store,
        text: &str,
        by: &str,
        now: Timestamp,
        first_only: bool,
    ) -> Result<String, LoadError> {
        let procedure = playbook::parse(text).map_err(LoadError::Faults)?;
        let hash = playbook::content_hash(text);
        let mut tx = store.begin().await?;
        tx.lock_head().await?;
        let current = tx.setting(CURRENT).await?;
        if let Some(current) = current.as_ref().filter(|_| first_only) {
            return Ok(current.clone());
        }
        let refused = tx.setting(REFUSED).await?.is_some_and(|told| !told.is_empty());
        let other = current.as_deref() != Some(&hash);
        if refused {
            tx.put_setting(REFUSED, "").await?;
        }
        if other {
            let stored = StoredPlaybook {
                hash: hash.clone(),
                text: text.to_owned(),
                title: procedure.title.clone(),
                version: procedure.version.clone(),
                used_at: now,
                used_by: by.to_owned(),
            };
            tx.add_playbook(&stored).await?;
            tx.put_setting(CURRENT, &hash).await?;
            let body = serde_json::json!({ "hash": hash, "title": procedure.title, "version": procedure.version });
            tx.append("settings", None, now, by, &[NewEntry::new("PlaybookLoaded", body.to_string())]).await?;
        }
        if refused || other {
            tx.commit().await?;
        }
        self.keep(&hash, procedure);
        Ok(hash)
    }

    /// Once for each text: a signal that comes again tells nothing new.
    async fn remember(&self, store: &Store, mut told: RefusedFile, by: &str, now: Timestamp) -> Result<(), StoreError> {
        told.faults.truncate(MOST_FAULTS);
        let mut tx = store.begin().await?;
        tx.lock_head().await?;
        let known = tx.setting(REFUSED).await?.and_then(|text| serde_json::from_str::<RefusedFile>(&text).ok());
        if known.is_some_and(|known| {
            (known.file, known.hash, known.faults) == (told.file.clone(), told.hash.clone(), told.faults.clone())
        }) {
            return Ok(());
        }
        let body = serde_json::json!({ "file": told.file, "hash": told.hash, "faults": told.count });
        tx.put_setting(REFUSED, &serde_json::to_string(&told).expect("texts and numbers can be written")).await?;
        tx.append("settings", None, now, by, &[NewEntry::new("PlaybookRefused", body.to_string())]).await?;
        tx.commit().await
    }

    /// The hash of the one that serves new incidents, whether this program can read it or not.
    ///
    /// # Errors
    /// The store's.
    pub async fn current_hash(&self, from: &mut Read) -> Result<Option<String>, StoreError> {
        from.setting(CURRENT).await
    }

    /// The file that was refused since the present playbook was loaded.
    ///
    /// # Errors
    /// The store's.
    pub async fn refused(&self, from: &mut Read) -> Result<Option<RefusedFile>, StoreError> {
        Ok(from.setting(REFUSED).await?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// What is wrong with this server's own file, beside the playbook in use.
    pub async fn trouble(&self, current: &str) -> Option<FileTrouble> {
        let text = match read(self.file.as_deref()?).await {
            Ok(text) => text,
            Err(why) => return Some(FileTrouble::Unreadable(why)),
        };
        let hash = playbook::content_hash(&text);
        if hash == current {
            return None;
        }
        Some(match playbook::parse(&text) {
            Ok(_) => FileTrouble::Differs,
            Err(faults) => FileTrouble::Faulty { hash, faults: faults.iter().map(ToString::to_string).collect() },
        })
    }

    fn keep(&self, hash: &str, procedure: Procedure) -> Arc<Procedure> {
        let mut known = self.parsed.lock().expect("no one panics while holding it");
        known.entry(hash.to_owned()).or_insert_with(|| Arc::new(procedure)).clone()
    }

    fn known(&self, hash: &str) -> Option<Arc<Procedure>> {
        self.parsed.lock().expect("no one panics while holding it").get(hash).cloned()
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

async fn read(file: &Path) -> Result<String, String> {
    let file = file.to_owned();
    let text = tokio::task::spawn_blocking(move || playbook::read_file(&file)).await;
    text.map_err(|fault| fault.to_string())?.map_err(|fault| fault.to_string())
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
