//! Which session a notebook has: a small file for each notebook, named by a hash of its name.

use serde::{Deserialize, Serialize};

use super::depot::Depot;
use super::error::StoreError;
use super::id::SessionId;
use super::layout;
use super::opening::Durability;
use super::sealed;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pointer {
    notebook: String,
    session_id: String,
}

/// From now on this is the notebook's session.
pub fn point(depot: &Depot, notebook: &str, id: &SessionId, durability: Durability) -> Result<(), StoreError> {
    let pointer = Pointer { notebook: notebook.to_owned(), session_id: id.to_string() };
    let bytes = sealed::seal(&pointer).map_err(|error| StoreError::Refused(error.to_string()))?;
    let name = layout::notebook(notebook);
    if depot.get(&name)?.is_some_and(|there| there == bytes) {
        return Ok(());
    }
    depot.put(&name, bytes, durability)
}

/// The notebook's session, if it has one; it may have been deleted.
pub fn find(depot: &Depot, notebook: &str) -> Result<Option<SessionId>, StoreError> {
    let name = layout::notebook(notebook);
    let Some(bytes) = depot.get(&name)? else { return Ok(None) };
    let damaged = |why: String| StoreError::Damaged {
        session: format!("of {notebook}"),
        object: name.clone(),
        why,
        last_good: None,
    };
    let pointer: Pointer = sealed::unseal(&bytes).map_err(damaged)?;
    if pointer.notebook != notebook {
        return Err(damaged(format!("it belongs to {:?}", pointer.notebook)));
    }
    SessionId::parse(&pointer.session_id).map(Some)
}

/// The notebook has no session any more, if it was this one.
pub fn forget(depot: &Depot, notebook: &str, id: &SessionId) -> Result<(), StoreError> {
    match find(depot, notebook) {
        Ok(Some(found)) if found != *id => Ok(()),
        Ok(None) => Ok(()),
        // A pointer that cannot be read leads nowhere.
        Ok(Some(_)) | Err(StoreError::Damaged { .. } | StoreError::BadId(_)) => {
            depot.delete(&layout::notebook(notebook))
        }
        Err(error) => Err(error),
    }
}
