//! Undo, redo and the like, over what is in the log. What could not be written can be undone as a whole, and is in the
//! way of every other move.

use super::super::saving::Saving;
use super::{JournalWriter, store};
use crate::session::journal::JournalError;
use crate::store::{Durability, StoreError};
use crate::timeline::{Move, Target};

impl JournalWriter {
    /// How many cells at the end are not in the log. None if everything is.
    fn missing(&self) -> Option<usize> {
        self.unsaved.as_ref().map(|unsaved| unsaved.state.cells as usize)
    }

    /// Where a move would lead.
    ///
    /// # Errors
    /// The store's, such as that there is nothing to undo. What is not saved can be undone as a whole, and is in the
    /// way of every other move.
    pub fn peek(&mut self, to: &Move) -> Result<Target, JournalError> {
        match self.writable() {
            Ok(log) => log.peek(to).map_err(store),
            Err(error) => match self.in_the_log(to, error)? {
                None => self.log().map(|log| log.timeline().current()).ok_or(JournalError::Gone),
                Some(to) => self.log().ok_or(JournalError::Gone)?.peek(&to).map_err(store),
            },
        }
    }

    /// What a move is in the log, if what is not saved goes with it; none for its current state. `problem` is why it
    /// is not.
    fn in_the_log(&self, to: &Move, problem: JournalError) -> Result<Option<Move>, JournalError> {
        let Some(log) = &self.log else { return Err(problem) };
        match (to, self.missing()) {
            (Move::Undo(steps), Some(missing)) if *steps == missing => Ok(None),
            (Move::Undo(steps), Some(missing)) if *steps > missing => Ok(Some(Move::Undo(steps - missing))),
            (Move::Undo(_), Some(missing)) if missing > 0 => {
                let last = match log.timeline().current() {
                    Target::State(state) => log.state(state).map(|info| info.cell.number).filter(|number| *number > 0),
                    Target::Fresh => None,
                };
                let last = last.map_or("before the first cell".to_owned(), |number| format!("after cell [{number}]"));
                Err(JournalError::Behind(format!(
                    "{problem}. The last state that is there is the one {last}: `%session undo {missing}` goes to it"
                )))
            }
            (Move::Reset | Move::Fresh, _) => Ok(Some(to.clone())),
            // Nothing but where it stands is not recorded.
            (_, None) if matches!(self.saving(), Saving::Behind { .. }) => Ok(Some(to.clone())),
            _ => Err(problem),
        }
    }

    /// Makes a move. The memory is the caller's business.
    ///
    /// # Errors
    /// As [`JournalWriter::peek`].
    pub fn move_to(&mut self, to: Move) -> Result<Target, JournalError> {
        let to = match self.writable() {
            Ok(_) => Some(to),
            Err(error) => self.in_the_log(&to, error)?,
        };
        let sync = self.plan.durability == Durability::Sync;
        let log = self.log.as_mut().ok_or(JournalError::Gone)?;
        let Some(to) = to else {
            let target = log.timeline().current();
            self.unsaved = None;
            self.settle();
            return Ok(target);
        };
        match log.move_to(&to) {
            Ok(target) => {
                self.unsaved = None;
                self.settle();
                Ok(target)
            }
            Err(error @ StoreError::Io { .. }) if !sync => {
                // Every record has the whole timeline: the next one will say where the session is.
                let target = log.move_unwritten(&to).map_err(store)?;
                self.unsaved = None;
                self.fall_behind(&error, 0);
                Ok(target)
            }
            Err(error) => Err(store(error)),
        }
    }
}
