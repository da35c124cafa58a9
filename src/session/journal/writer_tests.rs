//! A session whose store fails for a while, at every operation that there is.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use rustix::io::Errno;

use super::*;
use crate::sandbox::memory::mapping::Mapping;
use crate::sandbox::memory::overlay::CHUNK;
use crate::sandbox::{Image, Overlay};
use crate::store::tests::flaky::{Failure, Flaky};
use crate::store::tests::{Watch, backend_over, id, identity, set};
use crate::store::{Cell, NewState, PAGE, Pages};
use crate::workspace::Manifest;

const CHUNKS: usize = 4;

/// A session without a guest: its memory, its files, and the writer of its log.
struct Session {
    writer: JournalWriter,
    overlay: Overlay,
    mapping: Arc<Mapping>,
    files: Manifest,
    blobs: tempfile::TempDir,
    watch: Watch,
    cells: u32,
}

/// What a session is at one moment.
#[derive(Clone, PartialEq)]
struct Moment {
    memory: Vec<u8>,
    files: Manifest,
}

fn image() -> Vec<u8> {
    (0..CHUNKS * CHUNK).map(|at| (at / PAGE) as u8).collect()
}

impl Session {
    fn new(backend: Backend, watch: &Watch, durability: Durability) -> Self {
        let blobs = tempfile::tempdir().unwrap();
        let plan = Plan {
            id: id("s"),
            backend,
            identity: identity(),
            notebook: Some("nb".to_owned()),
            holder: Holder::here("a test"),
            keep: Keep { undo_entries: 3, ..Keep::default() },
            durability,
            blobs: blobs.path().to_owned(),
            kept: true,
        };
        let file = tempfile::tempfile().unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &image(), 0).unwrap();
        let mut overlay = Overlay::new(Arc::new(Image::from_file(file).unwrap())).unwrap();
        let mapping = overlay.map(CHUNKS * CHUNK).unwrap();
        let (writer, files) = (JournalWriter::new(plan), Manifest::default());
        let mut session = Self { writer, overlay, mapping, files, blobs, watch: watch.clone(), cells: 0 };
        session.mapping.write(3 * PAGE, &[200]).unwrap();
        let beginning = session.commit(true, None);
        session.writer.begin(beginning);
        session
    }

    fn commit(&mut self, amend: bool, files: Option<Changes>) -> Commit {
        let committed = self.overlay.commit(&self.mapping).unwrap();
        let cell = Cell {
            number: self.cells,
            first_line: format!("x = {}", self.cells),
            code_sha256: "cd".repeat(32),
            ok: true,
            fuel: 1,
            duration_ms: 1,
            at: self.watch.now(),
        };
        let state = NewState {
            cell,
            amend,
            cells: u32::from(!amend),
            memory_bytes: (CHUNKS * CHUNK) as u64,
            pages: Pages::default(),
            facts: serde_json::json!({ "cells": self.cells }),
            clock_ns: u64::from(self.cells),
            files,
        };
        Commit {
            state,
            pages: self.overlay.snapshot(&committed),
            recordings: Default::default(),
            orphans: Default::default(),
            done: None,
        }
    }

    /// A cell that changes memory, and now and then a file.
    fn cell(&mut self) -> Result<StateId, JournalError> {
        self.watch.pass(TimeDelta::seconds(1));
        self.cells += 1;
        let number = self.cells as usize;
        for page in [7, 7 + number, 40 + number % 3] {
            self.mapping.write(page * PAGE + 1, &[100 + self.cells as u8]).unwrap();
        }
        let files = number.is_multiple_of(2).then(|| {
            let contents = format!("of cell {number}");
            let sha256 = crate::session::telemetry::code_hash(&contents);
            std::fs::write(self.blobs.path().join(&sha256), &contents).unwrap();
            let entry = Entry::File { sha256, size: contents.len() as u64, mode: 0o644, mtime_ns: 7 };
            let changes = set(["app/a", "app/b"][number / 2 % 2], entry);
            self.files.apply(&changes);
            changes
        });
        let commit = self.commit(false, files);
        self.writer.append(commit)
    }

    fn now(&self) -> Moment {
        let mut memory = vec![0; CHUNKS * CHUNK];
        self.mapping.read(0, &mut memory).unwrap();
        Moment { memory, files: self.files.clone() }
    }
}

/// A state as it is stored.
fn stored(log: &View, state: StateId) -> Moment {
    let memory = Mutex::new(image());
    let write = |at: u64, bytes: &[u8]| {
        memory.lock()[at as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    };
    let files = log.load(state, &write).unwrap().files;
    Moment { memory: memory.into_inner(), files }
}

/// What is stored of the session as whoever comes next would find it.
fn found(inner: &Arc<InMemory>) -> Option<Moment> {
    let backend = backend_over(inner.clone() as Arc<dyn ObjectStore>, &Watch::default());
    let view = View::open(&backend, &id("s")).ok()?;
    match view.timeline().current() {
        Target::State(state) => Some(stored(&view, state)),
        Target::Fresh => None,
    }
}

/// Runs a session over a store that fails; how many operations the store saw. Checks what is said after every cell.
fn live(failure: Failure, at: usize, errno: Errno, durability: Durability) -> usize {
    let what = format!("{failure:?} at {at}");
    let inner = Arc::new(InMemory::new());
    let store = Flaky::with(inner.clone(), failure, at, errno);
    let watch = Watch::default();
    let mut session = Session::new(backend_over(store.clone(), &watch), &watch, durability);
    let mut moments = Vec::new();
    let mut check = |session: &mut Session, done: Result<StateId, JournalError>| {
        moments.push(session.now());
        let is_there = found(&inner).as_ref() == moments.last();
        match session.writer.saving() {
            Saving::Whole => assert!(is_there && done.is_ok(), "{what}: cell {} is not there", session.cells),
            Saving::Behind { why, cells, .. } => {
                assert!(done.is_err() && !why.is_empty() && cells > 0, "{what}: {why}");
                let text = session.writer.standing().lock().to_tell().unwrap();
                let system = std::io::Error::from(errno).to_string();
                assert!(text.contains(&system) && text.contains("tried again with each cell"), "{what}: {text}");
                // Whatever is there is a state that there was, and so far back as is said.
                if let Some(there) = found(&inner) {
                    let back = moments.iter().rev().position(|moment| *moment == there);
                    let is_beginning = there.files.0.is_empty();
                    // A store that lies may have more than it says.
                    let lies = matches!(failure, Failure::LiesFor(_));
                    let is_told = back.is_some_and(|back| back == cells as usize || lies && back < cells as usize);
                    assert!(is_told || is_beginning, "{what}: {back:?} of {cells}");
                }
            }
            Saving::Lost { why, .. } => panic!("{what}: {why}"),
        }
        session.writer.tidy();
    };
    for _ in 0..9 {
        let done = session.cell();
        check(&mut session, done);
    }
    // By now it is over, or the next operations are.
    while store.operations() <= at.saturating_add(100) && session.writer.saving() != Saving::Whole {
        let done = session.cell();
        check(&mut session, done);
    }
    assert!(session.writer.is_whole(), "{what}: {:?}", session.writer.saving());
    let (last, operations) = (session.now(), store.operations());
    session.writer.close();
    let backend = backend_over(inner as Arc<dyn ObjectStore>, &watch);
    let log = Log::open(&backend, session.writer.plan.opening()).unwrap();
    assert!(stored(&log, log.timeline().previous().unwrap()) == last, "{what}");
    backend.pull_blobs(&id("s"), tempfile::tempdir().unwrap().path(), last.files.hashes()).unwrap();
    operations
}

#[test]
fn a_store_that_fails_for_a_while_at_any_operation_has_everything_in_the_end() {
    let count = live(Failure::RefusesFor(0), 0, Errno::NOSPC, Durability::Relaxed);
    assert!(count > 30, "the session does something: {count}");
    for at in 0..count {
        for length in [1, 3, 12] {
            let errno = [Errno::NOSPC, Errno::IO, Errno::DQUOT][(at + length) % 3];
            let durability = if at % 4 == 0 { Durability::Sync } else { Durability::Relaxed };
            live(Failure::RefusesFor(length), at, errno, durability);
            live(Failure::LiesFor(length), at, errno, durability);
        }
    }
}

/// A session with four cells in a store that is full from then on, until `at` says so.
fn behind() -> (Session, Arc<Flaky>, Vec<Moment>) {
    let watch = Watch::default();
    let store = Flaky::new(Arc::new(InMemory::new()), Failure::RefusesFor(usize::MAX), 1 << 40);
    let mut session = Session::new(backend_over(store.clone(), &watch), &watch, Durability::Relaxed);
    let mut moments = Vec::new();
    for _ in 0..3 {
        session.cell().unwrap();
        moments.push(session.now());
    }
    fill(&store, true);
    for _ in 0..2 {
        assert!(session.cell().is_err());
        moments.push(session.now());
    }
    (session, store, moments)
}

/// Operations from 1 << 40 on fail.
fn fill(store: &Flaky, full: bool) {
    store.count.store(if full { usize::MAX / 2 } else { 0 }, Ordering::SeqCst);
}

#[test]
fn undo_goes_to_what_is_stored_and_says_what_is_missing() {
    let store_is_full = |store: &Flaky| store.count.load(Ordering::SeqCst) > 1 << 40;
    let (mut session, store, moments) = behind();
    assert!(store_is_full(&store));
    // Only writing fails on a disk that is full.
    let backend = backend_over(store.inner.clone() as Arc<dyn ObjectStore>, &Watch::default());
    let state = |session: &mut Session, to: &Move| match session.writer.peek(to) {
        Ok(Target::State(state)) => Ok(stored(&View::open(&backend, &id("s")).unwrap(), state)),
        Ok(Target::Fresh) => panic!("fresh"),
        Err(error) => Err(error.to_string()),
    };
    let refused = state(&mut session, &Move::Undo(1)).err().unwrap();
    for words in ["not saved since", "after cell [3]", "`%session undo 2` goes to it"] {
        assert!(refused.contains(words), "{refused}");
    }
    for to in [Move::Redo(1), Move::Resume, Move::Restore("x".to_owned())] {
        assert!(state(&mut session, &to).err().unwrap().contains("not saved since"), "{to:?}");
    }
    assert!(session.writer.save_name("x").unwrap_err().to_string().contains("not saved since"));
    assert!(state(&mut session, &Move::Undo(2)).unwrap() == moments[2]);
    assert!(state(&mut session, &Move::Undo(3)).unwrap() == moments[1]);
    // Made although nothing can be written: what is stored is behind by that move, and nothing else.
    session.writer.move_to(Move::Undo(3)).unwrap();
    assert!(matches!(session.writer.saving(), Saving::Behind { cells: 0, .. }));
    assert!(found(&store.inner).unwrap() == moments[2]);
    fill(&store, false);
    session.writer.catch_up();
    assert!(session.writer.is_whole() && found(&store.inner).unwrap() == moments[1]);
}

#[test]
fn to_undo_all_that_is_not_saved_leaves_nothing_unsaved() {
    let (mut session, store, moments) = behind();
    session.writer.move_to(Move::Undo(2)).unwrap();
    assert!(session.writer.is_whole() && found(&store.inner).unwrap() == moments[2]);
    assert_eq!(session.writer.standing().lock().to_tell().as_deref(), Some("the session is saved again"));
}

#[test]
fn a_session_that_somebody_else_took_says_so_with_every_cell() {
    let inner = Arc::new(InMemory::new());
    let watch = Watch::default();
    let holder = crate::store::tests::stranger("the first");
    let mut session = Session::new(backend_over(inner.clone(), &watch), &watch, Durability::Relaxed);
    session.writer.plan.holder = holder;
    session.cell().unwrap();
    watch.pass(TimeDelta::hours(1));
    let backend = backend_over(inner.clone() as Arc<dyn ObjectStore>, &watch);
    let other = Plan { backend, holder: Holder::here("the second"), ..session.writer.plan.clone() };
    let other = JournalWriter::open(other).unwrap();
    for _ in 0..3 {
        assert!(session.cell().is_err());
        assert!(matches!(session.writer.saving(), Saving::Lost { .. }));
        let text = session.writer.standing().lock().to_tell().unwrap();
        assert!(text.contains("taken over by the second") && text.contains("restart the kernel"), "{text}");
        assert_eq!(session.writer.patience(), None, "nothing is tried again");
    }
    drop(other);
}

#[test]
fn a_session_that_has_no_room_in_its_store_adds_nothing_and_is_saved_when_it_fits() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::local(dir.path()).unwrap();
    let mut session = Session::new(backend.clone(), &Watch::default(), Durability::Relaxed);
    let blobs = backend.blob_dir(&id("s")).unwrap();
    std::fs::create_dir_all(&blobs).unwrap();
    session.writer.plan.blobs = blobs.clone();
    session.writer.plan.keep.total_bytes = 400 * 1024;
    session.writer.spare_what_waits_in(&Arc::new(Backlog::new(super::super::backlog::Pace::AtOnce, 3)));
    let on_disk = || -> u64 {
        let entries = [blobs.clone(), dir.path().join("sessions/s/log")].map(|path| std::fs::read_dir(path).unwrap());
        entries.into_iter().flatten().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    };
    let file = |session: &mut Session, kilobytes: usize, number: u8| {
        let contents = vec![number; kilobytes << 10];
        let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&contents));
        std::fs::write(blobs.join(&sha256), &contents).unwrap();
        let size = contents.len() as u64;
        let changes = set("app/large", Entry::File { sha256, size, mode: 0o644, mtime_ns: number.into() });
        session.files.apply(&changes);
        session.cells += 1;
        session.mapping.write(9 * PAGE, &[number]).unwrap();
        let commit = session.commit(false, Some(changes));
        session.writer.append(commit)
    };
    file(&mut session, 100, 1).unwrap();
    for number in 2..12 {
        let error = file(&mut session, 500, number).unwrap_err().to_string();
        assert!(error.contains("of which it may have 409600") && error.contains("tried again"), "{error}");
        session.writer.tidy();
        // Of the states that are not saved only the newest has its files there: the session is where it is.
        assert!(on_disk() < 700 << 10, "{}", on_disk());
    }
    file(&mut session, 200, 12).unwrap();
    assert!(session.writer.is_whole() && on_disk() <= 400 << 10, "{}", on_disk());
    let log = session.writer.log().unwrap();
    let Target::State(state) = log.timeline().current() else { panic!("fresh") };
    assert!(stored(log, state) == session.now());
}

#[test]
fn what_is_written_while_the_session_goes_on_is_each_state_as_it_was() {
    use super::super::backlog::Pace;
    use crate::session::journal::Journal;

    for (pace, seed) in [(Pace::AtOnce, 1u64), (Pace::WhenAsked, 2), (Pace::AtOnce, 3)] {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let watch = Watch::default();
        let mut session = Session::new(backend_over(store, &watch), &watch, Durability::Relaxed);
        let unused = JournalWriter::new(session.writer.plan.clone());
        let journal = Journal::start(std::mem::replace(&mut session.writer, unused), pace).unwrap();
        let mut random = seed;
        let mut moments = std::collections::BTreeMap::new();
        for number in 1..=400u32 {
            session.cells = number;
            for _ in 0..4 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (random >> 33) as usize % (CHUNKS * CHUNK);
                session.mapping.write(at, &[(random >> 20) as u8]).unwrap();
            }
            let commit = session.commit(number.is_multiple_of(5), None);
            moments.insert(number, session.now());
            moments.retain(|old, _| old + 12 > number);
            journal.append(commit);
            if number % 23 != 0 {
                continue;
            }
            let written = journal.with(|writer| {
                let log = writer.log().unwrap();
                let number = |state: StateId| log.state(state).map_or(0, |info| info.cell.number);
                let states = log.timeline().states().into_iter().map(|state| (number(state), stored(log, state)));
                states.collect::<Vec<_>>()
            });
            let written = written.unwrap();
            assert!(written.len() >= 4, "as many as can be undone: {}", written.len());
            assert_eq!(written.last().map(|(last, _)| *last), Some(number));
            for (number, moment) in written {
                assert!(moment == moments[&number], "{pace:?} {seed}: the state of cell {number}");
            }
        }
    }
}
