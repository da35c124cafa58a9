//! The pages of a record on their way into the store. Few of them are packed in memory. Many are packed, written to a
//! file of this machine and forgotten, some at a time: a large state needs no second copy in memory.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::backend::{Backend, Created};
use super::error::StoreError;
use super::opening::Durability;
use super::record::blocks;
use super::record::frame::{FrameError, Line, Packed, head_length, pack_header, write_head, write_packed_head};
use super::record::runs;
use super::state::{PAGE, Pages};

/// More bytes of pages than this are not held in memory, packed or not.
const IN_MEMORY: u64 = 4 << 20;
/// Blocks that are packed before they are written: 8 MiB of pages.
const BATCH: usize = 32;

/// See the module.
pub enum Body {
    /// All blocks of the record.
    Packed(Vec<Packed>),
    /// To be packed while they are written.
    Pages(Pages),
}

/// What was written: the head, of which the record's hash is the end.
pub struct Written {
    /// Of the record.
    pub hash: super::record::Hash,
    /// Of the head.
    pub head_bytes: u64,
    /// Of the whole record.
    pub bytes: u64,
    /// How it ended.
    pub created: Result<Created, StoreError>,
}

impl Body {
    /// No pages.
    pub fn none() -> Self {
        Self::Packed(Vec::new())
    }

    /// These pages, whose runs are joined, for a record in `backend`.
    pub fn of(pages: &Pages, backend: &Backend) -> Result<Self, StoreError> {
        if runs::pages(&pages.runs) * PAGE as u64 > IN_MEMORY && backend.local_root().is_some() {
            return Ok(Self::Pages(pages.clone()));
        }
        Ok(Self::Packed(pack(pages)?))
    }

    /// How many bytes the blocks will have; of many pages an upper bound, unless `exactly` is wanted, which packs them.
    pub fn bytes(&self, exactly: bool) -> Result<u64, StoreError> {
        let pages = match self {
            Self::Packed(blocks) => return Ok(blocks.iter().map(|block| u64::from(block.line.bytes)).sum()),
            Self::Pages(pages) => pages,
        };
        if !exactly {
            return Ok(runs::pages(&pages.runs) * PAGE as u64);
        }
        let mut bytes = 0;
        in_batches(pages, |packed| {
            bytes += u64::from(packed.line.bytes);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Creates the record of this name with this header. An error before anything was done comes at once.
    pub fn write(
        &self,
        backend: &Backend,
        name: &str,
        header: &[u8],
        durability: Durability,
    ) -> Result<Written, StoreError> {
        let (pages, path) = match (self, backend.local_path(name)) {
            (Self::Packed(blocks), _) => return write_packed(blocks, backend, name, header, durability),
            (Self::Pages(pages), Some(path)) => (pages, path),
            (Self::Pages(pages), None) => return write_packed(&pack(pages)?, backend, name, header, durability),
        };
        let packed = pack_header(header).map_err(refused)?;
        let count = blocks::split(&pages.runs).len() + 1;
        let mut at = head_length(packed.len(), count) as u64;
        let mut lines = Vec::with_capacity(count);
        let staged = Staged::new(&path)?;
        in_batches(pages, |block| {
            staged.file.write_all_at(&block.bytes, at).map_err(|error| staged.failed(error))?;
            at += u64::from(block.line.bytes);
            lines.push(block.line);
            Ok(())
        })?;
        let (head, hash) = write_packed_head(&packed, header.len(), &lines).map_err(refused)?;
        staged.file.write_all_at(&head, 0).map_err(|error| staged.failed(error))?;
        Ok(Written { hash, head_bytes: head.len() as u64, bytes: at, created: staged.publish(&path, durability) })
    }
}

fn write_packed(
    blocks: &[Packed],
    backend: &Backend,
    name: &str,
    header: &[u8],
    durability: Durability,
) -> Result<Written, StoreError> {
    let lines: Vec<Line> = blocks.iter().map(|block| block.line).collect();
    let (head, hash) = write_head(header, &lines).map_err(refused)?;
    let head_bytes = head.len() as u64;
    let mut parts = vec![Bytes::from(head)];
    parts.extend(blocks.iter().map(|block| block.bytes.clone()));
    let bytes = parts.iter().map(|part| part.len() as u64).sum();
    Ok(Written { hash, head_bytes, bytes, created: backend.create(name, parts, durability) })
}

/// All blocks of these pages, the list of which they are first; none at all for no pages.
fn pack(pages: &Pages) -> Result<Vec<Packed>, StoreError> {
    let mut packed = Vec::new();
    in_batches(pages, |block| {
        packed.push(block);
        Ok(())
    })?;
    Ok(packed)
}

fn in_batches(pages: &Pages, mut each: impl FnMut(Packed) -> Result<(), StoreError>) -> Result<(), StoreError> {
    if pages.runs.is_empty() {
        return Ok(());
    }
    each(blocks::of_runs(&pages.runs)?)?;
    for batch in blocks::split(&pages.runs).chunks(BATCH) {
        let pack = |block: &Vec<Range<u32>>| blocks::of_block(block, pages.contents.as_ref());
        blocks::in_parallel(batch, pack)?.into_iter().try_for_each(&mut each)?;
    }
    Ok(())
}

fn refused(error: FrameError) -> StoreError {
    StoreError::Refused(error.to_string())
}

/// A file beside its place, under a name that no listing shows (see `staged.rs`); gone when it is dropped.
struct Staged {
    file: File,
    path: PathBuf,
}

impl Staged {
    fn new(place: &Path) -> Result<Self, StoreError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let cannot = |error: io::Error| StoreError::io("cannot write", place.display(), error);
        if let Some(dir) = place.parent() {
            fs::create_dir_all(dir).map_err(cannot)?;
        }
        let number = (u64::from(std::process::id()) << 32) | NUMBER.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff;
        let mut name = place.as_os_str().to_owned();
        name.push(format!("#{number}"));
        let path = PathBuf::from(name);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(cannot)?;
        Ok(Self { file, path })
    }

    fn failed(&self, error: io::Error) -> StoreError {
        StoreError::io("cannot write", self.path.display(), error)
    }

    /// Gives the file its name, if there is none of it yet.
    fn publish(&self, place: &Path, durability: Durability) -> Result<Created, StoreError> {
        let sync = durability == Durability::Sync;
        let published = || {
            if sync {
                self.file.sync_all()?;
            }
            fs::hard_link(&self.path, place)?;
            match place.parent().filter(|_| sync) {
                Some(dir) => File::open(dir)?.sync_all(),
                None => Ok(()),
            }
        };
        match published() {
            Ok(()) => Ok(Created::Yes),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::Exists),
            Err(error) => Err(StoreError::io("cannot write", place.display(), error)),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What stays is removed at the next opening.
        let _ = fs::remove_file(&self.path);
    }
}
