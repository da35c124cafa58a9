//! Vega and Vega-Lite charts: a language that a front-end interprets. It can fetch data and pictures, lead to
//! other pages and set up the viewer itself; those parts go. Data that a chart brings along stays.

use serde_json::{Map, Value};

use super::css;
use super::removals::{Kind, Removals};
use super::url::{Place, Verdict, judge};

/// The deepest nesting of a chart.
const MAX_DEPTH: usize = 100;

/// What the viewer is told beside the chart, and what picks elements of the page.
const VIEWER: [&str; 8] =
    ["usermeta", "embedOptions", "loader", "patch", "actions", "sourceHeader", "sourceFooter", "baseURL"];

/// Expressions stand under these names.
const EXPRESSIONS: [&str; 8] = ["signal", "expr", "calculate", "filter", "test", "update", "init", "labelExpr"];

/// The name under which the viewer's tooltip shows a value as a picture, and what it is called instead.
const SHOWN_AS_PICTURE: &str = "image";
const NOT_SHOWN: &str = "Image";

/// What may stay of a chart; nothing if it is nested too deep.
pub fn sanitize(chart: &mut Value, remote: bool, removed: &mut Removals) -> bool {
    if let Some(chart) = chart.as_object_mut() {
        for name in VIEWER {
            if chart.remove(name).is_some() {
                removed.add(Kind::PlotCode);
            }
        }
    }
    let pivots = has_pivots(chart, 0);
    Walk { remote, removed, pivots }.value(chart, "", 0)
}

/// Whether columns are named by what is in the data, so that no name can be looked for.
fn has_pivots(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(list) => depth < MAX_DEPTH && list.iter().any(|item| has_pivots(item, depth + 1)),
        Value::Object(object) => {
            object.contains_key("pivot")
                || object.get("type").and_then(Value::as_str) == Some("pivot")
                || depth < MAX_DEPTH && object.values().any(|value| has_pivots(value, depth + 1))
        }
        _ => false,
    }
}

struct Walk<'r> {
    remote: bool,
    removed: &'r mut Removals,
    pivots: bool,
}

impl Walk<'_> {
    fn value(&mut self, value: &mut Value, name: &str, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            self.removed.add(Kind::TooLarge);
            return false;
        }
        match value {
            Value::Object(object) => self.object(object, name, depth),
            Value::Array(list) if name == "values" => list.iter_mut().all(|row| self.row(row, depth + 1)),
            Value::Array(list) => list.iter_mut().all(|item| self.value(item, name, depth + 1)),
            Value::String(text) => {
                self.text(text, name);
                true
            }
            _ => true,
        }
    }

    fn object(&mut self, object: &mut Map<String, Value>, name: &str, depth: usize) -> bool {
        self.take_out(object, name);
        object.iter_mut().all(|(key, value)| match (name, key.as_str()) {
            // Data: what its columns are called is the chart's own affair.
            ("datasets", _) => self.row(value, depth + 1),
            ("data", "values") if value.is_string() => {
                self.table(value);
                true
            }
            ("data", "values") if !value.is_array() => self.row(value, depth + 1),
            _ => self.value(value, key, depth + 1),
        })
    }

    fn take_out(&mut self, object: &mut Map<String, Value>, name: &str) {
        let count = object.len();
        object.retain(|key, value| {
            !matches!(key.as_str(), "usermeta" | "embedOptions" | "loader" | "patch") || value.is_boolean()
        });
        // A selector that puts a chart's controls anywhere in the page.
        if name == "bind" || object.contains_key("input") {
            object.retain(|key, _| key != "element" && key != "container");
        }
        for _ in object.len()..count {
            self.removed.add(Kind::PlotCode);
        }
        let count = object.len();
        let remote = self.remote;
        object.retain(|key, value| match key.as_str() {
            "url" | "baseURL" => {
                remote && !holds_code(value)
                    || value.as_str().is_some_and(|url| judge(url, Place::Image) == Verdict::Fine)
            }
            "href" => false,
            _ => true,
        });
        for _ in object.len()..count {
            self.removed.add(Kind::Remote);
        }
        if object.get("type").and_then(Value::as_str) == Some("load") {
            object.clear();
            self.removed.add(Kind::PlotCode);
        }
        if !remote
            && object.get("tooltip").and_then(|tooltip| tooltip.get("content")).and_then(Value::as_str) == Some("data")
        {
            // All columns, of which one might be made up as a picture's address; those that are drawn instead.
            object.insert("tooltip".to_string(), serde_json::json!({ "content": "encoding" }));
        }
        if remote {
            return;
        }
        // A column that an expression names.
        if object.get("as").is_some_and(|name| !is_text(name)) {
            object.remove("as");
            self.removed.add(Kind::PlotCode);
        }
        if object.get("tooltip").is_some_and(|tooltip| is_row(tooltip, self.pivots, 0)) {
            object.remove("tooltip");
            self.removed.add(Kind::PlotCode);
        }
        if name != "config" {
            rename_key(object);
        }
    }

    fn text(&mut self, text: &mut String, name: &str) {
        if !self.remote && !matches!(name, "type" | "mark" | "$schema") {
            if EXPRESSIONS.contains(&name) && text.contains('\\') {
                // A name spelled in escapes.
                text.clear();
                self.removed.add(Kind::PlotCode);
            }
            rename(text);
        }
        self.paint(text);
    }

    /// A paint such as `url(http://…)`, which SVG would follow.
    fn paint(&mut self, text: &mut String) {
        if !self.remote
            && contains_ignoring_case(text, "url(")
            && !css::value_is_fine(text, false, &mut Removals::new())
        {
            text.clear();
            self.removed.add(Kind::Remote);
        }
    }

    /// A table as one text, of comma-separated values or of JSON.
    fn table(&mut self, table: &mut Value) {
        let Value::String(text) = table else { return };
        if !self.remote {
            if text.contains('\\') {
                // A name spelled in escapes.
                text.clear();
                self.removed.add(Kind::PlotCode);
            }
            rename(text);
        }
        self.paint(text);
    }

    /// A row of data, or a table of them. Only the name that a tooltip would take for a picture changes, as it does in
    /// the rest of the chart.
    fn row(&mut self, row: &mut Value, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            self.removed.add(Kind::TooLarge);
            return false;
        }
        match row {
            Value::Object(object) => {
                if !self.remote {
                    rename_key(object);
                }
                object.values_mut().all(|value| self.row(value, depth + 1))
            }
            Value::Array(list) => list.iter_mut().all(|value| self.row(value, depth + 1)),
            Value::String(text) => {
                self.paint(text);
                true
            }
            _ => true,
        }
    }
}

/// Whether this is a name, or a list of names.
fn is_text(name: &Value) -> bool {
    match name {
        Value::Array(list) => list.iter().all(Value::is_string),
        _ => name.is_string(),
    }
}

/// Whether a tooltip may be a row of data as it is; with pivots, whatever is not written out may hold one.
fn is_row(tooltip: &Value, pivots: bool, depth: usize) -> bool {
    match tooltip {
        Value::Array(list) => depth < MAX_DEPTH && list.iter().any(|item| is_row(item, pivots, depth + 1)),
        Value::Object(object) => object.iter().any(|(key, value)| match (key.as_str(), value) {
            ("signal" | "expr", Value::String(text)) => text.trim() == "datum" || (pivots && !is_literal(text.trim())),
            _ => depth < MAX_DEPTH && is_row(value, pivots, depth + 1),
        }),
        _ => false,
    }
}

/// Whether an expression is one object that is written out, so that its keys are there to be seen.
fn is_literal(text: &str) -> bool {
    let (mut depth, mut quote) = (0_usize, None);
    for (place, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return place > 0 && place + 1 == text.len();
        }
    }
    false
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
fn rename(text: &mut String) {
    if !text.contains(SHOWN_AS_PICTURE) {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(SHOWN_AS_PICTURE) {
        let (before, tail) = rest.split_at(at);
        let after = tail.get(SHOWN_AS_PICTURE.len()..).unwrap_or_default();
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

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

fn holds_code(value: &Value) -> bool {
    value.as_str().is_some_and(|url| judge(url, Place::Image) == Verdict::Code)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(chart: Value) -> (Value, Removals) {
        let (mut chart, mut removed) = (chart, Removals::new());
        assert!(sanitize(&mut chart, false, &mut removed));
        (chart, removed)
    }

    #[test]
    fn charts_stay_as_they_are() {
        let chart = json!({
            "$schema": "https://vega.github.io/schema/vega-lite/v5.8.0.json",
            "config": {"view": {"continuousWidth": 300}},
            "data": {"name": "data-1"},
            "datasets": {"data-1": [{"a": "A", "b": 28, "url": "https://x.org", "href": "y"}]},
            "mark": {"type": "bar", "tooltip": true},
            "encoding": {"x": {"field": "a", "type": "nominal"}, "y": {"field": "b"}, "color": {"condition": {"test": "datum.b > 3", "value": "red"}}},
            "params": [{"name": "p", "bind": {"input": "range", "max": 3}}],
            "transform": [{"calculate": "datum.b * 2", "as": "c"}]
        });
        let (out, removed) = checked(chart.clone());
        assert_eq!(out, chart);
        assert!(removed.is_empty());
    }

    #[test]
    fn nothing_is_fetched_and_the_viewer_is_not_set_up() {
        for chart in [
            json!({"data": {"url": "http://evil/x.csv"}}),
            json!({"data": [{"name": "a", "url": "http://evil"}, {"name": "b", "url": {"signal": "'http://evil'"}}]}),
            json!({"mark": {"type": "image", "url": "http://evil"}}),
            json!({"encoding": {"url": {"field": "evil"}, "href": {"field": "evil"}}}),
            json!({"marks": [{"type": "image", "encode": {"update": {"url": {"value": "http://evil"}}}}]}),
            json!({"marks": [{"encode": {"update": {"href": {"value": "javascript:evil()"}}}}]}),
            json!({"transform": [{"lookup": "a", "from": {"data": {"url": "http://evil"}}}]}),
            json!({"usermeta": {"embedOptions": {"loader": {"baseURL": "http://evil"}, "sourceHeader": "<script>evil"}}}),
            json!({"spec": {"usermeta": {"embedOptions": {"patch": "http://evil"}}}}),
            json!({"mark": {"type": "bar", "fill": "URL(http://evil#x)"}}),
            json!({"datasets": {"x": [{"c": "url(http://evil)"}]}}),
            json!({"signals": [{"name": "a", "bind": {"input": "text", "element": "#evil"}}]}),
            json!({"config": {"image": {"url": "http://evil"}}}),
            json!({"data": [{"transform": [{"type": "load", "evil": 1}]}]}),
        ] {
            let (out, removed) = checked(chart.clone());
            assert!(!out.to_string().contains("evil"), "{chart} became {out}");
            assert!(!removed.is_empty(), "{chart}");
        }
    }

    #[test]
    fn a_tooltip_shows_no_picture() {
        for chart in [
            json!({"encoding": {"tooltip": [{"field": "image"}]}, "data": {"values": [{"image": "http://evil"}]}}),
            json!({"encode": {"tooltip": {"signal": "{image: 'http://evil?' + datum.x}"}}}),
            json!({"encode": {"tooltip": {"signal": "{'image': 'http://evil'}"}}}),
            json!({"transform": [{"calculate": "1", "as": "image"}]}),
        ] {
            let (out, _) = checked(chart);
            assert!(!out.to_string().contains("image"), "{out}");
        }
        let (out, _) = checked(json!({"encode": {"tooltip": {"signal": "{'\\u0069mage': 'http://evil'}"}}}));
        assert!(!out.to_string().contains("evil"), "{out}");
        for chart in [
            json!({"encode": {"tooltip": {"value": {"image": "http://evil"}}}}),
            json!({"signals": [{"name": "s", "value": {"image": "http://evil"}}]}),
            json!({"data": {"values": "image,b\nhttp://evil,1\n", "format": {"type": "csv"}}}),
        ] {
            let (out, _) = checked(chart);
            assert!(!out.to_string().contains("image"), "{out}");
        }
        for chart in [
            json!({"data": {"values": "[{\"im\\u0061ge\": \"http://evil\"}]", "format": {"type": "json"}}}),
            json!({"transform": [{"type": "formula", "expr": "1", "as": {"signal": "'evil'"}}]}),
            json!({"encode": {"tooltip": [{"test": "evil", "signal": " datum "}]}}),
            json!({"transform": [{"pivot": "k"}], "mark": {"tooltip": {"expr": "{a: evil}.a"}}}),
            json!({"transform": [{"type": "pivot"}], "encode": {"tooltip": {"signal": "(evil)"}}}),
        ] {
            let (out, removed) = checked(chart);
            assert!(!removed.is_empty() && !out.to_string().contains("evil"), "{out}");
        }
        let pivoted = json!({"transform": [{"type": "pivot"}], "encode": {"tooltip": {"signal": "{\"a}\": datum[\"a}\"], 'b': {c: 1}}"}}});
        assert_eq!(checked(pivoted.clone()).0, pivoted);
        let (out, _) = checked(json!({"mark": {"type": "bar", "tooltip": {"content": "data"}}}));
        assert_eq!(out["mark"]["tooltip"]["content"], "encoding");
        assert_eq!(checked(json!({"mark": {"type": "image"}})).0["mark"]["type"], "image");
    }
}
