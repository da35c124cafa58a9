//! Pages to blocks, on more than one thread if there are many.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::super::error::StoreError;
use super::super::state::{Contents, PAGE};
use super::frame::{FrameError, MAX_BLOCK, Packed};
use super::runs;

/// Below so many blocks, threads cost more than they bring.
const WORTH_A_THREAD: usize = 16;
/// No more threads than this, which leaves other sessions room.
const MAX_THREADS: usize = 4;

/// Pages of a block.
const PAGES: u32 = (MAX_BLOCK / PAGE) as u32;

/// The runs of each block's pages, in order.
pub fn split(runs: &[Range<u32>]) -> Vec<Vec<Range<u32>>> {
    let mut blocks: Vec<Vec<Range<u32>>> = Vec::new();
    let mut room = 0;
    for run in runs {
        let mut start = run.start;
        while start < run.end {
            if room == 0 {
                blocks.push(Vec::new());
                room = PAGES;
            }
            let end = run.end.min(start.saturating_add(room));
            if let Some(block) = blocks.last_mut() {
                block.push(start..end);
            }
            room -= end - start;
            start = end;
        }
    }
    blocks
}

/// One block of pages, packed.
pub fn of_block(block: &[Range<u32>], contents: &dyn Contents) -> Result<Packed, StoreError> {
    let length = runs::pages(block) as usize * PAGE;
    RAW.with_borrow_mut(|raw| {
        raw.resize(length, 0);
        let mut rest = raw.as_mut_slice();
        for run in block {
            let (part, behind) = rest.split_at_mut((run.len() * PAGE).min(rest.len()));
            contents.read(run.start, part).map_err(StoreError::Memory)?;
            rest = behind;
        }
        Packed::of(raw).map_err(refused)
    })
}

/// The block that says which pages there are.
pub fn of_runs(runs: &[Range<u32>]) -> Result<Packed, StoreError> {
    Packed::of(&runs::write(runs)).map_err(refused)
}

fn refused(error: FrameError) -> StoreError {
    StoreError::Refused(error.to_string())
}

thread_local! {
    /// A block's pages before they are packed.
    static RAW: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Bytes in blocks of 256 KiB.
pub fn of_bytes(bytes: &[u8]) -> Result<Vec<Packed>, FrameError> {
    let chunks: Vec<&[u8]> = bytes.chunks(MAX_BLOCK).collect();
    in_parallel(&chunks, |chunk| Packed::of(chunk))
}

/// Does the same to each, on as many threads as are worth it; the results are in order.
pub fn in_parallel<T: Sync, R: Send, E: Send>(
    items: &[T],
    each: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let threads = if items.len() < WORTH_A_THREAD { 1 } else { threads() };
    in_parallel_on(threads, items, each)
}

/// The same on so many threads.
pub fn in_parallel_on<T: Sync, R: Send, E: Send>(
    threads: usize,
    items: &[T],
    each: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if threads < 2 || items.len() < 2 {
        return items.iter().map(each).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        while let Some((index, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
        {
            let result = each(item);
            let failed = result.is_err();
            done.lock().push((index, result));
            if failed {
                next.store(items.len(), Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            // If there are no more threads to be had, this one does it all.
            let _ = std::thread::Builder::new().name("session-blocks".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner();
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// As many threads as are worth using.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, MAX_THREADS))
}
