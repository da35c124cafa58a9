//! The files of a stored session, for whoever comes without a kernel. What is seen is the working copy, or,
//! where there is none, the state that the next kernel can resume. A change is made in the working copy and in
//! that state: one of the copy alone would be taken back when the session is resumed.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::offline::OfflineAccess;
use crate::store::{Backend, Keep, Log, NewState, Pages, SessionId, StoreError, View, catalog};
use crate::timeline::{Move, MoveError, StateId, Target};
use crate::workspace::{
    Changes, Deleted, Entry, FilesError, Glob, Listed, Manifest, Places, Quota, SessionFiles, Workspace, WorkspaceError,
};

/// What manifests call the workspace.
const APP: &str = "app";

/// The files of one session.
#[derive(Debug)]
pub struct StoredFiles {
    pub backend: Backend,
    pub id: SessionId,
    /// Where the workspace is while the session runs; none if the store is not on this machine.
    pub app: Option<PathBuf>,
    pub quota: Quota,
    pub keep: Keep,
    /// Look at this state, and not at the working copy.
    pub state: Option<StateId>,
}

/// Where files were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// In the session's working copy.
    WorkingCopy,
    /// In a stored state.
    State(StateId),
}

/// Why the files could not be seen or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredFilesError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(
        "the files of the session {session} cannot be changed here: {why}. Open it in a kernel, and change them there."
    )]
    NoWorkingCopy { session: SessionId, why: String },
    #[error("the session {0} is a fork in which nothing was run yet, so its files cannot be changed: run a cell first")]
    FreshFork(SessionId),
    #[error(
        "{path} was changed in the working copy, but that could not be recorded, so resuming the session takes it back: {why}"
    )]
    Unrecorded { path: String, why: String },
}

impl StoredFiles {
    /// All files, or those that a pattern names, by their paths in order, and where they were seen.
    ///
    /// # Errors
    /// As [`StoredFilesError`] says.
    pub fn list(&self, pattern: Option<&str>) -> Result<(Vec<Listed>, Source), StoredFilesError> {
        if let Some(app) = self.copy() {
            return Ok((open(app)?.list(pattern)?, Source::WorkingCopy));
        }
        let (_, state, files) = self.stored()?;
        let glob = pattern.map(Glob::new);
        let listed = files.0.iter().filter_map(|(path, entry)| {
            let path = path.strip_prefix("app/")?;
            let Entry::File { size, mtime_ns, .. } = entry else { return None };
            let wanted = glob.as_ref().is_none_or(|glob| glob.matches(path));
            wanted.then(|| Listed { path: path.to_owned(), size: *size, mtime_ns: *mtime_ns })
        });
        Ok((listed.collect(), Source::State(state)))
    }

    /// Writes what a file has in it, and answers how many bytes that were, and where it was seen.
    ///
    /// # Errors
    /// As [`StoredFilesError`] says.
    pub fn get(&self, path: &str, to: &mut impl Write) -> Result<(u64, Source), StoredFilesError> {
        if let Some(app) = self.copy() {
            return Ok((open(app)?.get(path, to)?, Source::WorkingCopy));
        }
        if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
            return Err(FilesError::Outside { path: path.chars().take(200).collect() }.into());
        }
        let (view, state, files) = self.stored()?;
        let path = path.to_owned();
        match files.0.get(&format!("{APP}/{path}")) {
            None | Some(Entry::Link { .. }) => Err(FilesError::NotFound { path }.into()),
            Some(Entry::Dir { .. }) => Err(FilesError::IsDirectory { path }.into()),
            Some(Entry::File { sha256, .. }) => {
                let content = view.content(sha256)?;
                to.write_all(&content).map_err(|source| FilesError::Sink { path, source })?;
                Ok((content.len() as u64, Source::State(state)))
            }
        }
    }

    /// Makes a file of what `from` has; its size. Nobody may have the session.
    ///
    /// # Errors
    /// As [`StoredFilesError`] says.
    pub fn put(&self, path: &str, from: &mut impl Read, overwrite: bool) -> Result<u64, StoredFilesError> {
        self.change(
            path,
            |files| files.put(path, from, overwrite, self.quota),
            |log, before| self.with_file(log, before, path),
        )
    }

    /// Deletes a file, or, if `recursive`, a directory with all that is in it. Nobody may have the session.
    ///
    /// # Errors
    /// As [`StoredFilesError`] says.
    pub fn delete(&self, path: &str, recursive: bool) -> Result<Deleted, StoredFilesError> {
        self.change(path, |files| files.delete(path, recursive), |_, before| Ok(without(before, path)))
    }

    /// Changes the working copy, and then the state that would be resumed.
    fn change<T>(
        &self,
        path: &str,
        change: impl FnOnce(&SessionFiles) -> Result<T, FilesError>,
        recorded: impl FnOnce(&Log, &Manifest) -> Result<Manifest, String>,
    ) -> Result<T, StoredFilesError> {
        // The session's own errors come first, and nothing is touched where nothing can be done.
        catalog::show(&self.backend, &self.id)?;
        let no_copy = |why| StoredFilesError::NoWorkingCopy { session: self.id.clone(), why };
        let Some(app) = &self.app else {
            return Err(no_copy("they are in a store that is not on this machine".to_owned()));
        };
        if !app.is_dir() {
            return Err(no_copy(format!("they are stored, but not in {}", app.display())));
        }
        let holder = "cellblock sessions files";
        let mut log = OfflineAccess { backend: &self.backend, id: &self.id, holder, keep: self.keep }.open()?;
        let resumed = match log.peek(&Move::Resume) {
            Ok(Target::State(state)) => Some(state),
            // A kernel begins with the working copy as it is.
            Ok(Target::Fresh) | Err(StoreError::Move(MoveError::NothingToResume)) => None,
            Err(error) => return Err(error.into()),
        };
        let state = resumed.map(|state| log.load(state, &|_, _| Ok(())).map(|loaded| (state, loaded))).transpose()?;
        if state.as_ref().is_some_and(|(_, loaded)| loaded.reseed) {
            return Err(StoredFilesError::FreshFork(self.id.clone()));
        }
        let done = change(&open(app)?)?;
        if let Some((state, loaded)) = state {
            let unrecorded = |why: String| StoredFilesError::Unrecorded { path: path.to_owned(), why };
            let after = recorded(&log, &loaded.files).map_err(unrecorded)?;
            self.check_quota(&after).map_err(|error| unrecorded(error.to_string()))?;
            let cell = log.state(state).map(|info| info.cell.clone());
            let cell = cell.ok_or_else(|| unrecorded(format!("the state {state} is gone")))?;
            let new = NewState {
                cell,
                amend: true,
                cells: 0,
                memory_bytes: loaded.memory_bytes,
                pages: Pages::default(),
                facts: loaded.facts,
                clock_ns: loaded.clock_ns,
                files: Some(by_hand(&loaded.files, &after)),
            };
            let stored = log.move_to(&Move::Resume).and_then(|_| log.append(new));
            stored.map_err(|error| unrecorded(error.to_string()))?;
        }
        log.close()?;
        Ok(done)
    }

    /// The files of the state `before` with the one at `path` as it is in the working copy, and its directories.
    fn with_file(&self, log: &Log, before: &Manifest, path: &str) -> Result<Manifest, String> {
        let (Some(app), Some(blobs)) = (&self.app, self.backend.blob_dir(log.id())) else {
            return Err("the store is not on this machine".to_owned());
        };
        let roots = [(APP, app.clone())];
        let held = tempfile::tempdir().map_err(|error| error.to_string())?;
        let places = Places { roots: &roots, blobs, held: held.path().to_owned() };
        let mut workspace = Workspace::new(&places, self.quota).map_err(|error| error.to_string())?;
        let whole = format!("{APP}/{path}");
        let entry = workspace.record_path(&whole).map_err(|error| error.to_string())?;
        let mut after = without(before, path);
        let above = whole.match_indices('/').skip(1).filter_map(|(at, _)| whole.get(..at));
        for directory in above {
            let entry = workspace.record_path(directory).map_err(|error| error.to_string())?;
            after.0.insert(directory.to_owned(), entry);
        }
        after.0.insert(whole.clone(), entry);
        Ok(after)
    }

    /// Over its quota, a state could not be resumed.
    fn check_quota(&self, files: &Manifest) -> Result<(), WorkspaceError> {
        let size = |entry: &Entry| match entry {
            Entry::Dir { .. } | Entry::Link { .. } => 0,
            Entry::File { size, .. } => *size,
        };
        let bytes = files.0.values().map(size).fold(0u64, u64::saturating_add);
        self.quota.check(bytes, files.0.len() as u64)
    }

    /// The working copy, if it is there.
    fn copy(&self) -> Option<&Path> {
        self.app.as_deref().filter(|app| self.state.is_none() && app.is_dir())
    }

    /// What is stored, and the files of the state in which the session is or from which it goes on.
    fn stored(&self) -> Result<(View, StateId, Manifest), StoredFilesError> {
        let view = View::open(&self.backend, &self.id)?;
        let current = match (self.state, view.timeline().current()) {
            (Some(wanted), _) if view.timeline().states().contains(&wanted) => Some(wanted),
            (Some(wanted), _) => return Err(StoreError::Move(MoveError::NoSuchState(wanted)).into()),
            (None, Target::State(state)) => Some(state),
            (None, Target::Fresh) => view.resumable(),
        };
        let state = current.ok_or(StoreError::Move(MoveError::NothingToResume))?;
        let files = view.files(state);
        Ok((view, state, files))
    }
}

fn open(app: &Path) -> Result<SessionFiles, FilesError> {
    Ok(SessionFiles::open(app)?)
}

/// What leads from one to the other, if a person did it: going back over it leaves that as it is.
fn by_hand(before: &Manifest, after: &Manifest) -> Changes {
    let mut changes = before.diff(after);
    let files = changes.set.iter().filter(|(_, entry)| !matches!(entry, Entry::Dir { .. }));
    let put = files.map(|(path, entry)| (path.clone(), Some(entry.clone())));
    changes.before = put.chain(changes.gone.iter().map(|path| (path.clone(), None))).collect();
    changes
}

/// These files without the one at `path`, and without what is in it.
fn without(files: &Manifest, path: &str) -> Manifest {
    let (whole, below) = (format!("{APP}/{path}"), format!("{APP}/{path}/"));
    let left = files.0.iter().filter(|(name, _)| **name != whole && !name.starts_with(&below));
    Manifest(left.map(|(name, entry)| (name.clone(), entry.clone())).collect())
}

#[cfg(test)]
#[path = "stored_files_tests.rs"]
mod tests;
