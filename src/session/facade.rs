//! What any face asks of a live session: run something and follow it, look at it, change it, go elsewhere with it. All of it
//! is queued in order with cells on the session's own thread; a wish whose caller has gone is not done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::answer::{Answer, Bundle, Completeness, Completions, Failure, Variable};
use super::door::contact::Contact;
use super::event::{Event, Events, Outcome, Queued, State, Usage};
use super::operation::{Arrival, FilesOperation, LogEntry, Operated, Operation, OperationError, Status};
use super::request::{Comm, Execute, Request};
use crate::store::SessionId;
use crate::timeline::{Move, StateId};
use crate::workspace::{Deleted, Listed};

/// One thing on its way to the session's thread.
#[derive(Debug)]
pub enum Job {
    /// A request, mostly to the guest. An interrupt from before `submitted` is not meant for it.
    Serve { request: Request, events: UnboundedSender<Queued>, submitted: Instant },
    /// Something to be done with the session; not at all, if nobody waits for `done` any more.
    Operate { operation: Operation, done: oneshot::Sender<Result<Operated, OperationError>> },
}

/// Drives one session; cheap to clone. The session ends when nobody holds it any more.
#[derive(Clone)]
pub struct Session {
    jobs: UnboundedSender<Job>,
    interrupt: Arc<dyn Fn() + Send + Sync>,
    patience: Duration,
    contact: Contact,
}

impl Session {
    /// A session over a channel of jobs and a way to interrupt; the session thread and the tests' dummy sessions are at the
    /// other end.
    pub fn new(jobs: UnboundedSender<Job>, interrupt: impl Fn() + Send + Sync + 'static) -> Self {
        Self { jobs, interrupt: Arc::new(interrupt), patience: Duration::ZERO, contact: Contact::default() }
    }

    /// The same for a session that has something to put away when it is closed, and how long that may take.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same with what it shares with its session's thread.
    #[must_use]
    pub fn with_contact(self, contact: Contact) -> Self {
        Self { contact, ..self }
    }

    /// What it shares with its session's thread.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// How long to wait for [`Session::close`]; zero if there is nothing to wait for.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Asks for `request` to be served. The events end with `Done`; a channel that ends without it means that the session's
    /// thread is gone.
    pub fn submit(&self, request: Request) -> Events {
        let (events, receiver) = tokio::sync::mpsc::unbounded_channel();
        // A failed send drops `events`, which the caller sees as the end of the channel.
        let _ = self.jobs.send(Job::Serve { request, events, submitted: Instant::now() });
        receiver
    }

    /// Interrupts what is running now, if anything. Never blocks; variables stay.
    pub fn interrupt(&self) {
        (self.interrupt)();
    }

    /// Runs a cell.
    pub fn run(&self, cell: Execute) -> Running {
        Running(self.submit(Request::Execute(cell)))
    }

    /// Brings a comm message of the front end.
    pub fn comm(&self, comm: Comm) -> Running {
        Running(self.submit(Request::Comm(comm)))
    }

    /// What could stand at `cursor_pos`, in Unicode code points.
    ///
    /// # Errors
    /// [`OperationError::Failed`] with the guest's own words.
    pub async fn complete(&self, code: &str, cursor_pos: u64) -> Result<Completions, OperationError> {
        match self.ask(Request::Complete { code: code.to_owned(), cursor_pos }).await? {
            Answer::Completions(completions) => Ok(completions),
            _ => Ok(Completions { start: cursor_pos, end: cursor_pos, ..Completions::default() }),
        }
    }

    /// What is known of the object at `cursor_pos`; `detail_level` 1 adds its source.
    ///
    /// # Errors
    /// [`OperationError::Failed`] with the guest's own words.
    pub async fn inspect(
        &self,
        code: &str,
        cursor_pos: u64,
        detail_level: u8,
    ) -> Result<Option<Bundle>, OperationError> {
        let request = Request::Inspect { code: code.to_owned(), cursor_pos, detail_level };
        Ok(if let Answer::Inspection(found) = self.ask(request).await? { found } else { None })
    }

    /// Whether `code` can be run as it is.
    ///
    /// # Errors
    /// [`OperationError::Failed`] with the guest's own words.
    pub async fn is_complete(&self, code: &str) -> Result<Completeness, OperationError> {
        match self.ask(Request::IsComplete { code: code.to_owned() }).await? {
            Answer::Completeness(completeness) => Ok(completeness),
            _ => Ok(Completeness::Unknown),
        }
    }

    /// The user's variables.
    ///
    /// # Errors
    /// [`OperationError::Failed`] with the guest's own words.
    pub async fn variables(&self) -> Result<Vec<Variable>, OperationError> {
        Ok(if let Answer::Variables(variables) = self.ask(Request::Variables).await? { variables } else { Vec::new() })
    }

    async fn ask(&self, request: Request) -> Result<Answer, OperationError> {
        let outcome = Running(self.submit(request)).end().await;
        match outcome.failure {
            None => Ok(outcome.answer),
            Some(failure) if outcome.usage.state == State::Lost => Err(OperationError::Session(failure.text)),
            Some(failure) => Err(OperationError::Failed(failure)),
        }
    }

    /// Goes back by so many cells: memory and files.
    ///
    /// # Errors
    /// [`OperationError::Move`] if there are not so many; then, as always, the session is where it was.
    pub async fn undo(&self, cells: usize) -> Result<Arrival, OperationError> {
        self.go(Move::Undo(cells)).await
    }

    /// Takes an undo back, until something else is run.
    ///
    /// # Errors
    /// As [`Session::undo`].
    pub async fn redo(&self, cells: usize) -> Result<Arrival, OperationError> {
        self.go(Move::Redo(cells)).await
    }

    /// Goes to the state with this name.
    ///
    /// # Errors
    /// [`OperationError::Move`] if there is none.
    pub async fn restore(&self, name: &str) -> Result<Arrival, OperationError> {
        self.go(Move::Restore(name.to_owned())).await
    }

    /// Goes to a state of [`Session::log`].
    ///
    /// # Errors
    /// [`OperationError::Move`] if it is none that can be gone to.
    pub async fn restore_state(&self, state: StateId) -> Result<Arrival, OperationError> {
        self.go(Move::At(state)).await
    }

    /// Begins again with nothing but the files; undo takes it back.
    ///
    /// # Errors
    /// Those of starting a guest.
    pub async fn reset(&self) -> Result<Arrival, OperationError> {
        self.go(Move::Reset).await
    }

    /// Takes up the run that was saved before this one.
    ///
    /// # Errors
    /// [`OperationError::Move`] if there is none.
    pub async fn resume(&self) -> Result<Arrival, OperationError> {
        self.go(Move::Resume).await
    }

    async fn go(&self, to: Move) -> Result<Arrival, OperationError> {
        match self.operate(Operation::Go(to)).await? {
            Operated::Arrived(arrival) => Ok(*arrival),
            _ => Err(OperationError::Gone),
        }
    }

    /// Gives the current state a name.
    ///
    /// # Errors
    /// The store's, or a name that cannot be one.
    pub async fn save(&self, name: &str) -> Result<(), OperationError> {
        self.operate(Operation::Save(name.to_owned())).await.map(drop)
    }

    /// Makes another session that goes on from here; open it by its id.
    ///
    /// # Errors
    /// [`OperationError::NotKept`] of a session that goes with its process, and the store's.
    pub async fn fork(&self, id: SessionId) -> Result<(), OperationError> {
        self.operate(Operation::Fork(vec![id])).await.map(drop)
    }

    /// Makes so many of them, with ids of their own.
    ///
    /// # Errors
    /// As [`Session::fork`]; those that were made before stay.
    pub async fn fork_many(&self, count: usize) -> Result<Vec<SessionId>, OperationError> {
        let ids = std::iter::repeat_with(SessionId::random).take(count).collect();
        match self.operate(Operation::Fork(ids)).await? {
            Operated::Forked(ids) => Ok(ids),
            _ => Err(OperationError::Gone),
        }
    }

    /// How the session stands.
    ///
    /// # Errors
    /// [`OperationError::Gone`].
    pub async fn status(&self) -> Result<Status, OperationError> {
        match self.operate(Operation::Status).await? {
            Operated::Status(status) => Ok(*status),
            _ => Err(OperationError::Gone),
        }
    }

    /// Its past and what was undone of it, oldest first.
    ///
    /// # Errors
    /// [`OperationError::Gone`].
    pub async fn log(&self) -> Result<Vec<LogEntry>, OperationError> {
        match self.operate(Operation::Log).await? {
            Operated::Log(entries) => Ok(entries),
            _ => Err(OperationError::Gone),
        }
    }

    /// The files of the workspace, or those that `pattern` names (`*.csv`, `data/**`), by their paths in order.
    ///
    /// # Errors
    /// [`OperationError::Files`].
    pub async fn list_files(&self, pattern: Option<&str>) -> Result<Vec<Listed>, OperationError> {
        let pattern = pattern.map(str::to_owned);
        match self.operate(Operation::Files(FilesOperation::List { pattern })).await? {
            Operated::Files(files) => Ok(files),
            _ => Err(OperationError::Gone),
        }
    }

    /// The content of a file of at most so many bytes. Its path is relative to the workspace.
    ///
    /// # Errors
    /// [`OperationError::Files`], [`OperationError::TooLarge`].
    pub async fn read_file(&self, path: &str, most: u64) -> Result<Vec<u8>, OperationError> {
        match self.operate(Operation::Files(FilesOperation::Read { path: path.to_owned(), most })).await? {
            Operated::Read(content) => Ok(content),
            _ => Err(OperationError::Gone),
        }
    }

    /// Makes a file, with the directories that it is in. It belongs to the state after the last cell.
    ///
    /// # Errors
    /// [`OperationError::Files`], also if it exists and is not to be overwritten.
    pub async fn write_file(&self, path: &str, content: Vec<u8>, overwrite: bool) -> Result<u64, OperationError> {
        let operation = FilesOperation::Write { path: path.to_owned(), content, overwrite };
        match self.operate(Operation::Files(operation)).await? {
            Operated::Written(bytes) => Ok(bytes),
            _ => Err(OperationError::Gone),
        }
    }

    /// Deletes a file, or, if `recursive`, a directory with all that is in it.
    ///
    /// # Errors
    /// [`OperationError::Files`].
    pub async fn delete_file(&self, path: &str, recursive: bool) -> Result<Deleted, OperationError> {
        let operation = FilesOperation::Delete { path: path.to_owned(), recursive };
        match self.operate(Operation::Files(operation)).await? {
            Operated::Deleted(deleted) => Ok(deleted),
            _ => Err(OperationError::Gone),
        }
    }

    /// Gives the session's memory back. It comes back unnoticed with the next request.
    ///
    /// # Errors
    /// [`OperationError::Gone`].
    pub async fn evict(&self) -> Result<(), OperationError> {
        self.operate(Operation::Evict).await.map(drop)
    }

    /// Waits until all that was asked for before is done and written down.
    ///
    /// # Errors
    /// [`OperationError::Gone`].
    pub async fn wait_until_idle(&self) -> Result<(), OperationError> {
        self.operate(Operation::Settle).await.map(drop)
    }

    /// Puts away what is kept, and lets others have the session. After a `restart` the next one begins afresh.
    pub async fn close(&self, restart: bool) {
        let mut events = self.submit(Request::Close { restart });
        while events.recv().await.is_some() {}
    }

    async fn operate(&self, operation: Operation) -> Result<Operated, OperationError> {
        let (done, answer) = oneshot::channel();
        // A failed send drops `done`.
        let _ = self.jobs.send(Job::Operate { operation, done });
        answer.await.unwrap_or(Err(OperationError::Gone))
    }
}

/// A request that is being served: its events, and at last its outcome.
#[derive(Debug)]
pub struct Running(Events);

impl Running {
    /// The next event; after [`Event::Done`] none. Drop what `permit` it has once it is delivered.
    pub async fn next(&mut self) -> Option<Queued> {
        self.0.recv().await
    }

    /// Waits for the end, and lets all events go that come before it. Whoever is asked for input gets none.
    pub async fn end(mut self) -> Outcome {
        while let Some(queued) = self.0.recv().await {
            if let Event::Done(outcome) = queued.event {
                return *outcome;
            }
        }
        let failure = Failure::of_host("SessionGone", "the session has ended unexpectedly");
        Outcome::failed(failure, Usage { state: State::Lost, ..Usage::default() })
    }
}
