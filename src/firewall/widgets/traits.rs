//! What a widget's traits may be: each by its kind, which is a type of JSON and a shape. A value of another type is
//! not what the front-end's code expects, and does with it what nobody looked at.

use serde_json::{Map, Value};

use crate::firewall::removals::{Kind, Removals};
use crate::firewall::{Permissions, Terminal, bundle, css, html, latex, names};

/// The longest list in a trait.
const MAX_ITEMS: usize = 100_000;

/// Formats of pictures, sound and film. `url` is one as well, and loads.
const FORMATS: [&str; 17] = [
    "png", "jpeg", "jpg", "gif", "webp", "bmp", "mp4", "webm", "ogg", "ogv", "wav", "mp3", "mpeg", "m4a", "aac",
    "flac", "avif",
];

/// The kind of a trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    Bool,
    Number,
    Numbers,
    /// A number, or `any`.
    Step,
    /// Text that is shown as text.
    Text,
    Texts,
    /// Texts and numbers.
    Tags,
    /// One of these words, `|` between them and `_` for a space.
    Word(&'static str),
    /// A name of a message.
    Name,
    Html,
    /// Text in which formulas are typeset.
    Formula,
    /// The same, or HTML if the widget was opened so.
    Description,
    /// The name of a sign, which becomes a part of a class.
    Icon,
    Icons,
    /// The value of a property of CSS.
    Css,
    Colour,
    Colours,
    /// A width or height.
    Length,
    /// Another widget.
    Model,
    Models,
    Bytes,
    Files,
    Outputs,
    Date,
    /// A widget and the name of a trait.
    End,
    Classes,
    Format,
}

impl Trait {
    /// The kind of this name in the table.
    pub fn read(name: &'static str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "number" => Self::Number,
            "numbers" => Self::Numbers,
            "step" => Self::Step,
            "text" => Self::Text,
            "texts" => Self::Texts,
            "tags" => Self::Tags,
            "name" => Self::Name,
            "html" => Self::Html,
            "formula" => Self::Formula,
            "description" => Self::Description,
            "icon" => Self::Icon,
            "icons" => Self::Icons,
            "css" => Self::Css,
            "colour" => Self::Colour,
            "colours" => Self::Colours,
            "length" => Self::Length,
            "model" => Self::Model,
            "models" => Self::Models,
            "bytes" => Self::Bytes,
            "files" => Self::Files,
            "outputs" => Self::Outputs,
            "date" => Self::Date,
            "end" => Self::End,
            "classes" => Self::Classes,
            "format" => Self::Format,
            words => Self::Word(words.strip_prefix('[')?.strip_suffix(']')?),
        })
    }

    /// Whether front-ends may copy a value from and to such a trait by themselves: what it is at one end must be as
    /// harmless at the other, though nobody checks it on its way.
    pub fn is_plain(self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::Numbers | Self::Text)
    }

    /// Whether a value may stay in the trait of this name, as it then is; `described` says that descriptions are HTML. What goes out of a value
    /// that stays is counted here.
    pub fn check(
        self,
        name: &str,
        value: &mut Value,
        described: bool,
        may: Permissions,
        removed: &mut Removals,
    ) -> bool {
        if value.is_null() {
            return true;
        }
        match (self, value) {
            (Self::Bool, value) => value.is_boolean(),
            (Self::Number, value) => value.is_number(),
            // Where a list is expected, `SelectionRangeSlider` and the like.
            (Self::Numbers, value) => is_list(value, |item| item.is_number()),
            (Self::Step, value) => value.is_number() || value == "any",
            (Self::Text, value) => value.is_string(),
            (Self::Texts, value) => is_list(value, |item| item.is_string()),
            (Self::Tags, value) => is_list(value, |item| item.is_string() || item.is_number()),
            (Self::Word(words), Value::String(word)) => words.split('|').any(|known| known.replace('_', " ") == *word),
            (Self::Name, Value::String(name)) => is_name(name),
            (Self::Html, Value::String(text)) => shown(may, text, removed),
            (Self::Description, Value::String(text)) if described => shown(may, text, removed),
            (Self::Description | Self::Formula, Value::String(text)) => {
                latex::macros(text, false, removed);
                true
            }
            (Self::Icon, Value::String(icon)) => is_icon(icon) || icon.split(' ').all(is_icon),
            (Self::Icons, value) => is_list(value, |icon| icon.as_str().is_some_and(is_icon)),
            (Self::Css, Value::String(text)) => {
                css::stays_in_place(&name.replace('_', "-"), text) && css::value_is_fine(text, may.remote(), removed)
            }
            (Self::Colour, Value::String(text)) => css::value_is_fine(text, may.remote(), removed),
            (Self::Colours, value) => {
                is_list(value, |item| item.as_str().is_some_and(|text| css::value_is_fine(text, may.remote(), removed)))
            }
            (Self::Length, Value::String(length)) => is_length(length),
            (Self::Model, Value::String(model)) => model_of(model).is_some(),
            (Self::Models, value) => {
                is_list(value, |item| item.as_str().is_some_and(|model| model_of(model).is_some()))
            }
            // The bytes themselves are given in binary, and nothing is in their place.
            (Self::Bytes, _) => false,
            (Self::Files, value) => is_list(value, |item| item.as_object().is_some_and(is_file)),
            (Self::Date, Value::Object(parts)) => {
                parts.len() <= 8 && parts.iter().all(|(key, part)| is_name(key) && part.is_number())
            }
            (Self::Classes, Value::Array(list)) => {
                classes(list, removed);
                true
            }
            (Self::Format, Value::String(format)) => {
                FORMATS.contains(&format.as_str())
                    || (format == "url" && may.remote())
                    || instead(format, "png", format == "url", removed)
            }
            (Self::Outputs, Value::Array(list)) => {
                outputs(may, list, removed);
                true
            }
            (Self::End, value) => end(value).is_some(),
            _ => false,
        }
    }
}

fn is_list(value: &Value, item: impl FnMut(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|list| list.len() <= MAX_ITEMS && list.iter().all(item))
}

/// The name in `IPY_MODEL_name`.
pub fn model_of(reference: &str) -> Option<&str> {
    reference.strip_prefix("IPY_MODEL_").filter(|id| is_name(id))
}

/// The widget and the trait that a link's end names.
pub fn end(value: &Value) -> Option<(&str, &str)> {
    match value.as_array()?.as_slice() {
        [Value::String(model), Value::String(name)] => Some((model_of(model)?, name)),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 256 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_icon(icon: &str) -> bool {
    icon.len() <= 64 && icon.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_length(length: &str) -> bool {
    length.len() <= 32 && length.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".%".contains(&byte))
}

fn is_file(file: &Map<String, Value>) -> bool {
    file.iter().all(|(key, value)| match key.as_str() {
        "name" | "type" => value.is_string(),
        "size" | "last_modified" => value.is_number(),
        "content" => value.is_null(),
        _ => false,
    })
}

fn shown(may: Permissions, text: &mut String, removed: &mut Removals) -> bool {
    *text = html::sanitize(text, may.remote(), removed).unwrap_or_default();
    true
}

fn instead(text: &mut String, other: &str, remote: bool, removed: &mut Removals) -> bool {
    removed.add(if remote { Kind::Remote } else { Kind::Widget });
    *text = other.to_owned();
    true
}

/// Classes of the page's own would put a widget where the page puts something else.
fn classes(list: &mut Vec<Value>, removed: &mut Removals) {
    let count = list.len();
    list.retain_mut(|class| {
        let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let Some(name) = class.as_str().filter(|name| plain(name)).and_then(names::class) else { return false };
        *class = Value::from(name);
        true
    });
    for _ in list.len()..count {
        removed.add(Kind::Style);
    }
}

/// What an output widget holds: a notebook's outputs.
fn outputs(may: Permissions, list: &mut Vec<Value>, removed: &mut Removals) {
    let count = list.len();
    list.retain_mut(|output| output.as_object_mut().is_some_and(|output| output_stays(may, output, removed)));
    for _ in list.len()..count {
        removed.add(Kind::Malformed);
    }
}

fn output_stays(may: Permissions, output: &mut Map<String, Value>, removed: &mut Removals) -> bool {
    match output.get("output_type").and_then(Value::as_str).unwrap_or_default() {
        "display_data" | "execute_result" | "update_display_data" => {
            output.retain(|key, value| match key.as_str() {
                "output_type" => true,
                "data" | "metadata" => value.is_object(),
                "execution_count" => value.is_number() || value.is_null(),
                "transient" => value.as_object_mut().is_some_and(|transient| {
                    transient.retain(|key, value| key == "display_id" && value.as_str().is_some_and(is_name));
                    true
                }),
                _ => false,
            });
            let mut metadata = match output.shift_remove("metadata") {
                Some(Value::Object(metadata)) => metadata,
                _ => Map::new(),
            };
            let Some(Value::Object(data)) = output.get_mut("data") else { return false };
            bundle::check(may, data, &mut metadata, removed);
            output.insert("metadata".to_string(), metadata.into());
        }
        "stream" => output.retain(|key, value| match key.as_str() {
            "output_type" => true,
            "name" => value == "stdout" || value == "stderr",
            "text" => lines(may, value, removed),
            _ => false,
        }),
        "error" => output.retain(|key, value| match key.as_str() {
            "output_type" => true,
            "ename" | "evalue" => value.is_string() && lines(may, value, removed),
            "traceback" => lines(may, value, removed),
            _ => false,
        }),
        _ => return false,
    }
    true
}

/// Text for a terminal, whole or in lines.
fn lines(may: Permissions, value: &mut Value, removed: &mut Removals) -> bool {
    let mut state = Terminal::default();
    let mut line = |value: &mut Value| match value {
        Value::String(text) => {
            if !may.terminal {
                state.filter(text, removed);
            }
            true
        }
        _ => false,
    };
    match value {
        Value::Array(list) => list.iter_mut().all(line),
        value => line(value),
    }
}
