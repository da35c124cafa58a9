//! Serving one job, in phases: it is prepared, run, judged, reported and settled, and then answered. What the guest did
//! becomes the session's state after that, or is taken back.

use std::time::Instant;

use super::advise::advise;
use super::answer::{Answer, Failure};
use super::checkpoint::commit::{Files, Kind};
use super::door::host::STAND_IN;
use super::door::reply::Report;
use super::event::{Event, Outcome, Queued, State, StreamName, Usage};
use super::health::Answered;
use super::live::{LiveSession, SessionError, SessionSpec};
use super::magics::command::{After, Command};
use super::magics::lone_line::{self, LoneLine};
use super::magics::text;
use super::operation::OperationError;
use super::output::grouped;
use super::request::{Execute, Request};
use super::verdict::{self, Verdict};
use crate::observe::shown_lines;
use crate::sandbox::{Allowance, End, Interrupter, RefusalClass, Sampling};

/// Fuel past the budget in which a cell may render its traceback: a first one takes some 0.3 billion.
const GRACE_FUEL: u64 = 2_000_000_000;
/// A cell that has used this part of its budget is asked now and then which line it is at …
const SAMPLED_FROM: u64 = 4;
/// … so often, if it used all of it.
const SAMPLES: u64 = 100;

/// Where a request's events go.
pub type Sink = tokio::sync::mpsc::UnboundedSender<Queued>;

/// A request that was prepared: what it is to the session, and what of it has to be known when it has ended.
struct Prepared {
    kind: Kind,
    /// The source, of a cell.
    code: Option<String>,
    /// A cell that is one `%session` line, which the host does itself.
    line: Option<LoneLine>,
    /// The number that a cell of a deterministic session enters the history with.
    number: Option<u32>,
    /// That of the last one before.
    cells: u32,
    /// Whether somebody sees what is shown.
    is_shown: bool,
    /// Whether a failure that the guest has not shown is shown for it.
    shows_failures: bool,
}

/// What running a request came to.
pub(super) struct Ran {
    pub(super) outcome: Outcome,
    /// What the guest said of its work.
    report: Report,
    /// What is to be done with the session now.
    command: Option<Command>,
    /// How the guest answered.
    answered: Answered,
    /// Whether a broken session was put back in place of the request.
    undone: bool,
}

impl Ran {
    fn of(outcome: Outcome, command: Option<Command>, answered: Answered) -> Self {
        Self { outcome, report: Report::default(), command, answered, undone: false }
    }
}

impl LiveSession {
    /// Serves one job to its end: events, `Done`, and then the commit or the way back.
    pub fn serve(&mut self, request: Request, events: Sink, submitted: Instant, interrupter: &Interrupter) {
        if let Request::Close { restart } = request {
            self.save_background();
            self.close(restart);
            return end(&events, Outcome::default());
        }
        interrupter.forget_before(submitted);
        let woken = self.wake();
        if woken.is_ok() {
            self.mind_the_store();
        }
        let mut prepared = self.prepare(request, &events);
        let mut ran = match (woken, &prepared.line) {
            (_, Some(line)) => self.run_line(line, &mut prepared.kind, interrupter),
            (Ok(()), None) => self.run_and_mind(prepared.is_shown, interrupter),
            (Err(error), None) => Ran::of(self.lost(&error), None, Answered::NotTaken),
        };
        if prepared.shows_failures {
            self.show_failure(&ran.outcome);
        }
        let files = self.report(&prepared, &mut ran);
        let settled = self.settle(&prepared, files, &mut ran);
        self.check_answer(prepared.is_shown, &mut ran.outcome);
        self.door.end();
        self.telemetry.end(&ran.outcome);
        let (state, kind) = (ran.outcome.usage.state, prepared.kind.with(&ran.outcome));
        end(&events, ran.outcome);
        drop(events);
        match (state, settled) {
            (State::Kept, Settled::Already) => {}
            (State::Kept, Settled::Not(files)) => self.keep(&kind, files),
            (State::RolledBack, _) if ran.undone => {}
            (State::RolledBack | State::Lost, _) => self.restore(),
        }
        self.telemetry.over();
        self.note_memory();
        self.begin_anew(&kind);
    }

    /// Puts the request before the guest, and says what there is to say before its own output.
    fn prepare(&mut self, mut request: Request, events: &Sink) -> Prepared {
        let (parent, number) = self.make_deterministic(&mut request);
        let kind = Kind::of(&request);
        self.begin_request(&kind);
        let execute = if let Request::Execute(execute) = &request { Some(execute) } else { None };
        let line = execute.and_then(lone_line::read);
        let number = number.filter(|_| line.is_none());
        let allow_stdin = execute.is_some_and(|execute| execute.allow_stdin);
        let code = execute.map(|execute| execute.code.clone());
        self.telemetry.begin(&request);
        self.door.begin(request.into_frame(), events.clone(), allow_stdin);
        if let Some(parent) = parent {
            self.door.stand_in(parent);
        }
        if kind.is_shown() {
            self.tell_what_was_found();
        }
        let (is_shown, shows_failures) = (kind.is_shown(), kind.shows_failures());
        Prepared { kind, code, line, number, cells: self.cells, is_shown, shows_failures }
    }

    /// Takes out of a request what is not the same in every run, and numbers its cell by the session's own state.
    /// Answers the id that was taken out, and the number if it enters the history.
    fn make_deterministic(&self, request: &mut Request) -> (Option<String>, Option<u32>) {
        if !self.is_deterministic() {
            return (None, None);
        }
        if let Request::Comm(comm) = request {
            comm.parent_id.clear();
        }
        let Request::Execute(execute) = request else { return (None, None) };
        execute.cell_id = None;
        execute.execution_count = self.cells.saturating_add(1);
        let id = std::mem::replace(&mut execute.parent_id, STAND_IN.to_owned());
        let Execute { store_history, silent, execution_count, .. } = execute;
        (Some(id), (*store_history && !*silent).then_some(*execution_count))
    }

    /// Does a cell that is one `%session` line.
    fn run_line(&self, line: &LoneLine, kind: &mut Kind, interrupter: &Interrupter) -> Ran {
        let (outcome, command) = self.do_line(line, interrupter);
        match kind {
            // Nothing has happened that there would be to keep.
            _ if command.is_none() => *kind = Kind::Question,
            Kind::Cell { step, .. } => *step = false,
            _ => {}
        }
        Ran::of(outcome, command, Answered::Given)
    }

    /// Runs the request, and looks after a session that does not answer.
    fn run_and_mind(&mut self, is_shown: bool, interrupter: &Interrupter) -> Ran {
        let mut ran = self.run(interrupter);
        ran.undone = self.mind(&ran.answered, is_shown, &mut ran.outcome);
        if ran.undone {
            ran.command = None;
        }
        ran
    }

    /// Runs the request that is at the door, and judges how it ended.
    pub(super) fn run(&mut self, interrupter: &Interrupter) -> Ran {
        let limits = self.spec.limits.clone();
        let allowance = Allowance {
            fuel: limits.fuel,
            grace_fuel: GRACE_FUEL,
            time: limits.time,
            grace: limits.grace,
            sampling: Some(Sampling { from: limits.fuel / SAMPLED_FROM, every: limits.fuel / SAMPLES }),
        };
        let (door, language) = (self.door.clone(), self.spec.language);
        let instance = match self.instance() {
            Ok(instance) => instance,
            Err(error) => return Ran::of(self.lost(&error), None, Answered::NotTaken),
        };
        let refused = instance.mapping().refusals();
        door.watch(instance.gauges());
        let turn = instance.take_turn(language.entry.turn, allowance, interrupter);
        let refused = instance.mapping().refusals() - refused;
        let memory = instance.mapping().size();
        let mut served = door.collect();
        self.telemetry.took(turn.time);
        self.telemetry.refused(&served.denials);
        let (taken, cut, command) = (served.taken, served.cut, served.command.take());
        let Verdict { failure, is_host_s, answer, report, reason, state, task } =
            verdict::judge(&turn, served, language, &limits, refused);
        if let Some(reason) = reason.filter(|_| state != State::Kept) {
            let detail = if let End::Trapped(trap) = &turn.end { trap.lines().next() } else { None };
            self.telemetry.stopped(reason, detail);
        }
        if let Some(failure) = failure.as_ref().filter(|_| is_host_s) {
            let error = Event::Error(failure.clone());
            match &task {
                Some(task) => door.say_of(task, error),
                None => door.say(error),
            }
        }
        if state == State::Kept {
            self.note_background(report.due_in);
        }
        let answered = Answered::of(&turn, taken, report.stuck.clone(), state);
        let usage = Usage {
            fuel_consumed: turn.fuel,
            duration_ms: u64::try_from(turn.time.as_millis()).unwrap_or(u64::MAX),
            memory_used_bytes: memory as u64,
            trap_reason: reason,
            state,
            stdout_truncated: cut.0,
            stderr_truncated: cut.1,
            exit_code: if let End::Exited(code) = turn.end { Some(code) } else { None },
            ..Usage::default()
        };
        let outcome = Outcome { failure, answer, usage };
        Ran { outcome, report, command, answered, undone: false }
    }

    /// A failure that the guest has not shown is shown here, so that whoever sees the outputs sees it.
    fn show_failure(&self, outcome: &Outcome) {
        if let Some(failure) = outcome.failure.as_ref().filter(|_| !self.door.has_shown_error()) {
            self.door.show_failure(failure);
        }
    }

    /// Says what there is to say of what ran: which files it changed, what its fuel went into, what to do about an error.
    /// Answers the files, for the commit.
    fn report(&mut self, prepared: &Prepared, ran: &mut Ran) -> Files {
        let is_kept = ran.outcome.usage.state == State::Kept;
        let files = if is_kept { self.changed_files(&prepared.kind, &mut ran.outcome.usage) } else { Files::Same };
        if let Some(code) = &prepared.code {
            let report = std::mem::take(&mut ran.report);
            self.advise(code, report, prepared.is_shown, &mut ran.outcome);
        }
        // What comes now may fail, and then has the number that this cell would have had.
        if let Some(number) = prepared.number.filter(|_| is_kept) {
            self.cells = number;
        }
        files
    }

    /// Commits before the answer, where that must be, and does what the cell asked of its session. What goes wrong is shown.
    fn settle(&mut self, prepared: &Prepared, files: Files, ran: &mut Ran) -> Settled {
        let is_early = ran.command.is_some() || self.is_sync();
        if !is_early || ran.outcome.usage.state != State::Kept {
            return Settled::Not(files);
        }
        let kind = &prepared.kind.clone().with(&ran.outcome);
        let is_move = matches!(ran.command, Some(Command::Go(_)));
        let done = match ran.command.take() {
            Some(Command::Go(to)) => self
                .go(to.clone())
                .map_err(OperationError::from)
                .map(|arrival| Some(text::arrival(&to, &arrival, self.journal.id(), self.kept))),
            Some(Command::After(after)) => {
                self.commit(kind, files).map_err(OperationError::from).and_then(|()| self.after(after)).map(Some)
            }
            Some(Command::Tell(_)) | None => self.commit(kind, files).map_err(OperationError::from).map(|()| None),
        };
        match done {
            Ok(Some(text)) => self.say(StreamName::Stdout, &text),
            Ok(None) => {}
            Err(error) => {
                if is_move {
                    self.cells = prepared.cells;
                }
                let text = error.to_string();
                if !is_move && ran.outcome.failure.is_some() {
                    // The cell's own error comes first.
                    self.say(StreamName::Stderr, &text);
                } else {
                    self.fail(&mut ran.outcome, Failure::of_host("SessionError", &text));
                }
            }
        }
        Settled::Already
    }

    /// Does what `%session` asked for, now that its cell is committed; what to say of it.
    fn after(&mut self, after: After) -> Result<String, OperationError> {
        Ok(match after {
            After::Save(name) => self.save(&name).map(|()| text::saved(&name))?,
            After::Fork(id) => self.fork(&id).map(|()| text::forked(&id))?,
        })
    }

    /// The request has failed, on the host's side.
    fn fail(&self, outcome: &mut Outcome, failure: Failure) {
        self.door.say(Event::Error(failure.clone()));
        (outcome.failure, outcome.answer) = (Some(failure), Answer::None);
    }

    /// Adds what there is to say about a cell, and shows what is to be shown of it.
    fn advise(&mut self, code: &str, report: Report, shown: bool, outcome: &mut Outcome) {
        let SessionSpec { limits, mounts, shown: wanted, .. } = &self.spec;
        let displays = advise(outcome, report, code, limits, mounts, *wanted, self.door.fuel_wish());
        if let Some(analysis) = &outcome.usage.fuel_analysis {
            self.door.remember_fuel(analysis.bundle());
        }
        for display in displays.into_iter().filter(|_| shown) {
            self.door.say(display);
        }
    }

    /// Sends the answer through the firewall, and says what was removed of all that the request sent.
    fn check_answer(&self, shown: bool, outcome: &mut Outcome) {
        let (removed, cut) = self.door.check_answer(&mut outcome.failure, &mut outcome.answer);
        if let Some((limit, key)) = cut {
            self.telemetry.refused(&[(RefusalClass::Limit, key, 1)]);
            if shown {
                let limit = grouped(limit);
                let text = format!("the reply was cut at {limit} bytes; `{key}` in the policy raises the limit");
                self.say(StreamName::Stderr, &text);
            }
        }
        outcome.usage.outputs_removed = removed.counts().collect();
        if let Some(text) = removed.sentence().filter(|_| shown) {
            self.say(StreamName::Stderr, &text);
            outcome.usage.removal_notice = Some(text);
        }
    }

    /// Says something of the host's own in the cell's output.
    pub(super) fn say(&self, name: StreamName, text: &str) {
        self.door.say(Event::Stream { name, text: format!("[cellblock] {}\n", shown_lines(text)) });
    }

    /// The request could not be run: there is no guest.
    fn lost(&self, error: &SessionError) -> Outcome {
        let failure = Failure::of_host("SandboxError", &error.to_string());
        self.door.say(Event::Error(failure.clone()));
        Outcome::failed(failure, Usage { state: State::Lost, ..Usage::default() })
    }

    /// In a deterministic session nothing of an instance stays for the next cell: then it makes no difference whether
    /// there was another one in between, or only a question.
    fn begin_anew(&mut self, kind: &Kind) {
        if !self.is_deterministic() {
            return;
        }
        match kind {
            Kind::Question => self.go_back(),
            _ => self.instance = None,
        }
    }
}

/// Whether what a request did is the session's state already.
enum Settled {
    Already,
    /// Not yet, with these files.
    Not(Files),
}

/// Answers a request. Nobody listens any more if the face is gone.
fn end(events: &Sink, outcome: Outcome) {
    let _ = events.send(Queued::of(Event::Done(Box::new(outcome))));
}
