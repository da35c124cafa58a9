//! The WASI functions that may change a file: each change is counted, stays within the quota, and open files
//! are told what becomes of their paths.

use wasmtime::Caller;

use super::admission::admit;
use super::depth;
use super::errno;
use super::errno::Errno;
use super::fd_table::Place;
use super::forward::pass;
use super::host_calls;
use super::host_calls::{How, Stat};
use super::text;
use super::transfer;
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;
use crate::sandbox::quota::Amount;
use crate::sandbox::refusals::Refusal;
use crate::sandbox::watch;
use crate::sandbox::watch::Act;

/// Bytes of a path, as Linux has it.
const MAX_PATH: u32 = 4096;
/// `oflags`: create, exclusive and truncate.
const CREATE: i32 = 1;
const TRUNCATE: i32 = 8;
const CHANGES: i32 = CREATE | 4 | TRUNCATE;
/// `rights`: to write.
const WRITE: i64 = 1 << 6;

type Answer = wasmtime::Result<i32>;

/// `$value`, or the guest's error.
macro_rules! or_answer {
    ($value:expr) => {
        match $value {
            Ok(value) => value,
            Err(errno) => return Ok(errno.answer()),
        }
    };
}

/// The WASI context's number for a guest's; `None` if there is no such file any more.
pub(in crate::sandbox) async fn resolve(caller: &mut Caller<'_, Host>, number: i32) -> Option<i32> {
    let Host { files, wasi, .. } = caller.data_mut();
    files.resolve(wasi, number).await
}

pub(in crate::sandbox) async fn fd_write(caller: &mut Caller<'_, Host>, args: (i32, i32, i32, i32)) -> Answer {
    let (number, vectors, count, written) = args;
    match number {
        1 | 2 => text::write(caller, number == 2, (vectors, count, written)).await,
        _ => {
            host::charge(caller, prices::WRITE).await;
            write(caller, number, (vectors, count, written), None).await
        }
    }
}

pub(in crate::sandbox) async fn fd_pwrite(caller: &mut Caller<'_, Host>, args: (i32, i32, i32, i64, i32)) -> Answer {
    let (number, vectors, count, offset, written) = args;
    write(caller, number, (vectors, count, written), Some(offset.cast_unsigned())).await
}

async fn write(caller: &mut Caller<'_, Host>, number: i32, vectors: transfer::Vectors, offset: Option<u64>) -> Answer {
    let Some(fd) = resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    let more = or_answer!(growth(caller, number, fd, (vectors.0, vectors.1), offset).await);
    or_answer!(admit(caller, more).await);
    or_answer!(watch::before_file(caller, number).await);
    let errno = transfer::write(caller, fd, vectors, offset).await?;
    touch(caller, number, fd, errno).await;
    watch::after_file(caller, number, fd).await;
    Ok(wrote(caller, number, more, errno))
}

pub(in crate::sandbox) async fn fd_filestat_set_size(
    caller: &mut Caller<'_, Host>,
    (number, size): (i32, i64),
) -> Answer {
    let Some(fd) = resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    let now = if is_metered(caller, number) { size_of(caller, fd).await } else { None };
    let wanted = size.cast_unsigned();
    let more = Amount { bytes: now.map_or(0, |now| wanted.saturating_sub(now)), files: 0 };
    or_answer!(admit(caller, more).await);
    or_answer!(watch::before_file(caller, number).await);
    let errno = pass!(caller, fd_filestat_set_size, fd, size);
    if errno == errno::SUCCESS {
        let less = now.map_or(0, |now| now.saturating_sub(wanted));
        caller.data_mut().meter.give_back(Amount { bytes: less, files: 0 });
    }
    touch(caller, number, fd, errno).await;
    watch::after_file(caller, number, fd).await;
    Ok(wrote(caller, number, more, errno))
}

pub(in crate::sandbox) async fn fd_filestat_set_times(
    caller: &mut Caller<'_, Host>,
    args: (i32, i64, i64, i32),
) -> Answer {
    let (number, accessed, modified, flags) = args;
    let Some(fd) = resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    let (accessed, modified, flags) = times(caller, (accessed, modified, flags));
    or_answer!(watch::before_file(caller, number).await);
    let errno = pass!(caller, fd_filestat_set_times, fd, accessed, modified, flags);
    watch::after_file(caller, number, fd).await;
    Ok(changed(caller, errno))
}

pub(in crate::sandbox) async fn fd_fdstat_set_flags(
    caller: &mut Caller<'_, Host>,
    (number, flags): (i32, i32),
) -> Answer {
    let Some(fd) = resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    let errno = pass!(caller, fd_fdstat_set_flags sync, fd, flags);
    if errno == errno::SUCCESS {
        caller.data_mut().files.set_flags(number, flags);
    }
    Ok(errno)
}

pub(in crate::sandbox) async fn path_open(
    caller: &mut Caller<'_, Host>,
    args: (i32, i32, i32, i32, i32, i64, i64, i32, i32),
) -> Answer {
    let (dir, lookup, path, length, flags, base, inheriting, fd_flags, result) = args;
    let path = or_answer!(read_path(caller, path, length).await);
    if caller.data().files.full() {
        caller.data().control.refuse(Refusal::OpenFile);
        return Ok(errno::MFILE.answer());
    }
    let mut before = None;
    let mut changes = None;
    if flags & (CREATE | TRUNCATE) != 0 {
        let (place, fd) = or_answer!(at(caller, dir, &path).await);
        before = stat_at(caller, fd, lookup, &path).await;
        changes = Some(place);
    }
    let more = match before {
        None if flags & CREATE != 0 => Amount { bytes: 0, files: 1 },
        _ => Amount::default(),
    };
    or_answer!(admit(caller, more).await);
    host::charge(caller, prices::MADE.saturating_mul(more.files)).await;
    let (follow, act) = (lookup & 1 != 0, if flags & TRUNCATE != 0 { Act::Change } else { Act::Make });
    if let Some(place) = &changes {
        or_answer!(watch::before(caller, place, follow, act).await);
    }
    let how = How { lookup, flags, rights: (base, inheriting), fd_flags };
    let Host { files, wasi, .. } = caller.data_mut();
    let number = match files.add(wasi, dir, &path, how).await {
        Ok(number) => number,
        Err(errno) => {
            if let Some(place) = &changes {
                watch::after(caller, place, follow);
            }
            return Ok(refused(caller, errno));
        }
    };
    let Host { meter, .. } = caller.data_mut();
    meter.add(more);
    if let Some(before) = before.as_ref().filter(|before| before.is_file && flags & TRUNCATE != 0) {
        meter.give_back(Amount { bytes: before.size, files: 0 });
    }
    let (is_new, is_cut) = (before.is_none() && flags & CREATE != 0, flags & TRUNCATE != 0);
    if is_new {
        note_name(caller);
    }
    if is_new || is_cut {
        let fd = resolve(caller, number.cast_signed()).await.unwrap_or(-1);
        touch(caller, number.cast_signed(), fd, errno::SUCCESS).await;
    }
    if let Some(place) = &changes {
        watch::after(caller, place, follow);
    }
    if flags & CHANGES != 0 || base & WRITE != 0 {
        caller.data().control.file_changed();
    }
    Ok(Errno::of_written(host::write(caller, result.cast_unsigned(), &number.to_le_bytes())))
}

pub(in crate::sandbox) async fn path_create_directory(
    caller: &mut Caller<'_, Host>,
    (dir, path, length): (i32, i32, i32),
) -> Answer {
    let name = or_answer!(read_path(caller, path, length).await);
    let (place, fd) = or_answer!(at(caller, dir, &name).await);
    or_answer!(depth::check_new(caller, fd, &place, &name).await);
    let more = Amount { bytes: 0, files: 1 };
    if stat_at(caller, fd, 0, &name).await.is_none() {
        or_answer!(admit(caller, more).await);
    }
    or_answer!(watch::before(caller, &place, false, Act::Make).await);
    let errno = pass!(caller, path_create_directory, fd, path, length);
    watch::after(caller, &place, false);
    if errno == errno::SUCCESS {
        note_name(caller);
        caller.data_mut().meter.add(more);
    }
    Ok(changed(caller, errno))
}

pub(in crate::sandbox) async fn path_remove_directory(
    caller: &mut Caller<'_, Host>,
    (dir, path, length): (i32, i32, i32),
) -> Answer {
    let name = or_answer!(read_path(caller, path, length).await);
    let (place, fd) = or_answer!(at(caller, dir, &name).await);
    or_answer!(watch::before(caller, &place, false, Act::Change).await);
    let errno = pass!(caller, path_remove_directory, fd, path, length);
    watch::after(caller, &place, false);
    if errno == errno::SUCCESS {
        note_name(caller);
        caller.data_mut().meter.give_back(Amount { bytes: 0, files: 1 });
    }
    Ok(changed(caller, errno))
}

pub(in crate::sandbox) async fn path_unlink_file(
    caller: &mut Caller<'_, Host>,
    (dir, path, length): (i32, i32, i32),
) -> Answer {
    let name = or_answer!(read_path(caller, path, length).await);
    let (place, fd) = or_answer!(at(caller, dir, &name).await);
    let before = stat_at(caller, fd, 0, &name).await;
    or_answer!(watch::before(caller, &place, false, Act::Change).await);
    let errno = pass!(caller, path_unlink_file, fd, path, length);
    watch::after(caller, &place, false);
    if errno == errno::SUCCESS {
        note_name(caller);
        let host = caller.data_mut();
        // The bytes of a file that is open or has another name are still there.
        let freed = before.filter(|before| before.is_file && before.links == 1 && !host.files.is_open_at(&place));
        host.meter.give_back(Amount { bytes: freed.map_or(0, |freed| freed.size), files: 1 });
    }
    Ok(changed(caller, errno))
}

pub(in crate::sandbox) async fn path_rename(
    caller: &mut Caller<'_, Host>,
    args: (i32, i32, i32, i32, i32, i32),
) -> Answer {
    let (old_dir, old, old_length, new_dir, new, new_length) = args;
    let old_name = or_answer!(read_path(caller, old, old_length).await);
    let new_name = or_answer!(read_path(caller, new, new_length).await);
    for name in [&old_name, &new_name] {
        // Without a name there is nothing to rename but the mount itself.
        if name.bytes().all(|byte| matches!(byte, b'/' | b'.')) {
            return Ok(errno::INVAL.answer());
        }
    }
    let Some(old_fd) = resolve(caller, old_dir).await else { return Ok(errno::BADF.answer()) };
    or_answer!(stays(caller, old_dir, &old_name));
    let Some(from) = caller.data().files.place(old_dir, &old_name) else { return Ok(errno::BADF.answer()) };
    let (to, new_fd) = or_answer!(at(caller, new_dir, &new_name).await);
    or_answer!(depth::check_moved(caller, (old_fd, &from, &old_name), (new_fd, &to, &new_name)).await);
    or_answer!(watch::before_move(caller, &from, &to).await);
    let errno = pass!(caller, path_rename, old_fd, old, old_length, new_fd, new, new_length);
    watch::after_move(caller, &from, &to);
    if errno == errno::SUCCESS {
        note_name(caller);
        caller.data_mut().files.follow(&from, &to);
    }
    Ok(changed(caller, errno))
}

pub(in crate::sandbox) async fn path_filestat_set_times(
    caller: &mut Caller<'_, Host>,
    args: (i32, i32, i32, i32, i64, i64, i32),
) -> Answer {
    let (dir, flags, path, length, accessed, modified, which) = args;
    let name = or_answer!(read_path(caller, path, length).await);
    let Some(fd) = resolve(caller, dir).await else { return Ok(errno::BADF.answer()) };
    or_answer!(stays(caller, dir, &name));
    let (accessed, modified, which) = times(caller, (accessed, modified, which));
    let place = or_answer!(caller.data().files.place(dir, &name).ok_or(errno::BADF));
    or_answer!(watch::before(caller, &place, flags & 1 != 0, Act::Change).await);
    let errno = pass!(caller, path_filestat_set_times, fd, flags, path, length, accessed, modified, which);
    watch::after(caller, &place, flags & 1 != 0);
    Ok(changed(caller, errno))
}

/// A path in the guest's memory. Following it is charged by its names, wherever they lead.
pub(in crate::sandbox) async fn read_path(
    caller: &mut Caller<'_, Host>,
    pointer: i32,
    length: i32,
) -> Result<String, Errno> {
    let path = path_at(caller, pointer, length)?;
    host::charge(caller, prices::path(&path)).await;
    Ok(path)
}

/// A path in the guest's memory that is only looked at.
pub(in crate::sandbox) fn path_at(caller: &mut Caller<'_, Host>, pointer: i32, length: i32) -> Result<String, Errno> {
    if length.cast_unsigned() > MAX_PATH {
        return Err(errno::NAMETOOLONG);
    }
    let path = host::read(caller, pointer, length).ok_or(errno::FAULT)?;
    String::from_utf8(path).map_err(|_| errno::ILSEQ)
}

/// Where a path is, to which something is about to happen, and the WASI context's number of the directory.
async fn at(caller: &mut Caller<'_, Host>, dir: i32, path: &str) -> Result<(Place, i32), Errno> {
    let Host { files, wasi, .. } = caller.data_mut();
    let fd = files.resolve(wasi, dir).await.ok_or(errno::BADF)?;
    let place = files.place(dir, path).ok_or(errno::BADF)?;
    stays(caller, dir, path)?;
    let open = caller.data().files.count();
    host::charge(caller, prices::each(prices::OPEN, open)).await;
    let Host { files, wasi, .. } = caller.data_mut();
    files.wake(wasi, &place).await;
    Ok((place, fd))
}

/// Refuses a change that would turn into a mount within a mount: all of those are read-only, and so are the
/// descriptors of whatever was opened in them.
fn stays(caller: &Caller<'_, Host>, dir: i32, path: &str) -> Result<(), Errno> {
    if caller.data().files.turns(dir, path) { Err(errno::PERM) } else { Ok(()) }
}

/// What is at a path, if anybody has to know.
async fn stat_at(caller: &mut Caller<'_, Host>, dir: i32, lookup: i32, path: &str) -> Option<Stat> {
    let Host { meter, wasi, fixed, .. } = caller.data_mut();
    if !meter.is_limited() && fixed.is_none() {
        return None;
    }
    host_calls::stat_at(wasi, dir, lookup, path).await.ok()
}

fn is_metered(caller: &Caller<'_, Host>, number: i32) -> bool {
    caller.data().meter.is_limited() && caller.data().files.is_opened(number)
}

async fn size_of(caller: &mut Caller<'_, Host>, fd: i32) -> Option<u64> {
    let stat = host_calls::stat(&mut caller.data_mut().wasi, fd).await.ok()?;
    stat.is_file.then_some(stat.size)
}

/// By how much a write of these vectors would make the file longer: at `offset`, or where the file stands.
async fn growth(
    caller: &mut Caller<'_, Host>,
    number: i32,
    fd: i32,
    vectors: (i32, i32),
    offset: Option<u64>,
) -> Result<Amount, Errno> {
    if !is_metered(caller, number) {
        return Ok(Amount::default());
    }
    let length = u64::from(transfer::first(caller, vectors.0, vectors.1)?.1);
    let Some(size) = size_of(caller, fd).await.filter(|_| length > 0) else { return Ok(Amount::default()) };
    let Host { files, wasi, .. } = caller.data_mut();
    let start = match offset {
        _ if files.appends(number) => size,
        Some(offset) => offset,
        None => host_calls::tell(wasi, fd).unwrap_or(size),
    };
    Ok(Amount { bytes: start.saturating_add(length).saturating_sub(size), files: 0 })
}

/// Counts a write that went through.
fn wrote(caller: &mut Caller<'_, Host>, number: i32, more: Amount, errno: i32) -> i32 {
    let host = caller.data_mut();
    if errno == errno::SUCCESS && host.files.is_opened(number) {
        host.meter.add(more);
        host.control.file_changed();
    }
    errno
}

/// Gives a file that was written to the time of a deterministic guest's clock.
async fn touch(caller: &mut Caller<'_, Host>, number: i32, fd: i32, errno: i32) {
    let fuel = host::used(caller);
    let Host { fixed, wasi, files, .. } = caller.data_mut();
    if let Some(fixed) = fixed.as_ref().filter(|_| errno == errno::SUCCESS && files.is_opened(number)) {
        host_calls::set_times(wasi, fd, fixed.now(fuel)).await;
    }
}

/// Notes that a name was made or removed.
fn note_name(caller: &mut Caller<'_, Host>) {
    let fuel = host::used(caller);
    if let Some(fixed) = &mut caller.data_mut().fixed {
        fixed.note_name(fuel);
    }
}

/// The times that a guest sets, and which: "now" is what a deterministic guest has for it.
fn times(caller: &mut Caller<'_, Host>, (accessed, modified, flags): (i64, i64, i32)) -> (i64, i64, i32) {
    let fuel = host::used(caller);
    let Some(fixed) = &caller.data().fixed else { return (accessed, modified, flags) };
    let now = fixed.now(fuel).cast_signed();
    // `fstflags`: each "now" has the bit above that of a given time.
    let set = |given: i64, bit: i32| if flags & (bit << 1) == 0 { given } else { now };
    let given = (flags & 0b0101) | ((flags & 0b1010) >> 1);
    (set(accessed, 0b0001), set(modified, 0b0100), if flags & 0b1111 == flags { given } else { flags })
}

/// Notes a change that went through, or was not allowed.
fn changed(caller: &mut Caller<'_, Host>, errno: i32) -> i32 {
    if errno == errno::SUCCESS {
        caller.data().control.file_changed();
    }
    match Errno::from_answer(errno) {
        Some(errno) => refused(caller, errno),
        None => errno,
    }
}

/// Counts a call that was not allowed.
fn refused(caller: &Caller<'_, Host>, errno: Errno) -> i32 {
    if matches!(errno, errno::ACCES | errno::PERM | errno::ROFS | errno::NOTCAPABLE) {
        caller.data().control.refuse(Refusal::Path);
    }
    errno.answer()
}

#[cfg(test)]
pub(in crate::sandbox) mod tests;
