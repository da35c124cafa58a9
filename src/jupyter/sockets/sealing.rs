//! What encryption takes in memory. A message is shared by all who get it, but encrypted it is another one for each of
//! them: it is made when it is written, and a large one only when there is room for it, in bytes, over a whole socket.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::zmtp::ZmtpError;
use super::zmtp::curve::traffic::Sealer;
use super::zmtp::frame::Encoded;

/// From how many bytes on a message is large: it needs room, and is not encrypted by the thread that serves the others.
const LARGE: usize = 1 << 20;
/// Bytes of large encrypted messages that a socket has at a time.
const ROOM: usize = 128 << 20;
/// What room is counted in, in bytes.
const UNIT: usize = 1 << 10;
/// How long room may be used while others wait for it, with [`PACE`] more for each [`LARGE`].
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a peer has for so many bytes; after that, how often it is looked whether others wait.
const PACE: Duration = Duration::from_secs(1);

/// A socket's room for large encrypted messages.
#[derive(Debug)]
pub(super) struct Sealing {
    room: Semaphore,
    waiting: AtomicUsize,
    patience: Duration,
    pace: Duration,
}

/// What encrypts a connection's messages, if anything does.
#[derive(Default)]
pub(super) enum Protection {
    #[default]
    Plain,
    With(Box<Sealer>),
    /// It was away when the writing of a message was given up: nothing more can be sent.
    Broken,
}

impl From<Option<Sealer>> for Protection {
    fn from(sealer: Option<Sealer>) -> Self {
        sealer.map_or(Self::Plain, |sealer| Self::With(Box::new(sealer)))
    }
}

/// Messages that can be written, and the room that they have.
#[derive(Debug)]
pub(super) struct Sealed<'a> {
    pub(super) messages: Vec<Encoded>,
    bytes: usize,
    room: Option<(SemaphorePermit<'a>, &'a Sealing)>,
}

impl Default for Sealing {
    fn default() -> Self {
        Self::of(ROOM, PATIENCE, PACE)
    }
}

impl Sealing {
    fn of(bytes: usize, patience: Duration, pace: Duration) -> Self {
        Self { room: Semaphore::new(bytes / UNIT), waiting: AtomicUsize::new(0), patience, pace }
    }

    /// Messages, encrypted if there is what does it. Large ones wait for room, and for a thread of their own.
    ///
    /// # Errors
    /// As [`Sealer::message`].
    pub(super) async fn seal(
        &self,
        messages: &mut Vec<Encoded>,
        protection: &mut Protection,
    ) -> Result<Sealed<'_>, ZmtpError> {
        let messages = std::mem::take(messages);
        let bytes = messages.iter().map(Encoded::bytes).sum();
        let mut sealing = match std::mem::replace(protection, Protection::Broken) {
            Protection::With(sealer) => sealer,
            Protection::Broken => return Err(ZmtpError::Closed),
            Protection::Plain => {
                *protection = Protection::Plain;
                return Ok(Sealed { messages, bytes, room: None });
            }
        };
        if bytes < LARGE {
            let sealed: Result<Vec<Encoded>, _> = messages.iter().map(|message| sealing.message(message)).collect();
            *protection = Protection::With(sealing);
            return Ok(Sealed { messages: sealed?, bytes, room: None });
        }
        let room = self.room(bytes).await?;
        let work = tokio::task::spawn_blocking(move || {
            let sealed: Result<Vec<Encoded>, _> = messages.iter().map(|message| sealing.message(message)).collect();
            (sealed, sealing)
        });
        let (sealed, sealing) = work.await.map_err(|_| ZmtpError::Closed)?;
        *protection = Protection::With(sealing);
        Ok(Sealed { messages: sealed?, bytes, room: Some((room, self)) })
    }

    async fn room(&self, bytes: usize) -> Result<SemaphorePermit<'_>, ZmtpError> {
        let units = bytes.min(ROOM) / UNIT;
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waits = Waits(self);
        self.room.acquire_many(u32::try_from(units).unwrap_or(u32::MAX)).await.map_err(|_| ZmtpError::Closed)
    }
}

/// One who waits, also one that stops waiting.
struct Waits<'a>(&'a Sealing);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Sealed<'_> {
    /// Waits for the messages to be written; with room that others wait for not for long.
    ///
    /// # Errors
    /// The writing's own, and [`ZmtpError::TimedOut`]: the peer is to be cut off.
    pub(super) async fn written(self, writing: impl Future<Output = std::io::Result<()>>) -> Result<(), ZmtpError> {
        let Some((_, sealing)) = &self.room else { return Ok(writing.await?) };
        let parts = u32::try_from(self.bytes / LARGE).unwrap_or(u32::MAX);
        let mut patience = sealing.patience.saturating_add(sealing.pace.saturating_mul(parts));
        tokio::pin!(writing);
        loop {
            match timeout(patience, &mut writing).await {
                Ok(end) => return Ok(end?),
                Err(_) if sealing.waiting.load(Ordering::Acquire) > 0 => return Err(ZmtpError::TimedOut),
                Err(_) => patience = sealing.pace,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jupyter::sockets::zmtp::curve::client::sealer;
    use bytes::Bytes;

    fn large() -> Vec<Encoded> {
        vec![Encoded::message(&[Bytes::from(vec![7; 3 << 20])])]
    }

    #[tokio::test]
    async fn what_is_sent_as_it_is_or_is_small_takes_no_room() {
        let sealing = Sealing::of(0, PATIENCE, PACE);
        let mut plain = large();
        assert_eq!(sealing.seal(&mut plain, &mut Protection::Plain).await.unwrap().messages.len(), 1);
        let mut small = vec![Encoded::message(&[Bytes::from(vec![7; 1 << 10])]); 3];
        let mut seals = Protection::from(Some(sealer()));
        assert_eq!(sealing.seal(&mut small, &mut seals).await.unwrap().messages.len(), 3);
        assert!(small.is_empty() && matches!(seals, Protection::With(_)));
    }

    #[tokio::test]
    async fn nothing_goes_out_plain_after_one_was_given_up() {
        let sealing = Sealing::of(0, PATIENCE, PACE);
        let mut seals = Protection::from(Some(sealer()));
        assert!(timeout(Duration::from_millis(10), sealing.seal(&mut large(), &mut seals)).await.is_err());
        let mut small = vec![Encoded::message(&[Bytes::from_static(b"secret")])];
        assert!(matches!(sealing.seal(&mut small, &mut seals).await, Err(ZmtpError::Closed)));
    }

    #[tokio::test]
    async fn who_does_not_read_keeps_no_room_that_others_wait_for() {
        let sealing = Sealing::of(4 << 20, Duration::from_millis(1), Duration::from_millis(1));
        let first = sealing.seal(&mut large(), &mut Some(sealer()).into()).await.unwrap();
        let mut first = std::pin::pin!(first.written(std::future::pending()));
        // As long as nobody else wants it.
        assert!(timeout(Duration::from_millis(100), &mut first).await.is_err());
        let (mut messages, mut seals) = (large(), Protection::from(Some(sealer())));
        let second = sealing.seal(&mut messages, &mut seals);
        let cut_off = async {
            let end = first.await;
            assert!(matches!(end, Err(ZmtpError::TimedOut)), "{end:?}");
        };
        let (second, ()) = tokio::join!(second, cut_off);
        assert_eq!(sealing.room.available_permits(), 1 << 10);
        second.unwrap().written(std::future::ready(Ok(()))).await.unwrap();
        assert_eq!((sealing.room.available_permits(), sealing.waiting.load(Ordering::Acquire)), (4 << 10, 0));
    }
}
