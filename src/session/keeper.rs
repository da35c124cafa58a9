//! What the journal's thread owns: a session's log, made when there is something to write. A session in which
//! nothing was run leaves nothing behind.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::journal::JournalError;
use super::store::{
    Depot, Durability, Holder, Identity, Keep, Loaded, Log, NewState, Opening, SessionId, StoreError, View,
};
use super::timeline::{Move, StateId, Target};
use super::workspace::{Entry, Manifest};
use crate::observe::SessionCreated;

/// What it takes to make a session's log.
#[derive(Debug, Clone)]
pub struct Plan {
    pub id: SessionId,
    pub depot: Depot,
    pub identity: Identity,
    pub notebook: Option<String>,
    pub holder: Holder,
    pub keep: Keep,
    pub durability: Durability,
    /// Where the contents of recorded files are on this machine.
    pub blobs: PathBuf,
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

/// The owner of a log.
pub struct Keeper {
    plan: Plan,
    log: Option<Log>,
    /// The state in which the session began, written before the first cell's.
    beginning: Option<NewState>,
    broken: Option<String>,
    /// The lock on the session's working copy.
    copy: Option<std::fs::File>,
    /// Whether what is stored was recorded on another image.
    other_base: bool,
}

impl Keeper {
    /// The keeper of a session that does not exist yet.
    pub fn new(plan: Plan) -> Self {
        Self { plan, log: None, beginning: None, broken: None, copy: None, other_base: false }
    }

    /// The keeper of a stored session: takes its lease, and checks all of it.
    ///
    /// # Errors
    /// [`Log::open`]'s.
    pub fn open(plan: Plan) -> Result<Self, StoreError> {
        let log = Log::open(&plan.depot, plan.opening())?;
        Ok(Self { plan, log: Some(log), beginning: None, broken: None, copy: None, other_base: false })
    }

    /// The keeper of a session whose image is gone. It stays as it is until there is new work: then its states, which
    /// can be used on no other image, are dropped.
    pub fn on_new_base(plan: Plan) -> Self {
        Self { other_base: true, ..Self::new(plan) }
    }

    /// Holds the lock on the session's working copy as long as there is a keeper.
    pub fn hold(&mut self, lock: Option<std::fs::File>) {
        self.copy = lock;
    }

    /// The session's id.
    pub fn id(&self) -> &SessionId {
        &self.plan.id
    }

    /// The log, if there is one.
    pub fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// Whether everything that was handed over is in the log.
    pub fn is_whole(&self) -> bool {
        self.broken.is_none()
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
    pub fn begin(&mut self, state: NewState) {
        self.beginning = Some(state);
    }

    /// Writes a commit.
    ///
    /// # Errors
    /// The store's. After one, states would be missing between those that are stored, so nothing more is
    /// written.
    pub fn append(&mut self, state: NewState) -> Result<StateId, JournalError> {
        if let Some(why) = &self.broken {
            return Err(JournalError::Broken(why.clone()));
        }
        let done = self.try_append(state).map_err(|error| JournalError::Store(error.to_string()));
        if let Err(error) = &done {
            self.broken = Some(error.to_string());
        }
        done
    }

    fn try_append(&mut self, state: NewState) -> Result<StateId, StoreError> {
        if self.log.is_none() {
            let create = if self.other_base { Log::open_on_new_base } else { Log::create };
            self.log = Some(create(&self.plan.depot, self.plan.opening())?);
            SessionCreated { session: self.plan.id.as_str() }.log();
        }
        let Some(log) = &mut self.log else { return Err(StoreError::Refused("there is no log".to_owned())) };
        for state in self.beginning.iter().chain([&state]) {
            push_files(&self.plan, state)?;
        }
        if let Some(beginning) = self.beginning.take() {
            log.append(beginning)?;
        }
        log.commit(state)
    }

    /// Cleans up, when nobody waits.
    pub fn tidy(&mut self) {
        if let Some(log) = &mut self.log
            && let Err(error) = log.tidy()
        {
            tracing::warn!(%error, session = %self.plan.id, "the session's log was not cleaned up");
        }
    }

    /// The log for a change, with the session's beginning in it.
    fn writable(&mut self) -> Result<&mut Log, JournalError> {
        if let Some(why) = &self.broken {
            return Err(JournalError::Broken(why.clone()));
        }
        if self.log.is_some()
            && let Some(beginning) = self.beginning.take()
        {
            self.append(beginning)?;
        }
        self.log.as_mut().ok_or_else(|| JournalError::Store("no cell has been run in this session yet".to_owned()))
    }

    /// Where a move would lead.
    ///
    /// # Errors
    /// The store's, such as that there is nothing to undo.
    pub fn peek(&mut self, to: &Move) -> Result<Target, JournalError> {
        self.writable()?.peek(to).map_err(store)
    }

    /// Makes a move. The memory is the caller's business.
    ///
    /// # Errors
    /// As [`Keeper::peek`].
    pub fn move_to(&mut self, to: Move) -> Result<Target, JournalError> {
        self.writable()?.move_to(&to).map_err(store)
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
        if self.plan.depot.local_root().is_none() {
            let hashes = loaded.files.hashes().into_iter().chain(loaded.past.hashes());
            self.plan.depot.pull_blobs(&self.plan.id, &self.plan.blobs, hashes).map_err(store)?;
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

    /// Writes the session's beginning, if there is a log already.
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
                View::open(&self.plan.depot, &self.plan.id).and_then(|view| view.portable()).map_err(store)
            }
            None => Ok(None),
        }
    }

    /// Gives the session back, so that others can open it.
    pub fn close(&mut self) {
        match self.log.take().map(Log::close) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, session = %self.plan.id, "the session's lease could not be given back");
            }
            None => self.leave_nothing(),
        }
        self.broken = Some("the session was closed".to_owned());
    }
}

impl Keeper {
    /// Removes the directories that were made for a session which never began, as far as they are empty.
    fn leave_nothing(&self) {
        let Some(root) = self.plan.depot.local_root() else { return };
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
    let (None, Some(changes)) = (plan.depot.local_root(), &state.files) else { return Ok(()) };
    plan.depot.push_blobs(&plan.id, &plan.blobs, contents(changes.files().map(|(_, entry)| entry)))
}

fn contents<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeSet<String> {
    let files = entries.filter_map(|entry| match entry {
        Entry::Dir => None,
        Entry::File { sha256, .. } => Some(sha256.clone()),
    });
    files.collect()
}

fn store(error: StoreError) -> JournalError {
    JournalError::Store(error.to_string())
}
