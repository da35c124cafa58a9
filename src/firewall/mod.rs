//! The output firewall: what an output may carry. Front-ends trust the outputs of executed cells, so whatever a
//! guest claims, scripts, remote resources and terminal commands are taken out here unless the policy allows them.
//!
//! It knows MIME types and their languages. It does not know where an output came from or where it goes: no
//! session, no sockets, no clock but the one that bounds its own work.
//!
//! `active_content` lets scripts run in the page, and a script can fetch what it likes: it implies
//! `remote_resources`.

// The arms read as a table; folded into guards they would not.
#![allow(clippy::collapsible_match, clippy::if_same_then_else)]

mod bundle;
mod css;
mod diagrams;
mod html;
mod latex;
mod markdown;
mod names;
#[cfg(test)]
mod oracle;
mod plotly;
mod prototype;
mod raster;
#[cfg(test)]
mod reference;
mod removals;
mod terminal;
mod url;
mod vega;
mod widgets;
pub mod work;

#[cfg(test)]
mod corpus_tests;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use removals::{Kind, Removals};
pub use terminal::Terminal;
pub use widgets::{CommKind, Comms, Message, Verdict};

/// The longest text that is proposed for the next cell, in bytes.
const MAX_NEXT_INPUT: usize = 1 << 20;

/// What outputs may carry beyond the default: the policy's keys of the table `output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// `output.active_content`: scripts, event handlers, frames, forms, MIME types and widgets that are code.
    pub active_content: bool,
    /// `output.remote_resources`: what loads by itself from elsewhere.
    pub remote_resources: bool,
    /// `output.terminal`: terminal sequences of all kinds.
    pub terminal: bool,
}

impl Permissions {
    fn remote(self) -> bool {
        self.remote_resources || self.active_content
    }
}

/// The firewall of a session. It has no state: what was removed is in [`Removals`], where a stream stands in
/// [`Terminal`], which widgets there are in [`Comms`].
#[derive(Clone, Debug, Default)]
pub struct Firewall {
    may: Permissions,
    /// `output.comm_targets`.
    targets: Arc<[String]>,
}

impl Firewall {
    /// A firewall that lets through what is allowed here, and the comms to these targets of front-end extensions.
    pub fn new(may: Permissions, targets: Vec<String>) -> Self {
        Self { may, targets: targets.into() }
    }

    /// Takes out of a bundle what there are no steps left to check, with a text in its place: the smaller its type is
    /// for its size, the longer it stays.
    pub fn afford(&self, data: &mut Map<String, Value>, budget: &mut work::Budget, removed: &mut Removals) {
        let count = data.len();
        data.retain(|kind, contents| budget.take(work::of_type(kind, contents)));
        for _ in data.len()..count {
            removed.add(Kind::TooLarge);
        }
        if data.is_empty() && count > 0 {
            let note = "[This output was not shown: checking it would take too long. Show less in one cell.]";
            data.insert("text/plain".to_string(), Value::from(note));
        }
    }

    /// Checks a MIME bundle and its metadata, in place: displays, results, updates, user expressions, replies to
    /// inspection, pages of a pager. If nothing is left of it, a text says so.
    pub fn bundle(&self, data: &mut Map<String, Value>, metadata: &mut Map<String, Value>, removed: &mut Removals) {
        bundle::check(self.may, data, metadata, removed);
    }

    /// Checks what is written to a stream, in place. Each stream has a state of its own, since a sequence may be
    /// split over writes; a new cell begins with a new state.
    pub fn text(&self, state: &mut Terminal, text: &mut String, removed: &mut Removals) {
        if !self.may.terminal {
            state.filter(text, removed);
        }
    }

    /// Checks lines that belong together, in place: a traceback, or the name and the value of an error.
    pub fn lines<'t>(&self, lines: impl IntoIterator<Item = &'t mut String>, removed: &mut Removals) {
        let mut state = Terminal::default();
        for line in lines {
            self.text(&mut state, line, removed);
        }
    }

    /// Checks a comm message, in place. A refused one must not be sent. The `target_module` of an opening, which would
    /// make a front-end load code, must never be passed on.
    pub fn comm(&self, comms: &mut Comms, message: Message<'_>, data: &mut Value, removed: &mut Removals) -> Verdict {
        comms.check(self.may, &self.targets, message, data, removed)
    }

    /// Checks the text that is proposed for the next cell, in place. Characters that make code look like other code
    /// go as well, since the user may run it.
    pub fn next_input(&self, text: &mut String, removed: &mut Removals) {
        if text.len() > MAX_NEXT_INPUT {
            text.clear();
            removed.add(Kind::TooLarge);
        }
        let count = text.len();
        text.retain(|character| {
            !matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\x08' | '\x1b')
                && (!character.is_control() || matches!(character, '\n' | '\t' | '\r'))
        });
        if text.len() < count {
            removed.add(Kind::Terminal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_input_is_plain_text() {
        let mut text = "a\u{202e}b\x1b[31m\n\tc\u{9b}\x08".to_string();
        Firewall::default().next_input(&mut text, &mut Removals::new());
        assert_eq!(text, "ab[31m\n\tc");
        let mut long = "x".repeat(MAX_NEXT_INPUT + 1);
        Firewall::default().next_input(&mut long, &mut Removals::new());
        assert!(long.is_empty());
    }

    #[test]
    fn a_sequence_may_be_split_over_the_lines_of_a_traceback() {
        let (mut one, mut two) = ("a\x1b]0;".to_string(), "t\x07b".to_string());
        Firewall::default().lines([&mut one, &mut two], &mut Removals::new());
        assert_eq!((one.as_str(), two.as_str()), ("a", "b"));
    }

    #[test]
    fn of_what_would_take_too_long_the_cheap_forms_stay() {
        let both = serde_json::json!({"text/html": "x".repeat(1000), "text/plain": "x".repeat(1000)});
        let Value::Object(both) = both else { panic!("an object") };
        let afforded = |steps| {
            let (mut data, mut removed) = (both.clone(), Removals::new());
            Firewall::default().afford(&mut data, &mut work::Budget::new(steps), &mut removed);
            (data, removed.count(Kind::TooLarge))
        };
        assert_eq!(afforded(work::PER_CELL), (both.clone(), 0));
        let (data, removed) = afforded(100_000);
        assert_eq!((data.keys().map(String::as_str).collect::<Vec<_>>(), removed), (vec!["text/plain"], 1));
        let (data, removed) = afforded(0);
        assert!(removed == 2 && data["text/plain"].as_str().is_some_and(|text| text.contains("too long")));
    }

    #[test]
    fn it_can_be_shared() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Firewall>();
        shared::<Comms>();
    }
}
