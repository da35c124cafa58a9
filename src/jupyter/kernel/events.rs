//! Relays a session's events to IOPub, in order. An event's room in the session's queue is given back
//! only when IOPub has taken it, which is what makes a guest wait for its readers.

use super::envelope::Envelope;
use super::history::History;
use super::iopub::Iopub;
use super::parents::Parents;
use super::prompt::Prompter;
use crate::jupyter::wire::Header;
use crate::jupyter::wire::contents::history::output_text;
use crate::jupyter::wire::contents::output::{ClearOutput, DisplayData, ErrorOutput, ExecuteResult};
use crate::jupyter::wire::contents::status::{ExecutionState, Status};
use crate::session::{Event, Events, Failure, Outcome, Queued, State, Usage};

/// What was relayed.
#[derive(Debug)]
pub(super) struct Relayed {
    /// How the request ended.
    pub(super) outcome: Outcome,
    /// Whether no session said so, which had shown why it failed.
    pub(super) is_kernel_s: bool,
    pub(super) seen: Seen,
}

impl Relayed {
    /// What came of a request that no session served to its end.
    pub(super) fn refused(outcome: Outcome) -> Self {
        Self { outcome, is_kernel_s: true, seen: Seen::default() }
    }
}

/// What is said when the session's thread is no more.
const SESSION_GONE: &str = "the sandbox session has ended unexpectedly; restart the kernel to begin a new one";

/// What a request came to whose session's thread is no more.
fn gone() -> Outcome {
    let usage = Usage { state: State::Lost, ..Usage::default() };
    Outcome::failed(Failure::of_host("SessionGone", SESSION_GONE), usage)
}

/// What was among a request's own events.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The result's plain text, for the history.
    pub(super) result_text: Option<String>,
}

/// Who may be asked for input.
#[derive(Clone, Copy)]
pub(super) enum Stdin<'a> {
    Ask(&'a Prompter),
    Closed,
}

/// Relays until the request has ended. `execution_count` is the host's, for `execute_result`.
pub(super) async fn relay(
    mut events: Events,
    from: &Envelope,
    execution_count: u32,
    iopub: &Iopub,
    parents: &Parents,
    stdin: Stdin<'_>,
) -> Relayed {
    let mut seen = Seen::default();
    while let Some(Queued { event, permit, parent }) = events.recv().await {
        match event {
            Event::Input { prompt, password, answer } => match stdin {
                Stdin::Ask(prompter) => {
                    iopub.settle().await;
                    prompter.ask(from, &prompt, password, answer).await;
                }
                Stdin::Closed => drop(answer),
            },
            Event::Done(outcome) => {
                return Relayed { outcome: *outcome, is_kernel_s: false, seen };
            }
            event => {
                let other = parent.filter(|id| **id != *from.header().msg_id).and_then(|id| parents.of(&id));
                // Where it is not known, its client knows nothing of what is told here.
                if other.is_none() && matches!(event, Event::Serving { .. }) {
                    continue;
                }
                match &other {
                    Some(header) => publish(event, header, execution_count, iopub, &mut Seen::default()).await,
                    None => publish(event, from.header(), execution_count, iopub, &mut seen).await,
                }
                drop(permit);
            }
        }
    }
    tracing::error!("{SESSION_GONE}");
    Relayed { seen, ..Relayed::refused(gone()) }
}

/// Publishes an event, once the room that it takes can be given back to the session.
pub(super) async fn publish(event: Event, parent: &Header, execution_count: u32, iopub: &Iopub, seen: &mut Seen) {
    // The message is made, and what it is made of dropped, before it waits for readers: of a large one there is a copy less.
    let message = match event {
        Event::Stream { name, text } => iopub.text(parent, name.as_str(), &text),
        Event::Display { data, metadata, transient, update } => {
            let msg_type = if update { "update_display_data" } else { "display_data" };
            let content = DisplayData { data: &data, metadata: &metadata, transient: &transient };
            iopub.message(parent, msg_type, &content)
        }
        Event::Result { data, metadata } => {
            let content = ExecuteResult { execution_count, data: &data, metadata: &metadata };
            seen.result_text = output_text(&data).filter(|text| History::keeps(text)).map(str::to_owned);
            iopub.message(parent, "execute_result", &content)
        }
        Event::Error(Failure { name, text, traceback }) => {
            let content = ErrorOutput { ename: &name, evalue: &text, traceback: &traceback };
            iopub.message(parent, "error", &content)
        }
        Event::ClearOutput { wait } => iopub.message(parent, "clear_output", &ClearOutput { wait }),
        Event::Comm { kind, content, metadata, buffers } => {
            iopub.whole_message(parent, kind.msg_type(), &metadata, &content, buffers)
        }
        Event::Serving { busy } => {
            let state = if busy { ExecutionState::Busy } else { ExecutionState::Idle };
            iopub.message(parent, "status", &Status { execution_state: state })
        }
        Event::Input { .. } | Event::Done(_) => return,
    };
    iopub.publish(message).await;
}
