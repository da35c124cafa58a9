//! A session's guest: an instance over committed memory. Takes requests as turns, commits after each, and
//! goes back to the last commit when an instance had to be dropped.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::account::{Account, Observers};
use super::advise::{Shown, advise};
use super::background::Background;
use super::commands::Command;
use super::commit::{Files, Kind};
use super::contact::Contact;
use super::desk::{Desk, STAND_IN};
use super::event::{Event, Outcome, Queued, State, StreamName, Usage};
use super::handle::Job;
use super::health::{Answer, Health};
use super::journal::{Journal, JournalError};
use super::limits::Limits;
use super::lone_command;
use super::opening::{Found, Keeping, OpenError, Resume, Which};
use super::output::grouped;
use super::recorded;
use super::request::Request;
use super::store::{Cell, Identity};
use super::timeline::Move;
use super::verdict::{self, Verdict};
use super::watcher::Watcher;
use super::workspace::{Places, Workspace, WorkspaceError};
use crate::advice::Mount;
use crate::firewall::Firewall;
use crate::observe::{shown, shown_lines};
use crate::runtime::turn::{TURN, unhurried};
use crate::sandbox::{
    Allowance, Code, Edition, End, Facts, Frame, Image, Instance, Interrupter, Overlay, RefusalClass, Sampling, World,
};

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
pub type MakeWorld = dyn Fn(&Path, &Path) -> World + Send + Sync;

/// What a new session starts from.
#[derive(Clone)]
pub struct Origin {
    pub code: Code,
    pub image: Arc<Image>,
    /// What the image is, for the sessions that are stored on it.
    pub identity: Identity,
    /// The image's interrupt flag and open files.
    pub facts: Facts,
    /// The world of a session with these directories for `/app` and `/tmp`.
    pub world: Arc<MakeWorld>,
    pub limits: Limits,
    /// What outputs may carry.
    pub firewall: Firewall,
    /// What the guest sees of files, for guidance.
    pub mounts: Vec<Mount>,
    /// What is displayed about cells.
    pub shown: Shown,
    /// Who is told what happens.
    pub observers: Observers,
    /// A deterministic session is told nothing of its process, and takes every cell on a new instance.
    pub edition: Edition,
    /// Variables to set in the guest's environment, from the policy's whitelist.
    pub env: Vec<(String, String)>,
    pub keeping: Keeping,
    /// Held as long as the session lives: the lock on what it was made from.
    pub in_use: Arc<dyn std::any::Any + Send + Sync>,
}

/// A session that takes requests.
pub struct Guest {
    pub(super) origin: Origin,
    pub(super) world: World,
    /// The committed memory; none while the session is evicted.
    pub(super) overlay: Option<Overlay>,
    pub(super) desk: Arc<Desk>,
    pub(super) instance: Option<Instance>,
    pub(super) workspace: Workspace,
    /// What was true at the last commit.
    pub(super) facts: Facts,
    pub(super) journal: Arc<Journal>,
    pub(super) account: Account,
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
pub enum GuestError {
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

impl Guest {
    /// A session on a warm image: a new one, with fresh randomness, or the stored one that the policy wants.
    ///
    /// # Errors
    /// As [`GuestError`] says.
    pub fn start(origin: Origin, contact: Contact) -> Result<Self, GuestError> {
        let opened = origin.keeping.open(&origin.identity)?;
        let directories = &opened.directories;
        let roots = [("app", directories.app.clone()), ("tmp", directories.tmp.clone())];
        let (blobs, held) = (directories.blobs.clone(), directories.held.clone());
        let mut workspace = Workspace::new(&Places { roots: &roots, blobs, held }, origin.keeping.quota)?;
        let mut world = (origin.world)(&directories.app, &directories.tmp);
        world.watch = Some(Arc::new(Watcher(workspace.tracker().clone())));
        let journal = Arc::new(opened.journal);
        let tracker = workspace.tracker().clone();
        let recorded = journal.with(move |keeper| {
            keeper.spare_what_is_recorded_by(tracker);
            keeper.last_files()
        })?;
        if let Some(recorded) = recorded {
            workspace.take_over(&recorded);
        }
        let is_kept = !matches!(origin.keeping.which, Which::Unkept) && !matches!(opened.found, Found::Unkept(_));
        let desk = Desk::new(origin.limits.clone(), origin.firewall.clone(), origin.image.size(), journal.clone());
        let is_deterministic = origin.edition == Edition::Deterministic;
        let desk = desk.with_uuids_only(origin.keeping.only_uuids).of_deterministic(is_deterministic);
        let desk = Arc::new(desk.with_contact(contact.clone()));
        let portable = matches!(opened.found, Found::OtherBase(_));
        desk.offer_portable(portable);
        let overlay = Some(Overlay::new(origin.image.clone())?);
        let facts = origin.facts.clone();
        let account = Account::new(journal.id(), origin.observers.clone());
        let mut guest = Self {
            origin,
            world,
            overlay,
            desk,
            instance: None,
            workspace,
            facts,
            account,
            journal,
            kept: is_kept,
            portable,
            notes: Vec::new(),
            found: opened.found,
            last_cell: super::commit::no_cell(),
            told: String::new(),
            cells: 0,
            health: Health::default(),
            background: Background::default(),
            contact,
        };
        match (&guest.found, opened.resume) {
            (Found::Saved(saved), Resume::Always) => {
                let resumed = Found::Resumed(saved.clone());
                guest.found = match guest.go(Move::Resume) {
                    Ok(_) => resumed,
                    // A notebook has to go on; whoever named a session wants that one.
                    Err(error) if matches!(guest.origin.keeping.which, Which::Notebook(_)) => {
                        guest.begin()?;
                        Found::Said(format!("the saved session could not be resumed: {error}"))
                    }
                    Err(error) => return Err(error),
                };
            }
            (Found::Saved(_) | Found::OtherBase(_), Resume::Never) => {
                guest.found = Found::Nothing;
                guest.begin()?;
            }
            (Found::OtherBase(_), Resume::Always) => {
                guest.begin()?;
                guest.found = Found::Said(match guest.go(Move::Resume) {
                    Ok(text) => text,
                    Err(error) => {
                        guest.go_back();
                        format!("what is portable of the saved session could not be taken up: {error}")
                    }
                });
            }
            _ => guest.begin()?,
        }
        guest.note_memory();
        Ok(guest)
    }

    /// Begins afresh on the image, and holds that as the first state.
    pub(super) fn begin(&mut self) -> Result<(), GuestError> {
        self.overlay = Some(Overlay::new(self.origin.image.clone())?);
        self.facts = self.origin.facts.clone();
        self.instance = None;
        self.last_cell = super::commit::no_cell();
        self.cells = 0;
        self.greet("start", true)?;
        let files = self.all_files();
        self.commit(&Kind::Beginning, files)
    }

    /// Tells the guest what is true of this process: environment, limits, and entropy where it must be fresh.
    pub(super) fn greet(&mut self, op: &str, reseed: bool) -> Result<(), GuestError> {
        let mut seed = FIXED_SEED;
        if !self.is_deterministic() {
            getrandom::fill(&mut seed).map_err(|error| GuestError::Greeting(error.to_string()))?;
        }
        let mut request = self.news();
        let told = recorded::digest(&request);
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
            self.origin.env.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        json!({"env": env, "recursion_limit": self.origin.limits.recursion})
    }

    /// Whether the guest knows all of it.
    pub(super) fn knows_all(&self) -> bool {
        self.told == recorded::digest(&self.news())
    }

    pub(super) fn is_deterministic(&self) -> bool {
        self.origin.edition == Edition::Deterministic
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
    pub(super) fn ask(&mut self, request: Frame, patience: Duration) -> Result<Frame, GuestError> {
        let (events, _nobody) = tokio::sync::mpsc::unbounded_channel();
        let desk = self.desk.clone();
        let instance = self.instance()?;
        desk.begin(request, events, false);
        let turn = instance.take_turn(TURN, unhurried(patience), &Interrupter::default(), |_| {});
        let served = self.desk.collect();
        self.desk.end();
        match (&turn.end, served.reply) {
            (End::Returned(0), Some(reply)) if !reply.json.contains_key("ename") => Ok(reply),
            (end, reply) => {
                let text = format!("{end:?}, {:?}", reply.map(|reply| reply.json));
                Err(GuestError::Greeting(shown(&text, MOST_GREETING)))
            }
        }
    }

    /// The running instance; after a drop, a new one on the last commit.
    pub(super) fn instance(&mut self) -> Result<&mut Instance, GuestError> {
        if self.instance.is_none() {
            let memory = usize::try_from(self.origin.limits.memory).unwrap_or(usize::MAX);
            let limit = self.origin.image.size().saturating_add(memory);
            let mapping = self.overlay()?.map(limit)?;
            let instance = Instance::start(&self.origin.code, mapping, &self.facts, &self.world, self.desk.clone())
                .map_err(GuestError::Start)?;
            return Ok(self.instance.insert(instance));
        }
        self.instance.as_mut().ok_or_else(|| GuestError::Greeting("no instance".to_owned()))
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
            Request::Execute(execute) => lone_command::read(execute),
            _ => None,
        };
        let number = number.filter(|_| line.is_none());
        let allow_stdin = matches!(&request, Request::Execute(execute) if execute.allow_stdin);
        let code = match &request {
            Request::Execute(execute) => Some(execute.code.clone()),
            _ => None,
        };
        self.account.begin(&request);
        self.desk.begin(request.into_frame(), events.clone(), allow_stdin);
        if let Some(parent) = parent {
            self.desk.stand_in(parent);
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
        self.desk.end();
        self.account.end(&outcome);
        let (state, kind) = (outcome.usage.state, kind.with(&outcome));
        send(&events, done(outcome));
        drop(events);
        match state {
            State::Kept if early => {}
            State::Kept => self.keep(&kind, files),
            State::RolledBack if undone => {}
            State::RolledBack | State::Lost => self.restore(),
        }
        self.account.over();
        self.note_memory();
        self.begin_anew(&kind);
    }

    /// Tells the account how large the session's memory is.
    pub(super) fn note_memory(&mut self) {
        let bytes = self.instance.as_ref().map_or(0, |instance| instance.mapping().size());
        self.account.memory_is(bytes as u64);
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
                self.desk.say(verdict::error("SessionError", &text));
                outcome.content = verdict::failure("SessionError", &text);
            }
        }
    }

    /// Adds what there is to say about a cell, and shows what is to be shown of it.
    fn advise(&mut self, code: &str, shown: bool, outcome: &mut Outcome) {
        let Origin { limits, mounts, shown: wanted, .. } = &self.origin;
        let displays = advise(outcome, code, limits, mounts, *wanted, self.desk.fuel_wish());
        if let Some(analysis) = &outcome.usage.fuel_analysis {
            self.desk.remember_fuel(analysis.bundle());
        }
        for display in displays.into_iter().filter(|_| shown) {
            self.desk.say(display);
        }
    }

    /// Sends the reply through the firewall, and says what was removed of all that the request sent.
    fn check_reply(&self, shown: bool, outcome: &mut Outcome) {
        let (removed, cut) = self.desk.check_reply(&mut outcome.content);
        if let Some((limit, key)) = cut {
            self.account.refused(&[(RefusalClass::Limit, key, 1)]);
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
        self.desk.say(Event::Stream { name, text: format!("[cellblock] {}\n", shown_lines(text)) });
    }

    fn lost(&self, error: &GuestError) -> Outcome {
        let text = error.to_string();
        self.desk.say(verdict::error("SandboxError", &text));
        let usage = Usage { state: State::Lost, ..Usage::default() };
        Outcome { content: verdict::failure("SandboxError", &text), usage, error_facts: None }
    }

    pub(super) fn run(&mut self, interrupter: &Interrupter) -> (Outcome, Option<Command>, Answer) {
        let limits = self.origin.limits.clone();
        let desk = self.desk.clone();
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
        desk.watch(instance.gauges());
        let turn = instance.take_turn(TURN, allowance, interrupter, |asked| desk.asked(asked));
        let refused = instance.mapping().refusals() - refused;
        let memory = instance.mapping().size();
        let mut served = desk.collect();
        self.account.took(turn.time);
        self.account.refused(&served.denials);
        let (cut, command, taken) = (served.cut, served.command.take(), served.taken);
        let [served_name, served_text] = ["ename", "evalue"].map(|key| {
            let found = served.reply.as_ref().and_then(|reply| reply.json.get(key)?.as_str().map(str::to_owned));
            found.unwrap_or_default()
        });
        let Verdict { mut content, error, reason, state, task } = verdict::judge(&turn, served, &limits, refused);
        if let Some(reason) = reason.filter(|_| state != State::Kept) {
            let detail = if let End::Trapped(trap) = &turn.end { trap.lines().next() } else { None };
            self.account.stopped(reason, detail);
        }
        match (error, &task) {
            (Some(error), Some(task)) => desk.say_of(task, error),
            (Some(error), None) => desk.say(error),
            (None, _) => {}
        }
        if let Some(Value::Array(traceback)) = content.get_mut("traceback").filter(|_| state == State::Kept) {
            traceback.extend(desk.limit_note(&served_name, &served_text).map(Value::String));
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

    pub(super) fn overlay(&mut self) -> Result<&mut Overlay, GuestError> {
        self.overlay.as_mut().ok_or_else(|| GuestError::Greeting("the session's memory is not there".to_owned()))
    }
}

fn done(outcome: Outcome) -> Event {
    Event::Done(Box::new(outcome))
}

fn send(events: &tokio::sync::mpsc::UnboundedSender<Queued>, event: Event) {
    // Nobody listens any more if the face is gone.
    let _ = events.send(Queued::of(event));
}
