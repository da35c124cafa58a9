//! Telling whoever keeps a guest's files what the guest is about to do to them, and what it has done. The keeper may
//! have to put a content away first, which can take long: the guest waits, and can be interrupted.

use wasmtime::Caller;

use super::guest_host::HostCall;
use super::host::{self, Host};
use super::prices;
use super::refusals::Refusal;
use super::wasi::errno;
use super::wasi::fd_table::Place;
use super::wasi::host_calls;
use crate::sandbox::wasi::errno::Errno;

/// A path of the guest's in one of its mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot<'a> {
    /// The mount, as the guest sees it: "/app".
    pub mount: &'a str,
    /// Below the mount, without `.`, `..` and empty parts.
    pub path: &'a str,
    /// Whether a symbolic link at the path's end is followed.
    pub follow: bool,
}

/// What is about to happen at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Something is made there, if nothing is there yet.
    Make,
    /// What is there is changed, replaced or removed.
    Change,
}

/// An open file, as it is after the guest has changed it through a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub size: u64,
    /// In nanoseconds since 1970.
    pub modified: u64,
    /// Names that the file has.
    pub links: u64,
}

/// What a rename takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Bytes that had to be put away.
    pub bytes: u64,
    /// Paths that are gone through.
    pub paths: u64,
}

/// Why the guest must not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The names of all files together are longer than what can be recorded.
    Names,
    /// What is there cannot be read, so it could not be put back.
    Unreadable,
    /// There is no room to put away what is there.
    Full,
    /// The host's file system failed.
    Failed,
}

/// Keeps the files of one guest. Calls come from the guest's thread only.
pub trait Watch: std::fmt::Debug + Send + Sync {
    /// Before the guest does something at a path; answers how many bytes had to be put away. `None`: it may at once.
    fn before<'a>(&'a self, spot: Spot<'a>, act: Act) -> Option<HostCall<'a, Result<u64, Denied>>>;

    /// Before the guest renames something; answers what that took.
    fn before_move<'a>(&'a self, from: Spot<'a>, to: Spot<'a>) -> HostCall<'a, Result<Moved, Denied>>;

    /// What [`Watch::before`] announced is over, whether it was done or not: through a descriptor, which shows this, or by the path.
    fn after(&self, spot: Spot<'_>, written: Option<Written>);

    /// What [`Watch::before_move`] announced is over, whether it was done or not.
    fn after_move(&self, from: Spot<'_>, to: Spot<'_>);
}

/// Announces what is about to happen at a place.
pub(super) async fn before(caller: &mut Caller<'_, Host>, place: &Place, follow: bool, act: Act) -> Result<(), Errno> {
    let Some((watch, mount)) = watched(caller, place.mount) else { return Ok(()) };
    let spot = Spot { mount: &mount, path: &place.path, follow };
    let Some(wait) = watch.before(spot, act) else { return Ok(()) };
    let control = caller.data().control.clone();
    match control.wait(wait).await {
        None => Err(errno::INTR),
        Some(Ok(bytes)) => {
            host::charge(caller, prices::PUT_BYTE.saturating_mul(bytes)).await;
            Ok(())
        }
        Some(Err(denied)) => Err(refuse(caller, denied)),
    }
}

/// Says that it is over, at a place.
pub(super) fn after(caller: &Caller<'_, Host>, place: &Place, follow: bool) {
    if let Some((watch, mount)) = watched(caller, place.mount) {
        watch.after(Spot { mount: &mount, path: &place.path, follow }, None);
    }
}

/// Announces that the guest changes an open file.
pub(super) async fn before_file(caller: &mut Caller<'_, Host>, number: i32) -> Result<(), Errno> {
    let Some(place) = opened(caller, number) else { return Ok(()) };
    before(caller, &place, true, Act::Change).await
}

/// Says that this is over.
pub(super) async fn after_file(caller: &mut Caller<'_, Host>, number: i32, fd: i32) {
    let Some(place) = opened(caller, number) else { return };
    let Some((watch, mount)) = watched(caller, place.mount) else { return };
    let stat = host_calls::stat(&mut caller.data_mut().wasi, fd).await.ok();
    let written = stat.map(|stat| Written { size: stat.size, modified: stat.modified, links: stat.links });
    // A file that cannot be asked is nobody's that has a name.
    let written = written.unwrap_or(Written { size: 0, modified: 0, links: 0 });
    watch.after(Spot { mount: &mount, path: &place.path, follow: true }, Some(written));
}

/// Announces a rename, and charges for what it moves.
pub(super) async fn before_move(caller: &mut Caller<'_, Host>, from: &Place, to: &Place) -> Result<(), Errno> {
    let Some((watch, mount)) = watched(caller, from.mount) else { return Ok(()) };
    let Some((_, other)) = watched(caller, to.mount) else { return Ok(()) };
    let control = caller.data().control.clone();
    let from = Spot { mount: &mount, path: &from.path, follow: false };
    let to = Spot { mount: &other, path: &to.path, follow: false };
    match control.wait(watch.before_move(from, to)).await {
        None => Err(errno::INTR),
        Some(Ok(Moved { bytes, paths })) => {
            let moved = prices::MOVED.saturating_mul(paths);
            host::charge(caller, moved.saturating_add(prices::PUT_BYTE.saturating_mul(bytes))).await;
            Ok(())
        }
        Some(Err(denied)) => Err(refuse(caller, denied)),
    }
}

/// Says that it is over.
pub(super) fn after_move(caller: &Caller<'_, Host>, from: &Place, to: &Place) {
    let Some((watch, mount)) = watched(caller, from.mount) else { return };
    let Some((_, other)) = watched(caller, to.mount) else { return };
    let from = Spot { mount: &mount, path: &from.path, follow: false };
    watch.after_move(from, Spot { mount: &other, path: &to.path, follow: false });
}

/// Who keeps the files of a mount, and what the guest calls it.
fn watched(caller: &Caller<'_, Host>, mount: u32) -> Option<(std::sync::Arc<dyn Watch>, std::sync::Arc<str>)> {
    let host = caller.data();
    let at = mount.checked_sub(super::wasi::fd_table::FIRST_MOUNT)? as usize;
    let name = host.watched.get(at)?.clone()?;
    Some((host.watch.clone()?, name))
}

fn opened(caller: &Caller<'_, Host>, number: i32) -> Option<Place> {
    let host = caller.data();
    host.watch.as_ref()?;
    if host.files.is_opened(number) { host.files.place(number, "") } else { None }
}

fn refuse(caller: &Caller<'_, Host>, denied: Denied) -> Errno {
    let control = &caller.data().control;
    match denied {
        Denied::Names => {
            control.refuse(Refusal::WorkspaceNames);
            errno::NOSPC
        }
        Denied::Unreadable => {
            control.refuse(Refusal::Path);
            errno::ACCES
        }
        Denied::Full => errno::NOSPC,
        Denied::Failed => errno::IO,
    }
}
