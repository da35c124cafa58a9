//! Whether a session's guest answers, and what to do if it does not.
//!
//! A turn without an answer is rolled back to the last commit. If what is committed is itself broken (a cell emptied
//! the interpreter's tables, replaced parts of IPython …) the next turn gives no answer either, and so on for ever.
//! So the second such turn in a row is told from the first: then going back further is offered, or done. Going back
//! is the host's own doing (`magics/lone_line.rs`), which no state of the guest can keep from working.

use super::event::{Outcome, State, StreamName, Usage};
use super::live::LiveSession;
use super::magics::text;
use crate::observe::shown;
use crate::sandbox::{End, Turn};
use crate::timeline::Move;

/// Turns in a row that must have failed before the session itself is taken to be broken.
const BROKEN: u32 = 2;
/// Characters of a cell's first line that are told.
const LONGEST: usize = 60;

/// What is done about a session that does not answer (`session.heal`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Heal {
    /// It is said how to go back.
    #[default]
    Offer,
    /// The last cell is undone.
    Undo,
}

/// How a request was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// By the guest.
    Given,
    /// By the guest, that it could not run the cell because of what cells did to it; what it put back.
    Stuck(Vec<String>),
    /// Not at all, and it was not even asked for: nothing of the request was run.
    NotTaken,
    /// Not at all.
    None,
    /// The guest was stopped or stopped itself in the midst of the request, which is mostly the cell's own doing.
    Cut,
}

impl Answered {
    /// How the turn of a request was answered; `taken` says whether the guest asked for the request, `stuck` is its word on
    /// itself.
    pub fn of(turn: &Turn, taken: bool, stuck: Option<Vec<String>>, state: State) -> Self {
        match (&turn.end, state) {
            (_, State::Kept) => stuck.map_or(Self::Given, Self::Stuck),
            _ if !taken => Self::NotTaken,
            (End::Returned(_), _) => Self::None,
            _ => Self::Cut,
        }
    }
}

/// How a session has answered lately.
#[derive(Debug, Default)]
pub struct Health {
    failures: u32,
}

impl Health {
    /// A request was answered like this. Whether the session itself is taken to be broken.
    pub fn note(&mut self, answer: &Answered) -> bool {
        self.failures = match answer {
            Answered::Given => 0,
            Answered::Stuck(_) | Answered::None | Answered::Cut => self.failures.saturating_add(1),
            // No cell was run that it could be due to.
            Answered::NotTaken => self.failures.saturating_add(1).max(BROKEN),
        };
        self.failures >= BROKEN
    }

    /// The session is somewhere else. If it was broken, or is known not to answer there, the next failure says so.
    pub fn moved(&mut self, answers: bool) {
        self.failures = if answers && self.failures < BROKEN { 0 } else { BROKEN - 1 };
    }
}

impl LiveSession {
    /// Says what there is to say of how a request was answered. With `session.heal = "undo"` a broken session is put
    /// back by a cell at once: then the request is over, and this is true.
    pub(super) fn mind(&mut self, answer: &Answered, is_shown: bool, outcome: &mut Outcome) -> bool {
        let is_broken = self.health.note(answer);
        if !is_shown {
            return false;
        }
        if let Answered::Stuck(names) = answer {
            self.say(StreamName::Stderr, &stuck_text(self.spec.language.shell, names, is_broken));
        }
        if !is_broken {
            return false;
        }
        let can_undo = self.journal.with(|writer| writer.peek(&Move::Undo(1)).is_ok()).unwrap_or(false);
        if self.spec.keeping.heal == Heal::Undo && can_undo && *answer != Answered::Cut {
            return self.undo_for(outcome);
        }
        let cell = self.last_cell.clone();
        let since = if cell.number == 0 {
            String::new()
        } else {
            format!(" since cell [{}] `{}`, or one before it", cell.number, shown(&cell.first_line, LONGEST))
        };
        let way = if can_undo {
            "`%session undo` goes back by a cell, and can be repeated; `%session log` shows the cells"
        } else {
            "`%session reset` begins afresh, with the files as they are"
        };
        let text = format!(
            "cells cannot be run as things are, so it seems that the session itself is broken{since}. {way}. \
             These commands need nothing of the session: they work even now."
        );
        self.say(StreamName::Stderr, &text);
        false
    }

    /// Undoes a cell in place of the request.
    fn undo_for(&mut self, outcome: &mut Outcome) -> bool {
        self.restore();
        match self.go(Move::Undo(1)) {
            Ok(arrival) => {
                let text = text::arrival(&Move::Undo(1), &arrival, self.journal.id(), self.kept);
                let text = format!(
                    "the session itself is broken, so it {text}. `session.heal` in the policy wants it so; \
                     `%session redo` takes it back"
                );
                self.say(StreamName::Stderr, &text);
                self.health.moved(false);
                outcome.usage = Usage { state: State::RolledBack, ..std::mem::take(&mut outcome.usage) };
                true
            }
            Err(error) => {
                self.say(StreamName::Stderr, &format!("the broken session could not be put back: {error}"));
                false
            }
        }
    }
}

fn stuck_text(shell: &str, names: &[String], again: bool) -> String {
    let mut text = format!("{shell} itself failed here, because of what a cell has put into it or around it.");
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        text.push_str(&format!(" Put back as it was: {}. Run the cell again.", names.join(", ")));
    }
    if !again {
        text.push_str(" If it goes on, `%session undo` goes back to before that cell, and works in any case.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_second_failure_in_a_row_is_the_session_s() {
        let mut health = Health::default();
        assert!(!health.note(&Answered::None));
        assert!(!health.note(&Answered::Given), "the one before was the cell's own");
        assert!(!health.note(&Answered::Stuck(Vec::new())));
        assert!(health.note(&Answered::None) && health.note(&Answered::None));
        health.moved(true);
        assert!(health.note(&Answered::None), "where it went is broken too");
        assert!(!health.note(&Answered::Given));
        health.moved(true);
        assert!(!health.note(&Answered::Cut));
        health.moved(false);
        assert!(health.note(&Answered::Cut));
    }

    #[test]
    fn a_request_that_was_not_even_taken_is_no_cell_s_doing() {
        assert!(Health::default().note(&Answered::NotTaken));
    }

    fn of(end: End, taken: bool, stuck: Option<Vec<String>>, state: State) -> Answered {
        Answered::of(&Turn { end, fuel: 0, time: Duration::ZERO, asked: None }, taken, stuck, state)
    }

    #[test]
    fn answers_are_told_apart() {
        let (kept, back) = (State::Kept, State::RolledBack);
        assert_eq!(of(End::Returned(0), true, None, kept), Answered::Given);
        assert_eq!(of(End::Returned(0), true, None, back), Answered::None);
        assert_eq!(of(End::Returned(1), false, None, back), Answered::NotTaken);
        assert_eq!(of(End::Exited(1), true, None, back), Answered::Cut);
        assert_eq!(of(End::Trapped(String::new()), false, None, back), Answered::NotTaken);
        let names = vec!["builtins.len".to_owned()];
        assert_eq!(of(End::Returned(0), true, Some(names.clone()), kept), Answered::Stuck(names));
    }
}
