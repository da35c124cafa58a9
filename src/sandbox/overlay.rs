//! A session's memory: a shared base image, and the session's own committed chunks over it.
//!
//! The base is read-only and shared by every session on it; what a session commits goes into a sparse
//! file in memory (a memfd) at the same offsets, and is mapped over the base. Nothing ever writes into a
//! file that another session maps.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::MemfdFlags;

use super::dirty::Scanner;
use super::image::Image;
use super::memory::{Mapping, PAGE, WASM_PAGE};

/// Bytes of a chunk, the unit in which overlays are mapped. Larger than a page so that a session's
/// mappings stay few (the kernel allows 65,530 in a process); equal to a wasm page, so a memory is always
/// a whole number of chunks.
pub const CHUNK: usize = WASM_PAGE;

/// Pages that are kept hot at most: 16 MiB of private memory.
const MAX_HOT: usize = 4096;
/// Commits after which an unchanged page is no longer hot.
const PATIENCE: u8 = 4;

/// The memory of one session between two cells: what the last commit left.
#[derive(Debug)]
pub struct Overlay {
    base: Arc<Image>,
    file: File,
    chunks: BTreeSet<usize>,
    size: usize,
    scanner: Scanner,
    /// Pages whose private copies the mapping keeps after a commit, and for how many commits they have not
    /// changed. A cell changes much the same pages as the one before; keeping them spares it the faults, which
    /// would cost more than its computing.
    hot: HashMap<usize, u8>,
}

/// What a commit found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Pages that had changed.
    pub pages: usize,
    /// Bytes written into the overlay.
    pub bytes: usize,
}

impl std::ops::AddAssign for Committed {
    fn add_assign(&mut self, other: Self) {
        self.pages += other.pages;
        self.bytes += other.bytes;
    }
}

impl Overlay {
    /// A session that has committed nothing yet.
    ///
    /// # Errors
    /// The operating system's, when it has no descriptor left.
    pub fn new(base: Arc<Image>) -> io::Result<Self> {
        let file = rustix::fs::memfd_create("cellblock-overlay", MemfdFlags::CLOEXEC)?.into();
        let size = base.size();
        Ok(Self { base, file, chunks: BTreeSet::new(), size, scanner: Scanner::best(), hot: HashMap::new() })
    }

    /// The image that this session runs on.
    pub fn base(&self) -> &Arc<Image> {
        &self.base
    }

    /// Bytes of guest memory at the last commit.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Maps the memory as of the last commit; the guest may grow it to `limit` bytes.
    ///
    /// # Errors
    /// The operating system's.
    pub fn map(&mut self, limit: usize) -> io::Result<Arc<Mapping>> {
        self.hot.clear();
        let mapping = Mapping::new(self.size, limit)?;
        mapping.show(&self.base.file, 0..self.base.size().min(self.size))?;
        for run in merge(&self.chunks) {
            mapping.show(&self.file, run)?;
        }
        Ok(Arc::new(mapping))
    }

    /// Takes over what the guest changed in `mapping`, which [`Overlay::map`] of this overlay made. No guest
    /// code may be running.
    ///
    /// # Errors
    /// The operating system's (no memory for the overlay). The last commit is then damaged only if the
    /// machine is out of memory for pages that this session already had.
    pub fn commit(&mut self, mapping: &Mapping) -> io::Result<Committed> {
        let dirty = self.scanner.pages(mapping, |offset, into| self.shown(offset, into))?;
        let size = mapping.size();
        // Past the end of a mapped file is SIGBUS: the file covers the memory before any of it is mapped.
        if self.file.metadata()?.len() < size as u64 {
            self.file.set_len(size as u64)?;
        }
        let mut done = Committed::default();
        let mut fresh = BTreeSet::new();
        for run in &dirty {
            for part in by_chunk(run) {
                let chunk = part.start / CHUNK;
                if self.chunks.contains(&chunk) {
                    done += self.update(mapping, &part)?;
                    continue;
                }
                done.pages += part.len() / PAGE;
                if fresh.insert(chunk) {
                    mapping.save(chunk * CHUNK..(chunk + 1) * CHUNK, &self.file)?;
                    done.bytes += CHUNK;
                }
            }
        }
        for run in merge(&fresh) {
            mapping.show(&self.file, run)?;
        }
        self.chunks.append(&mut fresh);
        self.size = size;
        self.cool_down(mapping)?;
        Ok(done)
    }

    /// Writes what changed in a range of one chunk that the overlay shows already, and keeps its pages hot.
    fn update(&mut self, mapping: &Mapping, part: &Range<usize>) -> io::Result<Committed> {
        let (mut now, mut before) = (vec![0; part.len()], vec![0; part.len()]);
        mapping.read(part.start, &mut now)?;
        self.file.read_exact_at(&mut before, part.start as u64)?;
        let mut done = Committed::default();
        for (index, (new, old)) in now.chunks(PAGE).zip(before.chunks(PAGE)).enumerate() {
            let page = part.start / PAGE + index;
            if new == old {
                continue;
            }
            self.file.write_all_at(new, (page * PAGE) as u64)?;
            self.hot.insert(page, 0);
            done += Committed { pages: 1, bytes: PAGE };
        }
        Ok(done)
    }

    /// Gives up the private copies of pages that have not changed for some commits, and of all when they are
    /// too many.
    fn cool_down(&mut self, mapping: &Mapping) -> io::Result<()> {
        let patience = if self.hot.len() > MAX_HOT { 0 } else { PATIENCE };
        let mut cold = Vec::new();
        self.hot.retain(|page, idle| {
            *idle += 1;
            let keep = *idle <= patience;
            if !keep {
                cold.push(*page);
            }
            keep
        });
        cold.sort_unstable();
        for run in runs(&cold) {
            mapping.forget_copies(run.start * PAGE..run.end * PAGE)?;
        }
        Ok(())
    }

    /// What the files say for a range of the memory.
    fn shown(&self, offset: usize, into: &mut [u8]) -> io::Result<()> {
        if self.chunks.contains(&(offset / CHUNK)) {
            return self.file.read_exact_at(into, offset as u64);
        }
        if offset < self.base.size() {
            return self.base.file.read_exact_at(into, offset as u64);
        }
        Ok(())
    }
}

/// Byte ranges of chunks, neighbours merged.
fn merge(chunks: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for chunk in chunks {
        let range = chunk * CHUNK..(chunk + 1) * CHUNK;
        match runs.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => runs.push(range),
        }
    }
    runs
}

/// Rising page numbers as runs.
fn runs(pages: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for page in pages {
        match runs.last_mut() {
            Some(last) if last.end == *page => last.end += 1,
            _ => runs.push(*page..page + 1),
        }
    }
    runs
}

/// A run of pages as byte ranges that each stay within one chunk.
fn by_chunk(pages: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let bytes = pages.start * PAGE..pages.end * PAGE;
    (bytes.start / CHUNK..bytes.end.div_ceil(CHUNK))
        .map(move |chunk| bytes.start.max(chunk * CHUNK)..bytes.end.min((chunk + 1) * CHUNK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(chunks: usize) -> Arc<Image> {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&vec![3; chunks * CHUNK], 0).unwrap();
        Arc::new(Image::from_file(file).unwrap())
    }

    fn byte(mapping: &Mapping, offset: usize) -> u8 {
        let mut byte = [0];
        mapping.read(offset, &mut byte).unwrap();
        byte[0]
    }

    fn both_scanners(test: impl Fn(fn(Arc<Image>) -> Overlay)) {
        test(|base| Overlay::new(base).unwrap());
        test(|base| {
            let mut overlay = Overlay::new(base).unwrap();
            overlay.scanner = Scanner::Compare;
            overlay
        });
    }

    #[test]
    fn a_new_mapping_shows_the_last_commit() {
        both_scanners(|open| {
            let base = base(8);
            let mut overlay = open(base.clone());
            let first = overlay.map(16 * CHUNK).unwrap();
            first.write(CHUNK + 5, &[9]).unwrap();
            assert_eq!(overlay.commit(&first).unwrap(), Committed { pages: 1, bytes: CHUNK });
            first.write(CHUNK + 5, &[10]).unwrap();
            first.write(5 * CHUNK, &[11]).unwrap();
            let second = overlay.map(16 * CHUNK).unwrap();
            assert_eq!((byte(&second, CHUNK + 5), byte(&second, 5 * CHUNK), byte(&second, 0)), (9, 3, 3));
            let other = Overlay::new(base).unwrap().map(16 * CHUNK).unwrap();
            assert_eq!(byte(&other, CHUNK + 5), 3);
        });
    }

    #[test]
    fn a_chunk_that_is_committed_again_writes_its_changed_pages_only() {
        both_scanners(|open| {
            let mut overlay = open(base(4));
            let mapping = overlay.map(4 * CHUNK).unwrap();
            mapping.write(2 * CHUNK, &[1]).unwrap();
            overlay.commit(&mapping).unwrap();
            mapping.write(2 * CHUNK + PAGE, &[2]).unwrap();
            assert_eq!(overlay.commit(&mapping).unwrap(), Committed { pages: 1, bytes: PAGE });
            assert_eq!(overlay.commit(&mapping).unwrap(), Committed::default());
            assert_eq!((byte(&mapping, 2 * CHUNK), byte(&mapping, 2 * CHUNK + PAGE)), (1, 2));
        });
    }

    #[test]
    fn pages_that_stay_the_same_grow_cold_and_lose_nothing() {
        both_scanners(|open| {
            let mut overlay = open(base(4));
            let mapping = overlay.map(4 * CHUNK).unwrap();
            for round in 0..PATIENCE + 4 {
                mapping.write(CHUNK, &[round]).unwrap();
                if round == 2 {
                    mapping.write(CHUNK + 2 * PAGE, &[77]).unwrap();
                }
                overlay.commit(&mapping).unwrap();
            }
            assert!(overlay.hot.contains_key(&(CHUNK / PAGE)) && !overlay.hot.contains_key(&(CHUNK / PAGE + 2)));
            let again = overlay.map(4 * CHUNK).unwrap();
            for mapping in [&mapping, &again] {
                assert_eq!((byte(mapping, CHUNK), byte(mapping, CHUNK + 2 * PAGE)), (PATIENCE + 3, 77));
            }
        });
    }

    #[test]
    fn growth_is_committed_and_rolled_back() {
        use wasmtime::MemoryCreator;
        both_scanners(|open| {
            let mut overlay = open(base(2));
            let mapping = overlay.map(6 * CHUNK).unwrap();
            super::super::memory::Mappings::announce(mapping.clone());
            let ty = wasmtime::MemoryType::new(2, None);
            let mut held = super::super::memory::Mappings.new_memory(ty, 2 * CHUNK, None, None, 0).unwrap();
            held.grow_to(4 * CHUNK).unwrap();
            mapping.write(3 * CHUNK + 1, &[5]).unwrap();
            assert_eq!(overlay.map(6 * CHUNK).unwrap().size(), 2 * CHUNK);
            overlay.commit(&mapping).unwrap();
            let again = overlay.map(6 * CHUNK).unwrap();
            assert_eq!((again.size(), byte(&again, 3 * CHUNK + 1), byte(&again, 2 * CHUNK)), (4 * CHUNK, 5, 0));
            assert!(held.grow_to(7 * CHUNK).is_err());
        });
    }
}
