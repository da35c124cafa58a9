//! The thread that a session lives on: a guest is polled by hand and must not share a thread.

use std::sync::Arc;
use std::time::Instant;

use super::answer::Failure;
use super::door::contact::Contact;
use super::event::{Event, Outcome, Queued, State, Usage};
use super::facade::{Job, Session};
use super::live::{LiveSession, SessionError, SessionSpec};
use super::operation::OperationError;
use crate::sandbox::Interrupter;
use tokio::sync::mpsc::UnboundedReceiver;

/// The native stack of a session's thread; guests run on fibers of their own.
const STACK: usize = 4 << 20;

/// Starts a session on a thread of its own. `origin` may take its time (a first set-up); requests wait.
///
/// # Errors
/// The operating system's, when it gives no thread.
pub fn spawn<E: std::fmt::Display>(
    origin: impl FnOnce() -> Result<SessionSpec, E> + Send + 'static,
) -> std::io::Result<Session> {
    let (jobs, mut queue) = tokio::sync::mpsc::unbounded_channel::<Job>();
    let interrupter = Arc::new(Interrupter::default());
    let remote = interrupter.clone();
    let contact = Contact::default();
    let shared = contact.clone();
    std::thread::Builder::new().name("session".to_owned()).stack_size(STACK).spawn(move || {
        let guest = origin()
            .map_err(|error| error.to_string())
            .and_then(|origin| LiveSession::start(origin, shared).map_err(|error: SessionError| error.to_string()));
        match guest {
            Ok(guest) => serve(guest, &mut queue, &interrupter),
            Err(error) => {
                tracing::error!(%error, "the session could not start");
                while let Some(job) = queue.blocking_recv() {
                    refuse(job, &error);
                }
            }
        }
    })?;
    Ok(Session::new(jobs, move || remote.interrupt()).with_contact(contact))
}

/// Serves until nobody holds the session any more. Between requests the guest's event loop goes on; a session that is idle
/// for long gives its memory back.
fn serve(mut guest: LiveSession, queue: &mut UnboundedReceiver<Job>, interrupter: &Interrupter) {
    // For the timer alone: a clock, no descriptors.
    let timer = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(timer) = timer.inspect_err(|error| tracing::error!(%error, "the session has no timer")) else { return };
    let patience = guest.idle_evict();
    let mut evicts = patience.and_then(|patience| Instant::now().checked_add(patience));
    loop {
        let goes_on = guest.goes_on();
        match next(queue, &timer, [goes_on, evicts].into_iter().flatten().min()) {
            Next::Job(job) => {
                match *job {
                    Job::Serve { request, events, submitted } => guest.serve(request, events, submitted, interrupter),
                    Job::Operate { done, .. } if done.is_closed() => {}
                    Job::Operate { operation, done } => {
                        let _ = done.send(guest.operate(operation));
                    }
                }
                crate::heap::relieve();
            }
            Next::Nothing if goes_on.is_some_and(|at| at <= Instant::now()) => guest.go_on(interrupter),
            Next::Nothing if evicts.is_some_and(|at| at <= Instant::now()) => {
                guest.evict();
                evicts = None;
                continue;
            }
            Next::Nothing => continue,
            Next::End => return,
        }
        evicts = patience.and_then(|patience| Instant::now().checked_add(patience));
    }
}

/// What a session's thread does next.
enum Next {
    Job(Box<Job>),
    /// No job came in time.
    Nothing,
    End,
}

/// Waits for a job, but not past `until`.
fn next(queue: &mut UnboundedReceiver<Job>, timer: &tokio::runtime::Runtime, until: Option<Instant>) -> Next {
    let job = match until {
        None => queue.blocking_recv(),
        Some(until) => {
            let until = tokio::time::Instant::from_std(until);
            match timer.block_on(async { tokio::time::timeout_at(until, queue.recv()).await }) {
                Ok(job) => job,
                Err(_) => return Next::Nothing,
            }
        }
    };
    job.map_or(Next::End, |job| Next::Job(Box::new(job)))
}

/// Answers a job of a session that could not start.
fn refuse(job: Job, error: &str) {
    let events = match job {
        Job::Serve { events, .. } => events,
        Job::Operate { done, .. } => {
            let _ = done.send(Err(OperationError::Session(error.to_owned())));
            return;
        }
    };
    let usage = Usage { state: State::Lost, ..Usage::default() };
    let failure = Failure::of_host("SandboxError", error);
    let outcome = Outcome::failed(failure.clone(), usage);
    for event in [Event::Error(failure), Event::Done(Box::new(outcome))] {
        let _ = events.send(Queued::of(event));
    }
}
