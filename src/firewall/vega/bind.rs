//! Controls beside a chart. The viewer gives an input whatever else stands in its description as an attribute, so only
//! known kinds of inputs come through, each with what it is known to have.

use serde_json::{Map, Value};

use super::paint;

/// The kinds of inputs that take a value and do nothing else.
const TEXTUAL: [&str; 12] =
    ["color", "date", "datetime-local", "email", "month", "number", "search", "tel", "text", "time", "url", "week"];

/// The longest text of a control.
const MAX_TEXT: usize = 10_000;

/// What may stay of a control's description, with the number of what went; nothing if it is no known control.
pub fn sanitize(bind: &mut Map<String, Value>, remote: bool) -> Option<u32> {
    let input = bind.get("input").and_then(Value::as_str)?.to_string();
    let count = bind.len();
    bind.retain(|key, value| match (input.as_str(), key.as_str()) {
        (_, "input") => true,
        (_, "name") => is_text(value),
        (_, "debounce") => value.is_number(),
        ("select" | "radio", "options" | "labels") => {
            matches!(value, Value::Array(list) if list.iter().all(|item| is_choice(item, remote)))
        }
        ("range", "min" | "max" | "step") => value.is_number(),
        (kind, "min" | "max" | "step") if TEXTUAL.contains(&kind) => is_plain(value),
        (kind, "minlength" | "maxlength" | "size") if TEXTUAL.contains(&kind) => value.is_number(),
        (kind, "placeholder") if TEXTUAL.contains(&kind) => is_text(value),
        // More would have the browser fill in what it knows of the user.
        (kind, "autocomplete") if TEXTUAL.contains(&kind) => matches!(value.as_str(), Some("on" | "off")),
        _ => false,
    });
    let known =
        matches!(input.as_str(), "checkbox" | "radio" | "range" | "select") || TEXTUAL.contains(&input.as_str());
    let has_options = !matches!(input.as_str(), "radio" | "select") || bind.contains_key("options");
    (known && has_options).then(|| u32::try_from(count - bind.len()).unwrap_or(u32::MAX))
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() <= MAX_TEXT)
}

fn is_plain(value: &Value) -> bool {
    is_text(value) || value.is_number() || value.is_boolean() || value.is_null()
}

/// One of several values, which may be a list of them.
fn is_choice(value: &Value, remote: bool) -> bool {
    match value {
        Value::Array(list) => list.iter().all(|item| is_plain(item) && is_choice(item, remote)),
        // It may become a colour.
        Value::String(text) => is_text(value) && paint::is_no_address(text, remote),
        value => is_plain(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(bind: Value) -> Option<Value> {
        let Value::Object(mut bind) = bind else { panic!("an object") };
        sanitize(&mut bind, false).map(|_| Value::from(bind))
    }

    #[test]
    fn controls_stay_as_they_are() {
        for bind in [
            json!({"input": "range", "min": 0, "max": 1.5, "step": 0.1, "name": "Size: ", "debounce": 10}),
            json!({"input": "select", "options": ["a", null, 3], "labels": ["A", "none", "three"]}),
            json!({"input": "radio", "options": [true, false]}),
            json!({"input": "checkbox"}),
            json!({"input": "text", "placeholder": "a name", "autocomplete": "off"}),
            json!({"input": "date", "min": "2026-01-01"}),
            json!({"input": "color"}),
        ] {
            assert_eq!(left(bind.clone()), Some(bind));
        }
    }

    #[test]
    fn nothing_but_what_is_known_becomes_an_attribute() {
        let bind = json!({"input": "text", "ONERROR": "evil()", "src": "evil", "style": "evil", "formaction": "evil", "element": "#evil",
            "autofocus": true, "list": "evil", "pattern": "evil", "type": "image", "form": "evil", "autocomplete": "cc-number", "placeholder": ["evil"]});
        assert_eq!(left(bind), Some(json!({"input": "text"})));
        assert_eq!(
            left(json!({"input": "range", "max": "evil", "min": {"toString": 1}})),
            Some(json!({"input": "range"}))
        );
    }

    #[test]
    fn other_controls_go() {
        for bind in [
            json!({"input": "image", "src": "x"}),
            json!({"input": "file"}),
            json!({"input": "submit", "formaction": "x"}),
            json!({"input": "Text"}),
            json!({"input": ["text"]}),
            json!({"element": "#evil", "event": "click"}),
            json!({"input": "select", "options": [{"x": 1}]}),
            json!({"input": "radio"}),
            json!({}),
        ] {
            assert_eq!(left(bind.clone()), None, "{bind}");
        }
    }
}
