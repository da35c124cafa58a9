//! Recording what the guest touched, off everybody's way: contents are read after the reply has gone.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::blobs::Content;
use super::manifest::{Changes, Entry, agree};
use super::scan::{self, Disk, Stamp};
use super::tracker::{Known, State, Touch, Tracker, listing_cost, wait_until_settled};

/// A content of which copying takes a while.
const LARGE: u64 = 1 << 20;

/// What a cell touched, on its way to be recorded.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) touched: BTreeMap<String, Touch>,
    generation: u64,
    recorded: Mutex<Option<Changes>>,
    done: Condvar,
}

/// Stands for files that are recorded, to say later that they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    generation: u64,
}

/// The files of a state, which are being recorded.
#[derive(Debug)]
pub struct Capture(pub(super) Arc<Batch>);

/// What became of the files that a cell touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub created: Vec<String>,
    pub modified: Vec<String>,
    pub deleted: Vec<String>,
    /// How many more there are.
    pub unnamed: u64,
}

impl Batch {
    pub(super) fn new(touched: BTreeMap<String, Touch>, generation: u64) -> Self {
        Self { touched, generation, recorded: Mutex::new(None), done: Condvar::new() }
    }
}

impl Capture {
    /// The files of the directory `root` by what became of them, at most `most` of each, and names of at most
    /// `bytes` in all, in order.
    pub fn names(&self, root: &str, most: usize, mut bytes: usize) -> Named {
        let mut named = Named::default();
        for (path, touch) in &self.0.touched {
            let Some(name) = path.strip_prefix(root).and_then(|path| path.strip_prefix('/')) else { continue };
            let list = match (touch.was.is_file(), touch.left.is_file()) {
                (false, true) => &mut named.created,
                (true, true) => &mut named.modified,
                (true, false) => &mut named.deleted,
                (false, false) => continue,
            };
            match bytes.checked_sub(name.len()).filter(|_| list.len() < most) {
                Some(left) => {
                    bytes = left;
                    list.push(name.to_owned());
                }
                None => named.unnamed += 1,
            }
        }
        named
    }

    /// Waits until all is recorded, and answers what has changed since the record before.
    pub fn wait(self) -> (Recorded, Changes) {
        let mut recorded = self.0.recorded.lock();
        loop {
            if let Some(changes) = recorded.take() {
                return (Recorded { generation: self.0.generation }, changes);
            }
            self.0.done.wait(&mut recorded);
        }
    }

    /// Whether [`Capture::wait`] need not wait.
    pub fn is_recorded(&self) -> bool {
        self.0.recorded.lock().is_some()
    }

    /// The contents that are needed, as far as that is known.
    pub fn hashes(&self) -> Vec<String> {
        let recorded = self.0.recorded.lock();
        recorded.iter().flat_map(|changes| changes.contents().into_keys()).collect()
    }

    /// Bytes of the files that are to be recorded.
    pub fn bytes(&self) -> u64 {
        let size = |touch: &Touch| if let Disk::File(stamp) = touch.left { stamp.size } else { 0 };
        self.0.touched.values().fold(0u64, |all, touch| all.saturating_add(size(touch)))
    }

    /// About how many bytes this takes in memory.
    pub fn weight(&self) -> usize {
        self.0.touched.keys().map(|path| usize::try_from(listing_cost(path)).unwrap_or(usize::MAX)).sum()
    }
}

/// What a path is in the record.
enum Now {
    Nothing,
    Dir(u32),
    Link(Entry),
    File(Known),
    /// Not the guest's any more.
    Theirs,
}

impl Tracker {
    /// Records what was touched: one batch after the other, on one thread.
    pub(super) fn record(&self, batch: &Batch) {
        let mut changes = Changes::default();
        for (path, touch) in &batch.touched {
            let recording = self.recording.lock();
            let now = self.find(path, touch);
            let state = &mut *self.state();
            match now {
                Ok(now) => self.put_down(state, path, touch, now, &mut changes),
                Err(error) => {
                    tracing::warn!(%error, path, "a file could not be recorded");
                    state.notes.push(format!("{} could not be recorded: {error}", shown(path)));
                    // It is not what is recorded of it, either.
                    self.put_down(state, path, touch, Now::Theirs, &mut changes);
                    state.again.insert(path.clone(), touch.clone());
                }
            }
            drop(recording);
            self.free(state, path);
        }
        let state = &mut *self.state();
        let sealed: u64 = batch.touched.keys().map(|path| listing_cost(path)).sum();
        state.listing.sealed = state.listing.sealed.saturating_sub(sealed);
        *batch.recorded.lock() = Some(changes);
        batch.done.notify_all();
    }

    /// The state with these files is stored: what it says need not be known otherwise.
    pub fn stored(&self, recorded: Recorded) {
        self.stored_upto(recorded.generation);
    }

    fn find(&self, path: &str, touch: &Touch) -> io::Result<Now> {
        let Disk::File(stamp) = touch.left else {
            let same = self.look(path) == touch.left;
            return Ok(match touch.left {
                _ if touch.shared => Now::Theirs,
                // Whoever has made another one since may have it.
                Disk::Nothing => Now::Nothing,
                Disk::Dir(mode) if same => Now::Dir(mode),
                Disk::Link(_) if same => self.link(path)?.map_or(Now::Theirs, Now::Link),
                _ => Now::Theirs,
            });
        };
        if touch.shared {
            return Ok(Now::Theirs);
        }
        let known = self.state().known.get(path).filter(|known| known.stamp == stamp && known.settled).cloned();
        if let Some(known) = known.filter(|_| self.look(path) == touch.left) {
            if known.held {
                self.blobs.adopt(&self.held, &known.content)?;
            }
            return Ok(Now::File(Known { held: false, ..known }));
        }
        if stamp.size > LARGE {
            wait_until_settled(stamp);
        }
        let started = std::time::SystemTime::now();
        let opened = match self.open(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            opened => opened?,
        };
        let Some((mut file, before)) = opened.filter(|(_, before)| *before == stamp) else { return Ok(Now::Theirs) };
        let content = self.blobs.put(&mut file)?;
        if file.metadata().map(|metadata| Stamp::of(&metadata))? != before {
            return Ok(Now::Theirs);
        }
        Ok(Now::File(Known { stamp, content, settled: scan::settled(stamp, started), held: false }))
    }

    fn put_down(&self, state: &mut State, path: &str, touch: &Touch, now: Now, changes: &mut Changes) {
        let before = state.manifest.0.get(path);
        if !matches!(now, Now::Theirs) && !agree(before, touch.prior.as_ref()) {
            match self.hand_over(touch.prior.as_ref()) {
                Ok(()) => drop(changes.before.insert(path.to_owned(), touch.prior.clone())),
                Err(error) => {
                    tracing::warn!(%error, path, "what stood in a file's place could not be recorded");
                    state.notes.push(format!("what {} was before could not be recorded: {error}", shown(path)));
                }
            }
        }
        let entry = match now {
            Now::Nothing | Now::Theirs => None,
            Now::Dir(mode) => Some(Entry::Dir { mode: Some(mode) }),
            Now::Link(entry) => {
                state.known.remove(path);
                Some(entry)
            }
            Now::File(known) => {
                let entry = known.entry();
                state.known.insert(path.to_owned(), known);
                Some(entry)
            }
        };
        let Some(entry) = entry else { return forget(state, path, changes) };
        for other in state.manifest.displaced_by(path, &entry) {
            forget(state, &other, changes);
        }
        if state.manifest.0.get(path) == Some(&entry) {
            return;
        }
        if state.manifest.0.insert(path.to_owned(), entry.clone()).is_none() {
            state.listing.recorded += listing_cost(path);
            changes.fresh.insert(path);
        }
        changes.set.insert(path.to_owned(), entry);
    }

    /// What was held so far becomes a part of the record.
    fn hand_over(&self, prior: Option<&Entry>) -> io::Result<()> {
        let Some(content) = prior.and_then(Content::of) else { return Ok(()) };
        if self.blobs.has(&content) { Ok(()) } else { self.blobs.adopt(&self.held, &content) }
    }
}

/// Takes a path out of the record.
fn forget(state: &mut State, path: &str, changes: &mut Changes) {
    state.known.remove(path);
    if state.manifest.0.remove(path).is_some() {
        state.listing.recorded = state.listing.recorded.saturating_sub(listing_cost(path));
        // Of the same cell's, too.
        if changes.set.remove(path).is_none() || !changes.fresh.remove(path) {
            changes.gone.push(path.to_owned());
        }
    }
}

/// As the guest knows it, without what a terminal could take for more than text.
pub(super) fn shown(path: &str) -> String {
    const LONGEST: usize = 200;
    let path = path.strip_prefix("app/").map_or_else(|| format!("/{path}"), str::to_owned);
    path.chars().take(LONGEST).flat_map(char::escape_debug).collect()
}
