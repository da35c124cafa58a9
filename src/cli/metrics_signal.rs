//! SIGUSR1: a snapshot of the metrics for the log. The signal must never end the process, so it is heeded from the
//! first moment on, and answered once there is something to answer with. It interrupts nothing: a thread of its
//! own waits for it.

use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::observe::Metrics;

/// The requests for snapshots.
pub(super) struct SnapshotRequests {
    runtime: Runtime,
    signal: Signal,
}

impl SnapshotRequests {
    /// From now on they are heeded. What comes before [`SnapshotRequests::answer`] is answered then, once.
    pub(super) fn heed() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let signal = {
            let _inside = runtime.enter();
            signal(SignalKind::user_defined1())?
        };
        Ok(Self { runtime, signal })
    }

    /// Logs a snapshot of `metrics` for each from now on.
    pub(super) fn answer(mut self, metrics: Arc<Metrics>) -> io::Result<()> {
        let answer = move || {
            self.runtime.block_on(async {
                while self.signal.recv().await.is_some() {
                    metrics.log();
                }
            });
        };
        std::thread::Builder::new().name("metrics".to_owned()).spawn(answer).map(drop)
    }
}
