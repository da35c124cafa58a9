//! How a session begins: which stored session belongs to it, whether that can be had, and where its files are.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::health::Heal;
use super::journal::backlog::Pace;
use super::journal::writer::{JournalWriter, Plan};
use super::journal::{Journal, JournalError};
use super::scratch::Writers;
use super::working_copy;
use crate::store::catalog;
use crate::store::catalog::Pointed;
use crate::store::{Backend, Durability, Holder, Identity, Keep, SessionId, StoreError, Summary, View};

/// Which session is wanted.
#[derive(Debug, Clone)]
pub enum Which {
    /// A new one that goes with the process.
    Unkept,
    /// The one of a notebook, by the name that Jupyter gives it.
    Notebook(String),
    /// The one with this id.
    Id(SessionId),
}

/// What becomes of a stored session when its notebook gets another kernel (`session.resume`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resume {
    /// It is said that it is there.
    #[default]
    Ask,
    /// It goes on.
    Always,
    /// It is left alone.
    Never,
}

/// How a session is kept. From the policy and the command line alone.
#[derive(Debug, Clone)]
pub struct PersistOptions {
    pub which: Which,
    /// Where stored sessions are.
    pub backend: Backend,
    /// A directory of this process's own, gone with it.
    pub scratch: PathBuf,
    /// Who writes there, or elsewhere, on a thread of his own.
    pub writers: Writers,
    /// A directory of the host's for `/app`; `None` for one of the session's own.
    pub workspace: Option<PathBuf>,
    pub resume: Resume,
    /// What is done about a session that does not answer.
    pub heal: Heal,
    /// Whether new sessions have UUIDs as their ids, and nothing else (`session.ids`).
    pub only_uuids: bool,
    pub durability: Durability,
    pub keep: Keep,
    /// How long a session may be idle before it gives its memory back; `None` for ever.
    pub idle_evict: Option<Duration>,
    /// Bytes and files of the workspace that are recorded at most.
    pub quota: crate::workspace::Quota,
    /// Who holds the session, in words for whoever wants it too.
    pub holder: String,
}

/// What there was of the session before.
#[derive(Debug, Clone, Default)]
pub enum Found {
    /// Nothing, or nothing that would have to be said.
    #[default]
    Nothing,
    /// A session that can go on.
    Saved(Saved),
    /// A session whose image is gone: only what was pickled of it can be had.
    OtherBase(Saved),
    /// A session that goes on.
    Resumed(Saved),
    /// Anything else, in words for the user.
    Said(String),
    /// This session will not be kept; why, in words for the user.
    Unkept(String),
}

/// A stored session, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    pub at: DateTime<Utc>,
    pub cells: u64,
}

impl Saved {
    /// The run that is over, if it left anything.
    pub fn last(summary: &Summary) -> Option<Self> {
        let last = summary.current.as_ref().or(summary.previous.as_ref());
        last.map(|last| Self { at: last.cell.at, cells: last.cells.into() })
    }

    /// The run before the one that goes on now, if it left anything.
    pub fn of(summary: &Summary) -> Option<Self> {
        summary.previous.as_ref().map(|last| Self { at: last.cell.at, cells: last.cells.into() })
    }
}

impl std::fmt::Display for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M");
        let cells = if self.cells == 1 { "cell" } else { "cells" };
        write!(f, "of {at} with {} {cells}", self.cells)
    }
}

/// Where a session's files are while it runs.
#[derive(Debug, Clone)]
pub struct Directories {
    /// `/app` in the guest.
    pub app: PathBuf,
    /// `/tmp` in the guest.
    pub tmp: PathBuf,
    /// Where the contents of recorded files are put.
    pub blobs: PathBuf,
    /// For what the workspace keeps of its own.
    pub held: PathBuf,
}

/// A session's journal, what was found, and where its files are.
#[derive(Debug)]
pub struct Opened {
    pub journal: Journal,
    pub found: Found,
    pub directories: Directories,
    pub resume: Resume,
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot prepare the session's directory {}: {error}", path.display())]
    Directory { path: PathBuf, error: std::io::Error },
    #[error("cannot start the session's journal: {0}")]
    Thread(std::io::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl PersistOptions {
    /// Opens the session that is wanted. One that was named is an error if it cannot be had; a notebook's gives way
    /// to one that is not kept, which says why.
    ///
    /// # Errors
    /// As [`OpenError`] says.
    pub fn open(&self, identity: &Identity) -> Result<Opened, OpenError> {
        match &self.which {
            Which::Unkept => self.unkept(identity, Found::Nothing),
            Which::Id(id) => {
                let plan = || self.plan(&self.backend, id.clone(), identity, None);
                let writer = match JournalWriter::open(plan()) {
                    Err(StoreError::NotFound(_)) => JournalWriter::new(plan()),
                    opened => opened?,
                };
                // Whoever names a session wants that session.
                self.kept(writer, Resume::Always, false)
            }
            Which::Notebook(name) => self.notebook(name, identity),
        }
    }

    fn notebook(&self, name: &str, identity: &Identity) -> Result<Opened, OpenError> {
        let fresh = || JournalWriter::new(self.plan(&self.backend, SessionId::random(), identity, Some(name)));
        let pointed = match catalog::pointed(&self.backend, name) {
            Ok(pointed) => pointed,
            Err(error) => return self.unkept(identity, Found::Unkept(error.to_string())),
        };
        let Some(Pointed { id, resume: wished }) = pointed else { return self.kept(fresh(), self.resume, false) };
        // Asked for from outside (`cellblock sessions resume`), and true once: opening the log forgets it.
        let resume = if wished { Resume::Always } else { self.resume };
        match JournalWriter::open(self.plan(&self.backend, id.clone(), identity, Some(name))) {
            Err(StoreError::NotFound(_)) => self.kept(fresh(), self.resume, false),
            Ok(writer) => self.kept(writer, resume, wished),
            Err(StoreError::OtherBase { .. }) => {
                let saved = View::open(&self.backend, &id).ok().and_then(|view| Saved::last(&view.summary()));
                let writer = JournalWriter::on_new_base(self.plan(&self.backend, id, identity, Some(name)));
                let opened = self.kept(writer, resume, wished)?;
                Ok(Opened { found: saved.map_or(Found::Nothing, Found::OtherBase), ..opened })
            }
            Err(error) => self.unkept(identity, Found::Unkept(error.to_string())),
        }
    }

    fn unkept(&self, identity: &Identity, found: Found) -> Result<Opened, OpenError> {
        let backend = Backend::local(&self.scratch.join("store"))?;
        let writer = JournalWriter::new(Plan {
            durability: Durability::Relaxed,
            kept: false,
            ..self.plan(&backend, SessionId::random(), identity, None)
        });
        if let Found::Unkept(why) = &found {
            writer.standing().lock().reason = Some(why.clone());
        }
        let directories = self.directories(&backend, writer.id(), &self.scratch)?;
        let journal = Journal::start(writer, Pace::WhenAsked).map_err(OpenError::Thread)?;
        self.writers.add(&journal.backlog());
        Ok(Opened { journal, found, directories, resume: Resume::Never })
    }

    fn kept(&self, mut writer: JournalWriter, resume: Resume, wished: bool) -> Result<Opened, OpenError> {
        // Who asked for a restart wanted to begin afresh, and knows what there was; a wish since then counts more.
        let log = writer.log().filter(|log| wished || !log.begins_afresh());
        let found = log.and_then(|log| Saved::of(&log.summary())).map_or(Found::Nothing, Found::Saved);
        let copy = working_copy::path(&self.backend, writer.id());
        let place = copy.as_ref().unwrap_or(&self.scratch);
        let directories = self.directories(&self.backend, writer.id(), place)?;
        if copy.is_some() {
            writer.hold(working_copy::hold(place));
            writer.watch(place.parent().and_then(|directory| File::open(directory).ok()));
        }
        let journal = Journal::start(writer, Pace::AtOnce).map_err(OpenError::Thread)?;
        self.writers.add(&journal.backlog());
        Ok(Opened { journal, found, directories, resume })
    }

    /// Makes the directories of a kept session again, whose own was deleted: that, and the lock on its working copy.
    ///
    /// # Errors
    /// [`OpenError::Directory`], and [`OpenError::Store`] if another kernel has begun a session of this name since.
    pub fn again(&self, id: &SessionId) -> Result<(Directories, Option<File>, Option<File>), OpenError> {
        working_copy::require_free(&self.backend, id)?;
        let copy = working_copy::path(&self.backend, id);
        let place = copy.as_ref().unwrap_or(&self.scratch);
        let directories = self.directories(&self.backend, id, place)?;
        let directory = copy.as_ref().and_then(|copy| File::open(copy.parent()?).ok());
        Ok((directories, directory, copy.as_ref().and_then(|copy| working_copy::hold(copy))))
    }

    fn plan(&self, backend: &Backend, id: SessionId, identity: &Identity, notebook: Option<&str>) -> Plan {
        let blobs = self.blobs(backend, &id);
        Plan {
            id,
            backend: backend.clone(),
            identity: identity.clone(),
            notebook: notebook.map(str::to_owned),
            holder: Holder::here(&self.holder),
            keep: self.keep,
            durability: self.durability,
            blobs,
            kept: true,
        }
    }

    /// Where the contents of a session's files are on this machine.
    fn blobs(&self, backend: &Backend, id: &SessionId) -> PathBuf {
        backend.blob_dir(id).unwrap_or_else(|| self.scratch.join("blobs"))
    }

    fn directories(&self, backend: &Backend, id: &SessionId, place: &Path) -> Result<Directories, OpenError> {
        let app = self.workspace.clone().unwrap_or_else(|| place.join("app"));
        let blobs = self.blobs(backend, id);
        let directories = Directories { app, tmp: place.join("tmp"), blobs, held: place.join("held") };
        for path in [&directories.app, &directories.tmp, &directories.blobs, &directories.held] {
            // A session's files are nobody else's business.
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|error| OpenError::Directory { path: path.clone(), error })?;
        }
        Ok(directories)
    }
}
