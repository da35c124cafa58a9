//! A cell that is nothing but one `%session` line. The host does it without asking the guest: a session in which
//! nothing works any more is exactly one that people want to go back from.
//!
//! The line is read as the guest's magic reads it (`session_magic.py`), and says the same. What IPython would expand
//! or take for something else (`{name}`, `$name`, a `?` at the end, a line that goes on) is left to the guest.

use serde_json::{Map, Value, json};

use super::command::Command;
use crate::observe::is_visible;
use crate::sandbox::{Frame, Interrupter};
use crate::session::answer::{Answer, CellAnswer, Failure};
use crate::session::event::{Event, Outcome, StreamName, Usage};
use crate::session::live::LiveSession;
use crate::session::request::Execute;

/// Digits of a number of cells.
const MOST_DIGITS: usize = 6;
/// Characters of a name.
const LONGEST_NAME: usize = 128;
/// Characters of what was written that an error quotes.
const MOST_QUOTED: usize = 40;

/// What is said of a line that was interrupted.
const UNDONE: &str = "interrupted while it waited for what earlier cells have to save: nothing was done";

/// `%session help`; the guest's magic has the same text.
const USAGE: &str = "\
%session               status: cells, memory, files, what undo and redo would do
%session log [n]       the last cells, with their time, size and fuel
%session undo [n]      go back by a cell, or by n: memory and files
%session redo [n]      take that back, until something else is run
%session save NAME     give this state a name
%session restore NAME  go back to it
%session fork NAME     a second session that goes on from here
%session reset         begin again, with nothing; undo takes it back
%session resume        take up the session that was saved before this kernel started
%session help          this text";

/// What such a cell asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum LoneLine {
    /// This, in the fields of the door's `session`.
    Ask(Map<String, Value>),
    Help,
    /// Nothing that makes sense; what is wrong with it.
    Misused(String),
}

/// Why a line did nothing.
enum Refused {
    /// Nobody waits for it any more.
    Interrupted,
    /// It cannot be done, or makes no sense; why.
    Misused(String),
}

/// What may follow a command.
enum Takes {
    Nothing,
    Count,
    Name,
}

/// Reads a cell; `None` if it is the guest's.
pub fn read(execute: &Execute) -> Option<LoneLine> {
    // Their values are the guest's to give.
    if !execute.user_expressions.is_empty() {
        return None;
    }
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let mut lines = execute.code.lines().map(str::trim).filter(is_code);
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let rest = line.strip_prefix("%session").filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
    if rest.contains(['{', '$']) || rest.ends_with(['?', '\\']) {
        return None;
    }
    Some(parse(rest))
}

fn parse(line: &str) -> LoneLine {
    let words = match split(line) {
        Ok(words) => words,
        Err(problem) => return misused(problem),
    };
    let (command, rest) = match words.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("status", &[][..]),
    };
    let takes = match command {
        "help" if rest.is_empty() => return LoneLine::Help,
        "status" | "reset" | "resume" | "help" => Takes::Nothing,
        "log" | "undo" | "redo" => Takes::Count,
        "save" | "restore" | "fork" => Takes::Name,
        _ => return misused(&format!("there is no command {}", quoted(command))),
    };
    match (takes, rest) {
        (Takes::Name, [name]) if !name.is_empty() => {
            let length = name.chars().count();
            if length > LONGEST_NAME {
                return misused(&format!("a name has at most {LONGEST_NAME} characters, this one {length}"));
            }
            ask(json!({"command": command, "name": name}))
        }
        (Takes::Name, _) => misused(&format!("{command} takes one name (in quotation marks, if it has spaces)")),
        (_, []) => ask(json!({"command": command})),
        (Takes::Nothing, _) => misused(&format!("{command} takes no argument")),
        (Takes::Count, [text]) => match count(text) {
            Some(n) => ask(json!({"command": command, "n": n})),
            None => misused(&format!("{command} takes a number of cells, from 1, not {}", quoted(text))),
        },
        (Takes::Count, _) => misused(&format!("{command} takes one number at most")),
    }
}

fn ask(json: Value) -> LoneLine {
    match json {
        Value::Object(json) => LoneLine::Ask(json),
        _ => LoneLine::Help,
    }
}

fn misused(what: &str) -> LoneLine {
    LoneLine::Misused(format!("%session: {what}.\n\n{USAGE}"))
}

fn count(text: &str) -> Option<u32> {
    let plain = (1..=MOST_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|n| plain && *n > 0)
}

/// Words as a shell has them, and Python's `shlex.split`: quotation marks keep spaces, a backslash keeps the next
/// character.
fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        end if end == char => break,
                        '\\' if char == '"' => {
                            let next = chars.next().ok_or("No escaped character")?;
                            if next != '"' && next != '\\' {
                                word.push('\\');
                            }
                            word.push(next);
                        }
                        other => word.push(other),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("No escaped character")?),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The start of a text as Python's `repr` shows it.
fn quoted(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(mark);
    for char in text.chars().take(MOST_QUOTED) {
        match char {
            '\\' => quoted.push_str("\\\\"),
            char if char == mark => quoted.extend(['\\', char]),
            char if is_visible(char) => quoted.push(char),
            char if char.is_ascii() => quoted.push_str(&format!("\\x{:02x}", u32::from(char))),
            char => quoted.push_str(&format!("\\u{:04x}", u32::from(char))),
        }
    }
    quoted.push(mark);
    quoted
}

impl LiveSession {
    /// Does what a lone line asks; how the cell ended, and what is to be done now that it has.
    pub(in crate::session) fn do_line(&self, line: &LoneLine, interrupter: &Interrupter) -> (Outcome, Option<Command>) {
        let answer = match line {
            LoneLine::Help => Ok(USAGE.to_owned()),
            LoneLine::Misused(problem) => Err(Refused::Misused(problem.clone())),
            LoneLine::Ask(json) => interrupter.wait(self.door.session(json)).ok_or(Refused::Interrupted).and_then(
                |Frame { json: answer, .. }| {
                    let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
                    text("error")
                        .map_or_else(|| Ok(text("text").unwrap_or_default()), |error| Err(Refused::Misused(error)))
                },
            ),
        };
        let memory = self.instance.as_ref().map_or(0, |instance| instance.mapping().size());
        let usage = Usage { memory_used_bytes: memory as u64, ..Usage::default() };
        let exceptions = &self.spec.language.exceptions;
        let failure = match answer {
            Ok(text) => {
                if !text.is_empty() {
                    self.door.say(Event::Stream { name: StreamName::Stdout, text: format!("{text}\n") });
                }
                None
            }
            Err(Refused::Interrupted) => Some(Failure::of_host(exceptions.interrupted, UNDONE)),
            Err(Refused::Misused(problem)) => {
                // As the guest shows its own: a line, and no traceback.
                let text = format!("{}: {problem}\n", exceptions.misused_magic);
                self.door.say(Event::Stream { name: StreamName::Stderr, text });
                Some(Failure::of_host(exceptions.misused_magic, &problem).without_traceback())
            }
        };
        let command = self.door.collect().command;
        (Outcome { failure, answer: Answer::Cell(CellAnswer::default()), usage }, command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(code: &str) -> Option<LoneLine> {
        read(&Execute { code: code.to_owned(), ..Execute::default() })
    }

    fn asks(code: &str) -> Value {
        match cell(code) {
            Some(LoneLine::Ask(json)) => Value::Object(json),
            other => panic!("{code}: {other:?}"),
        }
    }

    #[test]
    fn a_lone_line_is_read_as_the_magic_reads_it() {
        for (code, json) in [
            ("%session", json!({"command": "status"})),
            ("  %session   \n", json!({"command": "status"})),
            ("# back\n\n%session undo\n# done", json!({"command": "undo"})),
            ("%session undo 3", json!({"command": "undo", "n": 3})),
            ("%session undo 007", json!({"command": "undo", "n": 7})),
            ("%session log 5\r\n", json!({"command": "log", "n": 5})),
            ("%session save before-fit", json!({"command": "save", "name": "before-fit"})),
            ("%session restore 'two words'", json!({"command": "restore", "name": "two words"})),
            ("%session restore two\\ words", json!({"command": "restore", "name": "two words"})),
            (r#"%session save "a\"b\c"x"#, json!({"command": "save", "name": r#"a"b\cx"#})),
            ("%session fork other", json!({"command": "fork", "name": "other"})),
            ("%session reset", json!({"command": "reset"})),
        ] {
            assert_eq!(asks(code), json, "{code}");
        }
        assert_eq!(cell("%session help"), Some(LoneLine::Help));
    }

    #[test]
    fn everything_else_is_the_guest_s() {
        for code in [
            "",
            "x = 1",
            "%session undo\nprint('x')",
            "%session\n%session",
            "%sessions",
            "%%session",
            "%session\tlog",
            "%session save {name}",
            "%session save $name",
            "%session undo?",
            "%session undo \\",
            "session undo",
            "'''\n%session undo\n'''",
        ] {
            assert_eq!(cell(code), None, "{code}");
        }
        let user_expressions = json!({"x": "1"}).as_object().cloned().unwrap();
        assert_eq!(read(&Execute { code: "%session".into(), user_expressions, ..Execute::default() }), None);
    }

    #[test]
    fn what_makes_no_sense_is_said_with_the_usage() {
        for (code, says) in [
            ("%session undoo", "there is no command 'undoo'"),
            ("%session undo 0", "undo takes a number of cells, from 1, not '0'"),
            ("%session undo ٣", "not '٣'"),
            ("%session undo 1 2", "undo takes one number at most"),
            ("%session undo 1234567", "not '1234567'"),
            ("%session save", "save takes one name"),
            ("%session save ''", "save takes one name"),
            ("%session save a b", "save takes one name"),
            ("%session save 'open", "No closing quotation"),
            ("%session reset now", "reset takes no argument"),
            ("%session help me", "help takes no argument"),
            ("%session \u{1b}[2J\u{202e}'", "No closing quotation"),
            ("%session \u{1b}[2J\u{202e}", "there is no command '\\x1b[2J\\u202e'"),
        ] {
            let Some(LoneLine::Misused(text)) = cell(code) else { panic!("{code}") };
            assert!(text.starts_with("%session: ") && text.contains(says) && text.ends_with(USAGE), "{text}");
        }
        let long = format!("%session save {}", "x".repeat(129));
        assert!(matches!(cell(&long), Some(LoneLine::Misused(text)) if text.contains("128 characters, this one 129")));
    }

    #[test]
    fn the_guest_s_magic_says_the_same() {
        let magic = include_str!("../../../runtimes/python/cellblock_bridge/session_magic.py");
        assert!(magic.contains(USAGE));
    }
}
