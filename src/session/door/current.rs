//! The request that a guest is serving: whose it is, where its output goes, and what the guest has said of it so far.

use std::sync::Arc;
use std::time::Instant;

use super::asking::{Asking, Why};
use super::reply::Expected;
use crate::sandbox::{Frame, Gauges, Refused};
use crate::session::event::Event;
use crate::session::magics::command::Command;
use crate::session::output::Output;
use crate::session::telemetry::Denial;

/// The request that is being served.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) request: Option<Frame>,
    /// The id under which a face knows it, if it has one.
    pub(super) id: Option<Arc<str>>,
    pub(super) reply: Option<Frame>,
    pub(super) expected: Expected,
    pub(super) output: Output,
    pub(super) asking: Asking,
    /// What is to be done with the session when the cell has ended.
    pub(super) command: Option<Command>,
    pub(super) allow_stdin: bool,
    pub(super) gauges: Option<(Gauges, Refused)>,
    /// What the host refused at the door.
    pub(super) denials: Vec<Denial>,
    /// Lines for the log until now.
    pub(super) logged: u32,
    /// The request's id, if the guest only knows [`STAND_IN`].
    pub(super) parent: Option<String>,
    /// Whose request it is.
    pub(super) whose: Whose,
    /// The comm message that the cell has taken while it waited.
    pub(super) taken: Option<Arc<str>>,
    /// When the guest's event loop wants to go on.
    pub(super) wakes: Option<Instant>,
    /// Whether the guest waits for a line.
    pub(super) asks: bool,
}

impl Current {
    /// A request that the guest has not asked for yet.
    pub(super) fn new(request: Frame, expected: Expected, output: Output, allow_stdin: bool, whose: Whose) -> Self {
        let id = request.json.get("msg_id").and_then(serde_json::Value::as_str).map(Arc::from);
        Self {
            whose,
            taken: None,
            id,
            request: Some(request),
            reply: None,
            expected,
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

    /// Why the guest was interrupted, which it asks.
    pub(super) fn why(&mut self) -> Why {
        let asked = self.gauges.as_ref().map(|(gauges, _)| gauges.take_asked()).unwrap_or_default();
        asked.into_iter().for_each(|asked| self.asking.note(asked));
        self.asking.tell()
    }

    /// The cell takes a comm message: what comes now belongs to that.
    pub(super) fn take(&mut self, id: &str) {
        self.taken = Some(id.into());
        self.serving(true);
    }

    /// It is done with the one that it took, if any.
    pub(super) fn end_taken(&mut self) {
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
pub(super) enum Whose {
    /// A face's. A cell may take comm messages while it waits.
    Face { is_cell: bool },
    /// The host's own, to let the guest's event loop go on.
    Between,
}
