//! The heartbeat: sends back whatever comes. A ROUTER and not a REP, because odd frames must not stop it.

use super::connections::Connections;
use super::endpoint::Listener;
use super::router::{self, Terms};
use super::tasks::Owned;
use super::zmtp::admission::Admission;
use super::zmtp::reader::Limits;

/// A heartbeat that beats until it is dropped.
pub struct Heartbeat(#[allow(dead_code, reason = "held, so that the task lives")] Owned);

/// Serves a listener as a heartbeat.
pub fn serve(listener: Listener, connections: &Connections) -> Heartbeat {
    // Pings are a few bytes; there is no place for anything large.
    let limits = Limits { message_bytes: 4096, frames: 16, small_bytes: 4096, large: Admission::new(0) };
    let terms = Terms { limits, unread: 1 << 20, unread_by_all: 4 << 20 };
    let (mut router, sender) = router::serve(listener, terms, connections);
    Heartbeat(Owned::spawn(async move {
        while let Some(beat) = router.receive().await {
            if let Err(error) = sender.send(&beat.identity, &beat.frames) {
                tracing::debug!(%error, "a heartbeat was not answered");
            }
        }
    }))
}
