//! A session: a memory image, a workspace and a policy. Knows nothing of Jupyter or MCP.

pub mod advise;
pub mod commands;
mod commit;
pub mod desk;
pub mod event;
pub mod external;
pub mod guest;
pub mod handle;
pub mod house;
pub mod journal;
pub mod keeper;
pub mod limits;
pub mod opening;
mod outgoing;
pub mod output;
mod pace;
pub mod request;
pub mod store;
pub mod stored_files;
pub mod thread;
pub mod timeline;
mod travel;
pub mod verdict;
pub mod visit;
pub mod working_copy;
pub mod workspace;

pub use event::{Event, Events, InputAnswer, Outcome, Queued, State, StreamName, TrapReason, Usage};
pub use guest::{Guest, GuestError, Origin};
pub use handle::{Job, SessionHandle};
pub use limits::Limits;
pub use opening::{Keeping, Resume, Which};
pub use request::{CommKind, Execute, Request};
pub use thread::spawn;
