//! Driving a turn: one future, polled in slices on the session's thread, with three stages to end it:
//! ask the guest, stop it, and (the session's part) restore what was before.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wasmtime::Trap;

use super::control::Waker;
use super::instance::{FULL, Instance, SLICE};

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
}

/// Why a guest is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Interrupt,
    Fuel,
    Time,
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

    fn attach(&self, waker: Option<Arc<Waker>>) {
        self.state.lock().waker = waker;
    }

    fn take(&self) -> bool {
        self.state.lock().asked.take().is_some()
    }
}

/// Polls a future of wasmtime's that does not wait for anything but itself.
pub(super) fn to_end<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::here();
    let task = std::task::Waker::from(waker.clone());
    let mut context = Context::from_waker(&task);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        if !waker.take() {
            std::thread::park();
        }
    }
}

/// Where a turn stands.
enum Stage {
    Running,
    Asked { reason: Reason, at: Instant },
}

impl Instance {
    /// Runs `source` in one turn. `asked` is told when the guest is asked to end, before it can notice.
    pub fn take_turn(
        &mut self,
        source: &str,
        allowance: Allowance,
        interrupter: &Interrupter,
        mut asked: impl FnMut(Reason, u64),
    ) -> Turn {
        let started = Instant::now();
        let waker = Waker::here();
        interrupter.attach(Some(waker.clone()));
        let mut last = None;
        let end = self.poll(source, allowance, interrupter, &waker, started, &mut |reason, fuel| {
            last = Some(reason);
            asked(reason, fuel);
        });
        interrupter.attach(None);
        self.control.signal.clear();
        let left = self.store.get_fuel().unwrap_or(FULL);
        Turn { end, fuel: FULL.saturating_sub(left), time: started.elapsed(), asked: last }
    }

    fn poll(
        &mut self,
        source: &str,
        allowance: Allowance,
        interrupter: &Interrupter,
        waker: &Arc<Waker>,
        started: Instant,
        asked: &mut dyn FnMut(Reason, u64),
    ) -> End {
        let control = self.control.clone();
        let outside = self.store.data().outside.clone();
        if let Err(error) = self.store.set_fuel(FULL) {
            return End::Trapped(error.to_string());
        }
        let deadline = allowance.time.and_then(|time| started.checked_add(time));
        let task = std::task::Waker::from(waker.clone());
        let mut context = Context::from_waker(&task);
        let mut future = pin!(call(&mut self.store, &self.turn, &self.exports, source));
        let mut fuel: u64 = 0;
        let mut stage = Stage::Running;
        loop {
            if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                return ended(result);
            }
            let waiting = control.waiting();
            if !waiting {
                fuel = fuel.saturating_add(SLICE);
            }
            let now = Instant::now();
            let tick = outside.tick(now);
            let interrupted = interrupter.take();
            let reason = if fuel > allowance.fuel {
                Some(Reason::Fuel)
            } else if deadline.is_some_and(|deadline| now >= deadline) {
                Some(Reason::Time)
            } else if interrupted {
                Some(Reason::Interrupt)
            } else {
                None
            };
            let mut again = false;
            stage = match (stage, reason) {
                // A limit outranks a wish; a wish can be repeated.
                (Stage::Running | Stage::Asked { reason: Reason::Interrupt, .. }, Some(reason @ (Reason::Fuel | Reason::Time)))
                | (Stage::Running, Some(reason)) => {
                    asked(reason, fuel);
                    control.signal.set();
                    again = true;
                    Stage::Asked { reason, at: now }
                }
                (Stage::Asked { reason: Reason::Interrupt, .. }, _) if !control.signal.pending() && !interrupted => Stage::Running,
                (Stage::Asked { reason, at }, _) => {
                    if interrupted {
                        control.signal.set();
                        again = true;
                    }
                    let over = match reason {
                        Reason::Fuel => fuel > allowance.fuel.saturating_add(allowance.grace_fuel) || (waiting && now >= at + allowance.grace),
                        Reason::Interrupt | Reason::Time => now >= at + allowance.grace,
                    };
                    if over {
                        return End::Stopped(reason);
                    }
                    Stage::Asked { reason, at }
                }
                (Stage::Running, None) => Stage::Running,
            };
            if waker.take() || again {
                continue;
            }
            let grace = match &stage {
                Stage::Asked { at, .. } => Some(*at + allowance.grace),
                Stage::Running => deadline,
            };
            let until = [tick, control.alarm(), grace].into_iter().flatten().min();
            match until {
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
