//! Why a policy was refused.

use std::path::PathBuf;

use thiserror::Error;

/// Why a policy was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy file {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// The file is not a policy.
    #[error("{}:{line}: {problem}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is the matter.
        problem: String,
    },
    /// Somebody else could have written the file, and nobody named it.
    #[error("the policy file is not used: {0}. Or name it with `--policy`, if that is meant")]
    Untrusted(String),
}
