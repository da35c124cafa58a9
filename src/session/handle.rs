//! The handle by which a face drives a session that lives on a thread of its own.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::door::contact::Contact;
use super::event::{Events, Queued};
use super::request::Request;

/// One request on its way to the session's thread.
pub struct Job {
    pub request: Request,
    pub events: UnboundedSender<Queued>,
    /// An interrupt from before this is not meant for this job.
    pub submitted: Instant,
}

/// Drives one session; cheap to clone. Requests are served one after another in order.
#[derive(Clone)]
pub struct SessionHandle {
    pub(super) jobs: UnboundedSender<Job>,
    pub(super) interrupt: std::sync::Arc<dyn Fn() + Send + Sync>,
    pub(super) patience: Duration,
    contact: Contact,
}

impl SessionHandle {
    /// A handle over a channel of jobs and a way to interrupt; the session thread and the tests' dummy
    /// sessions are at the other end.
    pub fn new(jobs: UnboundedSender<Job>, interrupt: impl Fn() + Send + Sync + 'static) -> Self {
        let interrupt = std::sync::Arc::new(interrupt);
        Self { jobs, interrupt, patience: Duration::ZERO, contact: Contact::default() }
    }

    /// The same for a session that has something to put away when it is closed, and how long that may take.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same with what it shares with its session's thread.
    #[must_use]
    pub fn with_contact(self, contact: Contact) -> Self {
        Self { contact, ..self }
    }

    /// What it shares with its session's thread.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// How long to wait for a [`Request::Close`]; zero if there is nothing to wait for.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Asks for `request` to be served. The events end with `Done`; a channel that ends without it
    /// means that the session's thread is gone.
    pub fn submit(&self, request: Request) -> Events {
        let (events, receiver) = tokio::sync::mpsc::unbounded_channel();
        // A failed send drops `events`, which the caller sees as the end of the channel.
        let _ = self.jobs.send(Job { request, events, submitted: Instant::now() });
        receiver
    }

    /// Interrupts the request that is running now, if any (the "ask" stage). Never blocks.
    pub fn interrupt(&self) {
        (self.interrupt)();
    }
}
