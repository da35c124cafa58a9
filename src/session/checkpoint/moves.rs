//! Going elsewhere: undo, redo, a saved state, a stored session, and back from eviction. A state is always read
//! from the log, whatever the way to it.

use std::sync::Arc;

use super::commit::{Files, Kind};
use super::portable::AT_LEISURE;
use super::state_meta::StateMeta;
use crate::sandbox::{Clock, Facts, Import, Overlay};
use crate::session::journal::JournalError;
use crate::session::live::{LiveSession, SessionError};
use crate::session::operation::Arrival;
use crate::store::{Cell, Loaded};
use crate::timeline::{Move, StateId, Target};
use crate::workspace::{ListingOrigin, Past};

impl LiveSession {
    /// Makes a move; where it led. If it fails the session is where it was.
    ///
    /// # Errors
    /// The store's, those of the files, and those of starting an instance.
    pub(in crate::session) fn go(&mut self, to: Move) -> Result<Arrival, SessionError> {
        if to == Move::Resume && self.portable {
            self.background.rest();
            let arrival = self.take_up()?;
            self.portable = false;
            self.door.offer_portable(false);
            return Ok(arrival);
        }
        let asked = to.clone();
        let target = self.journal.with(move |writer| writer.peek(&asked))??;
        self.background.rest();
        let mut answers = true;
        let elsewhere = matches!(to, Move::Resume | Move::Restore(_) | Move::At(_));
        let (mut kept, mut saved) = (Vec::new(), None);
        match &target {
            Target::Fresh => {
                self.move_to(&to)?;
                self.instance = None;
                self.take_back_files();
                self.begin()?;
            }
            Target::State(state) => {
                let (overlay, loaded) = self.load(*state)?;
                self.instance = None;
                self.take_back_files();
                let recorded: StateMeta = serde_json::from_value(loaded.facts.clone()).unwrap_or_default();
                let origin = ListingOrigin { place: &recorded.place, generation: recorded.generation };
                let here = (self.workspace.manifest(), self.workspace.place().to_owned(), self.workspace.generation());
                kept = self.workspace.go(&loaded.files, &loaded.past, origin)?;
                let has = |path: &&String| path.starts_with("app/") && loaded.files.0.contains_key(*path);
                saved = kept.iter().find(has).cloned();
                if let Err(error) = self.move_to(&to) {
                    let (before, place, generation) = here;
                    self.workspace.go(&before, &Past::default(), ListingOrigin { place: &place, generation })?;
                    return Err(error);
                }
                self.settle_in(overlay, &loaded)?;
                // A deterministic fork draws the same numbers as its origin.
                let reseed = loaded.reseed && !self.is_deterministic();
                if reseed || (elsewhere && !self.knows_all()) {
                    // A state that does not answer is the session's all the same: only from there can one go on back.
                    if let Err(error) = self.greet("resume", reseed) {
                        tracing::warn!(%error, session = %self.journal.id(), "the state does not answer");
                        self.go_back();
                        answers = false;
                    } else if self.is_deterministic() {
                        self.commit(&Kind::Aside { is_comm: false }, Files::Same)?;
                    }
                }
            }
        }
        let arrival = self.journal.with(|writer| writer.log().map(Arrival::at))?;
        let mut arrival = arrival.unwrap_or_default();
        self.last_cell = arrival.cell.clone().unwrap_or_else(Cell::none);
        self.telemetry.moved(&to, &self.last_cell);
        self.health.moved(answers);
        if !answers {
            self.notes.push(
                "the state that was taken up does not answer: what its last cells did to the interpreter may be why. \
                 `%session undo` goes back further"
                    .to_owned(),
            );
        }
        arrival.recorded = saved.zip(if let Target::State(state) = target { Some(state) } else { None });
        arrival.left_alone = kept;
        Ok(arrival)
    }

    fn move_to(&self, to: &Move) -> Result<Target, SessionError> {
        let to = to.clone();
        Ok(self.journal.with(move |writer| writer.move_to(to))??)
    }

    /// Reads a state into a memory of its own.
    pub(super) fn load(&self, state: StateId) -> Result<(Overlay, Loaded), SessionError> {
        let import = Arc::new(Overlay::import(self.spec.image.clone())?);
        let filled = import.clone();
        let loaded = self.journal.with(move |writer| {
            let write = |offset: u64, bytes: &[u8]| filled.write(offset, bytes);
            writer.load(state, &write)
        })??;
        let import: Import = Arc::into_inner(import).ok_or(JournalError::Gone)?;
        let size = usize::try_from(loaded.memory_bytes).unwrap_or(usize::MAX);
        Ok((import.finish(size)?, loaded))
    }

    /// Lives on in a state that was read. The files are the caller's business.
    pub(super) fn settle_in(&mut self, overlay: Overlay, loaded: &Loaded) -> Result<(), SessionError> {
        let StateMeta { facts, told, cells, .. } = serde_json::from_value(loaded.facts.clone()).map_err(|error| {
            JournalError::Damaged { what: "the state's record of open files", why: error.to_string() }
        })?;
        self.instance = None;
        self.overlay = Some(overlay);
        // The interrupt flag is the image's, which is the same.
        self.facts = Facts { words: self.spec.facts.words.clone(), ..facts };
        (self.told, self.cells) = (told, cells);
        if loaded.clock_ns > self.world.clock.now() {
            self.world.clock = Arc::new(Clock::after(loaded.clock_ns));
        }
        self.instance().map(drop)
    }

    /// Gives the current state a name.
    pub(in crate::session) fn save(&mut self, name: &str) -> Result<(), SessionError> {
        let named = name.to_owned();
        self.journal.with(move |writer| writer.save_name(&named))??;
        self.telemetry.saved(name);
        self.save_portable(AT_LEISURE);
        if self.is_deterministic() {
            self.go_back();
        }
        Ok(())
    }
}
