//! The guest's open files, by numbers of our own. WASI descriptors live in the host and are gone with an
//! instance; the guest's numbers are part of its memory and live on. So every number that the guest holds
//! stands for a path and an offset, and is opened again, at first use, in an instance that came later. A
//! number is never given to another file while the guest's memory may still hold it.
//!
//! A number goes on at its path and offset or answers EBADF; it never becomes another file. A file that was
//! renamed by the guest is followed. One whose path names something else by now (it was unlinked or replaced)
//! works on in its instance, as everywhere, and is dead in a later one. A file that is still asleep when
//! something is about to happen to its path is opened before. A file in a mount within a mount must still be
//! the one that it was: which directory that is can be another one under another policy.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wasmtime_wasi::p1::WasiP1Ctx;

use super::errno;
use super::errno::Errno;
use super::host_calls;
use super::host_calls::{How, Stat};
use super::nested_mounts::Inner;

/// stdin, stdout and stderr come before the mounts.
pub(in crate::sandbox) const FIRST_MOUNT: u32 = 3;
/// Bytes of a path that is kept: more than directories within each other can make of it. Through a symbolic link to its
/// own directory it could grow for ever.
const MAX_KEPT_PATH: usize = 64 << 10;
/// `oflags` of `path_open` that must not be repeated (WASI preview 1): create, exclusive, truncate.
const ONCE: i32 = 0b1101;
/// `fdflags` that change where a write goes: append.
const APPEND: i32 = 1;

/// How a file was opened: enough to open it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The mount's descriptor.
    mount: u32,
    /// Relative to the mount, without `.` and `..`.
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
    /// Whether the path does not name this file any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dead: bool,
    /// Which file it was, if it is in a mount within a mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<u64>,
    /// The number that it is a duplicate of: they share the offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    twin_of: Option<u32>,
}

#[derive(Debug)]
enum State {
    /// Open in this instance, under the WASI context's own number.
    Live(i32),
    /// Open in an earlier instance, at this offset; and which file it was, if that is known.
    Asleep(u64, Option<u64>),
    /// Open in an earlier instance, and the same open file as another number's, which is asleep.
    Twin(u32),
    /// Open in an earlier instance, and not to be had again.
    Dead,
}

/// A path of the guest's: the mount's descriptor, and the path below the mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Place {
    pub(in crate::sandbox) mount: u32,
    /// Without `.`, `..` and empty parts; "" is the mount itself.
    pub(in crate::sandbox) path: String,
}

impl Place {
    fn new(mount: u32, path: &str) -> Self {
        Self { mount, path: plain(path) }
    }

    /// Where a path relative to this place is.
    pub(in crate::sandbox) fn join(&self, path: &str) -> Self {
        Self::new(self.mount, &format!("{}/{path}", self.path))
    }

    /// Names in the path.
    pub(in crate::sandbox) fn depth(&self) -> usize {
        self.path.split('/').filter(|name| !name.is_empty()).count()
    }

    /// What comes after this place in a path that is at or below it.
    pub(in crate::sandbox) fn rest<'a>(&self, mount: u32, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&self.path).filter(|_| mount == self.mount)?;
        (self.path.is_empty() || rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

/// The files that a guest has open.
#[derive(Debug)]
pub struct Files {
    /// The first number that is not a mount's.
    first: u32,
    limit: usize,
    open: BTreeMap<u32, (Opened, State)>,
    inner: Inner,
}

impl Files {
    /// The files of a guest with `mounts` mounts, of which `kept` were open at the last commit.
    pub fn new(mounts: usize, limit: usize, kept: &[Kept]) -> Self {
        let first = FIRST_MOUNT + u32::try_from(mounts).unwrap_or(u32::MAX - FIRST_MOUNT);
        let sleeps = |number| {
            kept.iter().any(|kept| (kept.number, kept.twin_of, kept.dead) == (number, None, false) && number >= first)
        };
        let open = kept.iter().filter(|kept| kept.number >= first).map(|kept| {
            let file = Opened { path: plain(&kept.file.path), ..kept.file.clone() };
            let state = match kept.twin_of {
                _ if kept.dead => State::Dead,
                Some(other) if sleeps(other) => State::Twin(other),
                Some(_) => State::Dead,
                None => State::Asleep(kept.offset, kept.identity),
            };
            (kept.number, (file, state))
        });
        Self { first, limit, open: open.collect(), inner: Inner::default() }
    }

    /// The same with mounts within the mounts.
    pub fn with_inner(self, inner: Inner) -> Self {
        Self { inner, ..self }
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
    pub(in crate::sandbox) async fn keep(&self, wasi: &mut WasiP1Ctx) -> Vec<Kept> {
        let mut kept = Vec::with_capacity(self.open.len());
        for (number, (file, state)) in &self.open {
            let (offset, dead, identity) = match state {
                State::Live(fd) => match still_there(wasi, &self.inner, file, *fd).await {
                    Some(stat) => {
                        let identity = self.inner.holds(&file.place()).then_some(stat.identity);
                        (host_calls::tell(wasi, *fd).unwrap_or_default(), false, identity)
                    }
                    None => (0, true, None),
                },
                State::Dead => (0, true, None),
                State::Twin(_) => (0, false, None),
                State::Asleep(offset, identity) => (*offset, false, *identity),
            };
            let twin_of = match state {
                State::Live(fd) => self.numbers_of(*fd).next().filter(|first| first != number),
                State::Twin(other) => Some(*other),
                State::Asleep(..) | State::Dead => None,
            };
            kept.push(Kept { number: *number, file: file.clone(), offset, dead, identity, twin_of });
        }
        kept
    }

    /// The numbers of a file that is open in this instance, in order.
    fn numbers_of(&self, fd: i32) -> impl Iterator<Item = u32> {
        let is_it = move |state: &State| matches!(state, State::Live(other) if *other == fd);
        self.open.iter().filter(move |(_, (_, state))| is_it(state)).map(|(number, _)| *number)
    }

    /// Whether a guest's number is a file's that it opened, not a text stream or a mount.
    pub(in crate::sandbox) fn is_opened(&self, number: i32) -> bool {
        number.cast_unsigned() >= self.first
    }

    /// Whether writes go to the end of the file, wherever its offset is.
    pub(in crate::sandbox) fn appends(&self, number: i32) -> bool {
        self.open.get(&number.cast_unsigned()).is_some_and(|(file, _)| file.fd_flags & APPEND != 0)
    }

    /// Notes the flags that a file has from now on.
    pub(in crate::sandbox) fn set_flags(&mut self, number: i32, fd_flags: i32) {
        let number = number.cast_unsigned();
        let numbers: Vec<_> = match self.open.get(&number) {
            Some((_, State::Live(fd))) => self.numbers_of(*fd).collect(),
            _ => vec![number],
        };
        for number in numbers {
            if let Some((file, _)) = self.open.get_mut(&number) {
                file.fd_flags = fd_flags;
            }
        }
    }

    /// Where a path below a directory's number is.
    pub(in crate::sandbox) fn place(&self, dir: i32, path: &str) -> Option<Place> {
        let dir = dir.cast_unsigned();
        if dir < self.first {
            return Some(Place::new(dir, path));
        }
        let (parent, _) = self.open.get(&dir)?;
        Some(parent.place().join(path))
    }

    /// Whether a path below a directory's number leads into a mount within a mount from outside of it.
    pub(in crate::sandbox) fn turns(&self, dir: i32, path: &str) -> bool {
        self.place(dir, "").is_some_and(|dir| self.inner.turn(&dir, path).is_some())
    }

    /// Whether a place is in a mount within a mount.
    pub(in crate::sandbox) fn is_inside_inner(&self, place: &Place) -> bool {
        self.inner.holds(place)
    }

    /// The WASI context's number and path for those of the guest, or the errno.
    pub(in crate::sandbox) async fn lead(
        &mut self,
        wasi: &mut WasiP1Ctx,
        dir: i32,
        path: &str,
    ) -> Result<(i32, String), Errno> {
        let fd = self.resolve(wasi, dir).await.ok_or(errno::BADF)?;
        let dir = self.place(dir, "").ok_or(errno::BADF)?;
        lead(&self.inner, &dir, fd, path)
    }

    /// Whether a file at this place is open.
    pub(in crate::sandbox) fn is_open_at(&self, place: &Place) -> bool {
        self.open.values().any(|(file, _)| file.mount == place.mount && file.path == place.path)
    }

    /// The WASI context's numbers of all files that are open in it.
    pub(in crate::sandbox) fn live(&self) -> Vec<i32> {
        let live = self.open.values().filter_map(|(_, state)| match state {
            State::Live(fd) => Some(*fd),
            State::Asleep(..) | State::Twin(_) | State::Dead => None,
        });
        live.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The WASI context's number for a guest's; `None` if there is no such file any more.
    pub(in crate::sandbox) async fn resolve(&mut self, wasi: &mut WasiP1Ctx, number: i32) -> Option<i32> {
        let number = number.cast_unsigned();
        if number < self.first {
            return Some(number.cast_signed());
        }
        let number = match self.open.get(&number)? {
            (_, State::Twin(other)) => *other,
            _ => number,
        };
        let fd = self.awake(wasi, number).await;
        // Its duplicates share what became of it.
        if !matches!(self.open.get(&number), Some((_, State::Asleep(..)))) {
            let twins =
                self.open.values_mut().filter(|(_, state)| matches!(state, State::Twin(other) if *other == number));
            twins.for_each(|(_, state)| *state = fd.map_or(State::Dead, State::Live));
        }
        fd
    }

    /// Opens the file of a number that is asleep, which is no duplicate.
    async fn awake(&mut self, wasi: &mut WasiP1Ctx, number: u32) -> Option<i32> {
        let (file, state) = self.open.get_mut(&number)?;
        let (offset, identity) = match state {
            State::Live(fd) => return Some(*fd),
            State::Dead | State::Twin(_) => return None,
            State::Asleep(offset, identity) => (*offset, *identity),
        };
        let how = How { lookup: file.lookup, flags: file.flags & !ONCE, rights: file.rights, fd_flags: file.fd_flags };
        let opened = match file.lead(&self.inner) {
            Ok((dir, path)) => host_calls::open(wasi, dir, &path, how).await,
            Err(errno) => Err(errno),
        };
        match opened {
            Ok(fd) if is_another(wasi, fd, identity).await => {
                host_calls::close(wasi, fd).await;
                *state = State::Dead;
                None
            }
            Ok(fd) => {
                host_calls::seek(wasi, fd, offset).await;
                *state = State::Live(fd);
                Some(fd)
            }
            Err(errno) => {
                // What is at this path later is another file.
                if matches!(errno, errno::NOENT | errno::NOTDIR | errno::LOOP) {
                    *state = State::Dead;
                }
                None
            }
        }
    }

    /// Opens a file for the guest and answers its number, or the errno.
    pub(in crate::sandbox) async fn add(
        &mut self,
        wasi: &mut WasiP1Ctx,
        dir: i32,
        path: &str,
        how: How,
    ) -> Result<u32, Errno> {
        let (host_dir, host_path) = self.lead(wasi, dir, path).await?;
        let Some(place) = self.place(dir, path) else { return Err(errno::BADF) };
        if place.path.len() > MAX_KEPT_PATH {
            return Err(errno::NAMETOOLONG);
        }
        let fd = host_calls::open(wasi, host_dir, &host_path, how).await?;
        let number = self.free();
        let How { lookup, flags, rights, fd_flags } = how;
        let file = Opened { mount: place.mount, path: place.path, lookup, flags, rights, fd_flags };
        self.open.insert(number, (file, State::Live(fd)));
        Ok(number)
    }

    /// Forgets a number and answers what the WASI context has to close: nothing, if the file was not open in it.
    pub(in crate::sandbox) fn remove(&mut self, number: i32) -> Option<Option<i32>> {
        let number = number.cast_unsigned();
        let (_, state) = self.open.remove(&number)?;
        Some(match state {
            State::Live(fd) => Some(fd).filter(|fd| self.numbers_of(*fd).next().is_none()),
            State::Asleep(..) => {
                self.inherit(number, state);
                None
            }
            State::Twin(_) | State::Dead => None,
        })
    }

    /// One of the duplicates of a number that is gone takes its place.
    fn inherit(&mut self, gone: u32, state: State) {
        let mut heir = None;
        let twins = self.open.iter_mut().filter(|(_, (_, state))| matches!(state, State::Twin(of) if *of == gone));
        let mut left = Some(state);
        for (number, (_, state)) in twins {
            *state = left.take().unwrap_or(State::Twin(*heir.get_or_insert(*number)));
            heir.get_or_insert(*number);
        }
    }

    /// Another number for an open file, with one offset for both, or the errno.
    pub(in crate::sandbox) async fn duplicate(&mut self, wasi: &mut WasiP1Ctx, number: i32) -> Result<u32, Errno> {
        let fd = self.resolve(wasi, number).await.ok_or(errno::BADF)?;
        let (file, _) = self.open.get(&number.cast_unsigned()).ok_or(errno::NOTSUP)?;
        let (file, number) = (file.clone(), self.free());
        self.open.insert(number, (file, State::Live(fd)));
        Ok(number)
    }

    /// Opens the files at and below a place that are asleep, before something happens to the place: afterwards
    /// it may name something else.
    pub(in crate::sandbox) async fn wake(&mut self, wasi: &mut WasiP1Ctx, place: &Place) {
        let asleep = self.open.iter().filter(|(_, (file, state))| {
            matches!(state, State::Asleep(..)) && place.rest(file.mount, &file.path).is_some()
        });
        let numbers: Vec<_> = asleep.map(|(number, _)| *number).collect();
        for number in numbers {
            self.resolve(wasi, number.cast_signed()).await;
        }
    }

    /// Files at and below `from` are at and below `to` now. Those that were at `to` must be awake.
    pub(in crate::sandbox) fn follow(&mut self, from: &Place, to: &Place) {
        for (file, _) in self.open.values_mut() {
            if let Some(rest) = from.rest(file.mount, &file.path) {
                file.path = plain(&format!("{}{rest}", to.path));
                file.mount = to.mount;
            }
        }
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

impl Opened {
    fn place(&self) -> Place {
        Place { mount: self.mount, path: self.path.clone() }
    }

    /// The WASI context's number and path of it, or the errno.
    fn lead(&self, inner: &Inner) -> Result<(i32, String), Errno> {
        let path = if self.path.is_empty() { "." } else { &self.path };
        lead(inner, &Place::new(self.mount, ""), self.mount.cast_signed(), path)
    }
}

fn lead(inner: &Inner, dir: &Place, fd: i32, path: &str) -> Result<(i32, String), Errno> {
    match inner.turn(dir, path) {
        Some(turn) => Ok((turn.fd.ok_or(errno::NOENT)?, turn.path)),
        None => Ok((fd, path.to_owned())),
    }
}

/// What a file is, if its path still names it.
async fn still_there(wasi: &mut WasiP1Ctx, inner: &Inner, file: &Opened, fd: i32) -> Option<Stat> {
    let open = host_calls::stat(wasi, fd).await.ok()?;
    let (dir, path) = file.lead(inner).ok()?;
    let named = host_calls::stat_at(wasi, dir, file.lookup, &path).await.ok()?;
    ((named.identity, named.is_file) == (open.identity, open.is_file)).then_some(named)
}

/// Whether what was opened is known not to be what was meant.
async fn is_another(wasi: &mut WasiP1Ctx, fd: i32, identity: Option<u64>) -> bool {
    match identity {
        Some(identity) => host_calls::stat(wasi, fd).await.ok().is_none_or(|stat| stat.identity != identity),
        None => false,
    }
}

/// A path without `.`, `..` and empty parts. What leads out of the mount keeps its `..`, and cannot be opened.
fn plain(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests;
