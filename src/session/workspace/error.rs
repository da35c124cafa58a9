//! What can be wrong with a workspace.

use std::io;

/// Why the files of a session could not be recorded or put back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// One of the directories is not there or not a directory.
    #[error("cannot open the workspace directory {path}: {source}")]
    Open {
        /// On the host.
        path: String,
        #[source]
        source: io::Error,
    },
    /// The operating system refused something.
    #[error("cannot {action} {path} in the workspace: {source}")]
    Io {
        action: &'static str,
        /// As in a manifest: "app/sub/x.csv".
        path: String,
        #[source]
        source: io::Error,
    },
    /// More than the session may have. The last manifest is still the one that is recorded.
    #[error(
        "the workspace has {used} {unit}, over the limit of {limit}; delete some files, or raise `{key}` in the policy"
    )]
    Quota {
        /// "bytes" or "files and directories".
        unit: &'static str,
        /// The policy's key for this limit.
        key: &'static str,
        /// At least: counting ends when the limit is passed.
        used: u64,
        limit: u64,
    },
    /// Directories in directories in directories. The last manifest is still the one that is recorded.
    #[error("{path} is nested more than {limit} directories deep, which cannot be recorded; move or delete it")]
    Depth { path: String, limit: usize },
    /// A content that a manifest names is not there, or not what it was. Nothing was changed.
    #[error("the saved content of {path} {reason} (sha256 {sha256}); the workspace was left as it is")]
    Blob { path: String, sha256: String, reason: String },
    /// A manifest that no workspace could have had. Nothing was changed.
    #[error("the saved list of files is not valid: {path:?} {reason}; the workspace was left as it is")]
    Manifest { path: String, reason: &'static str },
    /// Something that is not the session's stands where a file has to go. Nothing was changed.
    #[error(
        "{path} cannot be put back: the directory in its place has something in it that is neither a file nor a directory; remove that first"
    )]
    Occupied { path: String },
}

impl WorkspaceError {
    /// For `map_err`: what was tried, with what.
    pub(super) fn io<'a>(action: &'static str, path: &'a str) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// Whether the guest can do something about it: it made too much, or too deep.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::Quota { .. } | Self::Depth { .. })
    }
}
