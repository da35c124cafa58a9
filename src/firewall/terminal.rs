//! Text for terminals: colours, carriage return, backspace and moves within the line stay; everything else
//! that a terminal would act on goes. A sequence may be split over writes, so each stream has a state.
//!
//! Left in: characters that change the direction of writing (U+202A–U+202E, U+2066–U+2069). They are part of
//! honest right-to-left text, and reorder what is seen at most within its line.

use super::removals::{Kind, Removals};

/// The longest sequence that is kept; a longer one is no colour.
const MAX_SEQUENCE: usize = 64;

/// Where a stream stands between two writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    state: State,
    /// The sequence so far, without its introducer, while it may still be one that is kept.
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and intermediate characters, as in `ESC ( B`.
    Intermediate,
    /// After ESC [ (or U+009B): parameters up to a final character.
    Control,
    /// Within OSC, DCS, APC, PM or SOS: up to ST, BEL, CAN, SUB or the end of the line.
    Command,
    /// After ESC within such a command.
    CommandEscape,
}

impl Terminal {
    /// Takes out what may not pass, in place. What is held back of an unfinished sequence comes with the next
    /// write, or never.
    pub fn filter(&mut self, text: &mut String, removed: &mut Removals) {
        if self.state == State::Text && is_plain(text) {
            return;
        }
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            self.take(character, &mut out, removed);
        }
        *text = out;
    }

    fn take(&mut self, character: char, out: &mut String, removed: &mut Removals) {
        match (self.state, character) {
            // An escape begins anew wherever it stands; within a command it may be the end of it.
            (State::Command, '\x1b') => self.state = State::CommandEscape,
            (State::CommandEscape, '\\') => self.state = State::Text,
            (State::Command, '\u{9c}' | '\x07' | '\x18' | '\x1a') => self.state = State::Text,
            (State::Command | State::CommandEscape, '\n') => {
                self.state = State::Text;
                out.push('\n');
            }
            (State::Command, _) => {}
            (State::CommandEscape, _) => {
                self.state = State::Escape;
                self.take(character, out, removed);
            }
            (_, '\x1b') => {
                self.give_up(removed);
                self.state = State::Escape;
            }
            (_, '\u{80}'..='\u{9f}') => {
                self.give_up(removed);
                self.begin(character, removed);
            }
            (State::Text, _) if passes(character) => out.push(character),
            (State::Text, _) => removed.add(Kind::Terminal),
            (State::Escape, '[') => self.state = State::Control,
            (State::Escape, ']' | 'P' | '_' | '^' | 'X') => {
                removed.add(Kind::Terminal);
                self.state = State::Command;
            }
            (State::Escape | State::Intermediate, ' '..='/') => self.state = State::Intermediate,
            (State::Escape | State::Intermediate, '0'..='~') => {
                removed.add(Kind::Terminal);
                self.state = State::Text;
            }
            (State::Control, ' '..='?') => {
                // Once too long it is only read to its end.
                if self.held.len() <= MAX_SEQUENCE {
                    self.held.push(character);
                }
            }
            (State::Control, '@'..='~') => {
                if may_stay(&self.held, character) {
                    out.push_str("\x1b[");
                    out.push_str(&self.held);
                    out.push(character);
                } else {
                    removed.add(Kind::Terminal);
                }
                self.held.clear();
                self.state = State::Text;
            }
            // A sequence that is broken off by something else was none; what broke it off is text again.
            (State::Escape | State::Intermediate | State::Control, _) => {
                self.give_up(removed);
                self.take(character, out, removed);
            }
        }
    }

    /// The C1 controls: each is what ESC and another character would be.
    fn begin(&mut self, control: char, removed: &mut Removals) {
        match control {
            '\u{9b}' => self.state = State::Control,
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                removed.add(Kind::Terminal);
                self.state = State::Command;
            }
            _ => removed.add(Kind::Terminal),
        }
    }

    fn give_up(&mut self, removed: &mut Removals) {
        if self.state != State::Text {
            removed.add(Kind::Terminal);
        }
        self.held.clear();
        self.state = State::Text;
    }
}

/// Whether a terminal would show every character as it is. Nearly all text is, and costs one look at each byte.
fn is_plain(text: &str) -> bool {
    // 0xc2 leads U+0080 to U+00BF; looking closer at those is what the slow path does.
    text.bytes()
        .all(|byte| (byte >= b' ' && byte != 0x7f && byte != 0xc2) || matches!(byte, b'\n' | b'\t' | b'\r' | 8 | 0))
}

fn passes(character: char) -> bool {
    // A terminal does nothing with a null.
    matches!(character, '\n' | '\t' | '\r' | '\x08' | '\0') || !character.is_control()
}

/// Colours (`m`), erasing in the line (`K`), and moves within the line (`C`, `D`, `G`).
fn may_stay(parameters: &str, last: char) -> bool {
    let allowed = match last {
        'm' => |byte: u8| byte.is_ascii_digit() || byte == b';' || byte == b':',
        'K' | 'C' | 'D' | 'G' => |byte: u8| byte.is_ascii_digit(),
        _ => return false,
    };
    parameters.len() <= MAX_SEQUENCE && parameters.bytes().all(allowed)
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
