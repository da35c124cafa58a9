//! The one place that writes to IOPub: composes a message, gives it its topic, publishes it in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::jupyter::sockets::{Connections, Listener, Publisher, publisher};
use crate::jupyter::wire::contents::output::ErrorOutput;
use crate::jupyter::wire::contents::output::Stream;
use crate::jupyter::wire::contents::status::{ExecutionState, Status};
use crate::jupyter::wire::contents::welcome::Welcome;
use crate::jupyter::wire::{Author, Composed, Header};
use crate::session::Failure;

/// A message with its topic, ready to be published.
pub(super) struct Message(Vec<Bytes>);

/// What every client sees.
#[derive(Clone)]
pub(super) struct Iopub {
    publisher: Publisher,
    author: Author,
    /// No request has been served yet: who subscribes now is told that the kernel is starting. Said at
    /// the start only, it would reach nobody, since nobody can have subscribed.
    fresh: Arc<AtomicBool>,
}

impl Iopub {
    /// Serves a listener.
    pub(super) fn serve(listener: Listener, author: Author, connections: &Connections) -> Self {
        let fresh = Arc::new(AtomicBool::new(true));
        let welcome = {
            let (author, fresh) = (author.clone(), fresh.clone());
            move |topic: &[u8]| welcome(&author, &fresh, topic)
        };
        Self { publisher: publisher::serve(listener, Box::new(welcome), connections), author, fresh }
    }

    /// Publishes a message; waits while even the fastest client has too much to read.
    pub(super) async fn send<C: Serialize>(&self, parent: &Header, msg_type: &str, content: &C) {
        self.publish(self.message(parent, msg_type, content)).await;
    }

    /// Publishes text on one of the streams.
    pub(super) async fn stream(&self, parent: &Header, name: &str, text: &str) {
        self.publish(self.text(parent, name, text)).await;
    }

    /// A message to be published. Whatever it is made of is not needed any more.
    pub(super) fn message<C: Serialize>(&self, parent: &Header, msg_type: &str, content: &C) -> Message {
        self.whole_message(parent, msg_type, &Map::new(), content, Vec::new())
    }

    /// The same, with metadata and buffers.
    pub(super) fn whole_message<C: Serialize>(
        &self,
        parent: &Header,
        msg_type: &str,
        metadata: &Map<String, Value>,
        content: &C,
        buffers: Vec<Bytes>,
    ) -> Message {
        let composed = self.author.compose(msg_type, Some(parent), metadata, content, buffers);
        Message(with_topic(&self.topic(msg_type), composed))
    }

    /// Text on one of the streams, to be published.
    pub(super) fn text(&self, parent: &Header, name: &str, text: &str) -> Message {
        let composed = self.author.compose("stream", Some(parent), &Map::new(), &Stream { name, text }, Vec::new());
        // The topic that ipykernel gives streams.
        Message(with_topic(&format!("stream.{name}"), composed))
    }

    /// Publishes it; waits while even the fastest client has too much to read.
    pub(super) async fn publish(&self, message: Message) {
        self.publisher.publish(message.0).await;
    }

    /// Publishes an error.
    pub(super) async fn error(&self, parent: &Header, failure: &Failure) {
        let Failure { name, text, traceback } = failure;
        self.send(parent, "error", &ErrorOutput { ename: name, evalue: text, traceback }).await;
    }

    /// Publishes that a request is being served, or has been.
    pub(super) async fn status(&self, parent: &Header, execution_state: ExecutionState) {
        self.fresh.store(false, Ordering::Relaxed);
        self.send(parent, "status", &Status { execution_state }).await;
    }

    /// Publishes without ever waiting, for what is answered while a cell runs.
    pub(super) fn send_at_once<C: Serialize>(&self, parent: Option<&Header>, msg_type: &str, content: &C) {
        let composed = self.author.compose(msg_type, parent, &Map::new(), content, Vec::new());
        self.publisher.publish_at_once(&with_topic(&self.topic(msg_type), composed));
    }

    /// The status of a request that is answered while a cell runs.
    pub(super) fn status_at_once(&self, parent: &Header, execution_state: ExecutionState) {
        self.fresh.store(false, Ordering::Relaxed);
        self.send_at_once(Some(parent), "status", &Status { execution_state });
    }

    /// Waits until what was published is on the wire for the fastest client.
    pub(super) async fn settle(&self) {
        self.publisher.settle().await;
    }

    /// Waits until what was published is on the wire for all clients.
    pub(super) async fn flush(&self) {
        self.publisher.flush().await;
    }

    fn topic(&self, msg_type: &str) -> String {
        topic(&self.author, msg_type)
    }
}

fn welcome(author: &Author, fresh: &AtomicBool, subscription: &[u8]) -> Vec<Vec<Bytes>> {
    let name = String::from_utf8_lossy(subscription);
    let welcome = author.compose("iopub_welcome", None, &Map::new(), &Welcome { subscription: &name }, Vec::new());
    let mut greetings = vec![with_topic(&name, welcome)];
    if fresh.swap(false, Ordering::Relaxed) {
        let status = Status { execution_state: ExecutionState::Starting };
        let starting = author.compose("status", None, &Map::new(), &status, Vec::new());
        greetings.push(with_topic(&topic(author, "status"), starting));
    }
    greetings
}

fn topic(author: &Author, msg_type: &str) -> String {
    format!("kernel.{}.{msg_type}", author.session())
}

fn with_topic(topic: &str, composed: Composed) -> Vec<Bytes> {
    let mut frames = Vec::with_capacity(composed.frames.len() + 1);
    frames.push(Bytes::copy_from_slice(topic.as_bytes()));
    frames.extend(composed.frames);
    frames
}
