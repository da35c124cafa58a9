//! Contents that have gone from the store before their state was written, and links.

use super::*;

/// A workspace in which a cell has written a file over another one of the user's, and what is recorded of it.
fn written() -> (Place, Workspace, Changes) {
    let place = Place::new();
    fs::write(place.at("app/a"), "the user's").unwrap();
    let mut workspace = place.open();
    place.guest_writes(&workspace, "app/a", "a cell's");
    place.guest_writes(&workspace, "app/b", "another");
    place.guest(&workspace, "app/dir", |at| fs::create_dir(at).unwrap());
    let changes = recorded(&mut workspace).unwrap();
    assert_eq!((changes.set.len(), changes.before.len()), (3, 1));
    (place, workspace, changes)
}

fn blob(place: &Place, entry: &Entry) -> PathBuf {
    place.at("blobs").join(entry.sha256().unwrap())
}

#[test]
fn what_is_all_there_is_left_as_it_is() {
    let (_place, workspace, changes) = written();
    let mut recovered = changes.clone();
    workspace.tracker().recover(&mut recovered);
    assert_eq!(recovered, changes);
    assert!(workspace.take_notes().is_empty());
}

#[test]
fn a_content_that_is_gone_is_had_from_the_file_itself() {
    let (place, workspace, changes) = written();
    for entry in changes.set.values().filter(|entry| entry.sha256().is_some()) {
        fs::remove_file(blob(&place, entry)).unwrap();
    }
    let mut recovered = changes.clone();
    workspace.tracker().recover(&mut recovered);
    assert_eq!(recovered, changes);
    assert_eq!(text(&blob(&place, &changes.set["app/a"])), "a cell's");
    assert_eq!(text(&blob(&place, &changes.set["app/b"])), "another");
}

#[test]
fn what_the_user_had_is_had_from_what_was_put_away() {
    let (place, workspace, changes) = written();
    let before = changes.before["app/a"].clone().unwrap();
    fs::remove_file(blob(&place, &before)).unwrap();
    let mut recovered = changes.clone();
    workspace.tracker().recover(&mut recovered);
    assert_eq!(recovered, changes);
    assert_eq!(text(&blob(&place, &before)), "the user's");
}

#[test]
fn what_cannot_be_had_any_more_is_no_part_of_the_state_and_said() {
    let (place, workspace, changes) = written();
    let before = changes.before["app/a"].clone().unwrap();
    fs::remove_file(blob(&place, &before)).unwrap();
    fs::remove_file(place.at("held/contents").join(before.sha256().unwrap())).unwrap();
    fs::remove_file(blob(&place, &changes.set["app/b"])).unwrap();
    // Somebody has written there since: that is not what the cell left.
    fs::write(place.at("app/b"), "changed").unwrap();
    let mut recovered = changes.clone();
    workspace.tracker().recover(&mut recovered);
    assert_eq!(recovered.set.keys().collect::<Vec<_>>(), ["app/a", "app/dir"]);
    assert_eq!(recovered.gone, ["app/b"]);
    assert!(recovered.before.is_empty());
    assert!(!workspace.manifest().0.contains_key("app/b"));
    let notes = workspace.take_notes();
    assert!(matches!(&notes[..], [note] if note.starts_with("b is not recorded")), "{notes:?}");
    assert_eq!(text(&place.at("app/b")), "changed");
}

#[test]
fn a_link_that_a_cell_removed_or_replaced_is_put_back() {
    let place = Place::new();
    symlink("target", place.at("app/one")).unwrap();
    symlink("/etc", place.at("app/two")).unwrap();
    let mut workspace = place.open();
    let link = |name: &str| fs::read_link(place.at(name)).ok().and_then(|to| to.to_str().map(str::to_owned));
    for is_crash in [true, false] {
        let before = workspace.manifest();
        place.guest_renames(&workspace, "app/one", "app/moved");
        place.guest_writes(&workspace, "app/new", "a cell's");
        place.guest_renames(&workspace, "app/new", "app/two");
        let kept = if is_crash {
            workspace.roll_back().unwrap()
        } else {
            let changes = recorded(&mut workspace).unwrap();
            assert_eq!(changes.set["app/moved"], Entry::Link { target: "target".to_owned() });
            let past = Past { down: changes.before.clone(), ..Past::default() };
            let place = workspace.place().to_owned();
            workspace.go(&before, &past, ListingOrigin { place: &place, generation: u64::MAX }).unwrap()
        };
        assert!(kept.is_empty(), "{kept:?}");
        assert_eq!((link("app/one").as_deref(), link("app/two").as_deref()), (Some("target"), Some("/etc")));
        assert_eq!((link("app/moved"), text(&place.at("app/new")).as_str()), (None, "(NotFound)"));
    }
}

#[test]
fn a_link_that_leads_out_is_not_made_anywhere_else() {
    let place = Place::new();
    let mut workspace = place.open();
    let links = [("app/a", "../../etc"), ("app/b", "/etc"), ("app/c", "beside")];
    let entry = |(path, target): (&str, &str)| (path.to_owned(), Entry::Link { target: target.to_owned() });
    let manifest = Manifest(links.map(entry).into_iter().collect());
    assert_eq!(workspace.go(&manifest, &Past::default(), NEW).unwrap(), ["app/a", "app/b"]);
    assert!(fs::symlink_metadata(place.at("app/a")).is_err());
    assert_eq!(fs::read_link(place.at("app/c")).unwrap(), Path::new("beside"));
}

#[test]
fn what_cannot_be_made_again_must_not_be_taken_away() {
    let place = Place::new();
    fs::create_dir(place.at("app/dir")).unwrap();
    std::os::unix::net::UnixListener::bind(place.at("app/dir/socket")).unwrap();
    let workspace = place.open();
    assert_eq!(place.try_guest(&workspace, "app/dir/socket", |_| ()), Err(Refused::Unreadable));
    let moved = block_on(workspace.tracker().before_move(("app", "dir"), ("app", "moved")));
    assert_eq!(moved, Err(Refused::Unreadable));
}

#[test]
fn a_file_with_two_names_goes_back_under_the_one_that_was_touched() {
    let place = Place::new();
    fs::write(place.at("app/a"), "the user's").unwrap();
    fs::hard_link(place.at("app/a"), place.at("app/b")).unwrap();
    let mut workspace = place.open();
    place.guest_writes(&workspace, "app/a", "a cell's, which is longer");
    workspace.roll_back().unwrap();
    // By a name that no cell touched nothing is written, whatever the file has become by it.
    assert_eq!(
        (text(&place.at("app/a")), text(&place.at("app/b"))),
        ("the user's".to_owned(), "a cell's, which is longer".to_owned())
    );
}
