//! What can be asked of a session besides running something, and what comes of it. `%session` asks the same in a cell
//! (`magics/`), and its words are made of these values.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::answer::Failure;
use super::journal::JournalError;
use super::journal::saving::Standing;
use super::live::SessionError;
use super::opening::Saved;
use crate::store::{Cell, Log, SessionId, StoreError};
use crate::timeline::{Move, MoveError, StateId, Target};
use crate::workspace::{Deleted, FilesError, Listed};

/// Something to be done with a session. Operations wait in line with cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Go to another state: undo, redo, restore, reset, resume.
    Go(Move),
    /// Give the current state a name.
    Save(String),
    /// Make other sessions that go on from here.
    Fork(Vec<SessionId>),
    /// Say how the session stands.
    Status,
    /// Say which states can be gone to.
    Log,
    /// Something with the files of the workspace.
    Files(FilesOperation),
    /// Give the memory back; the next request reads it from the log.
    Evict,
    /// Nothing: it is done when all that came before is, and that is written down.
    Settle,
}

/// What can be done with the files of a workspace, by paths relative to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesOperation {
    /// All files, or those that a pattern names (`*.csv`, `data/**`).
    List { pattern: Option<String> },
    /// A file's content, of so many bytes at most.
    Read { path: String, most: u64 },
    /// A file with this content, which may take the place of another only if it says so.
    Write { path: String, content: Vec<u8>, overwrite: bool },
    /// No such file any more; with `recursive` no such directory, and nothing in it.
    Delete { path: String, recursive: bool },
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Operated {
    Arrived(Box<Arrival>),
    Saved(String),
    Forked(Vec<SessionId>),
    Status(Box<Status>),
    Log(Vec<LogEntry>),
    Files(Vec<Listed>),
    Read(Vec<u8>),
    /// So many bytes are in the file now.
    Written(u64),
    Deleted(Deleted),
    Done,
}

/// Where a move led.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arrival {
    /// The cell after which the session is what it is now, of number 0 if that is before the first; none if it is fresh.
    pub cell: Option<Cell>,
    /// How many cells can be undone from here, and redone.
    pub undoable: usize,
    pub redoable: usize,
    /// Files that somebody else has changed since: they are left as they are now. Paths as in manifests (`app/x`).
    pub left_alone: Vec<String>,
    /// One of them of which the state has another content.
    pub recorded: Option<(String, StateId)>,
    /// What was taken up of a session of another image.
    pub portable: Option<Portable>,
}

/// What of a session another image takes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portable {
    /// None of it: it was never closed, or saved by hand.
    Nothing,
    /// So many variables; the names of those that were lost.
    TakenUp { loaded: usize, lost: Vec<String> },
}

/// How a session stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    pub id: SessionId,
    /// Whether it outlives its process.
    pub kept: bool,
    /// Why it does not, if it was to.
    pub reason: Option<String>,
    /// What is the matter with saving it, in words for the user.
    pub problem: Option<String>,
    /// None before anything was committed.
    pub stored: Option<Stored>,
}

/// What a session's log has.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub undoable: usize,
    pub redoable: usize,
    /// Bytes in the store, and states there.
    pub bytes: u64,
    pub states: usize,
    /// Names that states were saved under.
    pub names: Vec<String>,
    /// The run before this one, which can be resumed.
    pub before: Option<Saved>,
}

/// A step of a session's past or future.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Whether the session is there.
    pub current: bool,
    /// None for a fresh start.
    pub state: Option<LoggedState>,
    /// The names that it was saved under.
    pub names: Vec<String>,
}

/// A state that can be gone to.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedState {
    pub id: StateId,
    /// The cell after which it is; of number 0 before the first.
    pub cell: Cell,
    /// What it takes in the store.
    pub stored_bytes: u64,
    /// Which other cells are in it, in words.
    pub with: Option<String>,
    pub at: DateTime<Utc>,
}

/// Why an operation came to nothing; the session is as it was.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// There is no way there.
    #[error(transparent)]
    Move(MoveError),
    /// A session that goes with its process.
    #[error("a session that is not saved cannot be forked")]
    NotKept,
    /// The policy allows only UUIDs as sessions' ids.
    #[error("the policy allows only UUIDs as sessions' ids (`session.ids`); {0} would be one")]
    NotAUuid(SessionId),
    /// The store's answer.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The files' answer.
    #[error(transparent)]
    Files(Arc<FilesError>),
    /// A file that is larger than was asked for.
    #[error("{path} has {bytes} bytes, more than the {most} that were asked for")]
    TooLarge { path: String, bytes: u64, most: u64 },
    /// What the guest said.
    #[error("{}: {}", .0.name, .0.text)]
    Failed(Failure),
    /// Anything else, in words for the user.
    #[error("{0}")]
    Session(String),
    /// The session's thread has ended.
    #[error("the session has ended")]
    Gone,
}

impl From<SessionError> for OperationError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Journal(JournalError::NotKept) => Self::NotKept,
            SessionError::Journal(JournalError::Store(error)) => match &*error {
                StoreError::Move(error) => Self::Move(error.clone()),
                _ => Self::Store(error),
            },
            error => Self::Session(error.to_string()),
        }
    }
}

impl From<JournalError> for OperationError {
    fn from(error: JournalError) -> Self {
        SessionError::from(error).into()
    }
}

impl From<FilesError> for OperationError {
    fn from(error: FilesError) -> Self {
        Self::Files(Arc::new(error))
    }
}

impl Arrival {
    /// Where the session of a log is.
    pub(super) fn at(log: &Log) -> Self {
        let (undoable, redoable) = (log.timeline().undoable(), log.timeline().redoable());
        Self { cell: here(log), undoable, redoable, ..Self::default() }
    }
}

/// The cell after which the session is what it is.
fn here(log: &Log) -> Option<Cell> {
    match log.timeline().current() {
        Target::State(state) => log.state(state).map(|info| info.cell.clone()),
        Target::Fresh => None,
    }
}

impl Status {
    pub(super) fn of(id: &SessionId, standing: &Standing, log: Option<&Log>) -> Self {
        let stored = log.map(|log| {
            let (timeline, summary) = (log.timeline(), log.summary());
            Stored {
                undoable: timeline.undoable(),
                redoable: timeline.redoable(),
                bytes: summary.bytes,
                states: summary.states,
                before: Saved::of(&summary),
                names: summary.names,
            }
        });
        let (kept, reason) = (standing.kept, standing.reason.clone());
        Self { id: id.clone(), kept, reason, problem: standing.problem(), stored }
    }
}

impl LogEntry {
    pub(super) fn all(log: Option<&Log>) -> Vec<Self> {
        let lines = log.map(|log| log.history()).unwrap_or_default();
        let entry = |line: crate::store::HistoryLine| Self {
            current: line.current,
            state: line.step.state().zip(line.state).map(|(id, info)| LoggedState {
                id,
                stored_bytes: info.stored_bytes,
                with: info.with(),
                at: info.cell.at,
                cell: info.cell,
            }),
            names: line.names,
        };
        lines.into_iter().map(entry).collect()
    }
}
