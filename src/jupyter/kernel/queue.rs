//! The requests that wait for the shell, and which those are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use tokio::sync::mpsc::{Receiver, Sender};

use super::envelope::Envelope;
use crate::jupyter::wire::ContentError;
use crate::session::{Comm, CommKind};

/// Requests that may wait for their turn; beyond that the socket is not read.
pub(super) const QUEUE: usize = 10_000;

/// A request in the shell's queue, numbered as it came.
pub(super) struct Waiting {
    pub(super) envelope: Envelope,
    pub(super) number: u64,
}

/// The number of the last request that was queued.
pub(super) type LastQueued = Arc<AtomicU64>;

/// The way into the shell's queue; cheap to clone.
#[derive(Clone)]
pub(super) struct Queue {
    sender: Sender<Waiting>,
    last: LastQueued,
}

impl Queue {
    /// A queue, and its other end.
    pub(super) fn new(last: LastQueued) -> (Self, Receiver<Waiting>) {
        let (sender, receiver) = tokio::sync::mpsc::channel(QUEUE);
        (Self { sender, last }, receiver)
    }

    fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Queues a request; waits while there are too many. Answers whether anybody serves them.
    pub(super) async fn send(&self, envelope: Envelope) -> bool {
        match self.sender.reserve().await {
            Ok(place) => {
                place.send(Waiting { envelope, number: self.number() });
                true
            }
            Err(_) => false,
        }
    }

    /// Queues a request; gives it back if there are too many.
    pub(super) fn try_send(&self, envelope: Envelope) -> Result<(), Box<Envelope>> {
        match self.sender.try_reserve() {
            Ok(place) => {
                place.send(Waiting { envelope, number: self.number() });
                Ok(())
            }
            Err(_) => Err(Box::new(envelope)),
        }
    }
}

/// Whether control takes this request for the shell: as in ipykernel all of them but the comms' messages.
pub(super) fn is_shell_request(msg_type: &str) -> bool {
    matches!(
        msg_type,
        "execute_request"
            | "complete_request"
            | "inspect_request"
            | "is_complete_request"
            | "history_request"
            | "comm_info_request"
    )
}

/// The comm message that a request is, if it is one.
pub(super) fn comm(envelope: &Envelope) -> Option<Result<Comm, ContentError>> {
    let kind = CommKind::from_msg_type(envelope.msg_type())?;
    Some(envelope.request.content::<Map<String, Value>>().map(|content| Comm {
        kind,
        content,
        metadata: envelope.request.metadata.clone(),
        buffers: envelope.request.buffers.clone(),
        parent_id: envelope.header().msg_id.clone(),
    }))
}
