//! Texts: expressions, columns, names, words, and what is only read.

use serde_json::{Map, Value};

use super::super::super::removals::Kind;
use super::super::declared::is_signal;
use super::super::expression::{Datum, Node, Outcome, Setting, check, is_of_marks, parse};
use super::super::keys::Rule;
use super::super::language::Language;
use super::super::{names, paint, picture_column, selector, text};
use super::Fate::{self, Goes, Refused, Stays};
use super::{Sink, Spot, Walk};

impl Walk<'_> {
    pub(super) fn text(&mut self, rule: Rule, text: &str, spot: Spot) -> Fate {
        if rule == Rule::Field && names::path(text).iter().any(|name| names::is_method(name)) {
            self.notes.shares.set(true);
        }
        let fate = match rule {
            Rule::Expression | Rule::Predicate | Rule::Update => self.expression(text, rule, spot),
            // A transform's own value gets a name.
            Rule::Signal if spot.around == "transform" => Fate::refused_unless(is_signal(text)),
            Rule::Signal => self.expression(text, rule, spot),
            Rule::Events => self.events(text, spot),
            Rule::On if spot.in_transform => Fate::refused_unless(names::is_path(text)),
            Rule::On => self.events(text, spot),
            Rule::Data => match self.language {
                Language::Vega => Fate::refused_unless(
                    self.declared.has_data(text) || (spot.around == "from" && self.declared.is_mark(text)),
                ),
                Language::VegaLite => Goes(Kind::PlotCode),
            },
            Rule::From => Fate::refused_unless(self.declared.has_data(text)),
            Rule::Source if spot.in_events => Stays,
            Rule::Source => Fate::refused_unless(self.declared.has_data(text)),
            Rule::GroupField => Fate::refused_unless(is_of_marks(text)),
            Rule::Field => self.field(text, spot),
            Rule::Values | Rule::Colour => Stays,
            // Tooltips have it for a name; not all versions of Vega-Lite see to it that it stays one.
            Rule::Text if self.language == Language::VegaLite && names_a_column(spot) && text.contains('"') => {
                Goes(Kind::PlotCode)
            }
            _ => Fate::stays_if(text::fits(rule, text, self.language, self.declared.imputes)),
        };
        match fate {
            Stays if !self.is_harmless(text, rule, spot) => Goes(Kind::Remote),
            fate => fate,
        }
    }

    /// Whether a text loads nothing as a colour.
    pub(super) fn is_harmless(&self, text: &str, rule: Rule, spot: Spot) -> bool {
        match rule {
            Rule::Expression | Rule::Predicate | Rule::Update | Rule::Signal | Rule::Events | Rule::On => true,
            _ if spot.sink == Sink::Paint => paint::is_colour(text, self.remote),
            _ => paint::is_no_address(text, self.remote),
        }
    }

    /// A column, or what marks have that are drawn for marks.
    pub(super) fn field(&self, text: &str, spot: Spot) -> Fate {
        let fits = text::fits(Rule::Field, text, self.language, self.declared.imputes)
            && (self.language == Language::Vega || names::stays_in_place(text))
            && (!(spot.in_marks && spot.in_transform && spot.key == "as") || is_place(text));
        let of_marks = spot.in_marks && spot.key == "field" && spot.around != "sort" && spot.datum != Datum::Row;
        if !of_marks || spot.in_transform {
            return Fate::refused_unless(fits);
        }
        let path = names::path(text);
        let fine = match path.split_first() {
            Some((first, [])) => is_of_marks(first),
            Some((first, rest)) if spot.datum == Datum::Mark => match first.as_str() {
                "datum" => true,
                "bounds" => matches!(rest, [edge] if matches!(edge.as_str(), "x1" | "x2" | "y1" | "y2")),
                _ => false,
            },
            _ => false,
        };
        Fate::refused_unless(fits && fine)
    }

    /// A column whose name is worked out: it must be one of certain names.
    pub(super) fn reference(&mut self, object: &Map<String, Value>, spot: Spot) -> Fate {
        if self.language == Language::VegaLite {
            return Fate::refused_unless(!object.contains_key("signal") && !object.contains_key("expr"));
        }
        let strict = spot.key == "field"
            || (spot.in_transform
                && !matches!(spot.key, "size" | "radius" | "opacity" | "strokeWidth" | "nodeSize" | "as" | "x" | "y"));
        if strict && let Some(Value::String(signal)) = object.get("signal") {
            let fits = |text: &str| names::is_path(text) && (spot.datum == Datum::Row || spot.in_transform);
            return Fate::refused_unless(self.is_one_of(signal, fits));
        }
        if spot.key == "as" {
            return Refused;
        }
        if spot.key != "field" {
            return Stays;
        }
        if object.get("parent").is_some_and(|_| spot.parent != Datum::Row) {
            return Fate::refused_unless(object.get("parent").and_then(Value::as_str).is_some_and(is_of_marks));
        }
        match object.get("datum") {
            Some(Value::String(column)) => self.field(column, Spot { key: "field", ..spot }),
            Some(_) => Refused,
            None => Fate::refused_unless(
                ["parent", "group"].iter().all(|key| object.get(*key).is_none_or(Value::is_string)),
            ),
        }
    }

    pub(super) fn expression(&mut self, text: &str, rule: Rule, spot: Spot) -> Fate {
        // The kinds of cells that a label may be in.
        if rule == Rule::Predicate && spot.in_transform && matches!(text, "interior" | "exterior") {
            return Stays;
        }
        let datum = if spot.in_events { self.handled() } else { spot.datum };
        let Some(node) = parse(text) else { return Refused };
        if !literals_fit(&node, self.remote) {
            return Refused;
        }
        // As it is meant: in the chart's own text it may be spelled in escapes.
        self.leads_on |= node.texts().into_iter().any(names::is_led_on);
        // Vega-Lite replaces these, in texts as well.
        if spot.key == "labelExpr" && node.texts().iter().any(|text| !names::stays_in_place(text)) {
            return Refused;
        }
        let Some(outcome) =
            check(&node, Setting { declared: self.declared, datum, parent: spot.parent, notes: &self.notes })
        else {
            return Refused;
        };
        if spot.sink == Sink::Paint && matches!(rule, Rule::Expression | Rule::Signal | Rule::Update) {
            self.paints |= matches!(outcome, Outcome::Known | Outcome::Built);
            self.builds |= outcome == Outcome::Built;
            let fits = |text: &String| paint::is_colour(text, self.remote);
            return Fate::refused_unless(!matches!(&outcome, Outcome::Texts(texts) if !texts.iter().all(fits)));
        }
        match spot.sink {
            Sink::Read => self.builds_read |= outcome == Outcome::Built,
            _ => self.builds |= outcome == Outcome::Built,
        }
        Stays
    }

    pub(super) fn events(&mut self, selector: &str, spot: Spot) -> Fate {
        let Some(filters) = selector::filters(selector) else { return Refused };
        let spot = Spot { in_events: true, ..spot };
        let fine = filters.into_iter().all(|filter| self.expression(filter, Rule::Events, spot) == Stays);
        Fate::refused_unless(fine)
    }

    /// Whether an expression is one of certain texts.
    pub(super) fn is_one_of(&self, expression: &str, fits: impl Fn(&str) -> bool) -> bool {
        let setting =
            Setting { declared: self.declared, datum: self.handled(), parent: self.handled(), notes: &self.notes };
        match parse(expression).and_then(|node| check(&node, setting)) {
            Some(Outcome::Texts(texts)) => texts.iter().all(|text| fits(text)),
            Some(Outcome::Number) => true,
            _ => false,
        }
    }

    /// What `datum` is where an event is handled: that of any mark.
    pub(super) fn handled(&self) -> Datum {
        if self.declared.marks_of_marks { Datum::Either } else { Datum::Row }
    }

    /// Whether what a mark's style says is one of certain words, whatever happens.
    pub(super) fn is_fixed(&self, value: &Value, fits: fn(&str) -> bool) -> bool {
        let is_expression = |text: &str| {
            let setting =
                Setting { declared: self.declared, datum: Datum::Either, parent: Datum::Either, notes: &self.notes };
            parse(text).is_some_and(|node| {
                check(&node, setting).is_some()
                    || check(&node, Setting { datum: Datum::Row, ..setting }).is_some() && !self.declared.marks_of_marks
            })
        };
        match value {
            Value::String(text) => fits(text),
            Value::Null => true,
            Value::Array(list) => list.iter().all(|item| self.is_fixed(item, fits)),
            Value::Object(object) => object.iter().all(|(key, value)| match (key.as_str(), value) {
                ("value" | "condition", value) => self.is_fixed(value, fits),
                ("signal" | "expr", Value::String(text)) => self.is_one_of(text, fits),
                ("test", Value::String(text)) => is_expression(text),
                ("param", Value::String(text)) => names::is_name(text),
                ("empty", Value::Bool(_)) => true,
                _ => false,
            }),
            _ => false,
        }
    }
}

/// Whether the texts in an expression are no addresses, and make nothing a picture.
fn literals_fit(node: &Node, remote: bool) -> bool {
    // What still has the name of the picture's column was spelled in escapes.
    node.texts().into_iter().all(|text| text != picture_column::SHOWN_AS_PICTURE && paint::is_no_address(text, remote))
}

/// Whether a transform of marks may set this: where they are and what shape they have, not what they load.
fn is_place(name: &str) -> bool {
    const MORE: [&str; 12] = ["a0", "a1", "children", "depth", "r", "r0", "r1", "t", "x0", "x1", "y0", "y1"];
    (is_of_marks(name) && !matches!(name, "fill" | "stroke")) || MORE.contains(&name)
}

/// Whether a text may be what a column is called where it is read; the titles of whole views are not.
fn names_a_column(spot: Spot) -> bool {
    const VIEWS: [&str; 7] = ["", "concat", "hconcat", "layer", "spec", "title", "vconcat"];
    spot.key == "countTitle" || (spot.key == "title" && !VIEWS.contains(&spot.around))
}
