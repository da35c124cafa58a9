//! Putting a workspace back as it was: first everything that can go wrong is tried next to it, then it is
//! changed.

use std::collections::{BTreeMap, HashMap};
use std::io;

use rustix::fs::{Mode, Timespec, Timestamps, UTIME_OMIT};

use super::blobs::{self, Content, Unusable};
use super::error::WorkspaceError;
use super::manifest::{Entry, Manifest};
use super::recorder::{Known, Workspace};
use super::scan::{self, Found, MAX_DEPTH, Stamp, Tree};
use super::staging::Staging;

/// The longest name of a file (Linux's `NAME_MAX`).
const MAX_NAME: usize = 255;

/// A file that is to be written.
#[derive(Debug)]
struct Wanted<'a> {
    path: &'a str,
    content: Content,
    mode: u32,
    mtime_ns: i64,
}

/// A file that is written, but not in its place.
#[derive(Debug)]
struct Staged<'a> {
    wanted: Wanted<'a>,
    name: String,
}

impl Workspace {
    /// Makes the directories equal to `to`: what is not in it is removed, what is missing or differs is written,
    /// as a new file. Links, sockets and the like are left alone, unless one stands where something has to go.
    /// No guest may be running.
    ///
    /// # Errors
    /// As [`WorkspaceError`] says. [`WorkspaceError::Blob`], [`WorkspaceError::Manifest`],
    /// [`WorkspaceError::Quota`] and [`WorkspaceError::Occupied`] come before anything was changed. After one of
    /// the operating system's, the directories may be between the two states; restoring again can be tried.
    pub fn restore(&mut self, to: &Manifest) -> Result<(), WorkspaceError> {
        self.check(to)?;
        let mut tree = self.look(None)?;
        tree.foreign.extend(self.unreadable.iter().filter(|path| tree.found.contains_key(*path)).cloned());
        tree.found.retain(|path, _| !self.unreadable.contains(path));
        let mut wanted = Vec::new();
        for (path, entry) in &to.0 {
            self.check_place(path, entry, &tree)?;
            if let Entry::File { sha256, size, mode, mtime_ns } = entry
                && !self.is_same(path, entry, &tree)?
            {
                let content = Content { sha256: sha256.clone(), size: *size };
                wanted.push(Wanted { path, content, mode: mode & 0o777, mtime_ns: *mtime_ns });
            }
        }
        let mut stagings = BTreeMap::new();
        let mut staged = Vec::new();
        for wanted in wanted {
            let staging = self.staging(&mut stagings, wanted.path)?;
            let name = self.stage(staging, &wanted)?;
            staged.push(Staged { wanted, name });
        }
        self.remove(to, &tree, &mut stagings)?;
        self.make_directories(to, &tree)?;
        let mut known = HashMap::new();
        for Staged { wanted, name } in staged {
            let path = wanted.path;
            let staging = self.staging(&mut stagings, path)?;
            let put = self.parent(path).and_then(|(dir, last)| {
                staging.move_out(&name, &dir, last)?;
                dir.symlink_metadata(last)
            });
            let stamp = Stamp::of(&put.map_err(WorkspaceError::io("put back", path))?);
            known.insert(path.to_owned(), Known { stamp, content: wanted.content, settled: false });
        }
        self.known.retain(|path, _| matches!(to.0.get(path), Some(Entry::File { .. })));
        self.known.extend(known);
        self.manifest = to.clone();
        Ok(())
    }

    /// Whether `to` could have been recorded here. It may come from anywhere.
    fn check(&self, to: &Manifest) -> Result<(), WorkspaceError> {
        let mut bytes: u64 = 0;
        for (path, entry) in &to.0 {
            let wrong = |reason| WorkspaceError::Manifest { path: path.chars().take(MAX_NAME).collect(), reason };
            let (root, below) = path.split_once('/').ok_or_else(|| wrong("names no file"))?;
            if !self.roots.iter().any(|(name, _)| name == root) {
                return Err(wrong("is in no directory of this session"));
            }
            let is_name =
                |name: &str| !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME && !name.contains('\0');
            if !below.split('/').all(is_name) {
                return Err(wrong("has a part that is no name"));
            }
            let is_dir = matches!(entry, Entry::Dir);
            if below.split('/').count() + usize::from(is_dir) > MAX_DEPTH {
                return Err(wrong("is nested too deep"));
            }
            if let Some((above, _)) = path.rsplit_once('/').filter(|(above, _)| *above != root)
                && !matches!(to.0.get(above), Some(Entry::Dir))
            {
                return Err(wrong("is in a directory that is not listed"));
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

    /// Whether what stands in the place of `path` can be taken away.
    fn check_place(&self, path: &str, entry: &Entry, tree: &Tree) -> Result<(), WorkspaceError> {
        let in_the_way = matches!(entry, Entry::File { .. }) && tree.is_occupied(path);
        // A directory that cannot be looked into.
        let closed = || {
            let metadata = self.parent(path).and_then(|(dir, name)| dir.symlink_metadata(name));
            metadata.is_ok_and(|metadata| metadata.is_dir())
        };
        if in_the_way || (tree.foreign.contains(path) && closed()) {
            return Err(WorkspaceError::Occupied { path: path.to_owned() });
        }
        Ok(())
    }

    /// Whether the file at `path` is the wanted one already.
    fn is_same(&self, path: &str, wanted: &Entry, tree: &Tree) -> Result<bool, WorkspaceError> {
        let Entry::File { sha256, size, mode, mtime_ns } = wanted else { return Ok(false) };
        let (Some(Found::File(stamp)), Some(known)) = (tree.found.get(path), self.known.get(path)) else {
            return Ok(false);
        };
        let looks_same = known.stamp == *stamp
            && known.content.sha256 == *sha256
            && known.content.size == *size
            && stamp.size == *size
            && stamp.mode == mode & 0o777
            && stamp.mtime_ns() == *mtime_ns;
        if !looks_same || known.settled {
            return Ok(looks_same);
        }
        let opened = self.parent(path).and_then(|(dir, name)| scan::open_file(&dir, name));
        let Some((mut file, now)) = opened.map_err(WorkspaceError::io("open", path))? else { return Ok(false) };
        let content = blobs::hash(&mut file, *size);
        Ok(now == *stamp && content.is_ok_and(|content| content.sha256 == *sha256))
    }

    /// The staging directory of the directory that `path` is in.
    fn staging<'a>(
        &self,
        stagings: &'a mut BTreeMap<String, Staging>,
        path: &str,
    ) -> Result<&'a mut Staging, WorkspaceError> {
        let root = path.split_once('/').map_or(path, |(root, _)| root);
        if !stagings.contains_key(root) {
            let dir = self.roots.iter().find(|(name, _)| name == root).map(|(_, dir)| dir);
            let made = dir.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)).and_then(Staging::new);
            stagings.insert(root.to_owned(), made.map_err(WorkspaceError::io("make a temporary directory in", root))?);
        }
        let none = || WorkspaceError::io("make a temporary directory in", root)(io::ErrorKind::NotFound.into());
        stagings.get_mut(root).ok_or_else(none)
    }

    /// Writes a file in full, next to its place.
    fn stage(&self, staging: &mut Staging, wanted: &Wanted) -> Result<String, WorkspaceError> {
        let Wanted { path, content, mode, mtime_ns } = wanted;
        let (mut file, name) = staging.file().map_err(WorkspaceError::io("write", path))?;
        self.blobs.get(content, &mut file).map_err(|error| match error {
            Unusable::Bad(reason) => {
                WorkspaceError::Blob { path: (*path).to_owned(), sha256: content.sha256.clone(), reason }
            }
            Unusable::Io(error) => WorkspaceError::io("write", path)(error),
        })?;
        const SECOND: i64 = 1_000_000_000;
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: mtime_ns.div_euclid(SECOND), tv_nsec: mtime_ns.rem_euclid(SECOND) },
        };
        rustix::fs::fchmod(&file, Mode::from_raw_mode(*mode))
            .and_then(|()| rustix::fs::futimens(&file, &times))
            .map_err(|error| WorkspaceError::io("set mode and time of", path)(error.into()))?;
        Ok(name)
    }

    /// Removes what is not in `to`, or is something else there. Children come before their directories.
    fn remove(
        &self,
        to: &Manifest,
        tree: &Tree,
        stagings: &mut BTreeMap<String, Staging>,
    ) -> Result<(), WorkspaceError> {
        for path in tree.foreign.iter().filter(|path| to.0.contains_key(*path)) {
            // A name that is not UTF-8 may look like this path, and is not.
            let gone = self.parent(path).and_then(|(dir, name)| dir.remove_file(name));
            gone.or_else(unless_missing).map_err(WorkspaceError::io("remove", path))?;
        }
        for (path, found) in tree.found.iter().rev() {
            let keep = match (found, to.0.get(path)) {
                (Found::Dir, Some(Entry::Dir)) | (Found::File(_), Some(Entry::File { .. })) => true,
                (Found::Dir, None) => tree.is_occupied(path),
                _ => false,
            };
            if keep {
                continue;
            }
            let (dir, name) = self.parent(path).map_err(WorkspaceError::io("remove", path))?;
            let gone = match found {
                Found::Dir => dir.remove_dir(name),
                Found::File(_) => dir.remove_file(name),
                Found::Abyss => self.staging(stagings, path)?.remove_tree(&dir, name),
            };
            gone.or_else(unless_missing).map_err(WorkspaceError::io("remove", path))?;
        }
        Ok(())
    }

    fn make_directories(&self, to: &Manifest, tree: &Tree) -> Result<(), WorkspaceError> {
        for (path, entry) in &to.0 {
            if *entry == Entry::Dir && tree.found.get(path) != Some(&Found::Dir) {
                let made = self.parent(path).and_then(|(dir, name)| dir.create_dir(name));
                made.map_err(WorkspaceError::io("make the directory", path))?;
            }
        }
        Ok(())
    }
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
