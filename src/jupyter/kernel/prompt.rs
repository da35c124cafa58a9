//! Asks a user for a line: `input_request` to whoever runs the cell, and the one reply that is waited
//! for. Replies that nobody waits for (any more) are dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Map;
use tokio::sync::oneshot;

use super::envelope::{Envelope, Inbox};
use crate::jupyter::sockets::RouterSender;
use crate::jupyter::sockets::router::SendError;
use crate::jupyter::wire::Author;
use crate::jupyter::wire::contents::input::{END_OF_INPUT, InputReply, InputRequest};
use crate::jupyter::wire::header::parent_msg_id;
use crate::session::InputAnswer;

/// Asks on the stdin socket; cheap to clone.
#[derive(Clone)]
pub(super) struct Prompter {
    author: Author,
    sender: RouterSender,
    waiting: Arc<Mutex<Option<Waiting>>>,
}

/// The reply that is waited for.
struct Waiting {
    request_id: String,
    identity: Bytes,
    line: oneshot::Sender<String>,
}

impl Prompter {
    pub(super) fn new(author: Author, sender: RouterSender) -> Self {
        Self { author, sender, waiting: Arc::default() }
    }

    /// Asks the client behind `from`; returns when the answer has been given or nobody wants it any
    /// more, because the cell was interrupted.
    pub(super) async fn ask(
        &self,
        from: &Envelope,
        prompt: &str,
        password: bool,
        mut answer: oneshot::Sender<InputAnswer>,
    ) {
        let (line, received) = oneshot::channel();
        let content = InputRequest { prompt, password };
        let composed = self.author.compose("input_request", Some(from.header()), &Map::new(), &content, Vec::new());
        let mut frames = from.request.identities.clone();
        frames.extend(composed.frames);
        let identity = from.identity.clone();
        *self.waiting() = Some(Waiting { request_id: composed.msg_id, identity: identity.clone(), line });
        let line = tokio::select! {
            line = async { self.deliver(&identity, &frames).await; received.await } => line.ok(),
            () = answer.closed() => None,
        };
        *self.waiting() = None;
        let _ = answer.send(match line {
            Some(line) if line == END_OF_INPUT => InputAnswer::Eof,
            Some(line) => InputAnswer::Line(line),
            None => InputAnswer::Interrupted,
        });
    }

    /// Sends the request, waiting for a client that has not connected its stdin yet.
    async fn deliver(&self, identity: &Bytes, frames: &[Bytes]) {
        while self.sender.send(identity, frames) == Err(SendError::UnknownPeer) {
            tracing::warn!("a cell waits for input, but its client has no stdin connected");
            self.sender.connected(identity).await;
        }
    }

    /// Takes replies until the socket ends.
    pub(super) async fn listen(self, mut inbox: Inbox) {
        while let Some(envelope) = inbox.next().await {
            self.take(&envelope);
        }
    }

    fn take(&self, envelope: &Envelope) {
        if envelope.msg_type() != "input_reply" {
            return tracing::warn!(msg_type = envelope.msg_type(), "an unknown message on stdin");
        }
        let Ok(reply) = envelope.request.content::<InputReply>() else {
            return tracing::warn!("an input reply cannot be read");
        };
        let mut waiting = self.waiting();
        match waiting.take_if(|waiting| waiting.expects(envelope)) {
            // Nobody waits if the cell was interrupted just now.
            Some(waiting) => drop(waiting.line.send(reply.value)),
            None => tracing::info!("an input reply came for which nobody waits"),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Not every client says which request it answers; those that do must mean this one.
    fn expects(&self, envelope: &Envelope) -> bool {
        let answered = parent_msg_id(&envelope.request.parent_header);
        envelope.identity == self.identity && answered.is_none_or(|id| id == self.request_id)
    }
}
