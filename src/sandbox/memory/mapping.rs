//! The guest's linear memory: one reservation that shows a base image and a session's committed
//! chunks copy-on-write. The only room with `unsafe`; it knows bytes, files and offsets, and must
//! never know what is in them.
//!
//! Layout of a [`Mapping`], from its base:
//!
//! ```text
//! [0, image)      base image file, MAP_PRIVATE      (never written to by anybody)
//! [image, size)   anonymous zeroes
//! [size, 4 GiB + guard)  PROT_NONE: growth is an mprotect, a stray access a trap
//! ```
//!
//! and over the first two, wherever a chunk was committed, the session's overlay, MAP_PRIVATE too.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// Bytes of an operating-system page, the unit of dirtiness. Setup refuses machines with others.
pub const PAGE: usize = 4096;
/// Bytes of a wasm page (core specification, 4.2.8), the unit of growth.
pub const WASM_PAGE: usize = 65536;
/// What wasmtime's default configuration reserves for a 32-bit memory.
pub const RESERVATION: usize = 4 << 30;
/// The guard behind it, [`wasmtime::Config::memory_guard_size`].
pub const GUARD: usize = 32 << 20;

/// One linear memory, mapped. Owned by the session and, through [`LinearMemory`], by the instance that
/// runs on it; unmapped when both have let go.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    length: usize,
    size: AtomicUsize,
    limit: AtomicUsize,
    refusals: AtomicUsize,
}

// SAFETY: the pointer is to a mapping that lives as long as the value, and every access through it
// is bounds-checked below. Wasm code and the host's own accesses never run at the same time: the
// host touches it only between polls of the guest's future, on the thread that polls.
unsafe impl Send for Mapping {}
// SAFETY: as above; shared references allow only copies in and out, ordered by the single thread
// that drives the session.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves address space for a memory of `size` bytes that may grow to `limit`, all zeroes.
    ///
    /// # Errors
    /// The operating system's, when there is no room for the reservation.
    pub fn new(size: usize, limit: usize) -> io::Result<Self> {
        let limit = limit.min(RESERVATION);
        if !size.is_multiple_of(WASM_PAGE) || size > RESERVATION {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a size of a wasm memory"));
        }
        let length = RESERVATION + GUARD;
        // SAFETY: a fresh mapping at an address of the kernel's choice aliases nothing.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                length,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )?
        };
        let base = NonNull::new(base.cast::<u8>()).ok_or_else(|| io::Error::other("mmap answered null"))?;
        let mapping = Self {
            base,
            length,
            size: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit.max(size)),
            refusals: AtomicUsize::new(0),
        };
        mapping.open_up_to(size)?;
        Ok(mapping)
    }

    /// Bytes that the guest can use now.
    pub fn size(&self) -> usize {
        self.size.load(Ordering::Acquire)
    }

    /// Bytes that the guest may grow to.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Acquire)
    }

    /// How often the guest asked for more than its limit.
    pub fn refusals(&self) -> usize {
        self.refusals.load(Ordering::Acquire)
    }

    /// The address of byte 0, for `/proc/self/pagemap`.
    pub(in crate::sandbox) fn address(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// Makes `[size, new)` usable. Growth beyond the limit is refused.
    fn open_up_to(&self, new: usize) -> io::Result<()> {
        let old = self.size();
        if new < old || new > self.limit() {
            self.refusals.fetch_add(1, Ordering::AcqRel);
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, "beyond the memory limit"));
        }
        if new > old {
            // SAFETY: [old, new) is inside the reservation and was PROT_NONE, so nothing can hold a
            // reference into it.
            unsafe {
                rustix::mm::mprotect(self.at(old), new - old, MprotectFlags::READ | MprotectFlags::WRITE)?;
            }
            self.size.store(new, Ordering::Release);
        }
        Ok(())
    }

    /// Shows `range` of `file` at the same offsets, copy-on-write. What was there before is gone.
    ///
    /// The caller must see to it that nobody writes into `range` of `file` while a mapping shows it,
    /// except with the very bytes that the mapping holds: a private mapping shows a file's new bytes
    /// in every page that it has not copied yet. And the file must reach to the end of `range`: past
    /// its end is SIGBUS.
    ///
    /// # Errors
    /// A range outside the memory or not on page bounds, a file that is too short, the operating
    /// system's own.
    pub fn show(&self, file: &File, range: Range<usize>) -> io::Result<()> {
        self.check(&range)?;
        if !range.start.is_multiple_of(PAGE) || !range.end.is_multiple_of(PAGE) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not on page bounds"));
        }
        if file.metadata()?.len() < range.end as u64 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than what it should show"));
        }
        if range.is_empty() {
            return Ok(());
        }
        // SAFETY: the range is inside our own reservation (checked), so only guest memory is replaced,
        // and no Rust reference into guest memory outlives a call of this module.
        unsafe {
            rustix::mm::mmap(
                self.at(range.start),
                range.len(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE,
                file,
                range.start as u64,
            )?;
        }
        Ok(())
    }

    /// Drops the private copies of the pages in `range`, so that they show their file again.
    ///
    /// # Errors
    /// A range outside the memory, or the operating system's own.
    pub fn forget_copies(&self, range: Range<usize>) -> io::Result<()> {
        self.check(&range)?;
        // SAFETY: inside our reservation; the pages are replaced by those of the mapped file.
        unsafe { rustix::mm::madvise(self.at(range.start), range.len(), Advice::LinuxDontNeed)? };
        Ok(())
    }

    /// Copies bytes out of the memory.
    ///
    /// # Errors
    /// A range outside the memory.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> io::Result<()> {
        self.check(&(offset..offset.saturating_add(into.len())))?;
        // SAFETY: the source range is mapped readable (checked) and `into` cannot overlap it, as no
        // reference into guest memory exists.
        unsafe { std::ptr::copy_nonoverlapping(self.at(offset).cast::<u8>(), into.as_mut_ptr(), into.len()) };
        Ok(())
    }

    /// Copies bytes into the memory, while no guest code runs.
    ///
    /// # Errors
    /// A range outside the memory.
    pub fn write(&self, offset: usize, from: &[u8]) -> io::Result<()> {
        self.check(&(offset..offset.saturating_add(from.len())))?;
        // SAFETY: as in `read`, the other way; the guest is suspended, by this function's contract.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), self.at(offset).cast::<u8>(), from.len()) };
        Ok(())
    }

    /// Writes `range` of the memory into `file` at `range.start`.
    ///
    /// # Errors
    /// A range outside the memory, or the file's.
    pub fn save(&self, range: Range<usize>, file: &File) -> io::Result<()> {
        self.check(&range)?;
        // SAFETY: the range is mapped readable, and the slice ends with this function, before the
        // guest can run again.
        let bytes = unsafe { std::slice::from_raw_parts(self.at(range.start).cast::<u8>().cast_const(), range.len()) };
        std::os::unix::fs::FileExt::write_all_at(file, bytes, range.start as u64)
    }

    fn check(&self, range: &Range<usize>) -> io::Result<()> {
        if range.start > range.end || range.end > self.size() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "outside the guest's memory"));
        }
        Ok(())
    }

    fn at(&self, offset: usize) -> *mut c_void {
        debug_assert!(offset <= self.length);
        self.base.as_ptr().wrapping_add(offset).cast()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the last owner lets go, so no instance runs on this memory.
        if let Err(error) = unsafe { rustix::mm::munmap(self.at(0), self.length) } {
            tracing::error!(%error, "could not unmap a guest's memory");
        }
    }
}

/// What wasmtime holds of a [`Mapping`].
struct Held(Arc<Mapping>);

// SAFETY: page-aligned, never moves, followed by a guard (see `Mapping::new`), sizes are multiples of
// the wasm page.
unsafe impl LinearMemory for Held {
    fn byte_size(&self) -> usize {
        self.0.size()
    }

    fn byte_capacity(&self) -> usize {
        RESERVATION
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        Ok(self.0.open_up_to(new_size)?)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.base.as_ptr()
    }
}

/// Gives the system back what the allocator of this process holds and does not use. It keeps tens of megabytes
/// after a large commit.
pub fn give_back() {
    // SAFETY: takes no pointer, and may be called at any time from any thread (malloc_trim(3)).
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Has the allocator of this process map large blocks one by one, which go back to the system when they are freed. By
/// itself it does so less and less: after one large block has been freed, it takes all that are smaller from its heaps,
/// where a small block behind them keeps them.
pub fn map_large_blocks() {
    const LARGE: libc::c_int = 1 << 20;
    // SAFETY: takes no pointer, and changes nothing but from where later blocks come (mallopt(3)).
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 4 * LARGE);
    }
}

thread_local! {
    /// The memory that the next instantiation on this thread runs on.
    static NEXT: RefCell<Option<Arc<Mapping>>> = const { RefCell::new(None) };
}

/// Gives wasmtime the memories that [`Mappings::with`] announces, and plain anonymous ones otherwise
/// (wasmtime's own heap for exceptions comes this way too).
pub struct Mappings;

impl Mappings {
    /// Lets the next linear memory that is made on this thread be `mapping`; wasmtime asks for it while
    /// the instance is made.
    pub fn announce(mapping: Arc<Mapping>) {
        NEXT.with(|next| *next.borrow_mut() = Some(mapping));
    }

    /// Takes back what nobody asked for.
    pub fn withdraw() {
        NEXT.with(|next| next.borrow_mut().take());
    }
}

// SAFETY: both kinds of memory are page-aligned, reserved with the guard that wasmtime asked for, and
// never move.
unsafe impl MemoryCreator for Mappings {
    fn new_memory(
        &self,
        ty: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let _ = ty;
        if reserved.is_some_and(|bytes| bytes > RESERVATION) || guard > GUARD {
            return Err(format!("a reservation of {reserved:?} + {guard} bytes is more than is kept for a guest"));
        }
        let announced = NEXT.with(|next| {
            let fits = next.borrow().as_ref().is_some_and(|mapping| minimum >= WASM_PAGE && mapping.size() >= minimum);
            if fits { next.borrow_mut().take() } else { None }
        });
        let mapping = match announced {
            Some(mapping) => mapping,
            None => Arc::new(Mapping::new(minimum, maximum.unwrap_or(RESERVATION)).map_err(|error| error.to_string())?),
        };
        Ok(Box::new(Held(mapping)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> File {
        let file = tempfile::tempfile().unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, bytes, 0).unwrap();
        file
    }

    #[test]
    fn growth_stops_at_the_limit() {
        let mapping = Mapping::new(WASM_PAGE, 3 * WASM_PAGE).unwrap();
        mapping.open_up_to(3 * WASM_PAGE).unwrap();
        assert!(mapping.open_up_to(4 * WASM_PAGE).is_err());
        assert_eq!(mapping.size(), 3 * WASM_PAGE);
        mapping.write(3 * WASM_PAGE - 4, b"ends").unwrap();
    }

    #[test]
    fn accesses_outside_are_refused() {
        let mapping = Mapping::new(WASM_PAGE, WASM_PAGE).unwrap();
        assert!(mapping.write(WASM_PAGE - 1, b"xy").is_err());
        assert!(mapping.read(usize::MAX, &mut [0; 2]).is_err());
        assert!(mapping.show(&file(&[0; PAGE]), 0..2 * PAGE).is_err());
        assert!(mapping.save(0..2 * WASM_PAGE, &file(&[])).is_err());
    }

    #[test]
    fn writes_stay_private_and_can_be_forgotten() {
        let image = file(&[7; WASM_PAGE]);
        let mapping = Mapping::new(WASM_PAGE, WASM_PAGE).unwrap();
        mapping.show(&image, 0..WASM_PAGE).unwrap();
        mapping.write(10, b"mine").unwrap();
        let mut seen = [0; 4];
        std::os::unix::fs::FileExt::read_exact_at(&image, &mut seen, 10).unwrap();
        assert_eq!(seen, [7; 4]);
        mapping.forget_copies(0..PAGE).unwrap();
        mapping.read(10, &mut seen).unwrap();
        assert_eq!(seen, [7; 4]);
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn free_memory_is_given_back() {
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * PAGE
        };
        // Small enough to come from the heap; the last one keeps the heap from shrinking by itself.
        let mut blocks: Vec<Vec<u8>> = (0..2048).map(|_| vec![1; 32 << 10]).collect();
        let last = blocks.pop();
        drop(blocks);
        let before = resident();
        give_back();
        assert!(resident() + (32 << 20) < before, "{} of {before}", resident());
        drop(last);
    }
}
