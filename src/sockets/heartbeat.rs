//! The heartbeat: sends back whatever comes. A ROUTER and not a REP, because odd frames must not stop it.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::endpoint::Listener;
use super::router;
use super::tasks::Owned;
use super::zmtp::reader::Limits;

/// A heartbeat that beats until it is dropped.
pub struct Heartbeat(#[allow(dead_code, reason = "held, so that the task lives")] Owned);

/// Serves a listener as a heartbeat.
pub fn serve(listener: Listener) -> Heartbeat {
    // Pings are a few bytes; there is no place for anything large.
    let limits =
        Limits { message_bytes: 64 * 1024, frames: 16, small_bytes: 64 * 1024, large: Arc::new(Semaphore::new(0)) };
    let (mut router, sender) = router::serve(listener, limits);
    Heartbeat(Owned::spawn(async move {
        while let Some(beat) = router.receive().await {
            if let Err(error) = sender.send(&beat.identity, &beat.frames) {
                tracing::debug!(%error, "a heartbeat was not answered");
            }
        }
    }))
}
