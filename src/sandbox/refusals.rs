//! What an instance was refused, counted by kind.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a guest can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More memory.
    Memory,
    /// Another open file.
    OpenFile,
    /// More bytes in files.
    WorkspaceBytes,
    /// More files.
    WorkspaceFiles,
    /// Longer names of files, all together.
    WorkspaceNames,
    /// A message through the door that is too large.
    Message,
    /// One that is no frame.
    Frame,
    Symlink,
    Link,
    Renumber,
    Socket,
    /// Something with a file that is read-only, or not the guest's.
    Path,
}

/// What sort of thing was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalClass {
    /// The name is the policy's key of the limit.
    Limit,
    /// The name is a WASI call's.
    Call,
    /// A message that makes no sense.
    Frame,
}

/// Every kind, with its sort and name.
const KINDS: [(Refusal, RefusalClass, &str); 12] = [
    (Refusal::Memory, RefusalClass::Limit, "memory_bytes"),
    (Refusal::OpenFile, RefusalClass::Limit, "open_files"),
    (Refusal::WorkspaceBytes, RefusalClass::Limit, "workspace_bytes"),
    (Refusal::WorkspaceFiles, RefusalClass::Limit, "workspace_files"),
    (Refusal::WorkspaceNames, RefusalClass::Limit, "workspace_names"),
    (Refusal::Message, RefusalClass::Limit, "message_max_bytes"),
    (Refusal::Frame, RefusalClass::Frame, "frame"),
    (Refusal::Symlink, RefusalClass::Call, "path_symlink"),
    (Refusal::Link, RefusalClass::Call, "path_link"),
    (Refusal::Renumber, RefusalClass::Call, "fd_renumber"),
    (Refusal::Socket, RefusalClass::Call, "sock"),
    (Refusal::Path, RefusalClass::Call, "path"),
];

/// The counters of an instance.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: [AtomicU64; KINDS.len()],
}

impl Refusals {
    /// Counts one.
    pub fn add(&self, refusal: Refusal) {
        if let Some(count) = self.counts.get(refusal as usize) {
            count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// What was counted so far.
    pub fn so_far(&self) -> Refused {
        Refused {
            counts: std::array::from_fn(|at| self.counts.get(at).map_or(0, |count| count.load(Ordering::Acquire))),
        }
    }
}

/// How often each thing was refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused {
    counts: [u64; KINDS.len()],
}

impl Refused {
    /// The same with another count of one kind.
    #[must_use]
    pub fn with(mut self, refusal: Refusal, times: u64) -> Self {
        if let Some(count) = self.counts.get_mut(refusal as usize) {
            *count = times;
        }
        self
    }

    /// How often something was refused.
    pub fn of(&self, refusal: Refusal) -> u64 {
        self.counts.get(refusal as usize).copied().unwrap_or_default()
    }

    /// What was refused since `before`: its sort, its name, and how often.
    pub fn since(&self, before: &Self) -> impl Iterator<Item = (RefusalClass, &'static str, u64)> {
        let counts = self.counts.into_iter().zip(before.counts).map(|(now, before)| now.saturating_sub(before));
        KINDS.iter().zip(counts).filter(|(_, times)| *times > 0).map(|((_, class, name), times)| (*class, *name, times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_entry() {
        for (place, (refusal, ..)) in KINDS.iter().enumerate() {
            assert_eq!(*refusal as usize, place);
        }
    }

    #[test]
    fn what_is_new_is_told_by_name() {
        let refusals = Refusals::default();
        refusals.add(Refusal::Link);
        let before = refusals.so_far();
        refusals.add(Refusal::Link);
        refusals.add(Refusal::OpenFile);
        refusals.add(Refusal::OpenFile);
        let new: Vec<_> = refusals.so_far().since(&before).collect();
        assert_eq!(new, [(RefusalClass::Limit, "open_files", 2), (RefusalClass::Call, "path_link", 1)]);
    }
}
