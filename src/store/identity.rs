//! The base of a session.

use serde::{Deserialize, Serialize};

/// What a session's pages lie on top of. A session can only be taken up on the base that it was recorded on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The runtime's name and version.
    pub runtime: String,
    /// The SHA-256 of the warm image, in hex.
    pub image: String,
    /// The size of the warm image.
    pub image_bytes: u64,
}
