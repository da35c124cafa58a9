//! Recording and putting back, by value.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;

mod sequences;

const ROOMY: Quota = Quota { bytes: 64 << 20, files: 10_000 };

/// Every path; for files also contents, mode and time of modification.
type Files = Vec<(String, Option<(Vec<u8>, u32, i128)>)>;

struct Place {
    top: TempDir,
}

impl Place {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("app")).unwrap();
        fs::create_dir(top.path().join("tmp")).unwrap();
        Self { top }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.top.path().join(path)
    }

    fn open(&self, quota: Quota) -> Result<Workspace, WorkspaceError> {
        Workspace::new(&[("app", self.at("app")), ("tmp", self.at("tmp"))], self.at("blobs"), quota)
    }

    fn tree(&self) -> Files {
        let mut tree = Vec::new();
        for root in ["app", "tmp"] {
            collect(&self.at(root), root, &mut tree);
        }
        tree.sort();
        tree
    }
}

/// Names with what is in files, their modes and times; `None` for directories.
fn collect(dir: &Path, name: &str, tree: &mut Files) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{name}/{}", path.file_name().unwrap().to_str().unwrap());
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            collect(&path, &name, tree);
            tree.push((name, None));
        } else {
            let mtime = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
            tree.push((name, Some((fs::read(&path).unwrap(), metadata.mode() & 0o777, mtime))));
        }
    }
}

#[test]
fn what_is_there_at_first_is_recorded_and_nothing_new_is_none() {
    let place = Place::new();
    fs::create_dir(place.at("app/empty")).unwrap();
    fs::write(place.at("app/a.txt"), "one").unwrap();
    let mut workspace = place.open(ROOMY).unwrap();
    let paths: Vec<_> = workspace.manifest().0.keys().cloned().collect();
    assert_eq!(paths, ["app/a.txt", "app/empty"]);
    assert!(workspace.record().unwrap().is_none());
    fs::write(place.at("tmp/b"), "two").unwrap();
    fs::remove_file(place.at("app/a.txt")).unwrap();
    let changes = workspace.record().unwrap().unwrap();
    assert_eq!(changes.gone, ["app/a.txt"]);
    assert_eq!(changes.set.keys().collect::<Vec<_>>(), ["tmp/b"]);
}

#[test]
fn a_second_write_within_a_tick_is_found() {
    let place = Place::new();
    let mut workspace = place.open(ROOMY).unwrap();
    for round in 0..200_u8 {
        fs::write(place.at("app/a"), [round; 10]).unwrap();
        assert!(workspace.record().unwrap().is_some(), "round {round}");
    }
}

#[test]
fn a_stamp_is_trusted_only_when_the_clock_has_moved_on() {
    let place = Place::new();
    fs::write(place.at("app/a"), "x").unwrap();
    let dir = cap_std::fs::Dir::open_ambient_dir(place.at("app"), cap_std::ambient_authority()).unwrap();
    let (_, mut stamp) = scan::open_file(&dir, "a").unwrap().unwrap();
    let at = |milliseconds: u64| {
        let change = Duration::new(stamp.ctime.0 as u64, 5) + Duration::from_millis(milliseconds);
        SystemTime::UNIX_EPOCH + change
    };
    let (before, soon, later, much_later) = (at(0) - Duration::from_secs(1), at(49), at(60), at(3000));
    stamp.ctime.1 = 5;
    assert_eq!([before, soon, later].map(|now| recorder::settled(stamp, now)), [false, false, true]);
    stamp.ctime.1 = 0;
    assert_eq!([later, much_later].map(|now| recorder::settled(stamp, now)), [false, true]);
}

#[test]
fn a_large_content_is_the_same_after_a_detour() {
    let place = Place::new();
    let large: Vec<u8> = (0..3_500_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(place.at("app/large"), &large).unwrap();
    let mut workspace = place.open(ROOMY).unwrap();
    let first = workspace.manifest().clone();
    fs::write(place.at("app/large"), "small").unwrap();
    workspace.record().unwrap();
    workspace.restore(&first).unwrap();
    assert!(fs::read(place.at("app/large")).unwrap() == large);
}

#[test]
fn a_restored_file_is_a_new_one_and_an_unchanged_one_is_left() {
    let place = Place::new();
    for name in ["app/changed", "app/same"] {
        fs::write(place.at(name), "before").unwrap();
    }
    let mut workspace = place.open(ROOMY).unwrap();
    let first = workspace.manifest().clone();
    fs::write(place.at("app/changed"), "after").unwrap();
    workspace.record().unwrap();
    let inode = |name: &str| place.at(name).metadata().unwrap().ino();
    let held = fs::File::open(place.at("app/changed")).unwrap();
    let before = inode("app/same");
    workspace.restore(&first).unwrap();
    assert_ne!(inode("app/changed"), held.metadata().unwrap().ino());
    assert_eq!(inode("app/same"), before);
    assert_eq!(fs::read_dir(place.at("app")).unwrap().count(), 2, "nothing temporary is left");
}

#[test]
fn a_bad_blob_is_found_before_anything_is_changed() {
    let place = Place::new();
    fs::write(place.at("app/a"), "first content").unwrap();
    fs::write(place.at("app/b"), "second content").unwrap();
    let mut workspace = place.open(ROOMY).unwrap();
    let first = workspace.manifest().clone();
    for name in ["app/a", "app/b"] {
        fs::write(place.at(name), format!("{name} changed")).unwrap();
    }
    fs::write(place.at("app/new"), "new").unwrap();
    workspace.record().unwrap();
    let tree = place.tree();
    let Entry::File { sha256, .. } = &first.0["app/b"] else { panic!("a file") };
    let blob = place.at("blobs").join(sha256);
    let good = fs::read(&blob).unwrap();
    let mut flipped = good.clone();
    flipped[3] ^= 1;
    for bad in [Some(&flipped[..]), Some(&good[..5]), None] {
        fs::remove_file(&blob).unwrap_or_default();
        if let Some(bad) = bad {
            fs::write(&blob, bad).unwrap();
        }
        let error = workspace.restore(&first).unwrap_err();
        assert!(matches!(&error, WorkspaceError::Blob { path, .. } if path == "app/b"), "{error}");
        assert_eq!(place.tree(), tree);
    }
    fs::write(&blob, good).unwrap();
    workspace.restore(&first).unwrap();
    assert_eq!(fs::read(place.at("app/b")).unwrap(), b"second content");
}

#[test]
fn over_the_quota_the_last_manifest_stays_valid() {
    let place = Place::new();
    fs::write(place.at("app/a"), "12345").unwrap();
    let mut workspace = place.open(Quota { bytes: 10, files: 3 }).unwrap();
    let first = workspace.manifest().clone();
    fs::write(place.at("app/b"), "123456").unwrap();
    let error = workspace.record().unwrap_err();
    assert!(matches!(error, WorkspaceError::Quota { key: "workspace_bytes", limit: 10, used: 11, .. }), "{error}");
    assert_eq!(workspace.manifest(), &first);
    fs::write(place.at("app/b"), "").unwrap();
    for name in ["app/c", "app/d"] {
        fs::create_dir(place.at(name)).unwrap();
    }
    let error = workspace.record().unwrap_err();
    assert!(matches!(error, WorkspaceError::Quota { key: "workspace_files", limit: 3, .. }), "{error}");
    workspace.restore(&first).unwrap();
    assert_eq!(place.tree().len(), 1);
    assert!(place.open(Quota { bytes: 4, files: 3 }).is_err());
}

#[test]
fn too_deep_is_an_error_and_can_be_undone() {
    let place = Place::new();
    let mut workspace = place.open(ROOMY).unwrap();
    let first = workspace.manifest().clone();
    let deep = (0..200).fold(place.at("app"), |path, _| path.join("d"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file"), "far down").unwrap();
    assert!(matches!(workspace.record(), Err(WorkspaceError::Depth { .. })));
    workspace.restore(&first).unwrap();
    assert_eq!(place.tree(), []);
}

#[test]
fn links_are_neither_followed_nor_recorded_nor_removed() {
    let place = Place::new();
    fs::create_dir_all(place.at("outside/sub")).unwrap();
    fs::write(place.at("outside/secret"), "secret").unwrap();
    let mut workspace = place.open(ROOMY).unwrap();
    let first = workspace.manifest().clone();
    fs::create_dir(place.at("app/dir")).unwrap();
    fs::write(place.at("app/dir/file"), "x").unwrap();
    symlink(place.at("outside/secret"), place.at("app/dir/link")).unwrap();
    symlink(place.at("outside"), place.at("app/linked")).unwrap();
    let changes = workspace.record().unwrap().unwrap();
    assert_eq!(changes.set.keys().collect::<Vec<_>>(), ["app/dir", "app/dir/file"]);
    let second = workspace.manifest().clone();
    workspace.restore(&first).unwrap();
    assert!(!place.at("app/dir/file").exists());
    assert!(place.at("app/dir/link").is_symlink() && place.at("app/linked").is_symlink());
    // A directory that became a link: what is behind it is not touched.
    fs::remove_file(place.at("app/dir/link")).unwrap();
    fs::remove_dir(place.at("app/dir")).unwrap();
    symlink(place.at("outside"), place.at("app/dir")).unwrap();
    workspace.restore(&second).unwrap();
    assert!(!place.at("app/dir").is_symlink());
    assert_eq!(fs::read(place.at("app/dir/file")).unwrap(), b"x");
    assert!(!place.at("outside/file").exists() && place.at("outside/secret").exists());
}

#[test]
fn what_cannot_be_taken_away_is_found_before_anything_is_changed() {
    let place = Place::new();
    fs::write(place.at("app/x"), "a file").unwrap();
    fs::write(place.at("app/y"), "another").unwrap();
    let mut workspace = place.open(ROOMY).unwrap();
    let first = workspace.manifest().clone();
    fs::remove_file(place.at("app/x")).unwrap();
    fs::write(place.at("app/y"), "changed").unwrap();
    fs::create_dir(place.at("app/x")).unwrap();
    symlink("nowhere", place.at("app/x/link")).unwrap();
    assert!(matches!(workspace.restore(&first), Err(WorkspaceError::Occupied { path }) if path == "app/x"));
    assert_eq!(fs::read(place.at("app/y")).unwrap(), b"changed");
}

#[test]
fn names_that_are_not_utf8_are_left_alone() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let odd = place.at("app").join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::write(&odd, "x").unwrap();
    let mut workspace = place.open(ROOMY).unwrap();
    assert!(workspace.manifest().0.is_empty());
    workspace.restore(&Manifest::default()).unwrap();
    assert!(odd.exists());
}

#[test]
fn lists_of_files_that_no_workspace_had_are_refused() {
    let place = Place::new();
    let mut workspace = place.open(Quota { bytes: 100, files: 100 }).unwrap();
    let file = |size| Entry::File { sha256: "0".repeat(64), size, mode: 0o644, mtime_ns: 0 };
    let deep = format!("app{}", "/d".repeat(65));
    for path in ["app", "app/", "other/x", "/app/x", "app/../x", "app/./x", "app//x", "app/a\0b", "app/no/x", &deep, ""]
    {
        let error = workspace.restore(&Manifest([(path.to_owned(), file(1))].into())).unwrap_err();
        assert!(matches!(error, WorkspaceError::Manifest { .. }), "{path}: {error}");
    }
    let mut bad = Manifest([("app/x".to_owned(), file(101))].into());
    assert!(matches!(workspace.restore(&bad), Err(WorkspaceError::Quota { .. })));
    bad.0.insert("app/y".to_owned(), file(u64::MAX));
    assert!(matches!(workspace.restore(&bad), Err(WorkspaceError::Quota { .. })));
    for sha256 in ["../../etc/passwd", "", &"F".repeat(64)] {
        let entry = Entry::File { sha256: sha256.to_owned(), size: 1, mode: 0o644, mtime_ns: 0 };
        let error = workspace.restore(&Manifest([("app/x".to_owned(), entry)].into())).unwrap_err();
        assert!(matches!(error, WorkspaceError::Manifest { .. }), "{error}");
    }
}

#[test]
fn what_a_crash_left_behind_is_cleaned_up() {
    let place = Place::new();
    let left = place.at("app/.cellblock-restore-0123456789abcdef0123456789abcdef");
    fs::create_dir_all(left.join("1/2")).unwrap();
    fs::write(left.join("1/2/file"), "x").unwrap();
    let workspace = place.open(ROOMY).unwrap();
    assert!(workspace.manifest().0.is_empty() && !left.exists());
}

#[test]
fn another_workspace_takes_over_from_the_same_blobs() {
    let place = Place::new();
    fs::write(place.at("app/a"), "content").unwrap();
    let first = place.open(ROOMY).unwrap().manifest().clone();
    fs::remove_file(place.at("app/a")).unwrap();
    let mut again = place.open(ROOMY).unwrap();
    let json = serde_json::to_string(&first).unwrap();
    again.restore(&serde_json::from_str(&json).unwrap()).unwrap();
    assert_eq!(fs::read(place.at("app/a")).unwrap(), b"content");
    assert!(again.record().unwrap().is_none());
}

#[test]
fn contents_that_nobody_needs_are_removed() {
    let place = Place::new();
    fs::write(place.at("app/a"), "kept").unwrap();
    let mut workspace = place.open(ROOMY).unwrap();
    let first = workspace.manifest().clone();
    fs::write(place.at("app/a"), "dropped!").unwrap();
    workspace.record().unwrap();
    workspace.blobs().sync(workspace.manifest().hashes().iter().map(String::as_str)).unwrap();
    assert_eq!(workspace.blobs().retain(&first.hashes()).unwrap(), 8);
    workspace.restore(&first).unwrap();
    assert_eq!(fs::read(place.at("app/a")).unwrap(), b"kept");
}
