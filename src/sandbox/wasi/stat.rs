//! What a guest is told of a file. A deterministic one is told nothing that only the host knows: device, inode,
//! a directory's size and links, and times that are not of the guest's own making.

use wasmtime::Caller;

use super::errno::{self, Errno};
use super::fd_table::{FIRST_MOUNT, Place};
use super::forward::pass;
use super::mutate;
use super::mutate::path_at;
use super::query;
use crate::sandbox::host;
use crate::sandbox::host::Host;

/// Size of `filestat`, and its fields.
const STAT: i32 = 64;
const DEVICE: usize = 0;
const INODE: usize = 8;
const KIND: usize = 16;
const LINKS: usize = 24;
const SIZE: usize = 32;
const ACCESSED: usize = 40;
const MODIFIED: usize = 48;
const CHANGED: usize = 56;
/// `filetype` of a directory.
const DIRECTORY: u8 = 3;
/// What every directory has.
const DIRECTORY_SIZE: u64 = 4096;

pub(in crate::sandbox) async fn fd_filestat_get(
    caller: &mut Caller<'_, Host>,
    args: (i32, i32),
) -> wasmtime::Result<i32> {
    let (number, result) = args;
    let Some(fd) = mutate::resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    let errno = pass!(caller, fd_filestat_get, fd, result);
    let place = caller.data().files.place(number, "");
    Ok(told(caller, errno, place, result))
}

pub(in crate::sandbox) async fn path_filestat_get(
    caller: &mut Caller<'_, Host>,
    args: (i32, i32, i32, i32, i32),
) -> wasmtime::Result<i32> {
    let (dir, _, path, length, result) = args;
    let errno = query::path_filestat_get(caller, args).await?;
    if errno != errno::SUCCESS {
        return Ok(errno);
    }
    let name = match path_at(caller, path, length) {
        Ok(name) => name,
        Err(errno) => return Ok(errno.answer()),
    };
    let place = caller.data().files.place(dir, &name);
    Ok(told(caller, errno, place, result))
}

/// Takes what only the host knows out of what was written to `result`.
fn told(caller: &mut Caller<'_, Host>, errno: i32, place: Option<Place>, result: i32) -> i32 {
    let fuel = host::used(caller);
    let Some(place) = place.filter(|place| errno == errno::SUCCESS && place.mount >= FIRST_MOUNT) else { return errno };
    if caller.data().fixed.is_none() {
        return errno;
    }
    let Some(mut stat) = host::read(caller, result, STAT) else { return errno::FAULT.answer() };
    let host = caller.data();
    let Some(fixed) = &host.fixed else { return errno };
    let writable = (place.mount - FIRST_MOUNT) as usize;
    let writable = host.writable.get(writable).copied().unwrap_or_default();
    let modified = stat.get(MODIFIED..).and_then(|rest| rest.first_chunk()).map_or(0, |time| u64::from_le_bytes(*time));
    let is_directory = stat.get(KIND) == Some(&DIRECTORY);
    let time = if is_directory { fixed.directory_time(writable) } else { fixed.file_time(writable, modified, fuel) };
    let mut set = |at: usize, value: u64| {
        if let Some(room) = stat.get_mut(at..at + 8) {
            room.copy_from_slice(&value.to_le_bytes());
        }
    };
    set(DEVICE, 1);
    set(INODE, inode(&place));
    for at in [ACCESSED, MODIFIED, CHANGED] {
        set(at, time);
    }
    if is_directory {
        set(LINKS, 1);
        set(SIZE, DIRECTORY_SIZE);
    }
    Errno::of_written(host::write(caller, result.cast_unsigned(), &stat))
}

/// A number that stands for a place: FNV-1a over the mount and the path.
pub(in crate::sandbox) fn inode(place: &Place) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mount = place.mount.to_le_bytes();
    let bytes = mount.iter().chain(place.path.as_bytes());
    bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}
