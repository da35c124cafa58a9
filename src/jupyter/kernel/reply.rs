//! The one place that answers requests: to whoever asked, on the socket by which it came, with the request's header as
//! parent.

use serde::Serialize;
use serde_json::{Map, Value};

use super::answers;
use super::envelope::{Channel, Envelope};
use crate::jupyter::sockets::RouterSender;
use crate::jupyter::wire::{Author, ContentError};
use crate::session::Failure;

/// Answers requests.
#[derive(Clone)]
pub(super) struct Replies {
    author: Author,
    shell: RouterSender,
    control: RouterSender,
}

impl Replies {
    pub(super) fn new(author: Author, shell: RouterSender, control: RouterSender) -> Self {
        Self { author, shell, control }
    }

    /// Sends the reply that belongs to the request's type. A client that has gone is logged, no more.
    pub(super) fn send<C: Serialize>(&self, to: &Envelope, content: &C) {
        self.send_with_metadata(to, &Map::new(), content);
    }

    /// The same, with metadata.
    pub(super) fn send_with_metadata<C: Serialize>(&self, to: &Envelope, metadata: &Map<String, Value>, content: &C) {
        let msg_type = reply_type(to.msg_type());
        let composed = self.author.compose(&msg_type, Some(to.header()), metadata, content, Vec::new());
        let mut frames = to.request.identities.clone();
        frames.extend(composed.frames);
        let sender = match to.channel {
            Channel::Control => &self.control,
            Channel::Shell | Channel::Stdin => &self.shell,
        };
        if let Err(error) = sender.send(&to.identity, &frames) {
            tracing::info!(msg_type, %error, "a reply could not be delivered");
        }
    }

    /// Answers a request whose content cannot be read.
    pub(super) fn send_malformed(&self, to: &Envelope, error: &ContentError) {
        tracing::warn!(msg_type = to.msg_type(), %error, "a request's content cannot be read");
        let text = format!("the request's content cannot be read: {error}");
        self.send(to, &refusal("MalformedRequest", &text));
    }

    /// The kernel's session id, which also names it as an engine.
    pub(super) fn engine(&self) -> &str {
        self.author.session()
    }

    /// Waits until every reply has been written.
    pub(super) async fn flush(&self) {
        tokio::join!(self.shell.flush(), self.control.flush());
    }
}

/// The content of a reply to a request that the kernel itself refuses.
pub(super) fn refusal(name: &str, text: &str) -> Value {
    answers::failed(Failure::of_host(name, text).without_traceback())
}

fn reply_type(request_type: &str) -> String {
    let stem = request_type.strip_suffix("_request").unwrap_or(request_type);
    format!("{stem}_reply")
}
