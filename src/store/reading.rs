//! Reads and checks the records of a session.

use std::collections::BTreeMap;

use super::backend::{Backend, Listed};
use super::error::{LastGood, StoreError};
use super::id::SessionId;
use super::index::{Damage, LogIndex};
use super::layout;
use super::metadata::Metadata;
use super::portable;
use super::record::blocks;
use super::record::frame::{Block, Head};
use super::record::header::{Header, Kind};
use super::record::parsed::{Known, Parsed, parse};
use crate::timeline::Target;
use crate::workspace::manifest::Entry;

/// The first request for a record that is far away asks for so much: the whole of most.
const FIRST_READ: u64 = 256 * 1024;

/// Blocks that are read at once.
const BATCH: usize = 16;

/// What is read of every record.
type Records = BTreeMap<u64, Result<Parsed, String>>;

/// Reads a session's log and checks everything in it: on this machine every byte of every record, far away
/// every head and every length, and the blocks when they are used. Files' contents must be there with the
/// right size; their hashes are checked when they are used.
pub fn index(backend: &Backend, id: &SessionId, metadata: &Metadata) -> Result<LogIndex, StoreError> {
    let records = records(backend, id)?;
    let Some(last) = records.keys().next_back().copied() else {
        return Err(damaged(id, layout::log(id), "it has no records".to_owned(), None));
    };
    let index = LogIndex::assemble(&records, last, &metadata.lineage)
        .map_err(|damage| describe(id, &records, damage, metadata))?;
    let good = || good_at(&records, last, metadata);
    require_blobs(backend, id, &index).map_err(|error| with_last_good(error, good()))?;
    portable::check(backend, id, &metadata.lineage).map_err(|error| with_last_good(error, good()))?;
    Ok(index)
}

/// The log up to the newest state that nothing is wrong with, and where that is.
pub fn salvage(backend: &Backend, id: &SessionId, metadata: &Metadata) -> Result<LogIndex, StoreError> {
    let records = records(backend, id)?;
    for last in records.keys().rev() {
        let Ok(mut index) = LogIndex::assemble(&records, *last, &metadata.lineage) else { continue };
        index.next_seq = records.keys().next_back().map_or(1, |seq| seq + 1);
        if require_blobs(backend, id, &index).is_ok() {
            return Ok(index);
        }
    }
    Err(damaged(id, layout::log(id), "no state in it is whole".to_owned(), None))
}

/// Whether this is what a session leaves that was never quite made: nothing, or the record of its opening.
pub fn is_stillborn(backend: &Backend, id: &SessionId) -> Result<bool, StoreError> {
    let listed = backend.list(&layout::log(id))?;
    match listed.as_slice() {
        [] => Ok(true),
        [only] if only.name == layout::record_name(1) => {
            let record = record(backend, id, 1, only)?;
            Ok(record.is_ok_and(|parsed| matches!(parsed.header.kind, Kind::Open(_))))
        }
        _ => Ok(false),
    }
}

/// Reads one record's head again, to load its state.
pub fn head(backend: &Backend, id: &SessionId, seq: u64, known: &Known) -> Result<(Head, Header), StoreError> {
    let name = layout::record(id, seq);
    let bytes = backend.get_start(&name, known.head_bytes)?;
    let damaged = |why: String| damaged(id, name.clone(), why, None);
    let head = Head::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
    if hex::encode(head.hash) != known.hash {
        return Err(damaged("it is not the record that was there when the session was opened".to_owned()));
    }
    let header = serde_json::from_slice(&head.header).map_err(|error| damaged(error.to_string()))?;
    Ok((head, header))
}

fn records(backend: &Backend, id: &SessionId) -> Result<Records, StoreError> {
    let mut listed: Vec<(u64, Listed)> = Vec::new();
    for object in backend.list(&layout::log(id))? {
        match layout::number(&object.name, ".rec") {
            Some(seq) if seq > 0 && seq < u64::MAX / 2 => listed.push((seq, object)),
            _ => tracing::warn!(session = %id, object = object.name, "something in a session's log is not a record"),
        }
    }
    let threads = if backend.is_remote() { 8 } else { blocks::threads() };
    // Large ones first: no thread is left alone with one in the end.
    listed.sort_by_key(|(seq, object)| (std::cmp::Reverse(object.bytes), *seq));
    let bytes: u64 = listed.iter().map(|(_, object)| object.bytes).sum();
    let threads = if bytes < 1 << 20 && !backend.is_remote() { 1 } else { threads };
    let read = |(seq, object): &(u64, Listed)| record(backend, id, *seq, object).map(|record| (*seq, record));
    Ok(blocks::in_parallel_on(threads, &listed, read)?.into_iter().collect())
}

fn record(backend: &Backend, id: &SessionId, seq: u64, object: &Listed) -> Result<Result<Parsed, String>, StoreError> {
    let name = layout::record(id, seq);
    if object.bytes <= FIRST_READ {
        let bytes = backend.get(&name)?;
        let gone = || Err("it is missing".to_owned());
        return Ok(bytes.map_or_else(gone, |bytes| parse(seq, &bytes, bytes.len() as u64, true)));
    }
    let first = backend.get_start(&name, FIRST_READ)?;
    let head = match Head::length(&first) {
        Ok(length) if length <= object.bytes => length,
        Ok(_) => return Ok(Err("it was cut".to_owned())),
        Err(error) => return Ok(Err(error.to_string())),
    };
    // The runs follow the head; how long they are is said in it.
    let with_head = if head <= FIRST_READ { first } else { backend.get_start(&name, head)? };
    let runs_end = match Head::parse(&with_head) {
        Ok(parsed) => parsed.blocks.first().map_or(head, |block| block.range().end),
        Err(error) => return Ok(Err(error.to_string())),
    };
    if runs_end > object.bytes {
        return Ok(Err("it was cut".to_owned()));
    }
    let enough = if runs_end <= with_head.len() as u64 { with_head } else { backend.get_start(&name, runs_end)? };
    let parsed = parse(seq, &enough, object.bytes, false);
    if backend.is_remote() || parsed.is_err() {
        return Ok(parsed);
    }
    let Ok(head) = Head::parse(&enough) else { return Ok(parsed) };
    Ok(checked(backend, &name, &head)?.and(parsed))
}

/// Checks all blocks of a record, some at a time: it may be as large as a memory.
fn checked(backend: &Backend, name: &str, head: &Head) -> Result<Result<(), String>, StoreError> {
    for (batch, blocks) in head.blocks.chunks(BATCH).enumerate() {
        let parts = backend.get_ranges(name, blocks.iter().map(Block::range).collect())?;
        for (index, (block, part)) in blocks.iter().zip(&parts).enumerate() {
            if let Err(error) = block.check(batch * BATCH + index, part) {
                return Ok(Err(error.to_string()));
            }
        }
    }
    Ok(Ok(()))
}

/// That the contents of all files are there, with the right size.
fn require_blobs(backend: &Backend, id: &SessionId, index: &LogIndex) -> Result<(), StoreError> {
    let needed = index.blobs(&index.timeline);
    if needed.is_empty() {
        return Ok(());
    }
    let there: BTreeMap<String, u64> =
        backend.list(&layout::blobs(id))?.into_iter().map(|object| (object.name, object.bytes)).collect();
    for (sha256, size) in &needed {
        let why = match there.get(sha256) {
            Some(bytes) if bytes == size => continue,
            Some(bytes) => format!("it has {bytes} bytes instead of {size}"),
            None => format!("it is missing; it was {}", path_of(index, sha256)),
        };
        return Err(damaged(id, layout::blob(id, sha256), why, None));
    }
    Ok(())
}

fn path_of(index: &LogIndex, wanted: &str) -> String {
    let states = index.timeline.states();
    let manifests = states.into_iter().flat_map(|state| index.manifest(state).0);
    let mut named = manifests.filter(|(_, entry)| matches!(entry, Entry::File { sha256, .. } if sha256 == wanted));
    named.next().map_or_else(|| "some file".to_owned(), |(path, _)| path)
}

fn describe(id: &SessionId, records: &Records, damage: Damage, metadata: &Metadata) -> StoreError {
    let good = records.keys().rev().find_map(|last| good_at(records, *last, metadata));
    damaged(id, layout::record(id, damage.seq), damage.why, good)
}

fn good_at(records: &Records, last: u64, metadata: &Metadata) -> Option<LastGood> {
    let index = LogIndex::assemble(records, last, &metadata.lineage).ok()?;
    let at = records.get(&last)?.as_ref().ok()?.header.at;
    let state = match index.timeline.current() {
        Target::State(state) => Some(state),
        Target::Fresh => index.timeline.previous(),
    };
    let cell = state.and_then(|state| index.states.get(&state)).map(|entry| entry.info.cell.number);
    Some(LastGood { state, at, cell })
}

fn with_last_good(error: StoreError, good: Option<LastGood>) -> StoreError {
    match error {
        StoreError::Damaged { session, object, why, .. } => {
            StoreError::Damaged { session, object, why, last_good: good }
        }
        other => other,
    }
}

fn damaged(id: &SessionId, object: String, why: String, last_good: Option<LastGood>) -> StoreError {
    StoreError::Damaged { session: id.to_string(), object, why, last_good }
}
