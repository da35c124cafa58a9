//! The door's frames: a JSON object and binary buffers (`docs/door.md`). Everything that comes in was
//! written by the guest and is hostile.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::json::{self, JsonError};

/// The most buffers in a frame; widgets send a handful.
pub const MAX_BUFFERS: usize = 4096;
/// Bytes that one takes besides what is in it: itself, and the block that it is in.
const BUFFER: usize = 64;

/// One frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    /// The JSON part.
    pub json: Map<String, Value>,
    /// The binary part.
    pub buffers: Vec<Bytes>,
}

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    #[error("the frame ends early")]
    Truncated,
    #[error("bytes are left after the frame's end")]
    Trailing,
    #[error("the frame's JSON is not valid: {0}")]
    Json(String),
    #[error(
        "the message has so many lists, objects and entries that it would take more than {0} bytes of memory \
         (half of `message_max_bytes` in the policy, and at least {least}); send less at once, or data as one text or buffer",
        least = json::STRUCTURE
    )]
    Costly(usize),
    #[error("the frame has more than {MAX_BUFFERS} buffers")]
    Buffers,
}

/// What the structure of a frame's JSON may take in memory besides its text, where a frame may have so many bytes.
pub fn room_for_structure(max_frame: usize) -> usize {
    json::STRUCTURE.max(max_frame / 2)
}

impl Frame {
    /// A frame without buffers from a JSON object; anything but an object becomes an empty one.
    pub fn of(json: Value) -> Self {
        match json {
            Value::Object(json) => Self { json, buffers: Vec::new() },
            _ => Self::default(),
        }
    }

    /// The `op` that the frame names, or "".
    pub fn op(&self) -> &str {
        self.json.get("op").and_then(Value::as_str).unwrap_or_default()
    }

    /// Reads a frame, whose buffers stay parts of `bytes`. The structure of its JSON may take `room` bytes of memory; all
    /// else takes no more than the bytes that there are.
    ///
    /// # Errors
    /// Bytes that are no frame, or cost too much.
    pub fn parse(bytes: &Bytes, room: usize) -> Result<Self, FrameError> {
        read(bytes, room, &mut 0, |range| bytes.slice(range))
    }

    /// The same of bytes that do not last, such as the guest's memory: its buffers are copied, and nothing else is. Adds to
    /// `structure` the bytes that the structure has taken, whether it is a frame or not.
    ///
    /// # Errors
    /// As [`Frame::parse`].
    pub fn parse_in_place(bytes: &[u8], room: usize, structure: &mut usize) -> Result<Self, FrameError> {
        read(bytes, room, structure, |range| Bytes::copy_from_slice(bytes.get(range).unwrap_or_default()))
    }

    /// Writes the frame.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        // A map of JSON values always serialises.
        let _ = serde_json::to_writer(&mut bytes, &self.json);
        let length = (bytes.len() - 4) as u32;
        if let Some(head) = bytes.first_chunk_mut::<4>() {
            *head = length.to_le_bytes();
        }
        bytes.extend((self.buffers.len() as u32).to_le_bytes());
        for buffer in &self.buffers {
            bytes.extend((buffer.len() as u32).to_le_bytes());
            bytes.extend(buffer);
        }
        bytes
    }
}

fn read(
    bytes: &[u8],
    room: usize,
    structure: &mut usize,
    part: impl Fn(Range<usize>) -> Bytes,
) -> Result<Frame, FrameError> {
    let mut at = 0;
    let json = take(bytes, &mut at)?;
    let count = length(bytes, &mut at)?;
    if count > MAX_BUFFERS {
        return Err(FrameError::Buffers);
    }
    let mut ranges = Vec::new();
    for _ in 0..count {
        ranges.push(take(bytes, &mut at)?);
        *structure = structure.saturating_add(BUFFER);
    }
    if at != bytes.len() {
        return Err(FrameError::Trailing);
    }
    let (json, taken) = json::measured(bytes.get(json).unwrap_or_default(), room);
    *structure = structure.saturating_add(taken);
    let json = json.map_err(|error| match error {
        JsonError::Costly(room) => FrameError::Costly(room),
        error => FrameError::Json(error.to_string()),
    })?;
    Ok(Frame { json, buffers: ranges.into_iter().map(part).collect() })
}

fn length(bytes: &[u8], at: &mut usize) -> Result<usize, FrameError> {
    let word = bytes.get(*at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(FrameError::Truncated)?;
    *at += 4;
    Ok(u32::from_le_bytes(*word) as usize)
}

fn take(bytes: &[u8], at: &mut usize) -> Result<Range<usize>, FrameError> {
    let length = length(bytes, at)?;
    let end = at.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(FrameError::Truncated)?;
    let part = *at..end;
    *at = end;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parse(bytes: &[u8]) -> Result<Frame, FrameError> {
        let in_place = Frame::parse_in_place(bytes, json::STRUCTURE, &mut 0);
        assert_eq!(in_place, Frame::parse(&Bytes::copy_from_slice(bytes), json::STRUCTURE));
        in_place
    }

    #[test]
    fn nested_lists_are_refused_before_they_are_there() {
        let json = format!("{{\"op\":\"display\",\"data\":[{}0]}}", "[0],".repeat(4 << 20));
        let mut bytes = (json.len() as u32).to_le_bytes().to_vec();
        bytes.extend(json.as_bytes());
        bytes.extend([0; 4]);
        let refused = parse(&bytes).unwrap_err();
        assert_eq!(refused, FrameError::Costly(json::STRUCTURE));
        assert!(refused.to_string().contains("message_max_bytes"));
    }

    #[test]
    fn truncated_and_trailing_bytes_are_refused() {
        let mut frame = Frame::of(json!({"op": "display"}));
        frame.buffers.push(Bytes::from_static(b"abc"));
        let bytes = frame.to_bytes();
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err());
        }
        let mut long = bytes;
        long.push(0);
        assert_eq!(parse(&long), Err(FrameError::Trailing));
    }

    #[test]
    fn a_number_comes_out_as_it_went_in() {
        // One unit in the last place off with the fast parser of `serde_json`.
        for text in ["31.245270191439438", "121.48791951161945"] {
            let json = format!("{{\"n\":{text}}}");
            let mut bytes = (json.len() as u32).to_le_bytes().to_vec();
            bytes.extend(json.as_bytes());
            bytes.extend([0; 4]);
            let frame = parse(&bytes).unwrap();
            assert_eq!(frame.to_bytes(), bytes, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_number_is_changed(number in proptest::num::f64::NORMAL) {
            let frame = Frame::of(json!({"n": number}));
            prop_assert_eq!(parse(&frame.to_bytes()), Ok(frame));
        }

        #[test]
        fn what_is_written_is_read(op in ".*", buffers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..5)) {
            let frame = Frame { buffers: buffers.into_iter().map(Bytes::from).collect(), ..Frame::of(json!({"op": op})) };
            prop_assert_eq!(parse(&frame.to_bytes()), Ok(frame));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = parse(&bytes);
        }
    }
}
