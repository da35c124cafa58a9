//! A session: a memory image, a workspace and a policy. Knows nothing of Jupyter or MCP.

pub mod event;
pub mod handle;
pub mod request;

pub use event::{Event, Events, InputAnswer, Outcome, Queued, State, StreamName, TrapReason, Usage};
pub use handle::{Job, SessionHandle};
pub use request::{CommKind, Execute, Request};
