//! Frames: one byte of flags, a length of one or eight bytes, a body. Pure.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::ZmtpError;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Frames up to this size are copied next to their headers; larger ones are shared.
const COPY_UP_TO: usize = 4096;

/// What stands before a frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Another frame of the same message follows.
    pub more: bool,
    pub command: bool,
    /// The body's length, as announced: not to be believed before it has come.
    pub length: u64,
    /// The header's own length.
    pub size: usize,
}

/// Reads a frame's header from the beginning of `buffer`; `None` if more bytes are needed.
pub fn parse_header(buffer: &[u8]) -> Result<Option<FrameHeader>, ZmtpError> {
    let Some((&flags, rest)) = buffer.split_first() else {
        return Ok(None);
    };
    if flags & !(MORE | LONG | COMMAND) != 0 || flags & (MORE | COMMAND) == (MORE | COMMAND) {
        return Err(ZmtpError::Flags(flags));
    }
    let (length, size) = if flags & LONG == 0 {
        let Some(&length) = rest.first() else {
            return Ok(None);
        };
        (u64::from(length), 2)
    } else {
        let Some(length) = rest.first_chunk::<8>() else {
            return Ok(None);
        };
        (u64::from_be_bytes(*length), 9)
    };
    Ok(Some(FrameHeader { more: flags & MORE != 0, command: flags & COMMAND != 0, length, size }))
}

/// A message as bytes on the wire, shared by everyone who is to get it.
#[derive(Debug, Clone)]
pub struct Encoded {
    chunks: Arc<[Bytes]>,
    bytes: usize,
}

impl Encoded {
    /// A message of these frames.
    pub fn message(frames: &[Bytes]) -> Self {
        let mut chunks = Vec::new();
        let mut small = BytesMut::new();
        for (at, frame) in frames.iter().enumerate() {
            let more = at + 1 < frames.len();
            put_header(&mut small, if more { MORE } else { 0 }, frame.len());
            if frame.len() <= COPY_UP_TO {
                small.extend_from_slice(frame);
            } else {
                chunks.push(small.split().freeze());
                chunks.push(frame.clone());
            }
        }
        if !small.is_empty() {
            chunks.push(small.freeze());
        }
        Self::from_chunks(chunks)
    }

    /// A command with this body.
    pub fn command(body: &[u8]) -> Self {
        let mut frame = BytesMut::new();
        put_header(&mut frame, COMMAND, body.len());
        frame.extend_from_slice(body);
        Self::from_chunks(vec![frame.freeze()])
    }

    /// Frames that each are a message of their own.
    pub fn apart(bodies: &[Bytes]) -> Self {
        let messages: Vec<Self> = bodies.iter().map(|body| Self::message(std::slice::from_ref(body))).collect();
        Self::from_chunks(messages.iter().flat_map(|message| message.chunks().iter().cloned()).collect())
    }

    /// What stands before each frame, and its body.
    pub fn frames(&self) -> Vec<(FrameHeader, Bytes)> {
        let mut frames = Vec::new();
        let mut chunks = self.chunks.iter().cloned();
        let mut rest = Bytes::new();
        loop {
            while rest.is_empty() {
                match chunks.next() {
                    Some(chunk) => rest = chunk,
                    None => return frames,
                }
            }
            // Headers are never divided: see `message`.
            let Ok(Some(header)) = parse_header(&rest) else { return frames };
            rest.advance(header.size);
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            if rest.is_empty() && length > 0 {
                rest = chunks.next().unwrap_or_default();
            }
            frames.push((header, rest.split_to(length.min(rest.len()))));
        }
    }

    fn from_chunks(chunks: Vec<Bytes>) -> Self {
        let bytes = chunks.iter().map(Bytes::len).sum();
        Self { chunks: chunks.into(), bytes }
    }

    /// The parts to be written, in order.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// How many bytes that is.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

fn put_header(to: &mut BytesMut, flags: u8, length: usize) {
    match u8::try_from(length) {
        Ok(short) => {
            to.put_u8(flags);
            to.put_u8(short);
        }
        Err(_) => {
            to.put_u8(flags | LONG);
            to.put_u64(length as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flat(encoded: &Encoded) -> Vec<u8> {
        encoded.chunks().concat()
    }

    proptest! {
        #[test]
        fn parsing_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = parse_header(&bytes);
        }

        #[test]
        fn encoded_frames_parse_back(lengths in prop::collection::vec(0usize..10_000, 1..6)) {
            let frames: Vec<Bytes> = lengths.iter().map(|length| vec![7; *length].into()).collect();
            let encoded = Encoded::message(&frames);
            prop_assert!(encoded.frames().iter().map(|(_, body)| body).eq(&frames));
            let more = encoded.frames().iter().map(|(header, _)| header.more).filter(|more| *more).count();
            prop_assert_eq!(more, frames.len() - 1);
            prop_assert!(Encoded::apart(&frames).frames().iter().all(|(header, _)| !header.more));
            let wire = flat(&encoded);
            prop_assert_eq!(wire.len(), encoded.bytes());
            let mut rest = wire.as_slice();
            for (at, frame) in frames.iter().enumerate() {
                let header = parse_header(rest).unwrap().unwrap();
                prop_assert_eq!(header.more, at + 1 < frames.len());
                prop_assert_eq!(header.length, frame.len() as u64);
                let end = header.size + frame.len();
                prop_assert_eq!(&rest[header.size..end], frame.as_ref());
                rest = &rest[end..];
            }
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn reserved_flags_are_refused() {
        assert!(matches!(parse_header(&[0x08, 1]), Err(ZmtpError::Flags(8))));
        assert!(matches!(parse_header(&[0x05, 1]), Err(ZmtpError::Flags(5))));
    }
}
