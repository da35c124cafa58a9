//! A session: a memory image, a workspace and a policy. Knows nothing of Jupyter or MCP.

pub mod desk;
pub mod event;
pub mod guest;
pub mod handle;
pub mod limits;
pub mod output;
pub mod request;
pub mod thread;
pub mod verdict;
pub mod workspace;

pub use event::{Event, Events, InputAnswer, Outcome, Queued, State, StreamName, TrapReason, Usage};
pub use guest::{Guest, GuestError, Origin};
pub use handle::{Job, SessionHandle};
pub use limits::Limits;
pub use request::{CommKind, Execute, Request};
pub use thread::spawn;
