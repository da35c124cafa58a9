//! The five ZeroMQ sockets of a kernel, over tcp and ipc: a [`Router`](router::Router) each for shell,
//! control and stdin, an echo for the heartbeat, a [`Publisher`](publisher::Publisher) for iopub. They
//! carry frames and never know what a message means.
//!
//! The `zeromq` crate cannot serve them to the bar that a kernel needs: its codec reserves whatever
//! length a client announces, before any handshake, so that one frame header aborts the process, and
//! its XPUB waits for each subscriber in turn. The part of ZMTP 3.1 that a kernel needs is small; it is in
//! [`zmtp`].

mod connections;
pub mod endpoint;
pub mod heartbeat;
mod outbox;
pub mod publisher;
pub mod router;
mod sealing;
mod subscriptions;
mod tasks;
pub mod zmtp;

pub use connections::Connections;
pub use endpoint::{Endpoint, Listener};
pub use publisher::Publisher;
pub use router::{Delivery, Router, RouterSender};
