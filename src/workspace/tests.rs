//! Recording and putting back, by value.

use std::fs;
use std::future::Future;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;

mod limits;
mod persons;
mod recover;
mod sequences;

const ROOMY: Quota = Quota { bytes: 64 << 20, files: 10_000 };
/// The state of a session that has not done anything.
const NEW: ListingOrigin = ListingOrigin { place: "", generation: u64::MAX };

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

    fn open(&self) -> Workspace {
        self.open_with(ROOMY)
    }

    fn open_with(&self, quota: Quota) -> Workspace {
        let roots = [("app", self.at("app")), ("tmp", self.at("tmp"))];
        Workspace::new(&Places { roots: &roots, blobs: self.at("blobs"), held: self.at("held") }, quota).unwrap()
    }

    /// The guest does something at a path.
    fn guest(&self, workspace: &Workspace, path: &str, act: impl FnOnce(&Path)) {
        self.try_guest(workspace, path, act).unwrap();
    }

    fn try_guest(&self, workspace: &Workspace, path: &str, act: impl FnOnce(&Path)) -> Result<(), Refused> {
        let (root, below) = path.split_once('/').unwrap();
        let tracker = workspace.tracker();
        if let Some(wait) = tracker.before(root, below, true, false) {
            block_on(wait)?;
        }
        act(&self.at(path));
        tracker.after(root, below, true, None);
        Ok(())
    }

    fn guest_writes(&self, workspace: &Workspace, path: &str, bytes: impl AsRef<[u8]>) {
        self.guest(workspace, path, |at| fs::write(at, bytes).unwrap());
    }

    fn guest_renames(&self, workspace: &Workspace, from: &str, to: &str) {
        let (from_parts, to_parts) = (from.split_once('/').unwrap(), to.split_once('/').unwrap());
        block_on(workspace.tracker().before_move(from_parts, to_parts)).unwrap();
        let _ = fs::rename(self.at(from), self.at(to));
        workspace.tracker().after_move(from_parts, to_parts);
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

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// What a record says has changed.
fn recorded(workspace: &mut Workspace) -> Option<Changes> {
    workspace.record().map(|capture| capture.wait().1)
}

fn text(at: &Path) -> String {
    fs::read_to_string(at).unwrap_or_else(|error| format!("({:?})", error.kind()))
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
fn what_has_to_be_put_away_is_said_once_in_bytes() {
    let place = Place::new();
    fs::create_dir(place.at("app/dir")).unwrap();
    // The larger is put away on another thread.
    fs::write(place.at("app/small"), vec![1; 3_000]).unwrap();
    fs::write(place.at("app/dir/large"), vec![2; 9 << 20]).unwrap();
    let workspace = place.open();
    let before = |path| tracker_before(&workspace, path);
    assert_eq!((before("small"), before("small"), before("new")), (3_000, 0, 0));
    let (bytes, _) = block_on(workspace.tracker().before_move(("app", "dir"), ("app", "moved"))).unwrap();
    assert_eq!((bytes, before("dir/large")), (9 << 20, 0));
}

fn tracker_before(workspace: &Workspace, path: &str) -> u64 {
    workspace.tracker().before("app", path, true, false).map_or(0, |wait| block_on(wait).unwrap())
}

#[test]
fn of_a_rename_all_is_counted_that_is_gone_through() {
    let place = Place::new();
    fs::create_dir(place.at("app/dir")).unwrap();
    (0..50).for_each(|index| fs::write(place.at(&format!("app/dir/{index}")), "x").unwrap());
    let workspace = place.open();
    let moved = || block_on(workspace.tracker().before_move(("app", "dir"), ("app", "moved"))).unwrap().1;
    assert_eq!(moved(), 102, "where each was and where it comes to be");
    for index in 0..50 {
        place.guest(&workspace, &format!("app/dir/{index}"), |at| fs::remove_file(at).unwrap());
    }
    place.guest_writes(&workspace, "app/dirty", "beside it");
    let after = moved();
    assert!((52..=102).contains(&after), "what is there no more is looked at all the same: {after}");
}

#[test]
fn only_what_the_guest_touched_is_recorded() {
    let place = Place::new();
    fs::write(place.at("app/theirs.txt"), "one").unwrap();
    let mut workspace = place.open();
    assert!(workspace.manifest().0.is_empty() && workspace.record().is_none());
    place.guest(&workspace, "app/dir", |at| fs::create_dir(at).unwrap());
    place.guest_writes(&workspace, "app/dir/a", "a");
    place.guest_writes(&workspace, "tmp/b", "b");
    fs::write(place.at("app/theirs too"), "two").unwrap();
    let capture = workspace.record().unwrap();
    assert_eq!(capture.names("app", 9, 99).created, ["dir/a"]);
    let Named { created, unnamed, .. } = capture.names("app", 9, 4);
    assert!(created.is_empty() && unnamed == 1);
    let (_, changes) = capture.wait();
    assert_eq!(changes.set.keys().collect::<Vec<_>>(), ["app/dir", "app/dir/a", "tmp/b"]);
    assert!(changes.gone.is_empty() && changes.before.is_empty());
    place.guest(&workspace, "tmp/b", |at| fs::remove_file(at).unwrap());
    assert_eq!(recorded(&mut workspace).unwrap().gone, ["tmp/b"]);
    // What comes and goes within a cell is nothing.
    place.guest_writes(&workspace, "app/passing", "x");
    place.guest(&workspace, "app/passing", |at| fs::remove_file(at).unwrap());
    assert!(workspace.record().is_none());
}

fn mode(at: &Path) -> u32 {
    fs::symlink_metadata(at).unwrap().mode() & 0o7777
}

fn set_mode(at: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(at, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_comes_back_is_as_private_as_it_was() {
    for wanted in [0o700, 0o1770, 0o755, 0o2750] {
        let place = Place::new();
        fs::create_dir(place.at("app/private")).unwrap();
        fs::write(place.at("app/private/diary"), "secret").unwrap();
        set_mode(&place.at("app/private"), wanted);
        let remove = |workspace: &Workspace| {
            place.guest(workspace, "app/private/diary", |at| fs::remove_file(at).unwrap());
            place.guest(workspace, "app/private", |at| fs::remove_dir(at).unwrap());
        };
        let mut workspace = place.open();
        let mut history = persons::History::new(&workspace);
        remove(&workspace);
        assert!(workspace.roll_back().unwrap().is_empty());
        assert_eq!(
            (mode(&place.at("app/private")), text(&place.at("app/private/diary"))),
            (wanted, "secret".to_owned())
        );
        remove(&workspace);
        history.record(&mut workspace);
        // Another one of the same name, as the guest makes it.
        place.guest(&workspace, "app/private", |at| {
            fs::create_dir(at).unwrap();
            set_mode(at, 0o751);
        });
        history.record(&mut workspace);
        assert!(history.go(&mut workspace, 0).is_empty());
        assert_eq!(
            (mode(&place.at("app/private")), text(&place.at("app/private/diary"))),
            (wanted, "secret".to_owned())
        );
        assert!(history.go(&mut workspace, 2).is_empty());
        assert_eq!((mode(&place.at("app/private")), place.at("app/private/diary").exists()), (0o751, false));
    }
}

#[test]
fn a_directory_that_was_removed_and_made_in_one_cell_comes_back_as_it_was() {
    let place = Place::new();
    fs::create_dir(place.at("app/private")).unwrap();
    set_mode(&place.at("app/private"), 0o700);
    let mut workspace = place.open();
    let mut history = persons::History::new(&workspace);
    place.guest(&workspace, "app/private", |at| fs::remove_dir(at).unwrap());
    place.guest(&workspace, "app/private", |at| {
        fs::create_dir(at).unwrap();
        set_mode(at, 0o755);
    });
    history.record(&mut workspace);
    assert!(history.go(&mut workspace, 0).is_empty());
    assert_eq!(mode(&place.at("app/private")), 0o700);
}

#[test]
fn the_mode_of_a_directory_that_an_earlier_version_recorded_is_left_alone() {
    let place = Place::new();
    let old: Manifest = serde_json::from_str(r#"{"app/dir": {"kind": "dir"}, "app/other": {"kind": "dir"}}"#).unwrap();
    assert!(serde_json::to_string(&old).unwrap().contains(r#"{"kind":"dir"}"#), "as it was");
    fs::create_dir(place.at("app/dir")).unwrap();
    set_mode(&place.at("app/dir"), 0o710);
    let mut workspace = place.open();
    workspace.take_over(&old);
    assert_eq!(workspace.manifest().0.keys().collect::<Vec<_>>(), ["app/dir"]);
    assert!(workspace.go(&old, &Past::default(), NEW).unwrap().is_empty());
    assert_eq!(mode(&place.at("app/dir")), 0o710);
    assert!(place.at("app/other").is_dir());
    // And goes with the state.
    let mut history = persons::History::new(&workspace);
    place.guest(&workspace, "app/dir", |at| fs::remove_dir(at).unwrap());
    history.record(&mut workspace);
    assert!(history.states[1].1.before.is_empty(), "nobody has changed it");
    assert!(history.go(&mut workspace, 0).is_empty());
    assert!(place.at("app/dir").is_dir());
}

#[test]
fn a_file_never_comes_back_with_the_rights_of_its_owner() {
    let place = Place::new();
    fs::write(place.at("app/tool"), "#!").unwrap();
    set_mode(&place.at("app/tool"), 0o6755);
    let workspace = place.open();
    place.guest(&workspace, "app/tool", |at| fs::remove_file(at).unwrap());
    let mut workspace = workspace;
    workspace.roll_back().unwrap();
    assert_eq!(mode(&place.at("app/tool")), 0o755);
}

#[test]
fn what_another_kernel_is_about_to_put_back_is_left_alone_and_what_a_crash_left_is_not() {
    let place = Place::new();
    let dir = cap_std::fs::Dir::open_ambient_dir(place.at("app"), cap_std::ambient_authority()).unwrap();
    let mut staging = staging::Staging::new(&dir).unwrap();
    let (_, staged) = staging.file().unwrap();
    let left = place.at(&format!("app/.cellblock-restore-{}", "a".repeat(32)));
    fs::create_dir(&left).unwrap();
    drop(place.open());
    assert!(!left.exists());
    staging.move_out(&staged, &dir, "file").unwrap();
    drop(staging);
    assert_eq!(place.tree().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["app/file"]);
}

#[test]
fn a_second_write_within_a_tick_is_found() {
    let place = Place::new();
    let mut workspace = place.open();
    for round in 0..200_u8 {
        place.guest_writes(&workspace, "app/a", [round; 10]);
        assert!(recorded(&mut workspace).is_some_and(|changes| changes.set.len() == 1), "round {round}");
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
    assert_eq!([before, soon, later].map(|now| scan::settled(stamp, now)), [false, false, true]);
    stamp.ctime.1 = 0;
    assert_eq!([later, much_later].map(|now| scan::settled(stamp, now)), [false, true]);
}

#[test]
fn a_large_content_is_the_same_after_a_detour() {
    let place = Place::new();
    let large: Vec<u8> = (0..3_500_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut workspace = place.open();
    place.guest_writes(&workspace, "app/large", &large);
    recorded(&mut workspace);
    let first = workspace.manifest();
    place.guest_writes(&workspace, "app/large", "small");
    recorded(&mut workspace);
    assert!(workspace.go(&first, &Past::default(), NEW).unwrap().is_empty());
    assert!(fs::read(place.at("app/large")).unwrap() == large);
}

#[test]
fn a_hole_stays_one_on_the_way_to_the_record_and_back_and_nobody_reads_it() {
    // Which takes an hour to read.
    const SIZE: u64 = 4 << 40;
    let place = Place::new();
    let mut workspace = place.open_with(Quota { bytes: 5 << 40, files: 9 });
    place.guest(&workspace, "app/sparse", |at| {
        use std::os::unix::fs::FileExt;
        let file = fs::File::create(at).unwrap();
        file.set_len(SIZE).unwrap();
        file.write_all_at(b"in the midst", 300 << 20).unwrap();
    });
    let changes = recorded(&mut workspace).unwrap();
    let first = workspace.manifest();
    let Some(Entry::File { sha256, size: SIZE, .. }) = changes.set.get("app/sparse") else { panic!("{changes:?}") };
    let blob = place.at("blobs").join(sha256);
    place.guest(&workspace, "app/sparse", |at| fs::remove_file(at).unwrap());
    recorded(&mut workspace);
    workspace.go(&first, &Past::default(), NEW).unwrap();
    for path in [blob, place.at("app/sparse")] {
        let metadata = path.metadata().unwrap();
        assert_eq!(metadata.len(), SIZE);
        assert!(metadata.blocks() < 1024, "{} blocks", metadata.blocks());
    }
}

#[test]
fn a_restored_file_is_a_new_one_and_an_unchanged_one_is_left() {
    let place = Place::new();
    let mut workspace = place.open();
    for name in ["app/changed", "app/same"] {
        place.guest_writes(&workspace, name, "before");
    }
    recorded(&mut workspace);
    let first = workspace.manifest();
    place.guest_writes(&workspace, "app/changed", "after");
    recorded(&mut workspace);
    let inode = |name: &str| place.at(name).metadata().unwrap().ino();
    let held = fs::File::open(place.at("app/changed")).unwrap();
    let before = inode("app/same");
    workspace.go(&first, &Past::default(), NEW).unwrap();
    assert_ne!(inode("app/changed"), held.metadata().unwrap().ino());
    assert_eq!(inode("app/same"), before);
    assert_eq!(fs::read_dir(place.at("app")).unwrap().count(), 2, "nothing temporary is left");
}

#[test]
fn a_bad_blob_is_found_before_anything_is_changed() {
    let place = Place::new();
    let mut workspace = place.open();
    place.guest_writes(&workspace, "app/a", "first content");
    place.guest_writes(&workspace, "app/b", "second content");
    recorded(&mut workspace);
    let first = workspace.manifest();
    for name in ["app/a", "app/b"] {
        place.guest_writes(&workspace, name, format!("{name} changed"));
    }
    place.guest_writes(&workspace, "app/new", "new");
    recorded(&mut workspace);
    let tree = place.tree();
    let Entry::File { sha256, .. } = &first.0["app/b"] else { panic!("a file") };
    let blob = place.at("blobs").join(sha256);
    let good = fs::read(&blob).unwrap();
    let mut flipped = good.clone();
    flipped[3] ^= 1;
    fs::remove_dir_all(place.at("held/contents")).unwrap();
    for bad in [Some(&flipped[..]), Some(&good[..5]), None] {
        fs::remove_file(&blob).unwrap_or_default();
        if let Some(bad) = bad {
            fs::write(&blob, bad).unwrap();
        }
        let error = workspace.go(&first, &Past::default(), NEW).unwrap_err();
        assert!(matches!(&error, WorkspaceError::Blob { path, .. } if path == "app/b"), "{error}");
        assert_eq!(place.tree(), tree);
    }
    fs::write(&blob, good).unwrap();
    workspace.go(&first, &Past::default(), NEW).unwrap();
    assert_eq!(text(&place.at("app/b")), "second content");
}

#[test]
fn links_are_neither_followed_nor_recorded_nor_removed() {
    let place = Place::new();
    fs::create_dir_all(place.at("outside/sub")).unwrap();
    fs::write(place.at("outside/secret"), "secret").unwrap();
    let mut workspace = place.open();
    let first = workspace.manifest();
    place.guest(&workspace, "app/dir", |at| fs::create_dir(at).unwrap());
    place.guest_writes(&workspace, "app/dir/file", "x");
    symlink(place.at("outside/secret"), place.at("app/dir/link")).unwrap();
    symlink(place.at("outside"), place.at("app/linked")).unwrap();
    let changes = recorded(&mut workspace).unwrap();
    assert_eq!(changes.set.keys().collect::<Vec<_>>(), ["app/dir", "app/dir/file"]);
    let second = workspace.manifest();
    workspace.go(&first, &Past::default(), NEW).unwrap();
    assert!(!place.at("app/dir/file").exists());
    assert!(place.at("app/dir/link").is_symlink() && place.at("app/linked").is_symlink());
    // A directory that became a link: what is behind it is not touched.
    fs::remove_file(place.at("app/dir/link")).unwrap();
    fs::remove_dir(place.at("app/dir")).unwrap();
    symlink(place.at("outside"), place.at("app/dir")).unwrap();
    let kept = workspace.go(&second, &Past::default(), NEW).unwrap();
    assert_eq!(kept, ["app/dir", "app/dir/file"]);
    assert!(!place.at("outside/file").exists() && place.at("outside/secret").exists());
}

#[test]
fn a_file_behind_a_link_within_the_workspace_is_taken_back_where_it_is() {
    let place = Place::new();
    fs::create_dir(place.at("app/real")).unwrap();
    fs::write(place.at("app/real/file"), "theirs").unwrap();
    symlink("real", place.at("app/by")).unwrap();
    symlink("real/file", place.at("app/direct")).unwrap();
    let mut workspace = place.open();
    for path in ["app/by/file", "app/direct"] {
        place.guest_writes(&workspace, path, "the guest's");
        assert_eq!(workspace.roll_back().unwrap(), [""; 0]);
        assert_eq!(text(&place.at("app/real/file")), "theirs");
        assert!(place.at("app/direct").is_symlink());
    }
}

#[test]
fn lists_of_files_that_no_workspace_had_are_refused() {
    let place = Place::new();
    let mut workspace = place.open_with(Quota { bytes: 100, files: 100 });
    let file = |size| Entry::File { sha256: "0".repeat(64), size, mode: 0o644, mtime_ns: 0 };
    let mut go = |manifest| workspace.go(&manifest, &Past::default(), NEW).unwrap_err();
    let deep = format!("app{}", "/d".repeat(65));
    for path in ["app", "app/", "other/x", "/app/x", "app/../x", "app/./x", "app//x", "app/a\0b", &deep, ""] {
        let error = go(Manifest([(path.to_owned(), file(1))].into()));
        assert!(matches!(error, WorkspaceError::Manifest { .. }), "{path}: {error}");
    }
    let within = Manifest([("app/x".to_owned(), file(1)), ("app/x/y".to_owned(), file(1))].into());
    assert!(matches!(go(within), WorkspaceError::Manifest { .. }));
    let mut bad = Manifest([("app/x".to_owned(), file(101))].into());
    assert!(matches!(go(bad.clone()), WorkspaceError::Quota { .. }));
    bad.0.insert("app/y".to_owned(), file(u64::MAX));
    assert!(matches!(go(bad), WorkspaceError::Quota { .. }));
    for sha256 in ["../../etc/passwd", "", &"F".repeat(64)] {
        let entry = Entry::File { sha256: sha256.to_owned(), size: 1, mode: 0o644, mtime_ns: 0 };
        let error = go(Manifest([("app/x".to_owned(), entry)].into()));
        assert!(matches!(error, WorkspaceError::Manifest { .. }), "{error}");
    }
}

#[test]
fn what_a_crash_left_behind_is_cleaned_up() {
    let place = Place::new();
    let left = place.at("app/.cellblock-restore-0123456789abcdef0123456789abcdef");
    fs::create_dir_all(left.join("1/2")).unwrap();
    fs::write(left.join("1/2/file"), "x").unwrap();
    place.open();
    assert!(!left.exists());
}

#[test]
fn another_workspace_takes_over_from_the_same_blobs() {
    let place = Place::new();
    let mut workspace = place.open();
    place.guest_writes(&workspace, "app/a", "content");
    recorded(&mut workspace);
    let first = workspace.manifest();
    drop(workspace);
    fs::remove_dir_all(place.at("app")).unwrap();
    fs::create_dir(place.at("app")).unwrap();
    let mut again = place.open();
    let json = serde_json::to_string(&first).unwrap();
    again.take_over(&first);
    let elsewhere = ListingOrigin { place: "elsewhere", generation: u64::MAX };
    assert!(again.go(&serde_json::from_str(&json).unwrap(), &Past::default(), elsewhere).unwrap().is_empty());
    assert_eq!(text(&place.at("app/a")), "content");
    assert!(again.record().is_none());
}

#[test]
fn contents_that_nobody_needs_are_removed() {
    let place = Place::new();
    let mut workspace = place.open();
    place.guest_writes(&workspace, "app/a", "kept");
    recorded(&mut workspace);
    let first = workspace.manifest();
    place.guest_writes(&workspace, "app/a", "dropped!");
    recorded(&mut workspace);
    let blobs = Blobs::open(&place.at("blobs")).unwrap();
    blobs.sync(workspace.manifest().hashes().iter().map(String::as_str)).unwrap();
    assert_eq!(blobs.retain(&first.hashes()).unwrap(), 8);
    workspace.go(&first, &Past::default(), NEW).unwrap();
    assert_eq!(text(&place.at("app/a")), "kept");
}

#[test]
fn a_guest_that_goes_on_with_a_file_waits_until_it_is_recorded() {
    let place = Place::new();
    let workspace = place.open();
    place.guest_writes(&workspace, "app/a", "recorded");
    let tracker = workspace.tracker().clone();
    let capture = tracker.seal().unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = Box::pin(tracker.before("app", "a", true, false).unwrap());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    // Any other file can be written to.
    place.guest_writes(&workspace, "app/b", "at once");
    tracker.record(&capture.0);
    assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    assert!(capture.is_recorded() && capture.wait().1.set.contains_key("app/a"));
}
