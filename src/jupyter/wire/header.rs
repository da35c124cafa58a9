//! Message headers: the few fields that the kernel reads, and the bytes as they came, for the parent
//! headers of everything that answers. It knows no other part of a message.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::PROTOCOL_VERSION;

/// The header of a message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Which message this is; replies and outputs carry it in their parent header.
    pub msg_id: String,
    /// What the message asks for.
    pub msg_type: String,
    /// The client's session.
    pub session: String,
    raw: Bytes,
}

/// A header is not a JSON object with a message type.
#[derive(Debug, thiserror::Error)]
#[error("the header is not valid: {0}")]
pub struct HeaderError(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    msg_id: String,
    msg_type: String,
    #[serde(default)]
    session: String,
}

impl Header {
    /// Reads the header's frame.
    pub fn parse(raw: &Bytes) -> Result<Self, HeaderError> {
        // serde_json lets through what is not UTF-8 in fields that it skips, and clients would get it back.
        let raw = match String::from_utf8_lossy(raw) {
            Cow::Borrowed(_) => raw.clone(),
            Cow::Owned(repaired) => Bytes::from(repaired),
        };
        let Fields { msg_id, msg_type, session } = serde_json::from_slice(&raw)?;
        Ok(Self { msg_id, msg_type, session, raw })
    }

    /// The header exactly as it came, but for bytes that are not UTF-8, to be echoed as a parent header.
    pub fn as_sent(&self) -> &Bytes {
        &self.raw
    }
}

/// The `msg_id` in a parent header, if it has one; anything else in it is not the kernel's business.
pub fn parent_msg_id(parent: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Parent {
        msg_id: Option<String>,
    }
    serde_json::from_slice::<Parent>(parent).ok()?.msg_id.filter(|id| !id.is_empty())
}

/// Whether these bytes are one JSON object, without building it.
pub(super) fn is_object(raw: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(raw).is_ok_and(|value| value.get().starts_with('{'))
}

/// Whether these bytes are one JSON value once they are repaired, without building it.
pub(super) fn is_json(raw: &[u8]) -> bool {
    serde_json::from_str::<&RawValue>(&String::from_utf8_lossy(raw)).is_ok()
}

/// The header of a message that goes out.
#[derive(Serialize)]
pub(super) struct Outgoing<'a> {
    pub msg_id: &'a str,
    pub msg_type: &'a str,
    pub username: &'a str,
    pub session: &'a str,
    pub date: String,
    pub version: &'static str,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(msg_id: &'a str, msg_type: &'a str, session: &'a str) -> Self {
        let date = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        Self { msg_id, msg_type, username: "kernel", session, date, version: PROTOCOL_VERSION }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_kept_and_missing_ones_tolerated() {
        let raw = Bytes::from_static(b"{\"msg_type\": \"x\",  \"subshell_id\": null, \"msg_id\":\"1\"}");
        let header = Header::parse(&raw).unwrap();
        assert_eq!((header.msg_type.as_str(), header.msg_id.as_str(), header.session.as_str()), ("x", "1", ""));
        assert_eq!(header.as_sent(), &raw);
    }

    #[test]
    fn a_header_without_type_is_refused() {
        for raw in [b"{}".as_slice(), b"[]", b"", b"\xff", b"{\"msg_type\": 5}"] {
            assert!(Header::parse(&Bytes::from_static(raw)).is_err());
        }
    }

    #[test]
    fn a_parent_without_id_is_no_parent() {
        assert_eq!(parent_msg_id(b"{}"), None);
        assert_eq!(parent_msg_id(b"{\"msg_id\":\"\"}"), None);
        assert_eq!(parent_msg_id(b"nonsense"), None);
        assert_eq!(parent_msg_id(b"{\"msg_id\":\"a\"}"), Some("a".to_owned()));
    }
}
