//! The directory in which a session's files are while it runs, if the store is a directory of this machine. It
//! lies beside the stored session and is no part of it, but it goes when that is deleted.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use crate::store::catalog;
use crate::store::catalog::Pruned;
use crate::store::{Backend, SessionId, StoreError};
use crate::workspace::remove_tree;

/// Its name in a session's directory.
const NAME: &str = "workspace";

/// Where a session's working copy is, or would be. None if the store is elsewhere.
pub fn path(backend: &Backend, id: &SessionId) -> Option<PathBuf> {
    directory(backend, id).map(|directory| directory.join(NAME))
}

fn directory(backend: &Backend, id: &SessionId) -> Option<PathBuf> {
    backend.local_root().map(|root| root.join("sessions").join(id.as_str()))
}

/// Says that a process uses a working copy, as long as the file is open: before its first cell a kernel has no
/// lease. Without the lock it works just as well.
pub fn hold(copy: &Path) -> Option<File> {
    let held = File::open(copy).and_then(|dir| dir.try_lock_shared().map(|()| dir).map_err(io::Error::from));
    held.inspect_err(|error| tracing::debug!(%error, "the session's working copy could not be locked")).ok()
}

/// Whether a process may be using it.
fn is_held(copy: &Path) -> bool {
    match File::open(copy) {
        Ok(dir) => dir.try_lock().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// That no other process has a session of this name, nor its working copy.
///
/// # Errors
/// [`StoreError::Refused`], and [`catalog::require_unheld`]'s.
pub fn require_free(backend: &Backend, id: &SessionId) -> Result<(), StoreError> {
    catalog::require_unheld(backend, id)?;
    match path(backend, id).filter(|copy| is_held(copy)) {
        None => Ok(()),
        Some(_) => Err(StoreError::Refused(format!("another kernel has begun a session {id}"))),
    }
}

/// Deletes a stored session that nobody holds, and its working copy; how many bytes of the store that frees.
///
/// # Errors
/// As [`catalog::delete`]'s.
pub fn delete_session(backend: &Backend, id: &SessionId) -> Result<u64, StoreError> {
    catalog::require_unheld(backend, id)?;
    let copy = path(backend, id).filter(|copy| copy.is_dir());
    if copy.as_ref().is_some_and(|copy| is_held(copy)) {
        return Err(StoreError::Refused(format!(
            "the session {id} is used by a kernel that has not run a cell yet: shut that down first"
        )));
    }
    let bytes = match catalog::delete(backend, id) {
        Err(StoreError::NotFound(_)) if copy.is_some() => 0,
        other => other?,
    };
    remove(backend, id)?;
    Ok(bytes)
}

/// Deletes the sessions that nothing has happened in for so long, with their working copies, and what killed
/// kernels left behind. With `dry_run` it only says which sessions.
///
/// # Errors
/// The store's, where it cannot be listed.
pub fn prune_sessions(backend: &Backend, older_than: TimeDelta, dry_run: bool) -> Result<Pruned, StoreError> {
    let mut pruned = catalog::prune(backend, older_than, dry_run)?;
    if dry_run {
        return Ok(pruned);
    }
    let deleted = pruned.deleted_sessions.iter().filter_map(|name| SessionId::parse(name).ok());
    for id in deleted.collect::<Vec<_>>() {
        if let Err(error) = remove(backend, &id) {
            pruned.errors.insert(id.to_string(), error.to_string());
        }
    }
    for id in catalog::empty(backend)? {
        // Not a session, so nothing is said about it, nor about one that is used.
        if let Err(error) = delete_session(backend, &id) {
            tracing::debug!(%error, session = %id, "what a killed kernel left could not be removed");
        }
    }
    Ok(pruned)
}

/// Removes the working copy of a session that was deleted.
fn remove(backend: &Backend, id: &SessionId) -> Result<(), StoreError> {
    let Some(directory) = directory(backend, id) else { return Ok(()) };
    let io = |error: io::Error| StoreError::Io {
        doing: "cannot delete",
        object: directory.join(NAME).display().to_string(),
        cause: error.to_string(),
    };
    if directory.join(NAME).is_dir() {
        remove_tree(&directory, NAME).map_err(io)?;
    }
    // Where anything is in them, they stay.
    for empty in ["log", "lease", "blobs"].map(|name| directory.join(name)).iter().chain([&directory]) {
        let _ = std::fs::remove_dir(empty);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_by_a_killed_kernel(backend: &Backend, id: &str) -> (SessionId, PathBuf) {
        let id = SessionId::parse(id).unwrap();
        let copy = path(backend, &id).unwrap();
        std::fs::create_dir_all(copy.join("app/deep")).unwrap();
        std::fs::write(copy.join("app/deep/file"), "x").unwrap();
        std::fs::create_dir_all(backend.blob_dir(&id).unwrap()).unwrap();
        (id, copy)
    }

    #[test]
    fn what_a_killed_kernel_left_is_no_session_and_goes_when_nobody_uses_it() {
        let dir = tempfile::tempdir().unwrap();
        let backend = Backend::local(dir.path()).unwrap();
        let (_, used) = left_by_a_killed_kernel(&backend, "used");
        let (_, unused) = left_by_a_killed_kernel(&backend, "unused");
        let outside = dir.path().join("outside");
        std::fs::write(&outside, "x").unwrap();
        std::os::unix::fs::symlink(&outside, unused.join("app/link")).unwrap();
        assert!(catalog::list(&backend).unwrap().is_empty());
        let lock = hold(&used).unwrap();
        assert_eq!(prune_sessions(&backend, TimeDelta::days(1), true).unwrap(), Pruned::default());
        assert!(unused.exists(), "a dry run");
        assert_eq!(prune_sessions(&backend, TimeDelta::days(1), false).unwrap(), Pruned::default());
        assert!(used.exists() && outside.exists());
        assert!(!unused.parent().unwrap().exists());
        drop(lock);
        prune_sessions(&backend, TimeDelta::days(1), false).unwrap();
        assert!(!used.parent().unwrap().exists());
    }

    #[test]
    fn what_is_used_is_not_deleted_and_what_is_not_there_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let backend = Backend::local(dir.path()).unwrap();
        let (id, copy) = left_by_a_killed_kernel(&backend, "used");
        let lock = hold(&copy).unwrap();
        assert!(delete_session(&backend, &id).unwrap_err().to_string().contains("shut that down first"));
        assert!(copy.exists());
        drop(lock);
        assert_eq!(delete_session(&backend, &id).unwrap(), 0);
        assert!(matches!(delete_session(&backend, &id), Err(StoreError::NotFound(_))));
    }
}
