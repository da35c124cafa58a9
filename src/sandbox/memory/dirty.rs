//! Which pages of a memory were written to since they were last shown from a file.
//!
//! On Linux `/proc/self/pagemap` tells: a page of a private file mapping that was written to is an
//! anonymous copy. Where there is no pagemap (gVisor, some containers), every page is compared with what
//! its file says.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::mapping::{Mapping, PAGE};

/// Bit 63: present in RAM; bit 62: swapped out; bit 61: a page of a file or shared memory
/// (Linux, Documentation/admin-guide/mm/pagemap.rst).
const PRESENT_OR_SWAPPED: u64 = 0b11 << 62;
const OF_A_FILE: u64 = 1 << 61;

/// Finds dirty pages; keeps the descriptor open, as a scan follows every cell.
#[derive(Debug)]
pub enum Scanner {
    Pagemap(File),
    Compare,
}

impl Scanner {
    /// The fastest way that works here.
    pub fn best() -> Self {
        match File::open("/proc/self/pagemap") {
            Ok(file) => {
                let scanner = Self::Pagemap(file);
                if scanner.works() { scanner } else { Self::Compare }
            }
            Err(_) => Self::Compare,
        }
    }

    /// Some sandboxes serve a pagemap of zeroes: try it on a page that is known to be dirty.
    fn works(&self) -> bool {
        let Ok(mapping) = Mapping::new(super::mapping::WASM_PAGE, super::mapping::WASM_PAGE) else { return false };
        mapping.write(PAGE, &[1]).is_ok()
            && self.pages(&mapping, |_, _| Ok(())).is_ok_and(|pages| pages.first() == Some(&(1..2)) && pages.len() == 1)
    }

    /// The dirty pages of `mapping` in rising order, neighbours merged, by page number. `shown` reads what the
    /// files say for a range of the memory; only the slow way asks it.
    ///
    /// # Errors
    /// Those of reading the pagemap or of `shown`.
    pub fn pages(
        &self,
        mapping: &Mapping,
        shown: impl Fn(usize, &mut [u8]) -> io::Result<()>,
    ) -> io::Result<Vec<Range<usize>>> {
        match self {
            Self::Pagemap(file) => scan(file, mapping),
            Self::Compare => compare(mapping, shown),
        }
    }
}

fn scan(pagemap: &File, mapping: &Mapping) -> io::Result<Vec<Range<usize>>> {
    let first = mapping.address() / PAGE;
    let pages = mapping.size() / PAGE;
    let mut dirty = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut page = 0;
    while page < pages {
        let count = (pages - page).min(buffer.len() / 8);
        let Some(window) = buffer.get_mut(..count * 8) else { break };
        pagemap.read_exact_at(window, ((first + page) * 8) as u64)?;
        for (index, entry) in window.as_chunks::<8>().0.iter().enumerate() {
            let entry = u64::from_ne_bytes(*entry);
            if entry & PRESENT_OR_SWAPPED != 0 && entry & OF_A_FILE == 0 {
                push(&mut dirty, page + index);
            }
        }
        page += count;
    }
    Ok(dirty)
}

fn compare(mapping: &Mapping, shown: impl Fn(usize, &mut [u8]) -> io::Result<()>) -> io::Result<Vec<Range<usize>>> {
    let mut dirty = Vec::new();
    let (mut now, mut before) = (vec![0; super::mapping::WASM_PAGE], vec![0; super::mapping::WASM_PAGE]);
    for offset in (0..mapping.size()).step_by(super::mapping::WASM_PAGE) {
        mapping.read(offset, &mut now)?;
        before.fill(0);
        shown(offset, &mut before)?;
        for (index, (new, old)) in now.chunks(PAGE).zip(before.chunks(PAGE)).enumerate() {
            if new != old {
                push(&mut dirty, offset / PAGE + index);
            }
        }
    }
    Ok(dirty)
}

fn push(runs: &mut Vec<Range<usize>>, page: usize) {
    match runs.last_mut() {
        Some(last) if last.end == page => last.end += 1,
        _ => runs.push(page..page + 1),
    }
}
