//! Reads frames and messages from a peer, within limits. Memory grows with what has arrived, never
//! with what was announced.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ZmtpError;
use super::command::{self, Command};
use super::frame::{FrameHeader, parse_header};

/// How much is read at once, and by how little the buffer grows.
const CHUNK: usize = 16 * 1024;
/// The longest command; READY and PING are far shorter, subscriptions too.
const MAX_COMMAND_BYTES: usize = 8 * 1024;
/// How long the rest of a large message may take to show progress while it holds one of the few places
/// for such messages.
const LARGE_MESSAGE_STALL: Duration = Duration::from_secs(60);

/// What a peer may send.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The whole message, in bytes.
    pub message_bytes: usize,
    /// The number of its frames.
    pub frames: usize,
    /// Messages up to this size are taken at any time.
    pub small_bytes: usize,
    /// Places for larger messages; each keeps one until it has been served.
    pub large: Arc<Semaphore>,
}

/// Something complete that a peer sent.
#[derive(Debug)]
pub enum Received {
    Message(Vec<Bytes>, Option<OwnedSemaphorePermit>),
    Command(Command),
}

/// Reads from one peer.
pub struct PeerReader<R> {
    io: R,
    buffer: BytesMut,
    limits: Limits,
    frames: Vec<Bytes>,
    bytes: usize,
    place: Option<OwnedSemaphorePermit>,
}

impl<R: AsyncRead + Unpin> PeerReader<R> {
    pub fn new(io: R, limits: Limits) -> Self {
        Self { io, buffer: BytesMut::new(), limits, frames: Vec::new(), bytes: 0, place: None }
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
                let _ = self.buffer.split_to(N);
                return Ok(bytes);
            }
            self.fill(N).await?;
        }
    }

    /// The next message or command. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Result<Received, ZmtpError> {
        loop {
            let header = self.header().await?;
            let length = self.admit(&header).await?;
            let body = self.body(header.size, length).await?;
            if header.command {
                return Ok(Received::Command(command::parse(body)?));
            }
            self.bytes += length;
            self.frames.push(body);
            if !header.more {
                self.bytes = 0;
                return Ok(Received::Message(std::mem::take(&mut self.frames), self.place.take()));
            }
        }
    }

    async fn header(&mut self) -> Result<FrameHeader, ZmtpError> {
        loop {
            if let Some(header) = parse_header(&self.buffer)? {
                return Ok(header);
            }
            self.fill(CHUNK).await?;
        }
    }

    /// Whether a frame of this size may come; a message that becomes large waits for its place first.
    async fn admit(&mut self, header: &FrameHeader) -> Result<usize, ZmtpError> {
        let limit =
            if header.command { MAX_COMMAND_BYTES } else { self.limits.message_bytes.saturating_sub(self.bytes) };
        let length = usize::try_from(header.length).ok().filter(|length| *length <= limit);
        let length = length.ok_or(ZmtpError::TooLarge(header.length, limit))?;
        if header.command {
            return Ok(length);
        }
        if self.frames.len() >= self.limits.frames {
            return Err(ZmtpError::TooManyFrames(self.limits.frames));
        }
        if self.place.is_none() && self.bytes + length > self.limits.small_bytes {
            let place = self.limits.large.clone().acquire_owned().await;
            self.place = Some(place.map_err(|_| ZmtpError::Closed)?);
        }
        Ok(length)
    }

    async fn body(&mut self, skip: usize, length: usize) -> Result<Bytes, ZmtpError> {
        while self.buffer.len() < skip + length {
            let missing = skip + length - self.buffer.len();
            // Doubling what has arrived keeps copying linear and an empty promise cheap.
            self.fill(missing.min(self.buffer.len().max(CHUNK))).await?;
        }
        let mut frame = self.buffer.split_to(skip + length);
        let body = frame.split_off(skip);
        Ok(body.freeze())
    }

    async fn fill(&mut self, room: usize) -> Result<(), ZmtpError> {
        self.buffer.reserve(room);
        let reading = self.io.read_buf(&mut self.buffer);
        let count = match &self.place {
            Some(_) => tokio::time::timeout(LARGE_MESSAGE_STALL, reading).await.map_err(|_| ZmtpError::TimedOut)??,
            None => reading.await?,
        };
        if count == 0 { Err(ZmtpError::Closed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Encoded;
    use super::*;

    fn limits() -> Limits {
        Limits { message_bytes: 100_000, frames: 4, small_bytes: 1000, large: Arc::new(Semaphore::new(1)) }
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
            assert!(reader.buffer.capacity() <= 4 * CHUNK);
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
