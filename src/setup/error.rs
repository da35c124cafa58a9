//! What can go wrong in a set-up. Each error says what happened, to what, and what to do, in one text with
//! its cause: nobody has to walk a chain of sources to see it all.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::patch::PatchError;
use super::rewrite::RewriteError;

/// Why a runtime could not be prepared or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Not a machine that we can run on.
    #[error(
        "Cellblock runs on Linux on x86_64 and aarch64; this is {os} on {arch}. Use a Linux machine, a virtual machine or WSL 2."
    )]
    UnsupportedPlatform {
        /// As Rust names it.
        os: &'static str,
        /// As Rust names it.
        arch: &'static str,
    },
    /// Neither the environment nor the platform names a cache directory.
    #[error("no cache directory is known for this user: set HOME, XDG_CACHE_HOME or CELLBLOCK_CACHE_DIR")]
    NoCacheDir,
    /// The cache would let somebody else's code run as this user.
    #[error(
        "the cache directory {path} {problem}, so compiled code in it could be somebody else's. Run `chmod 700` on it if it is yours, or name another one with CELLBLOCK_CACHE_DIR."
    )]
    UnsafeCache {
        /// The directory.
        path: PathBuf,
        /// What is the matter with it.
        problem: String,
    },
    /// The cache cannot be written.
    #[error(
        "cannot write to {path}: {cause}. Make it writable, or name another cache directory with CELLBLOCK_CACHE_DIR."
    )]
    NotWritable {
        /// What was being written.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// There is not enough room, found before anything was written, or on writing.
    #[error(
        "not enough disk space for {path}: {needed} needed, {available} available. Free some space, or name a cache directory on another disk with CELLBLOCK_CACHE_DIR."
    )]
    DiskFull {
        /// Where the room is needed.
        path: PathBuf,
        /// How much, written for people.
        needed: String,
        /// How much there is, written for people.
        available: String,
    },
    /// Any other trouble with a file.
    #[error("{doing} {path}: {cause}")]
    Io {
        /// What was tried, like "cannot read".
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// No Python interpreter could be run.
    #[error(
        "no Python with pip was found ({tried}). Set-up fetches the sandboxed interpreter with your own pip: install Python 3 with pip, or name one with CELLBLOCK_PYTHON=/path/to/python3."
    )]
    NoPython {
        /// What was tried, with what came of it.
        tried: String,
    },
    /// pip ran and failed.
    #[error(
        "pip could not download {what}. Check the network, the proxy and pip's own configuration (`{python} -m pip config list`), then run `cellblock setup` again. pip's last lines were:\n{last_lines}"
    )]
    PipFailed {
        /// What was to be fetched.
        what: String,
        /// The interpreter whose pip it was.
        python: String,
        /// The end of its output.
        last_lines: String,
    },
    /// A file is not the one that was pinned.
    #[error(
        "{what} is not the file that this version of Cellblock was made for: its SHA-256 is {found}, expected {expected}. A mirror may serve another file; nothing of it was used."
    )]
    HashMismatch {
        /// The file.
        what: String,
        /// What was pinned.
        expected: String,
        /// What was found.
        found: String,
    },
    /// This binary carries no lock, or one that cannot be read.
    #[error("this build of Cellblock is incomplete: {0}")]
    BadBuild(String),
    /// A wheel or zip that must not be unpacked.
    #[error("{archive} cannot be unpacked: {problem}. Delete it and run `cellblock setup` again.")]
    BadArchive {
        /// The archive.
        archive: String,
        /// What is the matter with it.
        problem: String,
    },
    /// A prepared file has changed or is gone.
    #[error("{path} is damaged: {problem}. Run `cellblock setup` to make it again.")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is the matter with it.
        problem: String,
    },
    /// Nothing is prepared for this version yet.
    #[error("the sandbox is not set up yet for this version of Cellblock. Run `cellblock setup`.")]
    NotPrepared,
    /// The guest module is not the one that its patches are for.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The guest module could not be rewritten.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// Compiling, warming up or proving failed.
    #[error("{stage} failed: {cause}")]
    Build {
        /// The stage's title.
        stage: &'static str,
        /// The sandbox's own error.
        cause: super::build::BuildError,
    },
    /// The user stopped it.
    #[error("set-up was interrupted; what was finished is kept, and `cellblock setup` goes on from there")]
    Cancelled,
}

impl SetupError {
    /// The fitting error for `cause`, met while `doing` something to `path`.
    pub fn io(doing: &'static str, path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, needed: "more".to_owned(), available: "none".to_owned() }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { path, cause },
            _ => Self::Io { doing, path, cause },
        }
    }
}

/// Adds the path and the intention to an `io::Result`.
pub(super) trait IoContext<T> {
    /// Turns the error into a [`SetupError`].
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SetupError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SetupError> {
        self.map_err(|cause| SetupError::io(doing, path, cause))
    }
}
