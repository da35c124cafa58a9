//! The guest's open files, by numbers of our own. WASI descriptors live in the host and are gone with an
//! instance; the guest's numbers are part of its memory and live on. So every number that the guest holds
//! stands for a path and an offset, and is opened again, at first use, in an instance that came later. A
//! number is never given to another file while the guest's memory may still hold it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasmtime::Caller;
use wasmtime_wasi::p1::{WasiP1Ctx, wasi_snapshot_preview1 as plain};
use wiggle::GuestMemory;

use super::host::Host;

/// stdin, stdout and stderr come before the mounts.
const STANDARD: u32 = 3;
/// `oflags` of `path_open` that must not be repeated (WASI preview 1): create, exclusive, truncate.
const ONCE: i32 = 0b1101;
/// Fuel of a host call of ours, in bytes that it may copy; paths are at most 4 KiB.
const CALL_FUEL: usize = 1 << 16;
/// `whence` of `fd_seek`: from the start.
const FROM_START: i32 = 0;

/// How a file was opened: enough to open it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The mount's descriptor.
    mount: u32,
    /// Relative to the mount.
    path: String,
    lookup: i32,
    flags: i32,
    rights: (i64, i64),
    fd_flags: i32,
}

/// An open file as it is kept between instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The guest's number.
    number: u32,
    file: Opened,
    offset: u64,
}

#[derive(Debug)]
enum State {
    /// Open in this instance, under the WASI context's own number.
    Live(i32),
    /// Open in an earlier instance, at this offset.
    Asleep(u64),
}

/// The files that a guest has open.
#[derive(Debug)]
pub struct Files {
    /// The first number that is not a mount's.
    first: u32,
    limit: usize,
    open: BTreeMap<u32, (Opened, State)>,
}

impl Files {
    /// The files of a guest with `mounts` mounts, of which `kept` were open at the last commit.
    pub fn new(mounts: usize, limit: usize, kept: &[Kept]) -> Self {
        let first = STANDARD + u32::try_from(mounts).unwrap_or(u32::MAX - STANDARD);
        let open = kept
            .iter()
            .filter(|kept| kept.number >= first)
            .map(|kept| (kept.number, (kept.file.clone(), State::Asleep(kept.offset))))
            .collect();
        Self { first, limit, open }
    }

    /// How many files are open.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Whether another file may be opened.
    pub fn full(&self) -> bool {
        self.open.len() >= self.limit
    }

    /// The open files, to be kept with a commit.
    pub fn keep(&self, wasi: &mut WasiP1Ctx) -> Vec<Kept> {
        let kept = self.open.iter().map(|(number, (file, state))| {
            let offset = match state {
                State::Live(fd) => tell(wasi, *fd).unwrap_or_default(),
                State::Asleep(offset) => *offset,
            };
            Kept { number: *number, file: file.clone(), offset }
        });
        kept.collect()
    }

    /// The path of a directory's descriptor: the mount, and what comes before a path below it.
    fn below(&self, dir: u32, path: &str) -> Option<(u32, String)> {
        if dir < self.first {
            return Some((dir, path.to_owned()));
        }
        let (parent, _) = self.open.get(&dir)?;
        Some((parent.mount, format!("{}/{path}", parent.path)))
    }

    fn free(&self) -> u32 {
        let mut number = self.first;
        for taken in self.open.keys() {
            if *taken != number {
                break;
            }
            number += 1;
        }
        number
    }
}

/// The arguments of `path_open`, but for the directory and the path.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) lookup: i32,
    pub(super) flags: i32,
    pub(super) rights: (i64, i64),
    pub(super) fd_flags: i32,
}

/// The WASI context's number for a guest's; `None` if there is no such file any more.
pub(super) async fn resolve(caller: &mut Caller<'_, Host>, number: i32) -> Option<i32> {
    let number = number.cast_unsigned();
    let host = caller.data_mut();
    if number < host.files.first {
        return Some(number.cast_signed());
    }
    let (file, offset) = match host.files.open.get(&number)? {
        (_, State::Live(fd)) => return Some(*fd),
        (file, State::Asleep(offset)) => (file.clone(), *offset),
    };
    let how = How { lookup: file.lookup, flags: file.flags & !ONCE, rights: file.rights, fd_flags: file.fd_flags };
    let fd = open(&mut host.wasi, file.mount.cast_signed(), &file.path, how).await.ok()?;
    seek(&mut host.wasi, fd, offset).await;
    if let Some((_, state)) = host.files.open.get_mut(&number) {
        *state = State::Live(fd);
    }
    Some(fd)
}

/// Opens a file for the guest and answers its number, or the errno.
pub(super) async fn add(caller: &mut Caller<'_, Host>, dir: i32, path: &str, how: How) -> Result<u32, i32> {
    const BADF: i32 = 8;
    let Some(host_dir) = resolve(caller, dir).await else { return Err(BADF) };
    let host = caller.data_mut();
    let Some((mount, below)) = host.files.below(dir.cast_unsigned(), path) else { return Err(BADF) };
    let fd = open(&mut host.wasi, host_dir, path, how).await?;
    let number = host.files.free();
    let How { lookup, flags, rights, fd_flags } = how;
    let file = Opened { mount, path: below, lookup, flags, rights, fd_flags };
    host.files.open.insert(number, (file, State::Live(fd)));
    Ok(number)
}

/// Forgets a number and answers what the WASI context has to close: nothing, if the file was asleep.
pub(super) fn remove(caller: &mut Caller<'_, Host>, number: i32) -> Option<Option<i32>> {
    let (_, state) = caller.data_mut().files.open.remove(&number.cast_unsigned())?;
    Some(match state {
        State::Live(fd) => Some(fd),
        State::Asleep(_) => None,
    })
}

/// `path_open` from memory of our own.
async fn open(wasi: &mut WasiP1Ctx, dir: i32, path: &str, how: How) -> Result<i32, i32> {
    const FAULT: i32 = 21;
    let mut scratch = [&[0; 8], path.as_bytes()].concat();
    let length = i32::try_from(path.len()).map_err(|_| FAULT)?;
    plain::WasiSnapshotPreview1::set_hostcall_fuel(wasi, CALL_FUEL);
    let mut memory = GuestMemory::Unshared(&mut scratch);
    let (base, inheriting) = how.rights;
    let errno =
        plain::path_open(wasi, &mut memory, dir, how.lookup, 8, length, how.flags, base, inheriting, how.fd_flags, 0)
            .await
            .map_err(|_| FAULT)?;
    match (errno, scratch.first_chunk()) {
        (0, Some(fd)) => Ok(i32::from_le_bytes(*fd)),
        (0, None) => Err(FAULT),
        (errno, _) => Err(errno),
    }
}

async fn seek(wasi: &mut WasiP1Ctx, fd: i32, offset: u64) {
    let mut scratch = [0; 8];
    let mut memory = GuestMemory::Unshared(&mut scratch);
    // A directory has no offset; its reader starts again.
    let _ = plain::fd_seek(wasi, &mut memory, fd, offset.cast_signed(), FROM_START, 0).await;
}

fn tell(wasi: &mut WasiP1Ctx, fd: i32) -> Option<u64> {
    let mut scratch = [0; 8];
    let errno = plain::fd_tell(wasi, &mut GuestMemory::Unshared(&mut scratch), fd, 0).ok()?;
    (errno == 0).then_some(u64::from_le_bytes(scratch))
}
