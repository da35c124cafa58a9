use std::collections::BTreeMap;

use super::flaky::{Failure, Flaky};
use super::*;
use crate::timeline::{Move, StateId, Target, Timeline};

/// What has been acknowledged, and what was being done.
#[derive(Default, Clone)]
struct Acknowledged {
    created: bool,
    timeline: Timeline,
    models: BTreeMap<StateId, Model>,
    /// What operations would have led to that failed.
    failed: Vec<Model>,
}

fn keep() -> Keep {
    Keep { undo_entries: 2, undo_bytes: 1 << 20, total_bytes: 600 * 1024 }
}

/// A session with everything in it that writes to the store. Goes on after errors; false when one occurred.
fn script(backend: &Backend, acknowledged: &mut Acknowledged) -> bool {
    let holder = stranger("the one that dies");
    let opened = || Opening { keep: keep(), notebook: Some("nb".to_owned()), ..opening("s", &holder) };
    let Ok(mut log) = Log::create(backend, opened()) else { return false };
    acknowledged.created = true;
    let mut whole = true;
    for number in 0..34u32 {
        let place = |page| ((page + number) % 16, u64::from(number * 100 + page));
        let pages: Vec<(u32, u64)> = (0..12).map(place).collect();
        let mut new = state(number, &pages);
        let mut model = match log.timeline().current() {
            Target::State(state) => acknowledged.models[&state].clone(),
            Target::Fresh => Model::default(),
        };
        model.pages.extend(pages.iter().map(|(number, seed)| (*number, page(*seed))));
        if number % 5 == 0 && number > 0 {
            let contents = [number as u8; 64];
            let sha256 = hex::encode(Sha256::digest(contents));
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(&sha256), contents).unwrap();
            if backend.push_blobs(&id("s"), dir.path(), [sha256.clone()]).is_err() {
                whole = false;
                continue;
            }
            let changes = set("app/f", Entry::File { sha256, size: 64, mode: 0, mtime_ns: 0 });
            model.files.apply(&changes);
            new.files = Some(changes);
        }
        match log.append(new) {
            Ok(state) => drop(acknowledged.models.insert(state, model)),
            Err(_) => {
                whole = false;
                acknowledged.failed.push(model);
            }
        }
        acknowledged.timeline = log.timeline().clone();
        let moved = match number {
            7 => log.save_name("seven").is_ok(),
            12 => log.move_to(&Move::Undo(1)).is_ok(),
            20 => {
                log.move_to(&Move::Restore("seven".to_owned())).is_ok()
                    || !acknowledged.timeline.names().contains_key("seven")
            }
            25 => log.set_portable(b"portable").is_ok(),
            _ => true,
        };
        whole &= moved;
        acknowledged.timeline = log.timeline().clone();
    }
    whole & log.close().is_ok()
}

/// After a crash: everything acknowledged is there; of what was under way either all or nothing.
fn check_after_crash(inner: &Arc<InMemory>, acknowledged: &Acknowledged, what: &str) {
    let watch = Watch::default();
    watch.pass(TimeDelta::hours(1));
    let backend = backend_over(Arc::clone(inner) as Arc<dyn ObjectStore>, &watch);
    let holder = Holder::here("the next");
    let opened = || Opening { keep: keep(), ..opening("s", &holder) };
    let log = match Log::open(&backend, opened()) {
        Ok(log) => log,
        Err(StoreError::NotFound(_)) if !acknowledged.created => {
            Log::create(&backend, opened()).unwrap();
            return;
        }
        Err(error) => panic!("{what}: {error}"),
    };
    for (name, state) in acknowledged.timeline.names() {
        assert_eq!(log.timeline().names().get(name), Some(state), "{what}");
    }
    if let Target::State(last) = acknowledged.timeline.current() {
        let previous = log.timeline().previous().unwrap_or_else(|| panic!("{what}: nothing to resume"));
        let found = contents(&log, previous).0;
        // A move that was not acknowledged may have been made.
        let moved_to = acknowledged.models.get(&previous);
        let is_next = acknowledged.failed.contains(&found);
        assert!(previous == last || is_next || moved_to == Some(&found), "{what}: {previous} instead of {last}");
    }
    for state in log.timeline().states() {
        let found = contents(&log, state).0;
        match acknowledged.models.get(&state) {
            Some(model) => assert_eq!(&found, model, "{what}: state {state}"),
            None => assert!(acknowledged.failed.contains(&found), "{what}: state {state}"),
        }
        let to = tempfile::tempdir().unwrap();
        backend.pull_blobs(&id("s"), to.path(), contents(&log, state).0.files.hashes()).unwrap();
    }
    log.close().unwrap();
    // Nothing is left lying about.
    let view = View::open(&backend, &id("s")).unwrap();
    assert_eq!(backend.list("sessions/s/log").unwrap().len(), view.index.records.len(), "{what}");
}

fn operations() -> usize {
    let store = Flaky::new(Arc::new(InMemory::new()), Failure::Dies, usize::MAX);
    let mut acknowledged = Acknowledged::default();
    assert!(script(&backend_over(store.clone(), &Watch::default()), &mut acknowledged));
    assert_eq!(acknowledged.models.len(), 34);
    let backend = backend_over(Arc::clone(&store.inner) as Arc<dyn ObjectStore>, &Watch::default());
    let records = backend.list("sessions/s/log").unwrap().len();
    assert!(records < 25, "there were folds: {records}");
    check_after_crash(&store.inner, &acknowledged, "no crash");
    store.operations()
}

#[test]
fn a_crash_at_any_operation_loses_nothing_that_was_acknowledged() {
    let count = operations();
    assert!(count > 60, "the script does something: {count}");
    for failure in [Failure::Dies, Failure::DiesAfter] {
        for at in 0..count {
            let store = Flaky::new(Arc::new(InMemory::new()), failure, at);
            let mut acknowledged = Acknowledged::default();
            let whole = script(&backend_over(store.clone(), &Watch::default()), &mut acknowledged);
            assert!(!whole || at + 4 > count, "operation {at} was done all the same");
            check_after_crash(&store.inner, &acknowledged, &format!("{failure:?} at {at}"));
        }
    }
}

#[test]
fn an_operation_that_fails_once_or_is_said_to_have_failed_does_no_harm() {
    let count = operations();
    for failure in [Failure::Refuses, Failure::Lies] {
        for at in 0..count {
            let store = Flaky::new(Arc::new(InMemory::new()), failure, at);
            let mut acknowledged = Acknowledged::default();
            script(&backend_over(store.clone(), &Watch::default()), &mut acknowledged);
            // Nobody died, so nothing that failed may turn up.
            acknowledged.failed.clear();
            if acknowledged.created {
                check_after_crash(&store.inner, &acknowledged, &format!("{failure:?} at {at}"));
            }
        }
    }
}
