//! What is logged and counted of a session: the one place where its events and metrics come from. Knows what
//! happened, never what a cell printed.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::event::{Outcome, State, TrapReason};
use super::request::{Execute, Request};
use crate::observe::{
    CallRefused, CellEnd, ExecutionComplete, ExecutionStart, FrameRefused, GuestStopped, LimitReached, Metrics,
    OutputRemoved, SessionCommitted, SessionEvicted, SessionForked, SessionRedone, SessionReset, SessionRestored,
    SessionResumed, SessionRolledBack, SessionSaved, SessionUndone, Source, Step, exception_name,
};
use crate::sandbox::{Committed, RefusalClass};
use crate::store::{Cell, SessionId};
use crate::timeline::Move;

/// What was refused in a request: its sort, its name, and how often.
pub type Denial = (RefusalClass, &'static str, u64);

/// Where what is seen of a session goes.
#[derive(Debug, Clone, Default)]
pub struct Observers {
    /// The process's counters.
    pub metrics: Arc<Metrics>,
    /// Whether the log carries the source of cells (`log.code`).
    pub with_code: bool,
}

/// What is told of one session.
#[derive(Debug)]
pub struct Telemetry {
    session: String,
    observers: Observers,
    /// The cell that is being run, committed or undone.
    running: Option<Running>,
    /// Bytes that the metrics have of this session's memory.
    memory: u64,
}

/// A cell that was begun.
#[derive(Debug)]
struct Running {
    code: String,
    number: Option<u64>,
    duration: Duration,
}

/// The SHA-256 of a cell's source, in hexadecimal.
pub fn code_hash(code: &str) -> String {
    hex::encode(Sha256::digest(code.as_bytes()))
}

/// The hash of a state's cell; none before the first.
fn hash_of(cell: &Cell) -> Option<&str> {
    Some(&*cell.code_sha256).filter(|hash| !hash.is_empty())
}

impl Telemetry {
    /// That of a session in which nothing has happened yet.
    pub fn new(session: &SessionId, observers: Observers) -> Self {
        Self { session: session.to_string(), observers, running: None, memory: 0 }
    }

    /// A request is about to be served.
    pub fn begin(&mut self, request: &Request) {
        self.running = match request {
            Request::Execute(execute) => Some(self.begin_cell(execute)),
            _ => None,
        };
    }

    fn begin_cell(&self, execute: &Execute) -> Running {
        let code = code_hash(&execute.code);
        let number = (!execute.silent).then_some(u64::from(execute.execution_count));
        self.observers.metrics.cell_started();
        ExecutionStart {
            session: &self.session,
            code: &code,
            number,
            bytes: execute.code.len() as u64,
            source: self.observers.with_code.then_some(Source(&execute.code)),
        }
        .log();
        Running { code, number, duration: Duration::ZERO }
    }

    /// The guest's turn took so long.
    pub fn took(&mut self, duration: Duration) {
        if let Some(running) = &mut self.running {
            running.duration = duration;
        }
    }

    /// The sandbox refused something while the request was served.
    pub fn refused(&self, denials: &[Denial]) {
        let (session, code) = (&*self.session, self.code());
        for &(class, name, times) in denials {
            self.observers.metrics.refused(name, times);
            match class {
                RefusalClass::Limit => LimitReached { session, code, key: name, times }.log(),
                RefusalClass::Call => CallRefused { session, code, call: name, times }.log(),
                RefusalClass::Frame => FrameRefused { session, code, times }.log(),
            }
        }
    }

    /// The firewall took something out of the request's outputs: names and numbers, as in the usage.
    fn removed(&self, counts: impl IntoIterator<Item = (&'static str, u32)>) {
        for (kind, times) in counts {
            self.observers.metrics.removed([(kind, times)]);
            OutputRemoved { session: &self.session, code: self.code(), kind, times: times.into() }.log();
        }
    }

    /// The instance had to be dropped.
    pub fn stopped(&self, reason: TrapReason, detail: Option<&str>) {
        let reason = reason.as_str();
        GuestStopped { session: &self.session, code: self.code(), reason, detail }.log();
    }

    /// The request has ended, and is about to be answered.
    pub fn end(&mut self, outcome: &Outcome) {
        let usage = &outcome.usage;
        if usage.state != State::Lost {
            self.memory_is(usage.memory_used_bytes);
        }
        self.removed(usage.outputs_removed.iter().map(|(kind, times)| (*kind, *times)));
        let Some(running) = &self.running else { return };
        let limits = [
            (usage.trap_reason == Some(TrapReason::OutOfFuel), "fuel_budget"),
            (usage.trap_reason == Some(TrapReason::Timeout), "timeout_seconds"),
            (usage.stdout_truncated, "stdout_max_bytes"),
            (usage.stderr_truncated, "stderr_max_bytes"),
        ];
        for (_, key) in limits.into_iter().filter(|(reached, _)| *reached) {
            self.refused(&[(RefusalClass::Limit, key, 1)]);
        }
        let error = outcome.failure.as_ref().map(|failure| exception_name(&failure.name));
        let trap_reason = usage.trap_reason.map(TrapReason::as_str);
        let duration = running.duration;
        self.observers.metrics.cell_ended(&CellEnd { error, trap_reason, duration, fuel: usage.fuel_consumed });
        ExecutionComplete {
            session: &self.session,
            code: &running.code,
            number: running.number,
            status: if error.is_some() { "error" } else { "ok" },
            error,
            trap_reason,
            state: usage.state.as_str(),
            fuel: usage.fuel_consumed,
            duration_ms: usage.duration_ms,
            memory_bytes: usage.memory_used_bytes,
            files_created: usage.files_created.len() as u64,
            files_modified: usage.files_modified.len() as u64,
            files_deleted: usage.files_deleted.len() as u64,
        }
        .log();
    }

    /// Whatever happens from now on comes of no request.
    pub fn over(&mut self) {
        self.running = None;
    }

    /// What the last request did is the session's state, which is that of `cell`.
    pub fn committed(&self, cell: &Cell, committed: &Committed, took: Duration) {
        self.observers.metrics.step(Step::Commit);
        SessionCommitted {
            session: &self.session,
            code: hash_of(cell),
            fuel: cell.fuel,
            duration_ms: cell.duration_ms,
            pages: committed.pages as u64,
            bytes: committed.bytes as u64,
            commit_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        }
        .log();
    }

    /// The session is what it was after `cell`, of which the last request's is none.
    pub fn rolled_back(&self, cell: &Cell) {
        self.observers.metrics.step(Step::Rollback);
        SessionRolledBack { session: &self.session, code: self.code(), to: hash_of(cell) }.log();
    }

    /// The session went to the state after `cell`.
    pub fn moved(&self, by: &Move, cell: &Cell) {
        let (session, to) = (&*self.session, hash_of(cell));
        let step = match by {
            Move::Undo(steps) => {
                SessionUndone { session, steps: *steps as u64, to }.log();
                Step::Undo
            }
            Move::Redo(steps) => {
                SessionRedone { session, steps: *steps as u64, to }.log();
                Step::Redo
            }
            Move::Resume => {
                SessionResumed { session, to, portable: false }.log();
                Step::Resume
            }
            Move::Restore(_) | Move::At(_) => {
                SessionRestored { session, to }.log();
                Step::Restore
            }
            Move::Reset | Move::Fresh => {
                SessionReset { session }.log();
                Step::Reset
            }
        };
        self.observers.metrics.step(step);
    }

    /// What was pickled of a session goes on, after `cell`.
    pub fn took_up(&self, cell: &Cell) {
        self.observers.metrics.step(Step::Resume);
        SessionResumed { session: &self.session, to: hash_of(cell), portable: true }.log();
    }

    /// The state has a name now.
    pub fn saved(&self, name: &str) {
        self.observers.metrics.step(Step::Save);
        SessionSaved { session: &self.session, name }.log();
    }

    /// There is another session like this one.
    pub fn forked(&self, fork: &SessionId) {
        self.observers.metrics.step(Step::Fork);
        SessionForked { session: &self.session, fork: fork.as_str() }.log();
    }

    /// The session gave its memory back.
    pub fn evicted(&mut self) {
        self.memory_is(0);
        self.observers.metrics.step(Step::Eviction);
        SessionEvicted { session: &self.session }.log();
    }

    /// So many bytes has the session's memory.
    pub fn memory_is(&mut self, bytes: u64) {
        self.observers.metrics.memory_changed(self.memory, bytes);
        self.memory = bytes;
    }

    fn code(&self) -> Option<&str> {
        self.running.as_ref().map(|running| &*running.code)
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.memory_is(0);
    }
}
