//! `iopub_welcome`: tells a subscriber that its subscription holds, so that nothing after it is missed.

use serde::Serialize;

/// The content of `iopub_welcome`.
#[derive(Debug, Serialize)]
pub struct Welcome<'a> {
    /// The topic that was subscribed to.
    pub subscription: &'a str,
}
