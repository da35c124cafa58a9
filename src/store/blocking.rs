//! Runs the object store's futures for callers that are plain threads. Knows nothing of what they do.

use std::future::Future;
use std::sync::mpsc;

use super::error::StoreError;

/// How futures are run.
pub enum Engine {
    /// On the caller's thread: for stores that never wait for anything but the disk.
    Inline,
    /// On a runtime of their own: for stores behind a network.
    Network(Network),
}

/// A tokio runtime that may be dropped anywhere.
pub struct Network(Option<tokio::runtime::Runtime>);

impl Engine {
    pub fn network() -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("session-store")
            .enable_all()
            .build()
            .map_err(|error| StoreError::io("cannot start threads for", "the session store", error))?;
        Ok(Self::Network(Network(Some(runtime))))
    }

    /// Whether requests take so long that several should be under way at a time.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Network(_))
    }

    /// Waits for the result. None if the runtime is gone, which it is only if the future panicked.
    pub fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let network = match self {
            Self::Inline => return Some(futures::executor::block_on(future)),
            Self::Network(network) => network,
        };
        // Not `block_on`, which panics on a thread that belongs to another runtime.
        let (done, result) = mpsc::sync_channel(1);
        network.0.as_ref()?.spawn(async move { drop(done.send(future.await)) });
        result.recv().ok()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
