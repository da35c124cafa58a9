//! A workspace: what its guest has made of it, recorded state by state, and put back. Files that the guest has not
//! touched are the user's: they are not recorded, not put back and not removed.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use sha2::{Digest, Sha256};

use super::blobs::{self, Blobs, Content};
use super::capture::{Batch, Capture};
use super::error::WorkspaceError;
use super::manifest::{Entry, Manifest, Past, agree};
use super::restore::{Plan, Step};
use super::scan::{DIR_MODE, Disk};
use super::slots::{self, Leftover, Slots};
use super::staging;
use super::tracker::Tracker;

/// How much a workspace may hold, over all its directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of all files, by their lengths.
    pub bytes: u64,
    /// Files and directories.
    pub files: u64,
}

impl Quota {
    /// Whether this much is within the quota.
    ///
    /// # Errors
    /// [`WorkspaceError::Quota`].
    pub fn check(&self, bytes: u64, files: u64) -> Result<(), WorkspaceError> {
        let over = |unit, key, used, limit| Err(WorkspaceError::Quota { unit, key, used, limit });
        if bytes > self.bytes {
            return over("bytes", "workspace_bytes", bytes, self.bytes);
        }
        if files > self.files {
            return over("files and directories", "workspace_files", files, self.files);
        }
        Ok(())
    }
}

/// Where the files of a session are.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    /// The directories, by the names that manifests have for them.
    pub roots: &'a [(&'a str, PathBuf)],
    /// Where contents are kept that states need. Not below one of them.
    pub blobs: PathBuf,
    /// A directory for what this process has to keep: contents that the guest is about to change, and a list of
    /// what it has touched, from which the next process knows what was not stored any more.
    pub held: PathBuf,
}

/// The directories of a session, and what was last recorded of them.
#[derive(Debug)]
pub struct Workspace {
    pub(super) tracker: Arc<Tracker>,
    pub(super) quota: Quota,
    place: String,
    /// What an earlier process touched that may not have been stored.
    leftover: BTreeMap<String, Leftover>,
    /// What the run before had left here, and somebody has deleted since.
    missing: BTreeSet<String>,
    batches: Sender<Arc<Batch>>,
}

/// Where a state's files come from.
#[derive(Debug, Clone, Copy)]
pub struct ListingOrigin<'a> {
    /// The place in which they were last; see [`Workspace::place`].
    pub place: &'a str,
    /// The number of the last record in it.
    pub generation: u64,
}

impl Workspace {
    /// Opens the directories. Nothing in them counts as the guest's so far.
    ///
    /// # Errors
    /// As [`WorkspaceError`] says.
    pub fn new(places: &Places, quota: Quota) -> Result<Self, WorkspaceError> {
        let failed = |path: &Path, source| WorkspaceError::Open { path: path.display().to_string(), source };
        let mut opened = Vec::new();
        for (name, path) in places.roots {
            let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| failed(path, error))?;
            staging::clean(&dir).map_err(WorkspaceError::io("clean up", name))?;
            opened.push(((*name).to_owned(), dir));
        }
        let blobs = Blobs::open(&places.blobs).map_err(|error| failed(&places.blobs, error))?;
        let (contents, lists) = (places.held.join("contents"), places.held.join("touched"));
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(&lists).map_err(|error| failed(&lists, error))?;
        let held = Blobs::open(&contents).map_err(|error| failed(&contents, error))?;
        let leftover = slots::read(&lists);
        if leftover.is_empty()
            && let Err(error) = held.retain(&BTreeSet::new())
        {
            tracing::debug!(%error, "contents that nobody needs were not removed");
        }
        let tracker = Arc::new(Tracker::new(opened, blobs, held, Some(lists)));
        let newest = leftover.values().map(|leftover| leftover.generation).max();
        tracker.state().generation = newest.unwrap_or_default();
        tracker.state().spare_held = newest.is_some();
        let place = places.roots.first().map(|(_, path)| identity(path)).unwrap_or_default();
        let batches = record_behind(tracker.clone()).map_err(|error| failed(&places.blobs, error))?;
        Ok(Self { tracker, quota, place, leftover, missing: BTreeSet::new(), batches })
    }

    /// Who has to be told what the guest does.
    pub fn tracker(&self) -> &Arc<Tracker> {
        &self.tracker
    }

    /// What was recorded last.
    pub fn manifest(&self) -> Manifest {
        self.tracker.state().manifest.clone()
    }

    /// Stands for the directory that the files are in.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The number of the last record.
    pub fn generation(&self) -> u64 {
        self.tracker.state().generation
    }

    /// What there is to say to the user of files that could not be recorded.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.tracker.state().notes)
    }

    /// Takes over what an earlier run recorded, as far as it is still there as it was.
    pub fn take_over(&mut self, recorded: &Manifest) {
        let gone = recorded.0.keys().filter(|path| self.tracker.look(path) == Disk::Nothing);
        self.missing = gone.cloned().collect();
        let is_there = |(path, entry): &(&String, &Entry)| match (self.tracker.look(path), entry) {
            (Disk::Dir(mode), Entry::Dir { mode: recorded }) => is_mode(mode, *recorded),
            (Disk::File(stamp), entry) => stamp.looks_like(entry),
            (Disk::Link(_), entry) => self.is_link(path, entry),
            _ => false,
        };
        let there = recorded.0.iter().filter(is_there).map(|(path, entry)| (path.clone(), entry.clone()));
        let mut state = self.tracker.state();
        state.set_manifest(Manifest(there.collect()));
    }

    /// The same where none of the contents is there any more: they are put there again. What is not as it was recorded
    /// is the guest's no more; which files those are.
    pub fn take_over_anew(&mut self, recorded: &Manifest) -> Vec<String> {
        self.take_over(recorded);
        let mut there = self.manifest();
        there.0.retain(|path, entry| match entry {
            Entry::File { .. } => self.record_path(path).is_ok_and(|found| found == *entry),
            Entry::Dir { .. } | Entry::Link { .. } => true,
        });
        let lost = recorded.0.keys().filter(|path| !there.0.contains_key(*path)).cloned().collect();
        self.tracker.state().set_manifest(there);
        self.missing.clear();
        lost
    }

    /// Begins to record what the guest has touched since the last time; `None` if that is nothing. Nothing is read
    /// before this returns.
    pub fn record(&mut self) -> Option<Capture> {
        let capture = self.tracker.seal()?;
        if self.batches.send(capture.0.clone()).is_err() {
            self.tracker.record(&capture.0);
        }
        Some(capture)
    }

    /// Records a file or directory as it is now, whoever made it.
    ///
    /// # Errors
    /// As [`WorkspaceError`] says.
    pub fn record_path(&mut self, path: &str) -> Result<Entry, WorkspaceError> {
        let failed = WorkspaceError::io("record", path);
        let found = match self.tracker.look(path) {
            Disk::Dir(mode) => return Ok(Entry::Dir { mode: Some(mode) }),
            Disk::File(_) => self.tracker.open(path),
            Disk::Nothing | Disk::Link(_) | Disk::Other => Ok(None),
        };
        let recorded = found.and_then(|opened| {
            let (mut file, stamp) = opened.ok_or(std::io::ErrorKind::NotFound)?;
            let content = self.tracker.blobs.put(&mut file)?;
            Ok(super::tracker::Known { stamp, content, settled: false, held: false }.entry())
        });
        recorded.map_err(failed)
    }

    /// Takes back what the guest has touched since the last record, and answers what stays as it is, because somebody
    /// else has changed it since. No guest may be running.
    ///
    /// # Errors
    /// As [`WorkspaceError`] says.
    pub fn roll_back(&mut self) -> Result<Vec<String>, WorkspaceError> {
        let (touched, slots) = self.tracker.take_touched();
        let mut plan = Plan::default();
        for (path, touch) in touched {
            let disk = self.tracker.look(&path);
            if disk == touch.was && !touch.shared {
                continue;
            }
            if touch.shared || disk != touch.left {
                plan.kept.push(path);
            } else {
                plan.steps.insert(path, Step { disk, target: touch.prior });
            }
        }
        let kept = self.carry_out(plan)?;
        slots.into_iter().for_each(Slots::remove);
        Ok(kept)
    }

    /// Goes from the state that was recorded last to `to`: what the guest left there becomes what it was in that
    /// state. What somebody else has changed since stays as it is; it is in the answer. No guest may be running, and
    /// nothing may be on its way to be recorded.
    ///
    /// # Errors
    /// As [`WorkspaceError`] says. [`WorkspaceError::Blob`], [`WorkspaceError::Manifest`] and
    /// [`WorkspaceError::Quota`] come before anything was changed. After one of the operating system's, the
    /// directories may be between the two states; going there again can be tried.
    pub fn go(&mut self, to: &Manifest, past: &Past, origin: ListingOrigin) -> Result<Vec<String>, WorkspaceError> {
        self.check(to)?;
        let from = self.manifest();
        let mut plan = Plan::default();
        let leftover = |path: &str| self.leftover.get(path).filter(|left| left.generation > origin.generation);
        let mut paths: BTreeSet<&String> = from.0.keys().chain(to.0.keys()).collect();
        paths.extend(past.down.keys().chain(past.up.keys()).chain(self.leftover.keys()));
        for path in paths {
            let (recorded, left) = (from.0.get(path), leftover(path));
            let prior = left.map(|left| left.prior(origin.generation));
            let target = match (past.down.get(path), to.0.get(path), prior) {
                (Some(before), ..) => before.as_ref(),
                // Somebody else had changed it by the time that the guest touched it, in a cell of which no state is left.
                (None, wanted, Some(prior)) if !agree(wanted, prior) && (wanted.is_some() || recorded.is_none()) => {
                    if wanted.is_some() || !self.has(prior) {
                        plan.kept.push(path.clone());
                    }
                    if !self.has(prior) {
                        continue;
                    }
                    prior
                }
                (None, wanted, _) => wanted,
            };
            let disk = self.tracker.look(path);
            let is_down = past.down.contains_key(path);
            if self.is(path, disk, target, false) {
                // Put there or taken away from outside while no kernel ran, and nothing that a cell did.
                if is_down && agree(recorded, target) && !agree(to.0.get(path), target) {
                    plan.kept.push(path.clone());
                }
                continue;
            }
            let is_left = left.is_some_and(|left| left.is_as_left(disk));
            if agree(recorded, target) && !is_left && !past.up.contains_key(path) {
                // Changed by somebody else, and none of what the move is about.
                continue;
            }
            let may = match disk {
                // Whoever deleted it wanted it gone. In another place it has never been.
                Disk::Nothing => {
                    recorded.is_none() && (is_left || origin.place != self.place || !self.missing.contains(path))
                }
                Disk::Other => false,
                Disk::Dir(_) | Disk::File(_) | Disk::Link(_) => {
                    let mut taken_over = past.up.get(path).into_iter().flatten();
                    is_left
                        || self.is(path, disk, recorded, true)
                        || taken_over.any(|before| self.is(path, disk, before.as_ref(), true))
                }
            };
            // In another directory a link that leads out of it would lead to whatever is there.
            let may = may && (origin.place == self.place || !target.is_some_and(leads_out));
            let is_theirs = is_down && to.0.contains_key(path) && !agree(to.0.get(path), target);
            if (!may || is_theirs) && plan.kept.last() != Some(path) {
                plan.kept.push(path.clone());
            }
            if may {
                plan.steps.insert(path.clone(), Step { disk, target: target.cloned() });
            }
        }
        let kept = self.carry_out(plan)?;
        let mut state = self.tracker.state();
        state.set_manifest(to.clone());
        state.again.clear();
        drop(state);
        self.missing.clear();
        self.forget_leftover();
        Ok(kept)
    }

    /// Whether what stands at `path` is this. If nobody has read the file so far: by its size, mode and time of
    /// modification, and if that is not enough by its content.
    fn is(&self, path: &str, disk: Disk, entry: Option<&Entry>, by_content: bool) -> bool {
        let (stamp, entry) = match (disk, entry) {
            (Disk::Nothing, None) => return true,
            (Disk::Dir(mode), Some(Entry::Dir { mode: recorded })) => return is_mode(mode, *recorded),
            (Disk::Link(_), Some(entry)) => return self.is_link(path, entry),
            (Disk::File(stamp), Some(entry)) => (stamp, entry),
            _ => return false,
        };
        if !stamp.looks_like(entry) {
            return false;
        }
        let known = self.tracker.state().known.get(path).filter(|known| known.stamp == stamp).cloned();
        match known {
            Some(known) if known.settled => return Some(&*known.content.sha256) == entry.sha256(),
            _ if !by_content => return true,
            _ => {}
        }
        let Ok(Some((mut file, before))) = self.tracker.open(path) else { return false };
        before == stamp && Content::of(entry).is_some_and(|content| blobs::is(&mut file, &content))
    }

    /// Whether the symbolic link at `path` is this.
    fn is_link(&self, path: &str, entry: &Entry) -> bool {
        self.tracker.link(path).is_ok_and(|found| found.as_ref() == Some(entry))
    }

    /// Whether the content of a file can be had.
    fn has(&self, entry: Option<&Entry>) -> bool {
        let Some(content) = entry.and_then(Content::of) else { return true };
        self.tracker.blobs.has(&content) || self.tracker.held.has(&content)
    }

    /// What an earlier process left does not matter any more.
    fn forget_leftover(&mut self) {
        if let Some(dir) = &self.tracker.slots_dir
            && let Some(newest) = self.leftover.values().map(|left| left.generation).max()
        {
            slots::remove_upto(dir, 0, newest);
        }
        self.leftover.clear();
        self.tracker.state().spare_held = false;
    }
}

/// Records what comes, one after the other, on a thread of its own, as long as anybody may send something.
fn record_behind(tracker: Arc<Tracker>) -> std::io::Result<Sender<Arc<Batch>>> {
    let (batches, queue) = channel::<Arc<Batch>>();
    let work = move || {
        for batch in queue {
            tracker.record(&batch);
        }
    };
    std::thread::Builder::new().name("recorder".to_owned()).spawn(work)?;
    Ok(batches)
}

/// Whether this mode is the one that is recorded of a directory, if one is.
fn is_mode(mode: u32, recorded: Option<u32>) -> bool {
    recorded.is_none_or(|recorded| recorded & DIR_MODE == mode)
}

/// Whether this is a link that may lead out of its workspace.
fn leads_out(entry: &Entry) -> bool {
    matches!(entry, Entry::Link { target } if target.starts_with('/') || target.split('/').any(|name| name == ".."))
}

/// Stands for a directory: another one at the same path is another one.
fn identity(path: &Path) -> String {
    let inode = std::fs::metadata(path).map(|metadata| metadata.ino()).unwrap_or_default();
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut hasher = Sha256::new();
    hasher.update(inode.to_le_bytes());
    hasher.update(path.as_os_str().as_encoded_bytes());
    hex::encode(hasher.finalize()).chars().take(32).collect()
}
