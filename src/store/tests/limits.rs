use super::super::record::header::Files;
use super::*;
use crate::timeline::Move;

#[test]
fn the_oldest_states_go_first_when_the_store_is_full() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let total_bytes = 500 * 1024;
    let keep = Keep { total_bytes, ..Keep::default() };
    let mut log = Log::create(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    let mut last = Vec::new();
    for number in 1..30u32 {
        let pages: Vec<(u32, u64)> = (0..16).map(|page| (page, u64::from(number * 100 + page))).collect();
        last.push(log.append(state(number, &pages)).unwrap());
        let stored: u64 = backend.list("sessions/s/log").unwrap().iter().map(|object| object.bytes).sum();
        assert!(stored <= total_bytes && log.summary().bytes == stored, "{stored}");
    }
    assert!(log.timeline().undoable() >= 4, "no more is dropped than has to be: {}", log.timeline().undoable());
    log.move_to(&Move::Undo(3)).unwrap();
    assert_eq!(current(&log), last[last.len() - 4]);
    assert_eq!(contents(&log, current(&log)).0.pages.len(), 16);
}

#[test]
fn what_does_not_fit_at_all_is_refused_and_changes_nothing() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let keep = Keep { total_bytes: 200 * 1024, ..Keep::default() };
    let mut log = Log::create(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    let small = log.append(state(1, &[(0, 1)])).unwrap();
    let large: Vec<(u32, u64)> = (0..100).map(|page| (page, u64::from(page))).collect();
    let Err(StoreError::Full { needed, limit, .. }) = log.append(state(2, &large)) else { panic!("it fits") };
    assert!(needed > 400 * 1024 && limit == 200 * 1024, "{needed}");
    assert_eq!((current(&log), log.timeline().undoable()), (small, 1));
    log.append(state(3, &[(1, 1)])).unwrap();
}

#[test]
fn files_count_and_those_that_no_state_needs_go() {
    let (backend, watch) = memory();
    let holder = Holder::here("a test");
    let keep = Keep { total_bytes: 400 * 1024, undo_entries: 50, ..Keep::default() };
    let mut log = Log::create(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    for number in 1..20u32 {
        let entry = blob(&backend, &id("s"), &page(u64::from(number)).repeat(10));
        log.append(NewState { files: Some(set("app/data", entry)), ..state(number, &[(0, 1)]) }).unwrap();
        let blobs: u64 = backend.list("sessions/s/blobs").unwrap().iter().map(|object| object.bytes).sum();
        assert!(blobs < 400 * 1024 && log.summary().bytes > blobs);
        watch.pass(TimeDelta::seconds(1));
    }
    let undoable = log.timeline().undoable();
    assert!((5..10).contains(&undoable), "{undoable}");
    log.close().unwrap();
    let log = Log::open(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    assert!(backend.list("sessions/s/blobs").unwrap().len() <= undoable + 1);
    assert_eq!(contents(&log, log.timeline().previous().unwrap()).1.files.0.len(), 1);
}

#[test]
fn undo_is_bounded_in_bytes() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let keep = Keep { undo_bytes: 100 * 1024, ..Keep::default() };
    let mut log = Log::create(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    for number in 1..10u32 {
        let pages: Vec<(u32, u64)> = (0..8).map(|page| (page, u64::from(number * 8 + page))).collect();
        log.append(state(number, &pages)).unwrap();
    }
    assert_eq!(log.timeline().undoable(), 3, "of 33 KiB each");
}

#[test]
fn a_state_that_has_no_room_beside_the_past_takes_its_place() {
    let (backend, watch) = memory();
    let holder = Holder::here("a test");
    let keep = Keep { total_bytes: 400 * 1024, ..Keep::default() };
    let mut log = Log::create(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    let pages = |seed: u64| (0..60).map(|page| (page, seed + u64::from(page))).collect::<Vec<_>>();
    let entry = blob(&backend, &id("s"), b"stays");
    let files = Some(set("app/data", entry));
    log.append(NewState { files, ..state(1, &[pages(0), vec![(100, 7)]].concat()) }).unwrap();
    let second = log.append(state(2, &pages(1000))).unwrap();
    assert_eq!((current(&log), log.timeline().undoable()), (second, 0));
    let check = |view: &View, state| {
        let (model, loaded) = contents(view, state);
        assert_eq!((model.pages.len(), &model.pages[&100], &model.pages[&9]), (61, &page(7), &page(1009)));
        assert_eq!((loaded.files.0.len(), view.state(state).unwrap().cells), (1, 2));
    };
    check(&log, second);
    assert!(log.summary().bytes <= keep.total_bytes);
    log.append(state(3, &[(0, 5)])).unwrap();
    log.move_to(&Move::Undo(1)).unwrap();
    log.close().unwrap();
    let log = Log::open(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    check(&log, log.timeline().previous().unwrap());
    assert_eq!(backend.list("sessions/s/log").unwrap().len(), log.index.records.len());
    drop(log);

    // What has a name stays, and then there is no room; to find that out is not tried with each cell.
    let mut log = Log::create(&backend, Opening { keep, ..opening("t", &holder) }).unwrap();
    let first = log.append(state(1, &pages(0))).unwrap();
    log.save_name("x").unwrap();
    for _ in 0..2 {
        assert!(matches!(log.append(state(2, &pages(1000))), Err(StoreError::Full { .. })));
        assert_eq!(current(&log), first);
    }
    log.forget_name("x").unwrap();
    watch.pass(TimeDelta::seconds(31));
    log.append(state(2, &pages(1000))).unwrap();
}

/// Names of files that came and went take no memory once nobody can go back to where they were.
#[test]
fn names_that_no_state_needs_go() {
    let (backend, _) = memory();
    let holder = Holder::here("a test");
    let keep = Keep { undo_entries: 4, ..Keep::default() };
    let mut log = Log::create(&backend, Opening { keep, ..opening("s", &holder) }).unwrap();
    let names = || (0..10_000).map(|number| format!("app/{}{number}", "x".repeat(1_000)));
    let made = Changes { set: names().map(|name| (name, Entry::Dir { mode: None })).collect(), ..Changes::default() };
    let gone = Changes { gone: names().collect(), ..set("app/kept", Entry::Dir { mode: None }) };
    log.append(NewState { files: Some(made), ..state(1, &[(0, 1)]) }).unwrap();
    log.append(NewState { files: Some(gone), ..state(2, &[(0, 2)]) }).unwrap();
    let known = |log: &Log| {
        let files = log.view.index.states.values().map(|entry| match &entry.files {
            Files::Changes(changes) => changes.set.len() + changes.gone.len(),
            Files::All(all) => all.0.len(),
        });
        files.sum::<usize>()
    };
    assert_eq!(known(&log), 20_001);
    for number in 3..10 {
        log.append(state(number, &[(1, u64::from(number))])).unwrap();
    }
    assert_eq!((known(&log), log.timeline().undoable()), (1, 4));
    let (model, _) = contents(&log, current(&log));
    assert_eq!(model.files.0.keys().collect::<Vec<_>>(), ["app/kept"]);
    assert_eq!(model.pages.len(), 2);
}
