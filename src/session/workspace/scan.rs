//! Looking at what is in a directory, without reading any content.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::io::Errno;

use super::error::WorkspaceError;
use super::recorder::Quota;

/// Directories within each other. One descriptor is open for each while a tree is walked.
pub(super) const MAX_DEPTH: usize = 64;

/// What tells one version of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    dev: u64,
    ino: u64,
    pub(super) size: u64,
    mtime: (i64, i64),
    pub(super) ctime: (i64, i64),
    pub(super) mode: u32,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            dev: MetadataExt::dev(metadata),
            ino: MetadataExt::ino(metadata),
            size: metadata.len(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
            mode: metadata.mode() & 0o777,
        }
    }

    /// Nanoseconds since 1970, as far as they fit.
    pub(super) fn mtime_ns(&self) -> i64 {
        self.mtime.0.saturating_mul(1_000_000_000).saturating_add(self.mtime.1)
    }
}

/// What is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Dir,
    File(Stamp),
    /// A directory too deep to look into.
    Abyss,
}

/// What was found in all directories of a workspace.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// By path as in a manifest.
    pub(super) found: BTreeMap<String, Found>,
    /// What is left alone: links, sockets, names that are not UTF-8, what cannot be opened.
    pub(super) foreign: BTreeSet<String>,
    bytes: u64,
}

impl Tree {
    /// Of all files, by their lengths.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether something that is left alone is in the directory `path`.
    pub(super) fn is_occupied(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.foreign.range(below.clone()..).next().is_some_and(|foreign| foreign.starts_with(&below))
    }
}

/// Walks `dir`, which a manifest calls `prefix`. Without a quota there is no limit to what it finds.
pub(super) fn scan(prefix: &str, dir: &Dir, quota: Option<Quota>, tree: &mut Tree) -> Result<(), WorkspaceError> {
    walk(prefix, dir, quota, tree, 1)
}

fn walk(prefix: &str, dir: &Dir, quota: Option<Quota>, tree: &mut Tree, depth: usize) -> Result<(), WorkspaceError> {
    for entry in dir.entries().map_err(WorkspaceError::io("list", prefix))? {
        let entry = entry.map_err(WorkspaceError::io("list", prefix))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            tree.foreign.insert(format!("{prefix}/{}", name.to_string_lossy()));
            continue;
        };
        let path = format!("{prefix}/{name}");
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(WorkspaceError::io("look at", &path)(error)),
        };
        if metadata.is_dir() {
            if depth >= MAX_DEPTH {
                if quota.is_some() {
                    return Err(WorkspaceError::Depth { path, limit: MAX_DEPTH });
                }
                tree.found.insert(path, Found::Abyss);
                continue;
            }
            match dir.open_dir_nofollow(name).and_then(|inner| inner.entries().map(|_| inner)) {
                Ok(inner) => {
                    walk(&path, &inner, quota, tree, depth + 1)?;
                    tree.found.insert(path, Found::Dir);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => {
                    tree.foreign.insert(path);
                }
            }
        } else if metadata.is_file() {
            tree.bytes = tree.bytes.saturating_add(metadata.len());
            tree.found.insert(path, Found::File(Stamp::of(&metadata)));
        } else {
            tree.foreign.insert(path);
        }
        if let Some(quota) = quota {
            quota.check(tree.bytes, tree.found.len() as u64)?;
        }
    }
    Ok(())
}

/// Opens a plain file of `dir` for reading, and answers its stamp; `None` if it is something else by now or
/// cannot be read.
pub(super) fn open_file(dir: &Dir, name: &str) -> io::Result<Option<(File, Stamp)>> {
    let mut options = OpenOptions::new();
    // Non-blocking: a pipe in the file's place would keep us waiting for its other end.
    options.read(true).follow(FollowSymlinks::No).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = match dir.open_with(name, &options) {
        Ok(file) => file,
        Err(error) => {
            // A link (LOOP) or a socket (NXIO) may have taken its place.
            let other = matches!(Errno::from_io_error(&error), Some(Errno::LOOP | Errno::NXIO));
            let closed = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied);
            return if other || closed { Ok(None) } else { Err(error) };
        }
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then(|| (file, Stamp::of(&metadata))))
}

/// Opens the directory `names` below `root`, one name after the other.
pub(super) fn descend<'a>(root: &Dir, names: impl Iterator<Item = &'a str>) -> io::Result<Dir> {
    let mut dir = root.try_clone()?;
    for name in names {
        dir = dir.open_dir_nofollow(name)?;
    }
    Ok(dir)
}
