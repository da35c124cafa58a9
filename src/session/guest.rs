//! A session's guest: an instance over committed memory. Takes requests as turns, commits after each, and
//! goes back to the last commit when an instance had to be dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::desk::Desk;
use super::event::{Event, Outcome, State, Usage};
use super::handle::Job;
use super::limits::Limits;
use super::request::Request;
use super::verdict::{self, Verdict};
use crate::runtime::turn::{TURN, unhurried};
use crate::sandbox::{Allowance, Code, End, Facts, Frame, Image, Instance, Interrupter, Overlay, World};

/// Fuel past the budget in which a cell may render its traceback: a first one takes some 0.3 billion.
const GRACE_FUEL: u64 = 2_000_000_000;

/// What a new session starts from.
#[derive(Clone)]
pub struct Origin {
    pub code: Code,
    pub image: Arc<Image>,
    /// The image's interrupt flag and open files.
    pub facts: Facts,
    pub world: World,
    pub limits: Limits,
    /// Variables to set in the guest's environment, from the policy's whitelist.
    pub env: Vec<(String, String)>,
    /// Held as long as the session lives: the lock on what it was made from.
    pub in_use: Arc<dyn std::any::Any + Send + Sync>,
}

/// A session that takes requests.
pub struct Guest {
    origin: Origin,
    overlay: Overlay,
    desk: Arc<Desk>,
    instance: Option<Instance>,
    /// What was true at the last commit.
    facts: Facts,
    committed: bool,
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
}

impl Guest {
    /// A new session on a warm image: fresh randomness, the policy's environment.
    ///
    /// # Errors
    /// As [`GuestError`] says.
    pub fn start(origin: Origin) -> Result<Self, GuestError> {
        let overlay = Overlay::new(origin.image.clone())?;
        let desk = Arc::new(Desk::new(origin.limits.clone(), origin.image.size()));
        let facts = origin.facts.clone();
        let mut guest = Self { origin, overlay, desk, instance: None, facts, committed: false };
        guest.greet()?;
        Ok(guest)
    }

    fn greet(&mut self) -> Result<(), GuestError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| GuestError::Greeting(error.to_string()))?;
        let env: serde_json::Map<_, _> =
            self.origin.env.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let request = Frame::of(
            json!({"op": "start", "reseed": true, "seed": hex::encode(seed), "env": env, "recursion_limit": self.origin.limits.recursion}),
        );
        let (events, _nobody) = tokio::sync::mpsc::unbounded_channel();
        self.desk.begin(request, events, false);
        let turn =
            self.instance()?.take_turn(TURN, unhurried(Duration::from_secs(60)), &Interrupter::default(), |_, _| {});
        let served = self.desk.collect();
        self.desk.end();
        match (&turn.end, served.reply) {
            // Not committed: a first cell should not wait for that.
            (End::Returned(0), Some(reply)) if !reply.contains_key("ename") => Ok(()),
            (end, reply) => Err(GuestError::Greeting(format!("{end:?}, {reply:?}"))),
        }
    }

    /// The running instance; after a drop, a new one on the last commit.
    fn instance(&mut self) -> Result<&mut Instance, GuestError> {
        if self.instance.is_none() {
            let limit = self
                .origin
                .image
                .size()
                .saturating_add(usize::try_from(self.origin.limits.memory).unwrap_or(usize::MAX));
            let mapping = self.overlay.map(limit)?;
            let Origin { code, world, .. } = &self.origin;
            let instance =
                Instance::start(code, mapping, &self.facts, world, self.desk.clone()).map_err(GuestError::Start)?;
            return Ok(self.instance.insert(instance));
        }
        self.instance.as_mut().ok_or_else(|| GuestError::Greeting("no instance".to_owned()))
    }

    /// Serves one job to its end: events, `Done`, and then the commit or the way back.
    pub fn serve(&mut self, job: Job, interrupter: &Interrupter) {
        let Job { request, events, submitted } = job;
        interrupter.forget_before(submitted);
        let allow_stdin = matches!(&request, Request::Execute(execute) if execute.allow_stdin);
        self.desk.begin(request.into_frame(), events.clone(), allow_stdin);
        let outcome = self.run(interrupter);
        let state = outcome.usage.state;
        let done = Event::Done(Box::new(outcome));
        let _ = events.send(super::event::Queued { event: done, permit: None });
        drop(events);
        match state {
            State::Kept => self.commit(),
            State::RolledBack | State::Lost => self.restore(),
        }
    }

    fn run(&mut self, interrupter: &Interrupter) -> Outcome {
        let limits = self.origin.limits.clone();
        let desk = self.desk.clone();
        let allowance = Allowance { fuel: limits.fuel, grace_fuel: GRACE_FUEL, time: limits.time, grace: limits.grace };
        let instance = match self.instance() {
            Ok(instance) => instance,
            Err(error) => {
                let text = error.to_string();
                desk.say(verdict::error("SandboxError", &text));
                desk.end();
                let usage = Usage { state: State::Lost, ..Usage::default() };
                return Outcome { content: verdict::failure("SandboxError", &text), usage, error_facts: None };
            }
        };
        let refused = instance.mapping().refusals();
        desk.watch(instance.gauges());
        let turn = instance.take_turn(TURN, allowance, interrupter, |reason, fuel| desk.asked(reason, fuel));
        let refused = instance.mapping().refusals() - refused;
        let memory = instance.mapping().size();
        if !matches!(turn.end, End::Returned(_)) {
            tracing::info!(end = ?turn.end, "the instance is dropped");
        }
        let served = desk.collect();
        let cut = served.cut;
        let served_name = served.reply.as_ref().and_then(|reply| reply.get("ename")?.as_str().map(str::to_owned));
        let Verdict { mut content, error, reason, state } = verdict::judge(&turn, served, &limits, refused);
        if let Some(error) = error {
            desk.say(error);
        }
        if let Some(Value::Array(traceback)) = content.get_mut("traceback").filter(|_| state == State::Kept) {
            let ename = served_name.as_deref().unwrap_or_default();
            traceback.extend(desk.limit_note(ename).map(Value::String));
        }
        let error_facts = content.remove("facts");
        desk.end();
        let usage = Usage {
            fuel_consumed: turn.fuel,
            duration_ms: u64::try_from(turn.time.as_millis()).unwrap_or(u64::MAX),
            memory_used_bytes: memory as u64,
            trap_reason: reason,
            state,
            stdout_truncated: cut.0,
            stderr_truncated: cut.1,
        };
        Outcome { content, usage, error_facts }
    }

    fn commit(&mut self) {
        let Some(instance) = &mut self.instance else { return };
        let started = Instant::now();
        match self.overlay.commit(instance.mapping()) {
            Ok(committed) => {
                self.facts.files = instance.files();
                self.committed = true;
                tracing::debug!(pages = committed.pages, bytes = committed.bytes, time = ?started.elapsed(), "session.committed");
            }
            Err(error) => {
                tracing::error!(%error, "the session could not be committed; the next rollback goes further back")
            }
        }
    }

    fn restore(&mut self) {
        self.instance = None;
        // Before the first commit there is only the image, and a session on it begins again.
        let restored = if self.committed { self.instance().map(drop) } else { self.greet() };
        if let Err(error) = restored {
            tracing::error!(%error, "the session could not be restored");
        }
        tracing::info!("session.rolled_back");
    }
}
