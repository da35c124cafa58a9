//! What a guest can reach of the host, as a value that is handed in: the door and the two text streams.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use super::frame::Frame;

/// A future of a host call; it may wait, and is dropped when the guest is.
pub type HostCall<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Serves one guest. Called on the guest's thread only, between and during polls of its future.
pub trait GuestHost: Send + Sync + 'static {
    /// Answers one frame of the door.
    fn call(&self, frame: Frame) -> HostCall<'_, Frame>;

    /// What the host's work on a frame costs the guest, in fuel. Nothing, unless it says so.
    fn work(&self, _frame: &Frame) -> u64 {
        0
    }

    /// Takes text that was written to fd 1 (`error` false) or 2. Waits while the output queue is full.
    fn text<'a>(&'a self, error: bool, bytes: &'a [u8]) -> HostCall<'a, ()>;

    /// Whether the guest waits for a person to answer: whatever it has done before, it heeds an interrupt at once.
    fn asks(&self) -> bool {
        false
    }

    /// Called about every millisecond of computing and whenever the guest waits: sends text that has been
    /// held for long enough, and says when to be called again at the latest.
    fn tick(&self, now: Instant) -> Option<Instant>;
}
