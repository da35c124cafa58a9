//! Why a kernel ends.

/// Why [`Kernel::serve`](super::Kernel::serve) returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// A client asked for it.
    Shutdown { restart: bool },
    /// The notebook's own code asked for it (`exit()`).
    AskedByGuest,
    /// SIGTERM or SIGHUP.
    Terminated,
    /// The process that started the kernel is gone.
    ParentGone,
}

/// Tells [`Kernel::serve`](super::Kernel::serve) to end; the first reason counts.
#[derive(Clone)]
pub(super) struct ExitDoor(tokio::sync::mpsc::UnboundedSender<Exit>);

impl ExitDoor {
    pub(super) fn new() -> (Self, tokio::sync::mpsc::UnboundedReceiver<Exit>) {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(super) fn leave(&self, reason: Exit) {
        // Nobody listens any more only when the kernel is ending already.
        let _ = self.0.send(reason);
    }
}
