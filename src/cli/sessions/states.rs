//! A state of a session, as JSON and in words.

use serde_json::{Value, json};

use super::table;
use crate::store::StateInfo;

/// The keys of a state.
pub(super) fn json(info: &StateInfo) -> Value {
    let cell = &info.cell;
    json!({
        "state": info.id.0,
        "cells": info.cells,
        "cell": (cell.number > 0).then_some(cell.number),
        "first_line": cell.first_line,
        "code_sha256": cell.code_sha256,
        "success": cell.ok,
        "fuel_consumed": cell.fuel,
        "duration_ms": cell.duration_ms,
        "at": cell.at,
        "merged_cells": info.merged,
        "memory_bytes": info.memory_bytes,
        "stored_bytes": info.stored_bytes,
    })
}

/// "state 7 of 2026-11-24 03:10:00, after cell [3] x = 1".
pub(super) fn words(info: &StateInfo) -> String {
    let cell = &info.cell;
    let after = match cell.number {
        0 => "before the first cell".to_owned(),
        number => format!("after cell [{number}] {}", table::plain(&cell.first_line)),
    };
    format!("state {} of {}, {}", info.id, table::time(cell.at), after.trim_end())
}

/// "1 cell", "2 cells".
pub(super) fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// An object with the fields of another behind its own.
pub(super) fn with(mut json: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut json, more) {
        fields.extend(more);
    }
    json
}
