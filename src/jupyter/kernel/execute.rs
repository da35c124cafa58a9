//! `execute_request`: counting, aborting, waiting for the session, running, replying.

use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Exit;
use super::answers;
use super::envelope::{Channel, Envelope};
use super::events::{Relayed, Stdin, relay};
use super::shell::Shell;
use super::startup::SessionState;
use crate::jupyter::wire::contents::execute::{ExecuteInput, ExecuteRequest};
use crate::jupyter::wire::contents::output::ClearOutput;
use crate::language::Language;
use crate::session::{Answer, CellAnswer, Execute, Failure, Leave, Outcome, Request, Session, Usage};

/// How long a reply waits for the cell's output to be on the wire when no client reads it.
const SETTLE_AT_MOST: Duration = Duration::from_secs(1);

impl Shell {
    /// Serves a request to run code; says whether the code asked the kernel to end.
    pub(super) async fn execute(&mut self, envelope: &Envelope, number: u64) -> Option<Exit> {
        let started = chrono::Utc::now();
        let asked = self.content::<ExecuteRequest>(envelope)?;
        // What came on control is not among the cells that a failing one takes with it.
        if number <= self.abort_through && envelope.channel == Channel::Shell {
            self.abort(envelope, started);
            return None;
        }
        let count = self.begin(envelope, &asked).await;
        let stops_on_error = asked.stops_on_error();
        let silent = asked.silent;
        let mut relayed = match self.session(envelope).await {
            Ok(session) => self.run_cell(envelope, &session, asked, count).await,
            Err(refusal) => Relayed::refused(Outcome::failed(refusal.into_failure(self.language), Usage::default())),
        };
        if !silent {
            self.show_host_s_failure(envelope, &relayed).await;
        }
        if let Some(text) = relayed.seen.result_text.take() {
            self.history.record_output(count, text);
        }
        let exit = self.finish(envelope, started, stops_on_error, relayed).await;
        exit.then_some(Exit::AskedByGuest)
    }

    /// Counts the cell and shows it to every client; its number is the count that it has, or would
    /// have if it entered the history.
    async fn begin(&mut self, envelope: &Envelope, asked: &ExecuteRequest) -> u32 {
        let count = self.execution_count.saturating_add(1);
        if asked.stores_history() {
            self.execution_count = count;
            self.history.record_input(count, &asked.code);
        }
        if !asked.silent {
            let input = ExecuteInput { code: &asked.code, execution_count: count };
            self.iopub.send(envelope.header(), "execute_input", &input).await;
        }
        count
    }

    async fn run_cell(&mut self, envelope: &Envelope, session: &Session, asked: ExecuteRequest, count: u32) -> Relayed {
        let store_history = asked.stores_history();
        let stdin = if asked.allow_stdin { Stdin::Ask(&self.prompter) } else { Stdin::Closed };
        let cell_id = envelope.request.metadata.get("cellId").and_then(Value::as_str).map(str::to_owned);
        let request = Request::Execute(Execute {
            code: asked.code,
            silent: asked.silent,
            store_history,
            user_expressions: asked.user_expressions,
            allow_stdin: asked.allow_stdin,
            execution_count: count,
            cell_id,
            parent_id: envelope.header().msg_id.clone(),
        });
        let events = session.submit(request);
        if self.interrupted_since_busy() {
            session.interrupt();
        }
        let cell = relay(events, envelope, count, &self.iopub, &self.parents, stdin);
        self.pending.while_running(session.contact(), cell).await
    }

    fn interrupted_since_busy(&self) -> bool {
        self.gate.interrupts() != self.interrupts_before
    }

    /// Replies, after everything that the cell showed. Returns whether the code asked to exit.
    async fn finish(
        &mut self,
        envelope: &Envelope,
        started: chrono::DateTime<chrono::Utc>,
        stops_on_error: bool,
        relayed: Relayed,
    ) -> bool {
        let mut metadata = self.metadata(started);
        let outcome = relayed.outcome;
        metadata.insert("cellblock".to_owned(), json!(outcome.usage));
        let exits = matches!(&outcome.answer, Answer::Cell(CellAnswer { leaves: Some(Leave { keep: false }), .. }));
        let content = answers::executed(outcome, self.execution_count);
        let status = content.get("status").cloned().unwrap_or(Value::Null);
        if status == "error" && stops_on_error {
            self.abort_through = self.last_queued.load(Ordering::SeqCst);
        }
        metadata.insert("status".to_owned(), status);
        // Bounded, because a client that has stopped reading its outputs still gets its reply.
        let _ = tokio::time::timeout(SETTLE_AT_MOST, self.iopub.settle()).await;
        self.replies.send_with_metadata(envelope, &metadata, &content);
        exits
    }

    /// Answers a request that is not run because one before it failed.
    fn abort(&self, envelope: &Envelope, started: chrono::DateTime<chrono::Utc>) {
        let mut metadata = self.metadata(started);
        metadata.insert("status".to_owned(), "aborted".into());
        let failure = Failure::of_host("ExecutionAborted", "not run, because a cell before it failed");
        let outcome = Outcome::failed(failure.without_traceback(), Usage::default());
        let content = answers::executed(outcome, self.execution_count);
        self.replies.send_with_metadata(envelope, &metadata, &content);
    }

    /// What ipykernel puts into the metadata of its replies.
    fn metadata(&self, started: chrono::DateTime<chrono::Utc>) -> Map<String, Value> {
        let started = started.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        Map::from_iter([
            ("started".to_owned(), started.into()),
            ("dependencies_met".to_owned(), true.into()),
            ("engine".to_owned(), self.replies.engine().into()),
        ])
    }

    /// The session; while it is being set up the cell waits and shows how far that is.
    async fn session(&mut self, envelope: &Envelope) -> Result<Session, Refusal> {
        let state = match self.gate.state() {
            SessionState::Starting => self.wait_for_session(envelope).await?,
            state => state,
        };
        match state {
            SessionState::Ready(session) => Ok(session),
            SessionState::Failed(reason) => Err(Refusal::SetupFailed(reason.to_string())),
            SessionState::Starting => Err(Refusal::Interrupted),
        }
    }

    async fn wait_for_session(&mut self, envelope: &Envelope) -> Result<SessionState, Refusal> {
        let interruption = self.gate.interruption();
        tokio::pin!(interruption);
        if self.interrupted_since_busy() {
            return Err(Refusal::Interrupted);
        }
        let mut gate = self.gate.clone();
        let opened = gate.opened();
        tokio::pin!(opened);
        let mut shown = false;
        let state = loop {
            tokio::select! {
                biased;
                () = &mut interruption => return Err(Refusal::Interrupted),
                Some(text) = self.progress.recv() => {
                    shown = true;
                    self.iopub.stream(envelope.header(), "stdout", &text).await;
                }
                state = &mut opened => break state,
            }
        };
        if shown && matches!(state, SessionState::Ready(_)) {
            // The progress is no part of what the cell shows.
            self.iopub.send(envelope.header(), "clear_output", &ClearOutput { wait: false }).await;
        }
        Ok(state)
    }
}

/// Why a cell could not be given to a session.
enum Refusal {
    Interrupted,
    SetupFailed(String),
}

impl Refusal {
    fn into_failure(self, language: &Language) -> Failure {
        match self {
            Self::Interrupted => {
                Failure::of_host(language.exceptions.interrupted, "interrupted while the sandbox was being set up")
            }
            Self::SetupFailed(reason) => Failure::of_host("SandboxUnavailable", &reason),
        }
    }
}
