//! What is said when a session is opened.

use super::holder::Holder;
use super::id::SessionId;
use super::identity::Identity;

/// How sure a commit is when it has been acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It outlives the process, but not always the machine: the system writes it to the disk when it likes.
    Relaxed,
    /// It is on the disk.
    Sync,
}

/// How much of a session is kept. When there is too much, the oldest states go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How many states can be undone.
    pub undo_entries: usize,
    /// How many bytes the records of the states in the timeline may have.
    pub undo_bytes: u64,
    /// How many bytes of the store the session may have, files included.
    pub total_bytes: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self { undo_entries: 20, undo_bytes: 2 << 30, total_bytes: 8 << 30 }
    }
}

/// Who opens what, and how.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// The session.
    pub id: SessionId,
    /// The base that is there.
    pub identity: Identity,
    /// The notebook that it belongs to, by which it is found again.
    pub notebook: Option<String>,
    /// Who holds it from now on.
    pub holder: &'a Holder,
    /// How much is kept.
    pub keep: Keep,
    /// How sure a commit is.
    pub durability: Durability,
}
