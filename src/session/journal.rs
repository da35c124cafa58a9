//! A session's journal: the thread that owns its log. Commits are handed to it and written while the session
//! goes on; whatever needs the log itself is asked of it in order, behind the commits that came before.
//!
//! Every session has one. That of a session that is not to be kept writes into a directory that goes with the
//! process: undo and eviction need it as well.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use parking_lot::{Condvar, Mutex};

use super::keeper::Keeper;
use super::store::{NewState, SessionId};
use super::timeline::StateId;
use super::workspace::{Capture, Tracker};

/// Bytes of pages that may wait to be written; then a session waits for its journal.
const ROOM: usize = 256 << 20;

/// Why the journal could not do something.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The store's own words.
    #[error("{0}")]
    Store(String),
    /// An earlier failure after which nothing more is written.
    #[error("the session is no longer saved since an earlier failure: {0}")]
    Broken(String),
    /// The thread has ended.
    #[error("the session's journal has ended; restart the kernel")]
    Gone,
}

/// The files of a state, which are still being recorded, and who has to know that they are stored.
pub type Files = (Capture, Arc<Tracker>);

enum Work {
    Append(Box<NewState>, Option<Files>, Option<Sender<Result<StateId, JournalError>>>),
    Call(Box<dyn FnOnce(&mut Keeper) + Send>),
}

/// The way to a session's journal; the thread ends with it.
#[derive(Debug)]
pub struct Journal {
    id: SessionId,
    work: Sender<Work>,
    waiting: Arc<Waiting>,
    /// What went wrong since somebody last asked.
    trouble: Arc<Mutex<Option<String>>>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Mutex<usize>,
    less: Condvar,
}

impl Journal {
    /// Starts the journal of `keeper`'s session.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn start(mut keeper: Keeper) -> std::io::Result<Self> {
        let (work, queue) = channel();
        let journal = Self { id: keeper.id().clone(), work, waiting: Arc::default(), trouble: Arc::default() };
        let (waiting, trouble) = (journal.waiting.clone(), journal.trouble.clone());
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || serve(&queue, &mut keeper, &waiting, &trouble))?;
        Ok(journal)
    }

    /// The session that this is the journal of.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Hands over the state in which the session begins.
    pub fn begin(&self, state: NewState) {
        // Whoever needs the journal next learns that it is gone.
        let _ = self.work.send(Work::Call(Box::new(move |keeper| keeper.begin(state))));
    }

    /// Hands over a commit, to be written some time soon, once its files are recorded.
    pub fn append(&self, state: NewState, files: Option<Files>) {
        self.take_room(state.pages.bytes.len());
        let _ = self.work.send(Work::Append(Box::new(state), files, None));
    }

    /// Writes a commit, and comes back when it is on disk.
    ///
    /// # Errors
    /// As [`JournalError`] says.
    pub fn append_and_wait(&self, state: NewState, files: Option<Files>) -> Result<StateId, JournalError> {
        self.take_room(state.pages.bytes.len());
        let (done, written) = channel();
        self.work.send(Work::Append(Box::new(state), files, Some(done))).map_err(|_| JournalError::Gone)?;
        written.recv().map_err(|_| JournalError::Gone)?
    }

    /// Does something with the log, behind everything that was handed over before.
    ///
    /// # Errors
    /// [`JournalError::Gone`].
    pub fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Keeper) -> T + Send + 'static,
    ) -> Result<T, JournalError> {
        let (done, answer) = channel();
        let call = move |keeper: &mut Keeper| {
            // Who asked waits for it.
            let _ = done.send(work(keeper));
        };
        self.work.send(Work::Call(Box::new(call))).map_err(|_| JournalError::Gone)?;
        answer.recv().map_err(|_| JournalError::Gone)
    }

    /// What went wrong in the background since this was last asked, in words for the user.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().take()
    }

    fn take_room(&self, bytes: usize) {
        let mut waiting = self.waiting.bytes.lock();
        while *waiting > 0 && waiting.saturating_add(bytes) > ROOM {
            self.waiting.less.wait(&mut waiting);
        }
        *waiting = waiting.saturating_add(bytes);
    }
}

fn serve(queue: &Receiver<Work>, keeper: &mut Keeper, waiting: &Waiting, trouble: &Mutex<Option<String>>) {
    for work in queue {
        match work {
            Work::Call(call) => call(keeper),
            Work::Append(mut state, files, done) => {
                let bytes = state.pages.bytes.len();
                state.files = files.as_ref().map(|(capture, _)| capture.wait()).or(state.files.take());
                let result = keeper.append(*state);
                if let (Ok(_), Some((capture, tracker))) = (&result, &files) {
                    tracker.stored(capture);
                }
                let mut left = waiting.bytes.lock();
                *left = left.saturating_sub(bytes);
                drop(left);
                waiting.less.notify_all();
                if let Err(error) = &result {
                    tracing::error!(%error, session = %keeper.id(), "the session could not be saved");
                    // Said once; that it goes on being so is no news.
                    if !matches!(error, JournalError::Broken(_)) {
                        *trouble.lock() = Some(error.to_string());
                    }
                }
                if let Some(done) = done {
                    let _ = done.send(result);
                }
                keeper.tidy();
            }
        }
    }
}
