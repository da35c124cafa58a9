//! Looking at what is in a directory, without reading any content.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, SystemTime};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::io::Errno;

use super::error::WorkspaceError;
use super::manifest::Entry;
use super::tracker::Seen;

/// Directories within each other. One descriptor is open for each while a tree is walked.
pub(super) const MAX_DEPTH: usize = 64;

/// What is recorded of a directory's mode, and put back: a shared one may be sticky, or give its group on.
pub(super) const DIR_MODE: u32 = 0o3777;

/// A second write within this time of a first one may leave the same time on the file: file systems take it
/// from a clock that ticks every 1 to 10 ms.
const TICK: Duration = Duration::from_millis(50);
/// The same where times are whole seconds (or, on FAT, whole two seconds).
const COARSE_TICK: Duration = Duration::from_millis(2050);

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

    /// Whether a file of which this is the entry looks like this.
    pub(super) fn looks_like(&self, entry: &Entry) -> bool {
        matches!(entry, Entry::File { size, mode, mtime_ns, .. }
            if self.size == *size && self.mode == mode & 0o777 && self.mtime_ns() == *mtime_ns)
    }

    /// Whether this is the same file, under another name.
    pub(super) fn is_moved(&self, was: Self) -> bool {
        Self { ctime: was.ctime, ..*self } == was
    }

    /// Whether this is the open file that was seen.
    pub(super) fn is_seen(&self, seen: Seen) -> bool {
        // Times from before 1970 are not seen.
        let modified = i64::try_from(seen.modified).unwrap_or(i64::MAX);
        self.size == seen.size && (self.mtime_ns() == modified || self.mtime.0 < 0)
    }

    /// When it was changed last, since 1970.
    pub(super) fn changed(&self) -> Option<Duration> {
        Some(Duration::new(u64::try_from(self.ctime.0).ok()?, u32::try_from(self.ctime.1).ok()?))
    }

    /// As plain numbers.
    pub(super) fn to_words(self) -> [u64; 8] {
        let [mtime, ctime] = [self.mtime, self.ctime].map(|time| [time.0, time.1].map(i64::cast_unsigned));
        [self.dev, self.ino, self.size, mtime[0], mtime[1], ctime[0], ctime[1], self.mode.into()]
    }

    /// The other way.
    pub(super) fn from_words([dev, ino, size, m, m_ns, c, c_ns, mode]: [u64; 8]) -> Self {
        let time = |seconds: u64, nanoseconds: u64| (seconds.cast_signed(), nanoseconds.cast_signed());
        Self { dev, ino, size, mtime: time(m, m_ns), ctime: time(c, c_ns), mode: mode as u32 }
    }

    /// Nanoseconds since 1970, as far as they fit.
    pub(super) fn mtime_ns(&self) -> i64 {
        self.mtime.0.saturating_mul(1_000_000_000).saturating_add(self.mtime.1)
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    Nothing,
    /// With its mode, as far as it is recorded.
    Dir(u32),
    File(Stamp),
    /// A symbolic link.
    Link(Stamp),
    /// A pipe, a socket, or something that cannot be looked at.
    Other,
}

impl Disk {
    /// What stands at `path` below `root`. A link at its end is not followed, and none leads out.
    pub(super) fn look(root: &Dir, path: &str) -> Self {
        match root.symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => Self::Dir(metadata.mode() & DIR_MODE),
            Ok(metadata) if metadata.is_file() => Self::File(Stamp::of(&metadata)),
            Ok(metadata) if metadata.is_symlink() => Self::Link(Stamp::of(&metadata)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Self::Nothing
            }
            Ok(_) | Err(_) => Self::Other,
        }
    }

    pub(super) fn is_file(self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Whether another file or link can take its place in one step.
    pub(super) fn is_leaf(self) -> bool {
        matches!(self, Self::File(_) | Self::Link(_))
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
}

/// Walks `dir`, which the tree calls `prefix`.
pub(super) fn scan(prefix: &str, dir: &Dir, tree: &mut Tree) -> Result<(), WorkspaceError> {
    walk(prefix, dir, tree, 1)
}

fn walk(prefix: &str, dir: &Dir, tree: &mut Tree, depth: usize) -> Result<(), WorkspaceError> {
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
                tree.found.insert(path, Found::Abyss);
                continue;
            }
            match dir.open_dir_nofollow(name).and_then(|inner| inner.entries().map(|_| inner)) {
                Ok(inner) => {
                    walk(&path, &inner, tree, depth + 1)?;
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

/// Whether there is certainly no symbolic link on the way to `path` below `root`, nor, if that counts, at its end.
pub(super) fn leads_straight(root: &Dir, path: &str, end: bool) -> bool {
    let above = path.rsplit_once('/').map_or(".", |(above, _)| above);
    is_straight(root, above) && (!end || !root.symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()))
}

#[cfg(target_os = "linux")]
fn is_straight(root: &Dir, path: &str) -> bool {
    use rustix::fs::{Mode, OFlags, ResolveFlags};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    rustix::fs::openat2(root, path, flags, Mode::empty(), resolve).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn is_straight(_: &Dir, _: &str) -> bool {
    false
}

/// Opens the directory `names` below `root`, one name after the other.
pub(super) fn descend<'a>(root: &Dir, names: impl Iterator<Item = &'a str>) -> io::Result<Dir> {
    let mut dir = root.try_clone()?;
    for name in names {
        dir = dir.open_dir_nofollow(name)?;
    }
    Ok(dir)
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
