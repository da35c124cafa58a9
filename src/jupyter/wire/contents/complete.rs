//! `complete_request`, and the `complete_reply` that offers nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::tolerant::{cursor, number};

/// Asks what could stand at the cursor.
#[derive(Debug, Clone, Deserialize)]
pub struct CompleteRequest {
    #[serde(default)]
    pub code: String,
    #[serde(default, deserialize_with = "number")]
    cursor_pos: Option<i64>,
}

impl CompleteRequest {
    /// The cursor in Unicode code points, within the code.
    pub fn cursor_pos(&self) -> u64 {
        cursor(&self.code, self.cursor_pos)
    }
}

/// No matches.
pub fn nothing(cursor_pos: u64) -> Value {
    json!({"status": "ok", "matches": [], "cursor_start": cursor_pos, "cursor_end": cursor_pos, "metadata": {}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_within_the_code() {
        let at = |text: &str| serde_json::from_str::<CompleteRequest>(text).unwrap().cursor_pos();
        assert_eq!(at(r#"{"code":"añb"}"#), 3);
        assert_eq!(at(r#"{"code":"añb","cursor_pos":99}"#), 3);
        assert_eq!(at(r#"{"code":"añb","cursor_pos":-1}"#), 0);
        assert_eq!(at(r#"{"code":"añb","cursor_pos":1.0}"#), 1);
        assert_eq!(at(r#"{"code":"añb","cursor_pos":1e300}"#), 3);
        assert_eq!(at(r#"{"code":"añb","cursor_pos":null}"#), 3);
        assert_eq!(at(r#"{"cursor_pos":4}"#), 0);
    }
}
