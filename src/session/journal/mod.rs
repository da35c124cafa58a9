//! A session's journal: the thread that owns its log. Commits are handed to it and written while the session
//! goes on; whatever needs the log itself is asked of it in order, behind the commits that came before.
//!
//! Every session has one. That of a session that is not to be kept writes into a directory that goes with the
//! process, and only when that is needed: for undo and eviction, or when much waits.

pub mod backlog;
pub(super) mod recordings;
pub mod saving;
pub mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::backlog::{Backlog, Commit, Next, Pace, Work};
use self::saving::{Saving, Standing};
use self::writer::{JournalWriter, Place};
use crate::observe::SessionCreated;
use crate::store::{SessionId, StoreError};
use crate::timeline::StateId;

/// After more bytes of pages than this were written, what that took is given back to the system.
const LARGE: u64 = 16 << 20;

/// Why the journal could not do something.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The store's answer.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// Another holder has the session, in words.
    #[error("{0}")]
    Lost(String),
    /// No cell has been run, so there are no states.
    #[error("no cell has been run in this session yet")]
    Empty,
    /// The session goes with its process.
    #[error("a session that is not saved cannot be forked")]
    NotKept,
    /// What a state says of itself cannot be read.
    #[error("{what} is damaged: {why}")]
    Damaged { what: &'static str, why: String },
    /// What was done last is not saved, and cannot be now.
    #[error("{0}")]
    Behind(String),
    /// The thread has ended.
    #[error("the session's journal has ended; restart the kernel")]
    Gone,
}

/// The way to a session's journal; the thread ends with it.
pub struct Journal {
    id: SessionId,
    backlog: Arc<Backlog>,
    standing: Arc<Mutex<Standing>>,
    /// Whether nothing has been handed over in this session yet.
    is_new: AtomicBool,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Journal {
    /// Starts the journal of `writer`'s session.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn start(mut writer: JournalWriter, pace: Pace) -> std::io::Result<Self> {
        let backlog = Arc::new(Backlog::new(pace, writer.undo_entries()));
        writer.spare_what_waits_in(&backlog);
        let is_new = AtomicBool::new(writer.log().is_none());
        let journal = Self { id: writer.id().clone(), backlog: backlog.clone(), standing: writer.standing(), is_new };
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
            serve(&backlog, &mut writer);
            // What it holds of the session is given back before anybody goes on who waits for that.
            drop(writer);
            backlog.ended();
        })?;
        Ok(journal)
    }

    /// The session that this is the journal of.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// The queue, for whoever has to end the thread.
    pub fn backlog(&self) -> Arc<Backlog> {
        self.backlog.clone()
    }

    /// Hands over the state in which the session begins.
    pub fn begin(&self, state: Commit) {
        // Whoever needs the journal next learns that it is gone.
        self.backlog.call(Box::new(move |writer| writer.begin(state)));
    }

    /// Hands over a commit, to be written some time soon.
    pub fn append(&self, commit: Commit) {
        self.note_creation();
        self.backlog.append(commit);
    }

    /// Writes a commit, and comes back when it is on disk.
    ///
    /// # Errors
    /// As [`JournalError`] says.
    pub fn append_and_wait(&self, commit: Commit) -> Result<StateId, JournalError> {
        let (done, written) = channel();
        self.note_creation();
        self.backlog.append(Commit { done: Some(done), ..commit });
        written.recv().map_err(|_| JournalError::Gone)?
    }

    /// Whether the session's directory was deleted under it.
    pub fn is_deleted(&self) -> bool {
        self.standing.lock().is_deleted()
    }

    /// Goes on in a new directory, with a state that has all that there is, of whatever was handed over before.
    pub fn begin_anew(&self, state: Commit, place: Place) {
        self.backlog.call(Box::new(move |writer| writer.begin_anew(state, place)));
    }

    /// Does something with the log, behind everything that was handed over before.
    ///
    /// # Errors
    /// [`JournalError::Gone`].
    pub fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut JournalWriter) -> T + Send + 'static,
    ) -> Result<T, JournalError> {
        let (done, answer) = channel();
        let call = move |writer: &mut JournalWriter| {
            // Who asked waits for it.
            let _ = done.send(work(writer));
        };
        self.backlog.call(Box::new(call));
        answer.recv().map_err(|_| JournalError::Gone)
    }

    /// The same for one who does something else meanwhile, or goes away.
    ///
    /// # Errors
    /// [`JournalError::Gone`].
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut JournalWriter) -> T + Send + 'static,
    ) -> Result<T, JournalError> {
        let (done, answer) = oneshot::channel();
        let call = move |writer: &mut JournalWriter| {
            // Nobody waits any more if the guest was interrupted: then there is nothing to do either.
            if !done.is_closed() {
                let _ = done.send(work(writer));
            }
        };
        self.backlog.call(Box::new(call));
        answer.await.map_err(|_| JournalError::Gone)
    }

    fn note_creation(&self) {
        if self.is_new.swap(false, Ordering::Relaxed) {
            SessionCreated { session: self.id.as_str() }.log();
        }
    }

    /// How it stands with what was handed over.
    pub fn saving(&self) -> Saving {
        self.standing.lock().saving.clone()
    }

    /// What there is to say about it with a cell: as long as something is wrong, and once when it is over.
    pub fn to_tell(&self) -> Option<String> {
        self.standing.lock().to_tell()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.backlog.close();
    }
}

fn serve(backlog: &Backlog, writer: &mut JournalWriter) {
    let mut written = 0u64;
    loop {
        match backlog.next(writer.patience()) {
            Next::Work(Work::Call(call)) => call(writer),
            Next::Work(Work::Append(mut commit)) => {
                let done = commit.done.take();
                written = written.saturating_add(commit.state.memory_bytes.min(commit.page_bytes() as u64));
                commit.settle();
                let result = writer.append(*commit);
                if let Some(done) = done {
                    let _ = done.send(result);
                }
                writer.tidy();
            }
            Next::Idle => writer.catch_up(),
            Next::End => return,
        }
        if written > LARGE && backlog.is_empty() {
            written = 0;
            crate::sandbox::memory::mapping::give_back();
        }
    }
}

/// How long a thread that is to end may take for what it is doing.
pub const ENDING: Duration = Duration::from_millis(500);
