//! `is_complete_request`, and the `is_complete_reply` that cannot tell.

use serde::Deserialize;
use serde_json::{Value, json};

/// Asks whether code can be run as it is.
#[derive(Debug, Clone, Deserialize)]
pub struct IsCompleteRequest {
    #[serde(default)]
    pub code: String,
}

/// The kernel cannot say.
pub fn unknown() -> Value {
    json!({"status": "unknown"})
}
