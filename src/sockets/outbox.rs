//! What waits to be written to one peer. Counting is in bytes; whoever fills it decides what is too
//! much.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

use super::zmtp::frame::Encoded;

/// How much is handed to the operating system at a time, at least.
const BATCH_BYTES: usize = 256 * 1024;
/// How many parts of messages one write may have.
const BATCH_PARTS: usize = 64;

/// A queue of messages for one peer.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Wakes the writer.
    filled: Notify,
    /// Ends the writer, even in the middle of a write that the peer does not take.
    closing: Notify,
    /// Wakes whoever waits for room or for everything to be written; shared between a socket's peers.
    written: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Encoded>,
    /// Queued and not yet written, in bytes.
    outstanding: usize,
    closed: bool,
}

impl Outbox {
    pub(super) fn new(written: Arc<Notify>) -> Self {
        Self { state: Mutex::default(), filled: Notify::new(), closing: Notify::new(), written }
    }

    /// Adds a message; it is dropped if the peer has gone.
    pub(super) fn push(&self, message: Encoded) {
        let mut state = self.state();
        if !state.closed {
            state.outstanding += message.bytes();
            state.queue.push_back(message);
            drop(state);
            self.filled.notify_one();
        }
    }

    /// Bytes that wait or are being written.
    pub(super) fn outstanding(&self) -> usize {
        self.state().outstanding
    }

    /// Takes nothing more and ends the writer, which also drops what waits: whoever closes may be in a
    /// hurry, and that can be a lot.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.outstanding = 0;
        drop(state);
        self.closing.notify_one();
        self.written.notify_waiters();
    }

    /// Writes what is pushed until the outbox is closed or the peer is gone.
    pub(super) async fn write_to<W: AsyncWrite + Unpin>(&self, io: &mut W) -> io::Result<()> {
        let end = tokio::select! {
            end = self.write_on(io) => end,
            () = self.closing.notified() => Ok(()),
        };
        let dropped = std::mem::take(&mut self.state().queue);
        drop(dropped);
        end
    }

    async fn write_on<W: AsyncWrite + Unpin>(&self, io: &mut W) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            let bytes = self.take_batch(&mut batch);
            if batch.is_empty() {
                self.filled.notified().await;
                continue;
            }
            write_all(io, &mut batch).await?;
            let mut state = self.state();
            state.outstanding = state.outstanding.saturating_sub(bytes);
            drop(state);
            self.written.notify_waiters();
        }
    }

    /// Takes messages to be written next; returns their bytes.
    fn take_batch(&self, parts: &mut Vec<Bytes>) -> usize {
        parts.clear();
        let mut state = self.state();
        let mut bytes = 0;
        while bytes < BATCH_BYTES && parts.len() < BATCH_PARTS {
            let Some(message) = state.queue.pop_front() else {
                break;
            };
            bytes += message.bytes();
            parts.extend_from_slice(message.chunks());
        }
        bytes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write_all<W: AsyncWrite + Unpin>(io: &mut W, parts: &mut [Bytes]) -> io::Result<()> {
    let mut first = 0;
    loop {
        let rest = parts.get_mut(first..).unwrap_or_default();
        let slices: Vec<IoSlice<'_>> =
            rest.iter().filter(|part| !part.is_empty()).take(BATCH_PARTS).map(|part| IoSlice::new(part)).collect();
        if slices.is_empty() {
            return io.flush().await;
        }
        let mut count = io.write_vectored(&slices).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        for part in rest {
            let taken = count.min(part.len());
            // What is written is given back at once: a large message may wait for long.
            *part = part.split_off(taken);
            count -= taken;
            if !part.is_empty() {
                break;
            }
            first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn everything_is_written_in_order_whatever_the_pieces() {
        let outbox = Arc::new(Outbox::new(Arc::default()));
        let mut expected = Vec::new();
        for at in 0..200_usize {
            let message =
                Encoded::message(&[vec![at as u8; (at * 97) % 9000].into(), Bytes::new(), vec![1; at].into()]);
            expected.extend(message.chunks().concat());
            outbox.push(message);
        }
        assert_eq!(outbox.outstanding(), expected.len());
        let (mut near, mut far) = tokio::io::duplex(1000);
        let writing = {
            let outbox = outbox.clone();
            tokio::spawn(async move { outbox.write_to(&mut near).await })
        };
        let mut got = vec![0; expected.len()];
        far.read_exact(&mut got).await.unwrap();
        assert_eq!(got, expected);
        while outbox.outstanding() != 0 {
            tokio::task::yield_now().await;
        }
        outbox.close();
        writing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn closing_ends_a_write_that_the_peer_does_not_take() {
        let outbox = Arc::new(Outbox::new(Arc::default()));
        outbox.push(Encoded::message(&[vec![0; 100_000].into()]));
        let (mut near, _far) = tokio::io::duplex(1000);
        let writing = {
            let outbox = outbox.clone();
            tokio::spawn(async move { outbox.write_to(&mut near).await })
        };
        tokio::task::yield_now().await;
        outbox.close();
        writing.await.unwrap().unwrap();
        outbox.push(Encoded::message(&[Bytes::new()]));
        assert_eq!(outbox.outstanding(), 0);
    }
}
