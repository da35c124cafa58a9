//! The one holder's side of a stored session: opening, committing, moving.

use std::collections::BTreeSet;
use std::ops::Deref;

use chrono::{DateTime, Utc};

use super::backend::Backend;
use super::blobs::Blobs;
use super::body::Body;
use super::error::StoreError;
use super::id::SessionId;
use super::identity::Identity;
use super::index::LogIndex;
use super::layout;
use super::lease::Lease;
use super::metadata::{Metadata, Problem};
use super::notebooks::{self, Pointed};
use super::opening::{Durability, Keep, Opening};
use super::record::header::{FRESH, Files, Kind, State};
use super::record::runs;
use super::state::{Cell, MAX_PAGES, NewState, PAGE, Pages};
use super::view::View;
use super::writing::Attempt;
use super::{portable, reading};
use crate::timeline::{Move, StateId, Target};
use crate::workspace::manifest::{Changes, Paths};

/// A cell's first line is cut at this many characters.
const FIRST_LINE_CHARS: usize = 80;
/// So often a stale holder's last record may come before our first one.
const ATTEMPTS: usize = 3;

/// A session that is held. It can be sent to the thread that owns it, and reads as a [`View`].
pub struct Log {
    pub(super) view: View,
    pub(super) lease: Lease,
    pub(super) identity: Identity,
    pub(super) keep: Keep,
    pub(super) durability: Durability,
    pub(super) blobs: Blobs,
    /// Records that may have been written although the store said no.
    pub(super) attempts: Vec<Attempt>,
    /// The run before was ended so that this one begins afresh.
    afresh: bool,
    /// When it was last tried to commit a state alone.
    pub(super) tried_alone: Option<DateTime<Utc>>,
    /// A move that no record says yet.
    unwritten: Option<String>,
    /// Contents of files that nothing in the log needs yet.
    pub(super) spared: Box<Spared>,
}

/// Answers which contents are to be left alone.
pub type Spared = dyn Fn() -> BTreeSet<String> + Send;

/// What is taken up when a session is opened.
enum Take {
    /// Everything, or nothing.
    Whole,
    /// What is whole of a damaged log.
    Salvage,
    /// Nothing but the session itself: its states lie on another base.
    NewBase,
}

impl Log {
    /// Makes a new session and holds it.
    pub fn create(backend: &Backend, opening: Opening) -> Result<Self, StoreError> {
        Self::create_as(backend, opening, &uuid::Uuid::new_v4().to_string())
    }

    /// The same with the lineage that an attempt before had, which may have got further than it could say.
    pub fn create_as(backend: &Backend, opening: Opening, lineage: &str) -> Result<Self, StoreError> {
        let id = &opening.id;
        let free = |backend: &Backend| match Metadata::look(backend, id)? {
            Ok(metadata) if metadata.lineage == lineage => Ok(false),
            Ok(_) => Err(StoreError::Exists(id.to_string())),
            Err(Problem::Missing) if reading::is_stillborn(backend, id)? => Ok(true),
            Err(problem) => Err(problem.damage(id)),
        };
        if !free(backend)? {
            let log = Self::open(backend, opening)?;
            let is_new = log.timeline().states().is_empty();
            return if is_new { Ok(log) } else { Err(StoreError::Exists(log.view.id.to_string())) };
        }
        let lease = Lease::acquire(backend, id, opening.holder)?;
        if !free(backend)? {
            return Err(StoreError::Exists(id.to_string()));
        }
        backend.delete(&layout::record(id, 1))?;
        let metadata =
            Metadata::new(id, opening.identity.clone(), opening.notebook.clone(), lineage.to_owned(), backend.now());
        let index = LogIndex::empty(lineage.to_owned(), opening.identity.clone());
        let mut log = Self::holding(backend, &opening, metadata, index, lease)?;
        let timeline = log.view.index.timeline.clone();
        log.put(Kind::Open(opening.holder.words.clone()), &timeline, opening.durability)?;
        // Last: from here on there is a session.
        log.view.metadata.create(backend, id, opening.durability)?;
        if let Some(notebook) = &opening.notebook {
            notebooks::point(backend, notebook, &Pointed { id: id.clone(), resume: false }, opening.durability)?;
        }
        Ok(log)
    }

    /// Takes a stored session, checks everything in it and begins a run. On any error nothing is changed.
    pub fn open(backend: &Backend, opening: Opening) -> Result<Self, StoreError> {
        Self::take(backend, &opening, &Take::Whole)
    }

    /// Takes a session whose log is damaged at its newest state from before the damage, and drops the rest.
    pub fn salvage(backend: &Backend, opening: Opening) -> Result<Self, StoreError> {
        Self::take(backend, &opening, &Take::Salvage)
    }

    /// Takes a session that was recorded on another base, and drops its states, which cannot be used on this
    /// one. The portable part stays.
    pub fn open_on_new_base(backend: &Backend, opening: Opening) -> Result<Self, StoreError> {
        Self::take(backend, &opening, &Take::NewBase)
    }

    fn take(backend: &Backend, opening: &Opening, take: &Take) -> Result<Self, StoreError> {
        let id = &opening.id;
        // Before the lease: where there is no session, none is left behind.
        Metadata::read(backend, id)?;
        let mut lease = Lease::acquire(backend, id, opening.holder)?;
        for attempt in 1.. {
            let metadata = Metadata::read(backend, id)?;
            let index = Self::read(backend, opening, take, &metadata)?;
            let mut log = Self::holding(backend, opening, metadata, index, lease)?;
            match log.begin(opening, take) {
                Ok(()) => return Ok(log),
                // Somebody who had lost the session wrote one more record before he could know.
                Err(StoreError::Fenced { .. }) if attempt < ATTEMPTS => {
                    drop(log);
                    lease = Lease::acquire(backend, id, opening.holder)?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::NotFound(id.to_string()))
    }

    fn read(backend: &Backend, opening: &Opening, take: &Take, metadata: &Metadata) -> Result<LogIndex, StoreError> {
        let mut index = match take {
            Take::Whole | Take::NewBase => reading::index(backend, &opening.id, metadata)?,
            Take::Salvage => reading::salvage(backend, &opening.id, metadata)?,
        };
        let has_states = !index.timeline.states().is_empty();
        if index.identity != opening.identity && has_states {
            if !matches!(take, Take::NewBase) {
                let (recorded, here) = (Box::new(index.identity), Box::new(opening.identity.clone()));
                return Err(StoreError::OtherBase { recorded, here });
            }
            index.timeline.clear();
        }
        index.identity = opening.identity.clone();
        Ok(index)
    }

    fn holding(
        backend: &Backend,
        opening: &Opening,
        metadata: Metadata,
        index: LogIndex,
        lease: Lease,
    ) -> Result<Self, StoreError> {
        let (blobs, other_bytes) = Blobs::listed(backend, &opening.id)?;
        let afresh = index.afresh;
        let view = View { backend: backend.clone(), id: opening.id.clone(), metadata, index, other_bytes };
        Ok(Self {
            view,
            lease,
            identity: opening.identity.clone(),
            keep: opening.keep,
            durability: opening.durability,
            blobs,
            attempts: Vec::new(),
            afresh,
            tried_alone: None,
            unwritten: None,
            spared: Box::new(BTreeSet::new),
        })
    }

    /// The run's first record, which keeps everybody out who held the session before; then what can wait.
    fn begin(&mut self, opening: &Opening, take: &Take) -> Result<(), StoreError> {
        let mut timeline = self.view.index.timeline.clone();
        timeline.go(&Move::Fresh)?;
        let words = Kind::Open(opening.holder.words.clone());
        match take {
            // Leaves behind what is damaged or of no use.
            Take::Salvage | Take::NewBase => self.put_checkpoint(words, &timeline)?,
            Take::Whole => drop(self.put(words, &timeline, self.durability)?),
        }
        self.clean();
        // On a new base the first state is about to come, with files whose contents are here already.
        if !matches!(take, Take::NewBase) {
            self.sweep_blobs(&Changes::default());
        }
        self.update_metadata(opening)
    }

    fn update_metadata(&mut self, opening: &Opening) -> Result<(), StoreError> {
        let (backend, id) = (self.view.backend.clone(), self.view.id.clone());
        let metadata = &mut self.view.metadata;
        metadata.identity = opening.identity.clone();
        if let Some(notebook) = &opening.notebook {
            metadata.notebook = Some(notebook.clone());
            // A wish that the next kernel resumes it is fulfilled with this.
            notebooks::point(&backend, notebook, &Pointed { id: id.clone(), resume: false }, self.durability)?;
        }
        metadata.replace(&backend, &id, self.durability)
    }

    /// Commits a state: compresses and writes it, and then cleans up if that is due. When this returns, the
    /// state is there; how surely, the durability says. On an error it is not, and the log is as it was.
    ///
    /// The contents of changed files must be in the store before ([`Backend::blob_dir`],
    /// [`Backend::push_blobs`]).
    pub fn append(&mut self, new: NewState) -> Result<StateId, StoreError> {
        let state = self.commit(new)?;
        // The state is safe: whatever fails here is tried again after the next one.
        if let Err(error) = self.tidy() {
            tracing::warn!(%error, session = %self.view.id, "the session's log was not cleaned up");
        }
        Ok(state)
    }

    /// [`Log::append`] without cleaning up; call [`Log::tidy`] soon, when nobody waits.
    pub fn commit(&mut self, new: NewState) -> Result<StateId, StoreError> {
        self.require_there()?;
        let runs = checked_runs(&new)?;
        let files = Changes { fresh: Paths::default(), ..new.files.unwrap_or_default() };
        self.require_new_blobs(&files)?;
        let pages = Pages { runs, contents: new.pages.contents };
        let body = Body::of(&pages, &self.view.backend)?;
        let mut bytes = body.bytes(false)?;
        if self.view.stored_bytes().saturating_add(bytes) > self.keep.total_bytes {
            bytes = body.bytes(true)?;
        }
        let room = self.make_room(bytes, &files);
        let parent = self.view.index.current();
        let before = parent.map_or(0, |parent| parent.info.cells);
        // What a cell does after it was answered is no other cell.
        let merged = match parent {
            Some(parent) if new.amend && new.cells == 0 => parent.info.merged,
            _ => new.cells.saturating_sub(1),
        };
        let mut state = State {
            // Given with the record's number.
            id: StateId(0),
            parent: parent.map(|parent| parent.info.id),
            cell: cut(new.cell),
            cells: before.saturating_add(new.cells),
            merged,
            memory_bytes: new.memory_bytes,
            facts: new.facts,
            clock_ns: new.clock_ns,
            files: Files::Changes(files),
        };
        match room {
            Ok(()) => {}
            Err(full @ StoreError::Full { .. }) => return self.commit_alone(state, new.amend, pages, full),
            Err(error) => return Err(error),
        }
        let (keep, durability) = (self.keep, self.durability);
        let seq = self.put_with(durability, &body, pages.runs, None, |index, seq| {
            state.id = StateId(seq);
            let mut timeline = index.timeline.clone();
            timeline.push(state.id, new.amend);
            timeline.keep(keep.undo_entries);
            while undo_bytes(index, &timeline) > keep.undo_bytes && timeline.forget_oldest() {}
            (Kind::Commit(Box::new(state.clone())), timeline)
        })?;
        Ok(StateId(seq))
    }

    /// Makes a move. What it leads to is for the caller to load; that it can be loaded is known only then.
    pub fn move_to(&mut self, to: &Move) -> Result<Target, StoreError> {
        let mut timeline = self.view.index.timeline.clone();
        let target = timeline.go(to)?;
        timeline.keep(self.keep.undo_entries);
        self.put(Kind::Move(words(to)), &timeline, self.durability)?;
        Ok(target)
    }

    /// The same in memory only, where it could not be written: the next record says it, whatever it is.
    pub fn move_unwritten(&mut self, to: &Move) -> Result<Target, StoreError> {
        let mut timeline = self.view.index.timeline.clone();
        let target = timeline.go(to)?;
        timeline.keep(self.keep.undo_entries);
        self.view.index.timeline = timeline;
        self.unwritten = Some(words(to));
        Ok(target)
    }

    /// Writes down where the session is, if no record says so.
    pub fn write_move(&mut self) -> Result<(), StoreError> {
        let Some(words) = self.unwritten.clone() else { return Ok(()) };
        self.require_there()?;
        let timeline = self.view.index.timeline.clone();
        self.put(Kind::Move(words), &timeline, self.durability).map(drop)
    }

    /// That what a record would build upon is still on the disk: somebody may have deleted or moved the directory. A
    /// record in a new one could be taken up by nobody, and must not count as saved.
    fn require_there(&self) -> Result<(), StoreError> {
        let View { backend, id, index, .. } = &self.view;
        let last = index.records.last_key_value().map(|(seq, _)| layout::record(id, *seq));
        for name in std::iter::once(layout::metadata(id)).chain(last) {
            let Some(path) = backend.local_path(&name) else { return Ok(()) };
            if let Err(error) = std::fs::symlink_metadata(path)
                && error.kind() == std::io::ErrorKind::NotFound
            {
                return Err(StoreError::io(
                    "cannot go on from",
                    name,
                    "the session's directory is gone, or a part of it",
                ));
            }
        }
        Ok(())
    }

    /// Leaves the contents of files alone that are answered here.
    pub fn spare(&mut self, spared: Box<Spared>) {
        self.spared = spared;
    }

    /// Notes that a record was written, which has the timeline.
    pub(super) fn is_written(&mut self) {
        self.unwritten = None;
    }

    /// Gives the current state a name, under which it stays until the name is given to another.
    pub fn save_name(&mut self, name: &str) -> Result<(), StoreError> {
        let mut timeline = self.view.index.timeline.clone();
        timeline.save(name)?;
        self.put(Kind::Move(format!("save {name}")), &timeline, self.durability).map(drop)
    }

    /// Forgets a name. The state goes when nothing else keeps it.
    pub fn forget_name(&mut self, name: &str) -> Result<(), StoreError> {
        let mut timeline = self.view.index.timeline.clone();
        timeline.forget_name(name)?;
        self.put(Kind::Move(format!("forget {name}")), &timeline, self.durability).map(drop)
    }

    /// Replaces the portable part.
    pub fn set_portable(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.lease.confirm()?;
        let (backend, id) = (&self.view.backend, &self.view.id);
        portable::write(backend, id, &self.view.metadata.lineage, &self.identity, bytes, self.durability)?;
        self.blobs.portable_bytes = backend.size(&layout::portable(id))?.unwrap_or(0);
        self.view.other_bytes = self.blobs.bytes();
        Ok(())
    }

    /// Whether the run before was ended with [`Move::Fresh`], because the user wanted to begin again.
    pub fn begins_afresh(&self) -> bool {
        self.afresh
    }

    /// That the session is still ours; renews the lease if that is due. A thread does that, too.
    pub fn renew(&self) -> Result<(), StoreError> {
        self.lease.confirm()
    }

    /// Gives the session back. What is not needed any more is deleted first.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.lease.confirm()?;
        self.disown_late_records()?;
        self.sweep_blobs(&Changes::default());
        let (backend, id, durability) = (self.view.backend.clone(), self.view.id.clone(), self.durability);
        let noted = self.view.metadata.replace(&backend, &id, durability);
        self.lease.release()?;
        noted
    }
}

impl Deref for Log {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

/// The bytes of the states' own records that are in the timeline to be gone back to.
fn undo_bytes(index: &LogIndex, timeline: &crate::timeline::Timeline) -> u64 {
    let steps = timeline.steps().iter().take(timeline.position());
    let entries = steps.filter_map(|step| index.states.get(&step.state()?));
    entries.filter(|entry| entry.record == entry.info.id.0).map(|entry| entry.info.stored_bytes).sum()
}

fn checked_runs(new: &NewState) -> Result<Vec<std::ops::Range<u32>>, StoreError> {
    let refused = |why: &str| StoreError::Refused(why.to_owned());
    let joined = runs::joined(&new.pages.runs).ok_or_else(|| refused("its pages overlap or are not in order"))?;
    let page = PAGE as u64;
    if !new.memory_bytes.is_multiple_of(page) || new.memory_bytes / page > u64::from(MAX_PAGES) {
        return Err(refused("its memory is not in whole pages, or larger than 4 GiB"));
    }
    if joined.last().is_some_and(|run| u64::from(run.end) * page > new.memory_bytes) {
        return Err(refused("it has pages beyond the end of the memory"));
    }
    Ok(joined)
}

fn cut(mut cell: Cell) -> Cell {
    if let Some((end, _)) = cell.first_line.char_indices().nth(FIRST_LINE_CHARS) {
        cell.first_line.truncate(end);
    }
    cell
}

fn words(to: &Move) -> String {
    match to {
        Move::Undo(steps) => format!("undo {steps}"),
        Move::Redo(steps) => format!("redo {steps}"),
        Move::Resume => "resume".to_owned(),
        Move::Restore(name) => format!("restore {name}"),
        Move::At(state) => format!("at {state}"),
        Move::Reset => "reset".to_owned(),
        Move::Fresh => FRESH.to_owned(),
    }
}

/// The base that a session was recorded on, without opening it.
pub fn recorded_identity(backend: &Backend, id: &SessionId) -> Result<Identity, StoreError> {
    Ok(Metadata::read(backend, id)?.identity)
}
