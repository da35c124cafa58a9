//! Reads JSON that somebody else wrote, within a budget of memory. A value takes up to a hundred times the room of its
//! text (`[[0],[0],…]`), so that a bound on the text bounds little: here each list, object and text is paid for before
//! there is one. It knows no message.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What structure may take where nothing else is said. Nine hundred thousand numbers fit.
pub const STRUCTURE: usize = 64 << 20;

/// What an entry of a list takes.
const ENTRY: usize = size_of::<Value>();
/// What an entry of an object takes: its key, its value, its hash and its places in the table.
const FIELD: usize = size_of::<(String, Value)>() + size_of::<u64>() + 18;
/// What a block takes besides what is in it, at most.
const BLOCK: usize = 32;

/// Why text is not the JSON that was asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// The parser's words.
    #[error("{0}")]
    Invalid(String),
    /// There are too many lists, objects, texts and entries.
    #[error("read, it would take more than {0} bytes of memory besides its text")]
    Costly(usize),
}

/// Reads an object, whose structure may take `room` bytes besides what its texts take.
///
/// # Errors
/// Text that is no object, or costs too much.
pub fn object(text: &[u8], room: usize) -> Result<Map<String, Value>, JsonError> {
    measured(text, room).0
}

/// The same, and how many bytes its structure has taken, whatever came of it: making it is work besides reading the text.
pub fn measured(text: &[u8], room: usize) -> (Result<Map<String, Value>, JsonError>, usize) {
    let mut budget = Budget::new(text, room);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = reader.deserialize_map(Object(&mut budget));
    let read = read.and_then(|map| reader.end().map(|()| map));
    (read.map_err(|error| budget.explain(&error)), budget.structure)
}

/// Reads any value, within the same bounds.
///
/// # Errors
/// Text that is no JSON, or costs too much.
pub fn value(text: &[u8], room: usize) -> Result<Value, JsonError> {
    let mut budget = Budget::new(text, room);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = Any(&mut budget).deserialize(&mut reader);
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| budget.explain(&error))
}

/// What may still be taken.
struct Budget {
    left: usize,
    room: usize,
    /// What was taken for anything but the bytes of texts.
    structure: usize,
    spent: bool,
}

impl Budget {
    fn new(text: &[u8], room: usize) -> Self {
        Self { left: room.saturating_add(text.len()), room, structure: 0, spent: false }
    }

    /// Pays for a text, and the block that it is in.
    fn pay_text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        let block = if text.is_empty() { 0 } else { BLOCK };
        self.pay(text.len() + block)?;
        self.structure += block;
        Ok(())
    }

    /// Pays for room that has no text in it.
    fn pay_structure<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.pay(bytes)?;
        self.structure += bytes;
        Ok(())
    }

    fn pay<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.spent = true;
                Err(E::custom("it costs too much"))
            }
        }
    }

    fn explain(&self, error: &serde_json::Error) -> JsonError {
        if self.spent { JsonError::Costly(self.room) } else { JsonError::Invalid(error.to_string()) }
    }
}

/// Reads a value of any kind.
struct Any<'b>(&'b mut Budget);

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.0.pay_text(text)?;
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let budget = self.0;
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(Any(budget))? {
            if list.len() == list.capacity() {
                // Pairs are common, so that the first room is for two.
                let more = list.len().max(2);
                budget.pay_structure(more * ENTRY + if list.is_empty() { BLOCK } else { 0 })?;
                list.reserve_exact(more);
            }
            list.push(entry);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Value, A::Error> {
        Object(self.0).visit_map(fields).map(Value::Object)
    }
}

/// Reads an object and nothing else.
struct Object<'b>(&'b mut Budget);

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Map<String, Value>, A::Error> {
        let budget = self.0;
        let mut map = Map::new();
        // As the table grows: to three, to seven, and doubling from there.
        let mut capacity = 0;
        while let Some(key) = fields.next_key::<String>()? {
            budget.pay_text(&key)?;
            if map.len() == capacity {
                let grown = match capacity {
                    0 => 3,
                    3 => 7,
                    _ => capacity * 2,
                };
                budget.pay_structure((grown - capacity) * FIELD + BLOCK)?;
                capacity = grown;
            }
            let value = fields.next_value_seed(Any(budget))?;
            map.insert(key, value);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            proptest::num::f64::NORMAL.prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((".{0,3}", inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_serde_json_reads(written in any_json()) {
            let text = written.to_string();
            prop_assert_eq!(value(text.as_bytes(), STRUCTURE), Ok(serde_json::from_str(&text).unwrap()));
        }

        #[test]
        fn any_bytes_are_read_or_refused_as_serde_json_does(text in "[\\[\\]{}:,\"\\\\a0-9. e-]{0,40}") {
            let theirs = serde_json::from_str::<Value>(&text);
            prop_assert_eq!(value(text.as_bytes(), STRUCTURE).is_ok(), theirs.is_ok());
            let is_object = theirs.is_ok_and(|value| value.is_object());
            prop_assert_eq!(object(text.as_bytes(), STRUCTURE).is_ok(), is_object);
        }
    }

    #[test]
    fn of_a_key_that_comes_twice_the_last_value_counts() {
        assert_eq!(value(br#"{"a":1,"b":2,"a":3}"#, STRUCTURE), Ok(json!({"a": 3, "b": 2})));
    }

    #[test]
    fn what_names_a_part_of_the_parser_is_a_key_like_others() {
        let text = br#"{"$serde_json::private::RawValue":"[1]"}"#;
        assert_eq!(value(text, STRUCTURE), Ok(json!({"$serde_json::private::RawValue": "[1]"})));
    }

    #[test]
    fn structure_beyond_the_room_is_refused_whatever_it_is_made_of() {
        let room = 1 << 20;
        for piece in ["[],", "[0],", "0,", "{},", "{\"\":0},", "\"a\",", "[[[]]],", "{\"a\":{\"b\":[]}},", "null,"] {
            let text = format!("[{}0]", piece.repeat(400_000 / piece.len()));
            assert_eq!(value(text.as_bytes(), room), Err(JsonError::Costly(room)), "{piece}");
        }
        let many_keys: Vec<String> = (0..40_000).map(|number| format!("\"{number}\":0")).collect();
        let text = format!("{{{}}}", many_keys.join(","));
        assert_eq!(object(text.as_bytes(), room), Err(JsonError::Costly(room)));
    }

    #[test]
    fn structure_is_measured_and_the_bytes_of_texts_are_none_of_it() {
        let structure = |text: &str| measured(text.as_bytes(), STRUCTURE).1;
        let keys: Vec<String> = (0..10_000).map(|number| format!("\"{number}\":0")).collect();
        let (few, many) = (structure(r#"{"a":0}"#), structure(&format!("{{{}}}", keys.join(","))));
        assert!(few >= FIELD && many >= 10_000 * (FIELD + BLOCK), "{few} {many}");
        let picture = format!("{{\"image/png\":\"{}\"}}", "i".repeat(5_000_000));
        assert!(structure(&picture) < 1_000);
        let (refused, taken) = measured(format!("{{\"a\":[{}0]}}", "[0],".repeat(100_000)).as_bytes(), 1 << 20);
        assert!(refused.is_err() && taken > 1 << 19, "what is refused was work, too: {taken}");
    }

    #[test]
    fn honest_messages_pass() {
        let picture = format!("{{\"data\":{{\"image/png\":\"{}\"}}}}", "iVBORw0KGgo".repeat(5_000_000));
        let numbers: Vec<String> = (0..200_000).map(|number| (f64::from(number) / 7.0).to_string()).collect();
        let chart = format!("{{\"data\":[{{\"x\":[{0}],\"y\":[{0}]}}]}}", numbers.join(","));
        let rows: Vec<String> = (0..30_000).map(|row| format!("<tr><td>{row}</td><td>\\\"\\n</td></tr>")).collect();
        let table = format!("{{\"data\":{{\"text/html\":\"{}\"}}}}", rows.concat());
        let points: Vec<String> = (0..100_000).map(|point| format!("[{point}.5,{point}.25]")).collect();
        let map = format!("{{\"coordinates\":[{}]}}", points.join(","));
        for text in [picture, chart, table, map] {
            let read = object(text.as_bytes(), STRUCTURE).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap().len(), text.len());
        }
    }

    #[test]
    fn depth_is_bounded_as_ever() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(value(deep.as_bytes(), STRUCTURE), Err(JsonError::Invalid(_))));
    }
}
