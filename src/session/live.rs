//! A session's session: an instance over committed memory. Takes requests as turns, commits after each, and
//! goes back to the last commit when an instance had to be dropped.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::advise::Shown;
use super::background::Background;
use super::checkpoint::commit::Kind;
use super::checkpoint::state_meta;
use super::door::contact::Contact;
use super::door::host::DoorHost;
use super::health::Health;
use super::journal::{Journal, JournalError};
use super::limits::Limits;
use super::magics::text;
use super::opening::{Found, OpenError, PersistOptions, Resume, Which};
use super::telemetry::{Observers, Telemetry};
use super::watcher::Watcher;
use crate::advice::Mount;
use crate::firewall::Firewall;
use crate::language::Language;
use crate::observe::shown;
use crate::sandbox::{Code, Edition, End, Facts, Frame, Image, Instance, Interrupter, Overlay, WasiConfig};
use crate::setup::turn::unhurried;
use crate::store::{Cell, Identity};
use crate::timeline::Move;
use crate::workspace::{Places, Workspace, WorkspaceError};

/// Characters of a guest's answer that are told, if it is not what it should be.
const MOST_ANSWER: usize = 500;
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
    #[error("the guest did not take what the host asked of it: {0}")]
    Refused(String),
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    #[error("the session's memory is not there")]
    Evicted,
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
                    Ok(arrival) => text::arrival(&Move::Resume, &arrival, session.journal.id(), session.kept),
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
            getrandom::fill(&mut seed)?;
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

    /// A request of the host's own; the content of the reply and its buffers.
    pub(super) fn ask(&mut self, request: Frame, patience: Duration) -> Result<Frame, SessionError> {
        let (events, _nobody) = tokio::sync::mpsc::unbounded_channel();
        let door = self.door.clone();
        let enter = self.spec.language.entry.turn;
        let instance = self.instance()?;
        door.begin(request, events, false);
        let turn = instance.take_turn(enter, unhurried(patience), &Interrupter::default());
        let (_, reply) = self.door.collect_unread();
        self.door.end();
        match (&turn.end, reply) {
            (End::Returned(0), Some(reply)) if !reply.json.contains_key("ename") => Ok(reply),
            (end, reply) => {
                let text = format!("{end:?}, {:?}", reply.map(|reply| reply.json));
                Err(SessionError::Refused(shown(&text, MOST_ANSWER)))
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
        self.instance.as_mut().ok_or(SessionError::Evicted)
    }

    /// Tells the telemetry how large the session's memory is.
    pub(super) fn note_memory(&mut self) {
        let bytes = self.instance.as_ref().map_or(0, |instance| instance.mapping().size());
        self.telemetry.memory_is(bytes as u64);
    }

    pub(super) fn overlay(&mut self) -> Result<&mut Overlay, SessionError> {
        self.overlay.as_mut().ok_or(SessionError::Evicted)
    }
}
