//! What the door has of a request when its turn has ended.

use std::sync::Arc;

use super::reply::Reply;
use crate::session::magics::command::Command;
use crate::session::telemetry::Denial;

/// What a request left behind.
#[derive(Debug, Default)]
pub struct Served {
    /// The guest's reply, if it gave one.
    pub reply: Option<Reply>,
    /// What the cell asked for with `%session`.
    pub command: Option<Command>,
    /// Whether the guest asked for the request.
    pub taken: bool,
    /// Whether stdout and stderr were cut.
    pub cut: (bool, bool),
    /// What the guest was refused.
    pub denials: Vec<Denial>,
    /// What ran last, if it was not the request itself, or nobody asked.
    pub task: Option<Task>,
}

/// Something that an earlier cell started.
#[derive(Debug)]
pub struct Task {
    /// The id of that cell's request.
    pub request: Option<Arc<str>>,
    /// Its number, if it is known.
    pub cell: Option<u64>,
    /// Whether no request was served.
    pub is_between: bool,
}
