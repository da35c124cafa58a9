//! `status`: what the kernel is doing.

use serde::Serialize;

/// The states of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecutionState {
    Starting,
    Busy,
    Idle,
}

/// The content of a `status` message.
#[derive(Debug, Serialize)]
pub struct Status {
    pub execution_state: ExecutionState,
}
