//! The portable part of a session: what is left of it when its base image is gone. Bytes that mean nothing
//! here, in a record of their own that is not in the log.

use bytes::Bytes;

use super::backend::Backend;
use super::error::StoreError;
use super::id::SessionId;
use super::identity::Identity;
use super::layout;
use super::log::Log;
use super::opening::Durability;
use super::record::blocks;
use super::record::frame::{Head, Line, write_head};
use super::record::header::{Header, Kind};
use crate::timeline::Timeline;

/// No more than this is kept.
const MAX_BYTES: usize = 1 << 30;

/// Writes it over the one that is there.
pub fn write(
    backend: &Backend,
    id: &SessionId,
    lineage: &str,
    identity: &Identity,
    bytes: &[u8],
    durability: Durability,
) -> Result<(), StoreError> {
    if bytes.len() > MAX_BYTES {
        return Err(StoreError::Refused(format!("a portable state of {} bytes is too large", bytes.len())));
    }
    let refused = |error: &dyn std::fmt::Display| StoreError::Refused(error.to_string());
    let header = Header {
        lineage: lineage.to_owned(),
        seq: 0,
        epoch: 0,
        prev: String::new(),
        identity: identity.clone(),
        at: backend.now(),
        clock_ns: 0,
        timeline: Timeline::default(),
        forked_at: None,
        live: None,
        kind: Kind::Portable,
    };
    let packed = blocks::of_bytes(bytes).map_err(|error| refused(&error))?;
    let json = serde_json::to_vec(&header).map_err(|error| refused(&error))?;
    let lines: Vec<Line> = packed.iter().map(|block| block.line).collect();
    let (mut whole, _) = write_head(&json, &lines).map_err(|error| refused(&error))?;
    for block in packed {
        whole.extend_from_slice(&block.bytes);
    }
    backend.put(&layout::portable(id), whole, durability)
}

/// What was written; none if nothing was.
pub fn read(backend: &Backend, id: &SessionId, lineage: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let Some((bytes, head)) = checked(backend, id, lineage)? else { return Ok(None) };
    let mut portable = Vec::new();
    for index in 0..head.blocks.len() {
        portable.extend(head.block(index, &bytes).map_err(|error| damaged(id, &error))?);
    }
    Ok(Some(portable))
}

/// That what is there is what was written.
pub fn check(backend: &Backend, id: &SessionId, lineage: &str) -> Result<(), StoreError> {
    checked(backend, id, lineage).map(|_| ())
}

impl Log {
    /// Deletes the portable part if it is damaged; whether it was.
    pub fn drop_damaged_portable(&mut self) -> Result<bool, StoreError> {
        let (backend, id) = (&self.view.backend, &self.view.id);
        match check(backend, id, &self.view.metadata.lineage) {
            Err(StoreError::Damaged { .. }) => backend.delete(&layout::portable(id)).map(|()| true),
            other => other.map(|()| false),
        }
    }
}

fn checked(backend: &Backend, id: &SessionId, lineage: &str) -> Result<Option<(Bytes, Head)>, StoreError> {
    let Some(bytes) = backend.get(&layout::portable(id))? else { return Ok(None) };
    let head = Head::parse_whole(&bytes).map_err(|error| damaged(id, &error))?;
    let header: Header = serde_json::from_slice(&head.header).map_err(|error| damaged(id, &error))?;
    if header.kind != Kind::Portable || header.lineage != lineage {
        return Err(damaged(id, &"it belongs to another session"));
    }
    Ok(Some((bytes, head)))
}

fn damaged(id: &SessionId, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged { session: id.to_string(), object: layout::portable(id), why: why.to_string(), last_good: None }
}
