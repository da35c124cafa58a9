//! The thread that a session lives on: a guest is polled by hand and must not share a thread.

use std::sync::Arc;

use super::event::{Event, Outcome, Queued, State, Usage};
use super::guest::{Guest, GuestError, Origin};
use super::handle::{Job, SessionHandle};
use super::verdict;
use crate::sandbox::Interrupter;
use tokio::sync::mpsc::UnboundedReceiver;

/// The native stack of a session's thread; guests run on fibers of their own.
const STACK: usize = 4 << 20;

/// Starts a session on a thread of its own. `origin` may take its time (a first set-up); requests wait.
///
/// # Errors
/// The operating system's, when it gives no thread.
pub fn spawn<E: std::fmt::Display>(
    origin: impl FnOnce() -> Result<Origin, E> + Send + 'static,
) -> std::io::Result<SessionHandle> {
    let (jobs, mut queue) = tokio::sync::mpsc::unbounded_channel::<Job>();
    let interrupter = Arc::new(Interrupter::default());
    let remote = interrupter.clone();
    std::thread::Builder::new().name("session".to_owned()).stack_size(STACK).spawn(move || {
        let guest = origin()
            .map_err(|error| error.to_string())
            .and_then(|origin| Guest::start(origin).map_err(|error: GuestError| error.to_string()));
        match guest {
            Ok(guest) => serve(guest, &mut queue, &interrupter),
            Err(error) => {
                tracing::error!(%error, "the session could not start");
                while let Some(job) = queue.blocking_recv() {
                    refuse(&job, &error);
                }
            }
        }
    })?;
    Ok(SessionHandle::new(jobs, move || remote.interrupt()))
}

/// Serves until nobody holds the session any more. A session that is idle for long gives its memory back.
fn serve(mut guest: Guest, queue: &mut UnboundedReceiver<Job>, interrupter: &Interrupter) {
    // For the timer alone: a clock, no descriptors.
    let timer = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(timer) = timer.inspect_err(|error| tracing::error!(%error, "the session has no timer")) else { return };
    let patience = guest.idle_evict();
    let mut evicted = patience.is_none();
    loop {
        let next = match patience.filter(|_| !evicted) {
            None => queue.blocking_recv(),
            Some(patience) => {
                let waiting = timer.block_on(async { tokio::time::timeout(patience, queue.recv()).await });
                match waiting {
                    Ok(job) => job,
                    Err(_) => {
                        guest.evict();
                        evicted = true;
                        continue;
                    }
                }
            }
        };
        let Some(job) = next else { return };
        guest.serve(job, interrupter);
        crate::heap::relieve();
        evicted = patience.is_none();
    }
}

/// Answers a job of a session that could not start.
fn refuse(job: &Job, error: &str) {
    let usage = Usage { state: State::Lost, ..Usage::default() };
    let outcome = Outcome { content: verdict::failure("SandboxError", error), usage, error_facts: None };
    for event in [verdict::error("SandboxError", error), Event::Done(Box::new(outcome))] {
        let _ = job.events.send(Queued { event, permit: None });
    }
}
