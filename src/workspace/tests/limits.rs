//! How much of a workspace can be recorded.

use super::super::tracker::{MAX_LISTING, listing_cost};
use super::*;
use crate::store::{Backend, Durability, Holder, Identity, Keep, Log, NewState, Opening, Pages, SessionId, View};

/// Paths of some length, without making any file: the guest's calls are announced, and come to nothing.
#[test]
fn names_that_no_record_could_hold_are_refused_at_the_call() {
    let place = Place::new();
    let mut workspace = place.open();
    fs::create_dir(place.at("app/d")).unwrap();
    let name = |number: u64| format!("app/d/{number:06}{}", "n".repeat(240));
    let fit = MAX_LISTING / listing_cost(&name(0));
    let write = |workspace: &Workspace, number: u64| {
        place.try_guest(workspace, &name(number), |at| {
            if number.is_multiple_of(5000) {
                fs::write(at, "x").unwrap();
            }
        })
    };
    // What comes to nothing does not count.
    for number in 1..fit / 2 {
        write(&workspace, number).unwrap();
    }
    write(&workspace, 5000).unwrap();
    assert_eq!(
        recorded(&mut workspace).unwrap().set.len(),
        (1..fit / 2).filter(|number| number.is_multiple_of(5000)).count()
    );
}

#[test]
fn what_is_within_the_limit_can_be_recorded_and_what_is_not_is_refused() {
    let place = Place::new();
    let mut workspace = place.open();
    // As if the guest had made so many files before.
    let path = |number: u64| format!("app/{number:06}{}", "\u{1}".repeat(200));
    let fit = MAX_LISTING / listing_cost(&path(0));
    let entry = Entry::File { sha256: "0".repeat(64), size: u64::MAX, mode: 0o777, mtime_ns: i64::MIN };
    let all = Manifest((0..fit - 1).map(|number| (path(number), entry.clone())).collect());
    {
        let mut state = workspace.tracker().state();
        state.set_manifest(all.clone());
    }
    place.guest_writes(&workspace, &path(fit), "fits");
    assert_eq!(
        place.try_guest(&workspace, &path(fit + 1), |_| panic!("refused before it is done")),
        Err(Refused::Names)
    );
    // Taking something away makes room.
    place.guest(&workspace, &path(fit), |at| fs::remove_file(at).unwrap());
    place.guest_writes(&workspace, &path(fit + 1), "fits now");
    recorded(&mut workspace);
    // The longest list of changes there can be is one that the store can write and read.
    let top = tempfile::tempdir().unwrap();
    let backend = Backend::local(top.path()).unwrap();
    let id = SessionId::parse("s").unwrap();
    let blobs = Blobs::open(&backend.blob_dir(&id).unwrap()).unwrap();
    fs::write(place.at("x"), "x").unwrap();
    let content = blobs.put(&mut cap_std::fs::File::from_std(fs::File::open(place.at("x")).unwrap())).unwrap();
    let entry = Entry::File { sha256: content.sha256, size: 1, mode: 0o777, mtime_ns: i64::MIN };
    let changes = Changes {
        set: (0..fit).map(|number| (path(number), entry.clone())).collect(),
        gone: (0..fit).map(|number| path(number + fit)).collect(),
        before: (0..fit).map(|number| (path(number + 2 * fit), Some(entry.clone()))).collect(),
        ..Changes::default()
    };
    let holder = Holder::here("a test");
    let opening = || Opening {
        id: id.clone(),
        identity: Identity { runtime: "r".to_owned(), image: "i".to_owned(), image_bytes: 4096 },
        notebook: None,
        holder: &holder,
        keep: Keep::default(),
        durability: Durability::Relaxed,
    };
    let mut log = Log::create(&backend, opening()).unwrap();
    let state = log
        .append(NewState {
            cell: crate::store::Cell::none(),
            amend: false,
            cells: 1,
            memory_bytes: 0,
            pages: Pages::default(),
            facts: serde_json::Value::Null,
            clock_ns: 0,
            files: Some(changes.clone()),
        })
        .unwrap();
    log.close().unwrap();
    let view = View::open(&backend, &id).unwrap();
    assert!(view.files(state) == Manifest(changes.set));
}
