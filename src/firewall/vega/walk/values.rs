//! Values of whatever form: literal ones, rows of data, sets of settings that the chart names itself.

use serde_json::{Map, Value};

use super::super::super::removals::Kind;
use super::super::keys::Rule;
use super::super::language::Language;
use super::super::{names, paint, text};
use super::Fate::{self, Goes, Refused, Stays};
use super::{Spot, Walk, within};

impl Walk<'_> {
    /// What has its own names: literal values, data, sets of settings.
    pub(super) fn open(&mut self, rule: Rule, value: &mut Value, spot: Spot) -> Fate {
        match (rule, &mut *value) {
            (Rule::Named, Value::String(text)) => Fate::stays_if(names::is_name(text)),
            (Rule::Named, Value::Object(object)) => self.named(object, spot),
            (Rule::Datasets, Value::Object(sets)) => {
                let count = sets.len();
                sets.retain(|name, _| names::is_name(name));
                for _ in sets.len()..count {
                    self.removed.add(Kind::PlotCode);
                }
                sets.values_mut().for_each(|rows| self.rows(rows));
                Stays
            }
            (Rule::Rows, Value::Object(object)) if object.get("signal").is_some_and(Value::is_string) => {
                self.ingests |= spot.around == "data";
                self.part(object, spot)
            }
            (Rule::Rows, Value::String(text)) if spot.around == "on" => self.text(Rule::Expression, text, spot),
            (Rule::Rows, Value::String(_)) if spot.around == "data" => {
                self.table(value);
                Stays
            }
            (Rule::Rows, _) if spot.around == "data" => {
                self.rows(value);
                Stays
            }
            // Ticks and the like, among which there may be references.
            (Rule::Rows, _) => self.ordinary(Rule::Values, value, spot),
            (Rule::Literal, _) => self.literal(value, spot),
            _ => Goes(Kind::PlotCode),
        }
    }

    pub(super) fn named(&mut self, object: &mut Map<String, Value>, spot: Spot) -> Fate {
        for (name, mut value) in std::mem::take(object) {
            let fate = match &mut value {
                _ if !names::is_name(&name) => Goes(Kind::PlotCode),
                Value::Object(part) => self.part(part, spot),
                Value::Array(_) | Value::String(_) if spot.key == "range" => {
                    self.ordinary(Rule::Values, &mut value, spot)
                }
                Value::Bool(_) | Value::Number(_) | Value::Null => Stays,
                Value::String(text) => Fate::stays_if(names::is_name(text)),
                Value::Array(_) => Goes(Kind::PlotCode),
            };
            match fate {
                Stays => {
                    object.insert(name, value);
                }
                Goes(kind) => self.removed.add(kind),
                Refused => return Refused,
            }
        }
        Stays
    }

    /// A value of whatever form; what could be taken for a reference is one.
    pub(super) fn literal(&mut self, value: &mut Value, spot: Spot) -> Fate {
        match value {
            Value::String(_) if spot.in_degrees => Refused,
            Value::String(text) => {
                if !self.is_harmless(text, Rule::Values, spot) {
                    text.clear();
                    self.removed.add(Kind::Remote);
                }
                Stays
            }
            Value::Array(list) => {
                let refused = list.iter_mut().any(|item| self.literal(item, spot) == Refused);
                Fate::refused_unless(!refused)
            }
            Value::Object(object) => {
                let count = object.len();
                let is_gradient = object.contains_key("gradient");
                object.retain(|key, value| {
                    names::is_own(key)
                        && paint::is_no_address(key, self.remote)
                        && !(is_gradient && key == "id")
                        && !(self.language == Language::VegaLite && is_loose_date(key, value))
                });
                for _ in object.len()..count {
                    self.removed.add(Kind::PlotCode);
                }
                for (key, value) in object.iter_mut() {
                    let fate = match (key.as_str(), &mut *value) {
                        ("signal" | "expr", Value::String(text)) => {
                            self.expression(text, Rule::Signal, within(key, None, spot))
                        }
                        // In a list it would be written into expressions as it is.
                        ("signal" | "expr", Value::Array(_) | Value::Object(_)) => Refused,
                        _ => self.literal(value, spot),
                    };
                    if fate == Refused {
                        return Refused;
                    }
                }
                Stays
            }
            _ => Stays,
        }
    }

    /// Rows of data. What their columns are called is their own affair.
    pub(super) fn rows(&mut self, rows: &mut Value) {
        match rows {
            Value::Object(row) => {
                // What a column is called can become a value.
                let count = row.len();
                row.retain(|column, _| paint::is_no_address(column, self.remote));
                for _ in row.len()..count {
                    self.removed.add(Kind::Remote);
                }
                row.values_mut().for_each(|value| self.rows(value));
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.rows(value)),
            Value::String(text) if !paint::is_no_address(text, self.remote) => {
                text.clear();
                self.removed.add(Kind::Remote);
            }
            _ => {}
        }
    }

    /// A table as one text, of comma-separated values or of JSON: names in it could be spelled in escapes.
    pub(super) fn table(&mut self, table: &mut Value) {
        let Value::String(text) = table else { return };
        if text.contains('\\') || text.contains("__proto__") {
            text.clear();
            self.removed.add(Kind::PlotCode);
        }
        self.rows(table);
    }

    /// Columns with how they are read.
    pub(super) fn columns(&mut self, value: &mut Value) -> Fate {
        let Value::Object(columns) = value else { return Goes(Kind::PlotCode) };
        let fits = |(name, parser): (&String, &Value)| {
            names::is_path(name)
                && (parser.is_null()
                    || parser.as_str().is_some_and(|parser| text::fits(Rule::Parse, parser, self.language, false)))
        };
        Fate::refused_unless(columns.iter().all(fits))
    }
}

/// A part of a date that has a text which is neither a number nor a name.
fn is_loose_date(key: &str, value: &Value) -> bool {
    const PARTS: [&str; 11] =
        ["date", "day", "dayofyear", "hours", "milliseconds", "minutes", "month", "quarter", "seconds", "week", "year"];
    PARTS.contains(&key) && !is_plain_date(value)
}

fn is_plain_date(value: &Value) -> bool {
    match value {
        Value::String(part) => text::is_date(part),
        Value::Array(list) => list.iter().all(is_plain_date),
        Value::Object(_) => false,
        _ => true,
    }
}
