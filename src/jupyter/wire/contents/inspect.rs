//! `inspect_request`, and the `inspect_reply` that found nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::tolerant::{cursor, number};

/// Asks for a description of what stands at the cursor.
#[derive(Debug, Clone, Deserialize)]
pub struct InspectRequest {
    #[serde(default)]
    pub code: String,
    #[serde(default, deserialize_with = "number")]
    cursor_pos: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    detail_level: Option<i64>,
}

impl InspectRequest {
    /// The cursor in Unicode code points, within the code.
    pub fn cursor_pos(&self) -> u64 {
        cursor(&self.code, self.cursor_pos)
    }

    /// 0, or 1 with the source.
    pub fn detail_level(&self) -> u8 {
        u8::from(self.detail_level.is_some_and(|level| level > 0))
    }
}

/// Nothing is known about it.
pub fn nothing() -> Value {
    json!({"status": "ok", "found": false, "data": {}, "metadata": {}})
}
