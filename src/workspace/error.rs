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
    /// A content that a manifest names is not there, or not what it was. Nothing was changed.
    #[error("the saved content of {path} {reason} (sha256 {sha256}); the workspace was left as it is")]
    Blob { path: String, sha256: String, reason: String },
    /// A manifest that no workspace could have had. Nothing was changed.
    #[error("the saved list of files is not valid: {path:?} {reason}; the workspace was left as it is")]
    Manifest { path: String, reason: &'static str },
}

impl WorkspaceError {
    /// For `map_err`: what was tried, with what.
    pub(super) fn io<'a>(action: &'static str, path: &'a str) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
