//! `history_request` and `history_reply`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tolerant::{number, or_default};

/// Asks for what was run before.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct HistoryRequest {
    /// With the outputs' text.
    #[serde(default, deserialize_with = "or_default")]
    pub output: bool,
    /// The source as typed and not as transformed; here they are the same.
    #[serde(default, deserialize_with = "or_default")]
    pub raw: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub hist_access_type: Access,
    /// For a range: 0 is this session, negative ones are counted back from it.
    #[serde(default, deserialize_with = "number")]
    pub session: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub start: Option<i64>,
    /// The first line that is left out.
    #[serde(default, deserialize_with = "number")]
    pub stop: Option<i64>,
    /// For tail and search: at most so many, the latest.
    #[serde(default, deserialize_with = "number")]
    pub n: Option<i64>,
    /// For search: a glob pattern.
    #[serde(default, deserialize_with = "or_default")]
    pub pattern: Option<String>,
    /// For search: each source once.
    #[serde(default, deserialize_with = "or_default")]
    pub unique: bool,
}

/// The three ways to ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    Range,
    #[default]
    Tail,
    Search,
}

/// What was found, oldest first.
#[derive(Debug, Serialize)]
pub struct HistoryReply {
    pub status: &'static str,
    pub history: Vec<Entry>,
}

/// Session, line and source; with outputs asked for, the source and the output's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    Input(i64, i64, String),
    WithOutput(i64, i64, (String, Option<String>)),
}

impl HistoryReply {
    /// A reply with these entries.
    pub fn new(history: Vec<Entry>) -> Self {
        Self { status: "ok", history }
    }
}

/// The text of a result's bundle that the history keeps.
pub fn output_text(data: &serde_json::Map<String, Value>) -> Option<&str> {
    data.get("text/plain").and_then(Value::as_str)
}
