//! The Jupyter kernel: what to do for each request, given a session. It turns requests into what a
//! session is asked and a session's events into messages on IOPub. It knows no wasm and no ZeroMQ.
//!
//! Four tasks, none of which waits for another: *shell intake* takes requests, answers at once what needs
//! no session and queues the rest; the *shell* serves the queue in order; *control* serves interrupts,
//! shutdown and the like; *stdin* brings the user's lines. The heartbeat beats by itself.

mod answers;
mod between;
mod envelope;
mod events;
mod execute;
mod exit;
pub mod history;
mod immediate;
mod iopub;
mod language;
mod lifetime;
mod parents;
mod pending;
mod prompt;
mod queue;
mod reply;
mod serve;
mod shell;
mod startup;
mod usage;

pub use exit::Exit;
pub use lifetime::Parent;
pub use serve::{Kernel, KernelError};
pub use startup::Launch;

#[cfg(test)]
mod tests;
