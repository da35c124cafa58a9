//! What goes over the connection after the handshake: each frame in a box of its own, counted, so that none can be changed,
//! left out of order, or sent twice.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use crypto_box::aead::AeadInPlace;
use crypto_box::{Nonce, SalsaBox};

use super::super::ZmtpError;
use super::super::frame::Encoded;
use super::TAG;

/// How a boxed frame begins.
const MESSAGE: &[u8; 8] = b"\x07MESSAGE";
/// Bytes of a counter.
const COUNTER: usize = 8;
/// Where the box stands in a frame.
const BOX: usize = MESSAGE.len() + COUNTER;
/// Bytes that a frame has besides its body: the word, the counter, the tag and the flags.
pub const OVERHEAD: usize = BOX + TAG + 1;

const FROM_CLIENT: &[u8; 16] = b"CurveZMQMESSAGEC";
const FROM_SERVER: &[u8; 16] = b"CurveZMQMESSAGES";
const READY: &[u8; 16] = b"CurveZMQREADY---";

/// Another frame of the message follows.
const MORE: u8 = 1;
const COMMAND: u8 = 2;

/// Which way frames go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    FromClient,
    FromServer,
}

impl Way {
    fn prefix(self) -> &'static [u8; 16] {
        match self {
            Self::FromClient => FROM_CLIENT,
            Self::FromServer => FROM_SERVER,
        }
    }
}

/// Boxes what is sent.
pub struct Sealer {
    shared: Arc<SalsaBox>,
    way: Way,
    next: u64,
}

/// Opens what comes.
pub struct Opener {
    shared: Arc<SalsaBox>,
    way: Way,
    last: u64,
}

/// A frame that was in a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Another frame of the same message follows.
    pub more: bool,
    pub command: bool,
    pub body: Bytes,
}

impl Sealer {
    /// With the key that both sides have computed, and the next number.
    pub(super) fn new(shared: Arc<SalsaBox>, way: Way, next: u64) -> Self {
        Self { shared, way, next }
    }

    /// The body of READY, with our metadata in it.
    ///
    /// # Errors
    /// There are no numbers left, which would take centuries.
    pub fn ready(&mut self, metadata: &[u8]) -> Result<Bytes, ZmtpError> {
        self.seal(b"\x05READY", READY, &[metadata])
    }

    /// The same message, each of its frames in a box.
    ///
    /// # Errors
    /// As [`Sealer::ready`].
    pub fn message(&mut self, message: &Encoded) -> Result<Encoded, ZmtpError> {
        let mut boxes = Vec::new();
        for (header, body) in message.frames() {
            let flags = if header.more { MORE } else { 0 } | if header.command { COMMAND } else { 0 };
            boxes.push(self.seal(MESSAGE, self.way.prefix(), &[&[flags], &body])?);
        }
        Ok(Encoded::apart(&boxes))
    }

    fn seal(&mut self, word: &[u8], prefix: &[u8; 16], plain: &[&[u8]]) -> Result<Bytes, ZmtpError> {
        let number = self.next;
        self.next = number.checked_add(1).ok_or(ZmtpError::Security("no numbers are left for what is sent"))?;
        seal(&self.shared, word, prefix, number, plain)
    }
}

impl Opener {
    /// With the key that both sides have computed, and the last number that has come.
    pub(super) fn new(shared: Arc<SalsaBox>, way: Way, last: u64) -> Self {
        Self { shared, way, last }
    }

    /// What is in a frame that came: decrypted where it lies.
    ///
    /// # Errors
    /// It is no box, was changed, or did not come next.
    pub fn open(&mut self, frame: Bytes) -> Result<Opened, ZmtpError> {
        let inside = frame.strip_prefix(MESSAGE).and_then(|rest| rest.split_first_chunk::<COUNTER>());
        let Some((counter, _)) = inside else { return Err(ZmtpError::Security("a frame that is not encrypted")) };
        let number = u64::from_be_bytes(*counter);
        if number <= self.last {
            return Err(ZmtpError::Security("a frame that has come before"));
        }
        let mut plain = BytesMut::from(frame);
        plain.advance(BOX);
        open(&self.shared, self.way.prefix(), number, &mut plain)?;
        self.last = number;
        let flags = plain.first().copied().unwrap_or(u8::MAX);
        if flags & !(MORE | COMMAND) != 0 || flags & (MORE | COMMAND) == (MORE | COMMAND) {
            return Err(ZmtpError::Flags(flags));
        }
        plain.advance(1);
        Ok(Opened { more: flags & MORE != 0, command: flags & COMMAND != 0, body: plain.freeze() })
    }
}

/// A word, a number and a box with these parts in it, one after the other.
pub(super) fn seal(
    shared: &SalsaBox,
    word: &[u8],
    prefix: &[u8; 16],
    number: u64,
    plain: &[&[u8]],
) -> Result<Bytes, ZmtpError> {
    let length: usize = plain.iter().map(|part| part.len()).sum();
    let mut out = BytesMut::with_capacity(word.len() + COUNTER + TAG + length);
    out.extend_from_slice(word);
    out.extend_from_slice(&number.to_be_bytes());
    let head = out.len();
    out.extend_from_slice(&[0; TAG]);
    for part in plain {
        out.extend_from_slice(part);
    }
    let (_, boxed) = out.split_at_mut(head);
    let (tag, text) = boxed.split_at_mut(TAG);
    let made = shared.encrypt_in_place_detached(&counted(prefix, number), b"", text);
    tag.copy_from_slice(&made.map_err(|_| ZmtpError::Security("what is sent is too long to be encrypted"))?);
    Ok(out.freeze())
}

/// Decrypts a box where it lies, and takes its tag off.
pub(super) fn open(shared: &SalsaBox, prefix: &[u8; 16], number: u64, boxed: &mut BytesMut) -> Result<(), ZmtpError> {
    open_with(shared, &counted(prefix, number), boxed)
}

/// The same with any nonce.
pub(super) fn open_with(shared: &SalsaBox, nonce: &Nonce, boxed: &mut BytesMut) -> Result<(), ZmtpError> {
    const CHANGED: ZmtpError = ZmtpError::Security("what came cannot be decrypted: another key, or it was changed");
    let Some((tag, text)) = boxed.split_first_chunk_mut::<TAG>() else { return Err(CHANGED) };
    shared.decrypt_in_place_detached(nonce, b"", text, (&*tag).into()).map_err(|_| CHANGED)?;
    boxed.advance(TAG);
    Ok(())
}

/// Sixteen bytes of what it is for, and a number.
fn counted(prefix: &[u8; 16], number: u64) -> Nonce {
    let mut nonce = Nonce::default();
    let (start, end) = nonce.split_at_mut(prefix.len());
    start.copy_from_slice(prefix);
    end.copy_from_slice(&number.to_be_bytes());
    nonce
}

/// Eight bytes of what it is for, and sixteen that are random.
pub(super) fn random(prefix: &[u8; 8], rest: &[u8; 16]) -> Nonce {
    let mut nonce = Nonce::default();
    let (start, end) = nonce.split_at_mut(prefix.len());
    start.copy_from_slice(prefix);
    end.copy_from_slice(rest);
    nonce
}
