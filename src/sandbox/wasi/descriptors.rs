//! The WASI functions on a descriptor that leave the file as it is. What a guest advises is of no use to the host. And
//! what it wants to have on the disk at once would make the session's thread wait for the disk: its files are kept by
//! the commit after the cell, and no call makes them safer than that.

use wasmtime::Caller;

use super::errno;
use super::forward::pass;
use super::host_calls;
use super::mutate;
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;
use crate::sandbox::refusals::Refusal;

/// `flags` of `sock_accept` by which the patched C library asks for another number of an open file (`docs/guest-patches.md`):
/// WASI has no call for that, and no sockets are here.
const DUPLICATE: i32 = 0x647570;
/// `advice`: how many kinds there are.
const ADVICE: i32 = 6;

type Answer = wasmtime::Result<i32>;

pub(in crate::sandbox) async fn fd_close(caller: &mut Caller<'_, Host>, (number,): (i32,)) -> Answer {
    // The text streams stay: a file that got their number would be mistaken for them.
    if (0..3).contains(&number) {
        return Ok(errno::SUCCESS);
    }
    let host = caller.data_mut();
    host.listings.forget(number);
    match host.files.remove(number) {
        None => Ok(errno::BADF.answer()),
        Some(None) => Ok(errno::SUCCESS),
        Some(Some(fd)) => Ok(pass!(caller, fd_close, fd)),
    }
}

pub(in crate::sandbox) async fn sock_accept(
    caller: &mut Caller<'_, Host>,
    (number, flags, result): (i32, i32, i32),
) -> Answer {
    if flags != DUPLICATE {
        caller.data().control.refuse(Refusal::Socket);
        return Ok(errno::PERM.answer());
    }
    if !caller.data().files.is_opened(number) {
        return Ok(errno::NOTSUP.answer());
    }
    if caller.data().files.full() {
        caller.data().control.refuse(Refusal::OpenFile);
        return Ok(errno::MFILE.answer());
    }
    host::charge(caller, prices::each(prices::OPEN, caller.data().files.count())).await;
    let Host { files, wasi, .. } = caller.data_mut();
    let duplicate = match files.duplicate(wasi, number).await {
        Ok(duplicate) => duplicate,
        Err(errno) => return Ok(errno.answer()),
    };
    if host::write(caller, result.cast_unsigned(), &duplicate.to_le_bytes()).is_none() {
        caller.data_mut().files.remove(duplicate.cast_signed());
        return Ok(errno::FAULT.answer());
    }
    Ok(errno::SUCCESS)
}

pub(in crate::sandbox) async fn fd_advise(caller: &mut Caller<'_, Host>, args: (i32, i64, i64, i32)) -> Answer {
    let (number, _, _, advice) = args;
    if (0..ADVICE).contains(&advice) { on_file(caller, number).await } else { Ok(errno::INVAL.answer()) }
}

pub(in crate::sandbox) async fn fd_datasync(caller: &mut Caller<'_, Host>, (number,): (i32,)) -> Answer {
    on_file(caller, number).await
}

pub(in crate::sandbox) async fn fd_sync(caller: &mut Caller<'_, Host>, (number,): (i32,)) -> Answer {
    on_file(caller, number).await
}

/// Whether there is such a file is all that is looked at.
async fn on_file(caller: &mut Caller<'_, Host>, number: i32) -> Answer {
    let Some(fd) = mutate::resolve(caller, number).await else { return Ok(errno::BADF.answer()) };
    let stat = host_calls::stat(&mut caller.data_mut().wasi, fd).await;
    Ok(if stat.is_ok_and(|stat| stat.is_file) { errno::SUCCESS } else { errno::BADF.answer() })
}
