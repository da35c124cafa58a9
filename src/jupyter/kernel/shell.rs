//! The shell: serves queued requests one after another, in the order in which they came.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;

use super::answers;
use super::envelope::{Envelope, Inbox};
use super::events::{Relayed, Stdin, relay};
use super::exit::ExitDoor;
use super::history::History;
use super::immediate::{Answered, AtOnce};
use super::iopub::Iopub;
use super::parents::Parents;
use super::pending::PendingRequests;
use super::prompt::Prompter;
use super::queue::{LastQueued, Queue, Waiting, comm};
use super::reply::Replies;
use super::startup::{Gate, SessionState};
use crate::jupyter::wire::ContentError;
use crate::jupyter::wire::contents::comm::{CommInfoRequest, no_comms};
use crate::jupyter::wire::contents::complete;
use crate::jupyter::wire::contents::complete::CompleteRequest;
use crate::jupyter::wire::contents::history::{HistoryReply, HistoryRequest};
use crate::jupyter::wire::contents::inspect;
use crate::jupyter::wire::contents::inspect::InspectRequest;
use crate::jupyter::wire::contents::is_complete;
use crate::jupyter::wire::contents::is_complete::IsCompleteRequest;
use crate::jupyter::wire::contents::status::ExecutionState;
use crate::language::Language;
use crate::session::{Comm, CommKind, Request, Session};

/// What a start may take without a set-up; a question waits so long for the session.
const START_AT_MOST: Duration = Duration::from_secs(1);

/// Takes requests from the shell socket: answers at once what can be, queues the rest.
pub(super) async fn intake(mut inbox: Inbox, at_once: AtOnce, replies: Replies, queue: Queue) {
    while let Some(envelope) = inbox.next().await {
        if at_once.answer(&envelope, &replies) == Answered::No && !queue.send(envelope).await {
            return;
        }
    }
}

/// What serves the queue.
pub(super) struct Shell {
    pub(super) language: &'static Language,
    pub(super) gate: Gate,
    pub(super) pending: PendingRequests,
    pub(super) progress: UnboundedReceiver<String>,
    pub(super) parents: Parents,
    pub(super) iopub: Iopub,
    pub(super) replies: Replies,
    pub(super) prompter: Prompter,
    pub(super) history: History,
    pub(super) exit: ExitDoor,
    pub(super) last_queued: LastQueued,
    /// The number of the last cell that entered the history.
    pub(super) execution_count: u32,
    /// Execute requests up to this number are not run, because one before them failed.
    pub(super) abort_through: u64,
    /// The gate's count of interrupts when the request began.
    pub(super) interrupts_before: u64,
}

impl Shell {
    /// Serves until the queue ends.
    pub(super) async fn serve(mut self) {
        while let Some(waiting) = self.pending.next().await {
            let header = waiting.envelope.header().clone();
            if may_start_tasks(&header.msg_type) {
                self.parents.remember(&header);
            }
            self.interrupts_before = self.gate.interrupts();
            self.iopub.status(&header, ExecutionState::Busy).await;
            let asked_to_exit = self.dispatch(waiting).await;
            self.iopub.status(&header, ExecutionState::Idle).await;
            if let Some(reason) = asked_to_exit {
                self.exit.leave(reason);
                return;
            }
        }
    }

    async fn dispatch(&mut self, waiting: Waiting) -> Option<super::Exit> {
        let Waiting { envelope, number } = waiting;
        match envelope.msg_type() {
            "execute_request" => return self.execute(&envelope, number).await,
            "complete_request" => self.complete(&envelope).await,
            "inspect_request" => self.inspect(&envelope).await,
            "is_complete_request" => self.is_complete(&envelope).await,
            "history_request" => self.answer_history(&envelope).await,
            "comm_info_request" => self.comm_info(&envelope).await,
            other => match comm(&envelope) {
                Some(comm) => self.comm(&envelope, comm).await,
                None => tracing::warn!(msg_type = other, "an unknown message on shell"),
            },
        }
        None
    }

    async fn complete(&mut self, envelope: &Envelope) {
        let Some(asked) = self.content::<CompleteRequest>(envelope) else {
            return;
        };
        let cursor_pos = asked.cursor_pos();
        let nothing = complete::nothing(cursor_pos);
        self.ask(envelope, Request::Complete { code: asked.code, cursor_pos }, nothing).await;
    }

    async fn inspect(&mut self, envelope: &Envelope) {
        let Some(asked) = self.content::<InspectRequest>(envelope) else {
            return;
        };
        let (cursor_pos, detail_level) = (asked.cursor_pos(), asked.detail_level());
        let request = Request::Inspect { code: asked.code, cursor_pos, detail_level };
        self.ask(envelope, request, inspect::nothing()).await;
    }

    async fn is_complete(&mut self, envelope: &Envelope) {
        let Some(asked) = self.content::<IsCompleteRequest>(envelope) else {
            return;
        };
        self.ask(envelope, Request::IsComplete { code: asked.code }, is_complete::unknown()).await;
    }

    async fn comm_info(&mut self, envelope: &Envelope) {
        let Some(asked) = self.content::<CommInfoRequest>(envelope) else {
            return;
        };
        self.ask(envelope, Request::CommInfo { target_name: asked.target_name }, no_comms()).await;
    }

    async fn answer_history(&self, envelope: &Envelope) {
        let Some(asked) = self.content::<HistoryRequest>(envelope) else {
            return;
        };
        self.replies.send(envelope, &HistoryReply::new(self.history.query(asked).await));
    }

    /// A comm message has no reply; whatever it makes the guest show has it as its parent.
    async fn comm(&self, envelope: &Envelope, comm: Result<Comm, ContentError>) {
        let SessionState::Ready(session) = self.gate.state() else {
            return tracing::warn!("a comm message came before the session was there");
        };
        let comm = match comm {
            Ok(comm) => comm,
            Err(error) => return self.replies.send_malformed(envelope, &error),
        };
        let relayed = self.run(envelope, &session, Request::Comm(comm)).await;
        self.show_host_s_failure(envelope, &relayed).await;
    }

    /// Asks the session for a reply. A set-up can take minutes: while it lasts the answer is `nothing`,
    /// because a frontend's completion must not hang.
    async fn ask<N: Serialize>(&mut self, envelope: &Envelope, request: Request, nothing: N) {
        let opened = tokio::time::timeout(START_AT_MOST, self.gate.opened()).await;
        let Ok(SessionState::Ready(session)) = opened else {
            return self.replies.send(envelope, &nothing);
        };
        let relayed = self.run(envelope, &session, request).await;
        self.replies.send(envelope, &answers::content(relayed.outcome));
    }

    async fn run(&self, envelope: &Envelope, session: &Session, request: Request) -> Relayed {
        let events = session.submit(request);
        relay(events, envelope, self.execution_count, &self.iopub, &self.parents, Stdin::Closed).await
    }

    /// A session shows why a request failed; where there is none, it is shown here.
    pub(super) async fn show_host_s_failure(&self, envelope: &Envelope, relayed: &Relayed) {
        if let Some(failure) = relayed.outcome.failure.as_ref().filter(|_| relayed.is_kernel_s) {
            self.iopub.error(envelope.header(), failure).await;
        }
    }

    /// The content; if it cannot be read, that is the reply.
    pub(super) fn content<T: serde::de::DeserializeOwned>(&self, envelope: &Envelope) -> Option<T> {
        match envelope.request.content() {
            Ok(content) => Some(content),
            Err(error) => {
                self.replies.send_malformed(envelope, &error);
                None
            }
        }
    }
}

/// Whether what runs for such a request can start something that goes on after it.
fn may_start_tasks(msg_type: &str) -> bool {
    msg_type == "execute_request" || CommKind::from_msg_type(msg_type).is_some()
}
