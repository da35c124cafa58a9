//! What an expression may say. Every name in it is known: of a function, of a signal that the chart declares, of a
//! column. Values that are more than data, such as the event or a mark, are only asked for a few of their numbers.

use std::cell::Cell;

use super::super::declared::Declared;
use super::super::names::{is_method, is_own};
use super::functions::{self, Answer};
use super::parser::{Node, Step};

/// The largest number of texts of which one is meant.
const MAX_TEXTS: usize = 256;

/// What `datum` is where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datum {
    /// A row of data.
    Row,
    /// A mark that was drawn for a row.
    Mark,
    /// One or the other.
    Either,
}

/// What comes out of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No text: numbers, dates, colours.
    Number,
    /// One of these texts.
    Texts(Vec<String>),
    /// Something that was there before: of the data, or a signal.
    Known,
    /// A text that is put together of others.
    Built,
}

impl Outcome {
    /// What comes out if it is changed in a way that puts nothing together: it is no longer one of certain texts.
    fn changed(self) -> Self {
        match self {
            Self::Texts(_) => Self::Known,
            other => other,
        }
    }

    /// What comes out if it is either of two.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Built, _) | (_, Self::Built) => Self::Built,
            (Self::Known, _) | (_, Self::Known) => Self::Known,
            (Self::Number, other) | (other, Self::Number) => other,
            (Self::Texts(mut texts), Self::Texts(more)) => {
                texts.extend(more);
                if texts.len() > MAX_TEXTS { Self::Known } else { Self::Texts(texts) }
            }
        }
    }
}

/// What is known where an expression stands.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'d> {
    pub declared: &'d Declared,
    pub datum: Datum,
    /// What `parent` is: what the group around it was drawn for.
    pub parent: Datum,
    pub notes: &'d Notes,
}

/// What was found in the expressions of a chart on the way.
#[derive(Debug, Default)]
pub struct Notes {
    /// Whether a name is one that is in the data, such as `{a: 1}[datum.b]`.
    pub looks_up: Cell<bool>,
    /// Whether a text is put together anywhere, if only as a part of something else.
    pub builds: Cell<bool>,
    /// Whether a value may be asked for what it shares with the rest of the page, as `[1].slice`.
    pub shares: Cell<bool>,
    /// Whether marks are asked for the text that they show.
    pub reads_text: Cell<bool>,
}

/// What an event is asked for.
const OF_EVENTS: [&str; 9] =
    ["altKey", "button", "buttons", "ctrlKey", "deltaMode", "deltaX", "deltaY", "metaKey", "shiftKey"];

/// What a mark is asked for.
const OF_MARKS: &str = "x y x2 y2 xc yc width height opacity fill fillOpacity stroke strokeOpacity strokeWidth size shape \
    path text angle radius theta innerRadius outerRadius startAngle endAngle padAngle dx dy align baseline font fontSize \
    fontStyle fontWeight limit zindex cornerRadius tension scaleX scaleY index vx vy fx fy xfocus yfocus orient";

/// Whether a mark has this for one of its properties that are plain values.
pub fn is_of_marks(name: &str) -> bool {
    OF_MARKS.split_ascii_whitespace().any(|other| other == name)
}

/// Checks an expression; nothing if it may not be.
pub fn check(node: &Node, setting: Setting) -> Option<Outcome> {
    match node {
        Node::Number | Node::Literal => Some(Outcome::Number),
        Node::Regex(_) => Some(Outcome::Known),
        Node::Text(text) => Some(Outcome::Texts(vec![text.clone()])),
        Node::Name(name) => value(name, setting),
        Node::Path(root, steps) => path(root, steps, setting),
        Node::Call(name, arguments) => call(name, arguments, setting),
        Node::Array(items) => all(items, setting).map(|found| found.or(Outcome::Number)),
        Node::Object(entries) => entries.iter().try_fold(Outcome::Number, |found, (key, node)| {
            is_own(key).then_some(())?;
            Some(found.or(check(node, setting)?))
        }),
        // Whether the pointer is on a mark at all.
        Node::Before("!", inner) if is_event_item(inner) => Some(Outcome::Number),
        Node::Before(_, inner) => check(inner, setting).map(|_| Outcome::Number),
        Node::Chain(first, rest) => chain(first, rest, setting),
        Node::Choice(choices, last) => choices.iter().try_fold(check(last, setting)?, |found, (test, result)| {
            check(test, setting)?;
            Some(found.or(check(result, setting)?))
        }),
    }
}

/// What comes out of any of several.
fn all(nodes: &[Node], setting: Setting) -> Option<Outcome> {
    nodes.iter().try_fold(Outcome::Number, |found, node| Some(found.or(check(node, setting)?)))
}

/// A text that is put together.
fn built(setting: Setting) -> Outcome {
    setting.notes.builds.set(true);
    Outcome::Built
}

/// A name that stands for a value.
fn value(name: &str, setting: Setting) -> Option<Outcome> {
    match name {
        "NaN" | "E" | "LN2" | "LN10" | "LOG2E" | "LOG10E" | "PI" | "SQRT1_2" | "SQRT2" | "MIN_VALUE" | "MAX_VALUE" => {
            Some(Outcome::Number)
        }
        "datum" => (setting.datum == Datum::Row).then_some(Outcome::Known),
        "parent" => (setting.declared.has_groups && setting.parent == Datum::Row).then_some(Outcome::Known),
        "event" | "item" => None,
        _ => setting.declared.signal(name),
    }
}

fn chain(first: &Node, rest: &[(&'static str, Node)], setting: Setting) -> Option<Outcome> {
    let mut found = check(first, setting)?;
    // An empty text adds nothing but that the other becomes a text.
    let is_empty = |found: &Outcome| matches!(found, Outcome::Texts(texts) if texts.iter().all(String::is_empty));
    for (sign, node) in rest {
        let next = check(node, setting)?;
        found = match *sign {
            "||" | "&&" => found.or(next),
            "+" if found == Outcome::Number && next == Outcome::Number => Outcome::Number,
            "+" if is_empty(&found) || is_empty(&next) => found.or(next).changed(),
            // A number puts nothing together that matters.
            "+" if found == Outcome::Number || next == Outcome::Number => found.or(next).changed(),
            "+" => built(setting),
            _ => Outcome::Number,
        };
    }
    Some(found)
}

fn path(root: &Node, steps: &[Step], setting: Setting) -> Option<Outcome> {
    match root {
        Node::Name(name) if name == "event" => match steps {
            [Step::Name(name)] => OF_EVENTS.contains(&name.as_str()).then_some(Outcome::Number),
            [Step::Name(list), Step::Name(length)] => {
                (list == "touches" && length == "length").then_some(Outcome::Number)
            }
            _ => None,
        },
        Node::Name(name) if name == "item" => of_mark(steps, setting.declared.marks_of_marks, setting),
        Node::Call(name, arguments) if matches!(name.as_str(), "item" | "group") => {
            is_item(name, arguments).then_some(())?;
            of_mark(steps, setting.declared.marks_of_marks, setting)
        }
        Node::Name(name) if name == "datum" => match setting.datum {
            Datum::Row => of_data(steps, setting),
            Datum::Mark => of_mark(steps, false, setting),
            Datum::Either => of_either(steps, setting),
        },
        Node::Name(name) if name == "parent" && setting.parent != Datum::Row => of_either(steps, setting),
        _ => {
            // What is taken out of `['a' + b]` was put together all the same.
            let found = check(root, setting)?;
            of_data(steps, setting).map(|taken| taken.or(found))
        }
    }
}

/// Steps from a row of data, or from anything else that is made of data.
fn of_data(steps: &[Step], setting: Setting) -> Option<Outcome> {
    for step in steps {
        match step {
            Step::Name(name) => own(name, setting)?,
            // A name that is worked out must be one that can be looked at.
            Step::Computed(node) => match check(node, setting)? {
                Outcome::Number => {}
                Outcome::Texts(texts) => texts.iter().try_for_each(|text| own(text, setting))?,
                Outcome::Known => {
                    setting.notes.looks_up.set(true);
                    setting.notes.shares.set(true);
                }
                _ => return None,
            },
        }
    }
    Some(Outcome::Known)
}

/// A step to what a value may have for its own.
fn own(name: &str, setting: Setting) -> Option<()> {
    if is_method(name) {
        setting.notes.shares.set(true);
    }
    is_own(name).then_some(())
}

/// Steps from a mark: to its own numbers and texts, its row, its bounds, or what kind it is. Whether it may have been
/// drawn for another mark, and not for a row.
fn of_mark(steps: &[Step], of_marks: bool, setting: Setting) -> Option<Outcome> {
    let (Step::Name(first), rest) = steps.split_first()? else { return None };
    match (first.as_str(), rest) {
        ("datum", rest) if of_marks => of_either(rest, setting),
        // What is taken of it must be looked at.
        ("datum", []) => None,
        ("datum", rest) => of_data(rest, setting),
        ("bounds", [Step::Name(edge)]) => matches!(edge.as_str(), "x1" | "x2" | "y1" | "y2").then_some(Outcome::Number),
        ("mark", [Step::Name(what)]) => matches!(what.as_str(), "name" | "marktype" | "role").then_some(Outcome::Known),
        (name, []) => property(name, setting),
        _ => None,
    }
}

/// Steps from what may be a row or a mark: only what is harmless in both.
fn of_either(steps: &[Step], setting: Setting) -> Option<Outcome> {
    match steps {
        [Step::Name(name)] => property(name, setting),
        _ => None,
    }
}

/// A property of a mark that is a plain value.
fn property(name: &str, setting: Setting) -> Option<Outcome> {
    if name == "text" {
        setting.notes.reads_text.set(true);
    }
    is_of_marks(name).then_some(Outcome::Known)
}

/// `event.item`
fn is_event_item(node: &Node) -> bool {
    let Node::Path(root, steps) = node else { return false };
    matches!(&**root, Node::Name(name) if name == "event") && matches!(&**steps, [Step::Name(name)] if name == "item")
}

/// `item()`, `group()` and `group('name')`.
fn is_item(name: &str, arguments: &[Node]) -> bool {
    matches!((name, arguments), ("item" | "group", []) | ("group", [Node::Text(_)]))
}

fn call(name: &str, arguments: &[Node], setting: Setting) -> Option<Outcome> {
    if functions::takes_item(name) {
        let fine = match arguments {
            [] | [Node::Text(_)] => true,
            [Node::Name(name)] => name == "item",
            [Node::Call(name, arguments)] => is_item(name, arguments),
            _ => false,
        };
        return fine.then_some(Outcome::Number);
    }
    if matches!(name, "pinchDistance" | "pinchAngle") {
        return matches!(arguments, [Node::Name(name)] if name == "event").then_some(Outcome::Number);
    }
    if functions::names_data(name) {
        let (Node::Text(data), rest) = arguments.split_first()? else { return None };
        setting.declared.has_data(data).then_some(())?;
        if name == "indata" {
            matches!(rest.first(), Some(Node::Text(column)) if is_own(column)).then_some(())?;
        }
        all(rest, setting)?;
        return Some(Outcome::Known);
    }
    if let Some(count) = functions::scale_arguments(name) {
        let (first, rest) = arguments.split_first()?;
        // Before a certain version what is called may be given itself in place of a name.
        matches!(check(first, setting)?, Outcome::Texts(texts) if texts.iter().all(|text| is_own(text)))
            .then_some(())?;
        let (own, group) = rest.split_at_checked(count - 1).unwrap_or((rest, &[]));
        let found = all(own, setting)?;
        let grouped = match group {
            [] => true,
            [Node::Call(name, arguments)] => is_item(name, arguments),
            _ => false,
        };
        grouped.then_some(())?;
        // A scale may answer with what it was asked for.
        return Some(if matches!(name, "scale" | "invert" | "domain" | "range") {
            found.or(Outcome::Known)
        } else {
            Outcome::Number
        });
    }
    if name == "pluck" {
        let [list, Node::Text(column)] = arguments else { return None };
        own(column, setting)?;
        return check(list, setting).map(|found| found.or(Outcome::Known));
    }
    let found = all(arguments, setting)?;
    Some(match functions::answer(name)? {
        Answer::Numbers => Outcome::Number,
        Answer::Part if name == "if" => found,
        Answer::Part => found.changed(),
        Answer::Any => found.or(Outcome::Known),
        Answer::Built => built(setting),
    })
}
