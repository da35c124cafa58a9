//! The WASI functions that are ours: those that wait, write text, take guest-sized amounts or have been
//! the ground of advisories. The rest is wasmtime's own.

use std::time::{Duration, Instant};

use wasmtime::{Caller, Linker};

use super::changes;
use super::clocks;
use super::directory;
use super::errno;
use super::host::{self, Host};
use super::looks;
use super::pass::pass;
use super::refusals::Refusal;
use super::stat;

const MODULE: &str = "wasi_snapshot_preview1";

/// Subscriptions in one `poll_oneoff`; libc's `select` asks for one per descriptor.
const MAX_SUBSCRIPTIONS: u32 = 1024;
/// Sizes of the structures of `poll_oneoff`.
const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;
/// Vectors in one write.
const MAX_VECTORS: u32 = 1024;
/// Bytes taken by one write to fd 1 or 2; the guest writes the rest with another.
const MAX_TEXT: usize = 1 << 20;
/// Bytes of randomness in one call.
const MAX_RANDOM: u32 = 16 << 20;

/// Adds WASI and the door to `linker`.
///
/// # Errors
/// wasmtime's.
pub fn add_to_linker(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    wasmtime_wasi::p1::add_to_linker_async(linker, |host| &mut host.wasi)?;
    linker.allow_shadowing(true);
    linker.func_wrap_async("host", "call", |mut caller: Caller<'_, Host>, args: (i32, i32, i32, i32)| {
        Box::new(async move { host::door(&mut caller, args).await })
    })?;
    linker.func_wrap_async(MODULE, "fd_write", |mut caller: Caller<'_, Host>, args: (i32, i32, i32, i32)| {
        Box::new(async move { fd_write(&mut caller, args).await })
    })?;
    linker.func_wrap_async(MODULE, "fd_close", |mut caller: Caller<'_, Host>, (fd,): (i32,)| {
        Box::new(async move { fd_close(&mut caller, fd).await })
    })?;
    change(linker)?;
    look(linker)?;
    pass_on(linker)?;
    linker.func_wrap_async(MODULE, "poll_oneoff", |mut caller: Caller<'_, Host>, args: (i32, i32, i32, i32)| {
        Box::new(async move { Ok::<i32, wasmtime::Error>(poll_oneoff(&mut caller, args).await) })
    })?;
    linker.func_wrap(MODULE, "random_get", random_get)?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut caller: Caller<'_, Host>, clock: i32, precision: i64, result: i32| {
            clocks::clock_time_get(&mut caller, (clock, precision, result))
        },
    )?;
    linker.func_wrap(MODULE, "clock_res_get", |mut caller: Caller<'_, Host>, clock: i32, result: i32| {
        clocks::clock_res_get(&mut caller, (clock, result))
    })?;
    refuse(linker)
}

/// Refuses functions whatever their arguments: their names, what is counted, and the types of the arguments.
macro_rules! refused {
    ($linker:expr, $($function:ident: $refusal:ident($($argument:ty),*);)*) => {$(
        $linker.func_wrap(MODULE, stringify!($function), |caller: Caller<'_, Host>, $(_: $argument),*| {
            caller.data().control.refuse(Refusal::$refusal);
            errno::PERM
        })?;
    )*};
}

/// Links between files, and sockets, do not exist in here.
fn refuse(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    refused! { linker,
        path_symlink: Symlink(i32, i32, i32, i32, i32);
        path_link: Link(i32, i32, i32, i32, i32, i32, i32);
        fd_renumber: Renumber(i32, i32);
        sock_accept: Socket(i32, i32, i32);
        sock_recv: Socket(i32, i32, i32, i32, i32, i32);
        sock_send: Socket(i32, i32, i32, i32, i32);
        sock_shutdown: Socket(i32, i32);
    }
    Ok(())
}

/// The functions on a descriptor that are wasmtime's own, once the guest's number is resolved.
macro_rules! resolved {
    ($linker:expr, $($function:ident($fd:ident $(, $argument:ident: $type:ty)*) $($sync:ident)?;)*) => {$(
        $linker.func_wrap_async(
            MODULE,
            stringify!($function),
            |mut caller: Caller<'_, Host>, ($fd, $($argument,)*): (i32, $($type,)*)| {
                Box::new(async move {
                    let caller = &mut caller;
                    let Some($fd) = changes::resolve(caller, $fd).await else { return Ok(errno::BADF) };
                    Ok(pass!(caller, $function $($sync)?, $fd $(, $argument)*))
                })
            },
        )?;
    )*};
}

/// Takes over functions of a module, by their names and the types of their arguments.
macro_rules! ours {
    ($linker:expr, $($module:ident::$function:ident($($argument:ty),*);)*) => {$(
        $linker.func_wrap_async(MODULE, stringify!($function), |mut caller: Caller<'_, Host>, args: ($($argument,)*)| {
            Box::new(async move { $module::$function(&mut caller, args).await })
        })?;
    )*};
}

fn change(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    ours! { linker,
        changes::fd_fdstat_set_flags(i32, i32);
        changes::fd_filestat_set_size(i32, i64);
        changes::fd_filestat_set_times(i32, i64, i64, i32);
        changes::fd_pwrite(i32, i32, i32, i64, i32);
        changes::path_create_directory(i32, i32, i32);
        changes::path_filestat_set_times(i32, i32, i32, i32, i64, i64, i32);
        changes::path_open(i32, i32, i32, i32, i32, i64, i64, i32, i32);
        changes::path_remove_directory(i32, i32, i32);
        changes::path_rename(i32, i32, i32, i32, i32, i32);
        changes::path_unlink_file(i32, i32, i32);
    }
    Ok(())
}

fn look(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    ours! { linker,
        directory::fd_readdir(i32, i32, i32, i64, i32);
        looks::path_readlink(i32, i32, i32, i32, i32, i32);
        stat::fd_filestat_get(i32, i32);
        stat::path_filestat_get(i32, i32, i32, i32, i32);
    }
    Ok(())
}

fn pass_on(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    resolved! { linker,
        fd_advise(fd, offset: i64, length: i64, advice: i32);
        fd_allocate(fd, offset: i64, length: i64) sync;
        fd_datasync(fd);
        fd_fdstat_get(fd, result: i32);
        fd_pread(fd, vectors: i32, count: i32, offset: i64, result: i32);
        fd_read(fd, vectors: i32, count: i32, result: i32);
        fd_seek(fd, offset: i64, whence: i32, result: i32);
        fd_sync(fd);
        fd_tell(fd, result: i32) sync;
    }
    Ok(())
}

async fn fd_write(caller: &mut Caller<'_, Host>, args: (i32, i32, i32, i32)) -> wasmtime::Result<i32> {
    let (fd, vectors, count, written) = args;
    if fd != 1 && fd != 2 {
        return changes::fd_write(caller, fd, (vectors, count, written)).await;
    }
    let Some(text) = gather(caller, vectors, count) else { return Ok(errno::FAULT) };
    let (outside, control) = (caller.data().outside.clone(), caller.data().control.clone());
    if control.wait(outside.text(fd == 2, &text)).await.is_none() {
        return Ok(errno::INTR);
    }
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    Ok(match host::write(caller, written.cast_unsigned(), &length.to_le_bytes()) {
        Some(()) => errno::SUCCESS,
        None => errno::FAULT,
    })
}

/// The bytes that a vector of (pointer, length) pairs names, at most [`MAX_TEXT`] of them.
fn gather(caller: &mut Caller<'_, Host>, vectors: i32, count: i32) -> Option<Vec<u8>> {
    let count = count.cast_unsigned();
    if count > MAX_VECTORS {
        return None;
    }
    let memory = caller.data().exports.as_ref()?.memory;
    let data = memory.data(&*caller);
    let start = vectors.cast_unsigned() as usize;
    let vectors = data.get(start..start.checked_add(count as usize * 8)?)?;
    let mut text = Vec::new();
    for vector in vectors.as_chunks::<8>().0 {
        let [a, b, c, d, e, f, g, h] = *vector;
        let from = u32::from_le_bytes([a, b, c, d]) as usize;
        let length = (u32::from_le_bytes([e, f, g, h]) as usize).min(MAX_TEXT - text.len());
        text.extend_from_slice(data.get(from..from.checked_add(length)?)?);
    }
    Some(text)
}

async fn fd_close(caller: &mut Caller<'_, Host>, fd: i32) -> wasmtime::Result<i32> {
    // The text streams stay: a file that got their number would be mistaken for them.
    if (0..3).contains(&fd) {
        return Ok(errno::SUCCESS);
    }
    match caller.data_mut().files.remove(fd) {
        None => Ok(errno::BADF),
        Some(None) => Ok(errno::SUCCESS),
        Some(Some(fd)) => Ok(pass!(caller, fd_close, fd)),
    }
}

fn random_get(mut caller: Caller<'_, Host>, pointer: i32, length: i32) -> wasmtime::Result<i32> {
    let length = length.cast_unsigned();
    if length > MAX_RANDOM {
        return Ok(errno::INVAL);
    }
    let Some(memory) = caller.data().exports.as_ref().map(|exports| exports.memory) else {
        return Ok(errno::FAULT);
    };
    let start = pointer.cast_unsigned() as usize;
    let (data, host) = memory.data_and_store_mut(&mut caller);
    let Some(room) = data.get_mut(start..start.saturating_add(length as usize)) else {
        return Ok(errno::FAULT);
    };
    match &mut host.fixed {
        Some(fixed) => fixed.fill(room),
        None => {
            getrandom::fill(room).map_err(|error| wasmtime::format_err!("no randomness from the system: {error}"))?;
        }
    }
    Ok(errno::SUCCESS)
}

/// One subscription, read.
enum Wanted {
    /// A clock's; the time to wait from now.
    Timer(Duration),
    /// A descriptor's, of the given event type: files and the text streams are always ready.
    Ready(u8),
}

/// Waits for the first of the subscriptions. Interruptible: then it answers with the timers as if they had
/// passed, and the guest sees its interrupt flag at the next look. In a deterministic guest only its clock goes on.
async fn poll_oneoff(caller: &mut Caller<'_, Host>, args: (i32, i32, i32, i32)) -> i32 {
    let (subscriptions, events, count, stored) = args;
    let count = count.cast_unsigned();
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return errno::INVAL;
    }
    host::charge(caller, host::CALL_COST + u64::from(count)).await;
    let size = i32::try_from(count as usize * SUBSCRIPTION).unwrap_or(i32::MAX);
    let Some(bytes) = host::read(caller, subscriptions, size) else { return errno::FAULT };
    let mut wanted = Vec::with_capacity(count as usize);
    for subscription in bytes.as_chunks::<SUBSCRIPTION>().0 {
        let userdata = subscription.first_chunk::<8>().copied().unwrap_or_default();
        let Some(one) = parse(subscription, |clock| clocks::now(caller, clock)) else { return errno::INVAL };
        wanted.push((userdata, one));
    }
    let ready = wanted.iter().any(|(_, one)| matches!(one, Wanted::Ready(_)));
    let shortest = wanted.iter().filter_map(|(_, one)| match one {
        Wanted::Timer(time) => Some(*time),
        Wanted::Ready(_) => None,
    });
    let shortest = shortest.min().unwrap_or_default();
    if !ready && !shortest.is_zero() {
        match &mut caller.data_mut().fixed {
            Some(fixed) => fixed.sleep(u64::try_from(shortest.as_nanos()).unwrap_or(u64::MAX)),
            None => {
                let control = caller.data().control.clone();
                control.sleep(Instant::now().checked_add(shortest)).await;
            }
        }
    }
    let mut answer = Vec::new();
    let mut number: u32 = 0;
    for (userdata, one) in &wanted {
        let kind = match one {
            Wanted::Timer(time) if !ready && *time == shortest => 0,
            Wanted::Timer(time) if time.is_zero() => 0,
            Wanted::Timer(_) => continue,
            Wanted::Ready(kind) => *kind,
        };
        let mut event = [0; EVENT];
        for (to, from) in event.iter_mut().zip(userdata) {
            *to = *from;
        }
        if let Some(byte) = event.get_mut(10) {
            *byte = kind;
        }
        // One byte can be moved without waiting.
        if kind != 0
            && let Some(byte) = event.get_mut(16)
        {
            *byte = 1;
        }
        answer.extend_from_slice(&event);
        number += 1;
    }
    let done = host::write(caller, events.cast_unsigned(), &answer)
        .and_then(|()| host::write(caller, stored.cast_unsigned(), &number.to_le_bytes()));
    if done.is_some() { errno::SUCCESS } else { errno::FAULT }
}

fn parse(subscription: &[u8; SUBSCRIPTION], now: impl FnOnce(u32) -> Option<u64>) -> Option<Wanted> {
    let tag = *subscription.get(8)?;
    if tag == 1 || tag == 2 {
        return Some(Wanted::Ready(tag));
    }
    if tag != 0 {
        return None;
    }
    let clock = u32::from_le_bytes(*subscription.get(16..)?.first_chunk()?);
    let timeout = u64::from_le_bytes(*subscription.get(24..)?.first_chunk()?);
    let flags = u16::from_le_bytes(*subscription.get(40..)?.first_chunk()?);
    let absolute = flags & 1 != 0;
    let nanoseconds = if absolute { timeout.saturating_sub(now(clock)?) } else { timeout };
    Some(Wanted::Timer(Duration::from_nanos(nanoseconds)))
}
