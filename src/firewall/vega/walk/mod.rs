//! Goes through a chart key by key, and takes out what is not known.

mod settings;
mod texts;
mod values;
mod whole;

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::removals::{Kind, Removals};
use super::declared::Declared;
use super::expression::{Datum, Notes};
use super::keys::{Rule, rule};
use super::language::Language;
use super::{names, paint};

/// What becomes of a part of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Stays,
    /// It goes, and is counted as one of this kind.
    Goes(Kind),
    /// The whole chart goes.
    Refused,
}

use Fate::{Goes, Refused, Stays};

impl Fate {
    /// It stays, if that is so.
    fn stays_if(fine: bool) -> Self {
        if fine { Stays } else { Goes(Kind::PlotCode) }
    }

    /// It stays, if that is so; else the chart goes.
    fn refused_unless(fine: bool) -> Self {
        if fine { Stays } else { Refused }
    }
}

/// Where a text ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    /// In numbers, or nowhere that matters.
    Nowhere,
    /// In what is read.
    Read,
    /// In a colour.
    Paint,
}

/// Where a part of a chart stands.
#[derive(Clone, Copy, Debug)]
struct Spot<'n> {
    /// The key that it stands under, that of the list if it is in one.
    key: &'n str,
    /// The key around that.
    around: &'n str,
    datum: Datum,
    /// What the groups around it were drawn for.
    parent: Datum,
    sink: Sink,
    /// Within a colour, or in a part of one.
    around_colour: bool,
    /// Within what says which events are listened to.
    in_events: bool,
    /// Within what transforms data or marks.
    in_transform: bool,
    /// Within what marks look like.
    in_marks: bool,
    /// Within a place on the earth, where texts would become expressions.
    in_degrees: bool,
}

/// The words that put nothing of a chart's own into what they stand for.
const KEPT_SINK: [&str; 9] = ["value", "signal", "expr", "condition", "stops", "field", "update", "init", "on"];

/// What stands beside a chart's marks, and is told of no mark.
const OF_ROWS: [&str; 8] = ["axes", "legends", "title", "data", "scales", "projections", "layout", "signals"];

/// A chart that is gone through.
pub struct Walk<'r> {
    language: Language,
    remote: bool,
    declared: &'r Declared,
    removed: &'r mut Removals,
    /// Whether a text is put together that may become a column or a signal, and whether one is that is only read.
    builds: bool,
    builds_read: bool,
    /// Whether an expression has a name in it that leads on.
    leads_on: bool,
    /// Whether data comes from elsewhere.
    loads: bool,
    /// Whether what an expression answers with becomes rows, which transforms write into.
    ingests: bool,
    /// Whether a column or a signal is a colour as it is.
    paints: bool,
    /// What the expressions do.
    notes: Notes,
    /// Scales that answer with what is worked out, and those that colours come from.
    open_scales: HashSet<String>,
    painting_scales: HashSet<String>,
}

impl<'r> Walk<'r> {
    /// Begins with what the chart declares.
    pub fn new(language: Language, remote: bool, declared: &'r Declared, removed: &'r mut Removals) -> Self {
        Self {
            language,
            remote,
            declared,
            removed,
            builds: false,
            builds_read: false,
            leads_on: false,
            loads: false,
            ingests: false,
            paints: false,
            notes: Notes::default(),
            open_scales: HashSet::new(),
            painting_scales: HashSet::new(),
        }
    }

    /// Goes through the whole chart; says whether it may be shown.
    pub fn chart(mut self, chart: &mut Value) -> bool {
        let spot = Spot {
            key: "",
            around: "",
            datum: Datum::Row,
            parent: Datum::Row,
            sink: Sink::Nowhere,
            around_colour: false,
            in_events: false,
            in_transform: false,
            in_marks: false,
            in_degrees: false,
        };
        let fate = match chart {
            Value::Object(top) => self.part(top, spot),
            _ => Refused,
        };
        // An address of a paint may be put together.
        let paints = self.paints || !self.open_scales.is_disjoint(&self.painting_scales);
        // A name that is in the data must not be one of those that lead on; nor must one be put together anywhere, since
        // there are many ways from an expression into the data, or loaded.
        let unsure = self.notes.builds.get() || self.loads || self.leads_on;
        let leads_on = self.notes.looks_up.get() && (unsure || names::is_led_on(&chart.to_string()));
        // Rows must not be what the page's own code uses.
        let leads_on = leads_on || (self.ingests && self.notes.shares.get());
        let asked = self.declared.marks_of_marks || self.notes.reads_text.get();
        let builds = self.builds || (self.builds_read && asked);
        let fine = fate == Stays && !leads_on && (self.remote || !(builds && paints));
        if !fine {
            self.removed.add(Kind::PlotCode);
        }
        fine
    }

    /// A part of the chart: each of its keys must be known.
    fn part(&mut self, part: &mut Map<String, Value>, spot: Spot) -> Fate {
        if let refused @ (Goes(_) | Refused) = self.whole(part, spot) {
            return refused;
        }
        let spot = match part.get("name").and_then(Value::as_str) {
            // What is drawn behind everything.
            Some("background") if matches!(spot.key, "signals" | "params") => Spot { sink: Sink::Paint, ..spot },
            _ => spot,
        };
        for (key, mut value) in std::mem::take(part) {
            let fate = match rule(self.language, &key) {
                // What marks have is set here, but not what they are.
                Some(_) if is_encoding(spot) && matches!(key.as_str(), "mark" | "datum" | "bounds") => {
                    Goes(Kind::PlotCode)
                }
                Some(rule) => self.value(rule, &mut value, within(&key, Some(rule), spot)),
                None => Goes(Kind::PlotCode),
            };
            match fate {
                Stays => {
                    part.insert(key, value);
                }
                Goes(_) if key == "href" => self.removed.add(Kind::Remote),
                Goes(kind) => self.removed.add(kind),
                Refused => return Refused,
            }
        }
        Stays
    }

    fn value(&mut self, rule: Rule, value: &mut Value, spot: Spot) -> Fate {
        match rule {
            Rule::Gone => Goes(Kind::PlotCode),
            Rule::Literal | Rule::Rows | Rule::Datasets | Rule::Named => self.open(rule, value, spot),
            Rule::Cursor => Fate::stays_if(self.is_fixed(value, paint::is_pointer)),
            Rule::Blend => Fate::stays_if(self.is_fixed(value, paint::is_blend)),
            Rule::Url => self.address(value, spot),
            Rule::Tooltip => self.tooltip(value, spot),
            Rule::Bind => self.bind(value, spot),
            Rule::Transform => self.transforms(value, spot),
            Rule::Schema => Fate::stays_if(Language::of_schema(value) == Some(self.language)),
            Rule::Usermeta => self.usermeta(value),
            Rule::Level => Fate::stays_if(value.as_u64().is_some_and(|level| level <= 64)),
            Rule::Parse if value.is_object() => self.columns(value),
            _ => self.ordinary(rule, value, spot),
        }
    }

    /// A text, a part, or a list of them; numbers and the like stay.
    fn ordinary(&mut self, rule: Rule, value: &mut Value, spot: Spot) -> Fate {
        match value {
            Value::String(text) => self.text(rule, text, spot),
            Value::Array(_) if is_single(rule, spot.key) => Refused,
            Value::Array(list) => {
                for item in list {
                    // Where one name is meant a list of one is taken for it, by some and not by others.
                    if item.is_string() && (rule == Rule::Data || (rule == Rule::Source && spot.in_events)) {
                        return Refused;
                    }
                    let fate = self.ordinary(rule, item, spot);
                    if fate != Stays {
                        return fate;
                    }
                }
                Stays
            }
            Value::Object(object) => self.object(rule, object, spot),
            _ => Stays,
        }
    }

    fn object(&mut self, rule: Rule, object: &mut Map<String, Value>, spot: Spot) -> Fate {
        match (rule, spot.around, spot.key) {
            (_, _, "marks") if self.language == Language::Vega => return self.mark(object, spot),
            (Rule::Field, ..) => {
                if let refused @ (Goes(_) | Refused) = self.reference(object, spot) {
                    return refused;
                }
            }
            // A reference to a column that is itself referred to.
            (Rule::GroupField, "field", _) => return Refused,
            (Rule::Values, "config", "range") | (_, "config", "style") => return self.named(object, spot),
            (_, "config", "events") => return self.event_settings(object),
            (Rule::Name, _, "name") => return Refused,
            (Rule::Expression | Rule::Delimiter | Rule::FormatType, ..) => return Goes(Kind::PlotCode),
            _ => {}
        }
        self.part(object, spot)
    }

    /// One mark of Vega's: what it is drawn for says what its expressions may ask.
    fn mark(&mut self, mark: &mut Map<String, Value>, spot: Spot) -> Fate {
        let source = mark.get("from").and_then(|from| from.get("data")).and_then(Value::as_str);
        let datum = match source {
            None => Datum::Row,
            Some(source) if self.declared.has_data(source) => Datum::Row,
            Some(source) if self.declared.is_mark(source) && self.declared.is_of_rows(source) => Datum::Mark,
            Some(source) if self.declared.is_mark(source) => Datum::Either,
            Some(_) => return Refused,
        };
        let parent = if spot.in_marks { around(spot) } else { spot.parent };
        self.part(mark, Spot { datum, parent, in_marks: true, ..spot })
    }
}

/// Whether a key has one value, and never a list.
fn is_single(rule: Rule, key: &str) -> bool {
    match rule {
        Rule::Name => !matches!(key, "style" | "views" | "avoidMarks"),
        Rule::Delimiter
        | Rule::Expression
        | Rule::Format
        | Rule::FormatType
        | Rule::From
        | Rule::GroupField
        | Rule::Signal
        | Rule::Update => true,
        _ => false,
    }
}

/// Whether it is said here what the properties of marks are.
fn is_encoding(spot: Spot) -> bool {
    spot.key == "encode" || spot.around == "encode"
}

/// Where that is which stands under a key.
fn within<'n>(key: &'n str, rule: Option<Rule>, spot: Spot<'n>) -> Spot<'n> {
    let sink = match key {
        _ if rule == Some(Rule::Colour) => Sink::Paint,
        "text" | "title" | "subtitle" | "description" | "tooltip" | "labelExpr" => Sink::Read,
        _ if KEPT_SINK.contains(&key) => spot.sink,
        _ => Sink::Nowhere,
    };
    let (datum, parent) = match OF_ROWS.contains(&key) {
        true if spot.in_marks => (Datum::Row, around(spot)),
        true => (Datum::Row, spot.parent),
        false => (spot.datum, spot.parent),
    };
    Spot {
        key,
        around: spot.key,
        datum,
        parent,
        sink,
        around_colour: spot.around_colour || sink == Sink::Paint,
        in_events: spot.in_events || matches!(key, "on" | "events" | "clear" | "translate" | "zoom"),
        in_marks: spot.in_marks && !OF_ROWS.contains(&key),
        in_transform: spot.in_transform,
        in_degrees: spot.in_degrees || key.starts_with("latitude") || key.starts_with("longitude"),
    }
}

/// What groups were drawn for, for what stands in one: a row, if all of them were.
fn around(group: Spot) -> Datum {
    if group.datum == Datum::Row && group.parent == Datum::Row { Datum::Row } else { Datum::Either }
}
