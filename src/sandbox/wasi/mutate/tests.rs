//! The functions as a guest calls them, without a guest: a memory, and a directory behind `/app`.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use wasmtime::{Config, Engine, Func, Linker, Memory, MemoryType, Store, Val};

use super::super::directory::Listings;
use crate::sandbox::block::to_end;
use crate::sandbox::control::Control;
use crate::sandbox::determinism::{Determinism, EPOCH};
use crate::sandbox::engine::Edition;
use crate::sandbox::frame::Frame;
use crate::sandbox::guest_host::{GuestHost, HostCall};
use crate::sandbox::host::{Exports, Host};
use crate::sandbox::interrupt_flag::{Signal, Word};
use crate::sandbox::memory::mapping::{Mapping, WASM_PAGE};
use crate::sandbox::quota::Meter;
use crate::sandbox::wasi::errno;
use crate::sandbox::wasi::errno::Errno;
use crate::sandbox::wasi::fd_table::{FIRST_MOUNT, Files};
use crate::sandbox::wasi_config::{Clock, Mount, Quota, WasiConfig};
use crate::sandbox::watch::{Act, Denied, Moved, Spot, Watch, Written};
use crate::sandbox::{prices, wasi};

const APP: i32 = FIRST_MOUNT.cast_signed();
const READ: i64 = 1 << 1;
const WRITE: i64 = 1 << 6;
const CREATE: i32 = 1;
const TRUNCATE: i32 = 8;
const APPEND: i32 = 1;

struct Nobody;

impl GuestHost for Nobody {
    fn call(&self, _: Frame) -> HostCall<'_, Frame> {
        Box::pin(async { Frame::default() })
    }

    fn text<'a>(&'a self, _: bool, _: &'a [u8]) -> HostCall<'a, ()> {
        Box::pin(async {})
    }

    fn tick(&self, _: Instant) -> Option<Instant> {
        None
    }
}

pub(in crate::sandbox) struct Rig {
    pub(in crate::sandbox) dir: tempfile::TempDir,
    pub(in crate::sandbox) store: Store<Host>,
    pub(in crate::sandbox) linker: Linker<Host>,
    pub(in crate::sandbox) memory: Memory,
}

impl Rig {
    pub(in crate::sandbox) fn new(quota: Quota) -> Self {
        Self::below("", quota)
    }

    /// One whose `/app` is not the directory itself but one that is made in it.
    pub(in crate::sandbox) fn below(app: &str, quota: Quota) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(app)).unwrap();
        let mount = Mount { host: dir.path().join(app), guest: "/app".to_owned(), writable: true };
        let world = WasiConfig {
            mounts: vec![mount],
            inner: Vec::new(),
            program: "guest",
            env: Vec::new(),
            open_files: 100,
            quota,
            max_frame: 1000,
            clock: Arc::new(Clock::new()),
            edition: Edition::Ordinary,
            watch: None,
        };
        let mapping = Arc::new(Mapping::new(WASM_PAGE, WASM_PAGE).unwrap());
        let host = Host {
            wasi: world.open().unwrap().0,
            outside: Arc::new(Nobody),
            control: Arc::new(Control::new(Signal::new(mapping, Arc::new([Word { offset: 0, bits: 1 }])))),
            exports: None,
            meter: Meter::new(&world, FIRST_MOUNT),
            files: Files::new(1, world.open_files, &[]),
            max_frame: world.max_frame,
            clock: world.clock.clone(),
            fixed: None,
            writable: vec![true],
            listings: Listings::default(),
            environment: world.environment(),
            owed: 0,
            watch: None,
            watched: world.watched(),
        };
        let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker).unwrap();
        let mut store = Store::new(&engine, host);
        store.set_fuel(u64::MAX / 4).unwrap();
        let memory = to_end(Memory::new_async(&mut store, MemoryType::new(64, None))).unwrap();
        let host_alloc = Func::wrap(&mut store, |_: u32| 0_u32).typed(&store).unwrap();
        store.data_mut().exports = Some(Exports { memory, host_alloc });
        Self { dir, store, linker, memory }
    }

    pub(in crate::sandbox) fn call(&mut self, name: &str, arguments: &[Val]) -> i32 {
        let function = self.linker.get(&mut self.store, "wasi_snapshot_preview1", name).unwrap().into_func().unwrap();
        let mut results = [Val::I32(0)];
        to_end(function.call_async(&mut self.store, arguments, &mut results)).unwrap();
        results[0].unwrap_i32()
    }

    /// Fuel that was used so far.
    pub(in crate::sandbox) fn fuel(&self) -> u64 {
        u64::MAX / 4 - self.store.get_fuel().unwrap() + self.store.data().owed
    }

    /// Puts a path into the guest's memory.
    pub(in crate::sandbox) fn path(&mut self, at: usize, path: &str) -> [Val; 2] {
        self.memory.write(&mut self.store, at, path.as_bytes()).unwrap();
        [Val::I32(at as i32), Val::I32(path.len() as i32)]
    }

    pub(in crate::sandbox) fn open(
        &mut self,
        path: &str,
        flags: i32,
        rights: i64,
        fd_flags: i32,
    ) -> Result<i32, Errno> {
        let [pointer, length] = self.path(1024, path);
        let how = [Val::I32(flags), Val::I64(rights), Val::I64(rights), Val::I32(fd_flags), Val::I32(0)];
        let arguments = [&[Val::I32(APP), Val::I32(1), pointer, length], &how[..]].concat();
        match self.call("path_open", &arguments) {
            errno::SUCCESS => {
                let mut number = [0; 4];
                self.memory.read(&self.store, 0, &mut number).unwrap();
                Ok(i32::from_le_bytes(number))
            }
            errno => Err(Errno::from_answer(errno).unwrap()),
        }
    }

    /// Writes this many bytes: the first vector is empty, the second has them.
    pub(in crate::sandbox) fn write(&mut self, number: i32, length: u32, offset: Option<i64>) -> i32 {
        let vectors = [0, 0, 2048, length].map(u32::to_le_bytes).concat();
        self.memory.write(&mut self.store, 512, &vectors).unwrap();
        let mut arguments = vec![Val::I32(number), Val::I32(512), Val::I32(2)];
        arguments.extend(offset.map(Val::I64));
        arguments.push(Val::I32(0));
        self.call(if offset.is_some() { "fd_pwrite" } else { "fd_write" }, &arguments)
    }

    pub(in crate::sandbox) fn on_path(&mut self, function: &str, path: &str) -> i32 {
        let [pointer, length] = self.path(1024, path);
        self.call(function, &[Val::I32(APP), pointer, length])
    }

    pub(in crate::sandbox) fn rename(&mut self, from: &str, to: &str) -> i32 {
        let ([from, from_length], [to, to_length]) = (self.path(1024, from), self.path(4096, to));
        self.call("path_rename", &[Val::I32(APP), from, from_length, Val::I32(APP), to, to_length])
    }

    pub(in crate::sandbox) fn set_size(&mut self, number: i32, size: i64) -> i32 {
        self.call("fd_filestat_set_size", &[Val::I32(number), Val::I64(size)])
    }

    pub(in crate::sandbox) fn close(&mut self, number: i32) -> i32 {
        self.call("fd_close", &[Val::I32(number)])
    }

    fn changes(&self) -> u64 {
        self.store.data().control.file_changes()
    }

    fn size(&self, path: &str) -> u64 {
        self.dir.path().join(path).metadata().unwrap().len()
    }
}

#[test]
fn what_the_file_system_keeps_account_of_costs_more_than_a_call() {
    let mut rig = Rig::new(Quota::default());
    fs::create_dir(rig.dir.path().join("dir")).unwrap();
    let number = rig.open("file", CREATE, READ | WRITE, 0).unwrap();
    let mut cost = |act: &mut dyn FnMut(&mut Rig) -> i32| {
        let before = rig.fuel();
        assert_eq!(act(&mut rig), errno::SUCCESS);
        rig.fuel() - before
    };
    assert!(cost(&mut |rig| rig.write(number, 1, None)) >= prices::WRITE);
    assert!(cost(&mut |rig| rig.write(number, 1, Some(0))) >= prices::WRITE);
    assert!(cost(&mut |rig| rig.write(1, 1, None)) < prices::FILE, "text is not written to a file");
    let times = [Val::I32(number), Val::I64(1), Val::I64(1), Val::I32(0b101)];
    assert!(cost(&mut |rig| rig.call("fd_filestat_set_times", &times)) >= prices::WRITE);
    let of_a_file = cost(&mut |rig| rig.rename("file", "moved"));
    let of_a_directory = cost(&mut |rig| rig.rename("dir", "other"));
    assert!(of_a_directory >= of_a_file + prices::MADE, "{of_a_file} {of_a_directory}");
}

#[test]
fn what_may_change_a_file_is_counted_and_reading_is_not() {
    let mut rig = Rig::new(Quota::default());
    fs::write(rig.dir.path().join("there"), "content").unwrap();
    let number = rig.open("there", 0, READ, 0).unwrap();
    assert_eq!(rig.write(1, 5, None), errno::SUCCESS);
    assert_ne!(rig.write(number, 5, None), errno::SUCCESS);
    assert!(rig.open("missing", 0, READ, 0).is_err() && rig.open("no/dir", CREATE, WRITE, 0).is_err());
    assert_eq!(rig.close(number), errno::SUCCESS);
    assert_eq!(rig.changes(), 0);
    let mut seen = 0;
    let mut counted = |rig: &Rig, what: &str| {
        assert!(rig.changes() > seen, "{what}");
        seen = rig.changes();
    };
    rig.open("new", CREATE, READ, 0).unwrap();
    counted(&rig, "create");
    rig.open("there", TRUNCATE, READ | WRITE, 0).unwrap();
    counted(&rig, "truncate");
    let number = rig.open("there", 0, WRITE, 0).unwrap();
    counted(&rig, "open for writing");
    assert_eq!(rig.write(number, 5, None), errno::SUCCESS);
    counted(&rig, "write");
    assert_eq!(rig.write(number, 5, Some(3)), errno::SUCCESS);
    counted(&rig, "pwrite");
    assert_eq!(rig.set_size(number, 2), errno::SUCCESS);
    counted(&rig, "set_size");
    let times = [Val::I64(1), Val::I64(1), Val::I32(0b101)];
    assert_eq!(rig.call("fd_filestat_set_times", &[&[Val::I32(number)], &times[..]].concat()), errno::SUCCESS);
    counted(&rig, "times");
    let [path, length] = rig.path(1024, "there");
    let place = [Val::I32(APP), Val::I32(0), path, length];
    assert_eq!(rig.call("path_filestat_set_times", &[&place[..], &times[..]].concat()), errno::SUCCESS);
    counted(&rig, "times by path");
    assert_eq!(rig.on_path("path_create_directory", "dir"), errno::SUCCESS);
    counted(&rig, "mkdir");
    assert_eq!(rig.rename("there", "dir/here"), errno::SUCCESS);
    counted(&rig, "rename");
    assert_eq!(rig.on_path("path_unlink_file", "dir/here"), errno::SUCCESS);
    counted(&rig, "unlink");
    assert_eq!(rig.on_path("path_remove_directory", "dir"), errno::SUCCESS);
    counted(&rig, "rmdir");
}

#[test]
fn a_write_past_the_quota_is_refused_as_a_whole_and_room_is_found_again() {
    let mut rig = Rig::new(Quota { bytes: 100, files: 10 });
    fs::write(rig.dir.path().join("before"), [0; 40]).unwrap();
    let number = rig.open("a", CREATE, READ | WRITE, 0).unwrap();
    assert_eq!(rig.write(number, 60, None), errno::SUCCESS);
    assert_eq!(rig.write(number, 1, None), errno::DQUOT);
    assert_eq!(rig.write(number, 60, Some(0)), errno::SUCCESS, "over what is there");
    assert_eq!(rig.write(number, 2, Some(59)), errno::DQUOT);
    assert_eq!(rig.size("a"), 60);
    assert_eq!(rig.set_size(number, 50), errno::SUCCESS);
    assert_eq!(rig.write(number, 10, Some(50)), errno::SUCCESS);
    assert_eq!(rig.on_path("path_unlink_file", "before"), errno::SUCCESS);
    assert_eq!(rig.write(number, 40, Some(60)), errno::SUCCESS);
    assert_eq!(rig.write(number, 1, Some(100)), errno::DQUOT);
    rig.open("a", TRUNCATE, WRITE, 0).unwrap();
    assert_eq!(rig.write(number, 100, Some(0)), errno::SUCCESS);
}

#[test]
fn holes_count_by_length() {
    let mut rig = Rig::new(Quota { bytes: 100, files: 10 });
    let number = rig.open("a", CREATE, READ | WRITE, 0).unwrap();
    assert_eq!(rig.write(number, 1, Some(1 << 40)), errno::DQUOT);
    assert_eq!(rig.write(number, 1, Some(-1)), errno::DQUOT);
    assert_eq!(rig.set_size(number, 101), errno::DQUOT);
    assert_eq!(rig.set_size(number, -1), errno::DQUOT);
    let seek = [Val::I32(number), Val::I64(100), Val::I32(0), Val::I32(0)];
    assert_eq!(rig.call("fd_seek", &seek), errno::SUCCESS);
    assert_eq!(rig.write(number, 1, None), errno::DQUOT);
    assert_eq!(rig.size("a"), 0);
    assert_eq!(rig.set_size(number, 100), errno::SUCCESS);
}

#[test]
fn appending_counts_from_the_end() {
    let mut rig = Rig::new(Quota { bytes: 100, files: 10 });
    let number = rig.open("a", CREATE, READ | WRITE, APPEND).unwrap();
    assert_eq!(rig.write(number, 80, None), errno::SUCCESS);
    assert_eq!(rig.write(number, 80, Some(0)), errno::DQUOT);
    let flags = [Val::I32(number), Val::I32(0)];
    assert_eq!(rig.call("fd_fdstat_set_flags", &flags), errno::SUCCESS);
    assert_eq!(rig.write(number, 80, Some(0)), errno::SUCCESS);
    assert_eq!(rig.size("a"), 80);
}

#[test]
fn too_many_files_are_refused_and_those_there_can_be_opened() {
    let mut rig = Rig::new(Quota { bytes: 100, files: 3 });
    fs::create_dir(rig.dir.path().join("dir")).unwrap();
    rig.open("dir/a", CREATE, WRITE, 0).unwrap();
    assert_eq!(rig.on_path("path_create_directory", "dir/b"), errno::SUCCESS);
    assert_eq!(rig.open("c", CREATE, WRITE, 0), Err(errno::NOSPC));
    assert_eq!(rig.on_path("path_create_directory", "c"), errno::NOSPC);
    assert!(rig.open("dir/a", CREATE | TRUNCATE, WRITE, 0).is_ok());
    assert_eq!(rig.on_path("path_create_directory", "dir"), 20, "it exists, whatever the quota");
    assert_eq!(rig.on_path("path_remove_directory", "dir/b"), errno::SUCCESS);
    assert!(rig.open("c", CREATE, WRITE, 0).is_ok());
    assert_eq!(rig.rename("c", "dir/a"), errno::SUCCESS);
    assert!(rig.open("d", CREATE, WRITE, 0).is_ok(), "the one that was replaced is gone");
}

#[test]
fn files_without_a_name_count_as_long_as_they_are_open() {
    let mut rig = Rig::new(Quota { bytes: 100, files: 10 });
    let number = rig.open("a", CREATE, READ | WRITE, 0).unwrap();
    assert_eq!(rig.on_path("path_unlink_file", "a"), errno::SUCCESS);
    assert_eq!(rig.write(number, 90, None), errno::SUCCESS);
    let other = rig.open("b", CREATE, WRITE, 0).unwrap();
    assert_eq!(rig.write(other, 20, None), errno::DQUOT);
    assert_eq!(rig.close(number), errno::SUCCESS);
    assert_eq!(rig.write(other, 20, None), errno::SUCCESS);
}

#[test]
fn directories_cannot_be_nested_without_end() {
    let mut rig = Rig::new(Quota::default());
    let deep = |levels: usize, name: &str| vec![name; levels].join("/");
    for level in 1..=63 {
        assert_eq!(rig.on_path("path_create_directory", &deep(level, "d")), errno::SUCCESS);
    }
    assert_eq!(rig.on_path("path_create_directory", &deep(64, "d")), errno::NAMETOOLONG);
    assert_eq!(rig.on_path("path_create_directory", "e"), errno::SUCCESS);
    assert_eq!(rig.rename("d", "e/d"), errno::NAMETOOLONG);
    assert_eq!(rig.rename(&deep(63, "d"), "e/d"), errno::SUCCESS);
    assert_eq!(rig.rename("d", "e/f"), errno::SUCCESS);
}

#[test]
fn renaming_takes_open_files_along() {
    let mut rig = Rig::new(Quota::default());
    assert_eq!(rig.on_path("path_create_directory", "dir"), errno::SUCCESS);
    rig.open("dir/a", CREATE, WRITE, 0).unwrap();
    assert_eq!(rig.rename("./dir", "renamed"), errno::SUCCESS);
    let host = rig.store.data_mut();
    let kept = to_end(host.files.keep(&mut host.wasi));
    let json = serde_json::to_value(kept).unwrap();
    assert_eq!((&json[0]["file"]["path"], json[0].get("dead")), (&"renamed/a".into(), None));
}

#[test]
fn names_are_sorted_and_a_deterministic_guest_sees_nothing_of_the_host_in_them() {
    const NAMES: [&str; 5] = [".", "..", "B", "a", "b"];
    let listed = |fixed: bool, order: [&str; 3]| {
        let mut rig = Rig::new(Quota::default());
        rig.store.data_mut().fixed = fixed.then(Determinism::session);
        for name in order {
            fs::write(rig.dir.path().join(name), "").unwrap();
        }
        // By pieces, as a guest with a small buffer does it.
        let (mut names, mut inodes) = (Vec::new(), Vec::new());
        for cookie in 0.. {
            let arguments = [Val::I32(APP), Val::I32(2048), Val::I32(26), Val::I64(cookie), Val::I32(0)];
            assert_eq!(rig.call("fd_readdir", &arguments), errno::SUCCESS);
            let (mut used, mut entry) = ([0; 4], [0; 26]);
            rig.memory.read(&rig.store, 0, &mut used).unwrap();
            if u32::from_le_bytes(used) == 0 {
                break;
            }
            rig.memory.read(&rig.store, 2048, &mut entry).unwrap();
            let word = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap());
            assert_eq!(word(0), u64::try_from(cookie).unwrap() + 1);
            let length = u32::from_le_bytes(entry[16..20].try_into().unwrap()) as usize;
            names.push(String::from_utf8(entry[24..24 + length].to_vec()).unwrap());
            inodes.push(word(8));
        }
        assert_eq!(names, NAMES);
        inodes
    };
    assert_eq!(listed(true, ["b", "B", "a"]), listed(true, ["a", "b", "B"]));
    assert_ne!(listed(false, ["b", "B", "a"]), listed(false, ["a", "b", "B"]));
}

#[test]
fn a_deterministic_guest_has_its_own_times_of_files_and_directories() {
    let mut rig = Rig::new(Quota::default());
    rig.store.data_mut().fixed = Some(Determinism::session());
    fs::write(rig.dir.path().join("of-the-host"), "").unwrap();
    let stat = |rig: &mut Rig, path: &str| {
        let [pointer, length] = rig.path(1024, path);
        let arguments = [Val::I32(APP), Val::I32(0), pointer, length, Val::I32(2048)];
        assert_eq!(rig.call("path_filestat_get", &arguments), errno::SUCCESS);
        let mut stat = [0; 64];
        rig.memory.read(&rig.store, 2048, &mut stat).unwrap();
        let word = |at: usize| u64::from_le_bytes(stat[at..at + 8].try_into().unwrap());
        assert!(word(40) == word(48) && word(48) == word(56), "one time for all");
        word(48)
    };
    let (file, before) = (stat(&mut rig, "of-the-host"), stat(&mut rig, "."));
    assert!(file < EPOCH && before == EPOCH);
    let fixed = rig.store.data_mut().fixed.as_mut().unwrap();
    fixed.sleep(5_000_000_000);
    let number = rig.open("new", CREATE, READ | WRITE, 0).unwrap();
    let made = stat(&mut rig, "new");
    assert!(made >= EPOCH + 5_000_000_000 && stat(&mut rig, ".") == made);
    rig.store.data_mut().fixed.as_mut().unwrap().sleep(7);
    assert_eq!(rig.write(number, 5, None), errno::SUCCESS);
    assert!(stat(&mut rig, "new") >= made + 7 && stat(&mut rig, ".") == made);
    assert_eq!(stat(&mut rig, "of-the-host"), file);
}

/// Writes down what is announced, and refuses what it is told to.
#[derive(Debug, Default)]
struct Listener {
    heard: parking_lot::Mutex<Vec<String>>,
    denies: parking_lot::Mutex<Option<Denied>>,
    /// What it says that it has put away.
    bytes: u64,
}

impl Listener {
    fn hear(&self, what: String) -> Result<(), Denied> {
        self.heard.lock().push(what);
        self.denies.lock().map_or(Ok(()), Err)
    }
}

impl Watch for Listener {
    fn before<'a>(&'a self, spot: Spot<'a>, act: Act) -> Option<HostCall<'a, Result<u64, Denied>>> {
        Some(Box::pin(async move { self.hear(format!("{act:?} {}/{}", spot.mount, spot.path)).map(|()| self.bytes) }))
    }

    fn before_move<'a>(&'a self, from: Spot<'a>, to: Spot<'a>) -> HostCall<'a, Result<Moved, Denied>> {
        Box::pin(async move {
            self.hear(format!("move {} {}", from.path, to.path)).map(|()| Moved { bytes: self.bytes, paths: 1 })
        })
    }

    fn after(&self, spot: Spot<'_>, written: Option<Written>) {
        let size = written.map(|written| format!(" of {}", written.size)).unwrap_or_default();
        self.heard.lock().push(format!("after {}{size}", spot.path));
    }

    fn after_move(&self, from: Spot<'_>, to: Spot<'_>) {
        self.heard.lock().push(format!("moved {} {}", from.path, to.path));
    }
}

type Call = (&'static str, fn(&mut Rig) -> i32, &'static [&'static str]);

/// Every call that may change a file, and what is told of it.
const CALLS: [Call; 10] = [
    (
        "create",
        |rig| rig.open("new", CREATE, READ, 0).map_or_else(Errno::answer, |_| 0),
        &["Make /app/new", "after new"],
    ),
    (
        "cut",
        |rig| rig.open("there", TRUNCATE, READ | WRITE, 0).map_or_else(Errno::answer, |_| 0),
        &["Change /app/there", "after there"],
    ),
    ("write", |rig| rig.with_file(|rig, number| rig.write(number, 5, None)), &["Change /app/file", "after file of 9"]),
    (
        "pwrite",
        |rig| rig.with_file(|rig, number| rig.write(number, 5, Some(7))),
        &["Change /app/file", "after file of 12"],
    ),
    ("set_size", |rig| rig.with_file(|rig, number| rig.set_size(number, 2)), &["Change /app/file", "after file of 2"]),
    (
        "times",
        |rig| {
            rig.with_file(|rig, number| {
                rig.call("fd_filestat_set_times", &[Val::I32(number), Val::I64(1), Val::I64(1), Val::I32(0b101)])
            })
        },
        &["Change /app/file", "after file of 9"],
    ),
    (
        "times by path",
        |rig| {
            let [path, length] = rig.path(1024, "file");
            let times = [Val::I64(1), Val::I64(1), Val::I32(0b101)];
            rig.call("path_filestat_set_times", &[&[Val::I32(APP), Val::I32(0), path, length], &times[..]].concat())
        },
        &["Change /app/file", "after file"],
    ),
    ("mkdir", |rig| rig.on_path("path_create_directory", "dir/./sub"), &["Make /app/dir/sub", "after dir/sub"]),
    ("rename", |rig| rig.rename("file", "dir/here"), &["move file dir/here", "moved file dir/here"]),
    ("unlink", |rig| rig.on_path("path_unlink_file", "file"), &["Change /app/file", "after file"]),
];

impl Rig {
    fn with_file(&mut self, act: impl FnOnce(&mut Self, i32) -> i32) -> i32 {
        let number = self.open("file", 0, READ | WRITE, 0).unwrap();
        act(self, number)
    }

    fn listened_to(&mut self) -> Arc<Listener> {
        self.listened_to_by(Listener::default())
    }

    fn listened_to_by(&mut self, listener: Listener) -> Arc<Listener> {
        let listener = Arc::new(listener);
        self.store.data_mut().watch = Some(listener.clone());
        listener
    }
}

#[test]
fn whoever_keeps_files_is_told_before_and_after_each_change_and_can_refuse_it() {
    for (name, call, expected) in CALLS {
        let rig = || {
            let rig = Rig::new(Quota::default());
            for file in ["there", "file"] {
                fs::write(rig.dir.path().join(file), "123456789").unwrap();
            }
            fs::create_dir(rig.dir.path().join("dir")).unwrap();
            rig
        };
        let mut told = rig();
        let listener = told.listened_to();
        assert_eq!(call(&mut told), errno::SUCCESS, "{name}");
        assert_eq!(*listener.heard.lock(), expected, "{name}");
        let (mut plain, mut dearer) = (rig(), rig());
        plain.listened_to();
        dearer.listened_to_by(Listener { bytes: 1 << 20, ..Listener::default() });
        let cost = |rig: &mut Rig| {
            let before = rig.fuel();
            call(rig);
            rig.fuel() - before
        };
        let more = cost(&mut dearer).saturating_sub(cost(&mut plain));
        assert!(more >= prices::PUT_BYTE << 20, "{name}: what is put away costs {more}");
        for (denied, errno) in [
            (Denied::Names, errno::NOSPC),
            (Denied::Unreadable, errno::ACCES),
            (Denied::Full, errno::NOSPC),
            (Denied::Failed, errno::IO),
        ] {
            let mut refused = rig();
            let listener = refused.listened_to();
            *listener.denies.lock() = Some(denied);
            let before = names_and_sizes(&refused);
            assert_eq!(call(&mut refused), errno, "{name}, {denied:?}");
            assert_eq!(names_and_sizes(&refused), before, "{name}: it was done all the same");
        }
    }
    let mut quiet = Rig::new(Quota::default());
    fs::write(quiet.dir.path().join("file"), "x").unwrap();
    let listener = quiet.listened_to();
    quiet.with_file(|_, _| 0);
    quiet.write(1, 3, None);
    assert!(listener.heard.lock().is_empty(), "opening for writing changes nothing yet");
}

fn names_and_sizes(rig: &Rig) -> Vec<(String, u64)> {
    let entries = fs::read_dir(rig.dir.path()).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len())).collect();
    all.sort();
    all
}
