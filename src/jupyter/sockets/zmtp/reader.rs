//! Reads frames and messages from a peer, within limits. Memory grows with what has arrived, never
//! with what was announced.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::ZmtpError;
use super::admission::{Admission, Place};
use super::command::{self, Command};
use super::curve::traffic::{self, Opened, Opener};
use super::frame::{FrameHeader, parse_header};

/// How much is read at once into the buffer that all small frames come through.
const CHUNK: usize = 16 * 1024;
/// By how much a large message's room grows at a time.
const STEP: usize = 256 * 1024;
/// The longest command; READY and PING are far shorter, subscriptions too.
const MAX_COMMAND_BYTES: usize = 8 * 1024;

/// What a peer may send.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The whole message, in bytes.
    pub message_bytes: usize,
    /// The number of its frames.
    pub frames: usize,
    /// Messages up to this size are taken at any time.
    pub small_bytes: usize,
    /// The room for larger messages; each keeps its share until it has been served.
    pub large: Arc<Admission>,
}

/// Something complete that a peer sent.
#[derive(Debug)]
pub enum Received {
    Message(Vec<Bytes>, Option<Place>),
    Command(Command),
}

/// Reads from one peer.
pub struct PeerReader<R> {
    io: R,
    buffer: BytesMut,
    limits: Limits,
    /// The message that is coming: its frames, their bytes, and of the next large frame what has come.
    frames: Vec<Bytes>,
    bytes: usize,
    partial: Option<Partial>,
    place: Option<Place>,
    /// Bytes for which the place has room.
    room: usize,
    /// The place of the large message before, which may not have been served yet.
    earlier: Option<u64>,
    /// Opens each frame, if the connection is encrypted.
    opener: Option<Opener>,
}

/// A frame that is read into memory of its own, which grows with what comes.
struct Partial {
    more: bool,
    length: usize,
    body: Vec<u8>,
}

impl<R: AsyncRead + Unpin> PeerReader<R> {
    pub fn new(io: R, limits: Limits) -> Self {
        Self {
            io,
            buffer: BytesMut::new(),
            limits,
            frames: Vec::new(),
            bytes: 0,
            partial: None,
            place: None,
            room: 0,
            earlier: None,
            opener: None,
        }
    }

    /// From now on all that comes is encrypted.
    pub fn decrypt_by(&mut self, opener: Opener) {
        self.opener = Some(opener);
    }

    /// The body of the next command, which is all that may come.
    pub async fn command(&mut self) -> Result<Bytes, ZmtpError> {
        let header = self.header().await?;
        if !header.command {
            return Err(ZmtpError::Command);
        }
        let length = self.admit(&header).await?;
        self.small_frame(header.size, length).await
    }

    /// What it reads from; what was buffered is lost.
    #[cfg(test)]
    pub(crate) fn into_inner(self) -> R {
        self.io
    }

    /// Exactly `N` bytes, each piece checked as it comes.
    pub async fn exactly<const N: usize>(
        &mut self,
        check: impl Fn(&[u8]) -> Result<(), ZmtpError>,
    ) -> Result<[u8; N], ZmtpError> {
        loop {
            check(self.buffer.get(..self.buffer.len().min(N)).unwrap_or_default())?;
            if let Some(bytes) = self.buffer.first_chunk::<N>() {
                let bytes = *bytes;
                self.buffer.advance(N);
                return Ok(bytes);
            }
            self.fill().await?;
        }
    }

    /// The next message or command. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Result<Received, ZmtpError> {
        loop {
            let (more, body) = match &self.partial {
                Some(_) => self.large_frame().await?,
                None => {
                    let header = self.header().await?;
                    let length = self.admit(&header).await?;
                    if length > CHUNK {
                        self.begin_large_frame(&header, length);
                        continue;
                    }
                    let body = self.small_frame(header.size, length).await?;
                    if header.command && self.opener.is_none() {
                        return Ok(Received::Command(command::parse(body)?));
                    }
                    (header.more, body)
                }
            };
            let Some(opener) = &mut self.opener else {
                if self.take(more, body) {
                    return Ok(self.whole());
                }
                continue;
            };
            let Opened { more, command, body } = opener.open(body)?;
            if command && body.len() > MAX_COMMAND_BYTES {
                return Err(ZmtpError::TooLarge(body.len() as u64, MAX_COMMAND_BYTES));
            }
            if command {
                return Ok(Received::Command(command::parse(body)?));
            }
            if self.take(more, body) {
                return Ok(self.whole());
            }
        }
    }

    /// Takes a frame of the message; whether that was the last.
    fn take(&mut self, more: bool, body: Bytes) -> bool {
        self.bytes += body.len();
        self.frames.push(body);
        !more
    }

    /// The message that has come.
    fn whole(&mut self) -> Received {
        (self.bytes, self.room) = (0, 0);
        let place = self.place.take();
        if let Some(place) = &place {
            place.complete();
            self.earlier = Some(place.number());
        }
        Received::Message(std::mem::take(&mut self.frames), place)
    }

    async fn header(&mut self) -> Result<FrameHeader, ZmtpError> {
        loop {
            if let Some(header) = parse_header(&self.buffer)? {
                return Ok(header);
            }
            self.fill().await?;
        }
    }

    /// Whether a frame of this size may come; a message that becomes large takes a place first.
    async fn admit(&mut self, header: &FrameHeader) -> Result<usize, ZmtpError> {
        // Where all is encrypted, what a frame is stands in its box: until that is open it counts as a part of a message.
        let command = header.command && self.opener.is_none();
        let limit = if command { MAX_COMMAND_BYTES } else { self.limits.message_bytes.saturating_sub(self.bytes) };
        // Which is of what is in it.
        let limit = limit + self.opener.as_ref().map_or(0, |_| traffic::OVERHEAD);
        let length = usize::try_from(header.length).ok().filter(|length| *length <= limit);
        let length = length.ok_or(ZmtpError::TooLarge(header.length, limit))?;
        if command {
            return Ok(length);
        }
        if self.frames.len() >= self.limits.frames {
            return Err(ZmtpError::TooManyFrames(self.limits.frames));
        }
        if self.place.is_none() && self.bytes + length > self.limits.small_bytes {
            // A peer has one place at a time, however many messages it sends.
            if let Some(earlier) = self.earlier {
                self.limits.large.given_back(earlier).await;
                self.earlier = None;
            }
            self.place = Some(self.limits.large.enter());
        }
        self.make_room(length.min(CHUNK)).await?;
        Ok(length)
    }

    /// Takes room for so many bytes more of the message, if it is a large one.
    async fn make_room(&mut self, bytes: usize) -> Result<(), ZmtpError> {
        let so_far = self.bytes + self.partial.as_ref().map_or(0, |partial| partial.body.len());
        let Some(place) = &mut self.place else { return Ok(()) };
        let missing = (so_far + bytes).saturating_sub(self.room);
        if missing > 0 {
            place.grow(missing).await?;
            self.room += missing;
        }
        Ok(())
    }

    /// A frame that comes through the buffer. It is copied out: the buffer is shared with what comes after it, and a
    /// request may wait for long.
    async fn small_frame(&mut self, skip: usize, length: usize) -> Result<Bytes, ZmtpError> {
        while self.buffer.len() < skip + length {
            self.fill().await?;
        }
        self.buffer.advance(skip);
        let body = Bytes::copy_from_slice(self.buffer.get(..length).unwrap_or_default());
        self.buffer.advance(length);
        Ok(body)
    }

    fn begin_large_frame(&mut self, header: &FrameHeader, length: usize) {
        self.buffer.advance(header.size);
        let there = self.buffer.split_to(length.min(self.buffer.len()));
        self.partial = Some(Partial { more: header.more, length, body: there.to_vec() });
    }

    async fn large_frame(&mut self) -> Result<(bool, Bytes), ZmtpError> {
        loop {
            let Some(Partial { length, body, .. }) = &self.partial else { return Err(ZmtpError::Closed) };
            let missing = length - body.len();
            if missing == 0 {
                break;
            }
            let step = missing.min(STEP);
            self.make_room(step).await?;
            let Some(Partial { body, .. }) = &mut self.partial else { return Err(ZmtpError::Closed) };
            if body.len() == body.capacity() {
                // Doubling what has arrived keeps copying linear and an empty promise cheap.
                body.reserve_exact(missing.min(body.len().max(CHUNK)));
            }
            let room = step.min(body.capacity() - body.len());
            read(&mut self.io, &mut body.limit(room), &mut self.place).await?;
        }
        match self.partial.take() {
            Some(Partial { more, body, .. }) => Ok((more, body.into())),
            None => Err(ZmtpError::Closed),
        }
    }

    /// Reads what there is into the buffer.
    async fn fill(&mut self) -> Result<(), ZmtpError> {
        self.buffer.reserve(CHUNK);
        let mut within = (&mut self.buffer).limit(CHUNK);
        read(&mut self.io, &mut within, &mut self.place).await
    }
}

async fn read<R: AsyncRead + Unpin>(
    io: &mut R,
    into: &mut impl BufMut,
    place: &mut Option<Place>,
) -> Result<(), ZmtpError> {
    let count = match place {
        None => io.read_buf(into).await?,
        Some(place) => {
            let count = tokio::select! {
                biased;
                () = place.lost() => return Err(ZmtpError::TimedOut),
                count = io.read_buf(into) => count?,
            };
            place.came(count);
            count
        }
    };
    if count == 0 { Err(ZmtpError::Closed) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Encoded;
    use super::*;

    fn limits() -> Limits {
        Limits { message_bytes: 100_000, frames: 4, small_bytes: 1000, large: Admission::new(50_000) }
    }

    #[tokio::test]
    async fn messages_and_commands_come_out_as_they_went_in() {
        let frames = [Bytes::from(vec![1; 10]), Bytes::from(vec![2; 20_000]), Bytes::new()];
        let mut wire = Encoded::message(&frames).chunks().concat();
        wire.extend(Encoded::command(b"\x04PONG").chunks().concat());
        let mut reader = PeerReader::new(wire.as_slice(), limits());
        assert!(matches!(reader.next().await.unwrap(), Received::Message(got, Some(_)) if got == frames));
        assert!(matches!(reader.next().await.unwrap(), Received::Command(Command::Pong)));
        assert!(matches!(reader.next().await, Err(ZmtpError::Closed)));
    }

    #[tokio::test]
    async fn a_huge_announcement_is_refused_without_room_for_it() {
        for length in [100_001, u64::MAX, u64::MAX / 2, 1 << 62] {
            let mut wire = vec![2];
            wire.extend(length.to_be_bytes());
            let mut reader = PeerReader::new(wire.as_slice(), limits());
            assert!(matches!(reader.next().await, Err(ZmtpError::TooLarge(..))));
            assert!(reader.buffer.capacity() <= 4 * CHUNK && reader.partial.is_none());
        }
    }

    #[tokio::test]
    async fn the_limit_counts_all_frames_of_a_message() {
        let frames = vec![Bytes::from(vec![0; 60_000]); 2];
        let wire = Encoded::message(&frames).chunks().concat();
        assert!(matches!(PeerReader::new(wire.as_slice(), limits()).next().await, Err(ZmtpError::TooLarge(..))));
        let wire = Encoded::message(&vec![Bytes::new(); 5]).chunks().concat();
        assert!(matches!(PeerReader::new(wire.as_slice(), limits()).next().await, Err(ZmtpError::TooManyFrames(4))));
    }

    #[tokio::test]
    async fn a_command_takes_no_place_from_large_messages() {
        let mut wire = Encoded::command(&[b"\x04PONG".as_slice(), &[0; 2000]].concat()).chunks().concat();
        wire.extend(Encoded::message(&[Bytes::from_static(b"small")]).chunks().concat());
        let mut reader = PeerReader::new(wire.as_slice(), limits());
        assert!(matches!(reader.next().await.unwrap(), Received::Command(Command::Pong)));
        assert!(matches!(reader.next().await.unwrap(), Received::Message(_, None)));
    }

    #[tokio::test]
    async fn arbitrary_bytes_end_in_an_error() {
        use proptest::prelude::*;
        use proptest::strategy::ValueTree as _;
        use proptest::test_runner::TestRunner;
        let mut runner = TestRunner::deterministic();
        for _ in 0..300 {
            let wire = prop::collection::vec(any::<u8>(), 0..300).new_tree(&mut runner).unwrap().current();
            let mut reader = PeerReader::new(wire.as_slice(), limits());
            while reader.next().await.is_ok() {}
        }
    }
}
