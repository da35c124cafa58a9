//! Keeping a guest's files within a quota while it runs. What is used is counted along, and by looking at the
//! directories before anything is refused: the count may be too high, never too low.

use super::wasi::errno;
use super::wasi_config::{Quota, WasiConfig};
use crate::sandbox::wasi::errno::Errno;

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
    writable: Vec<u32>,
    /// At least what is used; not counted yet in an instance that has written nothing.
    used: Option<Amount>,
}

impl Meter {
    pub(super) fn new(world: &WasiConfig, first_mount: u32) -> Self {
        let writable = (first_mount..).zip(&world.mounts).filter(|(_, mount)| mount.writable).map(|(fd, _)| fd);
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

    /// The mounts that the guest may write to, by their descriptors.
    pub(super) fn writable(&self) -> Vec<u32> {
        self.writable.clone()
    }

    /// Whether the guest may write to a mount.
    pub(super) fn is_writable(&self, mount: u32) -> bool {
        self.writable.contains(&mount)
    }

    /// Whether so much is past the quota: then there is no need to count on.
    pub(super) fn is_past(&self, used: Amount) -> bool {
        self.check(used).is_err()
    }

    /// Takes what was counted, and says whether there is room for `more`: with the errno if not. A count that is past
    /// the quota may have ended there, so nothing can be given back from it.
    pub(super) fn counted(&mut self, used: Amount, more: Amount) -> Result<(), Errno> {
        self.used = (!self.is_past(used)).then_some(used);
        self.check(used.plus(more))
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

    /// Whether so much is within the quota: the errno if not.
    pub(super) fn check(&self, amount: Amount) -> Result<(), Errno> {
        match self.quota {
            Quota { bytes, .. } if amount.bytes > bytes => Err(errno::DQUOT),
            Quota { files, .. } if amount.files > files => Err(errno::NOSPC),
            _ => Ok(()),
        }
    }
}
