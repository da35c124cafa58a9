//! Keeps the states of the widgets that cells make, so that a notebook shows them without a kernel.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::session::CommKind;

#[derive(Debug, Default)]
pub(super) struct Widgets {
    models: BTreeMap<String, Model>,
}

#[derive(Debug, Default)]
struct Model {
    state: Map<String, Value>,
    /// By the JSON text of the path at which each stands in the state.
    buffers: BTreeMap<String, Value>,
}

impl Widgets {
    /// Takes a comm message from the guest.
    pub(super) fn take(&mut self, kind: CommKind, content: &Map<String, Value>, buffers: &[Bytes]) {
        let Some(id) = content.get("comm_id").and_then(Value::as_str) else { return };
        if kind == CommKind::Close {
            self.models.remove(id);
            return;
        }
        let Some(data) = content.get("data").and_then(Value::as_object) else { return };
        let Some(state) = data.get("state").and_then(Value::as_object) else { return };
        let model = self.models.entry(id.to_owned()).or_default();
        model.state.extend(state.clone());
        let paths = data.get("buffer_paths").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (path, bytes) in paths.iter().zip(buffers) {
            let buffer = json!({ "path": path, "encoding": "base64", "data": STANDARD.encode(bytes) });
            model.buffers.insert(path.to_string(), buffer);
        }
    }

    /// The notebook's widget state; `None` if no cell made a widget.
    pub(super) fn into_state(self) -> Option<Value> {
        let states: Map<String, Value> =
            self.models.into_iter().filter_map(|(id, m)| Some((id, m.into_state()?))).collect();
        (!states.is_empty()).then(|| json!({ "version_major": 2, "version_minor": 0, "state": states }))
    }
}

impl Model {
    /// `None` for a comm that is no widget.
    fn into_state(self) -> Option<Value> {
        let of = |key: &str| self.state.get(key).cloned();
        let mut model = json!({
            "model_name": of("_model_name")?,
            "model_module": of("_model_module")?,
            "model_module_version": of("_model_module_version").unwrap_or_else(|| "".into()),
            "state": self.state,
        });
        if let (Some(model), false) = (model.as_object_mut(), self.buffers.is_empty()) {
            model.insert("buffers".to_owned(), self.buffers.into_values().collect());
        }
        Some(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(widgets: &mut Widgets, kind: CommKind, id: &str, data: Value, buffers: &[Bytes]) {
        widgets.take(kind, json!({ "comm_id": id, "data": data }).as_object().unwrap(), buffers);
    }

    #[test]
    fn updates_are_merged_and_other_comms_left_out() {
        let mut widgets = Widgets::default();
        let state = json!({"_model_name": "IntSlider", "_model_module": "controls", "value": 1});
        message(&mut widgets, CommKind::Open, "a", json!({ "state": state }), &[]);
        let update = json!({"method": "update", "state": {"value": 2}, "buffer_paths": [["data"]]});
        message(&mut widgets, CommKind::Msg, "a", update, &[Bytes::from_static(b"xyz")]);
        message(&mut widgets, CommKind::Open, "b", json!({"state": {"x": 1}}), &[]);
        message(&mut widgets, CommKind::Open, "c", json!({"state": {"_model_name": "n", "_model_module": "m"}}), &[]);
        message(&mut widgets, CommKind::Close, "c", json!({}), &[]);
        let state = widgets.into_state().unwrap();
        assert_eq!(state["state"].as_object().unwrap().len(), 1);
        assert_eq!(state["state"]["a"]["state"]["value"], 2);
        assert_eq!(state["state"]["a"]["buffers"], json!([{"path": ["data"], "encoding": "base64", "data": "eHl6"}]));
    }

    #[test]
    fn a_notebook_without_widgets_has_no_state() {
        assert!(Widgets::default().into_state().is_none());
    }
}
