//! Changing a workspace to what it was: first everything that can go wrong is tried next to it, then it is changed,
//! path by path, and only what is still as it was when that was decided.

use std::collections::BTreeMap;
use std::io;

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt};
use rustix::fs::{Mode, Timespec, Timestamps, UTIME_OMIT};

use super::blobs::{self, Content, Unusable};
use super::error::WorkspaceError;
use super::manifest::{Entry, MAX_TARGET, Manifest};
use super::recorder::Workspace;
use super::scan::{DIR_MODE, Disk, MAX_DEPTH, Stamp};
use super::staging::Staging;
use super::tracker::Known;

/// The longest name of a file (Linux's `NAME_MAX`).
const MAX_NAME: usize = 255;

/// What is to be done with a path.
#[derive(Debug)]
pub(super) struct Step {
    /// What stands there.
    pub(super) disk: Disk,
    pub(super) target: Option<Entry>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: BTreeMap<String, Step>,
    /// What stays as it is, and should have changed.
    pub(super) kept: Vec<String>,
}

/// A file or a link that is written, but not in its place.
struct Staged<'a> {
    path: &'a str,
    disk: Disk,
    name: String,
    /// Of a file.
    content: Option<Content>,
}

impl Workspace {
    /// Does what was planned, and answers what stays as it is.
    pub(super) fn carry_out(&self, plan: Plan) -> Result<Vec<String>, WorkspaceError> {
        let Plan { steps, mut kept } = plan;
        let mut stagings = BTreeMap::new();
        let mut staged = Vec::new();
        for (path, Step { disk, target }) in &steps {
            let (name, content) = match target {
                None | Some(Entry::Dir { .. }) => continue,
                Some(Entry::File { sha256, size, mode, mtime_ns }) => {
                    let content = Content { sha256: sha256.clone(), size: *size };
                    let staging = self.staging(&mut stagings, path)?;
                    (self.stage(staging, path, &content, (mode & 0o777, *mtime_ns))?, Some(content))
                }
                Some(Entry::Link { target }) => {
                    let staging = self.staging(&mut stagings, path)?;
                    (staging.link(target).map_err(WorkspaceError::io("make the link", path))?, None)
                }
            };
            staged.push(Staged { path, disk: *disk, name, content });
        }
        // What cannot be done at one path is no reason to leave all others undone.
        let mut failed = None;
        // What is in a directory comes before the directory itself.
        for (path, Step { disk, target }) in steps.iter().rev() {
            match self.clear(path, *disk, target.as_ref()) {
                Ok(true) => {}
                Ok(false) => kept.push(path.clone()),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        let directory = |(path, step): (&'_ String, &'_ Step)| match step.target {
            Some(Entry::Dir { mode }) => Some((path.clone(), mode)),
            _ => None,
        };
        let mut modes = Vec::new();
        for (path, mode) in steps.iter().filter_map(directory) {
            match self.make_directory(&path, mode) {
                Ok(true) => modes.extend(mode.map(|mode| (path, mode & DIR_MODE))),
                Ok(false) => kept.push(path),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        for Staged { path, disk, name, content } in staged {
            let staging = self.staging(&mut stagings, path)?;
            let put = self.put(staging, path, disk, &name).map_err(WorkspaceError::io("put back", path));
            let mut state = self.tracker.state();
            match (put, content) {
                (Ok(Some(stamp)), Some(content)) => {
                    let held = !self.tracker.blobs.has(&content);
                    state.known.insert(path.to_owned(), Known { stamp, content, settled: false, held });
                }
                (Ok(Some(_)), None) => drop(state.known.remove(path)),
                (Ok(None), _) => kept.push(path.to_owned()),
                (Err(error), _) => drop(failed.get_or_insert(error)),
            }
        }
        // Last, as nothing can be put into one that is not to be written to; and what is in it before it.
        for (path, mode) in modes.iter().rev() {
            if let Err(error) = self.set_mode(path, *mode) {
                failed.get_or_insert(error);
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        kept.sort_unstable();
        kept.dedup();
        Ok(kept)
    }

    /// Whether `to` could have been recorded here. It may come from anywhere.
    pub(super) fn check(&self, to: &Manifest) -> Result<(), WorkspaceError> {
        let mut bytes: u64 = 0;
        for (path, entry) in &to.0 {
            let wrong = |reason| WorkspaceError::Manifest { path: path.chars().take(MAX_NAME).collect(), reason };
            let (root, below) = path.split_once('/').ok_or_else(|| wrong("names no file"))?;
            if !self.tracker.roots.iter().any(|(name, _)| name == root) {
                return Err(wrong("is in no directory of this session"));
            }
            let is_name =
                |name: &str| !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME && !name.contains('\0');
            if !below.split('/').all(is_name) {
                return Err(wrong("has a part that is no name"));
            }
            let is_dir = matches!(entry, Entry::Dir { .. });
            if below.split('/').count() + usize::from(is_dir) > MAX_DEPTH {
                return Err(wrong("is nested too deep"));
            }
            // A directory that is not listed is the user's.
            if let Some((above, _)) = path.rsplit_once('/')
                && matches!(to.0.get(above), Some(Entry::File { .. } | Entry::Link { .. }))
            {
                return Err(wrong("is in a file"));
            }
            if let Entry::Link { target } = entry
                && (target.is_empty() || target.len() > MAX_TARGET || target.contains('\0'))
            {
                return Err(wrong("is a link to no name"));
            }
            if let Entry::File { sha256, size, .. } = entry {
                if !blobs::is_hash(sha256) {
                    return Err(wrong("has no valid hash"));
                }
                bytes = bytes.saturating_add(*size);
            }
        }
        self.quota.check(bytes, to.0.len() as u64)
    }

    /// The staging directory of the directory that `path` is in.
    fn staging<'a>(
        &self,
        stagings: &'a mut BTreeMap<String, Staging>,
        path: &str,
    ) -> Result<&'a mut Staging, WorkspaceError> {
        let root = path.split_once('/').map_or(path, |(root, _)| root);
        if !stagings.contains_key(root) {
            let dir = self.tracker.root(path).map(|(dir, _)| dir);
            let made = dir.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)).and_then(Staging::new);
            stagings.insert(root.to_owned(), made.map_err(WorkspaceError::io("make a temporary directory in", root))?);
        }
        let none = || WorkspaceError::io("make a temporary directory in", root)(io::ErrorKind::NotFound.into());
        stagings.get_mut(root).ok_or_else(none)
    }

    /// Writes a file in full, next to its place.
    fn stage(
        &self,
        staging: &mut Staging,
        path: &str,
        content: &Content,
        (mode, mtime_ns): (u32, i64),
    ) -> Result<String, WorkspaceError> {
        let (mut file, name) = staging.file().map_err(WorkspaceError::io("write", path))?;
        let from = if self.tracker.blobs.has(content) { &self.tracker.blobs } else { &self.tracker.held };
        from.get(content, &mut file).map_err(|error| match error {
            Unusable::Bad(reason) => {
                WorkspaceError::Blob { path: path.to_owned(), sha256: content.sha256.clone(), reason }
            }
            Unusable::Io(error) => WorkspaceError::io("write", path)(error),
        })?;
        const SECOND: i64 = 1_000_000_000;
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: mtime_ns.div_euclid(SECOND), tv_nsec: mtime_ns.rem_euclid(SECOND) },
        };
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))
            .and_then(|()| rustix::fs::futimens(&file, &times))
            .map_err(|error| WorkspaceError::io("set mode and time of", path)(error.into()))?;
        Ok(name)
    }

    /// Takes away what must not be there. Answers false if something stays that is in the way.
    fn clear(&self, path: &str, disk: Disk, target: Option<&Entry>) -> Result<bool, WorkspaceError> {
        let is_replaced = match target {
            None => false,
            Some(Entry::Dir { .. }) => matches!(disk, Disk::Dir(_)),
            Some(Entry::File { .. } | Entry::Link { .. }) => disk.is_leaf(),
        };
        if disk == Disk::Nothing || is_replaced {
            return Ok(true);
        }
        let removed = self.tracker.parent(path).and_then(|(dir, name)| match disk {
            _ if Disk::look(&dir, name) != disk => Ok(false),
            Disk::File(_) | Disk::Link(_) => dir.remove_file(name).map(|()| true),
            Disk::Other => Ok(false),
            _ => dir.remove_dir(name).map(|()| true),
        });
        match removed {
            Ok(removed) => Ok(removed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            // Somebody has files in it. That is no news, unless a file has to go there.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(target.is_none()),
            Err(error) => Err(WorkspaceError::io("remove", path)(error)),
        }
    }

    /// Makes a directory, with those above it: one whose mode is known, as nobody else's so far. Answers false if
    /// something else is there.
    fn make_directory(&self, path: &str, mode: Option<u32>) -> Result<bool, WorkspaceError> {
        let Some((root, below)) = self.tracker.root(path) else { return Ok(false) };
        let (above, name) = below.rsplit_once('/').unwrap_or(("", below));
        let made = directory(root, above).and_then(|dir| {
            let mut private = DirBuilder::new();
            private.mode(if mode.is_some() { 0o700 } else { 0o777 });
            match dir.create_dir_with(name, &private) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => super::scan::descend(&dir, std::iter::once(name)),
            }
        });
        match made {
            Ok(_) => Ok(true),
            Err(error) if is_in_the_way(&error) => Ok(false),
            Err(error) => Err(WorkspaceError::io("make the directory", path)(error)),
        }
    }

    /// Gives a directory its mode.
    fn set_mode(&self, path: &str, mode: u32) -> Result<(), WorkspaceError> {
        let set = self.tracker.parent(path).and_then(|(dir, name)| {
            if Disk::look(&dir, name) == Disk::Dir(mode) {
                return Ok(());
            }
            let opened = super::scan::descend(&dir, std::iter::once(name))?.open(".")?;
            Ok(rustix::fs::fchmod(&opened, Mode::from_raw_mode(mode))?)
        });
        set.map_err(WorkspaceError::io("set the mode of the directory", path))
    }

    /// Moves a file to its place, if what it replaces is still the same; its stamp there.
    fn put(&self, staging: &Staging, path: &str, disk: Disk, staged: &str) -> io::Result<Option<Stamp>> {
        let (root, below) = self.tracker.root(path).ok_or(io::ErrorKind::NotFound)?;
        let (above, name) = below.rsplit_once('/').unwrap_or(("", below));
        let dir = match directory(root, above) {
            Ok(dir) => dir,
            Err(error) if is_in_the_way(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        if disk.is_leaf() {
            if Disk::look(&dir, name) != disk {
                return Ok(None);
            }
            // Not into the file that is there: it may have other names, which the guest never touched.
            staging.move_out(staged, &dir, name)?;
        } else {
            match staging.move_to_free(staged, &dir, name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
                done => done?,
            }
        }
        Ok(Some(Stamp::of(&dir.symlink_metadata(name)?)))
    }
}

/// Opens a directory below `root`, one name after the other, and makes what is missing.
fn directory(root: &Dir, path: &str) -> io::Result<Dir> {
    let mut dir = root.try_clone()?;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        match dir.create_dir(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => dir = super::scan::descend(&dir, std::iter::once(name))?,
        }
    }
    Ok(dir)
}

/// A file or a link stands where a directory is needed.
fn is_in_the_way(error: &io::Error) -> bool {
    matches!(rustix::io::Errno::from_io_error(error), Some(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP))
}
