//! Renews the leases of one backend from a thread of its own, however long a session does nothing.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{OnceLock, Weak};
use std::time::Duration;

use super::lease::Shared;

/// How often every lease is looked at.
const ROUND: Duration = Duration::from_secs(5);

/// The way to that thread, which starts with the first lease and ends with the backend.
pub struct LeaseRenewer {
    thread: Option<OnceLock<Sender<Weak<Shared>>>>,
}

impl LeaseRenewer {
    /// Without a thread, leases are renewed on use only.
    pub fn new(with_thread: bool) -> Self {
        Self { thread: with_thread.then(OnceLock::new) }
    }

    /// Renews this lease from now on, until it is dropped.
    pub fn look_after(&self, lease: Weak<Shared>) {
        let Some(thread) = &self.thread else { return };
        // It fails only with the thread; then leases are renewed on use.
        let _ = thread.get_or_init(start).send(lease);
    }
}

fn start() -> Sender<Weak<Shared>> {
    let (sender, leases) = channel::<Weak<Shared>>();
    let serve = move || {
        let mut kept: Vec<Weak<Shared>> = Vec::new();
        loop {
            let came = if kept.is_empty() {
                leases.recv().map_err(RecvTimeoutError::from)
            } else {
                leases.recv_timeout(ROUND)
            };
            match came {
                Ok(lease) => kept.push(lease),
                Err(RecvTimeoutError::Timeout) => {
                    kept.retain(|lease| lease.upgrade().is_some_and(|lease| lease.keep()))
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("session-leases".to_owned()).spawn(serve) {
        tracing::warn!(%error, "leases of sessions are only renewed when cells are committed");
    }
    sender
}
