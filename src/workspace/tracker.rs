//! What the guest has touched since the last record, and what stood there before: kept before the guest changes it,
//! so that a cell can be taken back, and so that whatever the guest has not touched is left alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use cap_std::fs::Dir;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::blobs::{Blobs, Content};
use super::capture::{Batch, Capture, shown};
use super::manifest::{Changes, Entry, MAX_TARGET, Manifest};
use super::scan::{self, Disk, Stamp};
use super::slots::{self, Slot, Slots};

/// Bytes of the names of all files that the guest has touched, with what a record says of each: more cannot be
/// recorded. A hundred thousand files with names of a hundred letters are within it.
pub(super) const MAX_LISTING: u64 = 32 << 20;
/// What a record says of a file, besides its name.
const ENTRY: u64 = 192;
/// A larger content is put away on another thread, while the guest waits.
const AT_ONCE: u64 = 2 << 20;
/// So many files may be known that are not recorded.
const FEW: usize = 256;
/// Symbolic links in a row that are followed to a file that is not there yet.
const MAX_HOPS: usize = 16;
/// Files after which a long list is left for a moment.
const ROW: usize = 64;

/// Why the guest must not touch something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The names of all files together would be too long to be recorded.
    Names,
    /// What is there cannot be read, or is nothing that could be made again (a pipe, a socket, a name that is no
    /// text), so it cannot be put away.
    Unreadable,
    /// There is no room for what is to be put away.
    Full,
    /// The file system's fault.
    Failed,
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Unreadable,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Failed,
        }
    }
}

/// An open file after a write.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub size: u64,
    /// In nanoseconds since 1970.
    pub modified: u64,
    /// Names that it has.
    pub links: u64,
}

/// What became of a path since the last record.
#[derive(Debug, Clone)]
pub(super) struct Touch {
    /// What stood there before the guest touched it; the content has been put away.
    pub(super) prior: Option<Entry>,
    pub(super) was: Disk,
    /// As the guest left it.
    pub(super) left: Disk,
    /// Whether somebody else changed it in between: then it is theirs.
    pub(super) shared: bool,
    pub(super) slot: Option<Slot>,
    /// What its name takes beyond those that are recorded.
    cost: u64,
    /// What its name took of what is recorded, if the guest removed it.
    freed: u64,
}

/// A file whose content is put away, as it was when that was done.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) stamp: Stamp,
    pub(super) content: Content,
    /// Whether any later write must show in the stamp.
    pub(super) settled: bool,
    /// Whether the content is only in what is held for this process.
    pub(super) held: bool,
}

impl Known {
    /// The file's line in a manifest.
    pub(super) fn entry(&self) -> Entry {
        let Self { stamp, content, .. } = self;
        Entry::File { sha256: content.sha256.clone(), size: content.size, mode: stamp.mode, mtime_ns: stamp.mtime_ns() }
    }
}

/// The files of a session, for everybody who works on them.
#[derive(Debug)]
pub struct Tracker {
    pub(super) roots: Vec<(String, Dir)>,
    /// Contents that states need.
    pub(super) blobs: Blobs,
    /// Contents that stood in the way of the guest.
    pub(super) held: Blobs,
    /// Where it is written down what the guest touches, for the next process.
    pub(super) slots_dir: Option<PathBuf>,
    state: Mutex<State>,
    /// Held from when a content is put away until it is known whose it is.
    pub(super) recording: Mutex<()>,
    /// Something that was busy is not any more.
    freed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// What the guest has made of the files, as far as it is recorded.
    pub(super) manifest: Manifest,
    pub(super) known: HashMap<String, Known>,
    pub(super) touched: BTreeMap<String, Touch>,
    /// What could not be recorded, for the next time.
    pub(super) again: BTreeMap<String, Touch>,
    /// Paths whose contents are being put away.
    pub(super) busy: BTreeSet<String>,
    refused: HashMap<String, Refused>,
    pub(super) listing: Listing,
    pub(super) slots: Option<Slots>,
    /// The number of the last record.
    pub(super) generation: u64,
    /// What there is to say to the user.
    pub(super) notes: Vec<String>,
    /// Hashes of what stood in the way of the cells that are not stored yet, by the numbers of their records.
    unstored: BTreeMap<u64, Vec<String>>,
    /// An earlier process may have left something of which the contents are needed.
    pub(super) spare_held: bool,
}

/// What the names take; see [`MAX_LISTING`].
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Of the manifest.
    pub(super) recorded: u64,
    /// Of what was touched and is not in the manifest.
    touched: u64,
    /// Of what was removed and is still in the manifest.
    freed: u64,
    /// Of what is on its way to be recorded.
    pub(super) sealed: u64,
}

enum Step {
    /// So many bytes were put away.
    Done(u64),
    /// Its content is being put away.
    Busy,
    /// Its content, of so many bytes, has to be put away first, which takes a while.
    Large(u64),
}

impl Tracker {
    pub(super) fn new(roots: Vec<(String, Dir)>, blobs: Blobs, held: Blobs, slots_dir: Option<PathBuf>) -> Self {
        Self {
            roots,
            blobs,
            held,
            slots_dir,
            state: Mutex::default(),
            recording: Mutex::default(),
            freed: Notify::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Before the guest changes what is at `path` of the directory `root`, or, if `make`, makes something there if
    /// nothing is there. `None`: it may at once.
    pub fn before<'a>(
        self: &'a Arc<Self>,
        root: &str,
        path: &str,
        follow: bool,
        make: bool,
    ) -> Option<impl Future<Output = Result<u64, Refused>> + Send + 'a> {
        let given = format!("{root}/{path}");
        if self.begin_again(&mut self.state(), &given) {
            return None;
        }
        Some(async move {
            match self.resolve(&given, follow) {
                Some(path) => self.touch(&path, make).await,
                None => Ok(0),
            }
        })
    }

    /// After it. `seen` is the file that was written to, if that is known.
    pub fn after(&self, root: &str, path: &str, follow: bool, seen: Option<Seen>) {
        let given = format!("{root}/{path}");
        let mut state = self.state();
        if state.touched.contains_key(&given) {
            return self.left(&mut state, &given, seen);
        }
        if let Some(path) = self.resolve(&given, follow).filter(|path| state.touched.contains_key(path)) {
            self.left(&mut state, &path, seen);
        }
    }

    /// Before the guest renames something; how many bytes had to be put away, and how many paths are gone through for that: of what is moved, where it was and
    /// where it comes to be, and of what was there since the last record.
    ///
    /// # Errors
    /// As [`Refused`] says.
    pub async fn before_move(self: &Arc<Self>, from: (&str, &str), to: (&str, &str)) -> Result<(u64, u64), Refused> {
        let resolve = |(root, path): (&str, &str)| self.resolve(&format!("{root}/{path}"), false);
        let (Some(from), Some(to)) = (resolve(from), resolve(to)) else { return Ok((0, 1)) };
        let mut bytes = 0;
        let below = self.below(&from)?;
        for (index, rest) in below.iter().enumerate() {
            bytes += self.touch(&format!("{from}{rest}"), false).await?;
            bytes += self.touch(&format!("{to}{rest}"), false).await?;
            if index % ROW == ROW - 1 {
                rest_a_moment().await;
            }
        }
        let state = self.state();
        Ok((bytes, (within(&state, &from).count() + within(&state, &to).count()) as u64))
    }

    /// After it, whether it was done or not.
    pub fn after_move(&self, from: (&str, &str), to: (&str, &str)) {
        let resolve = |(root, path): (&str, &str)| self.resolve(&format!("{root}/{path}"), false);
        let (Some(from), Some(to)) = (resolve(from), resolve(to)) else { return };
        let mut state = self.state();
        let paths = |top: &str| within(&state, top).cloned().collect::<Vec<_>>();
        let (sources, targets) = (paths(&from), paths(&to));
        for path in &targets {
            self.left(&mut state, path, None);
            let Some(source) = path.strip_prefix(&to).map(|rest| format!("{from}{rest}")) else { continue };
            self.keep_known(&mut state, &source, path);
        }
        for path in sources {
            self.left(&mut state, &path, None);
        }
    }

    /// A content that is known stays known where the guest moved it.
    fn keep_known(&self, state: &mut State, from: &str, to: &str) {
        let (Some(source), Some(target)) = (state.touched.get(from), state.touched.get(to)) else { return };
        let (Disk::File(was), Disk::File(now)) = (source.was, target.left) else { return };
        if source.left != source.was || !now.is_moved(was) {
            return;
        }
        if let Some(known) = state.known.get(from).filter(|known| known.stamp == was && known.settled).cloned() {
            state.known.insert(to.to_owned(), Known { stamp: now, ..known });
        }
    }

    /// Answers how many bytes had to be put away first.
    pub(super) async fn touch(self: &Arc<Self>, path: &str, make: bool) -> Result<u64, Refused> {
        let mut elsewhere = 0;
        loop {
            let freed = self.freed.notified();
            match self.try_touch(path, make)? {
                Step::Done(bytes) => return Ok(bytes + elsewhere),
                Step::Busy => {}
                Step::Large(bytes) => {
                    self.put_away_elsewhere(path)?;
                    elsewhere += bytes;
                }
            }
            freed.await;
        }
    }

    /// Whether the path was touched before since the last record, and nobody else did anything to it since. If so, the
    /// guest is at it again. Otherwise what is there now is what has to be put away.
    fn begin_again(&self, state: &mut State, path: &str) -> bool {
        let Some(touch) = state.touched.get(path) else { return false };
        if self.look(path) != touch.left {
            let slot = touch.slot;
            state.forget(path);
            if let Some(slots) = &mut state.slots {
                slots.take_out(slot);
            }
            return false;
        }
        if let Some(slots) = &state.slots {
            slots.note(touch.slot, touch.left, true);
        }
        true
    }

    fn try_touch(&self, path: &str, make: bool) -> Result<Step, Refused> {
        let mut state = self.state();
        let state = &mut *state;
        if self.begin_again(state, path) {
            return Ok(Step::Done(0));
        }
        if state.busy.contains(path) {
            return Ok(Step::Busy);
        }
        if let Some(refused) = state.refused.remove(path) {
            return Err(refused);
        }
        let was = self.look(path);
        let mut bytes = 0;
        let prior = match was {
            _ if make && was != Disk::Nothing => return Ok(Step::Done(0)),
            Disk::Other if self.is_special(path) => return Err(Refused::Unreadable),
            Disk::Other => return Ok(Step::Done(0)),
            Disk::Link(_) => Some(self.link(path)?.ok_or(Refused::Unreadable)?),
            Disk::Nothing => None,
            Disk::Dir(mode) => Some(Entry::Dir { mode: Some(mode) }),
            Disk::File(stamp) => match self.known_entry(state, path, stamp) {
                Some(entry) => Some(entry),
                None if stamp.size > AT_ONCE => return Ok(Step::Large(stamp.size)),
                None => {
                    bytes = stamp.size;
                    let known = self.put_away(path)?;
                    let entry = known.as_ref().map(Known::entry);
                    state.known.extend(known.map(|known| (path.to_owned(), known)));
                    entry
                }
            },
        };
        let cost = if state.manifest.0.contains_key(path) { 0 } else { listing_cost(path) };
        let limit = if prior.is_none() { MAX_LISTING } else { 2 * MAX_LISTING };
        let Listing { recorded, touched, freed, sealed } = &mut state.listing;
        if cost > 0 && (*recorded + *touched + *sealed + cost).saturating_sub(*freed) > limit {
            return Err(Refused::Names);
        }
        *touched += cost;
        let slots = match &self.slots_dir {
            Some(dir) => {
                let next = next_generation(state.generation);
                Some(state.slots.get_or_insert_with(|| Slots::new(dir, next)))
            }
            None => None,
        };
        let slot = slots.and_then(|slots| slots.add(path, prior.as_ref(), was));
        state.touched.insert(path.to_owned(), Touch { prior, was, left: was, shared: false, slot, cost, freed: 0 });
        Ok(Step::Done(bytes))
    }

    /// What a file is, if its content is put away.
    fn known_entry(&self, state: &State, path: &str, stamp: Stamp) -> Option<Entry> {
        let known = state.known.get(path).filter(|known| known.stamp == stamp && known.settled)?;
        let entry = known.entry();
        // What no state needs may be gone by now.
        (known.held || state.manifest.0.get(path) == Some(&entry)).then_some(entry)
    }

    /// Notes how the guest left a path.
    fn left(&self, state: &mut State, path: &str, seen: Option<Seen>) {
        let Some(touch) = state.touched.get_mut(path) else { return };
        let disk = self.look(path);
        match (seen, disk) {
            (None, _) => touch.left = disk,
            // Written to a file that has no name any more.
            (Some(Seen { links: 0, .. }), _) => {}
            (Some(seen), Disk::File(stamp)) if stamp.is_seen(seen) => touch.left = disk,
            // Something else stands there by now.
            (Some(_), _) => touch.shared = true,
        }
        let is_freed = touch.left == Disk::Nothing && state.manifest.0.contains_key(path);
        let freed = if is_freed { listing_cost(path) } else { 0 };
        state.listing.freed = (state.listing.freed + freed).saturating_sub(std::mem::replace(&mut touch.freed, freed));
        let touch = touch.clone();
        let is_nothing = touch.prior.is_none() && touch.left == Disk::Nothing && !touch.shared;
        if is_nothing && !state.manifest.0.contains_key(path) {
            state.forget(path);
        }
        let Some(slots) = &mut state.slots else { return };
        if !is_nothing || state.touched.contains_key(path) {
            slots.note(touch.slot, touch.left, false);
        } else if slots.take_out(touch.slot) {
            slots.start_over();
            for (path, touch) in &mut state.touched {
                touch.slot = slots.add(path, touch.prior.as_ref(), touch.was);
                slots.note(touch.slot, touch.left, false);
            }
        }
    }

    /// What stands at a path of a manifest.
    pub(super) fn look(&self, path: &str) -> Disk {
        match self.root(path) {
            Some((root, below)) => Disk::look(root, below),
            None => Disk::Other,
        }
    }

    pub(super) fn root<'a>(&self, path: &'a str) -> Option<(&Dir, &'a str)> {
        let (root, below) = path.split_once('/').filter(|(_, below)| !below.is_empty())?;
        self.roots.iter().find(|(name, _)| name == root).map(|(_, dir)| (dir, below))
    }

    /// The directory that a path of a manifest is in, and the path's last name.
    pub(super) fn parent<'a>(&self, path: &'a str) -> io::Result<(Dir, &'a str)> {
        let (root, below) = self.root(path).ok_or(io::ErrorKind::NotFound)?;
        match below.rsplit_once('/') {
            Some((above, name)) => Ok((scan::descend(root, above.split('/'))?, name)),
            None => Ok((root.try_clone()?, below)),
        }
    }

    /// The path with no symbolic link in it; `None` for one that leads elsewhere.
    fn resolve(&self, path: &str, follow: bool) -> Option<String> {
        let name = path.split_once('/')?.0;
        let (root, below) = self.root(path)?;
        if scan::leads_straight(root, below, follow) {
            return Some(path.to_owned());
        }
        if follow && let Ok(target) = root.canonicalize(below) {
            return Some(format!("{name}/{}", target.to_str()?));
        }
        let mut below = below.to_owned();
        for _ in 0..MAX_HOPS {
            let (above, last) = below.rsplit_once('/').unwrap_or(("", &below));
            if matches!(last, "" | "." | "..") {
                return None;
            }
            let above =
                if above.is_empty() { String::new() } else { root.canonicalize(above).ok()?.to_str()?.to_owned() };
            let join = |last: &str| if above.is_empty() { last.to_owned() } else { format!("{above}/{last}") };
            let place = join(last);
            // A link that leads to nothing yet: what is made through it stands where it leads.
            match root.read_link_contents(&place) {
                Ok(target) if follow && target.is_relative() => below = join(target.to_str()?),
                Ok(_) if follow => return None,
                _ => return Some(format!("{name}/{place}")),
            }
        }
        None
    }

    /// Whether something stands there that is no file, directory or link.
    fn is_special(&self, path: &str) -> bool {
        self.root(path).is_some_and(|(root, below)| root.symlink_metadata(below).is_ok())
    }

    /// The entry of a symbolic link; `None` if it cannot be recorded.
    pub(super) fn link(&self, path: &str) -> io::Result<Option<Entry>> {
        let (root, below) = self.root(path).ok_or(io::ErrorKind::NotFound)?;
        let target = root.read_link_contents(below)?;
        let target = target.to_str().filter(|target| target.len() <= MAX_TARGET);
        Ok(target.map(|target| Entry::Link { target: target.to_owned() }))
    }

    /// What is at and below a path, as what comes behind it, directories before what is in them.
    pub(super) fn below(&self, path: &str) -> Result<Vec<String>, Refused> {
        let mut all = vec![String::new()];
        if !matches!(self.look(path), Disk::Dir(_)) {
            return Ok(all);
        }
        let (parent, name) = self.parent(path)?;
        // By their paths, as there may be more directories than descriptors.
        let mut left = vec![String::new()];
        while let Some(prefix) = left.pop() {
            let dir = scan::descend(&parent, std::iter::once(name).chain(prefix.split('/').skip(1)))?;
            for entry in dir.entries()? {
                let entry = entry?;
                let name = entry.file_name().to_str().map(str::to_owned).ok_or(Refused::Unreadable)?;
                let rest = format!("{prefix}/{name}");
                if entry.file_type()?.is_dir() {
                    left.push(rest.clone());
                }
                all.push(rest);
            }
        }
        Ok(all)
    }

    /// Puts away what a file has in it; `None` if it is none any more.
    fn put_away(&self, path: &str) -> io::Result<Option<Known>> {
        let Some((mut file, stamp)) = self.open(path)? else { return Err(io::ErrorKind::PermissionDenied.into()) };
        let started = SystemTime::now();
        let content = self.held.put(&mut file)?;
        let is_same = file.metadata().is_ok_and(|metadata| Stamp::of(&metadata) == stamp);
        Ok(Some(Known { stamp, content, settled: is_same && scan::settled(stamp, started), held: true }))
    }

    pub(super) fn open(&self, path: &str) -> io::Result<Option<(cap_std::fs::File, Stamp)>> {
        let (dir, name) = self.parent(path)?;
        scan::open_file(&dir, name)
    }

    /// The same on another thread; whoever waits for it is told.
    fn put_away_elsewhere(self: &Arc<Self>, path: &str) -> Result<(), Refused> {
        self.state().busy.insert(path.to_owned());
        let (tracker, own) = (self.clone(), path.to_owned());
        let work = move || {
            if let Disk::File(stamp) = tracker.look(&own) {
                wait_until_settled(stamp);
            }
            let done = tracker.put_away(&own);
            let mut state = tracker.state();
            state.busy.remove(&own);
            match done {
                Ok(known) => state.known.extend(known.map(|known| (own, known))),
                Err(error) => drop(state.refused.insert(own, error.into())),
            }
            drop(state);
            tracker.freed.notify_waiters();
        };
        if std::thread::Builder::new().name("workspace".to_owned()).spawn(work).is_err() {
            self.state().busy.remove(path);
            return Err(Refused::Failed);
        }
        Ok(())
    }

    /// A path is not busy any more.
    pub(super) fn free(&self, state: &mut State, path: &str) {
        state.busy.remove(path);
        self.freed.notify_waiters();
    }

    /// Ends what was touched: it is on its way to be recorded. `None` if nothing was.
    pub(super) fn seal(&self) -> Option<Capture> {
        let mut state = self.state();
        let mut touched = state.take_touched();
        touched.retain(|_, touch| touch.was != touch.left || touch.shared);
        for (path, touch) in std::mem::take(&mut state.again) {
            touched.entry(path).or_insert(touch);
        }
        let slots = state.slots.take();
        if touched.is_empty() {
            slots.into_iter().for_each(Slots::remove);
            return None;
        }
        state.generation = slots.as_ref().map_or_else(|| next_generation(state.generation), Slots::generation);
        let generation = state.generation;
        state.unstored.insert(generation, hashes(&touched));
        state.busy.extend(touched.keys().cloned());
        state.listing.sealed += touched.keys().map(|path| listing_cost(path)).sum::<u64>();
        Some(Capture(Arc::new(Batch::new(touched, generation))))
    }

    /// A record and all before it are stored: what they say need not be known otherwise.
    pub(super) fn stored_upto(&self, generation: u64) {
        if let Some(dir) = &self.slots_dir {
            slots::remove_upto(dir, 0, generation);
        }
        let mut state = self.state();
        state.unstored = state.unstored.split_off(&generation.saturating_add(1));
        let State { manifest, known, .. } = &mut *state;
        if known.len() > manifest.0.len() + FEW {
            known.retain(|path, _| manifest.0.contains_key(path));
        }
        // What is being put away is in no list yet.
        if state.spare_held || !state.busy.is_empty() {
            return;
        }
        let mut needed: BTreeSet<String> = state.unstored.values().flatten().cloned().collect();
        needed.extend(hashes(&state.touched).into_iter().chain(hashes(&state.again)));
        needed.extend(state.known.values().filter(|known| known.held).map(|known| known.content.sha256.clone()));
        if let Err(error) = self.held.retain(&needed) {
            tracing::debug!(%error, "contents that nobody needs were not removed");
        }
    }

    /// The hashes of all contents that are recorded; waits for the one that is being recorded.
    pub fn hashes(&self) -> BTreeSet<String> {
        let _recording = self.recording.lock();
        let state = self.state();
        let known = state.known.values().map(|known| known.content.sha256.clone());
        known.chain(state.manifest.hashes()).collect()
    }

    /// Puts contents where they belong that these files need and that are not there. Files of which they cannot be had
    /// any more are not recorded then.
    pub fn recover(&self, files: &mut Changes) {
        let _recording = self.recording.lock();
        let missing = |entry: &Entry| Content::of(entry).filter(|content| !self.blobs.has(content));
        let set: Vec<_> = files.set.iter().filter_map(|(path, entry)| Some((path.clone(), missing(entry)?))).collect();
        for (path, content) in set {
            if !self.put_back(&path, &content) {
                files.set.remove(&path);
                files.gone.push(path.clone());
                let mut state = self.state();
                state.manifest.0.remove(&path);
                state.known.remove(&path);
                state
                    .notes
                    .push(format!("{} is not recorded: what the cell wrote is not there any more", shown(&path)));
            }
        }
        let is_lost = |entry: &Option<Entry>| {
            let content = entry.as_ref().and_then(missing);
            content.is_some_and(|content| self.blobs.adopt(&self.held, &content).is_err())
        };
        files.before.retain(|_, entry| !is_lost(entry));
    }

    /// Puts these contents where they belong as far as they can be had: somebody has deleted them there.
    pub fn put_back_contents(&self, missing: &BTreeMap<String, u64>) {
        let _recording = self.recording.lock();
        let manifest = self.state().manifest.clone();
        for (path, entry) in &manifest.0 {
            let content = Content::of(entry).filter(|content| missing.contains_key(&content.sha256));
            if let Some(content) = content.filter(|content| !self.blobs.has(content)) {
                self.put_back(path, &content);
            }
        }
        for (sha256, size) in missing {
            let _ = self.blobs.adopt(&self.held, &Content { sha256: sha256.clone(), size: *size });
        }
    }

    /// Puts a content where it belongs, from what is held or from the file itself.
    fn put_back(&self, path: &str, content: &Content) -> bool {
        let from_file = || {
            let (mut file, _) = self.open(path).ok().flatten()?;
            self.blobs.put(&mut file).ok().filter(|put| put == content)
        };
        self.blobs.adopt(&self.held, content).is_ok() || from_file().is_some()
    }

    /// Takes what was touched since the last record, to be taken back.
    pub(super) fn take_touched(&self) -> (BTreeMap<String, Touch>, Option<Slots>) {
        let mut state = self.state();
        (state.take_touched(), state.slots.take())
    }
}

/// What was touched at and below a path.
fn within<'s>(state: &'s State, top: &'s str) -> impl Iterator<Item = &'s String> {
    let from_here = state.touched.range(top.to_owned()..).map(|(path, _)| path);
    let at_or_below =
        move |path: &&String| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    from_here.take_while(move |path| path.starts_with(top)).filter(at_or_below)
}

impl State {
    /// Takes a path out of what was touched.
    fn forget(&mut self, path: &str) {
        if let Some(touch) = self.touched.remove(path) {
            self.listing.touched = self.listing.touched.saturating_sub(touch.cost);
            self.listing.freed = self.listing.freed.saturating_sub(touch.freed);
        }
    }

    fn take_touched(&mut self) -> BTreeMap<String, Touch> {
        (self.listing.touched, self.listing.freed) = (0, 0);
        std::mem::take(&mut self.touched)
    }

    /// Has another list of what is recorded.
    pub(super) fn set_manifest(&mut self, manifest: Manifest) {
        self.listing.recorded = manifest.0.keys().map(|path| listing_cost(path)).sum();
        self.manifest = manifest;
    }
}

/// What stood in the way.
fn hashes(touched: &BTreeMap<String, Touch>) -> Vec<String> {
    touched.values().filter_map(|touch| touch.prior.as_ref()?.sha256().map(str::to_owned)).collect()
}

/// What a path takes in a list, in which letters below the space are long.
pub(super) fn listing_cost(path: &str) -> u64 {
    let letter = |byte: u8| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    ENTRY + path.bytes().map(letter).sum::<u64>()
}

/// Later than all before, and than those of an earlier process.
fn next_generation(last: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX).max(last.saturating_add(1))
}

/// A large file that was written a moment ago is read once, not again.
pub(super) fn wait_until_settled(stamp: Stamp) {
    const LOOKS: u32 = 30;
    for _ in 0..LOOKS {
        if scan::settled(stamp, SystemTime::now()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Lets whoever polls have a look.
async fn rest_a_moment() {
    let mut looked = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut looked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
