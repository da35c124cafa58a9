//! A request together with where it came from, and the inbox that yields them: what is malformed or
//! wrongly signed is logged there and goes no further.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::jupyter::sockets::zmtp::admission::Place;
use crate::jupyter::sockets::{Delivery, Router};
use crate::jupyter::wire;

/// What requests of one socket may take that have not been served, besides those so large that they have a place of
/// their own. Past it the socket is not read.
const WAITING_BYTES: usize = 16 << 20;

/// A socket on which requests arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Shell,
    Control,
    Stdin,
}

impl Channel {
    fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Control => "control",
            Self::Stdin => "stdin",
        }
    }
}

/// A request and its sender.
pub(super) struct Envelope {
    /// Where it came in, and where its reply goes out.
    pub(super) channel: Channel,
    /// The sender's identity on the socket.
    pub(super) identity: Bytes,
    pub(super) request: wire::Request,
    /// A large request's place in memory; given back with the envelope.
    _place: Option<Place>,
    /// Its room among those that wait.
    _room: Option<OwnedSemaphorePermit>,
}

impl Envelope {
    pub(super) fn header(&self) -> &wire::Header {
        &self.request.header
    }

    pub(super) fn msg_type(&self) -> &str {
        &self.request.header.msg_type
    }
}

/// The requests that arrive on one socket.
pub(super) struct Inbox {
    channel: Channel,
    router: Router,
    reader: wire::Reader,
    room: Arc<Semaphore>,
}

impl Inbox {
    pub(super) fn new(channel: Channel, router: Router, reader: wire::Reader) -> Self {
        Self { channel, router, reader, room: Arc::new(Semaphore::new(WAITING_BYTES)) }
    }

    /// The next request that holds; `None` once the socket has ended.
    pub(super) async fn next(&mut self) -> Option<Envelope> {
        loop {
            let Delivery { identity, frames, place } = self.router.receive().await?;
            match self.reader.read(&frames) {
                Ok(request) => {
                    self.router.trust(&identity);
                    let room = if place.is_none() { self.room_for(&frames).await } else { None };
                    return Some(Envelope { channel: self.channel, identity, request, _place: place, _room: room });
                }
                Err(error) => {
                    self.router.distrust(&identity);
                    tracing::warn!(socket = self.channel.name(), %error, "a message was refused");
                }
            }
        }
    }

    async fn room_for(&self, frames: &[Bytes]) -> Option<OwnedSemaphorePermit> {
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        let permits = u32::try_from(bytes.min(WAITING_BYTES)).unwrap_or(u32::MAX);
        self.room.clone().acquire_many_owned(permits).await.ok()
    }
}
