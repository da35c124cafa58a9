//! Comm messages: widgets of ipywidgets' own modules pass, with what they show as HTML cleaned; widgets that bring
//! code of their own do not. What a widget is has to be remembered, since later messages only name its comm.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::removals::{Kind, Removals};
use super::{Permissions, bundle, css, html, latex, models, names, prototype};

/// The largest number of widgets of a session.
const MAX_MODELS: usize = 50_000;

/// The longest name of a comm or a model.
const MAX_NAME: usize = 256;

/// Where widgets' comms lead. What is behind any other target is code of the page that nobody here knows.
const WIDGETS: [&str; 3] = ["jupyter.widget", "jupyter.widget.control", "jupyter.widget.version"];

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
    models: HashMap<String, Model>,
}

/// What has to be known of a widget.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    name: String,
    view: String,
    /// Whether its description is shown as HTML.
    described_in_html: bool,
}

impl Model {
    /// Shown as HTML, whatever the model is, if its view does so.
    fn value_is_html(&self) -> bool {
        self.name.starts_with("HTML") && !self.name.ends_with("StyleModel") || self.view.starts_with("HTML")
    }

    fn value_is_typeset(&self) -> bool {
        self.name.starts_with("Label") || self.view.starts_with("Label")
    }
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
            _ if id.len() > MAX_NAME || !paths_stay(data) => false,
            CommKind::Open if target == WIDGETS[0] => self.open(may, id, data, removed),
            CommKind::Open => WIDGETS.contains(&target) || targets.iter().any(|name| name == target),
            CommKind::Message if data.get("states").is_some() => self.states(may, data, removed),
            CommKind::Message => self.message(may, id, data, removed),
            CommKind::Close => {
                self.models.remove(id);
                true
            }
        };
        match passes {
            true => Verdict::Pass,
            false => {
                let of_widgets = kind != CommKind::Open || WIDGETS.contains(&target);
                removed.add(if of_widgets { Kind::Widget } else { Kind::Comm });
                Verdict::Refuse
            }
        }
    }

    /// All widgets at once, as a page asks for them when it is loaded again. Those that may not pass are left out.
    fn states(&mut self, may: Permissions, data: &mut Value, removed: &mut Removals) -> bool {
        let Some(states) = data.get_mut("states").and_then(Value::as_object_mut) else { return false };
        states.retain(|id, entry| {
            let named = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
            let own = |key: &str| {
                entry
                    .get("state")
                    .and_then(|state| state.get(format!("_{key}")))
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let same = ["model_name", "model_module"].iter().all(|key| named(key) == own(key));
            let passes = same && id.len() <= MAX_NAME && self.open(may, id, entry, removed);
            if !passes {
                removed.add(Kind::Widget);
            }
            passes
        });
        true
    }

    fn open(&mut self, may: Permissions, id: &str, data: &mut Value, removed: &mut Removals) -> bool {
        let Some(state) = data.get_mut("state").and_then(Value::as_object_mut) else { return false };
        let text = |name: &str| state.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
        let name = text("_model_name");
        if !models::is_known(&text("_model_module"), &name)
            || !models::has_own_view(state)
            || self.models.len() >= MAX_MODELS
        {
            return false;
        }
        // Before version 2 of the controls every description was HTML.
        let old = text("_model_module_version").trim_start_matches(['^', '~', ' ']).starts_with("1.");
        let allowed = state.get("description_allow_html").and_then(Value::as_bool).unwrap_or(false);
        let model = Model {
            name,
            view: text("_view_name"),
            described_in_html: allowed || (old && text("_model_module").ends_with("controls")),
        };
        if !self.state(may, &model, state, removed) {
            return false;
        }
        self.models.insert(id.to_string(), model);
        true
    }

    fn message(&mut self, may: Permissions, id: &str, data: &mut Value, removed: &mut Removals) -> bool {
        let Some(state) = data.get_mut("state").and_then(Value::as_object_mut) else { return true };
        let model = match self.models.get(id) {
            Some(model) => model.clone(),
            // Made by the front-end, or before the kernel was started anew: it may be any of them.
            None => Model { name: "HTMLModel".to_string(), view: "HTMLView".to_string(), described_in_html: true },
        };
        let known = self.models.contains_key(id);
        let same =
            |key: &str, value: &str| state.get(key).is_none_or(|new| new.is_null() || new.as_str() == Some(value));
        // A widget does not become another one.
        if known && !(same("_model_name", &model.name) && same("_view_name", &model.view))
            || !models::has_own_view(state)
        {
            return false;
        }
        if state.contains_key("_model_module")
            && !models::is_known(text_of(state, "_model_module"), text_of(state, "_model_name"))
        {
            return false;
        }
        if !model.described_in_html
            && state.get("description_allow_html").is_some_and(|allow| allow != &Value::Bool(false))
        {
            state.remove("description_allow_html");
            removed.add(Kind::Widget);
        }
        self.state(may, &model, state, removed)
    }

    /// Checks a widget's state, or a part of it. Says whether it may pass at all.
    fn state(&self, may: Permissions, model: &Model, state: &mut Map<String, Value>, removed: &mut Removals) -> bool {
        for name in ["_esm", "_css", "_anywidget_id"] {
            if state.contains_key(name) {
                return false;
            }
        }
        for (key, value) in state.iter_mut() {
            let styles = model.name.ends_with("StyleModel") || model.name.ends_with("LayoutModel");
            match (key.as_str(), value) {
                ("value", Value::String(text)) if model.value_is_html() => shown(may, text, removed),
                ("value", Value::String(text)) if model.value_is_typeset() => latex::macros(text, false, removed),
                ("description", Value::String(text)) if model.described_in_html => shown(may, text, removed),
                ("description", Value::String(text)) => latex::macros(text, false, removed),
                ("_dom_classes", value) => page_classes(value, removed),
                ("format", Value::String(text)) => format(may, text, removed),
                ("outputs", value) => outputs(may, value, removed),
                ("source" | "target", value) if model.name.ends_with("LinkModel") && !self.links(value) => {
                    return false;
                }
                (key, value) if styles && !key.starts_with('_') => {
                    if value.as_str().is_some_and(|text| !css::value_is_fine(text, may.remote(), removed)) {
                        *value = Value::Null;
                    }
                }
                _ => {}
            }
        }
        true
    }

    /// Whether an end of a link is a plain value. A front-end copies it by itself, and what was text at one end must
    /// not become HTML at the other.
    fn links(&self, end: &Value) -> bool {
        let Some([Value::String(model), Value::String(part)]) = end.as_array().map(Vec::as_slice) else {
            return end.is_null();
        };
        let model = model.strip_prefix("IPY_MODEL_").and_then(|id| self.models.get(id));
        models::LINKED.contains(&part.as_str())
            && model.is_some_and(|model| {
                !model.value_is_html() && !model.value_is_typeset() && !model.name.starts_with("Output")
            })
    }
}

/// Whether binary parts are put into the message itself, and not beyond it.
fn paths_stay(data: &Value) -> bool {
    let Some(paths) = data.get("buffer_paths") else { return true };
    let Some(paths) = paths.as_array() else { return paths.is_null() };
    paths.iter().filter_map(Value::as_array).flatten().all(|key| match key {
        Value::String(key) => !prototype::is_beyond(key),
        key => key.is_number(),
    })
}

fn text_of<'s>(state: &'s Map<String, Value>, key: &str) -> &'s str {
    state.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn shown(may: Permissions, text: &mut String, removed: &mut Removals) {
    *text = html::sanitize(text, may.remote(), removed).unwrap_or_default();
}

fn page_classes(value: &mut Value, removed: &mut Removals) {
    let Some(list) = value.as_array_mut() else {
        *value = Value::Array(Vec::new());
        return;
    };
    let count = list.len();
    list.retain_mut(|class| {
        let Some(name) = class.as_str().and_then(names::class) else { return false };
        *class = Value::from(name);
        true
    });
    if list.len() < count {
        removed.add(Kind::Style);
    }
}

/// The format of a picture, sound or film; a URL is one of them.
fn format(may: Permissions, text: &mut String, removed: &mut Removals) {
    let own = [
        "png", "jpeg", "jpg", "gif", "webp", "bmp", "mp4", "webm", "ogg", "ogv", "wav", "mp3", "mpeg", "m4a", "aac",
        "flac",
    ];
    // Elsewhere a format says how numbers are written.
    let loads =
        text == "url" || text.contains('/') || text.contains("svg") || text.contains("html") || text.contains("xml");
    if own.contains(&text.as_str()) || !loads || (text == "url" && may.remote()) {
        return;
    }
    removed.add(if text == "url" { Kind::Remote } else { Kind::Widget });
    *text = "png".to_string();
}

/// What an output widget holds.
fn outputs(may: Permissions, value: &mut Value, removed: &mut Removals) {
    let Some(list) = value.as_array_mut() else {
        *value = Value::Array(Vec::new());
        return;
    };
    list.retain_mut(|output| {
        let Some(output) = output.as_object_mut() else { return false };
        match text_of(output, "output_type") {
            "display_data" | "execute_result" | "update_display_data" => {
                let mut metadata = match output.remove("metadata") {
                    Some(Value::Object(metadata)) => metadata,
                    _ => Map::new(),
                };
                match output.get_mut("data") {
                    Some(Value::Object(data)) => bundle::check(may, data, &mut metadata, removed),
                    _ => return false,
                }
                output.insert("metadata".to_string(), metadata.into());
                true
            }
            "stream" | "error" => {
                output.values_mut().for_each(|value| terminal(may, value, removed));
                true
            }
            _ => false,
        }
    });
}

fn terminal(may: Permissions, value: &mut Value, removed: &mut Removals) {
    match value {
        Value::String(text) if !may.terminal => super::Terminal::default().filter(text, removed),
        Value::Array(list) => list.iter_mut().for_each(|value| {
            if let Value::String(text) = value
                && !may.terminal
            {
                super::Terminal::default().filter(text, removed);
            }
        }),
        _ => {}
    }
}

#[cfg(test)]
#[path = "widgets_tests.rs"]
mod tests;
