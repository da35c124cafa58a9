//! Driving a turn: one future, polled in slices on the session's thread, with three stages to end it:
//! ask the guest, stop it, and (the session's part) restore what was before.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wasmtime::Trap;

use super::control::{Asked, Reason, Waker};
use super::fuel::{FULL, SLICE};
use super::instance::Instance;

/// What a turn may use.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Fuel; past it the guest is asked to end.
    pub fuel: u64,
    /// Fuel past the budget after which it is stopped: enough to render a traceback.
    pub grace_fuel: u64,
    /// Wall-clock time, if limited.
    pub time: Option<Duration>,
    /// Time after being asked in which the guest must have looked (interrupt) or ended (limits).
    pub grace: Duration,
    /// When to ask the guest which line it is at, if at all.
    pub sampling: Option<Sampling>,
}

/// Asking a guest that computes where it is, now and then, so that a costly cell can be told its costly lines.
#[derive(Debug, Clone, Copy)]
pub struct Sampling {
    /// Fuel before the first time: cheap cells are left alone.
    pub from: u64,
    /// Fuel between two times.
    pub every: u64,
}

/// How a turn ended.
#[derive(Debug)]
pub enum End {
    /// `turn` returned this status.
    Returned(i32),
    /// The guest called `proc_exit`.
    Exited(i32),
    /// The guest did not end when it was asked to.
    Stopped(Reason),
    /// Calls nested too deep for the wasm stack.
    StackOverflow,
    /// Any other trap or failed host function.
    Trapped(String),
}

/// A turn that is over. After anything but [`End::Returned`] the instance is unusable.
#[derive(Debug)]
pub struct Turn {
    pub end: End,
    /// Fuel used, exact.
    pub fuel: u64,
    pub time: Duration,
    /// Why the guest was asked to end, if it was.
    pub asked: Option<Reason>,
}

/// Lets any thread interrupt the turn that runs now.
#[derive(Debug, Default)]
pub struct Interrupter {
    state: Mutex<Interrupting>,
}

#[derive(Debug, Default)]
struct Interrupting {
    asked: Option<Instant>,
    waker: Option<Arc<Waker>>,
}

impl Interrupter {
    /// Asks the turn that runs now, or one that was submitted before now, to end.
    pub fn interrupt(&self) {
        let mut state = self.state.lock();
        state.asked = Some(Instant::now());
        if let Some(waker) = &state.waker {
            std::task::Wake::wake_by_ref(waker);
        }
    }

    /// Forgets what was asked before `submitted`: it was meant for an earlier turn.
    pub fn forget_before(&self, submitted: Instant) {
        let mut state = self.state.lock();
        state.asked = state.asked.filter(|asked| *asked >= submitted);
    }

    /// Waits for `work` on this thread; `None` if an interrupt comes first. For what the host does for a turn by itself.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let waker = Waker::here();
        let task = std::task::Waker::from(waker.clone());
        let mut context = Context::from_waker(&task);
        self.attach(Some(waker.clone()));
        let result = loop {
            if let Poll::Ready(value) = work.as_mut().poll(&mut context) {
                break Some(value);
            }
            if self.take() {
                break None;
            }
            if !waker.take() {
                std::thread::park();
            }
        };
        self.attach(None);
        result
    }

    fn attach(&self, waker: Option<Arc<Waker>>) {
        self.state.lock().waker = waker;
    }

    fn take(&self) -> bool {
        self.state.lock().asked.take().is_some()
    }
}

/// Where a turn stands, and what to do next about it.
struct Stages {
    allowance: Allowance,
    deadline: Option<Instant>,
    stage: Stage,
    /// Whether the guest took an interrupt of this turn and went on.
    shrugged: bool,
    /// Fuel at which the guest is asked next where it is.
    next_sample: u64,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Running,
    /// Asked to look. Ends when it has looked.
    Interrupted {
        at: Instant,
    },
    /// Asked to end. Must end.
    Told {
        reason: Reason,
        at: Instant,
    },
}

/// What the polling loop sees of a turn between two polls.
struct Look {
    now: Instant,
    fuel: u64,
    /// In a host call that waits.
    waiting: bool,
    /// In one that waits for a person to answer.
    asking: bool,
    /// Somebody asked for an interrupt since the last look.
    interrupted: bool,
    /// The guest's flag is up.
    pending: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    GoOn,
    /// Raise the guest's flag, for this reason.
    Ask(Reason),
    Stop(Reason),
}

impl Stages {
    fn new(allowance: Allowance, started: Instant) -> Self {
        let deadline = allowance.time.and_then(|time| started.checked_add(time));
        let next_sample = allowance.sampling.map_or(u64::MAX, |sampling| sampling.from);
        Self { allowance, deadline, stage: Stage::Running, shrugged: false, next_sample }
    }

    /// A limit outranks a wish. A wish that the guest took and went on from is its own affair, as in any
    /// interpreter; repeated, it is an order, unless the guest only waits for an answer, as a debugger at its prompt: that it
    /// does end.
    fn step(&mut self, look: &Look) -> Step {
        if let Some(reason) = self.limit(look)
            && !matches!(self.stage, Stage::Told { reason: Reason::Fuel | Reason::Time, .. })
        {
            self.stage = Stage::Told { reason, at: look.now };
            return Step::Ask(reason);
        }
        match self.stage {
            Stage::Interrupted { .. } if !look.pending => {
                self.stage = Stage::Running;
                self.shrugged = true;
            }
            Stage::Interrupted { at } if look.now >= at + self.allowance.grace => return Step::Stop(Reason::Interrupt),
            Stage::Told { reason, at } if self.is_over(reason, at, look) => return Step::Stop(reason),
            _ => {}
        }
        if !look.interrupted {
            return if self.samples(look) { Step::Ask(Reason::Sample) } else { Step::GoOn };
        }
        match self.stage {
            Stage::Running if self.shrugged && !look.asking => {
                self.stage = Stage::Told { reason: Reason::Interrupt, at: look.now }
            }
            Stage::Running => self.stage = Stage::Interrupted { at: look.now },
            Stage::Interrupted { .. } => {}
            Stage::Told { reason, .. } => return Step::Ask(reason),
        }
        Step::Ask(Reason::Interrupt)
    }

    /// Whether it is time for a sample.
    fn samples(&mut self, look: &Look) -> bool {
        let Some(sampling) = self.allowance.sampling else { return false };
        let free = matches!(self.stage, Stage::Running) && !look.waiting && !look.pending;
        if !free || look.fuel < self.next_sample {
            return false;
        }
        self.next_sample = look.fuel.saturating_add(sampling.every.max(SLICE));
        true
    }

    fn limit(&self, look: &Look) -> Option<Reason> {
        if look.fuel > self.allowance.fuel {
            return Some(Reason::Fuel);
        }
        self.deadline.is_some_and(|deadline| look.now >= deadline).then_some(Reason::Time)
    }

    /// Fuel has its grace in fuel, so that the verdict does not depend on the machine's speed.
    fn is_over(&self, reason: Reason, at: Instant, look: &Look) -> bool {
        let time = look.now >= at + self.allowance.grace;
        match reason {
            Reason::Fuel if !look.waiting => look.fuel > self.allowance.fuel.saturating_add(self.allowance.grace_fuel),
            Reason::Fuel | Reason::Interrupt | Reason::Time | Reason::Sample => time,
        }
    }

    /// When to look again at the latest, if nothing happens.
    fn next(&self) -> Option<Instant> {
        match self.stage {
            Stage::Running => self.deadline,
            Stage::Interrupted { at } | Stage::Told { at, .. } => Some(at + self.allowance.grace),
        }
    }
}

impl Instance {
    /// Runs `source` in one turn. What the guest is asked meanwhile its gauges tell.
    pub fn take_turn(&mut self, source: &str, allowance: Allowance, interrupter: &Interrupter) -> Turn {
        let started = Instant::now();
        let waker = Waker::here();
        interrupter.attach(Some(waker.clone()));
        let mut asked = None;
        // What was asked of an earlier turn, and never told, is no affair of this one.
        drop(self.control.take_asked());
        let end = self.poll(source, allowance, interrupter, &waker, started, &mut asked);
        interrupter.attach(None);
        self.control.signal.clear();
        let fuel = self.end_turn();
        Turn { end, fuel, time: started.elapsed(), asked }
    }

    fn poll(
        &mut self,
        source: &str,
        allowance: Allowance,
        interrupter: &Interrupter,
        waker: &Arc<Waker>,
        started: Instant,
        asked: &mut Option<Reason>,
    ) -> End {
        let control = self.control.clone();
        let outside = self.store.data().outside.clone();
        if let Err(error) = self.store.set_fuel(FULL) {
            return End::Trapped(error.to_string());
        }
        self.store.data_mut().owed = 0;
        if let Some(fixed) = &mut self.store.data_mut().fixed {
            fixed.begin_turn();
        }
        let mut stages = Stages::new(allowance, started);
        let task = std::task::Waker::from(waker.clone());
        let mut context = Context::from_waker(&task);
        let mut future = pin!(call(&mut self.store, &self.turn, &self.exports, source));
        let mut fuel: u64 = 0;
        loop {
            if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                return ended(result);
            }
            let waiting = control.waiting();
            match control.take_pause() {
                Some(used) => fuel = fuel.max(used),
                None if waiting => {}
                None => fuel = fuel.saturating_add(SLICE),
            }
            let now = Instant::now();
            let tick = outside.tick(now);
            let asking = waiting && outside.asks();
            let (interrupted, pending) = (interrupter.take(), control.signal.pending());
            match stages.step(&Look { now, fuel, waiting, asking, interrupted, pending }) {
                Step::GoOn => {}
                Step::Ask(reason) => {
                    if reason != Reason::Sample {
                        *asked = Some(reason);
                    }
                    control.ask(Asked { reason, fuel, afresh: !pending });
                    continue;
                }
                Step::Stop(reason) => return End::Stopped(reason),
            }
            if waker.take() {
                continue;
            }
            match [tick, control.alarm(), stages.next()].into_iter().flatten().min() {
                Some(until) => std::thread::park_timeout(until.saturating_duration_since(Instant::now())),
                None => std::thread::park(),
            }
        }
    }
}

async fn call(
    store: &mut wasmtime::Store<super::host::Host>,
    turn: &wasmtime::TypedFunc<(u32, u32), i32>,
    exports: &super::host::Exports,
    source: &str,
) -> wasmtime::Result<i32> {
    let length = u32::try_from(source.len())?;
    let pointer = exports.host_alloc.call_async(&mut *store, length).await?;
    exports.memory.write(&mut *store, pointer as usize, source.as_bytes())?;
    turn.call_async(&mut *store, (pointer, length)).await
}

fn ended(result: wasmtime::Result<i32>) -> End {
    let error = match result {
        Ok(status) => return End::Returned(status),
        Err(error) => error,
    };
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return End::Exited(exit.0);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => End::StackOverflow,
        Some(trap) => End::Trapped(trap.to_string()),
        None => End::Trapped(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(1);

    fn stages(now: Instant) -> Stages {
        let allowance =
            Allowance { fuel: 100, grace_fuel: 50, time: Some(Duration::from_secs(60)), grace: GRACE, sampling: None };
        Stages::new(allowance, now)
    }

    fn look(now: Instant) -> Look {
        Look { now, fuel: 0, waiting: false, asking: false, interrupted: false, pending: false }
    }

    #[test]
    fn code_that_never_looks_is_stopped_after_the_grace_time() {
        let now = Instant::now();
        let mut stages = stages(now);
        assert_eq!(stages.step(&Look { interrupted: true, ..look(now) }), Step::Ask(Reason::Interrupt));
        assert_eq!(stages.step(&Look { pending: true, ..look(now) }), Step::GoOn);
        assert_eq!(stages.next(), Some(now + GRACE));
        assert_eq!(stages.step(&Look { pending: true, ..look(now + GRACE) }), Step::Stop(Reason::Interrupt));
    }

    #[test]
    fn code_that_looked_and_went_on_is_left_alone_until_it_is_asked_again() {
        let now = Instant::now();
        let mut stages = stages(now);
        stages.step(&Look { interrupted: true, ..look(now) });
        assert_eq!(stages.step(&look(now)), Step::GoOn);
        assert_eq!(stages.step(&look(now + 3 * GRACE)), Step::GoOn);
        let again = now + 4 * GRACE;
        assert_eq!(stages.step(&Look { interrupted: true, ..look(again) }), Step::Ask(Reason::Interrupt));
        assert_eq!(stages.step(&look(again)), Step::GoOn);
        assert_eq!(stages.step(&look(again + GRACE)), Step::Stop(Reason::Interrupt));
    }

    #[test]
    fn a_prompt_can_be_interrupted_again_and_again() {
        let now = Instant::now();
        let mut stages = stages(now);
        for round in 0..5 {
            let now = now + round * 4 * GRACE;
            let look = Look { waiting: true, asking: true, interrupted: true, ..look(now) };
            assert_eq!(stages.step(&look), Step::Ask(Reason::Interrupt));
            // It asks again.
            assert_eq!(stages.step(&Look { interrupted: false, ..look }), Step::GoOn);
            let later = now + 2 * GRACE;
            assert_eq!(stages.step(&Look { now: later, interrupted: false, ..look }), Step::GoOn);
        }
    }

    #[test]
    fn fuel_has_its_grace_in_fuel() {
        let now = Instant::now();
        let mut stages = stages(now);
        assert_eq!(stages.step(&Look { fuel: 101, ..look(now) }), Step::Ask(Reason::Fuel));
        assert_eq!(stages.step(&Look { fuel: 150, ..look(now + 9 * GRACE) }), Step::GoOn);
        assert_eq!(stages.step(&Look { fuel: 151, ..look(now) }), Step::Stop(Reason::Fuel));
    }

    #[test]
    fn time_is_up_while_waiting_too() {
        let now = Instant::now();
        let mut stages = stages(now);
        let late = now + Duration::from_secs(60);
        assert_eq!(stages.next(), Some(late));
        assert_eq!(stages.step(&Look { waiting: true, ..look(late) }), Step::Ask(Reason::Time));
        assert_eq!(stages.step(&Look { waiting: true, ..look(late + GRACE) }), Step::Stop(Reason::Time));
    }

    #[test]
    fn a_guest_that_computes_is_sampled_unless_something_else_is_asked_of_it() {
        let now = Instant::now();
        let sampling = Some(Sampling { from: 20, every: SLICE });
        let mut stages = Stages::new(Allowance { fuel: u64::MAX, sampling, ..stages(now).allowance }, now);
        assert_eq!(stages.step(&Look { fuel: 19, ..look(now) }), Step::GoOn);
        assert_eq!(stages.step(&Look { fuel: 20, waiting: true, ..look(now) }), Step::GoOn);
        assert_eq!(stages.step(&Look { fuel: 20, ..look(now) }), Step::Ask(Reason::Sample));
        assert_eq!(stages.step(&Look { fuel: 20 + SLICE, pending: true, ..look(now) }), Step::GoOn);
        assert_eq!(stages.step(&Look { fuel: 20 + SLICE, ..look(now) }), Step::Ask(Reason::Sample));
        let interrupted = Look { fuel: 20 + 3 * SLICE, interrupted: true, ..look(now) };
        assert_eq!(stages.step(&interrupted), Step::Ask(Reason::Interrupt));
        assert_eq!(stages.step(&Look { fuel: 20 + 5 * SLICE, pending: true, ..look(now) }), Step::GoOn);
    }
}
