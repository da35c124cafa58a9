//! Random sequences of what may happen to files, with every recorded state gone back to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::{Place, ROOMY};

/// What may happen to the files of a workspace.
#[derive(Debug, Clone)]
enum Step {
    Write(String, Vec<u8>),
    Append(String, Vec<u8>),
    MakeDir(String),
    Remove(String),
    Rename(String, String),
    Mode(String, u32),
    Touch(String, i32),
    Record,
    Restore(usize),
}

fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("a-b"), Just("ü")];
    (prop_oneof![Just("app"), Just("tmp")], prop::collection::vec(name, 1..4))
        .prop_map(|(root, names)| format!("{root}/{}", names.join("/")))
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..12);
    prop_oneof![
        4 => (path(), bytes()).prop_map(|(path, bytes)| Step::Write(path, bytes)),
        2 => (path(), bytes()).prop_map(|(path, bytes)| Step::Append(path, bytes)),
        3 => path().prop_map(Step::MakeDir),
        2 => path().prop_map(Step::Remove),
        2 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (path(), prop_oneof![Just(0o600), Just(0o755), Just(0o444)]).prop_map(|(path, mode)| Step::Mode(path, mode)),
        1 => (path(), any::<i32>()).prop_map(|(path, time)| Step::Touch(path, time)),
        4 => Just(Step::Record),
        2 => any::<usize>().prop_map(Step::Restore),
    ]
}

/// Does a step; many cannot be done, which is fine.
fn act(place: &Place, step: &Step) {
    use std::io::Write;
    match step {
        Step::Write(path, bytes) => drop(fs::write(place.at(path), bytes)),
        Step::Append(path, bytes) => {
            let file = fs::OpenOptions::new().append(true).open(place.at(path));
            drop(file.and_then(|mut file| file.write_all(bytes)));
        }
        Step::MakeDir(path) => drop(fs::create_dir(place.at(path))),
        Step::Remove(path) => {
            drop(fs::remove_file(place.at(path)).or_else(|_| fs::remove_dir_all(place.at(path))));
        }
        Step::Rename(from, to) => drop(fs::rename(place.at(from), place.at(to))),
        Step::Mode(path, mode) if place.at(path).is_file() => {
            fs::set_permissions(place.at(path), fs::Permissions::from_mode(*mode)).unwrap();
        }
        Step::Touch(path, time) if place.at(path).is_file() => {
            let at = rustix::fs::Timespec { tv_sec: i64::from(*time), tv_nsec: 7 };
            let times = rustix::fs::Timestamps { last_access: at, last_modification: at };
            rustix::fs::utimensat(rustix::fs::CWD, place.at(path), &times, rustix::fs::AtFlags::empty()).unwrap();
        }
        Step::Mode(..) | Step::Touch(..) | Step::Record | Step::Restore(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_recorded_state_can_be_gone_back_to(steps in prop::collection::vec(step(), 1..60)) {
        let place = Place::new();
        let mut workspace = place.open(ROOMY).unwrap();
        let mut manifest = workspace.manifest().clone();
        let mut states = vec![(manifest.clone(), place.tree())];
        for step in &steps {
            act(&place, step);
            match step {
                Step::Record => {
                    if let Some(changes) = workspace.record().unwrap() {
                        manifest.apply(&changes);
                    }
                    prop_assert_eq!(&manifest, workspace.manifest());
                    states.push((manifest.clone(), place.tree()));
                }
                Step::Restore(index) => {
                    let (to, tree) = &states[index % states.len()];
                    workspace.restore(to).unwrap();
                    prop_assert_eq!(&place.tree(), tree);
                    prop_assert!(workspace.record().unwrap().is_none());
                    manifest = to.clone();
                }
                _ => {}
            }
        }
    }
}
