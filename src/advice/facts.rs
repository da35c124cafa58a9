//! What guidance is worked out from. The caller fills this in from what the host knows; only `facts` and
//! `code` come from the guest's side.

use serde_json::Value;

/// Everything that is known of a cell that failed, or whose output was cut.
///
/// Neither the text of the error nor what was printed is part of it: errors are told apart by types,
/// attributes and what the host itself saw.
#[derive(Debug)]
pub struct ErrorFacts<'a> {
    /// The exception's types and attributes as the guest gave them (`docs/door.md`). Hostile; `Null` if none came.
    pub facts: &'a Value,
    /// Why the host ended the cell, if it did.
    pub ended: Option<Ended>,
    /// The status with which the guest ended its process, if it did.
    pub exit_code: Option<i32>,
    /// What became of the session's memory.
    pub fate: Fate,
    /// Whether stdout and stderr were cut.
    pub truncated: (bool, bool),
    /// Wasm instructions that the cell used.
    pub fuel_consumed: u64,
    /// Wall-clock milliseconds that the cell took.
    pub duration_ms: u64,
    /// What the policy allows.
    pub limits: Limits,
    /// The cell's source. Hostile.
    pub code: &'a str,
    /// The names of all modules that the guest can import, top level only, as far as the host knows them; what
    /// the guest says of them in its `facts` is added.
    pub installed: &'a [String],
    /// What the guest sees of files.
    pub mounts: &'a [Mount],
}

/// Why a cell was ended before its own end, as the host saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    OutOfFuel,
    MemoryLimit,
    Timeout,
    StackOverflow,
    Interrupted,
    Trap,
    Exited,
    HostError,
}

/// What became of a session's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// Everything that the cell did is there.
    #[default]
    Kept,
    /// The session is as it was before the cell.
    RolledBack,
    /// A new session began.
    Lost,
}

/// The limits that guidance may name; none for "no limit", or where the caller does not know.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// `fuel_budget`.
    pub fuel: Option<u64>,
    /// `timeout_seconds`.
    pub seconds: Option<f64>,
    /// `memory_bytes`.
    pub memory: Option<u64>,
    /// `stdout_max_bytes`.
    pub stdout: Option<u64>,
    /// `stderr_max_bytes`.
    pub stderr: Option<u64>,
    /// `display_max_bytes`.
    pub display: Option<u64>,
    /// `message_max_bytes`.
    pub message: Option<u64>,
    /// `open_files`.
    pub open_files: Option<u64>,
    /// `recursion_limit`.
    pub recursion: Option<u64>,
    /// `workspace_bytes`.
    pub workspace_bytes: Option<u64>,
    /// `workspace_files`.
    pub workspace_files: Option<u64>,
}

/// A directory that the guest sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its absolute path in the guest, such as `/app`.
    pub path: String,
    /// Whether the guest may write there.
    pub writable: bool,
}

impl Mount {
    /// What every session has: the workspace, its scratch directory and the packages.
    pub fn always() -> Vec<Self> {
        [("/app", true), ("/tmp", true), ("/data/site-packages", false), ("/usr/local", false)]
            .map(|(path, writable)| Self { path: path.to_owned(), writable })
            .into()
    }
}
