//! Reading optional fields: a value of the wrong type counts as missing, because a client's odd field
//! must not cost its user the reply.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

/// For `#[serde(default, deserialize_with = "or_default")]`.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// A number of any kind as a position: negative, fractional and absent ones are handled by the caller.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    #[allow(clippy::cast_possible_truncation, reason = "saturates, which is what an out-of-range position should do")]
    let fraction = value.as_f64().map(|number| number as i64);
    Ok(value.as_i64().or(fraction))
}

/// A cursor position within `code`, in Unicode code points; absent means the end.
pub(super) fn cursor(code: &str, position: Option<i64>) -> u64 {
    let length = code.chars().count() as u64;
    position.map_or(length, |position| u64::try_from(position).unwrap_or(0).min(length))
}
