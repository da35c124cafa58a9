//! Recording a workspace: which files there are, and a copy of every content that is new.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::blobs::{self, Blobs, Content};
use super::error::WorkspaceError;
use super::manifest::{Changes, Entry, Manifest};
use super::scan::{self, Found, Stamp, Tree};
use super::staging;

/// A second write within this time of a first one may leave the same time on the file: file systems take it
/// from a clock that ticks every 1 to 10 ms.
const TICK: Duration = Duration::from_millis(50);
/// The same where times are whole seconds (or, on FAT, whole two seconds).
const COARSE_TICK: Duration = Duration::from_millis(2050);

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

/// A file as it was when it was last read.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) stamp: Stamp,
    pub(super) content: Content,
    /// Whether any later write must show in the stamp.
    pub(super) settled: bool,
}

/// The directories of a session, and what was last recorded of them.
#[derive(Debug)]
pub struct Workspace {
    pub(super) roots: Vec<(String, Dir)>,
    pub(super) blobs: Blobs,
    pub(super) quota: Quota,
    pub(super) manifest: Manifest,
    pub(super) known: HashMap<String, Known>,
    /// What is left alone; kept so that it is said once.
    foreign: BTreeSet<String>,
    /// Files that could not be read when they were to be recorded: left alone, too.
    pub(super) unreadable: BTreeSet<String>,
}

impl Workspace {
    /// Opens the directories `roots`, by the names that manifests have for them, and records what is in them.
    /// Contents go into the directory `blobs`, which must not be below one of them.
    ///
    /// # Errors
    /// As [`WorkspaceError`] says; over the quota there is no workspace.
    pub fn new(roots: &[(&str, PathBuf)], blobs: PathBuf, quota: Quota) -> Result<Self, WorkspaceError> {
        let open = |path: &PathBuf| Dir::open_ambient_dir(path, ambient_authority());
        let mut opened = Vec::new();
        for (name, path) in roots {
            let dir = open(path).map_err(|source| WorkspaceError::Open { path: path.display().to_string(), source })?;
            staging::clean(&dir).map_err(WorkspaceError::io("clean up", name))?;
            opened.push(((*name).to_owned(), dir));
        }
        let blobs =
            Blobs::open(&blobs).map_err(|source| WorkspaceError::Open { path: blobs.display().to_string(), source })?;
        let mut workspace = Self {
            roots: opened,
            blobs,
            quota,
            manifest: Manifest::default(),
            known: HashMap::new(),
            foreign: BTreeSet::new(),
            unreadable: BTreeSet::new(),
        };
        workspace.record()?;
        Ok(workspace)
    }

    /// What was recorded last.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Has the next record read every file again, and put its contents where they belong.
    pub fn forget_contents(&mut self) {
        self.known.clear();
    }

    /// Where the contents are.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Records what is in the directories now, and answers what is new since the last time. Nobody should be
    /// writing to them; if somebody does, each file is recorded as it was when it was copied.
    ///
    /// # Errors
    /// As [`WorkspaceError`] says. What was recorded before is then still valid, and what has changed since will
    /// be found the next time.
    pub fn record(&mut self) -> Result<Option<Changes>, WorkspaceError> {
        let tree = self.look(Some(self.quota))?;
        let mut next = BTreeMap::new();
        let mut known = HashMap::new();
        let mut unreadable = BTreeSet::new();
        let mut bytes: u64 = 0;
        for (path, found) in &tree.found {
            let Found::File(stamp) = found else {
                next.insert(path.clone(), Entry::Dir);
                continue;
            };
            let Some(file) = self.take(path, *stamp, self.quota.bytes.saturating_sub(bytes))? else {
                unreadable.insert(path.clone());
                continue;
            };
            bytes = bytes.saturating_add(file.content.size);
            next.insert(path.clone(), entry(&file));
            known.insert(path.clone(), file);
        }
        let next = Manifest(next);
        let changes = self.manifest.diff(&next);
        self.manifest = next;
        self.known = known;
        for path in unreadable.difference(&self.unreadable) {
            tracing::warn!(path, "cannot be read, so it is not recorded; it is left alone");
        }
        self.unreadable = unreadable;
        let nothing = changes.set.is_empty() && changes.gone.is_empty();
        Ok((!nothing).then_some(changes))
    }

    /// Everything that is there.
    pub(super) fn look(&mut self, quota: Option<Quota>) -> Result<Tree, WorkspaceError> {
        let mut tree = Tree::default();
        for (name, dir) in &self.roots {
            scan::scan(name, dir, quota, &mut tree)?;
        }
        for path in tree.foreign.difference(&self.foreign) {
            tracing::warn!(path, "not a file or directory that can be recorded; it is left alone");
        }
        self.foreign.clone_from(&tree.foreign);
        Ok(tree)
    }

    /// The directory that a path of a manifest is in, and the path's last name.
    pub(super) fn parent<'a>(&self, path: &'a str) -> io::Result<(Dir, &'a str)> {
        let not_found = || io::Error::from(io::ErrorKind::NotFound);
        let (root, below) = path.split_once('/').ok_or_else(not_found)?;
        let (_, root) = self.roots.iter().find(|(name, _)| name == root).ok_or_else(not_found)?;
        match below.rsplit_once('/') {
            Some((above, name)) => Ok((scan::descend(root, above.split('/'))?, name)),
            None => Ok((root.try_clone()?, below)),
        }
    }

    /// What is in a file: as known, or copied now. `None` if the file is gone or cannot be read.
    fn take(&self, path: &str, stamp: Stamp, limit: u64) -> Result<Option<Known>, WorkspaceError> {
        let known = self.known.get(path).filter(|known| known.stamp == stamp);
        if let Some(known) = known.filter(|known| known.settled) {
            return Ok(Some(known.clone()));
        }
        let started = SystemTime::now();
        let opened = match self.parent(path) {
            Ok((dir, name)) => scan::open_file(&dir, name),
            Err(error) => Err(error),
        };
        let (mut file, before) = match opened {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(WorkspaceError::io("open", path)(error)),
        };
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::FileTooLarge => self.over(),
            _ => WorkspaceError::io("record", path)(error),
        };
        if let Some(known) = known.filter(|known| known.stamp == before) {
            let content = blobs::hash(&mut file, limit).map_err(io)?;
            if content == known.content && self.is_unchanged(&file, before) {
                return Ok(Some(Known { settled: settled(before, started), ..known.clone() }));
            }
            io::Seek::rewind(&mut file).map_err(io)?;
        }
        let content = self.blobs.put(&mut file, limit).map_err(io)?;
        let settled = settled(before, started) && self.is_unchanged(&file, before);
        Ok(Some(Known { stamp: before, content, settled }))
    }

    fn is_unchanged(&self, file: &cap_std::fs::File, before: Stamp) -> bool {
        file.metadata().is_ok_and(|metadata| Stamp::of(&metadata) == before)
    }

    /// A file that has grown past the quota since it was looked at.
    fn over(&self) -> WorkspaceError {
        let limit = self.quota.bytes;
        WorkspaceError::Quota { unit: "bytes", key: "workspace_bytes", used: limit.saturating_add(1), limit }
    }
}

/// A file's line in a manifest.
fn entry(file: &Known) -> Entry {
    let Known { stamp, content, .. } = file;
    Entry::File { sha256: content.sha256.clone(), size: content.size, mode: stamp.mode, mtime_ns: stamp.mtime_ns() }
}

/// Whether a write after `started` must give the file another time than `stamp` has. Only the time of the last
/// change counts: the other one can be set to anything.
pub(super) fn settled(stamp: Stamp, started: SystemTime) -> bool {
    let tick = if stamp.ctime.1 == 0 { COARSE_TICK } else { TICK };
    let now = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (Ok(seconds), Ok(nanoseconds)) = (u64::try_from(stamp.ctime.0), u32::try_from(stamp.ctime.1)) else {
        return false;
    };
    Duration::new(seconds, nanoseconds).checked_add(tick).is_some_and(|end| end < now)
}
