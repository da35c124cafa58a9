//! A session's session: an instance over committed memory. Takes requests as turns, commits after each, and
//! goes back to the last commit when an instance had to be dropped.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::advise::{Shown, advise};
use super::background::Background;
use super::checkpoint::commit::{Files, Kind};
use super::checkpoint::state_meta;
use super::door::contact::Contact;
use super::door::host::{DoorHost, STAND_IN};
use super::event::{Event, Outcome, Queued, State, StreamName, Usage};
use super::handle::Job;
use super::health::{Answer, Health};
use super::journal::{Journal, JournalError};
use super::limits::Limits;
use super::magics::command::Command;
use super::magics::lone_line;
use super::opening::{Found, OpenError, PersistOptions, Resume, Which};
use super::output::grouped;
use super::request::Request;
use super::telemetry::{Observers, Telemetry};
use super::verdict::{self, Verdict};
use super::watcher::Watcher;
use crate::advice::Mount;
use crate::firewall::Firewall;
use crate::language::Language;
use crate::observe::{shown, shown_lines};
use crate::sandbox::{
    Allowance, Code, Edition, End, Facts, Frame, Image, Instance, Interrupter, Overlay, RefusalClass, Sampling,
    WasiConfig,
};
use crate::setup::turn::unhurried;
use crate::store::{Cell, Identity};
use crate::timeline::Move;
use crate::workspace::{Places, Workspace, WorkspaceError};

/// Fuel past the budget in which a cell may render its traceback: a first one takes some 0.3 billion.
const GRACE_FUEL: u64 = 2_000_000_000;
/// A cell that has used this part of its budget is asked now and then which line it is at …
const SAMPLED_FROM: u64 = 4;
/// … so often, if it used all of it.
const SAMPLES: u64 = 100;
/// Characters of a guest's answer that are told, if it is not what it should be.
const MOST_GREETING: usize = 500;
/// From which the generators of a deterministic session are seeded that its image holds.
const FIXED_SEED: [u8; 32] = *b"cellblock, deterministic session";
/// What the host's own requests may take before a session counts as broken.
const OWN_REQUESTS: Duration = Duration::from_secs(60);

/// The world of a session, of its directories for `/app` and `/tmp`.
pub type MakeWasiConfig = dyn Fn(&Path, &Path) -> WasiConfig + Send + Sync;

/// What a new session starts from.
#[derive(Clone)]
pub struct SessionSpec {
    pub code: Code,
    pub image: Arc<Image>,
    /// What the image is, for the sessions that are stored on it.
    pub identity: Identity,
    /// The image's interrupt flag and open files.
    pub facts: Facts,
    /// The world of a session with these directories for `/app` and `/tmp`.
    pub world: Arc<MakeWasiConfig>,
    pub limits: Limits,
    /// What outputs may carry.
    pub firewall: Firewall,
    /// What the guest sees of files, for guidance.
    pub mounts: Vec<Mount>,
    /// What is displayed about cells.
    pub shown: Shown,
    /// Who is told what happens.
    pub observers: Observers,
    /// What its cells are written in.
    pub language: &'static Language,
    /// A deterministic session is told nothing of its process, and takes every cell on a new instance.
    pub edition: Edition,
    /// Variables to set in the guest's environment, from the policy's whitelist.
    pub env: Vec<(String, String)>,
    pub keeping: PersistOptions,
    /// Held as long as the session lives: the lock on what it was made from.
    pub in_use: Arc<dyn std::any::Any + Send + Sync>,
}

/// A session that takes requests.
pub struct LiveSession {
    pub(super) spec: SessionSpec,
    pub(super) world: WasiConfig,
    /// The committed memory; none while the session is evicted.
    pub(super) overlay: Option<Overlay>,
    pub(super) door: Arc<DoorHost>,
    pub(super) instance: Option<Instance>,
    pub(super) workspace: Workspace,
    /// What was true at the last commit.
    pub(super) facts: Facts,
    pub(super) journal: Arc<Journal>,
    pub(super) telemetry: Telemetry,
    /// Whether the session outlives the process.
    pub(super) kept: bool,
    /// What there was before, until it has been said.
    pub(super) found: Found,
    /// Whether the stored session is another image's, of which `%session resume` takes what is portable.
    pub(super) portable: bool,
    /// What else there is to say with the next cell.
    pub(super) notes: Vec<String>,
    /// The cell after which the session is what it is.
    pub(super) last_cell: Cell,
    /// What the guest was told last, as a digest.
    pub(super) told: String,
    /// The number of the last cell that entered the history of a deterministic session.
    pub(super) cells: u32,
    /// How it has answered lately.
    pub(super) health: Health,
    /// What goes on while no request is served.
    pub(super) background: Background,
    /// What it shares with its handle.
    pub(super) contact: Contact,
}

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    #[error("cannot make room for the session's memory: {0}")]
    Memory(#[from] std::io::Error),
    #[error("cannot start the sandbox: {0:#}")]
    Start(wasmtime::Error),
    #[error("the guest did not take the start of a session: {0}")]
    Greeting(String),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl LiveSession {
    /// A session on a warm image: a new one, with fresh randomness, or the stored one that the policy wants.
    ///
    /// # Errors
    /// As [`SessionError`] says.
    pub fn start(spec: SessionSpec, contact: Contact) -> Result<Self, SessionError> {
        let opened = spec.keeping.open(&spec.identity)?;
        let directories = &opened.directories;
        let roots = [("app", directories.app.clone()), ("tmp", directories.tmp.clone())];
        let (blobs, held) = (directories.blobs.clone(), directories.held.clone());
        let mut workspace = Workspace::new(&Places { roots: &roots, blobs, held }, spec.keeping.quota)?;
        let mut world = (spec.world)(&directories.app, &directories.tmp);
        world.watch = Some(Arc::new(Watcher(workspace.tracker().clone())));
        let journal = Arc::new(opened.journal);
        let tracker = workspace.tracker().clone();
        let recorded = journal.with(move |writer| {
            writer.spare_what_is_recorded_by(tracker);
            writer.last_files()
        })?;
        if let Some(recorded) = recorded {
            workspace.take_over(&recorded);
        }
        let is_kept = !matches!(spec.keeping.which, Which::Unkept) && !matches!(opened.found, Found::Unkept(_));
        let (limits, firewall) = (spec.limits.clone(), spec.firewall.clone());
        let door = DoorHost::new(spec.language, limits, firewall, spec.image.size(), journal.clone());
        let is_deterministic = spec.edition == Edition::Deterministic;
        let door = door.with_uuids_only(spec.keeping.only_uuids).of_deterministic(is_deterministic);
        let door = Arc::new(door.with_contact(contact.clone()));
        let portable = matches!(opened.found, Found::OtherBase(_));
        door.offer_portable(portable);
        let overlay = Some(Overlay::new(spec.image.clone())?);
        let facts = spec.facts.clone();
        let telemetry = Telemetry::new(journal.id(), spec.observers.clone());
        let mut session = Self {
            spec,
            world,
            overlay,
            door,
            instance: None,
            workspace,
            facts,
            telemetry,
            journal,
            kept: is_kept,
            portable,
            notes: Vec::new(),
            found: opened.found,
            last_cell: Cell::none(),
            told: String::new(),
            cells: 0,
            health: Health::default(),
            background: Background::default(),
            contact,
        };
        match (&session.found, opened.resume) {
            (Found::Saved(saved), Resume::Always) => {
                let resumed = Found::Resumed(saved.clone());
                session.found = match session.go(Move::Resume) {
                    Ok(_) => resumed,
                    // A notebook has to go on; whoever named a session wants that one.
                    Err(error) if matches!(session.spec.keeping.which, Which::Notebook(_)) => {
                        session.begin()?;
                        Found::Said(format!("the saved session could not be resumed: {error}"))
                    }
                    Err(error) => return Err(error),
                };
            }
            (Found::Saved(_) | Found::OtherBase(_), Resume::Never) => {
                session.found = Found::Nothing;
                session.begin()?;
            }
            (Found::OtherBase(_), Resume::Always) => {
                session.begin()?;
                session.found = Found::Said(match session.go(Move::Resume) {
                    Ok(text) => text,
                    Err(error) => {
                        session.go_back();
                        format!("what is portable of the saved session could not be taken up: {error}")
                    }
                });
            }
            _ => session.begin()?,
        }
        session.note_memory();
        Ok(session)
    }

    /// Begins afresh on the image, and holds that as the first state.
    pub(super) fn begin(&mut self) -> Result<(), SessionError> {
        self.overlay = Some(Overlay::new(self.spec.image.clone())?);
        self.facts = self.spec.facts.clone();
        self.instance = None;
        self.last_cell = Cell::none();
        self.cells = 0;
        self.greet("start", true)?;
        let files = self.all_files();
        self.commit(&Kind::Beginning, files)
    }

    /// Tells the guest what is true of this process: environment, limits, and entropy where it must be fresh.
    pub(super) fn greet(&mut self, op: &str, reseed: bool) -> Result<(), SessionError> {
        let mut seed = FIXED_SEED;
        if !self.is_deterministic() {
            getrandom::fill(&mut seed).map_err(|error| SessionError::Greeting(error.to_string()))?;
        }
        let mut request = self.news();
        let told = state_meta::digest(&request);
        if let Value::Object(request) = &mut request {
            let more = [("op", json!(op)), ("reseed", json!(reseed)), ("seed", json!(hex::encode(seed)))];
            request.extend(more.map(|(name, value)| (name.to_owned(), value)));
        }
        self.ask(Frame::of(request), OWN_REQUESTS)?;
        self.told = told;
        Ok(())
    }

    /// What there is to tell the guest of its process.
    fn news(&self) -> Value {
        let env: serde_json::Map<_, _> =
            self.spec.env.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        json!({"env": env, "recursion_limit": self.spec.limits.recursion})
    }

    /// Whether the guest knows all of it.
    pub(super) fn knows_all(&self) -> bool {
        self.told == state_meta::digest(&self.news())
    }

    pub(super) fn is_deterministic(&self) -> bool {
        self.spec.edition == Edition::Deterministic
    }

    /// Takes out of a request what is not the same in every run, and numbers its cell by the session's own state.
    /// Answers the id that was taken out, and the number if it enters the history.
    fn settle_request(&self, request: &mut Request) -> (Option<String>, Option<u32>) {
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
        (Some(id), (execute.store_history && !execute.silent).then_some(execute.execution_count))
    }

    /// A request of the host's own; the content of the reply and its buffers.
    pub(super) fn ask(&mut self, request: Frame, patience: Duration) -> Result<Frame, SessionError> {
        let (events, _nobody) = tokio::sync::mpsc::unbounded_channel();
        let door = self.door.clone();
        let enter = self.spec.language.entry.turn;
        let instance = self.instance()?;
        door.begin(request, events, false);
        let turn = instance.take_turn(enter, unhurried(patience), &Interrupter::default(), |_| {});
        let served = self.door.collect();
        self.door.end();
        match (&turn.end, served.reply) {
            (End::Returned(0), Some(reply)) if !reply.json.contains_key("ename") => Ok(reply),
            (end, reply) => {
                let text = format!("{end:?}, {:?}", reply.map(|reply| reply.json));
                Err(SessionError::Greeting(shown(&text, MOST_GREETING)))
            }
        }
    }

    /// The running instance; after a drop, a new one on the last commit.
    pub(super) fn instance(&mut self) -> Result<&mut Instance, SessionError> {
        if self.instance.is_none() {
            let memory = usize::try_from(self.spec.limits.memory).unwrap_or(usize::MAX);
            let limit = self.spec.image.size().saturating_add(memory);
            let mapping = self.overlay()?.map(limit)?;
            let instance = Instance::start(&self.spec.code, mapping, &self.facts, &self.world, self.door.clone())
                .map_err(SessionError::Start)?;
            return Ok(self.instance.insert(instance));
        }
        self.instance.as_mut().ok_or_else(|| SessionError::Greeting("no instance".to_owned()))
    }

    /// Serves one job to its end: events, `Done`, and then the commit or the way back.
    pub fn serve(&mut self, job: Job, interrupter: &Interrupter) {
        let Job { mut request, events, submitted } = job;
        if let Request::Close { restart } = request {
            self.save_background();
            self.close(restart);
            return send(&events, done(Outcome::default()));
        }
        interrupter.forget_before(submitted);
        let woken = self.wake();
        if woken.is_ok() {
            self.mind_the_store();
        }
        let (parent, number) = self.settle_request(&mut request);
        let mut kind = Kind::of(&request);
        self.begin_request(&kind);
        let line = match &request {
            Request::Execute(execute) => lone_line::read(execute),
            _ => None,
        };
        let number = number.filter(|_| line.is_none());
        let allow_stdin = matches!(&request, Request::Execute(execute) if execute.allow_stdin);
        let code = match &request {
            Request::Execute(execute) => Some(execute.code.clone()),
            _ => None,
        };
        self.telemetry.begin(&request);
        self.door.begin(request.into_frame(), events.clone(), allow_stdin);
        if let Some(parent) = parent {
            self.door.stand_in(parent);
        }
        if kind.is_shown() {
            self.tell_what_was_found();
        }
        let is_shown = kind.is_shown();
        let mut undone = false;
        let (mut outcome, command) = match (woken, &line) {
            (_, Some(line)) => {
                let (outcome, command) = self.do_line(line, interrupter);
                match &mut kind {
                    // Nothing has happened that there would be to keep.
                    _ if command.is_none() => kind = Kind::Question,
                    Kind::Cell { step, .. } => *step = false,
                    _ => {}
                }
                (outcome, command)
            }
            (Ok(()), None) => {
                let (mut outcome, command, answer) = self.run(interrupter);
                undone = self.mind(&answer, is_shown, &mut outcome);
                (outcome, command.filter(|_| !undone))
            }
            (Err(error), None) => (self.lost(&error), None),
        };
        let early = command.is_some() || self.is_sync();
        let cells = self.cells;
        if let Some(number) = number.filter(|_| outcome.usage.state == State::Kept) {
            self.cells = number;
        }
        let files = match outcome.usage.state {
            State::Kept => self.changed_files(&kind, &mut outcome.usage),
            State::RolledBack | State::Lost => Files::Same,
        };
        if let Some(code) = code {
            self.advise(&code, is_shown, &mut outcome);
        }
        let files = if early && outcome.usage.state == State::Kept {
            self.settle(&kind, files, command, &mut outcome, cells);
            Files::Same
        } else {
            files
        };
        self.check_reply(is_shown, &mut outcome);
        self.door.end();
        self.telemetry.end(&outcome);
        let (state, kind) = (outcome.usage.state, kind.with(&outcome));
        send(&events, done(outcome));
        drop(events);
        match state {
            State::Kept if early => {}
            State::Kept => self.keep(&kind, files),
            State::RolledBack if undone => {}
            State::RolledBack | State::Lost => self.restore(),
        }
        self.telemetry.over();
        self.note_memory();
        self.begin_anew(&kind);
    }

    /// Tells the telemetry how large the session's memory is.
    pub(super) fn note_memory(&mut self) {
        let bytes = self.instance.as_ref().map_or(0, |instance| instance.mapping().size());
        self.telemetry.memory_is(bytes as u64);
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

    /// Commits before the reply, and does what the cell asked of its session. What goes wrong is shown.
    /// In vain asked, the session has as many `cells` as before.
    fn settle(&mut self, kind: &Kind, files: Files, command: Option<Command>, outcome: &mut Outcome, cells: u32) {
        let kind = &kind.clone().with(outcome);
        let is_move = matches!(command, Some(Command::Go(_)));
        let done = match command {
            Some(Command::Go(to)) => self.go(to).map(Some),
            Some(Command::After(after)) => self.commit(kind, files).and_then(|()| self.after(after)).map(Some),
            Some(Command::Tell(_)) | None => self.commit(kind, files).map(|()| None),
        };
        match done {
            Ok(Some(text)) => self.say(StreamName::Stdout, &text),
            Ok(None) => {}
            Err(error) => {
                if is_move {
                    self.cells = cells;
                }
                let text = error.to_string();
                let status = outcome.content.get("status").and_then(Value::as_str);
                if !is_move && status != Some("ok") {
                    // The cell's own error comes first.
                    return self.say(StreamName::Stderr, &text);
                }
                self.door.say(verdict::error("SessionError", &text));
                outcome.content = verdict::failure("SessionError", &text);
            }
        }
    }

    /// Adds what there is to say about a cell, and shows what is to be shown of it.
    fn advise(&mut self, code: &str, shown: bool, outcome: &mut Outcome) {
        let SessionSpec { limits, mounts, shown: wanted, .. } = &self.spec;
        let displays = advise(outcome, code, limits, mounts, *wanted, self.door.fuel_wish());
        if let Some(analysis) = &outcome.usage.fuel_analysis {
            self.door.remember_fuel(analysis.bundle());
        }
        for display in displays.into_iter().filter(|_| shown) {
            self.door.say(display);
        }
    }

    /// Sends the reply through the firewall, and says what was removed of all that the request sent.
    fn check_reply(&self, shown: bool, outcome: &mut Outcome) {
        let (removed, cut) = self.door.check_reply(&mut outcome.content);
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

    fn lost(&self, error: &SessionError) -> Outcome {
        let text = error.to_string();
        self.door.say(verdict::error("SandboxError", &text));
        let usage = Usage { state: State::Lost, ..Usage::default() };
        Outcome { content: verdict::failure("SandboxError", &text), usage, error_facts: None }
    }

    pub(super) fn run(&mut self, interrupter: &Interrupter) -> (Outcome, Option<Command>, Answer) {
        let limits = self.spec.limits.clone();
        let (door, language) = (self.door.clone(), self.spec.language);
        let allowance = Allowance {
            fuel: limits.fuel,
            grace_fuel: GRACE_FUEL,
            time: limits.time,
            grace: limits.grace,
            sampling: Some(Sampling { from: limits.fuel / SAMPLED_FROM, every: limits.fuel / SAMPLES }),
        };
        let instance = match self.instance() {
            Ok(instance) => instance,
            Err(error) => return (self.lost(&error), None, Answer::NotTaken),
        };
        let refused = instance.mapping().refusals();
        door.watch(instance.gauges());
        let turn = instance.take_turn(language.entry.turn, allowance, interrupter, |asked| door.asked(asked));
        let refused = instance.mapping().refusals() - refused;
        let memory = instance.mapping().size();
        let mut served = door.collect();
        self.telemetry.took(turn.time);
        self.telemetry.refused(&served.denials);
        let (cut, command, taken) = (served.cut, served.command.take(), served.taken);
        let [served_name, served_text] = ["ename", "evalue"].map(|key| {
            let found = served.reply.as_ref().and_then(|reply| reply.json.get(key)?.as_str().map(str::to_owned));
            found.unwrap_or_default()
        });
        let Verdict { mut content, error, reason, state } = verdict::judge(&turn, served, language, &limits, refused);
        if let Some(reason) = reason.filter(|_| state != State::Kept) {
            let detail = if let End::Trapped(trap) = &turn.end { trap.lines().next() } else { None };
            self.telemetry.stopped(reason, detail);
        }
        if let Some(error) = error {
            door.say(error);
        }
        if let Some(Value::Array(traceback)) = content.get_mut("traceback").filter(|_| state == State::Kept) {
            traceback.extend(door.limit_note(&served_name, &served_text).map(Value::String));
        }
        let error_facts = content.remove("facts");
        let pending = content.remove("background");
        if state == State::Kept {
            self.note_background(pending.as_ref());
        }
        let answer = Answer::of(&turn, taken, &mut content, state);
        let usage = Usage {
            fuel_consumed: turn.fuel,
            duration_ms: u64::try_from(turn.time.as_millis()).unwrap_or(u64::MAX),
            memory_used_bytes: memory as u64,
            trap_reason: reason,
            state,
            stdout_truncated: cut.0,
            stderr_truncated: cut.1,
            exit_code: match turn.end {
                End::Exited(code) => Some(code),
                _ => None,
            },
            ..Usage::default()
        };
        (Outcome { content, usage, error_facts }, command, answer)
    }

    pub(super) fn overlay(&mut self) -> Result<&mut Overlay, SessionError> {
        self.overlay.as_mut().ok_or_else(|| SessionError::Greeting("the session's memory is not there".to_owned()))
    }
}

fn done(outcome: Outcome) -> Event {
    Event::Done(Box::new(outcome))
}

fn send(events: &tokio::sync::mpsc::UnboundedSender<Queued>, event: Event) {
    // Nobody listens any more if the face is gone.
    let _ = events.send(Queued::of(event));
}
