//! Walks the chain from its beginning and names the first entry that cannot be what was written.
//!
//! What it cannot see is a whole chain written anew, or the newest end cut off together with its head: for that, compare
//! an entry's hash with one that was kept outside the database.

use super::{Entry, GENESIS, Head, Read, Result, Store, chain_hash, text_hash};
use std::collections::HashMap;
use std::fmt;

/// The ledger is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub entries: i64,
    pub head: Head,
}

/// The first entry that is wrong, and how. Nothing from `seq` on can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub seq: i64,
    pub flaw: Flaw,
}

/// How an entry is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// The body does not have the hash that was kept of it.
    BodyChanged,
    /// A header field, or the order, differs from what was chained.
    HashDiffers,
    /// This entry is not there, though a later one is.
    Gap,
    /// This entry is not there, though the head says that it was written.
    TailMissing,
    /// This entry is there, though the head never counted it.
    BeyondHead,
    /// The last entry's hash is not the head's.
    HeadDiffers,
    /// Its stream jumps from one version to another.
    VersionGap { stream: String, expected: i64, found: i64 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match &self.flaw {
            Flaw::BodyChanged => write!(f, "entry {seq}: the body was changed"),
            Flaw::HashDiffers => write!(f, "entry {seq}: the hash differs; its header or the order was changed"),
            Flaw::Gap => write!(f, "entry {seq}: missing, though later ones are there"),
            Flaw::TailMissing => write!(f, "entry {seq}: missing, and everything after it"),
            Flaw::BeyondHead => write!(f, "entry {seq}: not written by this program; the head never counted it"),
            Flaw::HeadDiffers => write!(f, "entry {seq}: its hash is not the head's"),
            Flaw::VersionGap { stream, expected, found } => {
                write!(f, "entry {seq}: stream {stream} goes on with version {found}, expected {expected}")
            }
        }
    }
}

const PAGE: i64 = 1000;

impl Store {
    /// Checks every entry in one snapshot. The outer error is the database's, the inner one the ledger's.
    pub async fn verify(&self) -> Result<std::result::Result<Verified, Fault>> {
        walk(&mut self.snapshot().await?).await
    }
}

async fn walk(read: &mut Read) -> Result<std::result::Result<Verified, Fault>> {
    let head = read.head().await?;
    let mut chain = Chain { seq: 0, hash: GENESIS.to_owned(), versions: HashMap::new() };
    loop {
        let page = read.tail(chain.seq, PAGE).await?;
        if page.is_empty() {
            return Ok(chain.end(head));
        }
        for entry in page {
            if let Err(flaw) = chain.take(&entry, &head) {
                return Ok(Err(Fault { seq: chain.seq + 1, flaw }));
            }
        }
    }
}

/// The part of the chain that was found good.
struct Chain {
    seq: i64,
    hash: String,
    versions: HashMap<String, i64>,
}

impl Chain {
    fn take(&mut self, entry: &Entry, head: &Head) -> std::result::Result<(), Flaw> {
        if entry.seq != self.seq + 1 {
            return Err(Flaw::Gap);
        }
        if entry.seq > head.seq {
            return Err(Flaw::BeyondHead);
        }
        if entry.body.as_deref().is_some_and(|body| text_hash(body) != entry.body_hash) {
            return Err(Flaw::BodyChanged);
        }
        if chain_hash(&self.hash, entry) != entry.hash {
            return Err(Flaw::HashDiffers);
        }
        let last = self.versions.entry(entry.stream.clone()).or_insert(0);
        if entry.version != *last + 1 {
            let (stream, expected, found) = (entry.stream.clone(), *last + 1, entry.version);
            return Err(Flaw::VersionGap { stream, expected, found });
        }
        *last = entry.version;
        self.seq = entry.seq;
        self.hash.clone_from(&entry.hash);
        Ok(())
    }

    fn end(self, head: Head) -> std::result::Result<Verified, Fault> {
        if self.seq < head.seq {
            return Err(Fault { seq: self.seq + 1, flaw: Flaw::TailMissing });
        }
        if self.hash != head.hash {
            return Err(Fault { seq: self.seq, flaw: Flaw::HeadDiffers });
        }
        Ok(Verified { entries: self.seq, head })
    }
}
