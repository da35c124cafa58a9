//! The contents of files, by hash. The workspace reads and writes them; here they are moved between a local
//! directory and a store that is elsewhere, and deleted when no state needs them any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Seek;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::depot::Depot;
use super::error::StoreError;
use super::id::SessionId;
use super::layout;
use super::log::Log;
use super::opening::Durability;
use crate::session::content;
use crate::session::workspace::manifest::{Changes, Entry};

/// Contents that no state needs stay so long: the workspace may just have found them there for the next one.
const GRACE: TimeDelta = TimeDelta::seconds(60);

/// A content is not what its name says.
const MISMATCH: &str = "its checksum does not match";

/// What a session has besides its records.
#[derive(Debug, Default)]
pub struct Blobs {
    /// Hashes and sizes.
    known: BTreeMap<String, u64>,
    /// Since when contents have not been needed.
    unneeded_since: BTreeMap<String, DateTime<Utc>>,
    /// The size of the portable part.
    pub portable_bytes: u64,
    /// There are contents that no state will need.
    has_orphans: bool,
}

impl Blobs {
    /// What there is, and how much.
    pub fn listed(depot: &Depot, id: &SessionId) -> Result<(Self, u64), StoreError> {
        let listed = depot.list(&layout::blobs(id))?;
        let known = listed.into_iter().map(|object| (object.name, object.bytes)).collect();
        let portable_bytes = depot.size(&layout::portable(id))?.unwrap_or(0);
        let blobs = Self { known, unneeded_since: BTreeMap::new(), portable_bytes, has_orphans: false };
        let bytes = blobs.bytes();
        Ok((blobs, bytes))
    }

    /// In the store.
    pub fn bytes(&self) -> u64 {
        self.known.values().sum::<u64>() + self.portable_bytes
    }
}

impl Depot {
    /// Puts contents from a directory, where they lie under their hashes, into a session, as far as they are
    /// not there yet. Their hashes are checked.
    pub fn push_blobs(
        &self,
        id: &SessionId,
        dir: &Path,
        hashes: impl IntoIterator<Item = String>,
    ) -> Result<(), StoreError> {
        for hash in hashes {
            require_hash(&hash)?;
            let name = layout::blob(id, &hash);
            if self.size(&name)?.is_some() {
                continue;
            }
            let path = dir.join(&hash);
            let failed = |error| StoreError::io("cannot read", path.display(), error);
            let mut file = File::open(&path).map_err(failed)?;
            if !content::is_in(&mut file, &hash).map_err(failed)? {
                return Err(damaged(id, &hash, MISMATCH));
            }
            file.rewind().map_err(failed)?;
            // Somebody else's it cannot be: names are hashes.
            self.put_file(&name, file)?;
        }
        Ok(())
    }

    /// The other way. Files that are there already are not read again.
    pub fn pull_blobs(
        &self,
        id: &SessionId,
        dir: &Path,
        hashes: impl IntoIterator<Item = String>,
    ) -> Result<(), StoreError> {
        fs::create_dir_all(dir).map_err(|error| StoreError::io("cannot make", dir.display(), error))?;
        for hash in hashes {
            require_hash(&hash)?;
            let path = dir.join(&hash);
            if path.exists() {
                continue;
            }
            let name = layout::blob(id, &hash);
            let failed = |error| StoreError::io("cannot write", path.display(), error);
            let mut staged = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
            if !self.get_file(&name, staged.reopen().map_err(failed)?)? {
                return Err(damaged(id, &hash, "it is missing"));
            }
            if !content::is_in(staged.as_file_mut(), &hash).map_err(failed)? {
                return Err(damaged(id, &hash, MISMATCH));
            }
            // Readers see the whole file or none.
            staged.persist(&path).map_err(|error| failed(error.error))?;
        }
        Ok(())
    }
}

impl Log {
    /// That the contents of these files are in the store, and on the disk if it has to be.
    pub(super) fn require_new_blobs(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let (depot, id) = (&self.view.depot, &self.view.id);
        let dir = depot.blob_dir(id);
        let mut seen = BTreeSet::new();
        for (path, entry) in changes.files() {
            let Entry::File { sha256, size, .. } = entry else { continue };
            require_hash(sha256)?;
            if !seen.insert(sha256) {
                continue;
            }
            let there = match &dir {
                Some(dir) => {
                    fs::symlink_metadata(dir.join(sha256)).ok().filter(fs::Metadata::is_file).map(|meta| meta.len())
                }
                None => depot.size(&layout::blob(id, sha256))?,
            };
            if there != Some(*size) {
                return Err(StoreError::BlobMissing {
                    session: id.to_string(),
                    path: path.clone(),
                    sha256: sha256.clone(),
                });
            }
        }
        self.blobs.known.extend(changes.contents());
        self.view.other_bytes = self.blobs.bytes();
        let (Durability::Sync, Some(dir), false) = (self.durability, dir, seen.is_empty()) else { return Ok(()) };
        let sync = |path: &Path| {
            let done = File::open(path).and_then(|file| file.sync_all());
            done.map_err(|error| StoreError::io("cannot bring to the disk", path.display(), error))
        };
        seen.into_iter().try_for_each(|hash| sync(&dir.join(hash)))?;
        sync(&dir)
    }

    /// Counts contents that are in the store and that no state will need: they go with the next ones.
    pub fn note_contents(&mut self, orphans: BTreeMap<String, u64>) {
        self.blobs.has_orphans |= !orphans.is_empty();
        self.blobs.known.extend(orphans);
        self.view.other_bytes = self.blobs.bytes();
    }

    /// Whether there are contents to be deleted, now or soon.
    pub(super) fn has_orphans(&self) -> bool {
        self.blobs.has_orphans
    }

    /// Deletes contents that no state has needed for a while.
    pub(super) fn delete_unneeded_blobs(&mut self) -> Result<(), StoreError> {
        let now = self.view.depot.now();
        let unneeded = self.unneeded_blobs()?;
        self.blobs.unneeded_since.retain(|hash, _| unneeded.contains_key(hash));
        for hash in unneeded.keys() {
            self.blobs.unneeded_since.entry(hash.clone()).or_insert(now);
        }
        let old = |since: &DateTime<Utc>| now - *since >= GRACE;
        let doomed: Vec<String> =
            self.blobs.unneeded_since.iter().filter(|(_, since)| old(since)).map(|(hash, _)| hash.clone()).collect();
        self.blobs.has_orphans = doomed.len() < self.blobs.unneeded_since.len();
        self.delete_blobs(&doomed)
    }

    /// Deletes contents that neither a state nor these files need, while nobody is about to commit others.
    /// What fails is done later.
    pub fn sweep_blobs(&mut self, files: &Changes) {
        let spared = files.contents();
        let swept = self.unneeded_blobs().and_then(|unneeded| {
            let doomed: Vec<String> = unneeded.into_keys().filter(|hash| !spared.contains_key(hash)).collect();
            self.delete_blobs(&doomed)
        });
        if let Err(error) = swept {
            tracing::warn!(%error, session = %self.view.id, "files that no state needs were not deleted");
        }
    }

    fn unneeded_blobs(&mut self) -> Result<BTreeMap<String, u64>, StoreError> {
        let ledger = &self.view.ledger;
        let needed = ledger.blobs(&ledger.timeline);
        let listed = self.view.depot.list(&layout::blobs(&self.view.id))?;
        self.blobs.known = listed.into_iter().map(|object| (object.name, object.bytes)).collect();
        let spared = (self.spared)();
        let is_needed = |hash: &String| needed.contains_key(hash) || spared.contains(hash);
        let known = self.blobs.known.iter().filter(|(hash, _)| layout::is_sha256(hash) && !is_needed(hash));
        Ok(known.map(|(hash, bytes)| (hash.clone(), *bytes)).collect())
    }

    fn delete_blobs(&mut self, hashes: &[String]) -> Result<(), StoreError> {
        let (depot, id) = (&self.view.depot, &self.view.id);
        if !hashes.is_empty() {
            depot.delete_all(hashes.iter().map(|hash| layout::blob(id, hash)).collect())?;
        }
        self.blobs.known.retain(|hash, _| !hashes.contains(hash));
        self.view.other_bytes = self.blobs.bytes();
        Ok(())
    }
}

/// Whether these are the contents that they are said to be.
pub(super) fn require_content(id: &SessionId, hash: &str, bytes: &[u8]) -> Result<(), StoreError> {
    if content::is(bytes, hash) { Ok(()) } else { Err(damaged(id, hash, MISMATCH)) }
}

fn require_hash(hash: &str) -> Result<(), StoreError> {
    let say = || StoreError::Refused(format!("{:?} is no SHA-256", hash.chars().take(80).collect::<String>()));
    if layout::is_sha256(hash) { Ok(()) } else { Err(say()) }
}

fn damaged(id: &SessionId, hash: &str, why: &str) -> StoreError {
    StoreError::Damaged {
        session: id.to_string(),
        object: layout::blob(id, hash),
        why: why.to_owned(),
        last_good: None,
    }
}
