//! The Jupyter face: the messaging protocol on five sockets, and a kernel that turns its requests into what a session is
//! asked, and a session's events into messages. Knows no wasm, and no files of sessions.

pub mod kernel;
pub mod sockets;
pub mod wire;
