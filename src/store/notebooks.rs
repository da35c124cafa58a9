//! Which session a notebook has: a small file for each notebook, named by a hash of its name.

use serde::{Deserialize, Serialize};

use super::backend::Backend;
use super::checksummed;
use super::error::StoreError;
use super::id::SessionId;
use super::layout;
use super::opening::Durability;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pointer {
    notebook: String,
    session_id: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    resume: bool,
}

/// What is known of a notebook's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointed {
    /// Which one it is.
    pub id: SessionId,
    /// Whether the notebook's next kernel goes on with it without being asked: true until one has taken it.
    pub resume: bool,
}

/// From now on this is the notebook's session.
pub fn point(backend: &Backend, notebook: &str, to: &Pointed, durability: Durability) -> Result<(), StoreError> {
    let pointer = Pointer { notebook: notebook.to_owned(), session_id: to.id.to_string(), resume: to.resume };
    let bytes = checksummed::seal(&pointer).map_err(|error| StoreError::Refused(error.to_string()))?;
    let name = layout::notebook(notebook);
    if backend.get(&name)?.is_some_and(|there| there == bytes) {
        return Ok(());
    }
    backend.put(&name, bytes, durability)
}

/// The notebook's session, if it has one; it may have been deleted.
pub fn find(backend: &Backend, notebook: &str) -> Result<Option<Pointed>, StoreError> {
    let name = layout::notebook(notebook);
    let Some(bytes) = backend.get(&name)? else { return Ok(None) };
    let damaged = |why: String| StoreError::Damaged {
        session: format!("of {notebook}"),
        object: name.clone(),
        why,
        last_good: None,
    };
    let pointer: Pointer = checksummed::unseal(&bytes).map_err(damaged)?;
    if pointer.notebook != notebook {
        return Err(damaged(format!("it belongs to {:?}", pointer.notebook)));
    }
    Ok(Some(Pointed { id: SessionId::parse(&pointer.session_id)?, resume: pointer.resume }))
}

/// The notebook has no session any more, if it was this one.
pub fn forget(backend: &Backend, notebook: &str, id: &SessionId) -> Result<(), StoreError> {
    match find(backend, notebook) {
        Ok(Some(found)) if found.id != *id => Ok(()),
        Ok(None) => Ok(()),
        // A pointer that cannot be read leads nowhere.
        Ok(Some(_)) | Err(StoreError::Damaged { .. } | StoreError::BadId(_)) => {
            backend.delete(&layout::notebook(notebook))
        }
        Err(error) => Err(error),
    }
}
