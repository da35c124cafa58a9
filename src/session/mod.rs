//! A session: a memory image, a workspace and a policy. Knows nothing of Jupyter or MCP.

pub mod advise;
pub mod answer;
mod background;
pub mod checkpoint;
pub mod door;
pub mod event;
pub mod external;
pub mod facade;
pub mod factory;
mod grants;
pub mod health;
pub mod journal;
pub mod limits;
pub mod live;
pub mod magics;
pub mod offline;
pub mod opening;
mod operate;
pub mod operation;
pub mod output;
mod request;
pub mod scratch;
mod serving;
pub mod stored_files;
pub mod telemetry;
pub mod thread;
#[cfg(test)]
pub(crate) mod toy;
#[cfg(test)]
mod toy_tests;
pub mod verdict;
mod watcher;
pub mod working_copy;

pub use answer::{
    Answer, Bundle, CellAnswer, Completeness, Completion, Completions, Failure, Leave, Payload, Variable,
};
pub use door::contact::{Contact, Recall};
pub use door::mailbox::Offer;
pub use event::{Event, Events, InputAnswer, Outcome, Queued, State, StreamName, TrapReason, Usage};
pub use facade::{Job, Running, Session};
pub use limits::Limits;
pub use live::{LiveSession, SessionError, SessionSpec};
pub use opening::{PersistOptions, Resume, Which};
pub use operation::{Arrival, LogEntry, OperationError, Status};
pub use request::{Comm, CommKind, Execute, Request};
pub use thread::spawn;
