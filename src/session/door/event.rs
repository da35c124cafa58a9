//! What comes through the door, read: the event that a frame of the guest's asks for, and what it weighs.
//! Everything in it is hostile; what is not as it should be is left out or refused.

use serde_json::{Map, Value, json};

use super::reply::failure;
use crate::firewall::work as steps;
use crate::sandbox::Frame;
use crate::session::event::Event;
use crate::session::request::CommKind;

/// The event that a frame of the guest's asks for.
///
/// # Errors
/// What is wrong with it, for the guest.
pub fn event(mut frame: Frame) -> Result<Event, &'static str> {
    let op = frame.op().to_owned();
    let json = &mut frame.json;
    Ok(match op.as_str() {
        "display" => Event::Display {
            data: object(json, "data"),
            metadata: object(json, "metadata"),
            transient: object(json, "transient"),
            update: json.get("update").and_then(Value::as_bool).unwrap_or_default(),
        },
        "result" => Event::Result { data: object(json, "data"), metadata: object(json, "metadata") },
        "error" => Event::Error(failure(json)),
        "clear_output" => Event::ClearOutput { wait: json.get("wait").and_then(Value::as_bool).unwrap_or_default() },
        "comm" => Event::Comm {
            kind: CommKind::from_msg_type(&text(json, "msg_type")).ok_or("no such comm message")?,
            content: object(json, "content"),
            metadata: object(json, "metadata"),
            buffers: frame.buffers,
        },
        _ => return Err("no such op"),
    })
}

/// About what a frame weighs in memory and on the wire.
pub fn weight(frame: &Frame) -> usize {
    frame.json.values().map(value_weight).sum::<usize>() + frame.buffers.iter().map(bytes::Bytes::len).sum::<usize>()
}

/// The same of a value.
pub fn value_weight(value: &Value) -> usize {
    match value {
        Value::String(text) => {
            // Six bytes each on the wire.
            let controls = text.bytes().filter(|byte| *byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t')).count();
            text.len() + 5 * controls + 2
        }
        Value::Array(values) => values.iter().map(value_weight).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + 4 + value_weight(value)).sum::<usize>() + 2,
        Value::Number(number) if number.is_f64() => 18,
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

/// The fuel of an op about the session: its log and numbers are put together anew, in some tenths of a millisecond.
pub const SESSION: u64 = 3_000_000;

/// The fuel of a look into the history, which is a file.
const HISTORY: u64 = 3_000_000;

/// What the host's work on a frame costs, in the guest's fuel: what the firewall does with it, or the journal.
pub fn work(frame: &Frame) -> u64 {
    let types = |json: &Map<String, Value>| match json.get("data") {
        Some(Value::Object(data)) => data.iter().map(|(kind, contents)| steps::of_type(kind, contents)).sum(),
        _ => 0,
    };
    match frame.op() {
        "display" | "result" => types(&frame.json),
        "comm" => frame.json.get("content").map_or(0, steps::of_comm),
        "error" | "reply" | "input" => steps::of_text(weight(frame)),
        "session" => SESSION,
        "history" => HISTORY,
        _ => 0,
    }
}

/// An object of the frame's, taken out; empty if there is none.
pub fn object(json: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match json.remove(key) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// A text of the frame's, taken out; empty if there is none.
pub fn text(json: &mut Map<String, Value>, key: &str) -> String {
    json.remove(key).and_then(string).unwrap_or_default()
}

fn string(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The answer to a call that is refused.
pub fn refusal(error: &str) -> Frame {
    Frame::of(json!({"error": error}))
}
