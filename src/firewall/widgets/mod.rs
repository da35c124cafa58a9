//! Comm messages: widgets of ipywidgets' own modules pass, each trait by what it may be and with what they show as HTML
//! cleaned; widgets that bring code of their own do not. What a widget is has to be remembered, since later messages
//! only name its comm.

mod models;
mod traits;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::removals::{Kind, Removals};
use super::{Permissions, html, prototype};
use models::Model;
use traits::Trait;

/// The largest number of widgets of a session.
const MAX_MODELS: usize = 50_000;

/// The longest name of a comm or a model.
const MAX_NAME: usize = 256;

/// Where widgets' comms lead. What is behind any other target is code of the page that nobody here knows.
const WIDGETS: [&str; 3] = ["jupyter.widget", "jupyter.widget.control", "jupyter.widget.version"];

/// The traits that front-ends may copy from one widget to another by themselves.
const LINKED: [&str; 12] = [
    "value",
    "index",
    "selected_index",
    "min",
    "max",
    "step",
    "disabled",
    "playing",
    "pressed",
    "lower",
    "upper",
    "indices",
];

/// What kind of comm message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommKind {
    Open,
    Message,
    Close,
}

/// Which comm a message is about. `target` is that of an opening.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    pub kind: CommKind,
    pub id: &'m str,
    pub target: &'m str,
}

/// Whether a message passes, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Refuse,
}

/// The widgets of a session, by their comms: enough of each to judge its later messages.
#[derive(Clone, Debug, Default)]
pub struct Comms {
    widgets: HashMap<String, Widget>,
    /// Comms to front-end extensions that the policy names.
    others: HashSet<String>,
    /// Comms that were refused when they were opened, and that was said.
    refused: HashSet<String>,
}

/// What has to be known of a widget.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Widget {
    model: &'static Model,
    /// Whether its description is shown as HTML.
    described_in_html: bool,
    /// Whether a link refers to it: then its name stays its own when it is closed.
    linked: bool,
}

impl Comms {
    /// Checks a message, in place. `targets` are those that the policy allows besides the widgets'.
    pub fn check(
        &mut self,
        may: Permissions,
        targets: &[String],
        message: Message<'_>,
        data: &mut Value,
        removed: &mut Removals,
    ) -> Verdict {
        if may.active_content {
            return Verdict::Pass;
        }
        let Message { kind, id, target } = message;
        prototype::strip(data, removed);
        let passes = match kind {
            _ if id.len() > MAX_NAME => false,
            CommKind::Open if target == WIDGETS[0] => self.open(may, id, data, removed),
            CommKind::Open if WIDGETS.contains(&target) => only(data, &[], removed),
            CommKind::Open => targets.iter().any(|name| name == target) && self.remember_other(id),
            CommKind::Message if self.others.contains(id) => true,
            // Of what the page was not told there is nothing to say.
            CommKind::Message | CommKind::Close if self.refused.contains(id) => false,
            CommKind::Message => self.message(may, id, data, removed),
            CommKind::Close => self.close(id, data, removed),
        };
        if passes {
            self.refused.remove(id);
            return Verdict::Pass;
        }
        let of_widgets = match kind {
            CommKind::Open => WIDGETS.contains(&target),
            // An extension's, which the page opened; or a comm whose opening was refused.
            CommKind::Message | CommKind::Close => self.widgets.contains_key(id) || data.get("state").is_some(),
        };
        if kind == CommKind::Open || !self.refused.contains(id) {
            removed.add(if of_widgets { Kind::Widget } else { Kind::Comm });
        }
        let room = self.refused.len() < MAX_MODELS && id.len() <= MAX_NAME;
        if kind == CommKind::Open && room && !self.widgets.contains_key(id) {
            self.refused.insert(id.to_string());
        }
        Verdict::Refuse
    }

    fn remember_other(&mut self, id: &str) -> bool {
        let room = self.others.len() < MAX_MODELS && !self.widgets.contains_key(id);
        room && (self.others.insert(id.to_string()) || self.others.contains(id))
    }

    fn close(&mut self, id: &str, data: &mut Value, removed: &mut Removals) -> bool {
        if self.others.remove(id) {
            return true;
        }
        if self.widgets.get(id).is_some_and(|widget| !widget.linked) {
            self.widgets.remove(id);
        }
        only(data, &[], removed)
    }

    fn open(&mut self, may: Permissions, id: &str, data: &mut Value, removed: &mut Removals) -> bool {
        let fine = only(data, &["state", "buffer_paths"], removed);
        let state = data.get_mut("state").and_then(Value::as_object_mut);
        fine && state.is_some_and(|state| self.create(may, id, state, removed))
            && paths_stay(data, |state, path| self.takes_bytes(id, state, path))
    }

    /// A widget of the model that its state names.
    fn create(&mut self, may: Permissions, id: &str, state: &mut Map<String, Value>, removed: &mut Removals) -> bool {
        let said = |key: &str| state.get(key).and_then(Value::as_str).unwrap_or_default();
        let Some(model) = Model::named(said("_model_module"), said("_model_name")) else { return false };
        let is_whole = ["_model_module_version", "_view_name"].iter().all(|key| state.contains_key(*key));
        let room = match self.widgets.get(id) {
            Some(known) => known.model == model || !known.linked,
            None => self.widgets.len() < MAX_MODELS && !self.others.contains(id),
        };
        if !is_whole || !room || !has_head_of(model, state) {
            return false;
        }
        let known = self.widgets.get(id);
        let widget = Widget {
            model,
            // Once shown as HTML, so to be judged for ever.
            described_in_html: state
                .get("description_allow_html")
                .is_some_and(|allow| !allow.is_null() && allow != &Value::Bool(false))
                || known.is_some_and(|known| known.described_in_html),
            linked: known.is_some_and(|known| known.linked),
        };
        if !self.state(may, &widget, state, removed) {
            return false;
        }
        self.widgets.insert(id.to_string(), widget);
        true
    }

    fn message(&mut self, may: Permissions, id: &str, data: &mut Value, removed: &mut Removals) -> bool {
        let method = data.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
        let known = self.widgets.get(id).cloned();
        match (method.as_str(), known) {
            ("update" | "echo_update", known) => {
                let fine = only(data, &["method", "state", "buffer_paths"], removed);
                let state = data.get_mut("state").and_then(Value::as_object_mut);
                let Some(state) = state.filter(|_| fine) else { return false };
                match known {
                    Some(widget) => {
                        self.update(may, &widget, state, removed)
                            && paths_stay(data, |state, path| self.takes_bytes(id, state, path))
                    }
                    None => stranger(may, state, removed) && paths_stay(data, |_, _| false),
                }
            }
            ("custom", Some(_)) => {
                // Of ipywidgets' own, all can be asked to take or to give back the keyboard, and nothing else.
                let asked = data.pointer("/content/do").and_then(Value::as_str);
                let fine = matches!(asked, Some("focus" | "blur"));
                fine && only(data, &["method", "content"], removed)
                    && data.get("content").and_then(Value::as_object).is_some_and(|content| content.len() == 1)
            }
            ("update_states", None) => {
                only(data, &["method", "states", "buffer_paths"], removed) && self.states(may, data, removed)
            }
            // On a comm that code of the page opened for itself, in words of its own: it is no widget's.
            (method, None) => !matches!(method, "custom" | "request_state"),
            _ => false,
        }
    }

    /// All widgets at once, as a page asks for them when it is loaded again. Those that may not pass are left out.
    fn states(&mut self, may: Permissions, data: &mut Value, removed: &mut Removals) -> bool {
        let Some(states) = data.get_mut("states").and_then(Value::as_object_mut) else { return false };
        states.retain(|id, entry| {
            let passes = id.len() <= MAX_NAME && self.entry(may, id, entry, removed);
            if !passes {
                removed.add(Kind::Widget);
            }
            passes
        });
        self.settle_paths(data)
    }

    fn entry(&mut self, may: Permissions, id: &str, entry: &mut Value, removed: &mut Removals) -> bool {
        let heads = ["model_name", "model_module", "model_module_version"];
        if !only(entry, &[&heads[..], &["state"]].concat(), removed) {
            return false;
        }
        let same = heads
            .iter()
            .all(|key| entry.get(*key).is_none_or(|said| entry.pointer(&format!("/state/_{key}")) == Some(said)));
        let named = entry.get("model_name").is_some() && entry.get("model_module").is_some();
        let state = entry.get_mut("state").and_then(Value::as_object_mut);
        same && named && state.is_some_and(|state| self.create(may, id, state, removed))
    }

    /// Binary parts of widgets that were left out have to go somewhere, since they are told apart by their order.
    fn settle_paths(&self, data: &mut Value) -> bool {
        let states = data.get("states").and_then(Value::as_object);
        let Some(first) = states.and_then(|states| states.keys().next()).cloned() else {
            if let Some(data) = data.as_object_mut() {
                data.insert("buffer_paths".to_string(), Value::Array(Vec::new()));
            }
            return true;
        };
        let Some(paths) = data.get("buffer_paths").cloned() else { return true };
        let Value::Array(mut paths) = paths else { return paths.is_null() };
        for path in &mut paths {
            let Some(keys) = path.as_array() else { return false };
            let fine = match keys.as_slice() {
                [Value::String(id), Value::String(state), rest @ ..] if state == "state" => {
                    let state = data.pointer("/states").and_then(|states| states.get(id)?.get("state"));
                    state.is_some_and(|state| self.takes_bytes(id, state, rest))
                }
                _ => false,
            };
            if !fine {
                *path = json!([first, "nothing"]);
            }
        }
        if let Some(data) = data.as_object_mut() {
            data.insert("buffer_paths".to_string(), paths.into());
        }
        true
    }

    fn update(
        &mut self,
        may: Permissions,
        widget: &Widget,
        state: &mut Map<String, Value>,
        removed: &mut Removals,
    ) -> bool {
        // A widget does not become another one.
        if !has_head_of(widget.model, state) {
            return false;
        }
        if !widget.described_in_html
            && state.get("description_allow_html").is_some_and(|allow| allow != &Value::Bool(false))
        {
            state.shift_remove("description_allow_html");
            removed.add(Kind::Widget);
        }
        self.state(may, widget, state, removed)
    }

    /// Checks a widget's state, or a part of it: traits that it does not have go, and values that they cannot have.
    /// Says whether it may pass at all.
    fn state(
        &mut self,
        may: Permissions,
        widget: &Widget,
        state: &mut Map<String, Value>,
        removed: &mut Removals,
    ) -> bool {
        let (count, mut leads_nowhere) = (state.len(), false);
        state.retain(|key, value| match widget.model.kind(key) {
            Some(kind) => {
                let fine = kind.check(key, value, widget.described_in_html, may, removed);
                leads_nowhere |= !fine && kind == Trait::End;
                fine
            }
            None if key == "_view_count" => value.is_null() || value.is_u64(),
            None => widget.model.head(key).is_some(),
        });
        for _ in state.len()..count {
            removed.add(Kind::Widget);
        }
        !leads_nowhere && self.links(widget, state)
    }

    /// Whether the ends of a link, if this is one, are plain values. A front-end copies them by itself, and what was
    /// text at one end must not become HTML at the other.
    fn links(&mut self, link: &Widget, state: &Map<String, Value>) -> bool {
        let ends = state.iter().filter(|(key, _)| link.model.kind(key) == Some(Trait::End));
        let mut linked = Vec::new();
        for (_, value) in ends.filter(|(_, value)| !value.is_null()) {
            let Some((id, name)) = traits::end(value) else { return false };
            let kind = self.widgets.get(id).and_then(|widget| widget.model.kind(name));
            if !LINKED.contains(&name) || !kind.is_some_and(Trait::is_plain) {
                return false;
            }
            linked.push(id.to_owned());
        }
        for id in linked {
            if let Some(widget) = self.widgets.get_mut(&id) {
                widget.linked = true;
            }
        }
        true
    }

    /// Whether a part of a widget's state is given in binary.
    fn takes_bytes(&self, id: &str, state: &Value, path: &[Value]) -> bool {
        let Some(Value::String(name)) = path.first() else { return false };
        let kind = self.widgets.get(id).and_then(|widget| widget.model.kind(name));
        match (kind, path) {
            (Some(Trait::Bytes), [_]) => true,
            (Some(Trait::Files), [_, Value::Number(place), Value::String(part)]) => {
                let place = place.as_u64().and_then(|place| usize::try_from(place).ok());
                part == "content"
                    && place.is_some_and(|place| state.get(name).is_some_and(|list| list.get(place).is_some()))
            }
            _ => false,
        }
    }
}

/// Whether what a state says of what the widget is is what the front-end has of this model.
fn has_head_of(model: &Model, state: &Map<String, Value>) -> bool {
    state.iter().all(|(key, value)| {
        model.head(key).is_none_or(|known| value.as_str() == known && (known.is_some() || value.is_null()))
    })
}

/// What may be said to a widget that nobody knows: made by the page, or before the kernel was started anew. It may be
/// any of them.
fn stranger(may: Permissions, state: &mut Map<String, Value>, removed: &mut Removals) -> bool {
    let count = state.len();
    state.retain(|key, value| match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => !key.starts_with('_') && key != "description_allow_html",
        Value::String(text) if key == "value" || key == "description" => {
            *text = html::sanitize(text, may.remote(), removed).unwrap_or_default();
            true
        }
        _ => false,
    });
    for _ in state.len()..count {
        removed.add(Kind::Widget);
    }
    true
}

/// Takes out of an object what has no business there; whether it is one.
fn only(data: &mut Value, keys: &[&str], removed: &mut Removals) -> bool {
    let Some(object) = data.as_object_mut() else { return keys.is_empty() && data.is_null() };
    let count = object.len();
    object.retain(|key, _| keys.contains(&key.as_str()));
    for _ in object.len()..count {
        removed.add(Kind::Widget);
    }
    true
}

/// Whether binary parts are put where such may be.
fn paths_stay(data: &Value, stays: impl Fn(&Value, &[Value]) -> bool) -> bool {
    let Some(paths) = data.get("buffer_paths") else { return true };
    let Some(paths) = paths.as_array() else { return paths.is_null() };
    paths.iter().all(|path| path.as_array().is_some_and(|path| stays(data.get("state").unwrap_or(&Value::Null), path)))
}

#[cfg(test)]
mod tests;
