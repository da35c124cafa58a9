//! The policy: what a session may use and see. Comes from the host alone: a file, flags, the environment.
//!
//! `keys` is the one table of keys, defaults and documentation. `value` and `place` judge one value, `file`
//! one file, `effective` lays files over the defaults of a profile and remembers where each value came from.
//! Knows nothing of how limits are enforced.

mod as_toml;
mod defaults;
mod effective;
mod error;
mod file;
mod key;
mod keys;
mod kind;
mod nearest;
mod overlap;
mod place;
mod profile;
mod reference;
mod sections;
mod size;
mod trust;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use as_toml::in_toml;
pub use effective::{Effective, Origin, Search, Value};
pub use error::PolicyError;
pub use file::{FILE_KEYS, unknown};
pub use key::Key;
pub use keys::{KEYS, find_key};
pub use kind::{Kind, Setting};
pub use profile::Profile;
pub use reference::{defaults, key_page, sample_file};
pub use sections::{
    Advice, Durability, FuelAdvice, Heal, Ids, Log, LogFormat, Output, Packages, Persist, Resume, Session, Store,
};

/// The limits and grants of one session. Each field is named like its key; the tables of the file are structs.
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
    /// Whether clock, randomness and order are the same on every run.
    pub deterministic: bool,
    /// The directory that the guest sees as `/app`, which may not exist yet; none for a temporary one.
    pub workspace: Option<PathBuf>,
    /// Bytes of all files in the workspace.
    pub workspace_bytes: u64,
    /// Files and directories in the workspace.
    pub workspace_files: u64,
    /// The directory that the guest sees, read-only, as `/data`.
    pub mount_data_dir: Option<PathBuf>,
    /// Further read-only directories: guest path, below `/data` or `/mnt`, to absolute host path.
    pub mounts: BTreeMap<String, PathBuf>,
    /// Files that the guest sees, read-only, in `/external`. They were regular files with different names, and
    /// no larger than `external_max_bytes`, when the policy was read; who copies them must look again.
    pub external_files: Vec<PathBuf>,
    /// Bytes of one of those.
    pub external_max_bytes: u64,
    /// Environment variables that the guest sees besides its own.
    pub env: BTreeMap<String, String>,
    /// What leaves the kernel.
    pub output: Output,
    /// What is kept of a session, where and for how long.
    pub session: Session,
    /// What may be installed into a session.
    pub packages: Packages,
    /// What is said about cells.
    pub advice: Advice,
    /// What the log carries.
    pub log: Log,
}
