//! Keeping a guest's files within a quota while it runs. What is used is counted along, and by looking at the
//! directories before anything is refused: the count may be too high, never too low.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::errno;
use super::files::Place;
use super::world::{Quota, World};

/// Directories within each other, below a mount.
pub(super) const MAX_DEPTH: usize = 63;

/// What is used, or about to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amount {
    /// Of all files, by their lengths.
    pub(super) bytes: u64,
    /// Files and directories.
    pub(super) files: u64,
}

impl Amount {
    pub(super) fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(other.bytes), files: self.files.saturating_add(other.files) }
    }
}

/// The files of a guest, counted.
#[derive(Debug)]
pub(super) struct Meter {
    quota: Quota,
    /// The mounts that the guest may write to, by their descriptors.
    writable: Vec<(u32, PathBuf)>,
    /// At least what is used; not counted yet in an instance that has written nothing.
    used: Option<Amount>,
}

impl Meter {
    pub(super) fn new(world: &World, first_mount: u32) -> Self {
        let writable = (first_mount..)
            .zip(&world.mounts)
            .filter(|(_, mount)| mount.writable)
            .map(|(fd, mount)| (fd, mount.host.clone()));
        Self { quota: world.quota, writable: writable.collect(), used: None }
    }

    /// Whether anything is to be counted.
    pub(super) fn is_limited(&self) -> bool {
        self.quota != Quota::default()
    }

    /// Whether `more` is within the quota, as far as counted.
    pub(super) fn has_room_for(&self, more: Amount) -> bool {
        self.used.is_some_and(|used| self.check(used.plus(more)).is_ok())
    }

    /// Counts everything there is, with `orphans` bytes in files that have no name any more, and says whether
    /// there is room for `more`: with the errno if not. The other number is how many files were looked at.
    pub(super) fn count(&mut self, orphans: u64, more: Amount) -> (Result<(), i32>, u64) {
        let mut used = Amount { bytes: orphans, files: 0 };
        for (_, host) in &self.writable {
            let counted = measure(host, |amount| used = used.plus(amount));
            // What cannot be looked at cannot be known to be within the quota.
            if let Err(error) = counted {
                tracing::warn!(%error, "the files of the workspace cannot be counted");
                used = Amount { bytes: u64::MAX, ..used };
            }
        }
        self.used = Some(used);
        (self.check(used.plus(more)), used.files)
    }

    pub(super) fn add(&mut self, more: Amount) {
        self.used = self.used.map(|used| used.plus(more));
    }

    pub(super) fn give_back(&mut self, less: Amount) {
        self.used = self.used.map(|used| Amount {
            bytes: used.bytes.saturating_sub(less.bytes),
            files: used.files.saturating_sub(less.files),
        });
    }

    fn check(&self, amount: Amount) -> Result<(), i32> {
        match self.quota {
            Quota { bytes, .. } if amount.bytes > bytes => Err(errno::DQUOT),
            Quota { files, .. } if amount.files > files => Err(errno::NOSPC),
            _ => Ok(()),
        }
    }

    /// Directories within each other in what is at `place`; 0 for a file.
    pub(super) fn height(&self, place: &Place) -> usize {
        let Some((_, host)) = self.writable.iter().find(|(fd, _)| *fd == place.mount) else { return 0 };
        let mut height = 0;
        let mut level = vec![host.join(&place.path)];
        while height <= MAX_DEPTH {
            let below = level.iter().filter_map(|path| fs::read_dir(path).ok()).flatten().flatten();
            let is_dir = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
            let below: Vec<_> = below.filter(is_dir).map(|entry| entry.path()).collect();
            if below.is_empty() {
                break;
            }
            level = below;
            height += 1;
        }
        height
    }
}

/// Walks a directory; links are not followed.
fn measure(top: &Path, mut take: impl FnMut(Amount)) -> io::Result<()> {
    let mut left = vec![top.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if metadata.is_dir() {
                take(Amount { bytes: 0, files: 1 });
                left.push(entry.path());
            } else if metadata.is_file() {
                take(Amount { bytes: metadata.len(), files: 1 });
            }
        }
    }
    Ok(())
}
