//! Looking at and changing the files of a workspace from outside: list, get, put and delete. A path is relative
//! to the workspace's directory, with '/'; one that would lead out of it is refused, and so is a symbolic link on
//! the way.

use std::io::{self, Read, Write};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};
use rustix::fs::Mode;
use rustix::io::Errno;
use serde::Serialize;

use super::error::WorkspaceError;
use super::glob::Glob;
use super::recorder::Quota;
use super::scan::{self, Found, MAX_DEPTH, Tree};
use super::staging::Staging;

/// What the walk of the directory calls it.
const TOP: &str = "workspace";
/// Bytes that are copied at a time.
const CHUNK: usize = 1 << 20;

/// The files in one directory of a workspace.
#[derive(Debug)]
pub struct SessionFiles {
    dir: Dir,
}

/// A file in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Relative to the workspace, with '/'.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// In nanoseconds since 1970.
    pub mtime_ns: i64,
}

/// What a deletion took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// Files and directories.
    pub files: u64,
    pub bytes: u64,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    #[error("{path:?} is not a path inside the workspace: give it relative to the workspace, without `..`")]
    Outside { path: String },
    #[error("{path} is a symbolic link or leads through one; links are not followed")]
    Link { path: String },
    #[error("there is no {path} in the workspace")]
    NotFound { path: String },
    #[error("{path} is a directory, not a file")]
    IsDirectory { path: String },
    #[error("{path} is a directory; say that it is to be deleted with all that is in it (`--recursive`)")]
    NeedsRecursive { path: String },
    #[error("{path} is neither a file nor a directory")]
    NotAFile { path: String },
    #[error("{path} exists already; say that it is to be replaced (`--overwrite`)")]
    Exists { path: String },
    #[error("a part of the path {path} is a file, not a directory")]
    NotADirectory { path: String },
    #[error("cannot read what is to become {path}: {source}")]
    Source { path: String, source: io::Error },
    #[error("cannot write out {path}: {source}")]
    Sink { path: String, source: io::Error },
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

impl SessionFiles {
    /// Opens a directory of a workspace.
    ///
    /// # Errors
    /// [`WorkspaceError::Open`].
    pub fn open(path: &Path) -> Result<Self, WorkspaceError> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())
            .map_err(|source| WorkspaceError::Open { path: path.display().to_string(), source })?;
        Ok(Self::of(dir))
    }

    /// The files below an open directory.
    pub(super) fn of(dir: Dir) -> Self {
        Self { dir }
    }

    /// Whether a path can be one of a file in the workspace.
    ///
    /// # Errors
    /// [`FilesError::Outside`].
    pub fn check(&self, path: &str) -> Result<(), FilesError> {
        self.find(path, false).map(drop).or_else(|error| match error {
            FilesError::NotFound { .. } => Ok(()),
            error => Err(error),
        })
    }

    /// All files, by their paths in order; with a pattern, those that it names (`*.csv` anywhere, `data/*.csv`,
    /// `data/**`).
    ///
    /// # Errors
    /// The operating system's.
    pub fn list(&self, pattern: Option<&str>) -> Result<Vec<Listed>, FilesError> {
        let glob = pattern.map(Glob::new);
        let mut listed = Vec::new();
        for (path, found) in self.look()?.found {
            let Found::File(stamp) = found else { continue };
            let path = path.split_once('/').map_or("", |(_, below)| below);
            if glob.as_ref().is_none_or(|glob| glob.matches(path)) {
                listed.push(Listed { path: path.to_owned(), size: stamp.size, mtime_ns: stamp.mtime_ns() });
            }
        }
        Ok(listed)
    }

    /// Writes what a file has in it, and answers how many bytes that were.
    ///
    /// # Errors
    /// As [`FilesError`] says.
    pub fn get(&self, path: &str, to: &mut impl Write) -> Result<u64, FilesError> {
        let (dir, name) = self.find(path, false)?;
        let found = look_at(&dir, name, path)?.ok_or_else(|| FilesError::NotFound { path: path.to_owned() })?;
        check_is_file(&found, path)?;
        let opened = scan::open_file(&dir, name).map_err(failed("open", path))?;
        let (mut file, _) = opened.ok_or_else(|| FilesError::NotAFile { path: path.to_owned() })?;
        let mut buffer = vec![0; CHUNK];
        let mut size = 0;
        loop {
            let count = file.read(&mut buffer).map_err(failed("read", path))?;
            let part = buffer.get(..count).unwrap_or_default();
            to.write_all(part).map_err(|source| FilesError::Sink { path: path.to_owned(), source })?;
            size += count as u64;
            if count == 0 {
                return Ok(size);
            }
        }
    }

    /// Makes a file of what `from` has, with the directories that it is in, and answers its size. The file is
    /// there in full or not at all. `quota` is for this directory.
    ///
    /// # Errors
    /// As [`FilesError`] says; [`FilesError::Exists`] unless it is to be overwritten.
    pub fn put(&self, path: &str, from: &mut impl Read, overwrite: bool, quota: Quota) -> Result<u64, FilesError> {
        let exists = || FilesError::Exists { path: path.to_owned() };
        self.names(path)?;
        let before = match self.find(path, false) {
            Ok((dir, name)) => look_at(&dir, name, path)?,
            Err(FilesError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(before) = &before {
            check_is_file(before, path)?;
            if !overwrite {
                return Err(exists());
            }
        }
        let tree = self.look()?;
        // The file itself; its directories are few, and are counted with the next record.
        let count = tree.found.len() as u64 + u64::from(before.is_none());
        let taken = tree.bytes().saturating_sub(before.as_ref().map_or(0, Metadata::len));
        let mut staging = Staging::new(&self.dir).map_err(failed("write", path))?;
        let (mut file, staged) = staging.file().map_err(failed("write", path))?;
        let mut buffer = vec![0; CHUNK];
        let mut size: u64 = 0;
        loop {
            let count_read = match from.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(FilesError::Source { path: path.to_owned(), source }),
            };
            size += count_read as u64;
            quota.check(taken.saturating_add(size), count)?;
            if count_read == 0 {
                break;
            }
            file.write_all(buffer.get(..count_read).unwrap_or_default()).map_err(failed("write", path))?;
        }
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))
            .map_err(|error| failed("set the mode of", path)(error.into()))?;
        let (dir, name) = self.find(path, true)?;
        let put = if overwrite { Staging::move_out } else { Staging::move_to_free };
        match put(&staging, &staged, &dir, name) {
            Ok(()) => Ok(size),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
            Err(error) => Err(failed("write", path)(error)),
        }
    }

    /// Deletes a file, a link itself, or, if `recursive`, a directory with all that is in it.
    ///
    /// # Errors
    /// As [`FilesError`] says.
    pub fn delete(&self, path: &str, recursive: bool) -> Result<Deleted, FilesError> {
        let (dir, name) = self.find(path, false)?;
        let found = look_at(&dir, name, path)?.ok_or_else(|| FilesError::NotFound { path: path.to_owned() })?;
        if !found.is_dir() {
            dir.remove_file(name).map_err(failed("delete", path))?;
            return Ok(Deleted { files: 1, bytes: if found.is_file() { found.len() } else { 0 } });
        }
        if !recursive {
            return Err(FilesError::NeedsRecursive { path: path.to_owned() });
        }
        let mut tree = Tree::default();
        let inner = scan::descend(&dir, std::iter::once(name)).map_err(failed("open", path))?;
        scan::scan(path, &inner, &mut tree)?;
        drop(inner);
        let mut staging = Staging::new(&self.dir).map_err(failed("delete", path))?;
        staging.remove_tree(&dir, name).map_err(failed("delete", path))?;
        Ok(Deleted { files: tree.found.len() as u64 + 1, bytes: tree.bytes() })
    }

    fn look(&self) -> Result<Tree, FilesError> {
        let mut tree = Tree::default();
        scan::scan(TOP, &self.dir, &mut tree)?;
        Ok(tree)
    }

    fn names<'a>(&self, path: &'a str) -> Result<Vec<&'a str>, FilesError> {
        let names: Vec<&str> = path.split('/').collect();
        let is_name = |name: &&str| !matches!(*name, "" | "." | "..") && !name.contains('\0') && name.len() <= 255;
        if names.len() > MAX_DEPTH || !names.iter().all(is_name) {
            return Err(FilesError::Outside { path: path.chars().take(200).collect() });
        }
        Ok(names)
    }

    /// Opens the directory that a path is in, which is made if wanted, and answers the path's last name.
    fn find<'a>(&self, path: &'a str, make: bool) -> Result<(Dir, &'a str), FilesError> {
        let names = self.names(path)?;
        let (name, above) = names.split_last().ok_or_else(|| FilesError::Outside { path: path.to_owned() })?;
        let mut dir = self.dir.try_clone().map_err(failed("open", path))?;
        for part in above {
            if make
                && let Err(error) = dir.create_dir(part)
                && error.kind() != io::ErrorKind::AlreadyExists
            {
                return Err(failed("make the directory of", path)(error));
            }
            let found = look_at(&dir, part, path)?.ok_or_else(|| FilesError::NotFound { path: path.to_owned() })?;
            if found.is_symlink() {
                return Err(FilesError::Link { path: path.to_owned() });
            }
            if !found.is_dir() {
                return Err(FilesError::NotADirectory { path: path.to_owned() });
            }
            // Checked above for a clear answer; what counts is that this does not follow a link.
            dir = scan::descend(&dir, std::iter::once(*part)).map_err(|error| match Errno::from_io_error(&error) {
                Some(Errno::LOOP | Errno::NOTDIR) => FilesError::Link { path: path.to_owned() },
                _ => failed("open", path)(error),
            })?;
        }
        Ok((dir, name))
    }
}

fn failed<'a>(action: &'static str, path: &'a str) -> impl FnOnce(io::Error) -> FilesError + 'a {
    move |error| WorkspaceError::io(action, path)(error).into()
}

/// What a name of a directory is; `None` if there is nothing.
fn look_at(dir: &Dir, name: &str, path: &str) -> Result<Option<Metadata>, FilesError> {
    match dir.symlink_metadata(name) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

fn check_is_file(found: &Metadata, path: &str) -> Result<(), FilesError> {
    let path = path.to_owned();
    match found {
        found if found.is_file() => Ok(()),
        found if found.is_dir() => Err(FilesError::IsDirectory { path }),
        found if found.is_symlink() => Err(FilesError::Link { path }),
        _ => Err(FilesError::NotAFile { path }),
    }
}

#[cfg(test)]
mod tests;
