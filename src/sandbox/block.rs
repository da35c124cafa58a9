//! Waiting for a future of wasmtime's on the spot.

use std::pin::pin;
use std::task::{Context, Poll};

use super::control::Waker;

/// Polls a future of wasmtime's that does not wait for anything but itself.
pub(super) fn to_end<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::here();
    let task = std::task::Waker::from(waker.clone());
    let mut context = Context::from_waker(&task);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        if !waker.take() {
            std::thread::park();
        }
    }
}
