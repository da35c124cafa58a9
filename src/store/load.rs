//! Puts the pages of a state together from the records that it needs, newest first, each page once.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::backend::Backend;
use super::error::StoreError;
use super::id::SessionId;
use super::index::{LogIndex, StateEntry};
use super::layout;
use super::reading;
use super::record::blocks;
use super::record::frame::{Block, Head};
use super::record::header::{Header, State};
use super::state::{Contents, Loaded, PAGE, Pages};
use crate::timeline::{MoveError, StateId};

/// Where pages go: an offset in the memory, and the bytes there.
pub type Write<'a> = &'a (dyn Fn(u64, &[u8]) -> io::Result<()> + Sync);

const PAGES_IN_BLOCK: u32 = 64;
/// Blocks that are asked for at once.
const BATCH: usize = 8;
/// Requests that are under way at once, where each takes long.
const REMOTE_THREADS: usize = 8;

/// Some pages that follow one another in a record and in the memory.
struct Piece {
    /// The first page in the memory.
    page: u32,
    /// The first page within the block.
    within: u32,
    count: u32,
}

/// A block with pages that are needed.
struct Job {
    record: u64,
    index: usize,
    block: Block,
    pieces: Vec<Piece>,
}

/// Writes all pages of a state in which it differs from the warm image, each once, from several threads.
pub fn load(
    backend: &Backend,
    id: &SessionId,
    index: &LogIndex,
    state: StateId,
    write: Write,
) -> Result<Loaded, StoreError> {
    let entry = index.states.get(&state).ok_or(MoveError::NoSuchState(state))?;
    let chain = index.chain(state);
    let (head, header) = head(backend, id, index, entry)?;
    let loaded = loaded(id, index, state, header)?;
    let jobs = jobs(backend, id, index, &chain, Some(head), entry.info.memory_bytes)?;
    run(backend, id, &jobs, write)?;
    Ok(loaded)
}

/// All pages in which a state differs from one that it lies on, or from the warm image.
pub fn pages(backend: &Backend, id: &SessionId, index: &LogIndex, chain: &[StateId]) -> Result<Pages, StoreError> {
    let memory_bytes =
        chain.first().and_then(|state| index.states.get(state)).map_or(0, |entry| entry.info.memory_bytes);
    let jobs = jobs(backend, id, index, chain, None, memory_bytes)?;
    let mut list: Vec<Range<u32>> =
        jobs.iter().flat_map(|job| &job.pieces).map(|piece| piece.page..piece.page + piece.count).collect();
    list.sort_unstable_by_key(|run| run.start);
    let runs = super::record::runs::joined(&list).ok_or_else(|| StoreError::Refused("pages overlap".to_owned()))?;
    // Where each run begins in the result.
    let mut starts = Vec::with_capacity(runs.len());
    let mut total = 0u64;
    for run in &runs {
        starts.push(total);
        total += (run.len() * PAGE) as u64;
    }
    let file = spool(backend, id)?;
    let place = |offset: u64, part: &[u8]| {
        let page = u32::try_from(offset / PAGE as u64).map_err(io::Error::other)?;
        file.write_all_at(part, position(&runs, &starts, page)?)
    };
    run(backend, id, &jobs, &place)?;
    Ok(Pages { runs: runs.clone(), contents: Arc::new(Spooled { runs, starts, file }) })
}

/// A file for pages that are put together: without a name, and where the record will be.
fn spool(backend: &Backend, id: &SessionId) -> Result<File, StoreError> {
    let file = match backend.local_path(&layout::log(id)) {
        Some(dir) => tempfile::tempfile_in(dir),
        None => tempfile::tempfile(),
    };
    file.map_err(|error| StoreError::io("cannot write a temporary file for", layout::log(id), error))
}

/// Pages in a file, one after another.
struct Spooled {
    runs: Vec<Range<u32>>,
    /// Where each run begins in the file.
    starts: Vec<u64>,
    file: File,
}

impl Contents for Spooled {
    fn read(&self, first: u32, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, position(&self.runs, &self.starts, first)?)
    }
}

/// Where a page is in a file of runs that begin at `starts`.
fn position(runs: &[Range<u32>], starts: &[u64], page: u32) -> io::Result<u64> {
    let index = runs.partition_point(|run| run.end <= page);
    let missing = || io::Error::other("a page that was not listed");
    let (run, start) = runs.get(index).zip(starts.get(index)).ok_or_else(missing)?;
    Ok(start + u64::from(page.checked_sub(run.start).ok_or_else(missing)?) * PAGE as u64)
}

/// The state in a record.
pub fn state(backend: &Backend, id: &SessionId, index: &LogIndex, state: StateId) -> Result<State, StoreError> {
    let entry = index.states.get(&state).ok_or(MoveError::NoSuchState(state))?;
    let (_, header) = head(backend, id, index, entry)?;
    header.kind.state().cloned().ok_or_else(|| damaged(id, entry.record, "it has no state".to_owned()))
}

fn loaded(id: &SessionId, index: &LogIndex, state: StateId, header: Header) -> Result<Loaded, StoreError> {
    let files = index.manifest(state);
    let reseed = index.forked_at.is_some_and(|last| state.0 <= last);
    let Some(stored) = header.kind.state() else { return Err(damaged(id, header.seq, "it has no state".to_owned())) };
    Ok(Loaded {
        memory_bytes: stored.memory_bytes,
        facts: stored.facts.clone(),
        clock_ns: stored.clock_ns,
        files,
        past: index.past(state),
        reseed,
    })
}

fn head(backend: &Backend, id: &SessionId, index: &LogIndex, entry: &StateEntry) -> Result<(Head, Header), StoreError> {
    let known =
        index.records.get(&entry.record).ok_or_else(|| damaged(id, entry.record, "it is missing".to_owned()))?;
    reading::head(backend, id, entry.record, known)
}

/// The blocks that are needed, and what of each.
fn jobs(
    backend: &Backend,
    id: &SessionId,
    index: &LogIndex,
    chain: &[StateId],
    first: Option<Head>,
    memory_bytes: u64,
) -> Result<Vec<Job>, StoreError> {
    let mut missing = Missing::new(memory_bytes);
    let mut first = first;
    let mut jobs = Vec::new();
    for entry in chain.iter().filter_map(|state| index.states.get(state)) {
        let known_head = first.take();
        let wanted = wanted(entry, &mut missing);
        if wanted.is_empty() {
            continue;
        }
        let head = match known_head {
            Some(head) => head,
            None => self::head(backend, id, index, entry)?.0,
        };
        for (block, pieces) in wanted {
            // The first block has the list of pages.
            let index = block as usize + 1;
            let block =
                head.blocks.get(index).ok_or_else(|| damaged(id, entry.record, "it lacks a block".to_owned()))?;
            jobs.push(Job { record: entry.record, index, block: *block, pieces });
        }
    }
    Ok(jobs)
}

/// Which pages of a record are not there from a newer one, by block.
fn wanted(entry: &StateEntry, missing: &mut Missing) -> Vec<(u32, Vec<Piece>)> {
    let mut wanted: Vec<(u32, Vec<Piece>)> = Vec::new();
    for (position, page) in (0u32..).zip(entry.runs.iter().cloned().flatten()) {
        let (block, within) = (position / PAGES_IN_BLOCK, position % PAGES_IN_BLOCK);
        if !missing.take(page) {
            continue;
        }
        if wanted.last().is_none_or(|(last, _)| *last != block) {
            wanted.push((block, Vec::new()));
        }
        let Some((_, pieces)) = wanted.last_mut() else { continue };
        match pieces.last_mut() {
            Some(piece) if piece.page + piece.count == page && piece.within + piece.count == within => piece.count += 1,
            _ => pieces.push(Piece { page, within, count: 1 }),
        }
    }
    wanted
}

/// Which pages have not been seen yet.
struct Missing {
    taken: Vec<u64>,
    pages: u32,
}

impl Missing {
    fn new(memory_bytes: u64) -> Self {
        let pages = u32::try_from(memory_bytes / PAGE as u64).unwrap_or(u32::MAX).min(super::state::MAX_PAGES);
        Self { taken: vec![0; pages as usize / 64 + 1], pages }
    }

    /// Whether this is the first time.
    fn take(&mut self, page: u32) -> bool {
        let bit = 1u64 << (page % 64);
        match self.taken.get_mut(page as usize / 64) {
            Some(word) if page < self.pages && *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }
}

fn run(backend: &Backend, id: &SessionId, jobs: &[Job], write: Write) -> Result<(), StoreError> {
    // Neighbours in a record are read together.
    let batches: Vec<&[Job]> = jobs.chunk_by(|a, b| a.record == b.record).flat_map(|same| same.chunks(BATCH)).collect();
    let threads = match jobs.len() {
        _ if backend.is_remote() => REMOTE_THREADS,
        0..4 => 1,
        _ => blocks::threads(),
    };
    let read = |batch: &&[Job]| {
        let Some(first) = batch.first() else { return Ok(()) };
        let name = layout::record(id, first.record);
        let parts = backend.get_ranges(&name, batch.iter().map(|job| job.block.range()).collect())?;
        for (job, part) in batch.iter().zip(&parts) {
            let raw = job.block.unpack(job.index, part).map_err(|error| damaged(id, job.record, error.to_string()))?;
            for piece in &job.pieces {
                let from = piece.within as usize * PAGE;
                let bytes = raw.get(from..from + piece.count as usize * PAGE);
                let bytes = bytes.ok_or_else(|| damaged(id, job.record, "a block is too short".to_owned()))?;
                write(u64::from(piece.page) * PAGE as u64, bytes).map_err(StoreError::Memory)?;
            }
        }
        Ok(())
    };
    blocks::in_parallel_on(threads, &batches, read).map(|_| ())
}

fn damaged(id: &SessionId, record: u64, why: String) -> StoreError {
    StoreError::Damaged { session: id.to_string(), object: layout::record(id, record), why, last_good: None }
}
