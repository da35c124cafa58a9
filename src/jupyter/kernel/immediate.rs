//! Requests that need no session and are answered at once, whatever a cell is doing: on control, and
//! on shell where clients send them there.

use std::sync::{Arc, Mutex, PoisonError};

use super::envelope::{Envelope, Inbox};
use super::exit::{Exit, ExitDoor};
use super::iopub::Iopub;
use super::language::kernel_info;
use super::queue::{Queue, is_shell_request};
use super::reply::{Replies, refusal};
use super::startup::Gate;
use super::usage::UsageMeter;
use crate::jupyter::wire::contents::connect::ConnectReply;
use crate::jupyter::wire::contents::shutdown::{InterruptReply, ShutdownReply, ShutdownRequest};
use crate::jupyter::wire::contents::status::ExecutionState;
use crate::jupyter::wire::contents::usage::UsageReply;
use crate::language::Language;
use crate::observe::Metrics;

/// Answers such requests; cheap to clone.
#[derive(Clone)]
pub(super) struct AtOnce {
    pub(super) language: &'static Language,
    pub(super) iopub: Iopub,
    pub(super) gate: Gate,
    pub(super) exit: ExitDoor,
    pub(super) usage: Arc<Mutex<UsageMeter>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) ports: ConnectReply,
}

/// Whether a request was one of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Yes,
    No,
}

impl AtOnce {
    /// Answers the request, if it is of this kind.
    pub(super) fn answer(&self, envelope: &Envelope, replies: &Replies) -> Answered {
        let serve: fn(&Self, &Envelope, &Replies) = match envelope.msg_type() {
            "kernel_info_request" => Self::kernel_info,
            "connect_request" => Self::connect,
            "interrupt_request" => Self::interrupt,
            "shutdown_request" => Self::shutdown,
            "usage_request" => Self::usage,
            _ => return Answered::No,
        };
        self.iopub.status_at_once(envelope.header(), ExecutionState::Busy);
        serve(self, envelope, replies);
        self.iopub.status_at_once(envelope.header(), ExecutionState::Idle);
        if envelope.msg_type() == "shutdown_request" {
            self.exit.leave(Exit::Shutdown { restart: shutdown_flag(envelope) });
        }
        Answered::Yes
    }

    /// Serves the control socket until it ends. What the session has to answer waits for its turn with the requests
    /// of the shell socket; control itself waits for nothing.
    pub(super) async fn serve_control(self, mut inbox: Inbox, replies: Replies, queue: Queue) {
        while let Some(envelope) = inbox.next().await {
            if self.answer(&envelope, &replies) == Answered::Yes {
                continue;
            }
            if is_shell_request(envelope.msg_type()) {
                if let Err(envelope) = queue.try_send(envelope) {
                    replies.send(&envelope, &refusal("TooManyRequests", "too many requests wait for the kernel"));
                }
                continue;
            }
            tracing::warn!(msg_type = envelope.msg_type(), "an unknown message on control");
            self.iopub.status_at_once(envelope.header(), ExecutionState::Busy);
            self.iopub.status_at_once(envelope.header(), ExecutionState::Idle);
        }
    }

    fn connect(&self, envelope: &Envelope, replies: &Replies) {
        replies.send(envelope, &self.ports);
    }

    fn kernel_info(&self, envelope: &Envelope, replies: &Replies) {
        replies.send(envelope, &kernel_info(self.language));
    }

    fn interrupt(&self, envelope: &Envelope, replies: &Replies) {
        self.gate.interrupt();
        replies.send(envelope, &InterruptReply { status: "ok" });
    }

    /// The reply goes to all clients too, as ipykernel sends it, so that each learns of the end.
    fn shutdown(&self, envelope: &Envelope, replies: &Replies) {
        let reply = ShutdownReply::new(shutdown_flag(envelope));
        replies.send(envelope, &reply);
        self.iopub.send_at_once(Some(envelope.header()), "shutdown_reply", &reply);
    }

    fn usage(&self, envelope: &Envelope, replies: &Replies) {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner).measure();
        replies.send(envelope, &UsageReply { cellblock: self.metrics.snapshot(), ..usage });
    }
}

fn shutdown_flag(envelope: &Envelope) -> bool {
    envelope.request.content::<ShutdownRequest>().unwrap_or_default().restart
}
