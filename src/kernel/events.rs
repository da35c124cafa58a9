//! Relays a session's events to IOPub, in order. An event's room in the session's queue is given back
//! only when IOPub has taken it, which is what makes a guest wait for its readers.

use super::envelope::Envelope;
use super::history::History;
use super::iopub::Iopub;
use super::prompt::Prompter;
use crate::session::{Event, Events, Outcome, Queued};
use crate::wire::contents::history::output_text;
use crate::wire::contents::output::{ClearOutput, DisplayData, ErrorOutput, ExecuteResult};

/// What was relayed.
#[derive(Debug, Default)]
pub(super) struct Relayed {
    /// How the request ended; `None` if the session's thread has gone.
    pub(super) outcome: Option<Outcome>,
    /// An `error` message was among the events.
    pub(super) error_shown: bool,
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
    stdin: Stdin<'_>,
) -> Relayed {
    let mut relayed = Relayed::default();
    let parent = from.header();
    while let Some(Queued { event, permit }) = events.recv().await {
        // The event is gone before its message waits for readers: of a large one there is a copy less.
        let message = match event {
            Event::Stream { name, text } => iopub.text(parent, name.as_str(), &text),
            Event::Display { data, metadata, transient, update } => {
                let msg_type = if update { "update_display_data" } else { "display_data" };
                let content = DisplayData { data: &data, metadata: &metadata, transient: &transient };
                iopub.message(parent, msg_type, &content)
            }
            Event::Result { data, metadata } => {
                let content = ExecuteResult { execution_count, data: &data, metadata: &metadata };
                relayed.result_text = output_text(&data).filter(|text| History::keeps(text)).map(str::to_owned);
                iopub.message(parent, "execute_result", &content)
            }
            Event::Error { ename, evalue, traceback } => {
                relayed.error_shown = true;
                let content = ErrorOutput { ename: &ename, evalue: &evalue, traceback: &traceback };
                iopub.message(parent, "error", &content)
            }
            Event::ClearOutput { wait } => iopub.message(parent, "clear_output", &ClearOutput { wait }),
            Event::Comm { kind, content, metadata, buffers } => {
                iopub.whole_message(parent, kind.msg_type(), &metadata, &content, buffers)
            }
            Event::Input { prompt, password, answer } => {
                match stdin {
                    Stdin::Ask(prompter) => {
                        iopub.settle().await;
                        prompter.ask(from, &prompt, password, answer).await;
                    }
                    Stdin::Closed => drop(answer),
                }
                continue;
            }
            Event::Done(outcome) => {
                relayed.outcome = Some(*outcome);
                break;
            }
        };
        iopub.publish(message).await;
        drop(permit);
    }
    relayed
}
