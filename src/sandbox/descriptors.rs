//! The WASI functions on a descriptor that leave the file as it is. What a guest advises is of no use to the host. And
//! what it wants to have on the disk at once would make the session's thread wait for the disk: its files are kept by
//! the commit after the cell, and no call makes them safer than that.

use wasmtime::Caller;

use super::changes;
use super::errno;
use super::host::Host;
use super::pass::pass;
use super::raw;

/// `advice`: how many kinds there are.
const ADVICE: i32 = 6;

type Answer = wasmtime::Result<i32>;

pub(super) async fn fd_close(caller: &mut Caller<'_, Host>, (number,): (i32,)) -> Answer {
    // The text streams stay: a file that got their number would be mistaken for them.
    if (0..3).contains(&number) {
        return Ok(errno::SUCCESS);
    }
    let host = caller.data_mut();
    host.listings.forget(number);
    match host.files.remove(number) {
        None => Ok(errno::BADF),
        Some(None) => Ok(errno::SUCCESS),
        Some(Some(fd)) => Ok(pass!(caller, fd_close, fd)),
    }
}

pub(super) async fn fd_advise(caller: &mut Caller<'_, Host>, args: (i32, i64, i64, i32)) -> Answer {
    let (number, _, _, advice) = args;
    if (0..ADVICE).contains(&advice) { on_file(caller, number).await } else { Ok(errno::INVAL) }
}

pub(super) async fn fd_datasync(caller: &mut Caller<'_, Host>, (number,): (i32,)) -> Answer {
    on_file(caller, number).await
}

pub(super) async fn fd_sync(caller: &mut Caller<'_, Host>, (number,): (i32,)) -> Answer {
    on_file(caller, number).await
}

/// Whether there is such a file is all that is looked at.
async fn on_file(caller: &mut Caller<'_, Host>, number: i32) -> Answer {
    let Some(fd) = changes::resolve(caller, number).await else { return Ok(errno::BADF) };
    let stat = raw::stat(&mut caller.data_mut().wasi, fd).await;
    Ok(if stat.is_ok_and(|stat| stat.is_file) { errno::SUCCESS } else { errno::BADF })
}
