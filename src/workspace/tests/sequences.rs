//! Random sequences of what a guest and a user may do to the same files, with cells that are taken back and every
//! recorded state gone to.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::persons::History;
use super::*;

/// What may happen to the files of a workspace.
#[derive(Debug, Clone)]
enum Step {
    Guest(Act),
    User(Act),
    Record,
    RollBack,
    Go(usize),
}

#[derive(Debug, Clone)]
enum Act {
    Write(String, Vec<u8>),
    Append(String, Vec<u8>),
    MakeDir(String),
    Remove(String),
    Rename(String, String),
    Mode(String, u32),
    /// As editors do: another file in its place.
    Replace(String, Vec<u8>),
}

fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("a-b"), Just("ü")];
    (prop_oneof![Just("app"), Just("tmp")], prop::collection::vec(name, 1..4))
        .prop_map(|(root, names)| format!("{root}/{}", names.join("/")))
}

fn act() -> impl Strategy<Value = Act> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..12);
    prop_oneof![
        4 => (path(), bytes()).prop_map(|(path, bytes)| Act::Write(path, bytes)),
        2 => (path(), bytes()).prop_map(|(path, bytes)| Act::Append(path, bytes)),
        3 => path().prop_map(Act::MakeDir),
        2 => path().prop_map(Act::Remove),
        2 => (path(), path()).prop_map(|(from, to)| Act::Rename(from, to)),
        1 => (path(), prop_oneof![Just(0o600), Just(0o755), Just(0o444)]).prop_map(|(path, mode)| Act::Mode(path, mode)),
        2 => (path(), bytes()).prop_map(|(path, bytes)| Act::Replace(path, bytes)),
    ]
}

fn step(users: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => act().prop_map(Step::Guest),
        users => act().prop_map(Step::User),
        3 => Just(Step::Record),
        1 => Just(Step::RollBack),
        2 => any::<usize>().prop_map(Step::Go),
    ]
}

/// Does it; much cannot be done, which is fine.
fn act_on(place: &Place, act: &Act) {
    use std::io::Write;
    match act {
        Act::Write(path, bytes) => drop(fs::write(place.at(path), bytes)),
        Act::Append(path, bytes) => {
            let file = fs::OpenOptions::new().append(true).open(place.at(path));
            drop(file.and_then(|mut file| file.write_all(bytes)));
        }
        Act::MakeDir(path) => drop(fs::create_dir(place.at(path))),
        Act::Remove(path) => drop(fs::remove_file(place.at(path)).or_else(|_| fs::remove_dir(place.at(path)))),
        Act::Rename(from, to) => drop(fs::rename(place.at(from), place.at(to))),
        Act::Mode(path, mode) if place.at(path).is_file() => {
            fs::set_permissions(place.at(path), fs::Permissions::from_mode(*mode)).unwrap();
        }
        Act::Mode(..) => {}
        Act::Replace(path, bytes) => {
            let swap = place.at("swap");
            fs::write(&swap, bytes).unwrap();
            let _ = fs::rename(swap, place.at(path));
        }
    }
}

fn guest(place: &Place, workspace: &Workspace, act: &Act) {
    match act {
        Act::Rename(from, to) => place.guest_renames(workspace, from, to),
        Act::Write(path, _)
        | Act::Append(path, _)
        | Act::MakeDir(path)
        | Act::Remove(path)
        | Act::Mode(path, _)
        | Act::Replace(path, _) => place.guest(workspace, path, |_| act_on(place, act)),
    }
}

/// What the user wrote last, and nobody has touched since.
type Theirs = BTreeMap<String, Vec<u8>>;

fn contents(place: &Place) -> Theirs {
    place.tree().into_iter().filter_map(|(path, file)| Some((path, file?.0))).collect()
}

/// The paths at which something has changed.
fn changed(before: &Files, after: &Files) -> Vec<String> {
    let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (before.iter().cloned().collect(), after.iter().cloned().collect());
    before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_recorded_state_can_be_gone_back_to(steps in prop::collection::vec(step(0), 1..60)) {
        let place = Place::new();
        let mut workspace = place.open();
        let mut history = History::new(&workspace);
        let mut trees = vec![place.tree()];
        for step in &steps {
            match step {
                Step::Guest(act) => guest(&place, &workspace, act),
                Step::User(_) => {}
                Step::Record => {
                    history.record(&mut workspace);
                    trees.truncate(history.at);
                    trees.push(place.tree());
                }
                Step::RollBack => {
                    prop_assert!(workspace.roll_back().unwrap().is_empty());
                    prop_assert_eq!(&place.tree(), &trees[history.at]);
                }
                Step::Go(to) => {
                    prop_assert!(workspace.roll_back().unwrap().is_empty());
                    let kept = history.go(&mut workspace, to % trees.len());
                    prop_assert!(kept.is_empty(), "{:?}", kept);
                    prop_assert_eq!(&place.tree(), &trees[history.at]);
                    prop_assert!(workspace.record().is_none());
                }
            }
        }
    }

    #[test]
    fn what_the_user_wrote_last_stays(steps in prop::collection::vec(step(6), 1..80)) {
        let place = Place::new();
        let mut workspace = place.open();
        let mut history = History::new(&workspace);
        // What is theirs on the disk, and what was when the guest took it since the last record.
        let mut theirs = Theirs::new();
        for step in &steps {
            let before = place.tree();
            match step {
                Step::User(act) => {
                    act_on(&place, act);
                    let now = contents(&place);
                    for path in changed(&before, &place.tree()) {
                        match now.get(&path) {
                            Some(bytes) => theirs.insert(path, bytes.clone()),
                            None => theirs.remove(&path),
                        };
                    }
                }
                Step::Guest(act) => {
                    guest(&place, &workspace, act);
                    for path in changed(&before, &place.tree()) {
                        theirs.remove(&path);
                    }
                }
                Step::Record => history.record(&mut workspace),
                Step::RollBack => drop(workspace.roll_back().unwrap()),
                Step::Go(to) => {
                    workspace.roll_back().unwrap();
                    let to = to % history.states.len();
                    history.go(&mut workspace, to);
                }
            }
            let now = contents(&place);
            for (path, bytes) in &theirs {
                prop_assert_eq!(now.get(path), Some(bytes), "{} after {:?}", path, step);
            }
        }
    }
}
