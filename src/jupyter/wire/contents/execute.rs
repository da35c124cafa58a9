//! `execute_request` and `execute_input`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tolerant::or_default;

/// Asks to run code.
#[derive(Debug, Clone, Deserialize)]
pub struct ExecuteRequest {
    #[serde(default)]
    pub code: String,
    /// No outputs, no history, no new count.
    #[serde(default, deserialize_with = "or_default")]
    pub silent: bool,
    #[serde(default, deserialize_with = "or_default")]
    store_history: Option<bool>,
    /// Expressions to evaluate after the code has run.
    #[serde(default, deserialize_with = "or_default")]
    pub user_expressions: Map<String, Value>,
    /// Whether the client answers `input_request`.
    #[serde(default, deserialize_with = "or_default")]
    pub allow_stdin: bool,
    #[serde(default, deserialize_with = "or_default")]
    stop_on_error: Option<bool>,
}

impl ExecuteRequest {
    /// Whether the code enters the history and the count; `silent` forbids it.
    pub fn stores_history(&self) -> bool {
        self.store_history.unwrap_or(true) && !self.silent
    }

    /// Whether an error ends the requests that are queued behind this one.
    pub fn stops_on_error(&self) -> bool {
        self.stop_on_error.unwrap_or(true)
    }
}

/// Tells every client what is about to run.
#[derive(Debug, Serialize)]
pub struct ExecuteInput<'a> {
    pub code: &'a str,
    pub execution_count: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_protocol() {
        let request: ExecuteRequest = serde_json::from_str("{\"code\":\"1\"}").unwrap();
        assert!(request.stores_history() && request.stops_on_error() && !request.silent && !request.allow_stdin);
    }

    #[test]
    fn silent_forbids_history() {
        let request: ExecuteRequest = serde_json::from_str(r#"{"silent":true,"store_history":true}"#).unwrap();
        assert!(!request.stores_history());
    }

    #[test]
    fn optional_fields_of_the_wrong_type_count_as_missing() {
        let text = r#"{"code":"1","silent":null,"store_history":"no","user_expressions":null,"stop_on_error":[]}"#;
        let request: ExecuteRequest = serde_json::from_str(text).unwrap();
        assert!(request.stores_history() && request.stops_on_error());
        assert!(serde_json::from_str::<ExecuteRequest>(r#"{"code":5}"#).is_err());
    }
}
