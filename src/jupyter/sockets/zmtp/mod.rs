//! The part of ZMTP 3.0 and 3.1 (the protocol below ZeroMQ) that a kernel's sockets need: greeting, NULL
//! or CURVE security, READY, frames, subscriptions and heartbeats. Pure parsing is apart from reading, and no
//! length that a peer announces is ever allocated before its bytes have come.

pub mod admission;
pub mod command;
pub mod curve;
pub mod frame;
pub mod greeting;
pub mod handshake;
pub mod reader;

/// What is wrong with what a peer sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ZmtpError {
    #[error("the peer does not speak ZMTP 3")]
    Greeting,
    #[error("the peer wants security mechanism {0:?}; only {1} is served here")]
    Mechanism(String, &'static str),
    #[error("{0}")]
    Security(&'static str),
    #[error("a frame with reserved flags {0:#04x}")]
    Flags(u8),
    #[error("a message of {0} bytes or more, beyond the limit of {1}")]
    TooLarge(u64, usize),
    #[error("a message of more than {0} frames")]
    TooManyFrames(usize),
    #[error("a malformed command")]
    Command,
    #[error("the peer is a {0:?} socket, which does not fit")]
    SocketType(String),
    #[error("the peer does not read the answers to its commands")]
    Unread,
    #[error("the peer took too long")]
    TimedOut,
    #[error("the peer has gone")]
    Closed,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
