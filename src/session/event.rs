//! What a session tells its face while a request is served, in order, ending with [`Event::Done`].

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::answer::{Answer, Failure};
use super::request::CommKind;
use crate::advice::{FuelAnalysis, Guidance};

/// One thing that happened in a session.
#[derive(Debug)]
pub enum Event {
    /// Text written to fd 1 or 2, already coalesced.
    Stream { name: StreamName, text: String },
    /// `display_data`, or `update_display_data` when `update`.
    Display { data: Map<String, Value>, metadata: Map<String, Value>, transient: Map<String, Value>, update: bool },
    /// `execute_result`.
    Result { data: Map<String, Value>, metadata: Map<String, Value> },
    /// `error`.
    Error(Failure),
    /// `clear_output`.
    ClearOutput { wait: bool },
    /// A comm message to the frontend.
    Comm { kind: CommKind, content: Map<String, Value>, metadata: Map<String, Value>, buffers: Vec<Bytes> },
    /// The guest waits for a line; dropping `answer` is the same as [`InputAnswer::Interrupted`].
    Input { prompt: String, password: bool, answer: oneshot::Sender<InputAnswer> },
    /// A comm message that came while a cell waited is being served, or has been: the one that `Queued::parent` names.
    Serving { busy: bool },
    /// The request has ended; always the last event, exactly once.
    Done(Box<Outcome>),
}

/// Which of the two text streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamName {
    Stdout,
    Stderr,
}

impl StreamName {
    /// The name in a Jupyter `stream` message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// The answer to [`Event::Input`].
#[derive(Debug)]
pub enum InputAnswer {
    Line(String),
    Eof,
    Interrupted,
}

/// An event and the room it takes in the session's bounded output queue; the room is given back when
/// the permit is dropped, so hold it until the event has been delivered.
#[derive(Debug)]
pub struct Queued {
    pub event: Event,
    pub permit: Option<OwnedSemaphorePermit>,
    /// The request that it belongs to, if that is another one than is being served: the one in which what shows it was
    /// begun. By the guest's word, so it may be no request at all.
    pub parent: Option<Arc<str>>,
}

impl Queued {
    /// An event of the request that is being served.
    pub fn of(event: Event) -> Self {
        Self { event, permit: None, parent: None }
    }
}

/// Receives a request's events. Ends after [`Event::Done`].
pub type Events = tokio::sync::mpsc::UnboundedReceiver<Queued>;

/// How a request ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Why it failed, if it did. Of a cell that shows something this was an [`Event::Error`], too.
    pub failure: Option<Failure>,
    pub answer: Answer,
    /// What it took and what became of the session's state.
    pub usage: Usage,
}

impl Outcome {
    /// Of a request that came to nothing.
    pub fn failed(failure: Failure, usage: Usage) -> Self {
        Self { failure: Some(failure), answer: Answer::None, usage }
    }
}

/// What a request used. In the `execute_reply`'s metadata under `cellblock`.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Usage {
    /// Wasm instructions, as wasmtime counts fuel.
    pub fuel_consumed: u64,
    /// Wall-clock milliseconds.
    pub duration_ms: u64,
    /// The guest's linear memory after the request, in bytes.
    pub memory_used_bytes: u64,
    /// Why the guest was stopped, if it was.
    pub trap_reason: Option<TrapReason>,
    /// What became of the session's memory.
    pub state: State,
    /// Whether stdout was cut at its limit.
    pub stdout_truncated: bool,
    /// Whether stderr was cut at its limit.
    pub stderr_truncated: bool,
    /// The status with which the guest ended its process, if it did.
    pub exit_code: Option<i32>,
    /// Files that were made, changed and removed, relative to the workspace; at most a thousand of each, with names of
    /// 128 KiB together.
    pub files_created: Vec<String>,
    pub files_modified: Vec<String>,
    pub files_deleted: Vec<String>,
    /// How many more there were of all three.
    pub files_unnamed: u64,
    /// How much the output firewall removed, by kind (`docs/firewall.md`).
    pub outputs_removed: BTreeMap<&'static str, u32>,
    /// The same in words; the cell's output has them too.
    #[serde(skip)]
    pub removal_notice: Option<String>,
    /// What the fuel went into; of cells alone.
    pub fuel_analysis: Option<FuelAnalysis>,
    /// What to do about an error that the sandbox caused.
    pub error_guidance: Option<Guidance>,
}

/// Why a cell was ended before its own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrapReason {
    OutOfFuel,
    MemoryLimit,
    Timeout,
    StackOverflow,
    Interrupted,
    Trap,
    Exited,
    HostError,
}

impl TrapReason {
    /// Its word in the metadata, in events and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfFuel => "out_of_fuel",
            Self::MemoryLimit => "memory_limit",
            Self::Timeout => "timeout",
            Self::StackOverflow => "stack_overflow",
            Self::Interrupted => "interrupted",
            Self::Trap => "trap",
            Self::Exited => "exited",
            Self::HostError => "host_error",
        }
    }
}

/// What became of a session's memory after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Everything the cell did is there.
    #[default]
    Kept,
    /// The session is as it was before the cell.
    RolledBack,
    /// The session could not be brought back; a new one began.
    Lost,
}

impl State {
    /// Its word in the metadata and in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::RolledBack => "rolled_back",
            Self::Lost => "lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_the_metadata_and_elsewhere() {
        use TrapReason::*;
        for reason in [OutOfFuel, MemoryLimit, Timeout, StackOverflow, Interrupted, Trap, Exited, HostError] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        for state in [State::Kept, State::RolledBack, State::Lost] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
