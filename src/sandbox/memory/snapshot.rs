//! The pages that a commit changed, as it left them, for whoever writes them down while the session goes on.
//!
//! They are not copied: they lie in the overlay's file. Only when a later commit is about to write over one of them
//! is that page kept aside, in memory as long as there is room, then in a file without a name.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::mapping::PAGE;

/// Bytes of pages that are kept aside in memory at most, of all snapshots of a session.
const ROOM: usize = 16 << 20;
/// Bytes of pages that are kept aside in a file at most. Who needs more loses the states in between.
const SPILL: u64 = 4 << 30;

/// Where the pages of a session's snapshots are kept aside.
#[derive(Debug, Default)]
pub struct Aside {
    /// Held while it is found out who needs a page, and while snapshots are put together: in between, a page would be
    /// nobody's.
    order: Mutex<()>,
    in_memory: AtomicUsize,
    spill: Mutex<Spill>,
}

#[derive(Debug, Default)]
struct Spill {
    file: Option<File>,
    end: u64,
    pages: u64,
}

/// A page that was kept aside.
#[derive(Debug)]
enum Kept {
    Memory(Box<[u8]>),
    Spilled(u64),
}

impl Aside {
    /// Bytes that are kept aside in memory.
    pub fn bytes(&self) -> usize {
        self.in_memory.load(Ordering::Acquire)
    }

    /// Sees to it that whoever still reads an earlier commit finds this page as it was; `readers` are oldest first.
    pub(in crate::sandbox) fn make_way(&self, readers: &[Arc<Snapshot>], page: usize) {
        let _order = self.order.lock();
        let Some(last) = readers.iter().rposition(|snapshot| snapshot.make_way(page)) else { return };
        // One that cannot be had any more belongs to the next commit, and so do those in between.
        if readers.get(last).is_some_and(|snapshot| snapshot.is_torn()) {
            readers.iter().skip(last + 1).for_each(|snapshot| snapshot.tear());
        }
    }

    fn keep(&self, page: Box<[u8]>) -> io::Result<Kept> {
        if self.bytes() + PAGE <= ROOM {
            self.in_memory.fetch_add(PAGE, Ordering::AcqRel);
            return Ok(Kept::Memory(page));
        }
        let mut spill = self.spill.lock();
        if spill.end >= SPILL {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "too many pages wait to be written"));
        }
        let at = spill.end;
        let file = match &spill.file {
            Some(file) => file,
            // Without a name: gone with the process, however that ends.
            None => spill.file.insert(tempfile::tempfile()?),
        };
        file.write_all_at(&page, at)?;
        spill.end += PAGE as u64;
        spill.pages += 1;
        Ok(Kept::Spilled(at))
    }

    fn read(&self, kept: &Kept, into: &mut [u8]) -> io::Result<()> {
        match kept {
            Kept::Memory(page) => into.copy_from_slice(page),
            Kept::Spilled(at) => {
                let spill = self.spill.lock();
                let file = spill.file.as_ref().ok_or_else(|| io::Error::other("the file of kept pages is gone"))?;
                file.read_exact_at(into, *at)?;
            }
        }
        Ok(())
    }

    fn release(&self, kept: Kept) {
        match kept {
            Kept::Memory(_) => {
                self.in_memory.fetch_sub(PAGE, Ordering::AcqRel);
            }
            Kept::Spilled(_) => {
                let mut spill = self.spill.lock();
                spill.pages = spill.pages.saturating_sub(1);
                if spill.pages == 0 {
                    // The disk has it back at once.
                    *spill = Spill::default();
                }
            }
        }
    }
}

/// The pages of one commit, or of several that were put together.
#[derive(Debug)]
pub struct Snapshot {
    file: Arc<File>,
    aside: Arc<Aside>,
    pages: Mutex<Pages>,
}

#[derive(Debug)]
struct Pages {
    /// Which they are, rising, neighbours merged.
    runs: Vec<Range<usize>>,
    /// Those that are not in the file any more.
    kept: HashMap<usize, Kept>,
    /// A page was written over that could not be kept: what is left makes sense only under a later commit's.
    torn: bool,
}

impl Snapshot {
    pub(in crate::sandbox) fn new(file: Arc<File>, aside: Arc<Aside>, runs: Vec<Range<usize>>) -> Self {
        let pages = Pages { runs, kept: HashMap::new(), torn: false };
        Self { file, aside, pages: Mutex::new(pages) }
    }

    /// The numbers of the pages, rising, neighbours merged.
    pub fn runs(&self) -> Vec<Range<usize>> {
        self.pages.lock().runs.clone()
    }

    /// Whether the pages can no longer be had as they were.
    pub fn is_torn(&self) -> bool {
        self.pages.lock().torn
    }

    /// How many bytes the pages of all snapshots of this session take that had to be kept aside in memory.
    pub fn bytes_aside(&self) -> usize {
        self.aside.bytes()
    }

    /// Reads pages from `first` on, a whole number of them, as the commit left them.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] if the snapshot is torn; the operating system's.
    pub fn read(&self, first: usize, into: &mut [u8]) -> io::Result<()> {
        // Under the lock, so that no page is written over between being looked for and being read.
        let pages = self.pages.lock();
        if pages.torn {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "a later commit has written over the pages"));
        }
        self.file.read_exact_at(into, (first * PAGE) as u64)?;
        if pages.kept.is_empty() {
            return Ok(());
        }
        for (page, part) in (first..).zip(into.chunks_exact_mut(PAGE)) {
            if let Some(kept) = pages.kept.get(&page) {
                self.aside.read(kept, part)?;
            }
        }
        Ok(())
    }

    /// Takes in the pages of the commit before this one that this one did not change. The other snapshot is of no use
    /// any more.
    pub fn absorb(&self, older: &Snapshot) {
        let _order = self.aside.order.lock();
        let (runs, mut kept) = {
            let mut older = older.pages.lock();
            (std::mem::take(&mut older.runs), std::mem::take(&mut older.kept))
        };
        let mut pages = self.pages.lock();
        let hidden: Vec<usize> = kept.keys().filter(|page| contains(&pages.runs, **page)).copied().collect();
        for page in hidden {
            if let Some(kept) = kept.remove(&page) {
                older.aside.release(kept);
            }
        }
        pages.kept.extend(kept);
        pages.runs = union(&pages.runs, &runs);
    }

    /// A later commit is about to write over `page`. True if this snapshot is the last one that has it.
    fn make_way(&self, page: usize) -> bool {
        let mut pages = self.pages.lock();
        if !contains(&pages.runs, page) {
            return false;
        }
        if pages.torn || pages.kept.contains_key(&page) {
            return true;
        }
        let mut old = vec![0; PAGE].into_boxed_slice();
        let kept = self.file.read_exact_at(&mut old, (page * PAGE) as u64).and_then(|()| self.aside.keep(old));
        match kept {
            Ok(kept) => drop(pages.kept.insert(page, kept)),
            Err(error) => {
                tracing::warn!(%error, "a state that waits to be written is put together with the next one");
                self.tear_pages(&mut pages);
            }
        }
        true
    }

    /// Gives up what cannot be had any more.
    fn tear(&self) {
        self.tear_pages(&mut self.pages.lock());
    }

    fn tear_pages(&self, pages: &mut Pages) {
        pages.torn = true;
        for (_, kept) in pages.kept.drain() {
            self.aside.release(kept);
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        for (_, kept) in self.pages.get_mut().kept.drain() {
            self.aside.release(kept);
        }
    }
}

fn contains(runs: &[Range<usize>], page: usize) -> bool {
    let index = runs.partition_point(|run| run.end <= page);
    runs.get(index).is_some_and(|run| run.start <= page)
}

/// The pages that are in either.
fn union(left: &[Range<usize>], right: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = left.iter().chain(right).cloned().collect();
    all.sort_unstable_by_key(|run| run.start);
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(all.len());
    for run in all {
        match joined.last_mut() {
            Some(last) if last.end >= run.start => last.end = last.end.max(run.end),
            _ => joined.push(run),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (Arc<File>, Arc<Aside>) {
        let file = tempfile::tempfile().unwrap();
        file.set_len(64 * PAGE as u64).unwrap();
        (Arc::new(file), Arc::default())
    }

    fn write(file: &File, page: usize, byte: u8) {
        file.write_all_at(&[byte; PAGE], (page * PAGE) as u64).unwrap();
    }

    fn byte(snapshot: &Snapshot, page: usize) -> u8 {
        let mut bytes = [0; PAGE];
        snapshot.read(page, &mut bytes).unwrap();
        assert!(bytes.iter().all(|byte| *byte == bytes[0]));
        bytes[0]
    }

    #[test]
    fn a_page_that_is_written_over_is_kept_for_the_last_snapshot_that_has_it() {
        let (file, aside) = place();
        let snapshot = |runs: &[Range<usize>]| Snapshot::new(file.clone(), aside.clone(), runs.to_vec());
        (0..4).for_each(|page| write(&file, page, 1));
        let first = snapshot(std::slice::from_ref(&(0..4)));
        assert!(first.make_way(1));
        write(&file, 1, 2);
        let second = snapshot(std::slice::from_ref(&(1..2)));
        assert!(!second.make_way(2) && first.make_way(2) && second.make_way(1));
        write(&file, 1, 3);
        write(&file, 2, 3);
        assert_eq!((0..4).map(|page| byte(&first, page)).collect::<Vec<_>>(), [1, 1, 1, 1]);
        assert_eq!((byte(&second, 1), aside.bytes()), (2, 3 * PAGE));
        second.absorb(&first);
        assert_eq!(aside.bytes(), 2 * PAGE, "what the later one hides is given back");
        drop(first);
        assert_eq!(second.runs(), std::slice::from_ref(&(0..4)));
        assert_eq!((0..4).map(|page| byte(&second, page)).collect::<Vec<_>>(), [1, 2, 1, 1]);
        drop(second);
        assert_eq!(aside.bytes(), 0);
    }

    #[test]
    fn what_has_no_room_in_memory_goes_into_a_file_and_comes_back() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let pages = ROOM / PAGE + 10;
        file.set_len((pages * PAGE) as u64).unwrap();
        let aside = Arc::new(Aside::default());
        let snapshot = Snapshot::new(file.clone(), aside.clone(), std::iter::once(0..pages).collect());
        (0..pages).for_each(|page| write(&file, page, page as u8));
        for page in 0..pages {
            assert!(snapshot.make_way(page));
            write(&file, page, 255);
        }
        assert_eq!(aside.bytes(), ROOM);
        assert!((0..pages).all(|page| byte(&snapshot, page) == page as u8));
        drop(snapshot);
        assert!(aside.bytes() == 0 && aside.spill.lock().file.is_none());
    }

    #[test]
    fn a_torn_snapshot_says_so_and_holds_nothing() {
        let (file, aside) = place();
        let snapshot = Snapshot::new(file, aside.clone(), std::iter::once(0..2).collect());
        assert!(snapshot.make_way(0));
        snapshot.tear();
        assert!(snapshot.is_torn() && aside.bytes() == 0);
        assert_eq!(snapshot.read(0, &mut [0; PAGE]).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    }
}
