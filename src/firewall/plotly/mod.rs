//! Plotly figures: data that a front-end's own plotly.js draws. Attributes are known by name, with what their values
//! are; others go. Every text is written anew in one small dialect. What would make it fetch something, or lead to
//! other servers than the figure says, goes: pictures, map tiles, styles and glyphs, GeoJSON by URL, server addresses.

mod attributes;
#[cfg(test)]
mod reading;
mod settings;
mod text;

#[cfg(test)]
pub use reading::complaints as text_complaints;

use serde_json::{Map, Value};

use super::removals::{Kind, Removals};
use super::url::{Place, Verdict, judge};
use attributes::{Classes, classes};

/// The deepest nesting of a figure.
const MAX_DEPTH: usize = 100;

/// The parts of a figure.
const PARTS: [&str; 4] = ["data", "layout", "frames", "config"];

/// The attributes that plotly.js loads from, or gives to those who do.
const LOADED: [&str; 6] = ["source", "geojson", "sourceattribution", "accesstoken", "token", "stream"];

/// The map style that has no tiles.
const BLANK_MAP: &str = "white-bg";

/// The kinds of traces that are drawn on outlines of countries, which plotly.js fetches from its makers.
const OUTLINED: [&str; 2] = ["scattergeo", "choropleth"];

/// The kinds of traces that are drawn on tiles.
const MAPS: [&str; 6] =
    ["scattermap", "scattermapbox", "densitymap", "densitymapbox", "choroplethmap", "choroplethmapbox"];

/// What a contour compares with: signs that are no words, and no tags.
const OPERATIONS: [&str; 12] = ["=", "<", "<=", ">", ">=", "[]", "()", "[)", "(]", "][", ")(", "]("];

/// What may stay of a figure; nothing if it is none, is nested too deep, or cannot be drawn without fetching.
pub fn sanitize(figure: &mut Value, remote: bool, removed: &mut Removals) -> bool {
    if !remote && has_any(figure, &OUTLINED) {
        removed.add(Kind::Remote);
        return false;
    }
    let (has_maps, typeset) = (has_any(figure, &MAPS), has_formulas(figure));
    let Some(parts) = figure.as_object_mut() else {
        removed.add(Kind::Malformed);
        return false;
    };
    let mut walk = Walk { remote, removed, has_maps, typeset };
    walk.keep(parts, |key, value| {
        PARTS.contains(&key) && (value.is_null() || matches!(key, "data" | "frames") == value.is_array())
    });
    let mut fine = true;
    for (key, value) in parts.iter_mut() {
        match (key.as_str(), value) {
            ("config", Value::Object(config)) => walk.keep(config, settings::stays),
            (key, value) => fine &= walk.value(value, &At::named(key), 0),
        }
    }
    if !remote
        && has_maps
        && let Some(layout) = parts.get_mut("layout").and_then(Value::as_object_mut)
    {
        default_maps(layout);
    }
    fine
}

/// Whether something is, or a button can make it, one of these kinds. Templates have settings for all that there are.
fn has_any(value: &Value, kinds: &[&str]) -> bool {
    match value {
        Value::String(kind) => kinds.contains(&kind.as_str()),
        Value::Array(list) => list.iter().any(|value| has_any(value, kinds)),
        Value::Object(object) => object.iter().any(|(key, value)| key != "template" && has_any(value, kinds)),
        _ => false,
    }
}

/// Whether there is a sign that begins a formula anywhere.
fn has_formulas(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('$'),
        Value::Array(list) => list.iter().any(has_formulas),
        Value::Object(object) => object.values().any(has_formulas),
        _ => false,
    }
}

/// A map without a style shows the tiles of some server.
fn default_maps(layout: &mut Map<String, Value>) {
    for name in ["mapbox", "map"] {
        if !layout.contains_key(name) {
            layout.insert(name.to_string(), serde_json::json!({ "style": BLANK_MAP }));
        }
    }
}

/// Where in a figure a value stands: the attribute that it is the value of.
#[derive(Clone, Copy, Debug)]
struct At<'n> {
    name: &'n str,
    classes: Classes,
    /// Within a map or a trace on one.
    mapped: bool,
}

impl<'n> At<'n> {
    fn named(name: &'n str) -> Self {
        Self { name, classes: classes(name).unwrap_or_default(), mapped: false }
    }

    fn data() -> Self {
        Self { name: "", classes: DATA, mapped: false }
    }

    fn is_colour(&self) -> bool {
        let named = ["color", "colors", "colorway", "colorscale"].iter().any(|end| self.name.ends_with(end));
        named || (self.classes.colour && !self.classes.text)
    }
}

struct Walk<'r> {
    remote: bool,
    removed: &'r mut Removals,
    /// Whether there are maps at all; templates have styles for those that there could be.
    has_maps: bool,
    typeset: bool,
}

impl Walk<'_> {
    /// Keeps what may stay, and counts what may not.
    fn keep(&mut self, object: &mut Map<String, Value>, stays: impl Fn(&str, &Value) -> bool) {
        let count = object.len();
        object.retain(|key, value| stays(key, value));
        for _ in object.len()..count {
            self.removed.add(Kind::PlotCode);
        }
    }

    fn value(&mut self, value: &mut Value, at: &At, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            self.removed.add(Kind::TooLarge);
            return false;
        }
        match value {
            Value::Object(object) if is_attributes(object, at) => self.attributes(object, at, depth),
            Value::Object(object) => {
                let inside = At { name: "", classes: DATA, mapped: at.mapped };
                object.values_mut().all(|value| self.value(value, &inside, depth + 1))
            }
            Value::Array(list) if matches!(at.name, "args" | "args2") => self.arguments(list, depth),
            Value::Array(list) => list.iter_mut().all(|item| self.value(item, at, depth + 1)),
            Value::String(text) => {
                if !self.string(text, at) {
                    *value = Value::Null;
                }
                true
            }
            _ => true,
        }
    }

    /// An object of attributes: those that are known stay, each with its kind of value.
    fn attributes(&mut self, object: &mut Map<String, Value>, at: &At, depth: usize) -> bool {
        let mapped = is_map(at.name) || at.mapped || object.get("type").is_some_and(|kind| has_any(kind, &MAPS));
        self.keep(object, |key, _| classes(key).is_some());
        if !self.remote && is_map(at.name) {
            self.map(object);
        }
        if !self.remote && mapped && self.has_maps {
            self.signs(object);
        }
        object.iter_mut().all(|(key, value)| self.value(value, &At { mapped, ..At::named(key) }, depth + 1))
    }

    /// `mapbox`, `mapbox2`, `map` of a layout.
    fn map(&mut self, map: &mut Map<String, Value>) {
        match map.get_mut("style") {
            Some(style) => self.map_style(style),
            None if self.has_maps => {
                map.insert("style".to_string(), Value::from(BLANK_MAP));
            }
            None => {}
        }
    }

    fn map_style(&mut self, style: &mut Value) {
        let is_name =
            style.as_str().is_some_and(|style| style.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        if style != BLANK_MAP && (self.has_maps || !is_name) {
            *style = Value::from(BLANK_MAP);
            self.removed.add(Kind::Remote);
        }
    }

    /// Pictures of signs and shapes of letters on maps are fetched.
    fn signs(&mut self, object: &mut Map<String, Value>) {
        let count = object.len();
        object.retain(|key, value| match (key.as_str(), &*value) {
            ("symbol", Value::String(symbol)) => symbol == "circle",
            ("symbol", value) => value.is_null(),
            ("mode", Value::String(mode)) => !mode.contains("text"),
            ("cluster", value) => value.is_null(),
            _ => true,
        });
        for _ in object.len()..count {
            self.removed.add(Kind::Remote);
        }
    }

    /// What a button or a slider gives to plotly: names of attributes, as paths, and their new values, one after
    /// another or in objects; settings of animations; names of frames and whole frames; numbers of traces.
    fn arguments(&mut self, list: &mut [Value], depth: usize) -> bool {
        let mut named: Option<String> = None;
        for item in list {
            let fine = match (item, named.take()) {
                (item, Some(path)) => self.assigned(&path, item, depth),
                (Value::Object(object), None) => self.assignments(object, depth),
                (Value::Array(items), None) => items.iter_mut().all(|item| match item {
                    Value::Object(object) => self.assignments(object, depth),
                    item => self.value(item, &At::data(), depth + 1),
                }),
                (Value::String(text), None) => {
                    if attribute_of(text).is_some() {
                        named = Some(text.clone());
                    } else if text.contains(['/', '\\', '[', '.']) {
                        // The name of a frame may be any text; what leads somewhere must be known.
                        text.clear();
                        self.removed.add(Kind::PlotCode);
                    }
                    self.written(text);
                    true
                }
                _ => true,
            };
            if !fine {
                return false;
            }
        }
        true
    }

    /// An object whose keys are paths of attributes.
    fn assignments(&mut self, object: &mut Map<String, Value>, depth: usize) -> bool {
        self.keep(object, |path, _| attribute_of(path).is_some());
        object.iter_mut().all(|(path, value)| self.assigned(path, value, depth))
    }

    /// A value for the attribute at a path: as if it stood there.
    fn assigned(&mut self, path: &str, value: &mut Value, depth: usize) -> bool {
        let Some((parent, name)) = attribute_of(path) else { return true };
        if name == "config" {
            *value = Value::Null;
        }
        if !self.remote && name == "style" && (is_map(parent) || self.has_maps) {
            self.map_style(value);
        }
        if !self.remote && self.has_maps && matches!(name, "symbol" | "mode" | "cluster") {
            let mut alone = Map::from_iter([(name.to_string(), value.take())]);
            self.signs(&mut alone);
            *value = alone.remove(name).unwrap_or_default();
        }
        self.value(value, &At { mapped: is_map(parent), ..At::named(name) }, depth + 1)
    }

    /// Checks a text by what it is the value of; whether it may stay.
    fn string(&mut self, text: &mut String, at: &At) -> bool {
        let Classes { word, text: is_text, data, .. } = at.classes;
        let is_address = matches!(at.name, "source" | "geojson");
        if is_address || (LOADED.contains(&at.name) && !self.remote) {
            let kind = match judge(text, Place::Image) {
                _ if !is_address => Kind::Remote,
                Verdict::Fine => return true,
                Verdict::Remote if self.remote => return true,
                Verdict::Remote => Kind::Remote,
                Verdict::Code => Kind::CodeUrl,
            };
            let is_nothing = text.is_empty();
            if !is_nothing {
                self.removed.add(kind);
            }
            return is_nothing;
        }
        let fine = match at.name {
            "operation" if OPERATIONS.contains(&text.as_str()) => return true,
            _ if at.is_colour() => text::is_plain_value(text),
            "shadow" => text::is_plain_value(text),
            "family" => text.len() <= 512 && text.chars().all(|one| one.is_alphanumeric() || " ,-'\"_.".contains(one)),
            "path" => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ,.-+:_\n\t".contains(&byte)),
            // The two signs in numbers: what is put between digits begins no tag, but nobody wants one there.
            "separators" => !text.contains(['<', '&', '\\']),
            name if name.ends_with("format") && text::fills_with_signs(text) => false,
            "add" | "modeBarButtonsToAdd" => settings::stays("modeBarButtonsToAdd", &Value::from(text.as_str())),
            _ if word && !is_text && !data => is_word(text),
            _ => {
                self.written(text);
                return true;
            }
        };
        if !fine {
            self.removed.add(if at.is_colour() { Kind::Style } else { Kind::PlotCode });
        }
        fine
    }

    /// A text that may be shown, in the dialect that all versions of plotly read alike.
    fn written(&mut self, text: &mut String) {
        if let Some(written) = text::normalised(text, self.typeset, self.removed) {
            *text = written;
        }
    }
}

/// Anything that a figure's author likes, as far as plotly is concerned.
const DATA: Classes = Classes { object: false, word: false, colour: false, text: true, data: true };

/// Whether an object has attributes, and not a figure's own data. Where both may stand, lists are given as numbers in
/// base64 too.
fn is_attributes(object: &Map<String, Value>, at: &At) -> bool {
    at.classes.object && !object.contains_key("bdata")
}

/// The last attribute of a path such as `layout.images[0].source`, and that which it is a part of; nothing if one of
/// them is not known.
fn attribute_of(path: &str) -> Option<(&str, &str)> {
    if path.len() > 256 {
        return None;
    }
    let (mut parent, mut last) = ("", "");
    for part in path.split('.') {
        let (name, index) = part.split_once('[').unwrap_or((part, "]"));
        let is_index =
            index.ends_with(']') && index.bytes().all(|byte| byte.is_ascii_digit() || b"-[]".contains(&byte));
        if !is_index {
            return None;
        }
        // `data[0]` and `annotations.0` are both paths.
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        classes(name)?;
        (parent, last) = (last, name);
    }
    (!last.is_empty()).then_some((parent, last))
}

fn is_map(name: &str) -> bool {
    let number = name.strip_prefix("mapbox").or_else(|| name.strip_prefix("map"));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Words out of plotly's lists, and numbers and dates as text.
fn is_word(text: &str) -> bool {
    text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _+-.,#%:=*|^!".contains(&byte))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
