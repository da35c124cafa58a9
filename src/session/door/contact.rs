//! What a face and its session have in common besides jobs: comm messages for a cell that waits, what happens while no
//! request is served, and what was run before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::mailbox::Mailbox;
use crate::session::event::{Events, Queued};

/// Tells a session what its own kernels ran; of others it must say nothing.
pub trait Recall: Send + Sync {
    /// The answer to a guest's question, of fields that nobody has looked at.
    fn recall(&self, asked: Map<String, Value>) -> BoxFuture<'_, Value>;
}

/// Shared by a session's handle and its thread; cheap to clone.
#[derive(Clone)]
pub struct Contact {
    mailbox: Arc<Mailbox>,
    between: UnboundedSender<Queued>,
    events: Arc<Mutex<Option<Events>>>,
    listened: Arc<AtomicBool>,
    recall: Arc<Mutex<Option<Arc<dyn Recall>>>>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact")
            .field("mailbox", &self.mailbox)
            .field("listened", &self.listened)
            .finish_non_exhaustive()
    }
}

impl Default for Contact {
    fn default() -> Self {
        let (between, events) = unbounded_channel();
        let events = Arc::new(Mutex::new(Some(events)));
        Self { mailbox: Arc::default(), between, events, listened: Arc::default(), recall: Arc::default() }
    }
}

impl Contact {
    /// What is shown between requests, for the first who asks. Where nobody does, nothing happens between requests.
    pub fn listen(&self) -> Option<Events> {
        let events = self.events.lock().take();
        if events.is_some() {
            self.listened.store(true, Ordering::Release);
        }
        events
    }

    /// Whether somebody has asked.
    pub fn is_listened_to(&self) -> bool {
        self.listened.load(Ordering::Acquire)
    }

    /// Where what happens between requests is told.
    pub(in crate::session) fn between(&self) -> UnboundedSender<Queued> {
        self.between.clone()
    }

    /// From now on the session can be told what it ran.
    pub fn remember_with(&self, recall: Arc<dyn Recall>) {
        *self.recall.lock() = Some(recall);
    }

    /// Who tells it, if anybody does.
    pub(in crate::session) fn memory(&self) -> Option<Arc<dyn Recall>> {
        self.recall.lock().clone()
    }

    /// Comm messages for a cell that waits.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}
