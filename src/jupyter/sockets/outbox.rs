//! What waits to be written to one peer. Counting is in bytes; whoever fills it decides what is too
//! much.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

use super::sealing::{Protection, Sealing};
use super::zmtp::ZmtpError;
use super::zmtp::curve::traffic::Sealer;
use super::zmtp::frame::Encoded;

/// How much is handed to the operating system at a time, at least.
const BATCH_BYTES: usize = 256 * 1024;
/// How many parts of messages one write may have.
const BATCH_PARTS: usize = 64;
/// What a message in the queue takes besides its bytes.
const OVERHEAD: usize = 160;
/// What may be unread of answers to a peer's own commands: they are small, and a peer can ask for any number of them.
const MAX_COURTESY: usize = 256 * 1024;
/// A queue as large as this leaves something behind when it is empty again.
const NOTABLE: usize = 4 << 20;

/// What the outboxes of a socket have in common.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Wakes whoever waits for room or for everything to be written.
    pub(super) changed: Notify,
    /// What is outstanding to all peers, in bytes.
    outstanding: AtomicUsize,
    /// Encrypts what is written.
    sealing: Sealing,
}

impl Shared {
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Acquire)
    }
}

/// A queue of messages for one peer.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Wakes the writer.
    filled: Notify,
    /// Ends the writer, even in the middle of a write that the peer does not take.
    closing: Notify,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Queued>,
    /// Queued and not yet written, in bytes of memory.
    outstanding: usize,
    /// How much of it are answers to the peer's commands.
    courtesy: usize,
    /// The most that was outstanding since there was nothing.
    most: usize,
    closed: bool,
}

#[derive(Debug)]
struct Queued {
    message: Encoded,
    is_courtesy: bool,
}

/// What messages take, and how much of it are answers to commands.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    all: usize,
    courtesy: usize,
}

impl Queued {
    fn taken(&self) -> Taken {
        let all = self.message.bytes() + OVERHEAD;
        Taken { all, courtesy: if self.is_courtesy { all } else { 0 } }
    }
}

impl Outbox {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { state: Mutex::default(), filled: Notify::new(), closing: Notify::new(), shared }
    }

    /// Adds a message; it is dropped if the peer has gone.
    pub(super) fn push(&self, message: Encoded) {
        self.add(Queued { message, is_courtesy: false });
    }

    /// Adds the answer to a command of the peer's.
    ///
    /// # Errors
    /// The peer has too many of them unread, and is to be cut off.
    pub(super) fn answer(&self, message: Encoded) -> Result<(), ZmtpError> {
        if self.state().courtesy > MAX_COURTESY {
            return Err(ZmtpError::Unread);
        }
        self.add(Queued { message, is_courtesy: true });
        Ok(())
    }

    fn add(&self, queued: Queued) {
        let mut state = self.state();
        if !state.closed {
            let taken = queued.taken();
            state.outstanding += taken.all;
            state.courtesy += taken.courtesy;
            state.most = state.most.max(state.outstanding);
            state.queue.push_back(queued);
            self.shared.outstanding.fetch_add(taken.all, Ordering::AcqRel);
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
        self.shared.outstanding.fetch_sub(std::mem::take(&mut state.outstanding), Ordering::AcqRel);
        drop(state);
        self.closing.notify_one();
        self.shared.changed.notify_waiters();
    }

    /// Writes what is pushed until the outbox is closed or the peer is gone.
    /// Each message is encrypted first, if there is what does it.
    pub(super) async fn write_to<W: AsyncWrite + Unpin>(
        &self,
        io: &mut W,
        sealer: Option<Sealer>,
    ) -> Result<(), ZmtpError> {
        let mut protection = Protection::from(sealer);
        let end = tokio::select! {
            end = self.write_on(io, &mut protection) => end,
            () = self.closing.notified() => Ok(()),
        };
        let (dropped, most) = {
            let mut state = self.state();
            (std::mem::take(&mut state.queue), state.most)
        };
        drop(dropped);
        if most > NOTABLE {
            crate::heap::relieve();
        }
        end
    }

    async fn write_on<W: AsyncWrite + Unpin>(&self, io: &mut W, protection: &mut Protection) -> Result<(), ZmtpError> {
        let (mut batch, mut parts) = (Vec::new(), Vec::new());
        loop {
            let taken = self.take_batch(&mut batch);
            if batch.is_empty() {
                self.filled.notified().await;
                continue;
            }
            parts.clear();
            let mut sealed = self.shared.sealing.seal(&mut batch, protection).await?;
            for message in sealed.messages.drain(..) {
                parts.extend_from_slice(message.chunks());
            }
            sealed.written(write_all(io, &mut parts)).await?;
            self.written(taken);
        }
    }

    /// Takes messages to be written next; returns what they take.
    fn take_batch(&self, batch: &mut Vec<Encoded>) -> Taken {
        let mut state = self.state();
        let (mut all, mut parts) = (Taken::default(), 0);
        while all.all < BATCH_BYTES && parts < BATCH_PARTS {
            let Some(queued) = state.queue.pop_front() else { break };
            let taken = queued.taken();
            all = Taken { all: all.all + taken.all, courtesy: all.courtesy + taken.courtesy };
            parts += queued.message.chunks().len();
            batch.push(queued.message);
        }
        all
    }

    /// Notes what has been written.
    fn written(&self, taken: Taken) {
        let mut state = self.state();
        // It is nothing any more if the outbox was closed meanwhile.
        let written = taken.all.min(state.outstanding);
        state.outstanding -= written;
        state.courtesy = state.courtesy.saturating_sub(taken.courtesy);
        let most = if state.outstanding == 0 { std::mem::take(&mut state.most) } else { 0 };
        if most > NOTABLE {
            state.queue.shrink_to_fit();
        }
        self.shared.outstanding.fetch_sub(written, Ordering::AcqRel);
        drop(state);
        self.shared.changed.notify_waiters();
        if most > NOTABLE {
            crate::heap::relieve();
        }
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
        assert_eq!(outbox.outstanding(), expected.len() + 200 * OVERHEAD);
        assert_eq!(outbox.shared.outstanding(), outbox.outstanding());
        let (mut near, mut far) = tokio::io::duplex(1000);
        let writing = {
            let outbox = outbox.clone();
            tokio::spawn(async move { outbox.write_to(&mut near, None).await })
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
            tokio::spawn(async move { outbox.write_to(&mut near, None).await })
        };
        tokio::task::yield_now().await;
        outbox.close();
        writing.await.unwrap().unwrap();
        outbox.push(Encoded::message(&[Bytes::new()]));
        assert_eq!((outbox.outstanding(), outbox.shared.outstanding()), (0, 0));
    }

    #[tokio::test]
    async fn unread_answers_are_bounded_and_messages_do_not_count_as_such() {
        let outbox = Arc::new(Outbox::new(Arc::default()));
        outbox.push(Encoded::message(&[vec![0; 1 << 20].into()]));
        let answers = (0..100_000).take_while(|_| outbox.answer(Encoded::command(b"\x04PONG")).is_ok()).count();
        assert!((1000..2000).contains(&answers), "{answers}");
        let (mut near, mut far) = tokio::io::duplex(1 << 16);
        let writing = {
            let outbox = outbox.clone();
            tokio::spawn(async move { outbox.write_to(&mut near, None).await })
        };
        let mut got = vec![0; (1 << 20) + 9 + answers * 7];
        far.read_exact(&mut got).await.unwrap();
        while outbox.outstanding() != 0 {
            tokio::task::yield_now().await;
        }
        outbox.answer(Encoded::command(b"\x04PONG")).unwrap();
        outbox.close();
        writing.await.unwrap().unwrap();
    }
}
