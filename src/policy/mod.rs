//! The policy: what a session may use and see. Comes from the host alone: a file, flags, the environment.
//!
//! `keys` is the one table of keys, defaults and documentation; `load` reads a file against it. Knows
//! nothing of how limits are enforced.

mod keys;
mod load;
mod nearest;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use keys::{KEYS, Key, Kind, Profile, reference};
pub use load::PolicyError;

/// The limits and grants of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Which profile it began with.
    pub profile: Profile,
    /// Wasm instructions, as wasmtime counts fuel, that one cell may use.
    pub fuel_budget: u64,
    /// Wall-clock seconds that one cell may take; none for no limit.
    pub timeout_seconds: Option<f64>,
    /// Seconds that an interrupted cell has to end before it is stopped and the session restored.
    pub interrupt_grace_seconds: f64,
    /// Bytes of the guest's memory beyond the warm image.
    pub memory_bytes: u64,
    /// Bytes that one cell may write to stdout.
    pub stdout_max_bytes: u64,
    /// Bytes that one cell may write to stderr.
    pub stderr_max_bytes: u64,
    /// Bytes of displays and results of one cell.
    pub display_max_bytes: u64,
    /// Bytes of one message between guest and host, such as a widget's.
    pub message_max_bytes: u64,
    /// Files that may be open at once.
    pub open_files: u64,
    /// Depth of calls in the guest at which it raises `RecursionError`.
    pub recursion_limit: u64,
    /// The directory that the guest sees as `/app`; none for a temporary one.
    pub workspace: Option<PathBuf>,
    /// Environment variables that the guest sees besides its own.
    pub env: BTreeMap<String, String>,
}
