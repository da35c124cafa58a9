//! The way to the session, which may take minutes to be there the first time: who waits is told what
//! goes on, and an interrupt reaches whatever is running or waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, watch};

use crate::session::Session;

/// How a kernel comes by its session.
pub struct Launch {
    session: BoxFuture<'static, Result<Session, String>>,
    progress: UnboundedReceiver<String>,
}

impl Launch {
    /// `session` ends with the session or with what went wrong, in words for the user; meanwhile
    /// `progress` brings text that a waiting cell shows. A session that is still being prepared on its own
    /// thread may be given at once: it counts as there when `progress` has ended.
    pub fn new<F>(session: F, progress: UnboundedReceiver<String>) -> Self
    where
        F: Future<Output = Result<Session, String>> + Send + 'static,
    {
        Self { session: session.boxed(), progress }
    }

    /// A session that is there already.
    pub fn ready(session: Session) -> Self {
        let (_, progress) = tokio::sync::mpsc::unbounded_channel();
        Self::new(std::future::ready(Ok(session)), progress)
    }

    /// Drives the launch in a task of its own. `there` is told of the session before anybody else is.
    pub(super) fn start(self, there: impl FnOnce(&Session) + Send + 'static) -> (Gate, UnboundedReceiver<String>) {
        let (set, state) = watch::channel(SessionState::Starting);
        let (tell, told) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            // The gate has gone if the kernel is ending.
            let state = launch(self, tell).await;
            if let SessionState::Ready(session) = &state {
                there(session);
            }
            let _ = set.send(state);
        });
        let gate = Gate { state, interrupted: Arc::default(), interrupts: Arc::default() };
        (gate, told)
    }
}

async fn launch(launch: Launch, tell: UnboundedSender<String>) -> SessionState {
    let Launch { session, mut progress } = launch;
    let pass_on = async {
        while let Some(text) = progress.recv().await {
            // Nobody listens if the kernel is ending.
            let _ = tell.send(text);
        }
    };
    let session =
        async { session.await.inspect_err(|reason| tracing::error!(reason, "the session could not be started")) };
    match futures::future::try_join(session, pass_on.map(Ok)).await {
        Ok((session, ())) => SessionState::Ready(session),
        Err(reason) => SessionState::Failed(reason.into()),
    }
}

/// Where the session is.
#[derive(Clone)]
pub(super) enum SessionState {
    Starting,
    Ready(Session),
    /// It will not come; in words for the user.
    Failed(Arc<str>),
}

/// The way to the session; cheap to clone.
#[derive(Clone)]
pub(super) struct Gate {
    state: watch::Receiver<SessionState>,
    interrupted: Arc<Notify>,
    /// How often an interrupt was asked for.
    interrupts: Arc<AtomicU64>,
}

impl Gate {
    /// Where the session is now.
    pub(super) fn state(&self) -> SessionState {
        self.state.borrow().clone()
    }

    /// Interrupts what is running, or waiting for the session.
    pub(super) fn interrupt(&self) {
        // Counted first: whoever submits a cell after that sees it.
        self.interrupts.fetch_add(1, Ordering::SeqCst);
        if let SessionState::Ready(session) = self.state() {
            session.interrupt();
        }
        self.interrupted.notify_waiters();
    }

    /// How often an interrupt was asked for: one that comes between a cell's `busy` and its submission
    /// reaches no session, and is known by this.
    pub(super) fn interrupts(&self) -> u64 {
        self.interrupts.load(Ordering::SeqCst)
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
