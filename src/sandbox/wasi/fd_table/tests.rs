//! Open files over restarts of a guest, without a guest.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::*;
use crate::sandbox::block::to_end;
use crate::sandbox::wasi_config::{Clock, Mount, Quota, WasiConfig};

const MOUNT: i32 = 3;
const CREATE: i32 = 1;
const TRUNCATE: i32 = 8;
const READ_WRITE: (i64, i64) = (0x42, 0x42);

fn wasi(dir: &Path) -> WasiP1Ctx {
    let mut builder = WasiCtxBuilder::new();
    builder.allow_blocking_current_thread(true).preopened_dir(dir, "/app", FsPerms::ReadWrite).unwrap();
    builder.build_p1()
}

fn how(flags: i32) -> How {
    How { lookup: 1, flags, rights: READ_WRITE, fd_flags: 0 }
}

/// A guest that is restarted again and again over one directory.
struct Guest {
    dir: tempfile::TempDir,
    wasi: WasiP1Ctx,
    files: Files,
}

impl Guest {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let wasi = wasi(dir.path());
        Self { dir, wasi, files: Files::new(1, 10, &[]) }
    }

    fn open(&mut self, path: &str, flags: i32) -> i32 {
        to_end(self.files.add(&mut self.wasi, MOUNT, path, how(flags))).unwrap().cast_signed()
    }

    fn keep(&mut self) -> Vec<Kept> {
        to_end(self.files.keep(&mut self.wasi))
    }

    fn restart(&mut self, kept: &[Kept]) {
        // As it is stored.
        let kept: Vec<Kept> = serde_json::from_str(&serde_json::to_string(kept).unwrap()).unwrap();
        self.wasi = wasi(self.dir.path());
        self.files = Files::new(1, 10, &kept);
    }

    fn identity(&mut self, number: i32) -> Option<u64> {
        let fd = to_end(self.files.resolve(&mut self.wasi, number))?;
        Some(to_end(host_calls::stat(&mut self.wasi, fd)).unwrap().identity)
    }

    fn identity_at(&mut self, path: &str) -> Option<u64> {
        to_end(host_calls::stat_at(&mut self.wasi, MOUNT, 1, path)).ok().map(|stat| stat.identity)
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(path)
    }

    fn rename(&mut self, from: &str, to: &str) {
        let [from_place, to_place] = [from, to].map(|path| self.files.place(MOUNT, path).unwrap());
        to_end(self.files.wake(&mut self.wasi, &to_place));
        fs::rename(self.at(from), self.at(to)).unwrap();
        self.files.follow(&from_place, &to_place);
    }

    fn remove(&mut self, path: &str) {
        let place = self.files.place(MOUNT, path).unwrap();
        to_end(self.files.wake(&mut self.wasi, &place));
        fs::remove_file(self.at(path)).unwrap();
    }
}

#[test]
fn a_file_goes_on_at_its_offset_and_is_neither_created_nor_truncated_again() {
    let mut guest = Guest::new();
    let number = guest.open("./x", CREATE | TRUNCATE);
    fs::write(guest.at("x"), "0123456789").unwrap();
    let fd = to_end(guest.files.resolve(&mut guest.wasi, number)).unwrap();
    to_end(host_calls::seek(&mut guest.wasi, fd, 7));
    let kept = guest.keep();
    guest.restart(&kept);
    let fd = to_end(guest.files.resolve(&mut guest.wasi, number)).unwrap();
    assert_eq!(host_calls::tell(&mut guest.wasi, fd), Some(7));
    assert_eq!(fs::read(guest.at("x")).unwrap(), b"0123456789");
    fs::remove_file(guest.at("x")).unwrap();
    guest.restart(&kept);
    assert_eq!(guest.identity(number), None);
    assert!(!guest.at("x").exists());
    fs::write(guest.at("x"), "another").unwrap();
    assert_eq!(guest.identity(number), None, "it was found to be gone");
    assert_eq!(guest.files.remove(number), Some(None));
}

#[test]
fn a_renamed_file_is_followed_and_a_directory_with_all_below_it() {
    let mut guest = Guest::new();
    fs::create_dir(guest.at("d")).unwrap();
    let (one, two) = (guest.open("one", CREATE), guest.open("d/two", CREATE));
    let (first, second) = (guest.identity(one), guest.identity(two));
    guest.rename("one", "uno");
    guest.rename("d", "e");
    fs::write(guest.at("one"), "another").unwrap();
    let kept = guest.keep();
    guest.restart(&kept);
    // Once more while they are asleep.
    guest.rename("uno", "eins");
    guest.rename("e", "f");
    assert_eq!((guest.identity(one), guest.identity(two)), (first, second));
    assert!(first.is_some() && first == guest.identity_at("eins") && second == guest.identity_at("f/two"));
}

#[test]
fn a_file_that_was_removed_or_replaced_is_dead_later() {
    let mut guest = Guest::new();
    let numbers = ["gone", "replaced", "overwritten"].map(|name| guest.open(name, CREATE));
    guest.remove("gone");
    guest.remove("replaced");
    fs::write(guest.at("replaced"), "another").unwrap();
    fs::write(guest.at("other"), "another").unwrap();
    guest.rename("other", "overwritten");
    assert!(numbers.iter().all(|number| guest.identity(*number).is_some()), "they live on in their instance");
    let kept = guest.keep();
    assert!(kept.iter().all(|kept| kept.dead));
    guest.restart(&kept);
    assert_eq!(numbers.map(|number| guest.identity(number)), [None; 3]);
    let kept = guest.keep();
    assert!(kept.iter().all(|kept| kept.dead), "and stay dead");
    guest.restart(&kept);
    assert_eq!(guest.open("new", CREATE), numbers[2] + 1, "their numbers are not given away");
    assert_eq!(numbers.map(|number| guest.files.remove(number)), [Some(None); 3]);
    assert_eq!(guest.open("newer", CREATE), numbers[0]);
}

#[test]
fn a_sleeping_file_whose_path_is_taken_is_opened_before() {
    let mut guest = Guest::new();
    let (one, two) = (guest.open("one", CREATE), guest.open("two", CREATE));
    let (first, second) = (guest.identity(one), guest.identity(two));
    let kept = guest.keep();
    guest.restart(&kept);
    fs::write(guest.at("other"), "another").unwrap();
    guest.remove("one");
    fs::write(guest.at("one"), "another").unwrap();
    guest.rename("other", "two");
    assert_eq!((guest.identity(one), guest.identity(two)), (first, second));
    assert!(guest.keep().iter().all(|kept| kept.dead));
}

#[test]
fn a_duplicate_is_the_same_open_file_later_whichever_is_closed() {
    let mut guest = Guest::new();
    let first = guest.open("a", CREATE);
    let duplicate =
        |guest: &mut Guest, of: i32| to_end(guest.files.duplicate(&mut guest.wasi, of)).unwrap().cast_signed();
    let (second, third) = (duplicate(&mut guest, first), duplicate(&mut guest, first));
    let fd = |guest: &mut Guest, number: i32| to_end(guest.files.resolve(&mut guest.wasi, number));
    assert_eq!(fd(&mut guest, first), fd(&mut guest, third));
    assert_eq!(guest.files.live().len(), 1);
    let kept = guest.keep();
    guest.restart(&kept);
    let one = fd(&mut guest, third);
    assert!(one.is_some() && one == fd(&mut guest, first) && one == fd(&mut guest, second));
    // Only the last one closes it.
    assert_eq!((guest.files.remove(first), guest.files.remove(third)), (Some(None), Some(None)));
    assert_eq!(guest.files.remove(second), Some(one));
    // The one that the others sleep with goes.
    guest.restart(&kept);
    assert_eq!(guest.files.remove(first), Some(None));
    let kept = guest.keep();
    guest.restart(&kept);
    assert!(fd(&mut guest, third).is_some() && fd(&mut guest, third) == fd(&mut guest, second));
    assert_eq!(to_end(guest.files.duplicate(&mut guest.wasi, 99)), Err(errno::BADF));
}

#[test]
fn records_of_duplicates_that_make_no_sense_are_dead() {
    let mut guest = Guest::new();
    let number = guest.open("a", CREATE);
    let [kept] = <[Kept; 1]>::try_from(guest.keep()).unwrap();
    let like = |number: i32, twin_of: i32| Kept {
        number: number.cast_unsigned(),
        twin_of: Some(twin_of.cast_unsigned()),
        ..kept.clone()
    };
    guest.restart(&[
        like(number, number),
        like(number + 1, number + 2),
        like(number + 2, number + 1),
        like(number + 3, MOUNT),
    ]);
    for odd in number..number + 4 {
        assert_eq!(guest.identity(odd), None);
        assert_eq!(guest.files.remove(odd), Some(None));
    }
}

#[test]
fn records_without_the_newer_field_are_read() {
    let json =
        r#"{"number":5,"file":{"mount":3,"path":"a/./b","lookup":1,"flags":0,"rights":[2,2],"fd_flags":0},"offset":9}"#;
    let kept: Kept = serde_json::from_str(json).unwrap();
    assert!(!kept.dead);
    let files = Files::new(1, 10, &[kept]);
    assert!(files.is_open_at(&Place::new(3, "a/b")));
}

/// A guest's files with the directory `within` seen at `inner`; `None` if that is gone.
fn with_inner(outer: &Path, within: Option<&Path>, kept: &[Kept]) -> (WasiP1Ctx, Files) {
    let mount = |host: &Path, guest: &str| Mount { host: host.to_owned(), guest: guest.to_owned(), writable: false };
    let gone = outer.join("gone");
    let world = WasiConfig {
        mounts: vec![mount(outer, "/mnt")],
        inner: vec![mount(within.unwrap_or(&gone), "/mnt/inner")],
        program: "guest",
        env: Vec::new(),
        open_files: 10,
        quota: Quota::default(),
        max_frame: 9,
        clock: Arc::new(Clock::new()),
        edition: crate::sandbox::Edition::Ordinary,
        watch: None,
    };
    let (wasi, opened) = world.open().unwrap();
    (wasi, Files::new(1, 10, kept).with_inner(Inner::new(&world, FIRST_MOUNT, &opened)))
}

#[test]
fn a_file_in_a_mount_within_a_mount_is_the_same_one_later_or_none() {
    let [outer, granted, another] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    for dir in [&granted, &another] {
        fs::write(dir.path().join("f"), "0123").unwrap();
    }
    let read = How { lookup: 1, flags: 0, rights: (2, 2), fd_flags: 0 };
    let (mut wasi, mut files) = with_inner(outer.path(), Some(granted.path()), &[]);
    let number = to_end(files.add(&mut wasi, MOUNT, "inner/../inner/f", read)).unwrap().cast_signed();
    let write = How { rights: (0x42, 0x42), ..read };
    assert_eq!(to_end(files.add(&mut wasi, MOUNT, "inner/f", write)), Err(errno::PERM));
    let kept = to_end(files.keep(&mut wasi));
    let goes_on = |within: Option<&Path>| {
        let (mut wasi, mut files) = with_inner(outer.path(), within, &kept);
        to_end(files.resolve(&mut wasi, number)).is_some()
    };
    assert!(goes_on(Some(granted.path())));
    assert!(!goes_on(Some(another.path())), "another directory under another policy");
    assert!(!goes_on(None), "not mounted any more");
    fs::write(granted.path().join("new"), "another").unwrap();
    fs::rename(granted.path().join("new"), granted.path().join("f")).unwrap();
    assert!(!goes_on(Some(granted.path())), "replaced on the host");
}

#[test]
fn what_is_neither_file_nor_directory_is_not_opened() {
    let mut guest = Guest::new();
    let pipe = guest.at("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(to_end(guest.files.add(&mut guest.wasi, MOUNT, "pipe", how(0))), Err(errno::PERM));
}

#[test]
fn paths_are_made_plain() {
    for (path, expected) in
        [("./a//b/", "a/b"), ("a/../b", "b"), ("../a", "../a"), ("..", ".."), (".", ""), ("a/..", "")]
    {
        assert_eq!(plain(path), expected, "{path}");
    }
}
