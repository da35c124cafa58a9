//! What can only be said of a part of a chart as a whole.

use serde_json::{Map, Value};

use super::super::declared::is_signal;
use super::super::language::Language;
use super::super::{names, paint, selector};
use super::Fate::{self, Refused, Stays};
use super::{Sink, Spot, Walk};

/// The last part of the names that Vega-Lite gives to marks.
const MARKS_OF_LITE: [&str; 16] = [
    "bg",
    "brush",
    "cell",
    "entries",
    "footer",
    "group",
    "header",
    "label",
    "labels",
    "marks",
    "pathgroup",
    "symbols",
    "title",
    "voronoi",
    "domain",
    "store",
];

impl Walk<'_> {
    /// What can only be said of a part as a whole.
    pub(super) fn whole(&mut self, part: &Map<String, Value>, spot: Spot) -> Fate {
        let word = |key: &str| part.get(key).and_then(Value::as_str);
        if spot.in_events
            && let Some(source) = word("source")
            && !selector::is_source(source, word("type").unwrap_or_default())
        {
            return Refused;
        }
        if matches!(spot.key, "signals" | "params") {
            let Some(name) = word("name") else { return Refused };
            if !is_signal(name) || (name == "cursor" && !self.is_pointer_signal(part)) {
                return Refused;
            }
        }
        if spot.key == "data"
            && let Some(name) = word("name")
            && !self.may_name_data(name)
        {
            return Refused;
        }
        if self.language == Language::Vega {
            // Triggers of data, and facets whose rows are in a column.
            self.ingests |= ["insert", "modify", "toggle"].iter().any(|key| part.contains_key(*key))
                || (spot.key == "facet" && part.contains_key("field"));
        }
        self.scales(part, spot);
        if spot.sink == Sink::Paint && part.contains_key("field") {
            self.paints |= match self.language {
                Language::Vega => !part.contains_key("scale"),
                Language::VegaLite => part.get("scale").is_some_and(Value::is_null),
            };
        }
        Stays
    }

    /// Notes which scales answer with what they are given, or what is worked out, and which of them make colours.
    pub(super) fn scales(&mut self, part: &Map<String, Value>, spot: Spot) {
        let is_open = || {
            part.get("type").and_then(Value::as_str) == Some("identity")
                || ["range", "scheme"].iter().any(|key| part.get(*key).is_some_and(has_reference))
        };
        match (self.language, spot.key) {
            (Language::Vega, "scales") if is_open() => {
                let name = part.get("name").and_then(Value::as_str).unwrap_or_default();
                self.open_scales.insert(name.to_string());
            }
            (Language::VegaLite, "scale") if spot.around_colour => self.paints |= is_open(),
            _ => {}
        }
        if spot.sink == Sink::Paint {
            match part.get("scale") {
                Some(Value::String(name)) => {
                    self.painting_scales.insert(name.clone());
                }
                Some(Value::Object(_)) if self.language == Language::Vega => self.paints = true,
                _ => {}
            }
        }
    }

    /// Whether nothing of the chart, or of what becomes of it, has a name that is given to data.
    pub(super) fn may_name_data(&self, name: &str) -> bool {
        match self.language {
            Language::Vega => is_signal(name),
            Language::VegaLite => {
                names::is_name(name)
                    && is_signal(name)
                    && !name.rsplit('_').next().is_some_and(|last| MARKS_OF_LITE.contains(&last))
            }
        }
    }

    /// Whether a signal that says which pointer is shown is always one of those that there are.
    pub(super) fn is_pointer_signal(&self, signal: &Map<String, Value>) -> bool {
        let is_pointer = |value: &Value| value.is_null() || value.as_str().is_some_and(paint::is_pointer);
        let update = |value: &Value| match value {
            Value::String(text) => self.is_one_of(text, paint::is_pointer),
            _ => false,
        };
        signal.iter().all(|(key, value)| match key.as_str() {
            "name" | "description" => true,
            "value" => is_pointer(value),
            "update" | "init" => update(value),
            "on" => value.as_array().is_some_and(|handlers| {
                handlers
                    .iter()
                    .all(|handler| handler.get("update").is_some_and(update) && handler.get("encode").is_none())
            }),
            _ => false,
        })
    }
}

/// Whether a column or an expression says what is in a list.
fn has_reference(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(has_reference),
        Value::Object(object) => ["signal", "expr", "field"].iter().any(|key| object.contains_key(*key)),
        _ => false,
    }
}
