//! `cellblock sessions resume`: nothing is run; the next kernel of the session's notebook takes it up.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::arguments::Place;
use super::damage::with_advice;
use super::states::{self, count};
use super::table;
use crate::cli::builder::builder;
use crate::observe::ResumeWanted;
use crate::policy::{Persist, Policy};
use crate::session::factory;
use crate::session::offline::OfflineAccess;
use crate::setup::{Cache, Prepared};
use crate::store::{Backend, Identity, SessionId, StateInfo, StoreError, View, catalog};
use crate::workspace::Entry;

#[derive(Debug, clap::Args)]
pub(super) struct Resume {
    /// The session
    id: SessionId,
    /// Give the session to this notebook [default: the notebook that it was made in]
    #[arg(long, value_name = "PATH")]
    notebook: Option<PathBuf>,
    /// If the session is damaged, go on from the last state before that, and drop the rest
    #[arg(long)]
    salvage: bool,
    #[command(flatten)]
    place: Place,
}

/// What is known when all was checked.
struct Checked {
    info: StateInfo,
    salvaged: bool,
    /// Whether it was made on the runtime that is here; not known where there is none.
    same_base: Option<bool>,
    portable: bool,
}

impl Resume {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (policy, backend) = self.place.open()?;
        let id = &self.id;
        // The session's own errors come first: one that is not there is not held either.
        let listing = catalog::show(&backend, id)?;
        catalog::require_unheld(&backend, id)?;
        let checked = self.check(&backend, &policy)?;
        let notebook = match &self.notebook {
            Some(path) => Some(name_of(&backend, path)?),
            None => listing.notebook,
        };
        let mut given_up = None;
        if let Some(notebook) = &notebook {
            // A pointer that cannot be read leads nowhere.
            given_up = catalog::find(&backend, notebook).unwrap_or_default().filter(|before| before != id);
            catalog::let_resume(&backend, notebook, id)?;
        }
        ResumeWanted { session: id.as_str(), state: checked.info.id.0, salvaged: checked.salvaged }.log();
        let json = self.as_json(&checked, notebook.as_deref());
        let text = self.as_text(&checked, notebook.as_deref(), given_up.as_ref(), &policy);
        self.place.answer(&json, &text);
        Ok(ExitCode::SUCCESS)
    }

    /// Reads everything that resuming needs.
    fn check(&self, backend: &Backend, policy: &Policy) -> anyhow::Result<Checked> {
        let id = &self.id;
        let salvaged = match whole(backend, id) {
            Ok(()) => false,
            Err(StoreError::Damaged { .. }) if self.salvage => {
                let keep = factory::keep(policy);
                let access = OfflineAccess { backend, id, holder: "cellblock sessions resume --salvage", keep };
                access.salvage()?.close()?;
                whole(backend, id)?;
                true
            }
            Err(error) => return Err(with_advice(id, error)),
        };
        let view = View::open(backend, id)?;
        let info = view.resumable().and_then(|state| view.state(state)).cloned();
        let Some(info) = info else {
            bail!("there is nothing to resume in the session {id}: it was reset, or no cell was run in it");
        };
        let same_base = base(policy).map(|base| base == view.metadata().identity);
        Ok(Checked { info, salvaged, same_base, portable: view.portable()?.is_some() })
    }

    fn as_json(&self, checked: &Checked, notebook: Option<&str>) -> Value {
        json!({
            "session_id": self.id.as_str(),
            "resumable": states::json(&checked.info),
            "notebook": notebook,
            "salvaged": checked.salvaged,
            "same_runtime": checked.same_base,
            "portable": checked.portable,
            "environment": {"CELLBLOCK_SESSION": self.id.as_str()},
        })
    }

    fn as_text(
        &self,
        checked: &Checked,
        notebook: Option<&str>,
        given_up: Option<&SessionId>,
        policy: &Policy,
    ) -> String {
        let id = &self.id;
        let cells = count(checked.info.cells.into(), "cell");
        let mut lines = Vec::new();
        if checked.salvaged {
            lines.push("What was damaged is dropped; what is left was checked.".to_owned());
        }
        lines.push(format!("The session {id} goes on at {}, with {cells}.", states::words(&checked.info)));
        if checked.same_base == Some(false) {
            lines.push(if checked.portable {
                "It was made by another version of Cellblock, or with another `deterministic` in its policy: what is portable of \
                 it can be taken up.".to_owned()
            } else {
                "It was made by another version of Cellblock, or with another `deterministic` in its policy, and nothing \
                 portable of it was saved: only so can it be resumed."
                    .to_owned()
            });
        }
        match notebook {
            Some(notebook) => {
                lines.push(format!("The next kernel of {} takes it up without asking.", table::plain(notebook)));
                if let Some(before) = given_up {
                    lines.push(format!("That notebook's session was {before}, which is still stored."));
                }
                if policy.session.persist == Persist::Off {
                    lines.push("But this policy has no sessions kept (`session.persist`): use the id.".to_owned());
                }
            }
            None => lines.push("It belongs to no notebook; --notebook PATH gives it to one.".to_owned()),
        }
        if checked.same_base != Some(false) {
            lines.push(format!(
                "Or, for any kernel: CELLBLOCK_SESSION={id} jupyter lab (cellblock kernel --session {id})"
            ));
        }
        lines.join("\n")
    }
}

/// That the state to be resumed can be loaded, with its files.
fn whole(backend: &Backend, id: &SessionId) -> Result<(), StoreError> {
    let view = View::open(backend, id)?;
    let Some(state) = view.resumable() else { return Ok(()) };
    let loaded = view.load(state, &|_, _| Ok(()))?;
    let mut contents: Vec<&String> = loaded
        .files
        .0
        .values()
        .filter_map(|entry| match entry {
            Entry::Dir { .. } | Entry::Link { .. } => None,
            Entry::File { sha256, .. } => Some(sha256),
        })
        .collect();
    contents.sort_unstable();
    contents.dedup();
    contents.into_iter().try_for_each(|sha256| view.content(sha256).map(drop))
}

/// The base that kernels have here, if it is set up.
fn base(policy: &Policy) -> Option<Identity> {
    let root = Cache::default_root().ok().filter(|root| root.exists())?;
    let builder = builder(factory::edition(policy)).ok()?;
    let prepared = Prepared::open_unchecked(&Cache::at(&root).ok()?, builder.as_ref()).ok()?;
    let image = prepared.image().ok()?;
    Some(Identity { runtime: prepared.id().to_owned(), image: image.sha256, image_bytes: image.size })
}

/// What Jupyter Server calls a notebook: its path, from the root.
fn name_of(backend: &Backend, path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().context("a notebook's path must be UTF-8")?;
    // One that is known is meant as it is written.
    if catalog::find(backend, text).is_ok_and(|found| found.is_some()) {
        return Ok(text.to_owned());
    }
    let name = path.file_name().filter(|_| path.is_file());
    let Some(name) = name else {
        bail!("there is no notebook {text}, and no stored session belongs to one of that name");
    };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = dir.canonicalize().with_context(|| format!("cannot look at {}", dir.display()))?;
    let whole = dir.join(name);
    Ok(whole.to_str().context("a notebook's path must be UTF-8")?.to_owned())
}
