//! The one place where commands start sessions: a prepared runtime, a policy, and directories.

use std::fs::File;
use std::sync::Arc;

use anyhow::Context;
use tempfile::TempDir;

use crate::observe::Metrics;
use crate::policy::Policy;
use crate::runtime::{Cache, Progress, SandboxBuilder, ensure};
use crate::session::house::{self, House};
use crate::session::{SessionHandle, Which};

/// What the names of scratch directories begin with.
const SCRATCH: &str = "cellblock-";
/// The file in a scratch directory whose lock says that its process lives.
const IN_USE: &str = "in-use.lock";

/// What a process has on disk for its sessions while it lives.
pub(super) struct Places {
    scratch: TempDir,
    _in_use: File,
}

impl Places {
    /// A scratch directory.
    pub(super) fn make() -> anyhow::Result<Self> {
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir()
            .context("cannot make a temporary directory for the session")?;
        let in_use = File::create(scratch.path().join(IN_USE)).context("cannot write a temporary file")?;
        in_use.try_lock().context("cannot lock a temporary file")?;
        // Off the way of a start that is waited for.
        std::thread::spawn(sweep);
        Ok(Self { scratch, _in_use: in_use })
    }
}

/// Removes the scratch directories of processes that were killed. A directory without the file is being made.
fn sweep() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let is_scratch = entry.file_name().to_string_lossy().starts_with(SCRATCH);
        let Ok(file) = File::open(entry.path().join(IN_USE)) else { continue };
        if is_scratch && file.try_lock().is_ok() {
            // Somebody else's, or gone already: not ours to report.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Starts a session on a thread of its own, counted in `metrics`, preparing the runtime first where that is needed.
pub(super) fn start(
    policy: Policy,
    which: Which,
    places: &Places,
    metrics: Arc<Metrics>,
    progress: Box<dyn Progress>,
) -> anyhow::Result<SessionHandle> {
    let scratch = places.scratch.path().to_owned();
    let holder = match &which {
        Which::Notebook(name) => format!("the kernel of {name}"),
        _ => "a kernel".to_owned(),
    };
    let house = move || -> anyhow::Result<House> {
        let builder = SandboxBuilder::new(house::edition(&policy)).map_err(plain)?;
        let prepared = ensure(&Cache::of_user()?, &builder, progress.as_ref())?;
        drop(progress);
        Ok(House::open(&builder, prepared, policy, &scratch)?.with_metrics(metrics))
    };
    Ok(house::start(house, which, holder)?)
}

/// wasmtime's error as an ordinary one.
pub(super) fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
