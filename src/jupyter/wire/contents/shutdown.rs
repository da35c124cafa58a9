//! `shutdown_request`, `shutdown_reply` and `interrupt_reply`.

use serde::{Deserialize, Serialize};

use super::tolerant::or_default;

/// Asks the kernel to end.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct ShutdownRequest {
    /// The client will start another kernel in its place.
    #[serde(default, deserialize_with = "or_default")]
    pub restart: bool,
}

/// The kernel ends; `restart` is the request's own.
#[derive(Debug, Serialize)]
pub struct ShutdownReply {
    pub status: &'static str,
    pub restart: bool,
}

impl ShutdownReply {
    /// The reply to a request with this flag.
    pub fn new(restart: bool) -> Self {
        Self { status: "ok", restart }
    }
}

/// The interrupt was passed on.
#[derive(Debug, Serialize)]
pub struct InterruptReply {
    pub status: &'static str,
}
