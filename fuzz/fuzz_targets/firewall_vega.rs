//! Charts of Vega and Vega-Lite, and the expressions in them.
//!
//! The input: one byte that says what it is, and a chart as JSON, or an expression, or what events are listened to.
#![no_main]

use cellblock_fuzz::{Input, shown};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const VEGA: &str = "application/vnd.vega.v5+json";
const LITE: &str = "application/vnd.vegalite.v5+json";

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let what = input.byte() % 6;
    let text = || String::from_utf8_lossy(input.0).into_owned();
    let chart = || serde_json::from_slice::<Value>(input.0).ok();
    match what {
        0 => chart().into_iter().for_each(|chart| checked(VEGA, chart)),
        1 => chart().into_iter().for_each(|chart| checked(LITE, chart)),
        2 => checked(LITE, json!({"mark": "bar", "transform": [{"calculate": text(), "as": "c"}]})),
        3 => checked(
            VEGA,
            json!({"signals": [{"name": "s", "value": 1, "on": [{"events": "click", "update": text()}]}]}),
        ),
        4 => checked(VEGA, json!({"signals": [{"name": "s", "value": 1, "on": [{"events": text(), "update": "1"}]}]})),
        _ => checked(
            VEGA,
            json!({"marks": [{"name": "m"}, {"from": {"data": "m"}, "encode": {"update": {"x": {"signal": text()}}}}]}),
        ),
    }
});

fn checked(kind: &str, chart: Value) {
    let (Some(once), _) = shown(kind, chart) else { return };
    harmless(&once, "");
    let (twice, removed) = shown(kind, once.clone());
    assert!(removed.is_empty(), "what was left is taken the second time: {removed:?}, {once}");
    assert_eq!(twice, Some(once), "the second time nothing is changed");
}

/// What must not be in a chart, said without a look at what may.
fn harmless(value: &Value, name: &str) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| harmless(item, name)),
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            assert!(!matches!(key.as_str(), "__proto__" | "loader" | "patch" | "sourceHeader" | "image"), "{key}");
            if name == "bind" {
                assert!(
                    !key.to_ascii_lowercase().starts_with("on") && !matches!(key.as_str(), "src" | "style" | "element")
                );
            }
            // Data and literal values have what names they like.
            if !matches!(key.as_str(), "values" | "datasets" | "value" | "default" | "fit" | "config") {
                harmless(value, key);
            }
        }),
        Value::String(text) if matches!(name, "calculate" | "update" | "signal" | "expr" | "init") => code(text),
        Value::String(address) if name == "url" => assert!(!address.trim().starts_with("http")),
        _ => {}
    }
}

/// What no expression says outside of its texts.
fn code(expression: &str) {
    let mut plain = String::new();
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\'' => {
                while let Some(next) = characters.next() {
                    match next {
                        '\\' => drop(characters.next()),
                        _ if next == character => break,
                        _ => {}
                    }
                }
                plain.push(' ');
            }
            // What follows may be a regular expression, in which a quotation mark is none.
            '/' => return,
            _ => plain.push(character),
        }
    }
    let words: Vec<&str> =
        plain.split(|character: char| !(character.is_alphanumeric() || "_$".contains(character))).collect();
    for word in &words {
        assert!(
            !matches!(
                *word,
                "constructor" | "__proto__" | "prototype" | "eval" | "toString" | "valueOf" | "vlSelectionTuples"
            ) || (*word == "toString" && plain.contains("toString(")),
            "{expression}"
        );
    }
    assert!(!plain.contains("=>") && !plain.contains('`') && !plain.contains(';'), "{expression}");
}
