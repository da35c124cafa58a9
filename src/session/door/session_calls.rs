//! What a guest may ask of its own session while a cell runs: `%session`, `%fuel`, and what was run before.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::current::Whose;
use super::event::refusal;
use super::host::DoorHost;
use crate::sandbox::Frame;
use crate::session::advise::Wish;
use crate::session::magics::command::{After, Command, Tell};
use crate::session::magics::text;
use crate::session::operation::{LogEntry, OperationError, Status};
use crate::store::SessionId;

impl DoorHost {
    /// What the session's own kernels ran.
    pub(super) async fn history(&self, asked: Map<String, Value>) -> Frame {
        match self.contact.memory().filter(|_| !self.is_deterministic) {
            Some(memory) => Frame::of(memory.recall(asked).await),
            None => refusal("there is no history here"),
        }
    }

    /// `%session`. What changes the session is checked now and done when the cell has ended.
    pub(in crate::session) async fn session(&self, json: &Map<String, Value>) -> Frame {
        if self.with(|current| current.whose == Whose::Between) == Some(true) {
            return refusal("`%session` is for cells, and none is running");
        }
        let command = match Command::parse(json) {
            Ok(command) => command,
            Err(problem) => return refusal(&problem),
        };
        let ends = match &command {
            Command::Tell(tell) => return self.tell(*tell).await,
            Command::After(After::Fork(id)) if self.only_uuids && !id.is_uuid() => {
                return refusal(&OperationError::NotAUuid(SessionId::random()).to_string());
            }
            Command::After(_) => false,
            Command::Go(to) => {
                // Another image's session has no states here, only what was pickled.
                if *to == crate::timeline::Move::Resume && self.portable.load(Ordering::Acquire) {
                    self.with(|current| current.command = Some(command));
                    return Frame::of(json!({"text": "", "ends": true}));
                }
                let to = to.clone();
                match self.journal.ask(move |writer| writer.peek(&to)).await {
                    Ok(Ok(_)) => true,
                    Ok(Err(error)) | Err(error) => return refusal(&error.to_string()),
                }
            }
        };
        self.with(|current| current.command = Some(command));
        Frame::of(json!({"text": "", "ends": ends}))
    }

    /// `%fuel`. It changes what is shown and nothing else.
    pub(super) fn fuel_display(&self, json: &Map<String, Value>) -> Frame {
        let mut fuel = self.fuel.lock();
        let text = match json.get("command").and_then(Value::as_str) {
            Some("show") if fuel.1.is_empty() => "no cell has been run yet",
            Some("show") => return Frame::of(json!({"bundle": fuel.1})),
            Some("on") => {
                fuel.0 = Wish::Always;
                "the fuel of every cell is shown from now on"
            }
            Some("off") => {
                fuel.0 = Wish::Never;
                "the fuel of cells is not shown any more"
            }
            _ => return refusal("%fuel takes `on` or `off`, or nothing"),
        };
        Frame::of(json!({"text": text}))
    }

    pub(super) async fn tell(&self, tell: Tell) -> Frame {
        let id = self.journal.id().clone();
        let asked = self.journal.ask(move |writer| {
            writer.write_beginning();
            match tell {
                Tell::Status => text::status(&Status::of(&id, &writer.standing().lock(), writer.log())),
                Tell::Log => text::log(&LogEntry::all(writer.log()), writer.standing().lock().problem()),
            }
        });
        match asked.await {
            Ok(text) => Frame::of(json!({"text": text, "ends": false})),
            Err(error) => refusal(&error.to_string()),
        }
    }
}
