//! Opening sessions: what all sessions of a process share (code, image, policy), and the one place where
//! they are opened. The Jupyter kernel has one session in it, an MCP server has many.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::advise::Shown;
use super::external::ExternalError;
use super::facade::Session;
use super::grants::{granted, guest_mounts};
use super::health::Heal;
use super::limits::Limits;
use super::live::SessionSpec;
use super::opening::{PersistOptions, Resume, Which};
use super::scratch::Writers;
use super::stored_files::StoredFiles;
use super::telemetry::Observers;
use super::thread::spawn;
use super::working_copy;
use crate::firewall::{Firewall, Permissions};
use crate::observe::Metrics;
use crate::policy::{self, Policy};
use crate::sandbox::{Code, Determinism, Edition, Facts, Image, WasiConfig, engine};
use crate::setup::guest::Granted;
use crate::setup::sandboxed::world;
use crate::setup::{Prepared, SandboxBuilder, SetupError};
use crate::store::{Backend, Durability, Identity, Keep, SessionId, StoreError};
use crate::workspace::Quota;

/// How long a session that is kept may take to be put away: clients wait some five seconds before they kill.
const CLOSING: Duration = Duration::from_secs(3);

/// What the sessions of a process share.
#[derive(Clone)]
pub struct SessionFactory {
    policy: Arc<Policy>,
    code: Code,
    image: Arc<Image>,
    identity: Identity,
    facts: Facts,
    prepared: Arc<Prepared>,
    granted: Granted,
    scratch: PathBuf,
    writers: Writers,
    metrics: Arc<Metrics>,
}

/// Why there can be no sessions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactoryError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("cannot use the compiled code; run `cellblock setup`: {0:#}")]
    Code(wasmtime::Error),
    #[error("the image's record is damaged; run `cellblock setup`: {0}")]
    Record(serde_json::Error),
    #[error("cannot open the warm image: {0}")]
    Image(std::io::Error),
    #[error(transparent)]
    External(#[from] ExternalError),
    #[error("cannot create {}: {error}", path.display())]
    Scratch { path: PathBuf, error: std::io::Error },
}

impl SessionFactory {
    /// Opens what was prepared, by a builder of the policy's edition. `scratch` is a directory of this process's own,
    /// gone with it.
    ///
    /// # Errors
    /// As [`FactoryError`] says.
    pub fn open(
        builder: &SandboxBuilder,
        prepared: Prepared,
        policy: Policy,
        scratch: &Path,
    ) -> Result<Self, FactoryError> {
        let code = prepared.code()?;
        let module = engine::open_code(builder.engine(), &code.path).map_err(FactoryError::Code)?;
        let image = prepared.image()?;
        let mut facts: Facts = serde_json::from_value(image.meta.clone()).map_err(FactoryError::Record)?;
        facts.fixed = (edition(&policy) == Edition::Deterministic).then(Determinism::session);
        let identity = Identity { runtime: prepared.id().to_owned(), image: image.sha256, image_bytes: image.size };
        Ok(Self {
            granted: granted(&policy, prepared.language(), scratch)?,
            policy: Arc::new(policy),
            code: Code::new(builder.engine(), &module).map_err(FactoryError::Code)?,
            image: Arc::new(Image::from_file(image.file).map_err(FactoryError::Image)?),
            identity,
            facts,
            prepared: Arc::new(prepared),
            scratch: scratch.to_owned(),
            writers: Writers::default(),
            metrics: Arc::default(),
        })
    }

    /// Opens a session on a thread of its own: a new one, or a stored one that goes on. What goes wrong on that thread the
    /// session's first request says.
    ///
    /// # Errors
    /// A store that cannot be reached, or the operating system's, when it gives no thread.
    pub fn session(&self, which: Which, holder: &str) -> Result<Session, StoreError> {
        let closing = closing(&which);
        let origin = self.origin(which, holder, &uuid::Uuid::new_v4().to_string())?;
        let session = spawn(move || Ok::<_, std::convert::Infallible>(origin));
        let failed = |error: std::io::Error| StoreError::Refused(format!("there is no thread for a session: {error}"));
        Ok(session.map_err(failed)?.with_patience(closing))
    }

    /// The same, with a list of who writes on threads of their own: whoever removes the scratch ends them first.
    #[must_use]
    pub fn with_writers(self, writers: Writers) -> Self {
        Self { writers, ..self }
    }

    /// The same with counters of the caller's, who reads them.
    #[must_use]
    pub fn with_metrics(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// What a session begins on. `name` sets its scratch apart from those of the process's other sessions.
    ///
    /// # Errors
    /// A store that cannot be reached, or a directory that cannot be made.
    pub fn origin(&self, which: Which, holder: &str, name: &str) -> Result<SessionSpec, StoreError> {
        let scratch = self.scratch.join(name);
        let keeping =
            PersistOptions { writers: self.writers.clone(), ..keeping(&self.policy, which, holder, &scratch)? };
        let (prepared, granted, edition) = (self.prepared.clone(), self.granted.clone(), edition(&self.policy));
        let limits = Limits::of(&self.policy);
        let (open_files, message) = (limits.open_files, limits.message);
        let quota = limits.workspace;
        let mounts = move |app: &Path, tmp: &Path| {
            let world = world(prepared.guest(), app, tmp, &granted, open_files);
            WasiConfig { max_frame: message, quota, edition, ..world }
        };
        Ok(SessionSpec {
            code: self.code.clone(),
            image: self.image.clone(),
            identity: self.identity.clone(),
            edition,
            language: self.prepared.language(),
            facts: self.facts.clone(),
            world: Arc::new(mounts),
            limits,
            firewall: firewall(&self.policy),
            mounts: guest_mounts(&self.policy),
            shown: Shown { fuel: self.policy.advice.fuel, errors: self.policy.advice.errors },
            observers: Observers { metrics: self.metrics.clone(), with_code: self.policy.log.code },
            env: self.policy.env.clone().into_iter().collect(),
            keeping,
            in_use: self.prepared.clone(),
        })
    }
}

/// Starts a session on a thread of its own. To make the factory may take its time (a first set-up); requests wait.
///
/// # Errors
/// The operating system's, when it gives no thread.
pub fn start<E: std::fmt::Display>(
    factory: impl FnOnce() -> Result<SessionFactory, E> + Send + 'static,
    which: Which,
    holder: String,
) -> std::io::Result<Session> {
    let closing = closing(&which);
    let origin = move || {
        let factory = factory().map_err(|error| error.to_string())?;
        let name = uuid::Uuid::new_v4().to_string();
        factory.origin(which, &holder, &name).map_err(|error| error.to_string())
    };
    Ok(spawn(origin)?.with_patience(closing))
}

/// How long it may take to put a session away.
fn closing(which: &Which) -> Duration {
    if matches!(which, Which::Unkept) { Duration::ZERO } else { CLOSING }
}

/// Of which edition the sessions of a policy are.
pub fn edition(policy: &Policy) -> Edition {
    if policy.deterministic { Edition::Deterministic } else { Edition::Ordinary }
}

fn firewall(policy: &Policy) -> Firewall {
    let output = &policy.output;
    let may = Permissions {
        active_content: output.active_content,
        remote_resources: output.remote_resources,
        terminal: output.terminal,
    };
    Firewall::new(may, output.comm_targets.clone())
}

fn keeping(policy: &Policy, which: Which, holder: &str, scratch: &Path) -> Result<PersistOptions, StoreError> {
    let session = &policy.session;
    let backend = match &which {
        Which::Unkept => Backend::local(&scratch.join("store"))?,
        Which::Notebook(_) | Which::Id(_) => backend(policy)?,
    };
    Ok(PersistOptions {
        which,
        backend,
        scratch: scratch.to_owned(),
        writers: Writers::default(),
        workspace: policy.workspace.clone(),
        resume: match session.resume {
            policy::Resume::Ask => Resume::Ask,
            policy::Resume::Always => Resume::Always,
            policy::Resume::Never => Resume::Never,
        },
        heal: match session.heal {
            policy::Heal::Offer => Heal::Offer,
            policy::Heal::Undo => Heal::Undo,
        },
        only_uuids: session.ids == policy::Ids::Uuid,
        durability: match session.durability {
            policy::Durability::Relaxed => Durability::Relaxed,
            policy::Durability::Sync => Durability::Sync,
        },
        keep: keep(policy),
        idle_evict: session.idle_evict,
        quota: quota(policy),
        holder: holder.to_owned(),
    })
}

/// How much a session's workspace may hold.
pub fn quota(policy: &Policy) -> Quota {
    Quota { bytes: policy.workspace_bytes, files: policy.workspace_files }
}

/// The files of a stored session.
///
/// # Errors
/// As [`backend`]'s.
pub fn stored_files(policy: &Policy, id: &SessionId) -> Result<StoredFiles, StoreError> {
    let backend = backend(policy)?;
    let app = match &policy.workspace {
        // Of a store that is elsewhere there is no working copy that could be relied upon.
        Some(workspace) if backend.local_root().is_some() => Some(workspace.clone()),
        _ => working_copy::path(&backend, id).map(|copy| copy.join("app")),
    };
    Ok(StoredFiles { backend, id: id.clone(), app, quota: quota(policy), keep: keep(policy), state: None })
}

/// How much of its past a session keeps.
pub fn keep(policy: &Policy) -> Keep {
    let session = &policy.session;
    Keep {
        undo_entries: usize::try_from(session.undo).unwrap_or(usize::MAX),
        undo_bytes: session.undo_bytes,
        total_bytes: session.max_bytes,
    }
}

/// Where the policy has sessions stored.
///
/// # Errors
/// A place that cannot be reached, or none: faces name the user's own where the policy names none.
pub fn backend(policy: &Policy) -> Result<Backend, StoreError> {
    match &policy.session.store {
        Some(policy::Store::Directory(path)) => Backend::local(path),
        Some(policy::Store::Url(url)) => Backend::at(url),
        None => Err(StoreError::Refused(
            "there is no home directory to keep sessions in; name a place with `session.store` in the policy"
                .to_owned(),
        )),
    }
}
