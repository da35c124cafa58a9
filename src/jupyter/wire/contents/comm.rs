//! `comm_info_request` and `comm_info_reply`. The comm messages themselves pass through unread.

use serde::Deserialize;
use serde_json::{Value, json};

use super::tolerant::or_default;

/// Asks which comms are open.
#[derive(Debug, Clone, Deserialize)]
pub struct CommInfoRequest {
    /// Only those of this target.
    #[serde(default, deserialize_with = "or_default")]
    pub target_name: Option<String>,
}

/// None is open.
pub fn no_comms() -> Value {
    json!({"status": "ok", "comms": {}})
}
