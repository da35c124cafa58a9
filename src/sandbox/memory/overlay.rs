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
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Weak};

use rustix::fs::MemfdFlags;

use super::dirty::Scanner;
use super::image::Image;
use super::mapping::{Mapping, PAGE, RESERVATION, WASM_PAGE};
use super::snapshot::{Aside, Snapshot};

/// Bytes of a chunk, the unit in which overlays are mapped. Larger than a page so that a session's
/// mappings stay few (the kernel allows 65,530 in a process); equal to a wasm page, so a memory is always
/// a whole number of chunks.
pub const CHUNK: usize = WASM_PAGE;

/// Chunks that a commit takes over at a time: what it has written is given back before it goes on, so that a commit
/// needs no more memory than the session has.
const PIECE: usize = 64;

/// Pages that are kept hot at most: 16 MiB of private memory.
const MAX_HOT: usize = 4096;
/// Commits after which an unchanged page is no longer hot.
const PATIENCE: u8 = 4;

/// The memory of one session between two cells: what the last commit left.
#[derive(Debug)]
pub struct Overlay {
    base: Arc<Image>,
    file: Arc<File>,
    chunks: BTreeSet<usize>,
    size: usize,
    scanner: Scanner,
    /// What a commit that failed in the middle took over already: the mapping shows it from the file.
    unfinished: Option<(BTreeSet<usize>, Committed)>,
    /// The commits that somebody still reads, oldest first.
    snapshots: Vec<Weak<Snapshot>>,
    aside: Arc<Aside>,
    /// Pages whose private copies the mapping keeps after a commit, and for how many commits they have not
    /// changed. A cell changes much the same pages as the one before; keeping them spares it the faults, which
    /// would cost more than its computing.
    hot: HashMap<usize, u8>,
}

/// What a commit found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Pages that had changed.
    pub pages: usize,
    /// Bytes written into the overlay.
    pub bytes: usize,
    /// The numbers of those pages, rising, neighbours merged.
    pub changed: Vec<Range<usize>>,
}

impl Committed {
    fn page(&mut self, page: usize) {
        self.pages += 1;
        match self.changed.last_mut() {
            Some(last) if last.end == page => last.end += 1,
            _ => self.changed.push(page..page + 1),
        }
    }

    /// In order again, after what a commit before left was added to it.
    fn sort(&mut self) {
        self.changed.sort_unstable_by_key(|run| run.start);
        let pages: BTreeSet<usize> = self.changed.drain(..).flatten().collect();
        self.pages = 0;
        pages.into_iter().for_each(|page| self.page(page));
    }
}

impl Overlay {
    /// A session that has committed nothing yet.
    ///
    /// # Errors
    /// The operating system's, when it has no descriptor left.
    pub fn new(base: Arc<Image>) -> io::Result<Self> {
        let size = base.size();
        Ok(Self {
            base,
            file: Arc::new(memory_file()?),
            chunks: BTreeSet::new(),
            size,
            scanner: Scanner::best(),
            unfinished: None,
            snapshots: Vec::new(),
            aside: Arc::default(),
            hot: HashMap::new(),
        })
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
        self.unfinished = None;
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
        self.reach(size)?;
        self.snapshots.retain(|snapshot| snapshot.strong_count() > 0);
        let left = self.unfinished.take();
        let is_rest = left.is_some();
        let (mut fresh, mut done) = left.unwrap_or_default();
        if let Err(error) = self.take_over(mapping, &dirty, &mut fresh, &mut done) {
            self.unfinished = Some((fresh, done));
            return Err(error);
        }
        if is_rest {
            done.sort();
        }
        self.chunks.append(&mut fresh);
        self.size = size;
        self.cool_down(mapping)?;
        Ok(done)
    }

    /// The pages that the last commit changed, to be read later: further commits may come before.
    pub fn snapshot(&mut self, committed: &Committed) -> Arc<Snapshot> {
        let snapshot = Snapshot::new(self.file.clone(), self.aside.clone(), committed.changed.clone());
        let snapshot = Arc::new(snapshot);
        self.snapshots.push(Arc::downgrade(&snapshot));
        snapshot
    }

    /// All pages that may not be as the image has them, as of the last commit: what a state is that lies on no other.
    pub fn snapshot_whole(&mut self) -> Arc<Snapshot> {
        let changed = merge(&self.chunks).into_iter().map(|run| run.start / PAGE..run.end / PAGE).collect();
        self.snapshot(&Committed { changed, ..Committed::default() })
    }

    /// Writes what changed, and shows `fresh` chunks from then on, piece by piece.
    fn take_over(
        &mut self,
        mapping: &Mapping,
        dirty: &[Range<usize>],
        fresh: &mut BTreeSet<usize>,
        done: &mut Committed,
    ) -> io::Result<()> {
        let before = fresh.clone();
        let readers: Vec<_> = self.snapshots.iter().filter_map(Weak::upgrade).collect();
        // Chunks that follow one another, not written yet.
        let mut piece = 0..0;
        for part in dirty.iter().flat_map(by_chunk) {
            let chunk = part.start / CHUNK;
            if self.chunks.contains(&chunk) || before.contains(&chunk) {
                self.update(mapping, &part, &readers, done)?;
                continue;
            }
            if chunk < piece.end && piece.contains(&chunk) {
                // As another part of it.
            } else if chunk == piece.end && piece.len() < PIECE {
                piece.end += 1;
            } else {
                self.show_fresh(mapping, std::mem::replace(&mut piece, chunk..chunk + 1), fresh, done)?;
            }
            for page in part.start / PAGE..part.end / PAGE {
                done.page(page);
            }
        }
        self.show_fresh(mapping, piece, fresh, done)
    }

    /// Writes chunks whole, and shows them from the file: their private copies are given back.
    fn show_fresh(
        &self,
        mapping: &Mapping,
        chunks: Range<usize>,
        fresh: &mut BTreeSet<usize>,
        done: &mut Committed,
    ) -> io::Result<()> {
        let range = chunks.start * CHUNK..chunks.end * CHUNK;
        if range.is_empty() {
            return Ok(());
        }
        mapping.save(range.clone(), &self.file)?;
        done.bytes += range.len();
        mapping.show(&self.file, range)?;
        fresh.extend(chunks);
        Ok(())
    }

    /// Writes what changed in a range of one chunk that the overlay shows already, and keeps its pages hot.
    fn update(
        &mut self,
        mapping: &Mapping,
        part: &Range<usize>,
        readers: &[Arc<Snapshot>],
        done: &mut Committed,
    ) -> io::Result<()> {
        let (mut now, mut before) = (vec![0; part.len()], vec![0; part.len()]);
        mapping.read(part.start, &mut now)?;
        self.file.read_exact_at(&mut before, part.start as u64)?;
        for (index, (new, old)) in now.chunks(PAGE).zip(before.chunks(PAGE)).enumerate() {
            let page = part.start / PAGE + index;
            if new == old {
                continue;
            }
            self.aside.make_way(readers, page);
            self.file.write_all_at(new, (page * PAGE) as u64)?;
            self.hot.insert(page, 0);
            done.page(page);
            done.bytes += PAGE;
        }
        Ok(())
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
        self.hot.shrink_to(2 * MAX_HOT);
        for run in runs(&cold) {
            mapping.forget_copies(run.start * PAGE..run.end * PAGE)?;
        }
        Ok(())
    }

    /// Begins to fill a new overlay on `base` with the pages of a state that was stored.
    ///
    /// # Errors
    /// The operating system's.
    pub fn import(base: Arc<Image>) -> io::Result<Import> {
        let overlay = Self::new(base)?;
        // Sparse: only what is written takes memory.
        overlay.reach(RESERVATION)?;
        let written = (0..RESERVATION / CHUNK).map(|_| AtomicU16::new(0)).collect();
        Ok(Import { overlay, written })
    }

    /// Past the end of a mapped file is SIGBUS: the file covers the memory before any of it is mapped.
    fn reach(&self, size: usize) -> io::Result<()> {
        if self.file.metadata()?.len() < size as u64 {
            self.file.set_len(size as u64)?;
        }
        Ok(())
    }

    /// What the files say for a range of the memory.
    fn shown(&self, offset: usize, into: &mut [u8]) -> io::Result<()> {
        let chunk = offset / CHUNK;
        if self.chunks.contains(&chunk) || self.unfinished.as_ref().is_some_and(|(fresh, _)| fresh.contains(&chunk)) {
            return self.file.read_exact_at(into, offset as u64);
        }
        if offset < self.base.size() {
            return self.base.file.read_exact_at(into, offset as u64);
        }
        Ok(())
    }
}

/// Pages of one chunk, a bit each.
type PageSet = u16;
const _: () = assert!(CHUNK / PAGE == PageSet::BITS as usize);

/// An overlay that is being filled, by any number of threads.
#[derive(Debug)]
pub struct Import {
    overlay: Overlay,
    written: Vec<AtomicU16>,
}

impl Import {
    /// Writes pages at `offset`, a whole number of them.
    ///
    /// # Errors
    /// A range that is not on page bounds or outside the memory, or the operating system's.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let outside = || io::Error::new(io::ErrorKind::InvalidData, "a page outside the memory");
        let start = usize::try_from(offset).map_err(|_| outside())?;
        let end = start.checked_add(bytes.len()).filter(|end| *end <= RESERVATION).ok_or_else(outside)?;
        if !start.is_multiple_of(PAGE) || !end.is_multiple_of(PAGE) {
            return Err(outside());
        }
        self.overlay.file.write_all_at(bytes, offset)?;
        for page in start / PAGE..end / PAGE {
            if let Some(chunk) = self.written.get(page / PageSet::BITS as usize) {
                chunk.fetch_or(1 << (page % PageSet::BITS as usize), Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// The overlay, with a memory of `size` bytes. What is missing in the chunks that were written to comes from
    /// the base.
    ///
    /// # Errors
    /// A size that is no memory's or leaves pages outside, or the operating system's.
    pub fn finish(self, size: usize) -> io::Result<Overlay> {
        let Self { mut overlay, written } = self;
        let outside = written.iter().skip(size / CHUNK).any(|pages| pages.load(Ordering::Relaxed) != 0);
        if !size.is_multiple_of(CHUNK) || size < overlay.base.size() || size > RESERVATION || outside {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not the size of this state's memory"));
        }
        overlay.size = size;
        overlay.file.set_len(size as u64)?;
        let touched: Vec<(usize, PageSet)> =
            written.into_iter().map(AtomicU16::into_inner).enumerate().filter(|(_, pages)| *pages != 0).collect();
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(4));
        let (file, base) = (&overlay.file, &overlay.base);
        std::thread::scope(|scope| {
            let fills: Vec<_> = touched
                .chunks(touched.len().div_ceil(threads).max(1))
                .map(|part| {
                    scope.spawn(move || part.iter().try_for_each(|(chunk, pages)| fill(file, base, *chunk, *pages)))
                })
                .collect();
            fills
                .into_iter()
                .try_for_each(|fill| fill.join().unwrap_or_else(|_| Err(io::Error::other("a thread ended"))))
        })?;
        overlay.chunks.extend(touched.into_iter().map(|(chunk, _)| chunk));
        Ok(overlay)
    }
}

/// Writes the pages of a chunk that are not in `pages` as the base has them.
fn fill(file: &File, base: &Image, chunk: usize, pages: PageSet) -> io::Result<()> {
    let start = chunk * CHUNK;
    if pages == PageSet::MAX || start >= base.size() {
        return Ok(());
    }
    let mut bytes = [0; CHUNK];
    base.file.read_exact_at(&mut bytes, start as u64)?;
    let is_missing = |page: &usize| pages >> page & 1 == 0;
    let missing: Vec<usize> = (0..CHUNK / PAGE).filter(is_missing).collect();
    for run in runs(&missing) {
        let range = run.start * PAGE..run.end * PAGE;
        file.write_all_at(bytes.get(range.clone()).unwrap_or_default(), (start + range.start) as u64)?;
    }
    Ok(())
}

fn memory_file() -> io::Result<File> {
    Ok(rustix::fs::memfd_create("cellblock-overlay", MemfdFlags::CLOEXEC)?.into())
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
            let done = overlay.commit(&first).unwrap();
            assert_eq!((done.pages, done.bytes), (1, CHUNK));
            assert_eq!((done.changed.len(), done.changed[0].clone()), (1, 16..17));
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
            let done = overlay.commit(&mapping).unwrap();
            assert_eq!((done.pages, done.bytes), (1, PAGE));
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
            crate::sandbox::memory::mapping::Mappings::announce(mapping.clone());
            let ty = wasmtime::MemoryType::new(2, None);
            let mut held = crate::sandbox::memory::mapping::Mappings.new_memory(ty, 2 * CHUNK, None, None, 0).unwrap();
            held.grow_to(4 * CHUNK).unwrap();
            mapping.write(3 * CHUNK + 1, &[5]).unwrap();
            assert_eq!(overlay.map(6 * CHUNK).unwrap().size(), 2 * CHUNK);
            overlay.commit(&mapping).unwrap();
            let again = overlay.map(6 * CHUNK).unwrap();
            assert_eq!((again.size(), byte(&again, 3 * CHUNK + 1), byte(&again, 2 * CHUNK)), (4 * CHUNK, 5, 0));
            assert!(held.grow_to(7 * CHUNK).is_err());
        });
    }

    #[test]
    fn a_snapshot_stays_as_it_was_while_further_commits_write_over_its_pages() {
        both_scanners(|open| {
            let mut overlay = open(base(4));
            let mapping = overlay.map(4 * CHUNK).unwrap();
            let mut snapshots = Vec::new();
            for round in 101..106u8 {
                mapping.write(CHUNK, &[round]).unwrap();
                mapping.write((usize::from(round) - 99) * PAGE, &[round]).unwrap();
                let committed = overlay.commit(&mapping).unwrap();
                snapshots.push((round, overlay.snapshot(&committed)));
            }
            for (round, snapshot) in &snapshots {
                let first = |page: usize| {
                    let mut bytes = vec![0; PAGE];
                    snapshot.read(page, &mut bytes).unwrap();
                    bytes[0]
                };
                let own = usize::from(*round) - 99;
                assert_eq!(snapshot.runs(), [own..own + 1, CHUNK / PAGE..CHUNK / PAGE + 1]);
                assert_eq!((first(own), first(CHUNK / PAGE)), (*round, *round));
            }
            let (_, newest) = snapshots.pop().unwrap();
            while let Some((_, older)) = snapshots.pop() {
                newest.absorb(&older);
            }
            assert_eq!(newest.runs(), [2..7, CHUNK / PAGE..CHUNK / PAGE + 1]);
            assert_eq!(newest.bytes_aside(), 0);
        });
    }

    #[test]
    fn a_commit_in_pieces_takes_over_everything() {
        both_scanners(|open| {
            let chunks = 3 * PIECE + 7;
            let mut overlay = open(base(chunks));
            let mapping = overlay.map(chunks * CHUNK).unwrap();
            for chunk in (0..chunks).filter(|chunk| chunk % 50 != 3) {
                mapping.write(chunk * CHUNK + 9, &[chunk as u8]).unwrap();
                mapping.write(chunk * CHUNK + 5 * PAGE, &[1]).unwrap();
            }
            let done = overlay.commit(&mapping).unwrap();
            assert_eq!(done.pages, 2 * (chunks - chunks.div_ceil(50)));
            let again = overlay.map(chunks * CHUNK).unwrap();
            for chunk in 0..chunks {
                let expected = if chunk % 50 == 3 { 3 } else { chunk as u8 };
                assert_eq!((byte(&mapping, chunk * CHUNK + 9), byte(&again, chunk * CHUNK + 9)), (expected, expected));
            }
        });
    }

    #[test]
    fn an_import_has_the_pages_that_were_written_and_the_base_around_them() {
        for pages in [
            &[0_usize][..],
            &[15],
            &[3, 4, 5, 9],
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
            &[20, 47, 48],
        ] {
            let import = Overlay::import(base(3)).unwrap();
            for page in pages {
                import.write((page * PAGE) as u64, &[7; PAGE]).unwrap();
            }
            let mapping = import.finish(4 * CHUNK).unwrap().map(5 * CHUNK).unwrap();
            for page in 0..4 * CHUNK / PAGE {
                let expected = if pages.contains(&page) {
                    7
                } else if page < 3 * CHUNK / PAGE {
                    3
                } else {
                    0
                };
                assert_eq!((byte(&mapping, page * PAGE), byte(&mapping, page * PAGE + PAGE - 1)), (expected, expected));
            }
        }
    }

    #[test]
    fn an_import_takes_nothing_outside_the_memory() {
        let import = || Overlay::import(base(2)).unwrap();
        assert!(import().write(RESERVATION as u64, &[0; PAGE]).is_err());
        assert!(import().write(u64::MAX - 4095, &[0; PAGE]).is_err());
        assert!(import().write(1, &[0; PAGE]).is_err());
        assert!(import().write(0, &[0; 1]).is_err());
        for size in [CHUNK, 2 * CHUNK + 1, usize::MAX] {
            assert!(import().finish(size).is_err());
        }
        let filled = import();
        filled.write(2 * CHUNK as u64, &[0; PAGE]).unwrap();
        assert!(filled.finish(2 * CHUNK).is_err());
    }
}
