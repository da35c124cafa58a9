//! The contents of files, by hash. The workspace reads and writes them; here they are moved between a local
//! directory and a store that is elsewhere, and deleted when no state needs them any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Seek;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};

use super::backend::Backend;
use super::error::StoreError;
use super::id::SessionId;
use super::layout;
use super::log::Log;
use super::opening::Durability;
use crate::workspace::content;
use crate::workspace::manifest::{Changes, Entry};

/// Contents that no state needs stay so long: the workspace may just have found them there for the next one.
const GRACE: TimeDelta = TimeDelta::seconds(60);

/// File systems take the time of a change from a clock that ticks every 1 to 10 ms.
const TICK: Duration = Duration::from_millis(50);

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
    /// When the directory had last changed when it was last looked at, if any later change must show.
    looked: Option<SystemTime>,
    /// What was missing then.
    missing: BTreeMap<String, u64>,
}

impl Blobs {
    /// What there is, and how much.
    pub fn listed(backend: &Backend, id: &SessionId) -> Result<(Self, u64), StoreError> {
        let listed = backend.list(&layout::blobs(id))?;
        let known = listed.into_iter().map(|object| (object.name, object.bytes)).collect();
        let portable_bytes = backend.size(&layout::portable(id))?.unwrap_or(0);
        let blobs = Self { known, portable_bytes, ..Self::default() };
        let bytes = blobs.bytes();
        Ok((blobs, bytes))
    }

    /// In the store.
    pub fn bytes(&self) -> u64 {
        self.known.values().sum::<u64>() + self.portable_bytes
    }
}

impl Backend {
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
        let (backend, id) = (&self.view.backend, &self.view.id);
        let dir = backend.blob_dir(id);
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
                None => backend.size(&layout::blob(id, sha256))?,
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

    /// Contents that states need and that somebody has deleted, with their sizes. It costs next to nothing as long as
    /// the directory has not changed; a store that is elsewhere is not asked.
    pub fn missing_contents(&mut self) -> BTreeMap<String, u64> {
        let Some(dir) = self.view.backend.blob_dir(&self.view.id) else { return BTreeMap::new() };
        let changed = fs::metadata(&dir).and_then(|metadata| metadata.modified()).ok();
        if changed.is_some() && changed == self.blobs.looked {
            return self.blobs.missing.clone();
        }
        let is_settled = |at: &SystemTime| at.elapsed().is_ok_and(|age| age > TICK);
        self.blobs.looked = changed.filter(is_settled);
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        let there: BTreeSet<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let is_gone = |hash: &String| layout::is_sha256(hash) && !there.contains(hash);
        if self.blobs.known.keys().any(is_gone) || !self.blobs.missing.is_empty() {
            let index = &self.view.index;
            let needed = index.blobs(&index.timeline).into_iter();
            self.blobs.missing = needed.filter(|(hash, _)| !there.contains(hash)).collect();
            self.blobs.known.retain(|hash, _| there.contains(hash));
            self.view.other_bytes = self.blobs.bytes();
        }
        self.blobs.missing.clone()
    }

    /// The files that have these contents in any state that can be gone to.
    pub fn paths_of(&self, contents: &BTreeMap<String, u64>) -> Vec<String> {
        let index = &self.view.index;
        let mut paths = BTreeSet::new();
        for state in index.timeline.states() {
            let before = index.before(&index.chain(state)).into_iter().filter_map(|(path, entry)| Some((path, entry?)));
            let has = |(_, entry): &(String, Entry)| entry.sha256().is_some_and(|hash| contents.contains_key(hash));
            paths.extend(index.manifest(state).0.into_iter().chain(before).filter(has).map(|(path, _)| path));
        }
        paths.into_iter().collect()
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
        let now = self.view.backend.now();
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
        let index = &self.view.index;
        let needed = index.blobs(&index.timeline);
        let listed = self.view.backend.list(&layout::blobs(&self.view.id))?;
        self.blobs.known = listed.into_iter().map(|object| (object.name, object.bytes)).collect();
        let spared = (self.spared)();
        let is_needed = |hash: &String| needed.contains_key(hash) || spared.contains(hash);
        let known = self.blobs.known.iter().filter(|(hash, _)| layout::is_sha256(hash) && !is_needed(hash));
        Ok(known.map(|(hash, bytes)| (hash.clone(), *bytes)).collect())
    }

    fn delete_blobs(&mut self, hashes: &[String]) -> Result<(), StoreError> {
        let (backend, id) = (&self.view.backend, &self.view.id);
        if !hashes.is_empty() {
            backend.delete_all(hashes.iter().map(|hash| layout::blob(id, hash)).collect())?;
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
