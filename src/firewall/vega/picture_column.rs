//! The one column that a viewer's tooltip shows as a picture, and so loads: it gets another name, in data, expressions
//! and wherever else the chart names it.

use serde_json::{Map, Value};

use super::keys::{Rule, rule};
use super::language::Language;

/// The name of that column, and what it is called instead.
pub const SHOWN_AS_PICTURE: &str = "image";
const NOT_SHOWN: &str = "Image";

/// Gives the column its other name everywhere in a chart. What is in rows of data is left alone but for its columns.
pub fn rename(value: &mut Value, language: Language, key: &str, in_rows: bool) {
    match value {
        Value::String(text) => match rule(language, key) {
            // A whole table.
            Some(Rule::Rows) if !in_rows => rename_text(text),
            _ if in_rows => {}
            // A title may become a name in a tooltip.
            Some(Rule::Text | Rule::Tooltip) if text.trim() == SHOWN_AS_PICTURE => *text = NOT_SHOWN.to_string(),
            Some(rule) if names_columns(rule) && !matches!(key, "style" | "role" | "row" | "column") => {
                rename_text(text)
            }
            _ => {}
        },
        Value::Array(list) => {
            let in_rows = in_rows || matches!(key, "values" | "datasets");
            list.iter_mut().for_each(|item| rename(item, language, key, in_rows));
        }
        Value::Object(object) => {
            // The settings for all marks that are pictures.
            if key != "config" {
                rename_key(object);
            }
            let in_rows = in_rows || matches!(key, "datasets");
            object.iter_mut().for_each(|(key, value)| rename(value, language, key, in_rows));
        }
        _ => {}
    }
}

/// Whether a text may name a column, or what an expression names.
fn names_columns(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::Data
            | Rule::Events
            | Rule::Expression
            | Rule::Field
            | Rule::From
            | Rule::GroupField
            | Rule::Name
            | Rule::On
            | Rule::Predicate
            | Rule::Signal
            | Rule::Source
            | Rule::Update
    )
}

fn rename_key(object: &mut Map<String, Value>) {
    if object.contains_key(SHOWN_AS_PICTURE) {
        *object = std::mem::take(object)
            .into_iter()
            .map(|(key, value)| (if key == SHOWN_AS_PICTURE { NOT_SHOWN.to_string() } else { key }, value))
            .collect();
    }
}

/// Replaces the word that stands for a picture.
fn rename_text(text: &mut String) {
    if !text.contains(SHOWN_AS_PICTURE) {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(SHOWN_AS_PICTURE) {
        let joined =
            before.ends_with(is_word) || (before.is_empty() && out.ends_with(is_word)) || after.starts_with(is_word);
        out.push_str(before);
        out.push_str(if joined { SHOWN_AS_PICTURE } else { NOT_SHOWN });
        rest = after;
    }
    out.push_str(rest);
    *text = out;
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
