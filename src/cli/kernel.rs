//! `cellblock kernel`: what Jupyter starts.

use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::metrics_signal::SnapshotRequests;
use super::policy::PolicyArguments;
use super::session_arguments::SessionArguments;
use crate::jupyter::kernel::history::Kept;
use crate::jupyter::kernel::{Launch, Parent};
use crate::jupyter::wire::ConnectionFile;
use crate::language;
use crate::observe::{Metrics, shown};
use crate::policy::Policy;
use crate::session::Which;
use crate::session::scratch::Scratch;
use crate::setup::progress::to_channel;

/// Characters of the names of foreign arguments that are logged.
const MOST_NAMED: usize = 500;

#[derive(Debug, clap::Args)]
pub(super) struct Kernel {
    /// The file in which Jupyter says where it listens
    #[arg(long, short = 'f', value_name = "FILE")]
    connection_file: PathBuf,
    #[command(flatten)]
    policy: PolicyArguments,
    #[command(flatten)]
    session: SessionArguments,
    /// `jupyter run` hands on its script's path, which is not the kernel's business; nor are traitlets' bare words
    #[arg(hide = true)]
    not_ours: Vec<OsString>,
}

impl Kernel {
    /// `foreign` are arguments that were passed over.
    pub(super) fn run(self, snapshots: SnapshotRequests, foreign: &[String]) -> anyhow::Result<ExitCode> {
        if !foreign.is_empty() {
            let names = shown(&foreign.join(" "), MOST_NAMED);
            tracing::warn!(names, "arguments that this kernel does not know have no effect");
        }
        let policy = self.policy.policy()?;
        let which = self.session.which(&policy)?;
        let metrics = Arc::<Metrics>::default();
        snapshots.answer(metrics.clone())?;
        serve_kernel(&self.connection_file, policy, which, metrics)
    }
}

/// Serves a kernel until it is shut down. A set-up that is needed runs while `kernel_info` and the heartbeat
/// are answered already.
fn serve_kernel(
    connection_file: &Path,
    policy: Policy,
    which: Which,
    metrics: Arc<Metrics>,
) -> anyhow::Result<ExitCode> {
    let parent = Parent::from_env();
    let connection = ConnectionFile::read(connection_file)?;
    let scratch = Scratch::make().context("cannot make a temporary directory for the session")?;
    let (told, progress) = tokio::sync::mpsc::unbounded_channel();
    // What was run can be asked for in later kernels; what came of it only where the session is kept, too.
    let whose = match &which {
        Which::Unkept => None,
        Which::Notebook(name) => Some(format!("notebook {name}")),
        Which::Id(id) => Some(format!("session {id}")),
    };
    let history = Kept { file: history(), outputs: !matches!(which, Which::Unkept), whose };
    let session = super::session::start(policy, which, &scratch, metrics.clone(), Box::new(to_channel(told)))?;
    let kernel = crate::jupyter::kernel::Kernel {
        connection,
        language: language::DEFAULT,
        history,
        parent,
        metrics,
        launch: Launch::new(std::future::ready(Ok(session)), progress),
    };
    let exit = kernel.run();
    drop(scratch);
    exit?;
    Ok(ExitCode::SUCCESS)
}

/// Where what was run is kept, with the user's data: a cache may be cleared. Nowhere without a home.
fn history() -> Option<PathBuf> {
    let dir = directories::ProjectDirs::from("", "", "cellblock")?.data_dir().to_owned();
    if let Err(error) = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir) {
        tracing::warn!(%error, "the history is not kept: its directory cannot be created");
        return None;
    }
    Some(dir.join("history.sqlite"))
}
