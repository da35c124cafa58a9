//! What a cell shows: `stream`, `display_data`, `update_display_data`, `execute_result`, `error`,
//! `clear_output`.

use serde::Serialize;
use serde_json::{Map, Value};

/// Text on one of the two streams.
#[derive(Debug, Serialize)]
pub struct Stream<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// A display, or the update of one that `transient.display_id` names.
#[derive(Debug, Serialize)]
pub struct DisplayData<'a> {
    pub data: &'a Map<String, Value>,
    pub metadata: &'a Map<String, Value>,
    pub transient: &'a Map<String, Value>,
}

/// The value of a cell.
#[derive(Debug, Serialize)]
pub struct ExecuteResult<'a> {
    pub execution_count: u32,
    pub data: &'a Map<String, Value>,
    pub metadata: &'a Map<String, Value>,
}

/// An uncaught exception.
#[derive(Debug, Serialize)]
pub struct ErrorOutput<'a> {
    pub ename: &'a str,
    pub evalue: &'a str,
    pub traceback: &'a [String],
}

/// Clears what the cell has shown, now or when something new arrives.
#[derive(Debug, Serialize)]
pub struct ClearOutput {
    pub wait: bool,
}
