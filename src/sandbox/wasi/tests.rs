//! The table of calls against what the linker has, and calls with paths that lead out of their mount.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use wasmtime::{Val, ValType};

use super::super::prices::{self, CALLS};
use super::errno;
use super::fd_table::FIRST_MOUNT;
use super::mutate::tests::Rig;
use crate::sandbox::block::to_end;
use crate::sandbox::wasi_config::Quota;

const APP: i32 = FIRST_MOUNT.cast_signed();

#[test]
fn what_the_linker_has_is_what_the_table_says_and_nothing_else() {
    let mut rig = Rig::new(Quota::default());
    let linked: BTreeSet<(String, String)> =
        rig.linker.iter(&mut rig.store).map(|(module, name, _)| (module.to_owned(), name.to_owned())).collect();
    let listed: Vec<_> = CALLS.iter().map(|call| (call.module.to_owned(), call.name.to_owned())).collect();
    assert!(listed.is_sorted(), "by module and name");
    assert_eq!(linked, listed.into_iter().collect());
}

#[test]
fn every_call_costs_what_the_table_says_whatever_becomes_of_it() {
    for call in CALLS {
        let mut rig = Rig::new(Quota { bytes: 100, files: 10 });
        let function = rig.linker.get(&mut rig.store, call.module, call.name).unwrap().into_func().unwrap();
        let zero = |kind: ValType| if matches!(kind, ValType::I64) { Val::I64(0) } else { Val::I32(0) };
        let arguments: Vec<_> = function.ty(&rig.store).params().map(zero).collect();
        let mut results: Vec<_> = function.ty(&rig.store).results().map(zero).collect();
        let before = rig.fuel();
        // An error is the guest's end.
        let ended = to_end(function.call_async(&mut rig.store, &arguments, &mut results));
        assert_eq!(ended.is_err(), call.name == "proc_exit", "{}", call.name);
        assert!(call.call > 0 && rig.fuel() - before >= call.call, "{}", call.name);
    }
}

/// A directory with a workspace in it and, next to that, what the workspace must not show: a tree called `there`, and
/// nothing called `never`. Links that a person made lead to both.
fn oracle() -> Rig {
    let rig = Rig::below("app", Quota { bytes: 1 << 20, files: 1000 });
    let outside = rig.dir.path();
    fs::create_dir_all(outside.join("there/a/b/c/d")).unwrap();
    fs::write(outside.join("there/file"), "secret").unwrap();
    let app = outside.join("app");
    fs::create_dir_all(app.join("dir/sub")).unwrap();
    fs::write(app.join("file"), "mine").unwrap();
    for target in ["there", "never"] {
        symlink(outside.join(target), app.join(format!("abs-{target}"))).unwrap();
        symlink(Path::new("..").join(target), app.join(format!("rel-{target}"))).unwrap();
        symlink(Path::new("../..").join(target), app.join(format!("dir/sub-{target}"))).unwrap();
    }
    symlink("dir", app.join("inside")).unwrap();
    rig
}

/// Paths that lead to `target` outside, in as many ways as there are.
fn leaving(outside: &Path, target: &str) -> Vec<Vec<u8>> {
    let whole = outside.join(target).to_str().unwrap().to_owned();
    let up = "../".repeat(20);
    let mut paths: Vec<Vec<u8>> = Vec::new();
    for base in [
        format!("../{target}"),
        format!("./../{target}"),
        format!("..//{target}"),
        format!("dir/../../{target}"),
        format!("missing/../../{target}"),
        format!("file/../../{target}"),
        format!("inside/../../{target}"),
        format!("inside/sub/../../../{target}"),
        format!("{up}{}", whole.trim_start_matches('/')),
        whole.clone(),
        format!("/{whole}"),
        format!("abs-{target}"),
        format!("rel-{target}"),
        format!("dir/sub-{target}"),
        format!("inside/sub-{target}"),
        format!("abs-{target}/../{target}"),
    ] {
        for end in ["", "/", "/.", "/..", "/file", "/file/", "/a/b", "/a/b/c/d/e", "/missing", "/../app/file"] {
            paths.push(format!("{base}{end}").into_bytes());
        }
        paths.push([base.as_bytes(), b"\0"].concat());
        paths.push([base.as_bytes(), b"/\xff"].concat());
        paths.push([base.as_bytes(), b"/", &[b'y'; 300][..]].concat());
        paths.push([base.as_bytes(), b"/", &[b'y'; 4096][..]].concat());
        paths.push([base.as_bytes(), "/a".repeat(70).as_bytes()].concat());
    }
    paths
}

/// What a call on a path is called, and how it is made.
type OnPath = (&'static str, fn(&mut Rig, [Val; 2]) -> i32);

/// Every call that takes a path, in each of its ways.
const ON_PATHS: &[OnPath] = &[
    ("stat", |rig, path| rig.stat(path, 1)),
    ("lstat", |rig, path| rig.stat(path, 0)),
    ("open", |rig, path| rig.open_with(path, 0, 1 << 1)),
    ("open for writing", |rig, path| rig.open_with(path, 0, 1 << 6)),
    ("open a directory", |rig, path| rig.open_with(path, 2, 1 << 1)),
    ("create", |rig, path| rig.open_with(path, 1, 1 << 6)),
    ("create anew", |rig, path| rig.open_with(path, 1 | 4, 1 << 6)),
    ("truncate", |rig, path| rig.open_with(path, 8, 1 << 6)),
    ("readlink", |rig, [path, length]| {
        let result = [Val::I32(8192), Val::I32(256), Val::I32(0)];
        rig.call("path_readlink", &[&[Val::I32(APP), path, length][..], &result[..]].concat())
    }),
    ("mkdir", |rig, [path, length]| rig.call("path_create_directory", &[Val::I32(APP), path, length])),
    ("rmdir", |rig, [path, length]| rig.call("path_remove_directory", &[Val::I32(APP), path, length])),
    ("unlink", |rig, [path, length]| rig.call("path_unlink_file", &[Val::I32(APP), path, length])),
    ("utime", |rig, path| rig.set_times(path, 1)),
    ("lutime", |rig, path| rig.set_times(path, 0)),
    ("rename from", |rig, path| rig.move_between(path, b"new")),
    ("rename deep from", |rig, path| rig.move_between(path, "d/".repeat(61).as_bytes())),
    ("rename to", |rig, [path, length]| rig.move_from(b"dir", [path, length])),
    ("rename a file to", |rig, [path, length]| rig.move_from(b"file", [path, length])),
    ("link", |rig, [path, length]| {
        let to = [Val::I32(APP), path, length];
        rig.call("path_link", &[&[Val::I32(APP), Val::I32(1), path, length][..], &to[..]].concat())
    }),
    ("symlink", |rig, [path, length]| rig.call("path_symlink", &[path, length, Val::I32(APP), path, length])),
];

impl Rig {
    fn bytes(&mut self, at: usize, bytes: &[u8]) -> [Val; 2] {
        self.memory.write(&mut self.store, at, bytes).unwrap();
        [Val::I32(at as i32), Val::I32(bytes.len() as i32)]
    }

    fn stat(&mut self, [path, length]: [Val; 2], lookup: i32) -> i32 {
        self.call("path_filestat_get", &[Val::I32(APP), Val::I32(lookup), path, length, Val::I32(8192)])
    }

    fn open_with(&mut self, [path, length]: [Val; 2], flags: i32, rights: i64) -> i32 {
        let how = [Val::I32(flags), Val::I64(rights), Val::I64(rights), Val::I32(0), Val::I32(0)];
        self.call("path_open", &[&[Val::I32(APP), Val::I32(1), path, length][..], &how[..]].concat())
    }

    fn set_times(&mut self, [path, length]: [Val; 2], lookup: i32) -> i32 {
        let times = [Val::I64(1), Val::I64(1), Val::I32(0b101)];
        let place = [Val::I32(APP), Val::I32(lookup), path, length];
        self.call("path_filestat_set_times", &[&place[..], &times[..]].concat())
    }

    fn move_between(&mut self, [path, length]: [Val; 2], to: &[u8]) -> i32 {
        let [to, to_length] = self.bytes(65536, to);
        self.call("path_rename", &[Val::I32(APP), path, length, Val::I32(APP), to, to_length])
    }

    fn move_from(&mut self, from: &[u8], [path, length]: [Val; 2]) -> i32 {
        let [from, from_length] = self.bytes(65536, from);
        self.call("path_rename", &[Val::I32(APP), from, from_length, Val::I32(APP), path, length])
    }
}

#[test]
fn a_path_that_leaves_tells_nothing_of_what_is_there() {
    let count = leaving(Path::new("/"), "there").len();
    for (what, call) in ON_PATHS {
        let mut rigs = ["there", "never"].map(|target| (oracle(), target));
        for index in 0..count {
            // The errno, and what the call cost.
            let told = rigs.each_mut().map(|(rig, target)| {
                // Of the same length in both.
                let path = leaving(rig.dir.path(), target).swap_remove(index);
                let before = rig.fuel();
                let path = rig.bytes(1024, &path);
                (call(rig, path), rig.fuel() - before)
            });
            let path = leaving(rigs[0].0.dir.path(), "there").swap_remove(index);
            let path = String::from_utf8_lossy(&path).into_owned();
            assert_eq!(told[0], told[1], "{what} {path}");
            if told.iter().any(|(errno, _)| *errno == errno::SUCCESS) {
                // It was about a link itself: another one is made in its place.
                rigs = ["there", "never"].map(|target| (oracle(), target));
            }
        }
        let outside = rigs[0].0.dir.path();
        assert_eq!(fs::read_to_string(outside.join("there/file")).unwrap(), "secret", "{what}");
        assert!(outside.join("there/a/b/c/d").is_dir() && !outside.join("never").exists(), "{what}");
    }
}

#[test]
fn a_path_is_charged_by_its_names_wherever_it_leads() {
    let mut rig = oracle();
    let mut cost = |path: &str| {
        let before = rig.fuel();
        let path = rig.bytes(1024, path.as_bytes());
        rig.stat(path, 1);
        rig.fuel() - before
    };
    assert_eq!(cost(&"dir/../".repeat(500)) - cost("dir"), 1000 * prices::NAME);
    assert_eq!(cost(&"missing/../".repeat(300)), cost(&"dir/../".repeat(300)));
}

#[test]
fn depth_is_that_of_the_directories_and_not_of_the_path() {
    let mut rig = oracle();
    let app = rig.dir.path().join("app");
    let deep = "d/".repeat(60);
    fs::create_dir_all(app.join(&deep)).unwrap();
    symlink(&deep, app.join("link")).unwrap();
    assert_eq!(rig.on_path("path_create_directory", &format!("{}new", "dir/../".repeat(100))), errno::SUCCESS);
    for name in ["link/1", "link/1/2", "link/1/2/3"] {
        assert_eq!(rig.on_path("path_create_directory", name), errno::SUCCESS);
    }
    assert_eq!(rig.on_path("path_create_directory", "link/1/2/3/4"), errno::NAMETOOLONG);
    assert_eq!(rig.rename("dir", "link/1/2/dir"), errno::NAMETOOLONG, "it has one in it");
    assert_eq!(rig.rename("new", "link/1/2/new"), errno::SUCCESS);
    assert_eq!(rig.rename("file", "link/1/2/3/file"), errno::SUCCESS);
}
