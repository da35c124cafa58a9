use super::*;
use crate::timeline::{Move, MoveError, Step};

#[test]
fn states_come_back_after_reopening_and_resuming() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let mut log = Log::create(&backend, opening("s", &holder)).unwrap();
    let entry = blob(&backend, &id("s"), b"hello");
    let first =
        log.append(NewState { files: Some(set("app/a", entry.clone())), ..state(1, &[(0, 1), (7, 2)]) }).unwrap();
    let second = log.append(state(2, &[(7, 3), (9, 4)])).unwrap();
    log.set_portable(b"pickles").unwrap();
    log.close().unwrap();

    let mut log = Log::open(&backend, opening("s", &holder)).unwrap();
    assert_eq!(log.timeline().current(), Target::Fresh);
    let previous = log.summary().previous.unwrap();
    assert_eq!((previous.id, previous.cells, previous.cell.number), (second, 2, 2));
    assert_eq!(log.peek(&Move::Resume).unwrap(), Target::State(second));
    assert_eq!(log.move_to(&Move::Resume).unwrap(), Target::State(second));
    let (model, loaded) = contents(&log, second);
    assert_eq!(model.pages, [(0, page(1)), (7, page(3)), (9, page(4))].into());
    assert_eq!(model.files.0, [("app/a".to_owned(), entry)].into());
    assert_eq!((loaded.memory_bytes, loaded.clock_ns, loaded.reseed), (MEMORY, 20, false));
    assert_eq!(loaded.facts["number"], 2);
    assert_eq!(log.move_to(&Move::Undo(1)).unwrap(), Target::State(first));
    assert_eq!(contents(&log, first).0.pages, [(0, page(1)), (7, page(2))].into());
    assert_eq!(log.portable().unwrap().as_deref(), Some(&b"pickles"[..]));
    assert_eq!(log.summary().clock_ns, 20, "the clock of undone states counts");
    let lines = log.history();
    assert!(lines.iter().any(|line| line.current && line.step == Step::State(first)));
}

#[test]
fn moves_that_are_not_possible_say_so_and_change_nothing() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let mut log = Log::create(&backend, opening("s", &holder)).unwrap();
    let before = log.summary().bytes;
    for (to, error) in [(Move::Undo(1), MoveError::NothingToUndo), (Move::Resume, MoveError::NothingToResume)] {
        assert!(matches!(log.move_to(&to), Err(StoreError::Move(found)) if found == error));
    }
    assert!(matches!(log.save_name("x"), Err(StoreError::Move(MoveError::NothingToSave))));
    assert_eq!(log.summary().bytes, before);
}

#[test]
fn another_base_is_told_apart_and_can_be_begun_anew() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let mut log = Log::create(&backend, opening("s", &holder)).unwrap();
    log.append(state(1, &[(0, 1)])).unwrap();
    log.set_portable(b"p").unwrap();
    log.close().unwrap();
    let newer = || Opening { identity: Identity { image: "ef".repeat(32), ..identity() }, ..opening("s", &holder) };
    let Err(StoreError::OtherBase { recorded, here }) = Log::open(&backend, newer()) else { panic!("it opened") };
    assert_eq!((*recorded, *here), (identity(), newer().identity));
    let mut log = Log::open_on_new_base(&backend, newer()).unwrap();
    assert_eq!((log.summary().states, log.portable().unwrap().unwrap().as_slice()), (0, &b"p"[..]));
    let state = log.append(state(1, &[(3, 3)])).unwrap();
    log.close().unwrap();
    let log = Log::open(&backend, newer()).unwrap();
    assert_eq!(contents(&log, state).0.pages, [(3, page(3))].into());
}

#[test]
fn forks_go_their_own_ways_and_reseed() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let mut log = Log::create(&backend, opening("s", &holder)).unwrap();
    let entry = blob(&backend, &id("s"), b"shared");
    let first = log.append(NewState { files: Some(set("app/a", entry)), ..state(1, &[(0, 1)]) }).unwrap();
    let second = log.append(state(2, &[(1, 2)])).unwrap();
    log.fork(&id("now"), None).unwrap();
    log.fork(&id("then"), Some(first)).unwrap();
    assert!(matches!(log.fork(&id("then"), None), Err(StoreError::Exists(_))));
    assert!(matches!(log.fork(&id("else"), Some(StateId(77))), Err(StoreError::Move(_))));
    log.append(state(3, &[(0, 9)])).unwrap();
    log.close().unwrap();
    catalog::delete(&backend, &id("s")).unwrap();

    let mut fork = Log::open(&backend, opening("then", &holder)).unwrap();
    assert_eq!(fork.move_to(&Move::Resume).unwrap(), Target::State(first));
    let (model, loaded) = contents(&fork, first);
    assert_eq!(model.pages, [(0, page(1))].into());
    assert_eq!(model.files.0.len(), 1);
    assert!(loaded.reseed);
    let own = fork.append(state(2, &[(0, 5)])).unwrap();
    assert!(!contents(&fork, own).1.reseed);
    fork.close().unwrap();
    let fork = Log::open(&backend, opening("then", &holder)).unwrap();
    assert!(!contents(&fork, own).1.reseed);
    let other = Log::open(&backend, opening("now", &holder)).unwrap();
    assert_eq!(contents(&other, second).0.pages, [(0, page(1)), (1, page(2))].into());
    assert_eq!(View::open(&backend, &id("now")).unwrap().metadata().forked_from.as_deref(), Some("s"));
}

#[test]
fn what_cannot_be_recorded_is_refused_and_nothing_is_written() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let mut log = Log::create(&backend, opening("s", &holder)).unwrap();
    let good = || state(1, &[(0, 1), (5, 1)]);
    let mut deep = serde_json::json!(1);
    for _ in 0..200 {
        deep = serde_json::json!([deep]);
    }
    let short = NewState { pages: Pages::of_bytes([0..1, 5..6].to_vec(), vec![0; PAGE]), ..good() };
    let mut overlapping = good();
    overlapping.pages.runs = vec![0..2, 1..2];
    let absent = Entry::File { sha256: "0".repeat(64), size: 1, mode: 0, mtime_ns: 0 };
    let odd = Entry::File { sha256: "../../etc".to_owned(), size: 1, mode: 0, mtime_ns: 0 };
    for bad in [
        short,
        overlapping,
        NewState { memory_bytes: 4 * PAGE as u64, ..good() },
        NewState { memory_bytes: MEMORY + 1, ..good() },
        NewState { memory_bytes: 5 << 30, ..good() },
        NewState { facts: deep, ..good() },
        NewState { files: Some(set("app/x", absent)), ..good() },
        NewState { files: Some(set("app/x", odd)), ..good() },
    ] {
        let before = log.summary().bytes;
        assert!(matches!(
            log.append(bad),
            Err(StoreError::Refused(_) | StoreError::BlobMissing { .. } | StoreError::Memory(_))
        ));
        assert_eq!(log.summary().bytes, before);
    }
    let long = NewState { cell: Cell { first_line: "ä".repeat(500), ..good().cell }, ..good() };
    let state = log.append(long).unwrap();
    assert_eq!(log.state(state).unwrap().cell.first_line.chars().count(), 80);
}

#[test]
fn a_notebook_finds_its_session_until_that_is_deleted() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let with_notebook = |name| Opening { notebook: Some("dir/nb ü.ipynb".to_owned()), ..opening(name, &holder) };
    assert_eq!(catalog::find(&backend, "dir/nb ü.ipynb").unwrap(), None);
    Log::create(&backend, with_notebook("a")).unwrap().close().unwrap();
    assert_eq!(catalog::find(&backend, "dir/nb ü.ipynb").unwrap(), Some(id("a")));
    Log::create(&backend, with_notebook("b")).unwrap().close().unwrap();
    assert_eq!(catalog::find(&backend, "dir/nb ü.ipynb").unwrap(), Some(id("b")));
    catalog::delete(&backend, &id("a")).unwrap();
    assert_eq!(catalog::find(&backend, "dir/nb ü.ipynb").unwrap(), Some(id("b")));
    catalog::delete(&backend, &id("b")).unwrap();
    assert_eq!(catalog::find(&backend, "dir/nb ü.ipynb").unwrap(), None);
}

#[test]
fn a_local_store_and_one_that_syncs_keep_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::local(&dir.path().join("root")).unwrap();
    let holder = Holder::here("a test");
    let synced = || Opening { durability: Durability::Sync, ..opening("s", &holder) };
    let mut log = Log::create(&backend, synced()).unwrap();
    let entry = blob(&backend, &id("s"), b"on the disk");
    log.append(NewState { files: Some(set("app/a", entry)), ..state(1, &[(0, 1), (1, 2), (2, 3)]) }).unwrap();
    let last = log.append(state(2, &[(1, 4)])).unwrap();
    log.fork(&id("f"), None).unwrap();
    assert!(backend.blob_dir(&id("f")).unwrap().read_dir().unwrap().count() == 1);
    // Copied while it is open: the holder in the copy is this process, which lives.
    drop(log);
    let copy = tempfile::tempdir().unwrap();
    let copied =
        std::process::Command::new("cp").args(["-r", "--"]).arg(dir.path().join("root")).arg(copy.path()).status();
    assert!(copied.unwrap().success());
    let backend = Backend::at(&format!("file://{}", copy.path().join("root").display())).unwrap();
    let log = Log::open(&backend, synced()).unwrap();
    let (model, loaded) = contents(&log, last);
    assert_eq!(model.pages, [(0, page(1)), (1, page(4)), (2, page(3))].into());
    let to = tempfile::tempdir().unwrap();
    backend.pull_blobs(&id("s"), to.path(), loaded.files.hashes()).unwrap();
    let file = loaded.files.hashes().pop_first().unwrap();
    assert_eq!(std::fs::read(to.path().join(file)).unwrap(), b"on the disk");
}

#[test]
fn a_depot_works_and_goes_within_a_runtime_too() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let backend = Backend::local(dir.path()).unwrap();
        let holder = Holder::here("a test");
        let mut log = Log::create(&backend, opening("s", &holder)).unwrap();
        log.append(state(1, &[(0, 1)])).unwrap();
        log.close().unwrap();
        assert_eq!(catalog::list(&backend).unwrap().len(), 1);
    });
}
