//! The WASI functions that look at a path without opening it.

use wasmtime::Caller;

use super::errno;
use super::errno::Errno;
use super::forward::pass;
use super::host_calls;
use super::mutate::read_path;
use crate::sandbox::host;
use crate::sandbox::host::Host;

/// Bytes of a symbolic link's text, as Linux has it.
const MAX_LINK: u32 = 4096;
/// `lookupflags`: symbolic links at the end of a path are followed.
const FOLLOW: i32 = 1;

type Answer = wasmtime::Result<i32>;

pub(in crate::sandbox) async fn path_filestat_get(
    caller: &mut Caller<'_, Host>,
    (dir, lookup, path, length, result): (i32, i32, i32, i32, i32),
) -> Answer {
    let stat = match read_path(caller, path, length).await {
        Ok(path) => {
            let Host { files, wasi, .. } = caller.data_mut();
            match files.lead(wasi, dir, &path).await {
                Ok((fd, path)) => host_calls::filestat_at(wasi, fd, lookup, &path).await,
                Err(errno) => Err(errno),
            }
        }
        Err(errno) => Err(errno),
    };
    Ok(stat.map_or_else(Errno::answer, |stat| Errno::of_written(host::write(caller, result.cast_unsigned(), &stat))))
}

pub(in crate::sandbox) async fn path_readlink(
    caller: &mut Caller<'_, Host>,
    (dir, path, length, buffer, room, result): (i32, i32, i32, i32, i32, i32),
) -> Answer {
    let text = match read_path(caller, path, length).await {
        Ok(path) => read_link(caller, dir, &path, room.cast_unsigned().min(MAX_LINK)).await,
        Err(errno) => Err(errno),
    };
    Ok(text.map_or_else(Errno::answer, |text| {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let done = host::write(caller, buffer.cast_unsigned(), &text)
            .and_then(|()| host::write(caller, result.cast_unsigned(), &length.to_le_bytes()));
        Errno::of_written(done)
    }))
}

/// What a link says, unless it leads out of its mount: then it names something of the host's.
async fn read_link(caller: &mut Caller<'_, Host>, dir: i32, path: &str, room: u32) -> Result<Vec<u8>, Errno> {
    let Host { files, wasi, .. } = caller.data_mut();
    let (fd, path) = files.lead(wasi, dir, path).await?;
    let text = host_calls::read_link(wasi, fd, &path, room).await?;
    match host_calls::stat_at(wasi, fd, FOLLOW, &path).await {
        Err(errno::PERM) => Err(errno::PERM),
        _ => Ok(text),
    }
}

pub(in crate::sandbox) async fn fd_prestat_get(caller: &mut Caller<'_, Host>, (number, result): (i32, i32)) -> Answer {
    // Only the mounts are known by such names, and their numbers are the same in the WASI context.
    if caller.data().files.is_opened(number) {
        return Ok(errno::BADF.answer());
    }
    Ok(pass!(caller, fd_prestat_get sync, number, result))
}

pub(in crate::sandbox) async fn fd_prestat_dir_name(
    caller: &mut Caller<'_, Host>,
    (number, name, room): (i32, i32, i32),
) -> Answer {
    if caller.data().files.is_opened(number) {
        return Ok(errno::BADF.answer());
    }
    Ok(pass!(caller, fd_prestat_dir_name sync, number, name, room))
}
