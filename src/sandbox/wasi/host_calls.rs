//! wasmtime's own WASI functions, called by the host for itself: from memory of our own, with the WASI
//! context's own numbers.

use std::fs::File;
use std::sync::Arc;

use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p1::{WasiP1Ctx, wasi_snapshot_preview1 as plain};
use wiggle::GuestMemory;

use super::errno;
use super::errno::Errno;

/// Fuel of a host call of ours, in bytes that it may copy; paths are at most 4 KiB.
const CALL_FUEL: usize = 1 << 16;
/// `whence` of `fd_seek`: from the start.
const FROM_START: i32 = 0;
/// Size of `filestat`.
const STAT: usize = 64;
/// `filetype` of a directory, a regular file and a symbolic link.
const DIRECTORY: u8 = 3;
const REGULAR: u8 = 4;
/// `lookupflags`: symbolic links at the end of a path are followed.
const FOLLOW: i32 = 1;
/// `oflags`: only a directory.
const ONLY_DIRECTORY: i32 = 2;
/// `rights`: to read, and to read a directory.
const READ: i64 = (1 << 1) | (1 << 14);
/// `fstflags`: the time of the last access, and of the last modification.
const SET_BOTH: i32 = 0b101;
const LINK: u8 = 7;

/// What `path_open` takes besides the directory and the path.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct How {
    pub(in crate::sandbox) lookup: i32,
    pub(in crate::sandbox) flags: i32,
    pub(in crate::sandbox) rights: (i64, i64),
    pub(in crate::sandbox) fd_flags: i32,
}

/// A part of `filestat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct Stat {
    /// Stands for device and inode.
    pub(in crate::sandbox) identity: u64,
    pub(in crate::sandbox) is_file: bool,
    pub(in crate::sandbox) is_directory: bool,
    /// Neither a file, nor a directory, nor a symbolic link.
    pub(in crate::sandbox) is_special: bool,
    /// Names that the file has.
    pub(in crate::sandbox) links: u64,
    /// In bytes.
    pub(in crate::sandbox) size: u64,
    /// In nanoseconds since 1970.
    pub(in crate::sandbox) modified: u64,
}

impl Stat {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
        let kind = *bytes.get(16)?;
        Some(Self {
            identity: word(8)?,
            is_file: kind == REGULAR,
            is_directory: kind == DIRECTORY,
            is_special: !matches!(kind, DIRECTORY | REGULAR | LINK),
            links: word(24)?,
            size: word(32)?,
            modified: word(48)?,
        })
    }
}

/// Opens a file or directory. Whatever else there is in a directory of the host's, a named pipe or a device, is
/// refused: opening it could wait for ever, with the session's thread.
pub(in crate::sandbox) async fn open(wasi: &mut WasiP1Ctx, dir: i32, path: &str, how: How) -> Result<i32, Errno> {
    if stat_at(wasi, dir, how.lookup, path).await.is_ok_and(|stat| stat.is_special) {
        return Err(errno::PERM);
    }
    let mut scratch = [&[0; 8], path.as_bytes()].concat();
    let length = i32::try_from(path.len()).map_err(|_| errno::FAULT)?;
    plain::WasiSnapshotPreview1::set_hostcall_fuel(wasi, CALL_FUEL);
    let mut memory = GuestMemory::Unshared(&mut scratch);
    let (base, inheriting) = how.rights;
    let errno =
        plain::path_open(wasi, &mut memory, dir, how.lookup, 8, length, how.flags, base, inheriting, how.fd_flags, 0)
            .await
            .map_err(|_| errno::FAULT)?;
    check(errno)?;
    scratch.first_chunk().map(|fd| i32::from_le_bytes(*fd)).ok_or(errno::FAULT)
}

/// The host's own handle of a directory, for looking at what is in it. The path is resolved by the WASI context, as any
/// of the guest's: it never leaves the mount. Nothing of it stays open but the handle.
///
/// The context keeps its descriptors to itself, but it puts what it opens into a table that can be read: into the place
/// that comes next, or the one after where deleted places are left empty (wasmtime's debug builds).
pub(in crate::sandbox) async fn directory(wasi: &mut WasiP1Ctx, dir: i32, path: &str) -> Result<Arc<File>, Errno> {
    // The first call of all opens the mounts.
    stat(wasi, dir).await?;
    let table = wasi.ctx().table;
    let next = table.push(()).map_err(|_| errno::MFILE)?;
    let place = next.rep();
    table.delete(next).map_err(|_| errno::FAULT)?;
    let how = How { lookup: FOLLOW, flags: ONLY_DIRECTORY, rights: (READ, READ), fd_flags: 0 };
    let fd = open(wasi, dir, path, how).await?;
    let table = wasi.ctx().table;
    let found = [place, place.saturating_add(1)].into_iter().find_map(|place| {
        match table.get_any_mut(place).ok()?.downcast_ref::<Descriptor>()? {
            Descriptor::Dir(dir) => Some(dir.dir.clone()),
            Descriptor::File(_) => None,
        }
    });
    close(wasi, fd).await;
    found.ok_or(errno::FAULT)
}

pub(in crate::sandbox) async fn stat(wasi: &mut WasiP1Ctx, fd: i32) -> Result<Stat, Errno> {
    let mut scratch = [0; STAT];
    let mut memory = GuestMemory::Unshared(&mut scratch);
    let errno = plain::fd_filestat_get(wasi, &mut memory, fd, 0).await.map_err(|_| errno::FAULT)?;
    check(errno)?;
    Stat::parse(&scratch).ok_or(errno::FAULT)
}

pub(in crate::sandbox) async fn stat_at(
    wasi: &mut WasiP1Ctx,
    dir: i32,
    lookup: i32,
    path: &str,
) -> Result<Stat, Errno> {
    Stat::parse(&filestat_at(wasi, dir, lookup, path).await?).ok_or(errno::FAULT)
}

/// `filestat` of what a path names, as the guest is given it.
pub(in crate::sandbox) async fn filestat_at(
    wasi: &mut WasiP1Ctx,
    dir: i32,
    lookup: i32,
    path: &str,
) -> Result<[u8; STAT], Errno> {
    let mut scratch = [&[0; STAT], path.as_bytes()].concat();
    let length = i32::try_from(path.len()).map_err(|_| errno::FAULT)?;
    plain::WasiSnapshotPreview1::set_hostcall_fuel(wasi, CALL_FUEL);
    let mut memory = GuestMemory::Unshared(&mut scratch);
    let errno = plain::path_filestat_get(wasi, &mut memory, dir, lookup, STAT as i32, length, 0)
        .await
        .map_err(|_| errno::FAULT)?;
    check(errno)?;
    scratch.first_chunk().copied().ok_or(errno::FAULT)
}

/// What a symbolic link says, in `room` bytes.
pub(in crate::sandbox) async fn read_link(
    wasi: &mut WasiP1Ctx,
    dir: i32,
    path: &str,
    room: u32,
) -> Result<Vec<u8>, Errno> {
    let mut scratch = [&[0; 8], path.as_bytes(), &vec![0; room as usize]].concat();
    let length = i32::try_from(path.len()).map_err(|_| errno::FAULT)?;
    let into = length.checked_add(8).ok_or(errno::FAULT)?;
    plain::WasiSnapshotPreview1::set_hostcall_fuel(wasi, CALL_FUEL);
    let mut memory = GuestMemory::Unshared(&mut scratch);
    let errno = plain::path_readlink(wasi, &mut memory, dir, 8, length, into, room.cast_signed(), 0)
        .await
        .map_err(|_| errno::FAULT)?;
    check(errno)?;
    let written = scratch.first_chunk().map_or(0, |written| u32::from_le_bytes(*written));
    let text = scratch.get(8 + path.len()..).and_then(|text| text.get(..written as usize));
    text.map(<[u8]>::to_vec).ok_or(errno::FAULT)
}

pub(in crate::sandbox) async fn close(wasi: &mut WasiP1Ctx, fd: i32) {
    let _ = plain::fd_close(wasi, &mut GuestMemory::Unshared(&mut []), fd).await;
}

/// A directory has no offset: its reader starts again.
pub(in crate::sandbox) async fn seek(wasi: &mut WasiP1Ctx, fd: i32, offset: u64) {
    let mut scratch = [0; 8];
    let mut memory = GuestMemory::Unshared(&mut scratch);
    let _ = plain::fd_seek(wasi, &mut memory, fd, offset.cast_signed(), FROM_START, 0).await;
}

pub(in crate::sandbox) fn tell(wasi: &mut WasiP1Ctx, fd: i32) -> Option<u64> {
    let mut scratch = [0; 8];
    let errno = plain::fd_tell(wasi, &mut GuestMemory::Unshared(&mut scratch), fd, 0).ok()?;
    (errno == errno::SUCCESS).then_some(u64::from_le_bytes(scratch))
}

/// Sets both times of an open file, in nanoseconds since 1970.
pub(in crate::sandbox) async fn set_times(wasi: &mut WasiP1Ctx, fd: i32, time: u64) {
    let mut scratch = [0; 8];
    let mut memory = GuestMemory::Unshared(&mut scratch);
    let time = time.cast_signed();
    let done = plain::fd_filestat_set_times(wasi, &mut memory, fd, time, time, SET_BOTH).await;
    if !matches!(done, Ok(errno::SUCCESS)) {
        tracing::warn!(?done, "a file's times could not be set");
    }
}

/// wasmtime's answer.
fn check(answer: i32) -> Result<(), Errno> {
    Errno::from_answer(answer).map_or(Ok(()), Err)
}
