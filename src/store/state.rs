//! A state as callers give it and get it back.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::timeline::StateId;
use crate::workspace::manifest::{Changes, Manifest, Past};

/// Bytes in a page.
pub const PAGE: usize = 4096;
/// Pages of a memory of 4 GiB, which is all that a 32-bit guest can have.
pub const MAX_PAGES: u32 = 1 << 20;

/// The cell after which a state was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Its number in the run.
    pub number: u32,
    /// For people; longer ones are cut when they are recorded.
    pub first_line: String,
    /// Of its source, in hex.
    pub code_sha256: String,
    /// Whether it ran to its end.
    pub ok: bool,
    /// What it cost.
    pub fuel: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// When it was done.
    pub at: DateTime<Utc>,
}

impl Cell {
    /// What stands for the cell of a state before any.
    pub fn none() -> Self {
        Self {
            number: 0,
            first_line: String::new(),
            code_sha256: String::new(),
            ok: true,
            fuel: 0,
            duration_ms: 0,
            at: Utc::now(),
        }
    }
}

/// Where the contents of pages are until they are written down.
pub trait Contents: Send + Sync {
    /// Reads pages from `first` on, a whole number of them.
    ///
    /// # Errors
    /// The operating system's. [`io::ErrorKind::ResourceBusy`]: they cannot be had any more.
    fn read(&self, first: u32, into: &mut [u8]) -> io::Result<()>;
}

/// Pages of a memory, 4 KiB each.
#[derive(Clone)]
pub struct Pages {
    /// Page numbers, ascending, without overlaps.
    pub runs: Vec<Range<u32>>,
    /// What is in them.
    pub contents: Arc<dyn Contents>,
}

impl Pages {
    /// Pages whose contents are here, one after another.
    pub fn of_bytes(runs: Vec<Range<u32>>, bytes: Vec<u8>) -> Self {
        let contents = Arc::new(InOrder { runs: runs.clone(), bytes });
        Self { runs, contents }
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self::of_bytes(Vec::new(), Vec::new())
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pages").field(&self.runs).finish()
    }
}

/// Contents of runs, one after another.
struct InOrder {
    runs: Vec<Range<u32>>,
    bytes: Vec<u8>,
}

impl Contents for InOrder {
    fn read(&self, first: u32, into: &mut [u8]) -> io::Result<()> {
        let mut before = 0usize;
        let run = self.runs.iter().find(|run| {
            let found = run.contains(&first);
            before += if found { 0 } else { run.len() };
            found
        });
        let missing = || io::Error::new(io::ErrorKind::InvalidInput, "a page that is not there");
        let run = run.ok_or_else(missing)?;
        let start = (before + (first - run.start) as usize) * PAGE;
        into.copy_from_slice(self.bytes.get(start..start + into.len()).ok_or_else(missing)?);
        Ok(())
    }
}

/// A state to be committed, as what has changed since the current one.
#[derive(Debug, Clone)]
pub struct NewState {
    /// The cell that led to it.
    pub cell: Cell,
    /// Takes the place of the current step of the timeline (what the cell did after it was answered).
    pub amend: bool,
    /// How many cells led here from the current state.
    pub cells: u32,
    /// The size of the whole memory, in whole pages.
    pub memory_bytes: u64,
    /// The pages that are not as in the current state.
    pub pages: Pages,
    /// What else the session wants to find again; must be small.
    pub facts: serde_json::Value,
    /// The session's monotonic clock.
    pub clock_ns: u64,
    /// What has changed in the workspace since the current state (the warm image has no files); none: nothing.
    pub files: Option<Changes>,
}

impl NewState {
    /// Takes in the state between the current one and this one, which will not be written. The pages are the
    /// caller's business.
    pub fn absorb(&mut self, before: NewState) {
        self.amend &= before.amend;
        self.cells = self.cells.saturating_add(before.cells);
        self.files = match (before.files, self.files.take()) {
            (Some(before), Some(then)) => Some(before.then(then)),
            (before, then) => before.or(then),
        };
    }
}

/// A state as it was committed, but for its pages, which were written where the caller wanted them.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The size of the whole memory.
    pub memory_bytes: u64,
    /// As they were given.
    pub facts: serde_json::Value,
    /// The monotonic clock when it was committed.
    pub clock_ns: u64,
    /// The whole workspace.
    pub files: Manifest,
    /// What the user did to files on the way from the current state to this one.
    pub past: Past,
    /// It is another session's state: this one has to draw new randomness.
    pub reseed: bool,
}

/// What is known of a state without loading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateInfo {
    /// Its number.
    pub id: StateId,
    /// Its cell.
    pub cell: Cell,
    /// How many cells led to it from the warm image.
    pub cells: u32,
    /// How many of them, before its own, have no state of their own.
    pub merged: u32,
    /// The size of its memory.
    pub memory_bytes: u64,
    /// The size of its record in the store.
    pub stored_bytes: u64,
}

impl StateInfo {
    /// What other cells are in it, in words for the user; none if it is its own cell's alone.
    pub fn with(&self) -> Option<String> {
        match self.merged {
            0 => None,
            1 => Some("with the cell before it, which could not be saved alone".to_owned()),
            many => Some(format!("with the {many} cells before it, which could not be saved one by one")),
        }
    }
}

/// A session in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// In the store, files included.
    pub bytes: u64,
    /// How many states can be gone to.
    pub states: usize,
    /// The saved names.
    pub names: Vec<String>,
    /// The last state of the run before, unless what is current goes on from it.
    pub previous: Option<StateInfo>,
    /// The current state; none: the warm image.
    pub current: Option<StateInfo>,
    /// The highest clock of all states, below which a session's monotonic clock must not go.
    pub clock_ns: u64,
}
