//! The layout of a Jupyter message in ZeroMQ frames: identities, delimiter, signature, four JSON
//! dictionaries, binary buffers. It knows neither JSON nor keys.

use bytes::Bytes;

/// The frame between the routing identities and the message itself.
pub const DELIMITER: &[u8] = b"<IDS|MSG>";

/// More identities than any chain of routers would add.
const MAX_IDENTITIES: usize = 16;
/// More buffers than any widget sends.
const MAX_BUFFERS: usize = 4096;
/// The longest metadata and content; code, comm data and outputs fit many times over.
const MAX_DICT_BYTES: usize = 64 * 1024 * 1024;
/// The longest header, the message's own and its parent's: everything that answers carries it again.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// A signature is 64 hexadecimal digits.
const MAX_SIGNATURE_BYTES: usize = 128;

/// The frames of one message, each in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    /// Where the message came from, innermost last; a reply goes back to them.
    pub identities: Vec<Bytes>,
    /// The signature in hexadecimal; empty when the connection has no key.
    pub signature: Bytes,
    /// Header, parent header, metadata and content: what the signature covers.
    pub dicts: [Bytes; 4],
    /// Binary buffers; the signature does not cover them.
    pub buffers: Vec<Bytes>,
}

/// Why a list of frames is not a Jupyter message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramesError {
    #[error("the message has no delimiter among its first {MAX_IDENTITIES} frames")]
    NoDelimiter,
    #[error("the message ends after {0} of the 5 frames that follow its delimiter")]
    TooShort(usize),
    #[error("the message has {0} buffers, more than {MAX_BUFFERS}")]
    TooManyBuffers(usize),
    #[error("a signature of {0} bytes")]
    LongSignature(usize),
    #[error("a JSON frame of {0} bytes, more than {1}")]
    LongDict(usize, usize),
}

/// Puts each frame in its place.
pub fn split(frames: &[Bytes]) -> Result<Frames, FramesError> {
    let delimiter = frames
        .iter()
        .take(MAX_IDENTITIES + 1)
        .position(|frame| frame.as_ref() == DELIMITER)
        .ok_or(FramesError::NoDelimiter)?;
    let (identities, rest) = frames.split_at(delimiter);
    let [_, signature, header, parent, metadata, content, buffers @ ..] = rest else {
        return Err(FramesError::TooShort(rest.len().saturating_sub(1)));
    };
    if signature.len() > MAX_SIGNATURE_BYTES {
        return Err(FramesError::LongSignature(signature.len()));
    }
    if buffers.len() > MAX_BUFFERS {
        return Err(FramesError::TooManyBuffers(buffers.len()));
    }
    let dicts = [header, parent, metadata, content].map(Bytes::clone);
    let limits = [MAX_HEADER_BYTES, MAX_HEADER_BYTES, MAX_DICT_BYTES, MAX_DICT_BYTES];
    if let Some((long, limit)) = dicts.iter().zip(limits).find(|(dict, limit)| dict.len() > *limit) {
        return Err(FramesError::LongDict(long.len(), limit));
    }
    Ok(Frames { identities: identities.to_vec(), signature: signature.clone(), dicts, buffers: buffers.to_vec() })
}

/// The inverse of [`split`].
pub fn join(frames: Frames) -> Vec<Bytes> {
    let mut joined = frames.identities;
    joined.reserve(6 + frames.buffers.len());
    joined.push(Bytes::from_static(DELIMITER));
    joined.push(frames.signature);
    joined.extend(frames.dicts);
    joined.extend(frames.buffers);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame() -> impl Strategy<Value = Bytes> {
        prop_oneof![
            Just(Bytes::from_static(DELIMITER)),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
        ]
    }

    fn plain_frame() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..40)
            .prop_map(Bytes::from)
            .prop_filter("not the delimiter", |frame| frame.as_ref() != DELIMITER)
    }

    proptest! {
        #[test]
        fn splitting_arbitrary_frames_never_panics(frames in prop::collection::vec(frame(), 0..30)) {
            let _ = split(&frames);
        }

        #[test]
        fn split_is_the_inverse_of_join(
            identities in prop::collection::vec(plain_frame(), 0..4),
            signature in plain_frame(),
            dicts in prop::array::uniform4(frame()),
            buffers in prop::collection::vec(frame(), 0..4),
        ) {
            let frames = Frames { identities, signature, dicts, buffers };
            prop_assert_eq!(split(&join(frames.clone())), Ok(frames));
        }
    }

    #[test]
    fn a_message_without_delimiter_is_refused() {
        assert_eq!(split(&[]), Err(FramesError::NoDelimiter));
        let frames = vec![Bytes::from_static(b"x"); 100];
        assert_eq!(split(&frames), Err(FramesError::NoDelimiter));
    }

    #[test]
    fn a_short_message_is_refused() {
        let frames = [Bytes::from_static(DELIMITER), Bytes::new(), Bytes::from_static(b"{}")];
        assert_eq!(split(&frames), Err(FramesError::TooShort(2)));
    }
}
