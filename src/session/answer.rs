//! What a request is answered, in the terms of no face: the guest's replies are read into these types once, at the door
//! (`door/reply.rs`), and each face makes of them what its protocol has.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::observe::shown_lines;

/// One value in several MIME types.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bundle {
    /// By MIME type.
    pub data: Map<String, Value>,
    /// By MIME type, or for all of them.
    pub metadata: Map<String, Value>,
}

/// Why a request failed. What names a failure is the guest's language's own: an exception's class, mostly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The exception's name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What is shown of it, line by line, with colours.
    pub traceback: Vec<String>,
}

impl Failure {
    /// A failure of the host's own: the one maker of them.
    pub fn of_host(name: &str, text: &str) -> Self {
        let text = shown_lines(text).into_owned();
        // Red, as IPython shows an exception's name.
        let traceback = vec![format!("\x1b[0;31m{name}\x1b[0m: {text}")];
        Self { name: name.to_owned(), text, traceback }
    }

    /// The same without a traceback, where its text was shown in another way.
    #[must_use]
    pub fn without_traceback(self) -> Self {
        Self { traceback: Vec::new(), ..self }
    }
}

/// What was answered, besides a [`Failure`].
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Answer {
    /// Nothing: the request was for its effects, or failed.
    #[default]
    None,
    /// Of a cell.
    Cell(CellAnswer),
    /// What could stand at the cursor.
    Completions(Completions),
    /// What is known of the object at the cursor, if there is one.
    Inspection(Option<Bundle>),
    /// Whether code can be run as it is.
    Completeness(Completeness),
    /// The user's variables.
    Variables(Vec<Variable>),
    /// The open comms: their ids, and the targets of those.
    Comms(BTreeMap<String, String>),
}

/// What a cell leaves besides its outputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CellAnswer {
    /// What it asks of a front end.
    pub payloads: Vec<Payload>,
    /// The values of the expressions that came with it, by their names.
    pub expressions: BTreeMap<String, Result<Bundle, Failure>>,
    /// That it asked for the end of its session.
    pub leaves: Option<Leave>,
}

/// What a cell asks of a front end.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// To show a text beside the notebook, from a line on.
    Page { bundle: Bundle, start: Option<u64> },
    /// To put a text into the next input, or in the place of this one.
    NextInput { text: String, replace: Option<bool> },
    /// Something that is not known, and goes no further.
    Unknown,
}

/// A cell that asks for the end of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// Whether only the client leaves, and the session stays.
    pub keep: bool,
}

/// What could stand at the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completions {
    /// In the order in which they are offered.
    pub matches: Vec<Completion>,
    /// What they take the place of: from here, in Unicode code points …
    pub start: u64,
    /// … to here.
    pub end: u64,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    pub text: String,
    /// `function`, `module` and the like, if it is known.
    pub kind: Option<String>,
    /// How it is called, if it can be.
    pub signature: Option<String>,
}

/// A variable of the user's, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    /// The name of its type.
    pub kind: String,
    /// Its shape or length, if it has one: `(3, 4)`, `7`.
    pub shape: Option<String>,
    /// Its value, if that is short.
    pub text: Option<String>,
}

/// Whether code can be run as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    /// More has to come, indented like this.
    Incomplete {
        indent: String,
    },
    Invalid,
    #[default]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_host_s_shows_its_name_and_text_and_nothing_hidden() {
        let failure = Failure::of_host("SandboxError", "a\u{1b}[2Jb");
        assert_eq!((&*failure.name, &*failure.text), ("SandboxError", "a\u{fffd}[2Jb"));
        assert_eq!(failure.traceback, ["\u{1b}[0;31mSandboxError\u{1b}[0m: a\u{fffd}[2Jb"]);
        assert!(failure.without_traceback().traceback.is_empty());
    }
}
