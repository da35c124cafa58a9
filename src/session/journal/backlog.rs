//! What waits to be written to a session's log, in order. Bounded in bytes and in number, and never by waiting: states
//! that could not be gone back to any more are put together with the next one before they are written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::JournalError;
use super::recordings::Recordings;
use super::writer::JournalWriter;
use crate::sandbox::Snapshot;
use crate::store::{Contents, NewState, PAGE, Pages};
use crate::timeline::StateId;
use crate::workspace::Changes;

/// Bytes that may wait in memory, besides the pages that [`Snapshot`] counts: manifests and facts. With more, states
/// are put together that could be gone back to.
const ROOM: usize = 8 << 20;
/// A journal that need not write before it is asked writes when so many bytes of pages wait, or of files.
const MUCH: usize = 8 << 20;
/// About how much what is small takes, in bytes.
const ENTRY: usize = 200;

/// A state that is to be written, as what has changed since the one before.
pub struct Commit {
    /// Without its pages.
    pub state: NewState,
    /// Those.
    pub pages: Arc<Snapshot>,
    /// Files that are being recorded.
    pub recordings: Recordings,
    /// Contents of files, and their sizes, that only states needed which will not be written.
    pub orphans: BTreeMap<String, u64>,
    /// Who waits for it.
    pub done: Option<Sender<Result<StateId, JournalError>>>,
}

impl Contents for Snapshot {
    fn read(&self, first: u32, into: &mut [u8]) -> std::io::Result<()> {
        Snapshot::read(self, first as usize, into)
    }
}

impl Commit {
    /// As it is written.
    pub fn state(&self) -> NewState {
        let number = |page: usize| u32::try_from(page).unwrap_or(u32::MAX);
        let run = |run: Range<usize>| number(run.start)..number(run.end);
        let pages = Pages { runs: self.pages.runs().into_iter().map(run).collect(), contents: self.pages.clone() };
        NewState { pages, ..self.state.clone() }
    }

    /// Takes in the state before this one, which will not be written.
    pub fn absorb(&mut self, before: Commit) {
        self.orphans.extend(before.contents());
        self.orphans.extend(before.orphans);
        self.recordings.absorb(before.recordings);
        self.state.absorb(before.state);
        let needed = self.contents();
        self.orphans.retain(|hash, _| !needed.contains_key(hash));
        self.pages.absorb(&before.pages);
    }

    /// Whether it can only be written together with the next one.
    pub fn is_torn(&self) -> bool {
        self.pages.is_torn()
    }

    /// Waits until its files are recorded.
    pub fn settle(&mut self) {
        self.orphans.extend(self.recordings.settle(&mut self.state));
        let needed = self.contents();
        self.orphans.retain(|hash, _| !needed.contains_key(hash));
    }

    /// Says which files it has, as far as they are recorded: what else was known of them is not needed any more.
    fn settle_done(&mut self) {
        self.orphans.extend(self.recordings.settle_done(&mut self.state));
        let needed = self.contents();
        self.orphans.retain(|hash, _| !needed.contains_key(hash));
    }

    /// The contents of files that it needs, and their sizes, as far as it says so yet.
    pub fn contents(&self) -> BTreeMap<String, u64> {
        self.state.files.as_ref().map(Changes::contents).unwrap_or_default()
    }

    /// About how many bytes it takes in memory besides its pages.
    fn weight(&self) -> usize {
        ENTRY
            + self.orphans.len() * ENTRY
            + facts_weight(&self.state.facts)
            + self.recordings.weight()
            + self.state.files.as_ref().map_or(0, Changes::weight)
    }

    /// How many bytes of pages it has.
    pub fn page_bytes(&self) -> usize {
        self.pages.runs().iter().map(|run| run.len() * PAGE).sum()
    }
}

fn facts_weight(facts: &serde_json::Value) -> usize {
    use serde_json::Value;
    match facts {
        Value::Array(items) => items.iter().map(facts_weight).sum(),
        Value::Object(items) => items.iter().map(|(key, value)| key.len() + ENTRY / 4 + facts_weight(value)).sum(),
        Value::String(text) => text.len() + ENTRY / 8,
        _ => ENTRY / 8,
    }
}

/// Something to be done by the journal's thread.
pub enum Work {
    Append(Box<Commit>),
    Call(Box<dyn FnOnce(&mut JournalWriter) + Send>),
}

/// When the journal's thread writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As soon as there is something.
    AtOnce,
    /// When somebody asks for the log, or much waits: for a session that nobody takes up later.
    WhenAsked,
}

impl std::fmt::Debug for Backlog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backlog").field("pace", &self.pace).finish_non_exhaustive()
    }
}

/// How the journal's thread is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    /// When everything is done.
    Done,
    /// After what it is doing.
    Now,
}

/// The queue of a journal's thread.
pub struct Backlog {
    pace: Pace,
    /// States that can be gone back to.
    undo: usize,
    queue: Mutex<Queue>,
    more: Condvar,
    over: Condvar,
}

struct Queue {
    items: VecDeque<Work>,
    /// Bytes of files that came since anything was written.
    contents: u64,
    end: End,
    /// Whether the thread has ended.
    over: bool,
}

/// What there is to do next.
pub enum Next {
    Work(Work),
    /// Nothing came for as long as was waited.
    Idle,
    End,
}

impl Backlog {
    /// Nothing yet, for a log in which so many states can be undone.
    pub fn new(pace: Pace, undo: usize) -> Self {
        let queue = Mutex::new(Queue { items: VecDeque::new(), contents: 0, end: End::NotYet, over: false });
        Self { pace, undo, queue, more: Condvar::new(), over: Condvar::new() }
    }

    /// Puts a state at the end. False if nobody will write it.
    pub fn append(&self, mut commit: Commit) -> bool {
        let mut queue = self.queue.lock();
        if queue.over || queue.end != End::NotYet {
            return false;
        }
        let contents =
            commit.contents().values().fold(commit.recordings.bytes(), |all, size| all.saturating_add(*size));
        queue.contents = queue.contents.saturating_add(contents);
        let is_part = |last: &Commit| last.done.is_none() && (commit.state.amend || last.is_torn());
        let joins = matches!(queue.items.back(), Some(Work::Append(last)) if is_part(last));
        if joins && let Some(Work::Append(last)) = queue.items.pop_back() {
            commit.absorb(*last);
        }
        while matches!(queue.items.back(), Some(Work::Append(last)) if last.is_torn() && last.done.is_none()) {
            if let Some(Work::Append(last)) = queue.items.pop_back() {
                commit.absorb(*last);
            }
        }
        queue.items.push_back(Work::Append(Box::new(commit)));
        queue.shorten(self.undo.saturating_add(1));
        self.more.notify_one();
        true
    }

    /// Puts a call behind everything else. False if nobody will make it.
    pub fn call(&self, call: Box<dyn FnOnce(&mut JournalWriter) + Send>) -> bool {
        let mut queue = self.queue.lock();
        if queue.over || queue.end != End::NotYet {
            return false;
        }
        queue.items.push_back(Work::Call(call));
        self.more.notify_one();
        true
    }

    /// The contents of files that states need which wait.
    pub fn hashes(&self) -> BTreeSet<String> {
        let queue = self.queue.lock();
        let hashes = |commit: &Commit| commit.contents().into_keys().chain(commit.recordings.hashes());
        queue.commits().flat_map(hashes).collect()
    }

    /// What to do next; `patience` is how long to wait for it, if what came before could not be written.
    pub fn next(&self, patience: Option<Duration>) -> Next {
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut queue = self.queue.lock();
        loop {
            match queue.end {
                End::Now => return Next::End,
                End::Done if queue.items.is_empty() => return Next::End,
                End::Done => {}
                // With patience, something waits that could not be written.
                End::NotYet if self.pace == Pace::WhenAsked && patience.is_none() && !queue.is_due() => {
                    self.more.wait(&mut queue);
                    continue;
                }
                End::NotYet => {}
            }
            if let Some(work) = queue.items.pop_front() {
                // All of it, once begun.
                queue.contents = if queue.items.is_empty() { 0 } else { queue.contents };
                return Next::Work(work);
            }
            match deadline {
                None => self.more.wait(&mut queue),
                Some(deadline) => {
                    if self.more.wait_until(&mut queue, deadline).timed_out() && queue.items.is_empty() {
                        return Next::Idle;
                    }
                }
            }
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.lock().items.is_empty()
    }

    /// Takes nothing more. What waits is still written, if the session is one that is taken up later.
    pub fn close(&self) {
        let mut queue = self.queue.lock();
        if queue.end == End::NotYet {
            queue.end = if self.pace == Pace::AtOnce { End::Done } else { End::Now };
        }
        self.more.notify_one();
    }

    /// Waits until the thread has ended, so long at most. True if it has.
    pub fn wait(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut queue = self.queue.lock();
        while !queue.over {
            if self.over.wait_until(&mut queue, deadline).timed_out() {
                break;
            }
        }
        queue.over
    }

    /// The thread has ended: whoever waits for something of it, waits no more.
    pub fn ended(&self) {
        let mut queue = self.queue.lock();
        queue.over = true;
        queue.items.clear();
        self.over.notify_all();
    }
}

impl Queue {
    fn commits(&self) -> impl Iterator<Item = &Commit> {
        self.items.iter().filter_map(|work| if let Work::Append(commit) = work { Some(&**commit) } else { None })
    }

    /// Whether somebody waits, or much does.
    fn is_due(&self) -> bool {
        let mut pages = 0usize;
        if self.contents > MUCH as u64 {
            return !self.items.is_empty();
        }
        self.items.iter().any(|work| match work {
            Work::Call(_) => true,
            Work::Append(commit) => {
                pages = pages.saturating_add(commit.page_bytes());
                commit.done.is_some() || pages > MUCH || commit.pages.bytes_aside() > MUCH
            }
        })
    }

    /// Puts the oldest states together until at most `most` wait, and they are not too heavy.
    fn shorten(&mut self, most: usize) {
        let weight = |queue: &Self| queue.commits().map(Commit::weight).sum::<usize>();
        if weight(self) > ROOM {
            for work in &mut self.items {
                let Work::Append(commit) = work else { continue };
                commit.settle_done();
                // One that says what it has cannot take in another that does not.
                if commit.recordings.is_pending() {
                    break;
                }
            }
        }
        loop {
            let count = self.commits().count();
            let is_heavy = || weight(self) > ROOM;
            let mut front = self.items.iter().take(2);
            let (Some(Work::Append(oldest)), Some(Work::Append(_))) = (front.next(), front.next()) else { return };
            if oldest.done.is_some() || !(count > most || is_heavy()) {
                return;
            }
            let Some(Work::Append(oldest)) = self.items.pop_front() else { return };
            if let Some(Work::Append(next)) = self.items.front_mut() {
                next.absorb(*oldest);
            }
        }
    }
}
