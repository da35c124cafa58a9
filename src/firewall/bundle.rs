//! MIME bundles: which types an output may have, and what is done with the contents of each. A type that is
//! not in the table does not pass.

use serde_json::{Map, Value};

use super::removals::{Kind, Removals};
use super::terminal::Terminal;
use super::{Permissions, html, latex, markdown, plotly, prototype, raster, vega};

/// The largest number of types in one bundle.
const MAX_TYPES: usize = 32;

/// The longest text that is no document, in bytes.
const MAX_TEXT: usize = 128 << 20;

/// What is done with the contents of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Text for a terminal.
    Text,
    Html,
    Svg,
    Markdown,
    Latex,
    Picture,
    /// JSON that is shown as such, or drawn without running or fetching anything that it names.
    Data,
    Plotly,
    Vega,
    /// The place of a widget's view; the widget itself came by its comm.
    WidgetView,
    /// Runs, or is opened by what runs.
    Code,
}

/// The types that are known, in groups: what is done with them, and what that means in words.
pub const TYPES: [(&[&str], Treatment, &str); 11] = [
    (&["text/plain"], Treatment::Text, "terminal sequences other than colours and moves within the line go"),
    (
        &["text/html"],
        Treatment::Html,
        "scripts, event handlers, frames, forms and what loads from elsewhere go; classes and ids get a prefix",
    ),
    (&["image/svg+xml"], Treatment::Svg, "the same, and what is no picture"),
    (
        &["text/markdown"],
        Treatment::Markdown,
        "HTML in it, links and pictures as in HTML; code stays as it is; written anew, so that all readers read the same",
    ),
    (
        &["text/latex"],
        Treatment::Latex,
        "macros that make links to code, load or set attributes or options, or that TeX has for files, are shown as text",
    ),
    (
        &["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"],
        Treatment::Picture,
        "passes if it is such a picture",
    ),
    (
        &[
            "application/json",
            "application/vnd.dataresource+json",
            // Our own guidance, for agents; no front-end draws it.
            "application/vnd.cellblock.advice+json",
        ],
        Treatment::Data,
        "passes",
    ),
    (
        &["application/vnd.plotly.v1+json"],
        Treatment::Plotly,
        "attributes that plotly does not have go, and what loads: maps' tiles, pictures; texts are written anew",
    ),
    (
        &["application/vnd.vega.v5+json", "application/vnd.vegalite.v5+json"],
        Treatment::Vega,
        "data, pictures and links from elsewhere go, and keys that are not known; it does not pass with expressions that are not; every version",
    ),
    (&["application/vnd.jupyter.widget-view+json"], Treatment::WidgetView, "passes if it is the place of a widget"),
    (
        &[
            "application/javascript",
            "text/javascript",
            "application/ecmascript",
            "application/pdf",
            // Its viewer shows properties as HTML, and loads the tiles of a map server.
            "application/geo+json",
            "application/vnd.holoviews_exec.v0+json",
            "application/vnd.holoviews_load.v0+json",
            "application/vnd.bokehjs_exec.v0+json",
            "application/vnd.bokehjs_load.v0+json",
        ],
        Treatment::Code,
        "goes",
    ),
];

/// What is done with a type; nothing if it is not known.
pub fn treatment(kind: &str) -> Option<Treatment> {
    if is_chart(kind) {
        return Some(Treatment::Vega);
    }
    TYPES.iter().find(|(names, ..)| names.contains(&kind)).map(|(_, treatment, _)| *treatment)
}

/// `application/vnd.vega.v5+json`, `application/vnd.vegalite.v5+json` and their other versions.
fn is_chart(kind: &str) -> bool {
    let version =
        kind.strip_prefix("application/vnd.vega.v").or_else(|| kind.strip_prefix("application/vnd.vegalite.v"));
    let number = version.and_then(|version| version.strip_suffix("+json"));
    number.is_some_and(|number| {
        !number.is_empty() && number.len() < 4 && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Checks a bundle and its metadata, in place.
pub fn check(
    may: Permissions,
    data: &mut Map<String, Value>,
    metadata: &mut Map<String, Value>,
    removed: &mut Removals,
) {
    let mut kinds = 0;
    let was_empty = data.is_empty();
    data.retain(|kind, contents| {
        kinds += 1;
        if kinds > MAX_TYPES {
            removed.add(Kind::TooLarge);
            return false;
        }
        stays(may, kind, contents, removed)
    });
    if !was_empty && data.is_empty() {
        data.insert("text/plain".to_string(), Value::from("[This output was removed by Cellblock's output firewall.]"));
    }
    check_metadata(may, data, metadata, removed);
}

fn stays(may: Permissions, kind: &str, contents: &mut Value, removed: &mut Removals) -> bool {
    let Some(treatment) = treatment(kind) else {
        if !may.active_content {
            removed.add(Kind::UnknownType);
        }
        return may.active_content;
    };
    match treatment {
        Treatment::Code => {
            if !may.active_content {
                removed.add(if kind == "application/pdf" { Kind::Document } else { Kind::Script });
            }
            may.active_content
        }
        Treatment::Data | Treatment::Plotly | Treatment::Vega if may.active_content => true,
        Treatment::Data => {
            prototype::strip(contents, removed);
            true
        }
        Treatment::Plotly => {
            prototype::strip(contents, removed);
            plotly::sanitize(contents, may.remote(), removed)
        }
        Treatment::Vega => {
            prototype::strip(contents, removed);
            vega::sanitize(contents, kind, may.remote(), removed)
        }
        Treatment::WidgetView => is_view(contents) || malformed(removed),
        _ => match as_text(contents) {
            Some(text) => text_stays(may, treatment, kind, text, removed),
            None => malformed(removed),
        },
    }
}

fn malformed(removed: &mut Removals) -> bool {
    removed.add(Kind::Malformed);
    false
}

/// The contents as one text; notebooks write them as lists of lines.
fn as_text(contents: &mut Value) -> Option<&mut String> {
    if let Value::Array(lines) = contents {
        let joined: Option<String> = lines.iter().map(Value::as_str).collect();
        *contents = Value::from(joined?);
    }
    match contents {
        Value::String(text) if text.len() <= MAX_TEXT => Some(text),
        _ => None,
    }
}

fn text_stays(may: Permissions, treatment: Treatment, kind: &str, text: &mut String, removed: &mut Removals) -> bool {
    if treatment == Treatment::Text {
        if !may.terminal {
            Terminal::default().filter(text, removed);
        }
        return true;
    }
    if treatment == Treatment::Picture {
        return raster::is_picture(kind, text) || malformed(removed);
    }
    if may.active_content {
        return true;
    }
    let kept = match treatment {
        Treatment::Html => html::sanitize(text, may.remote(), removed),
        Treatment::Svg => html::picture(text, may.remote(), removed),
        Treatment::Markdown => markdown::sanitize(text, may.remote(), removed),
        _ => {
            latex::formula(text, &mut latex::Moves::default(), removed);
            return true;
        }
    };
    match kept {
        Some(kept) => {
            *text = kept;
            true
        }
        None => false,
    }
}

/// Whether this names a widget's model and nothing else.
fn is_view(contents: &Value) -> bool {
    let Some(view) = contents.as_object() else { return false };
    let id = view.get("model_id").and_then(Value::as_str).unwrap_or_default();
    let named = !id.is_empty()
        && id.len() <= 128
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    named && view.iter().all(|(key, value)| key == "model_id" || (key.starts_with("version_") && value.is_number()))
}

/// Metadata says how to show each type. `isolated` would put HTML into a frame of its own, where scripts run.
fn check_metadata(
    may: Permissions,
    data: &Map<String, Value>,
    metadata: &mut Map<String, Value>,
    removed: &mut Removals,
) {
    if may.active_content {
        return;
    }
    if metadata.shift_remove("__proto__").is_some() {
        removed.add(Kind::Malformed);
    }
    metadata.values_mut().for_each(|value| prototype::strip(value, removed));
    metadata.retain(|key, value| {
        if treatment(key).is_some() || key.contains('/') {
            return data.contains_key(key)
                && value.as_object_mut().is_some_and(|settings| match treatment(key) {
                    Some(Treatment::Vega) => {
                        vega::settings(settings, removed);
                        true
                    }
                    _ => only_settings(settings, removed),
                });
        }
        !is_setting_of_trust(key, removed)
    });
}

fn only_settings(settings: &mut Map<String, Value>, removed: &mut Removals) -> bool {
    settings.retain(|key, value| {
        !is_setting_of_trust(key, removed)
            && match value {
                Value::Bool(_) | Value::Number(_) | Value::Null => true,
                Value::String(text) => {
                    text.len() <= 128
                        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" %.-_:".contains(&byte))
                }
                _ => false,
            }
    });
    true
}

fn is_setting_of_trust(key: &str, removed: &mut Removals) -> bool {
    match key {
        "isolated" => {
            removed.add(Kind::Frame);
            true
        }
        "trusted" => true,
        _ => false,
    }
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
