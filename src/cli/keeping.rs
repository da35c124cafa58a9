//! Which session a command means, and how the policy wants it kept.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use super::session::Places;
use crate::policy::{self, Policy};
use crate::session::store::{Depot, Durability, Keep, SessionId};
use crate::session::workspace::Quota;
use crate::session::{Keeping, Resume, Which};

/// Which session is wanted.
#[derive(Debug, Default, clap::Args)]
pub(super) struct SessionArguments {
    /// The session to go on with, or to begin under this name [default: the notebook's own]
    #[arg(long, value_name = "ID", env = "CELLBLOCK_SESSION")]
    session: Option<String>,
}

/// The variable in which Jupyter says which notebook a kernel is for.
const NOTEBOOK: &str = "JPY_SESSION_NAME";

/// How a session of this process is kept.
///
/// # Errors
/// An id that is none, a store that cannot be reached.
pub(super) fn keeping(policy: &Policy, wanted: &SessionArguments, places: &Places) -> anyhow::Result<Keeping> {
    let notebook = std::env::var(NOTEBOOK).ok().filter(|name| !name.is_empty());
    let which = match (&wanted.session, notebook) {
        (Some(id), _) => Which::Id(SessionId::parse(id).context("--session or CELLBLOCK_SESSION")?),
        (None, Some(name)) if policy.session.persist == policy::Persist::Cells => Which::Notebook(name),
        _ => Which::Unkept,
    };
    let holder = match &which {
        Which::Notebook(name) => format!("the kernel of {name}"),
        _ => "a kernel".to_owned(),
    };
    let session = &policy.session;
    let depot = match &which {
        Which::Unkept => Depot::local(&places.scratch().join("store"))?,
        _ => depot(policy)?,
    };
    Ok(Keeping {
        which,
        depot,
        scratch: places.scratch().to_owned(),
        workspace: policy.workspace.clone(),
        resume: match session.resume {
            policy::Resume::Ask => Resume::Ask,
            policy::Resume::Always => Resume::Always,
            policy::Resume::Never => Resume::Never,
        },
        durability: match session.durability {
            policy::Durability::Relaxed => Durability::Relaxed,
            policy::Durability::Sync => Durability::Sync,
        },
        keep: keep(policy),
        idle_evict: session.idle_evict.map(Duration::from_secs_f64),
        quota: Quota { bytes: policy.workspace_bytes, files: policy.workspace_files },
        holder,
    })
}

/// How much of its past a session keeps.
pub(super) fn keep(policy: &Policy) -> Keep {
    let session = &policy.session;
    Keep {
        undo: usize::try_from(session.undo).unwrap_or(usize::MAX),
        undo_bytes: session.undo_bytes,
        total_bytes: session.max_bytes,
    }
}

/// Where the policy has sessions stored.
pub(super) fn depot(policy: &Policy) -> anyhow::Result<Depot> {
    Ok(match &policy.session.store {
        Some(policy::Store::Directory(path)) => Depot::local(path)?,
        Some(policy::Store::Url(url)) => Depot::at(url)?,
        None => Depot::local(&default_store()?)?,
    })
}

fn default_store() -> anyhow::Result<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "cellblock")
        .context("there is no home directory to keep sessions in; name a place with `session.store` in the policy")?;
    Ok(dirs.data_dir().to_owned())
}
