//! Vega and Vega-Lite charts: two languages that a front-end interprets. They can fetch data and pictures, lead to other
//! pages, set up the viewer and make code of text. A chart is let through as far as it is known: known keys, each with
//! what it may hold; expressions of which every name is known. A chart with an expression that is not does not pass, and
//! the front-end shows what else the output brings: a picture, or text.
//!
//! Vega-Lite is made into Vega in the front-end, much of it by putting texts together: what was one name or one number
//! here must be one there.

mod bind;
mod declared;
mod embed;
mod expression;
mod keys;
mod language;
mod names;
mod paint;
mod picture_column;
mod selector;
mod text;
mod walk;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::removals::{Kind, Removals};
use declared::Declared;
use language::Language;
use walk::Walk;

/// The deepest nesting of a chart.
const MAX_DEPTH: usize = 100;

/// How often a chart is gone through until nothing more goes.
const MAX_ROUNDS: usize = 4;

/// What may stay of a chart in an output of this MIME type; nothing if it is nested too deep, is no chart, or has an
/// expression that may not be.
pub fn sanitize(chart: &mut Value, kind: &str, remote: bool, removed: &mut Removals) -> bool {
    // A text would be taken for the address of a chart.
    let Value::Object(top) = chart else {
        removed.add(Kind::Malformed);
        return false;
    };
    let language = Language::of_chart(top, kind);
    if is_too_deep(chart, 0) {
        removed.add(Kind::TooLarge);
        return false;
    }
    picture_column::rename(chart, language, "", false);
    // What goes may have declared what stays names.
    for _ in 0..MAX_ROUNDS {
        let (declared, mut found) = (Declared::of(chart, language), Removals::new());
        let stays = Walk::new(language, remote, &declared, &mut found).chart(chart);
        removed.merge(&found);
        if !stays || found.is_empty() {
            return stays;
        }
    }
    removed.add(Kind::PlotCode);
    false
}

/// Checks what the viewer is told in the metadata of a chart's output.
pub fn settings(settings: &mut Map<String, Value>, removed: &mut Removals) {
    let mut count = 0;
    settings.retain(|key, value| match (key.as_str(), value) {
        ("embed_options" | "embedOptions", Value::Object(options)) => {
            count += embed::options(options);
            true
        }
        _ => {
            count += 1;
            false
        }
    });
    removed.add_many(Kind::PlotCode, count);
}

fn is_too_deep(value: &Value, depth: usize) -> bool {
    depth > MAX_DEPTH
        || match value {
            Value::Array(list) => list.iter().any(|item| is_too_deep(item, depth + 1)),
            Value::Object(object) => object.values().any(|item| is_too_deep(item, depth + 1)),
            _ => false,
        }
}
