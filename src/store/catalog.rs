//! All stored sessions: for the commands. Nothing is hidden: what cannot be read is listed with the reason.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::backend::Backend;
use super::error::StoreError;
use super::holder::Holder;
use super::id::SessionId;
use super::lease::Lease;
use super::metadata::{Metadata, Problem};
use super::opening::Durability;
use super::{layout, notebooks, reading};
pub use notebooks::Pointed;

/// A session in a list. Its log has not been read.
#[derive(Debug, Clone, Serialize)]
pub struct Listing {
    /// The directory's name, whatever it is.
    pub session_id: String,
    /// Whose session it is.
    pub notebook: Option<String>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When something in it last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// What it was recorded on.
    pub runtime: Option<String>,
    /// Of the format.
    pub version: Option<u32>,
    /// In the store.
    pub bytes: u64,
    /// Who has it open, in words.
    pub held_by: Option<String>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// What [`prune`] did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Deleted, or to be deleted.
    pub deleted_sessions: Vec<String>,
    /// Left alone, with the reason: `missing_metadata`, `corrupted_metadata`, `corrupted_timestamp`, `held`.
    /// Sessions that are not old enough are not mentioned.
    pub skipped_sessions: Vec<Skipped>,
    /// What that frees.
    pub reclaimed_bytes: u64,
    /// What went wrong, by session.
    pub errors: BTreeMap<String, String>,
}

/// A session that was left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Which one.
    pub session_id: String,
    /// Why, in one word.
    pub reason: &'static str,
    /// Why, in more words.
    pub detail: String,
}

/// All sessions, the last changed first. A directory in which nothing was ever recorded is none.
pub fn list(backend: &Backend) -> Result<Vec<Listing>, StoreError> {
    let mut listings = Vec::new();
    for name in backend.list_dirs(layout::SESSIONS)? {
        match SessionId::parse(&name).and_then(|id| show(backend, &id)) {
            Ok(listing) => listings.push(listing),
            Err(StoreError::NotFound(_)) => {}
            Err(error) => listings.push(broken(&name, &error)),
        }
    }
    listings.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then_with(|| a.session_id.cmp(&b.session_id)));
    Ok(listings)
}

/// One session as [`list`] shows it. To check its log, open a [`super::View`].
pub fn show(backend: &Backend, id: &SessionId) -> Result<Listing, StoreError> {
    let bytes = stored(backend, id)?;
    let (held_by, lease_problem) = match Lease::require_unheld(backend, id) {
        Ok(()) => (None, None),
        Err(StoreError::Held { holder, .. }) => (Some(holder), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let mut listing = Listing {
        session_id: id.to_string(),
        notebook: None,
        created_at: None,
        updated_at: bytes.newest,
        runtime: None,
        version: None,
        bytes: bytes.total,
        held_by,
        problem: lease_problem,
    };
    match Metadata::look(backend, id)? {
        Ok(metadata) => {
            let times = metadata.times().ok();
            listing.created_at = times.map(|(created, _)| created);
            listing.updated_at = times.map(|(_, updated)| updated).max(bytes.newest);
            listing.version = Some(metadata.version);
            listing.notebook = metadata.notebook;
            listing.runtime = Some(metadata.identity.runtime);
        }
        Err(Problem::Missing) if is_empty(backend, id)? => return Err(StoreError::NotFound(id.to_string())),
        Err(problem) => listing.problem = Some(problem.damage(id).to_string()),
    }
    Ok(listing)
}

/// The session of a notebook, if it has one that is there.
pub fn find(backend: &Backend, notebook: &str) -> Result<Option<SessionId>, StoreError> {
    Ok(pointed(backend, notebook)?.map(|pointed| pointed.id))
}

/// The same, with what is to become of it.
pub fn pointed(backend: &Backend, notebook: &str) -> Result<Option<Pointed>, StoreError> {
    let Some(pointed) = notebooks::find(backend, notebook)? else { return Ok(None) };
    let there = match Metadata::look(backend, &pointed.id)? {
        Err(Problem::Missing) => !backend.list(&layout::log(&pointed.id))?.is_empty(),
        Ok(_) | Err(_) => true,
    };
    Ok(there.then_some(pointed))
}

/// From now on this is the notebook's session, and the notebook's next kernel goes on with it.
pub fn let_resume(backend: &Backend, notebook: &str, id: &SessionId) -> Result<(), StoreError> {
    notebooks::point(backend, notebook, &Pointed { id: id.clone(), resume: true }, Durability::Sync)
}

/// That nobody has the session open; the error says who has.
pub fn require_unheld(backend: &Backend, id: &SessionId) -> Result<(), StoreError> {
    Lease::require_unheld(backend, id)
}

/// The directories in which nothing was ever recorded, and that nobody holds: a kernel that was killed before
/// its first cell leaves one. Whether a kernel that still waits for that cell uses one cannot be seen from here.
pub fn empty(backend: &Backend) -> Result<Vec<SessionId>, StoreError> {
    let mut ids = Vec::new();
    for name in backend.list_dirs(layout::SESSIONS)? {
        let Ok(id) = SessionId::parse(&name) else { continue };
        let nothing = Metadata::look(backend, &id)? == Err(Problem::Missing) && is_empty(backend, &id)?;
        if nothing && Lease::require_unheld(backend, &id).is_ok() {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Whether there is nothing but what is left of a session that was never quite made.
fn is_empty(backend: &Backend, id: &SessionId) -> Result<bool, StoreError> {
    Ok(reading::is_stillborn(backend, id)? && backend.size(&layout::portable(id))?.is_none())
}

/// Deletes a session that nobody holds, damaged or not; returns how many bytes that frees. Its working copy
/// of the workspace, which is not part of the stored session, is left to whoever made it.
pub fn delete(backend: &Backend, id: &SessionId) -> Result<u64, StoreError> {
    let bytes = stored(backend, id)?.total;
    let metadata = Metadata::look(backend, id)?;
    if bytes == 0 && metadata == Err(Problem::Missing) {
        return Err(StoreError::NotFound(id.to_string()));
    }
    // Nobody opens it while it goes.
    let lease = Lease::acquire(backend, id, &Holder::here("deleting the session"))?;
    if let Some(notebook) = metadata.ok().and_then(|metadata| metadata.notebook) {
        notebooks::forget(backend, &notebook, id)?;
    }
    // First: without it there is no session.
    backend.delete(&layout::metadata(id))?;
    for below in [layout::log(id), layout::blobs(id)] {
        let names: Vec<String> =
            backend.list(&below)?.into_iter().map(|object| format!("{below}/{}", object.name)).collect();
        if !names.is_empty() {
            backend.delete_all(names)?;
        }
    }
    backend.delete(&layout::portable(id))?;
    let leases = layout::leases(id);
    let names = backend.list(&leases)?.into_iter().map(|object| format!("{leases}/{}", object.name)).collect();
    backend.delete_all(names)?;
    drop(lease);
    remove_directories(backend, id);
    Ok(bytes)
}

/// Deletes the sessions that nothing has happened in for so long. With `dry_run` it only says which.
pub fn prune(backend: &Backend, older_than: TimeDelta, dry_run: bool) -> Result<Pruned, StoreError> {
    let mut pruned = Pruned::default();
    for name in backend.list_dirs(layout::SESSIONS)? {
        let outcome = SessionId::parse(&name).and_then(|id| prune_one(backend, &id, older_than, dry_run));
        match outcome {
            Ok(Verdict::Young | Verdict::Empty) => {}
            Ok(Verdict::Deleted(bytes)) => {
                pruned.deleted_sessions.push(name);
                pruned.reclaimed_bytes += bytes;
            }
            Ok(Verdict::Skipped(reason, detail)) => {
                pruned.skipped_sessions.push(Skipped { session_id: name, reason, detail });
            }
            Err(error) => drop(pruned.errors.insert(name, error.to_string())),
        }
    }
    Ok(pruned)
}

enum Verdict {
    Young,
    /// Not a session: see [`empty`].
    Empty,
    Deleted(u64),
    Skipped(&'static str, String),
}

fn prune_one(backend: &Backend, id: &SessionId, older_than: TimeDelta, dry_run: bool) -> Result<Verdict, StoreError> {
    let updated = match Metadata::look(backend, id)?.and_then(|metadata| metadata.times()) {
        Ok((_, updated)) => updated,
        Err(Problem::Missing) if is_empty(backend, id)? => return Ok(Verdict::Empty),
        Err(problem) => {
            let reason = match &problem {
                Problem::Missing => "missing_metadata",
                Problem::Corrupted(_) => "corrupted_metadata",
                Problem::Timestamp(_) => "corrupted_timestamp",
            };
            return Ok(Verdict::Skipped(reason, problem.damage(id).to_string()));
        }
    };
    let stored = stored(backend, id)?;
    let updated = stored.newest.map_or(updated, |newest| newest.max(updated));
    if backend.now() - updated < older_than {
        return Ok(Verdict::Young);
    }
    if let Err(error) = Lease::require_unheld(backend, id) {
        return match error {
            StoreError::Held { .. } | StoreError::LeaseDamaged { .. } => {
                Ok(Verdict::Skipped("held", error.to_string()))
            }
            other => Err(other),
        };
    }
    if dry_run {
        return Ok(Verdict::Deleted(stored.total));
    }
    delete(backend, id).map(Verdict::Deleted)
}

struct Stored {
    total: u64,
    /// When the newest record was written.
    newest: Option<DateTime<Utc>>,
}

fn stored(backend: &Backend, id: &SessionId) -> Result<Stored, StoreError> {
    let log = backend.list(&layout::log(id))?;
    let blobs = backend.list(&layout::blobs(id))?;
    let total = log.iter().chain(&blobs).map(|object| object.bytes).sum::<u64>();
    let rest = backend.size(&layout::portable(id))?.unwrap_or(0) + backend.size(&layout::metadata(id))?.unwrap_or(0);
    Ok(Stored { total: total + rest, newest: log.iter().map(|object| object.modified).max() })
}

fn broken(name: &str, error: &StoreError) -> Listing {
    Listing {
        session_id: name.to_owned(),
        notebook: None,
        created_at: None,
        updated_at: None,
        runtime: None,
        version: None,
        bytes: 0,
        held_by: None,
        problem: Some(error.to_string()),
    }
}

/// A listing of directories should not show what is gone. Directories with something in them stay.
fn remove_directories(backend: &Backend, id: &SessionId) {
    let Some(root) = backend.local_root() else { return };
    for below in [layout::log(id), layout::leases(id), layout::blobs(id), layout::session(id)] {
        let _ = std::fs::remove_dir(root.join(below));
    }
}
