//! The one place where commands start sessions: a prepared runtime, a policy, and directories.

use std::sync::Arc;

use crate::language;
use crate::observe::Metrics;
use crate::policy::Policy;
use crate::session::factory;
use crate::session::factory::SessionFactory;
use crate::session::scratch::Scratch;
use crate::session::{Session, Which};
use crate::setup::{Cache, Progress, SandboxBuilder, ensure};

/// Starts a session on a thread of its own, counted in `metrics`, preparing the runtime first where that is needed.
pub(super) fn start(
    policy: Policy,
    which: Which,
    scratch: &Scratch,
    metrics: Arc<Metrics>,
    progress: Box<dyn Progress>,
) -> anyhow::Result<Session> {
    let (path, writers) = (scratch.path().to_owned(), scratch.writers());
    let holder = match &which {
        Which::Notebook(name) => format!("the kernel of {name}"),
        _ => "a kernel".to_owned(),
    };
    let factory = move || -> anyhow::Result<SessionFactory> {
        let builder = SandboxBuilder::new(language::DEFAULT, factory::edition(&policy)).map_err(plain)?;
        let prepared = ensure(&Cache::of_user()?, &builder, progress.as_ref())?;
        drop(progress);
        Ok(SessionFactory::open(&builder, prepared, policy, &path)?.with_metrics(metrics).with_writers(writers))
    };
    Ok(factory::start(factory, which, holder)?)
}

/// wasmtime's error as an ordinary one.
pub(super) fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
