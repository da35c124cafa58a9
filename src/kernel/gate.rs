//! The way to the session, which may take minutes to be there the first time: who waits is told what
//! goes on, and an interrupt reaches whatever is running or waiting.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, watch};

use crate::session::SessionHandle;

/// How a kernel comes by its session.
pub struct Launch {
    session: BoxFuture<'static, Result<SessionHandle, String>>,
    progress: UnboundedReceiver<String>,
}

impl Launch {
    /// `session` ends with the session or with what went wrong, in words for the user; meanwhile
    /// `progress` brings text that a waiting cell shows.
    pub fn new<F>(session: F, progress: UnboundedReceiver<String>) -> Self
    where
        F: Future<Output = Result<SessionHandle, String>> + Send + 'static,
    {
        Self { session: session.boxed(), progress }
    }

    /// A session that is there already.
    pub fn ready(session: SessionHandle) -> Self {
        let (_, progress) = tokio::sync::mpsc::unbounded_channel();
        Self::new(std::future::ready(Ok(session)), progress)
    }

    /// Drives the launch in a task of its own.
    pub(super) fn start(self) -> (Gate, UnboundedReceiver<String>) {
        let (set, state) = watch::channel(SessionState::Starting);
        tokio::spawn(async move {
            let state = match self.session.await {
                Ok(session) => SessionState::Ready(session),
                Err(reason) => {
                    tracing::error!(reason, "the session could not be started");
                    SessionState::Failed(reason.into())
                }
            };
            // The gate has gone if the kernel is ending.
            let _ = set.send(state);
        });
        (Gate { state, interrupted: Arc::default() }, self.progress)
    }
}

/// Where the session is.
#[derive(Clone)]
pub(super) enum SessionState {
    Starting,
    Ready(SessionHandle),
    /// It will not come; in words for the user.
    Failed(Arc<str>),
}

/// The way to the session; cheap to clone.
#[derive(Clone)]
pub(super) struct Gate {
    state: watch::Receiver<SessionState>,
    interrupted: Arc<Notify>,
}

impl Gate {
    /// Where the session is now.
    pub(super) fn state(&self) -> SessionState {
        self.state.borrow().clone()
    }

    /// Interrupts what is running, or waiting for the session.
    pub(super) fn interrupt(&self) {
        if let SessionState::Ready(session) = self.state() {
            session.interrupt();
        }
        self.interrupted.notify_waiters();
    }

    /// Waits until the session is there or will not come.
    pub(super) async fn opened(&mut self) -> SessionState {
        match self.state.wait_for(|state| !matches!(state, SessionState::Starting)).await {
            Ok(state) => state.clone(),
            Err(_) => SessionState::Failed("the session's start ended without a result".into()),
        }
    }

    /// Waits for an interrupt that is asked for from now on.
    pub(super) fn interruption(&self) -> impl Future<Output = ()> + Send + use<> {
        self.interrupted.clone().notified_owned()
    }
}
