//! What a record says, as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::identity::Identity;
use super::super::state::Cell;
use crate::timeline::{StateId, Timeline};
use crate::workspace::manifest::{Changes, Manifest};

/// What every record says, and what only its kind says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Which family of logs this belongs to: a session and its forks.
    pub lineage: String,
    /// Its number in the log, from 1.
    pub seq: u64,
    /// The lease under which it was written.
    pub epoch: u64,
    /// The hash of the record before, in hex; of the first: empty.
    pub prev: String,
    /// The base under all states.
    pub identity: Identity,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// The highest clock of any state up to here.
    pub clock_ns: u64,
    /// As it is from here on.
    pub timeline: Timeline,
    /// In a fork: states up to this number are the other session's.
    pub forked_at: Option<u64>,
    /// If there: the older records that still count, with their hashes in hex; all others are litter.
    pub live: Option<Vec<(u64, String)>>,
    /// What happened.
    pub kind: Kind,
}

/// The words of a move with which a run is ended for another to begin afresh.
pub const FRESH: &str = "fresh";

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody took the session.
    Open(String),
    /// A state, as what has changed since its parent. Its number is the record's.
    Commit(Box<State>),
    /// A state once more, with everything that has changed since an earlier parent, or since the warm image.
    Snapshot(Box<State>),
    /// The timeline has changed.
    Move(String),
    /// Nothing: only older records were dropped.
    Trim,
    /// The session is a fork of this one.
    Fork(String),
    /// Not in a log: the portable part of the session.
    Portable,
}

/// A state without its pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The number of the record that committed it.
    pub id: StateId,
    /// What the pages and changes lie on top of; none: the warm image, without files.
    pub parent: Option<StateId>,
    /// The cell.
    pub cell: Cell,
    /// How many cells led here from the warm image.
    pub cells: u32,
    /// How many of them, before its own, have no state of their own, as they could not be saved one by one.
    #[serde(default, skip_serializing_if = "is_none")]
    pub merged: u32,
    /// The size of its memory.
    pub memory_bytes: u64,
    /// Whatever the session wants to find again.
    pub facts: serde_json::Value,
    /// The monotonic clock.
    pub clock_ns: u64,
    /// The workspace.
    pub files: Files,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(merged: &u32) -> bool {
    *merged == 0
}

/// The workspace of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Files {
    /// What has changed since the parent.
    Changes(Changes),
    /// Everything.
    All(Manifest),
}

impl Kind {
    /// The state in it, if there is one.
    pub fn state(&self) -> Option<&State> {
        match self {
            Self::Commit(state) | Self::Snapshot(state) => Some(state),
            _ => None,
        }
    }
}
