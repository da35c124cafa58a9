//! Whole messages: reading those that come in, composing those that go out. It knows frames, headers
//! and signatures, not what a message asks for nor how it travels.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::frames::{self, Frames, FramesError};
use super::header::{Header, HeaderError, Outgoing, is_json, is_object};
use super::signature::{SignatureError, Signer};
use crate::json::{self, JsonError};

/// A message from a client, signed as it should be.
#[derive(Debug, Clone)]
pub struct Request {
    /// Frames between the socket's own identity and the delimiter; usually none.
    pub identities: Vec<Bytes>,
    pub header: Header,
    /// The parent header as it came.
    pub parent_header: Bytes,
    /// The metadata; what cannot be read is taken as empty, since nothing depends on it.
    pub metadata: Map<String, Value>,
    pub buffers: Vec<Bytes>,
    content: Bytes,
}

/// Why a message from a client was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    #[error(transparent)]
    Frames(#[from] FramesError),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("the parent header is not a JSON object")]
    Parent,
    #[error("the content is not JSON")]
    Content,
}

/// Reads messages; shared by all sockets, because a signature is refused on any of them if it was used
/// on one.
#[derive(Clone)]
pub struct Reader {
    signer: Arc<Signer>,
}

impl Reader {
    pub fn new(signer: Arc<Signer>) -> Self {
        Self { signer }
    }

    /// Checks and reads one message. The order matters: nothing is parsed before the signature holds.
    pub fn read(&self, frames: &[Bytes]) -> Result<Request, WireError> {
        let Frames { identities, signature, dicts, buffers } = frames::split(frames)?;
        self.signer.verify(&signature, &dicts)?;
        let [header, parent_header, metadata, content] = dicts;
        let header = Header::parse(&header)?;
        if !is_object(&parent_header) {
            return Err(WireError::Parent);
        }
        // The signature does not say where one dictionary ends and the next begins. With the header, the
        // parent and the content whole, the metadata is what was signed as such, too.
        if !is_json(&content) {
            return Err(WireError::Content);
        }
        let metadata = json::object(&repaired(&metadata), json::STRUCTURE).unwrap_or_default();
        Ok(Request { identities, header, parent_header, metadata, buffers, content })
    }
}

impl Request {
    /// The content as `T`, which supplies defaults for what is missing.
    ///
    /// # Errors
    /// Content that is no `T`, or would take too much memory.
    pub fn content<T: DeserializeOwned>(&self) -> Result<T, ContentError> {
        let value = json::value(&repaired(&self.content), json::STRUCTURE)?;
        Ok(serde_json::from_value(value)?)
    }
}

/// Why a request's content cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error(transparent)]
    Kind(#[from] serde_json::Error),
}

/// Text that is not UTF-8 (Python clients let lone surrogates through) is repaired rather than refused.
fn repaired(json: &[u8]) -> Cow<'_, [u8]> {
    match String::from_utf8_lossy(json) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Composes the kernel's own messages.
#[derive(Clone)]
pub struct Author {
    signer: Arc<Signer>,
    session: Arc<str>,
}

/// A message ready to be sent, from its delimiter on.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The id in its header.
    pub msg_id: String,
    pub frames: Vec<Bytes>,
}

impl Author {
    /// `session` is the kernel's own session id, new for each process.
    pub fn new(signer: Arc<Signer>, session: &str) -> Self {
        Self { signer, session: session.into() }
    }

    /// The kernel's session id.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Composes a message. `parent` is echoed verbatim. A content that cannot be JSON (none of ours)
    /// becomes an empty object: a reply without content is better than none.
    pub fn compose<C: Serialize>(
        &self,
        msg_type: &str,
        parent: Option<&Header>,
        metadata: &Map<String, Value>,
        content: &C,
        buffers: Vec<Bytes>,
    ) -> Composed {
        let msg_id = uuid::Uuid::new_v4().to_string();
        let header = to_json(&Outgoing::new(&msg_id, msg_type, &self.session));
        let parent = parent.map_or(EMPTY_DICT, |parent| parent.as_sent().clone());
        let metadata = if metadata.is_empty() { EMPTY_DICT } else { to_json(metadata) };
        let dicts = [header, parent, metadata, to_json(content)];
        let signature = self.signer.sign(&dicts);
        let frames = frames::join(Frames { identities: Vec::new(), signature, dicts, buffers });
        Composed { msg_id, frames }
    }
}

const EMPTY_DICT: Bytes = Bytes::from_static(b"{}");

fn to_json<T: Serialize>(value: &T) -> Bytes {
    match serde_json::to_vec(value) {
        Ok(mut json) => {
            // It may wait long for a reader, and would keep up to twice its room.
            json.shrink_to_fit();
            Bytes::from(json)
        }
        Err(error) => {
            tracing::error!(%error, "a message's part cannot be written as JSON");
            EMPTY_DICT
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use serde_json::value::RawValue;

    fn both(key: &[u8]) -> (Reader, Author) {
        let signer = Arc::new(Signer::new(key).unwrap());
        (Reader::new(signer.clone()), Author::new(signer, "session"))
    }

    #[test]
    fn the_parent_header_is_echoed_byte_for_byte() {
        let (reader, author) = both(b"k");
        let raw = Bytes::from_static(b"{ \"msg_type\":\"execute_request\", \"msg_id\":\"1\", \"odd\" : [1.0e0] }");
        let header = Header::parse(&raw).unwrap();
        let composed = author.compose("status", Some(&header), &Map::new(), &json!({}), vec![]);
        let back = reader.read(&composed.frames).unwrap();
        assert_eq!(back.parent_header, raw);
        assert_eq!(back.header.msg_id, composed.msg_id);
    }

    #[test]
    fn the_signature_does_not_cover_the_buffers() {
        let (reader, author) = both(b"k");
        let mut composed = author.compose("comm_msg", None, &Map::new(), &json!({}), vec![Bytes::from_static(b"a")]);
        *composed.frames.last_mut().unwrap() = Bytes::from_static(b"changed");
        assert_eq!(reader.read(&composed.frames).unwrap().buffers, [Bytes::from_static(b"changed")]);
    }

    #[test]
    fn a_changed_dictionary_is_refused() {
        let (reader, author) = both(b"k");
        let composed = author.compose("x", None, &Map::new(), &json!({"a": 1}), vec![]);
        for dict in 2..6 {
            let mut frames = composed.frames.clone();
            frames[dict] = Bytes::from_static(b"{\"msg_type\":\"y\"}");
            assert!(matches!(reader.read(&frames), Err(WireError::Signature(SignatureError::Wrong))));
        }
    }

    #[test]
    fn a_signed_message_whose_boundaries_were_moved_is_refused() {
        let (reader, author) = both(b"k");
        let mut frames =
            author.compose("shutdown_request", None, &Map::new(), &json!({"restart": true}), vec![]).frames;
        let content = std::mem::take(&mut frames[5]);
        frames[4] = [frames[4].as_ref(), &content].concat().into();
        assert!(matches!(reader.read(&frames), Err(WireError::Content)));
    }

    #[test]
    fn a_header_that_is_not_utf8_is_repaired_before_it_is_echoed() {
        // A user's name in another encoding, as Python clients let it through.
        let raw = Bytes::from_static(b"{\"msg_type\":\"execute_request\",\"username\":\"J\xf6rg\"}");
        let header = Header::parse(&raw).unwrap();
        let (reader, author) = both(b"k");
        let composed = author.compose("status", Some(&header), &Map::new(), &json!({}), vec![]);
        let back = reader.read(&composed.frames).unwrap();
        let parent: Value = serde_json::from_slice(&back.parent_header).unwrap();
        assert_eq!(parent["username"], "J\u{fffd}rg");
    }

    #[test]
    fn content_that_would_take_much_more_than_its_text_is_refused() {
        let (reader, author) = both(b"k");
        let lists =
            RawValue::from_string(format!("{{\"code\":\"1\",\"user_expressions\":[{}0]}}", "[0],".repeat(1 << 20)));
        let composed = author.compose("execute_request", None, &Map::new(), &lists.unwrap(), vec![]);
        let request = reader.read(&composed.frames).unwrap();
        assert!(matches!(request.content::<Value>(), Err(ContentError::Json(JsonError::Costly(_)))));
    }

    #[test]
    fn text_that_is_not_utf8_is_repaired() {
        let (reader, _) = both(b"");
        let frames = [b"<IDS|MSG>".as_slice(), b"", b"{\"msg_type\":\"x\"}", b"{}", b"\xff", b"{\"code\":\"a\xff\"}"]
            .map(Bytes::from_static);
        let request = reader.read(&frames).unwrap();
        assert_eq!(request.content::<Value>().unwrap(), json!({"code": "a\u{fffd}"}));
    }

    proptest! {
        #[test]
        fn reading_arbitrary_frames_never_panics(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64).prop_map(Bytes::from), 0..12),
            at in 0usize..4,
        ) {
            let mut frames = frames;
            if at <= frames.len() {
                frames.insert(at, Bytes::from_static(frames::DELIMITER));
            }
            let (reader, _) = both(b"");
            let _ = reader.read(&frames);
        }

        #[test]
        fn no_moved_boundary_changes_what_was_signed(
            metadata in "[a-z{},:]{0,6}", content in "[a-z{},:]{0,6}", mut cuts in prop::array::uniform3(any::<prop::sample::Index>()),
            keep in prop::array::uniform3(any::<bool>()),
        ) {
            let author = both(b"k").1;
            let metadata = Map::from_iter([(metadata, json!({}))]);
            let frames = author.compose("x", None, &metadata, &json!({content: {}}), vec![]).frames;
            let whole = Bytes::from(frames[2..6].concat());
            let mut at: Vec<usize> = cuts.iter_mut().map(|cut| cut.index(whole.len() + 1)).collect();
            let mut end = 0;
            for (index, keep) in keep.into_iter().enumerate() {
                end += frames[2 + index].len();
                if keep {
                    at[index] = end;
                }
            }
            at.sort_unstable();
            let mut moved = frames.clone();
            for (index, (from, to)) in [(0, at[0]), (at[0], at[1]), (at[1], at[2]), (at[2], whole.len())].into_iter().enumerate() {
                moved[2 + index] = whole.slice(from..to);
            }
            if let Ok(request) = both(b"k").0.read(&moved) {
                prop_assert_eq!(moved, frames);
                prop_assert_eq!(request.metadata, metadata);
            }
        }

        #[test]
        fn what_is_composed_reads_back(
            msg_type in "[a-z_]{1,20}", key in prop::collection::vec(any::<u8>(), 0..40),
            text in any::<String>(), buffers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from), 0..4),
        ) {
            let (reader, author) = both(&key);
            let composed = author.compose(&msg_type, None, &Map::new(), &json!({"text": text}), buffers.clone());
            let request = reader.read(&composed.frames).unwrap();
            prop_assert_eq!(&request.header.msg_type, &msg_type);
            prop_assert_eq!(&request.buffers, &buffers);
            prop_assert_eq!(request.content::<Value>().unwrap(), json!({"text": text}));
        }
    }
}
