//! What a chart declares: its signals, data sets and marks, which its expressions may name.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::expression::Outcome;
use super::language::Language;
use super::names::is_own;
use super::{MAX_DEPTH, names};

/// The transforms whose own value may become a signal: numbers, shapes, what is filtered.
const SIGNALLING: [&str; 6] = ["bin", "crossfilter", "extent", "geojson", "quantile", "timeunit"];

/// The signals that every chart has.
const BUILT_IN: [&str; 5] = ["width", "height", "padding", "autosize", "background"];

/// Where a name is not that of a mark; parts of axes and legends are marks as well.
const NAMED: [&str; 9] = ["signals", "params", "data", "marks", "scales", "projections", "facet", "bind", "scheme"];

/// Names that the viewer, or what Vega-Lite makes of a chart, has for more than data.
const TAKEN: [&str; 7] = ["datum", "event", "facet", "item", "parent", "root", "unit"];

/// The largest number of choices that a signal is known by, and how long they may be together.
const MAX_CHOICES: usize = 256;
const MAX_LENGTH: usize = 10_000;

/// What names there are in a chart.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    signals: HashMap<String, Outcome>,
    data: HashSet<String>,
    /// Marks by their names, each with what it is drawn for.
    marks: HashMap<String, Option<String>>,
    /// What any mark is drawn for.
    drawn_for: HashSet<String>,
    /// Whether marks are drawn for marks, so that a row of data may be one.
    pub marks_of_marks: bool,
    /// Whether groups of marks know the row that they are drawn for.
    pub has_groups: bool,
    /// Whether columns are named by what is in the data.
    pub pivots: bool,
    /// Whether Vega-Lite writes the names of columns into expressions as they are.
    pub imputes: bool,
}

impl Declared {
    /// Looks through a chart.
    pub fn of(chart: &Value, language: Language) -> Self {
        let mut declared = Self { has_groups: language == Language::Vega, ..Self::default() };
        for name in BUILT_IN {
            declared.signals.insert(name.to_string(), Outcome::Known);
        }
        declared.look(chart, "", 0);
        declared.marks_of_marks =
            language == Language::Vega && declared.drawn_for.iter().any(|source| declared.marks.contains_key(source));
        declared
    }

    /// What a signal may be, if there is one of this name.
    pub fn signal(&self, name: &str) -> Option<Outcome> {
        self.signals.get(name).cloned()
    }

    /// Whether there is a data set of this name, and no mark.
    pub fn has_data(&self, name: &str) -> bool {
        match self.has_groups {
            true => self.data.contains(name) && !self.marks.contains_key(name),
            // Others may have the name of what Vega-Lite makes of the chart.
            false => name.strip_suffix("_store").is_some_and(|signal| self.signals.contains_key(signal)),
        }
    }

    /// What a mark is drawn for: a row, or a mark of this name.
    pub fn is_mark(&self, name: &str) -> bool {
        self.marks.contains_key(name) && !self.data.contains(name)
    }

    /// Whether a mark is drawn for rows of data, or for nothing.
    pub fn is_of_rows(&self, mark: &str) -> bool {
        match self.marks.get(mark) {
            Some(Some(source)) => self.has_data(source),
            Some(None) => true,
            None => false,
        }
    }

    fn look(&mut self, value: &Value, name: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(_) if name == "values" => {}
            Value::Array(list) => list.iter().for_each(|item| self.look(item, name, depth + 1)),
            Value::Object(object) => {
                self.declare(object, name);
                self.pivots |=
                    object.contains_key("pivot") || object.get("type").and_then(Value::as_str) == Some("pivot");
                self.imputes |= object.contains_key("impute");
                if let Some(source) = object.get("from").and_then(|from| from.get("data")).and_then(Value::as_str) {
                    self.drawn_for.insert(source.to_string());
                }
                if let Some(mark) = text(object, "name")
                    && !NAMED.contains(&name)
                {
                    self.marks.entry(mark.to_string()).or_insert_with(|| Some(mark.to_string()));
                }
                if name == "facet"
                    && let Some(data) = text(object, "name")
                {
                    self.data.insert(data.to_string());
                }
                object.iter().for_each(|(key, value)| match key.as_str() {
                    // Data is no part of the chart's own description.
                    "datasets" => {}
                    _ => self.look(value, key, depth + 1),
                });
            }
            _ => {}
        }
    }

    /// Notes what is declared by an object, or one in a list, under a key.
    fn declare(&mut self, object: &Map<String, Value>, list: &str) {
        if list == "transform"
            && let (Some(name), Some(kind)) = (text(object, "signal"), text(object, "type"))
            && is_signal(name)
            && SIGNALLING.contains(&kind.to_ascii_lowercase().as_str())
        {
            self.signals.insert(name.to_string(), Outcome::Known);
        }
        if list == "transform"
            && object.contains_key("extent")
            && let Some(name) = text(object, "param").filter(|name| is_signal(name))
        {
            self.signals.insert(name.to_string(), Outcome::Known);
        }
        let Some(name) = text(object, "name") else { return };
        match list {
            "signals" | "params" if is_signal(name) => {
                let outcome = outcome(object);
                let entry = self.signals.entry(name.to_string());
                // One name may be declared twice, in a group and around it.
                entry.and_modify(|known| *known = Outcome::Known).or_insert(outcome);
            }
            "data" => {
                self.data.insert(name.to_string());
            }
            "marks" => {
                let source = object.get("from").and_then(|from| from.get("data")).and_then(Value::as_str);
                match self.marks.contains_key(name) {
                    // Of two marks with one name it cannot be said: as if it were drawn for itself.
                    true => self.marks.insert(name.to_string(), Some(name.to_string())),
                    false => self.marks.insert(name.to_string(), source.map(str::to_string)),
                };
            }
            _ => {}
        }
    }
}

fn text<'o>(object: &'o Map<String, Value>, key: &str) -> Option<&'o str> {
    object.get(key).and_then(Value::as_str)
}

/// Whether a signal may have this name.
pub fn is_signal(name: &str) -> bool {
    names::is_name(name) && !TAKEN.contains(&name) && is_own(name)
}

/// What a signal can be, if nothing but the user's choice among its options changes it.
fn outcome(signal: &Map<String, Value>) -> Outcome {
    let changes = ["update", "init", "on", "push", "expr", "select", "views", "react"];
    if changes.iter().any(|key| signal.contains_key(*key)) {
        return Outcome::Known;
    }
    let mut texts = Vec::new();
    let mut fits = |value: &Value| match value {
        Value::String(text) => {
            texts.push(text.clone());
            true
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => true,
        _ => false,
    };
    let settled = signal.get("value").is_none_or(&mut fits)
        && match signal.get("bind") {
            None => true,
            Some(Value::Object(bind)) => match (bind.get("input").and_then(Value::as_str), bind.get("options")) {
                (Some("range" | "checkbox"), _) => true,
                (Some("select" | "radio"), Some(Value::Array(options))) => options.iter().all(fits),
                _ => false,
            },
            Some(_) => false,
        };
    let length: usize = texts.iter().map(String::len).sum();
    match (settled && texts.len() <= MAX_CHOICES && length <= MAX_LENGTH, texts.is_empty()) {
        (false, _) => Outcome::Known,
        (true, true) => Outcome::Number,
        (true, false) => Outcome::Texts(texts),
    }
}
