//! Pages to blocks, on more than one thread if there are many.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::frame::{FrameError, MAX_BLOCK, Packed};
use super::runs;

/// Below so many blocks, threads cost more than they bring.
const WORTH_A_THREAD: usize = 16;
/// No more threads than this, which leaves other sessions room.
const MAX_THREADS: usize = 4;

/// The blocks of a record with these pages; none at all for no pages.
pub fn of_pages(runs: &[Range<u32>], bytes: &[u8]) -> Result<Vec<Packed>, FrameError> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut blocks = vec![Packed::of(&runs::write(runs))?];
    blocks.extend(of_bytes(bytes)?);
    Ok(blocks)
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
