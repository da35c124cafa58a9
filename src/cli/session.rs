//! The one place where commands start sessions: a prepared runtime, a policy, and directories.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use super::keeping::{self, SessionArguments};
use crate::policy::Policy;
use crate::runtime::sandboxed::world;
use crate::runtime::{Cache, Prepared, Progress, SandboxBuilder, WarmProfile, ensure};
use crate::sandbox::{Code, Facts, Image, engine};
use crate::session::store::Identity;
use crate::session::{Keeping, Limits, Origin, SessionHandle, Which, spawn};

/// What the names of scratch directories begin with.
const SCRATCH: &str = "cellblock-";
/// The file in a scratch directory whose lock says that its process lives.
const IN_USE: &str = "in-use.lock";
/// How long a kernel may take to put its session away: clients wait some five seconds before they kill.
const CLOSING: Duration = Duration::from_secs(3);

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

    /// The directory.
    pub(super) fn scratch(&self) -> &std::path::Path {
        self.scratch.path()
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

/// Starts a session on a thread of its own, preparing the runtime first where that is needed.
pub(super) fn start(
    policy: Policy,
    wanted: &SessionArguments,
    places: &Places,
    progress: Box<dyn Progress>,
) -> anyhow::Result<SessionHandle> {
    let keeping = keeping::keeping(&policy, wanted, places)?;
    let is_kept = !matches!(keeping.which, Which::Unkept);
    let origin = move || -> anyhow::Result<Origin> {
        let builder = SandboxBuilder::new().map_err(plain)?;
        let prepared = ensure(&Cache::of_user()?, &builder, progress.as_ref())?;
        drop(progress);
        origin(&builder, prepared, &policy, keeping)
    };
    Ok(spawn(origin)?.with_patience(if is_kept { CLOSING } else { Duration::ZERO }))
}

/// What sessions begin on.
pub(super) fn origin(
    builder: &SandboxBuilder,
    prepared: Prepared,
    policy: &Policy,
    keeping: Keeping,
) -> anyhow::Result<Origin> {
    let code = prepared.code()?;
    let module = engine::open_code(builder.engine(), &code.path)
        .map_err(plain)
        .context("cannot use the compiled code; run `cellblock setup`")?;
    let image = prepared.image(WarmProfile::Science)?;
    let facts: Facts = serde_json::from_value(image.meta.clone()).context("the image's record is damaged")?;
    let limits = limits(policy);
    let identity = Identity { runtime: prepared.id().to_owned(), image: image.sha256, image_bytes: image.size };
    let (guest, open_files, message) = (prepared.guest().clone(), limits.open_files, limits.message);
    Ok(Origin {
        code: Code::new(builder.engine(), &module).map_err(plain)?,
        image: Arc::new(Image::from_file(image.file)?),
        identity,
        facts,
        world: Arc::new(move |app, tmp| {
            let mut world = world(&guest, app, tmp, open_files);
            world.max_frame = message;
            world
        }),
        limits,
        env: policy.env.clone().into_iter().collect(),
        keeping,
        in_use: Arc::new(prepared),
    })
}

fn limits(policy: &Policy) -> Limits {
    Limits {
        fuel: policy.fuel_budget,
        time: policy.timeout_seconds.map(Duration::from_secs_f64),
        memory: policy.memory_bytes,
        stdout: policy.stdout_max_bytes,
        stderr: policy.stderr_max_bytes,
        display: policy.display_max_bytes,
        open_files: usize::try_from(policy.open_files).unwrap_or(usize::MAX),
        recursion: policy.recursion_limit,
        message: usize::try_from(policy.message_max_bytes).unwrap_or(usize::MAX),
        grace: Duration::from_secs_f64(policy.interrupt_grace_seconds),
    }
}

/// wasmtime's error as an ordinary one.
pub(super) fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
