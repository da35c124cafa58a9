//! A request together with where it came from, and the inbox that yields them: what is malformed or
//! wrongly signed is logged there and goes no further.

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::sockets::{Delivery, Router};
use crate::wire;

/// A request and its sender.
pub(super) struct Envelope {
    /// The sender's identity on the socket.
    pub(super) identity: Bytes,
    pub(super) request: wire::Request,
    /// A large request's place in memory; given back with the envelope.
    _place: Option<OwnedSemaphorePermit>,
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
    name: &'static str,
    router: Router,
    reader: wire::Reader,
}

impl Inbox {
    pub(super) fn new(name: &'static str, router: Router, reader: wire::Reader) -> Self {
        Self { name, router, reader }
    }

    /// The next request that holds; `None` once the socket has ended.
    pub(super) async fn next(&mut self) -> Option<Envelope> {
        loop {
            let Delivery { identity, frames, place } = self.router.receive().await?;
            match self.reader.read(&frames) {
                Ok(request) => {
                    return Some(Envelope { identity, request, _place: place });
                }
                Err(error) => tracing::warn!(socket = self.name, %error, "a message was refused"),
            }
        }
    }
}
