//! Going elsewhere: undo, redo, a saved state, a stored session, and back from eviction. A state is always read
//! from the log, whatever the way to it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::commit::{Files, Kind, named};
use super::state_meta::StateMeta;
use crate::observe::shown;
use crate::sandbox::{Clock, Facts, Frame, Import, Overlay, room_for_structure};
use crate::session::journal::JournalError;
use crate::session::live::{LiveSession, SessionError};
use crate::session::magics::command::{After, arrived, here};
use crate::store::{Cell, Loaded};
use crate::timeline::{Move, StateId, Target};
use crate::workspace::{ListingOrigin, Past};

/// How long pickling may take when the kernel is about to end, and when there is time.
const IN_HASTE: Duration = Duration::from_secs(2);
const AT_LEISURE: Duration = Duration::from_secs(30);
/// Letters of a file's name in a sentence.
const LONGEST_NAME: usize = 200;

impl LiveSession {
    /// Makes a move; what to say of it. If it fails the session is where it was.
    ///
    /// # Errors
    /// The store's, those of the files, and those of starting an instance.
    pub(in crate::session) fn go(&mut self, to: Move) -> Result<String, SessionError> {
        self.background.rest();
        if to == Move::Resume && std::mem::take(&mut self.portable) {
            self.door.offer_portable(false);
            return self.take_up();
        }
        let asked = to.clone();
        let target = self.journal.with(move |writer| writer.peek(&asked))??;
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
                        self.commit(&Kind::Aside, Files::Same)?;
                    }
                }
            }
        }
        let by = to.clone();
        let arrival = self.journal.with(move |writer| writer.log().map(|log| (arrived(&to, log), here(log))))?;
        let Some((text, cell)) = arrival else { return Ok("the session is fresh".to_owned()) };
        self.last_cell = cell.unwrap_or_else(Cell::none);
        self.telemetry.moved(&by, &self.last_cell);
        self.health.moved(answers);
        if !answers {
            self.notes.push(
                "the state that was taken up does not answer: what its last cells did to the interpreter may be why. \
                 `%session undo` goes back further"
                    .to_owned(),
            );
        }
        if kept.is_empty() {
            return Ok(text);
        }
        Ok(format!("{text}; {}", self.left_alone(&kept, saved.as_deref(), &target)))
    }

    /// What is said of files that a move should have changed.
    fn left_alone(&self, kept: &[String], saved: Option<&str>, target: &Target) -> String {
        let text = format!("somebody else has changed {} since: left as it is now", named(kept));
        let file = saved.and_then(|path| path.strip_prefix("app/"));
        match (target, file) {
            (Target::State(state), Some(file)) if self.kept => format!(
                "{text} (`cellblock sessions files {} get {} --state {state}` has what would have been put there)",
                self.journal.id(),
                quoted(&shown(file, LONGEST_NAME))
            ),
            _ => text,
        }
    }

    fn move_to(&self, to: &Move) -> Result<Target, SessionError> {
        let to = to.clone();
        Ok(self.journal.with(move |writer| writer.move_to(to))??)
    }

    /// Reads a state into a memory of its own.
    fn load(&self, state: StateId) -> Result<(Overlay, Loaded), SessionError> {
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
    fn settle_in(&mut self, overlay: Overlay, loaded: &Loaded) -> Result<(), SessionError> {
        let StateMeta { facts, told, cells, .. } = serde_json::from_value(loaded.facts.clone())
            .map_err(|error| JournalError::Store(format!("the state's record of open files is damaged: {error}")))?;
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

    /// How long the session may be idle before it is evicted.
    pub fn idle_evict(&self) -> Option<Duration> {
        self.spec.keeping.idle_evict
    }

    /// Gives back the memory of a session that is idle: it is in the log.
    pub fn evict(&mut self) {
        self.save_background();
        let is_whole = |writer: &mut crate::session::journal::writer::JournalWriter| {
            writer.catch_up();
            writer.is_whole()
        };
        if self.overlay.is_none() || !self.journal.with(is_whole).unwrap_or_default() {
            return;
        }
        if self.kept {
            self.save_portable(AT_LEISURE);
        }
        self.instance = None;
        self.overlay = None;
        // What saving took is done with, too.
        let _ = self.journal.with(|_| ());
        crate::sandbox::memory::mapping::give_back();
        self.telemetry.evicted();
    }

    /// Comes back from eviction.
    pub(in crate::session) fn wake(&mut self) -> Result<(), SessionError> {
        if self.overlay.is_some() {
            return Ok(());
        }
        let current = self.journal.with(|writer| writer.current())?;
        match current {
            None => self.begin(),
            Some(state) => {
                let (overlay, loaded) = self.load(state)?;
                self.settle_in(overlay, &loaded)
            }
        }
    }

    /// Does what `%session` asked for, now that its cell is committed; what to say of it.
    pub(in crate::session) fn after(&mut self, after: After) -> Result<String, SessionError> {
        match after {
            After::Save(name) => {
                let named = name.clone();
                self.journal.with(move |writer| writer.save_name(&named))??;
                self.telemetry.saved(&name);
                self.save_portable(AT_LEISURE);
                if self.is_deterministic() {
                    self.go_back();
                }
                Ok(format!("saved as {name}: %session restore {name} comes back to it"))
            }
            After::Fork(id) => {
                if !self.kept {
                    return Err(JournalError::Store("a session that is not saved cannot be forked".to_owned()).into());
                }
                let to = id.clone();
                self.journal.with(move |writer| writer.fork(to))??;
                self.telemetry.forked(&id);
                Ok(format!(
                    "forked as {id}: start a kernel with `--session {id}` or CELLBLOCK_SESSION={id} to go on there"
                ))
            }
        }
    }

    /// Ends the session's part in the store. After a restart that the user asked for, the next one begins afresh.
    pub(in crate::session) fn close(&mut self, restart: bool) {
        if self.kept && self.overlay.is_some() {
            self.save_portable(IN_HASTE);
        }
        let closed = self.journal.with(move |writer| {
            if restart && writer.log().is_some() {
                let _ = writer.move_to(Move::Fresh);
            }
            writer.close();
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the session was not closed");
        }
    }

    /// Keeps what can be pickled of the session, for when its image is gone. What goes wrong is logged.
    fn save_portable(&mut self, patience: Duration) {
        if !self.spec.language.has_portable || self.journal.with(|writer| writer.current().is_none()).unwrap_or(true) {
            return;
        }
        let request = Frame::of(json!({"op": "portable", "max_bytes": self.spec.limits.message / 2}));
        let saved = self.ask(request, patience).and_then(|reply| {
            let bytes = reply.to_bytes();
            Ok(self.journal.with(move |writer| writer.set_portable(&bytes))??)
        });
        if let Err(error) = saved {
            tracing::warn!(%error, session = %self.journal.id(), "the portable part of the session was not saved");
            // A guest that was stopped in the middle is no guest any more.
            self.restore();
        }
    }

    /// Takes up what was pickled of a session whose image is gone.
    fn take_up(&mut self) -> Result<String, SessionError> {
        let Some(bytes) = self.journal.with(|writer| writer.portable())?? else {
            return Ok("nothing of the saved session is portable: it was never closed, or saved by hand".to_owned());
        };
        let mut frame = Frame::parse(&bytes.into(), room_for_structure(self.spec.limits.message))
            .map_err(|error| JournalError::Store(format!("the portable part of the session is damaged: {error}")))?;
        frame.json.insert("op".to_owned(), "load_portable".into());
        let mut lost = names(&frame.json, "lost");
        let reply = self.ask(frame, AT_LEISURE)?;
        lost.extend(names(&reply.json, "lost"));
        let loaded = reply.json.get("loaded").and_then(Value::as_array).map_or(0, Vec::len);
        self.commit(&Kind::Aside, Files::Same)?;
        self.telemetry.took_up(&self.last_cell);
        let lost = if lost.is_empty() { "nothing was lost".to_owned() } else { format!("lost: {}", lost.join(", ")) };
        Ok(format!(
            "took up {loaded} variables of a session of another version of Cellblock, or with another `deterministic`; {lost}"
        ))
    }
}

/// The names in a list of what was lost, as many as can be read.
fn names(json: &serde_json::Map<String, Value>, key: &str) -> Vec<String> {
    let entries = json.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |entry: &Value| Some(shown(entry.get("name")?.as_str()?, 100));
    entries.iter().filter_map(name).take(100).collect()
}

/// As a shell takes it for one word.
fn quoted(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "._-/+@%".contains(letter);
    if name.chars().all(is_plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', "'\\''")) }
}
