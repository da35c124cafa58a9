//! How deep directories are within each other. What a path says of that is not to be trusted: it may go through
//! symbolic links, or lead out of its mount. So it is measured on directories that the WASI context has opened.

use std::fs::File;

use wasmtime::Caller;

use super::errno;
use super::errno::Errno;
use super::fd_table::Place;
use super::host_calls;
use super::walk::{self, Lengths, Met, Walk};
use crate::sandbox::host;
use crate::sandbox::host::Host;
use crate::sandbox::prices;
use crate::sandbox::prices::BATCH;

/// Directories within each other, below a mount.
pub(in crate::sandbox) const MAX_DEPTH: usize = 63;

/// Refuses a directory that would be too deep. The call itself says what is wrong with a path that leads nowhere.
pub(in crate::sandbox) async fn check_new(
    caller: &mut Caller<'_, Host>,
    fd: i32,
    place: &Place,
    path: &str,
) -> Result<(), Errno> {
    match depth(caller, fd, place, path).await {
        Some(depth) if depth > MAX_DEPTH => Err(errno::NAMETOOLONG),
        _ => Ok(()),
    }
}

/// Refuses to move a directory to where what is in it would be too deep.
pub(in crate::sandbox) async fn check_moved(
    caller: &mut Caller<'_, Host>,
    (old_fd, from, old): (i32, &Place, &str),
    (new_fd, to, new): (i32, &Place, &str),
) -> Result<(), Errno> {
    let stat = host_calls::stat_at(&mut caller.data_mut().wasi, old_fd, 0, old).await;
    if !stat.is_ok_and(|stat| stat.is_directory) {
        return Ok(());
    }
    host::charge(caller, prices::MADE).await;
    let Some(new_depth) = depth(caller, new_fd, to, new).await else { return Ok(()) };
    if new_depth > MAX_DEPTH {
        return Err(errno::NAMETOOLONG);
    }
    if depth(caller, old_fd, from, old).await.is_some_and(|old_depth| new_depth <= old_depth) {
        return Ok(());
    }
    // What cannot be opened cannot be moved either, or has nothing in it that the guest could have made.
    let Ok(top) = host_calls::directory(&mut caller.data_mut().wasi, old_fd, old).await else { return Ok(()) };
    check_below(caller, &top, MAX_DEPTH - new_depth).await
}

/// Refuses a directory that has more than `most` levels below it.
async fn check_below(caller: &mut Caller<'_, Host>, top: &File, most: usize) -> Result<(), Errno> {
    let mut walk = Walk::new(top, Lengths::Unwanted).map_err(errno::of)?;
    loop {
        let mut seen: usize = 0;
        while seen < BATCH {
            match walk.step() {
                None => break,
                Some(Ok(Met::Directory)) if walk.depth() > most => return Err(errno::NAMETOOLONG),
                Some(Ok(_) | Err(_)) => seen += 1,
            }
        }
        host::work(caller, prices::each(prices::LISTED, seen)).await?;
        if seen < BATCH {
            return Ok(());
        }
    }
}

/// How deep what a path names is, or would be, below its mount; more than the most if it is deeper than that. `None` if
/// its directory is not there, or in a mount to which nothing can be written.
async fn depth(caller: &mut Caller<'_, Host>, fd: i32, place: &Place, path: &str) -> Option<usize> {
    let host = caller.data_mut();
    if !host.meter.is_writable(place.mount) || host.files.is_inside_inner(place) {
        return None;
    }
    let dir = host_calls::directory(&mut host.wasi, fd, parent(path)?).await.ok()?;
    let top = host_calls::directory(&mut host.wasi, place.mount.cast_signed(), ".").await.ok()?;
    let depth = walk::depth_below(&top, &dir, MAX_DEPTH).ok()?;
    host::charge(caller, prices::each(prices::STEP, depth.unwrap_or(MAX_DEPTH))).await;
    Some(depth.unwrap_or(MAX_DEPTH) + 1)
}

/// The directory that a path's last name is in; `None` if it ends in none.
fn parent(path: &str) -> Option<&str> {
    let path = path.trim_end_matches('/');
    let (parent, name) = match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", path),
    };
    (!matches!(name, "" | "." | "..")).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_the_directory_before_its_last_name() {
        for (path, expected) in [
            ("a", Some(".")),
            ("a/", Some(".")),
            ("a/b", Some("a")),
            ("a/../b//", Some("a/..")),
            ("../../etc/ssl", Some("../../etc")),
            ("/a", Some("/")),
            ("", None),
            (".", None),
            ("a/..", None),
            ("///", None),
        ] {
            assert_eq!(parent(path), expected, "{path}");
        }
    }
}
