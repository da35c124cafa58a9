//! The Jupyter kernel: what to do for each request, given a session. It turns requests into what a
//! session is asked and a session's events into messages on IOPub. It knows no wasm and no ZeroMQ.
//!
//! Four tasks, none of which waits for another: *shell intake* takes requests, answers at once what needs
//! no session and queues the rest; the *shell* serves the queue in order; *control* serves interrupts,
//! shutdown and the like; *stdin* brings the user's lines. The heartbeat beats by itself.

mod at_once;
mod between;
mod envelope;
mod events;
mod execute;
mod exit;
mod gate;
pub mod history;
mod iopub;
mod language;
mod lifeline;
mod line;
mod parents;
mod prompt;
mod reply;
mod serve;
mod shell;
mod usage;

pub use exit::Exit;
pub use gate::Launch;
pub use language::Language;
pub use lifeline::Parent;
pub use serve::{Kernel, KernelError};

#[cfg(test)]
mod tests;
