//! What leaves a session goes through the firewall here: each event on its way out, and the content of the reply.
//! Whose it is makes no difference: what the host says itself may quote the guest.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::firewall::work::{self, Budget};
use crate::firewall::{self, Comms, Firewall, Removals, Terminal, Verdict};
use crate::session::event::{Event, StreamName};
use crate::session::request::CommKind;

/// The longest name of a display, a comm or a target, in bytes.
const MAX_NAME: usize = 256;

/// Completions, payloads and expressions of one reply.
const MOST: usize = 10_000;

/// The firewall of a session, with what it has to remember of it.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    firewall: Firewall,
    comms: Arc<Mutex<Comms>>,
}

impl SessionFilter {
    /// The firewall of a new session.
    pub fn new(firewall: Firewall) -> Self {
        Self { firewall, comms: Arc::default() }
    }
}

/// What one request sends out, on its way through the firewall.
#[derive(Debug)]
pub struct RequestFilter {
    session_filter: SessionFilter,
    stdout: Terminal,
    stderr: Terminal,
    removed: Removals,
    /// What checking the request's outputs may still cost.
    budget: Budget,
}

/// An event that is checked elsewhere, so that the guest can be interrupted meanwhile.
#[derive(Debug)]
pub struct Check {
    event: Event,
    outgoing: RequestFilter,
}

/// What became of it.
#[derive(Debug)]
pub struct Checked {
    event: Option<Event>,
    removed: Removals,
}

impl Check {
    /// Checks the event.
    pub fn run(mut self) -> Checked {
        let event = self.outgoing.checked(self.event);
        Checked { event, removed: self.outgoing.removed }
    }
}

impl RequestFilter {
    /// Of a request that begins: its streams begin anew.
    pub fn new(session_filter: SessionFilter) -> Self {
        Self {
            session_filter,
            stdout: Terminal::default(),
            stderr: Terminal::default(),
            removed: Removals::new(),
            budget: Budget::new(work::PER_CELL),
        }
    }

    /// An event to be checked elsewhere. What it costs is taken now.
    pub fn check(&mut self, mut event: Event) -> Check {
        self.afford(&mut event);
        Check { event, outgoing: Self::new(self.session_filter.clone()) }
    }

    /// What may go out of an event that was checked elsewhere, if anything.
    pub fn done(&mut self, checked: Checked) -> Option<Event> {
        self.removed.merge(&checked.removed);
        checked.event
    }

    /// Takes what an event's check costs, and out of it what cannot be afforded.
    fn afford(&mut self, event: &mut Event) {
        match event {
            Event::Display { data, .. } | Event::Result { data, .. } => {
                self.session_filter.firewall.afford(data, &mut self.budget, &mut self.removed);
            }
            Event::Comm { content, .. } => {
                let data = content.get_mut("data");
                if let Some(data) = data.filter(|data| !self.budget.take(work::of_comm(data))) {
                    // Nothing that a widget could take for an update.
                    *data = Value::Null;
                    self.removed.add(firewall::Kind::TooLarge);
                }
            }
            _ => {}
        }
    }

    /// What was removed until now.
    pub fn removed(&self) -> &Removals {
        &self.removed
    }

    /// What may go out of an event, if anything.
    pub fn event(&mut self, mut event: Event) -> Option<Event> {
        self.afford(&mut event);
        self.checked(event)
    }

    fn checked(&mut self, event: Event) -> Option<Event> {
        Some(match event {
            Event::Stream { name, text } => Event::Stream { name, text: self.stream(name, text)? },
            Event::Display { mut data, mut metadata, transient, update } => {
                self.bundle(&mut data, &mut metadata);
                Event::Display { data, metadata, transient: display_id(transient), update }
            }
            Event::Result { mut data, mut metadata } => {
                self.bundle(&mut data, &mut metadata);
                Event::Result { data, metadata }
            }
            Event::Error { mut ename, mut evalue, mut traceback } => {
                self.lines([&mut ename]);
                self.lines([&mut evalue]);
                self.lines(&mut traceback);
                Event::Error { ename, evalue, traceback }
            }
            Event::Comm { kind, content, metadata, buffers } => {
                let (content, metadata) = self.comm(kind, content, metadata)?;
                Event::Comm { kind, content, metadata, buffers }
            }
            Event::Input { mut prompt, password, answer } => {
                self.lines([&mut prompt]);
                Event::Input { prompt, password, answer }
            }
            Event::ClearOutput { .. } | Event::Serving { .. } | Event::Done(_) => event,
        })
    }

    /// What may go out of a reply, in place. Replies are told apart by their keys, which are known; others go.
    pub fn reply(&mut self, content: &mut Map<String, Value>) {
        self.budget = Budget::new(work::PER_REPLY);
        self.parts(content);
    }

    fn parts(&mut self, content: &mut Map<String, Value>) {
        let mut metadata = match content.remove("metadata") {
            Some(Value::Object(metadata)) => Some(metadata),
            _ => None,
        };
        content.retain(|key, value| self.part(key, value, &mut metadata));
        if let Some(mut metadata) = metadata {
            if content.contains_key("matches") {
                self.types(&mut metadata);
            }
            content.insert("metadata".to_owned(), metadata.into());
        }
    }

    /// One part of a reply; whether it stays.
    fn part(&mut self, key: &str, value: &mut Value, metadata: &mut Option<Map<String, Value>>) -> bool {
        match (key, value) {
            ("ename" | "evalue", Value::String(text)) => self.lines([text]),
            ("traceback", Value::Array(lines)) => {
                lines.retain(Value::is_string);
                self.lines(lines.iter_mut().filter_map(text_of));
            }
            ("payload", Value::Array(payloads)) => {
                payloads.truncate(MOST);
                payloads.retain_mut(|payload| self.payload(payload));
            }
            ("user_expressions", Value::Object(answers)) => {
                answers.retain(|_, answer| self.answer(answer));
            }
            ("data", Value::Object(data)) => {
                self.session_filter.firewall.afford(data, &mut self.budget, &mut self.removed);
                self.bundle(data, metadata.get_or_insert_default());
            }
            ("matches", Value::Array(matches)) => {
                matches.truncate(MOST);
                matches.retain(Value::is_string);
                matches.iter_mut().filter_map(text_of).for_each(|text| self.code(text));
            }
            ("indent", Value::String(text)) => self.code(text),
            ("comms", Value::Object(comms)) => {
                comms.retain(|id, comm| {
                    let target = comm.get("target_name").and_then(Value::as_str).unwrap_or_default();
                    is_name(id) && is_name(target)
                });
            }
            ("status", Value::String(status)) => return is_word(status),
            ("cursor_start" | "cursor_end" | "execution_count", value) => return value.is_number(),
            ("found" | "exit" | "keep", value) => return value.is_boolean(),
            _ => return false,
        }
        true
    }

    /// What a cell asks of the front end. An editor, which some open on a file of the host, is not among it.
    fn payload(&mut self, payload: &mut Value) -> bool {
        let Some(payload) = payload.as_object_mut() else { return false };
        let source = payload.get("source").and_then(Value::as_str).unwrap_or_default().to_owned();
        match source.as_str() {
            "page" => {
                payload.retain(|key, value| match key.as_str() {
                    "source" => true,
                    "data" => value.is_object(),
                    "start" => value.is_number(),
                    _ => false,
                });
                if let Some(Value::Object(data)) = payload.get_mut("data") {
                    self.session_filter.firewall.afford(data, &mut self.budget, &mut self.removed);
                    self.bundle(data, &mut Map::new());
                }
                true
            }
            "set_next_input" => {
                payload.retain(|key, value| match key.as_str() {
                    "source" => true,
                    "text" => value.is_string(),
                    "replace" => value.is_boolean(),
                    _ => false,
                });
                if let Some(text) = payload.get_mut("text").and_then(text_of) {
                    self.code(text);
                }
                true
            }
            "ask_exit" => {
                payload.retain(|key, value| key == "source" || (key == "keepkernel" && value.is_boolean()));
                true
            }
            _ => {
                self.removed.add(firewall::Kind::UnknownType);
                false
            }
        }
    }

    /// The answer to a user expression: a bundle or an error.
    fn answer(&mut self, answer: &mut Value) -> bool {
        let Some(answer) = answer.as_object_mut() else { return false };
        self.parts(answer);
        true
    }

    fn stream(&mut self, name: StreamName, mut text: String) -> Option<String> {
        let state = match name {
            StreamName::Stdout => &mut self.stdout,
            StreamName::Stderr => &mut self.stderr,
        };
        self.session_filter.firewall.text(state, &mut text, &mut self.removed);
        (!text.is_empty()).then_some(text)
    }

    fn bundle(&mut self, data: &mut Map<String, Value>, metadata: &mut Map<String, Value>) {
        self.session_filter.firewall.bundle(data, metadata, &mut self.removed);
    }

    fn lines<'t>(&mut self, lines: impl IntoIterator<Item = &'t mut String>) {
        self.session_filter.firewall.lines(lines, &mut self.removed);
    }

    fn code(&mut self, text: &mut String) {
        self.session_filter.firewall.next_input(text, &mut self.removed);
    }

    /// What completions are, for the front end's list of them.
    fn types(&mut self, metadata: &mut Map<String, Value>) {
        metadata.retain(|key, value| key == "_jupyter_types_experimental" && value.is_array());
        for entry in metadata.values_mut().filter_map(Value::as_array_mut) {
            entry.truncate(MOST);
            entry.retain(Value::is_object);
            for fields in entry.iter_mut().filter_map(Value::as_object_mut) {
                fields.retain(|_, value| value.is_string() || value.is_number());
                fields.values_mut().filter_map(text_of).for_each(|text| self.code(text));
            }
        }
    }

    /// A comm message that may go out: of the content nothing but what is known.
    fn comm(
        &mut self,
        kind: CommKind,
        mut content: Map<String, Value>,
        mut metadata: Map<String, Value>,
    ) -> Option<(Map<String, Value>, Map<String, Value>)> {
        let text = |key: &str| content.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, target) = (text("comm_id"), text("target_name"));
        let mut data = content.remove("data").unwrap_or_else(|| Map::new().into());
        let kind = match kind {
            CommKind::Open => firewall::CommKind::Open,
            CommKind::Msg => firewall::CommKind::Message,
            CommKind::Close => firewall::CommKind::Close,
        };
        let mut comms = self.session_filter.comms.lock();
        let message = firewall::Message { kind, id: &id, target: &target };
        let verdict = self.session_filter.firewall.comm(&mut comms, message, &mut data, &mut self.removed);
        if verdict == Verdict::Refuse {
            return None;
        }
        content.clear();
        content.insert("comm_id".to_owned(), id.into());
        if kind == firewall::CommKind::Open {
            content.insert("target_name".to_owned(), target.into());
        }
        content.insert("data".to_owned(), data);
        metadata.retain(|_, value| match value {
            Value::String(text) => text.len() <= MAX_NAME,
            value => !value.is_object() && !value.is_array(),
        });
        Some((content, metadata))
    }
}

/// Of what concerns a display and is not kept with it, its name.
fn display_id(mut transient: Map<String, Value>) -> Map<String, Value> {
    transient.retain(|key, value| key == "display_id" && value.as_str().is_some_and(is_name));
    transient
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME && !name.contains(char::is_control)
}

fn is_word(word: &str) -> bool {
    word.len() <= 16 && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn text_of(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
