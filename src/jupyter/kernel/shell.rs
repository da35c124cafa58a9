//! The shell: serves queued requests one after another, in the order in which they came.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver};

use super::envelope::{Envelope, Inbox};
use super::events::{Relayed, Stdin, relay};
use super::exit::ExitDoor;
use super::history::History;
use super::immediate::{Answered, AtOnce};
use super::iopub::Iopub;
use super::parents::Parents;
use super::pending::PendingRequests;
use super::prompt::Prompter;
use super::reply::{Replies, failure};
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
use crate::session::{Comm, CommKind, Request, SessionHandle};

/// Requests that may wait for their turn; beyond that the socket is not read.
pub(super) const QUEUE: usize = 10_000;

/// What a start may take without a set-up; a question waits so long for the session.
const START_AT_MOST: Duration = Duration::from_secs(1);

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
    async fn send(&self, envelope: Envelope) -> bool {
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
        match relayed.outcome {
            Some(outcome) => self.show_unseen_error(envelope, relayed.seen.error, &outcome.content).await,
            None => tracing::error!("{SESSION_GONE}"),
        }
    }

    /// Asks the session for a reply. A set-up can take minutes: while it lasts the answer is `nothing`,
    /// because a frontend's completion must not hang.
    async fn ask<N: Serialize>(&mut self, envelope: &Envelope, request: Request, nothing: N) {
        let opened = tokio::time::timeout(START_AT_MOST, self.gate.opened()).await;
        let Ok(SessionState::Ready(session)) = opened else {
            return self.replies.send(envelope, &nothing);
        };
        match self.run(envelope, &session, request).await.outcome {
            Some(outcome) => self.replies.send(envelope, &outcome.content),
            None => self.replies.send(envelope, &failure("SessionGone", SESSION_GONE)),
        }
    }

    async fn run(&self, envelope: &Envelope, session: &SessionHandle, request: Request) -> Relayed {
        let events = session.submit(request);
        relay(events, envelope, self.execution_count, &self.iopub, &self.parents, Stdin::Closed).await
    }

    /// An outcome that is an error of the host's own still has to be shown.
    pub(super) async fn show_unseen_error(&self, envelope: &Envelope, shown: bool, content: &Map<String, Value>) {
        if shown || content.get("status").and_then(Value::as_str) != Some("error") {
            return;
        }
        let text = |key| content.get(key).and_then(Value::as_str).unwrap_or_default();
        let traceback: Vec<String> = content
            .get("traceback")
            .and_then(Value::as_array)
            .map(|lines| lines.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        self.iopub.error(envelope.header(), text("ename"), text("evalue"), &traceback).await;
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

/// What is said when the session's thread is no more.
pub(super) const SESSION_GONE: &str =
    "the sandbox session has ended unexpectedly; restart the kernel to begin a new one";
