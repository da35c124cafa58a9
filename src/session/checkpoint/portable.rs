//! What of a session another version, or another image, can take up: what the guest can put into words of its own.

use std::time::Duration;

use serde_json::{Value, json};

use super::commit::{Files, Kind};
use crate::observe::shown;
use crate::sandbox::{Frame, room_for_structure};
use crate::session::journal::JournalError;
use crate::session::live::{LiveSession, SessionError};
use crate::session::operation::{Arrival, Portable};

/// How long that may take when the kernel is about to end, and when there is time.
pub(super) const IN_HASTE: Duration = Duration::from_secs(2);
pub(super) const AT_LEISURE: Duration = Duration::from_secs(30);

impl LiveSession {
    /// Keeps what can be pickled of the session, for when its image is gone. What goes wrong is logged.
    pub(super) fn save_portable(&mut self, patience: Duration) {
        if !self.spec.language.has_portable || self.journal.with(|writer| writer.current().is_none()).unwrap_or(true) {
            return;
        }
        let request = Frame::of(json!({"op": "portable", "max_bytes": self.spec.limits.message / 2}));
        let saved = self.ask(request, patience).and_then(|reply| {
            let bytes = reply.to_bytes();
            Ok(self.journal.with(move |writer| writer.set_portable(&bytes))??)
        });
        if let Err(error) = saved {
            tracing::warn!(%error, session = %self.journal.id(), "the portable part of the session was not saved");
            // A guest that was stopped in the middle is no guest any more.
            self.restore();
        }
    }

    /// Takes up what was pickled of a session whose image is gone.
    pub(super) fn take_up(&mut self) -> Result<Arrival, SessionError> {
        let Some(bytes) = self.journal.with(|writer| writer.portable())?? else {
            return Ok(Arrival { portable: Some(Portable::Nothing), ..Arrival::default() });
        };
        let mut frame = Frame::parse(&bytes.into(), room_for_structure(self.spec.limits.message)).map_err(|error| {
            JournalError::Damaged { what: "the portable part of the session", why: error.to_string() }
        })?;
        frame.json.insert("op".to_owned(), "load_portable".into());
        let mut lost = names(&frame.json, "lost");
        // Stopped in the midst of it, a guest has half of what was to be taken up.
        let reply = self.ask(frame, AT_LEISURE).inspect_err(|_| self.go_back())?;
        lost.extend(names(&reply.json, "lost"));
        let loaded = reply.json.get("loaded").and_then(Value::as_array).map_or(0, Vec::len);
        self.commit(&Kind::Aside { is_comm: false }, Files::Same)?;
        self.telemetry.took_up(&self.last_cell);
        let arrival = self.journal.with(|writer| writer.log().map(Arrival::at))?.unwrap_or_default();
        Ok(Arrival { portable: Some(Portable::TakenUp { loaded, lost }), ..arrival })
    }
}

/// The names in a list of what was lost, as many as can be read.
fn names(json: &serde_json::Map<String, Value>, key: &str) -> Vec<String> {
    let entries = json.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |entry: &Value| Some(shown(entry.get("name")?.as_str()?, 100));
    entries.iter().filter_map(name).take(100).collect()
}
