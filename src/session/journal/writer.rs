//! What the journal's thread owns: a session's log, made when there is something to write. A session in which
//! nothing was run leaves nothing behind.

mod moves;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use parking_lot::Mutex;

use super::JournalError;
use super::backlog::{Backlog, Commit};
use super::saving::{Saving, Standing};
use crate::session::checkpoint::commit::named;
use crate::store::{
    Backend, Durability, Holder, Identity, Keep, Loaded, Log, NewState, Opening, SessionId, StoreError, View,
};
use crate::timeline::{Move, StateId, Target};
use crate::workspace::{Changes, Entry, Manifest, Tracker};

/// What could not be written is tried again after this time if no cell comes before, then after twice as long, …
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
/// … at last after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What it takes to make a session's log.
#[derive(Debug, Clone)]
pub struct Plan {
    pub id: SessionId,
    pub backend: Backend,
    pub identity: Identity,
    pub notebook: Option<String>,
    pub holder: Holder,
    pub keep: Keep,
    pub durability: Durability,
    /// Where the contents of recorded files are on this machine.
    pub blobs: PathBuf,
    /// Whether the session outlives this process.
    pub kept: bool,
}

impl Plan {
    fn opening(&self) -> Opening<'_> {
        Opening {
            id: self.id.clone(),
            identity: self.identity.clone(),
            notebook: self.notebook.clone(),
            holder: &self.holder,
            keep: self.keep,
            durability: self.durability,
        }
    }
}

/// What a writer has of the place in which a session's files are.
pub struct Place {
    /// Who records them.
    pub tracker: Arc<Tracker>,
    /// The session's directory.
    pub directory: Option<std::fs::File>,
    /// The lock on the working copy.
    pub copy: Option<std::fs::File>,
}

/// The owner of a log.
pub struct JournalWriter {
    plan: Plan,
    log: Option<Log>,
    /// The state in which the session began, written before the first cell's.
    beginning: Option<Commit>,
    /// What could not be written yet: everything since the log's current state.
    unsaved: Option<Commit>,
    standing: Arc<Mutex<Standing>>,
    /// How long to wait before the next attempt, if no cell comes before.
    pause: Duration,
    /// Of which session the log will be, over all attempts to make it.
    lineage: String,
    /// The contents of files that nothing in the log needs yet.
    spared: Arc<Mutex<BTreeSet<String>>>,
    backlog: Option<Arc<Backlog>>,
    /// Who records files, and knows which contents are wanted.
    tracker: Option<Arc<Tracker>>,
    /// The lock on the session's working copy.
    copy: Option<std::fs::File>,
    /// Whether what is stored was recorded on another image.
    other_base: bool,
}

impl JournalWriter {
    /// The writer of a session that does not exist yet.
    pub fn new(plan: Plan) -> Self {
        Self::of(plan, None)
    }

    /// The writer of a stored session: takes its lease, and checks all of it.
    ///
    /// # Errors
    /// [`Log::open`]'s.
    pub fn open(plan: Plan) -> Result<Self, StoreError> {
        let log = Log::open(&plan.backend, plan.opening())?;
        Ok(Self::of(plan, Some(log)))
    }

    /// The writer of a session whose image is gone. It stays as it is until there is new work: then its states, which
    /// can be used on no other image, are dropped.
    pub fn on_new_base(plan: Plan) -> Self {
        Self { other_base: true, ..Self::new(plan) }
    }

    fn of(plan: Plan, log: Option<Log>) -> Self {
        let standing = Standing { kept: plan.kept, ..Standing::default() };
        Self {
            plan,
            log,
            beginning: None,
            unsaved: None,
            standing: Arc::new(Mutex::new(standing)),
            pause: SHORTEST_PAUSE,
            lineage: uuid::Uuid::new_v4().to_string(),
            spared: Arc::default(),
            backlog: None,
            tracker: None,
            copy: None,
            other_base: false,
        }
    }

    /// Holds the lock on the session's working copy as long as there is a writer.
    pub fn hold(&mut self, lock: Option<std::fs::File>) {
        self.copy = lock;
    }

    /// Notes where the session is, to see when that is deleted.
    pub fn watch(&self, directory: Option<std::fs::File>) {
        self.standing.lock().place = directory;
    }

    /// Notes that the session's directory was deleted, and could not be made again.
    pub fn is_gone(&mut self) {
        let cells = self.unsaved.as_ref().map_or(0, |unsaved| unsaved.state.cells);
        let (doing, object) = ("cannot write", format!("the session {}", self.plan.id));
        let cause = "the session's directory was deleted".to_owned();
        self.fall_behind(&StoreError::Io { doing, object, cause }, cells);
    }

    /// After the session's directory was deleted: everything that is still there is in `state`, and goes into a log of
    /// its own. What cannot be written is tried again like any other.
    pub fn begin_anew(&mut self, mut state: Commit, place: Place) {
        let unsaved = self.unsaved.take().map_or(0, |unsaved| unsaved.state.cells);
        let saved = self.log.as_ref().and_then(|log| match log.timeline().current() {
            Target::State(state) => log.state(state).map(|info| info.cells),
            Target::Fresh => None,
        });
        let is_begun = self.log.take().is_some() || unsaved > 0;
        tracing::warn!(session = %self.plan.id, "the session's directory was deleted; it is begun anew");
        self.lineage = uuid::Uuid::new_v4().to_string();
        self.copy = place.copy;
        self.watch(place.directory);
        self.spare_what_is_recorded_by(place.tracker);
        self.other_base = false;
        self.beginning = None;
        state.state.cells = saved.unwrap_or(0).saturating_add(unsaved);
        if !is_begun {
            self.beginning = Some(state);
        } else if let Err(error) = self.append(state) {
            tracing::warn!(%error, session = %self.plan.id, "the session could not be begun anew; it is tried again");
        }
    }

    /// Leaves the contents of files alone that are needed by what waits there.
    pub fn spare_what_waits_in(&mut self, backlog: &Arc<Backlog>) {
        self.backlog = Some(backlog.clone());
        self.tell_log_what_to_spare();
    }

    /// The same with what is recorded, or is being recorded now.
    pub fn spare_what_is_recorded_by(&mut self, tracker: Arc<Tracker>) {
        self.tracker = Some(tracker);
        self.tell_log_what_to_spare();
    }

    fn tell_log_what_to_spare(&mut self) {
        let (own, backlog, tracker) = (self.spared.clone(), self.backlog.clone(), self.tracker.clone());
        let Some(log) = &mut self.log else { return };
        log.spare(Box::new(move || {
            let mut hashes = own.lock().clone();
            hashes.extend(backlog.iter().flat_map(|backlog| backlog.hashes()));
            hashes.extend(tracker.iter().flat_map(|tracker| tracker.hashes()));
            hashes
        }));
    }

    /// The session's id.
    pub fn id(&self) -> &SessionId {
        &self.plan.id
    }

    /// The log, if there is one.
    pub fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// How many states can be undone.
    pub fn undo_entries(&self) -> usize {
        self.plan.keep.undo_entries
    }

    /// What the session is told.
    pub fn standing(&self) -> Arc<Mutex<Standing>> {
        self.standing.clone()
    }

    /// How it stands with what was handed over.
    pub fn saving(&self) -> Saving {
        self.standing.lock().saving.clone()
    }

    /// What is the matter with that, in words for the user.
    fn problem(&self) -> Option<String> {
        self.saving().problem(self.plan.kept)
    }

    /// Whether everything that was handed over is in the log.
    pub fn is_whole(&self) -> bool {
        self.unsaved.is_none() && self.saving() == Saving::Whole
    }

    /// The state in which the session is, if it is in the log.
    pub fn current(&self) -> Option<StateId> {
        // A beginning that is not written yet is not in the log, but its session has not done anything either.
        self.log.as_ref().filter(|_| self.beginning.is_none()).and_then(|log| match log.timeline().current() {
            Target::State(state) => Some(state),
            Target::Fresh => None,
        })
    }

    /// Holds the state in which the session begins until there is more to write.
    pub fn begin(&mut self, state: Commit) {
        // What was not saved of the session before went with it.
        self.unsaved = None;
        self.beginning = Some(state);
    }

    /// Writes a commit, with everything that could not be written before.
    ///
    /// # Errors
    /// The store's. What was to be written is then kept, and written with the next one.
    pub fn append(&mut self, mut commit: Commit) -> Result<StateId, JournalError> {
        if let Some(before) = self.unsaved.take() {
            commit.absorb(before);
        }
        if let Some(beginning) = self.beginning.take_if(|beginning| beginning.is_torn()) {
            commit.absorb(beginning);
        }
        *self.spared.lock() = commit.contents().into_keys().collect();
        if let Saving::Lost { why, .. } = self.saving() {
            self.unsaved = Some(commit);
            return Err(JournalError::Lost(why));
        }
        let mut done = self.try_append(&commit);
        if let Err(StoreError::BlobMissing { .. }) = &done {
            commit.recordings.recover(&mut commit.state);
            done = self.try_append(&commit);
        }
        if let Err(error) = &done {
            let is_torn = commit.is_torn();
            let cells = commit.state.cells;
            self.unsaved = Some(commit);
            // The next one is on its way already, and has the rest.
            if !is_torn {
                self.fall_behind(error, cells);
            }
        } else {
            self.spared.lock().clear();
            self.settle();
            commit.recordings.stored();
            if let Some(log) = &mut self.log {
                log.note_contents(commit.orphans);
            }
            self.mind_the_contents();
        }
        done.map_err(|error| self.problem().map_or_else(|| store(error), JournalError::Behind))
    }

    fn try_append(&mut self, commit: &Commit) -> Result<StateId, StoreError> {
        if self.log.is_none() {
            let (backend, opening) = (&self.plan.backend, self.plan.opening());
            let log = match self.other_base {
                true => Log::open_on_new_base(backend, opening)?,
                false => Log::create_as(backend, opening, &self.lineage)?,
            };
            self.log = Some(log);
            self.tell_log_what_to_spare();
        }
        let Some(log) = &mut self.log else { return Err(StoreError::Refused("there is no log".to_owned())) };
        if let Some(beginning) = &self.beginning {
            push_files(&self.plan, &beginning.state)?;
            log.append(beginning.state())?;
            self.beginning = None;
        }
        push_files(&self.plan, &commit.state)?;
        log.commit(commit.state())
    }

    /// Puts contents back that somebody has deleted in the store, and has it said as long as some are missing.
    fn mind_the_contents(&mut self) {
        let Some(log) = &mut self.log else { return };
        let mut missing = log.missing_contents();
        if let Some(tracker) = self.tracker.as_ref().filter(|_| !missing.is_empty()) {
            tracker.put_back_contents(&missing);
            missing = log.missing_contents();
        }
        let say = |missing: &BTreeMap<String, u64>| {
            let paths = log.paths_of(missing);
            tracing::error!(session = %self.plan.id, count = missing.len(), "contents of files are missing in the store");
            format!(
                "what earlier states of the session have in files was deleted in the store ({}): they cannot be gone back \
                 to, and the next kernel will find the session damaged. Put it back into {}, or write what you need to \
                 files; it is over when none of these states can be undone to any more",
                named(&paths),
                self.plan.blobs.display()
            )
        };
        let lost = (!missing.is_empty()).then(|| say(&missing));
        self.standing.lock().lost = lost;
    }

    /// Notes that what was to be written is not.
    fn fall_behind(&mut self, error: &StoreError, cells: u32) {
        tracing::error!(%error, session = %self.plan.id, "the session could not be saved");
        if let Some(log) = self.log.as_mut().filter(|_| !matches!(error, StoreError::Fenced { .. })) {
            // Contents of files that only states need which will not be written.
            log.sweep_blobs(&Changes::default());
        }
        let mut standing = self.standing.lock();
        let (why, now) = (error.in_short(), Utc::now());
        standing.saving = match (&standing.saving, error) {
            (Saving::Lost { .. }, _) => return,
            (_, StoreError::Fenced { .. }) => Saving::Lost { why, since: now },
            (Saving::Behind { since, .. }, _) => Saving::Behind { why, since: *since, cells },
            (Saving::Whole, _) => {
                self.pause = SHORTEST_PAUSE;
                Saving::Behind { why, since: now, cells }
            }
        };
    }

    /// Notes that everything is in the log.
    fn settle(&mut self) {
        let mut standing = self.standing.lock();
        if matches!(standing.saving, Saving::Behind { .. }) {
            tracing::info!(session = %self.plan.id, "the session is saved again");
            (standing.saving, standing.is_over) = (Saving::Whole, true);
        }
    }

    /// Tries once more to write what is not written.
    pub fn catch_up(&mut self) {
        if !matches!(self.saving(), Saving::Behind { .. }) {
            return;
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        match self.unsaved.take() {
            // Noted, if it fails.
            Some(commit) if !commit.is_torn() => drop(self.append(commit)),
            Some(torn) => self.unsaved = Some(torn),
            None => match self.log.as_mut().map(Log::write_move) {
                Some(Err(error)) => self.fall_behind(&error, 0),
                Some(Ok(())) | None => self.settle(),
            },
        }
    }

    /// How long to wait for work before [`JournalWriter::catch_up`].
    pub fn patience(&self) -> Option<Duration> {
        matches!(self.saving(), Saving::Behind { .. }).then_some(self.pause)
    }

    /// Cleans up, when nobody waits.
    pub fn tidy(&mut self) {
        if !self.is_whole() {
            return;
        }
        if let Some(log) = &mut self.log
            && let Err(error) = log.tidy()
        {
            tracing::warn!(%error, session = %self.plan.id, "the session's log was not cleaned up");
        }
    }

    /// The log for a change, with everything that was handed over in it.
    fn writable(&mut self) -> Result<&mut Log, JournalError> {
        self.catch_up();
        if let Some(problem) = self.problem() {
            return Err(JournalError::Behind(problem));
        }
        if self.log.is_some()
            && let Some(beginning) = self.beginning.take()
        {
            self.append(beginning)?;
        }
        self.log.as_mut().ok_or(JournalError::Empty)
    }

    /// Reads a state; see [`Log::load`].
    ///
    /// # Errors
    /// The store's.
    pub fn load(
        &self,
        state: StateId,
        write: &(dyn Fn(u64, &[u8]) -> std::io::Result<()> + Sync),
    ) -> Result<Loaded, JournalError> {
        let log = self.log.as_ref().ok_or(JournalError::Gone)?;
        let loaded = log.load(state, write).map_err(store)?;
        if self.plan.backend.local_root().is_none() {
            let hashes = loaded.files.hashes().into_iter().chain(loaded.past.hashes());
            self.plan.backend.pull_blobs(&self.plan.id, &self.plan.blobs, hashes).map_err(store)?;
        }
        Ok(loaded)
    }

    /// The files of the run that is over, as its last state has them.
    pub fn last_files(&self) -> Option<Manifest> {
        let log = self.log.as_ref()?;
        let resumed = match log.peek(&Move::Resume) {
            Ok(Target::State(state)) => Some(state),
            Ok(Target::Fresh) | Err(_) => None,
        };
        log.timeline().previous().or(resumed).map(|state| log.files(state))
    }

    /// Gives the current state a name.
    ///
    /// # Errors
    /// The store's.
    pub fn save_name(&mut self, name: &str) -> Result<(), JournalError> {
        self.writable()?.save_name(name).map_err(store)
    }

    /// Makes another stored session of the current state.
    ///
    /// # Errors
    /// The store's.
    pub fn fork(&mut self, to: SessionId) -> Result<(), JournalError> {
        self.writable()?.fork(&to, None).map_err(store)
    }

    /// Writes what is not written yet, if there is a log already.
    pub fn write_beginning(&mut self) {
        if let Err(error) = self.writable() {
            tracing::debug!(%error, "the session's beginning is not written");
        }
    }

    /// Keeps the portable part of the session.
    ///
    /// # Errors
    /// The store's.
    pub fn set_portable(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        self.writable()?.set_portable(bytes).map_err(store)
    }

    /// What is portable of the session, if anything was saved.
    ///
    /// # Errors
    /// The store's.
    pub fn portable(&self) -> Result<Option<Vec<u8>>, JournalError> {
        match &self.log {
            Some(log) => log.portable().map_err(store),
            None if self.other_base => {
                View::open(&self.plan.backend, &self.plan.id).and_then(|view| view.portable()).map_err(store)
            }
            None => Ok(None),
        }
    }

    /// Gives the session back, so that others can open it.
    pub fn close(&mut self) {
        self.catch_up();
        if let Some(problem) = self.problem() {
            tracing::warn!(problem, session = %self.plan.id, "the session was closed, and not all of it is saved");
        }
        match self.log.take().map(Log::close) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, session = %self.plan.id, "the session's lease could not be given back");
            }
            None => self.leave_nothing(),
        }
        self.unsaved = None;
        let closed = Saving::Lost { why: "it was closed".to_owned(), since: Utc::now() };
        self.standing.lock().saving = closed;
    }
}

impl JournalWriter {
    /// Removes the directories that were made for a session which never began, as far as they are empty.
    fn leave_nothing(&self) {
        let Some(root) = self.plan.backend.local_root() else { return };
        let session = root.join("sessions").join(self.plan.id.as_str());
        for below in [
            "workspace/app",
            "workspace/tmp",
            "workspace/held/contents",
            "workspace/held/touched",
            "workspace/held",
            "workspace",
            "blobs",
            "",
        ] {
            // One with something in it stays, and so does everything above it.
            let _ = std::fs::remove_dir(session.join(below));
        }
    }
}

/// Brings the contents of a state's files to where its record goes. A store on this machine has them already.
fn push_files(plan: &Plan, state: &NewState) -> Result<(), StoreError> {
    let (None, Some(changes)) = (plan.backend.local_root(), &state.files) else { return Ok(()) };
    plan.backend.push_blobs(&plan.id, &plan.blobs, contents(changes.files().map(|(_, entry)| entry)))
}

fn contents<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeSet<String> {
    let files = entries.filter_map(|entry| match entry {
        Entry::Dir { .. } | Entry::Link { .. } => None,
        Entry::File { sha256, .. } => Some(sha256.clone()),
    });
    files.collect()
}

fn store(error: StoreError) -> JournalError {
    JournalError::Store(Arc::new(error))
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
