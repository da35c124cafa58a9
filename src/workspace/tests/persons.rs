//! What the user does to files while a guest has them, too.

use super::*;

/// The states of a session in a row, as the log has them.
#[derive(Default)]
pub(super) struct History {
    pub(super) states: Vec<(Manifest, Changes)>,
    pub(super) at: usize,
}

impl History {
    pub(super) fn new(workspace: &Workspace) -> Self {
        Self { states: vec![(workspace.manifest(), Changes::default())], at: 0 }
    }

    pub(super) fn record(&mut self, workspace: &mut Workspace) {
        let changes = recorded(workspace).unwrap_or_default();
        self.states.truncate(self.at + 1);
        self.states.push((workspace.manifest(), changes));
        self.at += 1;
    }

    pub(super) fn go(&mut self, workspace: &mut Workspace, to: usize) -> Vec<String> {
        let mut past = Past::default();
        for index in (to + 1..=self.at).rev() {
            for (path, before) in &self.states[index].1.before {
                past.down.entry(path.clone()).or_insert_with(|| before.clone());
            }
        }
        for index in self.at + 1..=to {
            for (path, before) in &self.states[index].1.before {
                past.up.entry(path.clone()).or_default().push(before.clone());
            }
        }
        let place = workspace.place().to_owned();
        let origin = ListingOrigin { place: &place, generation: u64::MAX };
        let kept = workspace.go(&self.states[to].0, &past, origin).unwrap();
        self.at = to;
        kept
    }
}

/// What a person does to the file at a path, by name.
type Edit = (&'static str, fn(&Path));

const EDITS: [Edit; 5] = [
    ("in place", |at| {
        use std::io::Write;
        fs::OpenOptions::new().write(true).open(at).unwrap().write_all(b"EDIT").unwrap();
    }),
    ("appended", |at| {
        use std::io::Write;
        fs::OpenOptions::new().append(true).open(at).unwrap().write_all(b"more").unwrap();
    }),
    ("replaced", |at| {
        let other = at.with_extension("swp");
        fs::write(&other, "replaced").unwrap();
        fs::rename(other, at).unwrap();
    }),
    ("emptied", |at| drop(fs::File::create(at).unwrap())),
    ("deleted", |at| fs::remove_file(at).unwrap()),
];

#[test]
fn what_the_user_does_to_a_file_of_the_guest_stays_whatever_comes() {
    for (edit, act) in EDITS {
        let place = Place::new();
        let mut workspace = place.open();
        let mut history = History::new(&workspace);
        place.guest_writes(&workspace, "app/a", "the first text");
        history.record(&mut workspace);
        place.guest_writes(&workspace, "app/a", "the second text");
        history.record(&mut workspace);
        act(&place.at("app/a"));
        let after = place.tree();
        assert_eq!(workspace.roll_back().unwrap(), [""; 0]);
        assert_eq!(place.tree(), after, "{edit}, rolled back");
        assert_eq!(history.go(&mut workspace, 1), ["app/a"], "{edit}");
        assert_eq!(place.tree(), after, "{edit}, undone");
        history.go(&mut workspace, 0);
        assert_eq!(place.tree(), after, "{edit}, undone twice");
        history.go(&mut workspace, 2);
        if edit != "deleted" {
            assert_eq!(place.tree(), after, "{edit}, redone");
        }
    }
}

#[test]
fn a_crashing_cell_takes_back_its_own_changes_and_no_others() {
    let place = Place::new();
    for name in ["written", "removed", "moved", "replaced", "untouched", "edited while it ran"] {
        fs::write(place.at("app").join(name), format!("{name}, theirs")).unwrap();
    }
    fs::create_dir(place.at("app/dir")).unwrap();
    fs::write(place.at("app/dir/inside"), "inside").unwrap();
    let before = place.tree();
    let mut workspace = place.open();
    place.guest_writes(&workspace, "app/written", "the guest's");
    place.guest(&workspace, "app/removed", |at| fs::remove_file(at).unwrap());
    place.guest_renames(&workspace, "app/moved", "app/elsewhere");
    place.guest_writes(&workspace, "app/elsewhere", "and changed there");
    place.guest_writes(&workspace, "app/new", "new");
    place.guest_renames(&workspace, "app/new", "app/replaced");
    place.guest_renames(&workspace, "app/dir", "app/other");
    place.guest_writes(&workspace, "app/other/inside", "changed inside");
    place.guest(&workspace, "app/made", |at| fs::create_dir(at).unwrap());
    place.guest_writes(&workspace, "app/made/x", "x");
    assert_eq!(workspace.roll_back().unwrap(), [""; 0]);
    assert_eq!(place.tree(), before);

    // The same file, first by the guest and then by the user: it is the user's.
    place.guest_writes(&workspace, "app/edited while it ran", "the guest's");
    fs::write(place.at("app/edited while it ran"), "the user's").unwrap();
    place.guest(&workspace, "app/made", |at| fs::create_dir(at).unwrap());
    fs::write(place.at("app/made/theirs"), "theirs").unwrap();
    assert_eq!(workspace.roll_back().unwrap(), ["app/edited while it ran"]);
    assert_eq!(text(&place.at("app/edited while it ran")), "the user's");
    assert_eq!(text(&place.at("app/made/theirs")), "theirs");

    // And the other way round: back to what the user made of it.
    place.guest_writes(&workspace, "app/written", "the guest's");
    fs::write(place.at("app/written"), "the user's").unwrap();
    place.guest_writes(&workspace, "app/written", "the guest's again");
    assert_eq!(workspace.roll_back().unwrap(), [""; 0]);
    assert_eq!(text(&place.at("app/written")), "the user's");
}

#[test]
fn undo_gives_back_what_the_user_had_there_and_redo_takes_it_again() {
    let place = Place::new();
    fs::write(place.at("app/a"), "the user's").unwrap();
    let mut workspace = place.open();
    let mut history = History::new(&workspace);
    place.guest_writes(&workspace, "app/other", "x");
    history.record(&mut workspace);
    place.guest_writes(&workspace, "app/a", "the guest's");
    history.record(&mut workspace);
    place.guest_writes(&workspace, "app/a", "the guest's, again");
    history.record(&mut workspace);
    for (to, expected) in
        [(2, "the guest's"), (1, "the user's"), (3, "the guest's, again"), (0, "the user's"), (2, "the guest's")]
    {
        assert_eq!(history.go(&mut workspace, to), [""; 0], "to {to}");
        assert_eq!(text(&place.at("app/a")), expected, "at {to}");
    }
    // The user changes it, and the guest goes on with that: the first undo comes back to the user's text, and so
    // does every other one from there.
    fs::write(place.at("app/a"), "edited").unwrap();
    place.guest_writes(&workspace, "app/a", "edited, and more");
    history.record(&mut workspace);
    for to in [2, 3, 1] {
        history.go(&mut workspace, to);
        assert_eq!(text(&place.at("app/a")), if to == 3 { "edited, and more" } else { "edited" }, "at {to}");
    }
    assert_eq!(text(&place.at("app/a")), "edited");
}

#[test]
fn a_file_that_the_guest_deleted_comes_back_and_one_that_the_user_deleted_does_not() {
    let place = Place::new();
    fs::write(place.at("app/theirs"), "theirs").unwrap();
    let mut workspace = place.open();
    let mut history = History::new(&workspace);
    place.guest_writes(&workspace, "app/a", "a");
    place.guest_writes(&workspace, "app/b", "b");
    history.record(&mut workspace);
    place.guest(&workspace, "app/theirs", |at| fs::remove_file(at).unwrap());
    place.guest(&workspace, "app/a", |at| fs::remove_file(at).unwrap());
    place.guest_writes(&workspace, "app/b", "changed");
    history.record(&mut workspace);
    fs::remove_file(place.at("app/b")).unwrap();
    let texts = || ["theirs", "a", "b"].map(|name| text(&place.at("app").join(name)));
    assert_eq!(history.go(&mut workspace, 1), ["app/b"]);
    assert_eq!(texts(), ["theirs", "a", "(NotFound)"]);
    history.go(&mut workspace, 2);
    assert_eq!(texts()[..2], ["(NotFound)", "(NotFound)"]);
    // What the user puts there in between is not what the guest removed.
    history.go(&mut workspace, 1);
    fs::write(place.at("app/theirs"), "another").unwrap();
    assert_eq!(history.go(&mut workspace, 2), ["app/b", "app/theirs"]);
    assert_eq!(texts()[0], "another");
}

#[test]
fn an_edit_before_the_record_is_the_users() {
    let place = Place::new();
    let mut workspace = place.open();
    let mut history = History::new(&workspace);
    place.guest_writes(&workspace, "app/a", "first");
    history.record(&mut workspace);
    place.guest_writes(&workspace, "app/a", "second");
    fs::write(place.at("app/a"), "the user's").unwrap();
    history.record(&mut workspace);
    assert!(!workspace.manifest().0.contains_key("app/a"));
    assert_eq!(history.go(&mut workspace, 1), ["app/a"]);
    assert_eq!(text(&place.at("app/a")), "the user's");
}

#[test]
fn a_large_file_of_the_users_is_put_away_before_it_is_changed() {
    let place = Place::new();
    let large: Vec<u8> = (0..1_500_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(place.at("app/large"), &large).unwrap();
    let mut workspace = place.open();
    let mut history = History::new(&workspace);
    place.guest_writes(&workspace, "app/large", "cut");
    workspace.roll_back().unwrap();
    assert!(fs::read(place.at("app/large")).unwrap() == large);
    place.guest_writes(&workspace, "app/large", "cut");
    history.record(&mut workspace);
    history.go(&mut workspace, 0);
    assert!(fs::read(place.at("app/large")).unwrap() == large);
}

/// As after kill -9: nothing of the process is left but what is on disk.
fn killed(workspace: Workspace) {
    std::mem::forget(workspace);
}

#[test]
fn after_a_kill_what_was_not_stored_is_taken_back_and_the_users_edits_are_not() {
    let place = Place::new();
    for name in ["app/theirs", "app/theirs too"] {
        fs::write(place.at(name), "theirs").unwrap();
    }
    let mut workspace = place.open();
    for name in ["app/a", "app/b", "app/c"] {
        place.guest_writes(&workspace, name, "stored");
    }
    let stored = workspace.record().unwrap();
    let (stored, _) = stored.wait();
    workspace.tracker().stored(stored);
    let (files, at, generation) = (workspace.manifest(), workspace.place().to_owned(), workspace.generation());
    // Two cells that were answered and recorded, but are not in the log; and one that was not over.
    place.guest_writes(&workspace, "app/a", "not stored");
    place.guest_writes(&workspace, "app/theirs", "not stored");
    recorded(&mut workspace);
    place.guest_writes(&workspace, "app/a", "not stored either");
    place.guest_writes(&workspace, "app/new", "new");
    place.guest(&workspace, "app/b", |at| fs::remove_file(at).unwrap());
    recorded(&mut workspace);
    place.guest_writes(&workspace, "app/c", "in the midst");
    place.guest_writes(&workspace, "app/theirs too", "in the midst");
    place.guest_writes(&workspace, "app/edited", "in the midst");
    killed(workspace);
    fs::write(place.at("app/edited"), "the user's").unwrap();
    let mut again = place.open();
    again.take_over(&files);
    let kept = again.go(&files, &Past::default(), ListingOrigin { place: &at, generation }).unwrap();
    let names = ["a", "b", "c", "new", "theirs", "theirs too", "edited"];
    let texts = names.map(|name| text(&place.at("app").join(name)));
    assert_eq!(texts, ["stored", "stored", "stored", "(NotFound)", "theirs", "theirs", "the user's"]);
    assert_eq!(kept, [""; 0], "nothing that the state has is missing");
    assert_eq!(fs::read_dir(place.at("held/touched")).unwrap().count(), 0);
}

#[test]
fn after_a_kill_what_the_user_deleted_stays_deleted_and_what_was_edited_stays() {
    let place = Place::new();
    let mut workspace = place.open();
    for name in ["app/a", "app/b", "app/c"] {
        place.guest_writes(&workspace, name, "stored");
    }
    let stored = workspace.record().unwrap();
    let (stored, _) = stored.wait();
    workspace.tracker().stored(stored);
    let (files, at, generation) = (workspace.manifest(), workspace.place().to_owned(), workspace.generation());
    killed(workspace);
    fs::remove_file(place.at("app/a")).unwrap();
    fs::write(place.at("app/b"), "edited").unwrap();
    let mut again = place.open();
    again.take_over(&files);
    let kept = again.go(&files, &Past::default(), ListingOrigin { place: &at, generation }).unwrap();
    assert_eq!(kept, ["app/a", "app/b"]);
    let texts = ["a", "b", "c"].map(|name| text(&place.at("app").join(name)));
    assert_eq!(texts, ["(NotFound)", "edited", "stored"]);
}

#[test]
fn what_the_user_made_of_a_file_or_a_directory_of_the_guests_takes_its_place_in_the_record() {
    let place = Place::new();
    let mut workspace = place.open();
    let mut history = History::new(&workspace);
    place.guest_writes(&workspace, "app/a", "the guest's");
    place.guest(&workspace, "app/dir", |at| fs::create_dir(at).unwrap());
    place.guest_writes(&workspace, "app/dir/x", "the guest's");
    history.record(&mut workspace);
    fs::remove_file(place.at("app/a")).unwrap();
    fs::create_dir(place.at("app/a")).unwrap();
    fs::remove_dir_all(place.at("app/dir")).unwrap();
    place.guest_writes(&workspace, "app/a/inside", "the guest's");
    place.guest_writes(&workspace, "app/dir", "a file now");
    history.record(&mut workspace);
    assert_eq!(workspace.manifest().0.keys().collect::<Vec<_>>(), ["app/a/inside", "app/dir"]);
    history.go(&mut workspace, 1);
    history.go(&mut workspace, 2);
    assert_eq!(text(&place.at("app/a/inside")), "the guest's");
    assert_eq!(text(&place.at("app/dir")), "a file now");
}
