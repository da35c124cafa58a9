//! What is shared between a guest's host functions and the loop that polls the guest.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Wake};
use std::thread::Thread;
use std::time::Instant;

use parking_lot::Mutex;

use super::interrupt_flag::Signal;
use super::refusals::{Refusal, Refusals, Refused};

/// Why a guest is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Interrupt,
    Fuel,
    Time,
    /// Not to end at all: only to say where it is.
    Sample,
}

/// That a guest is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub reason: Reason,
    /// Fuel that the turn has used.
    pub fuel: u64,
    /// Whether its flag was down: then it will notice once more. Asked again before it looked, it notices once.
    pub afresh: bool,
}

/// What a guest was asked and its host has not been told: a sample for each hundredth of the fuel, and some more.
const MOST_ASKED: usize = 1_000;

/// Wakes the thread that polls a guest.
#[derive(Debug)]
pub struct Waker {
    thread: Thread,
    woken: AtomicBool,
}

impl Waker {
    /// Wakes the calling thread.
    pub fn here() -> Arc<Self> {
        Arc::new(Self { thread: std::thread::current(), woken: AtomicBool::new(false) })
    }

    /// Whether somebody woke the thread since the last call.
    pub fn take(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Waker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// The state of a guest that is being polled.
#[derive(Debug)]
pub struct Control {
    /// The guest's interrupt flag.
    pub signal: Signal,
    /// Whether the guest is in a host call that waits (and so uses no fuel).
    waiting: AtomicBool,
    /// When the waiting host call wants to be polled again.
    alarm: Mutex<Option<Instant>>,
    refusals: Refusals,
    /// Fuel that the turn had used at its last call through the door.
    fuel: AtomicU64,
    /// Calls that may have changed a file.
    file_changes: AtomicU64,
    /// Whether the flag is only up so that the guest says where it is.
    sampled: AtomicBool,
    /// What the guest has been asked since its host looked.
    asked: Mutex<Vec<Asked>>,
    /// Fuel that the turn had used at a pause that has not been looked at.
    paused: Mutex<Option<u64>>,
}

impl Control {
    /// The control block of a guest with this interrupt flag.
    pub fn new(signal: Signal) -> Self {
        Self {
            signal,
            waiting: AtomicBool::new(false),
            alarm: Mutex::new(None),
            refusals: Refusals::default(),
            fuel: AtomicU64::new(0),
            file_changes: AtomicU64::new(0),
            sampled: AtomicBool::new(false),
            asked: Mutex::default(),
            paused: Mutex::new(None),
        }
    }

    /// Lets the polling loop have a look, and goes on.
    pub async fn pause(&self, used: u64) {
        let mut looked = false;
        poll_fn(|context| {
            if std::mem::replace(&mut looked, true) {
                return Poll::Ready(());
            }
            *self.paused.lock() = Some(used);
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Whether the guest has paused since the last look: with the fuel that the turn had used.
    pub fn take_pause(&self) -> Option<u64> {
        self.paused.lock().take()
    }

    /// Raises the guest's flag: to end, or only to say where it is. Noted before the guest can notice.
    pub fn ask(&self, asked: Asked) {
        let mut all = self.asked.lock();
        if all.len() < MOST_ASKED || asked.reason != Reason::Sample {
            all.push(asked);
        }
        drop(all);
        self.sampled.store(asked.reason == Reason::Sample, Ordering::Release);
        self.signal.set();
    }

    /// What the guest has been asked since the last call, in order.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock())
    }

    /// Notes that the guest was refused something.
    pub fn refuse(&self, refusal: Refusal) {
        self.refusals.add(refusal);
    }

    /// What the guest was refused; memory is counted by its mapping.
    pub fn refused(&self) -> Refused {
        self.refusals.so_far()
    }

    /// Notes the fuel that the turn has used.
    pub fn note_fuel(&self, used: u64) {
        self.fuel.store(used, Ordering::Release);
    }

    /// Fuel that the turn had used at its last call through the door.
    pub fn fuel(&self) -> u64 {
        self.fuel.load(Ordering::Acquire)
    }

    /// Notes that the guest made a call that may have changed a file.
    pub fn file_changed(&self) {
        self.file_changes.fetch_add(1, Ordering::AcqRel);
    }

    /// How many calls the guest made that may have changed a file.
    pub fn file_changes(&self) -> u64 {
        self.file_changes.load(Ordering::Acquire)
    }

    /// Whether the guest is in a host call that waits.
    pub fn waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// When the waiting host call wants to be polled again, if it said.
    pub fn alarm(&self) -> Option<Instant> {
        *self.alarm.lock()
    }

    /// Whether the guest is asked to look at its flag. A sample is no reason to give up what it does: whether there
    /// is something to wait for is often up to chance.
    pub fn interrupted(&self) -> bool {
        self.signal.pending() && !self.sampled.load(Ordering::Acquire)
    }

    /// Waits for `work`, or until the guest is interrupted: then `None`, so that the guest can look at
    /// its flag. A host call of the guest that may take long waits here and nowhere else.
    pub async fn wait<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let result = poll_fn(|context| {
            if let Poll::Ready(result) = work.as_mut().poll(context) {
                return Poll::Ready(Some(result));
            }
            if self.interrupted() {
                return Poll::Ready(None);
            }
            self.waiting.store(true, Ordering::Release);
            Poll::Pending
        })
        .await;
        self.waiting.store(false, Ordering::Release);
        result
    }

    /// Waits until `deadline`, or until the guest is interrupted. `None` waits for the interrupt only.
    pub async fn sleep(&self, deadline: Option<Instant>) {
        *self.alarm.lock() = deadline;
        self.wait(poll_fn(|_| match deadline {
            Some(deadline) if Instant::now() >= deadline => Poll::Ready(()),
            _ => Poll::Pending,
        }))
        .await;
        *self.alarm.lock() = None;
    }
}
