//! The request that a guest is serving: whose it is, where its output goes, and what the guest has said of it so far.

use std::sync::Arc;
use std::time::Instant;

use super::asking::Asking;
use crate::sandbox::{Frame, Gauges, Refused};
use crate::session::event::Event;
use crate::session::magics::command::Command;
use crate::session::output::Output;
use crate::session::telemetry::Denial;

/// The request that is being served.
#[derive(Debug)]
pub(in crate::session) struct Current {
    pub(in crate::session) request: Option<Frame>,
    pub(in crate::session) reply: Option<Frame>,
    pub(in crate::session) output: Output,
    pub(in crate::session) asking: Asking,
    /// What is to be done with the session when the cell has ended.
    pub(in crate::session) command: Option<Command>,
    pub(in crate::session) allow_stdin: bool,
    pub(in crate::session) gauges: Option<(Gauges, Refused)>,
    /// What the host refused at the door.
    pub(in crate::session) denials: Vec<Denial>,
    /// Lines for the log until now.
    pub(in crate::session) logged: u32,
    /// The request's id, if the guest only knows [`STAND_IN`].
    pub(in crate::session) parent: Option<String>,
    /// Whose request it is.
    pub(in crate::session) whose: Whose,
    /// The comm message that the cell has taken while it waited.
    pub(in crate::session) taken: Option<Arc<str>>,
    /// When the guest's event loop wants to go on.
    pub(in crate::session) wakes: Option<Instant>,
    /// Whether the guest waits for a line.
    pub(in crate::session) asks: bool,
}

impl Current {
    /// A request that the guest has not asked for yet.
    pub(in crate::session) fn new(request: Frame, output: Output, allow_stdin: bool, whose: Whose) -> Self {
        Self {
            whose,
            taken: None,
            request: Some(request),
            reply: None,
            output,
            asking: Asking::default(),
            command: None,
            allow_stdin,
            parent: None,
            gauges: None,
            denials: Vec::new(),
            logged: 0,
            wakes: None,
            asks: false,
        }
    }

    /// The cell takes a comm message: what comes now belongs to that.
    pub(in crate::session) fn take(&mut self, id: &str) {
        self.taken = Some(id.into());
        self.serving(true);
    }

    /// It is done with the one that it took, if any.
    pub(in crate::session) fn end_taken(&mut self) {
        if self.taken.is_some() {
            self.serving(false);
            self.taken = None;
        }
    }

    fn serving(&mut self, busy: bool) {
        let before = self.output.belong_to(self.taken.clone());
        self.output.event(Event::Serving { busy }, None);
        self.output.belong_to(before);
    }
}

/// Whose a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Whose {
    /// A face's. A cell may take comm messages while it waits.
    Face { is_cell: bool },
    /// The host's own, to let the guest's event loop go on.
    Between,
}
