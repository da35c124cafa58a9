//! Listing directories: sorted by name, however the host's file system has them. A directory is read once for each
//! listing, and what was read is kept until the listing is at its end; of what a cell has not read to the end, little is
//! kept when it is over, and the rest is read again by the cell that goes on. What is made or removed meanwhile may be in
//! it or not, and everything else is in it once, as POSIX has it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rustix::fs::FileType;
use wasmtime::Caller;

use super::entries::{ENTRY_KEPT, Entries, Listed};
use super::errno;
use super::errno::Errno;
use super::host_calls;
use super::mutate;
use super::stat;
use super::walk;
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;
use crate::sandbox::prices::BATCH;

/// Bytes of all listings that are kept.
const MAX_KEPT: usize = 64 << 20;
/// Bytes of them that are kept while no cell runs.
const MAX_RESTING: usize = 8 << 20;
/// Bytes of a listing that is over so soon that nobody waits for it. A longer one ends with EINTR when the cell is
/// interrupted.
const SHORT: usize = 256 << 10;
/// Bytes of an answer for which there is room before it is written.
const MOST_AT_ONCE: usize = 64 << 10;
/// The entries that come first, whatever the directory has.
const DOTS: [&[u8]; 2] = [b".", b".."];
/// `filetype` of a directory.
const DIRECTORY: u8 = 3;

/// The listings of a guest, by its numbers of the directories.
#[derive(Debug, Default)]
pub struct Listings {
    open: BTreeMap<i32, Listing>,
    kept: usize,
}

/// A listing, as far as the guest has come.
#[derive(Debug, Default)]
struct Listing {
    /// Sorted; `None` if the directory has to be read again.
    entries: Option<Entries>,
    /// Bytes of the entries.
    size: usize,
    /// Of the directory itself.
    inode: u64,
    /// The cookie with which the guest goes on, and the name before: whatever happened to the directory, it goes on
    /// behind that.
    next: u64,
    last: Box<[u8]>,
    /// Whether there is nothing behind it.
    ended: bool,
}

impl Listings {
    /// Drops what is kept of a directory's listing.
    pub(in crate::sandbox) fn forget(&mut self, number: i32) {
        if let Some(listing) = self.open.remove(&number) {
            self.kept = self.kept.saturating_sub(listing.size);
        }
    }

    /// Keeps a directory's entries, in place of those of others if there is no room for all.
    fn keep(&mut self, number: i32, listing: Listing) {
        self.forget(number);
        for other in self.open.values_mut() {
            if self.kept.saturating_add(listing.size) <= MAX_KEPT {
                break;
            }
            self.kept = self.kept.saturating_sub(other.size);
            (other.entries, other.size) = (None, 0);
        }
        self.kept = self.kept.saturating_add(listing.size);
        self.open.insert(number, listing);
    }

    /// A cell is over: what stays until the next one is little.
    pub(in crate::sandbox) fn rest(&mut self) {
        self.rest_within(MAX_RESTING);
    }

    /// Lets go of the largest listings, until no more than `most` bytes are kept: whoever goes on with one has it read again.
    fn rest_within(&mut self, most: usize) {
        if self.kept <= most {
            return;
        }
        let mut largest_first: Vec<&mut Listing> = self.open.values_mut().collect();
        largest_first.sort_unstable_by_key(|listing| std::cmp::Reverse(listing.size));
        for listing in largest_first {
            if self.kept <= most {
                break;
            }
            self.kept = self.kept.saturating_sub(listing.size);
            (listing.entries, listing.size) = (None, 0);
        }
    }

    /// Lets go of the entries of a listing that is at its end.
    fn end(&mut self, number: i32) {
        if let Some(listing) = self.open.get_mut(&number) {
            self.kept = self.kept.saturating_sub(listing.size);
            (listing.entries, listing.size, listing.ended) = (None, 0, true);
        }
    }
}

/// Answers from the cookie on, which counts entries; what does not fit is cut, and asked for again.
pub(in crate::sandbox) async fn fd_readdir(
    caller: &mut Caller<'_, Host>,
    (number, buffer, length, cookie, result): (i32, i32, i32, i64, i32),
) -> wasmtime::Result<i32> {
    let Some(fd) = mutate::resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    let (room, cookie) = (length.cast_unsigned() as usize, cookie.cast_unsigned());
    let answer = match list(caller, number, fd, cookie, room).await {
        Ok(answer) => answer,
        Err(errno) => return Ok(errno.answer()),
    };
    let length = u32::try_from(answer.len()).unwrap_or(u32::MAX);
    let written = host::write(caller, buffer.cast_unsigned(), &answer)
        .and_then(|()| host::write(caller, result.cast_unsigned(), &length.to_le_bytes()));
    Ok(Errno::of_written(written))
}

/// The entries from `cookie` on that there is room for.
async fn list(caller: &mut Caller<'_, Host>, number: i32, fd: i32, cookie: u64, room: usize) -> Result<Vec<u8>, Errno> {
    let known = caller.data().listings.open.get(&number).filter(|known| cookie != 0 && known.next == cookie);
    if known.is_some_and(|known| known.ended) {
        return Ok(Vec::new());
    }
    if cookie == 0 || caller.data().listings.open.get(&number).is_none_or(|known| known.entries.is_none()) {
        let (next, last) = known.map(|known| (known.next, known.last.clone())).unwrap_or_default();
        let listing = read(caller, fd).await?;
        caller.data_mut().listings.keep(number, Listing { next, last, ..listing });
    }
    go_to(caller, number, cookie);
    let size = caller.data().listings.open.get(&number).map_or(0, |listing| listing.size);
    if size > SHORT && caller.data().control.interrupted() {
        return Err(errno::INTR);
    }
    let (answer, given, at_end) = give(caller, number, room)?;
    host::charge(caller, prices::each(prices::GIVEN, given)).await;
    if at_end {
        caller.data_mut().listings.end(number);
    }
    Ok(answer)
}

/// Reads a directory.
async fn read(caller: &mut Caller<'_, Host>, fd: i32) -> Result<Listing, Errno> {
    let dir = host_calls::directory(&mut caller.data_mut().wasi, fd, ".").await?;
    let device = walk::device(&dir).map_err(errno::of)?;
    let mut reader = walk::reader(&dir).map_err(errno::of)?;
    let (mut entries, mut size, mut own) = (Entries::default(), 0_usize, 0);
    loop {
        let mut seen: usize = 0;
        for entry in reader.by_ref().take(BATCH) {
            let entry = entry.map_err(errno::of)?;
            seen += 1;
            let name = entry.file_name().to_bytes();
            let inode = identity(device, entry.ino());
            if DOTS.contains(&name) {
                own = if name == b"." { inode } else { own };
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => walk::kind_at(&dir, entry.file_name()),
                kind => kind,
            };
            size += name.len() + ENTRY_KEPT;
            if size > MAX_KEPT {
                return Err(errno::OVERFLOW);
            }
            entries.push(name, Listed { inode, kind: filetype(kind) });
        }
        let asked = host::work(caller, prices::each(prices::LISTED, seen)).await;
        if size > SHORT {
            asked?;
        }
        if seen < BATCH {
            return Ok(Listing { entries: Some(entries.sorted()), size, inode: own, ..Listing::default() });
        }
    }
}

/// Has a listing go on at a cookie.
fn go_to(caller: &mut Caller<'_, Host>, number: i32, cookie: u64) {
    let Some(listing) = caller.data_mut().listings.open.get_mut(&number) else { return };
    listing.ended = false;
    if cookie == listing.next {
        return;
    }
    let dots = DOTS.len() as u64;
    let wanted = usize::try_from(cookie.saturating_sub(dots)).unwrap_or(usize::MAX);
    let entries = listing.entries.as_ref();
    let past = entries.map_or(0, |entries| entries.len().min(wanted));
    let last = past.checked_sub(1).and_then(|index| entries?.name(index));
    listing.last = last.map(Box::from).unwrap_or_default();
    listing.next = cookie;
}

/// Writes as many entries as there is room for, the last of them cut. Answers how many, and whether that is all.
fn give(caller: &mut Caller<'_, Host>, number: i32, room: usize) -> Result<(Vec<u8>, usize, bool), Errno> {
    let host = caller.data();
    let listing = host.listings.open.get(&number).ok_or(errno::BADF)?;
    let dots = DOTS.into_iter().map(|name| (name, Listed { inode: listing.inode, kind: DIRECTORY }));
    let entries = listing.entries.as_ref().map(|entries| entries.from(entries.up_to(&listing.last)));
    let entries = entries.into_iter().flatten();
    let first = usize::try_from(listing.next).unwrap_or(usize::MAX);
    let (mut bytes, mut given, mut last) = (Vec::with_capacity(room.min(MOST_AT_ONCE)), 0, None);
    let mut at_end = true;
    for (name, listed) in dots.skip(first).chain(entries) {
        let inode = inode(host, number, name, listed);
        let next = listing.next.saturating_add(given as u64 + 1);
        bytes.extend_from_slice(&next.to_le_bytes());
        bytes.extend_from_slice(&inode.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&u32::from(listed.kind).to_le_bytes());
        bytes.extend_from_slice(name);
        if bytes.len() > room {
            bytes.truncate(room);
            at_end = false;
            break;
        }
        given += 1;
        if !DOTS.contains(&name) {
            last = Some(name);
        }
    }
    let last: Option<Box<[u8]>> = last.map(Box::from);
    // A full buffer tells the guest to ask again.
    let at_end = at_end && bytes.len() < room;
    if let Some(listing) = caller.data_mut().listings.open.get_mut(&number) {
        listing.next = listing.next.saturating_add(given as u64);
        listing.last = last.unwrap_or_else(|| std::mem::take(&mut listing.last));
    }
    Ok((bytes, given, at_end))
}

/// The number of an entry, as the guest sees it; that of a deterministic guest stands for the path.
fn inode(host: &Host, dir: i32, name: &[u8], listed: Listed) -> u64 {
    if host.fixed.is_none() {
        return listed.inode;
    }
    let name = String::from_utf8_lossy(name);
    host.files.place(dir, &name).map_or(listed.inode, |place| stat::inode(&place))
}

/// The number that the WASI context makes of a device and an inode of the host's.
fn identity(device: u64, inode: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (device, inode).hash(&mut hasher);
    hasher.finish()
}

/// `filetype`, as WASI numbers them; it has none for pipes and sockets in a directory.
fn filetype(kind: FileType) -> u8 {
    match kind {
        FileType::BlockDevice => 1,
        FileType::CharacterDevice => 2,
        FileType::Directory => DIRECTORY,
        FileType::RegularFile => 4,
        FileType::Symlink => 7,
        _ => 0,
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
