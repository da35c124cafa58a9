//! What leaves a session goes through the firewall here: each event on its way out, and the content of the reply.
//! Whose it is makes no difference: what the host says itself may quote the guest.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::firewall::work::{self, Budget};
use crate::firewall::{self, Comms, Firewall, Removals, Terminal, Verdict};
use crate::session::answer::{
    Answer, Bundle, CellAnswer, Completeness, Completion, Completions, Failure, Payload, Variable,
};
use crate::session::event::{Event, StreamName};
use crate::session::request::CommKind;

/// The longest name of a display, a comm or a target, in bytes.
const MAX_NAME: usize = 256;

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
            Event::Error(mut failure) => {
                self.failure(&mut failure);
                Event::Error(failure)
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

    /// What may go out of what a request is answered, in place.
    pub fn answer(&mut self, failure: &mut Option<Failure>, answer: &mut Answer) {
        self.budget = Budget::new(work::PER_REPLY);
        if let Some(failure) = failure {
            self.failure(failure);
        }
        match answer {
            Answer::None | Answer::Inspection(None) => {}
            Answer::Cell(CellAnswer { payloads, expressions, leaves: _ }) => {
                payloads.retain_mut(|payload| self.payload(payload));
                for answer in expressions.values_mut() {
                    match answer {
                        Ok(bundle) => self.afforded(bundle),
                        Err(failure) => self.failure(failure),
                    }
                }
            }
            Answer::Completions(Completions { matches, .. }) => {
                for Completion { text, kind, signature } in matches {
                    self.code(text);
                    kind.iter_mut().chain(signature).for_each(|text| self.code(text));
                }
            }
            Answer::Inspection(Some(bundle)) => self.afforded(bundle),
            Answer::Completeness(Completeness::Incomplete { indent }) => self.code(indent),
            Answer::Completeness(_) => {}
            Answer::Variables(variables) => {
                for Variable { name, kind, shape, text } in variables {
                    [Some(name), Some(kind), shape.as_mut(), text.as_mut()]
                        .into_iter()
                        .flatten()
                        .for_each(|text| self.code(text));
                }
            }
            Answer::Comms(comms) => comms.retain(|id, target| is_name(id) && is_name(target)),
        }
    }

    fn failure(&mut self, failure: &mut Failure) {
        self.lines([&mut failure.name]);
        self.lines([&mut failure.text]);
        self.lines(&mut failure.traceback);
    }

    /// What a cell asks of the front end. An editor, which some open on a file of the host, is not among it.
    fn payload(&mut self, payload: &mut Payload) -> bool {
        match payload {
            Payload::Page { bundle, .. } => self.afforded(bundle),
            Payload::NextInput { text, .. } => self.code(text),
            Payload::Unknown => {
                self.removed.add(firewall::Kind::UnknownType);
                return false;
            }
        }
        true
    }

    /// A bundle of the answer's, as far as its check can be paid for.
    fn afforded(&mut self, bundle: &mut Bundle) {
        self.session_filter.firewall.afford(&mut bundle.data, &mut self.budget, &mut self.removed);
        self.bundle(&mut bundle.data, &mut bundle.metadata);
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

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
